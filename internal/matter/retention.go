package matter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// How long the hub keeps what. For how long the content of ended matters stays
// each offer says. The archive is the authority's.
const (
	draftLife     = 12  // months an untouched draft stays
	commonLife    = 24  // months the common data of an untouched project stays, if no matter needs it longer
	firstWarning  = 30  // days before a draft goes: the first mail
	secondWarning = 7   // days: the second one
	retentionPage = 200 // how many are looked at in one transaction
)

// The deeds of retention: stored, never change.
const (
	DeedDraftExpires   = "matter.draft_expires"   // the applicant was warned
	DeedContentRemoved = "matter.content_removed" // after its time; the ledger says what
)

// Retain warns of drafts that will go, removes those that have had their time,
// and removes the content of matters that ended long ago. The ledger keeps what
// was removed: how many submissions, messages and files, never what they said.
// It may be called at any time and by any node.
func (d *Desk) Retain(ctx context.Context) error {
	now := d.Now()
	for _, w := range []struct {
		days int
		n    int64
	}{{firstWarning, 1}, {secondWarning, 2}} {
		before := monthsBefore(now.AddDate(0, 0, w.days), draftLife)
		if err := d.warnDrafts(ctx, before, w.n); err != nil {
			return fmt.Errorf("warn of drafts: %w", err)
		}
	}
	if err := d.expireDrafts(ctx, monthsBefore(now, draftLife)); err != nil {
		return fmt.Errorf("remove old drafts: %w", err)
	}
	if err := d.expireEnded(ctx, now); err != nil {
		return fmt.Errorf("remove ended matters: %w", err)
	}
	if err := d.expireProjects(ctx, monthsBefore(now, commonLife)); err != nil {
		return fmt.Errorf("remove old common data: %w", err)
	}
	return d.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE expires_at < $1`, db.Millis(now.AddDate(0, 0, -30))); err != nil {
			return fmt.Errorf("forget invitations: %w", err)
		}
		return outbox.Blank(ctx, tx, InviteMail{}.Kind(), now.Add(-invitationLife)) // a dead one's secret opens nothing any more
	})
}

// monthsBefore returns the moment n months before, in Finland. Where that month
// has no such day, what is kept for n months goes a day or three late, and never
// early.
func monthsBefore(t time.Time, n int) time.Time { return i18n.AddMonths(t.In(i18n.Zone), -n) }

// touched is a draft and when somebody last touched it.
type touched struct {
	at int64
	id string
}

// drafts reads a page of the drafts after one, the longest untouched first,
// that nobody has touched since a time.
func (d *Desk) drafts(ctx context.Context, after touched, before time.Time) (page []touched, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT changed_at, id FROM matters WHERE status = 'draft' AND (changed_at, id) > ($1, $2) AND changed_at < $3
			ORDER BY changed_at, id LIMIT $4`, after.at, after.id, db.Millis(before), retentionPage)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var t touched
			if err := rows.Scan(&t.at, &t.id); err != nil {
				return err
			}
			page = append(page, t)
			return nil
		})
	})
	return page, err
}

// ids reads a page of ids; the query's first argument is the size of a page.
func (d *Desk) ids(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, query, append([]any{retentionPage}, args...)...)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
			return nil
		})
	})
	return ids, err
}

// warnDrafts tells the project's people that a draft will go. The notice's
// number is when the draft was last touched, so one touched again is warned of
// anew.
func (d *Desk) warnDrafts(ctx context.Context, before time.Time, n int64) error {
	var errs []error
	for after := (touched{at: db.Millis(before.AddDate(0, 0, -firstWarning))}); ; {
		page, err := d.drafts(ctx, after, before)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, t := range page {
			errs = append(errs, d.warnDraft(ctx, t, n)) // one that fails does not hold up the others
		}
		if len(page) < retentionPage {
			return errors.Join(errs...)
		}
		after = page[len(page)-1]
	}
}

