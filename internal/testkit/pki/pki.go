// Package pki makes, for tests, a tree of certificates like the one that
// organisation cards come from (DVV: a root and an organisational authority
// each in RSA and in ECC), with a responder on loopback that tells what was
// revoked, by OCSP and by CRL.
//
//	tree := pki.New(t, pki.Options{Now: clock.Now})
//	card := tree.RSA.Card(t, pki.Holder{GivenName: "Maija", Surname: "Meri", Serial: "100012345", Organisation: "Pelastuslaitos"})
//	tree.RSA.Revoke(card.Cert)
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options say what kind of tree it is. The zero Options are a tree with the
// names of production, now.
type Options struct {
	Test bool             // names as in DVV's test tree
	Now  func() time.Time // the responder's clock; time.Now unless told

	// Forged makes new keys: the names are those of the other trees of the
	// process, and the keys are not.
	Forged bool
	// Quick makes all keys elliptic, whatever the names say: RSA takes seconds,
	// and each process of a fuzz test begins with it.
	Quick bool
}

// A Tree is two roots and the authorities below them.
type Tree struct {
	RootRSA, RootECC *Authority
	RSA, ECC         *Authority // of organisation cards
	Service          *Authority // of services and servers: below the same root, and issuing no cards

	// Responder is the address of the OCSP and CRL server, http://127.0.0.1:port.
	Responder string
}

// An Authority is a certification authority, and what its responder says.
type Authority struct {
	Cert *x509.Certificate
	Key  crypto.Signer

	name   string // in the responder's addresses
	parent *Authority
	home   *home

	mu      sync.Mutex
	revoked map[string]revocation
	onOCSP  func(*Answer)
	onCRL   func(*List)
	asked   map[string]int // requests by kind: ocsp, crl
}

type revocation struct {
	serial  *big.Int
	at      time.Time
	listed  bool // in the CRL
	said    bool // by OCSP
	unknown bool // OCSP does not know the certificate
}

// home is what the authorities of a tree share.
type home struct {
	Options
	address string
}

func (h *home) key(name string) crypto.Signer {
	switch {
	case h.Quick:
		return newECC()
	case !h.Forged:
		return keys[name]()
	case strings.HasSuffix(name, "ecc"):
		return newECC()
	}
	return newRSA()
}

// keys are made once in a process: making them is slow, and no test depends on
// their being new.
var keys = map[string]func() crypto.Signer{
	"root-rsa": sync.OnceValue(newRSA), "org-rsa": sync.OnceValue(newRSA), "service": sync.OnceValue(newRSA), "card-rsa": sync.OnceValue(newRSA),
	"root-ecc": sync.OnceValue(newECC), "org-ecc": sync.OnceValue(newECC), "card-ecc": sync.OnceValue(newECC), "server": sync.OnceValue(newECC),
}

func newRSA() crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func newECC() crypto.Signer {
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// New makes a tree and starts its responder, which ends with the test.
func New(t testing.TB, o Options) *Tree {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &home{Options: o}
	tree := &Tree{}
	server := httptest.NewServer(tree)
	t.Cleanup(server.Close)
	h.address = server.URL
	tree.Responder = server.URL

	mark, owner := "DVV Gov. ", "Digi- ja vaestotietovirasto CA"
	if o.Test {
		mark, owner = "DVV TEST ", "Digi- ja vaestotietovirasto TEST"
	}
	of := func(cn, unit string) pkix.Name {
		n := pkix.Name{Country: []string{"FI"}, Organization: []string{owner}, CommonName: cn}
		if unit != "" {
			n.OrganizationalUnit = []string{unit}
		}
		return n
	}
	below := "DVV "
	if o.Test {
		below = mark
	}
	tree.RootRSA = authority(t, h, nil, "root3rc", of(mark+"Root CA - G3 RSA", ""), "root-rsa")
	tree.RootECC = authority(t, h, nil, "root3ec", of(mark+"Root CA - G3 ECC", ""), "root-ecc")
	tree.RSA = authority(t, h, tree.RootRSA, "org4rc", of(below+"Organisational Certificates - G4R", "Organisaatiovarmenteet"), "org-rsa")
	tree.ECC = authority(t, h, tree.RootECC, "org4ec", of(below+"Organisational Certificates - G4E", "Organisaatiovarmenteet"), "org-ecc")
	tree.Service = authority(t, h, tree.RootRSA, "sp5rc", of(below+"Service Certificates - G5R", "Palveluvarmenteet"), "service")
	return tree
}

func (tree *Tree) all() []*Authority {
	return []*Authority{tree.RootRSA, tree.RootECC, tree.RSA, tree.ECC, tree.Service}
}

// Write puts the roots and the authorities of cards into two PEM files.
func (tree *Tree) Write(t testing.TB) (roots, intermediates string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, certs ...*x509.Certificate) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, PEM(certs...), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("roots.pem", tree.RootRSA.Cert, tree.RootECC.Cert), write("intermediates.pem", tree.RSA.Cert, tree.ECC.Cert, tree.Service.Cert)
}

// PEM writes certificates as text.
func PEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// Server makes the certificate of a server with these names or addresses.
func (tree *Tree) Server(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	now := tree.Service.home.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 90),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	key := keys["server"]()
	cert := tree.Service.sign(t, template, key.Public())
	return tls.Certificate{Certificate: [][]byte{cert.Raw, tree.Service.Cert.Raw}, PrivateKey: key, Leaf: cert}
}

// authority makes a root when parent is nil, else an authority below it.
func authority(t testing.TB, h *home, parent *Authority, name string, subject pkix.Name, key string) *Authority {
	t.Helper()
	a := &Authority{
		Key: h.key(key), name: name, parent: parent, home: h,
		revoked: map[string]revocation{}, asked: map[string]int{},
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: subject, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: time.Date(2021, 5, 6, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2042, 5, 5, 0, 0, 0, 0, time.UTC),
	}
	signer := a
	if parent != nil {
		template.MaxPathLenZero = true
		template.NotAfter = template.NotAfter.AddDate(-1, 0, 0)
		signer = parent
	} else {
		a.Cert = template
	}
	a.Cert = signer.sign(t, template, a.Key.Public())
	return a
}

// sign issues a certificate. Its addresses are those of the authority's
// responder, unless the template has some.
func (a *Authority) sign(t testing.TB, template *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	t.Helper()
	if a.Cert != template {
		if template.CRLDistributionPoints == nil {
			template.CRLDistributionPoints = []string{a.CRLAddress()}
		}
		if template.OCSPServer == nil {
			template.OCSPServer = []string{a.OCSPAddress()}
		}
		template.IssuingCertificateURL = []string{a.home.address + "/ca/" + a.name + ".crt"}
	}
	if _, ok := a.Key.(*rsa.PrivateKey); ok {
		template.SignatureAlgorithm = x509.SHA512WithRSA
	} else {
		template.SignatureAlgorithm = x509.ECDSAWithSHA384
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, public, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// OCSPAddress is where the authority tells of single certificates.
func (a *Authority) OCSPAddress() string { return a.home.address + "/ocsp/" + a.name }

// CRLAddress is where the authority's list is.
func (a *Authority) CRLAddress() string { return a.home.address + "/crl/" + a.name + ".crl" }

// Host is where the responder answers, host:port.
func (tree *Tree) Host() string { return strings.TrimPrefix(tree.Responder, "http://") }

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err)
	}
	return n.Add(n, big.NewInt(1))
}
