package customer

import (
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// projectPage is a project: what waits on the reader first, then the joint
// view.
type projectPage struct {
	say
	ID       string
	Waits    []wait
	Next     *ui.Link // what is to be done first: see nextStep
	Columns  []ui.Column
	Rows     []jointRow
	Limit    *site.Limit // the statutory time limit, or nil
	Follow   []follow
	Facts    []ui.Item
	Members  []ui.Item
	Drafts   bool
	MayWrite bool
	MaySend  bool
	MayRule  bool
}

// wait is one thing for the reader to do.
type wait struct {
	Href, Title, Text  string
	Status, StatusText string
	Due                string
	Urgency            ui.Urgency
}

// icon shows what kind of thing waits.
func (w wait) icon() string {
	switch w.Status {
	case "open":
		return "message"
	case "to_complete":
		return "warning"
	case "completed":
		return "send"
	}
	return "edit"
}

// jointRow is a row of the joint view (asiakashankenäkymä).
type jointRow struct {
	Href, Name, Authority, Number         string
	Identifier, Handler                   string
	Started, StatusAt, Status, StatusText string
	Holder, Since, Until                  string
	Urgency                               ui.Urgency
	Unread                                bool
	Limit                                 site.LimitRow
}

// follow is a supervision matter that can be asked after an earlier one.
type follow struct{ Earlier, Matter, Type, Name, Authority string }

func (r room) project(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := r.Desk.Project(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	s := say{a.Lang}
	page := projectPage{say: s, ID: v.ID, MayWrite: v.Role.MayWrite(), MaySend: v.Role.MaySend(), MayRule: v.Role.MayRule(), Columns: jointColumns(s), Limit: site.LimitOf(a.Lang, v.Limit)}
	if page.Limit != nil {
		page.Columns = append(page.Columns, ui.Column{Label: s.T("limit.column")})
	}
	for _, row := range v.Rows {
		shown := r.jointRow(s, row)
		shown.Limit = page.Limit.Row(&row)
		page.Rows = append(page.Rows, shown)
		page.Drafts = page.Drafts || row.Status == matter.Draft
	}
	page.Waits, page.Next = r.waits(s, v), r.nextStep(s, v)
	if page.MayWrite {
		if page.Follow, err = r.follows(a, v); err != nil {
			return err
		}
	}
	page.Facts = []ui.Item{
		{Label: s.T("customer.number"), Value: v.Number},
		{Label: s.T("customer.entity"), Value: r.entityName(a.Lang, v.Entity)},
		{Label: s.T("customer.municipality"), Value: r.municipalityName(a.Lang, v.Municipality)},
	}
	if v.Place != "" {
		page.Facts = append(page.Facts, ui.Item{Label: s.T("customer.place"), Value: v.Place})
	}
	if !v.StartsAt.IsZero() {
		page.Facts = append(page.Facts, ui.Item{Label: s.T("customer.starts"), Value: i18n.Date(a.Lang, v.StartsAt)})
	}
	for _, m := range v.Members {
		page.Members = append(page.Members, ui.Item{Label: m.Name, Value: s.T("member." + string(m.Role))})
	}
	return a.Page(w, http.StatusOK, ui.Page{
		Title: v.Name, Lead: r.entityName(a.Lang, v.Entity) + " · " + r.municipalityName(a.Lang, v.Municipality) + " · " + v.Number,
		Back: &ui.Link{Label: s.T("customer.projects_title"), Href: "/projects"}, Wide: true,
	}, projectBody(page))
}

func jointColumns(s say) []ui.Column {
	return []ui.Column{
		{Label: s.T("customer.col_matter")},
		{Label: s.T("customer.col_identifier")},
		{Label: s.T("customer.col_handler")},
		{Label: s.T("customer.col_started")},
		{Label: s.T("customer.col_status_at")},
		{Label: s.T("customer.col_status")},
		{Label: s.T("customer.col_holder")},
	}
}

func (r room) jointRow(s say, row matter.Row) jointRow {
	out := jointRow{
		Href: matterPath(row.ID), Name: r.typeName(s.Lang, row.Type), Authority: r.authorityName(s.Lang, row.Authority), Number: row.Number, Identifier: row.Identifier, Handler: row.Handler,
		Started: i18n.Date(s.Lang, row.Started), StatusAt: i18n.Date(s.Lang, row.StatusAt), Status: tone(row.Status, row.Outcome),
		StatusText: r.statusWords(s.Lang, row.Offer, row.Kind, row.Status, row.Outcome),
		Holder:     r.holder(s, row.Holder, row.Authority, row.Other), Unread: row.Unread,
	}
	if row.Holder != matter.HeldByNobody {
		out.Since = s.T("customer.since", i18n.Date(s.Lang, row.Since))
	}
	if !row.Due.IsZero() {
		out.Until, out.Urgency = s.T("customer.until", i18n.Date(s.Lang, row.Due)), urgency(row.Due, r.Now())
	}
	return out
}

// holder tells the applicant who holds a matter.
func (r room) holder(s say, h matter.Holder, authority, other string) string {
	switch {
	case h == matter.HeldByApplicant:
		return s.T("customer.holder_you")
	case h == matter.HeldByAuthority:
		return r.authorityName(s.Lang, authority)
	case h == matter.HeldByOther && other != "":
		return r.authorityName(s.Lang, other)
	}
	return s.T("holder." + string(h))
}

// waits lists what waits on the reader: what an authority asked for first.
func (r room) waits(s say, v *matter.ProjectView) []wait {
	var all, news []wait
	mayWrite := v.Role.MayWrite()
	common := map[string]bool{}
	var ready int64
	for _, row := range v.Rows {
		lacks := v.Lacks[row.ID]
		for _, l := range lacks {
			if l.Common {
				common[l.Problem.Path] = true
			}
		}
		if row.Status == matter.Draft && len(lacks) == 0 {
			ready++
		}
		if row.Unread && (row.Status != matter.ToComplete || !mayWrite) {
			news = append(news, r.waitUnread(s, row))
		}
	}
	if !mayWrite {
		return news
	}
	for _, row := range toComplete(v) {
		all = append(all, r.waitToComplete(s, row))
	}
	all = append(all, news...)
	if len(common) > 0 {
		all = append(all, wait{
			Href: projectPath(v.ID) + "/common", Title: s.T("customer.wait_common"), Text: s.count("customer.lacks", int64(len(common))),
			Status: "draft", StatusText: s.T("customer.unfinished"),
		})
	}
	for _, row := range r.drafts(v) {
		all = append(all, r.waitDraft(s, row, v))
	}
	if ready > 0 && v.Role.MaySend() {
		all = append(all, wait{
			Href: projectPath(v.ID) + "/send", Title: s.count("customer.wait_send", ready), Text: s.T("customer.wait_send_help"),
			Status: "completed", StatusText: s.T("customer.ready"),
		})
	}
	return all
}

// drafts are the drafts by the day on which they must be sent, the earliest
// first; those without a day come last.
func (r room) drafts(v *matter.ProjectView) []matter.Row {
	all := slices.DeleteFunc(slices.Clone(v.Rows), func(row matter.Row) bool { return row.Status != matter.Draft })
	slices.SortStableFunc(all, func(a, b matter.Row) int {
		x, y := r.lastDay(v, a), r.lastDay(v, b)
		switch {
		case x.IsZero() == y.IsZero():
			return x.Compare(y)
		case x.IsZero():
			return 1
		}
		return -1
	})
	return all
}

func (r room) lastDay(v *matter.ProjectView, row matter.Row) time.Time {
	return latest(r.Catalogue.Type(row.Type), v.Found[row.Type], v.StartsAt, r.Now()).Last
}

// nextStep leads a member who may write to what an authority has asked for,
// the earliest day first, or else to what is to be filled in while no draft is
// ready to be sent: the common data first. It is nil when one is ready, or none
// is there.
func (r room) nextStep(s say, v *matter.ProjectView) (next *ui.Link) {
	if !v.Role.MayWrite() {
		return nil
	}
	if asked := toComplete(v); len(asked) > 0 {
		w := r.waitToComplete(s, asked[0])
		return &ui.Link{Label: w.Title, Href: w.Href}
	}
	for _, row := range r.drafts(v) {
		lacks := v.Lacks[row.ID]
		switch {
		case len(lacks) == 0:
			return nil
		case slices.ContainsFunc(lacks, func(l matter.Lack) bool { return l.Common }):
			next = &ui.Link{Label: s.T("customer.wait_common"), Href: projectPath(v.ID) + "/common"}
		case next == nil:
			next = &ui.Link{Label: s.T("customer.next_form", r.typeName(s.Lang, row.Type)), Href: matterPath(row.ID) + "/form"}
		}
	}
	return next
}

// whose tells a matter's authority and its number, by which both sides speak of
// it.
func (r room) whose(s say, row matter.Row) string {
	return r.authorityName(s.Lang, row.Authority) + " · " + row.Number
}

// toComplete are the matters that an authority has asked to be completed, by
// the day it gave.
func toComplete(v *matter.ProjectView) []matter.Row {
	all := slices.DeleteFunc(slices.Clone(v.Rows), func(row matter.Row) bool { return row.Status != matter.ToComplete })
	slices.SortStableFunc(all, func(a, b matter.Row) int { return a.Due.Compare(b.Due) })
	return all
}

// waitUnread tells that the authority has ended the handling, whatever else is
// new.
func (r room) waitUnread(s say, row matter.Row) wait {
	key := "customer.wait_unread"
	if row.Status == matter.Finished || row.Status == matter.Dismissed {
		key = "customer.wait_ended"
	}
	return wait{Href: matterPath(row.ID), Title: s.T(key, r.typeName(s.Lang, row.Type)), Text: r.whose(s, row), Status: "open", StatusText: s.T("ui.unread")}
}

func (r room) waitToComplete(s say, row matter.Row) wait {
	w := wait{
		Href: matterPath(row.ID), Title: s.T("customer.wait_complete", r.typeName(s.Lang, row.Type)), Text: r.whose(s, row),
		Status: string(row.Status), StatusText: r.statusWords(s.Lang, row.Offer, row.Kind, row.Status, ""),
	}
	if !row.Due.IsZero() {
		w.Due, w.Urgency = s.T("customer.complete_by", i18n.Date(s.Lang, row.Due))+", "+s.left(row.Due, r.Now()), urgency(row.Due, r.Now())
	}
	return w
}

func (r room) waitDraft(s say, row matter.Row, v *matter.ProjectView) wait {
	own, lacks := int64(0), v.Lacks[row.ID]
	for _, l := range lacks {
		if !l.Common {
			own++
		}
	}
	w := wait{
		Href: matterPath(row.ID) + "/form", Title: r.typeName(s.Lang, row.Type), Text: r.whose(s, row),
		Status: "draft", StatusText: s.count("customer.lacks", own),
	}
	switch {
	case len(lacks) == 0:
		w.Status, w.StatusText = "completed", s.T("customer.ready")
	case own == 0:
		w.StatusText = s.T("customer.lacks_common_only")
	}
	w.Due, w.Urgency = s.sendBy(latest(r.Catalogue.Type(row.Type), v.Found[row.Type], v.StartsAt, r.Now()), r.Now(), true)
	return w
}

// follows lists the supervision matters that may follow what was decided.
func (r room) follows(a *site.Ask, v *matter.ProjectView) ([]follow, error) {
	if !slices.ContainsFunc(v.Rows, func(row matter.Row) bool { return row.Status == matter.Finished }) {
		return nil, nil
	}
	here, err := r.offers(a, v.Municipality, v.Entity)
	if err != nil {
		return nil, err
	}
	var all []follow
	for _, row := range v.Rows {
		if row.Status != matter.Finished || slices.Contains(negative, row.Outcome) {
			continue
		}
		for _, t := range r.Catalogue.TypesOf(v.Entity) {
			if slices.Contains(t.Follows, row.Type) && here[t.ID] != nil {
				all = append(all, follow{
					Earlier: row.ID, Matter: r.typeName(a.Lang, row.Type) + " (" + row.Number + ")", Type: t.ID,
					Name: t.Name.In(a.Lang), Authority: r.authorityName(a.Lang, here[t.ID].Authority),
				})
			}
		}
	}
	return all, nil
}

// addPage offers more matters to a project.
type addPage struct {
	say
	Action  string
	Problem string
	Choices []choice
}

func (r room) chooseMatters(w http.ResponseWriter, a *site.Ask, who asker) error {
	return r.drawAdd(w, a, who, nil, nil)
}

func (r room) drawAdd(w http.ResponseWriter, a *site.Ask, who asker, on []string, problem error) error {
	v, err := r.Desk.Project(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	if !v.Role.MayWrite() {
		return errMayNot
	}
	page := addPage{say: say{a.Lang}, Action: projectPath(v.ID) + "/matters"}
	var have []string
	for _, row := range v.Rows {
		if row.Status == matter.Draft {
			have = append(have, row.Type) // a second one may be needed later, but hardly a second draft
		}
	}
	if page.Choices, _, err = r.choices(a, v.Municipality, v.Entity, v.StartsAt, v.Found, have); err != nil {
		return err
	}
	for i := range page.Choices {
		page.Choices[i].On = slices.Contains(on, page.Choices[i].ID)
	}
	status := http.StatusOK
	if text, _, ok := told(a.Lang, problem); ok {
		page.Problem, status = text, http.StatusUnprocessableEntity
	}
	return a.Page(w, status, ui.Page{
		Title: a.T("customer.add_title"), Lead: a.T("customer.add_lead"), Back: &ui.Link{Label: v.Name, Href: projectPath(v.ID)}, Problems: problem != nil,
	}, addBody(page))
}

func (r room) addMatters(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id, types := a.PathValue("id"), given(v, "type")
	who.Lang = a.Lang
	err = r.Desk.AddMatters(a.Context(), who, id, types, v.Get("follows"))
	if _, _, ok := told(a.Lang, err); ok {
		return r.drawAdd(w, a, who, types, err)
	}
	if err != nil {
		return err
	}
	if len(types) == 1 {
		return a.Say(w, projectPath(id), "customer.matter_added")
	}
	return a.Say(w, projectPath(id), "customer.matters_added")
}

// sendKind is how much the button that leads to sending stands out: not while
// something else comes first.
func (p projectPage) sendKind() ui.ButtonKind {
	if p.Next != nil {
		return ui.Secondary
	}
	return ui.Primary
}

// commonPath is where the common data can be changed, "" where the reader may
// not.
func (p projectPage) commonPath() string {
	if p.MayWrite {
		return projectPath(p.ID) + "/common"
	}
	return ""
}

// cells are a row of the joint view; the last column is there only where a
// statutory time limit is.
func cells(s say, columns []ui.Column, row jointRow) []templ.Component {
	all := []templ.Component{
		nameCell(s, row), cell(row.Identifier), cell(row.Handler), cell(row.Started), cell(row.StatusAt), ui.StatusTag(row.Status, row.StatusText), holderCell(row),
	}
	if len(columns) == len(all) {
		return all
	}
	if row.Limit.Text == "" {
		return append(all, nil)
	}
	return append(all, row.Limit.Cell())
}

// cell is a cell of text, or nothing where there is none.
func cell(text string) templ.Component {
	if text == "" {
		return nil
	}
	return ui.Text(text)
}
