package card_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/testkit"
	"luvat/internal/testkit/pki"
)

// maija is an officer of a rescue department, as on her card.
var maija = pki.Holder{
	GivenName: "Maija", Surname: "Meriläinen", Serial: "100023456K", Organisation: "Pirkanmaan hyvinvointialue",
	Email: "maija.merilainen@pirha.example", UPN: "mmerilai@pirha.example",
}

// secrets must not be in an error or in the log.
var secrets = []string{"maija", "merilä", "merilai", "100023456", "pirkanmaa", "pirha"}

// A door is a provider behind a real listener, and the tree whose cards open it.
type door struct {
	t     *testing.T
	clock *testkit.Clock
	tree  *pki.Tree
	p     *card.Provider
	state string // overrides the state that comes back, when not ""

	mu   sync.Mutex
	log  bytes.Buffer
	memo []byte
	last struct {
		came bool
		who  identity.Assertion
		err  error
	}
}

// open makes a tree and a door for its cards. The door refuses in words.
func open(t *testing.T, edit func(*card.Config)) *door {
	t.Helper()
	d := &door{t: t, clock: testkit.NewClock()}
	d.tree = pki.New(t, pki.Options{Now: d.clock.Now})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := d.config(listener.Addr().String())
	if edit != nil {
		edit(&c)
	}
	if d.p, err = card.New(c); err != nil {
		t.Fatal(err)
	}
	settings := d.p.TLSConfig()
	settings.Certificates = []tls.Certificate{d.tree.Server(t, "127.0.0.1")}
	server := &http.Server{Handler: http.HandlerFunc(d.finish), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	server.SetKeepAlivesEnabled(false)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(tls.NewListener(listener, settings)) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
		d.mu.Lock()
		defer d.mu.Unlock()
		silent(t, "the log", d.log.String())
	})
	return d
}

// config is a door's for the tree, complete.
func (d *door) config(host string) card.Config {
	roots, intermediates := d.tree.Write(d.t)
	return card.Config{
		Name: "portti-kortti", Host: host,
		Roots: []string{roots}, Intermediates: []string{intermediates}, RootPins: []string{},
		Organisations: []card.Organisation{{Authority: "rescue-pirkanmaa", Names: []string{"Pirkanmaan hyvinvointialue"}}},
		RefuseInWords: true,
		Revocation:    card.Revocation{Responders: []string{d.tree.Host()}},
		Now:           d.clock.Now, Log: slog.New(slog.NewTextHandler(writer{d}, nil)),
	}
}

type writer struct{ d *door }

func (w writer) Write(b []byte) (int, error) {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	return w.d.log.Write(b)
}

// logged is what the log has by now.
func (d *door) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

func (d *door) finish(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	memo := d.memo
	d.mu.Unlock()
	who, err := d.p.Finish(r.Context(), memo, r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last.came, d.last.who, d.last.err = true, who, err
	_, _ = io.WriteString(w, "seen")
}

// errHandshake is a refusal by the listener itself.
var errHandshake = errors.New("the handshake failed")

// visit signs in with the cards that the browser holds, in a real handshake.
func (d *door) visit(cards ...pki.Card) (identity.Assertion, error) {
	d.t.Helper()
	address := d.begin()
	d.mu.Lock()
	d.last.came, d.last.who, d.last.err = false, identity.Assertion{}, nil
	d.mu.Unlock()
	answer, err := d.browser(cards...).Get(address)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.last.came {
		return identity.Assertion{}, errors.Join(errHandshake, err)
	}
	if d.last.err != nil {
		silent(d.t, "the refusal", d.last.err.Error())
	}
	return d.last.who, d.last.err
}

// begin begins a sign-in and returns the address of the visit.
func (d *door) begin() string {
	d.t.Helper()
	address, memo, err := d.p.Begin(d.t.Context(), identity.Beginning{State: "state-of-this-visit", Lang: "fi"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memo = memo
	if d.state != "" {
		address = strings.ReplaceAll(address, "state-of-this-visit", d.state)
	}
	return address
}

// browser is a client that shows the first of the cards that the listener
// takes, as browsers do, or else the first one.
func (d *door) browser(cards ...pki.Card) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(d.tree.RootRSA.Cert)
	settings := &tls.Config{RootCAs: pool, Time: d.clock.Now}
	settings.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		for _, c := range cards {
			if own := c.TLS(); asked.SupportsCertificate(&own) == nil {
				return &own, nil
			}
		}
		if len(cards) > 0 {
			own := cards[0].TLS()
			return &own, nil
		}
		return new(tls.Certificate), nil
	}
	transport := &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true}
	d.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// silent tells whether a text says anything of the person.
func silent(t testing.TB, what, text string) {
	t.Helper()
	lower := strings.ToLower(text)
	if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(lower, s) }); i >= 0 {
		t.Errorf("%s names the person (%s): %s", what, secrets[i], text)
	}
}

// wantRefusal checks the reason, and the cause when it is not nil.
func wantRefusal(t testing.TB, err error, why identity.Why, cause error) {
	t.Helper()
	r, ok := errors.AsType[*identity.Refusal](err)
	if !ok || r.Why != why || cause != nil && !errors.Is(err, cause) {
		t.Errorf("refused with %v, want %s (%v)", err, why, cause)
	}
	for _, other := range []error{card.ErrRevoked, card.ErrExpired, card.ErrUnknown, card.ErrUnchecked} {
		if errors.Is(err, other) && !errors.Is(cause, other) {
			t.Errorf("the cause %v is %v too", err, other)
		}
	}
}

// recheck asks whether the session still holds.
func (d *door) recheck(ctx context.Context, who identity.Assertion) error {
	d.t.Helper()
	err := d.p.Recheck(ctx, who.Session)
	if err != nil {
		silent(d.t, "the refusal", err.Error())
	}
	return err
}
