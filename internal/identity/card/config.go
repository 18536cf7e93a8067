package card

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Tree says which of DVV's two trees of certificates is trusted. Never both.
type Tree string

// The trees.
const (
	Production Tree = "production"
	Test       Tree = "test"
)

// Config is one connection. Needed are Name, Host, Roots, Intermediates and
// Organisations; all else has a default that works.
type Config struct {
	// Name is the connection's in addresses and in the log: a-z, 0-9 and -.
	Name string
	// Host is the name, and the port unless it is 443, at which the listener
	// that asks for certificates is reached: kortti.luvat.example.fi.
	Host string

	// Tree is which tree the certificates below are of; Production unless told.
	// A certificate of the other tree among them is a mistake.
	Tree Tree
	// Roots and Intermediates are PEM files. Only an authority among the
	// intermediates is believed to have issued a card: what the visitor sends
	// along is not looked at.
	Roots, Intermediates []string
	// RootPins are the SHA-256 of the roots, in hex. In production they are
	// those of DVV's third generation unless told; in the test tree no root is
	// held to a pin unless told.
	RootPins []string

	// Issuers are the names (CN) of the intermediates that issue organisation
	// cards; DVV's G4R and G4E unless told. Others of the same roots issue to
	// citizens and to servers, which are nobody here.
	Issuers []string
	// Policies are certificate policies, as 1.2.246.…, of which a card must
	// have one; none need be there unless told.
	Policies []string

	// Organisations say by what on a card an authority's people are known.
	Organisations []Organisation

	// Proxied says that a TLS proxy asks for the certificate and passes it on
	// (see FromProxies). The certificate of the connection itself, which may be
	// the proxy's own, is then not looked at.
	Proxied bool
	// RefuseInWords lets a visitor without a good card through the handshake,
	// so that Finish refuses and the hub's page says why. By default the
	// handshake itself refuses, and the browser shows its own error.
	RefuseInWords bool

	Revocation

	// HTTP asks the responders; Now is the clock; Log hears of responders that
	// do not answer. A client without a timeout, time.Now and no log unless told.
	HTTP *http.Client
	Now  func() time.Time
	Log  *slog.Logger
}

// Revocation is how the hub finds out that a card was revoked: by OCSP, and
// by the authority's list (CRL) when that does not answer. What nobody tells
// is not believed: the card is refused (hard fail).
type Revocation struct {
	// Responders are the hosts that the addresses in certificates may name,
	// with the port unless it is 80; DVV's of the tree unless told. Anything
	// else in a certificate is not visited.
	Responders []string
	// Instead gives, by the name (CN) of an issuing authority, addresses to ask
	// instead of those in its certificates: a mirror, or a test's. They need
	// not be among Responders.
	Instead map[string]Source
	// Refresh is how long an answer is used before it is asked for again; five
	// minutes unless told. So long may a revocation stay unseen.
	Refresh time.Duration
	// Keep is how long an answer holds when nobody answers any more, within
	// what the answer says of itself (nextUpdate); a day unless told.
	Keep time.Duration
	// Grace is how long after its end (nextUpdate or Keep) an answer still holds
	// when there is no newer. Zero unless told, and every hour of it is an hour
	// in which a stolen card may sign in while the responders are away.
	Grace time.Duration
	// Patience is how long a sign-in waits for all answers; 15 seconds unless told.
	Patience time.Duration
}

// A Source is where to ask for what an authority has revoked; "" for nowhere.
type Source struct{ OCSP, CRL string }

// An Organisation is how an authority's people are told by their cards. Of the
// kinds of marks that are given, each must be on the card; of the marks of one
// kind, one. Several may lead to one authority; a card that leads to two is
// nobody's.
type Organisation struct {
	Authority      string   // id of the authority
	Names          []string // the subject's organisation (O), whole; capitals and spaces aside
	SerialPrefixes []string // with which the subject's serialNumber begins
	UPNDomains     []string // of the user principal name: after the @, whole
}

