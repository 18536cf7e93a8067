package customer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/ui"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// secret reads the secret of the first invitation from the mail that waits.
func (s *testSite) secret() string {
	s.t.Helper()
	var body string
	s.must(s.DB.View(s.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRowContext(s.t.Context(), `SELECT payload FROM outbox WHERE kind = 'project.invite' ORDER BY id LIMIT 1`).Scan(&body)
	}))
	_, rest, _ := strings.Cut(body, `"secret":"`)
	secret, _, _ := strings.Cut(rest, `"`)
	return secret
}

func rescueOfficer(s *testSite) identity.Officer {
	o := identity.Officer{Person: person("palo", "Paula Palo").Person, Authority: "rescue-pirkanmaa", Role: identity.RoleOfficer}
	s.must(s.DB.InTx(context.Background(), func(tx *db.Tx) error {
		if err := identity.SavePerson(context.Background(), tx, s.clock.Now(), o.Person); err != nil {
			return err
		}
		return identity.Grant(context.Background(), tx, s.clock.Now(), o.ID, identity.Hat{Role: identity.RoleOfficer, Authority: o.Authority})
	}))
	return o
}

func (s *testSite) version(path string) string {
	s.t.Helper()
	return hidden(s.t, s.get(path), "_version")
}

func TestFormIsSaved(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	form, common := "/matters/"+ids[0]+"/form", "/projects/"+project+"/common"

	w := s.do("POST", form, url.Values{"_version": {"1"}, "order_keepers": {"kolme"}, "performers": {"Yhtye"}})
	if body := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, `value="kolme"`) || !strings.Contains(body, `value="Yhtye"`) || !strings.Contains(body, `aria-invalid="true"`) || !strings.Contains(body, `href="#f-order_keepers"`) {
		t.Errorf("a wrong number: status %d, %s", w.Code, text(body))
	}
	if got := s.view(ids[0]).Answers["order_keepers"]; got != "kolme" {
		t.Errorf("what was typed is not kept: %v", got)
	}
	if at := s.post(form, url.Values{"_version": {s.version(form)}, "order_keepers": {"2"}}); at != form {
		t.Errorf("Enter leads to %s, want the form", at)
	}
	if page := s.get(form); !strings.Contains(page, `name="order_keeper_list.0.name"`) || !strings.Contains(text(page), "Tiedot on tallennettu.") {
		t.Error("the answer does not bring the rows that depend on it")
	}
	if at := s.post(form, url.Values{"_version": {s.version(form)}, "_next": {"1"}}); at != "/projects/"+project+"/send" {
		t.Errorf("save and go on leads to %s", at)
	}

	// rows come and go
	at := s.post(form, url.Values{"_version": {s.version(form)}, "order_keeper_list": {""}, "order_keeper_list.0.name": {"Yksi"}, "order_keeper_list.1.name": {"Kaksi"}, "_add": {"order_keeper_list"}})
	at, _, _ = strings.Cut(at, "#")
	if page := s.get(at); !strings.Contains(page, `name="order_keeper_list.2.name"`) {
		t.Errorf("no empty row at %s", at)
	}
	s.post(form, url.Values{"_version": {s.version(form)}, "order_keeper_list": {""}, "order_keeper_list.0.name": {"Yksi"}, "order_keeper_list.1.name": {"Kaksi"}, "_remove": {"order_keeper_list.0"}})
	if page := s.get(form); !strings.Contains(page, `value="Kaksi"`) || strings.Contains(page, `value="Yksi"`) {
		t.Error("the wrong row went")
	}

	// the language changes and the text stays
	s.post(form, url.Values{"_version": {s.version(form)}, "performers": {"Orkester"}, "_lang": {"sv"}})
	if s.view(ids[0]).Answers["performers"] != "Orkester" {
		t.Error("changing the language lost what was typed")
	}

	s.post(form, url.Values{"_version": {s.version(form)}, "_lang": {"fi"}})

	// a municipality is typed by its name
	s.post(common, url.Values{"_version": {s.version(common)}, "municipality": {"tammerfors"}, "other_municipalities": {"", "Nokia"}})
	v := s.view(ids[0])
	if got, _ := v.Project.Answers.At("other_municipalities.0"); v.Project.Answers["municipality"] != "837" || got != "536" {
		t.Errorf("municipalities are kept as %v and %v", v.Project.Answers["municipality"], got)
	}
	if page := s.get(common); !strings.Contains(page, `value="Nokia"`) {
		t.Error("the municipality is not shown by its name")
	}
	if !strings.Contains(text(s.get(form)), "Tampere") {
		t.Error("the matter's form does not show the common data it uses")
	}
	if w := s.do("POST", form, url.Values{"_version": {"99"}}); w.Code != http.StatusBadRequest {
		t.Errorf("a version from the future: status %d, want 400", w.Code)
	}
}

