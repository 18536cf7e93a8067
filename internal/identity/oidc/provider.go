package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity"
)

// signatures are the algorithms that a provider may sign with: all are
// asymmetric.
var signatures = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

func algorithms(names []string) []jose.SignatureAlgorithm {
	all := make([]jose.SignatureAlgorithm, len(names))
	for i, name := range names {
		all[i] = jose.SignatureAlgorithm(name)
	}
	return all
}

// endpoints tells where everything is: as configured, or as discovered. The
// error is a *identity.Refusal.
func (x *Connection) endpoints(ctx context.Context) (Endpoints, error) {
	if x.told() {
		return x.Endpoints, nil
	}
	return x.meta.get(ctx)
}

// discover reads the provider's discovery document.
func (x *Connection) discover(ctx context.Context) (Endpoints, error) {
	found, err := gooidc.NewProvider(gooidc.ClientContext(ctx, x.http), x.Issuer)
	if err != nil {
		if _, ok := errors.AsType[*gooidc.IssuerMismatchError](err); ok {
			return Endpoints{}, identity.Refuse(identity.NotThere, "the discovery document is another issuer's")
		}
		return Endpoints{}, gone(unanswered(ctx, "the discovery document", err))
	}
	var e Endpoints
	if err := found.Claims(&e); err != nil || !x.complete(e) {
		return Endpoints{}, identity.Refuse(identity.NotThere, "the discovery document does not tell what is needed")
	}
	return e, nil
}

// gone makes a refusal say that the provider is not there: without metadata and
// keys, whatever is wrong with them, nobody can be signed in.
func gone(r *identity.Refusal) *identity.Refusal {
	return &identity.Refusal{Why: identity.NotThere, Cause: r.Cause}
}

// A keySet is what the provider signs with.
type keySet []jose.JSONWebKey

// mostKeys is how many keys of a set are read.
const mostKeys = 64

// fetchKeys reads the provider's keys; with TrustedKeys, its signed ones.
func (x *Connection) fetchKeys(ctx context.Context) (keySet, error) {
	e, err := x.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	address := e.Keys
	if x.trust != nil {
		address = e.SignedKeys
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, identity.Refuse(identity.NotThere, "the address of the provider's keys cannot be read")
	}
	answer, err := x.http.Do(r)
	if err != nil {
		return nil, gone(unanswered(ctx, "the provider's keys", err))
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, gone(unanswered(ctx, "the provider's keys", err))
	}
	if answer.StatusCode != http.StatusOK {
		return nil, identity.Refuse(identity.NotThere, fmt.Sprintf("the provider's keys: status %d", answer.StatusCode))
	}
	if x.trust != nil {
		if body, err = x.trust.open(body, x.Now(), x.Skew); err != nil {
			return nil, &identity.Refusal{Why: identity.NotThere, Cause: err}
		}
	}
	keys, err := readKeys(body)
	if err != nil {
		return nil, &identity.Refusal{Why: identity.NotThere, Cause: err}
	}
	return keys, nil
}

// readKeys reads a JWK set. Keys that sign nothing or that are not understood
// are left out (RFC 7517, section 5).
func readKeys(body []byte) (keySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &set) != nil {
		return nil, errors.New("the JWK set cannot be read")
	}
	if len(set.Keys) > mostKeys {
		return nil, errors.New("the JWK set is too big")
	}
	var keys keySet
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !key.IsPublic() || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if rsaKey, ok := key.Key.(*rsa.PublicKey); ok && rsaKey.N.BitLen() < smallest {
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWK set has no key that signs")
	}
	return keys, nil
}

// verify returns what the token says if one of the keys signed it. What its
// header says of where keys are (jku, x5u, jwk, x5c) is not looked at.
func (s keySet) verify(token string, algs []jose.SignatureAlgorithm) ([]byte, bool) {
	signed, err := jose.ParseSignedCompact(token, algs)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, false
	}
	header := signed.Signatures[0].Header
	for _, key := range s {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := signed.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// remoteKeys verifies with the provider's keys, fetched anew when none fits:
// it may have rolled them over.
type remoteKeys struct {
	x   *Connection
	err error // why the keys could not be had
}

var errSignature = errors.New("no key of the provider's made the signature")

// VerifySignature implements go-oidc's KeySet.
func (r *remoteKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	for _, get := range []func(context.Context) (keySet, error){r.x.keys.get, r.x.keys.anew} {
		var keys keySet
		if keys, r.err = get(ctx); r.err != nil {
			return nil, r.err
		}
		if payload, ok := keys.verify(token, algorithms(r.x.Algs)); ok {
			return payload, nil
		}
	}
	return nil, errSignature
}

// trust is what the provider's signed JWK set is judged by.
type trust struct {
	keys   keySet
	entity string
}

func newTrust(body []byte, entity string) (*trust, error) {
	keys, err := readKeys(body)
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	return &trust{keys, entity}, nil
}

// open returns the JWK set that the entity signed.
func (t *trust) open(body []byte, now time.Time, skew time.Duration) ([]byte, error) {
	payload, ok := t.keys.verify(strings.TrimSpace(string(body)), algorithms(signatures))
	if !ok {
		return nil, errors.New("no trusted key signed the provider's JWK set")
	}
	var says struct {
		Issuer  string      `json:"iss"`
		Subject string      `json:"sub"`
		From    json.Number `json:"iat"`
		Until   json.Number `json:"exp"`
	}
	if json.Unmarshal(payload, &says) != nil || says.Issuer != t.entity || says.Subject != t.entity {
		return nil, errors.New("the provider's signed JWK set is another's")
	}
	from, okFrom := instant(says.From)
	until, okUntil := instant(says.Until)
	if !okFrom || !okUntil || from.After(now.Add(skew)) || !until.After(now.Add(-skew)) {
		return nil, errors.New("the provider's signed JWK set does not hold now")
	}
	return payload, nil
}

// instant reads a NumericDate (RFC 7519).
func instant(n json.Number) (time.Time, bool) {
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// has tells whether the list has the text.
func has(list []string, text string) bool { return slices.Contains(list, text) }
