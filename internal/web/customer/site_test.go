package customer

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/dossier"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/testkit"
	"luvat/internal/web/site"
)

// A test site: the real pages over a real database, with people around it.
type testSite struct {
	*site.Site
	t       *testing.T
	clock   *testkit.Clock
	handler http.Handler
	who     identity.Customer                  // who asks; nobody when empty
	jars    map[string]map[string]*http.Cookie // by person
}

func person(id, name string) identity.Customer {
	return identity.Customer{Person: identity.Person{ID: id, Name: name, Email: id + "@example.fi", Lang: i18n.FI}}
}

var (
	aino     = person("aino", "Aino Aalto")
	matti    = person("matti", "Matti Mänty")
	stranger = person("outo", "Outi Outo")
	nobody   identity.Customer
	police   = identity.Officer{Person: person("poliisi", "Pekka Poliisi").Person, Authority: "police-sisa-suomi", Role: identity.RoleOfficer}
	city     = identity.Officer{Person: person("kunta", "Kirsi Kunta").Person, Authority: "muni-837", Role: identity.RoleOfficer}
)

func newSite(t *testing.T) *testSite {
	t.Helper()
	ctx := context.Background()
	d, clock := testkit.Filled(t, loaded), testkit.NewClock()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cat, err := catalogue.Open(ctx, d)
	must(err)
	files, err := attach.Open(d, filepath.Join(t.TempDir(), "files"), clock.Now)
	must(err)
	must(d.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range []identity.Person{aino.Person, matti.Person, stranger.Person, police.Person, city.Person} {
			if err := identity.SavePerson(ctx, tx, clock.Now(), p); err != nil {
				return err
			}
		}
		for _, o := range []identity.Officer{police, city} {
			if err := identity.Grant(ctx, tx, clock.Now(), o.ID, identity.Hat{Role: identity.RoleOfficer, Authority: o.Authority}); err != nil {
				return err
			}
		}
		for authority, types := range map[string][]string{
			"police-sisa-suomi": {"police-public-event", "police-lottery"}, "rescue-pirkanmaa": {"rescue-plan", "chemicals-minor", "rescue-fire-inspection"},
			"muni-837": {"muni-noise", "muni-public-area", "muni-env-annual-report", "env-permit-muni"},
		} {
			for _, typ := range types {
				o := &catalogue.Offer{ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: catalogue.Light, Territory: []string{"837"}, NoticeEmail: typ + "@example.fi", Active: true}
				if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	s := &testSite{t: t, clock: clock, jars: map[string]map[string]*http.Cookie{}, who: aino}
	s.Site = &site.Site{
		DB: d, Catalogue: cat, Files: files, Sessions: identity.NewSessions(d, false), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: clock.Now, Login: true,
		Desk: &matter.Desk{DB: d, Catalogue: cat, Files: files, Now: clock.Now},
	}
	mux := http.NewServeMux()
	s.Mount(mux, Routes(s.Site, &dossier.Maker{Catalogue: s.Catalogue, Files: s.Files, Now: s.clock.Now}))
	mux.HandleFunc("POST /test-login/{id}", func(_ http.ResponseWriter, r *http.Request) {
		must(s.Sessions.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: r.PathValue("id")}, Hat: identity.Hat{Role: identity.RoleCustomer}, For: identity.Principal{ID: r.URL.Query().Get("for")}}))
	})
	mux.Handle("/", s.NotFound())
	s.handler = s.Guard(mux)
	return s
}

// vault keeps nothing secret.
type vault struct{}

func (vault) Seal(plain, _ string) (string, error)  { return plain, nil }
func (vault) Open(sealed, _ string) (string, error) { return sealed, nil }
func (vault) Hashes(value string) []string          { return []string{value} }

// actFor lets who asks act for a company from now on.
func (s *testSite) actFor(businessID, name string) {
	s.t.Helper()
	s.must(s.DB.InTx(s.t.Context(), func(tx *db.Tx) (err error) {
		s.who.For, err = (&identity.Register{Vault: vault{}}).Principal(s.t.Context(), tx, s.clock.Now(), identity.Company, businessID, name)
		return err
	}))
	s.jars[s.who.ID] = map[string]*http.Cookie{}
	s.ask(httptest.NewRequest("POST", "/test-login/"+s.who.ID+"?for="+s.who.For.ID, nil))
}

// ask sends a request as whoever the site's who is, with that person's cookies.
func (s *testSite) ask(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	id := s.who.ID
	if id != "" && s.jars[id] == nil {
		s.jars[id] = map[string]*http.Cookie{}
		s.ask(httptest.NewRequest("POST", "/test-login/"+id, nil))
	}
	for _, c := range s.jars[id] {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		switch {
		case id == "":
		case c.MaxAge < 0:
			delete(s.jars[id], c.Name)
		default:
			s.jars[id][c.Name] = c
		}
	}
	return w
}

