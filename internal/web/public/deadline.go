package public

import (
	"time"

	"luvat/internal/i18n"
	"luvat/internal/survey"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// A deadline is by when a matter must be with its authority, in words.
type deadline struct {
	Text    string
	Short   string // the day alone, where it can be counted
	Note    string
	Also    string // the limit that binds, where the day above is only advised
	Warning string
	Urgency ui.Urgency
	Last    time.Time // zero where it cannot be counted
	Reason  int       // of the finding: whose the deadline is
	Tied    bool      // other reasons would give other days
}

// near is how many days before its last day a matter is shown as urgent.
const near = 14

// deadlineOf tells what rules: the strictest of the limits, which come with
// the strictest first. It is told as a day, or in words where there is no day
// to count from; timing is said where there is no limit at all. who is asked
// when it is late.
func deadlineOf(a *site.Ask, dues []survey.Due, timing i18n.Text, who string, now time.Time) deadline {
	if len(dues) == 0 {
		return deadline{Text: timing.In(a.Lang), Short: timing.In(a.Lang)}
	}
	d := dues[0]
	out := deadline{Text: dueText(a, d), Note: d.Note.In(a.Lang), Last: d.Last, Reason: d.Reason, Tied: len(dues) > 1}
	if out.Short = out.Text; d.Last.IsZero() {
		return out
	}
	key := "public.advised_short"
	if d.Binds() {
		key = "public.latest_short"
	}
	out.Short = a.T(key, i18n.Date(a.Lang, d.Last))
	bound := binding(dues)
	if !d.Binds() && !bound.Last.IsZero() {
		out.Also = a.T("public.also_binding", i18n.Date(a.Lang, bound.Last), limitWords(a, bound.Limit))
	}
	switch left := i18n.DaysBetween(now, d.Last); {
	case !bound.Last.IsZero() && i18n.DaysBetween(now, bound.Last) < 0:
		out.Urgency, out.Warning = ui.Late, a.T("public.deadline_late", who)
	case left < 0:
		out.Urgency, out.Warning = ui.Soon, a.T("public.advised_late")
	case left <= near && d.Binds():
		out.Urgency, out.Warning = ui.Soon, soonWords(a, left)
	case left <= near:
		out.Urgency, out.Warning = ui.Soon, a.T("public.advised_soon")
	}
	return out
}

// binding is the strictest of the limits that bind, or a zero one.
func binding(dues []survey.Due) survey.Due {
	for _, d := range dues {
		if d.Binds() {
			return d
		}
	}
	return survey.Due{}
}

// dueText tells a limit whole: the day, and in brackets how it is counted.
func dueText(a *site.Ask, d survey.Due) string {
	limit, binds := limitWords(a, d.Limit), d.Binds()
	switch date := i18n.Date(a.Lang, d.Last); {
	case d.Last.IsZero() && binds:
		return a.T("public.latest_limit", limit)
	case d.Last.IsZero():
		return a.T("public.advised_limit", limit)
	case binds:
		return a.T("public.latest_day", date, limit)
	default:
		return a.T("public.advised_day", date, limit)
	}
}

// limitWords says how long before what: "5 vuorokautta ennen tapahtuman alkua".
func limitWords(a *site.Ask, l survey.Limit) string {
	long := a.T("public.one_" + l.Unit)
	if l.Value != 1 {
		long = a.T("public.many_"+l.Unit, l.Value)
	}
	return a.T("public.before_"+l.Before, long)
}

func soonWords(a *site.Ask, left int) string {
	switch left {
	case 0:
		return a.T("public.deadline_today")
	case 1:
		return a.T("public.deadline_tomorrow")
	}
	return a.T("public.deadline_soon", left)
}
