package public

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// filter is what the catalogue was asked for.
type filter struct {
	Query, Entity, Place string
	Municipality         *catalogue.Municipality
	Problem              string // with the place
	Near                 []ui.Link
}

// meaning is the list as it was asked for, in another place.
func (f filter) meaning(a *site.Ask, n catalogue.Near) ui.Link {
	q := url.Values{"q": {f.Query}, "entity": {f.Entity}, "municipality": {n.Name.In(a.Lang)}}
	return ui.Link{Label: n.Label(a.Lang), Href: "/catalogue?" + q.Encode()}
}

// A typeRow is a matter type in the list.
type typeRow struct {
	Type            *catalogue.Type
	Kind, Authority string
	Offered         string // "definitely" where it can be dealt with here: the tone of its tag
	OfferedWords    string
}

// catalogue lists the matter types, whoever offers them or nobody.
func (p *room) catalogue(w http.ResponseWriter, a *site.Ask) error {
	q := a.URL.Query()
	f := filter{Query: cut(strings.TrimSpace(q.Get("q"))), Place: cut(strings.TrimSpace(q.Get("municipality")))}
	if e := p.Catalogue.Entity(q.Get("entity")); e != nil {
		f.Entity = e.ID
	}
	if f.Place != "" {
		at := p.readPlace(a, f.Place)
		f.Municipality, f.Problem = at.Municipality, at.Problem
		for _, n := range at.Near {
			f.Near = append(f.Near, f.meaning(a, n))
		}
		if f.Municipality != nil {
			f.Place = f.Municipality.Name.In(a.Lang)
		}
	}
	var offers []*catalogue.Offer
	err := p.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		offers, err = catalogue.Offers(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	rows, err := p.typeRows(a, f, offers)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if f.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	page := ui.Page{Title: a.T("public.catalogue_title"), Lead: a.T("public.catalogue_lead"), Wide: true, Problems: f.Problem != ""}
	return a.Page(w, status, page, catalogueBody(a, f, p.Catalogue, rows))
}

func (p *room) typeRows(a *site.Ask, f filter, offers []*catalogue.Offer) ([]typeRow, error) {
	var rows []typeRow
	words := stems(f.Query)
	for _, t := range p.Catalogue.Types {
		if f.Entity != "" && !t.In(f.Entity) {
			continue
		}
		if len(words) > 0 {
			text, err := p.searchText(t)
			if err != nil {
				return nil, err
			}
			if !all(words, text) {
				continue
			}
		}
		rows = append(rows, p.typeRow(a, f, t, offers))
	}
	slices.SortStableFunc(rows, func(x, y typeRow) int { return rank(x.Type, words) - rank(y.Type, words) })
	return rows, nil
}

func (p *room) typeRow(a *site.Ask, f filter, t *catalogue.Type, offers []*catalogue.Offer) typeRow {
	r := typeRow{Type: t, Kind: p.kindName(a, t), Authority: a.T("public.type_" + t.AuthorityType)}
	if au := p.Catalogue.Authority(t.Agency); au != nil {
		r.Authority = au.Name.In(a.Lang)
	}
	offered := slices.IndexFunc(offers, func(o *catalogue.Offer) bool {
		return o.Type == t.ID && (f.Municipality == nil || o.Covers(f.Municipality.Code, f.Entity))
	})
	switch {
	case t.NotSent:
		r.OfferedWords = a.T("public.offered_not_sent")
	case f.Municipality != nil && offered >= 0:
		r.Offered, r.OfferedWords = "done", a.T("public.offered_here", f.Place)
		r.Authority = p.Catalogue.AuthorityName(a.Lang, offers[offered].Authority)
	case f.Municipality != nil:
		r.OfferedWords, r.Authority = a.T("public.offered_not_here", f.Place), p.responsible(a, t, f.Municipality.Code)
	case offered >= 0 && offers[offered].National:
		r.Offered, r.OfferedWords = "done", a.T("public.offered_everywhere")
	case offered >= 0:
		r.Offered, r.OfferedWords = "open", a.T("public.offered_somewhere")
	default:
		r.OfferedWords = a.T("public.offered_nowhere")
	}
	return r
}

func (p *room) kindName(a *site.Ask, t *catalogue.Type) string {
	if k := p.Catalogue.Kind(t.Kind); k != nil {
		return k.Name.In(a.Lang)
	}
	return t.Kind
}

// stems cuts the words of a search so that other forms of them are found too:
// who asks for "ilotulitus" finds "ilotulitteet".
func stems(query string) []string {
	var all []string
	for _, w := range strings.Fields(strings.ToLower(query)) {
		if r := []rune(w); len(r) > 5 {
			w = string(r[:max(5, len(r)-2)])
		}
		all = append(all, w)
	}
	return all
}

// searchText is all that is said of a type in any language, and what the
// surveys say where they call for it: that is in people's words, where names
// are in the law's.
func (p *room) searchText(t *catalogue.Type) (string, error) {
	var b strings.Builder
	add := func(texts ...i18n.Text) {
		for _, text := range texts {
			for _, l := range i18n.Langs {
				b.WriteString(text.In(l) + "\n")
			}
		}
	}
	add(t.Name, t.Summary, t.LawText)
	b.WriteString(strings.Join(t.Covers, "\n"))
	for _, e := range p.Catalogue.Entities {
		if !t.In(e.ID) {
			continue
		}
		s, _, err := p.Catalogue.Survey(e.Survey, "")
		if err != nil {
			return "", err
		}
		for _, r := range s.Rules {
			if r.Matter == t.ID {
				add(r.Reason)
				add(asked(s, r)...)
			}
		}
	}
	return strings.ToLower(b.String()), nil
}

// asked is what people answer to when the rule holds: the help of its
// questions, and the answers it names.
func asked(s *survey.Survey, r survey.Rule) []i18n.Text {
	var texts []i18n.Text
	for _, area := range s.Areas {
		for _, q := range area.Questions {
			if !strings.Contains(r.When, q.ID) {
				continue
			}
			texts = append(texts, q.Help)
			for _, answer := range q.Answers {
				if strings.Contains(r.When, "'"+answer.ID+"'") {
					texts = append(texts, answer.Text)
				}
			}
		}
	}
	return texts
}

// rank puts what is found by its name before what is found by other words.
func rank(t *catalogue.Type, words []string) int {
	names := strings.ToLower(t.Name.FI + "\n" + t.Name.SV + "\n" + t.Name.EN)
	if all(words, names) {
		return 0
	}
	return 1
}

func all(words []string, text string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// typeView is what the page of a matter type shows.
type typeView struct {
	Type            *catalogue.Type
	Kind, Authority string
	Deadline        deadline
	Entities        []*catalogue.Entity
	Offers          []offerRow
	Fields          []forms.Node
}

// matterType tells what a matter is, who offers it where and what is asked.
func (p *room) matterType(w http.ResponseWriter, a *site.Ask) error {
	t := p.Catalogue.Type(a.PathValue("type"))
	if t == nil {
		return errNotFound
	}
	v := typeView{Type: t, Kind: p.kindName(a, t), Authority: a.T("public.type_" + t.AuthorityType)}
	v.Deadline = deadlineOf(a, survey.Finding{}.Dues(t.Deadline, time.Time{}), t.Timing, "", p.Now())
	if au := p.Catalogue.Authority(t.Agency); au != nil {
		v.Authority = au.Name.In(a.Lang)
	}
	for _, e := range p.Catalogue.Entities {
		if t.In(e.ID) {
			v.Entities = append(v.Entities, e)
		}
	}
	var offers []*catalogue.Offer
	err := p.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		offers, err = catalogue.Offers(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	offers = slices.DeleteFunc(offers, func(o *catalogue.Offer) bool { return o.Type != t.ID })
	v.Offers = p.offerRows(a, offers)
	for i, o := range offers {
		v.Offers[i].Matter = p.Catalogue.AuthorityName(a.Lang, o.Authority)
	}
	form, _, err := p.Catalogue.Form(t.Form, "")
	if err != nil {
		return err
	}
	v.Fields = form.Fields(forms.Answers{})
	page := ui.Page{Title: t.Name.In(a.Lang), Lead: t.Summary.In(a.Lang), Back: &ui.Link{Label: a.T("public.catalogue_title"), Href: "/catalogue"}}
	return a.Page(w, http.StatusOK, page, typeBody(a, v))
}

// territory says where an offer stands.
func (p *room) territory(a *site.Ask, o *catalogue.Offer) string {
	if o.National {
		return a.T("public.whole_country")
	}
	var names []string
	for _, code := range o.Territory {
		if m := p.Catalogue.Municipality(code); m != nil {
			names = append(names, m.Name.In(a.Lang))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
