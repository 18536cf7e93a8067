package saml_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
	"luvat/internal/testkit"
)

const thl, vero = "https://idp.thl.example/saml", "https://idp.vero.example/saml"

// virtuMetadata is an aggregate with two home organisations and a stranger.
func virtuMetadata() federation {
	return federation{
		aggregate: true, id: "_virtu", signer: keys.metadata, until: now.Add(5 * 24 * time.Hour), cache: "PT30M",
		members: []member{
			{id: thl, sso: thl + "/sso", slo: thl + "/slo", keys: []*saml.Pair{keys.idp}, scopes: []string{"thl.fi"}, name: [3]string{"THL", "THL", "THL"}},
			{id: vero, sso: vero + "/sso", keys: []*saml.Pair{keys.other}, scopes: []string{"vero.fi"}},
			{id: "https://idp.stranger.example", sso: "https://idp.stranger.example/sso", keys: []*saml.Pair{keys.next}, scopes: []string{"stranger.fi"}},
		},
	}
}

// virtu makes a connection one to Virtu.
func virtu(c *saml.Config) {
	given := *c
	*c = saml.Virtu()
	c.EntityID, c.ACS, c.SLO, c.Keys, c.Source, c.About = given.EntityID, given.ACS, given.SLO, given.Keys, given.Source, given.About
	c.Replays, c.Now, c.Log = given.Replays, given.Now, given.Log
	c.Homes = []saml.Home{{EntityID: thl}, {EntityID: vero}}
	c.Discovery, c.DiscoveryService = "https://luvat.example/saml/virtu/chosen", "https://ds.example/DS"
}

// federated returns a connection to Virtu whose aggregate is this.
func federated(t testing.TB, f federation, change ...func(*saml.Config)) *bench {
	t.Helper()
	return connect(t, append([]func(*saml.Config){func(c *saml.Config) {
		if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
			t.Fatal(err)
		}
		virtu(c)
	}}, change...)...)
}

func TestOurMetadata(t *testing.T) {
	for _, tt := range []struct {
		golden string
		config func(*saml.Config)
	}{
		{"suomifi.golden.xml", func(c *saml.Config) {
			c.Keys = func() (saml.Keys, error) {
				return saml.Keys{Signing: []saml.Pair{*keys.sign, *keys.next}, Encryption: []saml.Pair{*keys.encrypt, *keys.old}}, nil
			}
		}},
		{"virtu.golden.xml", virtu},
		{"portti.golden.xml", func(c *saml.Config) {
			given := *c
			*c = saml.Portti()
			c.EntityID, c.ACS, c.SLO, c.Keys, c.Source, c.Homes = given.EntityID, given.ACS, given.SLO, given.Keys, given.Source, given.Homes
			c.About, c.Replays, c.Now = given.About, given.Replays, given.Now
			c.About.Logo = saml.Logo{}
		}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			b := connect(t, func(c *saml.Config) {
				if err := os.WriteFile(c.Source.File, federation{aggregate: true, id: "_m", signer: keys.metadata, members: append(virtuMetadata().members, suomifiMetadata().members...)}.xml(t), 0o600); err != nil {
					t.Fatal(err)
				}
				tt.config(c)
			})
			got, err := b.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			testkit.Golden(t, tt.golden, string(got))
			b.now = now.Add(365 * 24 * time.Hour)
			if again, err := b.Metadata(); err != nil || !bytes.Equal(got, again) {
				t.Error("the same input gives other bytes")
			}
			context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: pinned(keys.sign)})
			if _, err := context.Validate(parse(t, got)); err != nil {
				t.Errorf("the signature does not verify: %v", err)
			}
		})
	}
}

