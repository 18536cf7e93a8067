package pdf

import "strings"

// block is a part of a document from margin to margin.
type block interface {
	// lead is the height that must be on the page of a heading or rule before it.
	lead(l *layout) float64
	// place draws the block where the layout is, and moves that on.
	place(l *layout)
}

type heading struct {
	level int
	text  string
}

// before is the space above a heading.
func (h *heading) before() float64 { return [...]float64{1: 26, 2: 24, 3: 16}[h.level] }

func (h *heading) lines(l *layout) ([]string, style) {
	s := headings[h.level]
	return l.lines(h.text, s, columnWidth), s
}

func (h *heading) lead(l *layout) float64 {
	lines, s := h.lines(l)
	return h.before() + float64(len(lines))*s.leading
}

func (h *heading) place(l *layout) {
	lines, s := h.lines(l)
	if l.tight {
		l.gap(0)
		l.y += min(h.before(), 10)
	} else {
		l.gap(h.before())
	}
	l.bookmark = append(l.bookmark, bookmark{h.level, h.text, len(l.pages) - 1, l.y})
	e := l.elem(l.root, []string{1: "H1", 2: "H2", 3: "H3"}[h.level], "")
	l.flow(e, lines, s, marginX)
	l.tight = true
}

type paragraph struct{ text string }

func (p *paragraph) lead(l *layout) float64 {
	return 8 + leadLines(len(l.lines(p.text, bodyStyle, columnWidth)))*bodyStyle.leading
}

func (p *paragraph) place(l *layout) {
	lines := l.lines(p.text, bodyStyle, columnWidth)
	l.gap(8)
	l.flow(l.elem(l.root, "P", ""), lines, bodyStyle, marginX)
}

// leadLines is how many of n lines must stay together at their beginning.
func leadLines(n int) float64 {
	if n <= 3 {
		return float64(n)
	}
	return 2
}

// fit is how many of n lines go on this page: no page ends with the first line
// of several or begins with the last. 0 means that they go to the next.
func (l *layout) fit(n int, leading float64) int {
	fits := min(n, int(l.room()/leading+0.01))
	if n-fits == 1 && n > 2 {
		fits--
	}
	if fits < min(2, n) && !l.fresh() {
		return 0
	}
	return max(fits, min(n, 1))
}

// flow draws lines over as many pages as they need.
func (l *layout) flow(e *elem, lines []string, s style, x float64) {
	for len(lines) > 0 {
		n := l.fit(len(lines), s.leading)
		l.text(e, lines[:n], s, x, l.y)
		l.y += float64(n) * s.leading
		if lines = lines[n:]; len(lines) > 0 {
			l.newPage()
		}
	}
}

type list struct{ items []string }

const indent = 14.0

func (li *list) lead(l *layout) float64 {
	return 8 + leadLines(len(l.lines(li.items[0], bodyStyle, columnWidth-indent)))*bodyStyle.leading
}

func (li *list) place(l *layout) {
	e := l.elem(l.root, "L", "/O/List/ListNumbering/Disc")
	l.gap(8)
	for i, text := range li.items {
		if i > 0 {
			l.gap(3)
		}
		item := l.elem(e, "LI", "")
		bullet := l.elem(item, "Lbl", "")
		body := l.elem(item, "LBody", "")
		lines := l.lines(text, bodyStyle, columnWidth-indent)
		if l.fit(max(1, len(lines)), bodyStyle.leading) == 0 {
			l.newPage()
		}
		l.text(bullet, []string{"•"}, bodyStyle, marginX+2, l.y)
		if len(lines) == 0 {
			l.y += bodyStyle.leading
		}
		l.flow(body, lines, bodyStyle, marginX+indent)
	}
}

type fieldList struct{ fields []Field }

const (
	labelWidth = 156.0
	valueX     = marginX + labelWidth + 16
	fieldPad   = 3.5
)

func (f *fieldList) cells(l *layout, i int) []cell {
	return []cell{
		{lines: l.lines(f.fields[i].Label, labelStyle, labelWidth), style: labelStyle, x: marginX},
		{lines: l.lines(f.fields[i].Value, bodyStyle, marginX+columnWidth-valueX), style: bodyStyle, x: valueX},
	}
}

func (f *fieldList) lead(l *layout) float64 {
	return 12 + leadOf(f.cells(l, 0), fieldPad)
}

// leadOf is how much of a row must stay with what is above it.
func leadOf(cells []cell, pad float64) float64 {
	n := 0
	for _, c := range cells {
		n = max(n, len(c.lines))
	}
	leading := cells[0].style.leading
	if splits(n, leading) {
		n = 3
	}
	return 2*pad + float64(n)*leading
}

func (f *fieldList) place(l *layout) {
	e := l.elem(l.root, "L", "/O/List/ListNumbering/None")
	l.gap(12)
	for i := range f.fields {
		item := l.elem(e, "LI", "")
		cells := f.cells(l, i)
		cells[0].e = l.elem(item, "Lbl", "")
		cells[1].e = l.elem(item, "LBody", "")
		l.row(cells, fieldPad)
	}
}

