package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// A Listed is a session as its owner sees it in a list.
type Listed struct {
	ID          string
	Role        Role
	Authority   string
	Connection  string
	Agent       string // the browser, roughly
	Began, Seen time.Time
	Current     bool // the one that asks
}

// Listed lists a person's sessions, the last used first.
func (s *Sessions) Listed(ctx context.Context, person string) (all []Listed, err error) {
	current := tokenHash(s.scs.Token(ctx))
	err = s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT token, role, authority_id, connection, agent, began_at, seen_at FROM sessions
			WHERE  person_id = $1 AND person_id <> '' AND ended = 0 AND expiry > $2 ORDER BY seen_at DESC, token`, person, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var l Listed
			var token, role string
			var began, seen int64
			if err := rows.Scan(&token, &role, &l.Authority, &l.Connection, &l.Agent, &began, &seen); err != nil {
				return err
			}
			l.ID, l.Role, l.Began, l.Seen, l.Current = publicID(token), Role(role), db.Time(began), db.Time(seen), token == current
			all = append(all, l)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

// publicID names a session in a page without telling what the database finds
// it by.
func publicID(token string) string { return hashed("session", token)[:24] }

// End ends one of the person's own sessions. Not theirs is not found.
func (s *Sessions) End(ctx context.Context, person, id string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT token FROM sessions WHERE person_id = $1 AND person_id <> '' AND ended = 0`, person)
		if err != nil {
			return fmt.Errorf("find the session: %w", err)
		}
		var found string
		err = rows.Each(func() error {
			var token string
			err := rows.Scan(&token)
			if publicID(token) == id {
				found = token
			}
			return err
		})
		if err == nil && found == "" {
			err = fail.New(fail.NotFound, "error.not_found")
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sessions SET ended = 1 WHERE token = $1`, found)
		return err
	})
}

// EndAt ends the sessions that came from a session at a provider, wherever
// their browsers are, and tells how many there were: the provider ended it.
// One that is known by its SessionIndex alone, as a front-channel logout of
// OpenID Connect names it, is found by that.
func EndAt(ctx context.Context, tx *db.Tx, issuer string, p ProviderSession) (n int64, err error) {
	index := p.index(issuer)
	switch {
	case p.NameID != "":
		n, err = tx.ExecContext(ctx, `
			UPDATE sessions SET ended = 1
			WHERE  provider_key = $1 AND provider_key <> '' AND ended = 0 AND ($2 = '' OR provider_index = '' OR provider_index = $3)`,
			p.key(issuer), index, index)
	case index != "":
		n, err = tx.ExecContext(ctx, `UPDATE sessions SET ended = 1 WHERE provider_index = $1 AND provider_index <> '' AND ended = 0`, index)
	}
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return n, nil
}

// EndAll ends all sessions of a person in a role of an authority: the role was
// taken away.
func EndAll(ctx context.Context, tx *db.Tx, person, authority string) error {
	_, err := tx.ExecContext(ctx, `UPDATE sessions SET ended = 1 WHERE person_id = $1 AND person_id <> '' AND authority_id = $2 AND ended = 0`, person, authority)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// agentOf says roughly which browser it is, so that its owner knows it again.
// No more of it is kept.
func agentOf(userAgent string) string {
	pick := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(userAgent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	browser := pick([2]string{"Edg", "Edge"}, [2]string{"Firefox", "Firefox"}, [2]string{"SamsungBrowser", "Samsung Internet"}, [2]string{"Chrom", "Chrome"}, [2]string{"Safari", "Safari"})
	system := pick([2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Windows", "Windows"}, [2]string{"Mac OS", "macOS"}, [2]string{"Linux", "Linux"})
	return strings.Trim(browser+", "+system, ", ")
}
