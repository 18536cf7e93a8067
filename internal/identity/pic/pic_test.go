package pic_test

import (
	"bytes"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luvat/internal/identity/pic"
)

// Invented codes: their numbers are from 900 up.
const sample = "210281-9988"

const (
	intermediates = "+-YXWVUABCDEF"
	checks        = "0123456789ABCDEFHJKLMNPRSTUVWXY"
	printable     = "0123456789+-ABCDEFGHIJKLMNOPQRSTUVWXYZabcyz. Åé\x00"
)

// written draws a valid code, made by the rule and not by the program.
func written(t *rapid.T) string {
	mark := rapid.SampledFrom([]byte(intermediates)).Draw(t, "intermediate")
	century := 2000
	if mark == '+' {
		century = 1800
	} else if strings.IndexByte("-YXWVU", mark) >= 0 {
		century = 1900
	}
	day := time.Date(century, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 36523).Draw(t, "day"))
	date, number := day.Format("020106"), fmt.Sprintf("%03d", rapid.IntRange(2, 999).Draw(t, "number"))
	return date + string(mark) + number + check(date+number)
}

func check(nine string) string {
	n := 0
	for _, d := range nine {
		n = n*10 + int(d-'0')
	}
	return checks[n%31 : n%31+1]
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		err        error
	}{
		{"of the register's own examples", "131052-308T", nil},
		{"a number for tests", sample, nil},
		{"an intermediate of 2023, 1900s", "010594Y9021", nil},
		{"an intermediate of 2023, 2000s", "010516B903X", nil},
		{"born in the 1800s", "131052+308T", nil},
		{"a leap day of 2000", "290200A900" + check("290200900"), nil},
		{"1900 was no leap year", "290200-9000", pic.ErrDate},
		{"the 31st of April", "310481-9984", pic.ErrDate},
		{"month 13", "011381-9985", pic.ErrDate},
		{"day 0", "000181-9984", pic.ErrDate},
		{"month 0", "010081-9984", pic.ErrDate},
		{"number 001", "210281-0017", pic.ErrNumber},
		{"check character", "210281-9989", pic.ErrCheck},
		{"small letters", "131052-308t", pic.ErrCheck},
		{"a small intermediate", "010516b903X", pic.ErrIntermediate},
		{"an intermediate that is none", "210281G9988", pic.ErrIntermediate},
		{"letters in the date", "2102B1-9988", pic.ErrDigits},
		{"letters in the number", "210281-99A8", pic.ErrDigits},
		{"a space before", " 10281-99889", pic.ErrLength},
		{"a space for a digit", " 10281-9988", pic.ErrDigits},
		{"no intermediate", "2102819988", pic.ErrLength},
		{"the year in full", "21021981-9988", pic.ErrLength},
		{"nothing", "", pic.ErrLength},
		{"digits of another script", "2102８1-9988"[:11], pic.ErrDigits},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := pic.Parse(tt.code)
			if !errors.Is(err, tt.err) {
				t.Fatalf("Parse says %v; want %v", err, tt.err)
			}
			if err == nil && c.Reveal() != tt.code {
				t.Errorf("Reveal gives %q", c.Reveal())
			}
			if err != nil && (!c.IsZero() || tt.code != "" && strings.Contains(err.Error(), tt.code)) {
				t.Errorf("Parse gives %v, %v", c, err)
			}
		})
	}
}

// TestOneChangedCharacter: every valid code parses, and of all codes that differ
// from it in one character only those are valid whose intermediate character
// differs. There are twelve of them, as the check character does not cover it,
// and five for those born on 29 February 2000, a day that only one century has.
func TestOneChangedCharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := written(t)
		c, err := pic.Parse(s)
		if err != nil || c.Reveal() != s {
			t.Fatalf("%s does not parse: %v", s, err)
		}
		valid := 0
		for i := range s {
			for _, r := range printable {
				changed := s[:i] + string(r) + s[i+1:]
				if changed == s {
					continue
				}
				other, err := pic.Parse(changed)
				if err != nil {
					if strings.Contains(err.Error(), changed) {
						t.Fatalf("the error says the code: %v", err)
					}
					continue
				}
				if i != 6 || other == c || other.Reveal() != changed {
					t.Fatalf("%s is taken for %s", changed, other.Reveal())
				}
				valid++
			}
		}
		want := len(intermediates) - 1
		if strings.HasPrefix(s, "290200") {
			want = len("ABCDEF") - 1
		}
		if valid != want {
			t.Fatalf("%d neighbours of %s are valid; want %d", valid, s, want)
		}
	})
}

