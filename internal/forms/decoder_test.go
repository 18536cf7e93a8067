package forms

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode holds the decoder against encoding/json: what both take must be
// the same value.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : [ 1 , "x" , true , false , null , { } , [ ] ] } `, `{"ä\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00\ud800":"\u0041"}`,
		`[]`, `"x"`, `-12.50`, `{"a":1,"a":2}`, `{"a":1} x`, `{"a" :{"b":[[1],[2,{"c":"]}"}]]}}`, "{\"a\":\"\u2028\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := (&decoder{maxDepth: 64}).decode(data)
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("taken, but encoding/json says %v", err)
		}
		var problems Problems
		if diff := cmp.Diff(normal(want, 1, &problems), got); diff != "" && len(problems) == 0 {
			t.Errorf("differs (-want +got):\n%s", diff)
		}
	})
}
