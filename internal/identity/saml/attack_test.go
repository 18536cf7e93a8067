package saml_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"net/http/httptest"
	"net/url"
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

// evilOf is a copy of an assertion that speaks of somebody else.
func evilOf(el *etree.Element, id string) *etree.Element {
	evil := el.Copy()
	if id != "" {
		evil.CreateAttr("ID", id)
	}
	evil.FindElement("Subject/NameID").SetText("evil")
	evil.FindElement("AttributeStatement/Attribute/AttributeValue").SetText(attacker)
	return evil
}

func dropSignature(el *etree.Element) *etree.Element {
	sig := el.SelectElement("Signature")
	el.RemoveChild(sig)
	return sig
}

// wrappings are the eight known forms, as SAML Raider makes them: where the
// signed original is put, and what stands in its place. root is a Response whose
// Assertion is not encrypted.
var wrappings = []struct {
	name     string
	response bool // whether it needs a signed response
	wrap     func(root *etree.Element)
	cause    string // where no other signature stands between
}{
	{"XSW1: the signed response inside the signature", true, func(root *etree.Element) {
		original := root.Copy()
		dropSignature(original)
		root.SelectElement("Signature").AddChild(original)
		root.CreateAttr("ID", "_evil")
		evilInPlace(root)
	}, idTwice},
	{"XSW2: the signed response before the signature", true, func(root *etree.Element) {
		original := root.Copy()
		dropSignature(original)
		root.InsertChildAt(root.SelectElement("Signature").Index(), original)
		root.CreateAttr("ID", "_evil")
		evilInPlace(root)
	}, idTwice},
	{"XSW3: an unsigned assertion before the signed one", false, func(root *etree.Element) {
		assertion := root.SelectElement("Assertion")
		evil := evilOf(assertion, "_evil")
		dropSignature(evil)
		root.InsertChildAt(assertion.Index(), evil)
	}, misshapen},
	{"XSW4: the signed assertion inside an unsigned one", false, func(root *etree.Element) {
		assertion := root.SelectElement("Assertion")
		evil := evilOf(assertion, "_evil")
		dropSignature(evil)
		root.RemoveChild(assertion)
		evil.AddChild(assertion)
		root.AddChild(evil)
	}, unsigned},
	{"XSW5: the signature in an assertion of another ID, the original behind", false, func(root *etree.Element) {
		assertion := root.SelectElement("Assertion")
		evil := evilOf(assertion, "_evil")
		root.InsertChildAt(assertion.Index(), evil)
		dropSignature(assertion)
	}, misshapen},
	{"XSW6: the original inside the signature", false, func(root *etree.Element) {
		assertion := root.SelectElement("Assertion")
		evil := evilOf(assertion, "_evil")
		root.RemoveChild(assertion)
		dropSignature(assertion)
		evil.SelectElement("Signature").AddChild(assertion)
		root.AddChild(evil)
	}, misshapen},
	{"XSW7: an assertion in extensions", false, func(root *etree.Element) {
		assertion := root.SelectElement("Assertion")
		evil := evilOf(assertion, "")
		dropSignature(evil)
		extensions := etree.NewElement("samlp:Extensions")
		extensions.AddChild(evil)
		root.InsertChildAt(root.SelectElement("Status").Index(), extensions)
	}, idTwice},
	{"XSW8: the original in an object of the signature", false, func(root *etree.Element) {
		assertion := root.SelectElement("Assertion")
		evil := evilOf(assertion, "")
		root.RemoveChild(assertion)
		dropSignature(assertion)
		evil.SelectElement("Signature").CreateElement("ds:Object").AddChild(assertion)
		root.AddChild(evil)
	}, idTwice},
}

// evilInPlace lets the assertion of the outer response speak of somebody else,
// without a signature of its own, or with one that covers the original.
func evilInPlace(root *etree.Element) {
	assertion := root.SelectElement("Assertion")
	evil := evilOf(assertion, "")
	root.InsertChildAt(assertion.Index(), evil)
	root.RemoveChild(assertion)
}

// TestSignatureWrapping tries the known forms where only the signature that is
// wrapped stands between, as they are and with IDs that are all distinct, and
// where both the response and the assertion are signed.
func TestSignatureWrapping(t *testing.T) {
	for _, tt := range wrappings {
		for _, how := range []string{"one signature", "one signature, distinct IDs", "both signed", "both signed, distinct IDs"} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				b := connect(t, lenient)
				memo, request := b.begin()
				a := good(request)
				a.cipher = ""
				if alone := strings.HasPrefix(how, "one"); alone && tt.response {
					a.signsAssertion = nil
				} else if alone {
					a.signsResponse = nil
				}
				root := parse(t, a.xml(t))
				tt.wrap(root)
				if strings.HasSuffix(how, "distinct IDs") {
					distinct(root)
				}
				got, err := b.finish(memo, bytesOf(t, root))
				if err == nil || got != (identity.Assertion{}) {
					t.Fatal("it was taken")
				}
				b.silent(err)
				if how == "one signature" {
					b.refused(got, err, identity.NotValid, tt.cause)
				}
			})
		}
	}
}

