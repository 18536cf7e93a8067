package catalogue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/survey"
)

// A SurveyResult is what was answered to a survey, and to which version of it.
// What the answers call for is not stored: it is judged again whenever it is
// looked at, by the same version, and therefore comes out the same.
//
// While it is open it grows with every page of the survey. Once it was shown
// as a result it is final, because people have passed its address on and
// projects name it; who then answers otherwise gets a result of their own.
type SurveyResult struct {
	ID           string // unguessable: the address is the right to see it
	Survey       string
	Hash         string // the survey's version
	Municipality string
	StartsOn     string // 2027-06-01, "" when not known
	Answers      survey.Answers
	Final        bool
	At           time.Time // when it was last answered or made final
}

// Starts returns the day on which the undertaking starts, as its first moment
// in Helsinki; the zero time when it is not known.
func (r *SurveyResult) Starts() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, r.StartsOn, i18n.Zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// kept is how the answers are stored.
type kept struct {
	Answers survey.Answers `json:"answers"`
	Final   bool           `json:"final"`
}

func (r *SurveyResult) kept() (string, error) {
	b, err := json.Marshal(kept{r.Answers, r.Final}) // keys are sorted: the same answers are the same text
	if err != nil {
		return "", fmt.Errorf("write the answers of a survey: %w", err)
	}
	return string(b), nil
}

// AddSurveyResult stores a new result and gives it its id.
func AddSurveyResult(ctx context.Context, tx *db.Tx, r *SurveyResult) error {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	r.ID = hex.EncodeToString(id)
	body, err := r.kept()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO survey_results (id, survey_id, survey_hash, municipality, starts_on, answers, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.ID, r.Survey, r.Hash, r.Municipality, r.StartsOn, body, db.Millis(r.At)); err != nil {
		return fmt.Errorf("save a survey result: %w", err)
	}
	return nil
}

// FindSurveyResult returns a result, or NotFound.
func FindSurveyResult(ctx context.Context, tx *db.Tx, id string) (*SurveyResult, error) {
	r, _, err := findSurveyResult(ctx, tx, id)
	return r, err
}

func findSurveyResult(ctx context.Context, tx *db.Tx, id string) (*SurveyResult, string, error) {
	r := SurveyResult{ID: id}
	var body string
	var at int64
	err := tx.QueryRowContext(ctx, `
		SELECT survey_id, survey_hash, municipality, starts_on, answers, created_at FROM survey_results WHERE id = $1`, id).
		Scan(&r.Survey, &r.Hash, &r.Municipality, &r.StartsOn, &body, &at)
	if errors.Is(err, db.ErrNoRows) {
		return nil, "", fail.New(fail.NotFound, "error.not_found")
	}
	if err != nil {
		return nil, "", fmt.Errorf("read a survey result: %w", err)
	}
	var k kept
	if err := json.Unmarshal([]byte(body), &k); err != nil {
		return nil, "", fmt.Errorf("read the answers of survey result %s: %w", id, err)
	}
	r.Answers, r.Final, r.At = k.Answers, k.Final, db.Time(at)
	if r.Answers == nil {
		r.Answers = survey.Answers{}
	}
	return &r, body, nil
}

// ChangeSurveyResult lets change alter a result and stores it. What is final
// stays as it is: the altered one is then a new result with an id of its own.
// The error is NotFound when there is no such result, and Conflict when it
// was altered at the same time from elsewhere.
func ChangeSurveyResult(ctx context.Context, tx *db.Tx, id string, now time.Time, change func(*SurveyResult)) (*SurveyResult, error) {
	r, before, err := findSurveyResult(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	was := *r
	was.Answers = maps.Clone(r.Answers)
	change(r)
	if r.same(&was) {
		return r, nil
	}
	r.At = now
	if was.Final {
		return r, AddSurveyResult(ctx, tx, r)
	}
	body, err := r.kept()
	if err != nil {
		return nil, err
	}
	n, err := tx.ExecContext(ctx, `
		UPDATE survey_results SET survey_hash = $1, municipality = $2, starts_on = $3, answers = $4, created_at = $5
		WHERE  id = $6 AND answers = $7`,
		r.Hash, r.Municipality, r.StartsOn, body, db.Millis(now), id, before)
	if err != nil {
		return nil, fmt.Errorf("save a survey result: %w", err)
	}
	if n == 0 {
		return nil, fail.New(fail.Conflict, "public.survey_changed_elsewhere")
	}
	return r, nil
}

func (r *SurveyResult) same(o *SurveyResult) bool {
	return r.Hash == o.Hash && r.Municipality == o.Municipality && r.StartsOn == o.StartsOn && r.Final == o.Final &&
		maps.EqualFunc(r.Answers, o.Answers, slices.Equal)
}

// SweepSurveyResults forgets the results that were last touched before the
// given time and that no project began from.
func SweepSurveyResults(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.ExecContext(ctx, `
		DELETE FROM survey_results WHERE created_at < $1
		AND NOT EXISTS (SELECT 1 FROM projects p WHERE p.survey_id = survey_results.id)`, db.Millis(before))
	return err
}
