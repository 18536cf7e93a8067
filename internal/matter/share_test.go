package matter_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

const (
	policeID = "police-sisa-suomi"
	cityID   = "muni-837"
	rescueID = "rescue-pirkanmaa"
)

// together sends matters of one project: the first one with an attachment, whose
// id is returned.
func (b *bench) together(types ...string) (ids []string, file string) {
	b.t.Helper()
	project, _ := b.start(types...)
	v, err := b.Project(b.t.Context(), aino, project)
	b.must(err)
	for _, typ := range types {
		i := slices.IndexFunc(v.Rows, func(r matter.Row) bool { return r.Type == typ })
		ids = append(ids, v.Rows[i].ID)
	}
	for i, id := range ids {
		b.fill(project, id)
		if i == 0 {
			file = b.attached(id)
		}
		b.deliver(id)
	}
	return ids, file
}

// attached puts a new attachment into the draft of a matter.
func (b *bench) attached(id string) string {
	b.t.Helper()
	v := b.row(id)
	a, err := b.Files.Put(b.t.Context(), attach.New{
		Project: v.Project.ID, Matter: id, Place: attach.Answer, Field: "attachments", Name: "kartta.txt", Size: -1, UploadedBy: aino.ID, Side: "applicant",
	}, strings.NewReader("kartta "+id))
	b.must(err)
	answers := forms.Answers{}
	for k, x := range v.Answers {
		answers[k] = x
	}
	answers["attachments"] = []any{a.ID}
	_, err = b.SaveDraft(b.t.Context(), aino, id, v.Version, answers)
	b.must(err)
	return a.ID
}

// deliver sends a matter as it is, or its completion.
func (b *bench) deliver(id string) {
	b.t.Helper()
	v := b.row(id)
	look := matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}
	var err error
	if v.Status == matter.Draft {
		_, err = b.Send(b.t.Context(), aino, []matter.Looked{look})
	} else {
		_, err = b.Complete(b.t.Context(), aino, matter.Completion{Looked: look})
	}
	b.must(err)
}

func (b *bench) handled(who identity.Officer, id string) *matter.View {
	b.t.Helper()
	v, err := b.Handled(b.t.Context(), who, id)
	b.must(err)
	return v
}

// sees tells whether an officer finds a matter, its file, and a link to it in
// the joint view of an own matter: all of them or none.
func (b *bench) sees(who identity.Officer, id, file, own string) bool {
	b.t.Helper()
	_, page := b.Handled(b.t.Context(), who, id)
	_, content := b.FileForOfficer(b.t.Context(), who, id, file)
	link := fail.New(fail.NotFound, "x")
	if v, err := b.Handled(b.t.Context(), who, own); err == nil {
		i := slices.IndexFunc(v.Joint, func(r matter.Row) bool { return r.ID == id })
		if v.Joint[i].Shared {
			link = nil
		}
	}
	yes := page == nil
	for what, err := range map[string]error{"page": page, "file": content} {
		if (err == nil) != yes || err != nil && !fail.Is(err, fail.NotFound) {
			b.t.Errorf("the %s: %v; the page is seen: %t", what, err, yes)
		}
	}
	if (link == nil) != yes {
		b.t.Errorf("the joint view leads there: %t; the page is seen: %t", link == nil, yes)
	}
	return yes
}

func (b *bench) count(query string, args ...any) (n int64) {
	b.t.Helper()
	b.must(b.DB.View(b.t.Context(), func(tx *db.Tx) error { return tx.QueryRowContext(b.t.Context(), query, args...).Scan(&n) }))
	return n
}

// sound checks that the tables are as the ledger says, and the ledger whole.
func (b *bench) sound() {
	b.t.Helper()
	if _, err := matter.CheckStates(b.t.Context(), b.DB); err != nil {
		b.t.Error(err)
	}
	if _, err := ledger.Verify(b.t.Context(), b.DB); err != nil {
		b.t.Error(err)
	}
}

