package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/oidc"
)

// oidcConnection is a connection by OpenID Connect.
type oidcConnection struct {
	Name   string    `json:"name"`
	Preset string    `json:"preset"` // suomifi (Finnish Trust Network), telia (the same by Telia's names) or portti
	Title  i18n.Text `json:"title"`
	Lead   i18n.Text `json:"lead"`

	Issuer      string         `json:"issuer"`
	Endpoints   oidc.Endpoints `json:"endpoints"` // where the provider publishes none
	TrustedKeys string         `json:"trusted_keys_file"`
	Entity      string         `json:"entity"`

	ClientID    string         `json:"client_id"`
	Keys        []oidc.KeyFile `json:"keys"`
	Scopes      []string       `json:"scopes"`
	Levels      []string       `json:"levels"`
	Claims      *oidc.Claims   `json:"claims"` // the preset's unless told
	ServiceName i18n.Text      `json:"service_name"`
	Algorithms  []string       `json:"algorithms"`

	// PlainRequests and PlainTokens are for providers outside the Finnish Trust
	// Network that know neither signed requests nor encrypted tokens.
	PlainRequests bool `json:"plain_requests"`
	PlainTokens   bool `json:"plain_tokens"`

	Federation struct {
		Entity       string `json:"entity"`
		Organisation string `json:"organisation"`
	} `json:"federation"`

	Authorities map[string]string `json:"authorities"`
	SilentFirst bool              `json:"silent_first"`
}

// oidcPresets say what a token tells of a person, and at what levels.
var oidcPresets = map[string]struct {
	claims  func() oidc.Claims
	levels  []string
	scopes  []string
	private bool
}{
	"suomifi": {oidc.FTNClaims, ftnLevels, []string{"profile", "personal_identity_code"}, true},
	"telia":   {oidc.TeliaClaims, ftnLevels, []string{"profile"}, true},
	"portti":  {oidc.PlainClaims, nil, []string{"profile", "email"}, false},
}

var ftnLevels = []string{"http://ftn.ficora.fi/2017/loa3", "http://ftn.ficora.fi/2017/loa2"}

func (h *Hub) connectOIDC(c oidcConnection) error {
	preset, ok := oidcPresets[c.Preset]
	if !ok {
		return fmt.Errorf("preset: %q is none of suomifi, telia and portti", c.Preset)
	}
	if preset.private && c.SilentFirst {
		return errors.New("silent_first: a broker of the trust network never signs in silently, leave it out")
	}
	keys, err := oidc.KeyFiles(c.Keys, h.Desk.Now, h.log)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	base := h.Config.BaseURL + "/login/" + c.Name
	conf := oidc.Config{
		Name: c.Name, Issuer: c.Issuer, Endpoints: c.Endpoints, Entity: c.Entity,
		ClientID: c.ClientID, Redirect: base + "/callback", AfterLogout: base + "/logout", Keys: keys,
		Scopes: preset.scopes, Levels: preset.levels, Claims: preset.claims(), ServiceName: c.ServiceName, Fresh: preset.private,
		PlainRequests: c.PlainRequests, PlainTokens: c.PlainTokens, Algs: c.Algorithms,
		Federation: oidc.Federation{Entity: c.Federation.Entity, Organisation: c.Federation.Organisation, SignedKeys: base + "/signed-jwks"},
		Client:     &http.Client{Timeout: 20 * time.Second}, Now: h.Desk.Now, Log: h.log,
	}
	if c.Scopes != nil {
		conf.Scopes = c.Scopes
	}
	if c.Levels != nil {
		conf.Levels = c.Levels
	}
	if c.Claims != nil {
		conf.Claims = *c.Claims
	}
	if c.TrustedKeys != "" {
		if conf.TrustedKeys, err = os.ReadFile(c.TrustedKeys); err != nil {
			return fmt.Errorf("trusted_keys_file: %w", err)
		}
	}
	p, err := oidc.New(conf)
	if err != nil {
		return err
	}
	way := &identity.Connection{
		Name: c.Name, Title: c.Title, Lead: c.Lead, Provider: p, Customers: preset.private, Officers: true, Mandated: preset.private, SilentFirst: c.SilentFirst,
		Documents: map[string]identity.Document{
			"jwks":             func() ([]byte, string, error) { body, err := p.JWKS(); return body, "application/jwk-set+json", err },
			"signed-jwks":      vouched(c.Keys, "application/jose", p.SignedJWKS),
			"entity-statement": vouched(c.Keys, "application/entity-statement+jwt", p.EntityStatement),
		},
	}
	if !preset.private {
		way.Authority = func(a identity.Assertion) string { return c.Authorities[a.Organisation] }
	}
	h.Site.Connections = append(h.Site.Connections, way)
	return nil
}

// vouched is what the hub's entity key signs; nil where there is none.
func vouched(keys []oidc.KeyFile, contentType string, made func() (string, error)) identity.Document {
	for _, k := range keys {
		if k.Use == oidc.Vouch {
			return func() ([]byte, string, error) {
				text, err := made()
				return []byte(text), contentType, err
			}
		}
	}
	return nil
}
