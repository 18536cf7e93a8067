package pdf_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// reading is a document read back the way a screen reader gets at it: from the
// structure tree to the marked sequences of the pages, and from their glyphs
// through the fonts' maps to characters.
type reading struct {
	t     testing.TB
	ctx   *model.Context
	pages map[int]int // page number by object number
	marks map[mark]string
	elems []string // tag and text of every element, in order
	loose string   // text that is neither content nor artifact
	aside string   // text of artifacts
}

type mark struct{ page, mcid int }

// read reads a document. It fails the test if the file is not valid.
func read(t testing.TB, data []byte) *reading {
	t.Helper()
	api.DisableConfigDir()
	ctx, err := api.ReadAndValidate(bytes.NewReader(data), model.NewDefaultConfiguration())
	if err != nil {
		t.Fatalf("pdfcpu: %v", err)
	}
	if err := ctx.EnsurePageCount(); err != nil {
		t.Fatalf("page count: %v", err)
	}
	r := &reading{t: t, ctx: ctx, pages: map[int]int{}, marks: map[mark]string{}}
	for n := 1; n <= ctx.PageCount; n++ {
		r.readPage(n)
	}
	return r
}

func (r *reading) dict(o types.Object) types.Dict {
	r.t.Helper()
	d, err := r.ctx.DereferenceDict(o)
	if err != nil {
		r.t.Fatalf("dictionary %v: %v", o, err)
	}
	return d
}

var (
	operators = regexp.MustCompile(`/(\w+) <<(?:/MCID (\d+)|[^>]*)>> BDC|/F(\d) [\d.]+ Tf|<([0-9A-F]+)> Tj|EMC`)
	mapping   = regexp.MustCompile(`<([0-9A-F]{4})> <([0-9A-F]+)>`)
)

func (r *reading) readPage(n int) {
	r.t.Helper()
	_, ref, inherited, err := r.ctx.PageDict(n, false)
	if err != nil {
		r.t.Fatalf("page %d: %v", n, err)
	}
	r.pages[ref.ObjectNumber.Value()] = n
	maps := map[string]map[string]string{}
	if fonts, ok := inherited.Resources.Find("Font"); ok {
		for name, font := range r.dict(fonts) {
			maps[strings.TrimPrefix(name, "F")] = r.readMap(font)
		}
	}
	content, err := pdfcpu.ExtractPageContent(r.ctx, n)
	if err != nil {
		r.t.Fatalf("content of page %d: %v", n, err)
	}
	var buf bytes.Buffer
	_, _ = buf.ReadFrom(content)

	in, mcid, font := "", 0, ""
	for _, m := range operators.FindAllStringSubmatch(buf.String(), -1) {
		switch {
		case m[0] == "EMC":
			in = ""
		case m[1] != "":
			if in != "" {
				r.t.Errorf("page %d: %s inside %s", n, m[1], in)
			}
			in = m[1]
			mcid, _ = strconv.Atoi(m[2])
		case m[3] != "":
			font = m[3]
		default:
			text := decode(maps[font], m[4])
			switch in {
			case "":
				r.loose += text
			case "Artifact":
				r.aside += text + "\n"
			default:
				r.marks[mark{n, mcid}] += text
			}
		}
	}
}

// readMap reads the map of a font from glyph ids to characters.
func (r *reading) readMap(font types.Object) map[string]string {
	r.t.Helper()
	o, _ := r.dict(font).Find("ToUnicode")
	sd, _, err := r.ctx.DereferenceStreamDict(o)
	if err == nil {
		err = sd.Decode()
	}
	if err != nil {
		r.t.Fatalf("ToUnicode: %v", err)
	}
	m := map[string]string{}
	for _, pair := range mapping.FindAllStringSubmatch(string(sd.Content), -1) {
		b, _ := hex.DecodeString(pair[2])
		var units []uint16
		for i := 0; i < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		m[pair[1]] = string(utf16.Decode(units))
	}
	return m
}

func decode(m map[string]string, glyphs string) string {
	var b strings.Builder
	for i := 0; i < len(glyphs); i += 4 {
		text, ok := m[glyphs[i:i+4]]
		if !ok {
			text = "<unmapped>"
		}
		b.WriteString(text)
	}
	return b.String()
}

// tree prints the structure with its texts.
func (r *reading) tree() string {
	r.t.Helper()
	root, _ := r.ctx.RootDict.Find("StructTreeRoot")
	kids, _ := r.dict(root).Find("K")
	var b strings.Builder
	for _, k := range kids.(types.Array) {
		r.printElem(&b, k, 0)
	}
	return b.String()
}

func (r *reading) printElem(b *strings.Builder, o types.Object, depth int) {
	d := r.dict(o)
	fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), *d.NameEntry("S"))
	if a, ok := d.Find("A"); ok {
		for _, key := range []string{"Scope", "ListNumbering"} {
			if v := r.dict(a).NameEntry(key); v != nil {
				fmt.Fprintf(b, " %s=%s", key, *v)
			}
		}
	}
	page := 0
	if pg := d.IndirectRefEntry("Pg"); pg != nil {
		page = r.pages[pg.ObjectNumber.Value()]
	}
	var kids types.Array
	if k, ok := d.Find("K"); ok {
		kids = k.(types.Array)
	}
	text := ""
	var below []types.Object
	for _, k := range kids {
		switch k := k.(type) {
		case types.Integer:
			fmt.Fprintf(b, " [p%d]", page)
			text += r.marks[mark{page, k.Value()}]
		case types.Dict:
			p := r.pages[k.IndirectRefEntry("Pg").ObjectNumber.Value()]
			fmt.Fprintf(b, " [p%d]", p)
			text += r.marks[mark{p, *k.IntEntry("MCID")}]
		default:
			below = append(below, k)
		}
	}
	if text != "" {
		fmt.Fprintf(b, " %q", text)
	}
	b.WriteString("\n")
	r.elems = append(r.elems, *d.NameEntry("S")+" "+text)
	for _, k := range below {
		r.printElem(b, k, depth+1)
	}
}

// text returns all content in reading order.
func (r *reading) text() string {
	r.tree()
	var b strings.Builder
	for _, e := range r.elems {
		_, text, _ := strings.Cut(e, " ")
		b.WriteString(text + "\n")
	}
	return b.String()
}
