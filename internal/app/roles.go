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
	var all []identity.Standing
	err = d.View(ctx, func(tx *db.Tx) (err error) {
		all, err = identity.Standings(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if _, err := fmt.Fprintf(out, "%-18s %-36s  %s  %s %s  %s\n", p.As, p.Person, p.Name, p.Authority, p.Way, p.At.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return nil
}

// GiveRole gives somebody the role of a lead, of service management or of support.
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
		return errors.New("--authority: a lead is an authority's, service management and support are nobody's")
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
