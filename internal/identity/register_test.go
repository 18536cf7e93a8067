package identity_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

// plain is a vault without secrets: it shows what was sealed to which row.
type plain struct{ old bool }

func (plain) Seal(text, row string) (string, error) {
	return row + "|" + hex.EncodeToString([]byte(text)), nil
}

func (plain) Open(sealed, row string) (string, error) {
	text, ok := strings.CutPrefix(sealed, row+"|")
	if !ok {
		return "", errors.New("sealed for another row")
	}
	b, err := hex.DecodeString(text)
	return string(b), err
}

func (p plain) Hashes(value string) []string {
	if p.old {
		return []string{"old:" + value}
	}
	return []string{"new:" + value, "old:" + value}
}

func inTx(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestAPersonIsKnownAgainByTheProvidersName(t *testing.T) {
	d := testkit.DB(t)
	come := func(v identity.Vault, connection string, a identity.Assertion) (p identity.Person) {
		inTx(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
			p, err = (&identity.Register{Vault: v}).Person(ctx, tx, testkit.Start, connection, a)
			return err
		})
		return p
	}
	first := come(plain{old: true}, "suomi", identity.Assertion{PersonalCode: "010280-952L", Name: "Aino Virtanen"})
	for _, tt := range []struct {
		name       string
		vault      plain
		connection string
		a          identity.Assertion
		same       bool
	}{
		{"the same code, after the keys rolled over", plain{}, "suomi", identity.Assertion{PersonalCode: "010280-952L", Name: "Aino Järvinen"}, true},
		{"the same code by another connection", plain{}, "oidc", identity.Assertion{PersonalCode: "010280-952L", Name: "Aino Järvinen"}, true},
		{"another code", plain{}, "suomi", identity.Assertion{PersonalCode: "010469-999W", Name: "Aino Virtanen"}, false},
		{"the same code of another century", plain{}, "suomi", identity.Assertion{PersonalCode: "010280X952L", Name: "Aino Virtanen"}, false},
		{"a provider's own name that looks the same", plain{}, "virtu", identity.Assertion{Subject: "010280-952L", Name: "Aino Virtanen"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := come(tt.vault, tt.connection, tt.a)
			if (p.ID == first.ID) != tt.same || p.Name != tt.a.Name {
				t.Errorf("Person = %s %q; the first was %s", p.ID, p.Name, first.ID)
			}
		})
	}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		code, err := (&identity.Register{Vault: plain{}}).PersonalCode(ctx, tx, first.ID)
		if code != "010280-952L" {
			t.Errorf("PersonalCode = %q", code)
		}
		return err
	})
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := (&identity.Register{Vault: plain{}}).Person(t.Context(), tx, testkit.Start, "virtu", identity.Assertion{Name: "Nobody"})
		return err
	})
	if r, ok := errors.AsType[*identity.Refusal](err); !ok || r.Why != identity.NotValid {
		t.Errorf("an assertion without a name of the person: %v; want a refusal", err)
	}
}

// Two states of one subject at two organisations are two people.
func TestASubjectCountsForItsOrganisation(t *testing.T) {
	d := testkit.DB(t)
	r := &identity.Register{Vault: plain{}}
	ids := map[string]bool{}
	for _, org := range []string{"thl.fi", "tukes.fi"} {
		inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
			p, err := r.Person(ctx, tx, testkit.Start, "virtu", identity.Assertion{Subject: "kmeik", Organisation: org, Name: "Kaisa"})
			ids[p.ID] = true
			return err
		})
	}
	if len(ids) != 2 {
		t.Error("one local name at two organisations was taken for one person")
	}
}

func why(err error) identity.Why {
	if r, ok := errors.AsType[*identity.Refusal](err); ok {
		return r.Why
	}
	return ""
}

