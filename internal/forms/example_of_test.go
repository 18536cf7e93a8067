package forms

import (
	"os"
	"path/filepath"
	"testing"
)

// Every form that editors wrote can be filled in: an example of each passes
// the check, with the least and with the most that can be answered.
func TestEveryFormCanBeFilledIn(t *testing.T) {
	folders, err := filepath.Glob("../../content/forms/*")
	if err != nil || len(folders) < 20 {
		t.Fatalf("%d forms, %v", len(folders), err)
	}
	for _, dir := range folders {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var body [3][]byte
			for i, name := range []string{"schema.json", "ui.json", "words.json"} {
				if body[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			f, err := Parse(filepath.Base(dir), body[0], body[1], body[2])
			if err != nil {
				t.Fatal(err)
			}
			for _, all := range []bool{false, true} {
				if _, err := f.Example(nil, all, func(string) string { return "0190b3a4-0000-7000-8000-000000000001" }); err != nil {
					t.Errorf("all %t: %v", all, err)
				}
			}
		})
	}
}
