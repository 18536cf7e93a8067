// Package dossier makes one package of a matter: all that is known of it, for
// filing, for the authority's own case management and for the archive. Of one
// submission alone it makes the receipt, a tagged PDF.
//
// A package is a zip file:
//
//	asia-<number>.pdf                  the matter in words, a tagged PDF
//	matter.json, matter.schema.json    the matter for machines, and the schema of that
//	forms/<form>/…                     the forms that were answered, exactly as they were
//	attachments/<n>-<name>             the files, exactly as they were given
//	index.json, index.txt              every file with its size and SHA-256
//	SHA256SUMS                         the same for sha256sum -c
//
// A package shows what a View shows and nothing else: who may see what was
// decided when the View was made. Of the answers it has what was sent, never a
// draft.
//
// It is written as a stream. Attachments are never in memory as a whole; the
// rest is, and is small.
package dossier

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/matter"
)

// A Maker makes packages.
type Maker struct {
	Catalogue *catalogue.Catalogue
	Files     *attach.Store
	Now       func() time.Time
}

//go:embed matter.schema.json
var schema []byte

// Schema returns the JSON Schema of a package's matter.json.
func Schema() []byte { return bytes.Clone(schema) }

// Write writes the package of the matter to w, its words in the reader's
// language. After an error the zip that was begun is not whole: it lacks its
// end, and no program opens it as if it were.
func (m *Maker) Write(ctx context.Context, w io.Writer, v *matter.View, lang i18n.Lang) error {
	c, err := m.content(v, lang)
	if err != nil {
		return err
	}
	p := &packer{ctx: ctx, zip: zip.NewWriter(w), at: c.made}
	var doc bytes.Buffer
	if err := m.writePDF(&doc, c); err != nil {
		return err
	}
	p.add("asia-"+safe(v.Number)+".pdf", "dossier.file.pdf", doc.Bytes())
	data, err := marshal(c.document())
	if err != nil {
		return err
	}
	p.add("matter.json", "dossier.file.json", data)
	p.add("matter.schema.json", "dossier.file.schema", schema)
	for _, f := range c.forms {
		schema, ui, words := f.form.Bodies()
		p.add(f.path+"schema.json", "dossier.file.form", schema)
		p.add(f.path+"ui.json", "dossier.file.form", ui)
		p.add(f.path+"words.json", "dossier.file.form", words)
	}
	for _, f := range c.files {
		if !f.missing {
			p.stream(m.Files, f)
		}
	}
	p.index(c)
	if p.err != nil {
		return fmt.Errorf("write the package of matter %s: %w", v.ID, p.err)
	}
	if err := p.zip.Close(); err != nil {
		return fmt.Errorf("write the package of matter %s: %w", v.ID, err)
	}
	return nil
}

// PDF writes the matter in words, as a document that screen readers can read.
func (m *Maker) PDF(w io.Writer, v *matter.View, lang i18n.Lang) error {
	c, err := m.content(v, lang)
	if err != nil {
		return err
	}
	return m.writePDF(w, c)
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return b.Bytes(), nil
}

// A packer writes files into a zip and remembers them for the index. After an
// error it does nothing.
type packer struct {
	ctx   context.Context
	zip   *zip.Writer
	at    time.Time
	files []packed
	err   error
}

// packed is a line of the index.
type packed struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	what   string // the key of the words that say what it is; "" for an attachment
	name   string // what the attachment was called
}

func (p *packer) add(path, what string, body []byte) {
	p.copy(packed{Path: path, what: what}, zip.Deflate, bytes.NewReader(body))
}

// stream adds an attachment, as it is: most are compressed already. It fails
// if the bytes are not those that were sealed.
func (p *packer) stream(files *attach.Store, f *file) {
	if p.err != nil {
		return
	}
	r, err := files.Content(p.ctx, f.found)
	if err != nil {
		p.err = err
		return
	}
	done := p.copy(packed{Path: f.Path, name: f.Name}, zip.Store, r)
	if err := r.Close(); p.err == nil && err != nil {
		p.err = err
	}
	if p.err == nil && done.SHA256 != f.SHA256 {
		p.err = fmt.Errorf("attachment %s is not what it was: its SHA-256 is %s instead of %s", f.ID, done.SHA256, f.SHA256)
	}
}

func (p *packer) copy(f packed, method uint16, r io.Reader) packed {
	if p.err != nil {
		return f
	}
	w, err := p.zip.CreateHeader(&zip.FileHeader{Name: f.Path, Method: method, Modified: p.at})
	if err != nil {
		p.err = err
		return f
	}
	hash := sha256.New()
	f.Size, p.err = io.Copy(io.MultiWriter(w, hash), patient{p.ctx, r})
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	p.files = append(p.files, f)
	return f
}

// patient is a reader that ends with its context.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (r patient) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// index adds the lists of what the package holds. Each list has what was added
// before it.
func (p *packer) index(c *content) {
	type missing struct {
		Name   string `json:"name"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
	}
	gone := []missing{}
	for _, f := range c.files {
		if f.missing {
			gone = append(gone, missing{f.Name, f.Size, f.SHA256})
		}
	}
	text := p.list(c)
	data, err := marshal(struct {
		Format  string    `json:"format"`
		Matter  string    `json:"matter"`
		MadeAt  string    `json:"made_at"`
		Files   []packed  `json:"files"`
		Missing []missing `json:"missing"`
	}{"luvat-package-index-1", c.v.Number, stamp(c.made), p.files, gone})
	if err != nil {
		p.err = errors.Join(p.err, err)
		return
	}
	p.add("index.json", "", data)
	p.add("index.txt", "", []byte(text))
	var sums strings.Builder
	for _, f := range p.files {
		sums.WriteString(f.SHA256 + "  " + f.Path + "\n")
	}
	p.add("SHA256SUMS", "", []byte(sums.String()))
}

// list is the index in words.
func (p *packer) list(c *content) string {
	t := func(key string, args ...any) string { return i18n.T(c.lang, key, args...) }
	var b strings.Builder
	b.WriteString(t("dossier.index.title", c.v.Number, c.title()) + "\n" + t("dossier.made", i18n.DateTime(c.lang, c.made)) + "\n")
	for _, f := range p.files {
		what := f.name
		if f.what != "" {
			what = t(f.what)
		}
		b.WriteString("\n" + f.Path + "\n  " + what + "\n  " + i18n.Size(c.lang, f.Size) + ", SHA-256 " + f.SHA256 + "\n")
	}
	for _, f := range c.files {
		if f.missing {
			b.WriteString("\n" + t("dossier.index.missing", f.Name) + "\n  " + i18n.Size(c.lang, f.Size) + ", SHA-256 " + f.SHA256 + "\n")
		}
	}
	b.WriteString("\n" + t("dossier.index.check") + "\n")
	return b.String()
}
