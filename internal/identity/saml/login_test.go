package saml_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
	"luvat/internal/testkit/simplesaml"
)

// A hub is as much of the hub as a sign-in needs: it keeps memos and sessions,
// and says on its pages what came of it.
type hub struct {
	*httptest.Server
	t testing.TB
	p *saml.Provider

	mu       sync.Mutex
	memos    map[string][]byte
	sessions map[string]identity.Assertion // by NameID
	came     []identity.Assertion
	cookies  []string // that came with logout messages
	log      strings.Builder
	done     bool // what logout requests of the provider are answered
}

// openHub starts a hub with a connection, which complete fills in: the addresses
// are known only then.
func openHub(t testing.TB, c saml.Config, complete func(*saml.Config)) *hub {
	t.Helper()
	h := &hub{t: t, memos: map[string][]byte{}, sessions: map[string]identity.Assertion{}, done: true}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /login": h.login, "POST /acs": h.acs, "GET /chosen": h.chosen, "GET /logout": h.logout, "/slo": h.slo,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				slog.New(slog.NewTextHandler(&h.log, nil)).Warn("refused", "err", err)
				_, _ = fmt.Fprintf(w, "refused: %v", err)
			}
		})
	}
	mux.HandleFunc("GET /end", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the end") })
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	c.EntityID, c.ACS, c.SLO = h.URL+"/saml", h.URL+"/acs", h.URL+"/slo"
	c.Keys = func() (saml.Keys, error) {
		return saml.Keys{Signing: []saml.Pair{*keys.sign}, Encryption: []saml.Pair{*keys.encrypt}}, nil
	}
	c.About, c.Replays, c.Now, c.Client = about(), &seen{used: map[string]time.Time{}}, time.Now, http.DefaultClient
	c.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	c.Discovery = ""
	complete(&c)
	p, err := saml.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.p = p
	if err := p.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	return h
}

// sourceOf is the connection's side of a provider of the test.
func sourceOf(i *simplesaml.IDP) func(*saml.Config) {
	return func(c *saml.Config) {
		c.Source = saml.Source{URL: i.Metadata, Signer: saml.Signer{}}
		c.Source.Signer.Certificates = append(c.Source.Signer.Certificates, i.Certificate)
		c.Homes = []saml.Home{{EntityID: i.EntityID}}
	}
}

