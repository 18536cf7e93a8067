package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// ScreenshotsEnv names the folder into which Screenshot writes.
const ScreenshotsEnv = "LUVAT_TEST_SCREENSHOTS"

// See waits until one can read the text on the page.
func (p *Page) See(text string) {
	p.t.Helper()
	if err := p.until(func() error { return p.reads(text, true) }); err != nil {
		p.fatal("%v", err)
	}
}

// NotSee waits until one can no longer read the text on the page.
func (p *Page) NotSee(text string) {
	p.t.Helper()
	if err := p.until(func() error { return p.reads(text, false) }); err != nil {
		p.fatal("%v", err)
	}
}

func (p *Page) reads(text string, want bool) error {
	all, err := p.text()
	if err != nil {
		return err
	}
	if strings.Contains(plain(all), plain(text)) != want {
		if want {
			return fmt.Errorf("one cannot read %q", text)
		}
		return fmt.Errorf("one can read %q", text)
	}
	return nil
}

// SeeElement waits until there is one thing with this role and name.
func (p *Page) SeeElement(role, name string) {
	p.t.Helper()
	p.find(wanted{[]string{role}, name})
}

// Names lists the names of all things with this role, in their order.
func (p *Page) Names(role string) []string {
	p.t.Helper()
	var names []string
	root, err := p.root()
	if err == nil {
		var nodes []node
		nodes, err = p.nodes(accessibility.QueryAXTreeParams{ObjectID: root})
		for _, n := range nodes {
			if n.role == role {
				names = append(names, n.name)
			}
		}
	}
	if err != nil {
		p.fatal("list every %s: %v", role, err)
	}
	return names
}

// Text returns what one can read, as it is laid out in lines.
func (p *Page) Text() string {
	p.t.Helper()
	text, err := p.text()
	if err != nil {
		p.fatal("read the page: %v", err)
	}
	return text
}

func (p *Page) text() (string, error) {
	root, err := p.root()
	if err != nil {
		return "", err
	}
	return on[string](p, root, `function() { return (this.body || this).innerText }`)
}

// Value returns what stands in the field with this label.
func (p *Page) Value(label string) string {
	p.t.Helper()
	var value string
	p.act(wanted{append([]string{"listbox"}, textual...), label}, func(n node) error {
		object, err := p.object(n)
		if err != nil {
			return err
		}
		value, err = on[string](p, object, `function() { return this.value }`)
		return err
	})
	return value
}

// Checked tells whether the box with this label is ticked.
func (p *Page) Checked(label string) bool {
	p.t.Helper()
	return p.find(wanted{checkable, label}).checked
}

// Focused tells the role and name of what has the focus.
func (p *Page) Focused() (role, name string) {
	p.t.Helper()
	focus, err := ask(p, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.activeElement"})
	if err == nil && focus.Result.ObjectID == "" {
		return "", ""
	}
	var tree accessibility.GetPartialAXTreeResult
	if err == nil {
		no := false
		tree, err = ask(p, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: focus.Result.ObjectID, FetchRelatives: &no})
	}
	if err != nil {
		p.fatal("find the focus: %v", err)
	}
	for _, n := range known(tree.Nodes) {
		if n.focused && n.role != "RootWebArea" {
			return n.role, n.name
		}
	}
	return "", ""
}

// URL returns the address of the page.
func (p *Page) URL() string {
	p.t.Helper()
	return Eval[string](p, "location.href")
}

// Title returns the title of the page.
func (p *Page) Title() string {
	p.t.Helper()
	return Eval[string](p, "document.title")
}

// HTML returns the page as it is now.
func (p *Page) HTML() string {
	p.t.Helper()
	return Eval[string](p, "document.documentElement.outerHTML")
}

// Status returns the status of the answer that the page came with.
func (p *Page) Status() int { return p.watch.answer().status }

// Transferred returns how many bytes came over the wire for this page, with
// all that it drew in.
func (p *Page) Transferred() int64 { return p.watch.answer().bytes }

// Requests lists what was asked for this page: "GET http://…".
func (p *Page) Requests() []string { return p.watch.answer().requests }

// Cookies returns the page's cookies, by name.
func (p *Page) Cookies() map[string]string {
	p.t.Helper()
	res, err := ask(p, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		p.fatal("read the cookies: %v", err)
	}
	cookies := map[string]string{}
	for _, c := range res.Cookies {
		cookies[c.Name] = c.Value
	}
	return cookies
}

// Eval runs a script in the page, for what no other method tells. It works
// without JavaScript too; what it returns must fit T.
func Eval[T any](p *Page, script string) T {
	p.t.Helper()
	v, err := evaluate[T](p, script)
	if err != nil {
		p.fatal("run %s: %v", script, err)
	}
	return v
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Screenshot writes a picture of the whole page into the folder that
// LUVAT_TEST_SCREENSHOTS names, if it does.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	folder := os.Getenv(ScreenshotsEnv)
	if folder == "" {
		return
	}
	beyond := true
	res, err := ask(p, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, unfit.ReplaceAllString(name, "-")+".png"), res.Data, 0o644)
	}
	if err != nil {
		p.t.Errorf("screenshot %s: %v", name, err)
	}
}
