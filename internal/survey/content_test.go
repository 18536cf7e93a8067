package survey

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luvat/content"
	"luvat/internal/testkit"
)

var hubSurveys = []string{"event", "production-plant", "renewable-energy"}

func hubSurvey(t testing.TB, id string) *Survey {
	t.Helper()
	body, err := content.FS.ReadFile("surveys/" + id + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if body, err = WithActs(body, hubActs(t)); err != nil {
		t.Fatal(err)
	}
	s, err := Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	if s.ID != id {
		t.Fatalf("the survey in %s.json calls itself %s", id, s.ID)
	}
	return s
}

func hubActs(t testing.TB) (acts []Act) {
	t.Helper()
	body, err := content.FS.ReadFile("acts.json")
	if err == nil {
		err = json.Unmarshal(body, &acts)
	}
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

func TestHubSurveys(t *testing.T) {
	for _, id := range hubSurveys {
		t.Run(id, func(t *testing.T) {
			s := hubSurvey(t, id)
			t.Run("more answers never remove a matter", rapid.MakeCheck(func(t *rapid.T) { checkMore(t, s) }))
			t.Run("open tells what may change", rapid.MakeCheck(func(t *rapid.T) { checkOpen(t, s) }))
		})
	}
}

// A rule's id tells where it belongs; a mistake there would mislead whoever
// looks a reason up.
func TestRuleIDsTellTheTruth(t *testing.T) {
	for _, id := range hubSurveys {
		for _, r := range hubSurvey(t, id).Rules {
			parts := strings.Split(r.ID, ".")
			if len(parts) < 4 || parts[0] != id || parts[1] != r.Matter || parts[3] != string(r.Effect) || !slices.Equal(r.when.questions, parts[2:3]) {
				t.Errorf("rule %s: survey %s, matter %s, questions %v, effect %s", r.ID, id, r.Matter, r.when.questions, r.Effect)
			}
		}
	}
}

func TestAdviceLeadsToSurveys(t *testing.T) {
	for _, id := range hubSurveys {
		for _, a := range hubSurvey(t, id).Advice {
			if a.Survey != "" && !slices.Contains(hubSurveys, a.Survey) {
				t.Errorf("survey %s: advice %s leads to survey %s, which is not there", id, a.ID, a.Survey)
			}
		}
	}
}

// How many areas, questions and answers the three surveys have.
func TestHubSurveySizes(t *testing.T) {
	want := map[string][3]int{"event": {18, 28, 117}, "production-plant": {8, 9, 40}, "renewable-energy": {8, 11, 51}}
	got := map[string][3]int{}
	for _, id := range hubSurveys {
		s, questions, answers := hubSurvey(t, id), 0, 0
		for _, a := range s.Areas {
			questions += len(a.Questions)
			for _, q := range a.Questions {
				answers += len(q.Answers)
			}
		}
		got[id] = [3]int{len(s.Areas), questions, answers}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("areas, questions, answers (-want +got):\n%s", diff)
	}
}

// concert is an outdoor concert for 600 people in a park in Tampere, with
// alcohol, order keepers, a stage, food and a fireworks display. The
// organiser has not got to signs, water and waste yet.
var concert = Answers{
	"q_kind": {"public"}, "q_type": {"concert"},
	"q_size": {"500-1999"}, "q_special_groups": {"no"},
	"q_ground": {"street-park"}, "q_several": {"no"},
	"q_late": {"no"}, "q_length": {"day"},
	"q_order": {"keepers"}, "q_cash_vip": {"no"},
	"q_exits": {"no"}, "q_danger": {"no"}, "q_lpg": {"no"},
	"q_fire": {"display"}, "q_firstaid": {"no"}, "q_swim": {"no"},
	"q_struct": {"stage"}, "q_noise": {"outdoor"}, "q_music": {"yes"},
	"q_food": {"registered"}, "q_alcohol": {"own"}, "q_tobacco": {"no"},
	"q_traffic": {"no"}, "q_lodging": {"no"}, "q_terrain": {"none"}, "q_programme": {"none"},
}

// biogas is a biogas plant of 500 kW on a farm, all questions answered.
var biogas = Answers{
	"q_source": {"biogas"}, "q_project": {"new"}, "q_capacity": {"150-1000"}, "q_fuel_power": {"1-50"},
	"q_site": {"noplan"}, "q_grid": {"lv", "storage"}, "q_height": {"10-60"}, "q_defence": {"no"},
	"q_nature": {"none"}, "q_heritage": {"no"}, "q_chem": {"chem-minor", "abp", "digestate"},
}

// factory is a food factory whose owner does not know its chemicals yet.
var factory = Answers{
	"q_activity": {"other"}, "q_plan": {"deviates"}, "q_groundwater": {"no"}, "q_build": {"building", "demolish"}, "q_chem": {"unknown"},
	"q_emit": {"water", "construction-noise"}, "q_animal": {"food", "abp"}, "q_nature": {"none"}, "q_energy": {"renewable"},
}

func TestGoldenResults(t *testing.T) {
	for _, tt := range []struct {
		name, survey string
		given        Answers
	}{
		{"concert", "event", concert},
		{"factory", "production-plant", factory},
		{"biogas", "renewable-energy", biogas},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := hubSurvey(t, tt.survey)
			if err := s.Check(tt.given); err != nil {
				t.Fatal(err)
			}
			testkit.Golden(t, tt.name+".golden", report(s.Judge(tt.given)))
		})
	}
}

