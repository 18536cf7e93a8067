package matter_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

var supervisor = officer("lvv", "agency-lvv")

// plant begins Aino's project of a power plant with a building permit, a
// nature exemption and a matter that the time limit does not concern.
func (b *bench) plant(common forms.Answers) (project string, ids map[string]string) {
	b.t.Helper()
	ctx := b.t.Context()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := identity.SavePerson(ctx, tx, b.clock.Now(), supervisor.Person); err != nil {
			return err
		}
		if err := identity.Grant(ctx, tx, b.clock.Now(), supervisor.ID, identity.Hat{Role: identity.RoleOfficer, Authority: supervisor.Authority}); err != nil {
			return err
		}
		for authority, types := range map[string][]string{"muni-837": {"building-muni", "muni-building-inspection"}, supervisor.Authority: {"nature-exemption", "water-permit"}} {
			for _, typ := range types {
				way := catalogue.Light
				if typ == "building-muni" {
					way = catalogue.Conditional // so that these tests are not about its form
				}
				o := &catalogue.Offer{ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: way, Territory: []string{"837"}, NoticeEmail: typ + "@example.fi", URL: "https://rakennusvalvonta.example", Active: true}
				if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	project, err := b.StartProject(ctx, aino, matter.NewProject{Entity: "renewable-energy", Municipality: "837", Name: "Aurinkopuisto", Types: []string{"building-muni", "nature-exemption", "water-permit", "muni-building-inspection"}})
	b.must(err)
	b.tell(project, common)
	v, err := b.Project(ctx, aino, project)
	b.must(err)
	ids = map[string]string{}
	for _, r := range v.Rows {
		ids[r.Type] = r.ID
	}
	return project, ids
}

// common changes the project's common data; a nil value takes an answer away.
func (b *bench) tell(project string, change forms.Answers) {
	b.t.Helper()
	v, err := b.Project(b.t.Context(), aino, project)
	b.must(err)
	m, err := b.Matter(b.t.Context(), aino, v.Rows[0].ID)
	b.must(err)
	all, err := m.Common.Example(v.Answers, true, nil)
	b.must(err)
	for _, energy := range []string{"site_kind", "project_type", "repowering", "energy_source", "capacity_class", "capacity_kw", "heat_kw"} {
		if all[energy] = v.Answers[energy]; all[energy] == nil {
			delete(all, energy)
		}
	}
	for name, value := range change {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	_, err = b.SaveCommon(b.t.Context(), aino, project, v.Version, all)
	b.must(err)
}

func (b *bench) post(ids ...string) {
	b.t.Helper()
	var looks []matter.Looked
	for _, id := range ids {
		v := b.row(id)
		if v.Way != catalogue.Conditional {
			own, err := v.Form.Example(v.Answers, false, nil)
			b.must(err)
			_, err = b.SaveDraft(b.t.Context(), aino, id, v.Version, own)
			b.must(err)
			v = b.row(id)
		}
		looks = append(looks, matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version})
	}
	_, err := b.Send(b.t.Context(), aino, looks)
	b.must(err)
}

// same returns the count of the matter's project; the applicant and the
// officers must be told the same.
func (b *bench) same(id string, officers ...identity.Officer) *matter.Count {
	b.t.Helper()
	c := b.row(id).Limit
	p, err := b.Project(b.t.Context(), aino, b.row(id).Matter.Project)
	b.must(err)
	if c == nil || p.Limit == nil {
		b.t.Fatal("there is no count")
	}
	counts := []*matter.Count{p.Limit}
	for _, who := range officers {
		v, err := b.Handled(b.t.Context(), who, id)
		b.must(err)
		counts = append(counts, v.Limit)
	}
	for _, x := range counts {
		if x == nil || x.State() != c.State() || x.Days() != c.Days() || !x.Last().Equal(c.Last()) || (x.Class == nil) != (c.Class == nil) || x.Class != nil && x.Class.Ref() != c.Class.Ref() {
			b.t.Errorf("one is told %+v, another %+v", c, x)
		}
	}
	return c
}

func (b *bench) whole() {
	b.t.Helper()
	if _, err := matter.CheckStates(b.t.Context(), b.DB); err != nil {
		b.t.Error(err)
	}
	if _, err := ledger.Verify(b.t.Context(), b.DB); err != nil {
		b.t.Error(err)
	}
}

var solarPark = forms.Answers{"site_kind": "land", "project_type": "new_plant", "energy_source": []any{"solar"}, "capacity_kw": json.Number("4200")}

func TestBothSidesSeeTheSameCount(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.plant(solarPark)
	building, nature := ids["building-muni"], ids["nature-exemption"]
	if c := b.row(building).Limit; c == nil || c.State() != matter.CountAhead || c.Class == nil || c.Class.ID != "from-150-kw" {
		t.Fatalf("before anything is sent: %+v", c)
	}
	b.post(building, nature, ids["muni-building-inspection"])
	if c := b.same(building, city); c.State() != matter.CountAhead {
		t.Errorf("sent: %s", c.State())
	}
	b.must(b.Take(ctx, city, ids["muni-building-inspection"], ""))
	if c := b.same(building, city); c.State() != matter.CountAhead {
		t.Errorf("a matter that the limit does not concern began the count: %s", c.State())
	}
	b.must(b.MakePending(ctx, city, building, "837-1"))
	b.clock.Move(10 * 24 * time.Hour)
	b.must(b.Take(ctx, supervisor, nature, ""))
	b.must(b.AskCompletion(ctx, supervisor, nature, matter.Request{Text: "Lisää kartta.", Due: b.clock.Now().AddDate(0, 1, 0)}))
	b.clock.Move(20 * 24 * time.Hour)
	for _, at := range []struct {
		id  string
		who identity.Officer
	}{{building, city}, {nature, supervisor}} {
		if c := b.same(at.id, at.who); c.State() != matter.CountRunning || c.Days() != 30 || c.Total() != 731 || c.Last().Format(time.DateOnly) != "2029-03-02" {
			t.Errorf("running: %s, %d of %d, last %s", c.State(), c.Days(), c.Total(), c.Last())
		}
	}
	b.must(b.Finish(ctx, city, building, matter.Decision{Outcome: "granted"}))
	b.must(b.Withdraw(ctx, aino, nature))
	if c := b.same(building, city); c.State() != matter.CountDone || c.Days() != 30 {
		t.Errorf("all has ended: %s, %d days", c.State(), c.Days())
	}
	b.whole()
}

// An authority that was only written to sees the same count with its rows.
func TestAGuestSeesTheCount(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.plant(solarPark)
	b.post(ids["building-muni"], ids["nature-exemption"])
	b.must(b.MakePending(ctx, city, ids["building-muni"], ""))
	b.must(b.WriteToAuthority(ctx, city, ids["building-muni"], matter.Letter{To: supervisor.Authority, Text: "Hei"}))
	b.clock.Move(24 * time.Hour)
	if c := b.same(ids["building-muni"], supervisor); c.Days() != 1 {
		t.Errorf("%d days", c.Days())
	}
}

// What was sent settles the class; a draft of the common data that is being
// changed afterwards does not, until it is sent.
func TestOnlyWhatIsSentChangesTheLimit(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.plant(solarPark)
	b.post(ids["building-muni"], ids["nature-exemption"])
	b.must(b.MakePending(ctx, city, ids["building-muni"], ""))
	b.must(b.Take(ctx, supervisor, ids["nature-exemption"], ""))
	b.must(b.AskCompletion(ctx, supervisor, ids["nature-exemption"], matter.Request{Text: "Kapasiteetti?", Due: b.clock.Now().AddDate(0, 1, 0)}))
	b.clock.Move(24 * time.Hour)

	b.tell(project, forms.Answers{"capacity_kw": json.Number("149")})
	if c := b.same(ids["building-muni"], city); c.Class.ID != "from-150-kw" {
		t.Errorf("a draft changed the class to %s", c.Class.ID)
	}
	v := b.row(ids["nature-exemption"])
	_, err := b.Complete(ctx, aino, matter.Completion{Unchanged: true, Looked: matter.Looked{Matter: v.ID, Version: v.Version, Common: v.Project.Version}})
	b.must(err)
	if c := b.same(ids["building-muni"], city); c.Class.ID != "under-150-kw" || c.Total() != 366 {
		t.Errorf("the completion left the class %s", c.Class.ID)
	}
	b.tell(project, forms.Answers{"capacity_kw": nil})
	b.post(ids["water-permit"])
	if c := b.same(ids["building-muni"], city); c.Class == nil || c.Class.ID != "under-150-kw" {
		t.Error("a sending that settles nothing took the class away")
	}
	b.whole()
}

// Without the data the count runs, says what it needs to know, and is settled
// as soon as that is there.
func TestTheCountSaysWhatItNeedsToKnow(t *testing.T) {
	b := newBench(t)
	project, ids := b.plant(forms.Answers{"project_type": "new_plant", "energy_source": []any{"solar"}, "site_kind": "land"})
	b.post(ids["building-muni"])
	b.must(b.MakePending(t.Context(), city, ids["building-muni"], ""))
	b.clock.Move(24 * time.Hour)
	c := b.same(ids["building-muni"], city)
	if c.State() != matter.CountRunning || c.Days() != 1 || c.Class != nil || !c.Last().IsZero() || c.Certain || len(c.Lacks) != 1 || c.Lacks[0].FI != "sähköntuotantokapasiteetti" {
		t.Errorf("without the capacity: %s, %d days, class %v, lacks %v", c.State(), c.Days(), c.Class, c.Lacks)
	}
	b.tell(project, forms.Answers{"capacity_kw": json.Number("90")})
	if c := b.same(ids["building-muni"], city); c.Class == nil || c.Class.ID != "under-150-kw" || len(c.Lacks) != 0 {
		t.Errorf("with the capacity: class %v, lacks %v", c.Class, c.Lacks)
	}
	b.whole()
}

// A project of another entity has no count, though it may have the same matter
// type.
func TestNoCountWithoutALimit(t *testing.T) {
	b := newBench(t)
	id := b.sent("rescue-temp-lodging")
	if c := b.row(id).Limit; c != nil {
		t.Errorf("an event has a count: %+v", c)
	}
}

// The check compares the class that a row holds with its ledger.
func TestAChangedClassIsFound(t *testing.T) {
	b := newBench(t)
	_, ids := b.plant(solarPark)
	b.post(ids["building-muni"])
	b.whole()
	b.must(b.DB.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE matters SET limit_class = 'renewable-2025/under-150-kw' WHERE id = $1`, ids["building-muni"])
		return err
	}))
	if _, err := matter.CheckStates(t.Context(), b.DB); err == nil {
		t.Error("the check did not see that the class was changed behind the ledger")
	}
}

// A draft is kept as the last of its versions only.
func TestALostDraftIsFound(t *testing.T) {
	for _, subject := range []string{"matter", "project"} {
		b := newBench(t)
		project, ids := b.plant(solarPark)
		b.whole()
		b.must(b.DB.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.ExecContext(t.Context(), `DELETE FROM draft_versions WHERE subject = $1 AND version = (SELECT MAX(version) FROM draft_versions WHERE subject = $1)`,
				map[string]string{"matter": ids["building-muni"], "project": project}[subject])
			return err
		}))
		if _, err := matter.CheckStates(t.Context(), b.DB); err == nil || !strings.Contains(err.Error(), "the draft of "+subject) {
			t.Errorf("the draft of a %s is gone, the check says %v", subject, err)
		}
	}
}

// What is sent under one law and becomes pending under the next is counted by
// the next.
func TestALawThatChangesBeforeTheCountBegins(t *testing.T) {
	b := newBench(t)
	eve := time.Date(2025, 7, 31, 12, 0, 0, 0, i18n.Zone)
	b.clock.Move(eve.Sub(b.clock.Now()))
	_, ids := b.plant(solarPark)
	b.post(ids["building-muni"])
	if got := b.row(ids["building-muni"]).LimitClass; !strings.HasPrefix(got, "renewable-2021/") || !strings.Contains(got, " renewable-2025/") {
		t.Errorf("sending settled %q; want a class under each law", got)
	}
	b.clock.Move(4 * 24 * time.Hour)
	b.must(b.MakePending(t.Context(), city, ids["building-muni"], ""))
	b.clock.Move(24 * time.Hour)
	if c := b.same(ids["building-muni"], city); c.Class == nil || !strings.HasPrefix(c.Class.Ref(), "renewable-2025/") || c.Days() != 1 {
		t.Errorf("counted %d days by class %v", c.Days(), c.Class)
	}
	b.whole()
}
