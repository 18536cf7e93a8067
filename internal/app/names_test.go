package app_test

import (
	"bytes"
	"fmt"
	"html"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// heads are how a form can name its file, well or badly.
func heads(field string) map[string]string {
	quoted := func(name string) string {
		return `form-data; name="` + field + `"; filename="` + name + `"`
	}
	extended := func(name string) string {
		return `form-data; name="` + field + `"; filename="x.pdf"; filename*=UTF-8''` + name
	}
	return map[string]string{
		"parts of a path": quoted("../../../../etc/passwd.txt"), "parts of a path, escaped": extended("..%2f..%2f..%2fetc%2fpasswd.txt"), "parts of a path for Windows": quoted(`..\\..\\boot.txt`),
		"a zero byte": extended("plan.exe%00.txt"), "a line break": extended("plan%0d%0aSet-Cookie%3a%20stolen%3d1%0d%0a%0d%0a%3cscript%3e.txt"),
		"the direction of writing": extended("lasku%E2%80%AEtxt.exe.txt"), "ten thousand letters": quoted(strings.Repeat("a", 10_000) + ".txt"),
		"dots before it": quoted(".htaccess.txt"), "only dots": quoted(".."), "a device": quoted("NUL.txt"), "broken UTF-8": quoted("plan\xff\xfe.txt"), "a quote": quoted(`plan\"; filename=\"virus.txt`),
		"spaces": quoted("   "), "a name of names": `form-data; name="` + field + `"; filename="a.txt"; name="` + field + `"`,
	}
}

// with makes a form of fields and one file under a head of its own.
func with(fields url.Values, head string, content []byte) *bytes.Buffer {
	var b bytes.Buffer
	for name, values := range fields {
		for _, v := range values {
			fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, v)
		}
	}
	fmt.Fprintf(&b, "--x\r\nContent-Disposition: %s\r\nContent-Type: text/html\r\n\r\n%s\r\n--x--\r\n", head, content)
	return &b
}

// safely fails unless a file is sent as one to be saved, under a name that harms
// nobody.
func (q *inquest) safely(t *testing.T, what, path string, access site.Access) {
	t.Helper()
	w := q.ask(httptest.NewRequest(http.MethodGet, path, nil), access, i18n.FI)
	kind, params, err := mime.ParseMediaType(w.Header().Get("Content-Disposition"))
	name := params["filename"]
	if w.Code != http.StatusOK || err != nil || kind != "attachment" {
		t.Errorf("%s: status %d, %q (%v); want a file to be saved", what, w.Code, w.Header().Get("Content-Disposition"), err)
	}
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "/\\\x00\r\n\"\u202e") || strings.HasPrefix(name, ".") || filepath.Base(name) != name {
		t.Errorf("%s is to be saved as %q", what, name)
	}
	for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Type": "text/plain; charset=utf-8"} {
		if got := w.Header().Values(header); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %s is %q; want %q", what, header, got, want)
		}
	}
	for _, c := range w.Result().Cookies() {
		if c.Name != "luvat" { // the session's own
			t.Errorf("%s sets the cookie %s", what, c.Name)
		}
	}
	if !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%s is not in the sandbox: %v", what, w.Header())
	}
}

// files lists the attachments of a matter.
func (d *disk) files(who identity.Customer, id string) (m *matter.View, all []attach.Attachment) {
	d.t.Helper()
	m, err := d.h.Desk.Matter(d.t.Context(), who, id)
	d.must(err)
	return m, m.Files
}

// A name never hinders an upload, nor does it harm whoever downloads it: through
// the form, through its script, and from an officer to the applicant.
func TestFileNamesThatAttack(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "")
	who := identity.Customer{Person: identity.Person{ID: "demo-aino", Name: "Aino Virtanen"}}
	_, m := d.draft(who)
	field := m.Form.AttachmentFields()[0].Path
	officers := blanksOf(t, d.h)[site.Officers][0]["matter"]
	content := func(what string) []byte { return []byte("Kartta: " + what) }
	post := func(path string, access site.Access, body *bytes.Buffer) int {
		r := httptest.NewRequest(http.MethodPost, path, body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		return d.ask(r, access, i18n.FI).Code
	}
	for what, head := range heads("_file." + field) {
		m, before := d.files(who, m.ID)
		code := post("/matters/"+m.ID+"/form", site.Customers, with(url.Values{"_version": {strconv.FormatInt(m.Version, 10)}}, head, content(what)))
		_, after := d.files(who, m.ID)
		want, more := http.StatusSeeOther, 1
		if what == "only dots" || what == "spaces" { // the form's field takes texts, and these end in nothing
			want, more = http.StatusUnprocessableEntity, 0
		}
		if code != want || len(after) != len(before)+more {
			t.Errorf("%s: status %d, %d files before and %d after; want %d and %d more", what, code, len(before), len(after), want, more)
		}
		if len(after) == len(before) {
			continue
		}
		d.safely(t, what, "/files/"+after[len(after)-1].ID, site.Customers)
	}
	for what, head := range heads("file") {
		if code := post("/officer/matters/"+officers+"/message", site.Officers, with(url.Values{"text": {"Katso liite."}}, head, content(what))); code != http.StatusSeeOther {
			t.Errorf("an officer's message with %s: status %d", what, code)
			continue
		}
		var id string
		d.must(d.h.DB.View(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRowContext(t.Context(), `SELECT id FROM attachments WHERE matter_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1`, officers).Scan(&id)
		}))
		d.safely(t, "an officer's "+what, "/officer/matters/"+officers+"/files/"+id, site.Officers)
	}
	for _, name := range []string{"..%2f..%2fetc%2fpasswd.txt", "plan%00.txt", "plan%0d%0aSet-Cookie:%20stolen=1.txt", "%E2%80%AEtxt.exe.txt", "%ff%fe.txt", "%zz.txt", "...txt", strings.Repeat("a", 10_000) + ".txt", "CON.txt"} {
		r := httptest.NewRequest(http.MethodPost, "/matters/"+m.ID+"/uploads?field="+field, http.NoBody)
		r.Header.Set("Upload-Name", name)
		r.Header.Set("Upload-Length", strconv.Itoa(len(content(name))))
		at := d.ask(r, site.Customers, i18n.FI).Header().Get("Location")
		r = httptest.NewRequest(http.MethodPatch, at, bytes.NewReader(content(name)))
		r.Header.Set("Upload-Offset", "0")
		if w := d.ask(r, site.Customers, i18n.FI); at == "" || w.Code != http.StatusNoContent {
			t.Errorf("the script's %.40q: status %d, %s", name, w.Code, w.Body)
			continue
		}
		d.safely(t, fmt.Sprintf("the script's %.40q", name), strings.Replace(at, "/uploads/", "/files/", 1), site.Customers)
	}
}

