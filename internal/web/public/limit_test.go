package public

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"luvat/internal/testkit"
)

func TestLimit(t *testing.T) {
	s := newSite(t)
	bad := url.Values{"municipality": {""}}
	for range atOnce {
		if w := s.do("POST", "/survey/event", bad); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("status %d before the limit", w.Code)
		}
	}
	w := s.do("POST", "/survey/event", bad)
	wants(t, w, http.StatusTooManyRequests, "Odota hetki")
	if w.Header().Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	if w := s.get("/survey/event"); w.Code != http.StatusOK {
		t.Errorf("reading is limited: status %d", w.Code)
	}
	s.clock.Move(time.Minute)
	if w := s.do("POST", "/survey/event", bad); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d a minute later", w.Code)
	}
	s.signIn(t, "maija")
	for range atOnce + 1 {
		if w := s.do("POST", "/survey/event", bad); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("status %d for somebody who is signed in", w.Code)
		}
	}
}

func TestLimiterForgets(t *testing.T) {
	l := newLimiter()
	l.size = 4
	for i := range 100 {
		l.allow(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32), testkit.Start)
		if n := len(l.young) + len(l.old); n > 2*l.size {
			t.Fatalf("%d addresses are remembered, want %d at most", n, 2*l.size)
		}
	}
	busy := netip.MustParsePrefix("192.0.2.1/32")
	for i := range atOnce {
		if !l.allow(busy, testkit.Start) {
			t.Fatalf("refused after %d", i)
		}
		l.allow(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 32), testkit.Start)
	}
	if l.allow(busy, testkit.Start) {
		t.Error("a busy address was forgotten because others came")
	}
}

func TestOrigin(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.7:1234":             "192.0.2.7/32",
		"[::ffff:192.0.2.7]:1234":    "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:443":         "fe80::/64",
		"@":                          "invalid Prefix",
		"":                           "invalid Prefix",
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = from
		if got := origin(r).String(); got != want {
			t.Errorf("origin of %q: %s, want %s", from, got, want)
		}
	}
}
