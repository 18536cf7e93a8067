package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/matter"
	"luvat/internal/outbox"
	"luvat/internal/testkit"
	"luvat/internal/web/account"
	"luvat/internal/web/site"
)

// A provider vouches for whom the test says. The real kinds have tests against
// real providers of their own; here it is what the hub makes of an answer.
type provider struct {
	endless bool // its sessions cannot be ended from here
	says    identity.Assertion
	refuses map[bool]error // by whether the try was silent
	begun   []identity.Beginning
	ended   identity.LogoutMessage
}

func (p *provider) Begin(_ context.Context, b identity.Beginning) (string, []byte, error) {
	p.begun = append(p.begun, b)
	memo, err := json.Marshal(b)
	return "https://idp.example/?state=" + b.State, memo, err
}

func (p *provider) Finish(_ context.Context, memo []byte, r *http.Request) (identity.Assertion, error) {
	var b identity.Beginning
	if err := json.Unmarshal(memo, &b); err != nil || r.FormValue("answer") == "forged" {
		return identity.Assertion{}, errors.Join(identity.Refuse(identity.NotValid, "the signature does not hold"), err)
	}
	return p.says, p.refuses[b.Silent]
}

func (p *provider) End(_ context.Context, _ string, s identity.ProviderSession, _ string, _ i18n.Lang) (string, error) {
	if p.endless {
		return "", nil
	}
	return "https://idp.example/logout", nil
}

func (p *provider) Ended(context.Context, *http.Request) (identity.LogoutMessage, func(http.ResponseWriter, bool) error, error) {
	return p.ended, func(w http.ResponseWriter, done bool) error {
		w.WriteHeader(map[bool]int{true: http.StatusOK, false: http.StatusInternalServerError}[done])
		return nil
	}, nil
}

type vault struct{}

func (vault) Seal(plain, row string) (string, error) { return row + "|" + plain, nil }

func (vault) Open(sealed, row string) (string, error) {
	plain, ok := strings.CutPrefix(sealed, row+"|")
	if !ok {
		return "", errors.New("sealed for another row")
	}
	return plain, nil
}

func (vault) Hashes(value string) []string { return []string{"hash of " + value} }

// A register says what mandates there are.
type register struct {
	grants identity.Granted
	err    error
	still  bool
	lapsed bool
	down   bool
	asked  []string
}

func (m *register) Begin(_ context.Context, code string, mode identity.MandateMode, state string, _ i18n.Lang) (string, []byte, error) {
	m.asked = append(m.asked, code+" "+string(mode))
	return "https://valtuudet.example/?state=" + state, []byte("session"), nil
}

func (m *register) Finish(context.Context, []byte, url.Values) (identity.Granted, error) {
	return m.grants, m.err
}

func (m *register) Check(_ context.Context, memo []byte) (identity.MandateState, []byte, error) {
	switch {
	case m.down:
		return "", nil, errors.New("no answer")
	case m.still:
		return identity.MandateHolds, memo, nil
	case m.lapsed:
		return identity.MandateLapsed, nil, nil
	}
	return identity.MandateEnded, nil, nil
}

func (m *register) End(context.Context, []byte) error { return nil }

type testSite struct {
	*site.Site
	t             *testing.T
	clock         *testkit.Clock
	suomi, virtu  *provider
	mandates      *register
	handler       http.Handler
	jar           *cookiejar.Jar
	log           *bytes.Buffer
	lastDiscovery string
}

