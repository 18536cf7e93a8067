package forms

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParseAnswers(t *testing.T) {
	for _, tt := range []struct{ name, body, want, problem string }{
		{"sorted and short", "{\"b\": 1.50,\n \"a\": [true, {\"y\": 0, \"x\": \"<&>\"}]}", `{"a":[true,{"x":"<&>","y":0}],"b":1.5}`, ""},
		{"numbers in one form", `{"a": 1e3, "b": 1.0, "c": -0, "d": 2.5e-2, "e": 100}`, `{"a":1000,"b":1,"c":0,"d":0.025,"e":100}`, ""},
		{"a huge number", `{"a": 1e999999999}`, "", "a forms.not_a_number"},
		{"not an object", `[]`, "", " forms.malformed"},
		{"something after", `{} {}`, "", " forms.malformed"},
		{"a name twice", `{"a": 1, "a": 2}`, "", " forms.malformed"},
		{"broken characters", "{\"a\": \"\xff\"}", "", " forms.bad_characters"},
		{"a zero character", `{"a": "\u0000"}`, "", "a forms.bad_characters"},
		{"too deep", `{"a":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `}`, "", "a.0.0.0.0.0.0.0 forms.malformed"},
		{"deep enough", `{"a":` + strings.Repeat("[", 7) + strings.Repeat("]", 7) + `}`, `{"a":[[[[[[[]]]]]]]}`, ""},
		{"too many rows", `{"a":[` + strings.Repeat("1,", 500) + `1]}`, "", "a forms.too_many"},
		{"too long a text", `{"a":"` + strings.Repeat("ä", 20_001) + `"}`, "", "a forms.too_long"},
		{"too large", `{"a":"` + strings.Repeat("a", 1<<20) + `"}`, "", " forms.too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := ParseAnswers([]byte(tt.body))
			if tt.problem != "" {
				ps, ok := errors.AsType[Problems](err)
				if !ok || len(ps) != 1 || list(ps)[0] != tt.problem {
					t.Errorf("ParseAnswers = %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, a); got != tt.want {
				t.Errorf("Marshal = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestMarshalTakesGoValues(t *testing.T) {
	a := Answers{"n": 12, "f": 12.50, "s": []string{"b", "a"}, "o": map[string]any{"x": int64(7)}}
	if got, want := text(t, a), `{"f":12.5,"n":12,"o":{"x":7},"s":["b","a"]}`; got != want {
		t.Errorf("Marshal = %s, want %s", got, want)
	}
	if got := text(t, nil); got != "{}" {
		t.Errorf("Marshal of no answers = %s", got)
	}
	if _, err := (Answers{"c": make(chan int)}).Marshal(); err == nil {
		t.Error("Marshal took a channel")
	}
}

func TestAt(t *testing.T) {
	a := parse(t, `{"rows":[{"name":"Aino"}],"g":{"n":1}}`)
	for path, want := range map[string]any{"rows.0.name": "Aino", "g.n": json.Number("1")} {
		if got, ok := a.At(path); !ok || got != want {
			t.Errorf("At(%s) = %v, %t; want %v", path, got, ok, want)
		}
	}
	for _, path := range []string{"rows.1.name", "rows.x", "g.n.x", "q"} {
		if v, ok := a.At(path); ok {
			t.Errorf("At(%s) = %v, want nothing", path, v)
		}
	}
}
