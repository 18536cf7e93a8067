package mandate

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"luvat/internal/identity/pic"
)

// Who signs, and what the signed answers are about.
const (
	issuer             = "Suomi.fi-Valtuudet"
	aboutOrganisations = "OrganizationalRoles"
	aboutAuthorization = "Authorization"
	aboutList          = "AuthorizationList"
)

// claims are those of a signed answer.
type claims struct {
	jwt.Claims
	EndUser   string `json:"end_user"`
	Principal string `json:"principal"`
	Response  string `json:"response"`
	Reasons   string `json:"reasons"`
}

// verify reads a signed answer: signed by Valtuudet with RS256 and nothing else,
// for this hub, about what was asked, and not over where it has an end.
func (c *Client) verify(k call, body []byte, about string) (claims, error) {
	token, err := jwt.ParseSigned(unquote(body), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return claims{}, k.broken("it is not signed with RS256")
	}
	for _, key := range c.signers {
		var read claims
		if token.Claims(key, &read) != nil {
			continue
		}
		if err := read.Validate(jwt.Expected{Issuer: issuer, Subject: about, AnyAudience: jwt.Audience{c.ServiceUUID}, Time: c.Now()}); err != nil {
			return claims{}, k.broken(invalid(err))
		}
		return read, nil
	}
	return claims{}, k.broken("no key of Valtuudet signed it")
}

// invalid names the claim that is wrong.
func invalid(err error) string {
	for claim, wrong := range map[string]error{
		"issuer": jwt.ErrInvalidIssuer, "audience": jwt.ErrInvalidAudience, "subject": jwt.ErrInvalidSubject,
		"end (it is over)": jwt.ErrExpired, "beginning": jwt.ErrNotValidYet, "time of issue": jwt.ErrIssuedInTheFuture,
	} {
		if errors.Is(err, wrong) {
			return "its " + claim + " is wrong"
		}
	}
	return "its claims are wrong"
}

func (c *Client) signedOrganisations(k call, body []byte, person pic.Code) ([]Organisation, error) {
	read, err := c.verify(k, body, aboutOrganisations)
	if err != nil {
		return nil, err
	}
	if !names(read.EndUser, person) {
		return nil, k.broken("it is about another person")
	}
	return readOrganisations(k, []byte(read.Response))
}

// signedAuthorization reads the answer. That it names the person, too, is not
// settled; the principal it must name.
func (c *Client) signedAuthorization(k call, body []byte, person, principal pic.Code) (Authorization, error) {
	read, err := c.verify(k, body, aboutAuthorization)
	if err != nil {
		return Authorization{}, err
	}
	if !names(read.Principal, principal) || read.EndUser != "" && !names(read.EndUser, person) {
		return Authorization{}, k.broken("it is about others")
	}
	var reasons []Reason
	if strings.TrimSpace(read.Reasons) != "" {
		if err := k.read([]byte(read.Reasons), &reasons); err != nil {
			return Authorization{}, err
		}
	}
	return decided(k, read.Response, reasons)
}

func (c *Client) signedList(k call, body []byte, person, principal pic.Code) ([]string, error) {
	read, err := c.verify(k, body, aboutList)
	if err != nil {
		return nil, err
	}
	if !names(read.Principal, principal) || read.EndUser != "" && !names(read.EndUser, person) {
		return nil, k.broken("it is about others")
	}
	var matters []string
	if err := json.Unmarshal([]byte(read.Response), &matters); err != nil {
		return nil, k.broken("its response is no list")
	}
	return matters, nil
}

// names tells whether the claim is the person's code, in full.
func names(claim string, person pic.Code) bool {
	named, err := pic.Parse(claim)
	return err == nil && named == person
}

// parseSigners reads public RSA keys: PEM blocks, or a key in base64 on a line.
func parseSigners(text string) ([]*rsa.PublicKey, error) {
	var all []*rsa.PublicKey
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := signer(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("key %d %w", len(all)+1, err)
		}
		all = append(all, key)
	}
	if len(all) > 0 {
		return all, nil
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, fmt.Errorf("key %d is neither PEM nor base64", len(all)+1)
		}
		key, err := signer(der)
		if err != nil {
			return nil, fmt.Errorf("key %d %w", len(all)+1, err)
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, errors.New("is not set: signed answers cannot be verified without a key")
	}
	return all, nil
}

// signer reads a public key or a certificate.
func signer(der []byte) (*rsa.PublicKey, error) {
	any, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errors.New("is neither a public key nor a certificate")
		}
		any = cert.PublicKey
	}
	key, ok := any.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < 2048 {
		return nil, errors.New("is no RSA key of 2048 bits or more")
	}
	return key, nil
}
