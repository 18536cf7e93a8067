package dossier_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

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
)

// A bench is a desk with people around it, and a maker of packages.
type bench struct {
	*matter.Desk
	t     *testing.T
	clock *testkit.Clock
	maker *dossier.Maker
	dir   string // of the attachments
}

var (
	aino   = identity.Customer{Person: identity.Person{ID: "aino", Name: "Aino Järvinen", Email: "aino@example.fi", Lang: i18n.FI}}
	rescue = officer("palo", "Paavo Palo", "rescue-pirkanmaa")
	city   = officer("kunta", "Kaija Kunta", "muni-837")
)

func officer(id, name, authority string) identity.Officer {
	return identity.Officer{Person: identity.Person{ID: id, Name: name, Email: id + "@example.fi", Lang: i18n.FI}, Authority: authority, Role: identity.RoleOfficer}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := context.Background()
	d, clock := testkit.Filled(t, loaded), testkit.NewClock()
	cat, err := catalogue.Open(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "files")
	files, err := attach.Open(d, dir, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	err = d.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range []identity.Person{aino.Person, rescue.Person, city.Person} {
			if err := identity.SavePerson(ctx, tx, clock.Now(), p); err != nil {
				return err
			}
		}
		for authority, typ := range map[string]string{"rescue-pirkanmaa": "rescue-plan", "muni-837": "muni-sewer"} {
			if err := catalogue.SaveOffer(ctx, tx, &catalogue.Offer{
				ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: catalogue.Light,
				Territory: []string{"837"}, NoticeEmail: typ + "@example.fi", Active: true,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		Desk: &matter.Desk{DB: d, Catalogue: cat, Files: files, Now: clock.Now}, t: t, clock: clock, dir: dir,
		maker: &dossier.Maker{Catalogue: cat, Files: files, Now: clock.Now},
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// put uploads a file.
func (b *bench) put(n attach.New, text string) string {
	b.t.Helper()
	n.Size = int64(len(text))
	a, err := b.Files.Put(b.t.Context(), n, strings.NewReader(text))
	b.must(err)
	return a.ID
}

// hostile are names of files as nobody should give them.
var hostile = []string{"../../etc/passwd", `C:\Windows\system32\..\pohja.pdf`, "CON", "pohja.pdf", "POHJA.PDF", "a\u202efdp.exe", " .. ", "rivi\nrivi.txt", strings.Repeat("ä", 200) + ".pdf"}

// answer fills in all of a matter's form and of the common form, with a file
// at every field that takes some.
func (b *bench) answer(id string) matter.Looked {
	b.t.Helper()
	ctx := b.t.Context()
	v, err := b.Matter(ctx, aino, id)
	b.must(err)
	n := 0
	filler := func(matterID string) func(string) string {
		return func(field string) string {
			n++
			return b.put(attach.New{Project: v.Project.ID, Matter: matterID, Place: attach.Answer, Field: field, Name: hostile[n%len(hostile)], UploadedBy: aino.ID, Side: "applicant"},
				fmt.Sprintf("%%PDF-1.4 liite %s %d", field, n))
		}
	}
	common, err := v.Common.Example(v.Project.Answers, true, filler(""))
	b.must(err)
	common["project_description"] = "Ämyrit soivat: \"kesä\" </script>"
	common = withFiles(v.Common, common, filler(""))
	_, err = b.SaveCommon(ctx, aino, v.Project.ID, v.Project.Version, common)
	b.must(err)
	own, err := v.Form.Example(v.Answers, true, filler(v.ID))
	b.must(err)
	if v.Type == "rescue-plan" {
		own["safety_arrangements"] = "Myrsky kaataa teltan\n\nTulipalo keittiössä"
	}
	own = withFiles(v.Form, own, filler(v.ID))
	_, err = b.SaveDraft(ctx, aino, id, v.Version, own)
	b.must(err)
	v, err = b.Matter(ctx, aino, id)
	b.must(err)
	return matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}
}

// withFiles puts three files into every field of the top level that takes some.
func withFiles(f *forms.Form, a forms.Answers, file func(string) string) forms.Answers {
	for _, n := range f.AttachmentFields() {
		if !strings.Contains(n.Path, ".") {
			a[n.Path] = []any{file(n.Path), file(n.Path), file(n.Path)}
		}
	}
	return a
}

// handled takes a matter through everything and returns its id.
func (b *bench) handled() string {
	b.t.Helper()
	ctx := b.t.Context()
	project, err := b.StartProject(ctx, aino, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäkonsertti", Types: []string{"rescue-plan", "muni-sewer"}})
	b.must(err)
	p, err := b.Project(ctx, aino, project)
	b.must(err)
	id := p.Rows[slices.IndexFunc(p.Rows, func(r matter.Row) bool { return r.Type == "rescue-plan" })].ID
	for _, r := range p.Rows {
		_, err = b.Send(ctx, aino, []matter.Looked{b.answer(r.ID)})
		b.must(err)
		b.clock.Move(time.Minute)
	}
	b.must(b.Take(ctx, rescue, id, ""))
	b.must(b.Identify(ctx, rescue, id, "", "PIR/123/2027"))
	b.must(b.AskCompletion(ctx, rescue, id, matter.Request{Fields: []string{"safety_arrangements"}, Text: "Arvioi myös ukkosen vaara.", Due: b.clock.Now().AddDate(0, 0, 7)}))
	b.clock.Move(time.Hour)
	_, err = b.Complete(ctx, aino, matter.Completion{Looked: b.answer(id)})
	b.must(err)
	note := b.put(attach.New{Project: project, Matter: id, Place: attach.Message, Name: "kysymys.txt", UploadedBy: aino.ID, Side: "applicant"}, "Kysymys")
	b.must(b.WriteAsApplicant(ctx, aino, id, "Riittääkö tämä?", []string{note}))
	b.must(b.WriteToAuthority(ctx, rescue, id, matter.Letter{To: "muni-837", Text: "Vain viranomaisten kesken.", AskBy: b.clock.Now().AddDate(0, 0, 2)}))
	b.must(b.AnswerAuthority(ctx, city, id, "Lausuntomme: vettä riittää.", nil))
	b.put(attach.New{Project: project, Matter: id, Place: attach.Decision, Name: "luonnos.txt", UploadedBy: rescue.ID, Side: "authority:rescue-pirkanmaa"}, "Ei vielä kenellekään")
	dec := b.put(attach.New{Project: project, Matter: id, Place: attach.Decision, Name: "päätös.txt", UploadedBy: rescue.ID, Side: "authority:rescue-pirkanmaa"}, "Päätös")
	b.must(b.Finish(ctx, rescue, id, matter.Decision{Outcome: "approved", Text: "Suunnitelma on hyvä.", Files: []string{dec}}))
	return id
}

func (b *bench) asOfficer(id string) *matter.View {
	b.t.Helper()
	v, err := b.Handled(b.t.Context(), rescue, id)
	b.must(err)
	return v
}

func (b *bench) pack(v *matter.View, lang i18n.Lang) map[string][]byte {
	b.t.Helper()
	var buf bytes.Buffer
	b.must(b.maker.Write(b.t.Context(), &buf, v, lang))
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	b.must(err)
	files := map[string][]byte{}
	for _, f := range r.File {
		if _, twice := files[f.Name]; twice {
			b.t.Errorf("%s is there twice", f.Name)
		}
		in, err := f.Open()
		b.must(err)
		files[f.Name], err = io.ReadAll(in)
		b.must(err)
	}
	return files
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func TestThePackageIsWholeAndCanBeChecked(t *testing.T) {
	b := newBench(t)
	files := b.pack(b.asOfficer(b.handled()), i18n.FI)

	listed := map[string]bool{"SHA256SUMS": true}
	for line := range strings.Lines(string(files["SHA256SUMS"])) {
		hash, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if body, there := files[name]; !ok || !there || sum(body) != hash {
			t.Errorf("SHA256SUMS: %q does not fit", line)
		}
		listed[name] = true
	}
	for name := range files {
		if !listed[name] {
			t.Errorf("SHA256SUMS does not name %s", name)
		}
	}
	var index struct {
		Files []struct {
			Path, SHA256 string
			Size         int
		}
		Missing []any
	}
	if err := json.Unmarshal(files["index.json"], &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Files) != len(files)-3 || len(index.Missing) != 0 {
		t.Errorf("index.json names %d of %d files, %d missing", len(index.Files), len(files), len(index.Missing))
	}
	for _, f := range index.Files {
		if body := files[f.Path]; len(body) != f.Size || sum(body) != f.SHA256 {
			t.Errorf("index.json: %+v does not fit", f)
		}
		if !strings.Contains(string(files["index.txt"]), f.Path+"\n") {
			t.Errorf("index.txt does not name %s", f.Path)
		}
	}
	for _, name := range []string{"asia-A2027-1001.pdf", "matter.json", "matter.schema.json", "forms/rescue-plan/schema.json", "forms/rescue-plan/ui.json", "forms/common-event/words.json"} {
		if len(files[name]) == 0 {
			t.Errorf("the package lacks %s", name)
		}
	}
	schema, _, err := b.Catalogue.Form("rescue-plan", "")
	b.must(err)
	if want, _, _ := schema.Bodies(); !bytes.Equal(files["forms/rescue-plan/schema.json"], want) {
		t.Error("the form's schema is not as it was answered")
	}
}

func TestNamesInThePackageAreSafe(t *testing.T) {
	b := newBench(t)
	files := b.pack(b.asOfficer(b.handled()), i18n.FI)
	folded, attachments := map[string]bool{}, 0
	for name := range files {
		if !filepath.IsLocal(name) || strings.ContainsAny(name, "\\:*?\"<>|\n\u202e") || len(name) > 200 || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
			t.Errorf("unsafe name %q", name)
		}
		if low := strings.ToLower(name); folded[low] {
			t.Errorf("%q is there twice when case does not count", name)
		} else {
			folded[low] = true
		}
		if strings.HasPrefix(name, "attachments/") {
			attachments++
			if strings.Count(name, "/") != 1 {
				t.Errorf("%q is in a folder of its own", name)
			}
		}
	}
	if attachments < 10 {
		t.Errorf("%d attachments; want at least 10", attachments)
	}
}

// read is matter.json as a stranger's program would read it.
type read struct {
	Matter struct {
		Number, Status, Outcome, Identifier string
	}
	Submissions []struct {
		N            int
		SHA256, Body string
		Content      struct{ Answers, Common map[string]any }
	}
	Messages []struct {
		Thread, Text string
		Attachments  []string
	}
	Requests []struct{ Text string }
	Decision *struct {
		Outcome, Text string
		Attachments   []string
	}
	Timeline    []struct{ Deed string }
	Attachments []struct {
		Path, Name, SHA256, From string
		Missing                  bool
		Submissions              []int
	}
}

func parse(t *testing.T, files map[string][]byte) (r read) {
	t.Helper()
	if err := json.Unmarshal(files["matter.json"], &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func validate(t *testing.T, schema, doc []byte) {
	t.Helper()
	s, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:luvat:package:1", s); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("urn:luvat:package:1")
	if err != nil {
		t.Fatal(err)
	}
	d, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(d); err != nil {
		t.Errorf("matter.json is not as its schema says: %v", err)
	}
}

func TestMatterJSON(t *testing.T) {
	b := newBench(t)
	id := b.handled()
	v := b.asOfficer(id)
	files := b.pack(v, i18n.EN)
	validate(t, files["matter.schema.json"], files["matter.json"])
	r := parse(t, files)
	if r.Matter.Status != "finished" || r.Matter.Outcome != "approved" || r.Matter.Identifier != "PIR/123/2027" || len(r.Submissions) != 2 || len(r.Requests) != 1 || len(r.Timeline) != len(v.Events) {
		t.Errorf("matter.json says %+v, %d submissions", r.Matter, len(r.Submissions))
	}
	for i, s := range r.Submissions {
		if s.Body != v.Submissions[i].Body || sum([]byte(s.Body)) != s.SHA256 || s.SHA256 != v.Submissions[i].Hash {
			t.Errorf("the body of submission %d is not what was sealed", s.N)
		}
		if s.Content.Answers["safety_arrangements"] != "Myrsky kaataa teltan\n\nTulipalo keittiössä" || s.Content.Common["project_description"] != `Ämyrit soivat: "kesä" </script>` {
			t.Errorf("submission %d, parsed: %v", s.N, s.Content)
		}
	}
	if len(r.Messages) != 3 || len(r.Messages[0].Attachments) != 1 || string(files[r.Messages[0].Attachments[0]]) != "Kysymys" {
		t.Errorf("messages %+v", r.Messages)
	}
	if r.Decision == nil || len(r.Decision.Attachments) != 1 || string(files[r.Decision.Attachments[0]]) != "Päätös" {
		t.Errorf("decision %+v", r.Decision)
	}
	for _, a := range r.Attachments {
		if sum(files[a.Path]) != a.SHA256 || (a.From == "submission") != (len(a.Submissions) > 0) {
			t.Errorf("attachment %+v does not fit its file", a)
		}
		if a.Name == "luonnos.txt" {
			t.Error("a file that nobody was given is in the package")
		}
	}
}

func TestThePackageShowsWhatTheReaderMaySee(t *testing.T) {
	b := newBench(t)
	id := b.handled()
	between := "Vain viranomaisten kesken."

	mine, err := b.Matter(t.Context(), aino, id)
	b.must(err)
	files := b.pack(mine, i18n.SV)
	validate(t, files["matter.schema.json"], files["matter.json"])
	if text := string(files["matter.json"]) + pdfText(t, files["asia-A2027-1001.pdf"]); strings.Contains(text, between) {
		t.Error("the applicant's package has what authorities wrote to each other")
	}
	guest, err := b.Handled(t.Context(), city, id)
	b.must(err)
	files = b.pack(guest, i18n.FI)
	validate(t, files["matter.schema.json"], files["matter.json"])
	text := string(files["matter.json"]) + pdfText(t, files["asia-A2027-1001.pdf"])
	if !strings.Contains(text, between) || strings.Contains(text, "Riittääkö tämä?") || strings.Contains(text, "Myrsky") || strings.Contains(text, "Suunnitelma on hyvä") {
		t.Error("another authority's package has more than its thread")
	}
	if r := parse(t, files); len(r.Attachments) != 0 || len(r.Submissions) != 0 {
		t.Errorf("another authority got %d submissions and %d attachments", len(r.Submissions), len(r.Attachments))
	}
}

func TestADraftHasNothingToShow(t *testing.T) {
	b := newBench(t)
	project, err := b.StartProject(t.Context(), aino, matter.NewProject{Entity: "event", Municipality: "837", Name: "Kesäkonsertti", Types: []string{"rescue-plan"}})
	b.must(err)
	p, err := b.Project(t.Context(), aino, project)
	b.must(err)
	b.answer(p.Rows[0].ID)
	v, err := b.Matter(t.Context(), aino, p.Rows[0].ID)
	b.must(err)
	files := b.pack(v, i18n.FI)
	validate(t, files["matter.schema.json"], files["matter.json"])
	if r := parse(t, files); len(r.Submissions) != 0 || len(r.Attachments) != 0 || bytes.Contains(files["matter.json"], []byte("Myrsky")) {
		t.Error("the package of a draft has what was not sent")
	}
}

// pdfText reads a PDF as people and screen readers get its text.
func pdfText(t *testing.T, doc []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "doc.pdf")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-raw", "-enc", "UTF-8", file, "-").Output() // Debian: poppler-utils
	if err != nil {
		t.Fatalf("pdftotext (package poppler-utils): %v", err)
	}
	return string(out)
}

func TestThePDFSaysItInWords(t *testing.T) {
	b := newBench(t)
	v := b.asOfficer(b.handled())
	for lang, words := range map[i18n.Lang][]string{
		i18n.FI: {"Pelastussuunnitelma", "Lähetetyt tiedot", "Täydennetyt tiedot (lähetys 2)", "Hyväksytty", "Asia lähetettiin viranomaiselle", "Tampere", "Pirkanmaan pelastuslaitos", "Täydennyspyyntö 1"},
		i18n.SV: {"Räddningsplan", "Skickade uppgifter", "Kompletterade uppgifter (sändning 2)", "Godkänd", "Ärendet skickades till myndigheten", "Tammerfors", "Begäran om komplettering 1"},
		i18n.EN: {"What was sent", "What was sent to complete the matter (submission 2)", "Approved", "The matter was sent to the authority", "Request for completion 1"},
	} {
		var doc bytes.Buffer
		b.must(b.maker.PDF(&doc, v, lang))
		text := strings.Join(strings.Fields(pdfText(t, doc.Bytes())), " ")
		words = append(words, "Myrsky kaataa teltan", "Tulipalo keittiössä", `Ämyrit soivat: "kesä" </script>`, "PIR/123/2027", "Kesäkonsertti", "Paavo Palo",
			"Riittääkö tämä?", "Lausuntomme: vettä riittää.", "Suunnitelma on hyvä.", "Arvioi myös ukkosen vaara.", "päätös.txt", v.Form.Label("safety_arrangements").In(lang),
			"61.4978, 23.7610 (WGS84) N 6822520, E 327614 (ETRS-TM35FIN)")
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the PDF does not say %q", lang, w)
			}
		}
		for _, long := range []string{v.Submissions[0].Hash, v.Submissions[1].Hash, "https://asiointi.maanmittauslaitos.fi/karttapaikka/?e=327614&lang=" + string(lang) + "&n=6822520"} {
			if !strings.Contains(strings.ReplaceAll(text, " ", ""), long) {
				t.Errorf("%s: the PDF lacks %s", lang, long)
			}
		}
		for _, wrong := range []string{"[dossier.", "[deed.", "[holder.", "{0}", "rescue-pirkanmaa", v.Submissions[0].ID, "in_handling"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%s: the PDF says %q", lang, wrong)
			}
		}
	}
}

// A receipt is one submission in words, and nothing that came before or after it.
func TestAReceiptIsOneSubmission(t *testing.T) {
	b := newBench(t)
	v := b.asOfficer(b.handled())
	for lang, words := range map[i18n.Lang][]string{
		i18n.FI: {"Kuitti lähetetyistä tiedoista", "Pelastussuunnitelma", "Tampere", "Tarkista kuitti"},
		i18n.SV: {"Kvitto på skickade uppgifter", "Räddningsplan", "Tammerfors", "Kontrollera kvittot"},
		i18n.EN: {"Receipt of what was sent", "Check the receipt"},
	} {
		for i, other := range []int{1, 0} {
			sub := v.Submissions[i]
			var doc bytes.Buffer
			b.must(b.maker.Receipt(&doc, v, &sub, lang))
			text := strings.Join(strings.Fields(pdfText(t, doc.Bytes())), " ")
			for _, w := range append(words, v.Number, v.Project.Number, v.Names[sub.SentBy], i18n.DateTime(lang, sub.SentAt), v.Form.Label("safety_arrangements").In(lang)) {
				if !strings.Contains(text, w) {
					t.Errorf("%s: receipt %d does not say %q", lang, sub.N, w)
				}
			}
			dense := strings.ReplaceAll(text, " ", "")
			if !strings.Contains(dense, sub.Hash) || strings.Contains(dense, v.Submissions[other].Hash) {
				t.Errorf("%s: receipt %d has not its checksum alone", lang, sub.N)
			}
			for _, wrong := range []string{"[dossier.", "{0}", "Riittääkö tämä?", "Suunnitelma on hyvä.", "Lausuntomme"} {
				if strings.Contains(text, wrong) {
					t.Errorf("%s: receipt %d says %q", lang, sub.N, wrong)
				}
			}
			if got := pdfInfo(t, doc.Bytes()); !regexp.MustCompile(`(?m)^Tagged: +yes$`).MatchString(got) {
				t.Errorf("%s: receipt %d is not tagged:\n%s", lang, sub.N, got)
			}
		}
	}
}

func pdfInfo(t *testing.T, doc []byte) string {
	t.Helper()
	cmd := exec.Command("pdfinfo", "-") // Debian: poppler-utils
	cmd.Stdin = bytes.NewReader(doc)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdfinfo (package poppler-utils): %v", err)
	}
	return string(out)
}

func TestTheSamePackageTwiceIsTheSame(t *testing.T) {
	b := newBench(t)
	v := b.asOfficer(b.handled())
	var one, two bytes.Buffer
	b.must(b.maker.Write(t.Context(), &one, v, i18n.FI))
	b.must(b.maker.Write(t.Context(), &two, v, i18n.FI))
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two packages of the same View differ")
	}
}

func TestDamagedAndLostFiles(t *testing.T) {
	b := newBench(t)
	id := b.handled()
	v := b.asOfficer(id)
	last, err := v.Submissions[1].Parse()
	b.must(err)
	sealed := v.Files[slices.IndexFunc(v.Files, func(a attach.Attachment) bool {
		return slices.ContainsFunc(last.Attachments, func(f matter.SealedFile) bool { return f.ID == a.ID })
	})]

	gone := *v
	gone.Files = slices.DeleteFunc(slices.Clone(v.Files), func(a attach.Attachment) bool { return a.ID == sealed.ID })
	files := b.pack(&gone, i18n.FI)
	validate(t, files["matter.schema.json"], files["matter.json"])
	if r := parse(t, files); slices.IndexFunc(r.Attachments, func(a struct {
		Path, Name, SHA256, From string
		Missing                  bool
		Submissions              []int
	},
	) bool {
		return a.Missing && a.Path == "" && a.SHA256 == sealed.Hash
	}) < 0 {
		t.Error("matter.json does not say which file is missing")
	}
	if !strings.Contains(string(files["index.txt"]), "Puuttuu: ") {
		t.Error("index.txt does not say that a file is missing")
	}

	blob := filepath.Join(b.dir, sealed.Hash[:2], sealed.Hash[2:])
	body, err := os.ReadFile(blob)
	b.must(err)
	body[0] ^= 1
	b.must(os.WriteFile(blob, body, 0o600))
	var out bytes.Buffer
	if err := b.maker.Write(t.Context(), &out, v, i18n.FI); err == nil {
		t.Error("a damaged file was packed as if it were what was sent")
	}
	if _, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len())); err == nil {
		t.Error("a package that broke off opens as if it were whole")
	}
}

func TestAPackageEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	v := b.asOfficer(b.handled())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := b.maker.Write(ctx, io.Discard, v, i18n.FI); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want that of the context", err)
	}
}

// TestABigAttachmentIsNeverInMemoryAsAWhole packs 64 MiB and counts what was
// allocated.
func TestABigAttachmentIsNeverInMemoryAsAWhole(t *testing.T) {
	b := newBench(t)
	id := b.handled()
	v := b.asOfficer(id)
	const size = 64 << 20
	a, err := b.Files.Put(t.Context(), attach.New{Project: v.Project.ID, Matter: id, Place: attach.Message, Name: "iso.bin", Size: size, UploadedBy: rescue.ID, Side: "authority:rescue-pirkanmaa"},
		io.LimitReader(zeros{}, size))
	b.must(err)
	b.must(b.WriteToApplicant(t.Context(), rescue, id, "Iso liite", []string{a.ID}))
	v = b.asOfficer(id)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.must(b.maker.Write(t.Context(), io.Discard, v, i18n.FI))
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > size/4 {
		t.Errorf("packing %d bytes allocated %d", size, got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
