package i18n_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
)

func keys(t *testing.T) map[string]i18n.Text {
	t.Helper()
	files, err := filepath.Glob("texts/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no texts: %v", err)
	}
	all := map[string]i18n.Text{}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var part map[string]i18n.Text
		if err := json.Unmarshal(body, &part); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for k, v := range part {
			all[k] = v
		}
	}
	return all
}

var blank = regexp.MustCompile(`\{\d+\}`)

func blanks(s string) []string {
	found := blank.FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryTextIsInThreeLanguages(t *testing.T) {
	for key, text := range keys(t) {
		for _, l := range i18n.Langs {
			if strings.TrimSpace(text.In(l)) == "" {
				t.Errorf("%s: nothing in %s", key, l)
			}
			if !slices.Equal(blanks(text.In(l)), blanks(text.FI)) {
				t.Errorf("%s: blanks %v in %s, %v in fi", key, blanks(text.In(l)), l, blanks(text.FI))
			}
		}
	}
}

// source is what the program says of keys: every string in it, those that are
// given where a key is wanted, and those that begin a composed key.
type source struct {
	strings map[string]bool
	wanted  map[string]string // key → where
}

func program(t *testing.T) source {
	t.Helper()
	src := source{map[string]bool{}, map[string]string{}}
	fset := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testkit" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					src.strings[s] = true
				}
			case *ast.CallExpr:
				if key, ok := keyOf(n); ok {
					src.wanted[key] = fset.Position(n.Pos()).String()
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// keyOf returns the key that a call of T or fail.New names.
func keyOf(c *ast.CallExpr) (string, bool) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	pkg, _ := sel.X.(*ast.Ident)
	i := -1
	switch {
	case sel.Sel.Name == "T" && pkg != nil && pkg.Name == "i18n", sel.Sel.Name == "New" && pkg != nil && pkg.Name == "fail":
		i = 1
	case sel.Sel.Name == "T":
		i = 0
	}
	if i < 0 || i >= len(c.Args) {
		return "", false
	}
	lit, ok := c.Args[i].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	key, err := strconv.Unquote(lit.Value)
	return key, err == nil && strings.Contains(key, ".")
}

func TestNoKeyIsMissing(t *testing.T) {
	all := keys(t)
	for key, where := range program(t).wanted {
		if _, ok := all[key]; !ok {
			t.Errorf("%s: no words for %s", where, key)
		}
	}
}

func TestNoKeyIsUnused(t *testing.T) {
	src := program(t)
	var beginnings []string
	for s := range src.strings {
		if n := len(s); n > 2 && n < 60 && (s[n-1] == '.' || s[n-1] == '_') && strings.Contains(s, ".") && !strings.ContainsAny(s, " /") {
			beginnings = append(beginnings, s)
		}
	}
	for key := range keys(t) {
		if src.strings[key] || slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(key, b) }) {
			continue
		}
		t.Errorf("%s is used nowhere", key)
	}
}

func TestDatesAndNumbers(t *testing.T) {
	at := time.Date(2027, 6, 12, 15, 5, 0, 0, time.UTC)
	for _, tt := range []struct{ name, got, want string }{
		{"fi date", i18n.Date(i18n.FI, at), "12.6.2027"},
		{"en date", i18n.Date(i18n.EN, at), "12 June 2027"},
		{"fi date and time, summer time", i18n.DateTime(i18n.FI, at), "12.6.2027 klo 18.05"},
		{"sv date and time", i18n.DateTime(i18n.SV, at), "12.6.2027 kl. 18.05"},
		{"no time", i18n.DateTime(i18n.FI, time.Time{}), ""},
		{"fi number", i18n.Number(i18n.FI, 1234567), "1\u00a0234\u00a0567"},
		{"negative", i18n.Number(i18n.EN, -1234), "−1,234"},
		{"fi size", i18n.Size(i18n.FI, 1_500_000), "1,5\u00a0Mt"},
		{"small size", i18n.Size(i18n.EN, 999), "999\u00a0B"},
		{"filled", i18n.Fill("{1} and {0}", "a", "b"), "b and a"},
		{"a blank in an argument is not filled again", i18n.Fill("{0}", "{1}", "x"), "{1}"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	if i18n.Parse("sv") != i18n.SV || i18n.Parse("xx") != i18n.FI || i18n.Parse("") != i18n.FI {
		t.Error("Parse")
	}
}

func TestDaysBetween(t *testing.T) {
	late := time.Date(2027, 3, 2, 21, 30, 0, 0, time.UTC) // half past eleven in the evening in Finland
	for _, tt := range []struct {
		at   time.Time
		want int
	}{
		{time.Date(2027, 3, 2, 21, 59, 0, 0, time.UTC), 0},
		{time.Date(2027, 3, 2, 22, 1, 0, 0, time.UTC), 1},
		{time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC), 30}, // over the change to summer time
		{time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC), -1},
	} {
		if got := i18n.DaysBetween(late, tt.at); got != tt.want {
			t.Errorf("DaysBetween(…, %s) = %d, want %s", tt.at, got, strconv.Itoa(tt.want))
		}
	}
}

func TestParseDay(t *testing.T) {
	for s, want := range map[string]string{
		"2027-07-01": "2027-07-01", "1.7.2027": "2027-07-01", "01. 07. 2027 ": "2027-07-01", "31.12.2099": "2099-12-31",
		"": "", "2027-02-29": "", "1.7.27": "", "1.7.20266": "", "1.7.1026": "", "2206-07-01": "", "7/1/2027": "", "2027-07-01T10:00": "",
	} {
		day, ok := i18n.ParseDay(s)
		if ok != (want != "") || ok && day.Format(time.DateOnly) != want {
			t.Errorf("ParseDay(%q) = %v, %v; want %q", s, day, ok, want)
		}
		if ok && (day.Hour() != 0 || day.Location() != i18n.Zone) {
			t.Errorf("ParseDay(%q) is no midnight in Finland: %v", s, day)
		}
	}
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2027-01-31", 1, "2027-02-28"},
		{"2028-01-31", 1, "2028-02-29"},
		{"2027-03-31", -1, "2027-02-28"},
		{"2027-07-01", -12, "2026-07-01"},
		{"2027-11-30", 3, "2028-02-29"},
		{"2027-05-15", 0, "2027-05-15"},
	} {
		from, _ := i18n.ParseDay(c.from)
		from = from.Add(9 * time.Hour)
		if got := i18n.AddMonths(from, c.n); got.Format(time.DateOnly) != c.want || got.Hour() != 9 {
			t.Errorf("AddMonths(%s, %d) = %v; want %s at nine", c.from, c.n, got, c.want)
		}
	}
}
