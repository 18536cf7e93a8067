package forms

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"luvat/internal/i18n"
)

// A Widget says how a field is asked.
type Widget string

// The widgets. A group is asked as its parts; place and person are groups with
// known parts.
const (
	WidgetText           Widget = "text"
	WidgetLongText       Widget = "longtext"
	WidgetInteger        Widget = "integer"
	WidgetDecimal        Widget = "decimal"
	WidgetBool           Widget = "bool"
	WidgetChoice         Widget = "choice"
	WidgetChoices        Widget = "choices"
	WidgetDate           Widget = "date"
	WidgetTime           Widget = "time"
	WidgetDateTime       Widget = "datetime"
	WidgetEmail          Widget = "email"
	WidgetPhone          Widget = "phone"
	WidgetBusinessID     Widget = "business_id"
	WidgetPropertyID     Widget = "property_id"
	WidgetPostalCode     Widget = "postal_code"
	WidgetMunicipality   Widget = "municipality"
	WidgetMunicipalities Widget = "municipalities"
	WidgetMatter         Widget = "matter"
	WidgetFiles          Widget = "files"
	WidgetList           Widget = "list"
	WidgetPlace          Widget = "place"
	WidgetCoordinates    Widget = "coordinates" // lat and lon of an object, asked together
	WidgetPerson         Widget = "person"
	WidgetGroup          Widget = "group"
	WidgetRows           Widget = "rows"
)

// longText is the length from which a text gets several lines.
const longText = 300

// byFormat says how a string of a format is asked. A format that is not here is
// a mistake in the form.
var byFormat = map[string]Widget{
	"date":            WidgetDate,
	"time":            WidgetTime,
	"date-time-local": WidgetDateTime,
	"email":           WidgetEmail,
	"phone":           WidgetPhone,
	"business-id":     WidgetBusinessID,
	"property-id":     WidgetPropertyID,
	"postal-code":     WidgetPostalCode,
	"municipality":    WidgetMunicipality,
	"matter-ref":      WidgetMatter,
	"attachment":      WidgetFiles,
}

// An Option is one answer to choose.
type Option struct {
	Value string
	Label i18n.Text
}

// A field is one property of the schema, read for drawing and reading.
type field struct {
	name, path  string // path without row numbers
	parent      *field
	widget      Widget
	item        Widget // of one value of a list
	label, help i18n.Text
	options     []Option
	unit        string
	maxLength   int
	min, max    string // as the schema writes them; empty for none
	minItems    int
	maxItems    int
	accept      []string
	personal    bool
	controls    bool
	term        string
	notBefore   string   // the sibling that this date or time must not precede
	requires    []string // of an object: the properties always required
	children    []*field
	asked       []*field // the children as they are asked: lat and lon as one
	both        *field   // of an object with lat and lon: the two together
	byName      map[string]*field
	rules       []*rule // its own and those of the groups around it
	order       int     // in the layout
}

func (fd *field) isObject() bool {
	return fd.widget == WidgetGroup || fd.widget == WidgetPlace || fd.widget == WidgetPerson
}

// isMulti reports whether the answer is an array of strings.
func (fd *field) isMulti() bool {
	switch fd.widget {
	case WidgetChoices, WidgetFiles, WidgetMunicipalities, WidgetList:
		return true
	}
	return false
}

// isTime reports whether the answer is a date, a time or both.
func (fd *field) isTime() bool {
	return fd.widget == WidgetDate || fd.widget == WidgetTime || fd.widget == WidgetDateTime
}

// inRows reports whether the field stands in a repeating row.
func (fd *field) inRows() bool {
	for p := fd.parent; p != nil; p = p.parent {
		if p.widget == WidgetRows {
			return true
		}
	}
	return false
}

// find returns the field at a path with or without row numbers, or nil.
func (f *Form) find(path string) *field {
	if fd, ok := f.byPath[path]; ok {
		return fd
	}
	return f.byPath[generic(path)]
}

// generic returns the path without row numbers.
func generic(path string) string {
	parts := strings.Split(path, ".")
	return strings.Join(slices.DeleteFunc(parts, isIndex), ".")
}

