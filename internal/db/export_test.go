package db

import (
	"context"
	"fmt"
)

// LimitPages makes a SQLite database full at n pages, as a full disk would.
func (d *DB) LimitPages(n int) error {
	return d.InTx(context.Background(), func(tx *Tx) error {
		_, err := tx.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", n))
		return err
	})
}

// MigrateTo brings the schema up to a version only; Migrate goes on from there.
func (d *DB) MigrateTo(ctx context.Context, version int64, fill ...string) error {
	std, err := d.back.standard()
	if err != nil {
		return err
	}
	p, err := d.provider(std)
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return err
	}
	for _, query := range fill {
		if _, err := std.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
