package card_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/testkit/pki"
)

// TestRevocation is what a first visit finds out, with nothing remembered.
func TestRevocation(t *testing.T) {
	const hour = time.Hour
	silentOCSP := func(o *pki.Answer) { o.Said = pki.Silent }
	scope := func(parts ...byte) pkix.Extension {
		return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: append([]byte{0x30, byte(len(parts))}, parts...)}
	}
	for _, tt := range []struct {
		name  string
		set   func(t *testing.T, d *door, c pki.Card)
		cause error // nil: the card is good
	}{
		{"good by OCSP", func(*testing.T, *door, pki.Card) {}, nil},
		{"revoked by OCSP", func(_ *testing.T, d *door, c pki.Card) { d.tree.RSA.Revoke(c.Cert) }, card.ErrRevoked},
		{"OCSP silent, good by the list", func(_ *testing.T, d *door, _ pki.Card) { d.tree.RSA.OnOCSP(silentOCSP) }, nil},
		{"OCSP silent, revoked by the list", func(_ *testing.T, d *door, c pki.Card) {
			d.tree.RSA.OnOCSP(silentOCSP)
			d.tree.RSA.RevokeInList(c.Cert)
		}, card.ErrRevoked},
		{"both silent", func(_ *testing.T, d *door, _ pki.Card) { d.tree.RSA.Silence() }, card.ErrUnchecked},
		{"the issuer was revoked", func(_ *testing.T, d *door, _ pki.Card) { d.tree.RootRSA.Revoke(d.tree.RSA.Cert) }, card.ErrRevoked},
		{"the issuer was revoked, by the list", func(_ *testing.T, d *door, _ pki.Card) {
			d.tree.RootRSA.OnOCSP(silentOCSP)
			d.tree.RootRSA.RevokeInList(d.tree.RSA.Cert)
		}, card.ErrRevoked},
		{"nobody tells of the issuer", func(_ *testing.T, d *door, _ pki.Card) { d.tree.RootRSA.Silence() }, card.ErrUnchecked},
		{"OCSP does not know the card", func(_ *testing.T, d *door, c pki.Card) { d.tree.RSA.Forget(c.Cert) }, card.ErrUnknown},

		// Answers that are none. The list says that the card is revoked, so that
		// whoever believes the answer is found out.
		{"OCSP signed by another key", listed(func(d *door, o *pki.Answer) { o.Signer = d.tree.RootRSA.Key }), card.ErrRevoked},
		{"OCSP signed with a card", func(t *testing.T, d *door, c pki.Card) {
			d.tree.RSA.RevokeInList(c.Cert)
			d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Certificate, o.Signer = c.Cert, c.Key })
		}, card.ErrRevoked},
		{"OCSP signed by a responder of the other authority", byResponder(func(d *door) *pki.Authority { return d.tree.Service }, nil), card.ErrRevoked},
		{"OCSP signed by a responder that has expired", byResponder(nil, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Minute) }), card.ErrRevoked},
		{"OCSP signed by a responder for servers", byResponder(nil, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), card.ErrRevoked},
		{"OCSP signed by a responder for everything", byResponder(nil, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), card.ErrRevoked},
		{"OCSP of the same number of another issuer", listed(func(d *door, o *pki.Answer) { o.Of, o.Signer = d.tree.Service.Cert, d.tree.RSA.Key }), card.ErrRevoked},
		{"OCSP of another number", listed(func(d *door, o *pki.Answer) { o.SerialNumber = d.tree.RSA.Cert.SerialNumber }), card.ErrRevoked},
		{"OCSP that is stale", listed(func(d *door, o *pki.Answer) { o.NextUpdate = d.clock.Now().Add(-time.Minute) }), card.ErrRevoked},
		{"OCSP of tomorrow", listed(func(d *door, o *pki.Answer) {
			o.ThisUpdate = d.clock.Now().Add(24 * hour)
			o.NextUpdate = o.ThisUpdate.Add(hour)
		}), card.ErrRevoked},
		{"OCSP without an end, of last week", listed(func(d *door, o *pki.Answer) {
			o.ThisUpdate, o.NextUpdate = d.clock.Now().Add(-7*24*hour), time.Time{}
		}), card.ErrRevoked},
		{"OCSP that is busy", listed(func(_ *door, o *pki.Answer) { o.Said = pki.Reply{Body: ocsp.TryLaterErrorResponse} }), card.ErrRevoked},
		{"OCSP that is no answer", listed(func(_ *door, o *pki.Answer) { o.Said = pki.Reply{Body: []byte("<html>Hei</html>")} }), card.ErrRevoked},
		{"OCSP without end", listed(func(_ *door, o *pki.Answer) { o.Said = pki.Reply{Body: bytes.Repeat([]byte{0x30}, 1<<20)} }), card.ErrRevoked},
		{"OCSP that leads elsewhere", listed(func(d *door, o *pki.Answer) {
			o.Said = pki.Reply{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {d.tree.ECC.OCSPAddress()}}}
		}), card.ErrRevoked},

		{"OCSP by a responder of the issuer", byResponder(nil, nil), nil},
		{"OCSP without an end, of now", listed(func(_ *door, o *pki.Answer) { o.NextUpdate = time.Time{} }), nil},

		// Lists that are none.
		{"a stale list", onlyList(func(d *door, l *pki.List) { l.NextUpdate = d.clock.Now().Add(-time.Second) }), card.ErrUnchecked},
		{"a list of tomorrow", onlyList(func(d *door, l *pki.List) { l.ThisUpdate = d.clock.Now().Add(hour) }), card.ErrUnchecked},
		{"a list signed by another key", onlyList(func(d *door, l *pki.List) {
			l.By, l.Signer = withKey(d.tree.RSA.Cert, d.tree.Service.Cert), d.tree.Service.Key
		}), card.ErrUnchecked},
		{"a list of another authority", onlyList(func(d *door, l *pki.List) { l.By, l.Signer = d.tree.Service.Cert, d.tree.Service.Key }), card.ErrUnchecked},
		{"a list in another name", onlyList(func(d *door, l *pki.List) {
			l.By, l.Signer = withKey(d.tree.Service.Cert, d.tree.RSA.Cert), d.tree.RSA.Key
		}), card.ErrUnchecked},
		{"a delta of a list", onlyList(func(_ *door, l *pki.List) {
			l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
		}), card.ErrUnchecked},
		{"a list of authorities", onlyList(func(_ *door, l *pki.List) { l.ExtraExtensions = []pkix.Extension{scope(0x82, 1, 0xff)} }), card.ErrUnchecked},
		{"a list of cards", onlyList(func(_ *door, l *pki.List) { l.ExtraExtensions = []pkix.Extension{scope(0x81, 1, 0xff)} }), nil},
		{"a list of some reasons", onlyList(func(_ *door, l *pki.List) { l.ExtraExtensions = []pkix.Extension{scope(0x83, 2, 1, 2)} }), card.ErrUnchecked},
		{"a list of others' certificates", onlyList(func(_ *door, l *pki.List) { l.ExtraExtensions = []pkix.Extension{scope(0x84, 1, 0xff)} }), card.ErrUnchecked},
		{"a list of another address", onlyList(func(_ *door, l *pki.List) {
			l.ExtraExtensions = []pkix.Extension{scope(append([]byte{0xa0, 12, 0xa0, 10, 0x86, 8}, "http://x"...)...)}
		}), card.ErrUnchecked},
		{"a list of the card's address", onlyList(func(d *door, l *pki.List) {
			own := d.tree.RSA.CRLAddress()
			n := byte(len(own))
			l.ExtraExtensions = []pkix.Extension{scope(append([]byte{0xa0, n + 4, 0xa0, n + 2, 0x86, n}, own...)...)}
		}), nil},
		{"a list that is none", onlyList(func(_ *door, l *pki.List) { l.Said = pki.Reply{Body: []byte{0x30, 0x80}} }), card.ErrUnchecked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, nil)
			c := d.tree.RSA.Card(t, maija)
			tt.set(t, d, c)
			_, err := d.visit(c)
			if tt.cause != nil {
				wantRefusal(t, err, identity.CardRevoked, tt.cause)
			} else if err != nil {
				t.Error(err)
			}
			if byOCSP, _ := d.tree.ECC.Asked(); byOCSP != 0 {
				t.Error("somebody else was asked")
			}
		})
	}
}

