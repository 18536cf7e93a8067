package matter_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/testkit"
)

// A bench is a desk with people around it.
type bench struct {
	*matter.Desk
	t     *testing.T
	clock *testkit.Clock
}

var (
	aino    = identity.Customer{Person: identity.Person{ID: "aino", Name: "Aino", Email: "aino@example.fi", Lang: i18n.FI}}
	other   = identity.Customer{Person: identity.Person{ID: "stranger", Name: "Outo", Email: "o@example.fi", Lang: i18n.FI}}
	matti   = identity.Customer{Person: identity.Person{ID: "matti", Name: "Matti", Email: "m@example.fi", Lang: i18n.FI}}
	police  = officer("poliisi", "police-sisa-suomi")
	rescue  = officer("palo", "rescue-pirkanmaa")
	rescue2 = officer("palo2", "rescue-pirkanmaa")
	city    = officer("kunta", "muni-837")
)

func officer(id, authority string) identity.Officer {
	return identity.Officer{Person: identity.Person{ID: id, Name: "Virkailija " + id, Email: id + "@example.fi", Lang: i18n.FI}, Authority: authority, Role: identity.RoleOfficer}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := context.Background()
	d, clock := testkit.Filled(t, loaded), testkit.NewClock()
	cat, err := catalogue.Open(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	files, err := attach.Open(d, filepath.Join(t.TempDir(), "files"), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	err = d.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range []identity.Person{aino.Person, other.Person, matti.Person, police.Person, rescue.Person, rescue2.Person, city.Person} {
			if err := identity.SavePerson(ctx, tx, clock.Now(), p); err != nil {
				return err
			}
		}
		for _, o := range []identity.Officer{police, rescue, rescue2, city} {
			if err := identity.Grant(ctx, tx, clock.Now(), o.ID, identity.Hat{Role: identity.RoleOfficer, Authority: o.Authority}); err != nil {
				return err
			}
		}
		for authority, types := range map[string][]string{
			"police-sisa-suomi": {"police-public-event", "police-lottery"}, "rescue-pirkanmaa": {"rescue-plan", "rescue-fire-inspection", "rescue-temp-lodging"}, "muni-837": {"muni-noise", "muni-sewer"},
		} {
			for _, typ := range types {
				o := &catalogue.Offer{
					ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: catalogue.Light, Territory: []string{"837"},
					NoticeEmail: typ + "@example.fi", DeputyEmail: "kirjaamo@example.fi", DeputyHours: 16, Active: true,
				}
				if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{&matter.Desk{DB: d, Catalogue: cat, Files: files, Now: clock.Now}, t, clock}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// start begins Aino's project with light matters of the given types, which ask
// little, so that these tests are about the desk and not about forms.
func (b *bench) start(types ...string) (project string, matters []string) {
	b.t.Helper()
	project, err := b.StartProject(b.t.Context(), aino, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäkonsertti", Types: types})
	b.must(err)
	v, err := b.Project(b.t.Context(), aino, project)
	b.must(err)
	for _, r := range v.Rows {
		matters = append(matters, r.ID)
	}
	return project, matters
}

func (b *bench) fill(project, id string) matter.Looked {
	b.t.Helper()
	ctx := b.t.Context()
	v, err := b.Matter(ctx, aino, id)
	b.must(err)
	common, err := v.Common.Example(v.Project.Answers, true, nil)
	b.must(err)
	_, err = b.SaveCommon(ctx, aino, project, v.Project.Version, common)
	b.must(err)
	own, err := v.Form.Example(v.Answers, false, nil)
	b.must(err)
	_, err = b.SaveDraft(ctx, aino, id, v.Version, own)
	b.must(err)
	v, err = b.Matter(ctx, aino, id)
	b.must(err)
	return matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}
}

func (b *bench) sent(typ string) string {
	b.t.Helper()
	project, ids := b.start(typ)
	_, err := b.Send(b.t.Context(), aino, []matter.Looked{b.fill(project, ids[0])})
	b.must(err)
	return ids[0]
}

func (b *bench) row(id string) *matter.View {
	b.t.Helper()
	v, err := b.Matter(b.t.Context(), aino, id)
	b.must(err)
	return v
}

func TestAMatterFromDraftToOutcome(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	if v := b.row(id); v.Status != matter.Sent || v.Holder != matter.HeldByAuthority {
		t.Fatalf("after sending: %s with %s", v.Status, v.Holder)
	}
	b.must(b.Take(ctx, rescue, id, "palo@example.fi"))
	b.must(b.Identify(ctx, rescue, id, "", "PIR/123/2027"))
	b.must(b.AskCompletion(ctx, rescue, id, matter.Request{Fields: []string{}, Text: "Lisää pohjakuva.", Due: b.clock.Now().AddDate(0, 0, 7)}))
	v := b.row(id)
	if v.Status != matter.ToComplete || v.Holder != matter.HeldByApplicant || !v.Due.Equal(b.clock.Now().AddDate(0, 0, 7)) || v.OpenRequest() == nil {
		t.Fatalf("after the request: %s with %s until %s", v.Status, v.Holder, v.Due)
	}
	_, err := b.Complete(ctx, aino, matter.Completion{Looked: matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}, Unchanged: true})
	b.must(err)
	b.must(b.Finish(ctx, rescue, id, matter.Decision{Outcome: "checked", Text: "Tarkastettu."}))
	v = b.row(id)
	if v.Status != matter.Finished || v.Outcome != "checked" || v.Holder != matter.HeldByNobody || v.HandlerName != rescue.Name || v.Identifier != "PIR/123/2027" || len(v.Submissions) != 2 {
		t.Errorf("at the end: %+v", v.Matter)
	}
	n, err := matter.CheckStates(ctx, b.DB)
	if err != nil || n != 1 {
		t.Errorf("CheckStates: %d, %v", n, err)
	}
	if _, err := ledger.Verify(ctx, b.DB); err != nil {
		t.Error(err)
	}
}

func TestTheReceiptCanBeRecomputed(t *testing.T) {
	b := newBench(t)
	id := b.sent("rescue-temp-lodging")
	s, err := b.Receipt(t.Context(), aino, id, 1)
	b.must(err)
	sum := sha256.Sum256([]byte(s.Body))
	if hex.EncodeToString(sum[:]) != s.Hash {
		t.Error("the hash is not that of the body")
	}
	sealed, err := s.Parse()
	b.must(err)
	if sealed.Matter.ID != id || sealed.N != 1 || sealed.Form.Version == "" {
		t.Errorf("sealed: %+v", sealed.Matter)
	}
}

func TestAnIncompleteDraftIsNotSent(t *testing.T) {
	b := newBench(t)
	_, ids := b.start("rescue-temp-lodging")
	v := b.row(ids[0])
	_, err := b.Send(t.Context(), aino, []matter.Looked{{Matter: ids[0], Version: v.Version, Common: v.Project.Version}})
	inc, ok := errors.AsType[*matter.Incomplete](err)
	if !ok || len(inc.Lacks) < 3 {
		t.Fatalf("Send: %v; want all that lacks at once", err)
	}
	if v := b.row(ids[0]); v.Status != matter.Draft || len(v.Events) != 1 {
		t.Errorf("after a refusal: %s with %d entries", v.Status, len(v.Events))
	}
}

func TestWhatChangedSinceTheSenderLookedIsNotSent(t *testing.T) {
	b := newBench(t)
	project, ids := b.start("rescue-temp-lodging")
	look := b.fill(project, ids[0])
	v := b.row(ids[0])
	changed := forms.Answers{}
	for k, x := range v.Answers {
		changed[k] = x
	}
	changed["request"] = "Aivan toinen asia"
	_, err := b.SaveDraft(t.Context(), aino, ids[0], v.Version, changed)
	b.must(err)
	if _, err := b.Send(t.Context(), aino, []matter.Looked{look}); !fail.Is(err, fail.Conflict) {
		t.Errorf("Send: %v; want a Conflict", err)
	}
}

func TestSendingTwiceSendsOnce(t *testing.T) {
	b := newBench(t)
	project, ids := b.start("rescue-temp-lodging")
	look := b.fill(project, ids[0])
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		wg.Go(func() {
			_, err := b.Send(context.Background(), aino, []matter.Looked{look})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !fail.Is(err, fail.Conflict) {
				t.Errorf("Send: %v; want a Conflict", err)
			}
		})
	}
	wg.Wait()
	if v := b.row(ids[0]); done != 1 || len(v.Submissions) != 1 {
		t.Errorf("%d sendings succeeded, %d submissions; want 1", done, len(v.Submissions))
	}
}

func TestTwoTabs(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.start("rescue-temp-lodging")
	id := ids[0]
	saved, err := b.SaveDraft(ctx, aino, id, 1, forms.Answers{"request": "Ensimmäinen"})
	b.must(err)
	t.Run("different fields are joined", func(t *testing.T) {
		_, err := b.SaveDraft(ctx, aino, id, saved.Version, forms.Answers{"request": "Ensimmäinen", "grounds": "Tab yksi"})
		b.must(err)
		s, err := b.SaveDraft(ctx, aino, id, saved.Version, forms.Answers{"request": "Ensimmäinen", "other_information": "Tab kaksi"})
		if err != nil || !s.Merged || s.Answers["grounds"] != "Tab yksi" || s.Answers["other_information"] != "Tab kaksi" {
			t.Errorf("merged %v, %v", s.Answers, err)
		}
	})
	t.Run("the same field is a conflict and nothing is lost", func(t *testing.T) {
		v := b.row(id)
		_, err := b.SaveDraft(ctx, aino, id, v.Version, forms.Answers{"request": "Toinen"})
		b.must(err)
		_, err = b.SaveDraft(ctx, aino, id, v.Version, forms.Answers{"request": "Kolmas"})
		clash, ok := errors.AsType[*matter.ChangedElsewhere](err)
		if !ok || len(clash.Clashes) != 1 || clash.Clashes[0].Mine != "Kolmas" || clash.Clashes[0].Theirs != "Toinen" {
			t.Fatalf("SaveDraft: %v; want the clash with both texts", err)
		}
		if got := b.row(id).Answers["request"]; got != "Toinen" {
			t.Errorf("the draft says %v; want the first one's text", got)
		}
	})
}

// Every verb of another's matter is "not found", and none leaves a trace.
func TestNotYoursIsNotFound(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	project := b.row(id).Project.ID
	before := len(b.row(id).Events)
	look := matter.Looked{Matter: id, Version: 2, Common: 2}
	restricted := rescue
	restricted.Types = []string{"rescue-plan"}
	for name, err := range map[string]error{
		"see the project":    second(b.Project(ctx, other, project)),
		"see the matter":     second(b.Matter(ctx, other, id)),
		"save":               second(b.SaveDraft(ctx, other, id, 1, forms.Answers{})),
		"save common":        second(b.SaveCommon(ctx, other, project, 1, forms.Answers{})),
		"send":               second(b.Send(ctx, other, []matter.Looked{look})),
		"complete":           second(b.Complete(ctx, other, matter.Completion{Looked: look, Unchanged: true, Why: "hei"})),
		"withdraw":           b.Withdraw(ctx, other, id),
		"consent":            b.Consent(ctx, other, id, true),
		"write":              b.WriteAsApplicant(ctx, other, id, "hei", nil),
		"receipt":            second(b.Receipt(ctx, other, id, 1)),
		"remove":             b.RemoveDraft(ctx, other, id),
		"add matters":        b.AddMatters(ctx, other, project, []string{"rescue-plan"}, ""),
		"invite":             b.Invite(ctx, other, project, "x@example.fi", matter.Reader, i18n.FI),
		"police see":         second(b.Handled(ctx, police, id)),
		"police take":        b.Take(ctx, police, id, ""),
		"police finish":      b.Finish(ctx, police, id, matter.Decision{Outcome: "checked"}),
		"police ask":         b.AskCompletion(ctx, police, id, matter.Request{Text: "x", Due: b.clock.Now().Add(time.Hour)}),
		"police identify":    b.Identify(ctx, police, id, "", "x"),
		"police redirect":    b.Redirect(ctx, police, id, "x@example.fi"),
		"police name":        b.NameHandler(ctx, police, id, "", police.ID),
		"police dismiss":     b.Dismiss(ctx, police, id, "x"),
		"police transfer":    b.Transfer(ctx, police, id, "muni-837", "x"),
		"police write":       b.WriteToApplicant(ctx, police, id, "hei", nil),
		"police answer":      b.AnswerAuthority(ctx, police, id, "hei", nil),
		"grant lacks type":   second(b.Handled(ctx, restricted, id)),
		"grant lacks type 2": b.Take(ctx, restricted, id, ""),
	} {
		if !fail.Is(err, fail.NotFound) {
			t.Errorf("%s: %v; want NotFound", name, err)
		}
	}
	if got := len(b.row(id).Events); got != before {
		t.Errorf("%d entries; want %d as before", got, before)
	}
}

func second[T any](_ T, err error) error { return err }

func TestRolesInAProject(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.start("rescue-temp-lodging")
	look := b.fill(project, ids[0])
	join := func(role matter.Member) {
		b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO members (project_id, person_id, role, since) VALUES ($1, 'matti', $2, 1)
				ON CONFLICT (project_id, person_id) DO UPDATE SET role = excluded.role`, project, string(role))
			return err
		}))
	}
	v := b.row(ids[0])
	for _, tt := range []struct {
		role        matter.Member
		write, send bool
	}{{matter.Reader, false, false}, {matter.Helper, true, false}, {matter.Editor, true, true}} {
		join(tt.role)
		if _, err := b.Matter(ctx, matti, ids[0]); err != nil {
			t.Errorf("%s sees: %v", tt.role, err)
		}
		_, err := b.SaveDraft(ctx, matti, ids[0], v.Version, v.Answers)
		if (err == nil) != tt.write {
			t.Errorf("%s writes: %v; want ok %t", tt.role, err, tt.write)
		}
		if err := b.Invite(ctx, matti, project, "x@example.fi", matter.Reader, i18n.FI); !fail.Is(err, fail.Forbidden) {
			t.Errorf("%s invites: %v; want Forbidden", tt.role, err)
		}
		_, err = b.Send(ctx, matti, []matter.Looked{look})
		if (err == nil) != tt.send {
			t.Errorf("%s sends: %v; want ok %t", tt.role, err, tt.send)
		}
	}
}

func TestAnInvitationWorksOnce(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, _ := b.start("rescue-temp-lodging")
	b.must(b.Invite(ctx, aino, project, "matti@example.fi", matter.Helper, i18n.FI))
	var payload string
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT payload FROM outbox WHERE kind = 'project.invite'`).Scan(&payload)
	}))
	_, rest, _ := strings.Cut(payload, `"secret":"`)
	secret, _, _ := strings.Cut(rest, `"`)
	got, err := b.Accept(ctx, matti, secret)
	if err != nil || got != project {
		t.Fatalf("Accept: %s, %v", got, err)
	}
	if _, err := b.Accept(ctx, other, secret); !fail.Is(err, fail.NotFound) {
		t.Errorf("the second use: %v; want NotFound", err)
	}
	if _, err := b.Project(ctx, matti, project); err != nil {
		t.Errorf("the new member: %v", err)
	}
	if err := b.RemoveMember(ctx, aino, project, aino.ID); !fail.Is(err, fail.Conflict) {
		t.Errorf("the last owner leaves: %v; want Conflict", err)
	}
}

