package matter_test

import (
	"testing"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
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

// However many drafts there are, each is warned of.
func TestEveryDraftIsWarnedOf(t *testing.T) {
	b := newBench(t)
	const many = 230 // more than a page
	for range many {
		b.start("rescue-temp-lodging")
	}
	b.clock.Move(b.clock.Now().AddDate(0, 12, -29).Sub(b.clock.Now()))
	b.must(b.Retain(t.Context()))
	if n := b.warnings(); n != many {
		t.Errorf("%d warnings for %d drafts", n, many)
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

// Each offer says how long: what one keeps another has removed already.
func TestEachOfferKeepsForItsOwnTime(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		for id, months := range map[string]int64{"rescue-pirkanmaa/rescue-temp-lodging": 12, "muni-837/muni-sewer": 60} {
			o, err := catalogue.FindOffer(ctx, tx, id)
			if err != nil {
				return err
			}
			if o.KeepMonths != catalogue.DefaultKeep {
				t.Errorf("%s keeps for %d months when nothing is said", id, o.KeepMonths)
			}
			o.KeepMonths = months
			if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
				return err
			}
		}
		return nil
	}))
	project, ids := b.start("rescue-temp-lodging", "muni-sewer")
	for i, who := range []identity.Officer{rescue, city} {
		_, err := b.Send(ctx, aino, []matter.Looked{b.fill(project, ids[i])})
		b.must(err)
		b.must(b.Take(ctx, who, ids[i], ""))
		outcome := b.Catalogue.Kind(b.row(ids[i]).Kind).Outcomes[0].ID
		b.must(b.Finish(ctx, who, ids[i], matter.Decision{Outcome: outcome}))
	}
	begin := b.clock.Now()
	for _, tt := range []struct {
		name          string
		months        int
		short, long   bool // still have their content
		commonRemains bool
	}{
		{"after eleven months both are there", 11, true, true, true},
		{"after thirteen one has had its time", 13, false, true, true},
		{"the usual time is nothing to them", 25, false, true, true},
		{"after 59 the long one is still there", 59, false, true, true},
		{"after 61 it has gone too, and the common data with it", 61, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.clock.Move(begin.AddDate(0, tt.months, 0).Sub(b.clock.Now()))
			b.must(b.Retain(ctx))
			short, long := b.row(ids[0]), b.row(ids[1])
			if (len(short.Submissions) == 1) != tt.short || (len(long.Submissions) == 1) != tt.long || (len(long.Project.Answers) > 0) != tt.commonRemains {
				t.Errorf("%d and %d submissions, %d answers of common data", len(short.Submissions), len(long.Submissions), len(long.Project.Answers))
			}
		})
	}
}

// Six months from 31 August end with February, not before.
func TestContentIsNeverRemovedEarly(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		o, err := catalogue.FindOffer(ctx, tx, "rescue-pirkanmaa/rescue-temp-lodging")
		if err != nil {
			return err
		}
		o.KeepMonths = 6
		return catalogue.SaveOffer(ctx, tx, o)
	}))
	id := b.sent("rescue-temp-lodging")
	b.must(b.Take(ctx, rescue, id, ""))
	b.clock.Move(time.Date(2027, 8, 31, 23, 59, 0, 0, i18n.Zone).Sub(b.clock.Now()))
	b.must(b.Finish(ctx, rescue, id, matter.Decision{Outcome: "received"}))
	for _, tt := range []struct {
		at    time.Time
		there bool
	}{
		{time.Date(2028, 2, 28, 23, 59, 0, 0, i18n.Zone), true},
		{time.Date(2028, 2, 29, 23, 58, 0, 0, i18n.Zone), true},
		{time.Date(2028, 3, 1, 0, 1, 0, 0, i18n.Zone), false},
	} {
		b.clock.Move(tt.at.Sub(b.clock.Now()))
		b.must(b.Retain(ctx))
		if there := len(b.row(id).Submissions) == 1; there != tt.there {
			t.Errorf("%s: there %t, want %t", tt.at, there, tt.there)
		}
	}
}

// A slip of the pen must not empty matters that have just ended.
func TestAnOfferKeepsForASensibleTime(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	for _, months := range []int64{-1, 1201} {
		err := b.DB.InTx(ctx, func(tx *db.Tx) error {
			o, err := catalogue.FindOffer(ctx, tx, "muni-837/muni-sewer")
			if err != nil {
				return err
			}
			o.KeepMonths = months
			return catalogue.SaveOffer(ctx, tx, o)
		})
		if err == nil {
			t.Errorf("%d months were saved", months)
		}
	}
}
