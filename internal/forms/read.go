package forms

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"luvat/internal/i18n"
)

// Read reads the answers of a posted page; the package comment tells the names.
//
// What cannot be read as its type is kept as it was typed, and a problem names
// it. The problems are only those of reading; Check finds all, these too, apart
// from unknown names and broken characters, which do not get into the answers.
func (f *Form) Read(v url.Values) (Answers, Problems) {
	return f.ReadOver(nil, v)
}

// ReadOver is Read for a page that shows a part of the form: a field of which
// no name was posted keeps the answer it has in base. To empty such a field a
// page posts its name with an empty value.
func (f *Form) ReadOver(base Answers, v url.Values) (Answers, Problems) {
	r := reader{f: f}
	root := &posted{}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if strings.HasPrefix(name, "_") {
			continue
		}
		for _, value := range v[name] {
			total += len(value)
		}
		if !utf8.ValidString(name) || strings.Count(name, ".") > 2*MaxDepth {
			r.unknown(strings.ToValidUTF8(name, "\uFFFD"))
			continue
		}
		root.at(strings.Split(name, ".")).values = v[name]
	}
	if total > MaxBytes {
		return nil, Problems{{Key: "forms.too_large"}}
	}
	base, _ = normalise(base)
	a := Answers(r.object(f.fields, root, "", base))
	_, limits := normalise(a)
	r.problems = append(r.problems, f.together(limits)...)
	return a, f.Sorted(r.problems)
}

// posted is what was posted, as a tree of the names' parts.
type posted struct {
	values []string
	kids   map[string]*posted
}

func (p *posted) at(parts []string) *posted {
	for _, part := range parts {
		if p.kids == nil {
			p.kids = map[string]*posted{}
		}
		if p.kids[part] == nil {
			p.kids[part] = &posted{}
		}
		p = p.kids[part]
	}
	return p
}

// last returns the last value that is not empty: what counts where there should
// be one.
func (p *posted) last() string {
	for _, v := range slices.Backward(p.values) {
		if v != "" {
			return v
		}
	}
	return ""
}

// silent tells whether nothing was posted of the field itself, but only parts
// that it has not: they must not take its answer away.
func (p *posted) silent(fd *field) bool {
	switch {
	case p.values != nil, fd.isObject():
		return false
	case fd.widget == WidgetRows, fd.isMulti():
		return len(indexes(p)) == 0
	case fd.widget == WidgetDateTime:
		return p.kids["date"] == nil && p.kids["time"] == nil
	}
	return true
}

type reader struct {
	f        *Form
	problems Problems
}

func (r *reader) add(path, key string, args ...any) {
	r.problems = append(r.problems, Problem{Path: path, Key: key, Args: args})
}

// unknown names something that no field of the form is.
func (r *reader) unknown(path string) {
	if utf8.RuneCountInString(path) > 200 {
		path = string([]rune(path)[:200])
	}
	r.add(path, "forms.unknown_field")
}

// strangers names all that was posted under a field which has no such parts.
func (r *reader) strangers(p *posted, path string, known func(string) bool) {
	for _, name := range slices.Sorted(maps.Keys(p.kids)) {
		if known(name) {
			continue
		}
		kid := p.kids[name]
		if kid.values != nil {
			r.unknown(join(path, name))
		}
		r.strangers(kid, join(path, name), func(string) bool { return false })
	}
}

// object reads the parts of an object; base holds what they were before.
func (r *reader) object(fields []*field, p *posted, path string, base map[string]any) map[string]any {
	out := map[string]any{}
	both := bothOf(fields)
	together := both != nil && r.readCoordinates(p.kids[coordinates], join(path, coordinates), out)
	for _, fd := range fields {
		if together && fd.isCoordinate() {
			continue
		}
		kid := p.kids[fd.name]
		if kid == nil {
			if v, ok := base[fd.name]; ok {
				out[fd.name] = v
			}
			continue
		}
		if v := r.field(fd, kid, join(path, fd.name), base[fd.name]); !empty(v) {
			out[fd.name] = v
		}
	}
	r.strangers(p, path, func(name string) bool {
		if both != nil && name == coordinates {
			return true
		}
		return slices.ContainsFunc(fields, func(fd *field) bool { return fd.name == name && !(together && fd.isCoordinate()) })
	})
	return out
}

