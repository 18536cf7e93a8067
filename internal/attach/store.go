package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// Store keeps the bytes in a folder and the rows in the database. It is safe
// for concurrent use.
type Store struct {
	Scanner Scanner      // Off at first: whoever starts the hub should say so
	Log     *slog.Logger // slog.Default at first

	db  *db.DB
	dir string
	now func() time.Time

	write     func(f *os.File, p []byte) (int, error) // File.Write; tests make disks full
	flushEach int64

	mu    sync.Mutex
	busy  map[string]bool   // uploads that somebody appends to
	sums  map[string]*tally // hashes of uploads that are under way
	blobs sync.RWMutex      // held for reading while a blob is put in place, for writing while one is deleted
}

// Open returns the store whose bytes are under dir, which is made if needed.
func Open(d *db.DB, dir string, now func() time.Time) (*Store, error) {
	s := newStore(d, dir, now)
	for _, sub := range []string{"incoming", "trash"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the attachments' folder: %w", err)
		}
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return s, nil
}

// Look returns the store whose bytes are under dir for Check and CheckDeep only: it
// makes nothing in the folder.
func Look(d *db.DB, dir string) *Store { return newStore(d, dir, time.Now) }

func newStore(d *db.DB, dir string, now func() time.Time) *Store {
	return &Store{
		Scanner: Off{}, Log: slog.Default(), db: d, dir: dir, now: now,
		write: (*os.File).Write, flushEach: flushEach, busy: map[string]bool{}, sums: map[string]*tally{},
	}
}

func (s *Store) incoming(id string) string { return filepath.Join(s.dir, "incoming", id) }
func (s *Store) trash(hash string) string  { return filepath.Join(s.dir, "trash", hash) }
func (s *Store) blob(hash string) string   { return filepath.Join(s.dir, hash[:2], hash[2:]) }

// take makes the caller the only one on this node that touches an upload.
func (s *Store) take(id string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[id] {
		return nil, false
	}
	s.busy[id] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, id)
	}, true
}

// Content opens a ready attachment's bytes. The caller closes them.
func (s *Store) Content(_ context.Context, a Attachment) (io.ReadSeekCloser, error) {
	switch {
	case a.State == Infected:
		return nil, infected(a)
	case a.State == Uploading:
		return nil, fail.New(fail.Conflict, "attach.not_ready", a.Name)
	case a.State != Ready || !isHash(a.Hash):
		return nil, errNotFound
	}
	f, err := os.Open(s.blob(a.Hash))
	if err != nil {
		return nil, fmt.Errorf("open attachment %s: %w", a.ID, err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() != a.Size {
		err = fmt.Errorf("%d bytes instead of %d", info.Size(), a.Size)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open attachment %s: %w", a.ID, err), f.Close())
	}
	return f, nil
}

// Remove takes an attachment away in the caller's transaction. Its bytes go at
// a later Sweep, when no other attachment has the same.
//
// What a sealed submission, a sent message or a decision names must stay: that
// is for the caller to know. The error is NotFound when it is not there.
func (s *Store) Remove(ctx context.Context, tx *db.Tx, id string) error {
	return s.drop(ctx, tx, id, `UPDATE attachments SET state = 'removed' WHERE id = $1 AND state <> 'removed'`)
}

// RemoveFrom takes away those of the attachments that are the matter's own. One
// that is not there, or not there any more, is no error.
func RemoveFrom(ctx context.Context, tx *db.Tx, matter string, ids ...string) error {
	for _, id := range ids {
		_, err := tx.ExecContext(ctx, `UPDATE attachments SET state = 'removed' WHERE id = $1 AND matter_id = $2 AND state <> 'removed'`, id, matter)
		if err != nil {
			return fmt.Errorf("remove attachment: %w", err)
		}
	}
	return nil
}

// RemoveAll takes away all attachments of a project's matter, "" for its common
// data, and tells how many they were.
func RemoveAll(ctx context.Context, tx *db.Tx, project, matter string) (int64, error) {
	n, err := tx.ExecContext(ctx, `UPDATE attachments SET state = 'removed' WHERE project_id = $1 AND matter_id = $2 AND state <> 'removed'`, project, matter)
	if err != nil {
		return 0, fmt.Errorf("remove attachments: %w", err)
	}
	return n, nil
}

// Cancel gives up an upload that is not whole yet, or not yet scanned. The
// error is NotFound when there is none.
func (s *Store) Cancel(ctx context.Context, tx *db.Tx, id string) error {
	return s.drop(ctx, tx, id, `UPDATE attachments SET state = 'removed' WHERE id = $1 AND state = 'uploading'`)
}

func (s *Store) drop(ctx context.Context, tx *db.Tx, id, update string) error {
	n, err := tx.ExecContext(ctx, update, id)
	if err != nil {
		return fmt.Errorf("remove attachment: %w", err)
	}
	if n == 0 {
		return errNotFound
	}
	return nil
}

// place moves a whole file to where its hash says, and returns when that is
// durable. A blob with the same bytes may be there: then it is made anew, which
// also heals one that was damaged.
func (s *Store) place(from, hash string) error {
	s.blobs.RLock()
	defer s.blobs.RUnlock()
	to := s.blob(hash)
	folder := filepath.Dir(to)
	if err := os.Mkdir(folder, 0o700); err == nil {
		if err := syncDir(s.dir); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a folder for a blob: %w", err)
	}
	now := s.now()
	if err := os.Chtimes(from, now, now); err != nil { // young, so that no Sweep takes it for an orphan
		return fmt.Errorf("put a blob in place: %w", err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("put a blob in place: %w", err)
	}
	return syncDir(folder)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush folder: %w", err)
	}
	if err := errors.Join(flushDir(f), f.Close()); err != nil {
		return fmt.Errorf("flush folder: %w", err)
	}
	return nil
}

// full turns a disk without room into what a person may be told.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || db.IsFull(err) {
		return fail.New(fail.Unavailable, "error.disk_full")
	}
	return err
}

func isHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
