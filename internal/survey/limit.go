package survey

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"luvat/internal/i18n"
)

// A Limit is by when a matter must be with its authority: a deadline, what it
// counts back from, and how well it is known. A matter type has one in
// general; a rule that knows better says its own.
type Limit struct {
	Deadline
	Before string    `json:"before"`
	Mark   string    `json:"mark"`          // certain, local, advised or proposed
	Note   i18n.Text `json:"note,omitzero"` // empty where nothing need be added
}

// What limits count back from. Only of the first two does the applicant tell
// the day in the survey.
const (
	EventStart    = "event_start"
	ActivityStart = "activity_start"
	WorkStart     = "work_start"  // of the noisy work, not of the plant
	WishedTime    = "wished_time" // of an inspection
)

var (
	befores    = []string{EventStart, ActivityStart, WorkStart, WishedTime}
	limitMarks = []string{"certain", "local", "advised", "proposed"}
)

// Check refuses a limit that cannot be counted or told.
func (l Limit) Check() error {
	errs := []error{l.Deadline.Check()}
	if !slices.Contains(befores, l.Before) {
		errs = append(errs, fmt.Errorf("a deadline before %q is not known", l.Before))
	}
	if !slices.Contains(limitMarks, l.Mark) {
		errs = append(errs, fmt.Errorf("mark %q of a deadline is not known", l.Mark))
	}
	if !l.Note.Whole() && (l.Mark != "certain" || !l.Note.Empty()) {
		errs = append(errs, errors.New("the deadline's note is missing in a language"))
	}
	return errors.Join(errs...)
}

// Binds tells whether it holds for sure, and is not only advice. A local one
// is the rule of some municipality: here it may be another.
func (l Limit) Binds() bool { return l.Mark == "certain" }

// Last returns the last moment to act when the undertaking starts at start;
// the zero time where there is no day to count from.
func (l Limit) Last(start time.Time) time.Time {
	if start.IsZero() || !l.counts() {
		return time.Time{}
	}
	return l.Latest(start)
}

func (l Limit) counts() bool { return l.Before == EventStart || l.Before == ActivityStart }

// A Due is a limit that holds for a finding.
type Due struct {
	Limit
	Last   time.Time // zero where it cannot be counted
	Reason int       // of Finding.Reasons: the first whose limit this is
}

// some is a start by which limits are compared while the day is not known.
var some = time.Date(2027, 6, 16, 12, 0, 0, 0, i18n.Zone)

// Dues tells by when the matter must be with its authority: what each rule
// says that called for it, and general, the matter type's own limit, where a
// rule says nothing or only advises: advice takes no limit away that binds. The
// strictest comes first and rules; of two with the same last day that is the one
// that binds. No reasons give the general one.
func (f Finding) Dues(general *Limit, start time.Time) []Due {
	var all []Due
	add := func(l *Limit, reason int) {
		if l != nil && !slices.ContainsFunc(all, func(d Due) bool { return d.Limit == *l }) {
			all = append(all, Due{Limit: *l, Last: l.Last(start), Reason: reason})
		}
	}
	for i, r := range f.Reasons {
		if r.Limit != nil {
			add(r.Limit, i)
		}
		if r.Limit == nil || general != nil && general.Binds() && !r.Limit.Binds() {
			add(general, i)
		}
	}
	if len(f.Reasons) == 0 {
		add(general, 0)
	}
	from := start
	if from.IsZero() {
		from = some
	}
	slices.SortStableFunc(all, func(a, b Due) int {
		return cmp.Or(last(a.counts(), b.counts()), a.Latest(from).Compare(b.Latest(from)), last(a.Binds(), b.Binds()))
	})
	return all
}

// last sorts what is not so after what is so.
func last(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
