package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"luvat/internal/identity"
)

// assertionTime is how long the hub's word of itself at the token endpoint
// holds.
const assertionTime = time.Minute

// refusals says what the provider's error codes mean. Those of RFC 6749 and
// OpenID Connect that are not here are our mistakes or unknown: NotValid.
var refusals = map[string]identity.Why{
	"access_denied":                     identity.Cancelled,
	"cancel":                            identity.Cancelled, // Finnish Trust Network
	"login_required":                    identity.NotSilent,
	"interaction_required":              identity.NotSilent,
	"account_selection_required":        identity.NotSilent,
	"consent_required":                  identity.NotSilent,
	"unmet_authentication_requirements": identity.NotPossible,
	"invalid_ftn_idp_id":                identity.NotPossible,
	"server_error":                      identity.NotThere,
	"temporarily_unavailable":           identity.NotThere,
}

// Finish reads the provider's answer, fetches the ID token for its code and
// says who came.
func (x *Connection) Finish(ctx context.Context, kept []byte, r *http.Request) (identity.Assertion, error) {
	var m memo
	if err := json.Unmarshal(kept, &m); err != nil {
		return identity.Assertion{}, errors.New("finish a sign-in: the memo is not ours")
	}
	ctx, cancel := x.within(ctx)
	defer cancel()
	code, err := x.answer(ctx, m, r.URL.Query())
	if err != nil {
		return identity.Assertion{}, err
	}
	token, access, err := x.exchange(ctx, m, code)
	if err != nil {
		return identity.Assertion{}, err
	}
	return x.read(ctx, m, token, access)
}

// answer returns the code of the provider's answer.
func (x *Connection) answer(ctx context.Context, m memo, q url.Values) (string, error) {
	for _, name := range []string{"state", "iss", "code", "error"} {
		if len(q[name]) > 1 {
			return "", identity.Refuse(identity.NotValid, "the answer says something twice")
		}
	}
	if q.Get("state") == "" || hashed(q.Get("state")) != m.State {
		return "", identity.Refuse(identity.NotValid, "the answer's state is not the sign-in's")
	}
	if m.Issuer != x.Issuer {
		return "", identity.Refuse(identity.NotValid, "the sign-in began with another provider")
	}
	e, err := x.endpoints(ctx)
	if err != nil {
		return "", err
	}
	if iss := q.Get("iss"); iss != x.Issuer && (iss != "" || e.TellsIssuer) {
		return "", identity.Refuse(identity.NotValid, "the answer is another provider's")
	}
	if code, ok := q["error"]; ok {
		return "", refused(code[0])
	}
	if now, began := x.Now(), time.UnixMilli(m.At); now.Sub(began) > x.Within || began.Sub(now) > x.Skew {
		return "", identity.Refuse(identity.TooOld, "the sign-in began too long ago")
	}
	if q.Get("code") == "" {
		return "", identity.Refuse(identity.NotValid, "the answer has neither a code nor an error")
	}
	return q.Get("code"), nil
}

// refused makes a refusal of the provider's error code. Only codes that are
// known are repeated: anybody can write an address.
func refused(code string) *identity.Refusal {
	if why, ok := refusals[code]; ok {
		return identity.Refuse(why, "the provider says "+code)
	}
	switch code {
	case "invalid_request", "invalid_scope", "invalid_request_object", "unauthorized_client", "unsupported_response_type",
		"request_not_supported", "invalid_request_uri", "request_uri_not_supported", "registration_not_supported":
		return identity.Refuse(identity.NotValid, "the provider does not accept the request: "+code)
	}
	return identity.Refuse(identity.NotValid, "the provider says an error that is not known")
}

// exchange fetches the ID token and the access token for the code.
func (x *Connection) exchange(ctx context.Context, m memo, code string) (token, access string, err error) {
	e, err := x.endpoints(ctx)
	if err != nil {
		return "", "", err
	}
	proof, err := x.proof(e.Token)
	if err != nil {
		return "", "", err
	}
	client := oauth2.Config{ClientID: x.ClientID, RedirectURL: x.Redirect, Endpoint: oauth2.Endpoint{TokenURL: e.Token, AuthStyle: oauth2.AuthStyleInParams}}
	got, err := client.Exchange(context.WithValue(ctx, oauth2.HTTPClient, x.http), code,
		oauth2.VerifierOption(m.Verifier),
		oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
		oauth2.SetAuthURLParam("client_assertion", proof))
	if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return "", "", unexchanged(said)
	}
	if err != nil {
		return "", "", unanswered(ctx, "the token endpoint", err)
	}
	token, ok := got.Extra("id_token").(string)
	if !ok || token == "" {
		return "", "", identity.Refuse(identity.NotValid, "the token endpoint gave no ID token")
	}
	return token, got.AccessToken, nil
}

// proof signs who the hub is (private_key_jwt). It is used once.
func (x *Connection) proof(audience string) (string, error) {
	id, err := x.random()
	if err != nil {
		return "", err
	}
	now := x.Now()
	proof, err := x.sign(Sign, "JWT", map[string]any{
		"iss": x.ClientID, "sub": x.ClientID, "aud": audience, "jti": id, "iat": now.Unix(), "exp": now.Add(assertionTime).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("finish a sign-in: %w", err)
	}
	return proof, nil
}

// unexchanged makes a refusal of the token endpoint's error. Its body is not
// repeated.
func unexchanged(said *oauth2.RetrieveError) *identity.Refusal {
	status := said.Response.StatusCode
	switch {
	case status >= 300 && status < 400:
		return identity.Refuse(identity.NotValid, "the token endpoint sends elsewhere")
	case said.ErrorCode == "invalid_grant":
		return identity.Refuse(identity.TooOld, "the token endpoint does not take the code: used, over or another's")
	case said.ErrorCode == "invalid_client" || said.ErrorCode == "unauthorized_client":
		return identity.Refuse(identity.NotThere, "the token endpoint does not know the hub: "+said.ErrorCode)
	case status >= 500 || said.ErrorCode == "temporarily_unavailable":
		return identity.Refuse(identity.NotThere, fmt.Sprintf("the token endpoint: status %d", status))
	}
	return identity.Refuse(identity.NotValid, fmt.Sprintf("the token endpoint refuses: status %d", status))
}