// report tells a whole result, one rule a line.
func report(r Result) string {
	var b strings.Builder
	list := func(name string, findings []Finding) {
		fmt.Fprintf(&b, "%s\n", name)
		for _, f := range findings {
			fmt.Fprintf(&b, "  %s\n", f.Matter)
			for _, why := range f.Reasons {
				fmt.Fprintf(&b, "    %s (%s)%s\n", why.Rule, why.Mark, by(why.Limit))
			}
		}
	}
	list("DEFINITELY", r.Definitely)
	list("POSSIBLY", r.Possibly)
	b.WriteString("ADVICE\n")
	for _, a := range r.Advice {
		fmt.Fprintf(&b, "  %s\n", strings.TrimSpace(a.ID+" "+a.Survey))
	}
	b.WriteString("UNANSWERED\n")
	for _, a := range r.Unanswered {
		for _, q := range a.Questions {
			fmt.Fprintf(&b, "  %s: %s\n", a.ID, q.ID)
		}
	}
	b.WriteString("OPEN\n")
	for _, o := range r.Open {
		fmt.Fprintf(&b, "  %s may become %s by %s\n", o.Matter, o.Effect, strings.Join(o.Questions, ", "))
	}
	b.WriteString("UNJUDGED\n")
	for _, u := range r.Unjudged {
		fmt.Fprintf(&b, "  %s\n", u.Rule)
	}
	return b.String()
}

func by(l *Limit) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf(" %d %s before %s (%s)", l.Value, l.Unit, l.Before, l.Mark)
}

// A version of before rules had deadlines and sources by the table is still in
// hubs' databases: results of that time name it.
func TestOldVersionReplays(t *testing.T) {
	body, err := os.ReadFile("testdata/production-plant-2026-11-20.json")
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := WithActs(body, hubActs(t)); err != nil || string(kept) != string(body) {
		t.Errorf("an old version is not kept as it was (%v)", err)
	}
	s, err := Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Judge(factory)
	testkit.Golden(t, "factory-2026-11-20.golden", report(r))
	for _, f := range r.Definitely {
		for _, why := range f.Reasons {
			if why.Basis.FI == "" || why.Basis.SV != "" {
				t.Errorf("rule %s rests on %+v, want Finnish words only", why.Rule, why.Basis)
			}
		}
	}
	if gifts, told := s.Gifts(factory), s.Told(factory); len(gifts) > 0 || len(told) > 0 {
		t.Errorf("an old version gives %v and tells %v", gifts, told)
	}
}

func BenchmarkJudge(b *testing.B) {
	s := hubSurvey(b, "event")
	for b.Loop() {
		s.Judge(concert)
	}
}
