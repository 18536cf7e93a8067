package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luvat/internal/app"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
	"luvat/internal/testkit"
	"luvat/internal/testkit/simplesaml"
	"luvat/internal/testkit/smtpsink"
)

// The authorities of these tests, and what somebody has to do with each.
const (
	helsinki, camping = "muni-091", "muni-camping"
	rescuers, lodging = "rescue-helsinki", "rescue-temp-lodging"
	traficom, drone   = "agency-traficom", "traficom-drone"
)

// What was agreed with the stand-in of Suomi.fi-valtuudet.
const (
	officerMatter = "http://valtuusrekisteri.suomi.fi/lupa-ja-valvonta"
	granting      = pic.BusinessID("0245437-2") // the body that grants authorities their mandates
	cityID        = pic.BusinessID("0201256-6")
	rova          = pic.BusinessID("7019376-8")
)

// A served hub is the product as `luvat serve` runs it, with the national
// services around it: Debian's SimpleSAMLphp as Suomi.fi-tunnistus, Virtu and
// Portti, the stand-in of Suomi.fi-valtuudet, and a mail server. The hub is
// localhost and they are 127.0.0.1: other sites to a browser, as in life.
type served struct {
	*hub
	suomifi, portti *simplesaml.IDP
	virtu           *simplesaml.Federation
	mandates        *double.Double
	clock           *ahead
}

// ahead is a clock that goes, and may be put forward.
type ahead struct{ by atomic.Int64 }

func (a *ahead) Now() time.Time             { return time.Now().Add(time.Duration(a.by.Load())) }
func (a *ahead) putForward(d time.Duration) { a.by.Add(int64(d)) }

// serveHub starts it all. It ends with the test, which fails when the hub has
// logged a warning, or anything of anybody.
func serveHub(t *testing.T) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	listen := l.Addr().String()
	_, port, err := net.SplitHostPort(listen)
	must(t, err)
	s := &served{
		hub: &hub{t: t, url: "http://localhost:" + port, log: &lines{}}, clock: &ahead{},
		suomifi: simplesaml.Start(t, simplesaml.SuomiFi()), portti: simplesaml.Start(t, simplesaml.Portti()), virtu: simplesaml.Virtu(t, "traficom.fi", "vero.fi"),
	}
	dir, post := t.TempDir(), smtpsink.Start(t)
	env := map[string]string{
		"LUVAT_LISTEN": listen, "LUVAT_BASE_URL": s.url, "LUVAT_DATABASE_URL": testkit.URL(t), "LUVAT_ATTACHMENTS": filepath.Join(dir, "files"),
		"LUVAT_MAIL_FROM": "hub@luvat.example", "LUVAT_SMTP_HOST": post.Host, "LUVAT_SMTP_PORT": strconv.Itoa(post.Port), "LUVAT_SMTP_TLS": "none",
		"LUVAT_SIGN_IN": s.signInFile(dir),
	}
	cfg, err := app.ReadConfig(func(name string) string { return env[name] })
	must(t, err)
	s.Hub, err = app.Open(t.Context(), cfg, app.Options{Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: s.clock.Now})
	must(t, err)
	s.join(helsinki, camping)
	s.join(rescuers, lodging)
	s.join(traficom, drone)
	must(t, l.Close())
	s.run()
	s.introduce()
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run answers until the test ends, and then looks at what was logged.
func (s *served) run() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func(string) { close(ready) }) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("run the hub: %v", err)
		}
		if err := s.Close(); err != nil {
			s.t.Errorf("close the hub: %v", err)
		}
		s.looked()
	})
	select {
	case <-ready:
	case err := <-done:
		done <- nil
		s.t.Fatalf("run the hub: %v", err)
	}
}

// looked fails the test for every line of the log that is a warning, or tells
// who came.
func (s *served) looked() {
	secret := []string{string(rova), "Rova Oy"}
	for _, idp := range append([]*simplesaml.IDP{s.suomifi, s.portti}, s.virtu.Homes...) {
		for _, person := range idp.People {
			for name, values := range person.Attributes {
				if name == "urn:oid:2.5.4.10" || name == "urn:oid:1.3.6.1.4.1.31350.1.5" {
					continue // the employer
				}
				for _, v := range values {
					if len(v) > 5 {
						secret = append(secret, v)
					}
				}
			}
		}
	}
	for _, line := range s.log.all() {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			s.t.Errorf("the hub logged: %s", line)
		}
		for _, word := range secret {
			if strings.Contains(line, word) {
				s.t.Errorf("the log tells who came (%s): %s", word, line)
			}
		}
	}
}

