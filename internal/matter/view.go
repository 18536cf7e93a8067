package matter

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/survey"
)

// Row is a matter in the joint view (asiakashankenäkymä): exactly what all
// members of the project and all its authorities see of every matter.
type Row struct {
	ID, Number string
	Type       string
	Authority  string
	Offer      *catalogue.Offer
	Kind       string
	Identifier string // "" until the authority has given one; optional
	Handler    string // the handler's name, "" until named
	Started    time.Time
	StatusAt   time.Time
	Status     Status
	Outcome    string
	Holder     Holder
	Other      string // the other authority that holds it
	Since, Due time.Time
	Version    int64
	Unread     bool // something of the other side that the asker has not seen
	Consented  bool
	Follows    string
	SentAt     time.Time
	Shared     bool   // with the asking officer's authority: see Desk.Share
	LimitClass string // of the statutory time limit, as it was last sent; see Count
	LimitAt    time.Time
}

// jointView reads the rows of a project for a reader: for an authority without
// the drafts that are not its own to see, "" for the applicant.
func jointView(ctx context.Context, tx *db.Tx, project, reader string, authority string) ([]Row, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT m.id, m.number, m.type_id, m.authority_id, m.offer_id, m.kind, m.identifier, COALESCE(p.name, ''), m.started_at, m.status_at,
			m.status, m.outcome, m.holder, m.other_authority, m.holder_since, m.due_at, m.version, m.consent_at, m.follows_id, m.sent_at, m.limit_class, m.limit_at,
			m.head_applicant, m.head_authority, COALESCE(s.n, 0)
		FROM matters m
		LEFT JOIN people p ON p.id = m.handler_id
		LEFT JOIN seen s ON s.matter_id = m.id AND s.person_id = $1
		WHERE m.project_id = $2 ORDER BY m.created_at, m.id`, reader, project)
	if err != nil {
		return nil, fmt.Errorf("read the joint view: %w", err)
	}
	var all []Row
	offers := map[int]string{}
	err = rows.Each(func() error {
		var r Row
		var offer, status, holder string
		var started, statusAt, since, due, consent, sent, limitAt, applicant, byAuthority, seen int64
		if err := rows.Scan(&r.ID, &r.Number, &r.Type, &r.Authority, &offer, &r.Kind, &r.Identifier, &r.Handler, &started, &statusAt,
			&status, &r.Outcome, &holder, &r.Other, &since, &due, &r.Version, &consent, &r.Follows, &sent, &r.LimitClass, &limitAt, &applicant, &byAuthority, &seen); err != nil {
			return err
		}
		r.Status, r.Holder = Status(status), Holder(holder)
		r.Started, r.StatusAt, r.Since, r.Due, r.SentAt = db.Time(started), db.Time(statusAt), db.Time(since), db.Time(due), db.Time(sent)
		r.LimitAt, r.Consented = db.Time(limitAt), consent != 0
		if authority == "" {
			r.Unread = byAuthority > seen
		} else {
			if r.Status == Draft && (!r.Consented || r.Authority != authority) {
				return nil // a draft is the applicant's own
			}
			r.Unread = r.Authority == authority && applicant > seen
		}
		offers[len(all)] = offer
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the joint view: %w", err)
	}
	known, err := catalogue.FindOffers(ctx, tx, slices.Compact(slices.Sorted(maps.Values(offers))))
	if err != nil {
		return nil, err
	}
	for i, id := range offers {
		all[i].Offer = known[id]
	}
	return all, nil
}

// ProjectView is a project as one of its members sees it.
type ProjectView struct {
	Project
	Rows        []Row
	Limit       *Count // the statutory time limit, nil where there is none
	Members     []MemberRow
	Invitations []Invitation
	Lacks       map[string][]Lack // of drafts and of matters to be completed, by matter
	CommonFiles []attach.Attachment
	Found       map[string]survey.Finding // by the survey it began from, by matter type
	FromSurvey  FromSurvey                // what that tells the common data
}

// Project shows a project to a member.
func (d *Desk) Project(ctx context.Context, who identity.Customer, id string) (v *ProjectView, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		p, err := projectOf(ctx, tx, who, id, toSee)
		if err != nil {
			return err
		}
		v = &ProjectView{Project: *p, Lacks: map[string][]Lack{}}
		if v.Rows, err = jointView(ctx, tx, id, who.ID, ""); err != nil {
			return err
		}
		if v.Limit, err = d.count(p, v.Rows); err != nil {
			return err
		}
		if v.Members, err = membersOf(ctx, tx, id); err != nil {
			return err
		}
		if v.Invitations, err = invitationsOf(ctx, tx, id, d.Now()); err != nil {
			return err
		}
		if v.CommonFiles, err = attach.OfProject(ctx, tx, id); err != nil {
			return err
		}
		if err := d.recall(ctx, tx, v); err != nil {
			return err
		}
		drafts, err := draftsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, m := range drafts {
			if v.Lacks[m.ID], _, _, err = d.lacks(m, p); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

func draftsOf(ctx context.Context, tx *db.Tx, project string) ([]*Matter, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+matterColumns+` FROM matters WHERE project_id = $1 AND status IN ('draft', 'to_complete')`, project)
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	var all []*Matter
	err = rows.Each(func() error {
		var m Matter
		if err := scanMatter(rows, &m); err != nil {
			return err
		}
		all = append(all, &m)
		return nil
	})
	return all, err
}

// View is a matter with all that its page shows.
type View struct {
	Matter
	Project     *Project
	Offer       *catalogue.Offer
	Form        *forms.Form // the version the matter has
	Common      *forms.Form
	HandlerName string
	Events      []Event
	Submissions []Submission
	Requests    []Request
	Messages    []Message
	Names       map[string]string // of the people in messages and requests
	Files       []attach.Attachment
	CommonFiles []attach.Attachment
	Decision    *Decision
	Lacks       []Lack
	Unchanged   bool           // to be completed, and nothing differs from what was sent last
	Found       survey.Finding // of a draft: why the survey called for it, if it did
	FromSurvey  FromSurvey     // of a draft: what the survey's answers tell its form
	Joint       []Row          // the whole project
	Limit       *Count         // the project's statutory time limit, nil where there is none
	Earlier     *Row           // the matter it follows
	NewerForm   bool           // a newer version of the form is there: offered, never forced
	Seen        int64          // up to which entry the reader had seen it before
	Others      []string       // other authorities of the project: officers only
	Colleagues  []identity.Person
	Notices     []Notice  // officers only: proof of what was sent, opened and acted upon
	Shares      []Shared  // with whom the applicant shares what was sent
	ShareWith   []string  // with whom it can be shared yet: the applicant only
	Guest       bool      // the reader's authority is another than the matter's
	InThread    bool      // a guest: there is a thread with it
	SharedAt    time.Time // a guest: since when the applicant shares with it what was sent; zero when not
}

// OpenRequest returns the request that waits for a completion, or nil.
func (v *View) OpenRequest() *Request {
	for i := range v.Requests {
		if v.Requests[i].Answered.IsZero() && v.Status == ToComplete {
			return &v.Requests[i]
		}
	}
	return nil
}

// Matter shows a matter to a member of its project.
func (d *Desk) Matter(ctx context.Context, who identity.Customer, id string) (v *View, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		m, p, err := ownedBy(ctx, tx, who, id, toSee)
		if err != nil {
			return err
		}
		v, err = d.view(ctx, tx, m, p, []string{ApplicantThread}, who.ID, "")
		if err != nil {
			return err
		}
		if m.Status == Draft || m.Status == ToComplete {
			if v.Lacks, _, _, err = d.lacks(m, p); err != nil {
				return err
			}
		}
		if m.Status == ToComplete && len(v.Submissions) > 0 {
			if v.Unchanged, err = d.unchanged(m, p, &v.Submissions[len(v.Submissions)-1]); err != nil {
				return err
			}
		}
		if v.ShareWith, err = m.mayShareWith(ctx, tx, v.Shares); err != nil {
			return err
		}
		if err := lookedAt(ctx, tx, m.ID, v.Shares); err != nil {
			return err
		}
		return d.recallDraft(ctx, tx, v)
	})
	return v, err
}

// Paper shows a matter as saving its draft needs it: the matter, its project
// without the common data, and its form. The rest of the View is empty.
func (d *Desk) Paper(ctx context.Context, who identity.Customer, id string) (v *View, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		m, p, err := ownedIn(ctx, tx, projectAlone, who, id, toSee)
		if err != nil {
			return err
		}
		v = &View{Matter: *m, Project: p}
		v.Form, _, err = d.Catalogue.Form(m.Form, m.FormHash)
		return err
	})
	return v, err
}

func (d *Desk) view(ctx context.Context, tx *db.Tx, m *Matter, p *Project, threads []string, reader, authority string) (*View, error) {
	v := &View{Matter: *m, Project: p}
	var err error
	step := func(fn func() error) {
		if err == nil {
			err = fn()
		}
	}
	step(func() (e error) { v.Form, _, e = d.Catalogue.Form(m.Matter().Form, m.FormHash); return })
	step(func() (e error) { v.Common, e = d.commonForm(p); return })
	step(func() (e error) { v.Offer, e = catalogue.FindOffer(ctx, tx, m.Offer); return })
	step(func() (e error) { v.Events, e = timeline(ctx, tx, ledger.MatterStream(m.ID), threads); return })
	step(func() (e error) { v.Submissions, e = submissionsOf(ctx, tx, m.ID); return })
	step(func() (e error) { v.Requests, e = requestsOf(ctx, tx, m.ID); return })
	step(func() (e error) { v.Messages, e = messagesOf(ctx, tx, m.ID, threads); return })
	step(func() (e error) { v.Files, e = attach.OfMatter(ctx, tx, m.ID); return })
	step(func() (e error) { v.CommonFiles, e = attach.OfProject(ctx, tx, p.ID); return })
	step(func() (e error) { v.Shares, e = sharesOf(ctx, tx, m.ID); return })
	step(func() (e error) { v.Decision, e = decisionOf(ctx, tx, m.ID); return })
	step(func() (e error) { v.Joint, e = jointView(ctx, tx, p.ID, reader, authority); return })
	step(func() (e error) { v.Limit, e = d.count(p, v.Joint); return })
	step(func() (e error) { v.Seen, e = seenBy(ctx, tx, reader, m.ID); return })
	step(func() (e error) { v.Names, e = identity.Names(ctx, tx, v.people()); return })
	if err != nil {
		return nil, err
	}
	v.HandlerName = v.Names[m.Handler]
	v.NewerForm = m.Status == Draft && d.Catalogue.CurrentForm(m.Matter().Form) != m.FormHash
	for i := range v.Joint {
		if v.Joint[i].ID == m.Follows {
			v.Earlier = &v.Joint[i]
		}
	}
	return v, nil
}

// Matter returns the matter itself, where View hides its fields by its own.
func (m *Matter) Matter() *Matter { return m }

func (v *View) people() []string {
	ids := []string{v.Handler}
	for _, m := range v.Messages {
		ids = append(ids, m.Person)
	}
	for _, r := range v.Requests {
		ids = append(ids, r.AskedBy)
	}
	for _, s := range v.Submissions {
		ids = append(ids, s.SentBy)
	}
	if v.Decision != nil {
		ids = append(ids, v.Decision.By)
	}
	return ids
}

func requestsOf(ctx context.Context, tx *db.Tx, matter string) ([]Request, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, n, fields, text, due_at, asked_by, asked_at, answered_at FROM completion_requests WHERE matter_id = $1 ORDER BY n`, matter)
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	var all []Request
	err = rows.Each(func() error {
		var r Request
		var fields string
		var due, asked, answered int64
		if err := rows.Scan(&r.ID, &r.N, &fields, &r.Text, &due, &r.AskedBy, &asked, &answered); err != nil {
			return err
		}
		r.Due, r.AskedAt, r.Answered = db.Time(due), db.Time(asked), db.Time(answered)
		all = append(all, r)
		return json.Unmarshal([]byte(fields), &all[len(all)-1].Fields)
	})
	return all, err
}

