package forms

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
)

func testNames(_ i18n.Lang, w Widget, value string) string {
	return map[string]string{"municipality 091": "Helsinki", "files f1": "kartta.pdf"}[string(w)+" "+value]
}

func TestRows(t *testing.T) {
	f := sample(t)
	a := parse(t, `{"kind":"other","kind_other":"sirkus","guards":12000,"guard_list":[{"name":"A","leader":true},{"name":"B","card":7}],"music":false,"music_end":"18:00",
		"height":-1234.5,"start":"2026-07-01T18:00","day":"2026-12-24","town":"091","towns":["091","049"],"plan":["f1","f2"],"audience":["all","elderly"],
		"place":{"name":"Puisto","lat":60.17},"story":"a\nb"}`)
	var got []string
	for _, r := range f.Rows(i18n.FI, a, testNames) {
		got = append(got, r.Group+" | "+r.Label+" | "+r.Value)
	}
	want := []string{
		"group.what fi | kind fi | kind.other fi",
		"group.what fi | kind_other fi | sirkus",
		"group.what fi | story fi | a\nb",
		"group.what fi | audience fi | audience.all fi\naudience.elderly fi",
		"group.guards fi | guards fi | 12\u00a0000",
		"group.guards fi | guard_list fi 1: guard_list.name fi | A",
		"group.guards fi | guard_list fi 1: guard_list.leader fi | Kyllä",
		"group.guards fi | guard_list fi 2: guard_list.name fi | B",
		"group.guards fi | guard_list fi 2: guard_list.card fi | 7",
		" | music fi | Ei",
		" | height fi | \u22121234,5\u00a0m",
		" | start fi | 1.7.2026 klo 18.00",
		" | day fi | 24.12.2026",
		" | town fi | Helsinki",
		" | towns fi | Helsinki\n049",
		" | plan fi | kartta.pdf\nf2",
		"place fi | place.name fi | Puisto",
		"place fi | place.lat fi | 60,17",
	}
	// The name of the place is required by the form but not its title, so the
	// answers are shown though they could not be sent.
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDisplay(t *testing.T) {
	f := sample(t)
	for _, tt := range []struct {
		lang i18n.Lang
		path string
		v    any
		want string
	}{
		{i18n.SV, "music", true, "Ja"},
		{i18n.EN, "height", 1234567.25, "1,234,567.25\u00a0m"},
		{i18n.SV, "height", "abc", "abc"},
		{i18n.EN, "start", "2026-07-01T18:00", "1 July 2026 at 18:00"},
		{i18n.EN, "start", "2026-07-01T", "1 July 2026"},
		{i18n.FI, "start", "T18:00", "18.00"},
		{i18n.FI, "start", "TiistainaT18:00", "TiistainaT18:00"},
		{i18n.EN, "music_end", "18:00", "18:00"},
		{i18n.FI, "music_end", "18:00", "18.00"},
		{i18n.FI, "kind", "gone", "gone"},
		{i18n.FI, "town", "091", "Helsinki"},
		{i18n.FI, "guard_list.3.name", "A", "A"},
		{i18n.FI, "guard_list.3", map[string]any{"name": "A", "card": 7}, "guard_list.name fi: A; guard_list.card fi: 7"},
		{i18n.FI, "nope", "x", "x"},
		{i18n.FI, "title", nil, ""},
	} {
		if got := f.Display(tt.lang, tt.path, tt.v, testNames); got != tt.want {
			t.Errorf("Display(%s, %s, %v) = %q, want %q", tt.lang, tt.path, tt.v, got, tt.want)
		}
	}
	if got := f.Display(i18n.FI, "town", "091", nil); got != "091" {
		t.Errorf("without names: %q", got)
	}
}