func TestTwoTabs(t *testing.T) {
	s := newSite(t)
	_, ids := s.start("event", "police-public-event")
	form := "/matters/" + ids[0] + "/form"
	s.post(form, url.Values{"_version": {"1"}, "performers": {"A"}, "structures": {"lava"}})
	// another field: joined
	s.post(form, url.Values{"_version": {"1"}, "risk_of_disturbance": {"pieni"}})
	v := s.view(ids[0])
	if v.Answers["performers"] != "A" || v.Answers["risk_of_disturbance"] != "pieni" {
		t.Errorf("two tabs were not joined: %v", v.Answers)
	}
	// the same field: both shown, nothing saved
	w := s.do("POST", form, url.Values{"_version": {"1"}, "performers": {"B"}, "structures": {"lava"}, "_next": {"1"}})
	body := w.Body.String()
	if w.Code != http.StatusConflict || !strings.Contains(text(body), "Sinun tekstisi B") || !strings.Contains(text(body), "Toisaalla tallennettu teksti A") {
		t.Fatalf("a clash: status %d, %s", w.Code, text(body))
	}
	if s.view(ids[0]).Answers["performers"] != "A" {
		t.Error("a clash was saved")
	}
	unescape := strings.NewReplacer("&#34;", `"`, "&amp;", "&")
	choice := url.Values{"_version": {hidden(t, body, "_version")}, "_merged": {unescape.Replace(hidden(t, body, "_merged"))}, "_theirs": {unescape.Replace(hidden(t, body, "_theirs"))}, "_path": {"performers"}, "_choice.performers": {"theirs"}}
	s.post(form, choice)
	if s.view(ids[0]).Answers["performers"] != "A" {
		t.Error("theirs was chosen, and is not there")
	}
	choice.Set("_choice.performers", "mine")
	s.post(form, choice)
	if v := s.view(ids[0]); v.Answers["performers"] != "B" || v.Answers["structures"] != "lava" {
		t.Errorf("mine was chosen, and is not there: %v", v.Answers)
	}
}

func (s *testSite) autosave(path string, v url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Autosave", "1")
	r.Header.Set("Accept", "application/json")
	return s.ask(r)
}

