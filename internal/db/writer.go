package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// maxBatch bounds how many deeds share a commit, and so how long the first of
// them waits for the last.
const maxBatch = 64

// writer is the one that writes to a SQLite file. Deeds that arrive while a
// commit is on its way to the disk are done together in the next one, each in
// a savepoint of its own, so that one's failure does not touch the others.
type writer struct {
	conn *sqliteConn
	log  *checkpointer
	in   chan *deed
	quit chan struct{}
	once sync.Once
	gone chan struct{}
}

type deed struct {
	ctx   context.Context
	fn    func(*Tx) error
	done  chan struct{}
	err   error
	panic any
}

var errClosed = errors.New("database is closed")

func newWriter(conn *sqliteConn, log *checkpointer) *writer {
	w := &writer{conn: conn, log: log, in: make(chan *deed, maxBatch), quit: make(chan struct{}), gone: make(chan struct{})}
	go w.run()
	return w
}

// do hands a deed to the writer and waits until it is durable or undone.
func (w *writer) do(ctx context.Context, fn func(*Tx) error) error {
	d := &deed{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case w.in <- d:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return errClosed
	}
	select {
	case <-d.done:
	case <-w.gone:
		select {
		case <-d.done: // answered just before the end
		default:
			return errClosed
		}
	}
	if d.panic != nil {
		panic(d.panic)
	}
	return d.err
}

func (w *writer) stop() error {
	w.once.Do(func() {
		close(w.quit)
		<-w.gone
		w.log.stop()
	})
	return w.conn.close()
}

func (w *writer) run() {
	defer close(w.gone)
	for {
		select {
		case d := <-w.in:
			w.batch(d)
		case <-w.quit:
			for {
				select {
				case d := <-w.in:
					w.batch(d)
				default:
					return
				}
			}
		}
	}
}

// batch does first and whatever else waits, in one commit.
func (w *writer) batch(first *deed) {
	if _, err := w.conn.exec("BEGIN IMMEDIATE", nil); err != nil {
		first.answer(fmt.Errorf("begin: %w", err))
		return
	}
	kept := make([]*deed, 0, maxBatch)
	broken := w.one(first, &kept)
	for n := 1; broken == nil && n < maxBatch; n++ {
		select {
		case d := <-w.in:
			broken = w.one(d, &kept)
			continue
		default:
		}
		break
	}
	if broken == nil && len(kept) > 0 {
		if _, err := w.conn.exec("COMMIT", nil); err != nil {
			broken = fmt.Errorf("commit: %w", err)
		}
	}
	if broken != nil || len(kept) == 0 {
		_, _ = w.conn.exec("ROLLBACK", nil) // SQLite may have rolled back by itself already
	}
	for _, d := range kept {
		d.answer(broken)
	}
	w.log.wrote()
}

// one runs a deed in a savepoint. What succeeded is added to kept and answered
// after the commit. The error is not nil when the whole batch is lost.
func (w *writer) one(d *deed, kept *[]*deed) error {
	if err := d.ctx.Err(); err != nil {
		d.answer(err)
		return nil
	}
	if _, err := w.conn.exec("SAVEPOINT deed", nil); err != nil {
		d.answer(err)
		return fmt.Errorf("savepoint: %w", err)
	}
	err := d.run(w.conn)
	if err == nil {
		if _, err = w.conn.exec("RELEASE deed", nil); err == nil {
			*kept = append(*kept, d)
			return nil
		}
	}
	_, back := w.conn.exec("ROLLBACK TO deed", nil)
	if back == nil {
		_, back = w.conn.exec("RELEASE deed", nil)
	}
	d.answer(err)
	if back != nil { // a full disk makes SQLite give up the whole transaction
		return fmt.Errorf("undo a deed: %w", errors.Join(back, err))
	}
	return nil
}

func (d *deed) run(conn *sqliteConn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.panic = fmt.Sprintf("%v\n%s", p, debug.Stack())
			err = errors.New("panic in a transaction")
		}
	}()
	return d.fn(&Tx{shared{conn}, SQLite})
}

// shared is the writing connection as deeds see it: statements do not stop when
// their caller's context ends, because the batch belongs to others too.
type shared struct{ *sqliteConn }

func (s shared) exec(_ context.Context, query string, args []any) (int64, error) {
	return s.sqliteConn.exec(query, args)
}

func (s shared) query(_ context.Context, query string, args []any) (rows, error) {
	return s.sqliteConn.query(query, args)
}

func (d *deed) answer(err error) {
	d.err = err
	close(d.done)
}
