package customer

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// A paper is a form being filled in: a matter's own, or the project's common
// data. What is done to both is written once here.
type paper struct {
	form    *forms.Form
	answers forms.Answers
	version int64
	savedAt time.Time
	path    string // address of its page
	uploads string // where its files go piece by piece
	next    string // where "save and go on" leads
	saved   string // what is said when all is saved
	project string
	matter  string // "" for the common data
	role    matter.Member
	files   []attach.Attachment
	rows    []matter.Row
	landed  []attach.Landed // files that came with the form: written with it
	asked   []forms.Node    // what was asked before it was saved, for the next question
	load    func() error    // reads files and rows, where saving did not need them; may be nil
	save    func(seen int64, a forms.Answers, landed ...attach.Landed) (matter.Saved, error)
}

// commonPaper is the common data of a project.
func (r room) commonPaper(a *site.Ask, who asker, id string) (*paper, *matter.ProjectView, error) {
	v, err := r.Desk.Project(a.Context(), who, id)
	if err != nil {
		return nil, nil, err
	}
	e := r.Catalogue.Entity(v.Entity)
	if e == nil {
		return nil, nil, errors.New("the project's service entity is gone")
	}
	form, _, err := r.Catalogue.Form(e.CommonForm, v.FormHash)
	if err != nil {
		return nil, nil, err
	}
	p := &paper{
		form: form, answers: v.Answers, version: v.Version, savedAt: v.ChangedAt, project: v.ID, role: v.Role, files: v.CommonFiles, rows: v.Rows,
		path: projectPath(v.ID) + "/common", uploads: projectPath(v.ID) + "/uploads", next: projectPath(v.ID), saved: "customer.saved",
	}
	p.save = func(seen int64, answers forms.Answers, landed ...attach.Landed) (matter.Saved, error) {
		return r.Desk.SaveCommon(a.Context(), who, v.ID, seen, answers, landed...)
	}
	return p, v, nil
}

// matterPaper is a matter's own form, with all that its page shows.
func (r room) matterPaper(a *site.Ask, who asker, id string) (*paper, *matter.View, error) {
	v, err := r.Desk.Matter(a.Context(), who, id)
	if err != nil {
		return nil, nil, err
	}
	return r.paperOf(a, who, v), v, nil
}

// savedPaper is a matter's own form as saving it needs.
func (r room) savedPaper(a *site.Ask, who asker, id string) (*paper, error) {
	v, err := r.Desk.Paper(a.Context(), who, id)
	if err != nil {
		return nil, err
	}
	p := r.paperOf(a, who, v)
	p.load = func() error {
		full, err := r.Desk.Matter(a.Context(), who, id)
		if err == nil {
			p.files, p.rows, p.load = full.Files, full.Joint, nil
		}
		return err
	}
	return p, nil
}

// known makes sure that files and rows are read.
func (p *paper) known() error {
	if p.load == nil {
		return nil
	}
	return p.load()
}

func (r room) paperOf(a *site.Ask, who asker, v *matter.View) *paper {
	p := &paper{
		form: v.Form, answers: v.Answers, version: v.Version, savedAt: v.ChangedAt, project: v.Project.ID, matter: v.ID, role: v.Project.Role,
		files: v.Files, rows: v.Joint, path: matterPath(v.ID) + "/form", uploads: matterPath(v.ID) + "/uploads",
		next: projectPath(v.Project.ID) + "/send", saved: "customer.saved",
	}
	if v.Status == matter.ToComplete {
		p.next, p.saved = matterPath(v.ID), "customer.saved_not_sent"
	}
	p.save = func(seen int64, answers forms.Answers, landed ...attach.Landed) (matter.Saved, error) {
		return r.Desk.SavePaper(a.Context(), who, v, seen, answers, landed...)
	}
	return p
}

// uiForm is the paper as the page draws it.
func (r room) uiForm(a *site.Ask, p *paper, problems forms.Problems, adding string) ui.Form {
	s := say{a.Lang}
	f := ui.Form{
		Lang: a.Lang, ID: "form", Action: p.path, Version: strconv.FormatInt(p.version, 10), Nodes: p.form.Fields(p.answers),
		Problems: problems, Adding: adding, Autosave: p.path, SavedAt: s.savedAt(p.savedAt, r.Now()), Upload: p.uploads, Files: map[string]ui.File{},
		Municipalities: r.municipalities(a.Lang),
	}
	for _, file := range p.files {
		f.Files[file.ID] = s.uiFile(file)
	}
	for _, row := range p.rows {
		if row.ID != p.matter && row.Status != matter.Draft {
			f.Matters = append(f.Matters, ui.Option{Value: row.ID, Label: row.Number + " " + r.typeName(a.Lang, row.Type)})
		}
	}
	return f
}

