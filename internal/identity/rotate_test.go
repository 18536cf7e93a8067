package identity_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/pic"
	"luvat/internal/testkit"
)

// rings makes vaults of keys that are made once each: "s2 s1/f2 f1" is a file
// with two keys of each kind, the newest first.
type rings map[string]string

func (r rings) vault(t *testing.T, file string) *pic.Vault {
	t.Helper()
	encrypt, find, _ := strings.Cut(file, "/")
	ring := func(ids string) pic.Keys {
		var lines []string
		for id := range strings.FieldsSeq(ids) {
			if r[id] == "" {
				r[id] = pic.NewKey(id)
			}
			lines = append(lines, r[id])
		}
		keys, err := pic.ParseKeys(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	v, err := pic.NewVault(ring(encrypt), ring(find))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// code is the n-th invented personal identity code.
func code(n int) string {
	date, number := fmt.Sprintf("%02d%02d80", n%28+1, n/28%12+1), 900+n/336
	var nine int
	_, _ = fmt.Sscan(strings.TrimLeft(fmt.Sprintf("%s%d", date, number), "0"), &nine)
	return fmt.Sprintf("%s-%d%c", date, number, "0123456789ABCDEFHJKLMNPRSTUVWXY"[nine%31])
}

// come signs people in by their codes and returns who they are.
func come(t *testing.T, d *db.DB, v *pic.Vault, from, to int) (ids []string) {
	t.Helper()
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		ids = nil
		for n := from; n < to; n++ {
			p, err := (&identity.Register{Vault: v}).Person(ctx, tx, testkit.Start, "suomi", identity.Assertion{PersonalCode: code(n), Name: fmt.Sprint("Person ", n)})
			if err != nil {
				return err
			}
			ids = append(ids, p.ID)
		}
		return nil
	})
	return ids
}

func rotate(t *testing.T, d *db.DB, v *pic.Vault) identity.Rotated {
	t.Helper()
	done, err := identity.Rotate(t.Context(), d, v)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// uses is what needs which key: "seal s1" → rows.
func uses(t *testing.T, d *db.DB) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		list, err := identity.KeyUses(ctx, tx, time.Now()) // sessions live by the real clock
		for _, u := range list {
			all[u.Ring+" "+u.Key] = u.Rows + 1000*u.Passing
		}
		return err
	})
	return all
}

func wantUses(t *testing.T, d *db.DB, want map[string]int64) {
	t.Helper()
	if got := uses(t, d); !maps.Equal(got, want) {
		t.Errorf("keys are needed by %v; want %v", got, want)
	}
}

func wantSame(t *testing.T, when string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s person %d is another than before", when, i)
		}
	}
}

// 450 people of three generations of keys: they are the same before, when the
// pass was interrupted after its first page, and after, without the old keys.
func TestRotatingThreeGenerations(t *testing.T) {
	d, r := testkit.DB(t), rings{}
	people := come(t, d, r.vault(t, "s1/f1"), 0, 150)
	people = append(people, come(t, d, r.vault(t, "s2 s1/f2 f1"), 150, 300)...)
	people = append(people, come(t, d, r.vault(t, "s3 s2 s1/f3 f2 f1"), 300, 450)...)
	principal := func(v *pic.Vault, kind identity.PrincipalKind, value string) (p identity.Principal) {
		inTx(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
			p, err = (&identity.Register{Vault: v}).Principal(ctx, tx, testkit.Start, kind, value, "Name")
			return err
		})
		return p
	}
	company := principal(r.vault(t, "s1/f1"), identity.Company, "2341528-4")
	someone := principal(r.vault(t, "s2 s1/f2 f1"), identity.Someone, code(0))
	wantUses(t, d, map[string]int64{"seal s1": 151, "seal s2": 151, "seal s3": 150, "find f1": 151, "find f2": 151, "find f3": 150})

	v := r.vault(t, "s3 s2 s1/f3 f2 f1")
	next, done, err := identity.RotatePage(t.Context(), d, v, "")
	if err != nil || next == "" || done.Renewed != 200 {
		t.Fatalf("the first page: %+v, %v", done, err)
	}
	if got := uses(t, d); got["find f3"] != 350 || got["seal s3"] != 350 {
		t.Errorf("after the first page keys are needed by %v", got)
	}
	for _, node := range []string{"s3 s2 s1/f3 f2 f1", "s1 s2 s3/f1 f2 f3"} { // also one that has not the newest first yet
		wantSame(t, "interrupted, "+node, come(t, d, r.vault(t, node), 0, 30), people)
	}
	if done := rotate(t, d, v); done.Renewed == 0 || len(done.NoKey)+len(done.Broken)+len(done.Twice) != 0 {
		t.Errorf("the rest: %+v", done)
	}
	wantUses(t, d, map[string]int64{"seal s3": 452, "find f3": 452})
	if done := rotate(t, d, v); done.Renewed != 0 {
		t.Errorf("rotating again renewed %d", done.Renewed)
	}

	alone := r.vault(t, "s3/f3")
	wantSame(t, "without the old keys", come(t, d, alone, 0, 450), people)
	if principal(alone, identity.Company, "2341528-4").ID != company.ID || principal(alone, identity.Someone, code(0)).ID != someone.ID {
		t.Error("a principal is another than before")
	}
	if v, err := identity.Verify(t.Context(), d, alone); err != nil || v.Rows != 452 || len(v.Broken) != 0 {
		t.Errorf("Verify = %+v, %v", v, err)
	}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		got, err := (&identity.Register{Vault: alone}).PersonalCode(ctx, tx, people[7])
		if got != code(7) {
			t.Error("the code does not open as itself")
		}
		return err
	})
}

