// Package oidc signs people in by OpenID Connect, as a relying party: by the
// Finnish Trust Network's profile (Traficom 213/2023 S), which
// Suomi.fi-tunnistus moves to, and by any other provider with the authorization
// code flow, such as Portti.
//
// A Connection is one provider and an identity.Provider and identity.Ender.
// What it always does: PKCE with S256, a nonce, requests signed by the hub
// (unless PlainRequests), private_key_jwt at the token endpoint, ID tokens that
// are encrypted to the hub (unless PlainTokens) and signed by the provider with
// an algorithm of a list that holds no symmetric one and no "none".
//
//	Begin  →  the provider  →  Finish: parameters, code for token, open, verify, map
//
// What a token says is personal. No error of this package tells any of it:
// causes are constants, and what libraries say of a token is dropped.
package oidc

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// Config says what a connection is. Name, Issuer, ClientID, Redirect, Claims
// and Keys must be given; the rest has defaults that work.
type Config struct {
	// Name is what the hub calls the connection, in its log: suomifi, portti.
	Name string

	// Issuer is the provider's name of itself, to the letter. Where everything
	// is, its discovery document tells, unless Endpoints does.
	Issuer    string
	Endpoints Endpoints

	// TrustedKeys is a JWK set: the provider's entity keys, exchanged beforehand
	// as the Finnish Trust Network asks. When it is given, the keys of ID tokens
	// come from the provider's signed JWK set alone, and one of these must have
	// signed it. Entity is who says so in it; the Issuer unless told.
	TrustedKeys []byte
	Entity      string

	// ClientID is the hub's name at the provider, Redirect its address for
	// answers and AfterLogout the one to come back to after a logout, "" for none.
	ClientID    string
	Redirect    string
	AfterLogout string

	// Keys returns the hub's keys. It is asked at each use, so a key is rolled
	// over by what it returns; see Key.
	Keys func() []Key

	// Scopes are asked for besides openid.
	Scopes []string

	// Levels are the acr values that are asked for and will do; an answer with
	// another one is refused. Empty: not asked, all will do.
	Levels []string

	// Claims says what of a token is what of a person: FTNClaims, TeliaClaims,
	// PlainClaims, or others.
	Claims Claims

	// ServiceName is the hub's name on the provider's pages: ftn_spname. Empty:
	// not sent.
	ServiceName i18n.Text

	// Fresh says that the provider identifies anew at every sign-in and knows no
	// prompt, as brokers of the Finnish Trust Network: nothing is silent there. For
	// a step-up it must tell when the person was identified, as any other.
	Fresh bool

	// PlainRequests sends the request's parameters in the address, for providers
	// that know no request objects. PlainTokens takes ID tokens that are not
	// encrypted. The Finnish Trust Network allows neither.
	PlainRequests bool
	PlainTokens   bool

	// Algs are the algorithms that ID tokens may be signed with. Default RS256.
	Algs []string

	// Sealed is how the hub says that it wants ID tokens encrypted: the key's
	// algorithm and the content's. Default RSA-OAEP and A128CBC-HS256; what else
	// is allowed is taken too.
	Sealed [2]string

	// Federation is what the entity statement tells of the hub; see
	// EntityStatement. Not needed to sign in.
	Federation Federation

	// Skew is how far the provider's clock may be from ours: default a minute.
	Skew time.Duration

	// Within is how long a person may be away: default half an hour.
	Within time.Duration

	// Patience is how long the provider may take to answer: default 10 s.
	Patience time.Duration

	// Refresh is how old the provider's metadata and keys may be; Stale how old
	// they may be while it does not answer. Defaults an hour and a day.
	Refresh, Stale time.Duration

	Client *http.Client     // how the provider is reached; its redirects are refused in any case
	Now    func() time.Time // default time.Now
	Rand   io.Reader        // default crypto/rand
	Log    *slog.Logger     // default: nothing is logged
}

// Endpoints are the provider's addresses, as its discovery document names them.
type Endpoints struct {
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Keys          string `json:"jwks_uri"`
	SignedKeys    string `json:"signed_jwks_uri"`      // with TrustedKeys
	EndSession    string `json:"end_session_endpoint"` // "" when it has no logout

	// TellsIssuer says that answers carry the parameter iss (RFC 9207).
	TellsIssuer bool `json:"authorization_response_iss_parameter_supported"`
}

