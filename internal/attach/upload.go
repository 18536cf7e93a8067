package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// Limits bound how much may be attached, in bytes; zero means the default.
type Limits struct {
	File  int64 // one file; 500 MB by default
	Total int64 // all of a matter, or of a project's common data; 2,048 MB by default
}

const megabyte = 1 << 20

func (l Limits) orDefault() Limits {
	if l.File <= 0 {
		l.File = 500 * megabyte
	}
	if l.Total <= 0 {
		l.Total = 2048 * megabyte
	}
	return l
}

// New says what is going to be attached.
type New struct {
	Project, Matter string // Matter is "" for the project's common data
	Place           Place
	Field           string
	Name            string // any: it is repaired, never refused
	Size            int64  // -1 for Put when it is not known
	UploadedBy      string
	Side            string // applicant, or authority:<id>
	Limits          Limits
	Beside          int64 // bytes that landed for the same deed and have no row yet
}

const (
	chunk = 256 << 10 // one read and write
	// flushEach is how much may come before what came is made durable: what a
	// sudden stop costs at most.
	flushEach = 16 * megabyte
)

// Begin announces an upload of a known size. The bytes come with Append.
//
// The error is Rejected for an empty file and TooLarge over the limits. Two
// uploads begun in the same instant may together pass the total.
func (s *Store) Begin(ctx context.Context, n New) (Attachment, error) {
	if n.Size <= 0 {
		return Attachment{}, fail.New(fail.Rejected, "attach.empty")
	}
	a := n.attachment(db.NewID(), s)
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := n.room(ctx, tx, n.Size); err != nil {
			return err
		}
		return insert(ctx, tx, a)
	})
	if err != nil {
		return Attachment{}, full(err)
	}
	return a, nil
}

func (n New) attachment(id string, s *Store) Attachment {
	return Attachment{
		ID: id, Project: n.Project, Matter: n.Matter, Place: n.Place, Field: n.Field,
		Name: cleanName(n.Name), Size: n.Size, State: Uploading,
		UploadedBy: n.UploadedBy, Side: n.Side, CreatedAt: db.Time(db.Millis(s.now())),
	}
}

// room tells whether size more bytes may be attached, and how many the total
// still allows.
func (n New) room(ctx context.Context, tx *db.Tx, size int64) (left int64, err error) {
	l := n.Limits.orDefault()
	if size > l.File {
		return 0, fail.New(fail.TooLarge, "attach.too_large", l.File/megabyte)
	}
	if left, err = n.left(ctx, tx); err == nil && size > left {
		err = n.noRoom(left)
	}
	return left, err
}

// left tells how much the total still allows.
func (n New) left(ctx context.Context, tx *db.Tx) (int64, error) {
	var used int64
	err := tx.QueryRowContext(ctx, `
		SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM attachments
		WHERE  project_id = $1 AND matter_id = $2 AND state IN ('uploading', 'ready')`,
		n.Project, n.Matter).Scan(&used)
	if err != nil {
		return 0, fmt.Errorf("read attachments' sizes: %w", err)
	}
	return max(0, n.Limits.orDefault().Total-used-n.Beside), nil
}

func (n New) noRoom(left int64) error {
	return fail.New(fail.TooLarge, "attach.total_too_large", n.Limits.orDefault().Total/megabyte, left/megabyte)
}

func insert(ctx context.Context, tx *db.Tx, a Attachment) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO attachments (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		a.ID, a.Project, a.Matter, string(a.Place), a.Field, a.Name, a.Size, a.Received,
		a.ContentType, a.Hash, string(a.State), a.UploadedBy, a.Side, db.Millis(a.CreatedAt))
	if err != nil {
		return fmt.Errorf("write attachment: %w", err)
	}
	return nil
}

// Append adds the bytes of r to by's upload, whose next byte is the one at
// offset. Whatever came before r broke off is kept; Received says how much,
// also when there is an error. When all bytes are there the attachment is
// finished: it is Ready, or Infected with an error, or Waiting while the
// scanner does not answer. Asking again after the end changes nothing.
//
// The errors: NotFound; Conflict at a wrong offset (Received is the right one)
// and while somebody else appends to the same upload; Rejected when r has more
// than was announced; Unavailable when the disk is full.
func (s *Store) Append(ctx context.Context, id, by string, offset int64, r io.Reader) (Attachment, error) {
	if _, err := s.owned(ctx, id, by); err != nil { // before id becomes a file's name
		return Attachment{}, err
	}
	release, ok := s.take(id)
	if !ok {
		return Attachment{}, fail.New(fail.Conflict, "attach.busy")
	}
	defer release()
	a, err := s.owned(ctx, id, by)
	switch {
	case err != nil:
		return Attachment{}, err
	case a.State == Infected:
		return a, infected(a)
	case offset != a.Received:
		return a, wrongOffset(a)
	case a.State == Ready:
		return a, nil
	case a.Received == a.Size:
		return s.settle(ctx, a)
	}
	a, err = s.receive(ctx, a, r)
	return a, full(err)
}

func (s *Store) owned(ctx context.Context, id, by string) (Attachment, error) {
	a, err := s.fresh(ctx, id)
	if err != nil {
		return Attachment{}, err
	}
	if a.UploadedBy != by {
		return Attachment{}, errNotFound
	}
	return a, nil
}

// fresh reads a row anew.
func (s *Store) fresh(ctx context.Context, id string) (a Attachment, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		a, err = Find(ctx, tx, id)
		return err
	})
	return a, err
}

func wrongOffset(a Attachment) error {
	return fail.New(fail.Conflict, "attach.wrong_offset", a.Received)
}

