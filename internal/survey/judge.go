package survey

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"

	"luvat/internal/i18n"
)

// Answers holds the ids of the answers given to each question. A question
// that is missing, or has no answers, is unanswered.
type Answers map[string][]string

// An AnswerError tells that one question was answered in a way it cannot be.
type AnswerError struct {
	Question string
	Answer   string // empty where no single answer is to blame
	Problem  Problem
}

// Problem is what is wrong with an answer.
type Problem string

// The problems of answers.
const (
	UnknownQuestion Problem = "unknown_question"
	UnknownAnswer   Problem = "unknown_answer"
	SeveralAnswers  Problem = "several_answers" // to a question that takes one
)

func (e *AnswerError) Error() string {
	return fmt.Sprintf("question %q, answer %q: %s", e.Question, e.Answer, e.Problem)
}

// Check returns nil if the survey knows every question and answer and no
// question that takes one answer has several. Otherwise the error joins an
// *AnswerError for each fault, in the order of the questions' ids. Unanswered
// questions are no fault.
func (s *Survey) Check(given Answers) error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(given)) {
		q := s.questions[id]
		if q == nil {
			errs = append(errs, &AnswerError{Question: id, Problem: UnknownQuestion})
			continue
		}
		for _, a := range given[id] {
			if !q.Has(a) {
				errs = append(errs, &AnswerError{Question: id, Answer: a, Problem: UnknownAnswer})
			}
		}
		if q.Type == One && len(given[id]) > 1 {
			errs = append(errs, &AnswerError{Question: id, Problem: SeveralAnswers})
		}
	}
	return errors.Join(errs...)
}

// A Result is what the answers call for. No matter is in both lists.
type Result struct {
	Definitely []Finding
	Possibly   []Finding
	Advice     []Advice

	Unanswered []Area     // areas with unanswered questions, holding only those
	Unjudged   []Unjudged // rules that wait for an unanswered question
	Open       []Open     // what those rules may still change
}

// A Finding is a matter that is needed, and why.
type Finding struct {
	Matter  string
	Reasons []Reason // the definite ones first, each kind in the order of the rules
}

// Effect is how surely the matter is needed.
func (f Finding) Effect() Effect {
	if len(f.Reasons) == 0 {
		return Possibly
	}
	return f.Reasons[0].Effect
}

// A Reason is a rule that held.
type Reason struct {
	Rule      string
	Effect    Effect
	Questions []string // whose answers brought it about
	Text      i18n.Text
	Limit     *Limit    // of the rule's own, else nil: see Finding.Dues
	Basis     i18n.Text // what it rests on; in an old version in Finnish only
	Mark      Mark
}

// Unjudged is a rule that could not be judged yet.
type Unjudged struct {
	Rule      string
	Matter    string
	Effect    Effect
	Questions []string // that the rule asks for and are unanswered
}

// Open is a matter that unanswered questions may still add, or turn from
// possible to definite.
type Open struct {
	Matter    string
	Effect    Effect   // the strongest it may come to
	Questions []string // unanswered
}

// Judge tells which matters the answers call for.
//
// Definite wins over possible. Matters stand in the order in which the
// survey's rules first name them. Answers need not be complete: rules that
// wait for an unanswered question are listed instead of guessed, and more
// answers only ever add matters or make them more certain.
//
// What Check would refuse counts as unanswered, so answers kept from an
// earlier version of the survey can be judged by this one.
func (s *Survey) Judge(given Answers) Result {
	j := judgement{answers: s.known(given), found: map[string]*found{}}
	activation := s.activation(j.answers)
	for i := range s.Rules {
		j.rule(&s.Rules[i], s.Rules[i].when.holds(activation))
	}
	res := j.result(s.matters)
	for _, a := range s.Advice {
		if a.when.holds(activation) == yes {
			res.Advice = append(res.Advice, a)
		}
	}
	res.Unanswered = s.unanswered(j.answers)
	return res
}

