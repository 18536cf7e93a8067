package identity

import (
	"context"
	"fmt"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
)

// A Grantee is somebody with a role of an authority, as its lead sees.
type Grantee struct {
	Person    Person
	Hat       Hat
	Since     time.Time
	Until     time.Time
	Successor string // a person's id
	LastSeen  time.Time
	LastWay   string // the connection last used

	// ByMandate tells that the role rests on a mandate alone: it is taken away
	// where mandates are given, not by the lead.
	ByMandate bool
	// Confirmed is when the mandate register last said that the officer's mandate
	// holds, zero where the role rests on none; Handed is when the open work was
	// handed over because that was too long ago.
	Confirmed, Handed time.Time

	// Ended is when a former role ended, and EndedBy the deed of the ledger that
	// ended it; zero for one that was only not used lately.
	Ended   time.Time
	EndedBy string
}

// People lists who has a role of an authority, by name: those to whom it was
// given, and officers whose mandate names the authority.
func People(ctx context.Context, tx *db.Tx, authority string) (all []Grantee, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.name, p.email, p.lang, g.role, g.types, g.granted_at, g.until_at, COALESCE(s.successor_id, ''), COALESCE(u.at, 0), COALESCE(u.connection, ''),
			0, COALESCE(m.confirmed_at, 0), COALESCE(m.handed_at, 0)
		FROM   grants g JOIN people p ON p.id = g.person_id
		LEFT JOIN successors s ON s.person_id = g.person_id AND s.authority_id = g.authority_id
		LEFT JOIN last_uses u ON u.person_id = g.person_id AND u.authority_id = g.authority_id
		LEFT JOIN officer_mandates m ON m.person_id = g.person_id AND m.authority_id = g.authority_id AND g.role = 'officer'
		WHERE  g.authority_id = $1
		UNION ALL
		SELECT p.id, p.name, p.email, p.lang, 'officer', '', m.since_at, 0, COALESCE(s.successor_id, ''), COALESCE(u.at, 0), COALESCE(u.connection, ''),
			1, m.confirmed_at, m.handed_at
		FROM   officer_mandates m JOIN people p ON p.id = m.person_id
		LEFT JOIN successors s ON s.person_id = m.person_id AND s.authority_id = m.authority_id
		LEFT JOIN last_uses u ON u.person_id = m.person_id AND u.authority_id = m.authority_id
		WHERE  m.authority_id = $2 AND m.granted = 0 AND m.handed_at = 0
		AND    NOT EXISTS (SELECT 1 FROM grants g WHERE g.person_id = m.person_id AND g.authority_id = m.authority_id AND g.role = 'officer')
		ORDER BY 2, 1, 5`, authority, authority)
	if err != nil {
		return nil, fmt.Errorf("list people with roles: %w", err)
	}
	err = rows.Each(func() error {
		g := Grantee{Hat: Hat{Authority: authority}}
		var role, types, lang string
		var since, until, seen, byMandate, confirmed, handed int64
		if err := rows.Scan(&g.Person.ID, &g.Person.Name, &g.Person.Email, &lang, &role, &types, &since, &until, &g.Successor, &seen, &g.LastWay,
			&byMandate, &confirmed, &handed); err != nil {
			return err
		}
		g.Person.Lang, g.Hat.Role, g.ByMandate = i18n.Parse(lang), Role(role), byMandate != 0
		g.Since, g.Until, g.LastSeen, g.Confirmed, g.Handed = db.Time(since), db.Time(until), db.Time(seen), db.Time(confirmed), db.Time(handed)
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

// Former lists who used a role of an authority, or lost one, since a time and has
// none now, the last first: one that ended by mistake can be given back as it was.
func Former(ctx context.Context, tx *db.Tx, authority string, since time.Time) (all []Grantee, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.name, p.email, p.lang, u.connection, u.at, u.ended_at, u.ended_deed, u.ended_types FROM last_uses u JOIN people p ON p.id = u.person_id
		WHERE  u.authority_id = $1 AND (u.at > $2 OR u.ended_at > $3) AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person_id = p.id AND g.authority_id = u.authority_id)
		AND    NOT EXISTS (SELECT 1 FROM officer_mandates m WHERE m.person_id = p.id AND m.authority_id = u.authority_id AND m.granted = 0 AND m.handed_at = 0)
		AND    NOT EXISTS (SELECT 1 FROM access_requests r WHERE r.person_id = p.id AND r.authority_id = u.authority_id AND r.answered_at = 0)
		ORDER BY u.at DESC, p.id`, authority, db.Millis(since), db.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("list who had a role: %w", err)
	}
	err = rows.Each(func() error {
		var g Grantee
		var lang, types string
		var seen, ended int64
		if err := rows.Scan(&g.Person.ID, &g.Person.Name, &g.Person.Email, &lang, &g.LastWay, &seen, &ended, &g.EndedBy, &types); err != nil {
			return err
		}
		g.Person.Lang, g.LastSeen, g.Ended = i18n.Parse(lang), db.Time(seen), db.Time(ended)
		g.Hat.Types, err = readTypes(types)
		all = append(all, g)
		return err
	})
	return all, err
}
