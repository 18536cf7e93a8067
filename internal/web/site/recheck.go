package site

import (
	"context"
	"errors"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
)

// recheck asks a way in that can tell whether what the session began with still
// holds, such as a card that may have been revoked. The session ends when it
// does not; nothing is shown, and nobody signed out, while nobody can tell.
func (s *Site) recheck(a *Ask) error {
	p := s.rechecker(a.Via.Connection)
	if p == nil || away(a.URL.Path) {
		return nil
	}
	via, err := s.Sessions.Provider(a.Context())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.Context(), mandateWait)
	defer cancel()
	err = p.Recheck(ctx, via.Session)
	refusal, ended := errors.AsType[*identity.Refusal](err)
	switch {
	case err == nil:
		return nil
	case !ended:
		s.Log.WarnContext(a.Context(), "nobody tells whether a way in still holds", "connection", a.Via.Connection)
		return fail.New(fail.Unavailable, "login.card_unknown")
	}
	person := a.Person.ID
	if err := s.Sessions.SignOut(a.Context()); err != nil {
		return err
	}
	a.Known, a.Person, a.Hat, a.For = false, identity.Person{}, identity.Hat{}, identity.Principal{}
	err = s.DB.InTx(a.Context(), func(tx *db.Tx) error {
		return identity.TurnedAway(a.Context(), tx, s.Now(), person, a.Via.Connection, refusal.Why)
	})
	if err != nil {
		return err
	}
	return fail.New(fail.Forbidden, "login.card_ended")
}

func (s *Site) rechecker(connection string) identity.Rechecker {
	for _, c := range s.Connections {
		if c.Name == connection {
			r, _ := c.Provider.(identity.Rechecker)
			return r
		}
	}
	return nil
}
