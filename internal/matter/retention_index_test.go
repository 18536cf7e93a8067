package matter

import (
	"regexp"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/testkit"
)

// However many matters have ended and been emptied, those whose time is up are
// found by an index that holds no others.
func TestEndedMattersAreFoundByTheirIndex(t *testing.T) {
	ctx := t.Context()
	explain, steps, want := `EXPLAIN QUERY PLAN `, 3, `INDEX matters_ended \(offer_id=\? AND changed_at<\?\)`
	postgres := strings.HasPrefix(testkit.URL(t), "postgres")
	if postgres {
		explain, steps, want = `EXPLAIN `, 0, `using matters_ended on [^\n]*\n *Index Cond: [^\n]*changed_at < `
	}
	var plan []string
	err := testkit.DB(t).View(ctx, func(tx *db.Tx) error {
		if postgres { // which would read so small a table whole
			if _, err := tx.ExecContext(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(ctx, explain+ended, retentionPage, 24, 0)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			into := make([]any, steps+1)
			for i := range steps {
				into[i] = new(int64)
			}
			var step string
			into[steps] = &step
			if err := rows.Scan(into...); err != nil {
				return err
			}
			plan = append(plan, step)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan, "\n"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("the plan is\n%s", got)
	}
}
