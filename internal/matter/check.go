package matter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"luvat/internal/db"
	"luvat/internal/ledger"
)

// CheckStates compares every matter's status and holder, and with whom it is
// shared, with what its ledger says, looks for drafts whose text is gone, and returns
// how many matters there are. All that is wrong is told.
func CheckStates(ctx context.Context, d *db.DB) (n int64, err error) {
	wrong, err := lostDrafts(ctx, d)
	if err != nil {
		return 0, err
	}
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

// lostDrafts finds the matters and projects whose last version is not kept, though
// their content was not removed.
func lostDrafts(ctx context.Context, d *db.DB) (wrong []error, err error) {
	err = d.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT 'matter ' || m.id FROM matters m WHERE m.removed_at = 0
				AND NOT EXISTS (SELECT 1 FROM draft_versions v WHERE v.subject = m.id AND v.version = m.version)
			UNION ALL
			SELECT 'project ' || p.id FROM projects p WHERE EXISTS (SELECT 1 FROM draft_versions v WHERE v.subject = p.id)
				AND NOT EXISTS (SELECT 1 FROM draft_versions v WHERE v.subject = p.id AND v.version = p.version)
			LIMIT 50`)
		if err != nil {
			return fmt.Errorf("look for lost drafts: %w", err)
		}
		return rows.Each(func() error {
			var of string
			err := rows.Scan(&of)
			wrong = append(wrong, fmt.Errorf("the draft of %s is gone", of))
			return err
		})
	})
	return wrong, err
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
	return m.compareShares(ctx, tx, entries)
}

// CheckSeals compares every submission with its hash, and that with the one in
// the ledger. It returns how many there are; all that differ are told.
func CheckSeals(ctx context.Context, d *db.DB) (n int64, err error) {
	var wrong []error
	err = d.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT s.id, s.body, s.hash, COALESCE(l.data, '')
			FROM   submissions s LEFT JOIN ledger l ON l.stream = 'matter:' || s.matter_id AND l.deed IN ('matter.sent', 'matter.completed')
				AND l.data LIKE '%"submission":"' || s.id || '"%'`)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var id, body, hash, entry string
			if err := rows.Scan(&id, &body, &hash, &entry); err != nil {
				return err
			}
			n++
			sum := sha256.Sum256([]byte(body))
			if hex.EncodeToString(sum[:]) != hash || !strings.Contains(entry, `"hash":"`+hash+`"`) {
				wrong = append(wrong, fmt.Errorf("submission %s is not as it was sealed", id))
			}
			return nil
		})
	})
	return n, errors.Join(append(wrong, err)...)
}
