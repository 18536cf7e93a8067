// Package delivery is the door through which things leave the hub: today the
// notices (herätteet) and invitations as e-mail.
//
// A deed queues a job in its own transaction; a worker hands the job to Post
// after the commit; Post asks the Desk whom to tell and what may be said, writes
// the mails and notes in the ledger which of them the mail server took:
//
//	Desk.Send ── outbox ──► Post.notify ─► Desk.Letters ─► compose ─► Mailer ─► Desk.Handed
//
// A mail says which matter, by when if a date binds, and where to look. It never
// says an outcome, an answer, an identity number or a person's name.
//
// Every job may run twice. A notice that was handed over is not sent again, and
// if the hub stopped between the mail server's yes and the note of it, the
// second mail has the Message-ID of the first, so that mailboxes can tell.
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"luvat/internal/db"
	"luvat/internal/matter"
	"luvat/internal/outbox"
)

// A Post sends what the jobs ask for.
type Post struct {
	Desk   *matter.Desk
	Mailer Mailer
	// BaseURL is the hub's address as people type it, such as
	// https://luvat.example.
	BaseURL string
	// From is the sender, "Luvat ja valvonta <ei-vastausta@luvat.example>" or
	// the bare address. Its domain names the mails.
	From string
	Log  *slog.Logger
}

// Register makes the worker give the post's jobs to it.
func (p *Post) Register(w *outbox.Worker) {
	outbox.Handle(w, p.notify)
	outbox.Handle(w, p.chase)
	outbox.Handle(w, p.invite)
}

// notify sends the notices of a deed. One that fails does not hold up the
// others: the job is tried again for those that are left.
func (p *Post) notify(ctx context.Context, n matter.Notify) error {
	letters, err := p.Desk.Letters(ctx, n)
	if err != nil {
		return err
	}
	letters = slices.DeleteFunc(letters, func(l matter.Letterhead) bool { return l.To == "" })
	if len(letters) == 0 { // never silently: service management sees the job
		return outbox.Permanent(errors.New("nobody to tell: the notice has no address"))
	}
	var failed failures
	for _, l := range letters {
		failed.add(p.hand(ctx, l))
	}
	return failed.err()
}

// hand sends one notice and notes that it was taken.
func (p *Post) hand(ctx context.Context, l matter.Letterhead) error {
	if l.Handed {
		return nil
	}
	if err := p.Mailer.Send(ctx, p.letter(l)); err != nil {
		p.Log.WarnContext(ctx, "notice not handed over", "notice", l.Notice)
		return err
	}
	if err := p.Desk.Handed(ctx, l); err != nil {
		return fmt.Errorf("note a notice that was handed over: %w", err)
	}
	return nil
}

// chase looks whether a notice was opened in time; if not, the Desk queues a
// notice to the deputy address.
func (p *Post) chase(ctx context.Context, c matter.Chase) error { return p.Desk.Unopened(ctx, c) }

// invite sends an invitation to a project.
func (p *Post) invite(ctx context.Context, job matter.InviteMail) error {
	to, lang, project, _, role, err := p.Desk.InvitationLetter(ctx, job)
	if errors.Is(err, db.ErrNoRows) {
		return outbox.Permanent(errors.New("the invitation is gone"))
	}
	if err != nil {
		return err
	}
	var failed failures
	failed.add(p.Mailer.Send(ctx, p.invitation(job, to, lang, project, role)))
	return failed.err()
}

// failures are what went wrong with the mails of one job.
type failures struct{ passing, lasting []error }

func (f *failures) add(err error) {
	_, refused := errors.AsType[*Refused](err)
	switch {
	case err == nil:
	case refused:
		f.lasting = append(f.lasting, err)
	default:
		f.passing = append(f.passing, err)
	}
}

// err is permanent only when no further try would mend anything.
func (f *failures) err() error {
	if len(f.passing) > 0 {
		return errors.Join(f.passing...)
	}
	if len(f.lasting) > 0 {
		return outbox.Permanent(errors.Join(f.lasting...))
	}
	return nil
}
