package identity

import (
	"context"

	"luvat/internal/db"
	"luvat/internal/identity/pic"
)

// RotatePage is one page of Rotate over the people's identifiers: what is done
// when it is interrupted behind it.
func RotatePage(ctx context.Context, d *db.DB, v *pic.Vault, after string) (next string, done Rotated, err error) {
	done.NoKey = map[string]int64{}
	next, err = holders[0].page(ctx, d, v, after, &done)
	return next, done, err
}
