package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/matter"
	"luvat/internal/survey"
	"luvat/internal/web"
	"luvat/internal/web/site"
)

// A sight is a page to look at: a path, and who sees it. name tells what it is.
type sight struct {
	name, path string
	who        site.Access
	status     int  // of the answer, 200 when 0
	file       bool // a download, not a page
}

// wearers are the people of the demo who look at each kind of page.
var wearers = map[site.Access]string{
	site.Customers: "demo-aino", site.Officers: "demo-rescue", site.Leads: "demo-lead", site.Services: "demo-service", site.Supports: "demo-support",
}

// lookers are the kinds of pages in the order in which they are looked at.
var lookers = []site.Access{site.Anybody, site.Customers, site.Officers, site.Leads, site.Services, site.Supports}

// noPages are the ways to a login or to mandates and back: they lead on, and
// have no page of their own but the errors of others; and a document for programs.
var noPages = map[string]bool{
	"/login/{connection}": true, "/login/{connection}/chosen": true, "/login/{connection}/callback": true,
	"/login/{connection}/{document}": true, "/login/{connection}/logout": true, "/login/anew": true, "/for/{mode}": true,
	"/.well-known/oauth-authorization-server": true,
}

// troubled are the pages that one who comes without the state of a login gets.
var troubled = map[string]int{"/login/done": http.StatusBadRequest, "/for/callback": http.StatusBadRequest}

// sights lists every GET route of the product with something real in its
// blanks, then pages in other states: forms in trouble, every deed of an
// officer, matters in each status, errors. A route for which this test has no
// values fails it.
func sights(t *testing.T, h *hub) []sight {
	t.Helper()
	all := routeSights(t, h)
	for _, m := range matters(t, h) {
		if m.ours["demo-aino"] {
			all = append(all, sight{"a matter that is " + m.status, "/matters/" + m.id, site.Customers, 0, false})
		}
		if m.ours["demo-rescue"] {
			all = append(all, sight{"an officer's matter that is " + m.status, "/officer/matters/" + m.id, site.Officers, 0, false})
		}
	}
	draft := find(t, h, `SELECT m.id FROM matters m JOIN members b ON b.project_id = m.project_id WHERE b.person_id = 'demo-aino' AND b.role = 'owner' AND m.status = 'draft' ORDER BY m.id LIMIT 1`)
	project := find(t, h, `SELECT project_id FROM matters WHERE id = $1`, draft)
	handled := find(t, h, `SELECT id FROM matters WHERE authority_id = 'rescue-pirkanmaa' AND status = 'in_handling' ORDER BY id LIMIT 1`)
	for _, deed := range []string{"take", "finish", "ask", "message", "pending", "handler", "identifier", "redirect", "letter", "dismiss", "transfer"} {
		all = append(all, sight{"the deed " + deed, "/officer/matters/" + handled + "?do=" + deed, site.Officers, 0, false})
	}
	for _, b := range matter.Buckets {
		all = append(all, sight{"the inbox " + string(b), "/officer?bucket=" + string(b), site.Officers, 0, false})
	}
	return append(all,
		sight{"an empty search", "/officer?q=eiole", site.Officers, 0, false},
		sight{"a form with all its problems", "/matters/" + draft + "/form?check=1", site.Customers, 0, false},
		sight{"common data with all its problems", "/projects/" + project + "/common?check=1", site.Customers, 0, false},
		sight{"a new project, second step", "/projects/new?entity=event&municipality=837", site.Customers, 0, false},
		sight{"a new project, nothing chosen", "/projects/new?entity=&municipality=", site.Customers, http.StatusUnprocessableEntity, false},
		sight{"the catalogue, searched", "/catalogue?q=melu&entity=event&municipality=Tampere", site.Anybody, 0, false},
		sight{"the catalogue, nothing found", "/catalogue?q=eiole", site.Anybody, 0, false},
		sight{"not found", "/ei/ole", site.Anybody, http.StatusNotFound, false},
		sight{"not found, signed in", "/projects/EIOLE", site.Customers, http.StatusNotFound, false},
		sight{"not found, for an officer", "/officer/matters/EIOLE", site.Officers, http.StatusNotFound, false},
	)
}

