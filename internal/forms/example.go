package forms

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Example returns answers that Check accepts: what is in a stays, and what
// must be answered besides gets a value of its kind; with all, every other
// question too, save files. file names an attachment for a field that needs
// one. It is for previews, tests and benchmarks; no person wrote these answers.
func (f *Form) Example(a Answers, all bool, file func(path string) string) (Answers, error) {
	a, _ = normalise(a)
	x := exampler{file: file}
	for range 12 { // an answer may open new questions
		before, err := a.Marshal()
		if err != nil {
			return nil, err
		}
		x.fill(f.Fields(a), a, all)
		for _, p := range f.Check(a) {
			if p.Missing() {
				x.fillAt(f.Fields(a), a, p.Path)
			}
		}
		if after, err := a.Marshal(); err == nil && string(after) == string(before) {
			break
		}
	}
	if ps := f.Check(a); len(ps) > 0 {
		return a, fmt.Errorf("example of form %s: %w", f.id, ps)
	}
	return a, nil
}

type exampler struct{ file func(string) string }

// fill answers the nodes that must, or with all may, be answered.
func (x exampler) fill(nodes []Node, a map[string]any, all bool) {
	for _, n := range nodes {
		if n.Path == "" {
			x.fill(n.Children, a, all)
			continue
		}
		if !n.Required && !all || n.Widget == WidgetFiles && !n.Required {
			continue
		}
		if _, ok := a[n.Name]; !ok {
			if v := x.value(n); v != nil {
				a[n.Name] = v
			}
		}
	}
}

// fillAt answers the node of one problem, inside objects and rows too.
func (x exampler) fillAt(nodes []Node, a map[string]any, path string) {
	for _, n := range nodes {
		switch {
		case n.Path == "":
			x.fillAt(n.Children, a, path)
		case n.Path == path:
			if v := x.value(n); v != nil {
				answer(a, n, v)
			}
		case strings.HasPrefix(path, n.Path+"."):
			if m, ok := a[n.Name].(map[string]any); ok {
				x.fillAt(n.Children, m, path)
			}
			if list, ok := a[n.Name].([]any); ok {
				for i, row := range n.Rows {
					if m, ok := list[i].(map[string]any); ok {
						x.fillAt(row, m, path)
					}
				}
			}
		}
	}
}

func (x exampler) object(children []Node) map[string]any {
	m := map[string]any{}
	for _, c := range children {
		if v := x.value(c); v != nil && c.Widget != WidgetFiles {
			answer(m, c, v)
		}
	}
	return m
}

// answer puts the value of a part where it is kept.
func answer(a map[string]any, n Node, v any) {
	if n.Widget == WidgetCoordinates {
		setCoordinates(a, v)
		return
	}
	a[n.Name] = v
}

func (x exampler) value(n Node) any {
	if n.Widget == WidgetRows {
		rows := make([]any, max(1, n.MinItems))
		for i := range rows {
			rows[i] = x.object(n.Children)
		}
		return rows
	}
	if n.Widget == WidgetPlace || n.Widget == WidgetPerson || n.Widget == WidgetGroup {
		return x.object(n.Children)
	}
	if n.Widget == WidgetFiles {
		if x.file == nil {
			return nil
		}
		files := make([]any, max(1, n.MinItems))
		for i := range files {
			files[i] = x.file(n.Path)
		}
		return files
	}
	if n.Widget == WidgetChoices || n.Widget == WidgetMunicipalities || n.Widget == WidgetList {
		item := n
		item.Widget = n.Item
		if n.Widget == WidgetMunicipalities {
			item.Widget = WidgetMunicipality
		} else if n.Widget == WidgetChoices {
			item.Widget = WidgetChoice
		}
		return []any{x.single(item)}
	}
	return x.single(n)
}

func (x exampler) single(n Node) any {
	switch n.Widget {
	case WidgetInteger, WidgetDecimal:
		if n.Min != "" {
			return json.Number(n.Min)
		}
		if n.Max != "" {
			return json.Number(n.Max)
		}
		return json.Number("10")
	case WidgetBool:
		return false
	case WidgetChoice:
		if len(n.Options) > 0 {
			return n.Options[0].Value
		}
	case WidgetMatter:
		return nil
	case WidgetDateTime:
		if date := n.DatePart(); date != "" { // given without its time
			return date + "T18:00"
		}
	}
	if v, ok := examples[n.Widget]; ok {
		return v
	}
	s := "Esimerkki"
	if n.MaxLength > 0 && len(s) > n.MaxLength {
		s = s[:n.MaxLength]
	}
	return s
}

var examples = map[Widget]any{
	WidgetCoordinates: map[string]any{latitude: json.Number("61.4978"), longitude: json.Number("23.761")},
	WidgetDate:        "2027-07-10", WidgetTime: "18:00", WidgetDateTime: "2027-07-10T18:00", WidgetEmail: "esimerkki@example.fi",
	WidgetPhone: "+358401234567", WidgetBusinessID: "0112038-9", WidgetPropertyID: "837-101-1-2", WidgetMunicipality: "837", WidgetPostalCode: "33100",
	WidgetLongText: "Esimerkki pitkästä vastauksesta, jossa kerrotaan mitä tehdään, missä ja miksi.",
}
