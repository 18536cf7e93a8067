package mandate_test

import (
	crand "crypto/rand"
	"crypto/rsa"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
	"luvat/internal/testkit"
)

// Invented people and bodies. The numbers of the codes are from 900 up, and no
// business id from 9000000 has been given.
var (
	linnea = person("150385-", 901) // managing director
	matti  = person("020470-", 902) // acts for others by mandate
	aino   = person("241260-", 903)
	oskari = person("010216A", 904) // a child
	outi   = person("300975Y", 905) // an officer
	nobody = person("111111-", 906)

	vasasol = company(9100010) // Linnéa's
	kahvila = company(9100020)
	tampere = company(9100030) // an authority
	vaasa   = company(9100040) // another
	keha    = company(9100050) // the granting body
)

const (
	events   = "http://valtuusrekisteri.suomi.fi/tapahtumaluvat"
	building = "http://valtuusrekisteri.suomi.fi/rakennusluvat"
	handling = "http://valtuusrekisteri.suomi.fi/luvat_viranomaiskasittely"
	back     = "https://luvat.example/acting/back"
)

func person(date string, number int) pic.Code {
	nine := 0
	if _, err := fmt.Sscanf(fmt.Sprintf("%s%03d", date[:6], number), "%d", &nine); err != nil {
		panic(err)
	}
	c, err := pic.Parse(fmt.Sprintf("%s%03d%c", date, number, "0123456789ABCDEFHJKLMNPRSTUVWXY"[nine%31]))
	if err != nil {
		panic(err)
	}
	return c
}

// company returns the first business id from the number up.
func company(n int) pic.BusinessID {
	for ; ; n++ {
		for d := range 10 {
			if id, err := pic.ParseBusinessID(fmt.Sprintf("%07d-%d", n, d)); err == nil {
				return id
			}
		}
	}
}

// rsaKey is the double's in all tests: making one takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(crand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// A site is a hub's flow, a double to talk to, and a browser between them.
type site struct {
	*mandate.Flow
	*double.Double
	t       *testing.T
	clock   *testkit.Clock
	server  *httptest.Server
	config  mandate.Config
	browser *http.Client
}

// newSite starts a double with everybody in it and a flow; change may change what
// the hub believes of the double.
func newSite(t *testing.T, change ...func(*mandate.Config, *double.Config)) *site {
	t.Helper()
	s := &site{t: t, clock: testkit.NewClock()}
	there := double.Config{
		ClientID: "abcd1234", APIKey: "key of the checksums", OAuthPassword: "password of the tokens", RESTKey: "key of the REST API",
		Redirects: []string{back}, ServiceUUID: "8bd1ce50-9d0c-4a3c-8d2a-94d67a3b6f5e",
		Key: rsaKey(), Now: s.clock.Now, Random: rand.NewChaCha8([32]byte{1}),
	}
	ids := rand.NewChaCha8([32]byte{2})
	s.config = mandate.Config{
		ClientID: there.ClientID, APIKey: there.APIKey, OAuthPassword: there.OAuthPassword, RedirectURL: back, ServiceUUID: there.ServiceUUID,
		CustomerMatters: []string{events}, OfficerMatter: handling, OfficerPrincipal: string(keha),
		Vault: vault(t), Now: s.clock.Now,
		NewID: func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", ids.Uint64()>>16) },
	}
	for _, f := range change {
		f(&s.config, &there)
	}
	d, err := double.New(there, everybody())
	if err != nil {
		t.Fatal(err)
	}
	s.Double = d
	s.server = httptest.NewServer(d)
	t.Cleanup(s.server.Close)
	if s.config.BaseURL == "" {
		s.config.BaseURL = s.server.URL
	}
	if s.config.Signed && s.config.SignerKeys == "" {
		s.config.SignerKeys = d.PublicKey()
	}
	if s.Flow, err = mandate.New(s.config); err != nil {
		t.Fatal(err)
	}
	s.browser = &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), back) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return s
}

