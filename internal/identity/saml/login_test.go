package saml_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/saml"
	"luvat/internal/testkit/simplesaml"
)

func TestSuomiFiForReal(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.SuomiFi())
	h := openHub(t, saml.SuomiFi(), sourceOf(idp))
	idp.Register(metadataOf(t, h.p))

	t.Run("a person", func(t *testing.T) {
		v := newVisitor(t)
		v.get(h.URL + "/login?n=1&lang=sv")
		if !strings.HasSuffix(v.at.Path, "loginuserpass.php") {
			t.Fatalf("at %s", v.at)
		}
		v.signIn("posti", simplesaml.Password)
		v.sees("signed in")
		a := h.last()
		if a.Issuer != idp.EntityID || a.PersonalCode != "010675-9981" || a.Name != "Pirkko Posti" || a.Email != "pirkko.posti@example.fi" ||
			a.Level != saml.FinnishSubstantial || a.ForeignID != "" || a.Subject != "" || a.Session.NameID == "" || a.Session.SessionIndex == "" {
			t.Errorf("came as %+v", a)
		}
		if time.Since(a.At).Abs() > time.Minute {
			t.Errorf("authenticated at %s", a.At)
		}

		// Silently, as the provider remembers; anew, as it must ask.
		v.get(h.URL + "/login?n=2&silent")
		v.answer()
		v.sees("signed in")
		v.get(h.URL + "/login?n=3&anew")
		if !strings.HasSuffix(v.at.Path, "loginuserpass.php") {
			t.Errorf("not asked anew, but at %s", v.at)
		}
		v.signIn("posti", simplesaml.Password)
		v.sees("signed in")
	})
	for _, tt := range []struct {
		user, code, foreign, name string
	}{
		{"pitka", "261298-998X", "", "Maija-Liisa Anneli Kristiina von Pitkäniminen-Äyräväinen"},
		{"turvakielto", "260991-999R", "", "Tiina Turva"},
		{"eidas", "", "SE/FI/197001011234", "Astrid Märta Ek"},
		{"vieras", "", "F1234567890", "Omar Haddad"},
	} {
		t.Run(tt.user, func(t *testing.T) {
			v := newVisitor(t)
			v.get(h.URL + "/login?n=" + tt.user)
			v.signIn(tt.user, simplesaml.Password)
			v.sees("signed in")
			if a := h.last(); a.PersonalCode != tt.code || a.ForeignID != tt.foreign || a.Name != tt.name {
				t.Errorf("came as %+v", a)
			}
		})
	}
	for _, tt := range []struct{ user, query, sees string }{
		{"kuollut", "", "refused: cancelled: status AuthnFailed"},
		{"peru", "", "refused: cancelled: status AuthnFailed"},
		{"eikeinoa", "", "refused: no_method: status NoAuthnContext"},
		{"evatty", "", "refused: too_old: status RequestDenied"},
		{"testi", "", "refused: too_weak"},
		{"", "&silent", "refused: not_silent: status NoPassive"},
	} {
		t.Run("refused "+tt.user, func(t *testing.T) {
			v := newVisitor(t)
			v.get(h.URL + "/login?n=r" + tt.user + tt.query)
			if tt.user != "" {
				v.signIn(tt.user, simplesaml.Password)
			} else {
				v.answer()
			}
			v.sees(tt.sees)
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		before := len(h.came)
		v := newVisitor(t)
		v.get(h.URL + "/login?n=w")
		v.signIn("posti", "väärä")
		if !strings.HasSuffix(v.at.Path, "loginuserpass.php") || len(h.came) != before {
			t.Errorf("came to %s", v.at)
		}
	})
	t.Run("the same answer twice", func(t *testing.T) {
		v := newVisitor(t)
		v.get(h.URL + "/login?n=twice")
		v.submit(map[string]string{"username": "posti", "password": simplesaml.Password})
		at, page := v.at, v.page
		h.mu.Lock()
		memo := h.memos["state-twice"]
		h.mu.Unlock()
		v.answer()
		v.sees("signed in")
		h.mu.Lock()
		h.memos["state-twice"] = memo
		h.mu.Unlock()
		v.at, v.page = at, page
		v.answer()
		v.sees("refused: too_old: the assertion was used before")
	})
	t.Run("nothing personal in the log", func(t *testing.T) {
		log := h.log.String()
		if !strings.Contains(log, "refused") {
			t.Error("nothing was logged at all")
		}
		for _, secret := range []string{"010675", "Posti", "posti@", "Ek", "SE/FI", "Haddad", "F1234567890", h.last().Session.NameID} {
			if strings.Contains(log, secret) {
				t.Errorf("%q was logged", secret)
			}
		}
	})
}

