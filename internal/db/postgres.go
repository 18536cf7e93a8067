package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	pgUnique   = "23505"
	pgDiskFull = "53100"
	pgDeadlock = "40P01"
	pgSerial   = "40001"
)

type pgBackend struct {
	pool *pgxpool.Pool
	std  *sql.DB
}

func openPostgres(ctx context.Context, url string) (*pgBackend, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database address cannot be read: write postgres://user:password@host:port/name") // err would show the password
	}
	if cfg.MaxConns < 16 {
		cfg.MaxConns = 16
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &pgBackend{pool: pool}, nil
}

func (b *pgBackend) standard() (*sql.DB, error) {
	if b.std == nil {
		b.std = stdlib.OpenDBFromPool(b.pool)
	}
	return b.std, nil
}

func (b *pgBackend) inTx(ctx context.Context, fn func(*Tx) error) error {
	for try := 0; ; try++ {
		err := b.run(ctx, pgx.TxOptions{}, fn)
		code := pgCode(err)
		if try < 3 && (code == pgDeadlock || code == pgSerial) {
			continue // nothing was done; the other one went first
		}
		return err
	}
}

func (b *pgBackend) view(ctx context.Context, fn func(*Tx) error) error {
	return b.run(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

func (b *pgBackend) run(ctx context.Context, o pgx.TxOptions, fn func(*Tx) error) error {
	tx, err := b.pool.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit it says so
	if err := fn(&Tx{pgTx{tx}, Postgres}); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (b *pgBackend) ping(ctx context.Context) error { return b.pool.Ping(ctx) }

func (b *pgBackend) close() error {
	var err error
	if b.std != nil {
		err = b.std.Close()
	}
	b.pool.Close()
	return err
}

type pgTx struct{ tx pgx.Tx }

func (t pgTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	tag, err := t.tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (t pgTx) query(ctx context.Context, query string, args []any) (rows, error) {
	r, err := t.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgRows{r}, nil
}

type pgRows struct{ pgx.Rows }

func (r pgRows) Close() error {
	r.Rows.Close()
	return nil
}

func pgCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// IsUnique tells whether err says that a row with the same key is there.
func IsUnique(err error) bool {
	switch sqliteCode(err) {
	case sqliteUnique, sqlitePrimaryKey:
		return true
	}
	return pgCode(err) == pgUnique
}

// IsFull tells whether err says that the disk has no room.
func IsFull(err error) bool {
	return sqliteCode(err)&0xff == sqliteFull || pgCode(err) == pgDiskFull
}
