// Package catalogue knows what can be dealt with, with whom and where:
// municipalities, authorities, service entities, matter types and, in the
// database, the offers: which authority has joined which matter type in which
// territory.
//
// What content editors write comes from files (package content). Load puts
// every version of them in the database and never takes one away, because
// drafts, submissions and survey results name the version they were made
// with; Open reads the current ones.
package catalogue

import (
	"slices"

	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
)

// Municipality is a kunta; the facts are of 2026.
type Municipality struct {
	Code      string // three digits
	Name      i18n.Text
	Region    string // Finnish name
	Bilingual bool
	Swedish   bool // Swedish only or Swedish majority is not told apart here: "sv" or both
	Aland     bool // outside the service: self-government
}

// Authority is a body of the catalogue.
type Authority struct {
	ID         string
	Type       string // municipality, police_department, rescue_department, wellbeing_county, state_agency
	Name       i18n.Text
	BusinessID string
	National   bool
	Territory  []string // municipality codes, empty when national
}

// Covers tells whether the municipality is in the authority's territory.
func (a *Authority) Covers(municipality string) bool {
	return a.National || slices.Contains(a.Territory, municipality)
}

// Entity is a service entity (palvelukokonaisuus).
type Entity struct {
	ID         string    `json:"id"`
	Name       i18n.Text `json:"name"`
	Lead       i18n.Text `json:"lead"`
	CommonForm string    `json:"common_form"`
	Survey     string    `json:"survey"`
}

// Type is a matter type (asiointi) that authorities of one type can offer.
type Type struct {
	ID            string          `json:"id"`
	Name          i18n.Text       `json:"name"`
	Summary       i18n.Text       `json:"summary"`
	Kind          string          `json:"kind"`
	AuthorityType string          `json:"authority_type"`
	Agency        string          `json:"agency"`
	Entities      []string        `json:"entities"`
	Deadline      *survey.Limit   `json:"deadline"`
	Timing        i18n.Text       `json:"timing"`   // said where there is no deadline in days
	Basis         []survey.Source `json:"basis"`    // the acts it rests on
	LawText       i18n.Text       `json:"law_text"` // the same in words
	LawMark       string          `json:"law_mark"` // certain, inferred or general
	Covers        []string        `json:"covers"`
	Form          string          `json:"form"`
	Follows       []string        `json:"follows"`
	NotSent       bool            `json:"not_sent"`
	Mark          string          `json:"mark"`
	Source        string          `json:"source"`
}

// In tells whether the type belongs to the service entity.
func (t *Type) In(entity string) bool { return slices.Contains(t.Entities, entity) }

// Wording is what a status or an outcome is called on each side.
type Wording struct {
	ID        string    `json:"id"`
	Customer  i18n.Text `json:"customer"`
	Authority i18n.Text `json:"authority"`
}

// Kind is a kind of matter with its outcomes.
type Kind struct {
	ID       string    `json:"id"`
	Name     i18n.Text `json:"name"`
	Outcomes []Wording `json:"outcomes"`
}

// Outcome returns the outcome's words, or nil when the kind has none such.
func (k *Kind) Outcome(id string) *Wording {
	for i := range k.Outcomes {
		if k.Outcomes[i].ID == id {
			return &k.Outcomes[i]
		}
	}
	return nil
}

// A Catalogue is the current content. It does not change: a new version of the
// content is a new Catalogue.
type Catalogue struct {
	Municipalities []*Municipality // by code
	Authorities    []*Authority
	Entities       []*Entity
	Types          []*Type
	Kinds          []*Kind
	Statuses       []Wording
	Acts           []survey.Act // the table that sources refer to

	municipality map[string]*Municipality
	named        map[string]*Municipality // by Finnish and Swedish name, folded
	authority    map[string]*Authority
	entity       map[string]*Entity
	typ          map[string]*Type
	kind         map[string]*Kind
	limits       map[string]*Limit // by service entity
	forms        map[string]string // id → current hash
	surveys      map[string]string
	store        *store
}

// Municipality returns the municipality with the code, or nil.
func (c *Catalogue) Municipality(code string) *Municipality { return c.municipality[code] }

// Authority returns the authority with the id, or nil.
func (c *Catalogue) Authority(id string) *Authority { return c.authority[id] }

// Entity returns the service entity with the id, or nil.
func (c *Catalogue) Entity(id string) *Entity { return c.entity[id] }

// Type returns the matter type with the id, or nil.
func (c *Catalogue) Type(id string) *Type { return c.typ[id] }

// Kind returns the kind with the id, or nil.
func (c *Catalogue) Kind(id string) *Kind { return c.kind[id] }

// Status returns the words of a status; its id when nobody gave it words.
func (c *Catalogue) Status(id string) Wording {
	for _, w := range c.Statuses {
		if w.ID == id {
			return w
		}
	}
	t := i18n.Text{FI: id, SV: id, EN: id}
	return Wording{ID: id, Customer: t, Authority: t}
}

// TypesOf lists the matter types of a service entity, in catalogue order.
func (c *Catalogue) TypesOf(entity string) []*Type {
	var all []*Type
	for _, t := range c.Types {
		if t.In(entity) {
			all = append(all, t)
		}
	}
	return all
}

// Responsible lists the authorities that would handle the type in the
// municipality, joined or not: whom to ask when nobody offers it here. It is
// empty for Åland.
func (c *Catalogue) Responsible(t *Type, municipality string) []*Authority {
	if m := c.municipality[municipality]; m == nil || m.Aland {
		return nil
	}
	if t.Agency != "" {
		if a := c.authority[t.Agency]; a != nil {
			return []*Authority{a}
		}
		return nil
	}
	var all []*Authority
	for _, a := range c.Authorities {
		if a.Type == t.AuthorityType && a.Covers(municipality) {
			all = append(all, a)
		}
	}
	return all
}

// Form returns the form's version; hash "" means the current one. The error
// is NotFound when there is no such form or version.
func (c *Catalogue) Form(id, hash string) (*forms.Form, string, error) {
	if hash == "" {
		hash = c.forms[id]
	}
	f, err := c.store.form(id, hash)
	return f, hash, err
}

// CurrentForm returns the hash of the form's current version, "" for none.
func (c *Catalogue) CurrentForm(id string) string { return c.forms[id] }

// Survey returns the survey's version; hash "" means the current one.
func (c *Catalogue) Survey(id, hash string) (*survey.Survey, string, error) {
	if hash == "" {
		hash = c.surveys[id]
	}
	s, err := c.store.survey(id, hash)
	return s, hash, err
}
