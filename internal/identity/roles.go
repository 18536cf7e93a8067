package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/ledger"
)

// Roles is where roles of authorities are given and taken away: by an
// authority's lead, or by service management. Each deed is an entry in the
// authority's stream of the ledger.
type Roles struct {
	DB   *db.DB
	Now  func() time.Time
	Wake func() // called after a deed that queued work; may be nil
}

// The deeds that the ledger holds of roles and sign-ins: stored, never change.
const (
	DeedAsked     = "role.asked"
	DeedGiven     = "role.given"
	DeedDenied    = "role.denied"
	DeedWithdrawn = "role.withdrawn"
	DeedMandate   = "role.mandate_ended"
	DeedExpired   = "role.expired"     // the day until which it was given has passed
	DeedUnheard   = "role.unconfirmed" // nobody has confirmed the mandate for too long
	DeedWay       = "authority.way_set"
	DeedSignedIn  = "sign_in"
	DeedRefused   = "sign_in.refused"
)

type roleData struct {
	Person     string   `json:"person,omitempty"`
	Role       Role     `json:"role,omitempty"`
	Types      []string `json:"types,omitempty"`
	Until      int64    `json:"until,omitempty"`
	Successor  string   `json:"successor,omitempty"`
	Connection string   `json:"connection,omitempty"`
	Level      string   `json:"level,omitempty"`
	For        string   `json:"for,omitempty"`
	Why        Why      `json:"why,omitempty"`
}

// AuthorityStream names the stream of an authority.
func AuthorityStream(id string) string { return "authority:" + id }

// PersonStream names the stream of a person's own sign-ins.
func PersonStream(id string) string { return "person:" + id }

// A Granter may give roles of an authority.
type Granter interface {
	granter() (actor ledger.Actor, authority string, any bool, may []Role)
}

func (l Lead) granter() (ledger.Actor, string, bool, []Role) {
	return ledger.Person(l.ID), l.Authority, false, []Role{RoleOfficer, RoleRobot, RoleLead}
}

func (s Service) granter() (ledger.Actor, string, bool, []Role) {
	return ledger.Person(s.ID), "", true, []Role{RoleLead}
}

// Operator is whoever runs the hub, at its machine: who gives the first roles,
// since nobody in the hub could.
type Operator struct{}

func (Operator) granter() (ledger.Actor, string, bool, []Role) {
	return ledger.TheHub, "", true, []Role{RoleLead, RoleService, RoleSupport}
}

// rolesStream is where it stands who was given a role: the authority's stream, or
// the hub's own for roles of the whole hub.
func rolesStream(authority string) string {
	if authority == "" {
		return "hub"
	}
	return AuthorityStream(authority)
}

// rule returns the granter's actor if the role of the authority is its to give.
func rule(who Granter, authority string, role Role) (ledger.Actor, error) {
	actor, own, all, may := who.granter()
	if !all && own != authority {
		return "", fail.New(fail.NotFound, "error.not_found")
	}
	if !slices.Contains(may, role) || (role == RoleService || role == RoleSupport) != (authority == "") {
		return "", fail.New(fail.Forbidden, "roles.not_yours_to_give")
	}
	return actor, nil
}

// Left asks for a person's open work at an authority to be handed over: the
// role has ended.
type Left struct {
	Person    string `json:"person"`
	Authority string `json:"authority"`
	Successor string `json:"successor"` // "" for nobody: the work goes back to the authority's inbox
	Entry     int64  `json:"entry"`     // of the authority's stream
}

// Kind is the job's stored name.
func (Left) Kind() string { return "identity.left" }

// Key tells it from all others.
func (l Left) Key() string { return fmt.Sprintf("left %s %d", l.Authority, l.Entry) }

// Ask keeps that somebody who came in as an authority's own asks for a role.
// Asking again changes nothing.
func (r *Roles) Ask(ctx context.Context, p Person, authority, connection string) error {
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.ExecContext(ctx, `
			INSERT INTO access_requests (person_id, authority_id, connection, asked_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (person_id, authority_id) DO UPDATE SET asked_at = excluded.asked_at, answered_at = 0, connection = excluded.connection
			WHERE access_requests.answered_at <> 0`, p.ID, authority, connection, db.Millis(r.Now()))
		if err != nil {
			return fmt.Errorf("ask for a role: %w", err)
		}
		if n == 0 {
			return nil
		}
		_, err = ledger.Record(ctx, tx, r.Now(), AuthorityStream(authority), ledger.Person(p.ID), ledger.Authority, DeedAsked, roleData{Connection: connection})
		return err
	})
}

// Give gives a person a role of the authority, until a date or, with the zero
// time, until it is withdrawn. In service management nobody makes a lead of oneself:
// who could would let oneself in to any authority's matters.
func (r *Roles) Give(ctx context.Context, who Granter, person string, h Hat, until time.Time) error {
	actor, err := rule(who, h.Authority, h.Role)
	if err != nil {
		return err
	}
	if _, service := who.(Service); service && actor == ledger.Person(person) {
		return fail.New(fail.Rejected, "roles.not_to_oneself")
	}
	now := r.Now()
	if !until.IsZero() && !until.After(now) {
		return fail.New(fail.Rejected, "roles.until_is_past").In("until")
	}
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := FindPerson(ctx, tx, person); err != nil {
			return err
		}
		if err := grant(ctx, tx, now, person, h, string(actor), until); err != nil {
			return err
		}
		if err := answered(ctx, tx, now, person, h.Authority); err != nil {
			return err
		}
		_, err := ledger.Record(ctx, tx, now, rolesStream(h.Authority), actor, ledger.Authority, DeedGiven, roleData{Person: person, Role: h.Role, Types: h.Types, Until: db.Millis(until)})
		return err
	})
}

