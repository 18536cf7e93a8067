package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"luvat/internal/db"
)

// Grant gives a person a hat, without a trace: for what the hub itself sets up.
// People give roles by Roles.Give.
func Grant(ctx context.Context, tx *db.Tx, now time.Time, person string, h Hat) error {
	return grant(ctx, tx, now, person, h, "", time.Time{})
}

func grant(ctx context.Context, tx *db.Tx, now time.Time, person string, h Hat, by string, until time.Time) error {
	types := ""
	if h.Types != nil {
		b, err := json.Marshal(h.Types)
		if err != nil {
			return err
		}
		types = string(b)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO grants (person_id, authority_id, role, types, granted_at, granted_by, until_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (person_id, authority_id, role) DO UPDATE SET types = excluded.types, granted_by = excluded.granted_by, until_at = excluded.until_at`,
		person, h.Authority, string(h.Role), types, db.Millis(now), by, db.Millis(until))
	if err != nil {
		return fmt.Errorf("grant a role: %w", err)
	}
	return nil
}

// Hats lists what a person was granted and still has. Everybody may be a
// customer besides.
func Hats(ctx context.Context, tx *db.Tx, now time.Time, person string) ([]Hat, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT role, authority_id, types FROM grants
		WHERE  person_id = $1 AND (until_at = 0 OR until_at > $2) ORDER BY granted_at, authority_id, role`, person, db.Millis(now))
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	var all []Hat
	err = rows.Each(func() error {
		var h Hat
		var role, types string
		if err := rows.Scan(&role, &h.Authority, &types); err != nil {
			return err
		}
		h.Role = Role(role)
		if h.Types, err = readTypes(types); err != nil {
			return err
		}
		all = append(all, h)
		return nil
	})
	return all, err
}

func readTypes(text string) (types []string, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &types); err != nil {
		return nil, fmt.Errorf("read a grant's types: %w", err)
	}
	return types, nil
}

// WayOpen tells whether an authority's officers may come in by a connection
// now. An authority that has set no ways has all of them open, and the demo's
// people always come in.
func WayOpen(ctx context.Context, tx *db.Tx, now time.Time, authority, connection string) (bool, error) {
	if connection == "" || authority == "" {
		return true, nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT connection, from_at, until_at FROM authority_ways WHERE authority_id = $1`, authority)
	if err != nil {
		return false, fmt.Errorf("read an authority's ways: %w", err)
	}
	set, open, at := false, false, db.Millis(now)
	err = rows.Each(func() error {
		var way string
		var from, until int64
		if err := rows.Scan(&way, &from, &until); err != nil {
			return err
		}
		set = true
		open = open || way == connection && from <= at && (until == 0 || at < until)
		return nil
	})
	return open || !set, err
}
