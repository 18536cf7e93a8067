// Package customer holds the applicant's pages: projects, forms, sending,
// following, completing and messages.
//
// A handler reads the request, calls one verb of matter.Desk and answers. What
// a page shows is a struct made beside its handler, in words of the reader's
// language; the templates only draw it. Every page works without scripts.
package customer

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/dossier"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// room holds what the handlers stand on.
type room struct {
	*site.Site
	dossiers *dossier.Maker
}

// Routes lists the applicant's pages and deeds.
func Routes(s *site.Site, dossiers *dossier.Maker) []site.Route {
	r := room{s, dossiers}
	return []site.Route{
		site.ForCustomer("GET /projects", r.projects),
		site.ForCustomer("GET /projects/new", r.newProject),
		site.ForCustomer("POST /projects/new", r.startProject),
		site.ForCustomer("GET /projects/{id}", r.project),
		site.ForCustomer("GET /projects/{id}/matters", r.chooseMatters),
		site.ForCustomer("POST /projects/{id}/matters", r.addMatters),
		site.ForCustomer("GET /projects/{id}/common", r.showCommon),
		site.ForCustomer("POST /projects/{id}/common", r.postCommon).WithBody(-1),
		site.ForCustomer("GET /projects/{id}/send", r.sendPage),
		site.ForCustomer("POST /projects/{id}/send", r.send),
		site.ForCustomer("GET /projects/{id}/members", r.members),
		site.ForCustomer("GET /projects/{id}/readings", r.readings),
		site.ForCustomer("POST /projects/{id}/members/invite", r.invite),
		site.ForCustomer("POST /projects/{id}/members/{person}/role", r.setRole),
		site.ForCustomer("POST /projects/{id}/members/{person}/remove", r.removeMember),
		site.ForCustomer("POST /projects/{id}/members/invitations/{invitation}/revoke", r.revoke),
		site.ForCustomer("GET /invitations/{secret}", r.invitation),
		site.ForCustomer("POST /invitations/{secret}", r.accept),

		site.ForCustomer("GET /matters/{id}", r.matter),
		site.ForCustomer("GET /matters/{id}/form", r.showForm),
		site.ForCustomer("POST /matters/{id}/form", r.postForm).WithBody(-1),
		site.ForCustomer("POST /matters/{id}/consent", r.consent),
		site.ForCustomer("GET /matters/{id}/withdraw", r.confirmWithdraw),
		site.ForCustomer("POST /matters/{id}/withdraw", r.withdraw),
		site.ForCustomer("GET /matters/{id}/remove", r.confirmRemove),
		site.ForCustomer("POST /matters/{id}/remove", r.removeDraft),
		site.ForCustomer("POST /matters/{id}/messages", r.write).WithBody(-1),
		site.ForCustomer("GET /matters/{id}/complete", r.confirmComplete),
		site.ForCustomer("POST /matters/{id}/complete", r.complete),
		site.ForCustomer("POST /matters/{id}/new-form", r.takeNewForm),
		site.ForCustomer("POST /matters/{id}/share", r.share),
		site.ForCustomer("POST /matters/{id}/end-sharing", r.endSharing),
		site.ForCustomer("GET /matters/{id}/receipts/{n}", r.receipt),

		site.ForCustomer("POST /projects/{id}/uploads", r.beginCommonUpload),
		site.ForCustomer("POST /matters/{id}/uploads", r.beginUpload),
		site.ForCustomer("HEAD /uploads/{id}", r.uploadOffset),
		site.ForCustomer("PATCH /uploads/{id}", r.appendUpload).WithBody(-1),
		site.ForCustomer("DELETE /uploads/{id}", r.cancelUpload),
		site.ForCustomer("GET /files/{id}", r.file),
	}
}

// say gives a page's data the reader's words.
type say struct{ Lang i18n.Lang }

// T returns words in the reader's language.
func (s say) T(key string, args ...any) string { return i18n.T(s.Lang, key, args...) }

func projectPath(id string) string { return "/projects/" + id }
func matterPath(id string) string  { return "/matters/" + id }

func (r room) typeName(l i18n.Lang, id string) string { return r.Catalogue.TypeName(l, id) }