func TestAutosave(t *testing.T) {
	s := newSite(t)
	_, ids := s.start("event", "police-public-event")
	form := "/matters/" + ids[0] + "/form"
	a := decode(t, s.autosave(form, url.Values{"_version": {"1"}, "performers": {"A"}, "order_keepers": {"x"}, "_changed": {"performers", "order_keepers"}}))
	if a.Version != 2 || len(a.Conflicts) != 0 || a.Refresh || !strings.HasPrefix(a.SavedAt, "klo ") {
		t.Errorf("autosave answers %+v", a)
	}
	// an old tab saves another field: what it shows of the first is not taken
	a = decode(t, s.autosave(form, url.Values{"_version": {"1"}, "performers": {""}, "structures": {"lava"}, "_changed": {"structures"}}))
	if v := s.view(ids[0]); v.Answers["performers"] != "A" || v.Answers["structures"] != "lava" || !a.Refresh || a.Version != 3 {
		t.Errorf("two tabs: %+v, %v", a, v.Answers)
	}
	// the same field: told, the rest is saved, the version stays
	a = decode(t, s.autosave(form, url.Values{"_version": {"1"}, "performers": {"C"}, "risk_of_disturbance": {"pieni"}, "_changed": {"performers", "risk_of_disturbance"}}))
	if v := s.view(ids[0]); len(a.Conflicts) != 1 || a.Conflicts[0] != "performers" || a.Version != 1 || v.Answers["performers"] != "A" || v.Answers["risk_of_disturbance"] != "pieni" {
		t.Errorf("a clash: %+v, %v", a, v.Answers)
	}
	if w := s.do("POST", form, url.Values{"_version": {"1"}, "performers": {"C"}, "risk_of_disturbance": {"pieni"}}); w.Code != http.StatusConflict {
		t.Errorf("the form after a clash: status %d, want 409", w.Code)
	}
	s.who = stranger
	if w := s.autosave(form, url.Values{"_version": {"1"}}); w.Code != http.StatusNotFound || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("autosave as a stranger: status %d", w.Code)
	}
}

func TestPlainUpload(t *testing.T) {
	s := newSite(t)
	_, ids := s.start("event", "police-public-event")
	form := "/matters/" + ids[0] + "/form"
	w := s.send(form, url.Values{"_version": {"1"}, "performers": {"A"}, "_upload": {"att1"}}, map[string]string{"_file.att1/ohjelma.exe": "MZ"})
	if body := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(body), "muoto ei sovi") || !strings.Contains(body, `value="A"`) {
		t.Fatalf("a program: status %d, %s", w.Code, text(body))
	}
	big := "%PDF-1.7\n" + strings.Repeat("x", 3<<20)
	if w = s.send(form, url.Values{"_version": {s.version(form)}, "_upload": {"att1"}}, map[string]string{"_file.att1/Suunnitelma ä.pdf": big}); w.Code != http.StatusSeeOther {
		t.Fatalf("a file: status %d, %s", w.Code, text(w.Body.String()))
	}
	page := s.get(form)
	if !strings.Contains(page, "Suunnitelma ä.pdf") {
		t.Error("the file is not listed")
	}
	id := s.view(ids[0]).Answers["att1"].([]any)[0].(string)
	if w := s.do("GET", "/files/"+id, nil); !bytes.Equal(w.Body.Bytes(), []byte(big)) {
		t.Errorf("the file came back as %d bytes", w.Body.Len())
	}
	s.post(form, url.Values{"_version": {s.version(form)}, "att1": {"", id}, "_remove": {"att1.0"}})
	if _, there := s.view(ids[0]).Answers["att1"]; there {
		t.Error("the file is still in the answer")
	}
	if w := s.do("GET", "/files/"+id, nil); w.Code != http.StatusNotFound {
		t.Errorf("a removed file: status %d, want 404", w.Code)
	}
}