// A Connection is one provider of OpenID Connect. It is safe for concurrent use.
type Connection struct {
	Config
	http  *http.Client
	trust *trust // nil: the provider's keys come unsigned
	meta  *kept[Endpoints]
	keys  *kept[keySet]
}

var (
	_ identity.Provider = (*Connection)(nil)
	_ identity.Ender    = (*Connection)(nil)
)

// New returns the connection. The error tells all that is wrong with the
// configuration. The provider is not asked yet: it may be down.
func New(c Config) (*Connection, error) {
	c.defaults()
	x := &Connection{Config: c, http: bounded(c.Client)}
	var errs []error
	if len(c.TrustedKeys) > 0 {
		var err error
		if x.trust, err = newTrust(c.TrustedKeys, c.Entity); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(append(errs, c.check()...)...); err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.Name, err)
	}
	x.meta = newKept(x, "metadata", x.discover)
	x.keys = newKept(x, "keys", x.fetchKeys)
	return x, nil
}

func (c *Config) defaults() {
	orElse(&c.Skew, time.Minute)
	orElse(&c.Within, 30*time.Minute)
	orElse(&c.Patience, 10*time.Second)
	orElse(&c.Refresh, time.Hour)
	orElse(&c.Stale, 24*time.Hour)
	if c.Entity == "" {
		c.Entity = c.Issuer
	}
	if len(c.Algs) == 0 {
		c.Algs = []string{"RS256"}
	}
	if c.Sealed == [2]string{} {
		c.Sealed = [2]string{string(jose.RSA_OAEP), string(jose.A128CBC_HS256)}
	}
	if c.Client == nil {
		c.Client = &http.Client{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func orElse(d *time.Duration, other time.Duration) {
	if *d == 0 {
		*d = other
	}
}

// check lists all that is wrong.
func (c *Config) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		bad("it has no name")
	}
	if c.ClientID == "" {
		bad("the client id is missing")
	}
	e := c.Endpoints
	for _, a := range []struct {
		what, address string
		needed        bool
	}{
		{"issuer", c.Issuer, true},
		{"redirect address", c.Redirect, true},
		{"address after a logout", c.AfterLogout, false},
		{"authorization endpoint", e.Authorization, false},
		{"token endpoint", e.Token, false},
		{"address of the keys", e.Keys, false},
		{"address of the signed keys", e.SignedKeys, false},
		{"end-session endpoint", e.EndSession, false},
	} {
		if !safe(a.address) && (a.needed || a.address != "") {
			bad("the %s must begin with https://", a.what)
		}
	}
	if c.told() && !c.complete(e) {
		bad("endpoints are told only in part: authorization, token and keys are needed")
	}
	for _, alg := range c.Algs {
		if !slices.Contains(signatures, alg) {
			bad("ID tokens cannot be signed with %s, only with %v", alg, signatures)
		}
	}
	if !slices.Contains(keyAlgorithms, jose.KeyAlgorithm(c.Sealed[0])) || !slices.Contains(contentEncryption, jose.ContentEncryption(c.Sealed[1])) {
		bad("ID tokens cannot be encrypted with %v, only with %v and %v", c.Sealed, keyAlgorithms, contentEncryption)
	}
	if !c.ServiceName.Empty() && !c.ServiceName.Whole() {
		bad("the service's name is not in all languages")
	}
	if c.Skew < 0 || c.Skew > 5*time.Minute {
		bad("clocks may differ by 5 minutes at most")
	}
	return append(errs, c.checkKeys()...)
}

// told says whether the configuration, and not discovery, tells the endpoints.
func (c *Config) told() bool { return c.Endpoints != Endpoints{} }

// complete says whether the endpoints are enough to sign in.
func (c *Config) complete(e Endpoints) bool {
	keys := e.Keys
	if len(c.TrustedKeys) > 0 {
		keys = e.SignedKeys
	}
	return safe(e.Authorization) && safe(e.Token) && safe(keys) && (e.EndSession == "" || safe(e.EndSession))
}

// safe tells whether an address may be used: https, or http on this machine
// itself, which is where tests and demos run.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	if u.Scheme == "http" {
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return u.Scheme == "https"
}

// random returns an unguessable text of 256 bits.
func (x *Connection) random() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(x.Rand, b[:]); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// within bounds the time of what the provider is asked.
func (x *Connection) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, x.Patience)
}
