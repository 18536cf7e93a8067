package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// How roles end: withdrawn, with a mandate, on a day that was set, or because
// nobody has confirmed the mandate for too long. However one ends, its sessions
// end with it, the open work goes to the successor, and the ledger keeps why.

// Inbox stands for a successor where the open work goes back to the authority's
// inbox.
const Inbox = "inbox"

// Withdraw takes a role away at once: its sessions end, and the open work is
// handed to the successor, "" for the one who was named beforehand.
func (r *Roles) Withdraw(ctx context.Context, who Granter, person string, role Role, authority, successor string) error {
	actor, err := rule(who, authority, role)
	if err != nil {
		return err
	}
	if string(actor) == string(ledger.Person(person)) && role == RoleLead {
		return fail.New(fail.Rejected, "roles.not_ones_own")
	}
	return r.end(ctx, ending{actor: actor, deed: DeedWithdrawn, person: person, role: role, authority: authority, successor: successor})
}

// MandateEnded notes that an officer's mandate holds no longer: the sessions
// end, and the open work is handed over as when a role is withdrawn.
func (r *Roles) MandateEnded(ctx context.Context, person, authority string) error {
	return r.end(ctx, ending{actor: ledger.TheHub, deed: DeedMandate, person: person, role: RoleOfficer, authority: authority})
}

// EndDue ends the roles whose day has passed, and hands over the open work of
// officers whose mandate nobody has confirmed since a time; the zero time leaves
// those alone. It may be called at any time and by any node: what one has ended
// another finds ended.
func (r *Roles) EndDue(ctx context.Context, unheardSince time.Time) error {
	var due []ending
	err := r.DB.View(ctx, func(tx *db.Tx) error {
		err := collect(ctx, tx, &due, DeedExpired, `
			SELECT person_id, authority_id, role FROM grants WHERE until_at <> 0 AND until_at <= $1 ORDER BY until_at LIMIT 500`, db.Millis(r.Now()))
		if err != nil || unheardSince.IsZero() {
			return err
		}
		return collect(ctx, tx, &due, DeedUnheard, `
			SELECT person_id, authority_id, 'officer' FROM officer_mandates WHERE handed_at = 0 AND confirmed_at < $1 ORDER BY confirmed_at LIMIT 500`, db.Millis(unheardSince))
	})
	if err != nil {
		return fmt.Errorf("find the roles that end: %w", err)
	}
	var errs []error
	for _, e := range due {
		e.before = unheardSince
		errs = append(errs, r.end(ctx, e)) // one that fails does not hold up the others
	}
	return errors.Join(errs...)
}

func collect(ctx context.Context, tx *db.Tx, into *[]ending, deed, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return rows.Each(func() error {
		e := ending{actor: ledger.TheHub, deed: deed}
		var role string
		err := rows.Scan(&e.person, &e.authority, &role)
		e.role = Role(role)
		*into = append(*into, e)
		return err
	})
}

// An ending is the end of somebody's role.
type ending struct {
	actor     ledger.Actor
	deed      string
	person    string
	role      Role
	authority string
	successor string    // Inbox, a person, or "" for the one who was named beforehand
	before    time.Time // of DeedUnheard: not confirmed since
}

func (r *Roles) end(ctx context.Context, e ending) error {
	now, queued := r.Now(), false
	err := r.DB.InTx(ctx, func(tx *db.Tx) error {
		types, ends, err := e.take(ctx, tx, now)
		if err != nil || !ends {
			return err
		}
		if err := e.keep(ctx, tx, now, types); err != nil {
			return err
		}
		successor, err := e.goesTo(ctx, tx, now)
		if err != nil {
			return err
		}
		if e.role == RoleOfficer {
			if _, err := tx.ExecContext(ctx, `DELETE FROM successors WHERE successor_id = $1 AND authority_id = $2`, e.person, e.authority); err != nil {
				return fmt.Errorf("forget a successor who leaves: %w", err)
			}
		}
		if err := EndAll(ctx, tx, e.person, e.authority); err != nil {
			return err
		}
		entry, err := ledger.Record(ctx, tx, now, rolesStream(e.authority), e.actor, ledger.Authority, e.deed, roleData{Person: e.person, Role: e.role, Successor: successor})
		if err != nil || e.role != RoleOfficer {
			return err
		}
		queued = true
		return outbox.Add(ctx, tx, now, Left{Person: e.person, Authority: e.authority, Successor: successor, Entry: entry.N})
	})
	if err == nil && queued && r.Wake != nil {
		r.Wake()
	}
	return err
}

