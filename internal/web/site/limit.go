package site

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"luvat/internal/fail"
)

// How much somebody who is not signed in may post. A survey is eighteen pages,
// and a whole office may stand behind one address: the limit stops a program,
// not a person.
const (
	perSecond = 2
	AtOnce    = 120
	addresses = 10_000 // remembered in each of two generations
)

// buckets give everybody, by a key, a bucket of tokens. Their memory is bounded:
// when a generation is full it becomes the older one, and what was not asked for
// since is forgotten. They guard themselves not: whoever has them does.
type buckets[K comparable] struct {
	each       rate.Limit
	atOnce     int
	size       int
	young, old map[K]*rate.Limiter
}

func newBuckets[K comparable](each rate.Limit, atOnce int) *buckets[K] {
	return &buckets[K]{each: each, atOnce: atOnce, size: addresses, young: map[K]*rate.Limiter{}}
}

func (b *buckets[K]) of(key K) *rate.Limiter {
	l := b.young[key]
	if l == nil {
		if l = b.old[key]; l == nil {
			l = rate.NewLimiter(b.each, b.atOnce)
		}
		if len(b.young) >= b.size {
			b.old, b.young = b.young, map[K]*rate.Limiter{}
		}
		b.young[key] = l
	}
	return l
}

// A Limiter gives every address a bucket of tokens. Each node counts for itself.
type Limiter struct {
	mu sync.Mutex
	*buckets[netip.Prefix]
}

// NewLimiter returns a limiter that knows nobody yet.
func NewLimiter() *Limiter { return &Limiter{buckets: newBuckets[netip.Prefix](perSecond, AtOnce)} }

// allow takes a token of the address's bucket and tells whether there was one.
func (l *Limiter) allow(from netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(from).AllowN(now, 1)
}

// origin is where the request comes from: an IPv4 address, or the /64 network
// that a household or an office has of IPv6. What cannot be read shares a
// bucket.
func origin(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// Guard returns fn for those who are signed in, and for others as long as they
// do not come too often.
func (l *Limiter) Guard(now func() time.Time, fn func(http.ResponseWriter, *Ask) error) func(http.ResponseWriter, *Ask) error {
	return func(w http.ResponseWriter, a *Ask) error {
		if !a.Known && !l.allow(origin(a.Request), now()) {
			w.Header().Set("Retry-After", "30")
			return fail.New(fail.TooMany, "error.too_many")
		}
		return fn(w, a)
	}
}
