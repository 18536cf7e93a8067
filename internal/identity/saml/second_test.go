package saml_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity/saml"
)

// TestTheSecondReader: it must find what the first has found, and what it warns
// of is an error. The first reader is made to err, for by itself it does not.
func TestTheSecondReader(t *testing.T) {
	nothing := func(saml.Found) {}
	for _, tt := range []struct {
		name  string
		other func(*answer)
		spoil func(saml.Found)
		ok    bool
	}{
		{"the same", nil, nothing, true},
		{"another assertion", nil, func(f saml.Found) { *f.ID = "_other" }, false},
		{"another name", nil, func(f saml.Found) { *f.Name = "evil" }, false},
		{"another session", nil, func(f saml.Found) { *f.Session = "_evil" }, false},
		{"another value", nil, func(f saml.Found) { f.Attributes["urn:oid:1.2.246.21"] = []string{attacker} }, false},
		{"one attribute more", nil, func(f saml.Found) { f.Attributes["urn:evil"] = nil }, false},
		{"one attribute less", nil, func(f saml.Found) { delete(f.Attributes, "urn:oid:1.2.246.21") }, false},
		{"a warning of the audience", func(a *answer) { a.audience = "https://other.example" }, nothing, false},
		{"a warning of the time", func(a *answer) { a.from = now.Add(time.Hour) }, nothing, false},
		{"a signature of another", func(a *answer) { a.signsResponse = keys.other }, nothing, false},
		{"a recipient of another", func(a *answer) { a.recipient = "https://other.example" }, nothing, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			memo, request := b.begin()
			first := good(request)
			second := good(request)
			if tt.other != nil {
				tt.other(&second)
			}
			err := b.SecondReader(memo, first.xml(t), second.xml(t), tt.spoil)
			if (err == nil) != tt.ok || err != nil && err.Error() != "the second reader disagrees with the first" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestSecurityFloor: below these versions signatures can be forged (goxmldsig,
// CVE-2026-33487), and gosaml2 alone would select one of them.
func TestSecurityFloor(t *testing.T) {
	gomod, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for module, floor := range map[string][3]int{
		"github.com/russellhaering/goxmldsig": {1, 6, 1},
		"github.com/beevik/etree":             {1, 6, 0},
	} {
		var v [3]int
		_, line, _ := strings.Cut(string(gomod), "\t"+module+" v")
		if _, err := fmt.Sscanf(line, "%d.%d.%d", &v[0], &v[1], &v[2]); err != nil {
			t.Fatalf("%s: %v", module, err)
		}
		if v[0]*1e6+v[1]*1e3+v[2] < floor[0]*1e6+floor[1]*1e3+floor[2] {
			t.Errorf("%s is of version %v, below %v", module, v, floor)
		}
	}
}
