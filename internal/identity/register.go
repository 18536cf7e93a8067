package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity/pic"
)

// The kinds of identifiers: stored, never change. A subject is a provider's own
// name of a person and counts for that connection only.
const (
	kindPersonalCode = "personal_code"
	kindForeign      = "foreign"
	kindSubject      = "subject:"
)

// Register knows who the people are that providers vouch for.
type Register struct {
	Vault Vault
}

// identifier is what an assertion calls a person: its kind and value.
func (a Assertion) identifier(connection string) (kind, value string, ok bool) {
	switch {
	case a.PersonalCode != "":
		return kindPersonalCode, a.PersonalCode, true
	case a.ForeignID != "":
		return kindForeign, a.ForeignID, true
	case a.Subject != "":
		return kindSubject + connection, a.Issuer + "\n" + a.Organisation + "\n" + a.Subject, true
	}
	return "", "", false
}

// Person returns the person that an assertion is about, made if it is the
// first time, with the names that the provider gives now. An assertion without
// a lasting name of the person is a *Refusal.
func (r *Register) Person(ctx context.Context, tx *db.Tx, now time.Time, connection string, a Assertion) (Person, error) {
	kind, value, ok := a.identifier(connection)
	if !ok {
		return Person{}, Refuse(NotValid, "the provider names nobody")
	}
	if kind == kindPersonalCode {
		if _, err := pic.Parse(value); err != nil {
			return Person{}, Refuse(NotValid, "what the provider gives for a personal identity code is none")
		}
	}
	p, err := r.find(ctx, tx, now, kind, value)
	if errors.Is(err, db.ErrNoRows) {
		// While the keys roll over, two nodes may write different hashes of one
		// value: the constraint would let both in, and make two people of one.
		if err = tx.Alone(ctx, "identifiers"); err == nil {
			p, err = r.find(ctx, tx, now, kind, value)
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, db.ErrNoRows):
		p = Person{ID: db.NewID(), Lang: a.Lang}
	default:
		return Person{}, err
	}
	known := p.Name != ""
	p.take(a)
	if err := SavePerson(ctx, tx, now, p); err != nil || known {
		return p, err
	}
	return p, r.add(ctx, tx, now, p.ID, kind, value)
}

// take takes over what the provider says now: people's names change.
func (p *Person) take(a Assertion) {
	name := strings.TrimSpace(a.Name)
	if name == "" {
		name = strings.TrimSpace(a.GivenName + " " + a.FamilyName)
	}
	if name != "" {
		p.Name = name
	}
	if p.Name == "" {
		p.Name = "–" // a provider that tells no name
	}
	if p.Email == "" { // one that was given to the hub stays
		p.Email = a.Email
	}
	if p.Lang == "" {
		p.Lang = a.Lang
	}
}

