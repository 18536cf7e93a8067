package identity_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

const rescue = "rescue-pirkanmaa"

var officerThere = identity.Hat{Role: identity.RoleOfficer, Authority: rescue}

// endings is a site of one authority with three officers and a clock.
type endings struct {
	visit
	d     *db.DB
	r     *identity.Roles
	clock time.Time
}

func newEndings(t *testing.T) *endings {
	t.Helper()
	v, d := sessions(t)
	v.s.Vault = plainVault{}
	e := &endings{visit: v, d: d, clock: testkit.Start}
	e.r = &identity.Roles{DB: d, Now: func() time.Time { return e.clock }}
	inTx(t, d, func(ctx context.Context, tx *db.Tx) error {
		for _, p := range []string{"eero", "ulla"} {
			if err := identity.SavePerson(ctx, tx, testkit.Start, identity.Person{ID: p, Name: p, Lang: "fi"}); err != nil {
				return err
			}
		}
		return nil
	})
	return e
}

// give is the lead's.
func (e *endings) give(person string, until time.Time, types ...string) {
	e.t.Helper()
	h := officerThere
	h.Types = types
	if err := e.r.Give(e.t.Context(), identity.Lead{Person: identity.Person{ID: "lead"}, Authority: rescue}, person, h, until); err != nil {
		e.t.Fatal(err)
	}
}

func (e *endings) successor(of, is string) {
	e.t.Helper()
	if err := e.r.Name(e.t.Context(), identity.Lead{Person: identity.Person{ID: "lead"}, Authority: rescue}, of, rescue, is); err != nil {
		e.t.Fatal(err)
	}
}

// byMandate brings an officer in by a mandate that was confirmed now.
func (e *endings) byMandate(person string, granted bool) *http.Cookie {
	e.t.Helper()
	v := identity.Visit{
		Person: identity.Person{ID: person}, Hat: officerThere, Via: identity.Via{Connection: "suomifi"},
		Mandate: identity.Mandate{Memo: []byte("memo of " + person), CheckedAt: e.clock, Granted: granted},
	}
	inTx(e.t, e.d, func(ctx context.Context, tx *db.Tx) error { return identity.SignedIn(ctx, tx, e.clock, v) })
	return e.do(nil, func(r *http.Request) {
		if err := e.s.SignIn(r.Context(), v); err != nil {
			e.t.Error(err)
		}
	})
}

// deeds lists the authority's stream since an entry, and the jobs that hand over.
func (e *endings) deeds(after int64) (deeds string, jobs []string) {
	e.t.Helper()
	inTx(e.t, e.d, func(ctx context.Context, tx *db.Tx) error {
		entries, err := ledger.Read(ctx, tx, identity.AuthorityStream(rescue))
		if err != nil {
			return err
		}
		for _, x := range entries {
			if x.N > after {
				deeds += x.Deed + " "
			}
		}
		rows, err := tx.QueryContext(ctx, `SELECT payload FROM outbox WHERE kind = 'identity.left' ORDER BY created_at, id`)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var job string
			err := rows.Scan(&job)
			jobs = append(jobs, job)
			return err
		})
	})
	return strings.TrimSpace(deeds), jobs
}

func (e *endings) due(unheardSince time.Time) {
	e.t.Helper()
	if err := e.r.EndDue(e.t.Context(), unheardSince); err != nil {
		e.t.Fatal(err)
	}
}

func ids(all []identity.Grantee) (list string) {
	for _, g := range all {
		list += g.Person.ID + " "
	}
	return strings.TrimSpace(list)
}

// lists are who has a role, who had one and who may be named a handler.
func (e *endings) lists() (people, former []identity.Grantee, colleagues string) {
	e.t.Helper()
	inTx(e.t, e.d, func(ctx context.Context, tx *db.Tx) (err error) {
		if people, err = identity.People(ctx, tx, rescue); err != nil {
			return err
		}
		if former, err = identity.Former(ctx, tx, rescue, e.clock.AddDate(0, 0, -180)); err != nil {
			return err
		}
		all, err := identity.Colleagues(ctx, tx, e.clock, rescue, "rescue-plan")
		for _, p := range all {
			colleagues += p.ID + " "
		}
		colleagues = strings.TrimSpace(colleagues)
		return err
	})
	return people, former, colleagues
}

