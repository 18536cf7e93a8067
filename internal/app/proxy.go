package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behindProxy gives requests that a trusted proxy passed on the address of who
// asked: the last one in X-Forwarded-For that is not itself a trusted proxy.
// From anybody else the header is a claim and is not believed.
func (c Config) behindProxy(next http.Handler) http.Handler {
	if len(c.Proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.trusts(r.RemoteAddr) {
			hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			for _, hop := range slices.Backward(hops) {
				hop = strings.TrimSpace(hop)
				if _, err := netip.ParseAddr(hop); err != nil {
					break
				}
				r.RemoteAddr = net.JoinHostPort(hop, "0")
				if !c.trusts(r.RemoteAddr) {
					break
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (c Config) trusts(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(c.Proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}
