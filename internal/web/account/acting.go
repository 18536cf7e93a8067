package account

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// forMandates is the name under which the choosing in the mandate register is
// kept among the sign-ins.
const forMandates = "valtuudet"

// forWhom lets an applicant choose for whom to act. It is chosen here, in the
// hub, and nobody is sent to the mandate register unasked.
func (r *room) forWhom(w http.ResponseWriter, a *site.Ask, who identity.Customer) error {
	if r.Mandates == nil {
		return errNotFound
	}
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("login.for_title"), Lead: a.T("login.for_lead")}, forBody(a, who))
}

// forOneself goes back to acting for oneself.
func (r *room) forOneself(w http.ResponseWriter, a *site.Ask, _ identity.Customer) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	v, _, err := r.visitor(a)
	if err != nil {
		return err
	}
	if v.For.ID == "" {
		return errNotFound
	}
	r.forget(a, v)
	v.For, v.Mandate = identity.Principal{}, identity.Mandate{}
	a.Keep(w, "login.for_now_oneself")
	return r.wear(w, a, v, identity.Hat{Role: identity.RoleCustomer}, "/projects")
}

// forget ends a session at the mandate register. It is no matter if that fails:
// it ends there by itself.
func (r *room) forget(a *site.Ask, v identity.Visit) {
	if r.Mandates == nil || !v.Mandate.Holds() {
		return
	}
	if err := r.Mandates.End(a.Context(), v.Mandate.Memo); err != nil {
		r.Log.InfoContext(a.Context(), "mandate session not ended", "err", err)
	}
}

// beginFor sends somebody who has come in to the mandate register.
func (r *room) beginFor(w http.ResponseWriter, a *site.Ask) error {
	mode := identity.MandateMode(a.PathValue("mode"))
	if r.Mandates == nil || mode != identity.ForCompany && mode != identity.ForPerson && mode != identity.ForAuthority {
		return errNotFound
	}
	v, ok, err := r.visitor(a)
	if err != nil {
		return err
	}
	if !ok {
		return a.See(w, ui.LoginPath)
	}
	if v.Via.Connection != "" && !v.Via.Private { // nobody in private life comes in by this way
		return errNotFound
	}
	code := ""
	err = r.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = r.Register.PersonalCode(ctx, tx, v.Person.ID)
		return err
	})
	if err != nil {
		return err
	}
	if code == "" { // such as an officer of Virtu, or a person with a foreign identity
		return r.refused(w, a, nil, identity.Refuse(identity.NoMandate, "no personal identity code to ask with"))
	}
	at := identity.Attempt{State: identity.NewState(), Connection: forMandates, Purpose: identity.ToActFor, Person: v.Person.ID, Next: site.Local(a.URL.Query().Get("next"))}
	address, memo, err := r.Mandates.Begin(a.Context(), code, mode, at.State, a.Lang)
	if err != nil {
		return r.refused(w, a, nil, err)
	}
	if at.Memo, err = json.Marshal(acting{memo, mode}); err != nil {
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

type acting struct {
	Memo []byte               `json:"memo"`
	Mode identity.MandateMode `json:"mode"`
}

// granted comes back from the mandate register with what was chosen.
func (r *room) granted(w http.ResponseWriter, a *site.Ask) error {
	if r.Mandates == nil {
		return errNotFound
	}
	state, err := stateOf(a)
	if err != nil {
		return err
	}
	cookie := r.known(a)
	v, ok, err := r.visitor(a)
	if err != nil {
		return err
	}
	var at identity.Attempt
	err = r.write(a, func(ctx context.Context, tx *db.Tx) error {
		if at, err = r.Register.Waiting(ctx, tx, r.Now(), forMandates, state); err != nil {
			return err
		}
		if err := r.Register.Answered(ctx, tx, r.Now(), at, identity.Assertion{}, ""); err != nil {
			return err
		}
		_, _, err = r.Register.Collect(ctx, tx, r.Now(), state, cookie)
		return err
	})
	if err == nil && (!ok || at.Person != v.Person.ID) {
		err = identity.Refuse(identity.NotValid, "somebody else came back")
	}
	if err != nil {
		return r.refused(w, a, nil, err)
	}
	var act acting
	if err := json.Unmarshal(at.Memo, &act); err != nil {
		return err
	}
	got, err := r.Mandates.Finish(a.Context(), act.Memo, a.URL.Query())
	if refusal, isRefusal := errors.AsType[*identity.Refusal](err); isRefusal {
		if refusal.Why == identity.Cancelled {
			return a.See(w, r.before(v))
		}
		if err := r.write(a, func(ctx context.Context, tx *db.Tx) error {
			return identity.TurnedAway(ctx, tx, r.Now(), v.Person.ID, forMandates, refusal.Why)
		}); err != nil {
			return err
		}
		return r.refused(w, a, nil, err)
	}
	if err != nil {
		return err
	}
	r.forget(a, v)
	v.Mandate = identity.Mandate{Memo: got.Memo, CheckedAt: r.Now()}
	if act.Mode == identity.ForAuthority {
		return r.asOfficer(w, a, v, got, at.Next)
	}
	return r.asPrincipal(w, a, v, got, at.Next)
}

// before is where somebody who gave up choosing came from.
func (r *room) before(v identity.Visit) string {
	if v.Hat.Role == identity.RoleCustomer {
		return "/for"
	}
	return "/login/role"
}

func (r *room) asPrincipal(w http.ResponseWriter, a *site.Ask, v identity.Visit, got identity.Granted, next string) error {
	err := r.write(a, func(ctx context.Context, tx *db.Tx) (err error) {
		v.For, err = r.Register.Principal(ctx, tx, r.Now(), got.Kind, got.ID, got.Name)
		return err
	})
	if err != nil {
		return err
	}
	return r.wear(w, a, v, identity.Hat{Role: identity.RoleCustomer}, next)
}

// asOfficer goes on as an officer of the authority that the mandates name.
func (r *room) asOfficer(w http.ResponseWriter, a *site.Ask, v identity.Visit, got identity.Granted, next string) error {
	au, byGrant, err := r.authorityOf(a, v, got)
	if err != nil {
		return err
	}
	v.Mandate.Granted = byGrant
	if au == nil && got.ID == "" { // an officer, and whose is for the visitor to say and a lead to grant
		v.Mandate.Granted, v.Hat, v.For = true, identity.Hat{}, identity.Principal{}
		if err := r.Sessions.SignIn(a.Context(), v); err != nil {
			return err
		}
		return a.See(w, "/login/role?next="+url.QueryEscape(next))
	}
	if au == nil {
		return r.refused(w, a, nil, identity.Refuse(identity.NotKnown, "the mandate names no authority that has joined"))
	}
	open := false
	err = r.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		open, err = identity.WayOpen(ctx, tx, r.Now(), au.ID, v.Via.Connection)
		return err
	})
	if err != nil {
		return err
	}
	if !open {
		return r.refused(w, a, nil, identity.Refuse(identity.NotKnown, "the authority's officers come in by another way"))
	}
	v.For = identity.Principal{}
	return r.wear(w, a, v, identity.Hat{Role: identity.RoleOfficer, Authority: au.ID}, next)
}

