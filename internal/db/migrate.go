package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// The schema is one text for both engines. Migrations go forward only.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date and makes the database ready for
// writing. It refuses a schema that is newer than this program: ErrNewer.
func (d *DB) Migrate(ctx context.Context) error {
	std, err := d.back.standard()
	if err != nil {
		return err
	}
	p, err := d.provider(std)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if err := refuseNewer(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	if b, ok := d.back.(*sqliteBackend); ok {
		return b.start(ctx)
	}
	return nil
}

// SchemaVersion tells which schema the database has and which one this program
// wants.
func (d *DB) SchemaVersion(ctx context.Context) (has, wants int64, err error) {
	err = d.View(ctx, func(tx *Tx) error {
		return tx.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&has)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read the schema's version: %w", err)
	}
	list, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(list) == 0 {
		return 0, 0, errors.Join(err, errors.New("no migrations in this program"))
	}
	number, _, _ := strings.Cut(path.Base(list[len(list)-1]), "_") // the highest: numbers may have gaps
	wants, err = strconv.ParseInt(number, 10, 64)
	return has, wants, err
}

func (d *DB) provider(std *sql.DB) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if d.engine == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, std, folder)
	}
	locker, err := lock.NewPostgresSessionLocker() // several nodes may start at once
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, std, folder, goose.WithSessionLocker(locker))
}

func refuseNewer(ctx context.Context, p *goose.Provider) error {
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	sources := p.ListSources()
	if len(sources) == 0 {
		return errors.New("no migrations in this program")
	}
	if has > sources[len(sources)-1].Version {
		return ErrNewer
	}
	return nil
}
