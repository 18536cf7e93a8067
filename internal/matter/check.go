package matter

import (
	"context"
	"errors"
	"fmt"

	"luvat/internal/db"
	"luvat/internal/ledger"
)

// CheckStates compares every matter's status and holder with what its ledger
// says and returns how many matters there are. All that differ are told.
func CheckStates(ctx context.Context, d *db.DB) (n int64, err error) {
	var wrong []error
	after := ""
	for {
		got := 0
		err = d.View(ctx, func(tx *db.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT `+matterColumns+` FROM matters WHERE id > $1 ORDER BY id LIMIT 500`, after)
			if err != nil {
				return err
			}
			var page []*Matter
			if err := rows.Each(func() error {
				var m Matter
				if err := scanMatter(rows, &m); err != nil {
					return err
				}
				page = append(page, &m)
				return nil
			}); err != nil {
				return err
			}
			for _, m := range page {
				got++
				after = m.ID
				if err := m.compare(ctx, tx); err != nil {
					wrong = append(wrong, err)
				}
			}
			return nil
		})
		n += int64(got)
		if err != nil || got == 0 || len(wrong) > 50 {
			return n, errors.Join(append(wrong, err)...)
		}
	}
}

func (m *Matter) compare(ctx context.Context, tx *db.Tx) error {
	entries, err := ledger.Read(ctx, tx, ledger.MatterStream(m.ID))
	if err != nil {
		return err
	}
	s, err := Fold(entries)
	if err != nil {
		return fmt.Errorf("matter %s: %w", m.ID, err)
	}
	if s != m.State {
		return fmt.Errorf("matter %s is %s with %s, its ledger says %s with %s", m.ID, m.Status, m.Holder, s.Status, s.Holder)
	}
	return nil
}
