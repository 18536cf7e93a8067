package machine_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

const (
	rescue = "rescue-pirkanmaa"
	police = "police-sisa-suomi"
)

var (
	lead    = machine.Lead(identity.Lead{Person: identity.Person{ID: "lead", Name: "Leena Nimetön"}, Authority: rescue})
	other   = machine.Lead(identity.Lead{Person: identity.Person{ID: "other"}, Authority: police})
	service = machine.Service(identity.Service{Person: identity.Person{ID: "service"}})
)

// A bench is a registry behind real TLS: /token is its token endpoint, /who says
// who calls.
type bench struct {
	*machine.Registry
	t      *testing.T
	db     *db.DB
	clock  *testkit.Clock
	server *httptest.Server
	log    bytes.Buffer
	ca     *authority
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, db: testkit.DB(t), clock: testkit.NewClock(), ca: newCA("Luvat Test CA")}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(b.serve))
	b.server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	b.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(b.ca.cert)
	var err error
	b.Registry, err = machine.New(machine.Config{
		DB: b.db, TokenEndpoint: b.server.URL + "/token", CAs: roots, Now: b.clock.Now, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		b.ServeHTTP(w, r)
		return
	}
	c, err := b.Who(r.Context(), machine.Bearer(r), r.TLS)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(c)
}

// client is one that shows a certificate, or none.
func (b *bench) client(cert *tls.Certificate) *http.Client {
	transport := b.server.Client().Transport.(*http.Transport).Clone()
	if cert != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*cert}
	}
	b.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (b *bench) add(a machine.Asker, authority string, kind machine.Kind, types ...string) machine.Machine {
	b.t.Helper()
	m, err := b.Add(b.t.Context(), a, machine.Machine{Authority: authority, Kind: kind, Name: "  Pelastuksen  järjestelmä ", Types: types})
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bench) issue(m machine.Machine, p machine.Proof) machine.Credential {
	b.t.Helper()
	c, err := b.Issue(b.t.Context(), lead, m.ID, p)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// ask asks for a token; status and code tell how it went.
func (b *bench) ask(cert *tls.Certificate, form url.Values) (token string, status int, code string) {
	b.t.Helper()
	r, err := b.client(cert).PostForm(b.server.URL+"/token", form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	var said struct {
		Access string `json:"access_token"`
		Type   string `json:"token_type"`
		In     int    `json:"expires_in"`
		Error  string `json:"error"`
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		b.t.Fatal(err)
	}
	if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Type") != "application/json" {
		b.t.Errorf("headers %v", r.Header)
	}
	if (said.Access == "") == (r.StatusCode == 200) || said.Access != "" && (said.Type != "Bearer" || said.In <= 0 || said.In > 600) {
		b.t.Errorf("status %d with %+v", r.StatusCode, said)
	}
	return said.Access, r.StatusCode, said.Error
}

// who says as which machine a token or a certificate is known, "" for none.
func (b *bench) who(token string, cert *tls.Certificate) string {
	b.t.Helper()
	q, err := http.NewRequestWithContext(b.t.Context(), "GET", b.server.URL+"/who", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	r, err := b.client(cert).Do(q)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	if r.StatusCode != http.StatusOK {
		return ""
	}
	var m machine.Caller
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		b.t.Fatal(err)
	}
	return m.ID
}

// deeds are those of an authority's stream, with who did them.
func (b *bench) deeds(authority string) string {
	b.t.Helper()
	var all []string
	err := b.db.View(b.t.Context(), func(tx *db.Tx) error {
		entries, err := ledger.Read(b.t.Context(), tx, identity.AuthorityStream(authority))
		for _, e := range entries {
			kind, _, _ := strings.Cut(string(e.Actor), ":")
			all = append(all, kind+" "+strings.TrimPrefix(e.Deed, "machine."))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(all, ", ")
}

// A key pair of a machine.
type pair struct {
	alg     jose.SignatureAlgorithm
	private any
	kid     string
}

// rsaKeys are made once: that takes long.
var rsaKeys = sync.OnceValue(func() (keys [2]*rsa.PrivateKey) {
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return keys
})

// rsaPair is one of two.
func rsaPair(n int, alg jose.SignatureAlgorithm, kid string) pair {
	return pair{alg, rsaKeys()[n], kid}
}

func ecPair(kid string) pair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return pair{jose.ES256, key, kid}
}

func (p pair) public() machine.Proof {
	key := jose.JSONWebKey{Key: p.private.(crypto.Signer).Public(), KeyID: p.kid}
	b, err := json.Marshal(key)
	if err != nil {
		panic(err)
	}
	return machine.Proof{JWK: b}
}

func (p pair) sign(claims any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: jose.JSONWebKey{Key: p.private, KeyID: p.kid}}, nil)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(claims)
	object, err := signer.Sign(body)
	if err != nil {
		panic(err)
	}
	token, _ := object.CompactSerialize()
	return token
}

// claims are those of a good assertion, with changes; nil takes one away.
func (b *bench) claims(m machine.Machine, change map[string]any) map[string]any {
	now := b.clock.Now()
	c := map[string]any{
		"iss": m.ID, "sub": m.ID, "aud": b.server.URL + "/token", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for name, value := range change {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func form(assertion string) url.Values {
	return url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
}

// An authority that issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(name string) *authority {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: testkit.Start.Add(-time.Hour), NotAfter: testkit.Start.Add(10000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &authority{cert, key}
}

// certificate issues one for a client, from a day before the start until so long
// after it.
func (a *authority) certificate(name string, lasts time.Duration) *tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Pirkanmaan hyvinvointialue"}},
		NotBefore: testkit.Start.Add(-24 * time.Hour), NotAfter: testkit.Start.Add(lasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func pemOf(c *tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
}

const year = 8760 * time.Hour

func (b *bench) read(query string, into any) {
	b.t.Helper()
	if err := b.db.View(context.Background(), func(tx *db.Tx) error { return tx.QueryRowContext(context.Background(), query).Scan(into) }); err != nil {
		b.t.Fatal(err)
	}
}

func b64(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}
