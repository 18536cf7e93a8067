package saml_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

// What the suite expects most often.
const (
	misshapen  = "an element stands where none may, or one is missing"
	badSig     = "the signature does not verify with any key of the signer"
	weak       = "the signature, digest or canonicalisation algorithm is not allowed"
	otherSig   = "the signature covers something else"
	idTwice    = "two elements have the same ID"
	unsigned   = "the assertion is not signed"
	notSecret  = "the assertion is not encrypted, and must be"
	otherQuery = "the message answers another request, or none"
)

// TestAttacksOnWhatIsSaid changes one thing in an answer that is signed and
// encrypted properly.
func TestAttacksOnWhatIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*answer)
		why    identity.Why
		cause  string
	}{
		{"destination of another", func(a *answer) { a.destination = "https://other.example/acs" }, identity.NotValid, "the destination is another address"},
		{"no destination", func(a *answer) { a.destination = "" }, identity.NotValid, "the destination is another address"},
		{"response to another request", func(a *answer) { a.inResponseTo = "_other" }, identity.NotValid, otherQuery},
		{"response to no request", func(a *answer) { a.inResponseTo = "" }, identity.NotValid, otherQuery},
		{"assertion for another request", func(a *answer) { a.confirms = "_other" }, identity.NotValid, otherQuery},
		{"assertion for no request", func(a *answer) { a.confirms = "" }, identity.NotValid, otherQuery},
		{"response of another issuer", func(a *answer) { a.issuer = "https://other.example/idp" }, identity.NotValid, "the issuer is not the identity provider that was asked"},
		{"assertion of another issuer", func(a *answer) { a.assertionIssuer = "https://other.example/idp" }, identity.NotValid, "the issuer is not the identity provider that was asked"},
		{"issuer as a prefix", func(a *answer) { a.issuer = suomifi + ".evil.example" }, identity.NotValid, "the issuer is not the identity provider that was asked"},
		{"another audience", func(a *answer) { a.audience = "https://other.example/sp" }, identity.NotValid, "the assertion is for another audience"},
		{"no audience", func(a *answer) { a.audience = "" }, identity.NotValid, "the assertion is for another audience"},
		{"audience in other case", func(a *answer) { a.audience = strings.ToUpper(entity) }, identity.NotValid, "the assertion is for another audience"},
		{"two restrictions, one not ours", func(a *answer) {
			a.inside = func(el *etree.Element) {
				el.SelectElement("Conditions").CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example/sp")
			}
		}, identity.NotValid, "the assertion is for another audience"},
		{"another recipient", func(a *answer) { a.recipient = "https://other.example/acs" }, identity.NotValid, "the recipient is another address"},
		{"no recipient", func(a *answer) { a.recipient = "" }, identity.NotValid, "the recipient is another address"},
		{"holder of key", func(a *answer) {
			a.inside = func(el *etree.Element) {
				el.FindElement("Subject/SubjectConfirmation").CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
			}
		}, identity.NotValid, "the subject is not confirmed by bearer"},
		{"not before in the confirmation", func(a *answer) {
			a.inside = func(el *etree.Element) {
				el.FindElement("Subject/SubjectConfirmation/SubjectConfirmationData").CreateAttr("NotBefore", stamp(now.Add(-time.Hour)))
			}
		}, identity.NotValid, "the subject is not confirmed by bearer"},
		{"two confirmations", func(a *answer) {
			a.inside = func(el *etree.Element) {
				s := el.SelectElement("Subject")
				s.AddChild(s.SelectElement("SubjectConfirmation").Copy())
			}
		}, identity.NotValid, misshapen},

		{"a second before it is valid, beyond the skew", func(a *answer) { a.from = now.Add(61 * time.Second) }, identity.TooOld, "the assertion is not valid yet"},
		{"over by the skew", func(a *answer) { a.until = now.Add(-time.Minute) }, identity.TooOld, "the assertion is not valid any more"},
		{"confirmation over by the skew", func(a *answer) { a.confirmedUntil = now.Add(-time.Minute) }, identity.TooOld, "the assertion is not valid any more"},
		{"no beginning", func(a *answer) { a.from = time.Time{} }, identity.NotValid, "a time is missing or is none"},
		{"no end", func(a *answer) { a.until = time.Time{} }, identity.NotValid, "a time is missing or is none"},
		{"no end of the confirmation", func(a *answer) { a.confirmedUntil = time.Time{} }, identity.NotValid, "a time is missing or is none"},
		{"issued in the future", func(a *answer) { a.issued = now.Add(61 * time.Second) }, identity.TooOld, "the message is from the future, or too old"},
		{"issued before the request", func(a *answer) { a.issued = now.Add(-61 * time.Second) }, identity.TooOld, "the message is from the future, or too old"},
		{"authenticated in the future", func(a *answer) { a.authenticated = now.Add(61 * time.Second) }, identity.TooOld, "the message is from the future, or too old"},
		{"authenticated at no time", func(a *answer) { a.authenticated = time.Time{} }, identity.NotValid, "a time is missing or is none"},
		{"the provider's session is over", func(a *answer) { a.sessionEnd = now.Add(-time.Minute) }, identity.TooOld, "the provider's session is over"},
		{"a time that is none", func(a *answer) {
			a.inside = func(el *etree.Element) { el.SelectElement("Conditions").CreateAttr("NotOnOrAfter", "tomorrow") }
		}, identity.NotValid, "a time is missing or is none"},

		{"too weak", func(a *answer) { a.level = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password" }, identity.TooWeak, "the level of authentication is not among those accepted"},
		{"the test identifier in production", func(a *answer) { a.level = saml.TestIdentifier }, identity.TooWeak, "the level of authentication is not among those accepted"},
		{"a level as a prefix", func(a *answer) { a.level = saml.FinnishHigh + "0" }, identity.TooWeak, "the level of authentication is not among those accepted"},
		{"no name", func(a *answer) { a.name = "" }, identity.NotValid, "the subject has no name, or one of another format or for another service"},
		{"name of another format", func(a *answer) { a.format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" }, identity.NotValid, "the subject has no name, or one of another format or for another service"},
		{"name for another service", func(a *answer) { a.forWhom = "https://other.example/sp" }, identity.NotValid, "the subject has no name, or one of another format or for another service"},
		{"no assertion", func(a *answer) { a.noAssertion = true }, identity.NotValid, "the response has no assertion"},
		{"two authentications", func(a *answer) {
			a.inside = func(el *etree.Element) {
				s := el.SelectElement("AuthnStatement")
				el.InsertChildAt(s.Index(), s.Copy())
			}
		}, identity.NotValid, "there is not exactly one authentication statement"},
		{"an attribute twice", func(a *answer) {
			a.attributes = append(a.attributes, attribute{"urn:oid:1.2.246.21", []string{attacker}})
		}, identity.NotValid, "an attribute is there twice"},
		{"two statements of attributes", func(a *answer) {
			a.inside = func(el *etree.Element) { el.AddChild(el.SelectElement("AttributeStatement").Copy()) }
		}, identity.NotValid, "an attribute is there twice"},
		{"two personal codes", func(a *answer) { a.set("urn:oid:1.2.246.21", maija, attacker) }, identity.NotValid, "an attribute that names somebody has several values"},
		{"version 1.1", func(a *answer) {
			a.inside = func(el *etree.Element) { el.CreateAttr("Version", "1.1") }
		}, identity.NotValid, "the message is not of SAML 2.0"},
		{"version of the response", func(a *answer) {
			a.around = func(el *etree.Element) { el.CreateAttr("Version", "1.1") }
		}, identity.NotValid, "the message is not of SAML 2.0"},

		// An element of another namespace, and one that is doubled: what made a
		// lenient reader take the wrong name.
		{"a name of another namespace", func(a *answer) {
			a.inside = func(el *etree.Element) {
				n := etree.NewElement("x:NameID")
				n.CreateAttr("xmlns:x", "urn:x")
				n.SetText("evil")
				el.SelectElement("Subject").AddChild(n)
			}
		}, identity.NotValid, misshapen},
		{"a second name", func(a *answer) {
			a.inside = func(el *etree.Element) { el.SelectElement("Subject").CreateElement("saml:NameID").SetText("evil") }
		}, identity.NotValid, misshapen},
		{"an attribute of another namespace", func(a *answer) {
			a.inside = func(el *etree.Element) {
				n := el.SelectElement("AttributeStatement").CreateElement("x:Attribute")
				n.CreateAttr("xmlns:x", "urn:x")
				n.CreateAttr("Name", "urn:oid:1.2.246.21")
			}
		}, identity.NotValid, misshapen},
		{"a value of another namespace", func(a *answer) {
			a.inside = func(el *etree.Element) {
				n := el.FindElement("AttributeStatement/Attribute").CreateElement("x:AttributeValue")
				n.CreateAttr("xmlns:x", "urn:x")
				n.SetText(attacker)
			}
		}, identity.NotValid, misshapen},
		{"advice with another assertion", func(a *answer) {
			a.inside = func(el *etree.Element) {
				el.InsertChildAt(el.SelectElement("AuthnStatement").Index(), etree.NewElement("saml:Advice"))
			}
		}, identity.NotValid, misshapen},
		{"text between elements", func(a *answer) {
			a.inside = func(el *etree.Element) { el.SelectElement("Subject").CreateText("evil") }
		}, identity.NotValid, misshapen},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			a, err := b.take(tt.change)
			b.refused(a, err, tt.why, tt.cause)
			if len(b.seen.used) > 0 {
				t.Error("an assertion that was refused was marked as used")
			}
		})
	}
}

// TestAttacksOnSignatures strips, swaps and weakens signatures.
func TestAttacksOnSignatures(t *testing.T) {
	const rsaSHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	algorithm := func(el *etree.Element, path, value string) {
		el.FindElement("./Signature/SignedInfo/"+path).CreateAttr("Algorithm", value)
	}
	for _, tt := range []struct {
		name    string
		lenient bool
		change  func(*answer)
		cause   string
	}{
		{"nothing signed", false, func(a *answer) { a.signsAssertion, a.signsResponse = nil, nil }, "the response is not signed, and must be"},
		{"nothing signed, leniently", true, func(a *answer) { a.signsAssertion, a.signsResponse = nil, nil }, unsigned},
		{"only the response signed", false, func(a *answer) { a.signsAssertion = nil }, unsigned},
		{"only the response signed, leniently", true, func(a *answer) { a.signsAssertion, a.cipher = nil, "" }, unsigned},
		{"only the assertion signed", false, func(a *answer) { a.signsResponse = nil }, "the response is not signed, and must be"},
		{"not encrypted", false, func(a *answer) { a.cipher = "" }, notSecret},
		{"assertion signed by another key", false, func(a *answer) { a.signsAssertion = keys.other }, badSig},
		{"response signed by another key", false, func(a *answer) { a.signsResponse = keys.other }, badSig},
		{"response signed by another key, leniently", true, func(a *answer) { a.signsResponse = keys.other }, badSig},
		{"both signed by our own key", false, func(a *answer) { a.signsAssertion, a.signsResponse = keys.sign, keys.sign }, badSig},
		{"another key behind the certificate of the provider", true, func(a *answer) {
			a.signsAssertion, a.signsResponse = &saml.Pair{Certificate: keys.idp.Certificate, Key: keys.other.Key}, nil
		}, badSig},
		{"response signature stripped", false, func(a *answer) {
			a.outside = func(el *etree.Element) { el.RemoveChild(el.SelectElement("Signature")) }
		}, "the response is not signed, and must be"},
		{"assertion signature stripped", true, func(a *answer) {
			a.signsResponse, a.cipher = nil, ""
			a.outside = func(el *etree.Element) {
				assertion := el.SelectElement("Assertion")
				assertion.RemoveChild(assertion.SelectElement("Signature"))
			}
		}, unsigned},
		{"signature emptied", false, func(a *answer) {
			a.outside = func(el *etree.Element) { el.FindElement("Signature/SignatureValue").SetText("") }
		}, badSig},
		{"changed after signing", true, func(a *answer) {
			a.signsResponse, a.cipher = nil, ""
			a.outside = func(el *etree.Element) {
				el.FindElement("Assertion/AttributeStatement/Attribute/AttributeValue").SetText(attacker)
			}
		}, badSig},
		{"changed after signing, encrypted by the attacker", true, func(a *answer) {
			a.signsResponse = nil
			a.sealed = func(el *etree.Element) {
				el.FindElement("AttributeStatement/Attribute/AttributeValue").SetText(attacker)
			}
		}, badSig},
		{"RSA-SHA1", false, func(a *answer) { a.method = rsaSHA1 }, weak},
		{"RSA-SHA1 in the assertion", true, func(a *answer) { a.method, a.signsResponse = rsaSHA1, nil }, weak},
		{"SHA-1 as digest", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				algorithm(el, "Reference/DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1")
			}
		}, weak},
		{"canonicalisation that keeps comments", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				algorithm(el, "CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
			}
		}, weak},
		{"inclusive canonicalisation", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				algorithm(el, "CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
			}
		}, weak},
		{"an XPath transform", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				el.FindElements("./Signature/SignedInfo/Reference/Transforms/Transform")[1].CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
			}
		}, weak},
		{"HMAC with the certificate as its key", false, hmacConfusion, weak},
		{"something inside a transform", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				el.FindElement("Signature/SignedInfo/Reference/Transforms/Transform").CreateElement("ds:XPath").SetText("false()")
			}
		}, weak},
		// The first reader looks at no certificate that a message brings; gosaml2 does.
		{"the certificate of another beside a good signature", true, func(a *answer) {
			a.signsResponse, a.cipher = nil, ""
			a.outside = func(el *etree.Element) {
				el.FindElement("Assertion/Signature/KeyInfo/X509Data/X509Certificate").SetText(lines(keys.other.Certificate.Raw))
			}
		}, "the second reader disagrees with the first"},
		{"no transforms", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				ref := el.FindElement("Signature/SignedInfo/Reference")
				ref.RemoveChild(ref.SelectElement("Transforms"))
			}
		}, misshapen},
		{"two references", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				info := el.FindElement("Signature/SignedInfo")
				info.AddChild(info.SelectElement("Reference").Copy())
			}
		}, misshapen},
		{"an object in the signature", false, func(a *answer) {
			a.outside = func(el *etree.Element) { el.SelectElement("Signature").CreateElement("ds:Object") }
		}, misshapen},
		{"reference to the whole document", false, func(a *answer) {
			a.outside = func(el *etree.Element) { el.FindElement("Signature/SignedInfo/Reference").CreateAttr("URI", "") }
		}, otherSig},
		{"reference to something else", false, func(a *answer) {
			a.outside = func(el *etree.Element) { el.FindElement("Signature/SignedInfo/Reference").CreateAttr("URI", "#_other") }
		}, otherSig},
		{"two signatures", false, func(a *answer) {
			a.outside = func(el *etree.Element) {
				s := el.SelectElement("Signature")
				el.InsertChildAt(s.Index(), s.Copy())
			}
		}, misshapen},
		{"two signatures of the assertion", true, func(a *answer) {
			a.sealed = func(el *etree.Element) {
				s := el.SelectElement("Signature")
				el.InsertChildAt(s.Index(), s.Copy())
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

// hmacConfusion signs with a key that everybody has.
func hmacConfusion(a *answer) {
	a.outside = func(el *etree.Element) {
		sig := el.SelectElement("Signature")
		sig.FindElement("SignedInfo/SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: keys.idp.Certificate.Raw}))
		mac.Write([]byte("the canonical SignedInfo would stand here"))
		sig.SelectElement("SignatureValue").SetText(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
}

const (
	bomb = `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><r>&c;</r>`
	xxe  = `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`
)