func TestAnotherAuthoritySeesWhatTheApplicantShares(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, file := b.together("rescue-temp-lodging", "police-lottery")
	id, own := ids[0], ids[1]
	b.must(b.WriteToApplicant(ctx, rescue, id, "Vain asiakkaalle", nil))
	if b.sees(police, id, file, own) {
		t.Fatal("the police see what is not shared")
	}
	before := b.row(id)
	if !slices.Equal(before.ShareWith, []string{policeID}) || len(before.Shares) != 0 {
		t.Errorf("before: shared with %v, can be shared with %v", before.Shares, before.ShareWith)
	}

	b.must(b.Share(ctx, aino, id, []string{policeID}))
	v := b.row(id)
	if len(v.Shares) != 1 || v.Shares[0].Authority != policeID || !v.Shares[0].Since.Equal(b.clock.Now()) || !v.Shares[0].Looked.IsZero() || len(v.ShareWith) != 0 {
		t.Errorf("after: %+v, %v", v.Shares, v.ShareWith)
	}
	if v.Status != before.Status || v.Holder != before.Holder || !v.Since.Equal(before.Since) || v.ByApplicant != before.ByApplicant {
		t.Errorf("sharing moved the matter from %+v to %+v", before.State, v.State)
	}
	b.clock.Move(time.Hour)
	if !b.sees(police, id, file, own) {
		t.Fatal("the police do not see what is shared")
	}
	g := b.handled(police, id)
	if !g.Guest || g.InThread || g.SharedAt.IsZero() || len(g.Submissions) != 1 || g.Submissions[0].Body != v.Submissions[0].Body {
		t.Errorf("the guest sees %+v", g)
	}
	if len(g.Answers)+len(g.Project.Answers)+len(g.Messages)+len(g.Events)+len(g.Requests)+len(g.Notices)+len(g.Files)+len(g.Colleagues) != 0 || g.Decision != nil {
		t.Errorf("the guest sees more than what was sent: %+v", g)
	}
	if w := b.row(id); !w.Shares[0].Looked.Equal(b.clock.Now()) {
		t.Errorf("the applicant is told that they looked at %s", w.Shares[0].Looked)
	}
	if h := b.handled(rescue, id); len(h.Shares) != 1 || !slices.ContainsFunc(h.Events, func(e matter.Event) bool { return e.Deed == matter.DeedShared && e.Authority == policeID }) {
		t.Errorf("the matter's own authority is not told: %+v", h.Shares)
	}
	if n := b.count(`SELECT COUNT(*) FROM reads WHERE matter_id = $1 AND authority = $2 AND what = 'submissions' AND why = 'shared' AND actor = 'person:poliisi'`, id, policeID); n != 2 {
		t.Errorf("%d readings of the page noted; want 2", n)
	}
	if n := b.count(`SELECT COUNT(*) FROM reads WHERE matter_id = $1 AND authority = $2 AND what = 'attachment' AND why = 'shared'`, id, policeID); n != 1 {
		t.Errorf("%d readings of the file noted; want 1", n)
	}

	b.must(b.EndSharing(ctx, aino, id, policeID))
	if b.sees(police, id, file, own) {
		t.Error("the police see what is shared no longer")
	}
	var deeds []string
	for _, e := range b.row(id).Events {
		if e.Authority == policeID {
			deeds = append(deeds, e.Deed)
		}
	}
	if want := []string{matter.DeedShared, matter.DeedSharingEnded}; !slices.Equal(deeds, want) {
		t.Errorf("the timeline tells %v; want %v", deeds, want)
	}
	b.sound()
}

