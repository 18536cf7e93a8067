package forms

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"luvat/internal/i18n"
)

// Check tells all that keeps the answers from being sent, in the order of the
// layout; none if they can be. It looks at what [Form.Prune] leaves: a person
// cannot put right what is not shown.
func (f *Form) Check(a Answers) Problems {
	return f.check(a, func(Problem) bool { return true })
}

// CheckDraft tells what is answered wrongly, but not what is still missing.
func (f *Form) CheckDraft(a Answers) Problems {
	return f.check(a, func(p Problem) bool { return !p.missing })
}

// Completeness tells what is still missing, but not what is answered wrongly.
func (f *Form) Completeness(a Answers) Problems {
	return f.check(a, func(p Problem) bool { return p.missing })
}

func (f *Form) check(a Answers, want func(Problem) bool) Problems {
	a, problems := normalise(a)
	c := checker{f: f, a: f.prune(a), problems: problems}
	err := f.schema.Validate(map[string]any(c.a))
	if ve, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		c.read(ve)
	} else if err != nil {
		c.add(nil, "forms.malformed")
	}
	c.times()
	c.postal()
	c.coordinates()
	c.dropHidden()
	c.problems = f.Sorted(c.problems)
	return slices.DeleteFunc(c.problems, func(p Problem) bool { return !want(p) })
}

// A checker turns the errors of the schema into problems.
type checker struct {
	f        *Form
	a        Answers
	problems Problems
}

func (c *checker) add(path []string, key string, args ...any) {
	c.problems = append(c.problems, Problem{Path: strings.Join(path, "."), Key: key, Args: args})
}

// missing adds that a property has no answer. Where an object is missing, its
// own required parts are: a person fills those.
func (c *checker) missing(path []string) {
	joined := strings.Join(path, ".")
	fd := c.f.find(joined)
	if fd != nil && fd.isObject() && len(fd.requires) > 0 {
		for _, name := range fd.requires {
			c.missing(append(slices.Clone(path), name))
		}
		return
	}
	key := "forms.required"
	if fd != nil {
		switch fd.widget {
		case WidgetChoice:
			key = "forms.required_choice"
		case WidgetChoices:
			key = "forms.required_choices"
		case WidgetBool:
			key = "forms.required_yes_no"
		case WidgetDate:
			key = "forms.required_date"
		case WidgetDateTime:
			key = "forms.required_datetime"
		case WidgetTime:
			key = "forms.required_time"
		case WidgetInteger, WidgetDecimal:
			key = "forms.required_number"
		case WidgetFiles:
			key = "forms.required_files"
		case WidgetRows:
			key = "forms.required_rows"
		case WidgetMunicipality, WidgetMunicipalities:
			key = "forms.required_municipality"
		}
	}
	c.problems = append(c.problems, Problem{Path: joined, Key: key, missing: true})
}

// read takes one error of the schema, with what caused it.
func (c *checker) read(e *jsonschema.ValidationError) {
	path := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			c.missing(append(slices.Clone(path), name))
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			c.missing(append(slices.Clone(path), name))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			c.add(append(slices.Clone(path), name), "forms.unknown_field")
		}
	case *kind.AnyOf:
		c.anyOf(e)
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			c.anyOf(e)
		} else {
			c.add(path, "forms.not_valid")
		}
	case *kind.Type:
		c.wrongType(path, k)
	case *kind.Enum:
		c.add(path, "forms.not_an_option")
	case *kind.Const:
		if k.Want == true {
			c.add(path, "forms.must_be_yes")
		} else {
			c.add(path, "forms.not_an_option")
		}
	case *kind.Format:
		c.format(path, k.Want)
	case *kind.MinLength:
		c.add(path, "forms.too_short", k.Want)
	case *kind.MaxLength:
		c.add(path, "forms.too_long", k.Want)
	case *kind.Pattern:
		c.add(path, "forms.bad_pattern")
	case *kind.Minimum:
		c.add(path, "forms.too_small", ratNumber(k.Want))
	case *kind.Maximum:
		c.add(path, "forms.too_large_number", ratNumber(k.Want))
	case *kind.ExclusiveMinimum:
		c.add(path, "forms.not_over", ratNumber(k.Want))
	case *kind.ExclusiveMaximum:
		c.add(path, "forms.not_under", ratNumber(k.Want))
	case *kind.MultipleOf:
		c.add(path, "forms.not_multiple", ratNumber(k.Want))
	case *kind.MinItems:
		c.tooFew(path, k.Want)
	case *kind.Contains, *kind.MinContains, *kind.MinProperties:
		c.problems = append(c.problems, Problem{Path: strings.Join(path, "."), Key: "forms.required", missing: true})
	case *kind.MaxItems:
		c.add(path, "forms.too_many", k.Want)
	case *kind.UniqueItems:
		c.add(append(slices.Clone(path), strconv.Itoa(k.Duplicates[1])), "forms.duplicate")
	default:
		if len(e.Causes) == 0 { // "not", a false schema, and what may come
			c.add(path, "forms.not_valid")
			return
		}
		for _, cause := range e.Causes { // the whole, groups, allOf, references
			c.read(cause)
		}
	}
}

