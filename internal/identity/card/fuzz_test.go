package card

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/crypto/ocsp"

	"luvat/internal/identity"
	"luvat/internal/testkit"
	"luvat/internal/testkit/pki"
)

// fuzzed is a provider that asks nobody, and a tree to make seeds of.
func fuzzed(f *testing.F, proxied bool) (*Provider, *pki.Tree) {
	f.Helper()
	now := testkit.NewClock().Now
	tree := pki.New(f, pki.Options{Now: now, Quick: true})
	roots, intermediates := tree.Write(f)
	p, err := New(Config{
		Name: "kortti", Host: "kortti.example", Roots: []string{roots}, Intermediates: []string{intermediates}, RootPins: []string{},
		Organisations: []Organisation{{Authority: "a", Names: []string{"Hyvinvointialue"}}}, Now: now, Proxied: proxied,
		Revocation: Revocation{Responders: []string{tree.Host()}}, HTTP: &http.Client{Transport: nobody{}},
	})
	if err != nil {
		f.Fatal(err)
	}
	return p, tree
}

type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody answers")
}

func seeds(f *testing.F, tree *pki.Tree) [][]byte {
	h := pki.Holder{GivenName: "Åke", Surname: "Ö", Serial: "1", Organisation: "Hyvinvointialue", Email: "a@b.example", UPN: "a@b.example"}
	return [][]byte{tree.ECC.Card(f, h).Cert.Raw, tree.RSA.Signature(f, h).Cert.Raw, tree.RootECC.Cert.Raw}
}

// FuzzCertificate: whatever parses as a certificate is refused, while nobody
// tells that it was not revoked; as it is, and signed by an issuer of cards.
func FuzzCertificate(f *testing.F) {
	p, tree := fuzzed(f, false)
	for _, seed := range seeds(f, tree) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cert, err := x509.ParseCertificate(b)
		if err != nil {
			return
		}
		refused(t, p, func(r *http.Request) { r.TLS.PeerCertificates = []*x509.Certificate{cert} })
		signed, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: cert.SerialNumber, RawSubject: cert.RawSubject, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, ExtraExtensions: cert.Extensions,
		}, tree.ECC.Cert, tree.ECC.Key.Public(), tree.ECC.Key)
		if err != nil {
			return
		}
		if cert, err = x509.ParseCertificate(signed); err != nil {
			return
		}
		refused(t, p, func(r *http.Request) { r.TLS.PeerCertificates = []*x509.Certificate{cert} })
		if h, err := read(cert); err == nil && (h.serial == "" || len([]rune(h.name)) > 201) {
			t.Errorf("the holder is %+v", h)
		}
	})
}

// FuzzClientCertHeader: what a proxy passes on is read or refused.
func FuzzClientCertHeader(f *testing.F) {
	p, tree := fuzzed(f, true)
	for _, seed := range seeds(f, tree) {
		f.Add(":" + base64.StdEncoding.EncodeToString(seed) + ":")
	}
	for _, seed := range []string{"", ":", "::", ":====:", "a, :b:", ":YQ==:;a=1", "-----BEGIN CERTIFICATE-----"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		cert, err := readHeader([]string{value})
		if err != nil && cert != nil {
			t.Error("a certificate and an error")
		}
		refused(t, p, func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), passedKey{}, passed{cert, err}))
		})
	})
}

// refused ends a sign-in with the certificate that with puts in.
func refused(t *testing.T, p *Provider, with func(*http.Request)) {
	t.Helper()
	address, memo, err := p.Begin(t.Context(), identity.Beginning{State: "s"})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", address, nil)
	r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	with(r)
	if _, err = p.Finish(t.Context(), memo, r); err == nil {
		t.Fatal("somebody came in")
	}
	if _, ok := errors.AsType[*identity.Refusal](err); !ok {
		t.Errorf("it ends with %v", err)
	}
}

// FuzzRevocation: what responders send is read or not, and what is read says
// nothing else than what was signed.
func FuzzRevocation(f *testing.F) {
	p, tree := fuzzed(f, false)
	p.checks.fetch.client = http.DefaultClient
	s := subjectOf(tree.ECC.Card(f, pki.Holder{Serial: "1"}).Cert, tree.ECC.Cert)
	question, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: s.serial}, s.issuer, nil)
	if err != nil {
		f.Fatal(err)
	}
	byOCSP, err1 := p.checks.fetch.post(f.Context(), s.ocsp[0], "application/ocsp-request", question)
	byList, err2 := p.checks.fetch.get(f.Context(), s.crl[0])
	want, _, err3 := readOCSP(byOCSP, s)
	if err := errors.Join(err1, err2, err3); err != nil {
		f.Fatal(err)
	}
	f.Add(byOCSP)
	f.Add(byList)
	f.Add([]byte(ocsp.TryLaterErrorResponse))
	f.Add([]byte{0x30, 3, 0x81, 1, 0xff}) // the scope of a list
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, _, err := readOCSP(b, s); err == nil && got != want {
			t.Errorf("OCSP is read as %+v", got)
		}
		if l, err := readCRL(b, s.issuer); err == nil && len(l.revoked) != 0 {
			t.Error("a list is read that nobody signed")
		}
		if l, err := readScope(b); err == nil {
			l.covers(s)
		}
		about(b, s)
	})
}
