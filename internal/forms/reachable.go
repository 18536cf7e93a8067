package forms

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// tries is how many combinations checkReachable goes through for one field.
const tries = 4096

// checkReachable finds fields that can be required while a rule hides them:
// nobody could send such a form. It does not compare the conditions as text but
// tries them on the values where they can change.
func (f *Form) checkReachable(m *mistakes) {
	var root map[string]any
	if err := json.Unmarshal(f.bodies[0], &root); err != nil {
		m.add("%v", err)
		return
	}
	conditions := conditionPaths(root, "")
	for _, path := range slices.Sorted(maps.Keys(f.byPath)) {
		fd := f.byPath[path]
		if fd.inRows() || len(f.allRules(fd)) == 0 {
			continue
		}
		controls := f.controlling(fd)
		for _, p := range conditions { // every if may matter: it may name others
			if c := f.byPath[p]; c != nil && c != fd && !c.inRows() && !c.isObject() && f.requiresUnder(root, p, fd) && !slices.Contains(controls, c) {
				controls = append(controls, c)
			}
		}
		if found := f.tryValues(root, fd, controls); found != nil {
			m.add("%s can be required while it is hidden, for example with %v", path, found)
		}
	}
}

// requiresUnder reports whether an if that looks at path requires the field.
func (f *Form) requiresUnder(root map[string]any, path string, fd *field) bool {
	list, _ := root["allOf"].([]any)
	for _, s := range append([]any{root}, list...) {
		schema, _ := s.(map[string]any)
		if schema["if"] == nil {
			continue
		}
		if !slices.Contains(conditionPaths(map[string]any{"if": schema["if"]}, ""), path) {
			continue
		}
		if names(schema["then"], fd.name) || names(schema["else"], fd.name) {
			return true
		}
	}
	return false
}

// names reports whether a text stands anywhere in a value.
func names(v any, s string) bool {
	switch v := v.(type) {
	case string:
		return v == s
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return names(x, s) })
	case map[string]any:
		for k, x := range v {
			if k == s || names(x, s) {
				return true
			}
		}
	}
	return false
}

// allRules returns the rules of the field and of the objects it stands in.
func (f *Form) allRules(fd *field) []*rule {
	rules := slices.Clone(fd.rules)
	for p := fd.parent; p != nil; p = p.parent {
		rules = append(rules, p.rules...)
	}
	return rules
}

// controlling returns the fields that decide whether fd is shown, also through
// one another.
func (f *Form) controlling(fd *field) []*field {
	var out []*field
	for _, rule := range f.allRules(fd) {
		rule.condition.looksAt(func(on *field) {
			if slices.Contains(out, on) {
				return
			}
			out = append(out, on)
			for _, further := range f.controlling(on) {
				if !slices.Contains(out, further) {
					out = append(out, further)
				}
			}
		})
	}
	return out
}

// tryValues returns answers with which fd is required and hidden, or nil.
func (f *Form) tryValues(root map[string]any, fd *field, controls []*field) Answers {
	samples := make([][]any, len(controls))
	for i, c := range controls {
		samples[i] = f.samples(root, c)
	}
	choice := make([]int, len(controls))
	for range tries {
		a := Answers{}
		for i, c := range controls {
			if v := samples[i][choice[i]]; v != nil {
				a.set(c.path, v)
			}
		}
		w := f.view(a)
		if f.requiredAt(a, fd) && !w.visible(fd) {
			return a
		}
		i := 0
		for ; i < len(choice); i++ {
			if choice[i]++; choice[i] < len(samples[i]) {
				break
			}
			choice[i] = 0
		}
		if i == len(choice) {
			return nil
		}
	}
	return nil
}

// samples returns values of a field among which every condition on it changes;
// nil stands for no answer.
func (f *Form) samples(root map[string]any, fd *field) []any {
	out := []any{nil}
	switch {
	case fd.widget == WidgetBool:
		out = append(out, true, false)
	case fd.widget == WidgetChoice:
		for _, o := range fd.options {
			out = append(out, o.Value)
		}
	case fd.widget == WidgetChoices:
		for _, o := range fd.options {
			out = append(out, []any{o.Value})
		}
		if len(fd.options) > 1 {
			out = append(out, []any{fd.options[0].Value, fd.options[1].Value})
		}
	case fd.widget == WidgetInteger || fd.widget == WidgetDecimal:
		numbers := map[string]bool{"0": true}
		f.constants(root, func(n string) { numbers[n] = true })
		for _, n := range slices.Sorted(maps.Keys(numbers)) {
			out = append(out, json.Number(n))
		}
	case fd.isMulti():
		out = append(out, []any{"1"})
	case fd.widget == WidgetRows, fd.isObject():
	default:
		out = append(out, "1")
	}
	return out
}

// constants yields the numbers that stand in conditions, and their neighbours.
func (f *Form) constants(root map[string]any, yield func(string)) {
	near := func(v any) {
		var n int64
		if _, err := fmt.Sscan(fmt.Sprint(v), &n); err == nil {
			for _, x := range []int64{n - 1, n, n + 1} {
				yield(fmt.Sprint(x))
			}
		}
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, x := range v {
				if slices.Contains([]string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const"}, key) {
					near(x)
				}
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(root["allOf"])
	walk(root["if"])
	for _, fd := range f.byPath {
		for _, rule := range fd.rules {
			walkConditions(rule.condition, func(c *condition) { walk(c.raw) })
		}
	}
}

func walkConditions(c *condition, yield func(*condition)) {
	yield(c)
	for _, p := range c.parts {
		walkConditions(p, yield)
	}
}
