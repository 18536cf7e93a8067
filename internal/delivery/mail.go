package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
)

// Mail is an e-mail: plain text.
type Mail struct {
	Key     string // of the notice or invitation: tells the mail from all others
	At      time.Time
	From    string
	To      string
	Lang    i18n.Lang
	Subject string
	Body    string
}

// MessageID is the same whenever the same mail is sent.
func (m Mail) MessageID() string {
	sum := sha256.Sum256([]byte("luvat-mail-1 " + m.Key))
	return hex.EncodeToString(sum[:16]) + "@" + domain(m.From)
}

// domain is that of an address, with or without a name before it.
func domain(address string) string {
	_, d, _ := strings.Cut(address, "@")
	return strings.TrimSuffix(strings.TrimSpace(d), ">")
}

// A Mailer takes mails. Send returns nil when the mail is in other hands, and
// a *Refused when no further try would help.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// Refused says that a mail can never be sent as it is: there is no such
// address, or the server refused it for good.
type Refused struct{ Err error }

// Error tells why.
func (r *Refused) Error() string { return "refused for good: " + r.Err.Error() }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Err }

// Mailbox keeps the mails of the demo in the database, where a page shows them.
type Mailbox struct {
	DB  *db.DB
	Now func() time.Time
}

// Send puts a mail in the box, once.
func (b Mailbox) Send(ctx context.Context, m Mail) error {
	return b.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO mailbox (id, at, sent_to, subject, body, idem_key) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (idem_key) DO NOTHING`,
			db.NewID(), db.Millis(b.Now()), m.To, m.Subject, m.Body, m.Key)
		if err != nil {
			return fmt.Errorf("put a mail in the mailbox: %w", err)
		}
		return nil
	})
}

// Mails lists what is in the box, the newest first, at most 200.
func (b Mailbox) Mails(ctx context.Context, tx *db.Tx) ([]Mail, error) {
	rows, err := tx.QueryContext(ctx, `SELECT at, sent_to, subject, body, idem_key FROM mailbox ORDER BY at DESC, id DESC LIMIT 200`)
	if err != nil {
		return nil, fmt.Errorf("read the mailbox: %w", err)
	}
	var all []Mail
	err = rows.Each(func() error {
		var m Mail
		var at int64
		if err := rows.Scan(&at, &m.To, &m.Subject, &m.Body, &m.Key); err != nil {
			return err
		}
		m.At = db.Time(at)
		all = append(all, m)
		return nil
	})
	return all, err
}