// Deny answers that a person who asked for a role gets none.
func (r *Roles) Deny(ctx context.Context, who Granter, person, authority string) error {
	actor, err := rule(who, authority, RoleLead)
	if err != nil {
		return err
	}
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := answered(ctx, tx, r.Now(), person, authority); err != nil {
			return err
		}
		_, err := ledger.Record(ctx, tx, r.Now(), AuthorityStream(authority), actor, ledger.Authority, DeedDenied, roleData{Person: person})
		return err
	})
}

func answered(ctx context.Context, tx *db.Tx, now time.Time, person, authority string) error {
	_, err := tx.ExecContext(ctx, `UPDATE access_requests SET answered_at = $1 WHERE person_id = $2 AND authority_id = $3 AND answered_at = 0`, db.Millis(now), person, authority)
	if err != nil {
		return fmt.Errorf("answer who asked for a role: %w", err)
	}
	return nil
}

// Name names who takes over an officer's open work when the role ends.
func (r *Roles) Name(ctx context.Context, who Granter, person, authority, successor string) error {
	if _, err := rule(who, authority, RoleLead); err != nil {
		return err
	}
	if successor == Inbox {
		successor = ""
	}
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		if successor != "" {
			if err := mayTakeOver(ctx, tx, r.Now(), successor, person, authority); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO successors (person_id, authority_id, successor_id) VALUES ($1, $2, $3)
			ON CONFLICT (person_id, authority_id) DO UPDATE SET successor_id = excluded.successor_id`, person, authority, successor)
		if err != nil {
			return fmt.Errorf("name a successor: %w", err)
		}
		return nil
	})
}

// SetWay lets an authority's officers come in by a connection until a date, or
// with the zero time without end; closed ends it now.
func (r *Roles) SetWay(ctx context.Context, who Granter, authority, connection string, until time.Time, closed bool) error {
	actor, err := rule(who, authority, RoleLead)
	if err != nil {
		return err
	}
	now := r.Now()
	if closed {
		until = now
	} else if !until.IsZero() && !until.After(now) {
		return fail.New(fail.Rejected, "roles.until_is_past").In("until")
	}
	return r.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO authority_ways (authority_id, connection, from_at, until_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (authority_id, connection) DO UPDATE SET until_at = excluded.until_at`,
			authority, connection, db.Millis(now), db.Millis(until)); err != nil {
			return fmt.Errorf("set an authority's way: %w", err)
		}
		_, err := ledger.Record(ctx, tx, now, AuthorityStream(authority), actor, ledger.Authority, DeedWay, roleData{Connection: connection, Until: db.Millis(until)})
		return err
	})
}

// A Way is a connection by which an authority's officers come in.
type Way struct {
	Connection  string
	From, Until time.Time
}

// Ways lists what an authority has set; none means that all are open.
func Ways(ctx context.Context, tx *db.Tx, authority string) (all []Way, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT connection, from_at, until_at FROM authority_ways WHERE authority_id = $1 ORDER BY connection`, authority)
	if err != nil {
		return nil, fmt.Errorf("read an authority's ways: %w", err)
	}
	err = rows.Each(func() error {
		var w Way
		var from, until int64
		err := rows.Scan(&w.Connection, &from, &until)
		w.From, w.Until = db.Time(from), db.Time(until)
		all = append(all, w)
		return err
	})
	return all, err
}

// SignedIn notes in the ledger that somebody came in: every use of a role.
func SignedIn(ctx context.Context, tx *db.Tx, now time.Time, v Visit) error {
	stream, side := PersonStream(v.Person.ID), ledger.Applicant
	if v.Hat.Authority != "" {
		stream, side = AuthorityStream(v.Hat.Authority), ledger.Authority
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO last_uses (person_id, authority_id, connection, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (person_id, authority_id) DO UPDATE SET connection = excluded.connection, at = excluded.at`,
			v.Person.ID, v.Hat.Authority, v.Via.Connection, db.Millis(now)); err != nil {
			return fmt.Errorf("note a role's use: %w", err)
		}
	}
	if v.Hat.Role == RoleOfficer && v.Mandate.Holds() {
		if err := confirm(ctx, tx, now, v); err != nil {
			return err
		}
	}
	_, err := ledger.Record(ctx, tx, now, stream, ledger.Person(v.Person.ID), side, DeedSignedIn,
		roleData{Role: v.Hat.Role, Connection: v.Via.Connection, Level: v.Via.Level, For: v.For.ID})
	return err
}

// TurnedAway notes in the ledger that somebody was not let in and why; person
// is "" when it is not known who it was.
func TurnedAway(ctx context.Context, tx *db.Tx, now time.Time, person, connection string, why Why) error {
	stream, actor := "hub", ledger.TheHub
	if person != "" {
		stream, actor = PersonStream(person), ledger.Person(person)
	}
	_, err := ledger.Record(ctx, tx, now, stream, actor, ledger.Hub, DeedRefused, roleData{Connection: connection, Why: why})
	return err
}
