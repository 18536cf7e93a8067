package card

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"luvat/internal/identity"
)

// cardSession is what Recheck must know of a card. It has no name in it.
type cardSession struct {
	Issuer string   `json:"issuer"` // SHA-256 of the issuing certificate
	Serial string   `json:"serial"` // of the card's certificate
	Until  int64    `json:"until"`  // notAfter, in seconds
	OCSP   []string `json:"ocsp,omitempty"`
	CRL    []string `json:"crl,omitempty"`
}

// sessionOf lets the caller keep, as the provider's session, what Recheck needs.
func sessionOf(s subject) (identity.ProviderSession, error) {
	b, err := json.Marshal(cardSession{fingerprint(s.issuer), s.serial.Text(16), s.until.Unix(), s.ocsp, s.points})
	if err != nil {
		return identity.ProviderSession{}, fmt.Errorf("write the session: %w", err)
	}
	return identity.ProviderSession{SessionIndex: string(b)}, nil
}

// Recheck tells whether the card that a session began with still holds. It is
// cheap: within Revocation.Refresh it answers from memory, so it may be asked
// every minute for everybody.
//
// A card that does not hold is a *identity.Refusal with the reason CardRevoked.
// With ErrUnchecked as the cause nothing is known against the card, the
// responders are away and their last answers have run out: the caller may bear
// that for a while. With ErrRevoked, ErrExpired or ErrUnknown it may not.
func (p *Provider) Recheck(ctx context.Context, session identity.ProviderSession) error {
	var s cardSession
	serial := new(big.Int)
	if err := json.Unmarshal([]byte(session.SessionIndex), &s); err != nil || len(s.Serial) > 64 {
		return identity.Refuse(identity.NotValid, "the session is not of a card")
	}
	if _, ok := serial.SetString(s.Serial, 16); !ok {
		return identity.Refuse(identity.NotValid, "the session is not of a card")
	}
	until := time.Unix(s.Until, 0)
	if p.c.Now().After(until) {
		return &identity.Refusal{Why: identity.CardRevoked, Cause: ErrExpired}
	}
	chain, err := p.trust.above(s.Issuer, p.c.Now())
	if err != nil {
		return err
	}
	card := subject{issuer: chain[0], serial: serial, until: until, points: s.CRL, ocsp: s.OCSP, crl: s.CRL}
	return p.check(ctx, append([]subject{card}, subjectsOf(chain)...))
}
