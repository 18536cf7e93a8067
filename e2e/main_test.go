// Package e2e_test uses the whole hub as people and robots do: real pages in a
// real browser, over a real database, with the demo's people.
//
// A hub lives for one test, on SQLite or PostgreSQL (testkit.URL). Words are
// read from where the product reads them (i18n and the catalogue), so a test
// fails when a page changes and not when a word does.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/app"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/delivery"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
	"luvat/internal/testkit/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// A hub is the product, answering and working, with the demo in it.
type hub struct {
	*app.Hub
	t    testing.TB
	url  string
	stop func() // ends it as a shutdown does; its database and files stay
	log  *lines
}

// place is where a hub keeps what must outlive it.
type place struct{ database, files string }

func newPlace(t testing.TB) place {
	return place{testkit.URL(t), filepath.Join(t.TempDir(), "files")}
}

// newHub starts a hub that ends with the test. What it logs as a warning or
// worse fails the test.
func newHub(t testing.TB) *hub {
	t.Helper()
	return startHub(t, newPlace(t), app.Options{})
}

func startHub(t testing.TB, at place, o app.Options) *hub {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	h := &hub{t: t, url: "http://" + server.Listener.Addr().String(), log: &lines{}}
	o.Log = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	h.Hub, err = app.Open(t.Context(), app.Config{
		Listen: "127.0.0.1:0", BaseURL: h.url, DatabaseURL: at.database, Attachments: at.files, MailFrom: "hub@luvat.example", Keys: at.files + "-keys", Demo: true,
	}, o)
	if err != nil {
		server.Close()
		t.Fatalf("open the hub: %v", err)
	}
	if err := h.SeedDemo(t.Context()); err != nil {
		t.Fatalf("fill the demo: %v", err)
	}
	endMandates, err := h.StartMandates(t.Context())
	if err != nil {
		t.Fatalf("start the stand-in of Suomi.fi-valtuudet: %v", err)
	}
	server.Config.Handler = h.Handler
	server.Start()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { h.Outbox.Run(ctx) })
	h.stop = sync.OnceFunc(func() {
		server.CloseClientConnections() // browsers keep theirs open
		server.Close()
		cancel()
		work.Wait()
		if err := endMandates(ctx); err != nil {
			t.Errorf("end the stand-in of Suomi.fi-valtuudet: %v", err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("close the hub: %v", err)
		}
		for _, line := range h.log.all() {
			t.Errorf("the hub logged: %s", line)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, strings.TrimSpace(string(b)))
	return len(b), nil
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.text)
}

// view reads the database, for what no page tells.
func (h *hub) view(query string, into any, args ...any) {
	h.t.Helper()
	err := h.DB.View(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRowContext(context.Background(), query, args...).Scan(into)
	})
	if err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

// A visitor is a person with a window.
type visitor struct {
	*browser.Page
	t    testing.TB
	hub  *hub
	lang i18n.Lang
	js   bool
}

// letter waits for a mail to an address with all these words in it: the newest.
func (h *hub) letter(to string, words ...string) delivery.Mail {
	h.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var all []delivery.Mail
		err := h.DB.View(context.Background(), func(tx *db.Tx) (err error) {
			all, err = delivery.Mailbox{DB: h.DB, Now: h.Desk.Now}.Mails(context.Background(), tx)
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, m := range all {
			if m.To == to && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(m.Subject+"\n"+m.Body, w) }) {
				return m
			}
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("no mail to %s with %q has come", to, words)
		}
	}
}

// visitor opens a window. Without JavaScript it is a browser that runs none.
func (h *hub) visitor(t testing.TB, l i18n.Lang, js bool) *visitor {
	t.Helper()
	p := browser.Start(t).Page(t, browser.Options{Base: h.url, JavaScript: js, Lang: string(l)})
	return &visitor{p, t, h, l, js}
}

// signedIn opens a window of a person of the demo.
func (h *hub) signedIn(t testing.TB, person string, l i18n.Lang, js bool) *visitor {
	t.Helper()
	v := h.visitor(t, l, js)
	v.enter(person)
	return v
}

// enter signs in on the page for it.
func (v *visitor) enter(person string) {
	v.t.Helper()
	v.Goto("/login")
	v.signIn(person)
}

// words in the visitor's language.
func (v *visitor) words(key string, args ...any) string { return i18n.T(v.lang, key, args...) }

// about is the beginning of a name that goes on, for a screen reader only, with
// what it is about: "Poista : liite.pdf".
func (v *visitor) about(key string) string { return v.words(key) + " : " }

// signIn chooses a person on the page for signing in, which is open.
func (v *visitor) signIn(person string) {
	v.t.Helper()
	var name string
	v.hub.view(`SELECT name FROM people WHERE id = $1`, &name, person)
	v.Click("button", v.about("ui.login")+name+",")
	v.See(name)
}

// typeName is what a matter type is called.
func (v *visitor) typeName(id string) string {
	return v.hub.Catalogue.Type(id).Name.In(v.lang)
}

func (v *visitor) authority(id string) string {
	return v.hub.Catalogue.Authority(id).Name.In(v.lang)
}

