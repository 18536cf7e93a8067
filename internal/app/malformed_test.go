package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"luvat/internal/app"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/web"
	"luvat/internal/web/site"
)

// What is posted and must be found nowhere afterwards: a name, an invented
// personal identity code, and words. Each stands in every body and address.
const (
	postedName = "Veikko Kanarialintu"
	postedCode = "010190-900P"
	postedText = "Leirinuotion paikka on salainen"
	posted     = postedName + " " + postedCode + " " + postedText
)

// A malformation is a way in which what is posted can be wrong, and what the
// person is told of it.
type malformation struct {
	name, kind, body string
	told             []string // keys of the texts, of which one is told
}

func malformations() []malformation {
	const form, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
	malformed, large := []string{"error.malformed"}, []string{"error.too_large"}
	canary := "name=" + url.QueryEscape(posted) + "&_version=1&"
	part := func(head, body string) string { return "--x\r\n" + head + "\r\n\r\n" + body + "\r\n" }
	text := part(`Content-Disposition: form-data; name="text"`, posted)
	mega := strings.Repeat("a", 10<<20)
	return []malformation{
		{"broken UTF-8", form, canary + "text=%ff%fe", malformed},
		{"a broken name", form, canary + "%ff=hei", malformed},
		{"a zero byte", form, canary + "text=a%00b", malformed},
		{"broken escapes", form, canary + "text=%zz", malformed},
		{"a semicolon between", form, canary + "text=a;b=c", malformed},
		{"ten megabytes", form, canary + "text=" + mega, large},
		{"ten MB of JSON", "application/json", `{"text":"` + posted + `","a":"` + mega + `"}`, malformed},
		{"JSON with an unknown field", "application/json", `{"text":"` + posted + `","unknown":1}`, malformed},
		{"JSON of a wrong type", "application/json; charset=utf-8", `["` + posted + `"]`, malformed},
		{"XML", "text/xml", "<text>" + posted + "</text>", malformed},
		{"a kind that is none", ";;" + postedName + ";", canary, malformed},
		{"multipart cut off", parts, text + "--x\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\nhalf", malformed},
		{"no boundary at all", "multipart/form-data", posted, malformed},
		{"multipart with broken UTF-8", parts, text + part(`Content-Disposition: form-data; name="more"`, "\xff\xfe") + "--x--\r\n", malformed},
		{"multipart with a zero byte", parts, text + part(`Content-Disposition: form-data; name="more"`, "a\x00b") + "--x--\r\n", malformed},
		{"ten megabytes in a part", parts, text + part(`Content-Disposition: form-data; name="more"`, mega) + "--x--\r\n", large},
		{"thousands of parts", parts, text + strings.Repeat(part(`Content-Disposition: form-data; name="a"`, "b"), 6000) + "--x--\r\n", large},
		{"a head without end", parts, text + "--x\r\nX-" + strings.Repeat("a", 900_000), malformed},
	}
}

// An inquest sends requests to a hub and looks at the answers.
type inquest struct {
	h    *app.Hub
	hats map[site.Access]*http.Cookie
	n    atomic.Int64 // requests so far
}

func newInquest(t *testing.T, log io.Writer) *inquest {
	t.Helper()
	return inquestOf(t, openAs(t, app.DemoCopy(t), log))
}

// inquestOf has somebody of every role come in.
func inquestOf(t *testing.T, h *app.Hub) *inquest {
	t.Helper()
	customer := session(t, h, "demo-aino", identity.Hat{Role: identity.RoleCustomer})
	return &inquest{h: h, hats: map[site.Access]*http.Cookie{
		site.Customers: customer,
		site.SignedIn:  customer,
		site.Officers:  session(t, h, "demo-rescue", identity.Hat{Role: identity.RoleOfficer, Authority: rescue}),
		site.Leads:     session(t, h, "demo-lead", identity.Hat{Role: identity.RoleLead, Authority: rescue}),
		site.Services:  session(t, h, "demo-service", identity.Hat{Role: identity.RoleService}),
		site.Supports:  session(t, h, "demo-support", identity.Hat{Role: identity.RoleSupport}),
	}}
}

