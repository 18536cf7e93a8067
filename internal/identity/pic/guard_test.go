package pic_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// revealers are the only places that read a code, by package, and why they must.
var revealers = map[string]string{
	"internal/app":                     "the invented codes of the demo's people",
	"internal/identity/mandate":        "the paths of the calls to Valtuudet, and what is sealed of a flow",
	"internal/identity/mandate/double": "answers as Valtuudet: of invented people",
}

// TestWhoRevealsCodes goes through the sources for calls of Reveal. Whoever adds
// one adds a line above, and so says why.
func TestWhoRevealsCodes(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	found := map[string]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil || filepath.ToSlash(dir) == "internal/identity/pic" {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Reveal" {
				found[filepath.ToSlash(dir)] = file
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, file := range found {
		if revealers[dir] == "" {
			t.Errorf("%s reveals personal identity codes; if it must, say why in the table of this test", file)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(revealers)) {
		if found[dir] == "" {
			t.Errorf("%s reveals nothing: take its line away", dir)
		}
	}
}
