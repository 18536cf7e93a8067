package ttf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode"
	"unicode/utf16"

	"golang.org/x/image/font/sfnt"
)

// Merge makes one font of fonts that split one typeface by script, and gives
// it the name and the notices of names.
//
// The extras are characters that no font has; they are made of what there is.
//
// Every character gets a glyph of its own, even where the sources draw two
// with one, so that the text can be read back from the glyphs. Where several
// fonts have a character, the first wins; glyph 0 comes from the first font.
// Only what a PDF needs is kept: no kerning, no features, no hinting, no
// control and format characters, and none beyond U+FFFF.
func Merge(fonts []Tables, extras []Extra, names Names) (Tables, error) {
	if len(fonts) == 0 {
		return nil, errors.New("no fonts to merge")
	}
	m := merger{from: make([]*glyphs, len(fonts)), ids: map[source]int{}}
	runes := map[rune]source{}
	for i, t := range fonts {
		g, err := open(t)
		if err != nil {
			return nil, err
		}
		if unitsPerEm(t) != unitsPerEm(fonts[0]) {
			return nil, errors.New("the fonts have different units")
		}
		m.from[i] = g
		if err := characters(t, i, runes); err != nil {
			return nil, err
		}
	}

	if err := m.add(source{0, 0}); err != nil {
		return nil, err
	}
	chars := slices.Sorted(maps.Keys(runes))
	for _, r := range chars {
		if err := m.add(runes[r]); err != nil {
			return nil, fmt.Errorf("character %U: %w", r, err)
		}
	}
	for _, e := range extras {
		if _, ok := runes[e.Rune]; ok {
			return nil, fmt.Errorf("character %U is no extra: a font has it", e.Rune)
		}
		if err := m.addExtra(e, runes); err != nil {
			return nil, fmt.Errorf("character %U: %w", e.Rune, err)
		}
		chars = append(chars, e.Rune)
	}
	if err := m.addParts(); err != nil {
		return nil, err
	}

	t, err := m.out.tables(fonts[0])
	if err != nil {
		return nil, err
	}
	t["maxp"] = limits(t["maxp"], fonts)
	t["OS/2"] = fonts[0]["OS/2"]
	t["post"] = post(fonts[0]["post"])
	t["cmap"] = cmap(chars)
	t["name"] = names.table()
	return t, nil
}

// An Extra is a character made of others: Base alone, or Base with Mark above.
type Extra struct {
	Rune rune
	Base rune // 0 for glyph 0, the sign of what is missing
	Mark rune // 0 for none
}

// markGap is how far a mark of an Extra stands above its base, in font units.
const markGap = 60

// source is a glyph of one of the fonts to merge, or a composite of our own.
type source struct{ font, id int }

// made is the font of our own composites; their parts have their new ids.
const made = -1

// merger collects glyphs from several fonts.
type merger struct {
	from  []*glyphs
	out   builder
	ids   map[source]int // where a glyph has come
	order []source       // the glyphs of out
}

// add copies a glyph. The parts of a composite still have their old ids.
func (m *merger) add(s source) error {
	outline, err := m.from[s.font].outline(s.id)
	if err != nil {
		return err
	}
	if outline, err = unhinted(outline); err != nil {
		return err
	}
	id := m.out.add(outline, m.from[s.font].metric(s.id))
	if _, ok := m.ids[s]; !ok {
		m.ids[s] = id
	}
	m.order = append(m.order, s)
	return nil
}

// addExtra adds the glyph of a character that no font has.
func (m *merger) addExtra(e Extra, runes map[rune]source) error {
	base, ok := runes[e.Base]
	if !ok && e.Base != 0 {
		return fmt.Errorf("no base %U", e.Base)
	}
	if e.Mark == 0 {
		return m.add(base)
	}
	mark, ok := runes[e.Mark]
	if !ok {
		return fmt.Errorf("no mark %U", e.Mark)
	}
	b, err := m.from[base.font].outline(base.id)
	if err != nil {
		return err
	}
	k, err := m.from[mark.font].outline(mark.id)
	if err != nil {
		return err
	}
	if len(b) < 10 || len(k) < 10 {
		return errors.New("base or mark is empty")
	}
	box := func(outline []byte) (x0, y0, x1, y1 int16) {
		n := func(at int) int16 { return int16(be.Uint16(outline[at:])) }
		return n(2), n(4), n(6), n(8)
	}
	bx0, by0, bx1, by1 := box(b)
	kx0, ky0, kx1, ky1 := box(k)
	dx := (bx0 + bx1 - kx0 - kx1) / 2
	dy := by1 + markGap - ky0

	const words, offsets = wordArgs, 0x0002
	var out []byte
	for _, v := range []int{
		-1, int(min(bx0, kx0+dx)), int(by0), int(max(bx1, kx1+dx)), int(ky1 + dy),
		words | offsets | moreParts, m.ids[base], 0, 0,
		words | offsets, m.ids[mark], int(dx), int(dy),
	} {
		out = be.AppendUint16(out, uint16(v))
	}
	m.out.add(out, m.from[base.font].metric(base.id))
	m.order = append(m.order, source{made, 0})
	return nil
}

// addParts adds what the composites are made of, and what that is made of,
// and writes the new ids into the composites.
func (m *merger) addParts() error {
	for i := 0; i < len(m.order); i++ {
		font := m.order[i].font
		if font == made {
			continue
		}
		outline, err := m.from[font].outline(m.order[i].id)
		if err != nil {
			return err
		}
		start := int(be.Uint32(m.out.loca[i*4:]))
		var wrong error
		_, err = parts(outline, func(at int) {
			part := source{font, int(be.Uint16(outline[at+2:]))}
			if _, ok := m.ids[part]; !ok {
				wrong = errors.Join(wrong, m.add(part))
			}
			be.PutUint16(m.out.glyf[start+at+2:], uint16(m.ids[part]))
		})
		if err := errors.Join(err, wrong); err != nil {
			return err
		}
	}
	return nil
}

