package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"luvat/internal/db"
	"luvat/internal/identity/pic"
)

// rotatePage is how many rows are renewed in one transaction: SQLite's only
// writer is never held for longer than those take.
const rotatePage = 200

// A holder is a table that keeps identifiers for good: each sealed for its own
// row, and found by the keyed hash of what was sealed. Sessions and sign-ins
// under way are sealed too, but run out by themselves.
type holder struct {
	table string
	known string // what of the identifier is public: SQL
}

var holders = []holder{{"identifiers", "''"}, {"principals", "business_id"}}

// Rotated is what a pass over the identifiers did. It has counts and the ids of
// keys and rows, and nothing of whom they are about.
type Rotated struct {
	Renewed int64
	// NoKey counts what was left alone because the key that sealed it is not
	// there, by that key's id.
	NoKey map[string]int64
	// Broken names the rows whose text does not open though its key is there: the
	// id is another key's by now, or the row was changed.
	Broken []string
	// Twice names the rows that keep an older key's hash because another row has
	// the newest one's of the same identifier: somebody came in anew by a hub that
	// did not have the key, and is two people since.
	Twice []string
}

// Rotate seals anew what another key than the newest sealed, and hashes anew
// what another key than the newest finds, page by page. What cannot be renewed
// stays as it is.
//
// It may be called at any time and by any node, and be interrupted anywhere: a
// row is renewed only if it still is as it was read, hash and text together, and
// a sign-in finds it by either hash. A row whose hash is of a lost key but whose
// text opens can be found again afterwards.
func Rotate(ctx context.Context, d *db.DB, v *pic.Vault) (Rotated, error) {
	done := Rotated{NoKey: map[string]int64{}}
	for _, h := range holders {
		for after := ""; ; {
			next, err := h.page(ctx, d, v, after, &done)
			if err != nil {
				return done, fmt.Errorf("rotate the keys of %s: %w", h.table, err)
			}
			if next == "" {
				break
			}
			after = next
		}
	}
	return done, nil
}

// keyed is a row as it was read, and what it is to become.
type keyed struct {
	id, kind, found, sealed, known string
	newFound, newSealed            string
}

// page renews what is stale of the next rows after the id, and returns the last
// row's id, "" when there are no more.
func (h holder) page(ctx context.Context, d *db.DB, v *pic.Vault, after string, done *Rotated) (next string, err error) {
	var stale []*keyed
	err = d.View(ctx, func(tx *db.Tx) error {
		stale, err = h.stale(ctx, tx, v, after)
		return err
	})
	if err != nil || len(stale) == 0 {
		return "", err
	}
	var renewed []*keyed
	for _, k := range stale { // beside all others, before the writer's turn
		if k.renew(v, done) {
			renewed = append(renewed, k)
		}
	}
	next = stale[len(stale)-1].id
	if len(renewed) == 0 {
		return next, nil
	}
	for try := 0; ; try++ {
		var n int64
		var twice []string
		err = d.InTx(ctx, func(tx *db.Tx) error {
			n, twice = 0, nil // InTx may call again
			for _, k := range renewed {
				if err := h.write(ctx, tx, k, &n, &twice); err != nil {
					return err
				}
			}
			return nil
		})
		if db.IsUnique(err) && try < 3 {
			continue // written between our look and our write: the next look sees it
		}
		if err != nil {
			return "", err
		}
		done.Renewed, done.Twice = done.Renewed+n, append(done.Twice, twice...)
		return next, nil
	}
}

func (h holder) stale(ctx context.Context, tx *db.Tx, v *pic.Vault, after string) (all []*keyed, err error) {
	encrypt, find := v.IDs()
	seal, hash := encrypt[0]+".", find[0]+"."
	rows, err := tx.QueryContext(ctx, `
		SELECT id, kind, found_by, sealed, `+h.known+` FROM `+h.table+`
		WHERE  id > $1 AND (substr(found_by, 1, $2) <> $3 OR substr(sealed, 1, $4) <> $5)
		ORDER BY id LIMIT $6`, after, len(hash), hash, len(seal), seal, rotatePage)
	if err != nil {
		return nil, err
	}
	err = rows.Each(func() error {
		k := &keyed{}
		all = append(all, k)
		return rows.Scan(&k.id, &k.kind, &k.found, &k.sealed, &k.known)
	})
	return all, err
}

// renew makes what the row is to become, or notes why it cannot be.
func (k *keyed) renew(v *pic.Vault, done *Rotated) bool {
	plain, err := v.Open(k.sealed, k.id)
	if err != nil && k.known != "" {
		plain, err = k.known, nil
	}
	switch {
	case errors.Is(err, pic.ErrNoKey):
		done.NoKey[pic.KeyOf(k.sealed)]++
		return false
	case err != nil || plain == "":
		done.Broken = append(done.Broken, k.id)
		return false
	}
	if k.newSealed, err = v.Seal(plain, k.id); err != nil {
		done.Broken = append(done.Broken, k.id)
		return false
	}
	k.newFound = v.Hash(plain)
	return true
}

// write renews a row that still is as it was read: if not, a sign-in or another
// node has renewed it.
func (h holder) write(ctx context.Context, tx *db.Tx, k *keyed, n *int64, twice *[]string) error {
	found := k.newFound
	if found != k.found {
		var others int64
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+h.table+` WHERE kind = $1 AND found_by = $2 AND id <> $3`, k.kind, found, k.id).Scan(&others)
		if err != nil {
			return err
		}
		if others > 0 {
			*twice = append(*twice, k.id)
			found = k.found
		}
	}
	changed, err := tx.ExecContext(ctx, `UPDATE `+h.table+` SET found_by = $1, sealed = $2 WHERE id = $3 AND found_by = $4 AND sealed = $5`,
		found, k.newSealed, k.id, k.found, k.sealed)
	*n += changed
	return err
}

// Verified is what Verify found: how many rows there are, and the ids of those
// that are wrong.
type Verified struct {
	Rows   int64
	Broken []string
}

// Verify opens every row whose keys are there, and hashes it: whether a key of the
// file is the one that made the row, its id alone does not say.
func Verify(ctx context.Context, d *db.DB, v *pic.Vault) (r Verified, err error) {
	for _, h := range holders {
		err := d.View(ctx, func(tx *db.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT id, found_by, sealed FROM `+h.table+` ORDER BY id`)
			if err != nil {
				return err
			}
			return rows.Each(func() error {
				var k keyed
				err := rows.Scan(&k.id, &k.found, &k.sealed)
				r.Rows++
				if !k.holds(v) {
					r.Broken = append(r.Broken, k.id)
				}
				return err
			})
		})
		if err != nil {
			return r, fmt.Errorf("verify %s: %w", h.table, err)
		}
	}
	return r, nil
}

// holds tells whether the row is found by the hash of what it seals, as far as
// the keys are there to tell.
func (k keyed) holds(v *pic.Vault) bool {
	_, find := v.IDs()
	plain, err := v.Open(k.sealed, k.id)
	switch {
	case errors.Is(err, pic.ErrNoKey):
		return true // counted by its key
	case err != nil:
		return false
	}
	return !slices.Contains(find, pic.KeyOf(k.found)) || slices.Contains(v.Hashes(plain), k.found)
}
