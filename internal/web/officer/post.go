package officer

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"luvat/internal/attach"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// Bounds of a form that brings files: of its texts together, of its parts, and
// of the whole post.
const (
	maxTexts = 1 << 20
	maxParts = 200
	maxPost  = 4 << 30
)

var (
	errMalformed = fail.New(fail.Invalid, "error.malformed")
	errTooLarge  = fail.New(fail.TooLarge, "error.too_large")
)

// post makes the handler of a deed.
func (r *room) post(d *deed) func(http.ResponseWriter, *site.Ask, identity.Officer) error {
	return func(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
		id := a.PathValue("id")
		in, err := r.input(w, a, who, d)
		if err == nil {
			err = d.do(a.Context(), r.s.Desk, who, id, in)
		}
		if err == nil {
			return a.Say(w, matterPath+id, d.done)
		}
		return r.again(w, a, who, d, in, err)
	}
}

// again shows the page once more with what was typed: where it was refused by
// its content, with the problem at its field; where the matter has moved
// meanwhile, with what has happened. Any other error is the site's to tell.
func (r *room) again(w http.ResponseWriter, a *site.Ask, who identity.Officer, d *deed, in input, cause error) error {
	if full := a.Full(cause); full != nil {
		cause = full
	}
	if in.Values != nil {
		a.PostForm = in.Values // what was typed, should the page not be shown either
	}
	e, ok := errors.AsType[*fail.Error](cause)
	if ok && d.files != "" && e.Field == "" && strings.HasPrefix(e.Key, "attach.") {
		e = &fail.Error{Kind: fail.Rejected, Key: e.Key, Args: e.Args, Field: d.files} // a file that is not ready, or somebody else's
	}
	if !ok || !slices.Contains([]fail.Kind{fail.Rejected, fail.Conflict, fail.TooLarge, fail.Unsupported, fail.Unavailable}, e.Kind) || in.Values == nil {
		return cause
	}
	v, err := r.s.Desk.Handled(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	p, err := r.page(a, who, v)
	if err != nil {
		return err
	}
	p.In, p.Deed = in, d
	text := a.T(e.Key, e.Args...)
	if e.Kind == fail.Conflict {
		p.Moved = &moved{Text: text, Events: p.events(in.seen())}
	} else {
		p.Problem = &problem{Field: e.Field, Text: text}
	}
	if !d.may(v) {
		p.Deed = p.next()
		p.In = input{}
		if p.Moved == nil {
			p.Moved = &moved{Text: text}
		}
		p.Moved.Typed = p.typed(d, in)
	}
	return p.show(w, a, site.Status(e))
}

// typed lists the texts of a deed that cannot be done any more.
func (p *page) typed(d *deed, in input) []ui.Item {
	var all []ui.Item
	for _, t := range d.typed {
		if s := strings.TrimSpace(in.Get(t[0])); s != "" {
			all = append(all, ui.Item{Label: p.t(t[1]), Value: s})
		}
	}
	return all
}

// input reads a posted form. Files are stored as they come, bound to nothing
// until the deed is done; a stranger's are not.
func (r *room) input(w http.ResponseWriter, a *site.Ask, who identity.Officer, d *deed) (input, error) {
	kind, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if d.files == "" || err != nil || kind != "multipart/form-data" {
		if d.files != "" {
			a.Body = http.MaxBytesReader(w, a.Body, maxTexts)
		}
		v, err := a.Form()
		if err == nil {
			err = d.check(v, a.MultipartForm)
		}
		if err != nil {
			if _, not := r.theirs(a, who, d); not != nil {
				err = not
			}
		}
		return input{Values: v, files: v["file_id"]}, err
	}
	v, err := r.theirs(a, who, d)
	if err != nil {
		return input{}, err
	}
	up := upload{r: r, d: d, v: v, who: who, in: input{Values: url.Values{}}}
	err = up.read(a.Context(), multipart.NewReader(http.MaxBytesReader(w, a.Body, maxPost), params["boundary"]))
	up.in.files = append(up.in.files, up.in.Values["file_id"]...)
	if err == nil {
		err = d.check(up.in.Values, nil)
	}
	return up.in, err
}

// theirs finds the matter if it is one to which the officer may do the deed at
// all: a stranger is told nothing of a form.
func (r *room) theirs(a *site.Ask, who identity.Officer, d *deed) (*matter.View, error) {
	v, err := r.s.Desk.Handled(a.Context(), who, a.PathValue("id"))
	if err == nil && (v.Guest != (d.name == "answer") || v.Guest && !v.InThread) {
		err = fail.New(fail.NotFound, "matter.not_found")
	}
	return v, err
}

// check refuses a form that says something the deed does not ask.
func (d *deed) check(v url.Values, m *multipart.Form) error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !d.knows(name) || name == d.files && v.Get(name) != "" { // a file's name, without the file
			return unknown(name)
		}
	}
	if m != nil && len(m.File) > 0 {
		return unknown(slices.Sorted(maps.Keys(m.File))[0])
	}
	return nil
}

// upload is a post with files on its way in.
type upload struct {
	r     *room
	d     *deed
	v     *matter.View
	who   identity.Officer
	in    input
	texts int64
	first error // the first file that was refused: the others and the texts are still read
}

func (u *upload) read(ctx context.Context, parts *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return u.first
		}
		if _, large := errors.AsType[*http.MaxBytesError](err); large || n == maxParts {
			u.in.Values = nil
			return errTooLarge
		}
		if err != nil {
			u.in.Values = nil
			return errMalformed
		}
		if err := u.part(ctx, part); err != nil {
			u.in.Values = nil
			return err
		}
	}
}

func (u *upload) part(ctx context.Context, part *multipart.Part) error {
	name := part.FormName()
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return errMalformed
	}
	file, isFile := params["filename"]
	switch {
	case isFile && file == "":
		return nil // a file input in which nothing was chosen
	case !isFile:
		return u.text(name, part)
	case name != u.d.files:
		return unknown(name)
	case !u.d.may(u.v) || u.first != nil:
		return nil //nolint:nilerr // the deed will not be done: nothing is kept
	}
	return u.file(ctx, file, part)
}

func (u *upload) text(name string, part io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(part, maxTexts-u.texts+1))
	if u.texts += int64(len(b)); u.texts > maxTexts {
		return errTooLarge
	}
	if err != nil || !utf8.Valid(b) || !utf8.ValidString(name) || strings.ContainsRune(string(b), 0) {
		return errMalformed
	}
	u.in.Add(name, string(b))
	return nil
}

func (u *upload) file(ctx context.Context, name string, part io.Reader) error {
	place := attach.Message
	if u.d.name == "finish" {
		place = attach.Decision
	}
	got, err := u.r.s.Files.Put(ctx, attach.New{
		Project: u.v.Project.ID, Matter: u.v.ID, Place: place, Name: name, Size: -1,
		UploadedBy: u.who.ID, Side: "authority:" + u.who.Authority, Limits: u.r.s.Limits,
	}, part)
	if e, told := errors.AsType[*fail.Error](err); told {
		u.first = e.In(u.d.files)
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errMalformed
	}
	if err != nil {
		return err
	}
	u.in.files = append(u.in.files, got.ID)
	return nil
}

// kept lists the files that came with an earlier try of the deed.
func (p *page) kept() []ui.File {
	var all []attach.Attachment
	for _, f := range p.V.Files {
		if f.UploadedBy == p.Who.ID && slices.Contains(p.In.files, f.ID) && !strings.Contains(f.Field, ":") && f.Field != "decision" {
			all = append(all, f)
		}
	}
	return p.files(all)
}

func number(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
