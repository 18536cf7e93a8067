// Package smtpsink is a real mail server for tests: it takes mail over the
// wire, with STARTTLS and passwords, keeps it, and fails when it is told to.
package smtpsink

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A Message is a mail that the server has taken.
type Message struct {
	From string   // of the envelope
	To   []string // of the envelope
	Data string   // as it came
	TLS  bool     // whether the way was protected
	User string   // who handed it in, "" without a password
}

// Header returns a decoded header field, "" when there is none.
func (m Message) Header(name string) string {
	parsed, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		return ""
	}
	value := parsed.Header.Get(name)
	if decoded, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		return decoded
	}
	return value
}

// Body returns the decoded text of a mail that has one part.
func (m Message) Body() string {
	parsed, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		return ""
	}
	body := parsed.Body
	switch strings.ToLower(parsed.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// A Server takes mail on a port of this machine.
type Server struct {
	Addr  string // host:port; it stays the same over Stop and Restart
	Host  string
	Port  int
	Roots *x509.CertPool // trusts the server's certificate

	t    testing.TB
	cert tls.Certificate

	mu        sync.Mutex
	server    *smtp.Server // nil when stopped
	listener  net.Listener
	done      chan struct{}
	messages  []Message
	tries     int
	code      int // what the next fails mails get
	fails     int
	refused   map[string]int
	user, key string
}

// Start starts a server that takes everything. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer certified.Close()
	s := &Server{t: t, cert: certified.TLS.Certificates[0], Roots: x509.NewCertPool(), refused: map[string]int{}}
	s.Roots.AddCert(certified.Certificate())

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start the mail server: %v", err)
	}
	address := l.Addr().(*net.TCPAddr)
	s.Addr, s.Host, s.Port = address.String(), address.IP.String(), address.Port
	s.serve(l)
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) serve(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	server.Domain = "post.example"
	server.ReadTimeout, server.WriteTimeout = 30*time.Second, 30*time.Second
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = true
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12}
	server.ErrorLog = log.New(io.Discard, "", 0)
	done := make(chan struct{})
	s.server, s.done, s.listener = server, done, l
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Stop
	}()
}

// Stop ends the server and hangs up on everybody.
func (s *Server) Stop() {
	s.mu.Lock()
	server, done, listener := s.server, s.done, s.listener
	s.server = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()   // of what is open now nothing is needed
		_ = listener.Close() // the server does not know it yet when it is stopped at once
		<-done
	}
}

// Restart starts a stopped server again, on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		s.t.Fatalf("start the mail server again: %v", err)
	}
	s.serve(l)
}

// FailNext lets the next n mails fail with this code, when they are handed
// over: 451 passes, 550 does not.
func (s *Server) FailNext(code, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.fails = code, n
}

// Refuse lets every mail to this address fail with this code.
func (s *Server) Refuse(address string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[strings.ToLower(address)] = code
}

// RequirePassword lets nobody hand in mail without it.
func (s *Server) RequirePassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.key = user, password
}

// Messages returns the mails taken so far, in the order in which they came.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Tries tells how many mails were handed over, taken or not.
func (s *Server) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

type session struct {
	server *Server
	conn   *smtp.Conn
	user   string
	now    Message
}

func (s *session) Reset() { s.now = Message{} }

func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		if s.server.user != "" && (user != s.server.user || password != s.server.key) {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.user != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.now.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if code, ok := s.server.refused[strings.ToLower(to)]; ok {
		return failure(code, "no such person here")
	}
	s.now.To = append(s.now.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	var data bytes.Buffer
	if _, err := data.ReadFrom(r); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.tries++
	if s.server.fails > 0 {
		s.server.fails--
		return failure(s.server.code, "told to fail")
	}
	m := s.now
	m.To = slices.Clone(m.To)
	m.Data, m.User = data.String(), s.user
	_, m.TLS = s.conn.TLSConnectionState()
	s.server.messages = append(s.server.messages, m)
	return nil
}

func failure(code int, text string) error {
	if code < 400 || code > 599 {
		return fmt.Errorf("no code of failure: %d", code)
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 3, 0}, Message: text}
}
