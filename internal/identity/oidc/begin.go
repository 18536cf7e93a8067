package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"luvat/internal/identity"
)

// requestTime is how long a signed request holds: the browser takes it to the
// provider at once.
const requestTime = 5 * time.Minute

// memo is what Finish must know of Begin.
type memo struct {
	State    string `json:"state"` // its hash
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // PKCE
	Issuer   string `json:"issuer"`
	At       int64  `json:"at"` // unix milliseconds
	Anew     bool   `json:"anew,omitempty"`
}

func hashed(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Begin returns the address that takes the browser to the provider.
//
// The error is a *identity.Refusal NotThere when the provider's metadata cannot
// be had, and NotSilent when it never signs in silently.
func (x *Connection) Begin(ctx context.Context, b identity.Beginning) (string, []byte, error) {
	if len(b.State) < 16 {
		return "", nil, errors.New("begin a sign-in: the state can be guessed")
	}
	if b.Silent && (x.Fresh || b.Anew) {
		return "", nil, identity.Refuse(identity.NotSilent, "the provider asks at every sign-in")
	}
	ctx, cancel := x.within(ctx)
	defer cancel()
	e, err := x.endpoints(ctx)
	if err != nil {
		return "", nil, err
	}
	m := memo{State: hashed(b.State), Issuer: x.Issuer, At: x.Now().UnixMilli(), Anew: b.Anew}
	if m.Nonce, err = x.random(); err != nil {
		return "", nil, err
	}
	if m.Verifier, err = x.random(); err != nil {
		return "", nil, err
	}
	kept, err := json.Marshal(m)
	if err != nil {
		return "", nil, fmt.Errorf("write the memo: %w", err)
	}
	asked, err := x.query(x.parameters(b, m))
	if err != nil {
		return "", nil, err
	}
	return with(e.Authorization, asked), kept, nil
}

// parameters are what is asked of the provider.
func (x *Connection) parameters(b identity.Beginning, m memo) map[string]any {
	p := map[string]any{
		"client_id":             x.ClientID,
		"response_type":         "code",
		"redirect_uri":          x.Redirect,
		"scope":                 strings.Join(append([]string{"openid"}, x.Scopes...), " "),
		"state":                 b.State,
		"nonce":                 m.Nonce,
		"code_challenge":        oauth2.S256ChallengeFromVerifier(m.Verifier),
		"code_challenge_method": "S256",
	}
	if b.Lang != "" {
		p["ui_locales"] = string(b.Lang)
	}
	if len(x.Levels) > 0 {
		p["acr_values"] = strings.Join(x.Levels, " ")
	}
	if !x.ServiceName.Empty() {
		p["ftn_spname"] = x.ServiceName.In(b.Lang)
	}
	if b.Issuer != "" {
		p["ftn_idp_id"] = b.Issuer
	}
	switch {
	case b.Silent:
		p["prompt"] = "none"
	case b.Anew && x.Fresh: // it asks anyhow; with max_age it must tell when that was
		p["max_age"] = 0
	case b.Anew:
		p["prompt"], p["max_age"] = "login", 0
	}
	return p
}

// query packs the parameters in a signed request object (RFC 9101), beside
// which stand only those that OpenID Connect wants in the open too.
func (x *Connection) query(p map[string]any) (url.Values, error) {
	q := url.Values{}
	if x.PlainRequests {
		for _, name := range slices.Sorted(maps.Keys(p)) {
			q.Set(name, fmt.Sprint(p[name]))
		}
		return q, nil
	}
	id, err := x.random()
	if err != nil {
		return nil, err
	}
	now := x.Now()
	p["iss"], p["aud"], p["jti"] = x.ClientID, x.Issuer, id
	p["iat"], p["nbf"], p["exp"] = now.Unix(), now.Unix(), now.Add(requestTime).Unix()
	request, err := x.sign(Sign, "oauth-authz-req+jwt", p)
	if err != nil {
		return nil, fmt.Errorf("begin a sign-in: %w", err)
	}
	q.Set("client_id", x.ClientID)
	q.Set("response_type", "code")
	q.Set("scope", "openid")
	q.Set("request", request)
	return q, nil
}

// with adds parameters to an address that may have some.
func with(address string, more url.Values) string {
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	return address + sep + more.Encode()
}