func (r *reader) field(fd *field, p *posted, path string, base any) any {
	switch {
	case p.silent(fd):
		r.strangers(p, path, func(string) bool { return false })
		return base
	case fd.isObject():
		if p.last() != "" {
			r.unknown(path)
		}
		was, _ := base.(map[string]any)
		return r.object(fd.children, p, path, was)
	case fd.widget == WidgetRows:
		return r.rows(fd, p, path)
	case fd.isMulti():
		return r.list(fd, p, path)
	case fd.widget == WidgetDateTime && (p.kids["date"] != nil || p.kids["time"] != nil):
		return r.dateAndTime(p, path)
	}
	r.strangers(p, path, func(string) bool { return false })
	s, ok := r.text(p.last(), path)
	if !ok || s == "" {
		return nil
	}
	v, key := typed(fd.widget, fd.unit, s)
	if key != "" {
		r.add(path, key)
	}
	return v
}

// rows reads repeating rows. Rows with no answer are left out, so the numbers
// of what remains run from 0.
func (r *reader) rows(fd *field, p *posted, path string) any {
	if p.last() != "" {
		r.unknown(path)
	}
	r.strangers(p, path, isIndex)
	var rows []any
	for _, i := range indexes(p) {
		if len(rows) == MaxRows {
			r.add(path, "forms.too_many", MaxRows)
			break
		}
		kid := p.kids[strconv.Itoa(i)]
		at := index(path, len(rows))
		if kid.last() != "" {
			r.unknown(at)
		}
		if row := r.object(fd.children, kid, at, nil); !empty(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// indexes returns the row numbers that were posted, in order.
func indexes(p *posted) []int {
	var list []int
	for name := range p.kids {
		if isIndex(name) {
			i, _ := strconv.Atoi(name)
			list = append(list, i)
		}
	}
	slices.Sort(list)
	return list
}

// list reads an answer of several values: the name repeated, or numbered.
func (r *reader) list(fd *field, p *posted, path string) any {
	r.strangers(p, path, isIndex)
	values := slices.Clone(p.values)
	for _, i := range indexes(p) {
		kid := p.kids[strconv.Itoa(i)]
		values = append(values, kid.values...)
		r.strangers(kid, index(path, i), func(string) bool { return false })
	}
	var list []any
	for _, value := range values {
		at := index(path, len(list))
		s, ok := r.text(value, at)
		if !ok || s == "" {
			continue
		}
		v, key := typed(fd.item, "", s)
		if fd.widget != WidgetList && slices.Contains(list, v) {
			continue // ticked twice is ticked
		}
		if len(list) == MaxRows {
			r.add(path, "forms.too_many", MaxRows)
			break
		}
		if key != "" {
			r.add(at, key)
		}
		list = append(list, v)
	}
	return list
}

// dateAndTime reads a date with a time from two inputs. If one is not given yet,
// the other is kept: 2027-07-01T is no mistake, only not whole.
func (r *reader) dateAndTime(p *posted, path string) any {
	r.strangers(p, path, func(name string) bool { return name == "date" || name == "time" })
	part := func(name string, w Widget) (string, bool) {
		kid := p.kids[name]
		if kid == nil {
			return "", true
		}
		r.strangers(kid, join(path, name), func(string) bool { return false })
		s, ok := r.text(kid.last(), path)
		if !ok {
			return "", false
		}
		v, _ := typed(w, "", s)
		s, _ = v.(string)
		return s, true
	}
	date, ok1 := part("date", WidgetDate)
	clock, ok2 := part("time", WidgetTime)
	if !ok1 || !ok2 || date == "" && clock == "" {
		return nil
	}
	v := date + "T" + clock
	if !isDateTime(v) && halfGiven(v) == "" {
		r.add(path, dateKey(v, "forms.not_a_datetime"))
	}
	return v
}

// text cleans what a person typed: spaces around it go, line ends become one
// kind, letters and their accents one sign, and control characters, which no
// keyboard writes, are dropped. Broken UTF-8 is refused.
func (r *reader) text(s, path string) (string, bool) {
	if !utf8.ValidString(s) {
		r.add(path, "forms.bad_characters")
		return "", false
	}
	s = lineEnds.Replace(s)
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s)
	return strings.TrimSpace(norm.NFC.String(s)), true
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u2028", "\n", "\u2029", "\n")

// typed makes of a text the value of a widget. If it cannot, it returns the text
// and the key of what is wrong.
func typed(w Widget, unit, s string) (any, string) {
	if s == "" {
		return "", ""
	}
	switch w {
	case WidgetInteger, WidgetDecimal:
		return number(w, unit, s)
	case WidgetBool:
		switch strings.ToLower(s) {
		case "true", "on", "1", "yes":
			return true, ""
		case "false", "off", "0", "no":
			return false, ""
		}
		return s, "forms.not_yes_or_no"
	case WidgetDate:
		if d, ok := date(s); ok {
			return d, ""
		}
		return s, dateKey(s, "forms.not_a_date")
	case WidgetTime:
		if c, ok := clock(s); ok {
			return c, ""
		}
		return s, "forms.not_a_time"
	case WidgetDateTime:
		day, hour := SplitDateTime(s)
		d, ok1 := date(day)
		c, ok2 := clock(hour)
		if (ok1 || day == "") && (ok2 || hour == "") && (ok1 || ok2) {
			return d + "T" + c, ""
		}
		return s, dateKey(s, "forms.not_a_datetime")
	case WidgetBusinessID:
		return businessID(s), ""
	case WidgetPostalCode:
		return postalCode(s), ""
	case WidgetPropertyID:
		return strings.ReplaceAll(oneSpace(s), " ", ""), ""
	case WidgetEmail:
		return strings.ReplaceAll(oneSpace(s), " ", ""), ""
	case WidgetLongText:
		return s, ""
	}
	return oneSpace(s), ""
}

// oneSpace makes of line ends, tabs and no-break spaces ordinary spaces, one at
// a time: for answers of one line.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

var (
	wholeShape   = regexp.MustCompile(`^-?[0-9]{1,15}$`)
	decimalShape = regexp.MustCompile(`^-?[0-9]{1,15}([.,][0-9]{1,10})?$`)
)

// number reads a number as people write it: with a decimal comma or point, with
// spaces between thousands, with the unit after it. In a whole number a point
// is refused, as nobody can tell whether 1.000 is one or a thousand.
func number(w Widget, unit, s string) (any, string) {
	t := s
	if unit != "" {
		t = strings.TrimSuffix(t, unit)
	}
	t = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c) || c == '\u202F' || c == '\'':
			return -1
		case c == '\u2212' || c == '\u2013':
			return '-'
		}
		return c
	}, t)
	t = strings.TrimPrefix(t, "+")
	shape, key := decimalShape, "forms.not_a_number"
	if w == WidgetInteger {
		shape, key = wholeShape, "forms.not_a_whole_number"
	}
	if !shape.MatchString(t) {
		return s, key
	}
	n, ok := canonicalNumber(trimZeros(strings.Replace(t, ",", ".", 1)))
	if !ok {
		return s, key
	}
	return json.Number(n), ""
}

