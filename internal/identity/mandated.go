package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
)

// OfficerMandates say how the hub goes about officers whose role rests on a
// mandate. The zero value stands for the defaults.
type OfficerMandates struct {
	// AskEach is how old what the register said may become before the hub asks
	// again by itself, for as long as the officer's session lives: default 10
	// minutes. A page that is asked for has its own, shorter, limit.
	AskEach time.Duration
	// Within is how long an officer may stay away before somebody else goes on
	// with the open work: without the person nobody can ask the register. Default
	// 35 days, a little more than a summer holiday.
	Within time.Duration
	// Authorities are those whose officers the granting body's mandate may make,
	// where the register names that body alone; nil for all of the catalogue.
	Authorities []string
}

// The defaults of OfficerMandates.
const (
	DefaultAskEach = 10 * time.Minute
	DefaultWithin  = 35 * 24 * time.Hour
)

// confirmCoarse is how old a kept confirmation may be before it is written anew:
// it is counted in days.
const confirmCoarse = time.Hour

// confirm keeps that an officer came in by a mandate that holds.
func confirm(ctx context.Context, tx *db.Tx, now time.Time, v Visit) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO officer_mandates (person_id, authority_id, connection, granted, since_at, confirmed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (person_id, authority_id) DO UPDATE SET connection = excluded.connection, granted = excluded.granted, confirmed_at = excluded.confirmed_at, handed_at = 0`,
		v.Person.ID, v.Hat.Authority, v.Via.Connection, one(v.Mandate.Granted), db.Millis(now), db.Millis(now))
	if err != nil {
		return fmt.Errorf("keep an officer's mandate: %w", err)
	}
	return nil
}

// Confirmed notes that the register has said again that an officer's mandate
// holds, if that is news by an hour.
func Confirmed(ctx context.Context, d *db.DB, now time.Time, person, authority string) error {
	old := int64(0)
	err := d.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM officer_mandates WHERE person_id = $1 AND authority_id = $2 AND confirmed_at < $3`,
			person, authority, db.Millis(now.Add(-confirmCoarse))).Scan(&old)
	})
	if err == nil && old > 0 {
		err = d.InTx(ctx, func(tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE officer_mandates SET confirmed_at = $1, handed_at = 0 WHERE person_id = $2 AND authority_id = $3 AND confirmed_at < $4`,
				db.Millis(now), person, authority, db.Millis(now))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("confirm an officer's mandate: %w", err)
	}
	return nil
}

// officersOf lists by name who may handle an authority's matters: by what the
// lead has granted, and by mandates that name the authority. Who has not been
// confirmed for too long is left out.
func officersOf(ctx context.Context, tx *db.Tx, now time.Time, authority string) (all []Officer, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.name, p.email, p.lang, o.types FROM people p JOIN (
			SELECT g.person_id, g.types FROM grants g
			WHERE  g.authority_id = $1 AND g.role = 'officer' AND (g.until_at = 0 OR g.until_at > $2)
			AND    NOT EXISTS (SELECT 1 FROM officer_mandates m WHERE m.person_id = g.person_id AND m.authority_id = g.authority_id AND m.handed_at <> 0)
			UNION ALL
			SELECT person_id, '' FROM officer_mandates WHERE authority_id = $3 AND granted = 0 AND handed_at = 0
		) o ON o.person_id = p.id ORDER BY p.name, p.id, o.types`, authority, db.Millis(now), authority)
	if err != nil {
		return nil, fmt.Errorf("list officers: %w", err)
	}
	err = rows.Each(func() error {
		o := Officer{Authority: authority, Role: RoleOfficer}
		var lang, types string
		if err := rows.Scan(&o.ID, &o.Name, &o.Email, &lang, &types); err != nil {
			return err
		}
		o.Lang = i18n.Parse(lang)
		if o.Types, err = readTypes(types); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].ID != o.ID { // else by both, the wider right first
			all = append(all, o)
		}
		return nil
	})
	return all, err
}

// A Resting is a live session of an officer that rests on a mandate.
type Resting struct {
	Person, Authority string
	Memo              []byte // what the register is asked with

	token string
	data  []byte // the session as it was read
}

// Resting lists the live sessions of officers whose mandate was last checked
// before a time, and which the register still knows.
func (s *Sessions) Resting(ctx context.Context, before time.Time) (all []Resting, err error) {
	if s.Vault == nil {
		return nil, nil
	}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT token, data, person_id, authority_id FROM sessions
			WHERE  role = 'officer' AND ended = 0 AND expiry > $1 ORDER BY seen_at, token`, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var r Resting
			if err := rows.Scan(&r.token, &r.data, &r.Person, &r.Authority); err != nil {
				return err
			}
			r.data = slices.Clone(r.data)
			memo, due := s.due(r.data, before)
			if r.Memo = memo; due {
				all = append(all, r)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions that rest on mandates: %w", err)
	}
	return all, nil
}

// due returns what a session's mandate is asked with, if it is time to ask.
func (s *Sessions) due(data []byte, before time.Time) (memo []byte, due bool) {
	_, values, err := codec{}.Decode(data)
	sealed, _ := values["mandate"].(string)
	checked, _ := values["checked"].(string)
	if err != nil || sealed == "" || values["lapsed"] == "true" || !unstamp(checked).Before(before) {
		return nil, false
	}
	plain, err := s.Vault.Open(sealed, "session mandate")
	return []byte(plain), err == nil // without its key the session is signed out at its next page
}

// Heard keeps in a session what the register said of its mandate while nobody
// was there: that it holds, or that the register has forgotten the session, so
// that it is not asked again before the person comes. A session that went on
// meanwhile has had its own answer, and stays as it is.
func (s *Sessions) Heard(ctx context.Context, r Resting, now time.Time, fresh []byte, state MandateState) error {
	deadline, values, err := codec{}.Decode(r.data)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		if values["mandate"], err = s.Vault.Seal(string(fresh), "session mandate"); err != nil {
			return err
		}
	}
	switch state {
	case MandateHolds:
		values["checked"] = stamp(now)
	case MandateLapsed:
		values["lapsed"] = "true"
	}
	data, err := codec{}.Encode(deadline, values)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE sessions SET data = $1 WHERE token = $2 AND data = $3 AND ended = 0`, data, r.token, r.data)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep what the mandate register said: %w", err)
	}
	return nil
}