func TestLogoutForReal(t *testing.T) {
	for _, profile := range []simplesaml.Profile{simplesaml.SuomiFi(), simplesaml.Portti()} {
		t.Run(profile.Name, func(t *testing.T) {
			idp := simplesaml.Start(t, profile)
			c, user := saml.SuomiFi(), "posti"
			if profile.Persistent {
				c, user = saml.Portti(), "pekka"
			}
			h := openHub(t, c, sourceOf(idp))
			idp.Register(metadataOf(t, h.p))
			signedIn := func() *visitor {
				v := newVisitor(t)
				v.get(h.URL + "/login?n=1")
				v.signIn(user, simplesaml.Password)
				v.sees("signed in")
				if h.open() != 1 {
					t.Fatalf("%d sessions", h.open())
				}
				return v
			}

			v := signedIn()
			v.get(h.URL + "/logout")
			v.sees("signed out everywhere: true, state bye")
			if h.open() != 0 {
				t.Error("the session is still open")
			}
			v.get(h.URL + "/login?n=1") // the provider has forgotten too
			if !strings.HasSuffix(v.at.Path, "loginuserpass.php") {
				t.Errorf("the provider's session goes on: %s", v.at)
			}

			// Begun at the provider.
			v = signedIn()
			if profile.Frames {
				h.endInFrames(v, idp)
			} else {
				v.get(idp.EndEverywhere(h.URL + "/end"))
				v.sees("the end")
			}
			if h.open() != 0 {
				t.Error("the session is still open")
			}
			if strings.Contains(h.log.String(), "refused") {
				t.Error(h.log.String())
			}
			if strings.Contains(idp.Log(), " ERR ") {
				t.Error(idp.Log())
			}
		})
	}
}

func TestVirtuForReal(t *testing.T) {
	virtu := simplesaml.Virtu(t, "thl.fi", "vero.fi")
	h := openHub(t, saml.Virtu(), func(c *saml.Config) {
		c.Source = saml.Source{URL: virtu.Aggregate}
		c.Source.Signer.Certificates = append(c.Source.Signer.Certificates, virtu.Certificate)
		c.Homes = []saml.Home{{EntityID: virtu.Homes[0].EntityID}, {EntityID: virtu.Homes[1].EntityID}}
		c.DiscoveryService, c.Discovery = virtu.Discovery, strings.TrimSuffix(c.ACS, "/acs")+"/chosen"
	})
	virtu.Register(metadataOf(t, h.p))
	for i, organisation := range []string{"thl.fi", "vero.fi"} {
		v := newVisitor(t)
		v.get(h.p.Choose("chosen-1", false))
		link := ""
		for _, l := range links.FindAllStringSubmatch(v.page, -1) {
			if l[2] == organisation {
				link = html.UnescapeString(l[1])
			}
		}
		v.get(link)
		v.signIn("virve", simplesaml.Password)
		v.sees("signed in")
		if a := h.last(); a.Issuer != virtu.Homes[i].EntityID || a.Subject != "virve@"+organisation || a.Organisation != organisation ||
			a.Name != "Virve Virkanen" || a.Email != "virve@"+organisation || a.PersonalCode != "" {
			t.Errorf("came as %+v", a)
		}
	}
	v := newVisitor(t)
	v.get(h.URL + "/login?n=5&issuer=" + url.QueryEscape(virtu.Homes[0].EntityID))
	v.signIn("huijari", simplesaml.Password)
	v.sees("refused: not_valid: the identity provider may not speak for this home organisation")

	// An answer of one home organisation to what another was asked.
	v = newVisitor(t)
	v.get(h.URL + "/login?n=6&issuer=" + url.QueryEscape(virtu.Homes[0].EntityID))
	v.submit(map[string]string{"username": "virve", "password": simplesaml.Password})
	h.mu.Lock()
	memo := string(h.memos["state-6"])
	h.memos["state-6"] = []byte(strings.Replace(memo, virtu.Homes[0].EntityID, virtu.Homes[1].EntityID, 1))
	h.mu.Unlock()
	v.answer()
	v.sees("refused: not_valid: the issuer is not the identity provider that was asked")

	v.get(h.p.Choose("chosen-2", true))
	v.sees("refused: cancelled: the discovery service came back without a choice")
}

