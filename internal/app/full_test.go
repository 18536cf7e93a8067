package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"luvat/internal/app"
	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// A disk is what a hub stands on, and can be filled to the last byte.
type disk struct {
	*inquest
	t       *testing.T
	c       app.Config
	log     *syncBuffer
	mounted string // where a small disk of its own is, "" when only the database fills up
}

// smallDisk mounts a disk in memory, "" where this user may not: then only the
// limits of the database are tried.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Logf("no small disk of its own: %v %s", err, out)
		return ""
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// newDisk opens a copy of the demo on a disk.
func newDisk(t *testing.T, mounted string) *disk {
	t.Helper()
	c := app.DemoCopy(t)
	if file, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:"); ok && mounted != "" {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(mounted, "hub.db")
		if err := errors.Join(os.WriteFile(to, body, 0o600), os.CopyFS(filepath.Join(mounted, "attachments"), os.DirFS(c.Attachments))); err != nil {
			t.Fatal(err)
		}
		c.DatabaseURL, c.Attachments = "sqlite:"+to, filepath.Join(mounted, "attachments")
	}
	d := &disk{t: t, c: c, log: &syncBuffer{}, mounted: mounted}
	d.inquest = inquestOf(t, openAs(t, c, d.log))
	return d
}

func (d *disk) exec(sql string, args ...any) error {
	d.t.Helper()
	return d.h.DB.InTx(d.t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(d.t.Context(), sql, args...)
		return err
	})
}