func newSite(t *testing.T) *testSite {
	t.Helper()
	ctx, d, clock := t.Context(), testkit.Filled(t, loaded), testkit.NewClock()
	c, err := catalogue.Open(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	files, err := attach.Open(d, t.TempDir(), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{t: t, clock: clock, suomi: &provider{}, virtu: &provider{}, mandates: &register{}, log: new(bytes.Buffer)}
	s.Site = &site.Site{
		DB: d, Catalogue: c, Files: files, Sessions: identity.NewSessions(d, false), Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: clock.Now,
		BaseURL: "http://hub.example", Register: &identity.Register{Vault: vault{}}, Roles: &identity.Roles{DB: d, Now: clock.Now}, Mandates: s.mandates, Login: true,
		Desk: &matter.Desk{DB: d, Catalogue: c, Files: files, Now: clock.Now},
		Connections: []*identity.Connection{
			{Name: "suomifi", Title: i18n.Text{FI: "Suomi.fi-tunnistus"}, Provider: s.suomi, Customers: true, Officers: true, Mandated: true},
			{
				Name: "virtu", Title: i18n.Text{FI: "Virtu"}, Provider: s.virtu, Officers: true,
				Authority: func(a identity.Assertion) string {
					return map[string]string{"poliisi.fi": "police-sisa-suomi"}[a.Organisation]
				},
				Discovery: func(next string) string {
					s.lastDiscovery = "http://hub.example/login/virtu/chosen?state=" + url.QueryEscape(next)
					return "https://ds.example/"
				},
				Chosen: func(r *http.Request) (string, string, error) {
					if id := r.URL.Query().Get("entityID"); strings.HasPrefix(id, "https://") {
						return id, r.URL.Query().Get("state"), nil
					}
					return "", "", identity.Refuse(identity.NotValid, "not one of them")
				},
			},
			{Name: "portti", Title: i18n.Text{FI: "Portti"}, Provider: s.virtu, Officers: true, SilentFirst: true, Authority: func(identity.Assertion) string { return "rescue-pirkanmaa" }},
		},
	}
	s.Sessions.Vault = vault{}
	s.Machines, err = machine.New(machine.Config{DB: d, TokenEndpoint: s.BaseURL + machine.TokenPath, Now: clock.Now, Log: s.Log})
	s.must(err)
	mux := http.NewServeMux()
	s.Mount(mux, append(account.Routes(s.Site), site.ForAnybody("GET /{$}", func(w http.ResponseWriter, a *site.Ask) error {
		_, err := w.Write([]byte(string(a.Hat.Role) + " " + a.Person.Name + " " + a.Hat.Authority + " " + a.For.Name))
		return err
	}), site.ForCustomer("POST /send", func(w http.ResponseWriter, a *site.Ask, _ identity.Customer) error {
		needed, err := s.ProveAnew(w, a, "/projects/1/send")
		if !needed {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	}), site.ForOfficer("GET /officer", officers), site.ForOfficer("POST /officer", officers)))
	mux.Handle("/", s.NotFound())
	s.handler = s.Guard(mux, account.FromElsewhere...)
	s.forget()
	s.must(d.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range []string{"lead", "eero"} {
			if err := identity.SavePerson(ctx, tx, clock.Now(), identity.Person{ID: p, Name: p, Lang: "fi", Demo: "x"}); err != nil {
				return err
			}
		}
		return errors.Join(identity.Grant(ctx, tx, clock.Now(), "lead", identity.Hat{Role: identity.RoleLead, Authority: "police-sisa-suomi"}),
			identity.Grant(ctx, tx, clock.Now(), "eero", identity.Hat{Role: identity.RoleOfficer, Authority: "police-sisa-suomi"}))
	}))
	return s
}

// officers stands for the officers' pages: it says who came.
func officers(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	_, err := w.Write([]byte(string(who.Actor()) + " " + who.Authority + " " + strings.Join(who.Types, ",")))
	return err
}

func (s *testSite) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// forget is another browser.
func (s *testSite) forget() {
	jar, err := cookiejar.New(nil)
	s.must(err)
	s.jar = jar
}

var here = &url.URL{Scheme: "http", Host: "hub.example"}

func (s *testSite) do(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://hub.example"+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	crossSite := false
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		crossSite = crossSite || headers[i+1] == "cross-site"
	}
	for _, c := range s.jar.Cookies(here) {
		if !crossSite || method == "GET" { // a Lax cookie does not come with a cross-site post
			r.AddCookie(c)
		}
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	s.jar.SetCookies(here, w.Result().Cookies())
	return w
}

// to returns where an answer leads; the test fails if it leads nowhere.
func (s *testSite) to(w *httptest.ResponseRecorder) string {
	s.t.Helper()
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("status %d, want a redirect: %s", w.Code, text(w))
	}
	return w.Header().Get("Location")
}

var tags = regexp.MustCompile(`(?s)<style.*?</style>|<[^>]*>`)

func text(w *httptest.ResponseRecorder) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(w.Body.String(), " "))), " ")
}

func stateIn(address string) string {
	u, _ := url.Parse(address)
	return u.Query().Get("state")
}

