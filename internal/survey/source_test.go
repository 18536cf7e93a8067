package survey

import (
	"encoding/json"
	"strings"
	"testing"

	"luvat/internal/i18n"
)

func TestCite(t *testing.T) {
	for _, tt := range []struct {
		name    string
		sources []Source
		want    i18n.Text
	}{
		{"one section", []Source{{Act: "379/2011", Sections: []string{"14"}}}, i18n.Text{
			FI: "Pelastuslaki 379/2011, 14 §", SV: "Räddningslagen 379/2011, 14 §", EN: "Rescue Act 379/2011, section 14",
		}},
		{"several acts and a page", []Source{{Act: "606/1973", Sections: []string{"18–20", "25"}}, {Act: "646/2011"}, {Page: "poliisi.fi"}}, i18n.Text{
			FI: "Ulkoilulaki 606/1973, 18–20 ja 25 §; jätelaki 646/2011; poliisi.fi",
			SV: "Lagen om friluftsliv 606/1973, 18–20 och 25 §; avfallslagen 646/2011; poliisi.fi",
			EN: "Outdoor Recreation Act 606/1973, sections 18–20 and 25; Waste Act 646/2011; poliisi.fi",
		}},
		{"a range is several", []Source{{Act: "527/2014", Sections: []string{"1–2"}}}, i18n.Text{
			FI: "Ympäristönsuojelulaki 527/2014, 1–2 §", SV: "Miljöskyddslagen 527/2014, 1–2 §", EN: "Environmental Protection Act 527/2014, sections 1–2",
		}},
		{"chapter and section", []Source{{Act: "587/2011", Chapter: "3", Sections: []string{"2–3"}}}, i18n.Text{
			FI: "Vesilaki 587/2011, 3 luku 2–3 §", SV: "Vattenlagen 587/2011, 3 kap. 2–3 §", EN: "Water Act 587/2011, chapter 3, sections 2–3",
		}},
		{"annex", []Source{{Act: "527/2014", Sections: []string{"116"}, Annex: "2"}}, i18n.Text{
			FI: "Ympäristönsuojelulaki 527/2014, 116 § ja liite 2", SV: "Miljöskyddslagen 527/2014, 116 § och bilaga 2",
			EN: "Environmental Protection Act 527/2014, section 116 and annex 2",
		}},
		{"no number", []Source{{Act: "landowner"}}, i18n.Text{FI: "Maanomistajan lupa", SV: "Markägarens tillstånd", EN: "Permission of the landowner"}},
		{"what a page is about", []Source{{Act: "page-wind"}}, i18n.Text{
			FI: "ely-keskus.fi (maatuulivoima)", SV: "ely-keskus.fi (landbaserad vindkraft)", EN: "ely-keskus.fi (onshore wind power)",
		}},
	} {
		got, err := Cite(tt.sources, hubActs(t))
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v (%v), want %+v", tt.name, got, err, tt.want)
		}
	}
	for name, s := range map[string]Source{
		"an act that the table has not": {Act: "1/1900"}, "nothing": {}, "an act and a page": {Act: "379/2011", Page: "x.fi"}, "a section of a page": {Page: "x.fi", Sections: []string{"1"}},
	} {
		if said, err := Cite([]Source{s}, hubActs(t)); err == nil {
			t.Errorf("%s: cited as %+v", name, said)
		}
	}
}

// A version is whole in itself: what it cites is in it, and nothing else is.
func TestVersionHoldsItsActs(t *testing.T) {
	s := small()
	s.Rules[0].Source, s.Rules[0].Sources = "", []Source{{Act: "379/2011", Sections: []string{"16"}}}
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(body); err == nil || !strings.Contains(err.Error(), `no act "379/2011" in the table`) {
		t.Errorf("a source without its act was taken: %v", err)
	}
	kept, err := WithActs(body, hubActs(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := WithActs(body, hubActs(t))
	if err != nil || string(again) != string(kept) {
		t.Errorf("the same survey is kept in two ways (%v)", err)
	}
	parsed, err := Parse(kept)
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed.Acts) != 1 || parsed.Acts[0].Name.SV != "räddningslagen" {
		t.Errorf("it holds %+v", parsed.Acts)
	}
	if got := parsed.Judge(Answers{"q_size": {"many"}}).Possibly[0].Reasons[0].Basis.EN; got != "Rescue Act 379/2011, section 16" {
		t.Errorf("the reason rests on %q", got)
	}
}
