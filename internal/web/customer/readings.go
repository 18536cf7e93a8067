package customer

import (
	"net/http"

	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// reading is a look at the project's matters, or several in a row, in words.
type reading struct{ When, Instant, Authority, Matter, What string }

// readings shows who has looked at what was sent.
func (r room) readings(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := r.Desk.Project(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	all, rows, err := r.Desk.Readings(a.Context(), who, v.ID)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, row := range rows {
		names[row.ID] = row.Number + " " + r.typeName(a.Lang, row.Type)
	}
	var shown []reading
	for _, looks := range together(all) {
		x := looks[0]
		by := r.authorityName(a.Lang, x.Authority)
		if x.Authority == "" {
			by = a.T("customer.read_by_support")
		}
		shown = append(shown, reading{
			When: say{a.Lang}.looked(looks), Instant: site.Instant(x.At), Authority: by, Matter: names[x.Matter],
			What: a.T("customer.read_" + x.What),
		})
	}
	return a.Page(w, http.StatusOK, ui.Page{
		Title: a.T("customer.readings_title"), Lead: a.T("customer.readings_lead"), Back: &ui.Link{Label: v.Name, Href: projectPath(v.ID)}, Wide: true,
	}, readingsBody(say{a.Lang}, shown))
}

// together puts looks in a row that differ in nothing but their time of day into
// one: handling a matter opens it many times.
func together(all []ledger.Reading) (groups [][]ledger.Reading) {
	for i, x := range all {
		if i > 0 {
			y := all[i-1]
			if x.Authority == y.Authority && x.Matter == y.Matter && x.What == y.What && i18n.DaysBetween(x.At, y.At) == 0 {
				groups[len(groups)-1] = append(groups[len(groups)-1], x)
				continue
			}
		}
		groups = append(groups, []ledger.Reading{x})
	}
	return groups
}

// looked tells when looks of one day were, the last of them first in the list.
func (s say) looked(looks []ledger.Reading) string {
	last, first := looks[0].At, looks[len(looks)-1].At
	if len(looks) == 1 {
		return i18n.DateTime(s.Lang, last)
	}
	clock := i18n.Clock(s.Lang, first)
	if to := i18n.Clock(s.Lang, last); to != clock {
		clock += "–" + to
	}
	return s.T("customer.readings_many", i18n.Date(s.Lang, last), len(looks), clock)
}

func readingColumns(s say) []ui.Column {
	var all []ui.Column
	for _, key := range []string{"customer.readings_when", "customer.readings_authority", "customer.readings_matter", "customer.readings_what"} {
		all = append(all, ui.Column{Label: s.T(key)})
	}
	return all
}
