package saml_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

// forgetful remembers nothing: each try is the first.
type forgetful struct{}

func (forgetful) Seen(context.Context, string, time.Time) (bool, error) { return false, nil }

// zeros is randomness of which there is none: every request has the same ID.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// FuzzResponse: whatever is posted, nobody comes in but she whom the provider's
// key has signed for, and only a refusal is told.
func FuzzResponse(f *testing.F) {
	b := connect(f, lenient, func(c *saml.Config) { c.Replays, c.Rand = forgetful{}, zeros{} })
	memo, request := b.begin()
	plain := good(request)
	plain.cipher = ""
	for _, a := range []answer{good(request), plain} {
		f.Add(a.xml(f))
		a.signsResponse = nil
		f.Add(a.xml(f))
		a.cipher = saml.AES128CBC
		f.Add(a.xml(f))
		a.signsAssertion = nil
		f.Add(a.xml(f))
		a.status, a.noAssertion = []string{"Responder", "AuthnFailed"}, true
		f.Add(a.xml(f))
	}
	for _, tt := range wrappings {
		root := parse(f, plain.xml(f))
		tt.wrap(root)
		f.Add(bytesOf(f, root))
		distinct(root)
		f.Add(bytesOf(f, root))
	}
	f.Add([]byte(bomb))
	f.Add([]byte(xxe))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := b.Finish(t.Context(), memo, post(acs, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(raw)}}))
		if err != nil {
			if _, ok := errors.AsType[*identity.Refusal](err); !ok || a != (identity.Assertion{}) {
				t.Fatalf("%v with %+v", err, a)
			}
			return
		}
		if a.PersonalCode != maija || a.Session != session || a.Issuer != suomifi || a.Level != saml.FinnishSubstantial {
			t.Fatalf("came in as %+v by\n%s", a, raw)
		}
	})
}

// FuzzLogout: whatever query comes, no session ends but that which the provider's
// key has signed for.
func FuzzLogout(f *testing.F) {
	b := connect(f)
	query := goodRequest().query(f, "theirs", keys.idp, sha256Sig)
	f.Add(query)
	f.Add(query + "&" + query)
	f.Add(query + "&SAMLRe%73ponse=x")
	f.Add(strings.Replace(query, "SAMLRequest", "SAMLResponse", 1))
	f.Add(goodRequest().query(f, "", keys.other, sha256Sig))
	f.Add(goodRequest().query(f, "%", keys.idp, sha1Sig))
	f.Add(redirected(f, "SAMLRequest", deflated(f, []byte(bomb)), "", keys.idp, sha256Sig))
	f.Add(farewell{tag: "LogoutResponse", id: "_bye", issuer: suomifi, destination: slo, issued: now, inResponseTo: "_x"}.query(f, "bye", keys.idp, sha256Sig))
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, slo, nil)
		r.URL.RawQuery = query
		m, answer, err := b.Ended(t.Context(), r)
		if err != nil {
			if _, ok := errors.AsType[*identity.Refusal](err); !ok || answer != nil || m.Sessions != nil {
				t.Fatalf("%v with %+v", err, m)
			}
			return
		}
		if answer == nil || m.Issuer != suomifi || !slices.Equal(m.Sessions, []identity.ProviderSession{session}) {
			t.Fatalf("ended %+v by %s", m, query)
		}
	})
}

// FuzzMetadata: whatever document is fetched, nobody is sent anywhere but where
// the signer has said.
func FuzzMetadata(f *testing.F) {
	var doc []byte
	client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(doc)))}, nil
	})}
	for _, change := range []func(*federation){
		func(*federation) {},
		func(m *federation) { m.id = "" },
		func(m *federation) { m.signer = nil },
		func(m *federation) { m.signer = keys.other },
		func(m *federation) { m.aggregate, m.until, m.cache = true, now.Add(time.Hour), "P1DT1H1M1.5S" },
		func(m *federation) { m.members[0].until = now },
	} {
		m := suomifiMetadata()
		change(&m)
		f.Add(m.xml(f))
	}
	f.Add([]byte(bomb))
	doc = suomifiMetadata().xml(f)
	var c saml.Config
	connect(f, func(given *saml.Config) { c = *given })
	c.Source.File, c.Source.URL, c.Client = "", "https://static.example/idp-metadata.xml", client
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc = raw
		p, err := saml.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if p.Refresh(t.Context()) != nil {
			if s := p.Standing(); s.Providers != 0 {
				t.Fatalf("refused, and yet %+v", s)
			}
			return
		}
		address, _, err := p.Begin(t.Context(), identity.Beginning{State: "s"})
		if err == nil && !strings.HasPrefix(address, idpSSO+"?") || !slices.Equal(p.Frames(), []string{"https://tunnistus.example"}) {
			t.Fatalf("sent to %s by\n%s", address, raw)
		}
	})
}