func TestCodesAreEqualByAllCharacters(t *testing.T) {
	one, err1 := pic.Parse("010594Y9021")
	same, err2 := pic.Parse(strings.Clone("010594Y9021"))
	other, err3 := pic.Parse("010594-9021")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if one != same || one == other || one == (pic.Code{}) {
		t.Error("codes are not compared by all their characters")
	}
	if found := map[pic.Code]int{one: 1, other: 2}; found[same] != 1 {
		t.Error("a code does not find itself in a map")
	}
	if !one.Artificial() {
		t.Error("902 is a number for tests")
	}
	if real, err := pic.Parse("131052-308T"); err != nil || real.Artificial() {
		t.Errorf("308 is no number for tests (%v)", err)
	}
}

func TestZero(t *testing.T) {
	var none pic.Code
	if !none.IsZero() || none.Reveal() != "" || none.Artificial() || none.String() != "hidden" {
		t.Error("the zero code is somebody")
	}
}

// A bearer holds a code in every way a struct can, also where fmt cannot ask
// the code how it wants to be shown.
type bearer struct {
	Open    pic.Code
	Pointer *pic.Code
	Any     any
	List    []pic.Code
	Map     map[string]pic.Code
	Key     map[pic.Code]string
	Nested  struct{ inner pic.Code }
	secret  pic.Code
	secrets []pic.Code
	handed  any
	pic.Code
}

func TestNeverShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := written(t)
		c, err := pic.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		b := bearer{Open: c, Pointer: &c, Any: c, List: []pic.Code{c}, Map: map[string]pic.Code{"a": c}, Key: map[pic.Code]string{c: "b"}, secret: c, secrets: []pic.Code{c}, handed: &c, Code: c}
		b.Nested.inner = c
		for _, v := range []any{c, &c, []pic.Code{c}, map[pic.Code]pic.Code{c: c}, b, &b, []any{&b}, struct{ c pic.Code }{c}, struct{ p *bearer }{&b}, fmt.Errorf("a person: %v", c)} {
			for _, shown := range shows(t, v) {
				if strings.Contains(shown, s) || strings.Contains(strings.ToLower(shown), hex.EncodeToString([]byte(s))) {
					t.Fatalf("%T shows %s: %s", v, s, shown)
				}
			}
		}
	})
}

// shows writes a value in every way in which values get into logs and answers.
func shows(t *rapid.T, v any) (all []string) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%20s", "%-30v", "%.3s", "%T"} {
		all = append(all, fmt.Sprintf(format, v))
	}
	all = append(all, fmt.Sprint(v), fmt.Sprintln("person", v))
	for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		body, err := encode(v)
		if err != nil {
			body = []byte(err.Error())
		}
		all = append(all, string(body))
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).With("with", v).Info("a person", "who", v, slog.Group("group", "who", v))
	}
	return append(all, log.String())
}

func TestMask(t *testing.T) {
	c, err := pic.Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"code": c})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%v %s %q %#v %s", c, c, c, c, body), `hidden hidden "hidden" hidden {"code":"hidden"}`; got != want {
		t.Errorf("a code is shown as %s; want %s", got, want)
	}
	if v, err := driver.Valuer(c).Value(); err == nil {
		t.Errorf("a database would keep %v", v)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{sample, "131052-308T", "010594Y9021", "010516B903X", "290200-9000", "210281-998", "", "2102８1-9988"[:11], "131052-308t", "\x00\x00\x00\x00\x00\x00-\xff\xff\xffA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := pic.Parse(s)
		if err != nil {
			if len(s) > 3 && strings.Contains(err.Error(), s) || !c.IsZero() {
				t.Fatalf("%v: %v", c, err)
			}
			return
		}
		if c.Reveal() != s || len(s) != 11 || check(s[:6]+s[7:10]) != s[10:] || strings.IndexByte(intermediates, s[6]) < 0 {
			t.Fatalf("%q is taken for a code", s)
		}
	})
}
