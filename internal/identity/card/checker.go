package card

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// skew is how far others' clocks may be ahead of ours.
const skew = 5 * time.Minute

// The caches hold no more than this. What was asked longest ago goes first.
const (
	maxAnswers = 20_000
	maxLists   = 64
)

// A subject is a certificate as its revocation is asked for.
type subject struct {
	issuer *x509.Certificate
	serial *big.Int
	ca     bool
	until  time.Time // in force until
	points []string  // its CRL distribution points, which its list may name

	ocsp, crl []string // where to ask
}

func subjectOf(cert, issuer *x509.Certificate) subject {
	points := cert.CRLDistributionPoints
	return subject{issuer: issuer, serial: cert.SerialNumber, ca: cert.IsCA, until: cert.NotAfter, points: points, ocsp: cert.OCSPServer, crl: points}
}

// subjectsOf are the certificates of a chain but the root, which only its
// owner can withdraw, by telling so.
func subjectsOf(chain []*x509.Certificate) (all []subject) {
	for i, cert := range chain[:len(chain)-1] {
		all = append(all, subjectOf(cert, chain[i+1]))
	}
	return all
}

func (s subject) key() string { return fingerprint(s.issuer) + "/" + s.serial.Text(16) }

// status is what is said of a certificate.
type status int

const (
	good status = iota
	revoked
	unknown
)

// words are when something was said and how long it holds.
type words struct {
	this, next time.Time // as said; next may be zero with OCSP
	asked      time.Time // when it was asked for last
}

// young tells whether there is no need to ask again.
func (w words) young(now time.Time, refresh time.Duration) bool { return now.Sub(w.asked) < refresh }

// early tells whether the words are of a time that has not come.
func (w words) early() bool { return w.this.After(w.asked.Add(skew)) }

// holds tells whether the words still count, a while after their end.
func (w words) holds(now time.Time, r Revocation, grace time.Duration) bool {
	end := w.asked.Add(r.Keep)
	switch {
	case w.next.IsZero(): // there may be newer words at any time
		if soon := w.asked.Add(r.Refresh); soon.Before(end) {
			end = soon
		}
		if old := w.this.Add(r.Keep); old.Before(end) {
			end = old
		}
	case w.next.Before(end):
		end = w.next
	}
	return !w.early() && now.Before(end.Add(grace))
}

// An answer is what OCSP said of one certificate.
type answer struct {
	words
	status status
}

// A checker finds out what was revoked, and remembers it for a while. It holds
// to the newest word: an old answer, given out again by somebody between us and
// the authority, never takes the place of a newer one.
type checker struct {
	Revocation
	fetch fetcher
	now   func() time.Time
	log   *slog.Logger

	flight singleflight.Group

	mu      sync.Mutex
	answers map[string]answer // by subject
	lists   map[string]list   // by issuer and address
	warned  map[string]time.Time
}

func newChecker(c Config) *checker {
	return &checker{
		Revocation: c.Revocation, fetch: newFetcher(c), now: c.Now, log: c.Log.With("connection", c.Name),
		answers: map[string]answer{}, lists: map[string]list{}, warned: map[string]time.Time{},
	}
}

// check returns nil when the certificate was not revoked, else one of the
// package's errors.
func (c *checker) check(ctx context.Context, s subject) error {
	s = c.instead(s)
	if a, ok := c.fresh(s); ok {
		return a.verdict()
	}
	askErr := c.ask(ctx, s)
	if a, ok := c.known(s, 0); ok {
		return a.verdict()
	}
	if a, ok := c.known(s, c.Grace); ok {
		c.warn(ctx, "revocation answered from the grace period", s.issuer, askErr)
		return a.verdict()
	}
	c.warn(ctx, "revocation cannot be checked", s.issuer, askErr)
	return fmt.Errorf("%w: %w", ErrUnchecked, askErr)
}

// warn tells the log, once a minute of each issuer: many may be signed in when
// the responders go away.
func (c *checker) warn(ctx context.Context, what string, issuer *x509.Certificate, err error) {
	name := issuer.Subject.CommonName
	c.mu.Lock()
	last, told := c.warned[what+name]
	now := c.now()
	told = told && now.Sub(last) < time.Minute
	if !told {
		c.warned[what+name] = now
	}
	c.mu.Unlock()
	if !told {
		c.log.WarnContext(ctx, what, "issuer", name, "err", err)
	}
}