// Other files take the last room while one is on its way: it is refused, and
// what was typed beside it is saved.
func TestUploadWhenTheRoomGoesMeanwhile(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	form := "/matters/" + ids[0] + "/form"
	version := s.version(form)
	var head bytes.Buffer
	m := multipart.NewWriter(&head)
	part, err := m.CreateFormFile("_file.att1", "suunnitelma.pdf")
	s.must(err)
	_, _ = io.WriteString(part, "%PDF-1.7\n"+strings.Repeat("x", 3<<20))
	s.must(m.WriteField("performers", "Jazzkuoro"))
	s.must(m.WriteField("_pad", strings.Repeat(" ", 64<<10))) // more than a reader takes ahead
	taken := false
	between := readerFunc(func([]byte) (int, error) {
		for !taken {
			_, err := s.Files.Begin(t.Context(), attach.New{Project: project, Matter: ids[0], Place: attach.Answer, Field: "att1", Name: "muu.pdf", Size: 500 << 20, UploadedBy: s.who.ID, Side: "applicant"})
			if fail.Is(err, fail.TooLarge) {
				_, err = s.Files.Begin(t.Context(), attach.New{Project: project, Matter: ids[0], Place: attach.Answer, Field: "att1", Name: "muu.pdf", Size: 47 << 20, UploadedBy: s.who.ID, Side: "applicant"})
				taken = true
			}
			s.must(err)
		}
		return 0, io.EOF
	})
	first := bytes.Clone(head.Bytes())
	head.Reset()
	s.must(m.WriteField("_version", version))
	s.must(m.WriteField("_upload", "att1"))
	s.must(m.Close())
	r := httptest.NewRequest("POST", form, io.MultiReader(bytes.NewReader(first), between, &head))
	r.Header.Set("Content-Type", m.FormDataContentType())
	w := s.ask(r)
	if body := text(w.Body.String()); w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "2048") {
		t.Errorf("status %d: %s", w.Code, body)
	}
	if v := s.view(ids[0]); v.Answers["performers"] != "Jazzkuoro" || v.Answers["att1"] != nil {
		t.Errorf("saved: %v", v.Answers)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestResumableUpload(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	do := func(method, path, body string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return s.ask(r)
	}
	body := "%PDF-1.7 " + strings.Repeat("y", 5000)
	for _, tt := range []struct{ begin, field, path string }{
		{"/matters/" + ids[0] + "/uploads?field=att1", "att1", "/matters/" + ids[0] + "/form"},
		{"/projects/" + project + "/uploads?field=site_plan", "site_plan", "/projects/" + project + "/common"},
	} {
		w := do("POST", tt.begin, "", "Upload-Length", strconv.Itoa(len(body)), "Upload-Name", "p%C3%A4%C3%A4t%C3%B6s.pdf")
		at := w.Header().Get("Location")
		if w.Code != http.StatusCreated || at == "" {
			t.Fatalf("begin: status %d, %s", w.Code, w.Body)
		}
		if w := do("PATCH", at, body[:1000], "Upload-Offset", "0"); w.Code != http.StatusNoContent || w.Header().Get("Upload-Offset") != "1000" {
			t.Fatalf("the first piece: status %d, %s", w.Code, w.Body)
		}
		if w := do("PATCH", at, body[:1000], "Upload-Offset", "0"); w.Code != http.StatusConflict {
			t.Errorf("a piece twice: status %d, want 409", w.Code)
		}
		if w := do("HEAD", at, ""); w.Code != http.StatusOK || w.Header().Get("Upload-Offset") != "1000" {
			t.Errorf("HEAD: status %d, offset %s", w.Code, w.Header().Get("Upload-Offset"))
		}
		s.who = stranger
		if w := do("PATCH", at, body[1000:], "Upload-Offset", "1000"); w.Code != http.StatusNotFound {
			t.Errorf("a stranger's piece: status %d, want 404", w.Code)
		}
		s.who = aino
		if w := do("PATCH", at, body[1000:], "Upload-Offset", "1000"); w.Code != http.StatusNoContent {
			t.Fatalf("the last piece: status %d, %s", w.Code, w.Body)
		}
		if page := s.get(tt.path); !strings.Contains(page, "päätös.pdf") {
			t.Errorf("the file is not in %s", tt.field)
		}
	}
	if w := do("POST", "/matters/"+ids[0]+"/uploads?field=att1", "", "Upload-Length", "3", "Upload-Name", "x.exe"); w.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("a program: status %d", w.Code)
	}
	w := do("POST", "/matters/"+ids[0]+"/uploads?field=att1", "", "Upload-Length", "30", "Upload-Name", "x.pdf")
	if w := do("DELETE", w.Header().Get("Location"), ""); w.Code != http.StatusNoContent {
		t.Errorf("give up: status %d", w.Code)
	}
	if w := do("HEAD", w.Header().Get("Location"), ""); w.Code != http.StatusNotFound {
		t.Errorf("a given up upload: status %d, want 404", w.Code)
	}
}

