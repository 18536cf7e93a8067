package saml_test

import (
	"bytes"
	"encoding/base64"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

// TestAttacksOnXML changes the bytes of a good response.
func TestAttacksOnXML(t *testing.T) {
	replace := func(old, new string) func([]byte) []byte {
		return func(raw []byte) []byte { return bytes.Replace(raw, []byte(old), []byte(new), 1) }
	}
	for _, tt := range []struct {
		name   string
		change func([]byte) []byte
		cause  string
	}{
		{"a comment in the name", replace("AAdzZWNyZXQx</saml:NameID>", "AAdz<!-- -->ZWNyZXQx</saml:NameID>"), "the message has a comment"},
		{"a comment in an attribute's value", replace(maija, maija[:6]+"<!---->"+maija[6:]), "the message has a comment"},
		{"a comment before all", func(raw []byte) []byte { return append([]byte("<!-- -->"), raw...) }, "the message has a comment"},
		{"a processing instruction in the name", replace("AAdzZWNyZXQx</saml:NameID>", "AAdz<?x y?>ZWNyZXQx</saml:NameID>"), "the message has a processing instruction"},
		{"an element in the name", replace("AAdzZWNyZXQx</saml:NameID>", "AAdz<x/>ZWNyZXQx</saml:NameID>"), badSig},
		{"a DOCTYPE", func(raw []byte) []byte { return append([]byte("<!DOCTYPE Response>"), raw...) }, "the message has a DOCTYPE or another directive"},
		{"an external entity", func([]byte) []byte { return []byte(xxe) }, "the message has a DOCTYPE or another directive"},
		{"an entity bomb", func([]byte) []byte { return []byte(bomb) }, "the message has a DOCTYPE or another directive"},
		{"an entity of nobody", replace("AAdzZWNyZXQx", "&evil;"), "the message is not well-formed XML"},
		{"an attribute twice", replace(`Destination="`, `Destination="https://evil.example" Destination="`), "an element has an attribute twice"},
		{"an attribute twice by two prefixes", replace(`<saml:NameID `, `<saml:NameID xmlns:a="urn:a" xmlns:b="urn:a" a:x="1" b:x="2" `), "an element has an attribute twice"},
		{"an ID twice", replace(`<saml:Subject>`, `<saml:Subject ID="_assertion">`), idTwice},
		{"an Id twice", replace(`<saml:Subject>`, `<saml:Subject Id="_assertion">`), idTwice},
		{"a prefix of nobody", replace("<saml:Subject>", "<saml:Subject><evil:NameID/>"), "a namespace is not declared"},
		{"two roots", func(raw []byte) []byte { return append(raw, raw...) }, idTwice},
		{"two roots of different IDs", func(raw []byte) []byte { return append(raw, "<x/>"...) }, "the message is not well-formed XML"},
		{"text behind the root", func(raw []byte) []byte { return append(raw, "evil"...) }, "the message is not well-formed XML"},
		{"cut off", func(raw []byte) []byte { return raw[:len(raw)-20] }, "the message is not well-formed XML"},
		{"another encoding", func(raw []byte) []byte { return append([]byte(`<?xml version="1.0" encoding="UTF-7"?>`), raw...) }, "the message is not well-formed XML"},
		{"UTF-16", func([]byte) []byte { return []byte("\xff\xfe<\x00x\x00/\x00>\x00") }, "the message is not well-formed XML"},
		{"nothing", func([]byte) []byte { return []byte(" ") }, "no SAML message came, or more than one"},
		{"a million elements", func([]byte) []byte { return []byte("<a>" + strings.Repeat("<b/>", 30_000) + "</a>") }, "the message is nested too deep or has too many elements"},
		{"a deep tree", func([]byte) []byte { return []byte(strings.Repeat("<a>", 10_000)) }, "the message is nested too deep or has too many elements"},
		{"half a megabyte", func([]byte) []byte { return []byte("<a>" + strings.Repeat("a", 300<<10) + "</a>") }, "the message is too large"},
		{"another element", func([]byte) []byte { return []byte("<a/>") }, "the message is of another kind"},
		{"a response of another namespace", replace(`xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"`, `xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol"`), "the message is of another kind"},
		{"a name that does not survive", replace("<saml:Subject>", "<saml:Subject><a:b:c/>"), "the message is not well-formed XML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t, lenient)
			memo, request := b.begin()
			a := good(request)
			a.cipher, a.signsResponse = "", nil
			raw := a.xml(t)
			changed := tt.change(bytes.Clone(raw))
			if bytes.Equal(raw, changed) {
				t.Fatal("nothing was changed")
			}
			got, err := b.finish(memo, changed)
			b.refused(got, err, identity.NotValid, tt.cause)
			if got, err := b.finish(memo, raw); err != nil || got.PersonalCode != maija {
				t.Errorf("the good one is not taken: %v", err)
			}
		})
	}
}

