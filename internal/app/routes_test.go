package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/app"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/web"
	"luvat/internal/web/site"
)

// demoHub is a hub with the demo's people and projects.
func demoHub(t *testing.T) *app.Hub {
	t.Helper()
	return openAs(t, app.DemoCopy(t), io.Discard)
}

// openAs opens the hub of a configuration, whose time goes on from when the demo
// was seeded and which logs all that it can.
func openAs(t *testing.T, c app.Config, log io.Writer) *app.Hub {
	t.Helper()
	h, err := app.Open(t.Context(), c, app.Options{Now: app.DemoTime, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// session signs a person in with a hat and returns the cookie.
func session(t *testing.T, h *app.Hub, person string, hat identity.Hat) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	h.Site.Sessions.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.Site.Sessions.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: person}, Hat: hat}); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies after signing in; want 1", len(cookies))
	}
	return cookies[0]
}

func ask(h *app.Hub, method, path string, as *http.Cookie) *httptest.ResponseRecorder {
	body := io.Reader(http.NoBody)
	if method != http.MethodGet && method != http.MethodHead {
		body = strings.NewReader(url.Values{"_version": {"1"}, "text": {"hei"}}.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if as != nil {
		r.AddCookie(as)
	}
	w := httptest.NewRecorder()
	h.Handler.ServeHTTP(w, r)
	return w
}

// ids are real ones of people's matters, so that "not found" means "not yours".
func ids(t *testing.T, h *app.Hub) map[string]string {
	t.Helper()
	found := map[string]string{"entity": "event", "type": "police-public-event", "n": "1", "secret": "WRONG", "connection": "suomifi", "document": "metadata", "mode": "company", "area": "nature", "authority": "rescue-pirkanmaa", "invitation": "0190b3a4-0000-7000-8000-000000000001"}
	read := func(name, query string) {
		var id string
		if err := h.DB.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRowContext(t.Context(), query).Scan(&id) }); err != nil {
			t.Fatalf("the demo has no %s: %v", name, err)
		}
		found[name] = id
	}
	read("matter", `SELECT id FROM matters WHERE status = 'in_handling' ORDER BY id LIMIT 1`)
	read("project", `SELECT project_id FROM matters WHERE status = 'in_handling' ORDER BY id LIMIT 1`)
	read("file", `SELECT id FROM attachments WHERE state = 'ready' AND matter_id <> '' ORDER BY id LIMIT 1`)
	read("person", `SELECT person_id FROM members ORDER BY person_id LIMIT 1`)
	found["machine"], found["credential"] = robotOf(t, h, "rescue-pirkanmaa", "Hälytysrobotti")
	return found
}

// robotOf registers a robot of an authority with a key that nobody has.
func robotOf(t *testing.T, h *app.Hub, authority, name string) (id, credential string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	lead := machine.Lead(identity.Lead{Person: identity.Person{ID: "demo-lead"}, Authority: authority})
	m, err := h.Site.Machines.Add(t.Context(), lead, machine.Machine{Authority: authority, Kind: machine.Robot, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.Site.Machines.Issue(t.Context(), lead, m.ID, machine.Proof{JWK: public})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID, c.ID
}

func concrete(pattern string, ids map[string]string) (method, path string, named bool) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = http.MethodGet, pattern
	}
	kind := "matter"
	if strings.HasPrefix(path, "/projects/") {
		kind = "project"
	}
	if strings.HasPrefix(path, "/files/") || strings.HasPrefix(path, "/uploads/") {
		kind = "file"
	}
	for name, id := range ids {
		if strings.Contains(path, "{"+name+"}") {
			path = strings.ReplaceAll(path, "{"+name+"}", id)
			named = true
		}
	}
	if strings.Contains(path, "{id}") {
		path = strings.ReplaceAll(path, "{id}", ids[kind])
		named = true
	}
	return method, strings.TrimSuffix(path, "{$}"), named
}

