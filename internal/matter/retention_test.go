package matter_test

import (
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

func (b *bench) warnings() (n int64) {
	b.t.Helper()
	ctx := b.t.Context()
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE payload LIKE '%draft_expires%'`).Scan(&n)
	}))
	return n
}

func TestAnUntouchedDraftGoesAfterTwoWarnings(t *testing.T) {
	b := newBench(t)
	_, ids := b.start("rescue-temp-lodging")
	start := b.clock.Now()
	for _, tt := range []struct {
		name     string
		at       time.Time
		warnings int64
		there    bool
	}{
		{"after ten months nothing", start.AddDate(0, 10, 0), 0, true},
		{"a month before: the first warning", start.AddDate(0, 12, -29), 1, true},
		{"the next day: not again", start.AddDate(0, 12, -28), 1, true},
		{"a week before: the second", start.AddDate(0, 12, -6), 2, true},
		{"after a year it goes", start.AddDate(0, 12, 1), 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.clock.Move(tt.at.Sub(b.clock.Now()))
			b.must(b.Retain(t.Context()))
			if got := b.warnings(); got != tt.warnings {
				t.Errorf("%d warnings; want %d", got, tt.warnings)
			}
			_, err := b.Matter(t.Context(), aino, ids[0])
			if fail.Is(err, fail.NotFound) == tt.there {
				t.Errorf("the draft: %v; want there %t", err, tt.there)
			}
		})
	}
}

func TestAnEndedMattersContentGoesAndItsLedgerStays(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	b.must(b.Take(ctx, rescue, id, ""))
	b.must(b.WriteToApplicant(ctx, rescue, id, "Hei", nil))
	b.must(b.Finish(ctx, rescue, id, matter.Decision{Outcome: "received", Text: "Kiitos"}))
	b.clock.Move(23 * 30 * 24 * time.Hour)
	b.must(b.Retain(ctx))
	if v := b.row(id); len(v.Submissions) != 1 {
		t.Fatalf("before its time: %d submissions", len(v.Submissions))
	}
	b.clock.Move(60 * 24 * time.Hour)
	b.must(b.Retain(ctx))
	b.must(b.Retain(ctx))
	v := b.row(id)
	if len(v.Submissions) != 0 || len(v.Messages) != 0 || v.Decision.Text != "" || len(v.Answers) != 0 {
		t.Errorf("after its time: %d submissions, %d messages, decision %q", len(v.Submissions), len(v.Messages), v.Decision.Text)
	}
	if v.Status != matter.Finished || v.Outcome != "received" || v.Events[len(v.Events)-1].Deed != matter.DeedContentRemoved {
		t.Errorf("the row says %s %s, the last entry %s", v.Status, v.Outcome, v.Events[len(v.Events)-1].Deed)
	}
	if _, err := ledger.Verify(ctx, b.DB); err != nil {
		t.Error(err)
	}
	if _, err := matter.CheckStates(ctx, b.DB); err != nil {
		t.Error(err)
	}
}
