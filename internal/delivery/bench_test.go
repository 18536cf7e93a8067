package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/delivery"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/outbox"
	"luvat/internal/testkit"
)

// A bench is a desk with people around it, and a post that works its outbox.
type bench struct {
	*matter.Desk
	t      *testing.T
	clock  *testkit.Clock
	worker *outbox.Worker
}

var (
	// Names as no text of ours would have them, so that they are found.
	aino   = identity.Customer{Person: identity.Person{ID: "aino", Name: "Aino Salonperä-Nimi", Email: "hakija@asiakas.example", Lang: i18n.SV}}
	rescue = officer("palo", "rescue-pirkanmaa")
	city   = officer("kunta", "muni-837")
	police = officer("poliisi", "police-sisa-suomi")
)

func officer(id, authority string) identity.Officer {
	return identity.Officer{Person: identity.Person{ID: id, Name: "Virkailija Nimettömänpoika", Email: id + "@virasto.example", Lang: i18n.FI}, Authority: authority, Role: identity.RoleOfficer}
}

const from = "Luvat ja valvonta <ei-vastausta@luvat.example>"

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := context.Background()
	d, clock := testkit.Filled(t, loaded), testkit.NewClock()
	cat, err := catalogue.Open(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	files, err := attach.Open(d, filepath.Join(t.TempDir(), "files"), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	err = d.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range []identity.Person{aino.Person, rescue.Person, city.Person, police.Person} {
			if err := identity.SavePerson(ctx, tx, clock.Now(), p); err != nil {
				return err
			}
		}
		for authority, types := range map[string][]string{
			"rescue-pirkanmaa": {"rescue-temp-lodging"}, "muni-837": {"muni-sewer", "muni-camping", "muni-signs", "muni-tobacco"},
		} {
			for _, typ := range types {
				if err := catalogue.SaveOffer(ctx, tx, &catalogue.Offer{
					ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: catalogue.Light,
					Territory: []string{"837"}, NoticeEmail: typ + "@virasto.example", DeputyEmail: "kirjaamo@virasto.example", DeputyHours: 16, Active: true,
				}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Desk: &matter.Desk{DB: d, Catalogue: cat, Files: files, Now: clock.Now}, t: t, clock: clock}
	b.sendWith(delivery.Mailbox{DB: d, Now: clock.Now})
	return b
}

// sendWith makes the worker send with the mailer.
func (b *bench) sendWith(m delivery.Mailer) {
	b.worker = outbox.NewWorker(b.DB, b.clock.Now, slog.New(slog.DiscardHandler))
	p := &delivery.Post{Desk: b.Desk, Mailer: m, BaseURL: "https://luvat.example/", From: from, Log: slog.New(slog.DiscardHandler)}
	p.Register(b.worker)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// work runs what is due until nothing is.
func (b *bench) work() {
	b.t.Helper()
	for range 20 {
		n, err := b.worker.Round(b.t.Context())
		b.must(err)
		if n == 0 {
			return
		}
	}
	b.t.Fatal("the outbox does not come to an end")
}

func (b *bench) mails() (all []delivery.Mail) {
	b.t.Helper()
	b.must(b.DB.View(b.t.Context(), func(tx *db.Tx) (err error) {
		all, err = delivery.Mailbox{}.Mails(b.t.Context(), tx)
		return err
	}))
	return all
}

func (b *bench) stuck() (all []outbox.Stuck) {
	b.t.Helper()
	b.must(b.DB.View(b.t.Context(), func(tx *db.Tx) (err error) {
		all, err = outbox.ListStuck(b.t.Context(), tx)
		return err
	}))
	return all
}

// start begins Aino's project with drafts of the types.
func (b *bench) start(name string, types ...string) (project string, matters []string) {
	b.t.Helper()
	project, err := b.StartProject(b.t.Context(), aino, matter.NewProject{Entity: "event", Municipality: "837", Name: name, Types: types})
	b.must(err)
	v, err := b.Project(b.t.Context(), aino, project)
	b.must(err)
	for _, r := range v.Rows {
		matters = append(matters, r.ID)
	}
	return project, matters
}

// secret marks what people typed, so that it is found where it must not be.
const secret = "SALAISUUS"

// marked returns answers to every question, those in free words marked.
func (b *bench) marked(f *forms.Form, a forms.Answers) forms.Answers {
	b.t.Helper()
	a, err := f.Example(a, true, nil)
	b.must(err)
	for name, v := range a {
		if _, ok := v.(string); !ok || name == "project_name" {
			continue
		}
		a[name] = secret + " " + name
		if slices.ContainsFunc(f.Check(a), func(p forms.Problem) bool { return p.Path == name }) {
			a[name] = v
		}
	}
	return a
}

// fill answers all of a matter and returns it as its sender sees it.
func (b *bench) fill(id string) matter.Looked {
	b.t.Helper()
	ctx := b.t.Context()
	v, err := b.Matter(ctx, aino, id)
	b.must(err)
	_, err = b.SaveCommon(ctx, aino, v.Project.ID, v.Project.Version, b.marked(v.Common, v.Project.Answers))
	b.must(err)
	_, err = b.SaveDraft(ctx, aino, id, v.Version, b.marked(v.Form, v.Answers))
	b.must(err)
	v, err = b.Matter(ctx, aino, id)
	b.must(err)
	if !strings.Contains(fmt.Sprint(v.Answers), secret) {
		b.t.Fatal("nothing was marked")
	}
	return matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}
}

func (b *bench) send(id string) {
	b.t.Helper()
	_, err := b.Send(b.t.Context(), aino, []matter.Looked{b.fill(id)})
	b.must(err)
}

func (b *bench) retry(job string) error {
	return b.DB.InTx(b.t.Context(), func(tx *db.Tx) error { return outbox.Retry(b.t.Context(), tx, b.clock.Now(), job) })
}

// mended gives the offers an address that exists.
func mended(tx *db.Tx) error {
	_, err := tx.ExecContext(context.Background(), `UPDATE offers SET notice_email = 'uusi@virasto.example'`)
	return err
}

// loaded fills a database with the content, as a start does.
func loaded(ctx context.Context, d *db.DB) error {
	_, err := catalogue.Load(ctx, d, content.FS, testkit.Start)
	return err
}
