package arrows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// owner lists the tables of each package. It alone writes there; others ask it.
var owner = map[string][]string{
	"attach":    {"attachments"},
	"catalogue": {"content", "content_current", "offers", "offer_places", "survey_results"},
	"delivery":  {"mailbox"},
	"identity": {
		"access_requests", "attempts", "authority_ways", "grants", "identifiers", "last_uses", "officer_mandates", "people", "principals", "sessions", "successors", "used_messages",
	},
	"identity/machine": {"machines", "machine_credentials", "machine_tokens"},
	"ledger":           {"ledger", "ledger_heads", "reads"},
	"matter": {
		"completion_requests", "counters", "decisions", "draft_versions", "invitations", "matters", "members", "messages", "notices", "projects", "seen", "shares",
		"submissions", "words",
	},
	"outbox": {"outbox"},
}

// guests lists who else may read a table, which must be rare: a list that shows
// a name of another table in each row would ask once a row.
var guests = map[string][]string{
	"people":      {"matter", "demo"}, // names in lists, addresses of notices; demo: its own people
	"offers":      {"matter", "demo"}, // months to keep, addresses of notices; demo: its own offers
	"ledger":      {"matter", "demo"}, // its check of submissions; demo: its own stories find where they stopped
	"matters":     {"demo"},           // its stories, as the rest of demo's
	"outbox":      {"demo"},
	"invitations": {"demo"},
	"counters":    {"demo"},
	"projects":    {"demo", "catalogue"}, // a survey's result is kept while a project names it
}

// writers lists who else may write to a table.
var writers = map[string][]string{"counters": {"demo"}} // how far the demo's stories have come

var (
	created = regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)`)
	read    = regexp.MustCompile(`\b(?:FROM|JOIN)\s+([a-z_]+)`)
	written = regexp.MustCompile(`\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)`)
)

// TestTablesHaveOneOwner compares the SQL of every package with who owns what.
// bench, which writes what a bare loop would, is left out.
func TestTablesHaveOneOwner(t *testing.T) {
	owned := map[string]string{}
	for name, tables := range owner {
		for _, table := range tables {
			owned[table] = name
		}
	}
	for table := range tablesMade(t) {
		if owned[table] == "" {
			t.Errorf("table %s has no owner", table)
		}
	}
	used := map[string]bool{}
	each(t, func(name, file, text string) {
		check := func(what string, found [][]string, also map[string][]string) {
			for _, m := range found {
				table := m[1]
				switch {
				case owned[table] == "" || owned[table] == name:
				case slices.Contains(also[table], name):
					used[table+" "+name] = true
				default:
					t.Errorf("%s %s %s, which is %s's", file, what, table, owned[table])
				}
			}
		}
		check("writes to", written.FindAllStringSubmatch(text, -1), writers)
		check("reads", read.FindAllStringSubmatch(written.ReplaceAllString(text, ""), -1), guests)
	})
	for _, list := range []map[string][]string{guests, writers} {
		for table, names := range list {
			for _, name := range names {
				if !used[table+" "+name] {
					t.Errorf("%s does not use %s any more: take it off the list", name, table)
				}
			}
		}
	}
}

func tablesMade(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "db", "migrations", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	tables := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range created.FindAllSubmatch(text, -1) {
			tables[string(m[1])] = true
		}
	}
	return tables
}

// each calls fn for every string of every package that is not for tests.
func each(t *testing.T, fn func(name, file, text string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(file), ".."+string(filepath.Separator)))
		if name == "bench" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil {
					fn(name, file, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
