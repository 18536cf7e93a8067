package static

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func get(path, encoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	for _, tt := range []struct {
		name, path, cache string
		status            int
	}{
		{"our fingerprint", URL("app.css"), "public, max-age=31536000, immutable", 200},
		{"another program's", "/static/0123456789/app.js", "public, max-age=60", 200},
		{"no fingerprint", "/static/icons.svg", "public, max-age=60", 200},
		{"a font", "/static/fonts/source-sans-3-5.3.0-latin-400.woff2", "public, max-age=31536000, immutable", 200},
		{"nothing", "/static/app.php", "", 404},
		{"our own source", "/static/static.go", "", 404},
		{"a folder", "/static/fonts/", "", 404},
	} {
		w := get(tt.path, "")
		if w.Code != tt.status || tt.status == 200 && w.Header().Get("Cache-Control") != tt.cache {
			t.Errorf("%s: %d, Cache-Control %q; want %d, %q", tt.name, w.Code, w.Header().Get("Cache-Control"), tt.status, tt.cache)
		}
	}
}

func TestCompressed(t *testing.T) {
	w := get(URL("app.css"), "gzip, br")
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding = %q, want gzip", w.Header().Get("Content-Encoding"))
	}
	zr, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	if string(body) != string(Bytes("app.css")) {
		t.Error("the compressed sheet is not the sheet")
	}
}

// TestWeight: a first visit loads less than 150 kB, of which at most 20 kB are
// style and scripts. 60 kB are left for the page itself.
func TestWeight(t *testing.T) {
	code, all := 0, 0
	for name, f := range files {
		if name == "tokens.css" || name == "fonts.css" || strings.Contains(name, "latin-ext") {
			continue // part of app.css; loaded only for rare letters
		}
		size := len(f.plain)
		if f.gzip != nil {
			size = len(f.gzip)
		}
		all += size
		if strings.HasSuffix(name, ".css") || strings.HasSuffix(name, ".js") {
			code += size
		}
	}
	if code > 20_000 || all > 90_000 {
		t.Errorf("style and scripts %d bytes, all %d; want at most 20000 and 90000", code, all)
	}
}

// TestContrast: text 4.5 to 1 and what one must see of a control 3 to 1 (WCAG
// 2.2, 1.4.3 and 1.4.11), on every background it stands on.
func TestContrast(t *testing.T) {
	const text, shape = 4.5, 3
	for _, tt := range []struct {
		front, back string
		least       float64
	}{
		{"color-black-base", "color-depth-light2", text},
		{"color-depth-dark1", "color-white-base", text},
		{"color-depth-dark1", "color-depth-light3", text},
		{"color-depth-dark1", "color-highlight-light4", text},
		{"color-depth-dark1", "color-depth-light2", text}, // a disabled button
		{"color-highlight-base", "color-white-base", text},
		{"color-highlight-base", "color-highlight-light4", text},
		{"color-highlight-base", "color-depth-light3", text},
		{"color-highlight-dark1", "color-highlight-light3", text},
		{"color-white-base", "color-highlight-base", text},
		{"color-white-base", "color-alert-base", text},
		{"color-white-base", "color-success-dark1", shape},
		{"color-alert-base", "color-white-base", text},
		{"color-alert-base", "color-alert-light1", text},
		{"color-brand-base", "color-depth-light3", text},
		{"color-accent-tertiary-dark1", "color-white-base", text},
		{"color-depth-dark2", "color-white-base", shape},
		{"color-success-dark1", "color-white-base", shape},
		{"color-accent-tertiary-dark1", "color-accent-tertiary-light1", shape},
		{"color-info-base", "color-info-light1", shape},
		{"hsl(36, 93%, 33%)", "color-warning-light1", shape},
	} {
		if got := contrast(luminance(t, tt.front), luminance(t, tt.back)); got < tt.least {
			t.Errorf("%s on %s: %.2f, want %.1f", tt.front, tt.back, got, tt.least)
		}
	}
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

var hsl = regexp.MustCompile(`^hsl\((\d+), (\d+)%, (\d+)%\)$`)

// luminance is the relative luminance of a token or an hsl() colour.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	if !strings.HasPrefix(color, "hsl") {
		_, rest, ok := strings.Cut(string(Bytes("tokens.css")), "--"+color+": ")
		if !ok {
			t.Fatalf("no token %s", color)
		}
		color, _, _ = strings.Cut(rest, ";")
	}
	m := hsl.FindStringSubmatch(color)
	if m == nil {
		t.Fatalf("%s is no hsl colour", color)
	}
	var v [3]float64
	for i := range v {
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			t.Fatal(fmt.Errorf("read %s: %w", color, err))
		}
		v[i] = float64(n)
	}
	h, s, l := v[0], v[1]/100, v[2]/100
	channel := func(n float64) float64 {
		k := math.Mod(n+h/30, 12)
		c := l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(0) + 0.7152*channel(8) + 0.0722*channel(4)
}
