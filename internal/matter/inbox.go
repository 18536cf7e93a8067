package matter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
)

// Bucket is a part of an officer's inbox.
type Bucket string

// The buckets. Finished matters are apart, so that however many they are, they
// neither hide nor slow what is open.
const (
	OnMe        Bucket = "me"        // the officer is the handler, the authority holds it
	OnAuthority Bucket = "authority" // the authority holds it
	OnApplicant Bucket = "applicant" // the applicant holds it
	OnOther     Bucket = "other"     // another authority was asked for a statement
	Done        Bucket = "finished"
	Drafts      Bucket = "drafts" // consented to be seen early
)

// Buckets lists the buckets in the order of the pages.
var Buckets = []Bucket{OnMe, OnAuthority, OnApplicant, OnOther, Done, Drafts}

// bucketHolders says who holds the matters of a bucket. What was transferred
// is held by the other authority, but has ended here.
var bucketHolders = map[Bucket][]Holder{OnMe: {HeldByAuthority}, OnAuthority: {HeldByAuthority}, OnApplicant: {HeldByApplicant}, OnOther: {HeldByOther}, Done: {HeldByNobody, HeldByOther}, Drafts: {HeldByApplicant}}

// Query is what an officer asks of the inbox.
type Query struct {
	Bucket Bucket
	Type   string // one matter type, "" for all that the officer may see
	Search string // words of the number, the project's name, the place, the identifier
	After  string // where the next page begins: Inbox.Next of the page before
}

// InboxRow is a matter in an inbox.
type InboxRow struct {
	ID, Number, Project, Type, Offer, Kind string
	Name, Place                            string // of the project
	Municipality                           string
	Status                                 Status
	Outcome                                string
	StatusAt, Since, Due, StartsAt, SentAt time.Time
	Holder                                 Holder
	Handler, Identifier                    string
	Unread                                 bool
	sortAt                                 int64
}

// Inbox is a page of an officer's inbox.
type Inbox struct {
	Rows []InboxRow
	Next string // "" when this is the last page
}

const pageSize = 50

// Inbox lists what the officer may see, the most urgent first. Rights are part
// of the query: nothing is read and thrown away, so rare types stay as fast as
// common ones, and nothing is counted.
func (d *Desk) Inbox(ctx context.Context, who identity.Officer, q Query) (in Inbox, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		offers, err := catalogue.OffersOf(ctx, tx, who.Authority)
		if err != nil {
			return err
		}
		offers = slices.DeleteFunc(offers, func(o *catalogue.Offer) bool { return !who.May(o.Type) || (q.Type != "" && o.Type != q.Type) })
		if len(offers) == 0 {
			return nil
		}
		ids := make([]string, len(offers))
		for i, o := range offers {
			ids[i] = o.ID
		}
		text, args := inboxQuery(who, q, ids)
		rows, err := tx.QueryContext(ctx, text, args...)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var r InboxRow
			if err := scanInbox(rows, &r); err != nil {
				return err
			}
			in.Rows = append(in.Rows, r)
			return nil
		})
	})
	if err != nil {
		return in, fmt.Errorf("read the inbox: %w", err)
	}
	if len(in.Rows) > pageSize {
		last := in.Rows[pageSize-1]
		in.Rows, in.Next = in.Rows[:pageSize], strconv.FormatInt(last.sortAt, 10)+"."+last.ID
	}
	return in, nil
}

func scanInbox(r interface{ Scan(...any) error }, row *InboxRow) error {
	var status, holder string
	var statusAt, since, due, starts, sent, byApplicant, seen int64
	if err := r.Scan(&row.ID, &row.Number, &row.Project, &row.Type, &row.Offer, &row.Kind, &row.Name, &row.Place, &row.Municipality,
		&status, &row.Outcome, &statusAt, &since, &due, &starts, &sent, &holder, &row.Handler, &row.Identifier, &row.sortAt, &byApplicant, &seen); err != nil {
		return err
	}
	row.Status, row.Holder = Status(status), Holder(holder)
	row.StatusAt, row.Since, row.Due, row.StartsAt, row.SentAt = db.Time(statusAt), db.Time(since), db.Time(due), db.Time(starts), db.Time(sent)
	row.Unread = byApplicant > seen
	return nil
}

