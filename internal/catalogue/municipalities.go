package catalogue

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"luvat/internal/i18n"
)

// MunicipalityNamed finds a municipality by its code or its name in any
// language, whatever the case, spaces and hyphens, with or without the dots of
// å, ä and ö; nil when there is none such.
func (c *Catalogue) MunicipalityNamed(s string) *Municipality {
	if m := c.municipality[strings.TrimSpace(s)]; m != nil {
		return m
	}
	return c.named[fold(s)]
}

// IsAland tells whether s names Åland itself, which is no municipality.
func IsAland(s string) bool {
	folded := fold(s)
	return folded == "ahvenanmaa" || folded == "aland"
}

// A Near is a municipality whose name is near to what was typed.
type Near struct {
	*Municipality
	By string // the name that is: in Finnish or in Swedish
}

// Label names it in the language, and as it was taken if that is another name.
func (n Near) Label(l i18n.Lang) string {
	if name := n.Name.In(l); name != n.By {
		return name + " (" + n.By + ")"
	}
	return n.By
}

// maxNear is how many municipalities are offered for one that is not there.
const maxNear = 6

// MunicipalitiesNear lists the municipalities that may be meant by a name that
// is none, the nearest first: a few letters are wrong, or the end is missing.
func (c *Catalogue) MunicipalitiesNear(s string) []Near {
	typed := []rune(fold(s))
	if len(typed) > 40 {
		return nil
	}
	far := 1
	switch {
	case len(typed) > 8:
		far = 3
	case len(typed) > 4:
		far = 2
	}
	type near struct {
		Near
		far int
	}
	var all []near
	for _, m := range c.Municipalities {
		best := near{far: far + 1}
		for _, name := range []string{m.Name.FI, m.Name.SV} {
			folded := []rune(fold(name))
			d := distance(typed, folded)
			if len(typed) > 2 && len(folded) > len(typed) && slices.Equal(typed, folded[:len(typed)]) {
				d = 1 // only begun
			}
			if d < best.far {
				best = near{Near{m, name}, d}
			}
		}
		if best.Municipality != nil {
			all = append(all, best)
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return cmp.Or(a.far-b.far, strings.Compare(a.By, b.By)) })
	var found []Near
	for _, n := range all[:min(len(all), maxNear)] {
		found = append(found, n.Near)
	}
	return found
}

// fold writes a name as people type it: small letters only, without dots.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); r {
		case 'å', 'ä':
			return 'a'
		case 'ö':
			return 'o'
		case 'é':
			return 'e'
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, s)
}

// distance counts the letters that must be changed, added, left out or swapped
// with the next to make one word of the other (optimal string alignment).
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
