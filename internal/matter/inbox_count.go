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
// most 51 matters of each bucket, whatever the size of the table.
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
			counts[bucket] = int(n[i])
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the inbox: %w", err)
	}
	return counts, nil
}

// countQuery counts each bucket until it has counted enough. It goes offer by
// offer, and says so by its order: the other ways that an engine might choose,
// such as reading the table until enough are found, would have to sort first.
func countQuery(who identity.Officer, offers []string) (string, []any) {
	s := &sieve{}
	me, limit := s.arg(who.ID), s.arg(int64(MostCounted+1))
	first := len(s.args)
	for _, o := range offers {
		s.arg(o)
	}
	ids := db.In(first, len(offers))
	part := func(from, where, order string) string {
		return "(SELECT COUNT(*) FROM (SELECT 1 FROM " + from + " WHERE " + where + " ORDER BY " + order + " LIMIT " + limit + ") AS part)"
	}
	offered := func(where string) string {
		return part("offers o JOIN matters m ON m.offer_id = o.id", "o.id IN ("+ids+") AND "+where, "o.id")
	}
	const sent = "m.status <> 'draft' AND m.holder = "
	return "SELECT " + part("matters m", "m.handler_id <> '' AND m.handler_id = "+me+" AND "+sent+"'authority' AND m.offer_id IN ("+ids+")", "m.sort_at, m.id") +
		", " + offered(sent+"'authority'") +
		", " + offered(sent+"'applicant'") +
		", " + offered(sent+"'other_authority' AND m.status <> 'transferred'") +
		", " + offered("m.status = 'draft' AND m.consent_at <> 0"), s.args
}
