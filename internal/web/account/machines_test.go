package account_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

const police = "police-sisa-suomi"

// A pair is a robot's key pair.
type pair struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newPair(t *testing.T) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{t, key}
}

func (p pair) jwk(private bool) string {
	p.t.Helper()
	k := jose.JSONWebKey{Key: p.key.Public(), KeyID: "avain-1"}
	if private {
		k.Key = p.key
	}
	b, err := json.Marshal(k)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p pair) pem() string {
	p.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// sign makes the form with which a machine asks for a token.
func (p pair) sign(machine, audience string, now time.Time) url.Values {
	p.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]any{"iss": machine, "sub": machine, "aud": audience, "jti": rand.Text(), "exp": now.Add(time.Minute).Unix()})
	object, err := signer.Sign(body)
	if err != nil {
		p.t.Fatal(err)
	}
	assertion, err := object.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return url.Values{
		"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	}
}

// token asks at the token endpoint, as a program elsewhere does.
func (s *testSite) token(p pair, machine string) string {
	s.t.Helper()
	w := s.do("POST", "/token", p.sign(machine, s.BaseURL+"/token", s.clock.Now()), "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
	var said struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		s.t.Fatalf("status %d, %s: %v", w.Code, w.Body, err)
	}
	return said.Access
}

// robot registers a robot of the police with a key.
func (s *testSite) robot(kind machine.Kind, types ...string) (pair, machine.Machine, machine.Credential) {
	s.t.Helper()
	lead := machine.Lead(identity.Lead{Person: identity.Person{ID: "lead"}, Authority: police})
	m, err := s.Machines.Add(s.t.Context(), lead, machine.Machine{Authority: police, Kind: kind, Name: "Lupakone", Types: types})
	s.must(err)
	p := newPair(s.t)
	c, err := s.Machines.Issue(s.t.Context(), lead, m.ID, machine.Proof{JWK: []byte(p.jwk(false))})
	s.must(err)
	return p, m, c
}

// by asks with an access token and what a browser of somebody else's may add.
func (s *testSite) by(token, method, path string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(method, path, url.Values{"x": {"1"}}, append([]string{"Authorization", "Bearer " + token}, headers...)...)
}

// offers makes the police handle public events.
func (s *testSite) offers() {
	s.t.Helper()
	s.must(s.DB.InTx(s.t.Context(), func(tx *db.Tx) error {
		return catalogue.SaveOffer(s.t.Context(), tx, &catalogue.Offer{
			ID: catalogue.OfferID(police, "police-public-event"), Authority: police, Type: "police-public-event", Way: catalogue.Light, Territory: []string{"837"}, NoticeEmail: "poliisi@example.fi", Active: true,
		})
	}))
}