func (d *Desk) warnDraft(ctx context.Context, t touched, n int64) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, err := find(ctx, tx, t.id)
		if fail.Is(err, fail.NotFound) { // removed meanwhile
			return nil
		}
		if err != nil || m.Status != Draft || db.Millis(m.ChangedAt) != t.at {
			return err
		}
		// Not a deed of the ledger: a deed would count as a touch.
		return outbox.Add(ctx, tx, d.Now(), Notify{Matter: m.ID, N: t.at*10 + n, Deed: DeedDraftExpires, Audience: ToApplicant})
	})
}

func (d *Desk) expireDrafts(ctx context.Context, before time.Time) error {
	for {
		page, err := d.drafts(ctx, touched{}, before)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, t := range page {
			err := d.do(ctx, func(tx *db.Tx) error {
				m, err := find(ctx, tx, t.id)
				if fail.Is(err, fail.NotFound) { // another node was quicker
					return nil
				}
				if err != nil || m.Status != Draft || !m.ChangedAt.Before(before) {
					return err
				}
				return d.forgetDraft(ctx, tx, m, ledger.TheHub, ledger.Hub)
			})
			if err != nil {
				return err
			}
		}
	}
}

// forgetDraft removes a draft; the project's ledger keeps that it was there.
func (d *Desk) forgetDraft(ctx context.Context, tx *db.Tx, m *Matter, actor ledger.Actor, side ledger.Side) error {
	if _, err := ledger.Record(ctx, tx, d.Now(), ledger.ProjectStream(m.Project), actor, side, DeedDraftRemoved, deedData{Offer: m.Offer}); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM draft_versions WHERE subject = $1`,
		`DELETE FROM seen WHERE matter_id = $1`,
		`DELETE FROM messages WHERE matter_id = $1`,
		`DELETE FROM notices WHERE matter_id = $1`,
	} {
		if _, err := tx.ExecContext(ctx, q, m.ID); err != nil {
			return fmt.Errorf("remove a draft: %w", err)
		}
	}
	if _, err := attach.RemoveAll(ctx, tx, m.Project, m.ID); err != nil {
		return err
	}
	n, err := tx.ExecContext(ctx, `DELETE FROM matters WHERE id = $1 AND status = 'draft' AND head = $2 AND version = $3`, m.ID, m.loaded, m.Version)
	if err != nil {
		return fmt.Errorf("remove a draft: %w", err)
	}
	if n == 0 { // sent or saved meanwhile
		return errMoved
	}
	return nil
}

// removal is what the ledger says of content that was removed.
type removal struct {
	Submissions int64 `json:"submissions"`
	Messages    int64 `json:"messages"`
	Attachments int64 `json:"attachments"`
}

// ended finds the matters of offers that keep for a number of months whose last
// deed was before a time. The join is written so that SQLite begins from the
// offers and takes of each what its part of the index matters_ended holds.
const ended = `
	SELECT m.id FROM offers o CROSS JOIN matters m
	WHERE o.keep_months = $2 AND m.offer_id = o.id AND m.changed_at < $3
	AND   m.status IN ('finished', 'withdrawn', 'dismissed', 'transferred') AND m.sent_at <> 0 AND m.removed_at = 0
	ORDER BY m.changed_at, m.id LIMIT $1`

// expireEnded removes the content of ended matters that have had the time which
// their offer gives them.
func (d *Desk) expireEnded(ctx context.Context, now time.Time) error {
	var lengths []int64
	err := d.DB.View(ctx, func(tx *db.Tx) (err error) {
		lengths, err = catalogue.KeepMonths(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, months := range lengths {
		if err := d.expireKept(ctx, months, monthsBefore(now, int(months))); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) expireKept(ctx context.Context, months int64, before time.Time) error {
	for {
		ids, err := d.ids(ctx, ended, months, db.Millis(before))
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := d.do(ctx, func(tx *db.Tx) error { return d.removeContent(ctx, tx, id, before) }); err != nil {
				return err
			}
		}
	}
}

// removeContent removes what people wrote in a matter and keeps its row in the
// joint view and its ledger.
func (d *Desk) removeContent(ctx context.Context, tx *db.Tx, id string, before time.Time) error {
	m, err := find(ctx, tx, id)
	if err != nil || !m.Status.Ended() || !m.ChangedAt.Before(before) || !m.RemovedAt.IsZero() {
		return err // another node may have been quicker
	}
	var r removal
	for q, n := range map[string]*int64{
		`SELECT COUNT(*) FROM submissions WHERE matter_id = $1`: &r.Submissions,
		`SELECT COUNT(*) FROM messages WHERE matter_id = $1`:    &r.Messages,
	} {
		if err := tx.QueryRowContext(ctx, q, m.ID).Scan(n); err != nil {
			return fmt.Errorf("count what is removed: %w", err)
		}
	}
	for _, q := range []string{
		`DELETE FROM submissions WHERE matter_id = $1`,
		`DELETE FROM messages WHERE matter_id = $1`,
		`DELETE FROM completion_requests WHERE matter_id = $1`,
		`DELETE FROM draft_versions WHERE subject = $1`,
		`DELETE FROM shares WHERE matter_id = $1`,
		`UPDATE decisions SET text = '' WHERE matter_id = $1`,
	} {
		if _, err := tx.ExecContext(ctx, q, m.ID); err != nil {
			return fmt.Errorf("remove content: %w", err)
		}
	}
	if r.Attachments, err = attach.RemoveAll(ctx, tx, m.Project, m.ID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM words WHERE offer_id = $1 AND matter_id = $2`, m.Offer, m.ID); err != nil {
		return fmt.Errorf("remove the matter's words: %w", err)
	}
	e, err := ledger.Record(ctx, tx, d.Now(), ledger.MatterStream(m.ID), ledger.TheHub, ledger.Hub, DeedContentRemoved, r)
	if err != nil {
		return err
	}
	if e.N != m.N+1 {
		return errMoved
	}
	if err := m.Apply(e); err != nil {
		return err
	}
	m.RemovedAt = e.Time()
	return m.save(ctx, tx)
}

