package officer

import (
	"io"
	"net/http"

	"luvat/internal/attach"
	"luvat/internal/identity"
	"luvat/internal/web/site"
)

// file streams an attachment out; browsers may show what is harmless.
func (r *room) file(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	f, err := r.s.Desk.FileForOfficer(a.Context(), who, a.PathValue("id"), a.PathValue("file"))
	if err != nil {
		return err
	}
	content, err := r.s.Files.Content(a.Context(), f)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // only read
	attach.Header(w.Header(), f, true)
	http.ServeContent(w, a.Request, "", f.CreatedAt, content)
	return nil
}

// dossier streams the whole matter as one zip: documents, data, index and
// checksums. It is for the matter's own authority, whoever else may see a part.
func (r *room) dossier(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	v, err := r.handled(a, who)
	if err == nil && v.Guest {
		err = errNoSubmission
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="`+v.Number+`.zip"`)
	h.Set("Cache-Control", "private, no-store")
	out := &begun{Writer: w}
	err = r.dossiers.Write(a.Context(), out, v, a.Lang)
	if err == nil {
		return nil
	}
	if !out.yes {
		h.Del("Content-Disposition")
		return err
	}
	r.s.Log.ErrorContext(a.Context(), "package broke off", "matter", v.ID, "err", err)
	panic(http.ErrAbortHandler) // a zip cut short must not look whole
}

// begun notes whether anything was written.
type begun struct {
	io.Writer
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.Writer.Write(p)
}
