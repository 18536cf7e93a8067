package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// Algorithms that may be used. SHA-1 is not among them; nor is HMAC, whose key
// would be the public certificate; nor any canonicalisation that keeps comments.
var (
	signatureMethods = []string{dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod}
	digestMethods    = []string{
		"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
	}
	enveloped = string(dsig.EnvelopedSignatureAltorithmId)
	exclusive = string(dsig.CanonicalXML10ExclusiveAlgorithmId)
)

// leastBits is the size of the smallest RSA key that is trusted.
const leastBits = 2048

// trustworthy tells whether a certificate's key is of a kind that may sign.
func trustworthy(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() >= leastBits
}

// inForce tells whether a certificate may be used now. That metadata names it is
// not enough: a provider that lets its certificate end has forgotten its keys.
func inForce(c *x509.Certificate, now time.Time) bool {
	return trustworthy(c) && !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// A signed element is what a signature covers, read anew from the very bytes
// that were hashed. Nothing else of the message is looked at afterwards.
type signed struct {
	*etree.Element
	by *x509.Certificate
}

// verify checks the enveloped signature sig of el with the certificates, which
// come from elsewhere: a key or certificate that the message brings along is a
// hint at most, so KeyInfo is taken away before. whole allows the reference to
// the whole document, "", that metadata may have.
func verify(el, sig *etree.Element, certs []*x509.Certificate, now time.Time, whole bool) (signed, error) {
	if err := signatureShape(sig, attr(el, "ID"), whole); err != nil {
		return signed{}, err
	}
	alone, err := detach(el)
	if err != nil {
		return signed{}, err
	}
	copied, ok := alone.Child[sig.Index()].(*etree.Element)
	if !ok || !is(copied, "ds:Signature") {
		return signed{}, misshapen
	}
	for _, info := range copied.ChildElements() {
		if info.Tag == dsig.KeyInfoTag {
			copied.RemoveChild(info)
		}
	}
	for _, c := range certs {
		if !inForce(c, now) {
			continue
		}
		context := &dsig.ValidationContext{
			CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{c}},
			IdAttribute:      dsig.DefaultIdAttr,
			Clock:            dsig.NewFakeClockAt(now),
		}
		covered, err := context.Validate(alone)
		if err != nil {
			continue
		}
		if covered == nil || covered.Tag != el.Tag || covered.NamespaceURI() != el.NamespaceURI() || attr(covered, "ID") != attr(el, "ID") {
			return signed{}, otherSigned
		}
		return signed{covered, c}, nil
	}
	return signed{}, badSignature
}

// detach returns a copy of el that stands alone, with the namespaces that were
// declared around it.
func detach(el *etree.Element) (*etree.Element, error) {
	if el.Parent() == nil || el.Parent().Parent() == nil && el.Parent().Tag == "" {
		return el.Copy(), nil // the root of a document
	}
	around, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, undeclared
	}
	alone, err := etreeutils.NSDetatch(around, el)
	if err != nil {
		return nil, tooDeep
	}
	return alone, nil
}

// signatureShape checks that a signature has one reference, to the element it
// stands in, and only algorithms that are allowed. It has no Object, in which
// wrapped content likes to hide.
func signatureShape(sig *etree.Element, id string, whole bool) error {
	parts, err := shape(sig, "ds:SignedInfo", "ds:SignatureValue", "ds:KeyInfo?")
	if err != nil {
		return err
	}
	info, err := shape(parts[0][0], "ds:CanonicalizationMethod", "ds:SignatureMethod", "ds:Reference")
	if err != nil {
		return err
	}
	reference := info[2][0]
	ref, err := shape(reference, "ds:Transforms", "ds:DigestMethod", "ds:DigestValue")
	if err != nil {
		return err
	}
	if uri := attr(reference, "URI"); uri != "#"+id || id == "" {
		if !whole || uri != "" || reference.SelectAttr("URI") == nil {
			return otherSigned
		}
	}
	if attr(info[0][0], "Algorithm") != exclusive || len(info[0][0].ChildElements()) > 0 ||
		!slices.Contains(signatureMethods, attr(info[1][0], "Algorithm")) || len(info[1][0].ChildElements()) > 0 ||
		!slices.Contains(digestMethods, attr(ref[1][0], "Algorithm")) {
		return weakSignature
	}
	return transformsShape(ref[0][0])
}

// transformsShape: the signature taken out, then exclusive canonicalisation.
// Any other transform could make the signature cover less than it seems to.
func transformsShape(el *etree.Element) error {
	parts, err := shape(el, "ds:Transform", "ds:Transform")
	if err != nil {
		return err
	}
	first, second := parts[0][0], parts[1][0]
	if attr(first, "Algorithm") != enveloped || len(first.Child) > 0 || attr(second, "Algorithm") != exclusive {
		return weakSignature
	}
	_, err = shape(second, "ec:InclusiveNamespaces?")
	return err
}

// keyInfoCertificates returns the certificates that a signature brings along.
func keyInfoCertificates(sig *etree.Element) []*x509.Certificate {
	var all []*x509.Certificate
	for _, el := range sig.FindElements("./KeyInfo/X509Data/X509Certificate") {
		if c, err := certificate(el); err == nil {
			all = append(all, c)
		}
	}
	return all
}

func certificate(el *etree.Element) (*x509.Certificate, error) {
	der, err := unbase64(el)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// unbase64 reads the text of an element, which may be broken into lines.
func unbase64(el *etree.Element) ([]byte, error) {
	s, err := text(el)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return nil, notBase64
	}
	return raw, nil
}
