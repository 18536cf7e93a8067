package card

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// A list is a CRL as it is remembered.
type list struct {
	words
	scope
	revoked map[string]struct{} // serial numbers, in their bytes
}

// scope is of which certificates a list tells.
type scope struct {
	addresses         []string // of the certificates that point to it; nil for all
	onlyUsers, onlyCA bool
}

func listKey(issuer *x509.Certificate, address string) string {
	return fingerprint(issuer) + " " + address
}

// covers tells whether the list says anything of the certificate.
func (l scope) covers(s subject) bool {
	return !(l.onlyUsers && s.ca) && !(l.onlyCA && !s.ca) &&
		(l.addresses == nil || slices.ContainsFunc(l.addresses, func(a string) bool { return slices.Contains(s.points, a) }))
}

func (l list) status(s subject) status {
	if _, ok := l.revoked[number(s.serial)]; ok {
		return revoked
	}
	return good
}

// number is a serial number as a key, with its sign.
func number(n *big.Int) string { return string(rune('1'+n.Sign())) + string(n.Bytes()) }

// askCRL fetches the list at the address and remembers it. The error is nil
// only when it holds now and tells of the certificate.
func (c *checker) askCRL(ctx context.Context, s subject, address string) error {
	asked := c.now()
	c.mu.Lock()
	l, ok := c.lists[listKey(s.issuer, address)]
	c.mu.Unlock()
	if ok && l.young(asked, c.Refresh) && l.holds(asked, c.Revocation, 0) && l.covers(s) {
		return nil
	}
	b, err := c.fetch.get(ctx, address)
	if err != nil {
		return err
	}
	if l, err = readCRL(b, s.issuer); err != nil {
		return err
	}
	l.asked = asked
	c.mu.Lock()
	err = remember(c.lists, listKey(s.issuer, address), l, maxLists)
	c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case !l.holds(c.now(), c.Revocation, 0):
		return errors.New("the CRL is stale")
	case !l.covers(s):
		return errors.New("the CRL is of other certificates")
	}
	return nil
}

var oidScope = asn1.ObjectIdentifier{2, 5, 29, 28} // issuingDistributionPoint

// readCRL reads and verifies a list of the issuer.
func readCRL(b []byte, issuer *x509.Certificate) (list, error) {
	parsed, err := x509.ParseRevocationList(b)
	switch {
	case err != nil:
		return list{}, errors.New("the CRL does not parse")
	case !bytes.Equal(parsed.RawIssuer, issuer.RawSubject) || parsed.CheckSignatureFrom(issuer) != nil:
		return list{}, errors.New("the CRL is not signed by the issuer")
	case parsed.NextUpdate.IsZero():
		return list{}, errors.New("the CRL does not say until when it holds")
	}
	l := list{words: words{this: parsed.ThisUpdate, next: parsed.NextUpdate}, revoked: make(map[string]struct{}, len(parsed.RevokedCertificateEntries))}
	for _, e := range parsed.Extensions {
		if e.Id.Equal(oidScope) {
			if l.scope, err = readScope(e.Value); err != nil {
				return list{}, err
			}
		} else if e.Critical { // a delta, or what nobody has heard of
			return list{}, errors.New("the CRL is not a whole one, or of an unknown kind")
		}
	}
	for _, e := range parsed.RevokedCertificateEntries {
		if slices.ContainsFunc(e.Extensions, func(x pkix.Extension) bool { return x.Critical }) {
			return list{}, errors.New("the CRL has entries of an unknown kind")
		}
		l.revoked[number(e.SerialNumber)] = struct{}{}
	}
	return l, nil
}

// readScope reads an IssuingDistributionPoint (RFC 5280, 5.2.5). Lists of other
// issuers' certificates, of some reasons only, or of attribute certificates
// cannot say that a certificate is good.
func readScope(b []byte) (scope, error) {
	bad := errors.New("the CRL is of an unknown scope")
	in := cryptobyte.String(b)
	var seq, point cryptobyte.String
	var named bool
	var l scope
	if !in.ReadASN1(&seq, der.SEQUENCE) || !in.Empty() || !seq.ReadOptionalASN1(&point, &named, der.Tag(0).ContextSpecific().Constructed()) {
		return scope{}, bad
	}
	if named {
		var full cryptobyte.String
		if !point.ReadASN1(&full, der.Tag(0).ContextSpecific().Constructed()) || !point.Empty() {
			return scope{}, bad
		}
		l.addresses = []string{}
		for !full.Empty() {
			var name cryptobyte.String
			var tag der.Tag
			if !full.ReadAnyASN1(&name, &tag) {
				return scope{}, bad
			}
			if tag == der.Tag(6).ContextSpecific() {
				l.addresses = append(l.addresses, string(name))
			}
		}
	}
	for !seq.Empty() {
		var value cryptobyte.String
		var tag der.Tag
		if !seq.ReadAnyASN1(&value, &tag) {
			return scope{}, bad
		}
		yes := len(value) == 1 && value[0] != 0
		switch tag {
		case der.Tag(1).ContextSpecific():
			l.onlyUsers = yes
		case der.Tag(2).ContextSpecific():
			l.onlyCA = yes
		default: // onlySomeReasons, indirectCRL, onlyContainsAttributeCerts
			if yes || tag == der.Tag(3).ContextSpecific() {
				return scope{}, bad
			}
		}
	}
	return l, nil
}
