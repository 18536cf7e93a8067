package survey

import (
	"fmt"
	"slices"
	"time"

	"luvat/internal/i18n"
)

// A Deadline is how long before the start of an undertaking a matter must be
// with its authority.
type Deadline struct {
	Value int    `json:"value"`
	Unit  string `json:"unit"`
}

// The units of deadlines.
const (
	Hour       = "hour"
	Day        = "day"         // vuorokausi, dygn
	WorkingDay = "working_day" // arkipäivä from Monday to Friday, vardag
	Month      = "month"
)

// Units lists all units.
var Units = []string{Hour, Day, WorkingDay, Month}

// Check refuses a deadline that Latest could not count.
func (d Deadline) Check() error {
	if !slices.Contains(Units, d.Unit) {
		return fmt.Errorf("unit %q of a deadline is not known", d.Unit)
	}
	if d.Value < 1 {
		return fmt.Errorf("%d is too short for a deadline", d.Value)
	}
	return nil
}

// Latest returns the last moment to act when the undertaking starts at start.
//
// Hours are counted exactly. Days, working days and months are counted back
// in the calendar of Helsinki and keep the time of day at which the
// undertaking starts. By the Act on the calculation of statutory time limits
// (laki säädettyjen määräaikain laskemisesta, 150/1930) the day from which one
// counts is not counted (2 §), and months end on the day of the same number
// or, where the month has none, on its last day (3 §). So 14 days before
// 20 June is 6 June, and a month before 31 March is 28 February. That day is
// the last day; the time of day is kept because many limits speak of
// vuorokausi, and to be earlier on the last day is never wrong.
//
// The last day may be a Saturday or a holiday. The act moves such a day to
// the next working day (5 §), but only for a time that runs forward; here
// moving it would shorten the authority's time. It need not be moved back
// either, since the hub takes matters in on every day.
//
// Where clocks change, the earlier moment is taken. A deadline that Check
// refuses gives the start itself.
func (d Deadline) Latest(start time.Time) time.Time {
	start = start.In(i18n.Zone)
	if d.Check() != nil {
		return start
	}
	switch d.Unit {
	case Hour:
		return start.Add(-time.Duration(d.Value) * time.Hour)
	case WorkingDay:
		day := civil(start)
		for left := d.Value; left > 0; {
			day = day.AddDate(0, 0, -1)
			if WorksOn(day) {
				left--
			}
		}
		return onDay(day, start)
	case Month:
		return onDay(i18n.AddMonths(civil(start), -d.Value), start)
	default:
		return onDay(civil(start).AddDate(0, 0, -d.Value), start)
	}
}

// civil returns the day in UTC, where every day has 24 hours.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// onDay returns the moment of that day at which the clock in Helsinki shows
// what it shows at clock. Of two such moments it is the earlier; if there is
// none, because clocks are put forward, it is an hour earlier.
func onDay(day, clock time.Time) time.Time {
	h, m, s := clock.Clock()
	y, mon, d := day.Date()
	t := time.Date(y, mon, d, h, m, s, clock.Nanosecond(), i18n.Zone)
	if t.Hour() > h { // skipped by the clock
		return t.Add(-time.Hour)
	}
	if before := t.Add(-time.Hour); before.Hour() == h && before.Day() == d {
		return before
	}
	return t
}

// WorksOn tells whether the day is a working day in Finland: Monday to
// Friday, no public holiday, neither Midsummer Eve nor Christmas Eve.
func WorksOn(day time.Time) bool {
	switch day.Weekday() {
	case time.Saturday, time.Sunday:
		return false
	}
	y, m, d := day.Date()
	switch md := int(m)*100 + d; {
	case md == 101, md == 106, md == 501, md == 1206, md == 1224, md == 1225, md == 1226:
		return false // New Year, Epiphany, May Day, Independence Day, Christmas
	case day.Weekday() == time.Friday && md >= 619 && md <= 625:
		return false // Midsummer Eve
	}
	// Holidays of spring by their distance from Easter Day. Midsummer Day, All
	// Saints' Day, Easter Day and Whit Sunday never fall on a weekday.
	switch civil(day).Sub(easter(y)) / (24 * time.Hour) {
	case -2, 1, 39:
		return false // Good Friday, Easter Monday, Ascension Day
	}
	return true
}

// easter returns Easter Day of the year (Gregorian computus, Meeus, Jones and
// Butcher), in UTC.
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}
