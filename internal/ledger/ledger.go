// Package ledger is the log of deeds: the spine of the hub.
//
// Every deed is one entry, written in the transaction of the deed, numbered
// without gaps in its stream (one per matter, one per project) and chained to
// the entry before it by hash. Timelines, the holder of a matter, notices,
// reports and the audit trail come from these entries and are kept nowhere
// else by hand.
//
// Entries hold identifiers, statuses and hashes, never a name, an answer or a
// text: what must be forgotten one day can be forgotten without breaking the
// chain.
//
// The hash of an entry is SHA-256, in hex, over these texts, each preceded by
// its length in bytes in decimal and a colon: "luvat-ledger-1", stream, n, at
// (unix milliseconds), actor, side, deed, data, prev. The first entry of a
// stream has an empty prev.
package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"luvat/internal/db"
)

// Side says on whose behalf a deed was done.
type Side string

// The sides.
const (
	Applicant Side = "applicant"
	Authority Side = "authority"
	// OtherAuthority is one that was written to in another's matter.
	OtherAuthority Side = "other_authority"
	Hub            Side = "hub"
)

// Actor is who did a deed: person:<id>, robot:<id>, system:<id> or hub.
type Actor string

// TheHub is the actor of what the hub does by itself.
const TheHub Actor = "hub"

// Person returns the actor that stands for a person.
func Person(id string) Actor { return Actor("person:" + id) }

// Robot returns the actor that stands for an authority's software robot.
func Robot(id string) Actor { return Actor("robot:" + id) }

// System returns the actor that stands for an authority's own system.
func System(id string) Actor { return Actor("system:" + id) }

// MatterStream names the stream of a matter.
func MatterStream(id string) string { return "matter:" + id }

// ProjectStream names the stream of a project.
func ProjectStream(id string) string { return "project:" + id }

// Entry is one deed.
type Entry struct {
	Stream string          `json:"stream"`
	N      int64           `json:"n"`
	At     int64           `json:"at"` // unix milliseconds
	Actor  Actor           `json:"actor"`
	Side   Side            `json:"side"`
	Deed   string          `json:"deed"`
	Data   json.RawMessage `json:"-"`
	Prev   string          `json:"prev"`
	Hash   string          `json:"hash"`
}

// Time tells when the deed was done.
func (e Entry) Time() time.Time { return db.Time(e.At) }

// Sum computes the hash that the entry should have.
func (e Entry) Sum() string {
	h := sha256.New()
	for _, s := range []string{
		"luvat-ledger-1", e.Stream, strconv.FormatInt(e.N, 10), strconv.FormatInt(e.At, 10),
		string(e.Actor), string(e.Side), e.Deed, string(e.Data), e.Prev,
	} {
		h.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Record appends a deed to its stream and returns the entry as written.
//
// It must be called in the transaction of the deed. The stream stays locked
// until the end of that transaction, so numbers have no gaps.
func Record(ctx context.Context, tx *db.Tx, now time.Time, stream string, actor Actor, side Side, deed string, data any) (Entry, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return Entry{}, fmt.Errorf("write the deed's data: %w", err)
	}
	e := Entry{Stream: stream, At: db.Millis(now), Actor: actor, Side: side, Deed: deed, Data: body}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO ledger_heads (stream, n, hash) VALUES ($1, 1, '')
		ON CONFLICT (stream) DO UPDATE SET n = ledger_heads.n + 1
		RETURNING n, hash`, stream).Scan(&e.N, &e.Prev)
	if err != nil {
		return Entry{}, fmt.Errorf("take the stream's next number: %w", err)
	}
	e.Hash = e.Sum()
	if err := e.insert(ctx, tx); err != nil {
		return Entry{}, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE ledger_heads SET hash = $1 WHERE stream = $2`, e.Hash, e.Stream); err != nil {
		return Entry{}, fmt.Errorf("move the stream's head: %w", err)
	}
	return e, nil
}

// Prepare computes the entry that Append will write, chained to the stream's
// head as tx sees it. It writes nothing, so that the work is done before the
// transaction of the deed. The stream must have begun.
func Prepare(ctx context.Context, tx *db.Tx, now time.Time, stream string, actor Actor, side Side, deed string, data any) (Entry, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return Entry{}, fmt.Errorf("write the deed's data: %w", err)
	}
	e := Entry{Stream: stream, At: db.Millis(now), Actor: actor, Side: side, Deed: deed, Data: body}
	err = tx.QueryRowContext(ctx, `SELECT n + 1, hash FROM ledger_heads WHERE stream = $1`, stream).Scan(&e.N, &e.Prev)
	if err != nil {
		return Entry{}, fmt.Errorf("read the stream's head: %w", err)
	}
	e.Hash = e.Sum()
	return e, nil
}

// ErrMoved says that another deed was recorded since Prepare.
var ErrMoved = errors.New("another deed was recorded meanwhile")

