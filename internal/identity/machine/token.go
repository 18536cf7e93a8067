package machine

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// Limits of tokens and of what is signed for them.
const (
	tokenTime     = 10 * time.Minute
	assertionTime = 5 * time.Minute
	skew          = 30 * time.Second
	coarse        = time.Minute
	longest       = 8 << 10 // of an assertion
)

// assertionType is the only client_assertion_type that is taken (RFC 7523).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// A Token is what the token endpoint gives.
type Token struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"` // seconds
}

// The codes of OAuth that a machine may get.
const (
	InvalidRequest   = "invalid_request"
	InvalidClient    = "invalid_client"
	UnsupportedGrant = "unsupported_grant_type"
	InvalidToken     = "invalid_token"

	TemporarilyUnavailable = "temporarily_unavailable" // nobody's mistake, or too often
)

// An Error is a machine's mistake, or an attack. The other side is told its Code
// and its Cure; the Cause is for the hub's log and names nobody.
//
// The Cure (error_description of RFC 6749, so ASCII) speaks of what the asker sent,
// and of its claims only once its signature is verified: whoever guesses learns
// neither which machines there are nor which of their keys are good.
type Error struct {
	Code  string
	Cause string
	Cure  string // "" for none

	machine string // whose name was used, when it is known
}

// Error tells code and cause.
func (e *Error) Error() string { return e.Code + ": " + e.Cause }

func denied(cause string) *Error { return &Error{Code: InvalidClient, Cause: cause} }

// with returns the error with its cure.
func (e *Error) with(cure string) *Error {
	e.Cure = cure
	return e
}

// noKey is told alike of a machine that is not there and of a key that is not
// good.
const noKey = "no key in use of the identifier in iss made this signature: compare iss, the key and kid, if the header has one, with the page where the key was added"

// Token answers at the token endpoint: who signs with a machine's key, or comes
// with its certificate, gets an access token. With a certificate on the
// connection, the token works with that alone.
//
// The error is an *Error unless the hub itself failed.
func (r *Registry) Token(ctx context.Context, form url.Values, conn *tls.ConnectionState) (Token, error) {
	for _, values := range form {
		if len(values) != 1 {
			return Token{}, &Error{Code: InvalidRequest, Cause: "a parameter comes twice", Cure: "each parameter must come once"}
		}
	}
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
	case "":
		return Token{}, &Error{Code: InvalidRequest, Cause: "no grant type", Cure: "grant_type is missing: it must be client_credentials"}
	default:
		return Token{}, &Error{Code: UnsupportedGrant, Cause: "another grant type", Cure: "grant_type must be client_credentials"}
	}
	token, err := r.token(ctx, form, conn)
	if e, ok := errors.AsType[*Error](err); ok && e.machine != "" {
		if err := r.refused(ctx, e.machine); err != nil {
			return Token{}, err
		}
	}
	return token, err
}

func (r *Registry) token(ctx context.Context, form url.Values, conn *tls.ConnectionState) (Token, error) {
	var shown shown
	var err error
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		shown, err = r.signed(ctx, form)
	} else {
		shown, err = r.connected(ctx, form.Get("client_id"), conn)
	}
	if err != nil {
		return Token{}, err
	}
	return r.give(ctx, shown, conn)
}

// shown is a credential that was shown, by whom, and by what that is used once.
type shown struct {
	credential Credential
	machine    Machine
	once       string // jti; "" for a certificate
	until      time.Time
}

// give makes a token, if what was shown is still good and was not used before.
func (r *Registry) give(ctx context.Context, s shown, conn *tls.ConnectionState) (Token, error) {
	var b [32]byte
	if _, err := io.ReadFull(r.Rand, b[:]); err != nil {
		return Token{}, fmt.Errorf("read random bytes: %w", err)
	}
	access := base64.RawURLEncoding.EncodeToString(b[:])
	bound := ""
	if cert := leaf(conn); cert != nil {
		bound = thumbprint(cert)
	}
	var expires time.Time
	now := r.Now()
	err := r.DB.InTx(ctx, func(tx *db.Tx) error {
		if s.once != "" {
			first, err := identity.Once(ctx, tx, "machine "+s.machine.ID, s.once, s.until)
			if err != nil {
				return err
			}
			if !first {
				return &Error{Code: InvalidClient, Cause: "what was signed was used before", Cure: "this jti was used before: sign anew for each token", machine: s.machine.ID}
			}
		}
		c, m, err := findCredential(ctx, tx, `c.id = $1`, s.credential.ID)
		if err != nil {
			return err
		}
		if !c.Good(now) || !m.Withdrawn.IsZero() {
			return &Error{Code: InvalidClient, Cause: "the credential is not good", machine: m.ID}
		}
		if expires = now.Add(tokenTime); !c.Until.IsZero() && c.Until.Before(expires) {
			expires = c.Until
		}
		if err := insertToken(ctx, tx, hashed(access), c.ID, bound, expires); err != nil {
			return err
		}
		if err := used(ctx, tx, now, c.ID); err != nil {
			return err
		}
		_, err = ledger.Record(ctx, tx, now, identity.AuthorityStream(m.Authority), m.Actor(), ledger.Authority, DeedToken, deed{Machine: m.ID, Credential: c.ID, Until: db.Millis(expires)})
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return Token{Access: access, Type: "Bearer", ExpiresIn: int(expires.Sub(now) / time.Second)}, nil
}

// refused writes to the ledger that somebody who used the machine's name was
// refused.
func (r *Registry) refused(ctx context.Context, machine string) error {
	lately := false
	err := r.DB.View(ctx, func(tx *db.Tx) (err error) {
		lately, err = refusedLately(ctx, tx, r.Now(), machine)
		return err
	})
	if err != nil || lately {
		return err
	}
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		m, err := findMachine(ctx, tx, machine)
		if err != nil {
			return err
		}
		first, err := refusedNow(ctx, tx, r.Now(), m.ID)
		if err != nil || !first {
			return err
		}
		_, err = ledger.Record(ctx, tx, r.Now(), identity.AuthorityStream(m.Authority), ledger.TheHub, ledger.Hub, DeedRefused, deed{Machine: m.ID})
		return err
	})
}

