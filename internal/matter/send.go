package matter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/outbox"
)

// Submission is what was sent: sealed and never changed.
type Submission struct {
	ID, Matter string
	N          int64
	Body       string // the exact text that Hash is over
	Hash       string // SHA-256 of Body, hex: sha256sum of the downloaded file gives the same
	SentBy     string
	SentAt     time.Time
}

// SealedFile is an attachment in a sealed submission.
type SealedFile struct {
	ID          string `json:"id"`
	Field       string `json:"field"`
	Common      bool   `json:"common,omitempty"` // belongs to the project's common data
	Name        string `json:"name"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type"`
	SHA256      string `json:"sha256"`
}

// Sealed is the content of a submission's body.
type Sealed struct {
	Format string `json:"format"` // "luvat-submission-1"
	Matter struct {
		ID        string `json:"id"`
		Number    string `json:"number"`
		Type      string `json:"type"`
		Authority string `json:"authority"`
		Follows   string `json:"follows,omitempty"`
	} `json:"matter"`
	Project struct {
		ID           string `json:"id"`
		Number       string `json:"number"`
		Entity       string `json:"entity"`
		Municipality string `json:"municipality"`
	} `json:"project"`
	N           int64           `json:"n"`
	SentAt      string          `json:"sent_at"` // RFC 3339, UTC
	SentBy      string          `json:"sent_by"`
	OnBehalfOf  *OnBehalf       `json:"on_behalf_of,omitempty"` // the company or person the sender acted for
	Form        FormRef         `json:"form"`
	CommonForm  FormRef         `json:"common_form"`
	Common      json.RawMessage `json:"common"`
	Answers     json.RawMessage `json:"answers"`
	Attachments []SealedFile    `json:"attachments"`
}

// OnBehalf is whom the sender of a submission acted for, by a mandate that the
// hub had checked.
type OnBehalf struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"` // company, person
	Name       string `json:"name"`
	BusinessID string `json:"business_id,omitempty"` // of a company
}

// String names the company with its business id, or the person.
func (o OnBehalf) String() string {
	if o.BusinessID == "" {
		return o.Name
	}
	return o.Name + " (" + o.BusinessID + ")"
}

// Sender names who sent the submission and, if it was for another, for whom:
// name is the person's own, and stands alone where the body is gone.
func (s *Submission) Sender(l i18n.Lang, name string) string {
	body, err := s.Parse()
	if err != nil || body.OnBehalfOf == nil {
		return name
	}
	return i18n.T(l, "matter.sent_for", name, body.OnBehalfOf.String())
}

// FormRef names a version of a form.
type FormRef struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// Parse returns what the submission holds.
func (s *Submission) Parse() (*Sealed, error) {
	var out Sealed
	if err := json.Unmarshal([]byte(s.Body), &out); err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	return &out, nil
}

// CommonAnswers returns the common data of the submission.
func (s *Sealed) CommonAnswers() (forms.Answers, error) { return forms.ParseAnswers(s.Common) }

// MatterAnswers returns the matter's own data of the submission.
func (s *Sealed) MatterAnswers() (forms.Answers, error) { return forms.ParseAnswers(s.Answers) }

// Lack is what a matter lacks before it can be sent.
type Lack struct {
	Common  bool // in the project's common data, else in the matter's own form
	Problem forms.Problem
	Label   i18n.Text
}

// Incomplete says that a matter cannot be sent: all that lacks, at once.
type Incomplete struct {
	Matter string
	Lacks  []Lack
}

// Error names the fields, never what is in them.
func (i *Incomplete) Error() string {
	parts := make([]string, len(i.Lacks))
	for n, l := range i.Lacks {
		parts[n] = l.Problem.Error()
	}
	return "incomplete: " + strings.Join(parts, "; ")
}

