package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/delivery"
	"luvat/internal/i18n"
	"luvat/internal/matter"
)

// everything does each deed that is told of, with marked secrets in all that
// people write.
func everything(b *bench) {
	b.t.Helper()
	ctx := b.t.Context()
	project, ids := b.start("Konsertti 131052-308T\r\nBcc: x@example.fi", "rescue-temp-lodging", "muni-sewer", "muni-camping", "muni-signs", "muni-tobacco")
	rows, err := b.Project(ctx, aino, project)
	b.must(err)
	id := map[string]string{}
	for _, r := range rows.Rows {
		id[r.Type] = r.ID
	}
	for _, m := range ids {
		b.send(m)
		b.work()
	}
	m, soon := id["rescue-temp-lodging"], func() time.Time { return b.clock.Now().AddDate(0, 0, 14) }
	b.must(b.Take(ctx, rescue, m, ""))
	b.must(b.Identify(ctx, rescue, m, "", secret+"/1"))
	b.must(b.WriteToApplicant(ctx, rescue, m, secret, nil))
	b.must(b.WriteAsApplicant(ctx, aino, m, secret, nil))
	b.must(b.AskCompletion(ctx, rescue, m, matter.Request{Text: secret, Due: soon()}))
	b.work()
	_, err = b.Complete(ctx, aino, matter.Completion{Looked: b.fill(m), Unchanged: true, Why: secret})
	b.must(err)
	b.must(b.WriteToAuthority(ctx, rescue, m, matter.Letter{To: "muni-837", Text: secret}))
	b.must(b.WriteToAuthority(ctx, rescue, m, matter.Letter{To: "muni-837", Text: secret, AskBy: soon()}))
	b.work()
	b.must(b.AnswerAuthority(ctx, city, m, secret, nil))
	b.work()
	b.must(b.Finish(ctx, rescue, m, matter.Decision{Outcome: "not_accepted", Text: secret}))

	b.must(b.Take(ctx, city, id["muni-sewer"], ""))
	b.must(b.Finish(ctx, city, id["muni-sewer"], matter.Decision{Outcome: "rejected", Text: secret}))
	b.must(b.Share(ctx, aino, m, []string{"muni-837"}))
	b.must(b.EndSharing(ctx, aino, m, "muni-837"))
	b.must(b.Dismiss(ctx, city, id["muni-camping"], secret))
	b.must(b.Transfer(ctx, city, id["muni-signs"], "police-sisa-suomi", secret))
	b.clock.Move(5 * 24 * time.Hour) // muni-tobacco lies unopened
	b.work()
	b.must(b.Withdraw(ctx, aino, id["muni-tobacco"]))
	for _, lang := range i18n.Langs {
		b.must(b.Invite(ctx, aino, project, "kutsuttu-"+string(lang)+"@asiakas.example", matter.Editor, lang))
	}
	b.work()
}

func TestNoMailTellsMoreThanItMay(t *testing.T) {
	b := newBench(t)
	everything(b)

	never := []string{secret, "131052", "308T", aino.Name, "Salonperä", rescue.Name, "Nimettömänpoika", "\r", "Bcc:x"}
	for _, k := range b.Catalogue.Kinds {
		if k.ID == "supervision" {
			continue // its outcome "handled" says what every notice of an end says
		}
		for _, o := range k.Outcomes {
			for _, lang := range i18n.Langs {
				never = append(never, o.Customer.In(lang), o.Authority.In(lang))
			}
		}
	}
	for _, s := range []matter.Status{matter.Dismissed, matter.Transferred} {
		for _, lang := range i18n.Langs {
			never = append(never, b.Catalogue.Status(string(s)).Customer.In(lang))
		}
	}
	mails := b.mails()
	for _, m := range mails {
		text := strings.ToLower(m.Subject + "\n" + m.Body)
		for _, n := range never {
			if strings.Contains(text, strings.ToLower(n)) {
				t.Errorf("the mail %q to %s says %q", m.Subject, m.To, n)
			}
		}
		if strings.Contains(m.Subject, "\n") {
			t.Errorf("subject of two lines: %q", m.Subject)
		}
		if !strings.Contains(m.Body, "\nhttps://luvat.example/") || strings.Contains(m.Body, "example//") {
			t.Errorf("the mail %q has no link on a line of its own:\n%s", m.Subject, m.Body)
		}
	}
	for _, what := range []string{
		"uusi asia on saapunut", "asiaa on täydennetty", "asia on peruttu", "uusi viesti", "lausuntoa", "lausunto on annettu", "asian tiedot on jaettu teille",
		"ilmoitusta ei ole avattu", "kompletteras senast", "myndigheten har skickat", "ärendet har behandlats", "Invitation to the project",
	} {
		if !slices.ContainsFunc(mails, func(m delivery.Mail) bool { return strings.Contains(m.Subject, what) }) {
			t.Errorf("no mail about %q among %d", what, len(mails))
		}
	}
	if s := b.stuck(); len(s) != 0 {
		t.Errorf("stuck jobs: %+v", s)
	}
}

