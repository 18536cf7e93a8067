package account

import (
	"context"
	"net/http"
	"net/url"
	"slices"

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
			if c != nil && (!c.Officers || c.Mandated && r.Mandates != nil && h.Role == identity.RoleOfficer) {
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
	ch := choice{Next: site.Local(a.URL.Query().Get("next"))}
	if ch.Options, err = r.options(a, v); err != nil {
		return err
	}
	if r.mandated(v) {
		ch.Mandate = "/for/officer?next=" + url.QueryEscape(ch.Next)
	}
	if au := r.Catalogue.Authority(v.Via.Authority); au != nil && !slices.ContainsFunc(ch.Options, func(o option) bool { return o.Hat.Authority == v.Via.Authority }) {
		ch.Authority = au.Name.In(a.Lang)
	}
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("login.role_title"), Lead: a.T("login.role_lead", v.Person.Name), Path: "/login/role"}, roleBody(a, ch))
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
	v.For, v.Mandate = identity.Principal{}, identity.Mandate{}
	return r.wear(w, a, v, options[i].Hat, site.Local(form.Get("next")))
}

// askAccess asks the lead of the visitor's employer for a role.
func (r *room) askAccess(w http.ResponseWriter, a *site.Ask) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	v, ok, err := r.visitor(a)
	if err != nil {
		return err
	}
	if !ok || v.Via.Authority == "" {
		return errNotFound
	}
	if err := r.Roles.Ask(a.Context(), v.Person, v.Via.Authority, v.Via.Connection); err != nil {
		return err
	}
	return a.Say(w, "/login/role", "login.access_asked")
}
