package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/survey"
)

// A story is a project of the demo and what happened to it, as an editor writes
// it in content/demo/projects.json: the answers to the common form and to the
// form of each matter, and the steps that people took, in order of time.
//
// Dates are blanks, so that the demo is never old: see blank. A file is named
// by fileMark and lies in content/demo/files. A story has at most one matter of
// each type, and its key never changes.
type story struct {
	Key          string    `json:"key"` // stored in counters: never changes
	Owner        string    `json:"owner"`
	Entity       string    `json:"entity"`
	Municipality string    `json:"municipality"`
	Name         string    `json:"name"`
	Event        *eventDay `json:"event"`

	Common  json.RawMessage            `json:"common"`
	Matters map[string]json.RawMessage `json:"matters"` // answers by matter type
	Steps   []step                     `json:"steps"`

	demo  *seeding
	today time.Time // the day from which the story is told
	id    string    // of the project, once it is begun
}

// eventDay says when an event is: on the first such weekday (0 is Sunday) from
// the month and day on, at least so many days from today.
type eventDay struct {
	From    string       `json:"from"` // 07-10; "" for any time of the year
	Weekday time.Weekday `json:"weekday"`
	AtLeast int          `json:"at_least_days"`
}

func (e eventDay) after(today time.Time) (time.Time, error) {
	earliest := today.AddDate(0, 0, e.AtLeast)
	if e.From == "" {
		e.From = earliest.Format("01-02")
	}
	for year := earliest.Year(); ; year++ {
		t, err := time.ParseInLocation(time.DateOnly, fmt.Sprintf("%d-%s", year, e.From), i18n.Zone)
		if err != nil {
			return t, fmt.Errorf("event: %w", err)
		}
		for t.Weekday() != e.Weekday {
			t = t.AddDate(0, 0, 1)
		}
		if !t.Before(earliest) {
			return t, nil
		}
	}
}

// A step is one thing that somebody did.
type step struct {
	Day    int      `json:"day"` // -3 is the third working day before today
	Clock  string   `json:"at"`
	Who    string   `json:"who"`
	Do     string   `json:"do"`
	Matter string   `json:"matter"`  // its matter type
	List   []string `json:"matters"` // several of them

	Text       string          `json:"text"`
	Files      []string        `json:"files"`
	Identifier string          `json:"identifier"`
	Redirect   string          `json:"redirect"`
	To         string          `json:"to"`      // a person or an authority
	Role       matter.Member   `json:"role"`    // of an invitation
	Fields     []string        `json:"fields"`  // of a request
	Days       int             `json:"days"`    // working days from today until an answer is due
	Outcome    string          `json:"outcome"` // of a decision
	Answers    json.RawMessage `json:"answers"` // what a completion changes
	Follows    string          `json:"follows"` // the matter type that an added matter follows

	of *story
	at time.Time
}

func (s *story) day() string  { return "demo/" + s.Key + "/day" }
func (s *story) told() string { return "demo/" + s.Key + "/told" }

// blank is a date in a story: {T} is today, {E} the day of the event, {E-1}
// the day before it, {T+30.} a date as people write it, {Y} this year.
var blank = regexp.MustCompile(`\{([TEY])([+-][0-9]+)?(\.)?\}`)

func (s *story) fill(text string) (string, error) {
	event := time.Time{}
	if s.Event != nil {
		var err error
		if event, err = s.Event.after(s.today); err != nil {
			return "", err
		}
	}
	var failed error
	return blank.ReplaceAllStringFunc(text, func(found string) string {
		part := blank.FindStringSubmatch(found)
		t := s.today
		switch {
		case part[1] == "Y":
			return strconv.Itoa(t.Year())
		case part[1] == "E" && event.IsZero():
			failed = errors.Join(failed, errors.New("has no event day for "+found))
		case part[1] == "E":
			t = event
		}
		n, _ := strconv.Atoi(part[2])
		if t = t.AddDate(0, 0, n); part[3] != "" {
			return i18n.Date(i18n.FI, t) // Swedish writes it alike
		}
		return t.Format(time.DateOnly)
	}), failed
}

