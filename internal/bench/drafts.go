package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

// What a submission is.
const (
	sentType    = "muni-food" // its form has long texts and an attachment
	fileField   = "att1"
	answerBytes = 5 << 10
	fileBytes   = 20 << 10
)

// drafts makes drafts ready to be sent: one is made by the hub's own verbs,
// the others are copies of its rows with identifiers of their own.
type drafts struct {
	hub     *Hub
	senders []identity.Customer
	project []any // the first one's columns, to copy
	matter  []any
	own     forms.Answers // without the attachment
	ownText string
	common  string
	made    atomic.Int64

	form, send form // what the pages would post
	sample     sample
}

// A draft is one that waits to be sent by its sender.
type draft struct {
	project, matter, number string
	sender                  int
}

const (
	projectCopied = `entity, municipality, name, place, starts_at, survey_id, form_hash, version`
	matterCopied  = `offer_id, authority_id, type_id, kind, way, form_id, form_hash, version, status, holder`
)

func newDrafts(ctx context.Context, h *Hub) (*drafts, error) {
	d := &drafts{hub: h}
	err := h.DB.InTx(ctx, func(tx *db.Tx) error {
		for i := range 64 {
			p := identity.Person{ID: fmt.Sprintf("bench-sender-%02d", i), Name: "Lähettäjä", Email: "lahettaja@example.fi", Lang: i18n.FI}
			d.senders = append(d.senders, identity.Customer{Person: p})
			if err := identity.SavePerson(ctx, tx, time.Now(), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	who := d.senders[0]
	project, err := h.Desk.StartProject(ctx, who, matter.NewProject{Entity: "event", Municipality: strings.TrimPrefix(bigOne, "muni-"), Name: "Kesäkonsertti", Types: []string{sentType}})
	if err != nil {
		return nil, err
	}
	v, err := h.Desk.Project(ctx, who, project)
	if err != nil {
		return nil, err
	}
	m, err := h.Desk.Matter(ctx, who, v.Rows[0].ID)
	if err != nil {
		return nil, err
	}
	common, err := m.Common.Example(v.Answers, true, nil)
	if err != nil {
		return nil, err
	}
	if _, err := h.Desk.SaveCommon(ctx, who, project, v.Version, common); err != nil {
		return nil, err
	}
	if d.own, err = longAnswers(m.Form); err != nil {
		return nil, err
	}
	if _, err := h.Desk.SaveDraft(ctx, who, m.ID, m.Version, d.own); err != nil {
		return nil, err
	}
	own, err := d.own.Marshal()
	if err != nil {
		return nil, err
	}
	all, err := common.Marshal()
	if err != nil {
		return nil, err
	}
	d.ownText, d.common = string(own), string(all)
	return d, d.read(ctx, project, m.ID)
}

// longAnswers fills the form with answers of five kilobytes, without the
// attachment.
func longAnswers(f *forms.Form) (forms.Answers, error) {
	a, err := f.Example(nil, true, func(string) string { return db.NewID() })
	if err != nil {
		return nil, err
	}
	delete(a, fileField)
	text := "Ääntä mitataan lavan edessä ja lähimmän asuintalon pihalla koko illan ajan. "
	for _, n := range f.Fields(a) {
		for _, c := range append(n.Children, n) {
			body, err := a.Marshal()
			if err != nil {
				return nil, err
			}
			if c.Widget == forms.WidgetLongText && len(body) < answerBytes {
				a[c.Name] = strings.TrimSpace(strings.Repeat(text, min(3500, answerBytes-len(body))/len(text)+1))
			}
		}
	}
	if ps := f.CheckDraft(a); len(ps) > 0 {
		return nil, ps
	}
	return a, nil
}

// read keeps the columns that the copies share.
func (d *drafts) read(ctx context.Context, project, id string) error {
	return d.hub.DB.View(ctx, func(tx *db.Tx) error {
		d.project, d.matter = make([]any, strings.Count(projectCopied, ",")+1), make([]any, strings.Count(matterCopied, ",")+1)
		for _, q := range []struct {
			into        []any
			columns, of string
			id          string
		}{{d.project, projectCopied, "projects", project}, {d.matter, matterCopied, "matters", id}} {
			dest := make([]any, len(q.into))
			for i := range dest {
				dest[i] = &q.into[i]
			}
			if err := tx.QueryRowContext(ctx, `SELECT `+q.columns+` FROM `+q.of+` WHERE id = $1`, q.id).Scan(dest...); err != nil {
				return err
			}
		}
		return nil
	})
}

// make writes n drafts, spread over the senders.
func (d *drafts) make(ctx context.Context, n, senders int) ([]draft, error) {
	all := make([]draft, 0, n)
	for len(all) < n {
		part := make([]draft, 0, 500)
		for range min(500, n-len(all)) {
			x := d.made.Add(1)
			part = append(part, draft{project: db.NewID(), matter: db.NewID(), number: fmt.Sprintf("2018-%d", 100000+x), sender: int(x) % senders})
		}
		err := d.hub.DB.InTx(ctx, func(tx *db.Tx) error {
			for _, x := range part {
				if err := d.write(ctx, tx, x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("write drafts: %w", err)
		}
		all = append(all, part...)
	}
	return all, nil
}

func (d *drafts) write(ctx context.Context, tx *db.Tx, x draft) error {
	who, now := d.senders[x.sender], time.Now()
	at := now.UnixMilli()
	statements := []struct {
		text string
		args []any
	}{
		{
			`INSERT INTO projects (id, number, created_by, created_at, changed_at, ` + projectCopied + `) VALUES (` + db.In(0, 5+len(d.project)) + `)`,
			append([]any{x.project, "H" + x.number, who.ID, at, at}, d.project...),
		},
		{`INSERT INTO members (project_id, person_id, role, since) VALUES ($1, $2, 'owner', $3)`, []any{x.project, who.ID, at}},
		{
			`INSERT INTO matters (id, number, project_id, status_at, holder_since, sort_at, head, head_applicant, created_at, changed_at, ` + matterCopied + `) VALUES (` + db.In(0, 10+len(d.matter)) + `)`,
			append([]any{x.matter, "A" + x.number, x.project, at, at, at, int64(1), int64(1), at, at}, d.matter...),
		},
		{`INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at) VALUES ($1, 1, '{}', '', $2), ($3, 2, $4, $5, $6)`, []any{x.matter, at, x.matter, d.ownText, who.ID, at}},
		{`INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at) VALUES ($1, 1, '{}', '', $2), ($3, 2, $4, $5, $6)`, []any{x.project, at, x.project, d.common, who.ID, at}},
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	if _, err := ledger.Record(ctx, tx, now, ledger.ProjectStream(x.project), who.Actor(), ledger.Applicant, matter.DeedProjectStarted, struct{}{}); err != nil {
		return err
	}
	_, err := ledger.Record(ctx, tx, now, ledger.MatterStream(x.matter), who.Actor(), ledger.Applicant, matter.DeedStarted,
		map[string]any{"to": matter.Draft, "offer": catalogue.OfferID(bigOne, sentType)})
	return err
}

// attachment returns 20 KB that nobody sent before: a PDF by its first bytes.
func attachment() []byte {
	b := make([]byte, fileBytes)
	copy(b, "%PDF-1.7\n")
	for i := 9; i+8 <= len(b); i += 8 {
		x := rand.Uint64()
		for k := range 8 {
			b[i+k] = byte(x >> (8 * k))
		}
	}
	return b
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// learn reads the two pages that a sender posts, so that what is posted is
// what a browser would post.
func (d *drafts) learn(ctx context.Context, addr string) error {
	one, err := d.make(ctx, 1, 1)
	if err != nil {
		return err
	}
	cookie, err := signIn(ctx, d.hub.Sessions, d.senders[0].ID, identity.Hat{Role: identity.RoleCustomer})
	if err != nil {
		return err
	}
	c := &client{addr: addr, cookie: cookie}
	defer c.close()
	if d.form, err = c.form("/matters/" + one[0].matter + "/form"); err != nil {
		return err
	}
	d.form.template(one[0])
	kind, body := d.formBody(one[0], attachment())
	status, _, err := c.quick("POST", "/matters/"+one[0].matter+"/form", kind, body)
	if err := expect("save the form with its attachment", 303, status, err); err != nil {
		return err
	}
	d.send, err = c.form("/projects/" + one[0].project + "/send") // as it is after that
	d.send.template(one[0])
	return err
}

// form reads the form of a page.
func (c *client) form(path string) (form, error) {
	got, err := c.get(path)
	if err != nil {
		return form{}, err
	}
	f := readForm(got.body)
	f.fields = slices.DeleteFunc(f.fields, func(x field) bool { return x.file })
	if got.status != 200 || len(f.fields) == 0 {
		return form{}, fmt.Errorf("%s answers %d with %d fields", path, got.status, len(f.fields))
	}
	return f, nil
}

// formBody is the posted form of a draft with its attachment.
func (d *drafts) formBody(x draft, file []byte) (contentType string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range d.form.fields {
		_ = w.WriteField(x.in(f.name), x.in(f.value))
	}
	part, _ := w.CreateFormFile("_file."+fileField, "kartta.pdf") // into memory: it does not fail
	_, _ = part.Write(file)
	_ = w.WriteField("_next", "1")
	_ = w.Close()
	return w.FormDataContentType(), b.Bytes()
}

func (d *drafts) sendBody(x draft) []byte {
	v := url.Values{}
	for _, f := range d.send.fields {
		name, value := x.in(f.name), x.in(f.value)
		v.Add(name, value)
	}
	return []byte(v.Encode())
}