// outcome is what an outcome is called, on the authority's side.
func (v *visitor) outcome(kind, id string) (authority, customer string) {
	w := v.hub.Catalogue.OutcomeWords(nil, kind, id)
	return w.Authority.In(v.lang), w.Customer.In(v.lang)
}

// until waits until something is so.
func (v *visitor) until(what string, is func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !is(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			v.t.Fatalf("it does not happen that %s", what)
		}
	}
}

// kept waits until a text of a draft has reached the database.
func (v *visitor) kept(form, text string) {
	v.t.Helper()
	matter := path.Base(path.Dir(form))
	v.until(text+" is saved", func() bool {
		var answers string
		v.hub.view(`SELECT d.answers FROM draft_versions d JOIN matters m ON m.id = d.subject AND m.version = d.version WHERE m.id = $1`, &answers, matter)
		return strings.Contains(answers, text)
	})
}

// endSessions signs everybody out, as time does.
func (h *hub) endSessions(t testing.TB) {
	t.Helper()
	err := h.DB.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM sessions`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// offer reads an offer.
func (h *hub) offer(v *visitor, authority, kind string) (o *catalogue.Offer) {
	v.t.Helper()
	err := h.DB.View(v.t.Context(), func(tx *db.Tx) (err error) {
		o, err = catalogue.FindOffer(v.t.Context(), tx, catalogue.OfferID(authority, kind))
		return err
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return o
}

// form returns the newest form of an id.
func (h *hub) form(id string) *forms.Form {
	h.t.Helper()
	f, _, err := h.Catalogue.Form(id, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

// fill types answers into the open form as a person does: field by field, each
// found by its label. answers is JSON; a file stands in it by its name, and the
// name ends in .png. What is asked only because of an answer comes after it.
// Common data says what the matters of these types cannot do without.
func (v *visitor) fill(f *forms.Form, answers string, types ...string) {
	v.t.Helper()
	given, err := forms.ParseAnswers([]byte(answers))
	if err != nil {
		v.t.Fatalf("%v in %s", err, answers)
	}
	h := &hand{v: v, asked: map[string]bool{}, needed: map[string]bool{}}
	for _, id := range types {
		_, needed := v.hub.form(v.hub.Catalogue.Type(id).Form).Common()
		for _, term := range needed {
			h.needed[term] = true
		}
	}
	h.know(f.Fields(forms.Answers{}))
	h.nodes(v.Page, f.Fields(given))
	if len(h.later) > 0 {
		if !v.js { // the page does not follow the answers by itself
			v.Click("button", v.words("customer.save"))
		}
		later := h.later
		h.later, h.asked = nil, nil
		for _, n := range later {
			h.node(v.Page, n)
		}
	}
}

// A hand fills in a form.
type hand struct {
	v      *visitor
	asked  map[string]bool // paths that an empty form asks for; nil: all of them
	later  []forms.Node
	needed map[string]bool // terms of common data
}

func (h *hand) know(nodes []forms.Node) {
	for _, n := range nodes {
		h.asked[n.Path] = true
		if n.Path == "" {
			h.know(n.Children)
		}
	}
}

func (h *hand) nodes(in *browser.Page, nodes []forms.Node) {
	h.v.t.Helper()
	for _, n := range nodes {
		switch {
		case n.Path == "":
			h.nodes(in, n.Children)
		case n.Value == nil:
		case h.asked != nil && !h.asked[n.Path]:
			h.later = append(h.later, n)
		default:
			h.node(in, n)
		}
	}
}

// inside fills in the parts of an object or a row: all of them are there.
func (h *hand) inside(in *browser.Page, nodes []forms.Node) {
	h.v.t.Helper()
	for _, n := range nodes {
		if n.Value != nil {
			h.node(in, n)
		}
	}
}

// node answers one question. Its label says so where an answer is optional;
// a whole or a unique part of a name will do.
func (h *hand) node(in *browser.Page, n forms.Node) {
	v := h.v
	v.t.Helper()
	label := n.Label.In(v.lang)
	exact := label
	n.Required = n.Required || h.needed[n.Term]
	if n.Optional() {
		exact += " " + v.words("ui.optional")
	}
	group := func() *browser.Page { return in.In("group", exact) }
	switch {
	case n.Kind == forms.KindRows:
		for i, row := range n.Rows {
			if i > 0 || !h.shown(group(), v.words("ui.row_nth", label, 1)) {
				group().Click("button", v.about("ui.row_add")+label)
			}
			h.inside(group().In("group", v.words("ui.row_nth", label, i+1)), row)
		}
	case n.Kind == forms.KindGroup:
		for _, part := range n.Children {
			part.Required = part.Required || n.AnyPart()
			h.inside(group(), []forms.Node{part})
		}
	case n.Widget == forms.WidgetBool:
		answer := "ui.no"
		if n.Raw == "true" {
			answer = "ui.yes"
		}
		group().Check(v.words(answer))
	case n.Widget == forms.WidgetChoice && len(n.Options) > 8:
		in.Select(exact, h.option(n, n.Raw))
	case n.Widget == forms.WidgetChoice:
		group().Check(h.option(n, n.Raw))
	case n.Widget == forms.WidgetChoices:
		for _, value := range n.Values() {
			group().Check(h.option(n, value))
		}
	case n.Widget == forms.WidgetDateTime:
		group().Fill(v.words("ui.date"), n.DatePart())
		group().Fill(v.words("ui.time"), n.TimePart())
	case n.Widget == forms.WidgetFiles:
		for _, name := range n.Values() {
			v.attach(group(), picture(v.t, name))
		}
	case n.Widget == forms.WidgetList || n.Widget == forms.WidgetMunicipalities:
		for i, value := range n.Values() {
			if i > 0 {
				group().Click("button", v.about("ui.row_add")+label)
			}
			group().Fill(v.words("ui.row_nth", label, i+1), value)
		}
	case n.Widget == forms.WidgetMunicipality:
		in.Fill(exact, v.hub.Catalogue.Municipality(n.Raw).Name.In(v.lang))
	default:
		in.Fill(exact, n.Raw)
	}
}

// shown tells whether a part of the page has a group in it already: rows that
// must be there show an empty one.
func (h *hand) shown(in *browser.Page, name string) bool {
	return slices.ContainsFunc(in.Names("group"), func(s string) bool { return strings.HasSuffix(s, name) })
}

func (h *hand) option(n forms.Node, value string) string {
	h.v.t.Helper()
	for _, o := range n.Options {
		if o.Value == value {
			return o.Label.In(h.v.lang)
		}
	}
	h.v.t.Fatalf("%s has no choice %q", n.Path, value)
	return ""
}

// attach gives a file to the file field in a part of the page, and waits until
// the list of files shows it.
func (v *visitor) attach(in *browser.Page, file string) {
	v.t.Helper()
	in.Upload(v.words("ui.files_choose"), file)
	if !v.js {
		in.Click("button", v.words("ui.files_add"))
	}
	in.SeeElement("link", filepath.Base(file))
}

// picture draws a small map of a name, a new one every time.
func picture(t testing.TB, name string) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 {
		m.Set(i, i*3/4, color.RGBA{uint8(len(name)), uint8(i), 90, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// answers writes answers as JSON.
func answers(t testing.TB, a map[string]any) string {
	t.Helper()
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// day is a date so many days from now, in Finland.
func day(days int) string {
	return time.Now().In(i18n.Zone).AddDate(0, 0, days).Format(time.DateOnly)
}

// survey answers the survey of an entity from its first page to the result:
// given names the chosen answers by question. Nothing else is answered.
func (v *visitor) survey(entity, municipality, starts string, given map[string][]string) {
	v.t.Helper()
	e := v.hub.Catalogue.Entity(entity)
	s, _, err := v.hub.Catalogue.Survey(e.Survey, "")
	if err != nil {
		v.t.Fatal(err)
	}
	v.Goto("/")
	v.Click("link", v.about("public.start_survey")+e.Name.In(v.lang))
	v.Fill(v.words("public.municipality"), municipality)
	v.Fill(v.words("public.starts_on"), starts)
	v.Click("button", v.words("public.survey_go"))
	used := 0
	for i, area := range s.Areas {
		v.SeeElement("heading", area.Title.In(v.lang))
		for _, q := range area.Questions {
			for _, a := range q.Answers {
				if slices.Contains(given[q.ID], a.ID) {
					v.In("group", q.Text.In(v.lang)).Check(a.Text.In(v.lang))
					used++
				}
			}
		}
		if i+1 < len(s.Areas) {
			v.Click("button", v.words("public.next"))
		} else {
			v.Click("button", v.words("public.show_result"))
		}
	}
	want := 0
	for _, g := range given {
		want += len(g)
	}
	if used != want {
		v.t.Fatalf("%d answers were given, want %d: a question or an answer has another name", used, want)
	}
	v.SeeElement("heading", v.words("public.result_title"))
}

// take ticks, of what the result of a survey offers, just these matters.
func (v *visitor) take(types ...string) {
	v.t.Helper()
	for _, name := range v.Names("checkbox") {
		if !slices.ContainsFunc(types, func(id string) bool { return strings.HasSuffix(name, " : "+v.typeName(id)) }) {
			v.Uncheck(name)
		}
	}
	for _, id := range types {
		v.Check(v.about("public.take_along") + v.typeName(id))
	}
}

// mailed waits until the mailbox of the demo shows a mail to an address with
// all these words in it, and returns where its last link leads.
func (v *visitor) mailed(to string, words ...string) string {
	v.t.Helper()
	want := answers(v.t, map[string]any{"all": append([]string{to}, words...)})
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		v.Goto("/mailbox")
		link := browser.Eval[string](v.Page, `(() => {
			const mail = [...document.querySelectorAll("main article")].find((m) => (`+want+`).all.every((w) => m.textContent.includes(w)));
			return mail ? [...mail.querySelectorAll("a")].at(-1).getAttribute("href") : "";
		})()`)
		if link != "" {
			return link
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("no mail to %s with %q has come; the mailbox has %q", to, words, v.Names("heading"))
		}
	}
}