func TestAStateIsUsedOnceAndByItsBrowserOnly(t *testing.T) {
	d := testkit.DB(t)
	r := &identity.Register{Vault: plain{}}
	now := testkit.Start
	begin := func(state string) {
		inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
			return r.Begin(ctx, tx, now, identity.Attempt{State: state, Connection: "suomi", Purpose: identity.ToSignIn, Next: "/projects", Memo: []byte("memo")}, "cookie")
		})
	}
	answer := func(state, connection string, at time.Time) error {
		return d.InTx(t.Context(), func(tx *db.Tx) error {
			a, err := r.Waiting(t.Context(), tx, at, connection, state)
			if err != nil {
				return err
			}
			if string(a.Memo) != "memo" || a.Next != "/projects" || a.Purpose != identity.ToSignIn {
				t.Errorf("Waiting = %+v", a)
			}
			return r.Answered(t.Context(), tx, at, a, identity.Assertion{Name: "Aino", PersonalCode: "010280-952L"}, "")
		})
	}
	collect := func(state, cookie string, at time.Time) (said identity.Assertion, err error) {
		err = d.InTx(t.Context(), func(tx *db.Tx) error {
			_, said, err = r.Collect(t.Context(), tx, at, state, cookie)
			return err
		})
		return said, err
	}
	begin("one")
	if got := why(answer("two", "suomi", now)); got != identity.TooOld {
		t.Errorf("an unknown state: %q", got)
	}
	if got := why(answer("one", "virtu", now)); got != identity.TooOld {
		t.Errorf("another connection's answer: %q", got)
	}
	if got := why(answer("one", "suomi", now.Add(16*time.Minute))); got != identity.TooOld {
		t.Errorf("after sixteen minutes: %q", got)
	}
	if _, err := collect("one", "cookie", now); why(err) != identity.TooOld {
		t.Errorf("collected before it was answered: %v", err)
	}
	if err := answer("one", "suomi", now); err != nil {
		t.Fatal(err)
	}
	if got := why(answer("one", "suomi", now)); got != identity.TooOld {
		t.Errorf("answered twice: %q", got)
	}
	for _, cookie := range []string{"", "another"} {
		if _, err := collect("one", cookie, now); why(err) != identity.NotValid {
			t.Errorf("collected with the cookie %q: %v", cookie, err)
		}
	}
	if said, err := collect("one", "cookie", now); err != nil || said.PersonalCode != "010280-952L" {
		t.Errorf("Collect = %v", err)
	}
	if _, err := collect("one", "cookie", now); why(err) != identity.TooOld {
		t.Errorf("collected twice: %v", err)
	}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		var left string
		err := tx.QueryRowContext(ctx, `SELECT memo || answer FROM attempts`).Scan(&left)
		if left != "" {
			t.Error("the memo or the answer stays after its use")
		}
		return err
	})
}

func TestAMessageIsTakenOnce(t *testing.T) {
	d := testkit.DB(t)
	for i, want := range []bool{true, false} {
		inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
			got, err := identity.Once(ctx, tx, "https://idp.example", "_1", testkit.Start.Add(time.Hour))
			if got != want {
				t.Errorf("time %d: Once = %t", i+1, got)
			}
			return err
		})
	}
}

