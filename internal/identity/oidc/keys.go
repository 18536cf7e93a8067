package oidc

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Use is what one of the hub's keys is for.
type Use string

// The uses.
const (
	Sign    Use = "sign"    // signs requests and what the hub says at the token endpoint
	Decrypt Use = "decrypt" // opens ID tokens
	Vouch   Use = "vouch"   // signs the entity statement and the signed JWK set
)

// A Key is one of the hub's own RSA keys.
//
// Keys roll over by their dates, so that the provider knows a key before it is
// used. One that signs or vouches is published as long as it is listed, and
// signs from From until Until. One that decrypts is published from From until
// Until, and opens tokens as long as it is listed: take it off the list when no
// provider can still remember it (a day or two). A zero date is no limit. Where
// several would do, the one with the latest From does.
type Key struct {
	ID          string // kid; "" for its thumbprint (RFC 7638)
	Use         Use
	Private     *rsa.PrivateKey
	From, Until time.Time
}

// smallest is the shortest RSA key that is used, ours or the provider's.
const smallest = 2048

// valid tells whether the key's dates hold at the time.
func (k Key) valid(now time.Time) bool {
	return !now.Before(k.From) && (k.Until.IsZero() || now.Before(k.Until))
}

// kid returns the key's name.
func (k Key) kid() string {
	if k.ID != "" {
		return k.ID
	}
	sum, err := (&jose.JSONWebKey{Key: k.Private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "" // not of an RSA key
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// public returns what others may see of the key.
func (x *Connection) public(k Key) jose.JSONWebKey {
	use, alg := "sig", string(jose.RS256)
	if k.Use == Decrypt {
		use, alg = "enc", x.Sealed[0]
	}
	return jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.kid(), Use: use, Algorithm: alg}
}

func (c *Config) checkKeys() (errs []error) {
	if c.Keys == nil {
		return []error{errors.New("the hub's keys are missing")}
	}
	all := c.Keys()
	for i, k := range all {
		switch {
		case k.Private == nil:
			errs = append(errs, fmt.Errorf("key %d (%s) is missing", i+1, k.Use))
		case k.Private.N.BitLen() < smallest:
			errs = append(errs, fmt.Errorf("key %d (%s) has fewer than %d bits", i+1, k.Use, smallest))
		case !slices.Contains([]Use{Sign, Decrypt, Vouch}, k.Use):
			errs = append(errs, fmt.Errorf("key %d is for %q, which is nothing", i+1, k.Use))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	if _, err := newest(all, Sign, c.Now()); err != nil {
		errs = append(errs, err)
	}
	if _, err := newest(all, Decrypt, c.Now()); err != nil && !c.PlainTokens {
		errs = append(errs, err)
	}
	return errs
}

// newest returns the key that is used now.
func newest(all []Key, use Use, now time.Time) (Key, error) {
	var found Key
	for _, k := range all {
		if k.Use == use && k.valid(now) && (found.Private == nil || k.From.After(found.From)) {
			found = k
		}
	}
	if found.Private == nil {
		return Key{}, fmt.Errorf("the hub has no key to %s with now", use)
	}
	return found, nil
}

// decrypters lists the keys that may open a token with the header's kid: those
// of that name, or all when it has none.
func (x *Connection) decrypters(kid string) []Key {
	return slices.DeleteFunc(slices.Clone(x.Keys()), func(k Key) bool {
		return k.Use != Decrypt || k.Private == nil || kid != "" && k.kid() != kid
	})
}

// sign signs claims with the hub's key for the use. typ is the header's, "" for
// none.
func (x *Connection) sign(use Use, typ string, claims any) (string, error) {
	key, err := newest(x.Keys(), use, x.Now())
	if err != nil {
		return "", err
	}
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key.Private, KeyID: key.kid()}}, options)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed, nil
}
