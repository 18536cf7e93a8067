package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
	"luvat/internal/testkit/browser"
)

// A person acts for a company by way of the page that stands in for Valtuudet:
// in every language, on a phone and on a desk, without a script.
func TestActingForACompanyAtTheStandIn(t *testing.T) {
	t.Parallel()
	brought := make(chan url.Values, 1)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			brought <- r.URL.Query()
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<!doctype html><html lang="fi"><head><title>Luvat</title></head><body><h1>Back in the hub</h1></body></html>`)
	}))
	t.Cleanup(hub.Close)
	flow, person := standIn(t, hub.URL+"/back")

	for _, width := range []int{320, 1280} {
		for _, l := range i18n.Langs {
			where := fmt.Sprintf("%s, %d px", l, width)
			p := browser.Start(t).Page(t, browser.Options{Width: width})
			address, memo, err := flow.Begin(t.Context(), mandate.Beginning{Person: person, Mode: identity.ForCompany, State: "state-" + string(l), Lang: l})
			if err != nil {
				t.Fatal(err)
			}
			p.Goto(address)
			p.Screenshot(fmt.Sprintf("stand-in-%s-%d", l, width))
			if scroll := browser.Eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); scroll > 0 {
				t.Errorf("%s: the page is %d px too wide", where, scroll)
			}
			browser.Axe(t, p)

			p.Click("button", i18n.T(l, "double.choose"))
			p.See(i18n.T(l, "double.missing_ypa"))
			browser.Axe(t, p)

			p.Check("Vasa Sol Ab " + i18n.T(l, "double.business_id", "9100010-1"))
			p.Click("button", i18n.T(l, "double.choose"))
			p.See("Back in the hub")
			g, memo, err := flow.Finish(t.Context(), memo, <-brought)
			if err != nil || len(g.Principals) != 1 || g.Principals[0].Name != "Vasa Sol Ab" {
				t.Errorf("%s: granted %+v, %v", where, g, err)
			}
			if err := flow.End(t.Context(), memo); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
	}
}

// standIn starts the double with a managing director in it, and a flow.
func standIn(t *testing.T, back string) (*mandate.Flow, pic.Code) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	person, err := pic.Parse("150385-9013")
	must(err)
	r := double.NewRegister()
	r.Name(double.Person(person), "Linnéa Ström")
	for id, name := range map[pic.BusinessID]string{"9100010-1": "Vasa Sol Ab", "9100020-8": "Kahvila Kulma & Kumppanit Kommandiittiyhtiö"} {
		r.Name(double.Company(id), name)
		r.Add(double.Mandate{Kind: double.Role, From: double.Company(id), To: double.Person(person), Matter: "TJ"})
	}
	d, err := double.New(double.Config{ClientID: "abcd1234", APIKey: "key", OAuthPassword: "password", Redirects: []string{back}}, r)
	must(err)
	server, err := double.Start("127.0.0.1:0", d)
	must(err)
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("end the stand-in: %v", err)
		}
	})
	encrypt, err := pic.ParseKeys(pic.NewKey("k1"))
	must(err)
	find, err := pic.ParseKeys(pic.NewKey("f1"))
	must(err)
	vault, err := pic.NewVault(encrypt, find)
	must(err)
	flow, err := mandate.New(mandate.Config{BaseURL: server.URL, ClientID: "abcd1234", APIKey: "key", OAuthPassword: "password", RedirectURL: back, Vault: vault})
	must(err)
	return flow, person
}
