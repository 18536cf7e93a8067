// Package account holds the pages about who somebody is: signing in by a
// provider, choosing a role and for whom to act, one's own sessions, signing
// out here and there, and the people and machines of an authority, whom its
// lead lets in, and leads, whom service management does.
//
// A sign-in leaves the hub and comes back. What it must remember stays on the
// server (identity.Register); the browser carries a state and a cookie that
// only the browser that began it has. The provider's answer may come by a
// cross-site POST without any cookie, so it is only kept, and the browser is
// sent on to /login/done, which brings the cookie: nobody is signed in as
// somebody else by a link.
package account

import (
	"context"
	"net/http"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/web/site"
)

var errNotFound = fail.New(fail.NotFound, "error.not_found")

// A room is what the pages here stand on.
type room struct {
	*site.Site
	limit   *site.Limiter
	refusal refusals
}

// The addresses that providers post to from their own pages: no cookie comes
// with them, and they prove themselves by their signature.
const (
	answerPattern = "POST /login/{connection}/acs"
	logoutPattern = "POST /login/{connection}/logout"
)

// tokenPattern is the token endpoint: machines sign what they post to it, and no
// cookie counts there.
const tokenPattern = "POST " + machine.TokenPath

// FromElsewhere lists the routes that other sites post to.
var FromElsewhere = []string{answerPattern, logoutPattern, tokenPattern}

// Routes lists the pages. What begins something is limited; what ends it is not,
// for it needs a state that only a beginning gives, or proves itself: many people
// come back from one address.
func Routes(s *site.Site) []site.Route {
	r := &room{Site: s, limit: site.NewLimiter()}
	limited := func(fn func(http.ResponseWriter, *site.Ask) error) func(http.ResponseWriter, *site.Ask) error {
		return r.limit.Guard(s.Now, fn)
	}
	return append(r.machineRoutes(), []site.Route{
		site.ForAnybody("GET /login/{connection}", limited(r.begin)),
		site.ForAnybody("GET /login/{connection}/chosen", limited(r.chosen)),
		site.ForAnybody(answerPattern, r.answer),
		site.ForAnybody("GET /login/{connection}/callback", r.answer),
		site.ForAnybody("GET /login/{connection}/{document}", limited(r.document)),
		site.ForAnybody("GET /login/done", r.done),
		site.ForAnybody("GET /login/role", r.roles),
		site.ForAnybody("POST /login/role", limited(r.chooseRole)),
		site.ForAnybody("POST /login/access", limited(r.askAccess)),

		site.ForSignedIn("GET /login/anew", r.anew),
		site.ForCustomer("GET /for", r.forWhom),
		site.ForCustomer("POST /for/oneself", r.forOneself),
		site.ForAnybody("GET /for/{mode}", limited(r.beginFor)),
		site.ForAnybody("GET /for/callback", r.granted),

		site.ForAnybody(logoutPattern, r.ended),
		site.ForAnybody("GET /login/{connection}/logout", r.ended),
		site.ForAnybody("POST /logout", r.signOut),

		site.ForSignedIn("GET /sessions", r.sessions),
		site.ForSignedIn("POST /sessions/{id}/end", r.endSession),

		site.ForLead("GET /lead/people", r.people),
		site.ForLead("GET /lead/people/{person}", r.person),
		site.ForLead("POST /lead/people/{person}/give", r.give),
		site.ForLead("POST /lead/people/{person}/deny", r.deny),
		site.ForLead("POST /lead/people/{person}/withdraw", r.withdraw),
		site.ForLead("POST /lead/people/{person}/successor", r.successor),
		site.ForLead("POST /lead/ways", r.ways),

		site.ForService("GET "+authoritiesPath, r.serviceAuthorities),
		site.ForService("GET "+authoritiesPath+"/{authority}", r.serviceAuthority),
		site.ForService("POST "+authoritiesPath+"/{authority}/leads/{person}/give", r.giveLead),
		site.ForService("POST "+authoritiesPath+"/{authority}/leads/{person}/withdraw", r.withdrawLead),
	}...)
}

// machineRoutes lists the token endpoint, what is published of it, and the pages of an authority's systems
// and robots.
func (r *room) machineRoutes() []site.Route {
	if r.Machines == nil {
		return nil
	}
	return []site.Route{
		site.ForPrograms(tokenPattern, r.Machines.Endpoint(r.Tries())),
		site.ForPrograms("GET "+machine.MetadataPath, http.HandlerFunc(r.Machines.Metadata)),

		site.ForLead("GET /lead/machines", r.machines),
		site.ForLead("POST /lead/machines", r.addMachine),
		site.ForLead("GET /lead/machines/{machine}", r.machine),
		site.ForLead("POST /lead/machines/{machine}/issue", r.issue),
		site.ForLead("POST /lead/machines/{machine}/retire", r.retire),
		site.ForLead("GET /lead/machines/{machine}/credentials/{credential}", r.credential),
		site.ForLead("POST /lead/machines/{machine}/credentials/{credential}/rotate", r.rotate),
		site.ForLead("POST /lead/machines/{machine}/credentials/{credential}/withdraw", r.withdrawCredential),
	}
}

// connection finds the connection that the address names.
func (r *room) connection(a *site.Ask) (*identity.Connection, error) {
	for _, c := range r.Connections {
		if c.Name == a.PathValue("connection") {
			return c, nil
		}
	}
	return nil, errNotFound
}

func (r *room) connectionNamed(name string) *identity.Connection {
	for _, c := range r.Connections {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (r *room) read(a *site.Ask, fn func(context.Context, *db.Tx) error) error {
	return r.DB.View(a.Context(), func(tx *db.Tx) error { return fn(a.Context(), tx) })
}

// write runs fn in one writing transaction, once more when two first sign-ins
// of one person met.
func (r *room) write(a *site.Ask, fn func(context.Context, *db.Tx) error) error {
	err := r.DB.InTx(a.Context(), func(tx *db.Tx) error { return fn(a.Context(), tx) })
	if db.IsUnique(err) {
		err = r.DB.InTx(a.Context(), func(tx *db.Tx) error { return fn(a.Context(), tx) })
	}
	return err
}

const (
	stateCookie = "luvat-login"
	cookieLife  = time.Hour
)

// browser returns the value of the cookie that ties sign-ins to this browser, and
// sets it, from now on for its whole life.
func (r *room) browser(w http.ResponseWriter, a *site.Ask) string {
	value := identity.NewState()
	if c, err := a.Cookie(r.cookieName()); err == nil && len(c.Value) >= 26 {
		value = c.Value
	}
	http.SetCookie(w, &http.Cookie{
		Name: r.cookieName(), Value: value, Path: "/", MaxAge: int(cookieLife.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.Secure,
	})
	return value
}

func (r *room) known(a *site.Ask) string {
	c, err := a.Cookie(r.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

func (r *room) cookieName() string {
	if r.Secure {
		return "__Host-" + stateCookie
	}
	return stateCookie
}
