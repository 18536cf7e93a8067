package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"luvat/internal/db"
)

const machineColumns = `m.id, m.authority_id, m.kind, m.name, m.types, m.added_at, m.withdrawn_at`

type scanner interface{ Scan(dest ...any) error }

// scanMachine reads machineColumns and what more there is.
func scanMachine(row scanner, m *Machine, more ...any) error {
	var types, kind string
	var added, withdrawn int64
	if err := row.Scan(append([]any{&m.ID, &m.Authority, &kind, &m.Name, &types, &added, &withdrawn}, more...)...); err != nil {
		return err
	}
	m.Kind, m.Added, m.Withdrawn = Kind(kind), db.Time(added), db.Time(withdrawn)
	if types == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(types), &m.Types); err != nil {
		return fmt.Errorf("read a machine's matter types: %w", err)
	}
	return nil
}

func insertMachine(ctx context.Context, tx *db.Tx, m Machine) error {
	list, err := types(m.Types)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO machines (id, authority_id, kind, name, types, added_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		m.ID, m.Authority, string(m.Kind), m.Name, list, db.Millis(m.Added))
	if err != nil {
		return fmt.Errorf("add a machine: %w", err)
	}
	return nil
}

// findMachine returns a machine, or ErrNoRows.
func findMachine(ctx context.Context, tx *db.Tx, id string) (m Machine, err error) {
	err = scanMachine(tx.QueryRowContext(ctx, `SELECT `+machineColumns+` FROM machines m WHERE m.id = $1`, id), &m)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("read a machine: %w", err)
	}
	return m, err
}

func machinesOf(ctx context.Context, tx *db.Tx, authority string) (all []Machine, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+machineColumns+` FROM machines m WHERE m.authority_id = $1 ORDER BY m.added_at, m.id`, authority)
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	err = rows.Each(func() error {
		var m Machine
		if err := scanMachine(rows, &m); err != nil {
			return err
		}
		all = append(all, m)
		return nil
	})
	return all, err
}

func retire(ctx context.Context, tx *db.Tx, now time.Time, machine string) error {
	at := db.Millis(now)
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`DELETE FROM machine_tokens WHERE credential_id IN (SELECT id FROM machine_credentials WHERE machine_id = $1)`, []any{machine}},
		{`UPDATE machine_credentials SET withdrawn_at = $1 WHERE machine_id = $2 AND withdrawn_at = 0`, []any{at, machine}},
		{`UPDATE machines SET withdrawn_at = $1 WHERE id = $2`, []any{at, machine}},
	} {
		if _, err := tx.ExecContext(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("retire a machine: %w", err)
		}
	}
	return nil
}

const credentialColumns = `c.id, c.machine_id, c.kind, c.mark, c.key_id, c.jwk, c.fingerprint, c.issuer, c.subject,
	c.from_at, c.until_at, c.issued_at, c.replaces, c.withdrawn_at, c.used_at`

// into lists where credentialColumns go. The times are set by done.
func (c *Credential) into() (into []any, done func()) {
	var kind string
	var from, until, issued, withdrawn, used int64
	into = []any{
		&c.ID, &c.Machine, &kind, &c.mark, &c.KeyID, &c.jwk, &c.Fingerprint, &c.Issuer, &c.Subject,
		&from, &until, &issued, &c.Replaces, &withdrawn, &used,
	}
	return into, func() {
		c.Kind = CredentialKind(kind)
		c.From, c.Until, c.Issued, c.Withdrawn, c.Used = db.Time(from), db.Time(until), db.Time(issued), db.Time(withdrawn), db.Time(used)
	}
}

func insertCredential(ctx context.Context, tx *db.Tx, c Credential, by string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO machine_credentials (id, machine_id, kind, mark, key_id, jwk, fingerprint, issuer, subject, from_at, until_at, issued_at, issued_by, replaces)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.ID, c.Machine, string(c.Kind), c.mark, c.KeyID, c.jwk, c.Fingerprint, c.Issuer, c.Subject,
		db.Millis(c.From), db.Millis(c.Until), db.Millis(c.Issued), by, c.Replaces)
	if err != nil {
		return fmt.Errorf("issue a credential: %w", err)
	}
	return nil
}

// findCredential returns a credential and its machine, or ErrNoRows. where says
// which, with one parameter.
func findCredential(ctx context.Context, tx *db.Tx, where, arg string) (c Credential, m Machine, err error) {
	into, done := c.into()
	err = scanMachine(tx.QueryRowContext(ctx, `
		SELECT `+machineColumns+`, `+credentialColumns+` FROM machine_credentials c JOIN machines m ON m.id = c.machine_id WHERE `+where, arg), &m, into...)
	done()
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("read a credential: %w", err)
	}
	return c, m, err
}

// keysOf lists the keys of a machine that are not withdrawn.
func keysOf(ctx context.Context, tx *db.Tx, machine string) ([]Credential, error) {
	return credentials(ctx, tx, `c.machine_id = $1 AND c.kind = 'key' AND c.withdrawn_at = 0`, machine)
}

