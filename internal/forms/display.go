package forms

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"luvat/internal/forms/place"
	"luvat/internal/i18n"
)

// Names tells what a stored value is called: the name of a municipality by its
// code, of an attachment's file by its id, of a matter by its number. The
// widget says which. An empty answer means that there is no such thing; the
// stored value is shown then.
type Names func(lang i18n.Lang, w Widget, value string) string

// A DisplayRow is one answer in words.
type DisplayRow struct {
	Group    string // the group it stands in; empty if none
	Label    string
	Value    string // several lines for lists and long texts
	Path     string
	Personal bool
	Point    *place.Point // of a place in Finland, for its address on a map; else nil
}

// Rows returns the answers in words, in the order of the layout: what is shown
// and answered. The names may be nil.
func (f *Form) Rows(lang i18n.Lang, a Answers, names Names) []DisplayRow {
	a, _ = normalise(a)
	d := displayer{f: f, lang: lang, names: names, a: f.prune(a)}
	d.elements(f.layout, "")
	return d.rows
}

// Display returns one value in words: the answer at the path, or a part of a
// [Change]. The names may be nil.
func (f *Form) Display(lang i18n.Lang, path string, v any, names Names) string {
	var problems Problems
	v = normal(v, 1, &problems)
	d := displayer{f: f, lang: lang, names: names}
	return d.words(f.find(path), v)
}

type displayer struct {
	f     *Form
	lang  i18n.Lang
	names Names
	a     Answers
	rows  []DisplayRow
}

func (d *displayer) elements(list []*element, group string) {
	for _, e := range list {
		if e.field == nil {
			d.elements(e.elements, e.label.In(d.lang))
			continue
		}
		if v, ok := d.a.At(e.field.path); ok {
			d.add(e.field, e.field.path, group, "", v)
		}
	}
}

// add adds the rows of one field; before is put before its label.
func (d *displayer) add(fd *field, path, group, before string, v any) {
	label := before + fd.label.In(d.lang)
	obj, isObject := v.(map[string]any)
	rows, isRows := v.([]any)
	switch {
	case fd.isObject() && isObject:
		if group == "" {
			group = label
		} else {
			before = label + ": "
		}
		d.parts(fd, path, group, before, obj)
	case fd.widget == WidgetRows && isRows:
		for i, row := range rows {
			obj, _ := row.(map[string]any)
			d.parts(fd, index(path, i), group, label+" "+strconv.Itoa(i+1)+": ", obj)
		}
	default:
		d.rows = append(d.rows, DisplayRow{Group: group, Label: label, Value: d.words(fd, v), Path: path, Personal: fd.personal})
	}
}

func (d *displayer) parts(fd *field, path, group, before string, obj map[string]any) {
	for _, c := range fd.asked {
		if c.widget == WidgetCoordinates {
			d.addCoordinates(c, path, group, before, obj)
		} else if v, ok := obj[c.name]; ok {
			d.add(c, join(path, c.name), group, before, v)
		}
	}
}

// words writes a value. The field may be nil or of another type than the value:
// what cannot be put in words is shown as it is.
func (d *displayer) words(fd *field, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return i18n.T(d.lang, "forms.yes")
		}
		return i18n.T(d.lang, "forms.no")
	case json.Number:
		s := Number(d.lang, string(v))
		if fd != nil && fd.unit != "" {
			s += "\u00a0" + fd.unit
		}
		return s
	case string:
		return d.text(fd, v)
	case []any:
		lines := make([]string, 0, len(v))
		for _, x := range v {
			lines = append(lines, d.words(fd, x))
		}
		return strings.Join(lines, "\n")
	case map[string]any:
		if fd != nil && fd.widget == WidgetCoordinates {
			return d.coordinates(v)
		}
		return d.object(fd, v)
	}
	return fmt.Sprint(v)
}

// object writes a row or a group on one line: "Name: Aino; Phone: 040 …".
func (d *displayer) object(fd *field, obj map[string]any) string {
	var parts []string
	if fd != nil {
		for _, c := range fd.asked {
			v := obj[c.name]
			if c.widget == WidgetCoordinates {
				v = coordinatesOf(obj)
			}
			if !empty(v) {
				parts = append(parts, c.label.In(d.lang)+": "+strings.ReplaceAll(d.words(c, v), "\n", ", "))
			}
		}
	}
	return strings.Join(parts, "; ")
}

func (d *displayer) text(fd *field, v string) string {
	if fd == nil {
		return v
	}
	for _, o := range fd.options {
		if o.Value == v {
			return o.Label.In(d.lang)
		}
	}
	w := fd.widget
	if w == WidgetList {
		w = fd.item
	}
	switch {
	case w == WidgetDate && isDate(v):
		return i18n.Date(d.lang, civil(v+"T12:00"))
	case w == WidgetTime && timeShape.MatchString(v):
		return i18n.Clock(d.lang, civil("2026-01-01T"+v))
	case w == WidgetDateTime:
		return d.dateTime(v)
	case w == WidgetMunicipalities || w == WidgetMunicipality:
		return d.name(WidgetMunicipality, v)
	case w == WidgetFiles || w == WidgetMatter:
		return d.name(w, v)
	}
	return v
}

// dateTime words a date with a time, or the half of it that was given.
func (d *displayer) dateTime(v string) string {
	date, clock := SplitDateTime(v)
	switch halfGiven(v) {
	case "forms.time_missing":
		return i18n.Date(d.lang, civil(date+"T12:00"))
	case "forms.date_missing":
		return i18n.Clock(d.lang, civil("2026-01-01T"+clock))
	}
	if isDateTime(v) {
		return i18n.DateTime(d.lang, civil(v))
	}
	return v
}

func (d *displayer) name(w Widget, v string) string {
	if d.names != nil {
		if name := d.names(d.lang, w, v); name != "" {
			return name
		}
	}
	return v
}

// civil reads a date with a time as the clocks of Finland show it.
func civil(s string) time.Time {
	t, _ := time.ParseInLocation("2006-01-02T15:04", s, i18n.Zone)
	return t
}

// Number writes a decimal number, given with a point, for people: a comma in
// Finnish and Swedish, and from five digits the thousands apart.
func Number(lang i18n.Lang, s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "\u2212", s[1:]
	}
	digits, decimals, broken := strings.Cut(s, ".")
	gap, point := "\u00a0", ","
	if lang == i18n.EN {
		gap, point = ",", "."
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && len(digits) > 4 && (len(digits)-i)%3 == 0 {
			b.WriteString(gap)
		}
		b.WriteRune(c)
	}
	if broken {
		b.WriteString(point + decimals)
	}
	return sign + b.String()
}
