package customer

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/web/site"
)

type tx = *db.Tx

func (r room) view(a *site.Ask, fn func(tx) error) error { return r.DB.View(a.Context(), fn) }

// Limits of a posted form whose files are streamed.
const (
	maxText  = 4 << 20 // all that is not a file
	maxParts = 5000
)

var (
	errMalformed = fail.New(fail.Invalid, "error.malformed")
	errTooLarge  = fail.New(fail.TooLarge, "error.too_large")
)

// read reads a posted form part by part: texts are kept, each file is handed
// to take as it comes and never lies in memory whole.
func read(w http.ResponseWriter, a *site.Ask, take func(name, file string, r io.Reader) error) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		a.Body = http.MaxBytesReader(w, a.Body, maxText)
		return a.Form()
	}
	parts, err := a.MultipartReader()
	if err != nil {
		return nil, errMalformed
	}
	v, text := url.Values{}, 0
	a.PostForm = v // what was typed, should all else fail
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return v, nil
		}
		switch {
		case n == maxParts:
			return nil, errTooLarge
		case err != nil:
			return nil, errMalformed
		}
		name := part.FormName()
		if file := part.FileName(); file != "" {
			if err := take(name, file, part); err != nil {
				return nil, err
			}
			continue
		}
		value, err := readText(part, maxText-text)
		if err != nil {
			return nil, err
		}
		if text += len(name) + len(value); !clean(name) || !clean(value) {
			return nil, errMalformed
		}
		v.Add(name, value)
	}
}

func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func readText(part *multipart.Part, most int) (string, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(part, int64(most)+1))
	if err != nil {
		return "", errMalformed
	}
	if n > int64(most) {
		return "", errTooLarge
	}
	return b.String(), nil
}

// broken tells whether an upload failed because the browser went away, which
// is nobody's fault.
func broken(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF)
}
