package e2e_test

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"luvat/internal/i18n"
)

// A flood is a reader that makes bytes as they are asked for and keeps none.
type flood struct{ left int64 }

func (f *flood) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), f.left)
	for i := range p[:n] {
		p[i] = byte('a' + i%23)
	}
	f.left -= n
	return int(n), nil
}

// A file of 500 MB goes through the form, as without JavaScript, and another in
// pieces, as with it, while the memory in use hardly grows.
func TestUploadOfHalfAGigabyte(t *testing.T) {
	const whole, pieces = 500 << 20, 100 << 20 // the first is the default limit of a file
	h := newHub(t)
	v := h.signedIn(t, "demo-aino", i18n.FI, false)
	form := v.lodging("Iso liite")
	id := path.Base(path.Dir(form))
	session := h.cookie(t, "demo-aino")

	runtime.GC()
	before, stop := memory(), make(chan struct{})
	var most atomic.Uint64
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				most.Store(max(most.Load(), memory()))
			}
		}
	}()

	send := func(method, at, kind string, header map[string]string, body io.Reader, length int64) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+at, body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.AddCookie(session)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		for name, value := range header {
			r.Header.Set(name, value)
		}
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
		_ = answer.Body.Close()
		if answer.StatusCode >= 400 {
			t.Fatalf("%s %s: status %d: %s", method, at, answer.StatusCode, text)
		}
		return answer
	}

	// Whole, with the form.
	version := find(t, h, `SELECT version FROM matters WHERE id = $1`, id)
	body, writer := io.Pipe()
	parts := multipart.NewWriter(writer)
	go func() {
		err := parts.WriteField("_version", version)
		if err == nil {
			var part io.Writer
			part, err = parts.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="_file.attachments"; filename="mittaus.csv"`}, "Content-Type": {"text/csv"}})
			if err == nil {
				_, err = io.Copy(part, &flood{whole})
			}
		}
		if err == nil {
			err = parts.Close()
		}
		writer.CloseWithError(err)
	}()
	send(http.MethodPost, form, parts.FormDataContentType(), nil, body, -1)

	// In pieces of 8 MB.
	begun := send(http.MethodPost, "/matters/"+id+"/uploads?field=attachments", "", map[string]string{"Upload-Length": fmt.Sprint(pieces), "Upload-Name": "toinen.csv"}, nil, 0)
	to := strings.TrimPrefix(begun.Header.Get("Location"), h.url)
	const piece = 8 << 20
	for at := int64(0); at < pieces; at += piece {
		n := min(piece, pieces-at)
		send(http.MethodPatch, to, "application/offset+octet-stream", map[string]string{"Upload-Offset": fmt.Sprint(at)}, &flood{n}, n)
	}
	close(stop)
	<-done

	grown := int64(most.Load()) - int64(before)
	t.Logf("the heap grew by %d kB", grown>>10)
	if grown > 30<<20 {
		t.Errorf("the heap grew by %d MB while 500 MB came in, want less than 30", grown>>20)
	}
	v.Goto(form)
	for _, name := range []string{"mittaus.csv", "toinen.csv"} {
		v.SeeElement("link", name)
	}
	v.See(i18n.Size(v.lang, whole))
}

// memory is what the heap holds, with the garbage that nobody has taken away.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