// TestAttacksOnEncryption weakens the cipher, or breaks what it hides.
func TestAttacksOnEncryption(t *testing.T) {
	const undecrypted = "the assertion cannot be decrypted with any key of ours"
	const weakCipher = "the encryption algorithm is not allowed"
	data := func(el *etree.Element) *etree.Element { return el.FindElement("EncryptedAssertion/EncryptedData") }
	for _, tt := range []struct {
		name    string
		lenient bool
		change  func(*answer)
		cause   string
	}{
		{"CBC where GCM was asked for", false, func(a *answer) { a.cipher = saml.AES256CBC }, weakCipher},
		{"triple DES", true, func(a *answer) { a.cipher = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc" }, weakCipher},
		{"RSA 1.5", true, func(a *answer) {
			a.around = func(el *etree.Element) {
				data(el).FindElement("KeyInfo/EncryptedKey/EncryptionMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#rsa-1_5")
			}
		}, weakCipher},
		{"a digest other than SHA-1 in OAEP", true, func(a *answer) {
			a.around = func(el *etree.Element) {
				data(el).FindElement("KeyInfo/EncryptedKey/EncryptionMethod/DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#md5")
			}
		}, weakCipher},
		{"for another's key", true, func(a *answer) { a.encryptFor = keys.other.Certificate }, undecrypted},
		{"GCM, changed", true, func(a *answer) { a.around = flip(-1) }, undecrypted},
		{"CBC, padding changed", true, func(a *answer) { a.cipher, a.around = saml.AES256CBC, flip(-17) }, undecrypted},
		{"CBC, padding longer than the content", true, func(a *answer) {
			a.around = func(el *etree.Element) {
				el.RemoveChild(el.SelectElement("EncryptedAssertion"))
				el.AddChild(encryptedBytes(t, "EncryptedAssertion", []byte("<a/>"), saml.AES128CBC, keys.encrypt.Certificate))
				flip(-17)(el)
			}
		}, undecrypted},
		{"CBC called GCM", true, func(a *answer) {
			a.cipher = saml.AES256CBC
			a.around = func(el *etree.Element) {
				data(el).SelectElement("EncryptionMethod").CreateAttr("Algorithm", saml.AES256GCM)
			}
		}, undecrypted},
		{"GCM of nothing", true, func(a *answer) {
			a.around = func(el *etree.Element) { data(el).FindElement("CipherData/CipherValue").SetText("AAAA") }
		}, undecrypted},
		{"CBC of nothing", true, func(a *answer) {
			a.cipher = saml.AES128CBC
			a.around = func(el *etree.Element) {
				data(el).FindElement("CipherData/CipherValue").SetText("AAAAAAAAAAAAAAAAAAAAAA==")
			}
		}, undecrypted},
		{"not base64", true, func(a *answer) {
			a.around = func(el *etree.Element) { data(el).FindElement("CipherData/CipherValue").SetText("å") }
		}, "the message is not base64"},
		{"no key", true, func(a *answer) {
			a.around = func(el *etree.Element) { data(el).RemoveChild(data(el).SelectElement("KeyInfo")) }
		}, misshapen},
		{"two keys", true, func(a *answer) {
			a.around = func(el *etree.Element) {
				info := data(el).SelectElement("KeyInfo")
				info.AddChild(info.SelectElement("EncryptedKey").Copy())
			}
		}, misshapen},
		{"a reference to be fetched", true, func(a *answer) {
			a.around = func(el *etree.Element) {
				c := data(el).SelectElement("CipherData")
				c.RemoveChild(c.SelectElement("CipherValue"))
				c.CreateElement("xenc:CipherReference").CreateAttr("URI", "http://127.0.0.1/")
			}
		}, misshapen},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			if tt.lenient {
				b = connect(t, lenient)
			}
			a, err := b.take(tt.change)
			b.refused(a, err, identity.NotValid, tt.cause)
		})
	}
}

