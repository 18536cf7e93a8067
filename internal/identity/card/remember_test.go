package card_test

import (
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/testkit/pki"
)

// finish signs in without a listener, as if the handshake had been.
func finish(t testing.TB, p *card.Provider, cert *x509.Certificate) (identity.Assertion, error) {
	t.Helper()
	address, memo, err := p.Begin(t.Context(), identity.Beginning{State: "state"})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", address, nil)
	r.TLS.PeerCertificates = []*x509.Certificate{cert}
	return p.Finish(t.Context(), memo, r)
}

// TestALeaver: the card is revoked while its holder is signed in.
func TestALeaver(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)
	who, err := d.visit(c)
	if err != nil {
		t.Fatal(err)
	}
	d.tree.RSA.Revoke(c.Cert)
	for minute := 1; ; minute++ {
		d.clock.Move(time.Minute)
		err = d.recheck(t.Context(), who)
		if minute >= 5 {
			break
		}
		if err != nil {
			t.Fatalf("after %d minutes: %v; what was just asked is asked again", minute, err)
		}
	}
	wantRefusal(t, err, identity.CardRevoked, card.ErrRevoked)
	if asked, _ := d.tree.RSA.Asked(); asked != 2 {
		t.Errorf("asked %d times, want twice in five minutes", asked)
	}
	_, err = d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrRevoked)

	// An old word does not take the place of the newer one.
	old := d.clock.Now().Add(-20 * time.Minute)
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Status, o.ThisUpdate = ocsp.Good, old })
	d.tree.RSA.OnCRL(func(l *pki.List) { l.RevokedCertificateEntries, l.ThisUpdate = nil, old })
	d.clock.Move(6 * time.Minute)
	wantRefusal(t, d.recheck(t.Context(), who), identity.CardRevoked, card.ErrRevoked)

	// The newest word counts: the card was only suspended.
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Status = ocsp.Good })
	d.clock.Move(6 * time.Minute)
	if err := d.recheck(t.Context(), who); err != nil {
		t.Error(err)
	}
}

func TestRecheckAfterARestart(t *testing.T) {
	d := open(t, nil)
	c := d.tree.ECC.Card(t, maija)
	who, err := d.visit(c)
	if err != nil {
		t.Fatal(err)
	}
	again := func(edit func(*card.Config)) *card.Provider {
		settings := d.config("kortti.example")
		if edit != nil {
			edit(&settings)
		}
		p, err := card.New(settings)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if err := again(nil).Recheck(t.Context(), who.Session); err != nil {
		t.Errorf("another node does not know the card: %v", err)
	}
	onlyRSA := again(func(c *card.Config) { c.Issuers = []string{d.tree.RSA.Cert.Subject.CommonName} })
	wantRefusal(t, onlyRSA.Recheck(t.Context(), who.Session), identity.NotValid, nil)

	d.tree.RootECC.Revoke(d.tree.ECC.Cert)
	wantRefusal(t, again(nil).Recheck(t.Context(), who.Session), identity.CardRevoked, card.ErrRevoked)

	d.clock.Move(5 * 366 * 24 * time.Hour)
	wantRefusal(t, d.recheck(t.Context(), who), identity.CardRevoked, card.ErrExpired)

	for _, index := range []string{"", "{}", "_be1", `{"issuer":"x","serial":"zz"}`, `{"serial":"` + strings.Repeat("f", 100) + `"}`} {
		err := d.p.Recheck(t.Context(), identity.ProviderSession{SessionIndex: index})
		if err == nil {
			t.Errorf("the session %q holds", index)
		}
	}
}

// TestTheRespondersGoAway: the last answer holds until its end, and not longer.
func TestTheRespondersGoAway(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*card.Config)
		list  bool // OCSP was silent already
		good  time.Duration
		bad   time.Duration
		warns bool
	}{
		{"OCSP holds until nextUpdate", nil, false, 59 * time.Minute, 61 * time.Minute, false},
		{"a list holds until nextUpdate", nil, true, 23*time.Hour + 59*time.Minute, 24*time.Hour + time.Minute, false},
		{"no longer than it is kept", func(c *card.Config) { c.Keep = 2 * time.Hour }, true, 119 * time.Minute, 121 * time.Minute, false},
		{"with grace", func(c *card.Config) { c.Grace = 3 * time.Hour }, false, 3*time.Hour + 59*time.Minute, 4*time.Hour + time.Minute, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, tt.edit)
			quiet := func(o *pki.Answer) { o.Said = pki.Silent }
			if tt.list {
				d.tree.RSA.OnOCSP(quiet)
			}
			c := d.tree.RSA.Card(t, maija)
			who, err := d.visit(c)
			if err != nil {
				t.Fatal(err)
			}
			d.tree.RSA.Silence()
			d.clock.Move(tt.good)
			if _, err := d.visit(c); err != nil {
				t.Errorf("after %v: %v", tt.good, err)
			}
			if err := d.recheck(t.Context(), who); err != nil {
				t.Errorf("after %v: %v", tt.good, err)
			}
			if warned := strings.Contains(d.logged(), "grace period"); warned != tt.warns {
				t.Errorf("the log speaks of grace: %v, want %v", warned, tt.warns)
			}
			d.clock.Move(tt.bad - tt.good)
			_, err = d.visit(c)
			wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
			wantRefusal(t, d.recheck(t.Context(), who), identity.CardRevoked, card.ErrUnchecked)
			if !strings.Contains(d.logged(), "revocation cannot be checked") {
				t.Error("the log does not tell")
			}
		})
	}
}

