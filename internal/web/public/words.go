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

// A deadline is by when a matter must be with its authority, in words.
type deadline struct {
	Text    string
	Short   string // the day alone, where it can be counted
	Note    string
	Warning string
	Urgency ui.Urgency
	Last    time.Time // zero where it cannot be counted
}

// near is how long before its last day a matter is shown as urgent.
const near = 14 * 24 * time.Hour

// deadlineOf counts the type's deadline from the day on which the undertaking
// starts, or tells it in words where there is no day to count from.
func deadlineOf(a *site.Ask, t *catalogue.Type, starts, now time.Time) deadline {
	d := t.Deadline
	if d == nil {
		return deadline{Text: t.Timing.In(a.Lang), Short: t.Timing.In(a.Lang)}
	}
	limit := a.T("public.before_"+d.Before, limitWords(a, d.Deadline))
	binds := d.Mark == "certain" || d.Mark == "local"
	out := deadline{Text: a.T("public.advised_limit", limit), Note: d.Note.In(a.Lang)}
	if binds {
		out.Text = a.T("public.latest_limit", limit)
	}
	if out.Short = out.Text; starts.IsZero() || d.Before == "wished_time" {
		return out
	}
	last := d.Latest(starts)
	date := i18n.Date(a.Lang, last)
	out.Last, out.Text, out.Short = last, a.T("public.advised_day", date, limit), a.T("public.advised_short", date)
	if binds {
		out.Text, out.Short = a.T("public.latest_day", date, limit), a.T("public.latest_short", date)
	}
	y, m, day := last.In(i18n.Zone).Date()
	end := time.Date(y, m, day+1, 0, 0, 0, 0, i18n.Zone)
	switch left := end.Sub(now); {
	case left <= 0 && binds:
		out.Urgency, out.Warning = ui.Late, a.T("public.deadline_late")
	case left <= 0:
		out.Urgency, out.Warning = ui.Soon, a.T("public.advised_late")
	case left <= near:
		out.Urgency, out.Warning = ui.Soon, a.T("public.deadline_soon")
	}
	return out
}

// versionDay shows the day that names a version of a survey.
func versionDay(l i18n.Lang, version string) string {
	t, err := time.ParseInLocation(time.DateOnly, version, i18n.Zone)
	if err != nil {
		return version
	}
	return i18n.Date(l, t)
}

// limitWords says how long: "5 vuorokautta", "1 kuukausi".
func limitWords(a *site.Ask, d survey.Deadline) string {
	if d.Value == 1 {
		return a.T("public.one_" + d.Unit)
	}
	return a.T("public.many_"+d.Unit, d.Value)
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
