package account

import (
	"context"
	"net/http"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// signOut ends the session here first; then, where somebody came in by a
// provider, the browser is led to end it there too.
func (r *room) signOut(w http.ResponseWriter, a *site.Ask) error {
	via, err := r.Sessions.Provider(a.Context())
	if err != nil {
		via = identity.Via{} // its key is gone: it ends there by itself
	}
	if v, ok, err := r.visitor(a); err == nil && ok {
		r.forget(a, v)
	}
	if err := r.Sessions.SignOut(a.Context()); err != nil {
		return err
	}
	a.Known, a.Person, a.Hat, a.For = false, identity.Person{}, identity.Hat{}, identity.Principal{} // nor does the page show anybody
	c := r.connectionNamed(via.Connection)
	if c == nil {
		return a.Say(w, "/", "login.out_done")
	}
	ender, ok := c.Provider.(identity.Ender)
	if !ok {
		return a.Say(w, "/", "login.out_here")
	}
	address, err := ender.End(a.Context(), via.Issuer, via.Session, identity.NewState(), a.Lang)
	if err != nil || address == "" {
		if err != nil {
			r.Log.WarnContext(a.Context(), "provider's session not ended", "connection", c.Name)
		}
		return a.Say(w, "/", "login.out_here")
	}
	// A page between: the forms' policy lets nobody be redirected to another
	// site, and the person sees that it is done here already.
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("login.out_title"), Lead: a.T("login.out_lead"), Path: "/", Refresh: address}, outBody(a, c, address))
}

// ended takes a provider's word that a session has ended, or its answer to our
// asking. No cookie comes with it.
func (r *room) ended(w http.ResponseWriter, a *site.Ask) error {
	c, err := r.connection(a)
	if err != nil {
		return err
	}
	ender, ok := c.Provider.(identity.Ender)
	if !ok {
		return errNotFound
	}
	m, answer, err := ender.Ended(a.Context(), a.Request)
	if err != nil {
		return r.refused(w, a, c, err)
	}
	if answer == nil { // what we asked for is done
		return a.Say(w, "/", "login.out_done")
	}
	done := true
	err = r.write(a, func(ctx context.Context, tx *db.Tx) error {
		for _, s := range m.Sessions {
			if _, err := identity.EndAt(ctx, tx, m.Issuer, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.Log.ErrorContext(a.Context(), "session not ended", "connection", c.Name, "err", err)
		done = false
	}
	return answer(w, done)
}

// sessionRow is a session in its owner's list.
type sessionRow struct {
	ID, Role, Way, Agent, Began, Seen string
	Current                           bool
}

// sessions lists one's own sessions.
func (r *room) sessions(w http.ResponseWriter, a *site.Ask) error {
	listed, err := r.Sessions.Listed(a.Context(), a.Person.ID)
	if err != nil {
		return err
	}
	var rows []sessionRow
	for _, l := range listed {
		row := sessionRow{
			ID: l.ID, Role: a.T("site.role_" + string(cmpRole(l.Role))), Way: r.wayName(a.Lang, l.Connection), Agent: l.Agent,
			Began: i18n.DateTime(a.Lang, l.Began), Seen: i18n.DateTime(a.Lang, l.Seen), Current: l.Current,
		}
		if au := r.Catalogue.Authority(l.Authority); au != nil {
			row.Role += ", " + au.Name.In(a.Lang)
		}
		rows = append(rows, row)
	}
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("login.sessions_title"), Lead: a.T("login.sessions_lead")}, sessionsBody(a, rows))
}

func cmpRole(r identity.Role) identity.Role {
	if r == "" {
		return identity.RoleCustomer
	}
	return r
}

func (r *room) wayName(l i18n.Lang, connection string) string {
	if c := r.connectionNamed(connection); c != nil {
		return c.Title.In(l)
	}
	return i18n.T(l, "login.way_demo")
}

func (r *room) endSession(w http.ResponseWriter, a *site.Ask) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	if err := r.Sessions.End(a.Context(), a.Person.ID, a.PathValue("id")); err != nil {
		return err
	}
	return a.Say(w, "/sessions", "login.session_ended")
}
