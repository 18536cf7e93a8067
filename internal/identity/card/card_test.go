package card_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/testkit"
	"luvat/internal/testkit/pki"
)

func TestGoodCards(t *testing.T) {
	d := open(t, nil)
	for _, a := range []*pki.Authority{d.tree.RSA, d.tree.ECC} {
		issuer := a.Cert.Subject.CommonName
		t.Run(issuer, func(t *testing.T) {
			c := a.Card(t, maija)
			got, err := d.visit(c)
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Assertion{
				Issuer: issuer, Subject: issuer + "/100023456K",
				Name: "Maija Meriläinen", GivenName: "Maija", FamilyName: "Meriläinen", Email: "maija.merilainen@pirha.example",
				Organisation: "rescue-pirkanmaa", Level: card.Level, At: testkit.Start,
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(identity.Assertion{}, "Session")); diff != "" {
				t.Errorf("who came (-want +got):\n%s", diff)
			}
			session, err := json.Marshal(got.Session)
			if err != nil {
				t.Fatal(err)
			}
			silent(t, "the session", string(session))
			if err := d.recheck(t.Context(), got); err != nil {
				t.Errorf("the card does not hold after the sign-in: %v", err)
			}
			if byOCSP, forList := a.Asked(); byOCSP != 1 || forList != 0 {
				t.Errorf("asked %d times by OCSP and %d for the list, want once and never", byOCSP, forList)
			}
		})
	}
}

func TestCardsThatAreRefused(t *testing.T) {
	day := 24 * time.Hour
	with := func(edit func(*pki.Holder)) func(t *testing.T, d *door) pki.Card {
		return func(t *testing.T, d *door) pki.Card {
			h := maija
			edit(&h)
			return d.tree.RSA.Card(t, h)
		}
	}
	for _, tt := range []struct {
		name   string
		config func(*card.Config)
		card   func(t *testing.T, d *door) pki.Card
		why    identity.Why
		cause  error
	}{
		{"expired yesterday", nil, with(func(h *pki.Holder) { h.NotAfter = testkit.Start.Add(-day) }), identity.CardRevoked, card.ErrExpired},
		{"in force tomorrow", nil, with(func(h *pki.Holder) { h.NotBefore = testkit.Start.Add(day) }), identity.NotValid, nil},
		{"for signing documents", nil, func(t *testing.T, d *door) pki.Card { return d.tree.RSA.Signature(t, maija) }, identity.NotValid, nil},
		{"with no key usage", nil, with(func(h *pki.Holder) { h.Edit = func(c *x509.Certificate) { c.KeyUsage = 0 } }), identity.NotValid, nil},
		{"for servers only", nil, with(func(h *pki.Holder) {
			h.Edit = func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
		}), identity.NotValid, nil},
		{"an authority's", nil, with(func(h *pki.Holder) {
			h.Edit = func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign }
		}), identity.NotValid, nil},
		{"of the service authority below the same root", nil, func(t *testing.T, d *door) pki.Card { return d.tree.Service.Card(t, maija) }, identity.NotValid, nil},
		{"of the root itself", nil, func(t *testing.T, d *door) pki.Card { return d.tree.RootRSA.Card(t, maija) }, identity.NotValid, nil},
		{"of the test tree", nil, func(t *testing.T, d *door) pki.Card {
			return pki.New(t, pki.Options{Test: true, Now: d.clock.Now}).RSA.Card(t, maija)
		}, identity.NotValid, nil},
		{"of another tree with the same names", nil, func(t *testing.T, d *door) pki.Card {
			return pki.New(t, pki.Options{Forged: true, Now: d.clock.Now}).RSA.Card(t, maija)
		}, identity.NotValid, nil},
		{"of another policy", func(c *card.Config) { c.Policies = []string{"1.2.246.517.1.999.2"} }, with(func(*pki.Holder) {}), identity.NotValid, nil},
		{"of no policy", func(c *card.Config) { c.Policies = []string{pki.Policy} }, with(func(h *pki.Holder) { h.Policies = []string{} }), identity.NotValid, nil},
		{"of an unknown organisation", nil, with(func(h *pki.Holder) { h.Organisation = "Pirkanmaan hyvinvointialue Oy" }), identity.NotKnown, nil},
		{"of no organisation", nil, with(func(h *pki.Holder) { h.Organisation = "" }), identity.NotKnown, nil},
		{"without a number", nil, with(func(h *pki.Holder) { h.Serial = ""; h.CommonName = "x" }), identity.NotValid, nil},
		{"with a number that hides a mark", nil, with(func(h *pki.Holder) { h.Serial = "100\u200e023456K" }), identity.NotValid, nil},
		{"with a name of the employer that hides a mark", nil, with(func(h *pki.Holder) { h.Organisation = "Pirkanmaan hyvinvointialue\u202e" }), identity.NotKnown, nil},
		{"with a zero byte in the employer's name", nil, with(func(h *pki.Holder) { h.Organisation = "Pirkanmaan hyvinvointialue\x00.example" }), identity.NotKnown, nil},
		{"with a broken user principal name", nil, with(func(h *pki.Holder) { h.UPN = "mmerilai@pirha.example\x00" }), identity.NotValid, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, tt.config)
			who, err := d.visit(tt.card(t, d))
			wantRefusal(t, err, tt.why, tt.cause)
			if who != (identity.Assertion{}) {
				t.Error("a refusal comes with an assertion")
			}
		})
	}
}

