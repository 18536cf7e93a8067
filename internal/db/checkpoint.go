package db

import (
	"context"
	"database/sql"
	"time"
)

// checkpointEach is how often, at most, the log is copied into the file.
const checkpointEach = 100 * time.Millisecond

// checkpointer copies SQLite's write-ahead log into the database file while the
// writer goes on. The writer would do it by itself when the log has grown, and
// all deeds would wait for it; so there is little left to copy when it does,
// and then the log begins anew (a checkpoint beside a writer never ends it).
type checkpointer struct {
	db   *sql.DB
	wake chan struct{}
	quit chan struct{}
	gone chan struct{}
}

func newCheckpointer(d *sql.DB) *checkpointer {
	c := &checkpointer{db: d, wake: make(chan struct{}, 1), quit: make(chan struct{}), gone: make(chan struct{})}
	d.SetMaxOpenConns(1)
	go c.run()
	return c
}

// wrote tells that a commit was made.
func (c *checkpointer) wrote() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run() {
	defer close(c.gone)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-c.quit:
			return
		case <-pause.C:
		}
		select {
		case <-c.quit:
			return
		case <-c.wake:
		}
		// An error is no loss: what is not copied now is copied the next time.
		_, _ = c.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
		pause.Reset(checkpointEach)
	}
}

// stop ends it. Its connection is whoever opened it's to close.
func (c *checkpointer) stop() {
	close(c.quit)
	<-c.gone
}
