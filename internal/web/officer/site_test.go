package officer

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
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
	"luvat/internal/web/static"
)

// People of the tests. Signed in, each wears the hat beside the name.
const (
	aino     = "aino"   // an applicant
	pelle    = "pelle"  // the rescue department's officer
	paula    = "paula"  // a colleague of the same department
	narrow   = "narrow" // of the same department, whose grant covers another type only
	police   = "police" // of an authority that has a matter in the same project
	city     = "city"   // of an authority that has none
	robot    = "robot"  // the rescue department's software robot
	nobody   = ""       // not signed in
	rescueID = "rescue-pirkanmaa"
	policeID = "police-sisa-suomi"
	lodging  = "rescue-temp-lodging" // a notification by the light form
)

var hats = map[string]identity.Hat{
	aino:   {Role: identity.RoleCustomer},
	pelle:  {Role: identity.RoleOfficer, Authority: rescueID},
	paula:  {Role: identity.RoleOfficer, Authority: rescueID},
	narrow: {Role: identity.RoleOfficer, Authority: rescueID, Types: []string{"rescue-plan"}},
	police: {Role: identity.RoleOfficer, Authority: policeID},
	city:   {Role: identity.RoleOfficer, Authority: "muni-837"},
	robot:  {Role: identity.RoleRobot, Authority: rescueID},
}

var applicant = identity.Customer{Person: identity.Person{ID: aino, Name: "Aino Asiakas", Email: "aino@example.fi", Lang: i18n.FI}}

// A hub is the officers' room over a real database, with people at its door.
type hub struct {
	*matter.Desk
	t       *testing.T
	clock   *testkit.Clock
	handler http.Handler
	cookies map[string]*http.Cookie
	who     string
}

func newSite(t *testing.T) *hub {
	t.Helper()
	ctx := context.Background()
	d, clock := testkit.Filled(t, loaded), testkit.NewClock()
	h := &hub{t: t, clock: clock, cookies: map[string]*http.Cookie{}, who: pelle}
	cat, err := catalogue.Open(ctx, d)
	h.must(err)
	files, err := attach.Open(d, filepath.Join(t.TempDir(), "files"), clock.Now)
	h.must(err)
	h.Desk = &matter.Desk{DB: d, Catalogue: cat, Files: files, Now: clock.Now}
	h.must(d.InTx(ctx, h.people))
	s := &site.Site{
		DB: d, Desk: h.Desk, Catalogue: cat, Files: files, Sessions: identity.NewSessions(d, false),
		Log: slog.New(slog.DiscardHandler), Now: clock.Now, Limits: attach.Limits{File: 1 << 20},
	}
	mux := http.NewServeMux()
	s.Mount(mux, append(Routes(s, &dossier.Maker{Catalogue: cat, Files: files, Now: clock.Now}),
		site.ForAnybody("POST /login", func(w http.ResponseWriter, a *site.Ask) error {
			person := a.FormValue("person")
			if err := s.Sessions.SignIn(a.Context(), identity.Visit{Person: identity.Person{ID: person}, Hat: hats[person]}); err != nil {
				return err
			}
			return a.See(w, InboxPath)
		})))
	mux.Handle("/", s.NotFound())
	mux.Handle("GET "+static.Prefix, static.Handler())
	h.handler = s.Guard(mux)
	return h
}