func metadataOf(t testing.TB, p *saml.Provider) []byte {
	t.Helper()
	raw, err := p.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (h *hub) login(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	return h.begin(w, r, identity.Beginning{
		State: "state-" + query.Get("n"), Lang: i18n.Parse(query.Get("lang")), Silent: query.Has("silent"), Anew: query.Has("anew"), Issuer: query.Get("issuer"),
	})
}

func (h *hub) begin(w http.ResponseWriter, r *http.Request, b identity.Beginning) error {
	address, memo, err := h.p.Begin(r.Context(), b)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.memos[b.State] = memo
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

func (h *hub) chosen(w http.ResponseWriter, r *http.Request) error {
	issuer, state, err := h.p.Chosen(r)
	if err != nil {
		return err
	}
	return h.begin(w, r, identity.Beginning{State: state, Issuer: issuer})
}

func (h *hub) acs(w http.ResponseWriter, r *http.Request) error {
	state := r.PostFormValue("RelayState")
	h.mu.Lock()
	memo := h.memos[state]
	delete(h.memos, state)
	h.mu.Unlock()
	a, err := h.p.Finish(r.Context(), memo, r)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.came = append(h.came, a)
	h.sessions[a.Session.NameID] = a
	http.SetCookie(w, &http.Cookie{Name: "session", Value: url.QueryEscape(a.Session.NameID), Path: "/"})
	_, _ = io.WriteString(w, "signed in")
	return nil
}

func (h *hub) logout(w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie("session")
	if err != nil {
		return err
	}
	name, _ := url.QueryUnescape(c.Value)
	h.mu.Lock()
	a := h.sessions[name]
	delete(h.sessions, name) // ours first
	h.mu.Unlock()
	address, err := h.p.End(r.Context(), a.Issuer, a.Session, "bye", i18n.SV)
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

func (h *hub) slo(w http.ResponseWriter, r *http.Request) error {
	m, answer, err := h.p.Ended(r.Context(), r)
	if err != nil {
		return err
	}
	if answer == nil {
		_, _ = fmt.Fprintf(w, "signed out everywhere: %v, state %s", m.Complete, m.State)
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range m.Sessions {
		if kept, ok := h.sessions[s.NameID]; ok && kept.Issuer == m.Issuer && (s.SessionIndex == "" || s.SessionIndex == kept.Session.SessionIndex) {
			delete(h.sessions, s.NameID)
		}
	}
	h.cookies = append(h.cookies, r.Header.Get("Cookie"))
	return answer(w, h.done)
}

func (h *hub) last() identity.Assertion {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.came) == 0 {
		return identity.Assertion{}
	}
	return h.came[len(h.came)-1]
}

func (h *hub) open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// A visitor is a browser without JavaScript: it keeps cookies, follows redirects
// and submits forms.
type visitor struct {
	t      testing.TB
	client *http.Client
	at     *url.URL
	page   string
}

func newVisitor(t testing.TB) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, client: &http.Client{Jar: jar, Timeout: time.Minute}}
}

func (v *visitor) read(answer *http.Response, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // what counts is read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.at, v.page = answer.Request.URL, string(body)
}

func (v *visitor) get(address string) {
	v.t.Helper()
	v.read(v.client.Get(address))
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputs = regexp.MustCompile(`<input[^>]*>`)
	parts  = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
	links  = regexp.MustCompile(`href="([^"]*)"[^>]*>([^<]*)<`)
	frames = regexp.MustCompile(`<iframe[^>]*src="([^"]*)"`)
)

// submit submits the first form of the page, filled in.
func (v *visitor) submit(fill map[string]string) {
	v.t.Helper()
	m := forms.FindStringSubmatch(v.page)
	if m == nil {
		v.t.Fatalf("%s has no form: %s", v.at, v.page)
	}
	values := url.Values{}
	for _, input := range inputs.FindAllString(m[2], -1) {
		a := map[string]string{}
		for _, p := range parts.FindAllStringSubmatch(input, -1) {
			a[p[1]] = html.UnescapeString(p[2])
		}
		if a["name"] != "" && a["type"] != "submit" && a["type"] != "checkbox" {
			values.Set(a["name"], a["value"])
		}
	}
	for name, value := range fill {
		values.Set(name, value)
	}
	to, err := v.at.Parse(html.UnescapeString(m[1]))
	if err != nil {
		v.t.Fatal(err)
	}
	if strings.Contains(m[0][:strings.Index(m[0], ">")], `method="get"`) {
		to.RawQuery = values.Encode()
		v.get(to.String())
		return
	}
	v.read(v.client.PostForm(to.String(), values))
}

// signIn fills in the provider's form and takes its answer to the hub.
func (v *visitor) signIn(user, password string) {
	v.t.Helper()
	v.submit(map[string]string{"username": user, "password": password})
	v.answer()
}

// answer submits the form that carries the response, if that is the page.
func (v *visitor) answer() {
	v.t.Helper()
	if strings.Contains(v.page, `name="SAMLResponse"`) {
		v.submit(nil)
	}
}

func (v *visitor) sees(text string) {
	v.t.Helper()
	if !strings.Contains(v.page, text) {
		v.t.Fatalf("%q is not at %s: %s", text, v.at, v.page)
	}
}

func TestSuomiFiForReal(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.SuomiFi())
	h := openHub(t, saml.SuomiFi(), sourceOf(idp))
	idp.Register(metadataOf(t, h.p))

	t.Run("a person", func(t *testing.T) {
		v := newVisitor(t)
		v.get(h.URL + "/login?n=1&lang=sv")
		if !strings.HasSuffix(v.at.Path, "loginuserpass.php") {
			t.Fatalf("at %s", v.at)
		}
		v.signIn("posti", simplesaml.Password)
		v.sees("signed in")
		a := h.last()
		if a.Issuer != idp.EntityID || a.PersonalCode != "010675-9981" || a.Name != "Pirkko Posti" || a.Email != "pirkko.posti@example.fi" ||
			a.Level != saml.FinnishSubstantial || a.ForeignID != "" || a.Subject != "" || a.Session.NameID == "" || a.Session.SessionIndex == "" {
			t.Errorf("came as %+v", a)
		}
		if time.Since(a.At).Abs() > time.Minute {
			t.Errorf("authenticated at %s", a.At)
		}

		// Silently, as the provider remembers; anew, as it must ask.
		v.get(h.URL + "/login?n=2&silent")
		v.answer()
		v.sees("signed in")
		v.get(h.URL + "/login?n=3&anew")
		if !strings.HasSuffix(v.at.Path, "loginuserpass.php") {
			t.Errorf("not asked anew, but at %s", v.at)
		}
		v.signIn("posti", simplesaml.Password)
		v.sees("signed in")
	})
	for _, tt := range []struct {
		user, code, foreign, name string
	}{
		{"pitka", "261298-998X", "", "Maija-Liisa Anneli Kristiina von Pitkäniminen-Äyräväinen"},
		{"turvakielto", "260991-999R", "", "Tiina Turva"},
		{"eidas", "", "SE/FI/197001011234", "Astrid Märta Ek"},
		{"vieras", "", "F1234567890", "Omar Haddad"},
	} {
		t.Run(tt.user, func(t *testing.T) {
			v := newVisitor(t)
			v.get(h.URL + "/login?n=" + tt.user)
			v.signIn(tt.user, simplesaml.Password)
			v.sees("signed in")
			if a := h.last(); a.PersonalCode != tt.code || a.ForeignID != tt.foreign || a.Name != tt.name {
				t.Errorf("came as %+v", a)
			}
		})
	}
	for _, tt := range []struct{ user, query, sees string }{
		{"kuollut", "", "refused: cancelled: status AuthnFailed"},
		{"peru", "", "refused: cancelled: status AuthnFailed"},
		{"eikeinoa", "", "refused: no_method: status NoAuthnContext"},
		{"evatty", "", "refused: too_old: status RequestDenied"},
		{"testi", "", "refused: too_weak"},
		{"", "&silent", "refused: not_silent: status NoPassive"},
	} {
		t.Run("refused "+tt.user, func(t *testing.T) {
			v := newVisitor(t)
			v.get(h.URL + "/login?n=r" + tt.user + tt.query)
			if tt.user != "" {
				v.signIn(tt.user, simplesaml.Password)
			} else {
				v.answer()
			}
			v.sees(tt.sees)
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		before := len(h.came)
		v := newVisitor(t)
		v.get(h.URL + "/login?n=w")
		v.signIn("posti", "väärä")
		if !strings.HasSuffix(v.at.Path, "loginuserpass.php") || len(h.came) != before {
			t.Errorf("came to %s", v.at)
		}
	})
	t.Run("the same answer twice", func(t *testing.T) {
		v := newVisitor(t)
		v.get(h.URL + "/login?n=twice")
		v.submit(map[string]string{"username": "posti", "password": simplesaml.Password})
		at, page := v.at, v.page
		h.mu.Lock()
		memo := h.memos["state-twice"]
		h.mu.Unlock()
		v.answer()
		v.sees("signed in")
		h.mu.Lock()
		h.memos["state-twice"] = memo
		h.mu.Unlock()
		v.at, v.page = at, page
		v.answer()
		v.sees("refused: too_old: the assertion was used before")
	})
	t.Run("nothing personal in the log", func(t *testing.T) {
		log := h.log.String()
		if !strings.Contains(log, "refused") {
			t.Error("nothing was logged at all")
		}
		for _, secret := range []string{"010675", "Posti", "posti@", "Ek", "SE/FI", "Haddad", "F1234567890", h.last().Session.NameID} {
			if strings.Contains(log, secret) {
				t.Errorf("%q was logged", secret)
			}
		}
	})
}

func TestLogoutForReal(t *testing.T) {
	for _, profile := range []simplesaml.Profile{simplesaml.SuomiFi(), simplesaml.Portti()} {
		t.Run(profile.Name, func(t *testing.T) {
			idp := simplesaml.Start(t, profile)
			c, user := saml.SuomiFi(), "posti"
			if profile.Persistent {
				c, user = saml.Portti(), "pekka"
			}
			h := openHub(t, c, sourceOf(idp))
			idp.Register(metadataOf(t, h.p))
			signedIn := func() *visitor {
				v := newVisitor(t)
				v.get(h.URL + "/login?n=1")
				v.signIn(user, simplesaml.Password)
				v.sees("signed in")
				if h.open() != 1 {
					t.Fatalf("%d sessions", h.open())
				}
				return v
			}

			v := signedIn()
			v.get(h.URL + "/logout")
			v.sees("signed out everywhere: true, state bye")
			if h.open() != 0 {
				t.Error("the session is still open")
			}
			v.get(h.URL + "/login?n=1") // the provider has forgotten too
			if !strings.HasSuffix(v.at.Path, "loginuserpass.php") {
				t.Errorf("the provider's session goes on: %s", v.at)
			}

			// Begun at the provider.
			v = signedIn()
			if profile.Frames {
				h.endInFrames(v, idp)
			} else {
				v.get(idp.EndEverywhere(h.URL + "/end"))
				v.sees("the end")
			}
			if h.open() != 0 {
				t.Error("the session is still open")
			}
			if strings.Contains(h.log.String(), "refused") {
				t.Error(h.log.String())
			}
			if strings.Contains(idp.Log(), " ERR ") {
				t.Error(idp.Log())
			}
		})
	}
}

// endInFrames goes where a provider that ends sessions in hidden frames sends
// the browser. The frame is another site's, so the hub's cookies are not there.
func (h *hub) endInFrames(v *visitor, idp *simplesaml.IDP) {
	h.t.Helper()
	v.get(idp.EndEverywhere(h.URL + "/end"))
	v.submit(map[string]string{"type": "js", "ok": ""})
	m := frames.FindStringSubmatch(v.page)
	if m == nil {
		h.t.Fatalf("no frame at %s: %s", v.at, v.page)
	}
	address, err := v.at.Parse(html.UnescapeString(m[1]))
	if err != nil {
		h.t.Fatal(err)
	}
	provider, err := url.Parse(idp.Base)
	if err != nil {
		h.t.Fatal(err)
	}
	bare := newVisitor(h.t)
	bare.client.Jar = onlyFor{v.client.Jar, provider.Host} // the provider's own cookies do come
	bare.get(address.String())
	bare.sees("logoutCompleted")
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.cookies) != 1 || h.cookies[0] != "" {
		h.t.Errorf("the frame brought cookies: %q", h.cookies)
	}
}

