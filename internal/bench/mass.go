package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// How the matters are spread.
const (
	authorities = 300
	bigOne      = "muni-837" // has a fifth of all matters
	typesEach   = 15         // matter types of an authority, the first the most common
	perProject  = 4
	customers   = 20_000 // at most: project i belongs to customer i modulo this
	readers     = 400    // customers who have a session
	officers    = 16     // of the big one, each with two types of the fifteen
)

// mass writes many matters: rows as the hub would have left them, by SQL, so
// that a million take a minute. It writes no submissions, attachments and
// ledger entries, which no measured page reads; the ledger's heads are there.
type mass struct {
	hub       *Hub
	rand      *rand.Rand
	muni      []*catalogue.Authority // the big one first
	types     []*catalogue.Type
	weights   []float64
	forms     []string // the hash of each type's form
	common    string   // and of the common form
	now       time.Time
	projects  int // how many there are
	people    int
	officerOf []identity.Officer
}

func newMass(ctx context.Context, h *Hub) (*mass, error) {
	m := &mass{hub: h, rand: rand.New(rand.NewPCG(1, 2)), now: time.Now(), common: h.Catalogue.CurrentForm(h.Catalogue.Entity("event").CommonForm)}
	for _, a := range h.Catalogue.Authorities {
		if a.Type == "municipality" && len(a.Territory) == 1 && len(m.muni) < authorities {
			m.muni = append(m.muni, a)
		}
	}
	big := h.Catalogue.Authority(bigOne)
	m.muni = append([]*catalogue.Authority{big}, slices.DeleteFunc(m.muni, func(a *catalogue.Authority) bool { return a == big })...)
	for _, t := range h.Catalogue.Types {
		if t.AuthorityType == "municipality" && !t.NotSent && len(m.types) < typesEach {
			m.types = append(m.types, t)
			m.weights = append(m.weights, 1/float64(len(m.types)))
			m.forms = append(m.forms, h.Catalogue.CurrentForm(t.Form))
		}
	}
	return m, m.offers(ctx)
}

// offers writes the joins of all authorities and the officers of the big one.
func (m *mass) offers(ctx context.Context) error {
	return m.hub.DB.InTx(ctx, func(tx *db.Tx) error {
		for _, a := range m.muni {
			for _, t := range m.types {
				if err := catalogue.SaveOffer(ctx, tx, &catalogue.Offer{
					ID: catalogue.OfferID(a.ID, t.ID), Authority: a.ID, Type: t.ID, Way: catalogue.Light,
					Territory: a.Territory, NoticeEmail: a.ID + "@example.fi", DeputyEmail: "kirjaamo@example.fi", DeputyHours: 16, Active: true,
				}); err != nil {
					return err
				}
			}
		}
		for i := range officers {
			o := identity.Officer{
				Authority: bigOne, Role: identity.RoleOfficer, Types: []string{m.types[0].ID, m.types[3].ID},
				Person: identity.Person{ID: fmt.Sprintf("bench-officer-%02d", i), Name: fmt.Sprintf("Virkailija %d", i+1), Email: "v@example.fi", Lang: i18n.FI},
			}
			if err := identity.SavePerson(ctx, tx, m.now, o.Person); err != nil {
				return err
			}
			if err := identity.Grant(ctx, tx, m.now, o.ID, identity.Hat{Role: o.Role, Authority: o.Authority, Types: o.Types}); err != nil {
				return err
			}
			m.officerOf = append(m.officerOf, o)
		}
		return nil
	})
}

// Identifiers sort by the time they stand for, as the hub's own do.
func projectID(i int) string       { return fmt.Sprintf("01900000-0000-7001-8000-%012x", i) }
func massMatter(i int) string      { return fmt.Sprintf("01900000-0000-7002-8000-%012x", i) }
func customerID(i int) string      { return fmt.Sprintf("bench-customer-%05d", i) }
func ownerOf(project int) int      { return project % customers }
func massNumber(i int) string      { return "A2019-" + strconv.Itoa(100000+i) }
func customerOf(i int) string      { return customerID(ownerOf(i)) }
func projectCount(matters int) int { return (matters + perProject - 1) / perProject }

const perCommit = 5000 // projects

