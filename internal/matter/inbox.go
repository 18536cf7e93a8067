package matter

import (
	"cmp"
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

var bucketHolder = map[Bucket]Holder{OnAuthority: HeldByAuthority, OnApplicant: HeldByApplicant}

// Query is what an officer asks of the inbox.
type Query struct {
	Bucket Bucket // "" for what waits on the officer, or, where nothing does, on the authority
	Type   string // one matter type, "" for all that the officer may see
	Search string // words of the number, the project's name, the place, the applicant's name, the identifier
	After  string // where the next page begins: Inbox.Next of the page before
}

// InboxRow is a matter in an inbox.
type InboxRow struct {
	ID, Number, Project, Type, Offer, Kind string
	Name, Place, ProjectNumber             string // of the project
	Municipality                           string
	Status                                 Status
	Outcome                                string
	StatusAt, Since, Due, StartsAt, SentAt time.Time
	Holder                                 Holder
	Handler, Identifier                    string // the handler by name
	Unread                                 bool
	sortAt                                 int64
	handler                                string // by id
}

// Inbox is a page of an officer's inbox.
type Inbox struct {
	Bucket Bucket // that was listed
	Rows   []InboxRow
	Next   string                      // "" when this is the last page
	Counts map[Bucket]int              // of what waits, up to MostCounted and one more; nil for a search, which would search each bucket anew
	Offers map[string]*catalogue.Offer // what the authority offers and the officer's grant covers, by id
}

const pageSize = 50

// Inbox lists what the officer may see, the most urgent first. Rights are part
// of the query: nothing is read and thrown away, so rare types stay as fast as
// common ones, and nothing is counted further than a page shows.
func (d *Desk) Inbox(ctx context.Context, who identity.Officer, q Query) (in Inbox, err error) {
	err = d.DB.View(ctx, func(tx *db.Tx) error {
		var ids []string
		if in.Offers, ids, err = seenOffers(ctx, tx, who, q.Type); err != nil || len(ids) == 0 {
			in.Bucket = cmp.Or(q.Bucket, OnAuthority)
			return err
		}
		if q.Search == "" {
			if in.Counts, err = inboxCounts(ctx, tx, who, ids); err != nil {
				return err
			}
		}
		in.Bucket = q.Bucket
		if in.Bucket == "" {
			in.Bucket = OnMe
			if q.Search == "" && in.Counts[OnMe] == 0 {
				in.Bucket = OnAuthority
			}
		}
		if in.Rows, err = inboxRows(ctx, tx, who, q, in.Bucket, ids); err == nil && q.Bucket == "" && in.Bucket == OnMe && len(in.Rows) == 0 {
			in.Bucket = OnAuthority
			in.Rows, err = inboxRows(ctx, tx, who, q, in.Bucket, ids)
		}
		return err
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

func inboxRows(ctx context.Context, tx *db.Tx, who identity.Officer, q Query, bucket Bucket, offers []string) (all []InboxRow, err error) {
	q.Bucket = bucket
	text, args := inboxQuery(who, q, offers)
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	all = make([]InboxRow, 0, pageSize+1)
	err = rows.Each(func() error {
		var r InboxRow
		err := scanInbox(rows, &r)
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	handlers := make([]string, len(all)) // a page has few, and some many times
	for i := range all {
		handlers[i] = all[i].handler
	}
	names, err := identity.Names(ctx, tx, handlers)
	for i := range all {
		all[i].Handler = names[all[i].handler]
	}
	return all, err
}

// seenOffers tells what the officer sees of the authority's offers, and the ids
// of those of one matter type, or of all with typ "".
func seenOffers(ctx context.Context, tx *db.Tx, who identity.Officer, typ string) (seen map[string]*catalogue.Offer, ids []string, err error) {
	offers, err := catalogue.OffersOf(ctx, tx, who.Authority)
	if err != nil {
		return nil, nil, err
	}
	seen = map[string]*catalogue.Offer{}
	for _, o := range offers {
		if !who.May(o.Type) {
			continue
		}
		seen[o.ID] = o
		if typ == "" || o.Type == typ {
			ids = append(ids, o.ID)
		}
	}
	return seen, ids, nil
}

func scanInbox(r interface{ Scan(...any) error }, row *InboxRow) error {
	var status, holder string
	var statusAt, since, due, starts, sent, byApplicant, seen int64
	if err := r.Scan(&row.ID, &row.Number, &row.Project, &row.Type, &row.Offer, &row.Kind, &row.Name, &row.Place, &row.ProjectNumber, &row.Municipality,
		&status, &row.Outcome, &statusAt, &since, &due, &starts, &sent, &holder, &row.handler, &row.Identifier, &row.sortAt, &byApplicant, &seen); err != nil {
		return err
	}
	row.Status, row.Holder = Status(status), Holder(holder)
	row.StatusAt, row.Since, row.Due, row.StartsAt, row.SentAt = db.Time(statusAt), db.Time(since), db.Time(due), db.Time(starts), db.Time(sent)
	row.Unread = byApplicant > seen
	return nil
}

// A sieve builds the inbox's query: its text and its arguments.
type sieve struct {
	args  []any
	order string // of a page, by an index
	after string // where the page begins
	words []string
}

func (s *sieve) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// inboxQuery takes the first page of each part by an index of its own and
// merges them: at most 51 rows a part are touched, whatever the size of the
// table. The conditions repeat those of the partial indexes to the letter, or
// SQLite would not use them.
func inboxQuery(who identity.Officer, q Query, offers []string) (string, []any) {
	s := &sieve{order: "sort_at, id", words: splitWords(q.Search)}
	limit := s.arg(pageSize + 1)
	compare := ">"
	if q.Bucket == Done { // the last ended first
		s.order, compare = "sort_at DESC, id DESC", "<"
	}
	if q.After != "" {
		at, id := parseAfter(q.After)
		s.after = fmt.Sprintf(" AND (sort_at, id) %s (%s, %s)", compare, s.arg(at), s.arg(id))
	}
	var parts []string
	part := func(where string) {
		parts = append(parts, "SELECT * FROM (SELECT id, sort_at FROM matters WHERE "+where+s.after+" ORDER BY "+s.order+" LIMIT "+limit+") AS part")
	}
	if q.Bucket == OnMe {
		in := make([]string, len(offers))
		for i, o := range offers {
			in[i] = s.arg(o)
		}
		part("handler_id <> '' AND handler_id = " + s.arg(who.ID) + " AND holder = 'authority' AND status <> 'draft' AND offer_id IN (" + strings.Join(in, ", ") + ")" + s.found(offers...))
	} else {
		for _, o := range offers {
			offer := "offer_id = " + s.arg(o) + s.found(o)
			switch q.Bucket {
			case Drafts:
				part(offer + " AND status = 'draft' AND consent_at <> 0")
			case OnOther:
				part(offer + " AND status <> 'draft' AND holder = 'other_authority' AND status <> 'transferred'")
			case Done:
				part(offer + " AND status <> 'draft' AND holder = 'nobody'")
				part(offer + " AND status = 'transferred'")
			default:
				part(offer + " AND status <> 'draft' AND holder = " + s.arg(string(bucketHolder[q.Bucket])))
			}
		}
	}
	order := strings.ReplaceAll(strings.ReplaceAll(s.order, "sort_at", "m.sort_at"), "id", "m.id")
	return `
		SELECT m.id, m.number, m.project_id, m.type_id, m.offer_id, m.kind, m.name, m.place, p.number, p.municipality,
			m.status, m.outcome, m.status_at, m.holder_since, m.due_at, m.starts_at, m.sent_at, m.holder, m.handler_id, m.identifier,
			m.sort_at, m.head_applicant, COALESCE(s.n, 0)
		FROM (SELECT id FROM (` + strings.Join(parts, " UNION ALL ") + `) AS merged ORDER BY ` + s.order + ` LIMIT ` + limit + `) AS page
		JOIN matters m ON m.id = page.id
		JOIN projects p ON p.id = m.project_id
		LEFT JOIN seen s ON s.matter_id = m.id AND s.person_id = ` + s.arg(who.ID) + `
		ORDER BY ` + order, s.args
}

// searchLimit bounds how many matters a search weighs: the newest of those that
// have the word itself, and as many that have one beginning with it.
const searchLimit = 1000

// found narrows a part to the matters that have all the searched words. It
// begins from the words, by their index: they are few where matters are many.
func (s *sieve) found(offers ...string) string {
	if len(s.words) == 0 {
		return ""
	}
	var sets []string
	for _, offer := range offers {
		o := s.arg(offer)
		var more strings.Builder
		for _, w := range s.words[1:] {
			fmt.Fprintf(&more, " AND EXISTS (SELECT 1 FROM words x WHERE x.offer_id = %s AND x.word >= %s AND x.word < %s AND x.matter_id = w.matter_id)", o, s.arg(w), s.arg(w+"\U0010FFFF"))
		}
		first, limit := s.words[0], s.arg(searchLimit)
		sets = append(sets,
			"SELECT matter_id FROM (SELECT matter_id FROM words w WHERE w.offer_id = "+o+" AND w.word = "+s.arg(first)+more.String()+" ORDER BY w.matter_id DESC LIMIT "+limit+") AS same",
			"SELECT matter_id FROM (SELECT matter_id FROM words w WHERE w.offer_id = "+o+" AND w.word > "+s.arg(first)+" AND w.word < "+s.arg(first+"\U0010FFFF")+more.String()+" LIMIT "+limit+") AS begun")
	}
	return " AND id IN (" + strings.Join(sets, " UNION ALL ") + ")"
}

func parseAfter(s string) (int64, string) {
	at, id, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return 0, ""
	}
	return n, id
}

// splitWords cuts a text into the words it is found by, small and at most
// eight, the longest first. A number such as A2026-1001 is one word, and its
// last part another: its first part is every number's of the year.
func splitWords(s string) []string {
	var words []string
	for _, token := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' }) {
		parts := strings.FieldsFunc(token, func(r rune) bool { return r == '-' })
		if len(parts) > 1 && strings.ContainsFunc(token, unicode.IsDigit) {
			words = append(words, strings.Join(parts, ""))
			continue
		}
		words = append(words, parts...)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	if len(words) > 8 {
		words = words[:8]
	}
	return words
}

// addWords makes a matter findable by the words of each text.
func addWords(ctx context.Context, tx *db.Tx, offer, matter string, texts ...string) error {
	var words []string
	for _, text := range texts {
		words = append(words, splitWords(text)...)
	}
	slices.Sort(words)
	if words = slices.Compact(words); len(words) == 0 {
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

// byName are the terms of the common data that hold whom a matter is found by.
var byName = []string{"applicant.name", "contact.name"}

// index makes a matter findable by its number, the project's name and place,
// and the names of the applicant and the contact person as they are sent: what
// does not go to the authority is not found by it. The words are personal data;
// removeContent takes them away.
func (s *sealed) index(ctx context.Context, tx *db.Tx) error {
	m, p := s.matter, s.project
	_, last, _ := strings.Cut(m.Number, "-")
	return addWords(ctx, tx, m.Offer, m.ID, append(s.names, m.Number+" "+last+" "+p.Number, p.Name, p.Place)...)
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
		args := []any{"authority:" + who.Authority}
		mine := ""
		if who.Types != nil { // see concerns
			args = append(args, who.Authority)
			for _, t := range who.Types {
				args = append(args, t)
			}
			mine = ` AND EXISTS (SELECT 1 FROM matters x WHERE x.project_id = m.project_id AND x.authority_id = $2 AND x.status <> 'draft'
				AND x.type_id IN (` + db.In(2, max(1, len(who.Types))) + `))`
			if len(who.Types) == 0 {
				args = append(args, "")
			}
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT m.id, m.number, m.type_id, m.authority_id, m.name, t.at, m.status, m.holder, m.other_authority, m.due_at
			FROM  (SELECT matter_id, MAX(sent_at) AS at FROM messages WHERE thread = $1 GROUP BY matter_id ORDER BY MAX(sent_at) DESC LIMIT 50) AS t
			JOIN  matters m ON m.id = t.matter_id`+mine+` ORDER BY t.at DESC`, args...)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var r ThreadRow
			var at, due int64
			var status, holder, other string
			if err := rows.Scan(&r.Matter, &r.Number, &r.Type, &r.Authority, &r.Name, &at, &status, &holder, &other, &due); err != nil {
				return err
			}
			r.At, r.Due = db.Time(at), db.Time(due)
			r.Asked = Holder(holder) == HeldByOther && other == who.Authority && !Status(status).Ended()
			all = append(all, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	return all, nil
}
