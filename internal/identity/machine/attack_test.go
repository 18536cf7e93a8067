package machine_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity/machine"
)

// confused signs with an HMAC whose secret is the public key.
func confused(key pair, claims any) string {
	head := b64(map[string]any{"alg": "HS256", "kid": key.kid}) + "." + b64(claims)
	mac := hmac.New(sha256.New, key.public().JWK)
	mac.Write([]byte(head))
	return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestAttacksOnTheTokenEndpoint(t *testing.T) {
	b := newBench(t)
	key, strange := rsaPair(0, jose.RS256, "k"), rsaPair(1, jose.RS256, "k")
	m, theirs := b.add(lead, rescue, machine.System), b.add(other, police, machine.System)
	b.issue(m, key.public())
	if _, err := b.Issue(t.Context(), other, theirs.ID, strange.public()); err != nil {
		t.Fatal(err)
	}
	now := b.clock.Now()
	with := func(change map[string]any) url.Values { return form(key.sign(b.claims(m, change))) }
	set := func(name, value string) url.Values {
		f := with(nil)
		f.Set(name, value)
		return f
	}
	rs512, elsewhere := key, key
	rs512.alg, elsewhere.kid = jose.RS512, "another"
	good := key.sign(b.claims(m, nil))
	parts := strings.Split(good, ".")
	twice := with(nil)
	twice.Add("client_assertion", "x")
	for _, tt := range []struct {
		name string
		form url.Values
		code string
	}{
		{"alg none", form(b64(map[string]any{"alg": "none"}) + "." + parts[1] + "."), machine.InvalidClient},
		{"HS256 with the public key", form(confused(key, b.claims(m, nil))), machine.InvalidClient},
		{"RS512", form(rs512.sign(b.claims(m, nil))), machine.InvalidClient},
		{"changed after it was signed", form(parts[0] + "." + b64(b.claims(m, nil)) + "." + parts[2]), machine.InvalidClient},
		{"signed by a stranger", form(strange.sign(b.claims(m, nil))), machine.InvalidClient},
		{"another key's name", form(elsewhere.sign(b.claims(m, nil))), machine.InvalidClient},
		{"in another machine's name", form(key.sign(b.claims(theirs, nil))), machine.InvalidClient},
		{"in the name of nothing", with(map[string]any{"iss": "nothing", "sub": "nothing"}), machine.InvalidClient},
		{"in no name", with(map[string]any{"iss": nil}), machine.InvalidClient},
		{"about another machine", with(map[string]any{"sub": theirs.ID}), machine.InvalidClient},
		{"about nobody", with(map[string]any{"sub": nil}), machine.InvalidClient},
		{"for another client", set("client_id", theirs.ID), machine.InvalidClient},
		{"for another audience", with(map[string]any{"aud": "https://evil.example/token"}), machine.InvalidClient},
		{"for two audiences", with(map[string]any{"aud": []string{b.server.URL + "/token", "https://evil.example"}}), machine.InvalidClient},
		{"for no audience", with(map[string]any{"aud": nil}), machine.InvalidClient},
		{"expired", with(map[string]any{"exp": now.Add(-time.Minute).Unix()}), machine.InvalidClient},
		{"without an end", with(map[string]any{"exp": nil}), machine.InvalidClient},
		{"with an end that is none", with(map[string]any{"exp": "tomorrow"}), machine.InvalidClient},
		{"for too long", with(map[string]any{"exp": now.Add(6 * time.Minute).Unix()}), machine.InvalidClient},
		{"for ever", with(map[string]any{"exp": 1e300}), machine.InvalidClient},
		{"of tomorrow", with(map[string]any{"iat": now.Add(time.Hour).Unix()}), machine.InvalidClient},
		{"from tomorrow", with(map[string]any{"nbf": now.Add(time.Hour).Unix()}), machine.InvalidClient},
		{"without a number", with(map[string]any{"jti": nil}), machine.InvalidClient},
		{"with an endless number", with(map[string]any{"jti": strings.Repeat("1", 201)}), machine.InvalidClient},
		{"endless", with(map[string]any{"padding": strings.Repeat("A", 7<<10)}), machine.InvalidClient},
		{"more than a form", with(map[string]any{"padding": strings.Repeat("A", 17<<10)}), machine.InvalidRequest},
		{"no assertion", set("client_assertion", ""), machine.InvalidClient},
		{"nonsense", set("client_assertion", "eyJ.eyJ.eyJ"), machine.InvalidClient},
		{"another kind of assertion", set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), machine.InvalidClient},
		{"a password", url.Values{"grant_type": {"client_credentials"}, "client_id": {m.ID}, "client_secret": {"secret"}}, machine.InvalidClient},
		{"twice", twice, machine.InvalidRequest},
		{"another grant", set("grant_type", "password"), machine.UnsupportedGrant},
		{"no grant", set("grant_type", ""), machine.InvalidRequest},
		{"nothing", nil, machine.InvalidRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.log.Reset()
			_, status, code := b.ask(nil, tt.form)
			want := http.StatusBadRequest
			if tt.code == machine.InvalidClient {
				want = http.StatusUnauthorized
			}
			if status != want || code != tt.code {
				t.Errorf("got %d %s, want %d %s", status, code, want, tt.code)
			}
			for _, secret := range []string{"eyJ", "järjestelmä", "secret"} {
				if strings.Contains(b.log.String(), secret) {
					t.Errorf("the log tells %q: %s", secret, b.log.String())
				}
			}
			if b.log.Len() == 0 {
				t.Error("nothing was logged")
			}
		})
	}
	if _, status, _ := b.ask(nil, form(good)); status != http.StatusOK {
		t.Errorf("the good one: %d", status)
	}
	if _, status, code := b.ask(nil, form(good)); status != http.StatusUnauthorized || code != machine.InvalidClient {
		t.Errorf("the good one again: %d %s", status, code)
	}
	b.clock.Move(time.Minute)
	if _, status, _ := b.ask(nil, form(strange.sign(b.claims(m, nil)))); status != http.StatusUnauthorized {
		t.Error("a stranger got in")
	}
	// The authority sees that somebody tried, a minute's tries at once.
	if got := b.deeds(rescue); got != "person added, person credential_issued, hub refused, system token, hub refused" {
		t.Errorf("the ledger says: %s", got)
	}
	if got := b.deeds(police); got != "person added, person credential_issued, hub refused" {
		t.Errorf("the other's ledger says: %s", got)
	}
}

