package site

import (
	"errors"
	"net/http"

	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
)

// bearer returns the access token that a request brings, "" for none.
func (s *Site) bearer(r *http.Request) string {
	if s.Machines == nil {
		return ""
	}
	return machine.Bearer(r)
}

// asMachine makes the asker the robot whose token it is. It is asked at each
// request, so what was withdrawn is nobody at once. Pages are for robots: a
// system has the data exchange interface.
func (s *Site) asMachine(w http.ResponseWriter, a *Ask, token string) error {
	c, err := s.Machines.Who(a.Context(), token, a.TLS)
	if e, ok := errors.AsType[*machine.Error](err); ok {
		if !s.Tries().Failed(a.Request, "") { // one that holds is looked at all the same
			w.Header().Set("Retry-After", comeAgain)
			return fail.New(fail.TooMany, "error.too_many")
		}
		s.Log.InfoContext(a.Context(), "machine refused", "code", e.Code, "cause", e.Cause, "route", a.route())
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return fail.New(fail.NotKnown, "machine.token_refused")
	}
	if err != nil {
		return err
	}
	who, ok := c.Officer()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
		return fail.New(fail.Forbidden, "machine.no_pages")
	}
	a.Known, a.Machine, a.Person = true, c.ID, who.Person
	a.Hat = identity.Hat{Role: who.Role, Authority: who.Authority, Types: who.Types}
	return nil
}

// forMachines tells whether a machine may come to a route: to officers' pages and
// to those that anybody sees, but not to those about people's sign-ins.
func (rt Route) forMachines(path string) bool {
	switch rt.Access {
	case Officers:
		return true
	case Anybody, DemoOnly:
		return !away(path)
	}
	return false
}
