package browser_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"luvat/internal/testkit/browser"
	"luvat/internal/testkit/pki"
)

// TestACardInTheReader: a person's browser shows the card to the host that asks
// for it, of several the right one, and nobody is asked to choose.
func TestACardInTheReader(t *testing.T) {
	tree := pki.New(t, pki.Options{Test: true})
	cards := x509.NewCertPool()
	cards.AddCert(tree.RSA.Cert)
	cards.AddCert(tree.ECC.Cert)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="fi"><title>Kortti</title><link rel="icon" href="data:,"><p>Kortilla: %s.</p>`, who)
	}))
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{tree.Server(t, "localhost", "127.0.0.1")},
		ClientAuth:   tls.RequestClientCert, ClientCAs: cards, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	base := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)

	holder := pki.Holder{GivenName: "Maija", Surname: "Meri", Serial: "1001", Organisation: "Pelastuslaitos"}
	for name, card := range map[string]tls.Certificate{
		"Meri Maija 1001": tree.ECC.Card(t, holder).TLS(),
		"nobody":          tree.Service.Card(t, holder).TLS(), // not of those that were asked for
	} {
		t.Run(name, func(t *testing.T) {
			b := browser.StartWith(t, browser.Reader{Card: card, Roots: []*x509.Certificate{tree.RootRSA.Cert, tree.RootECC.Cert}, Hosts: []string{base}})
			p := b.Page(t, browser.Options{Base: base})
			p.Goto("/")
			p.See("Kortilla: " + name + ".")
		})
	}
	t.Run("no card", func(t *testing.T) {
		p := browser.StartWith(t, browser.Reader{Roots: []*x509.Certificate{tree.RootRSA.Cert}}).Page(t, browser.Options{Base: base})
		p.Goto("/")
		p.See("Kortilla: nobody.")
	})
}
