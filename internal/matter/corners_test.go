package matter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/matter"
)

// A statement that was asked is waited for also when the asker goes on.
func TestAnAskedStatementIsWaitedForUntilItComes(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.start("rescue-temp-lodging", "muni-sewer")
	for _, id := range ids {
		_, err := b.Send(ctx, aino, []matter.Looked{b.fill(project, id)})
		b.must(err)
	}
	due := b.clock.Now().AddDate(0, 0, 3)
	b.must(b.WriteToAuthority(ctx, rescue, ids[0], matter.Letter{To: "muni-837", Text: "Riittääkö vesi?", AskBy: due}))
	b.must(b.Take(ctx, rescue, ids[0], ""))
	if v := b.row(ids[0]); v.Holder != matter.HeldByOther || !v.Due.Equal(due) || v.Status != matter.InHandling {
		t.Errorf("after taking: %s with %s until %s; want the other authority still", v.Status, v.Holder, v.Due)
	}
	b.must(b.AnswerAuthority(ctx, city, ids[0], "Riittää.", nil))
	if v := b.row(ids[0]); v.Holder != matter.HeldByAuthority {
		t.Errorf("after the statement: %s", v.Holder)
	}
	in, err := b.Inbox(ctx, rescue, matter.Query{Bucket: matter.OnMe})
	if err != nil || len(in.Rows) != 1 || !in.Rows[0].Unread {
		t.Errorf("the inbox: %+v, %v; want it marked unread", in.Rows, err)
	}
}

// The applicant's unread mark is for what the applicant can see.
func TestALetterBetweenAuthoritiesIsNotNewsForTheApplicant(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.start("rescue-temp-lodging", "muni-sewer")
	for _, id := range ids {
		_, err := b.Send(ctx, aino, []matter.Looked{b.fill(project, id)})
		b.must(err)
	}
	b.must(b.WriteToAuthority(ctx, rescue, ids[0], matter.Letter{To: "muni-837", Text: "Tiedoksi."}))
	b.must(b.Redirect(ctx, rescue, ids[0], "palo@example.fi"))
	v, err := b.Project(ctx, aino, project)
	b.must(err)
	for _, r := range v.Rows {
		if r.Unread {
			t.Errorf("%s is marked unread", r.Number)
		}
	}
}

func TestTheApplicantsTimeToCompleteIsWaitedFor(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	b.must(b.AskCompletion(ctx, rescue, id, matter.Request{Text: "Lisää kuva.", Due: b.clock.Now().AddDate(0, 0, 7)}))
	if err := b.Finish(ctx, rescue, id, matter.Decision{Outcome: "received"}); !fail.Is(err, fail.Conflict) {
		t.Errorf("finishing at once: %v; want Conflict", err)
	}
	if err := b.Dismiss(ctx, rescue, id, "Ei täydennetty."); !fail.Is(err, fail.Conflict) {
		t.Errorf("dismissing at once: %v; want Conflict", err)
	}
	b.clock.Move(8 * 24 * time.Hour)
	b.must(b.Dismiss(ctx, rescue, id, "Ei täydennetty."))
}

