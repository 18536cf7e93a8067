package site

import (
	"strings"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/ui"
)

// Limit words the count of a statutory time limit for the pages of both sides:
// they see the same.
type Limit struct {
	Lang i18n.Lang
	*matter.Count
}

// T returns words in the reader's language.
func (l *Limit) T(key string, args ...any) string { return i18n.T(l.Lang, key, args...) }

// LimitLength is how long a limit of so many months is, in words.
func LimitLength(l i18n.Lang, months int) string {
	switch {
	case months == 12:
		return i18n.T(l, "limit.year")
	case months%12 == 0:
		return i18n.T(l, "limit.years", months/12)
	case months == 1:
		return i18n.T(l, "limit.month")
	}
	return i18n.T(l, "limit.months", months)
}

// LimitLacks lists what must be known before the length of a limit is.
func LimitLacks(l i18n.Lang, lacks []i18n.Text) string {
	names := make([]string, len(lacks))
	for i, name := range lacks {
		names[i] = name.In(l)
	}
	return strings.Join(names, ", ")
}

// LimitOf words the count of a project; nil where there is none.
func LimitOf(lang i18n.Lang, c *matter.Count) *Limit {
	if c == nil {
		return nil
	}
	return &Limit{lang, c}
}

// Row tells in a few words where a row stands; nothing where the limit does
// not concern it, or there is none.
func (l *Limit) Row(r *matter.Row) LimitRow {
	if l == nil {
		return LimitRow{State: matter.CountNone}
	}
	state, days := l.Count.Row(r)
	out := LimitRow{State: state}
	switch state {
	case matter.CountNone:
	case matter.CountDraft, matter.CountAhead:
		out.Text = l.T("limit.row_" + string(state))
	case matter.CountOver:
		out.Text, out.Urgency = l.T("limit.row_over", l.Over()), ui.Late
		out.Note = l.T("limit.row_last_was", i18n.Date(l.Lang, l.Last()))
	case matter.CountRunning:
		out.Text, out.Urgency = l.used(days), l.urgency()
		if out.Note = l.T("limit.row_open"); l.Class != nil {
			out.Note = l.T("limit.row_last", i18n.Date(l.Lang, l.Last()))
		}
	default:
		out.Text, out.Note = l.used(days), l.T("limit.row_"+string(state))
	}
	return out
}

// LimitRow is a row's part in a count, in words.
type LimitRow struct {
	State   matter.CountState
	Text    string
	Note    string
	Urgency ui.Urgency
}

// Line is the row's part on one line.
func (r LimitRow) Line() string {
	if r.Note == "" {
		return r.Text
	}
	return r.Text + ", " + r.Note
}

// used tells how many days are used, of how many if that is known.
func (l *Limit) used(days int) string {
	if n := l.Total(); n > 0 {
		return l.T("limit.used_of", days, n)
	}
	return l.T("limit.used", days)
}

// soon is how few days may be left before the count is told apart.
const soon = 30

func (l *Limit) urgency() ui.Urgency {
	switch {
	case l.Over() > 0:
		return ui.Late
	case l.Total() > 0 && l.Left() <= soon:
		return ui.Soon
	}
	return ui.InTime
}

// said is what there is to say of the count in a sentence, if anything.
func (l *Limit) said() string {
	switch state := l.State(); state {
	case matter.CountRunning:
		return ""
	default:
		return "limit.said_" + string(state)
	}
}

// last tells the last day and how far away it is.
func (l *Limit) last() string {
	day := i18n.Date(l.Lang, l.Last())
	switch n := l.Left(); {
	case n < 0:
		return l.T("limit.last_over", day, -n)
	case n == 0:
		return l.T("limit.last_today", day)
	default:
		return l.T("limit.last_left", day, n)
	}
}

// Day is the last day for machines, "" where there is none.
func (l *Limit) Day() string {
	if t := l.Last(); !t.IsZero() {
		return t.Format(time.DateOnly)
	}
	return ""
}
