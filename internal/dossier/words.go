package dossier

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/pdf"
)

func (m *Maker) writePDF(w io.Writer, c *content) error {
	d := &paper{content: c}
	d.Doc = pdf.New(pdf.Meta{Title: c.title() + " " + c.v.Number, Lang: string(c.lang), Author: c.authorityName(c.v.Authority).In(c.lang), Created: c.made})
	d.Header(c.v.Number + " · " + c.title())
	d.Footer(d.t("dossier.made", i18n.DateTime(c.lang, c.made)))
	d.Heading(1, c.title())
	d.basics()
	d.decision()
	for _, s := range c.sent {
		if err := d.submission(s); err != nil {
			return fmt.Errorf("write submission %d of matter %s in words: %w", s.N, c.v.ID, err)
		}
	}
	if len(c.sent) == 0 && !c.v.Guest {
		d.Paragraph(d.t("dossier.not_sent"))
	}
	d.requests()
	d.messages()
	d.files()
	d.timeline()
	if _, err := d.WriteTo(w); err != nil {
		return fmt.Errorf("write the PDF of matter %s: %w", c.v.ID, err)
	}
	return nil
}

// paper is the PDF being written.
type paper struct {
	*content
	*pdf.Doc
}

func (d *paper) t(key string, args ...any) string { return i18n.T(d.lang, key, args...) }

// fields adds the labels that have a value: pairs of a key and a value.
func (d *paper) fields(pairs ...string) {
	var all []pdf.Field
	for p := range slices.Chunk(pairs, 2) {
		if p[1] != "" {
			all = append(all, pdf.Field{Label: d.t(p[0]), Value: p[1]})
		}
	}
	d.Fields(all)
}

func (d *paper) basics() {
	v := d.v
	holder := map[matter.Holder]string{
		matter.HeldByApplicant: d.t("holder.applicant"), matter.HeldByAuthority: d.t("holder.authority"),
		matter.HeldByOther: d.t("holder.other_authority") + ": " + d.authorityName(v.Other).In(d.lang), matter.HeldByNobody: "",
	}[v.Holder]
	outcome := ""
	if v.Outcome != "" {
		outcome = d.outcomeWords(v.Outcome).In(d.lang)
	}
	earlier := ""
	if v.Earlier != nil {
		earlier = v.Earlier.Number
	}
	d.fields(
		"dossier.number", v.Number,
		"dossier.identifier", v.Identifier,
		"dossier.project", v.Project.Name+" ("+v.Project.Number+")",
		"dossier.place", d.municipalityName(v.Project.Municipality).In(d.lang),
		"dossier.starts", i18n.DateTime(d.lang, v.Project.StartsAt),
		"dossier.authority", d.authorityName(v.Authority).In(d.lang),
		"dossier.handler", v.HandlerName,
		"dossier.sent", i18n.DateTime(d.lang, v.SentAt),
		"dossier.started", i18n.DateTime(d.lang, v.Started),
		"dossier.status", d.statusWords(v.Status).In(d.lang)+", "+i18n.DateTime(d.lang, v.StatusAt),
		"dossier.outcome", outcome,
		"dossier.holder", holder,
		"dossier.due", i18n.Date(d.lang, v.Due),
		"dossier.follows", earlier,
	)
}

func (d *paper) decision() {
	dec := d.v.Decision
	if dec == nil {
		return
	}
	d.Heading(2, d.t("dossier.decision"))
	outcome := ""
	if dec.Outcome != "" {
		outcome = d.outcomeWords(dec.Outcome).In(d.lang)
	}
	d.fields("dossier.outcome", outcome, "dossier.at", i18n.DateTime(d.lang, dec.At), "dossier.by", d.v.Names[dec.By],
		"dossier.attachments", fileNames(d.filesOf("decision", "")))
	d.Paragraph(dec.Text)
}

func (d *paper) submission(s submission) error {
	title := d.t("dossier.submission", s.N)
	if s.N == 1 {
		title = d.t("dossier.first_submission")
	}
	d.Heading(2, title)
	d.fields("dossier.at", i18n.DateTime(d.lang, s.SentAt), "dossier.by", s.Sender(d.lang, d.v.Names[s.SentBy]), "dossier.receipt", s.Hash)

	return d.answered(s, 3)
}

// answered adds the answers of a submission, in groups with headings of a level.
func (d *paper) answered(s submission, level int) error {
	common, err := s.body.CommonAnswers()
	if err != nil {
		return err
	}
	own, err := s.body.MatterAnswers()
	if err != nil {
		return err
	}
	names := d.names(s.body)
	d.answers(d.t("dossier.common"), s.common.Rows(d.lang, common, names), level)
	d.answers(d.t("dossier.answers"), s.form.Rows(d.lang, own, names), level)
	return nil
}

// answers adds rows by their groups; what stands in no group goes under other.
func (d *paper) answers(other string, rows []forms.DisplayRow, level int) {
	for len(rows) > 0 {
		group := rows[0].Group
		n := slices.IndexFunc(rows, func(r forms.DisplayRow) bool { return r.Group != group })
		if n < 0 {
			n = len(rows)
		}
		if group == "" {
			group = other
		}
		d.Heading(level, group)
		all := make([]pdf.Field, n)
		for i, r := range rows[:n] {
			all[i] = pdf.Field{Label: r.Label, Value: r.Value}
			if r.Point != nil {
				all[i].Value += "\n" + r.Point.MapURL(d.lang)
			}
		}
		d.Fields(all)
		rows = rows[n:]
	}
}

