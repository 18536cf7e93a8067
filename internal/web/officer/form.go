package officer

import (
	"cmp"
	"slices"
	"strings"

	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/ui"
)

// control is an input of the open deed, with what was typed and what is wrong.
func (p *page) control(name, label string) ui.Control {
	c := ui.Control{Lang: p.Lang, Name: name, Label: p.t(label), Value: p.In.Get(name)}
	if p.Problem != nil && p.Problem.Field == name {
		c.Problem = p.Problem.Text
	}
	return c
}

// problemID is the id that the link of the problem leads to.
func (p *page) problemID() string {
	if p.Problem.Field == "field" {
		return "deed"
	}
	return ui.FieldID(p.Problem.Field)
}

// dateType lets what was typed stand even if no date input would show it.
func (p *page) dateType(name string) string {
	if s := p.In.Get(name); s != "" && (len(s) != 10 || s[4] != '-') {
		return "text"
	}
	return "date"
}

func (p *page) chose(name, value string) bool { return slices.Contains(p.In.Values[name], value) }

// joinAddress is where notices go that are not redirected.
func (p *page) joinAddress() string {
	if p.V.Offer == nil {
		return ""
	}
	return p.V.Offer.NoticeEmail
}

// waiting says what the authority waits for when the ball is elsewhere.
func (p *page) waiting() string {
	if p.V.Guest || p.Deed != nil {
		return ""
	}
	switch {
	case p.V.Status == matter.ToComplete:
		return p.t("officer.waits_applicant", i18n.Date(p.Lang, p.V.Due))
	case p.V.Holder == matter.HeldByOther && !p.V.Status.Ended():
		return p.t("officer.waits_other", p.r.authority(p.Lang, p.V.Other), i18n.Date(p.Lang, p.V.Due))
	case p.V.Status == matter.Draft:
		return p.t("officer.waits_draft")
	case p.V.Status.Ended():
		return p.t("officer.waits_nothing")
	}
	return ""
}

func (p *page) colleagues() []ui.Option {
	var all []ui.Option
	for _, c := range p.V.Colleagues {
		all = append(all, ui.Option{Value: c.ID, Label: c.Name})
	}
	return all
}

func (p *page) outcomes() []ui.Option {
	var all []ui.Option
	if k := p.r.s.Catalogue.Kind(p.V.Kind); k != nil {
		for _, o := range k.Outcomes {
			all = append(all, ui.Option{Value: o.ID, Label: p.r.s.Catalogue.OutcomeWords(p.V.Offer, p.V.Kind, o.ID).Authority.In(p.Lang)})
		}
	}
	return all
}

// otherAuthorities are all to which a matter may be transferred.
func (p *page) otherAuthorities() []ui.Option {
	var all []ui.Option
	for _, a := range p.r.s.Catalogue.Authorities {
		if a.ID != p.Who.Authority {
			all = append(all, ui.Option{Value: a.ID, Label: a.Name.In(p.Lang)})
		}
	}
	return byLabel(all)
}

// projectAuthorities are those with a matter in the same project.
func (p *page) projectAuthorities() []ui.Option {
	var all []ui.Option
	for _, id := range p.V.Others {
		all = append(all, ui.Option{Value: id, Label: p.r.authority(p.Lang, id)})
	}
	return byLabel(all)
}

func byLabel(all []ui.Option) []ui.Option {
	slices.SortFunc(all, func(a, b ui.Option) int {
		return cmp.Or(strings.Compare(a.Label, b.Label), strings.Compare(a.Value, b.Value))
	})
	return all
}

// askPart is the matter's form or the common data, whose fields a request may
// name.
type askPart struct {
	title  string
	groups []askGroup
	chosen bool // some of its fields are
}

type askGroup struct {
	title  string
	fields []ui.Option
}

// askable lists the fields to complete: those of the matter's form, and of the
// common data that was sent.
func (p *page) askable() []askPart {
	if p.Sent == nil {
		return nil
	}
	c := p.Sent.answers
	sent, at := map[string]bool{}, c.commonForm.Terms()
	needed, _ := c.form.Common()
	for _, term := range needed {
		sent[at[term]] = true
	}
	own := askPart{title: p.t("officer.own_data")}
	own.add(p, c.form.Fields(c.own), "", "", func(string) bool { return true })
	common := askPart{title: p.t("officer.common_data")}
	common.add(p, c.commonForm.Fields(c.common), "", "common:", func(path string) bool { return sent[path] })
	return []askPart{own, common}
}

// add adds the wanted fields of the nodes, a group for each of the layout's.
func (a *askPart) add(p *page, nodes []forms.Node, title, prefix string, wanted func(string) bool) {
	g := askGroup{title: title}
	for _, n := range nodes {
		if n.Path != "" && wanted(n.Path) {
			g.fields = append(g.fields, ui.Option{Value: prefix + n.Path, Label: n.Label.In(p.Lang)})
			a.chosen = a.chosen || p.chose("field", prefix+n.Path)
		}
	}
	if len(g.fields) > 0 {
		a.groups = append(a.groups, g)
	}
	for _, n := range nodes {
		if n.Path == "" {
			a.add(p, n.Children, n.Label.In(p.Lang), prefix, wanted)
		}
	}
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
