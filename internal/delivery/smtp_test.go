package delivery_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"luvat/internal/delivery"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
	"luvat/internal/testkit/smtpsink"
)

var _ delivery.Mailer = delivery.SMTP{}

// to returns the settings for a server of the test.
func to(s *smtpsink.Server) delivery.SMTP {
	return delivery.SMTP{Host: s.Host, Port: s.Port, TLS: delivery.StartTLS, HELO: "hub.example", Roots: s.Roots}
}

var letter = delivery.Mail{
	Key: "k", At: testkit.Start, From: from, To: "kirjaamo@virasto.example", Lang: i18n.FI,
	Subject: "[Kesäkonsertti] A2027-1001 Tampere: uusi asia on saapunut", Body: "Hei\n\nTäällä on ääkkösiä.\n.\nhttps://luvat.example/officer/matters/0190\n",
}

func TestAMailOverSMTP(t *testing.T) {
	s := smtpsink.Start(t)
	s.RequirePassword("hub", "avain")
	way := to(s)
	if err := way.Send(t.Context(), letter); err == nil {
		t.Error("a server that wants a password took a mail without it")
	}
	way.User, way.Password = "hub", "avain"
	if err := way.Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	got := s.Messages()
	if len(got) != 1 || !got[0].TLS || got[0].User != "hub" || got[0].From != "ei-vastausta@luvat.example" || strings.TrimRight(got[0].Body(), "\n") != strings.TrimRight(letter.Body, "\n") {
		t.Fatalf("the server got %+v", got)
	}
	m, err := mail.ReadMessage(strings.NewReader(got[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != letter.Subject {
		t.Errorf("subject %q, %v; want %q", subject, err, letter.Subject)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "Content-Language": "fi", "Message-Id": "<" + letter.MessageID() + ">",
		"Date": letter.At.Format(time.RFC1123Z), "To": "<kirjaamo@virasto.example>", "Content-Type": "text/plain; charset=UTF-8",
	} {
		if h := m.Header.Get(name); h != want {
			t.Errorf("%s: %q; want %q", name, h, want)
		}
	}
	if !strings.HasSuffix(letter.MessageID(), "@luvat.example") {
		t.Errorf("message id %s", letter.MessageID())
	}
}

func TestAHeaderInAProjectsNameStaysInTheSubject(t *testing.T) {
	s := smtpsink.Start(t)
	bad := letter
	bad.Subject = "[Konsertti\r\nBcc: x@example.fi\r\n\r\nOsta] A2027-1001"
	if err := to(s).Send(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(strings.NewReader(s.Messages()[0].Data))
	if err != nil || m.Header.Get("Bcc") != "" || m.Header.Get("To") != "<"+letter.To+">" || !strings.Contains(m.Header.Get("Subject"), "Bcc: x@example.fi Osta") {
		t.Errorf("%v, headers %v", err, m.Header)
	}
	for _, address := range []string{"a@b.example\r\nBcc: x@example.fi", "a@b.example, c@d.example", "not an address", ""} {
		bad := letter
		bad.To = address
		if _, refused := errors.AsType[*delivery.Refused](to(s).Send(t.Context(), bad)); !refused {
			t.Errorf("a mail to %q was not refused", address)
		}
	}
	if n := s.Tries(); n != 1 {
		t.Errorf("the server saw %d mails; want 1", n)
	}
}

func TestHowAMailServersNoIsUnderstood(t *testing.T) {
	s := smtpsink.Start(t)
	s.Refuse("full@virasto.example", 452)
	s.Refuse("nobody@virasto.example", 550)
	for _, tt := range []struct {
		name, to  string
		code      int // of the mail itself
		ok, lasts bool
	}{
		{"yes", letter.To, 0, true, false},
		{"the recipient's box is full", "full@virasto.example", 0, false, false},
		{"there is no such recipient", "nobody@virasto.example", 0, false, true},
		{"not now", letter.To, 451, false, false},
		{"never this mail", letter.To, 554, false, true},
	} {
		if tt.code != 0 {
			s.FailNext(tt.code, 1)
		}
		m := letter
		m.To = tt.to
		err := to(s).Send(t.Context(), m)
		_, refused := errors.AsType[*delivery.Refused](err)
		if (err == nil) != tt.ok || refused != tt.lasts {
			t.Errorf("%s: %v, for good: %v", tt.name, err, refused)
		}
	}
}

// TestAMailServerThatIsDown takes a mail from a deed to a server that is not
// there, is busy, and then takes it: once.
func TestAMailServerThatIsDown(t *testing.T) {
	s := smtpsink.Start(t)
	b := newBench(t)
	b.sendWith(to(s))
	_, ids := b.start("Kesäkonsertti", "rescue-temp-lodging", "muni-sewer")
	b.send(ids[0])
	b.work()
	if n := len(s.Messages()); n != 1 {
		t.Fatalf("the server got %d mails; want the first", n)
	}
	s.Stop()
	b.send(ids[1])
	b.work()
	if st := b.stuck(); len(st) != 1 || st[0].State != "waiting" {
		t.Fatalf("stuck %+v; want one job that waits", st)
	}
	s.Restart()
	s.FailNext(421, 1)
	for range 5 {
		b.clock.Move(time.Hour)
		b.work()
	}
	got := s.Messages()
	if len(got) != 2 || got[0].Header("Message-Id") == got[1].Header("Message-Id") || s.Tries() != 3 {
		t.Errorf("the server got %d mails in %d tries; want the second at the third", len(got), s.Tries())
	}
	if st := b.stuck(); len(st) != 0 {
		t.Errorf("stuck %+v", st)
	}
}

func TestARefusedMailIsSeenAndCanBeSentAgain(t *testing.T) {
	s := smtpsink.Start(t)
	s.Refuse("rescue-temp-lodging@virasto.example", 550)
	b := newBench(t)
	b.sendWith(to(s))
	_, ids := b.start("Kesäkonsertti", "rescue-temp-lodging")
	b.send(ids[0])
	b.work()
	st := b.stuck()
	if len(st) != 1 || st[0].State != "dead" || !strings.Contains(st[0].Error, "550") {
		t.Fatalf("stuck %+v; want one dead job that says why", st)
	}
	b.must(b.DB.InTx(t.Context(), mended))
	b.must(b.retry(st[0].ID))
	b.work()
	if got := s.Messages(); len(got) != 1 || got[0].To[0] != "uusi@virasto.example" {
		t.Errorf("after the address was mended the server got %+v", got)
	}
}

// A plainServer is what smtpsink is not: without STARTTLS, or protected from
// the first byte, or one that hangs up after its yes.
type plainServer struct {
	port   int
	roots  *x509.CertPool
	hangUp bool
	took   atomic.Int64
}

type plainSession struct {
	s    *plainServer
	conn net.Conn
	yes  bool
}

func (s *plainSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *plainSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *plainSession) Logout() error                        { return nil }

func (s *plainSession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.s.took.Add(1)
	s.yes = true
	return err
}

func (s *plainSession) Reset() {
	if s.yes && s.s.hangUp {
		_ = s.conn.Close()
	}
}

func plain(t *testing.T, s *plainServer, protected bool) *plainServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if protected {
		certified := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
		defer certified.Close()
		s.roots = x509.NewCertPool()
		s.roots.AddCert(certified.Certificate())
		l = tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates})
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &plainSession{s: s, conn: c.Conn()}, nil }))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		_ = l.Close()
		_ = srv.Close()
		<-done
	})
	return s
}

