package matter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// A Desk is where people do things. Its methods are the verbs; each is one
// transaction and takes the asker.
type Desk struct {
	DB        *db.DB
	Catalogue *catalogue.Catalogue
	Files     *attach.Store
	Now       func() time.Time
	// Wake, when set, is called after a deed that queued work.
	Wake func()
}

// A Matter is one thing that an applicant has to do with one authority
// (asiointi). Its status and holder change only through record.
type Matter struct {
	ID, Number  string
	Project     string
	Offer       string
	Authority   string
	Type        string
	Kind        string
	Way         catalogue.Way
	Form        string // the form's id
	FormHash    string // and version: the one the draft began with
	Answers     forms.Answers
	Version     int64 // of the draft: grows by one with every save
	Handler     string
	Identifier  string
	SentAt      time.Time
	NoticeEmail string // where notices go instead of the join's address
	ConsentAt   time.Time
	Follows     string // an earlier matter
	Name, Place string // of the project, as it was last sent
	StartsAt    time.Time
	RemovedAt   time.Time // when its content was removed, after its time
	CreatedAt   time.Time
	ChangedAt   time.Time
	State

	loaded int64  // the head when it was read
	kept   string // the form's version when it was read
	stored []byte // the answers as they stood in the database when it was read
}

// matterColumns are those of a matter with its draft, which is empty when its
// content was removed.
const matterColumns = `id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash,
	COALESCE((SELECT d.answers FROM draft_versions d WHERE d.subject = matters.id AND d.version = matters.version), '{}'), version, status, outcome, status_at, holder, holder_since, due_at, handler_id, identifier, started_at,
	sent_at, notice_email, consent_at, follows_id, other_authority, name, place, starts_at, removed_at, limit_class, limit_at, head, head_applicant, head_authority, created_at, changed_at`

func scanMatter(r interface{ Scan(...any) error }, m *Matter) error {
	var way, status, holder string
	var answers []byte
	var statusAt, since, due, started, sent, consent, starts, removed, limitAt, created, changed int64
	err := r.Scan(&m.ID, &m.Number, &m.Project, &m.Offer, &m.Authority, &m.Type, &m.Kind, &way, &m.Form, &m.FormHash,
		&answers, &m.Version, &status, &m.Outcome, &statusAt, &holder, &since, &due, &m.Handler, &m.Identifier, &started,
		&sent, &m.NoticeEmail, &consent, &m.Follows, &m.Other, &m.Name, &m.Place, &starts, &removed, &m.LimitClass, &limitAt, &m.N, &m.ByApplicant, &m.ByAuthority, &created, &changed)
	if err != nil {
		return err
	}
	m.Way, m.Status, m.Holder = catalogue.Way(way), Status(status), Holder(holder)
	m.StatusAt, m.Since, m.Due, m.Started = db.Time(statusAt), db.Time(since), db.Time(due), db.Time(started)
	m.SentAt, m.ConsentAt, m.CreatedAt, m.ChangedAt = db.Time(sent), db.Time(consent), db.Time(created), db.Time(changed)
	m.StartsAt, m.RemovedAt, m.LimitAt = db.Time(starts), db.Time(removed), db.Time(limitAt)
	m.loaded, m.kept, m.stored = m.N, m.FormHash, answers
	if m.Answers, err = forms.ParseAnswers(answers); err != nil {
		return fmt.Errorf("read the answers of matter %s: %w", m.ID, err)
	}
	return nil
}

var errNotFound = fail.New(fail.NotFound, "matter.not_found")

// find reads a matter whoever asks; the verbs use ownedBy or handledBy.
func find(ctx context.Context, tx *db.Tx, id string) (*Matter, error) {
	var m Matter
	err := scanMatter(tx.QueryRowContext(ctx, `SELECT `+matterColumns+` FROM matters WHERE id = $1`, id), &m)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read matter: %w", err)
	}
	return &m, nil
}

// ownedBy reads a matter of a project in which the customer may do what right
// says. Not a member, not found; a member without the right is told so.
func ownedBy(ctx context.Context, tx *db.Tx, who identity.Customer, id string, r right) (*Matter, *Project, error) {
	return ownedIn(ctx, tx, projectColumns, who, id, r)
}

