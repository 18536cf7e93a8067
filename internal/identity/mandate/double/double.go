// Package double stands in for the server of Suomi.fi-valtuudet, which exists
// nowhere else: in tests, and beside the demo, so that acting for a company can
// be tried.
//
// It follows the documented wire format and is strict where that is: it verifies
// the checksum of every call over the bytes of its path, and the time in it to
// five minutes; a code is traded once; a token is over after ten minutes; errors
// bear their header and body. It shares no code with the client (package
// mandate), so that neither can hide the other's mistake. Where no public
// document says what the real server does, the comments say so, and the choice
// is the stricter one.
//
// All people and companies in it are invented, by whoever makes it: see Register.
package double

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Config is what a service and Valtuudet agree on when the service joins.
type Config struct {
	ClientID      string
	APIKey        string
	OAuthPassword string
	RESTKey       string   // "" for no REST API
	Redirects     []string // the addresses the browser may go back to
	ServiceUUID   string   // the audience of signed answers

	// Shows is which organisation an officer sees: the granting body, for which
	// the authority acts, or the authority. What the real one shows is not settled.
	Shows Shows

	// Key signs; default a new one, made when it is needed first.
	Key *rsa.PrivateKey
	// Now tells the time; default time.Now.
	Now func() time.Time
	// Random makes ids; default crypto/rand.
	Random io.Reader
}

// Shows is an organisation of a chain person → authority → granting body.
type Shows string

// The organisations that may be shown.
const (
	Principal Shows = "principal" // the granting body; the default
	Authority Shows = "authority"
)

// Switches make the double behave like a bad day.
type Switches struct {
	Down       bool // 503 to everybody
	Expired    bool // 401 to every call within a session
	Cancel     bool // the person cancels at once
	Incomplete bool // registers cannot be read: no roles, complete=false
	NoRefresh  bool // refresh tokens are not taken
}

// A Double is the server. It is an http.Handler; Start gives it an address.
type Double struct {
	Config
	*Register
	mux *http.ServeMux
	key func() *rsa.PrivateKey
	ids sync.Mutex // guards Random

	mu       sync.Mutex
	switches Switches
	sessions map[string]*session // by id
	codes    map[string]code
	tokens   map[string]token    // by access token
	refresh  map[string]*session // by refresh token
	transfer map[string]*session // by token of a transfer
	marks    string              // keys the choices of the page
}

// Lives of what the double gives out. That of a session is not settled.
const (
	sessionLife = time.Hour
	codeLife    = 5 * time.Minute
	tokenLife   = 10 * time.Minute
	skew        = 5 * time.Minute
)

// New makes a double with a register of invented people.
func New(c Config, r *Register) (*Double, error) {
	if c.ClientID == "" || c.APIKey == "" || c.OAuthPassword == "" || len(c.Redirects) == 0 {
		return nil, errors.New("the double of Valtuudet needs a client id, an API key, a password and a redirect address")
	}
	c.Shows = cmp.Or(c.Shows, Principal)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	d := &Double{
		Config: c, Register: r, mux: http.NewServeMux(),
		sessions: map[string]*session{}, codes: map[string]code{}, tokens: map[string]token{}, refresh: map[string]*session{}, transfer: map[string]*session{},
	}
	d.key = sync.OnceValue(func() *rsa.PrivateKey {
		if c.Key != nil {
			return c.Key
		}
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // of this size it is always made
		}
		return key
	})
	d.marks = d.newID()
	d.routes()
	return d, nil
}

// Switch changes the switches while the double runs.
func (d *Double) Switch(change func(*Switches)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.switches)
}

func (d *Double) on() Switches {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.switches
}

// PublicKey is the key of signed answers, in PEM.
func (d *Double) PublicKey() string {
	der, err := x509.MarshalPKIXPublicKey(&d.key().PublicKey)
	if err != nil {
		panic(err) // an RSA key always has a form
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// ServeHTTP answers.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if d.on().Down {
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	d.mux.ServeHTTP(w, r)
}

func (d *Double) newID() string {
	d.ids.Lock()
	defer d.ids.Unlock()
	id, err := uuid.NewRandomFromReader(d.Random)
	if err != nil {
		panic(fmt.Errorf("the double's source of randomness: %w", err))
	}
	return id.String()
}

// A Server is a double with an address.
type Server struct {
	URL  string
	http *http.Server
	done chan struct{}
}

// Start serves a handler on loopback, such as 127.0.0.1:8121, or port 0 for any.
func Start(listen string, h http.Handler) (*Server, error) {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("the double of Valtuudet answers on loopback only: anybody is anybody there")
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("start the double of Valtuudet: %w", err)
	}
	s := &Server{
		URL: "http://" + l.Addr().String(), done: make(chan struct{}),
		// Its own log might hold the addresses of calls.
		http: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)},
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // ends with ErrServerClosed
	}()
	return s, nil
}

// Close ends the server, and waits until it has.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}

// allows tells whether the browser may go back to the address.
func (d *Double) allows(redirect string) bool { return slices.Contains(d.Redirects, redirect) }