// Whatever the matters of a project need of its common data is drawn as such,
// with nothing answered and with each group begun.
func TestWhatMattersNeedIsNotCalledOptional(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	for _, entity := range s.Catalogue.Entities {
		form, _, err := s.Catalogue.Form(entity.CommonForm, "")
		s.must(err)
		begun := forms.Answers{}
		for _, n := range form.Fields(nil) {
			for _, c := range n.Children {
				if len(c.Children) > 0 {
					begun[c.Path] = map[string]any{c.Children[len(c.Children)-1].Name: "x"}
				}
			}
		}
		if len(begun) < 4 {
			t.Fatalf("%s: %d groups were begun; want those of the common data", entity.ID, len(begun))
		}
		for _, typ := range s.Catalogue.TypesOf(entity.ID) {
			if typ.NotSent {
				continue
			}
			s.must(s.DB.InTx(ctx, func(tx *db.Tx) error {
				return catalogue.SaveOffer(ctx, tx, &catalogue.Offer{ID: "muni-837/" + typ.ID, Authority: "muni-837", Type: typ.ID, Way: catalogue.Light, Territory: []string{"837"}, Active: true})
			}))
			id, err := s.Desk.StartProject(ctx, aino, matter.NewProject{Entity: entity.ID, Municipality: "837", Name: "Hanke", Types: []string{typ.ID}})
			s.must(err)
			for name, answers := range map[string]forms.Answers{"nothing": {}, "groups begun": begun} {
				v, err := s.Desk.Project(ctx, aino, id)
				s.must(err)
				_, err = s.Desk.SaveCommon(ctx, aino, id, v.Version, answers)
				s.must(err)
				v, err = s.Desk.Project(ctx, aino, id)
				s.must(err)
				nodes := form.Fields(answers)
				s.must(room{Site: s.Site}.need(nodes, v.Rows))
				missed := 0
				for _, l := range v.Lacks[v.Rows[0].ID] {
					if !l.Common || !strings.HasPrefix(l.Problem.Key, "forms.required") {
						continue
					}
					missed++
					if n := node(nodes, l.Problem.Path); n == nil || n.Optional() {
						t.Errorf("%s, %s answered: %s is missed and drawn as optional", typ.ID, name, l.Problem.Path)
					}
				}
				if missed == 0 {
					t.Errorf("%s, %s answered: nothing is missed", typ.ID, name)
				}
			}
		}
	}
}

func node(nodes []forms.Node, path string) *forms.Node {
	for i := range nodes {
		if nodes[i].Path == path {
			return &nodes[i]
		}
		if n := node(nodes[i].Children, path); n != nil {
			return n
		}
	}
	return nil
}

// A date is asked with its time. Until that is given the date is kept as it is:
// no save complains, and it is missed only where one looks at what is missing.
// A link to what lacks of the common data marks all of it, as that to a
// matter's form does.
func TestAllThatLacksIsMarked(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	var want []string
	for _, l := range s.view(ids[0]).Lacks {
		if l.Common {
			want = append(want, l.Problem.Path)
		}
	}
	page := s.get("/projects/" + project + "/common?check=1")
	if len(want) < 5 {
		t.Fatalf("only %v lacks", want)
	}
	for _, path := range want {
		if !strings.Contains(page, `id="`+ui.FieldID(path)+`-problem"`) {
			t.Errorf("%s is not marked", path)
		}
	}
	if page := s.get("/projects/" + project + "/common"); strings.Contains(page, "aria-invalid") {
		t.Error("a form that was just opened is full of problems")
	}
}

