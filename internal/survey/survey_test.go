package survey

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
)

func text(s string) i18n.Text { return i18n.Text{FI: s + " fi", SV: s + " sv", EN: s + " en"} }

// small is a survey whose rules show every form the language has.
func small() *Survey {
	rule := func(id, matter string, effect Effect, when string) Rule {
		return Rule{ID: id, Matter: matter, Effect: effect, When: when, Reason: text(id), Source: "law", Mark: Certain, ValidFrom: "2026-11-20"}
	}
	answers := func(ids ...string) (list []Answer) {
		for _, id := range ids {
			list = append(list, Answer{ID: id, Text: text(id)})
		}
		return list
	}
	return &Survey{
		ID: "small", Version: "2026-11-20", Title: text("small"),
		Areas: []Area{
			{ID: "size", Title: text("size"), Questions: []Question{
				{ID: "q_size", Type: One, Text: text("size"), Answers: answers("few", "many", "crowd")},
				{ID: "q_late", Type: One, Text: text("late"), Help: text("late"), Answers: answers("yes", "no")},
			}},
			{ID: "fire", Title: text("fire"), Questions: []Question{
				{ID: "q_fire", Type: Many, Text: text("fire"), Answers: answers("open-fire", "show", "none")},
			}},
		},
		Rules: []Rule{
			rule("small.police.q_size.possibly", "police", Possibly, "q_size == 'many'"),
			rule("small.police.q_size.definitely", "police", Definitely, "q_size in ['crowd']"),
			rule("small.rescue.q_fire.definitely", "rescue", Definitely, "'open-fire' in q_fire || 'show' in q_fire"),
			rule("small.rescue.q_size.possibly", "rescue", Possibly, "q_size in ['many', 'crowd']"),
			rule("small.noise.q_late.possibly", "noise", Possibly, "q_late == 'yes' && 'show' in q_fire"),
		},
		Advice: []Advice{
			{ID: "always", When: "true", Text: text("always"), Source: "page", Mark: Proposed, Survey: "other"},
			{ID: "late", When: "q_late == 'yes'", Text: text("late"), Source: "page", Mark: Proposed},
		},
	}
}

