package saml

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"luvat/internal/i18n"
)

// Config is one connection: the hub as one service at one national service. The
// presets SuomiFi, Virtu and Portti return what a connection of their kind has
// in common; what is marked "ours" below is still to be filled in.
type Config struct {
	// Name is the connection's name in the log, such as "suomifi". Ours.
	Name string

	// EntityID is what the hub is called there: a URL or URN of at most 1024
	// bytes, compared by case. Ours.
	EntityID string

	// ACS and SLO are the addresses of ours to which answers to a sign-in and
	// logout messages come; Discovery is where the discovery service sends the
	// browser back, "" without one. https, or http on loopback. Ours.
	ACS, SLO, Discovery string

	// Keys returns the keys, when the provider is made and at every Refresh.
	// KeyFiles makes one that reads files. Ours.
	Keys func() (Keys, error)

	// Source is where the metadata of the identity provider, or of the
	// federation, comes from. Ours.
	Source Source

	// Homes are the identity providers that are allowed. Others in the metadata
	// are as if they were not there. Ours.
	Homes []Home

	// DiscoveryService is the address of the page where the person chooses among
	// several identity providers, "" without one.
	DiscoveryService string

	// Levels are the levels and methods of authentication that are accepted
	// (AuthnContextClassRef). AnyLevel accepts all, for providers whose way of
	// authentication was agreed on otherwise. AskLevels asks for them in each
	// request too; Suomi.fi takes them from our metadata instead.
	Levels    []string
	AnyLevel  bool
	AskLevels bool

	// Ciphers are those that an encrypted assertion may use. All when empty.
	Ciphers []string

	// Encrypted refuses assertions that are not encrypted, and SignedResponse
	// responses that are not signed themselves. The assertion is signed always.
	Encrypted      bool
	SignedResponse bool

	// NameIDFormat is asked for and nothing else taken. Transient unless told.
	NameIDFormat string

	// Mapping says which attribute tells what; Attributes are those that our
	// metadata asks for.
	Mapping    Mapping
	Attributes []Attribute

	// SuomiFi adds what is peculiar to Suomi.fi-tunnistus; nil for others.
	SuomiFi *SuomiFiExtras

	// About is said of the hub in our metadata. Ours.
	About About

	// Skew is how far the provider's clock may be off: one minute unless told,
	// never more than three.
	Skew time.Duration

	// Patience is how long a sign-in may take from Begin to Finish. Half an hour
	// unless told.
	Patience time.Duration

	// RefreshEvery is how often the metadata is fetched, where its cacheDuration
	// does not ask for more; an hour unless told. MaxAge is how old it may grow
	// when it cannot be fetched, where its validUntil does not come first; a week
	// unless told.
	RefreshEvery time.Duration
	MaxAge       time.Duration

	// Replays remembers assertions until they are over. Ours.
	Replays Replays

	// The world outside: the clock, randomness (crypto/rand unless told), the
	// client that fetches metadata (needed with Source.URL) and the log.
	Now    func() time.Time
	Rand   io.Reader
	Client *http.Client
	Log    *slog.Logger
}

// Replays remembers what was used. Seen marks the id and tells whether it was
// marked before, in one step whatever number of nodes ask; it may forget the id
// after until. The id is a hash: it tells nothing of the person.
type Replays interface {
	Seen(ctx context.Context, id string, until time.Time) (bool, error)
}

// A Source is where metadata comes from: one of URL and File.
type Source struct {
	URL  string // https, or http on loopback
	File string // read anew at every Refresh

	// Signer is whom the metadata must be signed by.
	Signer Signer

	// Unsigned takes a File without a signature: whoever put it there has
	// compared it with what the provider said.
	Unsigned bool

	// Cache is a file that keeps what was fetched from URL last, so that a start
	// while that is down is possible; "" for none. What is in it is verified like
	// what is fetched.
	Cache string
}

// A Signer is whose signature on metadata counts.
type Signer struct {
	// Certificates are pinned: one of these, valid now.
	Certificates []*x509.Certificate

	// Roots are authorities that may vouch for the signer's certificate, whose
	// subject must have the common name Name: an authority has other customers.
	Roots *x509.CertPool
	Name  string
}

// A Home is an identity provider that is allowed.
type Home struct {
	EntityID string

	// Organisations are the home organisations for which it may speak, such as
	// "thl.fi", when the mapping reads one. Without any, those that the metadata
	// gives it (shibmd:Scope), and none when it gives none.
	Organisations []string
}

// About is what our metadata tells of the hub and of those who run it.
type About struct {
	Name        i18n.Text // of the service, as the provider shows it
	Description i18n.Text
	Privacy     i18n.Text // addresses of the privacy statement
	Logo        Logo

	Organisation     i18n.Text // its name
	OrganisationPage i18n.Text // its address
	Contacts         []Contact // a technical one at least
}

// A Logo is a picture that the provider may show.
type Logo struct {
	URL           string
	Width, Height int
}

// A Contact is whom the provider may call.
type Contact struct {
	Type                  string // technical, support, administrative, billing or other
	Company               string
	GivenName, FamilyName string
	Email, Phone          string
}

