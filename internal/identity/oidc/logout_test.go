package oidc_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
)

func TestWhereALogoutGoes(t *testing.T) {
	p := newProvider(t)
	x := p.connect(func(c *oidc.Config) { c.Claims = oidc.PlainClaims() })
	plain, err := p.signIn(x)
	if err != nil {
		t.Fatal(err)
	}
	ftn, err := p.signIn(p.connect())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, issuer string
		session      identity.ProviderSession
		want         url.Values
	}{
		{"of an organisation", p.URL, plain.Session, url.Values{
			"client_id": {client}, "ui_locales": {"sv"}, "id_token_hint": {plain.Session.IDToken}, "post_logout_redirect_uri": {"https://luvat.example/login/ended"}, "state": {state},
		}},
		{"whose token has a personal code", p.URL, ftn.Session, url.Values{
			"client_id": {client}, "ui_locales": {"sv"}, "post_logout_redirect_uri": {"https://luvat.example/login/ended"}, "state": {state},
		}},
		{"of another provider", "https://other.example", plain.Session, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address, err := x.End(t.Context(), tt.issuer, tt.session, state, i18n.SV)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				if address != "" {
					t.Errorf("got %s", address)
				}
				return
			}
			u, err := url.Parse(address)
			if err != nil || !strings.HasPrefix(address, p.URL+"/end?") {
				t.Fatalf("got %s, %v", address, err)
			}
			if diff := cmp.Diff(tt.want, u.Query()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if ftn.Session.IDToken != "" {
		t.Error("a token with a personal code is kept")
	}
}

const event = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims are those of a good logout token.
func logoutClaims(p *provider) map[string]any {
	now := p.clock.Now()
	return map[string]any{
		"iss": p.URL, "aud": client, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": "j1", "sub": sub, "sid": "session-55",
		"events": map[string]any{event: map[string]any{}},
	}
}

func posted(token string) *http.Request {
	r := httptest.NewRequest("POST", "/login/ftn/logout", strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestTheProviderEndsASession(t *testing.T) {
	both := []identity.ProviderSession{{NameID: sub, SessionIndex: "session-55"}}
	for _, tt := range []struct {
		name   string
		change map[string]any
		token  func(claims map[string]any) string
		want   []identity.ProviderSession // nil: refused
	}{
		{"this session", nil, nil, both},
		{"sealed", nil, func(c map[string]any) string { return toHub(sign("provider-1", c)) }, both},
		{"all of the person's", map[string]any{"sid": nil}, nil, []identity.ProviderSession{{NameID: sub}}},
		{"of nobody's name", map[string]any{"sub": nil}, nil, []identity.ProviderSession{{SessionIndex: "session-55"}}},

		{"of nobody", map[string]any{"sub": nil, "sid": nil}, nil, nil},
		{"an ID token", map[string]any{"nonce": "AQEB"}, nil, nil},
		{"no event", map[string]any{"events": nil}, nil, nil},
		{"another event", map[string]any{"events": map[string]any{"https://x.example": map[string]any{}}}, nil, nil},
		{"no number", map[string]any{"jti": nil}, nil, nil},
		{"another provider's", map[string]any{"iss": "https://evil.example"}, nil, nil},
		{"another client's", map[string]any{"aud": "another"}, nil, nil},
		{"another client's too", map[string]any{"aud": []string{client, "another"}}, nil, nil},
		{"expired", map[string]any{"exp": now(-2 * time.Minute)}, nil, nil},
		{"without an end", map[string]any{"exp": nil}, nil, nil},
		{"old", map[string]any{"iat": now(-4 * time.Minute)}, nil, nil},
		{"of tomorrow", map[string]any{"iat": now(24 * time.Hour)}, nil, nil},
		{"by a stranger", nil, func(c map[string]any) string { return sign("stranger", c) }, nil},
		{"by nobody", nil, func(c map[string]any) string { return unsigned(c) }, nil},
		{"by key confusion", nil, func(c map[string]any) string { return confused(c, publicDER()) }, nil},
		{"not there", nil, func(map[string]any) string { return "" }, nil},
		{"too long", map[string]any{"padding": strings.Repeat("A", 70<<10)}, nil, nil},
		{"far too long", map[string]any{"padding": strings.Repeat("A", 400<<10)}, nil, nil},
		{"no token", nil, func(map[string]any) string { return `{"payload":"e30"}` }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			x := p.connect()
			v := p.begin(x, beginning)
			claims := logoutClaims(p)
			maps.Copy(claims, tt.change)
			maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
			if tt.token == nil {
				tt.token = func(c map[string]any) string { return sign("provider-1", c) }
			}
			m, answer, err := x.Ended(t.Context(), posted(tt.token(claims)))
			if tt.want == nil {
				if _, ok := err.(*identity.Refusal); !ok || answer != nil { //nolint:errorlint // exactly
					t.Errorf("got %v, %v", m, err)
				}
				v.discreet(err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(identity.LogoutMessage{Issuer: p.URL, Sessions: tt.want}, m); diff != "" {
				t.Error(diff)
			}
			for done, want := range map[bool]int{true: 200, false: 400} {
				w := httptest.NewRecorder()
				if err := answer(w, done); err != nil || w.Code != want || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("answered %d %v, %v", w.Code, w.Header(), err)
				}
			}
		})
	}
}

func TestTheBrowserBringsALogout(t *testing.T) {
	p := newProvider(t)
	x := p.connect()
	for _, tt := range []struct {
		name string
		q    url.Values
		want *identity.LogoutMessage
	}{
		{"in a frame", url.Values{"iss": {p.URL}, "sid": {"session-55"}}, &identity.LogoutMessage{Issuer: p.URL, Sessions: []identity.ProviderSession{{SessionIndex: "session-55"}}}},
		{"back from End", url.Values{"state": {state}}, &identity.LogoutMessage{Issuer: p.URL, State: state, Complete: true}},
		{"in a frame, of another provider", url.Values{"iss": {"https://evil.example"}, "sid": {"session-55"}}, nil},
		{"in a frame, of no session", url.Values{"iss": {p.URL}}, nil},
		{"in a frame, of an empty session", url.Values{"iss": {p.URL}, "sid": {""}}, nil},
		{"in a frame, of nobody", url.Values{"sid": {"session-55"}}, nil},
		{"in a frame, twice", url.Values{"iss": {p.URL}, "sid": {"session-55", "session-56"}}, nil},
		{"nothing", nil, nil},
		{"back from nowhere", url.Values{"state": {""}}, nil},
		{"a token in the address", url.Values{"logout_token": {sign("provider-1", logoutClaims(p))}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, answer, err := x.Ended(t.Context(), httptest.NewRequest("GET", "/login/ftn/logout?"+tt.q.Encode(), nil))
			if tt.want == nil {
				refusal(t, err, identity.NotValid)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*tt.want, m); diff != "" {
				t.Error(diff)
			}
			if (answer == nil) != m.Complete {
				t.Error("only the provider's request is answered")
			}
		})
	}
}