func TestATransferReachesTheOtherAuthority(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	b.must(b.Transfer(ctx, rescue, id, "muni-837", "Kuuluu kunnalle."))
	v, err := b.Handled(ctx, city, id)
	if err != nil || !v.Guest || len(v.Messages) != 1 {
		t.Fatalf("the city: %v", err)
	}
	threads, err := b.Threads(ctx, city)
	if err != nil || len(threads) != 1 || threads[0].Asked {
		t.Errorf("threads: %+v, %v", threads, err)
	}
	var n int64
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE payload LIKE '%muni-837%'`).Scan(&n)
	}))
	if n != 1 {
		t.Errorf("%d notices to the city; want 1", n)
	}
}

// A version that is kept no longer makes every difference a conflict.
func TestAVeryOldTabLosesNothing(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.start("rescue-temp-lodging")
	s, err := b.SaveDraft(ctx, aino, ids[0], 1, forms.Answers{"request": "Alku", "grounds": "Syy"})
	b.must(err)
	old := s.Version
	for i := range 35 {
		s, err = b.SaveDraft(ctx, aino, ids[0], s.Version, forms.Answers{"request": fmt.Sprint("Teksti ", i)})
		b.must(err)
	}
	_, err = b.SaveDraft(ctx, aino, ids[0], old, forms.Answers{"request": "Alku", "grounds": "Syy"})
	clash, ok := errors.AsType[*matter.ChangedElsewhere](err)
	if !ok || len(clash.Clashes) != 2 {
		t.Errorf("SaveDraft: %v; want both fields shown", err)
	}
}

func TestADraftThatIsTooLargeIsRefusedAndStaysReadable(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.start("rescue-temp-lodging")
	big := forms.Answers{}
	for i := range 70 {
		big[fmt.Sprint("x", i)] = strings.Repeat("\"", 10_000)
	}
	if _, err := b.SaveDraft(ctx, aino, ids[0], 1, big); err == nil {
		t.Error("saved")
	}
	b.row(ids[0])
}

// The mail that warns of a draft's end is no touch, and its number must not be
// another notice's.
func TestAWarningIsNoTouch(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.start("rescue-temp-lodging")
	before := b.row(ids[0]).ChangedAt
	b.clock.Move(338 * 24 * time.Hour)
	b.must(b.Retain(ctx))
	letters, err := b.Letters(ctx, matter.Notify{Matter: ids[0], N: before.UnixMilli()*10 + 1, Deed: matter.DeedDraftExpires, Audience: matter.ToApplicant})
	if err != nil || len(letters) != 1 {
		t.Fatalf("letters: %+v, %v", letters, err)
	}
	b.must(b.Handed(ctx, letters[0]))
	if got := b.row(ids[0]).ChangedAt; !got.Equal(before) {
		t.Errorf("touched at %s; want %s as before", got, before)
	}
	a := matter.Notify{Matter: "m", N: 11, Deed: matter.DeedDraftExpires, Audience: matter.ToApplicant}
	c := matter.Notify{Matter: "m", N: 11, Deed: matter.DeedFinished, Audience: matter.ToApplicant}
	if a.Key() == c.Key() {
		t.Error("two notices have one key")
	}
}

func TestSearchFindsTheNumberAmongMany(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	number := b.row(id).Number
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		for i := range 3000 { // as many that begin alike
			if _, err := tx.ExecContext(ctx, `INSERT INTO words (offer_id, word, matter_id) VALUES ($1, $2, $3)`,
				"rescue-pirkanmaa/rescue-temp-lodging", "a2027"+fmt.Sprint(5000+i), fmt.Sprint("m", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	_, last, _ := strings.Cut(number, "-")
	for _, search := range []string{number, strings.ToLower(number), last, "kesäkonsertti " + last} {
		in, err := b.Inbox(ctx, rescue, matter.Query{Bucket: matter.OnAuthority, Search: search})
		if err != nil || len(in.Rows) != 1 || in.Rows[0].ID != id {
			t.Errorf("search %q: %d rows, %v; want the one", search, len(in.Rows), err)
		}
	}
}

func TestFilesNotYetSentAreTheUploadersOwn(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	project := b.row(id).Project.ID
	put := func(by, side string, place attach.Place) string {
		a, err := b.Files.Put(ctx, attach.New{Project: project, Matter: id, Place: place, Name: "a.txt", Size: -1, UploadedBy: by, Side: side}, strings.NewReader("salainen"))
		b.must(err)
		return a.ID
	}
	unsent := put(aino.ID, "applicant", attach.Message)
	decision := put(rescue.ID, "authority:rescue-pirkanmaa", attach.Decision)
	restricted := rescue2
	restricted.Types = []string{"rescue-plan"}
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO members (project_id, person_id, role, since) VALUES ($1, 'matti', 'reader', 1)`, project)
		return err
	}))
	for name, err := range map[string]error{
		"the officer reads an unsent message's file": second(b.FileForOfficer(ctx, rescue, id, unsent)),
		"a colleague reads an unsent decision":       second(b.FileForOfficer(ctx, rescue2, id, decision)),
		"an officer without the grant reads it":      second(b.FileForOfficer(ctx, restricted, id, decision)),
		"another authority reads it":                 second(b.FileForOfficer(ctx, police, id, decision)),
		"the applicant reads an unsent decision":     second(b.FileForCustomer(ctx, aino, decision)),
		"another member reads an unsent message's":   second(b.FileForCustomer(ctx, matti, unsent)),
	} {
		if !fail.Is(err, fail.NotFound) {
			t.Errorf("%s: %v; want NotFound", name, err)
		}
	}
	if _, err := b.FileForCustomer(ctx, aino, unsent); err != nil {
		t.Errorf("one's own: %v", err)
	}
}

