package ui

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"luvat/internal/forms"
	"luvat/internal/i18n"
)

// A Form is a form on a page: where it is sent and what its fields need beside
// their nodes. Its methods draw it:
//
//	@f.Frame() {
//		@f.ProblemSummary()
//		@f.Fields()
//		@f.SaveBar()
//		@Actions() { … }
//	}
//
// What its buttons send, beside the fields (all names begin with "_"):
//
//	nothing            Enter was pressed, or the form's own default
//	_refresh=<path>    draw again: an answer decides what else is asked
//	_add=<path>        one more row, or one more line of a list
//	_remove=<path>.<n> the nth row, line or file goes
//	_upload=<path>     take the files in the input _file.<path>
//	_lang=<lang>       draw again in another language (Page.FormID)
//
// The server saves what was typed with each of them.
type Form struct {
	Lang    i18n.Lang
	ID      string // also Page.FormID
	Action  string
	Version string // field _version: what the person saw

	Nodes    []forms.Node
	Problems forms.Problems
	Adding   string // path of the rows or list that show an empty one at the end

	// Autosave is where app.js posts the form at every pause. The body is the
	// whole form without files, and _changed for each name that the person has
	// changed since the last save; the answer is JSON {version, saved_at,
	// conflicts, refresh}. Empty: no autosave.
	Autosave string
	SavedAt  string // time of the last save as shown, if any

	// Upload is where files go piece by piece (see static/upload.js); the field's
	// path is added as ?field=. With it the form is sent as multipart/form-data.
	Upload string
	Files  map[string]File // what is attached, by id

	Municipalities []Option // code and name, in the reader's language
	Matters        []Option // earlier matters to refer to; without them it is typed
}

const municipalityList = "municipalities"

func (f Form) enctype() string {
	if f.Upload != "" {
		return "multipart/form-data"
	}
	return "application/x-www-form-urlencoded"
}

func (f Form) problem(path string) string {
	p, ok := f.Problems.At(path)
	if !ok || path == "" {
		return ""
	}
	return p.Text(f.Lang)
}

// control makes of a node the question that its input asks.
func (f Form) control(n forms.Node) Control {
	c := Control{
		Lang: f.Lang, Name: n.Path, Label: n.Label.In(f.Lang), Help: n.Help.In(f.Lang), Problem: f.problem(n.Path),
		Optional: n.Optional(), Value: n.Raw, Values: n.Values(), Unit: n.Unit, Controls: n.Controls,
	}
	if n.AnyPart() {
		c.Help = strings.TrimSpace(c.Help + " " + i18n.T(f.Lang, "ui.any_part"))
	}
	for _, o := range n.Options {
		c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label.In(f.Lang)})
	}
	if n.Personal {
		c.Autocomplete = autocomplete[n.Name]
	}
	switch n.Widget {
	case forms.WidgetText:
		c.Max = n.MaxLength
	case forms.WidgetLongText:
		c.Max, c.Rows = n.MaxLength, 5
	case forms.WidgetInteger:
		c.Mode, c.Size = "numeric", Short
	case forms.WidgetDecimal:
		c.Mode, c.Size = "decimal", Short
	case forms.WidgetDate:
		c.Type, c.Size = typeFor("date", n.Raw), Medium
	case forms.WidgetTime:
		c.Type, c.Size = typeFor("time", n.Raw), Short
	case forms.WidgetEmail:
		c.Type = "email"
	case forms.WidgetPhone:
		c.Type, c.Size = "tel", Medium
	case forms.WidgetBusinessID:
		c.Size, c.Help = Medium, orWords(c.Help, f.Lang, "ui.business_id_help")
	case forms.WidgetPostalCode:
		c.Size, c.Max = Short, n.MaxLength
	case forms.WidgetPropertyID:
		c.Size, c.Help = Medium, orWords(c.Help, f.Lang, "ui.property_id_help")
	case forms.WidgetCoordinates:
		c.Size, c.Autocomplete = Full, "off"
	case forms.WidgetMunicipality:
		c.List, c.Value, c.Help = municipalityList, f.municipality(n.Raw), orWords(c.Help, f.Lang, "ui.municipality_help")
		c.Autocomplete = "off"
	case forms.WidgetMatter:
		c.Options = f.Matters
	}
	return c
}

// parts are the parts of a group as they are asked: where any one is enough,
// none of them is called optional.
func parts(n forms.Node) []forms.Node {
	if !n.AnyPart() {
		return n.Children
	}
	all := slices.Clone(n.Children)
	for i := range all {
		all[i].Required = true
	}
	return all
}

// autocomplete tells browsers what a person's own data is (WCAG 1.3.5).
var autocomplete = map[string]string{
	"name": "name", "email": "email", "phone": "tel", "address": "street-address",
	"postal_code": "postal-code", "city": "address-level2", "organisation": "organization",
}

func orWords(text string, l i18n.Lang, key string) string {
	if text != "" {
		return text
	}
	return i18n.T(l, key)
}

