package public

import (
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/survey"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

func problemCount(fields []ui.Control) int {
	n := 0
	for _, c := range fields {
		if c.Problem != "" {
			n++
		}
	}
	return n
}

func (st start) fields(a *site.Ask) []ui.Control {
	return []ui.Control{
		{
			Lang: a.Lang, Name: "municipality", Label: a.T("public.municipality"), Help: a.T("public.municipality_help"),
			Value: st.Place, List: "municipalities", Autocomplete: "off", Problem: st.Problems["municipality"],
		},
		{
			Lang: a.Lang, Name: "starts_on", Label: a.T("public.starts_on"), Help: a.T("public.starts_on_help"), Optional: true,
			Value: st.Date, Type: "date", Size: ui.Medium, Problem: st.Problems["starts_on"],
		},
	}
}

func (st step) controls(l i18n.Lang) []ui.Control {
	var all []ui.Control
	for _, q := range st.area().Questions {
		all = append(all, st.control(l, q))
	}
	return all
}

func (st step) many(i int) bool { return st.area().Questions[i].Type == survey.Many }

func (st step) answered() bool {
	return slices.ContainsFunc(st.area().Questions, func(q survey.Question) bool { return len(st.Given[q.ID]) > 0 })
}

func (st step) previous() string {
	if st.N == 0 {
		return "start"
	}
	return st.Survey.Areas[st.N-1].ID
}

// versionDay shows the day that names a version of a survey.
func versionDay(l i18n.Lang, version string) string {
	t, err := time.ParseInLocation(time.DateOnly, version, i18n.Zone)
	if err != nil {
		return version
	}
	return i18n.Date(l, t)
}

func columns(labels ...string) []ui.Column {
	var all []ui.Column
	for _, l := range labels {
		all = append(all, ui.Column{Label: l})
	}
	return all
}

func catalogueColumns(a *site.Ask) []ui.Column {
	return columns(a.T("public.matter"), a.T("public.kind"), a.T("public.authority"), a.T("public.offer"))
}

func leadColumns(a *site.Ask) []ui.Column {
	return columns(a.T("public.matter"), a.T("public.way"), a.T("public.where"), a.T("public.notices"), a.T("public.deputy"), a.T("public.offer"))
}

func serviceColumns(a *site.Ask) []ui.Column {
	all := columns(a.T("public.job"), a.T("public.job_state"), a.T("public.job_error"), a.T("public.job_attempts"), a.T("public.job_created"), a.T("public.job_next"), a.T("public.job_retry"))
	all[3].Number, all[6].Hidden = true, true
	return all
}

func entityOptions(a *site.Ask, entities []*catalogue.Entity) []ui.Option {
	var all []ui.Option
	for _, e := range entities {
		all = append(all, ui.Option{Value: e.ID, Label: e.Name.In(a.Lang)})
	}
	return all
}

// A piece is some text of a mail, or a link in it.
type piece struct{ Text, Href string }

// linked splits a mail in lines and finds the addresses in them.
func linked(body string) [][]piece {
	var lines [][]piece
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		var pieces []piece
		for i, word := range strings.Split(strings.TrimRight(line, "\r"), " ") {
			if i > 0 {
				pieces = append(pieces, piece{Text: " "})
			}
			href := ""
			if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
				href = strings.TrimRight(word, ".,;)>")
			}
			pieces = append(pieces, piece{word, href})
		}
		lines = append(lines, pieces)
	}
	return lines
}
