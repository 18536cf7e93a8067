package saml_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"luvat/internal/identity"
	"luvat/internal/identity/saml"
	"luvat/internal/testkit"
)

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
			judge := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: pinned(keys.sign)})
			if _, err := judge.Validate(parse(t, got)); err != nil {
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

// TestAKeyForEncryption does not sign.
func TestAKeyForEncryption(t *testing.T) {
	b := connect(t, func(c *saml.Config) {
		f := suomifiMetadata()
		f.members[0].keys = []*saml.Pair{keys.idp, keys.other}
		f.change = func(root *etree.Element) { root.FindElements("//KeyDescriptor")[1].CreateAttr("use", "encryption") }
		if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	a, err := b.take(func(a *answer) { a.signsAssertion, a.signsResponse = keys.other, keys.other })
	b.refused(a, err, identity.NotValid, badSig)
	if _, err := b.take(nil); err != nil {
		t.Error(err)
	}
}

// TestALinkOfTheChain beside a signing certificate does not sign either.
func TestALinkOfTheChain(t *testing.T) {
	b := connect(t, func(c *saml.Config) {
		f := suomifiMetadata()
		f.change = func(root *etree.Element) {
			root.FindElement("//X509Data").CreateElement("ds:X509Certificate").SetText(lines(keys.other.Certificate.Raw))
		}
		if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	a, err := b.take(func(a *answer) { a.signsAssertion, a.signsResponse = keys.other, keys.other })
	b.refused(a, err, identity.NotValid, badSig)
}

// TestVouchedSigner: an authority vouches for the signer, by name.
func TestVouchedSigner(t *testing.T) {
	const name = "metadata-signing.tunnistus.suomi.fi"
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
