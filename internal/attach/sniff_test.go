package attach

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// zipped makes a zip of name, content, name, content…; the first is stored.
func zipped(t testing.TB, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		h := &zip.FileHeader{Name: parts[i], Method: zip.Deflate}
		create := w.CreateHeader
		if i == 0 { // its size in front, as offices write the mimetype
			h.Method = zip.Store
			h.UncompressedSize64, h.CompressedSize64 = uint64(len(parts[i+1])), uint64(len(parts[i+1]))
			create = w.CreateRaw
		}
		f, err := create(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ole(entry string) string {
	b := make([]byte, 2048)
	copy(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	binary.LittleEndian.PutUint16(b[30:], 9) // sectors of 512 bytes
	binary.LittleEndian.PutUint32(b[48:], 1) // the folder is in the second
	at := 1024
	for _, c := range utf16.Encode([]rune(entry)) {
		binary.LittleEndian.PutUint16(b[at:], c)
		at += 2
	}
	return string(b)
}

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

func sqlite(app string) string {
	return "SQLite format 3\x00" + strings.Repeat("\x01", 52) + app + strings.Repeat("\x00", 100)
}

// samples are contents with their types; the name is what somebody claims.
func samples(t testing.TB) []struct{ name, content, want string } {
	types := "[Content_Types].xml"
	word := zipped(t, types, "<Types/>", "_rels/.rels", "<R/>", "word/document.xml", "<d/>")
	many := []string{types, "<Types/>"}
	for range 3000 {
		many = append(many, "xl/media/"+strings.Repeat("x", 20), "")
	}
	return []struct{ name, content, want string }{
		{"a.pdf", "%PDF-1.7\n%âãÏÓ\n1 0 obj", "application/pdf"},
		{"a.docx", word, docx},
		{"a.xlsx", zipped(t, types, "<Types/>", "xl/workbook.xml", "<w/>"), xlsx},
		{"long.xlsx", zipped(t, append(many, "xl/workbook.xml", "<w/>")...), xlsx},
		{"a.pptx", zipped(t, types, "<Types/>", "ppt/presentation.xml", "<p/>"), pptx},
		{"macros.docx", zipped(t, types, "<Types/>", "word/document.xml", "<d/>", "word/vbaProject.bin", "x"), "application/vnd.ms-word.document.macroenabled.12"},
		{"a.odt", zipped(t, "mimetype", odt, "content.xml", "<o/>"), odt},
		{"a.ods", zipped(t, "mimetype", ods, "content.xml", "<o/>"), ods},
		{"odd.odt", zipped(t, "mimetype", "text/html", "content.xml", "<o/>"), "application/zip"},
		{"a.kmz", zipped(t, "doc.kml", "<kml/>"), "application/vnd.google-earth.kmz"},
		{"a.zip", zipped(t, "kartta.pdf", "%PDF-"), "application/zip"},
		{"empty.zip", zipped(t), "application/zip"},
		{"cut.zip", word[:len(word)-30], octets},
		{"zip with a tail", word + "MZ", octets},
		{"zip in a zip's front", "PK\x03\x04" + word, octets},
		{"a.doc", ole("WordDocument"), "application/msword"},
		{"a.xls", ole("Workbook"), "application/vnd.ms-excel"},
		{"a.msg", ole("__substg1.0_0037"), "application/vnd.ms-outlook"},
		{"odd.doc", ole("x"), "application/x-ole-storage"},
		{"short.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"},
		{"a.gpkg", sqlite("GPKG"), "application/geopackage+sqlite3"},
		{"a.db", sqlite("\x00\x00\x00\x00"), "application/vnd.sqlite3"},
		{"a.dwg", "AC1032\x00\x00\x00\x00\x00\x01\x02", "image/vnd.dwg"},
		{"a.dxf", "  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "image/vnd.dxf"},
		{"comment.dxf", "999\nmade by hand\n0\nSECTION\n", "image/vnd.dxf"},
		{"binary.dxf", "AutoCAD Binary DXF\r\n\x1a\x00\x00", "image/vnd.dxf"},
		{"a.heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic"},
		{"b.heic", "\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "image/heic"},
		{"a.avif", "\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1miaf", "image/avif"},
		{"a.tif", "II*\x00\x08\x00\x00\x00", "image/tiff"},
		{"b.tif", "MM\x00*\x00\x00\x00\x08", "image/tiff"},
		{"a.png", png, "image/png"},
		{"a.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"},
		{"a.rtf", `{\rtf1\ansi hello}`, "application/rtf"},
		{"a.7z", "7z\xbc\xaf\x27\x1c\x00\x04", "application/x-7z-compressed"},
		{"a.gz", "\x1f\x8b\x08\x00\x00", "application/gzip"},
		{"a.csv", "nimi;määrä\nlava;2\nteltta;4\n", "text/csv; charset=utf-8"},
		{"quoted.csv", "name,text\r\na,\"b, c\"\r\n", "text/csv; charset=utf-8"},
		{"latin1.csv", "nimi;m\xe4\xe4r\xe4\nlava;2\n", "text/csv"},
		{"long.csv", strings.Repeat("lava;2;ä\n", 5000), "text/csv; charset=utf-8"},
		{"a.txt", "Hei, tässä on viesti.\nSe on lyhyt.\n", "text/plain; charset=utf-8"},
		{"latin1.txt", "t\xe4ss\xe4", "text/plain"},
		{"long.txt", strings.Repeat("ä", headSize), "text/plain; charset=utf-8"},
		{"odd long.txt", "x" + strings.Repeat("ä", headSize), "text/plain; charset=utf-8"},
		{"a.geojson", `{"features": [], "type": "FeatureCollection"}`, "application/geo+json"},
		{"long.geojson", `{"type":"FeatureCollection","features":[` + strings.Repeat(`{"type":"Feature"},`, 2000) + `null]}`, "application/geo+json"},
		{"a.json", `{"type": "car", "x": {"type": "Feature"}}`, "application/json"},
		{"list.json", `[1, 2]`, "application/json"},
		{"not.json", `{not json`, "text/plain; charset=utf-8"},
		{"a.gml", `<?xml version="1.0"?><gml:x/>`, "application/xml"},
		{"a.svg", `<svg onload="alert(1)">`, "image/svg+xml"},
		{"b.svg", "\ufeff\n<?xml version='1.0'?><!-- x --><svg/>", "image/svg+xml"},
		{"page.pdf", "<html><script>alert(1)</script>", "text/html; charset=utf-8"},
		{"page.txt", "hello\n<script>alert(1)</script>", "text/html; charset=utf-8"},
		{"a.exe", "MZ\x90\x00\x03\x00", octets},
		{"noise", "\x00\x01\x02\x03", octets},
		{"one byte", "\x00", octets},
		// Two things at once.
		{"pdf and zip", "%PDF-1.4\n" + zipped(t, "x", "y"), octets},
		{"png and zip", png + strings.Repeat("\x00", 100) + zipped(t, "x.class", "y"), octets},
		{"png and page", png + "<html><script>alert(1)</script>", octets},
		{"gif and script", "GIF89a/*<svg/onload=alert(1)>*/=1;", octets},
		{"page and pdf", "<!-- %PDF-1.4 --><html>", "text/html; charset=utf-8"},
		{"text and pdf", "see below\n%PDF-1.4\n", octets},
	}
}

func TestSniff(t *testing.T) {
	for _, tt := range samples(t) {
		got, err := sniff(strings.NewReader(tt.content), int64(len(tt.content)))
		if err != nil || got != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

// FuzzSniff also holds the promise that nothing is shown inline that a browser
// could take for a page.
func FuzzSniff(f *testing.F) {
	for _, s := range samples(f) {
		if len(s.content) < 5000 {
			f.Add([]byte(s.content))
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := sniff(bytes.NewReader(content), int64(len(content)))
		if err != nil || got == "" {
			t.Fatalf("%q, %v", got, err)
		}
		low := bytes.ToLower(content[:min(len(content), 512)])
		if inlines[got] && slices.ContainsFunc([]string{"<html", "<script", "<svg"}, func(tag string) bool { return bytes.Contains(low, []byte(tag)) }) {
			t.Errorf("%s is shown inline: %.60q", got, content)
		}
	})
}
