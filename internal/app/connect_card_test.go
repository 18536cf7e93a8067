package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/testkit"
	"luvat/internal/testkit/browser"
	"luvat/internal/testkit/pki"
)

// tenMinutes is longer than an answer about a card is used.
const tenMinutes = 10 * time.Minute

var maija = pki.Holder{
	GivenName: "Maija", Surname: "Meriläinen", Serial: "100023456K", Organisation: "Pirkanmaan hyvinvointialue",
	Email: "maija.merilainen@pirha.example", UPN: "mmerilai@pirha.example",
}

// withCards makes a hub at which officers of a rescue department show cards,
// at a listener of its own.
func withCards(t *testing.T) (*served, *pki.Tree, *testkit.Clock) {
	t.Helper()
	clock := testkit.NewClock()
	tree := pki.New(t, pki.Options{Now: clock.Now})
	h, _ := showing(t, tree, clock.Now)
	return h, tree, clock
}

// showing makes a hub at whose door the tree's cards are shown.
func showing(t *testing.T, tree *pki.Tree, now func() time.Time) (h *served, door string) {
	t.Helper()
	h = serving(t, now, func(s *served) map[string]any {
		door = free(t)
		server := tree.Server(t, "127.0.0.1")
		file := filepath.Join(s.dir, "door.pem")
		key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		body := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
		for _, der := range server.Certificate {
			body = append(body, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		roots, intermediates := tree.Write(t)
		return map[string]any{
			"keys": filepath.Join(s.dir, "keys"),
			"card": []any{map[string]any{
				"name": "portti-kortti", "title": three("Toimikortti"), "host": door, "listen": door, "certificate": file, "key": file,
				"roots": []string{roots}, "intermediates": []string{intermediates}, "root_pins": []string{}, "responders": []string{tree.Host()},
				"organisations": []any{map[string]any{"authority": "rescue-pirkanmaa", "names": []string{"Pirkanmaan hyvinvointialue"}}},
			}},
		}
	}, "Maija", "Meril", "100023456")
	return h, door
}

// holding gives the browser a card, and trust in the tree's servers.
func (c client) holding(tree *pki.Tree, clock *testkit.Clock, card *pki.Card) client {
	trusted := x509.NewCertPool()
	trusted.AddCert(tree.RootRSA.Cert)
	trusted.AddCert(tree.RootECC.Cert)
	conf := &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12, Time: clock.Now}
	if card != nil {
		conf.Certificates = []tls.Certificate{card.TLS()}
	}
	c.Transport = &http.Transport{TLSClientConfig: conf}
	return c
}

// comesIn signs an officer in who has the role.
func (h *served) comesIn(c client, clock *testkit.Clock) {
	h.t.Helper()
	at, text := c.get(h.base + "/login/portti-kortti?next=/officer")
	if at.Host != h.listen || at.Path != "/login/role" || !strings.Contains(text, "Maija Meriläinen") {
		h.t.Fatalf("with the card one comes to %s: %.600s", at, text)
	}
	err := h.DB.InTx(h.t.Context(), func(tx *db.Tx) error {
		var person string
		if err := tx.QueryRowContext(h.t.Context(), `SELECT id FROM people WHERE name = 'Maija Meriläinen'`).Scan(&person); err != nil {
			return err
		}
		return identity.Grant(h.t.Context(), tx, clock.Now(), person, identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa"})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if at, text = c.get(h.base + "/login/portti-kortti?next=/officer"); at.Path == "/login/role" {
		at, text = c.post(h.base+"/login/role", url.Values{"role": {"officer/rescue-pirkanmaa"}, "next": {"/officer"}})
	}
	if at.Path != "/officer" {
		h.t.Fatalf("with the role one comes to %s: %.600s", at, text)
	}
}

// An officer works until her card is revoked.
func TestSigningInByCard(t *testing.T) {
	h, tree, clock := withCards(t)
	card := tree.RSA.Card(t, maija)
	c := newClient(t).holding(tree, clock, &card)
	h.comesIn(c, clock)
	tree.RSA.Revoke(card.Cert)
	clock.Move(tenMinutes)
	if status, text := c.status(h.base + "/officer"); status != http.StatusForbidden || strings.Contains(text, "Maija") {
		t.Errorf("after the card was revoked: status %d, %.600s", status, text)
	}
	if at, _ := c.get(h.base + "/officer"); at.Path != "/login" {
		t.Errorf("and then at %s", at)
	}
	if at, text := c.get(h.base + "/login/portti-kortti?next=/officer"); at.Host != h.listen || at.Path != "/login/done" || !strings.Contains(text, "varmenne on suljettu") {
		t.Errorf("showing it again leads to %s: %.600s", at, text)
	}
}

func (c client) status(address string) (status int, text string) {
	c.t.Helper()
	res, err := c.Get(address)
	if err != nil {
		c.t.Fatal(err)
	}
	_, text = c.read(res, nil)
	return res.StatusCode, text
}

// A browser with the card in its reader is led to the door and back, and asks for
// a role.
func TestSigningInByCardInABrowser(t *testing.T) {
	tree := pki.New(t, pki.Options{})
	h, door := showing(t, tree, nil)
	card := tree.RSA.Card(t, maija)
	b := browser.StartWith(t, browser.Reader{Card: card.TLS(), Roots: []*x509.Certificate{tree.RootRSA.Cert, tree.RootECC.Cert}, Hosts: []string{"https://" + door}})
	p := b.Page(t, browser.Options{Base: h.base, JavaScript: true})
	p.Goto("/login?next=/officer")
	p.Click("link", "Toimikortti")
	p.See("Maija Meriläinen")
	if !strings.HasPrefix(p.URL(), h.base+"/login/role") {
		t.Errorf("with the card one comes to %s", p.URL())
	}
	p.Click("button", i18n.T(i18n.FI, "login.access_button"))
	p.See(i18n.T(i18n.FI, "login.access_asked"))
}

// While nobody tells whether cards were revoked, nothing is shown, and nobody is
// signed out.
func TestACardThatNobodyTellsOf(t *testing.T) {
	h, tree, clock := withCards(t)
	card := tree.RSA.Card(t, maija)
	c := newClient(t).holding(tree, clock, &card)
	h.comesIn(c, clock)
	for _, a := range []*pki.Authority{tree.RSA, tree.RootRSA} {
		a.Silence()
	}
	clock.Move(30 * 24 * time.Hour) // no answer of before holds any more
	if status, text := c.status(h.base + "/officer"); status != http.StatusServiceUnavailable || !strings.Contains(text, "varmentaja ei vastaa") {
		t.Errorf("while nobody tells: status %d, %.600s", status, text)
	}
	for _, a := range []*pki.Authority{tree.RSA, tree.RootRSA} {
		a.OnOCSP(nil)
		a.OnCRL(nil)
	}
	if at, _ := c.get(h.base + "/officer"); at.Path != "/officer" {
		t.Errorf("once they tell again one is at %s", at)
	}
}

// Without a card, or with one of nobody's, the hub's page says so, at the hub's
// own address; and nothing else is to be had at the door.
func TestTheDoorForCards(t *testing.T) {
	h, tree, clock := withCards(t)
	at, text := newClient(t).holding(tree, clock, nil).get(h.base + "/login/portti-kortti")
	if at.Host != h.listen || at.Path != "/login/done" || !strings.Contains(text, "eskey") {
		t.Errorf("without a card at %s: %.600s", at, text)
	}
	stranger := maija
	stranger.Organisation = "Muu Oy"
	card := tree.RSA.Card(t, stranger)
	c := newClient(t).holding(tree, clock, &card)
	if at, text = c.get(h.base + "/login/portti-kortti"); at.Host != h.listen || at.Path != "/login/done" || strings.Contains(text, "Maija") {
		t.Errorf("with a stranger's card at %s: %.600s", at, text)
	}
	door, err := url.Parse(c.sent(h.base + "/login/portti-kortti"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/login", "/officer", "/login/card/other", "/metrics"} {
		res, err := c.Get("https://" + door.Host + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s at the door: status %d", path, res.StatusCode)
		}
	}

	// A header that claims a card is nothing where no proxy is trusted.
	forged, err := http.NewRequestWithContext(t.Context(), "GET", h.base+"/login/card/portti-kortti?"+door.RawQuery, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged.Host = door.Host
	forged.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(card.Cert.Raw)+":")
	res, err := c.Do(forged)
	if err != nil {
		t.Fatal(err)
	}
	if at, text := c.read(res, nil); at.Path == "/login/role" || strings.Contains(text, "Maija") {
		t.Errorf("a forged header leads to %s", at)
	}
}