// authorityOf is the authority that the mandates name. Where they name the
// granting body alone, it is the only one whose lead has granted the visitor an
// officer's role; nil when there is none, or several to choose from. Where they name a body that is several
// authorities, as the City of Helsinki is, it is the first so granted, else the
// first of them. byGrant tells that what the lead has granted decided it, and
// bounds it.
func (r *room) authorityOf(a *site.Ask, v identity.Visit, got identity.Granted) (au *catalogue.Authority, byGrant bool, err error) {
	var named []*catalogue.Authority
	for _, known := range r.Catalogue.Authorities {
		if got.ID != "" && known.BusinessID == got.ID {
			named = append(named, known)
		}
	}
	if len(named) == 1 || got.ID != "" && len(named) == 0 {
		return first(named), false, nil
	}
	var granted []*catalogue.Authority
	err = r.read(a, func(ctx context.Context, tx *db.Tx) error {
		hats, err := identity.Hats(ctx, tx, r.Now(), v.Person.ID)
		for _, h := range hats {
			if au := r.Catalogue.Authority(h.Authority); h.Role == identity.RoleOfficer && (got.ID == "" && r.tied(h.Authority) || slices.Contains(named, au)) {
				granted = append(granted, au)
			}
		}
		return err
	})
	switch {
	case len(granted) == 0:
		return first(named), false, err
	case len(granted) == 1 || got.ID != "":
		return granted[0], true, err
	}
	return nil, false, err
}

func first(all []*catalogue.Authority) *catalogue.Authority {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// anew asks who one is once more, before what needs it: ?next= is where it
// goes on.
func (r *room) anew(w http.ResponseWriter, a *site.Ask) error {
	next := site.Local(a.URL.Query().Get("next"))
	c := r.connectionNamed(a.Via.Connection)
	if c == nil {
		return a.See(w, next) // the demo's people have nobody to ask
	}
	return r.leave(w, a, c, identity.Attempt{Purpose: identity.Anew, Person: a.Person.ID, Next: next}, trip{Issuer: a.Via.Issuer})
}