func TestRefusedByState(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	b.must(b.Take(ctx, rescue, id, ""))
	b.must(b.Finish(ctx, rescue, id, matter.Decision{Outcome: "received"}))
	for name, err := range map[string]error{
		"take":     b.Take(ctx, rescue, id, ""),
		"finish":   b.Finish(ctx, rescue, id, matter.Decision{Outcome: "received"}),
		"ask":      b.AskCompletion(ctx, rescue, id, matter.Request{Text: "x", Due: b.clock.Now().Add(time.Hour)}),
		"withdraw": b.Withdraw(ctx, aino, id),
		"dismiss":  b.Dismiss(ctx, rescue, id, "x"),
		"remove":   b.RemoveDraft(ctx, aino, id),
		"save":     second(b.SaveDraft(ctx, aino, id, 1, forms.Answers{})),
	} {
		if !fail.Is(err, fail.Conflict) {
			t.Errorf("%s: %v; want Conflict", name, err)
		}
	}
}

func TestTwoOfficersAtOnce(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	b.must(b.Take(ctx, rescue, id, ""))
	b.must(b.NameHandler(ctx, rescue, id, rescue.ID, rescue2.ID))
	if err := b.NameHandler(ctx, rescue, id, rescue.ID, rescue.ID); !fail.Is(err, fail.Conflict) {
		t.Errorf("handing over what was handed over: %v; want Conflict", err)
	}
	b.must(b.Identify(ctx, rescue2, id, "", "A/1"))
	if err := b.Identify(ctx, rescue, id, "", "B/1"); !fail.Is(err, fail.Conflict) {
		t.Errorf("a second identifier: %v; want Conflict", err)
	}
	if err := b.NameHandler(ctx, rescue, id, rescue2.ID, police.ID); !fail.Is(err, fail.Rejected) {
		t.Errorf("a handler of another authority: %v; want Rejected", err)
	}
}

