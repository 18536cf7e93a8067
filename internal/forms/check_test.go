package forms

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
)

const complete = `{"kind":"concert","title":"a","guards":0,"place":{"name":"b"}`

func TestCheck(t *testing.T) {
	f := sample(t)
	for _, tt := range []struct {
		name, answers string
		want          []string
	}{
		{"complete", complete + "}", nil},
		{"nothing answered, in the order of the layout", `{}`, []string{"kind forms.required_choice", "title forms.required", "guards forms.required_number", "place.name forms.required"}},
		{"empty is missing", `{"kind":"fair","title":"","guards":0,"place":{"name":""}}`, []string{"title forms.required", "place.name forms.required"}},
		{"then rows are required", `{"kind":"concert","title":"a","guards":2,"place":{"name":"b"}}`, []string{"guard_list forms.required_rows"}},
		{
			"inside rows", `{"kind":"concert","title":"a","guards":2,"place":{"name":"b"},"guard_list":[{"name":"A"},{"card":1},{"card":"x","name":"B"}]}`,
			[]string{"guard_list.1.name forms.required", "guard_list.2.card forms.not_a_whole_number"},
		},
		{"what is hidden is not checked", complete + `,"guard_list":[{"card":"x"}],"kind_other":"` + strings.Repeat("a", 200) + `","music":false,"music_end":"99"}`, nil},
		{"an optional group is whole or nothing", complete + `,"contact":{"name":"A"}}`, []string{"contact.phone forms.required"}},
		{"unknown", complete + `,"nope":1,"contact":{"name":"A","phone":"040 1234567","x":1}}`, []string{"contact.x forms.unknown_field", "nope forms.unknown_field"}},
		{
			"limits", `{"kind":"x","title":"` + strings.Repeat("ä", 21) + `","guards":10001,"height":0.25,"place":{"name":"b","lat":12},"plan":["a","b","c","d"],"audience":["all","all"]}`,
			[]string{
				"kind forms.not_an_option", "title forms.too_long", "audience.1 forms.duplicate", "guards forms.too_large_number", "guard_list forms.required_rows",
				"height forms.too_small", "plan forms.too_many", "place.lat forms.too_small",
			},
		},
		{
			"formats", complete + `,"day":"2026-02-30","start":"2026-07-01T24:00","music":true,"music_end":"18","email":"a@b","phone":"x","business_id":"0112038-8","property_ids":["91-1-2"],"town":"999","towns":["091","1"],"earlier":"?","plan":["a b"]}`,
			[]string{
				"music_end forms.not_a_time", "start forms.not_a_datetime", "day forms.not_a_date", "email forms.bad_email", "phone forms.bad_phone", "business_id forms.bad_business_id",
				"property_ids.0 forms.bad_property_id", "town forms.bad_municipality", "towns.1 forms.bad_municipality", "earlier forms.bad_matter", "plan.0 forms.bad_attachment",
			},
		},
		{
			"types", complete + `,"height":"abc","music":"x","story":5,"towns":"091","contact":[]}`,
			[]string{"story forms.malformed", "music forms.not_yes_or_no", "height forms.not_a_number", "towns forms.malformed"},
		},
		{"what hangs on a mistake waits", `{"kind":"fair","title":"a","guards":"two","place":{"name":"b"}}`, []string{"guards forms.not_a_whole_number"}},
		{"a date without its time", complete + `,"start":"2026-07-01T"}`, []string{"start forms.time_missing"}},
		{"a time without its date", complete + `,"start":"T18:00","end":"2026-07-02T"}`, []string{"start forms.date_missing", "end forms.time_missing"}},
		{"a date with half a time", complete + `,"start":"2026-07-01T18"}`, []string{"start forms.not_a_datetime"}},
		{"the end comes before the start", complete + `,"start":"2026-07-02T18:00","end":"2026-07-02T02:00"}`, []string{"end forms.before"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(append([]string{}, tt.want...), list(f.Check(parse(t, tt.answers)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckDraftAndCompleteness(t *testing.T) {
	f := sample(t)
	a := parse(t, `{"guards":3,"height":"abc","start":"2026-07-01T","end":"2026-02-30T","contact":{"name":"A"}}`)
	if diff := cmp.Diff([]string{"height forms.not_a_number", "end forms.not_a_datetime"}, list(f.CheckDraft(a))); diff != "" {
		t.Errorf("CheckDraft: %s", diff)
	}
	want := []string{"kind forms.required_choice", "title forms.required", "guard_list forms.required_rows", "start forms.time_missing", "place.name forms.required", "contact.phone forms.required"}
	if diff := cmp.Diff(want, list(f.Completeness(a))); diff != "" {
		t.Errorf("Completeness: %s", diff)
	}
}

func TestCheckOtherKeywords(t *testing.T) {
	for _, tt := range []struct {
		name, more, prop, answers string
		want                      []string
	}{
		{"either of two", `,"anyOf":[{"required":["a"]},{"required":["b"]}]`, `"a":{"type":"string"},"b":{"type":"string"}`, `{}`, []string{"a forms.one_of"}},
		{"either of two is there", `,"anyOf":[{"required":["a"]},{"required":["b"]}]`, `"a":{"type":"string"},"b":{"type":"string"}`, `{"b":"x"}`, []string{}},
		{"must be yes", ``, `"a":{"type":"boolean","const":true}`, `{"a":false}`, []string{"a forms.must_be_yes"}},
		{"a pattern", ``, `"a":{"type":"string","pattern":"^x$"}`, `{"a":"y"}`, []string{"a forms.bad_pattern"}},
		{"open limits", ``, `"a":{"type":"number","exclusiveMinimum":0},"b":{"type":"number","exclusiveMaximum":1}`, `{"a":0,"b":1}`, []string{"a forms.not_over", "b forms.not_under"}},
		{"multiples", ``, `"a":{"type":"number","multipleOf":0.5}`, `{"a":0.3}`, []string{"a forms.not_multiple"}},
		{"too short", ``, `"a":{"type":"string","minLength":3}`, `{"a":"x"}`, []string{"a forms.too_short"}},
		{"too few", ``, `"a":{"type":"array","minItems":2,"items":{"type":"string"}}`, `{"a":["x"]}`, []string{"a forms.too_few"}},
		{"with another", `,"dependentRequired":{"a":["b"]}`, `"a":{"type":"string"},"b":{"type":"string"}`, `{"a":"x"}`, []string{"b forms.required"}},
		{"forbidden together", `,"not":{"required":["a","b"]}`, `"a":{"type":"string"},"b":{"type":"string"}`, `{"a":"x","b":"y"}`, []string{" forms.not_valid"}},
		{
			"else", `,"if":{"properties":{"a":{"const":"x"}},"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}`,
			`"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}`, `{"a":"z"}`,
			[]string{"c forms.required"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, list(small(t, tt.more, tt.prop).Check(parse(t, tt.answers)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblemText(t *testing.T) {
	for _, tt := range []struct {
		lang i18n.Lang
		p    Problem
		want string
	}{
		{i18n.FI, Problem{Key: "forms.too_small", Args: []any{ratOf("0.5")}}, "Luku on liian pieni. Pienin sallittu luku on 0,5."},
		{i18n.EN, Problem{Key: "forms.too_small", Args: []any{ratOf("0.5")}}, "The number is too small. The smallest allowed is 0.5."},
		{i18n.SV, Problem{Key: "forms.too_long", Args: []any{20000}}, "Svaret är för långt. Förkorta det till högst 20\u00a0000 tecken."},
		{i18n.FI, Problem{Key: "forms.one_of", Args: []any{[]i18n.Text{{FI: "osoite"}, {FI: "kartta"}}}}, "Tarvitsemme ainakin yhden näistä tiedoista: osoite, kartta."},
		{i18n.FI, Problem{Key: "forms.before", Args: []any{i18n.Text{FI: "Alkaa"}}}, "Tämä on aikaisemmin kuin kohta Alkaa. Tarkista molemmat."},
	} {
		if got := tt.p.Text(tt.lang); got != tt.want {
			t.Errorf("Text(%s) = %q, want %q", tt.lang, got, tt.want)
		}
	}
}

func TestProblemsAreAnError(t *testing.T) {
	f := sample(t)
	err := fmt.Errorf("send: %w", f.Check(Answers{"title": "secret", "height": "secret"}).Err())
	ps, ok := errors.AsType[Problems](err)
	if !ok || len(ps) != 4 {
		t.Fatalf("AsType = %v, %t", ps, ok)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells an answer: %v", err)
	}
	if p, ok := ps.At("height"); !ok || p.Missing() {
		t.Errorf("At(height) = %v, %t", p, ok)
	}
	if f.Check(parse(t, complete+"}")).Err() != nil {
		t.Error("no problems is an error")
	}
}

func TestFormats(t *testing.T) {
	all := formats(settings{})
	for _, tt := range []struct {
		format  string
		good    []string
		refused []string
	}{
		{"business-id", []string{"0112038-9", "2617416-4", "1234567-1"}, []string{"0112038-8", "01120389", "0112038-x", "012345-6", "", "٠112038-9"}},
		{"property-id", []string{"91-1-2-3", "837-65-18-1", "09100100020003", "91-1-2-3-M501"}, []string{"91-1-2", "0910010002000", "9100-1-2-3", "a"}},
		{"phone", []string{"+358 40 123 4567", "0401234567", "(03) 565-611", "112"}, []string{"+", "12", "abc", "1234567890123456", "+358+40"}},
		{"email", []string{"a@b.fi", "etu.suku@yhtiö.fi", "a+b@x.example.org"}, []string{"a", "a@b", "a b@c.fi", "A <a@b.fi>", "a@b.", "@b.fi"}},
		{"date", []string{"2026-07-01", "2028-02-29"}, []string{"2026-2-1", "2026-02-29", "0001-01-01", "20260701"}},
		{"time", []string{"00:00", "23:59"}, []string{"24:00", "9:00", "18:00:00"}},
		{"date-time-local", []string{"2026-07-01T18:00"}, []string{"2026-07-01", "2026-07-01 18:00", "2026-07-01T18:00Z"}},
		{"municipality", []string{"091"}, []string{"91", "0911", "abc"}},
		{"attachment", []string{"0197a0b0-7c1e-7d3a-8f00-0123456789ab"}, []string{"", "../a", "a b"}},
		{"matter-ref", []string{"LV-2026-000123", "ESAVI/123/2026"}, []string{"", "a b", "-a"}},
	} {
		for _, s := range tt.good {
			if !all[tt.format](s) {
				t.Errorf("%s refuses %q", tt.format, s)
			}
		}
		for _, s := range tt.refused {
			if all[tt.format](s) {
				t.Errorf("%s takes %q", tt.format, s)
			}
		}
	}
}

// TestTexts: every message that a problem can have is there in all languages.
func TestTexts(t *testing.T) {
	for format := range byFormat {
		if key := formatKey(format); !i18n.All(key).Whole() || key == "forms.not_valid" {
			t.Errorf("format %s has no message of its own: %s", format, key)
		}
	}
}

func ratOf(s string) any {
	n, _ := canonicalNumber(s)
	return n
}

func TestAPostalCodeHasFiveDigits(t *testing.T) {
	address := `"a":{"type":"object","additionalProperties":false,"properties":{"code":{"type":"string","format":"postal-code"},"country":{"type":"string"}}}`
	for _, tt := range []struct {
		answers string
		want    []string
	}{
		{`{"a":{"code":"33100"}}`, []string{}},
		{`{"a":{"code":"3310"}}`, []string{"a.code forms.bad_postal_code"}},
		{`{"a":{"code":"331000"}}`, []string{"a.code forms.bad_postal_code"}},
		{`{"a":{"code":"3310a"}}`, []string{"a.code forms.bad_postal_code"}},
		{`{"a":{"code":"33100!"}}`, []string{"a.code forms.bad_postal_code"}},
		{`{"a":{"code":"3310","country":" Suomi "}}`, []string{"a.code forms.bad_postal_code"}},
		{`{"a":{"code":"3310","country":"Finland"}}`, []string{"a.code forms.bad_postal_code"}},
		{`{"a":{"code":"0157","country":"Norge"}}`, []string{}},
		{`{"a":{"code":"SW1A 2AA","country":"United Kingdom"}}`, []string{}},
		{`{"a":{"code":"?","country":"Norge"}}`, []string{"a.code forms.bad_postal_code"}},
	} {
		if diff := cmp.Diff(tt.want, list(small(t, "", address).CheckDraft(parse(t, tt.answers)))); diff != "" {
			t.Errorf("%s: %s", tt.answers, diff)
		}
	}
}

// A year that cannot be meant is told as such: the rest of the date looks right
// to whoever typed it.
func TestAYearThatCannotBe(t *testing.T) {
	f := small(t, "", `"day":{"type":"string","format":"date"},"start":{"type":"string","format":"date-time-local"}`)
	for typed, want := range map[string]string{
		"2027-07-01": "", "1.7.2027": "", "1937-02-03": "",
		"20266-07-01": "forms.bad_year", "1026-07-01": "forms.bad_year", "2206-07-01": "forms.bad_year", "0026-07-01": "forms.bad_year",
		"1.7.20266": "forms.bad_year", "1. 7. 1026": "forms.bad_year", "1.7.26": "forms.bad_year",
		"2027-02-30": "forms.not_a_date", "20266-13-01": "forms.not_a_date", "heinäkuussa": "forms.not_a_date",
	} {
		whole := want
		if want == "forms.not_a_date" {
			whole = "forms.not_a_datetime"
		}
		a, read := f.ReadOver(nil, url.Values{"day": {typed}, "start.date": {typed}, "start.time": {"18:00"}})
		checked := f.CheckDraft(a)
		for path, key := range map[string]string{"day": want, "start": whole} {
			for when, ps := range map[string]Problems{"read": read, "checked": checked} {
				if p, _ := ps.At(path); p.Key != key {
					t.Errorf("%q in %s, when %s: %q, want %q", typed, path, when, p.Key, key)
				}
			}
		}
	}
	a, _ := f.ReadOver(nil, url.Values{"day": {"1.7.20266"}})
	if a["day"] != "1.7.20266" {
		t.Errorf("what was typed is kept as %v", a["day"])
	}
}

func TestAPostalCodeIsReadAsItIsWritten(t *testing.T) {
	f := small(t, "", `"code":{"type":"string","format":"postal-code"}`)
	for typed, want := range map[string]string{"33100": "33100", " 33 100 ": "33100", "FI-33100": "33100", "fi-33100": "33100", "SW1A  2AA": "SW1A 2AA", "3310": "3310"} {
		if a, ps := f.ReadOver(nil, url.Values{"code": {typed}}); a["code"] != want || len(ps) != 0 {
			t.Errorf("%q is read as %v, %v; want %q", typed, a["code"], ps, want)
		}
	}
}
