package saml_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"luvat/internal/identity/saml"
)

// An answer is what an identity provider of the test's own says. Every part of
// it can be changed, before it is signed and afterwards.
type answer struct {
	inResponseTo, destination, issuer string
	issued                            time.Time
	status                            []string // levels below Success
	noAssertion                       bool

	id, assertionIssuer, audience string
	recipient, confirms           string
	name, format, forWhom         string
	session, level                string
	from, until, confirmedUntil   time.Time
	authenticated, sessionEnd     time.Time
	attributes                    []attribute

	inside  func(assertion *etree.Element) // before the assertion is signed
	sealed  func(assertion *etree.Element) // after it, before it is encrypted
	around  func(response *etree.Element)  // before the response is signed
	outside func(response *etree.Element)  // after all

	signsAssertion, signsResponse *saml.Pair // nil: not signed
	method                        string     // of signing, RSA-SHA256 unless told
	cipher                        string     // "" for not encrypted
	encryptFor                    *x509.Certificate
}

type attribute struct {
	name   string
	values []string
}

const (
	maija    = "210281-9988" // published test persons of Suomi.fi-tunnistus
	attacker = "010280-952L"
)

// good is the answer of Suomi.fi-tunnistus to the request.
func good(request string) answer {
	return answer{
		inResponseTo: request, destination: acs, issuer: suomifi, issued: now,
		id: "_assertion", assertionIssuer: suomifi, audience: entity, recipient: acs, confirms: request,
		name: "AAdzZWNyZXQx", format: saml.Transient, forWhom: entity, session: "_session", level: saml.FinnishSubstantial,
		from: now.Add(-time.Second), until: now.Add(5 * time.Minute), confirmedUntil: now.Add(5 * time.Minute), authenticated: now.Add(-10 * time.Second),
		attributes: []attribute{
			{"urn:oid:1.2.246.21", []string{maija}},
			{"urn:oid:2.5.4.3", []string{"Demo Nordea Matleena"}},
			{"urn:oid:2.16.840.1.113730.3.1.241", []string{"Nordea Demo"}},
			{"urn:oid:2.5.4.42", []string{"Nordea"}},
			{"urn:oid:2.5.4.4", []string{"Demo"}},
			{"urn:oid:0.9.2342.19200300.100.1.3", []string{"nordea@demo.example"}},
			{"urn:oid:1.2.246.517.3002.111.2", []string{"true"}},
		},
		signsAssertion: keys.idp, signsResponse: keys.idp, cipher: saml.AES256GCM, encryptFor: keys.encrypt.Certificate,
	}
}

// set changes the values of an attribute, or adds it.
func (a *answer) set(name string, values ...string) {
	a.attributes = slices.Clone(a.attributes)
	for i := range a.attributes {
		if a.attributes[i].name == name {
			a.attributes[i].values = values
			return
		}
	}
	a.attributes = append(a.attributes, attribute{name, values})
}

func (a *answer) remove(names ...string) {
	a.attributes = slices.DeleteFunc(slices.Clone(a.attributes), func(x attribute) bool { return slices.Contains(names, x.name) })
}

// xml is the response as it is posted.
func (a answer) xml(t testing.TB) []byte {
	t.Helper()
	r := etree.NewElement("samlp:Response")
	r.CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol")
	r.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	r.CreateAttr("ID", "_response")
	r.CreateAttr("Version", "2.0")
	r.CreateAttr("IssueInstant", stamp(a.issued))
	set(r, "Destination", a.destination)
	set(r, "InResponseTo", a.inResponseTo)
	r.CreateElement("saml:Issuer").SetText(a.issuer)
	code := r.CreateElement("samlp:Status")
	for _, s := range append([]string{}, orSuccess(a.status)...) {
		code = code.CreateElement("samlp:StatusCode")
		code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:"+s)
	}
	if !a.noAssertion {
		el := a.assertion(t)
		if a.cipher != "" {
			el = encrypted(t, "EncryptedAssertion", el, a.cipher, a.encryptFor)
		}
		r.AddChild(el)
	}
	call(a.around, r)
	if a.signsResponse != nil {
		signElement(t, r, a.signsResponse, a.method)
	}
	call(a.outside, r)
	return bytesOf(t, r)
}

