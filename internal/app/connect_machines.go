package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"luvat/internal/identity/card"
	"luvat/internal/identity/saml"
)

// machineDoor is where and whose certificates machines may show (mutual TLS).
type machineDoor struct {
	// Host is the name, and the port unless it is 443, at which a proxy of
	// LUVAT_TRUSTED_PROXIES asks machines for their certificates and passes them
	// on. Elsewhere no certificate of a machine is believed.
	Host string `json:"host"`
	// Issuers are PEM files of authorities whose certificates may be registered
	// by name; without them, a certificate is registered by its thumbprint.
	Issuers []string `json:"issuers"`
}

func (h *Hub) connectMachines(c machineDoor) error {
	switch {
	case c.Host == "":
		return errors.New("host: is not set: write the name at which the proxy asks machines for certificates")
	case len(h.Config.Proxies) == 0:
		return errors.New("host: no proxy is trusted (LUVAT_TRUSTED_PROXIES) to ask for certificates there")
	}
	if h.Config.BaseURL == "https://"+strings.TrimSuffix(c.Host, ":443") {
		return errors.New("host: is the hub's own name: choose another, for there browsers would be asked for certificates")
	}
	h.Site.Machines.CertificateHost = strings.TrimSuffix(c.Host, ":443")
	for _, file := range c.Issuers {
		issuers, err := saml.ReadCertificates(file)
		if err != nil {
			return fmt.Errorf("issuers: %w", err)
		}
		if h.Site.Machines.CAs == nil {
			h.Site.Machines.CAs = x509.NewCertPool()
		}
		for _, issuer := range issuers {
			h.Site.Machines.CAs.AddCert(issuer)
		}
	}
	return nil
}

// showingCertificates gives a request to the host of the machines the
// certificate that the proxy passed on, as if the connection were with the
// machine itself.
func (c Config) showingCertificates(next http.Handler) http.Handler {
	if c.SignIn == nil || c.SignIn.Machines == nil {
		return next
	}
	host := strings.TrimSuffix(c.SignIn.Machines.Host, ":443")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cert := card.Shown(r); cert != nil && strings.EqualFold(strings.TrimSuffix(r.Host, ":443"), host) {
			r = r.WithContext(r.Context())
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		}
		next.ServeHTTP(w, r)
	})
}
