package card

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"luvat/internal/identity"
	"luvat/internal/testkit"
	"luvat/internal/testkit/pki"
)

// fuzzed is a provider, and a tree to make seeds of.
func fuzzed(f *testing.F, edit func(*Config)) (*Provider, *pki.Tree) {
	f.Helper()
	now := testkit.NewClock().Now
	tree := pki.New(f, pki.Options{Now: now})
	roots, intermediates := tree.Write(f)
	c := Config{
		Name: "kortti", Host: "kortti.example", Roots: []string{roots}, Intermediates: []string{intermediates}, RootPins: []string{},
		Organisations: []Organisation{{Authority: "a", Names: []string{"Hyvinvointialue"}}}, Now: now,
		Revocation: Revocation{Responders: []string{tree.Host()}, Patience: time.Second},
	}
	edit(&c)
	p, err := New(c)
	if err != nil {
		f.Fatal(err)
	}
	return p, tree
}

func seeds(f *testing.F, tree *pki.Tree) [][]byte {
	h := pki.Holder{GivenName: "Åke", Surname: "Ö", Serial: "1", Organisation: "Hyvinvointialue", Email: "a@b.example", UPN: "a@b.example"}
	return [][]byte{tree.RSA.Card(f, h).Cert.Raw, tree.ECC.Card(f, h).Cert.Raw, tree.RSA.Signature(f, h).Cert.Raw, tree.RSA.Cert.Raw, tree.RootECC.Cert.Raw}
}

// FuzzCertificate: whatever parses as a certificate is refused or accepted,
// and never more than refused when its signature does not hold.
func FuzzCertificate(f *testing.F) {
	p, tree := fuzzed(f, func(*Config) {})
	good := map[string]bool{}
	for _, seed := range seeds(f, tree) {
		f.Add(seed)
		good[string(seed)] = true
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cert, err := x509.ParseCertificate(b)
		if err != nil {
			return
		}
		h, err := read(cert) // what Finish reads only of certificates that are true
		if err == nil && (h.serial == "" || len([]rune(h.name)) > 201) {
			t.Errorf("the holder is %+v", h)
		}
		_, _ = employer(p.c.Organisations, h)
		_, err = end(t.Context(), p, func(r *http.Request) { r.TLS.PeerCertificates = []*x509.Certificate{cert} })
		if _, refused := errors.AsType[*identity.Refusal](err); err == nil && !good[string(b)] || err != nil && !refused {
			t.Errorf("a certificate that nobody issued ends with %v", err)
		}
	})
}

// FuzzClientCertHeader: what a proxy passes on is read or refused, and nobody
// signs in with what was not issued.
func FuzzClientCertHeader(f *testing.F) {
	p, tree := fuzzed(f, func(c *Config) { c.Proxied = true })
	good := map[string]bool{}
	for _, seed := range seeds(f, tree) {
		f.Add(":" + base64.StdEncoding.EncodeToString(seed) + ":")
		good[string(seed)] = true
	}
	for _, seed := range []string{"", ":", "::", ":====:", "a, :b:", ":YQ==:;a=1", "-----BEGIN CERTIFICATE-----"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		cert, err := readHeader([]string{value})
		if err != nil && cert != nil {
			t.Error("a certificate and an error")
		}
		_, err = end(t.Context(), p, func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), passedKey{}, passed{cert, err}))
		})
		if _, refused := errors.AsType[*identity.Refusal](err); err == nil && !good[string(cert.Raw)] || err != nil && !refused {
			t.Errorf("the header ends with %v", err)
		}
	})
}

// end is the end of a sign-in, with the certificate put in by with.
func end(ctx context.Context, p *Provider, with func(*http.Request)) (identity.Assertion, error) {
	address, memo, err := p.Begin(ctx, identity.Beginning{State: "s"})
	if err != nil {
		return identity.Assertion{}, err
	}
	r := httptest.NewRequest("GET", address, nil)
	r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	with(r)
	return p.Finish(ctx, memo, r)
}

// FuzzRevocation: what responders send is read or not, and what is read says
// nothing else than what was signed.
func FuzzRevocation(f *testing.F) {
	p, tree := fuzzed(f, func(*Config) {})
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
