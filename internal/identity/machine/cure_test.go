package machine_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity/machine"
)

// told asks for a token that is refused and returns the cure.
func (b *bench) told(form url.Values) string {
	b.t.Helper()
	r, err := b.client(nil).PostForm(b.server.URL+"/token", form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	var said struct {
		Error string `json:"error"`
		Cure  string `json:"error_description"`
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil || said.Error == "" {
		b.t.Fatalf("status %d, %+v, %v; want an error", r.StatusCode, said, err)
	}
	return said.Cure
}

// Whoever makes a robot is told what to mend, in the characters of RFC 6749.
func TestTheCureIsTold(t *testing.T) {
	b := newBench(t)
	key := rsaPair(0, jose.RS256, "k")
	m := b.add(lead, rescue, machine.Robot)
	b.issue(m, key.public())
	now := b.clock.Now()
	with := func(name string, value any) url.Values {
		return form(key.sign(b.claims(m, map[string]any{name: value})))
	}
	set := func(name, value string) url.Values {
		f := form(key.sign(b.claims(m, nil)))
		f.Set(name, value)
		return f
	}
	used := form(key.sign(b.claims(m, nil)))
	if _, status, _ := b.ask(nil, used); status != 200 {
		t.Fatalf("the good one: %d", status)
	}
	allowed := regexp.MustCompile(`^[\x20\x21\x23-\x5B\x5D-\x7E]+$`)
	for name, tt := range map[string]struct {
		form url.Values
		want string
	}{
		"no grant":            {set("grant_type", ""), "grant_type is missing"},
		"another grant":       {set("grant_type", "password"), "must be client_credentials"},
		"no assertion":        {url.Values{"grant_type": {"client_credentials"}}, "client_assertion is missing"},
		"another type":        {set("client_assertion_type", "x"), "client_assertion_type urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"nonsense":            {set("client_assertion", "x"), "RS256, PS256 or ES256"},
		"no name":             {with("iss", nil), "in iss"},
		"about another":       {with("sub", "x"), "sub"},
		"for another":         {with("aud", "https://luvat.example/token"), "aud must be " + b.server.URL + "/token"},
		"no number":           {with("jti", nil), "jti must be"},
		"expired":             {with("exp", now.Add(-time.Minute).Unix()), "exp is missing or has passed"},
		"for too long":        {with("exp", now.Add(time.Hour).Unix()), "five minutes ahead"},
		"from a clock ahead":  {with("nbf", now.Add(time.Hour).Unix()), "nbf is ahead"},
		"used before":         {used, "jti was used before"},
		"another's signature": {form(rsaPair(1, jose.RS256, "k").sign(b.claims(m, nil))), "no key in use"},
	} {
		if got := b.told(tt.form); !strings.Contains(got, tt.want) || !allowed.MatchString(got) {
			t.Errorf("%s: told %q; want %q", name, got, tt.want)
		}
	}
}

// Whoever has no key learns nothing: not which machines there are, which keys are
// good, nor what else would be wrong.
func TestTheCureGivesNothingAway(t *testing.T) {
	b := newBench(t)
	key, strange := rsaPair(0, jose.RS256, "k"), rsaPair(1, jose.RS256, "k")
	m, gone := b.add(lead, rescue, machine.Robot), b.add(lead, rescue, machine.Robot)
	c := b.issue(m, key.public())
	if err := b.Retire(t.Context(), lead, gone.ID); err != nil {
		t.Fatal(err)
	}
	guess := form(strange.sign(b.claims(m, nil)))
	want := b.told(guess)
	for name, f := range map[string]url.Values{
		"a machine that is not there":  form(strange.sign(b.claims(machine.Machine{ID: "nobody"}, nil))),
		"a machine that was withdrawn": form(strange.sign(b.claims(gone, nil))),
		"claims that are wrong too":    form(strange.sign(b.claims(m, map[string]any{"aud": "x", "exp": 1}))),
	} {
		if got := b.told(f); got != want {
			t.Errorf("%s: told %q; want %q", name, got, want)
		}
	}
	if err := b.Withdraw(t.Context(), lead, c.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.told(form(key.sign(b.claims(m, map[string]any{"aud": "x"})))); got != want {
		t.Errorf("a key that was withdrawn: told %q; want %q", got, want)
	}
}
