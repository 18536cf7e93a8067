package matter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// readTrace is what the log of readings says when support looked at a matter's
// trace: stored, never changes.
const readTrace = "trace"

// A Trace is as much of a matter as support sees: that it is there, what has
// happened when, and whether the notices have gone. There is no name in it, no
// answer, message, file or outcome, nor what the matter is about.
type Trace struct {
	Number    string
	Authority string
	Status    Status
	Entries   []Traced
	Notices   []Delivered
	Jobs      []outbox.Waiting
}

// Traced is an entry of the ledger without what it says of people.
type Traced struct {
	N    int64
	At   time.Time
	Deed string
	Side ledger.Side
}

// Delivered is what became of a notice; to whom it went is not told.
type Delivered struct {
	N                       int64 // the ledger entry it tells of
	Audience                Audience
	Created, Handed, Opened time.Time // zero for not yet
}

// Trace finds a matter by its number, as people read it from a page or a mail,
// and notes that support has looked. The error is NotFound when there is none.
func (d *Desk) Trace(ctx context.Context, who identity.Support, number string) (*Trace, error) {
	t := &Trace{Number: strings.ToUpper(strings.TrimSpace(number))}
	var id string
	err := d.DB.View(ctx, func(tx *db.Tx) (err error) {
		id, err = t.read(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = d.DB.InTx(ctx, func(tx *db.Tx) error {
		return ledger.Looked(ctx, tx, d.Now(), ledger.Person(who.ID), "", id, readTrace, "support")
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// read reads the trace of the matter with the number, and tells its id.
func (t *Trace) read(ctx context.Context, tx *db.Tx) (id string, err error) {
	var status string
	err = tx.QueryRowContext(ctx, `SELECT id, authority_id, status FROM matters WHERE number = $1`, t.Number).Scan(&id, &t.Authority, &status)
	if errors.Is(err, db.ErrNoRows) {
		return "", errNotFound
	}
	if err != nil {
		return "", fmt.Errorf("find a matter by its number: %w", err)
	}
	t.Status = Status(status)
	entries, err := ledger.Read(ctx, tx, ledger.MatterStream(id))
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		t.Entries = append(t.Entries, Traced{e.N, e.Time(), e.Deed, e.Side})
	}
	if t.Notices, err = delivered(ctx, tx, id); err != nil {
		return "", err
	}
	t.Jobs, err = outbox.ListWaiting(ctx, tx, Notify{Matter: id}.prefix())
	return id, err
}

func delivered(ctx context.Context, tx *db.Tx, id string) (all []Delivered, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT n, audience, created_at, handed_at, opened_at FROM notices WHERE matter_id = $1 ORDER BY n, created_at, id`, id)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	err = rows.Each(func() error {
		var x Delivered
		var audience string
		var created, handed, opened int64
		err := rows.Scan(&x.N, &audience, &created, &handed, &opened)
		x.Audience, x.Created, x.Handed, x.Opened = Audience(audience), db.Time(created), db.Time(handed), db.Time(opened)
		all = append(all, x)
		return err
	})
	return all, err
}
