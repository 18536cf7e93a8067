package attach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// finish brings a whole upload from incoming to ready, in the order that the
// package's comment promises. f is its file, flushed.
//
// It does not stop when the uploader goes away. A scanner that does not answer
// is no error: the attachment is Waiting, and Sweep asks again.
func (s *Store) finish(ctx context.Context, a Attachment, f *os.File, hash string) (Attachment, error) {
	ctx = context.WithoutCancel(ctx)
	kind, err := sniff(f, a.Size)
	if err != nil {
		return a, fmt.Errorf("look into an upload: %w", err)
	}
	virus, err := s.scan(ctx, f, a.Size)
	if err != nil {
		s.Log.WarnContext(ctx, "attachment not scanned, will be tried again", "attachment", a.ID, "err", err)
		return a, nil
	}
	if virus != "" {
		return s.quarantine(ctx, a, hash, kind, virus)
	}
	if err := s.claim(ctx, &a, hash, kind); err != nil {
		return a, err
	}
	if err := s.place(f.Name(), hash); err != nil {
		return a, err
	}
	err = s.ready(ctx, &a)
	return a, err
}

// claim writes the hash into the row, so that from now on Sweep leaves a blob
// of that hash alone.
func (s *Store) claim(ctx context.Context, a *Attachment, hash, kind string) error {
	return s.update(ctx, func(ctx context.Context, tx *db.Tx) error {
		return one(tx.ExecContext(ctx, `
			UPDATE attachments SET hash = $1, content_type = $2
			WHERE  id = $3 AND state = 'uploading'`, hash, kind, a.ID))
	}, func() { a.Hash, a.ContentType = hash, kind })
}

// ready says that the bytes are in their place. Another node may have said it
// already.
func (s *Store) ready(ctx context.Context, a *Attachment) error {
	return s.update(ctx, func(ctx context.Context, tx *db.Tx) error {
		return one(tx.ExecContext(ctx, `
			UPDATE attachments SET state = 'ready'
			WHERE  id = $1 AND state IN ('uploading', 'ready') AND hash = $2`, a.ID, a.Hash))
	}, func() { a.State = Ready })
}

// quarantine notes a virus and deletes the bytes.
func (s *Store) quarantine(ctx context.Context, a Attachment, hash, kind, virus string) (Attachment, error) {
	s.Log.WarnContext(ctx, "attachment infected", "attachment", a.ID, "virus", virus, "sha256", hash)
	err := s.update(ctx, func(ctx context.Context, tx *db.Tx) error {
		return one(tx.ExecContext(ctx, `
			UPDATE attachments SET state = 'infected', hash = $1, content_type = $2
			WHERE  id = $3 AND state = 'uploading'`, hash, kind, a.ID))
	}, func() { a.State, a.Hash, a.ContentType = Infected, hash, kind })
	if err != nil {
		return a, err
	}
	if err := os.Remove(s.incoming(a.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.ErrorContext(ctx, "infected bytes not deleted", "attachment", a.ID, "err", err)
	}
	return a, infected(a)
}

// settle goes on with an upload whose bytes have all come, wherever it
// stopped. The caller has taken it.
func (s *Store) settle(ctx context.Context, a Attachment) (_ Attachment, err error) {
	f, err := os.OpenFile(s.incoming(a.ID), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return s.settlePlaced(ctx, a)
	}
	if err != nil {
		return a, fmt.Errorf("open an upload: %w", err)
	}
	defer closing(f, &err)
	if !lock(f) {
		return a, fail.New(fail.Conflict, "attach.busy")
	}
	if a, err = s.fresh(ctx, a.ID); err != nil || !a.Waiting() {
		return a, err
	}
	info, err := f.Stat()
	if err != nil {
		return a, fmt.Errorf("read an upload: %w", err)
	}
	if info.Size() < a.Size {
		return s.lost(ctx, a, info.Size())
	}
	if err := f.Truncate(a.Size); err != nil {
		return a, fmt.Errorf("cut an upload: %w", err)
	}
	sum, err := s.sum(f, a.Size, nil)
	if err != nil {
		return a, err
	}
	a, err = s.finish(ctx, a, f, sum)
	return a, full(err)
}

// settlePlaced goes on with an upload that is no longer in incoming: it was
// put in its place, after which only the row was left to say so.
func (s *Store) settlePlaced(ctx context.Context, a Attachment) (Attachment, error) {
	a, err := s.fresh(ctx, a.ID) // the hash was written before the file went
	if err != nil || !a.Waiting() {
		return a, err
	}
	if isHash(a.Hash) {
		info, err := os.Stat(s.blob(a.Hash))
		if err == nil && info.Size() == a.Size {
			err := s.ready(ctx, &a)
			return a, err
		}
	}
	return s.lost(ctx, a, 0)
}

// lost notes that the disk has fewer bytes than it promised. The uploader can
// go on from there.
func (s *Store) lost(ctx context.Context, a Attachment, left int64) (Attachment, error) {
	s.Log.ErrorContext(ctx, "upload lost bytes", "attachment", a.ID, "received", a.Received, "left", left)
	if err := s.rewind(ctx, &a, left); err != nil {
		return a, err
	}
	return a, wrongOffset(a)
}
