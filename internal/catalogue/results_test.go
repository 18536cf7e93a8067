package catalogue

import (
	"context"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/survey"
	"luvat/internal/testkit"
)

func TestSurveyResults(t *testing.T) {
	ctx, d, now := context.Background(), testkit.DB(t), testkit.Start
	write := func(fn func(*db.Tx) error) {
		t.Helper()
		if err := d.InTx(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	r := &SurveyResult{Survey: "event", Hash: "h1", Municipality: "837", StartsOn: "2027-07-01", Answers: survey.Answers{"q_kind": {"public"}}, At: now}
	write(func(tx *db.Tx) error { return AddSurveyResult(ctx, tx, r) })
	if len(r.ID) != 32 {
		t.Errorf("id %q has not 128 bits", r.ID)
	}
	if got := r.Starts().Format(time.RFC3339); got != "2027-07-01T00:00:00+03:00" {
		t.Errorf("it starts at %s", got)
	}
	write(func(tx *db.Tx) error {
		got, err := ChangeSurveyResult(ctx, tx, r.ID, now.Add(time.Hour), func(r *SurveyResult) { r.Answers["q_size"], r.Final = []string{"lt50"}, true })
		if err == nil && (got.ID != r.ID || !got.At.Equal(now.Add(time.Hour))) {
			t.Errorf("an open result was not changed in place: %+v", got)
		}
		return err
	})
	write(func(tx *db.Tx) error {
		other, err := ChangeSurveyResult(ctx, tx, r.ID, now.Add(2*time.Hour), func(r *SurveyResult) { delete(r.Answers, "q_kind"); r.Final = false })
		if err != nil {
			return err
		}
		if other.ID == r.ID || other.Final {
			t.Errorf("a final result was changed in place: %+v", other)
		}
		kept, err := FindSurveyResult(ctx, tx, r.ID)
		if err == nil && (!kept.Final || len(kept.Answers) != 2) {
			t.Errorf("a final result is now %+v", kept)
		}
		return err
	})
	write(func(tx *db.Tx) error { return SweepSurveyResults(ctx, tx, now.Add(90*time.Minute)) })
	write(func(tx *db.Tx) error {
		if _, err := FindSurveyResult(ctx, tx, r.ID); !fail.Is(err, fail.NotFound) {
			t.Errorf("an old result was not swept: %v", err)
		}
		var left int64
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM survey_results`).Scan(&left)
		if left != 1 {
			t.Errorf("%d results are left, want 1", left)
		}
		return err
	})
}