// come goes through a provider and back, and returns where that leads.
func (s *testSite) come(connection, next string) string {
	s.t.Helper()
	return s.to(s.back(connection, s.to(s.do("GET", "/login/"+connection+"?next="+url.QueryEscape(next), nil))))
}

// back posts the provider's answer, as its page does, and collects it.
func (s *testSite) back(connection, address string) *httptest.ResponseRecorder {
	s.t.Helper()
	w := s.do("POST", "/login/"+connection+"/acs", url.Values{"RelayState": {stateIn(address)}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://idp.example")
	return s.do("GET", s.to(w), nil)
}

func (s *testSite) who() string { return strings.TrimSpace(s.do("GET", "/", nil).Body.String()) }

var aino = identity.Assertion{Issuer: "idp", PersonalCode: "010280-952L", Name: "Aino Virtanen", Level: "http://ftn.ficora.fi/2017/loa3", Session: identity.ProviderSession{NameID: "_n1", SessionIndex: "_s1"}}

func TestAnApplicantComesInByAProvider(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	s.mandates = nil
	s.Mandates = nil // no mandates to ask for: one role, no question
	for next, want := range map[string]string{"/projects/new?survey=1": "/projects/new?survey=1", "https://evil.example/": "/projects", "//evil.example": "/projects", "/officer": "/projects"} {
		s.forget()
		if to := s.come("suomifi", next); to != want {
			t.Errorf("next %q leads to %q; want %q", next, to, want)
		}
		if who := s.who(); who != "customer Aino Virtanen" {
			t.Errorf("signed in as %q", who)
		}
	}
	if strings.Contains(s.log.String(), "010280") || strings.Contains(s.log.String(), "Virtanen") {
		t.Error("the log tells who came")
	}
}

// Somebody who lures a person to the end of a sign-in that another began.
func TestNobodyIsSignedInAsSomebodyElse(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	address := s.to(s.do("GET", "/login/suomifi", nil)) // the attacker begins, and identifies herself
	done := s.to(s.do("POST", "/login/suomifi/acs", url.Values{"RelayState": {stateIn(address)}}, "Sec-Fetch-Site", "cross-site"))
	attacker := s.jar
	s.forget() // the victim is sent to the end
	if w := s.do("GET", done, nil); w.Code != http.StatusBadRequest || s.who() != "" {
		t.Errorf("the victim: status %d, signed in as %q", w.Code, s.who())
	}
	s.do("GET", "/login/suomifi", nil) // also with a sign-in of her own under way
	if w := s.do("GET", done, nil); w.Code != http.StatusBadRequest || s.who() != "" {
		t.Errorf("the victim with a cookie: status %d, signed in as %q", w.Code, s.who())
	}
	s.jar = attacker
	if w := s.do("GET", done, nil); w.Code != http.StatusSeeOther {
		t.Errorf("who began it: status %d", w.Code)
	}
	if w := s.do("GET", done, nil); w.Code != http.StatusBadRequest {
		t.Errorf("used twice: status %d", w.Code)
	}
	if w := s.do("POST", "/login/suomifi/acs", url.Values{"RelayState": {stateIn(address)}}); w.Code != http.StatusBadRequest {
		t.Errorf("answered twice: status %d", w.Code)
	}
}

func TestWhatIsNoSignInIsTold(t *testing.T) {
	s := newSite(t)
	for why, want := range map[identity.Why]struct {
		status int
		words  string
	}{
		identity.Cancelled: {http.StatusOK, "Palasit tunnistautumatta"},
		identity.TooWeak:   {http.StatusForbidden, "ei ole riittävän vahva"},
		identity.NotThere:  {http.StatusServiceUnavailable, "luonnokset ovat tallessa"},
		identity.NotValid:  {http.StatusBadRequest, "ei voitu hyväksyä"},
		identity.NotAnew:   {http.StatusForbidden, "ei vahvistanut, että tunnistauduit juuri nyt"},
	} {
		s.forget()
		s.suomi.refuses = map[bool]error{false: identity.Refuse(why, "cause of "+string(why))}
		w := s.back("suomifi", s.to(s.do("GET", "/login/suomifi", nil)))
		if w.Code != want.status || !strings.Contains(text(w), want.words) || s.who() != "" {
			t.Errorf("%s: status %d, %s", why, w.Code, text(w))
		}
		if !strings.Contains(s.log.String(), "cause of "+string(why)) {
			t.Errorf("%s: the log does not say why", why)
		}
	}
	for path, status := range map[string]int{"/login/nowhere": 404, "/login/done?state=x": 400, "/login/suomifi/chosen": 404, "/login/suomifi/metadata": 404, "/login/suomifi/callback": 400} {
		if w := s.do("GET", path, nil); w.Code != status {
			t.Errorf("GET %s: status %d, want %d", path, w.Code, status)
		}
	}
}

func TestAStateOfficerAsksAndIsLetInByTheLead(t *testing.T) {
	s := newSite(t)
	s.virtu.says = identity.Assertion{Issuer: "https://idp.poliisi.example", Subject: "mmeik", Organisation: "poliisi.fi", Name: "Matti Meikäläinen"}
	if to := s.to(s.do("GET", "/login/virtu?next=/officer", nil)); to != "https://ds.example/" {
		t.Fatalf("the choice of a home organisation is at %s", to)
	}
	if w := s.do("GET", "/login/virtu/chosen?entityID=javascript:1", nil); w.Code != http.StatusBadRequest {
		t.Errorf("a wrong choice: status %d", w.Code)
	}
	in := func() string {
		u, _ := url.Parse(s.lastDiscovery)
		return s.to(s.back("virtu", s.to(s.do("GET", u.RequestURI()+"&entityID=https://idp.poliisi.example", nil))))
	}
	if to := in(); !strings.HasPrefix(to, "/login/role") {
		t.Fatalf("without a role she is led to %s", to)
	}
	if s.virtu.begun[0].Issuer != "https://idp.poliisi.example" {
		t.Errorf("begun at %q", s.virtu.begun[0].Issuer)
	}
	if page := text(s.do("GET", "/login/role", nil)); !strings.Contains(page, "Pyydä roolia: Sisä-Suomen poliisilaitos") {
		t.Errorf("the page says %s", page)
	}
	s.to(s.do("POST", "/login/access", url.Values{}))
	officer := s.jar

	s.forget()
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: "police-sisa-suomi"})
	page := s.do("GET", "/lead/people", nil)
	id := regexp.MustCompile(`/lead/people/([0-9a-f-]{36})`).FindStringSubmatch(page.Body.String())
	if !strings.Contains(text(page), "Matti Meikäläinen") || id == nil {
		t.Fatalf("the lead sees %s", text(page))
	}
	if w := s.do("POST", "/lead/people/"+id[1]+"/give", url.Values{"role": {"officer"}, "until": {"2020-01-01"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("until a day that is past: status %d", w.Code)
	}
	if w := s.do("POST", "/lead/people/"+id[1]+"/give", url.Values{"role": {"service"}}); w.Code != http.StatusForbidden {
		t.Errorf("service management: status %d", w.Code)
	}
	s.to(s.do("POST", "/lead/people/"+id[1]+"/give", url.Values{"role": {"", "officer"}, "type": {""}})) // as browsers send it
	s.to(s.do("POST", "/lead/people/"+id[1]+"/successor", url.Values{"successor": {"eero"}}))
	lead := s.jar

	s.jar = officer
	if to := in(); to != "/officer" {
		t.Errorf("with the role she is led to %s", to)
	}
	if who := s.who(); who != "officer Matti Meikäläinen police-sisa-suomi" {
		t.Errorf("signed in as %q", who)
	}

	s.jar = lead
	if w := s.do("POST", "/lead/people/"+id[1]+"/withdraw", url.Values{"role": {"officer"}, "successor": {""}}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(w), "Valitse, kuka jatkaa") {
		t.Errorf("nobody was chosen to go on: status %d, %s", w.Code, text(w))
	}
	s.to(s.do("POST", "/lead/people/"+id[1]+"/withdraw", url.Values{"role": {"officer"}, "successor": {"inbox"}}))
	if page := text(s.do("GET", "/lead/people", nil)); !strings.Contains(page, "Voit antaa sen uudelleen") || !strings.Contains(page, "Matti Meikäläinen") {
		t.Errorf("who had a role is not listed: %s", page)
	}
	if w := s.do("GET", "/lead/people/"+id[1], nil); w.Code != http.StatusOK {
		t.Errorf("the page of who had a role: status %d", w.Code)
	}
	s.jar = officer
	if who := s.who(); who != "" {
		t.Errorf("the leaver is still %q", who)
	}
	s.must(s.DB.View(t.Context(), func(tx *db.Tx) error {
		stuck, _, err := outbox.Counts(t.Context(), tx)
		if stuck != 1 {
			t.Errorf("%d jobs hand the work over", stuck)
		}
		return err
	}))
}

// as signs in a person as the demo does.
func (s *testSite) as(person string, h identity.Hat) {
	s.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	s.Sessions.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.must(s.Sessions.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: person}, Hat: h}))
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, r)
	s.jar.SetCookies(here, w.Result().Cookies())
}