func TestADateWaitsForItsTime(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise") // on 12 June 2027: at what time, nobody asked
	s.fill(ids[0])
	common, form := "/projects/"+project+"/common", "/matters/"+ids[0]+"/form"
	give := func(date, clock string) {
		t.Helper()
		s.post(common, url.Values{"_version": {s.version(common)}, "start_time.date": {date}, "start_time.time": {clock}})
	}
	input := regexp.MustCompile(`(?s)<input[^>]*id="f-start_time(?:-time)?"[^>]*>`)
	inputs := func(page string) string { return strings.Join(input.FindAllString(page, -1), " ") }
	give("12.6.2027", "")
	if got := inputs(s.get(common)); !strings.Contains(got, `value="2027-06-12"`) || !strings.Contains(got, `name="start_time.time" value=""`) || strings.Contains(got, "aria-invalid") {
		t.Errorf("the date alone is drawn as %s", got)
	}
	w := s.ask(func() *http.Request {
		r := httptest.NewRequest("POST", common, strings.NewReader(url.Values{
			"_version": {s.version(common)}, "_changed": {"start_time.date"}, "start_time.date": {"2027-06-13"}, "start_time.time": {""},
		}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Autosave", "1")
		return r
	}())
	if a := decode(t, w); w.Code != http.StatusOK || len(a.Conflicts) != 0 {
		t.Errorf("saved by itself: status %d, %+v", w.Code, a)
	}
	v := s.view(ids[0])
	if got := v.Project.Answers["start_time"]; got != "2027-06-13T" || !v.Project.StartsAt.Equal(time.Date(2027, 6, 13, 0, 0, 0, 0, i18n.Zone)) {
		t.Errorf("kept as %v, the project starts at %s", got, v.Project.StartsAt)
	}
	send := s.get("/projects/" + project + "/send")
	for name, page := range map[string]string{"the list of what lacks": send, "the form": s.get(form)} {
		if !strings.Contains(text(page), "Tapahtuma alkaa: Kellonaika puuttuu.") {
			t.Errorf("%s does not say that the time is missing: %s", name, text(page))
		}
	}
	checked := s.get(common + "?check=1")
	if got := inputs(checked); strings.Count(got, "aria-invalid") != 1 || !strings.Contains(checked, `href="#f-start_time-time"`) {
		t.Errorf("the problem does not lead to the time: %s", got)
	}
	if w := s.do("POST", "/projects/"+project+"/send", s.looked(project, ids[0])); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("sent without the time: status %d", w.Code)
	}
	give("", "18")
	if got := text(s.get("/projects/" + project + "/send")); !strings.Contains(got, "Tapahtuma alkaa: Päivä puuttuu.") {
		t.Errorf("the list does not say that the date is missing: %s", got)
	}
	w = s.do("POST", common, url.Values{"_version": {s.version(common)}, "start_time.date": {"Tiistaina"}, "start_time.time": {"illalla"}})
	if got := inputs(w.Body.String()); w.Code != http.StatusUnprocessableEntity || !strings.Contains(got, `value="Tiistaina"`) || !strings.Contains(got, `value="illalla"`) || strings.Count(got, `type="text"`) != 2 {
		t.Errorf("what is no date is lost: status %d, %s", w.Code, got)
	}
	give("13.6.2027", "17.00")
	s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	sealed, err := s.view(ids[0]).Submissions[0].Parse()
	s.must(err)
	if !strings.Contains(string(sealed.Common), `"start_time":"2027-06-13T17:00"`) {
		t.Errorf("sealed %s", sealed.Common)
	}
}

func TestANewProjectsTimeIsNotMadeUp(t *testing.T) {
	s := newSite(t)
	project, _ := s.start("event", "muni-noise")
	page := s.get("/projects/" + project + "/common")
	if !strings.Contains(page, `name="start_time.date" value="2027-06-12"`) || !strings.Contains(page, `name="start_time.time" value=""`) {
		t.Error("the day that was given is not there, or a time that was not is")
	}
}
