package customer

import (
	"net/http"
	"slices"
	"strings"

	"luvat/internal/catalogue"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// formPage is what the page of a form shows around its fields.
type formPage struct {
	say
	Form     ui.Form
	Steps    []ui.Step
	MayWrite bool
	Read     []ui.Item // for readers: the answers in words
	Asked    *asked
	Common   *commonPart
	Outside  string // the authority's own service, where the matter is filled in
	NewForm  string // address that takes the newer form, "" when there is none
	Filled   bool   // some fields are as the permit-need survey filled them in

	// Of the common data: the matters that keep what they were sent with, and
	// those whose completion takes along what is changed.
	Sent, Along []ui.Link
}

// asked is a request for completion.
type asked struct {
	Text, When, Due string
	Urgency         ui.Urgency
	Fields          []ui.Link
}

// commonPart is the common data that a matter's form uses.
type commonPart struct {
	Items []ui.Item
	Lacks []ui.Link
	Href  string
}

func (r room) showCommon(w http.ResponseWriter, a *site.Ask, who asker) error {
	p, v, err := r.commonPaper(a, who, a.PathValue("id"))
	if err != nil {
		return err
	}
	return r.drawCommon(w, a, who, p, v, p.commonShown(a, v), http.StatusOK)
}

// commonShown adds what the matters of the project lack of the common data to
// what the form says for itself, when that is to be shown.
func (p *paper) commonShown(a *site.Ask, v *matter.ProjectView) forms.Problems {
	if a.URL.Query().Get("check") == "" {
		return p.shown(a)
	}
	problems := p.shown(a)
	for _, row := range v.Rows {
		for _, l := range v.Lacks[row.ID] {
			if _, told := problems.At(l.Problem.Path); l.Common && !told {
				problems = append(problems, l.Problem)
			}
		}
	}
	return p.form.Sorted(problems)
}

func (r room) postCommon(w http.ResponseWriter, a *site.Ask, who asker) error {
	p, v, err := r.commonPaper(a, who, a.PathValue("id"))
	if err != nil {
		return err
	}
	return r.post(w, a, who, p, func(p *paper, problems forms.Problems, status int) error {
		return r.drawCommon(w, a, who, p, v, problems, status)
	})
}

func (r room) drawCommon(w http.ResponseWriter, a *site.Ask, who asker, p *paper, v *matter.ProjectView, problems forms.Problems, status int) error {
	s := say{a.Lang}
	page := formPage{say: s, Form: r.uiForm(a, p, problems, a.URL.Query().Get("add")), Steps: s.steps(v.ID, 0), MayWrite: p.role.MayWrite()}
	if err := r.need(page.Form.Nodes, p.rows); err != nil {
		return err
	}
	page.Filled = recall(s, page.Form.Nodes, v.FromSurvey, p.answers)
	page.Sent, page.Along = r.sentWith(s, v)
	if id := a.URL.Query().Get("matter"); id != "" {
		of, err := r.Desk.Matter(a.Context(), who, id)
		if err != nil {
			return err
		}
		page.Asked = r.asked(s, of)
		mark(s, page.Form.Nodes, of.OpenRequest(), "common:")
	}
	if !page.MayWrite {
		page.Read = items(a.Lang, p.form.Rows(a.Lang, p.answers, r.names(p.files, p.rows)))
	}
	return a.Page(w, status, ui.Page{
		Title: a.T("customer.common_title"), Lead: a.T("customer.common_lead"), Back: &ui.Link{Label: v.Name, Href: projectPath(v.ID)},
		FormID: formIDOf("form", page.MayWrite), Problems: len(problems) > 0,
	}, formBody(page))
}

// sentWith lists the matters under way that were sent with the common data as it
// was: a change reaches only those that wait for a completion.
func (r room) sentWith(s say, v *matter.ProjectView) (keep, along []ui.Link) {
	for _, row := range v.Rows {
		name := r.typeName(s.Lang, row.Type) + " (" + row.Number + "), " + r.authorityName(s.Lang, row.Authority)
		switch {
		case row.Status == matter.Draft || row.Status.Ended():
		case row.Status == matter.ToComplete:
			along = append(along, ui.Link{Label: name, Href: matterPath(row.ID)})
		default:
			keep = append(keep, ui.Link{Label: name, Href: matterPath(row.ID) + "#messages"})
		}
	}
	return keep, along
}

// need marks the common data without which a matter of the project cannot be
// sent: its form says for itself only what every project needs.
func (r room) need(nodes []forms.Node, rows []matter.Row) error {
	needed := map[string]bool{}
	for _, row := range rows {
		t := r.Catalogue.Type(row.Type)
		if t == nil || row.Status.Ended() {
			continue
		}
		form, _, err := r.Catalogue.Form(t.Form, "")
		if err != nil {
			return err
		}
		_, required := form.Common()
		for _, term := range required {
			needed[term] = true
		}
	}
	var walk func([]forms.Node)
	walk = func(nodes []forms.Node) {
		for i := range nodes {
			n := &nodes[i]
			n.Required = n.Required || needed[n.Term]
			walk(n.Children)
		}
	}
	walk(nodes)
	return nil
}

// formIDOf names the form whose sending changes the language, if it is there.
func formIDOf(id string, there bool) string {
	if there {
		return id
	}
	return ""
}

func (r room) showForm(w http.ResponseWriter, a *site.Ask, who asker) error {
	p, v, err := r.matterPaper(a, who, a.PathValue("id"))
	if err != nil {
		return err
	}
	if v.Status != matter.Draft && v.Status != matter.ToComplete {
		return a.See(w, matterPath(v.ID)) // what was sent is read there
	}
	return r.drawForm(w, a, p, v, p.shown(a), http.StatusOK)
}

func (r room) postForm(w http.ResponseWriter, a *site.Ask, who asker) error {
	p, err := r.savedPaper(a, who, a.PathValue("id"))
	if err != nil {
		return err
	}
	return r.post(w, a, who, p, func(p *paper, problems forms.Problems, status int) error {
		v, err := r.Desk.Matter(a.Context(), who, p.matter)
		if err != nil {
			return err
		}
		p.files, p.rows = v.Files, v.Joint
		return r.drawForm(w, a, p, v, problems, status)
	})
}

func (r room) drawForm(w http.ResponseWriter, a *site.Ask, p *paper, v *matter.View, problems forms.Problems, status int) error {
	s := say{a.Lang}
	page := formPage{
		say: s, Form: r.uiForm(a, p, problems, a.URL.Query().Get("add")), Steps: s.steps(v.Project.ID, 1), MayWrite: p.role.MayWrite(),
		Asked: r.asked(s, v), Common: r.commonPart(s, v),
	}
	mark(s, page.Form.Nodes, v.OpenRequest(), "")
	page.Filled = recall(s, page.Form.Nodes, v.FromSurvey, p.answers)
	if v.Status == matter.ToComplete {
		page.Steps = nil // a completion is sent from the matter's own page
	}
	if v.Offer.Way == catalogue.Conditional {
		page.Outside = v.Offer.URL
	}
	if v.NewerForm && page.MayWrite {
		page.NewForm = matterPath(v.ID) + "/new-form"
	}
	if !page.MayWrite {
		page.Read = items(a.Lang, p.form.Rows(a.Lang, p.answers, r.names(p.files, p.rows)))
	}
	return a.Page(w, status, ui.Page{
		Title: r.typeName(a.Lang, v.Type), Lead: r.authorityName(a.Lang, v.Authority), Back: &ui.Link{Label: v.Project.Name, Href: projectPath(v.Project.ID)},
		FormID: formIDOf("form", page.MayWrite), Problems: len(problems) > 0,
	}, formBody(page))
}

// asked shows the open request for completion, or nil.
func (r room) asked(s say, v *matter.View) *asked {
	q := v.OpenRequest()
	if q == nil {
		return nil
	}
	out := &asked{
		Text: q.Text, When: i18n.Date(s.Lang, q.AskedAt), Urgency: urgency(q.Due, r.Now()),
		Due: s.T("customer.complete_by", i18n.Date(s.Lang, q.Due)) + ", " + s.left(q.Due, r.Now()),
	}
	for _, f := range q.Fields {
		if path, common := strings.CutPrefix(f, "common:"); common {
			out.Fields = append(out.Fields, ui.Link{Label: v.Common.Label(path).In(s.Lang), Href: projectPath(v.Project.ID) + "/common?matter=" + v.ID + "#" + ui.FieldID(path)})
		} else {
			out.Fields = append(out.Fields, ui.Link{Label: v.Form.Label(f).In(s.Lang), Href: matterPath(v.ID) + "/form#" + ui.FieldID(f)})
		}
	}
	return out
}

// mark says at the fields that the authority asked for that it did.
func mark(s say, nodes []forms.Node, q *matter.Request, prefix string) {
	if q == nil {
		return
	}
	for i := range nodes {
		n := &nodes[i]
		if n.Path != "" && slices.Contains(q.Fields, prefix+n.Path) {
			before(n, s.T("customer.field_asked"))
		}
		mark(s, n.Children, q, prefix)
		for _, row := range n.Rows {
			mark(s, row, q, prefix)
		}
	}
}

// recall says at the fields that the survey filled in, and that nobody has
// changed since, that it did; and at those near to what was answered, what that
// was. It tells whether any field is as the survey filled it in.
func recall(s say, nodes []forms.Node, from matter.FromSurvey, answers forms.Answers) bool {
	filled := false
	for i := range nodes {
		n := &nodes[i]
		told := from.Told[n.Path]
		switch {
		case n.Path == "":
			filled = recall(s, n.Children, from, answers) || filled
		case from.Kept(n.Path, answers):
			filled = true
			before(n, s.T(filledWords(n)))
		case len(told) > 0 && n.Value == nil:
			var said []string
			for _, t := range told {
				said = append(said, t.In(s.Lang))
			}
			before(n, s.T("customer.field_told", strings.Join(said, ", ")))
		}
	}
	return filled
}

// filledWords tells of a date with a time that the time was not asked.
func filledWords(n *forms.Node) string {
	if n.Widget == forms.WidgetDateTime && n.TimePart() == "" {
		return "customer.field_filled_day"
	}
	return "customer.field_filled"
}

// before puts words before the help of a field, in the reader's language.
func before(n *forms.Node, words string) {
	help := func(text string) string { return strings.TrimSpace(words + " " + text) }
	n.Help = i18n.Text{FI: help(n.Help.FI), SV: help(n.Help.SV), EN: help(n.Help.EN)}
}

// commonPart shows the common data that the matter uses and what lacks of it.
func (r room) commonPart(s say, v *matter.View) *commonPart {
	terms, _ := v.Form.Common()
	if len(terms) == 0 {
		return nil
	}
	at := v.Common.Terms()
	var tops []string
	for _, t := range terms {
		tops = append(tops, at[t])
	}
	part := &commonPart{Href: projectPath(v.Project.ID) + "/common"}
	names := r.names(v.CommonFiles, v.Joint)
	for _, row := range v.Common.Rows(s.Lang, v.Project.Answers, names) {
		top, _, _ := strings.Cut(row.Path, ".")
		if slices.Contains(tops, top) {
			part.Items = append(part.Items, ui.Answer(s.Lang, row))
		}
	}
	for _, l := range v.Lacks {
		if l.Common {
			part.Lacks = append(part.Lacks, lackLink(s, v.Project.ID, v.ID, l))
		}
	}
	return part
}

// lackLink leads to the field that lacks something.
func lackLink(s say, project, id string, l matter.Lack) ui.Link {
	page := matterPath(id) + "/form"
	if l.Common {
		page = projectPath(project) + "/common"
	}
	label := l.Label.In(s.Lang)
	if !strings.HasPrefix(l.Problem.Key, "forms.required") { // the list says already that it is missing
		label += ": " + l.Problem.Text(s.Lang)
	}
	return ui.Link{Label: label, Href: page + "?check=1#" + ui.FieldID(l.Problem.Path)}
}

// items are answers in words, the group before those that stand in one.
func items(l i18n.Lang, rows []forms.DisplayRow) []ui.Item {
	var out []ui.Item
	for _, row := range rows {
		out = append(out, ui.Answer(l, row))
	}
	return out
}
