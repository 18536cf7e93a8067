package matter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// Member is a person's role in a project.
type Member string

// The roles in a project.
const (
	Owner  Member = "owner"  // all, and the members
	Editor Member = "editor" // fills in and sends
	Reader Member = "reader" // sees
	Helper Member = "helper" // fills in, reads and writes messages, gets the notices; cannot send
	// Mandated is somebody who acted for the project's principal: gets the
	// notices. The right to see and do comes from the mandate alone, each time.
	Mandated Member = "mandated"
)

// Members lists the roles that an invitation may give.
var Members = []Member{Editor, Helper, Reader}

// right is what a verb asks of a member.
type right int

const (
	toSee right = iota
	toWrite
	toTalk
	toSend
	toRule
)

var rights = map[right][]Member{
	toSee:   {Owner, Editor, Reader, Helper},
	toWrite: {Owner, Editor, Helper},
	toTalk:  {Owner, Editor, Helper},
	toSend:  {Owner, Editor},
	toRule:  {Owner},
}

// MayWrite tells whether the role may fill in drafts.
func (m Member) MayWrite() bool { return slices.Contains(rights[toWrite], m) }

// MayTalk tells whether the role may write messages.
func (m Member) MayTalk() bool { return slices.Contains(rights[toTalk], m) }

// MaySend tells whether the role may send, complete and withdraw.
func (m Member) MaySend() bool { return slices.Contains(rights[toSend], m) }

// MayRule tells whether the role may invite and remove members.
func (m Member) MayRule() bool { return slices.Contains(rights[toRule], m) }

// A Project is what a customer undertakes, with all its matters (asiakashanke).
type Project struct {
	ID, Number   string
	Entity       string
	Municipality string
	Name         string
	Place        string
	StartsAt     time.Time // when what is undertaken begins; zero when not known
	Survey       string    // the survey result it began from
	FormHash     string    // version of the common form
	Answers      forms.Answers
	Version      int64
	CreatedBy    string
	CreatedAt    time.Time
	ChangedAt    time.Time
	Principal    string // the company or person whose project it is, "" when it is its members'
	Role         Member // of the one who asked, "" for officers

	stored []byte // the common data as they stood in the database when they were read
}

// projectColumns are those of a project with its common data, which are empty
// when they were removed.
const projectColumns = projectRow + `, COALESCE((SELECT d.answers FROM draft_versions d WHERE d.subject = p.id AND d.version = p.version), '{}')`

// projectAlone is for whom the common data are nothing: they are left empty.
const projectAlone = projectRow + `, '{}'`

const projectRow = `p.id, p.number, p.entity, p.municipality, p.name, p.place, p.starts_at, p.survey_id, p.form_hash, p.version, p.created_by, p.created_at, p.changed_at, p.principal_id`

func scanProject(r interface{ Scan(...any) error }, p *Project, more ...any) error {
	var answers []byte
	var starts, created, changed int64
	dest := append([]any{&p.ID, &p.Number, &p.Entity, &p.Municipality, &p.Name, &p.Place, &starts, &p.Survey, &p.FormHash, &p.Version, &p.CreatedBy, &created, &changed, &p.Principal, &answers}, more...)
	if err := r.Scan(dest...); err != nil {
		return err
	}
	p.StartsAt, p.CreatedAt, p.ChangedAt, p.stored = db.Time(starts), db.Time(created), db.Time(changed), answers
	var err error
	if p.Answers, err = forms.ParseAnswers(answers); err != nil {
		return fmt.Errorf("read the answers of project %s: %w", p.ID, err)
	}
	return nil
}

// asSent shows the project to an authority as it was last sent in the matter,
// not as the applicant is changing it.
func (p *Project) asSent(m *Matter) {
	if m.Status != Draft {
		p.Name, p.Place, p.StartsAt = m.Name, m.Place, m.StartsAt
	}
}

// theirs returns what follows the columns in a query for the asker's projects,
// the role first, with the asker as its first argument. Who acts for a company
// or another person sees its projects and no others, as an owner: the mandate
// was checked when the visit began and is checked again while it lasts.
func theirs(who identity.Customer) (from string, asker any) {
	if who.For.ID != "" {
		return `'owner' FROM projects p WHERE p.principal_id = $1`, who.For.ID
	}
	return `m.role FROM projects p JOIN members m ON m.project_id = p.id AND m.person_id = $1 WHERE m.role <> 'mandated'`, who.ID
}

var errNoProject = fail.New(fail.NotFound, "project.not_found")

