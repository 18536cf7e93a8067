package catalogue

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
)

// A Limit is a statutory time limit (lupamenettelyn määräaika, tidsfrist för
// tillståndsförfarandet) that authorities share: within it they handle all
// the matters that a project of the service entity needs. How long it is goes
// by the project's common data.
type Limit struct {
	Entity   string       `json:"entity"`
	Name     i18n.Text    `json:"name"`
	Counting i18n.Text    `json:"counting"` // how the hub counts, told to people
	Check    i18n.Text    `json:"check"`    // said with whatever is not certain
	Covers   []Covered    `json:"covers"`
	Facts    []Fact       `json:"facts"`
	Survey   []SurveyTerm `json:"survey"`
	Laws     []Law        `json:"laws"` // the oldest first
}

// Covered is a matter type that is handled within the limit.
type Covered struct {
	Matter string `json:"matter"`
	Mark   string `json:"mark"` // certain or inferred
	Source string `json:"source"`
}

// A Fact is a yes or no about a project: the first of its tests whose term is
// known tells. Name is what must be known, in words that go into a list.
type Fact struct {
	ID    string    `json:"id"`
	Name  i18n.Text `json:"name"`
	Tests []Test    `json:"tests"`
}

// A Test compares the value of a data dictionary term. It has one of In, Only
// and Below.
type Test struct {
	Term  string   `json:"term"`
	In    []any    `json:"in"`    // it is one of these
	Only  []string `json:"only"`  // of several values, none is another than these
	Below *float64 `json:"below"` // it is a smaller number
}

// SurveyTerm is a term's value that follows from an answer in the permit-need
// survey. Later ones win; lists are joined. Unknown says that the answer
// leaves open what the term's value is.
type SurveyTerm struct {
	Question string   `json:"question"`
	Answers  []string `json:"answers"`
	Term     string   `json:"term"`
	Value    any      `json:"value"`
	Unknown  bool     `json:"unknown"`
}

// A Law is the limit as it stands from a day on. One that was ever in force
// stays: what began under it goes on by it.
type Law struct {
	ID      string    `json:"id"`
	From    string    `json:"from"` // 2025-08-01
	Name    i18n.Text `json:"name"`
	Source  string    `json:"source"`
	Classes []Class   `json:"classes"` // the first that holds decides; the last holds always
}

// A Class is a kind of project and how long the limit of such a one is.
type Class struct {
	ID     string     `json:"id"`
	Months int        `json:"months"` // 0 where the law sets no limit
	Name   i18n.Text  `json:"name"`
	When   [][]string `json:"when"` // ids of facts: all those of one of the lists
	Mark   string     `json:"mark"` // certain, inferred or general
	Source string     `json:"source"`

	ref string
}

// Ref names the class and its law: what the ledger keeps. It never changes.
func (c *Class) Ref() string { return c.ref }

// Certain tells whether the class and its length stand in a source.
func (c *Class) Certain() bool { return c.Mark == "certain" }

// Limit returns the statutory time limit of a service entity, or nil.
func (c *Catalogue) Limit(entity string) *Limit { return c.limits[entity] }

// Covered returns what is known of the type's being within the limit, or nil
// where it is not.
func (l *Limit) Covered(typ string) *Covered {
	if i := slices.IndexFunc(l.Covers, func(c Covered) bool { return c.Matter == typ }); i >= 0 {
		return &l.Covers[i]
	}
	return nil
}

// Law returns the law in force on the day of the moment, or nil before the
// first one.
func (l *Limit) Law(at time.Time) *Law {
	day := at.In(i18n.Zone).Format(time.DateOnly)
	for i := range slices.Backward(l.Laws) {
		if l.Laws[i].From <= day {
			return &l.Laws[i]
		}
	}
	return nil
}

// Class returns the class of this law that is among the Refs, which spaces
// part; nil when none of them is of this law.
func (w *Law) Class(refs string) *Class {
	named := strings.Fields(refs)
	if i := slices.IndexFunc(w.Classes, func(c Class) bool { return slices.Contains(named, c.ref) }); i >= 0 {
		return &w.Classes[i]
	}
	return nil
}

// Terms are what is known of a project, by terms of the data dictionary.
type Terms map[string]any

// TermsOf reads the terms from the answers to a common form, without what its
// hidden fields hold.
func TermsOf(form *forms.Form, a forms.Answers) Terms {
	known := Terms{}
	pruned := form.Prune(a)
	for term, path := range form.Terms() {
		if v, ok := pruned.At(path); ok {
			known[term] = v
		}
	}
	return known
}

// SurveyTerms reads the terms that the answers of a survey tell.
func (l *Limit) SurveyTerms(a survey.Answers) Terms {
	known := Terms{}
	var open []string
	for _, s := range l.Survey {
		if !slices.ContainsFunc(s.Answers, func(id string) bool { return slices.Contains(a[s.Question], id) }) {
			continue
		}
		if s.Unknown {
			open = append(open, s.Term)
		}
		if list, ok := s.Value.([]any); ok {
			before, _ := known[s.Term].([]any)
			known[s.Term] = slices.Concat(before, list)
			continue
		}
		known[s.Term] = s.Value
	}
	for _, term := range open {
		delete(known, term)
	}
	return known
}

