package card

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"luvat/internal/identity"
)

// TLSConfig is what the listener that asks for certificates needs; the caller
// adds the server's own Certificates.
//
// The browser is told of the issuers of cards, so that it offers only their
// certificates. Every connection is a handshake anew: there are no session
// tickets, and HTTP/1.1 alone, so that the connection ends with the answer.
// For that the caller must call SetKeepAlivesEnabled(false) on the server: at a
// shared workstation the next person's visit must not find the connection of
// the one before.
func (p *Provider) TLSConfig() *tls.Config {
	pool := x509.NewCertPool()
	for _, issuer := range p.trust.issuers {
		pool.AddCert(issuer)
	}
	ask := tls.RequireAndVerifyClientCert
	if p.c.RefuseInWords {
		ask = tls.RequestClientCert // Finish verifies, and says why not
	}
	return &tls.Config{
		ClientAuth: ask, ClientCAs: pool, MinVersion: tls.VersionTLS12,
		SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"}, Time: p.c.Now,
	}
}

// The headers of RFC 9440.
const (
	certHeader  = "Client-Cert"
	chainHeader = "Client-Cert-Chain"
)

// maxHeader is the longest Client-Cert that is read; cards' are below 4 kB.
const maxHeader = 16 << 10

// passedKey is where FromProxies leaves what a proxy passed on.
type passedKey struct{}

type passed struct {
	cert *x509.Certificate
	err  error
}

// FromProxies takes the visitor's certificate from the Client-Cert header of
// RFC 9440 when a proxy in one of the networks passed the request on. From
// everybody else, and when there are no networks, the header is taken away.
//
// It must be the first handler that a request meets, before any that rewrites
// RemoteAddr: it is the peer that must be trusted, not whom it speaks of. And
// it is needed around every door of the hub. The proxy must overwrite the
// header on every request to the host of the cards, and keep the Host header;
// elsewhere the hub does not look at it (Config.Host, and the host at which
// machines show theirs). Client-Cert-Chain is
// taken away too and not read: the intermediates are configured.
func FromProxies(networks []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values(certHeader)
		r.Header.Del(certHeader)
		r.Header.Del(chainHeader)
		if len(values) > 0 && trusted(networks, r.RemoteAddr) {
			var p passed
			p.cert, p.err = readHeader(values)
			r = r.WithContext(context.WithValue(r.Context(), passedKey{}, p))
		}
		next.ServeHTTP(w, r)
	})
}

// Shown returns the certificate that FromProxies took from a request, nil for
// none. Whoever asks must know that the proxy overwrites the header at the host
// that was visited.
func Shown(r *http.Request) *x509.Certificate {
	p, _ := r.Context().Value(passedKey{}).(passed)
	return p.cert
}

func trusted(networks []netip.Prefix, remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(peer.Addr().Unmap()) })
}

// readHeader reads a Client-Cert: one byte sequence of RFC 8941, :base64:, with
// the certificate in DER. An empty one is no certificate.
func readHeader(values []string) (*x509.Certificate, error) {
	if len(values) != 1 || len(values[0]) > maxHeader {
		return nil, errors.New("the Client-Cert header is there twice or is too long")
	}
	text := strings.Trim(values[0], " \t")
	if text == "" {
		return nil, nil //nolint:nilnil // no certificate is no error
	}
	text, open := strings.CutPrefix(text, ":")
	text, closed := strings.CutSuffix(text, ":")
	if !open || !closed || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("the Client-Cert header is not as RFC 9440 says")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("the Client-Cert header is not base64")
	}
	cert, err := x509.ParseCertificate(b)
	if err != nil {
		return nil, errors.New("the Client-Cert header has no certificate in it") // err quotes it
	}
	return cert, nil
}

// presented is the certificate whose key the visitor has proved to hold.
func (p *Provider) presented(r *http.Request) (*x509.Certificate, error) {
	none := identity.Refuse(identity.Cancelled, "no certificate was shown")
	if p.c.Proxied {
		from, ok := r.Context().Value(passedKey{}).(passed)
		switch {
		case from.err != nil:
			return nil, &identity.Refusal{Why: identity.NotValid, Cause: from.err}
		case !ok || from.cert == nil:
			return nil, none
		}
		return from.cert, nil
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 || !r.TLS.HandshakeComplete {
		return nil, none
	}
	return r.TLS.PeerCertificates[0], nil
}

// sameHost compares the host that was visited with the one configured.
func sameHost(visited, configured string) bool {
	split := func(s string) (host, port string) {
		if h, p, err := net.SplitHostPort(s); err == nil {
			return h, p
		}
		return strings.Trim(s, "[]"), "443"
	}
	vh, vp := split(visited)
	ch, cp := split(configured)
	return strings.EqualFold(vh, ch) && vp == cp
}
