package forms

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"luvat/internal/forms/place"
	"luvat/internal/i18n"
)

// The numbers "lat" and "lon" of one object are one answer: a place on the map.
// They are asked by one input, and missed, compared, merged and shown together,
// by the path "….coordinates", which stands nowhere in the answers. What could
// not be read as a place is kept as it was typed, in lat, without a lon.
const (
	coordinates = "coordinates"
	latitude    = "lat"
	longitude   = "lon"
)

// joinCoordinates makes one answer of the object's lat and lon, if it has both.
func (r *fieldReader) joinCoordinates(fd *field) {
	lat, lon := fd.byName[latitude], fd.byName[longitude]
	at := join(fd.path, coordinates)
	fd.asked = fd.children
	if fd.byName[coordinates] != nil && (lat != nil || lon != nil) {
		r.mistakes.add("%s: beside lat or lon the name is that of both together", at)
		return
	}
	if lat == nil || lon == nil || lat.widget != WidgetDecimal || lon.widget != WidgetDecimal {
		return
	}
	both := &field{
		name: coordinates, path: at, parent: fd, widget: WidgetCoordinates, personal: lat.personal || lon.personal,
		label: i18n.All("forms.coordinates"), help: i18n.All("forms.coordinates_help"),
	}
	fd.both, r.byPath[at] = both, both
	fd.asked = nil
	for _, c := range fd.children {
		switch {
		case c != lat && c != lon:
			fd.asked = append(fd.asked, c)
		case both != nil:
			fd.asked, both = append(fd.asked, both), nil // where the first of them stands
		}
	}
}

// isCoordinate reports whether the field is one of two that are one answer.
func (fd *field) isCoordinate() bool {
	return fd.parent != nil && fd.parent.both != nil && (fd.name == latitude || fd.name == longitude)
}

// bothOf returns the field that some of the fields of an object are together,
// or nil.
func bothOf(fields []*field) *field {
	if len(fields) == 0 || fields[0].parent == nil {
		return nil
	}
	return fields[0].parent.both
}

