package machine

import (
	"encoding/json"
	"net/http"
	"strings"
)

// MetadataPath is where what is published of the token endpoint is in the hub (RFC
// 8414).
const MetadataPath = "/.well-known/oauth-authorization-server"

// metadata is the document of RFC 8414, as far as there is something to tell: the
// hub gives tokens to machines and has neither an authorization endpoint nor scopes.
type metadata struct {
	Issuer        string            `json:"issuer"`
	TokenEndpoint string            `json:"token_endpoint"`
	ResponseTypes []string          `json:"response_types_supported"` // needed, and none
	Grants        []string          `json:"grant_types_supported"`
	Methods       []string          `json:"token_endpoint_auth_methods_supported"`
	Algorithms    []string          `json:"token_endpoint_auth_signing_alg_values_supported"`
	Bound         bool              `json:"tls_client_certificate_bound_access_tokens,omitempty"` // RFC 8705
	Aliases       map[string]string `json:"mtls_endpoint_aliases,omitempty"`
}

// Metadata answers with the document. Assertions are for the token endpoint that it
// names, at whichever host they are shown.
func (r *Registry) Metadata(w http.ResponseWriter, _ *http.Request) {
	m := metadata{
		Issuer: strings.TrimSuffix(r.TokenEndpoint, TokenPath), TokenEndpoint: r.TokenEndpoint, ResponseTypes: []string{},
		Grants: []string{"client_credentials"}, Methods: []string{"private_key_jwt"},
	}
	for _, a := range algorithms {
		m.Algorithms = append(m.Algorithms, string(a))
	}
	if r.CertificateHost != "" {
		m.Methods, m.Bound = append(m.Methods, "self_signed_tls_client_auth"), true // a certificate is registered itself
		if r.CAs != nil {
			m.Methods = append(m.Methods, "tls_client_auth") // or by its names
		}
		m.Aliases = map[string]string{"token_endpoint": "https://" + r.CertificateHost + TokenPath}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_ = json.NewEncoder(w).Encode(m) // to one who may have gone
}
