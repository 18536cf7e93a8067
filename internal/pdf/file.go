package pdf

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf16"

	"luvat/internal/pdf/internal/ttf"
)

// elem is an element of the structure tree.
type elem struct {
	tag    string
	attr   string // the inside of its attribute dictionary, or empty
	parent *elem  // nil for the root
	kids   []kid
	id     int // its object
}

// kid is an element, or a marked sequence on a page.
type kid struct {
	elem *elem
	page int
	mcid int
}

// elem adds an element to the end of parent.
func (l *layout) elem(parent *elem, tag, attr string) *elem {
	e := &elem{tag: tag, attr: attr, parent: parent}
	if parent != nil {
		parent.kids = append(parent.kids, kid{elem: e})
	}
	l.elems = append(l.elems, e)
	return e
}

// objects collects the numbered objects of a PDF file.
type objects struct {
	buf bytes.Buffer
	at  []int // offsets by number - 1
	z   *zlib.Writer
}

// reserve returns the number of an object to be put later.
func (o *objects) reserve() int {
	o.at = append(o.at, 0)
	return len(o.at)
}

// put writes an object under a reserved number.
func (o *objects) put(id int, format string, args ...any) {
	o.at[id-1] = o.buf.Len()
	fmt.Fprintf(&o.buf, "%d 0 obj\n", id)
	fmt.Fprintf(&o.buf, format, args...)
	o.buf.WriteString("\nendobj\n")
}

// add writes an object and returns its number.
func (o *objects) add(format string, args ...any) int {
	id := o.reserve()
	o.put(id, format, args...)
	return id
}

// stream writes a compressed stream and returns its number. dict is what its
// dictionary has besides length and filter.
func (o *objects) stream(dict string, data []byte) int {
	var packed bytes.Buffer
	o.z.Reset(&packed)
	_, _ = o.z.Write(data) // a buffer takes everything
	_ = o.z.Close()
	return o.add("<<%s/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", dict, packed.Len(), packed.Bytes())
}

