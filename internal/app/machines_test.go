package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"html"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/app"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/ledger"
	"luvat/internal/web"
	"luvat/internal/web/site"
)

const rescue = "rescue-pirkanmaa"

// A program is what an authority has made: it knows its key, its identifier and
// the hub.
type program struct {
	t    *testing.T
	h    *app.Hub
	id   string
	key  *ecdsa.PrivateKey
	held string // its access token
}

func newProgram(t *testing.T, h *app.Hub) *program {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &program{t: t, h: h, key: key}
}

func (p *program) public() string {
	p.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// signsIn signs for an access token and returns the status of the answer.
func (p *program) signsIn(change ...func(*http.Request)) int {
	p.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"iss": p.id, "sub": p.id, "aud": p.h.Config.BaseURL + "/token", "jti": rand.Text(), "exp": p.h.Desk.Now().Add(time.Minute).Unix(),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	object, err := signer.Sign(body)
	if err != nil {
		p.t.Fatal(err)
	}
	assertion, err := object.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return p.tokenFor(url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}, change...)
}

func (p *program) tokenFor(form url.Values, change ...func(*http.Request)) int {
	p.t.Helper()
	p.held = ""
	w := p.do("POST", "/token", form, change...)
	var said struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		p.t.Fatalf("status %d, %s: %v", w.Code, w.Body, err)
	}
	p.held = said.Access
	return w.Code
}