// A role that was given until a day ends by itself when the day has passed: its
// sessions end, the open work goes to the named successor, and the lead sees it
// among those who had one, with the matters that it was for.
func TestARoleEndsOnItsDayByItself(t *testing.T) {
	e := newEndings(t)
	e.give("aino", testkit.Start.Add(time.Hour), "rescue-plan")
	e.give("eero", time.Time{})
	e.successor("aino", "eero")
	cookie := e.do(nil, func(r *http.Request) {
		if err := e.s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: "aino"}, Hat: officerThere}); err != nil {
			t.Error(err)
		}
	})
	e.due(time.Time{})
	if deeds, jobs := e.deeds(2); deeds != "" || len(jobs) != 0 || !e.known(cookie) {
		t.Errorf("before the day: %q, %v", deeds, jobs)
	}
	e.clock = testkit.Start.Add(time.Hour)
	for range 2 { // another node looks too
		e.due(time.Time{})
	}
	deeds, jobs := e.deeds(2)
	if deeds != "role.expired" || len(jobs) != 1 || !strings.Contains(jobs[0], `"person":"aino"`) || !strings.Contains(jobs[0], `"successor":"eero"`) {
		t.Errorf("after the day: %q, %v", deeds, jobs)
	}
	if e.known(cookie) {
		t.Error("the session lives")
	}
	people, former, colleagues := e.lists()
	if ids(people) != "eero" || colleagues != "eero" || ids(former) != "aino" {
		t.Fatalf("has %q, had %q, may handle %q", ids(people), ids(former), colleagues)
	}
	if f := former[0]; f.EndedBy != identity.DeedExpired || !f.Ended.Equal(e.clock) || len(f.Hat.Types) != 1 {
		t.Errorf("the lead is told %+v", f)
	}
}

// A lead who gives more time while the hub is looking is not undone.
func TestARoleThatWasProlongedStays(t *testing.T) {
	e := newEndings(t)
	e.give("aino", testkit.Start.Add(time.Hour))
	e.clock = testkit.Start.Add(2 * time.Hour)
	looked := 0
	e.r.Now = func() time.Time {
		if looked++; looked == 2 { // it was found due, and is about to end
			inTx(t, e.d, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE grants SET until_at = $1`, db.Millis(e.clock.Add(time.Hour)))
				return err
			})
		}
		return e.clock
	}
	e.due(time.Time{})
	if people, _, _ := e.lists(); looked != 2 || ids(people) != "aino" {
		t.Errorf("looked %d times, has a role: %q", looked, ids(people))
	}
}

// An officer by mandate who stays away: nobody can ask the register without the
// person, so after a time the open work goes on with somebody else. What the lead
// has granted stays, and all is as before when the person comes by the mandate.
func TestAnOfficerByMandateWhoStaysAway(t *testing.T) {
	for name, granted := range map[string]bool{"the mandate names the authority": false, "the mandate names the granting body": true} {
		t.Run(name, func(t *testing.T) {
			e := newEndings(t)
			if granted {
				e.give("aino", time.Time{})
			}
			e.byMandate("aino", granted)
			e.byMandate("eero", false)
			people, former, colleagues := e.lists()
			if ids(people) != "aino eero" || colleagues != "aino eero" || len(former) != 0 || people[0].ByMandate == granted || !people[0].Confirmed.Equal(e.clock) {
				t.Fatalf("at first: has %+v, had %q, may handle %q", people, ids(former), colleagues)
			}
			e.successor("aino", "eero")
			_, before := e.deeds(0)
			n := lastEntry(e)

			e.clock = testkit.Start.AddDate(0, 0, 20)
			if err := identity.Confirmed(t.Context(), e.d, e.clock, "eero", rescue); err != nil {
				t.Fatal(err)
			}
			e.clock = testkit.Start.AddDate(0, 0, 36)
			for range 2 {
				e.due(e.clock.AddDate(0, 0, -35))
			}
			deeds, jobs := e.deeds(n)
			if deeds != "role.unconfirmed" || len(jobs) != len(before)+1 || !strings.Contains(jobs[0], `"person":"aino"`) || !strings.Contains(jobs[0], `"successor":"eero"`) {
				t.Errorf("after 36 days: %q, %v", deeds, jobs)
			}
			people, former, colleagues = e.lists()
			if colleagues != "eero" {
				t.Errorf("may handle: %q", colleagues)
			}
			if granted && (ids(people) != "aino eero" || people[0].Handed.IsZero() || len(former) != 0) {
				t.Errorf("the lead's grant: has %+v, had %q", people, ids(former))
			}
			if !granted && (ids(people) != "eero" || ids(former) != "aino" || former[0].EndedBy != identity.DeedUnheard) {
				t.Errorf("the mandate alone: has %q, had %+v", ids(people), former)
			}
			lead := identity.Lead{Person: identity.Person{ID: "lead"}, Authority: rescue}
			if err := e.r.Name(t.Context(), lead, "eero", rescue, "aino"); !fail.Is(err, fail.Rejected) {
				t.Errorf("who stays away is named a successor: %v", err)
			}

			e.byMandate("aino", granted)
			if people, former, colleagues := e.lists(); ids(people) != "aino eero" || colleagues != "aino eero" || len(former) != 0 {
				t.Errorf("when she comes again: has %q, had %q, may handle %q", ids(people), ids(former), colleagues)
			}
		})
	}
}

func lastEntry(e *endings) (n int64) {
	inTx(e.t, e.d, func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT n FROM ledger_heads WHERE stream = $1`, identity.AuthorityStream(rescue)).Scan(&n)
	})
	return n
}

