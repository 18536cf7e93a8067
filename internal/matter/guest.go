package matter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// Why somebody of an authority reads a matter: stored in the log of readings,
// never change.
const (
	readToHandle = "handling"
	readAsShared = "shared"
)

// A guest is by what an authority sees a matter of another one: a thread with
// it, the applicant's sharing, or both. Each shows its own part.
type guest struct {
	thread bool
	shared time.Time // since when; zero when it is not
}

// guestOf reads a matter of another authority as the officer's may see it. By
// neither a thread nor sharing, it is not found.
func guestOf(ctx context.Context, tx *db.Tx, who identity.Officer, id string) (m *Matter, g guest, err error) {
	if m, err = find(ctx, tx, id); err != nil {
		return nil, g, err
	}
	if m.Authority == who.Authority {
		return nil, g, errNotFound
	}
	if g.thread, err = hasThread(ctx, tx, id, "authority:"+who.Authority); err != nil {
		return nil, g, err
	}
	shares, err := sharesOf(ctx, tx, id)
	if err != nil {
		return nil, g, err
	}
	for _, s := range shares {
		if s.Authority == who.Authority {
			g.shared = s.Since
		}
	}
	if !g.thread && g.shared.IsZero() {
		return nil, g, errNotFound
	}
	if ok, err := concerns(ctx, tx, who, m.Project); err != nil || !ok {
		if err == nil {
			err = errNotFound
		}
		return nil, g, err
	}
	return m, g, nil
}

// concerns tells whether the officer's authority's part in a matter of the
// project that is another's is the officer's business: a grant for some matter
// types only needs one of them in the same project, where the authority has any
// there.
func concerns(ctx context.Context, tx *db.Tx, who identity.Officer, project string) (bool, error) {
	if who.Types == nil {
		return true, nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT type_id FROM matters WHERE project_id = $1 AND authority_id = $2 AND status <> 'draft'`, project, who.Authority)
	if err != nil {
		return false, fmt.Errorf("read the authority's matters in the project: %w", err)
	}
	ok := false
	err = rows.Each(func() error {
		var typ string
		if err := rows.Scan(&typ); err != nil {
			return err
		}
		ok = ok || who.May(typ)
		return nil
	})
	return ok, err
}

func hasThread(ctx context.Context, tx *db.Tx, matter, thread string) (bool, error) {
	var n int64
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM messages WHERE matter_id = $1 AND thread = $2`, matter, thread).Scan(&n)
	return n > 0, err
}

// guest shows a matter to another authority: its row, the thread with that
// authority, and what was sent, if the applicant shares it. Nothing else, and
// never what the applicant is still writing.
func (d *Desk) guest(ctx context.Context, tx *db.Tx, who identity.Officer, id string) (*View, error) {
	m, g, err := guestOf(ctx, tx, who, id)
	if err != nil {
		return nil, err
	}
	p, err := findProject(ctx, tx, m.Project)
	if err != nil {
		return nil, err
	}
	v := &View{Project: p, Guest: true, InThread: g.thread, SharedAt: g.shared}
	if v.Joint, err = jointView(ctx, tx, p.ID, who.ID, who.Authority); err != nil {
		return nil, err
	}
	if v.Limit, err = d.count(p, v.Joint); err != nil { // from what the applicant has told of the whole project
		return nil, err
	}
	p.asSent(m)
	m.Answers, p.Answers = forms.Answers{}, forms.Answers{} // not theirs
	v.Matter = *m
	if v.Offer, err = catalogue.FindOffer(ctx, tx, m.Offer); err != nil {
		return nil, err
	}
	if err = markShared(ctx, tx, who, p.ID, v.Joint); err != nil {
		return nil, err
	}
	if g.thread {
		if err = v.readThread(ctx, tx, "authority:"+who.Authority); err != nil {
			return nil, err
		}
	}
	if !g.shared.IsZero() {
		if v.Submissions, err = submissionsOf(ctx, tx, m.ID); err != nil {
			return nil, err
		}
	}
	if v.Names, err = identity.Names(ctx, tx, v.people()); err != nil {
		return nil, err
	}
	v.HandlerName = v.Names[m.Handler]
	return v, nil
}

// readThread reads one thread with its files into the view.
func (v *View) readThread(ctx context.Context, tx *db.Tx, thread string) (err error) {
	if v.Messages, err = messagesOf(ctx, tx, v.ID, []string{thread}); err != nil {
		return err
	}
	files, err := attach.OfMatter(ctx, tx, v.ID, attach.Message)
	for _, f := range files {
		if slices.ContainsFunc(v.Messages, func(msg Message) bool { return f.Field == "message:"+msg.ID }) {
			v.Files = append(v.Files, f)
		}
	}
	return err
}

// guestFile refuses a file that neither was sent in a matter that is shared with
// the officer's authority nor is in a thread with it, and tells why it is read.
func (d *Desk) guestFile(ctx context.Context, tx *db.Tx, who identity.Officer, matter string, a attach.Attachment) (why string, err error) {
	m, g, err := guestOf(ctx, tx, who, matter)
	if err != nil {
		return "", err
	}
	if !g.shared.IsZero() {
		if err := sealedIn(ctx, tx, m.ID, a.ID); !fail.Is(err, fail.NotFound) {
			return readAsShared, err
		}
	}
	if !g.thread || a.Matter != m.ID {
		return "", errNotFound
	}
	return readToHandle, d.visibleFile(ctx, tx, a, "authority:"+who.Authority, who.ID)
}

// looked notes the reading: who, what and why; and marks notices opened.
func (d *Desk) looked(ctx context.Context, who identity.Officer, v *View) error {
	type reading struct{ what, why string }
	var all []reading
	if !v.Guest {
		all = append(all, reading{"matter", readToHandle})
	}
	if v.InThread {
		all = append(all, reading{"thread", readToHandle})
	}
	if !v.SharedAt.IsZero() {
		all = append(all, reading{"submissions", readAsShared})
	}
	return d.DB.InTx(ctx, func(tx *db.Tx) error {
		for _, r := range all {
			if err := ledger.Looked(ctx, tx, d.Now(), who.Actor(), who.Authority, v.ID, r.what, r.why); err != nil {
				return err
			}
		}
		if err := openNotices(ctx, tx, v.ID, who.Authority, d.Now()); err != nil {
			return err
		}
		return markSeen(ctx, tx, who.ID, v.ID, v.N, d.Now())
	})
}
