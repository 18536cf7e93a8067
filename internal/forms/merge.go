package forms

import (
	"maps"
	"slices"

	"luvat/internal/i18n"
)

// Merge joins what two people, or two tabs, made of the same answers. A field
// that one side changed is as that side has it. A field that both changed, and
// not to the same, is a conflict: merged holds mine, and conflicts names it in
// order of the paths, so that the page can show both. An array, such as rows,
// is one field, and so are the lat and lon of a place.
func Merge(f *Form, base, theirs, mine Answers) (merged Answers, conflicts []string) {
	b, _ := normalise(base)
	t, _ := normalise(theirs)
	m, _ := normalise(mine)
	g := merger{f: f}
	merged = g.objects(b, t, m, "")
	slices.Sort(g.conflicts)
	return merged, g.conflicts
}

type merger struct {
	f         *Form
	conflicts []string
}

func (g *merger) objects(base, theirs, mine map[string]any, path string) map[string]any {
	names := namesOf(base, theirs, mine)
	out := map[string]any{}
	if both := g.f.bothAt(path); both != nil {
		delete(names, latitude)
		delete(names, longitude)
		setCoordinates(out, g.values(coordinatesOf(base), coordinatesOf(theirs), coordinatesOf(mine), both, join(path, coordinates)))
	}
	for name := range names {
		at := join(path, name)
		if v := g.values(base[name], theirs[name], mine[name], g.f.find(at), at); v != nil {
			out[name] = v
		}
	}
	return out
}

// namesOf returns the names of all sides.
func namesOf(sides ...map[string]any) map[string]bool {
	names := map[string]bool{}
	for _, side := range sides {
		for name := range side {
			names[name] = true
		}
	}
	return names
}

// bothAt returns what lat and lon are together in the object or row at a path,
// nil where there is no such thing.
func (f *Form) bothAt(path string) *field {
	if fd := f.find(path); fd != nil {
		return fd.both
	}
	return nil
}

// values merges one field, which may be nil as the form may not have it; a
// value that is nil stands for no answer.
func (g *merger) values(base, theirs, mine any, fd *field, path string) any {
	switch {
	case equal(theirs, mine), equal(base, theirs):
		return mine
	case equal(base, mine):
		return theirs
	}
	if b, t, m, ok := objects(base, theirs, mine); ok && (fd == nil || fd.widget != WidgetCoordinates) {
		merged := g.objects(b, t, m, path)
		if len(merged) == 0 {
			return nil
		}
		return merged
	}
	g.conflicts = append(g.conflicts, path)
	return mine
}

// objects reports whether all that is there are objects; what is absent counts
// as an empty one.
func objects(base, theirs, mine any) (b, t, m map[string]any, ok bool) {
	for _, side := range []struct {
		v  any
		to *map[string]any
	}{{base, &b}, {theirs, &t}, {mine, &m}} {
		if side.v == nil {
			continue
		}
		if *side.to, ok = side.v.(map[string]any); !ok {
			return nil, nil, nil, false
		}
	}
	return b, t, m, true
}

// A Change is one field that two versions of the answers have differently.
type Change struct {
	Path     string // in the new answers; of something removed, in the old
	Label    i18n.Text
	Old, New any // nil: no answer
}

// Diff tells what changed from one submission to the next, field by field, in
// the order of the layout. Of rows it compares those between the first and the
// last that differ; a row that came or went is one change.
func Diff(f *Form, old, new Answers) []Change {
	o, _ := normalise(old)
	n, _ := normalise(new)
	d := differ{f: f}
	d.objects(o, n, "")
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		return slices.Compare(f.orderOf(a.Path), f.orderOf(b.Path))
	})
	return d.changes
}

type differ struct {
	f       *Form
	changes []Change
}

func (d *differ) objects(old, new map[string]any, path string) {
	names := namesOf(old, new)
	if d.f.bothAt(path) != nil {
		delete(names, latitude)
		delete(names, longitude)
		d.values(coordinatesOf(old), coordinatesOf(new), join(path, coordinates))
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.values(old[name], new[name], join(path, name))
	}
}

func (d *differ) values(old, new any, path string) {
	if equal(old, new) || empty(old) && empty(new) {
		return
	}
	fd := d.f.find(path)
	switch {
	case fd != nil && fd.isObject():
		o, _ := old.(map[string]any)
		n, _ := new.(map[string]any)
		d.objects(o, n, path)
	case fd != nil && fd.widget == WidgetRows:
		o, _ := old.([]any)
		n, _ := new.([]any)
		d.rows(o, n, path)
	default:
		d.changes = append(d.changes, Change{Path: path, Label: d.f.Label(path), Old: old, New: new})
	}
}

func (d *differ) rows(old, new []any, path string) {
	first := 0
	for first < len(old) && first < len(new) && equal(old[first], new[first]) {
		first++
	}
	last := 0
	for last < len(old)-first && last < len(new)-first && equal(old[len(old)-1-last], new[len(new)-1-last]) {
		last++
	}
	for i := first; i < max(len(old), len(new))-last; i++ {
		at := index(path, i)
		switch {
		case i >= len(old)-last:
			d.changes = append(d.changes, Change{Path: at, Label: d.f.Label(path), New: new[i]})
		case i >= len(new)-last:
			d.changes = append(d.changes, Change{Path: at, Label: d.f.Label(path), Old: old[i]})
		default:
			o, ok1 := old[i].(map[string]any)
			n, ok2 := new[i].(map[string]any)
			if ok1 && ok2 {
				d.objects(o, n, at)
				continue
			}
			d.changes = append(d.changes, Change{Path: at, Label: d.f.Label(path), Old: old[i], New: new[i]})
		}
	}
}