func TestARobotComesByItsToken(t *testing.T) {
	s := newSite(t)
	p, m, _ := s.robot(machine.Robot, "police-public-event")
	token := s.token(p, m.ID)
	want := "robot:" + m.ID + " " + police + " police-public-event"
	for _, method := range []string{"GET", "POST"} {
		w := s.by(token, method, "/officer?lang=sv")
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s /officer: status %d, %q; want %q", method, w.Code, w.Body, want)
		}
		if cookies := w.Result().Cookies(); len(cookies) > 0 {
			t.Errorf("it got cookies: %v", cookies)
		}
	}
	if got := s.by(token, "GET", "/").Body.String(); got != "robot Lupakone "+police+" " {
		t.Errorf("the front page says %q", got)
	}
	for _, path := range []string{"/lead/people", "/lead/machines", "/sessions", "/for", "/login/anew", "/login/role", "/nowhere"} {
		if w := s.by(token, "GET", path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: status %d", path, w.Code)
		}
	}
	if w := s.by(token, "POST", "/logout"); w.Code != http.StatusNotFound {
		t.Errorf("POST /logout: status %d", w.Code)
	}
	var sessions int
	s.must(s.DB.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM sessions`).Scan(&sessions)
	}))
	if sessions != 0 {
		t.Errorf("%d sessions were kept", sessions)
	}
	s.clock.Move(10 * time.Minute)
	if w := s.by(token, "GET", "/officer"); w.Code != http.StatusUnauthorized {
		t.Errorf("after ten minutes: status %d", w.Code)
	}
}

// Whoever signed in in the browser that sends a token is not who asks, and the
// browser's session is as it was.
func TestTheTokenDecides(t *testing.T) {
	s := newSite(t)
	p, m, _ := s.robot(machine.Robot)
	token := s.token(p, m.ID)
	s.as("eero", identity.Hat{Role: identity.RoleOfficer, Authority: police})
	if got := s.by(token, "GET", "/officer").Body.String(); !strings.HasPrefix(got, "robot:"+m.ID) {
		t.Errorf("came as %q", got)
	}
	if w := s.by("nonsense", "GET", "/officer"); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("a bad token beside a good session: status %d, %v", w.Code, w.Header())
	}
	elsewhere := []string{"Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"}
	if w := s.by(token, "POST", "/officer", elsewhere...); w.Code != http.StatusOK {
		t.Errorf("a token from elsewhere: status %d", w.Code)
	}
	if w := s.by("nonsense", "POST", "/officer", elsewhere...); w.Code != http.StatusUnauthorized {
		t.Errorf("a bad token from elsewhere: status %d", w.Code)
	}
	for _, header := range []string{"", "Basic YTpi", "Bearer", "Bearer ", "bearer\tx"} {
		r := httptest.NewRequest("POST", "http://hub.example/officer", nil)
		r.Header.Set("Authorization", header)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		for _, c := range s.jar.Cookies(here) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("a session from elsewhere with %q: status %d", header, w.Code)
		}
	}
	if got := s.do("GET", "/officer", nil).Body.String(); !strings.HasPrefix(got, "person:eero") {
		t.Errorf("the session is now of %q", got)
	}
}

func TestWhatIsWithdrawnIsNobodyAtOnce(t *testing.T) {
	s := newSite(t)
	lead := machine.Lead(identity.Lead{Person: identity.Person{ID: "lead"}, Authority: police})
	for name, end := range map[string]func(m machine.Machine, c machine.Credential) error{
		"the credential": func(_ machine.Machine, c machine.Credential) error {
			return s.Machines.Withdraw(t.Context(), lead, c.ID)
		},
		"the machine": func(m machine.Machine, _ machine.Credential) error { return s.Machines.Retire(t.Context(), lead, m.ID) },
	} {
		p, m, c := s.robot(machine.Robot)
		token := s.token(p, m.ID)
		if w := s.by(token, "GET", "/officer"); w.Code != http.StatusOK {
			t.Fatalf("%s, before: status %d", name, w.Code)
		}
		s.must(end(m, c))
		w := s.by(token, "GET", "/officer")
		if w.Code != http.StatusUnauthorized || !strings.Contains(text(w), "Pääsytunniste ei kelpaa") {
			t.Errorf("%s: status %d, %s", name, w.Code, text(w))
		}
		if s.token(p, m.ID) != "" {
			t.Errorf("%s: it gets a token", name)
		}
		if strings.Contains(s.log.String(), token) || strings.Contains(s.log.String(), "Lupakone") {
			t.Error("the log tells a token or a name")
		}
	}
}

func TestASystemIsNoRobot(t *testing.T) {
	s := newSite(t)
	p, m, _ := s.robot(machine.System)
	w := s.by(s.token(p, m.ID), "GET", "/officer")
	if w.Code != http.StatusForbidden || w.Header().Get("WWW-Authenticate") != `Bearer error="insufficient_scope"` {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
}

func TestTheTokenEndpoint(t *testing.T) {
	s := newSite(t)
	p, m, _ := s.robot(machine.Robot)
	good := p.sign(m.ID, s.BaseURL+"/token", s.clock.Now())
	for _, tt := range []struct {
		name   string
		form   url.Values
		header string
		status int
		code   string
	}{
		{"for another hub", p.sign(m.ID, "https://other.example/token", s.clock.Now()), "", http.StatusUnauthorized, "invalid_client"},
		{"by another key", newPair(t).sign(m.ID, s.BaseURL+"/token", s.clock.Now()), "", http.StatusUnauthorized, "invalid_client"},
		{"a password", good, "Basic YTpi", http.StatusUnauthorized, "invalid_client"},
		{"another grant", url.Values{"grant_type": {"password"}}, "", http.StatusBadRequest, "unsupported_grant_type"},
		{"nothing", url.Values{}, "", http.StatusBadRequest, "invalid_request"},
		{"too much", url.Values{"x": {strings.Repeat("a", 2<<20)}}, "", http.StatusBadRequest, "invalid_request"},
		{"a good one", good, "", http.StatusOK, ""},
		{"the same again", good, "", http.StatusUnauthorized, "invalid_client"},
	} {
		w := s.do("POST", "/token", tt.form, "Authorization", tt.header)
		var said struct {
			Error string `json:"error"`
			Type  string `json:"token_type"`
			In    int    `json:"expires_in"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
			t.Errorf("%s: %q is no JSON: %v", tt.name, w.Body, err)
		}
		h := w.Header()
		if w.Code != tt.status || said.Error != tt.code || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" {
			t.Errorf("%s: status %d, %+v, %v", tt.name, w.Code, said, h)
		}
		if tt.code == "" && (said.Type != "Bearer" || said.In != 600) {
			t.Errorf("%s: %+v", tt.name, said)
		}
	}
	if strings.Contains(s.log.String(), "eyJ") || strings.Contains(s.log.String(), "Lupakone") {
		t.Error("the log tells what was signed, or a name")
	}
}