// trimZeros drops needless zeros before a number; JSON has none.
func trimZeros(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	s = strings.TrimLeft(s, "0")
	if s == "" || s[0] == '.' {
		s = "0" + s
	}
	return sign + s
}

// postalCode takes the spaces and the FI- from a Finnish postal code; another
// stays as it was typed.
func postalCode(s string) string {
	s = oneSpace(s)
	code := strings.ReplaceAll(s, " ", "")
	if len(code) > 3 && strings.EqualFold(code[:3], "FI-") {
		code = code[3:]
	}
	if finnishPostal.MatchString(code) {
		return code
	}
	return s
}

// date reads 2026-07-01 and 1.7.2026.
func date(s string) (string, bool) {
	t, ok := i18n.ParseDay(s)
	if !ok {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

// clock reads 18:00, 18.00, 9:05, 18 and 18:00:00.
func clock(s string) (string, bool) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ".", ":")
	for _, layout := range []string{"15:4", "15:04:05", "15:04:05.000", "15"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format("15:04"), true
		}
	}
	return "", false
}

var bareBusinessID = regexp.MustCompile(`^[0-9]{6,7}-?[0-9]$`)

// businessID writes a business id as it is: 1234567-8 out of 12345678,
// FI12345678 and the old six-digit ids.
func businessID(s string) string {
	t := strings.ReplaceAll(oneSpace(s), " ", "")
	t = strings.NewReplacer("\u2013", "-", "\u2212", "-").Replace(t)
	if len(t) > 2 && strings.EqualFold(t[:2], "FI") {
		t = t[2:]
	}
	if !bareBusinessID.MatchString(t) {
		return s
	}
	t = strings.ReplaceAll(t, "-", "")
	if len(t) == 7 {
		t = "0" + t
	}
	return t[:7] + "-" + t[7:]
}
