package forms

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"luvat/internal/i18n"
)

// An element of the layout: a group of elements, or one field.
type element struct {
	label, help i18n.Text // of a group
	rules       []*rule   // its own and those of the groups around it
	elements    []*element
	field       *field // nil for a group
}

// A rule shows or hides a part of the form.
type rule struct {
	show      bool
	condition *condition
}

// A condition looks at one field, or joins others.
type condition struct {
	join   string // "and", "or", or empty
	parts  []*condition
	field  *field
	schema *jsonschema.Schema
	raw    any // the schema as written
}

// The UI schema as JSON.
type (
	uiElement struct {
		Type     string       `json:"type"`
		Label    string       `json:"label"`
		Scope    string       `json:"scope"`
		Elements []*uiElement `json:"elements"`
		Rule     *uiRule      `json:"rule"`
	}
	uiRule struct {
		Effect    string      `json:"effect"`
		Condition uiCondition `json:"condition"`
	}
	uiCondition struct {
		Type       string        `json:"type"`
		Scope      string        `json:"scope"`
		Schema     any           `json:"schema"`
		Conditions []uiCondition `json:"conditions"`
	}
)

// layoutReader walks the UI schema.
type layoutReader struct {
	f        *Form
	words    *words
	compiler *compiler
	mistakes *mistakes
	placed   map[*field]bool
	order    int
}

func (f *Form) readLayout(m *mistakes, body []byte, w *words, c *compiler) {
	var root uiElement
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		m.add("%v", err)
		return
	}
	r := &layoutReader{f: f, words: w, compiler: c, mistakes: m, placed: map[*field]bool{}}
	if root.Type != "VerticalLayout" {
		m.add("the top is a VerticalLayout, not %q", root.Type)
	}
	f.layout = r.elements(&root, nil)
	r.missing(f.fields)
	r.circles()
	f.ordered = slices.SortedFunc(slices.Values(f.fields), func(a, b *field) int { return a.order - b.order })
}

// elements reads what stands in a layout or a group.
func (r *layoutReader) elements(parent *uiElement, rules []*rule) []*element {
	var out []*element
	for _, e := range parent.Elements {
		if e == nil {
			r.mistakes.add("an empty element")
			continue
		}
		own := r.rules(e, rules)
		switch e.Type {
		case "VerticalLayout":
			out = append(out, r.elements(e, own)...)
		case "Group":
			if e.Label == "" {
				r.mistakes.add("a Group without a label")
				continue
			}
			g := &element{label: r.words.label(e.Label), help: r.words.help(e.Label), rules: own}
			g.elements = r.elements(e, own)
			out = append(out, g)
		case "Control":
			if fd := r.control(e); fd != nil {
				fd.rules = own
				out = append(out, &element{field: fd, rules: own})
			}
		default:
			r.mistakes.add("element type %q is not one of VerticalLayout, Group, Control", e.Type)
		}
	}
	return out
}

func (r *layoutReader) control(e *uiElement) *field {
	if e.Label != "" {
		r.mistakes.add("%s: the label of a field stands in the words", e.Scope)
	}
	fd := r.scope(e.Scope)
	if fd == nil {
		return nil
	}
	if fd.isCoordinate() || fd.widget == WidgetCoordinates {
		r.mistakes.add("%s: lat and lon are asked together: place %s as a whole", fd.path, fd.parent.path)
		return nil
	}
	for p := fd; p != nil; p = p.parent {
		if r.placed[p] {
			r.mistakes.add("%s stands in the layout twice", fd.path)
			return nil
		}
	}
	r.place(fd)
	return fd
}

// place gives a field and its parts their order.
func (r *layoutReader) place(fd *field) {
	r.placed[fd] = true
	r.order++
	fd.order = r.order
	for _, c := range fd.children {
		r.place(c)
	}
	if fd.both != nil {
		fd.both.order = min(fd.byName[latitude].order, fd.byName[longitude].order)
	}
}

// missing reports the fields that nobody could answer. An object whose parts
// are placed one by one takes the order of its first part.
func (r *layoutReader) missing(fields []*field) {
	for _, fd := range fields {
		if r.placed[fd] {
			continue
		}
		if fd.isObject() && slices.ContainsFunc(fd.children, func(c *field) bool { return r.placed[c] }) {
			r.missing(fd.children)
			fd.order = slices.MinFunc(fd.children, func(a, b *field) int { return a.order - b.order }).order
			continue
		}
		r.mistakes.add("%s has no place in the layout", fd.path)
	}
}

