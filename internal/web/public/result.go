package public

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/survey"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// A finding is a matter that the survey found, as its card shows it.
type finding struct {
	survey.Finding
	Type      *catalogue.Type
	Why       []survey.Reason // the reasons, that of the deadline first
	Kind      string
	Authority string // who serves, or would
	Instead   string // what to do where nobody offers it
	Deadline  deadline
	Chosen    bool
}

// resultView is what the page of a result shows.
type resultView struct {
	Result     *catalogue.SurveyResult
	Survey     *survey.Survey
	Entity     *catalogue.Entity
	Newer      string // version of newer rules, "" when there are none
	Past       bool   // the day on which it starts has passed
	Definitely []finding
	Possibly   []finding
	Elsewhere  []finding // needed, but nobody offers it here
	Keep       []finding // to be kept ready, not sent
	Advice     []survey.Advice
	Limit      *limit // the statutory time limit, nil where the entity has none

	Unanswered []survey.Area
	Open       []*catalogue.Type
	NotJoined  []*catalogue.Authority
	Ruleless   []*catalogue.Type
	Resume     string // area in which to go on

	Place, Starts, At, Address string
	Answered, Questions        int

	Officer           bool // signed in, but not as an applicant
	Name, NameProblem string
	Problem           string
}

func (v resultView) none() bool {
	return len(v.Definitely)+len(v.Possibly)+len(v.Elsewhere)+len(v.Keep) == 0
}

// openTitle says that the result is partial, and how far the answers go.
func (v resultView) openTitle(a *site.Ask) string {
	switch {
	case v.Answered == 0:
		return a.T("public.result_unanswered_title")
	case v.Answered < v.Questions:
		return a.T("public.result_partial_title", v.Answered, v.Questions)
	}
	return a.T("public.result_open_title")
}

// resume is the area in which to go on: one without any answer, or else one
// that lacks some.
func (v resultView) resume() string {
	open := func(id string) bool {
		return slices.ContainsFunc(v.Unanswered, func(area survey.Area) bool { return area.ID == id })
	}
	if len(v.Unanswered) > 0 && !open(v.Resume) {
		return v.Unanswered[0].ID
	}
	return v.Resume
}

// noneKey tells that nothing was found. While questions are open, that is no
// all-clear.
func (v resultView) noneKey() string {
	switch {
	case v.Answered == 0:
		return "public.result_none_unanswered"
	case v.Answered < v.Questions:
		return "public.result_none_partial"
	}
	return "public.result_none"
}

// checklist lists what is definitely needed, here or elsewhere: first what has
// a last day, in the order of the days.
func (v resultView) checklist() []finding {
	needed := slices.Clone(v.Definitely)
	for _, f := range v.Elsewhere {
		if f.Effect() == survey.Definitely {
			needed = append(needed, f)
		}
	}
	slices.SortStableFunc(needed, func(x, y finding) int {
		if x.Deadline.Last.IsZero() != y.Deadline.Last.IsZero() {
			if x.Deadline.Last.IsZero() {
				return 1
			}
			return -1
		}
		return x.Deadline.Last.Compare(y.Deadline.Last)
	})
	return needed
}

// limit is how long the statutory time limit of such a project is.
type limit struct {
	*catalogue.Limit
	Law   *catalogue.Law
	Class *catalogue.Class // nil while the answers do not settle it
	Lacks []i18n.Text
}

// limitOf judges the time limit by the answers and the law of the result's day.
func (p *room) limitOf(r *catalogue.SurveyResult, entity string) *limit {
	l := p.Catalogue.Limit(entity)
	if l == nil {
		return nil
	}
	out := &limit{Limit: l, Law: l.Law(r.At)}
	if out.Law == nil {
		return nil
	}
	out.Class, out.Lacks = l.Judge(out.Law, l.SurveyTerms(r.Answers))
	if out.Class != nil && out.Class.Months == 0 {
		return nil
	}
	return out
}

// nameControl asks for the project's name.
func (v resultView) nameControl(a *site.Ask) ui.Control {
	return ui.Control{Lang: a.Lang, Name: "name", Label: a.T("public.project_name"), Value: v.Name, Problem: v.NameProblem, Max: 100}
}

func (v resultView) startLabel(a *site.Ask) string {
	if isCustomer(a) {
		return a.T("public.start_project")
	}
	return a.T("public.start_login")
}

// choice is what was ticked and typed on the page of a result.
type choice struct {
	made  bool // otherwise what is definitely needed is ticked
	types []string
	name  string
	named bool
}

func readChoice(v url.Values) choice {
	return choice{made: v.Has("chosen"), types: v["type"], name: cut(v.Get("name")), named: v.Has("name")}
}

