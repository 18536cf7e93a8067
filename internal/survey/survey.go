// Package survey judges which matters an undertaking needs: the permit-need
// survey (lupatarveselvitys, utredning av tillståndsbehov).
//
// A survey is data: areas hold questions, questions hold answers, and rules
// say which answers call for which matter, why, by which law and, where it is
// not as usual, by when. [Parse] reads one and refuses it with all its mistakes
// at once; [Survey.Check] refuses answers the survey does not know;
// [Survey.Judge] gives the result. What was answered need not be asked again:
// answers name what they tell the forms, and [Survey.Gifts] gathers it.
//
// Rules are expressions over the answers, one variable for each question: a
// string where one answer is given, a list of strings where several may be.
// Their language is a small part of CEL (cel.dev):
//
//	q_size in ['500-1999', '2000-9999']    one answer of these
//	q_size == '10000'                      this one answer
//	'openfire' in q_fire                   this among several answers
//	… && …, … || …, ( … ), true
//
// There is no "not" in it, on purpose. Every answer can therefore only add
// matters, never remove one, and what is judged while half of the questions
// are open still holds when the rest is answered.
//
// The package reads no files and asks no clock. A version of a survey names
// its rules exactly and holds the names of the acts they rest on, so a result
// can be computed again years later. Versions of every age are read: what
// newer ones may say, older ones leave out.
package survey

import (
	"slices"

	"luvat/internal/i18n"
)

// A Survey is one permit-need survey, read by Parse and never changed after.
// It may be used by many goroutines at once.
type Survey struct {
	ID      string    `json:"id"`
	Version string    `json:"version"` // the day from which it is used, 2026-11-20
	Title   i18n.Text `json:"title"`
	Areas   []Area    `json:"areas"`
	Rules   []Rule    `json:"rules"`
	Advice  []Advice  `json:"advice"`
	Acts    []Act     `json:"acts,omitempty"` // that its sources name: see WithActs

	questions map[string]*Question
	matters   []string // in the order in which rules first name them
}

// An Area is a group of questions about one thing: noise, food, traffic.
type Area struct {
	ID        string     `json:"id"`
	Title     i18n.Text  `json:"title"`
	Questions []Question `json:"questions"`
}

// A Question is asked of the applicant. Its id is the name that rules use.
type Question struct {
	ID      string    `json:"id"`
	Type    Type      `json:"type"`
	Text    i18n.Text `json:"text"`
	Help    i18n.Text `json:"help,omitzero"` // empty where the question needs none
	Answers []Answer  `json:"answers"`
	Beside  *Target   `json:"beside,omitempty"` // a field near to it: see Told
}

// Has tells whether the question has an answer of that id.
func (q *Question) Has(answer string) bool {
	return slices.ContainsFunc(q.Answers, func(a Answer) bool { return a.ID == answer })
}

// An Answer is one of the choices under a question.
type Answer struct {
	ID    string    `json:"id"`
	Text  i18n.Text `json:"text"`
	Gives []Gift    `json:"gives,omitempty"` // to the forms: see Gifts
}

// Type tells how many answers a question takes.
type Type string

// The types of questions.
const (
	One  Type = "one"
	Many Type = "many"
)

// A Rule adds a matter to the result when its expression holds.
type Rule struct {
	ID        string    `json:"id"` // event.police-public-event.q_size.definitely
	Matter    string    `json:"matter"`
	Effect    Effect    `json:"effect"`
	When      string    `json:"when"`
	Reason    i18n.Text `json:"reason"`             // told to the applicant
	Deadline  *Limit    `json:"deadline,omitempty"` // where it is not the matter type's own
	Sources   []Source  `json:"sources,omitempty"`  // what it rests on
	Source    string    `json:"source,omitempty"`   // the same in Finnish, in versions of before 2026-11-27
	Mark      Mark      `json:"mark"`
	ValidFrom string    `json:"valid_from"` // a day, not later than the survey's version

	basis i18n.Text
	when  condition
}

// Effect is how surely a matter is needed.
type Effect string

// The effects: definitely wins over possibly.
const (
	Definitely Effect = "definitely" // ehdottomasti tarvittava, absolut nödvändigt
	Possibly   Effect = "possibly"   // mahdollisesti tarvittava, möjligen nödvändigt
)

// Mark is how well a rule is known.
type Mark string

// The marks, best known first.
const (
	Certain  Mark = "certain"  // the threshold or duty stands in the source
	Local    Mark = "local"    // a municipality's own rule; others differ
	Inferred Mark = "inferred" // follows from the act that the source names
	General  Mark = "general"  // general knowledge, not looked up
	Proposed Mark = "proposed" // ours
)

// Marks lists all marks.
var Marks = []Mark{Certain, Local, Inferred, General, Proposed}

// Advice is told when its expression holds, but is no matter: an agreement
// to make with a company, a time limit, another survey to fill in.
type Advice struct {
	ID      string    `json:"id"`
	When    string    `json:"when"`
	Text    i18n.Text `json:"text"`
	Sources []Source  `json:"sources,omitempty"`
	Source  string    `json:"source,omitempty"` // as in rules
	Mark    Mark      `json:"mark"`
	Survey  string    `json:"survey,omitempty"` // id of the survey it leads to, if any

	basis i18n.Text
	when  condition
}

// Basis tells in words what the advice rests on; in an old version in Finnish
// only.
func (a Advice) Basis() i18n.Text { return a.basis }

// Question returns the question of that id, or nil.
func (s *Survey) Question(id string) *Question { return s.questions[id] }

// Matters lists the ids of all matters that the survey can name, in the order
// in which its rules first name them.
func (s *Survey) Matters() []string { return slices.Clone(s.matters) }
