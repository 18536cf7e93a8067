package account

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// A trip is what the hub itself remembers of a sign-in beside the provider's
// memo.
type trip struct {
	Memo   []byte `json:"memo"`
	Issuer string `json:"issuer,omitempty"`
	Silent bool   `json:"silent,omitempty"`
}

// begin sends the browser to a provider, or first to where the provider is
// chosen.
func (r *room) begin(w http.ResponseWriter, a *site.Ask) error {
	c, err := r.connection(a)
	if err != nil {
		return err
	}
	next := site.Local(a.URL.Query().Get("next"))
	if c.Discovery != nil {
		return a.See(w, c.Discovery(next))
	}
	return r.leave(w, a, c, identity.Attempt{Purpose: identity.ToSignIn, Next: next}, trip{Silent: c.SilentFirst})
}

// chosen goes on with the identity provider that was chosen.
func (r *room) chosen(w http.ResponseWriter, a *site.Ask) error {
	c, err := r.connection(a)
	if err != nil {
		return err
	}
	if c.Chosen == nil {
		return errNotFound
	}
	issuer, next, err := c.Chosen(a.Request)
	if err != nil {
		return r.refused(w, a, c, err)
	}
	return r.leave(w, a, c, identity.Attempt{Purpose: identity.ToSignIn, Next: site.Local(next)}, trip{Issuer: issuer, Silent: c.SilentFirst})
}

// leave keeps the attempt and sends the browser away.
func (r *room) leave(w http.ResponseWriter, a *site.Ask, c *identity.Connection, at identity.Attempt, t trip) error {
	at.State, at.Connection = identity.NewState(), c.Name
	b := identity.Beginning{State: at.State, Lang: a.Lang, Silent: t.Silent, Anew: at.Purpose == identity.Anew, Issuer: t.Issuer}
	address, memo, err := c.Provider.Begin(a.Context(), b)
	if err != nil {
		return r.refused(w, a, c, err)
	}
	t.Memo = memo
	if at.Memo, err = json.Marshal(t); err != nil {
		return err
	}
	cookie := r.browser(w, a)
	err = r.write(a, func(ctx context.Context, tx *db.Tx) error { return r.Register.Begin(ctx, tx, r.Now(), at, cookie) })
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return a.See(w, address)
}

// answer takes what a provider says. It comes without the hub's cookies: it is
// only kept here, for the browser that began the sign-in.
func (r *room) answer(w http.ResponseWriter, a *site.Ask) error {
	c, err := r.connection(a)
	if err != nil {
		return err
	}
	state, err := stateOf(a)
	if err != nil {
		return err
	}
	done := "/login/done?state=" + url.QueryEscape(state)
	if c.Elsewhere {
		done = r.BaseURL + done
	}
	var at identity.Attempt
	err = r.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		at, err = r.Register.Waiting(ctx, tx, r.Now(), c.Name, state)
		return err
	})
	_, over := errors.AsType[*identity.Refusal](err)
	switch {
	case over && c.Elsewhere:
		return a.See(w, done) // it will be told there, where the hub's pages are
	case err != nil:
		return r.refused(w, a, c, err)
	}
	var t trip
	if err := json.Unmarshal(at.Memo, &t); err != nil {
		return err
	}
	said, err := c.Provider.Finish(a.Context(), t.Memo, a.Request)
	refusal, isRefusal := errors.AsType[*identity.Refusal](err)
	if err != nil && !isRefusal {
		return err
	}
	var why identity.Why
	if isRefusal {
		why = refusal.Why
		r.Log.InfoContext(a.Context(), "sign-in refused", "connection", c.Name, "why", string(why), "cause", refusal.Cause.Error())
	}
	err = r.write(a, func(ctx context.Context, tx *db.Tx) error {
		if err := r.Register.Answered(ctx, tx, r.Now(), at, said, why); err != nil {
			return err
		}
		if why == "" || why == identity.NotSilent || at.Person == "" && !r.refusal.note(r.Now(), c.Name, why) {
			return nil
		}
		return identity.TurnedAway(ctx, tx, r.Now(), at.Person, c.Name, why)
	})
	if err != nil {
		return r.refused(w, a, c, err)
	}
	return a.See(w, done)
}