// write fills in the dates and sets the time of every step.
func (s *story) write() error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text, err := s.fill(string(body))
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return err
	}
	last := time.Time{}
	for i := range s.Steps {
		st := &s.Steps[i]
		clock, err := time.Parse("15:04", st.Clock)
		if err != nil || st.Day >= 0 {
			return fmt.Errorf("step %d: day must be before today and at a time such as 09:30", i+1)
		}
		day := workingDay(s.today, st.Day)
		st.of, st.at = s, time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), 0, 0, i18n.Zone)
		if !st.at.After(last) { // a step is known again by its time
			return fmt.Errorf("step %d is not later than the one before", i+1)
		}
		last = st.at
	}
	return nil
}

// workingDay is the n-th working day after, or before, a day.
func workingDay(day time.Time, n int) time.Time {
	one := 1
	if n < 0 {
		one = -1
	}
	for n != 0 {
		if day = day.AddDate(0, 0, one); survey.WorksOn(day) {
			n -= one
		}
	}
	return day
}

func (st step) types() []string {
	if st.Matter != "" {
		return []string{st.Matter}
	}
	return st.List
}

// due is the end of the day by which something is asked.
func (st step) due() time.Time {
	return workingDay(st.of.today, st.Days).Add(23*time.Hour + 59*time.Minute)
}

// customerSteps and officerSteps are what a step may do; the text of a verb is
// the name of its deed on the Desk.
var (
	customerSteps = map[string]func(*story, context.Context, step, identity.Customer) error{
		"start": (*story).start, "fill": (*story).fillIn, "add": (*story).add, "consent": (*story).consent, "send": (*story).send,
		"complete": (*story).complete, "withdraw": (*story).withdraw, "write": (*story).writeAsApplicant, "share": (*story).share, "invite": (*story).invite, "accept": (*story).accept,
	}
	officerSteps = map[string]func(*story, context.Context, step, identity.Officer, string) error{
		"pending": (*story).pending, "take": (*story).take, "handler": (*story).handler, "ask": (*story).ask, "finish": (*story).finish,
		"dismiss": (*story).dismiss, "transfer": (*story).transfer, "write": (*story).writeToApplicant, "letter": (*story).letter, "answer": (*story).answer,
		"look": func(*story, context.Context, step, identity.Officer, string) error { return nil },
	}
)

// do does a step, unless an earlier start did.
func (s *story) do(ctx context.Context, st step) error {
	p, err := s.demo.person(st.Who)
	if err != nil {
		return err
	}
	if len(p.Hats) == 0 {
		verb := customerSteps[st.Do]
		if verb == nil {
			return fmt.Errorf("an applicant cannot %q", st.Do)
		}
		return verb(s, ctx, st, identity.Customer{Person: p.person()})
	}
	verb := officerSteps[st.Do]
	if verb == nil {
		return fmt.Errorf("an officer cannot %q", st.Do)
	}
	hat := p.Hats[0]
	who := identity.Officer{Person: p.person(), Authority: hat.Authority, Role: hat.Role, Types: hat.Types}
	id, err := s.matterID(ctx, st.Matter)
	if err != nil {
		return err
	}
	if done, err := s.happened(ctx, ledger.MatterStream(id)); err != nil || done {
		return err
	}
	return together(
		func() error { return verb(s, ctx, st, who, id) },
		func() error { _, err := s.demo.desk.Handled(ctx, who, id); return err }) // who acts has looked
}

// happened tells whether something was done in the stream at the time of the
// step.
func (s *story) happened(ctx context.Context, stream string) (done bool, err error) {
	err = s.demo.db.View(ctx, func(tx *db.Tx) error {
		var n int64
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM ledger WHERE stream = $1 AND at = $2`, stream, db.Millis(s.demo.at)).Scan(&n)
		done = n > 0
		return err
	})
	return done, err
}

var errNoMatter = errors.New("has no such matter yet")

// matterID finds the project's matter of a type. A story has at most one of
// each.
func (s *story) matterID(ctx context.Context, typ string) (id string, err error) {
	err = s.demo.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT id FROM matters WHERE project_id = $1 AND type_id = $2`, s.id, typ).Scan(&id)
	})
	if errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("%w: %q", errNoMatter, typ)
	}
	return id, err
}
