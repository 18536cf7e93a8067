package main

import (
	"strings"
	"testing"
)

func TestFailuresAreShownAndTheRestIsNot(t *testing.T) {
	var out strings.Builder
	r := reader{runs: map[string]*run{}, builds: map[string]string{}, out: &out}
	events := `{"Action":"run","Package":"luvat/a","Test":"TestGood"}
{"Action":"output","Package":"luvat/a","Test":"TestGood","Output":"silent\n"}
{"Action":"pass","Package":"luvat/a","Test":"TestGood"}
{"Action":"output","Package":"luvat/a","Test":"TestBad/part","Output":"    a_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"luvat/a","Test":"TestBad/part"}
{"Action":"fail","Package":"luvat/a","Test":"TestBad"}
{"Action":"skip","Package":"luvat/a","Test":"TestLater"}
{"Action":"output","Package":"luvat/a","Output":"FAIL\n"}
{"Action":"fail","Package":"luvat/a","Elapsed":1.5}
{"Action":"skip","Package":"luvat/empty"}
{"ImportPath":"luvat/b","Action":"build-output","Output":"b.go:1: undefined: x\n"}
{"ImportPath":"luvat/b","Action":"build-fail"}
{"Action":"fail","Package":"luvat/b","FailedBuild":"luvat/b"}
{"Action":"output","Package":"luvat/c","Test":"TestHangs","Output":"panic: test timed out\n"}
go: something is wrong
`
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FAIL  a ", "got 1, want 2", "skipped: TestLater", "FAIL  b ", "undefined: x", "go: something is wrong"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not told:\n%s", want, out.String())
		}
	}
	for _, no := range []string{"silent", "empty"} {
		if strings.Contains(out.String(), no) {
			t.Errorf("%q is told:\n%s", no, out.String())
		}
	}
	if got := r.summary(); got != "1 tests in 2 packages (1 skipped) (2 failed)" {
		t.Errorf("summary %q", got)
	}
	if len(r.runs) != 1 {
		t.Errorf("packages that did not end: %d, want 1", len(r.runs))
	}
}