func (r *Register) find(ctx context.Context, tx *db.Tx, now time.Time, kind, value string) (Person, error) {
	id, person, by, err := r.lookUp(ctx, tx, "identifiers", "person_id", kind, value)
	if err != nil {
		return Person{}, err
	}
	if newest := r.Vault.Hashes(value)[0]; by != newest { // found by an older key: renew it
		sealed, err := r.Vault.Seal(value, id)
		if err != nil {
			return Person{}, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE identifiers SET found_by = $1, sealed = $2 WHERE id = $3 AND found_by = $4`, newest, sealed, id, by); err != nil {
			return Person{}, fmt.Errorf("renew an identifier: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE identifiers SET used_at = $1 WHERE id = $2`, db.Millis(now), id); err != nil {
		return Person{}, fmt.Errorf("note an identifier's use: %w", err)
	}
	return FindPerson(ctx, tx, person)
}

// lookUp finds the row of a value, by whichever key's hash it bears. Should the
// value stand there twice, by two keys, it is the row of the newer key, on every
// node and whatever becomes of the older one.
func (r *Register) lookUp(ctx context.Context, tx *db.Tx, table, owner, kind, value string) (id, of, by string, err error) {
	hashes := r.Vault.Hashes(value)
	args := []any{kind}
	for _, h := range hashes {
		args = append(args, h)
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, `+owner+`, found_by FROM `+table+` WHERE kind = $1 AND found_by IN (`+db.In(1, len(hashes))+`)`, args...)
	if err != nil {
		return "", "", "", fmt.Errorf("find by a hash: %w", err)
	}
	best := len(hashes)
	err = rows.Each(func() error {
		var a, b, c string
		err := rows.Scan(&a, &b, &c)
		if at := slices.Index(hashes, c); at >= 0 && at < best {
			best, id, of, by = at, a, b, c
		}
		return err
	})
	if err == nil && best == len(hashes) {
		err = db.ErrNoRows
	}
	return id, of, by, err
}

func (r *Register) add(ctx context.Context, tx *db.Tx, now time.Time, person, kind, value string) error {
	id := db.NewID()
	sealed, err := r.Vault.Seal(value, id)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO identifiers (id, person_id, kind, found_by, sealed, since, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, person, kind, r.Vault.Hashes(value)[0], sealed, db.Millis(now), db.Millis(now)); err != nil {
		return fmt.Errorf("write an identifier: %w", err)
	}
	return nil
}

// Know gives a person a personal identity code, if it is not known yet: for the
// demo's people, whom no provider vouches for.
func (r *Register) Know(ctx context.Context, tx *db.Tx, now time.Time, person, code string) error {
	have, err := r.PersonalCode(ctx, tx, person)
	if err != nil || have != "" {
		return err
	}
	return r.add(ctx, tx, now, person, kindPersonalCode, code)
}

// PersonalCode returns a person's personal identity code, for the calls to
// Suomi.fi-valtuudet; "" when none is known.
func (r *Register) PersonalCode(ctx context.Context, tx *db.Tx, person string) (string, error) {
	var id, sealed string
	err := tx.QueryRowContext(ctx, `SELECT id, sealed FROM identifiers WHERE person_id = $1 AND kind = $2`, person, kindPersonalCode).Scan(&id, &sealed)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read an identifier: %w", err)
	}
	return r.Vault.Open(sealed, id)
}

// A Principal is a company or another person for whom somebody acts.
type Principal struct {
	ID         string
	Kind       PrincipalKind
	Name       string
	BusinessID string // of a company
}

// PrincipalKind tells companies from people.
type PrincipalKind string

// The kinds: stored, never change.
const (
	Company PrincipalKind = "company"
	Someone PrincipalKind = "person"
)

// Principal returns the principal with a business id or personal code, made if
// it is the first time, with the name that the mandate register gives now.
func (r *Register) Principal(ctx context.Context, tx *db.Tx, now time.Time, kind PrincipalKind, value, name string) (Principal, error) {
	p := Principal{Kind: kind, Name: name}
	if kind == Company {
		p.BusinessID = value
	}
	var err error
	p.ID, _, _, err = r.lookUp(ctx, tx, "principals", "id", string(kind), value)
	if errors.Is(err, db.ErrNoRows) { // as of people
		if err = tx.Alone(ctx, "principals"); err == nil {
			p.ID, _, _, err = r.lookUp(ctx, tx, "principals", "id", string(kind), value)
		}
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE principals SET name = $1 WHERE id = $2`, name, p.ID)
	} else if errors.Is(err, db.ErrNoRows) {
		p.ID = db.NewID()
		var sealed string
		if sealed, err = r.Vault.Seal(value, p.ID); err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO principals (id, kind, name, business_id, found_by, sealed, since) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				p.ID, string(kind), name, p.BusinessID, r.Vault.Hashes(value)[0], sealed, db.Millis(now))
		}
	}
	if err != nil {
		return Principal{}, fmt.Errorf("write a principal: %w", err)
	}
	return p, nil
}

// FindPrincipal returns a principal, or NotFound.
func FindPrincipal(ctx context.Context, tx *db.Tx, id string) (Principal, error) {
	p := Principal{ID: id}
	var kind string
	err := tx.QueryRowContext(ctx, `SELECT kind, name, business_id FROM principals WHERE id = $1`, id).Scan(&kind, &p.Name, &p.BusinessID)
	p.Kind = PrincipalKind(kind)
	if errors.Is(err, db.ErrNoRows) {
		return Principal{}, fail.New(fail.NotFound, "error.not_found")
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read a principal: %w", err)
	}
	return p, nil
}
