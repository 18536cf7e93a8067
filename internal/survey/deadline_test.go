package survey

import (
	"testing"
	"time"

	"luvat/internal/i18n"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := time.ParseInLocation("2006-01-02 15:04", s, i18n.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLatest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		deadline Deadline
		start    string
		want     string // with the offset, which tells summer from winter
	}{
		{"public meeting, 24 hours", Deadline{24, Hour}, "2026-12-06 18:00", "2026-12-05 18:00 +0200"},
		{"24 hours over the spring change are 24 hours", Deadline{24, Hour}, "2027-03-28 12:00", "2027-03-27 11:00 +0200"},
		{"24 hours over the autumn change are 24 hours", Deadline{24, Hour}, "2026-10-25 12:00", "2026-10-24 13:00 +0300"},
		{"police notice, 5 days", Deadline{5, Day}, "2027-06-19 16:00", "2027-06-14 16:00 +0300"},
		{"the day of the event is not counted", Deadline{14, Day}, "2027-06-20 00:00", "2027-06-06 00:00 +0300"},
		{"days over the spring change keep the clock", Deadline{14, Day}, "2027-04-03 19:00", "2027-03-20 19:00 +0200"},
		{"days over the autumn change keep the clock", Deadline{1, Day}, "2026-10-25 12:00", "2026-10-24 12:00 +0300"},
		{"a clock time that the spring change skips", Deadline{7, Day}, "2027-04-04 03:30", "2027-03-28 02:30 +0200"},
		{"a clock time that comes twice: the first", Deadline{7, Day}, "2026-11-01 03:30", "2026-10-25 03:30 +0300"},
		{"noise, 30 days over the turn of the year", Deadline{30, Day}, "2027-01-10 12:00", "2026-12-11 12:00 +0200"},
		{"the last day may be a Sunday", Deadline{14, Day}, "2027-06-13 12:00", "2027-05-30 12:00 +0300"},
		{"food, 4 working days before a Saturday", Deadline{4, WorkingDay}, "2026-11-28 10:00", "2026-11-24 10:00 +0200"},
		{"4 working days before a Monday", Deadline{4, WorkingDay}, "2026-11-30 10:00", "2026-11-24 10:00 +0200"},
		{"working days over Christmas", Deadline{4, WorkingDay}, "2026-12-29 10:00", "2026-12-21 10:00 +0200"},
		{"working days over Easter", Deadline{4, WorkingDay}, "2027-03-31 10:00", "2027-03-23 10:00 +0200"},
		{"working days over midsummer", Deadline{1, WorkingDay}, "2027-06-28 10:00", "2027-06-24 10:00 +0300"},
		{"on Midsummer Eve itself", Deadline{1, WorkingDay}, "2027-06-25 18:00", "2027-06-24 18:00 +0300"},
		{"working days over Ascension Day", Deadline{2, WorkingDay}, "2027-05-07 12:00", "2027-05-04 12:00 +0300"},
		{"camping, 3 months", Deadline{3, Month}, "2027-07-15 12:00", "2027-04-15 12:00 +0300"},
		{"a month without that day ends on its last", Deadline{1, Month}, "2027-03-31 12:00", "2027-02-28 12:00 +0200"},
		{"the same in a leap year", Deadline{3, Month}, "2028-05-31 12:00", "2028-02-29 12:00 +0200"},
		{"months over the turn of the year", Deadline{3, Month}, "2027-02-28 12:00", "2026-11-28 12:00 +0200"},
		{"more than a year of months", Deadline{14, Month}, "2027-01-31 12:00", "2025-11-30 12:00 +0200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.deadline.Latest(at(t, tt.start).UTC()).Format("2006-01-02 15:04 -0700")
			if got != tt.want {
				t.Errorf("%d %s before %s = %s, want %s", tt.deadline.Value, tt.deadline.Unit, tt.start, got, tt.want)
			}
		})
	}
}

func TestDeadlineCheck(t *testing.T) {
	for _, unit := range Units {
		if err := (Deadline{1, unit}).Check(); err != nil {
			t.Errorf("Check of 1 %s = %v", unit, err)
		}
	}
	start := at(t, "2027-06-19 16:00")
	for _, d := range []Deadline{{}, {0, Day}, {-1, Month}, {3, "week"}} {
		if d.Check() == nil {
			t.Errorf("Check took %d %q", d.Value, d.Unit)
		}
		if got := d.Latest(start); !got.Equal(start) {
			t.Errorf("Latest of %d %q = %s, want the start", d.Value, d.Unit, got)
		}
	}
}

// The holidays on weekdays, from the almanacs of these years.
func TestWorksOn(t *testing.T) {
	free := map[string]bool{}
	for _, day := range []string{
		"2026-01-01", "2026-01-06", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14", "2026-06-19", "2026-12-24", "2026-12-25",
		"2027-01-01", "2027-01-06", "2027-03-26", "2027-03-29", "2027-05-06", "2027-06-25", "2027-12-06", "2027-12-24",
		"2028-01-06", "2028-04-14", "2028-04-17", "2028-05-01", "2028-05-25", "2028-06-23", "2028-12-06", "2028-12-25", "2028-12-26",
	} {
		free[day] = true
	}
	for day := time.Date(2026, 1, 1, 12, 0, 0, 0, i18n.Zone); day.Year() < 2029; day = day.AddDate(0, 0, 1) {
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		want := !weekend && !free[day.Format(time.DateOnly)]
		if got := WorksOn(day); got != want {
			t.Errorf("WorksOn(%s) = %v, want %v", day.Format("Mon 2006-01-02"), got, want)
		}
	}
}

func TestEaster(t *testing.T) {
	for year, want := range map[int]string{1961: "04-02", 2000: "04-23", 2008: "03-23", 2019: "04-21", 2024: "03-31", 2026: "04-05", 2027: "03-28", 2038: "04-25", 2049: "04-18"} {
		if got := easter(year).Format("01-02"); got != want {
			t.Errorf("easter(%d) = %s, want %s", year, got, want)
		}
	}
}
