package matter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/attach"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// keepVersions is how many saves of a draft are kept as bases for merging. The
// last is the draft: its text stands nowhere else.
const keepVersions = 30

func keepVersion(ctx context.Context, tx *db.Tx, subject string, version int64, answers []byte, by string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at) VALUES ($1, $2, $3, $4, $5)`,
		subject, version, string(answers), by, db.Millis(now)); err != nil {
		return fmt.Errorf("keep a draft's version: %w", err)
	}
	if version <= keepVersions {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM draft_versions WHERE subject = $1 AND version <= $2`, subject, version-keepVersions); err != nil {
		return fmt.Errorf("forget a draft's old versions: %w", err)
	}
	return nil
}

// baseVersion returns what the draft was at a version; ErrNoRows when that is
// kept no longer.
func baseVersion(ctx context.Context, tx *db.Tx, subject string, version int64) (forms.Answers, error) {
	var body []byte
	err := tx.QueryRowContext(ctx, `SELECT answers FROM draft_versions WHERE subject = $1 AND version = $2`, subject, version).Scan(&body)
	if err != nil {
		return nil, fmt.Errorf("read a draft's version: %w", err)
	}
	return forms.ParseAnswers(body)
}

// A Clash is a field that two people, or two tabs, changed in different ways.
type Clash struct {
	Path         string
	Label        i18n.Text
	Mine, Theirs any
}

// ChangedElsewhere says that a draft was changed by another since the asker
// read it, in fields that the asker changed too. Nothing was saved: Merged is
// what would be with the asker's texts, and Version what to save it over.
type ChangedElsewhere struct {
	Clashes []Clash
	Merged  forms.Answers
	Theirs  forms.Answers
	Version int64
}

// Error names the fields, never what is in them.
func (c *ChangedElsewhere) Error() string {
	paths := make([]string, len(c.Clashes))
	for i, k := range c.Clashes {
		paths[i] = k.Path
	}
	return "changed elsewhere: " + strings.Join(paths, ", ")
}

// Saved is how a draft stands after a save.
type Saved struct {
	Version int64
	At      time.Time
	Answers forms.Answers
	Merged  bool           // somebody else's changes were joined with the asker's
	Wrong   forms.Problems // what is answered wrongly and kept all the same
}

// draft is what SaveDraft and SaveCommon do alike.
type draft struct {
	subject string
	form    *forms.Form
	current forms.Answers
	version int64
}

// merge joins what the asker made of version seen with what the draft is now.
func (dr draft) merge(ctx context.Context, tx *db.Tx, seen int64, mine forms.Answers) (forms.Answers, bool, error) {
	if seen == dr.version {
		return mine, false, nil
	}
	if seen > dr.version || seen < 1 {
		return nil, false, fail.New(fail.Invalid, "error.malformed").In("_version")
	}
	base, err := baseVersion(ctx, tx, dr.subject, seen)
	if errors.Is(err, db.ErrNoRows) {
		base, err = neither(dr.current, mine), nil
	}
	if err != nil {
		return nil, false, err
	}
	merged, conflicts := forms.Merge(dr.form, base, dr.current, mine)
	if len(conflicts) == 0 {
		return merged, true, nil
	}
	clash := &ChangedElsewhere{Merged: merged, Theirs: dr.current, Version: dr.version}
	for _, path := range conflicts {
		a, _ := mine.At(path)
		b, _ := dr.current.At(path)
		clash.Clashes = append(clash.Clashes, Clash{Path: path, Label: dr.form.Label(path), Mine: a, Theirs: b})
	}
	return nil, false, clash
}

// neither stands for a base that is kept no longer: every field differs from
// it on both sides, so every difference is a conflict and none a loss.
func neither(sides ...forms.Answers) forms.Answers {
	base := forms.Answers{}
	for _, a := range sides {
		for name := range a {
			base[name] = "\uFFFC" // nobody writes this
		}
	}
	return base
}

// SaveDraft keeps what was typed in a matter's form, whether complete or not,
// and the attachments that landed with it.
//
// seen is the version the asker read. What others changed meanwhile is joined
// field by field; what cannot be joined is a *ChangedElsewhere and nothing is
// saved. Wrong values are kept, as the person typed them, and named by
// Completeness; sending checks them. A matter that is to be completed has a
// draft too: of its next submission.
func (d *Desk) SaveDraft(ctx context.Context, who identity.Customer, id string, seen int64, answers forms.Answers, landed ...attach.Landed) (s Saved, err error) {
	err = d.prepared(ctx, func(tx *db.Tx) (write func(*db.Tx) error, err error) {
		m, p, err := ownedBy(ctx, tx, who, id, toWrite)
		if err != nil {
			return nil, err
		}
		if !m.open() {
			return nil, fail.New(fail.Conflict, "matter.not_a_draft")
		}
		form, _, err := d.Catalogue.Form(m.Form, m.FormHash)
		if err != nil {
			return nil, err
		}
		joined, merged, err := draft{m.ID, form, m.Answers, m.Version}.merge(ctx, tx, seen, answers)
		if err != nil {
			return nil, err
		}
		s, write, err = d.saveDraft(ctx, who, m, p, form, joined, landed)
		s.Merged = merged
		return write, err
	})
	return s, err
}

