package customer

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"luvat/internal/catalogue"
	"luvat/internal/fail"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// sendPage is where drafts are checked and sent.
type sendPage struct {
	say
	Project, Common string
	Steps           []ui.Step
	Problem         string
	CommonLacks     []ui.Link // of all drafts, each once
	Drafts          []draft
	Ready           int
	MaySend         bool
	For             string // on whose behalf the asker sends, "" for oneself
	Sent            []sent
}

// draft is a matter not sent yet and what it lacks.
type draft struct {
	ID, Name, Authority, Version string
	Number                       string
	Lacks                        []ui.Link // of its own form
	Common                       int       // lacks of the common data
	Due                          string
	Urgency                      ui.Urgency
	On, Consented                bool
	Outside                      string
}

// whole tells whether nothing lacks.
func (d draft) whole() bool { return len(d.Lacks) == 0 && d.Common == 0 }

// sent is a matter that was just sent.
type sent struct{ Name, Authority, Number, Receipt, Matter string }

func (r room) sendPage(w http.ResponseWriter, a *site.Ask, who asker) error {
	return r.drawSend(w, a, who, nil, http.StatusOK, "")
}

func (r room) drawSend(w http.ResponseWriter, a *site.Ask, who asker, on []string, status int, problem string) error {
	v, err := r.Desk.Project(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	s := say{a.Lang}
	page := sendPage{say: s, Project: v.ID, Common: strconv.FormatInt(v.Version, 10), Steps: s.steps(v.ID, 2), Problem: problem, MaySend: v.Role.MaySend()}
	if who.For.ID != "" {
		page.For = matter.OnBehalf{Name: who.For.Name, BusinessID: who.For.BusinessID}.String()
	}
	just := a.URL.Query()["sent"]
	for _, row := range v.Rows {
		if row.Status != matter.Draft && slices.Contains(just, row.ID) {
			page.Sent = append(page.Sent, sent{Name: r.typeName(a.Lang, row.Type), Authority: r.authorityName(a.Lang, row.Authority), Number: row.Number, Receipt: matterPath(row.ID) + "/receipts/1", Matter: matterPath(row.ID)})
		}
	}
	for _, row := range r.drafts(v) {
		r.addDraft(&page, v, row, on)
	}
	title, lead := a.T("customer.send_title"), a.T("customer.send_lead")
	if len(page.Sent) > 0 {
		title, lead = a.T("customer.sent_title"), a.T("customer.sent_lead")
	}
	return a.Page(w, status, ui.Page{Title: title, Lead: lead, Back: &ui.Link{Label: v.Name, Href: projectPath(v.ID)}, Path: a.URL.RequestURI(), Problems: status != http.StatusOK}, sendBody(page))
}

// addDraft adds a draft to the page: what it lacks and by when it must be sent.
// It is chosen if it is on, or, with on nil, if nothing lacks.
func (r room) addDraft(page *sendPage, v *matter.ProjectView, row matter.Row, on []string) {
	s := page.say
	d := draft{
		ID: row.ID, Name: r.typeName(s.Lang, row.Type), Authority: r.authorityName(s.Lang, row.Authority), Version: strconv.FormatInt(row.Version, 10),
		Number: row.Number, Consented: row.Consented,
	}
	for _, l := range v.Lacks[row.ID] {
		link := lackLink(s, v.ID, row.ID, l)
		switch {
		case !l.Common:
			d.Lacks = append(d.Lacks, link)
		case !slices.Contains(page.CommonLacks, link):
			page.CommonLacks = append(page.CommonLacks, link)
			fallthrough
		default:
			d.Common++
		}
	}
	if d.whole() {
		page.Ready++
	}
	d.On = d.whole() && on == nil || slices.Contains(on, row.ID)
	d.Due, d.Urgency = s.sendBy(latest(r.Catalogue.Type(row.Type), v.Found[row.Type], v.StartsAt, r.Now()), r.Now(), true)
	if row.Offer.Way == catalogue.Conditional {
		d.Outside = row.Offer.URL
	}
	page.Drafts = append(page.Drafts, d)
}

func (r room) send(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	common, err := site.Number(v, "_common")
	if err != nil {
		return err
	}
	chosen := given(v, "matter")
	if v.Get("one") != "" {
		chosen = []string{v.Get("one")}
	}
	var drafts []matter.Looked
	for _, id := range chosen {
		version, err := site.Number(v, "_version."+id)
		if err != nil {
			return err
		}
		drafts = append(drafts, matter.Looked{Matter: id, Version: version, Common: common})
	}
	if needed, err := r.ProveAnew(w, a, projectPath(a.PathValue("id"))+"/send"); needed {
		return err
	}
	all, err := r.Desk.Send(a.Context(), who, drafts)
	if inc, ok := errors.AsType[*matter.Incomplete](err); ok {
		return r.drawSend(w, a, who, chosen, http.StatusUnprocessableEntity, a.T("customer.send_incomplete", r.nameOf(a, who, inc.Matter)))
	}
	if text, _, ok := told(a.Lang, err); ok {
		return r.drawSend(w, a, who, append([]string{}, chosen...), http.StatusUnprocessableEntity, text)
	}
	if full := a.Full(err); full != nil {
		return r.drawSend(w, a, who, append([]string{}, chosen...), http.StatusServiceUnavailable, a.T(full.Key))
	}
	if fail.Is(err, fail.Conflict) {
		text, _, _ := words(a.Lang, err)
		return r.drawSend(w, a, who, append([]string{}, chosen...), http.StatusConflict, text)
	}
	if err != nil {
		return err
	}
	if len(all) == 1 {
		return a.Say(w, matterPath(all[0].Matter)+"/receipts/1", "customer.sent_flash")
	}
	q := url.Values{}
	for _, s := range all {
		q.Add("sent", s.Matter)
	}
	return a.Say(w, projectPath(a.PathValue("id"))+"/send?"+q.Encode(), "customer.sent_all_flash")
}

// nameOf tells what a matter of the asker's is called.
func (r room) nameOf(a *site.Ask, who asker, id string) string {
	v, err := r.Desk.Matter(a.Context(), who, id)
	if err != nil {
		return id
	}
	return r.typeName(a.Lang, v.Type)
}

// consent lets the authority see a draft, or ends that.
func (r room) consent(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id, yes := a.PathValue("id"), v.Get("consent") == "yes"
	if err := r.Desk.Consent(a.Context(), who, id, yes); err != nil {
		return err
	}
	to := matterPath(id)
	if v.Get("_back") != "" {
		to = site.Local(v.Get("_back"))
	}
	if yes {
		return a.Say(w, to, "customer.consented")
	}
	return a.Say(w, to, "customer.consent_ended")
}
