package pdf_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"luvat/internal/pdf"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestStructure(t *testing.T) {
	got := read(t, write(t, sample())).tree()
	const file = "testdata/structure.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("structure differs from %s (-want +got; -update rewrites it):\n%s", file, diff)
	}
}

func TestArtifacts(t *testing.T) {
	r := read(t, write(t, sample()))
	if r.loose != "" {
		t.Errorf("text outside of content and artifacts: %q", r.loose)
	}
	for _, want := range []string{"Luvat · Ilmoitus yleisötilaisuudesta", "Asiointi 2026-000123 · lähetetty 20.11.2026 klo 14.30", "1 / 2", "2 / 2"} {
		if !strings.Contains(r.aside, want+"\n") {
			t.Errorf("no %q in header or footer:\n%s", want, r.aside)
		}
		if strings.Contains(r.text(), want+"\n") && !strings.HasPrefix(want, "Luvat") {
			t.Errorf("%q is read as content", want)
		}
	}
}

func TestDeterministic(t *testing.T) {
	doc := sample()
	first := write(t, doc)
	if !bytes.Equal(first, write(t, doc)) {
		t.Error("writing a document again gives other bytes")
	}
	if !bytes.Equal(first, write(t, sample())) {
		t.Error("the same document made again gives other bytes")
	}
	later := pdf.New(pdf.Meta{Title: "x", Created: created.Add(time.Second)})
	if bytes.Equal(write(t, later), write(t, pdf.New(pdf.Meta{Title: "x", Created: created}))) {
		t.Error("documents of different times have the same bytes")
	}
}

// TestCheckers asks the programs of others what they make of our documents.
func TestCheckers(t *testing.T) {
	for name, doc := range map[string]*pdf.Doc{
		"sample": sample(), "long": long(), "huge": huge(), "empty": pdf.New(pdf.Meta{}),
	} {
		t.Run(name, func(t *testing.T) {
			data := write(t, doc)
			read(t, data) // pdfcpu validates
			file := filepath.Join(t.TempDir(), "doc.pdf")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "qpdf", "--check", file)
			info := run(t, "pdfinfo", file)
			if !strings.Contains(info, "Tagged:          yes") {
				t.Errorf("pdfinfo does not see tags:\n%s", info)
			}
			if fonts := run(t, "pdffonts", file); strings.Contains(fonts, " no ") {
				t.Errorf("a font is not embedded, not a subset, or cannot be read back:\n%s", fonts)
			}
		})
	}
}

// run runs a program of Debian's poppler-utils or qpdf. Anything it says on
// its error output fails the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing: the tests need the Debian packages poppler-utils and qpdf", name)
	}
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v\n%s%s", name, err, errs.String(), out.String())
	}
	return out.String()
}

func TestExtraction(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.pdf")
	if err := os.WriteFile(file, write(t, sample()), 0o600); err != nil {
		t.Fatal(err)
	}
	structure := run(t, "pdfinfo", "-struct-text", file)
	for _, want := range []string{
		`"Ilmoitus yleisötilaisuudesta"`,
		`"Syysmarkkinat – Čakčamárkanat ja Ǩiđđ’märkkna"`,
		`"Ennakoitu yleisömäärä, kun suurin osa vieraista on paikalla"`,
		`"https://www.syysmarkkinat.example/tapahtumat/2026/joulukuu/tampere-keskustori/ohjelma-ja-kartat?kieli=suomi"`,
		"/Scope /Column",
		"/ListNumbering /Disc",
	} {
		if !strings.Contains(structure, want) {
			t.Errorf("pdfinfo -struct-text has no %s:\n%s", want, structure)
		}
	}
	text := run(t, "pdftotext", "-layout", file, "-")
	for _, want := range []string{"5 € aikuisilta, ½ hintaa lapsilta", "1 200 m² (§ 14)", "Žofia Đorđević", "Örjan Ångström"} {
		if !strings.Contains(text, want) {
			t.Errorf("pdftotext has no %q:\n%s", want, text)
		}
	}
}

