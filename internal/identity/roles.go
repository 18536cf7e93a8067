package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
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
	return ledger.TheHub, "", true, []Role{RoleLead, RoleService}
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
	if !slices.Contains(may, role) || (role == RoleService) != (authority == "") {
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
// time, until it is withdrawn.
func (r *Roles) Give(ctx context.Context, who Granter, person string, h Hat, until time.Time) error {
	actor, err := rule(who, h.Authority, h.Role)
	if err != nil {
		return err
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

// Inbox stands for a successor where the open work goes back to the authority's
// inbox.
const Inbox = "inbox"

// Withdraw takes a role away at once: its sessions end, and the open work is
// handed to the successor, "" for the one who was named beforehand.
func (r *Roles) Withdraw(ctx context.Context, who Granter, person string, role Role, authority, successor string) error {
	actor, err := rule(who, authority, role)
	if err != nil {
		return err
	}
	if string(actor) == string(ledger.Person(person)) && role == RoleLead {
		return fail.New(fail.Rejected, "roles.not_ones_own")
	}
	return r.end(ctx, actor, DeedWithdrawn, person, role, authority, successor)
}

// MandateEnded notes that an officer's mandate holds no longer: the sessions
// end, and the open work is handed over as when a role is withdrawn.
func (r *Roles) MandateEnded(ctx context.Context, person, authority string) error {
	return r.end(ctx, ledger.TheHub, DeedMandate, person, RoleOfficer, authority, "")
}

func (r *Roles) end(ctx context.Context, actor ledger.Actor, deed, person string, role Role, authority, successor string) error {
	now := r.Now()
	err := r.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.ExecContext(ctx, `DELETE FROM grants WHERE person_id = $1 AND authority_id = $2 AND role = $3`, person, authority, string(role))
		if err != nil {
			return fmt.Errorf("withdraw a role: %w", err)
		}
		if n == 0 && deed == DeedWithdrawn {
			return fail.New(fail.NotFound, "error.not_found")
		}
		named := successor == ""
		switch {
		case successor == Inbox:
			successor = ""
		case named:
			if successor, err = successorOf(ctx, tx, person, authority); err != nil {
				return err
			}
		}
		if successor != "" {
			switch err := mayTakeOver(ctx, tx, now, successor, person, authority); {
			case named && fail.Is(err, fail.Rejected):
				successor = "" // who was named beforehand has left: back to the inbox
			case err != nil:
				return err
			}
		}
		if role == RoleOfficer {
			if _, err := tx.ExecContext(ctx, `DELETE FROM successors WHERE successor_id = $1 AND authority_id = $2`, person, authority); err != nil {
				return fmt.Errorf("forget a successor who leaves: %w", err)
			}
		}
		if err := EndAll(ctx, tx, person, authority); err != nil {
			return err
		}
		e, err := ledger.Record(ctx, tx, now, rolesStream(authority), actor, ledger.Authority, deed, roleData{Person: person, Role: role, Successor: successor})
		if err != nil || role != RoleOfficer {
			return err
		}
		return outbox.Add(ctx, tx, now, Left{Person: person, Authority: authority, Successor: successor, Entry: e.N})
	})
	if err == nil && r.Wake != nil {
		r.Wake()
	}
	return err
}

// successorOf returns the successor that was named beforehand, "" for none.
func successorOf(ctx context.Context, tx *db.Tx, person, authority string) (successor string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT successor_id FROM successors WHERE person_id = $1 AND authority_id = $2`, person, authority).Scan(&successor)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read a successor: %w", err)
	}
	return successor, nil
}

func mayTakeOver(ctx context.Context, tx *db.Tx, now time.Time, successor, person, authority string) error {
	hats, err := Hats(ctx, tx, now, successor)
	if err != nil {
		return err
	}
	if successor == person || !slices.ContainsFunc(hats, func(h Hat) bool { return h.Role == RoleOfficer && h.Authority == authority }) {
		return fail.New(fail.Rejected, "roles.choose_successor").In("successor")
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

// A Grantee is somebody with a role of an authority, as its lead sees.
type Grantee struct {
	Person    Person
	Hat       Hat
	Since     time.Time
	Until     time.Time
	Successor string // a person's id
	LastSeen  time.Time
	LastWay   string // the connection last used
}

// People lists who has a role of an authority, by name.
func People(ctx context.Context, tx *db.Tx, authority string) (all []Grantee, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.name, p.email, p.lang, g.role, g.types, g.granted_at, g.until_at, COALESCE(s.successor_id, ''), COALESCE(u.at, 0), COALESCE(u.connection, '')
		FROM   grants g JOIN people p ON p.id = g.person_id
		LEFT JOIN successors s ON s.person_id = g.person_id AND s.authority_id = g.authority_id
		LEFT JOIN last_uses u ON u.person_id = g.person_id AND u.authority_id = g.authority_id
		WHERE  g.authority_id = $1 ORDER BY p.name, p.id, g.role`, authority)
	if err != nil {
		return nil, fmt.Errorf("list people with roles: %w", err)
	}
	err = rows.Each(func() error {
		g := Grantee{Hat: Hat{Authority: authority}}
		var role, types, lang string
		var since, until, seen int64
		if err := rows.Scan(&g.Person.ID, &g.Person.Name, &g.Person.Email, &lang, &role, &types, &since, &until, &g.Successor, &seen, &g.LastWay); err != nil {
			return err
		}
		g.Person.Lang, g.Hat.Role = i18n.Parse(lang), Role(role)
		g.Since, g.Until, g.LastSeen = db.Time(since), db.Time(until), db.Time(seen)
		g.Hat.Types, err = readTypes(types)
		all = append(all, g)
		return err
	})
	return all, err
}

// Asked lists who asked for a role of an authority and waits.
func Asked(ctx context.Context, tx *db.Tx, authority string) (all []Grantee, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.name, p.email, p.lang, r.connection, r.asked_at FROM access_requests r JOIN people p ON p.id = r.person_id
		WHERE  r.authority_id = $1 AND r.answered_at = 0 ORDER BY r.asked_at`, authority)
	if err != nil {
		return nil, fmt.Errorf("list who asked for a role: %w", err)
	}
	err = rows.Each(func() error {
		var g Grantee
		var lang string
		var asked int64
		err := rows.Scan(&g.Person.ID, &g.Person.Name, &g.Person.Email, &lang, &g.LastWay, &asked)
		g.Person.Lang, g.Since = i18n.Parse(lang), db.Time(asked)
		all = append(all, g)
		return err
	})
	return all, err
}

// Former lists who used a role of an authority since a time and has none now, the
// last first: one that was withdrawn by mistake can be given back.
func Former(ctx context.Context, tx *db.Tx, authority string, since time.Time) (all []Grantee, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.name, p.email, p.lang, u.connection, u.at FROM last_uses u JOIN people p ON p.id = u.person_id
		WHERE  u.authority_id = $1 AND u.at > $2 AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person_id = p.id AND g.authority_id = u.authority_id)
		AND    NOT EXISTS (SELECT 1 FROM access_requests r WHERE r.person_id = p.id AND r.authority_id = u.authority_id AND r.answered_at = 0)
		ORDER BY u.at DESC, p.id`, authority, db.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("list who had a role: %w", err)
	}
	err = rows.Each(func() error {
		var g Grantee
		var lang string
		var seen int64
		err := rows.Scan(&g.Person.ID, &g.Person.Name, &g.Person.Email, &lang, &g.LastWay, &seen)
		g.Person.Lang, g.LastSeen = i18n.Parse(lang), db.Time(seen)
		all = append(all, g)
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
