package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/app"
)

// call runs the command and returns its exit status and what it printed.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	complaints, err := os.CreateTemp(t.TempDir(), "err")
	if err != nil {
		t.Fatal(err)
	}
	code = run(t.Context(), args, out, complaints)
	read := func(f *os.File) string {
		body, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	return code, read(out), read(complaints)
}

func TestCommands(t *testing.T) {
	t.Setenv("LUVAT_DATABASE_URL", "")
	t.Setenv("LUVAT_SIGN_IN", filepath.Join(t.TempDir(), "none")) // only where the keys are looked at does it matter
	data := filepath.Join(t.TempDir(), "data")
	used := filepath.Join(t.TempDir(), "used")
	if err := os.MkdirAll(filepath.Join(used, "attachments"), 0o700); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.jsonl")
	if err := os.WriteFile(broken, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"version", []string{"version"}, 0, "luvat "},
		{"help", []string{"--help"}, 0, "Try the hub"},
		{"no command", nil, 2, "expected one of"},
		{"an unknown command", []string{"fly"}, 2, "unexpected argument fly"},
		{"migrate makes a database", []string{"migrate", "--data", data}, 0, "documents of content new"},
		{"migrate beside attachments", []string{"migrate", "--data", used}, 0, "documents of content new"},
		{"migrate again changes nothing", []string{"migrate", "--data", data}, 0, " 0 documents of content new"},
		{"check before the first start", []string{"check", "--data", data}, 1, "attachments is not there"},
		{"check, which made no folder", []string{"check", "--data", data}, 1, "attachments is not there"},
		{"check", []string{"check", "--data", used, "--deep"}, 0, "every chain holds"},
		{"check of a sign-in file that is not there", []string{"check", "--database", "sqlite:" + filepath.Join(data, "hub.db")}, 1, "LUVAT_SIGN_IN: open "},
		{"rotate without keys", []string{"keys", "rotate", "--data", data}, 1, "read the keys: open "},
		{"check says which hub", []string{"check"}, 1, "say which hub"},
		{"check of nothing", []string{"check", "--data", filepath.Join(data, "none")}, 1, "no such file"},
		{"export", []string{"export", "--data", data}, 0, `{"end":true,"entries":0,"streams":0}`},
		{"verify what is broken", []string{"verify", broken}, 1, "the chain is broken"},
		{"the demo on every address", []string{"demo", "--listen", "0.0.0.0:8080"}, 1, "loopback only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, complaints := call(t, tt.args...)
			if code != tt.code || !strings.Contains(out+complaints, tt.says) {
				t.Errorf("luvat %s: status %d, said %s%s; want %d and %q", strings.Join(tt.args, " "), code, out, complaints, tt.code, tt.says)
			}
		})
	}
}

// The hub of the environment is checked together with its configuration.
func TestCheckReadsTheConfiguration(t *testing.T) {
	files := t.TempDir()
	for name, value := range map[string]string{
		"LUVAT_BASE_URL": "https://luvat.example.fi", "LUVAT_DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), "LUVAT_ATTACHMENTS": files,
		"LUVAT_MAIL_FROM": "hub@example.fi", "LUVAT_SMTP_HOST": "mail.example.fi", "LUVAT_SIGN_IN": "",
	} {
		t.Setenv(name, value)
	}
	if code, out, complaints := call(t, "migrate"); code != 0 {
		t.Fatalf("migrate: status %d, said %s%s", code, out, complaints)
	}
	checks := func(want int, says ...string) {
		t.Helper()
		code, out, complaints := call(t, "check")
		if code != want || complaints != "" {
			t.Errorf("check: status %d, said %s%s; want %d", code, out, complaints, want)
		}
		for _, s := range says {
			if !strings.Contains(out, s) {
				t.Errorf("check does not say %q:\n%s", s, out)
			}
		}
	}
	checks(0, "ok    configuration whole")
	if made, err := os.ReadDir(files); err != nil || len(made) != 0 {
		t.Errorf("check made %v, %v", made, err)
	}
	missing := filepath.Join(files, "mistyped")
	t.Setenv("LUVAT_ATTACHMENTS", missing)
	checks(1, "ok    configuration", "WRONG attachments   the folder "+missing+" is not there")
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Errorf("check made the folder: %v", err)
	}
	t.Setenv("LUVAT_ATTACHMENTS", files)
	t.Setenv("LUVAT_MAIL_FROM", "hub")
	t.Setenv("LUVAT_SMTP_PORT", "no")
	t.Setenv("LUVAT_SIGN_IN", filepath.Join(files, "none"))
	checks(1, "WRONG configuration LUVAT_MAIL_FROM: ", "; LUVAT_SMTP_PORT: ", "; LUVAT_SIGN_IN: open ", "ok    ledger", "ok    attachments")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	return l.Addr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close() //nolint:errcheck // read whole
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestServeTellsWhatItLacks(t *testing.T) {
	if all := lacks(app.Config{Clamd: "127.0.0.1:3310"}, true); len(all) != 0 {
		t.Errorf("a hub that has all says that it lacks %q", all)
	}
	all := lacks(app.Config{}, false)
	if len(all) != 2 || !strings.Contains(all[0], "LUVAT_CLAMD") || !strings.Contains(all[1], "LUVAT_SIGN_IN") {
		t.Errorf("a hub without a scanner and sign-ins lacks %q", all)
	}
}

// Without sign-ins serve answers the survey and the catalogue and says
// that nobody can sign in; and it has no demo identities.
func TestServe(t *testing.T) {
	dir, addr := t.TempDir(), freePort(t)
	for name, value := range map[string]string{
		"LUVAT_LISTEN": addr, "LUVAT_BASE_URL": "http://" + addr, "LUVAT_DATABASE_URL": "sqlite:" + filepath.Join(dir, "hub.db"),
		"LUVAT_ATTACHMENTS": filepath.Join(dir, "files"), "LUVAT_MAIL_FROM": "hub@example.fi", "LUVAT_SMTP_HOST": "127.0.0.1", "LUVAT_SMTP_TLS": "none",
	} {
		t.Setenv(name, value)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, os.Stdout, os.Stderr) }()
	for end := time.Now().Add(30 * time.Second); ; {
		if code, _ := get(t, "http://"+addr+"/readyz"); code == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the hub is not ready after half a minute")
		}
		select {
		case code := <-ended:
			t.Fatalf("serve ended with status %d", code)
		case <-time.After(50 * time.Millisecond):
		}
	}
	for _, tt := range []struct {
		path string
		code int
		says string
	}{
		{"/", 200, "Luvat ja valvonta"},
		{"/survey", 200, "Tuotantolaitos"},
		{"/catalogue", 200, "Meluilmoitus"},
		{"/healthz", 200, "ok"},
		{"/metrics", 200, "luvat_outbox_dead 0"},
		{"/login", 200, "kirjautua"},
		{"/mailbox", 404, ""},
		{"/projects", 200, ""}, // led to the login
	} {
		code, body := get(t, "http://"+addr+tt.path+"?lang=fi")
		if code != tt.code || !strings.Contains(body, tt.says) {
			t.Errorf("GET %s: status %d; want %d and %q in it", tt.path, code, tt.code, tt.says)
		}
		if strings.Contains(body, "demo-") {
			t.Errorf("GET %s shows demo identities", tt.path)
		}
	}
	stop()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("serve ended with status %d", code)
		}
	case <-time.After(30 * time.Second):
		t.Error("serve did not end")
	}
}
