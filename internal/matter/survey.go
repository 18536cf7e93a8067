package matter

import (
	"context"
	"slices"
	"strings"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
)

// surveyed is the survey result that a project began from, with the version of
// the survey that it was answered in. A nil one is that of a project which
// began without.
type surveyed struct {
	*catalogue.SurveyResult
	survey *survey.Survey
}

// surveyOf reads a survey result. A result that is not there, which no project
// should name, is as none: what was filled in stays filled in.
func (d *Desk) surveyOf(ctx context.Context, tx *db.Tx, id string) (*surveyed, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // no survey is no error
	}
	r, err := catalogue.FindSurveyResult(ctx, tx, id)
	if err == nil {
		s, _, err := d.Catalogue.Survey(r.Survey, r.Hash)
		return &surveyed{r, s}, err
	}
	if fail.Is(err, fail.NotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	return nil, err
}

// beginFrom reads the result that a project is to begin from, and keeps it as
// it is from now on: the project names it.
func (d *Desk) beginFrom(ctx context.Context, tx *db.Tx, entity *catalogue.Entity, id string) (*surveyed, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // no survey is no error
	}
	r, err := catalogue.ChangeSurveyResult(ctx, tx, id, d.Now(), func(r *catalogue.SurveyResult) { r.Final = true })
	if err != nil {
		return nil, err
	}
	if r.Survey != entity.Survey {
		return nil, fail.New(fail.Invalid, "project.other_survey").In("survey")
	}
	return d.surveyOf(ctx, tx, r.ID)
}

// found returns what the survey found, by matter type.
func (s *surveyed) found() map[string]survey.Finding {
	if s == nil {
		return nil
	}
	all := map[string]survey.Finding{}
	judged := s.survey.Judge(s.Answers)
	for _, f := range slices.Concat(judged.Definitely, judged.Possibly) {
		all[f.Matter] = f
	}
	return all
}

// recall adds to a project what the survey that it began from found and tells.
func (d *Desk) recall(ctx context.Context, tx *db.Tx, v *ProjectView) error {
	from, err := d.surveyOf(ctx, tx, v.Survey)
	if err != nil || from == nil {
		return err
	}
	common, err := d.commonForm(&v.Project)
	if err != nil {
		return err
	}
	v.Found, v.FromSurvey = from.found(), from.tells(common, true)
	return nil
}

// recallDraft does the same for a matter that was never sent.
func (d *Desk) recallDraft(ctx context.Context, tx *db.Tx, v *View) error {
	if v.Status != Draft {
		return nil
	}
	from, err := d.surveyOf(ctx, tx, v.Project.Survey)
	if err != nil || from == nil {
		return err
	}
	v.Found, v.FromSurvey = from.found()[v.Type], from.tells(v.Form, false)
	return nil
}

// FromSurvey is what the answers to a survey tell a form.
type FromSurvey struct {
	Given forms.Answers          // as the form would have it
	Told  map[string][]i18n.Text // beside a field, by its path: what was answered to a question near to it
}

// Kept tells whether the field is still as the survey gave it.
func (f FromSurvey) Kept(path string, now forms.Answers) bool {
	given, ok := f.Given[path]
	return ok && same(given, now[path])
}

// same compares two answers; the order of a list is not told apart.
func same(a, b any) bool {
	list, ok := a.([]any)
	if !ok {
		return a == b
	}
	other, ok := b.([]any)
	return ok && len(list) == len(other) && !slices.ContainsFunc(list, func(v any) bool { return !slices.Contains(other, v) })
}

// tells returns what the survey's answers tell the form. The common form, as
// opposed to a matter's own, goes by terms, and gets the place and the day too.
func (s *surveyed) tells(form *forms.Form, common bool) FromSurvey {
	f := FromSurvey{forms.Answers{}, map[string][]i18n.Text{}}
	if s == nil {
		return f
	}
	terms := form.Terms()
	path := func(t survey.Target) string {
		switch {
		case common:
			return terms[t.Term]
		case t.Form == form.ID():
			return t.Field
		}
		return ""
	}
	if common {
		fill(form, f.Given, terms["place.municipality"], s.Municipality)
		fillStart(form, f.Given, s.StartsOn)
	}
	for _, g := range s.survey.Gifts(s.Answers) {
		v := g.Value
		if list, ok := v.([]string); ok {
			all := make([]any, len(list))
			for i, x := range list {
				all[i] = x
			}
			v = all
		}
		fill(form, f.Given, path(g.Target), v)
	}
	for t, texts := range s.survey.Told(s.Answers) {
		if p := path(t); p != "" {
			f.Told[p] = texts
		}
	}
	return f
}

// fillStart fills in the day on which a project starts. The time of day is
// nobody's to guess.
func fillStart(form *forms.Form, a forms.Answers, day string) {
	if day == "" {
		return
	}
	terms := form.Terms()
	fill(form, a, terms["event.start"], day+"T")
	fill(form, a, terms["plant.start_date"], day)
}

// fill gives the field at a path a value, if the form accepts it: a form of
// another version may ask otherwise.
func fill(form *forms.Form, a forms.Answers, path string, v any) {
	if path == "" || strings.Contains(path, ".") || len(form.CheckDraft(forms.Answers{path: v})) > 0 {
		return
	}
	a[path] = v
}
