package pdf

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"spaces are one, and none at the ends of lines", "  a \t b  \n c ", "a b\nc"},
		{"line ends of all systems", "a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		{"letters are composed", "a\u0308o\u0308 A\u030A", "äö Å"},
		{"what has no look goes", "a\u00ADb\u200Bc\uFEFFd\x00e☐\uFE0E", "abcde[ ]"},
		{"bytes that are no text", "a\xFFb", "a\uFFFDb"},
		{"a space that holds words together stays", "10\u00A0000\u202F€", "10\u00A0000\u202F€"},
		{"signs we lack are spelled", "a → b ≤ 0,5 ‰", "a -> b <= 0,5 o/oo"},
		{"private characters mean nothing", "a\uE000", "a\uFFFD"},
		{"nothing", " \n\n ", ""},
	} {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("%s: clean(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

// TestSpelledIsNeeded: a sign that the font has must not be spelled.
func TestSpelledIsNeeded(t *testing.T) {
	for _, f := range faces() {
		for r := range spelled {
			if g := newTypeface(f).glyph(r); g.r == r {
				t.Errorf("%s has %c: no need to spell it", f.name, r)
			}
		}
	}
}

func TestBreakLines(t *testing.T) {
	one := func(rune) float64 { return 1 }
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"fits", "kymmenen m", []string{"kymmenen m"}},
		{"at spaces", "yksi kaksi kolme", []string{"yksi kaksi ", "kolme"}},
		{"at given lines", "yksi\n\nkaksi", []string{"yksi ", " ", "kaksi"}},
		{"after a hyphen between letters", "sosiaali-ja terveys", []string{"sosiaali-", "ja terveys"}},
		{"not in a date", "nyt 2026-11-20", []string{"nyt ", "2026-11-20"}},
		{"a long word anywhere", "lentokonesuihku", []string{"lentokones", "uihku"}},
		{"a long address after a sign", "a.b@example.org/polku", []string{"a.b@", "example.", "org/polku"}},
		{"not at a space that holds together", "hinta 10\u00A0000\u00A0€", []string{"hinta ", "10\u00A0000\u00A0€"}},
		{"not before a mark", "abcdefghix\u0323\u0301z", []string{"abcdefghi", "x\u0323\u0301z"}},
		{"nothing", "", nil},
	} {
		if diff := cmp.Diff(tt.want, breakLines(tt.in, 10, one)); diff != "" {
			t.Errorf("%s: breakLines(%q) (-want +got):\n%s", tt.name, tt.in, diff)
		}
	}
}

// TestBreakLinesKeepsAll: breaking loses nothing and keeps the width, however
// narrow the column is.
func TestBreakLinesKeepsAll(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := clean(rapid.String().Draw(rt, "text"))
		limit := rapid.Float64Range(0, 12).Draw(rt, "limit")
		lines := breakLines(text, limit, func(rune) float64 { return 1 })
		if got := strings.Join(lines, ""); got != strings.ReplaceAll(text, "\n", " ") {
			rt.Fatalf("lines are %q, want all of %q", lines, text)
		}
		for _, line := range lines {
			if n := len([]rune(strings.TrimRight(line, " "))); n > 1 && float64(n) > limit {
				rt.Fatalf("line %q is wider than %v", line, limit)
			}
		}
	})
}

// TestContrast asks for WCAG's contrast of 4.5 to 1 on white.
func TestContrast(t *testing.T) {
	light := func(c colour) float64 {
		part := func(v uint8) float64 { return linear(float64(v) / 255) }
		return 0.2126*part(c.r) + 0.7152*part(c.g) + 0.0722*part(c.b)
	}
	for name, c := range map[string]colour{"ink": ink, "deepBlue": deepBlue, "grey": grey} {
		if got := 1.05 / (light(c) + 0.05); got < 4.5 {
			t.Errorf("%s has a contrast of %.2f, want 4.5", name, got)
		}
	}
}

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		name             string
		need, like, want []float64
	}{
		{"room for all", []float64{10, 10}, []float64{20, 40}, []float64{40, 60}},
		{"room for what is needed", []float64{20, 20}, []float64{20, 140}, []float64{20, 80}},
		{"the modest first", []float64{10, 10, 10}, []float64{15, 500, 500}, []float64{15, 42.5, 42.5}},
		{"too little room", []float64{100, 300}, []float64{100, 300}, []float64{25, 75}},
	} {
		if diff := cmp.Diff(tt.want, share(100, tt.need, tt.like)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestProfile(t *testing.T) {
	be := binary.BigEndian
	p := sRGB()
	if int(be.Uint32(p)) != len(p) || string(p[12:24]) != "mntrRGB XYZ " || string(p[36:40]) != "acsp" {
		t.Errorf("the head of the profile is wrong: % x", p[:128])
	}
	tags := map[string][]byte{}
	for i := range int(be.Uint32(p[128:])) {
		entry := p[132+12*i:]
		offset, size := int(be.Uint32(entry[4:])), int(be.Uint32(entry[8:]))
		if offset%4 != 0 || offset+size > len(p) {
			t.Fatalf("tag %s is at %d, %d bytes, of %d", entry[:4], offset, size, len(p))
		}
		tags[string(entry[:4])] = p[offset : offset+size]
	}
	for i, white := range []float64{0.9642, 1, 0.8249} { // red, green and blue together are white
		var sum float64
		for _, name := range []string{"rXYZ", "gXYZ", "bXYZ"} {
			sum += float64(int32(be.Uint32(tags[name][8+4*i:]))) / 65536
		}
		if math.Abs(sum-white) > 0.001 {
			t.Errorf("the primaries add up to %v in part %d, want %v", sum, i, white)
		}
	}
	if len(tags) != 9 || len(tags["desc"]) < 90 || len(tags["gTRC"]) != 12+2*1024 {
		t.Errorf("%d tags, desc of %d, gTRC of %d bytes", len(tags), len(tags["desc"]), len(tags["gTRC"]))
	}
}
