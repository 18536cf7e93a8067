package catalogue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/survey"
)

// formBody is a form as it is stored: its three documents.
type formBody struct {
	Schema json.RawMessage `json:"schema"`
	UI     json.RawMessage `json:"ui"`
	Words  json.RawMessage `json:"words"`
}

type document struct{ kind, id, hash, body string }

// catalogueFiles are the documents of the catalogue proper.
var catalogueFiles = []string{"municipalities.csv", "authorities.csv", "entities.json", "kinds.json", "matters.json", "acts.json", "limits.json"}

// Load stores the content files' versions in the database and makes them the
// current ones. It is idempotent: what is already there is left alone. It
// returns how many documents have a new version. Content that cannot be read
// is refused whole, with every mistake told.
func Load(ctx context.Context, d *db.DB, files fs.FS, now time.Time) (changed int, err error) {
	docs, err := documents(files)
	if err != nil {
		return 0, fmt.Errorf("read the content: %w", err)
	}
	current := map[string]string{}
	err = d.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT kind, id, hash FROM content_current`)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var kind, id, hash string
			if err := rows.Scan(&kind, &id, &hash); err != nil {
				return err
			}
			current[kind+"/"+id] = hash
			return nil
		})
	})
	if err != nil {
		return 0, fmt.Errorf("read the current content: %w", err)
	}
	var fresh []document
	for _, doc := range docs {
		if current[doc.kind+"/"+doc.id] != doc.hash {
			fresh = append(fresh, doc)
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	if _, err := assemble(docs, newStore(d)); err != nil {
		return 0, fmt.Errorf("read the content: %w", err)
	}
	err = d.InTx(ctx, func(tx *db.Tx) error {
		for _, doc := range fresh {
			if err := doc.save(ctx, tx, now); err != nil {
				return err
			}
		}
		return nil
	})
	return len(fresh), err
}

func (doc document) save(ctx context.Context, tx *db.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO content (kind, id, hash, body, loaded_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (kind, id, hash) DO NOTHING`,
		doc.kind, doc.id, doc.hash, doc.body, db.Millis(now)); err != nil {
		return fmt.Errorf("store %s %s: %w", doc.kind, doc.id, err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO content_current (kind, id, hash, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (kind, id) DO UPDATE SET hash = excluded.hash, since = excluded.since`,
		doc.kind, doc.id, doc.hash, db.Millis(now)); err != nil {
		return fmt.Errorf("make %s %s current: %w", doc.kind, doc.id, err)
	}
	return nil
}

func newDocument(kind, id string, body []byte) document {
	sum := sha256.Sum256(body)
	return document{kind, id, hex.EncodeToString(sum[:]), string(body)}
}

func documents(files fs.FS) ([]document, error) {
	var docs []document
	for _, name := range catalogueFiles {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		docs = append(docs, newDocument("catalogue", name, body))
	}
	surveys, err := surveyDocuments(files)
	if err != nil {
		return nil, err
	}
	docs = append(docs, surveys...)
	schemas, err := fs.Glob(files, "forms/*/schema.json")
	if err != nil {
		return nil, err
	}
	for _, name := range schemas {
		doc, err := formDocument(files, path.Dir(name))
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// surveyDocuments reads the surveys, each with the acts that it names.
func surveyDocuments(files fs.FS) (docs []document, err error) {
	body, err := fs.ReadFile(files, "acts.json")
	if err != nil {
		return nil, err
	}
	var acts []survey.Act
	if err := json.Unmarshal(body, &acts); err != nil {
		return nil, fmt.Errorf("acts.json: %w", err)
	}
	names, err := fs.Glob(files, "surveys/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if body, err = fs.ReadFile(files, name); err != nil {
			return nil, err
		}
		if body, err = survey.WithActs(body, acts); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		docs = append(docs, newDocument("survey", strings.TrimSuffix(path.Base(name), ".json"), body))
	}
	return docs, nil
}

func formDocument(files fs.FS, folder string) (document, error) {
	var b formBody
	for name, to := range map[string]*json.RawMessage{"schema.json": &b.Schema, "ui.json": &b.UI, "words.json": &b.Words} {
		body, err := fs.ReadFile(files, path.Join(folder, name))
		if err != nil {
			return document{}, err
		}
		*to = body
	}
	body, err := json.Marshal(b)
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", folder, err)
	}
	return newDocument("form", path.Base(folder), body), nil
}

// Open reads the current content of the database, and all versions of forms and
// surveys that are there.
func Open(ctx context.Context, d *db.DB) (*Catalogue, error) {
	var docs []document
	s := newStore(d)
	err := d.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT c.kind, c.id, c.hash, CASE WHEN c.kind = 'catalogue' THEN t.body ELSE '' END
			FROM   content_current c JOIN content t ON t.kind = c.kind AND t.id = c.id AND t.hash = c.hash`)
		if err != nil {
			return err
		}
		if err := rows.Each(func() error {
			var doc document
			if err := rows.Scan(&doc.kind, &doc.id, &doc.hash, &doc.body); err != nil {
				return err
			}
			docs = append(docs, doc)
			return nil
		}); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT kind, id, hash, body FROM content WHERE kind <> 'catalogue'`)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var doc document
			if err := rows.Scan(&doc.kind, &doc.id, &doc.hash, &doc.body); err != nil {
				return err
			}
			s.bodies[doc.kind+"/"+doc.id+"@"+doc.hash] = doc.body
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the content: %w", err)
	}
	return assemble(docs, s)
}

// assemble makes a Catalogue of documents. Those of forms and surveys that
// come with a body are read too, so that a mistake shows at once; the others
// are read when first asked for.
func assemble(docs []document, s *store) (*Catalogue, error) {
	c := &Catalogue{
		municipality: map[string]*Municipality{}, named: map[string]*Municipality{}, authority: map[string]*Authority{}, entity: map[string]*Entity{},
		typ: map[string]*Type{}, kind: map[string]*Kind{}, limits: map[string]*Limit{}, forms: map[string]string{}, surveys: map[string]string{}, store: s,
	}
	var errs []error
	for _, doc := range docs {
		if err := c.add(doc); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", doc.kind, doc.id, err))
		}
	}
	for _, t := range c.Types {
		if _, ok := c.forms[t.Form]; !ok {
			errs = append(errs, fmt.Errorf("matter %s: no form %s", t.ID, t.Form))
		}
		if len(t.Basis) > 0 {
			var err error
			if t.LawText, err = survey.Cite(t.Basis, c.Acts); err != nil {
				errs = append(errs, fmt.Errorf("matter %s: %w", t.ID, err))
			}
		}
	}
	if len(c.Types) == 0 || len(c.Municipalities) == 0 {
		errs = append(errs, errors.New("no content: load it first"))
	}
	s.exists = func(code string) bool { return c.municipality[code] != nil }
	return c, errors.Join(errs...)
}

func (c *Catalogue) add(doc document) error {
	switch doc.kind {
	case "form":
		c.forms[doc.id] = doc.hash
		if doc.body != "" {
			_, err := parseForm(doc.id, doc.body, nil)
			return err
		}
	case "survey":
		c.surveys[doc.id] = doc.hash
		if doc.body != "" {
			_, err := survey.Parse([]byte(doc.body))
			return err
		}
	case "catalogue":
		return c.addFile(doc)
	}
	return nil
}

func (c *Catalogue) addFile(doc document) error {
	switch doc.id {
	case "municipalities.csv":
		return eachRow(doc.body, c.addMunicipality)
	case "authorities.csv":
		return eachRow(doc.body, c.addAuthority)
	case "entities.json":
		if err := json.Unmarshal([]byte(doc.body), &c.Entities); err != nil {
			return err
		}
		for _, e := range c.Entities {
			c.entity[e.ID] = e
		}
	case "matters.json":
		if err := json.Unmarshal([]byte(doc.body), &c.Types); err != nil {
			return err
		}
		for _, t := range c.Types {
			c.typ[t.ID] = t
		}
	case "acts.json":
		return json.Unmarshal([]byte(doc.body), &c.Acts)
	case "limits.json":
		return c.addLimits(doc.body)
	case "kinds.json":
		var all struct {
			Kinds    []*Kind   `json:"kinds"`
			Statuses []Wording `json:"statuses"`
		}
		if err := json.Unmarshal([]byte(doc.body), &all); err != nil {
			return err
		}
		c.Kinds, c.Statuses = all.Kinds, all.Statuses
		for _, k := range c.Kinds {
			c.kind[k.ID] = k
		}
	}
	return nil
}

func eachRow(body string, fn func(get func(string) string) error) error {
	r := csv.NewReader(bytes.NewReader([]byte(body)))
	head, err := r.Read()
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	for i, row := range rows {
		err := fn(func(name string) string {
			if j, ok := at[name]; ok {
				return row[j]
			}
			return ""
		})
		if err != nil {
			return fmt.Errorf("row %d: %w", i+2, err)
		}
	}
	return nil
}

func (c *Catalogue) addMunicipality(get func(string) string) error {
	m := &Municipality{
		Code: get("code"), Region: get("region_fi"), Aland: get("is_aland") == "1",
		Name: i18n.Text{FI: get("name_fi"), SV: get("name_sv"), EN: get("name_fi")},
	}
	langs := get("languages")
	m.Swedish = strings.Contains(langs, "sv")
	m.Bilingual = m.Swedish && strings.Contains(langs, "fi")
	if m.Swedish && !m.Bilingual {
		m.Name.EN = m.Name.SV
	}
	if c.municipality[m.Code] != nil || m.Code == "" || !m.Name.Whole() {
		return fmt.Errorf("municipality %q: code twice, or a name missing", m.Code)
	}
	c.municipality[m.Code] = m
	for _, name := range []string{m.Name.FI, m.Name.SV} {
		if name = fold(name); c.named[name] == nil {
			c.named[name] = m
		}
	}
	c.Municipalities = append(c.Municipalities, m)
	return nil
}

func (c *Catalogue) addAuthority(get func(string) string) error {
	a := &Authority{
		ID: get("id"), Type: get("type"), BusinessID: get("business_id"), National: get("territory") == "national",
		Name: i18n.Text{FI: get("name_fi"), SV: get("name_sv"), EN: get("name_en")},
	}
	if !a.National {
		a.Territory = strings.Fields(get("territory"))
	}
	if c.authority[a.ID] != nil || a.ID == "" || !a.Name.Whole() {
		return fmt.Errorf("authority %q: id twice, or a name missing", a.ID)
	}
	c.authority[a.ID] = a
	c.Authorities = append(c.Authorities, a)
	return nil
}

// store keeps the versions of forms and surveys; they are parsed when first
// asked for. A version never changes, so keeping it in memory is safe on any
// node.
//
// Forms are asked for inside transactions. Were their bodies read from the
// database then, each asker would hold one connection and wait for a second:
// enough of them at once would wait for ever. So Open reads all bodies, and
// only a version that a newer node has written since is looked for later.
type store struct {
	db      *db.DB
	exists  func(municipality string) bool
	mu      sync.Mutex
	bodies  map[string]string // by kind/id@hash: not parsed yet
	forms   map[string]*forms.Form
	surveys map[string]*survey.Survey
}

func newStore(d *db.DB) *store {
	return &store{db: d, bodies: map[string]string{}, forms: map[string]*forms.Form{}, surveys: map[string]*survey.Survey{}}
}

// patience bounds the wait for a connection that the askers themselves may
// hold.
const patience = 5 * time.Second

func (s *store) body(kind, id, hash string) (string, error) {
	if body, ok := s.bodies[kind+"/"+id+"@"+hash]; ok {
		return body, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var body string
	err := s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT body FROM content WHERE kind = $1 AND id = $2 AND hash = $3`, kind, id, hash).Scan(&body)
	})
	if errors.Is(err, db.ErrNoRows) {
		return "", fail.New(fail.NotFound, "error.not_found")
	}
	if err != nil {
		return "", fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return body, nil
}

