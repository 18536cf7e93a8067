package pdf

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The page is A4, in points; y grows downwards from its top edge.
const (
	pageWidth    = 595.28
	pageHeight   = 841.89
	marginX      = 64.0
	marginTop    = 84.0
	marginBottom = 80.0
	columnWidth  = pageWidth - 2*marginX
	columnHeight = pageHeight - marginTop - marginBottom
	headerLine   = 48.0 // baseline
	footerLine   = pageHeight - 44.0
)

// colour is a colour in sRGB.
type colour struct{ r, g, b uint8 }

// The colours. All text has a contrast of at least 4.5 to 1 against white.
var (
	ink      = colour{0x1F, 0x24, 0x29}
	deepBlue = colour{0x00, 0x2E, 0x5F}
	grey     = colour{0x4F, 0x5B, 0x66}
	hairline = colour{0xCF, 0xD6, 0xDC}
)

// style is how a text looks.
type style struct {
	weight  weight
	size    float64
	leading float64
	colour  colour
}

var (
	bodyStyle   = style{regular, 10.5, 15, ink}
	labelStyle  = style{regular, 10.5, 15, grey}
	headStyle   = style{semiBold, 9.5, 13.5, deepBlue}
	cellStyle   = style{regular, 9.5, 13.5, ink}
	rowStyle    = style{semiBold, 9.5, 13.5, ink}
	marginStyle = style{regular, 8.5, 11, grey}
	headings    = [...]style{1: {semiBold, 22, 27, deepBlue}, 2: {semiBold, 15, 20, deepBlue}, 3: {semiBold, 11.5, 16, deepBlue}}
)

// page is a page being drawn.
type page struct {
	content bytes.Buffer
	marks   []*elem // whose content each marked sequence is, by its MCID
}

// layout places blocks on pages.
type layout struct {
	fonts  []*typeface // by weight
	pages  []*page
	y      float64 // where the next block comes
	tight  bool    // the last block was a heading
	repeat func()  // draws what a new page begins with, inside a table

	root     *elem
	elems    []*elem // all, parents before children
	bookmark []bookmark
}

// bookmark is a heading as an entry of the outline.
type bookmark struct {
	level int
	text  string
	page  int
	y     float64
}

func newLayout() *layout {
	l := &layout{}
	for _, f := range faces() {
		l.fonts = append(l.fonts, newTypeface(f))
	}
	l.root = l.elem(nil, "Document", "")
	l.newPage()
	return l
}

func (l *layout) page() *page { return l.pages[len(l.pages)-1] }

func (l *layout) newPage() {
	l.pages = append(l.pages, &page{})
	l.y = marginTop
	if l.repeat != nil {
		l.repeat()
	}
}

// room is the height left on the page.
func (l *layout) room() float64 { return pageHeight - marginBottom - l.y }

// fresh tells whether nothing is on the page yet.
func (l *layout) fresh() bool { return l.y == marginTop }

// gap leaves space before a block: none at the top, little after a heading.
func (l *layout) gap(space float64) {
	if l.fresh() {
		space = 0
	} else if l.tight {
		space = min(space, 5)
	}
	l.tight = false
	l.y += space
}

// keep starts a new page if the headings and rules at the start of blocks and
// the first lines of what follows them do not fit on this one.
func (l *layout) keep(blocks []block) {
	if !opens(blocks[0]) || l.fresh() {
		return
	}
	var height float64
	for _, b := range blocks {
		height += b.lead(l)
		if !opens(b) {
			break
		}
	}
	if height > l.room() && height <= columnHeight {
		l.newPage()
	}
}

// opens tells whether a block belongs to what follows it.
func opens(b block) bool {
	_, ok := b.(*heading)
	return ok
}

// lines breaks a text for a column of the given width.
func (l *layout) lines(text string, s style, width float64) []string {
	font := l.fonts[s.weight]
	return breakLines(text, width*1000/s.size, func(r rune) float64 { return float64(font.glyph(r).width) })
}

// width measures a text of one line.
func (l *layout) width(text string, s style) float64 {
	var sum int
	for _, r := range text {
		sum += l.fonts[s.weight].glyph(r).width
	}
	return float64(sum) * s.size / 1000
}

// text draws lines from y down as content of e.
func (l *layout) text(e *elem, lines []string, s style, x, y float64) {
	if strings.Join(lines, "") == "" {
		return
	}
	p := l.page()
	fmt.Fprintf(&p.content, "/%s <</MCID %d>> BDC\n", e.tag, len(p.marks))
	e.kids = append(e.kids, kid{page: len(l.pages) - 1, mcid: len(p.marks)})
	p.marks = append(p.marks, e)
	l.show(p, lines, s, x, y+s.ascent())
	p.content.WriteString("EMC\n")
}