// do asks with the token, if it holds one. It keeps no cookies.
func (p *program) do(method, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if p.held != "" {
		r.Header.Set("Authorization", "Bearer "+p.held)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	p.h.Handler.ServeHTTP(w, r)
	return w
}

// hook returns an attribute of the elements with a hook of docs/robots.md.
func hook(page, name, attribute string) (all []string) {
	for _, tag := range regexp.MustCompile(`<[a-z]+[^>]*data-robot="`+name+`"[^>]*>`).FindAllString(page, -1) {
		if m := regexp.MustCompile(` ` + attribute + `="([^"]*)"`).FindStringSubmatch(tag); m != nil {
			all = append(all, html.UnescapeString(m[1]))
		}
	}
	return all
}

// lead signs in a lead of the authority.
func lead(t *testing.T, h *app.Hub, authority string) *http.Cookie {
	t.Helper()
	hat := identity.Hat{Role: identity.RoleLead, Authority: authority}
	if err := h.DB.InTx(t.Context(), func(tx *db.Tx) error { return identity.Grant(t.Context(), tx, h.Desk.Now(), "demo-lead", hat) }); err != nil {
		t.Fatal(err)
	}
	return session(t, h, "demo-lead", hat)
}

// posts posts a form of a page and returns where that leads.
func posts(t *testing.T, h *app.Hub, as *http.Cookie, path string, form url.Values) string {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(as)
	w := httptest.NewRecorder()
	h.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("POST %s: status %d, %s", path, w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// A lead gives a robot its key; the robot takes a matter into handling by what
// docs/robots.md tells, and is nobody once the lead has withdrawn the key.
func TestARobotFromItsKeyToItsEnd(t *testing.T) {
	h := demoHub(t)
	leena, p := lead(t, h, rescue), newProgram(t, h)
	at := posts(t, h, leena, "/lead/machines", url.Values{"name": {"Ilmoitusrobotti"}, "kind": {"robot"}})
	p.id = strings.TrimPrefix(at, "/lead/machines/")
	if status := p.signsIn(); status != http.StatusUnauthorized {
		t.Errorf("before it has a key: status %d", status)
	}
	posts(t, h, leena, at+"/issue", url.Values{"proof": {p.public()}})
	if status := p.signsIn(); status != http.StatusOK {
		t.Fatalf("with its key: status %d", status)
	}

	inbox := p.do("GET", "/officer?bucket=authority", nil).Body.String()
	waits := slices.Index(hook(inbox, "inbox-status", "data-value"), "pending")
	if waits < 0 {
		t.Fatalf("nothing waits: %v", hook(inbox, "inbox-status", "data-value"))
	}
	path := hook(inbox, "inbox-open", "href")[waits]
	page := p.do("GET", path+"?do=take", nil).Body.String()
	form := url.Values{"_version": hook(page, "matter", "data-entries"), "email": {""}}
	w := p.do("POST", hook(page, "form-take", "action")[0], form)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("take: status %d, %v", w.Code, hook(w.Body.String(), "problem", "data-value"))
	}
	page = p.do("GET", w.Header().Get("Location"), nil).Body.String()
	if got := hook(page, "matter-status", "data-value"); !slices.Equal(got, []string{"in_handling"}) {
		t.Errorf("the matter is %v", got)
	}
	if got := hook(page, "matter-handler", "data-value"); len(got) != 1 || got[0] == p.id {
		t.Errorf("its handler is %v; a robot is none", got)
	}
	if !strings.Contains(page, "Ilmoitusrobotti") {
		t.Error("the timeline does not say who did it")
	}
	if cookies := w.Result().Cookies(); len(cookies) > 0 {
		t.Errorf("the robot got cookies: %v", cookies)
	}

	machinePage := ask(h, "GET", at, leena).Body.String()
	credential := regexp.MustCompile(at + `/credentials/[0-9a-f-]+`).FindString(machinePage)
	posts(t, h, leena, credential+"/withdraw", nil)
	if w := p.do("GET", path, nil); w.Code != http.StatusUnauthorized || len(hook(w.Body.String(), "matter", "data-value")) > 0 {
		t.Errorf("after the key was withdrawn: status %d", w.Code)
	}
	if status := p.signsIn(); status != http.StatusUnauthorized {
		t.Errorf("it gets a token: status %d", status)
	}

	err := h.DB.View(t.Context(), func(tx *db.Tx) error {
		entries, err := ledger.Read(t.Context(), tx, identity.AuthorityStream(rescue))
		var deeds []string
		for _, e := range entries {
			if strings.HasPrefix(e.Deed, "machine.") {
				deeds = append(deeds, strings.TrimPrefix(e.Deed, "machine."))
			}
		}
		// The second refusal is of the same minute.
		if want := []string{"added", "refused", "credential_issued", "token", "credential_withdrawn"}; !slices.Equal(deeds, want) {
			t.Errorf("the ledger says %v; want %v", deeds, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every route, as a robot of another authority.
func TestARobotOfAnotherAuthorityFindsNothing(t *testing.T) {
	h := demoHub(t)
	known, p := ids(t, h), newProgram(t, h)
	asker := machine.Lead(identity.Lead{Authority: "police-lappi"})
	m, err := h.Site.Machines.Add(t.Context(), asker, machine.Machine{Authority: "police-lappi", Kind: machine.Robot, Name: "Outo"})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := machine.ReadProof(p.public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Site.Machines.Issue(t.Context(), asker, m.ID, proof); err != nil {
		t.Fatal(err)
	}
	if p.id = m.ID; p.signsIn() != http.StatusOK {
		t.Fatal("refused")
	}
	before, officers := written(t, h), 0
	for _, rt := range web.Routes(h.Site, nil, web.Outside{}) {
		method, path, named := concrete(rt.Pattern, known)
		switch rt.Access {
		case site.Anybody, site.DemoOnly:
			continue
		case site.Officers:
			if officers++; !named {
				if w := p.do(method, path, nil); w.Code != http.StatusOK {
					t.Errorf("%s: status %d", rt.Pattern, w.Code)
				}
				continue
			}
		}
		form := url.Values{"_version": {"1"}, "text": {"hei"}}
		if method == http.MethodGet {
			form = nil
		}
		if w := p.do(method, path, form); w.Code != http.StatusNotFound && (rt.Access != site.Officers || w.Code < 400) {
			t.Errorf("%s: status %d; want 404", rt.Pattern, w.Code)
		}
	}
	if officers == 0 {
		t.Error("there are no officers' pages")
	}
	if now := written(t, h); len(changed(before, now)) > 0 {
		t.Errorf("it has changed %v", changed(before, now))
	}
}

// certificate is one for a client, by its own key.
func (p *program) certificate(name string) *x509.Certificate {
	p.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: p.h.Desk.Now().Add(-time.Hour), NotAfter: p.h.Desk.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.key.Public(), p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		p.t.Fatal(err)
	}
	return cert
}

// A machine shows its certificate at a name of its own, to a proxy that is
// trusted; the token that it gets works with that certificate alone.
func TestMachinesShowCertificatesThroughTheProxy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sign-in.json")
	settings, err := json.Marshal(map[string]any{"keys": filepath.Join(dir, "keys"), "machines": map[string]any{"host": "koneet.luvat.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"LUVAT_BASE_URL": "https://luvat.example", "LUVAT_DATABASE_URL": app.ContentURL(t), "LUVAT_ATTACHMENTS": filepath.Join(dir, "files"), "LUVAT_TRUSTED_PROXIES": "127.0.0.1/32",
		"LUVAT_MAIL_FROM": "hub@luvat.example", "LUVAT_SMTP_HOST": "127.0.0.1", "LUVAT_SMTP_TLS": "none", "LUVAT_SIGN_IN": file,
	}
	cfg, err := app.ReadConfig(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	h, err := app.Open(t.Context(), cfg, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	p, another := newProgram(t, h), newProgram(t, h)
	mine, theirs := p.certificate("robotti"), another.certificate("robotti")
	asker := machine.Lead(identity.Lead{Authority: rescue})
	m, err := h.Site.Machines.Add(t.Context(), asker, machine.Machine{Authority: rescue, Kind: machine.Robot, Name: "Robotti"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Site.Machines.Issue(t.Context(), asker, m.ID, machine.Proof{Certificate: mine.Raw}); err != nil {
		t.Fatal(err)
	}
	p.id = m.ID
	through := func(peer, host string, cert *x509.Certificate) func(*http.Request) {
		return func(r *http.Request) {
			if r.RemoteAddr, r.Host = peer+":4711", host; cert != nil {
				r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(cert.Raw)+":")
			}
		}
	}
	const proxy, machines = "127.0.0.1", "koneet.luvat.example"
	by := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.id}}
	for name, way := range map[string]func(*http.Request){
		"from elsewhere": through("192.0.2.1", machines, mine), "at the hub's own name": through(proxy, "luvat.example", mine),
		"another certificate": through(proxy, machines, theirs), "none": through(proxy, machines, nil),
	} {
		if status := p.tokenFor(by, way); status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, status)
		}
	}
	good := through(proxy, machines, mine)
	if status := p.tokenFor(by, good); status != http.StatusOK {
		t.Fatalf("with its certificate: status %d", status)
	}
	for name, tt := range map[string]struct {
		way  func(*http.Request)
		want int
	}{
		"its own": {good, http.StatusOK}, "its own, with the port": {through(proxy, machines+":443", mine), http.StatusOK},
		"another": {through(proxy, machines, theirs), http.StatusUnauthorized}, "none": {through(proxy, machines, nil), http.StatusUnauthorized},
		"its own, from elsewhere": {through("192.0.2.1", machines, mine), http.StatusUnauthorized}, "its own, at the hub's own name": {through(proxy, "luvat.example", mine), http.StatusUnauthorized},
	} {
		if w := p.do("GET", "/officer", nil, tt.way); w.Code != tt.want {
			t.Errorf("with %s: status %d, want %d", name, w.Code, tt.want)
		}
	}
	p.held = "" // a certificate alone signs nobody in on a page: a browser might send it by itself
	if w := p.do("GET", "/officer", nil, good); w.Code != http.StatusSeeOther {
		t.Errorf("with a certificate and no token: status %d", w.Code)
	}
}

// What is wrong with the settings is told.
func TestWhatIsWrongWithTheMachinesHost(t *testing.T) {
	dir := t.TempDir()
	for want, tt := range map[string]struct {
		settings map[string]any
		proxies  string
	}{
		"host: is not set":              {map[string]any{}, "127.0.0.1/32"},
		"no proxy is trusted":           {map[string]any{"host": "koneet.luvat.example"}, ""},
		"is the hub's own name":         {map[string]any{"host": "luvat.example"}, "127.0.0.1/32"},
		"issuers: read certificates":    {map[string]any{"host": "koneet.luvat.example", "issuers": []string{filepath.Join(dir, "nothing.pem")}}, "127.0.0.1/32"},
		"json: unknown field \"hosts\"": {map[string]any{"hosts": "koneet.luvat.example"}, "127.0.0.1/32"},
	} {
		file := filepath.Join(dir, "sign-in.json")
		body, _ := json.Marshal(map[string]any{"keys": filepath.Join(dir, "keys"), "machines": tt.settings})
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{
			"LUVAT_BASE_URL": "https://luvat.example", "LUVAT_DATABASE_URL": app.ContentURL(t), "LUVAT_ATTACHMENTS": filepath.Join(dir, "files"),
			"LUVAT_MAIL_FROM": "hub@luvat.example", "LUVAT_SMTP_HOST": "127.0.0.1", "LUVAT_SMTP_TLS": "none", "LUVAT_SIGN_IN": file, "LUVAT_TRUSTED_PROXIES": tt.proxies,
		}
		cfg, err := app.ReadConfig(func(name string) string { return env[name] })
		if err == nil {
			var h *app.Hub
			if h, err = app.Open(t.Context(), cfg, app.Options{}); err == nil {
				_ = h.Close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "LUVAT_SIGN_IN") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// Each mistake about Suomi.fi-valtuudet is told by the name that the file has for it.
func TestWhatIsWrongWithTheMandates(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sign-in.json")
	open := func(settings map[string]any) string {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"keys": filepath.Join(dir, "keys"), "mandates": settings})
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{
			"LUVAT_BASE_URL": "https://luvat.example", "LUVAT_DATABASE_URL": app.ContentURL(t), "LUVAT_ATTACHMENTS": filepath.Join(dir, "files"),
			"LUVAT_MAIL_FROM": "hub@luvat.example", "LUVAT_SMTP_HOST": "127.0.0.1", "LUVAT_SMTP_TLS": "none", "LUVAT_SIGN_IN": file,
		}
		cfg, err := app.ReadConfig(func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		h, err := app.Open(t.Context(), cfg, app.Options{})
		if err == nil {
			_ = h.Close()
			t.Fatal("the hub starts half configured")
		}
		return err.Error()
	}
	told := open(map[string]any{"client_id": "x", "officer_matter": "permits", "officer_shows": "both"})
	for _, name := range []string{"base_url", "client_id", "api_key_file", "oauth_password_file", "officer_matter", "officer_principal", "officer_shows"} {
		if !strings.Contains(told, "LUVAT_SIGN_IN: mandates: "+name+": ") {
			t.Errorf("the mistake of %s is not told by its name:\n%s", name, told)
		}
	}
	if told := open(map[string]any{"api_key_file": filepath.Join(dir, "nothing")}); !strings.Contains(told, "mandates: api_key_file: open "+dir) {
		t.Errorf("a file that is not there: %s", told)
	}
}
