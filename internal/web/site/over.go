package site

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"luvat/internal/web/ui"
)

// What is shown again of a form that came when nobody was signed in any more.
const (
	shownTexts = 40      // fields at most
	worthIt    = 12      // characters of a text that one would not like to write again
	overBody   = 4 << 20 // bytes that are read for it
)

// signInAgain answers a form that came when nobody was signed in any more: what
// was typed is shown, to be copied, and the sign-in leads back to the page that
// the form was on.
func signInAgain(w http.ResponseWriter, a *Ask) error {
	to := ui.LoginPath
	if from := a.cameFrom(); from != "" {
		to += "?next=" + url.QueryEscape(from)
	}
	texts := a.typed(w)
	if len(texts) == 0 || a.Header.Get("X-Autosave") != "" {
		return a.See(w, to)
	}
	return a.Page(w, http.StatusForbidden, ui.Page{Title: a.T("site.over_title"), Lead: a.T("site.over_lead")}, overBodyOf(a, texts, to))
}

// cameFrom is the page of the hub that the form was on, "" when it is not told.
func (a *Ask) cameFrom() string {
	u, err := url.Parse(a.Referer())
	if err != nil || u.Host != a.Host || u.Path == "" || u.Path == ui.LoginPath {
		return ""
	}
	return Local(u.RequestURI())
}

// typed lists the longer texts of the form, as far as it can be read.
func (a *Ask) typed(w http.ResponseWriter) (texts []string) {
	if a.PostForm == nil {
		if kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" && kind != "application/x-www-form-urlencoded" {
			return nil
		}
		a.Body = http.MaxBytesReader(w, a.Body, overBody)
		if _, err := a.Form(); err != nil {
			return nil
		}
		if a.MultipartForm != nil {
			defer a.MultipartForm.RemoveAll() //nolint:errcheck // temporary files
		}
	}
	var names []string
	for name := range a.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, text := range a.PostForm[name] {
			if !strings.HasPrefix(name, "_") && utf8.RuneCountInString(text) >= worthIt && strings.ContainsAny(strings.TrimSpace(text), " \n") && len(texts) < shownTexts {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
