// Package place reads places as people copy them from maps.
//
// Nobody types a latitude. People paste what a map gives them: degrees in many
// ways of writing, metres in the national grid, or the address of the map page.
// [Parse] understands these and says what is wrong with the rest, so that the
// page can say how to put it right. A [Point] is written back in one form, is
// told in metres too, and has an address on the national map service.
//
// Degrees are those of WGS84. The national system EUREF-FIN differs from it by
// less than a metre, which nobody who looks for a field notices: one is taken
// for the other.
//
// The package does no I/O and opens no address.
package place

import (
	"fmt"
	"math"
	"net/url"
	"strconv"

	"luvat/internal/i18n"
)

// A Point is a place: degrees north and east, WGS84.
type Point struct{ Lat, Lon float64 }

// String writes the point as maps take it in their search, in every language
// alike: "61.4978, 23.7610". [Parse] reads it back as the same point.
func (p Point) String() string { return degrees(p.Lat) + ", " + degrees(p.Lon) }

// degrees writes as many decimals as there are, and four at least: ten metres.
func degrees(d float64) string {
	exact, short := strconv.FormatFloat(d, 'f', -1, 64), strconv.FormatFloat(d, 'f', 4, 64)
	if len(exact) > len(short) {
		return exact
	}
	return short
}

// Grid writes the point in the national grid, whole metres:
// "N 6822000, E 327000".
func (p Point) Grid() string {
	n, e := p.metres()
	return fmt.Sprintf("N %d, E %d", n, e)
}

// metres are the grid coordinates (ETRS-TM35FIN) to the nearest metre.
func (p Point) metres() (n, e int) {
	north, east := toGrid(p)
	return int(math.Round(north)), int(math.Round(east))
}

// mapService is Karttapaikka of the National Land Survey of Finland.
const mapService = "https://asiointi.maanmittauslaitos.fi/karttapaikka/"

// MapURL returns the address of the point on the national map service, with a
// mark at it. It holds nothing but the place.
func (p Point) MapURL(lang i18n.Lang) string {
	n, e := p.metres()
	return mapService + "?" + url.Values{
		"lang": {string(lang)}, "share": {"customMarker"}, "n": {strconv.Itoa(n)}, "e": {strconv.Itoa(e)}, "zoom": {"10"},
	}.Encode()
}

// MapURL returns the address of the national map service with the whole country
// in view.
func MapURL(lang i18n.Lang) string { return mapService + "?lang=" + string(lang) }
