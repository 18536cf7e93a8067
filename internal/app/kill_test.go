package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/app"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/outbox"
	"luvat/internal/testkit"
)

// The worker is this test binary, started again: it sends matters and messages
// without end and tells each one that was acknowledged, until it is killed.
const (
	workerURL   = "LUVAT_TEST_KILL_DATABASE"
	workerFiles = "LUVAT_TEST_KILL_FILES"
)

func TestMain(m *testing.M) {
	if os.Getenv(workerURL) != "" {
		if err := work(context.Background(), os.Getenv(workerURL), os.Getenv(workerFiles)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func killConfig(url, files string) app.Config {
	return app.Config{Listen: "127.0.0.1:0", BaseURL: "http://127.0.0.1:8080", DatabaseURL: url, Attachments: files, MailFrom: "hub@example.fi", Demo: true}
}

var (
	sender  = identity.Customer{Person: identity.Person{ID: "sender", Name: "Sirpa", Email: "sirpa@example.fi", Lang: i18n.FI}}
	handler = identity.Officer{Person: identity.Person{ID: "officer", Name: "Olli", Email: "olli@example.fi", Lang: i18n.FI}, Authority: "rescue-pirkanmaa", Role: identity.RoleOfficer}
)

const killType = "rescue-temp-lodging"

func people(ctx context.Context, h *app.Hub) error {
	return h.DB.InTx(ctx, func(tx *db.Tx) error {
		now := h.Desk.Now()
		return errors.Join(
			identity.SavePerson(ctx, tx, now, sender.Person), identity.SavePerson(ctx, tx, now, handler.Person),
			identity.Grant(ctx, tx, now, handler.ID, identity.Hat{Role: identity.RoleOfficer, Authority: handler.Authority}),
			catalogue.SaveOffer(ctx, tx, &catalogue.Offer{
				ID: catalogue.OfferID(handler.Authority, killType), Authority: handler.Authority, Type: killType,
				Way: catalogue.Light, Territory: []string{"837"}, NoticeEmail: "palo@example.fi", Active: true,
			}))
	})
}

func work(ctx context.Context, url, files string) error {
	h, err := app.Open(ctx, killConfig(url, files), app.Options{})
	if err != nil {
		return err
	}
	go h.Outbox.Run(ctx)
	fmt.Println("ready")
	var wg sync.WaitGroup
	fail := make(chan error, 4)
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	for range 4 {
		wg.Go(func() {
			for {
				if err := once(ctx, h, say); err != nil {
					fail <- err
					return
				}
			}
		})
	}
	return <-fail
}

// once takes one matter through its life, telling every deed that the hub has
// acknowledged.
func once(ctx context.Context, h *app.Hub, say func(string, ...any)) error {
	project, err := h.Desk.StartProject(ctx, sender, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäjuhla", Types: []string{killType}})
	if err != nil {
		return err
	}
	v, err := h.Desk.Project(ctx, sender, project)
	if err != nil {
		return err
	}
	id := v.Rows[0].ID
	m, err := h.Desk.Matter(ctx, sender, id)
	if err != nil {
		return err
	}
	common, err := m.Common.Example(m.Project.Answers, true, nil)
	if err != nil {
		return err
	}
	saved, err := h.Desk.SaveCommon(ctx, sender, project, m.Project.Version, common)
	if err != nil {
		return err
	}
	a, err := h.Files.Put(ctx, attach.New{Project: project, Matter: id, Place: attach.Answer, Field: "attachments", Name: "suunnitelma.txt", Size: -1, UploadedBy: sender.ID, Side: "applicant"},
		strings.NewReader(strings.Repeat(id, 50)))
	if err != nil {
		return err
	}
	own, err := m.Form.Example(m.Answers, false, nil)
	if err != nil {
		return err
	}
	own["attachments"] = []any{a.ID}
	draft, err := h.Desk.SaveDraft(ctx, sender, id, m.Version, own)
	if err != nil {
		return err
	}
	s, err := h.Desk.Send(ctx, sender, []matter.Looked{{Matter: id, Version: draft.Version, Common: saved.Version}})
	if err != nil {
		return err
	}
	say("sent %s %s", id, s[0].Hash)
	if err := h.Desk.Take(ctx, handler, id, ""); err != nil {
		return err
	}
	say("taken %s", id)
	if err := h.Desk.WriteToApplicant(ctx, handler, id, "Kiitos, saimme asian.", nil); err != nil {
		return err
	}
	say("message %s", id)
	if err := h.Desk.Finish(ctx, handler, id, matter.Decision{Outcome: "received"}); err != nil {
		return err
	}
	say("finished %s", id)
	return nil
}

// TestKilledAtAnyMoment kills the hub 200 times in the middle of its work.
// Nothing that it had acknowledged may be lost, and nothing queued may be lost
// or have its effect twice.
func TestKilledAtAnyMoment(t *testing.T) {
	const kills = 200
	ctx := t.Context()
	url, files := testkit.URL(t), filepath.Join(t.TempDir(), "files")
	h, err := app.Open(ctx, killConfig(url, files), app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(people(ctx, h), h.Close()); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]string{} // matter → the last deed told
	hashes := map[string]string{}
	const short = 95 * time.Millisecond
	deeds, reach := 0, short // lives grow where the machine is slow, until every other has a deed in it
	for kill := range kills {
		told := liveAndDie(t, url, files, 5*time.Millisecond+rand.N(reach))
		if len(told) == 0 {
			reach = min(reach*5/4, 5*time.Second)
		} else {
			reach = max(reach*4/5, short)
		}
		for _, line := range told {
			deed, rest, _ := strings.Cut(line, " ")
			id, hash, _ := strings.Cut(rest, " ")
			acknowledged[id] = deed
			if hash != "" {
				hashes[id] = hash
			}
			deeds++
		}
		if t.Failed() {
			t.Fatalf("at kill %d", kill)
		}
	}
	if deeds < kills {
		t.Fatalf("only %d deeds acknowledged in %d lives: this test shows nothing", deeds, kills)
	}
	t.Logf("%d deeds on %d matters acknowledged in %d lives", deeds, len(acknowledged), kills)
	afterwards(t, url, files, acknowledged, hashes)
}

// liveAndDie runs a worker for a while, kills it with SIGKILL and returns what
// it told.
func liveAndDie(t *testing.T, url, files string, life time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerURL+"="+url, workerFiles+"="+files)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Errorf("the hub did not start after a kill: %s", complaints.String())
	}
	timer := time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var told []string
	for lines.Scan() {
		told = append(told, lines.Text())
	}
	_ = cmd.Wait() // killed: always an error
	if s := complaints.String(); s != "" {
		t.Errorf("the hub complained: %s", s)
	}
	if n := len(told); n > 0 && strings.Count(told[n-1], " ") == 0 {
		told = told[:n-1] // cut in the middle of a line: not acknowledged
	}
	return told
}

func afterwards(t *testing.T, url, files string, acknowledged, hashes map[string]string) {
	t.Helper()
	ctx := context.Background()
	// The leases of jobs whose worker was killed end in the future.
	h, err := app.Open(ctx, killConfig(url, files), app.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close() //nolint:errcheck // the end of the test
	for {
		n, err := h.Outbox.Round(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if v, err := ledger.Verify(ctx, h.DB); err != nil {
		t.Errorf("the ledger after %d entries: %v", v.Entries, err)
	}
	if _, err := matter.CheckStates(ctx, h.DB); err != nil {
		t.Error(err)
	}
	if report, err := h.Files.CheckDeep(ctx); err != nil || !report.OK() {
		t.Errorf("the attachments: %+v, %v", report, err)
	}
	order := []string{"sent", "taken", "message", "finished"}
	for id, deed := range acknowledged {
		v, err := h.Desk.Matter(ctx, sender, id)
		if err != nil {
			t.Fatalf("matter %s was acknowledged and is gone: %v", id, err)
		}
		if len(v.Submissions) != 1 || v.Submissions[0].Hash != hashes[id] {
			t.Fatalf("matter %s: %d submissions, hash differs or is missing", id, len(v.Submissions))
		}
		reached := map[bool]int{}
		for i, name := range order {
			happened := name == "sent" || name == "taken" && !v.Started.IsZero() || name == "message" && len(v.Messages) == 1 || name == "finished" && v.Status == matter.Finished
			if happened {
				reached[true] = i
			}
		}
		for i, name := range order {
			if name == deed && reached[true] < i {
				t.Fatalf("matter %s: %s was acknowledged, but only %s stands", id, deed, order[reached[true]])
			}
		}
	}
	effectsOnce(t, h)
}

// effectsOnce checks that every notice went out, and once.
func effectsOnce(t *testing.T, h *app.Hub) {
	t.Helper()
	ctx := context.Background()
	count := func(query string) (n int64) {
		if err := h.DB.View(ctx, func(tx *db.Tx) error { return tx.QueryRowContext(ctx, query).Scan(&n) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	waiting, dead := int64(0), int64(0)
	if err := h.DB.View(ctx, func(tx *db.Tx) (err error) { waiting, dead, err = outbox.Counts(ctx, tx); return err }); err != nil {
		t.Fatal(err)
	}
	if waiting != 0 || dead != 0 {
		t.Errorf("%d jobs wait and %d are dead; want none", waiting, dead)
	}
	deeds := count(`SELECT COUNT(*) FROM ledger WHERE deed IN ('matter.sent', 'matter.message', 'matter.finished')`)
	notices := count(`SELECT COUNT(*) FROM notices`)
	handed := count(`SELECT COUNT(*) FROM notices WHERE handed_at <> 0`)
	mails := count(`SELECT COUNT(*) FROM mailbox`)
	told := count(`SELECT COUNT(*) FROM ledger WHERE deed = 'notice.handed_over'`)
	if notices != deeds || handed != deeds || mails != deeds || told != deeds {
		t.Errorf("%d deeds: %d notices, %d handed over, %d mails, %d told in the ledger; want the same", deeds, notices, handed, mails, told)
	}
	if n := count(`SELECT COUNT(*) FROM (SELECT sent_to, subject, idem_key FROM mailbox GROUP BY sent_to, subject, idem_key HAVING COUNT(*) > 1) AS d`); n != 0 {
		t.Errorf("%d mails came twice", n)
	}
}