func TestRightPolicy(t *testing.T) {
	d := open(t, func(c *card.Config) { c.Policies = []string{"2.5.29", pki.Policy} })
	if _, err := d.visit(d.tree.ECC.Card(t, maija)); err != nil {
		t.Error(err)
	}
}

// TestStrictHandshake is of the listener that refuses by itself.
func TestStrictHandshake(t *testing.T) {
	d := open(t, func(c *card.Config) { c.RefuseInWords = false })
	good := d.tree.RSA.Card(t, maija)
	if _, err := d.visit(good); err != nil {
		t.Errorf("a good card: %v", err)
	}
	expired := maija
	expired.NotAfter = testkit.Start.Add(-time.Hour)
	for name, cards := range map[string][]pki.Card{
		"no card":                   nil,
		"an expired one":            {d.tree.RSA.Card(t, expired)},
		"one of the services' tree": {d.tree.Service.Card(t, maija)},
	} {
		if _, err := d.visit(cards...); !errors.Is(err, errHandshake) {
			t.Errorf("%s comes through the handshake: %v", name, err)
		}
	}
	// The certificate for signatures is one of the same issuer: only Finish knows.
	_, err := d.visit(d.tree.RSA.Signature(t, maija))
	wantRefusal(t, err, identity.NotValid, nil)

	if c := d.p.TLSConfig(); c.MinVersion < 0x0303 || !c.SessionTicketsDisabled {
		t.Error("old TLS or session tickets are allowed")
	}
}

func TestNoCard(t *testing.T) {
	d := open(t, nil)
	_, err := d.visit()
	wantRefusal(t, err, identity.Cancelled, nil)
}

// TestTheBrowserOffersCardsOnly: of all that is in the reader, only what the
// issuers of cards signed is asked for.
func TestTheBrowserOffersCardsOnly(t *testing.T) {
	d := open(t, nil)
	if _, err := d.visit(d.tree.Service.Card(t, maija), d.tree.ECC.Card(t, maija)); err != nil {
		t.Error(err)
	}
}

// TestEveryVisitIsAHandshake: the card that was taken out is not believed to be in.
func TestEveryVisitIsAHandshake(t *testing.T) {
	d := open(t, nil)
	cards := []pki.Card{d.tree.RSA.Card(t, maija)}
	client := d.browser(cards...)
	var seen int
	for range 3 {
		answer, err := client.Get(d.begin())
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.TLS.DidResume {
			t.Error("a handshake was left out")
		}
		if answer.ProtoMajor != 1 || !answer.Close {
			t.Errorf("%s, and the connection stays open", answer.Proto)
		}
		seen++
	}
	if seen != 3 {
		t.Errorf("%d visits", seen)
	}
}

func TestBeginning(t *testing.T) {
	d := open(t, nil)
	address, memo, err := d.p.Begin(t.Context(), identity.Beginning{State: "a&b c", Anew: true})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Path != card.Path+"portti-kortti" || u.Query().Get("state") != "a&b c" {
		t.Errorf("the address is %s", address)
	}
	if strings.Contains(string(memo), "a&b") {
		t.Error("the memo has the state in it")
	}
	_, _, err = d.p.Begin(t.Context(), identity.Beginning{State: "s", Silent: true})
	wantRefusal(t, err, identity.NotSilent, nil)
}

func TestAVisitThatIsNotTheOneBegun(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)

	d.state = "state-of-another"
	_, err := d.visit(c)
	wantRefusal(t, err, identity.NotValid, nil)
	d.state = ""

	good := httptest.NewRequest("GET", d.begin(), nil)
	good.TLS.PeerCertificates = []*x509.Certificate{c.Cert}
	d.clock.Move(11 * time.Minute)
	_, err = d.p.Finish(t.Context(), d.memo, good)
	wantRefusal(t, err, identity.TooOld, nil)
	for _, memo := range []string{"", "{}", "null", `{"name":"other"}`, strings.Replace(string(d.memo), "portti-kortti", "virtu-kortti", 1)} {
		_, err = d.p.Finish(t.Context(), []byte(memo), good)
		wantRefusal(t, err, identity.NotValid, nil)
	}

	elsewhere := httptest.NewRequest("GET", d.begin(), nil)
	elsewhere.TLS.PeerCertificates = []*x509.Certificate{c.Cert}
	for _, host := range []string{"luvat.example.fi", "127.0.0.1", "127.0.0.1:1", ""} {
		elsewhere.Host = host
		_, err = d.p.Finish(t.Context(), d.memo, elsewhere)
		wantRefusal(t, err, identity.NotValid, nil)
	}
}

// TestTheAskerGoesAway: what the hub did not find out is no refusal then.
func TestTheAskerGoesAway(t *testing.T) {
	d := open(t, nil)
	r := httptest.NewRequest("GET", d.begin(), nil)
	r.TLS.PeerCertificates = []*x509.Certificate{d.tree.RSA.Card(t, maija).Cert}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.p.Finish(ctx, d.memo, r)
	if _, refused := errors.AsType[*identity.Refusal](err); refused || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
