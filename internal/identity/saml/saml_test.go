package saml_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

const (
	entity  = "https://luvat.example/saml/suomifi"
	acs     = "https://luvat.example/saml/suomifi/acs"
	slo     = "https://luvat.example/saml/suomifi/slo"
	suomifi = "https://tunnistus.example/idp1"
	idpSSO  = "https://tunnistus.example/idp/profile/SAML2/Redirect/SSO"
	idpSLO  = "https://tunnistus.example/idp/profile/SAML2/Redirect/SLO"
)

var now = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

var keys struct{ idp, other, sign, next, encrypt, old, metadata, authority, small *saml.Pair }

func init() {
	for name, to := range map[string]**saml.Pair{
		"idp": &keys.idp, "other": &keys.other, "sign": &keys.sign, "next": &keys.next, "encrypt": &keys.encrypt, "old": &keys.old,
		"metadata": &keys.metadata, "authority": &keys.authority, "small": &keys.small,
	} {
		file := filepath.Join("testdata", "keys", name+".pem")
		pair, err := saml.ReadPair(saml.PairFile{Certificate: file, Key: file})
		if err != nil {
			panic(err)
		}
		*to = &pair
	}
}

// seen remembers assertions in a map.
type seen struct {
	mu   sync.Mutex
	used map[string]time.Time
	err  error
}

func (s *seen) Seen(_ context.Context, id string, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, was := s.used[id]
	s.used[id] = until
	return was, s.err
}

// A bench is a connection with a clock and what it logs.
type bench struct {
	*saml.Provider
	t    testing.TB
	now  time.Time
	seen *seen
	log  *bytes.Buffer
	file string // the metadata of the identity provider
}

func about() saml.About {
	return saml.About{
		Name:             i18n.Text{FI: "Luvat ja valvonta", SV: "Tillstånd och tillsyn", EN: "Permits and Supervision"},
		Description:      i18n.Text{FI: "Luvat yhdestä paikasta", SV: "Tillstånden från ett ställe", EN: "Permits from one place"},
		Privacy:          i18n.Text{FI: "https://luvat.example/tietosuoja", SV: "https://luvat.example/sv/dataskydd", EN: "https://luvat.example/en/privacy"},
		Logo:             saml.Logo{URL: "https://luvat.example/logo.png", Width: 80, Height: 60},
		Organisation:     i18n.Text{FI: "Virasto", SV: "Ämbetsverket", EN: "Agency"},
		OrganisationPage: i18n.Text{FI: "https://virasto.example", SV: "https://virasto.example/sv", EN: "https://virasto.example/en"},
		Contacts: []saml.Contact{
			{Type: "technical", GivenName: "Tuki", FamilyName: "Palvelu", Email: "tuki@luvat.example"},
			{Type: "support", Company: "Virasto", Email: "apu@luvat.example", Phone: "+358 9 123 4567"},
		},
	}
}

// connect returns a connection of the kind of Suomi.fi-tunnistus.
func connect(t testing.TB, change ...func(*saml.Config)) *bench {
	t.Helper()
	b := &bench{t: t, now: now, seen: &seen{used: map[string]time.Time{}}, log: &bytes.Buffer{}, file: filepath.Join(t.TempDir(), "idp.xml")}
	b.publish(suomifiMetadata().xml(t))
	c := saml.SuomiFi()
	c.EntityID, c.ACS, c.SLO = entity, acs, slo
	c.Keys = func() (saml.Keys, error) {
		return saml.Keys{Signing: []saml.Pair{*keys.sign}, Encryption: []saml.Pair{*keys.encrypt, *keys.old}}, nil
	}
	c.Source = saml.Source{File: b.file, Signer: saml.Signer{Certificates: pinned(keys.small, keys.metadata)}}
	c.Homes = []saml.Home{{EntityID: suomifi}}
	c.About = about()
	c.Replays = b.seen
	c.Now = func() time.Time { return b.now }
	c.Log = slog.New(slog.NewTextHandler(b.log, nil))
	for _, f := range change {
		f(&c)
	}
	p, err := saml.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Provider = p
	return b
}

