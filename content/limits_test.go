package content

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

type limit struct {
	Entity   string `json:"entity"`
	Name     text   `json:"name"`
	Counting text   `json:"counting"`
	Check    text   `json:"check"`
	Covers   []struct {
		Matter string `json:"matter"`
		Mark   string `json:"mark"`
		Source string `json:"source"`
	} `json:"covers"`
	Facts []struct {
		ID    string `json:"id"`
		Name  text   `json:"name"`
		Tests []struct {
			Term  string   `json:"term"`
			In    []any    `json:"in"`
			Only  []string `json:"only"`
			Below *float64 `json:"below"`
		} `json:"tests"`
	} `json:"facts"`
	Survey []struct {
		Question string   `json:"question"`
		Answers  []string `json:"answers"`
		Term     string   `json:"term"`
		Value    any      `json:"value"`
		Unknown  bool     `json:"unknown"`
	} `json:"survey"`
	Laws []struct {
		ID      string `json:"id"`
		From    string `json:"from"`
		Name    text   `json:"name"`
		Source  string `json:"source"`
		Classes []struct {
			ID     string     `json:"id"`
			Months int        `json:"months"`
			Name   text       `json:"name"`
			When   [][]string `json:"when"`
			Mark   string     `json:"mark"`
			Source string     `json:"source"`
		} `json:"classes"`
	} `json:"laws"`
}

// property is a field of a form's schema.
type property struct {
	Type  string `json:"type"`
	Enum  []any  `json:"enum"`
	Items struct {
		Enum []any `json:"enum"`
	} `json:"items"`
	Term string `json:"x-term"`
}

// terms returns the fields of a common form by the terms that they hold.
func terms(t *testing.T, form string) map[string]property {
	t.Helper()
	raw, err := FS.ReadFile("forms/" + form + "/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]property }
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	all := map[string]property{}
	for _, p := range schema.Properties {
		all[p.Term] = p
	}
	return all
}

func TestLimits(t *testing.T) {
	for _, l := range decode[[]limit](t, "limits.json") {
		if _, found := entities(t)[l.Entity]; !found || !l.Name.complete() || !l.Counting.complete() || !l.Check.complete() {
			t.Errorf("limit of %q: unknown, or a text lacks a language", l.Entity)
			continue
		}
		l.checkCovers(t)
		l.checkFacts(t, terms(t, entities(t)[l.Entity].CommonForm))
		l.checkLaws(t)
	}
}

// checkCovers holds that of every matter type of the entity it is said whether
// it is within the limit: supervision never is.
func (l limit) checkCovers(t *testing.T) {
	all := matters(t)
	covered := map[string]bool{}
	for _, c := range l.Covers {
		m, found := all[c.Matter]
		if !found || covered[c.Matter] || m.Kind == "supervision" || !slices.Contains(m.Entities, l.Entity) {
			t.Errorf("limit of %s covers %q: unknown, twice, supervision, or not of the entity", l.Entity, c.Matter)
		}
		covered[c.Matter] = true
		if !slices.Contains([]string{"certain", "inferred"}, c.Mark) || c.Source == "" {
			t.Errorf("limit of %s, %s: mark %q, source %q", l.Entity, c.Matter, c.Mark, c.Source)
		}
	}
	for id, m := range all {
		if slices.Contains(m.Entities, l.Entity) && m.Kind != "supervision" && !covered[id] {
			t.Errorf("limit of %s: is %s within it?", l.Entity, id)
		}
	}
}

// checkFacts holds that a fact, and what the survey tells, speak of values that
// the common form can have.
func (l limit) checkFacts(t *testing.T, known map[string]property) {
	value := func(where, term string, v any) {
		p, found := known[term]
		choices := slices.Concat(p.Enum, p.Items.Enum)
		switch p.Type {
		case "string", "array":
			found = found && slices.Contains(choices, v)
		case "boolean":
			_, is := v.(bool)
			found = found && is
		default:
			_, is := v.(float64)
			found = found && is
		}
		if !found {
			t.Errorf("%s: no field of the common form holds %s = %v", where, term, v)
		}
	}
	for _, f := range l.Facts {
		if f.ID == "" || !f.Name.complete() {
			t.Errorf("fact %q: no id, or a name lacks a language", f.ID)
		}
		for _, x := range f.Tests {
			for _, v := range x.In {
				value("fact "+f.ID, x.Term, v)
			}
			for _, v := range x.Only {
				value("fact "+f.ID, x.Term, v)
			}
			if x.Below != nil {
				value("fact "+f.ID, x.Term, *x.Below)
			}
		}
	}
	answers := surveyAnswers(t, entities(t)[l.Entity].Survey)
	for _, s := range l.Survey {
		for _, a := range s.Answers {
			if !slices.Contains(answers[s.Question], a) {
				t.Errorf("limit of %s: the survey has no answer %s to %s", l.Entity, a, s.Question)
			}
		}
		list, several := s.Value.([]any)
		switch {
		case s.Unknown && s.Value == nil:
		case several && known[s.Term].Type == "array":
			for _, v := range list {
				value("survey "+s.Question, s.Term, v)
			}
		default:
			value("survey "+s.Question, s.Term, s.Value)
		}
	}
}

func (l limit) checkLaws(t *testing.T) {
	for _, w := range l.Laws {
		if _, err := time.Parse(time.DateOnly, w.From); err != nil || !w.Name.complete() || w.Source == "" {
			t.Errorf("law %s: day %q, or a name or the source is missing", w.ID, w.From)
		}
		for _, c := range w.Classes {
			if !c.Name.complete() || c.Source == "" || !slices.Contains([]string{"certain", "inferred", "general"}, c.Mark) {
				t.Errorf("class %s/%s: a name or the source is missing, or mark %q", w.ID, c.ID, c.Mark)
			}
		}
	}
}

// What the sources say for certain: the classes before August 2025, and that
// afterwards the limits are from three months to three years.
func TestLimitsAreAsTheSourcesSay(t *testing.T) {
	laws := decode[[]limit](t, "limits.json")[0].Laws
	for _, c := range laws[0].Classes {
		if want := map[string]int{"repowering": 12, "under-150-kw": 12, "from-150-kw": 24}[c.ID]; c.Mark != "certain" || c.Months != want {
			t.Errorf("until August 2025: %s is %d months, %s", c.ID, c.Months, c.Mark)
		}
	}
	shortest, longest := 99, 0
	for _, c := range laws[1].Classes {
		shortest, longest = min(shortest, c.Months), max(longest, c.Months)
		if c.Mark == "certain" {
			t.Errorf("since August 2025: %s is said to be certain; the text of the act was not seen", c.ID)
		}
	}
	if shortest != 3 || longest != 36 {
		t.Errorf("since August 2025: from %d to %d months, want 3 to 36", shortest, longest)
	}
}

// surveyAnswers lists the answers of a survey by question.
func surveyAnswers(t *testing.T, id string) map[string][]string {
	t.Helper()
	raw, err := FS.ReadFile("surveys/" + id + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Areas []struct {
			Questions []struct {
				ID      string
				Answers []struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, a := range s.Areas {
		for _, q := range a.Questions {
			for _, x := range q.Answers {
				all[q.ID] = append(all[q.ID], x.ID)
			}
		}
	}
	return all
}