// Append writes an entry that Prepare made, in the transaction of the deed. The
// error is ErrMoved when it no longer follows the stream's head: prepare anew.
func Append(ctx context.Context, tx *db.Tx, e Entry) error {
	n, err := tx.ExecContext(ctx, `UPDATE ledger_heads SET n = $1, hash = $2 WHERE stream = $3 AND n = $4 AND hash = $5`,
		e.N, e.Hash, e.Stream, e.N-1, e.Prev)
	if err != nil {
		return fmt.Errorf("move the stream's head: %w", err)
	}
	if n == 0 {
		return ErrMoved
	}
	return e.insert(ctx, tx)
}

func (e Entry) insert(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO ledger (stream, n, at, actor, side, deed, data, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.Stream, e.N, e.At, string(e.Actor), string(e.Side), e.Deed, string(e.Data), e.Prev, e.Hash); err != nil {
		return fmt.Errorf("record the deed: %w", err)
	}
	return nil
}

const columns = `stream, n, at, actor, side, deed, data, prev, hash`

func scan(r interface{ Scan(...any) error }, e *Entry) error {
	var actor, side, data string
	if err := r.Scan(&e.Stream, &e.N, &e.At, &actor, &side, &e.Deed, &data, &e.Prev, &e.Hash); err != nil {
		return err
	}
	e.Actor, e.Side, e.Data = Actor(actor), Side(side), json.RawMessage(data)
	return nil
}

// Read returns a stream's entries, oldest first.
func Read(ctx context.Context, tx *db.Tx, stream string) ([]Entry, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM ledger WHERE stream = $1 ORDER BY n`, stream)
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	var all []Entry
	err = rows.Each(func() error {
		var e Entry
		if err := scan(rows, &e); err != nil {
			return err
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	return all, nil
}

// Looked notes that somebody on an authority's side read a matter's content:
// who, what and why (Information Management Act 906/2019, section 17).
func Looked(ctx context.Context, tx *db.Tx, now time.Time, actor Actor, authority, matter, what, why string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO reads (id, at, actor, authority, matter_id, what, why) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		db.NewID(), db.Millis(now), string(actor), authority, matter, what, why)
	if err != nil {
		return fmt.Errorf("note the reading: %w", err)
	}
	return nil
}

// LastLooked tells when each authority last read a matter's content for a
// reason.
func LastLooked(ctx context.Context, tx *db.Tx, matter, why string) (map[string]time.Time, error) {
	rows, err := tx.QueryContext(ctx, `SELECT authority, MAX(at) FROM reads WHERE matter_id = $1 AND why = $2 GROUP BY authority`, matter, why)
	if err != nil {
		return nil, fmt.Errorf("read who looked: %w", err)
	}
	last := map[string]time.Time{}
	err = rows.Each(func() error {
		var authority string
		var at int64
		if err := rows.Scan(&authority, &at); err != nil {
			return err
		}
		last[authority] = db.Time(at)
		return nil
	})
	return last, err
}

// A Reading is one look at a matter's content.
type Reading struct {
	At        time.Time
	Authority string
	Matter    string
	What, Why string
}

// Readings lists who looked at matters, the last first, at most limit: for those
// whose data it is. Which officer it was stays with the authority.
func Readings(ctx context.Context, tx *db.Tx, matters []string, limit int) (all []Reading, err error) {
	if len(matters) == 0 {
		return nil, nil
	}
	args := make([]any, 0, len(matters)+1)
	for _, id := range matters {
		args = append(args, id)
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT at, authority, matter_id, what, why FROM reads WHERE matter_id IN (`+db.In(0, len(matters))+`)
		ORDER BY at DESC, id DESC LIMIT `+db.In(len(matters), 1), append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list readings: %w", err)
	}
	err = rows.Each(func() error {
		var r Reading
		var at int64
		err := rows.Scan(&at, &r.Authority, &r.Matter, &r.What, &r.Why)
		r.At = db.Time(at)
		all = append(all, r)
		return err
	})
	return all, err
}

// ErrBroken says that a chain does not hold.
var ErrBroken = errors.New("the chain is broken")

// A Verifier checks entries as they come, each stream in order.
type Verifier struct {
	heads   map[string]head
	Entries int64 // how many were checked
}

type head struct {
	n    int64
	hash string
}

// Add checks one entry against what came before it in its stream. The error
// wraps ErrBroken and names the stream and the number.
func (v *Verifier) Add(e Entry) error {
	if v.heads == nil {
		v.heads = map[string]head{}
	}
	last := v.heads[e.Stream]
	v.heads[e.Stream] = head{e.N, e.Hash}
	v.Entries++
	switch {
	case e.N != last.n+1:
		return fmt.Errorf("%w: %s has number %d after %d", ErrBroken, e.Stream, e.N, last.n)
	case e.Prev != last.hash:
		return fmt.Errorf("%w: %s number %d is not chained to the one before it", ErrBroken, e.Stream, e.N)
	case e.Hash != e.Sum():
		return fmt.Errorf("%w: %s number %d has been changed", ErrBroken, e.Stream, e.N)
	}
	return nil
}

// Head tells the last number and hash seen of a stream.
func (v *Verifier) Head(stream string) (n int64, hash string) {
	h := v.heads[stream]
	return h.n, h.hash
}

// Streams tells how many streams were seen.
func (v *Verifier) Streams() int { return len(v.heads) }