func TestSharingIsRefused(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, _ := b.together("rescue-temp-lodging", "police-lottery")
	id := ids[0]
	project := b.row(id).Project.ID
	b.must(b.AddMatters(ctx, aino, project, []string{"muni-sewer"}, "")) // the city has a draft only
	v, err := b.Project(ctx, aino, project)
	b.must(err)
	draft := v.Rows[slices.IndexFunc(v.Rows, func(r matter.Row) bool { return r.Status == matter.Draft })].ID
	b.must(b.Consent(ctx, aino, draft, true))
	join := func(role matter.Member) identity.Customer {
		b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO members (project_id, person_id, role, since) VALUES ($1, 'matti', $2, 1)
				ON CONFLICT (project_id, person_id) DO UPDATE SET role = excluded.role`, project, string(role))
			return err
		}))
		return matti
	}
	b.must(b.Share(ctx, aino, ids[1], []string{rescueID}))
	for _, tt := range []struct {
		name string
		kind fail.Kind
		err  func() error
	}{
		{"by a stranger", fail.NotFound, func() error { return b.Share(ctx, other, id, []string{policeID}) }},
		{"by a reader", fail.Forbidden, func() error { return b.Share(ctx, join(matter.Reader), id, []string{policeID}) }},
		{"by a helper", fail.Forbidden, func() error { return b.Share(ctx, join(matter.Helper), id, []string{policeID}) }},
		{"ended by a stranger", fail.NotFound, func() error { return b.EndSharing(ctx, other, ids[1], rescueID) }},
		{"ended by a helper", fail.Forbidden, func() error { return b.EndSharing(ctx, join(matter.Helper), ids[1], rescueID) }},
		{"with nobody", fail.Rejected, func() error { return b.Share(ctx, aino, id, nil) }},
		{"with its own authority", fail.Rejected, func() error { return b.Share(ctx, aino, id, []string{rescueID}) }},
		{"with an authority that has a draft only", fail.Rejected, func() error { return b.Share(ctx, aino, id, []string{cityID}) }},
		{"with an authority outside the project", fail.Rejected, func() error { return b.Share(ctx, aino, id, []string{"police-lappi"}) }},
		{"with what is no authority", fail.Rejected, func() error { return b.Share(ctx, aino, id, []string{"x"}) }},
		{"with one that may and one that may not: all or none", fail.Rejected, func() error { return b.Share(ctx, aino, id, []string{policeID, "police-lappi"}) }},
		{"of a draft", fail.Conflict, func() error { return b.Share(ctx, aino, draft, []string{policeID}) }},
		{"of what is not there", fail.NotFound, func() error { return b.Share(ctx, aino, "x", []string{policeID}) }},
	} {
		if err := tt.err(); !fail.Is(err, tt.kind) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.kind)
		}
	}
	if n := b.count(`SELECT COUNT(*) FROM ledger WHERE deed IN ('matter.shared', 'matter.sharing_ended')`); n != 1 {
		t.Errorf("%d deeds of sharing; want the one that was done", n)
	}
	if len(b.row(id).Shares) != 0 || len(b.row(ids[1]).Shares) != 1 {
		t.Error("a refused deed changed with whom it is shared")
	}
	if _, err := b.Handled(ctx, city, id); !fail.Is(err, fail.NotFound) {
		t.Errorf("the city: %v; want NotFound", err)
	}
	b.must(b.Share(ctx, join(matter.Editor), id, []string{policeID})) // who may send may share
	b.sound()
}

// What was asked in an authority's own service is not here to be shared.
func TestAConditionalMatterIsNotShared(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		o, err := catalogue.FindOffer(ctx, tx, "rescue-pirkanmaa/rescue-temp-lodging")
		if err != nil {
			return err
		}
		o.Way, o.URL = catalogue.Conditional, "https://oma.example.fi/"
		return catalogue.SaveOffer(ctx, tx, o)
	}))
	project, _ := b.start("rescue-temp-lodging", "police-lottery")
	v, err := b.Project(ctx, aino, project)
	b.must(err)
	var id string
	for _, r := range v.Rows {
		b.fill(project, r.ID)
		b.deliver(r.ID)
		if r.Type == "rescue-temp-lodging" {
			id = r.ID
		}
	}
	if v := b.row(id); len(v.ShareWith) != 0 {
		t.Errorf("it can be shared with %v", v.ShareWith)
	}
	if err := b.Share(ctx, aino, id, []string{policeID}); !fail.Is(err, fail.Rejected) {
		t.Errorf("Share: %v; want Rejected", err)
	}
}

// However a matter has ended, the applicant may share what was sent in it.
func TestAnEndedMatterCanBeShared(t *testing.T) {
	for name, end := range map[string]func(*bench, string) error{
		"finished": func(b *bench, id string) error {
			if err := b.Take(b.t.Context(), rescue, id, ""); err != nil {
				return err
			}
			return b.Finish(b.t.Context(), rescue, id, matter.Decision{Outcome: "checked", Text: "Salainen päätös"})
		},
		"withdrawn": func(b *bench, id string) error { return b.Withdraw(b.t.Context(), aino, id) },
		"dismissed": func(b *bench, id string) error { return b.Dismiss(b.t.Context(), rescue, id, "Ei kuulu.") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			ctx := t.Context()
			ids, file := b.together("rescue-temp-lodging", "police-lottery", "muni-sewer")
			b.must(b.Share(ctx, aino, ids[0], []string{policeID}))
			b.must(end(b, ids[0]))
			state := b.row(ids[0]).Holder
			b.must(b.Share(ctx, aino, ids[0], []string{cityID}))
			if !b.sees(police, ids[0], file, ids[1]) || !b.sees(city, ids[0], file, ids[2]) {
				t.Error("an authority does not see what was shared before or after the end")
			}
			if g := b.handled(city, ids[0]); g.Decision != nil || len(g.Submissions) != 1 {
				t.Errorf("the guest sees the decision %v and %d submissions", g.Decision, len(g.Submissions))
			}
			if now := b.row(ids[0]).Holder; now != state {
				t.Errorf("sharing moved it from %s to %s", state, now)
			}
			b.sound()
		})
	}
}

func TestSharingEndsWithTheContent(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, file := b.together("rescue-temp-lodging", "police-lottery")
	id := ids[0]
	b.must(b.Withdraw(ctx, aino, id))
	b.clock.Move(23 * 30 * 24 * time.Hour)
	b.must(b.Share(ctx, aino, id, []string{policeID})) // a deed like any other: the content stays for its time from now on
	b.clock.Move(2 * 30 * 24 * time.Hour)
	b.must(b.Retain(ctx))
	if !b.sees(police, id, file, ids[1]) {
		t.Error("the content went too early")
	}
	b.clock.Move(24 * 31 * 24 * time.Hour)
	b.must(b.Retain(ctx))
	if v := b.row(id); v.RemovedAt.IsZero() || len(v.Shares) != 0 || len(v.ShareWith) != 0 {
		t.Fatalf("removed %s, shared with %v, can be shared with %v", v.RemovedAt, v.Shares, v.ShareWith)
	}
	if b.sees(police, id, file, ids[1]) {
		t.Error("the police see a matter whose content was removed")
	}
	if err := b.Share(ctx, aino, id, []string{policeID}); !fail.Is(err, fail.Conflict) {
		t.Errorf("Share: %v; want Conflict", err)
	}
	b.must(b.EndSharing(ctx, aino, id, policeID))
	b.sound()
}

func TestSharingTwiceSharesOnce(t *testing.T) {
	b := newBench(t)
	ids, _ := b.together("rescue-temp-lodging", "police-lottery", "muni-sewer")
	all := func(deed func(ctx context.Context) error) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := deed(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	all(func(ctx context.Context) error {
		return b.Share(ctx, aino, ids[0], []string{policeID, cityID, policeID})
	})
	if n := b.count(`SELECT COUNT(*) FROM ledger WHERE deed = 'matter.shared'`); n != 2 {
		t.Errorf("%d deeds; want one for each authority", n)
	}
	if n := b.count(`SELECT COUNT(*) FROM outbox WHERE payload LIKE '%matter.shared%'`); n != 2 {
		t.Errorf("%d notices; want one for each authority", n)
	}
	all(func(ctx context.Context) error { return b.EndSharing(ctx, aino, ids[0], policeID) })
	if n := b.count(`SELECT COUNT(*) FROM ledger WHERE deed = 'matter.sharing_ended'`); n != 1 {
		t.Errorf("%d ends; want 1", n)
	}
	if v := b.row(ids[0]); len(v.Shares) != 1 || v.Shares[0].Authority != cityID {
		t.Errorf("shared with %v; want the city", v.Shares)
	}
	b.sound()
}

// What an authority looked at while it was shared before is not news of today.
func TestSharedAnewIsNotLookedAtYet(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, _ := b.together("rescue-temp-lodging", "police-lottery")
	b.must(b.Share(ctx, aino, ids[0], []string{policeID}))
	b.handled(police, ids[0])
	b.clock.Move(time.Hour)
	b.must(b.EndSharing(ctx, aino, ids[0], policeID))
	b.must(b.Share(ctx, aino, ids[0], []string{policeID}))
	if v := b.row(ids[0]); !v.Shares[0].Looked.IsZero() {
		t.Errorf("looked at %s, shared since %s", v.Shares[0].Looked, v.Shares[0].Since)
	}
}

// The notice goes where the other authority's own first matter sends its
// notices, and leads to the shared one.
func TestTheNoticeOfSharing(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, _ := b.together("rescue-temp-lodging", "police-lottery")
	b.must(b.Share(ctx, aino, ids[0], []string{policeID}))
	events := b.row(ids[0]).Events
	notice := matter.Notify{Matter: ids[0], N: events[len(events)-1].N, Deed: matter.DeedShared, Audience: matter.ToAuthority, Authority: policeID}
	if n := b.count(`SELECT COUNT(*) FROM outbox WHERE idem_key = $1`, notice.Key()); n != 1 {
		t.Fatalf("%d notices are queued; want 1", n)
	}
	letters, err := b.Letters(ctx, notice)
	if err != nil || len(letters) != 1 || letters[0].To != "police-lottery@example.fi" || letters[0].Path != "/officer/matters/"+ids[0] || letters[0].Number != b.row(ids[0]).Number {
		t.Fatalf("letters: %+v, %v", letters, err)
	}
	b.must(b.Redirect(ctx, police, ids[1], "poliisi@example.fi"))
	if letters, err = b.Letters(ctx, notice); err != nil || letters[0].To != "poliisi@example.fi" {
		t.Errorf("redirected: %+v, %v", letters, err)
	}
	b.handled(police, ids[0])
	if h := b.handled(rescue, ids[0]); !slices.ContainsFunc(h.Notices, func(n matter.Notice) bool { return n.Deed == matter.DeedShared && !n.Opened.IsZero() }) {
		t.Errorf("the notice is not marked opened: %+v", h.Notices)
	}
}

// The inbox and the decision of the matter's own authority are not disturbed.
func TestSharingIsNoNewsForTheOwnAuthority(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, _ := b.together("rescue-temp-lodging", "police-lottery")
	b.must(b.Take(ctx, rescue, ids[0], ""))
	seen := b.handled(rescue, ids[0]).N
	b.must(b.Share(ctx, aino, ids[0], []string{policeID}))
	in, err := b.Inbox(ctx, rescue, matter.Query{Bucket: matter.OnMe})
	if err != nil || len(in.Rows) != 1 || in.Rows[0].Unread {
		t.Errorf("the inbox: %+v, %v; want it read", in.Rows, err)
	}
	b.must(b.Finish(ctx, rescue, ids[0], matter.Decision{Outcome: "checked", Seen: seen}))
}

func TestTheCheckSeesWhoWasLetInPastTheLedger(t *testing.T) {
	for name, query := range map[string]string{
		"let in":           `INSERT INTO shares (matter_id, authority_id, since) SELECT id, 'muni-837', 1 FROM matters WHERE authority_id = 'rescue-pirkanmaa'`,
		"shut out":         `DELETE FROM shares`,
		"since other time": `UPDATE shares SET since = since + 1`,
		"another":          `UPDATE shares SET authority_id = 'muni-837'`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			ids, _ := b.together("rescue-temp-lodging", "police-lottery")
			b.must(b.Share(t.Context(), aino, ids[0], []string{policeID}))
			b.sound()
			b.must(b.DB.InTx(t.Context(), func(tx *db.Tx) error { _, err := tx.ExecContext(t.Context(), query); return err }))
			if _, err := matter.CheckStates(t.Context(), b.DB); err == nil {
				t.Error("the check finds nothing")
			}
		})
	}
}
