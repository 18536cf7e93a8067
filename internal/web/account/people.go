package account

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// peoplePage is who may do what for an authority, as its lead sees.
type peoplePage struct {
	Former []personRow // had a role lately
	Asked  []personRow
	People []personRow
	Ways   []wayRow
	Shut   bool // some ways are set: those that are not are closed
}

type personRow struct {
	ID, Name, Role, Types, Since, Until, LastSeen, LastWay string

	ByMandate bool   // the role is not the lead's to withdraw
	Mandate   string // when the mandate was last confirmed, and what follows; "" where the role rests on none
	Ended     string // of a former role: when and why it ended
}

type wayRow struct {
	Name, Title, State string
	Open               bool
	Users              []string // who still came in by it last
}

// formerFor is for how long somebody without a role is still listed.
const formerFor = 180 * 24 * time.Hour

func (r *room) people(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	return r.showPeople(w, a, who, http.StatusOK, "")
}

func (r *room) showPeople(w http.ResponseWriter, a *site.Ask, who identity.Lead, status int, problem string) error {
	var people, asked, former []identity.Grantee
	var ways []identity.Way
	err := r.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		if people, err = identity.People(ctx, tx, who.Authority); err != nil {
			return err
		}
		if asked, err = identity.Asked(ctx, tx, who.Authority); err != nil {
			return err
		}
		if former, err = identity.Former(ctx, tx, who.Authority, r.Now().Add(-formerFor)); err != nil {
			return err
		}
		ways, err = identity.Ways(ctx, tx, who.Authority)
		return err
	})
	if err != nil {
		return err
	}
	page := peoplePage{Ways: r.wayRows(a, ways, people), Shut: len(ways) > 0}
	for _, g := range asked {
		page.Asked = append(page.Asked, r.personRow(a, g))
	}
	for _, g := range people {
		page.People = append(page.People, r.personRow(a, g))
	}
	for _, g := range former {
		page.Former = append(page.Former, r.personRow(a, g))
	}
	return a.Page(w, status, ui.Page{
		Title: a.T("roles.people_title"), Lead: r.authorityName(a, who.Authority), Wide: true, Path: "/lead/people", Problems: problem != "",
		Back: &ui.Link{Label: a.T("site.nav_offers"), Href: "/lead"},
	}, peopleBody(a, page, problem))
}

func (r *room) authorityName(a *site.Ask, id string) string {
	if au := r.Catalogue.Authority(id); au != nil {
		return au.Name.In(a.Lang)
	}
	return id
}

func (r *room) personRow(a *site.Ask, g identity.Grantee) personRow {
	row := personRow{ID: g.Person.ID, Name: g.Person.Name, Since: i18n.Date(a.Lang, g.Since), Types: a.T("roles.all_matters")}
	if g.Hat.Role != "" {
		row.Role = a.T("site.role_" + string(g.Hat.Role))
	}
	if g.Hat.Types != nil {
		row.Types = ""
		for _, t := range g.Hat.Types {
			if row.Types != "" {
				row.Types += ", "
			}
			row.Types += r.typeName(a, t)
		}
	}
	if !g.Until.IsZero() {
		row.Until = i18n.Date(a.Lang, g.Until)
	}
	if !g.LastSeen.IsZero() {
		row.LastSeen = i18n.Date(a.Lang, g.LastSeen)
	}
	if g.LastWay != "" {
		row.LastWay = r.wayName(a.Lang, g.LastWay)
	}
	row.ByMandate, row.Mandate = g.ByMandate, r.mandateOf(a, g)
	if key := "roles.ended_" + strings.ReplaceAll(g.EndedBy, ".", "_"); g.EndedBy != "" && i18n.Has(key) {
		row.Ended = a.T(key, i18n.Date(a.Lang, g.Ended))
	}
	return row
}

// soonHanded is how many days before somebody else goes on with the work of an
// officer who stays away the lead is told so.
const soonHanded = 14

// mandateOf says when an officer's mandate was last confirmed, and what becomes,
// or became, of the open work because that is long ago.
func (r *room) mandateOf(a *site.Ask, g identity.Grantee) string {
	if g.Confirmed.IsZero() {
		return ""
	}
	confirmed, due := i18n.Date(a.Lang, g.Confirmed), g.Confirmed.Add(r.ConfirmWithin())
	switch {
	case !g.Handed.IsZero():
		return a.T("roles.mandate_handed", confirmed, i18n.Date(a.Lang, g.Handed))
	case r.Now().AddDate(0, 0, soonHanded).After(due):
		return a.T("roles.mandate_soon", confirmed, i18n.Date(a.Lang, due))
	}
	return confirmed
}

