package saml_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
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