// scope finds the field that "#/properties/a/properties/b" means.
func (r *layoutReader) scope(scope string) *field {
	rest, ok := strings.CutPrefix(scope, "#/properties/")
	fd := r.f.byPath[strings.ReplaceAll(rest, "/properties/", ".")]
	if !ok || fd == nil {
		r.mistakes.add("scope %q means no field", scope)
		return nil
	}
	if fd.inRows() {
		r.mistakes.add("scope %q: rows are placed as a whole", scope)
		return nil
	}
	return fd
}

func (r *layoutReader) rules(e *uiElement, around []*rule) []*rule {
	if e.Rule == nil {
		return around
	}
	if e.Rule.Effect != "SHOW" && e.Rule.Effect != "HIDE" {
		r.mistakes.add("rule effect %q is neither SHOW nor HIDE", e.Rule.Effect)
		return around
	}
	c := r.condition(e.Rule.Condition)
	if c == nil {
		return around
	}
	return append(slices.Clip(around), &rule{e.Rule.Effect == "SHOW", c})
}

func (r *layoutReader) condition(u uiCondition) *condition {
	switch u.Type {
	case "AND", "OR":
		c := &condition{join: strings.ToLower(u.Type)}
		for _, part := range u.Conditions {
			if p := r.condition(part); p != nil {
				c.parts = append(c.parts, p)
			}
		}
		if len(c.parts) == 0 {
			r.mistakes.add("condition %s joins nothing", u.Type)
			return nil
		}
		return c
	case "":
	default:
		r.mistakes.add("condition type %q is neither AND nor OR", u.Type)
		return nil
	}
	fd := r.scope(u.Scope)
	if fd == nil {
		return nil
	}
	fd.controls = true
	if u.Schema == nil {
		r.mistakes.add("the condition on %s has no schema", fd.path)
		return nil
	}
	schema, err := r.compiler.compile(u.Schema)
	if err != nil {
		r.mistakes.add("the condition on %s: %v", fd.path, err)
		return nil
	}
	return &condition{field: fd, schema: schema, raw: u.Schema}
}

// looksAt calls yield for every field that the condition looks at.
func (c *condition) looksAt(yield func(*field)) {
	if c.field != nil {
		yield(c.field)
	}
	for _, p := range c.parts {
		p.looksAt(yield)
	}
}

// circles reports fields whose visibility depends on itself.
func (r *layoutReader) circles() {
	const begun, done = 1, 2
	state := map[*field]int{}
	var visit func(fd *field) bool
	visit = func(fd *field) bool {
		if state[fd] != 0 {
			return state[fd] == done
		}
		state[fd] = begun
		ok := fd.parent == nil || visit(fd.parent)
		for _, rule := range fd.rules {
			rule.condition.looksAt(func(on *field) { ok = ok && visit(on) })
		}
		state[fd] = done
		return ok
	}
	for _, path := range slices.Sorted(maps.Keys(r.f.byPath)) {
		fd := r.f.byPath[path]
		if !visit(fd) {
			r.mistakes.add("%s is shown by a rule that depends on itself", path)
		}
	}
}

// markConditions marks the fields that an if of the schema looks at: what is
// required changes with them.
func (f *Form) markConditions() {
	var root map[string]any
	if json.Unmarshal(f.bodies[0], &root) != nil {
		return // reported by readSchema
	}
	for _, path := range conditionPaths(root, "") {
		if fd := f.byPath[path]; fd != nil {
			fd.controls = true
		}
	}
}

// conditionPaths returns the paths that the ifs of a schema look at.
func conditionPaths(v any, prefix string) []string {
	schema, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	var out []string
	var named func(v any, prefix string)
	named = func(v any, prefix string) {
		switch v := v.(type) {
		case map[string]any:
			props, _ := v["properties"].(map[string]any)
			for name, sub := range props {
				out = append(out, join(prefix, name))
				named(sub, join(prefix, name))
			}
			for _, name := range texts(v["required"]) {
				out = append(out, join(prefix, name))
			}
			for _, key := range []string{"not", "allOf", "anyOf", "oneOf"} {
				named(v[key], prefix)
			}
		case []any:
			for _, sub := range v {
				named(sub, prefix)
			}
		}
	}
	named(schema["if"], prefix)
	props, _ := schema["properties"].(map[string]any)
	for name, sub := range props {
		out = append(out, conditionPaths(sub, join(prefix, name))...)
	}
	out = append(out, conditionPaths(schema["items"], prefix)...)
	for _, key := range []string{"then", "else"} {
		out = append(out, conditionPaths(schema[key], prefix)...)
	}
	list, _ := schema["allOf"].([]any)
	for _, sub := range list {
		out = append(out, conditionPaths(sub, prefix)...)
	}
	return out
}

// equal compares two answers of canonical JSON.
func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
