package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

const (
	sha256Sig = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	sha1Sig   = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
)

// A farewell is a logout message of an identity provider of the test's own.
type farewell struct {
	tag, id, issuer, destination string
	issued, end                  time.Time
	name, forWhom                string
	indexes                      []string
	inResponseTo                 string
	status                       []string
	change                       func(*etree.Element)
}

func goodRequest() farewell {
	return farewell{
		tag: "LogoutRequest", id: "_farewell", issuer: suomifi, destination: slo, issued: now, end: now.Add(5 * time.Minute),
		name: "AAdzZWNyZXQx", forWhom: entity, indexes: []string{"_session"},
	}
}

func (f farewell) element() *etree.Element {
	el := etree.NewElement("samlp:" + f.tag)
	el.CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol")
	el.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	el.CreateAttr("ID", f.id)
	el.CreateAttr("Version", "2.0")
	set(el, "IssueInstant", stamp(f.issued))
	set(el, "Destination", f.destination)
	set(el, "InResponseTo", f.inResponseTo)
	set(el, "NotOnOrAfter", stamp(f.end))
	el.CreateElement("saml:Issuer").SetText(f.issuer)
	if f.tag == "LogoutRequest" {
		n := el.CreateElement("saml:NameID")
		n.CreateAttr("Format", saml.Transient)
		set(n, "SPNameQualifier", f.forWhom)
		n.SetText(f.name)
		for _, i := range f.indexes {
			el.CreateElement("samlp:SessionIndex").SetText(i)
		}
	} else {
		code := el.CreateElement("samlp:Status")
		for _, s := range orSuccess(f.status) {
			code = code.CreateElement("samlp:StatusCode")
			code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:"+s)
		}
	}
	call(f.change, el)
	return el
}

// query is the message as HTTP-Redirect carries it. The parameters are encoded
// with small hexadecimal digits, as .NET does: what is signed is what came.
func (f farewell) query(t testing.TB, relay string, by *saml.Pair, method string) string {
	t.Helper()
	return redirected(t, kindOf(f.tag), deflated(t, bytesOf(t, f.element())), relay, by, method)
}

func kindOf(tag string) string {
	if tag == "LogoutRequest" {
		return "SAMLRequest"
	}
	return "SAMLResponse"
}

