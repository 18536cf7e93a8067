package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/pdf"
)

// fileMark begins an answer that is a file of content/demo/files, such as
// "file:kartta.png" or, under another name, "file:kartta.png as Melualue.png".
const fileMark = "file:"

// answers reads answers and attaches the files in them; matter is "" for the
// project's common data.
func (s *story) answers(ctx context.Context, who identity.Customer, matter string, raw json.RawMessage) (forms.Answers, error) {
	a, err := forms.ParseAnswers(raw)
	if err != nil {
		return nil, err
	}
	var each []func() error
	for field, v := range a {
		list, _ := v.([]any)
		for i := range list {
			name, ok := list[i].(string)
			if !ok || !strings.HasPrefix(name, fileMark) {
				continue
			}
			n := attach.New{Project: s.id, Matter: matter, Place: attach.Answer, Field: field, UploadedBy: who.ID, Side: "applicant"}
			each = append(each, func() (err error) {
				list[i], err = s.attach(ctx, n, name)
				return err
			})
		}
	}
	return a, together(each...)
}

// attachAll attaches files that a message or a decision will name.
func (s *story) attachAll(ctx context.Context, by, side, matter string, place attach.Place, names []string) (ids []string, err error) {
	for _, name := range names {
		id, err := s.attach(ctx, attach.New{Project: s.id, Matter: matter, Place: place, UploadedBy: by, Side: side}, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// attach uploads a file, unless a start that broke off did it already.
func (s *story) attach(ctx context.Context, n attach.New, mark string) (string, error) {
	source, name, ok := strings.Cut(strings.TrimPrefix(mark, fileMark), " as ")
	if !ok {
		name = source
	}
	n.Name = name
	var there []attach.Attachment
	err := s.demo.db.View(ctx, func(tx *db.Tx) (err error) {
		if n.Matter == "" {
			there, err = attach.OfProject(ctx, tx, n.Project)
		} else {
			there, err = attach.OfMatter(ctx, tx, n.Matter, n.Place)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	for _, a := range there {
		if a.Name == name && a.Field == n.Field && a.State == attach.Ready {
			return a.ID, nil
		}
	}
	body, err := s.file(source)
	if err != nil {
		return "", err
	}
	n.Size = int64(len(body))
	a, err := s.demo.files.Put(ctx, n, bytes.NewReader(body))
	return a.ID, err
}

// file returns a file of content/demo/files. A PDF that is not there is made
// of the text of the same name.
func (s *story) file(name string) ([]byte, error) {
	body, err := content.FS.ReadFile("demo/files/" + name)
	if path.Ext(name) != ".pdf" || !errors.Is(err, fs.ErrNotExist) {
		return body, err
	}
	if body, err = content.FS.ReadFile("demo/files/" + strings.TrimSuffix(name, ".pdf") + ".txt"); err != nil {
		return nil, err
	}
	text, err := s.fill(string(body))
	if err != nil {
		return nil, err
	}
	lang := string(i18n.FI)
	if strings.HasSuffix(name, "-sv.pdf") {
		lang = string(i18n.SV)
	}
	var b bytes.Buffer
	_, err = paper(text, pdf.Meta{Lang: lang, Created: s.demo.at}).WriteTo(&b)
	return b.Bytes(), err
}

// paper lays out a plain text: the first line is the title, "## " begins a
// heading, "- " an item, "a: b" lines after a line "::" are fields, and empty
// lines part the paragraphs.
func paper(text string, meta pdf.Meta) *pdf.Doc {
	title, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	meta.Title = title
	doc := pdf.New(meta)
	doc.Heading(1, title)
	for block := range strings.SplitSeq(strings.TrimSpace(rest), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		switch {
		case strings.HasPrefix(lines[0], "## "):
			doc.Heading(2, strings.TrimPrefix(lines[0], "## "))
			if len(lines) > 1 {
				doc.Paragraph(strings.Join(lines[1:], "\n"))
			}
		case lines[0] == "::":
			var fields []pdf.Field
			for _, l := range lines[1:] {
				label, value, _ := strings.Cut(l, ": ")
				fields = append(fields, pdf.Field{Label: label, Value: value})
			}
			doc.Fields(fields)
		case strings.HasPrefix(lines[0], "- "):
			for i := range lines {
				lines[i] = strings.TrimPrefix(lines[i], "- ")
			}
			doc.List(lines)
		default:
			doc.Paragraph(strings.Join(lines, "\n"))
		}
	}
	return doc
}