// Two nodes rotate, a third still the other way round, while everybody signs in
// and new people come: nobody becomes two, and nobody somebody else.
func TestRotatingWhilePeopleComeIn(t *testing.T) {
	d, r := testkit.DB(t), rings{}
	const known, all = 240, 280
	people := come(t, d, r.vault(t, "s1/f1"), 0, known)
	after, before := r.vault(t, "s2 s1/f2 f1"), r.vault(t, "s1 s2/f1 f2")
	var work sync.WaitGroup
	came := make([][]string, 4)
	for i, v := range []*pic.Vault{after, before, after, before} {
		came[i] = make([]string, all)
		work.Go(func() {
			for n := range all {
				err := d.InTx(t.Context(), func(tx *db.Tx) error {
					p, err := (&identity.Register{Vault: v}).Person(t.Context(), tx, testkit.Start, "suomi", identity.Assertion{PersonalCode: code(all - 1 - n), Name: "Somebody"})
					came[i][all-1-n] = p.ID
					return err
				})
				if err != nil {
					t.Error("a sign-in failed: ", err)
				}
			}
		})
	}
	for _, v := range []*pic.Vault{after, before, after} {
		work.Go(func() {
			for range 5 {
				if done, err := identity.Rotate(t.Context(), d, v); err != nil || len(done.NoKey)+len(done.Broken)+len(done.Twice) != 0 {
					t.Errorf("Rotate = %+v, %v", done, err)
				}
			}
		})
	}
	work.Wait()
	for i := range came {
		wantSame(t, "meanwhile", came[i], people)
		wantSame(t, "meanwhile, the new", came[i], came[0])
	}
	rotate(t, d, after)
	wantUses(t, d, map[string]int64{"seal s2": all, "find f2": all})
	wantSame(t, "afterwards", come(t, d, r.vault(t, "s2/f2"), 0, all), came[0])
}

// Somebody new comes in at several nodes at once while the keys change places:
// the hashes differ, the person does not.
func TestOnePersonComesForTheFirstTimeAtSeveralNodes(t *testing.T) {
	d, r := testkit.DB(t), rings{}
	nodes := []*pic.Vault{r.vault(t, "s2 s1/f2 f1"), r.vault(t, "s1 s2/f1 f2"), r.vault(t, "s2 s1/f2 f1"), r.vault(t, "s1 s2/f1 f2")}
	for n := range 25 {
		var work sync.WaitGroup
		ids, companies := make([]string, len(nodes)), make([]string, len(nodes))
		for i, v := range nodes {
			work.Go(func() {
				err := d.InTx(t.Context(), func(tx *db.Tx) error {
					g := &identity.Register{Vault: v}
					p, err := g.Person(t.Context(), tx, testkit.Start, "suomi", identity.Assertion{PersonalCode: code(n), Name: "Somebody"})
					if err != nil {
						return err
					}
					c, err := g.Principal(t.Context(), tx, testkit.Start, identity.Company, fmt.Sprint("company ", n), "Oy")
					ids[i], companies[i] = p.ID, c.ID
					return err
				})
				if err != nil {
					t.Error("a sign-in failed: ", err)
				}
			})
		}
		work.Wait()
		for i := range nodes {
			if ids[i] != ids[0] || companies[i] != companies[0] {
				t.Fatalf("round %d: the nodes made several of one: %v, %v", n, ids, companies)
			}
		}
	}
}

