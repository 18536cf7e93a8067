package customer

import (
	"bytes"
	"mime"
	"net/http"
	"strconv"

	"luvat/internal/attach"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// receiptPage tells what was sent, exactly, and how anybody can check it.
type receiptPage struct {
	say
	Facts    []ui.Item
	Hash     string
	File     string
	Download string
	PDF      string
	Own      []answered
	Common   []answered
	Files    []ui.File
	Back     string
}

// answered is a group of the form with its answers; what stands in no group has
// no title.
type answered struct {
	Title string
	Items []ui.Item
}

func (r room) receipt(w http.ResponseWriter, a *site.Ask, who asker) error {
	id := a.PathValue("id")
	n, err := strconv.ParseInt(a.PathValue("n"), 10, 64)
	if err != nil {
		return fail.New(fail.NotFound, "error.not_found")
	}
	sub, err := r.Desk.Receipt(a.Context(), who, id, n)
	if err != nil {
		return err
	}
	v, err := r.Desk.Matter(a.Context(), who, id)
	if err != nil {
		return err
	}
	switch a.URL.Query().Get("format") {
	case "json":
		return site.Sealed(w, v.Number, &sub)
	case "pdf":
		return r.receiptPDF(w, a, &sub, v)
	}
	page, err := r.receiptPage(say{a.Lang}, &sub, v)
	if err != nil {
		return err
	}
	page.File, page.Download, page.Back = site.SealedName(v.Number, n), a.URL.Path+"?format=json", matterPath(id)
	page.PDF = a.URL.Path + "?format=pdf"
	return a.Page(w, http.StatusOK, ui.Page{
		Title: a.T("customer.receipt_title"), Lead: r.typeName(a.Lang, v.Type) + " · " + page.submission(n),
		Back: &ui.Link{Label: r.typeName(a.Lang, v.Type), Href: matterPath(id)},
	}, receiptBody(*page))
}

// receiptPDF answers with the receipt as a document in the reader's language.
func (r room) receiptPDF(w http.ResponseWriter, a *site.Ask, sub *matter.Submission, v *matter.View) error {
	var doc bytes.Buffer
	if err := r.dossiers.Receipt(&doc, v, sub, a.Lang); err != nil {
		return err
	}
	name := a.T("customer.receipt") + "-" + v.Number + "-" + strconv.FormatInt(sub.N, 10) + ".pdf"
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "private, no-store")
	_, _ = w.Write(doc.Bytes()) // the browser may have gone
	return nil
}

func (r room) receiptPage(s say, sub *matter.Submission, v *matter.View) (*receiptPage, error) {
	sealed, err := sub.Parse()
	if err != nil {
		return nil, err
	}
	page := &receiptPage{say: s, Hash: sub.Hash}
	page.Facts = []ui.Item{
		{Label: s.T("customer.number"), Value: v.Number},
		{Label: s.T("customer.authority"), Value: r.authorityName(s.Lang, v.Authority)},
		{Label: s.T("customer.project"), Value: v.Project.Name + " (" + v.Project.Number + ")"},
		{Label: s.T("customer.sent_at"), Value: i18n.DateTime(s.Lang, sub.SentAt)},
		{Label: s.T("customer.sent_by"), Value: sub.Sender(s.Lang, v.Names[sub.SentBy])},
	}
	names := r.sealedNames(sealed, v)
	if page.Own, err = r.sealedRows(s, sealed.Form, sealed.MatterAnswers, names); err != nil {
		return nil, err
	}
	if page.Common, err = r.sealedRows(s, sealed.CommonForm, sealed.CommonAnswers, names); err != nil {
		return nil, err
	}
	for _, f := range sealed.Attachments {
		page.Files = append(page.Files, ui.File{ID: f.ID, Name: f.Name, Size: i18n.Size(s.Lang, f.Size), Href: "/files/" + f.ID, Note: "SHA-256 " + f.SHA256})
	}
	return page, nil
}

// sealedNames names files as they were called when sent.
func (r room) sealedNames(sealed *matter.Sealed, v *matter.View) forms.Names {
	var files []attach.Attachment
	for _, f := range sealed.Attachments {
		files = append(files, attach.Attachment{ID: f.ID, Name: f.Name, Size: f.Size})
	}
	return r.names(files, v.Joint)
}

// sealedRows puts sealed answers in words, by the version of the form that
// they were given to.
func (r room) sealedRows(s say, ref matter.FormRef, answers func() (forms.Answers, error), names forms.Names) ([]answered, error) {
	form, _, err := r.Catalogue.Form(ref.ID, ref.Version)
	if err != nil {
		return nil, err
	}
	given, err := answers()
	if err != nil {
		return nil, err
	}
	return inGroups(s.Lang, form.Rows(s.Lang, given, names)), nil
}

// inGroups puts answers under the titles of the groups they stand in.
func inGroups(l i18n.Lang, rows []forms.DisplayRow) (all []answered) {
	for _, row := range rows {
		if len(all) == 0 || all[len(all)-1].Title != row.Group {
			all = append(all, answered{Title: row.Group})
		}
		last := &all[len(all)-1]
		last.Items = append(last.Items, ui.Answer(l, row))
	}
	return all
}
