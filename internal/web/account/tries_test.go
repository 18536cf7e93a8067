package account_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity/machine"
	"luvat/internal/web/site"
)

// from asks for a token from an address, or shows one there.
func (s *testSite) from(address string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	method, path := "POST", "/token"
	if form == nil {
		method, path = "GET", "/officer"
	}
	r := httptest.NewRequest(method, "http://hub.example"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = address + ":4711"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// Who fails to show who it is, again and again, is held back by its address and by
// the name it uses. Neighbours behind one address are not, nor is the machine whose
// name somebody else uses.
func TestWhoFailsTooOftenIsHeldBack(t *testing.T) {
	s := newSite(t)
	p, m, _ := s.robot(machine.Robot)
	q, other, _ := s.robot(machine.Robot)
	const office, stranger, far = "192.0.2.1", "192.0.2.2", "198.51.100.7"
	good := func(from string) int {
		s.clock.Move(time.Second)
		return s.from(from, p.sign(m.ID, s.BaseURL+"/token", s.clock.Now())).Code
	}
	bad := func(from, name string) *httptest.ResponseRecorder {
		f := p.sign(name, s.BaseURL+"/token", s.clock.Now())
		f.Set("client_assertion", f.Get("client_assertion")[:len(f.Get("client_assertion"))-8]+"AAAAAAAA")
		return s.from(from, f)
	}
	if code := good(office); code != http.StatusOK {
		t.Fatalf("a good one: status %d", code)
	}
	for i := range site.FailAtOnce {
		if w := bad(office, other.ID); w.Code != http.StatusUnauthorized {
			t.Fatalf("bad one %d: status %d", i, w.Code)
		}
	}
	w := bad(office, other.ID)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"error"`) {
		t.Errorf("too often: status %d, %v, %s", w.Code, w.Header(), w.Body)
	}
	if w := bad(office, "somebody-new"); w.Code != http.StatusTooManyRequests {
		t.Errorf("under another name from the same address: status %d", w.Code)
	}
	if w := bad(stranger, other.ID); w.Code != http.StatusTooManyRequests {
		t.Errorf("under the same name from another address: status %d", w.Code)
	}
	if w := bad(far, "yet-another"); w.Code != http.StatusUnauthorized {
		t.Errorf("who has nothing to do with it: status %d", w.Code)
	}
	if code := good(office); code != http.StatusOK {
		t.Errorf("the honest neighbour behind the same address: status %d", code)
	}
	for range site.FailAtOnce {
		bad(far, m.ID)
	}
	if code := good(office); code != http.StatusOK {
		t.Errorf("the honest one whose name somebody uses elsewhere: status %d", code)
	}
	s.clock.Move(5 * time.Second)
	if w := s.from(office, q.sign(other.ID, s.BaseURL+"/token", s.clock.Now())); w.Code != http.StatusOK {
		t.Errorf("a little later, and with the right key: status %d", w.Code)
	}
}

// Access tokens that are none are held back by the address; one that holds is not.
func TestWhoShowsBadTokensIsHeldBack(t *testing.T) {
	s := newSite(t)
	p, m, _ := s.robot(machine.Robot)
	const office = "192.0.2.1"
	var said struct {
		Token string `json:"access_token"`
	}
	s.must(json.Unmarshal(s.from(office, p.sign(m.ID, s.BaseURL+"/token", s.clock.Now())).Body.Bytes(), &said))
	for i := range site.FailAtOnce {
		if w := s.from(office, nil, "Authorization", "Bearer nothing"); w.Code != http.StatusUnauthorized {
			t.Fatalf("bad one %d: status %d", i, w.Code)
		}
	}
	logged := s.log.Len()
	if w := s.from(office, nil, "Authorization", "Bearer nothing"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("too often: status %d, %v", w.Code, w.Header())
	}
	if s.log.Len() != logged {
		t.Error("the log is filled")
	}
	if w := s.from(office, nil, "Authorization", "Bearer "+said.Token); w.Code != http.StatusOK {
		t.Errorf("a token that holds, from the same address: status %d", w.Code)
	}
	if w := s.from("192.0.2.2", nil, "Authorization", "Bearer nothing"); w.Code != http.StatusUnauthorized {
		t.Errorf("from another address: status %d", w.Code)
	}
}

// What a machine's makers need to know of the token endpoint is published.
func TestTheTokenEndpointIsPublished(t *testing.T) {
	s := newSite(t)
	get := func() string {
		w := s.do("GET", "/.well-known/oauth-authorization-server", nil)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("status %d, %v", w.Code, w.Header())
		}
		return strings.TrimSpace(w.Body.String())
	}
	const plain = `{"issuer":"http://hub.example","token_endpoint":"http://hub.example/token","response_types_supported":[],"grant_types_supported":["client_credentials"],` +
		`"token_endpoint_auth_methods_supported":["private_key_jwt"],"token_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256"]}`
	if got := get(); got != plain {
		t.Errorf("by keys alone: %s", got)
	}
	s.Machines.CertificateHost = "koneet.hub.example"
	if got := get(); !strings.Contains(got, `["private_key_jwt","self_signed_tls_client_auth"]`) || !strings.Contains(got, `"tls_client_certificate_bound_access_tokens":true`) ||
		!strings.Contains(got, `"mtls_endpoint_aliases":{"token_endpoint":"https://koneet.hub.example/token"}`) {
		t.Errorf("with certificates: %s", got)
	}
	s.Machines.CAs = x509.NewCertPool()
	if got := get(); !strings.Contains(got, `"tls_client_auth"`) {
		t.Errorf("with certificates by their names: %s", got)
	}
}
