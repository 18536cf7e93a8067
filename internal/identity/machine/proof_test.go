package machine_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/fail"
	"luvat/internal/identity/machine"
)

func TestWhatIsPastedIsRead(t *testing.T) {
	b := newBench(t)
	block := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	key := ecPair("k")
	jwk := string(key.public().JWK)
	public, err := x509.MarshalPKIXPublicKey(key.private.(crypto.Signer).Public())
	publicPEM := block("PUBLIC KEY", public, err)
	private, err := x509.MarshalPKCS8PrivateKey(key.private)
	privatePEM := block("PRIVATE KEY", private, err)
	edwards, _, _ := ed25519.GenerateKey(rand.Reader)
	other, err := x509.MarshalPKIXPublicKey(edwards)
	otherPEM := block("PUBLIC KEY", other, err)
	secret, _ := json.Marshal(jose.JSONWebKey{Key: key.private})
	cert := string(pemOf(b.ca.certificate("mine", year)))
	chain := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.ca.cert.Raw}))
	for name, tt := range map[string]struct {
		text string
		kind machine.CredentialKind
		key  string
	}{
		"a JWK":                         {" " + jwk + "\n", machine.Key, ""},
		"a set of one":                  {`{"keys":[` + jwk + `]}`, machine.Key, ""},
		"a key as PEM":                  {"\n" + strings.ReplaceAll(publicPEM, "\n", "\r\n"), machine.Key, ""},
		"a certificate":                 {cert, machine.Certificate, ""},
		"a certificate with its chain":  {cert + chain, machine.Certificate, ""},
		"a set of two":                  {`{"keys":[` + jwk + "," + jwk + `]}`, "", "machine.proof_several"},
		"an empty set":                  {`{"keys":[]}`, "", "machine.proof_several"},
		"nothing":                       {" \n", "", "machine.proof_missing"},
		"words":                         {"avain", "", "machine.proof_unknown"},
		"half a certificate":            {cert[:60], "", "machine.proof_unknown"},
		"another block":                 {block("X509 CRL", []byte{1}, nil), "", "machine.proof_unknown"},
		"broken JSON":                   {"{", "", "machine.key_not_valid"},
		"a public key that is none":     {block("PUBLIC KEY", []byte{1}, nil), "", "machine.key_not_valid"},
		"a key of another kind":         {otherPEM, "", "machine.key_weak"},
		"a private key":                 {privatePEM, "", "machine.key_private"},
		"a private key as JWK":          {string(secret), "", "machine.key_private"},
		"a certificate with its secret": {cert + privatePEM, "", "machine.key_private"},
	} {
		t.Run(name, func(t *testing.T) {
			m := b.add(lead, rescue, machine.Robot)
			p, err := machine.ReadProof(tt.text)
			var c machine.Credential
			if err == nil {
				c, err = b.Issue(t.Context(), lead, m.ID, p)
			}
			if err == nil {
				err = b.Withdraw(t.Context(), lead, c.ID) // others are of the same
			}
			if tt.key == "" && (err != nil || c.Kind != tt.kind) {
				t.Errorf("read as %+v, %v", c, err)
			}
			if tt.key != "" && (!fail.Is(err, fail.Rejected) || err.Error() != tt.key+" (proof)") {
				t.Errorf("got %v, want %s", err, tt.key)
			}
			if strings.Contains(name, "private") != machine.Secret(tt.text) && !strings.Contains(name, "secret") {
				t.Errorf("secret: %t", machine.Secret(tt.text))
			}
		})
	}
}

func TestOneMachineIsFound(t *testing.T) {
	b := newBench(t)
	m, another := b.add(lead, rescue, machine.Robot), b.add(lead, rescue, machine.System)
	c := b.issue(m, ecPair("k").public())
	b.issue(another, ecPair("k").public())
	found, err := b.Find(t.Context(), lead, m.ID)
	if err != nil || found.ID != m.ID || len(found.Credentials) != 1 || found.Credentials[0].ID != c.ID {
		t.Errorf("found %+v, %v", found, err)
	}
	for name, asker := range map[string]machine.Asker{"another authority's lead": other, "nobody": {}} {
		if _, err := b.Find(t.Context(), asker, m.ID); !fail.Is(err, fail.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Find(t.Context(), service, "nothing"); !fail.Is(err, fail.NotFound) {
		t.Errorf("nothing: %v", err)
	}
}