// TestNoGraceForAStranger: grace prolongs an answer, it does not make one.
func TestNoGraceForAStranger(t *testing.T) {
	d := open(t, func(c *card.Config) { c.Grace = 24 * time.Hour })
	d.tree.RSA.Silence()
	_, err := d.visit(d.tree.RSA.Card(t, maija))
	wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
}

// TestRevokedStaysRevoked: an answer that a card is revoked does not end with
// OCSP, when the list is older and knows nothing yet.
func TestRevokedStaysRevoked(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)
	d.tree.RSA.Revoke(c.Cert)
	_, err := d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrRevoked)

	old := d.clock.Now().Add(-time.Hour)
	d.tree.RSA.Silence()
	d.tree.RSA.OnCRL(func(l *pki.List) { l.RevokedCertificateEntries, l.ThisUpdate = nil, old })
	d.clock.Move(10 * time.Minute)
	_, err = d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrRevoked)
}

// TestAnOldAnswerThatOutlivesANewer: it is not believed, and the list is asked.
func TestAnOldAnswerThatOutlivesANewer(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)
	d.tree.RSA.Revoke(c.Cert)
	_, err := d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrRevoked)

	old := d.clock.Now().Add(-time.Hour)
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Status, o.ThisUpdate, o.NextUpdate = ocsp.Good, old, old.Add(24*time.Hour) })
	d.clock.Move(2 * time.Hour)
	_, err = d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrRevoked)
	d.tree.RSA.OnCRL(func(l *pki.List) { l.Said = pki.Silent })
	d.clock.Move(25 * time.Hour)
	_, err = d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
}

// TestTheListIsNewer: what OCSP said before it fell silent does not outlive a
// newer list.
func TestTheListIsNewer(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)
	who, err := d.visit(c)
	if err != nil {
		t.Fatal(err)
	}
	d.tree.RSA.Revoke(c.Cert)
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Said = pki.Silent })
	d.clock.Move(10 * time.Minute)
	wantRefusal(t, d.recheck(t.Context(), who), identity.CardRevoked, card.ErrRevoked)
}

// TestAClockThatWasAhead: an answer of tomorrow does not keep out those of today.
func TestAClockThatWasAhead(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)
	d.tree.RSA.OnOCSP(func(o *pki.Answer) {
		o.ThisUpdate = d.clock.Now().Add(24 * time.Hour)
		o.NextUpdate = o.ThisUpdate.Add(time.Hour)
	})
	d.tree.RSA.OnCRL(func(l *pki.List) { l.Said = pki.Silent })
	_, err := d.visit(c)
	wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
	d.tree.RSA.OnOCSP(nil)
	if _, err := d.visit(c); err != nil {
		t.Error(err)
	}
}

// TestASilentResponderIsLeftAlone: not everybody waits for it anew.
func TestASilentResponderIsLeftAlone(t *testing.T) {
	d := open(t, nil)
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Said = pki.Silent })
	for range 3 {
		if _, err := d.visit(d.tree.RSA.Card(t, maija)); err != nil {
			t.Fatal(err)
		}
	}
	if byOCSP, forList := d.tree.RSA.Asked(); byOCSP != 1 || forList != 1 {
		t.Errorf("asked %d times by OCSP and %d for the list, want once each", byOCSP, forList)
	}
	d.tree.ECC.Silence()
	for range 3 {
		_, err := d.visit(d.tree.ECC.Card(t, maija))
		wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
	}
	if n := strings.Count(d.logged(), "revocation cannot be checked"); n != 1 {
		t.Errorf("the log says it %d times within a minute", n)
	}
	if byOCSP, forList := d.tree.ECC.Asked(); byOCSP != 1 || forList != 1 {
		t.Errorf("asked two silent ones %d and %d times, want once each", byOCSP, forList)
	}
	d.tree.RSA.OnOCSP(nil)
	d.clock.Move(6 * time.Minute)
	if _, err := d.visit(d.tree.RSA.Card(t, maija)); err != nil {
		t.Fatal(err)
	}
	if byOCSP, _ := d.tree.RSA.Asked(); byOCSP != 2 {
		t.Errorf("asked %d times by OCSP, want once more", byOCSP)
	}
}

// TestPatience: a responder that says nothing at all does not hold people up.
func TestPatience(t *testing.T) {
	d := open(t, func(c *card.Config) { c.Patience = 100 * time.Millisecond })
	end := make(chan struct{})
	defer close(end)
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Said = pki.Reply{Wait: end} })
	_, err := d.visit(d.tree.RSA.Card(t, maija))
	wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
}

// TestTogether: many who come at once ask once.
func TestTogether(t *testing.T) {
	d := open(t, nil)
	c := d.tree.RSA.Card(t, maija)
	begin := make(chan struct{})
	d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Said = pki.Reply{Wait: begin} })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := finish(t, d.p, c.Cert); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	all.Wait()
	if byOCSP, _ := d.tree.RSA.Asked(); byOCSP != 1 {
		t.Errorf("asked %d times, want once", byOCSP)
	}
}