// savedAt tells when a draft was saved: the time of day, with the day if it
// was not today.
func (s say) savedAt(t, now time.Time) string {
	if i18n.DaysBetween(t, now) == 0 {
		return s.T("customer.at_clock", i18n.Clock(s.Lang, t))
	}
	return i18n.DateTime(s.Lang, t)
}

// shown are the problems to show on a page that was opened by a link: all of
// them when one came to see what lacks, else what was answered wrongly.
func (p *paper) shown(a *site.Ask) forms.Problems {
	if a.URL.Query().Get("check") == "" {
		return p.form.CheckDraft(p.answers)
	}
	return p.form.Check(p.answers)
}

// conflict is what the page of two texts shows.
type conflict struct {
	say
	Action, Version, Merged, Theirs, Then string
	Fields                                []conflictField
}

type conflictField struct{ Path, Label, Mine, Theirs string }

// A drawing shows a paper again, with problems and their status.
type drawing func(p *paper, problems forms.Problems, status int) error

// post takes a posted paper: it saves what was typed whatever button was
// pressed, and then does what the button asks. draw shows the page again with
// problems.
func (r room) post(w http.ResponseWriter, a *site.Ask, who asker, p *paper, draw drawing) error {
	var added []upload
	v, err := read(w, a, func(name, file string, body io.Reader) error {
		u := r.takeFile(a, who, p, strings.TrimPrefix(name, "_file."), file, body)
		added = append(added, u)
		return u.fatal()
	})
	if err != nil {
		return err
	}
	switch {
	case a.Header.Get("X-Autosave") != "":
		return r.autosave(w, a, p, v)
	case v.Has("_merged"):
		return r.resolve(w, a, p, v)
	}
	seen, err := site.Number(v, "_version")
	if err != nil {
		return err
	}
	take(v, v.Get("_remove"))
	mine, problems := p.form.ReadOver(p.answers, v)
	if mine == nil {
		return errTooLarge
	}
	r.codes(p.form, mine)
	for _, u := range added {
		if u.problem.Key != "" {
			problems = append(problems, u.problem)
		} else {
			addID(mine, u.field, u.id)
		}
	}
	if v.Has("_refresh") {
		p.asked = p.form.Fields(p.answers)
	}
	saved, err := p.save(seen, mine, p.landed...)
	if full, ok := errors.AsType[*fail.Error](err); ok && full.Kind == fail.TooLarge && len(p.landed) > 0 {
		// Other files took the room while these came: what was typed is saved.
		mine = leaveOut(mine, added)
		for _, u := range added {
			if u.id != "" {
				problems = append(problems, forms.Problem{Path: u.field, Key: full.Key, Args: full.Args})
			}
		}
		p.landed = nil
		saved, err = p.save(seen, mine)
	}
	if full := a.Full(err); full != nil {
		return p.unsaved(seen, leaveOut(mine, added), added, full, draw)
	}
	if err != nil {
		return r.clash(w, a, p, err, v)
	}
	for _, l := range p.landed {
		p.files = append(p.files, l.Attachment)
	}
	p.answers, p.version, p.savedAt = saved.Answers, saved.Version, saved.At
	return r.after(w, a, p, v, problems, saved.Wrong, draw)
}

// unsaved shows the paper with what was typed and why it could not be saved. The
// files that came with it are to be given again.
func (p *paper) unsaved(seen int64, mine forms.Answers, added []upload, why *fail.Error, draw drawing) error {
	problems := forms.Problems{{Key: why.Key, Args: why.Args}}
	for _, u := range added {
		problems = append(problems, forms.Problem{Path: u.field, Key: why.Key, Args: why.Args})
	}
	p.answers, p.version, p.landed = mine, seen, nil
	return draw(p, p.form.Sorted(problems), http.StatusServiceUnavailable)
}

// after does what the button asked once all is saved. What was not taken over and
// what was saved though it is wrong is shown first.
func (r room) after(w http.ResponseWriter, a *site.Ask, p *paper, v url.Values, problems, saved forms.Problems, draw drawing) error {
	if len(problems) == 0 {
		switch {
		case a.NewLanguage(w, v):
			return a.See(w, p.path)
		case v.Has("_add"):
			return a.See(w, p.path+"?add="+url.QueryEscape(v.Get("_add"))+"#"+ui.FieldID(v.Get("_add")))
		case v.Has("_refresh"):
			return a.See(w, p.path+"#"+ui.FieldID(nextQuestion(p.asked, p.form.Fields(p.answers), v.Get("_refresh"))))
		case v.Has("_remove"), v.Has("_upload"):
			return a.See(w, p.path+"#"+ui.FieldID(fieldOf(v.Get("_remove")+v.Get("_upload"))))
		}
	}
	for _, wrong := range saved {
		if _, ok := problems.At(wrong.Path); !ok {
			problems = append(problems, wrong)
		}
	}
	if problems = p.form.Sorted(problems); len(problems) > 0 {
		a.NewLanguage(w, v)
		return draw(p, problems, http.StatusUnprocessableEntity)
	}
	if v.Has("_next") {
		return a.Say(w, p.next, p.saved)
	}
	return a.Say(w, p.path, p.saved)
}

