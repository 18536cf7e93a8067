package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/content"
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

// demoDay is when the tests' demo is seeded.
var demoDay = time.Date(2026, 11, 20, 9, 30, 0, 0, i18n.Zone)

// A house is a hub without doors: what the demo lives in.
type house struct {
	Home
	Desk *matter.Desk
	now  time.Time
}

var loaded = testkit.NewMould("content")

// empty opens a house that has the content and nothing else.
func empty(t *testing.T, now time.Time) *house {
	t.Helper()
	url := loaded.URL(t, func(url string) error {
		d, err := db.Open(context.Background(), url)
		if err != nil {
			return err
		}
		_, err = catalogue.Load(context.Background(), d, content.FS, demoDay)
		return errors.Join(err, d.Close())
	})
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{now: now}
	clock := func() time.Time { return h.now }
	h.Home = Home{DB: d, Folder: t.TempDir(), BaseURL: "http://127.0.0.1", MailFrom: "lupa@example.fi", Now: clock}
	if h.Catalogue, err = catalogue.Open(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if h.Files, err = attach.Open(d, h.Folder, clock); err != nil {
		t.Fatal(err)
	}
	h.Desk = &matter.Desk{DB: d, Catalogue: h.Catalogue, Files: h.Files, Now: clock}
	return h
}

func seed(t *testing.T, h *house) {
	t.Helper()
	if err := Seed(t.Context(), h.Home); err != nil {
		t.Fatal(err)
	}
}

// lines reads a query of one text column.
func lines(t *testing.T, h *house, query string) (all []string) {
	t.Helper()
	err := h.DB.View(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.QueryContext(t.Context(), query)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var s string
			err := rows.Scan(&s)
			all = append(all, s)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// picture is what the demo's data are, without the ids that chance gives.
func picture(t *testing.T, h *house) string {
	t.Helper()
	return strings.Join(slices.Concat(
		lines(t, h, `SELECT p.name || ' | ' || m.type_id || ' ' || m.number || ' ' || m.status || ' ' || m.outcome || ' ' || m.holder || ' ' || m.handler_id || ' ' || m.version
			FROM matters m JOIN projects p ON p.id = m.project_id ORDER BY p.name, m.type_id`),
		lines(t, h, `SELECT p.name || ' | ' || m.type_id || ' | ' || l.deed || ' ' || l.actor || ' ' || l.at
			FROM ledger l JOIN matters m ON l.stream = 'matter:' || m.id JOIN projects p ON p.id = m.project_id
			WHERE l.side <> 'hub' ORDER BY p.name, m.type_id, l.n`),
		lines(t, h, `SELECT p.name || ' | ' || l.deed || ' ' || l.actor FROM ledger l JOIN projects p ON l.stream = 'project:' || p.id ORDER BY p.name, l.n`),
		lines(t, h, `SELECT side || ' ' || text FROM messages ORDER BY text`),
		lines(t, h, `SELECT name || ' ' || place || ' ' || state || ' ' || size FROM attachments ORDER BY name, place, size`),
		lines(t, h, `SELECT p.name || ' ' || m.role FROM members m JOIN people p ON p.id = m.person_id ORDER BY p.name, m.role`),
		lines(t, h, `SELECT name || ' ' || email || ' ' || demo FROM people ORDER BY id`),
		lines(t, h, `SELECT id || ' ' || territory FROM offers ORDER BY id`),
	), "\n")
}

// TestTheDemo looks at one demo in several ways.
func TestTheDemo(t *testing.T) {
	h := empty(t, demoDay)
	seed(t, h)
	t.Run("is whole and seeded once", func(t *testing.T) { wholeAndOnce(t, h) })
	t.Run("has something in every part of an inbox", func(t *testing.T) { inboxes(t, h) })
	t.Run("shows a time limit running", func(t *testing.T) { timeLimit(t, h) })
	t.Run("is the same when its seeding broke off", func(t *testing.T) { brokenOff(t, h) })
}

func wholeAndOnce(t *testing.T, h *house) {
	checkWhole(t, h)

	before := picture(t, h)
	mails := lines(t, h, `SELECT id FROM mailbox ORDER BY id`)
	if len(mails) == 0 {
		t.Error("the demo's mailbox is empty")
	}
	seed(t, h)
	if after := picture(t, h); after != before {
		t.Errorf("a second start changed the demo:\n%s", firstLine(before, after))
	}
	if again := lines(t, h, `SELECT id FROM mailbox ORDER BY id`); !slices.Equal(again, mails) {
		t.Errorf("a second start mailed again: %d mails, before %d", len(again), len(mails))
	}
}

// checkWhole checks what any seeded demo must be: chained, consistent, every
// job done, nothing in the future.
func checkWhole(t *testing.T, h *house) {
	t.Helper()
	ctx, now := t.Context(), h.now
	if _, err := ledger.Verify(ctx, h.DB); err != nil {
		t.Errorf("the ledger does not hold: %v", err)
	}
	if _, err := matter.CheckStates(ctx, h.DB); err != nil {
		t.Errorf("states: %v", err)
	}
	err := h.DB.View(ctx, func(tx *db.Tx) error {
		_, dead, err := outbox.Counts(ctx, tx)
		if dead > 0 {
			t.Errorf("%d dead jobs", dead)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if late := lines(t, h, fmt.Sprintf(`SELECT deed FROM ledger WHERE at > %d`, db.Millis(now))); len(late) > 0 {
		t.Errorf("deeds in the future: %v", late)
	}
	if past := lines(t, h, fmt.Sprintf(`SELECT name FROM projects WHERE starts_at < %d`, db.Millis(now))); len(past) > 0 {
		t.Errorf("projects that have begun already: %v", past)
	}
	if past := lines(t, h, fmt.Sprintf(`SELECT number FROM matters WHERE due_at <> 0 AND due_at < %d`, db.Millis(now))); len(past) > 0 {
		t.Errorf("matters whose date has passed: %v", past)
	}
}

// inboxes tells that the officers of the guided tour find something
// in every part of their inbox.
func inboxes(t *testing.T, h *house) {
	d, err := newSeeding(h.Home)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"demo-police", "demo-rescue", "demo-city"} {
		p, err := d.person(id)
		if err != nil {
			t.Fatal(err)
		}
		who := identity.Officer{Person: p.person(), Authority: p.Hats[0].Authority, Role: identity.RoleOfficer}
		total := 0
		for _, bucket := range matter.Buckets {
			in, err := h.Desk.Inbox(t.Context(), who, matter.Query{Bucket: bucket})
			if err != nil {
				t.Fatal(err)
			}
			if len(in.Rows) == 0 {
				t.Errorf("%s has nothing in %s", id, bucket)
			}
			if bucket != matter.OnMe {
				total += len(in.Rows)
			}
		}
		if total < 5 || total > 13 {
			t.Errorf("%s has %d matters, want 5 to 13", id, total)
		}
	}
	for _, status := range matter.Statuses {
		if len(lines(t, h, `SELECT id FROM matters WHERE status = '`+string(status)+`'`)) == 0 {
			t.Errorf("no matter of the demo is %s", status)
		}
	}
	if got := lines(t, h, `SELECT id FROM matters WHERE type_id = 'rescue-plan' AND authority_id = 'rescue-pirkanmaa' AND status = 'sent' AND handler_id = ''`); len(got) == 0 {
		t.Error("the rescue officer of the guided tour has no plan to take into handling")
	}
	if got := lines(t, h, `SELECT m.type_id FROM matters m JOIN projects p ON p.id = m.project_id WHERE p.created_by = 'demo-aino' AND m.status = 'to_complete'`); !slices.Equal(got, []string{"rescue-plan"}) {
		t.Errorf("what Aino has to complete = %v, want the rescue plan", got)
	}
}

// timeLimit tells that the solar park shows its time limit running.
func timeLimit(t *testing.T, h *house) {
	who := identity.Customer{Person: identity.Person{ID: "demo-linnea"}}
	all, err := h.Desk.Projects(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p matter.ProjectRow) bool { return p.Entity == "renewable-energy" })
	if i < 0 {
		t.Fatal("there is no solar park")
	}
	v, err := h.Desk.Project(t.Context(), who, all[i].ID)
	if err != nil {
		t.Fatal(err)
	}
	if c := v.Limit; c == nil || c.State() != matter.CountRunning || c.Class == nil || c.Class.ID != "from-150-kw" || c.Days() < 40 {
		t.Errorf("%s: %+v", v.Name, c)
	}
}

// TestTheDemoOnAnyDay seeds on days that the calendar makes awkward: holidays,
// weekends, the turn of the year, a leap day, and the middle of the season.
func TestTheDemoOnAnyDay(t *testing.T) {
	for _, day := range []string{"2027-01-02", "2027-07-10", "2028-02-29"} {
		t.Run(day, func(t *testing.T) {
			now, err := time.ParseInLocation("2006-01-02 15:04", day+" 00:20", i18n.Zone)
			if err != nil {
				t.Fatal(err)
			}
			t.Parallel()
			h := empty(t, now)
			seed(t, h)
			checkWhole(t, h)
		})
	}
}

// brokenOff stops the seeding again and again, also in
// the middle of a step and before the notices have gone, each time a day later,
// and lets a last start bring it to its end.
func brokenOff(t *testing.T, unbroken *house) {
	h := empty(t, demoDay)
	for day, done := range []int{0, 1, 40, 90} {
		h.now = demoDay.AddDate(0, 0, day)
		breakOff(t, h, done)
	}
	h.now = demoDay.AddDate(0, 0, 4)
	seed(t, h)
	checkWhole(t, h)
	if want, got := picture(t, unbroken), picture(t, h); got != want {
		t.Errorf("the continued demo differs:\n%s", firstLine(want, got))
	}
}

// breakOff does the first steps, and of the next one what can be repeated.
func breakOff(t *testing.T, h *house, steps int) {
	t.Helper()
	ctx := t.Context()
	d, err := newSeeding(h.Home)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.begin(ctx); err != nil {
		t.Fatal(err)
	}
	var all []step
	for _, s := range d.stories {
		all = append(all, s.Steps...)
	}
	slices.SortStableFunc(all, func(a, b step) int { return a.at.Compare(b.at) })
	for _, st := range all[:steps] {
		d.at = st.at
		if err := st.of.do(ctx, st); err != nil {
			t.Fatal(err)
		}
		if st.Do != "invite" { // its mail holds the secret
			if _, err := d.worker.Round(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, st := range all[steps:] { // uploaded and typed, not yet sent
		if st.Do == "send" && st.of.id != "" {
			d.at = st.at
			who, err := d.person(st.Who)
			if err != nil {
				t.Fatal(err)
			}
			if err := st.of.fillIn(ctx, st, identity.Customer{Person: who.person()}); err != nil && !strings.Contains(err.Error(), errNoMatter.Error()) {
				t.Fatal(err)
			}
			return
		}
	}
}

func TestStoryDates(t *testing.T) {
	s := &story{today: time.Date(2026, 11, 20, 0, 0, 0, 0, i18n.Zone), Event: &eventDay{From: "07-10", Weekday: time.Saturday, AtLeast: 40}}
	got, err := s.fill("{T} {T+30.} {T-1} {E} {E+1.} {E}T17:00 {Y}")
	want := "2026-11-20 20.12.2026 2026-11-19 2027-07-10 11.7.2027 2027-07-10T17:00 2026"
	if err != nil || got != want {
		t.Errorf("fill = %q, %v; want %q", got, err, want)
	}
	s.Event = nil
	if _, err := s.fill("{E}"); err == nil {
		t.Error("a story without an event has an event day")
	}
	for _, tt := range []struct {
		n    int
		want string
	}{{-1, "2026-12-04"}, {-2, "2026-12-03"}, {1, "2026-12-08"}} { // around the weekend of Independence Day
		if got := workingDay(time.Date(2026, 12, 7, 0, 0, 0, 0, i18n.Zone), tt.n).Format(time.DateOnly); got != tt.want {
			t.Errorf("workingDay(%d) = %s, want %s", tt.n, got, tt.want)
		}
	}
}

// TestDemoStoriesAreRefusedWhenWrong tells an editor what is wrong.
func TestDemoStoriesAreRefusedWhenWrong(t *testing.T) {
	for name, body := range map[string]string{
		"two steps at one time": `{"key":"x","steps":[{"day":-2,"at":"09:00"},{"day":-2,"at":"09:00"}]}`,
		"a step today":          `{"key":"x","steps":[{"day":0,"at":"09:00"}]}`,
		"a clock that is none":  `{"key":"x","steps":[{"day":-2,"at":"9 am"}]}`,
		"no event day":          `{"key":"x","steps":[{"day":-2,"at":"09:00","text":"{E}"}]}`,
	} {
		s := &story{today: midnight(demoDay)}
		if err := json.Unmarshal([]byte(body), s); err != nil {
			t.Fatal(err)
		}
		if err := s.write(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func firstLine(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "want " + a[i] + "\ngot  " + b[i]
		}
	}
	return fmt.Sprintf("want %d lines, got %d", len(a), len(b))
}
