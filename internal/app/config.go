// Package app puts the hub together: configuration, wiring, start and stop. It
// is the only package that knows all others.
package app

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Config is all that can be set. It is read once, from the environment; the
// zero Config is not valid, use ReadConfig or DemoConfig.
type Config struct {
	// Listen is where the hub answers: LUVAT_LISTEN, default 127.0.0.1:8080.
	Listen string
	// BaseURL is how people reach the hub, for links in mails and secure
	// cookies: LUVAT_BASE_URL, needed.
	BaseURL string
	// DatabaseURL is postgres://… or sqlite:<file>: LUVAT_DATABASE_URL, needed.
	DatabaseURL string
	// Attachments is the folder of the attachments: LUVAT_ATTACHMENTS, needed.
	Attachments string
	// MailFrom is the sender of notices: LUVAT_MAIL_FROM, needed.
	MailFrom string
	// SMTP is the mail server: LUVAT_SMTP_HOST (needed), LUVAT_SMTP_PORT (587),
	// LUVAT_SMTP_USER, LUVAT_SMTP_PASSWORD, LUVAT_SMTP_TLS (starttls, tls or,
	// for loopback only, none).
	SMTPHost, SMTPUser, SMTPPassword, SMTPTLS string
	SMTPPort                                  int
	// Clamd is the address of the malware scanner, host:port or unix:<path>:
	// LUVAT_CLAMD, default none: attachments are not scanned, and the start
	// says so.
	Clamd string

	// Proxies are the networks whose X-Forwarded-For is believed, so that rate
	// limits see people and not the proxy: LUVAT_TRUSTED_PROXIES, such as
	// "127.0.0.1/32, 10.0.0.0/8"; default none.
	Proxies []netip.Prefix

	// SignIn says how people sign in, read from the file LUVAT_SIGN_IN; nil
	// when it is not set: then nobody can.
	SignIn *signIn

	// Keys is the file of the keys that seal and find identifiers, as the file
	// LUVAT_SIGN_IN names it; "" when that is not set.
	Keys string

	// Demo makes demo identities, demo content and the mailbox page. Never
	// from the environment: only the command demo sets it.
	Demo bool
}

// variables are those that the hub reads, besides LUVAT_TEST_… of the tests.
var variables = []string{
	"LUVAT_ATTACHMENTS", "LUVAT_BASE_URL", "LUVAT_CLAMD", "LUVAT_DATABASE_URL", "LUVAT_DEMO", "LUVAT_LISTEN", "LUVAT_MAIL_FROM", "LUVAT_SIGN_IN",
	"LUVAT_SMTP_HOST", "LUVAT_SMTP_PASSWORD", "LUVAT_SMTP_PORT", "LUVAT_SMTP_TLS", "LUVAT_SMTP_USER", "LUVAT_TRUSTED_PROXIES",
}

// Misspelt tells of every LUVAT_ variable of an environment (NAME=value) that the
// hub does not read: it would do nothing, in silence.
func Misspelt(environ []string) error {
	var errs []error
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "LUVAT_") && !strings.HasPrefix(name, "LUVAT_TEST_") && !slices.Contains(variables, name) {
			errs = append(errs, fmt.Errorf("%s: is read by nobody: correct its name, or take it away; there are %s", name, strings.Join(variables, ", ")))
		}
	}
	return errors.Join(errs...)
}