// receive takes the next bytes of an upload that the caller has taken.
func (s *Store) receive(ctx context.Context, a Attachment, r io.Reader) (_ Attachment, err error) {
	f, err := s.partial(a.ID)
	if err != nil {
		return a, err
	}
	defer closing(f, &err)
	if !lock(f) {
		return a, fail.New(fail.Conflict, "attach.busy")
	}
	// Another node may have gone on with it, even put this file in its place,
	// before the lock was ours.
	now, err := s.fresh(ctx, a.ID)
	if err != nil {
		return a, err
	}
	if now.State != Uploading || now.Received != a.Received {
		return now, wrongOffset(now)
	}
	info, err := f.Stat()
	if err != nil {
		return a, fmt.Errorf("read an upload: %w", err)
	}
	if info.Size() < a.Received { // the disk lost bytes: go on from what is left
		s.Log.ErrorContext(ctx, "upload lost bytes", "attachment", a.ID, "received", a.Received, "left", info.Size())
		if err := s.rewind(ctx, &a, info.Size()); err != nil {
			return a, err
		}
		return a, wrongOffset(a)
	}
	if err := f.Truncate(a.Received); err != nil { // what came but was never told to be durable
		return a, fmt.Errorf("cut an upload: %w", err)
	}
	if _, err := f.Seek(a.Received, io.SeekStart); err != nil {
		return a, fmt.Errorf("seek an upload: %w", err)
	}
	t := s.tallyAt(a.ID, a.Received)
	if err := s.stream(ctx, &a, f, r, t); err != nil {
		return a, err
	}
	if a.Received < a.Size {
		s.keepTally(a.ID, t)
		return a, nil
	}
	sum, err := s.sum(f, a.Size, t)
	if err != nil {
		return a, err
	}
	return s.finish(ctx, a, f, sum)
}

// partial opens the file of an upload, and makes it durable if it is new.
func (s *Store) partial(id string) (*os.File, error) {
	f, err := os.OpenFile(s.incoming(id), os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, fmt.Errorf("open an upload: %w", err)
		}
		return f, nil
	}
	if f, err = os.OpenFile(s.incoming(id), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("open an upload: %w", err)
	}
	now := s.now()
	if err := errors.Join(os.Chtimes(f.Name(), now, now), syncDir(s.incoming(""))); err != nil {
		return nil, errors.Join(fmt.Errorf("open an upload: %w", err), f.Close())
	}
	return f, nil
}

// closing closes f and tells a failure to, unless err tells something already.
func closing(f *os.File, err *error) {
	if failed := f.Close(); failed != nil && *err == nil {
		*err = fmt.Errorf("close an upload: %w", failed)
	}
}

// stream writes r to f and moves a.Received on as bytes become durable. The
// last bytes count only when r has no more of them.
func (s *Store) stream(ctx context.Context, a *Attachment, f *os.File, r io.Reader, t *tally) error {
	buf := make([]byte, chunk)
	at := a.Received
	for {
		n, end := r.Read(buf[:min(chunk, a.Size-at+1)]) // one more than may come, to see whether it does
		if at+int64(n) > a.Size {
			return fail.New(fail.Rejected, "attach.more_than_announced", a.Name)
		}
		wrote, err := s.write(f, buf[:n])
		if t != nil {
			t.Write(buf[:wrote]) // a hash takes everything
			t.n += int64(wrote)
		}
		at += int64(wrote)
		if err == nil && end == nil {
			err = ctx.Err()
		}
		if err != nil || end != nil || at-a.Received >= s.flushEach && at < a.Size {
			if kept := s.keep(ctx, a, f, at); kept != nil {
				return kept
			}
		}
		switch {
		case err != nil:
			return fmt.Errorf("write an upload: %w", err)
		case errors.Is(end, io.EOF):
			return nil
		case end != nil && at < a.Size:
			return fmt.Errorf("read an upload: %w", end)
		case end != nil:
			return nil //nolint:nilerr // broken, but after the last byte
		}
	}
}

// keep makes the first n bytes durable and says so in the row.
func (s *Store) keep(ctx context.Context, a *Attachment, f *os.File, n int64) error {
	if n == a.Received {
		return nil
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("flush an upload: %w", err)
	}
	now := s.now()
	if err := os.Chtimes(f.Name(), now, now); err != nil {
		return fmt.Errorf("flush an upload: %w", err)
	}
	return s.rewind(ctx, a, n)
}

// rewind sets how much of an upload is there, if nobody else has.
func (s *Store) rewind(ctx context.Context, a *Attachment, n int64) error {
	return s.update(ctx, func(ctx context.Context, tx *db.Tx) error {
		return one(tx.ExecContext(ctx, `
			UPDATE attachments SET received = $1
			WHERE  id = $2 AND state = 'uploading' AND received = $3`, n, a.ID, a.Received))
	}, func() { a.Received = n })
}

// update writes whether or not the uploader is still there.
func (s *Store) update(ctx context.Context, fn func(context.Context, *db.Tx) error, done func()) error {
	ctx = context.WithoutCancel(ctx)
	if err := s.db.InTx(ctx, func(tx *db.Tx) error { return fn(ctx, tx) }); err != nil {
		return err
	}
	done()
	return nil
}

// one turns "no row was changed" into an error: the upload was cancelled, or
// another node went on with it.
func one(n int64, err error) error {
	if err != nil {
		return fmt.Errorf("write attachment: %w", err)
	}
	if n == 0 {
		return fail.New(fail.Conflict, "attach.gone")
	}
	return nil
}