func (a answer) verdict() error {
	switch a.status {
	case good:
		return nil
	case revoked:
		return ErrRevoked
	}
	return ErrUnknown
}

// instead puts the configured addresses in the place of the certificate's.
func (c *checker) instead(s subject) subject {
	from, ok := c.Instead[s.issuer.Subject.CommonName]
	if !ok {
		return s
	}
	s.ocsp, s.crl = nil, nil
	if from.OCSP != "" {
		s.ocsp = []string{from.OCSP}
	}
	if from.CRL != "" {
		s.crl = []string{from.CRL}
	}
	return s
}

// known is the newest word on a certificate that still holds.
func (c *checker) known(s subject, grace time.Duration) (newest answer, ok bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	weigh := func(a answer) {
		if !a.holds(now, c.Revocation, grace) {
			return
		}
		if !ok || a.this.After(newest.this) || a.this.Equal(newest.this) && a.status != good {
			newest, ok = a, true
		}
	}
	if a, is := c.answers[s.key()]; is {
		weigh(a)
	}
	for _, address := range s.crl {
		if l, is := c.lists[listKey(s.issuer, address)]; is && l.covers(s) {
			weigh(answer{l.words, l.status(s)})
		}
	}
	return newest, ok
}

// fresh is the newest word, if there is no need to ask for a newer one.
func (c *checker) fresh(s subject) (answer, bool) {
	a, ok := c.known(s, 0)
	return a, ok && a.young(c.now(), c.Refresh)
}

// ask asks by OCSP, and for the list when that brings nothing that holds.
func (c *checker) ask(ctx context.Context, s subject) error {
	var errs []error
	for _, address := range s.ocsp {
		err := c.once(ctx, "ocsp "+address+" "+s.key(), func(ctx context.Context) error { return c.askOCSP(ctx, s, address) })
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	if err := c.askList(ctx, s); err != nil {
		return errors.Join(append(errs, err)...)
	}
	return nil
}

func (c *checker) askList(ctx context.Context, s subject) error {
	var errs []error
	for _, address := range s.crl {
		// Not one for all that the list tells of: a list for authorities alone
		// is none for cards.
		key := fmt.Sprint("crl ", s.ca, " ", listKey(s.issuer, address), s.points)
		err := c.once(ctx, key, func(ctx context.Context) error { return c.askCRL(ctx, s, address) })
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	if len(s.ocsp)+len(s.crl) == 0 {
		return errors.New("no address to ask at is known")
	}
	return errors.Join(errs...)
}

// once runs what others may be running already, and waits no longer than ctx
// lets. What was begun is carried on for those who still wait, within the
// limits of the fetcher.
func (c *checker) once(ctx context.Context, key string, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	apart := context.WithoutCancel(ctx)
	select {
	case r := <-c.flight.DoChan(key, func() (any, error) { return nil, do(apart) }):
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remember keeps words in a cache, unless it has newer ones. Words from the
// future are not kept: true ones would never take their place.
func remember[W interface{ said() words }](cache map[string]W, key string, w W, most int) error {
	if w.said().early() {
		return errors.New("the answer is of a time that has not come")
	}
	if old, ok := cache[key]; ok && old.said().this.After(w.said().this) {
		return errors.New("the answer is older than one before")
	}
	if _, ok := cache[key]; !ok && len(cache) >= most {
		forget(cache)
	}
	cache[key] = w
	return nil
}

// forget drops the tenth of a cache that was asked for longest ago.
func forget[W interface{ said() words }](cache map[string]W) {
	keys := make([]string, 0, len(cache))
	for k := range cache {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := cache[a].said().asked.Compare(cache[b].said().asked); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, k := range keys[:1+len(keys)/10] {
		delete(cache, k)
	}
}

func (w words) said() words { return w }

// client returns the given client as the fetcher needs it.
func client(given *http.Client) *http.Client {
	c := *given
	c.Jar = nil
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}
