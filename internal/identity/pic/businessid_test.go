package pic_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"luvat/internal/identity/pic"
)

func TestParseBusinessID(t *testing.T) {
	for _, tt := range []struct {
		id   string
		want pic.BusinessID
		err  error
	}{
		{"0112038-9", "0112038-9", nil},
		{"2341528-4", "2341528-4", nil},
		{"112038-9", "0112038-9", nil},
		{"2341529-4", "", pic.ErrBusinessCheck},
		{"2341528-5", "", pic.ErrBusinessCheck},
		{"23415284", "", pic.ErrBusinessShape},
		{"2341528-", "", pic.ErrBusinessShape},
		{"2341528-44", "", pic.ErrBusinessShape},
		{"FI2341528-4", "", pic.ErrBusinessShape},
		{" 341528-4", "", pic.ErrBusinessShape},
		{"2341528–4", "", pic.ErrBusinessShape},
		{"", "", pic.ErrBusinessShape},
	} {
		if got, err := pic.ParseBusinessID(tt.id); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseBusinessID(%q) = %q, %v; want %q, %v", tt.id, got, err, tt.want, tt.err)
		}
	}
}

// TestBusinessIDCheckDigit: seven digits have one check digit at most, and no
// other digit in any place goes with it.
func TestBusinessIDCheckDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 9_999_999).Draw(t, "number")
		var valid []string
		for d := range 10 {
			if s := fmt.Sprintf("%07d-%d", n, d); parses(s) {
				valid = append(valid, s)
			}
		}
		if len(valid) > 1 {
			t.Fatalf("%v are all valid", valid)
		}
		for _, s := range valid {
			for i := range s {
				for d := '0'; d <= '9'; d++ {
					if changed := s[:i] + string(d) + s[i+1:]; changed != s && parses(changed) {
						t.Fatalf("%s and %s are both valid", s, changed)
					}
				}
			}
		}
	})
}

func parses(s string) bool {
	_, err := pic.ParseBusinessID(s)
	return err == nil
}
