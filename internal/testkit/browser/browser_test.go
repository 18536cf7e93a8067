package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/testkit/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

const head = `<!DOCTYPE html><html lang="fi"><head><meta charset="utf-8"><title>Koesivu</title>
<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/style.css"><script src="/script.js" defer></script></head><body>`

const form = head + `<header><a href="/other">Etusivu</a></header><main><h1>Ilmoitus</h1>
<noscript><p>Sivu toimii ilman JavaScriptiä.</p></noscript>
<p id="live" role="status"></p>
<form method="post" action="/send" enctype="multipart/form-data">
<label for="name">Tapahtuman nimi</label> <input id="name" name="name" value="vanha">
<label for="more">Kuvaus</label> <textarea id="more" name="more"></textarea>
<label for="day">Päivä</label> <input id="day" name="day" type="date">
<label for="at">Alkaa</label> <input id="at" name="at" type="datetime-local">
<label for="clock">Kello</label> <input id="clock" name="clock" type="time">
<label for="size">Kävijöitä</label> <input id="size" name="size" type="number">
<label for="place">Kunta</label> <select id="place" name="place"><option value="">Valitse</option><option value="837">Tampere</option><option value="091">Helsinki</option></select>
<fieldset><legend>Muoto</legend>
<input type="radio" id="r1" name="kind" value="public"><label for="r1">Yleisötilaisuus</label>
<input type="radio" id="r2" name="kind" value="meeting"><label for="r2">Yleinen kokous</label></fieldset>
<span class="box"><input type="checkbox" id="ok" name="ok" value="yes"><label for="ok">Tiedot ovat oikein</label></span>
<label for="file">Liite</label> <input id="file" name="file" type="file">
<button type="button" disabled>Pois käytöstä</button>
<button>Lähetä ilmoitus</button>
</form>
<table><caption>Rivit</caption><tr><th scope="row">Eka</th><td><a href="/row/1">Avaa</a></td></tr><tr><th scope="row">Toka</th><td><a href="/row/2">Avaa</a></td></tr></table>
<p><span hidden>Piilossa</span></p></main></body></html>`

