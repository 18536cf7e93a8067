// Package arrows holds the table of which package may know which, and the test
// that compares it with the import lines. It has no code of its own.
//
// Arrows point down: doors, hearts, nouns, ground. Doors do not know each
// other, nor do hearts. What two doors need belongs in a heart or in dossier,
// what two hearts need in a noun. A new row or a new arrow needs a reason in
// docs/adr.
package arrows

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "luvat/"

var (
	ground = []string{"db", "fail", "i18n", "ledger", "outbox"}
	nouns  = with(ground, "attach", "catalogue", "forms", "identity", "pdf", "survey")
	hearts = with(nouns, "matter", "onboarding", "dossier")
	area   = with(hearts, "web/site", "web/ui", "web/static") // an area of the pages
)

// may lists what each package may import of ours, in its non-test files. A
// package stands here by its path below internal, or else below the root.
var may = map[string][]string{
	// The program: commands know how to start, and app what to start.
	"cmd/luvat": {"app", "bench"},
	"app": with(hearts, "content", "delivery", "demo", "identity/card", "identity/machine", "identity/mandate", "identity/mandate/double", "identity/oidc", "identity/pic",
		"identity/saml", "web", "web/public", "web/site"),

	// Doors. Each area of the pages stands alone: what two areas draw alike is
	// in web/site (who is asking, errors, the frame) or web/ui (components).
	"web":          with(hearts, "web/account", "web/customer", "web/officer", "web/public", "web/site", "web/static", "web/ui"),
	"web/account":  with(area, "identity/machine"), // whose lead issues what machines show (ADR 0016)
	"web/customer": area,
	"web/officer":  area,
	"web/public":   area,
	"web/site":     with(hearts, "identity/machine", "web/static", "web/ui"), // which machine asks (ADR 0016)
	"web/ui":       {"forms", "i18n", "web/static"},
	"web/static":   {},
	"delivery":     hearts,
	"demo":         with(hearts, "content", "delivery"), // lives the demo's past through the Desk
	"bench":        hearts,                              // does what many people do, and measures

	// What two doors make of a matter: its documents.
	"dossier": {"attach", "catalogue", "db", "fail", "forms", "i18n", "identity", "ledger", "matter", "pdf"},

	// Hearts.
	"matter":     nouns,
	"onboarding": nouns, // not there yet: its place, see docs/architecture.md

	// Nouns. An offer names its form and its rules; who is asking is logged.
	// Forms, survey and pdf do no I/O: no db.
	"attach":           {"db", "fail", "i18n"},
	"catalogue":        {"db", "fail", "forms", "i18n", "survey"},
	"forms":            {"fail", "forms/place", "i18n"},
	"forms/place":      {"i18n"}, // coordinates as people copy them (ADR 0018)
	"identity":         {"db", "fail", "i18n", "identity/pic", "ledger", "outbox"},
	"identity/card":    {"identity"},
	"identity/machine": {"db", "fail", "i18n", "identity", "ledger"},
	"identity/mandate": {"i18n", "identity", "identity/pic"},
	// The stand-in of Suomi.fi-valtuudet; it knows nothing of its client.
	"identity/mandate/double": {"i18n", "identity/pic"},
	"identity/oidc":           {"i18n", "identity"},
	"identity/pic":            {},
	"identity/saml":           {"i18n", "identity"},
	"pdf":                     {"i18n", "pdf/internal/ttf"},
	"pdf/internal/ttf":        {},
	"pdf/internal/makefonts":  {"pdf/internal/ttf"}, // a command: writes the fonts
	"survey":                  {"fail", "i18n"},

	// Ground.
	"ledger": {"db", "fail"},
	"outbox": {"db", "fail"},
	"db":     {"fail"},
	"fail":   {},
	"i18n":   {},

	// Data, read by app alone; and what is for tests and builds only, which no
	// row above names.
	"content":              {},
	"arrows":               {},
	"e2e":                  {},
	"testkit":              {"db"},
	"testkit/browser":      {},
	"testkit/smtpsink":     {},
	"testkit/oidcprovider": {},
	"testkit/pki":          {},
	"testkit/simplesaml":   {},
	"scripts/report":       {},
}

