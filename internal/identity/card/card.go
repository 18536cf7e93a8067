// Package card signs officers in by their organisation cards: the browser
// proves, in a TLS handshake, that it holds the key of a certificate that Digi-
// ja väestötietovirasto (DVV) issued, and the certificate says who holds it.
// It is for rescue departments, whose Portti workstations have such a card in.
//
// A sign-in is a visit to a listener that asks for certificates. Two ways lead
// there: the hub ends TLS itself (Provider.TLSConfig), or a TLS proxy in front
// does and passes the certificate on in a header of RFC 9440 (FromProxies).
// Either way all of this is checked here, every time:
//
//   - the chain to a pinned root of one tree, by a known intermediate of cards;
//   - that it is the card's certificate for signing in, not for signatures, in
//     force, with a key that is strong enough, of a known policy;
//   - that the employer is one that is known (Organisation);
//   - that neither the card nor its issuer was revoked: OCSP, then CRL, and a
//     refusal when neither answers (Revocation).
//
// A card may be revoked while its holder is signed in: Recheck tells.
package card

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"luvat/internal/identity"
)

// Level is what identity.Assertion.Level says of a card: SAML's word for a
// certificate on a smart card.
const Level = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"

// Path is where sign-ins come to on the listener, followed by the connection's name.
const Path = "/login/card/"

// Why a refusal with identity.CardRevoked happened, for errors.Is. ErrUnchecked
// may pass by itself; the others do not.
var (
	ErrRevoked   = errors.New("the certificate was revoked")
	ErrExpired   = errors.New("the certificate has expired")
	ErrUnknown   = errors.New("the authority does not know the certificate")
	ErrUnchecked = errors.New("nobody tells whether the certificate was revoked")
)

// visit is how long after its beginning a sign-in may come back.
const visit = 10 * time.Minute

// A Provider signs people in by card. It implements identity.Provider.
type Provider struct {
	c      Config
	trust  trust
	checks *checker
}

var _ identity.Provider = (*Provider)(nil)

// New reads the certificates and tells all that is wrong at once.
func New(c Config) (*Provider, error) {
	err := c.Check()
	c = c.withDefaults()
	t, problems := readTrust(c)
	if err := errors.Join(err, problems); err != nil {
		return nil, fmt.Errorf("sign-in by card %q: %w", c.Name, err)
	}
	return &Provider{c: c, trust: t, checks: newChecker(c)}, nil
}

// memo is what the end of a sign-in must know of its beginning.
type memo struct {
	Name  string `json:"name"`
	State []byte `json:"state"` // its SHA-256: the memo may lie about, the state may not
	Begun int64  `json:"begun"` // milliseconds
}

// Begin sends the browser to the listener that asks for the certificate.
//
// There is nothing silent about it: without a setting of the workstation the
// browser asks which certificate to show. Every visit is a handshake anew, so
// a sign-in is always one that is asked for anew.
func (p *Provider) Begin(_ context.Context, b identity.Beginning) (address string, m []byte, err error) {
	if b.Silent {
		return "", nil, identity.Refuse(identity.NotSilent, "a card is never shown silently")
	}
	state := sha256.Sum256([]byte(b.State))
	m, err = json.Marshal(memo{p.c.Name, state[:], p.c.Now().UnixMilli()})
	if err != nil {
		return "", nil, fmt.Errorf("write the memo: %w", err)
	}
	u := url.URL{Scheme: "https", Host: p.c.Host, Path: Path + p.c.Name, RawQuery: url.Values{"state": {b.State}}.Encode()}
	return u.String(), m, nil
}

// Finish says who came with which card. The request is the one that came to
// the listener, whole.
func (p *Provider) Finish(ctx context.Context, m []byte, r *http.Request) (identity.Assertion, error) {
	now := p.c.Now()
	if err := p.answers(m, r, now); err != nil {
		return identity.Assertion{}, err
	}
	leaf, err := p.presented(r)
	if err != nil {
		return identity.Assertion{}, err
	}
	chain, err := p.trust.verify(leaf, now)
	if err != nil {
		return identity.Assertion{}, err
	}
	h, err := read(leaf)
	if err != nil {
		return identity.Assertion{}, err
	}
	authority, err := employer(p.c.Organisations, h)
	if err != nil {
		return identity.Assertion{}, err
	}
	subjects := subjectsOf(chain)
	if err := p.check(ctx, subjects); err != nil {
		return identity.Assertion{}, err
	}
	session, err := sessionOf(subjects[0])
	if err != nil {
		return identity.Assertion{}, err
	}
	issuer := chain[1].Subject.CommonName
	return identity.Assertion{
		Issuer: issuer, Subject: issuer + "/" + h.serial,
		Name: h.name, GivenName: h.given, FamilyName: h.surname, Email: h.email,
		Organisation: authority, Level: Level, At: now, Session: session,
	}, nil
}

// answers tells whether the request belongs to the beginning that the memo is of.
func (p *Provider) answers(b []byte, r *http.Request, now time.Time) error {
	var m memo
	if err := json.Unmarshal(b, &m); err != nil || m.Name != p.c.Name {
		return identity.Refuse(identity.NotValid, "the memo is not of this connection")
	}
	if begun := time.UnixMilli(m.Begun); now.Sub(begun) > visit || begun.Sub(now) > skew {
		return identity.Refuse(identity.TooOld, "the sign-in began too long ago")
	}
	state := sha256.Sum256([]byte(r.URL.Query().Get("state")))
	if subtle.ConstantTimeCompare(state[:], m.State) != 1 {
		return identity.Refuse(identity.NotValid, "the state is of another sign-in")
	}
	if !sameHost(r.Host, p.c.Host) {
		return identity.Refuse(identity.NotValid, "the visit was to another host than the one that asks for certificates")
	}
	return nil
}

// check asks about every certificate of the chain but the root.
func (p *Provider) check(ctx context.Context, subjects []subject) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.c.Patience, ErrUnchecked)
	defer cancel()
	for i, s := range subjects {
		err := p.checks.check(ctx, s)
		switch {
		case err == nil:
			continue
		case errors.Is(err, ErrUnchecked) && ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrUnchecked):
			return ctx.Err() // the asker went away
		case i > 0:
			err = fmt.Errorf("the issuer's own: %w", err)
		}
		return &identity.Refusal{Why: identity.CardRevoked, Cause: err}
	}
	return nil
}
