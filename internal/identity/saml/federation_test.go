package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/identity/saml"
)

// A federation is metadata of the test's own.
type federation struct {
	aggregate bool
	id        string // "" for a signature over the whole document
	until     time.Time
	cache     string
	members   []member
	signer    *saml.Pair // nil: not signed
	method    string
	change    func(root *etree.Element) // before it is signed
	after     func(root *etree.Element)
}

// A member is an identity provider in metadata.
type member struct {
	id, sso, slo string
	keys         []*saml.Pair
	scopes       []string
	until        time.Time
	name         [3]string // fi, sv, en
}

// suomifiMetadata has the shape of Suomi.fi-tunnistus' own.
func suomifiMetadata() federation {
	return federation{
		id: "_metadata", signer: keys.metadata,
		members: []member{{id: suomifi, sso: idpSSO, slo: idpSLO, keys: []*saml.Pair{keys.idp}, name: [3]string{"Tunnistus", "Identifikation", "Identification"}}},
	}
}

func (f federation) xml(t testing.TB) []byte {
	t.Helper()
	root := etree.NewElement("md:EntitiesDescriptor")
	if !f.aggregate {
		root = f.members[0].element()
	} else {
		for _, m := range f.members {
			root.AddChild(m.element())
		}
	}
	for prefix, namespace := range map[string]string{
		"md": "urn:oasis:names:tc:SAML:2.0:metadata", "mdui": "urn:oasis:names:tc:SAML:metadata:ui", "ds": "http://www.w3.org/2000/09/xmldsig#",
		"shibmd": "urn:mace:shibboleth:metadata:1.0",
	} {
		root.CreateAttr("xmlns:"+prefix, namespace)
	}
	root.SortAttrs()
	set(root, "ID", f.id)
	if !f.until.IsZero() {
		root.CreateAttr("validUntil", stamp(f.until))
	}
	set(root, "cacheDuration", f.cache)
	call(f.change, root)
	if f.signer != nil {
		signElement(t, root, f.signer, f.method)
	}
	call(f.after, root)
	return append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- published by the test -->\n"), bytesOf(t, root)...)
}

func (m member) element() *etree.Element {
	el := etree.NewElement("md:EntityDescriptor")
	el.CreateAttr("entityID", m.id)
	if !m.until.IsZero() {
		el.CreateAttr("validUntil", stamp(m.until))
	}
	role := el.CreateElement("md:IDPSSODescriptor")
	role.CreateAttr("protocolSupportEnumeration", "urn:oasis:names:tc:SAML:2.0:protocol")
	role.CreateAttr("WantAuthnRequestsSigned", "true")
	extensions := role.CreateElement("md:Extensions")
	for _, s := range m.scopes {
		extensions.CreateElement("shibmd:Scope").SetText(s)
	}
	ui := extensions.CreateElement("mdui:UIInfo")
	for i, l := range []string{"fi", "sv", "en"} {
		n := ui.CreateElement("mdui:DisplayName")
		n.CreateAttr("xml:lang", l)
		n.SetText(m.name[i])
	}
	for _, k := range m.keys {
		key := role.CreateElement("md:KeyDescriptor")
		key.CreateAttr("use", "signing")
		key.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").SetText(lines(k.Certificate.Raw))
	}
	for _, binding := range []string{"HTTP-POST", "HTTP-Redirect"} {
		if m.slo != "" {
			s := role.CreateElement("md:SingleLogoutService")
			s.CreateAttr("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:"+binding)
			s.CreateAttr("Location", m.slo)
		}
	}
	role.CreateElement("md:NameIDFormat").SetText(saml.Transient)
	for _, binding := range []string{"HTTP-POST", "HTTP-Redirect"} {
		s := role.CreateElement("md:SingleSignOnService")
		s.CreateAttr("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:"+binding)
		s.CreateAttr("Location", m.sso)
	}
	return el
}

func pinned(pairs ...*saml.Pair) []*x509.Certificate {
	var all []*x509.Certificate
	for _, p := range pairs {
		all = append(all, p.Certificate)
	}
	return all
}

// vouched makes a certificate of the key with this common name, signed by the
// authority.
func vouched(t testing.TB, key *saml.Pair, name string, from, until time.Time, by *saml.Pair) *saml.Pair {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, &key.Key.PublicKey, by.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &saml.Pair{Certificate: c, Key: key.Key}
}

// checkSignature checks what we signed in a query.
func checkSignature(t testing.TB, octets, signature string, by *saml.Pair) {
	t.Helper()
	s, err := url.QueryUnescape(signature)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(octets))
	if err := rsa.VerifyPKCS1v15(&by.Key.PublicKey, crypto.SHA256, sum[:], raw); err != nil {
		t.Errorf("the signature over %s does not verify: %v", octets, err)
	}
}
