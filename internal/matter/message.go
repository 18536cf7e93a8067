package matter

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// ApplicantThread is the thread of a matter between the applicant and the
// authority. Any other thread is "authority:<id>": between the matter's
// authority and another one, unseen by the applicant.
const ApplicantThread = "applicant"

// Message is a line in a thread of a matter.
type Message struct {
	ID, Matter, Thread string
	Side               string // "applicant", or "authority:<id>"
	Person             string
	Text               string
	At                 time.Time
}

// MaxText is how many characters a message or a decision's text may have.
const MaxText = 8000

func checkText(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", fail.New(fail.Rejected, "matter.message_empty").In("text")
	}
	if len([]rune(text)) > MaxText {
		return "", fail.New(fail.Rejected, "matter.text_too_long").In("text")
	}
	return text, nil
}

func (m *Matter) addMessage(ctx context.Context, tx *db.Tx, now time.Time, msg Message, files []string) (string, error) {
	msg.ID = db.NewID()
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO messages (id, matter_id, thread, side, person_id, text, sent_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		msg.ID, m.ID, msg.Thread, msg.Side, msg.Person, msg.Text, db.Millis(now)); err != nil {
		return "", fmt.Errorf("write the message: %w", err)
	}
	return msg.ID, attach.Bind(ctx, tx, files, msg.Person, m.ID, "message:"+msg.ID)
}

// WriteAsApplicant writes to the authority of a matter: of a sent one, or of a
// draft that it has been let see. files are uploaded attachments.
func (d *Desk) WriteAsApplicant(ctx context.Context, who identity.Customer, id, text string, files []string) error {
	text, err := checkText(text)
	if err != nil {
		return err
	}
	return d.do(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toTalk)
		if err != nil {
			return err
		}
		if m.Status == Draft && m.ConsentAt.IsZero() {
			return fail.New(fail.Conflict, "matter.not_sent_yet")
		}
		if !m.RemovedAt.IsZero() {
			return fail.New(fail.Conflict, "matter.content_removed")
		}
		e, err := d.say(ctx, tx, who, m, text, files)
		if err != nil {
			return err
		}
		if err := m.save(ctx, tx); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), Notify{Matter: m.ID, N: e.N, Deed: DeedMessage, Audience: ToAuthority})
	})
}

// say writes the applicant's message to the authority. The matter must be saved
// and the authority told.
func (d *Desk) say(ctx context.Context, tx *db.Tx, who identity.Customer, m *Matter, text string, files []string) (ledger.Entry, error) {
	msg, err := m.addMessage(ctx, tx, d.Now(), Message{Thread: ApplicantThread, Side: "applicant", Person: who.ID, Text: text}, files)
	if err != nil {
		return ledger.Entry{}, err
	}
	return d.record(ctx, tx, m, who.Actor(), ledger.Applicant, DeedMessage, deedData{Message: msg, Thread: ApplicantThread})
}

// WriteToApplicant writes to the applicant, in a consented draft too.
func (d *Desk) WriteToApplicant(ctx context.Context, who identity.Officer, id, text string, files []string) error {
	text, err := checkText(text)
	if err != nil {
		return err
	}
	return d.handleAny(ctx, who, id, func(tx *db.Tx, m *Matter, _ *Project) error {
		msg, err := m.addMessage(ctx, tx, d.Now(), Message{Thread: ApplicantThread, Side: "authority:" + who.Authority, Person: who.ID, Text: text}, files)
		if err != nil {
			return err
		}
		e, err := d.record(ctx, tx, m, who.Actor(), ledger.Authority, DeedMessage, deedData{Message: msg, Thread: ApplicantThread})
		if err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), Notify{Matter: m.ID, N: e.N, Deed: DeedMessage, Audience: ToApplicant})
	})
}

// A Letter is what an officer writes to another authority of the project.
type Letter struct {
	To    string // the other authority
	Text  string
	Files []string
	// AskBy, when set, asks for a statement by that date: the other authority
	// holds the matter until it answers.
	AskBy time.Time
}

