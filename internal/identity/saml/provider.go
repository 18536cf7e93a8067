package saml

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// A Provider is one connection. Its methods may be called at the same time.
type Provider struct {
	c Config

	refreshing sync.Mutex
	state      atomic.Pointer[state]
}

// state is what a Refresh changes, all at once.
type state struct {
	keys     Keys
	metadata *metadata // nil until it was read
}

var (
	_ identity.Provider = (*Provider)(nil)
	_ identity.Ender    = (*Provider)(nil)
)

// New returns a connection. It reads the keys and fetches nothing: until the
// first Refresh nobody can sign in by it. The error tells all mistakes at once.
func New(c Config) (*Provider, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	p := &Provider{c: c.withDefaults()}
	keys, err := p.readKeys()
	if err != nil {
		return nil, fmt.Errorf("SAML connection %q: %w", c.Name, err)
	}
	p.state.Store(&state{keys: keys})
	return p, nil
}

func (p *Provider) readKeys() (Keys, error) {
	k, err := p.c.Keys()
	if err != nil {
		return Keys{}, err
	}
	return k, k.check()
}

// until tells when what is known of the providers stops being used.
func (m *metadata) end(age time.Duration) time.Time {
	end := m.fetched.Add(age)
	if !m.until.IsZero() && m.until.Before(end) {
		end = m.until
	}
	return end
}

// idp finds an allowed identity provider whose metadata is fresh. "" finds the
// only one.
func (p *Provider) idp(id string, now time.Time) (*idp, error) {
	m := p.state.Load().metadata
	switch {
	case id != "" && !slices.ContainsFunc(p.c.Homes, func(h Home) bool { return h.EntityID == id }):
		return nil, notAllowed
	case id == "" && len(p.c.Homes) > 1:
		return nil, errors.New("the identity provider was not chosen")
	case m == nil:
		return nil, notLoaded
	case !now.Before(m.end(p.c.MaxAge)):
		return nil, stale
	case id == "":
		id = p.c.Homes[0].EntityID
	}
	found := m.idps[id]
	if found == nil {
		return nil, notListed
	}
	if !found.until.IsZero() && !now.Before(found.until) {
		return nil, stale
	}
	return found, nil
}

// A Choice is an identity provider that a person may choose.
type Choice struct {
	EntityID string
	Name     i18n.Text // as its metadata tells; may lack languages
}

// Choices lists the identity providers by which one can sign in now, in the
// order of the configuration.
func (p *Provider) Choices() []Choice {
	var all []Choice
	now := p.c.Now()
	for _, h := range p.c.Homes {
		if found, err := p.idp(h.EntityID, now); err == nil {
			all = append(all, Choice{found.id, found.name})
		}
	}
	return all
}

// Frames lists the origins that may show our SLO address in a frame: a provider
// that ends sessions everywhere does it so (Content-Security-Policy,
// frame-ancestors).
func (p *Provider) Frames() []string {
	var all []string
	m := p.state.Load().metadata
	if m == nil {
		return nil
	}
	for _, h := range p.c.Homes {
		found := m.idps[h.EntityID]
		if found == nil {
			continue
		}
		for _, address := range []string{found.slo, found.sso} {
			if u, err := url.Parse(address); err == nil && u.Host != "" {
				all = append(all, u.Scheme+"://"+u.Host)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Standing is how a connection is, for those who watch it.
type Standing struct {
	Providers int       // that can be used now
	Fetched   time.Time // when the metadata in use was fetched; zero for never
	Until     time.Time // when it stops being used if it cannot be fetched again
	OurKeys   time.Time // when the first of our certificates in use ends
	TheirKeys time.Time // when the last key of some provider ends; zero for none
}

// Standing tells how the connection is.
func (p *Provider) Standing() Standing {
	s := p.state.Load()
	r := Standing{OurKeys: s.keys.Signing[0].Certificate.NotAfter}
	if e := s.keys.Encryption[0].Certificate.NotAfter; e.Before(r.OurKeys) {
		r.OurKeys = e
	}
	if s.metadata == nil {
		return r
	}
	r.Fetched, r.Until, r.Providers = s.metadata.fetched, s.metadata.end(p.c.MaxAge), len(p.Choices())
	for _, found := range s.metadata.idps {
		var last time.Time
		for _, c := range found.certs {
			if c.NotAfter.After(last) {
				last = c.NotAfter
			}
		}
		if r.TheirKeys.IsZero() || last.Before(r.TheirKeys) {
			r.TheirKeys = last
		}
	}
	return r
}

// newID returns an ID for a message of ours: an xs:ID of 128 random bits.
func (p *Provider) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(p.c.Rand, b[:]); err != nil {
		return "", fmt.Errorf("make an ID: %w", err)
	}
	return "_" + hex.EncodeToString(b[:]), nil
}

// Name is the connection's name.
func (p *Provider) Name() string { return p.c.Name }
