package forms

import (
	"encoding/json"
	"slices"
	"strings"

	"luvat/internal/i18n"
)

// A Kind says how a [Node] is built.
type Kind string

// The kinds.
const (
	KindGroup Kind = "group" // a group of the layout (without a path) or an object: see Children
	KindField Kind = "field" // one answer, or a list of values
	KindRows  Kind = "rows"  // repeating rows: see Rows; Children is the next, empty row
)

// A Node is a part of a form to draw, with all decided: hidden ones are not
// among them.
type Node struct {
	Kind        Kind
	Path        string // the name of the input; empty for a group of the layout
	Name        string // the last part of the path
	Label, Help i18n.Text
	Widget      Widget
	Item        Widget // how one value of a list is asked
	Required    bool   // now, with these answers; of a part, once what it stands in is answered
	Options     []Option
	Unit        string
	MaxLength   int    // 0: the general limit
	Min, Max    string // decimal point; empty: none
	MinItems    int    // of rows, lists, files, choices
	MaxItems    int    // 0: the general limit
	Accept      []string
	Personal    bool
	Controls    bool // what is shown or required depends on it
	Term        string
	Children    []Node
	Rows        [][]Node
	Value       any    // canonical; nil if not answered
	Raw         string // for the input; a decimal number has a comma
}

// DatePart returns the date of a date with a time, as it was given.
func (n Node) DatePart() string {
	date, _ := SplitDateTime(n.Raw)
	return date
}

// TimePart returns the time of a date with a time, as it was given.
func (n Node) TimePart() string {
	_, clock := SplitDateTime(n.Raw)
	return clock
}

// Values returns the values of a list, files or choices.
func (n Node) Values() []string {
	list, _ := n.Value.([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Has reports whether the value is chosen.
func (n Node) Has(value string) bool {
	return n.Raw == value && n.Raw != "" || slices.Contains(n.Values(), value)
}

// Optional reports whether its label says that it may be left out. A group of
// which no part must be answered leaves that to its parts.
func (n Node) Optional() bool {
	return !n.Required && (n.Widget != WidgetGroup || n.mustAny())
}

// AnyPart reports whether one of its parts is enough, whichever: it must be
// answered, but none of them.
func (n Node) AnyPart() bool {
	return n.Required && n.Kind == KindGroup && !n.mustAny()
}

func (n Node) mustAny() bool {
	return slices.ContainsFunc(n.Children, func(c Node) bool { return c.Required })
}

// Fields returns what to draw for these answers, in order.
func (f *Form) Fields(a Answers) []Node {
	a, _ = normalise(a)
	d := drawer{f: f, view: f.view(a), top: f.top(f.prune(a))}
	return d.elements(f.layout)
}

// AttachmentFields returns the fields that take attachments, by their path
// without row numbers.
func (f *Form) AttachmentFields() []Node {
	var out []Node
	var walk func(fields []*field)
	walk = func(fields []*field) {
		for _, fd := range fields {
			if fd.widget == WidgetFiles {
				out = append(out, newNode(fd, fd.path))
			}
			walk(fd.children)
		}
	}
	walk(f.ordered)
	slices.SortStableFunc(out, func(a, b Node) int { return f.byPath[a.Path].order - f.byPath[b.Path].order })
	return out
}

// AttachmentIDs returns the ids of the attachments in the answers, in the order
// of the layout, each once.
func (f *Form) AttachmentIDs(a Answers) []string {
	a, _ = normalise(a)
	var ids []string
	f.each(a, func(fd *field, _ string, v any, _ map[string]any) {
		list, _ := v.([]any)
		for _, x := range list {
			id, ok := x.(string)
			if ok && fd.widget == WidgetFiles && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	})
	return ids
}

type drawer struct {
	f    *Form
	view *view
	top  scope
}

func (d drawer) elements(list []*element) []Node {
	var out []Node
	for _, e := range list {
		if e.field == nil {
			if children := d.elements(e.elements); d.view.all(e.rules) && len(children) > 0 {
				out = append(out, Node{Kind: KindGroup, Widget: WidgetGroup, Label: e.label, Help: e.help, Children: children})
			}
			continue
		}
		if d.view.visible(e.field) {
			out = append(out, d.control(e.field))
		}
	}
	return out
}

// control draws a field that the layout names; it may stand inside objects.
func (d drawer) control(fd *field) Node {
	var objects []*field
	for p := fd.parent; p != nil; p = p.parent {
		objects = append(objects, p)
	}
	s, must := d.top, true
	for _, p := range slices.Backward(objects) {
		must = must && (s.requires(p.name) || !empty(s.child(p.name).value))
		s = s.child(p.name)
	}
	v, _ := d.view.a.At(fd.path)
	return d.node(fd, fd.path, v, must && s.requires(fd.name), s.child(fd.name))
}

// node draws one field. v is its answer as kept, s its place in the pruned
// answers.
func (d drawer) node(fd *field, path string, v any, required bool, s scope) Node {
	n := newNode(fd, path)
	n.Required = required
	n.MinItems = s.minItems()
	switch {
	case fd.isObject():
		obj, _ := v.(map[string]any)
		n.Value = v
		n.Children = d.parts(fd, path, obj, s)
	case fd.widget == WidgetRows:
		rows, _ := v.([]any)
		n.Value = v
		for i, row := range rows {
			obj, _ := row.(map[string]any)
			n.Rows = append(n.Rows, d.parts(fd, index(path, i), obj, s.item(d.view.clean(fd, row))))
		}
		n.Children = d.parts(fd, index(path, len(rows)), nil, s.item(nil))
	default:
		n.Value, n.Raw = v, raw(v)
	}
	return n
}

// parts draws the parts of an object or a row. An object that need not be
// answered says so itself; its parts tell what it takes to answer it.
func (d drawer) parts(fd *field, path string, obj map[string]any, s scope) []Node {
	var out []Node
	for _, c := range fd.asked {
		switch {
		case !d.view.visible(c):
		case c.widget == WidgetCoordinates:
			out = append(out, d.coordinatesNode(c, path, obj, s))
		default:
			out = append(out, d.node(c, join(path, c.name), obj[c.name], s.requires(c.name), s.child(c.name)))
		}
	}
	return out
}

func newNode(fd *field, path string) Node {
	n := Node{
		Kind: KindField, Path: path, Name: fd.name, Label: fd.label, Help: fd.help, Widget: fd.widget, Item: fd.item,
		Options: fd.options, Unit: fd.unit, MaxLength: fd.maxLength, Min: fd.min, Max: fd.max, MinItems: fd.minItems,
		MaxItems: fd.maxItems, Accept: fd.accept, Personal: fd.personal, Controls: fd.controls, Term: fd.term,
	}
	switch {
	case fd.isObject():
		n.Kind = KindGroup
	case fd.widget == WidgetRows:
		n.Kind = KindRows
	}
	return n
}

// raw writes a value as it stands in an input.
func raw(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return strings.Replace(string(v), ".", ",", 1)
	}
	return ""
}
