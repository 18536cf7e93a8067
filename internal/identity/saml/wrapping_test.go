package saml_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

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
