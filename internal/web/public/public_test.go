package public

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/testkit"
	"luvat/internal/web/site"
)

// A testSite is the public pages over a real database, with a browser that
// keeps cookies and does not follow redirects.
type testSite struct {
	*site.Site
	clock   *testkit.Clock
	handler http.Handler
	jar     http.CookieJar
	mails   []Mail
}

func newSite(t *testing.T) *testSite {
	t.Helper()
	d := testkit.Filled(t, loaded)
	clock := testkit.NewClock()
	files, err := attach.Open(d, t.TempDir(), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{clock: clock, Site: &site.Site{
		DB: d, Files: files, Sessions: identity.NewSessions(d, false),
		Log: slog.New(slog.DiscardHandler), Now: clock.Now, Demo: true, Login: true,
	}}
	s.load(t, content.FS)
	s.seed(t)
	s.forget(t)
	return s
}

// load reads the content and mounts the pages on it, as a start does.
func (s *testSite) load(t *testing.T, files fs.FS) {
	t.Helper()
	ctx := context.Background()
	if _, err := catalogue.Load(ctx, s.DB, files, s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.Open(ctx, s.DB)
	if err != nil {
		t.Fatal(err)
	}
	s.Catalogue = c
	s.Desk = &matter.Desk{DB: s.DB, Catalogue: c, Files: s.Files, Now: s.clock.Now}
	s.mount()
}

func (s *testSite) mount() {
	mux := http.NewServeMux()
	s.Mount(mux, Routes(s.Site, func(context.Context) ([]Mail, error) { return s.mails, nil }))
	mux.Handle("/", s.NotFound())
	s.handler = s.Guard(mux)
}

// seed makes the joins of the demo and a few people.
func (s *testSite) seed(t *testing.T) {
	t.Helper()
	body, err := content.FS.ReadFile("demo/joins.json")
	if err != nil {
		t.Fatal(err)
	}
	var joins []struct {
		Authority, Matter, Way, Email, Deputy, URL string
		Entities, Municipalities                   []string
	}
	if err := json.Unmarshal(body, &joins); err != nil {
		t.Fatal(err)
	}
	err = s.DB.InTx(context.Background(), func(tx *db.Tx) error {
		ctx := context.Background()
		for _, j := range joins {
			au := s.Catalogue.Authority(j.Authority)
			o := &catalogue.Offer{
				ID: catalogue.OfferID(j.Authority, j.Matter), Authority: j.Authority, Type: j.Matter, Way: catalogue.Way(j.Way),
				National: au.Type == "state_agency", Territory: au.Territory, NoticeEmail: j.Email, DeputyEmail: j.Deputy, DeputyHours: 16, URL: j.URL,
				Entities: j.Entities, Active: true,
			}
			if j.Municipalities != nil {
				o.Territory = j.Municipalities
			}
			if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
				return err
			}
		}
		for _, p := range []identity.Person{
			{ID: "maija", Name: "Maija Virtanen", Email: "maija@yhdistys.example", Lang: i18n.FI, Demo: "volunteer"},
			{ID: "pekka", Name: "Pekka Poliisi", Email: "pekka@poliisi.example", Lang: i18n.FI, Demo: "police"},
			{ID: "liisa", Name: "Liisa Lead", Email: "liisa@tampere.example", Lang: i18n.FI, Demo: "lead"},
			{ID: "sami", Name: "Sami Service", Email: "sami@hub.example", Lang: i18n.FI, Demo: "service"},
			{ID: "aito", Name: "Aito Ihminen", Email: "aito@koti.example", Lang: i18n.FI},
		} {
			if err := identity.SavePerson(ctx, tx, s.clock.Now(), p); err != nil {
				return err
			}
		}
		for person, h := range map[string]identity.Hat{
			"pekka": {Role: identity.RoleOfficer, Authority: "police-sisa-suomi"},
			"liisa": {Role: identity.RoleLead, Authority: "muni-837"},
			"sami":  {Role: identity.RoleService},
		} {
			if err := identity.Grant(ctx, tx, s.clock.Now(), person, h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// forget empties the browser.
func (s *testSite) forget(t *testing.T) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.jar = jar
}

var here = &url.URL{Scheme: "http", Host: "hub.example"}

func (s *testSite) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://hub.example"+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range s.jar.Cookies(here) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	s.jar.SetCookies(here, w.Result().Cookies())
	return w
}

func (s *testSite) get(path string) *httptest.ResponseRecorder { return s.do("GET", path, nil) }

func (s *testSite) signIn(t *testing.T, person string) {
	t.Helper()
	if w := s.do("POST", "/login", url.Values{"person": {person}}); w.Code != http.StatusSeeOther {
		t.Fatalf("sign in as %s: status %d", person, w.Code)
	}
}

// begin starts a survey and returns the id of its result.
func (s *testSite) begin(t *testing.T, entity, place, day string) string {
	t.Helper()
	w := s.do("POST", "/survey/"+entity, url.Values{"municipality": {place}, "starts_on": {day}})
	return resultIn(t, w)
}

// resultIn returns the id of the result that a redirect leads to.
func resultIn(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code != http.StatusSeeOther {
		t.Fatalf("status %d, want a redirect: %s", w.Code, text(w))
	}
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if id := u.Query().Get("result"); id != "" {
		return id
	}
	return strings.TrimPrefix(u.Path, "/survey/results/")
}

// answer answers an area and returns the id of the result from then on.
func (s *testSite) answer(t *testing.T, entity, area, id string, v url.Values) string {
	t.Helper()
	return resultIn(t, s.do("POST", areaPath(entity, area, id), v))
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is what a page says.
func text(w *httptest.ResponseRecorder) string {
	return strings.TrimSpace(spaces.ReplaceAllString(tags.ReplaceAllString(w.Body.String(), " "), " "))
}

func wants(t *testing.T, w *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	said := text(w) + "\n" + w.Body.String()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, text(w))
	}
	for _, p := range parts {
		if !strings.Contains(said, p) {
			t.Errorf("the page does not say %q:\n%s", p, text(w))
		}
	}
	if strings.Contains(said, "[public.") || strings.Contains(said, "[ui.") {
		t.Errorf("words are missing: %s", text(w))
	}
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
