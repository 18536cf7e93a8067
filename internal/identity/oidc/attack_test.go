package oidc_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
)

func b64(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// unsigned is a token with alg none.
func unsigned(claims any) string { return b64(map[string]any{"alg": "none"}) + "." + b64(claims) + "." }

// confused is a token with an HMAC whose secret is the provider's public key, as
// everybody can read it.
func confused(claims any, secret []byte) string {
	head := b64(map[string]any{"alg": "HS256", "kid": "provider-1"}) + "." + b64(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(head))
	return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func publicDER() []byte {
	der, err := x509.MarshalPKIXPublicKey(keyring()["provider-1"].Public())
	if err != nil {
		panic(err)
	}
	return der
}

// bomb is a token of ten megabytes that came as a few.
func bomb(claims map[string]any) string {
	return seal(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: keyring()["decrypt-1"].Public(), KeyID: "decrypt-1"}, jose.A128GCM,
		sign("provider-1", claims)+strings.Repeat("A", 10<<20), &jose.EncrypterOptions{Compression: jose.DEFLATE})
}

// asJSON writes a token in the JSON serialization with an unprotected algorithm.
func asJSON(token string) string {
	parts := strings.Split(token, ".")
	b, _ := json.Marshal(map[string]any{"payload": parts[1], "protected": parts[0], "signature": parts[2], "header": map[string]any{"alg": "none"}})
	return string(b)
}

// An attack is something to do to a sign-in that is under way. It changes the
// visit or what the provider does, and is refused.
type attack struct {
	name string
	do   func(v *visit)
	why  identity.Why
}

// claim changes a claim of the ID token; nil takes it away.
func claim(name string, value any) func(*visit) {
	return func(v *visit) { v.p.claims = map[string]any{name: value} }
}

// minted replaces the way in which the ID token is made.
func minted(make func(claims map[string]any) string) func(*visit) {
	return func(v *visit) { v.p.token = make }
}

// sealedTo is a token that is sealed in another way.
func sealedTo(to jose.Recipient, enc jose.ContentEncryption) func(*visit) {
	return minted(func(c map[string]any) string { return seal(to, enc, sign("provider-1", c), nil) })
}

// said makes the token endpoint answer something else.
func said(status int, body string) func(*visit) {
	return func(v *visit) {
		v.p.endpoint = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
}

func secret(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

var now = func(d time.Duration) int64 { return start.Add(d).Unix() }

func attacks(elsewhere string) []attack {
	tampered := func(c map[string]any) string {
		token := strings.Split(sign("provider-1", c), ".")
		c["personal_identity_code"] = "210281-9988"
		return toHub(token[0] + "." + b64(c) + "." + token[2])
	}
	encKey := keyring()["decrypt-1"].Public()
	return []attack{
		{"alg none", minted(func(c map[string]any) string { return toHub(unsigned(c)) }), identity.NotValid},
		{"alg none with a signature", minted(func(c map[string]any) string { return toHub(unsigned(c) + "AAAA") }), identity.NotValid},
		{"key confusion: HS256 with the PEM", minted(func(c map[string]any) string {
			return toHub(confused(c, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER()})))
		}), identity.NotValid},
		{"key confusion: HS256 with the DER", minted(func(c map[string]any) string { return toHub(confused(c, publicDER())) }), identity.NotValid},
		{"key confusion: HS256 with the modulus", minted(func(c map[string]any) string { return toHub(confused(c, keyring()["provider-1"].N.Bytes())) }), identity.NotValid},
		{"changed after it was signed", minted(tampered), identity.NotValid},
		{"signed by a stranger in the provider's name", minted(func(c map[string]any) string {
			return toHub(sign("stranger", c, map[jose.HeaderKey]any{"kid": "provider-1"}))
		}), identity.NotValid},
		{"signed by the hub itself", minted(func(c map[string]any) string { return toHub(sign("sign-1", c)) }), identity.NotValid},
		{"by another key's name", minted(func(c map[string]any) string {
			return toHub(sign("provider-1", c, map[jose.HeaderKey]any{"kid": "provider-2"}))
		}), identity.NotValid},
		{"kid of a file", minted(func(c map[string]any) string {
			return toHub(sign("stranger", c, map[jose.HeaderKey]any{"kid": "../../../dev/null"}))
		}), identity.NotValid},
		{"jku elsewhere", minted(func(c map[string]any) string {
			return toHub(sign("stranger", c, map[jose.HeaderKey]any{"jku": elsewhere + "/jwks", "kid": "stranger"}))
		}), identity.NotValid},
		{"x5u elsewhere", minted(func(c map[string]any) string {
			return toHub(sign("stranger", c, map[jose.HeaderKey]any{"x5u": elsewhere + "/cert"}))
		}), identity.NotValid},
		{"its own key in its header", minted(func(c map[string]any) string {
			return toHub(sign("stranger", c, map[jose.HeaderKey]any{"jwk": public("stranger")}))
		}), identity.NotValid},
		{"a critical header that nobody knows", minted(func(c map[string]any) string {
			return toHub(sign("provider-1", c, map[jose.HeaderKey]any{"crit": []string{"luvat"}, "luvat": 1}))
		}), identity.NotValid},
		{"an algorithm that is not the connection's", minted(func(c map[string]any) string { return toHub(signedWith(jose.PS256, c)) }), identity.NotValid},

		{"no encryption", minted(func(c map[string]any) string { return sign("provider-1", c) }), identity.NotValid},
		{"claims without a signature in a good envelope", minted(func(c map[string]any) string { b, _ := json.Marshal(c); return toHub(string(b)) }), identity.NotValid},
		{"JSON serialization in a good envelope", minted(func(c map[string]any) string { return toHub(asJSON(sign("provider-1", c))) }), identity.NotValid},
		{"an envelope in an envelope", minted(func(c map[string]any) string { return toHub(toHub(sign("provider-1", c))) }), identity.NotValid},
		{"sealed to a stranger", sealedTo(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: keyring()["stranger"].Public()}, jose.A128GCM), identity.NotValid},
		{"sealed to a stranger in the hub's name", sealedTo(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: keyring()["stranger"].Public(), KeyID: "decrypt-1"}, jose.A128GCM), identity.NotValid},
		{"sealed to the hub's signing key", sealedTo(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: keyring()["sign-1"].Public(), KeyID: "sign-1"}, jose.A128GCM), identity.NotValid},
		{"RSA1_5", sealedTo(jose.Recipient{Algorithm: jose.RSA1_5, Key: encKey, KeyID: "decrypt-1"}, jose.A128GCM), identity.NotValid},
		{"dir", sealedTo(jose.Recipient{Algorithm: jose.DIRECT, Key: secret(16)}, jose.A128GCM), identity.NotValid},
		{"a password", sealedTo(jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: "decrypt-1", PBES2Count: 10000}, jose.A128GCM), identity.NotValid},
		{"a content algorithm that is not allowed", sealedTo(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: encKey, KeyID: "decrypt-1"}, jose.A192GCM), identity.NotValid},
		{"a bomb", minted(bomb), identity.NotValid},
		{"compressed", minted(func(c map[string]any) string {
			return seal(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: encKey, KeyID: "decrypt-1"}, jose.A128GCM, sign("provider-1", c), &jose.EncrypterOptions{Compression: jose.DEFLATE})
		}), identity.NotValid},
		{"cut short", minted(func(c map[string]any) string { return toHub(sign("provider-1", c))[:900] }), identity.NotValid},
		{"too long", claim("padding", strings.Repeat("A", 70<<10)), identity.NotValid},
		{"too long and not sealed", func(v *visit) {
			v.x = v.p.connect(func(c *oidc.Config) { c.PlainTokens = true })
			v.p.claims = map[string]any{"padding": strings.Repeat("A", 50<<10)} // in base64 more than is taken
			v.p.token = func(c map[string]any) string { return sign("provider-1", c) }
		}, identity.NotValid},
		{"no token at all", minted(func(map[string]any) string { return "" }), identity.NotValid},

		{"another sign-in's nonce", claim("nonce", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), identity.NotValid},
		{"no nonce", claim("nonce", nil), identity.NotValid},
		{"another provider's token", claim("iss", "https://evil.example"), identity.NotValid},
		{"another client's token", claim("aud", "another-client"), identity.NotValid},
		{"another client's token too", claim("aud", []string{client, "another-client"}), identity.NotValid},
		{"nobody's token", claim("aud", nil), identity.NotValid},
		{"given to another client", claim("azp", "another-client"), identity.NotValid},
		{"given to no text", claim("azp", 7), identity.NotValid},
		{"expired", claim("exp", now(-2*time.Minute)), identity.TooOld},
		{"without an end", claim("exp", nil), identity.TooOld},
		{"made tomorrow", claim("iat", now(24*time.Hour)), identity.NotValid},
		{"made before the sign-in began", claim("iat", now(-2*time.Minute)), identity.NotValid},
		{"made never", claim("iat", nil), identity.NotValid},
		{"holds from tomorrow", claim("nbf", now(24*time.Hour)), identity.NotValid},
		{"holds from four minutes on", claim("nbf", now(4*time.Minute)), identity.NotValid},
		{"another access token", claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), identity.NotValid},
		{"nobody", claim("sub", nil), identity.NotValid},
		{"too weak", claim("acr", "http://ftn.ficora.fi/2017/loatest2"), identity.TooWeak},
		{"of no level", claim("acr", nil), identity.TooWeak},
		{"of several levels", claim("acr", []string{loa2}), identity.TooWeak},
		{"a personal code that is a number", claim("personal_identity_code", 7), identity.NotValid},
		{"a name of several lines", claim("given_name", given+"\n"+family), identity.NotValid},
		{"a name without end", claim("given_name", strings.Repeat(given, 100)), identity.NotValid},

		{"no state", func(v *visit) { v.query.Del("state") }, identity.NotValid},
		{"another's state", func(v *visit) { v.query.Set("state", "state-fedcba9876543210") }, identity.NotValid},
		{"two states", func(v *visit) { v.query.Add("state", state) }, identity.NotValid},
		{"two codes", func(v *visit) { v.query.Add("code", "x") }, identity.NotValid},
		{"no code", func(v *visit) { v.query.Del("code") }, identity.NotValid},
		{"mix-up: another provider's answer", func(v *visit) { v.query.Set("iss", "https://evil.example") }, identity.NotValid},
		{"mix-up: nobody's answer", func(v *visit) { v.query.Del("iss") }, identity.NotValid},
		{"mix-up: an error of another provider", func(v *visit) { v.query.Set("iss", "https://evil.example"); v.query.Set("error", "access_denied") }, identity.NotValid},

		{"a code that was used", said(400, `{"error":"invalid_grant","error_description":"`+given+`"}`), identity.TooOld},
		{"the provider forgot the hub", said(401, `{"error":"invalid_client","error_description":"`+code+`"}`), identity.NotThere},
		{"the provider refuses", said(400, `{"error":"`+code+`"}`), identity.NotValid},
		{"the provider is out of order", said(502, `<html>`+code), identity.NotThere},
		{"the provider says no token", said(200, `{"access_token":"an-access-token","token_type":"Bearer","sub":"`+sub+`"}`), identity.NotValid},
		{"the provider says nothing of use", said(200, `<html>`+code), identity.NotValid},
		{"the provider says no text for a token", said(200, `{"access_token":"an-access-token","id_token":{"sub":"`+sub+`"}}`), identity.NotValid},
		{"the provider does not end", said(200, `{"access_token":"an-access-token","id_token":"`+strings.Repeat("A", 300<<10)+`"}`), identity.NotValid},
		{"the token endpoint sends elsewhere", func(v *visit) {
			v.p.endpoint = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere+"/token?"+code, http.StatusTemporaryRedirect)
			}
		}, identity.NotValid},
	}
}