// projectOf reads a project in which the customer may do what r says.
func projectOf(ctx context.Context, tx *db.Tx, who identity.Customer, id string, r right) (*Project, error) {
	return projectBy(ctx, tx, projectColumns, who, id, r)
}

func projectBy(ctx context.Context, tx *db.Tx, columns string, who identity.Customer, id string, r right) (*Project, error) {
	var p Project
	var role string
	from, asker := theirs(who)
	err := scanProject(tx.QueryRowContext(ctx, `SELECT `+columns+`, `+from+` AND p.id = $2`, asker, id), &p, &role)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errNoProject
	}
	if err != nil {
		return nil, fmt.Errorf("read project: %w", err)
	}
	p.Role = Member(role)
	if !slices.Contains(rights[r], p.Role) {
		return nil, fail.New(fail.Forbidden, "project.role_may_not")
	}
	return &p, nil
}

// touch notes that something was done in the project, if its common data are
// still as they were read and the asker still has the right: else errMoved.
func (p *Project) touch(ctx context.Context, tx *db.Tx, who identity.Customer, r right, now time.Time) error {
	args, still := []any{db.Millis(now), p.ID, p.Version, who.For.ID}, `principal_id = $4`
	if who.For.ID == "" {
		args[3], still = who.ID, `EXISTS (SELECT 1 FROM members m WHERE m.project_id = projects.id AND m.person_id = $4 AND m.role IN (`+db.In(4, len(rights[r]))+`))`
		for _, role := range rights[r] {
			args = append(args, string(role))
		}
	}
	n, err := tx.ExecContext(ctx, `
		UPDATE projects SET changed_at = CASE WHEN changed_at < $1 THEN $1 ELSE changed_at END
		WHERE id = $2 AND version = $3 AND `+still, args...)
	if err != nil {
		return fmt.Errorf("touch the project: %w", err)
	}
	if n == 0 {
		return errMoved
	}
	return nil
}

