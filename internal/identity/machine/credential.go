package machine

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// CredentialKind is what a credential is: stored, never changes.
type CredentialKind string

// The kinds of credentials.
const (
	Key         CredentialKind = "key"         // a public key: signs for access tokens
	Certificate CredentialKind = "certificate" // one client certificate, by its thumbprint
	Name        CredentialKind = "name"        // any client certificate of a subject by an issuer
)

// A Credential is what a machine shows who it is by.
type Credential struct {
	ID      string
	Machine string
	Kind    CredentialKind

	KeyID           string // kid of a key
	Fingerprint     string // of the key (RFC 7638) or the certificate (SHA-256), to be compared by people
	Issuer, Subject string // of a certificate

	From, Until time.Time // when it is good; zero for no limit
	Issued      time.Time
	Replaces    string    // the credential that was rotated, "" for none
	Withdrawn   time.Time // zero for never
	Used        time.Time // by the minute; zero for never

	mark string
	jwk  string
}

// Good tells whether the credential may be used now.
func (c Credential) Good(now time.Time) bool {
	return c.Withdrawn.IsZero() && !now.Before(c.From) && (c.Until.IsZero() || now.Before(c.Until))
}

// A Proof is what a credential is made of: a key or a certificate.
type Proof struct {
	JWK         []byte // a public key, RSA from 2048 bits or P-256
	Certificate []byte // PEM or DER
	// ByName registers, of a certificate, its subject and its issuer: those that
	// follow it will do too.
	ByName bool
	Until  time.Time // zero for no end but the certificate's own
}

// algorithms are those that a key may sign with.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}

// Issue gives a machine one more credential.
func (r *Registry) Issue(ctx context.Context, by Asker, machine string, p Proof) (Credential, error) {
	c, err := r.read(p)
	if err != nil {
		return Credential{}, err
	}
	err = r.DB.InTx(ctx, func(tx *db.Tx) error {
		m, err := ruledMachine(ctx, tx, by, machine)
		if err != nil {
			return err
		}
		if err := r.add(ctx, tx, by, m, &c); err != nil {
			return err
		}
		return r.record(ctx, tx, by, m.Authority, DeedIssued, deed{Machine: m.ID, Credential: c.ID, Kind: string(c.Kind), Until: db.Millis(c.Until)})
	})
	return given(c, err)
}

// Rotate gives a machine a credential in place of another, which is good until
// the date.
func (r *Registry) Rotate(ctx context.Context, by Asker, credential string, p Proof, until time.Time) (Credential, error) {
	c, err := r.read(p)
	if err != nil {
		return Credential{}, err
	}
	if until.Before(r.Now()) {
		return Credential{}, fail.New(fail.Rejected, "machine.until_past").In("until")
	}
	err = r.DB.InTx(ctx, func(tx *db.Tx) error {
		old, m, err := ruledCredential(ctx, tx, by, credential)
		if err != nil {
			return err
		}
		c.Replaces = old.ID
		if err := r.add(ctx, tx, by, m, &c); err != nil {
			return err
		}
		if err := endAt(ctx, tx, old.ID, until); err != nil {
			return err
		}
		return r.record(ctx, tx, by, m.Authority, DeedRotated, deed{Machine: m.ID, Credential: c.ID, Replaces: old.ID, Kind: string(c.Kind), Until: db.Millis(until)})
	})
	return given(c, err)
}

// Withdraw takes a credential away at once, and the tokens it was used for.
func (r *Registry) Withdraw(ctx context.Context, by Asker, credential string) error {
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		c, m, err := ruledCredential(ctx, tx, by, credential)
		if err != nil {
			return err
		}
		if err := withdraw(ctx, tx, r.Now(), c.ID); err != nil {
			return err
		}
		return r.record(ctx, tx, by, m.Authority, DeedWithdrawn, deed{Machine: m.ID, Credential: c.ID})
	})
}

// given is what a verb returns of a credential that another may have already.
func given(c Credential, err error) (Credential, error) {
	if db.IsUnique(err) {
		err = fail.New(fail.Conflict, "machine.already_registered").In("proof")
	}
	if err != nil {
		return Credential{}, err
	}
	return c, nil
}

