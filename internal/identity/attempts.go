package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"luvat/internal/db"
)

// Purpose is what a sign-in is for: stored, never changes.
type Purpose string

// The purposes.
const (
	ToSignIn Purpose = "sign_in"
	Anew     Purpose = "anew" // step-up: the same person once more
	ToActFor Purpose = "for"  // choosing for whom to act, in the mandate register
)

// An Attempt is a sign-in under way. It stays on the server from when the
// browser is sent to a provider until it is back; what the browser carries is
// its State, and a cookie that only the browser that began it has.
type Attempt struct {
	State      string // unguessable; the database keeps its hash
	Connection string
	Purpose    Purpose
	Person     string // who is signed in already, "" for ToSignIn
	Next       string // the page to go to
	Memo       []byte // the provider's, for Finish
}

// attemptLife is how long a person may take at the provider.
const attemptLife = 15 * time.Minute

// NewState makes a state, or the value of the cookie that goes with it: 128
// bits, unguessable.
func NewState() string { return rand.Text() }

func hashed(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Begin keeps an attempt that the browser with the cookie has begun.
func (r *Register) Begin(ctx context.Context, tx *db.Tx, now time.Time, a Attempt, cookie string) error {
	state := hashed(a.State)
	memo, err := r.Vault.Seal(string(a.Memo), state)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO attempts (state, browser, connection, purpose, person_id, next, memo, began_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		state, hashed(cookie), a.Connection, string(a.Purpose), a.Person, a.Next, memo, db.Millis(now)); err != nil {
		return fmt.Errorf("keep a sign-in: %w", err)
	}
	return nil
}

var errTooOld = Refuse(TooOld, "no such sign-in is under way")

// Waiting returns the attempt with a state whose answer is still waited for.
// It needs no cookie: answers come by cross-site posts. The error is a *Refusal
// for one that is unknown, over or answered.
func (r *Register) Waiting(ctx context.Context, tx *db.Tx, now time.Time, connection, state string) (Attempt, error) {
	a := Attempt{State: state}
	var purpose, memo string
	var began int64
	err := tx.QueryRowContext(ctx, `
		SELECT connection, purpose, person_id, next, memo, began_at FROM attempts WHERE state = $1 AND answered_at = 0`, hashed(state)).
		Scan(&a.Connection, &purpose, &a.Person, &a.Next, &memo, &began)
	if errors.Is(err, db.ErrNoRows) {
		return a, errTooOld
	}
	if err != nil {
		return a, fmt.Errorf("read a sign-in: %w", err)
	}
	if a.Connection != connection || now.Sub(db.Time(began)) > attemptLife {
		return a, errTooOld
	}
	a.Purpose = Purpose(purpose)
	plain, err := r.Vault.Open(memo, hashed(state))
	a.Memo = []byte(plain)
	return a, err
}

// Answered keeps what the provider said, or why it is no sign-in, until the
// browser that began it comes for it. It is done once.
func (r *Register) Answered(ctx context.Context, tx *db.Tx, now time.Time, a Attempt, said Assertion, refused Why) error {
	state, sealed := hashed(a.State), ""
	if refused == "" {
		text, err := json.Marshal(said)
		if err != nil {
			return fmt.Errorf("keep an answer: %w", err)
		}
		if sealed, err = r.Vault.Seal(string(text), "answer "+state); err != nil {
			return err
		}
	}
	n, err := tx.ExecContext(ctx, `UPDATE attempts SET answer = $1, refused = $2, answered_at = $3, memo = '' WHERE state = $4 AND answered_at = 0`,
		sealed, string(refused), db.Millis(now), state)
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	if n == 0 {
		return errTooOld
	}
	return nil
}

// Collect gives an answered attempt to the browser that began it, once. Another
// browser, whoever sent it there, gets a *Refusal: nobody can be signed in as
// somebody else by a link (login CSRF).
func (r *Register) Collect(ctx context.Context, tx *db.Tx, now time.Time, state, cookie string) (Attempt, Assertion, error) {
	a := Attempt{State: state}
	var said Assertion
	var purpose, answer, refused, browser string
	var answered int64
	err := tx.QueryRowContext(ctx, `
		SELECT browser, connection, purpose, person_id, next, answer, refused, answered_at FROM attempts WHERE state = $1 AND answered_at <> 0 AND used_at = 0`, hashed(state)).
		Scan(&browser, &a.Connection, &purpose, &a.Person, &a.Next, &answer, &refused, &answered)
	if errors.Is(err, db.ErrNoRows) {
		return a, said, errTooOld
	}
	if err != nil {
		return a, said, fmt.Errorf("read an answer: %w", err)
	}
	if cookie == "" || browser != hashed(cookie) {
		return a, said, Refuse(NotValid, "another browser began this sign-in")
	}
	if now.Sub(db.Time(answered)) > attemptLife {
		return a, said, errTooOld
	}
	n, err := tx.ExecContext(ctx, `UPDATE attempts SET used_at = $1, answer = '' WHERE state = $2 AND used_at = 0`, db.Millis(now), hashed(state))
	if err != nil {
		return a, said, fmt.Errorf("collect an answer: %w", err)
	}
	if n == 0 {
		return a, said, errTooOld
	}
	a.Purpose = Purpose(purpose)
	if refused != "" {
		return a, said, Refuse(Why(refused), "the provider's answer was no sign-in")
	}
	text, err := r.Vault.Open(answer, "answer "+hashed(state))
	if err != nil {
		return a, said, err
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return a, said, fmt.Errorf("read an answer: %w", err)
	}
	return a, said, nil
}

// Once notes that a provider's message was used; false when it had been before.
// It must be remembered until the message is no longer valid by itself.
func Once(ctx context.Context, tx *db.Tx, issuer, id string, until time.Time) (bool, error) {
	n, err := tx.ExecContext(ctx, `INSERT INTO used_messages (id, until_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, hashed(issuer, id), db.Millis(until))
	if err != nil {
		return false, fmt.Errorf("note a used message: %w", err)
	}
	return n == 1, nil
}
