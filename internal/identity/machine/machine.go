// Package machine holds the credentials of authorities' own systems and
// software robots.
//
// A machine belongs to one authority. It shows who it is by a key, with which it
// signs for an access token (OAuth client credentials, private_key_jwt: RFC
// 7523), or by a client certificate (mutual TLS: RFC 8705). An authority's lead,
// or service management, issues credentials, rotates them and withdraws them;
// each deed is an entry in the authority's stream of the ledger.
//
//	key          →  Token  →  access token, ten minutes  →  Who
//	certificate  →  Token  →  the same, bound to it      →  Who
//	certificate  →                                          Who
//
// The hub keeps no secret of a machine: public keys, thumbprints, and hashes of
// the tokens that it gave.
package machine

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// Kind is what a machine is: stored, never changes.
type Kind string

// The kinds.
const (
	System Kind = "system" // an authority's own system, at the data exchange interface
	Robot  Kind = "robot"  // a software robot, which uses officers' pages
)

// The deeds that the ledger holds of machines: stored, never change.
const (
	DeedAdded     = "machine.added"
	DeedRetired   = "machine.retired"
	DeedIssued    = "machine.credential_issued"
	DeedRotated   = "machine.credential_rotated"
	DeedWithdrawn = "machine.credential_withdrawn"
	DeedToken     = "machine.token"
	DeedUsed      = "machine.used" // at most once an hour for each credential
	DeedRefused   = "machine.refused"
)

// A Machine is a system or a robot of an authority.
type Machine struct {
	ID        string
	Authority string
	Kind      Kind
	Name      string   // as the authority calls it
	Types     []string // the matter types it may handle; nil for all
	Added     time.Time
	Withdrawn time.Time // zero while it may come

	Credentials []Credential // in a list only, newest first
}

// May tells whether the machine's rights cover the matter type.
func (m Machine) May(typ string) bool { return m.Types == nil || slices.Contains(m.Types, typ) }

// Actor is the machine in the ledger.
func (m Machine) Actor() ledger.Actor {
	if m.Kind == Robot {
		return ledger.Robot(m.ID)
	}
	return ledger.System(m.ID)
}

// TokenPath is where the token endpoint is in the hub.
const TokenPath = "/token"

// Config says how machines are known. DB and TokenEndpoint must be given.
type Config struct {
	DB *db.DB

	// TokenEndpoint is the address of the token endpoint as machines know it:
	// what they sign must be for it.
	TokenEndpoint string

	// CAs are those whose certificates may be registered by name: without them,
	// a certificate is registered by its thumbprint only.
	CAs *x509.CertPool

	// CertificateHost is the host, with its port unless that is 443, at which
	// machines are asked for certificates; "" where there is none.
	CertificateHost string

	Now  func() time.Time // default time.Now
	Rand io.Reader        // default crypto/rand
	Log  *slog.Logger     // default: nothing is logged
}

// A Registry knows the machines. It is safe for concurrent use.
type Registry struct{ Config }

