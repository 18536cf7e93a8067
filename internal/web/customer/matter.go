package customer

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// matterPage is a matter: where it is and what happens next, then all that was
// said and sent.
type matterPage struct {
	say
	ID, Path, Project    string
	Status, StatusText   string
	Facts                []ui.Item
	Next                 string
	Due                  string
	Urgency              ui.Urgency
	Draft                bool
	Lacks                []ui.Link
	Asked                *asked
	Complete             *complete
	Problem              string // why a completion was not sent
	Decision             *decision
	Outside, NewForm     string
	Consented            bool
	MayWrite, MaySend    bool
	MayTalk, MayWithdraw bool
	Messages             []ui.Message
	Write                *writeForm
	Submissions          []receiptLink
	Sharing              *sharing
	Events               []ui.Event
	Follow               []follow
	Earlier              *ui.Link
}

type decision struct {
	Kind  ui.AlertKind
	Title string
	Text  string
	When  string
	Files []ui.File
}

type receiptLink struct{ Label, Href, When, By string }

// writeForm is where a message is written.
type writeForm struct {
	Text    ui.Control
	Files   []ui.File // taken already, when the page came back with a problem
	Problem string
}

func (r room) matter(w http.ResponseWriter, a *site.Ask, who asker) error {
	return r.drawMatter(w, a, who, http.StatusOK, func(*matterPage) {})
}