func deflated(t testing.TB, plain []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func redirected(t testing.TB, kind string, packed []byte, relay string, by *saml.Pair, method string) string {
	t.Helper()
	small := func(s string) string {
		e := url.QueryEscape(s)
		for _, c := range []string{"2B", "2F", "3D", "3A"} {
			e = strings.ReplaceAll(e, "%"+c, "%"+strings.ToLower(c))
		}
		return e
	}
	query := kind + "=" + small(base64.StdEncoding.EncodeToString(packed))
	if relay != "" {
		query += "&RelayState=" + small(relay)
	}
	query += "&SigAlg=" + small(method)
	if by == nil {
		return query
	}
	hash, sum := crypto.SHA256, sha256.Sum256([]byte(query))
	digest := sum[:]
	if method == sha1Sig {
		old := sha1.Sum([]byte(query))
		hash, digest = crypto.SHA1, old[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, by.Key, hash, digest)
	if err != nil {
		t.Fatal(err)
	}
	return query + "&Signature=" + small(base64.StdEncoding.EncodeToString(signature))
}

func get(query string) *http.Request { return httptest.NewRequest(http.MethodGet, slo+"?"+query, nil) }

// ended lets the connection read a logout message.
func (b *bench) ended(r *http.Request) (identity.LogoutMessage, func(http.ResponseWriter, bool) error, error) {
	b.t.Helper()
	return b.Ended(b.t.Context(), r)
}

var session = identity.ProviderSession{NameID: "AAdzZWNyZXQx", SPQualifier: entity, Format: saml.Transient, SessionIndex: "_session"}

func TestTheProviderEndsASession(t *testing.T) {
	signedXML := func(t *testing.T, f farewell) url.Values {
		el := f.element()
		signElement(t, el, keys.idp, "")
		return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytesOf(t, el))}, "RelayState": {"theirs"}}
	}
	all, two := session, session
	all.SessionIndex, two.SessionIndex = "", "_second"
	for _, tt := range []struct {
		name    string
		request func(t *testing.T) *http.Request
		want    []identity.ProviderSession
	}{
		{"by redirect", func(t *testing.T) *http.Request { return get(goodRequest().query(t, "theirs", keys.idp, sha256Sig)) }, []identity.ProviderSession{session}},
		{"by redirect, with other parameters", func(t *testing.T) *http.Request {
			return get("lang=fi&" + goodRequest().query(t, "theirs", keys.idp, sha256Sig) + "&x=1")
		}, []identity.ProviderSession{session}},
		{"by redirect, the parameters in another order", func(t *testing.T) *http.Request {
			parts := strings.Split(goodRequest().query(t, "theirs", keys.idp, sha256Sig), "&")
			return get(strings.Join([]string{parts[3], parts[1], parts[0], parts[2]}, "&"))
		}, []identity.ProviderSession{session}},
		{"by post", func(t *testing.T) *http.Request { return post(slo, signedXML(t, goodRequest())) }, []identity.ProviderSession{session}},
		{"all sessions of the name", func(t *testing.T) *http.Request {
			f := goodRequest()
			f.indexes = nil
			return get(f.query(t, "theirs", keys.idp, sha256Sig))
		}, []identity.ProviderSession{all}},
		{"two sessions", func(t *testing.T) *http.Request {
			f := goodRequest()
			f.indexes = []string{"_session", "_second"}
			return get(f.query(t, "theirs", keys.idp, sha256Sig))
		}, []identity.ProviderSession{session, two}},
		{"the name encrypted", func(t *testing.T) *http.Request {
			f := goodRequest()
			f.change = func(el *etree.Element) {
				name := el.SelectElement("NameID")
				alone := name.Copy()
				alone.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
				el.InsertChildAt(name.Index(), encrypted(t, "EncryptedID", alone, saml.AES128GCM, keys.encrypt.Certificate))
				el.RemoveChild(name)
			}
			return get(f.query(t, "theirs", keys.idp, sha256Sig))
		}, []identity.ProviderSession{session}},
	} {
		for _, done := range []bool{true, false} {
			b := connect(t)
			request := tt.request(t)
			request.Header.Del("Cookie") // a hidden frame brings none
			m, answer, err := b.ended(request)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if m.Issuer != suomifi || !reflect.DeepEqual(m.Sessions, tt.want) || m.State != "" || answer == nil {
				t.Errorf("%s: got %+v", tt.name, m)
			}
			w := httptest.NewRecorder()
			if err := answer(w, done); err != nil {
				t.Fatal(err)
			}
			b.answered(w, done)
			b.silent(nil)
		}
	}
}

// answered checks what the provider is sent.
func (b *bench) answered(w *httptest.ResponseRecorder, done bool) {
	b.t.Helper()
	address := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(address, idpSLO+"?SAMLResponse=") || w.Header().Get("Cache-Control") != "no-store" {
		b.t.Fatalf("answer %d to %s", w.Code, address)
	}
	octets, signature, _ := strings.Cut(strings.TrimPrefix(address, idpSLO+"?"), "&Signature=")
	checkSignature(b.t, octets, signature, keys.sign)
	query, el := unpack(b.t, address, "SAMLResponse")
	var codes []string
	for _, c := range el.FindElements("//StatusCode") {
		codes = append(codes, strings.TrimPrefix(c.SelectAttrValue("Value", ""), "urn:oasis:names:tc:SAML:2.0:status:"))
	}
	want := "Success"
	if !done {
		want = "Responder PartialLogout"
	}
	if strings.Join(codes, " ") != want || query.Get("RelayState") != "theirs" || el.SelectAttrValue("InResponseTo", "") != "_farewell" ||
		el.SelectAttrValue("Destination", "") != idpSLO || el.SelectElement("Issuer").Text() != entity {
		b.t.Errorf("answered %s, state %q", bytesOf(b.t, el), query.Get("RelayState"))
	}
}