// inboxQuery takes the first page of each offer by its index and merges them:
// at most 51 rows an offer are touched, whatever the size of the table.
func inboxQuery(who identity.Officer, q Query, offers []string) (string, []any) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	limit := arg(pageSize + 1)
	afterAt, afterID := parseAfter(q.After)
	var more strings.Builder
	if q.Bucket == Drafts {
		more.WriteString(" AND status = 'draft' AND consent_at <> 0")
	} else {
		more.WriteString(" AND status <> 'draft'")
	}
	switch q.Bucket {
	case OnOther:
		more.WriteString(" AND status <> 'transferred'")
	case Done:
		more.WriteString(" AND (holder = 'nobody' OR status = 'transferred')")
	}
	if q.Bucket == OnMe {
		more.WriteString(" AND handler_id = " + arg(who.ID))
	}
	order := "sort_at, id"
	if q.Bucket == Done { // the last finished first
		order = "sort_at DESC, id DESC"
	}
	if q.After != "" {
		cmp := ">"
		if q.Bucket == Done {
			cmp = "<"
		}
		more.WriteString(fmt.Sprintf(" AND (sort_at, id) %s (%s, %s)", cmp, arg(afterAt), arg(afterID)))
	}
	for _, w := range splitWords(q.Search) {
		more.WriteString(fmt.Sprintf(" AND EXISTS (SELECT 1 FROM words w WHERE w.offer_id = matters.offer_id AND w.matter_id = matters.id AND w.word >= %s AND w.word < %s)", arg(w), arg(w+"\U0010FFFF")))
	}
	var parts []string
	for _, o := range offers {
		// Searching starts from the words: they are few where the matters are many.
		from := "matters"
		if words := splitWords(q.Search); len(words) > 0 {
			from = fmt.Sprintf("(SELECT * FROM matters WHERE id IN (SELECT matter_id FROM words WHERE offer_id = %s AND word >= %s AND word < %s LIMIT 2000)) AS matters", arg(o), arg(words[0]), arg(words[0]+"\U0010FFFF"))
		}
		for _, holder := range bucketHolders[q.Bucket] {
			parts = append(parts, fmt.Sprintf("SELECT * FROM (SELECT id, sort_at FROM %s WHERE offer_id = %s AND holder = %s%s ORDER BY %s LIMIT %s) AS part", from, arg(o), arg(string(holder)), more.String(), order, limit))
		}
	}
	reader := arg(who.ID)
	mOrder := "m.sort_at, m.id"
	if q.Bucket == Done {
		mOrder = "m.sort_at DESC, m.id DESC"
	}
	return `
		SELECT m.id, m.number, m.project_id, m.type_id, m.offer_id, m.kind, p.name, p.place, p.municipality,
			m.status, m.outcome, m.status_at, m.holder_since, m.due_at, p.starts_at, m.sent_at, m.holder, COALESCE(h.name, ''), m.identifier,
			m.sort_at, m.head_applicant, COALESCE(s.n, 0)
		FROM (SELECT id FROM (` + strings.Join(parts, " UNION ALL ") + `) AS merged ORDER BY ` + order + ` LIMIT ` + limit + `) AS page
		JOIN matters m ON m.id = page.id
		JOIN projects p ON p.id = m.project_id
		LEFT JOIN people h ON h.id = m.handler_id
		LEFT JOIN seen s ON s.matter_id = m.id AND s.person_id = ` + reader + `
		ORDER BY ` + mOrder, args
}

func parseAfter(s string) (int64, string) {
	at, id, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return 0, ""
	}
	return n, id
}

// splitWords cuts a text into the words it is found by: letters and digits,
// small, at most eight.
func splitWords(s string) []string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(words)
	words = slices.Compact(words)
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	if len(words) > 8 {
		words = words[:8]
	}
	return words
}

// addWords makes a matter findable by the words of a text.
func addWords(ctx context.Context, tx *db.Tx, offer, matter, text string) error {
	words := splitWords(text)
	if len(words) == 0 {
		return nil
	}
	var b strings.Builder
	args := []any{offer, matter}
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		args = append(args, w)
		fmt.Fprintf(&b, "($1, $%d, $2)", len(args))
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO words (offer_id, word, matter_id) VALUES `+b.String()+` ON CONFLICT DO NOTHING`, args...); err != nil {
		return fmt.Errorf("write the matter's words: %w", err)
	}
	return nil
}

// index makes a sent matter findable by its number and the project's name and
// place.
func (d *Desk) index(ctx context.Context, tx *db.Tx, m *Matter, p *Project) error {
	return addWords(ctx, tx, m.Offer, m.ID, strings.Join([]string{m.Number, p.Number, p.Name, p.Place}, " "))
}

// ThreadRow is a thread in which another authority wrote to the officer's.
type ThreadRow struct {
	Matter, Number, Type, Authority, Name string
	At                                    time.Time
	Asked                                 bool // a statement is waited for
	Due                                   time.Time
}

// Threads lists the matters of other authorities in which the officer's
// authority takes part, the last written first, at most 50.
func (d *Desk) Threads(ctx context.Context, who identity.Officer) (all []ThreadRow, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT m.id, m.number, m.type_id, m.authority_id, p.name, t.at, m.holder, m.transferred_to, m.due_at
			FROM  (SELECT matter_id, MAX(sent_at) AS at FROM messages WHERE thread = $1 GROUP BY matter_id ORDER BY MAX(sent_at) DESC LIMIT 50) AS t
			JOIN  matters m ON m.id = t.matter_id JOIN projects p ON p.id = m.project_id ORDER BY t.at DESC`, "authority:"+who.Authority)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var r ThreadRow
			var at, due int64
			var holder, other string
			if err := rows.Scan(&r.Matter, &r.Number, &r.Type, &r.Authority, &r.Name, &at, &holder, &other, &due); err != nil {
				return err
			}
			r.At, r.Due = db.Time(at), db.Time(due)
			r.Asked = Holder(holder) == HeldByOther && other == who.Authority
			all = append(all, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	return all, nil
}