// take takes away what the role rests on, and tells for which matter types it
// was; ends is false where there is nothing to end any more.
//
// A mandate that nobody has confirmed for long has not ended: what the lead has
// granted beside it stays, and is worth something again when its person comes.
func (e ending) take(ctx context.Context, tx *db.Tx, now time.Time) (types string, ends bool, err error) {
	if e.deed == DeedUnheard {
		n, err := tx.ExecContext(ctx, `UPDATE officer_mandates SET handed_at = $1 WHERE person_id = $2 AND authority_id = $3 AND handed_at = 0 AND confirmed_at < $4`,
			db.Millis(now), e.person, e.authority, db.Millis(e.before))
		return "", n > 0, err
	}
	// Reading and deleting are one statement, which waits for whoever gives the
	// role anew or ends it meanwhile, and then looks again.
	err = tx.QueryRowContext(ctx, `
		DELETE FROM grants WHERE person_id = $1 AND authority_id = $2 AND role = $3 AND (until_at <= $4 AND until_at <> 0 OR $5 = 0) RETURNING types`,
		e.person, e.authority, string(e.role), db.Millis(now), one(e.deed == DeedExpired)).Scan(&types)
	switch ends = err == nil; {
	case errors.Is(err, db.ErrNoRows) && e.deed == DeedWithdrawn:
		return "", false, fail.New(fail.NotFound, "error.not_found")
	case errors.Is(err, db.ErrNoRows) && e.deed == DeedExpired:
		return "", false, nil // given anew, or another node was quicker
	case err != nil && !errors.Is(err, db.ErrNoRows):
		return "", false, fmt.Errorf("end a role: %w", err)
	case e.role != RoleOfficer:
		return types, ends, nil
	}
	n, err := tx.ExecContext(ctx, `DELETE FROM officer_mandates WHERE person_id = $1 AND authority_id = $2 AND (granted <> 0 OR $3 = 1)`, e.person, e.authority, one(e.deed == DeedMandate))
	if err != nil {
		return "", false, fmt.Errorf("end a role: %w", err)
	}
	return types, ends || n > 0, nil // a mandate's end is told once, however many pages find it
}

// one is a truth as a stored number.
func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// keep keeps for the lead which role has ended, when and why.
func (e ending) keep(ctx context.Context, tx *db.Tx, now time.Time, types string) error {
	if e.authority == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO last_uses (person_id, authority_id, connection, at, ended_at, ended_deed, ended_types) VALUES ($1, $2, '', 0, $3, $4, $5)
		ON CONFLICT (person_id, authority_id) DO UPDATE SET ended_at = excluded.ended_at, ended_deed = excluded.ended_deed, ended_types = excluded.ended_types`,
		e.person, e.authority, db.Millis(now), e.deed, types)
	if err != nil {
		return fmt.Errorf("keep that a role has ended: %w", err)
	}
	return nil
}

// goesTo is who takes over, "" for the authority's inbox.
func (e ending) goesTo(ctx context.Context, tx *db.Tx, now time.Time) (successor string, err error) {
	named := e.successor == ""
	switch successor = e.successor; {
	case successor == Inbox:
		return "", nil
	case named:
		if successor, err = successorOf(ctx, tx, e.person, e.authority); err != nil || successor == "" {
			return "", err
		}
	}
	err = mayTakeOver(ctx, tx, now, successor, e.person, e.authority)
	if named && fail.Is(err, fail.Rejected) {
		return "", nil // who was named beforehand has left: back to the inbox
	}
	return successor, err
}

// successorOf returns the successor that was named beforehand, "" for none.
func successorOf(ctx context.Context, tx *db.Tx, person, authority string) (successor string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT successor_id FROM successors WHERE person_id = $1 AND authority_id = $2`, person, authority).Scan(&successor)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read a successor: %w", err)
	}
	return successor, nil
}

func mayTakeOver(ctx context.Context, tx *db.Tx, now time.Time, successor, person, authority string) error {
	officers, err := officersOf(ctx, tx, now, authority)
	if err != nil {
		return err
	}
	if successor == person || !slices.ContainsFunc(officers, func(o Officer) bool { return o.ID == successor }) {
		return fail.New(fail.Rejected, "roles.choose_successor").In("successor")
	}
	return nil
}