// SavePaper is SaveDraft over what Paper has just read. Only where somebody else
// came between, or the asker has read an older version, is it read again.
func (d *Desk) SavePaper(ctx context.Context, who identity.Customer, v *View, seen int64, answers forms.Answers, landed ...attach.Landed) (Saved, error) {
	if m := v.Matter; seen == m.Version && m.open() && slices.Contains(rights[toWrite], v.Project.Role) {
		s, write, err := d.saveDraft(ctx, who, &m, v.Project, v.Form, answers, landed)
		if err != nil || write == nil {
			return s, err
		}
		if err = d.DB.InTx(ctx, write); !errors.Is(err, errMoved) {
			return s, err
		}
	}
	return d.SaveDraft(ctx, who, v.ID, seen, answers, landed...)
}

// open tells whether there is a draft: of the matter, or of its completion.
func (m *Matter) open() bool { return m.Status == Draft || m.Status == ToComplete }

// saveDraft computes how the draft will stand with the answers, and returns what
// writes it and removes the files that it does not name any more.
func (d *Desk) saveDraft(ctx context.Context, who identity.Customer, m *Matter, p *Project, form *forms.Form, answers forms.Answers, landed []attach.Landed) (s Saved, write func(*db.Tx) error, err error) {
	now := d.Now()
	s = Saved{Version: m.Version + 1, At: now, Answers: answers}
	body, err := saved(s.Answers)
	if err != nil {
		return s, nil, err
	}
	s.Wrong = form.Judge(body, s.Answers).Wrong()
	if bytes.Equal(m.stored, body) && m.FormHash == m.kept {
		s.Version, s.At = m.Version, m.ChangedAt
		return s, writing(ctx, landed), nil
	}
	var out []string // files taken out; of what was sent once they must stay
	if m.Status == Draft {
		still := form.AttachmentIDs(s.Answers)
		out = slices.DeleteFunc(form.AttachmentIDs(m.Answers), func(id string) bool { return slices.Contains(still, id) })
	}
	return s, func(tx *db.Tx) error {
		n, err := tx.ExecContext(ctx, `
			UPDATE matters SET form_hash = $1, version = version + 1, changed_at = $2
			WHERE  id = $3 AND version = $4 AND head = $5 AND status IN ('draft', 'to_complete')`,
			m.FormHash, db.Millis(now), m.ID, m.Version, m.loaded)
		if err != nil {
			return fmt.Errorf("save a draft: %w", err)
		}
		if n == 0 {
			return errMoved
		}
		if err := keepVersion(ctx, tx, m.ID, s.Version, body, who.ID, now); err != nil {
			return err
		}
		if err := errors.Join(attach.RemoveFrom(ctx, tx, m.ID, out...), attach.Write(ctx, tx, landed...)); err != nil {
			return err
		}
		return p.touch(ctx, tx, who, toWrite, now)
	}, nil
}

// writing returns what writes the rows of what landed with a save that changed
// nothing else.
func writing(ctx context.Context, landed []attach.Landed) func(*db.Tx) error {
	if len(landed) == 0 {
		return nil
	}
	return func(tx *db.Tx) error { return attach.Write(ctx, tx, landed...) }
}

// saved returns the text that a draft is kept as.
func saved(a forms.Answers) ([]byte, error) {
	body, err := a.Marshal()
	if err == nil && len(body) > forms.MaxBytes {
		err = fail.New(fail.TooLarge, "error.too_large")
	}
	return body, err
}

// SaveCommon keeps what was typed in the project's common data, with the same
// promises as SaveDraft. The name, the place and the start of the project
// follow from it.
func (d *Desk) SaveCommon(ctx context.Context, who identity.Customer, id string, seen int64, answers forms.Answers, landed ...attach.Landed) (s Saved, err error) {
	err = d.prepared(ctx, func(tx *db.Tx) (write func(*db.Tx) error, err error) {
		p, err := projectOf(ctx, tx, who, id, toWrite)
		if err != nil {
			return nil, err
		}
		s, write, err = d.saveCommon(ctx, tx, who, p, seen, answers, landed)
		return write, err
	})
	return s, err
}