func TestAnAuthorityMovesFromOneWayToAnother(t *testing.T) {
	s := newSite(t)
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: "police-sisa-suomi"})
	s.to(s.do("POST", "/lead/ways", url.Values{"way": {"portti"}, "deed": {"open"}}))
	s.to(s.do("POST", "/lead/ways", url.Values{"way": {"virtu"}, "until": {testkit.Start.AddDate(0, 1, 0).Format(time.DateOnly)}, "deed": {"open"}}))
	if page := text(s.do("GET", "/lead/people", nil)); strings.Count(page, "Käytössä asti") < 1 || !strings.Contains(page, "Ei käytössä") {
		t.Errorf("the lead sees %s", page)
	}
	open := func(connection string) (open bool) {
		s.must(s.DB.View(t.Context(), func(tx *db.Tx) (err error) {
			open, err = identity.WayOpen(t.Context(), tx, s.clock.Now(), "police-sisa-suomi", connection)
			return err
		}))
		return open
	}
	if !open("portti") || !open("virtu") || open("suomifi") {
		t.Error("both are open until the day, and no third")
	}
	s.clock.Move(40 * 24 * time.Hour)
	if !open("portti") || open("virtu") {
		t.Error("after the day only the new one is open")
	}
	if w := s.do("POST", "/lead/ways", url.Values{"way": {"nowhere"}}); w.Code == http.StatusSeeOther {
		t.Error("a way that is not there was set")
	}
}

