package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/testkit/browser"
	"luvat/internal/web/site"
)

// Every page, in three languages, on a phone and on a desk: no violation of
// WCAG 2.2 A and AA that axe-core can find, no sideways scrolling, the right
// language, one heading of the first level.
func TestAccessibilityOfEveryPage(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	all := sights(t, h)
	for _, who := range lookers {
		t.Run(string(who), func(t *testing.T) {
			t.Parallel()
			p := browser.Start(t).Page(t, browser.Options{Base: h.url, JavaScript: true})
			if person := wearers[who]; person != "" {
				(&visitor{p, t, h, i18n.FI, true}).enter(person)
			}
			for _, s := range all {
				if s.who != who || s.file {
					continue
				}
				for i, l := range i18n.Langs {
					if i%2 == 0 { // each page is loaded at one width and resized to the other, both ways
						look(t, p, s, l, 320, 1280)
					} else {
						look(t, p, s, l, 1280, 320)
					}
				}
			}
		})
	}
	for _, s := range all {
		if s.who != site.Anybody && wearers[s.who] == "" {
			t.Errorf("%s: nobody looks at pages for %s", s.name, s.who)
		}
	}
}

// look opens a page in a language and tells what is wrong with it, at each of
// the widths.
func look(t *testing.T, p *browser.Page, s sight, l i18n.Lang, widths ...int) {
	t.Helper()
	where := fmt.Sprintf("%s (%s), %s", s.name, s.path, l)
	p.Resize(widths[0])
	p.Goto(withLang(s.path, l))
	want := s.status
	if want == 0 {
		want = http.StatusOK
	}
	if got := p.Status(); got != want {
		t.Errorf("%s: status %d, want %d", where, got, want)
		return
	}
	for i, width := range widths {
		if i > 0 {
			p.Resize(width)
		}
		lookAt(t, p, fmt.Sprintf("%s, %d px", where, width), l)
	}
}

func lookAt(t *testing.T, p *browser.Page, where string, l i18n.Lang) {
	t.Helper()
	type facts struct {
		Lang, Title              string
		Headings, Scroll, Client int
	}
	f := browser.Eval[facts](p, `({
		Lang: document.documentElement.lang, Title: document.title, Headings: document.querySelectorAll("h1").length,
		Scroll: document.documentElement.scrollWidth, Client: document.documentElement.clientWidth,
	})`)
	if f.Lang != string(l) {
		t.Errorf("%s: the page says it is in %q", where, f.Lang)
	}
	if f.Title == "" || f.Headings != 1 {
		t.Errorf("%s: title %q, %d headings of the first level; want a title and one", where, f.Title, f.Headings)
	}
	if f.Scroll > f.Client {
		t.Errorf("%s: %d px wide in a window of %d: it scrolls sideways", where, f.Scroll, f.Client)
	}
	for _, v := range p.Violations() {
		t.Errorf("%s breaks %s", where, v)
	}
}
