package matter

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// handle runs an officer's verb on a sent matter: see handleAny.
func (d *Desk) handle(ctx context.Context, who identity.Officer, id string, fn func(tx *db.Tx, m *Matter, p *Project) error) error {
	return d.handleAny(ctx, who, id, func(tx *db.Tx, m *Matter, p *Project) error {
		if m.Status == Draft {
			return fail.New(fail.Conflict, "matter.not_sent_yet")
		}
		return fn(tx, m, p)
	})
}

// handleAny runs an officer's verb: it finds the matter, does what fn says and
// saves it.
func (d *Desk) handleAny(ctx context.Context, who identity.Officer, id string, fn func(tx *db.Tx, m *Matter, p *Project) error) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, err := handledBy(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if !m.RemovedAt.IsZero() {
			return fail.New(fail.Conflict, "matter.content_removed")
		}
		p, err := findProject(ctx, tx, m.Project)
		if err != nil {
			return err
		}
		if err := fn(tx, m, p); err != nil {
			return err
		}
		if err := m.save(ctx, tx); err != nil {
			return err
		}
		return touchProject(ctx, tx, p.ID, d.Now())
	})
}

// MakePending makes a sent matter pending (vireillä), with the authority's
// identifier if there is one already.
func (d *Desk) MakePending(ctx context.Context, who identity.Officer, id, identifier string) error {
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		if _, err := d.step(ctx, tx, m, who.Actor(), ledger.Authority, DeedPending, deedData{}); err != nil {
			return err
		}
		if strings.TrimSpace(identifier) == "" {
			return nil
		}
		return d.identify(ctx, tx, who, m, identifier)
	})
}

// Take takes a matter into handling and names the taker its handler, unless it
// has one. redirect, when not empty, is where its next notices go.
func (d *Desk) Take(ctx context.Context, who identity.Officer, id, redirect string) error {
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		if _, err := d.step(ctx, tx, m, who.Actor(), ledger.Authority, DeedTaken, deedData{Person: who.ID}); err != nil {
			return err
		}
		if m.Handler == "" && who.Role == identity.RoleOfficer {
			m.Handler = who.ID
			if _, err := d.record(ctx, tx, m, who.Actor(), ledger.Authority, DeedHandlerNamed, deedData{Person: who.ID}); err != nil {
				return err
			}
		}
		if redirect == "" {
			return nil
		}
		return d.redirect(ctx, tx, who, m, redirect)
	})
}

// NameHandler names a colleague the handler, or hands the matter over. was is
// the handler the asker saw: if another was named meanwhile, it is a Conflict.
func (d *Desk) NameHandler(ctx context.Context, who identity.Officer, id, was, handler string) error {
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		if m.Status.Ended() {
			return fail.New(fail.Conflict, "matter.move_not_allowed")
		}
		if m.Handler != was {
			return fail.New(fail.Conflict, "matter.handler_changed").In("handler")
		}
		colleagues, err := identity.Colleagues(ctx, tx, d.Now(), who.Authority, m.Type)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(colleagues, func(p identity.Person) bool { return p.ID == handler }) {
			return fail.New(fail.Rejected, "matter.not_a_colleague").In("handler")
		}
		if handler == m.Handler {
			return nil
		}
		m.Handler = handler
		_, err = d.record(ctx, tx, m, who.Actor(), ledger.Authority, DeedHandlerNamed, deedData{Person: handler})
		return err
	})
}

// Identify gives the matter the authority's identifier (diaarinumero), which
// is optional. was is the one the asker saw.
func (d *Desk) Identify(ctx context.Context, who identity.Officer, id, was, identifier string) error {
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		if m.Identifier != was {
			return fail.New(fail.Conflict, "matter.identifier_changed", m.Identifier).In("identifier")
		}
		return d.identify(ctx, tx, who, m, identifier)
	})
}

func (d *Desk) identify(ctx context.Context, tx *db.Tx, who identity.Officer, m *Matter, identifier string) error {
	identifier = strings.Join(strings.Fields(identifier), " ")
	if len([]rune(identifier)) > 60 {
		return fail.New(fail.Rejected, "matter.identifier_too_long").In("identifier")
	}
	if identifier == m.Identifier {
		return nil
	}
	m.Identifier = identifier
	if err := addWords(ctx, tx, m.Offer, m.ID, identifier); err != nil {
		return err
	}
	_, err := d.record(ctx, tx, m, who.Actor(), ledger.Authority, DeedIdentified, deedData{})
	return err
}