// result shows what the answers call for, under the rules they were given for.
func (p *room) result(w http.ResponseWriter, a *site.Ask) error {
	v, err := p.resultView(a, a.PathValue("id"), readChoice(a.URL.Query()))
	if err != nil {
		return err
	}
	return p.showResult(w, a, http.StatusOK, v)
}

func (p *room) showResult(w http.ResponseWriter, a *site.Ask, status int, v resultView) error {
	page := ui.Page{
		Title: a.T("public.result_title"), Lead: a.T("public.result_lead", v.Entity.Name.In(a.Lang), v.Place), FormID: surveyForm,
		Problems: v.NameProblem != "" || v.Problem != "",
	}
	return a.Page(w, status, page, resultBody(a, v))
}

func (p *room) resultView(a *site.Ask, id string, c choice) (v resultView, err error) {
	var here map[string]*catalogue.Offer
	err = p.read(a, func(ctx context.Context, tx *db.Tx) error {
		if v.Result, err = catalogue.FindSurveyResult(ctx, tx, id); err != nil {
			return err
		}
		if v.Entity = p.entityOf(v.Result.Survey); v.Entity == nil {
			return errNotFound
		}
		here, err = catalogue.OffersIn(ctx, tx, v.Result.Municipality, v.Entity.ID)
		return err
	})
	if err != nil {
		return v, err
	}
	if v.Survey, _, err = p.Catalogue.Survey(v.Result.Survey, v.Result.Hash); err != nil {
		return v, err
	}
	current, hash, err := p.Catalogue.Survey(v.Result.Survey, "")
	if err != nil {
		return v, err
	}
	if hash != v.Result.Hash {
		v.Newer = current.Version
	}
	p.basis(a, &v)
	p.judge(a, &v, here, c)
	v.Officer = a.Known && !isCustomer(a)
	if v.Name = c.name; !c.named || p.isSuggested(v, c.name) {
		v.Name = p.suggested(v, a.Lang)
	}
	return v, nil
}

func (p *room) entityOf(s string) *catalogue.Entity {
	i := slices.IndexFunc(p.Catalogue.Entities, func(e *catalogue.Entity) bool { return e.Survey == s })
	if i < 0 {
		return nil
	}
	return p.Catalogue.Entities[i]
}

// suggested is a name for the project that is right in most cases.
func (p *room) suggested(v resultView, l i18n.Lang) string {
	name := v.Entity.Name.In(l)
	if m := p.Catalogue.Municipality(v.Result.Municipality); m != nil {
		name += ", " + m.Name.In(l)
	}
	return name
}

func (p *room) isSuggested(v resultView, name string) bool {
	return slices.ContainsFunc(i18n.Langs, func(l i18n.Lang) bool { return p.suggested(v, l) == name })
}

// basis tells what the result rests on.
func (p *room) basis(a *site.Ask, v *resultView) {
	if m := p.Catalogue.Municipality(v.Result.Municipality); m != nil {
		v.Place = m.Name.In(a.Lang)
	}
	starts := v.Result.Starts()
	v.Starts, v.At = i18n.Date(a.Lang, starts), i18n.DateTime(a.Lang, v.Result.At)
	v.Past = !starts.IsZero() && i18n.DaysBetween(p.Now(), starts) < 0
	v.Address = p.address(a.Request, resultPath(v.Result.ID))
	v.Resume = firstOpen(v.Survey, v.Result.Answers)
	for _, area := range v.Survey.Areas {
		for _, q := range area.Questions {
			v.Questions++
			if len(v.Result.Answers[q.ID]) > 0 {
				v.Answered++
			}
		}
	}
}

func (p *room) judge(a *site.Ask, v *resultView, here map[string]*catalogue.Offer, c choice) {
	judged := v.Survey.Judge(v.Result.Answers)
	v.Advice, v.Unanswered = judged.Advice, judged.Unanswered
	v.Limit = p.limitOf(v.Result, v.Entity.ID)
	for _, found := range slices.Concat(judged.Definitely, judged.Possibly) {
		if t := p.Catalogue.Type(found.Matter); t != nil { // else a type of old that is no longer in the catalogue
			p.put(a, v, here[t.ID], c, finding{Finding: found, Type: t})
		}
	}
	for _, o := range judged.Open {
		if t := p.Catalogue.Type(o.Matter); t != nil {
			v.Open = append(v.Open, t)
		}
	}
	named := v.Survey.Matters()
	joined := map[string]bool{}
	for _, o := range here {
		joined[o.Authority] = true
	}
	for _, t := range p.Catalogue.TypesOf(v.Entity.ID) {
		if !slices.Contains(named, t.ID) {
			v.Ruleless = append(v.Ruleless, t)
		}
		for _, au := range p.Catalogue.Responsible(t, v.Result.Municipality) {
			if !joined[au.ID] && here[t.ID] == nil && !t.NotSent && !slices.Contains(v.NotJoined, au) {
				v.NotJoined = append(v.NotJoined, au)
			}
		}
	}
}

