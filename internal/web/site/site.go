// Package site is what all pages share: routes and who may come to them,
// reading requests, turning errors into pages, the frame around the content.
//
// A page is a handler that returns an error. Its asker is an argument with a
// type of its own (identity.Customer, identity.Officer, …), so a page cannot be
// mounted for the wrong people by mistake. One list holds all routes; tests
// walk it as a stranger and as nobody.
package site

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/matter"
)

// A Site is what the pages stand on.
type Site struct {
	DB        *db.DB
	Desk      *matter.Desk
	Catalogue *catalogue.Catalogue
	Files     *attach.Store
	Sessions  *identity.Sessions
	Log       *slog.Logger
	Now       func() time.Time

	// BaseURL is how people reach the hub, for addresses that providers lead
	// back to.
	BaseURL string
	// Connections are the ways to sign in by a provider; Register knows who
	// their people are, Roles what they may do for authorities.
	Connections []*identity.Connection
	Register    *identity.Register
	Roles       *identity.Roles
	// Mandates asks for whom somebody may act; nil where it cannot be asked.
	Mandates identity.Mandates
	checks   checks
	// OfficerMandates say how the hub goes about officers by mandate.
	OfficerMandates identity.OfficerMandates
	// Machines knows whose access token a request brings; nil where no machine
	// may come.
	Machines *machine.Registry
	tries    tries

	// Demo makes the demo identities and the mailbox there. Only on loopback.
	Demo bool
	// Login tells that somebody can sign in at all.
	Login bool
	// Secure tells that people reach the hub over TLS.
	Secure bool
	// Limits of attachments; the zero value stands for attach's own.
	Limits attach.Limits
}

// Access says who may come to a route.
type Access string

// The accesses.
const (
	Anybody   Access = "anybody"
	SignedIn  Access = "signed in" // whatever hat
	Customers Access = "customers"
	Officers  Access = "officers" // robots too
	Leads     Access = "leads"
	Services  Access = "service management"
	Supports  Access = "support"
	DemoOnly  Access = "demo" // found only in the demo
)

// A Route is a page or a deed.
type Route struct {
	Pattern string // as http.ServeMux reads it, such as "GET /projects/{id}"
	Access  Access
	// Body is the largest body in bytes: 1 MiB when 0. A route that streams
	// files says -1 and guards itself.
	Body    int64
	handle  func(*Site, http.ResponseWriter, *Ask) error
	program http.Handler
}

const defaultBody = 1 << 20

// WithBody returns the route with another limit of its body.
func (r Route) WithBody(n int64) Route {
	r.Body = n
	return r
}

// ForAnybody makes a route that needs no sign-in.
func ForAnybody(pattern string, fn func(http.ResponseWriter, *Ask) error) Route {
	return Route{Pattern: pattern, Access: Anybody, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error { return fn(w, a) }}
}

// ForPrograms makes a route for programs. It has no asker and no page: the
// handler bounds and reads the request itself and answers its errors too.
func ForPrograms(pattern string, h http.Handler) Route {
	return Route{Pattern: pattern, Access: Anybody, Body: -1, program: h}
}

// ForDemo makes a route that is there in the demo only.
func ForDemo(pattern string, fn func(http.ResponseWriter, *Ask) error) Route {
	return Route{Pattern: pattern, Access: DemoOnly, handle: func(s *Site, w http.ResponseWriter, a *Ask) error {
		if !s.Demo {
			return errNotFound
		}
		return fn(w, a)
	}}
}

// ForSignedIn makes a route for anybody who is signed in, whatever the hat.
func ForSignedIn(pattern string, fn func(http.ResponseWriter, *Ask) error) Route {
	return Route{Pattern: pattern, Access: SignedIn, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error {
		if !a.Known {
			return toLogin(w, a)
		}
		return fn(w, a)
	}}
}

// ForCustomer makes a route for applicants.
func ForCustomer(pattern string, fn func(http.ResponseWriter, *Ask, identity.Customer) error) Route {
	return Route{Pattern: pattern, Access: Customers, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error {
		if !a.Known {
			return toLogin(w, a)
		}
		if a.Hat.Role != identity.RoleCustomer {
			return errNotFound
		}
		return fn(w, a, identity.Customer{Person: a.Person, For: a.For})
	}}
}

// ForOfficer makes a route for officers and robots of an authority.
func ForOfficer(pattern string, fn func(http.ResponseWriter, *Ask, identity.Officer) error) Route {
	return Route{Pattern: pattern, Access: Officers, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error {
		if !a.Known {
			return toLogin(w, a)
		}
		if a.Hat.Role != identity.RoleOfficer && a.Hat.Role != identity.RoleRobot {
			return errNotFound
		}
		return fn(w, a, identity.Officer{Person: a.Person, Authority: a.Hat.Authority, Role: a.Hat.Role, Types: a.Hat.Types})
	}}
}

// ForLead makes a route for authorities' leads.
func ForLead(pattern string, fn func(http.ResponseWriter, *Ask, identity.Lead) error) Route {
	return Route{Pattern: pattern, Access: Leads, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error {
		if !a.Known {
			return toLogin(w, a)
		}
		if a.Hat.Role != identity.RoleLead {
			return errNotFound
		}
		return fn(w, a, identity.Lead{Person: a.Person, Authority: a.Hat.Authority})
	}}
}

// ForService makes a route for service management.
func ForService(pattern string, fn func(http.ResponseWriter, *Ask, identity.Service) error) Route {
	return Route{Pattern: pattern, Access: Services, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error {
		if !a.Known {
			return toLogin(w, a)
		}
		if a.Hat.Role != identity.RoleService {
			return errNotFound
		}
		return fn(w, a, identity.Service{Person: a.Person})
	}}
}

// ForSupport makes a route for those who help users.
func ForSupport(pattern string, fn func(http.ResponseWriter, *Ask, identity.Support) error) Route {
	return Route{Pattern: pattern, Access: Supports, handle: func(_ *Site, w http.ResponseWriter, a *Ask) error {
		if !a.Known {
			return toLogin(w, a)
		}
		if a.Hat.Role != identity.RoleSupport {
			return errNotFound
		}
		return fn(w, a, identity.Support{Person: a.Person})
	}}
}

// Mount puts the routes on a mux. It panics where two patterns conflict.
func (s *Site) Mount(mux *http.ServeMux, routes []Route) {
	for _, rt := range routes {
		mux.Handle(rt.Pattern, s.serve(rt))
	}
}

func (s *Site) serve(rt Route) http.Handler {
	if rt.program != nil {
		return rt.program
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := rt.Body
		if limit == 0 {
			limit = defaultBody
		}
		if limit > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		a, err := s.ask(w, r)
		if err == nil && a.Machine != "" && !rt.forMachines(r.URL.Path) {
			err = errNotFound
		}
		if err == nil && r.Method == http.MethodPost && limit > 0 {
			_, err = a.Form() // all of it can be read before anything is done
		}
		if err == nil {
			err = rt.handle(s, w, a)
		}
		if err != nil {
			s.fail(w, a, err)
		}
	})
}

// NotFound answers for addresses that no route has.
func (s *Site) NotFound() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := s.ask(w, r)
		if err == nil {
			err = errNotFound
		}
		s.fail(w, a, err)
	})
}

// Tx reads in one transaction: for pages that show what no heart has a view of.
func (s *Site) Tx(ctx context.Context, fn func(*db.Tx) error) error { return s.DB.View(ctx, fn) }
