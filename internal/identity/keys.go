package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity/pic"
)

// The rings of keys, as lines of the key file begin.
const (
	SealRing = "seal"
	FindRing = "find"
)

// A KeyUse is how much needs a key.
type KeyUse struct {
	Ring string // SealRing or FindRing
	Key  string // its id, "" for what no key made
	// Rows stay until they are rotated: of people, and of those they act for.
	Rows int64
	// Passing run out by themselves, sessions within ten hours of their last
	// change of role, sign-ins under way within half an hour.
	Passing int64
}

// KeyUses counts what needs which key, ring by ring.
func KeyUses(ctx context.Context, tx *db.Tx, now time.Time) ([]KeyUse, error) {
	uses := map[[2]string]*KeyUse{}
	use := func(ring, key string) *KeyUse {
		at := [2]string{ring, key}
		if uses[at] == nil {
			uses[at] = &KeyUse{Ring: ring, Key: key}
		}
		return uses[at]
	}
	for _, h := range holders {
		for ring, column := range map[string]string{SealRing: "sealed", FindRing: "found_by"} {
			err := countKeys(ctx, tx, column, h.table, func(key string, n int64) { use(ring, key).Rows += n })
			if err != nil {
				return nil, err
			}
		}
	}
	for _, column := range []string{"memo", "answer"} {
		since := db.Millis(now.Add(-2 * attemptLife)) // to answer, then to collect
		err := countKeys(ctx, tx, column, `attempts WHERE `+column+` <> '' AND used_at = 0 AND began_at > $1`, func(key string, n int64) { use(SealRing, key).Passing += n }, since)
		if err != nil {
			return nil, err
		}
	}
	err := sessionKeys(ctx, tx, now, func(key string) { use(SealRing, key).Passing++ })
	if err != nil {
		return nil, err
	}
	all := make([]KeyUse, 0, len(uses))
	for _, u := range uses {
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b KeyUse) int { return strings.Compare(b.Ring+" "+b.Key, a.Ring+" "+a.Key) })
	return all, nil
}

// countKeys counts a column by the ids of the keys, in words that both engines
// know: neither has the other's function that finds a character.
func countKeys(ctx context.Context, tx *db.Tx, column, from string, add func(key string, n int64), args ...any) error {
	var id strings.Builder
	for n := 1; n <= pic.MaxID; n++ {
		fmt.Fprintf(&id, " WHEN substr(%[1]s, %[2]d, 1) = '.' THEN substr(%[1]s, 1, %[3]d)", column, n+1, n)
	}
	rows, err := tx.QueryContext(ctx, `SELECT CASE`+id.String()+` ELSE '' END, COUNT(*) FROM `+from+` GROUP BY 1`, args...)
	if err != nil {
		return fmt.Errorf("count what needs a key: %w", err)
	}
	return rows.Each(func() error {
		var key string
		var n int64
		err := rows.Scan(&key, &n)
		add(pic.KeyOf(key+"."), n)
		return err
	})
}

// sessionKeys tells the keys of what live sessions keep sealed.
func sessionKeys(ctx context.Context, tx *db.Tx, now time.Time, add func(key string)) error {
	rows, err := tx.QueryContext(ctx, `SELECT data FROM sessions WHERE expiry > $1 AND ended = 0`, db.Millis(now))
	if err != nil {
		return fmt.Errorf("count what sessions need a key for: %w", err)
	}
	return rows.Each(func() error {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		_, values, err := codec{}.Decode(data)
		for _, name := range []string{"provider", "mandate"} {
			if sealed, _ := values[name].(string); sealed != "" {
				add(pic.KeyOf(sealed))
			}
		}
		return err
	})
}
