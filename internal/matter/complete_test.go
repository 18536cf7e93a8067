package matter_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/matter"
)

// asked returns a sent matter that waits for a completion.
func (b *bench) asked() string {
	b.t.Helper()
	id := b.sent("rescue-temp-lodging")
	b.must(b.AskCompletion(b.t.Context(), rescue, id, matter.Request{Text: "Lisää pohjakuva.", Due: b.clock.Now().AddDate(0, 0, 7)}))
	return id
}

func (b *bench) look(id string) matter.Looked {
	b.t.Helper()
	v := b.row(id)
	return matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}
}

// own and common change an answer of the applicant's.
func (b *bench) own(id, field, text string) {
	b.t.Helper()
	v := b.row(id)
	a := maps.Clone(v.Answers)
	a[field] = text
	_, err := b.SaveDraft(b.t.Context(), aino, id, v.Version, a)
	b.must(err)
}

func (b *bench) common(id, field, text string) {
	b.t.Helper()
	v := b.row(id)
	a := maps.Clone(v.Project.Answers)
	a[field] = text
	_, err := b.SaveCommon(b.t.Context(), aino, v.Project.ID, v.Project.Version, a)
	b.must(err)
}

func TestAnUntouchedCompletionMustBeMeant(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(b *bench, id string)
		c      matter.Completion
		field  string // at which it is refused; "" when it goes
	}{
		{"nothing was changed", func(*bench, string) {}, matter.Completion{}, "unchanged"},
		{"a reason alone is no confirmation", func(*bench, string) {}, matter.Completion{Why: "Kaikki on jo siinä."}, "unchanged"},
		{"it is meant", func(*bench, string) {}, matter.Completion{Unchanged: true}, ""},
		{"it is meant, and why", func(*bench, string) {}, matter.Completion{Unchanged: true, Why: "Kaikki on jo siinä."}, ""},
		{"the reason is too long", func(*bench, string) {}, matter.Completion{Unchanged: true, Why: strings.Repeat("ä", 8001)}, "why"},
		{"the matter's own data was changed", func(b *bench, id string) { b.own(id, "request", "Muutettu") }, matter.Completion{}, ""},
		{"common data that the authority gets was changed", func(b *bench, id string) { b.common(id, "contact_phone", "040 999 9999") }, matter.Completion{}, ""},
		{"common data that it does not get was changed", func(b *bench, id string) { b.common(id, "programme", "Aivan muuta") }, matter.Completion{}, "unchanged"},
		{"changed and changed back", func(b *bench, id string) {
			was, _ := b.row(id).Answers["request"].(string)
			b.own(id, "request", "Muutettu")
			b.own(id, "request", was)
		}, matter.Completion{}, "unchanged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			id := b.asked()
			tt.change(b, id)
			before := b.row(id)
			if got := before.Unchanged; got != (tt.field == "unchanged" || tt.c.Unchanged) {
				t.Errorf("the page says unchanged: %t", got)
			}
			tt.c.Looked = b.look(id)
			_, err := b.Complete(t.Context(), aino, tt.c)
			after := b.row(id)
			if tt.field == "" {
				told := len(after.Messages) == 1 && after.Messages[0].Text == tt.c.Why
				if err != nil || after.Status != matter.Completed || len(after.Submissions) != 2 || told != (tt.c.Why != "") {
					t.Errorf("Complete: %v, then %s with %d submissions and messages %v", err, after.Status, len(after.Submissions), after.Messages)
				}
				return
			}
			e, ok := errors.AsType[*fail.Error](err)
			if !ok || e.Kind != fail.Rejected || e.Field != tt.field {
				t.Errorf("Complete: %v; want it refused at %s", err, tt.field)
			}
			if after.Status != matter.ToComplete || after.N != before.N || len(after.Submissions) != 1 || len(after.Messages) != 0 || after.OpenRequest() == nil {
				t.Errorf("after the refusal: %s with %d entries, %d submissions, %d messages", after.Status, after.N, len(after.Submissions), len(after.Messages))
			}
		})
	}
}

// Who changed something meanwhile must look again, before anything else is said.
func TestACompletionChangedSinceLookedIsAConflict(t *testing.T) {
	b := newBench(t)
	id := b.asked()
	look := b.look(id)
	b.own(id, "request", "Muutettu")
	if _, err := b.Complete(t.Context(), aino, matter.Completion{Looked: look, Unchanged: true, Why: "Ennallaan."}); !fail.Is(err, fail.Conflict) {
		t.Errorf("Complete: %v; want Conflict", err)
	}
	if v := b.row(id); len(v.Messages) != 0 {
		t.Error("the message of a refused completion was written")
	}
}

// The reason and the completion are one notice to the authority.
func TestAReasonIsToldOfOnce(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.asked()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM outbox`)
		return err
	}))
	_, err := b.Complete(ctx, aino, matter.Completion{Looked: b.look(id), Unchanged: true, Why: "Ennallaan."})
	b.must(err)
	var n int64
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox`).Scan(&n)
	}))
	if n != 1 {
		t.Errorf("%d notices; want 1", n)
	}
	if n, err := matter.CheckStates(ctx, b.DB); err != nil || n != 1 {
		t.Errorf("CheckStates: %d, %v", n, err)
	}
	if n, err := matter.CheckSeals(ctx, b.DB); err != nil || n != 2 {
		t.Errorf("CheckSeals: %d, %v", n, err)
	}
}

// What is filled in in the authority's own service the hub cannot compare.
func TestAConditionalMatterIsCompletedElsewhere(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		o, err := catalogue.FindOffer(ctx, tx, "rescue-pirkanmaa/rescue-temp-lodging")
		if err != nil {
			return err
		}
		o.Way, o.URL = catalogue.Conditional, "https://oma.example.fi/"
		return catalogue.SaveOffer(ctx, tx, o)
	}))
	id := b.asked()
	_, err := b.Complete(ctx, aino, matter.Completion{Looked: b.look(id)})
	b.must(err)
}
