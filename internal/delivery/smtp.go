package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/wneessen/go-mail"
)

// TLS is how the way to the mail server is protected.
type TLS string

// The ways.
const (
	StartTLS TLS = "starttls" // a plain connection that must become a protected one
	Direct   TLS = "tls"      // protected from the first byte
	None     TLS = "none"     // only to this machine itself
)

// SMTP hands mails to a mail server.
type SMTP struct {
	Host     string
	Port     int
	User     string // "" when the server asks for no password
	Password string
	TLS      TLS            // StartTLS when ""
	HELO     string         // how the hub calls itself; the machine's name when ""
	Roots    *x509.CertPool // whom to trust; the machine's own list when nil
}

// sendTimeout is how long the mail server may be silent.
const sendTimeout = 30 * time.Second

// Check tells what is wrong with the settings.
func (s SMTP) Check() error {
	var errs []error
	if s.Host == "" {
		errs = append(errs, errors.New("the mail server has no name"))
	}
	if s.Port < 1 || s.Port > 65535 {
		errs = append(errs, fmt.Errorf("the mail server's port %d does not exist", s.Port))
	}
	switch s.TLS {
	case "", StartTLS, Direct:
	case None:
		if !loopback(s.Host) {
			errs = append(errs, errors.New("mail without TLS goes only to a server on this machine: use starttls or tls"))
		}
	default:
		errs = append(errs, fmt.Errorf("the mail server's TLS is %q: use starttls, tls or none", s.TLS))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send hands a mail to the server. When the server refuses the recipient or
// the mail for good, the error is a *Refused; when it does not answer, is
// busy or refuses the hub itself, it is not: that passes, or somebody mends it.
func (s SMTP) Send(ctx context.Context, m Mail) error {
	if err := s.Check(); err != nil {
		return err
	}
	msg, err := message(m)
	if err != nil {
		return &Refused{err}
	}
	client, err := mail.NewClient(s.Host, s.options()...)
	if err != nil {
		return fmt.Errorf("set up the way to the mail server: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // a server that hangs up after its yes has the mail
		return nil
	}
	if e, ok := errors.AsType[*mail.SendError](err); ok && e.ErrorCode() >= 500 && (e.Reason == mail.ErrSMTPRcptTo || e.Reason == mail.ErrSMTPDataClose) {
		return &Refused{err}
	}
	return fmt.Errorf("the mail server did not take the mail: %w", err)
}

func (s SMTP) options() []mail.Option {
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(sendTimeout),
		mail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch s.TLS {
	case Direct:
		options = append(options, mail.WithSSL())
	case None:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.HELO != "" {
		options = append(options, mail.WithHELO(s.HELO))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return options
}

// message puts a mail in the form of RFC 5322.
func message(m Mail) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(m.From); err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, errors.New("the recipient's address is no e-mail address")
	}
	msg.SetMessageIDWithValue(m.MessageID())
	msg.SetDateWithValue(m.At)
	msg.Subject(line(m.Subject, 300))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: answering machines keep silent
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("Content-Language", string(m.Lang))
	msg.SetBodyString(mail.TypeTextPlain, m.Body)
	return msg, nil
}
