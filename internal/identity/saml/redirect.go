package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// The kinds of messages, as the bindings call them.
const (
	request  = "SAMLRequest"
	response = "SAMLResponse"
)

// mostState is how many bytes a RelayState may have (SAML bindings, 3.4.3).
const mostState = 80

// redirect returns the address that carries a message of ours by HTTP-Redirect.
// The signature is made over the very octets of the query that are sent (SAML
// bindings, 3.4.4.1); what is in last comes after it.
func (p *Provider) redirect(location, kind string, message *etree.Element, relay string, last ...string) (string, error) {
	if len(relay) > mostState {
		return "", fmt.Errorf("the state is longer than the %d bytes that a RelayState may have", mostState)
	}
	doc := etree.NewDocumentWithRoot(message)
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalAttrVal = true, true
	plain, err := doc.WriteToBytes()
	if err != nil {
		return "", fmt.Errorf("write a message: %w", err)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(plain); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	query := kind + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	sum := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(nil, p.state.Load().keys.Signing[0].Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a message: %w", err)
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	for _, l := range last {
		query += "&" + l
	}
	return withQuery(location, query), nil
}

// A redirected message came by HTTP-Redirect: its parameters as octets of the
// query, nothing decoded.
type redirected struct {
	kind string // request or response
	raw  map[string]string
}

// readRedirect takes the parameters of the binding from a query. Each may be
// there once; others are of no concern.
func readRedirect(query string) (redirected, error) {
	m := redirected{raw: map[string]string{}}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		decoded, err := url.QueryUnescape(name)
		if err != nil {
			continue
		}
		switch decoded {
		case request, response, "RelayState", "SigAlg", "Signature", "SAMLEncoding":
			if _, twice := m.raw[decoded]; twice || decoded != name {
				return m, noMessage // "SAML%52equest" is signed by nobody
			}
			m.raw[name] = value
		}
	}
	_, asks := m.raw[request]
	_, answers := m.raw[response]
	if asks == answers {
		return m, noMessage
	}
	m.kind = response
	if asks {
		m.kind = request
	}
	return m, nil
}

// value decodes a parameter.
func (m redirected) value(name string) string {
	s, err := url.QueryUnescape(m.raw[name])
	if err != nil {
		return ""
	}
	return s
}

// message unpacks the message.
func (m redirected) message() ([]byte, error) {
	if e := m.value("SAMLEncoding"); e != "" && e != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return nil, notDeflated
	}
	packed, err := base64.StdEncoding.DecodeString(m.value(m.kind))
	if err != nil {
		return nil, notBase64
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), int64(messageGate.bytes)+1))
	if err != nil || len(plain) > messageGate.bytes {
		return nil, notDeflated
	}
	return plain, nil
}

// verify checks the signature over the octets as they came, in the order that
// the binding has: message, RelayState if there is one, SigAlg.
func (m redirected) verify(certs []*x509.Certificate, now time.Time) error {
	if m.raw["Signature"] == "" {
		return notSigned
	}
	algorithm := map[string]x509.SignatureAlgorithm{
		dsig.RSASHA256SignatureMethod: x509.SHA256WithRSA,
		dsig.RSASHA384SignatureMethod: x509.SHA384WithRSA,
		dsig.RSASHA512SignatureMethod: x509.SHA512WithRSA,
	}[m.value("SigAlg")]
	if algorithm == x509.UnknownSignatureAlgorithm {
		return weakSignature
	}
	octets := m.kind + "=" + m.raw[m.kind]
	if state, ok := m.raw["RelayState"]; ok {
		octets += "&RelayState=" + state
	}
	octets += "&SigAlg=" + m.raw["SigAlg"]
	signature, err := base64.StdEncoding.DecodeString(m.value("Signature"))
	if err != nil {
		return notBase64
	}
	if !slices.ContainsFunc(certs, func(c *x509.Certificate) bool {
		return inForce(c, now) && c.CheckSignature(algorithm, []byte(octets), signature) == nil
	}) {
		return badSignature
	}
	return nil
}

// withQuery adds to an address that may have a query.
func withQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}
