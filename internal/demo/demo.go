// Package demo gives the demo its past: people, offers and projects that look as
// if they had been worked on for weeks. The stories are content
// (content/demo/*.json): an editor changes them without touching this package.
//
// The projects are not written into tables. The demo lives its past: every
// step of every story is done by its person through the Desk, in order of
// time, with the clock moved back, and between the steps the notices are
// delivered to the demo's mailbox. So timelines, receipts, proofs of notices
// and the chain of the ledger are what real use would have made.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/delivery"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/outbox"
)

// A Home is the hub that the demo lives in.
type Home struct {
	DB        *db.DB
	Catalogue *catalogue.Catalogue
	Files     *attach.Store
	Folder    string // of the attachments
	BaseURL   string // of links in mails
	MailFrom  string
	Now       func() time.Time
	Log       *slog.Logger // may be nil
}

// Seed fills the demo.
//
// It may be called at every start. What is there already stays as people left
// it. A start that broke off in the middle is continued: the day a project's
// story is told from is kept in counters, each step's time follows from it,
// and a step is done if the ledger has an entry of exactly that time.
func Seed(ctx context.Context, h Home) error {
	d, err := newSeeding(h)
	if err != nil {
		return err
	}
	if err := d.begin(ctx); err != nil {
		return fmt.Errorf("demo people and offers: %w", err)
	}
	if len(d.stories) == 0 {
		return nil
	}
	if err := d.live(ctx); err != nil {
		return err
	}
	return d.end(ctx)
}

// A seeding is under way.
type seeding struct {
	db      *db.DB
	cat     *catalogue.Catalogue
	desk    *matter.Desk
	files   *attach.Store
	worker  *outbox.Worker
	now     time.Time // the real time
	at      time.Time // the time that desk, files and worker believe
	people  []person
	joins   []join
	stories []*story
}

// newSeeding reads the content and sets up a desk, a store and a worker of the
// demo's own, whose clock can be moved.
func newSeeding(h Home) (*seeding, error) {
	d := &seeding{db: h.DB, cat: h.Catalogue, now: h.Now()}
	d.at = d.now
	clock := func() time.Time { return d.at }
	var err error
	if d.files, err = attach.Open(h.DB, h.Folder, clock); err != nil {
		return nil, err
	}
	d.files.Scanner = h.Files.Scanner
	log := h.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d.desk = &matter.Desk{DB: h.DB, Catalogue: h.Catalogue, Files: d.files, Now: clock}
	d.worker = outbox.NewWorker(h.DB, clock, log)
	post := &delivery.Post{Desk: d.desk, Mailer: delivery.Mailbox{DB: h.DB, Now: clock}, BaseURL: h.BaseURL, From: h.MailFrom, Log: log}
	post.Register(d.worker)
	for name, to := range map[string]any{"people.json": &d.people, "joins.json": &d.joins, "projects.json": &d.stories} {
		body, err := content.FS.ReadFile("demo/" + name)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, to); err != nil {
			return nil, fmt.Errorf("demo/%s: %w", name, err)
		}
	}
	return d, nil
}

// A person is an invented person, who may have hats.
type person struct {
	ID    string    `json:"id"`
	Part  string    `json:"part"` // the part played: identity.Person.Demo
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Lang  i18n.Lang `json:"lang"`
	Hats  []struct {
		Role      identity.Role `json:"role"`
		Authority string        `json:"authority"`
		Types     []string      `json:"types"`
	} `json:"hats"`
}

func (p person) person() identity.Person {
	return identity.Person{ID: p.ID, Name: p.Name, Email: p.Email, Lang: p.Lang, Demo: p.Part}
}

func (d *seeding) person(id string) (person, error) {
	i := slices.IndexFunc(d.people, func(p person) bool { return p.ID == id })
	if i < 0 {
		return person{}, fmt.Errorf("nobody is called %q in demo/people.json", id)
	}
	return d.people[i], nil
}

// A join is a row of joins.json.
type join struct {
	Authority      string        `json:"authority"`
	Matter         string        `json:"matter"`
	Way            catalogue.Way `json:"way"`
	Email          string        `json:"email"`
	Deputy         string        `json:"deputy"`
	URL            string        `json:"url"`
	Municipalities []string      `json:"municipalities"`
	Entities       []string      `json:"entities"`
	KeepMonths     int64         `json:"keep_months"` // 0 for as long as usual
}

// deputyHours is how many working hours a notice may lie unopened in the demo.
const deputyHours = 16

// offer is the join as an offer: a state agency's stands in the whole country,
// any other's in the authority's municipalities.
func (j join) offer(cat *catalogue.Catalogue) (*catalogue.Offer, error) {
	a, t := cat.Authority(j.Authority), cat.Type(j.Matter)
	if a == nil || t == nil {
		return nil, fmt.Errorf("demo/joins.json: no authority %q or no matter %q", j.Authority, j.Matter)
	}
	o := &catalogue.Offer{
		ID: catalogue.OfferID(a.ID, t.ID), Authority: a.ID, Type: t.ID, Way: j.Way, National: a.Type == "state_agency",
		NoticeEmail: j.Email, DeputyEmail: j.Deputy, DeputyHours: deputyHours, KeepMonths: j.KeepMonths, URL: j.URL, Entities: j.Entities, Active: true,
	}
	if !o.National {
		if o.Territory = j.Municipalities; len(o.Territory) == 0 {
			o.Territory = a.Territory
		}
	}
	return o, nil
}