// ruledCredential finds a credential that the asker rules over and that was not
// withdrawn.
func ruledCredential(ctx context.Context, tx *db.Tx, by Asker, id string) (Credential, Machine, error) {
	c, m, err := findCredential(ctx, tx, `c.id = $1`, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && !by.rules(m.Authority) {
		return Credential{}, Machine{}, errNotFound
	}
	if err == nil && !c.Withdrawn.IsZero() {
		err = fail.New(fail.Conflict, "machine.withdrawn")
	}
	return c, m, err
}

func (r *Registry) add(ctx context.Context, tx *db.Tx, by Asker, m Machine, c *Credential) error {
	if !m.Withdrawn.IsZero() {
		return fail.New(fail.Conflict, "machine.withdrawn")
	}
	c.ID, c.Machine, c.Issued = db.NewID(), m.ID, r.Now()
	if c.Kind == Key {
		c.mark = "key " + m.ID + " " + c.Fingerprint // two machines may share a key: each signs in its own name
	}
	return insertCredential(ctx, tx, *c, by.person)
}

// read makes a credential of a proof.
func (r *Registry) read(p Proof) (c Credential, err error) {
	switch {
	case (len(p.JWK) > 0) == (len(p.Certificate) > 0):
		return c, fail.New(fail.Rejected, "machine.proof_missing").In("proof")
	case !p.Until.IsZero() && !p.Until.After(r.Now()):
		return c, fail.New(fail.Rejected, "machine.until_past").In("until")
	case len(p.JWK) > 0:
		c, err = readKey(p.JWK)
	default:
		c, err = r.readCertificate(p.Certificate, p.ByName)
	}
	if err != nil {
		return Credential{}, err
	}
	if !p.Until.IsZero() && (c.Until.IsZero() || p.Until.Before(c.Until)) {
		c.Until = p.Until
	}
	return c, nil
}

// biggestKey bounds what verifying a signature may cost.
const biggestKey = 8192

func readKey(body []byte) (Credential, error) {
	bad := func(key string) (Credential, error) { return Credential{}, fail.New(fail.Rejected, key).In("proof") }
	var k jose.JSONWebKey
	if json.Unmarshal(body, &k) != nil || !k.Valid() || len(k.KeyID) > 200 {
		return bad("machine.key_not_valid")
	}
	if !k.IsPublic() {
		return bad("machine.key_private")
	}
	if k.Use != "" && k.Use != "sig" || k.Algorithm != "" && !slices.Contains(algorithms, jose.SignatureAlgorithm(k.Algorithm)) {
		return bad("machine.key_not_valid")
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 || key.N.BitLen() > biggestKey {
			return bad("machine.key_weak")
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return bad("machine.key_weak")
		}
	default:
		return bad("machine.key_weak")
	}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return bad("machine.key_not_valid")
	}
	c := Credential{Kind: Key, KeyID: k.KeyID, Fingerprint: base64.RawURLEncoding.EncodeToString(sum)}
	if c.KeyID == "" {
		c.KeyID = c.Fingerprint
	}
	kept, err := json.Marshal(jose.JSONWebKey{Key: k.Key, KeyID: c.KeyID, Algorithm: k.Algorithm, Use: "sig"})
	c.jwk = string(kept)
	return c, err
}

func (r *Registry) readCertificate(body []byte, byName bool) (Credential, error) {
	bad := func(key string) (Credential, error) { return Credential{}, fail.New(fail.Rejected, key).In("proof") }
	if block, _ := pem.Decode(body); block != nil {
		if block.Type != "CERTIFICATE" {
			return bad("machine.key_private")
		}
		body = block.Bytes
	}
	cert, err := x509.ParseCertificate(body)
	if err != nil || cert.IsCA {
		return bad("machine.certificate_not_valid")
	}
	if !r.Now().Before(cert.NotAfter) {
		return bad("machine.certificate_expired")
	}
	c := Credential{Kind: Certificate, mark: certificateMark(cert), Fingerprint: thumbprint(cert), Issuer: cert.Issuer.String(), Subject: cert.Subject.String()}
	if !byName {
		c.From, c.Until = cert.NotBefore, cert.NotAfter
		return c, nil
	}
	if r.CAs == nil || r.verify(cert, nil) != nil {
		return bad("machine.certificate_not_trusted")
	}
	c.Kind, c.mark = Name, nameMark(cert)
	return c, nil
}

// verify checks that one of the CAs issued a certificate for clients that is
// good now.
func (r *Registry) verify(cert *x509.Certificate, between *x509.CertPool) error {
	_, err := cert.Verify(x509.VerifyOptions{Roots: r.CAs, Intermediates: between, CurrentTime: r.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err
}

func thumbprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

func certificateMark(cert *x509.Certificate) string { return "certificate " + thumbprint(cert) }

// nameMark is made of the names' bytes, as the issuer wrote them.
func nameMark(cert *x509.Certificate) string {
	issuer, subject := sha256.Sum256(cert.RawIssuer), sha256.Sum256(cert.RawSubject)
	return "name " + hex.EncodeToString(issuer[:]) + " " + hex.EncodeToString(subject[:])
}
