package mandate

import (
	"context"
	"errors"
	"slices"
	"time"

	"luvat/internal/identity/pic"
)

// State is what a check says of a right that was granted before.
type State string

// The states.
const (
	Still   State = "still"   // it holds
	Ended   State = "ended"   // it does not any more
	Unknown State = "unknown" // nobody can say now: the caller decides
	// Lapsed: the session at Valtuudet is over, which says nothing of the right.
	// It can be known again when the person goes and chooses again.
	Lapsed State = "lapsed"
)

// Checked is what a check found.
type Checked struct {
	// State is Still if anything of what was granted holds, Ended if nothing does.
	State State
	// Now is what is granted now; of a check that got no answer it is empty.
	Now Granted
	// Cause is why the state is Unknown or Lapsed. It names no person.
	Cause error

	of map[Party]State
}

// Of says what became of the right to act for a party, or of an officer's chain.
// Of one that was not granted before it says Ended.
func (c Checked) Of(p Party) State {
	if c.State == Unknown && c.of == nil || c.State == Lapsed {
		return c.State
	}
	if s, ok := c.of[p]; ok {
		return s
	}
	return Ended
}

// Refresh asks anew whether what Finish granted still holds. A check is worth
// what its time is: whoever lets a person act asks again when the last is a
// minute old. The memo that comes back replaces the one given, also when the
// state is Unknown. An error is the hub's own; that Valtuudet fails is a state.
func (f *Flow) Refresh(ctx context.Context, sealed []byte) (Checked, []byte, error) {
	m, person, err := f.open(sealed)
	if err != nil {
		return Checked{}, nil, err
	}
	if m.Token == nil {
		return Checked{}, nil, errors.New("refresh a mandate: its choice is not finished")
	}
	before, err := m.parties()
	if err != nil {
		return Checked{}, nil, err
	}
	now, err := f.ask(ctx, &m, person, before)
	checked := compare(before, now, err)
	fresh, err := f.seal(m)
	if err != nil {
		return Checked{}, nil, err
	}
	return checked, fresh, nil
}

func (m memo) parties() ([]Party, error) {
	all := make([]Party, len(m.Held))
	for i, h := range m.Held {
		all[i].Company = h.Company
		if h.Person == "" {
			continue
		}
		code, err := pic.Parse(h.Person)
		if err != nil {
			return nil, err
		}
		all[i].Person = code
	}
	return all, nil
}

// compare says what became of each party.
func compare(before []Party, now Granted, err error) Checked {
	switch {
	case denies(err):
		return judged(before, Granted{Complete: true})
	case errors.Is(err, ErrExpired):
		return Checked{State: Lapsed, Cause: err}
	case err != nil:
		return Checked{State: Unknown, Cause: err}
	}
	return judged(before, now)
}

// judged compares what was with what is. What an incomplete answer lacks is not
// ended: it could not be read.
func judged(before []Party, now Granted) Checked {
	c := Checked{State: Ended, Now: now, of: map[Party]State{}}
	for _, p := range before {
		s := now.holds(p)
		c.of[p] = s
		if s == Still || s == Unknown && c.State == Ended {
			c.State = s
		}
	}
	if c.State == Unknown {
		c.Cause = errors.New("not all registers could be read")
	}
	return c
}

// holds says what became of a right that was granted before.
func (g Granted) holds(p Party) State {
	if slices.Contains(g.parties(), p) || p == (Party{}) && len(g.Chains) > 0 {
		return Still
	}
	complete := g.Complete
	if i := slices.IndexFunc(g.Refused, func(r Principal) bool { return r.Party == p }); i >= 0 {
		complete = g.Refused[i].Complete
	}
	if !complete {
		return Unknown
	}
	return Ended
}

// renewBefore is how long before its end a token is renewed.
const renewBefore = 15 * time.Second

// ask asks what the person may, with a token that lives: one that is over, or
// taken for over, is renewed once. parties are those to ask about, nil for all
// that were chosen.
func (f *Flow) ask(ctx context.Context, m *memo, person pic.Code, parties []Party) (Granted, error) {
	renewable := m.Token.Refresh != ""
	if renewable && !f.Client.Now().Before(m.Token.Until.Add(-renewBefore)) {
		renewable = false
		if err := f.renew(ctx, m); errors.Is(err, ErrUnavailable) {
			return Granted{}, err
		}
	}
	g, err := f.question(ctx, *m, person, parties)
	if renewable && errors.Is(err, ErrExpired) {
		switch failed := f.renew(ctx, m); {
		case failed == nil:
			g, err = f.question(ctx, *m, person, parties)
		case errors.Is(failed, ErrUnavailable):
			return Granted{}, failed
		}
	}
	if errors.Is(err, ErrExpired) {
		return f.lapsed(ctx, *m, person, parties, err)
	}
	return g, err
}

func (f *Flow) renew(ctx context.Context, m *memo) error {
	t, err := f.Client.Renew(ctx, m.Session, *m.Token)
	if err != nil {
		return err
	}
	m.Token = &t
	return nil
}

// question asks what the mode asks.
func (f *Flow) question(ctx context.Context, m memo, person pic.Code, parties []Party) (g Granted, err error) {
	switch m.Mode {
	case ForPerson:
		g, err = f.persons(ctx, m, person)
	case ForCompany:
		var only pic.BusinessID
		if len(parties) == 1 {
			only = parties[0].Company
		}
		var all []Organisation
		all, err = f.Client.Organisations(ctx, m.Session, *m.Token, person, only)
		g = f.Client.companies(all)
	case AsOfficer:
		var all []Organisation
		all, err = f.Client.Organisations(ctx, m.Session, *m.Token, person, "")
		g = f.Client.chains(all)
	default:
		return Granted{}, errors.New("a mandate's memo has no mode")
	}
	if err != nil {
		return Granted{}, err
	}
	g.Mode, g.Person = m.Mode, person
	return g, nil
}

// persons asks about every person who was chosen.
func (f *Flow) persons(ctx context.Context, m memo, person pic.Code) (Granted, error) {
	chosen, err := f.Client.Delegators(ctx, m.Session, *m.Token)
	if err != nil {
		return Granted{}, err
	}
	g := Granted{Complete: true}
	for _, d := range chosen {
		a, err := f.Client.Authorization(ctx, m.Session, *m.Token, person, d.Code, f.Client.CustomerMatters...)
		if err != nil && !denies(err) {
			return Granted{}, err
		}
		p := Principal{Party: Party{Person: d.Code}, Name: d.Name, Complete: true, Asked: f.Client.CustomerMatters}
		if a.Allowed {
			g.Principals = append(g.Principals, p)
		} else {
			g.Refused = append(g.Refused, p)
		}
	}
	return g, nil
}

// lapsed is what is left when a session is over: persons can be asked about
// without one, if the hub has the key for it. The names are not told again.
func (f *Flow) lapsed(ctx context.Context, m memo, person pic.Code, parties []Party, lapsed error) (Granted, error) {
	if m.Mode != ForPerson || f.Client.RESTKey == "" || len(parties) == 0 {
		return Granted{}, lapsed
	}
	g := Granted{Mode: m.Mode, Person: person, Complete: true}
	for _, p := range parties {
		a, err := f.Client.Check(ctx, person, p.Person, m.Session.Request, f.Client.CustomerMatters...)
		if err != nil && !denies(err) {
			return Granted{}, err
		}
		principal := Principal{Party: p, Complete: true, Asked: f.Client.CustomerMatters}
		if a.Allowed {
			g.Principals = append(g.Principals, principal)
		} else {
			g.Refused = append(g.Refused, principal)
		}
	}
	return g, nil
}
