package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// tables are those that a submission writes to.
var tables = []string{"attachments", "draft_versions", "submissions", "ledger", "words", "outbox"}

// sample is what the rows of one submission look like: the bare loop writes
// rows of the same number and the same length.
type sample struct {
	Body, Data, Payload string
	Words               []string
	Answers             string
	Rows                map[string]int64 // by table; the matter, the project and the ledger's head are updated besides
}

// pool hands out drafts.
type pool struct {
	all  []draft
	next atomic.Int64
}

func (p *pool) take() (draft, bool) {
	i := int(p.next.Add(1)) - 1
	if i >= len(p.all) {
		return draft{}, false
	}
	return p.all[i], true
}

// submissions measures sending: through the pages, through the verbs alone,
// and by a bare loop.
func (r *run) submissions(ctx context.Context, s *Size) error {
	if err := r.learnSample(ctx); err != nil {
		return err
	}
	pages, verbs, bare := &pool{}, &pool{}, &pool{}
	fill := func(p *pool, rate float64) func(context.Context) error {
		return func(ctx context.Context) error { // as many as the turn can use up
			var err error
			if last := float64(p.next.Load()) / (r.Each.Seconds()/turns + .1); p.all != nil && last > rate/2 {
				rate = last * 2
			}
			p.all, err = r.drafts.make(ctx, int(rate*r.Each.Seconds()/turns)+200, r.Senders)
			p.next.Store(0)
			return err
		}
	}
	loads := []load{
		{workers: r.Senders, fn: r.bareSend(bare), before: fill(bare, 4000), profile: "bare-" + strconv.Itoa(s.Matters)},
		{workers: r.Senders, fn: r.verbSend(verbs), before: fill(verbs, 2500), profile: "verbs-" + strconv.Itoa(s.Matters)},
	}
	if r.hub.Handler != nil {
		send, answers, closeAll, err := r.pageSend(ctx, pages)
		if err != nil {
			return err
		}
		defer closeAll()
		defer func() { s.Answers = answers() }()
		loads = append(loads, load{workers: r.Senders, fn: send, before: fill(pages, 1500), profile: "pages-" + strconv.Itoa(s.Matters)})
	}
	got, err := r.compare(ctx, loads...)
	if err != nil {
		return err
	}
	s.Bare.Submit, s.Verbs = got[0], got[1]
	if len(got) > 2 {
		s.Hub.Submit = got[2]
	}
	s.Rows = r.drafts.sample.Rows
	return r.busySubmissions(ctx, s)
}

// busySubmissions measures the pages once more while the outbox is worked, as
// it is in a running hub: then the notices of what is sent are written too.
func (r *run) busySubmissions(ctx context.Context, s *Size) error {
	if r.hub.Handler == nil || r.hub.Work == nil {
		return nil
	}
	if err := r.forgetJobs(ctx); err != nil { // those of before are no part of it
		return err
	}
	p := &pool{}
	var err error
	if p.all, err = r.drafts.make(ctx, int(max(500, 2*s.Hub.Submit.PerSecond)*r.Each.Seconds()/2), r.Senders); err != nil {
		return err
	}
	send, _, closeAll, err := r.pageSend(ctx, p)
	if err != nil {
		return err
	}
	defer closeAll()
	working, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.hub.Work(working) })
	var t tally
	err = t.drive(ctx, r.Senders, r.Each/2, send)
	cancel()
	wg.Wait()
	s.Busy = t.figures()
	return errors.Join(err, r.hub.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE state = 'done'`).Scan(&s.Worked)
	}), r.forgetJobs(ctx))
}

func (r *run) forgetJobs(ctx context.Context) error {
	return r.hub.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM outbox`)
		return err
	})
}

