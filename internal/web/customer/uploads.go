package customer

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"luvat/internal/attach"
	"luvat/internal/fail"
	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// The protocol is that of static/upload.js: an upload is made, gets its bytes
// in pieces, tells how far it got, and may be given up. What is wrong is told
// in plain text, which the script shows to the person.

// plainly answers an error that a person may see as plain text; any other is
// the site's to answer.
func plainly(w http.ResponseWriter, a *site.Ask, err error) error {
	if err == nil {
		return nil
	}
	if full := a.Full(err); full != nil {
		err = full
	}
	text, status, ok := words(a.Lang, err)
	if !ok {
		return err
	}
	if e, isFail := errors.AsType[*fail.Error](err); isFail && e.Key == "attach.busy" {
		status = http.StatusLocked // to be tried again, unlike a wrong offset
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if a.Method != http.MethodHead {
		_, _ = io.WriteString(w, text)
	}
	return nil
}

func (r room) beginCommonUpload(w http.ResponseWriter, a *site.Ask, who asker) error {
	p, _, err := r.commonPaper(a, who, a.PathValue("id"))
	if err != nil {
		return plainly(w, a, err)
	}
	n, err := p.newFile(who, a.URL.Query().Get("field"), uploadName(a))
	return plainly(w, a, r.begin(w, a, n, err))
}

func (r room) beginUpload(w http.ResponseWriter, a *site.Ask, who asker) error {
	p, v, err := r.matterPaper(a, who, a.PathValue("id"))
	if err != nil {
		return plainly(w, a, err)
	}
	if attach.Place(a.URL.Query().Get("place")) == attach.Message {
		n := attach.New{Project: p.project, Matter: p.matter, Place: attach.Message, Name: uploadName(a), UploadedBy: who.ID, Side: "applicant"}
		if !p.role.MayTalk() {
			err = errMayNot
		}
		return plainly(w, a, r.begin(w, a, n, err))
	}
	if v.Status != matter.Draft && v.Status != matter.ToComplete {
		return plainly(w, a, fail.New(fail.Conflict, "matter.not_a_draft"))
	}
	n, err := p.newFile(who, a.URL.Query().Get("field"), uploadName(a))
	return plainly(w, a, r.begin(w, a, n, err))
}

// uploadName is the file's name as the script encoded it.
func uploadName(a *site.Ask) string {
	name, err := url.PathUnescape(a.Header.Get("Upload-Name"))
	if err != nil {
		return a.Header.Get("Upload-Name")
	}
	return name
}

func (r room) begin(w http.ResponseWriter, a *site.Ask, n attach.New, err error) error {
	if err != nil {
		return err
	}
	if n.Size, err = strconv.ParseInt(a.Header.Get("Upload-Length"), 10, 64); err != nil {
		return errMalformed
	}
	n.Limits = r.Limits
	file, err := r.Files.Begin(a.Context(), n)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/uploads/"+file.ID)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// uploading finds an upload of the asker's own.
func (r room) uploading(a *site.Ask, who asker) (attach.Attachment, error) {
	file, err := r.Desk.FileForCustomer(a.Context(), who, a.PathValue("id"))
	if err == nil && (file.UploadedBy != who.ID || file.Side != "applicant") {
		err = fail.New(fail.NotFound, "error.not_found")
	}
	return file, err
}

func (r room) uploadOffset(w http.ResponseWriter, a *site.Ask, who asker) error {
	file, err := r.uploading(a, who)
	if err != nil {
		return plainly(w, a, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Upload-Length", strconv.FormatInt(file.Size, 10))
	w.Header().Set("Upload-Offset", strconv.FormatInt(file.Received, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

func (r room) appendUpload(w http.ResponseWriter, a *site.Ask, who asker) error {
	offset, err := strconv.ParseInt(a.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return plainly(w, a, errMalformed)
	}
	if _, err := r.uploading(a, who); err != nil {
		return plainly(w, a, err)
	}
	file, err := r.Files.Append(a.Context(), a.PathValue("id"), who.ID, offset, a.Body)
	if broken(err) {
		return nil // the browser has gone; what came is kept
	}
	if err != nil {
		return plainly(w, a, err)
	}
	if file.Received == file.Size && file.Place == attach.Answer {
		if err := r.answerWith(a, who, file); err != nil {
			return plainly(w, a, err)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Upload-Offset", strconv.FormatInt(file.Received, 10))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// answerWith puts a whole upload into the answer of its field.
func (r room) answerWith(a *site.Ask, who asker, file attach.Attachment) error {
	reload := func() (*paper, error) {
		if file.Matter == "" {
			p, _, err := r.commonPaper(a, who, file.Project)
			return p, err
		}
		p, _, err := r.matterPaper(a, who, file.Matter)
		return p, err
	}
	p, err := reload()
	if err != nil {
		return err
	}
	return p.keepFile(reload, file.Field, file.ID)
}

func (r room) cancelUpload(w http.ResponseWriter, a *site.Ask, who asker) error {
	file, err := r.uploading(a, who)
	if err == nil {
		err = r.DB.InTx(a.Context(), func(tx tx) error { return r.Files.Cancel(a.Context(), tx, file.ID) })
	}
	if err != nil {
		return plainly(w, a, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// file sends an attachment to whoever may see it.
func (r room) file(w http.ResponseWriter, a *site.Ask, who asker) error {
	file, err := r.Desk.FileForCustomer(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	body, err := r.Files.Content(a.Context(), file)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // read only
	attach.Header(w.Header(), file, false)
	http.ServeContent(w, a.Request, "", file.CreatedAt, body)
	return nil
}