// many is from how many new matters on the indexes are built after the rows: in
// one sorted pass instead of a million random steps.
const many = 50_000

// grow writes matters until there are n.
func (m *mass) grow(ctx context.Context, n int) (err error) {
	if n-m.projects*perProject >= many {
		indexes, err := m.dropIndexes(ctx)
		if err != nil {
			return err
		}
		defer func() {
			for _, build := range indexes {
				err = errors.Join(err, m.exec(ctx, build))
			}
		}()
	}
	for want := projectCount(n); m.projects < want; {
		from, to := m.projects, min(want, m.projects+perCommit)
		if err := m.hub.DB.InTx(ctx, func(tx *db.Tx) error { return m.write(ctx, tx, from, to) }); err != nil {
			return err
		}
		m.projects = to
	}
	if m.hub.DB.Engine() == db.Postgres { // as its own housekeeping would, within a minute
		return m.exec(ctx, "ANALYZE")
	}
	return nil
}

func (m *mass) exec(ctx context.Context, text string) error {
	return m.hub.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, text)
		return err
	})
}

// dropIndexes drops the matters' indexes, save those of keys, and returns the
// statements that build them again.
func (m *mass) dropIndexes(ctx context.Context) (build []string, err error) {
	list := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'matters' AND sql IS NOT NULL`
	if m.hub.DB.Engine() == db.Postgres {
		list = `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'matters' AND indexdef NOT LIKE '%UNIQUE%'`
	}
	return build, m.hub.DB.InTx(ctx, func(tx *db.Tx) error {
		var names []string
		rows, err := tx.QueryContext(ctx, list)
		if err != nil {
			return err
		}
		if err := rows.Each(func() error {
			var name, text string
			err := rows.Scan(&name, &text)
			names, build = append(names, name), append(build, text)
			return err
		}); err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, "DROP INDEX "+name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *mass) write(ctx context.Context, tx *db.Tx, from, to int) error {
	people := &bulk{ctx: ctx, tx: tx, head: "INSERT INTO people (id, name, email, lang, created_at) VALUES ", width: 5}
	projects := &bulk{ctx: ctx, tx: tx, head: `INSERT INTO projects (id, number, entity, municipality, name, place, starts_at, form_hash, version, created_by, created_at, changed_at) VALUES `, width: 12}
	drafts := &bulk{ctx: ctx, tx: tx, head: "INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at) VALUES ", width: 5}
	members := &bulk{ctx: ctx, tx: tx, head: "INSERT INTO members (project_id, person_id, role, since) VALUES ", width: 4}
	matters := &bulk{ctx: ctx, tx: tx, head: `INSERT INTO matters (id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, version,
		status, outcome, status_at, holder, holder_since, due_at, sort_at, handler_id, identifier, started_at, sent_at, head, head_applicant, head_authority, created_at, changed_at,
		name, place, starts_at) VALUES `, width: 30}
	heads := &bulk{ctx: ctx, tx: tx, head: "INSERT INTO ledger_heads (stream, n, hash) VALUES ", width: 3}
	words := &bulk{ctx: ctx, tx: tx, head: "INSERT INTO words (offer_id, word, matter_id) VALUES ", width: 3}
	members.first, matters.first = projects, projects
	for ; m.people < min(to, customers); m.people++ {
		people.add(customerID(m.people), fmt.Sprintf("Asiakas %d", m.people), "asiakas@example.fi", "fi", m.now.UnixMilli())
	}
	people.flush()
	for i := from; i < to; i++ {
		a := m.muni[m.authority()]
		created := m.now.Add(-time.Duration(m.rand.Int64N(int64(730 * 24 * time.Hour))))
		starts := created.AddDate(0, 1, m.rand.IntN(120))
		word := massWords[m.rand.IntN(len(massWords))]
		name := word + " " + strconv.Itoa(i)
		answers, err := json.Marshal(map[string]any{"name": name})
		if err != nil {
			return err
		}
		at := created.UnixMilli()
		projects.add(projectID(i), "H2019-"+strconv.Itoa(100000+i), "event", a.Territory[0], name, "Keskuspuisto", starts.UnixMilli(), m.common, int64(2), customerOf(i), at, at)
		drafts.add(projectID(i), int64(2), string(answers), customerOf(i), at)
		members.add(projectID(i), customerOf(i), string(matter.Owner), at)
		for k := range perProject {
			row := m.matter(i*perProject+k, a, created, starts)
			row = append(row, name, "Keskuspuisto", starts.UnixMilli())
			matters.add(append([]any{massMatter(i*perProject + k), massNumber(i*perProject + k), projectID(i)}, row...)...)
			heads.add("matter:"+massMatter(i*perProject+k), int64(6), strings.Repeat("0", 64))
			words.add(row[0], strings.ToLower(word), massMatter(i*perProject+k))
		}
	}
	for _, b := range []*bulk{projects, drafts, members, matters, heads, words} {
		if b.flush(); b.err != nil {
			return b.err
		}
	}
	return people.err
}

var massWords = strings.Fields("Kesäkonsertti Syysmarkkinat Vappujuhla Maraton Joulutori Kyläjuhla Iltatori Elokuvayö Korttelijuhla Hiihtokilpailu Venetsialaiset Taidepäivä")

// authority draws one: every fifth time the big one.
func (m *mass) authority() int {
	if m.rand.IntN(5) == 0 {
		return 0
	}
	return 1 + m.rand.IntN(len(m.muni)-1)
}

func (m *mass) typ() int {
	var sum float64
	for _, w := range m.weights {
		sum += w
	}
	x := m.rand.Float64() * sum
	for i, w := range m.weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return 0
}

// matter returns a matter's columns after the first three: nine of ten are
// finished; the others are held by the authority (three of four), by the
// applicant or by another authority.
func (m *mass) matter(i int, a *catalogue.Authority, created, starts time.Time) []any {
	ti := m.typ()
	t := m.types[ti]
	sent := created.Add(48 * time.Hour)
	status, outcome, holder, handler := matter.Finished, "received", matter.HeldByNobody, ""
	since, due := sent.Add(20*24*time.Hour), int64(0)
	switch x := i * 7919 % 1000; {
	case x >= 100:
	case x < 75:
		status, outcome, holder = matter.Pending, "", matter.HeldByAuthority
	case x < 95:
		status, outcome, holder = matter.ToComplete, "", matter.HeldByApplicant
		due = since.AddDate(0, 0, 14).UnixMilli()
	default:
		status, outcome, holder = matter.InHandling, "", matter.HeldByOther
	}
	if a.ID == bigOne {
		handler = m.officerOf[i%officers].ID
	}
	sort := since.AddDate(0, 0, 30)
	if starts.Before(sort) {
		sort = starts
	}
	if due != 0 && due < sort.UnixMilli() {
		sort = time.UnixMilli(due)
	}
	at := since.UnixMilli()
	return []any{
		catalogue.OfferID(a.ID, t.ID), a.ID, t.ID, t.Kind, "light", t.Form, m.forms[ti], int64(2),
		string(status), outcome, at, string(holder), at, due, sort.UnixMilli(), handler, "D/" + strconv.Itoa(i) + "/2019", at, sent.UnixMilli(),
		int64(6), int64(2), int64(5), created.UnixMilli(), at,
	}
}

// bulk writes rows many at a time.
type bulk struct {
	ctx   context.Context
	tx    *db.Tx
	head  string
	width int
	args  []any
	full  string // the statement of a full batch
	first *bulk  // what these rows refer to
	err   error
}

const bulkRows = 40

func (b *bulk) add(args ...any) {
	if b.err != nil {
		return
	}
	if len(args) != b.width {
		b.err = fmt.Errorf("bulk write: %d values for %d columns", len(args), b.width)
		return
	}
	b.args = append(b.args, args...)
	if len(b.args) == bulkRows*b.width {
		b.flush()
	}
}

func (b *bulk) flush() {
	n := len(b.args) / b.width
	if b.err != nil || n == 0 {
		return
	}
	if b.first != nil {
		b.first.flush()
	}
	text := b.full
	if text == "" || n != bulkRows {
		text = b.text(n)
	}
	if n == bulkRows {
		b.full = text
	}
	_, b.err = b.tx.ExecContext(b.ctx, text, b.args...)
	b.args = b.args[:0]
}

func (b *bulk) text(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "(" + db.In(i*b.width, b.width) + ")"
	}
	return b.head + strings.Join(rows, ", ")
}
