package outbox

import (
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/testkit"
)

// However many jobs are done, those that are not are found without them.
func TestWhatWaitsIsFoundByItsIndexes(t *testing.T) {
	postgres := strings.HasPrefix(testkit.URL(t), "postgres")
	explain := `EXPLAIN QUERY PLAN `
	if postgres {
		explain = `EXPLAIN `
	}
	var plan strings.Builder
	err := testkit.DB(t).View(t.Context(), func(tx *db.Tx) error {
		if postgres { // which would read so small a table whole
			if _, err := tx.ExecContext(t.Context(), `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(t.Context(), explain+notDone, 9, "notify/x/")
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var step string
			into := []any{new(int64), new(int64), new(int64), &step}
			if postgres {
				into = into[3:]
			}
			err := rows.Scan(into...)
			plan.WriteString(step + "\n")
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{"outbox_waiting", "outbox_dead"} {
		if !strings.Contains(plan.String(), index) {
			t.Errorf("%s is not used:\n%s", index, plan.String())
		}
	}
}
