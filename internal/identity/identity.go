// Package identity says who is asking and for whom.
//
// A person signs in and then wears one hat: that of an applicant, or that of
// an officer of one authority, or another role that was granted. Each hat is a
// type of its own (Customer, Officer, …), and the verbs of the hearts take the
// type they are for, so that a page for officers cannot be mounted for
// applicants by mistake.
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
)

// Role is what a person may be for an authority or for the hub.
type Role string

// The roles.
const (
	RoleCustomer Role = "customer" // anybody who signs in: an applicant, asiakas
	RoleOfficer  Role = "officer"  // virkailija
	RoleRobot    Role = "robot"    // an authority's software robot, ohjelmistorobotti
	RoleLead     Role = "lead"     // viranomaisen yhteyshenkilö
	RoleService  Role = "service"  // palvelunhallinta
	RoleSupport  Role = "support"  // palvelun tuki
)

// Person is somebody who can sign in.
type Person struct {
	ID    string
	Name  string
	Email string
	Lang  i18n.Lang
	Demo  string // the part a demo identity plays, "" for real people
}

// Customer is a person who asks as an applicant: for oneself, or for a company
// or another person whose mandate was checked.
type Customer struct {
	Person
	For Principal // zero for oneself
}

// Actor is the customer in the ledger.
func (c Customer) Actor() ledger.Actor { return ledger.Person(c.ID) }

// Officer is a person, or a robot, who asks as a member of an authority.
type Officer struct {
	Person
	Authority string
	Role      Role     // RoleOfficer or RoleRobot
	Types     []string // the matter types of the grant; nil for all
}

// Actor is the officer in the ledger.
func (o Officer) Actor() ledger.Actor {
	if o.Role == RoleRobot {
		return ledger.Robot(o.ID)
	}
	return ledger.Person(o.ID)
}

// May tells whether the officer's grant covers the matter type.
func (o Officer) May(typ string) bool { return o.Types == nil || slices.Contains(o.Types, typ) }

// Lead is a person who asks as an authority's lead.
type Lead struct {
	Person
	Authority string
}

// Service is a person of service management.
type Service struct{ Person }

// Support is a person who helps users of the hub: who sees that a matter is there
// and whether what it sent has arrived, and nothing of what it says.
type Support struct{ Person }

// Hat is a role that a person may wear.
type Hat struct {
	Role      Role
	Authority string // "" for customers, service management and support
	Types     []string
}

// FindPerson returns a person, or NotFound.
func FindPerson(ctx context.Context, tx *db.Tx, id string) (Person, error) {
	var p Person
	var lang string
	err := tx.QueryRowContext(ctx, `SELECT id, name, email, lang, demo FROM people WHERE id = $1`, id).
		Scan(&p.ID, &p.Name, &p.Email, &lang, &p.Demo)
	p.Lang = i18n.Parse(lang)
	if errors.Is(err, db.ErrNoRows) {
		return Person{}, fail.New(fail.NotFound, "error.not_found")
	}
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	return p, nil
}

// SavePerson writes a person, new or changed.
func SavePerson(ctx context.Context, tx *db.Tx, now time.Time, p Person) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO people (id, name, email, lang, demo, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, lang = excluded.lang, demo = excluded.demo`,
		p.ID, p.Name, p.Email, string(p.Lang), p.Demo, db.Millis(now))
	if err != nil {
		return fmt.Errorf("save person: %w", err)
	}
	return nil
}

// DemoPeople lists the demo identities in the order they were made.
func DemoPeople(ctx context.Context, tx *db.Tx) ([]Person, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, name, email, lang, demo FROM people WHERE demo <> '' ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("list demo people: %w", err)
	}
	var all []Person
	err = rows.Each(func() error {
		var p Person
		var lang string
		if err := rows.Scan(&p.ID, &p.Name, &p.Email, &lang, &p.Demo); err != nil {
			return err
		}
		p.Lang = i18n.Parse(lang)
		all = append(all, p)
		return nil
	})
	return all, err
}

// Names returns the names of people by id, for pages that show who did what.
func Names(ctx context.Context, tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(s string) bool { return s == "" })
	if len(ids) == 0 {
		return names, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, name FROM people WHERE id IN (`+db.In(0, len(ids))+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	err = rows.Each(func() error {
		var id, name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		names[id] = name
		return nil
	})
	return names, err
}

// Colleagues lists the officers of an authority by name, whoever could be
// named a handler.
func Colleagues(ctx context.Context, tx *db.Tx, now time.Time, authority, typ string) (all []Person, err error) {
	officers, err := officersOf(ctx, tx, now, authority)
	for _, o := range officers {
		if o.Types == nil || slices.Contains(o.Types, typ) {
			all = append(all, o.Person)
		}
	}
	return all, err
}
