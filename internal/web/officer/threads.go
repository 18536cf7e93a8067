package officer

import (
	"net/http"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

type threadsPage struct {
	Lang   i18n.Lang
	Rows   []threadRow
	Column []ui.Column
}

type threadRow struct {
	matter.ThreadRow
	Href, Type, Authority, When string
	Asked                       when
}

// threads lists the talks that other authorities have begun with the
// officer's.
func (r *room) threads(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	all, err := r.s.Desk.Threads(a.Context(), who)
	if err != nil {
		return err
	}
	p := &threadsPage{Lang: a.Lang, Column: []ui.Column{
		{Label: a.T("officer.col_matter")},
		{Label: a.T("officer.col_project")},
		{Label: a.T("officer.col_authority")},
		{Label: a.T("officer.col_written")},
		{Label: a.T("officer.col_asked")},
	}}
	for _, t := range all {
		row := threadRow{ThreadRow: t, Href: matterPath + t.Matter, Type: r.typeName(a.Lang, t.Type), Authority: r.authority(a.Lang, t.Authority), When: i18n.DateTime(a.Lang, t.At)}
		if t.Asked {
			row.Asked = near(a.Lang, r.s.Now(), t.Due, "officer.due_statement", 3)
		}
		p.Rows = append(p.Rows, row)
	}
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("site.nav_threads"), Lead: a.T("officer.threads_lead"), Wide: true}, p.body())
}
