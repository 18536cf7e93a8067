package officer

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// sent is a submission in words, or a draft that may be seen early.
type sent struct {
	N           int64 // 0 for a draft
	By, When    string
	Hash        string
	Own, Common []block
	Files       []ui.File
	answers     answered
}

// A block is a group of answers under its heading.
type block struct {
	Title string
	Items []ui.Item
}

// answered is what a submission holds, read.
type answered struct {
	form, commonForm *forms.Form
	own, common      forms.Answers
	files            []matter.SealedFile
}

var errNoSubmission = fail.New(fail.NotFound, "error.not_found")

// open reads a submission with the versions of the forms it was sent with.
func (r *room) open(s *matter.Submission) (c answered, err error) {
	body, err := s.Parse()
	if err != nil {
		return c, err
	}
	if c.form, _, err = r.s.Catalogue.Form(body.Form.ID, body.Form.Version); err != nil {
		return c, err
	}
	if c.commonForm, _, err = r.s.Catalogue.Form(body.CommonForm.ID, body.CommonForm.Version); err != nil {
		return c, err
	}
	if c.own, err = body.MatterAnswers(); err != nil {
		return c, err
	}
	c.files = body.Attachments
	c.common, err = body.CommonAnswers()
	return c, err
}

// lastSent returns what was sent last, the consented draft, or nil.
func (r *room) lastSent(l i18n.Lang, v *matter.View) (*sent, error) {
	if n := len(v.Submissions); n > 0 {
		return r.inWords(l, v, &v.Submissions[n-1])
	}
	if v.Status == matter.Draft {
		c := answered{form: v.Form, commonForm: v.Common, own: v.Answers, common: v.Project.Answers} // the consented draft, as the heart lets it be seen
		return &sent{answers: c, Own: r.blocks(l, v, c.form, c.own, c.files), Common: r.blocks(l, v, c.commonForm, c.common, c.files)}, nil
	}
	return nil, nil //nolint:nilnil // a matter that was sent in another way has nothing here
}

func (r *room) inWords(l i18n.Lang, v *matter.View, s *matter.Submission) (*sent, error) {
	c, err := r.open(s)
	if err != nil {
		return nil, err
	}
	out := &sent{
		N: s.N, By: s.Sender(l, v.Names[s.SentBy]), When: i18n.DateTime(l, s.SentAt), Hash: s.Hash, answers: c,
		Own: r.blocks(l, v, c.form, c.own, c.files), Common: r.blocks(l, v, c.commonForm, c.common, c.files),
	}
	for _, f := range c.files {
		out.Files = append(out.Files, r.sealedFile(l, v, c, f))
	}
	return out, nil
}

// sealedFile is an attachment of a submission, with the name of its field.
func (r *room) sealedFile(l i18n.Lang, v *matter.View, c answered, f matter.SealedFile) ui.File {
	form := c.form
	if f.Common {
		form = c.commonForm
	}
	return ui.File{ID: f.ID, Name: f.Name, Size: i18n.Size(l, f.Size), Href: matterPath + v.ID + "/files/" + f.ID, Note: form.Label(f.Field).In(l)}
}

func (r *room) blocks(l i18n.Lang, v *matter.View, f *forms.Form, a forms.Answers, files []matter.SealedFile) []block {
	var all []block
	for _, row := range f.Rows(l, a, r.names(v, files)) {
		if len(all) == 0 || all[len(all)-1].Title != row.Group {
			all = append(all, block{Title: row.Group})
		}
		last := &all[len(all)-1]
		last.Items = append(last.Items, ui.Answer(l, row))
	}
	return all
}

// handled reads the matter of an address for whoever may see what was sent in
// it: to a guest with whom it is not shared, it is not found.
func (r *room) handled(a *site.Ask, who identity.Officer) (*matter.View, error) {
	v, err := r.s.Desk.Handled(a.Context(), who, a.PathValue("id"))
	if err == nil && !seesSent(v) {
		err = errNoSubmission
	}
	return v, err
}

// numbered finds the submission with the address's number.
func numbered(a *site.Ask, v *matter.View) (int, error) {
	n, err := strconv.ParseInt(a.PathValue("n"), 10, 64)
	i := slices.IndexFunc(v.Submissions, func(s matter.Submission) bool { return s.N == n })
	if err != nil || i < 0 {
		return 0, errNoSubmission
	}
	return i, nil
}

