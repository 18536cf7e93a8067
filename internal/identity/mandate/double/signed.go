package double

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const signer = "Suomi.fi-Valtuudet"

// aboutSession is the subject of a token that stands for a session; it is not
// settled, and nobody but the server reads it.
const aboutSession = "OrganizationalRolesSession"

// JWKS is the key of signed answers as a key set. The real server has none that
// is documented: DVV gives the key when a service joins.
func (d *Double) JWKS() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &d.key().PublicKey, Algorithm: string(jose.RS256), Use: "sig"}}}
}

// claims are those of a signed answer.
type claims struct {
	Issuer    string   `json:"iss"`
	Audience  string   `json:"aud"`
	Subject   string   `json:"sub"`
	IssuedAt  int64    `json:"iat"`
	Expires   int64    `json:"exp"`
	EndUser   string   `json:"end_user,omitempty"`
	Principal string   `json:"principal,omitempty"`
	Issue     []string `json:"issue,omitempty"`
	Response  string   `json:"response"`
	Reasons   string   `json:"reasons,omitempty"`
}

// Sign signs any claims as the server does, for tests of what it never says.
func (d *Double) Sign(claims any) (string, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: d.key()}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(s).Claims(claims).Serialize()
}

// write signs an answer to the session's person. response is JSON as a string,
// but the decision of an authorization, which is a bare word.
func (d *Double) write(w http.ResponseWriter, s *session, about string, c claims) {
	now := d.Now()
	c.Issuer, c.Audience, c.Subject, c.EndUser = signer, d.ServiceUUID, about, s.person.Reveal()
	c.IssuedAt, c.Expires = now.Unix(), now.Add(tokenLife).Unix()
	text, err := d.Sign(c)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(text))
}

func (d *Double) authorizationSigned(w http.ResponseWriter, r *http.Request, s *session) {
	p, ok := d.principal(w, r, s)
	if !ok {
		return
	}
	matters := r.URL.Query()["issues"]
	result := "DISALLOWED"
	if d.allowed(s.person, p, matters, d.Now()) {
		result = "ALLOWED"
	}
	d.write(w, s, "Authorization", claims{Principal: p.Reveal(), Issue: matters, Response: result, Reasons: "[]"})
}

func (d *Double) authorizationListSigned(w http.ResponseWriter, r *http.Request, s *session) {
	if p, ok := d.principal(w, r, s); ok {
		d.write(w, s, "AuthorizationList", claims{Principal: p.Reveal(), Response: text(d.matters(s.person, p, d.Now())), Reasons: "[]"})
	}
}

func (d *Double) rolesSigned(w http.ResponseWriter, r *http.Request, s *session) {
	d.write(w, s, "OrganizationalRoles", claims{Response: text(d.organisationsOf(r, s))})
}

func (d *Double) sessionSigned(w http.ResponseWriter, _ *http.Request, s *session) {
	d.write(w, s, aboutSession, claims{Response: text(s.id)})
}

// sessionOf returns the session that a signed token stands for, "" for none.
func (d *Double) sessionOf(signed string) (id string) {
	t, err := jwt.ParseSigned(signed, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return ""
	}
	var c claims
	if t.Claims(&d.key().PublicKey, &c) != nil || c.Subject != aboutSession || !d.Now().Before(time.Unix(c.Expires, 0)) {
		return ""
	}
	_ = json.NewDecoder(strings.NewReader(c.Response)).Decode(&id) // "" then
	return id
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
