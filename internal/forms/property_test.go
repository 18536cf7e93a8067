package forms

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawAnswers makes answers of a form: each field answered or not, rightly.
func drawAnswers(t *rapid.T, fields []*field, path string) map[string]any {
	out := map[string]any{}
	for _, fd := range fields {
		at := join(path, fd.name)
		if fd.isCoordinate() {
			if fd.name == latitude && rapid.Bool().Draw(t, "answer "+path) { // the middle of the country, in any number of decimals
				setCoordinates(out, map[string]any{
					latitude: 62 + float64(rapid.IntRange(0, 1<<20).Draw(t, at))/(1<<20), longitude: 25 + float64(rapid.IntRange(0, 64).Draw(t, at))/64,
				})
			}
			continue
		}
		if !rapid.Bool().Draw(t, "answer "+at) {
			continue
		}
		if v := drawAnswer(t, fd, at); !empty(v) {
			out[fd.name] = v
		}
	}
	return out
}

func drawAnswer(t *rapid.T, fd *field, path string) any {
	one := func(w Widget) any {
		switch w {
		case WidgetDate:
			return fmt.Sprintf("20%02d-%02d-%02d", rapid.IntRange(20, 40).Draw(t, path), rapid.IntRange(1, 12).Draw(t, path), rapid.IntRange(1, 28).Draw(t, path))
		case WidgetTime:
			return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, path), rapid.IntRange(0, 59).Draw(t, path))
		case WidgetDateTime:
			switch rapid.IntRange(0, 5).Draw(t, path+" half") {
			case 0:
				return fmt.Sprintf("2026-07-%02dT", rapid.IntRange(1, 31).Draw(t, path))
			case 1:
				return fmt.Sprintf("T%02d:00", rapid.IntRange(0, 23).Draw(t, path))
			}
			return fmt.Sprintf("2026-07-%02dT%02d:00", rapid.IntRange(1, 31).Draw(t, path), rapid.IntRange(0, 23).Draw(t, path))
		case WidgetBusinessID:
			return "0112038-9"
		case WidgetEmail, WidgetPropertyID, WidgetFiles, WidgetMatter:
			return rapid.StringMatching(`[a-z0-9]{1,8}`).Draw(t, path)
		case WidgetPhone:
			return rapid.StringMatching(`\+358 40 [0-9]{6}`).Draw(t, path)
		case WidgetMunicipality:
			return rapid.StringMatching(`[0-9]{3}`).Draw(t, path)
		case WidgetLongText:
			return rapid.StringMatching(`[a-zåäö<&"']+(\n[a-z ]*[a-z]+)?`).Draw(t, path)
		}
		return rapid.StringMatching(`[a-zåäö<&"']+( [a-zA-Z]+)?`).Draw(t, path)
	}
	switch fd.widget {
	case WidgetInteger:
		return rapid.IntRange(-100000, 100000).Draw(t, path)
	case WidgetDecimal:
		return float64(rapid.IntRange(-100000, 100000).Draw(t, path)) / 8
	case WidgetBool:
		return rapid.Bool().Draw(t, path)
	case WidgetChoice:
		return rapid.SampledFrom(fd.options).Draw(t, path).Value
	case WidgetChoices:
		var list []any
		for _, o := range fd.options {
			if rapid.Bool().Draw(t, path) {
				list = append(list, o.Value)
			}
		}
		return list
	case WidgetRows:
		var rows []any
		for i := range rapid.IntRange(0, 3).Draw(t, path) {
			if row := drawAnswers(t, fd.children, index(path, i)); !empty(row) {
				rows = append(rows, row)
			}
		}
		return rows
	}
	switch {
	case fd.isObject():
		return drawAnswers(t, fd.children, path)
	case fd.isMulti():
		var list []any
		for range rapid.IntRange(0, 3).Draw(t, path) {
			if v := one(map[bool]Widget{true: WidgetMunicipality, false: fd.item}[fd.widget == WidgetMunicipalities]); !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		return list
	}
	return one(fd.widget)
}

// post fills a drawn page in, as a browser would send it.
func post(v url.Values, nodes []Node) {
	for _, n := range nodes {
		switch {
		case n.Kind == KindGroup:
			post(v, n.Children)
		case n.Kind == KindRows:
			for _, row := range n.Rows {
				post(v, row)
			}
			post(v, n.Children) // the empty row at the end
		case n.Widget == WidgetDateTime:
			v.Set(n.Path+".date", n.DatePart())
			v.Set(n.Path+".time", n.TimePart())
		case len(n.Values()) > 0:
			v[n.Path] = append([]string{""}, n.Values()...)
		default:
			v.Set(n.Path, n.Raw)
		}
	}
}

func TestDrawnIsRead(t *testing.T)      { drawnIsRead(t, sample(t)) }
func TestProblemsAreShown(t *testing.T) { problemsAreShown(t, sample(t)) }
func TestRequiredIsTold(t *testing.T)   { requiredIsTold(t, sample(t)) }

