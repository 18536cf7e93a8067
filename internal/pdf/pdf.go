// Package pdf writes documents that everyone can read: tagged PDF that a
// screen reader reads in order and with its headings, lists and tables, and
// that an archive can keep.
//
// A document is built of blocks from top to bottom and then written:
//
//	doc := pdf.New(pdf.Meta{Title: "Ilmoitus", Lang: "fi", Created: now})
//	doc.Heading(1, "Yleisötilaisuus")
//	doc.Fields([]pdf.Field{{Label: "Paikka", Value: "Kauppatori"}})
//	_, err := doc.WriteTo(w)
//
// The files are made to satisfy PDF/UA-1 (ISO 14289-1) and PDF/A-2a (ISO
// 19005-2), and say so in their metadata. The same document gives the same
// bytes: no clock, no chance.
//
// Text is laid out left to right in two weights of one typeface that covers
// the Latin, Greek and Cyrillic scripts, with the letters of the three Sámi
// languages spoken in Finland. What it cannot draw is shown as a box and read
// as U+FFFD; nothing makes it fail but the writer it writes to.
//
// How the parts follow each other: blocks (blocks.go) break their text into
// lines (text.go, font.go) and place them on pages, leaving a structure
// element for each (layout.go); then all of it becomes objects of a file
// (file.go, metadata.go).
package pdf

import (
	"io"
	"regexp"
	"time"
)

// Meta is what a document says about itself.
type Meta struct {
	Title   string    // shown in the window's title; if empty, the first heading
	Lang    string    // "fi", "sv" or "en"; if empty or malformed, "fi"
	Author  string    // may be empty
	Created time.Time // may be zero: then the document has no date
}

// A Field is a label and its value, such as a question and what was answered.
type Field struct {
	Label string
	Value string
}

// A Doc is a document being written. Its methods add to its end.
//
// In all texts a line feed starts a new line, and runs of spaces are one.
// A Doc is for one goroutine.
type Doc struct {
	meta           Meta
	header, footer string
	blocks         []block
	level          int // of the heading before
}

var langTag = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)

// New starts an empty document.
func New(meta Meta) *Doc {
	meta.Title, meta.Author = cleanLine(meta.Title), cleanLine(meta.Author)
	if !langTag.MatchString(meta.Lang) {
		meta.Lang = "fi"
	}
	return &Doc{meta: meta}
}

// Header sets the text at the top of every page. Screen readers pass over it.
func (d *Doc) Header(text string) { d.header = cleanLine(text) }

// Footer sets the text at the bottom of every page, left of the page number.
// Screen readers pass over it.
func (d *Doc) Footer(text string) { d.footer = cleanLine(text) }

// Heading adds a heading of level 1, 2 or 3, which stays on the page of what
// follows it.
//
// A document begins with level 1 and goes down one level at a time, or
// listeners get lost: a heading that would skip a level is raised.
func (d *Doc) Heading(level int, text string) {
	if text = cleanLine(text); text == "" {
		return
	}
	d.level = max(1, min(level, d.level+1, 3))
	if d.meta.Title == "" {
		d.meta.Title = text
	}
	d.add(&heading{d.level, text})
}

// Paragraph adds text. An empty line in it starts a new paragraph.
func (d *Doc) Paragraph(text string) {
	for _, p := range paragraphs(clean(text)) {
		d.add(&paragraph{p})
	}
}

// Fields adds labels and values in two columns.
//
// They are tagged as a list of terms and their texts, not as a table: a screen
// reader then says "label, value" and the number of fields, without the rows
// and columns of a table that has nothing to compare.
func (d *Doc) Fields(fields []Field) {
	if len(fields) == 0 {
		return
	}
	cleaned := make([]Field, len(fields))
	for i, f := range fields {
		cleaned[i] = Field{clean(f.Label), clean(f.Value)}
	}
	d.add(&fieldList{cleaned})
}

// Table adds a table. Its headers are repeated on every page it reaches, and
// columns are as wide as their texts ask for. Rows may be shorter or longer
// than the headers: the table is filled up with empty cells.
//
// Without headers, the first cell of each row is the header of its row.
func (d *Doc) Table(headers []string, rows [][]string) {
	if len(headers) == 0 && len(rows) == 0 {
		return
	}
	columns := len(headers)
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	if columns == 0 {
		return
	}
	fill := func(row []string) []string {
		out := make([]string, columns)
		for i, text := range row {
			out[i] = clean(text)
		}
		return out
	}
	t := &table{columns: columns}
	if len(headers) > 0 {
		t.headers = fill(headers)
	}
	for _, row := range rows {
		t.rows = append(t.rows, fill(row))
	}
	d.add(t)
}

// List adds a bulleted list.
func (d *Doc) List(items []string) {
	if len(items) == 0 {
		return
	}
	cleaned := make([]string, len(items))
	for i, item := range items {
		cleaned[i] = clean(item)
	}
	d.add(&list{cleaned})
}

func (d *Doc) add(b block) { d.blocks = append(d.blocks, b) }

// WriteTo writes the document to w. It may be called again, and after adding
// more.
func (d *Doc) WriteTo(w io.Writer) (int64, error) {
	l := newLayout()
	for i, b := range d.blocks {
		l.keep(d.blocks[i:])
		b.place(l)
	}
	l.running(d.header, d.footer)
	data, err := file(d.meta, l)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(data)
	return int64(n), err
}
