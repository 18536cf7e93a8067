package oidc_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
	"luvat/internal/testkit"
)

// Somebody as no text of ours would have her, so that she is found where she
// must not be.
const (
	code   = "131052-308T"
	given  = "Aino-Nimetön"
	family = "Salonperä-Nimi"
	sub    = "sub-of-aino-4711"
	loa2   = "http://ftn.ficora.fi/2017/loa2"
	loa3   = "http://ftn.ficora.fi/2017/loa3"
	client = "luvat-ja-valvonta"
	back   = "https://luvat.example/login/ftn/answer"
	state  = "state-0123456789abcdef"
)

var keyring = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	rest, err := os.ReadFile("testdata/keys.pem")
	if err != nil {
		panic(err)
	}
	keys := map[string]*rsa.PrivateKey{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return keys
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			panic(err)
		}
		keys[block.Headers["Name"]] = key.(*rsa.PrivateKey)
	}
})

func private(name string) jose.JSONWebKey {
	key := keyring()[name]
	if key == nil {
		panic("no key is called " + name)
	}
	return jose.JSONWebKey{Key: key, KeyID: name, Use: "sig", Algorithm: "RS256"}
}

func public(name string) jose.JSONWebKey {
	key := private(name)
	return key.Public()
}

func set(names ...string) jose.JSONWebKeySet {
	var s jose.JSONWebKeySet
	for _, name := range names {
		s.Keys = append(s.Keys, public(name))
	}
	return s
}

