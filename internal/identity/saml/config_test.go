package saml_test

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

// TestAllMistakesAtOnce: an empty configuration is told everything it lacks.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := saml.New(saml.Config{})
	if err == nil {
		t.Fatal("an empty configuration is good")
	}
	for _, part := range []string{
		"a name of one word", "entity id", "ACS address", "SLO address", "no keys", "no identity provider is allowed", "no level", "remembers", "no clock",
		"from an address or from a file", "a signer", "tell who a person is", "lacks the name", "lacks the description", "lacks the privacy", "organisation", "technical contact",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing of %q in:\n%v", part, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		change     func(*saml.Config)
	}{
		{"an address without TLS", "must be https", func(c *saml.Config) { c.ACS = "http://luvat.example/acs" }},
		{"an address with a password", "must be https", func(c *saml.Config) { c.SLO = "https://a:b@luvat.example/slo" }},
		{"metadata without TLS", "must be https", func(c *saml.Config) { c.Source.File, c.Source.URL = "", "http://static.example/m.xml" }},
		{"metadata from two places", "name one", func(c *saml.Config) { c.Source.URL = "https://static.example/m.xml" }},
		{"no client", "no client", func(c *saml.Config) { c.Source.File, c.Source.URL = "", "https://static.example/m.xml" }},
		{"a cache of a file", "has a cache", func(c *saml.Config) { c.Source.Cache = "x" }},
		{"unsigned from an address", "only metadata from a file may be unsigned", func(c *saml.Config) {
			c.Source = saml.Source{URL: "https://static.example/m.xml", Unsigned: true}
		}},
		{"unsigned and signed", "only metadata from a file may be unsigned", func(c *saml.Config) { c.Source.Unsigned = true }},
		{"an authority without a name", "need the signer's name", func(c *saml.Config) { c.Source.Signer = saml.Signer{Roots: x509.NewCertPool()} }},
		{"a clock that is off by four minutes", "may differ by 3m0s", func(c *saml.Config) { c.Skew = 4 * time.Minute }},
		{"a negative skew", "may differ", func(c *saml.Config) { c.Skew = -time.Second }},
		{"refreshed every second", "need a minute", func(c *saml.Config) { c.RefreshEvery = time.Second }},
		{"older than the next refresh", "longer than it takes", func(c *saml.Config) { c.MaxAge = time.Minute }},
		{"any level, and some", "though any is accepted", func(c *saml.Config) { c.AnyLevel = true }},
		{"Suomi.fi without levels", "levels are needed", func(c *saml.Config) { c.Levels, c.AnyLevel = nil, true }},
		{"a provider twice", "stands twice", func(c *saml.Config) { c.Homes = append(c.Homes, c.Homes[0]) }},
		{"a discovery service without an address of ours", "go together", func(c *saml.Config) { c.DiscoveryService = "https://ds.example" }},
		{"a name in two languages", "lacks the name", func(c *saml.Config) { c.About.Name = i18n.Text{FI: "a", SV: "b"} }},
		{"a contact of another type", "no contacts of the type", func(c *saml.Config) { c.About.Contacts[1].Type = "friend" }},
		{"a small key", "fewer than 2048 bits", keysOf(saml.Keys{Signing: []saml.Pair{*keys.small}, Encryption: []saml.Pair{*keys.encrypt}})},
		{"another's certificate", "does not belong", keysOf(saml.Keys{Signing: []saml.Pair{{Certificate: keys.other.Certificate, Key: keys.sign.Key}}, Encryption: []saml.Pair{*keys.encrypt}})},
		{"half a pair", "lacks its certificate", keysOf(saml.Keys{Signing: []saml.Pair{{Key: keys.sign.Key}}, Encryption: []saml.Pair{*keys.encrypt}})},
		{"no encryption key", "no encryption key", keysOf(saml.Keys{Signing: []saml.Pair{*keys.sign}})},
		{"no signing key", "no signing key", keysOf(saml.Keys{Encryption: []saml.Pair{*keys.sign}})},
		{"keys that cannot be read", "the safe is shut", func(c *saml.Config) {
			c.Keys = func() (saml.Keys, error) { return saml.Keys{}, errors.New("the safe is shut") }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c saml.Config
			connect(t, func(given *saml.Config) { c = *given })
			c.Homes, c.About.Contacts = slices.Clone(c.Homes), slices.Clone(c.About.Contacts)
			tt.change(&c)
			if _, err := saml.New(c); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `"suomifi"`) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func keysOf(k saml.Keys) func(*saml.Config) {
	return func(c *saml.Config) { c.Keys = func() (saml.Keys, error) { return k, nil } }
}

func TestKeyFiles(t *testing.T) {
	file := func(name string) saml.PairFile {
		f := filepath.Join("testdata", "keys", name+".pem")
		return saml.PairFile{Certificate: f, Key: f}
	}
	k, err := saml.KeyFiles([]saml.PairFile{file("sign"), file("next")}, []saml.PairFile{file("encrypt")})()
	if err != nil || len(k.Signing) != 2 || !k.Signing[1].Key.Equal(keys.next.Key) || !k.Encryption[0].Certificate.Equal(keys.encrypt.Certificate) {
		t.Errorf("got %d keys, %v", len(k.Signing), err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range []saml.PairFile{{"none.pem", "none.pem"}, {empty, empty}, {file("sign").Certificate, empty}, {file("sign").Certificate, "none.pem"}} {
		if _, err := saml.KeyFiles([]saml.PairFile{f}, nil)(); err == nil {
			t.Errorf("%v was read", f)
		}
	}
}

// TestNamesOfSeveralParts: two people are never of one name.
func TestNamesOfSeveralParts(t *testing.T) {
	for _, tt := range []struct{ local, station, want string }{
		{"pekka", "turku", "pekka@turku"},
		{"pekka@kaarina", "turku", "pekka@kaarina@turku"},
		{"pekka", "kaarina@turku", ""},
		{"pekka", "", ""},
	} {
		b := connect(t, func(c *saml.Config) {
			c.SuomiFi, c.Mapping = nil, saml.Mapping{Subject: []string{"urn:local", "urn:station"}}
		})
		a, err := b.take(func(a *answer) { a.set("urn:local", tt.local); a.set("urn:station", tt.station) })
		if tt.want == "" {
			b.refused(a, err, identity.NotKnown, "no attribute tells who the person is")
		} else if err != nil || a.Subject != tt.want {
			t.Errorf("%s of %s is %q, %v", tt.local, tt.station, a.Subject, err)
		}
	}
}

// TestPortti: a persistent name is a lasting one; which attributes tell the rest
// is configuration.
func TestPortti(t *testing.T) {
	b := connect(t, func(c *saml.Config) {
		given := *c
		*c = saml.Portti()
		c.EntityID, c.ACS, c.SLO, c.Keys, c.Source, c.About, c.Replays, c.Now = given.EntityID, given.ACS, given.SLO, given.Keys, given.Source, given.About, given.Replays, given.Now
		c.Homes = []saml.Home{{EntityID: suomifi, Organisations: []string{"pelastus.fi"}}}
		c.Mapping.Organisation = "urn:station"
		c.Skew = 3 * time.Minute
	})
	a, err := b.take(func(a *answer) {
		a.format, a.name, a.level = saml.Persistent, "f3a1", "urn:smartcard"
		a.from = now.Add(3 * time.Minute)
		a.set("urn:station", "pelastus.fi")
		a.set("urn:oid:2.16.840.1.113730.3.1.39", "sv-FI")
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Subject != "f3a1" || a.Organisation != "pelastus.fi" || a.Lang != i18n.SV || a.Level != "urn:smartcard" || a.PersonalCode != "" {
		t.Errorf("got %+v", a)
	}
	if s := b.Standing(); s.OurKeys != keys.sign.Certificate.NotAfter || s.TheirKeys != keys.idp.Certificate.NotAfter {
		t.Errorf("it stands %+v", s)
	}
	if b.Name() != "portti" {
		t.Error(b.Name())
	}
}