// join has an authority offer a matter, in the whole country.
func (s *served) join(authority, kind string) {
	s.t.Helper()
	must(s.t, s.DB.InTx(s.t.Context(), func(tx *db.Tx) error {
		return catalogue.SaveOffer(s.t.Context(), tx, &catalogue.Offer{
			ID: catalogue.OfferID(authority, kind), Authority: authority, Type: kind, Way: "light", National: true, NoticeEmail: "kirjaamo@" + authority + ".example", Active: true,
		})
	}))
}

// introduce tells the providers of the hub, by its metadata.
func (s *served) introduce() {
	s.t.Helper()
	for name, register := range map[string]func([]byte){"suomifi": s.suomifi.Register, "portti": s.portti.Register, "virtu": s.virtu.Register} {
		answer, err := http.Get(s.url + "/login/" + name + "/metadata")
		must(s.t, err)
		body, err := io.ReadAll(answer.Body)
		must(s.t, err)
		must(s.t, answer.Body.Close())
		register(body)
	}
}

// signInFile writes the file that LUVAT_SIGN_IN names, as docs/identity.md has
// it, and the files that it names.
func (s *served) signInFile(dir string) string {
	s.t.Helper()
	write := func(name string, body []byte) string {
		file := filepath.Join(dir, name)
		must(s.t, os.WriteFile(file, body, 0o600))
		return file
	}
	pair := []any{map[string]string{"certificate": write("pair.pem", keyPair()), "key": filepath.Join(dir, "pair.pem")}}
	signer := func(name string, c *x509.Certificate) string {
		return write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	three := func(text string) i18n.Text { return i18n.Text{FI: text, SV: text, EN: text} }
	connection := func(name, title, metadata, signer string, homes ...*simplesaml.IDP) map[string]any {
		var entities []any
		for _, idp := range homes {
			entities = append(entities, map[string]string{"entity_id": idp.EntityID})
		}
		return map[string]any{
			"name": name, "preset": name, "title": three(title), "entity_id": s.url + "/saml/" + name, "homes": entities, "signing": pair, "encryption": pair,
			"metadata": map[string]string{"url": metadata, "certificates": signer},
			"about": map[string]any{
				"name": three("Luvat ja valvonta"), "description": three("Luvat yhdestä paikasta"), "privacy": three("https://luvat.example/tietosuoja"),
				"logo": map[string]any{"url": "https://luvat.example/logo.png", "width": 80, "height": 60}, "organisation": three("Virasto"),
				"organisationpage": three("https://virasto.example"), "contacts": []any{map[string]string{"type": "technical", "givenname": "Tuki", "email": "tuki@luvat.example"}},
			},
		}
	}
	suomifi := connection("suomifi", "Suomi.fi-tunnistus", s.suomifi.Metadata, signer("suomifi.pem", s.suomifi.Certificate), s.suomifi)
	virtu := connection("virtu", "Virtu", s.virtu.Aggregate, signer("virtu.pem", s.virtu.Certificate), s.virtu.Homes...)
	virtu["discovery_service"], virtu["authorities"] = s.virtu.Discovery, map[string]string{"traficom.fi": traficom}
	portti := connection("portti", "Portti", s.portti.Metadata, signer("portti.pem", s.portti.Certificate), s.portti)
	portti["silent_first"], portti["authorities"] = true, map[string]string{"helsinki.pelastus.fi": rescuers}
	settings, err := json.Marshal(map[string]any{
		"keys": filepath.Join(dir, "keys"), "saml": []any{suomifi, virtu, portti},
		"mandates": map[string]string{
			"base_url": s.standIn(), "client_id": "luvattst", "api_key_file": write("key", []byte("key\n")), "oauth_password_file": write("password", []byte("password\n")),
			"officer_matter": officerMatter, "officer_principal": string(granting),
		},
	})
	must(s.t, err)
	return write("sign-in.json", settings)
}

// keyPair is a key and its certificate, the same for all hubs of these tests.
var keyPair = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "luvat.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return bytes.Join([][]byte{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}, nil)
})

