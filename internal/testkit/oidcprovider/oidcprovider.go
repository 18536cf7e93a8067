// Package oidcprovider runs an OpenID provider that others wrote, npm's
// oidc-provider, for tests of signing in.
//
//	p := oidcprovider.Start(t, oidcprovider.Options{…})
//	b := p.Browser(t)
//	at := b.SignIn(address, "aino", "") // address comes from Begin; at is what Finish gets
//
// It listens on a free port of this machine, keeps everything in memory and
// ends with the test. scripts/need.sh installs what it needs.
package oidcprovider

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options say what the provider knows.
type Options struct {
	Clients        []map[string]any          `json:"clients"` // client metadata of OpenID Connect
	People         map[string]map[string]any `json:"people"`  // claims by login name, which is the sub too
	Levels         []string                  `json:"levels"`  // acr values
	SignedRequests bool                      `json:"signedRequests"`
}

// A Provider is one that runs.
type Provider struct {
	Issuer string

	stop func()
}

// Start starts a provider.
func Start(t testing.TB, o Options) *Provider {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Dir(here)
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil {
		t.Fatal("oidc-provider is missing: run scripts/need.sh")
	}
	config, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	program, err := node(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--no-warnings", filepath.Join(dir, "server.mjs"))
	cmd.Dir = t.TempDir()
	log := &lines{}
	cmd.Stderr = log
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	p := &Provider{stop: sync.OnceFunc(func() {
		_ = in.Close() // it ends by itself …
		slow := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		slow.Stop()
		if t.Failed() {
			t.Logf("the provider said: %s", log)
		}
	})}
	t.Cleanup(p.Stop)
	slow := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer slow.Stop()
	if _, err := in.Write(append(config, '\n')); err != nil {
		t.Fatalf("tell the provider what it knows: %v %s", err, log)
	}
	var said struct{ Issuer string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&said); err != nil {
		t.Fatalf("the provider did not start: %v\n%s", err, log)
	}
	p.Issuer = said.Issuer
	return p
}

// node finds a Node.js that is new enough: the one that npm brought, or the
// machine's own. Debian 12 has 18, on which oidc-provider does not run.
func node(dir string) (string, error) {
	candidates, err := filepath.Glob(filepath.Join(dir, "node_modules", "node-linux-*", "bin", "node"))
	if err != nil {
		return "", err
	}
	var found []string
	for _, program := range append(candidates, "node") {
		out, err := exec.Command(program, "--version").Output()
		if err != nil {
			continue // not there, or of another kind of machine
		}
		said := strings.TrimSpace(string(out))
		major, _, _ := strings.Cut(strings.TrimPrefix(said, "v"), ".")
		if n, err := strconv.Atoi(major); err == nil && n >= 22 {
			return program, nil
		}
		found = append(found, program+" "+said)
	}
	return "", fmt.Errorf("no Node.js 22 or newer, only %q: run scripts/need.sh", found)
}

// Stop ends the provider and waits until it has.
func (p *Provider) Stop() { p.stop() }

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A Browser is a person's, without a window: it keeps cookies, follows
// redirects at the provider, and fills in its forms.
type Browser struct {
	t    testing.TB
	p    *Provider
	http *http.Client

	URL  *url.URL // where it is; outside the provider it only looks at the address
	Page string   // what it shows there, "" outside
}

// Browser opens a browser that the provider has never seen.
func (p *Provider) Browser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{t: t, p: p}
	b.http = &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		b.URL, b.Page = r.URL, ""
		if !p.here(r.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

func (p *Provider) here(u *url.URL) bool { return u.Scheme+"://"+u.Host == p.Issuer }

// Goto goes to an address of the provider's, and to wherever that leads.
func (b *Browser) Goto(address string) {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.URL = u
	answer, err := b.http.Get(address)
	b.see(answer, err)
}

func (b *Browser) see(answer *http.Response, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.p.here(b.URL) {
		b.Page = string(page)
	}
}

var (
	action = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// Submit posts the page's form with what is filled in.
func (b *Browser) Submit(filled url.Values) {
	b.t.Helper()
	if !strings.Contains(b.Page, "<form") {
		b.t.Fatalf("%s has no form: %s", b.URL, b.Page)
	}
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(b.Page, -1) {
		form.Set(field[1], field[2])
	}
	for name := range filled {
		form[name] = filled[name]
	}
	to := b.URL
	if found := action.FindStringSubmatch(b.Page); found != nil {
		var err error
		if to, err = b.URL.Parse(found[1]); err != nil {
			b.t.Fatal(err)
		}
	}
	b.URL = to
	answer, err := b.http.PostForm(to.String(), form)
	b.see(answer, err)
}

// SignIn goes to the address and signs in there, if it is asked to. It returns
// where the provider sends the browser with its answer.
func (b *Browser) SignIn(address, login, level string) *url.URL {
	b.t.Helper()
	b.Goto(address)
	if strings.Contains(b.Page, `name="login"`) {
		b.Submit(url.Values{"login": {login}, "acr": {level}})
	}
	return b.Away()
}

// Away returns where the provider has sent the browser.
func (b *Browser) Away() *url.URL {
	b.t.Helper()
	if b.p.here(b.URL) {
		b.t.Fatalf("the browser is still at the provider: %s: %s", b.URL, b.Page)
	}
	return b.URL
}

// String says where the browser is.
func (b *Browser) String() string { return fmt.Sprintf("%s: %s", b.URL, b.Page) }
