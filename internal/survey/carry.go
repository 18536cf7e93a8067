package survey

import (
	"slices"

	"luvat/internal/i18n"
)

// A Target is a field that forms have: of the common form by its term of the
// data dictionary, of a matter's form by its name there.
type Target struct {
	Term  string `json:"term,omitempty"`
	Form  string `json:"form,omitempty"`
	Field string `json:"field,omitempty"`
}

func (t Target) whole() bool {
	return (t.Term != "") != (t.Form != "" && t.Field != "") && (t.Form != "") == (t.Field != "")
}

// A Gift is what an answer tells a form, word for word: who answered it need
// not be asked again. Only what means exactly the same is given.
type Gift struct {
	Target
	// Value is a choice, yes or no, or a list of choices. Of lists all that is
	// given counts together. Without a value the answer leaves the field to be
	// asked, whatever other answers give.
	Value any `json:"value,omitempty"`
}

// Gifts tells what the answers give to forms, in the order of the survey.
// Where two answers give different values, the field is left to be asked.
func (s *Survey) Gifts(given Answers) []Gift {
	var order []Target
	values, open := map[Target]any{}, map[Target]bool{}
	s.answered(given, func(_ *Question, a Answer) {
		for _, g := range a.Gives {
			had, twice := values[g.Target]
			if !twice {
				order = append(order, g.Target)
			}
			joined, ok := join(had, g.Value)
			if twice && !ok || g.Value == nil {
				open[g.Target] = true
			}
			values[g.Target] = joined
		}
	})
	var all []Gift
	for _, t := range order {
		if !open[t] {
			all = append(all, Gift{t, values[t]})
		}
	}
	return all
}

// join joins what two answers give: lists together, anything else only if it
// is the same.
func join(had, more any) (any, bool) {
	if had == nil {
		return more, true
	}
	a, ok1 := had.([]string)
	b, ok2 := more.([]string)
	if !ok1 || !ok2 {
		return had, !ok1 && !ok2 && had == more
	}
	joined := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(joined, v) {
			joined = append(joined, v)
		}
	}
	return joined, true
}

// Told lists what was answered to questions that are near to a field of a
// form but do not mean the same, such as a class of size where the form wants
// a number: the form shows it beside the field.
func (s *Survey) Told(given Answers) map[Target][]i18n.Text {
	told := map[Target][]i18n.Text{}
	s.answered(given, func(q *Question, a Answer) {
		if q.Beside != nil {
			told[*q.Beside] = append(told[*q.Beside], a.Text)
		}
	})
	return told
}

// answered calls fn for each answer given, in the order of the survey.
func (s *Survey) answered(given Answers, fn func(*Question, Answer)) {
	known := s.known(given)
	for i := range s.Areas {
		for j := range s.Areas[i].Questions {
			q := &s.Areas[i].Questions[j]
			for _, a := range q.Answers {
				if slices.Contains(known[q.ID], a.ID) {
					fn(q, a)
				}
			}
		}
	}
}

// gift checks what an answer gives, and makes lists of strings of its lists.
func (r *reader) gift(where string, g *Gift) {
	if !g.whole() {
		r.bad(where, "gives to %+v, which is neither a term nor a field of a form", g.Target)
	}
	switch v := g.Value.(type) {
	case nil, bool, string:
	case []any:
		list := make([]string, 0, len(v))
		for _, x := range v {
			if s, ok := x.(string); ok && s != "" {
				list = append(list, s)
			}
		}
		if len(list) != len(v) || len(v) == 0 {
			r.bad(where, "gives %v, which is no list of choices", v)
		}
		g.Value = list
	default:
		r.bad(where, "gives %v, which is neither a choice, yes or no, nor a list of choices", v)
	}
}
