package matter

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// MemberRow is a member of a project as its pages show.
type MemberRow struct {
	Person, Name string
	Role         Member
	Since        time.Time
}

// Invitation is an invitation not used yet.
type Invitation struct {
	ID, Email string
	Role      Member
	CreatedAt time.Time
	ExpiresAt time.Time
}

// invitationLife is how long an invitation can be used.
const invitationLife = 14 * 24 * time.Hour

// Invite invites somebody into the project by e-mail. The mail holds a link
// with a secret that works once; the database keeps only its hash.
func (d *Desk) Invite(ctx context.Context, who identity.Customer, project, email string, role Member, lang i18n.Lang) error {
	email = strings.TrimSpace(email)
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
		return fail.New(fail.Rejected, "matter.bad_email").In("email")
	}
	if !slices.Contains(Members, role) {
		return fail.New(fail.Rejected, "project.choose_role").In("role")
	}
	secret := rand.Text()
	return d.do(ctx, func(tx *db.Tx) error {
		p, err := projectOf(ctx, tx, who, project, toRule)
		if err != nil {
			return err
		}
		now, id := d.Now(), db.NewID()
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO invitations (id, token_hash, project_id, role, email, lang, invited_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			id, secretHash(secret), p.ID, string(role), email, string(lang), who.ID, db.Millis(now), db.Millis(now.Add(invitationLife))); err != nil {
			return fmt.Errorf("write the invitation: %w", err)
		}
		if _, err := ledger.Record(ctx, tx, now, ledger.ProjectStream(p.ID), who.Actor(), ledger.Applicant, DeedInvited, deedData{Role: string(role)}); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, now, InviteMail{Invitation: id, Secret: secret})
	})
}

func secretHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Invited is what an invitation tells to the person who holds its secret.
type Invited struct {
	Project   string // its name
	By        string // who invited
	Role      Member
	ExpiresAt time.Time
}

// Invited shows what the holder of an invitation's secret is invited to. One
// that was used or has expired is not found.
func (d *Desk) Invited(ctx context.Context, _ identity.Customer, secret string) (i Invited, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		var role string
		var expires int64
		err := tx.QueryRowContext(ctx, `
			SELECT p.name, COALESCE(b.name, ''), i.role, i.expires_at
			FROM   invitations i JOIN projects p ON p.id = i.project_id LEFT JOIN people b ON b.id = i.invited_by
			WHERE  i.token_hash = $1 AND i.used_at = 0 AND i.expires_at > $2`,
			secretHash(secret), db.Millis(d.Now())).Scan(&i.Project, &i.By, &role, &expires)
		if errors.Is(err, db.ErrNoRows) {
			return fail.New(fail.NotFound, "project.invitation_gone")
		}
		if err != nil {
			return fmt.Errorf("read the invitation: %w", err)
		}
		i.Role, i.ExpiresAt = Member(role), db.Time(expires)
		return nil
	})
	return i, err
}

// Accept makes the person who holds an invitation's secret a member and
// returns the project. A secret works once.
func (d *Desk) Accept(ctx context.Context, who identity.Customer, secret string) (project string, err error) {
	if who.For.ID != "" {
		return "", fail.New(fail.Rejected, "project.join_as_yourself")
	}
	gone := fail.New(fail.NotFound, "project.invitation_gone")
	err = d.do(ctx, func(tx *db.Tx) error {
		now := d.Now()
		var id, role string
		err := tx.QueryRowContext(ctx, `
			UPDATE invitations SET used_by = $1, used_at = $2
			WHERE  token_hash = $3 AND used_at = 0 AND expires_at > $4 RETURNING id, project_id, role`,
			who.ID, db.Millis(now), secretHash(secret), db.Millis(now)).Scan(&id, &project, &role)
		if errors.Is(err, db.ErrNoRows) {
			return gone
		}
		if err != nil {
			return fmt.Errorf("use the invitation: %w", err)
		}
		if p, err := projectOf(ctx, tx, who, project, toSee); err == nil && p.Role != "" {
			return nil // a member already keeps the role
		}
		if err := saveMember(ctx, tx, project, who.ID, Member(role), now); err != nil {
			return err
		}
		_, err = ledger.Record(ctx, tx, now, ledger.ProjectStream(project), who.Actor(), ledger.Applicant, DeedJoined, deedData{Person: who.ID, Role: role})
		return err
	})
	return project, err
}

// RemoveMember takes a member out; anybody may leave, the owner may remove
// others. The last owner stays.
func (d *Desk) RemoveMember(ctx context.Context, who identity.Customer, project, person string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		need := toRule
		if person == who.ID {
			need = toSee
		}
		p, err := projectOf(ctx, tx, who, project, need)
		if err != nil {
			return err
		}
		// First the ledger: it locks the project's stream, so that two owners who
		// remove each other at once do not both succeed.
		if _, err := ledger.Record(ctx, tx, d.Now(), ledger.ProjectStream(p.ID), who.Actor(), ledger.Applicant, DeedMemberLeft, deedData{Person: person}); err != nil {
			return err
		}
		if err := errors.Join(anotherOwner(ctx, tx, p, person), anotherTold(ctx, tx, p, person)); err != nil {
			return err
		}
		n, err := tx.ExecContext(ctx, `DELETE FROM members WHERE project_id = $1 AND person_id = $2`, p.ID, person)
		if err != nil {
			return fmt.Errorf("remove a member: %w", err)
		}
		if n == 0 {
			return fail.New(fail.NotFound, "error.not_found")
		}
		// Nobody comes back by an invitation that lies about.
		_, err = tx.ExecContext(ctx, `
			UPDATE invitations SET expires_at = $1 WHERE project_id = $2 AND used_at = 0
			AND (invited_by = $3 OR LOWER(email) = (SELECT LOWER(email) FROM people WHERE id = $4))`,
			db.Millis(d.Now()), p.ID, person, person)
		return err
	})
}

