package db_test

import (
	"testing"

	"luvat/internal/db"
	"luvat/internal/testkit"
)

// A draft that was never saved was in the matter's row alone; one that was is in
// its last version too. What was removed after its time does not come back.
func TestDraftsOutliveTheColumnTheyWereIn(t *testing.T) {
	ctx := t.Context()
	d, err := db.Open(ctx, testkit.URL(t), db.Options{NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // the end of the test
	matter := func(id, answers, version, removed string) string {
		return `INSERT INTO matters (id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, answers, version, status, status_at, holder, holder_since, sort_at, removed_at, created_at, changed_at)
			VALUES ('` + id + `', '` + id + `', 'p', '', '', '', '', '', '', '', '` + answers + `', ` + version + `, 'draft', 0, 'applicant', 0, 0, ` + removed + `, 0, 7)`
	}
	err = d.MigrateTo(ctx, 15,
		`INSERT INTO projects (id, number, entity, municipality, name, form_hash, answers, created_by, created_at, changed_at) VALUES ('p', 'p', '', '', '', '', '{"a":"common"}', '', 0, 0), ('q', 'q', '', '', '', '', '{"a":"alone"}', '', 0, 0), ('gone', 'gone', '', '', '', '', '{}', '', 0, 0)`,
		`INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at) VALUES ('p', 1, '{"a":"common"}', 'x', 1), ('saved', 2, '{"a":"saved"}', 'x', 2)`,
		matter("new", `{"a":"new"}`, "1", "0"), matter("saved", `{"a":"saved"}`, "2", "0"), matter("removed", "{}", "3", "9"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]string{"p": `1 {"a":"common"} x`, "q": `1 {"a":"alone"} `, "gone": "", "new": `1 {"a":"new"} `, "saved": `2 {"a":"saved"} x`, "removed": ""} {
		var got string
		err := d.View(ctx, func(tx *db.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT CAST(version AS TEXT) || ' ' || answers || ' ' || saved_by FROM draft_versions WHERE subject = $1`, subject)
			if err != nil {
				return err
			}
			return rows.Each(func() error {
				var one string
				err := rows.Scan(&one)
				got += one
				return err
			})
		})
		if err != nil || got != want {
			t.Errorf("versions of %s: %q, %v; want %q", subject, got, err, want)
		}
	}
}
