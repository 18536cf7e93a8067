package card

import (
	"bytes"
	"context"
	"crypto"
	_ "crypto/sha1" // of the names in OCSP, which nothing hangs on
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

var oidNoCheck = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}

// askOCSP asks the responder at the address and remembers what it says. The
// error is nil only when what it says holds now.
func (c *checker) askOCSP(ctx context.Context, s subject, address string) error {
	if _, ok := c.fresh(s); ok {
		return nil // somebody else asked in the meantime
	}
	asked := c.now()
	question, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: s.serial}, s.issuer, nil)
	if err != nil {
		return fmt.Errorf("write the question: %w", err)
	}
	b, err := c.fetch.post(ctx, address, "application/ocsp-request", question)
	if err != nil {
		return err
	}
	said, by, err := readOCSP(b, s)
	if err != nil {
		return err
	}
	if by != nil {
		if err := c.mayAnswer(ctx, by, s.issuer); err != nil {
			return err
		}
	}
	said.asked = asked
	c.mu.Lock()
	err = remember(c.answers, s.key(), said, maxAnswers)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if !said.holds(c.now(), c.Revocation, 0) {
		return errors.New("the answer of OCSP is stale")
	}
	return nil
}

// readOCSP reads and verifies an answer. When somebody else than the issuer
// signed it, by is whose right to do so is still to be checked (mayAnswer).
func readOCSP(b []byte, s subject) (said answer, by *x509.Certificate, err error) {
	// The library verifies an answer against the certificate in it, if there is
	// one, and else against nothing: all that makes it the issuer's word is here.
	r, err := ocsp.ParseResponseForCert(b, &x509.Certificate{SerialNumber: s.serial}, nil)
	if refused, ok := errors.AsType[ocsp.ResponseError](err); ok {
		return answer{}, nil, fmt.Errorf("OCSP answers %q", refused.Status)
	}
	if err != nil {
		return answer{}, nil, errors.New("the answer of OCSP does not parse, or is of another certificate")
	}
	switch r.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256:
		return answer{}, nil, errors.New("the answer of OCSP has a signature that is too weak")
	}
	switch {
	case r.Certificate == nil || r.Certificate.Equal(s.issuer):
		if r.CheckSignatureFrom(s.issuer) != nil {
			return answer{}, nil, errors.New("the answer of OCSP is not signed by the issuer")
		}
	case r.Certificate.CheckSignatureFrom(s.issuer) != nil || r.CheckSignatureFrom(r.Certificate) != nil:
		return answer{}, nil, errors.New("the answer of OCSP is signed by a stranger")
	default:
		by = r.Certificate
	}
	if !about(r.TBSResponseData, s) {
		return answer{}, nil, errors.New("the answer of OCSP is of another issuer's certificate")
	}
	said = answer{words{this: r.ThisUpdate, next: r.NextUpdate}, unknown}
	switch r.Status {
	case ocsp.Good:
		said.status = good
	case ocsp.Revoked:
		said.status = revoked
	}
	return said, by, nil
}

// mayAnswer checks the right of a responder that the issuer has named: it must
// be a certificate for nothing else than OCSP, in force, and not itself revoked.
// Every card is signed by the same issuer, and no card may answer for another.
func (c *checker) mayAnswer(ctx context.Context, by, issuer *x509.Certificate) error {
	now := c.now()
	switch {
	case !slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return errors.New("the answer of OCSP is signed by a certificate that is not for that")
	case now.Before(by.NotBefore) || now.After(by.NotAfter):
		return errors.New("the certificate of the OCSP responder is not in force")
	case slices.ContainsFunc(by.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidNoCheck) }):
		return nil
	}
	s := subjectOf(by, issuer)
	s.ocsp = nil // it would have to vouch for itself
	if from := c.Instead[issuer.Subject.CommonName]; from.CRL != "" {
		s.crl = []string{from.CRL}
	}
	askErr := c.askList(ctx, s)
	said, ok := c.known(s, 0)
	switch {
	case !ok:
		return fmt.Errorf("whether the OCSP responder was revoked cannot be checked: %w", errors.Join(ErrUnchecked, askErr))
	case said.status != good:
		return errors.New("the certificate of the OCSP responder was revoked")
	}
	return nil
}

// about tells whether the answer for this serial number, the same one that the
// library took, is of this issuer. The library compares the number alone, and
// a responder may serve several authorities with one key.
func about(signed []byte, s subject) bool {
	var data struct {
		Version    int `asn1:"optional,default:0,explicit,tag:0"`
		Responder  asn1.RawValue
		ProducedAt time.Time `asn1:"generalized"`
		Responses  []struct {
			ID struct {
				Hash          struct{ Algorithm asn1.ObjectIdentifier }
				NameHash, Key []byte
				Serial        *big.Int
			}
		}
	}
	if _, err := asn1.Unmarshal(signed, &data); err != nil {
		return false
	}
	for _, r := range data.Responses {
		if r.ID.Serial.Cmp(s.serial) == 0 {
			hash, ok := hashes[r.ID.Hash.Algorithm.String()]
			return ok && bytes.Equal(r.ID.NameHash, sum(hash, s.issuer.RawSubject)) && bytes.Equal(r.ID.Key, sum(hash, publicKey(s.issuer)))
		}
	}
	return false
}

var hashes = map[string]crypto.Hash{
	"1.3.14.3.2.26": crypto.SHA1, "2.16.840.1.101.3.4.2.1": crypto.SHA256,
	"2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

func sum(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// publicKey is the issuer's key as OCSP hashes it: the bits without their frame.
func publicKey(cert *x509.Certificate) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	return info.Key.RightAlign()
}
