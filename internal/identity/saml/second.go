package saml

import (
	"crypto/tls"
	"encoding/base64"
	"maps"
	"slices"
	"time"

	saml2 "github.com/russellhaering/gosaml2"
	dsig "github.com/russellhaering/goxmldsig"
)

// secondReader lets gosaml2 read the response from its bytes, on its own, and
// wants the same person from it. The first reader walks through a tree, gosaml2
// fills structs by encoding/xml: what deceives one hardly deceives the other in
// the same way. It sees only what the first has found good, so that its
// leniencies (no InResponseTo, an audience that may lack, panics on a broken
// cipher) do no harm; what it only warns of is an error here.
func (t *taking) secondReader(raw []byte, first reading) error {
	sp := &saml2.SAMLServiceProvider{
		IdentityProviderIssuer:      t.from.id,
		AssertionConsumerServiceURL: t.c.ACS,
		ServiceProviderIssuer:       t.c.EntityID,
		AudienceURI:                 t.c.EntityID,
		IDPCertificateStore:         &dsig.MemoryX509CertificateStore{Roots: t.signers},
		AllowMissingAttributes:      true,
		MaximumDecompressedBodySize: int64(messageGate.bytes),
		Clock:                       dsig.NewFakeClockAt(clamp(t.now, first.from, first.until)),
	}
	if t.opened.Key != nil {
		sp.SPKeyStore = dsig.TLSCertKeyStore(tls.Certificate{Certificate: [][]byte{t.opened.Certificate.Raw}, PrivateKey: t.opened.Key})
	}
	second, err := sp.RetrieveAssertionInfo(base64.StdEncoding.EncodeToString(raw))
	if err != nil || second.WarningInfo == nil || second.WarningInfo.InvalidTime || second.WarningInfo.NotInAudience {
		return readersDisagree
	}
	if len(second.Assertions) != 1 || second.Assertions[0].ID != first.id ||
		second.NameID != first.session.NameID || second.SessionIndex != first.session.SessionIndex ||
		!slices.Equal(slices.Sorted(maps.Keys(second.Values)), slices.Sorted(maps.Keys(first.attributes))) {
		return readersDisagree
	}
	for name, values := range first.attributes {
		if got := second.Values.GetAll(name); len(values) == len(second.Values[name].Values) && !slices.Equal(got, values) {
			return readersDisagree
		}
	}
	return nil
}

// clamp moves a moment into the span in which the first reader has found, by a
// clock that may be off, that it lies: gosaml2 knows of no skew.
func clamp(now, from, until time.Time) time.Time {
	if now.Before(from) {
		return from
	}
	if !now.Before(until) {
		return until.Add(-time.Nanosecond)
	}
	return now
}
