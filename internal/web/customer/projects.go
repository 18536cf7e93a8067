package customer

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/survey"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// projectsPage is the list of the asker's projects.
type projectsPage struct {
	say
	None string // what is said when there is none
	Rows []projectCard
}

type projectCard struct{ Href, Name, About, Changed, Waits, Unread string }

func (r room) projects(w http.ResponseWriter, a *site.Ask, who asker) error {
	rows, err := r.Desk.Projects(a.Context(), who)
	if err != nil {
		return err
	}
	page := projectsPage{say: say{a.Lang}, None: a.T("customer.projects_none")}
	frame := ui.Page{Title: a.T("customer.projects_title")}
	if who.For.ID != "" {
		page.None = a.T("customer.projects_none_for", who.For.Name)
		frame.Title, frame.Lead = a.T("customer.projects_title_for", who.For.Name), a.T("customer.projects_for_"+string(who.For.Kind))
	}
	for _, p := range rows {
		card := projectCard{Href: projectPath(p.ID), Name: p.Name, Changed: a.T("customer.changed_at", i18n.Date(a.Lang, p.ChangedAt))}
		parts := []string{r.entityName(a.Lang, p.Entity), r.municipalityName(a.Lang, p.Municipality), p.Number, page.count("customer.matters", p.Matters)}
		card.About = strings.Join(parts, " · ")
		if p.WaitsOnYou > 0 && p.Role.MayWrite() {
			card.Waits = page.count("customer.waits", p.WaitsOnYou)
		}
		if p.Unread > 0 {
			card.Unread = page.count("customer.unread", p.Unread)
		}
		page.Rows = append(page.Rows, card)
	}
	return a.Page(w, http.StatusOK, frame, projectsBody(page))
}

// count tells a number of things: one has words of its own.
func (s say) count(key string, n int64) string {
	if n == 1 {
		return s.T(key + "_one")
	}
	return s.T(key+"_many", i18n.Number(s.Lang, n))
}

func (r room) entityName(l i18n.Lang, id string) string {
	if e := r.Catalogue.Entity(id); e != nil {
		return e.Name.In(l)
	}
	return id
}

// newPage begins a project: first its kind and place, then its name and the
// matters that are offered there.
type newPage struct {
	say
	Problem      string // that no field has
	Entity       ui.Control
	Municipality ui.Control
	Near         []ui.Link // what may have been meant
	Towns        []ui.Option
	Second       bool
	EntityID     string
	Town         string // code
	Where        string
	Survey       string
	Name, Start  ui.Control
	Choices      []choice
	Missing      []missing
}

// A choice is a matter that can be taken into a project.
type choice struct {
	ID, Name, Authority, Summary, Deadline string
	Urgency                                ui.Urgency
	Why                                    string // "needed" or "possibly needed", from the survey
	Status                                 string
	On                                     bool
}

// A missing matter is one that nobody offers here yet: whom to ask.
type missing struct{ Name, Ask string }

// wanted is what a survey found, by matter type.
type wanted map[string]survey.Finding

func (r room) newProject(w http.ResponseWriter, a *site.Ask, _ asker) error {
	q := a.URL.Query()
	if q.Get("survey") == "" && !q.Has("municipality") {
		return r.drawNew(w, a, newInput{entity: site.Chosen(q, "entity")}, nil)
	}
	in := newInput{entity: site.Chosen(q, "entity"), town: q.Get("municipality"), survey: q.Get("survey"), start: q.Get("start"), asked: true}
	result, err := r.surveyOf(a, in.survey)
	if err != nil {
		return err
	}
	if result != nil {
		in.entity, in.town, in.start = result.entity, result.SurveyResult.Municipality, result.StartsOn
		for id := range result.wanted {
			in.types = append(in.types, id)
		}
	}
	return r.drawNew(w, a, in, nil)
}

// newInput is what was given of a new project.
type newInput struct {
	entity, town, survey, name, start string
	types                             []string
	asked                             bool // the first step was sent
}

type surveyed struct {
	*catalogue.SurveyResult
	entity string
	wanted wanted
}

