package dossier

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
)

// content is what goes into a package, gathered once for the PDF, the JSON and
// the zip.
type content struct {
	m     *Maker
	v     *matter.View
	lang  i18n.Lang
	made  time.Time
	sent  []submission // the newest first
	forms []*form
	files []*file
}

// submission is what was sent, read.
type submission struct {
	matter.Submission
	body         *matter.Sealed
	form, common *forms.Form
}

// form is a form in the version that was answered.
type form struct {
	matter.FormRef
	form *forms.Form
	path string // its folder in the package
}

// file is an attachment of the package.
type file struct {
	matter.SealedFile
	Path        string
	From        string  // submission, message, request or decision
	Submissions []int64 // in which it was sent
	Subject     string  // the message or request it came with
	found       attach.Attachment
	missing     bool
}

func (m *Maker) content(v *matter.View, lang i18n.Lang) (*content, error) {
	c := &content{m: m, v: v, lang: lang, made: m.Now()}
	for _, s := range slices.Backward(v.Submissions) {
		body, err := s.Parse()
		if err != nil {
			return nil, err
		}
		sub := submission{Submission: s, body: body}
		if sub.form, err = c.formOf(body.Form); err != nil {
			return nil, err
		}
		if sub.common, err = c.formOf(body.CommonForm); err != nil {
			return nil, err
		}
		c.sent = append(c.sent, sub)
	}
	c.gather()
	return c, nil
}

// formOf finds a version of a form and gives it a folder: of several versions
// the newest has the form's own name.
func (c *content) formOf(ref matter.FormRef) (*forms.Form, error) {
	path := "forms/" + safe(ref.ID) + "/"
	for _, f := range c.forms {
		if f.FormRef == ref {
			return f.form, nil
		}
		if f.ID == ref.ID {
			path = "forms/" + safe(ref.ID) + "-" + safe(ref.Version[:min(12, len(ref.Version))]) + "/"
		}
	}
	found, _, err := c.m.Catalogue.Form(ref.ID, ref.Version)
	if err != nil {
		return nil, fmt.Errorf("find form %s as it was answered: %w", ref.ID, err)
	}
	c.forms = append(c.forms, &form{ref, found, path})
	return found, nil
}

// gather lists the files: what was sent, and what came with messages, requests
// and the decision that the reader sees. What was only uploaded is nobody
// else's yet.
func (c *content) gather() {
	known := map[string]attach.Attachment{}
	for _, a := range slices.Concat(c.v.Files, c.v.CommonFiles) {
		known[a.ID] = a
	}
	for _, s := range slices.Backward(c.sent) {
		for _, sealed := range s.body.Attachments {
			if i := slices.IndexFunc(c.files, func(f *file) bool { return f.ID == sealed.ID }); i >= 0 {
				c.files[i].Submissions = append(c.files[i].Submissions, s.N)
				continue
			}
			a := known[sealed.ID]
			c.files = append(c.files, &file{SealedFile: sealed, From: "submission", Submissions: []int64{s.N}, found: a, missing: a.State != attach.Ready})
		}
	}
	for _, a := range c.v.Files {
		from, subject := c.cameWith(a)
		if from == "" || a.State != attach.Ready {
			continue
		}
		c.files = append(c.files, &file{
			From: from, Subject: subject, found: a,
			SealedFile: matter.SealedFile{ID: a.ID, Field: a.Field, Name: a.Name, Size: a.Size, ContentType: a.ContentType, SHA256: a.Hash},
		})
	}
	width := max(2, len(fmt.Sprint(len(c.files))))
	for i, f := range c.files {
		if !f.missing {
			f.Path = fmt.Sprintf("attachments/%0*d-%s", width, i+1, safe(f.Name))
		}
	}
}

// cameWith tells what an attachment was written with.
func (c *content) cameWith(a attach.Attachment) (from, subject string) {
	from, subject, _ = strings.Cut(a.Field, ":")
	switch {
	case a.Place == attach.Answer:
	case from == "message" && slices.ContainsFunc(c.v.Messages, func(m matter.Message) bool { return m.ID == subject }),
		from == "request" && slices.ContainsFunc(c.v.Requests, func(r matter.Request) bool { return r.ID == subject }),
		a.Field == "decision" && c.v.Decision != nil:
		return from, subject
	}
	return "", ""
}

// filesOf returns the paths of the attachments of a message, request or
// decision.
func (c *content) filesOf(from, subject string) []*file {
	var all []*file
	for _, f := range c.files {
		if f.From == from && f.Subject == subject {
			all = append(all, f)
		}
	}
	return all
}

func (c *content) title() string { return c.typeName().In(c.lang) }

func (c *content) typeName() i18n.Text {
	if t := c.m.Catalogue.Type(c.v.Type); t != nil {
		return t.Name
	}
	return same(c.v.Type)
}

func (c *content) authorityName(id string) i18n.Text {
	if a := c.m.Catalogue.Authority(id); a != nil {
		return a.Name
	}
	return same(id)
}

func (c *content) municipalityName(code string) i18n.Text {
	if m := c.m.Catalogue.Municipality(code); m != nil {
		return i18n.Text{FI: m.Name.FI, SV: m.Name.SV, EN: m.Name.In(i18n.EN)}
	}
	return same(code)
}

func (c *content) statusWords(s matter.Status) i18n.Text {
	w := c.m.Catalogue.StatusWords(c.v.Offer, string(s))
	if c.v.Project.Role != "" { // a member of the project reads
		return w.Customer
	}
	return w.Authority
}

func (c *content) outcomeWords(outcome string) i18n.Text {
	w := c.m.Catalogue.OutcomeWords(c.v.Offer, c.v.Kind, outcome)
	if c.v.Project.Role != "" {
		return w.Customer
	}
	return w.Authority
}

func same(s string) i18n.Text { return i18n.Text{FI: s, SV: s, EN: s} }

// names puts in words what answers name by a code.
func (c *content) names(body *matter.Sealed) forms.Names {
	return func(lang i18n.Lang, w forms.Widget, value string) string {
		switch w {
		case forms.WidgetMunicipality:
			return c.municipalityName(value).In(lang)
		case forms.WidgetFiles:
			for _, f := range body.Attachments {
				if f.ID == value {
					return f.Name
				}
			}
		case forms.WidgetMatter:
			for _, r := range c.v.Joint {
				if r.ID == value {
					return r.Number
				}
			}
		}
		return ""
	}
}
