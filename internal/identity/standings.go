package identity

import (
	"context"
	"fmt"
	"time"

	"luvat/internal/db"
)

// A Standing is how somebody stands to the first roles of a hub, as its operator
// sees it.
type Standing struct {
	As        string // asks for a role, has come in, lead, service management, support
	Person    string // the id
	Name      string
	Authority string
	Way       string // the connection, "" where it is of no matter
	At        time.Time
}

// standings are the ways in which somebody stands, each with its query.
var standings = []struct{ as, query string }{
	{"asks for a role", `
		SELECT p.id, p.name, r.authority_id, r.connection, r.asked_at FROM access_requests r JOIN people p ON p.id = r.person_id
		WHERE  r.answered_at = 0 ORDER BY r.asked_at`},
	{"has come in", `
		SELECT p.id, p.name, s.authority_id, s.connection, MAX(s.began_at) FROM sessions s JOIN people p ON p.id = s.person_id
		WHERE  s.ended = 0 GROUP BY p.id, p.name, s.authority_id, s.connection ORDER BY 5 DESC LIMIT 100`},
	{"lead", `
		SELECT p.id, p.name, g.authority_id, '', g.granted_at FROM grants g JOIN people p ON p.id = g.person_id
		WHERE  g.role = 'lead' ORDER BY g.authority_id, p.name`},
	{"service management", `
		SELECT p.id, p.name, g.authority_id, '', g.granted_at FROM grants g JOIN people p ON p.id = g.person_id
		WHERE  g.role = 'service' ORDER BY p.name`},
	{"support", `
		SELECT p.id, p.name, g.authority_id, '', g.granted_at FROM grants g JOIN people p ON p.id = g.person_id
		WHERE  g.role = 'support' ORDER BY p.name`},
}

// Standings lists who asks for a role, the last hundred who have come in, who
// leads an authority and who is service management.
func Standings(ctx context.Context, tx *db.Tx) (all []Standing, err error) {
	for _, s := range standings {
		rows, err := tx.QueryContext(ctx, s.query)
		if err != nil {
			return nil, fmt.Errorf("list who %s: %w", s.as, err)
		}
		err = rows.Each(func() error {
			p := Standing{As: s.as}
			var at int64
			err := rows.Scan(&p.Person, &p.Name, &p.Authority, &p.Way, &at)
			p.At = db.Time(at)
			all = append(all, p)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// A LeadCount is how many lead an authority, and how many ask it for a role.
type LeadCount struct {
	Authority    string
	Leads, Asked int64
}

// LeadCounts lists the authorities that have a lead or are asked for a role.
func LeadCounts(ctx context.Context, tx *db.Tx) (all []LeadCount, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT authority_id, SUM(leads), SUM(asked) FROM (
			SELECT authority_id, 1 AS leads, 0 AS asked FROM grants WHERE role = 'lead'
			UNION ALL
			SELECT authority_id, 0, 1 FROM access_requests WHERE answered_at = 0
		) x GROUP BY authority_id ORDER BY authority_id`)
	if err != nil {
		return nil, fmt.Errorf("count leads: %w", err)
	}
	err = rows.Each(func() error {
		var c LeadCount
		err := rows.Scan(&c.Authority, &c.Leads, &c.Asked)
		all = append(all, c)
		return err
	})
	return all, err
}
