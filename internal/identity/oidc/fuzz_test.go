package oidc_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
	"luvat/internal/testkit"
)

// Fuzzed sign-ins meet a provider without a network.
const issuer = "https://broker.example"

type wire struct{}

func (wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	answer(w, set("provider-1"))
	return w.Result(), nil
}

// fuzzed is a connection whose sign-in began with the memo.
func fuzzed(f *testing.F) (*oidc.Connection, []byte, map[string]any) {
	p := &provider{t: f, clock: testkit.NewClock()}
	p.Server = &httptest.Server{URL: issuer}
	c := p.config()
	c.Endpoints = oidc.Endpoints{Authorization: issuer + "/authorize", Token: issuer + "/token", Keys: issuer + "/jwks"}
	c.Client, c.PlainTokens, c.Levels = &http.Client{Transport: wire{}}, true, nil
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
	return x, memo, v.claims()
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
	for _, token := range []string{
		good, unsigned(claims), confused(claims, publicDER()), sign("stranger", claims), asJSON(good), parts[0] + "." + parts[1] + ".", good + "." + good,
		parts[0] + ".e30." + parts[2], "..", "....", "", "eyJ", toHub(good), toHub(unsigned(claims)), toHub("e30.e30.e30"),
	} {
		f.Add(token)
	}
	body, _ := json.Marshal(claims)
	for _, said := range []string{string(body), "{}", "null", `{"aud":[],"exp":1e400,"iat":"x","acr":7}`, `{"_claim_names":{"name":"a"},"_claim_sources":{}}`} {
		f.Add(signed(said))
	}
}

// signed is a token of what the provider did sign, whatever it says.
func signed(claims string) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: private("provider-1")}, nil)
	if err != nil {
		panic(err)
	}
	object, err := signer.Sign([]byte(claims))
	if err != nil {
		panic(err)
	}
	token, _ := object.CompactSerialize()
	return token
}

// FuzzIDToken: whatever a token endpoint gives, nobody is signed in by what the
// provider did not sign, and nothing panics.
func FuzzIDToken(f *testing.F) {
	x, memo, claims := fuzzed(f)
	seeds(f, claims)
	f.Fuzz(func(t *testing.T, token string) {
		a, err := x.Read(t.Context(), memo, token, "an-access-token")
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
	x, _, _ := fuzzed(f)
	seeds(f, logoutClaims(&provider{Server: &httptest.Server{URL: issuer}, clock: testkit.NewClock()}))
	f.Fuzz(func(t *testing.T, token string) {
		m, _, err := x.Ended(t.Context(), posted(token))
		switch {
		case err != nil && len(m.Sessions) > 0:
			t.Errorf("sessions came with the error %v", err)
		case err == nil && !signedByProvider(token):
			t.Errorf("a session ended by a token that the provider did not sign: %s", token)
		}
	})
}
