package matter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
	"luvat/internal/survey"
)

// Audience is whom a notice (heräte) is for.
type Audience string

// The audiences.
const (
	ToApplicant Audience = "applicant"
	ToAuthority Audience = "authority"
	ToDeputy    Audience = "deputy"
)

// Notify asks for the notices of a deed. It names the deed, never what is in
// it.
type Notify struct {
	Matter    string   `json:"matter"`
	N         int64    `json:"n"` // the ledger entry; with the rest, the key
	Deed      string   `json:"deed"`
	Audience  Audience `json:"audience"`
	Authority string   `json:"authority,omitempty"` // another authority than the matter's own
}

// Kind is the job's stored name.
func (Notify) Kind() string { return "matter.notify" }

// Key tells the job from all others.
func (n Notify) Key() string {
	return strings.Join([]string{"notify", n.Matter, strconv.FormatInt(n.N, 10), n.Deed, string(n.Audience), n.Authority}, "/")
}

// prefix is how the keys of all jobs of the matter's notices begin.
func (n Notify) prefix() string { return "notify/" + n.Matter + "/" }

// Chase asks to look whether an authority's notice was opened in time.
type Chase struct {
	Notice string `json:"notice"`
}

// Kind is the job's stored name.
func (Chase) Kind() string { return "matter.chase" }

// Key tells the job from all others.
func (c Chase) Key() string { return "chase/" + c.Notice }

// InviteMail asks for an invitation to be mailed.
type InviteMail struct {
	Invitation string `json:"invitation"`
	Secret     string `json:"secret"`
}

// Kind is the job's stored name.
func (InviteMail) Kind() string { return "project.invite" }

// Key tells the job from all others.
func (m InviteMail) Key() string { return "invite/" + m.Invitation }

// Letterhead is all that a notice may say: which matter, by when, where. Never
// an answer, an outcome or an identity number.
type Letterhead struct {
	Notice    string // the notice's id, and the mail's key
	To        string // e-mail address
	Lang      i18n.Lang
	Audience  Audience
	Deed      string
	Project   string // the project's name
	Number    string // the matter's number
	Place     string // the municipality's name
	Authority string
	Matter    string // the matter type's name
	Path      string // of the page in the hub
	Due       time.Time
	Handed    bool // the mail server took it before: do not send it again
}

// Letters works out to whom the notices of a deed go. Calling it again gives
// the same notices.
func (d *Desk) Letters(ctx context.Context, n Notify) (letters []Letterhead, err error) {
	err = d.DB.InTx(ctx, func(tx *db.Tx) error {
		letters = letters[:0]
		m, err := find(ctx, tx, n.Matter)
		if fail.Is(err, fail.NotFound) {
			return outbox.Permanent(errors.New("the matter is gone"))
		}
		if err != nil {
			return err
		}
		p, err := findProject(ctx, tx, m.Project)
		if err != nil {
			return err
		}
		if n.Audience == ToApplicant {
			letters, err = d.toMembers(ctx, tx, n, m, p)
			return err
		}
		l, err := d.toAuthority(ctx, tx, n, m, p)
		if err == nil && l.To != "" {
			letters = append(letters, *l)
		}
		return err
	})
	return letters, err
}

func (d *Desk) head(n Notify, m *Matter, p *Project, lang i18n.Lang) Letterhead {
	l := Letterhead{Lang: lang, Audience: n.Audience, Deed: n.Deed, Project: p.Name, Number: m.Number}
	if mu := d.Catalogue.Municipality(p.Municipality); mu != nil {
		l.Place = mu.Name.In(lang)
	}
	if a := d.Catalogue.Authority(m.Authority); a != nil {
		l.Authority = a.Name.In(lang)
	}
	if t := d.Catalogue.Type(m.Type); t != nil {
		l.Matter = t.Name.In(lang)
	}
	switch n.Deed {
	case DeedAsked, DeedStatementAsked:
		l.Due = m.Due
	case DeedDraftExpires:
		l.Due = m.ChangedAt.AddDate(0, draftLife, 0)
	}
	return l
}

