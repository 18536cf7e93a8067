package smtpsink_test

import (
	"crypto/tls"
	"errors"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"

	"luvat/internal/testkit/smtpsink"
)

const letter = "From: hub@luvat.example\r\nTo: maija@example.fi\r\nSubject: =?utf-8?q?Uusi_p=C3=A4=C3=A4t=C3=B6s?=\r\n" +
	"Content-Transfer-Encoding: quoted-printable\r\n\r\nHyv=C3=A4 Maija\r\n"

// send hands in the letter, over a protected way, with a password if there is one.
func send(s *smtpsink.Server, to string, password ...string) error {
	c, err := smtp.Dial(s.Addr)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // what counts was answered before
	if err := c.StartTLS(&tls.Config{ServerName: s.Host, RootCAs: s.Roots}); err != nil {
		return err
	}
	for _, p := range password {
		if err := c.Auth(smtp.PlainAuth("", "hub", p, s.Host)); err != nil {
			return err
		}
	}
	if err := c.Mail("hub@luvat.example"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(letter)); err != nil {
		return err
	}
	return w.Close()
}

// code is the code that the server answered with: 0 for taken, -1 for none.
func code(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestMailIsKept(t *testing.T) {
	s := smtpsink.Start(t)
	if err := send(s, "maija@example.fi"); err != nil {
		t.Fatal(err)
	}
	all := s.Messages()
	if len(all) != 1 {
		t.Fatalf("%d mails came, want 1", len(all))
	}
	m := all[0]
	if m.From != "hub@luvat.example" || strings.Join(m.To, ",") != "maija@example.fi" || !m.TLS {
		t.Errorf("the envelope is %s to %v, protected: %v", m.From, m.To, m.TLS)
	}
	if m.Header("Subject") != "Uusi päätös" || m.Body() != "Hyvä Maija\n" {
		t.Errorf("subject %q, body %q", m.Header("Subject"), m.Body())
	}
}

func TestTheServerFailsWhenTold(t *testing.T) {
	s := smtpsink.Start(t)
	s.FailNext(451, 2)
	for _, want := range []int{451, 451, 0} {
		if err := send(s, "maija@example.fi"); code(err) != want {
			t.Errorf("answer %v, want %d", err, want)
		}
	}
	s.Refuse("Nobody@example.fi", 550)
	if err := send(s, "nobody@example.fi"); code(err) != 550 {
		t.Errorf("answer %v, want 550", err)
	}
	if len(s.Messages()) != 1 || s.Tries() != 3 {
		t.Errorf("%d mails in %d tries, want 1 in 3", len(s.Messages()), s.Tries())
	}
}

func TestStopAndRestart(t *testing.T) {
	s := smtpsink.Start(t)
	address := s.Addr
	s.Stop()
	s.Stop()
	if err := send(s, "maija@example.fi"); err == nil {
		t.Error("a stopped server takes mail")
	}
	s.Restart()
	if err := send(s, "maija@example.fi"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if s.Addr != address || len(s.Messages()) != 1 {
		t.Errorf("on %s, before on %s, with %d mails", s.Addr, address, len(s.Messages()))
	}
}

func TestPassword(t *testing.T) {
	s := smtpsink.Start(t)
	s.RequirePassword("hub", "salaisuus")
	if err := send(s, "maija@example.fi"); code(err) != 502 {
		t.Error("mail was taken without the password")
	}
	for password, want := range map[string]int{"väärä": 535, "salaisuus": 0} {
		if err := send(s, "maija@example.fi", password); code(err) != want {
			t.Errorf("with %q: %v, want %d", password, err, want)
		}
	}
}
