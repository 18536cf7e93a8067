package pdf

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"luvat/internal/pdf/internal/ttf"
)

//go:generate go run ./internal/makefonts -to fonts -from ../../node_modules/@fontsource/source-sans-3

//go:embed fonts/LuvatSans-Regular.ttf
var regularTTF []byte

//go:embed fonts/LuvatSans-SemiBold.ttf
var semiBoldTTF []byte

// weight tells which of the two faces a text is set in.
type weight int

const (
	regular weight = iota
	semiBold
)

// face is a font file, read once for all documents.
type face struct {
	font   *sfnt.Font
	tables ttf.Tables
	name   string // PostScript name

	// In thousandths of the size.
	ascent, descent, capHeight int
	box                        [4]int
	stem                       int // thickness of stems, as told to viewers
}

// faces are the faces by weight. That they can be read is sure: they are part
// of the program, and tested.
var faces = sync.OnceValue(func() []*face {
	return []*face{mustFace(regularTTF, 84), mustFace(semiBoldTTF, 126)}
})

func mustFace(data []byte, stem int) *face {
	f, err := readFace(data, stem)
	if err != nil {
		panic(fmt.Sprintf("pdf: built-in font: %v", err))
	}
	return f
}

func readFace(data []byte, stem int) (*face, error) {
	tables, err := ttf.FromTTF(data)
	if err != nil {
		return nil, err
	}
	f, err := sfnt.Parse(data)
	if err != nil {
		return nil, err
	}
	if f.UnitsPerEm() != 1000 {
		return nil, fmt.Errorf("%d units per em, want 1000", f.UnitsPerEm())
	}
	var buf sfnt.Buffer
	name, err := f.Name(&buf, sfnt.NameIDPostScript)
	if err != nil {
		return nil, err
	}
	m, err := f.Metrics(&buf, emSize, font.HintingNone)
	if err != nil {
		return nil, err
	}
	b, err := f.Bounds(&buf, emSize, font.HintingNone)
	if err != nil {
		return nil, err
	}
	return &face{
		font: f, tables: tables, name: name, stem: stem,
		ascent: int(m.Ascent), descent: -int(m.Descent), capHeight: int(m.CapHeight),
		box: [4]int{int(b.Min.X), -int(b.Max.Y), int(b.Max.X), -int(b.Min.Y)},
	}, nil
}

// emSize asks sfnt for measures in units of the font.
const emSize = fixed.Int26_6(1000)

// typeface is a face as one document uses it.
type typeface struct {
	*face
	buf    sfnt.Buffer
	glyphs map[rune]glyph
	used   map[uint16]glyph // what was drawn, by glyph id
}

type glyph struct {
	id    uint16
	r     rune // what it is read as
	width int  // in thousandths of the size
}

func newTypeface(f *face) *typeface {
	return &typeface{face: f, glyphs: map[rune]glyph{}, used: map[uint16]glyph{}}
}

// glyph returns the glyph of r, or that of U+FFFD if there is none.
func (t *typeface) glyph(r rune) glyph {
	if g, ok := t.glyphs[r]; ok {
		return g
	}
	id, err := t.font.GlyphIndex(&t.buf, r)
	if (err != nil || id == 0) && r != '\uFFFD' {
		g := t.glyph('\uFFFD')
		t.glyphs[r] = g
		return g
	}
	advance, _ := t.font.GlyphAdvance(&t.buf, id, emSize, font.HintingNone)
	g := glyph{uint16(id), r, int(advance)}
	t.glyphs[r] = g
	return g
}

// encode returns the text as the operand of a show operator.
func (t *typeface) encode(text string) string {
	var b strings.Builder
	b.WriteByte('<')
	for _, r := range text {
		g := t.glyph(r)
		t.used[g.id] = g
		fmt.Fprintf(&b, "%04X", g.id)
	}
	b.WriteByte('>')
	return b.String()
}

// drawn returns the used glyphs in the order of their ids.
func (t *typeface) drawn() []glyph {
	var out []glyph
	for _, id := range slices.Sorted(maps.Keys(t.used)) {
		out = append(out, t.used[id])
	}
	return out
}