func TestAuthoritiesWriteToEachOther(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.start("rescue-temp-lodging", "muni-sewer")
	for _, id := range ids {
		look := b.fill(project, id)
		_, err := b.Send(ctx, aino, []matter.Looked{look})
		b.must(err)
	}
	b.must(b.Take(ctx, rescue, ids[0], ""))
	b.must(b.WriteToAuthority(ctx, rescue, ids[0], matter.Letter{To: "muni-837", Text: "Riittääkö vesi?", AskBy: b.clock.Now().AddDate(0, 0, 3)}))
	v := b.row(ids[0])
	if v.Holder != matter.HeldByOther || v.Other != "muni-837" || len(v.Messages) != 0 {
		t.Errorf("the applicant sees %s %q and %d messages; want the other authority and none", v.Holder, v.Other, len(v.Messages))
	}
	g, err := b.Handled(ctx, city, ids[0])
	if err != nil || !g.Guest || len(g.Messages) != 1 || len(g.Answers) != 0 || g.Submissions != nil {
		t.Fatalf("the city as a guest: %v", err)
	}
	threads, err := b.Threads(ctx, city)
	if err != nil || len(threads) != 1 || !threads[0].Asked {
		t.Errorf("threads: %+v, %v", threads, err)
	}
	b.must(b.AnswerAuthority(ctx, city, ids[0], "Riittää.", nil))
	if v := b.row(ids[0]); v.Holder != matter.HeldByAuthority {
		t.Errorf("after the statement: %s; want the authority", v.Holder)
	}
	if err := b.WriteToAuthority(ctx, rescue, ids[0], matter.Letter{To: "police-sisa-suomi", Text: "Hei"}); !fail.Is(err, fail.Rejected) {
		t.Errorf("to an authority without a matter here: %v; want Rejected", err)
	}
}