// The lead adds a robot, gives it a key, changes that and withdraws what it has.
func TestTheLeadsMachines(t *testing.T) {
	s := newSite(t)
	s.offers()
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: police})
	if page := text(s.do("GET", "/lead/machines", nil)); !strings.Contains(page, "ei ole vielä lisätty") {
		t.Errorf("with none: %s", page)
	}
	at := s.to(s.do("POST", "/lead/machines", url.Values{"name": {"Lupa<kone>"}, "kind": {"", "robot"}, "types": {"", "police-public-event"}}))
	id := strings.TrimPrefix(at, "/lead/machines/")
	page := text(s.do("GET", at, nil))
	for _, want := range []string{"Lupa<kone>", "Ohjelmistorobotti", id, "http://hub.example/token", "Avainta tai varmennetta ei ole vielä annettu"} {
		if !strings.Contains(page, want) {
			t.Errorf("the new one's page does not say %q: %s", want, page)
		}
	}
	old, next := newPair(t), newPair(t)
	s.to(s.do("POST", at+"/issue", url.Values{"proof": {old.jwk(false)}}))
	token := s.token(old, id)
	if w := s.by(token, "GET", "/officer"); w.Code != http.StatusOK {
		t.Fatalf("the robot: status %d", w.Code)
	}
	list := text(s.do("GET", "/lead/machines", nil))
	for _, want := range []string{"Lupa<kone>", "Ohjelmistorobotti", "Käytössä", "avain-1", "Toistaiseksi"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q: %s", want, list)
		}
	}
	if strings.Contains(list, "Ei vielä käytetty") {
		t.Errorf("the list does not say when it was used: %s", list)
	}

	m, err := s.Machines.Find(t.Context(), machine.Lead(identity.Lead{Authority: police}), id)
	s.must(err)
	credential := at + "/credentials/" + m.Credentials[0].ID
	if w := s.do("GET", credential, nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), testkit.Start.AddDate(0, 0, 14).Format(time.DateOnly)) {
		t.Errorf("the key's page: status %d, %s", w.Code, text(w))
	}
	s.to(s.do("POST", credential+"/rotate", url.Values{"proof": {next.pem()}, "until": {testkit.Start.AddDate(0, 0, 3).Format(time.DateOnly)}}))
	if s.token(old, id) == "" || s.token(next, id) == "" {
		t.Error("not both work")
	}
	s.clock.Move(5 * 24 * time.Hour)
	if s.token(old, id) != "" || s.token(next, id) == "" {
		t.Error("after the day it is not the new one alone")
	}
	page = text(s.do("GET", at, nil))
	if !strings.Contains(page, "Voimassaolo on päättynyt") {
		t.Errorf("the page does not say that the old has ended: %s", page)
	}
	m, err = s.Machines.Find(t.Context(), machine.Lead(identity.Lead{Authority: police}), id)
	s.must(err)
	token = s.token(next, id)
	newest := at + "/credentials/" + m.Credentials[0].ID
	s.to(s.do("POST", newest+"/withdraw", url.Values{}))
	if w := s.by(token, "GET", "/officer"); w.Code != http.StatusUnauthorized {
		t.Errorf("after it was withdrawn: status %d", w.Code)
	}
	if w := s.do("POST", newest+"/withdraw", url.Values{}); w.Code != http.StatusConflict || !strings.Contains(text(w), "jo poistettu") {
		t.Errorf("withdrawn twice: status %d, %s", w.Code, text(w))
	}
	if w := s.do("GET", newest, nil); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "/rotate") {
		t.Errorf("a withdrawn key's page: status %d", w.Code)
	}
	s.to(s.do("POST", at+"/retire", url.Values{}))
	if page := text(s.do("GET", "/lead/machines", nil)); !strings.Contains(page, "Poistettu käytöstä ") {
		t.Errorf("the list does not tell of the retired one: %s", page)
	}
	if w := s.do("POST", at+"/issue", url.Values{"proof": {newPair(t).jwk(false)}}); w.Code != http.StatusConflict {
		t.Errorf("a key for the retired one: status %d", w.Code)
	}
	s.must(s.DB.View(t.Context(), func(tx *db.Tx) error {
		entries, err := ledger.Read(t.Context(), tx, identity.AuthorityStream(police))
		deeds := map[string]int{}
		for _, e := range entries {
			deeds[e.Deed]++
		}
		for _, d := range []string{"machine.added", "machine.credential_issued", "machine.credential_rotated", "machine.credential_withdrawn", "machine.retired", "machine.token", "machine.refused"} {
			if deeds[d] == 0 {
				t.Errorf("the ledger does not tell of %s: %v", d, deeds)
			}
		}
		return err
	}))
}

