package public

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"luvat/internal/fail"
	"luvat/internal/web/site"
)

// How much somebody who is not signed in may post. A survey is eighteen pages,
// and a whole office may stand behind one address: the limit stops a program,
// not a person.
const (
	perSecond = 2
	atOnce    = 120
	addresses = 10_000 // remembered in each of two generations
)

// A limiter gives every address a bucket of tokens. Its memory is bounded:
// when a generation is full it becomes the older one, and what was not asked
// for since is forgotten. Each node counts for itself.
type limiter struct {
	mu         sync.Mutex
	size       int
	young, old map[netip.Prefix]*rate.Limiter
}

func newLimiter() *limiter {
	return &limiter{size: addresses, young: map[netip.Prefix]*rate.Limiter{}}
}

// allow takes a token of the address's bucket and tells whether there was one.
func (l *limiter) allow(from netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.young[from]
	if b == nil {
		if b = l.old[from]; b == nil {
			b = rate.NewLimiter(perSecond, atOnce)
		}
		if len(l.young) >= l.size {
			l.old, l.young = l.young, map[netip.Prefix]*rate.Limiter{}
		}
		l.young[from] = b
	}
	return b.AllowN(now, 1)
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

// limited guards a deed that needs no sign-in.
func (p *room) limited(fn func(http.ResponseWriter, *site.Ask) error) func(http.ResponseWriter, *site.Ask) error {
	return func(w http.ResponseWriter, a *site.Ask) error {
		if !a.Known && !p.limit.allow(origin(a.Request), p.Now()) {
			w.Header().Set("Retry-After", "30")
			return fail.New(fail.TooMany, "error.too_many")
		}
		return fn(w, a)
	}
}
