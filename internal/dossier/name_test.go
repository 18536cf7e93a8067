package dossier

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"pohja.pdf", "pohja.pdf"},
		{"Äänitys – lava 2.mp3", "Äänitys – lava 2.mp3"},
		{"../../etc/passwd", "_.._etc_passwd"},
		{`..\..\x`, `_.._x`},
		{"/", "_"},
		{"..", "_"},
		{"", "_"},
		{" a  b. ", "a b"},
		{"a\x00b\nc\u202ed\u2028e", "abcde"},
		{`a:b*c?d"e<f>g|h`, "a_b_c_d_e_f_g_h"},
		{"a\xffb", "ab"},
		{".htaccess", "htaccess"},
	} {
		if got := safe(tt.in); got != tt.want {
			t.Errorf("safe(%q) = %q; want %q", tt.in, got, tt.want)
		}
	}
	if got := safe(strings.Repeat("ä", 300) + ".pdf"); len(got) > maxName || !strings.HasSuffix(got, "ä.pdf") || !utf8.ValidString(got) {
		t.Errorf("a long name became %q", got)
	}
}
