package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	sqlitedriver "modernc.org/sqlite"
)

const (
	sqliteFull       = 13
	sqliteUnique     = 2067
	sqlitePrimaryKey = 1555
)

type sqliteBackend struct {
	write   *sql.DB
	read    *sql.DB
	check   *sql.DB
	writer  *writer // nil when read-only
	readers chan *sqliteConn
	unlock  func() error
}

func openSQLite(ctx context.Context, file string, readOnly bool) (_ *sqliteBackend, err error) {
	b := &sqliteBackend{unlock: func() error { return nil }}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if readOnly {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	} else {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fmt.Errorf("make the database's folder: %w", err)
		}
		if b.unlock, err = lockFile(file + ".lock"); err != nil {
			b.unlock = func() error { return nil }
			return nil, err
		}
	}
	name := (&url.URL{Scheme: "file", Opaque: url.PathEscape(filepath.ToSlash(file))}).String()
	common := "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	if !readOnly {
		// What a savepoint would restore is a few pages: temp_store keeps it from
		// being written to a file of its own in every commit.
		if b.write, err = sql.Open("sqlite", name+common+"&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16000)&_pragma=temp_store(MEMORY)"); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		b.write.SetMaxOpenConns(1)
		if b.check, err = sql.Open("sqlite", name+common+"&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-200)"); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		if err := b.write.PingContext(ctx); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	// No mmap: it made no query faster, and every reader's mapping counts as
	// memory of the process (docs/benchmarks.md).
	if b.read, err = sql.Open("sqlite", name+common+"&_pragma=query_only(1)&_pragma=cache_size(-12000)"); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	n := max(2, runtime.NumCPU()) // reading is work of the processor: more at once would only wait for each other, and longer
	b.read.SetMaxOpenConns(n)
	b.readers = make(chan *sqliteConn, n)
	for range n {
		b.readers <- &sqliteConn{} // opened when first needed
	}
	return b, nil
}

// start hands the writing connection to the writer; from then on standard is
// refused. It is not done in Open because migrations come first.
func (b *sqliteBackend) start(ctx context.Context) error {
	if b.writer != nil || b.write == nil {
		return nil
	}
	conn, err := b.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open the writing connection: %w", err)
	}
	b.writer = newWriter(&sqliteConn{conn: conn, stmts: map[string]*cached{}}, newCheckpointer(b.check))
	return nil
}

func (b *sqliteBackend) standard() (*sql.DB, error) {
	switch {
	case b.write == nil:
		return nil, errors.New("database opened for reading only")
	case b.writer != nil:
		return nil, errors.New("database already in use")
	}
	return b.write, nil
}

func (b *sqliteBackend) inTx(ctx context.Context, fn func(*Tx) error) error {
	if b.writer == nil {
		return errors.New("database not ready for writing")
	}
	return b.writer.do(ctx, fn)
}

func (b *sqliteBackend) view(ctx context.Context, fn func(*Tx) error) error {
	var c *sqliteConn
	select {
	case c = <-b.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.readers <- c }()
	if c.conn == nil {
		conn, err := b.read.Conn(ctx)
		if err != nil {
			return fmt.Errorf("open a reading connection: %w", err)
		}
		c.conn, c.stmts = conn, map[string]*cached{}
	}
	if _, err := c.exec("BEGIN", nil); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer c.exec("ROLLBACK", nil) //nolint:errcheck // nothing was written
	return fn(&Tx{reading{c}, SQLite})
}

// reading is a connection as readers see it: it stops between statements when
// the caller's context has ended. Stopping in the midst of one would take the
// driver two goroutines a statement, which is half of what a short one costs.
type reading struct{ *sqliteConn }

func (r reading) exec(ctx context.Context, query string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return r.sqliteConn.exec(query, args)
}

func (r reading) query(ctx context.Context, query string, args []any) (rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.sqliteConn.query(query, args)
}

func (b *sqliteBackend) ping(ctx context.Context) error {
	return b.view(ctx, func(tx *Tx) error {
		var one int
		return tx.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	})
}

func (b *sqliteBackend) close() error {
	var errs []error
	if b.writer != nil {
		errs = append(errs, b.writer.stop())
	}
	if b.readers != nil {
		for range cap(b.readers) {
			errs = append(errs, (<-b.readers).close())
		}
	}
	for _, d := range []*sql.DB{b.read, b.check, b.write} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	return errors.Join(append(errs, b.unlock())...)
}

// sqliteConn is one connection with its prepared statements kept: SQLite
// spends as long on parsing a short statement as on running it.
type sqliteConn struct {
	conn  *sql.Conn
	stmts map[string]*cached
}

type cached struct {
	stmt *sql.Stmt
	busy bool // its rows are still being read
}

const maxCached = 500 // texts are constants of the program; lists of IN vary a little

func (c *sqliteConn) prepared(query string) (*cached, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxCached {
		for text, s := range c.stmts {
			if !s.busy {
				_ = s.stmt.Close()
				delete(c.stmts, text)
			}
		}
	}
	stmt, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s := &cached{stmt: stmt}
	c.stmts[query] = s
	return s, nil
}

func (c *sqliteConn) exec(query string, args []any) (int64, error) {
	s, err := c.prepared(query)
	if err != nil {
		return 0, err
	}
	res, err := s.stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *sqliteConn) query(query string, args []any) (rows, error) {
	s, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	if s.busy { // the same query inside itself: give it a statement of its own
		return c.conn.QueryContext(context.Background(), query, args...)
	}
	r, err := s.stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &cachedRows{Rows: r, of: s}, nil
}

func (c *sqliteConn) close() error {
	if c.conn == nil {
		return nil
	}
	for _, s := range c.stmts {
		_ = s.stmt.Close()
	}
	return c.conn.Close()
}

type cachedRows struct {
	*sql.Rows
	of   *cached
	once sync.Once
}

func (r *cachedRows) Next() bool {
	more := r.Rows.Next()
	if !more {
		r.free()
	}
	return more
}

func (r *cachedRows) Close() error {
	err := r.Rows.Close()
	r.free()
	return err
}

func (r *cachedRows) free() { r.once.Do(func() { r.of.busy = false }) }

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlitedriver.Error](err); ok {
		return e.Code()
	}
	return 0
}