// credentialsOf lists the credentials of an authority's machines, by machine.
func credentialsOf(ctx context.Context, tx *db.Tx, authority string) (map[string][]Credential, error) {
	all, err := credentials(ctx, tx, `m.authority_id = $1`, authority)
	by := map[string][]Credential{}
	for _, c := range all {
		by[c.Machine] = append(by[c.Machine], c)
	}
	return by, err
}

func credentials(ctx context.Context, tx *db.Tx, where, arg string) (all []Credential, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT `+credentialColumns+` FROM machine_credentials c JOIN machines m ON m.id = c.machine_id WHERE `+where+` ORDER BY c.issued_at DESC, c.id DESC`, arg)
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	err = rows.Each(func() error {
		var c Credential
		into, done := c.into()
		if err := rows.Scan(into...); err != nil {
			return err
		}
		done()
		all = append(all, c)
		return nil
	})
	return all, err
}

// endAt lets a credential be good until a time, if it does not end before.
func endAt(ctx context.Context, tx *db.Tx, credential string, until time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE machine_credentials SET until_at = $1 WHERE id = $2 AND (until_at = 0 OR until_at > $1)`, db.Millis(until), credential)
	if err != nil {
		return fmt.Errorf("end a credential: %w", err)
	}
	return nil
}

func withdraw(ctx context.Context, tx *db.Tx, now time.Time, credential string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE machine_credentials SET withdrawn_at = $1 WHERE id = $2`, db.Millis(now), credential); err != nil {
		return fmt.Errorf("withdraw a credential: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM machine_tokens WHERE credential_id = $1`, credential); err != nil {
		return fmt.Errorf("withdraw a credential's tokens: %w", err)
	}
	return nil
}

func insertToken(ctx context.Context, tx *db.Tx, hash, credential, bound string, expires time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO machine_tokens (hash, credential_id, bound_to, expires_at) VALUES ($1, $2, $3, $4)`,
		hash, credential, bound, db.Millis(expires))
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	return nil
}

// findToken returns what an access token stands for, or ErrNoRows when it is
// none or has expired.
func findToken(ctx context.Context, tx *db.Tx, now time.Time, hash string) (c Credential, m Machine, bound string, err error) {
	into, done := c.into()
	err = scanMachine(tx.QueryRowContext(ctx, `
		SELECT `+machineColumns+`, `+credentialColumns+`, t.bound_to
		FROM   machine_tokens t JOIN machine_credentials c ON c.id = t.credential_id JOIN machines m ON m.id = c.machine_id
		WHERE  t.hash = $1 AND t.expires_at > $2`, hash, db.Millis(now)), &m, append(into, &bound)...)
	done()
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("read a token: %w", err)
	}
	return c, m, bound, err
}

// used notes that a credential was used, by the minute.
func used(ctx context.Context, tx *db.Tx, now time.Time, credential string) error {
	_, err := tx.ExecContext(ctx, `UPDATE machine_credentials SET used_at = $1 WHERE id = $2 AND used_at <= $3`,
		db.Millis(now), credential, db.Millis(now.Add(-coarse)))
	if err != nil {
		return fmt.Errorf("note the use of a credential: %w", err)
	}
	return nil
}

// usedInNewHour notes that a credential is used, if it was not in this hour.
func usedInNewHour(ctx context.Context, tx *db.Tx, now time.Time, credential string) (bool, error) {
	n, err := tx.ExecContext(ctx, `UPDATE machine_credentials SET used_at = $1 WHERE id = $2 AND used_at < $3`,
		db.Millis(now), credential, db.Millis(now.Truncate(time.Hour)))
	if err != nil {
		return false, fmt.Errorf("note the use of a credential: %w", err)
	}
	return n == 1, nil
}

// refusedLately tells whether a refusal of the machine was written in the last
// minute: then there is nothing to write.
func refusedLately(ctx context.Context, tx *db.Tx, now time.Time, machine string) (bool, error) {
	var at int64
	if err := tx.QueryRowContext(ctx, `SELECT refused_at FROM machines WHERE id = $1`, machine).Scan(&at); err != nil {
		return false, fmt.Errorf("read a refusal: %w", err)
	}
	return at > db.Millis(now.Add(-coarse)), nil
}

// refusedNow tells whether a refusal of the machine is to be written to the
// ledger: so that nobody can fill it, not more than once a minute.
func refusedNow(ctx context.Context, tx *db.Tx, now time.Time, machine string) (bool, error) {
	n, err := tx.ExecContext(ctx, `UPDATE machines SET refused_at = $1 WHERE id = $2 AND refused_at <= $3`,
		db.Millis(now), machine, db.Millis(now.Add(-coarse)))
	if err != nil {
		return false, fmt.Errorf("note a refusal: %w", err)
	}
	return n == 1, nil
}

// Sweep forgets tokens that have expired.
func Sweep(ctx context.Context, tx *db.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM machine_tokens WHERE expires_at <= $1`, db.Millis(now)); err != nil {
		return fmt.Errorf("sweep tokens: %w", err)
	}
	return nil
}