// SetRole changes a member's role; making another an owner hands the project
// over or shares it.
func (d *Desk) SetRole(ctx context.Context, who identity.Customer, project, person string, role Member) error {
	if role != Owner && !slices.Contains(Members, role) {
		return fail.New(fail.Rejected, "project.choose_role").In("role")
	}
	return d.do(ctx, func(tx *db.Tx) error {
		p, err := projectOf(ctx, tx, who, project, toRule)
		if err != nil {
			return err
		}
		if _, err := ledger.Record(ctx, tx, d.Now(), ledger.ProjectStream(p.ID), who.Actor(), ledger.Applicant, DeedMemberRole, deedData{Person: person, Role: string(role)}); err != nil {
			return err
		}
		if role != Owner {
			if err := anotherOwner(ctx, tx, p, person); err != nil {
				return err
			}
		}
		n, err := tx.ExecContext(ctx, `UPDATE members SET role = $1 WHERE project_id = $2 AND person_id = $3 AND role <> 'mandated'`, string(role), p.ID, person)
		if err != nil {
			return fmt.Errorf("change a role: %w", err)
		}
		if n == 0 {
			return fail.New(fail.NotFound, "error.not_found")
		}
		return nil
	})
}

// anotherOwner refuses what would leave the project without an owner. A
// principal's project has the principal.
func anotherOwner(ctx context.Context, tx *db.Tx, p *Project, but string) error {
	if p.Principal != "" {
		return nil
	}
	var owners int64
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM members WHERE project_id = $1 AND role = 'owner' AND person_id <> $2`, p.ID, but).Scan(&owners); err != nil {
		return fmt.Errorf("count the owners: %w", err)
	}
	if owners == 0 {
		return fail.New(fail.Conflict, "project.last_owner")
	}
	return nil
}

// anotherTold refuses what would leave a principal's project without anybody who
// gets its notices.
func anotherTold(ctx context.Context, tx *db.Tx, p *Project, but string) error {
	if p.Principal == "" {
		return nil // it has an owner
	}
	var told int64
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM members WHERE project_id = $1 AND role <> 'reader' AND person_id <> $2`, p.ID, but).Scan(&told); err != nil {
		return fmt.Errorf("count who is told: %w", err)
	}
	if told == 0 {
		return fail.New(fail.Conflict, "project.last_told")
	}
	return nil
}

// Revoke takes back an invitation that has not been used.
func (d *Desk) Revoke(ctx context.Context, who identity.Customer, project, invitation string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		p, err := projectOf(ctx, tx, who, project, toRule)
		if err != nil {
			return err
		}
		n, err := tx.ExecContext(ctx, `UPDATE invitations SET expires_at = $1 WHERE id = $2 AND project_id = $3 AND used_at = 0`, db.Millis(d.Now()), invitation, p.ID)
		if err != nil {
			return fmt.Errorf("take back an invitation: %w", err)
		}
		if n == 0 {
			return fail.New(fail.NotFound, "project.invitation_gone")
		}
		_, err = ledger.Record(ctx, tx, d.Now(), ledger.ProjectStream(p.ID), who.Actor(), ledger.Applicant, DeedRevoked, deedData{})
		return err
	})
}

func membersOf(ctx context.Context, tx *db.Tx, project string) ([]MemberRow, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT m.person_id, p.name, m.role, m.since FROM members m JOIN people p ON p.id = m.person_id
		WHERE m.project_id = $1 ORDER BY m.since, p.name`, project)
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	var all []MemberRow
	err = rows.Each(func() error {
		var r MemberRow
		var role string
		var since int64
		if err := rows.Scan(&r.Person, &r.Name, &role, &since); err != nil {
			return err
		}
		r.Role, r.Since = Member(role), db.Time(since)
		all = append(all, r)
		return nil
	})
	return all, err
}

func invitationsOf(ctx context.Context, tx *db.Tx, project string, now time.Time) ([]Invitation, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, email, role, created_at, expires_at FROM invitations
		WHERE project_id = $1 AND used_at = 0 AND expires_at > $2 ORDER BY created_at`, project, db.Millis(now))
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}
	var all []Invitation
	err = rows.Each(func() error {
		var i Invitation
		var role string
		var created, expires int64
		if err := rows.Scan(&i.ID, &i.Email, &role, &created, &expires); err != nil {
			return err
		}
		i.Role, i.CreatedAt, i.ExpiresAt = Member(role), db.Time(created), db.Time(expires)
		all = append(all, i)
		return nil
	})
	return all, err
}
