package forms

import (
	"io/fs"
	"os"
	"testing"
)

// readContentForm reads one form of the content.
func readContentForm(t testing.TB, content fs.FS, id string) (schema, ui, words []byte) {
	t.Helper()
	read := func(name string) []byte {
		body, err := fs.ReadFile(content, id+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	return read("schema.json"), read("ui.json"), read("words.json")
}

// contentForms returns the ids of all forms of the content.
func contentForms(t testing.TB, content fs.FS) []string {
	t.Helper()
	entries, err := fs.ReadDir(content, ".")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	if len(ids) == 0 {
		t.Fatal("no forms found")
	}
	return ids
}

// TestContentForms reads every form of the hub: none may have a mistake, what
// its pages show must be read back the same, and what it wants must be shown.
func TestContentForms(t *testing.T) {
	content := os.DirFS("../../content/forms")
	terms := map[string]bool{}
	var all []*Form
	for _, id := range contentForms(t, content) {
		t.Run(id, func(t *testing.T) {
			schema, ui, words := readContentForm(t, content, id)
			f, err := Parse(id, schema, ui, words)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
			for term := range f.Terms() {
				terms[term] = true
			}
			if len(f.Fields(nil)) == 0 {
				t.Error("nothing to draw on an empty form")
			}
			drawnIsRead(t, f)
			problemsAreShown(t, f)
			requiredIsTold(t, f)
		})
	}
	for _, f := range all {
		asked, _ := f.Common()
		for _, term := range asked {
			if !terms[term] {
				t.Errorf("form %s asks for the term %q, which no common form owns", f.ID(), term)
			}
		}
	}
}
