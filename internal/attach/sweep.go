package attach

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
)

const (
	// abandonAfter is how long an upload may rest before it is given up.
	abandonAfter = 7 * 24 * time.Hour
	// young files may belong to something that is under way.
	young = 24 * time.Hour
)

// Swept tells what a Sweep did.
type Swept struct {
	Finished  int      // whole uploads that became ready
	Infected  int      // whole uploads in which a virus was found
	Waiting   int      // whole uploads that are still not scanned
	Abandoned int      // uploads given up after seven days of rest
	Partials  int      // files of uploads that are no more
	Blobs     int      // blobs that no attachment named
	Missing   []string // ready attachments whose bytes are not there: a backup is needed
}

// Sweep tidies up: it finishes what a stop or a silent scanner left whole,
// gives up abandoned uploads, and deletes the bytes that nobody needs. It may
// run at any time and on several nodes at once. What fails is told at the end
// and tried again the next time.
func (s *Store) Sweep(ctx context.Context) (Swept, error) {
	var done Swept
	var errs []error
	for _, step := range []func(context.Context, *Swept) error{
		s.sweepUploads, s.sweepIncoming, s.sweepTrash, s.sweepBlobs, s.sweepMissing,
	} {
		errs = append(errs, step(ctx, &done))
	}
	if len(done.Missing) > 0 {
		s.Log.ErrorContext(ctx, "attachments without their bytes", "attachments", done.Missing)
	}
	return done, errors.Join(errs...)
}

// each calls fn with all attachments in a state, a page at a time.
func (s *Store) each(ctx context.Context, state State, fn func(Attachment) error) error {
	for last := ""; ; {
		var part []Attachment
		err := s.db.View(ctx, func(tx *db.Tx) error {
			rows, err := tx.QueryContext(ctx, `
				SELECT `+columns+` FROM attachments
				WHERE  state = $1 AND id > $2
				ORDER BY id LIMIT $3`, string(state), last, page)
			if err != nil {
				return err
			}
			return rows.Each(func() error {
				a, err := scanRow(rows.Scan)
				part = append(part, a)
				return err
			})
		})
		if err != nil {
			return fmt.Errorf("read attachments: %w", err)
		}
		for _, a := range part {
			if err := fn(a); err != nil {
				return err
			}
		}
		if len(part) < page {
			return nil
		}
		last = part[len(part)-1].ID
	}
}

func (s *Store) sweepUploads(ctx context.Context, done *Swept) error {
	var errs []error
	err := s.each(ctx, Uploading, func(a Attachment) error {
		errs = append(errs, s.sweepUpload(ctx, a, done))
		return ctx.Err()
	})
	return errors.Join(append(errs, err)...)
}

func (s *Store) sweepUpload(ctx context.Context, a Attachment, done *Swept) error {
	release, ok := s.take(a.ID)
	if !ok {
		return nil
	}
	defer release()
	a, err := s.fresh(ctx, a.ID) // it may have gone on since it was listed
	if fail.Is(err, fail.NotFound) || err == nil && a.State != Uploading {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Waiting() {
		return s.sweepWaiting(ctx, a, done)
	}
	last := a.CreatedAt
	if info, err := os.Stat(s.incoming(a.ID)); err == nil && info.ModTime().After(last) {
		last = info.ModTime()
	}
	if s.now().Sub(last) < abandonAfter {
		return nil
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		return one(tx.ExecContext(ctx, `
			UPDATE attachments SET state = 'removed'
			WHERE  id = $1 AND state = 'uploading' AND received = $2`, a.ID, a.Received))
	})
	switch {
	case fail.Is(err, fail.Conflict):
		return nil // it goes on after all
	case err != nil:
		return err
	}
	done.Abandoned++
	return nil
}

func (s *Store) sweepWaiting(ctx context.Context, a Attachment, done *Swept) error {
	a, err := s.settle(ctx, a)
	switch {
	case a.State == Ready:
		done.Finished++
	case a.State == Infected:
		done.Infected++
		return nil
	case fail.Is(err, fail.Conflict):
		return nil // somebody else was quicker, or its bytes must come anew
	case err == nil:
		done.Waiting++
	}
	return err
}

