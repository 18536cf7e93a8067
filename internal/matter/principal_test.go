package matter_test

import (
	"context"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

// vault keeps nothing secret: these tests are about projects.
type vault struct{}

func (vault) Seal(plain, _ string) (string, error)  { return plain, nil }
func (vault) Open(sealed, _ string) (string, error) { return sealed, nil }
func (vault) Hashes(value string) []string          { return []string{value} }

// acting returns Aino and Matti as they act for two companies.
func (b *bench) acting() (ainoFor, mattiFor, ainoForAnother identity.Customer) {
	b.t.Helper()
	b.must(b.DB.InTx(b.t.Context(), func(tx *db.Tx) error {
		r := &identity.Register{Vault: vault{}}
		one, err := r.Principal(b.t.Context(), tx, b.Now(), identity.Company, "2341528-4", "Rova Oy")
		if err != nil {
			return err
		}
		two, err := r.Principal(b.t.Context(), tx, b.Now(), identity.Company, "0112038-9", "Muu Oy")
		ainoFor, mattiFor, ainoForAnother = aino, matti, aino
		ainoFor.For, mattiFor.For, ainoForAnother.For = one, one, two
		return err
	}))
	return ainoFor, mattiFor, ainoForAnother
}

func TestACompanysProjectIsTheCompanys(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ainoFor, mattiFor, ainoForAnother := b.acting()
	project, err := b.StartProject(ctx, ainoFor, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäkonsertti", Types: []string{"muni-sewer"}})
	b.must(err)
	v, err := b.Project(ctx, mattiFor, project) // a colleague with a mandate
	b.must(err)
	if v.Role != matter.Owner || v.Answers["applicant_name"] != "Rova Oy" || v.Answers["business_id"] != "2341528-4" {
		t.Errorf("the colleague is %s, the common data begin with %v", v.Role, v.Answers)
	}
	for name, who := range map[string]identity.Customer{"herself": aino, "for another company": ainoForAnother, "a stranger": other, "the colleague himself": matti} {
		if _, err := b.Project(ctx, who, project); !fail.Is(err, fail.NotFound) {
			t.Errorf("%s: %v; want not found", name, err)
		}
		if all, err := b.Projects(ctx, who); err != nil || len(all) != 0 {
			t.Errorf("%s lists %d projects, %v", name, len(all), err)
		}
	}
	if all, err := b.Projects(ctx, mattiFor); err != nil || len(all) != 1 {
		t.Errorf("the colleague lists %d projects, %v", len(all), err)
	}

	m, err := b.Matter(ctx, mattiFor, v.Rows[0].ID)
	b.must(err)
	common, err := m.Common.Example(m.Project.Answers, true, nil)
	b.must(err)
	_, err = b.SaveCommon(ctx, mattiFor, project, m.Project.Version, common)
	b.must(err)
	own, err := m.Form.Example(m.Answers, false, nil)
	b.must(err)
	_, err = b.SaveDraft(ctx, ainoFor, m.ID, m.Version, own)
	b.must(err)
	if _, err := b.SaveDraft(ctx, aino, m.ID, m.Version, own); !fail.Is(err, fail.NotFound) {
		t.Errorf("herself saved the company's draft: %v", err)
	}
	m, err = b.Matter(ctx, mattiFor, m.ID)
	b.must(err)
	sent, err := b.Send(ctx, mattiFor, []matter.Looked{{Matter: m.ID, Version: m.Version, Common: m.Project.Version}})
	b.must(err)
	if body, err := sent[0].Parse(); err != nil || body.OnBehalfOf == nil || body.OnBehalfOf.String() != "Rova Oy (2341528-4)" {
		t.Errorf("the seal says on behalf of %+v, %v", body.OnBehalfOf, err)
	}
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		entries, err := ledger.Read(ctx, tx, ledger.MatterStream(m.ID))
		if last := string(entries[len(entries)-1].Data); !strings.Contains(last, mattiFor.For.ID) || strings.Contains(last, "Rova") {
			t.Errorf("the ledger says %s", last)
		}
		return err
	}))
	// Whoever acted gets the notices.
	v, err = b.Project(ctx, ainoFor, project)
	b.must(err)
	if len(v.Members) != 2 || v.Members[0].Role != matter.Mandated {
		t.Errorf("members: %+v", v.Members)
	}
	// A helper from outside is invited as anywhere, and accepts as herself.
	if _, err := b.Accept(ctx, ainoFor, "secret"); !fail.Is(err, fail.Rejected) {
		t.Errorf("an invitation accepted for the company: %v", err)
	}
}

