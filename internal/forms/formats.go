package forms

import (
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"luvat/internal/i18n"
)

// errFormat is enough: which format it was stands in the problem.
var errFormat = errors.New("not of the format")

// Patterns of the formats that are a shape only.
var (
	phoneShape      = regexp.MustCompile(`^\+?[0-9(][0-9 ()/-]*$`)
	propertyShape   = regexp.MustCompile(`^([0-9]{1,3}-[0-9]{1,3}-[0-9]{1,4}-[0-9]{1,4}(-[MKmk][0-9]{1,4})?|[0-9]{14})$`)
	codeShape       = regexp.MustCompile(`^[0-9]{3}$`)
	attachmentShape = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$`)
	matterShape     = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_./-]{0,63}$`)
	foreignPostal   = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z -]{0,9}$`)
	finnishPostal   = regexp.MustCompile(`^[0-9]{5}$`)
	timeShape       = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
)

// formats returns the formats that we assert. They replace the library's own of
// the same name: its "time" wants a zone, its "email" takes a bare host.
func formats(set settings) map[string]func(string) bool {
	return map[string]func(string) bool{
		"date":            isDate,
		"time":            timeShape.MatchString,
		"date-time-local": isDateTime,
		"email":           isEmail,
		"phone":           isPhone,
		"business-id":     isBusinessID,
		"property-id":     isPropertyID,
		"municipality": func(s string) bool {
			return codeShape.MatchString(s) && (set.municipality == nil || set.municipality(s))
		},
		"postal-code": foreignPostal.MatchString, // a Finnish one has its rule in check.go
		"attachment":  attachmentShape.MatchString,
		"matter-ref":  matterShape.MatchString,
	}
}

// isDate takes 2026-07-01, of a year that can be meant.
func isDate(s string) bool {
	t, ok := i18n.ParseDay(s)
	return ok && t.Format(time.DateOnly) == s
}

// yearShape finds the year of a date, however many figures it has.
var yearShape = regexp.MustCompile(`^(?:(-?[0-9]{1,7})(-[0-9]{2}-[0-9]{2})|([0-9]{1,2}\.[0-9]{1,2}\.)([0-9]{1,7}))$`)

// WrongYear tells of a date, as a browser or a person writes it, that all of it
// could be meant but the year: 20266, 1026 and 2206 are slips of the finger.
func WrongYear(s string) bool {
	s = strings.ReplaceAll(oneSpace(s), " ", "")
	part := yearShape.FindStringSubmatch(s)
	if part == nil {
		return false
	}
	if _, ok := date(s); ok {
		return false
	}
	_, iso := date("2024" + part[2])
	_, written := date(part[3] + "2024")
	return iso || written
}

// dateKey is the key of what is wrong with a date, or one with a time.
func dateKey(s, key string) string {
	if day, _ := SplitDateTime(s); WrongYear(day) {
		return "forms.bad_year"
	}
	return key
}

func isDateTime(s string) bool {
	date, clock := SplitDateTime(s)
	return isDate(date) && timeShape.MatchString(clock)
}

// SplitDateTime takes a date with a time apart, as far as it was given. The
// last T stands between them: what was typed may hold others.
func SplitDateTime(s string) (date, clock string) {
	i := strings.LastIndexByte(s, 'T')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// halfGiven tells what a date with a time still lacks: an answer that is kept
// and not wrong, but not whole either. It returns the key of what is missing, or
// "" when both are there or one cannot be read.
func halfGiven(s string) string {
	date, clock := SplitDateTime(s)
	switch {
	case clock == "" && isDate(date):
		return "forms.time_missing"
	case date == "" && timeShape.MatchString(clock):
		return "forms.date_missing"
	}
	return ""
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsAny(s, " \"<>") {
		return false
	}
	_, host, _ := strings.Cut(s, "@")
	dot := strings.LastIndexByte(host, '.')
	return dot > 0 && dot < len(host)-1
}

func isPhone(s string) bool {
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	return phoneShape.MatchString(s) && digits >= 3 && digits <= 15
}

// isBusinessID takes a Finnish business id (Y-tunnus): seven digits, a hyphen
// and a check digit. The digits are weighted 7, 9, 10, 5, 8, 4, 2; the check
// digit makes the sum divisible by eleven, and an id that would need the check
// digit ten is never given.
func isBusinessID(s string) bool {
	if len(s) != 9 || s[7] != '-' {
		return false
	}
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 0, 1} {
		if i == 7 {
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		sum += weight * int(s[i]-'0')
	}
	return sum%11 == 0
}

// isPropertyID takes a Finnish property id (kiinteistötunnus), as people write
// it, 91-1-2-3, also with a parcel part (määräala) -M501, or as fourteen digits.
func isPropertyID(s string) bool {
	return propertyShape.MatchString(s)
}