// What is wrong is told at its field, with the cure; what was typed is there, but
// for what is secret.
func TestWhatTheLeadTypesWrong(t *testing.T) {
	s := newSite(t)
	s.offers()
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: police})
	p, m, c := s.robot(machine.Robot)
	at := "/lead/machines/" + m.ID
	credential := at + "/credentials/" + c.ID
	private := p.jwk(true)
	for _, tt := range []struct {
		name, path string
		form       url.Values
		status     int
		field      string
		words      string
		typed      string // is still there
	}{
		{"no name", "/lead/machines", url.Values{"name": {" "}, "kind": {"system"}, "types": {"", "police-public-event"}}, 422, "name", "Anna järjestelmälle tai robotille nimi", `value="police-public-event" checked`},
		{"a long name", "/lead/machines", url.Values{"name": {strings.Repeat("ä", 101)}, "kind": {"system"}}, 422, "name", "enintään 100 merkkiä", `value="system" checked`},
		{"nothing pasted", at + "/issue", url.Values{"proof": {""}, "until": {"2028-01-01"}}, 422, "proof", "Anna joko julkinen avain", "2028-01-01"},
		{"words", at + "/issue", url.Values{"proof": {"tässä avain"}}, 422, "proof", "ei ole avainta eikä varmennetta", "tässä avain"},
		{"a private key", at + "/issue", url.Values{"proof": {private}, "until": {"2028-01-01"}}, 422, "proof", "Tee uusi avainpari", "2028-01-01"},
		{"the same key", at + "/issue", url.Values{"proof": {p.jwk(false)}, "until": {"2028-01-01"}}, 409, "proof", "on jo rekisteröity", "2028-01-01"},
		{"a day that is past", at + "/issue", url.Values{"proof": {newPair(t).jwk(false)}, "until": {"2020-01-01"}}, 422, "until", "Valitse myöhempi päivä", "avain-1"},
		{"no day", at + "/issue", url.Values{"proof": {newPair(t).jwk(false)}, "until": {"soon"}}, 422, "until", "Kirjoita päivä", "avain-1"},
		{"a change until never", credential + "/rotate", url.Values{"proof": {newPair(t).jwk(false)}, "until": {""}}, 422, "until", "Valitse päivä, johon asti vanha toimii", "avain-1"},
		{"a change until yesterday", credential + "/rotate", url.Values{"proof": {newPair(t).jwk(false)}, "until": {"2020-01-01"}}, 422, "until", "Valitse myöhempi päivä", "avain-1"},
		{"a change to nothing", credential + "/rotate", url.Values{"proof": {""}, "until": {"2028-01-01"}}, 422, "proof", "Anna joko julkinen avain", "2028-01-01"},
	} {
		w := s.do("POST", tt.path, tt.form)
		body := w.Body.String()
		if w.Code != tt.status || !strings.Contains(text(w), tt.words) || !strings.Contains(body, `href="#f-`+tt.field+`"`) || !strings.Contains(body, `id="f-`+tt.field+`"`) {
			t.Errorf("%s: status %d, %s", tt.name, w.Code, text(w))
		}
		if !strings.Contains(body, tt.typed) {
			t.Errorf("%s: %q is lost", tt.name, tt.typed)
		}
		if strings.Contains(body, "&#34;d&#34;") || strings.Contains(body, `"d"`) {
			t.Errorf("%s: the page shows a private key", tt.name)
		}
	}
	if w := s.do("POST", "/lead/machines", url.Values{"name": {"x"}, "kind": {"robot"}, "types": {"nothing"}}); w.Code != http.StatusBadRequest {
		t.Errorf("a matter type that is not theirs: status %d", w.Code)
	}
	if found, err := s.Machines.Find(t.Context(), machine.Lead(identity.Lead{Authority: police}), m.ID); err != nil || len(found.Credentials) != 1 {
		t.Errorf("afterwards %+v, %v", found, err)
	}
}

