package site

import (
	"context"
	"strings"
	"time"

	"luvat/internal/fail"
	"luvat/internal/identity"
)

const (
	// mandateWait is how long a page waits for the mandate register.
	mandateWait = 3 * time.Second
	// mandateGrace is how old a mandate may become while the register does not
	// answer. Then nothing is shown until it does; nobody is signed out.
	mandateGrace = 5 * time.Minute
)

// checkMandate asks again, at most once a minute, whether the mandate that the
// visit rests on still holds. One that has ended takes the access away: an
// officer's sessions at the authority end and the open work is handed over, an
// applicant acts for oneself again.
func (s *Site) checkMandate(a *Ask, v identity.Visit) error {
	now := s.Now()
	age := now.Sub(v.Mandate.CheckedAt)
	if !v.Mandate.Holds() || s.Mandates == nil || age < identity.MandateCheckEach || away(a.URL.Path) {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.Context(), mandateWait)
	defer cancel()
	still, err := s.Mandates.Check(ctx, v.Mandate.Memo)
	switch {
	case err != nil && age < mandateGrace:
		return nil
	case err != nil:
		s.Log.WarnContext(a.Context(), "mandate register does not answer")
		return fail.New(fail.Unavailable, "login.mandates_unknown")
	case still:
		s.Sessions.Checked(a.Context(), now)
		return nil
	}
	return s.mandateEnded(a, v)
}

func (s *Site) mandateEnded(a *Ask, v identity.Visit) error {
	a.For, a.Known = identity.Principal{}, false
	if v.Hat.Role == identity.RoleCustomer {
		v.For, v.Mandate = identity.Principal{}, identity.Mandate{}
		if err := s.Sessions.SignIn(a.Context(), v); err != nil {
			return err
		}
		a.Known = true
		return fail.New(fail.Forbidden, "login.mandate_ended_for")
	}
	if err := s.Roles.MandateEnded(a.Context(), v.Person.ID, v.Hat.Authority); err != nil {
		return err
	}
	a.Hat = identity.Hat{}
	if err := s.Sessions.SignOut(a.Context()); err != nil {
		return err
	}
	return fail.New(fail.Forbidden, "login.mandate_ended")
}

// away tells whether a page is about leaving or coming in anew: those are open
// also when the mandate cannot be asked for.
func away(path string) bool {
	return path == "/logout" || path == "/for" || strings.HasPrefix(path, "/for/") || strings.HasPrefix(path, "/login")
}
