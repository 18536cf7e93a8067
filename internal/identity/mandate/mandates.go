package mandate

import (
	"context"
	"net/url"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/pic"
)

// Mandates is a Flow as the rooms of the hub know it: for one principal at a
// time, in plain texts. It is an identity.Mandates.
type Mandates struct{ Flow *Flow }

var _ identity.Mandates = Mandates{}

// Begin registers the person and returns where the browser is sent to choose.
func (m Mandates) Begin(ctx context.Context, code string, mode identity.MandateMode, state string, l i18n.Lang) (string, []byte, error) {
	person, err := pic.Parse(code)
	if err != nil {
		return "", nil, &identity.Refusal{Why: identity.NoMandate, Cause: err}
	}
	return m.Flow.Begin(ctx, Beginning{Person: person, Mode: mode, State: state, Lang: l})
}

// Finish reads the choice. Where several were chosen, the first that may be acted
// for counts; the page at Valtuudet leads to one. Of an officer the ID is the
// authority's, "" where the answer names the granting body only.
func (m Mandates) Finish(ctx context.Context, memo []byte, answer url.Values) (identity.Granted, error) {
	c, memo, err := m.Flow.Finish(ctx, memo, answer)
	if err != nil {
		return identity.Granted{}, err
	}
	var g identity.Granted
	var party Party
	switch {
	case len(c.Chains) > 0:
		chain := c.Chains[0]
		party = chain.Party()
		g = identity.Granted{Kind: identity.Company, ID: string(chain.Authority), Name: chain.AuthorityName, Complete: c.Complete}
	case len(c.Principals) > 0:
		p := c.Principals[0]
		party = p.Party
		g = identity.Granted{Kind: identity.Company, ID: string(p.Company), Name: p.Name, Complete: p.Complete}
		if p.Company == "" {
			g.Kind, g.ID = identity.Someone, p.Person.Reveal()
		}
	case !c.Complete:
		return g, identity.Refuse(identity.NotThere, "not all registers could be read")
	default:
		return g, identity.Refuse(identity.NoMandate, "the mandates do not allow it")
	}
	g.Memo, err = m.Flow.Keep(memo, party)
	return g, err
}

// Check asks again whether what was granted still holds. What cannot be known
// now is an error; the fresh memo counts with an error too, "" for none.
func (m Mandates) Check(ctx context.Context, memo []byte) (identity.MandateState, []byte, error) {
	c, fresh, err := m.Flow.Refresh(ctx, memo)
	if err != nil {
		return "", nil, err
	}
	switch c.State {
	case Still:
		return identity.MandateHolds, fresh, nil
	case Ended:
		return identity.MandateEnded, fresh, nil
	case Lapsed:
		return identity.MandateLapsed, fresh, nil
	}
	return "", fresh, c.Cause
}

// End forgets the session at Valtuudet.
func (m Mandates) End(ctx context.Context, memo []byte) error { return m.Flow.End(ctx, memo) }