func TestWeEndASession(t *testing.T) {
	b := connect(t)
	address, err := b.End(t.Context(), suomifi, session, "bye-1", i18n.SV)
	if err != nil {
		t.Fatal(err)
	}
	query, el := unpack(t, address, "SAMLRequest")
	octets, signature, _ := strings.Cut(strings.TrimPrefix(address, idpSLO+"?"), "&Signature=")
	checkSignature(t, octets, signature, keys.sign)
	name := el.SelectElement("NameID")
	if query.Get("RelayState") != "bye-1" || el.SelectElement("Issuer").Text() != entity || el.SelectAttrValue("Destination", "") != idpSLO ||
		name.Text() != session.NameID || name.SelectAttrValue("Format", "") != saml.Transient || name.SelectAttrValue("SPNameQualifier", "") != entity ||
		el.SelectElement("SessionIndex").Text() != "_session" || el.FindElement("Extensions/vetuma/LG").Text() != "sv" {
		t.Errorf("asked %s", bytesOf(t, el))
	}
	id := el.SelectAttrValue("ID", "")

	for _, tt := range []struct {
		status   []string
		complete bool
	}{
		{nil, true},
		{[]string{"Success", "PartialLogout"}, false},
		{[]string{"Responder", "PartialLogout"}, false},
		{[]string{"Responder"}, false},
	} {
		f := farewell{tag: "LogoutResponse", id: "_bye", issuer: suomifi, destination: slo, issued: now, inResponseTo: id, status: tt.status}
		m, answer, err := b.ended(get(f.query(t, "bye-1", keys.idp, sha256Sig)))
		if err != nil || answer != nil || m.Issuer != suomifi || m.State != "bye-1" || m.Complete != tt.complete || m.Sessions != nil {
			t.Errorf("%v: got %+v, %v", tt.status, m, err)
		}
		el := f.element()
		signElement(t, el, keys.idp, "")
		m, _, err = b.ended(post(slo, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(bytesOf(t, el))}, "RelayState": {"bye-1"}}))
		if err != nil || m.State != "bye-1" || m.Complete != tt.complete {
			t.Errorf("%v by post: got %+v, %v", tt.status, m, err)
		}
	}

	// The answer to another End, or to none.
	f := farewell{tag: "LogoutResponse", id: "_bye", issuer: suomifi, destination: slo, issued: now, inResponseTo: id}
	for _, relay := range []string{"bye-2", ""} {
		_, _, err := b.ended(get(f.query(t, relay, keys.idp, sha256Sig)))
		b.refused(identity.Assertion{}, err, identity.NotValid, otherQuery)
	}

	// Nothing to end there.
	for _, none := range []func() (string, error){
		func() (string, error) { return b.End(t.Context(), suomifi, identity.ProviderSession{}, "s", i18n.FI) },
		func() (string, error) {
			return federated(t, virtuMetadata()).End(t.Context(), vero, session, "s", i18n.FI)
		},
	} {
		if address, err := none(); address != "" || err != nil {
			t.Errorf("sent to %q, %v", address, err)
		}
	}
}

