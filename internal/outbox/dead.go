package outbox

import (
	"context"
	"fmt"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// Stuck is a job that waits after a failure, or is dead.
type Stuck struct {
	ID, Kind, State, Error string
	Attempts               int64
	Created, Next          time.Time
}

// ListStuck lists the dead jobs and the failing ones, dead first, at most 200.
func ListStuck(ctx context.Context, tx *db.Tx) ([]Stuck, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, kind, state, last_error, attempts, created_at, not_before FROM outbox
		WHERE  state = 'dead' OR (state = 'waiting' AND last_error <> '')
		ORDER  BY state, created_at LIMIT 200`)
	if err != nil {
		return nil, fmt.Errorf("list stuck jobs: %w", err)
	}
	var all []Stuck
	err = rows.Each(func() error {
		var s Stuck
		var created, next int64
		if err := rows.Scan(&s.ID, &s.Kind, &s.State, &s.Error, &s.Attempts, &created, &next); err != nil {
			return err
		}
		s.Created, s.Next = db.Time(created), db.Time(next)
		all = append(all, s)
		return nil
	})
	return all, err
}

// Waiting is a job that is not done, without its error: that may name an address.
type Waiting struct {
	Kind, State   string
	Attempts      int64
	Created, Next time.Time
}

// notDone reads each state by the index of its own, however many jobs are done. By
// the keys it could not: their order is the engine's own.
const notDone = `
	SELECT kind, state, attempts, created_at, not_before, id FROM outbox WHERE state = 'waiting' AND substr(idem_key, 1, $1) = $2
	UNION ALL
	SELECT kind, state, attempts, created_at, not_before, id FROM outbox WHERE state = 'dead' AND substr(idem_key, 1, $1) = $2
	ORDER BY 4, 6`

// ListWaiting lists the jobs that are not done whose keys begin in a way.
func ListWaiting(ctx context.Context, tx *db.Tx, prefix string) (all []Waiting, err error) {
	rows, err := tx.QueryContext(ctx, notDone, len(prefix), prefix)
	if err != nil {
		return nil, fmt.Errorf("list waiting jobs: %w", err)
	}
	err = rows.Each(func() error {
		var w Waiting
		var id string
		var created, next int64
		err := rows.Scan(&w.Kind, &w.State, &w.Attempts, &created, &next, &id)
		w.Created, w.Next = db.Time(created), db.Time(next)
		all = append(all, w)
		return err
	})
	return all, err
}

// Retry puts a dead or waiting job first in the queue. The error is NotFound
// when there is no such job, or it is done.
func Retry(ctx context.Context, tx *db.Tx, now time.Time, id string) error {
	n, err := tx.ExecContext(ctx, `
		UPDATE outbox SET state = 'waiting', not_before = $1, finished_at = 0 WHERE id = $2 AND state <> 'done'`,
		db.Millis(now), id)
	if err != nil {
		return fmt.Errorf("retry a job: %w", err)
	}
	if n == 0 {
		return fail.New(fail.NotFound, "error.not_found")
	}
	return nil
}

// Counts tells how many jobs wait and how many are dead, for watching.
func Counts(ctx context.Context, tx *db.Tx) (waiting, dead int64, err error) {
	if err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE state = 'waiting'`).Scan(&waiting); err != nil {
		return 0, 0, err
	}
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE state = 'dead'`).Scan(&dead)
	return waiting, dead, err
}

// Blank empties the dead jobs of a kind that were made before the given time:
// for jobs that hold a secret which has had its time.
func Blank(ctx context.Context, tx *db.Tx, kind string, before time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET payload = '{}' WHERE kind = $1 AND state = 'dead' AND created_at < $2`, kind, db.Millis(before))
	return err
}

// Sweep forgets jobs that were done before the given time.
func Sweep(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE state = 'done' AND finished_at < $1`, db.Millis(before))
	return err
}
