package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/internal/app"
)

// The demo's Linnéa acts for her company, at the stand-in of Suomi.fi-valtuudet,
// and comes back as herself.
func TestActingForACompanyInTheDemo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg, err := app.DemoConfig(filepath.Join(t.TempDir(), "data"), listen)
	if err != nil {
		t.Fatal(err)
	}
	h, err := app.Open(t.Context(), cfg, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SeedDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second start goes on with the same keys and people
		stop, err := h.StartMandates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stop(context.Background()) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- h.Run(ctx, func(string) { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = h.Close()
	})
	<-ready

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	page := func(res *http.Response, err error) (at *url.URL, text string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // read only
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d: %.300s", res.Request.URL.Path, res.StatusCode, body)
		}
		return res.Request.URL, string(body)
	}
	base := "http://" + listen
	page(c.PostForm(base+"/login", url.Values{"person": {"demo-linnea"}, "hat": {"customer/"}}))
	if _, text := page(c.Get(base + "/for")); !strings.Contains(text, "/for/company") {
		t.Fatal("nothing offers to act for a company")
	}
	at, text := page(c.Get(base + "/for/company?next=/projects"))
	if at.Host == listen || !strings.Contains(text, "Vasasol Ab") || strings.Contains(text, "Kesälava") {
		t.Fatalf("at %s the choice is %.500s", at.Host, text)
	}
	at, text = choose(t, c, at, text)
	if at.Host != listen || at.Path != "/projects" || !strings.Contains(text, "Vasasol Ab") {
		t.Fatalf("back at %s: %.300s", at, text)
	}
	if strings.Contains(text, "Kesäkonsertti") {
		t.Error("the company's list shows a person's projects")
	}
	if _, text = page(c.PostForm(base+"/for/oneself", nil)); strings.Contains(text, "Vasasol Ab</") {
		t.Error("she still acts for the company")
	}
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}