func TestAnOwnerEndsASessionAndAProviderItsOwn(t *testing.T) {
	v, d := sessions(t)
	v.s.Vault = plain{}
	session := identity.ProviderSession{NameID: "_abc", Qualifier: "idp", SessionIndex: "s1"}
	in := func(s identity.ProviderSession) (c *http.Cookie) {
		return v.do(nil, func(r *http.Request) {
			err := v.s.SignIn(r.Context(), identity.Visit{
				Person: identity.Person{ID: "aino"}, Hat: identity.Hat{Role: identity.RoleCustomer},
				Via: identity.Via{Connection: "suomi", Issuer: "idp", At: testkit.Start, Session: s},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	one, two := in(session), in(identity.ProviderSession{NameID: "_def", Qualifier: "idp"})
	var listed []identity.Listed
	v.do(one, func(r *http.Request) {
		all, err := v.s.Listed(r.Context(), "aino")
		if err != nil {
			t.Error(err)
		}
		listed = all
		via, err := v.s.Provider(r.Context())
		if err != nil || via.Session != session || via.Connection != "suomi" {
			t.Errorf("Provider = %+v, %v", via, err)
		}
	})
	if len(listed) != 2 || listed[0].Current == listed[1].Current {
		t.Fatalf("Listed = %+v; want two, one of them the current", listed)
	}
	for _, l := range listed {
		if l.Current {
			continue
		}
		if err := v.s.End(t.Context(), "eero", l.ID); !fail.Is(err, fail.NotFound) {
			t.Errorf("somebody else ended it: %v", err)
		}
		if err := v.s.End(t.Context(), "aino", l.ID); err != nil {
			t.Error(err)
		}
	}
	if v.known(two) || !v.known(one) {
		t.Error("the ended session lives, or the other does not")
	}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		if n, err := identity.EndAt(ctx, tx, "idp", identity.ProviderSession{NameID: "_abc", Qualifier: "idp", SessionIndex: "s2"}); n != 0 || err != nil {
			t.Errorf("another SessionIndex ended %d, %v", n, err)
		}
		n, err := identity.EndAt(ctx, tx, "idp", identity.ProviderSession{NameID: "_abc", Qualifier: "idp"})
		if n != 1 {
			t.Errorf("EndAt ended %d", n)
		}
		return err
	})
	if v.known(one) {
		t.Error("the session that the provider ended lives")
	}
}

func TestARoleIsGivenUsedAndWithdrawnWithATrace(t *testing.T) {
	v, d := sessions(t)
	r := &identity.Roles{DB: d, Now: func() time.Time { return testkit.Start }}
	lead := identity.Lead{Person: identity.Person{ID: "lead"}, Authority: "rescue-pirkanmaa"}
	other := identity.Lead{Person: identity.Person{ID: "other"}, Authority: "police-sisa-suomi"}
	officer := identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa"}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		return identity.SavePerson(ctx, tx, testkit.Start, identity.Person{ID: "eero", Name: "Eero", Lang: "fi"})
	})
	if err := r.Ask(t.Context(), identity.Person{ID: "aino"}, "rescue-pirkanmaa", "virtu"); err != nil {
		t.Fatal(err)
	}
	if err := r.Give(t.Context(), other, "aino", officer, time.Time{}); !fail.Is(err, fail.NotFound) {
		t.Errorf("another authority's lead gave it: %v", err)
	}
	if err := r.Give(t.Context(), lead, "aino", identity.Hat{Role: identity.RoleService}, time.Time{}); err == nil {
		t.Error("a lead made service management")
	}
	for _, p := range []string{"aino", "eero"} {
		if err := r.Give(t.Context(), lead, p, officer, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	cookie := v.do(nil, func(r *http.Request) {
		if err := v.s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: "aino"}, Hat: officer, Via: identity.Via{Connection: "virtu"}}); err != nil {
			t.Error(err)
		}
	})
	if !v.known(cookie) {
		t.Fatal("the role is not worn")
	}
	if err := r.SetWay(t.Context(), lead, "rescue-pirkanmaa", "portti", time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	if v.known(cookie) {
		t.Error("she came in by a way that is closed, and stays")
	}
	if err := r.SetWay(t.Context(), lead, "rescue-pirkanmaa", "virtu", testkit.Start.Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}
	if !v.known(cookie) {
		t.Error("both ways are open until a date, and hers is not")
	}
	if err := r.Withdraw(t.Context(), lead, "aino", identity.RoleOfficer, "rescue-pirkanmaa", "stranger"); !fail.Is(err, fail.Rejected) {
		t.Errorf("a stranger takes over: %v", err)
	}
	if err := r.Withdraw(t.Context(), other, "aino", identity.RoleOfficer, "rescue-pirkanmaa", ""); !fail.Is(err, fail.NotFound) {
		t.Errorf("another authority's lead withdrew it: %v", err)
	}
	if err := r.Name(t.Context(), lead, "aino", "rescue-pirkanmaa", "eero"); err != nil {
		t.Fatal(err)
	}
	if err := r.Withdraw(t.Context(), lead, "aino", identity.RoleOfficer, "rescue-pirkanmaa", ""); err != nil {
		t.Fatal(err)
	}
	if v.known(cookie) {
		t.Error("the leaver's session lives")
	}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		entries, err := ledger.Read(ctx, tx, identity.AuthorityStream("rescue-pirkanmaa"))
		var deeds []string
		for _, e := range entries {
			deeds = append(deeds, e.Deed)
		}
		if got := strings.Join(deeds, " "); got != "role.asked role.given role.given authority.way_set authority.way_set role.withdrawn" {
			t.Errorf("the ledger says %q", got)
		}
		var job string
		if err := tx.QueryRowContext(ctx, `SELECT payload FROM outbox WHERE kind = 'identity.left'`).Scan(&job); err != nil || !strings.Contains(job, `"successor":"eero"`) {
			t.Errorf("the open work: %s, %v", job, err)
		}
		return err
	})
}