// flip changes a byte of what is encrypted, counted from the end.
func flip(at int) func(*etree.Element) {
	return func(el *etree.Element) {
		value := el.FindElement("EncryptedAssertion/EncryptedData/CipherData/CipherValue")
		raw, err := base64.StdEncoding.DecodeString(value.Text())
		if err != nil {
			panic(err)
		}
		raw[len(raw)+at] ^= 0x55
		value.SetText(lines(raw))
	}
}

func TestReplay(t *testing.T) {
	b := connect(t)
	memo, request := b.begin()
	raw := good(request).xml(t)
	if _, err := b.finish(memo, raw); err != nil {
		t.Fatal(err)
	}
	for id, until := range b.seen.used {
		if len(id) != 64 || strings.Contains(id, "assertion") || !until.Equal(now.Add(6*time.Minute)) {
			t.Errorf("remembered as %s until %s", id, until)
		}
	}
	a, err := b.finish(memo, raw)
	b.refused(a, err, identity.TooOld, "the assertion was used before")

	// The same assertion under the memo of another sign-in.
	other, _ := b.begin()
	a, err = b.finish(other, raw)
	b.refused(a, err, identity.NotValid, otherQuery)

	// A sign-in that was begun long ago.
	memo, request = b.begin()
	b.now = now.Add(31 * time.Minute)
	late := good(request)
	late.id, late.issued, late.from, late.until, late.confirmedUntil = "_late", b.now, b.now, b.now.Add(time.Minute), b.now.Add(time.Minute)
	a, err = b.finish(memo, late.xml(t))
	b.refused(a, err, identity.TooOld, "the sign-in was begun too long ago")
}

// TestHowItIsPosted: one response, in the body, by POST.
func TestHowItIsPosted(t *testing.T) {
	b := connect(t)
	memo, request := b.begin()
	raw := base64.StdEncoding.EncodeToString(good(request).xml(t))
	const none = "no SAML message came, or more than one"
	get := httptest.NewRequest("GET", acs+"?SAMLResponse="+url.QueryEscape(raw), nil)
	a, err := b.Finish(t.Context(), memo, get)
	b.refused(a, err, identity.NotValid, none)
	for _, tt := range []struct {
		form  url.Values
		query string
		cause string
	}{
		{url.Values{}, "", none},
		{url.Values{"SAMLResponse": {raw, raw}}, "", none},
		{url.Values{}, "?SAMLResponse=" + url.QueryEscape(raw), none},
		{url.Values{"SAMLRequest": {raw}}, "", none},
		{url.Values{"SAMLResponse": {"%"}}, "", "the message is not base64"},
		{url.Values{"SAMLResponse": {strings.Repeat("A", 1<<20)}}, "", none},
	} {
		a, err := b.Finish(t.Context(), memo, post(acs+tt.query, tt.form))
		b.refused(a, err, identity.NotValid, tt.cause)
	}
	// In lines, as some libraries encode it.
	form := url.Values{"SAMLResponse": {raw[:76] + "\r\n" + raw[76:]}}
	if _, err := b.Finish(t.Context(), memo, post(acs, form)); err != nil {
		t.Error(err)
	}
}
