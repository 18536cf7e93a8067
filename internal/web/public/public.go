// Package public holds the pages that need no sign-in: the front page, the
// permit-need survey and its results, the catalogue, signing in and the pages
// about the service. The plain pages of authorities' leads and of service
// management and support are here too.
//
// The survey keeps its answers in a result row from the first page on, and the
// address names the row. So nothing is lost when the battery runs out, the
// same address continues on another device, and no page needs scripts. The
// address is the right to see the answers; nothing personal is asked.
package public

import (
	"context"
	"net/http"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/web/site"
)

// A Mail is one mail of the demo.
type Mail struct {
	ID, To, Subject, Body string
	At                    time.Time
}

// A room is what the pages here stand on.
type room struct {
	*site.Site
	mails func(context.Context) ([]Mail, error)
	limit *site.Limiter
}

// Routes lists the pages. mails lists what the demo has mailed, the newest
// first.
func Routes(s *site.Site, mails func(context.Context) ([]Mail, error)) []site.Route {
	p := &room{Site: s, mails: mails, limit: site.NewLimiter()}
	return []site.Route{
		site.ForAnybody("GET /{$}", p.front),

		site.ForAnybody("GET /survey", p.surveys),
		site.ForAnybody("GET /survey/{entity}", p.surveyStart),
		site.ForAnybody("POST /survey/{entity}", p.limited(p.surveyBegin)),
		site.ForAnybody("GET /survey/{entity}/areas/{area}", p.area),
		site.ForAnybody("POST /survey/{entity}/areas/{area}", p.limited(p.answer)),
		site.ForAnybody("GET /survey/results/{id}", p.result),
		site.ForAnybody("POST /survey/results/{id}", p.limited(p.useResult)),

		site.ForAnybody("GET /catalogue", p.catalogue),
		site.ForAnybody("GET /catalogue/{type}", p.matterType),

		site.ForAnybody("GET /about", p.about),
		site.ForAnybody("GET /accessibility", p.accessibility),
		site.ForAnybody("GET /feedback", p.feedback),

		site.ForAnybody("GET /login", p.login),
		site.ForAnybody("POST /login", p.limited(p.signIn)),
		site.ForDemo("GET /mailbox", p.mailbox),

		site.ForLead("GET /lead", p.lead),
		site.ForService("GET /service", p.service),
		site.ForService("POST /service/jobs/{id}/retry", p.retry),
		site.ForSupport("GET /service/support", p.support),
		site.ForSupport("POST /service/support", p.trace),
	}
}

// limited guards a deed that needs no sign-in.
func (p *room) limited(fn func(http.ResponseWriter, *site.Ask) error) func(http.ResponseWriter, *site.Ask) error {
	return p.limit.Guard(p.Now, fn)
}

// read runs fn in one reading transaction.
func (p *room) read(a *site.Ask, fn func(context.Context, *db.Tx) error) error {
	return p.DB.View(a.Context(), func(tx *db.Tx) error { return fn(a.Context(), tx) })
}

// write runs fn in one writing transaction.
func (p *room) write(a *site.Ask, fn func(context.Context, *db.Tx) error) error {
	return p.DB.InTx(a.Context(), func(tx *db.Tx) error { return fn(a.Context(), tx) })
}

func isCustomer(a *site.Ask) bool { return a.Known && a.Hat.Role == identity.RoleCustomer }

// address is this page's own address as people pass it on.
func (p *room) address(r *http.Request, path string) string {
	if p.Secure {
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}