// only lists the foreign modules that one place of ours wraps, with the place.
var only = map[string][]string{
	// Nobody else tells SQLite from PostgreSQL.
	"modernc.org/sqlite":                       {"db"},
	"github.com/jackc/pgx/v5":                  {"db", "testkit"},
	"github.com/pressly/goose/v3":              {"db"},
	"github.com/wneessen/go-mail":              {"delivery"},
	"cel.dev/cel-go":                           {"survey"},
	"github.com/santhosh-tekuri/jsonschema/v6": {"forms"},
	"golang.org/x/crypto/ocsp":                 {"identity/card", "testkit/pki"},
	"github.com/coreos/go-oidc/v3":             {"identity/oidc"},
	"golang.org/x/oauth2":                      {"identity/oidc"},
	"github.com/go-jose/go-jose/v4":            {"identity/machine", "identity/mandate", "identity/mandate/double", "identity/oidc"},

	// Whoever reads SAML goes through the one gate.
	"github.com/beevik/etree":                       {"identity/saml", "testkit/simplesaml"},
	"github.com/mattermost/xml-roundtrip-validator": {"identity/saml"},
	"github.com/russellhaering/gosaml2":             {"identity/saml"},
	"github.com/russellhaering/goxmldsig":           {"identity/saml", "testkit/simplesaml"},

	// For tests.
	"github.com/chromedp":      {"testkit/browser"},
	"github.com/emersion":      {"testkit/smtpsink"},
	"github.com/google/go-cmp": {},
	"github.com/pdfcpu/pdfcpu": {},
	"pgregory.net/rapid":       {},
	"testing":                  {"testkit", "testkit/browser", "testkit/oidcprovider", "testkit/pki", "testkit/simplesaml", "testkit/smtpsink"},
}

func with(list []string, more ...string) []string { return slices.Concat(list, more) }

func TestArrows(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	packages := imports(t, root)
	if len(packages) < 10 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		allowed, ok := may[name]
		if !ok {
			t.Errorf("package %s has no row in the table of arrows", name)
			continue
		}
		for imported, file := range packages[name] {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if ours = short(ours); !slices.Contains(allowed, ours) {
					t.Errorf("%s imports %s, and %s may import only %v", file, ours, name, allowed)
				}
				continue
			}
			for foreign, places := range only {
				if (imported == foreign || strings.HasPrefix(imported, foreign+"/")) && !slices.Contains(places, name) {
					t.Errorf("%s imports %s, which is for %v and for tests", file, imported, places)
				}
			}
		}
	}
}

// TestTheTablePointsDown keeps the table itself honest: no package stands, by
// way of others, above itself.
func TestTheTablePointsDown(t *testing.T) {
	var walk func(name string, above []string)
	walk = func(name string, above []string) {
		if slices.Contains(above, name) {
			t.Fatalf("the table goes round in a circle: %s", strings.Join(append(above, name), " -> "))
		}
		for _, below := range may[name] {
			if _, ok := may[below]; !ok {
				t.Errorf("%s may import %s, which has no row", name, below)
			}
			walk(below, append(slices.Clone(above), name))
		}
	}
	for name := range may {
		walk(name, nil)
	}
}

// another tells whether a folder is a module of its own, such as our tools.
func another(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// imports reads the import lines of all non-test files: by package and import,
// the first file that has it.
func imports(t *testing.T, root string) map[string]map[string]string {
	packages := map[string]map[string]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "node_modules" || name == "testdata" || another(file)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		key := short(filepath.ToSlash(dir))
		if packages[key] == nil {
			packages[key] = map[string]string{}
		}
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, line := range parsed.Imports {
			imported, err := strconv.Unquote(line.Path.Value)
			if err != nil {
				return err
			}
			if packages[key][imported] == "" {
				packages[key][imported] = path.Join(filepath.ToSlash(dir), name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func short(dir string) string { return strings.TrimPrefix(dir, "internal/") }
