package mandate

import (
	"testing"
	"time"
)

// TestChecksum: the computed example of the wire reference, byte for byte.
func TestChecksum(t *testing.T) {
	const (
		path = "/service/hpa/user/register/abcd1234/210281-9988?requestId=2f0c5a0e-6d0a-4f3e-9a53-6f4f5d1c9a11"
		want = "abcd1234 2026-01-15T10:00:00Z KXTR/wHzCiuoqOwGRUGWwG8v7WfTIhBYlDWT62JCU4g="
	)
	helsinki := time.FixedZone("EET", 2*60*60)
	for _, now := range []time.Time{time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC), time.Date(2026, 1, 15, 12, 0, 0, 999, helsinki)} {
		if got := checksum("abcd1234", "exampleApiKey-not-a-real-one", path, now); got != want {
			t.Errorf("the checksum is %s; want %s", got, want)
		}
	}
}
