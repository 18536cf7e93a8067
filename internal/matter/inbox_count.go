package matter

import (
	"context"
	"fmt"

	"luvat/internal/db"
	"luvat/internal/identity"
)

// MostCounted is how far the matters of a bucket are counted.
const MostCounted = 50

// counted are the buckets that are counted, in the order of countQuery. What
// has ended grows without end, and nobody waits for it.
var counted = []Bucket{OnMe, OnAuthority, OnApplicant, OnOther, Drafts}

// InboxCounts counts what the officer may see in the buckets where somebody
// waits: MostCounted at most, and one more where there are more. With a type
// only those matters are counted. Like the inbox it reads by the indexes: at
// most 51 matters of each offer and bucket, whatever the size of the table.
func (d *Desk) InboxCounts(ctx context.Context, who identity.Officer, typ string) (map[Bucket]int, error) {
	counts := map[Bucket]int{}
	err := d.DB.View(ctx, func(tx *db.Tx) error {
		offers, err := seenOffers(ctx, tx, who, typ)
		if err != nil || len(offers) == 0 {
			return err
		}
		n := make([]int64, len(counted))
		into := make([]any, len(counted))
		for i := range n {
			into[i] = &n[i]
		}
		text, args := countQuery(who, offers)
		if err := tx.QueryRowContext(ctx, text, args...).Scan(into...); err != nil {
			return err
		}
		for i, bucket := range counted {
			counts[bucket] = min(int(n[i]), MostCounted+1)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the inbox: %w", err)
	}
	return counts, nil
}

// countQuery counts each bucket until it has counted enough of each offer. The
// order is that of the index: without one PostgreSQL would gather all that the
// offer has before it takes the first.
func countQuery(who identity.Officer, offers []string) (string, []any) {
	s := &sieve{}
	me, limit := s.arg(who.ID), s.arg(int64(MostCounted+1))
	first := len(s.args)
	for _, o := range offers {
		s.arg(o)
	}
	ids := db.In(first, len(offers))
	part := func(where, order string) string {
		return "(SELECT COUNT(*) FROM (SELECT 1 FROM matters m WHERE " + where + " ORDER BY " + order + " LIMIT " + limit + ") AS part)"
	}
	offered := func(where, order string) string {
		return "(SELECT COALESCE(SUM(n), 0) FROM (SELECT " + part("m.offer_id = o.id AND "+where, order) + " AS n FROM offers o WHERE o.id IN (" + ids + ")) AS parts)"
	}
	const sent, urgent = "m.status <> 'draft' AND m.holder = ", "m.sort_at, m.id"
	return "SELECT " + part("m.handler_id <> '' AND m.handler_id = "+me+" AND "+sent+"'authority' AND m.offer_id IN ("+ids+")", urgent) +
		", " + offered(sent+"'authority'", urgent) +
		", " + offered(sent+"'applicant'", urgent) +
		", " + offered(sent+"'other_authority' AND m.status <> 'transferred'", urgent) +
		", " + offered("m.status = 'draft' AND m.consent_at <> 0", "m.consent_at"), s.args
}