// do opens a page, or posts a form.
func (s *testSite) do(method, path string, v url.Values) *httptest.ResponseRecorder {
	s.t.Helper()
	var r *http.Request
	if method == "GET" {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r = httptest.NewRequest(method, path, strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.ask(r)
}

func (s *testSite) get(path string) string {
	s.t.Helper()
	w := s.do("GET", path, nil)
	if w.Code != http.StatusOK {
		s.t.Fatalf("GET %s: status %d: %s", path, w.Code, text(w.Body.String()))
	}
	if body := w.Body.String(); strings.Contains(body, "[customer.") || strings.Contains(body, "[deed.") || strings.Contains(body, "[member.") || strings.Contains(body, "[holder.") || strings.Contains(body, "[matter.") {
		s.t.Errorf("GET %s: a word is missing: look for [", path)
	}
	return w.Body.String()
}

// post posts a form and expects to be sent on; it returns where.
func (s *testSite) post(path string, v url.Values) string {
	s.t.Helper()
	w := s.do("POST", path, v)
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("POST %s: status %d: %s", path, w.Code, text(w.Body.String()))
	}
	return w.Header().Get("Location")
}

// send posts a form with files, as a browser does; files are named field/name.
func (s *testSite) send(path string, v url.Values, files map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, values := range v {
		for _, value := range values {
			_ = m.WriteField(name, value)
		}
	}
	for at, body := range files {
		field, name, _ := strings.Cut(at, "/")
		part, err := m.CreateFormFile(field, name)
		if err != nil {
			s.t.Fatal(err)
		}
		_, _ = io.WriteString(part, body)
	}
	_ = m.Close()
	r := httptest.NewRequest("POST", path, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return s.ask(r)
}

func (s *testSite) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// start begins Aino's project through its page and returns it with its matters
// in the order of the types.
func (s *testSite) start(entity string, types ...string) (project string, matters []string) {
	s.t.Helper()
	at := s.post("/projects/new", url.Values{"entity": {entity}, "municipality": {"Tampere"}, "name": {"Kesäkonsertti"}, "start": {"2027-06-12"}, "type": types})
	project = strings.TrimPrefix(at, "/projects/")
	v, err := s.Desk.Project(s.t.Context(), s.who, project)
	s.must(err)
	for _, typ := range types {
		i := slices.IndexFunc(v.Rows, func(r matter.Row) bool { return r.Type == typ })
		if i < 0 {
			s.t.Fatalf("no matter of type %s was begun", typ)
		}
		matters = append(matters, v.Rows[i].ID)
	}
	return project, matters
}

// view reads a matter as the asker.
func (s *testSite) view(id string) *matter.View {
	s.t.Helper()
	v, err := s.Desk.Matter(s.t.Context(), s.who, id)
	s.must(err)
	return v
}

// fill answers all that a matter needs, with an attachment where one is asked.
func (s *testSite) fill(id string) {
	s.t.Helper()
	ctx, v := s.t.Context(), s.view(id)
	file := func(of string) func(string) string {
		return func(field string) string {
			a, err := s.Files.Put(ctx, attach.New{Project: v.Project.ID, Matter: of, Place: attach.Answer, Field: field, Name: "plan.pdf", Size: -1, UploadedBy: s.who.ID, Side: "applicant"}, strings.NewReader("%PDF-1.7 plan"))
			s.must(err)
			return a.ID
		}
	}
	common := example(s.t, v.Common, v.Project.Answers, true, file(""))
	for _, n := range v.Common.AttachmentFields() {
		if common[n.Path] == nil {
			common[n.Path] = []any{file("")(n.Path)}
		}
	}
	if _, err := s.Desk.SaveCommon(ctx, s.who, v.Project.ID, v.Project.Version, common); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.Desk.SaveDraft(ctx, s.who, id, v.Version, example(s.t, v.Form, v.Answers, false, file(id))); err != nil {
		s.t.Fatal(err)
	}
	if lacks := s.view(id).Lacks; len(lacks) > 0 {
		s.t.Fatalf("still lacks %v", lacks)
	}
}

func example(t *testing.T, f *forms.Form, base forms.Answers, all bool, file func(string) string) forms.Answers {
	t.Helper()
	a, err := f.Example(base, all, file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sent returns a matter that was filled and sent.
func (s *testSite) sent(entity, typ string) (project, id string) {
	s.t.Helper()
	project, ids := s.start(entity, typ)
	s.fill(ids[0])
	s.post(projectPath(project)+"/send", s.looked(project, ids[0]))
	return project, ids[0]
}

// looked is the form of the send page with a matter chosen.
func (s *testSite) looked(project, id string) url.Values {
	s.t.Helper()
	page := s.get(projectPath(project) + "/send")
	return url.Values{"_common": {hidden(s.t, page, "_common")}, "_version." + id: {hidden(s.t, page, "_version."+id)}, "matter": {id}}
}

func hidden(t *testing.T, page, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + regexp.QuoteMeta(name) + `" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no hidden %s", name)
	}
	return m[1]
}

var tags = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>`)

// text is what a person would read of a page, roughly.
func text(page string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(page, " ")), " ")
}

func decode(t *testing.T, w *httptest.ResponseRecorder) (a answer) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("status %d, %q: %v", w.Code, w.Body.String(), err)
	}
	return a
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
