package attach

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Pelastussuunnitelma.pdf", "Pelastussuunnitelma.pdf"},
		{"Äänieristys, osa 2 (lopullinen) – Åbo & Ähtäri.docx", "Äänieristys, osa 2 (lopullinen) – Åbo & Ähtäri.docx"},
		{"A\u0308a\u0308ni.pdf", "Ääni.pdf"},
		{"план.pdf", "план.pdf"},
		{"計画書.pdf", "計画書.pdf"},
		{"🎪 kartta.png", "🎪 kartta.png"},
		{"../../etc/passwd", "passwd"},
		{`C:\fakepath\kartta.pdf`, "kartta.pdf"},
		{`\\server\share\x.pdf`, "x.pdf"},
		{"folder/", "folder"},
		{"a/b\\c/", "c"},
		{"c:kartta.pdf", "c_kartta.pdf"},
		{"x.pdf:stream", "x.pdf_stream"},
		{"a\x00b\r\nc\td.pdf", "ab c d.pdf"},
		{"a\u0085b\u2028c.pdf", "a b c.pdf"},
		{"lasku\u202efdp.exe", "laskufdp.exe"},
		{"\u2066a\u2069\u200b\ufeffb.pdf", "ab.pdf"},
		{"x.pdf. . .", "x.pdf"},
		{"  .hidden ", "hidden"},
		{"...", "liite"},
		{"", "liite"},
		{"/", "liite"},
		{"\u3164\u2800", "liite"},
		{"CON", "_CON"},
		{"con.tar.gz", "_con.tar.gz"},
		{"Lpt¹.txt", "_Lpt¹.txt"},
		{"COM10.txt", "COM10.txt"},
		{"nul .txt", "_nul .txt"},
		{"console.log", "console.log"},
		{`<img src=x onerror="alert(1)">.png`, "_img src=x onerror=_alert(1)__.png"},
		{"a\xffb.pdf", "a_b.pdf"},
		{"a|b?c*d.pdf", "a_b_c_d.pdf"},
		{"a\u2215b\uff0fc.pdf", "a_b_c.pdf"},
		{"..%2f..%2fx.pdf", "%2f..%2fx.pdf"},
		{strings.Repeat("a", 300) + ".pdf", strings.Repeat("a", 251) + ".pdf"},
		{strings.Repeat("ä", 200) + ".pdf", strings.Repeat("ä", 125) + ".pdf"},
		{strings.Repeat("€", 100), strings.Repeat("€", 85)},
		{"x." + strings.Repeat("y", 300), "x." + strings.Repeat("y", 253)},
	} {
		if got := cleanName(tt.in); got != tt.want {
			t.Errorf("cleanName(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// goodName tells what is wrong with a repaired name.
func goodName(t *testing.T, in, got string) {
	t.Helper()
	switch {
	case got == "", len(got) > maxName, !utf8.ValidString(got), strings.ContainsAny(got, "<>:\"/\\|?*\x00\r\n\u202e"),
		strings.Trim(got, ". ") != got, reserved(got):
		t.Errorf("cleanName(%q) = %q", in, got)
	case cleanName(got) != got:
		t.Errorf("cleanName(%q) = %q, and again %q", in, got, cleanName(got))
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a.pdf", "CON", "../x", "\u202ex", strings.Repeat("ä", 200), "a\u0308", strings.Repeat(". ", 200) + "x", "con" + strings.Repeat(" ", 300) + ".x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		goodName(t, in, cleanName(in))
		h := http.Header{}
		Header(h, Attachment{Name: in}, true)
		goodDisposition(t, h.Get("Content-Disposition"))
	})
}
