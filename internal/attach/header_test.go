package attach

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// goodDisposition fails on what another program could read differently.
func goodDisposition(t *testing.T, s string) map[string]string {
	t.Helper()
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			t.Errorf("byte %#x in %q", c, s)
		}
	}
	if strings.Count(s, `"`) != 2 || strings.Count(s, ";") != 2 || strings.Contains(s, `\`) {
		t.Errorf("ambiguous: %s", s)
	}
	_, params, err := mime.ParseMediaType(s)
	if err != nil {
		t.Errorf("%s: %v", s, err)
	}
	return params
}

func TestDisposition(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"kartta.pdf", `attachment; filename="kartta.pdf"; filename*=UTF-8''kartta.pdf`},
		{"Äänieristys Åbo.pdf", `attachment; filename="Aanieristys Abo.pdf"; filename*=UTF-8''%C3%84%C3%A4nieristys%20%C3%85bo.pdf`},
		{"план.pdf", `attachment; filename="____.pdf"; filename*=UTF-8''%D0%BF%D0%BB%D0%B0%D0%BD.pdf`},
		{"a\r\nSet-Cookie: x=1", `attachment; filename="a Set-Cookie_ x=1"; filename*=UTF-8''a%20Set-Cookie_%20x%3D1`},
		{`a"; filename="b.exe`, `attachment; filename="a__ filename=_b.exe"; filename*=UTF-8''a_%3B%20filename%3D_b.exe`},
		{`a\".pdf`, `attachment; filename="_.pdf"; filename*=UTF-8''_.pdf`},
		{"100%41.pdf", `attachment; filename="100_41.pdf"; filename*=UTF-8''100%2541.pdf`},
		{"it's (1)*.pdf", `attachment; filename="it's (1)_.pdf"; filename*=UTF-8''it%27s%20%281%29_.pdf`},
		{"½.pdf", `attachment; filename="1_2.pdf"; filename*=UTF-8''%C2%BD.pdf`},
		{"\u2028\u202e", `attachment; filename="liite"; filename*=UTF-8''liite`},
	} {
		h := http.Header{}
		Header(h, Attachment{Name: tt.name, State: Ready}, false)
		got := h.Get("Content-Disposition")
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if params := goodDisposition(t, got); params["filename"] != cleanName(tt.name) {
			t.Errorf("%q is read as %q", tt.name, params["filename"])
		}
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		kind        string
		state       State
		inline      bool
		wantKind    string
		wantInline  bool
		wantSandbox bool
	}{
		{"application/pdf", Ready, true, "application/pdf", true, false},
		{"application/pdf", Ready, false, "application/pdf", false, true},
		{"application/pdf", Uploading, true, octets, false, true},
		{"image/png", Ready, true, "image/png", true, true},
		{"image/jpeg", Ready, true, "image/jpeg", true, true},
		{"image/gif", Ready, true, "image/gif", false, true},
		{"image/svg+xml", Ready, true, octets, false, true},
		{"text/html; charset=utf-8", Ready, true, octets, false, true},
		{"application/xml", Ready, true, octets, false, true},
		{"text/javascript", Ready, true, octets, false, true},
		{"text/plain; charset=utf-8", Ready, true, "text/plain; charset=utf-8", false, true},
		{"text/plain; charset=utf-16le", Ready, true, octets, false, true},
		{docx, Ready, true, docx, false, true},
		{"", Ready, true, octets, false, true},
		{"image/png\r\nX: y", Ready, true, octets, false, true},
	} {
		h := http.Header{"Content-Security-Policy": {"default-src 'self'"}}
		Header(h, Attachment{Name: "x", ContentType: tt.kind, State: tt.state, Hash: strings.Repeat("a", 64)}, tt.inline)
		policy := h.Get("Content-Security-Policy")
		if h.Get("Content-Type") != tt.wantKind || strings.HasPrefix(h.Get("Content-Disposition"), "inline") != tt.wantInline ||
			strings.Contains(policy, "sandbox") != tt.wantSandbox || strings.Contains(policy, "'self'") {
			t.Errorf("%s (%s, inline %t): %v", tt.kind, tt.state, tt.inline, h)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "private, no-store" || h.Get("ETag") != `"`+strings.Repeat("a", 64)+`"` {
			t.Errorf("%s: %v", tt.kind, h)
		}
	}
}

// TestServe is a download as a page would do it: a part, and the rest unless changed.
func TestServe(t *testing.T) {
	k := newKit(t)
	a := k.put(file(0), "%PDF-1.7 plan")
	serve := func(header ...string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		f, err := k.Content(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close() //nolint:errcheck // only read
		w := httptest.NewRecorder()
		Header(w.Header(), a, true)
		http.ServeContent(w, r, "", time.Time{}, f)
		return w
	}
	if w := serve(); w.Code != 200 || w.Body.String() != "%PDF-1.7 plan" || w.Header().Get("Content-Length") != "13" {
		t.Errorf("whole: %d %q %v", w.Code, w.Body, w.Header())
	}
	if w := serve("Range", "bytes=9-", "If-Range", `"`+a.Hash+`"`); w.Code != 206 || w.Body.String() != "plan" {
		t.Errorf("part: %d %q", w.Code, w.Body)
	}
	if w := serve("If-None-Match", `"`+a.Hash+`"`); w.Code != 304 {
		t.Errorf("unchanged: %d", w.Code)
	}
}