// TestAlphabets: the letters and signs that our texts need are there, in both
// weights.
func TestAlphabets(t *testing.T) {
	const need = "abcdefghijklmnopqrstuvwxyzåäöABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ0123456789" +
		"šžŠŽ" + // Finnish
		"éüÉÜ" + // Swedish names
		"áâčđŋŧõǥǧǩʒǯʹÁÂČĐŊŦÕǤǦǨƷǮ" + // Northern, Inari and Skolt Sámi
		"абвяАБВЯαβωΩ" + // names of others
		"€–—”’»«…§²³½°•·×−±\u2010\u2011.,:;!?()[]/&%+*#@\"'<>=_" +
		"\uFFFD"
	for _, weight := range []string{"Regular", "SemiBold"} {
		f := fontFile(t, weight)
		for _, r := range need {
			if id, err := f.GlyphIndex(nil, r); err != nil || id == 0 {
				t.Errorf("%s has no %c (%U)", weight, r, r)
			}
		}
	}
}

func fontFile(t testing.TB, weight string) *sfnt.Font {
	t.Helper()
	data, err := os.ReadFile("fonts/LuvatSans-" + weight + ".ttf")
	if err != nil {
		t.Fatal(err)
	}
	f, err := sfnt.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFontLicence: a changed font must not be called Source, and must carry
// its licence. The fonts must stay small, for they are in our program.
func TestFontLicence(t *testing.T) {
	size := int64(0)
	for _, weight := range []string{"Regular", "SemiBold"} {
		f := fontFile(t, weight)
		for _, id := range []sfnt.NameID{sfnt.NameIDFamily, sfnt.NameIDFull, sfnt.NameIDPostScript, sfnt.NameIDUniqueIdentifier} {
			if name, err := f.Name(nil, id); err != nil || strings.Contains(name, "Source") {
				t.Errorf("name %d of %s = %q, %v; want one without Source", id, weight, name, err)
			}
		}
		info, err := os.Stat("fonts/LuvatSans-" + weight + ".ttf")
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 400_000 {
		t.Errorf("the fonts have %d bytes, want at most 400,000", size)
	}
	licence, err := os.ReadFile("fonts/OFL.txt")
	if err != nil || !bytes.Contains(licence, []byte("SIL OPEN FONT LICENSE Version 1.1")) || !bytes.Contains(licence, []byte("Adobe")) {
		t.Errorf("fonts/OFL.txt is not the licence and the notice: %v", err)
	}
}

func TestHeadings(t *testing.T) {
	doc := pdf.New(pdf.Meta{Lang: "not a language"})
	for _, level := range []int{3, 3, 3, 9, 1, 0, -4} {
		doc.Heading(level, fmt.Sprint("level ", level))
	}
	doc.Heading(2, " \n ")
	data := write(t, doc)
	r := read(t, data)
	r.tree()
	want := []string{"Document ", "H1 level 3", "H2 level 3", "H3 level 3", "H3 level 9", "H1 level 1", "H1 level 0", "H1 level -4"}
	if diff := cmp.Diff(want, r.elems); diff != "" {
		t.Errorf("headings (-want +got):\n%s", diff)
	}
	if !bytes.Contains(data, []byte("/Lang(fi)")) {
		t.Error("a malformed language was not replaced by fi")
	}
	if !bytes.Contains(data, []byte(`<rdf:li xml:lang="x-default">level 3</rdf:li>`)) {
		t.Error("the title is not the first heading")
	}
}

// TestHeadingStays: wherever a page ends, no heading is the last on it.
func TestHeadingStays(t *testing.T) {
	followers := map[string]func(*pdf.Doc){
		"paragraph": func(d *pdf.Doc) { d.Paragraph(strings.Repeat("Sanoja riville. ", 30)) },
		"fields":    func(d *pdf.Doc) { d.Fields([]pdf.Field{{"Nimi", strings.Repeat("Sanoja riville. ", 30)}}) },
		"table":     func(d *pdf.Doc) { d.Table([]string{"A", "B"}, [][]string{{"c", "d"}}) },
		"list":      func(d *pdf.Doc) { d.List([]string{strings.Repeat("Sanoja riville. ", 20)}) },
	}
	for name, follow := range followers {
		for n := 40; n < 86; n++ { // lines of which a page has 45
			doc := pdf.New(pdf.Meta{Title: "x"})
			doc.Heading(1, "Alku")
			doc.Paragraph(strings.Repeat("rivi\n", n))
			doc.Heading(2, "Otsikko")
			doc.Heading(3, "Alaotsikko")
			follow(doc)
			tree := read(t, write(t, doc)).tree()
			pages := regexp.MustCompile(`\[p\d+\]`).FindAllString(tree[strings.Index(tree, "H2 "):], 3)
			if len(pages) < 3 || pages[0] != pages[1] || pages[1] != pages[2] {
				t.Errorf("after %d lines, headings and %s are on pages %v:\n%s", n, name, pages, tree)
			}
		}
	}
}

// huge is a document whose parts are longer than a page.
func huge() *pdf.Doc {
	doc := pdf.New(pdf.Meta{Title: "Suuri", Lang: "sv", Created: created})
	words := strings.Repeat("Ett ord till, ", 900)
	doc.Paragraph(words)
	doc.Fields([]pdf.Field{{"Beskrivning", words}, {"Tom", ""}, {"", "Utan etikett"}})
	rows := [][]string{{"a", words, "c"}, {}, {"1", "2", "3", "4"}}
	for i := range 80 {
		rows = append(rows, []string{fmt.Sprint("rad ", i), "b", "c"})
	}
	doc.Table([]string{"Ett", "Två", "Tre"}, rows)
	doc.Table(nil, [][]string{{"Rubrik", "värde"}, {"Rubrik", "värde"}})
	doc.Table(nil, nil)
	doc.Table([]string{"Bara rubriker"}, nil)
	doc.Table(nil, [][]string{make([]string, 150), slices.Repeat([]string{"Wörter"}, 150)})
	doc.List([]string{words, "", "kort"})
	doc.Header(words)
	doc.Footer(strings.Repeat("x", 4000))
	return doc
}

func TestHuge(t *testing.T) {
	r := read(t, write(t, huge()))
	tree := r.tree()
	if n := strings.Count(strings.Join(r.elems, "\n"), "Ett ord till"); n != 4*900 {
		t.Errorf("%d of %d sentences are left", n, 4*900)
	}
	if n := strings.Count(tree, `TH Scope=Column [p`); n != 4 {
		t.Errorf("%d column headers are content, want 4: those of further pages are none", n)
	}
	if n := strings.Count(r.aside, "Två"); n < 2 {
		t.Errorf("the headers are repeated on %d pages, want more", n)
	}
	if n := strings.Count(tree, "TH Scope=Row"); n != 4 {
		t.Errorf("%d row headers, want 4", n)
	}
	for line := range strings.SplitSeq(tree, "\n") {
		if len(line) > 200 && !strings.Contains(line, "] [p") {
			t.Errorf("a long text is on one page: %.80s", line)
		}
	}
}

func TestMetadata(t *testing.T) {
	doc := pdf.New(pdf.Meta{Title: "A & B <ä>\n\x00\x01 ŋ", Lang: "sv", Author: "Närings- & trafik", Created: created})
	data := write(t, doc)
	_, packet, _ := bytes.Cut(data, []byte("<?xpacket begin"))
	packet, _, _ = bytes.Cut(packet, []byte("<?xpacket end"))
	_, packet, _ = bytes.Cut(packet, []byte("?>"))
	dec := xml.NewDecoder(bytes.NewReader(packet))
	values := map[string]string{}
	var name string
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("XMP: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local != "li" && token.Name.Local != "Alt" && token.Name.Local != "Seq" && token.Name.Local != "Bag" {
				name = token.Name.Space + token.Name.Local
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); s != "" {
				values[name] = s
			}
		}
	}
	for name, want := range map[string]string{
		"http://www.aiim.org/pdfa/ns/id/part":        "2",
		"http://www.aiim.org/pdfa/ns/id/conformance": "A",
		"http://www.aiim.org/pdfua/ns/id/part":       "1",
		"http://purl.org/dc/elements/1.1/title":      "A & B <ä> ŋ",
		"http://purl.org/dc/elements/1.1/creator":    "Närings- & trafik",
		"http://purl.org/dc/elements/1.1/language":   "sv",
		"http://ns.adobe.com/xap/1.0/CreateDate":     "2026-11-20T10:30:00Z",
	} {
		if values[name] != want {
			t.Errorf("XMP %s = %q, want %q", name, values[name], want)
		}
	}
	ctx := read(t, data).ctx
	if ctx.Title != values["http://purl.org/dc/elements/1.1/title"] || ctx.Author != "Närings- & trafik" {
		t.Errorf("information says %q, %q: not what XMP says", ctx.Title, ctx.Author)
	}
	for _, want := range []string{"/MarkInfo<</Marked true>>", "/Lang(sv)", "/DisplayDocTitle true", "/S/GTS_PDFA1", "(D:20261120103000Z)"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the file has no %s", want)
		}
	}
}

