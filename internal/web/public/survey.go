package public

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

var errNotFound = fail.New(fail.NotFound, "error.not_found")

// surveyForm is the id of the form on every page of the survey.
const surveyForm = "survey"

// meant is the button that names the municipality that was meant.
const meant = "_meant"

func surveyPath(entity string) string { return "/survey/" + entity }

func areaPath(entity, area, result string) string {
	return surveyPath(entity) + "/areas/" + area + "?result=" + url.QueryEscape(result)
}

func resultPath(id string) string { return "/survey/results/" + id }

// surveys asks what the survey is about.
func (p *room) surveys(w http.ResponseWriter, a *site.Ask) error {
	page := ui.Page{Title: a.T("public.surveys_title"), Lead: a.T("public.surveys_lead"), Wide: true}
	return a.Page(w, http.StatusOK, page, entityCards(a, p.Catalogue.Entities, false))
}

// start is what the first page of a survey shows.
type start struct {
	Entity         *catalogue.Entity
	Municipalities []*catalogue.Municipality
	Result         string // the result that is being changed, "" for a new one
	Place, Date    string // as typed
	Near           []catalogue.Near
	Problems       map[string]string
	Areas          int
}

func (p *room) entity(a *site.Ask) (*catalogue.Entity, error) {
	e := p.Catalogue.Entity(a.PathValue("entity"))
	if e == nil {
		return nil, errNotFound
	}
	return e, nil
}

// surveyStart asks where and when: the place decides which authorities serve,
// the day when each matter must be with them.
func (p *room) surveyStart(w http.ResponseWriter, a *site.Ask) error {
	e, err := p.entity(a)
	if err != nil {
		return err
	}
	st := start{Entity: e, Place: a.URL.Query().Get("municipality")}
	if id := a.URL.Query().Get("result"); id != "" {
		r, err := p.resultOf(a, e, id)
		if err != nil {
			return err
		}
		st.Result, st.Place, st.Date = r.ID, r.Municipality, r.StartsOn
	}
	if m := p.Catalogue.Municipality(st.Place); m != nil {
		st.Place = m.Name.In(a.Lang)
	}
	return p.showStart(w, a, http.StatusOK, st)
}

func (p *room) showStart(w http.ResponseWriter, a *site.Ask, status int, st start) error {
	s, _, err := p.Catalogue.Survey(st.Entity.Survey, "")
	if err != nil {
		return err
	}
	st.Areas, st.Municipalities = len(s.Areas), p.Catalogue.Municipalities
	page := ui.Page{
		Title: s.Title.In(a.Lang), Lead: a.T("public.survey_start_lead"), FormID: surveyForm, Problems: len(st.Problems) > 0,
		Back: &ui.Link{Label: a.T("public.surveys_title"), Href: "/survey"},
	}
	return a.Page(w, status, page, startBody(a, st))
}

// surveyBegin keeps the place and the day and goes on to the questions.
func (p *room) surveyBegin(w http.ResponseWriter, a *site.Ask) error {
	e, err := p.entity(a)
	if err != nil {
		return err
	}
	v, err := a.Form()
	if err != nil {
		return err
	}
	st := start{Entity: e, Result: v.Get("result"), Place: cut(v.Get("municipality")), Date: cut(v.Get("starts_on"))}
	if m := p.Catalogue.Municipality(v.Get(meant)); m != nil {
		st.Place = m.Name.In(a.Lang)
	}
	if a.NewLanguage(w, v) {
		if m := p.Catalogue.MunicipalityNamed(st.Place); m != nil {
			st.Place = m.Name.In(a.Lang)
		}
		return p.showStart(w, a, http.StatusOK, st)
	}
	at, day, problems := p.readStart(a, st)
	if len(problems) > 0 {
		st.Near, st.Problems = at.Near, problems
		return p.showStart(w, a, http.StatusUnprocessableEntity, st)
	}
	s, hash, err := p.Catalogue.Survey(e.Survey, "")
	if err != nil {
		return err
	}
	m := at.Municipality
	r := &catalogue.SurveyResult{Survey: s.ID, Hash: hash, Municipality: m.Code, StartsOn: day, Answers: survey.Answers{}, At: p.Now()}
	err = p.write(a, func(ctx context.Context, tx *db.Tx) error {
		if st.Result == "" {
			return catalogue.AddSurveyResult(ctx, tx, r)
		}
		was, err := catalogue.FindSurveyResult(ctx, tx, st.Result)
		if err != nil {
			return err
		}
		if was.Survey != e.Survey {
			return errNotFound
		}
		r, err = catalogue.ChangeSurveyResult(ctx, tx, st.Result, p.Now(), func(r *catalogue.SurveyResult) {
			r.Municipality, r.StartsOn = m.Code, day
		})
		return err
	})
	if err != nil {
		return err
	}
	if r.Final {
		return a.See(w, resultPath(r.ID))
	}
	if s, _, err = p.Catalogue.Survey(r.Survey, r.Hash); err != nil {
		return err
	}
	return a.See(w, areaPath(e.ID, firstOpen(s, r.Answers), r.ID))
}

