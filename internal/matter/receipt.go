package matter

import (
	"context"
	"errors"
	"fmt"

	"luvat/internal/db"
	"luvat/internal/identity"
)

// Receipt returns a submission for a member of its project.
func (d *Desk) Receipt(ctx context.Context, who identity.Customer, matter string, n int64) (s Submission, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		if _, _, err := ownedBy(ctx, tx, who, matter, toSee); err != nil {
			return err
		}
		s, err = submission(ctx, tx, matter, n)
		return err
	})
	return s, err
}

func submission(ctx context.Context, tx *db.Tx, matter string, n int64) (s Submission, err error) {
	var at int64
	err = tx.QueryRowContext(ctx, `SELECT id, matter_id, n, body, hash, sent_by, sent_at FROM submissions WHERE matter_id = $1 AND n = $2`, matter, n).
		Scan(&s.ID, &s.Matter, &s.N, &s.Body, &s.Hash, &s.SentBy, &at)
	s.SentAt = db.Time(at)
	if errors.Is(err, db.ErrNoRows) {
		return s, errNotFound
	}
	if err != nil {
		return s, fmt.Errorf("read submission: %w", err)
	}
	return s, nil
}

// submissionsOf returns what was sent of a matter, oldest first.
func submissionsOf(ctx context.Context, tx *db.Tx, matter string) ([]Submission, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, matter_id, n, body, hash, sent_by, sent_at FROM submissions WHERE matter_id = $1 ORDER BY n`, matter)
	if err != nil {
		return nil, fmt.Errorf("read submissions: %w", err)
	}
	var all []Submission
	err = rows.Each(func() error {
		var s Submission
		var at int64
		if err := rows.Scan(&s.ID, &s.Matter, &s.N, &s.Body, &s.Hash, &s.SentBy, &at); err != nil {
			return err
		}
		s.SentAt = db.Time(at)
		all = append(all, s)
		return nil
	})
	return all, err
}
