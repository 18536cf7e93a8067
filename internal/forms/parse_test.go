package forms

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTellsAllMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, schema, ui, words string
		want                    []string // each must be in the error
	}{
		{
			"several at once",
			`{"type": "object", "additionalProperties": false, "properties": {
				"a": {"type": "string", "format": "colour"}, "B": {"type": "string"}, "c": {"type": "null"}, "d": {"type": "string"}}, "required": ["e"]}`,
			`{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/a"}, {"type": "Control", "scope": "#/properties/x"}, {"type": "Slider"}]}`,
			`{"a": {"fi": "A", "sv": "", "en": "A"}, "z": {"fi": "Z", "sv": "Z", "en": "Z"}}`,
			[]string{`format "colour"`, `B: a name`, `c: type null`, `requires "e"`, `scope "#/properties/x"`, `"Slider"`, `d has no place`, `a: no text in "sv"`, `z: belongs to no`, `d: missing`},
		},
		{
			"placed twice",
			`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}}`,
			`{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/a"}, {"type": "Control", "scope": "#/properties/a"}]}`,
			`{"a": {"fi": "A", "sv": "A", "en": "A"}}`,
			[]string{"a stands in the layout twice"},
		},
		{
			"open to more properties",
			`{"type": "object", "properties": {"a": {"type": "string"}}}`,
			`{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/a"}]}`,
			`{"a": {"fi": "A", "sv": "A", "en": "A"}}`,
			[]string{`"additionalProperties": false`},
		},
		{
			"reaches outside",
			`{"type": "object", "additionalProperties": false, "properties": {"a": {"$ref": "file:///etc/passwd"}}}`,
			`{"type": "VerticalLayout", "elements": []}`, `{}`,
			[]string{"may not refer to other documents"},
		},
		{"not JSON", `{`, `{`, `[]`, []string{"schema", "words"}},
		{
			"another dialect",
			`{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}`, `{}`, `{}`,
			[]string{"$schema is"},
		},
		{
			"a term twice, a required term that is not asked",
			`{"type": "object", "additionalProperties": false, "x-common": ["m"], "x-common-required": ["n"],
				"properties": {"a": {"type": "string", "x-term": "t"}, "b": {"type": "string", "x-term": "t"}}}`,
			`{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/a"}, {"type": "Control", "scope": "#/properties/b"}]}`,
			`{"a": {"fi": "A", "sv": "A", "en": "A"}, "b": {"fi": "A", "sv": "A", "en": "A"}}`,
			[]string{`term "t" is also at`, `x-common-required names "n"`},
		},
		{
			"a condition on a misspelt name",
			`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}},
				"allOf": [{"if": {"properties": {"aa": {"const": "x"}}}, "then": {"required": ["a"]}}]}`,
			`{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/a"}]}`,
			`{"a": {"fi": "A", "sv": "A", "en": "A"}}`,
			[]string{"a condition names aa"},
		},
		{
			"shown by itself",
			`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}}`,
			`{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/a", "rule": {"effect": "SHOW", "condition": {"scope": "#/properties/a", "schema": {"const": "x"}}}}]}`,
			`{"a": {"fi": "A", "sv": "A", "en": "A"}}`,
			[]string{"depends on itself"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("f", []byte(tt.schema), []byte(tt.ui), []byte(tt.words))
			if err == nil {
				t.Fatal("Parse found no mistake")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Parse does not tell %q; it tells:\n%v", want, err)
				}
			}
		})
	}
}

