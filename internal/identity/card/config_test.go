package card_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/testkit"
	"luvat/internal/testkit/pki"
)

func TestConfigurations(t *testing.T) {
	d := &door{t: t, clock: testkit.NewClock()}
	d.tree = pki.New(t, pki.Options{Now: d.clock.Now})
	other := pki.New(t, pki.Options{Test: true, Now: d.clock.Now})
	otherRoots, otherIntermediates := other.Write(t)
	file := func(name string, content []byte) string {
		name = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	pin := func(c *x509.Certificate) string {
		sum := sha256.Sum256(c.Raw)
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	leaf := d.tree.RSA.Card(t, maija).Cert

	for _, tt := range []struct {
		name string
		edit func(*card.Config)
		want []string // in the error; none: the configuration is good
	}{
		{"good", func(*card.Config) {}, nil},
		{"the test tree", func(c *card.Config) {
			c.Tree, c.Roots, c.Intermediates = card.Test, []string{otherRoots}, []string{otherIntermediates}
		}, nil},
		{"pinned", func(c *card.Config) { c.RootPins = []string{pin(d.tree.RootECC.Cert), pin(d.tree.RootRSA.Cert)} }, nil},
		{"with a port", func(c *card.Config) { c.Host = "luvat.example.fi:8443" }, nil},

		{"nothing", func(c *card.Config) { *c = card.Config{} }, []string{"the name", "the host", "roots and intermediates", "no organisation"}},
		{"all mistakes at once", func(c *card.Config) {
			c.Name, c.Host, c.Tree, c.Issuers = "Portti 1", "https://x/", "both", []string{}
			c.Policies = []string{"anyPolicy"}
			c.Grace = -time.Hour
			c.Responders = []string{"http://ocsp.fineid.fi"}
			c.Instead = map[string]card.Source{"x": {CRL: "ldap://x"}}
			c.Organisations = []card.Organisation{{}}
		}, []string{"the name", "the host", "the tree", "no name", "the policy", "less than nothing", "the responder", "is not http", "has no authority", "any card"}},
		{"one pin is missing", func(c *card.Config) { c.RootPins = []string{pin(d.tree.RootRSA.Cert)} }, []string{`"DVV Gov. Root CA - G3 ECC" has the SHA-256`}},
		{"DVV's pins are the default", func(c *card.Config) { c.RootPins = nil }, []string{"which is not among the pins"}},
		{"both trees", func(c *card.Config) {
			c.Roots, c.Intermediates = append(c.Roots, otherRoots), append(c.Intermediates, otherIntermediates)
		}, []string{"is of the test tree"}},
		{"production in the test tree", func(c *card.Config) { c.Tree = card.Test; c.Issuers = []string{leaf.Issuer.CommonName} }, []string{"is not of the test tree"}},
		{"no file", func(c *card.Config) { c.Roots = []string{"/nowhere/roots.pem"} }, []string{"/nowhere/roots.pem"}},
		{"a file without certificates", func(c *card.Config) { c.Roots = []string{file("a.pem", []byte("hei"))} }, []string{"has no certificate"}},
		{"a file of something else", func(c *card.Config) {
			c.Roots = []string{file("b.pem", []byte("-----BEGIN X-----\nAAAA\n-----END X-----\n"))}
		}, []string{"is no certificate"}},
		{"a card among the intermediates", func(c *card.Config) { c.Intermediates = append(c.Intermediates, file("c.pem", pki.PEM(leaf))) }, []string{"is no authority"}},
		{"an intermediate as a root", func(c *card.Config) { c.Roots = append(c.Roots, c.Intermediates...) }, []string{"did not sign itself"}},
		{"no intermediate of cards", func(c *card.Config) { c.Intermediates = []string{file("d.pem", pki.PEM(d.tree.Service.Cert))} }, []string{"none of the intermediates"}},
		{"an intermediate of another root", func(c *card.Config) { c.Roots = []string{file("e.pem", pki.PEM(d.tree.RootECC.Cert))} }, []string{`G4R" does not lead to a root`}},
		{"an empty mark", func(c *card.Config) { c.Organisations[0].SerialPrefixes = []string{" "} }, []string{"any card would do"}},
		{"the same marks twice", func(c *card.Config) {
			c.Organisations = append(c.Organisations, card.Organisation{Authority: "rescue-kanta-hame", Names: []string{"PIRKANMAAN hyvinvointialue"}})
		}, []string{"the same marks"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := d.config("kortti.example")
			tt.edit(&c)
			_, err := card.New(c)
			if tt.want == nil && err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestOrganisations(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija).Cert
	org := func(authority string, names, serials, domains []string) card.Organisation {
		return card.Organisation{Authority: authority, Names: names, SerialPrefixes: serials, UPNDomains: domains}
	}
	pirha := []string{"pirkanmaan  HYVINVOINTIALUE"}
	for _, tt := range []struct {
		name string
		all  []card.Organisation
		want string // "" for nobody's
	}{
		{"by the name, capitals and spaces aside", []card.Organisation{org("p", pirha, nil, nil)}, "p"},
		{"by the number", []card.Organisation{org("p", nil, []string{"900", "1000"}, nil)}, "p"},
		{"by the domain", []card.Organisation{org("p", nil, nil, []string{"PIRHA.example"})}, "p"},
		{"by all of them", []card.Organisation{org("p", pirha, []string{"1000"}, []string{"pirha.example"})}, "p"},
		{"not by a part of them", []card.Organisation{org("p", pirha, []string{"2"}, nil)}, ""},
		{"not by a part of the domain", []card.Organisation{org("p", nil, nil, []string{"example", "ha.example"})}, ""},
		{"not by the middle of the number", []card.Organisation{org("p", nil, []string{"0002"}, nil)}, ""},
		{"twice the same", []card.Organisation{org("p", pirha, nil, nil), org("p", nil, []string{"1"}, nil)}, "p"},
		{"two at once", []card.Organisation{org("p", pirha, nil, nil), org("k", nil, []string{"1"}, nil)}, ""},
		{"the other one", []card.Organisation{org("k", []string{"Kanta-Hämeen hyvinvointialue"}, nil, nil), org("p", pirha, nil, nil)}, "p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := d.config("kortti.example")
			settings.Organisations = tt.all
			p, err := card.New(settings)
			if err != nil {
				t.Fatal(err)
			}
			got, err := finish(t, p, c)
			if tt.want == "" {
				wantRefusal(t, err, identity.NotKnown, nil)
			} else if err != nil || got.Organisation != tt.want {
				t.Errorf("organisation %q (%v), want %q", got.Organisation, err, tt.want)
			}
		})
	}
}

// TestNames: what is shown of a person cannot write over the page.
func TestNames(t *testing.T) {
	d := open(t, nil)
	for _, tt := range []struct {
		name                 string
		edit                 func(*pki.Holder)
		shown, given, family string
		email                string
	}{
		{"a zero byte", func(h *pki.Holder) { h.GivenName = "Mai\x00ja" }, "Mai ja Meriläinen", "Mai ja", "Meriläinen", maija.Email},
		{"marks that turn the writing", func(h *pki.Holder) { h.Surname = "\u202enenialireM\u202c\u200f" }, "Maija nenialireM", "Maija", "nenialireM", maija.Email},
		{"lines", func(h *pki.Holder) { h.GivenName = " Maija\r\nJohanna\t" }, "Maija Johanna Meriläinen", "Maija Johanna", "Meriläinen", maija.Email},
		{"letters in two parts", func(h *pki.Holder) { h.Surname = "Merila\u0308inen" }, "Maija Meriläinen", "Maija", "Meriläinen", maija.Email},
		{"a name without end", func(h *pki.Holder) { h.Surname = strings.Repeat("Ä", 5000) }, "Maija " + strings.Repeat("Ä", 99) + "…", "Maija", strings.Repeat("Ä", 99) + "…", maija.Email},
		{"only the common name", func(h *pki.Holder) {
			h.GivenName, h.Surname, h.CommonName = "", "", "Meriläinen\u200e Maija 100023456K"
		}, "Meriläinen Maija", "", "", maija.Email},
		{"the address is the principal's", func(h *pki.Holder) { h.Email = "" }, "Maija Meriläinen", "Maija", "Meriläinen", maija.UPN},
		{"the address is none", func(h *pki.Holder) { h.Email, h.UPN = "maija\r\nBcc: x@y.example", "" }, "Maija Meriläinen", "Maija", "Meriläinen", ""},
		{"the address has a name", func(h *pki.Holder) { h.Email, h.UPN = "Maija <m@pirha.example>", "" }, "Maija Meriläinen", "Maija", "Meriläinen", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := maija
			tt.edit(&h)
			got, err := d.visit(d.tree.ECC.Card(t, h))
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != tt.shown || got.GivenName != tt.given || got.FamilyName != tt.family || got.Email != tt.email {
				t.Errorf("shown %q, given %q, family %q, e-mail %q", got.Name, got.GivenName, got.FamilyName, got.Email)
			}
		})
	}
}
