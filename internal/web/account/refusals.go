package account

import (
	"sync"
	"time"

	"luvat/internal/identity"
)

// refusals hold back what the ledger need not hear of twice: anybody can be
// refused as often as they like, and the ledger is for ever. One a minute of each
// kind stands for the others; the log has them all. The zero refusals are ready.
type refusals struct {
	mu   sync.Mutex
	last map[[2]string]time.Time
}

// note tells whether a refusal of somebody unknown goes into the ledger.
func (r *refusals) note(now time.Time, connection string, why identity.Why) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{connection, string(why)}
	if at, ok := r.last[key]; ok && now.Sub(at) < time.Minute {
		return false
	}
	if r.last == nil {
		r.last = map[[2]string]time.Time{}
	}
	r.last[key] = now
	return true
}