func (d *paper) requests() {
	if len(d.v.Requests) == 0 {
		return
	}
	d.Heading(2, d.t("dossier.requests"))
	for _, r := range d.v.Requests {
		var asked []string
		for _, path := range r.Fields {
			asked = append(asked, d.label(path))
		}
		d.Heading(3, d.t("dossier.request", r.N))
		d.fields("dossier.at", i18n.DateTime(d.lang, r.AskedAt), "dossier.by", d.v.Names[r.AskedBy], "dossier.due", i18n.Date(d.lang, r.Due),
			"dossier.asked_fields", strings.Join(asked, "\n"), "dossier.answered", i18n.DateTime(d.lang, r.Answered),
			"dossier.attachments", fileNames(d.filesOf("request", r.ID)))
		d.Paragraph(r.Text)
	}
}

// label is what a field that a request names is called.
func (d *paper) label(path string) string {
	own, common := strings.CutPrefix(path, "common:")
	f := d.v.Form
	if common {
		f = d.v.Common
	}
	if f == nil {
		return own
	}
	return f.Label(own).In(d.lang)
}

func (d *paper) messages() {
	if len(d.v.Messages) == 0 {
		return
	}
	d.Heading(2, d.t("dossier.messages"))
	var threads []string
	for _, m := range d.v.Messages {
		if !slices.Contains(threads, m.Thread) {
			threads = append(threads, m.Thread)
		}
	}
	for _, thread := range threads {
		title := d.t("dossier.thread_applicant")
		if id, ok := strings.CutPrefix(thread, "authority:"); ok {
			title = d.t("dossier.thread_authority", d.authorityName(id).In(d.lang))
		}
		d.Heading(3, title)
		var all []pdf.Field
		for _, m := range d.v.Messages {
			if m.Thread != thread {
				continue
			}
			text := m.Text
			if names := fileNames(d.filesOf("message", m.ID)); names != "" {
				text += "\n" + d.t("dossier.attachments") + ": " + strings.ReplaceAll(names, "\n", ", ")
			}
			all = append(all, pdf.Field{Label: d.v.Names[m.Person] + ", " + d.side(m.Side) + "\n" + i18n.DateTime(d.lang, m.At), Value: text})
		}
		d.Fields(all)
	}
}

// side is whose people wrote a message.
func (d *paper) side(side string) string {
	if id, ok := strings.CutPrefix(side, "authority:"); ok {
		return d.authorityName(id).In(d.lang)
	}
	return d.t("dossier.applicant")
}

func fileNames(files []*file) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	return strings.Join(names, "\n")
}

func (d *paper) files() {
	if len(d.content.files) == 0 {
		return
	}
	d.Heading(2, d.t("dossier.attachments"))
	var rows [][]string
	for _, f := range d.content.files {
		name := f.Name
		if f.missing {
			name = d.t("dossier.missing", name)
		}
		rows = append(rows, []string{name, i18n.Size(d.lang, f.Size), f.SHA256})
	}
	d.Table([]string{d.t("dossier.name"), d.t("dossier.size"), "SHA-256"}, rows)
}

func (d *paper) timeline() {
	if len(d.v.Events) == 0 {
		return
	}
	d.Heading(2, d.t("dossier.timeline"))
	var rows [][]string
	for _, e := range d.v.Events {
		rows = append(rows, []string{i18n.DateTime(d.lang, e.At), d.deed(e), d.doer(e)})
	}
	d.Table([]string{d.t("dossier.at"), d.t("dossier.what"), d.t("dossier.by")}, rows)
}

// deed puts a deed in the words that the pages use, with the status and the
// date that came of it, and the other authority that it is about.
func (d *paper) deed(e matter.Event) string {
	text := d.t("deed." + e.Deed)
	if e.Status != "" {
		text += "\n" + d.t("dossier.status") + ": " + d.statusWords(e.Status).In(d.lang)
	}
	if !e.Due.IsZero() {
		text += "\n" + d.t("dossier.due") + ": " + i18n.Date(d.lang, e.Due)
	}
	if e.Authority != "" && e.Side != ledger.OtherAuthority { // that one is named as the doer
		text += "\n" + d.t("dossier.authority") + ": " + d.authorityName(e.Authority).In(d.lang)
	}
	if e.Hash != "" {
		text += "\n" + d.t("dossier.receipt") + ": " + e.Hash
	}
	return text
}

func (d *paper) doer(e matter.Event) string {
	side := map[ledger.Side]string{
		ledger.Applicant: d.t("dossier.applicant"), ledger.Authority: d.authorityName(d.v.Authority).In(d.lang), ledger.Hub: d.t("dossier.hub"),
	}[e.Side]
	if e.Side == ledger.OtherAuthority { // another authority's officer
		side = d.authorityName(e.Authority).In(d.lang)
	}
	if e.Name == "" {
		return side
	}
	return e.Name + ", " + side
}
