package customer

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/testkit/browser"
	"luvat/internal/web/static"
)

// open serves the site and returns a signed-in browser's page.
func (s *testSite) open(o browser.Options) *browser.Page {
	s.t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.Handle("/", s.handler)
	mux.Handle("GET /in", s.Sessions.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.must(s.Sessions.SignIn(r.Context(), identity.Visit{Person: s.who.Person, Hat: identity.Hat{Role: identity.RoleCustomer}}))
		w.WriteHeader(http.StatusOK)
	})))
	srv := httptest.NewServer(mux)
	s.t.Cleanup(srv.Close)
	o.Base = srv.URL
	p := browser.Start(s.t).Page(s.t, o)
	p.Goto("/in")
	return p
}

// TestPagesAreAccessible opens the main pages without scripts on a narrow
// screen: none breaks a rule of WCAG, none is wider than the screen.
func TestPagesAreAccessible(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise", "police-public-event")
	s.fill(ids[0])
	s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	s.must(s.Desk.Take(t.Context(), city, ids[0], ""))
	s.must(s.Desk.AskCompletion(t.Context(), city, ids[0], matter.Request{Fields: []string{"common:project_description"}, Text: "Tarkenna.", Due: s.clock.Now().Add(5 * 24 * time.Hour)}))
	p := s.open(browser.Options{Width: 320})
	for name, path := range map[string]string{
		"project": "/projects/" + project, "common": "/projects/" + project + "/common", "form": "/matters/" + ids[1] + "/form?check=1",
		"send": "/projects/" + project + "/send", "matter": "/matters/" + ids[0], "complete": "/matters/" + ids[0] + "/complete", "receipt": "/matters/" + ids[0] + "/receipts/1", "members": "/projects/" + project + "/members",
		"new": "/projects/new?entity=event&municipality=837", "near": "/projects/new?entity=event&municipality=Tamere",
	} {
		p.Goto(path)
		p.Screenshot("customer-" + name)
		browser.Axe(t, p)
		if over := browser.Eval[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
			t.Errorf("%s is %d px too wide for a screen of 320 px", name, over)
		}
	}
}

// On a phone the header leaves most of the screen to the page, and all of it can
// be hit.
func TestTheHeaderOnAPhone(t *testing.T) {
	s := newSite(t)
	s.start("event", "muni-noise")
	for _, l := range i18n.Langs {
		p := s.open(browser.Options{Width: 320})
		p.Goto("/projects?lang=" + string(l))
		if h := browser.Eval[float64](p, `document.querySelector('.header').getBoundingClientRect().height`); h > 200 {
			t.Errorf("%s: the header is %.0f px high, want 200 at most", l, h)
		}
		small := browser.Eval[string](p, `[...document.querySelectorAll('.header :is(a, button)')].filter((e) => { const b = e.getBoundingClientRect(); return b.height < 24 || b.width < 24 }).map((e) => e.textContent).join()`)
		if small != "" {
			t.Errorf("%s: %q is smaller than 24 px", l, small)
		}
		if over := browser.Eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			t.Errorf("%s: the page is %d px too wide", l, over)
		}
	}
}

// TestScripts writes in a form as people do: it is saved by itself, a clash
// with another tab leads to both texts, a file goes up.
func TestScripts(t *testing.T) {
	s := newSite(t)
	_, ids := s.start("event", "police-public-event")
	p := s.open(browser.Options{JavaScript: true})
	p.Goto("/matters/" + ids[0] + "/form")
	p.Fill("Järjestyksenvalvojien määrä", "2")
	p.Focus("textbox", "Esiintyjät")
	p.See("Järjestyksenvalvojien tiedot") // the rows that depend on the number
	v := s.view(ids[0])
	v.Answers["performers"] = "Toinen"
	if _, err := s.Desk.SaveDraft(t.Context(), aino, ids[0], v.Version, v.Answers); err != nil {
		t.Fatal(err)
	}
	p.Fill("Esiintyjät", "Kolmas")
	p.See("Joku muu on muuttanut samaa kohtaa")
	p.Click("link", "Päivitä sivu")
	p.See("Sinun tekstisi")
	p.See("Kolmas")
	p.See("Toinen")
	p.Click("button", "Tallenna valinnat")
	p.See("Tiedot on tallennettu")
	if got := s.view(ids[0]).Answers["performers"]; got != "Kolmas" {
		t.Errorf("the chosen text is not there: %v", got)
	}
	file := filepath.Join(t.TempDir(), "ohjelma.pdf")
	s.must(os.WriteFile(file, []byte("%PDF-1.7 hei"), 0o600))
	p.Upload("Valitse tiedostot: Ensiapusuunnitelma", file)
	p.See("Tiedosto ohjelma.pdf on lisätty.")
	if list, _ := s.view(ids[0]).Answers["att2"].([]any); len(list) != 1 {
		t.Errorf("the file is not in the answer: %v", list)
	}
}
