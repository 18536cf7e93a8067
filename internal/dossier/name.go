package dossier

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how long a name in the package may be, in bytes: with its folder
// and number it stays far below what any file system takes.
const maxName = 120

// safe makes a text fit to be part of a file's name on every system: no
// folders, nothing invisible, nothing that Windows refuses. Names are told
// apart by the number before them, so two may come out alike.
func safe(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
			return -1
		case strings.ContainsRune(`/\:*?"<>|`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.Trim(strings.Join(strings.Fields(name), " "), ". ")
	if len(name) > maxName {
		ext := path.Ext(name)
		if len(ext) > 12 {
			ext = ""
		}
		cut := maxName - len(ext)
		for !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = strings.TrimRight(name[:cut], ". ") + ext
	}
	if name == "" {
		return "_"
	}
	return name
}
