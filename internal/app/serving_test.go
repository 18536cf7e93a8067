package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/app"
)

// A served is a hub that runs as luvat serve runs it.
type served struct {
	*app.Hub
	t         *testing.T
	base, dir string // its address, and a folder for files
	listen    string
}

// free returns an address of this machine that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was there
	return l.Addr().String()
}

// three is a text that is the same in all languages.
func three(s string) map[string]string { return map[string]string{"fi": s, "sv": s, "en": s} }

// serving runs a hub with the ways of signing in that settings makes. Its log
// must tell none of the secrets.
func serving(t *testing.T, now func() time.Time, settings func(*served) map[string]any, secrets ...string) *served {
	t.Helper()
	s := &served{t: t, listen: free(t), dir: t.TempDir()}
	s.base = "http://" + s.listen
	body, err := json.Marshal(settings(s))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "sign-in.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"LUVAT_LISTEN": s.listen, "LUVAT_BASE_URL": s.base, "LUVAT_DATABASE_URL": app.ContentURL(t), "LUVAT_ATTACHMENTS": filepath.Join(s.dir, "files"),
		"LUVAT_MAIL_FROM": "hub@luvat.example", "LUVAT_SMTP_HOST": "127.0.0.1", "LUVAT_SMTP_TLS": "none", "LUVAT_SIGN_IN": file,
	}
	cfg, err := app.ReadConfig(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	if s.Hub, err = app.Open(t.Context(), cfg, app.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Now: now}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func(string) { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = s.Close()
		for _, secret := range secrets {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log tells who came:\n%s", log.String())
			}
		}
	})
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("the hub did not start: %v", err)
	}
	return s
}

// A client is somebody's browser, as far as cookies go.
type client struct {
	*http.Client
	t *testing.T
}

func newClient(t *testing.T) client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return client{&http.Client{Jar: jar, Timeout: 30 * time.Second}, t}
}

// read returns where a request has led, and what stands there.
func (c client) read(res *http.Response, err error) (at *url.URL, text string) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.Request.URL, string(body)
}

func (c client) get(address string) (at *url.URL, text string) {
	c.t.Helper()
	return c.read(c.Get(address))
}

func (c client) post(address string, v url.Values) (at *url.URL, text string) {
	c.t.Helper()
	return c.read(c.PostForm(address, v))
}
