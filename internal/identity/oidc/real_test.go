package oidc_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
	"luvat/internal/testkit/oidcprovider"
)

// A real sign-in: the hub's end over HTTP, and a provider that others wrote.
type real struct {
	*oidcprovider.Provider
	t    *testing.T
	x    *oidc.Connection
	keys []oidc.Key
	log  bytes.Buffer
	mu   sync.Mutex
	out  []identity.LogoutMessage // back-channel
}

func newReal(t *testing.T, change func(*oidc.Config, map[string]any)) *real {
	t.Helper()
	r := &real{t: t, keys: []oidc.Key{
		{ID: "sign-1", Use: oidc.Sign, Private: keyring()["sign-1"]}, {ID: "decrypt-1", Use: oidc.Decrypt, Private: keyring()["decrypt-1"]},
	}}
	hub := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(hub.Close)
	c := oidc.Config{
		Name: "real", ClientID: client, Redirect: hub.URL + "/answer", AfterLogout: hub.URL + "/ended", Scopes: []string{"profile", "personal_identity_code"},
		Levels: []string{loa2, loa3}, Claims: oidc.FTNClaims(), ServiceName: i18n.Text{FI: "Luvat ja valvonta", SV: "Tillstånd och tillsyn", EN: "Permits"},
		Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Keys: func() []oidc.Key {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.keys
		},
	}
	registered := map[string]any{
		"client_id": client, "redirect_uris": []string{c.Redirect}, "post_logout_redirect_uris": []string{c.AfterLogout},
		"response_types": []string{"code"}, "grant_types": []string{"authorization_code"}, "jwks_uri": hub.URL + "/jwks",
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256",
		"request_object_signing_alg": "RS256", "require_signed_request_object": true, "id_token_signed_response_alg": "RS256",
		"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A128CBC-HS256",
		"backchannel_logout_uri": hub.URL + "/logout", "backchannel_logout_session_required": true,
	}
	change(&c, registered)
	maps.DeleteFunc(registered, func(_ string, v any) bool { return v == nil })
	r.Provider = oidcprovider.Start(t, oidcprovider.Options{
		Clients: []map[string]any{registered}, Levels: []string{loa2, loa3, "http://ftn.ficora.fi/2017/loatest2"}, SignedRequests: registered["require_signed_request_object"] == true,
		People: map[string]map[string]any{
			sub:    {"name": family + " " + given, "given_name": given, "family_name": family, "personal_identity_code": code},
			"palo": {"name": "Palo Päivystäjä", "email": "palo@pelastus.example", "email_verified": true, "locale": "sv", "organization": "Pirkanmaan pelastuslaitos"},
		},
	})
	c.Issuer = r.Issuer
	var err error
	if r.x, err = oidc.New(c); err != nil {
		t.Fatal(err)
	}
	return r
}

