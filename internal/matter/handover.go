package matter

import (
	"context"
	"fmt"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// TakeOver hands the open work of an officer whose role has ended to the
// successor, or back to the authority's inbox. Notices that went to the officer
// go to the authority's own address again. It may run twice: what was handed
// over is no longer the officer's.
func (d *Desk) TakeOver(ctx context.Context, l identity.Left) error {
	for {
		n, err := d.takeOverSome(ctx, l)
		if err != nil || n == 0 {
			return err
		}
	}
}

// takeOverSome hands over at most fifty matters, so that no transaction is long.
func (d *Desk) takeOverSome(ctx context.Context, l identity.Left) (n int, err error) {
	err = d.do(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT `+matterColumns+` FROM matters
			WHERE  handler_id <> '' AND handler_id = $1 AND holder IN ('applicant', 'authority', 'other_authority') AND authority_id = $2 AND status NOT IN ('draft', 'transferred')
			ORDER BY id LIMIT 50`, l.Person, l.Authority)
		if err != nil {
			return fmt.Errorf("find the open work: %w", err)
		}
		var all []*Matter
		err = rows.Each(func() error {
			var m Matter
			all = append(all, &m)
			return scanMatter(rows, &m)
		})
		if err != nil {
			return fmt.Errorf("find the open work: %w", err)
		}
		n = len(all)
		for _, m := range all {
			deed := DeedHandlerNamed
			if l.Successor == "" {
				deed = DeedHandlerLeft
			}
			if _, err := d.record(ctx, tx, m, ledger.TheHub, ledger.Hub, deed, deedData{Person: l.Successor}); err != nil {
				return err
			}
			m.Handler, m.NoticeEmail = l.Successor, ""
			if err := m.save(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
