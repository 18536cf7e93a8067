package i18n

import (
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zone must be there on machines without zone files
)

// Zone is the zone of every date the hub shows or reads.
var Zone = mustZone()

func mustZone() *time.Location {
	z, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		panic(err)
	}
	return z
}

// Date shows a day: 24.12.2026, 24.12.2026 in Swedish too (the usage in
// Finland), 24 December 2026 in English.
func Date(l Lang, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(Zone)
	if l == EN {
		return t.Format("2 January 2006")
	}
	return t.Format("2.1.2006")
}

// Clock shows a time of day: 14.05 in Finnish and Swedish, 14:05 in English.
func Clock(l Lang, t time.Time) string {
	t = t.In(Zone)
	if l == EN {
		return t.Format("15:04")
	}
	return t.Format("15.04")
}

// DateTime shows a day and a time of day.
func DateTime(l Lang, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	switch l {
	case SV:
		return Date(l, t) + " kl. " + Clock(l, t)
	case EN:
		return Date(l, t) + " at " + Clock(l, t)
	default:
		return Date(l, t) + " klo " + Clock(l, t)
	}
}

// DaysBetween counts from calendar day to calendar day in Finland: 1 from any
// moment of a day to any moment of the next.
func DaysBetween(from, to time.Time) int {
	return int(Day(to).Sub(Day(from)) / (24 * time.Hour))
}

// Day returns the calendar day of the moment in Finland, as its midnight in UTC:
// such days are a whole number of times 24 hours apart.
func Day(t time.Time) time.Time {
	y, m, d := t.In(Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Years that a date can mean: people who were born long ago, and plans of a
// lifetime.
const FirstYear, LastYear = 1800, 2099

// ParseDay reads a day as browsers send it, 2027-07-01, or as people write it,
// 1.7.2027, with spaces anywhere: its first moment in Finland. ok is false for
// what is no day, and for a year that cannot be meant.
func ParseDay(s string) (day time.Time, ok bool) {
	s = strings.Join(strings.Fields(s), "")
	for _, layout := range []string{time.DateOnly, "2.1.2006"} {
		if t, err := time.ParseInLocation(layout, s, Zone); err == nil && t.Year() >= FirstYear && t.Year() <= LastYear {
			return t, true
		}
	}
	return time.Time{}, false
}

// AddMonths returns the same moment of the day n months later, before when n is
// negative: on the day of the same number, or the last one of a month that has no
// such day (laki säädettyjen määräaikain laskemisesta 150/1930, 3 §).
func AddMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	return first.AddDate(0, 0, min(t.Day(), first.AddDate(0, 1, -1).Day())-1)
}

// Number shows a whole number with its thousands apart.
func Number(l Lang, n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	gap := "\u00a0"
	if l == EN {
		gap = ","
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(gap)
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

// Size shows a number of bytes as people count them: 512 kt, 1,5 Mt.
func Size(l Lang, n int64) string {
	units := [...]string{"t", "kt", "Mt", "Gt"}
	if l != FI {
		units = [...]string{"B", "kB", "MB", "GB"}
	}
	f, i := float64(n), 0
	for f >= 1000 && i < len(units)-1 {
		f /= 1000
		i++
	}
	s := strconv.FormatFloat(f, 'f', 1, 64)
	if i == 0 || strings.HasSuffix(s, ".0") || f >= 100 {
		s = strconv.FormatFloat(f, 'f', 0, 64)
	}
	if l != EN {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s + "\u00a0" + units[i]
}
