// Package browser lets tests use the hub as a person does: with Debian's
// Chromium, by the roles and names that a screen reader tells.
//
//	func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }
//
//	p := browser.Start(t).Page(t, browser.Options{Base: server.URL, JavaScript: true})
//	p.Goto("/")
//	p.Fill("Tapahtuman nimi", "Kesäjuhla")
//	p.Click("button", "Lähetä")
//	p.See("Ilmoitus on lähetetty")
//	browser.Axe(t, p)
//
// What cannot be found fails the test, after a bounded wait, with what was
// there instead. Whatever the browser complains about while a page is open
// fails the test at its end: errors in the console, requests that failed,
// breaches of the content security policy.
package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// callTime is how long one command to the browser may take.
const callTime = 45 * time.Second

// A Browser is a headless Chromium, shared by the tests of one binary.
type Browser struct {
	ctx   context.Context
	close func()
	agent string // the User-Agent it sends by itself
}

var shared struct {
	mu    sync.Mutex
	b     *Browser
	users int
	kept  bool // Main ends it
}

// Main runs the tests and then ends the browser that they share. Without it
// the browser ends with the last test that uses it, and starts again for the
// next: slower, and just as right.
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.kept = true
	shared.mu.Unlock()
	code := m.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.b != nil {
		shared.b.close()
	}
	return code
}

// Start returns the browser, started if it is not running.
func Start(t testing.TB) *Browser {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.b == nil {
		b, err := launch("chromium-headless-shell")
		if err != nil {
			t.Fatal(err)
		}
		shared.b = b
	}
	shared.users++
	t.Cleanup(func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		shared.users--
		if shared.users == 0 && !shared.kept {
			shared.b.close()
			shared.b = nil
		}
	})
	return shared.b
}

// launch starts a browser, with more options than all have. The headless shell
// is Chromium without windows of its own: it takes a third less of the machine.
func launch(name string, more ...chromedp.ExecAllocatorOption) (*Browser, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("%s is missing: run scripts/need.sh, or apt-get install %[1]s", name)
	}
	options := append([]chromedp.ExecAllocatorOption{chromedp.ExecPath(path)}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(
		options,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("no-proxy-server", true),
	)
	options = append(options, more...)
	allocated, free := chromedp.NewExecAllocator(context.Background(), options...)
	quiet := func(string, ...any) {} // it tells of every event that it does not know
	ctx, cancel := chromedp.NewContext(allocated, chromedp.WithErrorf(quiet), chromedp.WithLogf(quiet))
	b := &Browser{ctx: ctx, close: func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended
		cancel()
		free()
	}}
	if err := chromedp.Do(ctx); err != nil {
		b.close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	version, err := chromedp.CallBrowser(ctx, cdpbrowser.GetVersion, cdp.Empty{})
	if err != nil {
		b.close()
		return nil, fmt.Errorf("ask %s for its version: %w", path, err)
	}
	b.agent = version.UserAgent
	return b, nil
}

// Options say what kind of person opens the page. The zero Options are
// somebody with a wide screen, Finnish as language, and no JavaScript.
type Options struct {
	Width, Height int    // of the window; 1280 x 900 unless told
	JavaScript    bool   // off unless told: the hub must work without
	Lang          string // Accept-Language, "fi" unless told
	Base          string // what Goto puts before a path: http://127.0.0.1:8080

	// Patience is how long to wait for what must appear, 15 seconds unless
	// told: the machine may be busy.
	Patience time.Duration
}

// A Page is one person's window: nobody else has its cookies.
//
// Its methods are for one goroutine.
type Page struct {
	*window
	scope []wanted // where In looks, from the outside in
}

type window struct {
	t       testing.TB
	ctx     context.Context
	options Options
	watch   *watch
}

// Page opens a window of its own. It closes with the test.
func (b *Browser) Page(t testing.TB, o Options) *Page {
	t.Helper()
	o.Width, o.Height = cmp.Or(o.Width, 1280), cmp.Or(o.Height, 900)
	o.Lang, o.Patience = cmp.Or(o.Lang, "fi"), cmp.Or(o.Patience, 15*time.Second)
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &Page{window: &window{t: t, ctx: ctx, options: o, watch: newWatch()}}
	t.Cleanup(func() {
		p.end()
		cancel()
	})
	err := errors.Join(
		chromedp.Do(ctx), // opens it
		chromedp.Listen(ctx, p.event),
		p.size(o.Width),
		call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: strings.ReplaceAll(b.agent, "HeadlessChrome", "Chrome"), AcceptLanguage: o.Lang,
		}),
		call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
	)
	if !o.JavaScript {
		err = errors.Join(err, call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	}
	if err != nil {
		t.Fatalf("open a page: %v", err)
	}
	return p
}

// ask sends one command of the DevTools protocol to the page.
func ask[P, R any](p *Page, cmd cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(p.ctx, callTime)
	defer cancel()
	return chromedp.Call(ctx, cmd, params)
}

// call is ask without an answer.
func call[P, R any](p *Page, cmd cdp.Command[P, R], params P) error {
	_, err := ask(p, cmd, params)
	return err
}

// fatal ends the test and shows where the person stood.
func (p *Page) fatal(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), p.situation())
}

func (p *Page) situation() string {
	var b strings.Builder
	fmt.Fprintf(&b, "on %s (status %d)", p.watch.address(), p.watch.answer().status)
	if text, err := p.text(); err == nil {
		text = plain(text)
		if r := []rune(text); len(r) > 1500 {
			text = string(r[:1500]) + "…"
		}
		fmt.Fprintf(&b, ", where one reads:\n%s", text)
	}
	for _, problem := range p.Problems() {
		fmt.Fprintf(&b, "\nthe browser complains: %s", problem)
	}
	return b.String()
}

// end tells what the browser complained about, and keeps a picture of what a
// failed test last saw.
func (p *Page) end() {
	p.t.Helper()
	p.settle()
	for _, problem := range p.watch.unexpected() {
		p.t.Errorf("the browser complains: %s", problem)
	}
	if p.t.Failed() {
		p.Screenshot("failed-" + p.t.Name())
	}
}

// until asks again and again, until done returns nil or patience ends: then it
// returns the last error.
func (p *Page) until(done func() error) error {
	deadline := time.Now().Add(p.options.Patience)
	for {
		err := done()
		if err == nil || time.Now().After(deadline) || p.ctx.Err() != nil {
			return err
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// plain joins all white space, no-break space too, into single spaces.
func plain(s string) string { return strings.Join(strings.Fields(s), " ") }
