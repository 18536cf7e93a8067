package attach

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	nameless  = "liite" // attachment, in Finnish
	maxName   = 255     // bytes: what file systems take
	maxEnding = 32      // a longer one is no ending
)

// cleanName makes of any text a name that every system can store and that
// reads as what it is: no folders, no unseen characters, no device names. It
// changes nothing in a good name, and a second time changes nothing.
func cleanName(name string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, "_"))
	name = strings.TrimRight(name, `/\ `)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(cleanRune, name)
	name = norm.NFC.String(name) // what was dropped may have stood between a letter and its mark
	name = strings.Join(strings.Fields(name), " ")
	name = strings.Trim(name, ". ")
	if reserved(name) {
		name = "_" + name
	}
	if name = shorten(name); name == "" {
		return nameless
	}
	return name
}

// cleanRune returns what to write for r; -1 for nothing.
func cleanRune(r rune) rune {
	switch {
	case strings.ContainsRune(`<>:"/\|?*`, r), r == '\u2044', r == '\u2215', r == '\uff0f', r == '\uff3c':
		return '_' // not allowed somewhere, or looks like a folder's mark
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
		if unicode.IsSpace(r) {
			return ' '
		}
		return -1 // among them all that turn the direction of writing
	case unicode.IsSpace(r), r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0', r == '\u2800':
		return ' ' // also letters that show nothing
	}
	return r
}

// reserved tells whether Windows takes the name for a device, ending or not.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(stem, port); ok && utf8.RuneCountInString(n) == 1 && strings.Contains("0123456789¹²³", n) {
			return true
		}
	}
	return false
}

// shorten cuts a name to maxName bytes between two characters, and keeps its
// ending.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	ending := filepath.Ext(name)
	if len(ending) > maxEnding {
		ending = ""
	}
	stem := name[:maxName-len(ending)]
	for !utf8.RuneStart(name[len(stem)]) {
		stem = stem[:len(stem)-1]
	}
	return strings.TrimRight(strings.TrimRight(stem, ". ")+ending, ". ")
}