// take takes a row, a line or a file out of what was posted: the number
// counts as it stood on the page, where the field's first value is an empty one.
func take(v url.Values, what string) {
	i := strings.LastIndexByte(what, '.')
	if i < 0 {
		return
	}
	n, err := strconv.Atoi(what[i+1:])
	field := what[:i]
	if err != nil || n < 0 || strings.HasPrefix(field, "_") {
		return
	}
	rows := false
	for name := range v {
		if strings.HasPrefix(name, what+".") {
			delete(v, name)
			rows = true
		}
	}
	if at := n + 1; !rows && at < len(v[field]) {
		v[field] = slices.Delete(v[field], at, at+1)
	}
}

// codes puts the codes of municipalities where people typed their names.
func (r room) codes(form *forms.Form, answers forms.Answers) {
	var walk func([]forms.Node)
	walk = func(nodes []forms.Node) {
		for _, n := range nodes {
			walk(n.Children)
			for _, row := range n.Rows {
				walk(row)
			}
			switch {
			case n.Widget == forms.WidgetMunicipality && n.Raw != "":
				if m := r.Catalogue.MunicipalityNamed(n.Raw); m != nil {
					answers.Put(n.Path, m.Code)
				}
			case n.Item == forms.WidgetMunicipality:
				for i, name := range n.Values() {
					if m := r.Catalogue.MunicipalityNamed(name); m != nil {
						answers.Put(n.Path+"."+strconv.Itoa(i), m.Code)
					}
				}
			}
		}
	}
	walk(form.Fields(answers))
}

// addID puts a file into the answer of a field.
func addID(answers forms.Answers, field, id string) {
	have, _ := answers.At(field)
	list, _ := have.([]any)
	if !slices.Contains(list, any(id)) {
		answers.Put(field, append(slices.Clip(list), any(id)))
	}
}

// leaveOut takes files that came with the form out of the answers again.
func leaveOut(answers forms.Answers, added []upload) forms.Answers {
	for _, u := range added {
		have, _ := answers.At(u.field)
		list, _ := have.([]any)
		if list = slices.DeleteFunc(slices.Clone(list), func(id any) bool { return id == u.id }); len(list) > 0 {
			answers.Put(u.field, list)
		} else {
			answers.Put(u.field, nil)
		}
	}
	return answers
}

// clash shows both texts of the fields that somebody else has changed too.
func (r room) clash(w http.ResponseWriter, a *site.Ask, p *paper, err error, v url.Values) error {
	c, ok := errors.AsType[*matter.ChangedElsewhere](err)
	if !ok {
		return err
	}
	merged, err := c.Merged.Marshal()
	if err != nil {
		return err
	}
	theirs, err := c.Theirs.Marshal()
	if err != nil {
		return err
	}
	page := conflict{say: say{a.Lang}, Action: p.path, Version: strconv.FormatInt(c.Version, 10), Merged: string(merged), Theirs: string(theirs)}
	if v.Has("_next") {
		page.Then = "next"
	}
	if err := p.known(); err != nil {
		return err
	}
	if err := r.Files.Keep(a.Context(), p.landed...); err != nil { // both texts may name them
		return err
	}
	for _, l := range p.landed {
		p.files = append(p.files, l.Attachment)
	}
	names := r.names(p.files, p.rows)
	for _, k := range c.Clashes {
		page.Fields = append(page.Fields, conflictField{
			Path: k.Path, Label: k.Label.In(a.Lang),
			Mine: p.form.Display(a.Lang, k.Path, k.Mine, names), Theirs: p.form.Display(a.Lang, k.Path, k.Theirs, names),
		})
	}
	return a.Page(w, http.StatusConflict, ui.Page{
		Title: a.T("customer.conflict_title"), Lead: a.T("customer.conflict_lead"), Path: p.path,
	}, conflictBody(page))
}

// resolve saves what the person chose between two texts.
func (r room) resolve(w http.ResponseWriter, a *site.Ask, p *paper, v url.Values) error {
	over, err := site.Number(v, "_version")
	if err != nil {
		return err
	}
	merged, err := forms.ParseAnswers([]byte(v.Get("_merged")))
	if err != nil {
		return errMalformed
	}
	theirs, err := forms.ParseAnswers([]byte(v.Get("_theirs")))
	if err != nil {
		return errMalformed
	}
	for _, at := range v["_path"] {
		if v.Get("_choice."+at) == "theirs" {
			value, _ := theirs.At(at)
			merged.Put(at, value)
		}
	}
	if _, err := p.save(over, merged); err != nil {
		return r.clash(w, a, p, err, url.Values{})
	}
	if v.Get("_then") == "next" {
		return a.Say(w, p.next, p.saved)
	}
	return a.Say(w, p.path, p.saved)
}
