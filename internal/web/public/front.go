package public

import (
	"net/http"

	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// front tells what the service is and where to begin.
func (p *room) front(w http.ResponseWriter, a *site.Ask) error {
	page := ui.Page{Title: a.T("public.front_title"), Lead: a.T("public.front_lead"), Wide: true}
	return a.Page(w, http.StatusOK, page, frontBody(a, p.Catalogue.Entities, site.Home(a.Hat.Role)))
}

func (p *room) about(w http.ResponseWriter, a *site.Ask) error {
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("public.about_title"), Lead: a.T("public.about_lead")}, aboutBody(a))
}

func (p *room) accessibility(w http.ResponseWriter, a *site.Ask) error {
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("public.accessibility_title"), Lead: a.T("public.accessibility_lead")}, accessibilityBody(a))
}

func (p *room) feedback(w http.ResponseWriter, a *site.Ask) error {
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("public.feedback_title"), Lead: a.T("public.feedback_lead")}, feedbackBody(a))
}
