package mandate_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"luvat/internal/identity/mandate"
	"luvat/internal/testkit"
)

// rolesAnswer are the claims of a good answer about Linnéa's companies.
func rolesAnswer(service string) map[string]any {
	return map[string]any{
		"iss": "Suomi.fi-Valtuudet", "aud": service, "sub": "OrganizationalRoles", "end_user": linnea.Reveal(),
		"iat": testkit.Start.Unix(), "exp": testkit.Start.Add(10 * time.Minute).Unix(),
		"response": `[{"name":"Vasa Sol Ab","identifier":"` + string(vasasol) + `","complete":true,"roles":["TJ"]}]`,
	}
}

// encoded makes a token without a library: what comes out may be anything.
func encoded(header, claims any, signature string) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(header) + "." + part(claims) + "." + signature
}

// TestSignedAnswers: of tokens that come where an answer about Linnéa is awaited,
// only Valtuudet's own, for this hub, about her and now, is one.
func TestSignedAnswers(t *testing.T) {
	s := newSite(t, signed)
	service := s.config.ServiceUUID
	sign := func(change map[string]any, drop ...string) string {
		c := rolesAnswer(service)
		maps.Copy(c, change)
		for _, name := range drop {
			delete(c, name)
		}
		text, err := s.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	with := func(alg jose.SignatureAlgorithm, key any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jwt.Signed(signer).Claims(rolesAnswer(service)).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := sign(nil)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	for _, tt := range []struct{ name, token, why string }{
		{"good", good, ""},
		{"in quotes", `"` + good + "\"\n", ""},
		{"without an end", sign(nil, "exp", "iat"), ""},
		{"of several audiences", sign(map[string]any{"aud": []string{"other", service}}), ""},

		{"alg none", encoded(map[string]string{"alg": "none"}, rolesAnswer(service), ""), "it is not signed with RS256"},
		{"alg none in capitals", encoded(map[string]string{"alg": "NONE"}, rolesAnswer(service), signature), "it is not signed with RS256"},
		{"alg none with a signature", encoded(map[string]string{"alg": "none"}, rolesAnswer(service), signature), "it is not signed with RS256"},
		{"HS256 with the public key", with(jose.HS256, []byte(s.PublicKey())), "it is not signed with RS256"},
		{"RS512", with(jose.RS512, rsaKey()), "it is not signed with RS256"},
		{"PS256", with(jose.PS256, rsaKey()), "it is not signed with RS256"},
		{"another's key", with(jose.RS256, foreign), "no key of Valtuudet signed it"},
		{"another's key, brought along", encoded(map[string]any{"alg": "RS256", "jwk": jose.JSONWebKey{Key: &foreign.PublicKey}}, rolesAnswer(service), signature), "no key of Valtuudet signed it"},
		{"a changed body", head + "." + body[:len(body)-2] + "A" + body[len(body)-1:] + "." + signature, "no key of Valtuudet signed it"},
		{"no signature", head + "." + body + ".", "no key of Valtuudet signed it"},
		{"two parts", head + "." + body, "it is not signed with RS256"},
		{"a critical header", encoded(map[string]any{"alg": "RS256", "crit": []string{"exp"}, "exp": 1}, rolesAnswer(service), signature), "no key of Valtuudet signed it"},
		{"JSON serialisation", `{"payload":"` + body + `","protected":"` + head + `","signature":"` + signature + `"}`, "it is not signed with RS256"},
		{"nothing", "", "it is not signed with RS256"},
		{"the plain answer", rolesAnswer(service)["response"].(string), "it is not signed with RS256"},

		{"a wrong audience", sign(map[string]any{"aud": "another service"}), "its audience is wrong"},
		{"no audience", sign(nil, "aud"), "its audience is wrong"},
		{"a wrong issuer", sign(map[string]any{"iss": "Suomi.fi-Valtuudet.example"}), "its issuer is wrong"},
		{"no issuer", sign(nil, "iss"), "its issuer is wrong"},
		{"about something else", sign(map[string]any{"sub": "AuthorizationList"}), "its subject is wrong"},
		{"over", sign(map[string]any{"exp": testkit.Start.Add(-2 * time.Minute).Unix()}), "its end (it is over) is wrong"},
		{"not begun", sign(map[string]any{"nbf": testkit.Start.Add(2 * time.Minute).Unix()}), "its beginning is wrong"},
		{"of tomorrow", sign(map[string]any{"iat": testkit.Start.Add(24 * time.Hour).Unix()}), "its time of issue is wrong"},
		{"about another person", sign(map[string]any{"end_user": matti.Reveal()}), "it is about another person"},
		{"about a person of another century", sign(map[string]any{"end_user": strings.Replace(linnea.Reveal(), "-", "A", 1)}), "it is about another person"},
		{"about nobody", sign(nil, "end_user"), "it is about another person"},
		{"no response", sign(nil, "response"), "it is not the JSON that was expected"},
		{"a response that is no string", sign(map[string]any{"response": []any{}}), "no key of Valtuudet signed it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(tt.token)) }), func(c *mandate.Config) {
				c.Signed, c.ServiceUUID, c.SignerKeys, c.Now = true, service, s.PublicKey(), s.clock.Now
			})
			all, err := c.Organisations(t.Context(), mandate.Session{Interface: mandate.YPA, ID: "s", Request: "r"}, mandate.Token{Access: "t"}, linnea, "")
			if tt.why == "" {
				if err != nil || len(all) != 1 || all[0].ID != vasasol {
					t.Errorf("%v, %v", all, err)
				}
				return
			}
			tight(t, err)
			if !errors.Is(err, mandate.ErrAnswer) || !strings.Contains(err.Error(), tt.why) || all != nil {
				t.Errorf("%v, %v; want %s", all, err, tt.why)
			}
		})
	}
}

