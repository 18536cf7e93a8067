package saml_test

import (
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
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
	if told := b.log.String(); strings.Count(told, "saml identity provider not usable") != 1 || !strings.Contains(told, vero) {
		t.Errorf("logged: %s", told)
	}
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