func TestAttacksOnLogout(t *testing.T) {
	good := func(t *testing.T) string { return goodRequest().query(t, "theirs", keys.idp, sha256Sig) }
	changed := func(change func(*farewell)) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			f := goodRequest()
			change(&f)
			return get(f.query(t, "theirs", keys.idp, sha256Sig))
		}
	}
	const none = "no SAML message came, or more than one"
	for _, tt := range []struct {
		name  string
		make  func(t *testing.T) *http.Request
		why   identity.Why
		cause string
	}{
		{"not signed", func(t *testing.T) *http.Request { return get(goodRequest().query(t, "theirs", nil, sha256Sig)) }, identity.NotValid, "the message is not signed"},
		{"signed by another", func(t *testing.T) *http.Request {
			return get(goodRequest().query(t, "theirs", keys.other, sha256Sig))
		}, identity.NotValid, badSig},
		{"RSA-SHA1", func(t *testing.T) *http.Request { return get(goodRequest().query(t, "theirs", keys.idp, sha1Sig)) }, identity.NotValid, weak},
		{"no algorithm", func(t *testing.T) *http.Request {
			return get(strings.Replace(good(t), "SigAlg=", "SigAlgo=", 1))
		}, identity.NotValid, weak},
		{"another state", func(t *testing.T) *http.Request {
			return get(strings.Replace(good(t), "RelayState=theirs", "RelayState=evil", 1))
		}, identity.NotValid, badSig},
		{"the state taken away", func(t *testing.T) *http.Request {
			return get(strings.Replace(good(t), "&RelayState=theirs", "", 1))
		}, identity.NotValid, badSig},
		{"the same octets encoded otherwise", func(t *testing.T) *http.Request {
			return get(strings.Replace(good(t), "SigAlg=http%3a", "SigAlg=http%3A", 1))
		}, identity.NotValid, badSig},
		{"a second message", func(t *testing.T) *http.Request { return get("SAMLRequest=evil&" + good(t)) }, identity.NotValid, none},
		{"a second message under an encoded name", func(t *testing.T) *http.Request { return get(good(t) + "&SAML%52equest=evil") }, identity.NotValid, none},
		{"the message under an encoded name", func(t *testing.T) *http.Request {
			return get(strings.Replace(good(t), "SAMLRequest=", "SAML%52equest=", 1))
		}, identity.NotValid, none},
		{"a state under an encoded name", func(t *testing.T) *http.Request {
			return get(goodRequest().query(t, "", keys.idp, sha256Sig) + "&Relay%53tate=evil")
		}, identity.NotValid, none},
		{"a request and a response", func(t *testing.T) *http.Request { return get(good(t) + "&SAMLResponse=evil") }, identity.NotValid, none},
		{"two signatures", func(t *testing.T) *http.Request { return get(good(t) + "&Signature=evil") }, identity.NotValid, none},
		{"nothing", func(*testing.T) *http.Request { return get("") }, identity.NotValid, none},
		{"another method", func(t *testing.T) *http.Request {
			return httptest.NewRequest(http.MethodPut, slo+"?"+good(t), nil)
		}, identity.NotValid, none},
		{"a bomb of zeros", func(t *testing.T) *http.Request {
			return get(redirected(t, "SAMLRequest", deflated(t, make([]byte, 10<<20)), "", keys.idp, sha256Sig))
		}, identity.NotValid, "the message is not deflated, or unpacks to too much"},
		{"an entity bomb", func(t *testing.T) *http.Request {
			return get(redirected(t, "SAMLRequest", deflated(t, []byte(bomb)), "", keys.idp, sha256Sig))
		}, identity.NotValid, "the message has a DOCTYPE or another directive"},
		{"another encoding of the message", func(t *testing.T) *http.Request { return get(good(t) + "&SAMLEncoding=urn:x") }, identity.NotValid, "the message is not deflated, or unpacks to too much"},
		{"a response sent as a request", func(t *testing.T) *http.Request {
			f := farewell{tag: "LogoutResponse", id: "_x", issuer: suomifi, destination: slo, issued: now}
			return get(redirected(t, "SAMLRequest", deflated(t, bytesOf(t, f.element())), "theirs", keys.idp, sha256Sig))
		}, identity.NotValid, "the message is of another kind"},
		{"a signature in the message too", changed(func(f *farewell) {
			f.change = func(el *etree.Element) { signElement(t, el, keys.other, "") }
		}), identity.NotValid, misshapen},
		{"of an issuer who is not allowed", changed(func(f *farewell) { f.issuer = "https://evil.example" }), identity.NotKnown, "the identity provider is not allowed"},
		{"of no issuer", changed(func(f *farewell) { f.issuer = "" }), identity.NotValid, "the issuer is not the identity provider that was asked"},
		{"for another address", changed(func(f *farewell) { f.destination = acs }), identity.NotValid, "the destination is another address"},
		{"for no address", changed(func(f *farewell) { f.destination = "" }), identity.NotValid, "the destination is another address"},
		{"of the future", changed(func(f *farewell) { f.issued = now.Add(61 * time.Second) }), identity.TooOld, "the message is from the future, or too old"},
		{"of long ago", changed(func(f *farewell) { f.issued = now.Add(-6*time.Minute - time.Second) }), identity.TooOld, "the message is from the future, or too old"},
		{"over", changed(func(f *farewell) { f.end = now.Add(-time.Minute) }), identity.TooOld, "the message is from the future, or too old"},
		{"of no time", changed(func(f *farewell) { f.issued = time.Time{} }), identity.NotValid, "a time is missing or is none"},
		{"of nobody", changed(func(f *farewell) { f.name = "" }), identity.NotValid, "the subject has no name, or one of another format or for another service"},
		{"of a name for another service", changed(func(f *farewell) { f.forWhom = "https://other.example" }), identity.NotValid, "the subject has no name, or one of another format or for another service"},
		{"of an empty session", changed(func(f *farewell) { f.indexes = []string{""} }), identity.NotValid, misshapen},
		{"version 1.1", changed(func(f *farewell) {
			f.change = func(el *etree.Element) { el.CreateAttr("Version", "1.1") }
		}), identity.NotValid, "the message is not of SAML 2.0"},
		{"two names", changed(func(f *farewell) {
			f.change = func(el *etree.Element) { el.AddChild(el.SelectElement("NameID").Copy()) }
		}), identity.NotValid, misshapen},
		{"a name of another namespace", changed(func(f *farewell) {
			f.change = func(el *etree.Element) { el.CreateElement("x:NameID").CreateAttr("xmlns:x", "urn:x") }
		}), identity.NotValid, misshapen},
		{"posted, not signed", func(t *testing.T) *http.Request {
			return post(slo, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytesOf(t, goodRequest().element()))}})
		}, identity.NotValid, "the message is not signed"},
		{"posted, signed by another", func(t *testing.T) *http.Request {
			el := goodRequest().element()
			signElement(t, el, keys.other, "")
			return post(slo, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytesOf(t, el))}})
		}, identity.NotValid, badSig},
		{"posted, another name after signing", func(t *testing.T) *http.Request {
			el := goodRequest().element()
			signElement(t, el, keys.idp, "")
			el.SelectElement("NameID").SetText("evil")
			return post(slo, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytesOf(t, el))}})
		}, identity.NotValid, badSig},
		{"posted, the signed original inside another", func(t *testing.T) *http.Request {
			el := goodRequest().element()
			signElement(t, el, keys.idp, "")
			original := el.Copy()
			el.SelectElement("Signature").CreateElement("ds:Object").AddChild(original)
			original.RemoveChild(original.SelectElement("Signature"))
			el.CreateAttr("ID", "_evil")
			el.SelectElement("NameID").SetText("evil")
			return post(slo, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytesOf(t, el))}})
		}, identity.NotValid, misshapen},
		{"posted, with a query that is signed", func(t *testing.T) *http.Request {
			el := goodRequest().element()
			return post(slo+"?"+good(t), url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytesOf(t, el))}})
		}, identity.NotValid, "the message is not signed"},
		{"posted, a request and a response", func(t *testing.T) *http.Request {
			el := goodRequest().element()
			signElement(t, el, keys.idp, "")
			raw := base64.StdEncoding.EncodeToString(bytesOf(t, el))
			return post(slo, url.Values{"SAMLRequest": {raw}, "SAMLResponse": {raw}})
		}, identity.NotValid, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t)
			m, answer, err := b.ended(tt.make(t))
			b.refused(identity.Assertion{}, err, tt.why, tt.cause)
			if answer != nil || m.Sessions != nil {
				t.Error("a refusal ends sessions all the same")
			}
		})
	}
}
