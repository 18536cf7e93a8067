package public

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// A part is a demo identity with the hats it may wear.
type part struct {
	Person identity.Person
	Story  string
	Hats   []hat
}

// A hat is one role to sign in with.
type hat struct {
	Value string // role and authority, as posted
	Label string // authority, or role
}

// parts are the demo identities of one role.
type parts struct {
	Title string
	Parts []part
}

var roleOrder = []identity.Role{identity.RoleCustomer, identity.RoleOfficer, identity.RoleRobot, identity.RoleLead, identity.RoleService, identity.RoleSupport}

// login offers the ways of signing in that there are.
func (p *room) login(w http.ResponseWriter, a *site.Ask) error {
	next := site.Local(a.URL.Query().Get("next"))
	page := ui.Page{Title: a.T("public.login_title")}
	ways := p.ways(a, next)
	switch {
	case !p.demoLogin() && len(ways) > 0:
		page.Lead = a.T("public.login_ways_lead")
		return a.Page(w, http.StatusOK, page, waysBody(a, ways))
	case !p.demoLogin():
		return a.Page(w, http.StatusOK, page, noLoginBody(a, p.Login))
	}
	var groups []parts
	err := p.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		groups, err = p.parts(ctx, tx, a)
		return err
	})
	if err != nil {
		return err
	}
	page.Lead = a.T("public.login_demo_lead")
	return a.Page(w, http.StatusOK, page, loginBody(a, ways, groups, next))
}

// A way is a connection to sign in by, with its address.
type way struct{ Title, Lead, Href string }

// ways lists the providers: applicants' first, then those of officers.
func (p *room) ways(a *site.Ask, next string) (all []way) {
	for _, customers := range []bool{true, false} {
		for _, c := range p.Connections {
			if c.Customers == customers {
				all = append(all, way{c.Title.In(a.Lang), c.Lead.In(a.Lang), "/login/" + url.PathEscape(c.Name) + "?next=" + url.QueryEscape(next)})
			}
		}
	}
	return all
}

// demoLogin tells whether the demo identities may be used: never outside the
// demo, which listens on loopback only.
func (p *room) demoLogin() bool { return p.Demo && p.Login }

func (p *room) parts(ctx context.Context, tx *db.Tx, a *site.Ask) ([]parts, error) {
	people, err := identity.DemoPeople(ctx, tx)
	if err != nil {
		return nil, err
	}
	byRole := map[identity.Role][]part{}
	for _, person := range people {
		hats, err := hatsOf(ctx, tx, p.Now(), person.ID)
		if err != nil {
			return nil, err
		}
		pt := part{Person: person, Story: story(a.Lang, person.Demo)}
		for _, h := range hats {
			pt.Hats = append(pt.Hats, hat{hatValue(h), p.hatLabel(a, h)})
		}
		byRole[hats[0].Role] = append(byRole[hats[0].Role], pt)
	}
	var groups []parts
	for _, role := range roleOrder {
		if len(byRole[role]) > 0 {
			groups = append(groups, parts{a.T("public.login_" + string(role)), byRole[role]})
		}
	}
	return groups, nil
}

// hatsOf lists the hats a person may sign in with; who was granted none is an
// applicant.
func hatsOf(ctx context.Context, tx *db.Tx, now time.Time, person string) ([]identity.Hat, error) {
	hats, err := identity.Hats(ctx, tx, now, person)
	if err == nil && len(hats) == 0 {
		hats = []identity.Hat{{Role: identity.RoleCustomer}}
	}
	return hats, err
}

func hatValue(h identity.Hat) string { return string(h.Role) + "/" + h.Authority }

func (p *room) hatLabel(a *site.Ask, h identity.Hat) string {
	role := a.T("site.role_" + string(h.Role))
	if au := p.Catalogue.Authority(h.Authority); au != nil {
		return role + ", " + au.Name.In(a.Lang)
	}
	return role
}

// story is who a demo identity is, in a line.
func story(l i18n.Lang, demo string) string {
	if key := "public.demo_" + demo; i18n.Has(key) {
		return i18n.T(l, key)
	}
	return i18n.T(l, "public.demo_other")
}

// signIn begins a session as a demo identity.
func (p *room) signIn(w http.ResponseWriter, a *site.Ask) error {
	if !p.demoLogin() {
		return errNotFound
	}
	v, err := a.Form()
	if err != nil {
		return err
	}
	var person identity.Person
	var hats []identity.Hat
	err = p.read(a, func(ctx context.Context, tx *db.Tx) error {
		if person, err = identity.FindPerson(ctx, tx, v.Get("person")); err != nil {
			return err
		}
		hats, err = hatsOf(ctx, tx, p.Now(), person.ID)
		return err
	})
	if err != nil {
		return err
	}
	i := 0
	if want := v.Get("hat"); want != "" {
		i = slices.IndexFunc(hats, func(h identity.Hat) bool { return hatValue(h) == want })
	}
	if person.Demo == "" || i < 0 {
		return fail.New(fail.NotFound, "error.not_found")
	}
	if err := p.Sessions.SignIn(a.Context(), identity.Visit{Person: person, Hat: hats[i]}); err != nil {
		return err
	}
	return a.See(w, site.Landing(hats[i].Role, site.Local(v.Get("next"))))
}