// site is a hub in miniature: strict policy, forms, redirects.
func site(t *testing.T) string {
	mux := http.NewServeMux()
	page := func(pattern string, status int, html string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			w.WriteHeader(status)
			fmt.Fprint(w, strings.ReplaceAll(html, "LANG", r.Header.Get("Accept-Language")))
		})
	}
	asset := func(pattern, kind, text string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, text)
		})
	}
	asset("GET /style.css", "text/css", `.box {position: relative} .box input {opacity: 0; position: absolute; left: 0; top: 0; width: 40px; height: 40px} table a {display: inline-block; padding: 12px} .box label {position: relative; padding-left: 44px}`)
	asset("GET /icon.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	asset("GET /script.js", "text/javascript", `
		document.documentElement.classList.add("js");
		const live = document.getElementById("live");
		document.getElementById("name")?.addEventListener("input", async e => {
			const r = await fetch("/save", {method: "POST", body: e.target.value});
			live.textContent = "Tallennettu: " + await r.text();
		});`)
	mux.HandleFunc("POST /save", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	page("GET /{$}", 200, form)
	page("GET /other", 200, head+`<main><h1>Toinen sivu</h1><p>Kieli LANG.</p></main></body></html>`)
	page("GET /row/2", 200, head+`<main><h1>Toinen rivi</h1></main></body></html>`)
	page("GET /missing", 404, head+`<main><h1>Sivua ei löydy</h1></main></body></html>`)
	page("GET /unnamed", 200, head+`<main><h1>Nimetön</h1><form><input name="x"></form><img src="/icon.svg"></main></body></html>`)
	page("GET /inline", 200, head+`<main><h1>Kielletty</h1><script>document.title = "hups"</script><img src="/gone.png" alt="x"></main></body></html>`)
	asset("GET /throws.js", "text/javascript", `console.error("valitus", 7); throw new Error("katki")`)
	page("GET /throws", 200, `<!DOCTYPE html><html lang="fi"><title>x</title><link rel="icon" href="/icon.svg"><script src="/throws.js"></script><p>Rikki`)
	mux.HandleFunc("POST /send", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		var lines []string
		for k, v := range r.MultipartForm.Value {
			lines = append(lines, k+"="+strings.Join(v, ","))
		}
		for k, files := range r.MultipartForm.File {
			for _, f := range files {
				lines = append(lines, fmt.Sprintf("%s=%s (%d)", k, f.Filename, f.Size))
			}
		}
		slices.Sort(lines)
		http.SetCookie(w, &http.Cookie{Name: "sent", Value: url.QueryEscape(strings.Join(lines, "|")), Path: "/", HttpOnly: true})
		http.Redirect(w, r, "/sent", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /sent", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("sent")
		var sent string
		if err == nil {
			sent, err = url.QueryUnescape(c.Value)
		}
		if err != nil {
			http.Error(w, "ei mitään", 404)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		fmt.Fprint(w, head+`<main><h1>Lähetetty</h1><p>`+strings.ReplaceAll(sent, "|", "</p><p>")+`</p></main></body></html>`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAPersonFillsAForm(t *testing.T) {
	base := site(t)
	file := filepath.Join(t.TempDir(), "kartta.txt")
	if err := os.WriteFile(file, []byte("kartta"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, js := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			p := browser.Start(t).Page(t, browser.Options{Base: base, JavaScript: js})
			p.Goto("/")
			if p.Status() != 200 || p.Title() != "Koesivu" || p.URL() != base+"/" {
				t.Errorf("status %d, title %q, address %s", p.Status(), p.Title(), p.URL())
			}
			if got := strings.Contains(p.HTML(), `class="js"`); got != js {
				t.Errorf("the page's script ran: %v, want %v", got, js)
			}
			if js {
				p.NotSee("Sivu toimii ilman JavaScriptiä.")
			} else {
				p.See("Sivu toimii ilman JavaScriptiä.")
			}
			p.NotSee("Piilossa")

			p.Fill("Tapahtuman nimi", "Kesäjuhla")
			if js {
				p.See("Tallennettu: Kesäjuhla")
			}
			p.Fill("Kuvaus", "poistuu")
			p.Fill("Kuvaus", "")
			p.Fill("Päivä", "2027-06-05")
			p.Fill("Alkaa", "2027-06-05T12:30")
			p.Fill("Kello", "18:00")
			p.Fill("Kävijöitä", "250")
			p.Select("Kunta", "Tampere")
			p.Check("Yleinen kokous")
			p.Check("Tiedot ovat oikein")
			p.Uncheck("Tiedot ovat oikein")
			p.Check("Tiedot ovat oikein")
			if !p.Checked("Yleinen kokous") || p.Checked("Yleisötilaisuus") {
				t.Error("the wrong one is chosen")
			}
			if p.Value("Tapahtuman nimi") != "Kesäjuhla" {
				t.Errorf("the name is %q", p.Value("Tapahtuman nimi"))
			}
			p.Upload("Liite", file)
			p.Click("button", "Lähetä ilmoitus")

			p.SeeElement("heading", "Lähetetty")
			want := "at=2027-06-05T12:30 clock=18:00 day=2027-06-05 file=kartta.txt (6) kind=meeting more= name=Kesäjuhla ok=yes place=837 size=250"
			got := strings.Join(strings.Fields(strings.TrimPrefix(p.Text(), "Lähetetty")), " ")
			if got != want {
				t.Errorf("sent\n%s\nwant\n%s", got, want)
			}
			if p.Cookies()["sent"] == "" {
				t.Error("the cookie is not told")
			}
			p.Back()
			p.SeeElement("heading", "Ilmoitus")
		})
	}
}

func TestWindowsShareNothing(t *testing.T) {
	b, base := browser.Start(t), site(t)
	one := b.Page(t, browser.Options{Base: base})
	one.Goto("/")
	one.Click("button", "Lähetä ilmoitus")
	one.SeeElement("heading", "Lähetetty")
	other := b.Page(t, browser.Options{Base: base, Lang: "sv", Width: 320})
	other.Goto("/sent")
	other.See("ei mitään")
	if other.Status() != 404 {
		t.Errorf("status %d, want 404", other.Status())
	}
	other.Goto("/other")
	other.See("Kieli sv.")
	if width := browser.Eval[int](other, "innerWidth"); width != 320 {
		t.Errorf("the window is %d wide, want 320", width)
	}
}

func TestLinksKeysAndNumbers(t *testing.T) {
	p := browser.Start(t).Page(t, browser.Options{Base: site(t), JavaScript: true})
	p.Goto("/")
	whole := p.Transferred()
	if whole < int64(len(form)) || whole > 20_000 {
		t.Errorf("%d bytes were transferred", whole)
	}
	if got := len(p.Requests()); got < 3 {
		t.Errorf("requests: %v", p.Requests())
	}
	p.In("row", "Toka").Click("link", "Avaa")
	p.SeeElement("heading", "Toinen rivi")
	p.Back()
	p.ClickText("Etusivu")
	p.See("Toinen sivu")
	p.Goto("/")
	p.Press("Tab")
	if role, name := p.Focused(); role != "link" || name != "Etusivu" {
		t.Errorf("the focus is on %s %q", role, name)
	}
	p.Press("Enter")
	p.See("Toinen sivu")
	p.Goto("/")
	p.Focus("textbox", "Tapahtuman nimi")
	p.Press("Control+a", "X", "y")
	if got := p.Value("Tapahtuman nimi"); got != "Xy" {
		t.Errorf("typed %q, want Xy", got)
	}
	if got := p.Names("link"); !slices.Equal(got, []string{"Etusivu", "Avaa", "Avaa"}) {
		t.Errorf("links: %q", got)
	}
	p.Goto("/missing")
	p.See("Sivua ei löydy")
	if p.Status() != 404 {
		t.Errorf("status %d, want 404", p.Status())
	}
}

func TestWhatTheBrowserComplainsAbout(t *testing.T) {
	p := browser.Start(t).Page(t, browser.Options{Base: site(t), JavaScript: true})
	p.Goto("/inline")
	p.See("Kielletty")
	p.Goto("/throws")
	p.See("Rikki")
	problems := strings.Join(p.Problems(), "\n")
	for _, want := range []string{"Content Security Policy", "/gone.png answered 404", "console.error: valitus 7", "katki"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no complaint has %q; there are:\n%s", want, problems)
		}
		p.Expect(want)
	}
	if left := p.Problems(); len(left) > 0 {
		t.Errorf("complaints left: %q", left)
	}
}

func TestAxe(t *testing.T) {
	for name, js := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			p := browser.Start(t).Page(t, browser.Options{Base: site(t), JavaScript: js})
			p.Goto("/")
			browser.Axe(t, p)

			p.Goto("/unnamed")
			var rules []string
			for _, v := range p.Violations() {
				rules = append(rules, v.Rule)
			}
			slices.Sort(rules)
			if !slices.Equal(rules, []string{"image-alt", "label"}) {
				t.Errorf("axe found %v, want image-alt and label", rules)
			}
			said := &recorder{TB: t}
			browser.Axe(said, p)
			if !strings.Contains(said.text(), `<input name="x">`) || !strings.Contains(said.text(), "label (critical)") {
				t.Errorf("the report is hard to read:\n%s", said.text())
			}
		})
	}
}

func TestFailuresTellWhatIsThere(t *testing.T) {
	b, base := browser.Start(t), site(t)
	for name, tt := range map[string]struct {
		do   func(*browser.Page)
		want string
	}{
		"no such button":  {func(p *browser.Page) { p.Click("button", "Poista") }, `button "Lähetä ilmoitus"`},
		"two such links":  {func(p *browser.Page) { p.Click("link", "Avaa") }, `there are 2 of link "Avaa"`},
		"out of use":      {func(p *browser.Page) { p.Click("button", "Pois käytöstä") }, "disabled"},
		"no such option":  {func(p *browser.Page) { p.Select("Kunta", "Nokia") }, "there are: Valitse, Tampere, Helsinki"},
		"no such text":    {func(p *browser.Page) { p.See("Kiitos") }, "Tapahtuman nimi"},
		"the text stays":  {func(p *browser.Page) { p.NotSee("Ilmoitus") }, `one can read "Ilmoitus"`},
		"no server there": {func(p *browser.Page) { p.Goto("http://127.0.0.1:1/") }, "net::ERR_"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := &recorder{TB: t}
			p := b.Page(said, browser.Options{Base: base, Patience: 500 * time.Millisecond})
			p.Expect("127.0.0.1:1")
			p.Goto("/")
			said.run(func() { tt.do(p) })
			if !strings.Contains(said.text(), tt.want) {
				t.Errorf("the failure does not say %q:\n%s", tt.want, said.text())
			}
		})
	}
}

// A recorder is a test that fails without failing.
type recorder struct {
	testing.TB
	mu   sync.Mutex
	said strings.Builder
}

func (r *recorder) Helper() {}

func (r *recorder) Failed() bool { return false }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.said, format+"\n", args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// run lets f end as a test does.
func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
