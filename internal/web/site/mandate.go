package site

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/web/ui"
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
	state, fresh, err := s.Mandates.Check(ctx, v.Mandate.Memo)
	switch {
	case err != nil && age < mandateGrace:
		return nil
	case err != nil:
		s.Log.WarnContext(a.Context(), "mandate register does not answer")
		return fail.New(fail.Unavailable, "login.mandates_unknown")
	case state == identity.MandateHolds:
		return s.Sessions.Checked(a.Context(), now, fresh)
	}
	return s.mandateOver(a, v, state)
}

// mandateOver takes away what rested on the mandate. An applicant goes on as
// oneself; an officer has no role until the mandate is chosen again.
func (s *Site) mandateOver(a *Ask, v identity.Visit, state identity.MandateState) error {
	officer, authority := v.Hat.Role != identity.RoleCustomer, v.Hat.Authority
	key := "login.mandate_ended_for"
	switch {
	case state == identity.MandateLapsed:
		key = "login.mandate_lapsed"
	case officer:
		key = "login.mandate_ended"
	}
	v.For, v.Mandate = identity.Principal{}, identity.Mandate{}
	if officer {
		v.Hat = identity.Hat{}
	}
	a.For, a.Hat, a.Known = v.For, v.Hat, !officer
	if err := s.Sessions.SignIn(a.Context(), v); err != nil {
		return err
	}
	if officer && state == identity.MandateEnded {
		if err := s.Roles.MandateEnded(a.Context(), v.Person.ID, authority); err != nil {
			return err
		}
	}
	return fail.New(fail.Forbidden, key)
}

// away tells whether a page is about leaving or coming in anew: those are open
// also when the mandate cannot be asked for.
func away(path string) bool {
	return path == "/logout" || path == "/for" || strings.HasPrefix(path, "/for/") || strings.HasPrefix(path, "/login")
}

// anewAfter is for how long somebody who acts for another may send without
// proving anew who they are.
const anewAfter = 15 * time.Minute

// ProveAnew tells whether the asker, who acts for another, should first prove
// anew who they are (step-up); then it has answered with the way there. To is
// where it goes on afterwards.
//
// The way is a page and no redirect: a browser does not follow a form that our
// policy keeps to ourselves to another site, and the page says why one leaves.
func (s *Site) ProveAnew(w http.ResponseWriter, a *Ask, to string) (needed bool, err error) {
	if a.For.ID == "" || a.Via.Connection == "" || s.Now().Sub(a.Via.At) <= anewAfter {
		return false, nil
	}
	address := "/login/anew?next=" + url.QueryEscape(to)
	return true, a.Page(w, http.StatusOK, ui.Page{Title: a.T("login.anew_title"), Lead: a.T("login.anew_lead", a.For.Name), Path: to, Refresh: address}, anewBody(a.Lang, address))
}