func (s *store) form(id, hash string) (*forms.Form, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.forms[id+"@"+hash]; f != nil {
		return f, nil
	}
	body, err := s.body("form", id, hash)
	if err != nil {
		return nil, err
	}
	f, err := parseForm(id, body, s.exists)
	if err != nil {
		return nil, fmt.Errorf("form %s: %w", id, err)
	}
	s.forms[id+"@"+hash] = f
	delete(s.bodies, "form/"+id+"@"+hash)
	return f, nil
}

func parseForm(id, body string, exists func(string) bool) (*forms.Form, error) {
	var b formBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return nil, err
	}
	var opts []forms.ParseOption
	if exists != nil {
		opts = append(opts, forms.Municipalities(exists))
	}
	return forms.Parse(id, b.Schema, b.UI, b.Words, opts...)
}

func (s *store) survey(id, hash string) (*survey.Survey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.surveys[id+"@"+hash]; v != nil {
		return v, nil
	}
	body, err := s.body("survey", id, hash)
	if err != nil {
		return nil, err
	}
	v, err := survey.Parse([]byte(body))
	if err != nil {
		return nil, fmt.Errorf("survey %s: %w", id, err)
	}
	s.surveys[id+"@"+hash] = v
	delete(s.bodies, "survey/"+id+"@"+hash)
	return v, nil
}
