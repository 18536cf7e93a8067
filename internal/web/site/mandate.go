package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
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
	state, fresh, err := s.checks.ask(now, v.Mandate.Memo, func() (identity.MandateState, []byte, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(a.Context()), mandateWait) // others may wait for the answer too
		defer cancel()
		return s.Mandates.Check(ctx, v.Mandate.Memo)
	})
	if err != nil && len(fresh) > 0 {
		if err := s.Sessions.AskWith(a.Context(), fresh); err != nil {
			return err
		}
	}
	if err == nil && state == identity.MandateLapsed {
		renewed, err := s.Sessions.Meanwhile(a.Context())
		if err != nil {
			return err
		}
		if len(renewed) > 0 && !bytes.Equal(renewed, v.Mandate.Memo) {
			return nil // another request asked with what this one had, and has a fresh one
		}
	}
	switch {
	case err != nil && age < mandateGrace:
		return nil
	case err != nil:
		s.Log.WarnContext(a.Context(), "mandate register does not answer")
		return fail.New(fail.Unavailable, "login.mandates_unknown")
	case state == identity.MandateHolds && v.Hat.Role == identity.RoleOfficer:
		if err := identity.Confirmed(a.Context(), s.DB, now, v.Person.ID, v.Hat.Authority); err != nil {
			return err
		}
		fallthrough
	case state == identity.MandateHolds:
		return s.Sessions.Checked(a.Context(), now, fresh)
	}
	return s.mandateOver(a, v, state)
}

// checks are the questions to the mandate register of the last minute, by what
// they were asked with: pages that come at once ask once, and what one of them
// was told is told to the others. The zero checks are ready.
type checks struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*check
}

var errUnanswered = errors.New("the mandate register was not asked to the end")

type check struct {
	at    time.Time
	done  chan struct{} // closed when there is an answer
	state identity.MandateState
	fresh []byte
	err   error
}

func (c *checks) ask(now time.Time, memo []byte, question func() (identity.MandateState, []byte, error)) (identity.MandateState, []byte, error) {
	key := sha256.Sum256(memo)
	c.mu.Lock()
	for k, old := range c.all {
		if now.Sub(old.at) >= identity.MandateCheckEach {
			delete(c.all, k)
		}
	}
	x := c.all[key]
	if x == nil {
		x = &check{at: now, done: make(chan struct{})}
		if c.all == nil {
			c.all = map[[sha256.Size]byte]*check{}
		}
		c.all[key] = x
		c.mu.Unlock()
		x.err = errUnanswered // also when the question panics: nobody waits for ever
		defer func() {
			if x.err != nil { // the next page asks anew
				c.mu.Lock()
				delete(c.all, key)
				c.mu.Unlock()
			}
			close(x.done)
		}()
		x.state, x.fresh, x.err = question()
		return x.state, x.fresh, x.err
	}
	c.mu.Unlock()
	<-x.done
	return x.state, x.fresh, x.err
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
// proving anew who they are. Where nobody says when that was, it is always too long.
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
