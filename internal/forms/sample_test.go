package forms

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"luvat/internal/i18n"
)

// sampleSchema is a form with every kind of field.
const sampleSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object", "additionalProperties": false,
  "properties": {
    "title": {"type": "string", "maxLength": 20},
    "story": {"type": "string", "maxLength": 4000},
    "guards": {"type": "integer", "minimum": 0, "maximum": 10000},
    "guard_list": {"type": "array", "minItems": 1, "maxItems": 50, "x-personal": true, "items": {"$ref": "#/$defs/guard"}},
    "height": {"type": "number", "minimum": 0.5, "x-unit": "m"},
    "music": {"type": "boolean"},
    "music_end": {"type": "string", "format": "time"},
    "kind": {"type": "string", "enum": ["concert", "fair", "other"]},
    "kind_other": {"type": "string", "maxLength": 100},
    "audience": {"type": "array", "uniqueItems": true, "items": {"type": "string", "enum": ["all", "children", "elderly"]}},
    "start": {"type": "string", "format": "date-time-local"},
    "end": {"type": "string", "format": "date-time-local", "x-not-before": "start"},
    "day": {"type": "string", "format": "date"},
    "email": {"type": "string", "format": "email"},
    "phone": {"type": "string", "format": "phone"},
    "business_id": {"type": "string", "format": "business-id"},
    "property_ids": {"type": "array", "maxItems": 10, "items": {"type": "string", "format": "property-id"}},
    "town": {"type": "string", "format": "municipality"},
    "towns": {"type": "array", "items": {"type": "string", "format": "municipality"}},
    "earlier": {"type": "string", "format": "matter-ref"},
    "plan": {"type": "array", "maxItems": 3, "x-accept": ["pdf", "png"], "items": {"type": "string", "format": "attachment"}},
    "place": {
      "type": "object", "additionalProperties": false, "x-widget": "place",
      "properties": {"name": {"type": "string", "maxLength": 100}, "lat": {"type": "number", "minimum": 59, "maximum": 71}},
      "required": ["name"]
    },
    "contact": {
      "type": "object", "additionalProperties": false, "x-personal": true,
      "properties": {"name": {"type": "string"}, "phone": {"type": "string", "format": "phone"}}, "required": ["name", "phone"]
    }
  },
  "$defs": {"guard": {
    "type": "object", "additionalProperties": false,
    "properties": {"name": {"type": "string", "maxLength": 50}, "card": {"type": "integer"}, "leader": {"type": "boolean"}},
    "required": ["name"]
  }},
  "required": ["title", "guards", "kind", "place"],
  "allOf": [
    {"if": {"properties": {"guards": {"minimum": 1}}, "required": ["guards"]}, "then": {"required": ["guard_list"]}},
    {"if": {"properties": {"music": {"const": true}}, "required": ["music"]}, "then": {"required": ["music_end"]}},
    {"if": {"properties": {"kind": {"const": "other"}}, "required": ["kind"]}, "then": {"required": ["kind_other"]}}
  ],
  "x-common": ["event.start", "event.peak"],
  "x-common-required": ["event.peak"]
}`

const sampleUI = `{"type": "VerticalLayout", "elements": [
  {"type": "Group", "label": "group.what", "elements": [
    {"type": "Control", "scope": "#/properties/kind"},
    {"type": "Control", "scope": "#/properties/kind_other", "rule": {"effect": "SHOW", "condition": {"scope": "#/properties/kind", "schema": {"const": "other"}}}},
    {"type": "Control", "scope": "#/properties/title"},
    {"type": "Control", "scope": "#/properties/story"},
    {"type": "Control", "scope": "#/properties/audience"}
  ]},
  {"type": "Group", "label": "group.guards", "elements": [
    {"type": "Control", "scope": "#/properties/guards"},
    {"type": "Control", "scope": "#/properties/guard_list", "rule": {"effect": "SHOW", "condition": {"scope": "#/properties/guards", "schema": {"minimum": 1}}}}
  ]},
  {"type": "Control", "scope": "#/properties/music"},
  {"type": "Group", "label": "group.music", "rule": {"effect": "SHOW", "condition": {"scope": "#/properties/music", "schema": {"const": true}}}, "elements": [
    {"type": "Control", "scope": "#/properties/music_end"}
  ]},
  {"type": "Control", "scope": "#/properties/height"},
  {"type": "Control", "scope": "#/properties/start"},
  {"type": "Control", "scope": "#/properties/end"},
  {"type": "Control", "scope": "#/properties/day"},
  {"type": "Control", "scope": "#/properties/email"},
  {"type": "Control", "scope": "#/properties/phone"},
  {"type": "Control", "scope": "#/properties/business_id"},
  {"type": "Control", "scope": "#/properties/property_ids"},
  {"type": "Control", "scope": "#/properties/town"},
  {"type": "Control", "scope": "#/properties/towns"},
  {"type": "Control", "scope": "#/properties/earlier"},
  {"type": "Control", "scope": "#/properties/plan"},
  {"type": "Control", "scope": "#/properties/place"},
  {"type": "Control", "scope": "#/properties/contact"}
]}`

// wordsFor makes words for keys: "title" is said "title fi", "title sv" and so
// on.
func wordsFor(keys ...string) []byte {
	m := map[string]i18n.Text{}
	for _, key := range keys {
		m[key] = i18n.Text{FI: key + " fi", SV: key + " sv", EN: key + " en"}
	}
	body, _ := json.Marshal(m)
	return body
}

var sampleKeys = strings.Fields(`title story guards guard_list guard_list.name guard_list.card guard_list.leader height
	music music_end kind kind.concert kind.fair kind.other kind_other audience audience.all audience.children
	audience.elderly start end day email phone business_id property_ids town towns earlier plan place place.name
	place.lat contact contact.name contact.phone group.what group.guards group.music title.help`)

func sample(t testing.TB) *Form {
	t.Helper()
	exists := func(code string) bool { return slices.Contains([]string{"091", "837", "049"}, code) }
	f, err := Parse("sample", []byte(sampleSchema), []byte(sampleUI), wordsFor(sampleKeys...), Municipalities(exists))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// small makes a form of the given properties, each a field of its own in the
// layout; more goes to the top level of the schema.
func small(t testing.TB, more string, props ...string) *Form {
	t.Helper()
	var controls, keys []string
	d := decoder{order: map[string][]string{}, maxDepth: 64}
	v, err := d.decode([]byte("{" + strings.Join(props, ",") + "}"))
	if err != nil {
		t.Fatal(err)
	}
	var name func(path string, schema any)
	name = func(path string, schema any) {
		keys = append(keys, path)
		s, _ := schema.(map[string]any)
		for _, sub := range []any{s, s["items"]} {
			m, _ := sub.(map[string]any)
			for _, value := range texts(m["enum"]) {
				keys = append(keys, path+"."+value)
			}
			props, _ := m["properties"].(map[string]any)
			for _, n := range slices.Sorted(maps.Keys(props)) {
				name(path+"."+n, props[n])
			}
		}
	}
	for _, n := range d.order[""] {
		controls = append(controls, fmt.Sprintf(`{"type": "Control", "scope": "#/properties/%s"}`, n))
		name(n, v.(map[string]any)[n])
	}
	schema := `{"type": "object", "additionalProperties": false, "properties": {` + strings.Join(props, ",") + `}` + more + `}`
	f, err := Parse("small", []byte(schema), []byte(`{"type": "VerticalLayout", "elements": [`+strings.Join(controls, ",")+`]}`), wordsFor(keys...))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// parse reads answers written in a test.
func parse(t testing.TB, body string) Answers {
	t.Helper()
	a, err := ParseAnswers([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func text(t testing.TB, a Answers) string {
	t.Helper()
	b, err := a.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// list writes problems as "path key" to compare.
func list(ps Problems) []string {
	out := []string{}
	for _, p := range ps {
		out = append(out, p.Path+" "+p.Key)
	}
	return out
}
