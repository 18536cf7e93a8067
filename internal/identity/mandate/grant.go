package mandate

import (
	"slices"

	"luvat/internal/identity/pic"
)

// Mode is for whom a person wants to act.
type Mode string

// The modes.
const (
	ForPerson  Mode = "person"  // an applicant, for another person
	ForCompany Mode = "company" // an applicant, for a company or a body
	AsOfficer  Mode = "officer" // an officer, for an authority
)

// wire returns the interface by which a mode is asked about.
func (m Mode) wire() (Interface, bool) {
	switch m {
	case ForPerson:
		return HPA, true
	case ForCompany, AsOfficer:
		return YPA, true
	}
	return "", false
}

// A Party is who is acted for: a company, or a person. Two are equal (==) when
// they are the same one.
type Party struct {
	Company pic.BusinessID
	Person  pic.Code
}

// A Principal is a party whom the person has chosen to act for.
type Principal struct {
	Party
	Name string

	// Roles are what the person is and may in a company: roles of the registers
	// and matters. Of a person there are none.
	Roles []string
	// Complete tells whether all registers of a company could be read. One that
	// is refused and not complete may be granted a little later: say so.
	Complete bool
	// Asked are the matters that were asked about, of a person.
	Asked []string
}

// Evidence says how a link of a chain is known.
type Evidence string

// The kinds of evidence.
const (
	// Named: the answer names the organisation with the officers' matter.
	Named Evidence = "named"
	// Implied: the answer does not show this link by itself; it follows from the
	// one it shows, because Valtuudet names the matter only where the whole
	// chain holds. That it does is not settled by any public document.
	Implied Evidence = "implied"
)

// A Chain is an officer's right to work in the hub:
//
//	person ─(edustamisvaltuus)─► authority ─(asiointivaltuus)─► granting body
//
// It comes from one answer of Valtuudet, which shows one of the organisations
// (Config.OfficerShows). Where that is the granting body and no other is named,
// Authority is "": which authority the officer is of is then the hub's own to
// know, by the roles that its lead has granted.
type Chain struct {
	Authority     pic.BusinessID
	AuthorityName string
	Principal     pic.BusinessID // the granting body
	Matter        string

	Representation Evidence // edustamisvaltuus, of the person in the authority
	Transaction    Evidence // asiointivaltuus, of the authority from the granting body
}

// Party is the authority as a party: what Checked.Of is asked about.
func (c Chain) Party() Party { return Party{Company: c.Authority} }

// Granted is what Valtuudet says of a person's choice.
type Granted struct {
	Mode   Mode
	Person pic.Code // who chose: the caller compares it with who is signed in

	Principals []Principal // may be acted for
	Refused    []Principal // were chosen, and may not
	Chains     []Chain     // of an officer; none: not an officer by mandate

	// Complete tells whether all registers could be read. If not, what is not
	// granted may be a little later.
	Complete bool
}

// parties lists what is granted.
func (g Granted) parties() (all []Party) {
	for _, p := range g.Principals {
		all = append(all, p.Party)
	}
	for _, c := range g.Chains {
		all = append(all, c.Party())
	}
	return all
}

// companies judges the organisations for an applicant.
func (s settings) companies(all []Organisation) (g Granted) {
	g.Complete = true
	for _, o := range all {
		p := Principal{Party: Party{Company: o.ID}, Name: o.Name, Roles: o.Roles, Complete: o.Complete}
		g.Complete = g.Complete && o.Complete
		gives := func(role string) bool {
			return slices.Contains(s.CustomerRoles, role) || slices.Contains(s.CustomerMatters, role)
		}
		if slices.ContainsFunc(o.Roles, gives) {
			g.Principals = append(g.Principals, p)
		} else {
			g.Refused = append(g.Refused, p)
		}
	}
	return g
}

// chains judges the organisations for an officer.
//
// What counts is the officers' matter in the roles of the organisation that
// Valtuudet shows. Roles of registers count for nothing here: a managing director
// is no officer. Nor does a right to give mandates (valtuutusoikeus), which is no
// matter in the answer.
func (s settings) chains(all []Organisation) (g Granted) {
	g.Complete = true
	granting := false
	var authorities []Organisation
	for _, o := range all {
		g.Complete = g.Complete && o.Complete
		if !slices.Contains(o.Roles, s.OfficerMatter) {
			continue
		}
		if o.ID == s.principal {
			granting = true
		} else {
			authorities = append(authorities, o)
		}
	}
	chain := Chain{Principal: s.principal, Matter: s.OfficerMatter, Representation: Implied, Transaction: Implied}
	if granting {
		chain.Transaction = Named
	}
	if !granting && s.OfficerShows == ShowsPrincipal {
		return g
	}
	for _, a := range authorities {
		c := chain
		c.Authority, c.AuthorityName, c.Representation = a.ID, a.Name, Named
		g.Chains = append(g.Chains, c)
	}
	if len(authorities) == 0 && granting && s.OfficerShows == ShowsPrincipal {
		g.Chains = append(g.Chains, chain)
	}
	return g
}