// unhinted returns a copy of the outline without its hinting.
func unhinted(outline []byte) ([]byte, error) {
	out := slices.Clone(outline)
	end, err := parts(out, func(at int) {
		be.PutUint16(out[at:], be.Uint16(out[at:])&^hasHints)
	})
	if err != nil || len(out) == 0 {
		return out, err
	}
	if contours := be.Uint16(out); contours&compositeMark == 0 {
		at := 10 + 2*int(contours) // the length of the hinting, then the hinting
		if at+2 > len(out) {
			return nil, errShort
		}
		hints := int(be.Uint16(out[at:]))
		if at+2+hints > len(out) {
			return nil, errShort
		}
		be.PutUint16(out[at:], 0)
		return slices.Delete(out, at+2, at+2+hints), nil
	}
	return out[:end], nil
}

// characters adds the characters of a font to runes, if they are not there.
func characters(t Tables, font int, runes map[rune]source) error {
	f, err := sfnt.Parse(t.Bytes())
	if err != nil {
		return err
	}
	var buf sfnt.Buffer
	for r := rune(' '); r < 0xFFFE; r++ {
		id, err := f.GlyphIndex(&buf, r)
		if err != nil {
			return err
		}
		if _, ok := runes[r]; !ok && id != 0 && !unicode.Is(unicode.C, r) {
			runes[r] = source{font, int(id)}
		}
	}
	return nil
}

func unitsPerEm(t Tables) uint16 { return be.Uint16(t["head"][18:]) }

// limits returns maxp with the greatest limits of all the fonts; an extra may
// be one composite deeper than they are.
func limits(maxp []byte, fonts []Tables) []byte {
	for _, t := range fonts {
		for at := 6; at < 32; at += 2 {
			be.PutUint16(maxp[at:], max(be.Uint16(maxp[at:]), be.Uint16(t["maxp"][at:])))
		}
	}
	be.PutUint16(maxp[28:], max(be.Uint16(maxp[28:]), 2))
	be.PutUint16(maxp[30:], be.Uint16(maxp[30:])+1)
	return maxp
}

// post returns a post table without glyph names.
func post(model []byte) []byte {
	out := make([]byte, 32)
	copy(out, model)
	be.PutUint32(out, 0x00030000)
	return out
}

// cmap maps the characters to the glyphs 1, 2, 3 …, in format 4.
func cmap(chars []rune) []byte {
	ids := map[rune]uint16{}
	for i, r := range chars {
		ids[r] = uint16(i + 1)
	}
	type segment struct{ first, last, delta uint16 }
	var segments []segment
	for _, r := range slices.Sorted(maps.Keys(ids)) {
		c := uint16(r)
		delta := ids[r] - c
		if n := len(segments); n > 0 && segments[n-1].last+1 == c && segments[n-1].delta == delta {
			segments[n-1].last = c
			continue
		}
		segments = append(segments, segment{c, c, delta})
	}
	segments = append(segments, segment{0xFFFF, 0xFFFF, 1})

	n := len(segments)
	power, log := 1, 0
	for power*2 <= n {
		power, log = power*2, log+1
	}
	var out []byte
	words := func(values ...int) {
		for _, v := range values {
			out = be.AppendUint16(out, uint16(v))
		}
	}
	words(0, 1, 3, 1, 0, 12)                            // one subtable: Windows, Unicode
	words(4, 16+8*n, 0, n*2, power*2, log, (n-power)*2) // its heading
	for _, column := range []func(segment) uint16{      // its four columns
		func(s segment) uint16 { return s.last },
		func(s segment) uint16 { return s.first },
		func(s segment) uint16 { return s.delta },
		func(segment) uint16 { return 0 },
	} {
		for _, s := range segments {
			words(int(column(s)))
		}
		if len(out) == 12+14+2*n {
			words(0) // a pad after the first column
		}
	}
	return out
}

// Names are what a font says of itself.
type Names struct {
	Family    string // "Luvat Sans"
	Style     string // "Regular"
	Copyright string
	Version   string
	License   string
	URL       string // of the licence
}

// PostScript is the name by which a PDF calls the font.
func (n Names) PostScript() string {
	var out []byte
	for _, c := range []byte(n.Family + "-" + n.Style) {
		if c != ' ' {
			out = append(out, c)
		}
	}
	return string(out)
}

func (n Names) table() []byte {
	texts := []struct {
		id   int
		text string
	}{
		{0, n.Copyright},
		{1, n.Family},
		{2, n.Style},
		{3, n.PostScript() + " " + n.Version},
		{4, n.Family + " " + n.Style},
		{5, n.Version},
		{6, n.PostScript()},
		{13, n.License},
		{14, n.URL},
	}
	out := be.AppendUint16(nil, 0)
	out = be.AppendUint16(out, uint16(len(texts)))
	out = be.AppendUint16(out, uint16(6+12*len(texts)))
	var text []byte
	for _, t := range texts {
		start := len(text)
		for _, u := range utf16.Encode([]rune(t.text)) {
			text = be.AppendUint16(text, u)
		}
		for _, v := range []int{3, 1, 0x409, t.id, len(text) - start, start} {
			out = be.AppendUint16(out, uint16(v))
		}
	}
	return append(out, text...)
}