// lacks tells all that hinders the sending of a matter.
func (d *Desk) lacks(m *Matter, p *Project) (all []Lack, form, common *forms.Form, err error) {
	if form, _, err = d.Catalogue.Form(m.Form, m.FormHash); err != nil {
		return nil, nil, nil, err
	}
	if common, err = d.commonForm(p); err != nil {
		return nil, nil, nil, err
	}
	needed, required := d.terms(m, form)
	paths := termPaths(common, needed)
	for _, problem := range common.Judge(p.stored, p.Answers) {
		top, _, _ := strings.Cut(problem.Path, ".")
		if slices.Contains(paths, top) {
			all = append(all, Lack{true, problem, common.LongLabel(problem.Path)})
		}
	}
	visible := sync.OnceValue(func() []string { return shown(common.Fields(p.Answers), nil) }) // seldom needed
	for _, path := range termPaths(common, required) {
		if v, _ := p.Answers.At(path); !empty(v) || !slices.Contains(visible(), path) || slices.ContainsFunc(all, func(l Lack) bool { return l.Problem.Path == path }) {
			continue
		}
		all = append(all, Lack{true, forms.Problem{Path: path, Key: "forms.required"}, common.Label(path)})
	}
	if m.Way == catalogue.Conditional {
		return all, form, common, nil // asked in the authority's own service
	}
	for _, problem := range form.Judge(m.stored, m.Answers) {
		all = append(all, Lack{false, problem, form.LongLabel(problem.Path)})
	}
	return all, form, common, nil
}

// terms returns what of the common data goes to the authority. To one that
// joined conditionally only which project it is goes: the rest is entered in
// its own service.
func (d *Desk) terms(m *Matter, form *forms.Form) (needed, required []string) {
	if m.Way == catalogue.Conditional {
		which := []string{"project.name", "place.municipality"}
		return which, which
	}
	return form.Common()
}