// TestAnyText: whatever people type, a document comes out, and every character
// that the font has can be read from it.
func TestAnyText(t *testing.T) {
	font := fontFile(t, "Regular")
	noLook := func(r rune) rune { // nothing to see, and letters compose across it
		if unicode.Is(unicode.C, r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Co, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}
	visible := func(text string) map[rune]int {
		count := map[rune]int{}
		for _, r := range norm.NFC.String(strings.Map(noLook, text)) {
			if id, err := font.GlyphIndex(nil, r); err == nil && id != 0 && !unicode.IsSpace(r) && r != '\uFFFD' {
				count[r]++
			}
		}
		return count
	}
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.RuneFrom([]rune("aäöåÅšžčđŋŧ \n\t-–/@.€½•\u00a0\u0301\u00ad\u200b→")), 0, 400, -1),
		rapid.StringMatching(`[A-Za-zäöå]{0,300}`),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		doc := pdf.New(pdf.Meta{Title: text.Draw(rt, "title"), Lang: text.Draw(rt, "lang"), Author: text.Draw(rt, "author")})
		var in strings.Builder
		put := func(label string) string {
			s := text.Draw(rt, label)
			in.WriteString(s + "\n")
			return s
		}
		doc.Header(text.Draw(rt, "header"))
		doc.Footer(text.Draw(rt, "footer"))
		for range rapid.IntRange(0, 6).Draw(rt, "blocks") {
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0:
				doc.Heading(rapid.IntRange(-1, 5).Draw(rt, "level"), put("heading"))
			case 1:
				doc.Paragraph(put("paragraph"))
			case 2:
				doc.Fields([]pdf.Field{{put("label"), put("value")}, {put("label"), put("value")}})
			case 3:
				doc.Table([]string{put("th"), put("th")}, [][]string{{put("td")}, {put("td"), put("td"), put("td")}})
			default:
				doc.List([]string{put("item"), put("item")})
			}
		}
		var b bytes.Buffer
		if _, err := doc.WriteTo(&b); err != nil {
			rt.Fatalf("WriteTo: %v", err)
		}
		r := read(t, b.Bytes())
		if r.loose != "" {
			rt.Fatalf("text outside of content: %q", r.loose)
		}
		got := visible(r.text())
		for char, n := range visible(in.String()) {
			if got[char] < n {
				rt.Fatalf("%d of %d %c (%U) can be read back", got[char], n, char, char)
			}
		}
	})
}

func TestWriterFails(t *testing.T) {
	if _, err := sample().WriteTo(brokenWriter{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("WriteTo a broken writer = %v, want its error", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestSixPages(t *testing.T) {
	if n := read(t, write(t, long())).ctx.PageCount; n != 6 {
		t.Errorf("the document of the benchmark has %d pages, want 6", n)
	}
}

func BenchmarkSixPages(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := long().WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
