// Package forms reads, draws and checks forms that are data.
//
// A form is three bodies: a JSON Schema 2020-12 (what an answer may be), a JSON
// Forms UI schema (the order, the groups and what is shown when), and words in
// Finnish, Swedish and English. [Parse] reads them together and tells every
// mistake at once, so that a form which parses can be filled.
//
// The way of an answer through the package:
//
//	page → url.Values → Read → Answers → CheckDraft → saved as Marshal wrote it
//	Answers → Fields → page                (what to draw, already decided)
//	Answers → Prune → Check → sent         (what nobody sees is not sent)
//	Answers → Rows → officer's page, PDF   (in words)
//
// Visibility. A rule of the UI schema looks at one field. A field that is not
// answered, or is itself hidden, meets no condition: SHOW keeps hidden, HIDE
// keeps shown. What a hidden field holds stays in a draft, so that an answer
// comes back when the person changes their mind, but it is neither checked nor
// sent.
//
// Names on pages. An answer's name is its path: "a", "group.b", "rows.0.name".
//
//   - Several values (choices, files, municipalities, lists) repeat the name.
//   - A boolean is "true" or "false"; the last value that is not empty counts,
//     so a checkbox may stand after a hidden input of the same name that says
//     "false" (unticked means no) or "" (unticked means not answered). Inside
//     repeating rows use "", or every blank row will hold an answer.
//   - A date with a time is one value "2026-07-01T18:00", or two: name.date
//     and name.time.
//   - The lat and lon of an object are one value, written as people copy it from
//     a map: name.coordinates. They are read each by its own name too.
//   - An empty hidden input of a field's name says that the field was on the
//     page; [Form.ReadOver] keeps the earlier answers of fields that were not.
//   - Names that begin with "_" belong to the page, not to the form.
//
// The package does no I/O and writes no HTML. A Form does not change after
// Parse and may be used by many goroutines at once.
package forms

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"luvat/internal/i18n"
)

// A Form is a form that has been read and found sound. Get one from [Parse].
type Form struct {
	id      string
	bodies  [3][]byte // schema, layout, words: exactly as read
	schema  *jsonschema.Schema
	fields  []*field          // the top level, in the order of the schema
	ordered []*field          // the top level, in the order of the layout
	byPath  map[string]*field // by path without row numbers
	byTerm  map[string]string // data dictionary term → path
	layout  []*element

	common, commonRequired []string

	judged judged
}

// ID returns the form's id, such as "police-public-event".
func (f *Form) ID() string { return f.id }

// Bodies returns the schema, the layout and the words exactly as they were
// given to [Parse]: what is kept with a draft that began with this version.
func (f *Form) Bodies() (schema, ui, words []byte) {
	return slices.Clone(f.bodies[0]), slices.Clone(f.bodies[1]), slices.Clone(f.bodies[2])
}

// Hash returns the version of the form: SHA-256, in hexadecimal, over its three
// bodies, each preceded by its length in eight bytes, most significant first.
func (f *Form) Hash() string {
	h := sha256.New()
	for _, body := range f.bodies {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(body)))
		h.Write(length[:])
		h.Write(body)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Common returns the data dictionary terms that the authority needs from the
// project's common form, and those of them that must be filled before sending.
func (f *Form) Common() (terms, required []string) {
	return slices.Clone(f.common), slices.Clone(f.commonRequired)
}

// Terms returns where this form holds the data dictionary terms that it owns:
// term → path. Only common forms own terms.
func (f *Form) Terms() map[string]string {
	terms := make(map[string]string, len(f.byTerm))
	for term, path := range f.byTerm {
		terms[term] = path
	}
	return terms
}

// Label returns the label of the field at a path, with or without row numbers,
// or the path itself where there is no such field.
func (f *Form) Label(path string) i18n.Text {
	if fd := f.find(path); fd != nil {
		return fd.label
	}
	return i18n.Text{FI: path, SV: path, EN: path}
}

// LongLabel returns the label of the field at a path after the labels of what
// it stands in, for where it is read without them: "Meeting point – Name".
func (f *Form) LongLabel(path string) i18n.Text {
	var long i18n.Text
	known := ""
	for part := range strings.SplitSeq(path, ".") {
		known = join(known, part)
		label, between := f.Label(known), " – "
		if n, err := strconv.Atoi(part); err == nil && isIndex(part) {
			nth := func(l i18n.Lang) string { return i18n.T(l, "ui.row_nth", long.In(l), n+1) }
			long = i18n.Text{FI: nth(i18n.FI), SV: nth(i18n.SV), EN: nth(i18n.EN)}
			continue
		}
		if long == (i18n.Text{}) {
			between = ""
		}
		long = i18n.Text{FI: long.FI + between + label.FI, SV: long.SV + between + label.SV, EN: long.EN + between + label.EN}
	}
	return long
}
