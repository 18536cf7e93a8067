package dossier

import (
	"fmt"
	"io"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/pdf"
)

// Receipt writes what was sent in one submission of the matter, in words, as a
// document that screen readers can read. It shows what the page of the receipt
// shows: the answers, the files and the checksum, and nothing that came later.
func (m *Maker) Receipt(w io.Writer, v *matter.View, sub *matter.Submission, lang i18n.Lang) error {
	one := *v
	one.Submissions = []matter.Submission{*sub}
	c, err := m.content(&one, lang)
	if err != nil {
		return err
	}
	d, s := &paper{content: c}, c.sent[0]
	d.Doc = pdf.New(pdf.Meta{Title: d.t("dossier.receipt_title") + " " + v.Number, Lang: string(lang), Author: d.t("ui.product"), Created: c.made})
	d.Header(v.Number + " · " + c.title())
	d.Footer(d.t("dossier.made", i18n.DateTime(lang, c.made)))
	d.Heading(1, d.t("dossier.receipt_title"))
	d.Paragraph(c.title())
	d.fields(
		"dossier.number", v.Number,
		"dossier.project", v.Project.Name+" ("+v.Project.Number+")",
		"dossier.authority", d.authorityName(v.Authority).In(lang),
		"dossier.at", i18n.DateTime(lang, s.SentAt),
		"dossier.by", s.Sender(lang, v.Names[s.SentBy]),
		"dossier.receipt", s.Hash,
	)
	if err := d.answered(s, 2); err != nil {
		return fmt.Errorf("write submission %d of matter %s in words: %w", s.N, v.ID, err)
	}
	if len(s.body.Attachments) > 0 {
		d.Heading(2, d.t("dossier.attachments"))
		var rows [][]string
		for _, f := range s.body.Attachments {
			rows = append(rows, []string{f.Name, i18n.Size(lang, f.Size), f.SHA256})
		}
		d.Table([]string{d.t("dossier.name"), d.t("dossier.size"), "SHA-256"}, rows)
	}
	d.Heading(2, d.t("dossier.receipt_check"))
	d.Paragraph(d.t("dossier.receipt_check_text"))
	if _, err := d.WriteTo(w); err != nil {
		return fmt.Errorf("write the receipt of matter %s: %w", v.ID, err)
	}
	return nil
}