// drawnIsRead: what a page shows, sent back untouched, are the same answers, but
// for what is hidden.
func drawnIsRead(t *testing.T, f *Form) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := normalise(drawAnswers(t, f.fields, ""))
		v := url.Values{}
		post(v, f.Fields(a))
		got, problems := f.Read(v)
		if len(problems) > 0 {
			t.Fatalf("reading what was drawn: %v", problems)
		}
		if want := f.Prune(a); !equal(map[string]any(got), map[string]any(want)) {
			t.Fatalf("read %v, want %v", got, want)
		}
		over, _ := f.ReadOver(a, v)
		if !equal(map[string]any(over), map[string]any(a)) {
			t.Fatalf("read over %v, want all that was kept: %v", over, a)
		}
	})
}

// problemsAreShown: every problem of answers names a field that is drawn, so a
// person can put it right; and Check is CheckDraft and Completeness.
func problemsAreShown(t *testing.T, f *Form) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := normalise(drawAnswers(t, f.fields, ""))
		problems := f.Check(a)
		nodes := f.Fields(f.Prune(a))
		for _, p := range problems {
			path := p.Path
			if isIndex(lastPart(path)) {
				path = parentPath(path)
			}
			if find(nodes, path) == nil {
				t.Fatalf("%v is not drawn", p)
			}
		}
		if n := len(f.CheckDraft(a)) + len(f.Completeness(a)); n != len(problems) {
			t.Fatalf("draft and completeness have %d problems, all are %d", n, len(problems))
		}
	})
}

// requiredIsTold: what Check says is missing is drawn as required, and what is
// drawn as required in what is answered, Check misses.
func requiredIsTold(t *testing.T, f *Form) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := normalise(drawAnswers(t, f.fields, ""))
		problems := f.Check(a)
		nodes := f.Fields(f.Prune(a))
		for _, p := range problems {
			if n := find(nodes, p.Path); n != nil && strings.HasPrefix(p.Key, "forms.required") && (!n.Required || n.Optional()) {
				t.Fatalf("%v, and it is drawn as optional", p)
			}
		}
		var walk func(nodes []Node)
		walk = func(nodes []Node) {
			for _, n := range nodes {
				missed := slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == n.Path || strings.HasPrefix(p.Path, n.Path+".") })
				if n.Path != "" && n.Required && empty(n.Value) && !missed {
					t.Fatalf("%s is drawn as required and not missed", n.Path)
				}
				if n.Path == "" || n.Kind == KindGroup && !empty(n.Value) {
					walk(n.Children)
				}
				for _, row := range n.Rows {
					walk(row)
				}
			}
		}
		walk(nodes)
	})
}

func TestMarshalIsCanonical(t *testing.T) {
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		a := Answers(drawAnswers(t, f.fields, ""))
		first, err := a.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseAnswers(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := b.Marshal()
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
	})
}

// flat returns the answers by path; an array is one value.
func flat(v map[string]any, path string, out map[string]any) map[string]any {
	for name, x := range v {
		if m, ok := x.(map[string]any); ok {
			flat(m, join(path, name), out)
			continue
		}
		out[join(path, name)] = x
	}
	return out
}

// TestMergeKeepsBoth: what one side changed is in the merged answers, unless
// the other side changed it too; then mine is, and it is named.
func TestMergeKeepsBoth(t *testing.T) {
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		side := func() Answers {
			a, _ := normalise(drawAnswers(t, f.fields, ""))
			return a
		}
		base, theirs, mine := side(), side(), side()
		// Most fields are left alone by most people.
		for _, a := range []Answers{theirs, mine} {
			for _, fd := range f.fields {
				if rapid.IntRange(0, 3).Draw(t, "touch "+fd.name) > 0 {
					delete(a, fd.name)
					if v, ok := base[fd.name]; ok {
						a[fd.name] = v
					}
				}
			}
		}
		merged, conflicts := Merge(f, base, theirs, mine)
		b, th, mi, me := flat(base, "", map[string]any{}), flat(theirs, "", map[string]any{}), flat(mine, "", map[string]any{}), flat(merged, "", map[string]any{})
		paths := map[string]bool{}
		for _, m := range []map[string]any{b, th, mi, me} {
			for p := range m {
				paths[p] = true
			}
		}
		var want []string
		for _, p := range slices.Sorted(maps.Keys(paths)) {
			expected := mi[p]
			switch {
			case equal(b[p], mi[p]):
				expected = th[p]
			case !equal(b[p], th[p]) && !equal(th[p], mi[p]):
				want = append(want, p)
			}
			if !equal(me[p], expected) {
				t.Fatalf("%s: base %v, theirs %v, mine %v, merged %v", p, b[p], th[p], mi[p], me[p])
			}
		}
		if !slices.Equal(conflicts, want) {
			t.Fatalf("conflicts %v, want %v", conflicts, want)
		}
		same, none := Merge(f, base, mine, mine)
		if !equal(map[string]any(same), map[string]any(mine)) || none != nil {
			t.Fatalf("merging equal sides gives %v, %v", same, none)
		}
	})
}

// TestDiffTellsChanges: none between equal answers, some between others.
func TestDiffTellsChanges(t *testing.T) {
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		old, _ := normalise(drawAnswers(t, f.fields, ""))
		new, _ := normalise(drawAnswers(t, f.fields, ""))
		if c := Diff(f, old, old); len(c) > 0 {
			t.Fatalf("equal answers differ: %v", c)
		}
		if same := equal(map[string]any(old), map[string]any(new)); same != (len(Diff(f, old, new)) == 0) {
			t.Fatalf("equal %t, changes %v", same, Diff(f, old, new))
		}
	})
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
