package customer

import (
	"net/http"

	"luvat/internal/i18n"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// reading is one look at the project's matters, in words.
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
	for _, x := range all {
		shown = append(shown, reading{
			When: i18n.DateTime(a.Lang, x.At), Instant: site.Instant(x.At), Authority: r.authorityName(a.Lang, x.Authority), Matter: names[x.Matter],
			What: a.T("customer.read_" + x.What),
		})
	}
	return a.Page(w, http.StatusOK, ui.Page{
		Title: a.T("customer.readings_title"), Lead: a.T("customer.readings_lead"), Back: &ui.Link{Label: v.Name, Href: projectPath(v.ID)}, Wide: true,
	}, readingsBody(say{a.Lang}, shown))
}

func readingColumns(s say) []ui.Column {
	var all []ui.Column
	for _, key := range []string{"customer.readings_when", "customer.readings_authority", "customer.readings_matter", "customer.readings_what"} {
		all = append(all, ui.Column{Label: s.T(key)})
	}
	return all
}
