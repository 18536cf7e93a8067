package forms

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name, base, theirs, mine, want string
		conflicts                      []string
	}{
		{"different fields", `{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":1,"b":2}`, `{"a":2,"b":2}`, nil},
		{"the same change", `{"a":1}`, `{"a":2}`, `{"a":2}`, `{"a":2}`, nil},
		{"both changed", `{"a":1}`, `{"a":2}`, `{"a":3}`, `{"a":3}`, []string{"a"}},
		{"they emptied, I did not touch", `{"a":1}`, `{}`, `{"a":1}`, `{}`, nil},
		{"they emptied, I changed", `{"a":1}`, `{}`, `{"a":2}`, `{"a":2}`, []string{"a"}},
		{"I emptied, they changed", `{"a":1}`, `{"a":2}`, `{}`, `{}`, []string{"a"}},
		{"parts of a group", `{"g":{"a":1,"b":1}}`, `{"g":{"a":2,"b":1}}`, `{"g":{"a":1,"b":2}}`, `{"g":{"a":2,"b":2}}`, nil},
		{"parts of a new group", `{}`, `{"g":{"a":2}}`, `{"g":{"b":2,"a":3}}`, `{"g":{"a":3,"b":2}}`, []string{"g.a"}},
		{"a group emptied by both, in parts", `{"g":{"a":1,"b":1}}`, `{"g":{"a":1}}`, `{"g":{"b":1}}`, `{}`, nil},
		{"rows are one field", `{"r":[1,2]}`, `{"r":[1,2,3]}`, `{"r":[0,2]}`, `{"r":[0,2]}`, []string{"r"}},
		{"rows changed by one", `{"r":[1,2]}`, `{"r":[1,2,3]}`, `{"r":[1,2],"a":1}`, `{"a":1,"r":[1,2,3]}`, nil},
		{"conflicts in order", `{}`, `{"b":1,"a":1}`, `{"b":2,"a":2}`, `{"a":2,"b":2}`, []string{"a", "b"}},
		{"one number written in two ways", `{"a":1}`, `{"a":1.0}`, `{"a":2}`, `{"a":2}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			merged, conflicts := Merge(sample(t), parse(t, tt.base), parse(t, tt.theirs), parse(t, tt.mine))
			if got := text(t, merged); got != tt.want || !slices.Equal(conflicts, tt.conflicts) {
				t.Errorf("Merge = %s, conflicts %v; want %s, %v", got, conflicts, tt.want, tt.conflicts)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	f := sample(t)
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"nothing", `{"title":"a","guards":1}`, `{"guards":1.0,"title":"a","story":""}`, []string{}},
		{"in the order of the layout", `{"title":"a","height":1}`, `{"kind":"fair","title":"b"}`, []string{"kind: <nil> → fair", "title: a → b", "height: 1 → <nil>"}},
		{"parts of a group", `{"place":{"name":"a","lat":60}}`, `{"place":{"name":"a","lat":61}}`, []string{"place.lat: 60 → 61"}},
		{"a cell", `{"guard_list":[{"name":"A"},{"name":"B"}]}`, `{"guard_list":[{"name":"A"},{"name":"C"}]}`, []string{"guard_list.1.name: B → C"}},
		{"a row between", `{"guard_list":[{"name":"A"},{"name":"B"}]}`, `{"guard_list":[{"name":"A"},{"name":"X"},{"name":"B"}]}`, []string{"guard_list.1: <nil> → map[name:X]"}},
		{"a row gone", `{"guard_list":[{"name":"A"},{"name":"B"}]}`, `{"guard_list":[{"name":"B"}]}`, []string{"guard_list.0: map[name:A] → <nil>"}},
		{"all rows gone", `{"guard_list":[{"name":"A"}]}`, `{}`, []string{"guard_list.0: map[name:A] → <nil>"}},
		{"choices are one", `{"audience":["all"]}`, `{"audience":["all","elderly"]}`, []string{"audience: [all] → [all elderly]"}},
		{"what the form does not know", `{"old":1}`, `{}`, []string{"old: 1 → <nil>"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := []string{}
			for _, c := range Diff(f, parse(t, tt.old), parse(t, tt.new)) {
				got = append(got, fmt.Sprintf("%s: %v → %v", c.Path, c.Old, c.New))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
