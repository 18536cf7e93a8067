package saml

import (
	"errors"
	"slices"
	"strings"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// A Mapping says which attribute (by its Name) tells what of a person. Where it
// lists several, the first that is there counts.
type Mapping struct {
	// EIDAS is the identifier of somebody who came by another country's means.
	// It goes before a personal code, and leaves it out.
	EIDAS string

	// PersonalCode is the henkilötunnus; ForeignID the identifier of foreign
	// persons who have none.
	PersonalCode string
	ForeignID    string

	// Subject are the attributes that together are the provider's lasting name
	// of the person; they are joined with @. Without any, a persistent NameID is.
	Subject []string

	// Organisation is the home organisation, for which the identity provider
	// must be one that may speak.
	Organisation string

	Name, GivenName, FamilyName, Email, Lang []string

	// Verified is "true" when the person was verified from the population
	// register; see SuomiFiExtras.
	Verified string
}

func (m Mapping) check(format string) error {
	if m.EIDAS == "" && m.PersonalCode == "" && m.ForeignID == "" && len(m.Subject) == 0 && format != Persistent {
		return errors.New("nothing would tell who a person is: name the attributes, or ask for a persistent NameID")
	}
	return nil
}

// one returns the value of an attribute that names somebody. Several values
// would let different readers choose differently.
func (r reading) one(name string) (string, error) {
	values := r.attributes[name]
	if name == "" || len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", attributeMany
	}
	return values[0], nil
}

// first returns the first value of the first attribute that has one.
func (r reading) first(names []string) string {
	for _, n := range names {
		for _, v := range r.attributes[n] {
			if v = strings.TrimSpace(v); v != "" {
				return v
			}
		}
	}
	return ""
}

// assertion maps what was read to what the hub knows of people.
func (c *Config) assertion(r reading, from *idp) (a identity.Assertion, err error) {
	m := c.Mapping
	eidas, err1 := r.one(m.EIDAS)
	code, err2 := r.one(m.PersonalCode)
	foreign, err3 := r.one(m.ForeignID)
	organisation, err4 := r.one(m.Organisation)
	subject, err5 := c.subject(r)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return a, attributeMany
	}
	switch {
	case eidas != "":
		code, foreign = "", eidas
	case code != "":
		foreign = ""
	}
	if subject == "" && code == "" && foreign == "" {
		return a, nobody
	}
	if m.Organisation != "" && !slices.Contains(from.organisations, organisation) {
		return a, otherHome
	}
	if c.SuomiFi != nil && c.SuomiFi.Verify && code != "" && r.first([]string{m.Verified}) != "true" {
		return a, notInRegister
	}
	a = identity.Assertion{
		Issuer: from.id, Subject: subject, PersonalCode: code, ForeignID: foreign,
		Name: r.first(m.Name), GivenName: r.first(m.GivenName), FamilyName: r.first(m.FamilyName), Email: r.first(m.Email),
		Organisation: organisation, Level: r.level, At: r.authenticated, Session: r.session,
	}
	if a.Name == "" {
		a.Name = strings.TrimSpace(a.GivenName + " " + a.FamilyName)
	}
	if lang, _, _ := strings.Cut(strings.ToLower(r.first(m.Lang)), "-"); lang != "" {
		a.Lang, _ = i18n.Known(lang)
	}
	return a, nil
}

// subject joins the attributes that name the person; all must be there.
func (c *Config) subject(r reading) (string, error) {
	if len(c.Mapping.Subject) == 0 {
		if r.session.Format == Persistent {
			return r.session.NameID, nil
		}
		return "", nil
	}
	var parts []string
	for _, name := range c.Mapping.Subject {
		v, err := r.one(name)
		if err != nil || v == "" || len(parts) > 0 && strings.Contains(v, "@") {
			return "", err
		}
		parts = append(parts, v)
	}
	return strings.Join(parts, "@"), nil
}
