// Report reads the events of go test -json and tells them to people: a line
// for every package, and all that a failing test said. It keeps silent about
// what passed.
//
// It fails when a test failed, when nothing was tested, and when the events
// stop before a package ends.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// An event is one line of go test -json; go doc test2json tells its fields.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	FailedBuild string
	Test        string
	Elapsed     float64
	Output      string
}

// A run is what is known of one package.
type run struct {
	output  map[string]*strings.Builder // by test; "" is the package's own
	order   []string                    // of output's keys, as they came
	passed  int                         // tests at the top, without their parts
	failed  int
	skipped []string
}

func main() {
	summary := flag.String("summary", "", "write the count of tests into this file")
	flag.Parse()
	r := reader{runs: map[string]*run{}, builds: map[string]string{}, out: os.Stdout}
	if err := r.read(os.Stdin); err != nil {
		fmt.Println("FAIL ", err)
		r.failed++
	}
	for name, p := range r.runs { // go test died before the package ended
		fmt.Println("FAIL ", short(name), "did not end")
		r.tell(p)
		r.failed++
	}
	if r.packages == 0 {
		fmt.Println("FAIL  no package was tested")
		r.failed++
	}
	if *summary != "" {
		if err := os.WriteFile(*summary, []byte(r.summary()+"\n"), 0o644); err != nil {
			fmt.Println("FAIL ", err)
			r.failed++
		}
	}
	if r.failed > 0 {
		os.Exit(1)
	}
}

type reader struct {
	runs   map[string]*run   // packages under way
	builds map[string]string // what the compiler said, by import path
	out    io.Writer

	packages, passed, failed, skipped int
}

func (r *reader) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// line takes one line. What is no event comes from go itself, and is shown.
func (r *reader) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		if !strings.HasPrefix(line, "go: downloading ") {
			fmt.Fprint(r.out, line)
		}
		return
	}
	switch e.Action {
	case "build-output":
		r.builds[e.ImportPath] += e.Output
		return
	case "build-fail":
		return
	}
	p := r.runs[e.Package]
	if p == nil {
		p = &run{output: map[string]*strings.Builder{}}
		r.runs[e.Package] = p
	}
	switch {
	case e.Action == "output":
		p.write(e.Test, e.Output)
	case e.Test != "":
		r.test(p, e)
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		r.end(p, e)
	}
}

func (p *run) write(test, text string) {
	b := p.output[test]
	if b == nil {
		b = &strings.Builder{}
		p.output[test] = b
		p.order = append(p.order, test)
	}
	b.WriteString(text)
}

func (r *reader) test(p *run, e event) {
	top := !strings.Contains(e.Test, "/")
	switch e.Action {
	case "pass":
		delete(p.output, e.Test)
		if top {
			p.passed++
		}
	case "skip":
		delete(p.output, e.Test)
		p.skipped = append(p.skipped, e.Test)
	case "fail":
		if top {
			p.failed++
		}
	}
}

func (r *reader) end(p *run, e event) {
	delete(r.runs, e.Package)
	if e.Action == "skip" { // no test files
		return
	}
	r.packages++
	r.passed += p.passed
	r.skipped += len(p.skipped)
	name := short(e.Package)
	if e.Action == "pass" {
		fmt.Fprintf(r.out, "ok    %-28s %4d tests %7.1f s\n", name, p.passed, e.Elapsed)
	} else {
		fmt.Fprintf(r.out, "FAIL  %-28s %4d tests passed %.1f s\n", name, p.passed, e.Elapsed)
		r.failed += max(p.failed, 1) // what is not built or falls over has no failed test
		if e.FailedBuild != "" {
			fmt.Fprint(r.out, indent(r.builds[e.FailedBuild]))
		}
		r.tell(p)
	}
	slices.Sort(p.skipped)
	for _, test := range p.skipped {
		fmt.Fprintf(r.out, "      skipped: %s\n", test)
	}
}

// tell shows what the tests said that failed or did not end, and the package
// itself: panics, data races, deadlines.
func (r *reader) tell(p *run) {
	for _, test := range p.order {
		if b := p.output[test]; b != nil {
			fmt.Fprint(r.out, indent(b.String()))
		}
	}
}

func (r *reader) summary() string {
	s := fmt.Sprintf("%d tests in %d packages", r.passed, r.packages)
	if r.skipped > 0 {
		s += fmt.Sprintf(" (%d skipped)", r.skipped)
	}
	if r.failed > 0 {
		s += fmt.Sprintf(" (%d failed)", r.failed)
	}
	return s
}

// indent moves text to the right, leaves out the lines that say nothing, and
// cuts the middle out of what nobody would read to the end.
func indent(text string) string {
	const head, tail = 150, 50
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if !noise(line) {
			lines = append(lines, "      "+line)
		}
	}
	if cut := len(lines) - head - tail; cut > 0 {
		lines = slices.Concat(lines[:head], []string{fmt.Sprintf("      … %d lines left out; all of them are in .tools/log …", cut)}, lines[len(lines)-tail:])
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func noise(line string) bool {
	line = strings.TrimSpace(line)
	for _, p := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "FAIL\tluvat"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return line == "" || line == "FAIL" || line == "PASS" || line == "exit status 1"
}

func short(name string) string {
	return cmp.Or(strings.TrimPrefix(name, "luvat/"), "go test")
}
