package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
)

func mustKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The hub's keys roll over without a restart: the new ones are published, then
// used, and the old ones still open what was encrypted to them.
func TestTheHubsKeysRollOver(t *testing.T) {
	p := newProvider(t)
	day := 24 * time.Hour
	start := p.clock.Now()
	var keys atomic.Pointer[[]oidc.Key]
	keys.Store(&[]oidc.Key{
		{ID: "sign-1", Use: oidc.Sign, Private: keyring()["sign-1"]}, {ID: "decrypt-1", Use: oidc.Decrypt, Private: keyring()["decrypt-1"]},
	})
	x := p.connect(func(c *oidc.Config) { c.Keys = func() []oidc.Key { return *keys.Load() } })
	see := func(when, wantKeys, wantSigner string) {
		t.Helper()
		body, err := x.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(body, &set); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, k := range set.Keys {
			names = append(names, k.KeyID)
		}
		if got := strings.Join(names, " "); got != wantKeys {
			t.Errorf("%s: published %s, want %s", when, got, wantKeys)
		}
		address, _, err := x.Begin(t.Context(), beginning)
		if err != nil {
			t.Fatal(err)
		}
		_, object, _ := strings.Cut(address, "request=")
		object, _, _ = strings.Cut(object, "&")
		verified(t, object, wantSigner, &map[string]any{})
	}
	opens := func(when, name string, want bool) {
		t.Helper()
		p.token = func(c map[string]any) string {
			return seal(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: keyring()[name].Public(), KeyID: name}, jose.A128GCM, sign("provider-1", c), nil)
		}
		p.endpoint = nil
		address, memo, err := x.Begin(t.Context(), beginning)
		if err != nil {
			t.Fatal(err)
		}
		v := &visit{p: p, x: x, address: address, memo: memo, query: map[string][]string{"state": {state}, "iss": {p.URL}, "code": {"x"}}}
		var m struct{ Nonce string }
		if err := json.Unmarshal(memo, &m); err != nil {
			t.Fatal(err)
		}
		v.request = map[string]any{"nonce": m.Nonce}
		p.endpoint = v.exchange
		if _, err = v.finish(); (err == nil) != want {
			t.Errorf("%s: opened with %s: %v", when, name, err)
		}
	}

	see("at first", "sign-1 decrypt-1", "sign-1")
	opens("at first", "decrypt-1", true)
	opens("at first", "decrypt-2", false)

	keys.Store(&[]oidc.Key{
		{ID: "sign-1", Use: oidc.Sign, Private: keyring()["sign-1"], Until: start.Add(2 * day)},
		{ID: "sign-2", Use: oidc.Sign, Private: keyring()["sign-2"], From: start.Add(day)},
		{ID: "decrypt-1", Use: oidc.Decrypt, Private: keyring()["decrypt-1"], Until: start.Add(day)},
		{ID: "decrypt-2", Use: oidc.Decrypt, Private: keyring()["decrypt-2"], From: start.Add(day)},
	})
	see("the new ones are listed", "sign-1 sign-2 decrypt-1", "sign-1")
	p.clock.Move(day)
	see("the new ones are used", "sign-1 sign-2 decrypt-2", "sign-2")
	opens("the new ones are used", "decrypt-2", true)
	opens("by a provider that remembers", "decrypt-1", true)
	keys.Store(&[]oidc.Key{
		{ID: "sign-2", Use: oidc.Sign, Private: keyring()["sign-2"]}, {ID: "decrypt-2", Use: oidc.Decrypt, Private: keyring()["decrypt-2"]},
	})
	see("the old ones are gone", "sign-2 decrypt-2", "sign-2")
	opens("the old ones are gone", "decrypt-1", false)
}

// The provider's keys roll over too. Tokens that no key fits make the hub ask
// for the keys anew, but only so often.
func TestTheProvidersKeysRollOver(t *testing.T) {
	p := newProvider(t)
	x := p.connect()
	by := func(name string) func(map[string]any) string {
		return func(c map[string]any) string { return toHub(sign(name, c)) }
	}
	in := func(want bool) {
		t.Helper()
		if _, err := p.signIn(x); (err == nil) != want {
			t.Errorf("signed in: %v, want %v", err, want)
		}
	}
	in(true)
	if n := p.count("/jwks"); n != 1 {
		t.Fatalf("the keys were asked for %d times", n)
	}
	p.token = by("stranger")
	for range 5 {
		in(false)
	}
	if n := p.count("/jwks"); n != 1 {
		t.Errorf("just after, the keys were asked for %d times", n)
	}
	p.clock.Move(31 * time.Second)
	for range 5 {
		in(false)
	}
	if n := p.count("/jwks"); n != 2 {
		t.Errorf("in half a minute, the keys were asked for %d times", n)
	}
	p.clock.Move(31 * time.Second)
	p.published, p.token = set("provider-1", "provider-2"), by("provider-2")
	in(true)
	p.token = by("provider-1")
	in(true)
	if n := p.count("/jwks"); n != 3 {
		t.Errorf("after the roll-over, the keys were asked for %d times", n)
	}
	p.published = set("provider-2")
	p.clock.Move(61 * time.Minute)
	in(false) // the hour is over: the old key is not kept for ever
}