// file writes the placed blocks as a PDF file.
func file(meta Meta, l *layout) ([]byte, error) {
	meta.Title = cmp.Or(meta.Title, "–") // a title there must be
	o := &objects{z: zlib.NewWriter(nil)}
	// The second line tells that the file is binary.
	o.buf.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")

	catalog, pageTree := o.reserve(), o.reserve()
	fonts, err := o.fonts(l.fonts)
	if err != nil {
		return nil, err
	}
	pages := o.pages(l, pageTree, fonts)
	structure := o.structure(l, pages)
	outline := o.outline(l.bookmark, pages)
	profile := o.stream("/N 3", sRGB())
	intent := o.add("<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"+
		"/RegistryName(http://www.color.org)/DestOutputProfile %d 0 R>>", profile)
	packet := xmp(meta)
	metadata := o.add("<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream", len(packet), packet)
	info := o.add("%s", information(meta))
	o.put(catalog, "<</Type/Catalog/Pages %d 0 R/StructTreeRoot %d 0 R/MarkInfo<</Marked true>>/Lang(%s)"+
		"/ViewerPreferences<</DisplayDocTitle true>>/OutputIntents[%d 0 R]/Metadata %d 0 R%s>>",
		pageTree, structure, meta.Lang, intent, metadata, outline)

	id := sha256.Sum256(o.buf.Bytes())
	start := o.buf.Len()
	fmt.Fprintf(&o.buf, "xref\n0 %d\n0000000000 65535 f \n", len(o.at)+1)
	for _, at := range o.at {
		fmt.Fprintf(&o.buf, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&o.buf, "trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%X><%X>]>>\nstartxref\n%d\n%%%%EOF\n",
		len(o.at)+1, catalog, info, id[:16], id[:16], start)
	return o.buf.Bytes(), nil
}

// pages writes the pages and their tree, and returns the pages' numbers.
func (o *objects) pages(l *layout, tree int, fonts string) []int {
	var ids []int
	var kids strings.Builder
	for i, p := range l.pages {
		content := o.stream("", p.content.Bytes())
		id := o.add("<</Type/Page/Parent %d 0 R/Contents %d 0 R/StructParents %d/Tabs/S>>", tree, content, i)
		ids = append(ids, id)
		fmt.Fprintf(&kids, "%d 0 R ", id)
	}
	o.put(tree, "<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 %s %s]/Resources<</Font<<%s>>>>>>",
		len(ids), strings.TrimSpace(kids.String()), num(pageWidth), num(pageHeight), fonts)
	return ids
}

// structure writes the structure tree and returns the number of its root.
func (o *objects) structure(l *layout, pages []int) int {
	root := o.reserve()
	for _, e := range l.elems {
		e.id = o.reserve()
	}
	for _, e := range l.elems {
		parent := root
		if e.parent != nil {
			parent = e.parent.id
		}
		var dict, kids strings.Builder
		first := -1 // the page that its marked sequences are on, if not told otherwise
		for _, k := range e.kids {
			switch {
			case k.elem != nil:
				fmt.Fprintf(&kids, "%d 0 R ", k.elem.id)
			case first == -1 || first == k.page:
				first = k.page
				fmt.Fprintf(&kids, "%d ", k.mcid)
			default:
				fmt.Fprintf(&kids, "<</Type/MCR/Pg %d 0 R/MCID %d>> ", pages[k.page], k.mcid)
			}
		}
		if first >= 0 {
			fmt.Fprintf(&dict, "/Pg %d 0 R", pages[first])
		}
		if e.attr != "" {
			fmt.Fprintf(&dict, "/A<<%s>>", e.attr)
		}
		if kids.Len() > 0 {
			fmt.Fprintf(&dict, "/K[%s]", strings.TrimSpace(kids.String()))
		}
		o.put(e.id, "<</Type/StructElem/S/%s/P %d 0 R%s>>", e.tag, parent, dict.String())
	}

	var parents strings.Builder
	for i, p := range l.pages {
		fmt.Fprintf(&parents, "%d[", i)
		for j, e := range p.marks {
			if j > 0 {
				parents.WriteByte(' ')
			}
			fmt.Fprintf(&parents, "%d 0 R", e.id)
		}
		parents.WriteString("]")
	}
	tree := o.add("<</Nums[%s]>>", parents.String())
	o.put(root, "<</Type/StructTreeRoot/K[%d 0 R]/ParentTree %d 0 R/ParentTreeNextKey %d>>", l.root.id, tree, len(l.pages))
	return root
}

// outline writes the headings as bookmarks, and returns their entry in the
// catalog.
func (o *objects) outline(marks []bookmark, pages []int) string {
	if len(marks) == 0 {
		return ""
	}
	root := o.reserve()
	first := o.reserve()
	for range marks[1:] {
		o.reserve()
	}
	// level writes the marks from..to, of which the first has the highest
	// level, as the children of parent.
	var level func(parent, from, to int) (last int)
	level = func(parent, from, to int) (last int) {
		for i, prev := from, -1; i < to; {
			next := i + 1
			for next < to && marks[next].level > marks[i].level {
				next++
			}
			m := marks[i]
			var links strings.Builder
			if prev >= 0 {
				fmt.Fprintf(&links, "/Prev %d 0 R", first+prev)
			}
			if next < to {
				fmt.Fprintf(&links, "/Next %d 0 R", first+next)
			}
			if next > i+1 {
				child := level(first+i, i+1, next)
				fmt.Fprintf(&links, "/First %d 0 R/Last %d 0 R/Count %d", first+i+1, child, next-i-1)
			}
			o.put(first+i, "<</Title %s/Parent %d 0 R/Dest[%d 0 R/XYZ null %s null]%s>>",
				textString(m.text), parent, pages[m.page], num(pageHeight-m.y+6), links.String())
			last, prev, i = first+i, i, next
		}
		return last
	}
	last := level(root, 0, len(marks))
	o.put(root, "<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>", first, last, len(marks))
	return fmt.Sprintf("/Outlines %d 0 R", root)
}

// fonts writes the fonts that were used, and returns their resource entries.
func (o *objects) fonts(fonts []*typeface) (string, error) {
	var entries strings.Builder
	for i, t := range fonts {
		glyphs := t.drawn()
		if len(glyphs) == 0 {
			continue
		}
		id, err := o.font(t, glyphs)
		if err != nil {
			return "", fmt.Errorf("embed font %s: %w", t.name, err)
		}
		fmt.Fprintf(&entries, "/F%d %d 0 R", i, id)
	}
	return entries.String(), nil
}

func (o *objects) font(t *typeface, glyphs []glyph) (int, error) {
	keep := make([]uint16, len(glyphs))
	var widths strings.Builder
	for i, g := range glyphs {
		keep[i] = g.id
		fmt.Fprintf(&widths, "%d[%d]", g.id, g.width)
	}
	subset, err := ttf.Subset(t.tables, keep)
	if err != nil {
		return 0, err
	}
	data := subset.Bytes()
	name := subsetTag(data) + "+" + t.name
	program := o.stream(fmt.Sprintf("/Length1 %d", len(data)), data)
	descriptor := o.add("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0"+
		"/Ascent %d/Descent %d/CapHeight %d/StemV %d/FontFile2 %d 0 R>>",
		name, t.box[0], t.box[1], t.box[2], t.box[3], t.ascent, t.descent, t.capHeight, t.stem, program)
	descendant := o.add("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDToGIDMap/Identity"+
		"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %d 0 R/DW 0/W[%s]>>",
		name, descriptor, widths.String())
	unicode := o.stream("", toUnicode(glyphs))
	return o.add("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>",
		name, descendant, unicode), nil
}

// subsetTag makes the six letters that tell subsets of a font apart.
func subsetTag(data []byte) string {
	sum := sha256.Sum256(data)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag)
}

// toUnicode maps glyph ids back to characters.
func toUnicode(glyphs []glyph) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for len(glyphs) > 0 {
		n := min(len(glyphs), 100) // more are not allowed in one go
		fmt.Fprintf(&b, "%d beginbfchar\n", n)
		for _, g := range glyphs[:n] {
			fmt.Fprintf(&b, "<%04X> <%s>\n", g.id, utf16Hex(string(g.r)))
		}
		b.WriteString("endbfchar\n")
		glyphs = glyphs[n:]
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// textString writes a text as a string object.
func textString(text string) string { return "<FEFF" + utf16Hex(text) + ">" }

func utf16Hex(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String()
}
