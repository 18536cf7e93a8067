package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// A Violation is a rule of accessibility that the page breaks, with the places.
type Violation struct {
	Rule   string  `json:"id"`
	Impact string  `json:"impact"`
	Help   string  `json:"help"`
	More   string  `json:"helpUrl"`
	Places []Place `json:"nodes"`
}

// A Place is an element that breaks a rule.
type Place struct {
	Target []any  `json:"target"` // CSS selectors
	HTML   string `json:"html"`
	Why    string `json:"failureSummary"`
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s, %s", v.Rule, v.Impact, v.Help, v.More)
	for _, place := range v.Places {
		fmt.Fprintf(&b, "\n  %v\n    %s\n    %s", place.Target, place.HTML, strings.ReplaceAll(place.Why, "\n", "\n    "))
	}
	return b.String()
}

// Axe fails the test for every rule of WCAG 2.2, levels A and AA, that axe-core
// finds the page to break.
func Axe(t testing.TB, p *Page) {
	t.Helper()
	for _, v := range p.Violations() {
		t.Errorf("%s (%s) breaks %s", p.URL(), p.Title(), v)
	}
}

// Violations lists the rules that axe-core finds broken.
func (p *Page) Violations() []Violation {
	p.t.Helper()
	source, err := axe()
	if err != nil {
		p.t.Fatal(err)
	}
	if !p.options.JavaScript {
		// Axe needs timers. The page's own scripts do not start any more.
		defer p.scripts(false)
		p.scripts(true)
	}
	there, err := evaluate[bool](p, `typeof axe === "object"`)
	if err == nil && !there {
		_, err = evaluate[any](p, source+"\n;undefined")
	}
	if err != nil {
		p.fatal("give axe-core to the page: %v", err)
	}
	// As text, for the answer of axe is full of what cannot be sent.
	text, err := evaluate[string](p, `axe.run(document, {
		runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
		resultTypes: ["violations"], preload: false, // what it would load once more, only rules read that are not asked for
	}).then(r => JSON.stringify(r.violations))`)
	if err != nil {
		p.fatal("run axe-core: %v", err)
	}
	var found []Violation
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		p.fatal("read what axe-core found: %v", err)
	}
	return found
}

// axe reads axe-core from the folder e2e of the repository.
var axe = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("axe-core is looked for below the folder of go.mod, and there is none")
		}
		dir = up
	}
	source, err := os.ReadFile(filepath.Join(dir, "e2e", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		return "", fmt.Errorf("axe-core is missing: run scripts/need.sh, or npm ci in e2e (%w)", err)
	}
	return string(source), nil
})

func (p *Page) scripts(on bool) {
	p.t.Helper()
	if err := call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		p.t.Errorf("turn JavaScript on or off: %v", err)
	}
}