// routeSights walks the product's own list of routes.
func routeSights(t *testing.T, h *hub) []sight {
	t.Helper()
	sent := find(t, h, `SELECT m.id FROM matters m JOIN submissions s ON s.matter_id = m.id JOIN members b ON b.project_id = m.project_id
		WHERE b.person_id = 'demo-aino' AND b.role = 'owner' AND s.n = 1 AND m.status IN ('in_handling', 'pending', 'sent') ORDER BY m.id LIMIT 1`)
	draft := find(t, h, `SELECT m.id FROM matters m JOIN members b ON b.project_id = m.project_id WHERE b.person_id = 'demo-aino' AND b.role = 'owner' AND m.status = 'draft' ORDER BY m.id LIMIT 1`)
	asked := find(t, h, `SELECT m.id FROM matters m JOIN members b ON b.project_id = m.project_id WHERE b.person_id = 'demo-aino' AND b.role = 'owner' AND m.status = 'to_complete' ORDER BY m.id LIMIT 1`)
	project := find(t, h, `SELECT project_id FROM matters WHERE id = $1`, sent)
	twice := find(t, h, `SELECT m.id FROM matters m JOIN submissions s ON s.matter_id = m.id WHERE m.authority_id = 'rescue-pirkanmaa' AND s.n = 2 ORDER BY m.id LIMIT 1`)
	mine := find(t, h, `SELECT a.id FROM attachments a JOIN members b ON b.project_id = a.project_id WHERE b.person_id = 'demo-aino' AND a.state = 'ready' AND a.side = 'applicant' ORDER BY a.id LIMIT 1`)
	result := surveyResult(t, h, "event")
	robot, key := robotWithKey(t, h)
	blank := map[string]string{"{machine}": robot, "{credential}": key, "{$}": "", "{entity}": "event", "{area}": "nature", "{type}": "police-public-event", "{n}": "1", "{secret}": invited(t, h), "{person}": "demo-rescue", "{authority}": "rescue-pirkanmaa"}
	ids := map[string]string{
		"/survey/results/{id}": result, "/projects/{id}": project, "/matters/{id}/form": draft, "/matters/{id}/remove": draft, "/matters/{id}/complete": asked, "/matters/{id}": sent,
		"/officer/matters/{id}": twice, "/files/{id}": mine,
	}
	var all []sight
	for _, rt := range web.Routes(h.Site, nil, web.Outside{}) {
		method, p, _ := strings.Cut(rt.Pattern, " ")
		if method != http.MethodGet || noPages[p] {
			continue
		}
		s := sight{name: rt.Pattern, who: rt.Access, status: troubled[p]}
		if s.who == site.DemoOnly {
			s.who = site.Anybody
		}
		if s.who == site.SignedIn || p == "/login/role" {
			s.who = site.Officers
		}
		longest := ""
		for prefix := range ids {
			if strings.HasPrefix(p, prefix) && len(prefix) > len(longest) {
				longest = prefix
			}
		}
		s.path = strings.ReplaceAll(p, "{id}", ids[longest])
		for name, value := range blank {
			s.path = strings.ReplaceAll(s.path, name, value)
		}
		if strings.Contains(p, "/changes/{n}") {
			s.path = "/officer/matters/" + twice + "/changes/2"
		}
		if strings.Contains(p, "{file}") {
			of, file := filed(t, h)
			s.path = "/officer/matters/" + of + "/files/" + file
		}
		if strings.Contains(p, "{area}") {
			s.path += "?result=" + surveyResult(t, h, "event")
		}
		if strings.Contains(s.path, "{") {
			t.Errorf("%s: this test has no value for a blank of it", rt.Pattern)
			continue
		}
		s.file = strings.Contains(p, "/files/") || strings.HasSuffix(p, "/package")
		all = append(all, s)
	}
	if len(all) < 30 {
		t.Fatalf("%d pages: the list is not whole", len(all))
	}
	return all
}

