package attach

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"luvat/internal/fail"
)

// bomb is a zip whose part unpacks to a gigabyte of zeros.
func bomb(t *testing.T, names ...string) []byte {
	t.Helper()
	var zeros, b bytes.Buffer
	f, err := flate.NewWriter(&zeros, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, megabyte)
	var packed []byte
	for range 3 { // the third time it looks as it will ever after
		zeros.Reset()
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		packed = append(packed, zeros.Bytes()...)
	}
	packed = append(packed, bytes.Repeat(zeros.Bytes(), 1021)...)
	zeros.Reset()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	packed = append(packed, zeros.Bytes()...)
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: 1024 * megabyte})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(packed); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listed is a zip with n parts of which nothing but their names is there.
func listed(n int) []byte {
	var b bytes.Buffer
	b.WriteString("PK\x03\x04" + strings.Repeat("\x00", 26)) // a part that the list does not need
	at := b.Len()
	for i := range n {
		name := fmt.Sprintf("word/%07d.xml", i)
		head := make([]byte, 46)
		copy(head, "PK\x01\x02")
		binary.LittleEndian.PutUint16(head[28:], uint16(len(name)))
		b.Write(head)
		b.WriteString(name)
	}
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint16(end[8:], uint16(n%math.MaxUint16))
	binary.LittleEndian.PutUint16(end[10:], uint16(n%math.MaxUint16))
	binary.LittleEndian.PutUint32(end[12:], uint32(b.Len()-at))
	binary.LittleEndian.PutUint32(end[16:], uint32(at))
	b.Write(end)
	return b.Bytes()
}

// claims is a zip whose end says that its list is n bytes long.
func claims(n uint32) []byte {
	b := listed(1)
	binary.LittleEndian.PutUint32(b[len(b)-10:], n)
	return b
}

// allocated is how many bytes were asked for while fn ran.
func allocated(fn func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// What unpacks to more than there is stays packed: it is stored and read again
// byte for byte, told for what it is, and costs no memory.
func TestBombsStayPacked(t *testing.T) {
	k := newKit(t)
	packed := bomb(t, "zeros")
	for _, tt := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"a gigabyte in a zip", packed, "application/zip"},
		{"a gigabyte in a document", bomb(t, "[Content_Types].xml", "word/document.xml"), docx},
		{"a list of three hundred thousand parts", listed(300_000), "application/zip"},
		{"a list of four gigabytes that is not there", claims(math.MaxUint32 - 1), octets},
		{"a list that begins before the file", claims(1 << 20), octets},
		{"brackets without end", []byte(strings.Repeat("[", megabyte)), "application/json"},
		{"objects in objects", []byte(strings.Repeat(`{"a":`, 200_000)), "application/json"},
		{"a billion laughs", []byte(`<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "` + strings.Repeat("&a;", 50_000) + `">]><l>&b;</l>`), "application/xml"},
	} {
		var a Attachment
		var err error
		n := file(int64(len(tt.content)))
		cost := allocated(func() { a, err = k.Put(t.Context(), n, bytes.NewReader(tt.content)) })
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		k.check(a, tt.content)
		if a.ContentType != tt.want {
			t.Errorf("%s is told to be %s; want %s", tt.name, a.ContentType, tt.want)
		}
		if cost > 8*megabyte {
			t.Errorf("%s of %d bytes cost %d bytes of memory", tt.name, len(tt.content), cost)
		}
	}
	whole, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := whole.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, f, 20*megabyte); n != 20*megabyte || err != nil {
		t.Errorf("the bomb is none: %d bytes, %v", n, err)
	}
}

// A length that is announced takes nothing until it comes.
func TestAnnouncedLengths(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	_, err := k.Begin(ctx, file(math.MaxInt64))
	wantKind(t, err, fail.TooLarge, "attach.too_large")
	var a Attachment
	cost := allocated(func() {
		a = k.begin(500 * megabyte)
		if a, err = k.Append(ctx, a.ID, "aino", 0, strings.NewReader("abc")); err != nil {
			t.Error(err)
		}
	})
	info, err := os.Stat(filepath.Join(k.dir, "incoming", a.ID))
	if err != nil || info.Size() != 3 || a.Received != 3 || a.State != Uploading {
		t.Errorf("3 bytes of 500 MB: %v, received %d, %s", err, a.Received, a.State)
	}
	if cost > 4*megabyte {
		t.Errorf("3 bytes of 500 MB cost %d bytes of memory", cost)
	}
	n := file(500 * megabyte)
	_, err = k.Put(ctx, n, strings.NewReader("abc"))
	wantKind(t, err, fail.Rejected, "attach.cut_short")
	if left := k.files("incoming"); len(left) != 1 {
		t.Errorf("a file that was cut short stays: %v", left)
	}
}