func TestAProjectKeepsAnOwner(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, _ := b.start("rescue-temp-lodging")
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO members (project_id, person_id, role, since) VALUES ($1, 'matti', 'owner', 1)`, project)
		return err
	}))
	done := make(chan error, 2)
	go func() { done <- b.RemoveMember(ctx, aino, project, matti.ID) }()
	go func() { done <- b.RemoveMember(ctx, matti, project, aino.ID) }()
	first, secondErr := <-done, <-done
	if (first == nil) == (secondErr == nil) {
		t.Errorf("both owners removed each other: %v, %v; want one refused", first, secondErr)
	}
	var owners int64
	b.must(b.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM members WHERE project_id = $1 AND role = 'owner'`, project).Scan(&owners)
	}))
	if owners != 1 {
		t.Errorf("%d owners; want 1", owners)
	}
}

// What the authority sees of the project is what was sent, not what the
// applicant is changing.
func TestTheAuthoritySeesWhatWasSent(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	id := b.sent("rescue-temp-lodging")
	v := b.row(id)
	changed := forms.Answers{}
	for k, x := range v.Project.Answers {
		changed[k] = x
	}
	changed["project_name"] = "Aivan toinen nimi"
	_, err := b.SaveCommon(ctx, aino, v.Project.ID, v.Project.Version, changed)
	b.must(err)
	h, err := b.Handled(ctx, rescue, id)
	b.must(err)
	in, err := b.Inbox(ctx, rescue, matter.Query{Bucket: matter.OnAuthority})
	b.must(err)
	if h.Project.Name != v.Project.Name || in.Rows[0].Name != v.Project.Name {
		t.Errorf("the officer sees %q and %q; want %q", h.Project.Name, in.Rows[0].Name, v.Project.Name)
	}
}

func TestAChangedSubmissionIsFound(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	b.sent("rescue-temp-lodging")
	if n, err := matter.CheckSeals(ctx, b.DB); err != nil || n != 1 {
		t.Fatalf("CheckSeals: %d, %v", n, err)
	}
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE submissions SET body = REPLACE(body, 'Esimerkki', 'Muutettu')`)
		return err
	}))
	if _, err := matter.CheckSeals(ctx, b.DB); err == nil {
		t.Error("a changed body was not found")
	}
}

// Consent shows an authority what it would get, nothing else.
func TestConsentShowsOnlyWhatWouldBeSent(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.start("rescue-temp-lodging")
	b.fill(project, ids[0])
	if _, err := b.Handled(ctx, rescue, ids[0]); !fail.Is(err, fail.NotFound) {
		t.Fatalf("before consent: %v; want NotFound", err)
	}
	b.must(b.Consent(ctx, aino, ids[0], true))
	v, err := b.Handled(ctx, rescue, ids[0])
	b.must(err)
	if v.Project.Answers["contact_email"] == nil || v.Project.Answers["programme"] != nil || v.Answers["request"] == nil {
		t.Errorf("the authority sees %v", v.Project.Answers)
	}
	b.must(b.Consent(ctx, aino, ids[0], false))
	if _, err := b.Handled(ctx, rescue, ids[0]); !fail.Is(err, fail.NotFound) {
		t.Errorf("after consent ended: %v; want NotFound", err)
	}
}