var (
	issuers = map[Tree][]string{
		Production: {"DVV Organisational Certificates - G4R", "DVV Organisational Certificates - G4E"},
		Test:       {"DVV TEST Organisational Certificates - G4R", "DVV TEST Organisational Certificates - G4E"},
	}
	responders = map[Tree][]string{
		Production: {"proxy.fineid.fi", "ocsp.fineid.fi"},
		Test:       {"proxy.fineid.fi", "ocsptest.fineid.fi"},
	}
	pins = map[Tree][]string{Production: {
		"d3ed3fc40ad26b52e001e1e18f4b9449529deb75a81d5eb680d7b62db23ba96d", // DVV Gov. Root CA - G3 RSA
		"5546a52504fba74f61ffd4890067529ade3b9c9d07e502592831ccda9b369fd3", // DVV Gov. Root CA - G3 ECC
	}}
)

// withDefaults fills what was not told.
func (c Config) withDefaults() Config {
	c.Tree = cmp.Or(c.Tree, Production)
	if c.Issuers == nil {
		c.Issuers = issuers[c.Tree]
	}
	if c.Responders == nil {
		c.Responders = responders[c.Tree]
	}
	if c.RootPins == nil {
		c.RootPins = pins[c.Tree]
	}
	c.Refresh = cmp.Or(c.Refresh, 5*time.Minute)
	c.Keep = cmp.Or(c.Keep, 24*time.Hour)
	c.Patience = cmp.Or(c.Patience, 15*time.Second)
	if c.HTTP == nil {
		c.HTTP = &http.Client{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Check tells all that is wrong with the words of the configuration; New tells
// what is wrong with the files too.
func (c Config) Check() error {
	c = c.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Name) > 60 || !slug.MatchString(c.Name) {
		bad("the name %q: write a-z, 0-9 and - in it", c.Name)
	}
	if u, err := url.Parse("https://" + c.Host + "/"); err != nil || u.Host != c.Host || u.Hostname() == "" || u.User != nil || u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		bad("the host %q: write a name, and a port unless it is 443", c.Host)
	}
	if c.Tree != Production && c.Tree != Test {
		bad("the tree %q: write production or test", c.Tree)
	}
	if len(c.Roots) == 0 || len(c.Intermediates) == 0 {
		bad("roots and intermediates are both needed, as PEM files")
	}
	if slices.Contains(c.Issuers, "") || len(c.Issuers) == 0 {
		bad("an issuer has no name")
	}
	for _, p := range c.Policies {
		if _, err := x509.ParseOID(p); err != nil {
			bad("the policy %q is no object identifier such as 1.2.246.517.1", p)
		}
	}
	if c.Refresh < 0 || c.Keep < 0 || c.Grace < 0 || c.Patience < 0 {
		bad("a time is less than nothing")
	}
	for _, h := range c.Responders {
		if h == "" || strings.ContainsAny(h, "/ @*?#") {
			bad("the responder %q: write a host name, and a port unless it is 80", h)
		}
	}
	for name, s := range c.Instead {
		for _, address := range []string{s.OCSP, s.CRL} {
			if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
				bad("the address %q instead of those of %q is not http", address, name)
			}
		}
	}
	errs = append(errs, c.checkOrganisations()...)
	return errors.Join(errs...)
}

func (c Config) checkOrganisations() (errs []error) {
	if len(c.Organisations) == 0 {
		return []error{errors.New("no organisation is named: nobody could sign in")}
	}
	for i, o := range c.Organisations {
		if o.Authority == "" {
			errs = append(errs, fmt.Errorf("organisation %d has no authority", i+1))
		}
		marks := slices.Concat(o.Names, o.SerialPrefixes, o.UPNDomains)
		if len(marks) == 0 {
			errs = append(errs, fmt.Errorf("organisation %d (%s) has no mark: any card would do", i+1, o.Authority))
		}
		if slices.ContainsFunc(marks, func(m string) bool { return strings.TrimSpace(m) == "" }) {
			errs = append(errs, fmt.Errorf("organisation %d (%s) has an empty mark: any card would do", i+1, o.Authority))
		}
		for _, other := range c.Organisations[:i] {
			if other.Authority != o.Authority && slices.EqualFunc(other.marks(), o.marks(), strings.EqualFold) {
				errs = append(errs, fmt.Errorf("organisation %d (%s) has the same marks as another authority's", i+1, o.Authority))
			}
		}
	}
	return errs
}

// marks are all the marks, each with its kind.
func (o Organisation) marks() []string {
	var all []string
	for kind, marks := range [][]string{o.Names, o.SerialPrefixes, o.UPNDomains} {
		for _, m := range marks {
			all = append(all, fmt.Sprint(kind, m))
		}
	}
	slices.Sort(all)
	return all
}