// claims are those of what a machine signs.
type claims struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	Audience json.RawMessage `json:"aud"`
	ID       string          `json:"jti"`
	Expires  *float64        `json:"exp"`
	Issued   *float64        `json:"iat"`
	From     *float64        `json:"nbf"`
}

// signed finds the machine that signed the assertion (private_key_jwt).
func (r *Registry) signed(ctx context.Context, form url.Values) (shown, error) {
	raw := form.Get("client_assertion")
	if form.Get("client_assertion_type") != assertionType || raw == "" || len(raw) > longest {
		return shown{}, denied("the assertion is none of RFC 7523").with("client_assertion must be a JWT, and client_assertion_type " + assertionType)
	}
	object, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil || len(object.Signatures) != 1 {
		return shown{}, denied("the assertion is not signed by an algorithm that is allowed").with("client_assertion must be a JWT in its compact form, signed by RS256, PS256 or ES256")
	}
	var unsure claims // until the signature is verified
	if json.Unmarshal(object.UnsafePayloadWithoutVerification(), &unsure) != nil || unsure.Issuer == "" {
		return shown{}, denied("the assertion names nobody").with("the JWT must be a JSON object with the identifier in iss and sub")
	}
	s, keys, err := r.keys(ctx, unsure.Issuer)
	if err != nil {
		return shown{}, err
	}
	header := object.Signatures[0].Header
	for _, c := range keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal([]byte(c.jwk), &key); err != nil {
			return shown{}, fmt.Errorf("read a machine's key: %w", err)
		}
		if !c.Good(r.Now()) || header.KeyID != "" && header.KeyID != c.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if _, err := object.Verify(key.Key); err != nil {
			continue
		}
		s.credential = c
		if e := r.wrong(unsure, s.machine.ID, form); e != nil {
			e.machine = s.machine.ID
			return shown{}, e
		}
		s.once, s.until = unsure.ID, instant(*unsure.Expires).Add(skew)
		return s, nil
	}
	return shown{}, &Error{Code: InvalidClient, Cause: "no good key of the machine's made the signature", Cure: noKey, machine: s.machine.ID}
}

// keys returns a machine, not withdrawn, and its keys.
func (r *Registry) keys(ctx context.Context, machine string) (s shown, keys []Credential, err error) {
	err = r.DB.View(ctx, func(tx *db.Tx) error {
		if s.machine, err = findMachine(ctx, tx, machine); err != nil {
			return err
		}
		keys, err = keysOf(ctx, tx, machine)
		return err
	})
	if errors.Is(err, db.ErrNoRows) || err == nil && !s.machine.Withdrawn.IsZero() {
		return s, nil, denied("the assertion names no machine").with(noKey)
	}
	return s, keys, err
}

// wrong says what is wrong with verified claims, nil for nothing.
func (r *Registry) wrong(c claims, machine string, form url.Values) *Error {
	now := r.Now()
	switch {
	case c.Subject != machine || form.Has("client_id") && form.Get("client_id") != machine:
		return denied("the assertion is of several").with("sub, and client_id if it is sent, must be the identifier in iss")
	case !r.forUs(c.Audience):
		return denied("the assertion is for another").with("aud must be " + r.TokenEndpoint + " and nothing else")
	case c.ID == "" || len(c.ID) > 200:
		return denied("the assertion has no number").with("jti must be a text of 1 to 200 characters, new each time")
	case c.Expires == nil || !instant(*c.Expires).After(now.Add(-skew)):
		return denied("the assertion has expired").with("exp is missing or has passed: compare the clock with the header Date of this answer")
	case instant(*c.Expires).After(now.Add(assertionTime + skew)):
		return denied("the assertion would hold too long").with("exp must be five minutes ahead at most: compare the clock with the header Date of this answer")
	case c.Issued != nil && instant(*c.Issued).After(now.Add(skew)), c.From != nil && instant(*c.From).After(now.Add(skew)):
		return denied("the assertion does not hold yet").with("iat or nbf is ahead: compare the clock with the header Date of this answer")
	}
	return nil
}

// forUs tells whether an audience is the token endpoint and nobody else.
func (r *Registry) forUs(audience json.RawMessage) bool {
	var one string
	var several []string
	if json.Unmarshal(audience, &one) == nil {
		return one == r.TokenEndpoint
	}
	return json.Unmarshal(audience, &several) == nil && slices.Equal(several, []string{r.TokenEndpoint})
}

// instant reads a NumericDate; one that makes no sense is long ago.
func instant(seconds float64) time.Time {
	if !(seconds > 0 && seconds < 1<<40) {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// connected finds the machine that comes with a certificate and says its name.
func (r *Registry) connected(ctx context.Context, client string, conn *tls.ConnectionState) (shown, error) {
	if leaf(conn) == nil || client == "" {
		return shown{}, denied("neither an assertion nor a certificate").with("client_assertion is missing, or client_id and a certificate at the host for certificates")
	}
	c, m, err := r.certified(ctx, conn)
	if err != nil {
		return shown{}, err
	}
	if m.ID != client {
		return shown{}, &Error{Code: InvalidClient, Cause: "the certificate is another machine's", Cure: "client_id must be the identifier for which this certificate was registered", machine: m.ID}
	}
	return shown{credential: c, machine: m}, nil
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
