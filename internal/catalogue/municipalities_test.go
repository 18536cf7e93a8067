package catalogue

import (
	"context"
	"slices"
	"strings"
	"testing"

	"luvat/content"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
)

func hubCatalogue(t *testing.T) *Catalogue {
	t.Helper()
	d := testkit.DB(t)
	if _, err := Load(context.Background(), d, content.FS, testkit.Start); err != nil {
		t.Fatal(err)
	}
	c, err := Open(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMunicipalityNamed(t *testing.T) {
	c := hubCatalogue(t)
	for typed, want := range map[string]string{
		"Tampere": "Tampere", " TAMPERE ": "Tampere", "tammerfors": "Tampere", "837": "Tampere", "Vasa": "Vaasa", "helsingfors": "Helsinki",
		"jyvaskyla": "Jyväskylä", "abo": "Turku", "Mantta Vilppula": "Mänttä-Vilppula", "st karins": "Kaarina", "Mariehamn": "Maarianhamina", "Ā": "",
		"Tamere": "", "": "", "--": "", "Åland": "",
	} {
		got := ""
		if m := c.MunicipalityNamed(typed); m != nil {
			got = m.Name.FI
		}
		if got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
	seen := map[string]string{}
	for _, m := range c.Municipalities {
		for _, name := range []string{m.Name.FI, m.Name.SV} {
			if other := seen[fold(name)]; other != "" && other != m.Code {
				t.Errorf("%s is the name of %s and of %s", name, other, m.Code)
			}
			seen[fold(name)] = m.Code
		}
	}
}

func TestMunicipalitiesNear(t *testing.T) {
	c := hubCatalogue(t)
	for typed, want := range map[string]string{
		"Tamere":                       "Tampere",
		"Helsink":                      "Helsinki",
		"Helsingfor":                   "Helsinki (Helsingfors)",
		"Vasaa":                        "Vaasa, Vaasa (Vasa)", // which of its names it was is of no matter
		"Savonlina":                    "Savonlinna",
		"Maarianhamin":                 "Maarianhamina",
		"Esp":                          "Espoo",
		"Rovanemi":                     "Rovaniemi",
		"Tukru":                        "Turku",
		"Stockholm":                    "",
		"a":                            "",
		"":                             "",
		strings.Repeat("Tampere", 100): "",
	} {
		near := c.MunicipalitiesNear(typed)
		if len(near) > maxNear {
			t.Errorf("%q: %d are offered", typed, len(near))
		}
		first := ""
		if len(near) > 0 {
			first = near[0].Label(i18n.FI)
		}
		if !slices.Contains(strings.Split(want, ", "), first) {
			t.Errorf("%q: %q is offered first, want %q", typed, first, want)
		}
	}
	if near := c.MunicipalitiesNear("Tammerforss"); len(near) == 0 || near[0].Label(i18n.SV) != "Tammerfors" {
		t.Errorf("in Swedish %v", near)
	}
}