// coordinatesOf returns what an object holds of a place, nil if nothing.
func coordinatesOf(obj map[string]any) any {
	var out map[string]any
	for _, name := range []string{latitude, longitude} {
		if v, ok := obj[name]; ok && !empty(v) {
			if out == nil {
				out = map[string]any{}
			}
			out[name] = v
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// setCoordinates puts a place, or nil, in the place of what an object holds.
func setCoordinates(obj map[string]any, v any) {
	delete(obj, latitude)
	delete(obj, longitude)
	m, _ := v.(map[string]any)
	maps.Copy(obj, m)
}

// pointOf returns the point of a place, if it is one.
func pointOf(v any) (p place.Point, ok bool) {
	m, _ := v.(map[string]any)
	lat, ok1 := m[latitude].(json.Number)
	lon, ok2 := m[longitude].(json.Number)
	if !ok1 || !ok2 {
		return p, false
	}
	p.Lat, _ = strconv.ParseFloat(string(lat), 64) // canonical: it does not fail
	p.Lon, _ = strconv.ParseFloat(string(lon), 64)
	return p, true
}

// written writes a place as it stands in its input.
func written(v any) string {
	if p, ok := pointOf(v); ok {
		return p.String()
	}
	m, _ := v.(map[string]any)
	var parts []string
	for _, name := range []string{latitude, longitude} {
		switch x := m[name].(type) {
		case json.Number:
			parts = append(parts, string(x))
		case string:
			parts = append(parts, x)
		}
	}
	return strings.Join(parts, ", ")
}

// readCoordinates reads the one input of lat and lon into an object, and tells
// whether it was posted.
func (r *reader) readCoordinates(p *posted, path string, into map[string]any) bool {
	if p == nil {
		return false
	}
	r.strangers(p, path, func(string) bool { return false })
	if p.values == nil {
		return false // only parts, which it has not
	}
	s, ok := r.text(p.last(), path)
	if !ok || s == "" {
		return true
	}
	point, fault := place.Parse(s)
	if fault != "" {
		r.add(path, faultKey(fault))
		into[latitude] = oneSpace(s)
		return true
	}
	number := func(d float64) json.Number {
		n, _ := canonicalNumber(strconv.FormatFloat(d, 'f', -1, 64))
		return n
	}
	into[latitude], into[longitude] = number(point.Lat), number(point.Lon)
	return true
}

func faultKey(f place.Fault) string {
	switch f {
	case place.Half:
		return "forms.place_half"
	case place.Outside:
		return "forms.place_outside"
	case place.OtherGrid:
		return "forms.place_other_grid"
	case place.NoPlace:
		return "forms.place_no_place"
	}
	return "forms.place_unreadable"
}

// coordinatesNode draws lat and lon as one input.
func (d drawer) coordinatesNode(fd *field, path string, obj map[string]any, s scope) Node {
	n := newNode(fd, join(path, coordinates))
	n.Required = s.requires(latitude) || s.requires(longitude)
	n.Controls = fd.parent.byName[latitude].controls || fd.parent.byName[longitude].controls
	if v := coordinatesOf(obj); v != nil {
		n.Value, n.Raw = v, written(v)
	}
	return n
}

// MapURL returns the address on the national map service of the place that the
// node asks for: of the whole country while it is not answered.
func (n Node) MapURL(lang i18n.Lang) string {
	if p, ok := pointOf(n.Value); ok && p.InFinland() {
		return p.MapURL(lang)
	}
	return place.MapURL(lang)
}

// coordinates tells of each place once what is wrong with it, at the path of its
// one input, in place of what the schema says of its two numbers.
func (c *checker) coordinates() {
	var kept Problems
	refused := map[string]bool{} // path → whether it is only missing
	for _, p := range c.problems {
		fd := c.f.find(p.Path)
		if fd == nil || !fd.isCoordinate() {
			kept = append(kept, p)
			continue
		}
		p.Path = join(parentPath(p.Path), coordinates)
		switch p.Key {
		case "forms.one_of", "forms.bad_characters", "forms.too_long":
			kept = append(kept, p)
		default:
			only, known := refused[p.Path]
			refused[p.Path] = p.missing && (only || !known)
		}
	}
	c.problems = kept
	c.f.each(c.a, func(fd *field, path string, _ any, siblings map[string]any) {
		if !fd.isCoordinate() {
			return
		}
		at := join(parentPath(path), coordinates)
		if _, told := c.problems.At(at); told {
			return
		}
		p, wrong := coordinatesProblem(coordinatesOf(siblings))
		if _, is := refused[at]; !wrong && is {
			p, wrong = Problem{Key: "forms.not_valid"}, true // the form wants it nearer than Finland
		}
		if p.Path = at; wrong {
			c.problems = append(c.problems, p)
		}
	})
	for at, missing := range refused {
		if _, told := c.problems.At(at); !told && missing {
			c.problems = append(c.problems, Problem{Path: at, Key: "forms.required_place", missing: true})
		}
	}
}

// coordinatesProblem tells what is wrong with a place that is answered.
func coordinatesProblem(v any) (Problem, bool) {
	p, ok := pointOf(v)
	if swapped := (place.Point{Lat: p.Lon, Lon: p.Lat}); ok {
		switch {
		case p.InFinland():
			return Problem{}, false
		case swapped.InFinland():
			return Problem{Key: "forms.place_swapped", Args: []any{swapped.String()}}, true
		}
		return Problem{Key: "forms.place_outside"}, true
	}
	_, fault := place.Parse(written(v))
	return Problem{Key: faultKey(fault)}, true
}

// together gives problems of lat and lon the path of their one input.
func (f *Form) together(ps Problems) Problems {
	for i, p := range ps {
		if fd := f.find(p.Path); fd != nil && fd.isCoordinate() {
			ps[i].Path = join(parentPath(p.Path), coordinates)
		}
	}
	return ps
}

// addCoordinates adds the row of an object's place.
func (d *displayer) addCoordinates(fd *field, path, group, before string, obj map[string]any) {
	v := coordinatesOf(obj)
	if v == nil {
		return
	}
	row := DisplayRow{Group: group, Label: before + fd.label.In(d.lang), Value: d.words(fd, v), Path: join(path, coordinates), Personal: fd.personal}
	if p, ok := pointOf(v); ok && p.InFinland() {
		row.Point = &p
	}
	d.rows = append(d.rows, row)
}

// coordinates words a place in both systems, a line each; what is no place, as
// it was typed.
func (d *displayer) coordinates(v any) string {
	p, ok := pointOf(v)
	switch {
	case !ok:
		return written(v)
	case !p.InFinland():
		return p.String() + " (WGS84)"
	}
	return p.String() + " (WGS84)\n" + p.Grid() + " (ETRS-TM35FIN)"
}