func (r *room) typeName(a *site.Ask, id string) string {
	if t := r.Catalogue.Type(id); t != nil {
		return t.Name.In(a.Lang)
	}
	return id
}

// wayRows lists the ways in, which of them are open and who still uses each.
func (r *room) wayRows(a *site.Ask, ways []identity.Way, people []identity.Grantee) (rows []wayRow) {
	now := r.Now()
	for _, c := range r.Connections {
		if !c.Officers {
			continue
		}
		row := wayRow{Name: c.Name, Title: c.Title.In(a.Lang), Open: len(ways) == 0, State: a.T("roles.way_open")}
		if len(ways) > 0 {
			row.State = a.T("roles.way_closed")
		}
		if i := slices.IndexFunc(ways, func(x identity.Way) bool { return x.Connection == c.Name }); i >= 0 {
			switch until := ways[i].Until; {
			case until.IsZero():
				row.Open, row.State = true, a.T("roles.way_open")
			case now.Before(until):
				row.Open, row.State = true, a.T("roles.way_until", i18n.Date(a.Lang, until.Add(-time.Second)))
			}
		}
		for _, g := range people {
			if g.LastWay == c.Name && !slices.Contains(row.Users, g.Person.Name) {
				row.Users = append(row.Users, g.Person.Name)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// personPage is one person's roles, and what the lead can do about them.
type personPage struct {
	Person    identity.Person
	Rows      []personRow
	Asked     bool
	Roles     []identity.Role // what the person has
	Types     []ui.Option
	Before    []string // the matter types of the role that has ended
	Successor string
	Others    []ui.Option // who may take over
	Ended     string      // of a former role: when and why
	Problem   string
	Field     string
}

func (r *room) person(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	return r.showPerson(w, a, who, http.StatusOK, "", "")
}

func (r *room) showPerson(w http.ResponseWriter, a *site.Ask, who identity.Lead, status int, problem, field string) error {
	id := a.PathValue("person")
	page := personPage{Problem: problem, Field: field, Others: []ui.Option{{Value: identity.Inbox, Label: a.T("roles.nobody")}}}
	err := r.read(a, func(ctx context.Context, tx *db.Tx) error {
		people, err := identity.People(ctx, tx, who.Authority)
		if err != nil {
			return err
		}
		asked, err := identity.Asked(ctx, tx, who.Authority)
		if err != nil {
			return err
		}
		known := false
		for _, g := range people {
			if g.Person.ID == id {
				known, page.Person, page.Successor = true, g.Person, g.Successor
				page.Rows, page.Roles = append(page.Rows, r.personRow(a, g)), append(page.Roles, g.Hat.Role)
			} else if g.Hat.Role == identity.RoleOfficer {
				page.Others = append(page.Others, ui.Option{Value: g.Person.ID, Label: g.Person.Name})
			}
		}
		for _, g := range asked {
			if g.Person.ID == id {
				known, page.Person, page.Asked = true, g.Person, true
			}
		}
		former, err := identity.Former(ctx, tx, who.Authority, r.Now().Add(-formerFor))
		if err != nil {
			return err
		}
		for _, g := range former {
			if g.Person.ID == id {
				known, page.Person, page.Before = true, g.Person, g.Hat.Types
				page.Ended = r.personRow(a, g).Ended
			}
		}
		if !known {
			return errNotFound
		}
		page.Types, err = r.offeredTypes(ctx, tx, a, who.Authority)
		return err
	})
	if err != nil {
		return err
	}
	return a.Page(w, status, ui.Page{
		Title: page.Person.Name, Lead: r.authorityName(a, who.Authority), Problems: problem != "", Path: "/lead/people/" + url.PathEscape(id),
		Back: &ui.Link{Label: a.T("roles.people_title"), Href: "/lead/people"},
	}, personBody(a, page))
}

// told shows the page again with what a deed refused, or goes on.
func (r *room) told(w http.ResponseWriter, a *site.Ask, who identity.Lead, err error, to, said string) error {
	if e, ok := asRejected(err); ok {
		return r.showPerson(w, a, who, http.StatusUnprocessableEntity, a.T(e.Key), e.Field)
	}
	if err != nil {
		return err
	}
	return a.Say(w, to, said)
}

func (r *room) give(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	h := identity.Hat{Role: identity.Role(site.Chosen(form, "role")), Authority: who.Authority}
	for _, t := range form["type"] {
		if t != "" {
			h.Types = append(h.Types, t)
		}
	}
	until, err := day(form.Get("until"))
	if err == nil {
		err = r.knownTypes(a, who, h.Types)
	}
	if err == nil {
		err = r.mayGive(a, who, a.PathValue("person"))
	}
	if err == nil {
		err = r.Roles.Give(a.Context(), who, a.PathValue("person"), h, until)
	}
	return r.told(w, a, who, err, "/lead/people", "roles.given")
}

// mayGive refuses people who neither have a role of the authority, nor had one
// lately, nor asked for one: a lead does not choose among strangers.
func (r *room) mayGive(a *site.Ask, who identity.Lead, person string) error {
	return r.read(a, func(ctx context.Context, tx *db.Tx) error {
		people, err := identity.People(ctx, tx, who.Authority)
		if err != nil {
			return err
		}
		asked, err := identity.Asked(ctx, tx, who.Authority)
		if err != nil {
			return err
		}
		former, err := identity.Former(ctx, tx, who.Authority, r.Now().Add(-formerFor))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(slices.Concat(people, asked, former), func(g identity.Grantee) bool { return g.Person.ID == person }) {
			return errNotFound
		}
		return nil
	})
}

func (r *room) deny(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	if err := r.mayGive(a, who, a.PathValue("person")); err != nil {
		return err
	}
	return r.told(w, a, who, r.Roles.Deny(a.Context(), who, a.PathValue("person"), who.Authority), "/lead/people", "roles.denied")
}

func (r *room) withdraw(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	role, said := identity.Role(form.Get("role")), "roles.withdrawn"
	switch successor := form.Get("successor"); {
	case role != identity.RoleOfficer:
	case successor == "": // nobody's work is moved by a slip
		return r.showPerson(w, a, who, http.StatusUnprocessableEntity, a.T("roles.choose_who_goes_on"), "withdraw")
	case successor == identity.Inbox:
		said = "roles.withdrawn_inbox"
	default:
		said = "roles.withdrawn_successor"
	}
	err = r.Roles.Withdraw(a.Context(), who, a.PathValue("person"), role, who.Authority, form.Get("successor"))
	return r.told(w, a, who, err, "/lead/people", said)
}

func (r *room) successor(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	if err := r.mayGive(a, who, a.PathValue("person")); err != nil {
		return err
	}
	err = r.Roles.Name(a.Context(), who, a.PathValue("person"), who.Authority, form.Get("successor"))
	return r.told(w, a, who, err, "/lead/people/"+url.PathEscape(a.PathValue("person")), "roles.successor_named")
}

// ways opens a way in, for good or until a date, or closes it.
func (r *room) ways(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	c := r.connectionNamed(form.Get("way"))
	if c == nil || !c.Officers {
		return errNotFound
	}
	until, err := day(form.Get("until"))
	if err == nil {
		err = r.Roles.SetWay(a.Context(), who, who.Authority, c.Name, until, form.Get("deed") == "close")
	}
	if e, ok := asRejected(err); ok {
		return r.showPeople(w, a, who, http.StatusUnprocessableEntity, a.T(e.Key))
	}
	if err != nil {
		return err
	}
	return a.Say(w, "/lead/people", "roles.way_set")
}

// day reads a date as the end of that day in Finland; none is the zero time.
func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, ok := i18n.ParseDay(s)
	if !ok {
		return time.Time{}, fail.New(fail.Rejected, "roles.bad_day").In("until")
	}
	return t.AddDate(0, 0, 1), nil
}

// offeredTypes lists what the authority offers: a role may be for some of it.
func (r *room) offeredTypes(ctx context.Context, tx *db.Tx, a *site.Ask, authority string) ([]ui.Option, error) {
	offers, err := catalogue.OffersOf(ctx, tx, authority)
	if err != nil {
		return nil, err
	}
	var all []ui.Option
	for _, o := range offers {
		all = append(all, ui.Option{Value: o.Type, Label: r.typeName(a, o.Type)})
	}
	return all, nil
}

func (r *room) knownTypes(a *site.Ask, who identity.Lead, types []string) error {
	return r.read(a, func(ctx context.Context, tx *db.Tx) error {
		offered, err := r.offeredTypes(ctx, tx, a, who.Authority)
		if err != nil {
			return err
		}
		for _, t := range types {
			if !slices.ContainsFunc(offered, func(o ui.Option) bool { return o.Value == t }) {
				return fail.New(fail.Invalid, "error.malformed").In("type")
			}
		}
		return nil
	})
}

// asRejected returns an error that belongs to a field of the page.
func asRejected(err error) (*fail.Error, bool) {
	e, ok := errors.AsType[*fail.Error](err)
	return e, ok && e.Kind == fail.Rejected
}
