package identity_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"luvat/internal/db"
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