// listed lets OCSP be changed, of a card that the list knows to be revoked.
func listed(change func(*door, *pki.Answer)) func(*testing.T, *door, pki.Card) {
	return func(_ *testing.T, d *door, c pki.Card) {
		d.tree.RSA.RevokeInList(c.Cert)
		d.tree.RSA.OnOCSP(func(o *pki.Answer) { change(d, o) })
	}
}

// byResponder lets somebody that an authority has named answer.
func byResponder(of func(*door) *pki.Authority, edit func(*x509.Certificate)) func(*testing.T, *door, pki.Card) {
	return func(t *testing.T, d *door, c pki.Card) {
		a := d.tree.RSA
		if of != nil {
			a = of(d)
		}
		cert, key := a.Responder(t, edit)
		d.tree.RSA.RevokeInList(c.Cert)
		d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Certificate, o.Signer = cert, key })
	}
}

// onlyList lets the list be changed while OCSP is silent.
func onlyList(change func(*door, *pki.List)) func(*testing.T, *door, pki.Card) {
	return func(_ *testing.T, d *door, _ pki.Card) {
		d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Said = pki.Silent })
		d.tree.RSA.OnCRL(func(l *pki.List) { change(d, l) })
	}
}

// withKey is a certificate in the name of one authority with another's key.
func withKey(name, key *x509.Certificate) *x509.Certificate {
	both := *name
	both.PublicKey = key.PublicKey
	return &both
}

