package account

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

const authoritiesPath = "/service/authorities"

func authorityPath(id string) string { return authoritiesPath + "/" + url.PathEscape(id) }

// authorityRow is an authority with how many lead it and ask it for a role.
type authorityRow struct{ Name, Href, Leads, Asked string }

// serviceAuthorities lists, for service management, the authorities that have a
// lead or are asked for a role, and leads to any other.
func (r *room) serviceAuthorities(w http.ResponseWriter, a *site.Ask, _ identity.Service) error {
	if id := a.URL.Query().Get("authority"); r.Catalogue.Authority(id) != nil {
		return a.See(w, authorityPath(id))
	}
	var counts []identity.LeadCount
	err := r.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		counts, err = identity.LeadCounts(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	var rows []authorityRow
	for _, c := range counts {
		rows = append(rows, authorityRow{r.authorityName(a, c.Authority), authorityPath(c.Authority), i18n.Number(a.Lang, c.Leads), i18n.Number(a.Lang, c.Asked)})
	}
	slices.SortFunc(rows, func(x, y authorityRow) int { return cmp.Compare(x.Name, y.Name) })
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("service.nav_authorities"), Lead: a.T("service.authorities_lead"), Path: authoritiesPath}, authoritiesBody(a, rows, r.everyAuthority(a)))
}

func (r *room) everyAuthority(a *site.Ask) (all []ui.Option) {
	for _, au := range r.Catalogue.Authorities {
		all = append(all, ui.Option{Value: au.ID, Label: au.Name.In(a.Lang)})
	}
	slices.SortFunc(all, func(x, y ui.Option) int { return cmp.Compare(x.Label, y.Label) })
	return all
}

// authorityPage is an authority as service management sees it: who leads it, who
// could, and its machines without what they show who they are by.
type authorityPage struct {
	Path     string
	Leads    []personRow
	Asked    []personRow
	Others   []personRow // have another role
	Machines []machineRow
	Problem  string
}

func (r *room) serviceAuthority(w http.ResponseWriter, a *site.Ask, who identity.Service) error {
	return r.showAuthority(w, a, who, http.StatusOK, "")
}

func (r *room) showAuthority(w http.ResponseWriter, a *site.Ask, who identity.Service, status int, problem string) error {
	au := r.Catalogue.Authority(a.PathValue("authority"))
	if au == nil {
		return errNotFound
	}
	page := authorityPage{Path: authorityPath(au.ID), Problem: problem}
	people, asked, err := r.couldLead(a, au.ID)
	if err != nil {
		return err
	}
	for _, g := range people {
		switch row := r.personRow(a, g); {
		case g.Hat.Role == identity.RoleLead:
			page.Leads = append(page.Leads, row)
		case !leads(people, g.Person.ID) && !slices.ContainsFunc(page.Others, func(x personRow) bool { return x.ID == row.ID }):
			page.Others = append(page.Others, row)
		}
	}
	for _, g := range asked {
		page.Asked = append(page.Asked, r.personRow(a, g))
	}
	if r.Machines != nil {
		all, err := r.Machines.List(a.Context(), machine.Service(who), au.ID)
		if err != nil {
			return err
		}
		for _, m := range all {
			page.Machines = append(page.Machines, r.machineRow(a, m))
		}
	}
	return a.Page(w, status, ui.Page{
		Title: au.Name.In(a.Lang), Lead: a.T("service.authority_lead"), Wide: true, Path: page.Path, Problems: problem != "",
		Back: &ui.Link{Label: a.T("service.nav_authorities"), Href: authoritiesPath},
	}, authorityBody(a, page))
}

func leads(people []identity.Grantee, person string) bool {
	return slices.ContainsFunc(people, func(g identity.Grantee) bool { return g.Person.ID == person && g.Hat.Role == identity.RoleLead })
}

// couldLead lists who has a role of an authority and who asks for one.
func (r *room) couldLead(a *site.Ask, authority string) (people, asked []identity.Grantee, err error) {
	err = r.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		if people, err = identity.People(ctx, tx, authority); err != nil {
			return err
		}
		asked, err = identity.Asked(ctx, tx, authority)
		return err
	})
	return people, asked, err
}

// giveLead makes a lead of somebody who has a role of the authority or asks for one.
func (r *room) giveLead(w http.ResponseWriter, a *site.Ask, who identity.Service) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	authority, person := a.PathValue("authority"), a.PathValue("person")
	people, asked, err := r.couldLead(a, authority)
	if err != nil {
		return err
	}
	if r.Catalogue.Authority(authority) == nil || !slices.ContainsFunc(slices.Concat(people, asked), func(g identity.Grantee) bool { return g.Person.ID == person }) {
		return errNotFound
	}
	err = r.Roles.Give(a.Context(), who, person, identity.Hat{Role: identity.RoleLead, Authority: authority}, time.Time{})
	return r.toldService(w, a, who, err, "roles.given")
}

// withdrawLead takes a lead's role away; its sessions end at once.
func (r *room) withdrawLead(w http.ResponseWriter, a *site.Ask, who identity.Service) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	err := r.Roles.Withdraw(a.Context(), who, a.PathValue("person"), identity.RoleLead, a.PathValue("authority"), "")
	return r.toldService(w, a, who, err, "roles.withdrawn")
}

func (r *room) toldService(w http.ResponseWriter, a *site.Ask, who identity.Service, err error, said string) error {
	if e, ok := asRejected(err); ok {
		return r.showAuthority(w, a, who, http.StatusUnprocessableEntity, a.T(e.Key))
	}
	if err != nil {
		return err
	}
	return a.Say(w, authorityPath(a.PathValue("authority")), said)
}