// sign signs claims with a key of the ring. Further headers may be given.
func sign(name string, claims any, headers ...map[jose.HeaderKey]any) string {
	key := private(name)
	options := (&jose.SignerOptions{}).WithType("JWT")
	for _, more := range headers {
		for k, v := range more {
			options = options.WithHeader(k, v)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	if err != nil {
		panic(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return token
}

// seal encrypts to a recipient.
func seal(to jose.Recipient, enc jose.ContentEncryption, inner string, options *jose.EncrypterOptions) string {
	encrypter, err := jose.NewEncrypter(enc, to, options)
	if err != nil {
		panic(err)
	}
	sealed, err := encrypter.Encrypt([]byte(inner))
	if err != nil {
		panic(err)
	}
	token, err := sealed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

func toHub(inner string) string {
	return seal(jose.Recipient{Algorithm: jose.RSA_OAEP, Key: keyring()["decrypt-1"].Public(), KeyID: "decrypt-1"}, jose.A128CBC_HS256, inner, nil)
}

// A provider is one that the test plays. It does what the fields say.
type provider struct {
	*httptest.Server
	t     testing.TB
	clock *testkit.Clock
	log   bytes.Buffer // what the hub logs

	mu         sync.Mutex
	metadata   map[string]any
	published  any
	asked      map[string]int // how often, by path
	form       url.Values     // what came to the token endpoint last
	endpoint   http.HandlerFunc
	token      func(claims map[string]any) string
	claims     map[string]any // changes of the next ID token's
	access     string
	down       bool
	discovered http.HandlerFunc
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{t: t, clock: testkit.NewClock(), asked: map[string]int{}, published: set("provider-1"), access: "an-access-token"}
	p.token = func(claims map[string]any) string { return toHub(sign("provider-1", claims)) }
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.metadata = map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize?tenant=fi", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
		"signed_jwks_uri": p.URL + "/signed-jwks", "end_session_endpoint": p.URL + "/end", "authorization_response_iss_parameter_supported": true,
	}
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	down, discovered, endpoint, published, metadata := p.down, p.discovered, p.endpoint, p.published, p.metadata
	p.mu.Unlock()
	switch {
	case down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration" && discovered != nil:
		discovered(w, r)
	case r.URL.Path == "/.well-known/openid-configuration":
		answer(w, metadata)
	case r.URL.Path == "/jwks" || r.URL.Path == "/signed-jwks":
		if text, ok := published.(string); ok {
			fmt.Fprint(w, text)
			return
		}
		answer(w, published)
	case r.URL.Path == "/token" && endpoint != nil:
		endpoint(w, r)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *provider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// config is that of a connection to the provider as the Finnish Trust Network
// has it.
func (p *provider) config() oidc.Config {
	return oidc.Config{
		Name: "ftn", Issuer: p.URL, ClientID: client, Redirect: back, AfterLogout: "https://luvat.example/login/ended",
		Keys: ring(
			oidc.Key{ID: "sign-1", Use: oidc.Sign, Private: keyring()["sign-1"]},
			oidc.Key{ID: "decrypt-1", Use: oidc.Decrypt, Private: keyring()["decrypt-1"]},
			oidc.Key{ID: "vouch", Use: oidc.Vouch, Private: keyring()["vouch"]},
		),
		Scopes: []string{"profile", "personal_identity_code"}, Levels: []string{loa2, loa3}, Claims: oidc.FTNClaims(),
		ServiceName: i18n.Text{FI: "Luvat ja valvonta", SV: "Tillstånd och tillsyn", EN: "Permits and Supervision"},
		Now:         p.clock.Now, Log: slog.New(slog.NewTextHandler(&p.log, nil)),
	}
}

func ring(keys ...oidc.Key) func() []oidc.Key { return func() []oidc.Key { return keys } }

func (p *provider) connect(change ...func(*oidc.Config)) *oidc.Connection {
	p.t.Helper()
	c := p.config()
	for _, f := range change {
		f(&c)
	}
	x, err := oidc.New(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return x
}

// A visit is one sign-in, between Begin and Finish.
type visit struct {
	p       *provider
	x       *oidc.Connection
	address string
	memo    []byte
	request map[string]any // what the provider was asked
	query   url.Values     // the provider's answer
}

var start = testkit.Start

var beginning = identity.Beginning{State: state, Lang: i18n.SV}

// begin goes to the provider. The answer that comes back is a good one: it may
// be changed before finish.
func (p *provider) begin(x *oidc.Connection, b identity.Beginning) *visit {
	p.t.Helper()
	address, memo, err := x.Begin(p.t.Context(), b)
	if err != nil {
		p.t.Fatalf("Begin: %v", err)
	}
	v := &visit{p: p, x: x, address: address, memo: memo, query: url.Values{"state": {b.State}, "iss": {p.URL}, "code": {"the-code-9876"}}}
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	v.request = map[string]any{}
	if object := u.Query().Get("request"); object != "" {
		verified(p.t, object, "sign-1", &v.request)
	} else {
		for name := range u.Query() {
			v.request[name] = u.Query().Get(name)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endpoint == nil {
		p.endpoint = func(w http.ResponseWriter, r *http.Request) { v.exchange(w, r) }
	}
	return v
}

// exchange answers at the token endpoint with an ID token.
func (v *visit) exchange(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p := v.p
	p.mu.Lock()
	p.form = r.PostForm
	token, access := p.token(v.claims()), p.access
	p.mu.Unlock()
	answer(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": token})
}

// claims are those of a good ID token, with the provider's changes.
func (v *visit) claims() map[string]any {
	now := v.p.clock.Now()
	c := map[string]any{
		"iss": v.p.URL, "aud": client, "sub": sub, "nonce": v.request["nonce"], "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"auth_time": now.Unix(), "acr": loa2, "sid": "session-55",
		"personal_identity_code": code, "given_name": given, "family_name": family, "name": family + " " + given, "birthdate": "1952-10-13",
	}
	maps.Copy(c, v.p.claims)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

func (v *visit) finish() (identity.Assertion, error) {
	r := httptest.NewRequest("GET", back+"?"+v.query.Encode(), nil)
	return v.x.Finish(v.p.t.Context(), v.memo, r)
}

// signIn is a whole sign-in.
func (p *provider) signIn(x *oidc.Connection) (identity.Assertion, error) {
	p.t.Helper()
	p.mu.Lock()
	p.endpoint = nil
	p.mu.Unlock()
	return p.begin(x, beginning).finish()
}

// verified reads what one of our keys signed.
func verified(t testing.TB, token, key string, into any) map[string]any {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatalf("read what was signed: %v", err)
	}
	body, err := parsed.Verify(public(key))
	if err != nil {
		t.Fatalf("what was signed is not by %s: %v", key, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
	h := parsed.Signatures[0].Header
	header := map[string]any{"alg": h.Algorithm, "kid": h.KeyID}
	for k, v := range h.ExtraHeaders {
		header[string(k)] = v
	}
	return header
}

// refusal checks that err is a refusal for the reason.
func refusal(t testing.TB, err error, want identity.Why) {
	t.Helper()
	r, ok := errors.AsType[*identity.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want the refusal %s", err, want)
	}
	if r.Why != want {
		t.Errorf("got %v, want the refusal %s", err, want)
	}
}

// discreet checks that neither the log nor what else is logged tells anything
// personal or secret.
func (v *visit) discreet(err error) {
	v.p.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(v.memo, &m); err != nil {
		v.p.t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&v.p.log, nil)).ErrorContext(context.Background(), "refused", "err", err)
	secrets := []string{code, given, family, sub, "session-55", "1952-10-13", "the-code-9876", "eyJ", state, v.p.access, fmt.Sprint(m["nonce"]), fmt.Sprint(m["verifier"])}
	for _, secret := range secrets {
		if strings.Contains(v.p.log.String(), secret) {
			v.p.t.Errorf("the log tells %q:\n%s", secret, v.p.log.String())
		}
	}
}