type table struct {
	columns int
	headers []string // nil, or as many as columns
	rows    [][]string
}

const (
	cellPad = 4.0
	cellGap = 10.0 // between columns
	slack   = 0.1  // so that rounding breaks no line that just fits
)

// styleOf is the style of the cell in the given column of a row that is not
// the row of headers.
func (t *table) styleOf(column int) style {
	if t.headers == nil && column == 0 {
		return rowStyle
	}
	return cellStyle
}

func (t *table) cells(l *layout, texts []string, widths []float64, header bool) []cell {
	cells := make([]cell, t.columns)
	x := marginX
	for i, text := range texts {
		s := t.styleOf(i)
		if header {
			s = headStyle
		}
		cells[i] = cell{lines: l.lines(text, s, widths[i]), style: s, x: x}
		x += widths[i] + cellGap
	}
	return cells
}

func (t *table) lead(l *layout) float64 {
	widths := t.widths(l)
	height := 12.0
	if t.headers != nil {
		height += leadOf(t.cells(l, t.headers, widths, true), cellPad)
	}
	if len(t.rows) > 0 {
		height += leadOf(t.cells(l, t.rows[0], widths, false), cellPad)
	}
	return height
}

func (t *table) place(l *layout) {
	widths := t.widths(l)
	if t.lead(l) > l.room() && !l.fresh() {
		l.newPage()
	}
	l.gap(12)
	e := l.elem(l.root, "Table", "")
	if t.headers != nil {
		tr := l.elem(e, "TR", "")
		cells := t.cells(l, t.headers, widths, true)
		for i := range cells {
			cells[i].e = l.elem(tr, "TH", "/O/Table/Scope/Column")
		}
		l.row(cells, cellPad)
		l.repeat = func() { t.again(l, widths) }
	}
	for _, row := range t.rows {
		tr := l.elem(e, "TR", "")
		cells := t.cells(l, row, widths, false)
		for i := range cells {
			if t.headers == nil && i == 0 {
				cells[i].e = l.elem(tr, "TH", "/O/Table/Scope/Row")
			} else {
				cells[i].e = l.elem(tr, "TD", "")
			}
		}
		l.row(cells, cellPad)
	}
	l.repeat = nil
}

// again draws the headers at the top of a further page, where they are no
// content: screen readers have them from the first. Headers that would take
// much of the page are not repeated.
func (t *table) again(l *layout, widths []float64) {
	cells := t.cells(l, t.headers, widths, true)
	n := 0
	for _, c := range cells {
		n = max(n, len(c.lines))
	}
	height := 2*cellPad + float64(n)*headStyle.leading
	if height > columnHeight/4 {
		return
	}
	for _, c := range cells {
		l.artifact(l.page(), "/Type/Pagination", c.lines, c.style, c.x, l.y+cellPad+c.style.ascent())
	}
	l.y += height
	l.line(l.y, 0.5)
}

// widths shares the page among the columns: each needs room for its longest
// word, and would like room for its longest text.
func (t *table) widths(l *layout) []float64 {
	total := columnWidth - cellGap*float64(t.columns-1)
	need, like := make([]float64, t.columns), make([]float64, t.columns)
	measure := func(i int, text string, s style) {
		for _, word := range strings.Fields(text) {
			need[i] = max(need[i], l.width(word, s)+slack)
		}
		for _, line := range l.lines(text, s, total) {
			like[i] = max(like[i], l.width(strings.TrimRight(line, " "), s)+slack)
		}
	}
	for i := range t.columns {
		if t.headers != nil {
			measure(i, t.headers[i], headStyle)
		}
		for _, row := range t.rows {
			measure(i, row[i], t.styleOf(i))
		}
		need[i] = max(min(need[i], total/2, 160), 12)
		like[i] = max(like[i], need[i])
	}
	return share(total, need, like)
}

// share divides total so that each gets its need; those who would like no
// more than an equal part get that, the others in proportion to what they would
// like. What is over goes to all alike; if needs are too great, all get less.
func share(total float64, need, like []float64) []float64 {
	out := make([]float64, len(need))
	left, needs, likes, open := total, sum(need), sum(like), len(need)
	if likes > total {
		for again := true; again; {
			again = false
			for i := range out {
				if out[i] == 0 && like[i] <= left/float64(open) && left-like[i] >= needs-need[i] {
					out[i] = like[i]
					left, needs, likes, open = left-like[i], needs-need[i], likes-like[i], open-1
					again = true
				}
			}
		}
	}
	for i := range out {
		switch {
		case out[i] > 0:
		case needs >= left:
			out[i] = max(need[i]*left/needs, 1)
		case likes > left:
			out[i] = need[i] + (like[i]-need[i])*(left-needs)/(likes-needs)
		default:
			out[i] = like[i] + (left-likes)/float64(open)
		}
	}
	return out
}

func sum(values []float64) float64 {
	var s float64
	for _, v := range values {
		s += v
	}
	return s
}