// known keeps the answers that Check would let through.
func (s *Survey) known(given Answers) Answers {
	known := Answers{}
	for id, answers := range given {
		q := s.questions[id]
		if q == nil || q.Type == One && len(answers) > 1 {
			continue
		}
		for _, a := range answers {
			if q.Has(a) && !slices.Contains(known[id], a) {
				known[id] = append(known[id], a)
			}
		}
	}
	return known
}

// activation gives the answers to the rules; unanswered questions are unknown.
func (s *Survey) activation(known Answers) cel.PartialActivation {
	vars := make(map[string]any, len(s.questions))
	var unknown []*cel.AttributePatternType
	for id, q := range s.questions {
		switch answers := known[id]; {
		case len(answers) == 0:
			unknown = append(unknown, cel.AttributePattern(id))
		case q.Type == One:
			vars[id] = answers[0]
		default:
			vars[id] = answers
		}
	}
	partial, err := cel.PartialVars(vars, unknown...)
	if err != nil {
		panic(err) // a map[string]any is always taken
	}
	return partial
}

func (s *Survey) unanswered(known Answers) []Area {
	var areas []Area
	for _, a := range s.Areas {
		a.Questions = slices.DeleteFunc(slices.Clone(a.Questions), func(q Question) bool { return len(known[q.ID]) > 0 })
		if len(a.Questions) > 0 {
			areas = append(areas, a)
		}
	}
	return areas
}

// judgement gathers what rules say, by matter.
type judgement struct {
	answers  Answers
	found    map[string]*found
	unjudged []Unjudged
}

type found struct {
	definite, possible []Reason
	waiting            []Unjudged
}

func (j *judgement) rule(r *Rule, t truth) {
	f := j.found[r.Matter]
	if f == nil {
		f = &found{}
		j.found[r.Matter] = f
	}
	reason := Reason{Rule: r.ID, Effect: r.Effect, Questions: slices.Clone(r.when.questions), Text: r.Reason, Limit: r.Deadline, Basis: r.basis, Mark: r.Mark}
	switch {
	case t == open:
		u := Unjudged{Rule: r.ID, Matter: r.Matter, Effect: r.Effect, Questions: j.missing(r.when.questions)}
		f.waiting = append(f.waiting, u)
		j.unjudged = append(j.unjudged, u)
	case t == yes && r.Effect == Definitely:
		f.definite = append(f.definite, reason)
	case t == yes:
		f.possible = append(f.possible, reason)
	}
}

func (j *judgement) missing(questions []string) []string {
	return slices.DeleteFunc(slices.Clone(questions), func(q string) bool { return len(j.answers[q]) > 0 })
}

func (j *judgement) result(matters []string) Result {
	res := Result{Unjudged: j.unjudged}
	for _, m := range matters {
		f := j.found[m]
		finding := Finding{Matter: m, Reasons: slices.Concat(f.definite, f.possible)}
		switch {
		case len(f.definite) > 0:
			res.Definitely = append(res.Definitely, finding)
		case len(f.possible) > 0:
			res.Possibly = append(res.Possibly, finding)
		}
		if o, ok := f.open(m); ok {
			res.Open = append(res.Open, o)
		}
	}
	return res
}

// open tells what waiting rules may still make of the matter.
func (f *found) open(matter string) (Open, bool) {
	o := Open{Matter: matter, Effect: Possibly}
	if len(f.definite) > 0 {
		return o, false
	}
	for _, u := range f.waiting {
		if u.Effect == Possibly && len(f.possible) > 0 {
			continue // it is possible already
		}
		if u.Effect == Definitely {
			o.Effect = Definitely
		}
		for _, q := range u.Questions {
			if !slices.Contains(o.Questions, q) {
				o.Questions = append(o.Questions, q)
			}
		}
	}
	return o, len(o.Questions) > 0
}
