package account

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// An option is a role that somebody may take.
type option struct {
	Hat          identity.Hat
	Value, Label string
	Current      bool
}

// choice is what the page of choosing a role shows.
type choice struct {
	Options   []option
	Mandate   string // address where the mandates of an officer are asked for, "" for none
	Authority string // the employer's name, when it may be asked for a role
	Next      string

	// Asked is the question which authority is asked for a role, of an officer
	// whose mandate names the granting body alone; without a name there is none.
	Asked ui.Control
}

// enter begins the session: with the only role there is, or without one until
// it is chosen.
func (r *room) enter(w http.ResponseWriter, a *site.Ask, v identity.Visit, next string) error {
	options, err := r.options(a, v)
	if err != nil {
		return err
	}
	v.Hat = identity.Hat{}
	officer := r.mandated(v)
	switch {
	case len(options) == 1 && !officer:
		return r.wear(w, a, v, options[0].Hat, next)
	case len(options) == 0 && !officer && v.Via.Authority == "":
		if err := r.write(a, func(ctx context.Context, tx *db.Tx) error {
			return identity.TurnedAway(ctx, tx, r.Now(), v.Person.ID, v.Via.Connection, identity.NotKnown)
		}); err != nil {
			return err
		}
		return r.refused(w, a, r.connectionNamed(v.Via.Connection), identity.Refuse(identity.NotKnown, "no role"))
	}
	if err := r.Sessions.SignIn(a.Context(), v); err != nil {
		return err
	}
	return a.See(w, "/login/role?next="+url.QueryEscape(next))
}

// wear takes a role on: the session's token is new.
func (r *room) wear(w http.ResponseWriter, a *site.Ask, v identity.Visit, h identity.Hat, next string) error {
	v.Hat = h
	err := r.write(a, func(ctx context.Context, tx *db.Tx) error { return identity.SignedIn(ctx, tx, r.Now(), v) })
	if err != nil {
		return err
	}
	if err := r.Sessions.SignIn(a.Context(), v); err != nil {
		return err
	}
	return a.See(w, site.Landing(h.Role, next))
}

// mandated tells whether the visitor may ask for an officer's role by mandate.
func (r *room) mandated(v identity.Visit) bool {
	c := r.connectionNamed(v.Via.Connection)
	return c != nil && c.Mandated && r.Mandates != nil && v.Via.Private
}

// options lists the roles that the visitor may take: what was granted, as far
// as the way in allows it.
func (r *room) options(a *site.Ask, v identity.Visit) (all []option, err error) {
	c := r.connectionNamed(v.Via.Connection)
	if v.Via.Private {
		all = append(all, r.option(a, identity.Hat{Role: identity.RoleCustomer}))
	}
	err = r.read(a, func(ctx context.Context, tx *db.Tx) error {
		hats, err := identity.Hats(ctx, tx, r.Now(), v.Person.ID)
		if err != nil {
			return err
		}
		for _, h := range hats {
			byMandate := h.Role == identity.RoleOfficer && c != nil && c.Mandated && r.Mandates != nil
			if c != nil && !c.Officers || byMandate && !(r.inHand(v) && r.tied(h.Authority)) {
				continue
			}
			if v.Via.Authority != "" && h.Authority != "" && h.Authority != v.Via.Authority {
				continue
			}
			open, err := identity.WayOpen(ctx, tx, r.Now(), h.Authority, v.Via.Connection)
			if err != nil {
				return err
			}
			if open {
				all = append(all, r.option(a, h))
			}
		}
		return nil
	})
	if v.Via.Connection == "" && len(all) == 0 && err == nil { // the demo's people
		all = append(all, r.option(a, identity.Hat{Role: identity.RoleCustomer}))
	}
	return all, err
}

func (r *room) option(a *site.Ask, h identity.Hat) option {
	o := option{Hat: h, Value: string(h.Role) + "/" + h.Authority, Label: a.T("site.role_" + string(h.Role))}
	if au := r.Catalogue.Authority(h.Authority); au != nil {
		o.Label += ", " + au.Name.In(a.Lang)
	}
	o.Current = a.Known && a.Hat.Role == h.Role && a.Hat.Authority == h.Authority
	return o
}

// visitor returns who has come in, with or without a role yet.
func (r *room) visitor(a *site.Ask) (identity.Visit, bool, error) {
	v, _, err := r.Sessions.Who(a.Context(), r.Now())
	if fail.Is(err, fail.NotFound) {
		return v, false, nil
	}
	return v, v.Person.ID != "" && err == nil, err
}

