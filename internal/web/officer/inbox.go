package officer

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// bucketWords are the names of the inbox's parts and what is said when one is
// empty.
var bucketWords = map[matter.Bucket][2]string{
	matter.OnMe:        {"officer.bucket_me", "officer.empty_me"},
	matter.OnAuthority: {"officer.bucket_authority", "officer.empty_authority"},
	matter.OnApplicant: {"officer.bucket_applicant", "officer.empty_applicant"},
	matter.OnOther:     {"officer.bucket_other", "officer.empty_other"},
	matter.Done:        {"officer.bucket_finished", "officer.empty_finished"},
	matter.Drafts:      {"officer.bucket_drafts", "officer.empty_drafts"},
}

// inboxPage is the inbox as its template shows it.
type inboxPage struct {
	Lang   i18n.Lang
	Query  matter.Query
	Tabs   []ui.Link
	Types  []ui.Option
	Rows   []inboxRow
	First  string // address of the first page, "" when this is it
	Next   string
	Column []ui.Column
}

type inboxRow struct {
	matter.InboxRow
	Href, Type, Place string
	StatusText        string
	When              when
}

// when is what matters of the dates of a matter: the one that binds or comes
// next, and how near it is.
type when struct {
	Urgency ui.Urgency
	Text    string
	Instant string // RFC 3339
}

func (r *room) inbox(w http.ResponseWriter, a *site.Ask, who identity.Officer) error {
	v := a.URL.Query()
	q := matter.Query{Bucket: matter.Bucket(v.Get("bucket")), Type: v.Get("type"), Search: v.Get("q"), After: v.Get("after")}
	if !slices.Contains(matter.Buckets, q.Bucket) {
		q.Bucket = ""
	}
	in, err := r.s.Desk.Inbox(a.Context(), who, q)
	if err != nil {
		return err
	}
	q.Bucket = in.Bucket
	p := &inboxPage{Lang: a.Lang, Query: q, Column: []ui.Column{
		{Label: a.T("officer.col_matter")},
		{Label: a.T("officer.number")},
		{Label: a.T("officer.col_project")},
		{Label: a.T("officer.col_when")},
		{Label: a.T("officer.col_status")},
		{Label: a.T("officer.col_handler")},
	}}
	p.Types = r.types(a.Lang, in.Offers)
	p.Tabs = tabs(a, q, in.Counts)
	for _, row := range in.Rows {
		p.Rows = append(p.Rows, r.inboxRow(a.Lang, row, in.Offers[row.Offer]))
	}
	if q.After != "" {
		first := q
		first.After = ""
		p.First = inboxURL(first)
	}
	if in.Next != "" {
		q.After = in.Next
		p.Next = inboxURL(q)
	}
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("site.nav_inbox"), Window: p.window(), Wide: true}, p.body())
}

// window names the part of the inbox, and what is searched there.
func (p *inboxPage) window() string {
	part := i18n.T(p.Lang, bucketWords[p.Query.Bucket][0])
	switch {
	case p.Query.Search == "" && p.Query.Type == "":
		return part
	case len(p.Rows) == 0:
		return i18n.T(p.Lang, "officer.nothing_found")
	}
	return i18n.T(p.Lang, "officer.found_in", part)
}

// tabs are the parts of the inbox, with how much waits in each.
func tabs(a *site.Ask, q matter.Query, counts map[matter.Bucket]int) (all []ui.Link) {
	for _, b := range matter.Buckets {
		to := q
		to.Bucket, to.After = b, ""
		n := counts[b]
		all = append(all, ui.Link{
			Label: a.T(bucketWords[b][0]), Href: inboxURL(to), Current: b == q.Bucket, Count: min(n, matter.MostCounted), More: n > matter.MostCounted,
		})
	}
	return all
}

func inboxURL(q matter.Query) string {
	v := url.Values{"bucket": {string(q.Bucket)}}
	for name, value := range map[string]string{"type": q.Type, "q": q.Search, "after": q.After} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return InboxPath + "?" + v.Encode()
}

// types lists the matter types to filter by, by name.
func (r *room) types(l i18n.Lang, offers map[string]*catalogue.Offer) []ui.Option {
	var all []ui.Option
	for _, o := range offers {
		all = append(all, ui.Option{Value: o.Type, Label: r.typeName(l, o.Type)})
	}
	return byLabel(all)
}

func (r *room) inboxRow(l i18n.Lang, row matter.InboxRow, o *catalogue.Offer) inboxRow {
	out := inboxRow{InboxRow: row, Href: matterPath + row.ID, Type: r.typeName(l, row.Type), Place: r.municipality(l, row.Municipality)}
	if row.Place != "" {
		out.Place = row.Place + ", " + out.Place
	}
	out.StatusText = r.status(l, o, row.Kind, row.Status, row.Outcome)
	out.When = r.when(l, row)
	return out
}

// when chooses the date that an officer needs to see: the limit that binds,
// else the start of what is undertaken, else the arrival.
func (r *room) when(l i18n.Lang, row matter.InboxRow) when {
	now := r.s.Now()
	switch {
	case row.Status.Ended():
		return when{Text: i18n.T(l, "officer.ended_on", i18n.Date(l, row.StatusAt)), Instant: site.Instant(row.StatusAt)}
	case !row.Due.IsZero():
		key := "officer.due_completion"
		if row.Holder == matter.HeldByOther {
			key = "officer.due_statement"
		}
		return near(l, now, row.Due, key, 3)
	case row.StartsAt.After(now):
		return near(l, now, row.StartsAt, "officer.starts_on", 7)
	case !row.StartsAt.IsZero():
		return when{Urgency: ui.Late, Text: i18n.T(l, "officer.started_on", i18n.Date(l, row.StartsAt)), Instant: site.Instant(row.StartsAt)}
	case !row.SentAt.IsZero():
		return when{Text: i18n.T(l, "officer.arrived_on", i18n.Date(l, row.SentAt)), Instant: site.Instant(row.SentAt)}
	}
	return when{}
}

// near words a date with the days that are left to it; within soon days it is
// urgent.
func near(l i18n.Lang, now, at time.Time, key string, soon int) when {
	out := when{Text: i18n.T(l, key, i18n.Date(l, at)), Instant: site.Instant(at)}
	left := i18n.DaysBetween(now, at)
	switch {
	case left < 0:
		out.Urgency = ui.Late
	case left <= soon:
		out.Urgency = ui.Soon
	}
	if left <= 30 {
		out.Text += ", " + daysLeft(l, left)
	}
	return out
}

func daysLeft(l i18n.Lang, n int) string {
	switch {
	case n == 0:
		return i18n.T(l, "officer.days_today")
	case n > 0:
		return site.DaysLeft(l, n)
	case n == -1:
		return i18n.T(l, "officer.late_one")
	}
	return i18n.T(l, "officer.late_many", -n)
}

func yes(b bool) string { return strconv.FormatBool(b) }