// put puts a finding in the list it belongs to.
func (p *room) put(a *site.Ask, v *resultView, offer *catalogue.Offer, c choice, f finding) {
	if k := p.Catalogue.Kind(f.Type.Kind); k != nil {
		f.Kind = k.Name.In(a.Lang)
	}
	f.Authority = p.responsible(a, f.Type, v.Result.Municipality)
	if offer != nil {
		if au := p.Catalogue.Authority(offer.Authority); au != nil {
			f.Authority = au.Name.In(a.Lang)
		}
	}
	f.Deadline = deadlineOf(a, f.Dues(f.Type.Deadline, v.Result.Starts()), f.Type.Timing, f.Authority, p.Now())
	if v.Past {
		f.Deadline.Warning = "" // said once, for all of them
	}
	f.Why = slices.Clone(f.Reasons)
	if i := f.Deadline.Reason; i > 0 && f.Deadline.Tied {
		f.Why = slices.Insert(slices.Delete(f.Why, i, i+1), 0, f.Reasons[i])
	}
	f.Chosen = f.Effect() == survey.Definitely
	if c.made {
		f.Chosen = slices.Contains(c.types, f.Type.ID)
	}
	switch {
	case f.Type.NotSent:
		v.Keep = append(v.Keep, f)
	case offer == nil:
		if f.Deadline.Urgency != ui.Late || f.Deadline.Warning == "" { // which says the same
			f.Instead = a.T("public.ask_authority", f.Authority)
		}
		v.Elsewhere = append(v.Elsewhere, f)
	case f.Effect() == survey.Definitely:
		v.Definitely = append(v.Definitely, f)
	default:
		v.Possibly = append(v.Possibly, f)
	}
}

// responsible names the authorities that handle the type there, joined or not.
func (p *room) responsible(a *site.Ask, t *catalogue.Type, municipality string) string {
	var names []string
	for _, au := range p.Catalogue.Responsible(t, municipality) {
		names = append(names, au.Name.In(a.Lang))
	}
	if len(names) == 0 {
		return a.T("public.type_" + t.AuthorityType)
	}
	return strings.Join(names, ", ")
}

// useResult begins a project, judges anew, or only changes the language.
func (p *room) useResult(w http.ResponseWriter, a *site.Ask) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id, c := a.PathValue("id"), readChoice(v)
	if v.Get("_do") == "anew" {
		return p.judgeAnew(w, a, id)
	}
	newLanguage := a.NewLanguage(w, v)
	view, err := p.resultView(a, id, c)
	if err != nil {
		return err
	}
	if newLanguage {
		return p.showResult(w, a, http.StatusOK, view)
	}
	if !isCustomer(a) {
		q := url.Values{"chosen": {"1"}, "type": c.types}
		return a.See(w, ui.LoginPath+"?next="+url.QueryEscape(resultPath(id)+"?"+q.Encode()+"#start"))
	}
	return p.startProject(w, a, view, c)
}

func (p *room) startProject(w http.ResponseWriter, a *site.Ask, v resultView, c choice) error {
	project, err := p.Desk.StartProject(a.Context(), identity.Customer{Person: a.Person, For: a.For}, matter.NewProject{
		Entity: v.Entity.ID, Municipality: v.Result.Municipality, Name: v.Name, StartsOn: v.Result.Starts(), Survey: v.Result.ID, Types: c.types,
	})
	if e, ok := errors.AsType[*fail.Error](err); ok && e.Kind == fail.Rejected {
		if e.Field == "name" {
			v.NameProblem = a.T(e.Key, e.Args...)
		} else {
			v.Problem = a.T(e.Key, e.Args...)
		}
		return p.showResult(w, a, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	return a.Say(w, "/projects/"+project, "customer.project_started")
}

// judgeAnew makes a new result of the same answers under the current rules.
// The old one stays.
func (p *room) judgeAnew(w http.ResponseWriter, a *site.Ask, id string) error {
	var r *catalogue.SurveyResult
	err := p.write(a, func(ctx context.Context, tx *db.Tx) error {
		was, err := catalogue.FindSurveyResult(ctx, tx, id)
		if err != nil {
			return err
		}
		_, hash, err := p.Catalogue.Survey(was.Survey, "")
		if err != nil {
			return err
		}
		r, err = catalogue.ChangeSurveyResult(ctx, tx, id, p.Now(), func(r *catalogue.SurveyResult) { r.Hash = hash })
		return err
	})
	if err != nil {
		return err
	}
	return a.See(w, resultPath(r.ID))
}