// TestAResponderThatWasRevoked: who answers for the issuer is looked up too,
// unless its certificate says that there is no need. The answer here is that
// the card was revoked; the list knows nothing of that.
func TestAResponderThatWasRevoked(t *testing.T) {
	for _, tt := range []struct {
		name  string
		set   func(d *door, by *x509.Certificate)
		cause error
	}{
		{"in force", func(*door, *x509.Certificate) {}, card.ErrRevoked},
		{"revoked", func(d *door, by *x509.Certificate) { d.tree.RSA.RevokeInList(by) }, nil},
		{"not to be looked up", func(d *door, _ *x509.Certificate) { d.tree.RSA.OnCRL(func(l *pki.List) { l.Said = pki.Silent }) }, card.ErrUnchecked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, nil)
			c := d.tree.RSA.Card(t, maija)
			by, key := d.tree.RSA.Responder(t, func(c *x509.Certificate) { c.ExtraExtensions = nil })
			d.tree.RSA.OnOCSP(func(o *pki.Answer) { o.Status, o.Certificate, o.Signer = ocsp.Revoked, by, key })
			tt.set(d, by)
			_, err := d.visit(c)
			if tt.cause != nil {
				wantRefusal(t, err, identity.CardRevoked, tt.cause)
			} else if err != nil {
				t.Errorf("a responder that was revoked is believed: %v", err)
			}
		})
	}
}

// TestNoAddressButOurs: what stands in a certificate does not make the hub
// visit anybody who is not known.
func TestNoAddressButOurs(t *testing.T) {
	for name, address := range map[string]string{
		"another port": "http://127.0.0.1:1/x", "another host": "http://metadata.example/x", "a file": "file:///etc/passwd",
		"with a name in front": "http://RESPONDER@metadata.example/", "with a password": "http://a:b@RESPONDER/x", "LDAP": "ldap://RESPONDER/cn=x", "TLS": "https://RESPONDER/x", "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, func(c *card.Config) { c.HTTP = &http.Client{Transport: noRoad{t}} })
			h := maija
			h.Edit = func(c *x509.Certificate) {
				to := []string{strings.ReplaceAll(address, "RESPONDER", d.tree.Host())}
				c.OCSPServer, c.CRLDistributionPoints = to, to
			}
			_, err := d.visit(d.tree.RSA.Card(t, h))
			wantRefusal(t, err, identity.CardRevoked, card.ErrUnchecked)
		})
	}
	t.Run("a stranger's certificate", func(t *testing.T) {
		d := open(t, func(c *card.Config) { c.HTTP = &http.Client{Transport: noRoad{t}} })
		_, err := d.visit(pki.New(t, pki.Options{Forged: true, Now: d.clock.Now}).ECC.Card(t, maija))
		wantRefusal(t, err, identity.NotValid, nil)
	})
}

// noRoad fails the test when anybody is visited.
type noRoad struct{ t *testing.T }

func (n noRoad) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("the hub visits %s", r.URL)
	return nil, errors.New("no road")
}

func TestAddressesFromTheConfiguration(t *testing.T) {
	d := open(t, nil)
	h := maija
	h.Edit = func(c *x509.Certificate) {
		c.OCSPServer, c.CRLDistributionPoints = []string{"http://ocsp.example/gone"}, []string{"http://crl.example/gone"}
	}
	c := d.tree.RSA.Card(t, h)
	for name, from := range map[string]card.Source{
		"both": {OCSP: d.tree.RSA.OCSPAddress(), CRL: d.tree.RSA.CRLAddress()}, "only the list": {CRL: d.tree.RSA.CRLAddress()},
	} {
		settings := d.config("kortti.example")
		settings.Responders = []string{"ocsp.example"}
		settings.Instead = map[string]card.Source{
			d.tree.RSA.Cert.Subject.CommonName: from, d.tree.RootRSA.Cert.Subject.CommonName: {CRL: d.tree.RootRSA.CRLAddress()},
		}
		p, err := card.New(settings)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := finish(t, p, c.Cert); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