// termPaths returns where the common form keeps the terms it has.
func termPaths(common *forms.Form, terms []string) []string {
	at := common.Terms()
	var paths []string
	for _, t := range terms {
		if path := at[t]; path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

func shown(nodes []forms.Node, into []string) []string {
	for _, n := range nodes {
		if n.Path != "" {
			into = append(into, n.Path)
			continue
		}
		into = shown(n.Children, into)
	}
	return into
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	}
	return false
}

// Looked is a draft as the sender saw it.
type Looked struct {
	Matter  string
	Version int64 // of the matter's draft
	Common  int64 // version of the project's common data
}

// Send checks the drafts and sends them, each to its authority, all or none.
//
// Nothing leaves the hub here: notices are queued in the same transaction, so
// they go if and only if the matter is sent. A draft that lacks something is
// an *Incomplete; one that was changed since the sender looked is a Conflict,
// and the sender must look again.
func (d *Desk) Send(ctx context.Context, who identity.Customer, drafts []Looked) ([]Submission, error) {
	var sent []Submission
	err := d.prepared(ctx, func(tx *db.Tx) (func(*db.Tx) error, error) {
		if len(drafts) == 0 {
			return nil, fail.New(fail.Rejected, "matter.choose_what_to_send")
		}
		sent = sent[:0]
		var all []*sealed
		for _, look := range drafts {
			s, err := d.seal(ctx, tx, who, look, DeedSent)
			if err != nil {
				return nil, err
			}
			all, sent = append(all, s), append(sent, s.Submission)
		}
		return func(tx *db.Tx) error { return writeSealed(ctx, tx, all...) }, nil
	})
	return sent, err
}

// sealed is a submission that is checked, sealed and chained, and only has to
// be written.
type sealed struct {
	Submission
	matter  *Matter // as it will be
	project *Project
	sender  identity.Customer
	entry   ledger.Entry
	names   []string // of the applicant and the contact person, as they are sent
}

// seal finds the draft as the asker, checks it and makes its submission.
func (d *Desk) seal(ctx context.Context, tx *db.Tx, who identity.Customer, look Looked, deed string) (*sealed, error) {
	m, p, err := ownedBy(ctx, tx, who, look.Matter, toSend)
	if err != nil {
		return nil, err
	}
	to, err := movedTo(deed, m.Status, ledger.Applicant)
	if err != nil {
		return nil, err
	}
	if look.Version != m.Version || look.Common != p.Version {
		return nil, fail.New(fail.Conflict, "matter.changed_since_you_looked")
	}
	lacks, form, common, err := d.lacks(m, p)
	if err != nil {
		return nil, err
	}
	if len(lacks) > 0 {
		return nil, &Incomplete{m.ID, lacks}
	}
	s := &sealed{matter: m, project: p, sender: who, Submission: Submission{ID: db.NewID(), Matter: m.ID, SentBy: who.ID, SentAt: d.Now()}}
	if err := s.fill(ctx, tx, d, form, common); err != nil {
		return nil, err
	}
	s.entry, err = ledger.Prepare(ctx, tx, s.SentAt, ledger.MatterStream(m.ID), who.Actor(), ledger.Applicant, deed, deedData{To: to, Submission: s.ID, N: s.N, Hash: s.Hash, For: who.For.ID, Limit: d.settles(m, p, common)})
	if err != nil {
		return nil, err
	}
	if deed == DeedSent {
		m.SentAt = s.entry.Time()
	}
	m.Name, m.Place, m.StartsAt = p.Name, p.Place, p.StartsAt
	return s, m.follow(s.entry)
}

// writeSealed writes submissions and all that follows from them, if the matters
// and their projects are still as they were sealed and the sender may still
// send; else errMoved. Matters come before projects, as in an officer's deeds:
// in one order, nodes do not wait for each other in a ring.
func writeSealed(ctx context.Context, tx *db.Tx, all ...*sealed) error {
	for _, s := range all {
		if err := s.write(ctx, tx); err != nil {
			return err
		}
	}
	for i, s := range all {
		if i > 0 && s.project.ID == all[i-1].project.ID {
			continue
		}
		if err := s.project.touch(ctx, tx, s.sender, toSend, s.SentAt); err != nil {
			return err
		}
		if s.sender.For.ID == "" {
			continue
		}
		if err := keepMandated(ctx, tx, s.project.ID, s.sender.ID, s.SentAt); err != nil {
			return err
		}
	}
	return nil
}

func (s *sealed) write(ctx context.Context, tx *db.Tx) error {
	if err := ledger.Append(ctx, tx, s.entry); err != nil {
		return err
	}
	if err := s.matter.save(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO submissions (id, matter_id, n, body, hash, sent_by, sent_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.ID, s.Matter, s.N, s.Body, s.Hash, s.SentBy, db.Millis(s.SentAt)); err != nil {
		return fmt.Errorf("write the submission: %w", err)
	}
	if err := s.index(ctx, tx); err != nil { // of a completion too: names may have changed, and the old ones still find it
		return err
	}
	if s.entry.Deed == DeedCompleted {
		if _, err := tx.ExecContext(ctx, `UPDATE completion_requests SET answered_at = $1 WHERE matter_id = $2 AND answered_at = 0`, db.Millis(s.SentAt), s.Matter); err != nil {
			return fmt.Errorf("mark the request answered: %w", err)
		}
	}
	return outbox.Add(ctx, tx, s.SentAt, Notify{Matter: s.Matter, N: s.entry.N, Deed: s.entry.Deed, Audience: ToAuthority})
}

// fill makes the submission's text and hash. What the authority does not need
// of the common data does not go to it.
func (s *sealed) fill(ctx context.Context, tx *db.Tx, d *Desk, form, common *forms.Form) error {
	m, p := s.matter, s.project
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) + 1 FROM submissions WHERE matter_id = $1`, m.ID).Scan(&s.N); err != nil {
		return fmt.Errorf("number the submission: %w", err)
	}
	needed, _ := d.terms(m, form)
	shared := forms.Answers{}
	pruned := common.Prune(p.Answers)
	for _, path := range termPaths(common, needed) {
		if v, ok := pruned[path]; ok {
			shared[path] = v
		}
	}
	for _, path := range termPaths(common, byName) {
		if name, ok := shared[path].(string); ok {
			s.names = append(s.names, name)
		}
	}
	own := form.Prune(m.Answers)
	if m.Way == catalogue.Conditional {
		own = forms.Answers{}
	}
	var body Sealed
	body.Format, body.N, body.SentBy, body.SentAt = "luvat-submission-1", s.N, s.SentBy, s.SentAt.UTC().Format(time.RFC3339Nano)
	body.Matter.ID, body.Matter.Number, body.Matter.Type, body.Matter.Authority, body.Matter.Follows = m.ID, m.Number, m.Type, m.Authority, m.Follows
	body.Project.ID, body.Project.Number, body.Project.Entity, body.Project.Municipality = p.ID, p.Number, p.Entity, p.Municipality
	body.Form, body.CommonForm = FormRef{m.Form, m.FormHash}, FormRef{common.ID(), p.FormHash}
	if f := s.sender.For; f.ID != "" {
		body.OnBehalfOf = &OnBehalf{f.ID, string(f.Kind), f.Name, f.BusinessID}
	}
	var err error
	if body.Common, err = shared.Marshal(); err != nil {
		return err
	}
	if body.Answers, err = own.Marshal(); err != nil {
		return err
	}
	if body.Attachments, err = sealedFiles(ctx, tx, m, p, form, common, own, shared); err != nil {
		return err
	}
	if s.Body, err = sealedText(body); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(s.Body))
	s.Hash = hex.EncodeToString(sum[:])
	return nil
}

// sealedText writes the body. The answers are canonical JSON already and are put
// where they belong as they are: the encoder would read them twice more.
func sealedText(body Sealed) (string, error) {
	common, answers := string(body.Common), string(body.Answers)
	body.Common, body.Answers = nil, nil
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return "", fmt.Errorf("write the submission: %w", err)
	}
	head, rest, found := strings.Cut(strings.TrimSuffix(b.String(), "\n"), `"common":null,"answers":null`) // no text holds this: its quotes are escaped
	if !found {
		return "", errors.New("write the submission: its answers have no place")
	}
	return head + `"common":` + common + `,"answers":` + answers + rest, nil
}

// sealedFiles lists the attachments of the answers. Each must be whole,
// scanned, and this matter's or the project's own.
func sealedFiles(ctx context.Context, tx *db.Tx, m *Matter, p *Project, form, common *forms.Form, own, shared forms.Answers) ([]SealedFile, error) {
	ids := append(form.AttachmentIDs(own), common.AttachmentIDs(shared)...)
	files := []SealedFile{}
	if len(ids) == 0 {
		return files, nil
	}
	found, err := attach.ByIDs(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		i := slices.IndexFunc(found, func(a attach.Attachment) bool { return a.ID == id })
		if i < 0 || found[i].Project != p.ID || (found[i].Matter != m.ID && found[i].Matter != "") {
			return nil, fail.New(fail.Rejected, "matter.attachment_gone")
		}
		a := found[i]
		if a.State != attach.Ready {
			return nil, fail.New(fail.Rejected, "matter.attachment_not_ready", a.Name)
		}
		files = append(files, SealedFile{ID: a.ID, Field: a.Field, Common: a.Matter == "", Name: a.Name, Size: a.Size, ContentType: a.ContentType, SHA256: a.Hash})
	}
	return files, nil
}

// Withdraw takes a sent matter back. The authority is told by a notice.
func (d *Desk) Withdraw(ctx context.Context, who identity.Customer, id string) error {
	return d.do(ctx, func(tx *db.Tx) error {
		m, _, err := ownedBy(ctx, tx, who, id, toSend)
		if err != nil {
			return err
		}
		asked := m.Other
		e, err := d.step(ctx, tx, m, who.Actor(), ledger.Applicant, DeedWithdrawn, deedData{})
		if err != nil {
			return err
		}
		if err := m.save(ctx, tx); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, d.Now(), toldOf(m, e, asked, Notify{Matter: m.ID, N: e.N, Deed: DeedWithdrawn, Audience: ToAuthority})...)
	})
}

// toldOf adds to the notice of a matter's end the one to an authority whose
// statement is waited for no longer.
func toldOf(m *Matter, e ledger.Entry, asked string, n Notify) []outbox.Job {
	jobs := []outbox.Job{n}
	if asked != "" {
		jobs = append(jobs, Notify{Matter: m.ID, N: e.N, Deed: e.Deed, Audience: ToAuthority, Authority: asked})
	}
	return jobs
}