func (a answer) assertion(t testing.TB) *etree.Element {
	t.Helper()
	el := etree.NewElement("saml:Assertion")
	el.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	el.CreateAttr("ID", a.id)
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", stamp(a.issued))
	el.CreateElement("saml:Issuer").SetText(a.assertionIssuer)

	subject := el.CreateElement("saml:Subject")
	name := subject.CreateElement("saml:NameID")
	set(name, "Format", a.format)
	set(name, "SPNameQualifier", a.forWhom)
	name.SetText(a.name)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	confirmation.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	data := confirmation.CreateElement("saml:SubjectConfirmationData")
	set(data, "Recipient", a.recipient)
	set(data, "InResponseTo", a.confirms)
	set(data, "NotOnOrAfter", stamp(a.confirmedUntil))

	conditions := el.CreateElement("saml:Conditions")
	set(conditions, "NotBefore", stamp(a.from))
	set(conditions, "NotOnOrAfter", stamp(a.until))
	if a.audience != "" {
		conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(a.audience)
	}
	authn := el.CreateElement("saml:AuthnStatement")
	set(authn, "AuthnInstant", stamp(a.authenticated))
	set(authn, "SessionIndex", a.session)
	set(authn, "SessionNotOnOrAfter", stamp(a.sessionEnd))
	authn.CreateElement("saml:AuthnContext").CreateElement("saml:AuthnContextClassRef").SetText(a.level)
	if len(a.attributes) > 0 {
		statement := el.CreateElement("saml:AttributeStatement")
		for _, x := range a.attributes {
			at := statement.CreateElement("saml:Attribute")
			at.CreateAttr("Name", x.name)
			at.CreateAttr("NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
			for _, v := range x.values {
				at.CreateElement("saml:AttributeValue").SetText(v)
			}
		}
	}
	call(a.inside, el)
	if a.signsAssertion != nil {
		signElement(t, el, a.signsAssertion, a.method)
	}
	call(a.sealed, el)
	return el
}

func call(f func(*etree.Element), el *etree.Element) {
	if f != nil {
		f(el)
	}
}

func orSuccess(status []string) []string {
	if len(status) == 0 {
		return []string{"Success"}
	}
	return status
}

func set(el *etree.Element, name, value string) {
	if value != "" {
		el.CreateAttr(name, value)
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// signElement puts a signature behind the issuer, where the schema has it.
func signElement(t testing.TB, el *etree.Element, by *saml.Pair, method string) {
	t.Helper()
	index := 0
	if first := el.ChildElements()[0]; first.Tag == "Issuer" {
		index = first.Index() + 1
	}
	context, err := dsig.NewSigningContext(by.Key, [][]byte{by.Certificate.Raw})
	if err != nil {
		t.Fatal(err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if method != "" {
		if err := context.SetSignatureMethod(method); err != nil {
			t.Fatal(err)
		}
	}
	signature, err := context.ConstructSignature(el.Copy(), true)
	if err != nil {
		t.Fatal(err)
	}
	el.InsertChildAt(index, signature)
}

// encrypted hides an element as xmlenc does, for a certificate: anybody can.
func encrypted(t testing.TB, tag string, el *etree.Element, method string, to *x509.Certificate) *etree.Element {
	t.Helper()
	return encryptedBytes(t, tag, bytesOf(t, el), method, to)
}

func encryptedBytes(t testing.TB, tag string, plain []byte, method string, to *x509.Certificate) *etree.Element {
	t.Helper()
	size := map[string]int{saml.AES128CBC: 16, saml.AES256CBC: 32, saml.AES128GCM: 16, saml.AES192GCM: 24, saml.AES256GCM: 32, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc": 24}[method]
	key := make([]byte, size)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	if slices.Contains(saml.GCM, method) {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		nonce := make([]byte, gcm.NonceSize())
		data = gcm.Seal(nonce, nonce, plain, nil)
	} else {
		padding := block.BlockSize() - len(plain)%block.BlockSize()
		plain = append(slices.Clone(plain), make([]byte, padding)...)
		plain[len(plain)-1] = byte(padding)
		data = make([]byte, block.BlockSize()+len(plain))
		cipher.NewCBCEncrypter(block, data[:block.BlockSize()]).CryptBlocks(data[block.BlockSize():], plain)
	}
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, to.PublicKey.(*rsa.PublicKey), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	outer := etree.NewElement("saml:" + tag)
	outer.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	ed := outer.CreateElement("xenc:EncryptedData")
	ed.CreateAttr("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#")
	ed.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	ed.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", method)
	info := ed.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	ek := info.CreateElement("xenc:EncryptedKey")
	m := ek.CreateElement("xenc:EncryptionMethod")
	m.CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p")
	m.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
	ek.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(lines(wrapped))
	ed.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(lines(data))
	return outer
}

// lines is base64 as it comes from Java: in lines of 76.
func lines(raw []byte) string {
	s := base64.StdEncoding.EncodeToString(raw)
	var out []byte
	for len(s) > 76 {
		out, s = append(append(out, s[:76]...), '\n'), s[76:]
	}
	return string(append(out, s...))
}

func bytesOf(t testing.TB, el *etree.Element) []byte {
	t.Helper()
	doc := etree.NewDocumentWithRoot(el.Copy())
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalAttrVal = true, true
	b, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t testing.TB, raw []byte) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}
