package catalogue

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"luvat/internal/forms"
	"luvat/internal/survey"
)

// property is what a form's schema says of a field, as far as gifts go.
type property struct {
	Type  string
	Enum  []string
	Items struct{ Enum []string }
}

func properties(t *testing.T, f *forms.Form) map[string]property {
	t.Helper()
	schema, _, _ := f.Bodies()
	var s struct{ Properties map[string]property }
	if err := json.Unmarshal(schema, &s); err != nil {
		t.Fatal(err)
	}
	return s.Properties
}

// accepts tells whether the field takes the value; none is always taken.
func (p property) accepts(v any) bool {
	switch v := v.(type) {
	case bool:
		return p.Type == "boolean"
	case string:
		return p.Type == "string" && slices.Contains(p.Enum, v)
	case []string:
		return p.Type == "array" && !slices.ContainsFunc(v, func(s string) bool { return !slices.Contains(p.Items.Enum, s) })
	}
	return v == nil
}

// TestGiftsFitTheForms holds that what the answers of a survey tell is told to
// forms that matters of its service entity have, to fields that are there, in
// values that they take.
func TestGiftsFitTheForms(t *testing.T) {
	c := hubCatalogue(t)
	for _, e := range c.Entities {
		s, _, err := c.Survey(e.Survey, "")
		if err != nil {
			t.Fatal(err)
		}
		field := func(where string, to survey.Target) property {
			form, path := e.CommonForm, ""
			if to.Form != "" {
				form, path = to.Form, to.Field
				if !slices.ContainsFunc(c.TypesOf(e.ID), func(t *Type) bool { return t.Form == form }) {
					t.Errorf("%s: form %s belongs to no matter of %s", where, form, e.ID)
				}
			}
			f, _, err := c.Form(form, "")
			if err != nil {
				t.Fatalf("%s: form %s: %v", where, form, err)
			}
			if to.Term != "" {
				path = f.Terms()[to.Term]
			}
			p, found := properties(t, f)[path]
			if !found || strings.Contains(path, ".") {
				t.Errorf("%s: form %s has no field for %+v", where, form, to)
			}
			return p
		}
		n := 0
		for _, area := range s.Areas {
			for _, q := range area.Questions {
				if q.Beside != nil {
					field(s.ID+" "+q.ID, *q.Beside)
				}
				for _, a := range q.Answers {
					where := s.ID + " " + q.ID + " " + a.ID
					for _, g := range a.Gives {
						n++
						if p := field(where, g.Target); !p.accepts(g.Value) {
							t.Errorf("%s: %+v does not take %v", where, g.Target, g.Value)
						}
					}
				}
			}
		}
		if n == 0 {
			t.Errorf("survey %s gives nothing to the forms", s.ID)
		}
	}
}