func TestPorttiForReal(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.Portti())
	h := openHub(t, saml.Portti(), sourceOf(idp))
	idp.Register(metadataOf(t, h.p))
	var subject string
	for range 2 {
		v := newVisitor(t)
		v.get(h.URL + "/login?n=1&silent")
		v.answer()
		v.sees("refused: not_silent")
		v.get(h.URL + "/login?n=2")
		v.signIn("sanna", simplesaml.Password)
		v.sees("signed in")
		a := h.last()
		if a.Subject == "" || subject != "" && a.Subject != subject || a.Organisation != "turku.pelastus.fi" || a.Name != "Sanna Sammuttaja" || a.Lang != i18n.SV {
			t.Errorf("came as %+v", a)
		}
		subject = a.Subject
	}
}

// TestOurMessagesBySchema lets PHP's libxml judge what we send, by the schemas
// that come with SimpleSAMLphp.
func TestOurMessagesBySchema(t *testing.T) {
	const schemas = "/usr/share/simplesamlphp/schemas/saml-schema-"
	b := connect(t, func(c *saml.Config) { c.AskLevels = true })
	address, _, err := b.Begin(t.Context(), identity.Beginning{State: "s", Lang: i18n.EN, Anew: true})
	if err != nil {
		t.Fatal(err)
	}
	_, request := unpack(t, address, "SAMLRequest")
	address, err = b.End(t.Context(), suomifi, session, "s", i18n.EN)
	if err != nil {
		t.Fatal(err)
	}
	_, logout := unpack(t, address, "SAMLRequest")
	messages := map[string][]byte{"AuthnRequest": bytesOf(t, request), "LogoutRequest": bytesOf(t, logout)}
	for _, done := range []bool{true, false} {
		_, answer, err := b.ended(get(goodRequest().query(t, "theirs", keys.idp, sha256Sig)))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := answer(w, done); err != nil {
			t.Fatal(err)
		}
		_, response := unpack(t, w.Header().Get("Location"), "SAMLResponse")
		messages[fmt.Sprintf("LogoutResponse %v", done)] = bytesOf(t, response)
	}
	for name, c := range map[string]*bench{"Suomi.fi": b, "Virtu": federated(t, virtuMetadata())} {
		messages["metadata for "+name] = metadataOf(t, c.Provider)
	}
	for name, message := range messages {
		schema := schemas + "protocol-2.0.xsd"
		if strings.HasPrefix(name, "metadata") {
			schema = schemas + "metadata-2.0.xsd"
		}
		php := exec.Command("php", "-r", `$d = new DOMDocument(); $d->loadXML(stream_get_contents(STDIN)); exit($d->schemaValidate($argv[1]) ? 0 : 1);`, schema)
		php.Stdin = bytes.NewReader(message)
		if out, err := php.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s\n%s", name, err, out, message)
		}
	}
}

// TestTheProviderIsDown: what is known of it goes on being used, and that it
// cannot be refreshed is told.
func TestTheProviderIsDown(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.Portti())
	h := openHub(t, saml.Portti(), sourceOf(idp))
	idp.Register(metadataOf(t, h.p))
	pid := idp.PID()
	idp.Stop()
	idp.Stop()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the process lives on: %v", err)
	}
	if err := h.p.Refresh(t.Context()); err == nil {
		t.Error("refreshed from nothing")
	}
	if _, _, err := h.p.Begin(t.Context(), identity.Beginning{State: "s"}); err != nil {
		t.Errorf("what is known of the provider is not used: %v", err)
	}
}