// begin writes the people and offers that are not there yet, and decides from
// which day each new story is told. Stories that were told are left out.
func (d *seeding) begin(ctx context.Context) error {
	var known have
	if err := d.db.View(ctx, func(tx *db.Tx) (err error) {
		known, err = readHave(ctx, tx)
		return err
	}); err != nil {
		return err
	}
	d.stories = slices.DeleteFunc(d.stories, func(s *story) bool { return known.counters[s.told()] != 0 })
	today := midnight(d.now)
	err := d.db.InTx(ctx, func(tx *db.Tx) error {
		if err := d.savePeople(ctx, tx, known.people); err != nil {
			return err
		}
		for _, j := range d.joins {
			if known.offers[catalogue.OfferID(j.Authority, j.Matter)] {
				continue
			}
			o, err := j.offer(d.cat)
			if err != nil {
				return err
			}
			if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
				return err
			}
		}
		for _, s := range d.stories {
			s.demo, s.today = d, today
			if day := known.counters[s.day()]; day != 0 {
				s.today = db.Time(day).In(i18n.Zone)
			} else if err := count(ctx, tx, s.day(), db.Millis(today)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range d.stories {
		if err := s.write(); err != nil {
			return fmt.Errorf("demo/projects.json: %s: %w", s.Key, err)
		}
	}
	return nil
}

// savePeople writes people in the order of the file, which is that of the
// sign-in page.
func (d *seeding) savePeople(ctx context.Context, tx *db.Tx, there map[string]bool) error {
	for i, p := range d.people {
		if there[p.ID] {
			continue
		}
		at := d.now.Add(time.Duration(i) * time.Millisecond)
		if err := identity.SavePerson(ctx, tx, at, p.person()); err != nil {
			return err
		}
		for _, hat := range p.Hats {
			if err := identity.Grant(ctx, tx, at, p.ID, identity.Hat{Role: hat.Role, Authority: hat.Authority, Types: hat.Types}); err != nil {
				return err
			}
		}
	}
	return nil
}

// have is what an earlier start has made.
type have struct {
	people, offers map[string]bool
	counters       map[string]int64
}

func readHave(ctx context.Context, tx *db.Tx) (have, error) {
	k := have{map[string]bool{}, map[string]bool{}, map[string]int64{}}
	for query, into := range map[string]map[string]bool{`SELECT id FROM people WHERE demo <> ''`: k.people, `SELECT id FROM offers`: k.offers} {
		rows, err := tx.QueryContext(ctx, query)
		if err != nil {
			return k, err
		}
		if err := rows.Each(func() error {
			var id string
			err := rows.Scan(&id)
			into[id] = true
			return err
		}); err != nil {
			return k, err
		}
	}
	rows, err := tx.QueryContext(ctx, `SELECT name, value FROM counters WHERE name LIKE 'demo/%'`)
	if err != nil {
		return k, err
	}
	return k, rows.Each(func() error {
		var name string
		var value int64
		err := rows.Scan(&name, &value)
		k.counters[name] = value
		return err
	})
}

func count(ctx context.Context, tx *db.Tx, name string, value int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO counters (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// live does all steps of all stories in order of time. The notices of a day
// are delivered in its evening, all at once: a round for every step would make
// the first start wait for the disk.
func (d *seeding) live(ctx context.Context) error {
	var steps []step
	for _, s := range d.stories {
		steps = append(steps, s.Steps...)
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
	for i, st := range steps {
		d.at = st.at
		if err := st.of.do(ctx, st); err != nil {
			return fmt.Errorf("demo/projects.json: %s, day %d at %s, %s: %w", st.of.Key, st.Day, st.Clock, st.Do, err)
		}
		if i+1 == len(steps) || !midnight(steps[i+1].at).Equal(midnight(st.at)) {
			if err := d.deliver(ctx, st.at.Add(5*time.Minute)); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver hands over what waits at a moment.
func (d *seeding) deliver(ctx context.Context, at time.Time) error {
	d.at = at
	for {
		n, err := d.worker.Round(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// end notes that the stories were told.
func (d *seeding) end(ctx context.Context) error {
	return d.db.InTx(ctx, func(tx *db.Tx) error {
		for _, s := range d.stories {
			if err := count(ctx, tx, s.told(), 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// together runs functions at the same time, so that what they write shares a
// commit, and returns all their errors.
func together(fns ...func() error) error {
	errs := make([]error, len(fns))
	var all sync.WaitGroup
	for i, fn := range fns {
		all.Go(func() { errs[i] = fn() })
	}
	all.Wait()
	return errors.Join(errs...)
}

func midnight(t time.Time) time.Time {
	y, m, day := t.In(i18n.Zone).Date()
	return time.Date(y, m, day, 0, 0, 0, 0, i18n.Zone)
}