// robotWithKey registers a robot of the rescue department, and one more that was
// withdrawn, so that the lead's pages have both.
func robotWithKey(t *testing.T, h *hub) (id, credential string) {
	t.Helper()
	const jwk = `{"kty":"EC","crv":"P-256","kid":"avain-2027","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	lead := machine.Lead(identity.Lead{Person: identity.Person{ID: "demo-lead"}, Authority: "rescue-pirkanmaa"})
	for _, name := range []string{"Vanha robotti", "Ilmoitusrobotti"} {
		m, err := h.Site.Machines.Add(t.Context(), lead, machine.Machine{Authority: "rescue-pirkanmaa", Kind: machine.Robot, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.Site.Machines.Issue(t.Context(), lead, m.ID, machine.Proof{JWK: []byte(jwk)})
		if err == nil && id == "" {
			err = h.Site.Machines.Retire(t.Context(), lead, m.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		id, credential = m.ID, c.ID
	}
	return id, credential
}

// find returns the one thing that a query finds.
func find(t *testing.T, h *hub, query string, args ...any) string {
	t.Helper()
	var id string
	h.view(query, &id, args...)
	return id
}

// filed is an attachment of a matter that the rescue department has.
func filed(t *testing.T, h *hub) (of, file string) {
	t.Helper()
	file = find(t, h, `SELECT a.id FROM attachments a JOIN matters m ON m.id = a.matter_id WHERE m.authority_id = 'rescue-pirkanmaa' AND m.status <> 'draft' AND a.state = 'ready' ORDER BY a.id LIMIT 1`)
	return find(t, h, `SELECT matter_id FROM attachments WHERE id = $1`, file), file
}

// surveyResult answers a survey in part: what a page then shows is real.
func surveyResult(t *testing.T, h *hub, id string) string {
	t.Helper()
	_, hash, err := h.Catalogue.Survey(id, "")
	if err != nil {
		t.Fatal(err)
	}
	r := &catalogue.SurveyResult{Survey: id, Hash: hash, Municipality: "837", StartsOn: day(60), At: h.Desk.Now(), Answers: survey.Answers{
		"q_kind": {"public"}, "q_type": {"concert"}, "q_size": {"500-1999"}, "q_noise": {"outdoor"}, "q_lodging": {"hall"}, "q_swim": {"yes"}, "q_alcohol": {"own"},
	}}
	err = h.DB.InTx(t.Context(), func(tx *db.Tx) error { return catalogue.AddSurveyResult(t.Context(), tx, r) })
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// invited makes an invitation for Aino and returns its secret.
func invited(t *testing.T, h *hub) string {
	t.Helper()
	project := find(t, h, `SELECT project_id FROM members WHERE person_id = 'demo-linnea' AND role = 'owner' ORDER BY project_id LIMIT 1`)
	who := identity.Customer{Person: identity.Person{ID: "demo-linnea", Name: "Linnéa Ström", Email: "linnea.strom@vasasol.example", Lang: i18n.SV}}
	if err := h.Desk.Invite(t.Context(), who, project, "aino.virtanen@posti.example", matter.Reader, i18n.FI); err != nil {
		t.Fatal(err)
	}
	_, link, _ := strings.Cut(h.letter("aino.virtanen@posti.example", "/invitations/", find(t, h, `SELECT name FROM projects WHERE id = $1`, project)).Body, "/invitations/")
	return strings.Fields(link)[0]
}

// A stage is a matter of the demo in one status.
type stage struct {
	id, status string
	ours       map[string]bool // who can open it
}

// matters lists one matter of each status for each of two people.
func matters(t *testing.T, h *hub) []stage {
	t.Helper()
	var all []stage
	for _, s := range matter.Statuses {
		for person, query := range map[string]string{
			"demo-aino":   `SELECT m.id FROM matters m JOIN members b ON b.project_id = m.project_id WHERE b.person_id = 'demo-aino' AND m.status = $1 ORDER BY m.id LIMIT 1`,
			"demo-rescue": `SELECT id FROM matters WHERE authority_id = 'rescue-pirkanmaa' AND status = $1 AND (status <> 'draft' OR consent_at <> 0) ORDER BY id LIMIT 1`,
		} {
			var id string
			if err := h.DB.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRowContext(t.Context(), query, string(s)).Scan(&id) }); err == nil {
				all = append(all, stage{id, string(s), map[string]bool{person: true}})
			}
		}
	}
	return all
}

// cookie signs a person in without a browser.
func (h *hub) cookie(t *testing.T, person string) *http.Cookie {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"person": {person}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.Handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "luvat" {
			return c
		}
	}
	t.Fatalf("signing in as %s: status %d and no session", person, w.Code)
	return nil
}