// TestMetadataThatIsRefused changes or misuses metadata; what was good before
// stays in use.
func TestMetadataThatIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, cause string
		make        func(f federation) []byte
		change      func(*federation)
	}{
		{name: "not signed", cause: "the message is not signed", change: func(f *federation) { f.signer = nil }},
		{name: "signed by another", cause: badSig, change: func(f *federation) { f.signer = keys.other }},
		{name: "signed by the identity provider itself", cause: badSig, change: func(f *federation) { f.signer = keys.idp }},
		{name: "another key behind the certificate of the signer", cause: badSig, change: func(f *federation) {
			f.signer = &saml.Pair{Certificate: keys.metadata.Certificate, Key: keys.other.Key}
		}},
		{name: "signed with a key of 1024 bits", cause: badSig, change: func(f *federation) { f.signer = keys.small }},
		{name: "RSA-SHA1", cause: weak, change: func(f *federation) { f.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }},
		{name: "a key added after signing", cause: badSig, change: func(f *federation) {
			f.after = func(root *etree.Element) {
				role := root.FindElement("//IDPSSODescriptor")
				role.AddChild(member{keys: []*saml.Pair{keys.other}}.element().FindElement("//KeyDescriptor"))
			}
		}},
		{name: "over", cause: "the provider's metadata is stale", change: func(f *federation) { f.until = now }},
		{name: "a signed entity inside an unsigned group", cause: "the message is not signed", make: func(f federation) []byte {
			return []byte(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + withoutDeclaration(f) + `</md:EntitiesDescriptor>`)
		}},
		{name: "the signed original wrapped in a signature's object", cause: misshapen, change: func(f *federation) {
			f.after = func(root *etree.Element) {
				root.SelectElement("Signature").CreateElement("ds:Object").AddChild(root.Copy())
				distinct(root)
				root.CreateAttr("ID", "_evil")
			}
		}},
		{name: "signature not first", cause: "the message is not signed", change: func(f *federation) {
			f.after = func(root *etree.Element) {
				sig := root.SelectElement("Signature")
				root.RemoveChild(sig)
				root.AddChild(sig)
			}
		}},
		{name: "a DOCTYPE", cause: "the message has a DOCTYPE or another directive", make: func(f federation) []byte {
			return []byte("<!DOCTYPE x>" + withoutDeclaration(f))
		}},
		{name: "an entity bomb", cause: "the message has a DOCTYPE or another directive", make: func(federation) []byte { return []byte(bomb) }},
		{name: "no XML", cause: "the message is not well-formed XML", make: func(federation) []byte { return []byte("<html>Not found") }},
		{name: "of another", cause: "the metadata has no identity provider that is allowed and can be used", change: func(f *federation) {
			f.members[0].id = "https://idp.other.example"
		}},
		{name: "twice", cause: "identity provider " + suomifi + ": it is there twice\nthe metadata has no identity provider that is allowed and can be used", change: func(f *federation) {
			f.aggregate, f.members = true, []member{f.members[0], f.members[0], f.members[0]}
		}},
		{name: "no key", cause: "it has no RSA key of 2048 bits for signing", change: func(f *federation) { f.members[0].keys = nil }},
		{name: "a key of 1024 bits", cause: "it has no RSA key of 2048 bits for signing", change: func(f *federation) { f.members[0].keys = []*saml.Pair{keys.small} }},
		{name: "an address that runs a script", cause: "an address is neither https nor http on loopback", change: func(f *federation) { f.members[0].sso = "javascript:alert(1)" }},
		{name: "an address without TLS", cause: "an address is neither https nor http on loopback", change: func(f *federation) { f.members[0].slo = "http://tunnistus.example/slo" }},
		{name: "an entity that is over", cause: "the provider's metadata is stale", change: func(f *federation) { f.members[0].until = now }},
		{name: "a duration of months", cause: "cacheDuration is not a duration of days, hours, minutes and seconds", change: func(f *federation) { f.cache = "P1M" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			f := suomifiMetadata()
			if tt.change != nil {
				tt.change(&f)
			}
			if tt.make != nil {
				b.publish(tt.make(f))
			} else {
				b.publish(f.xml(t))
			}
			err := b.Refresh(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.cause) {
				t.Fatalf("got %v, want %s", err, tt.cause)
			}
			if _, err := b.take(nil); err != nil {
				t.Errorf("what was good before is not used any more: %v", err)
			}
			fresh, err := saml.New(config(t, b))
			if err != nil {
				t.Fatal(err)
			}
			if err := fresh.Refresh(t.Context()); err == nil {
				t.Error("taken where nothing was before")
			}
			_, _, err = fresh.Begin(t.Context(), identity.Beginning{State: "s"})
			b.refused(identity.Assertion{}, err, identity.NotThere, "the provider's metadata is not loaded")
		})
	}
}