func TestASilentTryComesFirst(t *testing.T) {
	s := newSite(t)
	s.virtu.says = identity.Assertion{Issuer: "portti", Subject: "palo", Name: "Palo"}
	s.virtu.refuses = map[bool]error{true: identity.Refuse(identity.NotSilent, "a card is needed")}
	w := s.back("portti", s.to(s.do("GET", "/login/portti?next=/officer", nil)))
	address := s.to(w)
	if !strings.HasPrefix(address, "https://idp.example/") || len(s.virtu.begun) != 2 || !s.virtu.begun[0].Silent || s.virtu.begun[1].Silent {
		t.Fatalf("after the silent try: %s, %+v", address, s.virtu.begun)
	}
	if to := s.to(s.back("portti", address)); !strings.HasPrefix(to, "/login/role") {
		t.Errorf("then: %s", to)
	}
}

func TestActingForACompany(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	s.come("suomifi", "/projects")
	s.to(s.do("POST", "/login/role", url.Values{"role": {"customer/"}}))
	s.mandates.grants = identity.Granted{Kind: identity.Company, ID: "2341528-4", Name: "Rova Oy", Complete: true, Memo: []byte("m")}
	s.mandates.still = true
	address := s.to(s.do("GET", "/for/company?next=/projects", nil))
	before := s.jar.Cookies(here)
	if to := s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(address), nil)); to != "/projects" {
		t.Errorf("back from the register: %s", to)
	}
	if who := s.who(); who != "customer Aino Virtanen  Rova Oy" {
		t.Errorf("acts as %q", who)
	}
	for _, c := range s.jar.Cookies(here) {
		for _, old := range before {
			if c.Name == "luvat" && old.Name == "luvat" && c.Value == old.Value {
				t.Error("the session's token is not new")
			}
		}
	}
	if s.mandates.asked[0] != "010280-952L company" {
		t.Errorf("asked %v", s.mandates.asked)
	}
	if w := s.do("GET", "/for/callback?code=1&state="+stateIn(address), nil); w.Code != http.StatusBadRequest {
		t.Errorf("the choice used twice: status %d", w.Code)
	}

	s.clock.Move(30 * time.Second)
	s.mandates.still = false // not asked yet
	if who := s.who(); !strings.HasSuffix(who, "Rova Oy") {
		t.Errorf("half a minute later: %q", who)
	}
	s.clock.Move(31 * time.Second)
	s.mandates.down = true
	if who := s.who(); !strings.HasSuffix(who, "Rova Oy") {
		t.Errorf("while the register is down: %q", who)
	}
	s.clock.Move(5 * time.Minute)
	if w := s.do("GET", "/", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("long after: status %d", w.Code)
	}
	s.mandates.down = false
	if w := s.do("GET", "/", nil); w.Code != http.StatusForbidden || !strings.Contains(text(w), "ei ole enää voimassa") {
		t.Errorf("the ended mandate: status %d, %s", w.Code, text(w))
	}
	if who := s.who(); who != "customer Aino Virtanen" {
		t.Errorf("afterwards %q", who)
	}
}