func (r room) drawMatter(w http.ResponseWriter, a *site.Ask, who asker, status int, change func(*matterPage)) error {
	v, err := r.Desk.Matter(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	s, role := say{a.Lang}, v.Project.Role
	page := matterPage{
		say: s, ID: v.ID, Path: matterPath(v.ID), Project: v.Project.ID, Status: tone(v.Status, v.Outcome), StatusText: r.statusWords(a.Lang, v.Offer, v.Kind, v.Status, v.Outcome),
		Draft: v.Status == matter.Draft, Asked: r.asked(s, v), Consented: !v.ConsentAt.IsZero(),
		MayWrite: role.MayWrite(), MaySend: role.MaySend(),
		MayTalk:     role.MayTalk() && v.RemovedAt.IsZero() && (v.Status != matter.Draft || !v.ConsentAt.IsZero()),
		MayWithdraw: role.MaySend() && matter.CanDo(matter.DeedWithdrawn, v.Status, ledger.Applicant),
	}
	page.Facts, page.Next = r.facts(s, v), r.next(s, v)
	if page.Asked == nil && !v.Due.IsZero() && v.Holder != matter.HeldByNobody {
		page.Due, page.Urgency = s.T("customer.until", i18n.Date(a.Lang, v.Due))+", "+s.left(v.Due, r.Now()), urgency(v.Due, r.Now())
	}
	for _, l := range v.Lacks {
		page.Lacks = append(page.Lacks, lackLink(s, v.Project.ID, v.ID, l))
	}
	if v.Status == matter.ToComplete && page.MaySend {
		page.Complete = completing(v)
	}
	page.Decision = r.decision(s, v)
	if v.Offer.Way == catalogue.Conditional {
		page.Outside = v.Offer.URL
	}
	if v.NewerForm && page.MayWrite {
		page.NewForm = page.Path + "/new-form"
	}
	page.Messages = r.messages(s, who, v)
	if page.MayTalk {
		page.Write = &writeForm{Text: ui.Control{Lang: a.Lang, Name: "text", Label: s.T("customer.message_label"), Help: s.T("customer.message_help"), Rows: 5, Max: matter.MaxText}}
	}
	for i := range v.Submissions {
		sub := &v.Submissions[i]
		page.Submissions = append(page.Submissions, receiptLink{
			Label: s.submission(sub.N), Href: page.Path + "/receipts/" + strconv.FormatInt(sub.N, 10), When: i18n.DateTime(a.Lang, sub.SentAt), By: sub.Sender(a.Lang, v.Names[sub.SentBy]),
		})
	}
	page.Sharing, page.Events = r.sharing(s, v), r.events(s, v)
	if err := r.around(a, &page, v); err != nil {
		return err
	}
	change(&page)
	err = a.Page(w, status, ui.Page{
		Title: r.typeName(a.Lang, v.Type), Window: v.Number, Lead: r.authorityName(a.Lang, v.Authority) + " · " + v.Number,
		Back: &ui.Link{Label: v.Project.Name, Href: projectPath(v.Project.ID)}, Path: page.Path, Wide: true, FormID: formIDOf("message", page.Write != nil), Problems: status != http.StatusOK,
	}, matterBody(page))
	if err != nil || a.Method != http.MethodGet {
		return err
	}
	if err := r.Desk.Seen(a.Context(), who, v.ID, v.N); err != nil { // the page is sent: this is for the next one
		r.Log.WarnContext(a.Context(), "matter not marked seen", "matter", v.ID, "err", err)
	}
	return nil
}

// around adds the matters before and after this one.
func (r room) around(a *site.Ask, page *matterPage, v *matter.View) error {
	if v.Earlier != nil {
		page.Earlier = &ui.Link{Label: r.typeName(a.Lang, v.Earlier.Type) + " (" + v.Earlier.Number + ")", Href: matterPath(v.Earlier.ID)}
	}
	if !page.MayWrite || v.Status != matter.Finished {
		return nil
	}
	all, err := r.follows(a, &matter.ProjectView{Project: *v.Project, Rows: v.Joint})
	page.Follow = slices.DeleteFunc(all, func(f follow) bool { return f.Earlier != v.ID })
	return err
}

func (s say) submission(n int64) string {
	if n == 1 {
		return s.T("customer.submission_first")
	}
	return s.T("customer.submission_nth", n-1)
}

// facts are the lines of the box that tells where a matter is.
func (r room) facts(s say, v *matter.View) []ui.Item {
	list := []ui.Item{{Label: s.T("customer.col_holder"), Value: r.holder(s, v.Holder, v.Authority, v.Other)}}
	add := func(key, value string) {
		if value != "" {
			list = append(list, ui.Item{Label: s.T(key), Value: value})
		}
	}
	if v.Holder != matter.HeldByNobody {
		add("customer.held_since", i18n.Date(s.Lang, v.Since))
	}
	add("customer.col_status_at", i18n.Date(s.Lang, v.StatusAt))
	add("customer.col_identifier", v.Identifier)
	add("customer.col_handler", v.HandlerName)
	add("customer.col_started", i18n.Date(s.Lang, v.Started))
	add("customer.sent_at", i18n.Date(s.Lang, v.SentAt))
	for i := range v.Joint {
		if v.Joint[i].ID == v.ID {
			add("limit.column", site.LimitOf(s.Lang, v.Limit).Row(&v.Joint[i]).Line())
		}
	}
	if v.Status == matter.Draft {
		if due := latest(r.Catalogue.Type(v.Type), v.Found, v.Project.StartsAt, r.Now()); !due.Last.IsZero() {
			key := "customer.send_latest"
			if !due.Binds() {
				key = "customer.send_advised"
			}
			add(key, i18n.Date(s.Lang, due.Last)+", "+s.leftOf(due, r.Now()))
		}
	}
	if t := r.Catalogue.Type(v.Type); t != nil {
		add("customer.law", t.LawText.In(s.Lang))
	}
	return list
}

// next tells what happens next.
func (r room) next(s say, v *matter.View) string {
	if !v.RemovedAt.IsZero() {
		return s.T("customer.content_removed", i18n.Date(s.Lang, v.RemovedAt))
	}
	if v.Holder == matter.HeldByOther && !v.Status.Ended() {
		return s.T("customer.next_statement", r.holder(s, v.Holder, v.Authority, v.Other))
	}
	return s.T("customer.next_" + string(v.Status))
}

func (r room) decision(s say, v *matter.View) *decision {
	if v.Decision == nil {
		return nil
	}
	d := &decision{Kind: ui.Success, Title: r.statusWords(s.Lang, v.Offer, v.Kind, v.Status, v.Outcome), Text: v.Decision.Text, When: i18n.Date(s.Lang, v.Decision.At)}
	if v.Status != matter.Finished || slices.Contains(negative, v.Outcome) {
		d.Kind = ui.Info
	}
	for _, f := range v.Files {
		if f.Place == attach.Decision && f.Field == "decision" {
			d.Files = append(d.Files, s.uiFile(f))
		}
	}
	return d
}

func (r room) messages(s say, who asker, v *matter.View) []ui.Message {
	var all []ui.Message
	seen := v.Seen
	unread := map[string]bool{}
	for _, e := range v.Events {
		if e.Deed == matter.DeedMessage && e.N > seen && e.Side == ledger.Authority {
			unread[e.Message] = true
		}
	}
	for _, m := range v.Messages {
		out := ui.Message{From: v.Names[m.Person], Role: s.T("customer.side_applicant"), When: i18n.DateTime(s.Lang, m.At), Instant: site.Instant(m.At), Text: m.Text, Mine: m.Person == who.ID, Unread: unread[m.ID]}
		if authority, ok := strings.CutPrefix(m.Side, "authority:"); ok {
			out.Role = r.authorityName(s.Lang, authority)
		}
		for _, f := range v.Files {
			if f.Field == "message:"+m.ID {
				out.Files = append(out.Files, s.uiFile(f))
			}
		}
		all = append(all, out)
	}
	return all
}

// quiet are the deeds that a timeline of the applicant leaves out: how the
// authority's own notices travel.
var quiet = []string{matter.DeedRedirected, matter.DeedDeputyTold, matter.DeedNoticeOpened}

var eventIcons = map[string]string{
	matter.DeedSent: "send", matter.DeedCompleted: "send", matter.DeedAsked: "warning", matter.DeedMessage: "message", matter.DeedFinished: "check",
	matter.DeedTaken: "hourglass", matter.DeedPending: "clock", matter.DeedHandlerNamed: "person", matter.DeedNoticeHanded: "message",
	matter.DeedWithdrawn: "close", matter.DeedDismissed: "close", matter.DeedTransferred: "arrow-right", matter.DeedStarted: "edit", matter.DeedIdentified: "file",
	matter.DeedShared: "person", matter.DeedSharingEnded: "close",
}

// events are the ledger's entries in words, the newest first. One mail to each
// member is one line; where the matter is now is the newest deed, not the mail
// about it.
func (r room) events(s say, v *matter.View) []ui.Event {
	type mail struct {
		entry    int64
		audience string
	}
	var all []ui.Event
	told, newest := map[mail]bool{}, -1
	for _, e := range v.Events {
		if slices.Contains(quiet, e.Deed) || e.Deed == matter.DeedNoticeHanded && e.Audience == string(matter.ToDeputy) {
			continue
		}
		m := mail{e.Entry, e.Audience}
		switch {
		case e.Deed != matter.DeedNoticeHanded:
			newest = len(all)
		case told[m]:
			continue
		default:
			told[m] = true
		}
		all = append(all, r.event(s, v, e))
	}
	if newest >= 0 {
		all[newest].Now = true
	}
	slices.Reverse(all)
	return all
}

func (r room) event(s say, v *matter.View, e matter.Event) ui.Event {
	out := ui.Event{When: i18n.DateTime(s.Lang, e.At), Instant: site.Instant(e.At), Title: s.T("deed." + e.Deed), Text: r.eventText(s, e), Icon: eventIcons[e.Deed]}
	switch {
	case e.Side == ledger.Applicant:
		out.By = e.Name
	case e.Side == ledger.Authority:
		out.By = r.authorityName(s.Lang, v.Authority)
	case e.Deed == matter.DeedStatementGiven:
		out.By = r.authorityName(s.Lang, e.Authority)
	}
	return out
}

func (r room) eventText(s say, e matter.Event) string {
	switch e.Deed {
	case matter.DeedAsked:
		return s.T("customer.complete_by", i18n.Date(s.Lang, e.Due))
	case matter.DeedHandlerNamed:
		return e.Person
	case matter.DeedStatementAsked:
		return r.authorityName(s.Lang, e.Authority) + ", " + s.T("customer.until", i18n.Date(s.Lang, e.Due))
	case matter.DeedTransferred, matter.DeedShared, matter.DeedSharingEnded:
		return r.authorityName(s.Lang, e.Authority)
	case matter.DeedSent, matter.DeedCompleted:
		return s.T("customer.event_hash", e.Hash[:min(12, len(e.Hash))])
	case matter.DeedNoticeHanded:
		if e.Audience == string(matter.ToApplicant) {
			return s.T("customer.notice_to_you")
		}
		return s.T("customer.notice_to_authority")
	}
	return ""
}

// write sends a message to the authority, with what was attached to it.
func (r room) write(w http.ResponseWriter, a *site.Ask, who asker) error {
	id := a.PathValue("id")
	v, err := r.Desk.Matter(a.Context(), who, id)
	if err != nil {
		return err
	}
	if !v.Project.Role.MayTalk() {
		return errMayNot
	}
	var files []attach.Attachment
	var refused string
	form, err := read(w, a, func(_, name string, body io.Reader) error {
		n := attach.New{Project: v.Project.ID, Matter: v.ID, Place: attach.Message, Name: name, Size: -1, UploadedBy: who.ID, Side: "applicant", Limits: r.Limits}
		file, err := r.Files.Put(a.Context(), n, body)
		if text, _, ok := words(a.Lang, err); ok && err != nil {
			refused = name + ": " + text
			return nil //nolint:nilerr // told on the page, with what else was sent
		}
		if err == nil {
			files = append(files, file)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, kept := range given(form, "file") { // taken with an earlier try
		for _, f := range v.Files {
			if f.ID == kept && f.UploadedBy == who.ID && f.Place == attach.Message && f.Field == "" {
				files = append(files, f)
			}
		}
	}
	text := form.Get("text")
	again := func(status int, problem, field string) error {
		return r.drawMatter(w, a, who, status, func(page *matterPage) {
			if page.Write == nil {
				return
			}
			page.Write.Text.Value = text
			if field == "text" {
				page.Write.Text.Problem = problem
			} else {
				page.Write.Problem = problem
			}
			for _, f := range files {
				page.Write.Files = append(page.Write.Files, page.uiFile(f))
			}
		})
	}
	if a.NewLanguage(w, form) {
		return again(http.StatusOK, refused, "")
	}
	if refused != "" {
		return again(http.StatusUnprocessableEntity, refused, "")
	}
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	err = r.Desk.WriteAsApplicant(a.Context(), who, id, text, ids)
	if full := a.Full(err); full != nil {
		return again(http.StatusServiceUnavailable, a.T(full.Key), "")
	}
	if problem, field, ok := told(a.Lang, err); ok {
		return again(http.StatusUnprocessableEntity, problem, field)
	}
	if err != nil {
		return err
	}
	return a.Say(w, matterPath(id)+"#messages", "customer.message_sent")
}

func (r room) takeNewForm(w http.ResponseWriter, a *site.Ask, who asker) error {
	if _, err := a.Form(); err != nil {
		return err
	}
	id := a.PathValue("id")
	if err := r.Desk.TakeNewForm(a.Context(), who, id); err != nil {
		return err
	}
	return a.Say(w, matterPath(id)+"/form", "customer.new_form_taken")
}

// confirmPage asks once more before what cannot be undone.
type confirmPage struct {
	say
	Action, Back, Text, Button string
}

func (r room) confirmWithdraw(w http.ResponseWriter, a *site.Ask, who asker) error {
	return r.confirm(w, a, who, "withdraw", false)
}

func (r room) confirmRemove(w http.ResponseWriter, a *site.Ask, who asker) error {
	return r.confirm(w, a, who, "remove", true)
}

func (r room) confirm(w http.ResponseWriter, a *site.Ask, who asker, deed string, draft bool) error {
	v, err := r.Desk.Matter(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	if role := v.Project.Role; draft && !role.MayWrite() || !draft && !role.MaySend() {
		return errMayNot
	}
	if draft != (v.Status == matter.Draft) || v.Status.Ended() {
		return a.See(w, matterPath(v.ID))
	}
	page := confirmPage{say: say{a.Lang}, Action: matterPath(v.ID) + "/" + deed, Back: matterPath(v.ID), Text: a.T("customer." + deed + "_text"), Button: a.T("customer." + deed + "_button")}
	return a.Page(w, http.StatusOK, ui.Page{
		Title: a.T("customer." + deed + "_title"), Lead: r.typeName(a.Lang, v.Type) + " · " + r.authorityName(a.Lang, v.Authority),
		Back: &ui.Link{Label: v.Project.Name, Href: projectPath(v.Project.ID)},
	}, confirmBody(page))
}

func (r room) withdraw(w http.ResponseWriter, a *site.Ask, who asker) error {
	if err := r.Desk.Withdraw(a.Context(), who, a.PathValue("id")); err != nil {
		return err
	}
	return a.Say(w, matterPath(a.PathValue("id")), "customer.withdrawn")
}

func (r room) removeDraft(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := r.Desk.Matter(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	if err := r.Desk.RemoveDraft(a.Context(), who, v.ID); err != nil {
		return err
	}
	return a.Say(w, projectPath(v.Project.ID), "customer.removed")
}
