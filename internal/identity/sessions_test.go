package identity_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/testkit"
)

type visit struct {
	t *testing.T
	s *identity.Sessions
}

// do runs a request with the cookie and returns the cookie after it.
func (v visit) do(cookie *http.Cookie, fn func(r *http.Request)) *http.Cookie {
	v.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	v.s.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fn(r)
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		return c
	}
	return cookie
}

func (v visit) known(cookie *http.Cookie) (known bool) {
	v.t.Helper()
	v.do(cookie, func(r *http.Request) {
		_, ok, err := v.s.Who(r.Context(), testkit.Start)
		if err != nil {
			v.t.Error(err)
		}
		known = ok
	})
	return known
}

func sessions(t *testing.T) (visit, *db.DB) {
	t.Helper()
	d := testkit.DB(t)
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		return identity.SavePerson(t.Context(), tx, testkit.Start, identity.Person{ID: "aino", Name: "Aino", Email: "a@example.fi", Lang: "fi"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return visit{t, identity.NewSessions(d, false)}, d
}

func (v visit) signIn(cookie *http.Cookie) *http.Cookie {
	v.t.Helper()
	return v.do(cookie, func(r *http.Request) {
		if err := v.s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: "aino"}, Hat: identity.Hat{Role: identity.RoleCustomer}}); err != nil {
			v.t.Error(err)
		}
	})
}

func TestASessionPlantedBeforeTheSignInIsWorthNothing(t *testing.T) {
	v, _ := sessions(t)
	planted := v.signIn(nil)
	mine := v.signIn(planted)
	if mine.Value == planted.Value || !v.known(mine) || v.known(planted) {
		t.Error("the planted token was kept")
	}
}

// A request that still runs when its person signs out must not bring the
// session back.
func TestSigningOutHoldsAgainstARunningRequest(t *testing.T) {
	v, d := sessions(t)
	cookie := v.signIn(nil)
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { // old enough to be written anew by any request
		_, err := tx.ExecContext(t.Context(), `UPDATE sessions SET expiry = expiry - 600000`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	v.do(cookie, func(*http.Request) { // a long upload …
		v.do(cookie, func(r *http.Request) { // … during which the person signs out
			if err := v.s.SignOut(r.Context()); err != nil {
				t.Error(err)
			}
		})
	})
	if v.known(cookie) {
		t.Error("the session is back")
	}
}

func TestAHatThatIsTakenAwayIsNotWorn(t *testing.T) {
	v, d := sessions(t)
	hat := identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa"}
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { return identity.Grant(t.Context(), tx, testkit.Start, "aino", hat) }); err != nil {
		t.Fatal(err)
	}
	cookie := v.do(nil, func(r *http.Request) {
		if err := v.s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: "aino"}, Hat: hat}); err != nil {
			t.Error(err)
		}
	})
	if !v.known(cookie) {
		t.Fatal("the granted hat is not worn")
	}
	if err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM grants`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if v.known(cookie) {
		t.Error("the hat is still worn")
	}
}

// A role is chosen, or anything else that makes the token new, by a request that
// began before its session was ended: it must not begin anew.
func TestAnEndedSessionDoesNotTurn(t *testing.T) {
	v, _ := sessions(t)
	cookie := v.signIn(nil)
	var refused error
	after := v.do(cookie, func(r *http.Request) { // its body comes slowly …
		v.do(cookie, func(r *http.Request) { // … and meanwhile the owner signs out
			if err := v.s.SignOut(r.Context()); err != nil {
				t.Error(err)
			}
		})
		refused = v.s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: "aino"}, Hat: identity.Hat{Role: identity.RoleCustomer}})
	})
	if !fail.Is(refused, fail.Forbidden) || v.known(cookie) || v.known(after) {
		t.Errorf("the session goes on: %v", refused)
	}
}

// A long upload ends when the row of its ended session has been swept.
func TestASweptSessionDoesNotComeBack(t *testing.T) {
	v, d := sessions(t)
	cookie := v.signIn(nil)
	after := v.do(cookie, func(*http.Request) {
		v.do(cookie, func(r *http.Request) {
			if err := v.s.SignOut(r.Context()); err != nil {
				t.Error(err)
			}
		})
		if err := d.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.ExecContext(t.Context(), `DELETE FROM sessions`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
	if v.known(cookie) || v.known(after) {
		t.Error("the session is back")
	}
}

// Choosing a role again and again does not make a session live longer.
func TestAChangeOfRoleKeepsTheDeadline(t *testing.T) {
	v, d := sessions(t)
	deadline := func() (text string) {
		t.Helper()
		var data []byte
		if err := d.View(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRowContext(t.Context(), `SELECT data FROM sessions WHERE ended = 0`).Scan(&data)
		}); err != nil {
			t.Fatal(err)
		}
		var x struct{ Deadline string }
		if err := json.Unmarshal(data, &x); err != nil {
			t.Fatal(err)
		}
		return x.Deadline
	}
	cookie := v.signIn(nil)
	first := deadline()
	v.signIn(cookie)
	if again := deadline(); again != first {
		t.Errorf("the deadline moved from %s to %s", first, again)
	}
}

// A provider may leave the qualifiers out when it ends a session.
func TestAProviderEndsASessionWithoutQualifiers(t *testing.T) {
	v, d := sessions(t)
	v.s.Vault = plainVault{}
	cookie := v.do(nil, func(r *http.Request) {
		via := identity.Via{Issuer: "idp", Session: identity.ProviderSession{NameID: "n", Qualifier: "q", SPQualifier: "sp", SessionIndex: "i"}}
		if err := v.s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: "aino"}, Hat: identity.Hat{Role: identity.RoleCustomer}, Via: via}); err != nil {
			t.Error(err)
		}
	})
	end := func(issuer string, p identity.ProviderSession) (n int64) {
		t.Helper()
		if err := d.InTx(t.Context(), func(tx *db.Tx) (err error) {
			n, err = identity.EndAt(t.Context(), tx, issuer, p)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, p := range map[string]identity.ProviderSession{"another person": {NameID: "m"}, "another index": {NameID: "n", SessionIndex: "j"}, "nobody": {}, "an index alone": {SessionIndex: "j"}} {
		if n := end("idp", p); n != 0 {
			t.Errorf("%s: ended %d", name, n)
		}
	}
	if n := end("another", identity.ProviderSession{SessionIndex: "i"}); n != 0 || !v.known(cookie) {
		t.Errorf("another provider ended %d", n)
	}
	if n := end("idp", identity.ProviderSession{NameID: "n"}); n != 1 || v.known(cookie) {
		t.Errorf("ended %d", n)
	}
}

// plainVault keeps nothing secret: these tests are about sessions.
type plainVault struct{}

func (plainVault) Seal(plain, _ string) (string, error)  { return plain, nil }
func (plainVault) Open(sealed, _ string) (string, error) { return sealed, nil }
func (plainVault) Hashes(value string) []string          { return []string{value} }
