package oidc

import (
	"context"
	"encoding/json"

	"luvat/internal/identity"
)

// Read reads an ID token as Finish does when it has fetched it.
func (x *Connection) Read(ctx context.Context, kept []byte, token, access string) (identity.Assertion, error) {
	var m memo
	if err := json.Unmarshal(kept, &m); err != nil {
		return identity.Assertion{}, err
	}
	return x.read(ctx, m, token, access)
}
