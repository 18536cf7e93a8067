package card

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The limits of one question. A list of all cards of a large authority is a few
// megabytes.
const (
	ocspTime = 5 * time.Second
	crlTime  = 30 * time.Second
	maxOCSP  = 64 << 10
	maxCRL   = 32 << 20

	// rest is how long a host that was silent is not asked again, so that
	// everybody's sign-in does not wait for it anew.
	rest = 15 * time.Second
)

// A fetcher visits addresses that stand in certificates. They are others' words,
// even when the certificates are verified: only plain http, only to hosts that
// are named in the configuration, no redirects, and little of everything.
type fetcher struct {
	client  *http.Client
	hosts   []string
	instead []string // whole addresses from the configuration itself
	now     func() time.Time
	silent  *silence
}

type silence struct {
	mu    sync.Mutex
	since map[string]time.Time // by address; no more than the hosts have
}

func newFetcher(c Config) fetcher {
	f := fetcher{client: client(c.HTTP), now: c.Now, silent: &silence{since: map[string]time.Time{}}}
	for _, h := range c.Responders {
		f.hosts = append(f.hosts, strings.ToLower(h))
	}
	for _, s := range c.Instead {
		f.instead = append(f.instead, s.OCSP, s.CRL)
	}
	return f
}

// allowed returns an error that names the host, not the address: nobody knows
// what an address that is not expected has in it.
func (f fetcher) allowed(address string) error {
	if address != "" && slices.Contains(f.instead, address) {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Host == "" {
		return errors.New("an address in a certificate is not one of http")
	}
	if !slices.Contains(f.hosts, strings.TrimSuffix(strings.ToLower(u.Host), ":80")) {
		return fmt.Errorf("a certificate names the host %.100q, which is not one of the responders", u.Host)
	}
	return nil
}

// post and get return an answer of status 200, whole.
func (f fetcher) post(ctx context.Context, address, kind string, body []byte) ([]byte, error) {
	return f.do(ctx, http.MethodPost, address, kind, body, ocspTime, maxOCSP)
}

func (f fetcher) get(ctx context.Context, address string) ([]byte, error) {
	return f.do(ctx, http.MethodGet, address, "", nil, crlTime, maxCRL)
}

func (f fetcher) do(ctx context.Context, method, address, kind string, body []byte, patience time.Duration, most int64) ([]byte, error) {
	if err := f.allowed(address); err != nil {
		return nil, err
	}
	if f.resting(address) {
		return nil, errors.New("the responder was silent a moment ago")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("an address in a certificate is not one of http")
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := f.client.Do(r)
	if err != nil {
		f.wasSilent(address)
		return nil, fmt.Errorf("ask %s: %w", r.URL.Host, errors.Unwrap(err)) // without the address
	}
	defer answer.Body.Close() //nolint:errcheck // it was read, or it does not matter
	if answer.StatusCode != http.StatusOK {
		if answer.StatusCode >= 500 {
			f.wasSilent(address)
		}
		return nil, fmt.Errorf("%s answered with the status %d", r.URL.Host, answer.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		f.wasSilent(address)
		return nil, fmt.Errorf("read the answer of %s: %w", r.URL.Host, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s answers with more than %d bytes", r.URL.Host, most)
	}
	return b, nil
}

func (f fetcher) resting(address string) bool {
	f.silent.mu.Lock()
	defer f.silent.mu.Unlock()
	since, ok := f.silent.since[address]
	return ok && f.now().Sub(since) < rest
}

func (f fetcher) wasSilent(address string) {
	f.silent.mu.Lock()
	defer f.silent.mu.Unlock()
	if len(f.silent.since) >= maxLists {
		clear(f.silent.since)
	}
	f.silent.since[address] = f.now()
}
