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

// Put takes a whole file at once, as a form without JavaScript sends it. Size
// may be -1. It ends like Append; nothing is kept of a file that breaks off.
//
// The bytes are in their place and durable before the row is written, once and
// ready: one commit.
func (s *Store) Put(ctx context.Context, n New, r io.Reader) (Attachment, error) {
	a, err := s.put(ctx, n, r)
	return a, full(err)
}

func (s *Store) put(ctx context.Context, n New, r io.Reader) (_ Attachment, err error) {
	known := n.Size
	if known == 0 {
		return Attachment{}, fail.New(fail.Rejected, "attach.empty")
	}
	var left int64
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if left, err = n.left(ctx, tx); err != nil {
			return err
		}
		return n.room(ctx, tx, max(known, 1))
	})
	if err != nil {
		return Attachment{}, err
	}
	a := n.attachment(db.NewID(), s)
	release, _ := s.take(a.ID)
	defer release()
	f, err := os.OpenFile(s.incoming(a.ID), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Attachment{}, fmt.Errorf("open an upload: %w", err)
	}
	kept := false // a row names the file in incoming: it is Sweep's to remove
	defer func() {
		if !kept {
			_ = os.Remove(s.incoming(a.ID)) // Sweep removes what stays
		}
	}()
	defer closing(f, &err)
	lock(f) // nobody else knows the id
	t := &tally{Hash: sha256.New()}
	if err := s.pour(ctx, n, left, f, r, t); err != nil {
		return Attachment{}, err
	}
	a.Size, a.Received = t.n, t.n
	// From here on the uploader may go away: all bytes are there.
	still := context.WithoutCancel(ctx)
	write := func() error {
		return s.db.InTx(still, func(tx *db.Tx) error {
			if err := n.room(still, tx, a.Size); err != nil {
				return err
			}
			return insert(still, tx, a)
		})
	}
	if a.ContentType, err = sniff(f, a.Size); err != nil {
		return Attachment{}, fmt.Errorf("look into an upload: %w", err)
	}
	hash := hex.EncodeToString(t.Sum(nil))
	virus, err := s.scan(still, f, a.Size)
	switch {
	case err != nil: // Waiting: Sweep asks again
		s.Log.WarnContext(ctx, "attachment not scanned, will be tried again", "attachment", a.ID, "err", err)
		now := s.now()
		if err := errors.Join(os.Chtimes(f.Name(), now, now), syncDir(s.incoming(""))); err != nil {
			return Attachment{}, fmt.Errorf("keep an upload: %w", err)
		}
		a.ContentType = ""
		if err := write(); err != nil {
			return Attachment{}, err
		}
		kept = true
		return a, nil
	case virus != "":
		s.Log.WarnContext(ctx, "attachment infected", "attachment", a.ID, "virus", virus, "sha256", hash)
		a.State, a.Hash = Infected, hash
		if err := write(); err != nil {
			return Attachment{}, err
		}
		return a, infected(a)
	}
	if err := s.place(f.Name(), hash); err != nil {
		return Attachment{}, err
	}
	a.State, a.Hash = Ready, hash
	if err := write(); err != nil { // the blob has no row then, and is Sweep's when no longer young
		return Attachment{}, err
	}
	return a, nil
}

// chunks are the buffers of uploads: many small files come at once.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// pour writes r to f, at most as much as is allowed, and flushes it.
func (s *Store) pour(ctx context.Context, n New, left int64, f *os.File, r io.Reader, t *tally) error {
	held := chunks.Get().(*[chunk]byte) //nolint:errcheck // only these are put there
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
		t.Write(buf[:got]) //nolint:errcheck // a hash takes everything
		t.n = total
		if end == nil {
			end = ctx.Err()
		}
		switch {
		case end == nil:
			continue
		case end != io.EOF:
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
