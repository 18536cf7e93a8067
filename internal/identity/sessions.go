package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/alexedwards/scs/v2"

	"luvat/internal/db"
)

// Sessions keep who is signed in, in the database, so that any node and any
// restart knows. The cookie holds a random token; the database its hash.
type Sessions struct {
	db  *db.DB
	scs *scs.SessionManager
}

// Limits of a session.
const (
	SessionIdle     = 30 * time.Minute
	SessionLifetime = 10 * time.Hour
)

// NewSessions returns the sessions of the database. secure is false only on
// plain-HTTP loopback.
func NewSessions(d *db.DB, secure bool) *Sessions {
	m := scs.New()
	m.Store, m.Codec = sessionStore{d}, codec{}
	m.IdleTimeout, m.Lifetime = SessionIdle, SessionLifetime
	m.Cookie.Name = "luvat"
	if secure {
		m.Cookie.Name = "__Host-luvat"
	}
	m.Cookie.Secure, m.Cookie.HttpOnly, m.Cookie.SameSite, m.Cookie.Persist = secure, true, http.SameSiteLaxMode, false
	return &Sessions{db: d, scs: m}
}

// Load wraps a handler so that the session is read before it and written
// after it.
func (s *Sessions) Load(next http.Handler) http.Handler {
	inner := s.scs.LoadAndSave(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), foundKey{}, new(found))))
	})
}

// SignIn begins a session of the person with the hat. The token is new, so a
// token planted before the sign-in is worth nothing.
func (s *Sessions) SignIn(ctx context.Context, person string, h Hat) error {
	if err := s.scs.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	s.scs.Put(ctx, "person", person)
	s.scs.Put(ctx, "role", string(h.Role))
	s.scs.Put(ctx, "authority", h.Authority)
	return nil
}

// SignOut ends the session.
func (s *Sessions) SignOut(ctx context.Context) error { return s.scs.Destroy(ctx) }

// Who returns the person signed in and the hat worn; ok is false for nobody.
// A hat that is no longer granted is not worn.
func (s *Sessions) Who(ctx context.Context) (p Person, h Hat, ok bool, err error) {
	id := s.scs.GetString(ctx, "person")
	if id == "" {
		return p, h, false, nil
	}
	role, authority := Role(s.scs.GetString(ctx, "role")), s.scs.GetString(ctx, "authority")
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if p, err = FindPerson(ctx, tx, id); err != nil || role == RoleCustomer {
			return err
		}
		hats, err := Hats(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, have := range hats {
			if have.Role == role && have.Authority == authority {
				h = have
			}
		}
		return nil
	})
	if err != nil {
		return Person{}, Hat{}, false, err
	}
	if role == RoleCustomer {
		h = Hat{Role: RoleCustomer}
	}
	return p, h, h.Role != "", nil
}

// codec writes a session as JSON with sorted names: equal sessions are equal
// bytes. All its values are strings.
type codec struct{}

type coded struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(coded{deadline, values})
}

func (codec) Decode(b []byte) (time.Time, map[string]any, error) {
	var c coded
	if err := json.Unmarshal(b, &c); err != nil {
		return time.Now(), map[string]any{}, nil // written in another way: signed out
	}
	if c.Values == nil {
		c.Values = map[string]any{}
	}
	return c.Deadline, c.Values, nil
}

// sessionStore keeps sessions in the database; it implements scs.CtxStore.
//
// A session that was ended stays as an ended row until it would have expired,
// so that a request that was still running, such as a long upload, cannot bring
// it back.
type sessionStore struct{ db *db.DB }

// refreshEach is how often a session that changed nothing is written anew: its
// idle limit is that much coarser, and most requests write nothing.
const refreshEach = time.Minute

// found is what a request's session was when it began; see Sessions.Load.
type found struct {
	data   []byte
	expiry int64
}

type foundKey struct{}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (s sessionStore) FindCtx(ctx context.Context, token string) (data []byte, ok bool, err error) {
	var expiry int64
	err = s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT data, expiry FROM sessions WHERE token = $1 AND expiry > $2 AND ended = 0`,
			tokenHash(token), time.Now().UnixMilli()).Scan(&data, &expiry)
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil, false, nil
	}
	if f, _ := ctx.Value(foundKey{}).(*found); f != nil && err == nil {
		f.data, f.expiry = slices.Clone(data), expiry
	}
	return data, err == nil, err
}

func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	f, _ := ctx.Value(foundKey{}).(*found)
	unchanged := f != nil && bytes.Equal(f.data, data)
	if unchanged && expiry.UnixMilli()-f.expiry < refreshEach.Milliseconds() {
		return nil
	}
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sessions (token, data, expiry) VALUES ($1, $2, $3)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry WHERE sessions.ended = 0`,
			tokenHash(token), data, expiry.UnixMilli())
		return err
	})
	if unchanged && db.IsFull(err) {
		return nil // only its idle limit was not moved on: the page can still tell of the full disk
	}
	return err
}

func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE sessions SET ended = 1 WHERE token = $1`, tokenHash(token))
		return err
	})
}

func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// Sweep forgets the sessions that ended before now.
func Sweep(ctx context.Context, tx *db.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expiry <= $1`, db.Millis(now))
	return err
}