func TestAnOfficerByMandateLosesTheRoleWithIt(t *testing.T) {
	s := newSite(t)
	var city *catalogue.Authority
	for _, au := range s.Catalogue.Authorities {
		if au.BusinessID != "" {
			city = au
		}
	}
	s.suomi.says = aino
	if to := s.come("suomifi", "/officer"); !strings.HasPrefix(to, "/login/role") {
		t.Fatalf("she is led to %s", to)
	}
	if page := text(s.do("GET", "/login/role", nil)); !strings.Contains(page, "Virkailija valtuudella") || !strings.Contains(page, "Kirjaudu ulos") {
		t.Errorf("the page says %s", page)
	}
	s.mandates.grants = identity.Granted{Kind: identity.Company, ID: city.BusinessID, Name: "x", Memo: []byte("m")}
	address := s.to(s.do("GET", "/for/officer?next=/officer", nil))
	if to := s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(address), nil)); to != "/officer" {
		t.Errorf("led to %s", to)
	}
	if who := s.who(); who != "officer Aino Virtanen "+city.ID {
		t.Errorf("signed in as %q", who)
	}
	s.clock.Move(61 * time.Second)
	if w := s.do("GET", "/", nil); w.Code != http.StatusForbidden {
		t.Errorf("the ended mandate: status %d", w.Code)
	}
	if who := s.who(); who != "" {
		t.Errorf("afterwards %q", who)
	}
	s.mandates.grants.ID = "0112038-9" // no authority's
	s.come("suomifi", "/officer")
	address = s.to(s.do("GET", "/for/officer", nil))
	if w := s.do("GET", "/for/callback?code=1&state="+stateIn(address), nil); w.Code != http.StatusForbidden || s.who() != "" {
		t.Errorf("a mandate of no authority: status %d, %q", w.Code, s.who())
	}
	if w := s.do("GET", "/for/robot", nil); w.Code != http.StatusNotFound {
		t.Errorf("another mode: status %d", w.Code)
	}
}

// One business id may be several authorities: the City of Helsinki is a
// municipality and a county. The lead's grant tells them apart.
func TestAMandateOfABodyThatIsTwoAuthorities(t *testing.T) {
	for granted, want := range map[string]string{"": "muni-091", "county-helsinki": "county-helsinki", "muni-091": "muni-091", "muni-837": "muni-091"} {
		s := newSite(t)
		s.suomi.says = aino
		s.come("suomifi", "/officer")
		s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
			var id string
			err := tx.QueryRowContext(t.Context(), `SELECT id FROM people WHERE name = $1`, aino.Name).Scan(&id)
			if err != nil || granted == "" {
				return err
			}
			return identity.Grant(t.Context(), tx, s.clock.Now(), id, identity.Hat{Role: identity.RoleOfficer, Authority: granted})
		}))
		s.mandates.grants = identity.Granted{Kind: identity.Company, ID: "0201256-6", Name: "Helsingin kaupunki", Memo: []byte("m")}
		s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(s.to(s.do("GET", "/for/officer", nil))), nil))
		if who := s.who(); who != "officer Aino Virtanen "+want {
			t.Errorf("granted %q: signed in as %q; want one of %s", granted, who, want)
		}
	}
}