// onlyFor sends cookies to one host and port only, as browsers do from frames.
type onlyFor struct {
	http.CookieJar
	host string
}

func (o onlyFor) Cookies(u *url.URL) []*http.Cookie {
	if u.Host != o.host {
		return nil
	}
	return o.CookieJar.Cookies(u)
}

func (o onlyFor) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if u.Host == o.host {
		o.CookieJar.SetCookies(u, cookies)
	}
}

func TestVirtuForReal(t *testing.T) {
	virtu := simplesaml.Virtu(t, "thl.fi", "vero.fi")
	h := openHub(t, saml.Virtu(), func(c *saml.Config) {
		c.Source = saml.Source{URL: virtu.Aggregate}
		c.Source.Signer.Certificates = append(c.Source.Signer.Certificates, virtu.Certificate)
		c.Homes = []saml.Home{{EntityID: virtu.Homes[0].EntityID}, {EntityID: virtu.Homes[1].EntityID}}
		c.DiscoveryService, c.Discovery = virtu.Discovery, strings.TrimSuffix(c.ACS, "/acs")+"/chosen"
	})
	virtu.Register(metadataOf(t, h.p))
	for i, organisation := range []string{"thl.fi", "vero.fi"} {
		v := newVisitor(t)
		v.get(h.p.Choose("chosen-1", false))
		link := ""
		for _, l := range links.FindAllStringSubmatch(v.page, -1) {
			if l[2] == organisation {
				link = html.UnescapeString(l[1])
			}
		}
		v.get(link)
		v.signIn("virve", simplesaml.Password)
		v.sees("signed in")
		if a := h.last(); a.Issuer != virtu.Homes[i].EntityID || a.Subject != "virve@"+organisation || a.Organisation != organisation ||
			a.Name != "Virve Virkanen" || a.Email != "virve@"+organisation || a.PersonalCode != "" {
			t.Errorf("came as %+v", a)
		}
	}
	v := newVisitor(t)
	v.get(h.URL + "/login?n=5&issuer=" + url.QueryEscape(virtu.Homes[0].EntityID))
	v.signIn("huijari", simplesaml.Password)
	v.sees("refused: not_valid: the identity provider may not speak for this home organisation")

	// An answer of one home organisation to what another was asked.
	v = newVisitor(t)
	v.get(h.URL + "/login?n=6&issuer=" + url.QueryEscape(virtu.Homes[0].EntityID))
	v.submit(map[string]string{"username": "virve", "password": simplesaml.Password})
	h.mu.Lock()
	memo := string(h.memos["state-6"])
	h.memos["state-6"] = []byte(strings.Replace(memo, virtu.Homes[0].EntityID, virtu.Homes[1].EntityID, 1))
	h.mu.Unlock()
	v.answer()
	v.sees("refused: not_valid: the issuer is not the identity provider that was asked")

	v.get(h.p.Choose("chosen-2", true))
	v.sees("refused: cancelled: the discovery service came back without a choice")
}