// Redirect says where the matter's next notices go; "" means the join's own
// address again.
func (d *Desk) Redirect(ctx context.Context, who identity.Officer, id, email string) error {
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		return d.redirect(ctx, tx, who, m, email)
	})
}

func (d *Desk) redirect(ctx context.Context, tx *db.Tx, who identity.Officer, m *Matter, email string) error {
	email = strings.TrimSpace(email)
	if email != "" {
		if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
			return fail.New(fail.Rejected, "matter.bad_email").In("email")
		}
	}
	if email == m.NoticeEmail {
		return nil
	}
	m.NoticeEmail = email
	_, err := d.record(ctx, tx, m, who.Actor(), ledger.Authority, DeedRedirected, deedData{})
	return err
}

// A Request asks the applicant to complete a matter (täydennyspyyntö).
type Request struct {
	ID       string
	N        int64
	Fields   []string // paths of the matter's form; those of common data begin with "common:"
	Text     string
	Due      time.Time
	AskedBy  string
	AskedAt  time.Time
	Answered time.Time
}

// Asks tells whether the request names the field, or one inside it.
func (r *Request) Asks(path string) bool {
	return r != nil && slices.ContainsFunc(r.Fields, func(f string) bool { return f == path || strings.HasPrefix(f, path+".") })
}

// AskCompletion asks the applicant to complete named fields by a date.
func (d *Desk) AskCompletion(ctx context.Context, who identity.Officer, id string, r Request) error {
	r.Text = strings.TrimSpace(r.Text)
	if r.Text == "" || len([]rune(r.Text)) > 4000 {
		return fail.New(fail.Rejected, "matter.request_text_needed").In("text")
	}
	if !r.Due.After(d.Now()) || r.Due.After(d.Now().AddDate(2, 0, 0)) {
		return fail.New(fail.Rejected, "matter.request_date_needed").In("due")
	}
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, p *Project) error {
		if err := d.knowFields(m, p, r.Fields); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) + 1 FROM completion_requests WHERE matter_id = $1`, m.ID).Scan(&r.N); err != nil {
			return fmt.Errorf("number the request: %w", err)
		}
		r.ID = db.NewID()
		e, err := d.step(ctx, tx, m, who.Actor(), ledger.Authority, DeedAsked, deedData{Due: db.Millis(r.Due), Request: r.ID})
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO completion_requests (id, matter_id, n, fields, text, due_at, asked_by, asked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			r.ID, m.ID, r.N, jsonList(r.Fields), r.Text, db.Millis(r.Due), who.ID, db.Millis(d.Now())); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		return outbox.Add(ctx, tx, d.Now(), Notify{Matter: m.ID, N: e.N, Deed: DeedAsked, Audience: ToApplicant})
	})
}

func (d *Desk) knowFields(m *Matter, p *Project, paths []string) error {
	form, _, err := d.Catalogue.Form(m.Form, m.FormHash)
	if err != nil {
		return err
	}
	common, err := d.commonForm(p)
	if err != nil {
		return err
	}
	for _, path := range paths {
		own, in := strings.CutPrefix(path, "common:")
		f := form
		if in {
			f = common
		}
		if f.Label(own).FI == own {
			return fail.New(fail.Invalid, "matter.no_such_field", own).In("field")
		}
	}
	return nil
}

// Decision is how a matter ended, in the authority's words.
type Decision struct {
	Outcome string
	Text    string
	Files   []string // uploaded attachments: the decision itself
	Seen    int64    // the last entry that the decider had seen; 0 when it is not told
	By      string
	At      time.Time
}

// Finish ends a matter with an outcome of its kind, the decision attached. The
// applicant is told that it has been handled, never how. What the applicant did
// after dec.Seen is a Conflict: nobody decides over a completion or a message
// that they have not seen.
func (d *Desk) Finish(ctx context.Context, who identity.Officer, id string, dec Decision) error {
	dec.Text = strings.TrimSpace(dec.Text)
	if len([]rune(dec.Text)) > MaxText {
		return fail.New(fail.Rejected, "matter.text_too_long").In("text")
	}
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		if k := d.Catalogue.Kind(m.Kind); k == nil || k.Outcome(dec.Outcome) == nil {
			return fail.New(fail.Rejected, "matter.choose_outcome").In("outcome")
		}
		if dec.Seen != 0 && m.ByApplicant > dec.Seen && CanDo(DeedFinished, m.Status, ledger.Authority) {
			return fail.New(fail.Conflict, "matter.applicant_did_something")
		}
		if err := m.waited(DeedFinished, d.Now()); err != nil {
			return err
		}
		asked := m.Other
		e, err := d.step(ctx, tx, m, who.Actor(), ledger.Authority, DeedFinished, deedData{Outcome: dec.Outcome})
		if err != nil {
			return err
		}
		if err := attach.Bind(ctx, tx, dec.Files, who.ID, m.ID, "decision"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO decisions (matter_id, outcome, text, decided_by, decided_at) VALUES ($1, $2, $3, $4, $5)`,
			m.ID, dec.Outcome, dec.Text, who.ID, db.Millis(d.Now())); err != nil {
			return fmt.Errorf("write the decision: %w", err)
		}
		return outbox.Add(ctx, tx, d.Now(), toldOf(m, e, asked, Notify{Matter: m.ID, N: e.N, Deed: DeedFinished, Audience: ToApplicant})...)
	})
}

