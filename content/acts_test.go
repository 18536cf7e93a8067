package content

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"testing"
)

// source is what a rule or a matter type rests on.
type source struct {
	Act      string   `json:"act"`
	Chapter  string   `json:"chapter"`
	Sections []string `json:"sections"`
	Annex    string   `json:"annex"`
	Page     string   `json:"page"`
}

type act struct {
	ID   string `json:"id"`
	Name text   `json:"name"`
	Page string `json:"page"`
}

var (
	actNumber  = regexp.MustCompile(`^([A-Z]/)?\d{1,4}/\d{1,4}$`)
	actWord    = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	host       = regexp.MustCompile(`^[a-z-]+\.fi$`)
	sectionRef = regexp.MustCompile(`^\d+( [a-z])?(–\d+)?$`)
)

// TestSources holds that the law behind everything is named in the one table
// of acts, in all languages, and that the table holds nothing else.
func TestSources(t *testing.T) {
	table := byID(t, decode[[]act](t, "acts.json"), func(a act) string { return a.ID })
	for id, a := range table {
		if !a.Name.complete() {
			t.Errorf("act %s: a name is missing", id)
		}
		if number := actNumber.MatchString(id); !number && !actWord.MatchString(id) || a.Page != "" && (number || !host.MatchString(a.Page)) {
			t.Errorf("act %s: it is neither a number nor a word, or its page %q is not one", id, a.Page)
		}
	}
	used := map[string]bool{}
	check := func(where string, all []source) {
		if len(all) == 0 {
			t.Errorf("%s: it rests on nothing", where)
		}
		for _, s := range all {
			used[s.Act] = true
			if _, found := table[s.Act]; !found && s.Act != "" || (s.Act == "") != host.MatchString(s.Page) {
				t.Errorf("%s: source %+v is no act of acts.json and no page", where, s)
			}
			for _, section := range s.Sections {
				if !sectionRef.MatchString(section) || !actNumber.MatchString(s.Act) {
					t.Errorf("%s: section %q of %s", where, section, s.Act)
				}
			}
		}
	}
	for id, m := range matters(t) {
		check(id, m.Basis)
	}
	names, err := fs.Glob(FS, "surveys/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		var s struct {
			Rules, Advice []struct {
				ID      string
				Source  string
				Sources []source
			}
		}
		raw, err := FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range append(s.Rules, s.Advice...) {
			check(name+" "+r.ID, r.Sources)
			if r.Source != "" {
				t.Errorf("%s %s: a source in one language", name, r.ID)
			}
		}
	}
	for id := range table {
		if !used[id] {
			t.Errorf("act %s: nothing rests on it", id)
		}
	}
}
