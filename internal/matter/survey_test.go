package matter_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/survey"
)

// answered keeps answers to a survey that may still go on.
func (b *bench) answered(id string, answers survey.Answers) string {
	b.t.Helper()
	_, hash, err := b.Catalogue.Survey(id, "")
	b.must(err)
	r := &catalogue.SurveyResult{Survey: id, Hash: hash, Municipality: "837", StartsOn: "2027-07-01", Answers: answers, At: b.Now()}
	b.must(b.DB.InTx(b.t.Context(), func(tx *db.Tx) error { return catalogue.AddSurveyResult(b.t.Context(), tx, r) }))
	return r.ID
}

func (b *bench) result(id string) (r *catalogue.SurveyResult, err error) {
	err = b.DB.View(b.t.Context(), func(tx *db.Tx) error { r, err = catalogue.FindSurveyResult(b.t.Context(), tx, id); return err })
	return r, err
}

// festival has fire, alcohol and traffic; it leaves open whether it is indoors.
var festival = survey.Answers{
	"q_kind": {"public"}, "q_type": {"concert", "fire"}, "q_size": {"500-1999"}, "q_ground": {"street-park", "private"}, "q_order": {"traffic"}, "q_exits": {"yes"},
	"q_lpg": {"no"}, "q_fire": {"display"}, "q_music": {"yes"}, "q_alcohol": {"holder"}, "q_traffic": {"parking"},
}

func (b *bench) begun(result string, types ...string) (*matter.ProjectView, map[string]*matter.View) {
	b.t.Helper()
	id, err := b.StartProject(b.t.Context(), aino, matter.NewProject{
		Entity: "event", Municipality: "837", Name: "Olutkonsertti", StartsOn: time.Date(2027, 7, 1, 0, 0, 0, 0, i18n.Zone), Survey: result, Types: types,
	})
	b.must(err)
	p, err := b.Project(b.t.Context(), aino, id)
	b.must(err)
	matters := map[string]*matter.View{}
	for _, r := range p.Rows {
		v, err := b.Matter(b.t.Context(), aino, r.ID)
		b.must(err)
		matters[r.Type] = v
	}
	return p, matters
}

