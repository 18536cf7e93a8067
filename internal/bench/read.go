package bench

import (
	"context"
	"math/rand/v2"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// inbox measures the officer's inbox with restricted rights: seven of ten look
// at what waits on the authority, three at what is finished.
func (r *run) inbox(ctx context.Context, s *Size) error {
	loads := []load{{workers: r.Clients, fn: r.bareInbox}}
	if r.hub.Handler == nil {
		loads = append(loads, load{workers: r.Clients, fn: func(ctx context.Context, worker, n int) error {
			_, err := r.hub.Desk.Inbox(ctx, r.mass.officerOf[worker%officers], matter.Query{Bucket: bucketOf(n)})
			return err
		}})
	} else {
		cookies := make([]string, officers)
		for i, o := range r.mass.officerOf {
			var err error
			if cookies[i], err = signIn(ctx, r.hub.Sessions, o.ID, identity.Hat{Role: o.Role, Authority: o.Authority}); err != nil {
				return err
			}
		}
		clients, closeAll := r.clients(func(i int) string { return cookies[i%officers] })
		defer closeAll()
		loads = append(loads, load{workers: r.Clients, profile: "inbox", fn: func(_ context.Context, worker, n int) error {
			status, _, err := clients[worker].quick("GET", "/officer?bucket="+string(bucketOf(n)), "", nil)
			return expect("inbox", 200, status, err)
		}})
	}
	got, err := r.compare(ctx, loads...)
	if err == nil {
		s.Bare.Inbox, s.Hub.Inbox = got[0], got[1]
	}
	return err
}

func bucketOf(n int) matter.Bucket {
	if n%10 < 7 {
		return matter.OnAuthority
	}
	return matter.Done
}

func (r *run) clients(cookie func(int) string) (all []*client, closeAll func()) {
	for i := range r.Clients {
		all = append(all, &client{addr: r.addr, cookie: cookie(i)})
	}
	return all, func() {
		for _, c := range all {
			c.close()
		}
	}
}

// bareInbox reads fifty rows by the index: the list without rights, merging,
// paging, session and page.
func (r *run) bareInbox(ctx context.Context, _, n int) error {
	holder := matter.HeldByAuthority
	if bucketOf(n) == matter.Done {
		holder = matter.HeldByNobody
	}
	return r.hub.DB.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT m.id, m.number, m.type_id, p.name, p.place, m.status, m.status_at, m.holder_since, m.due_at, m.sent_at, m.identifier
			FROM matters m JOIN projects p ON p.id = m.project_id
			WHERE m.offer_id = $1 AND m.holder = $2 AND m.status <> 'draft' ORDER BY m.sort_at, m.id LIMIT 50`,
			catalogue.OfferID(bigOne, r.mass.types[0].ID), string(holder))
		if err != nil {
			return err
		}
		var id, number, typ, name, place, status, identifier string
		var at, since, due, sent int64
		return rows.Each(func() error {
			return rows.Scan(&id, &number, &typ, &name, &place, &status, &at, &since, &due, &sent, &identifier)
		})
	})
}

// joint measures the joint view of a project's matters.
func (r *run) joint(ctx context.Context, s *Size) error {
	pick := func() int { // a project of one of the readers
		return rand.IntN((r.mass.projects-1)/customers+1)*customers + rand.IntN(min(readers, r.mass.projects))
	}
	choose := func() int {
		for {
			if i := pick(); i < r.mass.projects {
				return i
			}
		}
	}
	loads := []load{{workers: r.Clients, fn: func(ctx context.Context, _, _ int) error { return r.bareJoint(ctx, choose()) }}}
	if r.hub.Handler == nil {
		loads = append(loads, load{workers: r.Clients, fn: func(ctx context.Context, _, _ int) error {
			i := choose()
			_, err := r.hub.Desk.Project(ctx, identity.Customer{Person: identity.Person{ID: customerOf(i)}}, projectID(i))
			return err
		}})
	} else {
		cookies := make([]string, min(readers, r.mass.projects))
		for i := range cookies {
			var err error
			if cookies[i], err = signIn(ctx, r.hub.Sessions, customerID(i), identity.Hat{Role: identity.RoleCustomer}); err != nil {
				return err
			}
		}
		clients, closeAll := r.clients(func(int) string { return "" })
		defer closeAll()
		loads = append(loads, load{workers: r.Clients, profile: "joint", fn: func(_ context.Context, worker, _ int) error {
			i, c := choose(), clients[worker]
			c.cookie = cookies[ownerOf(i)]
			status, _, err := c.quick("GET", "/projects/"+projectID(i), "", nil)
			return expect("joint view", 200, status, err)
		}})
	}
	got, err := r.compare(ctx, loads...)
	if err == nil {
		s.Bare.Joint, s.Hub.Joint = got[0], got[1]
	}
	return err
}

func (r *run) bareJoint(ctx context.Context, i int) error {
	return r.hub.DB.View(ctx, func(tx *db.Tx) error {
		var name, place string
		if err := tx.QueryRowContext(ctx, `SELECT name, place FROM projects WHERE id = $1`, projectID(i)).Scan(&name, &place); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT id, number, type_id, authority_id, identifier, started_at, status_at, status, outcome, holder, holder_since, due_at
			FROM matters WHERE project_id = $1 ORDER BY created_at, id`, projectID(i))
		if err != nil {
			return err
		}
		var id, number, typ, authority, identifier, status, outcome, holder string
		var started, at, since, due int64
		return rows.Each(func() error {
			return rows.Scan(&id, &number, &typ, &authority, &identifier, &started, &at, &status, &outcome, &holder, &since, &due)
		})
	})
}
