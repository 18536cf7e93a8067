package customer

import (
	"testing"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/survey"
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
		got := latest(tt.typ, tt.found, day("2027-07-01"), day(tt.now))
		if want := tt.want; got.IsZero() != (want == "") || want != "" && got.Format(time.DateOnly) != want {
			t.Errorf("%s: %v, want %s", tt.name, got, want)
		}
	}
}
