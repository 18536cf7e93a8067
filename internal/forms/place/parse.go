package place

import (
	"math"
	"regexp"
	"strings"
)

// A Fault says why a text is no place that we can take. The empty fault is none.
type Fault string

// The faults.
const (
	Unreadable Fault = "unreadable" // no coordinates
	Half       Fault = "half"       // one of the two
	Outside    Fault = "outside"    // not in Finland or its sea areas
	OtherGrid  Fault = "other_grid" // metres of another grid, such as YKJ or ETRS-GK
	NoPlace    Fault = "no_place"   // the address of a page that tells no place, such as a shortened one
)

// maxText is more than any address of a map: what is longer is no place.
const maxText = 4000

// Parse reads a place as it was copied or written:
//
//   - degrees, 61.4978, 23.7610 and 61,4978 23,7610, with or without letters
//     for north and east, with minutes, and with seconds: 61°29'52"N 23°45'40"E;
//   - metres of ETRS-TM35FIN: N 6822000 E 327000 and 6 822 000, 327 000;
//   - the address of a page of Karttapaikka, Google Maps, OpenStreetMap or
//     Apple's maps, or geo:61.4978,23.7610.
//
// The order of the two does not matter: in Finland no northing can be an
// easting. Degrees stay as exact as they were written; what is computed is
// rounded to a millionth of a degree, ten centimetres.
func Parse(text string) (Point, Fault) {
	if len(text) > maxText {
		return Point{}, Unreadable
	}
	text = strings.Join(strings.Fields(text), " ")
	if link := address.FindString(text); link != "" {
		a, b, ok := readLink(link)
		if !ok {
			return Point{}, NoPlace
		}
		return locate(a, b, false)
	}
	return readText(text)
}

// locate makes a point of two numbers in either order; computed says that they
// are not as they were written.
func locate(a, b float64, computed bool) (Point, Fault) {
	if b > a && b > 90 { // metres, the east first
		a, b = b, a
	}
	switch {
	case a >= 6.4e6 && a <= 8e6 && b >= 0 && b < 1e6:
		return inside(Point{}, fromGrid(a, b), true)
	case a >= 6.4e6 && a <= 8e6 && b >= 1e6, a >= 18e6 && a < 33e6 && b >= 6.4e6 && b <= 8e6:
		return Point{}, OtherGrid
	case math.Abs(a) <= 90 && math.Abs(b) <= 180, math.Abs(a) <= 180 && math.Abs(b) <= 90:
		return inside(Point{a, b}, Point{b, a}, computed)
	case a >= 1e4 && b >= 1e4:
		return Point{}, Outside
	}
	return Point{}, Unreadable
}

// inside returns the one of two points that is in Finland.
func inside(p, or Point, computed bool) (Point, Fault) {
	if !p.InFinland() {
		p = or
	}
	if computed {
		p = Point{math.Round(p.Lat*1e6) / 1e6, math.Round(p.Lon*1e6) / 1e6}
	}
	if !p.InFinland() {
		return Point{}, Outside
	}
	return p, ""
}

// readText reads two coordinates out of a text that is no address.
func readText(text string) (Point, Fault) {
	tokens, story := tokenise(plain(text))
	parts := split(tokens)
	var values []float64
	computed := false
	for _, part := range parts {
		v, ok := angle(part)
		if !ok {
			return Point{}, Unreadable
		}
		values, computed = append(values, v), computed || count(part, number) > 1
	}
	p, fault := Point{}, Unreadable
	switch len(values) {
	case 1:
		fault = Half
	case 2:
		p, fault = locate(values[0], values[1], computed)
	}
	if fault != "" && fault != OtherGrid && story {
		fault = Unreadable // an address with numbers in it, not a place elsewhere
	}
	return p, fault
}

// plain writes a text in the signs that tokenise knows: without the names of
// coordinate systems, whose numbers are none of the place's, with points for
// decimal commas, and without the spaces between thousands.
func plain(text string) string {
	text = systems.ReplaceAllString(signs.Replace(text), " ")
	text = northing.ReplaceAllString(text, "$1$2$3")
	if hasNorthing.MatchString(text) {
		text = easting.ReplaceAllString(text, "$1$2")
	}
	if pointed.MatchString(text) || gridComma.MatchString(text) {
		return text // the comma stands between the two
	}
	return decimalComma.ReplaceAllString(text, "$1.$2")
}

var (
	signs = strings.NewReplacer("\u2212", "-", "\u2013", "-", "º", "°", "˚", "°",
		"''", `"`, "’’", `"`, "′′", `"`, "″", `"`, "”", `"`, "“", `"`, "′", "'", "’", "'", "‘", "'", "´", "'", "`", "'")
	systems      = regexp.MustCompile(`(?i)\b(wgs[ -]?84|epsg: ?[0-9]+|(etrs[ -]?)?tm[ -]?35[ -]?fin|etrs[ -]?89|euref-fin)\b`)
	northing     = regexp.MustCompile(`\b([67]) ([0-9]{3}) ([0-9]{3})\b`)
	hasNorthing  = regexp.MustCompile(`\b[67][0-9]{6}\b`)
	easting      = regexp.MustCompile(`\b([1-9][0-9]{1,2}) ([0-9]{3})\b`)
	pointed      = regexp.MustCompile(`[0-9]\.[0-9]`)
	gridComma    = regexp.MustCompile(`[0-9]{5},[0-9]{5}`)
	decimalComma = regexp.MustCompile(`([0-9]),([0-9]+)`)
)
