package saml

import (
	"slices"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/identity"
)

// A reading is what an assertion says, as its signature covers it.
type reading struct {
	id            string
	session       identity.ProviderSession
	level         string
	authenticated time.Time
	from, until   time.Time // the time in which it may be used
	attributes    map[string][]string
}

// read checks and reads an assertion whose signature was verified.
func (t *taking) read(a signed) (r reading, err error) {
	parts, err := shape(a.Element, "saml:Issuer", "saml:Subject", "saml:Conditions", "saml:AuthnStatement|saml:AttributeStatement+")
	if err != nil {
		return r, err
	}
	if attr(a.Element, "Version") != "2.0" {
		return r, notVersion2
	}
	if err := t.c.issuedBy(parts[0][0], t.from.id); err != nil {
		return r, err
	}
	r.id = attr(a.Element, "ID")
	issued, err := must(a.Element, "IssueInstant")
	if err != nil {
		return r, err
	}
	if issued.After(t.now.Add(t.c.Skew)) {
		return r, notNow
	}
	var authentications, statements []*etree.Element
	for _, s := range parts[3] {
		if is(s, "saml:AuthnStatement") {
			authentications = append(authentications, s)
		} else {
			statements = append(statements, s)
		}
	}
	if len(authentications) != 1 {
		return r, twoAuthentication
	}
	for _, step := range []func() error{
		func() error { return t.conditions(parts[2][0], &r) },
		func() error { return t.subject(parts[1][0], &r) },
		func() error { return t.authentication(authentications[0], &r) },
		func() error { return readAttributes(statements, &r) },
	} {
		if err := step(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// conditions checks when and for whom the assertion may be used. Unlike the
// standard we want all three told: from, until, and audience.
func (t *taking) conditions(el *etree.Element, r *reading) error {
	parts, err := shape(el, "saml:AudienceRestriction|saml:OneTimeUse|saml:ProxyRestriction*")
	if err != nil {
		return err
	}
	if r.from, err = must(el, "NotBefore"); err != nil {
		return err
	}
	if r.until, err = must(el, "NotOnOrAfter"); err != nil {
		return err
	}
	if err := t.within(r.from, r.until); err != nil {
		return err
	}
	restricted := false
	for _, c := range parts[0] {
		if !is(c, "saml:AudienceRestriction") {
			continue // used once it is anyhow, and handed on to nobody
		}
		restricted = true
		audiences, err := shape(c, "saml:Audience+")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(audiences[0], func(a *etree.Element) bool {
			s, err := word(a)
			return err == nil && s == t.c.EntityID
		}) {
			return otherAudience
		}
	}
	if !restricted {
		return otherAudience
	}
	return nil
}

// within checks a span of time, letting the clocks differ by the skew.
func (t *taking) within(from, until time.Time) error {
	if t.now.Add(t.c.Skew).Before(from) {
		return tooEarly
	}
	if !t.now.Add(-t.c.Skew).Before(until) {
		return tooLate
	}
	return nil
}

// subject checks the bearer's confirmation and reads the name.
func (t *taking) subject(el *etree.Element, r *reading) error {
	parts, err := shape(el, "saml:NameID", "saml:SubjectConfirmation")
	if err != nil {
		return err
	}
	confirmation := parts[1][0]
	if attr(confirmation, "Method") != "urn:oasis:names:tc:SAML:2.0:cm:bearer" {
		return notBearer
	}
	inner, err := shape(confirmation, "saml:SubjectConfirmationData")
	if err != nil {
		return err
	}
	data := inner[0][0]
	if attr(data, "NotBefore") != "" || len(data.ChildElements()) > 0 {
		return notBearer // the profile forbids both (SAML profiles, 4.1.4.2)
	}
	if attr(data, "Recipient") != t.c.ACS {
		return otherRecipient
	}
	if attr(data, "InResponseTo") != t.memo.ID {
		return otherRequest
	}
	until, err := must(data, "NotOnOrAfter")
	if err != nil {
		return err
	}
	if err := t.within(time.Time{}, until); err != nil {
		return err
	}
	if until.Before(r.until) {
		r.until = until
	}
	name := parts[0][0]
	r.session.NameID, err = text(name)
	if err != nil {
		return err
	}
	r.session.Format, r.session.Qualifier, r.session.SPQualifier = attr(name, "Format"), attr(name, "NameQualifier"), attr(name, "SPNameQualifier")
	if r.session.NameID == "" || r.session.Format != t.c.NameIDFormat || r.session.SPQualifier != "" && r.session.SPQualifier != t.c.EntityID {
		return noName
	}
	return nil
}

// authentication reads when and how the person authenticated.
func (t *taking) authentication(el *etree.Element, r *reading) error {
	parts, err := shape(el, "saml:SubjectLocality?", "saml:AuthnContext")
	if err != nil {
		return err
	}
	if r.authenticated, err = must(el, "AuthnInstant"); err != nil {
		return err
	}
	if r.authenticated.After(t.now.Add(t.c.Skew)) {
		return notNow
	}
	// A provider that remembers the person says when she really authenticated.
	if t.memo.Anew && r.authenticated.Before(t.memo.at().Add(-t.c.Skew)) {
		return notAnew
	}
	end, err := moment(el, "SessionNotOnOrAfter")
	if err != nil {
		return err
	}
	if !end.IsZero() && !t.now.Add(-t.c.Skew).Before(end) {
		return sessionOver
	}
	r.session.SessionIndex = attr(el, "SessionIndex")
	how, err := shape(parts[1][0], "saml:AuthnContextClassRef", "saml:AuthnContextDeclRef?", "saml:AuthenticatingAuthority*")
	if err != nil {
		return err
	}
	if r.level, err = word(how[0][0]); err != nil {
		return err
	}
	if !t.c.AnyLevel && !slices.Contains(t.c.Levels, r.level) {
		return levelTooLow
	}
	return nil
}

// readAttributes reads the attributes by name. A value that is more than text is
// left out: none that we read is.
func readAttributes(statements []*etree.Element, r *reading) error {
	r.attributes = map[string][]string{}
	if len(statements) > 1 {
		return attributeDoubled
	}
	for _, s := range statements {
		parts, err := shape(s, "saml:Attribute*")
		if err != nil {
			return err
		}
		for _, a := range parts[0] {
			name := attr(a, "Name")
			if _, twice := r.attributes[name]; twice {
				return attributeDoubled
			}
			r.attributes[name] = nil
			values, err := shape(a, "saml:AttributeValue*")
			if err != nil {
				return err
			}
			for _, v := range values[0] {
				if s, err := text(v); err == nil {
					r.attributes[name] = append(r.attributes[name], s)
				}
			}
		}
	}
	return nil
}