// signedWith signs with the provider's key by another algorithm.
func signedWith(alg jose.SignatureAlgorithm, claims any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: keyring()["provider-1"]}, nil)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(claims)
	signed, err := signer.Sign(body)
	if err != nil {
		panic(err)
	}
	token, _ := signed.CompactSerialize()
	return token
}

func TestAttacks(t *testing.T) {
	var strayed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		strayed.Add(1)
		answer(w, set("stranger"))
	}))
	defer elsewhere.Close()
	for _, tt := range attacks(elsewhere.URL) {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			v := p.begin(p.connect(), beginning)
			tt.do(v)
			a, err := v.finish()
			refusal(t, err, tt.why)
			if a != (identity.Assertion{}) {
				t.Error("an assertion came with the refusal")
			}
			v.discreet(err)
			if strings.HasPrefix(tt.name, "mix-up") && p.count("/token") > 0 {
				t.Error("the code was given away")
			}
		})
	}
	if strayed.Load() > 0 {
		t.Error("the hub went where an attacker sent it")
	}
}

// The good sign-in that the attacks change is good.
func TestWithoutAnAttack(t *testing.T) {
	p := newProvider(t)
	v := p.begin(p.connect(), beginning)
	a, err := v.finish()
	if err != nil || a.PersonalCode != code {
		t.Errorf("got %v, %v", a, err)
	}
	v.discreet(err)
}

