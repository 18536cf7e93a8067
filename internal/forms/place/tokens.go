package place

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A token is a number, a sign of degrees, or the name of a direction.
type token struct {
	kind  byte
	text  string
	value float64 // of a number; of a direction 1, or -1 for south and west
}

const (
	number    = 'n'
	degree    = 'g'
	direction = 'd'
)

var (
	lexeme = regexp.MustCompile(`-?[0-9]+(?:\.[0-9]+)?|°|\pL+`)

	directions = map[string]float64{
		"n": 1, "north": 1, "lat": 1, "latitude": 1, "p": 1, "pohjoinen": 1, "pohjoista": 1, "leveysaste": 1, "leveyspiiri": 1, "latitud": 1, "nord": 1, "norr": 1,
		"e": 1, "east": 1, "lon": 1, "lng": 1, "long": 1, "longitude": 1, "i": 1, "itä": 1, "itäistä": 1, "pituusaste": 1, "pituuspiiri": 1, "longitud": 1,
		"o": 1, "ö": 1, "ost": 1, "öst": 1, "öster": 1,
		"s": -1, "south": -1, "w": -1, "west": -1,
	}
)

// tokenise takes a text apart; what stands between the tokens says nothing.
// story tells that there are words which name no direction.
func tokenise(text string) (tokens []token, story bool) {
	for _, s := range lexeme.FindAllString(text, -1) {
		switch {
		case s == "°":
			tokens = append(tokens, token{kind: degree, text: s})
		case s[0] == '-' || s[0] >= '0' && s[0] <= '9':
			v, err := strconv.ParseFloat(s, 64)
			story = story || err != nil
			tokens = append(tokens, token{number, s, v})
		default:
			sign, known := directions[strings.ToLower(s)]
			if !known {
				story = true
				continue
			}
			tokens = append(tokens, token{direction, s, sign})
		}
	}
	return tokens, story
}

func count(tokens []token, kind byte) int {
	n := 0
	for _, t := range tokens {
		if t.kind == kind {
			n++
		}
	}
	return n
}

// split puts the tokens of each coordinate together: by the directions, else by
// the signs of degrees, else by the count of numbers.
func split(tokens []token) [][]token {
	if count(tokens, direction) == 2 {
		at := slices.IndexFunc(tokens, func(t token) bool { return t.kind == direction }) + 1
		if at == 1 { // they stand before their numbers: up to the second
			at = 1 + slices.IndexFunc(tokens[1:], func(t token) bool { return t.kind == direction })
		}
		return [][]token{tokens[:at], tokens[at:]}
	}
	tokens = slices.DeleteFunc(tokens, func(t token) bool { return t.kind == direction })
	var starts []int
	for i, t := range tokens {
		if t.kind == number && i+1 < len(tokens) && tokens[i+1].kind == degree {
			starts = append(starts, i)
		}
	}
	switch n := count(tokens, number); {
	case len(starts) == 2 && starts[0] == 0:
		return [][]token{tokens[:starts[1]], tokens[starts[1]:]}
	case n == 1, len(starts) == 1:
		return [][]token{tokens}
	case len(starts) == 0 && (n == 2 || n == 4 || n == 6):
		return [][]token{tokens[:n/2], tokens[n/2:]}
	}
	return nil
}

// angle makes one number of degrees, minutes and seconds: of these only the last
// may have decimals.
func angle(tokens []token) (float64, bool) {
	v, sign, weight := 0.0, 1.0, 1.0
	whole := true
	for _, t := range tokens {
		switch t.kind {
		case direction:
			sign *= t.value
		case number:
			first := weight == 1
			if !whole || weight > 3600 || !first && (t.value < 0 || t.value >= 60) {
				return 0, false
			}
			if first && strings.HasPrefix(t.text, "-") {
				sign, t.value = -sign, -t.value
			}
			v += t.value / weight
			weight *= 60
			whole = !strings.Contains(t.text, ".")
		}
	}
	return sign * v, weight > 1
}
