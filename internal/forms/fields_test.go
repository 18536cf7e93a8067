package forms

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
)

// outline writes what is drawn: a line per node, a star for what is required.
func outline(nodes []Node, indent string) string {
	var b strings.Builder
	for _, n := range nodes {
		name := n.Path
		if name == "" {
			name = "[" + n.Label.FI + "]"
		}
		fmt.Fprintf(&b, "%s%s %s", indent, name, n.Widget)
		if n.Required {
			b.WriteString(" *")
		}
		if n.Raw != "" {
			fmt.Fprintf(&b, " = %s", n.Raw)
		}
		b.WriteByte('\n')
		if n.Kind == KindGroup {
			b.WriteString(outline(n.Children, indent+"  "))
		}
		for _, row := range n.Rows {
			b.WriteString(outline(row, indent+"  "))
		}
		if n.Kind == KindRows {
			b.WriteString(outline(n.Children, indent+"+ "))
		}
	}
	return b.String()
}

func TestFields(t *testing.T) {
	f := sample(t)
	tail := `height decimal%s
start datetime
end datetime
day date
email email
phone phone
business_id business_id
property_ids list
town municipality
towns municipalities
earlier matter
plan files
place place *
  place.name text *
  place.lat decimal
contact person
  contact.name text *%s
  contact.phone phone *
`
	for _, tt := range []struct{ name, answers, want string }{
		{"empty", `{}`, `[group.what fi] group
  kind choice *
  title text *
  story longtext
  audience choices
[group.guards fi] group
  guards integer *
music bool
` + fmt.Sprintf(tail, "", "")},
		{"shown and required by answers", `{"kind":"other","guards":2,"guard_list":[{"name":"A"},{"card":7}],"music":true,"height":12.5,"contact":{"name":"B"}}`, `[group.what fi] group
  kind choice * = other
  kind_other text *
  title text *
  story longtext
  audience choices
[group.guards fi] group
  guards integer * = 2
  guard_list rows *
    guard_list.0.name text * = A
    guard_list.0.card integer
    guard_list.0.leader bool
    guard_list.1.name text *
    guard_list.1.card integer = 7
    guard_list.1.leader bool
  + guard_list.2.name text *
  + guard_list.2.card integer
  + guard_list.2.leader bool
music bool = true
[group.music fi] group
  music_end time *
` + fmt.Sprintf(tail, " = 12,5", " = B")},
		{"what was typed is shown again", `{"guards":"two","height":"abc"}`, `[group.what fi] group
  kind choice *
  title text *
  story longtext
  audience choices
[group.guards fi] group
  guards integer * = two
music bool
` + fmt.Sprintf(tail, " = abc", "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, outline(f.Fields(parse(t, tt.answers)), "")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// find returns the node with a path.
func find(nodes []Node, path string) *Node {
	for _, n := range nodes {
		if n.Path == path {
			return &n
		}
		for _, part := range append([][]Node{n.Children}, n.Rows...) {
			if found := find(part, path); found != nil {
				return found
			}
		}
	}
	return nil
}

// What a label says of a group and its parts: "?" is optional.
func TestWhatIsCalledOptional(t *testing.T) {
	person := `"%s": {"type":"object","additionalProperties":false,"properties":{"name":{"type":"string"},"phone":{"type":"string"}}%s}`
	group := `"%s": {"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"},"b":{"type":"string"}}%s}`
	must := `,"required":["a"]`
	f := small(t, `,"required":["must_some","must_any"]`, `"text":{"type":"string"}`, fmt.Sprintf(person, "person", `,"required":["name"]`),
		fmt.Sprintf(group, "may_some", must), fmt.Sprintf(group, "may_any", ""), fmt.Sprintf(group, "must_some", must), fmt.Sprintf(group, "must_any", ""))
	var b strings.Builder
	var walk func(nodes []Node)
	walk = func(nodes []Node) {
		for _, n := range nodes {
			b.WriteString(n.Path)
			if n.Optional() {
				b.WriteByte('?')
			}
			if n.AnyPart() {
				b.WriteString(" (any)")
			}
			b.WriteByte('\n')
			walk(n.Children)
		}
	}
	walk(f.Fields(nil))
	want := `text?
person?
person.name
person.phone?
may_some?
may_some.a
may_some.b?
may_any
may_any.a?
may_any.b?
must_some
must_some.a
must_some.b?
must_any (any)
must_any.a?
must_any.b?
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestFieldDetails(t *testing.T) {
	nodes := sample(t).Fields(Answers{"guards": 1, "start": "2026-07-01T18:00", "audience": []string{"all"}, "kind": "fair"})
	title := find(nodes, "title")
	if title.MaxLength != 20 || title.Label.SV != "title sv" || title.Help.EN != "title.help en" || title.Controls {
		t.Errorf("title: %+v", title)
	}
	if n := find(nodes, "guards"); !n.Controls || n.Min != "0" || n.Max != "10000" {
		t.Errorf("guards: %+v", n)
	}
	if n := find(nodes, "guard_list"); n.Kind != KindRows || !n.Personal || n.MinItems != 1 || n.MaxItems != 50 {
		t.Errorf("guard_list: %+v", n)
	}
	if n := find(nodes, "guard_list.0.name"); n == nil || !n.Personal || n.Name != "name" || n.Label.FI != "guard_list.name fi" {
		t.Errorf("guard_list.0.name: %+v", n)
	}
	if n := find(nodes, "height"); n.Unit != "m" || n.Min != "0.5" {
		t.Errorf("height: %+v", n)
	}
	if n := find(nodes, "plan"); !slices.Equal(n.Accept, []string{"pdf", "png"}) || n.MaxItems != 3 {
		t.Errorf("plan: %+v", n)
	}
	if n := find(nodes, "start"); n.DatePart() != "2026-07-01" || n.TimePart() != "18:00" {
		t.Errorf("start: %q %q", n.DatePart(), n.TimePart())
	}
	if n := find(nodes, "audience"); !n.Has("all") || n.Has("elderly") || n.Options[2] != (Option{"elderly", i18n.Text{FI: "audience.elderly fi", SV: "audience.elderly sv", EN: "audience.elderly en"}}) {
		t.Errorf("audience: %+v", n)
	}
	if n := find(nodes, "property_ids"); n.Item != WidgetPropertyID {
		t.Errorf("property_ids: %+v", n)
	}
	if n := find(nodes, "kind"); !n.Has("fair") || !n.Controls {
		t.Errorf("kind: %+v", n)
	}
}

func TestPrune(t *testing.T) {
	f := sample(t)
	for _, tt := range []struct{ name, answers, want string }{
		{"hidden goes", `{"guards":0,"guard_list":[{"name":"A"}],"kind":"fair","kind_other":"x","music":false,"music_end":"18:00"}`, `{"guards":0,"kind":"fair","music":false}`},
		{"shown stays", `{"guards":1,"guard_list":[{"name":"A"}],"kind":"other","kind_other":"x"}`, `{"guard_list":[{"name":"A"}],"guards":1,"kind":"other","kind_other":"x"}`},
		{"empty goes", `{"title":"","plan":[],"place":{"name":""},"guards":1,"guard_list":[{},{"name":""},{"name":"A","card":null}],"audience":["",null]}`, `{"guard_list":[{"name":"A"}],"guards":1}`},
		{"unknown stays for Check", `{"nope":1}`, `{"nope":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(t, f.Prune(parse(t, tt.answers))); got != tt.want {
				t.Errorf("Prune = %s, want %s", got, tt.want)
			}
		})
	}
}

// TestVisibleThroughOthers: c depends on b, which depends on a.
func TestVisibleThroughOthers(t *testing.T) {
	f, err := Parse("chain", []byte(`{"type":"object","additionalProperties":false,"properties":{
			"a":{"type":"boolean"},"b":{"type":"boolean"},"c":{"type":"string"},
			"g":{"type":"object","additionalProperties":false,"properties":{"x":{"type":"string"},"y":{"type":"string"}}}}}`),
		[]byte(`{"type":"VerticalLayout","elements":[
			{"type":"Control","scope":"#/properties/a"},
			{"type":"Control","scope":"#/properties/b","rule":{"effect":"SHOW","condition":{"scope":"#/properties/a","schema":{"const":true}}}},
			{"type":"Control","scope":"#/properties/c","rule":{"effect":"SHOW","condition":{"type":"AND","conditions":[{"scope":"#/properties/b","schema":{"const":true}},{"scope":"#/properties/a","schema":{"const":true}}]}}},
			{"type":"Control","scope":"#/properties/g/properties/y"},
			{"type":"Control","scope":"#/properties/g/properties/x","rule":{"effect":"HIDE","condition":{"scope":"#/properties/b","schema":{"const":true}}}}
		]}`), wordsFor("a", "b", "c", "g", "g.x", "g.y"))
	if err != nil {
		t.Fatal(err)
	}
	for answers, want := range map[string]string{
		`{"a":true,"b":true,"c":"x","g":{"x":"1","y":"2"}}`:  `{"a":true,"b":true,"c":"x","g":{"y":"2"}}`,
		`{"a":false,"b":true,"c":"x","g":{"x":"1","y":"2"}}`: `{"a":false,"g":{"x":"1","y":"2"}}`,
		`{"b":true,"c":"x"}`: `{}`,
	} {
		if got := text(t, f.Prune(parse(t, answers))); got != want {
			t.Errorf("Prune(%s) = %s, want %s", answers, got, want)
		}
	}
	if got, want := outline(f.Fields(parse(t, `{"a":true}`)), ""), "a bool = true\nb bool\ng.y text\ng.x text\n"; got != want {
		t.Errorf("Fields = %s, want %s", got, want)
	}
}

func TestAttachments(t *testing.T) {
	f := small(t, "", `"b":{"type":"array","items":{"type":"string","format":"attachment"}}`,
		`"rows":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"f":{"type":"array","x-accept":["pdf"],"items":{"type":"string","format":"attachment"}}}}}`)
	if got := f.AttachmentIDs(parse(t, `{"b":["1","2"],"rows":[{"f":["3"]},{"f":["2","4"]}]}`)); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("AttachmentIDs = %v", got)
	}
	fields := f.AttachmentFields()
	if len(fields) != 2 || fields[1].Path != "rows.f" || !slices.Equal(fields[1].Accept, []string{"pdf"}) {
		t.Errorf("AttachmentFields = %+v", fields)
	}
}