// roles lets the visitor choose a role, or ask for one.
func (r *room) roles(w http.ResponseWriter, a *site.Ask) error {
	v, ok, err := r.visitor(a)
	if err != nil {
		return err
	}
	if !ok {
		return a.See(w, ui.LoginPath)
	}
	return r.showRoles(w, a, v, http.StatusOK, ui.Control{}, site.Local(a.URL.Query().Get("next")))
}

func (r *room) showRoles(w http.ResponseWriter, a *site.Ask, v identity.Visit, status int, asked ui.Control, next string) (err error) {
	ch := choice{Next: next, Asked: asked}
	if ch.Options, err = r.options(a, v); err != nil {
		return err
	}
	if r.inHand(v) {
		ch.Asked.Lang, ch.Asked.Name, ch.Asked.Label, ch.Asked.Options = a.Lang, "authority", a.T("login.which_authority"), r.authorities(a)
	}
	if r.mandated(v) {
		ch.Mandate = "/for/officer?next=" + url.QueryEscape(ch.Next)
	}
	if au := r.Catalogue.Authority(v.Via.Authority); au != nil && !slices.ContainsFunc(ch.Options, func(o option) bool { return o.Hat.Authority == v.Via.Authority }) {
		ch.Authority = au.Name.In(a.Lang)
	}
	return a.Page(w, status, ui.Page{Title: a.T("login.role_title"), Problems: asked.Problem != "", Lead: a.T("login.role_lead", v.Person.Name), Path: "/login/role"}, roleBody(a, ch))
}

// chooseRole takes the chosen role on.
func (r *room) chooseRole(w http.ResponseWriter, a *site.Ask) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	v, ok, err := r.visitor(a)
	if err != nil {
		return err
	}
	if !ok {
		return a.See(w, ui.LoginPath)
	}
	options, err := r.options(a, v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(options, func(o option) bool { return o.Value == form.Get("role") })
	if i < 0 {
		return errNotFound
	}
	v.For = identity.Principal{}
	if options[i].Hat.Role != identity.RoleOfficer || !r.inHand(v) {
		v.Mandate = identity.Mandate{}
	}
	return r.wear(w, a, v, options[i].Hat, site.Local(form.Get("next")))
}

// inHandFor is for how long a mandate that names no authority may be used to
// choose or to ask one.
const inHandFor = 15 * time.Minute

// inHand tells that the visitor has just shown a mandate that names the granting
// body alone: an officer, but not yet whose.
func (r *room) inHand(v identity.Visit) bool {
	return v.Hat.Role == "" && v.Mandate.Holds() && r.Now().Sub(v.Mandate.CheckedAt) < inHandFor
}

// tied tells whether the granting body's mandate may make officers of an authority.
func (r *room) tied(authority string) bool {
	all := r.OfficerMandates.Authorities
	return r.Catalogue.Authority(authority) != nil && (all == nil || slices.Contains(all, authority))
}

// authorities lists those that a mandate of the granting body may be for. It is
// the same list for everybody: who works where is not told.
func (r *room) authorities(a *site.Ask) (all []ui.Option) {
	for _, au := range r.Catalogue.Authorities {
		if r.tied(au.ID) {
			all = append(all, ui.Option{Value: au.ID, Label: au.Name.In(a.Lang)})
		}
	}
	slices.SortFunc(all, func(x, y ui.Option) int { return strings.Compare(x.Label, y.Label) })
	return all
}

// askAccess asks for a role the lead of the visitor's employer, or, with a mandate
// that names the granting body alone, of the authority that the visitor says. The
// answer is the same whoever has a role there.
func (r *room) askAccess(w http.ResponseWriter, a *site.Ask) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	v, ok, err := r.visitor(a)
	if err != nil {
		return err
	}
	authority := v.Via.Authority
	if ok && r.inHand(v) {
		switch authority = form.Get("authority"); {
		case authority == "":
			return r.showRoles(w, a, v, http.StatusUnprocessableEntity, ui.Control{Problem: a.T("login.choose_authority")}, "/")
		case !r.tied(authority):
			return errNotFound
		}
	}
	if !ok || authority == "" {
		return errNotFound
	}
	if err := r.Roles.Ask(a.Context(), v.Person, authority, v.Via.Connection); err != nil {
		return err
	}
	return a.Say(w, "/login/role", "login.access_asked")
}
