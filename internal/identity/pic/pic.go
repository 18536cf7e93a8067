// Package pic holds the personal identity code (henkilötunnus): what it is, and
// how the hub keeps it.
//
// A Code is compared as the whole string, never shown by accident, and read only
// by Reveal. At rest it is encrypted by a Vault, which also makes the keyed hash
// by which the row of a person is found:
//
//	provider ─► Parse ─► Code ─┬─► Vault.Hash ──► the column that finds the person
//	                           └─► Vault.Seal ──► the column that holds the code
//
// Beside it stands the business id (Y-tunnus), which is no secret.
package pic

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
	"unique"
)

// A Code is a personal identity code that obeys the rules, or the zero Code,
// which is nobody's. Two are equal (==) when all their characters are: since
// 2023 the intermediate character, too, tells people apart.
//
// No verb of fmt, no encoder and no log shows it, nor does a struct that holds
// it: every way out but Reveal says "hidden".
type Code struct {
	// A handle and not a string: fmt prints the unexported fields of others by
	// reflection, without asking our methods, and of this one sees an address.
	text unique.Handle[string]
}

// What can be wrong with a code. None of these contains it.
var (
	ErrLength       = errors.New("a personal identity code has eleven characters")
	ErrDigits       = errors.New("a personal identity code has digits where its date and number are")
	ErrIntermediate = errors.New("the character between date and number is none of + - Y X W V U A B C D E F")
	ErrDate         = errors.New("the date in the personal identity code does not exist")
	ErrNumber       = errors.New("the number in the personal identity code is below 002")
	ErrCheck        = errors.New("the check character of the personal identity code is wrong")
)

// marks are the intermediate characters and the centuries they stand for, with
// those that were taken into use in 2023.
var marks = map[byte]int{
	'+': 1800,
	'-': 1900, 'Y': 1900, 'X': 1900, 'W': 1900, 'V': 1900, 'U': 1900,
	'A': 2000, 'B': 2000, 'C': 2000, 'D': 2000, 'E': 2000, 'F': 2000,
}

// checks are the check characters by the remainder of the nine digits by 31.
const checks = "0123456789ABCDEFHJKLMNPRSTUVWXY"

// Parse reads a code: ddmmyy, an intermediate character, three digits and a
// check character, in capitals and with nothing around it, as registers write
// it. The error says what is wrong and never contains what was read.
func Parse(s string) (Code, error) {
	if len(s) != 11 {
		return Code{}, ErrLength
	}
	date, number := s[:6], s[7:10]
	if !digits(date) || !digits(number) {
		return Code{}, ErrDigits
	}
	century, ok := marks[s[6]]
	if !ok {
		return Code{}, ErrIntermediate
	}
	if !exists(century+value(date[4:]), value(date[2:4]), value(date[:2])) {
		return Code{}, ErrDate
	}
	if value(number) < 2 {
		return Code{}, ErrNumber
	}
	if s[10] != checks[value(date+number)%len(checks)] {
		return Code{}, ErrCheck
	}
	return Code{unique.Make(s)}, nil
}

// Reveal returns the code itself, "" of the zero Code. A test lists the places
// that may call it.
func (c Code) Reveal() string {
	if c.IsZero() {
		return ""
	}
	return c.text.Value()
}

// IsZero tells whether there is no code.
func (c Code) IsZero() bool { return c == Code{} }

// Artificial tells whether the code's number is from 900 up: such a code is
// temporary or made for tests, and no register names a person by it.
func (c Code) Artificial() bool { return !c.IsZero() && c.text.Value()[7] == '9' }

// mask is what stands where a code would.
const mask = "hidden"

// String, and the methods below, keep the code out of texts, logs and JSON.
func (Code) String() string { return mask }

// GoString hides the code from %#v.
func (Code) GoString() string { return mask }

// Format hides the code from every verb of fmt.
func (Code) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, `"`+mask+`"`)
		return
	}
	_, _ = io.WriteString(s, mask)
}

// MarshalText hides the code from encoders.
func (Code) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON hides the code from JSON.
func (Code) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// LogValue hides the code from logs.
func (Code) LogValue() slog.Value { return slog.StringValue(mask) }

// Value keeps the code, and its mask, out of databases.
func (Code) Value() (driver.Value, error) {
	return nil, errors.New("a personal identity code is stored sealed by a Vault, never as it is")
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// value reads digits.
func value(s string) (n int) {
	for i := range len(s) {
		n = 10*n + int(s[i]-'0')
	}
	return n
}

func exists(year, month, day int) bool {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Day() == day && t.Month() == time.Month(month)
}
