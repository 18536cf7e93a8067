package forms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of answers. They protect the hub; what a field may hold is said by its
// form.
const (
	MaxBytes  = 1 << 20 // of the JSON
	MaxDepth  = 8       // of objects and arrays in one another
	MaxRows   = 500     // in one array
	MaxString = 20_000  // characters in one text
)

// Answers are the answers to one form: a JSON object. What was not answered is
// absent.
//
// Values are those of canonical JSON: string, bool, json.Number, []any,
// map[string]any. A value that could not be read as its type, such as "abc" for
// a number, is kept as the text that the person wrote, so that the page can
// show it again; [Form.Check] names it.
type Answers map[string]any

// ParseAnswers reads answers from JSON. The error is Problems: not an object,
// not JSON, a name given twice, or over the limits.
func ParseAnswers(data []byte) (Answers, error) {
	if len(data) > MaxBytes {
		return nil, Problems{{Key: "forms.too_large"}}
	}
	d := decoder{maxDepth: MaxDepth, maxItems: MaxRows, maxString: MaxString}
	v, err := d.decode(data)
	if err != nil {
		if p, ok := errors.AsType[Problem](err); ok {
			return nil, Problems{p}
		}
		return nil, Problems{{Key: "forms.malformed"}}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, Problems{{Key: "forms.malformed"}}
	}
	return Answers(m), nil
}

// Marshal writes the answers as canonical JSON: sorted names, numbers in their
// shortest form, no HTML escaping, no white space. Equal answers give equal
// bytes, so this is what is stored and hashed.
func (a Answers) Marshal() ([]byte, error) {
	v, problems := normalise(a)
	if problems != nil {
		return nil, fmt.Errorf("write answers: %w", problems)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]any(v)); err != nil {
		return nil, fmt.Errorf("write answers: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// At returns the answer at a path; of a place, at "….coordinates", its lat and
// lon.
func (a Answers) At(path string) (any, bool) {
	var v any = map[string]any(a)
	for part := range strings.SplitSeq(path, ".") {
		switch c := v.(type) {
		case map[string]any:
			x, ok := c[part]
			if !ok && part == coordinates {
				x = coordinatesOf(c)
				ok = x != nil
			}
			if !ok {
				return nil, false
			}
			v = x
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(c) {
				return nil, false
			}
			v = c[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// Put sets what stands at a path: objects on the way are made, items of arrays
// must be there. nil takes an answer away from its object; an item of an array
// stays. A place is put at "….coordinates", as [Answers.At] returns it.
func (a Answers) Put(path string, v any) {
	var in any = map[string]any(a)
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		switch c := in.(type) {
		case map[string]any:
			if c[part] == nil {
				c[part] = map[string]any{}
			}
			in = c[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(c) {
				return
			}
			in = c[i]
		}
	}
	last := parts[len(parts)-1]
	switch c := in.(type) {
	case map[string]any:
		_, own := c[last]
		_, text := v.(string)
		switch {
		case last == coordinates && !own && !text:
			setCoordinates(c, v)
		case v == nil:
			delete(c, last)
		default:
			c[last] = v
		}
	case []any:
		if i, err := strconv.Atoi(last); err == nil && i >= 0 && i < len(c) && v != nil {
			c[i] = v
		}
	}
}

// set puts a value at a path of objects.
func (a Answers) set(path string, v any) {
	m := map[string]any(a)
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		next, ok := m[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[part] = next
		}
		m = next
	}
	m[parts[len(parts)-1]] = v
}

// normalise copies answers into canonical JSON values and holds them to the
// limits. A nil map gives empty answers.
func normalise(a Answers) (Answers, Problems) {
	var problems Problems
	v := normal(map[string]any(a), 1, &problems)
	m, _ := v.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	return m, problems
}

// normal copies one value; what it cannot take it names and leaves out.
func normal(v any, depth int, problems *Problems) any {
	refuse := func(key string, args ...any) any {
		*problems = append(*problems, Problem{Key: key, Args: args})
		return nil
	}
	if depth > MaxDepth+1 {
		return refuse("forms.malformed")
	}
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		return v
	case string:
		switch {
		case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
			return refuse("forms.bad_characters")
		case len(v) > MaxString && utf8.RuneCountInString(v) > MaxString:
			return refuse("forms.too_long", MaxString)
		}
		return v
	case json.Number:
		if n, ok := canonicalNumber(string(v)); ok {
			return n
		}
		return refuse("forms.not_a_number")
	case float64:
		return normal(json.Number(strconv.FormatFloat(v, 'g', -1, 64)), depth, problems)
	case int:
		return json.Number(strconv.Itoa(v))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return normal(list, depth, problems)
	case []any:
		if len(v) > MaxRows {
			return refuse("forms.too_many", MaxRows)
		}
		list := make([]any, 0, len(v))
		for i, x := range v {
			told := len(*problems)
			list = append(list, normal(x, depth+1, problems))
			for n := range (*problems)[told:] {
				(*problems)[told+n] = (*problems)[told+n].under(strconv.Itoa(i))
			}
		}
		return list
	case Answers:
		return normal(map[string]any(v), depth, problems)
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			if !utf8.ValidString(k) {
				return refuse("forms.bad_characters")
			}
			told := len(*problems)
			m[k] = normal(x, depth+1, problems)
			for n := range (*problems)[told:] {
				(*problems)[told+n] = (*problems)[told+n].under(k)
			}
		}
		return m
	}
	return refuse("forms.malformed")
}

// canonicalNumber returns the shortest decimal form of a JSON number: no
// exponent, no needless zeros. Numbers of more than 60 characters or beyond
// 10^±30 are refused: nobody measures such things, and reading 1e999999999
// would cost the memory of the machine.
func canonicalNumber(s string) (json.Number, bool) {
	if s == "" || len(s) > 60 {
		return "", false
	}
	plain := s[0] != '-' && s[0] != '0'
	decimals := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
		case c == '.':
			plain, decimals = false, len(s)-i
		case c == 'e' || c == 'E':
			plain = false
			exp, err := strconv.Atoi(s[i+1:])
			if err != nil || exp > 30 || exp < -30 {
				return "", false
			}
			decimals += max(0, -exp)
		case c == '-' || c == '+':
			plain = false
		default:
			return "", false
		}
	}
	if plain {
		return json.Number(s), true
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return "", false
	}
	if r.IsInt() {
		return json.Number(r.Num().String()), true
	}
	return json.Number(strings.TrimRight(r.FloatString(decimals), "0")), true
}

// A decoder reads one JSON value more strictly than encoding/json: a name given
// twice is an error, so are broken characters, and what is too large is
// refused before it is built. Answers are read in every deed, so it takes the
// text apart by itself once encoding/json has found it well formed: three times
// faster than reading token by token.
type decoder struct {
	maxDepth, maxItems, maxString int                 // 0: no limit
	order                         map[string][]string // if not nil, gets the names of each object in order, by JSON pointer

	data []byte
	at   int
}

var errNotJSON = errors.New("not one JSON value")

func (d *decoder) decode(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, Problem{Key: "forms.bad_characters"}
	}
	if !json.Valid(data) {
		return nil, errNotJSON
	}
	d.data, d.at = data, 0
	return d.value("", 1)
}