// pageSend sends as a person does: the form with its attachment, then the page
// of sending. answers tells how long each of the two was waited for.
func (r *run) pageSend(ctx context.Context, p *pool) (fn func(context.Context, int, int) error, answers func() Waits, closeAll func(), err error) {
	cookies := make([]string, r.Senders)
	for i := range cookies {
		if cookies[i], err = signIn(ctx, r.hub.Sessions, r.drafts.senders[i].ID, identity.Hat{Role: identity.RoleCustomer}); err != nil {
			return nil, nil, nil, err
		}
	}
	saved, sent := make([][]time.Duration, r.Senders), make([][]time.Duration, r.Senders)
	clients := make([]*client, r.Senders)
	for i := range clients {
		clients[i] = &client{addr: r.addr}
	}
	return func(_ context.Context, worker, _ int) error {
			x, ok := p.take()
			if !ok {
				return errDone
			}
			c := clients[worker]
			c.cookie = cookies[x.sender]
			kind, body := r.drafts.formBody(x, attachment())
			began := time.Now()
			status, _, err := c.quick("POST", "/matters/"+x.matter+"/form", kind, body)
			if err := expect("save the form with its attachment", 303, status, err); err != nil {
				return err
			}
			between := time.Now()
			status, _, err = c.quick("POST", "/projects/"+x.project+"/send", "application/x-www-form-urlencoded", r.drafts.sendBody(x))
			saved[worker], sent[worker] = append(saved[worker], between.Sub(began)), append(sent[worker], time.Since(between))
			return expect("send", 303, status, err)
		}, func() Waits {
			return Waits{Saved: waited(saved), Sent: waited(sent)}
		}, func() {
			for _, c := range clients {
				c.close()
			}
		}, nil
}

// verbSend does what the two pages do, by the desk's verbs.
func (r *run) verbSend(p *pool) func(context.Context, int, int) error {
	return func(ctx context.Context, _, _ int) error {
		x, ok := p.take()
		if !ok {
			return errDone
		}
		return r.drafts.sendByVerbs(ctx, x, attachment())
	}
}

func (d *drafts) sendByVerbs(ctx context.Context, x draft, file []byte) error {
	who := d.senders[x.sender]
	a, err := d.hub.Files.Land(ctx, attach.New{
		Project: x.project, Matter: x.matter, Place: attach.Answer, Field: fileField, Name: "kartta.pdf", Size: -1,
		UploadedBy: who.ID, Side: "applicant",
	}, bytes.NewReader(file))
	if err != nil {
		return err
	}
	own := forms.Answers{fileField: []any{a.ID}}
	for k, v := range d.own {
		own[k] = v
	}
	if _, err := d.hub.Desk.SaveDraft(ctx, who, x.matter, 2, own, a); err != nil {
		return err
	}
	_, err = d.hub.Desk.Send(ctx, who, []matter.Looked{{Matter: x.matter, Version: 3, Common: 2}})
	return err
}

// learnSample sends one draft by the verbs and keeps what that wrote.
func (r *run) learnSample(ctx context.Context) error {
	one, err := r.drafts.make(ctx, 1, 1)
	if err != nil {
		return err
	}
	before, err := r.count(ctx)
	if err != nil {
		return err
	}
	x := one[0]
	if err := r.drafts.sendByVerbs(ctx, x, attachment()); err != nil {
		return fmt.Errorf("send one: %w", err)
	}
	after, err := r.count(ctx)
	if err != nil {
		return err
	}
	s := &r.drafts.sample
	s.Rows, s.Words = map[string]int64{}, nil
	for _, t := range tables {
		s.Rows[t] = after[t] - before[t]
	}
	return r.hub.DB.View(ctx, func(tx *db.Tx) error {
		for _, q := range []struct {
			into     *string
			text, id string
		}{
			{&s.Body, `SELECT body FROM submissions WHERE matter_id = $1`, x.matter},
			{&s.Answers, `SELECT answers FROM draft_versions WHERE subject = $1 AND version = 3`, x.matter},
			{&s.Data, `SELECT data FROM ledger WHERE stream = $1 AND n = 2`, "matter:" + x.matter},
			{&s.Payload, `SELECT payload FROM outbox WHERE payload LIKE $1 LIMIT 1`, "%" + x.matter + "%"},
		} {
			if err := tx.QueryRowContext(ctx, q.text, q.id).Scan(q.into); err != nil {
				return fmt.Errorf("read what was written: %s: %w", q.text, err)
			}
		}
		rows, err := tx.QueryContext(ctx, `SELECT word FROM words WHERE offer_id = $1 AND matter_id = $2`, catalogue.OfferID(bigOne, sentType), x.matter)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var w string
			err := rows.Scan(&w)
			s.Words = append(s.Words, w)
			return err
		})
	})
}

