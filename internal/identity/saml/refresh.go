package saml

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Refresh reads the keys and the metadata anew. What cannot be read stays as it
// was, until it is too old; the error tells of it.
func (p *Provider) Refresh(ctx context.Context) error {
	p.refreshing.Lock()
	defer p.refreshing.Unlock()
	next := *p.state.Load()
	var errs []error
	if keys, err := p.readKeys(); err != nil {
		errs = append(errs, fmt.Errorf("read the keys: %w", err))
	} else {
		next.keys = keys
	}
	if m, err := p.fetch(ctx, next.metadata); err != nil {
		errs = append(errs, fmt.Errorf("read the provider's metadata: %w", err))
		if next.metadata == nil {
			next.metadata = p.cached()
		}
	} else {
		next.metadata = m
	}
	p.state.Store(&next)
	return errors.Join(errs...)
}

// Run refreshes at once and then on schedule, until the context ends. Failures
// are logged; while they last it tries more often.
func (p *Provider) Run(ctx context.Context) {
	for {
		err := p.Refresh(ctx)
		if err != nil && ctx.Err() == nil {
			p.c.Log.WarnContext(ctx, "saml metadata or keys not refreshed", "connection", p.c.Name, "err", err)
		}
		timer := time.NewTimer(p.pause(err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// pause is how long to wait for the next Refresh.
func (p *Provider) pause(failed error) time.Duration {
	pause := p.c.RefreshEvery
	if m := p.state.Load().metadata; m != nil && m.every > 0 && m.every < pause {
		pause = m.every
	}
	if failed != nil {
		pause /= 10
	}
	return max(pause, time.Minute)
}

// fetch reads the metadata from where it comes from. The same bytes as before
// are not verified again.
func (p *Provider) fetch(ctx context.Context, old *metadata) (*metadata, error) {
	raw, err := p.raw(ctx)
	if err != nil {
		return nil, err
	}
	now, sum := p.c.Now(), sha256.Sum256(raw)
	if old != nil && old.sum == sum && (old.until.IsZero() || now.Before(old.until)) {
		same := *old
		same.fetched = now
		p.keep(nil, now)
		return &same, nil
	}
	m, err := p.c.readMetadata(raw, now)
	if err != nil {
		return nil, err
	}
	for _, problem := range m.problems {
		p.c.Log.WarnContext(ctx, "saml identity provider not usable", "connection", p.c.Name, "err", problem)
	}
	m.sum, m.fetched = sum, now
	p.keep(raw, now)
	return m, nil
}

func (p *Provider) raw(ctx context.Context) ([]byte, error) {
	if p.c.Source.File != "" {
		f, err := os.Open(p.c.Source.File)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // it was only read
		return atMost(f)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.c.Source.URL, nil)
	if err != nil {
		return nil, err
	}
	client := *p.c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // what counts was read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", answer.Status)
	}
	return atMost(answer.Body)
}

func atMost(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(metadataGate.bytes)+1))
	if err == nil && len(raw) > metadataGate.bytes {
		err = tooLarge
	}
	return raw, err
}

// keep writes what was fetched to the cache; nil says that it is still so. A
// cache that cannot be written is no reason to stop: it is logged.
func (p *Provider) keep(raw []byte, now time.Time) {
	if p.c.Source.Cache == "" {
		return
	}
	err := func() error {
		if raw == nil {
			return os.Chtimes(p.c.Source.Cache, now, now)
		}
		f, err := os.CreateTemp(filepath.Dir(p.c.Source.Cache), ".saml-*")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name()) //nolint:errcheck // gone when all went well
		_, err = f.Write(raw)
		if err := errors.Join(err, f.Sync(), f.Close(), os.Chtimes(f.Name(), now, now)); err != nil {
			return err
		}
		return os.Rename(f.Name(), p.c.Source.Cache)
	}()
	if err != nil {
		p.c.Log.Warn("saml metadata not kept", "connection", p.c.Name, "err", err)
	}
}

// cached reads the cache: it verifies like anything fetched, and it is as old as
// the file. nil when there is none that can be used.
func (p *Provider) cached() *metadata {
	if p.c.Source.Cache == "" {
		return nil
	}
	info, err := os.Stat(p.c.Source.Cache)
	if err != nil {
		return nil
	}
	raw, err := os.ReadFile(p.c.Source.Cache)
	if err != nil {
		return nil
	}
	m, err := p.c.readMetadata(raw, p.c.Now())
	if err != nil {
		return nil
	}
	m.sum, m.fetched = sha256.Sum256(raw), info.ModTime()
	return m
}