func (d *Desk) toMembers(ctx context.Context, tx *db.Tx, n Notify, m *Matter, p *Project) ([]Letterhead, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p.email, p.lang FROM members mb JOIN people p ON p.id = mb.person_id
		WHERE  mb.project_id = $1 AND mb.role IN ('owner', 'editor', 'helper', 'mandated') ORDER BY p.id`, p.ID)
	if err != nil {
		return nil, fmt.Errorf("read whom to tell: %w", err)
	}
	var all []Letterhead
	var people []string
	err = rows.Each(func() error {
		var id, email, lang string
		if err := rows.Scan(&id, &email, &lang); err != nil {
			return err
		}
		l := d.head(n, m, p, i18n.Parse(lang))
		l.To, l.Path = email, "/matters/"+m.ID
		all, people = append(all, l), append(people, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err = d.notice(ctx, tx, n, m.Authority, people[i], &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *Desk) toAuthority(ctx context.Context, tx *db.Tx, n Notify, m *Matter, p *Project) (*Letterhead, error) {
	offer, err := catalogue.FindOffer(ctx, tx, m.Offer)
	if err != nil {
		return nil, err
	}
	l := d.head(n, m, p, d.language(p))
	l.Path, l.To = "/officer/matters/"+m.ID, offer.NoticeEmail
	switch {
	case n.Audience == ToDeputy:
		l.To = offer.DeputyEmail
	case n.Authority != "" && n.Authority != m.Authority:
		if l.To, err = d.addressOf(ctx, tx, p.ID, n.Authority); err != nil {
			return nil, err
		}
	case m.NoticeEmail != "" && n.Deed != DeedSent: // the first notice always goes to the join's address
		l.To = m.NoticeEmail
	}
	if err = d.notice(ctx, tx, n, m.Authority, "", &l); err != nil || n.Audience == ToDeputy || n.Authority != "" || offer.DeputyEmail == "" {
		return &l, err
	}
	chase := AfterWorkingHours(d.Now(), int(offer.DeputyHours))
	return &l, outbox.AddAt(ctx, tx, d.Now(), chase, Chase{l.Notice})
}

// language is the one in which an authority is written to: Swedish where the
// municipality has Swedish only, else Finnish.
func (d *Desk) language(p *Project) i18n.Lang {
	if m := d.Catalogue.Municipality(p.Municipality); m != nil && m.Swedish && !m.Bilingual {
		return i18n.SV
	}
	return i18n.FI
}

// addressOf is where another authority of the project is reached: the redirect
// or the join's address of its first matter there.
func (d *Desk) addressOf(ctx context.Context, tx *db.Tx, project, authority string) (string, error) {
	var redirect, address string
	err := tx.QueryRowContext(ctx, `
		SELECT m.notice_email, o.notice_email FROM matters m JOIN offers o ON o.id = m.offer_id
		WHERE  m.project_id = $1 AND m.authority_id = $2 AND m.status <> 'draft' ORDER BY m.sent_at LIMIT 1`, project, authority).Scan(&redirect, &address)
	if errors.Is(err, db.ErrNoRows) { // none here yet: where its first offer is reached
		err = tx.QueryRowContext(ctx, `SELECT notice_email FROM offers WHERE authority_id = $1 AND active = 1 ORDER BY id LIMIT 1`, authority).Scan(&address)
	}
	if err != nil {
		return "", fmt.Errorf("read an authority's address: %w", err)
	}
	if redirect != "" {
		return redirect, nil
	}
	return address, nil
}

// notice finds or makes the row that proves a notice, and notes in the letter
// which it is and whether it was handed over before.
func (d *Desk) notice(ctx context.Context, tx *db.Tx, n Notify, own, person string, l *Letterhead) error {
	l.Notice = strings.Join([]string{n.Matter, strconv.FormatInt(n.N, 10), n.Deed, string(n.Audience), n.Authority, person}, ".")
	authority := ""
	if n.Audience != ToApplicant {
		authority = cmp.Or(n.Authority, own)
	}
	var handed int64
	if err := tx.QueryRowContext(ctx, `
		INSERT INTO notices (id, matter_id, n, deed, audience, authority_id, person_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING handed_at`,
		l.Notice, n.Matter, n.N, n.Deed, string(n.Audience), authority, person, db.Millis(d.Now())).Scan(&handed); err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	l.Handed = handed != 0
	return nil
}

// Handed notes that the mail server took a notice.
func (d *Desk) Handed(ctx context.Context, l Letterhead) error {
	return d.do(ctx, func(tx *db.Tx) error {
		var matter string
		var n int64
		err := tx.QueryRowContext(ctx, `UPDATE notices SET handed_at = $1 WHERE id = $2 AND handed_at = 0 RETURNING matter_id, n`,
			db.Millis(d.Now()), l.Notice).Scan(&matter, &n)
		if errors.Is(err, db.ErrNoRows) {
			return nil // handed before
		}
		if err != nil {
			return fmt.Errorf("note a notice: %w", err)
		}
		return d.hubDeed(ctx, tx, matter, DeedNoticeHanded, deedData{Entry: n, Audience: string(l.Audience)})
	})
}

// hubDeed records what the hub did by itself.
func (d *Desk) hubDeed(ctx context.Context, tx *db.Tx, matter, deed string, data deedData) error {
	m, err := find(ctx, tx, matter)
	if err != nil {
		return err
	}
	if _, err := d.record(ctx, tx, m, ledger.TheHub, ledger.Hub, deed, data); err != nil {
		return err
	}
	return m.save(ctx, tx)
}

// Unopened tells the deputy of a notice that nobody opened in time; it returns
// nothing when it was opened.
func (d *Desk) Unopened(ctx context.Context, c Chase) error {
	return d.do(ctx, func(tx *db.Tx) error {
		var n Notify
		var opened int64
		err := tx.QueryRowContext(ctx, `SELECT matter_id, n, deed, opened_at FROM notices WHERE id = $1`, c.Notice).Scan(&n.Matter, &n.N, &n.Deed, &opened)
		if errors.Is(err, db.ErrNoRows) {
			return nil // it went with its draft
		}
		if err != nil {
			return fmt.Errorf("read a notice: %w", err)
		}
		if opened != 0 {
			return nil
		}
		m, err := find(ctx, tx, n.Matter)
		if fail.Is(err, fail.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Status.Ended() {
			return nil
		}
		n.Audience = ToDeputy
		if err := d.hubDeed(ctx, tx, n.Matter, DeedDeputyTold, deedData{Entry: n.N}); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), n)
	})
}

// openNotices marks the notices of a matter to an authority opened.
func openNotices(ctx context.Context, tx *db.Tx, matter, authority string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE notices SET opened_at = $1 WHERE matter_id = $2 AND authority_id = $3 AND opened_at = 0`, db.Millis(now), matter, authority)
	if err != nil {
		return fmt.Errorf("mark notices opened: %w", err)
	}
	return nil
}

