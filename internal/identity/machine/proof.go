package machine

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"regexp"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/fail"
)

// ReadProof reads what somebody pasted: a public key as a JWK, alone or the only
// one of a set, a public key as PEM, or a certificate as PEM. A private key among
// it refuses the whole.
func ReadProof(text string) (Proof, error) {
	bad := func(key string) (Proof, error) { return Proof{}, fail.New(fail.Rejected, key).In("proof") }
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return bad("machine.proof_missing")
	case strings.HasPrefix(text, "{"):
		return readSet(text)
	case !strings.Contains(text, "-----BEGIN "):
		return bad("machine.proof_unknown")
	}
	var p Proof
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return bad("machine.key_private")
		case p.JWK != nil || p.Certificate != nil: // the chain of a certificate: its own comes first
		case block.Type == "CERTIFICATE":
			p.Certificate = block.Bytes
		case block.Type == "PUBLIC KEY":
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return bad("machine.key_not_valid")
			}
			if p.JWK, err = json.Marshal(jose.JSONWebKey{Key: key}); err != nil {
				return bad("machine.key_weak") // of a kind that JWK does not know
			}
		}
	}
	if p.JWK == nil && p.Certificate == nil {
		return bad("machine.proof_unknown")
	}
	return p, nil
}

// readSet takes the only key of a set out of it.
func readSet(text string) (Proof, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal([]byte(text), &set) != nil || set.Keys == nil {
		return Proof{JWK: []byte(text)}, nil //nolint:nilerr // a key, or nothing: Issue tells
	}
	if len(set.Keys) != 1 {
		return Proof{}, fail.New(fail.Rejected, "machine.proof_several").In("proof")
	}
	return Proof{JWK: set.Keys[0]}, nil
}

var secretPart = regexp.MustCompile(`PRIVATE KEY|"[dk]"\s*:`)

// Secret tells whether a text seems to hold a private key: it must not be shown
// or kept.
func Secret(text string) bool {
	return secretPart.MatchString(text)
}
