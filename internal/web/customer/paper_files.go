package customer

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"luvat/internal/attach"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// An upload is a file that came with a form.
type upload struct {
	field, id string
	problem   forms.Problem // why it was not taken
	err       error
}

// fatal is an error that is no fault of the file.
func (u upload) fatal() error { return u.err }

// takeFile takes a whole file that came with the form. Its row is written with
// what the form says.
func (r room) takeFile(a *site.Ask, who asker, p *paper, field, name string, body io.Reader) upload {
	u := upload{field: field}
	n, err := p.newFile(who, field, name)
	if err == nil {
		n.Size, n.Limits = -1, r.Limits
		for _, l := range p.landed {
			n.Beside += l.Size
		}
		var file attach.Landed
		if file, err = r.Files.Land(a.Context(), n, body); err == nil {
			u.id = file.ID
			p.landed = append(p.landed, file)
		}
	}
	if e, ok := errors.AsType[*fail.Error](err); ok && e.Kind != fail.NotFound && e.Kind != fail.Forbidden {
		u.problem = forms.Problem{Path: field, Key: e.Key, Args: e.Args}
		err = nil // the reader skips what is left of the file
	}
	u.err = err
	return u
}

// newFile says what a file of a field is, or why it cannot be one.
func (p *paper) newFile(who asker, field, name string) (attach.New, error) {
	if !p.role.MayWrite() {
		return attach.New{}, fail.New(fail.Forbidden, "project.role_may_not")
	}
	i := slices.IndexFunc(p.form.AttachmentFields(), func(n forms.Node) bool { return n.Path == field })
	if i < 0 {
		return attach.New{}, fail.New(fail.NotFound, "error.not_found")
	}
	node := p.form.AttachmentFields()[i]
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if len(node.Accept) > 0 && !slices.Contains(node.Accept, ext) {
		return attach.New{}, fail.New(fail.Rejected, "customer.file_type", strings.Join(node.Accept, ", "))
	}
	if most := cmp.Or(node.MaxItems, forms.MaxRows); p.filesIn(field) >= most {
		return attach.New{}, fail.New(fail.Rejected, "customer.file_too_many", most)
	}
	return attach.New{Project: p.project, Matter: p.matter, Place: attach.Answer, Field: field, Name: name, UploadedBy: who.ID, Side: "applicant"}, nil
}

// filesIn counts the files of a field: those it has, and those that came with
// this form.
func (p *paper) filesIn(field string) int {
	have, _ := p.answers.At(field)
	list, _ := have.([]any)
	n := len(list)
	for _, l := range p.landed {
		if l.Field == field {
			n++
		}
	}
	return n
}

// keepFile puts a whole upload into the answer of its field.
func (p *paper) keepFile(reload func() (*paper, error), field, id string) error {
	for range 5 {
		answers := maps.Clone(p.answers)
		addID(answers, field, id)
		_, err := p.save(p.version, answers)
		if _, clash := errors.AsType[*matter.ChangedElsewhere](err); !clash {
			return err
		}
		if p, err = reload(); err != nil {
			return err
		}
	}
	return fail.New(fail.Conflict, "matter.busy")
}
