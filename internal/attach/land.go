package attach

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// Landed is a file that came whole, is scanned and in its place, durable. Only
// its row is not written: Write does that in the transaction of the deed that
// brought it, so the file is there if and only if the deed is done. What is
// never written is Sweep's.
type Landed struct {
	Attachment
	of New
}

// Write writes the rows of what landed, in the transaction of the deed. The
// error is TooLarge when what came meanwhile has left no room for them.
func Write(ctx context.Context, tx *db.Tx, landed ...Landed) error {
	for _, l := range landed {
		l.of.Beside = 0 // has its row by now
		if l.State != Infected {
			if _, err := l.of.room(ctx, tx, l.Size); err != nil {
				return err
			}
		}
		if err := insert(ctx, tx, l.Attachment); err != nil {
			return err
		}
	}
	return nil
}

// Put takes a whole file at once, as a form without JavaScript sends it, and
// writes its row. Size may be -1. It ends like Append; nothing is kept of a
// file that breaks off.
func (s *Store) Put(ctx context.Context, n New, r io.Reader) (Attachment, error) {
	l, err := s.Land(ctx, n, r)
	if err != nil {
		return l.Attachment, err
	}
	return l.Attachment, s.Keep(ctx, l)
}

// Keep writes the rows of files without the deed that brought them, such as one
// that has to be done again. It does so even when whoever gave them is gone.
func (s *Store) Keep(ctx context.Context, landed ...Landed) error {
	if len(landed) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	return full(s.db.InTx(ctx, func(tx *db.Tx) error { return Write(ctx, tx, landed...) }))
}

// Land takes a whole file at once and puts it in its place, without a row. Size
// may be -1. Whether there is room Write asks once more. While the scanner does
// not answer it is Waiting, and Sweep asks again; one with a virus is an error,
// noted in a row of its own.
func (s *Store) Land(ctx context.Context, n New, r io.Reader) (Landed, error) {
	l, err := s.land(ctx, n, r)
	return l, full(err)
}

func (s *Store) land(ctx context.Context, n New, r io.Reader) (_ Landed, err error) {
	if n.Size == 0 {
		return Landed{}, fail.New(fail.Rejected, "attach.empty")
	}
	var left int64
	err = s.db.View(ctx, func(tx *db.Tx) error {
		left, err = n.room(ctx, tx, max(n.Size, 1))
		return err
	})
	if err != nil {
		return Landed{}, err
	}
	l := Landed{n.attachment(db.NewID(), s), n}
	release, _ := s.take(l.ID)
	defer release()
	f, err := os.OpenFile(s.incoming(l.ID), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Landed{}, fmt.Errorf("open an upload: %w", err)
	}
	defer func() {
		if err != nil || !l.Waiting() {
			_ = os.Remove(s.incoming(l.ID)) // where it is still there; Sweep removes what stays
		}
	}()
	defer closing(f, &err)
	lock(f) // nobody else knows the id
	t := &tally{Hash: sha256.New()}
	if err := s.pour(ctx, n, left, f, r, t); err != nil {
		return Landed{}, err
	}
	l.Size, l.Received = t.n, t.n
	// From here on the uploader may go away: all bytes are there.
	err = s.settleLanded(context.WithoutCancel(ctx), &l, f, hex.EncodeToString(t.Sum(nil)))
	return l, err
}

// settleLanded looks into a file whose bytes have all come, has it scanned and
// puts it in its place.
func (s *Store) settleLanded(ctx context.Context, l *Landed, f *os.File, hash string) error {
	kind, err := sniff(f, l.Size)
	if err != nil {
		return fmt.Errorf("look into an upload: %w", err)
	}
	virus, err := s.scan(ctx, f, l.Size)
	switch {
	case err != nil: // Waiting: Sweep asks again
		s.Log.WarnContext(ctx, "attachment not scanned, will be tried again", "attachment", l.ID, "err", err)
		now := s.now()
		if err := errors.Join(os.Chtimes(f.Name(), now, now), syncDir(s.incoming(""))); err != nil {
			return fmt.Errorf("keep an upload: %w", err)
		}
		return nil
	case virus != "":
		s.Log.WarnContext(ctx, "attachment infected", "attachment", l.ID, "virus", virus, "sha256", hash)
		l.State, l.Hash, l.ContentType = Infected, hash, kind
		if err := s.db.InTx(ctx, func(tx *db.Tx) error { return Write(ctx, tx, *l) }); err != nil {
			return err
		}
		return infected(l.Attachment)
	}
	if err := s.place(f.Name(), hash); err != nil {
		return err
	}
	l.State, l.Hash, l.ContentType = Ready, hash, kind
	return nil
}

// chunks are the buffers of uploads: many small files come at once.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// pour writes r to f, at most as much as is allowed, and flushes it.
func (s *Store) pour(ctx context.Context, n New, left int64, f *os.File, r io.Reader, t *tally) error {
	held := chunks.Get().(*[chunk]byte) // only these are put there
	defer chunks.Put(held)
	buf := held[:]
	for {
		got, end := r.Read(buf)
		total := t.n + int64(got)
		switch {
		case n.Size >= 0 && total > n.Size:
			return fail.New(fail.Rejected, "attach.more_than_announced", cleanName(n.Name))
		case total > n.Limits.orDefault().File:
			return fail.New(fail.TooLarge, "attach.too_large", n.Limits.orDefault().File/megabyte)
		case total > left:
			return n.noRoom(left)
		}
		if _, err := s.write(f, buf[:got]); err != nil {
			return fmt.Errorf("write an upload: %w", err)
		}
		t.Write(buf[:got]) // a hash takes everything
		t.n = total
		if end == nil {
			end = ctx.Err()
		}
		switch {
		case end == nil:
			continue
		case !errors.Is(end, io.EOF):
			return fmt.Errorf("read an upload: %w", end)
		case total == 0:
			return fail.New(fail.Rejected, "attach.empty")
		case n.Size >= 0 && total < n.Size:
			return fail.New(fail.Rejected, "attach.cut_short", cleanName(n.Name))
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("flush an upload: %w", err)
		}
		return nil
	}
}