func TestAnotherAuthoritysMachinesAreNotFound(t *testing.T) {
	s := newSite(t)
	_, m, c := s.robot(machine.Robot)
	s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		return identity.Grant(t.Context(), tx, s.clock.Now(), "lead", identity.Hat{Role: identity.RoleLead, Authority: "police-lappi"})
	}))
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: "police-lappi"})
	if page := s.do("GET", "/lead/machines", nil).Body.String(); strings.Contains(page, "Lupakone") {
		t.Error("the list shows another authority's")
	}
	at := "/lead/machines/" + m.ID
	proof := url.Values{"proof": {newPair(t).jwk(false)}, "until": {"2030-01-01"}}
	for _, path := range []string{"GET " + at, "POST " + at + "/issue", "POST " + at + "/retire", "GET " + at + "/credentials/" + c.ID, "POST " + at + "/credentials/" + c.ID + "/rotate", "POST " + at + "/credentials/" + c.ID + "/withdraw"} {
		method, path, _ := strings.Cut(path, " ")
		if w := s.do(method, path, proof); w.Code != http.StatusNotFound {
			t.Errorf("%s %s: status %d", method, path, w.Code)
		}
	}
	mine, err := s.Machines.Add(t.Context(), machine.Lead(identity.Lead{Authority: "police-lappi"}), machine.Machine{Authority: "police-lappi", Kind: machine.Robot, Name: "x"})
	s.must(err)
	for _, deed := range []string{"", "/rotate", "/withdraw"} { // another's credential by way of one's own machine
		method := map[bool]string{true: "GET", false: "POST"}[deed == ""]
		if w := s.do(method, fmt.Sprintf("/lead/machines/%s/credentials/%s%s", mine.ID, c.ID, deed), proof); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", deed, w.Code)
		}
	}
}