func (r room) authorityName(l i18n.Lang, id string) string { return r.Catalogue.AuthorityName(l, id) }

func (r room) municipalityName(l i18n.Lang, code string) string {
	return r.Catalogue.MunicipalityName(l, code)
}

// statusWords tells where a matter stands, as the applicant reads it.
func (r room) statusWords(l i18n.Lang, o *catalogue.Offer, kind string, s matter.Status, outcome string) string {
	return r.Catalogue.StateWords(o, kind, string(s), outcome).Customer.In(l)
}

// negative are the outcomes that gave the applicant nothing to build on.
var negative = []string{"rejected", "not_accepted", "refused", "returned"}

// tone is the status by which a tag is coloured: an ended matter without a yes
// is not green.
func tone(s matter.Status, outcome string) string {
	if s == matter.Finished && slices.Contains(negative, outcome) {
		return string(matter.Dismissed)
	}
	return string(s)
}

// soon is how near a date must be to be told apart.
const soon = 7 * 24 * time.Hour

func urgency(due, now time.Time) ui.Urgency {
	switch {
	case due.IsZero():
		return ui.InTime
	case due.Before(now):
		return ui.Late
	case due.Sub(now) < soon:
		return ui.Soon
	}
	return ui.InTime
}

// left tells how many days are left until a date, in words.
func (s say) left(due, now time.Time) string {
	days := i18n.DaysBetween(now, due)
	switch {
	case due.Before(now):
		return s.T("customer.days_late")
	case days == 0:
		return s.T("customer.days_today")
	}
	return site.DaysLeft(s.Lang, days)
}

// offers returns what is offered in a municipality for an entity, by type.
func (r room) offers(a *site.Ask, municipality, entity string) (here map[string]*catalogue.Offer, err error) {
	err = r.view(a, func(tx tx) error {
		here, err = catalogue.OffersIn(a.Context(), tx, municipality, entity)
		return err
	})
	return here, err
}

// names tells what stored values are called, files with their sizes.
func (r room) names(files []attach.Attachment, rows []matter.Row) forms.Names {
	return r.Names(func(l i18n.Lang, id string) string {
		for _, f := range files {
			if f.ID == id {
				return f.Name + " (" + i18n.Size(l, f.Size) + ")"
			}
		}
		return ""
	}, rows)
}

func (s say) uiFile(f attach.Attachment) ui.File { return site.File(s.Lang, f, "/files/"+f.ID) }

// municipalities lists the municipalities of the service to choose from.
func (r room) municipalities(l i18n.Lang) []ui.Option {
	var all []ui.Option
	for _, m := range r.Catalogue.Municipalities {
		if !m.Aland {
			all = append(all, ui.Option{Value: m.Code, Label: m.Name.In(l)})
		}
	}
	slices.SortFunc(all, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	return all
}

// told returns an error's words if it is one that the form can show, and the
// field it is about.
func told(l i18n.Lang, err error) (text, field string, ok bool) {
	e, ok := errors.AsType[*fail.Error](err)
	if !ok || e.Kind != fail.Rejected {
		return "", "", false
	}
	return i18n.T(l, e.Key, e.Args...), e.Field, true
}

// words returns an error's words and status, or ok false for an internal one.
func words(l i18n.Lang, err error) (text string, status int, ok bool) {
	e, ok := errors.AsType[*fail.Error](err)
	if !ok {
		return "", http.StatusInternalServerError, false
	}
	return i18n.T(l, e.Key, e.Args...), site.Status(err), true
}

// steps is the way from the common data to the authority.
func (s say) steps(project string, current int) []ui.Step {
	steps := []ui.Step{
		{Label: s.T("customer.step_common"), Href: projectPath(project) + "/common"},
		{Label: s.T("customer.step_matters"), Href: projectPath(project)},
		{Label: s.T("customer.step_send"), Href: projectPath(project) + "/send"},
	}
	steps[current].State = ui.Current
	return steps
}

// asker is who comes to an applicant's page.
type asker = identity.Customer

var errMayNot = fail.New(fail.Forbidden, "project.role_may_not")

func isIncomplete(err error) bool {
	_, ok := errors.AsType[*matter.Incomplete](err)
	return ok
}
