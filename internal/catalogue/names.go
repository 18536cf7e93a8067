package catalogue

import "luvat/internal/i18n"

// TypeName is what a matter type is called. Of what is not in the catalogue any
// more, this and the other names tell the id.
func (c *Catalogue) TypeName(l i18n.Lang, id string) string {
	if t := c.Type(id); t != nil {
		return t.Name.In(l)
	}
	return id
}

// AuthorityName is what an authority is called.
func (c *Catalogue) AuthorityName(l i18n.Lang, id string) string {
	if a := c.Authority(id); a != nil {
		return a.Name.In(l)
	}
	return id
}

// MunicipalityName is what a municipality is called.
func (c *Catalogue) MunicipalityName(l i18n.Lang, code string) string {
	if m := c.Municipality(code); m != nil {
		return m.Name.In(l)
	}
	return code
}

// StateWords tells where a matter of the offer stands: of a finished one, how
// it ended.
func (c *Catalogue) StateWords(o *Offer, kind, status, outcome string) Wording {
	if status == "finished" && outcome != "" {
		return c.OutcomeWords(o, kind, outcome)
	}
	return c.StatusWords(o, status)
}
