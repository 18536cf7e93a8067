package attach

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// maxTallies bounds the hashes kept in memory, about 200 bytes each. An upload
// whose hash was dropped is read again when whole.
const maxTallies = 1000

// tally is the hash of the first n bytes of an upload.
type tally struct {
	hash.Hash
	n int64
}

// tallyAt returns the hash of an upload's first n bytes, or nil when it is not
// in memory. It is the caller's until kept again, so a failed piece drops it.
func (s *Store) tallyAt(id string, n int64) *tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.sums[id]
	delete(s.sums, id)
	if n == 0 {
		return &tally{Hash: sha256.New()}
	}
	if t == nil || t.n != n {
		return nil
	}
	return t
}

func (s *Store) keepTally(id string, t *tally) {
	if t == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.sums {
		if len(s.sums) < maxTallies {
			break
		}
		delete(s.sums, other)
	}
	s.sums[id] = t
}

// sum returns the hash of a whole upload: the one kept while it came, or one
// read from the file when that was lost.
func (s *Store) sum(f io.ReaderAt, size int64, t *tally) (string, error) {
	if t == nil || t.n != size {
		t = &tally{Hash: sha256.New()}
		n, err := io.CopyBuffer(t.Hash, io.NewSectionReader(f, 0, size), make([]byte, chunk))
		if err != nil {
			return "", fmt.Errorf("read an upload: %w", err)
		}
		if n != size {
			return "", fmt.Errorf("read an upload: %d bytes instead of %d", n, size)
		}
	}
	return hex.EncodeToString(t.Sum(nil)), nil
}