func TestSigningOutHereAndThere(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	in := func() {
		s.come("suomifi", "/projects")
		s.to(s.do("POST", "/login/role", url.Values{"role": {"customer/"}}))
	}
	in()
	w := s.do("POST", "/logout", url.Values{})
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `content="0; url=https://idp.example/logout"`) || s.who() != "" {
		t.Errorf("signing out: status %d, %q, %s", w.Code, s.who(), text(w))
	}
	in()
	s.suomi.endless = true
	w = s.do("POST", "/logout", url.Values{})
	if w.Header().Get("Location") != "/" || s.who() != "" {
		t.Errorf("signing out where the provider's session cannot be ended: status %d to %q, %q", w.Code, w.Header().Get("Location"), s.who())
	}
	if page := text(s.do("GET", "/said", nil)); !strings.Contains(page, "voi olla vielä voimassa") {
		t.Errorf("nothing says that the provider's session may live on: %s", page)
	}
	s.suomi.endless = false
	in()
	mine := s.jar
	s.suomi.ended = identity.LogoutMessage{Issuer: "idp", Sessions: []identity.ProviderSession{{NameID: "_n1", SessionIndex: "_s1"}}}
	s.forget() // the provider's frame brings no cookies
	if w := s.do("POST", "/login/suomifi/logout", url.Values{"SAMLRequest": {"x"}}, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusOK {
		t.Errorf("the provider's logout: status %d", w.Code)
	}
	s.jar = mine
	if who := s.who(); who != "" {
		t.Errorf("after the provider's logout still %q", who)
	}
	in()
	page := s.do("GET", "/sessions", nil)
	if !strings.Contains(text(page), "Tämä on nykyinen istuntosi") {
		t.Errorf("own sessions: %s", text(page))
	}
	if w := s.do("POST", "/sessions/nobody/end", url.Values{}); w.Code != http.StatusNotFound {
		t.Errorf("a session that is not there: status %d", w.Code)
	}
}

func TestStepUpIsForTheSamePerson(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	s.come("suomifi", "/projects")
	s.to(s.do("POST", "/login/role", url.Values{"role": {"customer/"}}))
	address := s.to(s.do("GET", "/login/anew?next=/projects/1/send", nil))
	if b := s.suomi.begun[len(s.suomi.begun)-1]; !b.Anew {
		t.Error("the provider is not asked to identify anew")
	}
	if to := s.to(s.back("suomifi", address)); to != "/projects/1/send" {
		t.Errorf("led to %s", to)
	}
	if who := s.who(); who != "customer Aino Virtanen" {
		t.Errorf("afterwards %q", who)
	}
	address = s.to(s.do("GET", "/login/anew?next=/projects/1/send", nil))
	s.suomi.says.PersonalCode = "010469-999W"
	if w := s.back("suomifi", address); w.Code != http.StatusBadRequest {
		t.Errorf("somebody else came back: status %d", w.Code)
	}
}

// Whoever acts for a company proves anew who they are before they send. They are
// led there by a page: browsers do not follow a form to another site.
func TestStepUpBeforeSendingForAnother(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	s.suomi.says.At = s.clock.Now()
	s.come("suomifi", "/projects")
	s.to(s.do("POST", "/login/role", url.Values{"role": {"customer/"}}))
	s.mandates.grants = identity.Granted{Kind: identity.Company, ID: "2341528-4", Name: "Rova Oy", Complete: true, Memo: []byte("m")}
	s.mandates.still = true
	s.clock.Move(15 * time.Minute)
	s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(s.to(s.do("GET", "/for/company?next=/projects", nil))), nil))
	if w := s.do("POST", "/send", url.Values{}); w.Code != http.StatusNoContent {
		t.Errorf("a quarter of an hour after signing in: status %d", w.Code)
	}
	s.suomi.says.At = time.Time{} // nobody says when
	address := s.to(s.do("GET", "/login/anew?next=/projects/1/send", nil))
	s.to(s.back("suomifi", address))
	if w := s.do("POST", "/send", url.Values{}); w.Code != http.StatusOK {
		t.Errorf("identified at a time that nobody tells: status %d", w.Code)
	}
	s.suomi.says.At = s.clock.Now()
	s.to(s.back("suomifi", s.to(s.do("GET", "/login/anew?next=/projects/1/send", nil))))
	if w := s.do("POST", "/send", url.Values{}); w.Code != http.StatusNoContent {
		t.Errorf("identified anew: status %d", w.Code)
	}
	s.clock.Move(15*time.Minute + time.Second)
	w := s.do("POST", "/send", url.Values{})
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `content="0; url=/login/anew?next=%2Fprojects%2F1%2Fsend"`) || !strings.Contains(text(w), "Rova Oy") {
		t.Errorf("later: status %d, %s", w.Code, text(w))
	}
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
