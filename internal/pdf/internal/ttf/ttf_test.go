package ttf

import (
	"bytes"
	"compress/zlib"
	"os"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"pgregory.net/rapid"
)

func load(t testing.TB) (Tables, []byte) {
	t.Helper()
	data, err := os.ReadFile("../../fonts/LuvatSans-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := FromTTF(data)
	if err != nil {
		t.Fatal(err)
	}
	return tables, data
}

func parse(t testing.TB, tables Tables) *sfnt.Font {
	t.Helper()
	f, err := sfnt.Parse(tables.Bytes())
	if err != nil {
		t.Fatalf("sfnt: %v", err)
	}
	return f
}

func TestBytes(t *testing.T) {
	tables, data := load(t)
	if got := tables.Bytes(); !bytes.Equal(got, data) {
		t.Error("a font read and written is another")
	}
	if sum := checksum(data); sum != 0xB1B0AFBA {
		t.Errorf("checksum of the file %#x, want 0xB1B0AFBA", sum)
	}
}

// woff packs tables as a WOFF file.
func woff(tables Tables) []byte {
	head := append([]byte("wOFF"), make([]byte, 40)...)
	be.PutUint16(head[12:], uint16(len(tables)))
	var directory, body []byte
	for name, table := range tables {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		_, _ = w.Write(table)
		_ = w.Close()
		packed := z.Bytes()
		if len(packed) >= len(table) {
			packed = table
		}
		directory = append(directory, name...)
		for _, v := range []int{44 + 20*len(tables) + len(body), len(packed), len(table), 0} {
			directory = be.AppendUint32(directory, uint32(v))
		}
		body = append(body, packed...)
	}
	return append(append(head, directory...), body...)
}

func TestFromWOFF(t *testing.T) {
	tables, data := load(t)
	got, err := FromWOFF(woff(tables))
	if err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("FromWOFF does not give the font back: %v", err)
	}
}

func TestSubset(t *testing.T) {
	tables, _ := load(t)
	whole := parse(t, tables)
	var keep []uint16
	for _, r := range "Aäŋǩ€" {
		id, err := whole.GlyphIndex(nil, r)
		if err != nil || id == 0 {
			t.Fatalf("glyph of %c: %d, %v", r, id, err)
		}
		keep = append(keep, uint16(id))
	}
	sub, err := Subset(tables, keep)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sub.Bytes()); n > 20_000 {
		t.Errorf("a font of five letters has %d bytes", n)
	}
	sub["cmap"], sub["name"], sub["post"] = tables["cmap"], tables["name"], tables["post"]
	f := parse(t, sub)
	for _, id := range keep {
		sameGlyph(t, whole, f, sfnt.GlyphIndex(id), sfnt.GlyphIndex(id))
	}
	other, err := whole.GlyphIndex(nil, 'Q')
	if err != nil {
		t.Fatal(err)
	}
	if segments, err := f.LoadGlyph(nil, other, fixed.I(100), nil); err == nil && len(segments) > 0 {
		t.Error("a letter that is not used is still drawn")
	}
	if _, err := Subset(tables, []uint16{0xFFFF}); err == nil {
		t.Error("a subset of a glyph that is not there is no error")
	}
}

// sameGlyph compares the outline and the width of two glyphs.
func sameGlyph(t *testing.T, a, b *sfnt.Font, ia, ib sfnt.GlyphIndex) {
	t.Helper()
	var bufA, bufB sfnt.Buffer
	sa, errA := a.LoadGlyph(&bufA, ia, fixed.I(1000), nil)
	sb, errB := b.LoadGlyph(&bufB, ib, fixed.I(1000), nil)
	if errA != nil || errB != nil || len(sa) != len(sb) {
		t.Errorf("glyphs %d and %d: %d and %d segments, %v, %v", ia, ib, len(sa), len(sb), errA, errB)
		return
	}
	for i := range sa {
		if sa[i] != sb[i] {
			t.Errorf("glyphs %d and %d differ in segment %d", ia, ib, i)
			return
		}
	}
	wa, errA := a.GlyphAdvance(&bufA, ia, fixed.I(1000), font.HintingNone)
	wb, errB := b.GlyphAdvance(&bufB, ib, fixed.I(1000), font.HintingNone)
	if wa != wb || errA != nil || errB != nil {
		t.Errorf("glyphs %d and %d are %v and %v wide, %v, %v", ia, ib, wa, wb, errA, errB)
	}
}

func TestMerge(t *testing.T) {
	tables, _ := load(t)
	names := Names{Family: "Test Sans", Style: "Bold", Version: "1"}
	merged, err := Merge([]Tables{tables, tables}, []Extra{
		{Rune: '■', Base: 'H'},
		{Rune: 'q' + 0x2000, Base: 'q', Mark: 'ˇ'},
	}, names)
	if err != nil {
		t.Fatal(err)
	}
	before, after := parse(t, tables), parse(t, merged)
	glyph := func(f *sfnt.Font, r rune) sfnt.GlyphIndex {
		id, err := f.GlyphIndex(nil, r)
		if err != nil || id == 0 {
			t.Fatalf("no glyph of %c: %v", r, err)
		}
		return id
	}
	for _, r := range "aÄšŋÊẫбβǩ€ \u00A0" {
		sameGlyph(t, before, after, glyph(before, r), glyph(after, r))
	}
	sameGlyph(t, before, after, glyph(before, 'H'), glyph(after, '■'))
	if glyph(after, ' ') == glyph(after, '\u00A0') || glyph(after, 'H') == glyph(after, '■') {
		t.Error("two characters share a glyph: their text could not be told apart")
	}
	q, _, err := after.GlyphBounds(nil, glyph(after, 'q'+0x2000), fixed.I(1000), font.HintingNone)
	if plain, _, err2 := after.GlyphBounds(nil, glyph(after, 'q'), fixed.I(1000), font.HintingNone); err != nil || err2 != nil || q.Min.Y >= plain.Min.Y {
		t.Errorf("a letter with a mark reaches %v, without %v; %v, %v", q, plain, err, err2)
	}
	if name, err := after.Name(nil, sfnt.NameIDPostScript); err != nil || name != "TestSans-Bold" {
		t.Errorf("PostScript name %q, %v", name, err)
	}

	for name, extra := range map[string]Extra{
		"there already": {Rune: 'a', Base: 'b'},
		"no base":       {Rune: '■', Base: '●'},
		"no mark":       {Rune: '■', Base: 'a', Mark: '●'},
		"empty base":    {Rune: '■', Base: ' ', Mark: 'ˇ'},
	} {
		if _, err := Merge([]Tables{tables}, []Extra{extra}, names); err == nil {
			t.Errorf("an extra with %s is no error", name)
		}
	}
	if _, err := Merge(nil, nil, names); err == nil {
		t.Error("merging nothing is no error")
	}
}

// TestBroken: a damaged font is an error or another font, never a panic.
func TestBroken(t *testing.T) {
	tables, data := load(t)
	packed := woff(tables)
	rapid.Check(t, func(rt *rapid.T) {
		for _, read := range []struct {
			data []byte
			from func([]byte) (Tables, error)
		}{{data, FromTTF}, {packed, FromWOFF}} {
			broken := bytes.Clone(read.data)
			for range rapid.IntRange(0, 20).Draw(rt, "changes") {
				broken[rapid.IntRange(0, 600).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
			}
			broken = broken[:rapid.IntRange(0, len(broken)).Draw(rt, "length")]
			if got, err := read.from(broken); err == nil {
				got.Bytes()
				_, _ = Subset(got, []uint16{1, 2, 500, 900})
			}
		}
	})
}
