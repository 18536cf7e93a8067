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
// find its way by an index. PostgreSQL would read so small a table whole.
func planOf(t *testing.T, query string, args ...any) string {
	t.Helper()
	return explained(t, testkit.DB(t), `SET LOCAL enable_seqscan = off`, query, args...)
}

// explained is how the engine would read from a database as it stands; set is said
// to PostgreSQL before.
func explained(t *testing.T, d *db.DB, set, query string, args ...any) string {
	t.Helper()
	ctx := t.Context()
	explain, steps := `EXPLAIN QUERY PLAN `, 3
	if onPostgres(t) {
		explain, steps = `EXPLAIN `, 0
	}
	var plan []string
	err := d.View(ctx, func(tx *db.Tx) error {
		if onPostgres(t) && set != "" {
			if _, err := tx.ExecContext(ctx, set); err != nil {
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
	for index, want := range map[string]int{"matters_handler": 1, "matters_inbox": 2} {
		if got := strings.Count(plan, index); got != want {
			t.Errorf("%s is read %d times, want %d", index, got, want)
		}
	}
	if strings.Contains(plan, "SCAN matters") || strings.Contains(plan, "Seq Scan on matters") || strings.Contains(plan, "TEMP B-TREE") {
		t.Error("more than the indexes is read")
	}
	if t.Failed() {
		t.Log(plan)
	}
}

// The plan must be the same where much waits: not what gathers all that an offer
// has, and sorts it, as PostgreSQL would, which knows how much there is of
// everything.
func TestTheInboxIsCountedByItsIndexesWhereMuchWaits(t *testing.T) {
	d := testkit.DB(t)
	offers := []string{"a/x", "a/y"}
	query, args := countQuery(identity.Officer{Person: identity.Person{ID: "riikka"}}, offers)
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		for _, fill := range []string{
			`INSERT INTO projects (id, number, entity, municipality, name, form_hash, created_by, created_at, changed_at) VALUES ('p', 'H', 'event', '837', 'Juhla', 'h', 'aino', 1, 1)`,
			`WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 20)
				INSERT INTO offers (id, authority_id, type_id, way, territory, notice_email) SELECT 'a/' || i, 'a', 't' || i, 'light', 'national', '' FROM s`,
			`INSERT INTO offers (id, authority_id, type_id, way, territory, notice_email) VALUES ('a/x', 'a', 'x', 'light', 'national', ''), ('a/y', 'a', 'y', 'light', 'national', '')`,
			`WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 20000)
				INSERT INTO matters (id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, status, status_at, holder, holder_since, sort_at, handler_id, consent_at, created_at, changed_at)
				SELECT 'm' || i, 'n' || i, 'p', CASE i % 3 WHEN 0 THEN 'a/x' WHEN 1 THEN 'a/y' ELSE 'a/' || (1 + i % 20) END, 'a', 'x', 'permit', 'light', 'f', 'h',
					CASE WHEN i % 5 = 0 THEN 'draft' ELSE 'in_handling' END, 1, CASE WHEN i % 5 = 1 THEN 'applicant' ELSE 'authority' END, 1, i, 'h' || (i % 50), i % 2, 1, i
				FROM s`,
			`ANALYZE matters`, `ANALYZE offers`,
		} {
			if _, err := tx.ExecContext(t.Context(), fill); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := explained(t, d, "", query, args...)
	if strings.Contains(plan, "Bitmap") || strings.Contains(plan, "Sort") || strings.Contains(plan, "Seq Scan on matters") ||
		strings.Contains(plan, "SCAN matters") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("the plan is\n%s", plan)
	}
	var n [2]int64
	err = d.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRowContext(t.Context(), query, args...).Scan(&n[0], &n[1])
	})
	if want := [2]int64{0, 51}; err != nil || n != want {
		t.Errorf("counted are %v, %v; want %v", n, err, want)
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
