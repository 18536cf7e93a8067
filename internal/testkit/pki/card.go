package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"
)

// The policy of the cards of these trees. It is of no real authority.
var Policy = "1.2.246.517.1.999.1"

// A Holder is whom a card is made for, and how it differs from a good one.
type Holder struct {
	GivenName, Surname string
	Serial             string // serialNumber of the subject
	Organisation       string
	CommonName         string // "<surname> <given name> <serial>" unless told
	Email, UPN         string

	NotBefore, NotAfter time.Time // five years around now unless told
	Policies            []string  // Policy unless told

	// Edit changes the template before it is signed.
	Edit func(*x509.Certificate)
}

// A Card is a key and its certificate.
type Card struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	Issuer *Authority
}

// TLS is the card as a client presents it.
func (c Card) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Cert.Raw, c.Issuer.Cert.Raw}, PrivateKey: c.Key, Leaf: c.Cert}
}

// Card issues the certificate for signing in and encryption.
func (a *Authority) Card(t testing.TB, h Holder) Card {
	t.Helper()
	return a.issue(t, h, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment, h.UPN)
}

// Signature issues the card's other certificate, for signing documents.
func (a *Authority) Signature(t testing.TB, h Holder) Card {
	t.Helper()
	return a.issue(t, h, x509.KeyUsageContentCommitment, "")
}

func (a *Authority) issue(t testing.TB, h Holder, usage x509.KeyUsage, upn string) Card {
	t.Helper()
	now := a.home.Now()
	if h.NotBefore.IsZero() {
		h.NotBefore = now.AddDate(-1, 0, 0)
	}
	if h.NotAfter.IsZero() {
		h.NotAfter = now.AddDate(4, 0, 0)
	}
	if h.Policies == nil {
		h.Policies = []string{Policy}
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: h.subject(), NotBefore: h.NotBefore, NotAfter: h.NotAfter,
		KeyUsage: usage, BasicConstraintsValid: true,
	}
	for _, p := range h.Policies {
		oid, err := x509.ParseOID(p)
		if err != nil {
			t.Fatal(err)
		}
		template.Policies = append(template.Policies, oid)
	}
	if san := names(t, h.Email, upn); san != nil {
		template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: san})
	}
	if h.Edit != nil {
		h.Edit(template)
	}
	key := keys["card-ecc"]()
	if _, ok := a.Key.(*rsa.PrivateKey); ok {
		key = keys["card-rsa"]()
	}
	return Card{a.sign(t, template, key.Public()), key, a}
}

// subject is in the order of the cards: country, organisation, names, number.
func (h Holder) subject() pkix.Name {
	if h.CommonName == "" {
		h.CommonName = h.Surname + " " + h.GivenName + " " + h.Serial
	}
	var n pkix.Name
	add := func(id int, value string) {
		if value != "" {
			n.ExtraNames = append(n.ExtraNames, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, id}, Value: value})
		}
	}
	add(6, "FI")
	add(10, h.Organisation)
	add(4, h.Surname)
	add(42, h.GivenName)
	add(5, h.Serial)
	add(3, h.CommonName)
	return n
}

// names writes a subjectAltName of an e-mail address and a user principal
// name, which Windows signs in with.
func names(t testing.TB, email, upn string) []byte {
	t.Helper()
	var all []asn1.RawValue
	if email != "" {
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte(email)})
	}
	if upn != "" {
		id, err := asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		text, err := asn1.MarshalWithParams(upn, "utf8")
		if err != nil {
			t.Fatal(err)
		}
		value, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: text})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: append(id, value...)})
	}
	if all == nil {
		return nil
	}
	der, err := asn1.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
