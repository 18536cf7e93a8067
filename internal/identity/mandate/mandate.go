// Package mandate asks Suomi.fi-valtuudet (Suomi.fi e-Authorizations) whether a
// person may act for another: for a company, for a person, or for an authority.
//
// Nobody is led there unasked: a person chooses in the hub to act for another,
// picks at Valtuudet for whom, and comes back. Then Valtuudet is asked what the
// person may, and asked again while the person acts:
//
//	Flow.Begin ──► register ──► the browser goes to Valtuudet, and chooses
//	Flow.Finish ◄─ callback;  token, roles or authorization ──► Granted
//	Flow.Refresh   the same questions again ──► still, ended, unknown or lapsed
//	Flow.End       unregister
//
// A Client speaks the wire (the Web API and the REST authorisation API); a Flow
// says what the answers mean for the hub. Neither keeps anything: what the halves
// of a flow must know of each other is in a memo, sealed, that the caller keeps.
//
// Personal identity codes stand in the paths of the calls. So no address of a
// call, and no word of an answer, is ever in an error, a log or a trace: see
// Client. Facts that no public document settles are configuration, and marked
// "not settled" where they are used.
package mandate

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"luvat/internal/identity/pic"
)

// Addresses of Valtuudet.
const (
	Production = "https://asiointivaltuustarkastus.suomi.fi"
	Test       = "https://asiointivaltuustarkastus.test.suomi.fi"
)

// Shows says which organisation Valtuudet shows to an officer with the matter
// (valtuusasia) of the hub. It is not settled; the agreement with DVV tells.
type Shows string

// The organisations that may be shown.
const (
	ShowsPrincipal Shows = "principal" // the granting body, for which the authority acts
	ShowsAuthority Shows = "authority" // the authority that the officer represents
)

// Config is what DVV gives when the hub joins Valtuudet, and what the hub decides.
type Config struct {
	// BaseURL is where Valtuudet answers: Production, Test, or a stand-in.
	BaseURL string
	// ClientID names the hub: eight letters and digits.
	ClientID string
	// APIKey is the key of the checksums, as it was given: it is not decoded.
	APIKey string
	// OAuthPassword is the hub's password when it asks for a token.
	OAuthPassword string
	// RedirectURL is where the browser comes back to, as registered at DVV.
	RedirectURL string

	// RESTKey is the key of the REST authorisation API, which answers without
	// pages and sessions and for persons only; "" when the hub has none. With it
	// acting for a person can be checked for as long as the hub's own session.
	RESTKey string
	// RESTUser is whom the REST API logs as asking; default "luvat".
	RESTUser string

	// Signed asks for signed answers (JWT) wherever there are any. It needs
	// ServiceUUID, the hub's UUID at Valtuudet, and SignerKeys, the RSA keys of
	// Valtuudet: PEM blocks, or a line of base64 each, as DVV gives them. During
	// a roll-over both keys stand there.
	Signed      bool
	ServiceUUID string
	SignerKeys  string

	// CustomerRoles are the roles of the registers that give the right to act
	// for a company; default TJ (managing director), ELI (sole trader) and NIMKO
	// (right to sign alone).
	CustomerRoles []string
	// CustomerMatters are the matters (valtuusasia), as URIs, whose mandate gives
	// the right to act for a company or a person. With none, only the roles of
	// the registers count for companies, and for persons what the rules say that
	// DVV has set for the hub.
	CustomerMatters []string

	// OfficerMatter is the matter of officers, "Lupa- ja valvonta-kokonaisuuksien
	// viranomaiskäsittely", as a URI: LV_MANDATE_URI. Its code is not settled.
	// Without it officers do not come in by mandates.
	OfficerMatter string
	// OfficerPrincipal is the business id of the granting body, which gives the
	// authorities their mandates: LV_MANDATE_PRINCIPAL_BUSINESS_ID.
	OfficerPrincipal string
	// OfficerShows says which organisation the answer names; default principal.
	OfficerShows Shows

	// Timeout is how long a call may take; default ten seconds.
	Timeout time.Duration
	// Choosing is how long a person may take at Valtuudet; default half an hour.
	Choosing time.Duration

	// Vault seals the memos, which hold personal identity codes and tokens.
	Vault *pic.Vault
	// HTTP makes the calls; default a client of the standard library. Its
	// Transport must be a plain *http.Transport: one that traces or logs would
	// see the addresses. Redirects are never followed.
	HTTP *http.Client
	// Now tells the time; default time.Now.
	Now func() time.Time
	// NewID makes the ids of requests; default random UUIDs.
	NewID func() string
}

