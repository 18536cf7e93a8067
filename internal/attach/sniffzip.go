package attach

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

// ending is the record at the end of a zip.
type ending struct {
	at           int64 // from the beginning of the tail
	size, offset int64 // of the list of what is in it
	entries      int
}

// zipEnd finds the end of a zip whose comment fills the file exactly, as
// careful readers demand.
func zipEnd(tail []byte) (found ending, ok bool) {
	for at := 0; ; at++ {
		next := bytes.Index(tail[at:], []byte("PK\x05\x06"))
		if next < 0 || at+next > len(tail)-22 {
			return found, ok
		}
		at += next
		e := tail[at:]
		if int(binary.LittleEndian.Uint16(e[20:])) == len(e)-22 {
			found, ok = ending{
				at:      int64(at),
				entries: int(binary.LittleEndian.Uint16(e[10:])),
				size:    int64(binary.LittleEndian.Uint32(e[12:])),
				offset:  int64(binary.LittleEndian.Uint32(e[16:])),
			}, true
		}
	}
}

// maxListed bounds how much of a zip's list is read: documents have dozens of
// parts, an archive may have millions.
const maxListed = 1 << 20

// sniffZip tells the documents that are zips by their parts. The list is read
// by hand, because archive/zip keeps all of it in memory.
func sniffZip(f io.ReaderAt, size int64, head, tail []byte) (string, error) {
	end, ok := zipEnd(tail)
	if !ok {
		return octets, nil // cut, or something else besides
	}
	if end.offset == 0xffffffff || end.entries == 0xffff {
		return "application/zip", nil // zip64: its list is elsewhere, and no office writes it
	}
	if end.offset+end.size != max(0, size-tailSize)+end.at {
		return octets, nil // bytes that the list does not know of
	}
	if kind, ok := openDocument(head); ok {
		return kind, nil
	}
	parts, err := zipNames(f, end)
	if err != nil {
		return "", err
	}
	return zipKind(parts), nil
}

// openDocument reads the first part of an ODF file, which says what it is.
func openDocument(head []byte) (string, bool) {
	if len(head) < 38 || string(head[30:38]) != "mimetype" ||
		binary.LittleEndian.Uint16(head[26:]) != 8 || binary.LittleEndian.Uint16(head[8:]) != 0 {
		return "", false
	}
	at := 38 + int(binary.LittleEndian.Uint16(head[28:]))
	n := int(binary.LittleEndian.Uint32(head[22:]))
	if n > 128 || at+n > len(head) {
		return "", false
	}
	switch kind := string(head[at : at+n]); kind {
	case odt, ods, odp, odg:
		return kind, true
	}
	return "", false
}

// zipNames lists the parts of a zip, at most as many as fit in maxListed.
func zipNames(f io.ReaderAt, end ending) (map[string]bool, error) {
	list, err := readAt(f, end.offset, min(end.size, maxListed))
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for len(list) >= 46 && bytes.HasPrefix(list, []byte("PK\x01\x02")) {
		name := int(binary.LittleEndian.Uint16(list[28:]))
		next := 46 + name + int(binary.LittleEndian.Uint16(list[30:])) + int(binary.LittleEndian.Uint16(list[32:]))
		if next > len(list) {
			break
		}
		names[string(list[46:46+name])] = true
		list = list[next:]
	}
	return names, nil
}

func zipKind(parts map[string]bool) string {
	if !parts["[Content_Types].xml"] {
		if parts["doc.kml"] {
			return "application/vnd.google-earth.kmz"
		}
		return "application/zip"
	}
	for _, k := range []struct{ part, macros, kind, with string }{
		{"word/document.xml", "word/vbaProject.bin", docx, "application/vnd.ms-word.document.macroenabled.12"},
		{"xl/workbook.xml", "xl/vbaProject.bin", xlsx, "application/vnd.ms-excel.sheet.macroenabled.12"},
		{"ppt/presentation.xml", "ppt/vbaProject.bin", pptx, "application/vnd.ms-powerpoint.presentation.macroenabled.12"},
	} {
		switch {
		case parts[k.part] && parts[k.macros]:
			return k.with
		case parts[k.part]:
			return k.kind
		}
	}
	for name := range parts {
		if strings.HasPrefix(name, "word/document") { // other tools number it: word/document2.xml
			return docx
		}
	}
	return "application/zip"
}