// stateOf reads the state of an answer: RelayState of SAML, state of OpenID
// Connect.
func stateOf(a *site.Ask) (string, error) {
	v := a.URL.Query()
	if a.Method == http.MethodPost {
		form, err := a.Form()
		if err != nil {
			return "", err
		}
		v = form
	}
	for _, name := range []string{"RelayState", "state"} {
		if s := v.Get(name); s != "" && len(s) <= 200 {
			return s, nil
		}
	}
	return "", fail.New(fail.Invalid, "error.malformed")
}

// done gives the answer to the browser that began the sign-in.
func (r *room) done(w http.ResponseWriter, a *site.Ask) error {
	var at identity.Attempt
	var said identity.Assertion
	var v identity.Visit
	cookie := r.known(a)
	err := r.write(a, func(ctx context.Context, tx *db.Tx) (err error) {
		if at, said, err = r.Register.Collect(ctx, tx, r.Now(), a.URL.Query().Get("state"), cookie); err != nil {
			return err
		}
		v.Person, err = r.Register.Person(ctx, tx, r.Now(), at.Connection, said)
		return err
	})
	c := r.connectionNamed(at.Connection)
	refusal, isRefusal := errors.AsType[*identity.Refusal](err)
	switch {
	case isRefusal && refusal.Why == identity.NotSilent && c != nil && at.Purpose == identity.ToSignIn && c.Discovery != nil:
		return a.See(w, c.Discovery(at.Next)) // which of the providers it was is not known any more
	case isRefusal && refusal.Why == identity.NotSilent && c != nil && at.Purpose == identity.ToSignIn:
		return r.leave(w, a, c, identity.Attempt{Purpose: identity.ToSignIn, Next: at.Next}, trip{}) // now with a question
	case err != nil:
		return r.refused(w, a, c, err)
	case c == nil:
		return errNotFound
	}
	v.Via = identity.Via{Connection: c.Name, Issuer: said.Issuer, Level: said.Level, At: said.At, Session: said.Session}
	if c.Authority != nil {
		v.Via.Authority = c.Authority(said)
	}
	if c.Customers {
		v.Via.Private = said.PersonalCode != "" || said.ForeignID != ""
	}
	if v.Person.Lang != "" {
		r.KeepLanguage(w, v.Person.Lang)
	}
	if at.Purpose == identity.Anew {
		return r.onceMore(w, a, c, at, v)
	}
	return r.enter(w, a, v, at.Next)
}

// onceMore goes on with the session of somebody who proved who they are again.
func (r *room) onceMore(w http.ResponseWriter, a *site.Ask, c *identity.Connection, at identity.Attempt, again identity.Visit) error {
	v, ok, err := r.Sessions.Who(a.Context(), r.Now())
	if err != nil {
		return err
	}
	if !ok || v.Person.ID != again.Person.ID || at.Person != again.Person.ID {
		return r.refused(w, a, c, identity.Refuse(identity.NotValid, "somebody else came back"))
	}
	again.Hat, again.For, again.Mandate = v.Hat, v.For, v.Mandate
	if err := r.Sessions.SignIn(a.Context(), again); err != nil {
		return err
	}
	return a.See(w, at.Next)
}

// refused shows why somebody is not let in, and what to do.
func (r *room) refused(w http.ResponseWriter, a *site.Ask, c *identity.Connection, err error) error {
	refusal, ok := errors.AsType[*identity.Refusal](err)
	if !ok {
		return err
	}
	if refusal.Why == identity.NotThere {
		name := ""
		if c != nil {
			name = c.Name
		}
		r.Log.WarnContext(a.Context(), "provider does not answer", "connection", name, "cause", refusal.Cause.Error())
	}
	page := ui.Page{Title: a.T("login.refused_title"), Path: "/login"}
	if refusal.Why == identity.Cancelled {
		page.Title = a.T("login.cancelled_title")
	}
	return a.Page(w, statusOf(refusal.Why), page, refusedBody(a, refusal.Why))
}

func statusOf(why identity.Why) int {
	switch why {
	case identity.Cancelled:
		return http.StatusOK
	case identity.NotThere:
		return http.StatusServiceUnavailable
	case identity.TooOld, identity.NotValid:
		return http.StatusBadRequest
	}
	return http.StatusForbidden
}

// document is what a provider must know of the hub.
func (r *room) document(w http.ResponseWriter, a *site.Ask) error {
	c, err := r.connection(a)
	if err != nil {
		return err
	}
	made := c.Documents[a.PathValue("document")]
	if made == nil {
		return errNotFound
	}
	body, kind, err := made()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(body) // the reader may have gone
	return nil
}
