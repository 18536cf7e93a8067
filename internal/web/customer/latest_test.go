package customer

import (
	"testing"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/survey"
	"luvat/internal/web/ui"
)

func TestLatest(t *testing.T) {
	limit := func(days int, before, mark string) *survey.Limit {
		return &survey.Limit{Deadline: survey.Deadline{Value: days, Unit: survey.Day}, Before: before, Mark: mark}
	}
	day := func(s string) time.Time {
		d, err := time.ParseInLocation(time.DateOnly, s, i18n.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	found := survey.Finding{Reasons: []survey.Reason{{Limit: limit(14, survey.EventStart, "advised")}, {}}}
	police := &catalogue.Type{Deadline: limit(5, survey.EventStart, "certain")}
	for _, tt := range []struct {
		name  string
		typ   *catalogue.Type
		found survey.Finding
		now   string
		want  string
	}{
		{"by the type alone", police, survey.Finding{}, "2027-03-02", "2027-06-26"},
		{"the strictest of what the survey found", police, found, "2027-03-02", "2027-06-17"},
		{"that has passed: the next", police, found, "2027-06-20", "2027-06-26"},
		{"all have passed: the last", police, found, "2027-06-30", "2027-06-26"},
		{"no deadline", &catalogue.Type{}, survey.Finding{}, "2027-03-02", ""},
		{"no day to count from", &catalogue.Type{Deadline: limit(14, survey.WishedTime, "proposed")}, survey.Finding{}, "2027-03-02", ""},
		{"no such type any more", nil, found, "2027-03-02", ""},
	} {
		due := latest(tt.typ, tt.found, day("2027-07-01"), day(tt.now))
		got := due.Last
		if want := tt.want; got.IsZero() != (want == "") || want != "" && got.Format(time.DateOnly) != want {
			t.Errorf("%s: %v, want %s", tt.name, got, want)
		}
	}
}

// What is only advised is not told as an order, and a day that has passed says
// so.
func TestAdviceIsNoOrder(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2027, 2, d, 12, 0, 0, 0, i18n.Zone) }
	due := func(mark string) survey.Due { return survey.Due{Limit: survey.Limit{Mark: mark}, Last: day(4)} }
	for _, tt := range []struct {
		mark string
		now  time.Time
		left bool
		want string
		u    ui.Urgency
	}{
		{"certain", day(1), false, "Lähetä viimeistään 4.2.2027", ui.Soon},
		{"certain", day(1), true, "Lähetä viimeistään 4.2.2027, 3 päivää jäljellä", ui.Soon},
		{"certain", day(9), false, "Lähetä viimeistään 4.2.2027, määräpäivä on mennyt", ui.Late},
		{"advised", day(1), false, "Suositus: lähetä viimeistään 4.2.2027", ui.Soon},
		{"proposed", day(4), true, "Suositus: lähetä viimeistään 4.2.2027, suositeltu päivä on tänään", ui.Soon},
		{"local", day(9), false, "Suositus: lähetä viimeistään 4.2.2027, suositeltu päivä on mennyt", ui.Soon},
	} {
		if got, u := (say{i18n.FI}).sendBy(due(tt.mark), tt.now, tt.left); got != tt.want || u != tt.u {
			t.Errorf("%s on %s: %q, %v; want %q, %v", tt.mark, tt.now.Format(time.DateOnly), got, u, tt.want, tt.u)
		}
	}
}
