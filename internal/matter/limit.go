package matter

import (
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/forms"
	"luvat/internal/i18n"
)

// A Count is where a project stands in the statutory time limit that its
// authorities share (määräajan laskenta). It is computed from the joint view
// alone, so everybody who sees the rows sees the same count; see ADR 0009.
//
// The limit is the total handling time: the days on which at least one covered
// matter is pending with an authority. A matter counts from the day its
// authority made it pending or took it into handling, which is not counted
// itself, to the day it ended. Whoever holds it meanwhile, the time runs.
type Count struct {
	Limit   *catalogue.Limit
	Law     *catalogue.Law
	Class   *catalogue.Class // nil while what is known does not settle it
	Lacks   []i18n.Text      // then: what must be known
	Certain bool             // the class, and that it covers these matters, stand in a source

	spans   []span // in order, apart from each other
	today   time.Time
	waiting bool // a covered matter is sent and has not ended
}

// span is from one day to another, or open. Days are in UTC, where each has
// 24 hours.
type span struct{ from, to time.Time }

// CountState tells how a count stands.
type CountState string

// The states of a count, and of a row in it.
const (
	CountNone    CountState = "none"    // the limit does not concern the row
	CountDraft   CountState = "draft"   // the row is not sent yet
	CountAhead   CountState = "ahead"   // nothing is pending yet
	CountRunning CountState = "running" // within the limit, or its length is not known
	CountOver    CountState = "over"    // the limit is exceeded
	CountStill   CountState = "still"   // nothing is pending now
	CountDone    CountState = "done"    // all that was sent has ended
)

// State tells how the project stands.
func (c *Count) State() CountState {
	switch {
	case len(c.spans) == 0:
		return CountAhead
	case c.spans[len(c.spans)-1].to.IsZero() && c.Over() > 0:
		return CountOver
	case c.spans[len(c.spans)-1].to.IsZero():
		return CountRunning
	case c.waiting:
		return CountStill
	}
	return CountDone
}

// Row tells how a row of the project stands, and how many days of the limit
// were used: now, or when the row's matter ended.
func (c *Count) Row(r *Row) (state CountState, days int) {
	switch {
	case c.Limit.Covered(r.Type) == nil:
		return CountNone, 0
	case r.Status == Draft:
		return CountDraft, 0
	case r.Status.Ended() && r.Started.IsZero():
		return CountNone, 0
	case r.Status.Ended():
		return CountDone, c.daysOn(i18n.Day(r.StatusAt))
	}
	return c.State(), c.Days()
}

// Started is the day on which the count began; zero when it has not.
func (c *Count) Started() time.Time {
	if len(c.spans) == 0 {
		return time.Time{}
	}
	return c.spans[0].from
}

// Days tells how many days of the limit are used.
func (c *Count) Days() int { return c.daysOn(c.today) }

// Total tells how many days the limit has; 0 when that is not known.
func (c *Count) Total() int {
	if c.Class == nil || len(c.spans) == 0 {
		return 0
	}
	return i18n.DaysBetween(c.Started(), i18n.AddMonths(c.Started(), c.Class.Months))
}

// Last is the last day of the limit if the count runs on from now; zero when
// it has not begun, does not run, or its length is not known.
func (c *Count) Last() time.Time {
	if c.Total() == 0 || !c.spans[len(c.spans)-1].to.IsZero() {
		return time.Time{}
	}
	return c.today.AddDate(0, 0, c.Total()-c.Days())
}

// Over tells by how many days the limit is exceeded.
func (c *Count) Over() int {
	if c.Total() == 0 {
		return 0
	}
	return max(0, c.Days()-c.Total())
}

// Left tells how many days there are to the last one.
func (c *Count) Left() int { return c.Total() - c.Days() }

func (c *Count) daysOn(day time.Time) int {
	n := 0
	for _, s := range c.spans {
		to := s.to
		if to.IsZero() || to.After(day) {
			to = day
		}
		n += max(0, i18n.DaysBetween(s.from, to))
	}
	return n
}

