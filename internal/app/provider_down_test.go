package app_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// nowhere adds a SAML connection whose provider is not there, as a hub has it
// that starts while the provider is down.
func nowhere(t *testing.T) func(*served, map[string]any) {
	return func(s *served, settings map[string]any) {
		pair := pemPair(t, filepath.Join(s.dir, "nowhere.pem"))
		settings["saml"] = []any{map[string]any{
			"name": "suomifi", "preset": "suomifi", "title": three("Suomi.fi-tunnistus"), "entity_id": s.base + "/saml",
			"metadata": map[string]string{"url": "http://" + free(t) + "/metadata", "certificates": pair}, "homes": []any{map[string]any{"entity_id": "https://nowhere.example"}},
			"signing": []map[string]string{{"certificate": pair, "key": pair}}, "encryption": []map[string]string{{"certificate": pair, "key": pair}},
			"about": map[string]any{
				"name": three("Luvat ja valvonta"), "description": three("Luvat yhdestä paikasta"), "privacy": three("https://luvat.example/tietosuoja"),
				"logo": map[string]any{"url": "https://luvat.example/logo.png", "width": 80, "height": 60}, "organisation": three("Virasto"),
				"organisationpage": three("https://virasto.example"), "contacts": []any{map[string]string{"type": "technical", "givenname": "Tuki", "email": "tuki@luvat.example"}},
			},
		}}
	}
}

// draftOf begins a project of a person and returns the address of its draft.
func (h *served) draftOf(person string) string {
	h.t.Helper()
	const authority, kind = "muni-837", "muni-noise"
	err := h.DB.InTx(h.t.Context(), func(tx *db.Tx) error {
		return catalogue.SaveOffer(h.t.Context(), tx, &catalogue.Offer{
			ID: catalogue.OfferID(authority, kind), Authority: authority, Type: kind, Way: catalogue.Light, National: true, NoticeEmail: "melu@tampere.example", Active: true,
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	who := identity.Customer{Person: identity.Person{ID: person}}
	project, err := h.Desk.StartProject(h.t.Context(), who, matter.NewProject{Entity: "event", Municipality: "837", Name: "Pihajuhlat", Types: []string{kind}})
	if err != nil {
		h.t.Fatal(err)
	}
	v, err := h.Desk.Project(h.t.Context(), who, project)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.base + "/matters/" + v.Rows[0].ID + "/form"
}

var (
	version = regexp.MustCompile(`name="_version" value="(\d+)"`)
	area    = regexp.MustCompile(`<textarea[^>]* name="([a-z_.0-9]+)"`)
)

// saves types into the first larger field of a draft and sees it kept.
func (c client) saves(form, text string) {
	c.t.Helper()
	_, page := c.get(form)
	v, field := version.FindStringSubmatch(page), area.FindStringSubmatch(page)
	if v == nil || field == nil {
		c.t.Fatalf("%s is no form to type in: %.500s", form, page)
	}
	res, err := c.PostForm(form, url.Values{"_version": {v[1]}, field[1]: {text}})
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("saving: %v, %v", res, err)
	}
	_ = res.Body.Close()
	if _, page := c.get(form); !strings.Contains(page, text) {
		c.t.Errorf("%q was not saved", text)
	}
}

// told opens an address and wants the page that says that the provider is down.
func (c client) told(address string, l i18n.Lang) {
	c.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		c.t.Fatal(err)
	}
	q := u.Query()
	q.Set("lang", string(l))
	u.RawQuery = q.Encode()
	res, err := c.Get(u.String())
	if err != nil {
		c.t.Fatal(err)
	}
	status := res.StatusCode
	_, text := c.read(res, nil)
	if want := html.EscapeString(i18n.T(l, "login.refused_not_there")); status != http.StatusServiceUnavailable || !strings.Contains(html.UnescapeString(text), html.UnescapeString(want)) ||
		!strings.Contains(text, `lang="`+string(l)+`"`) {
		c.t.Errorf("%s in %s: status %d, %.300s", u.Path, l, status, text)
	}
}

// The provider goes down: who comes is told so in their language, by SAML and by
// OpenID Connect, and whoever is inside already goes on with the draft.
func TestTheProviderGoesDown(t *testing.T) {
	h, p := openID(t, nowhere(t))
	tessa, b := newClient(t), p.Browser(t)
	h.signInAt(tessa, b)
	var person string
	err := h.DB.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRowContext(t.Context(), `SELECT id FROM people`).Scan(&person) })
	if err != nil {
		t.Fatal(err)
	}
	draft := h.draftOf(person)
	tessa.saves(draft, "Kirjoitettu, kun tunnistuspalvelu vastasi.")

	// Three people have just answered the provider, and are on their way back.
	callers, back := map[i18n.Lang]client{}, map[i18n.Lang]string{}
	for _, l := range i18n.Langs {
		callers[l] = newClient(t)
		back[l] = p.Browser(t).SignIn(callers[l].sent(h.base+"/login/"+oidcName), "tessa", ftnLevel).String()
	}
	p.Stop()
	for _, l := range i18n.Langs {
		callers[l].told(back[l], l)
		newClient(t).told(h.base+"/login/suomifi", l)
	}
	tessa.saves(draft, "Kirjoitettu, kun tunnistuspalvelu ei vastannut.")

	// The same, of somebody who had come in by SAML.
	w := httptest.NewRecorder()
	h.Site.Sessions.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := identity.Visit{Person: identity.Person{ID: person}, Hat: identity.Hat{Role: identity.RoleCustomer}, Via: identity.Via{
			Connection: "suomifi", Issuer: "https://nowhere.example", At: h.Desk.Now(), Private: true, Session: identity.ProviderSession{NameID: "_nimi", SessionIndex: "_1"},
		}}
		if err := h.Site.Sessions.SignIn(r.Context(), v); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	at, err := url.Parse(h.base)
	if err != nil {
		t.Fatal(err)
	}
	other := newClient(t)
	other.Jar.SetCookies(at, w.Result().Cookies())
	other.saves(draft, "Kirjoitettu toisella selaimella.")
}
