// Package attach keeps attachments: it streams them in, scans them, stores
// them by content and streams them out.
//
// An upload is begun (Begin), appended to in as many pieces as the network
// needs (Append), and becomes ready when its bytes are whole, scanned and in
// their place. A form without JavaScript hands over the whole file (Put).
//
// On disk, under one folder:
//
//	incoming/<id>   the bytes of an upload so far
//	ab/cdef…        a blob, named by the sha256 of its bytes in hex
//	trash/<hash>    a blob that Sweep is about to delete
//
// The order of the steps is what makes it safe to stop at any of them. What
// the row says was received is durable on disk. A whole upload is hashed and
// scanned in incoming; then its row names the hash; then the file is renamed to
// its place and the folders are flushed; and only then the row says ready. So a
// ready row always has its bytes, and Sweep finishes what a stop left between.
// A file that comes whole (Put) is put in its place before its row is written,
// ready at once; what a stop leaves of it is a young blob without a row, and
// Sweep deletes that when it is young no longer.
//
// Equal contents share a blob, and a blob goes only when no row names it. The
// bytes are never changed. The rows know nothing of rights: whoever looks an
// attachment up decides first who may see its project and matter.
//
// Nodes that share a database must share the folder as well.
package attach

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// Place tells what an attachment belongs to.
type Place string

// The places.
const (
	Answer   Place = "answer"   // a field of a form
	Message  Place = "message"  // a line in a thread
	Decision Place = "decision" // the end of a matter
	Request  Place = "request"  // a request for completion
)

// State tells how far an attachment is.
type State string

// The states.
const (
	Uploading State = "uploading" // not whole yet, or whole and not yet scanned: see Waiting
	Ready     State = "ready"
	Infected  State = "infected" // the scanner found a virus; the bytes are gone
	Removed   State = "removed"
)

// Attachment is a file that somebody gave.
type Attachment struct {
	ID, Project string
	Matter      string // "" for the project's common data
	Place       Place
	Field       string // the form's field, or what Bind bound it to
	Name        string // repaired: safe as a file's name
	Size        int64
	Received    int64  // how many bytes are durable
	ContentType string // by the content, never by the name; "" while uploading
	Hash        string // sha256 in hex; "" until the bytes are whole and clean
	State       State
	UploadedBy  string
	Side        string // applicant, or authority:<id>
	CreatedAt   time.Time
}

// Waiting tells whether all bytes came but the scanner has not yet answered.
func (a Attachment) Waiting() bool { return a.State == Uploading && a.Received == a.Size }

// errNotFound is also what a stranger gets.
var errNotFound = fail.New(fail.NotFound, "attach.not_found")

const columns = `id, project_id, matter_id, place, field, name, size, received, content_type, hash, state, uploaded_by, side, created_at`

func scanRow(scan func(...any) error) (a Attachment, err error) {
	var place, state string
	var at int64
	err = scan(&a.ID, &a.Project, &a.Matter, &place, &a.Field, &a.Name, &a.Size, &a.Received,
		&a.ContentType, &a.Hash, &state, &a.UploadedBy, &a.Side, &at)
	a.Place, a.State, a.CreatedAt = Place(place), State(state), db.Time(at)
	return a, err
}

// Find returns an attachment, or NotFound when it is not there or was removed.
func Find(ctx context.Context, tx *db.Tx, id string) (Attachment, error) {
	a, err := scanRow(tx.QueryRowContext(ctx,
		`SELECT `+columns+` FROM attachments WHERE id = $1 AND state <> 'removed'`, id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return Attachment{}, errNotFound
	}
	if err != nil {
		return Attachment{}, fmt.Errorf("read attachment: %w", err)
	}
	return a, nil
}

// OfMatter lists a matter's attachments, oldest first, at the places or at all
// of them. Those of messages, requests and decisions have an empty Field until
// they are bound: only the uploader should see them before that.
func OfMatter(ctx context.Context, tx *db.Tx, matter string, places ...Place) ([]Attachment, error) {
	if matter == "" {
		return nil, nil // not the common data of every project
	}
	where, args := "matter_id = $1", []any{matter}
	if len(places) > 0 {
		where += " AND place IN (" + db.In(1, len(places)) + ")"
		for _, p := range places {
			args = append(args, string(p))
		}
	}
	return list(ctx, tx, where, args...)
}

// OfProject lists the attachments of a project's common data, oldest first.
func OfProject(ctx context.Context, tx *db.Tx, project string) ([]Attachment, error) {
	return list(ctx, tx, "project_id = $1 AND matter_id = ''", project)
}

// ByIDs returns those of the attachments that are there, oldest first.
func ByIDs(ctx context.Context, tx *db.Tx, ids []string) ([]Attachment, error) {
	ids = distinct(ids)
	var all []Attachment
	for len(ids) > 0 {
		n := min(len(ids), page)
		part, err := list(ctx, tx, "id IN ("+db.In(0, n)+")", anys(ids[:n])...)
		if err != nil {
			return nil, err
		}
		all, ids = append(all, part...), ids[n:]
	}
	return all, nil
}

// page is how many rows or names are looked up at once.
const page = 400

func list(ctx context.Context, tx *db.Tx, where string, args ...any) ([]Attachment, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT `+columns+` FROM attachments
		WHERE `+where+` AND state <> 'removed'
		ORDER BY created_at, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read attachments: %w", err)
	}
	var all []Attachment
	err = rows.Each(func() error {
		a, err := scanRow(rows.Scan)
		all = append(all, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read attachments: %w", err)
	}
	return all, nil
}

// Bind ties uploaded attachments to what was written with them: field is
// "message:<id>", "request:<id>" or "decision", and becomes their Field; the
// word before the colon becomes their Place.
//
// Each must be the uploader's own and of the matter, otherwise the error is
// NotFound; and ready and not yet tied to anything else, otherwise Conflict.
func Bind(ctx context.Context, tx *db.Tx, ids []string, by, matter, field string) error {
	place, _, _ := strings.Cut(field, ":")
	switch Place(place) {
	case Message, Request, Decision:
	default:
		return fmt.Errorf("bind attachments: no such place as %q", field)
	}
	ids = distinct(ids)
	found, err := ByIDs(ctx, tx, ids)
	if err != nil {
		return err
	}
	if len(found) < len(ids) {
		return errNotFound
	}
	for _, a := range found {
		switch {
		case a.UploadedBy != by || a.Matter != matter:
			return errNotFound
		case a.State == Infected:
			return infected(a)
		case a.State != Ready:
			return fail.New(fail.Conflict, "attach.not_ready", a.Name)
		case a.Place == Answer || a.Field != "" && a.Field != field:
			return fail.New(fail.Conflict, "attach.already_used", a.Name)
		}
		n, err := tx.ExecContext(ctx, `
			UPDATE attachments SET field = $1, place = $2
			WHERE  id = $3 AND state = 'ready' AND (field = '' OR field = $1)`, field, place, a.ID)
		if err != nil {
			return fmt.Errorf("bind attachment: %w", err)
		}
		if n == 0 {
			return fail.New(fail.Conflict, "attach.already_used", a.Name)
		}
	}
	return nil
}

func infected(a Attachment) error { return fail.New(fail.Rejected, "attach.infected", a.Name) }

func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	var out []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