func TestWhatCannotBeRotatedStays(t *testing.T) {
	d, r := testkit.DB(t), rings{}
	people := come(t, d, r.vault(t, "s1/f1"), 0, 3)
	people = append(people, come(t, d, r.vault(t, "s2/f2"), 3, 6)...)
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		_, err := (&identity.Register{Vault: r.vault(t, "s1/f1")}).Principal(ctx, tx, testkit.Start, identity.Company, "2341528-4", "Oy")
		return err
	})
	// s1 is gone: its people stay findable by f1, and are told. The company is
	// known by what is public of it.
	done := rotate(t, d, r.vault(t, "s3 s2/f3 f2 f1"))
	if done.Renewed != 4 || done.NoKey["s1"] != 3 || len(done.NoKey) != 1 || len(done.Broken)+len(done.Twice) != 0 {
		t.Errorf("Rotate = %+v", done)
	}
	wantUses(t, d, map[string]int64{"seal s1": 3, "seal s3": 4, "find f1": 3, "find f3": 4})
	// With the key back nothing was lost, even when f1 is gone by now.
	if done := rotate(t, d, r.vault(t, "s3 s1/f3")); done.Renewed != 3 || len(done.NoKey) != 0 {
		t.Errorf("with the key back: %+v", done)
	}
	wantSame(t, "with the key back", come(t, d, r.vault(t, "s3/f3"), 0, 6), people)

	// Another key under a known id opens nothing, and overwrites nothing.
	other := rings{"s4": pic.NewKey("s4"), "f3": r["f3"]}
	if done := rotate(t, d, other.vault(t, "s4/f3")); done.Renewed != 1 || done.NoKey["s3"] != 6 {
		t.Errorf("keys of another hub: %+v", done) // the company again
	}
	other["s3"] = pic.NewKey("s3")
	done = rotate(t, d, other.vault(t, "s4 s3/f3"))
	if done.Renewed != 0 || len(done.Broken) != 6 {
		t.Errorf("another key under the same id: %+v", done)
	}
	if v, err := identity.Verify(t.Context(), d, other.vault(t, "s3 s4/f3")); err != nil || v.Rows != 7 || len(v.Broken) != 6 {
		t.Errorf("Verify with another key under the same id = %+v, %v", v, err)
	}
	if v, err := identity.Verify(t.Context(), d, rings{"s3": r["s3"], "s4": other["s4"], "f3": pic.NewKey("f3")}.vault(t, "s3 s4/f3")); err != nil || len(v.Broken) != 7 {
		t.Errorf("Verify with another key that finds under the same id = %+v, %v", v, err)
	}
	for n := range 9 {
		if text := fmt.Sprintf("%+v", done); strings.Contains(text, code(n)) {
			t.Error("what was done tells of whom")
		}
	}
	wantSame(t, "after all that", come(t, d, r.vault(t, "s3/f3"), 0, 6), people)
}

// A hub that did not have the newest key took somebody for new: the row of the
// newest key is who comes from then on, and the other stays and is told.
func TestSomebodyWhoStandsThereTwice(t *testing.T) {
	d, r := testkit.DB(t), rings{}
	old := come(t, d, r.vault(t, "s1/f1"), 0, 2)
	anew := come(t, d, r.vault(t, "s2/f2"), 0, 1)
	v := r.vault(t, "s2 s1/f2 f1")
	for range 2 {
		done := rotate(t, d, v)
		if len(done.Twice) != 1 || len(done.Broken)+len(done.NoKey) != 0 {
			t.Errorf("Rotate = %+v", done)
		}
		wantUses(t, d, map[string]int64{"seal s2": 3, "find f1": 1, "find f2": 2})
	}
	for _, ring := range []string{"s2 s1/f2 f1", "s2/f2"} {
		wantSame(t, ring, come(t, d, r.vault(t, ring), 0, 2), []string{anew[0], old[1]})
	}
}

// Sessions and sign-ins under way are told apart from what stays.
func TestWhatRunsOutIsToldApart(t *testing.T) {
	v, d := sessions(t)
	keys := rings{}
	v.s.Vault = keys.vault(t, "s1/f1")
	cookie := v.do(nil, func(r *http.Request) {
		err := v.s.SignIn(r.Context(), identity.Visit{
			Person: identity.Person{ID: "aino"}, Hat: identity.Hat{Role: identity.RoleCustomer},
			Via: identity.Via{Connection: "suomi", Session: identity.ProviderSession{NameID: "x"}}, Mandate: identity.Mandate{Memo: []byte("memo")},
		})
		if err != nil {
			t.Error(err)
		}
	})
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		return (&identity.Register{Vault: keys.vault(t, "s2 s1/f2 f1")}).Begin(ctx, tx, time.Now(), identity.Attempt{State: "one", Connection: "suomi", Purpose: identity.ToSignIn, Next: "/", Memo: []byte("memo")}, "cookie")
	})
	wantUses(t, d, map[string]int64{"seal s1": 2000, "seal s2": 1000})
	if done := rotate(t, d, keys.vault(t, "s2/f2")); done.Renewed != 0 || len(done.NoKey) != 0 {
		t.Errorf("what runs out is rotated: %+v", done)
	}
	v.s.Vault = keys.vault(t, "s2/f2")
	if v.known(cookie) {
		t.Error("acting by a mandate that nobody can open")
	}
}