// Who was named to take over may have left before: then the work goes back to
// the inbox, and the role ends all the same.
func TestASuccessorWhoHasLeft(t *testing.T) {
	_, d := sessions(t)
	r := &identity.Roles{DB: d, Now: func() time.Time { return testkit.Start }}
	lead := identity.Lead{Person: identity.Person{ID: "lead"}, Authority: "rescue-pirkanmaa"}
	officer := identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa"}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		return identity.SavePerson(ctx, tx, testkit.Start, identity.Person{ID: "eero", Name: "Eero", Lang: "fi"})
	})
	ended := testkit.Start
	for _, p := range []string{"aino", "eero"} {
		if err := r.Give(t.Context(), lead, p, officer, testkit.Start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Name(t.Context(), lead, "aino", "rescue-pirkanmaa", "eero"); err != nil {
		t.Fatal(err)
	}
	ended = ended.Add(2 * time.Hour) // Eero's grant has run out
	r.Now = func() time.Time { return ended }
	if err := r.MandateEnded(t.Context(), "aino", "rescue-pirkanmaa"); err != nil {
		t.Fatalf("the mandate's end: %v", err)
	}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		var job string
		err := tx.QueryRowContext(ctx, `SELECT payload FROM outbox WHERE kind = 'identity.left'`).Scan(&job)
		if strings.Contains(job, "eero") {
			t.Errorf("the open work goes to somebody who has left: %s", job)
		}
		return err
	})
}

// An officer who comes by a mandate that names the granting body only has what
// the lead has granted, and no more, for as long as that.
func TestAMandateDoesNotWidenAGrant(t *testing.T) {
	v, d := sessions(t)
	v.s.Vault = plainVault{}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		return identity.Grant(ctx, tx, testkit.Start, "aino", identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa", Types: []string{"rescue-plan"}})
	})
	cookie := v.do(nil, func(r *http.Request) {
		err := v.s.SignIn(r.Context(), identity.Visit{
			Person: identity.Person{ID: "aino"}, Hat: identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa"},
			Mandate: identity.Mandate{Memo: []byte("memo"), CheckedAt: testkit.Start, Granted: true},
		})
		if err != nil {
			t.Error(err)
		}
	})
	v.do(cookie, func(r *http.Request) {
		who, ok, err := v.s.Who(r.Context(), testkit.Start)
		if err != nil || !ok || len(who.Hat.Types) != 1 || who.Hat.Types[0] != "rescue-plan" {
			t.Errorf("she wears %+v, %v", who.Hat, err)
		}
	})
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE grants SET until_at = $1`, db.Millis(testkit.Start.Add(-time.Minute)))
		return err
	})
	if v.known(cookie) {
		t.Error("the grant has ended, and the role is still worn")
	}
}