func (b *bench) publish(metadata []byte) {
	b.t.Helper()
	if err := os.WriteFile(b.file, metadata, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// begin begins a sign-in and returns the memo and the ID of the request.
func (b *bench) begin(how ...identity.Beginning) (memo []byte, request string) {
	b.t.Helper()
	beginning := identity.Beginning{State: "state-1", Lang: i18n.FI}
	if len(how) > 0 {
		beginning = how[0]
	}
	address, memo, err := b.Begin(b.t.Context(), beginning)
	if err != nil {
		b.t.Fatal(err)
	}
	_, el := unpack(b.t, address, "SAMLRequest")
	return memo, el.SelectAttrValue("ID", "")
}

// finish posts a response.
func (b *bench) finish(memo, response []byte) (identity.Assertion, error) {
	b.t.Helper()
	return b.Finish(b.t.Context(), memo, post(acs, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {"state-1"}}))
}

// take is a whole sign-in with an answer, changed.
func (b *bench) take(change func(*answer)) (identity.Assertion, error) {
	b.t.Helper()
	memo, request := b.begin()
	a := good(request)
	if change != nil {
		change(&a)
	}
	return b.finish(memo, a.xml(b.t))
}

func post(address string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// unpack reads the message of a redirect.
func unpack(t testing.TB, address, kind string) (url.Values, *etree.Element) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(u.Query().Get(kind))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query(), parse(t, plain)
}

// refused checks that nobody came in, why, and that nothing personal was told.
func (b *bench) refused(a identity.Assertion, err error, why identity.Why, cause string) {
	b.t.Helper()
	refusal, ok := errors.AsType[*identity.Refusal](err)
	if !ok {
		b.t.Fatalf("no refusal but %v, for %q", err, cause)
	}
	if refusal.Why != why || refusal.Cause.Error() != cause {
		b.t.Errorf("refused as %s, want %s: %s", refusal, why, cause)
	}
	if a != (identity.Assertion{}) {
		b.t.Error("a refusal brings somebody all the same")
	}
	b.silent(err)
}

// silent checks that neither the error nor the log tells of a person.
func (b *bench) silent(err error) {
	b.t.Helper()
	told := b.log.String()
	if err != nil {
		told += err.Error()
	}
	for _, secret := range []string{maija, attacker, "Demo", "Nordea", "nordea@", "AAdzZWNyZXQx", "_session", "_assertion", "evil"} {
		if strings.Contains(told, secret) {
			b.t.Errorf("%q was told: %s", secret, told)
		}
	}
}

func TestSignIn(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config func(*saml.Config)
		change func(*answer)
	}{
		{"as Suomi.fi-tunnistus: signed twice, encrypted with AES-256-GCM", nil, nil},
		{"AES-128-GCM", nil, func(a *answer) { a.cipher = saml.AES128GCM }},
		{"AES-192-GCM", nil, func(a *answer) { a.cipher = saml.AES192GCM }},
		{"encrypted for an old key", nil, func(a *answer) { a.encryptFor = keys.old.Certificate }},
		{"RSA-SHA512", nil, func(a *answer) { a.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" }},
		{"AES-256-CBC where it is allowed", lenient, func(a *answer) { a.cipher = saml.AES256CBC }},
		{"AES-128-CBC where it is allowed", lenient, func(a *answer) { a.cipher = saml.AES128CBC }},
		{"only the assertion signed, where that is enough", lenient, func(a *answer) { a.signsResponse = nil }},
		{"not encrypted, where that is enough", lenient, func(a *answer) { a.cipher = "" }},
		{"neither, and attributes before the authentication, as ADFS has them", lenient, func(a *answer) {
			a.cipher, a.signsResponse = "", nil
			a.inside = func(el *etree.Element) {
				authn := el.SelectElement("AuthnStatement")
				el.RemoveChild(authn)
				el.AddChild(authn)
			}
		}},
		{"without KeyInfo", nil, func(a *answer) {
			drop := func(el *etree.Element) {
				sig := el.SelectElement("Signature")
				sig.RemoveChild(sig.SelectElement("KeyInfo"))
			}
			a.sealed, a.around = drop, nil
			a.outside = drop
		}},
		{"the clock of the provider is a minute fast", nil, func(a *answer) {
			a.issued, a.from, a.authenticated = now.Add(time.Minute), now.Add(time.Minute), now.Add(time.Minute)
		}},
		{"the clock of the provider is nearly a minute slow", nil, func(a *answer) {
			a.from, a.issued, a.until, a.confirmedUntil = now.Add(-6*time.Minute), now.Add(-time.Minute), now.Add(-time.Minute+time.Millisecond), now.Add(-time.Minute+time.Millisecond)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			if tt.config != nil {
				b = connect(t, tt.config)
			}
			got, err := b.take(tt.change)
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Assertion{
				Issuer: suomifi, PersonalCode: maija, Name: "Nordea Demo", GivenName: "Nordea", FamilyName: "Demo", Email: "nordea@demo.example",
				Level: saml.FinnishSubstantial, At: got.At,
				Session: identity.ProviderSession{NameID: "AAdzZWNyZXQx", SPQualifier: entity, Format: saml.Transient, SessionIndex: "_session"},
			}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if got.At.Sub(now).Abs() > time.Minute {
				t.Errorf("authenticated at %s", got.At)
			}
			b.silent(nil)
		})
	}
}

// lenient takes what Virtu's home organisations may send.
func lenient(c *saml.Config) { c.Ciphers, c.Encrypted, c.SignedResponse = nil, false, false }

func TestForeignPersons(t *testing.T) {
	const id = "SE/FI/197001011234"
	for _, tt := range []struct {
		name          string
		change        func(*answer)
		code, foreign string
		shown         string
	}{
		{"by another country's means", func(a *answer) {
			a.level = saml.EIDASSubstantial
			a.attributes = []attribute{
				{"http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier", []string{id}},
				{"http://eidas.europa.eu/attributes/naturalperson/CurrentGivenName", []string{"Astrid"}},
				{"http://eidas.europa.eu/attributes/naturalperson/CurrentFamilyName", []string{"Ek"}},
				{"http://eidas.europa.eu/attributes/naturalperson/DateOfBirth", []string{"1970-01-01"}},
			}
		}, "", id, "Astrid Ek"},
		{"with a personal code beside: the means count", func(a *answer) {
			a.set("http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier", id)
		}, "", id, "Nordea Demo"},
		{"by the Finnish Authenticator", func(a *answer) {
			a.remove("urn:oid:1.2.246.21")
			a.set("urn:oid:1.2.246.517.3002.111.17", "F-1")
		}, "", "F-1", "Nordea Demo"},
		{"by the Finnish Authenticator, with a personal code", func(a *answer) {
			a.set("urn:oid:1.2.246.517.3002.111.17", "F-1")
		}, maija, "", "Nordea Demo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := connect(t).take(tt.change)
			if err != nil {
				t.Fatal(err)
			}
			if a.PersonalCode != tt.code || a.ForeignID != tt.foreign || a.Name != tt.shown {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestWhoIsNotKnown(t *testing.T) {
	for _, tt := range []struct {
		name, cause string
		change      func(*answer)
	}{
		{"nothing tells who", "no attribute tells who the person is", func(a *answer) { a.remove("urn:oid:1.2.246.21") }},
		{"no attributes at all", "no attribute tells who the person is", func(a *answer) { a.attributes = nil }},
		{"not verified from the register", "the person was not verified from the population register", func(a *answer) {
			a.set("urn:oid:1.2.246.517.3002.111.2", "false")
		}},
		{"nothing said of the register", "the person was not verified from the population register", func(a *answer) {
			a.remove("urn:oid:1.2.246.517.3002.111.2")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			a, err := b.take(tt.change)
			b.refused(a, err, identity.NotKnown, tt.cause)
		})
	}
}

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		status []string
		why    identity.Why
		cause  string
	}{
		{[]string{"Responder", "AuthnFailed"}, identity.Cancelled, "status AuthnFailed: the person came back without identity"},
		{[]string{"Requester", "RequestDenied"}, identity.TooOld, "status RequestDenied"},
		{[]string{"Requester", "NoAuthnContext"}, identity.NotPossible, "status NoAuthnContext"},
		{[]string{"Responder", "NoPassive"}, identity.NotSilent, "status NoPassive"},
		{[]string{"Requester", "InvalidNameIDPolicy"}, identity.NotPossible, "status InvalidNameIDPolicy"},
		{[]string{"Requester", "RequestUnsupported"}, identity.NotPossible, "status RequestUnsupported"},
		{[]string{"VersionMismatch"}, identity.NotPossible, "status VersionMismatch"},
		{[]string{"Responder", "UnknownPrincipal"}, identity.NotKnown, "status UnknownPrincipal"},
		{[]string{"Responder", "NoAvailableIDP"}, identity.NotThere, "status NoAvailableIDP or NoSupportedIDP"},
		{[]string{"Responder"}, identity.NotThere, "status Responder, without a reason that is known"},
		{[]string{"Responder", "Other"}, identity.NotThere, "status Responder, without a reason that is known"},
		{[]string{"Requester"}, identity.NotPossible, "status Requester, without a reason that is known"},
		{[]string{"Other"}, identity.NotPossible, "a status that is not known"},
	} {
		t.Run(strings.Join(tt.status, " "), func(t *testing.T) {
			b := connect(t)
			a, err := b.take(func(a *answer) { a.status, a.noAssertion = tt.status, true })
			b.refused(a, err, tt.why, tt.cause)
			a, err = b.take(func(a *answer) { a.status = tt.status }) // an assertion beside makes no difference
			b.refused(a, err, tt.why, tt.cause)
		})
	}
}

// TestStepUp: who was asked to authenticate anew and did not is refused, even
// when the provider says it is well.
func TestStepUp(t *testing.T) {
	b := connect(t)
	for _, tt := range []struct {
		authenticated time.Time
		ok            bool
	}{{now.Add(-time.Hour), false}, {now.Add(-time.Minute), true}, {now, true}} {
		memo, request := b.begin(identity.Beginning{State: "s", Anew: true})
		a := good(request)
		a.authenticated, a.id = tt.authenticated, "_"+tt.authenticated.String()[:10]+tt.authenticated.Format("150405")
		got, err := b.finish(memo, a.xml(t))
		if tt.ok {
			if err != nil || got.PersonalCode != maija {
				t.Errorf("authenticated at %s: %v", tt.authenticated, err)
			}
			continue
		}
		b.refused(got, err, identity.NotAnew, "the person did not authenticate anew, as was asked")
	}
}

// TestTheHubsOwnErrors are no refusals: a broken memo, a database that is down.
func TestTheHubsOwnErrors(t *testing.T) {
	b := connect(t)
	_, request := b.begin()
	for _, memo := range []string{"", "{}", `{"id":""}`, "null"} {
		_, err := b.finish([]byte(memo), good(request).xml(t))
		if _, ok := errors.AsType[*identity.Refusal](err); ok || err == nil {
			t.Errorf("memo %q: %v", memo, err)
		}
	}
	b.seen.err = errors.New("the database is down")
	a, err := b.take(nil)
	if _, ok := errors.AsType[*identity.Refusal](err); ok || err == nil || a != (identity.Assertion{}) {
		t.Errorf("nothing remembers the assertion, and yet %v", err)
	}
}

func TestBegin(t *testing.T) {
	b := connect(t, func(c *saml.Config) { c.AskLevels = true })
	address, memo, err := b.Begin(t.Context(), identity.Beginning{State: "abc&d=e", Lang: i18n.SV, Silent: true, Anew: true})
	if err != nil {
		t.Fatal(err)
	}
	query, el := unpack(t, address, "SAMLRequest")
	if !strings.HasPrefix(address, idpSSO+"?SAMLRequest=") || !strings.HasSuffix(address, "&locale=sv") {
		t.Errorf("the address is %s", address)
	}
	if query.Get("RelayState") != "abc&d=e" || query.Get("SigAlg") != "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" {
		t.Errorf("the parameters are %v", query)
	}
	octets, rest, _ := strings.Cut(strings.TrimPrefix(address, idpSSO+"?"), "&Signature=")
	signature, _, _ := strings.Cut(rest, "&")
	checkSignature(t, octets, signature, keys.sign)
	var kept map[string]any
	if err := json.Unmarshal(memo, &kept); err != nil || kept["id"] != el.SelectAttrValue("ID", "-") || kept["issuer"] != suomifi {
		t.Errorf("the memo is %s", memo)
	}
	for name, want := range map[string]string{
		"Version": "2.0", "IssueInstant": "2026-06-01T09:00:00Z", "Destination": idpSSO, "AssertionConsumerServiceURL": acs,
		"ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "ForceAuthn": "true", "IsPassive": "true",
	} {
		if got := el.SelectAttrValue(name, ""); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if el.SelectElement("Issuer").Text() != entity || el.SelectElement("NameIDPolicy").SelectAttrValue("Format", "") != saml.Transient ||
		len(el.FindElements("RequestedAuthnContext/AuthnContextClassRef")) != 4 {
		t.Error(string(bytesOf(t, el)))
	}

	plain := connect(t, func(c *saml.Config) { c.SuomiFi = nil })
	address, _, err = plain.Begin(t.Context(), identity.Beginning{State: "s"})
	if err != nil {
		t.Fatal(err)
	}
	_, el = unpack(t, address, "SAMLRequest")
	if strings.Contains(address, "locale=") || el.SelectAttr("ForceAuthn") != nil || el.SelectAttr("IsPassive") != nil || el.SelectElement("RequestedAuthnContext") != nil {
		t.Errorf("%s asks for what nobody asked for: %s", address, bytesOf(t, el))
	}
	if _, _, err := b.Begin(t.Context(), identity.Beginning{State: strings.Repeat("x", 81)}); err == nil {
		t.Error("a state of 81 bytes was sent")
	}
}
