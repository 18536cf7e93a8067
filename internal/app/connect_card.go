package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/card"
)

// cardConnection is a connection by organisation cards: at a listener of the
// hub's own, or behind a TLS proxy that asks for the certificate.
type cardConnection struct {
	Name  string    `json:"name"`
	Title i18n.Text `json:"title"`
	Lead  i18n.Text `json:"lead"`

	Host string `json:"host"` // where browsers show their cards

	// Listen is the hub's own listener for the host, with its certificate; ""
	// where a proxy of LUVAT_TRUSTED_PROXIES asks for the card.
	Listen      string `json:"listen"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`

	Tree          card.Tree              `json:"tree"`
	Roots         []string               `json:"roots"`
	Intermediates []string               `json:"intermediates"`
	RootPins      []string               `json:"root_pins"`
	Issuers       []string               `json:"issuers"`
	Policies      []string               `json:"policies"`
	Responders    []string               `json:"responders"`
	Instead       map[string]card.Source `json:"instead"`
	Organisations []struct {
		Authority      string   `json:"authority"`
		Names          []string `json:"names"`
		SerialPrefixes []string `json:"serial_prefixes"`
		UPNDomains     []string `json:"upn_domains"`
	} `json:"organisations"`
}

func (h *Hub) connectCard(c cardConnection) error {
	conf := card.Config{
		Name: c.Name, Host: c.Host, Tree: c.Tree, Roots: c.Roots, Intermediates: c.Intermediates, RootPins: c.RootPins, Issuers: c.Issuers, Policies: c.Policies,
		Proxied: c.Listen == "", RefuseInWords: true,
		Revocation: card.Revocation{Responders: c.Responders, Instead: c.Instead},
		HTTP:       &http.Client{Timeout: 20 * time.Second}, Now: h.Desk.Now, Log: h.log,
	}
	for _, o := range c.Organisations {
		if h.Catalogue.Authority(o.Authority) == nil {
			return fmt.Errorf("organisations: there is no authority %q", o.Authority)
		}
		conf.Organisations = append(conf.Organisations, card.Organisation{Authority: o.Authority, Names: o.Names, SerialPrefixes: o.SerialPrefixes, UPNDomains: o.UPNDomains})
	}
	if c.Listen == "" && len(h.Config.Proxies) == 0 {
		return errors.New("listen: is not set, and no proxy is trusted (LUVAT_TRUSTED_PROXIES) to ask for cards instead")
	}
	p, err := card.New(conf)
	if err != nil {
		return err
	}
	if c.Listen != "" {
		if _, err := tls.LoadX509KeyPair(c.Certificate, c.Key); err != nil {
			return fmt.Errorf("certificate, key: %w", err)
		}
		h.cardDoors = append(h.cardDoors, cardDoor{c, p})
	}
	h.Site.Connections = append(h.Site.Connections, &identity.Connection{
		Name: c.Name, Title: c.Title, Lead: c.Lead, Provider: cards{p}, Officers: true, Elsewhere: true,
		Authority: func(a identity.Assertion) string { return a.Organisation },
	})
	return nil
}

// cards is a card.Provider that can be asked again.
type cards struct{ *card.Provider }

// Recheck tells that a card does not hold only when that is known of it.
func (c cards) Recheck(ctx context.Context, s identity.ProviderSession) error {
	err := c.Provider.Recheck(ctx, s)
	if errors.Is(err, card.ErrUnchecked) {
		return card.ErrUnchecked
	}
	return err
}

// showingCards leads visits at which a card is shown, /login/card/<name>, to
// where answers come.
func showingCards(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, card.Path); ok && name != "" && !strings.Contains(name, "/") && r.Method == http.MethodGet {
			u := *r.URL
			u.Path, u.RawPath = "/login/"+name+"/callback", ""
			r = r.WithContext(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

// A cardDoor is a listener at which browsers show their cards.
type cardDoor struct {
	c cardConnection
	p *card.Provider
}

// serve answers there until the context ends. Nothing but the showing of cards
// is to be had at it.
func (d cardDoor) serve(ctx context.Context, next http.Handler, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.c.Listen)
	if err != nil {
		return fmt.Errorf("listen for cards: %w", err)
	}
	conf := d.p.TLSConfig()
	conf.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { // anew each time: it may have been renewed
		pair, err := tls.LoadX509KeyPair(d.c.Certificate, d.c.Key)
		return &pair, err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != card.Path+d.c.Name {
				http.NotFound(w, r)
				return
			}
			next.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 64 << 10, TLSConfig: conf,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // of handshakes: anybody can make them fail
	}
	server.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	})
	defer stop()
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
