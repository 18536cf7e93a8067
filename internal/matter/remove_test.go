package matter

import (
	"context"
	"errors"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
)

func TestMonthsBefore(t *testing.T) {
	at := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 9, 30, 0, 0, i18n.Zone) }
	for _, tt := range []struct {
		now    time.Time
		n      int
		before time.Time
	}{
		{at(2027, 3, 2), 12, at(2026, 3, 2)},
		{at(2028, 2, 29), 12, at(2027, 2, 28)},
		{at(2027, 8, 31), 6, at(2027, 2, 28)},
		{at(2027, 9, 1), 6, at(2027, 3, 1)},
		{at(2027, 1, 31), 2, at(2026, 11, 30)},
		{at(2027, 12, 31), 24, at(2025, 12, 31)},
		{at(2027, 5, 15).UTC(), 5, at(2026, 12, 15)}, // the same hour in Finland, winter or summer
	} {
		if got := monthsBefore(tt.now, tt.n); !got.Equal(tt.before) {
			t.Errorf("%d months before %s: %s; want %s", tt.n, tt.now, got, tt.before)
		}
	}
}

// Two nodes list the same project, or somebody saves between the list and the
// deed: nothing is removed that has been touched, and nothing twice.
func TestCommonDataJustTouchedStays(t *testing.T) {
	ctx, d := context.Background(), testkit.DB(t)
	desk := &Desk{DB: d, Now: testkit.NewClock().Now}
	insert := func(id string, changed time.Time) {
		t.Helper()
		err := d.InTx(ctx, func(tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO projects (id, number, entity, municipality, name, form_hash, created_by, created_at, changed_at)
				VALUES ($1, $1, 'event', '837', '', '', '', 0, $2)`, id, db.Millis(changed))
			return errors.Join(err, keepVersion(ctx, tx, id, 1, []byte(`{"a":1}`), "", changed))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := testkit.Start
	insert("old", before.Add(-time.Hour))
	insert("touched", before.Add(time.Hour))
	for _, id := range []string{"old", "touched", "old"} {
		if err := d.InTx(ctx, func(tx *db.Tx) error { return desk.forgetCommon(ctx, tx, id, before) }); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"old": "nothing 2 1", "touched": `{"a":1} 1 0`} {
		var got string
		err := d.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRowContext(ctx, `
				SELECT COALESCE((SELECT answers FROM draft_versions WHERE subject = id), 'nothing') || ' ' || version || ' ' || (SELECT COUNT(*) FROM ledger WHERE stream = 'project:' || id) FROM projects WHERE id = $1`, id).Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("%s: answers, version, entries: %s, %v; want %s", id, got, err, want)
		}
	}
}