// Every route, as nobody and as strangers of every hat. The list is the
// product's own, so no route can be forgotten.
func TestStrangersFindNothing(t *testing.T) {
	t.Parallel()
	h := demoHub(t)
	known := ids(t, h)
	missing := map[string]string{}
	for name := range known {
		missing[name] = "0190b3a4-0000-7000-8000-000000000000"
	}
	err := h.DB.InTx(t.Context(), func(tx *db.Tx) error {
		return identity.SavePerson(t.Context(), tx, h.Desk.Now(), identity.Person{ID: "outo", Name: "Outo", Email: "outo@example.fi", Lang: "fi"})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, hat := range []identity.Hat{{Role: identity.RoleOfficer, Authority: "police-lappi"}, {Role: identity.RoleLead, Authority: "police-lappi"}, {Role: identity.RoleService}, {Role: identity.RoleSupport}} {
		if err := h.DB.InTx(t.Context(), func(tx *db.Tx) error { return identity.Grant(t.Context(), tx, h.Desk.Now(), "outo", hat) }); err != nil {
			t.Fatal(err)
		}
	}
	hats := map[site.Access]*http.Cookie{
		site.Customers: session(t, h, "outo", identity.Hat{Role: identity.RoleCustomer}),
		site.Officers:  session(t, h, "outo", identity.Hat{Role: identity.RoleOfficer, Authority: "police-lappi"}),
		site.Leads:     session(t, h, "outo", identity.Hat{Role: identity.RoleLead, Authority: "police-lappi"}),
		site.Services:  session(t, h, "outo", identity.Hat{Role: identity.RoleService}),
		site.Supports:  session(t, h, "outo", identity.Hat{Role: identity.RoleSupport}),
	}
	routes := web.Routes(h.Site, nil, web.Outside{})
	if len(routes) < 50 {
		t.Fatalf("%d routes: the list is not whole", len(routes))
	}
	for _, rt := range routes {
		method, path, named := concrete(rt.Pattern, known)
		if strings.Contains(path, "{") {
			t.Errorf("%s: this test has no value for a blank of it", rt.Pattern)
			continue
		}
		if rt.Access == site.Anybody || rt.Access == site.DemoOnly {
			continue
		}
		if w := ask(h, method, path, nil); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login") {
			t.Errorf("%s signed out: status %d to %q; want the login", rt.Pattern, w.Code, w.Header().Get("Location"))
		}
		if rt.Access == site.SignedIn {
			continue
		}
		for access, cookie := range hats {
			w := ask(h, method, path, cookie)
			switch {
			case access != rt.Access && w.Code != http.StatusNotFound:
				t.Errorf("%s for %s, asked by %s: status %d; want 404", rt.Pattern, rt.Access, access, w.Code)
			case access == rt.Access && named && rt.Access != site.Services && !strings.Contains(rt.Pattern, "{entity}") && w.Code != http.StatusNotFound:
				// A malformed request may be refused before its matter is looked
				// for, if what is there and what is not are refused alike.
				_, nowhere, _ := concrete(rt.Pattern, missing)
				if alike := ask(h, method, nowhere, cookie); w.Code < 400 || alike.Code != w.Code {
					t.Errorf("%s as a stranger: status %d, and %d for what does not exist; want 404", rt.Pattern, w.Code, alike.Code)
				}
			}
		}
	}
}

// written is all that a request could have changed: the ledger, the drafts with
// their versions, and what waits to be done.
func written(t *testing.T, h *app.Hub) map[string]string {
	t.Helper()
	all := map[string]string{}
	for what, query := range map[string]string{
		"the ledger":        `SELECT stream, n, hash FROM ledger ORDER BY stream, n`,
		"a deed":            `SELECT stream, n, deed FROM ledger WHERE deed <> 'notice.opened' ORDER BY stream, n`,
		"a matter's draft":  `SELECT id, version, form_hash || ' ' || status FROM matters ORDER BY id`,
		"common data":       `SELECT id, version, name FROM projects ORDER BY id`,
		"a kept version":    `SELECT subject, version, answers FROM draft_versions ORDER BY subject, version`,
		"a message":         `SELECT id, sent_at, text FROM messages ORDER BY id`,
		"an attachment":     `SELECT id, received, state || ' ' || field || ' ' || matter_id FROM attachments ORDER BY id`,
		"a member's rights": `SELECT project_id || ' ' || person_id, since, role FROM members ORDER BY project_id, person_id`,
		"an invitation":     `SELECT id, used_at, role FROM invitations ORDER BY id`,
		"sharing":           `SELECT matter_id, since, authority_id FROM shares ORDER BY matter_id, authority_id`,
		"waiting work":      `SELECT id, attempts, state FROM outbox ORDER BY id`,
		"a role":            `SELECT person_id || ' ' || authority_id, until_at, role || ' ' || types FROM grants ORDER BY person_id, authority_id, role`,
		"a successor":       `SELECT person_id, 0, successor_id FROM successors ORDER BY person_id, authority_id`,
		"a request":         `SELECT person_id || ' ' || authority_id, answered_at, connection FROM access_requests ORDER BY person_id, authority_id`,
		"a way in":          `SELECT authority_id, until_at, connection FROM authority_ways ORDER BY authority_id, connection`,
		"a machine":         `SELECT id, withdrawn_at, name || ' ' || types FROM machines ORDER BY id`,
		"a credential":      `SELECT id, withdrawn_at, machine_id FROM machine_credentials ORDER BY id`,
		"a survey's result": `SELECT id, 0, answers FROM survey_results ORDER BY id`,
		"an offer":          `SELECT id, 0, territory FROM offers ORDER BY id`,
		"a person":          `SELECT id, 0, name || ' ' || email || ' ' || lang FROM people ORDER BY id`,
	} {
		var b strings.Builder
		err := h.DB.View(t.Context(), func(tx *db.Tx) error {
			rows, err := tx.QueryContext(t.Context(), query)
			if err != nil {
				return err
			}
			return rows.Each(func() error {
				var id, text string
				var n int64
				if err := rows.Scan(&id, &n, &text); err != nil {
					return err
				}
				fmt.Fprintln(&b, id, n, text)
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		all[what] = b.String()
	}
	return all
}

// changed names what differs.
func changed(before, after map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(before)), func(what string) bool { return before[what] == after[what] })
}