// serve is the hub as the provider sees it.
func (r *real) serve(w http.ResponseWriter, q *http.Request) {
	switch q.URL.Path {
	case "/jwks":
		body, err := r.x.JWKS()
		if err != nil {
			r.t.Error(err)
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(body)
	case "/logout":
		m, answer, err := r.x.Ended(q.Context(), q)
		if err != nil {
			r.t.Errorf("a logout: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		r.out = append(r.out, m)
		r.mu.Unlock()
		_ = answer(w, true)
	default:
		http.NotFound(w, q)
	}
}

// signIn signs in with a browser.
func (r *real) signIn(b *oidcprovider.Browser, how identity.Beginning, login, level string) (identity.Assertion, error) {
	r.t.Helper()
	how.State = state
	address, memo, err := r.x.Begin(r.t.Context(), how)
	if err != nil {
		r.t.Fatal(err)
	}
	at := b.SignIn(address, login, level)
	return r.x.Finish(r.t.Context(), memo, httptest.NewRequest("GET", at.String(), nil))
}

func TestRealSignInAsTheFinnishTrustNetworkHasIt(t *testing.T) {
	r := newReal(t, func(*oidc.Config, map[string]any) {})
	b := r.Browser(t)
	began := time.Now()

	// Nobody is known yet: silence is not possible.
	_, err := r.signIn(b, identity.Beginning{Silent: true}, "", "")
	refusal(t, err, identity.NotSilent)

	// The person is told which service asks, in her language, and goes away.
	address, memo, err := r.x.Begin(t.Context(), identity.Beginning{State: state, Lang: i18n.SV})
	if err != nil {
		t.Fatal(err)
	}
	b.Goto(address)
	for _, want := range []string{"Tillstånd och tillsyn", `"ui_locales":"sv"`, loa2 + " " + loa3} {
		if !strings.Contains(b.Page, want) {
			t.Errorf("the provider's page lacks %s: %s", want, b.Page)
		}
	}
	b.Submit(url.Values{"cancel": {"yes"}})
	_, err = r.x.Finish(t.Context(), memo, httptest.NewRequest("GET", b.Away().String(), nil))
	refusal(t, err, identity.Cancelled)

	// She signs in; the same code is worth nothing the second time.
	address, memo, err = r.x.Begin(t.Context(), identity.Beginning{State: state, Lang: i18n.FI})
	if err != nil {
		t.Fatal(err)
	}
	at := b.SignIn(address, sub, loa2)
	a, err := r.x.Finish(t.Context(), memo, httptest.NewRequest("GET", at.String(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if a.PersonalCode != code || a.Name != given+" "+family || a.Level != loa2 || a.Subject != "" || a.Issuer != r.Issuer ||
		a.Session.NameID != sub || a.Session.SessionIndex == "" || a.Session.IDToken != "" || !a.At.IsZero() { // it tells when only where it is asked
		t.Errorf("somebody else came: %+v", a)
	}
	_, err = r.x.Finish(t.Context(), memo, httptest.NewRequest("GET", at.String(), nil))
	refusal(t, err, identity.TooOld)

	// Now silence will do, and a level that is too weak will not.
	if again, err := r.signIn(b, identity.Beginning{Silent: true}, "", ""); err != nil || again.PersonalCode != code {
		t.Errorf("silently: %v, %v", again, err)
	}
	_, err = r.signIn(r.Browser(t), identity.Beginning{}, sub, "http://ftn.ficora.fi/2017/loatest2")
	refusal(t, err, identity.TooWeak)

	// Anew, she is asked again.
	address, memo, err = r.x.Begin(t.Context(), identity.Beginning{State: state, Anew: true})
	if err != nil {
		t.Fatal(err)
	}
	b.Goto(address)
	if !strings.Contains(b.Page, `name="login"`) {
		t.Fatalf("nothing was asked: %s", b)
	}
	b.Submit(url.Values{"login": {sub}, "acr": {loa3}})
	if anew, err := r.x.Finish(t.Context(), memo, httptest.NewRequest("GET", b.Away().String(), nil)); err != nil || anew.Level != loa3 || anew.At.Before(began.Add(-time.Second)) || anew.At.After(time.Now()) {
		t.Errorf("anew: %v, %v", anew, err)
	}
	if strings.Contains(r.log.String(), code) || strings.Contains(r.log.String(), sub) {
		t.Errorf("the log tells who came: %s", r.log.String())
	}
}

// A provider remembers the hub's keys for a while. It knows the next signing key
// before that signs, and what it encrypts to the last key is opened still.
func TestRealRollOverOfTheHubsKeys(t *testing.T) {
	r := newReal(t, func(*oidc.Config, map[string]any) {})
	list := func(keys ...oidc.Key) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keys = keys
	}
	old := oidc.Key{ID: "decrypt-1", Use: oidc.Decrypt, Private: keyring()["decrypt-1"]}
	next := oidc.Key{ID: "sign-2", Use: oidc.Sign, Private: keyring()["sign-2"], From: time.Now().Add(time.Hour)}
	list(oidc.Key{ID: "sign-1", Use: oidc.Sign, Private: keyring()["sign-1"]}, next, old)
	if _, err := r.signIn(r.Browser(t), identity.Beginning{}, sub, loa2); err != nil {
		t.Fatal(err)
	}
	next.From, old.Until = time.Time{}, time.Now()
	list(next, old, oidc.Key{ID: "decrypt-2", Use: oidc.Decrypt, Private: keyring()["decrypt-2"]})
	if a, err := r.signIn(r.Browser(t), identity.Beginning{}, sub, loa2); err != nil || a.PersonalCode != code {
		t.Errorf("after the roll-over: %v, %v", a, err)
	}
}

func TestRealSignInAtAnOrganisation(t *testing.T) {
	r := newReal(t, func(c *oidc.Config, registered map[string]any) {
		c.Claims, c.Levels, c.Scopes, c.ServiceName = oidc.PlainClaims(), nil, []string{"profile", "email", "organization"}, i18n.Text{}
		c.PlainRequests, c.PlainTokens = true, true
		for _, name := range []string{"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "request_object_signing_alg", "require_signed_request_object"} {
			registered[name] = nil
		}
	})
	b := r.Browser(t)
	a, err := r.signIn(b, identity.Beginning{}, "palo", "")
	if err != nil {
		t.Fatal(err)
	}
	if a.Subject != "palo" || a.Name != "Palo Päivystäjä" || a.Email != "palo@pelastus.example" || a.Lang != i18n.SV || a.Organisation != "Pirkanmaan pelastuslaitos" || a.Session.IDToken == "" {
		t.Errorf("somebody else came: %+v", a)
	}

	// Logging out ends the provider's session, which tells the hub, and comes back.
	address, err := r.x.End(t.Context(), a.Issuer, a.Session, "logout-state-1", i18n.FI)
	if err != nil {
		t.Fatal(err)
	}
	b.Goto(address)
	b.Submit(url.Values{"logout": {"yes"}})
	m, _, err := r.x.Ended(t.Context(), httptest.NewRequest("GET", b.Away().String(), nil))
	if err != nil || m.State != "logout-state-1" || !m.Complete {
		t.Errorf("came back with %+v, %v", m, err)
	}
	r.mu.Lock()
	out := r.out
	r.mu.Unlock()
	if len(out) != 1 || out[0].Issuer != r.Issuer || out[0].Sessions[0].SessionIndex != a.Session.SessionIndex {
		t.Errorf("the provider ended %+v, not the session %+v", out, a.Session)
	}
	_, err = r.signIn(b, identity.Beginning{Silent: true}, "", "")
	refusal(t, err, identity.NotSilent)
}

func TestRealProviderThatWasStopped(t *testing.T) {
	r := newReal(t, func(*oidc.Config, map[string]any) {})
	address, memo, err := r.x.Begin(t.Context(), identity.Beginning{State: state})
	if err != nil {
		t.Fatal(err)
	}
	at := r.Browser(t).SignIn(address, sub, loa2)
	r.Stop()
	_, err = r.x.Finish(t.Context(), memo, httptest.NewRequest("GET", at.String(), nil))
	refusal(t, err, identity.NotThere)
}