// firstOpen is the first area in which nothing is answered yet, or the first.
func firstOpen(s *survey.Survey, given survey.Answers) string {
	for _, area := range s.Areas {
		if !slices.ContainsFunc(area.Questions, func(q survey.Question) bool { return len(given[q.ID]) > 0 }) {
			return area.ID
		}
	}
	return s.Areas[0].ID
}

// cut keeps what a page shows again within reason.
func cut(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// readStart reads the place and the day, or tells what is wrong with them.
func (p *room) readStart(a *site.Ask, st start) (at place, day string, problems map[string]string) {
	problems = map[string]string{}
	if at = p.readPlace(a, st.Place); at.Problem != "" {
		problems["municipality"] = at.Problem
	}
	day, ok := readDay(st.Date)
	if !ok {
		problems["starts_on"] = a.T("public.date_unreadable")
		if forms.WrongYear(st.Date) {
			problems["starts_on"] = a.T("forms.bad_year")
		}
	}
	return at, day, problems
}

// readDay reads a day as browsers send it, or as people write it where the
// browser has no calendar. Nothing is a day that is not known.
func readDay(s string) (day string, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", true
	}
	t, ok := i18n.ParseDay(s)
	if !ok || t.Year() < 2000 {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

// resultOf reads the result that an address of the entity's survey names.
func (p *room) resultOf(a *site.Ask, e *catalogue.Entity, id string) (r *catalogue.SurveyResult, err error) {
	err = p.read(a, func(ctx context.Context, tx *db.Tx) error {
		r, err = catalogue.FindSurveyResult(ctx, tx, id)
		return err
	})
	if err == nil && r.Survey != e.Survey {
		err = errNotFound
	}
	return r, err
}

// step is what a page of questions shows.
type step struct {
	Entity       *catalogue.Entity
	Municipality *catalogue.Municipality
	Survey       *survey.Survey
	Result       string
	N            int // of the area
	Given        survey.Answers
	Problems     map[string]string
}

func (st step) area() survey.Area { return st.Survey.Areas[st.N] }

func (st step) path() string { return areaPath(st.Entity.ID, st.area().ID, st.Result) }

// state tells how much of an area is answered.
func (st step) state(area survey.Area) string {
	n := 0
	for _, q := range area.Questions {
		if len(st.Given[q.ID]) > 0 {
			n++
		}
	}
	switch n {
	case 0:
		return "public.area_open"
	case len(area.Questions):
		return "public.area_answered"
	default:
		return "public.area_partly"
	}
}

// step reads the address of a page of questions.
func (p *room) step(a *site.Ask) (step, *catalogue.SurveyResult, error) {
	e, err := p.entity(a)
	if err != nil {
		return step{}, nil, err
	}
	id := a.URL.Query().Get("result")
	if id == "" {
		return step{}, nil, errNotFound
	}
	r, err := p.resultOf(a, e, id)
	if err != nil {
		return step{}, nil, err
	}
	s, _, err := p.Catalogue.Survey(r.Survey, r.Hash)
	if err != nil {
		return step{}, nil, err
	}
	n := slices.IndexFunc(s.Areas, func(area survey.Area) bool { return area.ID == a.PathValue("area") })
	if n < 0 {
		return step{}, nil, errNotFound
	}
	return step{Entity: e, Municipality: p.Catalogue.Municipality(r.Municipality), Survey: s, Result: r.ID, N: n, Given: r.Answers}, r, nil
}

// area asks the questions of one area.
func (p *room) area(w http.ResponseWriter, a *site.Ask) error {
	st, _, err := p.step(a)
	if err != nil {
		return err
	}
	return p.showArea(w, a, http.StatusOK, st)
}

func (p *room) showArea(w http.ResponseWriter, a *site.Ask, status int, st step) error {
	place := ""
	if st.Municipality != nil {
		place = st.Municipality.Name.In(a.Lang)
	}
	page := ui.Page{
		Title: st.area().Title.In(a.Lang), FormID: surveyForm, Problems: len(st.Problems) > 0,
		Lead: a.T("public.area_nth", st.N+1, len(st.Survey.Areas), st.Entity.Name.In(a.Lang), place),
		Back: &ui.Link{Label: a.T("public.area_back_place"), Href: surveyPath(st.Entity.ID) + "?result=" + st.Result},
	}
	return a.Page(w, status, page, areaBody(a, st))
}

// answer keeps the answers of one area and goes where the button leads. It
// never insists: an unanswered question is told of on the result.
func (p *room) answer(w http.ResponseWriter, a *site.Ask) error {
	st, _, err := p.step(a)
	if err != nil {
		return err
	}
	v, err := a.Form()
	if err != nil {
		return err
	}
	given, problems := readArea(a, st, v)
	if len(problems) > 0 {
		st.Given, st.Problems = given, problems
		return p.showArea(w, a, http.StatusUnprocessableEntity, st)
	}
	var r *catalogue.SurveyResult
	err = p.write(a, func(ctx context.Context, tx *db.Tx) error {
		r, err = catalogue.ChangeSurveyResult(ctx, tx, st.Result, p.Now(), func(r *catalogue.SurveyResult) {
			for _, q := range st.area().Questions {
				answers := given[q.ID]
				if !slices.Equal(answers, r.Answers[q.ID]) {
					r.Final = false
				}
				if r.Answers[q.ID] = answers; len(answers) == 0 {
					delete(r.Answers, q.ID)
				}
			}
			r.Final = r.Final || v.Get("_do") == "result"
		})
		return err
	})
	if err != nil {
		return err
	}
	st.Result = r.ID
	if a.NewLanguage(w, v) {
		return a.See(w, st.path())
	}
	return a.See(w, st.next(v))
}

// next is where the pressed button leads; Enter leads on.
func (st step) next(v url.Values) string {
	switch v.Get("_do") {
	case "result":
		return resultPath(st.Result)
	case "choose":
		return "/projects/new?survey=" + url.QueryEscape(st.Result)
	case "clear":
		return st.path()
	}
	to := v.Get("_to")
	if to == "start" {
		return surveyPath(st.Entity.ID) + "?result=" + url.QueryEscape(st.Result)
	}
	for _, area := range st.Survey.Areas {
		if area.ID == to {
			return areaPath(st.Entity.ID, to, st.Result)
		}
	}
	if st.N+1 < len(st.Survey.Areas) {
		return areaPath(st.Entity.ID, st.Survey.Areas[st.N+1].ID, st.Result)
	}
	return resultPath(st.Result)
}

// readArea reads the answers of the page. Questions that were not on it keep
// theirs.
func readArea(a *site.Ask, st step, v url.Values) (given survey.Answers, problems map[string]string) {
	given = survey.Answers{}
	for _, q := range st.area().Questions {
		answers, there := v[q.ID]
		switch {
		case v.Get("_do") == "clear":
		case !there:
			given[q.ID] = st.Given[q.ID]
		default:
			for _, id := range answers {
				if id != "" && !slices.Contains(given[q.ID], id) {
					given[q.ID] = append(given[q.ID], id)
				}
			}
		}
	}
	return given, answerProblems(a, st.Survey.Check(given))
}

// answerProblems puts what is wrong with answers in words, by question.
func answerProblems(a *site.Ask, err error) map[string]string {
	problems := map[string]string{}
	var walk func(error)
	walk = func(err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
			return
		}
		if e, ok := errors.AsType[*survey.AnswerError](err); ok {
			key := "public.answer_unknown"
			if e.Problem == survey.SeveralAnswers {
				key = "public.answer_one"
			}
			problems[e.Question] = a.T(key)
		}
	}
	if err != nil {
		walk(err)
	}
	return problems
}

// control makes a question an input.
func (st step) control(l i18n.Lang, q survey.Question) ui.Control {
	c := ui.Control{Lang: l, Name: q.ID, Label: q.Text.In(l), Help: q.Help.In(l), Values: st.Given[q.ID], Problem: st.Problems[q.ID]}
	for _, answer := range q.Answers {
		c.Options = append(c.Options, ui.Option{Value: answer.ID, Label: answer.Text.In(l)})
	}
	return c
}
