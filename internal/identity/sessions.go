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
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// Sessions keep who is signed in, in the database, so that any node and any
// restart knows. The cookie holds a random token; the database its hash.
type Sessions struct {
	// Vault seals what a provider or the mandate register must be told again.
	// Without one, as in the demo, nobody comes in by a provider.
	Vault Vault

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
		f := &found{agent: agentOf(r.UserAgent())}
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), foundKey{}, f)))
	})
}

// A Visit is who is signed in, as what, and how that came about.
type Visit struct {
	Person Person
	Hat    Hat
	Via    Via
	// For is the company or person the visitor acts for, zero for oneself.
	For Principal
	// Mandate is what the hat, or acting for another, rests on; zero when it
	// rests on no mandate.
	Mandate Mandate
}

// Via is the way somebody came in by.
type Via struct {
	Connection string // "" in the demo
	Issuer     string
	Level      string
	At         time.Time // when the person authenticated; zero when the provider does not say
	Authority  string    // the employer that the provider named, "" for none
	Private    bool      // the provider tells who the person is in private life: may be a customer
	Session    ProviderSession
}

// A Mandate is what the mandate register said, to be asked again.
type Mandate struct {
	Memo      []byte
	CheckedAt time.Time
	// Granted tells that the officer's role rests on what the lead has granted
	// too: the mandate names the granting body only.
	Granted bool
}

// Holds tells whether there is a mandate.
func (m Mandate) Holds() bool { return len(m.Memo) > 0 }

// SignIn begins a session. The token is new, so a token planted before the
// sign-in is worth nothing; it is new again whenever the role changes.
//
// A session that was ended while the request ran does not begin anew: the error
// is Forbidden. Its longest life counts from when the person authenticated, not
// from a change of role.
func (s *Sessions) SignIn(ctx context.Context, v Visit) error {
	if err := s.turn(ctx); err != nil {
		return err
	}
	goesOn, until := s.scs.GetString(ctx, "person") == v.Person.ID && v.Via.Session == (ProviderSession{}), s.scs.Deadline(ctx)
	if err := s.scs.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	if goesOn {
		s.scs.SetDeadline(ctx, until)
	} else {
		for _, name := range []string{"provider", "provider_key", "provider_index"} { // else the provider's session goes on
			s.scs.Put(ctx, name, "")
		}
	}
	for name, value := range map[string]string{
		"person": v.Person.ID, "role": string(v.Hat.Role), "authority": v.Hat.Authority, "for": v.For.ID,
		"connection": v.Via.Connection, "issuer": v.Via.Issuer, "level": v.Via.Level, "mandate": "", "checked": "", "lapsed": "",
		"employer": v.Via.Authority, "private": strconv.FormatBool(v.Via.Private), "granted": strconv.FormatBool(v.Mandate.Granted),
	} {
		s.scs.Put(ctx, name, value)
	}
	s.scs.Put(ctx, "at", stamp(v.Via.At))
	if v.Via.Session != (ProviderSession{}) {
		text, err := json.Marshal(v.Via.Session)
		if err != nil {
			return fmt.Errorf("keep the provider's session: %w", err)
		}
		if err := s.keep(ctx, "provider", string(text)); err != nil {
			return err
		}
		s.scs.Put(ctx, "provider_key", v.Via.Session.key(v.Via.Issuer))
		s.scs.Put(ctx, "provider_index", v.Via.Session.index(v.Via.Issuer))
	}
	if v.Mandate.Holds() {
		if err := s.keep(ctx, "mandate", string(v.Mandate.Memo)); err != nil {
			return err
		}
		s.scs.Put(ctx, "checked", stamp(v.Mandate.CheckedAt))
	}
	return nil
}

// turn ends the session that the request came with, so that what follows is the
// only one.
func (s *Sessions) turn(ctx context.Context) error {
	f, _ := ctx.Value(foundKey{}).(*found)
	if f == nil {
		return nil
	}
	f.person = Person{} // what was read of somebody may have changed by now
	if f.token == "" {
		return nil
	}
	var n int64
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		n, err = tx.ExecContext(ctx, `UPDATE sessions SET ended = 1 WHERE token = $1 AND ended = 0`, f.token)
		return err
	})
	if err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	if n == 0 && s.scs.GetString(ctx, "person") != "" {
		return fail.New(fail.Forbidden, "login.over")
	}
	f.token = "" // what follows in this request is new already
	return nil
}

func (s *Sessions) keep(ctx context.Context, name, plain string) error {
	if s.Vault == nil {
		return errors.New("no keys to seal a session with")
	}
	sealed, err := s.Vault.Seal(plain, "session "+name)
	if err == nil {
		s.scs.Put(ctx, name, sealed)
	}
	return err
}