// Notice is the proof of a notice.
type Notice struct {
	N                       int64
	Deed                    string
	Audience                Audience
	Created, Handed, Opened time.Time
}

func noticesOf(ctx context.Context, tx *db.Tx, matter string) ([]Notice, error) {
	rows, err := tx.QueryContext(ctx, `SELECT n, deed, audience, created_at, handed_at, opened_at FROM notices WHERE matter_id = $1 ORDER BY created_at, id`, matter)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	var all []Notice
	err = rows.Each(func() error {
		var x Notice
		var audience string
		var created, handed, opened int64
		if err := rows.Scan(&x.N, &x.Deed, &audience, &created, &handed, &opened); err != nil {
			return err
		}
		x.Audience = Audience(audience)
		x.Created, x.Handed, x.Opened = db.Time(created), db.Time(handed), db.Time(opened)
		all = append(all, x)
		return nil
	})
	return all, err
}

// AfterWorkingHours counts hours of Finnish working days, 8 to 16, from a
// moment on.
func AfterWorkingHours(from time.Time, hours int) time.Time {
	t := from.In(i18n.Zone)
	left := time.Duration(hours) * time.Hour
	for {
		open := time.Date(t.Year(), t.Month(), t.Day(), 8, 0, 0, 0, i18n.Zone)
		end := time.Date(t.Year(), t.Month(), t.Day(), 16, 0, 0, 0, i18n.Zone)
		if survey.WorksOn(t) && t.Before(end) {
			if t.Before(open) {
				t = open
			}
			if have := end.Sub(t); left <= have {
				return t.Add(left)
			} else {
				left -= have
			}
		}
		t = time.Date(t.Year(), t.Month(), t.Day()+1, 8, 0, 0, 0, i18n.Zone)
	}
}

// InvitationLetter returns what an invitation's mail says.
func (d *Desk) InvitationLetter(ctx context.Context, job InviteMail) (to string, lang i18n.Lang, project, inviter string, role Member, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		var l, r, by, projectID string
		var expires int64
		if err := tx.QueryRowContext(ctx, `SELECT email, lang, role, invited_by, project_id, expires_at FROM invitations WHERE id = $1`, job.Invitation).
			Scan(&to, &l, &r, &by, &projectID, &expires); err != nil {
			return fmt.Errorf("read the invitation: %w", err)
		}
		lang, role = i18n.Parse(l), Member(r)
		p, err := findProject(ctx, tx, projectID)
		if err != nil {
			return err
		}
		project = p.Name
		names, err := identity.Names(ctx, tx, []string{by})
		inviter = names[by]
		return err
	})
	return to, lang, project, inviter, role, err
}