// counted tells how much of an endless reader was read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// A body without end is read no further than what may come, and leaves nothing.
func TestEndlessBodies(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	a := k.begin(3 * megabyte)
	endless := &counted{r: zeros{}}
	_, err := k.Append(ctx, a.ID, "aino", 0, endless)
	wantKind(t, err, fail.Rejected, "attach.more_than_announced")
	if most := int64(3*megabyte + 2*chunk); endless.n > most {
		t.Errorf("%d bytes were read of an upload of 3 MB", endless.n)
	}
	for name, n := range map[string]New{
		"of an unknown length": {Limits: Limits{File: 2 * megabyte}, Size: -1}, "of another length": {Size: 2 * megabyte}, "beyond the total": {Limits: Limits{Total: 2 * megabyte}, Size: -1},
	} {
		n.Project, n.Matter, n.Place, n.Name, n.UploadedBy, n.Side = "p", name, Answer, "x", "aino", "applicant"
		endless := &counted{r: zeros{}}
		_, err := k.Put(ctx, n, endless)
		if !fail.Is(err, fail.TooLarge) && !fail.Is(err, fail.Rejected) {
			t.Errorf("an endless file %s: %v", name, err)
		}
		if most := int64(2*megabyte + 2*chunk); endless.n > most {
			t.Errorf("an endless file %s: %d bytes were read; want at most %d", name, endless.n, most)
		}
	}
	if left := k.files("incoming"); len(left) != 1 {
		t.Errorf("endless files stay: %v", left)
	}
}

// An upload may come in any number of pieces, and a piece in any number of reads.
func TestThousandsOfTinyChunks(t *testing.T) {
	k := newKit(t)
	content := []byte(strings.Repeat("pieni pala ", 300))
	a, err := k.Put(t.Context(), file(-1), iotest.OneByteReader(bytes.NewReader(bytes.Repeat(content, 20))))
	if err != nil {
		t.Fatal(err)
	}
	k.check(a, bytes.Repeat(content, 20))
	b := k.begin(int64(len(content)))
	for at := 0; at < len(content); at += 11 {
		if b, err = k.Append(t.Context(), b.ID, "aino", int64(at), iotest.OneByteReader(bytes.NewReader(content[at:at+11]))); err != nil {
			t.Fatal(err)
		}
	}
	k.check(b, content)
}

// Whatever a file is called, it is stored and read under a name that is none of
// another file, in headers that are nobody else's.
func TestNamesThatAttack(t *testing.T) {
	k := newKit(t)
	for name, raw := range map[string]string{
		"parts of a path": "../../../../etc/passwd", "parts of a path for Windows": `..\..\windows\system32\drivers\etc\hosts`, "a zero byte": "plan.pdf\x00.exe",
		"a line break": "plan.pdf\r\nSet-Cookie: stolen=1\r\n\r\n<script>", "the direction of writing": "lasku\u202efdp.exe", "ten thousand letters": strings.Repeat("ä", 10_000) + ".pdf",
		"dots before it": "....//....//.htaccess", "only dots": "..", "a device": "NUL.pdf", "a device in disguise": "com¹.txt", "quotes": `plan"; filename="virus.exe`,
		"broken UTF-8": "plan\xff\xfe.pdf", "escapes": "%2e%2e%2fplan%0d%0a.pdf", "nothing": "", "an id": "../incoming/0190b3a4-0000-7000-8000-000000000001", "combining marks": "a" + strings.Repeat("\u0301", 5000),
	} {
		n := file(-1)
		n.Name = raw
		a, err := k.Put(t.Context(), n, strings.NewReader("%PDF-1.7 "+name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		goodName(t, raw, a.Name)
		res := k.fetch(a)
		kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		if err != nil || kind != "attachment" || params["filename"] != a.Name {
			t.Errorf("%s: saved as %q (%v); want %q", name, params["filename"], err, a.Name)
		}
		goodDisposition(t, res.Header.Get("Content-Disposition"))
		if res.Header.Get("Set-Cookie") != "" || res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: headers %v", name, res.Header)
		}
	}
	err := filepath.WalkDir(filepath.Dir(k.dir), func(at string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasPrefix(at, k.dir) && !isHash(filepath.Base(filepath.Dir(at))+e.Name()) {
			t.Errorf("a file is called %s", at)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// fetch downloads an attachment over a real connection.
func (k *kit) fetch(a Attachment) *http.Response {
	k.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Header(w.Header(), a, false)
		w.WriteHeader(http.StatusOK)
	}))
	defer server.Close()
	res, err := http.Get(server.URL)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		k.t.Fatal(err)
	}
	return res
}