var shapes = map[string]*regexp.Regexp{
	"date": regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`),
	"time": regexp.MustCompile(`^\d{2}:\d{2}$`),
}

// typeFor is the input's type, or text for a value that such an input would
// not show: what was typed is never lost.
func typeFor(kind, value string) string {
	if value != "" && !shapes[kind].MatchString(value) {
		return "text"
	}
	return kind
}

// municipality returns the name of a code, or what was typed.
func (f Form) municipality(value string) string {
	for _, m := range f.Municipalities {
		if m.Value == value {
			return m.Label
		}
	}
	return value
}

// few is the number of choices up to which all are shown at once.
const few = 8

func wantsSelect(n forms.Node) bool { return len(n.Options) > few }

// lines are the values of a list with an empty one at the end if it is wanted.
func (f Form) lines(n forms.Node) []string {
	values := n.Values()
	if f.Adding == n.Path || len(values) == 0 {
		values = append(values, "")
	}
	return values
}

// line is one input of a list.
func (f Form) line(n forms.Node, i int, value string) Control {
	c := Control{Lang: f.Lang, Name: n.Path, Value: value, Autocomplete: "off", Problem: f.problem(at(n.Path, i))}
	c.Label = i18n.T(f.Lang, "ui.row_nth", n.Label.In(f.Lang), i+1)
	if n.Item == forms.WidgetMunicipality {
		c.List, c.Value = municipalityList, f.municipality(value)
	} else {
		c.Max = n.MaxLength
	}
	return c
}

func at(path string, i int) string { return path + "." + strconv.Itoa(i) }

// blankRow tells whether rows show an empty one: it was asked for, or there
// must be more than there are.
func (f Form) blankRow(n forms.Node) bool {
	least := n.MinItems
	if n.Required && least == 0 {
		least = 1
	}
	return (f.Adding == n.Path || len(n.Rows) < least) && f.mayAdd(n, len(n.Rows))
}

func (f Form) mayAdd(n forms.Node, have int) bool { return n.MaxItems == 0 || have < n.MaxItems }

func (f Form) uploadURL(path string) string {
	if f.Upload == "" {
		return ""
	}
	sep := "?"
	if strings.Contains(f.Upload, "?") {
		sep = "&"
	}
	return f.Upload + sep + "field=" + url.QueryEscape(path)
}

// attached returns the files of a field; an id that is not known keeps its
// place, so that the others keep their numbers.
func (f Form) attached(n forms.Node) []File {
	var out []File
	for _, id := range n.Values() {
		file := f.Files[id]
		file.ID = id
		if file.Name == "" {
			file.Name = id
		}
		out = append(out, file)
	}
	return out
}

func accept(n forms.Node) string {
	var out []string
	for _, ext := range n.Accept {
		out = append(out, "."+strings.TrimPrefix(ext, "."))
	}
	return strings.Join(out, ",")
}

func acceptWords(n forms.Node) string {
	var out []string
	for _, ext := range n.Accept {
		out = append(out, strings.TrimPrefix(ext, "."))
	}
	return strings.Join(out, ", ")
}

// lineInput is what the input of a line says about itself.
func (f Form) lineInput(n forms.Node, i int, line Control) templ.Attributes {
	line.Controls = n.Controls
	line.Name = at(n.Path, i) // for the ids: each line has its own
	a := line.input()
	a["id"] = line.id()
	a["aria-label"] = line.Label
	return a
}

// A place is where a problem is: what the question is called, after the row it
// stands in, and the id that a link leads to.
type place struct{ label, id string }

func (f Form) places() map[string]place {
	out := map[string]place{}
	f.locate(f.Nodes, "", out)
	return out
}

func (f Form) locate(nodes []forms.Node, before string, out map[string]place) {
	for _, n := range nodes {
		label := before + n.Label.In(f.Lang)
		if n.Path == "" { // a group of the layout
			f.locate(n.Children, before, out)
			continue
		}
		out[n.Path] = place{label, FieldID(n.Path)}
		if c := (Control{Name: n.Path, Value: n.Raw}); n.Widget == forms.WidgetDateTime && c.lacksTime() {
			out[n.Path] = place{label, c.timeID()}
		}
		switch n.Kind {
		case forms.KindRows:
			for i, row := range append(n.Rows[:len(n.Rows):len(n.Rows)], n.Children) {
				name := i18n.T(f.Lang, "ui.row_nth", label, i+1)
				out[at(n.Path, i)] = place{name, FieldID(at(n.Path, i))}
				f.locate(row, name+" – ", out)
			}
		case forms.KindGroup:
			f.locate(n.Children, label+" – ", out)
		default:
			for i := range n.Values() {
				id := FieldID(n.Path) // choices and files stand together
				if n.Widget == forms.WidgetList || n.Widget == forms.WidgetMunicipalities {
					id = FieldID(at(n.Path, i))
				}
				out[at(n.Path, i)] = place{i18n.T(f.Lang, "ui.row_nth", label, i+1), id}
			}
		}
	}
}

// byName finds the part of an object with a name.
func byName(nodes []forms.Node, name string) (forms.Node, bool) {
	for _, n := range nodes {
		if n.Name == name {
			return n, true
		}
	}
	return forms.Node{}, false
}

// pairs puts the parts of a place that belong together side by side.
func pairs(nodes []forms.Node) [][]forms.Node {
	second := map[string]string{"postal_code": "city"}
	taken := map[string]bool{}
	var out [][]forms.Node
	for _, n := range nodes {
		if taken[n.Name] {
			continue
		}
		group := []forms.Node{n}
		if other, ok := byName(nodes, second[n.Name]); ok {
			group, taken[other.Name] = append(group, other), true
		}
		out = append(out, group)
	}
	return out
}