// parse reads the survey as its file would be read.
func parse(t *testing.T, s *Survey) *Survey {
	t.Helper()
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Survey)
		want   string
	}{
		{"version is no day", func(s *Survey) { s.Version = "20.11.2026" }, `survey: version "20.11.2026" is not a day`},
		{"no Swedish", func(s *Survey) { s.Areas[0].Title.SV = " " }, "area size: title is missing in sv"},
		{"half a help", func(s *Survey) { s.Areas[0].Questions[1].Help.EN = "" }, "area size, question q_late: help is missing in en"},
		{"area twice", func(s *Survey) { s.Areas[1].ID = "size" }, `area id "size" is used twice`},
		{"question twice", func(s *Survey) { s.Areas[0].Questions[1].ID = "q_size" }, `question id "q_size" is used twice`},
		{"question without the prefix", func(s *Survey) { s.Areas[1].Questions[0].ID = "fire" }, `question id "fire" is not of the form`},
		{"answer twice", func(s *Survey) { s.Areas[1].Questions[0].Answers[1].ID = "open-fire" }, `question q_fire, answer open-fire: q_fire answer id "open-fire" is used twice`},
		{"one answer only", func(s *Survey) { q := &s.Areas[0].Questions[1]; q.Answers = q.Answers[:1] }, "question q_late: there are fewer than two answers"},
		{"type", func(s *Survey) { s.Areas[0].Questions[0].Type = "some" }, `question q_size: type "some" is neither one nor many`},
		{"rule twice", func(s *Survey) { s.Rules[1].ID = s.Rules[0].ID }, `rule id "small.police.q_size.possibly" is used twice`},
		{"effect", func(s *Survey) { s.Rules[0].Effect = "maybe" }, `effect "maybe" is neither definitely nor possibly`},
		{"mark", func(s *Survey) { s.Rules[0].Mark = "mixed" }, `mark "mixed" is not known`},
		{"source", func(s *Survey) { s.Rules[0].Source = "" }, "rule small.police.q_size.possibly: source is missing"},
		{"source in two ways", func(s *Survey) { s.Rules[0].Sources = []Source{{Page: "poliisi.fi"}} }, "has both sources and a source"},
		{"source that the table has not", func(s *Survey) { s.Advice[0].Source, s.Advice[0].Sources = "", []Source{{Act: "1/1900"}} }, `advice always: no act "1/1900" in the table of acts`},
		{"act without Swedish", func(s *Survey) { s.Acts = []Act{{ID: "1/1900", Name: i18n.Text{FI: "laki", EN: "Act"}}} }, "act 1/1900: name is missing in sv"},
		{"deadline", func(s *Survey) {
			s.Rules[0].Deadline = &Limit{Deadline: Deadline{3, "week"}, Before: EventStart, Mark: "certain"}
		}, `unit "week" of a deadline is not known`},
		{"gift to nobody", func(s *Survey) { s.Areas[0].Questions[0].Answers[0].Gives = []Gift{{Target{Form: "police"}, true}} }, "question q_size, answer few: gives to"},
		{"gift to two", func(s *Survey) { s.Areas[0].Questions[0].Answers[0].Gives = []Gift{{Target{"t", "police", "f"}, true}} }, "question q_size, answer few: gives to"},
		{"gift of a number", func(s *Survey) { s.Areas[0].Questions[0].Answers[0].Gives = []Gift{{Target{Term: "t"}, 500}} }, "gives 500, which is neither"},
		{"gift of an empty list", func(s *Survey) { s.Areas[0].Questions[0].Answers[0].Gives = []Gift{{Target{Term: "t"}, []string{}}} }, "no list of choices"},
		{"beside nothing", func(s *Survey) { s.Areas[0].Questions[0].Beside = &Target{Field: "f"} }, "question q_size: stands beside"},
		{"rule from a later day", func(s *Survey) { s.Rules[0].ValidFrom = "2027-01-01" }, "is later than the survey's version"},
		{"no day", func(s *Survey) { s.Rules[0].ValidFrom = "2026-02-30" }, `valid_from "2026-02-30" is not a day`},
		{"matter", func(s *Survey) { s.Rules[0].Matter = "Police" }, `matter "Police" is not of the form`},
		{"advice that leads to itself", func(s *Survey) { s.Advice[0].Survey = "small" }, `advice always: survey "small" is not the id of another survey`},
		{"unknown question", func(s *Survey) { s.Rules[0].When = "q_sise == 'many'" }, "undeclared reference to 'q_sise'"},
		{"unknown answer", func(s *Survey) { s.Rules[0].When = "q_size == 'mnay'" }, `question q_size has no answer "mnay"`},
		{"unknown answer in a list", func(s *Survey) { s.Rules[0].When = "q_size in ['many', 'mnay']" }, `question q_size has no answer "mnay"`},
		{"unknown answer of several", func(s *Survey) { s.Rules[0].When = "'smoke' in q_fire" }, `question q_fire has no answer "smoke"`},
		{"several taken for one", func(s *Survey) { s.Rules[0].When = "q_fire == 'show'" }, "no matching overload"},
		{"several compared whole", func(s *Survey) { s.Rules[0].When = "q_fire == ['show']" }, "q_fire takes several answers"},
		{"one taken for several", func(s *Survey) { s.Rules[0].When = "'many' in q_size" }, "no matching overload"},
		{"no yes or no", func(s *Survey) { s.Rules[0].When = "q_size" }, "not a yes or no"},
		{"syntax", func(s *Survey) { s.Rules[0].When = "q_size ==" }, "rule small.police.q_size.possibly: when: ERROR"},
		{"not", func(s *Survey) { s.Rules[0].When = "!(q_size == 'many')" }, "!_ is not part of the rules' language"},
		{"not equal", func(s *Survey) { s.Rules[0].When = "q_size != 'many'" }, "_!=_ is not part of the rules' language"},
		{"size of a list", func(s *Survey) { s.Rules[0].When = "size(q_fire) == 2" }, "a comparison names no question"},
		{"never", func(s *Survey) { s.Rules[0].When = "false" }, "only comparisons of a question"},
		{"two questions compared", func(s *Survey) { s.Rules[0].When = "q_size == q_late" }, "not the id of an answer"},
		{"too long", func(s *Survey) { s.Rules[0].When = strings.Repeat("q_size == 'many' || ", 200) + "true" }, "longer than 2000 bytes"},
		{"advice is read too", func(s *Survey) { s.Advice[1].When = "q_late == 'never'" }, `advice late: when: question q_late has no answer "never"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := small()
			tt.change(s)
			body, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(body); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestParseTellsAllMistakes(t *testing.T) {
	s := small()
	s.Areas[0].Title.FI = ""
	s.Rules[0].When = "q_size == 'x' || q_size == 'y'"
	s.Rules[3].Mark = ""
	body, _ := json.Marshal(s)
	_, err := Parse(body)
	if err == nil {
		t.Fatal("Parse took a survey with four mistakes")
	}
	want := `survey small:
area size: title is missing in fi
rule small.police.q_size.possibly: when: question q_size has no answer "x"
rule small.police.q_size.possibly: when: question q_size has no answer "y"
rule small.rescue.q_size.possibly: mark "" is not known`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestParseIsStrict(t *testing.T) {
	body, _ := json.Marshal(small())
	for _, tt := range []struct{ name, body, want string }{
		{"no survey", `[]`, "cannot unmarshal"},
		{"an unknown field", strings.Replace(string(body), `"areas"`, `"colour":"red","areas"`, 1), `unknown field "colour"`},
		{"something after it", string(body) + "{}", "something follows"},
		{"an empty survey", `{}`, "there are no areas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse([]byte(tt.body)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	s := parse(t, small())
	for _, tt := range []struct {
		name  string
		given Answers
		want  []AnswerError
	}{
		{"nothing answered", nil, nil},
		{"all well", Answers{"q_size": {"few"}, "q_fire": {"show", "open-fire"}, "q_late": {}}, nil},
		{"unknown question", Answers{"q_food": {"yes"}}, []AnswerError{{"q_food", "", UnknownQuestion}}},
		{"unknown answer", Answers{"q_fire": {"show", "smoke"}}, []AnswerError{{"q_fire", "smoke", UnknownAnswer}}},
		{"two answers to one question", Answers{"q_size": {"few", "many"}}, []AnswerError{{"q_size", "", SeveralAnswers}}},
		{"all at once, in order", Answers{"q_size": {"few", "x"}, "q_late": {"x"}}, []AnswerError{
			{"q_late", "x", UnknownAnswer}, {"q_size", "x", UnknownAnswer}, {"q_size", "", SeveralAnswers},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []AnswerError
			if err := s.Check(tt.given); err != nil {
				for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
					fault, ok := errors.AsType[*AnswerError](e)
					if !ok {
						t.Fatalf("%v is no AnswerError", e)
					}
					got = append(got, *fault)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check(%v) (-want +got):\n%s", tt.given, diff)
			}
		})
	}
}
