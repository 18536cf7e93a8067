package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/testkit/browser"
	"luvat/internal/web/site"
)

// What a page may weigh as it comes over the wire, and what all of it may that
// a browser asks for on its first visit.
const (
	maxPage  = 60_000
	maxFirst = 150_000
)

func withLang(path string, l i18n.Lang) string {
	if strings.Contains(path, "?") {
		return path + "&lang=" + string(l)
	}
	return path + "?lang=" + string(l)
}

// Every page is under 60 kB compressed, in every language.
func TestWeightOfEveryPage(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	heaviest, where := 0, ""
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	cookies := map[string]*http.Cookie{}
	for _, s := range sights(t, h) {
		if s.file {
			continue
		}
		for _, l := range i18n.Langs {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+withLang(s.path, l), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", "gzip")
			if person := wearers[s.who]; person != "" {
				if cookies[person] == nil {
					cookies[person] = h.cookie(t, person)
				}
				r.AddCookie(cookies[person])
			}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if want := max(s.status, http.StatusOK); answer.StatusCode != want {
				t.Errorf("%s (%s): status %d, want %d", s.name, s.path, answer.StatusCode, want)
			}
			if n > 2000 && answer.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%s (%s): %d bytes that are not compressed", s.name, s.path, n)
			}
			if n >= maxPage {
				t.Errorf("%s (%s), %s: %d bytes compressed, want less than %d", s.name, s.path, l, n, maxPage)
			}
			if int(n) > heaviest {
				heaviest, where = int(n), s.name+" in "+string(l)
			}
		}
	}
	t.Logf("the heaviest page is %s: %d bytes compressed", where, heaviest)
}

// A first visit, with style, scripts, fonts and icons, is under 150 kB:
// whichever page it begins with. One who is to sign in begins there.
func TestWeightOfTheFirstVisit(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for _, s := range sights(t, h) {
		if s.who != site.Anybody || s.file || s.status != 0 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			p := browser.Start(t).Page(t, browser.Options{Base: h.url, JavaScript: true}) // its cache is empty
			p.Goto(s.path)
			n := p.Transferred()
			if n >= maxFirst || n < 10_000 {
				t.Errorf("%s: %d bytes for a first visit, want less than %d, and those of style and scripts at least", s.path, n, maxFirst)
			}
			t.Logf("%d bytes in %d requests", n, len(p.Requests()))
		})
	}
}