func TestPorttiForReal(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.Portti())
	h := openHub(t, saml.Portti(), sourceOf(idp))
	idp.Register(metadataOf(t, h.p))
	var subject string
	for range 2 {
		v := newVisitor(t)
		v.get(h.URL + "/login?n=1&silent")
		v.answer()
		v.sees("refused: not_silent")
		v.get(h.URL + "/login?n=2")
		v.signIn("sanna", simplesaml.Password)
		v.sees("signed in")
		a := h.last()
		if a.Subject == "" || subject != "" && a.Subject != subject || a.Organisation != "turku.pelastus.fi" || a.Name != "Sanna Sammuttaja" || a.Lang != i18n.SV {
			t.Errorf("came as %+v", a)
		}
		subject = a.Subject
	}
}

// TestOurMessagesBySchema lets PHP's libxml judge what we send, by the schemas
// that come with SimpleSAMLphp.
func TestOurMessagesBySchema(t *testing.T) {
	const schemas = "/usr/share/simplesamlphp/schemas/saml-schema-"
	b := connect(t, func(c *saml.Config) { c.AskLevels = true })
	address, _, err := b.Begin(t.Context(), identity.Beginning{State: "s", Lang: i18n.EN, Anew: true})
	if err != nil {
		t.Fatal(err)
	}
	_, request := unpack(t, address, "SAMLRequest")
	address, err = b.End(t.Context(), suomifi, session, "s", i18n.EN)
	if err != nil {
		t.Fatal(err)
	}
	_, logout := unpack(t, address, "SAMLRequest")
	messages := map[string][]byte{"AuthnRequest": bytesOf(t, request), "LogoutRequest": bytesOf(t, logout)}
	for _, done := range []bool{true, false} {
		_, answer, err := b.ended(get(goodRequest().query(t, "theirs", keys.idp, sha256Sig)))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := answer(w, done); err != nil {
			t.Fatal(err)
		}
		_, response := unpack(t, w.Header().Get("Location"), "SAMLResponse")
		messages[fmt.Sprintf("LogoutResponse %v", done)] = bytesOf(t, response)
	}
	for name, c := range map[string]*bench{"Suomi.fi": b, "Virtu": federated(t, virtuMetadata())} {
		messages["metadata for "+name] = metadataOf(t, c.Provider)
	}
	for name, message := range messages {
		schema := schemas + "protocol-2.0.xsd"
		if strings.HasPrefix(name, "metadata") {
			schema = schemas + "metadata-2.0.xsd"
		}
		php := exec.Command("php", "-r", `$d = new DOMDocument(); $d->loadXML(stream_get_contents(STDIN)); exit($d->schemaValidate($argv[1]) ? 0 : 1);`, schema)
		php.Stdin = bytes.NewReader(message)
		if out, err := php.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s\n%s", name, err, out, message)
		}
	}
}

// TestTheProviderIsDown: a sign-in that was begun still ends well if the provider
// answers in time; a start without it is told.
func TestTheProviderIsDown(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.Portti())
	h := openHub(t, saml.Portti(), sourceOf(idp))
	idp.Register(metadataOf(t, h.p))
	pid := idp.PID()
	idp.Stop()
	idp.Stop()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the process lives on: %v", err)
	}
	if err := h.p.Refresh(t.Context()); err == nil {
		t.Error("refreshed from nothing")
	}
	if _, _, err := h.p.Begin(t.Context(), identity.Beginning{State: "s"}); err != nil {
		t.Errorf("what is known of the provider is not used: %v", err)
	}
}
