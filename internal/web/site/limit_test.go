package site

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"luvat/internal/testkit"
)

func TestLimiterForgets(t *testing.T) {
	l := NewLimiter()
	l.size = 4
	for i := range 100 {
		l.allow(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32), testkit.Start)
		if n := len(l.young) + len(l.old); n > 2*l.size {
			t.Fatalf("%d addresses are remembered, want %d at most", n, 2*l.size)
		}
	}
	busy := netip.MustParsePrefix("192.0.2.1/32")
	for i := range AtOnce {
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

// What is remembered of those who fail is bounded, however many names they use.
func TestTriesForget(t *testing.T) {
	s := NewTries(testkit.NewClock().Now)
	s.names.size, s.addresses.size, s.fails.size, s.asks.size = 4, 4, 4, 4
	for i := range 100 {
		r := httptest.NewRequest("POST", "/token", nil)
		r.RemoteAddr = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String() + ":1"
		name := string(rune('a'+i%26)) + string(rune('a'+i/26))
		s.Open(r, name)
		s.Failed(r, name)
		for what, n := range map[string]int{
			"names": len(s.names.young) + len(s.names.old), "addresses": len(s.addresses.young) + len(s.addresses.old),
			"pairs": len(s.fails.young) + len(s.fails.old), "requests": len(s.asks.young) + len(s.asks.old),
		} {
			if n > 8 {
				t.Fatalf("%d %s are remembered", n, what)
			}
		}
	}
}
