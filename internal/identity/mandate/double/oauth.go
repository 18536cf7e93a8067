package double

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"luvat/internal/i18n"
)

// A choice is a party on the page.
type choice struct {
	Mark string // stands for the party in the form
	Name string
	ID   string // a company's business id
}

// A page is what the person chooses on.
type page struct {
	Lang    i18n.Lang
	Mode    string
	Choices []choice
	Missing bool              // nothing was chosen
	Fields  map[string]string // what the form carries on
	Langs   []langLink
}

type langLink struct {
	Lang i18n.Lang
	Name string
	Href string
}

// carried are the parameters that the form carries on.
var carried = []string{"client_id", "response_type", "requestId", "user", "scope", "state", "redirect_uri", "lang"}

// An authorization is what a service sent the browser with.
type authorization struct {
	session *session
	values  url.Values
}

// authorize reads the parameters. What is wrong with them is told to the person:
// the browser must not be sent to an address that is not registered.
func (d *Double) authorize(w http.ResponseWriter, r *http.Request, q url.Values) (authorization, bool) {
	a := authorization{values: q}
	switch {
	case q.Get("client_id") != d.ClientID:
		fail(w, r, http.StatusBadRequest, unknownService, "MATCHING_SERVICE_NOT_FOUND")
	case !d.allows(q.Get("redirect_uri")):
		fail(w, r, http.StatusBadRequest, wrongRedirect, "INVALID_WEB_API_REDIRECT_URL")
	case q.Get("response_type") != "code":
		d.back(w, r, a, url.Values{"error": {"unsupported_response_type"}})
	default:
		if a.session = d.byUser(q.Get("user")); a.session == nil {
			fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
			return a, false
		}
		return a, true
	}
	return a, false
}

func (d *Double) byUser(user string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		if s.user == user && d.Now().Before(s.until) && !d.switches.Expired {
			return s
		}
	}
	return nil
}

// choose shows the page, or sends a person who cancels straight back.
func (d *Double) choose(w http.ResponseWriter, r *http.Request) {
	a, ok := d.authorize(w, r, r.URL.Query())
	if !ok {
		return
	}
	if d.on().Cancel {
		d.back(w, r, a, url.Values{"error": {"access_denied"}})
		return
	}
	d.show(w, r, a, http.StatusOK, false)
}

// chosen reads the form of the page.
func (d *Double) chosen(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	a, ok := d.authorize(w, r, r.PostForm)
	if !ok {
		return
	}
	if r.PostForm.Get("action") == "cancel" {
		d.back(w, r, a, url.Values{"error": {"access_denied"}})
		return
	}
	var parties []Party
	for _, p := range d.offered(a.session) {
		if slices.Contains(r.PostForm["choice"], d.mark(p)) {
			parties = append(parties, p)
		}
	}
	if len(parties) == 0 || a.session.mode == "ypa" && len(parties) > 1 {
		d.show(w, r, a, http.StatusUnprocessableEntity, true)
		return
	}
	id := d.newID()
	d.mu.Lock()
	a.session.chosen = parties
	d.codes[id] = code{a.session, r.PostForm.Get("redirect_uri"), d.Now().Add(codeLife)}
	d.mu.Unlock()
	d.back(w, r, a, url.Values{"code": {id}})
}

