package main

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// asItself makes this test's program luvat itself, so that tests can start it.
const asItself = "LUVAT_TEST_AS_ITSELF"

func TestMain(m *testing.M) {
	if os.Getenv(asItself) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A started demo is a process, and what it has printed.
type started struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string // its address as it told it, with / at the end
	text chan string
	told strings.Builder // what it complained of
}

var isReady = regexp.MustCompile(`is ready: (http://127\.0\.0\.1:[1-9][0-9]*/)`)

// startDemo starts a demo over a folder and returns once it says that it is
// ready.
func startDemo(t *testing.T, data string) *started {
	t.Helper()
	s := &started{t: t, cmd: exec.Command(os.Args[0], "demo", "--data", data, "--listen", "127.0.0.1:0"), text: make(chan string, 1)}
	s.cmd.Env = append(os.Environ(), asItself+"=1")
	s.cmd.Stderr = &s.told
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	late := time.AfterFunc(2*time.Minute, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	ready := make(chan string)
	go func() {
		lines := bufio.NewScanner(out)
		var all []string
		for lines.Scan() {
			all = append(all, lines.Text())
			if m := isReady.FindStringSubmatch(lines.Text()); m != nil && len(all) == 1 {
				ready <- m[1]
			}
		}
		close(ready)
		s.text <- strings.Join(all, "\n")
	}()
	s.base = <-ready
	if s.base == "" {
		text := <-s.text
		_ = s.cmd.Wait() // whatever its status
		t.Fatalf("the demo did not say first where it is ready: %s%s", text, &s.told)
	}
	return s
}

// end presses Ctrl-C and returns what the demo has printed.
func (s *started) end() string {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	text := <-s.text
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the demo ended with %v; want status 0", err)
	}
	if s.told.Len() > 0 {
		s.t.Errorf("the demo complained: %s", &s.told)
	}
	return text
}

// A guest is a browser at the demo.
type guest struct {
	*http.Client
	s *started
}

func (s *started) guest() guest {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	g := guest{&http.Client{Jar: jar, Timeout: time.Minute}, s}
	g.ask("login", url.Values{"person": {"demo-aino"}})
	return g
}

// ask opens a page, or posts a form when there is one, and returns what stands
// where it leads.
func (g guest) ask(path string, form url.Values) string {
	g.s.t.Helper()
	ask := func() (*http.Response, error) { return g.Get(g.s.base + path) }
	if form != nil {
		ask = func() (*http.Response, error) { return g.PostForm(g.s.base+path, form) }
	}
	res, err := ask()
	if err != nil {
		g.s.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var b strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&b); err != nil || res.StatusCode != http.StatusOK {
		g.s.t.Fatalf("/%s: status %d, %v", path, res.StatusCode, err)
	}
	return b.String()
}

var toProject = regexp.MustCompile(`href="(/projects/[0-9a-f-]{36})"`)

func (g guest) projects() []string {
	g.s.t.Helper()
	var all []string
	for _, m := range toProject.FindAllStringSubmatch(g.ask("projects", nil), -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The demo as a newcomer starts it: it tells where it is and five things to try,
// ends with Ctrl-C, and a second start goes on where the first one ended.
func TestDemo(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := startDemo(t, data)
	for _, path := range []string{"healthz", "readyz"} {
		if code, body := get(t, first.base+path); code != http.StatusOK || body != "ok\n" {
			t.Errorf("/%s: status %d, %q", path, code, body)
		}
	}
	g := first.guest()
	seeded := g.projects()
	if len(seeded) == 0 {
		t.Fatal("the demo has no projects")
	}
	g.ask("projects/new", url.Values{"entity": {"event"}, "municipality": {"837"}, "name": {"Pihajuhla"}, "type": {"rescue-plan"}})
	grown := g.projects()
	if len(grown) != len(seeded)+1 {
		t.Fatalf("%d projects before and %d after starting one", len(seeded), len(grown))
	}
	if mails := g.ask("mailbox", nil); !strings.Contains(mails, first.base) || strings.Contains(mails, "127.0.0.1:0/") {
		t.Error("the mails of the demo do not lead to its address")
	}
	said := first.end()
	if !strings.Contains(said, data) || !strings.Contains(said, "Ctrl-C") || !strings.Contains(said, first.base+"mailbox") {
		t.Errorf("the demo does not tell where its data are, how it ends and where its mails are:\n%s", said)
	}
	_, tries, _ := strings.Cut(said, "Try this:\n")
	numbered := regexp.MustCompile(`(?m)^  ([1-9])\. \S.*$`).FindAllStringSubmatch(tries, -1)
	if lines := strings.Split(tries, "\n"); len(lines) != 5 || len(numbered) != 5 || numbered[0][1] != "1" || numbered[4][1] != "5" {
		t.Errorf("the demo says %d lines of what to try; want five:\n%s", len(lines), said)
	}

	second := startDemo(t, data)
	if got := second.guest().projects(); !slices.Equal(got, grown) {
		t.Errorf("after a second start Aino has the projects %v; want %v", got, grown)
	}
	second.end()
	if code, out, complaints := call(t, "check", "--data", data, "--deep"); code != 0 {
		t.Errorf("luvat check: status %d\n%s%s", code, out, complaints)
	}
}