// anyOf: if every way out is to answer something, say so in one sentence at the
// first; otherwise tell what the nearest way wants.
func (c *checker) anyOf(e *jsonschema.ValidationError) {
	var labels []i18n.Text
	var first []string
	for _, cause := range e.Causes {
		k, ok := cause.ErrorKind.(*kind.Required)
		if !ok {
			labels = nil
			break
		}
		for _, name := range k.Missing {
			path := append(slices.Clone(cause.InstanceLocation), name)
			if first == nil {
				first = path
			}
			labels = append(labels, c.f.Label(strings.Join(path, ".")))
		}
	}
	if labels != nil {
		c.problems = append(c.problems, Problem{Path: strings.Join(first, "."), Key: "forms.one_of", Args: []any{labels}, missing: true})
		return
	}
	var best Problems
	for _, cause := range e.Causes {
		way := checker{f: c.f, a: c.a}
		way.read(cause)
		if best == nil || len(way.problems) < len(best) {
			best = way.problems
		}
	}
	c.problems = append(c.problems, best...)
}

func (c *checker) wrongType(path []string, k *kind.Type) {
	switch {
	case slices.Contains(k.Want, "number"):
		c.add(path, "forms.not_a_number")
	case slices.Contains(k.Want, "integer"):
		c.add(path, "forms.not_a_whole_number")
	case slices.Contains(k.Want, "boolean"):
		c.add(path, "forms.not_yes_or_no")
	default:
		c.add(path, "forms.malformed")
	}
}

func (c *checker) tooFew(path []string, want int) {
	v, _ := c.a.At(strings.Join(path, "."))
	if list, _ := v.([]any); len(list) == 0 {
		c.missing(path)
		return
	}
	c.problems = append(c.problems, Problem{Path: strings.Join(path, "."), Key: "forms.too_few", Args: []any{want}, missing: true})
}

// format adds that a value is not of its format; of a date with a time that one
// half is missing, if the other is right.
func (c *checker) format(path []string, want string) {
	joined := strings.Join(path, ".")
	v, _ := c.a.At(joined)
	if s, ok := v.(string); ok && want == "date-time-local" {
		if key := halfGiven(s); key != "" {
			c.problems = append(c.problems, Problem{Path: joined, Key: key, missing: true})
			return
		}
	}
	key := formatKey(want)
	if s, ok := v.(string); ok && (want == "date" || want == "date-time-local") {
		key = dateKey(s, key)
	}
	c.add(path, key)
}

func formatKey(format string) string {
	switch format {
	case "date":
		return "forms.not_a_date"
	case "time":
		return "forms.not_a_time"
	case "date-time-local":
		return "forms.not_a_datetime"
	case "email":
		return "forms.bad_email"
	case "phone":
		return "forms.bad_phone"
	case "business-id":
		return "forms.bad_business_id"
	case "property-id":
		return "forms.bad_property_id"
	case "postal-code":
		return "forms.bad_postal_code"
	case "municipality":
		return "forms.bad_municipality"
	case "matter-ref":
		return "forms.bad_matter"
	case "attachment":
		return "forms.bad_attachment"
	}
	return "forms.not_valid"
}