// ownedIn is ownedBy with so much of the project as is needed.
func ownedIn(ctx context.Context, tx *db.Tx, project string, who identity.Customer, id string, r right) (*Matter, *Project, error) {
	m, err := find(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	p, err := projectBy(ctx, tx, project, who, m.Project, r)
	if fail.Is(err, fail.NotFound) {
		return nil, nil, errNotFound
	}
	return m, p, err
}

// handledBy reads a matter of the officer's authority that the officer's grant
// covers. A draft is found only when the applicant has consented.
func handledBy(ctx context.Context, tx *db.Tx, who identity.Officer, id string) (*Matter, error) {
	m, err := find(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if m.Authority != who.Authority || !who.May(m.Type) || (m.Status == Draft && m.ConsentAt.IsZero()) {
		return nil, errNotFound
	}
	return m, nil
}

// errMoved says that another deed went first; the verb is done again.
var errMoved = errors.New("the matter moved meanwhile")

// do runs a verb in one transaction, again when another node's deed on the same
// matter went first, and wakes the workers.
func (d *Desk) do(ctx context.Context, fn func(*db.Tx) error) error {
	return d.until(func(int) error { return d.DB.InTx(ctx, fn) })
}

// prepared does a verb in two halves. read finds, checks and computes beside
// all others, on a reading connection; the write that it returns only compares
// what that was computed from and writes, so the one writer of SQLite is held
// up as briefly as can be (docs/adr/0010). A write that finds something changed
// says errMoved, and both are done again; after the second time in one
// transaction, so that nobody is overtaken for ever. A nil write is a verb with
// nothing to do.
func (d *Desk) prepared(ctx context.Context, read func(*db.Tx) (write func(*db.Tx) error, err error)) error {
	return d.until(func(try int) error {
		if try >= 2 {
			return d.DB.InTx(ctx, func(tx *db.Tx) error {
				write, err := read(tx)
				if err != nil || write == nil {
					return err
				}
				return write(tx)
			})
		}
		var write func(*db.Tx) error
		err := d.DB.View(ctx, func(tx *db.Tx) (err error) {
			write, err = read(tx)
			return err
		})
		if err != nil || write == nil {
			return err
		}
		return d.DB.InTx(ctx, write)
	})
}

// until tries a verb until no other deed goes before it, and wakes the workers.
func (d *Desk) until(try func(n int) error) error {
	var err error
	for n := range 5 {
		err = try(n)
		if db.IsUnique(err) || errors.Is(err, ledger.ErrMoved) { // another took the number that this deed was to have
			err = errMoved
		}
		if !errors.Is(err, errMoved) {
			break
		}
	}
	if errors.Is(err, errMoved) {
		return fail.New(fail.Conflict, "matter.busy")
	}
	if err == nil && d.Wake != nil {
		d.Wake()
	}
	return err
}

// record does a deed to the matter: it appends it to the ledger and folds it
// into the state. save must follow.
func (d *Desk) record(ctx context.Context, tx *db.Tx, m *Matter, actor ledger.Actor, side ledger.Side, deed string, data deedData) (ledger.Entry, error) {
	e, err := ledger.Record(ctx, tx, d.Now(), ledger.MatterStream(m.ID), actor, side, deed, data)
	if err != nil {
		return e, err
	}
	return e, m.follow(e)
}

// follow folds the matter's next entry into its state.
func (m *Matter) follow(e ledger.Entry) error {
	if e.N != m.N+1 {
		return errMoved
	}
	if err := m.Apply(e); err != nil {
		return err
	}
	if e.Side != ledger.Hub { // what the hub does by itself is no touch
		m.ChangedAt = e.Time()
	}
	return nil
}

// step is record for a deed of the flow: a Conflict when the flow has no such
// move.
func (d *Desk) step(ctx context.Context, tx *db.Tx, m *Matter, actor ledger.Actor, side ledger.Side, deed string, data deedData) (ledger.Entry, error) {
	to, err := movedTo(deed, m.Status, side)
	if err != nil {
		return ledger.Entry{}, err
	}
	data.To = to
	return d.record(ctx, tx, m, actor, side, deed, data)
}

// movedTo tells where a deed of the flow leads, or that the flow has no such
// move.
func movedTo(deed string, from Status, side ledger.Side) (Status, error) {
	if !CanDo(deed, from, side) {
		return "", fail.New(fail.Conflict, "matter.move_not_allowed")
	}
	return flow[slices.IndexFunc(flow, func(x move) bool { return x.deed == deed })].to, nil
}

// sortAt is where a matter stands in an inbox: by the date that binds or the
// start of what is undertaken, whichever comes first, which is also the date
// that the inbox shows; without either as if due thirty days after it came.
// What has ended stands by its end.
func (m *Matter) sortAt() int64 {
	if m.Status.Ended() {
		return db.Millis(m.StatusAt)
	}
	at := m.Due
	if at.IsZero() || !m.StartsAt.IsZero() && m.StartsAt.Before(at) {
		at = m.StartsAt
	}
	if at.IsZero() {
		at = m.Since.AddDate(0, 0, 30)
	}
	return db.Millis(at)
}

// save writes what the verbs may change, if neither a deed nor a save of the
// draft came between. The draft itself is written by saveDraft alone.
func (m *Matter) save(ctx context.Context, tx *db.Tx) error {
	n, err := tx.ExecContext(ctx, `
		UPDATE matters SET status = $1, outcome = $2, status_at = $3, holder = $4,
			holder_since = $5, due_at = $6, sort_at = $7, handler_id = $8, identifier = $9, started_at = $10, sent_at = $11,
			notice_email = $12, consent_at = $13, other_authority = $14, head = $15, head_applicant = $16, head_authority = $17,
			changed_at = $18, name = $19, place = $20, starts_at = $21, removed_at = $22, limit_class = $23, limit_at = $24
		WHERE id = $25 AND head = $26 AND version = $27`,
		string(m.Status), m.Outcome, db.Millis(m.StatusAt), string(m.Holder),
		db.Millis(m.Since), db.Millis(m.Due), m.sortAt(), m.Handler, m.Identifier, db.Millis(m.Started), db.Millis(m.SentAt),
		m.NoticeEmail, db.Millis(m.ConsentAt), m.Other, m.N, m.ByApplicant, m.ByAuthority,
		db.Millis(m.ChangedAt), m.Name, m.Place, db.Millis(m.StartsAt), db.Millis(m.RemovedAt), m.LimitClass, db.Millis(m.LimitAt), m.ID, m.loaded, m.Version)
	if err != nil {
		return fmt.Errorf("save matter %s: %w", m.ID, err)
	}
	if n == 0 {
		return errMoved
	}
	m.loaded = m.N
	return nil
}

// insert writes a new matter.
func (m *Matter) insert(ctx context.Context, tx *db.Tx) error {
	answers, err := m.Answers.Marshal()
	if err != nil {
		return fmt.Errorf("write the answers: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO matters (id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash,
			version, status, status_at, holder, holder_since, sort_at, follows_id, name, place, starts_at, head, head_applicant, head_authority, created_at, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		m.ID, m.Number, m.Project, m.Offer, m.Authority, m.Type, m.Kind, string(m.Way), m.Form, m.FormHash,
		m.Version, string(m.Status), db.Millis(m.StatusAt), string(m.Holder), db.Millis(m.Since), m.sortAt(),
		m.Follows, m.Name, m.Place, db.Millis(m.StartsAt), m.N, m.ByApplicant, m.ByAuthority, db.Millis(m.CreatedAt), db.Millis(m.ChangedAt))
	if err != nil {
		return fmt.Errorf("save a new matter: %w", err)
	}
	m.loaded = m.N
	return keepVersion(ctx, tx, m.ID, m.Version, answers, "", m.CreatedAt)
}

// nextNumber draws the next number of a kind, such as 2026-1042.
func nextNumber(ctx context.Context, tx *db.Tx, name string, now time.Time) (string, error) {
	var n int64
	year := now.In(i18n.Zone).Year()
	key := fmt.Sprintf("%s-%d", name, year)
	err := tx.QueryRowContext(ctx, `
		INSERT INTO counters (name, value) VALUES ($1, 1001)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`, key).Scan(&n)
	if err != nil {
		return "", fmt.Errorf("draw a number: %w", err)
	}
	return fmt.Sprintf("%s%d-%d", name, year, n), nil
}