// distinct gives every second use of an ID a new one, so that not only the
// check for IDs stands between.
func distinct(root *etree.Element) {
	used := map[string]bool{}
	var walk func(*etree.Element)
	walk = func(el *etree.Element) {
		if id := el.SelectAttrValue("ID", ""); id != "" {
			if used[id] {
				el.CreateAttr("ID", id+"2")
			}
			used[id] = true
		}
		for _, child := range el.ChildElements() {
			walk(child)
		}
	}
	walk(root)
}

// TestWrappingEncrypted: anybody can encrypt for us, so what is encrypted may be
// wrapped as well, outside and inside.
func TestWrappingEncrypted(t *testing.T) {
	to := keys.encrypt.Certificate
	for _, tt := range []struct {
		name  string
		wrap  func(t *testing.T, a answer) *etree.Element // the response, to be posted
		cause string
	}{
		{"an evil assertion before the encrypted one", func(t *testing.T, a answer) *etree.Element {
			root := parse(t, a.xml(t))
			evil := evilOf(a.assertion(t), "_evil")
			dropSignature(evil)
			root.InsertChildAt(root.SelectElement("EncryptedAssertion").Index(), evil)
			return root
		}, misshapen},
		{"an evil encrypted one before the encrypted one", func(t *testing.T, a answer) *etree.Element {
			root := parse(t, a.xml(t))
			evil := evilOf(a.assertion(t), "_evil")
			dropSignature(evil)
			root.InsertChildAt(root.SelectElement("EncryptedAssertion").Index(), encrypted(t, "EncryptedAssertion", evil, saml.AES256GCM, to))
			return root
		}, misshapen},
		{"an evil one, encrypted, unsigned", func(t *testing.T, a answer) *etree.Element {
			evil := evilOf(a.assertion(t), "")
			dropSignature(evil)
			return instead(t, a, evil)
		}, unsigned},
		{"an evil one, encrypted, with the signature of the good one", func(t *testing.T, a answer) *etree.Element {
			return instead(t, a, evilOf(a.assertion(t), ""))
		}, badSig},
		{"XSW4 inside the encryption", func(t *testing.T, a answer) *etree.Element {
			assertion := a.assertion(t)
			evil := evilOf(assertion, "_evil")
			dropSignature(evil)
			evil.AddChild(assertion)
			return instead(t, a, evil)
		}, unsigned},
		{"XSW6 inside the encryption", func(t *testing.T, a answer) *etree.Element {
			assertion := a.assertion(t)
			evil := evilOf(assertion, "_evil")
			dropSignature(assertion)
			evil.SelectElement("Signature").AddChild(assertion)
			return instead(t, a, evil)
		}, misshapen},
		{"XSW8 inside the encryption", func(t *testing.T, a answer) *etree.Element {
			assertion := a.assertion(t)
			evil := evilOf(assertion, "_evil")
			dropSignature(assertion)
			evil.SelectElement("Signature").CreateElement("ds:Object").AddChild(assertion)
			return instead(t, a, evil)
		}, misshapen},
		{"two assertions inside the encryption", func(t *testing.T, a answer) *etree.Element {
			assertion := a.assertion(t)
			evil := evilOf(assertion, "_evil")
			dropSignature(evil)
			plain := append(bytesOf(t, evil), bytesOf(t, assertion)...)
			return insteadBytes(t, a, plain)
		}, "the assertion cannot be decrypted with any key of ours"},
		{"an entity bomb inside the encryption", func(t *testing.T, a answer) *etree.Element {
			return insteadBytes(t, a, []byte(bomb))
		}, "the message has a DOCTYPE or another directive"},
		{"a whole response inside the encryption", func(t *testing.T, a answer) *etree.Element {
			return insteadBytes(t, a, a.xml(t))
		}, "the message is of another kind"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t, lenient)
			memo, request := b.begin()
			a := good(request)
			a.signsResponse = nil
			got, err := b.finish(memo, bytesOf(t, tt.wrap(t, a)))
			b.refused(got, err, identity.NotValid, tt.cause)
		})
	}
}

// instead is the response with another assertion, encrypted.
func instead(t *testing.T, a answer, el *etree.Element) *etree.Element {
	return insteadBytes(t, a, bytesOf(t, el))
}

func insteadBytes(t *testing.T, a answer, plain []byte) *etree.Element {
	root := parse(t, a.xml(t))
	root.RemoveChild(root.SelectElement("EncryptedAssertion"))
	root.AddChild(encryptedBytes(t, "EncryptedAssertion", plain, saml.AES256GCM, keys.encrypt.Certificate))
	return root
}

const (
	bomb = `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><r>&c;</r>`
	xxe  = `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`
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
