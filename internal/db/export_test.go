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