// truth is what is known of a fact.
type truth int

const (
	no truth = iota
	unknown
	yes
)

// Judge tells the class of a project of which the terms are known. Where they
// do not settle how long the limit is, the class is nil and lacks names what
// would have to be known.
func (l *Limit) Judge(w *Law, known Terms) (class *Class, lacks []i18n.Text) {
	var open []*Class
	for i := range w.Classes {
		c := &w.Classes[i]
		holds, missing := l.holds(c, known)
		if holds == no {
			continue
		}
		if holds == yes {
			if !slices.ContainsFunc(open, func(o *Class) bool { return o.Months != c.Months }) {
				return c, nil // whatever is open, it is as long
			}
			return nil, lacks
		}
		open = append(open, c)
		for _, name := range missing {
			if !slices.Contains(lacks, name) {
				lacks = append(lacks, name)
			}
		}
	}
	return nil, lacks
}

// holds tells whether the project is of the class, and if that is not known,
// which facts would tell.
func (l *Limit) holds(c *Class, known Terms) (truth, []i18n.Text) {
	best := no
	var missing []i18n.Text
	for _, all := range c.When {
		t := yes
		var here []i18n.Text
		for _, id := range all {
			f := l.fact(id)
			is := f.is(known)
			if t = min(t, is); is == unknown {
				here = append(here, f.Name)
			}
		}
		if best = max(best, t); t == unknown {
			missing = append(missing, here...)
		}
	}
	return best, missing
}

func (l *Limit) fact(id string) *Fact {
	i := slices.IndexFunc(l.Facts, func(f Fact) bool { return f.ID == id })
	if i < 0 {
		return nil // cannot be: check has looked
	}
	return &l.Facts[i]
}

func (f *Fact) is(known Terms) truth {
	for _, t := range f.Tests {
		if v, ok := known[t.Term]; ok {
			return t.holds(v)
		}
	}
	return unknown
}

// holds compares a value. One that could not be read as a number, and is kept
// as it was typed, tells nothing.
func (t Test) holds(v any) truth {
	n, isNumber := number(v)
	switch list, isList := v.([]any); {
	case t.Below != nil && !isNumber, len(t.Only) > 0 && !isList:
		return unknown
	case t.Below != nil:
		return truthOf(n < *t.Below)
	case len(t.Only) > 0:
		return truthOf(!slices.ContainsFunc(list, func(x any) bool {
			s, _ := x.(string)
			return !slices.Contains(t.Only, s)
		}))
	case isList:
		return unknown
	}
	return truthOf(slices.ContainsFunc(t.In, func(x any) bool {
		m, ok := number(x)
		return ok && isNumber && m == n || !ok && x == v
	}))
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case float64:
		return v, true
	}
	return 0, false
}

// addLimits reads limits.json.
func (c *Catalogue) addLimits(body string) error {
	var all []*Limit
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		return err
	}
	for _, l := range all {
		if err := l.check(); err != nil {
			return fmt.Errorf("limit of %s: %w", l.Entity, err)
		}
		c.limits[l.Entity] = l
	}
	return nil
}

// check refuses a limit that could not be judged, and names its classes.
func (l *Limit) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, f := range l.Facts {
		for _, t := range f.Tests {
			ways := slices.DeleteFunc([]bool{len(t.In) > 0, len(t.Only) > 0, t.Below != nil}, func(used bool) bool { return !used })
			if len(ways) != 1 || t.Term == "" {
				bad("fact %s: a test compares one term in one way", f.ID)
			}
		}
		if len(f.Tests) == 0 {
			bad("fact %s has no test", f.ID)
		}
	}
	if !slices.IsSortedFunc(l.Laws, func(a, b Law) int { return strings.Compare(a.From, b.From) }) {
		bad("the laws are not in the order of their days")
	}
	for i := range l.Laws {
		w := &l.Laws[i]
		if _, err := time.Parse(time.DateOnly, w.From); err != nil {
			bad("law %s is from %q", w.ID, w.From)
		}
		if n := len(w.Classes); n == 0 || !slices.ContainsFunc(w.Classes[n-1].When, func(all []string) bool { return len(all) == 0 }) {
			bad("law %s: the last class does not always hold", w.ID)
		}
		for j := range w.Classes {
			k := &w.Classes[j]
			k.ref = w.ID + "/" + k.ID
			if w.Class(k.ref) != k || k.Months < 0 {
				bad("class %s: twice, or of %d months", k.ref, k.Months)
			}
			for _, id := range slices.Concat(k.When...) {
				if l.fact(id) == nil {
					bad("class %s: no fact %s", k.ref, id)
				}
			}
		}
	}
	return errors.Join(errs...)
}