// next skips white space and returns the byte that follows it.
func (d *decoder) next() byte {
	for {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return c
		}
	}
}

// value reads the next value; ptr is where it stands as a JSON pointer, kept
// only for order.
func (d *decoder) value(ptr string, depth int) (any, error) {
	switch c := d.next(); c {
	case '{', '[':
		if depth > d.maxDepth {
			return nil, Problem{Key: "forms.malformed"}
		}
		if c == '{' {
			return d.object(ptr, depth)
		}
		return d.array(ptr, depth)
	case '"':
		t, err := d.text()
		switch {
		case err != nil:
			return nil, err
		case strings.ContainsRune(t, 0):
			return nil, Problem{Key: "forms.bad_characters"}
		case d.maxString > 0 && len(t) > d.maxString && utf8.RuneCountInString(t) > d.maxString:
			return nil, Problem{Key: "forms.too_long", Args: []any{d.maxString}}
		}
		return t, nil
	case 't':
		d.at += len("true")
		return true, nil
	case 'f':
		d.at += len("false")
		return false, nil
	case 'n':
		d.at += len("null")
		return nil, nil //nolint:nilnil // null is a value
	}
	from := d.at
	for d.at < len(d.data) && strings.IndexByte("+-.0123456789eE", d.data[d.at]) >= 0 {
		d.at++
	}
	n, ok := canonicalNumber(string(d.data[from:d.at]))
	if !ok {
		return nil, Problem{Key: "forms.not_a_number"}
	}
	return n, nil
}

// text reads a string; only one with escapes needs more than a copy.
func (d *decoder) text() (string, error) {
	from, plain := d.at, true
	for d.at++; d.data[d.at] != '"'; d.at++ {
		if d.data[d.at] == '\\' {
			plain = false
			d.at++
		}
	}
	d.at++
	if plain {
		return string(d.data[from+1 : d.at-1]), nil
	}
	var t string
	err := json.Unmarshal(d.data[from:d.at], &t)
	return t, err
}

func (d *decoder) object(ptr string, depth int) (any, error) {
	m := map[string]any{}
	for d.at++; d.next() != '}'; {
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("%q stands twice in %q", key, ptr)
		}
		if d.order != nil {
			d.order[ptr] = append(d.order[ptr], key)
		}
		d.next()
		d.at++ // the colon
		if m[key], err = d.value(d.below(ptr, key), depth+1); err != nil {
			return nil, under(key, err)
		}
		if d.next() == ',' {
			d.at++
			d.next()
		}
	}
	d.at++
	return m, nil
}

func (d *decoder) array(ptr string, depth int) (any, error) {
	list := []any{}
	for d.at++; d.next() != ']'; {
		if d.maxItems > 0 && len(list) == d.maxItems {
			return nil, Problem{Key: "forms.too_many", Args: []any{d.maxItems}}
		}
		n := strconv.Itoa(len(list))
		v, err := d.value(d.below(ptr, n), depth+1)
		if err != nil {
			return nil, under(n, err)
		}
		list = append(list, v)
		if d.next() == ',' {
			d.at++
		}
	}
	d.at++
	return list, nil
}

func (d *decoder) below(ptr, name string) string {
	if d.order == nil {
		return ""
	}
	return ptr + "/" + name
}

// under moves a problem below a name: its path is made only when there is one.
func under(name string, err error) error {
	p, ok := errors.AsType[Problem](err)
	if !ok {
		return err
	}
	return p.under(name)
}

func (p Problem) under(name string) Problem {
	if p.Path == "" {
		p.Path = name
	} else {
		p.Path = join(name, p.Path)
	}
	return p
}