func withoutDeclaration(f federation) string {
	f.id = "_signed"
	raw := f.xml(&testing.B{})
	return string(raw[bytes.Index(raw, []byte("<md:")):])
}

// config is the configuration of a connection like that of the bench.
func config(t *testing.T, b *bench) saml.Config {
	var kept saml.Config
	connect(t, func(c *saml.Config) { kept = *c })
	kept.Source.File = b.file
	kept.Now = func() time.Time { return b.now }
	return kept
}

func TestMetadataThatIsTaken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*federation)
		config func(*saml.Config)
	}{
		{name: "a reference to the whole document, as in the test environment", change: func(f *federation) { f.id = "" }},
		{name: "a signer who was pinned beside another", config: func(c *saml.Config) { c.Source.Signer.Certificates = pinned(keys.other, keys.metadata) }},
		{name: "in a group", change: func(f *federation) { f.aggregate = true }},
		{name: "keys of both before and after a roll-over", change: func(f *federation) { f.members[0].keys = []*saml.Pair{keys.other, keys.idp, keys.small} }},
		{name: "not signed, from a file that was compared", change: func(f *federation) { f.signer = nil }, config: func(c *saml.Config) {
			c.Source.Unsigned, c.Source.Signer = true, saml.Signer{}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t, func(c *saml.Config) {
				f := suomifiMetadata()
				if tt.change != nil {
					tt.change(&f)
				}
				if tt.config != nil {
					tt.config(c)
				}
				if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
					t.Fatal(err)
				}
			})
			if _, err := b.take(nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestVouchedSigner: an authority vouches for the signer, by name.
func TestVouchedSigner(t *testing.T) {
	const name = saml.SuomiFiProductionSigner
	roots := x509.NewCertPool()
	roots.AddCert(keys.authority.Certificate)
	from, until := now.Add(-time.Hour), now.Add(time.Hour)
	for _, tt := range []struct {
		name   string
		signer *saml.Pair
		ok     bool
	}{
		{"the signer", vouched(t, keys.metadata, name, from, until, keys.authority), true},
		{"another customer of the authority", vouched(t, keys.metadata, "www.other.example", from, until, keys.authority), false},
		{"over", vouched(t, keys.metadata, name, from, now.Add(-time.Second), keys.authority), false},
		{"not yet", vouched(t, keys.metadata, name, now.Add(time.Second), until, keys.authority), false},
		{"the name, vouched for by himself", vouched(t, keys.metadata, name, from, until, keys.metadata), false},
		{"the certificate of the signer, with another key", &saml.Pair{Certificate: vouched(t, keys.metadata, name, from, until, keys.authority).Certificate, Key: keys.other.Key}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			c := config(t, b)
			c.Source.Signer = saml.Signer{Roots: roots, Name: name}
			f := suomifiMetadata()
			f.signer = tt.signer
			b.publish(f.xml(t))
			p, err := saml.New(c)
			if err != nil {
				t.Fatal(err)
			}
			err = p.Refresh(t.Context())
			if (err == nil) != tt.ok || err != nil && !strings.Contains(err.Error(), badSig) {
				t.Errorf("taken: %v", err)
			}
		})
	}
}

// TestStale: what cannot be fetched again is used until it is too old.
func TestStale(t *testing.T) {
	const stale = "the provider's metadata is stale"
	day := 24 * time.Hour
	for _, tt := range []struct {
		name  string
		until time.Time
		last  time.Duration
	}{
		{"nothing told: a week", time.Time{}, 7 * day},
		{"valid until before", now.Add(day), day},
		{"valid until after", now.Add(30 * day), 7 * day},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t, func(c *saml.Config) {
				f := suomifiMetadata()
				f.until = tt.until
				if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
					t.Fatal(err)
				}
			})
			memo, request := b.begin()
			if err := os.Remove(b.file); err != nil {
				t.Fatal(err)
			}
			if err := b.Refresh(t.Context()); err == nil {
				t.Fatal("refreshed from nothing")
			}
			if s := b.Standing(); s.Until != now.Add(tt.last) || s.Fetched != now || s.Providers != 1 {
				t.Errorf("it stands %+v", s)
			}
			b.now = now.Add(tt.last - time.Second)
			b.begin()
			b.now = now.Add(tt.last)
			_, _, err := b.Begin(t.Context(), identity.Beginning{State: "s"})
			b.refused(identity.Assertion{}, err, identity.NotThere, stale)
			b.now = now
			a := good(request)
			if _, err := b.finish(memo, a.xml(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRollOver changes keys and metadata under a connection that lives on.
func TestRollOver(t *testing.T) {
	ours := saml.Keys{Signing: []saml.Pair{*keys.sign}, Encryption: []saml.Pair{*keys.old}}
	var broken error
	b := connect(t, func(c *saml.Config) { c.Keys = func() (saml.Keys, error) { return ours, broken } })
	memo, request := b.begin()
	before := good(request)
	before.encryptFor = keys.old.Certificate

	// Ours: a new encryption key first, a new signing key in use.
	ours = saml.Keys{Signing: []saml.Pair{*keys.next, *keys.sign}, Encryption: []saml.Pair{*keys.encrypt, *keys.old}}
	f := suomifiMetadata()
	f.members[0].keys = []*saml.Pair{keys.idp, keys.other}
	b.publish(f.xml(t))
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.finish(memo, before.xml(t)); err != nil {
		t.Errorf("encrypted for the key before: %v", err)
	}
	if _, err := b.take(func(a *answer) { a.id, a.signsAssertion, a.signsResponse = "_after", keys.other, keys.other }); err != nil {
		t.Errorf("all new: %v", err)
	}
	address, _, err := b.Begin(t.Context(), identity.Beginning{State: "s"})
	if err != nil {
		t.Fatal(err)
	}
	octets, rest, _ := strings.Cut(strings.TrimPrefix(address, idpSSO+"?"), "&Signature=")
	signature, _, _ := strings.Cut(rest, "&")
	checkSignature(t, octets, signature, keys.next)

	// Theirs: the old key is taken away.
	f.members[0].keys = []*saml.Pair{keys.other}
	b.publish(f.xml(t))
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := b.take(func(a *answer) { a.id = "_old" })
	b.refused(a, err, identity.NotValid, badSig)

	// A mistake keeps what was.
	broken = errors.New("the disk is gone")
	if err := b.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("a mistake is not told: %v", err)
	}
	if _, err := b.take(func(a *answer) { a.id, a.signsAssertion, a.signsResponse = "_kept", keys.other, keys.other }); err != nil {
		t.Error(err)
	}
}

// TestACertificateThatIsOver: metadata that names it does not bring it back.
func TestACertificateThatIsOver(t *testing.T) {
	old := vouched(t, keys.idp, "idp", now.Add(-2*time.Hour), now.Add(time.Minute), keys.idp)
	f := suomifiMetadata()
	f.members[0].keys = []*saml.Pair{old}
	b := connect(t, func(c *saml.Config) {
		if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := b.take(func(a *answer) { a.signsAssertion, a.signsResponse = old, old }); err != nil {
		t.Fatal(err)
	}
	farewell := goodRequest().query(t, "theirs", old, sha256Sig)
	if _, _, err := b.ended(get(farewell)); err != nil {
		t.Fatal(err)
	}
	b.now = now.Add(time.Minute + time.Second)
	a, err := b.take(func(a *answer) {
		a.id, a.issued, a.signsAssertion, a.signsResponse = "_over", b.now, old, old
	})
	b.refused(a, err, identity.NotValid, badSig)
	_, _, err = b.ended(get(farewell))
	b.refused(identity.Assertion{}, err, identity.NotValid, badSig)
}

// TestFetch reads metadata over HTTP, keeps it, and starts from what was kept.
func TestFetch(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(suomifiMetadata().xml(t)) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer server.Close()
	cache := filepath.Join(t.TempDir(), "kept.xml")
	b := connect(t)
	c := config(t, b)
	c.Source.File, c.Source.URL, c.Source.Cache, c.Client = "", server.URL+"/idp-metadata.xml", cache, server.Client()
	open := func() *saml.Provider {
		p, err := saml.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(cache); err != nil || !info.ModTime().Equal(now) {
		t.Errorf("kept: %v, %v", info, err)
	}

	b.now = now.Add(24 * time.Hour)
	for name, bad := range map[string]func(http.ResponseWriter, *http.Request){
		"down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"moved": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				_, _ = w.Write(suomifiMetadata().xml(t))
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		},
		"replaced": func(w http.ResponseWriter, _ *http.Request) {
			f := suomifiMetadata()
			f.signer = keys.other
			_, _ = w.Write(f.xml(t))
		},
	} {
		answer = bad
		p := open() // a start on a bad day
		if err := p.Refresh(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, _, err := p.Begin(t.Context(), identity.Beginning{State: "s"}); err != nil {
			t.Errorf("%s: nobody can sign in: %v", name, err)
		}
		if s := p.Standing(); !s.Fetched.Equal(now) {
			t.Errorf("%s: what was kept is of %s", name, s.Fetched)
		}
	}
	b.now = now.Add(8 * 24 * time.Hour)
	old := open()
	_ = old.Refresh(t.Context())
	_, _, err := old.Begin(t.Context(), identity.Beginning{State: "s"})
	b.refused(identity.Assertion{}, err, identity.NotThere, "the provider's metadata is stale")

	// A forged cache is worth nothing.
	f := suomifiMetadata()
	f.signer = keys.other
	if err := os.WriteFile(cache, f.xml(t), 0o600); err != nil {
		t.Fatal(err)
	}
	forged := open()
	_ = forged.Refresh(t.Context())
	_, _, err = forged.Begin(t.Context(), identity.Beginning{State: "s"})
	b.refused(identity.Assertion{}, err, identity.NotThere, "the provider's metadata is not loaded")
}

// TestRun refreshes on schedule, and more often while it fails.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fetched []time.Duration
		start := time.Now()
		good := suomifiMetadata()
		good.cache = "PT30M"
		doc := good.xml(t)
		client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			fetched = append(fetched, time.Since(start))
			w := httptest.NewRecorder()
			if len(fetched) == 3 {
				return nil, errors.New("the network is down")
			}
			_, _ = w.Write(doc)
			return w.Result(), nil
		})}
		b := connect(t, func(c *saml.Config) {
			c.Source.File, c.Source.URL, c.Client = "", "https://static.example/idp-metadata.xml", client
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Run(ctx) }()
		time.Sleep(64 * time.Minute)
		cancel()
		<-done
		// connect, Run at once, after 30 minutes (fails), 3 minutes later, 30 after that.
		want := []time.Duration{0, 0, 30 * time.Minute, 33 * time.Minute, 63 * time.Minute}
		if !slices.Equal(fetched, want) {
			t.Errorf("fetched at %v, want %v", fetched, want)
		}
		if strings.Count(b.log.String(), "saml metadata or keys not refreshed") != 1 {
			t.Errorf("logged: %s", b.log)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFederation(t *testing.T) {
	b := federated(t, virtuMetadata())
	choices := b.Choices()
	if len(choices) != 2 || choices[0].EntityID != thl || choices[0].Name != (i18n.Text{FI: "THL", SV: "THL", EN: "THL"}) || choices[1].EntityID != vero {
		t.Errorf("one may choose among %v", choices)
	}
	if f := b.Frames(); !slices.Equal(f, []string{"https://idp.thl.example", "https://idp.vero.example"}) {
		t.Errorf("frames of %v", f)
	}
	address := b.Choose("abc", false)
	if address != "https://ds.example/DS?entityID=https%3A%2F%2Fluvat.example%2Fsaml%2Fsuomifi&return=https%3A%2F%2Fluvat.example%2Fsaml%2Fvirtu%2Fchosen%3Fstate%3Dabc&returnIDParam=entityID" {
		t.Errorf("the discovery service is at %s", address)
	}
	if !strings.Contains(b.Choose("abc", true), "isPassive=true") || connect(t).Choose("abc", false) != "" {
		t.Error("discovery is not as it should be")
	}
	for _, tt := range []struct {
		query, issuer string
		why           identity.Why
		cause         string
	}{
		{"state=abc&entityID=" + thl, thl, "", ""},
		{"state=abc", "", identity.Cancelled, "the discovery service came back without a choice"},
		{"state=abc&entityID=", "", identity.Cancelled, "the discovery service came back without a choice"},
		{"state=abc&entityID=" + thl + "&entityID=" + vero, "", identity.NotValid, "no SAML message came, or more than one"},
		{"state=abc&entityID=https://idp.stranger.example", "", identity.NotKnown, "the identity provider is not allowed"},
	} {
		issuer, state, err := b.Chosen(httptest.NewRequest("GET", "https://luvat.example/saml/virtu/chosen?"+tt.query, nil))
		if issuer != tt.issuer || state != "abc" {
			t.Errorf("%s: chosen %q, %q", tt.query, issuer, state)
		}
		if tt.why != "" {
			b.refused(identity.Assertion{}, err, tt.why, tt.cause)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// official is the answer of a home organisation.
func official(request, from, organisation string, by *saml.Pair) answer {
	a := good(request)
	a.issuer, a.assertionIssuer, a.signsAssertion, a.signsResponse = from, from, by, nil
	a.level = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	a.attributes = []attribute{
		{"urn:oid:1.3.6.1.4.1.31350.1.8", []string{"maija"}},
		{"urn:oid:1.3.6.1.4.1.31350.1.5", []string{organisation}},
		{"urn:oid:2.5.4.3", []string{"Maija Virkanen"}},
		{"urn:oid:2.5.4.42", []string{"Maija"}},
		{"urn:oid:2.5.4.4", []string{"Virkanen"}},
		{"urn:oid:0.9.2342.19200300.100.1.3", []string{"maija.virkanen@thl.example", "mv@thl.example"}},
	}
	return a
}

func TestHomeOrganisations(t *testing.T) {
	for _, tt := range []struct {
		name, asked, from, organisation string
		by                              *saml.Pair
		change                          func(*answer)
		config                          func(*saml.Config)
		why                             identity.Why
		cause                           string
	}{
		{name: "of THL", asked: thl, from: thl, organisation: "thl.fi", by: keys.idp},
		{name: "of Vero", asked: vero, from: vero, organisation: "vero.fi", by: keys.other},
		{name: "Vero says it is THL's", asked: vero, from: vero, organisation: "thl.fi", by: keys.other, why: identity.NotValid, cause: "the identity provider may not speak for this home organisation"},
		{name: "no home", asked: thl, from: thl, organisation: "", by: keys.idp, why: identity.NotKnown, cause: "no attribute tells who the person is"},
		{name: "Vero answers what THL was asked", asked: thl, from: vero, organisation: "vero.fi", by: keys.other, why: identity.NotValid, cause: "the issuer is not the identity provider that was asked"},
		{name: "Vero signs as THL", asked: thl, from: thl, organisation: "thl.fi", by: keys.other, why: identity.NotValid, cause: badSig},
		{name: "no local id", asked: thl, from: thl, organisation: "thl.fi", by: keys.idp, change: func(a *answer) { a.remove("urn:oid:1.3.6.1.4.1.31350.1.8") }, why: identity.NotKnown, cause: "no attribute tells who the person is"},
		{name: "two homes", asked: thl, from: thl, organisation: "thl.fi", by: keys.idp, change: func(a *answer) { a.set("urn:oid:1.3.6.1.4.1.31350.1.5", "thl.fi", "vero.fi") }, why: identity.NotValid, cause: "an attribute that names somebody has several values"},
		{name: "homes by configuration", asked: vero, from: vero, organisation: "verohallinto.fi", by: keys.other, config: func(c *saml.Config) { c.Homes[1].Organisations = []string{"verohallinto.fi"} }},
		{name: "configuration goes before metadata", asked: vero, from: vero, organisation: "vero.fi", by: keys.other, config: func(c *saml.Config) { c.Homes[1].Organisations = []string{"verohallinto.fi"} }, why: identity.NotValid, cause: "the identity provider may not speak for this home organisation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := federated(t, virtuMetadata(), func(c *saml.Config) {
				if tt.config != nil {
					tt.config(c)
				}
			})
			memo, request := b.begin(identity.Beginning{State: "s", Issuer: tt.asked})
			answer := official(request, tt.from, tt.organisation, tt.by)
			if tt.change != nil {
				tt.change(&answer)
			}
			a, err := b.finish(memo, answer.xml(t))
			if tt.why != "" {
				b.refused(a, err, tt.why, tt.cause)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.Issuer != tt.from || a.Subject != "maija@"+tt.organisation || a.Organisation != tt.organisation || a.PersonalCode != "" ||
				a.Name != "Maija Virkanen" || a.Email != "maija.virkanen@thl.example" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// TestWhoMayNotBeAsked: a provider that is not allowed, not there, or not chosen.
func TestWhoMayNotBeAsked(t *testing.T) {
	f := virtuMetadata()
	f.members = f.members[:1]
	f.members[0].until = now.Add(time.Hour)
	b := federated(t, f)
	for _, tt := range []struct {
		issuer string
		why    identity.Why
		cause  string
	}{
		{"https://idp.stranger.example", identity.NotKnown, "the identity provider is not allowed"},
		{vero, identity.NotThere, "the identity provider is not in the metadata"},
	} {
		_, _, err := b.Begin(t.Context(), identity.Beginning{State: "s", Issuer: tt.issuer})
		b.refused(identity.Assertion{}, err, tt.why, tt.cause)
	}
	if _, _, err := b.Begin(t.Context(), identity.Beginning{State: "s"}); err == nil || strings.Contains(err.Error(), "not_") {
		t.Errorf("nobody was chosen: %v", err)
	}
	b.now = now.Add(time.Hour)
	_, _, err := b.Begin(t.Context(), identity.Beginning{State: "s", Issuer: thl})
	b.refused(identity.Assertion{}, err, identity.NotThere, "the provider's metadata is stale")
}

func TestAttacksOnAggregates(t *testing.T) {
	for _, tt := range []struct {
		name, cause string
		change      func(*federation)
	}{
		{"an identity provider added after signing", badSig, func(f *federation) {
			f.after = func(root *etree.Element) {
				root.AddChild(member{id: vero, sso: "https://evil.example/sso", keys: []*saml.Pair{keys.next}}.element())
			}
		}},
		{"stale", "the provider's metadata is stale", func(f *federation) { f.until = now.Add(-time.Second) }},
		{"forged", badSig, func(f *federation) { f.signer = keys.next }},
		{"of nobody who is allowed", "no identity provider that is allowed", func(f *federation) { f.members = f.members[2:] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := federated(t, virtuMetadata())
			f := virtuMetadata()
			tt.change(&f)
			b.publish(f.xml(t))
			if err := b.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), tt.cause) {
				t.Errorf("got %v, want %s", err, tt.cause)
			}
			if len(b.Choices()) != 2 {
				t.Error("what was good before is gone")
			}
		})
	}

	// Somebody in the federation who takes another's entity id: neither is used.
	f := virtuMetadata()
	f.members = append(f.members, member{id: vero, sso: "https://evil.example/sso", keys: []*saml.Pair{keys.next}, scopes: []string{"vero.fi"}})
	if c := federated(t, f).Choices(); len(c) != 1 || c[0].EntityID != thl {
		t.Errorf("one may choose among %v", c)
	}

	// A pattern as a scope lets nobody speak for all.
	f = virtuMetadata()
	f.change = func(root *etree.Element) {
		scope := root.FindElements("//Scope")[1]
		scope.CreateAttr("regexp", "true")
		scope.SetText(".*")
	}
	b := federated(t, f)
	memo, request := b.begin(identity.Beginning{State: "s", Issuer: vero})
	a, err := b.finish(memo, official(request, vero, ".*", keys.other).xml(t))
	b.refused(a, err, identity.NotValid, "the identity provider may not speak for this home organisation")
}

// TestALargeAggregate is read in a time that an hourly refresh may take.
func TestALargeAggregate(t *testing.T) {
	f := virtuMetadata()
	for range 400 {
		f.members = append(f.members, member{id: "https://idp.example/" + strings.Repeat("x", len(f.members)), sso: "https://idp.example/sso", keys: []*saml.Pair{keys.idp, keys.other}})
	}
	start := time.Now()
	if len(federated(t, f).Choices()) != 2 {
		t.Error("not read")
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}