func TestAProviderThatIsSlow(t *testing.T) {
	p := newProvider(t)
	v := p.begin(p.connect(func(c *oidc.Config) { c.Patience = 100 * time.Millisecond }), beginning)
	p.endpoint = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that nobody waits
		<-r.Context().Done()
	}
	_, err := v.finish()
	refusal(t, err, identity.NotThere)
	if !strings.Contains(err.Error(), "in time") {
		t.Errorf("the cause does not say why: %v", err)
	}
	v.discreet(err)
}

// A provider that begins to answer and never ends.
func TestAProviderThatDrips(t *testing.T) {
	p := newProvider(t)
	v := p.begin(p.connect(func(c *oidc.Config) { c.Patience = 100 * time.Millisecond }), beginning)
	p.endpoint = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(`{"access_token":`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	_, err := v.finish()
	refusal(t, err, identity.NotThere)
	v.discreet(err)
}

// A code is the provider's to refuse the second time; an ID token that is
// played again has another sign-in's nonce.
func TestATokenPlayedAgain(t *testing.T) {
	p := newProvider(t)
	x := p.connect()
	first := p.begin(x, beginning)
	var old string
	make := p.token
	p.token = func(c map[string]any) string { old = make(c); return old }
	if _, err := first.finish(); err != nil {
		t.Fatal(err)
	}
	p.token = func(map[string]any) string { return old }
	_, err := p.begin(x, identity.Beginning{State: "state-of-the-second-0"}).finish()
	refusal(t, err, identity.NotValid)
}