// touchProject is touch for an officer's deed.
func touchProject(ctx context.Context, tx *db.Tx, id string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE projects SET changed_at = $1 WHERE id = $2 AND changed_at < $3`, db.Millis(now), id, db.Millis(now)); err != nil {
		return fmt.Errorf("touch the project: %w", err)
	}
	return nil
}

func findProject(ctx context.Context, tx *db.Tx, id string) (*Project, error) {
	var p Project
	err := scanProject(tx.QueryRowContext(ctx, `SELECT `+projectColumns+` FROM projects p WHERE p.id = $1`, id), &p)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errNoProject
	}
	if err != nil {
		return nil, fmt.Errorf("read project: %w", err)
	}
	return &p, nil
}

// NewProject is what a project begins with.
type NewProject struct {
	Entity       string
	Municipality string
	Name         string
	StartsOn     time.Time // zero when not known
	Survey       string    // the survey result, "" when the matters were chosen freely
	Types        []string  // the matter types to begin with
}

// StartProject begins a project with drafts of the chosen matters. Types that
// nobody offers in the municipality are refused, each by name.
//
// What was answered in the survey it begins from is filled in wherever a form
// asks just that. The result of the survey is final from then on.
func (d *Desk) StartProject(ctx context.Context, who identity.Customer, n NewProject) (id string, err error) {
	entity := d.Catalogue.Entity(n.Entity)
	if entity == nil {
		return "", fail.New(fail.Invalid, "project.no_such_entity").In("entity")
	}
	m := d.Catalogue.Municipality(n.Municipality)
	if m == nil {
		return "", fail.New(fail.Rejected, "project.choose_municipality").In("municipality")
	}
	if m.Aland {
		return "", fail.New(fail.Rejected, "project.aland").In("municipality")
	}
	name := strings.TrimSpace(n.Name)
	if name == "" || len([]rune(name)) > 100 {
		return "", fail.New(fail.Rejected, "project.name_needed").In("name")
	}
	form, hash, err := d.Catalogue.Form(entity.CommonForm, "")
	if err != nil {
		return "", err
	}
	id = db.NewID()
	err = d.do(ctx, func(tx *db.Tx) error {
		now := d.Now()
		from, err := d.beginFrom(ctx, tx, entity, n.Survey)
		if err != nil {
			return err
		}
		number, err := nextNumber(ctx, tx, "H", now)
		if err != nil {
			return err
		}
		p := &Project{
			ID: id, Number: number, Entity: n.Entity, Municipality: n.Municipality, Name: name, StartsAt: n.StartsOn,
			Survey: n.Survey, FormHash: hash, Version: 1, CreatedBy: who.ID, CreatedAt: now, ChangedAt: now, Principal: who.For.ID, Role: Owner,
			Answers: firstAnswers(form, who, n, m, from),
		}
		if err := p.insert(ctx, tx); err != nil {
			return err
		}
		if _, err := ledger.Record(ctx, tx, now, ledger.ProjectStream(id), who.Actor(), ledger.Applicant, DeedProjectStarted, deedData{}); err != nil {
			return err
		}
		return d.addMatters(ctx, tx, who, p, n.Types, "", from)
	})
	return id, err
}

// firstAnswers fills in what the hub knows already: from the start of the
// project, from who begins it and from what was answered in the survey.
func firstAnswers(form *forms.Form, who identity.Customer, n NewProject, m *catalogue.Municipality, from *surveyed) forms.Answers {
	a, terms := from.tells(form, true).Given, form.Terms()
	set := func(term string, v any) { fill(form, a, terms[term], v) }
	set("project.name", strings.TrimSpace(n.Name))
	set("place.municipality", m.Code)
	switch who.For.Kind {
	case identity.Company:
		set("applicant.type", "company")
		set("applicant.name", who.For.Name)
		set("applicant.business_id", who.For.BusinessID)
	case identity.Someone:
		set("applicant.type", "private_person")
		set("applicant.name", who.For.Name)
	}
	set("contact.name", who.Name)
	set("contact.email", who.Email)
	if who.Lang == i18n.SV {
		set("service.language", "sv")
	}
	if !n.StartsOn.IsZero() {
		fillStart(form, a, n.StartsOn.In(i18n.Zone).Format(time.DateOnly))
	}
	return a
}

func (p *Project) insert(ctx context.Context, tx *db.Tx) error {
	answers, err := p.Answers.Marshal()
	if err != nil {
		return fmt.Errorf("write the answers: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO projects (id, number, entity, municipality, name, place, starts_at, survey_id, form_hash, version, created_by, created_at, changed_at, principal_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		p.ID, p.Number, p.Entity, p.Municipality, p.Name, p.Place, db.Millis(p.StartsAt), p.Survey, p.FormHash,
		p.Version, p.CreatedBy, db.Millis(p.CreatedAt), db.Millis(p.ChangedAt), p.Principal); err != nil {
		return fmt.Errorf("save a new project: %w", err)
	}
	if err := keepVersion(ctx, tx, p.ID, p.Version, answers, p.CreatedBy, p.CreatedAt); err != nil {
		return err
	}
	if p.Principal != "" {
		return keepMandated(ctx, tx, p.ID, p.CreatedBy, p.CreatedAt)
	}
	return saveMember(ctx, tx, p.ID, p.CreatedBy, Owner, p.CreatedAt)
}

// keepMandated makes sure that somebody who acts for the project's principal
// gets its notices.
func keepMandated(ctx context.Context, tx *db.Tx, project, person string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO members (project_id, person_id, role, since) VALUES ($1, $2, 'mandated', $3)
		ON CONFLICT (project_id, person_id) DO NOTHING`, project, person, db.Millis(now))
	if err != nil {
		return fmt.Errorf("save who acts for the principal: %w", err)
	}
	return nil
}