// String names the connection and shows no secret.
func (c Config) String() string { return "Valtuudet at " + c.BaseURL + " as " + c.ClientID }

// Format shows String, whatever the verb.
func (c Config) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(c.String())) }

var (
	clientID = regexp.MustCompile(`^[0-9A-Za-z]{8}$`)
	roleCode = regexp.MustCompile(`^[A-Z]{1,16}$`)
)

// settings is a Config that was checked.
type settings struct {
	Config
	principal pic.BusinessID
	signers   []*rsa.PublicKey
}

// check fills in the defaults and tells every mistake at once, each by its field
// and none with a secret.
func (c Config) check() (settings, error) {
	c.fill()
	s := settings{Config: c}
	var errs []error
	bad := func(field, what string) { errs = append(errs, fmt.Errorf("%s: %s", field, what)) }
	need := func(field, value string) {
		if value == "" {
			bad(field, "is not set")
		}
	}
	if u, err := url.Parse(c.BaseURL); err != nil || !safe(u) || u.Path != "" || u.RawQuery != "" || u.User != nil {
		bad("BaseURL", "must be https://host without a path (http only on loopback)")
	}
	if !clientID.MatchString(c.ClientID) {
		bad("ClientID", "must be eight letters and digits")
	}
	need("APIKey", c.APIKey)
	need("OAuthPassword", c.OAuthPassword)
	if u, err := url.Parse(c.RedirectURL); err != nil || !safe(u) || u.Fragment != "" {
		bad("RedirectURL", "must be the https address that is registered at DVV (http only on loopback)")
	}
	for _, r := range c.CustomerRoles {
		if !roleCode.MatchString(r) {
			bad("CustomerRoles", fmt.Sprintf("%q is not a role such as TJ", r))
		}
	}
	for _, m := range c.CustomerMatters {
		if !isMatter(m) {
			bad("CustomerMatters", fmt.Sprintf("%q is not a URI such as http://valtuusrekisteri.suomi.fi/…", m))
		}
	}
	s.checkOfficers(bad)
	s.checkSigners(bad)
	if c.Vault == nil {
		bad("Vault", "is not set")
	}
	if _, plain := c.HTTP.Transport.(*http.Transport); c.HTTP.Transport != nil && !plain {
		bad("HTTP", "must have a plain *http.Transport: any other could see the personal identity codes in the addresses")
	}
	return s, errors.Join(errs...)
}

func (c *Config) fill() {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.RESTUser == "" {
		c.RESTUser = "luvat"
	}
	if c.CustomerRoles == nil {
		c.CustomerRoles = []string{"TJ", "ELI", "NIMKO"}
	}
	if c.OfficerShows == "" {
		c.OfficerShows = ShowsPrincipal
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Choosing <= 0 {
		c.Choosing = 30 * time.Minute
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
}

func (s *settings) checkOfficers(bad func(field, what string)) {
	if s.OfficerMatter == "" && s.OfficerPrincipal == "" {
		return
	}
	if !isMatter(s.OfficerMatter) {
		bad("OfficerMatter", "must be the URI of the officers' matter, such as http://valtuusrekisteri.suomi.fi/…")
	}
	if slices.Contains(s.CustomerMatters, s.OfficerMatter) {
		bad("OfficerMatter", "is a matter of customers, too: an officer's mandate must not make an applicant")
	}
	id, err := pic.ParseBusinessID(s.OfficerPrincipal)
	if err != nil {
		bad("OfficerPrincipal", "must be the business id of the body that grants the mandates")
	}
	s.principal = id
	if s.OfficerShows != ShowsPrincipal && s.OfficerShows != ShowsAuthority {
		bad("OfficerShows", "must be principal or authority")
	}
}

func (s *settings) checkSigners(bad func(field, what string)) {
	if !s.Signed {
		return
	}
	if _, err := uuid.Parse(s.ServiceUUID); err != nil {
		bad("ServiceUUID", "must be the hub's UUID at Valtuudet")
	}
	keys, err := parseSigners(s.SignerKeys)
	if err != nil {
		bad("SignerKeys", err.Error())
	}
	s.signers = keys
}

// safe tells whether an address is https, or http on this machine.
func safe(u *url.URL) bool {
	if u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func isMatter(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(u.Path) > 1 && !strings.ContainsAny(s, " \t\r\n")
}