func isIndex(s string) bool {
	if s == "" || len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || s[0] != '0'
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldReader reads the properties of a schema into fields and collects what is
// wrong with them.
type fieldReader struct {
	root     map[string]any
	order    map[string][]string // JSON pointer of an object → its keys in order
	words    *words
	byPath   map[string]*field
	byTerm   map[string]string
	mistakes *mistakes
}

// object reads the properties of an object schema, in their order.
func (r *fieldReader) object(schema map[string]any, ptr string, parent *field, prefix string) []*field {
	props, _ := schema["properties"].(map[string]any)
	if len(props) == 0 {
		r.mistakes.add("%s: an object without properties", at(prefix))
	}
	if extra, ok := schema["additionalProperties"].(bool); !ok || extra {
		r.mistakes.add("%s: needs \"additionalProperties\": false", at(prefix))
	}
	for _, name := range texts(schema["required"]) {
		if _, ok := props[name]; !ok {
			r.mistakes.add("%s: requires %q, which is not among its properties", at(prefix), name)
		}
	}
	var fields []*field
	for _, name := range r.order[ptr+"/properties"] {
		path := join(prefix, name)
		if !isName(name) {
			r.mistakes.add("%s: a name is lower-case letters, digits and underscores, and begins with a letter", path)
			continue
		}
		prop, ok := props[name].(map[string]any)
		if !ok {
			r.mistakes.add("%s: the schema is not an object", path)
			continue
		}
		fd := &field{name: name, path: path, parent: parent}
		r.byPath[path] = fd
		r.field(fd, prop, ptr+"/properties/"+name)
		fields = append(fields, fd)
	}
	for _, fd := range fields {
		if fd.notBefore == "" {
			continue
		}
		other := r.byPath[join(prefix, fd.notBefore)]
		if other == nil || other.widget != fd.widget || !fd.isTime() {
			r.mistakes.add("%s: x-not-before names %q, which is no date or time of the same kind beside it", fd.path, fd.notBefore)
		}
	}
	return fields
}

// resolve follows "$ref": "#/$defs/name".
func (r *fieldReader) resolve(schema map[string]any, ptr string) (map[string]any, string) {
	for range 8 {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema, ptr
		}
		name, ok := strings.CutPrefix(ref, "#/$defs/")
		defs, _ := r.root["$defs"].(map[string]any)
		target, found := defs[name].(map[string]any)
		if !ok || !found {
			r.mistakes.add("$ref %q: only \"#/$defs/<name>\" of the same schema", ref)
			return schema, ptr
		}
		merged := make(map[string]any, len(target)+len(schema))
		for k, v := range target {
			merged[k] = v
		}
		for k, v := range schema { // what stands beside the reference rules
			if k != "$ref" {
				merged[k] = v
			}
		}
		if ref, ok := target["$ref"]; ok {
			merged["$ref"] = ref
		}
		schema, ptr = merged, "/$defs/"+name
	}
	r.mistakes.add("$ref: a circle of references at %s", ptr)
	return map[string]any{}, ptr
}

func (r *fieldReader) field(fd *field, schema map[string]any, ptr string) {
	schema, ptr = r.resolve(schema, ptr)
	fd.label, fd.help = r.words.label(fd.path), r.words.help(fd.path)
	fd.personal, _ = schema["x-personal"].(bool)
	if fd.parent != nil && fd.parent.personal {
		fd.personal = true
	}
	fd.unit, _ = schema["x-unit"].(string)
	fd.accept = texts(schema["x-accept"])
	fd.min, fd.max = numberText(schema["minimum"]), numberText(schema["maximum"])
	fd.maxLength = whole(schema["maxLength"])
	fd.minItems, fd.maxItems = whole(schema["minItems"]), whole(schema["maxItems"])
	if term, ok := schema["x-term"].(string); ok {
		if other, taken := r.byTerm[term]; taken {
			r.mistakes.add("%s: term %q is also at %s", fd.path, term, other)
		}
		fd.term, r.byTerm[term] = term, fd.path
	}
	fd.notBefore, _ = schema["x-not-before"].(string)
	kind, _ := schema["type"].(string)
	switch kind {
	case "string":
		r.text(fd, schema)
	case "integer":
		fd.widget = WidgetInteger
	case "number":
		fd.widget = WidgetDecimal
	case "boolean":
		fd.widget = WidgetBool
	case "array":
		r.array(fd, schema, ptr)
	case "object":
		r.group(fd, schema, ptr)
	default:
		r.mistakes.add("%s: type %v is not one that we draw (string, integer, number, boolean, array, object)", fd.path, schema["type"])
	}
	if _, ok := schema["enum"]; ok && fd.widget != WidgetChoice {
		r.mistakes.add("%s: \"enum\" belongs to a string, or to the items of an array", fd.path)
	}
}

func (r *fieldReader) text(fd *field, schema map[string]any) {
	fd.widget = WidgetText
	if fd.maxLength > longText {
		fd.widget = WidgetLongText
	}
	if fd.maxLength > MaxString {
		r.mistakes.add("%s: maxLength %d is over the limit %d", fd.path, fd.maxLength, MaxString)
	}
	if format, ok := schema["format"].(string); ok {
		fd.widget = r.format(fd, format)
		if fd.widget == WidgetFiles {
			r.mistakes.add("%s: attachments are an array of strings of the format \"attachment\"", fd.path)
		}
	}
	if values, ok := schema["enum"]; ok {
		fd.widget = WidgetChoice
		r.options(fd, values)
	}
}

func (r *fieldReader) format(fd *field, format string) Widget {
	w, ok := byFormat[format]
	if !ok {
		r.mistakes.add("%s: format %q is not known", fd.path, format)
		return WidgetText
	}
	return w
}