// artifact draws lines that are no content: screen readers pass over them.
func (l *layout) artifact(p *page, kind string, lines []string, s style, x, y float64) {
	if strings.Join(lines, "") == "" {
		return
	}
	fmt.Fprintf(&p.content, "/Artifact <<%s>> BDC\n", kind)
	l.show(p, lines, s, x, y)
	p.content.WriteString("EMC\n")
}

// ascent is the distance from the top of a line to its baseline.
func (s style) ascent() float64 { return s.leading/2 + s.size*0.33 }

// show draws lines with the first baseline at y.
func (l *layout) show(p *page, lines []string, s style, x, y float64) {
	fmt.Fprintf(&p.content, "BT /F%d %s Tf %s rg\n", s.weight, num(s.size), s.colour)
	for i, line := range lines {
		if line != "" {
			fmt.Fprintf(&p.content, "1 0 0 1 %s %s Tm %s Tj\n",
				num(x), num(pageHeight-y-float64(i)*s.leading), l.fonts[s.weight].encode(line))
		}
	}
	p.content.WriteString("ET\n")
}

// line draws a thin line across the column, which is no content.
func (l *layout) line(y, width float64) {
	p := l.page()
	fmt.Fprintf(&p.content, "/Artifact <</Type/Layout>> BDC\n%s RG %s w %s %s m %s %s l S\nEMC\n", hairline,
		num(width), num(marginX), num(pageHeight-y), num(marginX+columnWidth), num(pageHeight-y))
}

// cell is a text of a row.
type cell struct {
	e     *elem
	lines []string
	style style
	x     float64
}

// row draws cells side by side, with a thin line below. A row that does not
// fit goes to the next page; a long one is split.
func (l *layout) row(cells []cell, pad float64) {
	leading := cells[0].style.leading
	for {
		n := 0
		for _, c := range cells {
			n = max(n, len(c.lines))
		}
		fits := int((l.room()-2*pad)/leading + 0.01)
		if n <= fits {
			l.rowPart(cells, n, pad)
			l.y += pad
			l.line(l.y, 0.5)
			return
		}
		top := l.y
		if fits < 3 || !splits(n, leading) {
			l.newPage()
			if l.y < top { // there is more room there
				continue
			}
			fits = int((l.room() - 2*pad) / leading)
		}
		fits = max(fits, 1)
		l.rowPart(cells, fits, pad)
		for i := range cells {
			cells[i].lines = cells[i].lines[min(fits, len(cells[i].lines)):]
		}
		l.newPage()
	}
}

// splits tells whether a row of n lines may be split between pages: only if it
// is long.
func splits(n int, leading float64) bool { return float64(n)*leading > columnHeight/2 }

// rowPart draws the first n lines of each cell.
func (l *layout) rowPart(cells []cell, n int, pad float64) {
	l.y += pad
	for _, c := range cells {
		l.text(c.e, c.lines[:min(n, len(c.lines))], c.style, c.x, l.y)
	}
	l.y += float64(n) * cells[0].style.leading
}

// running draws header, footer and page numbers on all pages.
func (l *layout) running(header, footer string) {
	for i, p := range l.pages {
		number := fmt.Sprintf("%d / %d", i+1, len(l.pages))
		left := columnWidth - l.width(number, marginStyle)
		const at = "/Type/Pagination/Subtype/%s/Attached[/%s]"
		above, below := fmt.Sprintf(at, "Header", "Top"), fmt.Sprintf(at, "Footer", "Bottom")
		l.artifact(p, above, l.cut(header, columnWidth), marginStyle, marginX, headerLine)
		l.artifact(p, below, l.cut(footer, left-20), marginStyle, marginX, footerLine)
		l.artifact(p, below, []string{number}, marginStyle, marginX+left, footerLine)
	}
}

// cut returns the text as one line, shortened to the width.
func (l *layout) cut(text string, width float64) []string {
	lines := l.lines(text, marginStyle, width)
	if len(lines) > 1 {
		lines = l.lines(text, marginStyle, width-10)
		lines[0] = strings.TrimRight(lines[0], " ") + "…"
	}
	return lines[:min(1, len(lines))]
}

// num writes a number as PDF wants it: at most two decimals, no exponent.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// String writes the colour as the operands of a colour operator.
func (c colour) String() string {
	part := func(v uint8) string { return strconv.FormatFloat(float64(v)/255, 'f', 3, 64) }
	return part(c.r) + " " + part(c.g) + " " + part(c.b)
}