// count counts a project's statutory time limit; nil when it has none.
//
// The class is the one that the last sending settled: a draft that is being
// changed changes nothing. What no sending has settled is judged by the common
// data as they are now.
func (d *Desk) count(p *Project, rows []Row) (*Count, error) {
	limit := d.Catalogue.Limit(p.Entity)
	if limit == nil {
		return nil, nil //nolint:nilnil // no limit is no error
	}
	c := countOf(limit, rows, d.Now())
	if c == nil || c.Class != nil {
		return c.unlessFree(), nil
	}
	common, err := d.commonForm(p)
	if err != nil {
		return nil, err
	}
	c.Class, c.Lacks = limit.Judge(c.Law, catalogue.TermsOf(common, p.Answers))
	c.Certain = c.Certain && c.Class != nil && c.Class.Certain()
	return c.unlessFree(), nil
}

// unlessFree returns nil when the law sets such a project no limit.
func (c *Count) unlessFree() *Count {
	if c != nil && c.Class != nil && c.Class.Months == 0 {
		return nil
	}
	return c
}

// countOf counts rows; nil when the limit concerns none of them, or all that it
// concerns ended before anything was pending.
func countOf(limit *catalogue.Limit, rows []Row, now time.Time) *Count {
	c := &Count{Limit: limit, Certain: true, today: i18n.Day(now)}
	var sent []*Row
	concerned := false // a matter that was counted, or still may be
	for i := range rows {
		covered := limit.Covered(rows[i].Type)
		if covered == nil {
			continue
		}
		concerned = concerned || !rows[i].Status.Ended() || !rows[i].Started.IsZero()
		if rows[i].Status == Draft {
			continue
		}
		c.Certain = c.Certain && covered.Mark == "certain"
		c.waiting = c.waiting || !rows[i].Status.Ended()
		sent = append(sent, &rows[i])
	}
	c.spans = spansOf(sent)
	from := now
	if len(c.spans) > 0 {
		from = c.Started()
	}
	if c.Law = limit.Law(from); c.Law == nil || !concerned {
		return nil
	}
	slices.SortStableFunc(sent, func(a, b *Row) int { return a.LimitAt.Compare(b.LimitAt) })
	for _, r := range sent {
		if class := c.Law.Class(r.LimitClass); class != nil {
			c.Class = class
		}
	}
	c.Certain = c.Certain && (c.Class == nil || c.Class.Certain())
	return c
}

// spansOf joins the times in which the rows' matters were pending.
func spansOf(sent []*Row) []span {
	var all []span
	for _, r := range sent {
		if r.Started.IsZero() {
			continue
		}
		s := span{from: i18n.Day(r.Started)}
		if r.Status.Ended() {
			s.to = i18n.Day(r.StatusAt)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	var joined []span
	for _, s := range all {
		n := len(joined) - 1
		switch {
		case n < 0 || !joined[n].to.IsZero() && joined[n].to.Before(s.from):
			joined = append(joined, s)
		case joined[n].to.IsZero():
		case s.to.IsZero() || s.to.After(joined[n].to):
			joined[n].to = s.to
		}
	}
	return joined
}

// settles names the class of the limit that a sending of the matter settles,
// under each law that may be in force when the count begins: "" when the limit
// does not concern it, or is left open.
func (d *Desk) settles(m *Matter, p *Project, common *forms.Form) string {
	limit := d.Catalogue.Limit(p.Entity)
	if limit == nil || limit.Covered(m.Type) == nil {
		return ""
	}
	terms := catalogue.TermsOf(common, p.Answers)
	var refs []string
	for i := range limit.Laws {
		if class, _ := limit.Judge(&limit.Laws[i], terms); class != nil {
			refs = append(refs, class.Ref())
		}
	}
	return strings.Join(refs, " ")
}
