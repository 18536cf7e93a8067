package oidc

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Federation is what the hub tells of itself to the Finnish Trust Network.
type Federation struct {
	Entity       string // the hub's name there, an address; that of the redirect's host unless told
	Organisation string // who keeps the hub
	SignedKeys   string // where the hub shows what SignedJWKS returns
}

// statementTime is how long an entity statement and a signed JWK set hold. Both
// are made anew whenever they are asked for.
const statementTime = 25 * time.Hour

// JWKS returns the hub's public keys as a JWK set, for the provider to fetch
// from an address of ours.
func (x *Connection) JWKS() ([]byte, error) {
	body, err := json.Marshal(x.published())
	if err != nil {
		return nil, fmt.Errorf("write the JWK set: %w", err)
	}
	return body, nil
}

func (x *Connection) published() jose.JSONWebKeySet {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	now := x.Now()
	for _, k := range x.Keys() {
		if k.Private != nil && (k.Use == Sign || k.Use == Decrypt && k.valid(now)) {
			set.Keys = append(set.Keys, x.public(k))
		}
	}
	return set
}

// SignedJWKS returns the hub's public keys signed by its entity key, as the
// profile's signed_jwks_uri shows them (application/jose).
func (x *Connection) SignedJWKS() (string, error) {
	return x.statement("jwk-set+jwt", map[string]any{"keys": x.published().Keys})
}

// EntityStatement returns what introduces the hub to a broker of the Finnish
// Trust Network: what it can and where its keys are, signed by its entity key
// (application/entity-statement+jwt). The entity key itself is exchanged
// beforehand.
func (x *Connection) EntityStatement() (string, error) {
	entity := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range x.Keys() {
		if k.Use == Vouch && k.Private != nil {
			entity.Keys = append(entity.Keys, x.public(k))
		}
	}
	return x.statement("entity-statement+jwt", map[string]any{
		"jwks": entity,
		"metadata": map[string]any{"openid_relying_party": map[string]any{
			"redirect_uris":                   []string{x.Redirect},
			"application_type":                "web",
			"id_token_signed_response_alg":    x.Algs[0],
			"id_token_encrypted_response_alg": x.Sealed[0],
			"id_token_encrypted_response_enc": x.Sealed[1],
			"request_object_signing_alg":      jose.RS256,
			"token_endpoint_auth_method":      "private_key_jwt",
			"token_endpoint_auth_signing_alg": jose.RS256,
			"client_registration_types":       []string{},
			"organization_name":               x.Federation.Organisation,
			"signed_jwks_uri":                 x.Federation.SignedKeys,
		}},
	})
}

// statement signs what the hub says of itself.
func (x *Connection) statement(typ string, claims map[string]any) (string, error) {
	entity := x.Federation.Entity
	if entity == "" {
		at, err := url.Parse(x.Redirect)
		if err != nil {
			return "", fmt.Errorf("read the redirect address: %w", err)
		}
		entity = at.Scheme + "://" + at.Host
	}
	now := x.Now()
	claims["iss"], claims["sub"], claims["iat"], claims["exp"] = entity, entity, now.Unix(), now.Add(statementTime).Unix()
	return x.sign(Vouch, typ, claims)
}
