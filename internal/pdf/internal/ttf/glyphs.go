package ttf

import (
	"errors"
	"fmt"
)

// glyphs gives access to the outlines and widths of a font.
type glyphs struct {
	n        int    // how many
	glyf     []byte // the outlines
	loca     []byte // where each outline is
	longLoca bool
	hmtx     []byte // the widths
	metrics  int    // how many of the widths are full entries
}

// open finds the glyphs of t.
func open(t Tables) (*glyphs, error) {
	for name, size := range map[string]int{"head": 54, "hhea": 36, "maxp": 32} {
		if len(t[name]) < size {
			return nil, fmt.Errorf("table %s: %w", name, errShort)
		}
	}
	g := &glyphs{
		n:        int(be.Uint16(t["maxp"][4:])),
		glyf:     t["glyf"],
		loca:     t["loca"],
		longLoca: be.Uint16(t["head"][50:]) != 0,
		hmtx:     t["hmtx"],
		metrics:  int(be.Uint16(t["hhea"][34:])),
	}
	width := 2
	if g.longLoca {
		width = 4
	}
	if g.n == 0 || len(g.loca) < (g.n+1)*width || g.metrics == 0 || g.metrics > g.n ||
		len(g.hmtx) < g.metrics*4+(g.n-g.metrics)*2 {
		return nil, errShort
	}
	return g, nil
}

// outline returns the outline of a glyph; it is empty for a space.
func (g *glyphs) outline(id int) ([]byte, error) {
	if id < 0 || id >= g.n {
		return nil, fmt.Errorf("no glyph %d", id)
	}
	var from, to int
	if g.longLoca {
		from, to = int(be.Uint32(g.loca[id*4:])), int(be.Uint32(g.loca[id*4+4:]))
	} else {
		from, to = int(be.Uint16(g.loca[id*2:]))*2, int(be.Uint16(g.loca[id*2+2:]))*2
	}
	return slice(g.glyf, from, to-from)
}

// metric returns the advance width and the left side bearing of a glyph, as
// the four bytes of a full entry.
func (g *glyphs) metric(id int) []byte {
	if id < g.metrics {
		return g.hmtx[id*4 : id*4+4]
	}
	last := g.hmtx[(g.metrics-1)*4:]
	bearing := g.hmtx[g.metrics*4+(id-g.metrics)*2:]
	return []byte{last[0], last[1], bearing[0], bearing[1]}
}

// The flags of a part of a composite glyph that tell how long it is, and that
// hinting follows it.
const (
	wordArgs      = 0x0001
	oneScale      = 0x0008
	moreParts     = 0x0020
	twoScales     = 0x0040
	twoByTwo      = 0x0080
	hasHints      = 0x0100
	compositeMark = 0x8000 // the sign bit of the number of contours
)

// parts calls each with the offset of every part in a composite outline: the
// flags are there, the glyph id two bytes later. It returns where the parts
// end. A simple outline has none.
func parts(outline []byte, each func(at int)) (end int, err error) {
	if len(outline) == 0 {
		return 0, nil
	}
	if len(outline) < 10 {
		return 0, errShort
	}
	if be.Uint16(outline)&compositeMark == 0 {
		return len(outline), nil
	}
	for at := 10; ; {
		if at+4 > len(outline) {
			return 0, errShort
		}
		flags := be.Uint16(outline[at:])
		each(at)
		at += 6
		if flags&wordArgs != 0 {
			at += 2
		}
		switch {
		case flags&oneScale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&twoByTwo != 0:
			at += 8
		}
		if at > len(outline) {
			return 0, errShort
		}
		if flags&moreParts == 0 {
			return at, nil
		}
	}
}

// builder collects glyphs for a new font.
type builder struct {
	glyf, loca, hmtx []byte
	n                int
}

// add appends a glyph and returns its id.
func (b *builder) add(outline, metric []byte) int {
	b.loca = be.AppendUint32(b.loca, uint32(len(b.glyf)))
	b.glyf = append(b.glyf, outline...)
	b.glyf = append(b.glyf, make([]byte, -len(b.glyf)&3)...)
	b.hmtx = append(b.hmtx, metric...)
	b.n++
	return b.n - 1
}

// tables returns the new font: its head, hhea and maxp are those of model, set
// to the collected glyphs. Hinting is not kept: PDF viewers do not need it.
func (b *builder) tables(model Tables) (Tables, error) {
	if b.n > 0xFFFF {
		return nil, errors.New("too many glyphs")
	}
	head := append([]byte(nil), model["head"]...)
	be.PutUint16(head[50:], 1)
	hhea := append([]byte(nil), model["hhea"]...)
	be.PutUint16(hhea[34:], uint16(b.n))
	maxp := append([]byte(nil), model["maxp"]...)
	be.PutUint16(maxp[4:], uint16(b.n))
	return Tables{
		"head": head, "hhea": hhea, "maxp": maxp, "hmtx": b.hmtx,
		"loca": be.AppendUint32(b.loca, uint32(len(b.glyf))), "glyf": b.glyf,
	}, nil
}

// Subset returns the font with the outlines of only the glyphs in keep, of
// those they are made of, and of glyph 0. Glyph ids stay what they are; what
// is left out is empty.
//
// The result is for embedding in a PDF: it has no names and no character map.
func Subset(t Tables, keep []uint16) (Tables, error) {
	g, err := open(t)
	if err != nil {
		return nil, err
	}
	kept := make([]bool, g.n)
	queue := append([]uint16{0}, keep...)
	last := 0
	for len(queue) > 0 {
		id := int(queue[0])
		queue = queue[1:]
		outline, err := g.outline(id)
		if err != nil {
			return nil, err
		}
		if kept[id] {
			continue
		}
		kept[id] = true
		last = max(last, id)
		if _, err := parts(outline, func(at int) { queue = append(queue, be.Uint16(outline[at+2:])) }); err != nil {
			return nil, fmt.Errorf("glyph %d: %w", id, err)
		}
	}

	var b builder
	for id := range last + 1 {
		if !kept[id] {
			b.add(nil, []byte{0, 0, 0, 0})
			continue
		}
		outline, err := g.outline(id)
		if err != nil {
			return nil, err
		}
		b.add(outline, g.metric(id))
	}
	return b.tables(t)
}
