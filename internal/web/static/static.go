// Package static holds the style sheet, scripts, icons and fonts of the pages
// and serves them.
//
// The files are part of the program. Their addresses carry a fingerprint of
// all of them, so a browser may keep a file for a year and still sees a new one
// at once: URL("app.css") is /static/<fingerprint>/app.css. During a rolling
// update two programs with different files answer side by side; an address with
// a foreign fingerprint is answered with what is here, and not kept.
//
// tokens.css, fonts.css, icons.svg and fonts/ are made by design/generate.mjs.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Prefix is where the pages expect the files.
const Prefix = "/static/"

//go:embed tokens.css fonts.css app.css *.js icons.svg favicon.svg select.svg fonts/*.woff2
var embedded embed.FS

// style is what makes the one sheet that pages load, in order.
var style = []string{"tokens.css", "fonts.css", "app.css"}

var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

// A file is one answer, ready in both forms a browser may ask for.
type file struct {
	plain, gzip []byte
}

var files, fingerprint = read()

// Fingerprint names this set of files.
func Fingerprint() string { return fingerprint }

// URL returns the address of a file, such as "app.css". Fonts carry their
// version in their name and need no fingerprint.
func URL(name string) string { return Prefix + fingerprint + "/" + name }

// Bytes returns a file as it is served, or nil.
func Bytes(name string) []byte { return files[name].plain }

func read() (map[string]file, string) {
	all, sum := map[string]file{}, sha256.New()
	err := fs.WalkDir(embedded, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "app.css" {
			body = sheet()
		}
		sum.Write([]byte(name))
		sum.Write(body)
		f := file{plain: body}
		if path.Ext(name) != ".woff2" { // already compressed
			f.gzip = compress(body)
		}
		all[name] = f
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return all, hex.EncodeToString(sum.Sum(nil))[:10]
}

func sheet() []byte {
	var b bytes.Buffer
	for _, name := range style {
		body, err := embedded.ReadFile(name)
		if err != nil {
			panic(err) // named above, embedded above
		}
		b.Write(body)
	}
	return b.Bytes()
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                  // memory does not fail
	_ = w.Close()
	return b.Bytes()
}

// Handler serves the files under Prefix.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, keep := find(strings.TrimPrefix(r.URL.Path, Prefix))
		f, ok := files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", types[path.Ext(name)])
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=60")
		if keep {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		body := f.plain
		if f.gzip != nil {
			h.Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
				body = f.gzip
			}
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}

// find takes the fingerprint off an address and tells whether the answer may
// be kept.
func find(address string) (name string, keep bool) {
	if strings.HasPrefix(address, "fonts/") {
		return address, true
	}
	print, rest, ok := strings.Cut(address, "/")
	if !ok {
		return address, false
	}
	return rest, print == fingerprint
}

// Names lists the files.
func Names() []string { return slices.Sorted(maps.Keys(files)) }