func (r *fieldReader) options(fd *field, enum any) {
	values, _ := enum.([]any)
	if len(values) == 0 {
		r.mistakes.add("%s: \"enum\" lists nothing", fd.path)
	}
	for _, v := range values {
		value, ok := v.(string)
		if !ok || value == "" || value == "help" || strings.Contains(value, ".") {
			r.mistakes.add("%s: the choice %v must be a text without full stops, and not \"help\"", fd.path, v)
			continue
		}
		fd.options = append(fd.options, Option{value, r.words.label(fd.path + "." + value)})
	}
}

func (r *fieldReader) array(fd *field, schema map[string]any, ptr string) {
	fd.widget = WidgetList
	items, ok := schema["items"].(map[string]any)
	if !ok {
		r.mistakes.add("%s: an array needs \"items\"", fd.path)
		return
	}
	items, itemPtr := r.resolve(items, ptr+"/items")
	if fd.maxItems > MaxRows {
		r.mistakes.add("%s: maxItems %d is over the limit %d", fd.path, fd.maxItems, MaxRows)
	}
	switch items["type"] {
	case "object":
		fd.widget = WidgetRows
		fd.requires = texts(items["required"])
		r.adopt(fd, r.object(items, itemPtr, fd, fd.path))
	case "string":
		fd.item = WidgetText
		fd.maxLength = whole(items["maxLength"])
		if fd.accept == nil {
			fd.accept = texts(items["x-accept"])
		}
		if format, ok := items["format"].(string); ok {
			fd.item = r.format(fd, format)
			if fd.item == WidgetFiles || fd.item == WidgetMunicipality {
				fd.widget = map[Widget]Widget{WidgetFiles: WidgetFiles, WidgetMunicipality: WidgetMunicipalities}[fd.item]
			}
		}
		if values, ok := items["enum"]; ok {
			fd.widget = WidgetChoices
			r.options(fd, values)
		}
	default:
		r.mistakes.add("%s: items are strings or objects", fd.path)
	}
}

func (r *fieldReader) group(fd *field, schema map[string]any, ptr string) {
	fd.widget = WidgetGroup
	fd.requires = texts(schema["required"])
	r.adopt(fd, r.object(schema, ptr, fd, fd.path))
	hint, _ := schema["x-widget"].(string)
	switch {
	case hint == string(WidgetPlace):
		fd.widget = WidgetPlace
	case hint == string(WidgetPerson) || hint == "" && fd.byName["name"] != nil && onlyPersonal(fd.children):
		fd.widget = WidgetPerson
	case hint != "" && hint != string(WidgetGroup):
		r.mistakes.add("%s: x-widget %q is not known", fd.path, hint)
	}
}

// onlyPersonal reports whether the parts are those of a person: a name and a
// phone or an email.
func onlyPersonal(parts []*field) bool {
	for _, p := range parts {
		if !slices.Contains([]string{"name", "phone", "email"}, p.name) {
			return false
		}
	}
	return len(parts) > 1
}

func (r *fieldReader) adopt(fd *field, children []*field) {
	fd.children = children
	fd.byName = make(map[string]*field, len(children))
	for _, c := range children {
		fd.byName[c.name] = c
	}
	r.joinCoordinates(fd)
}

// isName reports whether s may name a field: it must survive as a part of a
// path, and row numbers must not be taken for names.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '_')) {
			return false
		}
	}
	return s != ""
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func whole(v any) int {
	n, err := strconv.Atoi(fmt.Sprint(v))
	if err != nil {
		return 0
	}
	return n
}

func numberText(v any) string {
	if n, ok := v.(json.Number); ok {
		if c, ok := canonicalNumber(string(n)); ok {
			return string(c)
		}
	}
	return ""
}

// at names a place in a message about the form; the top level has no path.
func at(path string) string {
	if path == "" {
		return "the form"
	}
	return path
}

func parentPath(path string) string {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return ""
	}
	return path[:i]
}

// each yields every answered field that is not a group or rows, in the order of
// the layout, with the answers beside it.
func (f *Form) each(a Answers, yield func(fd *field, path string, v any, siblings map[string]any)) {
	var walk func(fields []*field, obj map[string]any, prefix string)
	walk = func(fields []*field, obj map[string]any, prefix string) {
		for _, fd := range fields {
			v, ok := obj[fd.name]
			if !ok {
				continue
			}
			path := join(prefix, fd.name)
			switch {
			case fd.isObject():
				if obj, ok := v.(map[string]any); ok {
					walk(fd.children, obj, path)
				}
			case fd.widget == WidgetRows:
				rows, _ := v.([]any)
				for i, row := range rows {
					if obj, ok := row.(map[string]any); ok {
						walk(fd.children, obj, index(path, i))
					}
				}
			default:
				yield(fd, path, v, obj)
			}
		}
	}
	walk(f.ordered, a, "")
}
