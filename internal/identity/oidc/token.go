package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"luvat/internal/identity"
)

// longestToken is how long an ID token or a logout token may be.
const longestToken = 64 << 10

// How tokens may be encrypted. There is neither dir nor a password among the
// key algorithms, and no RSA1_5, whose padding tells too much.
var (
	keyAlgorithms     = []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256}
	contentEncryption = []jose.ContentEncryption{jose.A128CBC_HS256, jose.A128GCM, jose.A256GCM}
)

// read opens and verifies an ID token and says who it is about.
func (x *Connection) read(ctx context.Context, m memo, raw, access string) (identity.Assertion, error) {
	inner, err := x.open(raw)
	if err != nil {
		return identity.Assertion{}, err
	}
	keys := &remoteKeys{x: x}
	token, err := x.verifier(keys).Verify(ctx, inner)
	if err != nil {
		return identity.Assertion{}, unverified(err, keys.err)
	}
	var s said
	if err := token.Claims(&s); err != nil {
		return identity.Assertion{}, identity.Refuse(identity.NotValid, "the ID token says nothing")
	}
	if err := x.fits(m, token, s, access); err != nil {
		return identity.Assertion{}, err
	}
	return x.assertion(m, token, s, inner)
}

// verifier checks signature, algorithm, issuer, audience and expiry.
func (x *Connection) verifier(keys gooidc.KeySet) *gooidc.IDTokenVerifier {
	return gooidc.NewVerifier(x.Issuer, keys, &gooidc.Config{
		ClientID: x.ClientID, SupportedSigningAlgs: x.Algs, Now: func() time.Time { return x.Now().Add(-x.Skew) },
	})
}

// unverified makes a refusal of go-oidc's error, whose text may repeat what the
// token says.
func unverified(err, keys error) *identity.Refusal {
	if r, ok := errors.AsType[*identity.Refusal](keys); ok {
		return r
	}
	if _, ok := errors.AsType[*gooidc.TokenExpiredError](err); ok {
		return identity.Refuse(identity.TooOld, "the token has expired")
	}
	return identity.Refuse(identity.NotValid, "the token does not verify")
}

// open returns the signed token that an encrypted one holds.
func (x *Connection) open(raw string) (string, error) {
	invalid := func(cause string) (string, error) { return "", identity.Refuse(identity.NotValid, cause) }
	switch {
	case len(raw) > longestToken:
		return invalid("the token is too long")
	case !compact(raw):
		return invalid("the token is none")
	case dots(raw) == 2 && x.PlainTokens:
		return raw, nil
	case dots(raw) == 2:
		return invalid("the token is not encrypted")
	}
	sealed, err := jose.ParseEncryptedCompact(raw, keyAlgorithms, contentEncryption)
	if err != nil {
		return invalid("the token is encrypted in a way that is not allowed")
	}
	if _, ok := sealed.Header.ExtraHeaders["zip"]; ok {
		return invalid("the token is compressed")
	}
	for _, key := range x.decrypters(sealed.Header.KeyID) {
		if inner, err := sealed.Decrypt(key.Private); err == nil {
			if len(inner) > longestToken || dots(string(inner)) != 2 || !compact(string(inner)) {
				return invalid("the encrypted token holds no signed one")
			}
			return string(inner), nil
		}
	}
	return invalid("none of the hub's keys opens the token")
}

// compact tells whether a text is made as tokens are: of base64url and dots.
func compact(raw string) bool {
	return !strings.ContainsFunc(raw, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	})
}

// fits checks that a verified token is the answer to this sign-in, made now and
// for the hub alone.
func (x *Connection) fits(m memo, token *gooidc.IDToken, s said, access string) error {
	invalid := func(cause string) error { return identity.Refuse(identity.NotValid, cause) }
	party, ok := s.text("azp")
	if !ok || len(token.Audience) != 1 || s["azp"] != nil && party != x.ClientID {
		return invalid("the ID token is for another too")
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(m.Nonce)) != 1 || m.Nonce == "" {
		return invalid("the ID token's nonce is not the sign-in's")
	}
	now, began := x.Now(), time.UnixMilli(m.At)
	made, ok := s.instant("iat")
	if !ok || made.After(now.Add(x.Skew)) || made.Before(began.Add(-x.Skew)) {
		return invalid("the ID token was not made during the sign-in")
	}
	if from, ok := s.instant("nbf"); s["nbf"] != nil && (!ok || from.After(now.Add(x.Skew))) {
		return invalid("the ID token does not hold yet")
	}
	if s["at_hash"] != nil && token.VerifyAccessToken(access) != nil {
		return invalid("the ID token came with another access token")
	}
	if sub, ok := s.text("sub"); !ok || sub == "" {
		return invalid("the ID token has no subject")
	}
	if level, ok := s.text("acr"); !ok || len(x.Levels) > 0 && !has(x.Levels, level) {
		return identity.Refuse(identity.TooWeak, "the ID token's level is not among those asked for")
	}
	return x.anew(m, s)
}

// anew checks, when the person was to be identified anew, that she was. Only the
// time that the token tells counts: the provider was asked for it (max_age), and one
// that does not tell it may have remembered the person.
func (x *Connection) anew(m memo, s said) error {
	at, ok := s.instant("auth_time")
	switch {
	case s["auth_time"] != nil && (!ok || at.After(x.Now().Add(x.Skew))):
		return identity.Refuse(identity.NotValid, "the ID token's time of authentication makes no sense")
	case !m.Anew:
		return nil
	case !ok:
		return identity.Refuse(identity.NotAnew, "the ID token does not tell when the person was identified")
	case at.Before(time.UnixMilli(m.At).Add(-x.Skew)):
		return identity.Refuse(identity.NotAnew, "the person was not identified anew")
	}
	return nil
}

// assertion says who the token is about.
//
// The token itself is kept, for a logout, only when it has no personal code: at
// a logout it stands in an address.
func (x *Connection) assertion(_ memo, token *gooidc.IDToken, s said, inner string) (identity.Assertion, error) {
	a, ok := x.Claims.person(s)
	if !ok {
		return identity.Assertion{}, identity.Refuse(identity.NotValid, "the ID token says what is no text of a person's data")
	}
	sid, ok := s.text("sid")
	if !ok {
		return identity.Assertion{}, identity.Refuse(identity.NotValid, "the ID token's session is no text")
	}
	a.Issuer = x.Issuer
	a.Level, _ = s.text("acr")
	if a.At, ok = s.instant("auth_time"); !ok && x.Fresh { // else the provider may have remembered the person
		a.At = token.IssuedAt.UTC()
	}
	a.Session = identity.ProviderSession{NameID: token.Subject, SessionIndex: sid}
	if a.PersonalCode == "" && a.ForeignID == "" {
		a.Session.IDToken = inner
	}
	return a, nil
}

// instant returns a claim's time.
func (s said) instant(name string) (time.Time, bool) {
	var n json.Number
	if json.Unmarshal(s[name], &n) != nil {
		return time.Time{}, false
	}
	return instant(n)
}

func dots(token string) int { return strings.Count(token, ".") }