// code is the personal identity code of a person of Suomi.fi-tunnistus.
func (s *served) code(user string) pic.Code {
	s.t.Helper()
	for _, p := range s.suomifi.People {
		if p.User == user {
			c, err := pic.Parse(p.Attributes["urn:oid:1.2.246.21"][0])
			must(s.t, err)
			return c
		}
	}
	s.t.Fatalf("nobody is called %s", user)
	return pic.Code{}
}

// represents is the first link of an officer's chain: the person may represent
// the city, and the city may act for the granting body, both in one matter.
func (s *served) represents(user string) double.Mandate {
	return double.Mandate{Kind: double.Representation, From: double.Company(cityID), To: double.Person(s.code(user)), Matter: officerMatter}
}

// standIn starts the stand-in of Suomi.fi-valtuudet. In its register Tessa is the
// managing director of Rova Oy; "nordea" and "posti" may work for the city.
func (s *served) standIn() (address string) {
	s.t.Helper()
	r := double.NewRegister()
	r.Name(double.Company(rova), "Rova Oy")
	r.Name(double.Company(granting), "Valtuuttava virasto")
	r.Name(double.Company(cityID), "Helsingin kaupunki")
	for _, user := range []string{"tavallinen", "nordea", "posti"} {
		r.Name(double.Person(s.code(user)), user)
	}
	r.Add(double.Mandate{Kind: double.Role, From: double.Company(rova), To: double.Person(s.code("tavallinen")), Matter: "TJ"})
	r.Add(double.Mandate{Kind: double.Transaction, From: double.Company(granting), To: double.Company(cityID), Matter: officerMatter})
	r.Add(s.represents("nordea"))
	r.Add(s.represents("posti"))
	var err error
	s.mandates, err = double.New(double.Config{ClientID: "luvattst", APIKey: "key", OAuthPassword: "password", Redirects: []string{s.url + "/for/callback"}, Now: s.clock.Now}, r)
	must(s.t, err)
	server, err := double.Start("127.0.0.1:0", s.mandates)
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, server.Close(context.WithoutCancel(s.t.Context()))) })
	return server.URL
}

// person is the hub's id of somebody who has come in.
func (s *served) person(name string) (id string) {
	s.t.Helper()
	s.view(`SELECT id FROM people WHERE name = $1`, &id, name)
	return id
}

// firstLead has service management make somebody the lead of an authority, by its
// verb: there is no page for it.
func (s *served) firstLead(name, authority string) {
	s.t.Helper()
	must(s.t, s.Site.Roles.Give(s.t.Context(), identity.Service{Person: identity.Person{ID: "service"}}, s.person(name), identity.Hat{Role: identity.RoleLead, Authority: authority}, time.Time{}))
}

// give gives a role as an authority's lead does, by the verb: for tests that are
// not about the lead, and for officers who come by Suomi.fi, where no page lets
// them ask for a role.
func (s *served) give(name, authority string) {
	s.t.Helper()
	lead := identity.Lead{Person: identity.Person{ID: "lead"}, Authority: authority}
	must(s.t, s.Site.Roles.Give(s.t.Context(), lead, s.person(name), identity.Hat{Role: identity.RoleOfficer, Authority: authority}, time.Time{}))
}

// later has everybody have proved who they are so much earlier. The clock cannot
// do it: the providers' goes with the machine's.
func (s *served) later(by time.Duration) {
	s.t.Helper()
	must(s.t, s.DB.InTx(s.t.Context(), func(tx *db.Tx) error {
		rows, err := tx.QueryContext(s.t.Context(), `SELECT token, data FROM sessions WHERE ended = 0`)
		if err != nil {
			return err
		}
		all := map[string][]byte{}
		if err := rows.Each(func() error {
			var token string
			var data []byte
			err := rows.Scan(&token, &data)
			all[token] = data
			return err
		}); err != nil {
			return err
		}
		for token, data := range all {
			if data, err = earlier(data, by); err != nil {
				return err
			}
			if _, err := tx.ExecContext(s.t.Context(), `UPDATE sessions SET data = $1 WHERE token = $2`, data, token); err != nil {
				return err
			}
		}
		return nil
	}))
}

// earlier is a session as it is stored, with an earlier proof.
func earlier(data []byte, by time.Duration) ([]byte, error) {
	var session struct {
		Deadline time.Time         `json:"deadline"`
		Values   map[string]string `json:"values"`
	}
	if err := json.Unmarshal(data, &session); err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, session.Values["at"])
	if err != nil {
		return nil, err
	}
	session.Values["at"] = at.Add(-by).Format(time.RFC3339)
	return json.Marshal(session)
}
