package survey

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// brief tells a result in a few words: the matters with their reasons, then
// the advice, what is unanswered and what is open.
func brief(r Result) string {
	var b strings.Builder
	list := func(name string, findings []Finding) {
		for _, f := range findings {
			fmt.Fprintf(&b, "%s %s:", name, f.Matter)
			for _, why := range f.Reasons {
				fmt.Fprintf(&b, " %s/%s", strings.Join(why.Questions, "+"), why.Effect)
			}
			b.WriteString("\n")
		}
	}
	list("definitely", r.Definitely)
	list("possibly", r.Possibly)
	for _, a := range r.Advice {
		fmt.Fprintf(&b, "advice %s\n", a.ID)
	}
	for _, a := range r.Unanswered {
		for _, q := range a.Questions {
			fmt.Fprintf(&b, "unanswered %s/%s\n", a.ID, q.ID)
		}
	}
	for _, o := range r.Open {
		fmt.Fprintf(&b, "open %s: %s by %s\n", o.Matter, o.Effect, strings.Join(o.Questions, "+"))
	}
	return b.String()
}

func TestJudge(t *testing.T) {
	s := parse(t, small())
	for _, tt := range []struct {
		name  string
		given Answers
		want  string
	}{
		{"nothing answered", nil, `advice always
unanswered size/q_size
unanswered size/q_late
unanswered fire/q_fire
open police: definitely by q_size
open rescue: definitely by q_fire+q_size
open noise: possibly by q_late+q_fire
`},
		{"nothing needed", Answers{"q_size": {"few"}, "q_late": {"no"}, "q_fire": {"none"}}, "advice always\n"},
		{"definite wins and keeps both reasons", Answers{"q_size": {"crowd"}, "q_fire": {"none", "show"}, "q_late": {"yes"}}, `definitely police: q_size/definitely
definitely rescue: q_fire/definitely q_size/possibly
possibly noise: q_late+q_fire/possibly
advice always
advice late
`},
		{"what is possible may still become definite", Answers{"q_size": {"many"}, "q_late": {"no"}}, `possibly police: q_size/possibly
possibly rescue: q_size/possibly
advice always
unanswered fire/q_fire
open rescue: definitely by q_fire
`},
		{"half of an and decides when it is no", Answers{"q_size": {"few"}, "q_fire": {"none"}}, `advice always
unanswered size/q_late
`},
		{"half of an and leaves open when it is yes", Answers{"q_size": {"few"}, "q_late": {"yes"}}, `advice always
advice late
unanswered fire/q_fire
open rescue: definitely by q_fire
open noise: possibly by q_fire
`},
		{"what Check refuses is unanswered", Answers{"q_size": {"few", "many"}, "q_late": {"x"}, "q_fire": {"x", "none"}, "q_x": {"y"}}, `advice always
unanswered size/q_size
unanswered size/q_late
open police: definitely by q_size
open rescue: possibly by q_size
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, brief(s.Judge(tt.given))); diff != "" {
				t.Errorf("Judge(%v) (-want +got):\n%s", tt.given, diff)
			}
		})
	}
}

func TestJudgeListsUnjudgedRules(t *testing.T) {
	got := parse(t, small()).Judge(Answers{"q_size": {"many"}, "q_late": {"yes"}}).Unjudged
	want := []Unjudged{
		{"small.rescue.q_fire.definitely", "rescue", Definitely, []string{"q_fire"}},
		{"small.noise.q_late.possibly", "noise", Possibly, []string{"q_fire"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unjudged (-want +got):\n%s", diff)
	}
}

// anyAnswers draws answers that Check takes: each question unanswered or not.
func anyAnswers(t *rapid.T, s *Survey) Answers {
	given := Answers{}
	for _, a := range s.Areas {
		for _, q := range a.Questions {
			most := len(q.Answers)
			if q.Type == One {
				most = 1
			}
			given[q.ID] = rapid.SliceOfNDistinct(anyAnswer(q), 0, most, rapid.ID[string]).Draw(t, q.ID)
		}
	}
	return given
}

func anyAnswer(q Question) *rapid.Generator[string] {
	ids := make([]string, len(q.Answers))
	for i, a := range q.Answers {
		ids[i] = a.ID
	}
	return rapid.SampledFrom(ids)
}

// oneMore answers one open question, or ticks one more answer of a question
// that takes several.
func oneMore(t *rapid.T, s *Survey, given Answers) Answers {
	more := Answers{}
	var able []Question
	for _, a := range s.Areas {
		for _, q := range a.Questions {
			more[q.ID] = slices.Clone(given[q.ID])
			if q.Type == Many || len(given[q.ID]) == 0 {
				able = append(able, q)
			}
		}
	}
	if len(able) > 0 {
		q := rapid.SampledFrom(able).Draw(t, "question")
		more[q.ID] = append(more[q.ID], anyAnswer(q).Draw(t, "one more answer"))
	}
	return more
}

func matters(findings []Finding) []string {
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.Matter)
	}
	return ids
}

// checkMore is the promise of Judge: one more answer never removes a matter
// or makes it less certain, what was ruled out stays so, and no matter is in
// both lists.
func checkMore(t *rapid.T, s *Survey) {
	given := anyAnswers(t, s)
	if err := s.Check(given); err != nil {
		t.Fatalf("Check(%v) = %v", given, err)
	}
	before, after := s.Judge(given), s.Judge(oneMore(t, s, given))
	definite, possible := matters(after.Definitely), matters(after.Possibly)
	for _, m := range matters(before.Definitely) {
		if !slices.Contains(definite, m) {
			t.Errorf("%s is not definite any more", m)
		}
	}
	for _, m := range matters(before.Possibly) {
		if !slices.Contains(definite, m) && !slices.Contains(possible, m) {
			t.Errorf("%s is gone", m)
		}
	}
	for _, m := range definite {
		if slices.Contains(possible, m) {
			t.Errorf("%s is both definite and possible", m)
		}
	}
	if diff := cmp.Diff(brief(before), brief(s.Judge(given))); diff != "" {
		t.Errorf("judged twice, said two things:\n%s", diff)
	}
}

// checkOpen is the promise of Open: answering unanswered questions changes
// only matters that stood in it.
func checkOpen(t *rapid.T, s *Survey) {
	given := anyAnswers(t, s)
	before := s.Judge(given)
	more := Answers{}
	for _, a := range s.Areas {
		for _, q := range a.Questions {
			more[q.ID] = given[q.ID]
			if len(given[q.ID]) == 0 {
				more[q.ID] = []string{anyAnswer(q).Draw(t, q.ID)}
			}
		}
	}
	after := s.Judge(more)
	if len(after.Open)+len(after.Unjudged)+len(after.Unanswered) > 0 {
		t.Errorf("all is answered, yet open: %v, unjudged: %v", after.Open, after.Unjudged)
	}
	open := func(m string, e Effect) bool {
		return slices.ContainsFunc(before.Open, func(o Open) bool { return o.Matter == m && (o.Effect == e || o.Effect == Definitely) })
	}
	for _, m := range matters(after.Definitely) {
		if !slices.Contains(matters(before.Definitely), m) && !open(m, Definitely) {
			t.Errorf("%s became definite but was not open", m)
		}
	}
	for _, m := range matters(after.Possibly) {
		if !slices.Contains(matters(before.Possibly), m) && !open(m, Possibly) {
			t.Errorf("%s became possible but was not open", m)
		}
	}
}

func TestMoreAnswersNeverRemove(t *testing.T) {
	s := parse(t, small())
	rapid.Check(t, func(t *rapid.T) { checkMore(t, s) })
}

func TestOpenTellsWhatMayChange(t *testing.T) {
	s := parse(t, small())
	rapid.Check(t, func(t *rapid.T) { checkOpen(t, s) })
}
