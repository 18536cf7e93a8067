package saml

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/identity"
)

// Finish reads the response that came by HTTP-POST to our ACS. What is checked,
// in which order and why stands at the head of the package.
func (p *Provider) Finish(ctx context.Context, kept []byte, r *http.Request) (identity.Assertion, error) {
	a, err := p.finish(ctx, kept, r)
	if err != nil {
		return identity.Assertion{}, told(err)
	}
	return a, nil
}

func (p *Provider) finish(ctx context.Context, kept []byte, r *http.Request) (a identity.Assertion, err error) {
	var m memo
	if err := json.Unmarshal(kept, &m); err != nil {
		return a, fmt.Errorf("read the memo of a sign-in: %w", err)
	}
	if m.ID == "" || m.Issuer == "" {
		return a, errors.New("the memo of a sign-in is not one of ours")
	}
	now := p.c.Now()
	if now.Sub(m.at()) > p.c.Patience {
		return a, overdue
	}
	from, err := p.idp(m.Issuer, now)
	if err != nil {
		return a, err
	}
	raw, err := posted(r, response)
	if err != nil {
		return a, err
	}
	t := taking{c: &p.c, keys: p.state.Load().keys.Encryption, memo: m, from: from, now: now}
	read, err := t.response(raw)
	if err != nil {
		return a, err
	}
	if a, err = p.c.assertion(read, from); err != nil {
		return a, err
	}
	if err := t.secondReader(raw, read); err != nil {
		return a, err
	}
	// Last of all, so that only what is good in every other way is marked.
	used, err := p.c.Replays.Seen(ctx, replayKey(from.id, read.id), read.until.Add(p.c.Skew))
	if err != nil {
		return a, fmt.Errorf("remember an assertion: %w", err)
	}
	if used {
		return a, usedBefore
	}
	return a, nil
}

func replayKey(issuer, id string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + id))
	return hex.EncodeToString(sum[:])
}

// posted returns the message of a form that came by HTTP-POST.
func posted(r *http.Request, kind string) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, noMessage
	}
	if r.PostForm == nil && r.Body != nil {
		r.Body = http.MaxBytesReader(nil, r.Body, int64(2*messageGate.bytes))
	}
	if err := r.ParseForm(); err != nil {
		return nil, noMessage
	}
	values := r.PostForm[kind]
	if len(values) != 1 || values[0] == "" {
		return nil, noMessage
	}
	raw, err := base64.StdEncoding.DecodeString(values[0])
	if err != nil {
		return nil, notBase64
	}
	return raw, nil
}

// taking is one response being taken in.
type taking struct {
	c    *Config
	keys []Pair
	memo memo
	from *idp
	now  time.Time

	signers []*x509.Certificate // that made the signatures, for the second reader
	opened  Pair                // that opened the assertion, if it was encrypted
}

// response reads a response, from the outside in.
func (t *taking) response(raw []byte) (reading, error) {
	root, err := messageGate.open(raw)
	if err != nil {
		return reading{}, err
	}
	parts, err := t.envelope(root)
	if err != nil {
		return reading{}, err
	}
	if len(parts.signature) == 1 {
		covered, err := verify(root, parts.signature[0], t.from.certs, t.now, false)
		if err != nil {
			return reading{}, err
		}
		t.signers = append(t.signers, covered.by)
		// From here on the response is what its signature covers.
		if parts, err = t.envelope(covered.Element); err != nil {
			return reading{}, err
		}
	} else if t.c.SignedResponse {
		return reading{}, unsignedResponse
	}
	if err := statusOf(parts.status); err != nil {
		return reading{}, err
	}
	if len(parts.assertion) != 1 {
		return reading{}, noAssertion
	}
	assertion, err := t.decrypted(parts.assertion[0])
	if err != nil {
		return reading{}, err
	}
	return t.assertion(assertion)
}

// envelope is what stands directly in a Response.
type envelope struct {
	signature, assertion []*etree.Element
	status               *etree.Element
}

// envelope checks what a Response says of itself. It is done on what came, to
// tell plainly what is wrong with it, and again on what the signature covers.
func (t *taking) envelope(el *etree.Element) (envelope, error) {
	if !is(el, "samlp:Response") {
		return envelope{}, notThisKind
	}
	parts, err := shape(el, "saml:Issuer", "ds:Signature?", "samlp:Status", "saml:Assertion|saml:EncryptedAssertion?")
	if err != nil {
		return envelope{}, err
	}
	if attr(el, "Version") != "2.0" {
		return envelope{}, notVersion2
	}
	if attr(el, "Destination") != t.c.ACS {
		return envelope{}, notHere
	}
	if attr(el, "InResponseTo") != t.memo.ID {
		return envelope{}, otherRequest
	}
	if err := t.c.issuedBy(parts[0][0], t.from.id); err != nil {
		return envelope{}, err
	}
	issued, err := must(el, "IssueInstant")
	if err != nil {
		return envelope{}, err
	}
	if issued.Before(t.memo.at().Add(-t.c.Skew)) || issued.After(t.now.Add(t.c.Skew)) {
		return envelope{}, notNow
	}
	return envelope{parts[1], parts[3], parts[2][0]}, nil
}

// issuedBy checks an Issuer element.
func (c *Config) issuedBy(el *etree.Element, id string) error {
	issuer, err := word(el)
	if err != nil {
		return err
	}
	if f := attr(el, "Format"); issuer != id || f != "" && f != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" {
		return otherIssuer
	}
	return nil
}

// decrypted opens an encrypted assertion. One that is not stays as it is, where
// that may be.
func (t *taking) decrypted(el *etree.Element) (*etree.Element, error) {
	if is(el, "saml:Assertion") {
		if t.c.Encrypted {
			return nil, notEncrypted
		}
		return el, nil
	}
	inner, by, err := decrypt(el, t.keys, t.c.Ciphers)
	if err != nil {
		return nil, err
	}
	if !is(inner, "saml:Assertion") {
		return nil, notThisKind
	}
	t.opened = by
	return inner, nil
}

// assertion verifies the signature of the assertion, which there must be, and
// reads what it covers.
func (t *taking) assertion(el *etree.Element) (reading, error) {
	var signatures []*etree.Element
	for _, child := range el.ChildElements() {
		if is(child, "ds:Signature") {
			signatures = append(signatures, child)
		}
	}
	switch len(signatures) {
	case 0:
		return reading{}, unsignedAssertion
	case 1:
	default:
		return reading{}, misshapen
	}
	covered, err := verify(el, signatures[0], t.from.certs, t.now, false)
	if err != nil {
		return reading{}, err
	}
	if !slices.Contains(t.signers, covered.by) {
		t.signers = append(t.signers, covered.by)
	}
	return t.read(covered)
}