func (d *Desk) saveCommon(ctx context.Context, tx *db.Tx, who identity.Customer, p *Project, seen int64, answers forms.Answers, landed []attach.Landed) (s Saved, write func(*db.Tx) error, err error) {
	form, err := d.commonForm(p)
	if err != nil {
		return s, nil, err
	}
	s = Saved{Version: p.Version + 1, At: d.Now()}
	if s.Answers, s.Merged, err = (draft{p.ID, form, p.Answers, p.Version}).merge(ctx, tx, seen, answers); err != nil {
		return s, nil, err
	}
	body, err := saved(s.Answers)
	if err != nil {
		return s, nil, err
	}
	s.Wrong = form.Judge(body, s.Answers).Wrong()
	if bytes.Equal(p.stored, body) {
		s.Version, s.At = p.Version, p.ChangedAt
		return s, writing(ctx, landed), nil
	}
	p.follow(form, s.Answers)
	return s, func(tx *db.Tx) error {
		if err := p.touch(ctx, tx, who, toWrite, s.At); err != nil {
			return err
		}
		n, err := tx.ExecContext(ctx, `
			UPDATE projects SET version = version + 1, name = $1, place = $2, starts_at = $3
			WHERE id = $4 AND version = $5`, p.Name, p.Place, db.Millis(p.StartsAt), p.ID, p.Version)
		if err != nil {
			return fmt.Errorf("save the common data: %w", err)
		}
		if n == 0 {
			return errMoved
		}
		if err := keepVersion(ctx, tx, p.ID, s.Version, body, who.ID, s.At); err != nil {
			return err
		}
		return attach.Write(ctx, tx, landed...)
	}, nil
}

func (d *Desk) commonForm(p *Project) (*forms.Form, error) {
	e := d.Catalogue.Entity(p.Entity)
	if e == nil {
		return nil, fmt.Errorf("project %s: no service entity %s", p.ID, p.Entity)
	}
	f, _, err := d.Catalogue.Form(e.CommonForm, p.FormHash)
	return f, err
}

// follow takes the project's name, place and start from its common data.
func (p *Project) follow(form *forms.Form, a forms.Answers) {
	terms := form.Terms()
	text := func(path string) string {
		v, _ := a.At(path)
		s, _ := v.(string)
		return strings.TrimSpace(s)
	}
	if name := text(terms["project.name"]); name != "" {
		p.Name = name
	}
	p.Place = ""
	if path := terms["place.location"]; path != "" {
		p.Place = text(path + ".name")
	}
	p.StartsAt = time.Time{}
	for _, term := range []string{"event.start", "plant.start_date"} {
		s := text(terms[term])
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T", "2006-01-02"} {
			if t, err := time.ParseInLocation(layout, s, i18n.Zone); err == nil {
				p.StartsAt = t
			}
		}
	}
}

// Consent lets the authority of a draft see it before it is sent, or ends
// that. It sees it in the hub only.
func (d *Desk) Consent(ctx context.Context, who identity.Customer, id string, yes bool) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toSend)
		if err != nil {
			return err
		}
		if m.Status != Draft {
			return fail.New(fail.Conflict, "matter.already_sent")
		}
		if yes == !m.ConsentAt.IsZero() {
			return nil
		}
		deed := DeedConsented
		if !yes {
			deed = DeedConsentEnded
		}
		e, err := d.record(ctx, tx, m, who.Actor(), ledger.Applicant, deed, deedData{})
		if err != nil {
			return err
		}
		m.ConsentAt = time.Time{}
		if yes {
			m.ConsentAt = e.Time()
		}
		return m.save(ctx, tx)
	})
}

// TakeNewForm moves a draft to the current version of its form. Answers to
// questions that the new version does not ask are left out. It is a save like
// any other: whoever looked at the old one must look again before sending.
func (d *Desk) TakeNewForm(ctx context.Context, who identity.Customer, id string) error {
	return d.prepared(ctx, func(tx *db.Tx) (func(*db.Tx) error, error) {
		m, p, err := ownedBy(ctx, tx, who, id, toWrite)
		if err != nil {
			return nil, err
		}
		current := d.Catalogue.CurrentForm(m.Form)
		if m.Status != Draft || current == "" || current == m.FormHash {
			return nil, fail.New(fail.Conflict, "matter.no_newer_form")
		}
		form, _, err := d.Catalogue.Form(m.Form, current)
		if err != nil {
			return nil, err
		}
		m.FormHash = current
		known, _ := form.ReadOver(m.Answers, nil) // what nobody posts stays, if the form has it
		_, write, err := d.saveDraft(ctx, who, m, p, form, known, nil)
		return write, err
	})
}