func TestALeaversOpenWorkGoesToTheSuccessor(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	one, two, done := b.sent("rescue-temp-lodging"), b.sent("rescue-temp-lodging"), b.sent("rescue-temp-lodging")
	for _, id := range []string{one, two, done} {
		b.must(b.Take(ctx, rescue, id, "palo@example.fi"))
	}
	b.must(b.Withdraw(ctx, aino, done))
	b.must(b.TakeOver(ctx, identity.Left{Person: rescue.ID, Authority: "police-sisa-suomi", Successor: police.ID})) // another authority's
	b.must(b.TakeOver(ctx, identity.Left{Person: rescue.ID, Authority: rescue.Authority, Successor: rescue2.ID}))
	b.must(b.TakeOver(ctx, identity.Left{Person: rescue.ID, Authority: rescue.Authority, Successor: rescue2.ID}))
	for id, want := range map[string]string{one: rescue2.ID, two: rescue2.ID, done: rescue.ID} {
		v, err := b.Handled(ctx, rescue2, id)
		b.must(err)
		if v.Handler != want || id != done && v.NoticeEmail != "" {
			t.Errorf("the handler is %s, notices go to %q", v.Handler, v.NoticeEmail)
		}
	}
	b.must(b.TakeOver(ctx, identity.Left{Person: rescue2.ID, Authority: rescue.Authority})) // nobody was named
	v, err := b.Handled(ctx, rescue, one)
	b.must(err)
	if v.Handler != "" || v.Events[len(v.Events)-1].Deed != matter.DeedHandlerLeft {
		t.Errorf("the handler is %q, the last deed %s", v.Handler, v.Events[len(v.Events)-1].Deed)
	}
	if _, err := matter.CheckStates(context.Background(), b.DB); err != nil {
		t.Error(err)
	}
}

// Notices about a company's project must reach somebody: who acts for it cannot
// go away from it, until another is told.
func TestSomebodyIsToldOfACompanysProject(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ainoFor, mattiFor, _ := b.acting()
	project, err := b.StartProject(ctx, ainoFor, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäkonsertti", Types: []string{"muni-sewer"}})
	b.must(err)
	if err := b.RemoveMember(ctx, ainoFor, project, ainoFor.ID); !fail.Is(err, fail.Conflict) {
		t.Errorf("the last one who is told went: %v", err)
	}
	v, err := b.Project(ctx, mattiFor, project)
	b.must(err)
	m, err := b.Matter(ctx, mattiFor, v.Rows[0].ID)
	b.must(err)
	common, err := m.Common.Example(m.Project.Answers, true, nil)
	b.must(err)
	_, err = b.SaveCommon(ctx, mattiFor, project, m.Project.Version, common)
	b.must(err)
	own, err := m.Form.Example(m.Answers, false, nil)
	b.must(err)
	_, err = b.SaveDraft(ctx, mattiFor, m.ID, m.Version, own)
	b.must(err)
	m, err = b.Matter(ctx, mattiFor, m.ID)
	b.must(err)
	_, err = b.Send(ctx, mattiFor, []matter.Looked{{Matter: m.ID, Version: m.Version, Common: m.Project.Version}}) // a colleague, told from now on
	b.must(err)
	b.must(b.RemoveMember(ctx, mattiFor, project, ainoFor.ID))
}
