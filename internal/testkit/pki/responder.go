package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// An Answer is what the responder is about to say of one certificate. A test
// may change it by Authority.OnOCSP.
type Answer struct {
	ocsp.Response // Status, SerialNumber, ThisUpdate, NextUpdate, Certificate …

	Of     *x509.Certificate // whose certificate is spoken of: the authority's
	Signer crypto.Signer     // the authority's key unless told
	Said   Reply
}

// A List is the CRL that the responder is about to give.
type List struct {
	x509.RevocationList

	By     *x509.Certificate
	Signer crypto.Signer
	Said   Reply
}

// A Reply stands in for an answer when it is not zero.
type Reply struct {
	Status int // of HTTP
	Body   []byte
	Header http.Header
	Wait   <-chan struct{} // silence until it is closed or the asker goes
}

// Silent is no answer.
var Silent = Reply{Status: http.StatusServiceUnavailable}

// OnOCSP lets do change what the authority says by OCSP from now on.
func (a *Authority) OnOCSP(do func(*Answer)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onOCSP = do
}

// OnCRL lets do change the authority's list from now on.
func (a *Authority) OnCRL(do func(*List)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onCRL = do
}

// Silence ends what the authority tells of its certificates.
func (a *Authority) Silence() {
	a.OnOCSP(func(o *Answer) { o.Said = Silent })
	a.OnCRL(func(l *List) { l.Said = Silent })
}

// Revoke makes known everywhere that a certificate is revoked.
func (a *Authority) Revoke(cert *x509.Certificate) {
	a.set(cert, revocation{listed: true, said: true})
}

// RevokeInList puts a certificate on the CRL, and OCSP goes on saying that it is good.
func (a *Authority) RevokeInList(cert *x509.Certificate) { a.set(cert, revocation{listed: true}) }

// Forget makes OCSP say that it does not know the certificate.
func (a *Authority) Forget(cert *x509.Certificate) { a.set(cert, revocation{unknown: true}) }

func (a *Authority) set(cert *x509.Certificate, r revocation) {
	r.serial, r.at = cert.SerialNumber, a.home.Now().Add(-time.Minute)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked[r.serial.String()] = r
}

// Asked tells how often the responder was asked, by OCSP and for the list.
func (a *Authority) Asked() (byOCSP, forList int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked["ocsp"], a.asked["crl"]
}

// ServeHTTP answers as the authorities' responders.
func (tree *Tree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	for _, a := range tree.all() {
		switch {
		case kind == "ocsp" && name == a.name:
			a.serveOCSP(w, r)
			return
		case kind == "crl" && name == a.name+".crl":
			a.serveCRL(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

func (a *Authority) serveOCSP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return
	}
	asked, err := ocsp.ParseRequest(body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/ocsp-request" {
		http.Error(w, "no question", http.StatusBadRequest)
		return
	}
	now := a.home.Now()
	o := Answer{Of: a.Cert, Signer: a.Key}
	o.Status, o.SerialNumber = ocsp.Good, asked.SerialNumber
	o.ThisUpdate, o.NextUpdate = now.Add(-time.Minute), now.Add(time.Hour)

	a.mu.Lock()
	a.asked["ocsp"]++
	if is := a.revoked[asked.SerialNumber.String()]; is.unknown {
		o.Status = ocsp.Unknown
	} else if is.said {
		o.Status, o.RevokedAt, o.RevocationReason = ocsp.Revoked, is.at, ocsp.CessationOfOperation
	}
	change := a.onOCSP
	a.mu.Unlock()
	if change != nil {
		change(&o)
	}
	if o.Said.write(w, r) {
		return
	}
	by := o.Certificate
	if by == nil {
		by = o.Of
	}
	der, err := ocsp.CreateResponse(o.Of, by, o.Response, o.Signer)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	_, _ = w.Write(der)
}

func (a *Authority) serveCRL(w http.ResponseWriter, r *http.Request) {
	now := a.home.Now()
	l := List{By: a.Cert, Signer: a.Key}
	l.Number = big.NewInt(now.UnixMilli())
	l.ThisUpdate, l.NextUpdate = now.Add(-time.Minute), now.Add(24*time.Hour)

	a.mu.Lock()
	a.asked["crl"]++
	for _, is := range a.revoked {
		if is.listed {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: is.serial, RevocationTime: is.at})
		}
	}
	change := a.onCRL
	a.mu.Unlock()
	if change != nil {
		change(&l)
	}
	if l.Said.write(w, r) {
		return
	}
	der, err := x509.CreateRevocationList(rand.Reader, &l.RevocationList, l.By, l.Signer)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/pkix-crl")
	_, _ = w.Write(der)
}

func (s Reply) write(w http.ResponseWriter, r *http.Request) bool {
	if s.Wait != nil {
		select {
		case <-s.Wait:
		case <-r.Context().Done():
			return true
		}
	}
	if s.Status == 0 && s.Body == nil {
		return false
	}
	for name, values := range s.Header {
		w.Header()[name] = values
	}
	if s.Status != 0 {
		w.WriteHeader(s.Status)
	}
	_, _ = w.Write(s.Body)
	return true
}

// Responder issues a certificate for answering by OCSP in the authority's
// name, and its key. Edit may change it.
func (a *Authority) Responder(t testing.TB, edit func(*x509.Certificate)) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	now := a.home.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "OCSP responder"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, BasicConstraintsValid: true,
		ExtraExtensions: []pkix.Extension{{Id: []int{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}}}, // ocsp-nocheck
	}
	if edit != nil {
		edit(template)
	}
	key := keys["server"]()
	return a.sign(t, template, key.Public()), key
}
