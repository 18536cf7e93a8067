package attach

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	octets = "application/octet-stream"

	docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	odt  = "application/vnd.oasis.opendocument.text"
	ods  = "application/vnd.oasis.opendocument.spreadsheet"
	odp  = "application/vnd.oasis.opendocument.presentation"
	odg  = "application/vnd.oasis.opendocument.graphics"
)

const (
	headSize = 16 << 10
	tailSize = 22 + 1<<16 // the end of a zip with the longest comment
)

// sniff tells a file's type by its bytes; its name is never asked. Memory does
// not grow with the file. A file that is two things at once (a picture that is
// also a page, a PDF that is also a zip) is plain bytes: whoever opens it should
// have to say what it is.
func sniff(f io.ReaderAt, size int64) (string, error) {
	head, err := readAt(f, 0, min(size, headSize))
	if err != nil {
		return "", err
	}
	tail, err := readAt(f, max(0, size-tailSize), min(size, tailSize))
	if err != nil {
		return "", err
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return sniffZip(f, size, head, tail)
	}
	kind, err := sniffHead(f, size, head)
	if err != nil || isText(kind) {
		return kind, err
	}
	if _, zip := zipEnd(tail); zip || holdsPage(head) {
		return octets, nil
	}
	return kind, nil
}

func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml")
}