// back sends the browser to the service.
func (d *Double) back(w http.ResponseWriter, r *http.Request, a authorization, answer url.Values) {
	to, err := url.Parse(a.values.Get("redirect_uri"))
	if err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	q := to.Query()
	for name, values := range answer {
		q[name] = values
	}
	if a.values.Has("state") {
		q.Set("state", a.values.Get("state"))
	}
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// offered lists whom the person may choose.
func (d *Double) offered(s *session) (all []Party) {
	if s.mode == "hpa" {
		return d.delegators(s.person, d.Now())
	}
	for _, o := range d.organisations(s.person, d.Now(), d.Shows, false) {
		for _, p := range d.parties() {
			if string(p.Company) == o.Identifier {
				all = append(all, p)
			}
		}
	}
	return all
}

// mark stands for a party in the form, so that no code is in the page.
func (d *Double) mark(p Party) string {
	mac := hmac.New(sha256.New, []byte(d.marks))
	_, _ = fmt.Fprintf(mac, "%s\x00%s", p.Person.Reveal(), p.Company) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// show draws the page.
func (d *Double) show(w http.ResponseWriter, r *http.Request, a authorization, status int, missing bool) {
	p := page{Lang: i18n.Parse(a.values.Get("lang")), Mode: a.session.mode, Missing: missing, Fields: map[string]string{}}
	for _, name := range carried {
		if a.values.Has(name) {
			p.Fields[name] = a.values.Get(name)
		}
	}
	for _, l := range i18n.Langs {
		if l == p.Lang {
			continue
		}
		q := url.Values{}
		for name, value := range p.Fields {
			q.Set(name, value)
		}
		q.Set("lang", string(l))
		p.Langs = append(p.Langs, langLink{l, i18n.T(l, "double.this_language"), "/oauth/authorize?" + q.Encode()})
	}
	for _, party := range d.offered(a.session) {
		name, _ := d.known(party)
		p.Choices = append(p.Choices, choice{d.mark(party), name, string(party.Company)})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self' "+origin(a.values.Get("redirect_uri"))+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = choosePage(p).Render(r.Context(), w) // the browser is gone, then
}

// origin is where the form's answer leads in the end: browsers ask for that, too.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

//go:embed double.css
var css []byte

func (d *Double) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(css)
}

// token trades a code or a refresh token for a token. Parameters may stand in the
// address or in the body: both are in use.
func (d *Double) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	id, password, ok := r.BasicAuth()
	if !ok || id != d.ClientID || subtle.ConstantTimeCompare([]byte(password), []byte(d.OAuthPassword)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth"`)
		oauthError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	switch r.Form.Get("grant_type") {
	case "authorization_code":
		d.byCode(w, r)
	case "refresh_token":
		d.byRefresh(w, r)
	default:
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type")
	}
}

func oauthError(w http.ResponseWriter, status int, word string) {
	writeJSON(w, status, map[string]string{"error": word})
}

// byCode trades a code, once and for the address it was made for.
func (d *Double) byCode(w http.ResponseWriter, r *http.Request) {
	id := r.Form.Get("code")
	d.mu.Lock()
	c, ok := d.codes[id]
	delete(d.codes, id)
	d.mu.Unlock()
	if !ok || !d.Now().Before(c.until) || c.redirect != r.Form.Get("redirect_uri") || d.live(c.session.id, c.session.mode) == nil {
		oauthError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	refresh := d.newID()
	d.mu.Lock()
	d.refresh[refresh] = c.session
	d.mu.Unlock()
	d.pay(w, c.session, refresh)
}

// byRefresh trades a refresh token, which stays good as long as its session.
// Whether the real server does this is not settled.
func (d *Double) byRefresh(w http.ResponseWriter, r *http.Request) {
	refresh := r.Form.Get("refresh_token")
	d.mu.Lock()
	s, off := d.refresh[refresh], d.switches.NoRefresh
	d.mu.Unlock()
	if off {
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	if s == nil || d.live(s.id, s.mode) == nil {
		oauthError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	d.pay(w, s, refresh)
}

// pay gives a token, the only one of its session.
func (d *Double) pay(w http.ResponseWriter, s *session, refresh string) {
	access := d.newID()
	d.mu.Lock()
	for k, t := range d.tokens {
		if t.session == s {
			delete(d.tokens, k)
		}
	}
	d.tokens[access] = token{s, d.Now().Add(tokenLife)}
	d.mu.Unlock()
	writeJSON(w, http.StatusOK, struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int    `json:"expires_in"`
		Scope        string `json:"scope"`
	}{access, "bearer", refresh, int(tokenLife.Seconds()) - 1, "read"})
}
