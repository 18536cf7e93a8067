package public

import (
	"strings"

	"luvat/internal/catalogue"
	"luvat/internal/web/site"
)

// A place is a municipality as it was typed, and what is to be said of it.
type place struct {
	Municipality *catalogue.Municipality // nil where the problem says why
	Problem      string
	Near         []catalogue.Near // what may have been meant
}

// readPlace finds the municipality that was typed. What is near to none is
// answered with the nearest; Åland is outside the service.
func (p *room) readPlace(a *site.Ask, typed string) place {
	m := p.Catalogue.MunicipalityNamed(typed)
	switch {
	case strings.TrimSpace(typed) == "":
		return place{Problem: a.T("public.municipality_needed")}
	case catalogue.IsAland(typed):
		return place{Problem: a.T("public.aland")}
	case m == nil:
		if near := p.Catalogue.MunicipalitiesNear(typed); len(near) > 0 {
			return place{Problem: a.T("ui.municipality_near"), Near: near}
		}
		return place{Problem: a.T("public.municipality_unknown")}
	case m.Aland:
		return place{Problem: a.T("public.municipality_aland", m.Name.In(a.Lang))}
	}
	return place{Municipality: m}
}