// Dismiss ends a matter without examining it (jättää tutkimatta); why is told
// to the applicant in the matter, not in the notice.
func (d *Desk) Dismiss(ctx context.Context, who identity.Officer, id, why string) error {
	return d.end(ctx, who, id, why, DeedDismissed, deedData{})
}

// Transfer ends the matter here and names the authority that it belongs to,
// which is shown as the holder. If that authority is in the hub it is written
// to, with the reason; the content itself goes by case management (hallintolaki
// 434/2003, section 21), and why says so to the applicant.
func (d *Desk) Transfer(ctx context.Context, who identity.Officer, id, to, why string) error {
	if a := d.Catalogue.Authority(to); a == nil || to == who.Authority {
		return fail.New(fail.Rejected, "matter.choose_authority").In("authority")
	}
	return d.end(ctx, who, id, why, DeedTransferred, deedData{Authority: to})
}

func (d *Desk) end(ctx context.Context, who identity.Officer, id, why, deed string, data deedData) error {
	why = strings.TrimSpace(why)
	if why == "" || len([]rune(why)) > 4000 {
		return fail.New(fail.Rejected, "matter.reason_needed").In("text")
	}
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, p *Project) error {
		if err := m.waited(deed, d.Now()); err != nil {
			return err
		}
		asked := m.Other
		e, err := d.step(ctx, tx, m, who.Actor(), ledger.Authority, deed, data)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO decisions (matter_id, outcome, text, decided_by, decided_at) VALUES ($1, '', $2, $3, $4)`,
			m.ID, why, who.ID, db.Millis(d.Now())); err != nil {
			return fmt.Errorf("write the reason: %w", err)
		}
		jobs := toldOf(m, e, asked, Notify{Matter: m.ID, N: e.N, Deed: deed, Audience: ToApplicant})
		if data.Authority != "" && data.Authority != asked {
			reached, err := d.handOver(ctx, tx, who, m, data.Authority, why)
			if err != nil {
				return err
			}
			if reached {
				jobs = append(jobs, Notify{Matter: m.ID, N: e.N, Deed: deed, Audience: ToAuthority, Authority: data.Authority})
			}
		}
		return outbox.Add(ctx, tx, d.Now(), jobs...)
	})
}

// handOver writes to the authority that a matter is transferred to, if it has
// joined the hub with anything.
func (d *Desk) handOver(ctx context.Context, tx *db.Tx, who identity.Officer, m *Matter, to, why string) (bool, error) {
	offers, err := catalogue.OffersOf(ctx, tx, to)
	if err != nil || len(offers) == 0 {
		return false, err
	}
	_, err = m.addMessage(ctx, tx, d.Now(), Message{Thread: "authority:" + to, Side: "authority:" + who.Authority, Person: who.ID, Text: why}, nil)
	return true, err
}

// waited refuses to end a matter while the applicant still has time to complete
// it (hallintolaki 434/2003, sections 33 and 34).
func (m *Matter) waited(deed string, now time.Time) error {
	if m.Status == ToComplete && deed != DeedTransferred && now.Before(m.Due) {
		return fail.New(fail.Conflict, "matter.wait_for_completion")
	}
	return nil
}
