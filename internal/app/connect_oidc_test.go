package app_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/testkit/browser"
	"luvat/internal/testkit/oidcprovider"
)

const (
	ftnLevel = "http://ftn.ficora.fi/2017/loa2"
	oidcName = "suomifi-oidc"
)

// openID makes a hub with one connection of OpenID Connect, at a provider that
// others wrote, as the Finnish Trust Network has it; and with more of settings.
func openID(t *testing.T, more ...func(*served, map[string]any)) (*served, *oidcprovider.Provider) {
	t.Helper()
	var p *oidcprovider.Provider
	h := serving(t, nil, func(s *served) map[string]any {
		base := s.base + "/login/" + oidcName
		p = oidcprovider.Start(t, oidcprovider.Options{
			Levels: []string{ftnLevel}, SignedRequests: true,
			Clients: []map[string]any{{
				"client_id": "luvat", "redirect_uris": []string{base + "/callback"}, "post_logout_redirect_uris": []string{base + "/logout"},
				"response_types": []string{"code"}, "grant_types": []string{"authorization_code"}, "jwks_uri": base + "/jwks",
				"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256",
				"request_object_signing_alg": "RS256", "require_signed_request_object": true, "id_token_signed_response_alg": "RS256",
				"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A128CBC-HS256",
				"backchannel_logout_uri": base + "/logout", "backchannel_logout_session_required": true,
			}},
			People: map[string]map[string]any{
				"tessa": {"name": "Testilä Tessa", "given_name": "Tessa", "family_name": "Testilä", "personal_identity_code": "010280-952L"},
			},
		})
		key := func(use string) map[string]any {
			return map[string]any{"use": use, "file": pemPair(t, filepath.Join(s.dir, use+".pem"))}
		}
		settings := map[string]any{
			"keys": filepath.Join(s.dir, "keys"),
			"oidc": []any{map[string]any{
				"name": oidcName, "preset": "suomifi", "title": three("Suomi.fi-tunnistus"), "issuer": p.Issuer, "client_id": "luvat",
				"service_name": three("Luvat ja valvonta"), "keys": []any{key("sign"), key("decrypt"), key("vouch")},
				"federation": map[string]any{"organisation": "Virasto"},
			}},
		}
		for _, add := range more {
			add(s, settings)
		}
		return settings
	}, "010280", "Testil", "tessa")
	return h, p
}

// sent returns where a page sends the browser, without going there.
func (c client) sent(address string) string {
	c.t.Helper()
	stays := *c.Client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := stays.Get(address)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // not read
	to, err := res.Location()
	if err != nil {
		c.t.Fatalf("%s sends nowhere: status %d", address, res.StatusCode)
	}
	return to.String()
}

func (h *served) signInAt(c client, b *oidcprovider.Browser) {
	h.t.Helper()
	back := b.SignIn(c.sent(h.base+"/login/"+oidcName+"?next=/projects/new"), "tessa", ftnLevel)
	at, text := c.get(back.String())
	if at.Path == "/login/role" {
		at, text = c.post(h.base+"/login/role", url.Values{"role": {"customer/"}, "next": {"/projects/new"}})
	}
	if at.Path != "/projects/new" || !strings.Contains(text, "Tessa Testilä") {
		h.t.Fatalf("back at %s: %.500s", at, text)
	}
}

// An applicant signs in at an OpenID provider and signs out: from here, which
// ends the provider's session, and from there, which ends the hub's.
func TestSigningInByOpenIDConnect(t *testing.T) {
	h, p := openID(t)
	b, c := p.Browser(t), newClient(t)
	h.signInAt(c, b)

	// Once more, with another of her browsers.
	other, there := newClient(t), p.Browser(t)
	h.signInAt(other, there)

	// She signs out from one: she is led to the provider, and comes back.
	_, text := c.post(h.base+"/logout", url.Values{})
	away := attributeAfter(text, `http-equiv="refresh"`, "url=")
	if !strings.HasPrefix(away, p.Issuer) {
		t.Fatalf("after signing out here the browser is led to %q: %.500s", away, text)
	}
	b.Goto(away)
	b.Submit(url.Values{"logout": {"yes"}})
	if at, _ := c.get(b.Away().String()); at.Path != "/" {
		t.Errorf("from the provider one comes back to %s", at)
	}
	if at, _ := c.get(h.base + "/projects"); at.Path != "/login" {
		t.Errorf("after signing out at %s", at)
	}

	// The other one's session goes on, until the provider ends it.
	if at, _ := other.get(h.base + "/projects"); at.Path != "/projects" {
		t.Fatalf("the other browser was signed out too: %s", at)
	}
	there.Goto(p.Issuer + "/session/end")
	there.Submit(url.Values{"logout": {"yes"}})
	if at, _ := other.get(h.base + "/projects"); at.Path != "/login" {
		t.Errorf("after the provider has ended the session at %s", at)
	}
}

// The same in a browser, in Swedish: from the sign-in page to the provider and
// back, and out of both.
func TestSigningInByOpenIDConnectInABrowser(t *testing.T) {
	h, provider := openID(t)
	p := browser.Start(t).Page(t, browser.Options{Base: h.base, JavaScript: true, Lang: "sv"})
	p.Goto("/login?next=/projects/new")
	p.Click("link", "Suomi.fi-tunnistus")
	if !strings.HasPrefix(p.URL(), provider.Issuer) {
		t.Fatalf("the browser is at %s", p.URL())
	}
	browser.Eval[any](p, `document.querySelector("[name=login]").value = "tessa"; document.querySelector("[name=acr]").value = "`+ftnLevel+`"; null`)
	p.Click("button", "OK")
	p.See("Tessa Testilä")
	if !strings.HasPrefix(p.URL(), h.base+"/projects/new") {
		t.Errorf("back at %s", p.URL())
	}
	p.Click("button", i18n.T(i18n.SV, "ui.logout"))
	until(t, "the browser comes to the provider to sign out there", func() bool { return strings.HasPrefix(p.URL(), provider.Issuer) })
	browser.Eval[any](p, `const f = document.querySelector("form"); f.insertAdjacentHTML("beforeend", '<input type="hidden" name="logout" value="yes">'); f.submit(); null`)
	until(t, "the browser comes back", func() bool { return p.URL() == h.base+"/" })
	p.Goto("/projects")
	if !strings.HasPrefix(p.URL(), h.base+"/login") {
		t.Errorf("after signing out at %s", p.URL())
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// What a provider must know of the hub is there for anybody.
func TestTheHubsDocumentsForOpenIDConnect(t *testing.T) {
	h, _ := openID(t)
	c := newClient(t)
	for name, kind := range map[string]string{
		"jwks": "application/jwk-set+json", "signed-jwks": "application/jose", "entity-statement": "application/entity-statement+jwt",
	} {
		res, err := c.Get(h.base + "/login/" + oidcName + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, text := c.read(res, nil)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind || len(text) < 200 {
			t.Errorf("%s: status %d, %s, %d bytes", name, res.StatusCode, res.Header.Get("Content-Type"), len(text))
		}
		if strings.Contains(text, `"d":`) {
			t.Errorf("%s holds a private key", name)
		}
	}
	if res, err := c.Get(h.base + "/login/" + oidcName + "/metadata"); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("metadata of SAML: %v %v", res, err)
	}
}

// attributeAfter returns what follows a word after a mark, to the next quote.
func attributeAfter(page, mark, word string) string {
	_, rest, _ := strings.Cut(page, mark)
	_, rest, _ = strings.Cut(rest, word)
	text, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(text, "&amp;", "&")
}
