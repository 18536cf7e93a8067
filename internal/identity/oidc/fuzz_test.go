package oidc_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
	"luvat/internal/testkit"
)

// Fuzzed sign-ins meet a provider without a network.
const issuer = "https://broker.example"

type scripted struct{ token string }

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch r.URL.Path {
	case "/jwks":
		answer(w, set("provider-1"))
	case "/token":
		answer(w, map[string]any{"access_token": "an-access-token", "id_token": s.token})
	}
	return w.Result(), nil
}

// fuzzed is a connection whose sign-in began with the memo.
func fuzzed(f *testing.F) (*oidc.Connection, *scripted, []byte, map[string]any) {
	p := &provider{t: f, clock: testkit.NewClock()}
	p.Server = &httptest.Server{URL: issuer}
	c, s := p.config(), &scripted{}
	c.Endpoints = oidc.Endpoints{Authorization: issuer + "/authorize", Token: issuer + "/token", Keys: issuer + "/jwks"}
	c.Client, c.PlainTokens, c.Levels = &http.Client{Transport: s}, true, nil
	x, err := oidc.New(c)
	if err != nil {
		f.Fatal(err)
	}
	_, memo, err := x.Begin(f.Context(), beginning)
	if err != nil {
		f.Fatal(err)
	}
	var m struct{ Nonce string }
	if err := json.Unmarshal(memo, &m); err != nil {
		f.Fatal(err)
	}
	v := &visit{p: p, request: map[string]any{"nonce": m.Nonce}}
	return x, s, memo, v.claims()
}

// signedByProvider verifies a token, or the one that it holds, with nothing but
// the standard library.
func signedByProvider(token string) bool {
	sealed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.RSA_OAEP}, []jose.ContentEncryption{jose.A128CBC_HS256})
	if err == nil {
		inner, _ := sealed.Decrypt(keyring()["decrypt-1"])
		token = string(inner)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return err == nil && rsa.VerifyPKCS1v15(keyring()["provider-1"].Public().(*rsa.PublicKey), crypto.SHA256, sum[:], signature) == nil
}

func seeds(f *testing.F, claims map[string]any) {
	good := sign("provider-1", claims)
	parts := strings.Split(good, ".")
	f.Add(toHub(good), false)
	for _, sealed := range []bool{false, true} {
		for _, token := range []string{
			good, unsigned(claims), confused(claims, publicDER()), sign("stranger", claims), asJSON(good), parts[0] + "." + parts[1] + ".", good + "." + good,
			parts[0] + ".e30." + parts[2], "..", "....", "", "eyJ",
		} {
			f.Add(token, sealed)
		}
	}
}

// FuzzIDToken: whatever a token endpoint gives, nobody is signed in by what the
// provider did not sign, and nothing panics.
func FuzzIDToken(f *testing.F) {
	x, s, memo, claims := fuzzed(f)
	seeds(f, claims)
	address := back + "?" + url.Values{"state": {state}, "code": {"c"}}.Encode()
	f.Fuzz(func(t *testing.T, token string, sealed bool) {
		s.token = token
		if sealed {
			s.token = toHub(token)
		}
		a, err := x.Finish(t.Context(), memo, httptest.NewRequest("GET", address, nil))
		switch {
		case err != nil && a != (identity.Assertion{}):
			t.Errorf("somebody came with the error %v", err)
		case err == nil && !signedByProvider(token):
			t.Errorf("somebody came by a token that the provider did not sign: %s", token)
		}
	})
}

// FuzzLogoutToken: no session ends by what the provider did not sign.
func FuzzLogoutToken(f *testing.F) {
	x, _, _, _ := fuzzed(f)
	seeds(f, logoutClaims(&provider{Server: &httptest.Server{URL: issuer}, clock: testkit.NewClock()}))
	f.Fuzz(func(t *testing.T, token string, sealed bool) {
		raw := token
		if sealed {
			raw = toHub(token)
		}
		m, _, err := x.Ended(t.Context(), posted(raw))
		switch {
		case err != nil && len(m.Sessions) > 0:
			t.Errorf("sessions came with the error %v", err)
		case err == nil && !signedByProvider(token):
			t.Errorf("a session ended by a token that the provider did not sign: %s", token)
		}
	})
}