func TestInbox(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	var ids []string
	for range 3 {
		ids = append(ids, b.sent("rescue-temp-lodging"))
		b.clock.Move(time.Hour)
	}
	b.must(b.Take(ctx, rescue, ids[0], ""))
	for _, tt := range []struct {
		name string
		who  identity.Officer
		q    matter.Query
		want int
	}{
		{"what waits on me", rescue, matter.Query{Bucket: matter.OnMe}, 1},
		{"what waits on the authority", rescue2, matter.Query{Bucket: matter.OnAuthority}, 3},
		{"nothing waits on a colleague", rescue2, matter.Query{Bucket: matter.OnMe}, 0},
		{"another authority sees none", police, matter.Query{Bucket: matter.OnAuthority}, 0},
		{"by a word of the name", rescue, matter.Query{Bucket: matter.OnAuthority, Search: "kesäkon"}, 3},
		{"by two words", rescue, matter.Query{Bucket: matter.OnAuthority, Search: "Kesäkonsertti puuttuu"}, 0},
		{"by type", rescue, matter.Query{Bucket: matter.OnAuthority, Type: "rescue-plan"}, 0},
		{"none is finished", rescue, matter.Query{Bucket: matter.Done}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := b.Inbox(ctx, tt.who, tt.q)
			if err != nil || len(in.Rows) != tt.want {
				t.Errorf("%d rows, %v; want %d", len(in.Rows), err, tt.want)
			}
		})
	}
}

