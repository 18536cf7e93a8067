package survey

import (
	"testing"
	"time"

	"luvat/internal/i18n"
)

func limit(value int, unit, before, mark string) *Limit {
	return &Limit{Deadline: Deadline{value, unit}, Before: before, Mark: mark}
}

func TestDues(t *testing.T) {
	start := time.Date(2027, 7, 1, 0, 0, 0, 0, i18n.Zone)
	general := limit(60, Day, EventStart, "advised")
	for _, tt := range []struct {
		name    string
		rules   []*Limit
		general *Limit
		last    string // of the one that rules
		reason  int
		n       int
	}{
		{"no rule says anything", []*Limit{nil, nil}, general, "2027-05-02", 0, 1},
		{"no reasons", nil, general, "2027-05-02", 0, 1},
		{"the rule knows better", []*Limit{limit(3, Day, EventStart, "certain")}, general, "2027-06-28", 0, 1},
		{"the strictest of two", []*Limit{limit(3, Day, EventStart, "certain"), limit(14, Day, EventStart, "advised")}, general, "2027-06-17", 1, 2},
		{"one rule says nothing: the general one counts too", []*Limit{limit(3, Day, EventStart, "certain"), nil}, general, "2027-05-02", 1, 2},
		{"units are compared by the day they give", []*Limit{limit(4, WorkingDay, EventStart, "certain"), limit(5, Day, EventStart, "certain")}, nil, "2027-06-24", 0, 2},
		{"of the same day the one that binds", []*Limit{limit(14, Day, EventStart, "local"), limit(14, Day, EventStart, "certain")}, nil, "2027-06-17", 1, 2},
		{"what cannot be counted comes last", []*Limit{limit(30, Day, WorkStart, "certain"), limit(5, Day, EventStart, "certain")}, nil, "2027-06-26", 1, 2},
		{"advice takes no limit away that binds", []*Limit{limit(14, Day, EventStart, "advised")}, limit(5, Day, EventStart, "certain"), "2027-06-17", 0, 2},
		{"none at all", []*Limit{nil}, nil, "", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f Finding
			for _, l := range tt.rules {
				f.Reasons = append(f.Reasons, Reason{Limit: l})
			}
			for _, from := range []time.Time{start, {}} {
				dues := f.Dues(tt.general, from)
				if len(dues) != tt.n {
					t.Fatalf("%d limits, want %d", len(dues), tt.n)
				}
				if tt.n == 0 {
					continue
				}
				want := tt.last
				if from.IsZero() {
					want = "0001-01-01"
				}
				if got := dues[0].Last.Format(time.DateOnly); got != want || dues[0].Reason != tt.reason {
					t.Errorf("from %v: %s by reason %d, want %s by reason %d", from, got, dues[0].Reason, want, tt.reason)
				}
			}
		})
	}
}

func TestLimitCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Limit)
		ok     bool
	}{
		{"certain needs no note", func(*Limit) {}, true},
		{"advised needs one", func(l *Limit) { l.Mark = "advised" }, false},
		{"advised with one", func(l *Limit) { l.Mark, l.Note = "advised", text("note") }, true},
		{"half a note", func(l *Limit) { l.Note = i18n.Text{FI: "x"} }, false},
		{"unit", func(l *Limit) { l.Unit = "week" }, false},
		{"before", func(l *Limit) { l.Before = "christmas" }, false},
		{"mark", func(l *Limit) { l.Mark = "sure" }, false},
		{"nothing", func(l *Limit) { l.Value = 0 }, false},
	} {
		l := limit(3, Day, EventStart, "certain")
		tt.change(l)
		if err := l.Check(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
