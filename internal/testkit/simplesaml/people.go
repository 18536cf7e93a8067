package simplesaml

import "maps"

// Password is everybody's.
const Password = "salasana"

// A Person can sign in at a provider.
type Person struct {
	User       string
	Level      string              // AuthnContextClassRef
	Status     string              // what the provider answers with instead of the person; "" for none
	Attributes map[string][]string // by the names on the wire
}

// all is what SimpleSAMLphp is told of the person.
func (p Person) all() map[string][]string {
	a := maps.Clone(p.Attributes)
	if a == nil {
		a = map[string][]string{}
	}
	a["uid"], a["level"] = []string{p.User}, []string{p.Level}
	if p.Status != "" {
		a["status"] = []string{statusPrefix + p.Status}
	}
	return a
}

const (
	statusPrefix = "urn:oasis:names:tc:SAML:2.0:status:"
	substantial  = "http://ftn.ficora.fi/2017/loa2"
	high         = "http://ftn.ficora.fi/2017/loa3"
	testMethod   = "urn:oid:1.2.246.517.3002.110.999"
	eidasLevel   = "http://eidas.europa.eu/LoA/substantial"
	passwordOnly = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	smartcard    = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"
)

// A Profile is how a provider behaves and whom it knows.
type Profile struct {
	Name       string   // as shown
	Scopes     []string // home organisations it may speak for
	GCM        bool     // encrypts with AES-GCM, else with AES-CBC
	Frames     bool     // ends sessions everywhere in hidden frames, else one after the other
	Persistent bool     // gives people lasting names
	People     []Person
}

// SuomiFi is Suomi.fi-tunnistus: the published test persons, by user "nordea",
// "tavallinen", "posti", "pitka", "ulkomailla", "turvakielto" and "kuollut", whom
// the population register refuses; "eidas", who came by another country's means,
// and "vieras" by the Finnish Authenticator; "testi" by the test identifier;
// "peru", who gives up, "eikeinoa", whose method there is not, and "evatty".
func SuomiFi() Profile {
	return Profile{Name: "Suomi.fi-tunnistus", GCM: true, Frames: true, People: []Person{
		finn("nordea", "210281-9988", "Nordea", "Demo", substantial),
		finn("tavallinen", "010280-952L", "Tessa", "Testilä", high),
		withMail(finn("posti", "010675-9981", "Pirkko", "Posti", substantial), "pirkko.posti@example.fi"),
		finn("pitka", "261298-998X", "Maija-Liisa Anneli Kristiina", "von Pitkäniminen-Äyräväinen", substantial),
		finn("ulkomailla", "040265-9985", "Ulla", "Ulkomaa", substantial),
		finn("turvakielto", "260991-999R", "Tiina", "Turva", substantial),
		finn("testi", "010469-999W", "Tero", "Testi", testMethod),
		{User: "kuollut", Level: substantial, Status: "AuthnFailed"},
		{User: "peru", Level: substantial, Status: "AuthnFailed"},
		{User: "eikeinoa", Level: substantial, Status: "NoAuthnContext"},
		{User: "evatty", Level: substantial, Status: "RequestDenied"},
		{User: "eidas", Level: eidasLevel, Attributes: map[string][]string{
			"http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier":  {"SE/FI/197001011234"},
			"http://eidas.europa.eu/attributes/naturalperson/CurrentGivenName":  {"Astrid Märta"},
			"http://eidas.europa.eu/attributes/naturalperson/CurrentFamilyName": {"Ek"},
			"http://eidas.europa.eu/attributes/naturalperson/DateOfBirth":       {"1970-01-01"},
		}},
		{User: "vieras", Level: substantial, Attributes: map[string][]string{
			"urn:oid:1.2.246.517.3002.111.17":   {"F1234567890"},
			"urn:oid:1.2.246.517.3002.111.17.1": {"http://eidas.europa.eu/LoA/low"},
			"urn:oid:2.5.4.42":                  {"Omar"},
			"urn:oid:2.5.4.4":                   {"Haddad"},
			"urn:oid:1.2.246.517.3002.111.2":    {"false"},
		}},
	}}
}

func finn(user, code, given, family, level string) Person {
	return Person{User: user, Level: level, Attributes: map[string][]string{
		"urn:oid:1.2.246.21":                {code},
		"urn:oid:2.5.4.3":                   {family + " " + given},
		"urn:oid:2.16.840.1.113730.3.1.241": {given + " " + family},
		"urn:oid:2.5.4.42":                  {given},
		"urn:oid:2.5.4.4":                   {family},
		"urn:oid:1.2.246.517.3002.111.2":    {"true"},
		"urn:oid:1.2.246.517.3002.111.5":    {"token"},
	}}
}

func withMail(p Person, address string) Person {
	p.Attributes["urn:oid:0.9.2342.19200300.100.1.3"] = []string{address}
	return p
}

// Home is a home organisation of Virtu, such as "thl.fi": its officers "virve"
// and "kalle", and "huijari", who says he is from another one.
func Home(organisation string) Profile {
	officer := func(user, given, family, home string) Person {
		return Person{User: user, Level: passwordOnly, Attributes: map[string][]string{
			"urn:oid:1.3.6.1.4.1.31350.1.8":     {user},
			"urn:oid:1.3.6.1.4.1.31350.1.5":     {home},
			"urn:oid:2.5.4.3":                   {given + " " + family},
			"urn:oid:2.5.4.42":                  {given},
			"urn:oid:2.5.4.4":                   {family},
			"urn:oid:0.9.2342.19200300.100.1.3": {user + "@" + home},
			"urn:oid:2.5.4.10":                  {home},
		}}
	}
	return Profile{Name: organisation, Scopes: []string{organisation}, People: []Person{
		officer("virve", "Virve", "Virkanen", organisation),
		officer("kalle", "Kalle", "Käsittelijä", organisation),
		officer("huijari", "Harri", "Huijari", "muu.fi"),
	}}
}

// Portti is the rescue departments': "pekka" and "sanna" of "helsinki.pelastus.fi"
// and "turku.pelastus.fi", with smart cards.
func Portti() Profile {
	officer := func(user, given, family, station, lang string) Person {
		return Person{User: user, Level: smartcard, Attributes: map[string][]string{
			"urn:oid:2.5.4.10":                  {station},
			"urn:oid:2.16.840.1.113730.3.1.241": {given + " " + family},
			"urn:oid:2.5.4.42":                  {given},
			"urn:oid:2.5.4.4":                   {family},
			"urn:oid:0.9.2342.19200300.100.1.3": {user + "@" + station},
			"urn:oid:2.16.840.1.113730.3.1.39":  {lang},
		}}
	}
	return Profile{Name: "Portti", Persistent: true, GCM: true, Scopes: []string{"helsinki.pelastus.fi", "turku.pelastus.fi"}, People: []Person{
		officer("pekka", "Pekka", "Palonen", "helsinki.pelastus.fi", "fi"),
		officer("sanna", "Sanna", "Sammuttaja", "turku.pelastus.fi", "sv"),
	}}
}