func decisionOf(ctx context.Context, tx *db.Tx, matter string) (*Decision, error) {
	rows, err := tx.QueryContext(ctx, `SELECT outcome, text, decided_by, decided_at FROM decisions WHERE matter_id = $1`, matter)
	if err != nil {
		return nil, fmt.Errorf("read the decision: %w", err)
	}
	var found *Decision
	err = rows.Each(func() error {
		var dec Decision
		var at int64
		if err := rows.Scan(&dec.Outcome, &dec.Text, &dec.By, &at); err != nil {
			return err
		}
		dec.At = db.Time(at)
		found = &dec
		return nil
	})
	return found, err
}

func seenBy(ctx context.Context, tx *db.Tx, person, matter string) (n int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT n FROM seen WHERE person_id = $1 AND matter_id = $2`, person, matter)
	if err != nil {
		return 0, fmt.Errorf("read what was seen: %w", err)
	}
	err = rows.Each(func() error { return rows.Scan(&n) })
	return n, err
}

func markSeen(ctx context.Context, tx *db.Tx, person, matter string, n int64, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO seen (person_id, matter_id, n, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (person_id, matter_id) DO UPDATE SET n = excluded.n, at = excluded.at WHERE seen.n < excluded.n`,
		person, matter, n, db.Millis(now))
	if err != nil {
		return fmt.Errorf("mark seen: %w", err)
	}
	return nil
}