// newDouble makes a double without an address.
func newDouble(t testing.TB) *double.Double {
	t.Helper()
	d, err := double.New(double.Config{
		ClientID: "abcd1234", APIKey: "k", OAuthPassword: "p", Redirects: []string{back}, ServiceUUID: "8bd1ce50-9d0c-4a3c-8d2a-94d67a3b6f5e", Key: rsaKey(),
	}, everybody())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func vault(t testing.TB) *pic.Vault {
	t.Helper()
	encrypt, err := pic.ParseKeys(pic.NewKey("k1"))
	if err != nil {
		t.Fatal(err)
	}
	find, err := pic.ParseKeys(pic.NewKey("f1"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := pic.NewVault(encrypt, find)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func everybody() *double.Register {
	r := double.NewRegister()
	for p, name := range map[pic.Code]string{linnea: "Linnéa Ström", matti: "Matti Korhonen", aino: "Aino Virtanen", oskari: "Oskari Virtanen", outi: "Outi Laine", nobody: "Eino Kukaan"} {
		r.Name(double.Person(p), name)
	}
	for _, c := range []struct {
		id   pic.BusinessID
		name string
	}{{vasasol, "Vasa Sol Ab"}, {kahvila, "Kahvila Kulma & Kumpp. Ky"}, {tampere, "Tampereen kaupunki"}, {vaasa, "Vaasan kaupunki"}, {keha, "Valtuuksien antaja"}} {
		r.Name(double.Company(c.id), c.name)
	}
	for _, m := range mandates {
		r.Add(m)
	}
	return r
}

// Mandates by name, for tests that end them.
var (
	directorOfVasasol = double.Mandate{Kind: double.Role, From: double.Company(vasasol), To: double.Person(linnea), Matter: "TJ"}
	memberOfKahvila   = double.Mandate{Kind: double.Role, From: double.Company(kahvila), To: double.Person(linnea), Matter: "J"}
	eventsOfKahvila   = double.Mandate{Kind: double.Transaction, From: double.Company(kahvila), To: double.Person(matti), Matter: events}
	eventsOfAino      = double.Mandate{Kind: double.Transaction, From: double.Person(aino), To: double.Person(matti), Matter: events}
	childOfMatti      = double.Mandate{Kind: double.Guardian, From: double.Person(oskari), To: double.Person(matti)}
	buildingOfLinnea  = double.Mandate{Kind: double.Transaction, From: double.Person(linnea), To: double.Person(matti), Matter: building}
	outiOfTampere     = double.Mandate{Kind: double.Representation, From: double.Company(tampere), To: double.Person(outi), Matter: handling}
	tampereOfKeha     = double.Mandate{Kind: double.Transaction, From: double.Company(keha), To: double.Company(tampere), Matter: handling}

	mandates = []double.Mandate{directorOfVasasol, memberOfKahvila, eventsOfKahvila, eventsOfAino, childOfMatti, buildingOfLinnea, outiOfTampere, tampereOfKeha}
)

// begin begins a flow with the state "state".
func (s *site) begin(who pic.Code, mode mandate.Mode) (address string, memo []byte) {
	s.t.Helper()
	address, memo, err := s.Begin(s.t.Context(), mandate.Beginning{Person: who, Mode: mode, State: "state", Lang: i18n.EN, EndUser: "person-7"})
	if err != nil {
		s.t.Fatal(err)
	}
	return address, memo
}

var (
	field  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	option = regexp.MustCompile(`(?s)<input type="(?:radio|checkbox)" name="choice" value="([^"]*)"> <span>([^<]*)`)
)

// open opens the page in the browser and returns its form and the names on it.
func (s *site) open(address string) (form url.Values, names map[string]string, page string) {
	s.t.Helper()
	res, err := s.browser.Get(address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("GET the page: %d %s (%v)", res.StatusCode, body, err)
	}
	form, names = url.Values{}, map[string]string{}
	for _, m := range field.FindAllStringSubmatch(string(body), -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for _, m := range option.FindAllStringSubmatch(string(body), -1) {
		names[strings.TrimSpace(html.UnescapeString(m[2]))] = m[1]
	}
	return form, names, string(body)
}

// post posts the form and returns what the browser brings back to the hub.
func (s *site) post(form url.Values) url.Values {
	s.t.Helper()
	res, err := s.browser.PostForm(s.server.URL+"/oauth/authorize", form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	to, err := res.Location()
	if err != nil {
		s.t.Fatalf("POST the page: %d, no redirect", res.StatusCode)
	}
	if !strings.HasPrefix(to.String(), back+"?") {
		s.t.Fatalf("the browser is sent to %s", to)
	}
	return to.Query()
}

// choose chooses the names on the page.
func (s *site) choose(address string, names ...string) url.Values {
	s.t.Helper()
	form, offered, page := s.open(address)
	form.Set("action", "choose")
	for _, name := range names {
		if offered[name] == "" {
			s.t.Fatalf("%s is not on the page:\n%s", name, page)
		}
		form.Add("choice", offered[name])
	}
	return s.post(form)
}

// act lets a person act for those named, from beginning to end.
func (s *site) act(who pic.Code, mode mandate.Mode, names ...string) (mandate.Granted, []byte) {
	s.t.Helper()
	address, memo := s.begin(who, mode)
	g, memo, err := s.Finish(s.t.Context(), memo, s.choose(address, names...))
	if err != nil {
		s.t.Fatal(err)
	}
	return g, memo
}

// check refreshes and wants a state.
func (s *site) check(memo []byte, want mandate.State) (mandate.Checked, []byte) {
	s.t.Helper()
	c, memo, err := s.Refresh(s.t.Context(), memo)
	if err != nil {
		s.t.Fatal(err)
	}
	if c.State != want {
		s.t.Errorf("after a refresh it is %s (%v); want %s", c.State, c.Cause, want)
	}
	return c, memo
}
