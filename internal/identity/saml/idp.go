package saml

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/i18n"
)

const (
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// An idp is an identity provider as its metadata tells.
type idp struct {
	id            string
	sso           string // HTTP-Redirect
	slo           string // HTTP-Redirect, "" when it has none
	sloAnswer     string // where answers to its logout requests go
	certs         []*x509.Certificate
	organisations []string // home organisations it may speak for
	name          i18n.Text
	until         time.Time // validUntil, zero when not told
}

// metadata is a document that was verified and read.
type metadata struct {
	sum     [32]byte
	idps    map[string]*idp
	seen    map[string]bool // entity ids of those allowed
	fetched time.Time
	until   time.Time     // validUntil of the whole, zero when not told
	every   time.Duration // cacheDuration, 0 when not told

	problems []error // of allowed providers that cannot be used, though others can
}

// readMetadata verifies a document and reads the identity providers that are
// allowed. The signature is checked first: nothing of what it does not cover is
// looked at. An identity provider that cannot be used is an error for a
// connection that has only it; of a federation it is left out, and noted.
func (c *Config) readMetadata(raw []byte, now time.Time) (*metadata, error) {
	root, err := metadataGate.open(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, err
	}
	if !c.Source.Unsigned {
		if root, err = c.Source.Signer.verify(root, now); err != nil {
			return nil, err
		}
	}
	m := &metadata{idps: map[string]*idp{}, seen: map[string]bool{}}
	if m.until, err = moment(root, "validUntil"); err != nil {
		return nil, err
	}
	if m.every, err = duration(attr(root, "cacheDuration")); err != nil {
		return nil, err
	}
	m.problems = c.readEntities(root, m, time.Time{}, now)
	for _, h := range c.Homes {
		if !m.seen[h.EntityID] {
			m.problems = append(m.problems, fmt.Errorf("identity provider %s: %w", h.EntityID, notListed))
		}
	}
	if len(m.idps) == 0 {
		return nil, errors.Join(append(m.problems, errors.New("the metadata has no identity provider that is allowed and can be used"))...)
	}
	return m, nil
}

// verify checks the signature of metadata.
func (s Signer) verify(root *etree.Element, now time.Time) (*etree.Element, error) {
	children := root.ChildElements()
	if len(children) == 0 || !is(children[0], "ds:Signature") {
		return nil, notSigned // the schema has it first
	}
	sig := children[0]
	certs := s.Certificates
	if s.Roots != nil {
		certs = s.vouched(keyInfoCertificates(sig), now)
	}
	covered, err := verify(root, sig, certs, now, true)
	return covered.Element, err
}

// vouched returns the certificate that a signature brings along, if it is the
// signer's and an authority vouches for it now. Others in the signature may be
// links of the chain.
func (s Signer) vouched(brought []*x509.Certificate, now time.Time) []*x509.Certificate {
	between := x509.NewCertPool()
	for _, c := range brought {
		between.AddCert(c)
	}
	for _, c := range brought {
		options := x509.VerifyOptions{Roots: s.Roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if c.Subject.CommonName != s.Name || c.IsCA {
			continue
		}
		if _, err := c.Verify(options); err == nil {
			return []*x509.Certificate{c}
		}
	}
	return nil
}

// readEntities walks through entities and groups of them. What a group says of
// its end holds for all in it. One that is there twice is not used at all.
func (c *Config) readEntities(el *etree.Element, m *metadata, until, now time.Time) (problems []error) {
	own, err := moment(el, "validUntil")
	if err != nil {
		return []error{err}
	}
	if until.IsZero() || !own.IsZero() && own.Before(until) {
		until = own
	}
	if is(el, "md:EntitiesDescriptor") {
		for _, child := range el.ChildElements() {
			problems = append(problems, c.readEntities(child, m, until, now)...)
		}
		return problems
	}
	id := attr(el, "entityID")
	home := slices.IndexFunc(c.Homes, func(h Home) bool { return h.EntityID == id })
	if !is(el, "md:EntityDescriptor") || home < 0 {
		return nil
	}
	var p *idp
	switch {
	case m.seen[id]:
		err = errors.New("it is there twice")
	case !until.IsZero() && !now.Before(until):
		err = stale
	default:
		p, err = readIDP(el, c.Homes[home])
	}
	m.seen[id] = true
	delete(m.idps, id)
	if err != nil {
		return []error{fmt.Errorf("identity provider %s: %w", id, err)}
	}
	p.until = until
	m.idps[id] = p
	return nil
}

// readIDP reads one identity provider.
func readIDP(el *etree.Element, home Home) (*idp, error) {
	p := &idp{id: home.EntityID, organisations: slices.Clone(home.Organisations)}
	roles := 0
	for _, role := range el.ChildElements() {
		if !is(role, "md:IDPSSODescriptor") || !slices.Contains(strings.Fields(attr(role, "protocolSupportEnumeration")), nsProtocol) {
			continue
		}
		roles++
		if err := p.readRole(role, el, len(home.Organisations) == 0); err != nil {
			return nil, err
		}
	}
	switch {
	case roles != 1:
		return nil, fmt.Errorf("it has %d roles as an identity provider of SAML 2.0, not one", roles)
	case p.sso == "":
		return nil, errors.New("it has no address for sign-in by HTTP-Redirect")
	case len(p.certs) == 0:
		return nil, fmt.Errorf("it has no RSA key of %d bits for signing", leastBits)
	}
	return p, nil
}

func (p *idp) readRole(role, entity *etree.Element, scopes bool) error {
	for _, el := range role.ChildElements() {
		switch {
		case is(el, "md:KeyDescriptor") && attr(el, "use") != "encryption":
			for _, data := range el.FindElements("./KeyInfo/X509Data") {
				first := data.SelectElement("X509Certificate") // others are links of its chain
				if first == nil {
					continue
				}
				cert, err := certificate(first)
				if err != nil {
					return errors.New("a certificate cannot be read")
				}
				if trustworthy(cert) {
					p.certs = append(p.certs, cert)
				}
			}
		case is(el, "md:SingleSignOnService") && attr(el, "Binding") == bindingRedirect && p.sso == "":
			p.sso = attr(el, "Location")
		case is(el, "md:SingleLogoutService") && attr(el, "Binding") == bindingRedirect && p.slo == "":
			p.slo, p.sloAnswer = attr(el, "Location"), attr(el, "ResponseLocation")
		}
	}
	if p.sloAnswer == "" {
		p.sloAnswer = p.slo
	}
	for _, address := range []string{p.sso, p.slo, p.sloAnswer} {
		if address != "" && !reachable(address) {
			return errors.New("an address is neither https nor http on loopback")
		}
	}
	for _, within := range []*etree.Element{entity, role} {
		for _, extensions := range within.ChildElements() {
			if is(extensions, "md:Extensions") {
				p.readExtensions(extensions, scopes)
			}
		}
	}
	return nil
}

// readExtensions reads the names that people know the provider by, and the home
// organisations that the federation lets it speak for. A pattern (regexp) is
// not taken for one.
func (p *idp) readExtensions(el *etree.Element, scopes bool) {
	for _, e := range el.ChildElements() {
		switch {
		case scopes && is(e, "shibmd:Scope") && attr(e, "regexp") != "true" && attr(e, "regexp") != "1":
			if s, err := word(e); err == nil && s != "" {
				p.organisations = append(p.organisations, s)
			}
		case is(e, "mdui:UIInfo"):
			for _, n := range e.ChildElements() {
				s, err := word(n)
				if err != nil || !is(n, "mdui:DisplayName") {
					continue
				}
				switch n.SelectAttrValue("xml:lang", "") {
				case "fi":
					p.name.FI = s
				case "sv":
					p.name.SV = s
				case "en":
					p.name.EN = s
				}
			}
		}
	}
}
