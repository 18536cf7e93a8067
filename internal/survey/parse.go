package survey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"cel.dev/cel-go/cel"

	"luvat/internal/i18n"
)

var (
	wordID     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`) // areas, answers, matters, surveys, advice
	questionID = regexp.MustCompile(`^q_[a-z0-9_]+$`)           // a name in the rules' language
	ruleID     = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)+$`)
)

// Parse reads a survey and compiles its rules.
//
// It is strict: a field it does not know, an id twice, a text that lacks a
// language, a rule that asks for an answer that no question has: the survey
// is refused, and the error joins all mistakes, each naming its place.
func Parse(body []byte) (*Survey, error) {
	s := &Survey{questions: map[string]*Question{}}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("read survey: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read survey: something follows the survey")
	}
	r := reader{survey: s, seen: map[string]bool{}}
	r.head()
	r.areas()
	r.compile()
	if err := errors.Join(r.mistakes...); err != nil {
		return nil, fmt.Errorf("survey %s:\n%w", s.ID, err)
	}
	return s, nil
}

// reader checks a survey and gathers what is wrong with it.
type reader struct {
	survey   *Survey
	seen     map[string]bool // "question q_size", for ids that must be unique
	mistakes []error
}

func (r *reader) bad(where, format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// id checks the shape of an id and that it is used once among its likes.
func (r *reader) id(where, kind, id string, shape *regexp.Regexp) {
	if !shape.MatchString(id) {
		r.bad(where, "%s id %q is not of the form %s", kind, id, shape)
	}
	if r.seen[kind+" "+id] {
		r.bad(where, "%s id %q is used twice", kind, id)
	}
	r.seen[kind+" "+id] = true
}

func (r *reader) text(where, what string, t i18n.Text) {
	for _, l := range i18n.Langs {
		if len(bytes.TrimSpace([]byte(t.In(l)))) == 0 {
			r.bad(where, "%s is missing in %s", what, l)
		}
	}
}

func (r *reader) day(where, what, s string) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		r.bad(where, "%s %q is not a day such as 2026-11-20", what, s)
	}
}

// basis checks what something rests on and how well that is known, and
// returns it in words.
func (r *reader) basis(where string, m Mark, sources []Source, old string) i18n.Text {
	if !slices.Contains(Marks, m) {
		r.bad(where, "mark %q is not known", m)
	}
	switch {
	case len(sources) > 0 && old != "":
		r.bad(where, "has both sources and a source")
	case len(sources) > 0:
		said, err := Cite(sources, r.survey.Acts)
		if err != nil {
			r.bad(where, "%v", err)
		}
		return said
	case old == "":
		r.bad(where, "source is missing")
	}
	return i18n.Text{FI: old}
}

func (r *reader) head() {
	s := r.survey
	r.id("survey", "survey", s.ID, wordID)
	r.day("survey", "version", s.Version)
	r.text("survey", "title", s.Title)
	if len(s.Areas) == 0 {
		r.bad("survey", "there are no areas")
	}
	if len(s.Rules) == 0 {
		r.bad("survey", "there are no rules")
	}
	for _, a := range s.Acts {
		r.text("act "+a.ID, "name", a.Name)
	}
}

func (r *reader) areas() {
	for i := range r.survey.Areas {
		a := &r.survey.Areas[i]
		where := "area " + a.ID
		r.id(where, "area", a.ID, wordID)
		r.text(where, "title", a.Title)
		if len(a.Questions) == 0 {
			r.bad(where, "there are no questions")
		}
		for j := range a.Questions {
			r.question(where, &a.Questions[j])
		}
	}
}

func (r *reader) question(area string, q *Question) {
	where := area + ", question " + q.ID
	r.id(where, "question", q.ID, questionID)
	r.text(where, "text", q.Text)
	if !q.Help.Empty() {
		r.text(where, "help", q.Help)
	}
	if q.Type != One && q.Type != Many {
		r.bad(where, "type %q is neither one nor many", q.Type)
	}
	if len(q.Answers) < 2 {
		r.bad(where, "there are fewer than two answers")
	}
	if q.Beside != nil && !q.Beside.whole() {
		r.bad(where, "stands beside %+v, which is neither a term nor a field of a form", *q.Beside)
	}
	for i := range q.Answers {
		a := &q.Answers[i]
		at := where + ", answer " + a.ID
		r.id(at, q.ID+" answer", a.ID, wordID)
		r.text(at, "text", a.Text)
		for j := range a.Gives {
			r.gift(at, &a.Gives[j])
		}
	}
	if r.survey.questions[q.ID] == nil {
		r.survey.questions[q.ID] = q
	}
}

// compile checks the rules and the advice, and compiles their expressions.
func (r *reader) compile() {
	s := r.survey
	env, err := environment(s)
	if err != nil {
		r.bad("survey", "rules cannot be read before the questions are right: %v", err)
		return
	}
	for i := range s.Rules {
		rule := &s.Rules[i]
		r.rule(rule)
		rule.when = r.condition(env, "rule "+rule.ID, rule.When)
		if !slices.Contains(s.matters, rule.Matter) {
			s.matters = append(s.matters, rule.Matter)
		}
	}
	for i := range s.Advice {
		a := &s.Advice[i]
		where := "advice " + a.ID
		r.id(where, "advice", a.ID, wordID)
		r.text(where, "text", a.Text)
		a.basis = r.basis(where, a.Mark, a.Sources, a.Source)
		if a.Survey != "" && (!wordID.MatchString(a.Survey) || a.Survey == s.ID) {
			r.bad(where, "survey %q is not the id of another survey", a.Survey)
		}
		a.when = r.condition(env, where, a.When)
	}
}

func (r *reader) rule(rule *Rule) {
	where := "rule " + rule.ID
	r.id(where, "rule", rule.ID, ruleID)
	if !wordID.MatchString(rule.Matter) {
		r.bad(where, "matter %q is not of the form %s", rule.Matter, wordID)
	}
	if rule.Effect != Definitely && rule.Effect != Possibly {
		r.bad(where, "effect %q is neither definitely nor possibly", rule.Effect)
	}
	r.text(where, "reason", rule.Reason)
	rule.basis = r.basis(where, rule.Mark, rule.Sources, rule.Source)
	if rule.Deadline != nil {
		if err := rule.Deadline.Check(); err != nil {
			r.bad(where, "%v", err)
		}
	}
	r.day(where, "valid_from", rule.ValidFrom)
	if rule.ValidFrom > r.survey.Version {
		r.bad(where, "valid_from %s is later than the survey's version %s: a coming rule belongs to a coming version",
			rule.ValidFrom, r.survey.Version)
	}
}

func (r *reader) condition(env *cel.Env, where, when string) condition {
	c, mistakes := compile(env, r.survey.questions, when)
	for _, m := range mistakes {
		r.bad(where, "when: %s", m)
	}
	return c
}