// count counts the rows of the tables.
func (r *run) count(ctx context.Context) (map[string]int64, error) {
	all := map[string]int64{}
	return all, r.hub.DB.View(ctx, func(tx *db.Tx) error {
		for _, t := range tables {
			var n int64
			if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+t).Scan(&n); err != nil {
				return err
			}
			all[t] = n
		}
		return nil
	})
}

// bareSend writes the same rows and the same file without anything else.
func (r *run) bareSend(p *pool) func(context.Context, int, int) error {
	dir := filepath.Join(r.Data, "bare")
	var made sync.Once
	return func(ctx context.Context, _, _ int) error {
		var err error
		made.Do(func() { err = makeBareFolders(dir) })
		if err != nil {
			return err
		}
		x, ok := p.take()
		if !ok {
			return errDone
		}
		file := attachment()
		hash := hashOf(file)
		if err := bareFile(dir, x.matter, hash, file); err != nil {
			return err
		}
		return r.hub.DB.InTx(ctx, func(tx *db.Tx) error { return r.drafts.bareRows(ctx, tx, x, hash) })
	}
}

func makeBareFolders(dir string) error {
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// bareFile lands a file: written, flushed, renamed, its folder flushed.
func bareFile(dir, id, hash string, file []byte) error {
	from, folder := filepath.Join(dir, id), filepath.Join(dir, hash[:2])
	f, err := os.OpenFile(from, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(file)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(from, filepath.Join(folder, hash[2:])); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// bareRows writes the rows of one submission, each once, in its last state.
func (d *drafts) bareRows(ctx context.Context, tx *db.Tx, x draft, hash string) error {
	s := &d.sample
	at, by, id, key := time.Now().UnixMilli(), d.senders[x.sender].ID, db.NewID(), db.NewID()
	offer := catalogue.OfferID(bigOne, sentType)
	words, args := make([]string, len(s.Words)), []any{offer, x.matter}
	for i, w := range s.Words {
		args = append(args, w)
		words[i] = "($1, $" + strconv.Itoa(i+3) + ", $2)"
	}
	for _, q := range []struct {
		text string
		args []any
	}{
		{
			`INSERT INTO attachments (id, project_id, matter_id, place, field, name, size, received, content_type, hash, state, uploaded_by, side, created_at)
			VALUES ($1, $2, $3, 'answer', $4, 'kartta.pdf', $5, $6, 'application/pdf', $7, 'ready', $8, 'applicant', $9)`,
			[]any{id, x.project, x.matter, fileField, int64(fileBytes), int64(fileBytes), hash, by, at},
		},
		{`INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at) VALUES ($1, 3, $2, $3, $4)`, []any{x.matter, s.Answers, by, at}},
		{`INSERT INTO submissions (id, matter_id, n, body, hash, sent_by, sent_at) VALUES ($1, $2, 1, $3, $4, $5, $6)`, []any{key, x.matter, s.Body, hash, by, at}},
		{
			`INSERT INTO ledger (stream, n, at, actor, side, deed, data, prev, hash) VALUES ($1, 2, $2, $3, 'applicant', 'matter.sent', $4, $5, $6)`,
			[]any{"matter:" + x.matter, at, "person:" + by, s.Data, hash, hash},
		},
		{`UPDATE ledger_heads SET n = 2, hash = $1 WHERE stream = $2`, []any{hash, "matter:" + x.matter}},
		{`INSERT INTO words (offer_id, word, matter_id) VALUES ` + strings.Join(words, ", "), args},
		{`UPDATE matters SET version = 3, status = 'sent', status_at = $1, holder = 'authority', holder_since = $2, sort_at = $3, sent_at = $4,
			head = 2, head_applicant = 2, changed_at = $5 WHERE id = $6`, []any{at, at, at, at, at, x.matter}},
		{`UPDATE projects SET changed_at = $1 WHERE id = $2`, []any{at, x.project}},
		{
			`INSERT INTO outbox (id, kind, idem_key, payload, state, not_before, created_at) VALUES ($1, 'matter.notify', $2, $3, 'waiting', $4, $5)`,
			[]any{key, "notify/" + x.matter + "/2/authority", s.Payload, at, at},
		},
	} {
		if _, err := tx.ExecContext(ctx, q.text, q.args...); err != nil {
			return err
		}
	}
	return nil
}