func TestSurveyIsCarriedIntoTheForms(t *testing.T) {
	b := newBench(t)
	result := b.answered("event", festival)
	p, matters := b.begun(result, "police-public-event", "rescue-plan", "muni-noise")

	for _, tt := range []struct {
		what      string
		got, want forms.Answers
	}{
		{"the common data", p.Answers, forms.Answers{
			"project_name": "Olutkonsertti", "municipality": "837", "start_time": "2027-07-01T", "contact_name": "Aino", "contact_email": "aino@example.fi",
		}},
		{"the notice to the police", matters["police-public-event"].Answers, forms.Answers{"music": true, "alcohol": true, "open_fire": true, "traffic_control": true}},
		{"the rescue plan", matters["rescue-plan"].Answers, forms.Answers{"lpg": false, "triggers": []any{"open_fire_or_effects", "at_least_200_people", "unusual_exit"}}},
		{"a form to which nothing was told", matters["muni-noise"].Answers, forms.Answers{}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
	if r, err := b.result(result); err != nil || !r.Final {
		t.Errorf("the result is not final (%v): it may become another than the project began from", err)
	}
	if p.StartsAt.In(i18n.Zone).Format(time.DateOnly) != "2027-07-01" {
		t.Errorf("the project starts at %v", p.StartsAt)
	}
	if f, ok := p.Found["police-public-event"]; !ok || f.Effect() != survey.Definitely || len(p.Found["muni-food"].Reasons) > 0 {
		t.Errorf("the survey found %+v", p.Found)
	}
	told := p.FromSurvey.Told["participants_peak"]
	if len(told) != 1 || told[0].EN != "500–1,999" || p.FromSurvey.Given["participants_peak"] != nil {
		t.Errorf("of the number of people is told %v and given %v", told, p.FromSurvey.Given["participants_peak"])
	}

	v := matters["rescue-plan"]
	if !v.FromSurvey.Kept("triggers", v.Answers) || !v.FromSurvey.Kept("lpg", v.Answers) || v.FromSurvey.Kept("weather", v.Answers) {
		t.Error("what the survey filled in is not known from what it did not")
	}
	changed := forms.Answers{"lpg": true, "triggers": []any{"unusual_exit", "at_least_200_people", "open_fire_or_effects"}}
	_, err := b.SaveDraft(t.Context(), aino, v.ID, v.Version, changed)
	b.must(err)
	if v, err = b.Matter(t.Context(), aino, v.ID); err != nil || v.FromSurvey.Kept("lpg", v.Answers) || !v.FromSurvey.Kept("triggers", v.Answers) {
		t.Errorf("what the applicant changed passes for the survey's, or the order of a list for a change (%v)", err)
	}
	_, err = b.SaveCommon(t.Context(), aino, p.ID, p.Version, p.Answers)
	b.must(err)
	if p, err = b.Project(t.Context(), aino, p.ID); err != nil || p.StartsAt.In(i18n.Zone).Format(time.DateOnly) != "2027-07-01" {
		t.Errorf("after a save the project starts at %v (%v)", p.StartsAt, err)
	}

	// A matter that is added later is filled in too.
	b.must(b.AddMatters(t.Context(), aino, p.ID, []string{"rescue-fire-inspection"}, ""))
	late, err := b.Project(t.Context(), aino, p.ID)
	b.must(err)
	if _, err := b.Matter(t.Context(), aino, late.Rows[len(late.Rows)-1].ID); err != nil {
		t.Error(err)
	}
}

func TestSurveyThatCannotBe(t *testing.T) {
	b := newBench(t)
	begin := func(survey string) error {
		_, err := b.StartProject(t.Context(), aino, matter.NewProject{Entity: "event", Municipality: "837", Name: "Konsertti", Survey: survey})
		return err
	}
	if err := begin("no-such-result"); !fail.Is(err, fail.NotFound) {
		t.Errorf("a result that is not there: %v, want not found", err)
	}
	other := b.answered("renewable-energy", survey.Answers{"q_source": {"wind"}})
	if err := begin(other); !fail.Is(err, fail.Invalid) {
		t.Errorf("a result of another survey: %v, want invalid", err)
	}
	if r, err := b.result(other); err != nil || r.Final {
		t.Errorf("a refused start made the result final (%v)", err)
	}
	if all, err := b.Projects(t.Context(), aino); err != nil || len(all) > 0 {
		t.Errorf("%d projects were begun (%v)", len(all), err)
	}

	// What was filled in stays when the result is gone.
	result := b.answered("event", festival)
	p, matters := b.begun(result, "rescue-plan")
	b.must(b.DB.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM survey_results WHERE id = $1`, result)
		return err
	}))
	v, err := b.Matter(t.Context(), aino, matters["rescue-plan"].ID)
	if err != nil || v.Answers["lpg"] != false || v.FromSurvey.Kept("lpg", v.Answers) {
		t.Errorf("without its result the draft is %+v (%v)", v, err)
	}
	if _, err := b.Project(t.Context(), aino, p.ID); err != nil {
		t.Error(err)
	}
}

// An energy project is told its sources, size and network.
func TestEnergySurveyIsCarried(t *testing.T) {
	b := newBench(t)
	result := b.answered("renewable-energy", survey.Answers{"q_source": {"wind", "solar"}, "q_project": {"repower"}, "q_capacity": {"gt1000"}, "q_grid": {"hv", "storage"}})
	id, err := b.StartProject(t.Context(), aino, matter.NewProject{Entity: "renewable-energy", Municipality: "837", Name: "Puisto", Survey: result})
	b.must(err)
	p, err := b.Project(t.Context(), aino, id)
	b.must(err)
	want := forms.Answers{
		"project_name": "Puisto", "municipality": "837", "contact_name": "Aino", "contact_email": "aino@example.fi", "planned_start": "2027-07-01",
		"energy_source": []any{"solar", "wind"}, "project_type": "existing_plant", "repowering": true, "capacity_class": "over_1000_kw",
		"grid_connection": []any{"electricity"}, "storage": true,
	}
	if diff := cmp.Diff(want, p.Answers); diff != "" {
		t.Errorf("the common data (-want +got):\n%s", diff)
	}
}
