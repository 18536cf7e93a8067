package matter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// FileForCustomer returns an attachment that a member of its project may open.
// Not theirs is not found.
func (d *Desk) FileForCustomer(ctx context.Context, who identity.Customer, id string) (a attach.Attachment, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		if a, err = attach.Find(ctx, tx, id); err != nil {
			return err
		}
		if _, err := projectOf(ctx, tx, who, a.Project, toSee); err != nil {
			return errNotFound
		}
		return d.visibleFile(ctx, tx, a, "applicant", who.ID)
	})
	return a, err
}

// FileForOfficer returns an attachment of a matter of the officer's, of the
// common data that was sent with it, of a thread with the officer's authority,
// or of what the applicant shares with it. The reading is noted.
func (d *Desk) FileForOfficer(ctx context.Context, who identity.Officer, matter, id string) (a attach.Attachment, err error) {
	why := readToHandle
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		if a, err = attach.Find(ctx, tx, id); err != nil {
			return err
		}
		m, err := handledBy(ctx, tx, who, matter)
		if fail.Is(err, fail.NotFound) {
			why, err = d.guestFile(ctx, tx, who, matter, a)
			return err
		}
		if err != nil {
			return err
		}
		if a.Matter == m.ID && (a.Place != attach.Answer || m.Status == Draft) {
			if a.Place != attach.Answer && a.Field == "" && a.UploadedBy != who.ID { // not sent yet
				return errNotFound
			}
			return nil
		}
		return sealedIn(ctx, tx, m.ID, a.ID)
	})
	if err != nil {
		return a, err
	}
	return a, d.DB.InTx(ctx, func(tx *db.Tx) error {
		return ledger.Looked(ctx, tx, d.Now(), who.Actor(), who.Authority, matter, "attachment", why)
	})
}

// sealedIn refuses a file that was never sent with the matter.
func sealedIn(ctx context.Context, tx *db.Tx, matter, file string) error {
	all, err := submissionsOf(ctx, tx, matter)
	if err != nil {
		return err
	}
	for _, s := range all {
		body, err := s.Parse()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(body.Attachments, func(f SealedFile) bool { return f.ID == file }) {
			return nil
		}
	}
	return errNotFound
}

// visibleFile keeps the files of threads to those in them, and the
// authority's unsent ones to the authority.
func (d *Desk) visibleFile(ctx context.Context, tx *db.Tx, a attach.Attachment, reader, person string) error {
	if a.Place != attach.Answer && a.Field == "" && a.UploadedBy != person { // not sent yet
		return errNotFound
	}
	if a.Side == reader {
		return nil
	}
	if a.Place == attach.Decision && a.Field == "decision" && reader == "applicant" {
		return nil
	}
	msg, ok := strings.CutPrefix(a.Field, "message:")
	if !ok {
		if a.Side == "applicant" && reader == "applicant" {
			return nil
		}
		return errNotFound
	}
	var thread string
	err := tx.QueryRowContext(ctx, `SELECT thread FROM messages WHERE id = $1`, msg).Scan(&thread)
	if errors.Is(err, db.ErrNoRows) {
		return errNotFound
	}
	if err != nil {
		return fmt.Errorf("read a message's thread: %w", err)
	}
	if thread != reader && (reader != "applicant" || thread != ApplicantThread) {
		return errNotFound
	}
	return nil
}
