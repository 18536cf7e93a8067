package public

import (
	"context"
	"net/http"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/outbox"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// mailbox shows what the demo would have mailed.
func (p *room) mailbox(w http.ResponseWriter, a *site.Ask) error {
	var mails []Mail
	if p.mails != nil {
		var err error
		if mails, err = p.mails(a.Context()); err != nil {
			return err
		}
	}
	page := ui.Page{Title: a.T("public.mailbox_title"), Lead: a.T("public.mailbox_lead"), Wide: true}
	return a.Page(w, http.StatusOK, page, mailboxBody(a, mails))
}

// lead shows a lead what the authority has joined: which matters, where, in
// which way, and where the notices go.
func (p *room) lead(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	var offers []*catalogue.Offer
	err := p.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		offers, err = catalogue.OffersOf(ctx, tx, who.Authority)
		return err
	})
	if err != nil {
		return err
	}
	page := ui.Page{Title: a.T("public.lead_title"), Lead: a.T("public.lead_lead", p.Catalogue.AuthorityName(a.Lang, who.Authority)), Wide: true}
	return a.Page(w, http.StatusOK, page, leadBody(a, p.offerRows(a, offers)))
}

// An offerRow is an offer in words.
type offerRow struct {
	Href, Matter, Way, Where, Notices, Deputy, State string
}

func (p *room) offerRows(a *site.Ask, offers []*catalogue.Offer) []offerRow {
	var rows []offerRow
	for _, o := range offers {
		r := offerRow{
			Href: "/catalogue/" + o.Type, Matter: p.Catalogue.TypeName(a.Lang, o.Type), Way: a.T("public.way_" + string(o.Way)), Where: p.territory(a, o),
			Notices: o.NoticeEmail, Deputy: a.T("public.lead_deputy_none"), State: a.T("public.offer_active"),
		}
		if o.DeputyEmail != "" {
			r.Deputy = a.T("public.lead_deputy", o.DeputyEmail, o.DeputyHours)
		}
		if o.URL != "" {
			r.Way += ", " + o.URL
		}
		if !o.Active {
			r.State = a.T("public.offer_closed")
		}
		rows = append(rows, r)
	}
	return rows
}

// service shows the work after deeds that did not succeed.
func (p *room) service(w http.ResponseWriter, a *site.Ask, _ identity.Service) error {
	var stuck []outbox.Stuck
	var waiting, dead int64
	err := p.read(a, func(ctx context.Context, tx *db.Tx) (err error) {
		if stuck, err = outbox.ListStuck(ctx, tx); err != nil {
			return err
		}
		waiting, dead, err = outbox.Counts(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	page := ui.Page{Title: a.T("public.service_title"), Lead: a.T("public.service_lead"), Wide: true}
	return a.Page(w, http.StatusOK, page, serviceBody(a, stuck, i18n.Number(a.Lang, waiting), i18n.Number(a.Lang, dead)))
}

// retry puts a job first in the queue.
func (p *room) retry(w http.ResponseWriter, a *site.Ask, _ identity.Service) error {
	err := p.write(a, func(ctx context.Context, tx *db.Tx) error {
		return outbox.Retry(ctx, tx, p.Now(), a.PathValue("id"))
	})
	if err != nil {
		return err
	}
	if p.Desk != nil && p.Desk.Wake != nil {
		p.Desk.Wake()
	}
	return a.Say(w, "/service", "public.service_retried")
}
