package oidc

import (
	"context"
	"sync"
	"time"

	"luvat/internal/identity"
)

// pause is how long the provider is left in peace after it was asked for
// something that is kept: so often, at most, can anybody make the hub ask.
const pause = 30 * time.Second

// kept is something of the provider's that is fetched when it is first needed
// and kept for a while: its metadata, its keys.
type kept[T any] struct {
	of    *Connection
	what  string
	fetch func(context.Context) (T, error)
	turn  chan struct{} // holds one: one fetches, others wait

	mu    sync.Mutex
	value T
	got   time.Time // when the value was fetched; zero for never
	tried time.Time // when it was last asked for
	err   error     // how that ended
}

func newKept[T any](of *Connection, what string, fetch func(context.Context) (T, error)) *kept[T] {
	return &kept[T]{of: of, what: what, fetch: fetch, turn: make(chan struct{}, 1)}
}

// get returns the value, not older than Refresh, or than Stale while the
// provider does not answer. The error is a *identity.Refusal.
func (k *kept[T]) get(ctx context.Context) (T, error) {
	if value, ok := k.younger(k.of.Refresh); ok {
		return value, nil
	}
	if value, ok := k.younger(k.of.Stale); ok {
		select {
		case k.turn <- struct{}{}:
			defer func() { <-k.turn }()
			k.renew(ctx)
			if fresh, ok := k.younger(k.of.Stale); ok {
				return fresh, nil
			}
		default: // somebody asks already
		}
		return value, nil
	}
	return k.wait(ctx, k.of.Refresh)
}

// anew returns the value after asking the provider again, unless it was asked
// within the pause.
func (k *kept[T]) anew(ctx context.Context) (T, error) { return k.wait(ctx, 0) }

// wait renews the value if it is older than age, and waits for others who do.
func (k *kept[T]) wait(ctx context.Context, age time.Duration) (T, error) {
	var none T
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return none, unanswered(ctx, "the provider's "+k.what, ctx.Err())
	}
	if value, ok := k.younger(age); ok {
		return value, nil
	}
	k.renew(ctx)
	if value, ok := k.younger(k.of.Stale); ok {
		return value, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return none, k.err
}

// younger returns the value if it is younger than age.
func (k *kept[T]) younger(age time.Duration) (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, !k.got.IsZero() && k.of.Now().Sub(k.got) < age
}

// renew asks the provider, for all who wait and so without the end of ctx. Only
// one does it at a time.
func (k *kept[T]) renew(ctx context.Context) {
	k.mu.Lock()
	last, failed := k.tried, k.err != nil
	k.mu.Unlock()
	now := k.of.Now()
	rest := pause
	if failed {
		rest = pause / 6 // a provider that is down is wanted back soon
	}
	if !last.IsZero() && now.Sub(last) < rest {
		return
	}
	ctx, cancel := k.of.within(context.WithoutCancel(ctx))
	defer cancel()
	value, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.err = now, err
	if err != nil {
		if refusal, ok := err.(*identity.Refusal); ok { //nolint:errorlint // made by fetch itself
			err = refusal.Cause
		}
		k.of.Log.WarnContext(ctx, "identity provider: not renewed", "connection", k.of.Name, "what", k.what, "kept", !k.got.IsZero(), "err", err)
		return
	}
	k.value, k.got = value, now
}
