package public

import (
	"net/http"
	"strings"

	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// support asks for the number of a matter. It is posted and stands in no address:
// people type there what they are told.
func (p *room) support(w http.ResponseWriter, a *site.Ask, _ identity.Support) error {
	return p.showSupport(w, a, http.StatusOK, supportPage{})
}

// supportPage is what support sees of a matter, or the question which.
type supportPage struct {
	Number, Problem string
	Trace           *matter.Trace
}

func (p *room) showSupport(w http.ResponseWriter, a *site.Ask, status int, s supportPage) error {
	page := ui.Page{Title: a.T("support.title"), Lead: a.T("support.lead"), Wide: true, Path: "/service/support", Problems: s.Problem != ""}
	return a.Page(w, status, page, supportBody(a, p, s))
}

// trace shows the trace of the matter with the number, and notes who looked.
func (p *room) trace(w http.ResponseWriter, a *site.Ask, who identity.Support) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	number := strings.TrimSpace(form.Get("number"))
	t, err := p.Desk.Trace(a.Context(), who, number)
	if fail.Is(err, fail.NotFound) {
		return p.showSupport(w, a, http.StatusUnprocessableEntity, supportPage{Number: number, Problem: a.T("support.none")})
	}
	if err != nil {
		return err
	}
	return p.showSupport(w, a, http.StatusOK, supportPage{Number: t.Number, Trace: t})
}

// deedName says a deed in words; one without words by its stored name.
func deedName(a *site.Ask, deed string) string {
	if key := "deed." + deed; i18n.Has(key) {
		return a.T(key)
	}
	return deed
}

func traceColumns(a *site.Ask) []ui.Column {
	return columns(a.T("support.n"), a.T("support.when"), a.T("support.deed"), a.T("support.side"))
}

func noticeColumns(a *site.Ask) []ui.Column {
	return columns(a.T("support.n"), a.T("support.audience"), a.T("support.created"), a.T("support.handed"), a.T("support.opened"))
}

func traceJobColumns(a *site.Ask) []ui.Column {
	all := columns(a.T("public.job"), a.T("public.job_state"), a.T("public.job_attempts"), a.T("public.job_created"), a.T("public.job_next"))
	all[2].Number = true
	return all
}
