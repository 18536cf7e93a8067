package customer

import (
	"net/http"
	"strconv"

	"luvat/internal/fail"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// complete is what the sender of a completion saw.
type complete struct {
	Version, Common string
	Unchanged       bool // nothing was changed since the last sending
}

func completing(v *matter.View) *complete {
	return &complete{strconv.FormatInt(v.Version, 10), strconv.FormatInt(v.Project.Version, 10), v.Unchanged}
}

// completePage asks whether a completion is meant to go without changes.
type completePage struct {
	say
	Path           string
	Asked          *asked
	Complete       *complete
	Unchanged, Why ui.Control
	Problem, Field string
}

// confirmComplete is for a completion in which nothing was changed: any other
// is sent from the matter's own page.
func (r room) confirmComplete(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := r.Desk.Matter(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	if !v.Project.Role.MaySend() {
		return errMayNot
	}
	if !v.Unchanged || len(v.Lacks) > 0 {
		return a.See(w, matterPath(v.ID))
	}
	if needed, err := r.ProveAnew(w, a, matterPath(v.ID)+"/complete"); needed { // before anything is written that the way there would lose
		return err
	}
	return r.drawComplete(w, a, v, http.StatusOK, matter.Completion{}, "", "")
}

func (r room) drawComplete(w http.ResponseWriter, a *site.Ask, v *matter.View, status int, c matter.Completion, problem, field string) error {
	s := say{a.Lang}
	page := completePage{
		say: s, Path: matterPath(v.ID), Asked: r.asked(s, v), Complete: completing(v), Problem: problem, Field: field,
		Unchanged: ui.Control{Lang: a.Lang, Name: "unchanged", Label: s.T("customer.unchanged_tick")},
		Why:       ui.Control{Lang: a.Lang, Name: "why", Label: s.T("customer.unchanged_why"), Help: s.T("customer.unchanged_why_help"), Optional: true, Value: c.Why, Rows: 4, Max: matter.MaxText},
	}
	if c.Unchanged {
		page.Unchanged.Value = "true"
	}
	for _, question := range []*ui.Control{&page.Unchanged, &page.Why} {
		if question.Name == field {
			question.Problem = problem
		}
	}
	return a.Page(w, status, ui.Page{
		Title: s.T("customer.unchanged_title"), Lead: r.typeName(a.Lang, v.Type) + " · " + r.authorityName(a.Lang, v.Authority),
		Back: &ui.Link{Label: r.typeName(a.Lang, v.Type), Href: page.Path}, Path: page.Path + "/complete", FormID: "complete", Problems: problem != "",
	}, completeBody(page))
}

// complete sends the completion that the authority asked for.
func (r room) complete(w http.ResponseWriter, a *site.Ask, who asker) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	c := matter.Completion{Looked: matter.Looked{Matter: a.PathValue("id")}, Unchanged: site.Chosen(form, "unchanged") == "true", Why: form.Get("why")}
	if c.Version, err = site.Number(form, "_version"); err != nil {
		return err
	}
	if c.Common, err = site.Number(form, "_common"); err != nil {
		return err
	}
	if a.NewLanguage(w, form) {
		return r.completeAgain(w, a, who, http.StatusOK, c, "", "unchanged")
	}
	if needed, err := r.ProveAnew(w, a, matterPath(c.Matter)+"/complete"); needed {
		return err
	}
	s, err := r.Desk.Complete(a.Context(), who, c)
	if isIncomplete(err) {
		return r.completeAgain(w, a, who, http.StatusUnprocessableEntity, c, "", "")
	}
	if text, field, ok := told(a.Lang, err); ok {
		return r.completeAgain(w, a, who, http.StatusUnprocessableEntity, c, text, field)
	}
	if fail.Is(err, fail.Conflict) {
		text, _, _ := words(a.Lang, err)
		return r.completeAgain(w, a, who, http.StatusConflict, c, text, "")
	}
	if err != nil {
		return err
	}
	return a.Say(w, matterPath(s.Matter)+"/receipts/"+strconv.FormatInt(s.N, 10), "customer.completion_sent")
}

// completeAgain shows why a completion was not sent: at the field it is about,
// or on the matter's page, where what was written stays as a message to send.
func (r room) completeAgain(w http.ResponseWriter, a *site.Ask, who asker, status int, c matter.Completion, problem, field string) error {
	if field == "" {
		return r.drawMatter(w, a, who, status, func(page *matterPage) {
			page.Problem = problem
			if page.Write != nil {
				page.Write.Text.Value = c.Why
			}
		})
	}
	v, err := r.Desk.Matter(a.Context(), who, c.Matter)
	if err != nil {
		return err
	}
	return r.drawComplete(w, a, v, status, c, problem, field)
}
