package app

import (
	"context"
	"errors"
	"net/url"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/pic"
)

// mandates is Suomi.fi-valtuudet as identity knows it.
type mandates struct{ flow *mandate.Flow }

var _ identity.Mandates = mandates{}

func (m mandates) Begin(ctx context.Context, code string, mode identity.MandateMode, state string, l i18n.Lang) (string, []byte, error) {
	person, err := pic.Parse(code)
	if err != nil {
		return "", nil, err
	}
	return m.flow.Begin(ctx, mandate.Beginning{Person: person, Mode: mandate.Mode(mode), State: state, Lang: l})
}

func (m mandates) Finish(ctx context.Context, memo []byte, answer url.Values) (identity.Granted, error) {
	g, fresh, err := m.flow.Finish(ctx, memo, answer)
	if err != nil {
		return identity.Granted{}, err
	}
	out := identity.Granted{Complete: g.Complete, Memo: fresh}
	switch {
	case g.Mode == mandate.AsOfficer && len(g.Chains) > 0:
		out.Kind, out.ID, out.Name = identity.Company, string(g.Chains[0].Authority), g.Chains[0].AuthorityName
	case g.Mode != mandate.AsOfficer && len(g.Principals) > 0:
		p := g.Principals[0]
		out.Kind, out.ID, out.Name = identity.Company, string(p.Company), p.Name
		if p.Company == "" {
			out.Kind, out.ID = identity.Someone, p.Person.Reveal()
		}
	default:
		return identity.Granted{}, identity.Refuse(identity.NoMandate, "nothing that was chosen is granted")
	}
	return out, nil
}

func (m mandates) Check(ctx context.Context, memo []byte) (identity.MandateState, []byte, error) {
	checked, fresh, err := m.flow.Refresh(ctx, memo)
	if err != nil {
		return "", nil, err
	}
	switch checked.State {
	case mandate.Still:
		return identity.MandateHolds, fresh, nil
	case mandate.Ended:
		return identity.MandateEnded, fresh, nil
	case mandate.Lapsed:
		return identity.MandateLapsed, fresh, nil
	}
	return "", fresh, errors.Join(errors.New("nobody can say now whether the mandate holds"), checked.Cause)
}

func (m mandates) End(ctx context.Context, memo []byte) error { return m.flow.End(ctx, memo) }
