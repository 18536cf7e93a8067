package forms

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A view answers, for one set of answers, what is shown. It remembers, so it
// is for one use by one goroutine.
type view struct {
	f    *Form
	a    Answers // canonical
	seen map[*field]bool
}

func (f *Form) view(a Answers) *view {
	return &view{f, a, map[*field]bool{}}
}

// visible reports whether the field is shown: its own rules hold, and the
// object around it is shown.
func (w *view) visible(fd *field) bool {
	if v, ok := w.seen[fd]; ok {
		return v
	}
	v := (fd.parent == nil || w.visible(fd.parent)) && w.all(fd.rules)
	w.seen[fd] = v
	return v
}

func (w *view) all(rules []*rule) bool {
	for _, r := range rules {
		if w.holds(r.condition) != r.show {
			return false
		}
	}
	return true
}

// holds reports whether a condition is met. What is hidden, not answered or not
// of its type meets none: "abc" is not at least 1, though a schema that says
// only "minimum" would let it pass.
func (w *view) holds(c *condition) bool {
	switch c.join {
	case "and":
		return !slices.ContainsFunc(c.parts, func(p *condition) bool { return !w.holds(p) })
	case "or":
		return slices.ContainsFunc(c.parts, w.holds)
	}
	if !w.visible(c.field) {
		return false
	}
	v, ok := w.a.At(c.field.path)
	return ok && !empty(v) && c.field.takes(v) && c.schema.Validate(v) == nil
}

// takes reports whether the canonical value is of the field's type.
func (fd *field) takes(v any) bool {
	ok := false
	switch {
	case fd.isObject():
		_, ok = v.(map[string]any)
	case fd.isMulti(), fd.widget == WidgetRows:
		_, ok = v.([]any)
	case fd.widget == WidgetInteger, fd.widget == WidgetDecimal:
		_, ok = v.(json.Number)
	case fd.widget == WidgetBool:
		_, ok = v.(bool)
	default:
		_, ok = v.(string)
	}
	return ok
}

// empty reports whether a value is no answer: nothing, or only nothings.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return !slices.ContainsFunc(v, func(x any) bool { return !empty(x) })
	case map[string]any:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	}
	return false
}

// Prune returns a copy without what hidden fields hold and without empty
// values, rows and groups: what is checked, sent and sealed. What no field of
// the form is, stays: it is for Check to refuse.
func (f *Form) Prune(a Answers) Answers {
	a, _ = normalise(a)
	return f.prune(a)
}

// prune works on canonical answers.
func (f *Form) prune(a Answers) Answers {
	w := f.view(a)
	out := Answers{}
	for name, v := range a {
		fd := f.byPath[name]
		if fd != nil && fd.parent == nil && !w.visible(fd) {
			continue
		}
		if v := w.clean(fd, v); v != nil {
			out[name] = v
		}
	}
	return out
}

// clean copies a value without what is hidden or empty; nil means nothing is
// left. The field may be nil.
func (w *view) clean(fd *field, v any) any {
	if empty(v) {
		return nil
	}
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, x := range v {
			if x := w.clean(fd, x); x != nil {
				list = append(list, x)
			}
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, x := range v {
			var part *field
			if fd != nil {
				part = fd.byName[name]
			}
			if part != nil && !w.visible(part) {
				continue
			}
			if x := w.clean(part, x); x != nil {
				m[name] = x
			}
		}
		if len(m) == 0 {
			return nil
		}
		return m
	}
	return v
}

// A scope is a place in the answers with all schemas that apply there: that of
// the property itself and those of the ifs that hold.
type scope struct {
	schemas []*jsonschema.Schema
	value   any
}

// top returns the scope of the whole form; a is pruned.
func (f *Form) top(a Answers) scope {
	return newScope([]*jsonschema.Schema{f.schema}, map[string]any(a))
}

func newScope(schemas []*jsonschema.Schema, value any) scope {
	s := scope{value: value}
	for _, sch := range schemas {
		s.add(sch)
	}
	return s
}

func (s *scope) add(sch *jsonschema.Schema) {
	if sch == nil || slices.Contains(s.schemas, sch) {
		return
	}
	s.schemas = append(s.schemas, sch)
	s.add(sch.Ref)
	for _, sub := range sch.AllOf {
		s.add(sub)
	}
	if sch.If != nil {
		if sch.If.Validate(s.orEmpty()) == nil {
			s.add(sch.Then)
		} else {
			s.add(sch.Else)
		}
	}
}

// orEmpty returns the value, or an empty object where an object has no answer.
func (s *scope) orEmpty() any {
	if s.value == nil {
		return map[string]any{}
	}
	return s.value
}

// requires reports whether the property must be there.
func (s scope) requires(name string) bool {
	obj, _ := s.value.(map[string]any)
	return slices.ContainsFunc(s.schemas, func(sch *jsonschema.Schema) bool {
		if slices.Contains(sch.Required, name) {
			return true
		}
		for on, names := range sch.DependentRequired {
			if _, there := obj[on]; there && slices.Contains(names, name) {
				return true
			}
		}
		return false
	})
}

// minItems returns how many items the array must have.
func (s scope) minItems() int {
	n := 0
	for _, sch := range s.schemas {
		if sch.MinItems != nil {
			n = max(n, *sch.MinItems)
		}
	}
	return n
}

// child returns the scope of a property.
func (s scope) child(name string) scope {
	var schemas []*jsonschema.Schema
	for _, sch := range s.schemas {
		if sub := sch.Properties[name]; sub != nil {
			schemas = append(schemas, sub)
		}
	}
	obj, _ := s.value.(map[string]any)
	return newScope(schemas, obj[name])
}

// item returns the scope of an item of an array; nil is an item that has no
// answers yet.
func (s scope) item(value any) scope {
	var schemas []*jsonschema.Schema
	for _, sch := range s.schemas {
		if sch.Items2020 != nil {
			schemas = append(schemas, sch.Items2020)
		}
	}
	return newScope(schemas, value)
}

// requiredAt reports whether the answers make the field required, wherever its
// objects stand.
func (f *Form) requiredAt(a Answers, fd *field) bool {
	s := f.top(f.prune(a))
	var objects []*field
	for p := fd.parent; p != nil; p = p.parent {
		objects = append(objects, p)
	}
	required := true
	for _, p := range slices.Backward(objects) {
		required = required && (s.requires(p.name) || s.child(p.name).value != nil)
		s = s.child(p.name)
	}
	return required && s.requires(fd.name)
}

// index writes a row number into a path.
func index(path string, i int) string { return join(path, strconv.Itoa(i)) }
