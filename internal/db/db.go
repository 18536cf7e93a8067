// Package db opens the hub's database and runs transactions on it.
//
// It is the only package that tells SQLite from PostgreSQL. Everybody else
// writes one SQL text for both: numbered parameters ($1), columns named, times
// as BIGINT unix milliseconds, JSON and hashes as TEXT, no NULLs.
//
// Writes go through InTx and reads through View. On SQLite there is one writer
// that commits concurrent deeds together with synchronous=FULL (see writer.go
// and docs/adr/0002): each deed is durable when InTx returns, yet eight of them
// cost about one disk flush.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ErrNoRows says that a query for one row found none.
var ErrNoRows = sql.ErrNoRows

// ErrNewer says that the database was made by a newer hub.
var ErrNewer = errors.New("the database was made by a newer version of the hub: start that version, or restore a backup")

// Engine names what stands behind a DB.
type Engine string

// The two engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// A DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	back   backend
}

// backend is what the two engines do differently.
type backend interface {
	inTx(ctx context.Context, fn func(*Tx) error) error
	view(ctx context.Context, fn func(*Tx) error) error
	standard() (*sql.DB, error) // for migrations only
	ping(ctx context.Context) error
	close() error
}

// A Tx is a running transaction. It is valid only inside the function it was
// given to, and for one goroutine.
type Tx struct {
	q      querier
	engine Engine
}

type querier interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	query(ctx context.Context, query string, args []any) (rows, error)
}

type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Options tune an Open. The zero value is right for the hub.
type Options struct {
	// ReadOnly opens without taking the file's lock and refuses writes: for
	// looking at a database that a running hub holds.
	ReadOnly bool
	// NoMigrate leaves the schema as it is.
	NoMigrate bool
}

// Open opens the database at url and brings its schema up to date.
//
// The url is postgres://… or sqlite:<file>; a SQLite file is made if it is not
// there. A SQLite file belongs to one process at a time. The error is ErrNewer
// when the schema is newer than this program knows.
func Open(ctx context.Context, url string, opts ...Options) (*DB, error) {
	var o Options
	if len(opts) > 0 {
		o = opts[0]
	}
	d := &DB{}
	var err error
	switch {
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		d.engine = Postgres
		d.back, err = openPostgres(ctx, url)
	case strings.HasPrefix(url, "sqlite:"):
		d.engine = SQLite
		d.back, err = openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"), o.ReadOnly)
	default:
		return nil, errors.New("the database address must begin with sqlite: or with postgres:, the latter as in postgres://host/name")
	}
	if err != nil {
		return nil, err
	}
	if !o.ReadOnly && !o.NoMigrate {
		if err := d.Migrate(ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Engine tells which engine stands behind.
func (d *DB) Engine() Engine { return d.engine }

// InTx runs fn in a transaction that may write and returns when what it did is
// durable, or has left no trace.
//
// fn may run in another goroutine than the caller's and must neither call InTx
// nor wait for anything outside: on SQLite all other writers wait for it. An
// error from fn rolls its deeds back and is returned as it is.
func (d *DB) InTx(ctx context.Context, fn func(*Tx) error) error {
	return d.back.inTx(ctx, fn)
}

// View runs fn in a read-only transaction that sees one state of the database.
func (d *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return d.back.view(ctx, fn)
}

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.back.ping(ctx) }

// Close waits for running transactions and closes the database.
func (d *DB) Close() error { return d.back.close() }

// ExecContext runs a statement and tells how many rows it touched.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (int64, error) {
	return t.q.exec(ctx, query, args)
}

// QueryContext runs a query. The rows must be closed before the next use of
// the transaction.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*Rows, error) {
	r, err := t.q.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &Rows{r}, nil
}

// QueryRowContext runs a query for one row; the errors come from Scan.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *Row {
	r, err := t.q.query(ctx, query, args)
	return &Row{r, err}
}

// Alone waits until no other transaction that called Alone with the same name is
// running, on any node, and keeps them out until its own ends. What it reads from
// then on includes what they wrote. SQLite's one writer is alone anyhow.
//
// It is for what a unique constraint cannot hold, and for rare deeds: they queue.
func (t *Tx) Alone(ctx context.Context, name string) error {
	if t.engine != Postgres {
		return nil
	}
	if _, err := t.q.exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, []any{name}); err != nil {
		return fmt.Errorf("wait to be alone: %w", err)
	}
	return nil
}

// Engine tells which engine runs the transaction: only for packages of the
// ground that must branch, with the reason beside it.
func (t *Tx) Engine() Engine { return t.engine }

// Rows are the answer to a query.
type Rows struct{ rows }

// Each calls fn for every row and closes the rows.
func (r *Rows) Each(fn func() error) error {
	defer r.Close() //nolint:errcheck // Err tells what matters
	for r.Next() {
		if err := fn(); err != nil {
			return err
		}
	}
	return r.Err()
}

// Row is the answer to a query for one row.
type Row struct {
	rows rows
	err  error
}

// Scan copies the row's columns, or returns ErrNoRows.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close() //nolint:errcheck // Err tells what matters
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	for r.rows.Next() { // a second row would be a mistake of the query; drain so that its errors show
	}
	return r.rows.Err()
}

// NewID makes an identifier: a UUIDv7, which sorts by the time it was made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Millis is how a time is stored: unix milliseconds, 0 for no time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time is the reverse of Millis, in UTC.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// In returns a list of numbered parameters for an IN, beginning after the
// parameters already used: In(2, 3) is "$3, $4, $5". At least one is needed.
func In(used, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", used+i+1)
	}
	return b.String()
}
