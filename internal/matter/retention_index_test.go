package matter

import (
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/testkit"
)

// However many matters have ended and been emptied, those whose time is up are
// found by an index that holds no others.
func TestEndedMattersAreFoundByTheirIndex(t *testing.T) {
	if strings.HasPrefix(testkit.URL(t), "postgres") {
		t.Skip("PostgreSQL reads a small table whole")
	}
	ctx := t.Context()
	var plan []string
	err := testkit.DB(t).View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `EXPLAIN QUERY PLAN `+ended, retentionPage, 24, 0)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var id, parent, unused int64
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				return err
			}
			plan = append(plan, step)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan, "\n"); !strings.Contains(got, "INDEX matters_ended (offer_id=? AND changed_at<?)") {
		t.Errorf("the plan is\n%s", got)
	}
}