// readAt reads n bytes that the file must have.
func readAt(f io.ReaderAt, at, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// holdsPage tells whether browsers of old would take the bytes for a page.
func holdsPage(head []byte) bool {
	low := bytes.Clone(head[:min(len(head), 1024)])
	for i, c := range low { // of letters without accents: the rest may be no text at all
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	for _, tag := range []string{"<html", "<!doctype html", "<script", "<svg", "<body", "<iframe"} {
		if bytes.Contains(low, []byte(tag)) {
			return true
		}
	}
	return false
}

func sniffHead(f io.ReaderAt, size int64, head []byte) (string, error) {
	is := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case is("II*\x00"), is("MM\x00*"), is("II+\x00"), is("MM\x00+"):
		return "image/tiff", nil
	case is("SQLite format 3\x00"):
		return sniffSQLite(head), nil
	case is("AC10") && len(head) > 8 && digit(head[4]) && digit(head[5]) && head[6] == 0 && head[7] == 0:
		return "image/vnd.dwg", nil
	case is("AutoCAD Binary DXF\r\n\x1a\x00"):
		return "image/vnd.dxf", nil
	case is("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
		return sniffOLE(f, size, head)
	case is("7z\xbc\xaf\x27\x1c"):
		return "application/x-7z-compressed", nil
	case is(`{\rtf`):
		return "application/rtf", nil
	case len(head) > 12 && string(head[4:8]) == "ftyp":
		if kind := sniffBrand(head); kind != "" {
			return kind, nil
		}
	}
	kind := http.DetectContentType(head)
	switch {
	case kind == "application/x-gzip":
		return "application/gzip", nil
	case strings.HasPrefix(kind, "text/"):
		return sniffText(head, size, kind), nil
	}
	return kind, nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func sniffSQLite(head []byte) string {
	if len(head) >= 72 {
		switch string(head[68:72]) {
		case "GPKG", "GP10", "GP11":
			return "application/geopackage+sqlite3"
		}
	}
	return "application/vnd.sqlite3"
}

// sniffBrand reads the brands of the ISO base media formats that are pictures.
func sniffBrand(head []byte) string {
	end := min(int(binary.BigEndian.Uint32(head)), len(head), 256)
	brands := []string{string(head[8:12])}
	for at := 16; at+4 <= end; at += 4 {
		brands = append(brands, string(head[at:at+4]))
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(brands, func(b string) bool { return slices.Contains(names, b) })
	}
	switch {
	case has("avif", "avis"):
		return "image/avif"
	case has("heic", "heix", "heim", "heis", "hevc", "hevx"):
		return "image/heic"
	case has("mif1", "msf1"):
		return "image/heif"
	}
	return ""
}

// sniffOLE looks into the first folder of what Office wrote before 2007.
func sniffOLE(f io.ReaderAt, size int64, head []byte) (string, error) {
	const unknown = "application/x-ole-storage"
	if len(head) < 512 {
		return unknown, nil
	}
	sector := int64(1) << min(binary.LittleEndian.Uint16(head[30:]), 12)
	at := (int64(binary.LittleEndian.Uint32(head[48:])) + 1) * sector
	if at >= size {
		return unknown, nil
	}
	folder, err := readAt(f, at, min(4096, size-at))
	if err != nil {
		return "", err
	}
	for _, k := range []struct{ entry, kind string }{
		{"WordDocument", "application/msword"},
		{"Workbook", "application/vnd.ms-excel"},
		{"PowerPoint Document", "application/vnd.ms-powerpoint"},
		{"__substg1.0_", "application/vnd.ms-outlook"},
	} {
		var wide []byte
		for _, c := range utf16.Encode([]rune(k.entry)) {
			wide = binary.LittleEndian.AppendUint16(wide, c)
		}
		if bytes.Contains(folder, wide) {
			return k.kind, nil
		}
	}
	return unknown, nil
}

// sniffText tells apart what http.DetectContentType calls text.
func sniffText(head []byte, size int64, kind string) string {
	whole := size <= int64(len(head))
	utf8ok := utf8.Valid(head) || !whole && utf8.Valid(cutRune(head))
	if strings.Contains(kind, "utf-16") {
		return kind
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n\f")
	low := bytes.ToLower(text)
	charset := "; charset=utf-8"
	if !utf8ok {
		charset = ""
	}
	switch {
	case bytes.HasPrefix(low, []byte("<")) && bytes.Contains(low, []byte("<svg")):
		return "image/svg+xml"
	case kind == "text/html; charset=utf-8", holdsPage(text):
		return "text/html; charset=utf-8"
	case bytes.HasPrefix(low, []byte("<?xml")):
		return "application/xml"
	case isDXF(text):
		return "image/vnd.dxf"
	case bytes.HasPrefix(text, []byte("%PDF-")) || bytes.Contains(text[:min(len(text), 1024)], []byte("%PDF-")):
		return octets // some readers would open it as a PDF, others not
	case isJSON(text, whole):
		if isGeoJSON(text) {
			return "application/geo+json"
		}
		return "application/json"
	case isCSV(text, whole):
		return "text/csv" + charset
	}
	return "text/plain" + charset
}

// cutRune drops a character that the end of the head may have cut in two.
func cutRune(b []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(b)); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			return b[:len(b)-i]
		}
	}
	return b
}

// isDXF reads the first pair that is no comment (999): 0, SECTION.
func isDXF(text []byte) bool {
	lines := bytes.Split(text[:min(len(text), 4096)], []byte("\n"))
	for i := 0; i+1 < len(lines); i += 2 {
		code, value := string(bytes.TrimSpace(lines[i])), string(bytes.TrimSpace(lines[i+1]))
		if code != "999" {
			return code == "0" && value == "SECTION"
		}
	}
	return false
}

// isJSON tells whether the text is, or begins as, a JSON object or list.
func isJSON(text []byte, whole bool) bool {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false
	}
	if whole {
		return json.Valid(text)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		_, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
		if !d.More() && d.InputOffset() == int64(len(text)) {
			return true
		}
	}
}

func isGeoJSON(text []byte) bool {
	if text[0] != '{' {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for depth, wasType := 0, false; ; {
		t, err := d.Token()
		if err != nil {
			return false
		}
		switch v := t.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			wasType = false
		case string:
			if wasType {
				return slices.Contains(geoTypes, v)
			}
			wasType = depth == 1 && v == "type"
		default:
			wasType = false
		}
	}
}

var geoTypes = []string{
	"FeatureCollection", "Feature", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection",
}

// isCSV tells whether at least two lines have the same number of columns, and
// more than one.
func isCSV(text []byte, whole bool) bool {
	if !whole {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	for _, comma := range ";\t," {
		r := csv.NewReader(bytes.NewReader(text))
		r.Comma, r.ReuseRecord = comma, true
		lines := 0
		for lines < 20 {
			record, err := r.Read() // fails when a line has more or fewer columns
			if err == io.EOF {
				break
			}
			if err != nil || len(record) < 2 {
				lines = 0
				break
			}
			lines++
		}
		if lines >= 2 {
			return true
		}
	}
	return false
}