func TestAnAssertionIsUsedOnceAlsoAtTheSameTime(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	b.issue(m, key.public())
	assertion := form(key.sign(b.claims(m, nil)))
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := b.Token(t.Context(), assertion, nil)
			results <- err
		}()
	}
	good := 0
	for range 8 {
		if err := <-results; err == nil {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d tokens came of one assertion", good)
	}
}

func TestTheTokenEndpointTakesNothingButForms(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	b.issue(m, key.public())
	body := form(key.sign(b.claims(m, nil))).Encode()
	for _, tt := range []struct {
		name, method, kind, authorization, query, body string
		status                                         int
	}{
		{"GET", "GET", "", "", body, "", http.StatusMethodNotAllowed},
		{"in the address", "POST", "application/x-www-form-urlencoded", "", body, "", http.StatusBadRequest},
		{"JSON", "POST", "application/json", "", "", `{"grant_type":"client_credentials"}`, http.StatusBadRequest},
		{"no kind", "POST", "", "", "", body, http.StatusBadRequest},
		{"a password", "POST", "application/x-www-form-urlencoded", "Basic YTpi", "", body, http.StatusUnauthorized},
		{"a broken form", "POST", "application/x-www-form-urlencoded", "", "", "grant_type=%zz", http.StatusBadRequest},
		{"a form", "POST", "application/x-www-form-urlencoded; charset=utf-8", "", "", body, http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, err := http.NewRequestWithContext(t.Context(), tt.method, b.server.URL+"/token?"+tt.query, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", tt.kind)
			if tt.authorization != "" {
				q.Header.Set("Authorization", tt.authorization)
			}
			r, err := b.client(nil).Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close() //nolint:errcheck // it is not read
			if r.StatusCode != tt.status || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("status %d %v", r.StatusCode, r.Header)
			}
			if tt.authorization != "" && r.Header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

func TestTokensThatAreNone(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	b.issue(m, key.public())
	assertion := key.sign(b.claims(m, nil))
	token, _, _ := b.ask(nil, form(assertion))
	for name, shown := range map[string]string{"an assertion": assertion, "its beginning": token[:len(token)-1], "nonsense": "x", "SQL": "' OR '1'='1", "two": token + " " + token} {
		if got := b.who(shown, nil); got != "" {
			t.Errorf("%s: known as %s", name, got)
		}
	}
}
