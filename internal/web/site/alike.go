package site

import (
	"mime"
	"net/http"
	"strconv"
	"time"

	"luvat/internal/attach"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/ui"
)

// What the rooms of applicants and of officers show alike.

// DaysLeft tells how many days are left, from one on.
func DaysLeft(l i18n.Lang, n int) string {
	if n == 1 {
		return i18n.T(l, "site.days_one")
	}
	return i18n.T(l, "site.days_many", n)
}

// Instant writes a time for machines: RFC 3339 in UTC, "" for none.
func Instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// File is an attachment as lists show it; href is where it is opened, once it
// can be.
func File(l i18n.Lang, f attach.Attachment, href string) ui.File {
	out := ui.File{ID: f.ID, Name: f.Name, Size: i18n.Size(l, f.Size)}
	switch f.State {
	case attach.Ready:
		out.Href = href
	case attach.Infected:
		out.Note = i18n.T(l, "site.file_infected")
	default:
		out.Note = i18n.T(l, "site.file_checked")
	}
	return out
}

// Names tells forms what stored values are called: municipalities, matters
// among the rows, and files, whose names file knows ("" for none).
func (s *Site) Names(file func(l i18n.Lang, id string) string, rows []matter.Row) forms.Names {
	return func(l i18n.Lang, w forms.Widget, value string) string {
		switch w {
		case forms.WidgetMunicipality, forms.WidgetMunicipalities:
			return s.Catalogue.MunicipalityName(l, value)
		case forms.WidgetFiles:
			return file(l, value)
		case forms.WidgetMatter:
			for _, row := range rows {
				if row.ID == value || row.Number == value {
					return row.Number + " " + s.Catalogue.TypeName(l, row.Type)
				}
			}
		}
		return ""
	}
}

// SealedName is the file name of a sealed submission: sha256sum of the file
// gives the receipt's checksum.
func SealedName(number string, n int64) string {
	return number + "-" + strconv.FormatInt(n, 10) + ".json"
}

// Sealed answers with the exact bytes that the submission's checksum is over.
func Sealed(w http.ResponseWriter, number string, s *matter.Submission) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": SealedName(number, s.N)}))
	h.Set("Cache-Control", "private, no-store")
	_, _ = w.Write([]byte(s.Body)) // the browser may have gone
	return nil
}
