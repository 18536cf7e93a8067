package place

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// address finds the address of a map page in a text, which may have words
// around it: phones share "Eteläpuisto https://…".
var address = regexp.MustCompile(`(?i)(https?://|geo:|www\.)\S+|\S+\.(com|fi|org|se|gl)/\S*`)

// Where addresses of maps keep their place. What is marked counts before what
// is only the middle of the picture.
var (
	gridNorth = regexp.MustCompile(`[?&#]n=([0-9.]+)`) // Karttapaikka
	gridEast  = regexp.MustCompile(`[?&#]e=([0-9.]+)`)
	gridBoth  = regexp.MustCompile(`[?&#]coord=([0-9.]+)_([0-9.]+)`) // Paikkatietoikkuna

	inLinks = []*regexp.Regexp{
		regexp.MustCompile(`!3d` + linkNumber + `!4d` + linkNumber),                                                                    // Google: the mark
		regexp.MustCompile(`[?&#]mlat=` + linkNumber + `&mlon=` + linkNumber),                                                          // OpenStreetMap: the mark
		regexp.MustCompile(`(?i)[?&#](?:q|query|ll|center|map|daddr|destination)=(?:loc:)?[ +]*` + linkNumber + `,[ +]*` + linkNumber), // Google, Apple, HERE
		regexp.MustCompile(`(?i)/(?:search|place|dir)/+[ +]*` + linkNumber + `,[ +]*` + linkNumber),
		regexp.MustCompile(`(?i)^geo:` + linkNumber + `,` + linkNumber),
		regexp.MustCompile(`/@` + linkNumber + `,` + linkNumber),            // Google: the middle of the picture
		regexp.MustCompile(`#map=[0-9.]+/` + linkNumber + `/` + linkNumber), // OpenStreetMap: the same
		regexp.MustCompile(`[?&#]lat=` + linkNumber + `&(?:lon|lng)=` + linkNumber),
	}
)

const linkNumber = `(-?[0-9]{1,3}(?:\.[0-9]+)?)`

// readLink reads the two numbers that the address of a map page holds.
func readLink(link string) (a, b float64, ok bool) {
	if plain, err := url.PathUnescape(link); err == nil {
		link = plain
	}
	if n, e := gridNorth.FindStringSubmatch(link), gridEast.FindStringSubmatch(link); n != nil && e != nil {
		return pair(n[1], e[1])
	}
	if m := gridBoth.FindStringSubmatch(link); m != nil {
		return pair(m[1], m[2])
	}
	for _, shape := range inLinks {
		if m := shape.FindStringSubmatch(link); m != nil {
			return pair(m[1], m[2])
		}
	}
	return 0, 0, false
}

func pair(first, second string) (a, b float64, ok bool) {
	a, err1 := strconv.ParseFloat(strings.Trim(first, "."), 64)
	b, err2 := strconv.ParseFloat(strings.Trim(second, "."), 64)
	return a, b, err1 == nil && err2 == nil
}
