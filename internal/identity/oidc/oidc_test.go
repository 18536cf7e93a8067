package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
	"luvat/internal/testkit"
)

// counted is randomness that a golden file can hold.
type counted byte

func (c *counted) Read(b []byte) (int, error) {
	*c++
	for i := range b {
		b[i] = byte(*c)
	}
	return len(b), nil
}

func pretty(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// here replaces the test provider's address, which changes.
func (p *provider) here(s string) string {
	return strings.ReplaceAll(s, p.URL, "https://broker.example")
}

func TestARequestIsSignedWhole(t *testing.T) {
	p := newProvider(t)
	x := p.connect(func(c *oidc.Config) { c.Rand = new(counted) })
	v := p.begin(x, beginning)
	u, err := url.Parse(v.address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	header := verified(t, q.Get("request"), "sign-1", &map[string]any{})
	q.Set("request", "REQUEST")
	u.RawQuery = q.Encode()
	testkit.Golden(t, "request.golden", p.here(u.String()+"\n"+pretty(t, header)+pretty(t, v.request)))
}

func TestTheTokenRequestProvesWhoAsks(t *testing.T) {
	p := newProvider(t)
	x := p.connect(func(c *oidc.Config) { c.Rand = new(counted) })
	if _, err := p.begin(x, beginning).finish(); err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	header := verified(t, p.form.Get("client_assertion"), "sign-1", &claims)
	p.form.Set("client_assertion", "ASSERTION")
	testkit.Golden(t, "token_request.golden", p.here(pretty(t, p.form)+pretty(t, header)+pretty(t, claims)))
}

func TestWhatTheHubPublishes(t *testing.T) {
	p := newProvider(t)
	now := p.clock.Now()
	x := p.connect(func(c *oidc.Config) {
		c.Federation = oidc.Federation{Entity: "https://luvat.example", Organisation: "Lupa- ja valvontavirasto", SignedKeys: "https://luvat.example/login/ftn/keys.jwt"}
		c.Keys = ring(
			oidc.Key{ID: "sign-1", Use: oidc.Sign, Private: keyring()["sign-1"]},
			oidc.Key{ID: "sign-2", Use: oidc.Sign, Private: keyring()["sign-2"], From: now.Add(48 * time.Hour)},
			oidc.Key{ID: "decrypt-1", Use: oidc.Decrypt, Private: keyring()["decrypt-1"], Until: now},
			oidc.Key{Use: oidc.Decrypt, Private: keyring()["decrypt-2"], From: now},
			oidc.Key{ID: "vouch", Use: oidc.Vouch, Private: keyring()["vouch"]},
		)
	})
	var keys any
	body, err := x.JWKS()
	if err != nil || json.Unmarshal(body, &keys) != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, "jwks.golden", pretty(t, keys))
	if strings.Contains(string(body), `"d"`) {
		t.Error("the set has a private key")
	}
	for name, make := range map[string]func() (string, error){"signed_jwks.golden": x.SignedJWKS, "entity_statement.golden": x.EntityStatement} {
		statement, err := make()
		if err != nil {
			t.Fatal(err)
		}
		var claims any
		header := verified(t, statement, "vouch", &claims)
		testkit.Golden(t, name, pretty(t, header)+pretty(t, claims))
	}
}

func TestWhoCame(t *testing.T) {
	at := testkit.Start
	ftn := identity.Assertion{
		PersonalCode: code, Name: given + " " + family, GivenName: given, FamilyName: family, Level: loa2, At: at,
		Session: identity.ProviderSession{NameID: sub, SessionIndex: "session-55"},
	}
	telia, untimed := ftn, ftn
	untimed.At = time.Time{}
	telia.PersonalCode, telia.Session.SessionIndex = "010280-952L", ""
	portti := identity.Assertion{
		Subject: sub, Name: "Palo Päivystäjä", Email: "palo@pelastus.example", Lang: i18n.SV, Organisation: "Pirkanmaan pelastuslaitos",
		At: at, Session: identity.ProviderSession{NameID: sub, SessionIndex: "session-55", IDToken: "the token"},
	}
	unsaid := map[string]any{"personal_identity_code": nil, "given_name": nil, "family_name": nil, "name": nil, "acr": nil}
	for _, tt := range []struct {
		name   string
		change func(*oidc.Config)
		claims map[string]any
		want   identity.Assertion
	}{
		{"a broker with OP's names", func(*oidc.Config) {}, nil, ftn},
		{"a broker with Telia's names", func(c *oidc.Config) { c.Claims = oidc.TeliaClaims() }, map[string]any{
			"personal_identity_code": nil, "given_name": nil, "family_name": nil, "name": nil, "sid": nil,
			"urn:oid:1.2.246.21": "010280-952L", "urn:oid:2.5.4.4": family, "urn:oid:1.2.246.575.1.14": given,
		}, telia},
		{"an organisation's own", func(c *oidc.Config) {
			c.Claims, c.Levels, c.PlainTokens, c.PlainRequests = oidc.PlainClaims(), nil, true, true
		}, merge(unsaid, map[string]any{
			"name": "Palo Päivystäjä", "email": "palo@pelastus.example", "locale": "sv-FI", "organization": "Pirkanmaan pelastuslaitos",
		}), portti},
		{"whose address is not known to be hers", func(c *oidc.Config) { c.Claims, c.Levels = oidc.PlainClaims(), nil }, merge(unsaid, map[string]any{
			"name": "Palo Päivystäjä", "email": "palo@pelastus.example", "email_verified": false, "locale": "se",
		}), identity.Assertion{
			Subject: sub, Name: "Palo Päivystäjä", At: at, Session: identity.ProviderSession{NameID: sub, SessionIndex: "session-55", IDToken: "the token"},
		}},
		{"without a time of authentication, where it is always anew", func(c *oidc.Config) { c.Fresh = true }, map[string]any{"auth_time": nil}, ftn},
		{"without a time of authentication", func(*oidc.Config) {}, map[string]any{"auth_time": nil}, untimed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			p.claims = tt.claims
			got, err := p.signIn(p.connect(tt.change))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Issuer = p.URL
			if got.Session.IDToken != "" {
				got.Session.IDToken = "the token"
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func merge(a, b map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range []map[string]any{a, b} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func TestWhatIsAskedForASilentAndForANewSignIn(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*oidc.Config)
		b      identity.Beginning
		want   map[string]any
	}{
		{"as ever", func(*oidc.Config) {}, identity.Beginning{}, map[string]any{"prompt": nil, "max_age": nil}},
		{"silently", func(*oidc.Config) {}, identity.Beginning{Silent: true}, map[string]any{"prompt": "none", "max_age": nil}},
		{"anew", func(*oidc.Config) {}, identity.Beginning{Anew: true}, map[string]any{"prompt": "login", "max_age": 0.0}},
		{"anew, in the address", func(c *oidc.Config) { c.PlainRequests = true }, identity.Beginning{Anew: true}, map[string]any{"prompt": "login", "max_age": "0"}},
		{"anew, where it is always so", func(c *oidc.Config) { c.Fresh = true }, identity.Beginning{Anew: true}, map[string]any{"prompt": nil, "max_age": 0.0}},
		{"in English", func(*oidc.Config) {}, identity.Beginning{Lang: i18n.EN}, map[string]any{"ui_locales": "en", "ftn_spname": "Permits and Supervision"}},
		{"at a bank", func(*oidc.Config) {}, identity.Beginning{Issuer: "fi-nordea"}, map[string]any{"ftn_idp_id": "fi-nordea"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			tt.b.State = state
			v := p.begin(p.connect(tt.change), tt.b)
			for name, want := range tt.want {
				if v.request[name] != want {
					t.Errorf("%s: got %v, want %v", name, v.request[name], want)
				}
			}
			if v.request["code_challenge_method"] != "S256" || v.request["nonce"] == "" {
				t.Errorf("no PKCE or no nonce: %v", v.request)
			}
		})
	}
}

func TestABrokerThatAlwaysAsksIsNeverSilent(t *testing.T) {
	p := newProvider(t)
	_, _, err := p.connect(func(c *oidc.Config) { c.Fresh = true }).Begin(t.Context(), identity.Beginning{State: state, Silent: true})
	refusal(t, err, identity.NotSilent)
}

func TestWhoWasIdentifiedAnew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fresh  bool
		claims map[string]any
		why    identity.Why
	}{
		{"now", false, nil, ""},
		{"an hour ago", false, map[string]any{"auth_time": testkit.Start.Add(-time.Hour).Unix()}, identity.NotAnew},
		{"nobody knows when", false, map[string]any{"auth_time": nil}, identity.NotAnew},
		{"nobody knows when, where it is always anew", true, map[string]any{"auth_time": nil}, identity.NotAnew},
		{"an hour ago, they say", true, map[string]any{"auth_time": testkit.Start.Add(-time.Hour).Unix()}, identity.NotAnew},
		{"now, where it is always anew", true, nil, ""},
		{"tomorrow", true, map[string]any{"auth_time": testkit.Start.Add(24 * time.Hour).Unix()}, identity.NotValid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			p.claims = tt.claims
			v := p.begin(p.connect(func(c *oidc.Config) { c.Fresh = tt.fresh }), identity.Beginning{State: state, Anew: true})
			_, err := v.finish()
			if tt.why == "" && err != nil {
				t.Error(err)
			} else if tt.why != "" {
				refusal(t, err, tt.why)
			}
		})
	}
}

func TestTheProvidersErrors(t *testing.T) {
	for code, want := range map[string]identity.Why{
		"access_denied": identity.Cancelled, "cancel": identity.Cancelled,
		"login_required": identity.NotSilent, "interaction_required": identity.NotSilent, "consent_required": identity.NotSilent, "account_selection_required": identity.NotSilent,
		"unmet_authentication_requirements": identity.NotPossible, "invalid_ftn_idp_id": identity.NotPossible,
		"server_error": identity.NotThere, "temporarily_unavailable": identity.NotThere,
		"invalid_request": identity.NotValid, "invalid_scope": identity.NotValid, "invalid_request_object": identity.NotValid,
		"": identity.NotValid, "a error\nthat " + code: identity.NotValid,
	} {
		t.Run(code, func(t *testing.T) {
			p := newProvider(t)
			v := p.begin(p.connect(), beginning)
			v.query.Del("code")
			v.query.Set("error", code)
			v.query.Set("error_description", given+" "+code)
			_, err := v.finish()
			refusal(t, err, want)
			v.discreet(err)
			if p.count("/token") > 0 {
				t.Error("the token endpoint was asked")
			}
		})
	}
}

func TestEveryWayOfEncryptionThatIsAllowed(t *testing.T) {
	for _, alg := range []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256} {
		for _, enc := range []jose.ContentEncryption{jose.A128CBC_HS256, jose.A128GCM, jose.A256GCM} {
			for _, kid := range []string{"decrypt-1", ""} {
				t.Run(string(alg)+" "+string(enc)+" "+kid, func(t *testing.T) {
					p := newProvider(t)
					p.token = func(c map[string]any) string {
						return seal(jose.Recipient{Algorithm: alg, Key: keyring()["decrypt-1"].Public(), KeyID: kid}, enc, sign("provider-1", c), (&jose.EncrypterOptions{}).WithContentType("JWT"))
					}
					if a, err := p.signIn(p.connect()); err != nil || a.PersonalCode != code {
						t.Errorf("got %v, %v", a, err)
					}
				})
			}
		}
	}
}