// ReadConfig reads the configuration and tells every mistake at once, each by
// the name of its variable and with the cure.
func ReadConfig(getenv func(string) string) (Config, error) {
	var errs []error
	bad := func(name, what string) { errs = append(errs, fmt.Errorf("%s: %s", name, what)) }
	need := func(name, cure string) string {
		v := strings.TrimSpace(getenv(name))
		if v == "" {
			bad(name, "is not set: "+cure)
		}
		return v
	}
	c := Config{
		Listen:       cmp.Or(getenv("LUVAT_LISTEN"), "127.0.0.1:8080"),
		BaseURL:      need("LUVAT_BASE_URL", "write the address people reach the hub at, such as https://luvat.example.fi"),
		DatabaseURL:  need("LUVAT_DATABASE_URL", "write postgres://user:password@host:5432/name or sqlite:/path/to/hub.db"),
		Attachments:  need("LUVAT_ATTACHMENTS", "write the folder in which attachments are kept"),
		MailFrom:     need("LUVAT_MAIL_FROM", "write the address notices come from"),
		SMTPHost:     need("LUVAT_SMTP_HOST", "write the mail server's name"),
		SMTPUser:     getenv("LUVAT_SMTP_USER"),
		SMTPPassword: getenv("LUVAT_SMTP_PASSWORD"),
		SMTPTLS:      cmp.Or(getenv("LUVAT_SMTP_TLS"), "starttls"),
		Clamd:        getenv("LUVAT_CLAMD"),
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("LUVAT_LISTEN", "must be host:port, such as 127.0.0.1:8080")
	}
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && !loopback(u.Hostname())) || strings.TrimSuffix(u.Path, "/") != "") {
		bad("LUVAT_BASE_URL", "must be https://host without a path (http only on loopback)")
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "sqlite:") && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		bad("LUVAT_DATABASE_URL", "must begin with postgres:// or sqlite:")
	}
	if c.Attachments != "" {
		if st, err := os.Stat(c.Attachments); err == nil && !st.IsDir() {
			bad("LUVAT_ATTACHMENTS", "is not a folder")
		}
	}
	if c.Clamd != "" && !reachable(c.Clamd) {
		bad("LUVAT_CLAMD", "must be host:port, such as 127.0.0.1:3310, or unix:/path/to/clamd.ctl")
	}
	for _, p := range strings.FieldsFunc(getenv("LUVAT_TRUSTED_PROXIES"), func(r rune) bool { return r == ',' || r == ' ' }) {
		network, err := netip.ParsePrefix(p)
		if err != nil {
			bad("LUVAT_TRUSTED_PROXIES", fmt.Sprintf("%q is not a network such as 127.0.0.1/32", p))
		}
		c.Proxies = append(c.Proxies, network)
	}
	if c.MailFrom != "" {
		if _, err := mail.ParseAddress(c.MailFrom); err != nil {
			bad("LUVAT_MAIL_FROM", "is not an e-mail address")
		}
	}
	port, err := strconv.Atoi(cmp.Or(getenv("LUVAT_SMTP_PORT"), "587"))
	if err != nil || port < 1 || port > 65535 {
		bad("LUVAT_SMTP_PORT", "must be a number from 1 to 65535")
	}
	c.SMTPPort = port
	switch c.SMTPTLS {
	case "starttls", "tls":
	case "none":
		if !loopback(c.SMTPHost) {
			bad("LUVAT_SMTP_TLS", "none is for a mail server on loopback only")
		}
	default:
		bad("LUVAT_SMTP_TLS", "must be starttls, tls or none")
	}
	if file := getenv("LUVAT_SIGN_IN"); file != "" {
		s, err := readSignIn(file)
		if err != nil {
			errs = append(errs, err)
		}
		c.SignIn, c.Keys = &s, s.Keys
	}
	if getenv("LUVAT_DEMO") != "" {
		bad("LUVAT_DEMO", "is not for serve: demo identities are there with the command demo, on loopback")
	}
	return c, errors.Join(errs...)
}

// KeysOf returns the file of keys that a file LUVAT_SIGN_IN names, "" for no file:
// for commands that look at a hub's data.
func KeysOf(signInFile string) (string, error) {
	if signInFile == "" {
		return "", nil
	}
	s, err := readSignIn(signInFile)
	return s.Keys, err
}

// reachable tells whether attach.Clamd can call the address.
func reachable(clamd string) bool {
	if strings.HasPrefix(clamd, "unix:/") {
		return true
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(clamd, "tcp://"))
	if err != nil || host == "" {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// loopback tells whether the host is this machine only.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// DemoConfig is the configuration of the demo in a data folder. It refuses to
// listen on anything but loopback: anybody may sign in as anybody there.
func DemoConfig(data, listen string) (Config, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return Config{}, errors.New("--listen: must be host:port, such as 127.0.0.1:8080")
	}
	if !loopback(host) {
		return Config{}, errors.New("--listen: the demo answers on loopback only (127.0.0.1, ::1 or localhost), because anybody may sign in as anybody there")
	}
	return Config{
		Listen: listen, BaseURL: "http://" + net.JoinHostPort(host, port), DatabaseURL: "sqlite:" + dataFile(data, "hub.db"),
		Attachments: dataFile(data, "attachments"), MailFrom: "noreply@luvat.example", Keys: dataFile(data, "keys"), Demo: true,
	}, nil
}
