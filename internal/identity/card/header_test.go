package card_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/testkit/pki"
)

// header is a certificate as RFC 9440 writes it.
func header(c pki.Card) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Cert.Raw) + ":"
}

func TestBehindAProxy(t *testing.T) {
	d := open(t, func(c *card.Config) { c.Proxied = true })
	good, expired := d.tree.RSA.Card(t, maija), maija
	expired.NotAfter = d.clock.Now().AddDate(0, 0, -1)
	late := d.tree.ECC.Card(t, expired)
	networks := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("127.0.0.1/32")}
	const none = ""

	for _, tt := range []struct {
		name   string
		peer   string
		header []string
		why    identity.Why
	}{
		{"the proxy passes a good card", "10.1.2.3:4711", []string{header(good)}, none},
		{"over IPv6", "[2001:db8::7]:4711", []string{header(good)}, none},
		{"over IPv4 in IPv6", "[::ffff:10.1.2.3]:4711", []string{header(good)}, none},
		{"the proxy passes an expired card", "10.1.2.3:4711", []string{header(late)}, identity.CardRevoked},
		{"the proxy saw no card", "10.1.2.3:4711", nil, identity.Cancelled},
		{"the proxy passes an empty header", "10.1.2.3:4711", []string{""}, identity.Cancelled},
		{"a stranger writes the header", "10.2.0.1:4711", []string{header(good)}, identity.Cancelled},
		{"a stranger writes the header, on IPv6", "[2001:db9::1]:4711", []string{header(good)}, identity.Cancelled},
		{"nobody knows who writes it", "", []string{header(good)}, identity.Cancelled},
		{"two headers", "10.1.2.3:4711", []string{header(good), header(good)}, identity.NotValid},
		{"two in one", "10.1.2.3:4711", []string{header(good) + ", " + header(good)}, identity.NotValid},
		{"with parameters", "10.1.2.3:4711", []string{header(good) + ";a=1"}, identity.NotValid},
		{"PEM, as nginx writes it", "10.1.2.3:4711", []string{"-----BEGIN%20CERTIFICATE-----%0A"}, identity.NotValid},
		{"without colons", "10.1.2.3:4711", []string{strings.Trim(header(good), ":")}, identity.NotValid},
		{"no certificate", "10.1.2.3:4711", []string{":aGVp:"}, identity.NotValid},
		{"nothing between", "10.1.2.3:4711", []string{"::"}, identity.NotValid},
		{"one colon", "10.1.2.3:4711", []string{":"}, identity.NotValid},
		{"too long", "10.1.2.3:4711", []string{":" + strings.Repeat("A", 17<<10) + ":"}, identity.NotValid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", d.begin(), nil)
			r.TLS = nil
			r.RemoteAddr = tt.peer
			r.Header["Client-Cert"] = tt.header
			r.Header.Set("Client-Cert-Chain", header(good))
			var err error
			card.FromProxies(networks, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				r.RemoteAddr = "10.1.2.3:1" // what the hub makes of X-Forwarded-For must not matter
				if r.Header.Get("Client-Cert") != "" || r.Header.Get("Client-Cert-Chain") != "" {
					t.Error("the headers are still there")
				}
				_, err = d.p.Finish(r.Context(), d.memo, r)
			})).ServeHTTP(httptest.NewRecorder(), r)
			switch {
			case tt.why != none:
				wantRefusal(t, err, tt.why, cause(tt.why))
				silent(t, "the refusal", err.Error())
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func cause(why identity.Why) error {
	if why == identity.CardRevoked {
		return card.ErrExpired
	}
	return nil
}

// TestAStrangersHeaderIsWorthNothing: over a real connection, to a hub that
// ends TLS itself, to one that trusts proxies elsewhere, and to one that forgot
// the handler.
func TestAStrangersHeaderIsWorthNothing(t *testing.T) {
	for name, proxied := range map[string]bool{"the hub ends TLS": false, "the hub has proxies": true} {
		t.Run(name, func(t *testing.T) {
			d := open(t, func(c *card.Config) { c.Proxied = proxied })
			good := d.tree.RSA.Card(t, maija)
			r, err := http.NewRequest("GET", d.begin(), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Client-Cert", header(good))
			answer, err := d.browser().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			wantRefusal(t, d.last.err, identity.Cancelled, nil)
		})
	}
}

// TestTheProxysOwnCertificate: a proxy may show one of its own to the hub. It
// is no visitor's.
func TestTheProxysOwnCertificate(t *testing.T) {
	d := open(t, func(c *card.Config) { c.Proxied = true })
	_, err := d.visit(d.tree.RSA.Card(t, maija))
	wantRefusal(t, err, identity.Cancelled, nil)
}
