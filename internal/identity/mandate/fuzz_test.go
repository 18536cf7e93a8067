package mandate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/testkit"
)

// FuzzCallback: whatever the browser brings, nothing is granted by it but by the
// one code, with the one state; all else is refused in words of ours.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{
		"", "code=CODE&state=STATE", "code=CODE&state=STATE&extra=1", "code=CODE&state=state", "state=STATE", "error=access_denied&state=STATE",
		"code=CODE&code=CODE&state=STATE", "code=CODE&state=STATE&state=x", "code=CODE&state=STATE&error=", "code=&state=STATE", "code=%00&state=STATE",
		"code=CODE%0d%0aX-A:%20b&state=STATE", "error=server_error", "code=CODE;state=STATE", "%zz", "code=C%C3%84&state=STATE",
	} {
		f.Add(seed)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasPrefix(r.URL.Path, "/service/ypa/user/register/"):
			_, _ = w.Write([]byte(`{"sessionId":"s","userId":"u"}`))
		case r.URL.Path == "/oauth/token" && r.FormValue("code") == "CODE":
			_, _ = w.Write([]byte(`{"access_token":"t","token_type":"bearer","expires_in":599}`))
		case r.URL.Path == "/oauth/token":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		default:
			_, _ = w.Write([]byte(`[{"name":"A","identifier":"` + string(vasasol) + `","complete":true,"roles":["TJ"]}]`))
		}
	}))
	f.Cleanup(server.Close)
	flow, err := mandate.New(mandate.Config{BaseURL: server.URL, ClientID: "abcd1234", APIKey: "k", OAuthPassword: "p", RedirectURL: back, Vault: vault(f)})
	if err != nil {
		f.Fatal(err)
	}
	_, memo, err := flow.Begin(f.Context(), mandate.Beginning{Person: linnea, Mode: mandate.ForCompany, State: "STATE"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query) // the server of net/http, too, takes what it can read
		g, after, err := flow.Finish(t.Context(), memo, q)
		if err == nil {
			if len(q["code"]) != 1 || q.Get("code") != "CODE" || len(q["state"]) != 1 || q.Get("state") != "STATE" || q.Has("error") || len(g.Principals) != 1 {
				t.Fatalf("%q grants %+v", query, g)
			}
			return
		}
		if _, ok := errors.AsType[*identity.Refusal](err); !ok || after != nil || len(g.Principals) != 0 {
			t.Fatalf("%q: %v, %+v", query, err, g)
		}
		if len(q.Get("code")) > 3 && strings.Contains(err.Error(), q.Get("code")) {
			t.Fatalf("the error says the code: %v", err)
		}
	})
}

// FuzzJWT: whatever comes where a signed answer is awaited, nothing but what was
// signed is believed.
func FuzzJWT(f *testing.F) {
	d := newDouble(f)
	claims := rolesAnswer(d.ServiceUUID)
	good, err := d.Sign(claims)
	if err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, `"` + good + `"`, parts[0] + "." + parts[1] + ".", encoded(map[string]string{"alg": "none"}, claims, ""), encoded(map[string]string{"alg": "HS256"}, claims, parts[2]),
		encoded(map[string]any{"alg": "RS256", "crit": []string{"b64"}, "b64": false}, claims, parts[2]), "", "..", "a.b.c", parts[1], `[{"identifier":"` + string(vasasol) + `"}]`, "{}", "null",
	} {
		f.Add(seed)
	}
	var answer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
	f.Cleanup(server.Close)
	c, err := mandate.NewClient(mandate.Config{
		BaseURL: server.URL, ClientID: "abcd1234", APIKey: "k", OAuthPassword: "p", RedirectURL: back, Vault: vault(f),
		Signed: true, ServiceUUID: d.ServiceUUID, SignerKeys: d.PublicKey(), Now: testkit.NewClock().Now,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		answer = token
		all, err := c.Organisations(t.Context(), mandate.Session{Interface: mandate.YPA, ID: "s", Request: "r"}, mandate.Token{Access: "t"}, linnea, "")
		if err == nil {
			if len(all) != 1 || all[0].ID != vasasol || !strings.Contains(token, parts[1]) {
				t.Fatalf("%q is believed: %+v", token, all)
			}
			return
		}
		if !errors.Is(err, mandate.ErrAnswer) || all != nil {
			t.Fatalf("%q: %v, %+v", token, err, all)
		}
	})
}