func (s *plainServer) way(tls delivery.TLS) delivery.SMTP {
	return delivery.SMTP{Host: "127.0.0.1", Port: s.port, TLS: tls, Roots: s.roots}
}

func TestAServerThatHangsUpAfterItsYesHasTheMail(t *testing.T) {
	s := plain(t, &plainServer{hangUp: true}, false)
	if err := s.way(delivery.None).Send(t.Context(), letter); err != nil || s.took.Load() != 1 {
		t.Errorf("%v with %d mails taken; want it to count as sent", err, s.took.Load())
	}
}

func TestNoMailGoesUnprotected(t *testing.T) {
	s := plain(t, &plainServer{}, false)
	if err := s.way(delivery.StartTLS).Send(t.Context(), letter); err == nil || s.took.Load() != 0 {
		t.Error("a server without STARTTLS got a mail")
	}
	strange := smtpsink.Start(t)
	way := to(strange)
	way.Roots = nil
	if err := way.Send(t.Context(), letter); err == nil || strange.Tries() != 0 {
		t.Error("a server that nobody vouches for got a mail")
	}
	for _, s := range []delivery.SMTP{{Host: "mx.example", Port: 25, TLS: delivery.None}, {Host: "mx.example", Port: 25, TLS: "ssl"}, {Port: 25}, {Host: "mx.example"}} {
		if s.Check() == nil {
			t.Errorf("settings %+v were accepted", s)
		}
	}
}

func TestAWayThatIsProtectedFromTheFirstByte(t *testing.T) {
	s := plain(t, &plainServer{}, true)
	if err := s.way(delivery.Direct).Send(t.Context(), letter); err != nil || s.took.Load() != 1 {
		t.Errorf("%v, %d mails", err, s.took.Load())
	}
}

func TestSendingEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := smtpsink.Start(t)
	if err := to(s).Send(ctx, letter); err == nil || s.Tries() != 0 {
		t.Errorf("%v, %d tries", err, s.Tries())
	}
}