func TestSigningInOfLongAgo(t *testing.T) {
	p := newProvider(t)
	x := p.connect()
	v := p.begin(x, beginning)
	p.clock.Move(31 * time.Minute)
	_, err := v.finish()
	refusal(t, err, identity.TooOld)
	if p.count("/token") > 0 {
		t.Error("the token endpoint was asked")
	}
}

func TestAMemoOfAnotherConnectionIsNone(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	v := p.begin(p.connect(), beginning)
	v.x, v.query = other.connect(), url.Values{"state": {state}, "iss": {other.URL}, "code": {"x"}}
	_, err := v.finish()
	refusal(t, err, identity.NotValid)
	if other.count("/token") > 0 {
		t.Error("the code was given to another provider")
	}
	v.memo = []byte("nonsense")
	if _, err := v.finish(); err == nil {
		t.Error("a memo that is none was taken")
	}
}

func TestMistakesOfTheConfigurationAreToldAtOnce(t *testing.T) {
	weak := mustKey(t, 1024)
	c := oidc.Config{
		Issuer: "http://broker.example", Redirect: "luvat", Algs: []string{"none", "HS256"}, Skew: time.Hour, TrustedKeys: []byte("{}"),
		Endpoints: oidc.Endpoints{Token: "http://broker.example/token"}, ServiceName: i18n.Text{FI: "Luvat"},
		Keys: ring(oidc.Key{Use: oidc.Sign}, oidc.Key{Use: "x", Private: keyring()["sign-1"]}, oidc.Key{Use: oidc.Decrypt, Private: weak}),
	}
	_, err := oidc.New(c)
	if err == nil {
		t.Fatal("it was taken")
	}
	testkit.Golden(t, "mistakes.golden", err.Error()+"\n")
	p := newProvider(t)
	c = p.config()
	c.Keys = ring(oidc.Key{Use: oidc.Sign, Private: keyring()["sign-1"], From: p.clock.Now().Add(time.Hour)})
	if _, err := oidc.New(c); err == nil || !strings.Contains(err.Error(), "no key to sign") || !strings.Contains(err.Error(), "no key to decrypt") {
		t.Errorf("without keys of now: %v", err)
	}
}

func TestEndpointsThatAreTold(t *testing.T) {
	p := newProvider(t)
	p.discovered = http.NotFound
	x := p.connect(func(c *oidc.Config) {
		c.Endpoints = oidc.Endpoints{Authorization: p.URL + "/authorize", Token: p.URL + "/token", Keys: p.URL + "/jwks"}
	})
	v := p.begin(x, beginning)
	v.query.Del("iss") // not told to be there
	if a, err := v.finish(); err != nil || a.PersonalCode != code {
		t.Errorf("got %v, %v", a, err)
	}
	if at, err := x.End(t.Context(), p.URL, identity.ProviderSession{NameID: sub}, state, "fi"); at != "" || err != nil {
		t.Errorf("a provider without a logout: %q, %v", at, err)
	}
}