// submission shows one submission; ?format=json gives the exact sealed body.
func (r *room) submission(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	v, err := r.handled(a, who)
	if err != nil {
		return err
	}
	i, err := numbered(a, v)
	if err != nil {
		return err
	}
	s := &v.Submissions[i]
	if a.URL.Query().Get("format") == "json" {
		return site.Sealed(w, v.Number, s)
	}
	p := &page{r: r, Lang: a.Lang, Who: who, V: v, Path: matterPath + v.ID}
	if p.Sent, err = r.inWords(a.Lang, v, s); err != nil {
		return err
	}
	return a.Page(w, http.StatusOK, ui.Page{
		Title: a.T("officer.submission_title", s.N), Lead: r.typeName(a.Lang, v.Type) + " · " + p.lead(),
		Back: &ui.Link{Label: r.typeName(a.Lang, v.Type), Href: p.Path},
	}, p.submissionBody())
}

// changed is what differs between two submissions.
type changed struct {
	*page
	N             int64
	Before, After string // when they were sent
	Own, Common   []change
	Added, Gone   []ui.File
}

type change struct{ Label, Old, New string }

// changes shows what a submission changed from the one before.
func (r *room) changes(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	v, err := r.handled(a, who)
	if err != nil {
		return err
	}
	i, err := numbered(a, v)
	if err != nil {
		return err
	}
	if i == 0 {
		return errNoSubmission // the first has nothing before it
	}
	c, err := r.compare(a.Lang, v, &v.Submissions[i-1], &v.Submissions[i])
	if err != nil {
		return err
	}
	c.page = &page{r: r, Lang: a.Lang, Who: who, V: v, Path: matterPath + v.ID}
	return a.Page(w, http.StatusOK, ui.Page{
		Title: a.T("officer.changes_title", c.N), Lead: r.typeName(a.Lang, v.Type) + " · " + c.lead(), Wide: true,
		Back: &ui.Link{Label: r.typeName(a.Lang, v.Type), Href: c.Path},
	}, c.body())
}

func (r *room) compare(l i18n.Lang, v *matter.View, before, after *matter.Submission) (*changed, error) {
	old, err := r.open(before)
	if err != nil {
		return nil, err
	}
	now, err := r.open(after)
	if err != nil {
		return nil, err
	}
	out := &changed{N: after.N, Before: i18n.DateTime(l, before.SentAt), After: i18n.DateTime(l, after.SentAt)}
	names := r.names(v, append(old.files[:len(old.files):len(old.files)], now.files...))
	out.Own = differences(l, now.form, old.own, now.own, names)
	out.Common = differences(l, now.commonForm, old.common, now.common, names)
	for _, f := range now.files {
		if !holds(old.files, f.ID) {
			out.Added = append(out.Added, r.sealedFile(l, v, now, f))
		}
	}
	for _, f := range old.files {
		if !holds(now.files, f.ID) {
			out.Gone = append(out.Gone, r.sealedFile(l, v, old, f))
		}
	}
	return out, nil
}

func holds(files []matter.SealedFile, id string) bool {
	return slices.ContainsFunc(files, func(f matter.SealedFile) bool { return f.ID == id })
}

// differences words the changed fields. Attachments are told apart, with links.
func differences(l i18n.Lang, f *forms.Form, old, now forms.Answers, names forms.Names) []change {
	files := map[string]bool{}
	for _, n := range f.AttachmentFields() {
		files[n.Path] = true
	}
	var all []change
	for _, c := range forms.Diff(f, old, now) {
		if files[withoutNumbers(c.Path)] {
			continue
		}
		all = append(all, change{Label: fullLabel(l, f, c.Path), Old: f.Display(l, c.Path, c.Old, names), New: f.Display(l, c.Path, c.New, names)})
	}
	return all
}

func withoutNumbers(path string) string {
	parts := strings.Split(path, ".")
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { _, err := strconv.Atoi(s); return err == nil }), ".")
}

// fullLabel names a field with the row or the group it stands in: "Melun
// kesto 2: Alkaa".
func fullLabel(l i18n.Lang, f *forms.Form, path string) string {
	parts := strings.Split(path, ".")
	label, at := "", ""
	for i, part := range parts {
		if n, err := strconv.Atoi(part); err == nil && i > 0 {
			label += " " + strconv.Itoa(n+1)
			at += "." + part
			continue
		}
		if at != "" {
			at, label = at+".", label+": "
		}
		at += part
		label += f.Label(at).In(l)
	}
	return label
}