func TestAProviderThatIsDown(t *testing.T) {
	p := newProvider(t)
	x := p.connect()
	p.down = true
	_, _, err := x.Begin(t.Context(), beginning)
	refusal(t, err, identity.NotThere)
	for range 5 {
		_, _, err = x.Begin(t.Context(), beginning)
		refusal(t, err, identity.NotThere)
	}
	if n := p.count("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	p.down = false
	p.clock.Move(6 * time.Second)
	if _, err := p.signIn(x); err != nil {
		t.Errorf("when it is back: %v", err)
	}

	// What is known holds a day.
	p.clock.Move(23 * time.Hour)
	p.down = true
	if _, _, err = x.Begin(t.Context(), beginning); err != nil {
		t.Errorf("with what is known: %v", err)
	}
	p.clock.Move(2 * time.Hour)
	_, _, err = x.Begin(t.Context(), beginning)
	refusal(t, err, identity.NotThere)

	p.Close() // it does not even answer
	p.clock.Move(time.Minute)
	_, _, err = x.Begin(t.Context(), beginning)
	refusal(t, err, identity.NotThere)
	if !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("the cause does not say why: %v", err)
	}
}

func TestDiscoveryThatIsWrong(t *testing.T) {
	for name, discovered := range map[string]http.HandlerFunc{
		"another's": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"issuer": "https://evil.example"})
		},
		"too little": func(w http.ResponseWriter, r *http.Request) { answer(w, map[string]any{"issuer": "http://" + r.Host}) },
		"unprotected endpoint": func(w http.ResponseWriter, r *http.Request) {
			answer(w, map[string]any{"issuer": "http://" + r.Host, "authorization_endpoint": "https://a.example", "token_endpoint": "http://a.example/token", "jwks_uri": "https://a.example/jwks"})
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example", http.StatusFound)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				_, _ = w.Write(make([]byte, 64<<10))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.discovered = discovered
			_, _, err := p.connect().Begin(t.Context(), beginning)
			refusal(t, err, identity.NotThere)
		})
	}
}

func TestKeysThatAreWrong(t *testing.T) {
	many := set()
	for range 65 {
		many.Keys = append(many.Keys, public("provider-1"))
	}
	encrypts := public("provider-1")
	encrypts.Use = "enc"
	other := public("provider-1")
	other.Algorithm = "PS256"
	short := jose.JSONWebKey{Key: mustKey(t, 1024).Public(), KeyID: "provider-1"}
	for name, tt := range map[string]struct {
		published any
		why       identity.Why
	}{
		"none":                       {set(), identity.NotThere},
		"no JSON":                    {"<html>", identity.NotThere},
		"too many":                   {many, identity.NotThere},
		"one that encrypts":          {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{encrypts}}, identity.NotThere},
		"a short one":                {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{short}}, identity.NotThere},
		"a private one":              {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private("provider-1")}}, identity.NotThere},
		"a shared one":               {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "provider-1"}}}, identity.NotThere},
		"one for another algorithm":  {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{other}}, identity.NotValid},
		"another one":                {set("provider-2"), identity.NotValid},
		"strange ones beside a good": {`{"keys":[{"kty":"OKP","crv":"X448","x":"AA"},{"kty":"AKP"},7,` + jsonOf(t, public("provider-1")) + `]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.published = tt.published
			_, err := p.signIn(p.connect())
			if tt.why == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refusal(t, err, tt.why)
		})
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// In the Finnish Trust Network the provider's keys come signed by a key that was
// exchanged beforehand: who holds its name and certificate alone has none.
func TestKeysThatTheProvidersEntityKeySigned(t *testing.T) {
	for _, tt := range []struct {
		name      string
		published func(p *provider, claims map[string]any) string
		good      bool
	}{
		{"by it", func(_ *provider, c map[string]any) string { return sign("provider-entity", c) }, true},
		{"by another", func(_ *provider, c map[string]any) string { return sign("stranger", c) }, false},
		{"by the key of tokens", func(_ *provider, c map[string]any) string { return sign("provider-1", c) }, false},
		{"by nobody", func(*provider, map[string]any) string { return jsonOf(t, set("provider-1")) }, false},
		{"of another entity", func(_ *provider, c map[string]any) string {
			return sign("provider-entity", merge(c, map[string]any{"iss": "https://x.example"}))
		}, false},
		{"about another entity", func(_ *provider, c map[string]any) string {
			return sign("provider-entity", merge(c, map[string]any{"sub": "https://x.example"}))
		}, false},
		{"over", func(p *provider, c map[string]any) string {
			return sign("provider-entity", merge(c, map[string]any{"exp": p.clock.Now().Add(-2 * time.Minute).Unix()}))
		}, false},
		{"of tomorrow", func(p *provider, c map[string]any) string {
			return sign("provider-entity", merge(c, map[string]any{"iat": p.clock.Now().Add(time.Hour).Unix()}))
		}, false},
		{"without an end", func(_ *provider, c map[string]any) string { delete(c, "exp"); return sign("provider-entity", c) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			p.published = tt.published(p, map[string]any{
				"keys": set("provider-1").Keys, "iss": p.URL, "sub": p.URL, "iat": p.clock.Now().Unix(), "exp": p.clock.Now().Add(time.Hour).Unix(),
			})
			_, err := p.signIn(p.connect(func(c *oidc.Config) { c.TrustedKeys = []byte(jsonOf(t, set("provider-entity"))) }))
			if tt.good && err != nil {
				t.Error(err)
			} else if !tt.good {
				refusal(t, err, identity.NotThere)
			}
			if p.count("/jwks") > 0 {
				t.Error("the unsigned keys were asked for")
			}
		})
	}
}