func (s *Sessions) kept(ctx context.Context, name string) (string, error) {
	sealed := s.scs.GetString(ctx, name)
	if sealed == "" || s.Vault == nil {
		return "", nil
	}
	return s.Vault.Open(sealed, "session "+name)
}

// Checked notes that the mandate still held, and what to ask with next time.
func (s *Sessions) Checked(ctx context.Context, now time.Time, fresh []byte) error {
	s.scs.Put(ctx, "checked", stamp(now))
	return s.keep(ctx, "mandate", string(fresh))
}

// AskWith notes what to ask with next time, of a mandate that could not be
// checked this time.
func (s *Sessions) AskWith(ctx context.Context, fresh []byte) error {
	return s.keep(ctx, "mandate", string(fresh))
}

// Meanwhile tells what the session's mandate is asked with by now, which another
// request, on any node, may have renewed.
func (s *Sessions) Meanwhile(ctx context.Context) (memo []byte, err error) {
	var data []byte
	err = s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT data FROM sessions WHERE token = $1 AND ended = 0`, tokenHash(s.scs.Token(ctx))).Scan(&data)
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the session: %w", err)
	}
	_, values, err := codec{}.Decode(data)
	if err != nil {
		return nil, err
	}
	sealed, _ := values["mandate"].(string)
	if sealed == "" || s.Vault == nil {
		return nil, nil
	}
	plain, err := s.Vault.Open(sealed, "session mandate")
	return []byte(plain), err
}

// SignOut ends the session.
func (s *Sessions) SignOut(ctx context.Context) error { return s.scs.Destroy(ctx) }

// Who returns who is signed in; ok is false for nobody, and for somebody who
// has come in but wears no hat yet, whose Person is there. A hat that is no longer
// granted is not worn, nor one of an authority whose officers come in by
// another way by now.
func (s *Sessions) Who(ctx context.Context, now time.Time) (v Visit, ok bool, err error) {
	id := s.scs.GetString(ctx, "person")
	if id == "" {
		return v, false, nil
	}
	role, authority, principal := Role(s.scs.GetString(ctx, "role")), s.scs.GetString(ctx, "authority"), s.scs.GetString(ctx, "for")
	v.Via = Via{Connection: s.scs.GetString(ctx, "connection"), Issuer: s.scs.GetString(ctx, "issuer"), Level: s.scs.GetString(ctx, "level"), At: unstamp(s.scs.GetString(ctx, "at")), Authority: s.scs.GetString(ctx, "employer"), Private: s.scs.GetString(ctx, "private") == "true"}
	memo, err := s.kept(ctx, "mandate")
	if err != nil {
		return Visit{}, false, nil // its key is gone: signed out
	}
	v.Mandate = Mandate{Memo: []byte(memo), CheckedAt: unstamp(s.scs.GetString(ctx, "checked")), Granted: s.scs.GetString(ctx, "granted") == "true"}
	if f, _ := ctx.Value(foundKey{}).(*found); f != nil && f.person.ID == id {
		v.Person = f.person
		if role == RoleCustomer && principal == "" {
			v.Hat = Hat{Role: RoleCustomer}
			return v, true, nil
		}
	}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if v.Person.ID == "" {
			if v.Person, err = FindPerson(ctx, tx, id); err != nil {
				return err
			}
		}
		if role == RoleCustomer {
			v.Hat = Hat{Role: RoleCustomer}
			if principal != "" {
				v.For, err = FindPrincipal(ctx, tx, principal)
			}
			return err
		}
		if role != "" {
			v.Hat, err = s.worn(ctx, tx, now, v, role, authority)
		}
		return err
	})
	if err != nil {
		return Visit{}, false, err
	}
	return v, v.Hat.Role != "", nil
}

// worn returns the hat if it may still be worn, else the zero Hat.
func (s *Sessions) worn(ctx context.Context, tx *db.Tx, now time.Time, v Visit, role Role, authority string) (Hat, error) {
	if open, err := WayOpen(ctx, tx, now, authority, v.Via.Connection); err != nil || !open {
		return Hat{}, err
	}
	if v.Mandate.Holds() && !v.Mandate.Granted {
		return Hat{Role: role, Authority: authority}, nil
	}
	hats, err := Hats(ctx, tx, now, v.Person.ID)
	if err != nil {
		return Hat{}, err
	}
	for _, have := range hats {
		if have.Role == role && have.Authority == authority {
			return have, nil
		}
	}
	return Hat{}, nil
}

// Provider returns the provider's session that this one came from, to end it
// there too.
func (s *Sessions) Provider(ctx context.Context) (v Via, err error) {
	v = Via{Connection: s.scs.GetString(ctx, "connection"), Issuer: s.scs.GetString(ctx, "issuer")}
	text, err := s.kept(ctx, "provider")
	if err != nil || text == "" {
		return v, err
	}
	return v, json.Unmarshal([]byte(text), &v.Session)
}

// key is without the qualifiers, which a provider may leave out when it ends the
// session.
func (p ProviderSession) key(issuer string) string { return hashed(issuer, p.NameID) }

func (p ProviderSession) index(issuer string) string {
	if p.SessionIndex == "" {
		return ""
	}
	return hashed(issuer, p.SessionIndex)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func unstamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
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
		return time.Now(), map[string]any{}, nil //nolint:nilerr // written in another way: signed out
	}
	if c.Values == nil {
		c.Values = map[string]any{}
	}
	return c.Deadline, c.Values, nil
}

// sessionStore keeps sessions in the database; it implements scs.CtxStore.
//
// A session that a request came with is only updated, and only while it has not
// ended: a request that was still running, such as a long upload, cannot bring it
// back.
type sessionStore struct{ db *db.DB }

// refreshEach is how often a session that changed nothing is written anew: its
// idle limit is that much coarser, and most requests write nothing.
const refreshEach = time.Minute

// found is what a request's session was when it began; see Sessions.Load.
type found struct {
	token  string // its hash; "" for a session that is new
	data   []byte
	expiry int64
	agent  string
	person Person // whose session it is, zero for a session of nobody yet
}

type foundKey struct{}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (s sessionStore) FindCtx(ctx context.Context, token string) (data []byte, ok bool, err error) {
	var expiry int64
	var person Person
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var id string
		err := tx.QueryRowContext(ctx, `SELECT data, expiry, person_id FROM sessions WHERE token = $1 AND expiry > $2 AND ended = 0`,
			tokenHash(token), time.Now().UnixMilli()).Scan(&data, &expiry, &id)
		if err == nil && id != "" { // in the same transaction: nearly every request needs it
			if person, err = FindPerson(ctx, tx, id); fail.Is(err, fail.NotFound) {
				err = nil // Who says so
			}
		}
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil, false, nil
	}
	if f, _ := ctx.Value(foundKey{}).(*found); f != nil && err == nil {
		f.token, f.data, f.expiry, f.person = tokenHash(token), slices.Clone(data), expiry, person
	}
	return data, err == nil, err
}

func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	f, _ := ctx.Value(foundKey{}).(*found)
	same := f != nil && f.token == tokenHash(token)
	unchanged := same && bytes.Equal(f.data, data)
	if unchanged && expiry.UnixMilli()-f.expiry < refreshEach.Milliseconds() {
		return nil
	}
	row, err := s.row(ctx, token, data, expiry)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		switch {
		case unchanged: // so that what another request wrote meanwhile stays
			_, err := tx.ExecContext(ctx, `UPDATE sessions SET expiry = $1, seen_at = $2 WHERE token = $3 AND ended = 0`,
				expiry.UnixMilli(), time.Now().UnixMilli(), tokenHash(token))
			return err
		case same:
			_, err := tx.ExecContext(ctx, `
				UPDATE sessions SET data = $2, expiry = $3, person_id = $4, role = $5, authority_id = $6, connection = $7, provider_key = $8, provider_index = $9,
					agent = $10, seen_at = $11
				WHERE  token = $1 AND ended = 0`, row...)
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sessions (token, data, expiry, person_id, role, authority_id, connection, provider_key, provider_index, agent, seen_at, began_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, append(row, row[len(row)-1])...)
		return err
	})
	if unchanged && db.IsFull(err) {
		return nil // only its idle limit was not moved on: the page can still tell of the full disk
	}
	return err
}

// row is the session, and beside it whose it is and how it began; the time is
// its last column.
func (s sessionStore) row(ctx context.Context, token string, data []byte, expiry time.Time) ([]any, error) {
	_, values, err := codec{}.Decode(data)
	if err != nil {
		return nil, err
	}
	text := func(name string) string { v, _ := values[name].(string); return v }
	agent := ""
	if f, _ := ctx.Value(foundKey{}).(*found); f != nil {
		agent = f.agent
	}
	return []any{
		tokenHash(token), data, expiry.UnixMilli(), text("person"), text("role"), text("authority"), text("connection"),
		text("provider_key"), text("provider_index"), agent, time.Now().UnixMilli(),
	}, nil
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

// Sweep forgets the sessions that ended before now, the sign-ins that nobody
// came back from, and the messages that are no longer valid by themselves.
func Sweep(ctx context.Context, tx *db.Tx, now time.Time) error {
	for _, q := range []struct {
		text   string
		before time.Time
	}{
		{`DELETE FROM sessions WHERE expiry <= $1`, now},
		{`DELETE FROM attempts WHERE began_at <= $1`, now.Add(-24 * time.Hour)},
		{`DELETE FROM used_messages WHERE until_at <= $1`, now},
	} {
		if _, err := tx.ExecContext(ctx, q.text, db.Millis(q.before)); err != nil {
			return fmt.Errorf("sweep sessions: %w", err)
		}
	}
	return nil
}