func TestParseFindsWhatCanBeRequiredWhileHidden(t *testing.T) {
	schema := func(condition string) string {
		return `{"type": "object", "additionalProperties": false, "properties": {"n": {"type": "integer"}, "on": {"type": "boolean"}, "x": {"type": "string"}}` + condition + `}`
	}
	ui := func(rule string) string {
		return `{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/n"}, {"type": "Control", "scope": "#/properties/on"}, {"type": "Control", "scope": "#/properties/x", "rule": ` + rule + `}]}`
	}
	onN := `{"effect": "SHOW", "condition": {"scope": "#/properties/n", "schema": {"minimum": 5}}}`
	either := `{"effect": "SHOW", "condition": {"type": "OR", "conditions": [
		{"scope": "#/properties/n", "schema": {"minimum": 5}}, {"scope": "#/properties/on", "schema": {"const": true}}]}}`
	for _, tt := range []struct {
		name, condition, rule string
		ok                    bool
	}{
		{"the same condition", `,"allOf":[{"if":{"properties":{"n":{"minimum":5}},"required":["n"]},"then":{"required":["x"]}}]`, onN, true},
		{"a narrower one", `,"allOf":[{"if":{"properties":{"n":{"minimum":9}},"required":["n"]},"then":{"required":["x"]}}]`, onN, true},
		{"a wider one", `,"allOf":[{"if":{"properties":{"n":{"minimum":4}},"required":["n"]},"then":{"required":["x"]}}]`, onN, false},
		{"forgets that n may be absent", `,"allOf":[{"if":{"properties":{"n":{"minimum":5}}},"then":{"required":["x"]}}]`, onN, false},
		{"always required", `,"required":["x"]`, onN, false},
		{"another field", `,"allOf":[{"if":{"properties":{"on":{"const":true}},"required":["on"]},"then":{"required":["x"]}}]`, onN, false},
		{"either field shows, one requires", `,"allOf":[{"if":{"properties":{"on":{"const":true}},"required":["on"]},"then":{"required":["x"]}}]`, either, true},
		{"both conditions", `,"allOf":[{"if":{"properties":{"on":{"const":true},"n":{"minimum":5}},"required":["on","n"]},"then":{"required":["x"]}}]`, onN, true},
		{
			"hidden by the opposite", `,"allOf":[{"if":{"properties":{"on":{"const":true}},"required":["on"]},"then":{"required":["x"]}}]`,
			`{"effect": "HIDE", "condition": {"scope": "#/properties/on", "schema": {"const": false}}}`, true,
		},
		{
			"hidden by the same", `,"allOf":[{"if":{"properties":{"on":{"const":true}},"required":["on"]},"then":{"required":["x"]}}]`,
			`{"effect": "HIDE", "condition": {"scope": "#/properties/on", "schema": {"const": true}}}`, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("f", []byte(schema(tt.condition)), []byte(ui(tt.rule)), wordsFor("n", "on", "x"))
			if (err == nil) != tt.ok {
				t.Errorf("Parse = %v; want ok %t", err, tt.ok)
			}
			if err != nil && !strings.Contains(err.Error(), "x can be required while it is hidden") {
				t.Errorf("Parse = %v", err)
			}
		})
	}
}

func TestHash(t *testing.T) {
	f := sample(t)
	if got := f.Hash(); len(got) != 64 || got != sample(t).Hash() {
		t.Errorf("Hash = %q, must be 64 hexadecimal digits and always the same", got)
	}
	g, err := Parse("sample", []byte(sampleSchema+" "), []byte(sampleUI), wordsFor(sampleKeys...))
	if err != nil {
		t.Fatal(err)
	}
	if f.Hash() == g.Hash() {
		t.Error("one more space in the schema is another version; the hashes are equal")
	}
	schema, ui, words := f.Bodies()
	again, err := Parse("sample", schema, ui, words)
	if err != nil || again.Hash() != f.Hash() {
		t.Errorf("a form read from Bodies has another hash, or %v", err)
	}
}

func TestTerms(t *testing.T) {
	f := small(t, "", `"a": {"type": "string", "x-term": "event.name"}`,
		`"g": {"type": "object", "additionalProperties": false, "properties": {"b": {"type": "string", "x-term": "event.b"}}}`)
	if diff := cmp.Diff(map[string]string{"event.name": "a", "event.b": "g.b"}, f.Terms()); diff != "" {
		t.Error(diff)
	}
	terms, required := sample(t).Common()
	if !slices.Equal(terms, []string{"event.start", "event.peak"}) || !slices.Equal(required, []string{"event.peak"}) {
		t.Errorf("Common = %v, %v", terms, required)
	}
}
