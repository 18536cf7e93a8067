package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
)

// ListRoles tells the operator who could be given the first roles, and who has
// them.
func ListRoles(ctx context.Context, c Config, out io.Writer) error {
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only read
	return d.View(ctx, func(tx *db.Tx) error {
		for _, part := range []struct{ title, query string }{
			{"asks for a role", `SELECT p.id, p.name, r.authority_id, r.connection, r.asked_at FROM access_requests r JOIN people p ON p.id = r.person_id WHERE r.answered_at = 0 ORDER BY r.asked_at`},
			{"has come in", `SELECT p.id, p.name, s.authority_id, s.connection, MAX(s.began_at) FROM sessions s JOIN people p ON p.id = s.person_id WHERE s.ended = 0 GROUP BY p.id, p.name, s.authority_id, s.connection ORDER BY 5 DESC LIMIT 100`},
			{"lead", `SELECT p.id, p.name, g.authority_id, '', g.granted_at FROM grants g JOIN people p ON p.id = g.person_id WHERE g.role = 'lead' ORDER BY g.authority_id, p.name`},
			{"service management", `SELECT p.id, p.name, g.authority_id, '', g.granted_at FROM grants g JOIN people p ON p.id = g.person_id WHERE g.role = 'service' ORDER BY p.name`},
		} {
			rows, err := tx.QueryContext(ctx, part.query)
			if err != nil {
				return fmt.Errorf("list roles: %w", err)
			}
			err = rows.Each(func() error {
				var id, name, authority, way string
				var at int64
				if err := rows.Scan(&id, &name, &authority, &way, &at); err != nil {
					return err
				}
				_, err := fmt.Fprintf(out, "%-18s %-36s  %s  %s %s  %s\n", part.title, id, name, authority, way, db.Time(at).UTC().Format(time.RFC3339))
				return err
			})
			if err != nil {
				return fmt.Errorf("list roles: %w", err)
			}
		}
		return nil
	})
}

// GiveRole gives somebody the role of a lead or of service management.
func GiveRole(ctx context.Context, c Config, person, role, authority string, out io.Writer) error {
	h := identity.Hat{Role: identity.Role(role), Authority: authority}
	return c.changeRole(ctx, h, out, "given", func(r *identity.Roles) error { return r.Give(ctx, identity.Operator{}, person, h, time.Time{}) })
}

// WithdrawRole takes such a role away.
func WithdrawRole(ctx context.Context, c Config, person, role, authority string, out io.Writer) error {
	h := identity.Hat{Role: identity.Role(role), Authority: authority}
	return c.changeRole(ctx, h, out, "withdrawn", func(r *identity.Roles) error {
		return r.Withdraw(ctx, identity.Operator{}, person, h.Role, h.Authority, "")
	})
}

func (c Config) changeRole(ctx context.Context, h identity.Hat, out io.Writer, done string, change func(*identity.Roles) error) error {
	if (h.Role == identity.RoleLead) != (h.Authority != "") {
		return errors.New("--authority: a lead is an authority's, and service management is nobody's")
	}
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // all is written
	cat, err := catalogue.Open(ctx, d)
	if err != nil {
		return err
	}
	if h.Authority != "" && cat.Authority(h.Authority) == nil {
		return fmt.Errorf("--authority: there is no authority %q", h.Authority)
	}
	switch err := change(&identity.Roles{DB: d, Now: time.Now}); {
	case fail.Is(err, fail.NotFound):
		return errors.New("person: there is nobody with this id, or without the role; see luvat roles list")
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(out, done)
	return err
}
