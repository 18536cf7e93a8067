package site

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"luvat/internal/identity"
)

// unanswered is how many questions in a row the mandate register may leave
// unanswered before a round of asking ends: the next one tries again.
const unanswered = 3

// AskAgain asks the mandate register about the officers whose sessions live but
// who have not shown a page for a while: whose mandate has ended loses the role,
// and the open work, without coming back. It may be called at any time.
//
// The register answers as long as its own session lives, which is not long;
// without the person it cannot be begun anew. Who stays away longer is found by
// how old the last answer is: identity.Roles.EndDue.
func (s *Site) AskAgain(ctx context.Context) error {
	if s.Mandates == nil {
		return nil
	}
	resting, err := s.Sessions.Resting(ctx, s.Now().Add(-cmp.Or(s.OfficerMandates.AskEach, identity.DefaultAskEach)))
	if err != nil {
		return err
	}
	// In another order each time: else a few that are never answered would keep
	// the others from being asked about.
	rand.Shuffle(len(resting), func(i, j int) { resting[i], resting[j] = resting[j], resting[i] })
	var errs []error
	silent := 0
	for _, r := range resting {
		if err := s.askAbout(ctx, r); errors.Is(err, errNoAnswer) {
			if silent++; silent == unanswered {
				s.Log.WarnContext(ctx, "mandate register does not answer")
				break
			}
		} else {
			errs, silent = append(errs, err), 0
		}
	}
	return errors.Join(errs...)
}

var errNoAnswer = errors.New("the mandate register does not answer")

func (s *Site) askAbout(ctx context.Context, r identity.Resting) error {
	now := s.Now()
	state, fresh, err := s.checks.ask(now, r.Memo, func() (identity.MandateState, []byte, error) {
		ctx, cancel := context.WithTimeout(ctx, mandateWait)
		defer cancel()
		return s.Mandates.Check(ctx, r.Memo)
	})
	if kept := s.Sessions.Heard(ctx, r, now, fresh, state); kept != nil {
		return kept
	}
	switch {
	case err != nil:
		return errNoAnswer
	case state == identity.MandateHolds:
		return identity.Confirmed(ctx, s.DB, now, r.Person, r.Authority)
	case state == identity.MandateEnded:
		return s.Roles.MandateEnded(ctx, r.Person, r.Authority)
	}
	return nil
}

// EndDue ends the roles whose time is over, and hands over the open work of
// officers by mandate who have stayed away for too long.
func (s *Site) EndDue(ctx context.Context) error {
	var since time.Time
	if s.Mandates != nil {
		since = s.Now().Add(-s.ConfirmWithin())
	}
	return s.Roles.EndDue(ctx, since)
}

// ConfirmWithin is how long an officer by mandate may stay away.
func (s *Site) ConfirmWithin() time.Duration {
	return cmp.Or(s.OfficerMandates.Within, identity.DefaultWithin)
}