// hadTheirTime is a condition on projects with common data that nobody has
// touched since $2, and whose matters have no content any more.
const hadTheirTime = `
	changed_at < $2 AND EXISTS (SELECT 1 FROM draft_versions d WHERE d.subject = projects.id) AND NOT EXISTS (SELECT 1 FROM matters m WHERE m.project_id = projects.id AND m.removed_at = 0)`

// expireProjects removes the common data of projects whose matters have all had
// their time. The project's row stays for the joint view of what was.
func (d *Desk) expireProjects(ctx context.Context, before time.Time) error {
	for {
		ids, err := d.ids(ctx, `SELECT id FROM projects WHERE `+hadTheirTime+` ORDER BY id LIMIT $1`, db.Millis(before))
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := d.do(ctx, func(tx *db.Tx) error { return d.forgetCommon(ctx, tx, id, before) }); err != nil {
				return err
			}
		}
	}
}

// forgetCommon removes a project's common data, unless somebody has touched it
// since it was listed, or another node was quicker.
func (d *Desk) forgetCommon(ctx context.Context, tx *db.Tx, project string, before time.Time) error {
	n, err := tx.ExecContext(ctx, `UPDATE projects SET version = version + 1 WHERE id = $1 AND `+hadTheirTime, project, db.Millis(before))
	if err != nil {
		return fmt.Errorf("remove common data: %w", err)
	}
	if n == 0 {
		return nil
	}
	if _, err := ledger.Record(ctx, tx, d.Now(), ledger.ProjectStream(project), ledger.TheHub, ledger.Hub, DeedContentRemoved, deedData{}); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM draft_versions WHERE subject = $1`,
		`DELETE FROM invitations WHERE project_id = $1`,
	} {
		if _, err := tx.ExecContext(ctx, q, project); err != nil {
			return fmt.Errorf("remove common data: %w", err)
		}
	}
	_, err = attach.RemoveAll(ctx, tx, project, "")
	return err
}
