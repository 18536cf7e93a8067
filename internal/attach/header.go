package attach

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// safe are the types that are told to browsers; all others are bytes. Nothing
// that can hold a script is here: no HTML, SVG or XML.
var safe = map[string]bool{
	"application/pdf": true, "application/rtf": true,
	"application/zip": true, "application/gzip": true, "application/x-7z-compressed": true, "application/x-rar-compressed": true,
	"application/json": true, "application/geo+json": true, "application/geopackage+sqlite3": true,
	"application/vnd.google-earth.kmz": true,
	"application/msword":               true, "application/vnd.ms-excel": true, "application/vnd.ms-powerpoint": true, "application/vnd.ms-outlook": true,
	docx: true, xlsx: true, pptx: true, odt: true, ods: true, odp: true, odg: true,
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true,
	"image/tiff": true, "image/heic": true, "image/heif": true, "image/avif": true,
	"image/vnd.dwg": true, "image/vnd.dxf": true,
	"text/plain": true, "text/plain; charset=utf-8": true, "text/csv": true, "text/csv; charset=utf-8": true,
	"video/mp4": true, "video/webm": true, "audio/mpeg": true, "audio/wave": true,
}

// inlines are the types that browsers may show in the hub's own pages' place.
var inlines = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true}

// Header writes the headers under which an attachment's bytes may be sent. With
// inline it may be shown by the browser, if its type is harmless; otherwise it
// is saved. It replaces the page's own Content-Security-Policy.
func Header(h http.Header, a Attachment, inline bool) {
	kind := a.ContentType
	if !safe[kind] || a.State != Ready {
		kind = octets
	}
	inline = inline && inlines[kind]
	disposition := "attachment"
	if inline {
		disposition = "inline"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition+"; "+filename(a.Name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy(kind, inline))
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store")
	if isHash(a.Hash) {
		h.Set("ETag", `"`+a.Hash+`"`)
	}
}

// policy is the sandbox, except for a PDF that is shown: Safari's and older
// Chrome's viewers stay empty in it (crbug.com/271452), and a PDF's scripts
// cannot reach the page's origin anyway.
func policy(kind string, inline bool) string {
	if inline && kind == "application/pdf" {
		return "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	}
	return "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
}

// filename writes a name twice, as RFC 6266 says: in ASCII for old programs,
// and whole (RFC 8187).
func filename(name string) string {
	name = cleanName(name) // rows from elsewhere must not make headers either
	return `filename="` + ascii(name) + `"; filename*=UTF-8''` + encode(name)
}

// ascii writes å as a, and what has no such likeness as _.
func ascii(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r < ' ' || r > '~' || strings.ContainsRune(`"\%;/`, r):
			b.WriteByte('_')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func encode(name string) string {
	const plain = "!#$&+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	for _, c := range []byte(name) {
		if strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