// Lengths and offsets that make no sense are refused plainly, and nothing begins.
func TestMalformedUploads(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "")
	who := identity.Customer{Person: identity.Person{ID: "demo-aino", Name: "Aino Virtanen"}}
	_, m := d.draft(who)
	upload := d.begun(m)
	before := written(t, d.h)
	i := 0
	refused := func(what, method, path, header, value string, status int) {
		t.Helper()
		i++
		l := i18n.Langs[i%len(i18n.Langs)]
		r := httptest.NewRequest(method, path, strings.NewReader(posted))
		r.Header.Set("Upload-Name", url.PathEscape(posted)+".txt")
		r.Header.Set(header, value)
		w := d.ask(r, site.Customers, l)
		known := slices.ContainsFunc([]string{
			i18n.T(l, "error.malformed"), i18n.T(l, "attach.empty"), i18n.T(l, "attach.too_large", 500), i18n.T(l, "attach.wrong_offset", 0), i18n.T(l, "error.not_found"),
		}, func(text string) bool { return text == w.Body.String() })
		if w.Code != status || !known || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s of %.20q in %s: status %d, %q; want %d in words", what, value, l, w.Code, w.Body, status)
		}
	}
	begin := "/matters/" + m.ID + "/uploads?field=" + m.Form.AttachmentFields()[0].Path
	for value, status := range map[string]int{"": 400, "kissa": 400, "1e9": 400, "99999999999999999999999": 400, "-5": 422, "0": 422, "9223372036854775807": 413, "0x10": 400, "1\x00": 400} {
		refused("a length", http.MethodPost, begin, "Upload-Length", value, status)
	}
	for value, status := range map[string]int{"": 400, "kissa": 400, "-1": 400, "7": 409, "9223372036854775807": 409, "99999999999999999999999": 400} {
		refused("an offset", http.MethodPatch, upload, "Upload-Offset", value, status)
	}
	for _, field := range []string{"", "nothing", "event_name", "../..", "_version"} {
		refused("a field", http.MethodPost, "/matters/"+m.ID+"/uploads?field="+url.QueryEscape(field), "Upload-Length", "5", 404)
	}
	untouched(t, d.h, before, d.log.String())
}

// A form that brings more files than its field takes is told so at the field.
func TestThousandsOfFilesInAForm(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "")
	who := identity.Customer{Person: identity.Person{ID: "demo-aino", Name: "Aino Virtanen"}}
	_, m := d.draft(who)
	_, before := d.files(who, m.ID)
	field := m.Form.AttachmentFields()[0]
	var b bytes.Buffer
	fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=\"_version\"\r\n\r\n%d\r\n", m.Version)
	for i := range 3000 {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=\"_file.%s\"; filename=\"%d.txt\"\r\n\r\n%d\r\n", field.Path, i, i)
	}
	b.WriteString("--x--\r\n")
	r := httptest.NewRequest(http.MethodPost, "/matters/"+m.ID+"/form", &b)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	w := d.ask(r, site.Customers, i18n.SV)
	_, after := d.files(who, m.ID)
	body := html.UnescapeString(w.Body.String())
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, i18n.T(i18n.SV, "customer.file_too_many", field.MaxItems)) || strings.Count(body, `class="problem"`) > 5 {
		t.Errorf("status %d; want 422 and the limit of %d told once: %.300s", w.Code, field.MaxItems, body)
	}
	if len(after)-len(before) != field.MaxItems {
		t.Errorf("%d files before and %d after; the field takes %d more", len(before), len(after), field.MaxItems)
	}
}