// ask sends a request in a language, chosen by the browser's settings or by the
// person. Everybody comes from an address of their own, so that no limit of
// requests hides what else is answered.
func (q *inquest) ask(r *http.Request, access site.Access, l i18n.Lang) *httptest.ResponseRecorder {
	n := q.n.Add(1)
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:4711", n>>16&255, n>>8&255, n&255)
	if n%2 == 0 {
		r.AddCookie(&http.Cookie{Name: "lang", Value: string(l)})
	} else {
		r.Header.Set("Accept-Language", string(l)+"-FI,de;q=0.5")
	}
	if c := q.hats[access]; c != nil {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	q.h.Handler.ServeHTTP(w, r)
	return w
}

var heading = regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>`)

// statuses and titles of what can be told.
var (
	statusOf = map[string]int{"error.malformed": 400, "error.too_large": 413, "error.not_found": 404}
	titleOf  = map[string]string{"error.malformed": "site.error_title", "error.too_large": "site.error_title", "error.not_found": "site.not_found_title"}
)

// wrong tells what keeps an answer from telling one of the texts in the
// language, as a page or plainly for a script; "" for nothing.
func wrong(w *httptest.ResponseRecorder, l i18n.Lang, plain bool, told ...string) string {
	body := w.Body.String()
	for _, key := range told {
		if w.Code != statusOf[key] {
			continue
		}
		text := i18n.T(l, key)
		if plain {
			if body != text || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
				return fmt.Sprintf("it is told %q; want %q", body, text)
			}
			return ""
		}
		h1 := heading.FindStringSubmatch(body)
		switch {
		case !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"), h1 == nil:
			return fmt.Sprintf("%q is no page", body)
		case w.Header().Get("Content-Language") != string(l), !strings.Contains(body, `<html lang="`+string(l)+`"`):
			return fmt.Sprintf("the page is in %q; want %s", w.Header().Get("Content-Language"), l)
		case html.UnescapeString(h1[1]) != i18n.T(l, titleOf[key]):
			return fmt.Sprintf("the heading is %q; want %q", h1[1], i18n.T(l, titleOf[key]))
		case !strings.Contains(html.UnescapeString(body), text):
			return fmt.Sprintf("the page does not say %q", text)
		}
		return ""
	}
	return fmt.Sprintf("status %d; want that of one of %v", w.Code, told)
}

// program tells what is wrong with a refusal that a program reads.
func program400(w *httptest.ResponseRecorder) string {
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Error == "" || w.Code < 400 || w.Code >= 500 {
		return fmt.Sprintf("status %d, %q; want a refusal with its code", w.Code, w.Body)
	}
	return ""
}

// blanks are the values to ask with, by who may come: what the askers may
// change, so that nothing but the request's form hinders it.
func blanksOf(t *testing.T, h *app.Hub) map[site.Access][]map[string]string {
	t.Helper()
	somebodys := ids(t, h)
	find := func(name, query string) map[string]string {
		t.Helper()
		known := maps.Clone(somebodys)
		var id, project string
		if err := h.DB.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRowContext(t.Context(), query).Scan(&id, &project) }); err != nil {
			t.Fatalf("the demo has no %s: %v", name, err)
		}
		known["matter"], known["project"], known["person"] = id, project, "demo-matti"
		return known
	}
	return map[site.Access][]map[string]string{
		site.Customers: {
			find("draft of one's own", `SELECT m.id, m.project_id FROM matters m JOIN members b ON b.project_id = m.project_id
				WHERE b.person_id = 'demo-aino' AND b.role = 'owner' AND m.status = 'draft' ORDER BY m.version DESC, m.id LIMIT 1`),
			find("matter of one's own to complete", `SELECT m.id, m.project_id FROM matters m JOIN members b ON b.project_id = m.project_id
				WHERE b.person_id = 'demo-aino' AND b.role = 'owner' AND m.status = 'to_complete' ORDER BY m.id LIMIT 1`),
		},
		site.Officers: {
			find("matter that the officer handles", `SELECT id, project_id FROM matters WHERE authority_id = 'rescue-pirkanmaa' AND status = 'in_handling' ORDER BY id LIMIT 1`),
			find("matter that the officer was written to about", `SELECT m.id, m.project_id FROM matters m JOIN messages s ON s.matter_id = m.id
				WHERE s.thread = 'authority:rescue-pirkanmaa' AND m.authority_id <> 'rescue-pirkanmaa' ORDER BY m.id LIMIT 1`),
		},
		site.Leads: {somebodys}, site.Services: {somebodys}, site.Supports: {somebodys}, site.SignedIn: {somebodys}, site.Anybody: {somebodys}, site.DemoOnly: {somebodys},
	}
}

// byAccess runs fn for the routes of each access at the same time.
func (q *inquest) byAccess(t *testing.T, fn func(*testing.T, site.Access, []site.Route)) {
	t.Helper()
	groups := map[site.Access][]site.Route{}
	for _, rt := range web.Routes(q.h.Site, nil, web.Outside{}) {
		groups[rt.Access] = append(groups[rt.Access], rt)
	}
	for access := range groups {
		if q.hats[access] == nil && access != site.Anybody && access != site.DemoOnly {
			t.Errorf("nobody here may come to the routes for %s", access)
		}
	}
	t.Run("routes", func(t *testing.T) {
		for access, routes := range groups {
			t.Run(string(access), func(t *testing.T) {
				t.Parallel()
				fn(t, access, routes)
			})
		}
	})
}

// untouched fails unless all that can be written is as it was, and the log holds
// neither a failure nor anything of what was posted.
func untouched(t *testing.T, h *app.Hub, before map[string]string, log string) {
	t.Helper()
	after := written(t, h)
	for _, what := range changed(before, after) {
		t.Errorf("the requests changed %s:\n%s", what, difference(before[what], after[what]))
	}
	for _, secret := range []string{postedName, "Kanarialintu", postedCode, postedText, "Leirinuotio", "010190"} {
		if strings.Contains(log, secret) || strings.Contains(log, url.QueryEscape(secret)) || strings.Contains(log, url.PathEscape(secret)) {
			t.Errorf("the log holds %q:\n%.2000s", secret, log)
		}
	}
	if strings.Contains(log, "level=ERROR") {
		t.Errorf("a malformed request is logged as a failure:\n%.2000s", log)
	}
}

// difference lists the lines that only one of two texts has.
func difference(before, after string) string {
	var b strings.Builder
	a, c := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, l := range a {
		if !slices.Contains(c, l) {
			fmt.Fprintln(&b, "-", l)
		}
	}
	for _, l := range c {
		if !slices.Contains(a, l) {
			fmt.Fprintln(&b, "+", l)
		}
	}
	return b.String()
}

// Malformed requests to every route that takes a body, by those who may come to
// it: a page in their language that says what is wrong, nothing changed, nothing
// logged. The language goes round, so every route is seen in each.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	q := newInquest(t, &log)
	bad, blanks := malformations(), blanksOf(t, q.h)
	before := written(t, q.h)
	q.byAccess(t, func(t *testing.T, access site.Access, routes []site.Route) {
		for i, rt := range routes {
			for k, known := range blanks[access] {
				method, path, _ := concrete(rt.Pattern, known)
				if method != http.MethodPost || access == site.Officers && (k == 1) != strings.HasSuffix(path, "/answer") {
					continue
				}
				for j, b := range bad {
					l, plain := i18n.Langs[(i+j)%len(i18n.Langs)], j%5 == 4
					r := httptest.NewRequest(method, path, strings.NewReader(b.body))
					r.Header.Set("Content-Type", b.kind)
					if plain {
						r.Header.Set("Accept", "application/json")
					}
					w := q.ask(r, access, l)
					what := wrong(w, l, plain, b.told...)
					if path == "/token" {
						what = program400(w)
					}
					if what != "" {
						t.Errorf("%s with %s, in %s: %s", rt.Pattern, b.name, l, what)
					}
				}
			}
		}
	})
	untouched(t, q.h, before, log.String())
}

// Methods that an address does not have are not found, in words.
func TestMethodsThatNoRouteHas(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	q := newInquest(t, &log)
	blanks := blanksOf(t, q.h)
	has := map[string]bool{}
	for _, rt := range web.Routes(q.h.Site, nil, web.Outside{}) {
		has[rt.Pattern] = true
	}
	before := written(t, q.h)
	q.byAccess(t, func(t *testing.T, access site.Access, routes []site.Route) {
		tried := 0
		for i, rt := range routes {
			_, pattern, _ := strings.Cut(rt.Pattern, " ")
			for j, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "BREW"} {
				if has[method+" "+pattern] {
					continue
				}
				tried++
				_, path, _ := concrete(method+" "+pattern, blanks[access][0])
				l := i18n.Langs[(i+j)%len(i18n.Langs)]
				r := httptest.NewRequest(method, path, strings.NewReader("text="+url.QueryEscape(posted)))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if what := wrong(q.ask(r, access, l), l, false, "error.not_found"); what != "" {
					t.Errorf("%s %s, in %s: %s", method, pattern, l, what)
				}
			}
		}
		if tried < 3*len(routes)/2 {
			t.Errorf("only %d methods tried at %d routes", tried, len(routes))
		}
	})
	untouched(t, q.h, before, log.String())
}

// nasty are values for the blanks of an address, escaped as a browser would.
func nasty() []string {
	return []string{
		"%ff", "a%00b", "%0d%0aSet-Cookie:%20x=1", "%e2%80%ae", "..%5c..%5cwindows", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%27%20OR%20%271%27=%271", "%25%5f", "-1", "0", "99999999999999999999",
		strings.Repeat("a", 5000), url.PathEscape(posted),
	}
}

// asked are the names that pages look for behind the question mark.
var asked = []string{
	"add", "check", "do", "field", "for", "format", "matter", "municipality", "next", "place", "result", "state", "sent", "entity", "q", "start", "survey",
	"bucket", "page", "status", "type", "n",
}

// Addresses whose parts are nonsense, or attacks: found or not found, never a
// failure, and where refused, in words. With a form nothing is changed by them.
func TestMalformedAddresses(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	q := newInquest(t, &log)
	blanks := blanksOf(t, q.h)
	before := written(t, q.h)
	q.byAccess(t, func(t *testing.T, access site.Access, routes []site.Route) {
		for i, rt := range routes {
			for j, value := range nasty() {
				l := i18n.Langs[(i+j)%len(i18n.Langs)]
				_, pattern, _ := strings.Cut(rt.Pattern, " ")
				if strings.Contains(pattern, "{") && !strings.Contains(pattern, "{$}") {
					method, _, _ := strings.Cut(rt.Pattern, " ")
					path := blank.ReplaceAllLiteralString(pattern, value)
					q.look(t, access, l, method, path, storable(value))
				}
				method, path, _ := concrete(rt.Pattern, blanks[access][0])
				if method == http.MethodGet {
					q.look(t, access, l, method, path+"?"+strings.Join(asked, "="+value+"&")+"="+value, storable(value))
				}
			}
		}
	})
	delete(before, "the ledger") // opening a matter opens its notices, which is told there
	untouched(t, q.h, before, log.String())
}

var blank = regexp.MustCompile(`\{[a-z$]+\}`)

// storable tells whether a database would take the value.
func storable(value string) bool { return value != "%ff" && !strings.Contains(value, "%00") }

// look asks with nonsense in the address; what no database takes must be refused
// in words before one is asked.
func (q *inquest) look(t *testing.T, access site.Access, l i18n.Lang, method, target string, storable bool) {
	t.Helper()
	body := io.Reader(http.NoBody)
	if method == http.MethodPost {
		body = strings.NewReader("_version=1&text=hei")
	}
	r := httptest.NewRequest(method, target, body)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := q.ask(r, access, l)
	if len(target) > 200 {
		target = target[:200]
	}
	for _, c := range w.Result().Cookies() {
		if c.Name == "x" {
			t.Errorf("%s %s sets a cookie of its own", method, target)
		}
	}
	if to := w.Header().Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") && !strings.HasPrefix(to, "http://example.com/") {
		t.Errorf("%s %s leads to %s", method, target, to)
	}
	h1 := heading.FindStringSubmatch(w.Body.String())
	toMachines := strings.HasPrefix(target, "/.well-known/") // one text, whatever is asked
	if what := wrong(w, l, false, "error.malformed"); !storable && !toMachines && what != "" {
		t.Errorf("%s %s: %s", method, target, what)
	}
	switch {
	case w.Code >= 500:
		t.Errorf("%s %s: status %d", method, target, w.Code)
	case w.Code >= 400 && method == http.MethodGet && (h1 == nil || w.Header().Get("Content-Language") != string(l)):
		t.Errorf("%s %s, in %s: status %d without words: %.300s", method, target, l, w.Code, w.Body)
	}
}

// syncBuffer is a log that several write and read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Fields that a form does not have, values of another kind and versions that are
// none, in forms whose answers would be saved: refused in words, nothing saved.
func TestWrongFields(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "")
	_, m := d.draft(identity.Customer{Person: identity.Person{ID: "demo-aino", Name: "Aino Virtanen"}})
	form, text := "/matters/"+m.ID+"/form", longText(t, m.Form, m.Answers)
	before := written(t, d.h)
	for i, tt := range []struct {
		name string
		form url.Values
	}{
		{"no version", url.Values{text: {posted}}},
		{"a version that is a word", url.Values{"_version": {postedName}, text: {posted}}},
		{"a version below none", url.Values{"_version": {"-1"}, text: {posted}}},
		{"a version without end", url.Values{"_version": {"99999999999999999999999"}, text: {posted}}},
		{"a choice between texts that are no JSON", url.Values{"_version": {"1"}, "_merged": {"{" + posted}, "_theirs": {"{}"}}},
		{"texts of a wrong type", url.Values{"_version": {"1"}, "_merged": {`["` + posted + `"]`}, "_theirs": {"{}"}}},
		{"the other's of a wrong type", url.Values{"_version": {"1"}, "_merged": {"{}"}, "_theirs": {`"` + posted + `"`}}},
		{"texts within texts without end", url.Values{"_version": {"1"}, "_merged": {strings.Repeat(`{"a":`, 5000)}, "_theirs": {"{}"}}},
	} {
		l := i18n.Langs[i%len(i18n.Langs)]
		if what := wrong(d.post(form, site.Customers, l, tt.form, "", nil), l, false, "error.malformed"); what != "" {
			t.Errorf("%s, in %s: %s", tt.name, l, what)
		}
	}
	for i, tt := range []struct {
		name  string
		field string
	}{{"an unknown field", "nosuch"}, {"a part that a field has not", text + ".part"}, {"a row of what has none", text + ".0.part"}} {
		l := i18n.Langs[i%len(i18n.Langs)]
		w := d.post(form, site.Customers, l, url.Values{"_version": {fmt.Sprint(m.Version)}, tt.field: {posted}}, "", nil)
		if body := html.UnescapeString(w.Body.String()); w.Code != http.StatusUnprocessableEntity || w.Header().Get("Content-Language") != string(l) || !strings.Contains(body, i18n.T(l, "forms.unknown_field")) {
			t.Errorf("%s, in %s: status %d; want 422 and %q:\n%.300s", tt.name, l, w.Code, i18n.T(l, "forms.unknown_field"), body)
		}
	}
	untouched(t, d.h, before, d.log.String())
}
