package pdf

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// spelled are signs that our typeface lacks and that can be written otherwise.
var spelled = map[rune]string{
	'≤': "<=", '≥': ">=", '≈': "~", '→': "->", '←': "<-", '‰': "o/oo",
	'☐': "[ ]", '☑': "[x]", '☒': "[x]", '●': "•", '■': "•",
}

// clean returns the text as it will be drawn: composed letters, line feeds,
// single spaces, and nothing that has no look.
func clean(text string) string {
	var b strings.Builder
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	for _, r := range text {
		switch {
		case spelled[r] != "":
			b.WriteString(spelled[r])
		case r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			b.WriteByte('\n')
		case r == '\u00A0' || r == '\u202F':
			b.WriteRune(r)
		case r == '\u2007':
			b.WriteRune('\u00A0')
		case r == '\t' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Co, r):
			b.WriteRune('\uFFFD') // a private character means nothing to others
		case unicode.Is(unicode.C, r) || unicode.Is(unicode.Variation_Selector, r):
		default:
			b.WriteRune(r)
		}
	}
	lines := strings.Split(norm.NFC.String(b.String()), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.FieldsFunc(line, isSpace), " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// cleanLine is clean for a text of one line.
func cleanLine(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ReplaceAll(clean(text), "\n", " "), isSpace), " ")
}

func isSpace(r rune) bool { return r == ' ' }

// paragraphs splits a cleaned text at its empty lines.
func paragraphs(text string) []string {
	var out []string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.Trim(p, "\n"); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// breakLines breaks a cleaned text into lines no wider than limit.
//
// A line is broken after a space, or after a hyphen or slash between letters;
// a word too long for a line of its own after any other sign in it, and if it
// has none, anywhere. A line that is not the last ends in the space it was
// broken at, so that the words stay apart when the text is read aloud or
// copied; the limit does not count it.
func breakLines(text string, limit float64, width func(rune) float64) []string {
	if text == "" {
		return nil
	}
	var lines []string
	hard := strings.Split(text, "\n")
	for i, line := range hard {
		broken := breakLine([]rune(line), limit, width)
		if i < len(hard)-1 {
			broken[len(broken)-1] += " "
		}
		lines = append(lines, broken...)
	}
	return lines
}

func breakLine(text []rune, limit float64, width func(rune) float64) []string {
	var lines []string
	start, good, poor := 0, 0, 0 // where the line starts, the last places to break it
	used := 0.0
	for i := 0; i < len(text); i++ {
		r := text[i]
		used += width(r)
		if used > limit && r != ' ' && i > start {
			at := i
			switch {
			case good > start:
				at = good
			case poor > start:
				at = poor
			default:
				for at > start+1 && unicode.Is(unicode.M, text[at]) {
					at--
				}
			}
			lines = append(lines, string(text[start:at]))
			start, used, i = at, 0, at-1
			continue
		}
		next := rune(' ')
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch {
		case r == ' ':
			good = i + 1
		case (r == '-' || r == '\u2010' || r == '/') && i > start && unicode.IsLetter(text[i-1]) && unicode.IsLetter(next):
			good = i + 1
		case strings.ContainsRune("-/@._?&=,;:", r):
			poor = i + 1
		}
	}
	return append(lines, string(text[start:]))
}