func TestWhoGetsANotice(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.start("Kesäkonsertti", "rescue-temp-lodging")
	b.send(ids[0])
	b.work()
	b.must(b.Take(ctx, rescue, ids[0], "kasittelija@virasto.example"))
	b.must(b.WriteAsApplicant(ctx, aino, ids[0], "Hei", nil))
	b.must(b.WriteToApplicant(ctx, rescue, ids[0], "Hei", nil))
	b.work()
	var got []string
	for _, m := range b.mails() {
		got = append(got, m.To)
	}
	slices.Sort(got)
	want := []string{"hakija@asiakas.example", "kasittelija@virasto.example", "rescue-temp-lodging@virasto.example"}
	if !slices.Equal(got, want) {
		t.Errorf("mails went to %v; want %v", got, want)
	}
	v, err := b.Handled(ctx, rescue, ids[0])
	b.must(err)
	for _, n := range v.Notices {
		if n.Handed.IsZero() {
			t.Errorf("the notice of %s to %s was sent but not noted as handed over", n.Deed, n.Audience)
		}
	}
}

func TestTheDeputyIsToldOnlyOfWhatNobodyOpened(t *testing.T) {
	for _, opened := range []bool{false, true} {
		b := newBench(t)
		_, ids := b.start("Kesäkonsertti", "rescue-temp-lodging")
		b.send(ids[0])
		b.work()
		if opened {
			_, err := b.Handled(t.Context(), rescue, ids[0])
			b.must(err)
		}
		b.clock.Move(7 * 24 * time.Hour)
		b.work()
		told := slices.ContainsFunc(b.mails(), func(m delivery.Mail) bool { return m.To == "kirjaamo@virasto.example" })
		if told == opened {
			t.Errorf("opened %v: the deputy was told: %v", opened, told)
		}
	}
}

// flaky fails for some addresses, and keeps what it took.
type flaky struct {
	fail map[string]error
	took []delivery.Mail
}

func (f *flaky) Send(_ context.Context, m delivery.Mail) error {
	if err := f.fail[m.To]; err != nil {
		return err
	}
	f.took = append(f.took, m)
	return nil
}

func TestANoticeThatWasHandedOverIsNotSentAgain(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	project, ids := b.start("Kesäkonsertti", "rescue-temp-lodging")
	helper := aino
	helper.ID, helper.Email = "apuri", "apuri@asiakas.example"
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		for _, q := range []string{
			`INSERT INTO people (id, name, email, lang, created_at) VALUES ('apuri', 'Apuri', 'apuri@asiakas.example', 'en', 1)`,
			`INSERT INTO members (project_id, person_id, role, since) VALUES ('` + project + `', 'apuri', 'helper', 1)`,
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}))
	b.send(ids[0])
	b.work()
	b.must(b.Take(ctx, rescue, ids[0], ""))
	f := &flaky{fail: map[string]error{"apuri@asiakas.example": errors.New("busy")}}
	b.sendWith(f)
	b.must(b.WriteToApplicant(ctx, rescue, ids[0], "Hei", nil))
	for range 5 {
		b.work()
		b.clock.Move(2 * time.Hour)
	}
	if len(f.took) != 1 || f.took[0].To != aino.Email {
		t.Fatalf("took %d mails while one address is busy; want one, to the other", len(f.took))
	}
	f.fail = nil
	b.work()
	if len(f.took) != 2 || f.took[1].To != "apuri@asiakas.example" || f.took[0].MessageID() == f.took[1].MessageID() {
		t.Errorf("took %+v; want the second member's mail at last, with its own id", f.took)
	}
}

func TestOneRefusedAddressDoesNotHoldUpTheOthers(t *testing.T) {
	b := newBench(t)
	_, ids := b.start("Kesäkonsertti", "rescue-temp-lodging")
	f := &flaky{fail: map[string]error{"rescue-temp-lodging@virasto.example": &delivery.Refused{Err: errors.New("550 no such user")}}}
	b.sendWith(f)
	b.send(ids[0])
	b.work()
	s := b.stuck()
	if len(s) != 1 || s[0].State != "dead" || !strings.Contains(s[0].Error, "550 no such user") {
		t.Fatalf("stuck %+v; want one dead job that says why", s)
	}
	b.clock.Move(7 * 24 * time.Hour) // nobody opened it: the deputy is told all the same
	b.work()
	if len(f.took) != 1 || f.took[0].To != "kirjaamo@virasto.example" {
		t.Errorf("took %+v; want the deputy's notice", f.took)
	}
}

func TestANoticeWithoutAnAddressIsSeen(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, ids := b.start("Kesäkonsertti", "rescue-temp-lodging")
	b.must(b.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE offers SET notice_email = ''`)
		return err
	}))
	b.send(ids[0])
	b.work()
	if s := b.stuck(); len(s) != 1 || s[0].State != "dead" {
		t.Errorf("stuck %+v; want a dead job", s)
	}
}

func TestTheMailboxKeepsAMailOnce(t *testing.T) {
	b := newBench(t)
	box := delivery.Mailbox{DB: b.DB, Now: b.clock.Now}
	for _, m := range []delivery.Mail{{Key: "a", Subject: "first"}, {Key: "a", Subject: "again"}, {Key: "b", Subject: "second"}} {
		b.must(box.Send(t.Context(), m))
		b.clock.Move(time.Minute)
	}
	mails := b.mails()
	if len(mails) != 2 || mails[0].Subject != "second" || mails[1].Subject != "first" {
		t.Errorf("mailbox %+v; want second, first", mails)
	}
}