func (d *disk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// fill leaves no room: on SQLite not a page in the database, and where there is a
// disk of its own not a byte on it; PostgreSQL refuses as it does on a full disk.
func (d *disk) fill() {
	d.t.Helper()
	if strings.HasPrefix(d.c.DatabaseURL, "postgres") {
		d.must(d.exec(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`))
		d.must(d.exec(`DO $$ DECLARE t text; BEGIN
			FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
				EXECUTE format('CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION disk_full()', t);
			END LOOP; END $$`))
		return
	}
	if d.mounted == "" {
		d.must(d.exec(`PRAGMA max_page_count = 1`)) // no fewer than it has
	} else {
		d.pad()
	}
	n := 0
	for size := 1 << 20; size > 10; size /= 2 { // what is free within the file
		for {
			n++
			err := d.exec(`INSERT INTO counters (name, value) VALUES ($1, 0)`, fmt.Sprint("filling/", n, strings.Repeat("x", size)))
			if db.IsFull(err) {
				break
			}
			d.must(err)
		}
	}
	if d.mounted != "" {
		d.pad()
	}
}

// pad writes a file until the disk takes no more of it.
func (d *disk) pad() {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.mounted, "padding"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	d.must(err)
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			d.must(err)
		}
	}
	d.must(f.Close())
}

// free gives the room back.
func (d *disk) free() {
	d.t.Helper()
	if strings.HasPrefix(d.c.DatabaseURL, "postgres") {
		d.must(d.exec(`DROP FUNCTION disk_full CASCADE`))
		return
	}
	if d.mounted == "" {
		d.must(d.exec(`PRAGMA max_page_count = 1000000`))
	} else {
		d.must(os.Remove(filepath.Join(d.mounted, "padding")))
	}
	d.must(d.exec(`DELETE FROM counters WHERE name LIKE 'filling/%'`))
}

// post sends a form; with a file's content, one that brings it.
func (d *disk) post(path string, access site.Access, l i18n.Lang, form url.Values, file string, content []byte) *httptest.ResponseRecorder {
	d.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range []string{"_version", "_common"} { // as the page's order is
		if form.Has(name) {
			d.must(w.WriteField(name, form.Get(name)))
		}
	}
	for name, values := range form {
		for _, v := range values {
			if name != "_version" && name != "_common" {
				d.must(w.WriteField(name, v))
			}
		}
	}
	if content != nil {
		part, err := w.CreateFormFile(file, "kartta.txt")
		d.must(err)
		_, err = part.Write(content)
		d.must(err)
	}
	d.must(w.Close())
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return d.ask(r, access, l)
}

// told fails unless the answer tells of the full disk, as a page in the language
// that still has what was typed.
func (d *disk) told(what string, w *httptest.ResponseRecorder, l i18n.Lang, typed string) {
	d.t.Helper()
	body := html.UnescapeString(w.Body.String())
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Language") != string(l) || heading.FindString(body) == "" || !strings.Contains(body, i18n.T(l, "error.disk_full")) {
		d.t.Errorf("%s in %s: status %d in %q; want 503 and a page of the full disk:\n%.1500s", what, l, w.Code, w.Header().Get("Content-Language"), body)
	}
	if !strings.Contains(body, typed) {
		d.t.Errorf("%s in %s: what was typed is gone", what, l)
	}
}

func (d *disk) done(what string, w *httptest.ResponseRecorder) {
	d.t.Helper()
	if w.Code != http.StatusSeeOther {
		d.t.Errorf("%s with room again: status %d; want 303:\n%.1500s", what, w.Code, w.Body)
	}
}

// draft begins a project of the asker's with one matter that lacks nothing.
func (d *disk) draft(who identity.Customer) (project string, m *matter.View) {
	d.t.Helper()
	ctx, desk := d.t.Context(), d.h.Desk
	project, err := desk.StartProject(ctx, who, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäjuhla", Types: []string{"rescue-temp-lodging"}})
	d.must(err)
	v, err := desk.Project(ctx, who, project)
	d.must(err)
	id := v.Rows[0].ID
	m, err = desk.Matter(ctx, who, id)
	d.must(err)
	common, err := m.Common.Example(m.Project.Answers, true, nil)
	d.must(err)
	common["contact_email"] = "aino.virtanen@posti.example" // needed by the matter, not by every project
	_, err = desk.SaveCommon(ctx, who, project, m.Project.Version, common)
	d.must(err)
	field := m.Form.AttachmentFields()[0].Path
	a, err := d.h.Files.Put(ctx, attach.New{Project: project, Matter: id, Place: attach.Answer, Field: field, Name: "suunnitelma.txt", Size: -1, UploadedBy: who.ID, Side: "applicant"},
		strings.NewReader("suunnitelma"))
	d.must(err)
	own, err := m.Form.Example(m.Answers, true, func(string) string { return a.ID })
	d.must(err)
	_, err = desk.SaveDraft(ctx, who, id, m.Version, own)
	d.must(err)
	m, err = desk.Matter(ctx, who, id)
	d.must(err)
	if len(m.Lacks) > 0 {
		d.t.Fatalf("the draft lacks %v", m.Lacks)
	}
	return project, m
}

// A full disk is told to whoever it hits, in words and with what was typed;
// reading goes on, nothing that was saved is lost, and with room again all goes
// on where it was. The database is whole afterwards.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	t.Run("the database", func(t *testing.T) {
		t.Parallel()
		fullDisk(t, newDisk(t, ""))
	})
	t.Run("the disk", func(t *testing.T) {
		t.Parallel()
		if dir := smallDisk(t); dir != "" && os.Getenv("LUVAT_TEST_POSTGRES") == "" {
			fullDisk(t, newDisk(t, dir))
		}
	})
}

func fullDisk(t *testing.T, d *disk) {
	who := identity.Customer{Person: identity.Person{ID: "demo-aino", Name: "Aino Virtanen"}}
	project, m := d.draft(who)
	text := longText(t, m.Form, m.Answers)
	officers := blanksOf(t, d.h)[site.Officers][0]["matter"]
	large := d.begun(m)
	before := written(t, d.h)
	d.fill()

	typed := func(l i18n.Lang) string {
		return "Tähän kirjoitettiin pitkään " + string(l) + strings.Repeat(" ja vielä lisää", 300)
	}
	form, common := "/matters/"+m.ID+"/form", strconv.FormatInt(m.Project.Version, 10)
	draft := func(l i18n.Lang) url.Values {
		return url.Values{"_version": {strconv.FormatInt(m.Version, 10)}, text: {typed(l)}}
	}
	send := url.Values{"_common": {common}, "matter": {m.ID}, "_version." + m.ID: {strconv.FormatInt(m.Version, 10)}}
	file := "_file." + m.Form.AttachmentFields()[0].Path
	message := "/officer/matters/" + officers + "/message"
	for _, l := range i18n.Langs {
		w := d.post(form, site.Customers, l, draft(l), "", nil)
		d.told("saving a draft", w, l, typed(l))
		if !strings.Contains(w.Body.String(), ` name="`+text+`"`) {
			t.Errorf("saving a draft in %s: it is not the form that is shown again", l)
		}
		d.told("a draft with a file", d.post(form, site.Customers, l, draft(l), file, plan), l, typed(l))
		d.told("sending", d.post("/projects/"+project+"/send", site.Customers, l, send, "", nil), l, m.ID)
		d.told("an officer's message", d.post(message, site.Officers, l, url.Values{"text": {typed(l)}}, "", nil), l, typed(l))
		d.told("a message with a file", d.post(message, site.Officers, l, url.Values{"text": {typed(l)}}, "file", plan), l, typed(l))
		if d.dense() {
			d.told("inviting", d.post("/projects/"+project+"/members/invite", site.Customers, l, url.Values{"email": {"kutsuttu@example.fi"}, "role": {"editor"}, "lang": {"fi"}}, "", nil), l, "")
			d.plainly("beginning an upload", d.upload(m, l), l)
		}
		d.saves(m, l)
		if d.mounted != "" {
			d.plainly("a large upload", d.patch(large, "0", l), l)
		}
		for _, page := range []string{"/projects", "/projects/" + project, "/matters/" + m.ID, form, "/projects/" + project + "/send"} {
			if w := d.ask(httptest.NewRequest(http.MethodGet, page, nil), site.Customers, l); w.Code != http.StatusOK {
				t.Errorf("reading %s: status %d; want 200", strings.ReplaceAll(page, project, "PROJECT"), w.Code)
			}
		}
	}
	if !strings.Contains(d.log.String(), "no room on the disk") {
		t.Error("the log does not tell of the full disk")
	}
	for _, secret := range []string{"Tähän kirjoitettiin", "Kanarialintu", "kartta"} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !d.dense() {
		delete(before, "an attachment") // a file that came with a message is kept for the next try
	}
	if now := written(t, d.h); len(changed(before, now)) > 0 {
		t.Errorf("on the full disk %v changed", changed(before, now))
	}

	d.free()
	d.goesOn(large)
	m, err := d.h.Desk.Matter(t.Context(), who, m.ID)
	d.must(err)
	d.done("saving a draft", d.post(form, site.Customers, i18n.FI, draft(i18n.FI), "", nil))
	d.done("an officer's message", d.post(message, site.Officers, i18n.FI, url.Values{"text": {typed(i18n.FI)}}, "", nil))
	m, err = d.h.Desk.Matter(t.Context(), who, m.ID)
	d.must(err)
	if got, _ := m.Answers.At(text); got != typed(i18n.FI) {
		t.Errorf("what was saved with room again is %v", got)
	}
	send.Set("_version."+m.ID, strconv.FormatInt(m.Version, 10))
	d.done("sending", d.post("/projects/"+project+"/send", site.Customers, i18n.FI, send, "", nil))
	var said bytes.Buffer
	d.c.Keys = "" // nothing was sealed
	if ok, err := app.Check(t.Context(), d.c, true, &said); err != nil || !ok {
		t.Errorf("luvat check: %v\n%s", err, &said)
	}
	if _, err := ledger.Verify(t.Context(), d.h.DB); err != nil {
		t.Error(err)
	}
}

// dense tells whether nothing at all can be written: a page of a database at its
// limit may have room for a short row.
func (d *disk) dense() bool {
	return d.mounted != "" || strings.HasPrefix(d.c.DatabaseURL, "postgres")
}

// plainly fails unless a script is told of the full disk.
func (d *disk) plainly(what string, w *httptest.ResponseRecorder, l i18n.Lang) {
	d.t.Helper()
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != i18n.T(l, "error.disk_full") {
		d.t.Errorf("%s in %s: status %d, %q", what, l, w.Code, w.Body)
	}
}

// upload begins an upload as the page's script does.
func (d *disk) upload(m *matter.View, l i18n.Lang) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/matters/"+m.ID+"/uploads?field="+m.Form.AttachmentFields()[0].Path, http.NoBody)
	r.Header.Set("Upload-Name", "kartta.txt")
	r.Header.Set("Upload-Length", strconv.Itoa(len(plan)))
	return d.ask(r, site.Customers, l)
}

// plan is a file that a full disk has no room for.
var plan = bytes.Repeat([]byte("kartta "), 100_000)

// begun is the address of an upload of which nothing has come yet.
func (d *disk) begun(m *matter.View) string {
	d.t.Helper()
	w := d.upload(m, i18n.FI)
	if w.Code != http.StatusCreated {
		d.t.Fatalf("an upload begins with status %d: %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// patch sends the rest of the plan from an offset on.
func (d *disk) patch(upload, offset string, l i18n.Lang) *httptest.ResponseRecorder {
	d.t.Helper()
	n, err := strconv.Atoi(offset)
	d.must(err)
	r := httptest.NewRequest(http.MethodPatch, upload, bytes.NewReader(plan[n:]))
	r.Header.Set("Upload-Offset", offset)
	return d.ask(r, site.Customers, l)
}

// goesOn sends what lacks of the plan, once there is room.
func (d *disk) goesOn(upload string) {
	d.t.Helper()
	at := d.ask(httptest.NewRequest(http.MethodHead, upload, nil), site.Customers, i18n.FI).Header().Get("Upload-Offset")
	if w := d.patch(upload, at, i18n.FI); w.Code != http.StatusNoContent {
		d.t.Errorf("going on with an upload from %s: status %d, %s", at, w.Code, w.Body)
	}
	w := d.ask(httptest.NewRequest(http.MethodGet, strings.Replace(upload, "/uploads/", "/files/", 1), nil), site.Customers, i18n.FI)
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), plan) {
		d.t.Errorf("the upload is read with status %d, %d bytes; want all %d", w.Code, w.Body.Len(), len(plan))
	}
}

// saves saves as the page's script does between two keys.
func (d *disk) saves(m *matter.View, l i18n.Lang) {
	d.t.Helper()
	text := longText(d.t, m.Form, m.Answers)
	save := httptest.NewRequest(http.MethodPost, "/matters/"+m.ID+"/form", strings.NewReader(url.Values{
		"_version": {strconv.FormatInt(m.Version, 10)}, "_changed": {text}, text: {"itsekseen" + strings.Repeat(" tallentuva", 500)},
	}.Encode()))
	save.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	save.Header.Set("X-Autosave", "1")
	d.plainly("an autosave", d.ask(save, site.Customers, l), l)
}

// longText is a field of the form that takes a long text.
func longText(t *testing.T, f *forms.Form, answers forms.Answers) string {
	t.Helper()
	var found string
	var walk func([]forms.Node)
	walk = func(nodes []forms.Node) {
		for _, n := range nodes {
			if n.Widget == forms.WidgetLongText && found == "" {
				found = n.Path
			}
			walk(n.Children)
		}
	}
	walk(f.Fields(answers))
	if found == "" {
		t.Fatal("the form takes no long text")
	}
	return found
}
