package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/beevik/etree"
	validator "github.com/mattermost/xml-roundtrip-validator"
)

// A gate says how much XML may be, and what must not be in it at all.
type gate struct {
	bytes    int
	elements int
	comments bool // whether comments may stand in it; what a signature covers has none either way
}

var (
	// goxmldsig and gosaml2 look at no more than a thousand elements, of which
	// a response and its assertion are two halves.
	messageGate  = gate{bytes: 256 << 10, elements: 400}
	metadataGate = gate{bytes: 64 << 20, elements: 2_000_000, comments: true}
)

const depthLimit = 40

// open reads XML that came from outside. What could be read in two ways, or
// could make the reader do work out of all proportion, is refused before a tree
// is made of it: see scan.
func (g gate) open(raw []byte) (*etree.Element, error) {
	if err := g.scan(raw); err != nil {
		return nil, err
	}
	if err := validator.Validate(bytes.NewReader(raw)); err != nil {
		return nil, unstable
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{PreserveDuplicateAttrs: true, MaxDepth: depthLimit + 1}
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		return nil, notXML
	}
	return doc.Root(), nil
}

// scan goes through the tokens: one root, no directive (so no DOCTYPE and no
// entities of its own), no processing instruction, no comment in a message, no
// attribute and no ID twice, no undeclared prefix, no encoding but UTF-8.
func (g gate) scan(raw []byte) error {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return noMessage
	case len(raw) > g.bytes:
		return tooLarge
	}
	s := scanner{gate: g, ids: map[string]bool{}}
	d := xml.NewDecoder(bytes.NewReader(raw))
	for first := true; ; first = false {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return notXML
		}
		if err := s.take(token, first); err != nil {
			return err
		}
	}
	if s.roots != 1 {
		return notXML
	}
	return nil
}

type scanner struct {
	gate
	depth, count, roots int
	ids                 map[string]bool
}

func (s *scanner) take(token xml.Token, first bool) error {
	switch t := token.(type) {
	case xml.Directive:
		return doctype
	case xml.ProcInst:
		if !first || t.Target != "xml" {
			return instruction
		}
	case xml.Comment:
		if !s.comments {
			return comment
		}
	case xml.CharData:
		if s.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return notXML
		}
	case xml.EndElement:
		s.depth--
	case xml.StartElement:
		return s.start(t)
	}
	return nil
}

func (s *scanner) start(t xml.StartElement) error {
	if s.depth == 0 {
		s.roots++
	}
	s.depth++
	s.count++
	if s.depth > depthLimit || s.count > s.elements {
		return tooDeep
	}
	if foreign(t.Name) {
		return undeclared
	}
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return attributeTwice
			}
		}
		if a.Name.Space != "xmlns" && foreign(a.Name) {
			return undeclared
		}
		if strings.EqualFold(a.Name.Local, "id") {
			if s.ids[a.Value] {
				return idTwice
			}
			s.ids[a.Value] = true
		}
	}
	return nil
}

// foreign tells whether the name has a prefix that nobody declared: the decoder
// leaves such a prefix where the namespace would stand, and a prefix has no
// colon, which every namespace has.
func foreign(n xml.Name) bool { return n.Space != "" && !strings.Contains(n.Space, ":") }