func saveMember(ctx context.Context, tx *db.Tx, project, person string, role Member, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO members (project_id, person_id, role, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project_id, person_id) DO UPDATE SET role = excluded.role`, project, person, string(role), db.Millis(now))
	if err != nil {
		return fmt.Errorf("save a member: %w", err)
	}
	return nil
}

// AddMatters adds drafts of matter types to the project. follows names an
// earlier matter of the same project that they come after, or is "".
func (d *Desk) AddMatters(ctx context.Context, who identity.Customer, project string, types []string, follows string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		p, err := projectOf(ctx, tx, who, project, toWrite)
		if err != nil {
			return err
		}
		if len(types) == 0 {
			return fail.New(fail.Rejected, "project.choose_matters").In("type")
		}
		from, err := d.surveyOf(ctx, tx, p.Survey)
		if err != nil {
			return err
		}
		return d.addMatters(ctx, tx, who, p, types, follows, from)
	})
}

func (d *Desk) addMatters(ctx context.Context, tx *db.Tx, who identity.Customer, p *Project, types []string, follows string, from *surveyed) error {
	here, err := catalogue.OffersIn(ctx, tx, p.Municipality, p.Entity)
	if err != nil {
		return err
	}
	if follows != "" {
		before, err := find(ctx, tx, follows)
		if err == nil && (before.Project != p.ID || before.Status == Draft) {
			err = errNotFound
		}
		if err != nil {
			return err
		}
	}
	for _, typ := range types {
		t := d.Catalogue.Type(typ)
		if t == nil {
			return fail.New(fail.Invalid, "project.no_such_matter", typ).In("type")
		}
		offer := here[typ]
		if offer == nil || t.NotSent {
			return fail.New(fail.Rejected, "project.not_offered_here", t.Name.In(who.Lang)).In("type")
		}
		if _, err := d.addMatter(ctx, tx, who, p, t, offer, follows, from); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) addMatter(ctx context.Context, tx *db.Tx, who identity.Customer, p *Project, t *catalogue.Type, offer *catalogue.Offer, follows string, from *surveyed) (*Matter, error) {
	now := d.Now()
	form, hash, err := d.Catalogue.Form(t.Form, "")
	if err != nil {
		return nil, err
	}
	number, err := nextNumber(ctx, tx, "A", now)
	if err != nil {
		return nil, err
	}
	m := &Matter{
		ID: db.NewID(), Number: number, Project: p.ID, Offer: offer.ID, Authority: offer.Authority, Type: t.ID, Kind: t.Kind,
		Way: offer.Way, Form: t.Form, FormHash: hash, Answers: from.tells(form, false).Given, Version: 1,
		Follows: follows, Name: p.Name, Place: p.Place, StartsAt: p.StartsAt, CreatedAt: now, ChangedAt: now,
	}
	if follows != "" {
		fill(form, m.Answers, "follows", follows)
	}
	if _, err := d.record(ctx, tx, m, who.Actor(), ledger.Applicant, DeedStarted, deedData{To: Draft, Offer: offer.ID, Form: m.FormHash, Follows: follows}); err != nil {
		return nil, err
	}
	return m, m.insert(ctx, tx)
}

// RemoveDraft takes a draft out of the project. What was sent stays.
func (d *Desk) RemoveDraft(ctx context.Context, who identity.Customer, id string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toWrite)
		if err != nil {
			return err
		}
		if m.Status != Draft {
			return fail.New(fail.Conflict, "matter.already_sent")
		}
		return d.forgetDraft(ctx, tx, m, who.Actor(), ledger.Applicant)
	})
}

// Readings lists who on the authorities' side looked at the project's matters,
// the last first, at most 200 (Information Management Act 906/2019, section 17).
func (d *Desk) Readings(ctx context.Context, who identity.Customer, project string) (all []ledger.Reading, rows []Row, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		if _, err := projectOf(ctx, tx, who, project, toSee); err != nil {
			return err
		}
		if rows, err = jointView(ctx, tx, project, who.ID, ""); err != nil {
			return err
		}
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		all, err = ledger.Readings(ctx, tx, ids, 200)
		return err
	})
	return all, rows, err
}

// ProjectRow is a project in a customer's list.
type ProjectRow struct {
	Project
	Matters, WaitsOnYou, Unread int64
}

// Projects lists the projects in which the customer is a member, or those of
// the one the customer acts for, the last changed first, at most 100. Their
// common data are not read.
func (d *Desk) Projects(ctx context.Context, who identity.Customer) (all []ProjectRow, err error) {
	of, asker := `SELECT m.project_id, m.role FROM members m JOIN projects q ON q.id = m.project_id
				WHERE m.person_id = $2 AND m.role <> 'mandated' ORDER BY q.changed_at DESC, q.id`, who.ID
	if who.For.ID != "" {
		of, asker = `SELECT q.id AS project_id, 'owner' AS role FROM projects q WHERE q.principal_id = $2 ORDER BY q.changed_at DESC, q.id`, who.For.ID
	}
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT `+projectAlone+`, mb.role,
				(SELECT COUNT(*) FROM matters m WHERE m.project_id = p.id),
				(SELECT COUNT(*) FROM matters m WHERE m.project_id = p.id AND m.status = 'to_complete'),
				(SELECT COUNT(*) FROM matters m LEFT JOIN seen s ON s.matter_id = m.id AND s.person_id = $1
				 WHERE m.project_id = p.id AND m.head_authority > COALESCE(s.n, 0))
			FROM  (`+of+` LIMIT 100) AS mb -- those are counted, not all
			JOIN   projects p ON p.id = mb.project_id
			ORDER BY p.changed_at DESC, p.id`, who.ID, asker)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var r ProjectRow
			var role string
			if err := scanProject(rows, &r.Project, &role, &r.Matters, &r.WaitsOnYou, &r.Unread); err != nil {
				return err
			}
			r.Role = Member(role)
			all = append(all, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return all, nil
}
