package matter

import (
	"regexp"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/testkit"
)

// planOf is how the engine of the tests would read, for a query that has to
// find its way by an index.
func planOf(t *testing.T, query string, args ...any) string {
	t.Helper()
	ctx := t.Context()
	explain, steps := `EXPLAIN QUERY PLAN `, 3
	if onPostgres(t) {
		explain, steps = `EXPLAIN `, 0
	}
	var plan []string
	err := testkit.DB(t).View(ctx, func(tx *db.Tx) error {
		if onPostgres(t) { // which would read so small a table whole
			if _, err := tx.ExecContext(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(ctx, explain+query, args...)
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
	return strings.Join(plan, "\n")
}

func onPostgres(t *testing.T) bool { return strings.HasPrefix(testkit.URL(t), "postgres") }

// However many matters have ended and been emptied, those whose time is up are
// found by an index that holds no others.
func TestEndedMattersAreFoundByTheirIndex(t *testing.T) {
	want := `INDEX matters_ended \(offer_id=\? AND changed_at<\?\)`
	if onPostgres(t) {
		want = `using matters_ended on [^\n]*\n *Index Cond: [^\n]*changed_at < `
	}
	if got := planOf(t, ended, retentionPage, 24, 0); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("the plan is\n%s", got)
	}
}

// However many matters there are, counting the inbox reads only the indexes of
// its buckets.
func TestTheInboxIsCountedByItsIndexes(t *testing.T) {
	query, args := countQuery(identity.Officer{Person: identity.Person{ID: "riikka"}}, []string{"rescue-pirkanmaa/rescue-plan", "rescue-pirkanmaa/chemicals-minor"})
	plan := planOf(t, query, args...)
	for index, want := range map[string]int{"matters_handler": 1, "matters_inbox": 2, "matters_other": 1, "matters_consent": 1} {
		if got := strings.Count(plan, index); got != want {
			t.Errorf("%s is read %d times, want %d", index, got, want)
		}
	}
	if strings.Contains(plan, "SCAN m\n") || strings.Contains(plan, "Seq Scan on matters") || strings.Contains(plan, "TEMP B-TREE") {
		t.Error("more than the indexes is read")
	}
	if t.Failed() {
		t.Log(plan)
	}
}

// However many matters were transferred, those of which another authority was
// asked are listed without them.
func TestWhatWaitsOnAnotherIsListedByItsIndex(t *testing.T) {
	query, args := inboxQuery(identity.Officer{Person: identity.Person{ID: "riikka"}}, Query{Bucket: OnOther}, []string{"rescue-pirkanmaa/rescue-plan", "rescue-pirkanmaa/chemicals-minor"})
	if plan := planOf(t, query, args...); strings.Count(plan, "matters_other") != 2 || strings.Contains(plan, "matters_inbox") {
		t.Errorf("the plan is\n%s", plan)
	}
}
