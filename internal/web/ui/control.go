package ui

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"luvat/internal/forms"
	"luvat/internal/i18n"
)

// A Control is one question with its input. The zero values of all but Lang,
// Name and Label leave things out.
type Control struct {
	Lang     i18n.Lang
	Name     string
	ID       string // tells it from another of the same name on the page; the name else
	Label    string
	Help     string
	Problem  string // what is wrong with the answer
	Optional bool   // says "(optional)"; what must be answered says nothing
	Value    string
	Values   []string // of CheckboxGroup
	Options  []Option // of Select, RadioGroup and CheckboxGroup

	Type         string // of the input: text, email, tel, search, date, time, …
	Mode         string // inputmode: numeric, decimal
	Autocomplete string
	Size         InputSize
	Unit         string // after the input
	Max          int    // characters, said and enforced
	Rows         int    // of TextArea
	List         string // id of a datalist
	Controls     bool   // the answer decides what else is asked
}

// An Option is one answer to choose.
type Option struct {
	Value, Label, Help string
}

// InputSize hints how long an answer is.
type InputSize string

// The sizes of inputs.
const (
	Usual  InputSize = ""
	Short  InputSize = "short"  // a number, a date
	Medium InputSize = "medium" // a phone number
	Full   InputSize = "full"   // all the width
)

func (c Control) id() string { return FieldID(cmp.Or(c.ID, c.Name)) }

// optionID is the id of the nth choice; links to the field lead to the first.
func (c Control) optionID(n int) string {
	if n == 0 {
		return c.id()
	}
	return c.id() + "-" + strconv.Itoa(n)
}

func (c Control) chosen(value string) bool {
	return c.Value == value && value != "" || slices.Contains(c.Values, value)
}

// describedBy lists the texts that belong to the input, for screen readers.
func (c Control) describedBy() string {
	return classes(
		when(c.Help != "", c.id()+"-help"),
		when(c.Unit != "", c.id()+"-unit"),
		when(c.Problem != "", c.id()+"-problem"))
}

// state is what every kind of input says about itself.
func (c Control) state() templ.Attributes {
	a := templ.Attributes{}
	if by := c.describedBy(); by != "" {
		a["aria-describedby"] = by
	}
	if c.Problem != "" {
		a["aria-invalid"] = "true"
	}
	if c.Controls {
		a["data-controls"] = true
	}
	return a
}

// input adds to state what an input or textarea of text needs.
func (c Control) input() templ.Attributes {
	a := c.state()
	for name, value := range map[string]string{"inputmode": c.Mode, "autocomplete": c.Autocomplete, "list": c.List} {
		if value != "" {
			a[name] = value
		}
	}
	if c.Max > 0 {
		a["maxlength"] = strconv.Itoa(c.Max)
	}
	if c.Rows > 0 {
		a["rows"] = strconv.Itoa(c.Rows)
	}
	return a
}

func (c Control) inputType() string {
	if c.Type == "" {
		return "text"
	}
	return c.Type
}

func (c Control) class() string { return classes("input", string(c.Size)) }

func (c Control) wrap() string { return classes("field", when(c.Problem != "", "wrong")) }

func (c Control) datePart() string {
	date, _ := forms.SplitDateTime(c.Value)
	return date
}

// timeID is the id of the time in a DateTime, whose date has the control's own.
func (c Control) timeID() string { return c.id() + "-time" }

// lacksTime tells that the date was given and its time was not.
func (c Control) lacksTime() bool { return c.datePart() != "" && c.timePart() == "" }

func (c Control) timePart() string {
	_, clock := forms.SplitDateTime(c.Value)
	return clock
}