// WriteToAuthority writes, in a thread of the officer's matter, to another
// authority that has a matter in the same project. The applicant does not see
// the thread.
func (d *Desk) WriteToAuthority(ctx context.Context, who identity.Officer, id string, l Letter) error {
	text, err := checkText(l.Text)
	if err != nil {
		return err
	}
	if !l.AskBy.IsZero() && !l.AskBy.After(d.Now()) {
		return fail.New(fail.Rejected, "matter.request_date_needed").In("ask_by")
	}
	return d.handle(ctx, who, id, func(tx *db.Tx, m *Matter, p *Project) error {
		others, err := authoritiesOf(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if l.To == who.Authority || !slices.Contains(others, l.To) {
			return fail.New(fail.Rejected, "matter.choose_authority").In("authority")
		}
		thread := "authority:" + l.To
		msg, err := m.addMessage(ctx, tx, d.Now(), Message{Thread: thread, Side: "authority:" + who.Authority, Person: who.ID, Text: text}, l.Files)
		if err != nil {
			return err
		}
		deed, data := DeedMessage, deedData{Message: msg, Thread: thread, Authority: l.To}
		if !l.AskBy.IsZero() {
			if m.Status.Ended() || m.Holder != HeldByAuthority {
				return fail.New(fail.Conflict, "matter.move_not_allowed")
			}
			deed, data.Due = DeedStatementAsked, db.Millis(l.AskBy)
		}
		e, err := d.record(ctx, tx, m, who.Actor(), ledger.Authority, deed, data)
		if err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), Notify{Matter: m.ID, N: e.N, Deed: deed, Audience: ToAuthority, Authority: l.To})
	})
}

// AnswerAuthority answers in a thread that another authority began with the
// officer's, in that authority's matter. If a statement was asked, the matter
// goes back to its own authority.
func (d *Desk) AnswerAuthority(ctx context.Context, who identity.Officer, id, text string, files []string) error {
	text, err := checkText(text)
	if err != nil {
		return err
	}
	thread := "authority:" + who.Authority
	return d.do(ctx, func(tx *db.Tx) error {
		m, g, err := guestOf(ctx, tx, who, id)
		if err == nil && !g.thread {
			err = errNotFound
		}
		if err != nil {
			return err
		}
		if !m.RemovedAt.IsZero() {
			return fail.New(fail.Conflict, "matter.content_removed")
		}
		msg, err := m.addMessage(ctx, tx, d.Now(), Message{Thread: thread, Side: thread, Person: who.ID, Text: text}, files)
		if err != nil {
			return err
		}
		deed := DeedMessage
		if m.Holder == HeldByOther && m.Other == who.Authority && !m.Status.Ended() {
			deed = DeedStatementGiven
		}
		e, err := d.record(ctx, tx, m, who.Actor(), ledger.OtherAuthority, deed, deedData{Message: msg, Thread: thread, Authority: who.Authority})
		if err != nil {
			return err
		}
		if err := m.save(ctx, tx); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), Notify{Matter: m.ID, N: e.N, Deed: deed, Audience: ToAuthority})
	})
}

// authoritiesOf lists the authorities that have a sent matter in the project.
func authoritiesOf(ctx context.Context, tx *db.Tx, project string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT authority_id FROM matters WHERE project_id = $1 AND status <> 'draft' ORDER BY authority_id`, project)
	if err != nil {
		return nil, fmt.Errorf("list the project's authorities: %w", err)
	}
	var all []string
	err = rows.Each(func() error {
		var a string
		if err := rows.Scan(&a); err != nil {
			return err
		}
		all = append(all, a)
		return nil
	})
	return all, err
}

// messagesOf returns the messages of a matter in the threads that the reader
// may see: nil for all of them.
func messagesOf(ctx context.Context, tx *db.Tx, matter string, threads []string) ([]Message, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, matter_id, thread, side, person_id, text, sent_at FROM messages WHERE matter_id = $1 ORDER BY sent_at, id`, matter)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	var all []Message
	err = rows.Each(func() error {
		var m Message
		var at int64
		if err := rows.Scan(&m.ID, &m.Matter, &m.Thread, &m.Side, &m.Person, &m.Text, &at); err != nil {
			return err
		}
		m.At = db.Time(at)
		if threads == nil || slices.Contains(threads, m.Thread) {
			all = append(all, m)
		}
		return nil
	})
	return all, err
}

func jsonList(list []string) string {
	if list == nil {
		list = []string{}
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings always become JSON
	}
	return string(b)
}
