package card

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"luvat/internal/identity"
)

// trust is whom the connection believes to have issued a card.
type trust struct {
	roots         *x509.CertPool
	intermediates *x509.CertPool
	issuers       []*x509.Certificate // those intermediates that issue cards
	names         []string            // theirs
	policies      []x509.OID
}

// readTrust reads the files and tells all that is wrong with them.
func readTrust(c Config) (trust, error) {
	t := trust{roots: x509.NewCertPool(), intermediates: x509.NewCertPool(), names: c.Issuers}
	var errs []error
	roots, err := readFiles(c.Roots)
	errs = append(errs, err)
	for _, cert := range roots {
		errs = append(errs, c.checkAuthority(cert))
		switch {
		case !bytes.Equal(cert.RawSubject, cert.RawIssuer) || cert.CheckSignatureFrom(cert) != nil:
			errs = append(errs, fmt.Errorf("%q is no root: it did not sign itself", cert.Subject.CommonName))
		case len(c.RootPins) > 0 && !slices.ContainsFunc(c.RootPins, func(pin string) bool { return strings.EqualFold(pin, fingerprint(cert)) }):
			errs = append(errs, fmt.Errorf("the root %q has the SHA-256 %s, which is not among the pins", cert.Subject.CommonName, fingerprint(cert)))
		}
		t.roots.AddCert(cert)
	}
	intermediates, err := readFiles(c.Intermediates)
	errs = append(errs, err)
	for _, cert := range intermediates {
		errs = append(errs, c.checkAuthority(cert))
		t.intermediates.AddCert(cert)
		if slices.Contains(c.Issuers, cert.Subject.CommonName) {
			t.issuers = append(t.issuers, cert)
		}
	}
	for _, cert := range t.issuers {
		if _, err := t.above(fingerprint(cert), c.Now()); err != nil {
			errs = append(errs, fmt.Errorf("the intermediate %q does not lead to a root, or is not in force", cert.Subject.CommonName))
		}
	}
	if len(t.issuers) == 0 && len(intermediates) > 0 {
		errs = append(errs, fmt.Errorf("none of the intermediates is one of %q", c.Issuers))
	}
	for _, p := range c.Policies {
		if oid, err := x509.ParseOID(p); err == nil { // Check told the others
			t.policies = append(t.policies, oid)
		}
	}
	return t, errors.Join(errs...)
}

func readFiles(files []string) (all []*x509.Certificate, err error) {
	var errs []error
	for _, file := range files {
		rest, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found := 0
		for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
			cert, err := x509.ParseCertificate(block.Bytes)
			if block.Type != "CERTIFICATE" || err != nil {
				errs = append(errs, fmt.Errorf("%s: the %s number %d is no certificate", file, block.Type, found+1))
				continue
			}
			found++
			all = append(all, cert)
		}
		if found == 0 {
			errs = append(errs, fmt.Errorf("%s has no certificate", file))
		}
	}
	return all, errors.Join(errs...)
}

var testMark = regexp.MustCompile(`\bTEST\b`)

// checkAuthority tells what is wrong with a root or an intermediate, above all
// when it is of the other tree.
func (c Config) checkAuthority(cert *x509.Certificate) error {
	name := cert.Subject.CommonName
	if !cert.IsCA || !cert.BasicConstraintsValid {
		return fmt.Errorf("%q is no authority", name)
	}
	isTest := testMark.MatchString(cert.Subject.String()) || testMark.MatchString(cert.Issuer.String())
	switch {
	case c.Tree == Production && isTest:
		return fmt.Errorf("%q is of the test tree, and this connection is of production", name)
	case c.Tree == Test && !isTest:
		return fmt.Errorf("%q is not of the test tree, and this connection is", name)
	}
	return nil
}

func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// verify returns the chain from the card to a root, or a refusal.
//
// No text of crypto/x509 comes out of here: some of them quote the certificate.
func (t trust) verify(leaf *x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	// Whether the chain holds and whether the card is in force are two
	// questions: the holder of an expired card must hear that it has expired.
	at := now
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	}
	if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: t.roots, Intermediates: t.intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, identity.Refuse(identity.NotValid, "the certificate does not lead to a root that is trusted here, or is not for clients")
	}
	i := slices.IndexFunc(chains, func(chain []*x509.Certificate) bool {
		return len(chain) > 2 && slices.ContainsFunc(t.issuers, chain[1].Equal)
	})
	switch {
	case i < 0:
		return nil, identity.Refuse(identity.NotValid, "the certificate was not issued by an authority of organisation cards")
	case leaf.IsCA:
		return nil, identity.Refuse(identity.NotValid, "the certificate is an authority's")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return nil, identity.Refuse(identity.NotValid, "the certificate is not the card's one for signing in")
	case !strong(leaf.PublicKey):
		return nil, identity.Refuse(identity.NotValid, "the certificate's key is too weak")
	case !t.allows(leaf.Policies):
		return nil, identity.Refuse(identity.NotValid, "the certificate was issued by a policy that is not accepted here")
	case now.Before(leaf.NotBefore):
		return nil, identity.Refuse(identity.NotValid, "the certificate is not yet in force")
	case now.After(leaf.NotAfter):
		return nil, &identity.Refusal{Why: identity.CardRevoked, Cause: ErrExpired}
	}
	return chains[i], nil
}

func (t trust) allows(policies []x509.OID) bool {
	return len(t.policies) == 0 || slices.ContainsFunc(policies, func(p x509.OID) bool { return slices.ContainsFunc(t.policies, p.Equal) })
}

func strong(key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize >= 256
	}
	return false
}

// above returns the chain that begins with the issuer of cards that has this
// fingerprint.
func (t trust) above(issuer string, now time.Time) ([]*x509.Certificate, error) {
	i := slices.IndexFunc(t.issuers, func(c *x509.Certificate) bool { return fingerprint(c) == issuer })
	if i < 0 {
		return nil, identity.Refuse(identity.NotValid, "the card's issuer is not trusted any more")
	}
	chains, err := t.issuers[i].Verify(x509.VerifyOptions{
		Roots: t.roots, Intermediates: t.intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, identity.Refuse(identity.NotValid, "the card's issuer does not lead to a root that is trusted here")
	}
	return chains[0], nil
}