// ratNumber writes a limit of the schema as a number.
func ratNumber(r *big.Rat) json.Number {
	if r.IsInt() {
		return json.Number(r.Num().String())
	}
	return json.Number(strings.TrimRight(r.FloatString(10), "0"))
}

// dropHidden drops what nobody could put right where it is. A value of a wrong
// type lets the ifs of a schema pass; the problem that it is has been told, and
// when it is put right, the rest follows.
func (c *checker) dropHidden() {
	w := c.f.view(c.a)
	hidden := func(p Problem) bool {
		fd := c.f.find(p.Path)
		return fd != nil && !w.visible(fd)
	}
	if !slices.ContainsFunc(c.problems, func(p Problem) bool { return !hidden(p) }) {
		return // never silent: sending what the schema refuses is worse
	}
	c.problems = slices.DeleteFunc(c.problems, hidden)
}

// times finds ends that come before their beginnings.
func (c *checker) times() {
	c.f.each(c.a, func(fd *field, path string, v any, siblings map[string]any) {
		if fd.notBefore == "" {
			return
		}
		value, _ := v.(string)
		other, _ := siblings[fd.notBefore].(string)
		if timely(fd.widget, value) && timely(fd.widget, other) && value < other {
			label := c.f.Label(join(parentPath(fd.path), fd.notBefore))
			c.problems = append(c.problems, Problem{Path: path, Key: "forms.before", Args: []any{label}})
		}
	})
}

// postal finds postal codes that are not of five digits, unless the country
// beside them says that the address is elsewhere than in Finland.
func (c *checker) postal() {
	c.f.each(c.a, func(fd *field, path string, v any, siblings map[string]any) {
		if fd.widget != WidgetPostalCode {
			return
		}
		code, ok := v.(string)
		country, _ := siblings["country"].(string)
		if ok && foreignPostal.MatchString(code) && !finnishPostal.MatchString(code) && inFinland(country) {
			c.problems = append(c.problems, Problem{Path: path, Key: "forms.bad_postal_code"})
		}
	})
}

// inFinland tells of a country as people write it, or leave it out.
func inFinland(country string) bool {
	return slices.Contains([]string{"", "suomi", "finland", "fi", "fin"}, strings.ToLower(strings.TrimSpace(country)))
}

// timely reports whether the value can be compared as text.
func timely(w Widget, value string) bool {
	switch w {
	case WidgetDate:
		return isDate(value)
	case WidgetDateTime:
		return isDateTime(value)
	}
	return timeShape.MatchString(value)
}

// Sorted orders problems as their fields stand in the layout, rows by their
// number, and drops repetitions.
func (f *Form) Sorted(ps Problems) Problems {
	type keyed struct {
		key []int
		p   Problem
	}
	list := make([]keyed, len(ps))
	for i, p := range ps {
		list[i] = keyed{f.orderOf(p.Path), p}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		return cmp.Or(slices.Compare(a.key, b.key), cmp.Compare(a.p.Path, b.p.Path), cmp.Compare(a.p.Key, b.p.Key))
	})
	var out Problems
	for _, k := range list {
		if n := len(out); n > 0 && out[n-1].Path == k.p.Path && out[n-1].Key == k.p.Key {
			continue
		}
		out = append(out, k.p)
	}
	return out
}

// orderOf returns the place of a path as numbers to compare one by one.
func (f *Form) orderOf(path string) []int {
	if path == "" {
		return nil
	}
	var key []int
	known := ""
	for part := range strings.SplitSeq(path, ".") {
		if n, err := strconv.Atoi(part); err == nil && isIndex(part) {
			key = append(key, n)
			continue
		}
		known = join(known, part)
		if fd := f.byPath[known]; fd != nil {
			key = append(key, fd.order)
		} else {
			key = append(key, math.MaxInt)
		}
	}
	return key
}
