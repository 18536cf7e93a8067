// Package ui draws the pages: the layout, the field widgets and everything else
// that pages are put together from.
//
// It knows words, form nodes and HTML, and nothing of matters, people or
// authorities: what a page shows is decided by its handler, in the language of
// the reader. Everything works without scripts. Scripts (package static) only
// smooth: they find their places by data attributes that are written here.
//
// A page is
//
//	@ui.Layout(page) {
//		@ui.Form(form) {
//			@ui.Fields(form, nodes)
//			@ui.Actions() {
//				@ui.Button(ui.Primary, "_send", "1", i18n.T(page.Lang, "matter.send"))
//			}
//		}
//	}
//
// with one primary button at most.
package ui

import (
	"net/url"
	"strconv"
	"strings"

	"luvat/internal/i18n"
	"luvat/internal/web/static"
)

// A Page is what Layout needs to know beside the content.
type Page struct {
	Lang  i18n.Lang
	Title string // the main heading, and part of the window's title
	// Window comes before the heading in the window's title: what tells this
	// page from others with the same heading.
	Window string
	Lead   string // a sentence or two under the heading, or nothing
	Path   string // address of this page with its query; language links lead back to it

	Person   string // name of who is signed in, empty if nobody
	Role     string // in which role, or for whom: "Asiakas", "Oy Yritys Ab"
	RoleHref string // where the role is changed, empty if there is only one

	Nav   []Link
	Back  *Link  // one level up, above the heading
	Flash *Flash // what the last deed led to
	Strip string // a line above everything on every page, such as "Try-out: nothing is sent"
	Wide  bool   // lists and tables use the whole width; text and forms do not

	// Refresh is where the browser goes on by itself at once, "" for nowhere.
	// The page leads there by a link too.
	Refresh string

	// FormID is the id of the page's form. With it the language is changed by
	// sending the form (field _lang), so that nothing typed is lost.
	FormID string
	// Problems tells that what was typed came back with problems to mend, for
	// the window's title. A page that tells of an error has it as its heading.
	Problems bool
}

// A Link leads somewhere. Count, if not zero, is shown after the label; with
// More it is only as far as was counted.
type Link struct {
	Label   string
	Href    string
	Current bool
	Count   int
	More    bool
}

// counted is the number after the label, "" for none.
func (l Link) counted() string {
	switch {
	case l.Count == 0:
		return ""
	case l.More:
		return strconv.Itoa(l.Count) + "+"
	}
	return strconv.Itoa(l.Count)
}

// A Flash is one message at the top of a page.
type Flash struct {
	Kind AlertKind
	Text string
}

// LoginPath, LogoutPath and the rest are the addresses the layout itself leads to.
const (
	HomePath          = "/"
	LoginPath         = "/login"
	LogoutPath        = "/logout" // POST
	SessionsPath      = "/sessions"
	AccessibilityPath = "/accessibility"
	FeedbackPath      = "/feedback"
	AboutPath         = "/about"
)

func (p Page) windowTitle() string {
	title := p.Title + " – " + i18n.T(p.Lang, "ui.product")
	if p.Title == "" || p.Title == i18n.T(p.Lang, "ui.product") {
		title = i18n.T(p.Lang, "ui.product")
	}
	if p.Window != "" {
		title = p.Window + " – " + title
	}
	if p.Problems {
		return i18n.T(p.Lang, "ui.title_problem", title)
	}
	return title
}

// in returns the address of this page in another language.
func (p Page) in(l i18n.Lang) string {
	u, err := url.Parse(p.Path)
	if err != nil {
		return "?lang=" + string(l)
	}
	q := u.Query()
	q.Set("lang", string(l))
	u.RawQuery = q.Encode()
	return u.String()
}

// languageNames are the names that speakers of each language look for.
var languageNames = map[i18n.Lang]string{i18n.FI: "Suomi", i18n.SV: "Svenska", i18n.EN: "English"}

func iconURL(name string) string { return static.URL("icons.svg") + "#" + name }

const preloadFont = static.Prefix + "fonts/source-sans-3-5.3.0-latin-400.woff2"

// FieldID returns the id of the input of a field, for links to it.
func FieldID(name string) string { return "f-" + name }

// classes joins the class names that are not empty.
func classes(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		if name == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name)
	}
	return b.String()
}

func when(ok bool, s string) string {
	if ok {
		return s
	}
	return ""
}
