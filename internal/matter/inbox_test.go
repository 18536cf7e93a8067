package matter_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// named returns a matter that was sent in the name of an applicant.
func (b *bench) named(applicant, contact string) string {
	b.t.Helper()
	project, ids := b.start("rescue-temp-lodging")
	b.fill(project, ids[0])
	b.common(ids[0], "applicant_name", applicant)
	b.common(ids[0], "contact_name", contact)
	_, err := b.Send(b.t.Context(), aino, []matter.Looked{b.look(ids[0])})
	b.must(err)
	return ids[0]
}

// finds tells whether an officer's search finds the matter.
func (b *bench) finds(who identity.Officer, bucket matter.Bucket, search, id string) bool {
	b.t.Helper()
	in, err := b.Inbox(b.t.Context(), who, matter.Query{Bucket: bucket, Search: search})
	b.must(err)
	for _, r := range in.Rows {
		if r.ID == id {
			return true
		}
	}
	return false
}

func (b *bench) words(id string) (n int64) {
	b.t.Helper()
	ctx := b.t.Context()
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM words WHERE matter_id = $1`, id).Scan(&n)
	}))
	return n
}

func TestAMatterIsFoundByItsApplicant(t *testing.T) {
	b := newBench(t)
	id := b.named("Pispalan Soittajat ry", "Ännä-Liisa Öhman-Åberg")
	b.named("Tammelan Tori Oy", "Toinen Henkilö")
	for _, tt := range []struct {
		name, search string
		who          identity.Officer
		want         bool
	}{
		{"the organisation", "Pispalan Soittajat ry", rescue, true},
		{"its beginning, in small letters", "pispal", rescue, true},
		{"the contact person", "liisa öhman", rescue, true},
		{"a double name", "Ännä-Liisa", rescue, true},
		{"the applicant and the project", "soittajat kesäkonsertti", rescue, true},
		{"a colleague", "pispalan", rescue2, true},
		{"another authority", "pispalan", police, false},
		{"another applicant's name", "tammelan", rescue, false},
		{"words of two matters", "pispalan tammelan", rescue, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := b.finds(tt.who, matter.OnAuthority, tt.search, id); got != tt.want {
				t.Errorf("found %t; want %t", got, tt.want)
			}
		})
	}
}

// However many words the project's name has, the number and the applicant find it.
func TestALongNameDoesNotCrowdOutTheRest(t *testing.T) {
	b := newBench(t)
	project, ids := b.start("rescue-temp-lodging")
	b.fill(project, ids[0])
	b.common(ids[0], "applicant_name", "Oy Ab")
	b.common(ids[0], "project_name", "Soittajaiset Pispalassa Hervannassa Lielahdessa Nekalassa Tammelassa Kalevassa Muotialassa Rahola")
	_, err := b.Send(t.Context(), aino, []matter.Looked{b.look(ids[0])})
	b.must(err)
	for _, search := range []string{b.row(ids[0]).Number, "oy ab", "hervannassa"} {
		if !b.finds(rescue, matter.OnAuthority, search, ids[0]) {
			t.Errorf("%q does not find it", search)
		}
	}
}

func TestWhatDoesNotGoToTheAuthorityDoesNotFindTheMatter(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		o, err := catalogue.FindOffer(ctx, tx, "rescue-pirkanmaa/rescue-temp-lodging")
		if err != nil {
			return err
		}
		o.Way, o.URL = catalogue.Conditional, "https://oma.example.fi/" // which project it is, nothing else
		return catalogue.SaveOffer(ctx, tx, o)
	}))
	id := b.named("Pispalan Soittajat ry", "Maija Mallikas")
	if b.finds(rescue, matter.OnAuthority, "mallikas", id) || b.finds(rescue, matter.OnAuthority, "pispalan", id) || !b.finds(rescue, matter.OnAuthority, "kesäkonsertti", id) {
		t.Error("it is found by a name that was not sent, or not by its project")
	}
}

func TestANewNameFindsTheMatterOnceItWasSent(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.named("Pispalan Soittajat ry", "Maija Mallikas")
	b.must(b.AskCompletion(ctx, rescue, id, matter.Request{Text: "Kuka hakee?", Due: b.clock.Now().AddDate(0, 0, 7)}))
	b.common(id, "applicant_name", "Tahmelan Torvet ry")
	if b.finds(rescue, matter.OnApplicant, "tahmelan", id) {
		t.Error("a name that was only typed finds it")
	}
	_, err := b.Complete(ctx, aino, matter.Completion{Looked: b.look(id)})
	b.must(err)
	for _, search := range []string{"tahmelan", "pispalan"} {
		if !b.finds(rescue, matter.OnAuthority, search, id) {
			t.Errorf("%q does not find it", search)
		}
	}
}

// Names are personal data: they go with the content, here and not elsewhere.
func TestNamesGoWithTheContent(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id, other := b.named("Pispalan Soittajat ry", "Maija Mallikas"), b.named("Pispalan Soittajat ry", "Maija Mallikas")
	b.must(b.Take(ctx, rescue, id, ""))
	b.must(b.Finish(ctx, rescue, id, matter.Decision{Outcome: "received"}))
	if !b.finds(rescue, matter.Done, "mallikas", id) || b.words(id) == 0 {
		t.Fatal("the finished matter is not found")
	}
	b.clock.Move(25 * 31 * 24 * time.Hour)
	b.must(b.Retain(ctx))
	if b.finds(rescue, matter.Done, "mallikas", id) || b.words(id) != 0 {
		t.Error("the name is still there")
	}
	if b.words(other) == 0 {
		t.Error("another matter's words went too")
	}
}

func TestTheInboxTellsHowMuchWaitsWhere(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	counts := func(who identity.Officer, typ string) map[matter.Bucket]int {
		t.Helper()
		in, err := b.Inbox(ctx, who, matter.Query{Bucket: matter.Done, Type: typ})
		b.must(err)
		return in.Counts
	}
	for range 3 {
		b.named("Pispalan Soittajat ry", "Maija Mallikas")
	}
	asked := b.named("Pispalan Soittajat ry", "Maija Mallikas")
	b.must(b.Take(ctx, rescue, asked, ""))
	b.must(b.AskCompletion(ctx, rescue, asked, matter.Request{Text: "Kuka hakee?", Due: b.clock.Now().AddDate(0, 0, 7)}))
	taken := b.named("Pispalan Soittajat ry", "Maija Mallikas")
	b.must(b.Take(ctx, rescue, taken, ""))
	done := b.named("Pispalan Soittajat ry", "Maija Mallikas")
	b.must(b.Take(ctx, rescue, done, ""))
	b.must(b.Finish(ctx, rescue, done, matter.Decision{Outcome: "received"}))
	_, drafts := b.start("rescue-plan")
	b.must(b.Consent(ctx, aino, drafts[0], true))

	some := rescue
	some.Types = []string{"rescue-fire-inspection"}
	for _, tt := range []struct {
		name, typ string
		who       identity.Officer
		want      map[matter.Bucket]int
	}{
		{"all that the officer sees", "", rescue, map[matter.Bucket]int{matter.OnMe: 1, matter.OnAuthority: 4}},
		{"a colleague", "", rescue2, map[matter.Bucket]int{matter.OnMe: 0, matter.OnAuthority: 4}},
		{"one type", "rescue-plan", rescue, map[matter.Bucket]int{matter.OnMe: 0, matter.OnAuthority: 0}},
		{"who may see other types only", "", some, map[matter.Bucket]int{matter.OnMe: 0, matter.OnAuthority: 0}},
		{"another authority", "", police, map[matter.Bucket]int{matter.OnMe: 0, matter.OnAuthority: 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := counts(tt.who, tt.typ); !maps.Equal(got, tt.want) {
				t.Errorf("counts = %v, want %v", got, tt.want)
			}
		})
	}
}

// copies writes a matter again and again, with new ids and numbers.
func copies(ctx context.Context, tx *db.Tx, id string, n int) error {
	for i := range n {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO matters (id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, status, status_at, holder, holder_since, sort_at, created_at, changed_at)
			SELECT id || $2, number || $2, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, status, status_at, holder, holder_since, sort_at, created_at, changed_at
			FROM matters WHERE id = $1`, id, fmt.Sprintf("-%d", i)); err != nil {
			return err
		}
	}
	return nil
}

func TestTheInboxCountsOnlySoFar(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.named("Pispalan Soittajat ry", "Maija Mallikas")
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error { return copies(ctx, tx, id, 2*matter.MostCounted) }))
	in, err := b.Inbox(ctx, rescue, matter.Query{})
	b.must(err)
	if n := in.Counts[matter.OnAuthority]; n != matter.MostCounted+1 {
		t.Errorf("counted %d, want %d", n, matter.MostCounted+1)
	}
	if in.Bucket != matter.OnAuthority || len(in.Rows) == 0 {
		t.Errorf("nothing waits on the officer, and %s is listed with %d rows", in.Bucket, len(in.Rows))
	}
}
