package matter

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// Shared is another authority that sees what was sent in a matter, because the
// applicant shares it.
type Shared struct {
	Authority string
	Since     time.Time
	Looked    time.Time // last, since then; zero when not yet. Known to the applicant only
}

// Share lets other authorities of the project see what was sent in a matter,
// with its attachments, and what will be sent, until EndSharing or until the
// content has had its time. Messages, the decision and the handling stay with
// the matter's own authority.
//
// How the matter has ended does not matter: an approved plan is just what
// another authority wants to see. An authority of the project is one that has a
// sent matter in it; one that a matter was transferred to is not, by that alone.
// Whoever sees it already goes on seeing it, and is not told again.
func (d *Desk) Share(ctx context.Context, who identity.Customer, id string, with []string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toSend)
		if err != nil {
			return err
		}
		if m.Status == Draft {
			return fail.New(fail.Conflict, "matter.not_sent_yet")
		}
		if !m.RemovedAt.IsZero() {
			return fail.New(fail.Conflict, "matter.content_removed")
		}
		if len(with) == 0 {
			return fail.New(fail.Rejected, "matter.choose_whom_to_share_with").In("authority")
		}
		shares, err := sharesOf(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		more, err := m.mayShareWith(ctx, tx, shares)
		if err != nil {
			return err
		}
		var jobs []outbox.Job
		for _, to := range with {
			if slices.ContainsFunc(shares, func(s Shared) bool { return s.Authority == to }) {
				continue
			}
			if !slices.Contains(more, to) {
				return fail.New(fail.Rejected, "matter.choose_authority").In("authority")
			}
			e, err := d.shareWith(ctx, tx, who, m, to)
			if err != nil {
				return err
			}
			shares = append(shares, Shared{Authority: to, Since: e.Time()})
			jobs = append(jobs, Notify{Matter: m.ID, N: e.N, Deed: DeedShared, Audience: ToAuthority, Authority: to})
		}
		if len(jobs) == 0 {
			return nil
		}
		if err := m.save(ctx, tx); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), jobs...)
	})
}

func (d *Desk) shareWith(ctx context.Context, tx *db.Tx, who identity.Customer, m *Matter, to string) (ledger.Entry, error) {
	e, err := d.record(ctx, tx, m, who.Actor(), ledger.Applicant, DeedShared, deedData{Authority: to})
	if err != nil {
		return e, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO shares (matter_id, authority_id, since) VALUES ($1, $2, $3)`, m.ID, to, e.At); err != nil {
		return e, fmt.Errorf("share a matter: %w", err)
	}
	return e, nil
}

// EndSharing ends, at once, that an authority sees what was sent in a matter.
// What it has looked at stands in the log of readings.
func (d *Desk) EndSharing(ctx context.Context, who identity.Customer, id, with string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toSend)
		if err != nil {
			return err
		}
		n, err := tx.ExecContext(ctx, `DELETE FROM shares WHERE matter_id = $1 AND authority_id = $2`, m.ID, with)
		if err != nil {
			return fmt.Errorf("end the sharing of a matter: %w", err)
		}
		if n == 0 { // ended already
			return nil
		}
		if _, err := d.record(ctx, tx, m, who.Actor(), ledger.Applicant, DeedSharingEnded, deedData{Authority: with}); err != nil {
			return err
		}
		return m.save(ctx, tx)
	})
}

// mayShareWith lists the authorities with which a matter can be shared yet. What
// was asked in an authority's own service is not here to be shared.
func (m *Matter) mayShareWith(ctx context.Context, tx *db.Tx, shares []Shared) ([]string, error) {
	if m.Status == Draft || !m.RemovedAt.IsZero() || m.Way == catalogue.Conditional {
		return nil, nil
	}
	all, err := authoritiesOf(ctx, tx, m.Project)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a string) bool {
		return a == m.Authority || slices.ContainsFunc(shares, func(s Shared) bool { return s.Authority == a })
	}), nil
}

// sharesOf lists with whom a matter is shared, the first one first.
func sharesOf(ctx context.Context, tx *db.Tx, matter string) ([]Shared, error) {
	rows, err := tx.QueryContext(ctx, `SELECT authority_id, since FROM shares WHERE matter_id = $1 ORDER BY since, authority_id`, matter)
	if err != nil {
		return nil, fmt.Errorf("read with whom a matter is shared: %w", err)
	}
	var all []Shared
	err = rows.Each(func() error {
		var s Shared
		var since int64
		if err := rows.Scan(&s.Authority, &since); err != nil {
			return err
		}
		s.Since = db.Time(since)
		all = append(all, s)
		return nil
	})
	return all, err
}

// lookedAt notes in the shares when each authority last looked.
func lookedAt(ctx context.Context, tx *db.Tx, matter string, shares []Shared) error {
	if len(shares) == 0 {
		return nil
	}
	last, err := ledger.LastLooked(ctx, tx, matter, readAsShared)
	for i, s := range shares {
		if at := last[s.Authority]; !at.Before(s.Since) {
			shares[i].Looked = at
		}
	}
	return err
}

// markShared marks the rows of a project whose content the applicant shares
// with the officer's authority, if they are the officer's business.
func markShared(ctx context.Context, tx *db.Tx, who identity.Officer, project string, rows []Row) error {
	shared, err := tx.QueryContext(ctx, `
		SELECT s.matter_id FROM matters m JOIN shares s ON s.matter_id = m.id AND s.authority_id = $1 WHERE m.project_id = $2`, who.Authority, project)
	if err != nil {
		return fmt.Errorf("read what is shared in a project: %w", err)
	}
	ids := map[string]bool{}
	err = shared.Each(func() error {
		var id string
		err := shared.Scan(&id)
		ids[id] = true
		return err
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	ok, err := concerns(ctx, tx, who, project)
	for i := range rows {
		rows[i].Shared = ok && ids[rows[i].ID]
	}
	return err
}

// foldShares tells from a matter's stream with whom it is shared, and since
// when.
func foldShares(entries []ledger.Entry) (map[string]time.Time, error) {
	shares := map[string]time.Time{}
	for _, e := range entries {
		var d deedData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return nil, fmt.Errorf("read entry %d: %w", e.N, err)
		}
		switch e.Deed {
		case DeedShared:
			shares[d.Authority] = e.Time()
		case DeedSharingEnded:
			delete(shares, d.Authority)
		case DeedContentRemoved:
			clear(shares)
		}
	}
	return shares, nil
}

// compareShares compares with whom a matter is shared with what its ledger says.
func (m *Matter) compareShares(ctx context.Context, tx *db.Tx, entries []ledger.Entry) error {
	want, err := foldShares(entries)
	if err != nil {
		return fmt.Errorf("matter %s: %w", m.ID, err)
	}
	shares, err := sharesOf(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	same := len(shares) == len(want)
	for _, s := range shares {
		since, ok := want[s.Authority]
		same = same && ok && since.Equal(s.Since)
	}
	if !same {
		return fmt.Errorf("matter %s is not shared as its ledger says", m.ID)
	}
	return nil
}