// Seen notes that the customer has seen the matter up to entry n.
func (d *Desk) Seen(ctx context.Context, who identity.Customer, id string, n int64) error {
	return d.DB.InTx(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toSee)
		if err != nil {
			return err
		}
		return markSeen(ctx, tx, who.ID, m.ID, min(n, m.N), d.Now())
	})
}

// Handled shows a matter to an officer of its authority, or to an officer of
// another authority that was written to in it or with which the applicant shares
// it: see guest. It is noted who looked and why, and the notices of the matter
// are opened.
func (d *Desk) Handled(ctx context.Context, who identity.Officer, id string) (v *View, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		m, err := handledBy(ctx, tx, who, id)
		if fail.Is(err, fail.NotFound) {
			v, err = d.guest(ctx, tx, who, id)
			return err
		}
		if err != nil {
			return err
		}
		p, err := findProject(ctx, tx, m.Project)
		if err != nil {
			return err
		}
		p.asSent(m)
		if v, err = d.view(ctx, tx, m, p, nil, who.ID, who.Authority); err != nil {
			return err
		}
		d.narrow(v)
		if err = markShared(ctx, tx, who, p.ID, v.Joint); err != nil {
			return err
		}
		if v.Others, err = authoritiesOf(ctx, tx, p.ID); err != nil {
			return err
		}
		v.Others = slices.DeleteFunc(v.Others, func(a string) bool { return a == who.Authority })
		if v.Colleagues, err = identity.Colleagues(ctx, tx, d.Now(), who.Authority, m.Type); err != nil {
			return err
		}
		v.Notices, err = noticesOf(ctx, tx, m.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, d.looked(ctx, who, v)
}

// narrow takes from a view what is not the authority's: of a consented draft it
// sees what it would get, of anything else what was sent.
func (d *Desk) narrow(v *View) {
	own, common := forms.Answers{}, forms.Answers{}
	if v.Status == Draft {
		needed, _ := d.terms(&v.Matter, v.Form)
		for _, path := range termPaths(v.Common, needed) {
			if x, ok := v.Project.Answers[path]; ok {
				common[path] = x
			}
		}
		if v.Way != catalogue.Conditional {
			own = v.Answers
		}
	}
	v.Answers, v.Project.Answers = own, common
}