// Limits of the clocks' difference.
const (
	defaultSkew = time.Minute
	mostSkew    = 3 * time.Minute
)

// withDefaults returns the config with what was not told.
func (c Config) withDefaults() Config {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&c.Skew, defaultSkew)
	def(&c.Patience, 30*time.Minute)
	def(&c.RefreshEvery, time.Hour)
	def(&c.MaxAge, 7*24*time.Hour)
	if c.NameIDFormat == "" {
		c.NameIDFormat = Transient
	}
	if len(c.Ciphers) == 0 {
		c.Ciphers = append([]string{AES128CBC, AES256CBC}, GCM...)
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Check tells everything that is wrong with the configuration, at once.
func (c Config) Check() error {
	c = c.withDefaults()
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(c.Name == "" || strings.ContainsFunc(c.Name, unicode.IsSpace), "the connection needs a name of one word")
	bad(c.EntityID == "" || len(c.EntityID) > 1024, "the entity id must have 1 to 1024 bytes")
	bad(!reachable(c.ACS), "the ACS address %q must be https, or http on loopback", c.ACS)
	bad(!reachable(c.SLO), "the SLO address %q must be https, or http on loopback", c.SLO)
	bad(c.Discovery != "" && !reachable(c.Discovery), "the discovery address %q must be https, or http on loopback", c.Discovery)
	bad(c.DiscoveryService != "" && !reachable(c.DiscoveryService), "the discovery service %q must be https, or http on loopback", c.DiscoveryService)
	bad((c.DiscoveryService == "") != (c.Discovery == ""), "a discovery service and our address for it go together")
	bad(c.Keys == nil, "there are no keys")
	bad(len(c.Homes) == 0, "no identity provider is allowed")
	seen := map[string]bool{}
	for _, h := range c.Homes {
		bad(h.EntityID == "" || seen[h.EntityID], "the identity provider %q stands twice, or is empty", h.EntityID)
		seen[h.EntityID] = true
	}
	bad(len(c.Levels) == 0 && !c.AnyLevel, "no level of authentication is accepted: name some, or say that any is")
	bad(c.AnyLevel && (len(c.Levels) > 0 || c.AskLevels), "levels are named though any is accepted")
	bad(c.Skew < 0 || c.Skew > mostSkew, "the clocks may differ by %s at most, not %s", mostSkew, c.Skew)
	bad(c.Patience < time.Minute || c.RefreshEvery < time.Minute || c.MaxAge < c.RefreshEvery, "patience and refreshing need a minute at least, and metadata must live longer than it takes to refresh")
	bad(c.Replays == nil, "nothing remembers the assertions that were used")
	bad(c.Now == nil, "there is no clock")
	bad(c.Source.URL != "" && c.Client == nil, "there is no client to fetch metadata with")
	errs = append(errs, c.Source.check(), c.Mapping.check(c.NameIDFormat), c.About.check(), c.SuomiFi.check(c.Levels))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("SAML connection %q: %w", c.Name, err)
	}
	return nil
}

func (s Source) check() error {
	var errs []error
	if (s.URL == "") == (s.File == "") {
		errs = append(errs, errors.New("the metadata comes from an address or from a file: name one"))
	}
	if s.URL != "" && !reachable(s.URL) {
		errs = append(errs, fmt.Errorf("the metadata's address %q must be https, or http on loopback", s.URL))
	}
	pinned, vouched := len(s.Signer.Certificates) > 0, s.Signer.Roots != nil
	switch {
	case s.Unsigned && (s.File == "" || pinned || vouched):
		errs = append(errs, errors.New("only metadata from a file may be unsigned, and then has no signer"))
	case !s.Unsigned && pinned == vouched:
		errs = append(errs, errors.New("the metadata needs a signer: certificates, or authorities with a name"))
	case vouched && s.Signer.Name == "":
		errs = append(errs, errors.New("the authorities of the metadata's signer need the signer's name: they vouch for others too"))
	}
	if s.Cache != "" && s.URL == "" {
		errs = append(errs, errors.New("only metadata from an address has a cache"))
	}
	return errors.Join(errs...)
}

func (a About) check() error {
	var errs []error
	for _, t := range []struct {
		i18n.Text
		what string
	}{
		{a.Name, "name"},
		{a.Description, "description"},
		{a.Privacy, "privacy statement"},
		{a.Organisation, "organisation"},
		{a.OrganisationPage, "organisation's page"},
	} {
		if !t.Whole() {
			errs = append(errs, fmt.Errorf("our metadata lacks the %s in some language", t.what))
		}
	}
	technical := false
	for _, c := range a.Contacts {
		if !slices.Contains([]string{"technical", "support", "administrative", "billing", "other"}, c.Type) {
			errs = append(errs, fmt.Errorf("our metadata has no contacts of the type %q", c.Type))
		}
		technical = technical || c.Type == "technical" && c.Email != ""
	}
	if !technical {
		errs = append(errs, errors.New("our metadata lacks a technical contact with an e-mail address"))
	}
	return errors.Join(errs...)
}

// reachable tells whether a browser may be sent there: https, or http to this
// machine itself.
func reachable(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