func (h *hub) people(tx *db.Tx) error {
	ctx, now := context.Background(), h.clock.Now()
	for id, name := range map[string]string{aino: "Aino Asiakas", pelle: "Pelle Palo", paula: "Paula Palo", narrow: "Niina Niukka", police: "Pirjo Poliisi", city: "Kalle Kunta", robot: "Robotti"} {
		if err := identity.SavePerson(ctx, tx, now, identity.Person{ID: id, Name: name, Email: id + "@example.fi", Lang: i18n.FI}); err != nil {
			return err
		}
		if hat := hats[id]; hat.Role != identity.RoleCustomer {
			if err := identity.Grant(ctx, tx, now, id, hat); err != nil {
				return err
			}
		}
	}
	for authority, types := range map[string][]string{rescueID: {lodging, "rescue-plan"}, policeID: {"police-lottery"}, "muni-837": {"muni-camping"}} {
		for _, typ := range types {
			o := &catalogue.Offer{
				ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: catalogue.Light, Territory: []string{"837"},
				NoticeEmail: typ + "@example.fi", DeputyEmail: "kirjaamo@example.fi", DeputyHours: 16, Active: true,
			}
			if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// send makes a project of Aino's in which matters of the types have been
// filled in and sent. It returns their ids.
func (h *hub) send(name string, types ...string) []string {
	h.t.Helper()
	ctx := context.Background()
	ids := h.drafts(name, types...)
	var looks []matter.Looked
	for _, id := range ids {
		v, err := h.Matter(ctx, applicant, id)
		h.must(err)
		given := forms.Answers{}
		if v.Form.ID() == "light" {
			given["request"] = "Majoitus liikuntasalissa"
		}
		own, err := v.Form.Example(given, false, func(path string) string { return h.file(v, path) })
		h.must(err)
		_, err = h.SaveDraft(ctx, applicant, id, v.Version, own)
		h.must(err)
		looks = append(looks, h.look(id))
	}
	_, err := h.Send(ctx, applicant, looks)
	h.must(err)
	return ids
}

// drafts makes a project with its common data filled in.
func (h *hub) drafts(name string, types ...string) []string {
	h.t.Helper()
	ctx := context.Background()
	project, err := h.StartProject(ctx, applicant, matter.NewProject{Entity: "event", Municipality: "837", Name: name, StartsOn: testkit.Start.AddDate(0, 0, 10), Types: types})
	h.must(err)
	p, err := h.Project(ctx, applicant, project)
	h.must(err)
	v, err := h.Matter(ctx, applicant, p.Rows[0].ID)
	h.must(err)
	common, err := v.Common.Example(v.Project.Answers, true, nil)
	h.must(err)
	common["place"] = map[string]any{"name": "Hiedanranta", "address": "Sellukatu 1", "lat": 61.5069, "lon": 23.6845}
	_, err = h.SaveCommon(ctx, applicant, project, v.Project.Version, common)
	h.must(err)
	var ids []string
	for _, r := range p.Rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// file gives Aino's matter an attachment and returns its id.
func (h *hub) file(v *matter.View, field string) string {
	h.t.Helper()
	f, err := h.Files.Put(context.Background(), attach.New{
		Project: v.Project.ID, Matter: v.ID, Place: attach.Answer, Field: field, Name: "pohjakuva.txt",
		Size: -1, UploadedBy: aino, Side: "applicant",
	}, strings.NewReader("pohjakuva"))
	h.must(err)
	return f.ID
}

func (h *hub) look(id string) matter.Looked {
	h.t.Helper()
	v, err := h.Matter(context.Background(), applicant, id)
	h.must(err)
	return matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}
}

// complete sends a completion of the matter, its request changed.
func (h *hub) complete(id string) {
	h.t.Helper()
	ctx := context.Background()
	v, err := h.Matter(ctx, applicant, id)
	h.must(err)
	answers := v.Answers
	answers["request"], answers["grounds"] = "Majoitus kahdessa liikuntasalissa", "Hotellit ovat täynnä"
	answers["attachments"] = []any{h.file(v, "attachments")}
	_, err = h.SaveDraft(ctx, applicant, id, v.Version, answers)
	h.must(err)
	_, err = h.Complete(ctx, applicant, matter.Completion{Looked: h.look(id)})
	h.must(err)
}

func (h *hub) status(id string) matter.Status {
	h.t.Helper()
	v, err := h.Matter(context.Background(), applicant, id)
	h.must(err)
	return v.Status
}

// do sends a request as h.who.
func (h *hub) do(method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(method, path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if h.who != nobody {
		if h.cookies[h.who] == nil {
			h.signIn(h.who)
		}
		r.AddCookie(h.cookies[h.who])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

func (h *hub) signIn(person string) {
	r := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"person": {person}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "luvat" {
			h.cookies[person] = c
		}
	}
}

func (h *hub) get(path string) *httptest.ResponseRecorder { return h.do("GET", path, "", nil) }

func (h *hub) post(path string, v url.Values) *httptest.ResponseRecorder {
	return h.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

// upload posts a form with one file, as browsers do.
func (h *hub) upload(path string, v url.Values, name, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.uploadAs("file", path, v, name, body)
}

// uploadAs does it with a file input of another name.
func (h *hub) uploadAs(input, path string, v url.Values, name, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for field, values := range v {
		for _, value := range values {
			h.must(m.WriteField(field, value))
		}
	}
	part, err := m.CreateFormFile(input, name)
	h.must(err)
	_, err = io.WriteString(part, body)
	h.must(err)
	h.must(m.Close())
	return h.do("POST", path, m.FormDataContentType(), &b)
}

// page gets a page that must be there.
func (h *hub) page(path string) string {
	h.t.Helper()
	w := h.get(path)
	if w.Code != http.StatusOK {
		h.t.Fatalf("GET %s as %q: status %d\n%s", path, h.who, w.Code, words(w.Body.String()))
	}
	if i := strings.Index(w.Body.String(), "[officer."); i >= 0 {
		h.t.Errorf("GET %s: a word is missing: %.60s", path, w.Body.String()[i:])
	}
	return w.Body.String()
}

// done posts a deed that must succeed.
func (h *hub) done(id, deed string, v url.Values) {
	h.t.Helper()
	w := h.post(matterPath+id+"/"+deed, v)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != matterPath+id {
		h.t.Fatalf("POST %s as %q: status %d to %q\n%s", deed, h.who, w.Code, w.Header().Get("Location"), words(w.Body.String()))
	}
}

func (h *hub) wants(page string, texts ...string) {
	h.t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			h.t.Errorf("the page does not say %q", s)
		}
	}
}

func (h *hub) lacks(page string, texts ...string) {
	h.t.Helper()
	for _, s := range texts {
		if strings.Contains(page, s) {
			h.t.Errorf("the page says %q", s)
		}
	}
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
	uuid   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	sha    = regexp.MustCompile(`[0-9a-f]{64}`)
)

// words are what a page says in its main part.
func words(page string) string {
	if i := strings.Index(page, "<main"); i >= 0 {
		page = page[i:]
	}
	return spaces.ReplaceAllString(tags.ReplaceAllString(page, " "), " ")
}

// stable replaces what differs from run to run.
func stable(page string) string {
	n := map[string]string{}
	page = uuid.ReplaceAllStringFunc(page, func(id string) string {
		if n[id] == "" {
			n[id] = "ID" + strconv.Itoa(len(n)+1)
		}
		return n[id]
	})
	page = strings.ReplaceAll(sha.ReplaceAllString(page, "HASH"), static.Fingerprint(), "FINGERPRINT")
	return strings.ReplaceAll(page, "><", ">\n<")
}

func (h *hub) officer(id string) identity.Officer {
	return identity.Officer{Person: identity.Person{ID: id, Lang: i18n.FI}, Authority: hats[id].Authority, Role: hats[id].Role, Types: hats[id].Types}
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