func TestTheReadingIsNotedAndTheNoticeOpened(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	letters, err := b.Letters(ctx, matter.Notify{Matter: id, N: 2, Deed: matter.DeedSent, Audience: matter.ToAuthority})
	if err != nil || len(letters) != 1 || letters[0].To != "rescue-temp-lodging@example.fi" {
		t.Fatalf("letters: %+v, %v", letters, err)
	}
	b.must(b.Handed(ctx, letters[0]))
	v, err := b.Handled(ctx, rescue, id)
	b.must(err)
	if len(v.Notices) != 1 || v.Notices[0].Handed.IsZero() {
		t.Errorf("notices: %+v", v.Notices)
	}
	if e := v.Events[len(v.Events)-1]; e.Deed != matter.DeedNoticeHanded || e.Entry != 2 {
		t.Errorf("the last event is %+v, want the notice of entry 2", e)
	}
	var reads int64
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM reads WHERE matter_id = $1 AND actor = 'person:palo'`, id).Scan(&reads)
	}))
	if reads != 1 {
		t.Errorf("%d readings noted; want 1", reads)
	}
	v, err = b.Handled(ctx, rescue, id)
	b.must(err)
	if v.Notices[0].Opened.IsZero() {
		t.Error("the notice is not marked opened")
	}
}

// A conditional join: the applicant fills in the form in the authority's own
// service, and only which project it is goes along.
func TestAConditionalMatterSendsNoAnswers(t *testing.T) {
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
	_, ids := b.start("rescue-temp-lodging")
	v := b.row(ids[0])
	sent, err := b.Send(ctx, aino, []matter.Looked{{Matter: ids[0], Version: v.Version, Common: v.Project.Version}})
	b.must(err)
	sealed, err := sent[0].Parse()
	b.must(err)
	if string(sealed.Answers) != "{}" || strings.Contains(string(sealed.Common), "contact") {
		t.Errorf("sealed %s and %s; want no answers", sealed.Common, sealed.Answers)
	}
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