// New returns the registry.
func New(c Config) (*Registry, error) {
	if c.DB == nil || c.TokenEndpoint == "" {
		return nil, errors.New("machines: the database and the address of the token endpoint are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Registry{c}, nil
}

// An Asker rules over machines: an authority's lead over its own, service
// management over all. The zero Asker rules over none.
type Asker struct {
	person    string
	authority string
	all       bool
	side      ledger.Side
}

// Lead asks as an authority's lead.
func Lead(l identity.Lead) Asker {
	return Asker{person: l.ID, authority: l.Authority, side: ledger.Authority}
}

// Service asks as service management.
func Service(s identity.Service) Asker {
	return Asker{person: s.ID, all: true, side: ledger.Hub}
}

func (a Asker) rules(authority string) bool {
	return authority != "" && (a.all || a.authority == authority)
}

var errNotFound = fail.New(fail.NotFound, "error.not_found")

// deed is what the ledger holds of a machine's: ids and times.
type deed struct {
	Machine    string `json:"machine"`
	Credential string `json:"credential,omitempty"`
	Replaces   string `json:"replaces,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Until      int64  `json:"until,omitempty"`
}

func (r *Registry) record(ctx context.Context, tx *db.Tx, by Asker, authority, what string, d deed) error {
	_, err := ledger.Record(ctx, tx, r.Now(), identity.AuthorityStream(authority), ledger.Person(by.person), by.side, what, d)
	return err
}

// longestName is how long a machine's name may be, in characters.
const longestName = 100

// Add registers a machine, which has no credential yet. Of m it takes
// Authority, Kind, Name and Types.
func (r *Registry) Add(ctx context.Context, by Asker, m Machine) (Machine, error) {
	if !by.rules(m.Authority) {
		return Machine{}, errNotFound
	}
	m.Name = strings.Join(strings.Fields(m.Name), " ")
	switch {
	case m.Kind != System && m.Kind != Robot:
		return Machine{}, fail.New(fail.Invalid, "error.malformed")
	case m.Name == "":
		return Machine{}, fail.New(fail.Rejected, "machine.name_missing").In("name")
	case utf8.RuneCountInString(m.Name) > longestName:
		return Machine{}, fail.New(fail.Rejected, "machine.name_long", longestName).In("name")
	}
	m = Machine{ID: db.NewID(), Authority: m.Authority, Kind: m.Kind, Name: m.Name, Types: m.Types, Added: r.Now()}
	err := r.DB.InTx(ctx, func(tx *db.Tx) error {
		// Pages find the names of those who did something among people.
		if err := identity.SavePerson(ctx, tx, m.Added, identity.Person{ID: m.ID, Name: m.Name, Lang: i18n.FI}); err != nil {
			return err
		}
		if err := insertMachine(ctx, tx, m); err != nil {
			return err
		}
		return r.record(ctx, tx, by, m.Authority, DeedAdded, deed{Machine: m.ID, Kind: string(m.Kind)})
	})
	return m, err
}

// Retire withdraws a machine and all its credentials, at once and for good.
func (r *Registry) Retire(ctx context.Context, by Asker, machine string) error {
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		m, err := ruledMachine(ctx, tx, by, machine)
		if err != nil {
			return err
		}
		if !m.Withdrawn.IsZero() {
			return fail.New(fail.Conflict, "machine.withdrawn")
		}
		if err := retire(ctx, tx, r.Now(), m.ID); err != nil {
			return err
		}
		return r.record(ctx, tx, by, m.Authority, DeedRetired, deed{Machine: m.ID})
	})
}

// List returns an authority's machines with their credentials, also those that
// were withdrawn.
func (r *Registry) List(ctx context.Context, by Asker, authority string) (all []Machine, err error) {
	if !by.rules(authority) {
		return nil, errNotFound
	}
	err = r.DB.View(ctx, func(tx *db.Tx) error {
		if all, err = machinesOf(ctx, tx, authority); err != nil {
			return err
		}
		credentials, err := credentialsOf(ctx, tx, authority)
		for i := range all {
			all[i].Credentials = credentials[all[i].ID]
		}
		return err
	})
	return all, err
}

// Find returns a machine with its credentials, also those that were withdrawn.
func (r *Registry) Find(ctx context.Context, by Asker, machine string) (m Machine, err error) {
	err = r.DB.View(ctx, func(tx *db.Tx) error {
		if m, err = ruledMachine(ctx, tx, by, machine); err != nil {
			return err
		}
		m.Credentials, err = credentials(ctx, tx, `c.machine_id = $1`, m.ID)
		return err
	})
	return m, err
}

// ruledMachine finds a machine that the asker rules over.
func ruledMachine(ctx context.Context, tx *db.Tx, by Asker, id string) (Machine, error) {
	m, err := findMachine(ctx, tx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && !by.rules(m.Authority) {
		return Machine{}, errNotFound
	}
	return m, err
}

// types writes a list of matter types as it is stored.
func types(list []string) (string, error) {
	if list == nil {
		return "", nil
	}
	list = slices.Clone(list)
	slices.SortFunc(list, cmp.Compare)
	b, err := json.Marshal(slices.Compact(list))
	if err != nil {
		return "", fmt.Errorf("write a machine's matter types: %w", err)
	}
	return string(b), nil
}