// surveyOf reads what a survey found, nil when the project does not begin from
// one.
func (r room) surveyOf(a *site.Ask, id string) (*surveyed, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // no survey is no error
	}
	out := surveyed{wanted: wanted{}}
	err := r.view(a, func(tx tx) (err error) {
		out.SurveyResult, err = catalogue.FindSurveyResult(a.Context(), tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	s, _, err := r.Catalogue.Survey(out.Survey, out.Hash)
	if err != nil {
		return nil, err
	}
	for _, e := range r.Catalogue.Entities {
		if e.Survey == out.Survey {
			out.entity = e.ID
		}
	}
	judged := s.Judge(out.Answers)
	for _, f := range slices.Concat(judged.Definitely, judged.Possibly) {
		out.wanted[f.Matter] = f
	}
	return &out, nil
}

func (r room) startProject(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	in := newInput{entity: v.Get("entity"), town: v.Get("municipality"), survey: v.Get("survey"), name: v.Get("name"), start: strings.TrimSpace(v.Get("start")), types: given(v, "type")}
	var starts time.Time
	if in.start != "" {
		if starts, err = day(in.start); err != nil {
			key := "forms.not_a_date"
			if forms.WrongYear(in.start) {
				key = "forms.bad_year"
			}
			return r.drawNew(w, a, in, fail.New(fail.Rejected, key).In("start"))
		}
	}
	if a.NewLanguage(w, v) {
		return r.drawNew(w, a, in, nil)
	}
	who.Lang = a.Lang // errors name matters in the language of the page
	code := in.town
	if m := r.Catalogue.MunicipalityNamed(code); m != nil {
		code = m.Code
	}
	id, err := r.Desk.StartProject(a.Context(), who, matter.NewProject{Entity: in.entity, Municipality: code, Name: in.name, StartsOn: starts, Survey: in.survey, Types: in.types})
	if fail.Is(err, fail.Rejected) {
		return r.drawNew(w, a, in, err)
	}
	if err != nil {
		return err
	}
	return a.Say(w, projectPath(id), "customer.project_started")
}

// given returns the values of a name that are not empty.
func given(v url.Values, name string) []string {
	return slices.DeleteFunc(slices.Clone(v[name]), func(s string) bool { return s == "" })
}

// day reads the day on which something is to begin.
func day(s string) (time.Time, error) {
	t, ok := i18n.ParseDay(s)
	if !ok || t.Year() < 2000 {
		return time.Time{}, errMalformed
	}
	return t, nil
}

func (r room) drawNew(w http.ResponseWriter, a *site.Ask, in newInput, problem error) error {
	s := say{a.Lang}
	status := http.StatusOK
	text, field, rejected := told(a.Lang, problem)
	if rejected {
		status = http.StatusUnprocessableEntity
	}
	at := func(name string) string {
		if field == name {
			return text
		}
		return ""
	}
	town := r.Catalogue.MunicipalityNamed(in.town)
	page := newPage{say: s, EntityID: in.entity, Survey: in.survey, Towns: r.municipalities(a.Lang)}
	if field == "" || field == "type" {
		page.Problem = text
	}
	page.Entity = ui.Control{Lang: a.Lang, Name: "entity", Label: s.T("customer.new_entity"), Value: in.entity, Problem: at("entity")}
	for _, e := range r.Catalogue.Entities {
		page.Entity.Options = append(page.Entity.Options, ui.Option{Value: e.ID, Label: e.Name.In(a.Lang), Help: e.Lead.In(a.Lang)})
	}
	page.Municipality = ui.Control{
		Lang: a.Lang, Name: "municipality", Label: s.T("customer.new_municipality"), Help: s.T("customer.new_municipality_help"),
		Value: in.town, List: "towns", Autocomplete: "off", Problem: at("municipality"),
	}
	entity := r.Catalogue.Entity(in.entity)
	if in.asked { // the first step was answered: is it whole?
		switch {
		case entity == nil:
			page.Entity.Problem, status = s.T("project.no_such_entity"), http.StatusUnprocessableEntity
		case town != nil && town.Aland || catalogue.IsAland(in.town):
			page.Municipality.Problem, status = s.T("project.aland"), http.StatusUnprocessableEntity
		case town == nil:
			page.Municipality.Problem, status = s.T("project.choose_municipality"), http.StatusUnprocessableEntity
			for _, n := range r.Catalogue.MunicipalitiesNear(in.town) {
				q := url.Values{"entity": {in.entity}, "municipality": {n.Name.In(a.Lang)}}
				page.Near = append(page.Near, ui.Link{Label: n.Label(a.Lang), Href: "/projects/new?" + q.Encode()})
				page.Municipality.Problem = s.T("ui.municipality_near")
			}
		}
	}
	if town != nil {
		page.Municipality.Value = town.Name.In(a.Lang)
	}
	page.Second = entity != nil && town != nil && !town.Aland
	ui2 := ui.Page{Title: s.T("customer.new_title"), Lead: s.T("customer.new_lead"), Back: &ui.Link{Label: s.T("customer.projects_title"), Href: "/projects"}, Problems: status != http.StatusOK}
	if page.Second {
		if err := r.secondStep(a, &page, in, entity, town, at); err != nil {
			return err
		}
		ui2.FormID, ui2.Path = "form", "/projects/new"
		ui2.Lead = s.T("customer.new_lead_second")
	}
	return a.Page(w, status, ui2, newBody(page))
}

func (r room) secondStep(a *site.Ask, page *newPage, in newInput, entity *catalogue.Entity, town *catalogue.Municipality, at func(string) string) error {
	s := page.say
	page.Town, page.Where = town.Code, entity.Name.In(a.Lang)+" · "+town.Name.In(a.Lang)
	page.Name = ui.Control{Lang: a.Lang, Name: "name", Label: s.T("customer.new_name"), Help: s.T("customer.new_name_help"), Value: in.name, Max: 100, Problem: at("name")}
	page.Start = ui.Control{Lang: a.Lang, Name: "start", Label: s.T("customer.new_start"), Help: s.T("customer.new_start_help"), Type: "date", Size: ui.Medium, Optional: true, Value: in.start, Problem: at("start")}
	starts, err := day(in.start)
	if err != nil && in.start != "" {
		page.Start.Type = "text"
	}
	found, err := r.surveyOf(a, in.survey)
	if err != nil {
		return err
	}
	var want wanted
	if found != nil {
		want = found.wanted
	}
	page.Choices, page.Missing, err = r.choices(a, town.Code, entity.ID, starts, want, nil)
	for i := range page.Choices {
		page.Choices[i].On = slices.Contains(in.types, page.Choices[i].ID)
	}
	return err
}

// choices lists the matters that are offered in a municipality, those that a
// survey found first, and those it found that nobody offers there.
func (r room) choices(a *site.Ask, town, entity string, starts time.Time, want wanted, have []string) (all []choice, none []missing, err error) {
	here, err := r.offers(a, town, entity)
	if err != nil {
		return nil, nil, err
	}
	s := say{a.Lang}
	for _, t := range r.Catalogue.TypesOf(entity) {
		offer := here[t.ID]
		found, wants := want[t.ID]
		if offer == nil || t.NotSent {
			if wants {
				none = append(none, missing{Name: t.Name.In(a.Lang), Ask: r.askWhom(s, t, town)})
			}
			continue
		}
		if slices.Contains(have, t.ID) {
			continue
		}
		c := choice{ID: t.ID, Name: t.Name.In(a.Lang), Authority: r.authorityName(a.Lang, offer.Authority), Summary: t.Summary.In(a.Lang)}
		c.Deadline, c.Urgency = s.sendBy(latest(t, found, starts, r.Now()), r.Now(), false)
		if wants {
			c.Status = string(found.Effect())
			c.Why = s.T("customer.why_" + c.Status)
		}
		all = append(all, c)
	}
	order := map[string]int{"definitely": 0, "possibly": 1, "": 2}
	slices.SortStableFunc(all, func(a, b choice) int { return cmp.Compare(order[a.Status], order[b.Status]) })
	return all, none, nil
}

// askWhom tells whom to ask about a matter that cannot be sent from here.
func (r room) askWhom(s say, t *catalogue.Type, town string) string {
	if t.NotSent {
		return s.T("customer.not_sent")
	}
	var names []string
	for _, au := range r.Catalogue.Responsible(t, town) {
		names = append(names, au.Name.In(s.Lang))
	}
	if len(names) == 0 {
		return s.T("customer.ask_unknown")
	}
	return s.T("customer.ask_authority", strings.Join(names, ", "))
}

// latest is when a matter must be with its authority at the latest, by the
// rules that called for it if a survey did: the strictest day that has not
// passed, or else the last. Its day is zero when no such day is known.
func latest(t *catalogue.Type, found survey.Finding, starts, now time.Time) (due survey.Due) {
	if t == nil {
		return due
	}
	for _, d := range found.Dues(t.Deadline, starts) {
		if !d.Last.IsZero() {
			due = d
		}
		if !due.Last.Before(now) {
			return due
		}
	}
	return due
}

// sendBy tells the day of latest as what it is, an order or advice, and that it
// has passed; with left also how many days are left.
func (s say) sendBy(due survey.Due, now time.Time, left bool) (text string, u ui.Urgency) {
	if due.Last.IsZero() {
		return "", ui.InTime
	}
	key, u := "customer.send_by", urgency(due.Last, now)
	if !due.Binds() {
		if key = "customer.advised_by"; u == ui.Late {
			u = ui.Soon
		}
	}
	text = s.T(key, i18n.Date(s.Lang, due.Last))
	if left || due.Last.Before(now) {
		text += ", " + s.leftOf(due, now)
	}
	return text, u
}

// leftOf tells how many days are left until the day of latest.
func (s say) leftOf(due survey.Due, now time.Time) string {
	switch {
	case due.Binds():
	case due.Last.Before(now):
		return s.T("customer.advised_late")
	case i18n.DaysBetween(now, due.Last) == 0:
		return s.T("customer.advised_today")
	}
	return s.left(due.Last, now)
}
