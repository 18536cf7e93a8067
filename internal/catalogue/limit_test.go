package catalogue

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"luvat/content"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
	"luvat/internal/testkit"
)

// hub returns the catalogue that the hub has.
func hub(t *testing.T) *Catalogue {
	t.Helper()
	d := testkit.DB(t)
	if _, err := Load(t.Context(), d, content.FS, testkit.Start); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func day(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, s, i18n.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// told is what Judge says, in one line: the class, or what is lacking.
func told(class *Class, lacks []i18n.Text) string {
	if class != nil {
		return class.ID
	}
	var names []string
	for _, l := range lacks {
		names = append(names, l.FI)
	}
	return "? " + strings.Join(names, ", ")
}

func TestTheClassOfATimeLimit(t *testing.T) {
	l := hub(t).Limit("renewable-energy")
	kw := func(n string) json.Number { return json.Number(n) }
	sun, heat := []any{"solar"}, []any{"ambient"}
	newOnLand := Terms{"energy.site": "land", "energy.project_type": "new_plant", "energy.source": sun}
	with := func(more Terms) Terms {
		all := maps.Clone(newOnLand)
		maps.Copy(all, more)
		return all
	}
	for _, tt := range []struct {
		name  string
		known Terms
		want  string
	}{
		{"nothing is known", nil, "? sijoituspaikka, sähköntuotantokapasiteetti, hankkeen laji, onko kyse päivittämisestä, energialähde, lämpöteho"},
		{"just below the limit", with(Terms{"energy.capacity_kw": kw("149.9")}), "under-150-kw"},
		{"at the limit", with(Terms{"energy.capacity_kw": kw("150")}), "from-150-kw"},
		{"the size class is enough", with(Terms{"energy.capacity_class": "from_10_to_150_kw"}), "under-150-kw"},
		{"the size class above the limit", with(Terms{"energy.capacity_class": "over_1000_kw"}), "from-150-kw"},
		{"the exact capacity goes before the size class", with(Terms{"energy.capacity_class": "under_10_kw", "energy.capacity_kw": kw("4200")}), "from-150-kw"},
		{"the capacity is not known", newOnLand, "? sähköntuotantokapasiteetti"},
		{"the site is not known", Terms{"energy.project_type": "new_plant", "energy.source": sun, "energy.capacity_kw": kw("4200")}, "? sijoituspaikka"},
		{"repowering, whatever the capacity", with(Terms{"energy.project_type": "existing_plant", "energy.repowering": true}), "repowering"},
		{"a change that is not repowering", with(Terms{"energy.project_type": "existing_plant", "energy.repowering": false, "energy.capacity_kw": kw("4200")}), "from-150-kw"},
		{"repowering or not, a small plant has the same time", with(Terms{"energy.project_type": "existing_plant", "energy.capacity_kw": kw("100"), "energy.capacity_class": "from_10_to_150_kw"}), "under-150-kw"},
		{"repowering or not, a large plant has not", with(Terms{"energy.project_type": "existing_plant", "energy.capacity_kw": kw("4200"), "energy.capacity_class": "over_1000_kw"}), "? onko kyse päivittämisestä"},
		{"only a storage", with(Terms{"energy.project_type": "storage"}), "part"},
		{"only a connection to the grid", with(Terms{"energy.project_type": "grid_connection"}), "part"},
		{"heat or fuel only", with(Terms{"energy.source": []any{"biogas"}, "energy.capacity_class": "no_electricity"}), "no-electricity"},
		{"no capacity is none", with(Terms{"energy.source": []any{"biomass"}, "energy.capacity_kw": kw("0")}), "no-electricity"},
		{"panels on a roof", with(Terms{"energy.site": "structure"}), "solar-on-structure"},
		{"panels and wind on a roof", with(Terms{"energy.site": "structure", "energy.source": []any{"solar", "wind"}, "energy.capacity_kw": kw("8")}), "under-150-kw"},
		{"a heat pump", with(Terms{"energy.source": heat, "energy.heat_kw": kw("40"), "energy.capacity_class": "no_electricity"}), "heat-pump"},
		{"a heat pump of 50 MW", with(Terms{"energy.source": heat, "energy.heat_kw": kw("50000"), "energy.capacity_class": "no_electricity"}), "no-electricity"},
		{"a heat pump of unknown size", with(Terms{"energy.source": heat, "energy.capacity_class": "no_electricity"}), "? lämpöteho"},
		{"a wind farm at sea", with(Terms{"energy.site": "sea", "energy.source": []any{"wind"}, "energy.capacity_kw": kw("400000")}), "sea"},
		{"a small plant at sea", with(Terms{"energy.site": "sea", "energy.capacity_kw": kw("90")}), "sea-short"},
		{"repowering at sea", with(Terms{"energy.site": "sea", "energy.project_type": "existing_plant", "energy.repowering": true}), "sea-short"},
		{"what is not a number tells nothing", with(Terms{"energy.capacity_kw": "abc", "energy.capacity_class": "over_1000_kw"}), "? sähköntuotantokapasiteetti"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(l.Judge(l.Law(testkit.Start), tt.known)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A law holds for what begins while it is in force, and stays for it.
func TestTheLawOfATimeLimit(t *testing.T) {
	l := hub(t).Limit("renewable-energy")
	roof := Terms{"energy.site": "structure", "energy.source": []any{"solar"}, "energy.project_type": "new_plant", "energy.capacity_kw": json.Number("200")}
	for _, tt := range []struct{ day, law, class string }{
		{"2021-06-29", "", ""},
		{"2021-06-30", "renewable-2021", "from-150-kw"},
		{"2025-07-31", "renewable-2021", "from-150-kw"},
		{"2025-08-01", "renewable-2025", "solar-on-structure"},
		{"2027-01-01", "renewable-2025", "solar-on-structure"},
	} {
		w := l.Law(day(t, tt.day))
		if w == nil {
			if tt.law != "" {
				t.Errorf("%s: no law, want %s", tt.day, tt.law)
			}
			continue
		}
		class, _ := l.Judge(w, roof)
		if w.ID != tt.law || class == nil || class.ID != tt.class {
			t.Errorf("%s: %s, %v; want %s, %s", tt.day, w.ID, class, tt.law, tt.class)
		}
		if got := w.Class(tt.law + "/" + tt.class); got != class || got.Ref() != tt.law+"/"+tt.class {
			t.Errorf("%s: the class is not found again by its reference", tt.day)
		}
	}
	if l.Covered("building-muni") == nil || l.Covered("muni-building-inspection") != nil {
		t.Error("a building permit is within the limit, an inspection is not")
	}
	if hub(t).Limit("event") != nil {
		t.Error("events have no such limit")
	}
}

// What a hidden field holds does not count: it was answered before another
// answer hid it.
func TestTermsOfACommonForm(t *testing.T) {
	f, _, err := hub(t).Form("common-renewable-energy", "")
	if err != nil {
		t.Fatal(err)
	}
	got := TermsOf(f, forms.Answers{"project_type": "new_plant", "repowering": true, "capacity_kw": json.Number("12"), "project_name": ""})
	if got["energy.project_type"] != "new_plant" || got["energy.capacity_kw"] != json.Number("12") {
		t.Errorf("terms: %v", got)
	}
	for _, term := range []string{"energy.repowering", "project.name"} {
		if v, ok := got[term]; ok {
			t.Errorf("%s is %v; want nothing", term, v)
		}
	}
}

func TestWhatASurveyTellsOfTheTimeLimit(t *testing.T) {
	l := hub(t).Limit("renewable-energy")
	for _, tt := range []struct {
		name    string
		answers survey.Answers
		want    string
	}{
		{"a solar park", survey.Answers{"q_source": {"solar"}, "q_project": {"new"}, "q_capacity": {"gt1000"}, "q_site": {"planned"}}, "from-150-kw"},
		{"panels on a roof, as the plan has it", survey.Answers{"q_source": {"solar"}, "q_project": {"new"}, "q_site": {"planned", "roof"}}, "solar-on-structure"},
		{"wind at sea", survey.Answers{"q_source": {"wind"}, "q_project": {"new"}, "q_capacity": {"gt1000"}, "q_site": {"noplan", "eez"}}, "sea"},
		{"repowering", survey.Answers{"q_source": {"wind"}, "q_project": {"repower"}, "q_site": {"planned"}}, "repowering"},
		{"the capacity is open", survey.Answers{"q_source": {"solar"}, "q_project": {"new"}, "q_site": {"planned"}}, "? sähköntuotantokapasiteetti"},
		{"an answer that may be a heat pump settles nothing", survey.Answers{"q_source": {"solar", "other"}, "q_project": {"new"}, "q_capacity": {"heat"}, "q_site": {"planned"}}, "? energialähde, lämpöteho"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(l.Judge(l.Law(testkit.Start), l.SurveyTerms(tt.answers))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestALimitThatCannotBeJudgedIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"no such fact", `{"laws": [{"id": "a", "from": "2025-08-01", "classes": [{"id": "x", "when": [["sea"]]}, {"id": "y", "when": [[]]}]}]}`, "no fact sea"},
		{"a gap", `{"laws": [{"id": "a", "from": "2025-08-01", "classes": [{"id": "x", "when": []}]}]}`, "does not always hold"},
		{"a class twice", `{"laws": [{"id": "a", "from": "2025-08-01", "classes": [{"id": "x", "when": [[]]}, {"id": "x", "when": [[]]}]}]}`, "class a/x: twice"},
		{"no day", `{"laws": [{"id": "a", "from": "soon", "classes": [{"id": "x", "when": [[]]}]}]}`, `from "soon"`},
		{"laws out of order", `{"laws": [{"id": "b", "from": "2025-08-01", "classes": [{"id": "x", "when": [[]]}]}, {"id": "a", "from": "2021-06-30", "classes": [{"id": "x", "when": [[]]}]}]}`, "order of their days"},
		{"a test of two ways", `{"facts": [{"id": "f", "tests": [{"term": "t", "in": [1], "below": 2}]}]}`, "in one way"},
		{"a fact of nothing", `{"facts": [{"id": "f"}]}`, "has no test"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Catalogue{limits: map[string]*Limit{}}
			if err := c.addLimits("[" + tt.body + "]"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
}