// A mandate that ends takes the lead's grant along, and the lead is told why.
func TestTheLeadSeesWhyARoleEnded(t *testing.T) {
	e := newEndings(t)
	e.give("aino", time.Time{}, "rescue-plan")
	e.byMandate("aino", true)
	if err := e.r.MandateEnded(t.Context(), "aino", rescue); err != nil {
		t.Fatal(err)
	}
	people, former, colleagues := e.lists()
	if len(people) != 0 || colleagues != "" || ids(former) != "aino" || former[0].EndedBy != identity.DeedMandate || len(former[0].Hat.Types) != 1 {
		t.Errorf("has %q, had %+v, may handle %q", ids(people), former, colleagues)
	}
	e.give("aino", time.Time{})
	if _, former, _ := e.lists(); len(former) != 0 {
		t.Errorf("given back, and still among those who had one: %+v", former)
	}
}

// However many pages and nodes find at once that a role has ended, it ends once:
// the work is handed over once, and the matter types that it was for stay known,
// so that giving it back gives no more.
func TestARoleEndsOnceForAll(t *testing.T) {
	lead := identity.Lead{Person: identity.Person{ID: "lead"}, Authority: rescue}
	for name, end := range map[string]func(e *endings) error{
		identity.DeedMandate: func(e *endings) error { return e.r.MandateEnded(t.Context(), "aino", rescue) },
		identity.DeedExpired: func(e *endings) error { return e.r.EndDue(t.Context(), time.Time{}) },
		identity.DeedWithdrawn: func(e *endings) error {
			return e.r.Withdraw(t.Context(), lead, "aino", identity.RoleOfficer, rescue, identity.Inbox)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndings(t)
			e.give("aino", testkit.Start.Add(time.Hour), "rescue-plan")
			e.byMandate("aino", true)
			before := lastEntry(e)
			e.clock = testkit.Start.Add(2 * time.Hour)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if err := end(e); err != nil && !fail.Is(err, fail.NotFound) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if deeds, jobs := e.deeds(before); deeds != name || len(jobs) != 1 {
				t.Errorf("the ledger says %q, and %d jobs hand over", deeds, len(jobs))
			}
			if _, former, _ := e.lists(); len(former) != 1 || len(former[0].Hat.Types) != 1 {
				t.Errorf("what the lead could give back: %+v", former)
			}
		})
	}
}

// Sessions that rest on a mandate are found when their mandate was checked long
// ago, and what the register said is kept in them, unless they went on meanwhile.
func TestSessionsThatRestOnMandates(t *testing.T) {
	e := newEndings(t)
	aino, eero := e.byMandate("aino", false), e.byMandate("eero", false)
	resting := func(before time.Time) []identity.Resting {
		t.Helper()
		all, err := e.s.Resting(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	memo := func(c *http.Cookie) (memo string, checked time.Time) {
		e.do(c, func(r *http.Request) {
			v, _, err := e.s.Who(r.Context(), e.clock)
			if err != nil {
				t.Error(err)
			}
			memo, checked = string(v.Mandate.Memo), v.Mandate.CheckedAt
		})
		return memo, checked
	}
	if all := resting(testkit.Start); len(all) != 0 {
		t.Errorf("just checked, and to be asked about: %+v", all)
	}
	later := testkit.Start.Add(10 * time.Minute)
	all := resting(later)
	if len(all) != 2 || string(all[0].Memo) != "memo of "+all[0].Person || all[0].Authority != rescue {
		t.Fatalf("to be asked about: %+v", all)
	}
	e.do(eero, func(r *http.Request) { // a page that came meanwhile
		if err := e.s.Checked(r.Context(), later, []byte("his own")); err != nil {
			t.Error(err)
		}
	})
	for _, r := range all {
		if err := e.s.Heard(t.Context(), r, later, []byte("fresh"), identity.MandateHolds); err != nil {
			t.Fatal(err)
		}
	}
	if m, at := memo(aino); m != "fresh" || !at.Equal(later) {
		t.Errorf("kept: %q of %s", m, at)
	}
	if m, _ := memo(eero); m != "his own" {
		t.Errorf("over what a page had kept: %q", m)
	}
	all = resting(later.Add(time.Minute))
	for _, r := range all {
		if err := e.s.Heard(t.Context(), r, later, nil, identity.MandateLapsed); err != nil {
			t.Fatal(err)
		}
	}
	if again := resting(later.Add(time.Hour)); len(all) != 2 || len(again) != 0 {
		t.Errorf("the register forgot %d, and is asked about %d still", len(all), len(again))
	}
	if !e.known(aino) {
		t.Error("a session that the register forgot was ended here")
	}
}