// sweepIncoming deletes the files of uploads that are no more.
func (s *Store) sweepIncoming(ctx context.Context, done *Swept) error {
	return names(filepath.Join(s.dir, "incoming"), func(part []string) error {
		live := map[string]bool{}
		err := s.db.View(ctx, func(tx *db.Tx) error {
			return column(ctx, tx, live, `SELECT id FROM attachments WHERE id IN (`+db.In(0, len(part))+`) AND state = 'uploading'`, part)
		})
		if err != nil {
			return err
		}
		for _, id := range part {
			if live[id] {
				continue
			}
			gone, err := s.dropPartial(ctx, id)
			if err != nil {
				return err
			}
			if gone {
				done.Partials++
			}
		}
		return nil
	})
}

// dropPartial deletes the file of an upload, unless somebody is at it. A young
// file without a row may be a Put whose row comes later.
func (s *Store) dropPartial(ctx context.Context, id string) (gone bool, err error) {
	release, ok := s.take(id)
	if !ok {
		return false, nil
	}
	defer release()
	f, err := os.OpenFile(s.incoming(id), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("sweep uploads: %w", err)
	}
	defer closing(f, &err)
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("sweep uploads: %w", err)
	}
	state := ""
	err = s.db.View(ctx, func(tx *db.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT state FROM attachments WHERE id = $1`, id).Scan(&state)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return false, fmt.Errorf("sweep uploads: %w", err)
	case State(state) == Uploading, state == "" && s.now().Sub(info.ModTime()) < young, !lock(f):
		return false, nil
	}
	if err := os.Remove(f.Name()); err != nil {
		return false, fmt.Errorf("sweep uploads: %w", err)
	}
	s.mu.Lock()
	delete(s.sums, id)
	s.mu.Unlock()
	return true, nil
}

// sweepTrash ends what an earlier Sweep did not.
func (s *Store) sweepTrash(ctx context.Context, done *Swept) error {
	return names(filepath.Join(s.dir, "trash"), func(part []string) error {
		for _, hash := range part {
			if !isHash(hash) {
				continue
			}
			if err := s.burn(ctx, hash, done); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepBlobs deletes the blobs that no row names.
func (s *Store) sweepBlobs(ctx context.Context, done *Swept) error {
	return s.eachBlob(func(part []string) error {
		named, err := s.named(ctx, part)
		if err != nil {
			return err
		}
		for _, hash := range part {
			if named[hash] {
				continue
			}
			if err := s.discard(ctx, hash, done); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// discard deletes a blob by way of the trash: another node may put the same
// content in place and name it just now, and then it is put back.
func (s *Store) discard(ctx context.Context, hash string, done *Swept) error {
	s.blobs.Lock()
	defer s.blobs.Unlock()
	info, err := os.Stat(s.blob(hash))
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.now().Sub(info.ModTime()) < young {
		return nil
	}
	if err == nil {
		err = os.Rename(s.blob(hash), s.trash(hash))
	}
	if err != nil {
		return fmt.Errorf("sweep blobs: %w", err)
	}
	return s.burn(ctx, hash, done)
}

// burn deletes a blob that is in the trash, or puts it back: if a row names it,
// or if the same content was put in place again before it came to the trash,
// for its row may still be to come.
func (s *Store) burn(ctx context.Context, hash string, done *Swept) error {
	named, err := s.named(ctx, []string{hash})
	if err != nil {
		return err
	}
	info, err := os.Stat(s.trash(hash))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sweep blobs: %w", err)
	}
	if wanted := err == nil && s.now().Sub(info.ModTime()) < young; named[hash] || wanted {
		if _, err := os.Stat(s.blob(hash)); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(s.trash(hash), s.blob(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("put a blob back: %w", err)
			}
			return syncDir(filepath.Dir(s.blob(hash)))
		}
	}
	switch err := os.Remove(s.trash(hash)); {
	case errors.Is(err, fs.ErrNotExist): // another node was quicker
	case err != nil:
		return fmt.Errorf("sweep blobs: %w", err)
	case !named[hash]:
		done.Blobs++
	}
	return nil
}

func (s *Store) sweepMissing(ctx context.Context, done *Swept) error {
	return s.each(ctx, Ready, func(a Attachment) error {
		if _, err := os.Stat(s.blobOf(a)); errors.Is(err, fs.ErrNotExist) {
			done.Missing = append(done.Missing, a.ID)
		}
		return ctx.Err()
	})
}

// blobOf is where an attachment's bytes should be.
func (s *Store) blobOf(a Attachment) string {
	if !isHash(a.Hash) {
		return filepath.Join(s.dir, "no hash")
	}
	return s.blob(a.Hash)
}

// named tells which of the hashes a row needs.
func (s *Store) named(ctx context.Context, hashes []string) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.db.View(ctx, func(tx *db.Tx) error {
		return column(ctx, tx, out, `
			SELECT DISTINCT hash FROM attachments
			WHERE  hash IN (`+db.In(0, len(hashes))+`) AND state IN ('uploading', 'ready')`, hashes)
	})
	return out, err
}

// column adds the one column of a query to set.
func column(ctx context.Context, tx *db.Tx, set map[string]bool, query string, args []string) error {
	rows, err := tx.QueryContext(ctx, query, anys(args)...)
	if err != nil {
		return fmt.Errorf("read attachments: %w", err)
	}
	return rows.Each(func() error {
		var v string
		err := rows.Scan(&v)
		set[v] = true
		return err
	})
}

// names calls fn with the names in a folder, a page at a time.
func names(dir string, fn func([]string) error) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("list attachments: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	for {
		part, err := f.Readdirnames(page)
		if len(part) > 0 {
			if err := fn(part); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list attachments: %w", err)
		}
	}
}

// eachBlob calls fn with the hashes of all blobs, a page at a time.
func (s *Store) eachBlob(fn func([]string) error) error {
	for i := range 256 {
		head := hex.EncodeToString([]byte{byte(i)})
		dir := filepath.Join(s.dir, head)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		err := names(dir, func(part []string) error {
			var hashes []string
			for _, rest := range part {
				if isHash(head + rest) {
					hashes = append(hashes, head+rest)
				}
			}
			if len(hashes) == 0 {
				return nil
			}
			return fn(hashes)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Report tells how the rows and the bytes agree.
type Report struct {
	Attachments int      // ready ones
	Blobs       int      // on disk
	Bytes       int64    // of the blobs
	Missing     []string // ids of ready attachments whose bytes are not there
	Damaged     []string // ids of ready attachments whose bytes have another size or, in a deep check, another hash
	Orphans     []string // hashes of blobs that no attachment names: Sweep deletes them
}

// OK tells whether every attachment has its bytes. Orphans only cost room.
func (r Report) OK() bool { return len(r.Missing) == 0 && len(r.Damaged) == 0 }

// Check compares rows with files, by size.
func (s *Store) Check(ctx context.Context) (Report, error) { return s.check(ctx, false) }

// CheckDeep is Check that also reads every byte and compares the hashes.
func (s *Store) CheckDeep(ctx context.Context) (Report, error) { return s.check(ctx, true) }

func (s *Store) check(ctx context.Context, deep bool) (Report, error) {
	var r Report
	err := s.each(ctx, Ready, func(a Attachment) error {
		r.Attachments++
		info, err := os.Stat(s.blobOf(a))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.Missing = append(r.Missing, a.ID)
		case err != nil:
			return fmt.Errorf("check attachment %s: %w", a.ID, err)
		case info.Size() != a.Size:
			r.Damaged = append(r.Damaged, a.ID)
		case deep:
			sum, err := hashFile(s.blob(a.Hash))
			if err != nil {
				return fmt.Errorf("check attachment %s: %w", a.ID, err)
			}
			if sum != a.Hash {
				r.Damaged = append(r.Damaged, a.ID)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return r, err
	}
	err = s.eachBlob(func(part []string) error {
		named, err := s.named(ctx, part)
		if err != nil {
			return err
		}
		for _, hash := range part {
			info, err := os.Stat(s.blob(hash))
			if err != nil {
				continue // swept meanwhile
			}
			r.Blobs++
			r.Bytes += info.Size()
			if !named[hash] {
				r.Orphans = append(r.Orphans, hash)
			}
		}
		return ctx.Err()
	})
	return r, err
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.CopyBuffer(h, f, make([]byte, chunk)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