// TestSignedAuthorizations: an answer about a person must name that person.
func TestSignedAuthorizations(t *testing.T) {
	s := newSite(t, signed)
	for _, tt := range []struct {
		name   string
		change map[string]any
		why    string
	}{
		{"allowed", nil, ""},
		{"with reasons", map[string]any{"reasons": `[{"reasonRule":"015.002.1.1","reasonValue":"x","valueType":"y"}]`}, ""},
		{"without the one who asks", map[string]any{"end_user": ""}, ""},
		{"about another principal", map[string]any{"principal": linnea.Reveal()}, "it is about others"},
		{"about no principal", map[string]any{"principal": ""}, "it is about others"},
		{"for another who asks", map[string]any{"end_user": linnea.Reveal()}, "it is about others"},
		{"a list", map[string]any{"sub": "AuthorizationList"}, "its subject is wrong"},
		{"no decision", map[string]any{"response": ""}, "it neither allows nor disallows"},
		{"a decision as JSON", map[string]any{"response": `"ALLOWED"`}, "it neither allows nor disallows"},
		{"reasons that are none", map[string]any{"reasons": "x"}, "it is not the JSON that was expected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := map[string]any{"iss": "Suomi.fi-Valtuudet", "aud": s.config.ServiceUUID, "sub": "Authorization", "end_user": matti.Reveal(), "principal": aino.Reveal(), "response": "ALLOWED", "reasons": "[]"}
			maps.Copy(claims, tt.change)
			token, err := s.Sign(claims)
			if err != nil {
				t.Fatal(err)
			}
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(token)) }), func(c *mandate.Config) {
				c.Signed, c.ServiceUUID, c.SignerKeys, c.Now = true, s.config.ServiceUUID, s.PublicKey(), s.clock.Now
			})
			a, err := c.Authorization(t.Context(), mandate.Session{Interface: mandate.HPA, ID: "s", Request: "r"}, mandate.Token{Access: "t"}, matti, aino, events)
			if tt.why == "" {
				if err != nil || !a.Allowed {
					t.Errorf("%+v, %v", a, err)
				}
				return
			}
			tight(t, err)
			if a.Allowed || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%+v, %v; want %s", a, err, tt.why)
			}
		})
	}
}

// TestSignersRollOver: while Valtuudet changes its key, both are good.
func TestSignersRollOver(t *testing.T) {
	old := newSite(t, signed)
	fresh, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, signed, func(c *mandate.Config, _ *doubleConfig) { c.SignerKeys = pemOf(t, fresh) + old.PublicKey() })
	if g, _ := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab"); len(g.Principals) != 1 {
		t.Errorf("by the old key: %+v", g)
	}
	s = newSite(t, signed, func(c *mandate.Config, d *doubleConfig) {
		d.Key, c.SignerKeys = fresh, pemOf(t, fresh)+old.PublicKey()
	})
	if g, _ := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab"); len(g.Principals) != 1 {
		t.Errorf("by the new key: %+v", g)
	}
}
