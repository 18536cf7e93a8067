package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/app"
	"luvat/internal/db"
	"luvat/internal/identity"
)

// A demoVisit is a visit to the running demo, with its stand-in of
// Suomi.fi-valtuudet.
type demoVisit struct {
	t      *testing.T
	h      *app.Hub
	listen string
	base   string
	*http.Client
}

// visitDemo starts the demo and comes with a browser that keeps cookies.
func visitDemo(t *testing.T) *demoVisit {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := app.DemoCopy(t)
	cfg.Listen, cfg.BaseURL = listen, "http://"+listen
	h, err := app.Open(t.Context(), cfg, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second start goes on with the same keys and people
		stop, err := h.StartMandates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stop(context.Background()) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- h.Run(ctx, func(string) { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = h.Close()
	})
	<-ready

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &demoVisit{t, h, listen, "http://" + listen, &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// page reads a page, which must be one.
func (v *demoVisit) page(res *http.Response, err error) (at *url.URL, text string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: status %d: %.300s", res.Request.URL.Path, res.StatusCode, body)
	}
	return res.Request.URL, string(body)
}

// The demo's Linnéa acts for her company, at the stand-in of Suomi.fi-valtuudet,
// and comes back as herself.
func TestActingForACompanyInTheDemo(t *testing.T) {
	c := visitDemo(t)
	base, listen := c.base, c.listen
	page := c.page
	page(c.PostForm(base+"/login", url.Values{"person": {"demo-linnea"}, "hat": {"customer/"}}))
	if _, text := page(c.Get(base + "/for")); !strings.Contains(text, "/for/company") {
		t.Fatal("nothing offers to act for a company")
	}
	at, text := page(c.Get(base + "/for/company?next=/projects"))
	if at.Host == listen || !strings.Contains(text, "Vasasol Ab") || strings.Contains(text, "Kesälava") {
		t.Fatalf("at %s the choice is %.500s", at.Host, text)
	}
	at, text = choose(t, c.Client, at, text)
	if at.Host != listen || at.Path != "/projects" || !strings.Contains(text, "Vasasol Ab") {
		t.Fatalf("back at %s: %.300s", at, text)
	}
	if strings.Contains(text, "Kesäkonsertti") {
		t.Error("the company's list shows a person's projects")
	}
	if !strings.Contains(text, "Hankkeet: Vasasol Ab") || !strings.Contains(text, "Ei vielä hankkeita: Vasasol Ab") {
		t.Error("the empty list does not say whose it is")
	}

	at, _ = page(c.PostForm(base+"/survey/event", url.Values{"municipality": {"Vaasa"}, "starts_on": {"2099-07-01"}}))
	result := "/survey/results/" + at.Query().Get("result")
	at, text = page(c.PostForm(base+result, url.Values{"chosen": {"1"}, "type": {"muni-noise"}, "name": {"Tehtaan avajaiset"}, "_do": {"start"}}))
	if !strings.HasPrefix(at.Path, "/projects/") || !strings.Contains(text, "Hanke on aloitettu. Täytä ensin yhteiset tiedot") {
		t.Errorf("a project from a survey: at %s nothing says that it has begun", at)
	}
	if _, text = page(c.Get(base + "/projects")); !strings.Contains(text, "Tehtaan avajaiset") {
		t.Error("the project that was begun for the company is not the company's")
	}
	if _, text = page(c.PostForm(base+"/for/oneself", nil)); strings.Contains(text, "Vasasol Ab</") || strings.Contains(text, "Tehtaan avajaiset") || !strings.Contains(text, "Asioit nyt omasta puolestasi") {
		t.Error("she still acts for the company, or the page does not say that she does not")
	}
	if !strings.Contains(text, ">Omasta puolesta<") {
		t.Error("the header does not say for whom she acts")
	}
	if _, text = page(c.PostForm(base+"/logout", nil)); !strings.Contains(text, "Olet kirjautunut ulos.") {
		t.Error("nothing says that she is signed out")
	}
}

// The demo's Noora is an officer by a chain of mandates: she represents the city,
// which acts for the granting body. Nobody has given her a role in the hub; the
// city's other officers may name her a handler.
func TestAnOfficerByMandateInTheDemo(t *testing.T) {
	c := visitDemo(t)
	c.page(c.PostForm(c.base+"/login", url.Values{"person": {"demo-noora"}, "hat": {"customer/"}}))
	if _, text := c.page(c.Get(c.base + "/for")); !strings.Contains(text, "/for/officer") {
		t.Fatal("nothing offers to go on as an officer")
	}
	at, text := c.page(c.Get(c.base + "/for/officer?next=/officer"))
	if at.Host == c.listen || !strings.Contains(text, "Tampereen kaupunki") || strings.Contains(text, "Vasasol") {
		t.Fatalf("at %s the choice is %.500s", at.Host, text)
	}
	at, text = choose(t, c.Client, at, text)
	if at.Host != c.listen || at.Path != "/officer" || !strings.Contains(text, "Tampereen kaupunki") || !strings.Contains(text, "Noora Salmi") {
		t.Fatalf("back at %s: %.300s", at, text)
	}
	var names []string
	err := c.h.DB.View(t.Context(), func(tx *db.Tx) error {
		all, err := identity.Colleagues(t.Context(), tx, c.h.Desk.Now(), "muni-837", "muni-noise")
		for _, p := range all {
			names = append(names, p.Name)
		}
		return err
	})
	if err != nil || !slices.Contains(names, "Noora Salmi") || !slices.Contains(names, "Outi Laine") {
		t.Errorf("may be named a handler: %v, %v", names, err)
	}

	c.page(c.PostForm(c.base+"/login", url.Values{"person": {"demo-aino"}, "hat": {"customer/"}}))
	at, text = c.page(c.Get(c.base + "/for/officer?next=/officer"))
	if strings.Contains(text, "Tampereen kaupunki") {
		t.Errorf("at %s Aino may choose the city", at.Host)
	}
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}
