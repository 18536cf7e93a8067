package customer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/testkit/browser"
	"luvat/internal/web/static"
)

func TestLook(t *testing.T) {
	if os.Getenv("LUVAT_SCREENSHOTS") == "" {
		t.Skip()
	}
	s := newSite(t)
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.Handle("/", s.handler)
	login := http.NewServeMux()
	login.Handle("/", mux)
	login.Handle("GET /in", s.Sessions.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.must(s.Sessions.SignIn(r.Context(), "aino", identity.Hat{Role: identity.RoleCustomer}))
		_, _ = w.Write([]byte("in"))
	})))
	srv := httptest.NewServer(login)
	defer srv.Close()
	ctx := context.Background()
	project, ids := s.start("event", "muni-noise", "police-public-event", "rescue-plan")
	s.fill(ids[0])
	s.fill(ids[2])
	project2, _ := s.start("event", "police-public-event", "muni-noise", "muni-public-area")
	s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	s.post("/projects/"+project+"/send", s.looked(project, ids[2]))
	s.must(s.Desk.MakePending(ctx, city, ids[0], "TRE:4567/11.01/2027"))
	s.must(s.Desk.Take(ctx, city, ids[0], ""))
	s.must(s.Desk.AskCompletion(ctx, city, ids[0], matter.Request{Fields: []string{"common:project_description"}, Text: "Tarkenna äänentoiston kellonaikoja.\nKerro myös, missä kaiuttimet ovat.", Due: s.clock.Now().Add(5 * 24 * time.Hour)}))
	s.must(s.Desk.WriteToApplicant(ctx, city, ids[0], "Hei! Pyysin täydennystä, kysy jos jokin on epäselvää.", nil))
	s.must(s.Desk.WriteAsApplicant(ctx, aino, ids[0], "Kiitos, täydennän tällä viikolla.", nil))
	palo := rescueOfficer(s)
	s.must(s.Desk.Take(ctx, palo, ids[2], ""))
	s.must(s.Desk.Finish(ctx, palo, ids[2], matter.Decision{Outcome: "approved", Text: "Suunnitelma on riittävä."}))
	f := "/matters/" + ids[1] + "/form"
	s.post(f, url.Values{"_version": {s.version(f)}, "performers": {"Yhtye"}})
	s.post("/projects/"+project+"/members/invite", url.Values{"email": {"matti@example.fi"}, "role": {"helper"}})
	secret := s.secret()
	pages := map[string]string{
		"list": "/projects", "new1": "/projects/new", "new2": "/projects/new?entity=event&municipality=837", "project": "/projects/" + project, "project2": "/projects/" + project2,
		"common": "/projects/" + project + "/common?check=1", "form": f + "?check=1", "send": "/projects/" + project2 + "/send", "send1": "/projects/" + project + "/send",
		"sent": "/projects/" + project + "/send?sent=" + ids[0] + "&sent=" + ids[2], "matter": "/matters/" + ids[0], "matterdone": "/matters/" + ids[2], "matterdraft": "/matters/" + ids[1],
		"receipt": "/matters/" + ids[0] + "/receipts/1", "members": "/projects/" + project + "/members", "invitation": "/invitations/" + secret, "withdraw": "/matters/" + ids[0] + "/withdraw", "add": "/projects/" + project + "/matters",
		"formask": "/matters/" + ids[0] + "/form",
	}
	b := browser.Start(t)
	for _, width := range []int{320, 1280}[map[bool]int{true: 2}[os.Getenv("LUVAT_JS") != ""]:] {
		p := b.Page(t, browser.Options{Width: width, Height: 900, Base: srv.URL, JavaScript: false})
		p.Goto("/in")
		for name, path := range pages {
			p.Goto(path)
			if p.Status() != 200 {
				t.Errorf("%s: %d", name, p.Status())
			}
			p.Screenshot(name + "-" + strconv.Itoa(width))
			browser.Axe(t, p)
			if over := browser.Eval[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
				t.Errorf("%s at %d: %d px too wide", name, width, over)
			}
		}
	}

	if os.Getenv("LUVAT_JS") == "" {
		return
	}
	p := b.Page(t, browser.Options{Base: srv.URL, JavaScript: true})
	p.Goto("/in")
	p.Goto(f)
	p.Fill("Esiintyjät", "Selaimesta"); time.Sleep(3*time.Second)
	p.See("Tallennettu klo")
	if got := s.view(ids[1]).Answers["performers"]; got != "Selaimesta" {
		t.Errorf("autosave: %v", got)
	}
	p.Fill("Järjestyksenvalvojien määrä", "2")
	p.Focus("textbox", "Esiintyjät")
	p.See("Luettelo järjestyksenvalvojista")

	// another changes the same field
	v := s.view(ids[1])
	a := v.Answers
	a["performers"] = "Toinen"
	if _, err := s.Desk.SaveDraft(ctx, aino, ids[1], v.Version, a); err != nil {
		t.Fatal(err)
	}
	p.Fill("Esiintyjät", "Kolmas")
	p.See("Joku muu on muuttanut samaa kohtaa")
	p.Click("link", "Päivitä sivu")
	time.Sleep(2*time.Second); t.Log(browser.Eval[string](p, "document.querySelector(\"[data-save]\")?.outerHTML + document.querySelector(\"[name=_version]\")?.value"), p.Problems(), p.Requests(), s.view(ids[1]).Version, s.view(ids[1]).Answers)
	p.See("Sinun tekstisi")
	p.See("Kolmas")
	p.See("Toinen")
	p.Screenshot("conflict-1280")
	p.Click("button", "Tallenna valinnat")
	p.See("Tiedot on tallennettu")
	if got := s.view(ids[1]).Answers["performers"]; got != "Kolmas" {
		t.Errorf("chosen: %v", got)
	}
	file := t.TempDir() + "/ohjelma.pdf"
	_ = os.WriteFile(file, []byte("%PDF-1.7 hei"), 0o600)
	p.Upload("Valitse tiedostot: Ensiapusuunnitelma", file)
	p.See("ohjelma.pdf")
	time.Sleep(time.Second)
	t.Log(s.view(ids[1]).Answers)
	p.Screenshot("js-form-1280")
	p.Click("button", "Lisää rivi")
	time.Sleep(time.Second)
	t.Log(p.Problems())
}
