package site

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/a-h/templ"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/web/ui"
)

// An Ask is one request: what was asked, by whom and in which language.
type Ask struct {
	*http.Request
	Lang   i18n.Lang
	Person identity.Person
	Hat    identity.Hat
	Known  bool               // somebody is signed in
	For    identity.Principal // for whom the person acts, zero for oneself
	Via    identity.Via       // how the person came in

	// Machine is the machine that asks by an access token, "" for people.
	Machine string

	came bool // somebody has come in, with a role or still without
	site *Site
}

var (
	errNotFound  = fail.New(fail.NotFound, "error.not_found")
	errMalformed = fail.New(fail.Invalid, "error.malformed")
)

// addressed tells whether an address is one that a page can be asked by: text,
// as a database stores it, and no line breaks in its path.
func addressed(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	return err == nil && text(query) && text(u.Path) && !strings.ContainsAny(u.Path, "\r\n")
}

// text tells whether s can be stored: PostgreSQL takes neither broken UTF-8 nor
// a zero byte.
func text(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

const langCookie = "lang"

func (s *Site) ask(w http.ResponseWriter, r *http.Request) (*Ask, error) {
	a := &Ask{Request: r, site: s, Lang: s.language(w, r)}
	if !addressed(r.URL) {
		return a, errMalformed
	}
	if token := s.bearer(r); token != "" {
		return a, s.asMachine(w, a, token)
	}
	var err error
	var v identity.Visit
	v, a.Known, err = s.Sessions.Who(r.Context(), s.Now())
	a.came = v.Person.ID != ""
	if a.Known && err == nil {
		a.Person, a.Hat, a.For, a.Via = v.Person, v.Hat, v.For, v.Via
		if err = s.recheck(a); err == nil {
			err = s.checkMandate(a, v)
		}
	}
	if fail.Is(err, fail.NotFound) {
		err = nil // the session of a person who is gone
	}
	return a, err
}

// language takes ?lang=, then the cookie, then what the browser asks for.
func (s *Site) language(w http.ResponseWriter, r *http.Request) i18n.Lang {
	if l, ok := i18n.Known(r.URL.Query().Get("lang")); ok {
		if s.bearer(r) == "" {
			s.KeepLanguage(w, l)
		}
		return l
	}
	if c, err := r.Cookie(langCookie); err == nil {
		if l, ok := i18n.Known(c.Value); ok {
			return l
		}
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if l, ok := i18n.Known(strings.ToLower(tag)); ok {
			return l
		}
	}
	return i18n.FI
}

// KeepLanguage remembers the language for a year.
func (s *Site) KeepLanguage(w http.ResponseWriter, l i18n.Lang) {
	http.SetCookie(w, &http.Cookie{Name: langCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode, HttpOnly: true, Secure: s.Secure})
}

// T returns words in the asker's language.
func (a *Ask) T(key string, args ...any) string { return i18n.T(a.Lang, key, args...) }

// Form reads the posted form. The error says that it cannot be read, is too
// large, or is no form: what is not read must not lead to a deed.
func (a *Ask) Form() (url.Values, error) {
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch {
	case a.Header.Get("Content-Type") == "": // a deed that asks nothing
		err = a.ParseForm()
	case err != nil:
	case kind == "multipart/form-data":
		err = a.ParseMultipartForm(1 << 20)
	case kind == "application/x-www-form-urlencoded":
		err = a.ParseForm()
	default:
		err = errMalformed
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large || errors.Is(err, multipart.ErrMessageTooLarge) {
		return nil, fail.New(fail.TooLarge, "error.too_large")
	}
	if err != nil {
		return nil, errMalformed
	}
	for name, values := range a.PostForm {
		for _, v := range append(values, name) {
			if !text(v) {
				return nil, errMalformed
			}
		}
	}
	return a.PostForm, nil
}

// Number reads a whole number of the posted form, such as _version.
func Number(v url.Values, name string) (int64, error) {
	n, err := strconv.ParseInt(v.Get(name), 10, 64)
	if err != nil || n < 0 {
		return 0, fail.New(fail.Invalid, "error.malformed").In(name)
	}
	return n, nil
}

// Chosen reads what was chosen of a group of choices, whose form sends an empty
// value before it.
func Chosen(v url.Values, name string) string {
	if all := v[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// NewLanguage tells whether a form's language button was pressed, and
// remembers the language.
func (a *Ask) NewLanguage(w http.ResponseWriter, v url.Values) bool {
	l, ok := i18n.Known(v.Get("_lang"))
	if ok {
		a.site.KeepLanguage(w, l)
		a.Lang = l
	}
	return ok
}

// See sends the browser to another page after a deed.
func (a *Ask) See(w http.ResponseWriter, to string) error {
	http.Redirect(w, a.Request, to, http.StatusSeeOther)
	return nil
}

// sayCookie holds a line for the next page. It is a key of our own words and no
// secret: keeping it in the session would cost two disk flushes a deed.
const sayCookie = "say"

// said returns the line kept by Say, once.
func (a *Ask) said(w http.ResponseWriter) string {
	c, err := a.Cookie(sayCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: sayCookie, Path: "/", MaxAge: -1, SameSite: http.SameSiteLaxMode, HttpOnly: true, Secure: a.site.Secure})
	if !i18n.Has(c.Value) {
		return ""
	}
	return c.Value
}

// Say is See with a line for the next page: a key of the language files.
func (a *Ask) Say(w http.ResponseWriter, to, key string) error {
	a.Keep(w, key)
	return a.See(w, to)
}

// Keep keeps a line for the next page.
func (a *Ask) Keep(w http.ResponseWriter, key string) {
	if a.Machine == "" { // which keeps no cookies
		http.SetCookie(w, &http.Cookie{Name: sayCookie, Value: key, Path: "/", MaxAge: 60, SameSite: http.SameSiteLaxMode, HttpOnly: true, Secure: a.site.Secure})
	}
}

func toLogin(w http.ResponseWriter, a *Ask) error {
	if a.Method != http.MethodGet && a.Method != http.MethodHead {
		return signInAgain(w, a)
	}
	return a.See(w, ui.LoginPath+"?next="+url.QueryEscape(a.URL.RequestURI()))
}

// Local returns the address if it is one of the hub's own pages, else "/": a
// link with ?next= must not lead elsewhere.
func Local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Page answers with a page: body inside the frame. It is rendered whole before
// the first byte is sent, so a failure is never half a page.
func (a *Ask) Page(w http.ResponseWriter, status int, p ui.Page, body templ.Component) error {
	a.frame(w, &p)
	b := buffers.Get().(*bytes.Buffer) // only buffers are put there
	defer func() { b.Reset(); buffers.Put(b) }()
	ctx := templ.WithChildren(a.Context(), body)
	if err := ui.Layout(p).Render(ctx, b); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Lang))
	h.Add("Vary", "Cookie, Accept-Language")
	if a.Known || a.came {
		h.Set("Cache-Control", "private, no-store")
	} else {
		h.Set("Cache-Control", "private, no-cache")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may have gone
	return nil
}

// frame fills in what every page's frame shows.
func (a *Ask) frame(w http.ResponseWriter, p *ui.Page) {
	p.Lang = a.Lang
	if p.Path == "" {
		p.Path = a.URL.RequestURI()
		if a.Method != http.MethodGet && a.Method != http.MethodHead {
			p.Path = a.URL.Path
		}
	}
	if a.site.Demo {
		p.Strip = a.T("site.demo_strip")
	}
	if key := a.said(w); key != "" && p.Flash == nil {
		p.Flash = &ui.Flash{Kind: ui.Success, Text: a.T(key)}
	}
	p.Nav = a.nav()
	if a.Known {
		p.Person, p.Role, p.RoleHref = a.Person.Name, a.roleName(), a.roleHref()
	}
}

const forPath = "/for" // where one chooses for whom to act

// roleHref is where the role, or for whom one acts, is changed.
func (a *Ask) roleHref() string {
	switch {
	case a.Hat.Role == identity.RoleCustomer && a.site.Mandates != nil:
		return forPath
	case a.Via.Connection != "":
		return "/login/role"
	}
	return ""
}

func (a *Ask) roleName() string {
	if a.For.ID != "" {
		return a.T("site.acts_for", a.For.Name)
	}
	if au := a.site.Catalogue.Authority(a.Hat.Authority); au != nil {
		return au.Name.In(a.Lang)
	}
	if a.roleHref() == forPath {
		return a.T("login.for_oneself")
	}
	return a.T("site.role_" + string(a.Hat.Role))
}

// navigation of each hat: key of the words and address.
var navigation = map[identity.Role][][2]string{
	"":                    {{"site.nav_survey", "/survey"}, {"site.nav_catalogue", "/catalogue"}},
	identity.RoleCustomer: {{"site.nav_projects", "/projects"}, {"site.nav_survey", "/survey"}, {"site.nav_catalogue", "/catalogue"}},
	identity.RoleOfficer:  {{"site.nav_inbox", "/officer"}, {"site.nav_threads", "/officer/threads"}},
	identity.RoleRobot:    {{"site.nav_inbox", "/officer"}, {"site.nav_threads", "/officer/threads"}},
	identity.RoleLead:     {{"site.nav_offers", "/lead"}, {"roles.people_title", "/lead/people"}, {"machine.title", "/lead/machines"}, {"site.nav_catalogue", "/catalogue"}},
	identity.RoleService:  {{"site.nav_outbox", "/service"}, {"service.nav_authorities", "/service/authorities"}, {"site.nav_catalogue", "/catalogue"}},
	identity.RoleSupport:  {{"support.title", "/service/support"}, {"site.nav_catalogue", "/catalogue"}},
}

func (a *Ask) nav() []ui.Link {
	role := a.Hat.Role
	if !a.Known {
		role = ""
	}
	var links []ui.Link
	for _, n := range navigation[role] {
		if n[0] == "site.nav_projects" && a.For.ID != "" {
			n[0] = "site.nav_projects_for"
		}
		links = append(links, ui.Link{Label: a.T(n[0]), Href: n[1], Current: a.URL.Path == n[1] || strings.HasPrefix(a.URL.Path, n[1]+"/") && n[1] != "/officer" && n[1] != "/lead" && n[1] != "/service"})
	}
	if a.site.Demo {
		links = append(links, ui.Link{Label: a.T("site.nav_mailbox"), Href: "/mailbox", Current: a.URL.Path == "/mailbox"})
	}
	return links
}

var statuses = map[fail.Kind]int{
	fail.Invalid: http.StatusBadRequest, fail.Rejected: http.StatusUnprocessableEntity, fail.NotFound: http.StatusNotFound,
	fail.Forbidden: http.StatusForbidden, fail.Conflict: http.StatusConflict, fail.TooLarge: http.StatusRequestEntityTooLarge,
	fail.TooMany: http.StatusTooManyRequests, fail.Unavailable: http.StatusServiceUnavailable, fail.Unsupported: http.StatusUnsupportedMediaType,
	fail.NotKnown: http.StatusUnauthorized,
}

// Status returns the HTTP status of an error that a person may see, 500 for
// any other.
func Status(err error) int {
	if e, ok := errors.AsType[*fail.Error](err); ok {
		return statuses[e.Kind]
	}
	return http.StatusInternalServerError
}

// fail is the only place where an error becomes a page.
func (s *Site) fail(w http.ResponseWriter, a *Ask, err error) {
	if errors.Is(err, context.Canceled) && a.Context().Err() != nil {
		return // the browser has gone
	}
	if full := a.Full(err); full != nil {
		err = full
	}
	status, text, ref := http.StatusInternalServerError, "", ""
	if e, ok := errors.AsType[*fail.Error](err); ok {
		status, text = statuses[e.Kind], i18n.T(a.Lang, e.Key, e.Args...)
	} else {
		ref = rand.Text()[:8]
		s.Log.ErrorContext(a.Context(), "request failed", "ref", ref, "route", a.route(), "err", err)
		text = i18n.T(a.Lang, "error.internal", ref)
	}
	title := a.T("site.error_title")
	switch status {
	case http.StatusNotFound:
		title = a.T("site.not_found_title")
	case http.StatusConflict:
		title = a.T("site.conflict_title")
	}
	if strings.HasPrefix(a.Header.Get("Accept"), "application/json") || a.Header.Get("X-Autosave") != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
		return
	}
	var typed []string // what is lost with the request would be lost to its writer
	if status >= http.StatusInternalServerError && a.Method == http.MethodPost {
		typed = a.typed(w)
	}
	if err := a.Page(w, status, ui.Page{Title: title}, errorBody(a, text, typed)); err != nil {
		s.Log.ErrorContext(a.Context(), "error page failed", "err", err)
		http.Error(w, text, status)
	}
}

// Full returns what a person is told when err says that a disk has no room, and
// tells it in the log too; nil for any other error.
func (a *Ask) Full(err error) *fail.Error {
	if e, ok := errors.AsType[*fail.Error](err); !db.IsFull(err) && (!ok || e.Key != "error.disk_full") {
		return nil
	}
	a.site.Log.ErrorContext(a.Context(), "no room on the disk", "route", a.route())
	return fail.New(fail.Unavailable, "error.disk_full")
}

// route names the request for the log without what people typed: identifiers
// in an address are random, but its query may hold a search.
func (a *Ask) route() string { return a.Method + " " + a.Pattern }
