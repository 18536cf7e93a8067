package browser

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A watch keeps what the browser tells by itself about one page.
type watch struct {
	mu       sync.Mutex
	loading  map[cdp.FrameID]time.Time // frames on their way to a new page
	inFlight map[network.RequestID]string
	main     network.RequestID // of the page itself
	last     answer
	url      string
	problems []string
	allowed  []string
}

// An answer is what came for the page itself and all that it drew in.
type answer struct {
	status   int
	bytes    int64
	requests []string
}

func newWatch() *watch {
	return &watch{
		loading:  map[cdp.FrameID]time.Time{},
		inFlight: map[network.RequestID]string{},
	}
}

// event takes what the browser tells. It runs beside the test, in order, and
// must not ask the browser anything.
func (p *Page) event(e any) {
	w := p.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case *page.EventFrameRequestedNavigation:
		w.loading[e.FrameID] = time.Now()
	case *page.EventFrameStartedLoading:
		w.loading[e.FrameID] = time.Now()
	case *page.EventFrameStoppedLoading:
		delete(w.loading, e.FrameID)
	case *page.EventFrameDetached:
		delete(w.loading, e.FrameID)
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			w.url = e.Frame.URL + e.Frame.URLFragment
		}
	case *page.EventNavigatedWithinDocument:
		w.url = e.URL
	case *page.EventJavascriptDialogOpening:
		go p.acceptDialog()
	case *network.EventRequestWillBeSent:
		w.request(e)
	case *network.EventResponseReceived:
		w.response(e)
	case *network.EventLoadingFinished:
		delete(w.inFlight, e.RequestID)
		w.last.bytes += int64(e.EncodedDataLength)
	case *network.EventLoadingFailed:
		w.failed(e)
	case *log.EventEntryAdded:
		w.entry(e.Entry)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, a := range e.Args {
				said = append(said, strings.Trim(string(a.Value), `"`)+a.Description)
			}
			w.problem("console.%s: %s", e.Type, strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		w.problem("%s", exception(e.ExceptionDetails))
	}
}

func (w *watch) request(e *network.EventRequestWillBeSent) {
	if e.Type == network.ResourceTypeDocument && e.RedirectResponse == nil {
		w.last = answer{}
		w.main = e.RequestID
		clear(w.inFlight) // the old page's requests end untold
	}
	w.last.requests = append(w.last.requests, e.Request.Method+" "+e.Request.URL)
	switch e.Type {
	case network.ResourceTypeEventSource, network.ResourceTypeWebSocket, network.ResourceTypePing:
	default:
		w.inFlight[e.RequestID] = e.Request.URL
	}
}

// response takes note of bad answers, but not to a page itself, which a test may
// ask for on purpose, nor of an icon that the browser looks for by itself.
func (w *watch) response(e *network.EventResponseReceived) {
	if e.RequestID == w.main {
		w.last.status = int(e.Response.Status)
	}
	if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 && !strings.HasSuffix(e.Response.URL, "/favicon.ico") {
		w.problem("%s answered %d", e.Response.URL, e.Response.Status)
	}
}

func (w *watch) failed(e *network.EventLoadingFailed) {
	url := w.inFlight[e.RequestID]
	delete(w.inFlight, e.RequestID)
	if e.Canceled || e.ErrorText == "net::ERR_ABORTED" { // left the page, or a download
		return
	}
	w.problem("%s failed: %s %s", url, e.ErrorText, e.BlockedReason)
}

// entry takes what the browser writes into the console itself. What it writes
// about requests is known already, from the requests.
func (w *watch) entry(e *log.Entry) {
	policy := strings.Contains(e.Text, "Content Security Policy") || strings.Contains(e.Text, "Content-Security-Policy")
	if policy || e.Level == log.EntryLevelError && e.Source != log.EntrySourceNetwork {
		w.problem("%s (%s)", e.Text, e.URL)
	}
}

func (w *watch) problem(format string, args ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	if !slices.Contains(w.problems, text) {
		w.problems = append(w.problems, text)
	}
}

func exception(e *runtime.ExceptionDetails) string {
	text := e.Text
	if e.Exception != nil && e.Exception.Description != "" {
		text += " " + e.Exception.Description
	}
	return fmt.Sprintf("%s (%s:%d)", text, e.URL, e.LineNumber+1)
}

// busy tells whether a new page or a request is on its way.
func (w *watch) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.loading) > 0 || len(w.inFlight) > 0
}

func (w *watch) address() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.url
}

func (w *watch) answer() answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.last
	a.requests = slices.Clone(a.requests)
	return a
}

func (w *watch) unexpected() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.problems), func(problem string) bool {
		return slices.ContainsFunc(w.allowed, func(text string) bool { return strings.Contains(problem, text) })
	})
}

// Problems tells what the browser has complained about so far.
func (p *Page) Problems() []string { return p.watch.unexpected() }

// Expect lets the test pass although the browser complains with this text in
// its complaint: for tests of what goes wrong.
func (p *Page) Expect(text string) {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	p.watch.allowed = append(p.watch.allowed, text)
}

// settle waits until the page has loaded and asks for nothing more. A page
// that never comes to rest does not stop the test: what is looked for next
// decides.
func (p *Page) settle() {
	deadline := time.Now().Add(p.options.Patience)
	for calm := 0; calm < 3 && time.Now().Before(deadline) && p.ctx.Err() == nil; time.Sleep(15 * time.Millisecond) {
		if calm++; p.watch.busy() {
			calm = 0
		} else if calm == 3 { // the page is asked last, since that takes longest
			if state, err := evaluate[string](p, "document.readyState"); err != nil || state != "complete" {
				calm = 0
			}
		}
	}
}

// acceptDialog says yes to what the page asks in a box of the browser's own,
// which would stop everything else.
func (p *Page) acceptDialog() {
	_, _ = chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
}
