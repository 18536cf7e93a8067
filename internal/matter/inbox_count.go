package matter

import (
	"context"
	"fmt"
	"strings"

	"luvat/internal/db"
	"luvat/internal/identity"
)

// MostCounted is how far the matters of a bucket are counted.
const MostCounted = 50

// counted are the buckets that are counted, in the order of countQuery: what
// waits on the officer and the authority. Counting all took a quarter of the
// inbox's time.
var counted = []Bucket{OnMe, OnAuthority}

// inboxCounts counts what the officer may see in the buckets that wait here:
// MostCounted at most, and one more where there are more. Like the inbox
// it reads by the indexes, and from them alone: 51 matters of each bucket at most,
// whatever the size of the table.
func inboxCounts(ctx context.Context, tx *db.Tx, who identity.Officer, offers []string) (map[Bucket]int, error) {
	n := make([]int64, len(counted))
	into := make([]any, len(counted))
	for i := range n {
		into[i] = &n[i]
	}
	text, args := countQuery(who, offers)
	if err := tx.QueryRowContext(ctx, text, args...).Scan(into...); err != nil {
		return nil, fmt.Errorf("count the inbox: %w", err)
	}
	counts := map[Bucket]int{}
	for i, bucket := range counted {
		counts[bucket] = int(n[i])
	}
	return counts, nil
}

// countQuery counts each bucket, offer by offer, until it has counted enough.
// The order is that of the index: without one PostgreSQL would gather all that
// the offer has before it takes the first.
func countQuery(who identity.Officer, offers []string) (string, []any) {
	s := &sieve{}
	me, limit := s.arg(who.ID), s.arg(int64(MostCounted+1))
	first := len(s.args)
	for _, o := range offers {
		s.arg(o)
	}
	count := func(parts ...string) string {
		return "(SELECT COUNT(*) FROM (SELECT 1 FROM (" + strings.Join(parts, " UNION ALL ") + ") AS parts LIMIT " + limit + ") AS counted)"
	}
	part := func(where string) string {
		return "SELECT * FROM (SELECT 1 AS one FROM matters WHERE status <> 'draft' AND holder = 'authority' AND " + where + " ORDER BY sort_at, id LIMIT " + limit + ") AS part"
	}
	offered := make([]string, len(offers))
	for i := range offers {
		offered[i] = part("offer_id = " + db.In(first+i, 1))
	}
	return "SELECT " + count(part("handler_id <> '' AND handler_id = "+me+" AND offer_id IN ("+db.In(first, len(offers))+")")) +
		", " + count(offered...), s.args
}
