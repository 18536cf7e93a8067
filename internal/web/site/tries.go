package site

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often machines may fail to show who they are: from one address, and under one
// name from wherever. A key that was just changed fails a few times; a program that
// guesses, or is broken, fails all the time.
const (
	failEach   = 3 * time.Second
	FailAtOnce = 20
	// goodFor is for how long a name that got a token from an address is let
	// through there, whatever others do from that address or under that name.
	goodFor = time.Hour
	// comeAgain is what those who came too often are told: seconds.
	comeAgain = "30"
)

// Tries are what machines have tried lately. Those who fail are held back, by
// address and by name; a neighbour behind the same address who has got a token
// there lately is not, nor is anybody with a token that holds. Each node counts for
// itself. It is a machine.Gate.
type Tries struct {
	Now func() time.Time

	mu        sync.Mutex
	asks      *buckets[pair]         // of all requests
	fails     *buckets[pair]         // of those of a name at an address that failed
	addresses *buckets[netip.Prefix] // of those that failed, whatever the name
	names     *buckets[string]       // of those that failed, wherever from
	good      map[pair]time.Time
}

// pair is a name at an address. Names are not proved yet when they are counted.
type pair struct {
	from netip.Prefix
	name string
}

// NewTries returns tries of which there were none yet.
func NewTries(now func() time.Time) *Tries {
	each := rate.Every(failEach)
	return &Tries{
		Now: now, asks: newBuckets[pair](perSecond, AtOnce), fails: newBuckets[pair](each, FailAtOnce),
		addresses: newBuckets[netip.Prefix](each, FailAtOnce), names: newBuckets[string](each, FailAtOnce), good: map[pair]time.Time{},
	}
}

// Open tells whether a request under a name may be looked at now.
func (t *Tries) Open(r *http.Request, name string) bool {
	p, now := pair{origin(r), name}, t.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.asks.of(p).AllowN(now, 1) {
		return false
	}
	if t.addresses.of(p.from).TokensAt(now) >= 1 && (name == "" || t.names.of(name).TokensAt(now) >= 1) {
		return true
	}
	at, known := t.good[p]
	return known && now.Sub(at) < goodFor && t.fails.of(p).TokensAt(now) >= 1
}

// Failed notes that a request showed nobody. It tells whether that was still
// among those that are let fail.
func (t *Tries) Failed(r *http.Request, name string) (allowed bool) {
	p, now := pair{origin(r), name}, t.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	allowed = t.addresses.of(p.from).AllowN(now, 1)
	if name != "" {
		t.names.of(name).AllowN(now, 1)
		t.fails.of(p).AllowN(now, 1)
	}
	return allowed
}

// Came notes that a name was proved.
func (t *Tries) Came(r *http.Request, name string) {
	p, now := pair{origin(r), name}, t.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.good) >= addresses {
		for old, at := range t.good {
			if now.Sub(at) >= goodFor {
				delete(t.good, old)
			}
		}
		if len(t.good) >= addresses {
			clear(t.good)
		}
	}
	t.good[p] = now
}

// tries are a site's, made when they are first asked for.
type tries struct {
	once sync.Once
	made *Tries
}

// Tries are what machines have tried at this node.
func (s *Site) Tries() *Tries {
	s.tries.once.Do(func() { s.tries.made = NewTries(s.Now) })
	return s.tries.made
}
