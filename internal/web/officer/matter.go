package officer

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// page is the page of a matter. Its methods give the template words; what is
// decided is decided here.
type page struct {
	r    *room
	Lang i18n.Lang
	Who  identity.Officer
	V    *matter.View
	Path string

	Deed    *deed // open on the page, or nil
	In      input // what was typed in it
	Problem *problem
	Moved   *moved

	Sent *sent // the last submission, or the consented draft

	Limit *site.Limit // the project's statutory time limit, or nil
}

// A problem is what hinders a deed, and the input it is about.
type problem struct{ Field, Text string }

// moved tells what has happened since the asker looked, where a deed could not
// be done because of it.
type moved struct {
	Text   string
	Events []ui.Event
	Typed  []ui.Item // what was typed, where the deed cannot be done any more
}

func (r *room) matter(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	v, err := r.s.Desk.Handled(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	p, err := r.page(a, who, v)
	if err != nil {
		return err
	}
	p.Deed = p.next()
	if d := deedNamed(a.URL.Query().Get("do")); d != nil && d.may(v) {
		p.Deed = d
	}
	if p.Deed != nil && p.Deed.start != nil {
		p.In = p.Deed.start(v, r.s.Now())
	}
	return p.show(w, a, http.StatusOK)
}

func (r *room) page(a *site.Ask, who identity.Officer, v *matter.View) (*page, error) {
	p := &page{r: r, Lang: a.Lang, Who: who, V: v, Path: matterPath + v.ID, Limit: site.LimitOf(a.Lang, v.Limit)}
	if !seesSent(v) {
		return p, nil
	}
	var err error
	p.Sent, err = r.lastSent(a.Lang, v)
	return p, err
}

func (p *page) show(w http.ResponseWriter, a *site.Ask, status int) error {
	frame := ui.Page{
		Title: p.r.typeName(p.Lang, p.V.Type), Window: p.window(a), Lead: p.lead(), Wide: true, Problems: status != http.StatusOK,
		Back: &ui.Link{Label: p.t("site.nav_inbox"), Href: InboxPath},
	}
	if p.V.Guest {
		frame.Back = p.guestBack()
	}
	if status != http.StatusOK {
		frame.Path = p.Path
	}
	return a.Page(w, status, frame, p.body())
}

// window names the matter by its number, and the deed that was asked for.
func (p *page) window(a *site.Ask) string {
	if p.Deed == nil || (a.Method == http.MethodGet && a.URL.Query().Get("do") != p.Deed.name) {
		return p.V.Number
	}
	return p.t(p.Deed.title) + ", " + p.V.Number
}

func (p *page) t(key string, args ...any) string { return i18n.T(p.Lang, key, args...) }

// lead names the matter: its number, the project and the place.
func (p *page) lead() string {
	v := p.V
	parts := []string{v.Number, v.Project.Name}
	if v.Project.Place != "" {
		parts = append(parts, v.Project.Place)
	}
	return strings.Join(append(parts, p.r.municipality(p.Lang, v.Project.Municipality)), " · ")
}

func (p *page) status() string {
	return p.r.status(p.Lang, p.V.Offer, p.V.Kind, p.V.Status, p.V.Outcome)
}

// holder tells who has the matter, since when and until when.
func (p *page) holder() string {
	return p.holderWords(p.V.Holder, p.V.Other, p.V.Since, p.V.Due)
}

func (p *page) holderWords(h matter.Holder, other string, since, due time.Time) string {
	s := p.t("holder." + string(h))
	if h == matter.HeldByOther && other != "" {
		s = p.r.authority(p.Lang, other)
	}
	if h != matter.HeldByNobody && !since.IsZero() {
		s += ", " + p.t("officer.since", i18n.Date(p.Lang, since))
	}
	if !due.IsZero() {
		s += ", " + p.t("officer.until", i18n.Date(p.Lang, due))
	}
	return s
}

// when is the date that an officer needs to see.
func (p *page) when() when {
	v := p.V
	return p.r.when(p.Lang, matter.InboxRow{Status: v.Status, StatusAt: v.StatusAt, Due: v.Due, Holder: v.Holder, StartsAt: v.Project.StartsAt, SentAt: v.SentAt})
}

// limit is the matter's own part in the time limit.
func (p *page) limit() site.LimitRow {
	for i := range p.V.Joint {
		if p.V.Joint[i].ID == p.V.ID {
			return p.Limit.Row(&p.V.Joint[i])
		}
	}
	return site.LimitRow{}
}

// columns are the columns of the joint view; the last is there only where a
// statutory time limit is.
func (p *page) columns() []ui.Column {
	keys := []string{"officer.col_matter", "officer.col_identifier", "officer.col_handler", "officer.col_started", "officer.col_status", "officer.held_by"}
	if p.Limit != nil {
		keys = append(keys, "limit.column")
	}
	cols := make([]ui.Column, len(keys))
	for i, key := range keys {
		cols[i].Label = p.t(key)
	}
	return cols
}

// noticesTo tells where the matter's notices go.
func (p *page) noticesTo() string {
	if p.V.NoticeEmail != "" {
		return p.V.NoticeEmail
	}
	if p.V.Offer != nil {
		return p.V.Offer.NoticeEmail
	}
	return ""
}

func (p *page) names(id string) string { return p.V.Names[id] }

// events are the timeline, the newest first; after, only the entries after
// that one.
func (p *page) events(after int64) []ui.Event {
	var all []ui.Event
	for _, e := range slices.Backward(p.V.Events) {
		if e.N <= after {
			break
		}
		all = append(all, ui.Event{
			When: i18n.DateTime(p.Lang, e.At), Instant: site.Instant(e.At), Title: p.t("deed." + e.Deed), By: p.doer(e), Text: p.about(e),
			Now: e.N == p.V.Events[len(p.V.Events)-1].N,
		})
	}
	return all
}

func (p *page) doer(e matter.Event) string {
	if e.Side == ledger.Applicant {
		return strings.TrimPrefix(e.Name+", "+p.t("officer.side_applicant"), ", ")
	}
	return e.Name
}

// about is what an event adds to its deed: whom or what it is about.
func (p *page) about(e matter.Event) string {
	var parts []string
	if e.Deed == matter.DeedHandlerNamed {
		parts = append(parts, e.Person)
	}
	if e.Authority != "" {
		parts = append(parts, p.r.authority(p.Lang, e.Authority))
	}
	if e.Submission != 0 {
		parts = append(parts, p.t("officer.submission_n", e.Submission))
	}
	if e.Audience != "" {
		parts = append(parts, p.audience(matter.Audience(e.Audience)))
	}
	if !e.Due.IsZero() {
		parts = append(parts, p.t("officer.until", i18n.Date(p.Lang, e.Due)))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

var audiences = map[matter.Audience]string{
	matter.ToApplicant: "officer.to_applicant", matter.ToAuthority: "officer.to_authority", matter.ToDeputy: "officer.to_deputy",
}

func (p *page) audience(a matter.Audience) string { return p.t(audiences[a]) }

// A thread is a talk on the page: with the applicant, or with one authority.
type thread struct {
	ID, Title string
	Messages  []ui.Message
}

// threads are the talks of the matter, the applicant's first.
func (p *page) threads() []thread {
	var all []thread
	for _, m := range p.V.Messages {
		i := slices.IndexFunc(all, func(t thread) bool { return t.ID == m.Thread })
		if i < 0 {
			all = append(all, thread{ID: m.Thread, Title: p.threadTitle(m.Thread)})
			i = len(all) - 1
		}
		all[i].Messages = append(all[i].Messages, p.message(m))
	}
	slices.SortStableFunc(all, func(a, b thread) int {
		switch {
		case a.ID == matter.ApplicantThread && b.ID != matter.ApplicantThread:
			return -1
		case b.ID == matter.ApplicantThread && a.ID != matter.ApplicantThread:
			return 1
		}
		return 0
	})
	return all
}

func (p *page) threadTitle(id string) string {
	if id == matter.ApplicantThread {
		return p.t("officer.thread_applicant")
	}
	other := strings.TrimPrefix(id, "authority:")
	if other == p.Who.Authority {
		other = p.V.Authority
	}
	return p.t("officer.thread_authority", p.r.authority(p.Lang, other))
}

func (p *page) message(m matter.Message) ui.Message {
	out := ui.Message{
		From: p.V.Names[m.Person], When: i18n.DateTime(p.Lang, m.At), Instant: site.Instant(m.At), Text: m.Text,
		Mine: m.Side == "authority:"+p.Who.Authority, Files: p.files(bound(p.V, "message:"+m.ID)),
	}
	if a, ok := strings.CutPrefix(m.Side, "authority:"); ok {
		out.Role = p.r.authority(p.Lang, a)
	} else {
		out.Role = p.t("officer.side_applicant")
	}
	return out
}

func (p *page) files(list []attach.Attachment) []ui.File {
	var all []ui.File
	for _, f := range list {
		all = append(all, site.File(p.Lang, f, p.fileHref(f.ID)))
	}
	return all
}

func (p *page) fileHref(id string) string { return p.Path + "/files/" + id }

// acted is when the authority first did something after a notice.
func (p *page) acted(n matter.Notice) time.Time {
	if n.Audience == matter.ToApplicant {
		return time.Time{}
	}
	for _, e := range p.V.Events {
		if e.N > n.N && e.Side == ledger.Authority {
			return e.At
		}
	}
	return time.Time{}
}

// fieldName is what a field of a completion request is called.
func (p *page) fieldName(path string) string {
	if own, ok := strings.CutPrefix(path, "common:"); ok {
		return p.V.Common.Label(own).In(p.Lang)
	}
	return p.V.Form.Label(path).In(p.Lang)
}

func (p *page) fieldNames(paths []string) string {
	var all []string
	for _, f := range paths {
		all = append(all, p.fieldName(f))
	}
	return strings.Join(all, "\n")
}
