// Package outbox is work that must happen after a deed and outside its
// transaction: mails today, deliveries to authorities' systems next.
//
// A job is a row written in the transaction of the deed, so it exists if and
// only if the deed does. It has a key that never repeats, may run twice, is
// tried again until it succeeds, and ends as done or dead; dead ones are seen
// by service management and never dropped. Any number of nodes may work the
// same outbox. Why this is ours: docs/adr/0004.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"luvat/internal/db"
)

// A Job is a piece of work, stored as JSON.
type Job interface {
	// Kind is the job's stored name: it never changes.
	Kind() string
	// Key tells this job from all others, of any kind, for ever: adding it
	// again does nothing.
	Key() string
}

// Add queues jobs in the transaction of the deed that calls for them.
func Add(ctx context.Context, tx *db.Tx, now time.Time, jobs ...Job) error {
	return AddAt(ctx, tx, now, now, jobs...)
}

// AddAt queues jobs that must not run before notBefore.
func AddAt(ctx context.Context, tx *db.Tx, now, notBefore time.Time, jobs ...Job) error {
	for _, j := range jobs {
		payload, err := json.Marshal(j)
		if err != nil {
			return fmt.Errorf("write job %s: %w", j.Kind(), err)
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO outbox (id, kind, idem_key, payload, state, not_before, created_at)
			VALUES ($1, $2, $3, $4, 'waiting', $5, $6)
			ON CONFLICT (idem_key) DO NOTHING`,
			db.NewID(), j.Kind(), j.Key(), string(payload), db.Millis(notBefore), db.Millis(now))
		if err != nil {
			return fmt.Errorf("queue job %s: %w", j.Kind(), err)
		}
	}
	return nil
}

// permanent marks an error that no further try would mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent says that a job has failed for good: it goes to the dead ones,
// where people see it, and is not tried again by itself.
func Permanent(err error) error { return permanent{err} }

// A Worker runs the jobs.
type Worker struct {
	DB  *db.DB
	Now func() time.Time
	Log *slog.Logger

	handlers map[string]func(context.Context, []byte) error
	wake     chan struct{}
	mu       sync.Mutex
}

const (
	lease    = 5 * time.Minute // a job whose worker died is taken again after this
	poll     = 250 * time.Millisecond
	atOnce   = 16
	maxDelay = time.Hour
	// giveUp is how long a job is tried: a mail server may be down for days.
	giveUp = 30 * 24 * time.Hour
)

// NewWorker returns a worker without handlers.
func NewWorker(d *db.DB, now func() time.Time, log *slog.Logger) *Worker {
	return &Worker{DB: d, Now: now, Log: log, handlers: map[string]func(context.Context, []byte) error{}, wake: make(chan struct{}, 1)}
}

// Handle says what to do with jobs of J's kind. fn may be called twice for
// the same job and must then have the effect of once.
func Handle[J Job](w *Worker, fn func(context.Context, J) error) {
	var zero J
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers[zero.Kind()] = func(ctx context.Context, payload []byte) error {
		var j J
		if err := json.Unmarshal(payload, &j); err != nil {
			return Permanent(fmt.Errorf("read job: %w", err))
		}
		return fn(ctx, j)
	}
}

// Wake makes the worker look now instead of at its next round.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until the context ends, and then finishes what it has begun.
func (w *Worker) Run(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		n, err := w.Round(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "outbox round failed", "err", err)
		}
		if n == atOnce {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.wake:
		}
	}
}

type row struct {
	id, kind, payload string
	attempts          int64
	created           int64
}

// Round takes the jobs that are due, at most a handful, runs them and tells
// how many they were. Run calls it; tests call it by themselves.
func (w *Worker) Round(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	taken, err := w.take(ctx)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	for _, r := range taken {
		wg.Go(func() { w.work(context.WithoutCancel(ctx), r) })
	}
	wg.Wait()
	return len(taken), nil
}

func (w *Worker) take(ctx context.Context) ([]row, error) {
	now := w.Now()
	due := false
	err := w.DB.View(ctx, func(tx *db.Tx) error { // most rounds find nothing: do not bother the writer
		var one int64
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM outbox WHERE state = 'waiting' AND not_before <= $1 LIMIT 1`, db.Millis(now)).Scan(&one)
		due = err == nil
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || !due {
		return nil, err
	}
	var taken []row
	err = w.DB.InTx(ctx, func(tx *db.Tx) error {
		taken = taken[:0]
		// The condition stands twice: on PostgreSQL a second node waits for the
		// first one's lock and then finds the row already leased.
		rows, err := tx.QueryContext(ctx, `
			UPDATE outbox SET not_before = $1, attempts = attempts + 1
			WHERE  state = 'waiting' AND not_before <= $2 AND id IN (
				SELECT id FROM outbox WHERE state = 'waiting' AND not_before <= $3
				ORDER BY not_before, id LIMIT $4)
			RETURNING id, kind, payload, attempts, created_at`,
			db.Millis(now.Add(lease)), db.Millis(now), db.Millis(now), atOnce)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var r row
			if err := rows.Scan(&r.id, &r.kind, &r.payload, &r.attempts, &r.created); err != nil {
				return err
			}
			taken = append(taken, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("take jobs: %w", err)
	}
	return taken, nil
}

func (w *Worker) work(ctx context.Context, r row) {
	err := w.run(ctx, r)
	now := w.Now()
	state, next := "done", int64(0)
	_, never := errors.AsType[permanent](err)
	switch {
	case err == nil:
	case never, now.Sub(db.Time(r.created)) > giveUp:
		state = "dead"
		w.Log.ErrorContext(ctx, "job given up: look at the outbox page", "job", r.id, "kind", r.kind, "attempts", r.attempts)
	default:
		state, next = "waiting", db.Millis(now.Add(backoff(r.attempts)))
		w.Log.WarnContext(ctx, "job failed, will be tried again", "job", r.id, "kind", r.kind, "attempts", r.attempts)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	finished := int64(0)
	if state != "waiting" {
		finished = db.Millis(now)
	}
	err = w.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE outbox SET state = $1, not_before = $2, last_error = $3, finished_at = $4,
				payload = CASE WHEN $5 = 'done' THEN '{}' ELSE payload END -- secrets of invitations end here
			WHERE id = $6 AND state = 'waiting' AND attempts = $7 -- unless its lease went to another`,
			state, next, text, finished, state, r.id, r.attempts)
		return err
	})
	if err != nil { // the lease ends and the job runs again
		w.Log.ErrorContext(ctx, "job's end not written", "job", r.id, "err", err)
	}
}

func (w *Worker) run(ctx context.Context, r row) (err error) {
	w.mu.Lock()
	handler := w.handlers[r.kind]
	w.mu.Unlock()
	if handler == nil {
		return fmt.Errorf("nobody handles jobs of kind %s", r.kind)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job panicked: %v", p)
		}
	}()
	return handler(ctx, []byte(r.payload))
}

// backoff is how long to wait after the given number of tries: a second,
// doubling up to an hour, with a quarter of chance so that a herd spreads.
func backoff(attempts int64) time.Duration {
	d := maxDelay
	if attempts < 12 {
		d = min(maxDelay, time.Second<<attempts)
	}
	return d*3/4 + rand.N(d/4)
}
