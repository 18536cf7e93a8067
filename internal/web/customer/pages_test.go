package customer

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/testkit"
	"luvat/internal/web/static"
)

func TestNobodyElse(t *testing.T) { // every page and deed, as a stranger and signed out
	s := newSite(t)
	project, id := s.sent("event", "muni-noise")
	for _, rt := range Routes(s.Site, nil) {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		mine := strings.Contains(path, "{id}")
		path = strings.NewReplacer("/projects/{id}", "/projects/"+project, "/matters/{id}", "/matters/"+id, "{n}", "1", "{person}", "aino", "{secret}", "none", "{invitation}", "none", "{id}", "none").Replace(path)
		if method == "POST" {
			path += "?field=att1"
		}
		do := func() *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, strings.NewReader("_version=1&_common=1&role=reader&email=a@b.fi&matter="+id+"&_version."+id+"=1"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Upload-Offset", "0")
			return s.ask(r)
		}
		s.who = stranger
		if w := do(); mine && w.Code != http.StatusNotFound {
			t.Errorf("%s %s as a stranger: status %d, want 404", method, path, w.Code)
		}
		s.who = nobody
		if w := do(); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login") {
			t.Errorf("%s %s signed out: status %d to %q, want a redirect to /login", method, path, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestProjectBegins(t *testing.T) {
	s := newSite(t)
	if page := text(s.get("/projects")); !strings.Contains(page, "Sinulla ei ole vielä hankkeita") || !strings.Contains(s.get("/projects"), `href="/survey"`) {
		t.Errorf("the empty list does not lead to the survey: %s", page)
	}
	s.get("/projects/new")
	if w := s.do("GET", "/projects/new?entity=event&municipality=Mordor", nil); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(w.Body.String()), "Kuntaa ei löytynyt") {
		t.Errorf("a municipality that is not: status %d", w.Code)
	}
	w := s.do("GET", "/projects/new?entity=event&municipality=Tamere", nil)
	if said := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(said, "Tarkoititko jotakin alla olevista?") ||
		!strings.Contains(said, `href="/projects/new?entity=event&amp;municipality=Tampere"`) {
		t.Errorf("a slip in the name of the municipality: status %d: %s", w.Code, text(said))
	}
	if w := s.do("GET", "/projects/new?entity=event&municipality=åland", nil); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(w.Body.String()), "Ahvenanmaalla") {
		t.Errorf("Åland itself: status %d: %s", w.Code, text(w.Body.String()))
	}
	if w := s.do("GET", "/projects/new?entity=event&municipality=Maarianhamina", nil); !strings.Contains(text(w.Body.String()), "Ahvenanmaalla") {
		t.Errorf("Åland is not explained")
	}
	page := s.get("/projects/new?entity=event&municipality=tampere")
	if !strings.Contains(text(page), "Melu") || !strings.Contains(page, `value="muni-noise"`) {
		t.Errorf("what is offered is not shown: %s", text(page))
	}
	w = s.do("POST", "/projects/new", url.Values{"entity": {"event"}, "municipality": {"837"}, "name": {" "}, "start": {"12.6.2027"}, "type": {"muni-noise"}})
	if body := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(body), "Hankkeen nimi puuttuu") || !regexp.MustCompile(`value="muni-noise" checked`).MatchString(body) || !strings.Contains(body, `value="12.6.2027"`) && !strings.Contains(body, `value="2027-06-12"`) {
		t.Errorf("a name that lacks: status %d, %s", w.Code, text(body))
	}
	project, ids := s.start("event", "muni-noise", "police-public-event")
	page = s.get("/projects/" + project)
	for _, want := range []string{"Sinua odottaa", "Täytä hankkeen yhteiset tiedot", "Hankkeen asiat", "Luonnos", "Sinulla", "Kesäkonsertti", "Lähetä viimeistään"} {
		if !strings.Contains(text(page), want) {
			t.Errorf("the project's page does not say %q", want)
		}
	}
	s.get("/projects")
	s.get("/matters/" + ids[0])
	s.get("/matters/" + ids[0] + "/form")
	s.get("/projects/" + project + "/common?check=1")
	if page := s.get("/projects/" + project + "/matters"); strings.Contains(page, `value="muni-noise"`) || !strings.Contains(page, `value="rescue-plan"`) {
		t.Error("the matters to add are not those that lack")
	}
	if w := s.do("POST", "/projects/"+project+"/matters", url.Values{"type": {""}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("nothing chosen: status %d, want 422", w.Code)
	}
	s.post("/projects/"+project+"/matters", url.Values{"type": {"rescue-plan"}})
	s.get("/matters/" + ids[0] + "/remove")
	s.post("/matters/"+ids[0]+"/remove", nil)
	if w := s.do("GET", "/matters/"+ids[0], nil); w.Code != http.StatusNotFound {
		t.Errorf("a removed draft: status %d, want 404", w.Code)
	}
}

func TestSendAndReceipt(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise", "police-public-event")
	page := s.get("/projects/" + project + "/send")
	if !regexp.MustCompile(`href="/projects/[^"]*/common\?check=1#f-`).MatchString(page) || !regexp.MustCompile(`href="/matters/[^"]*/form\?check=1#f-`).MatchString(page) {
		t.Error("what lacks does not lead to its fields")
	}
	v := s.looked(project, ids[0])
	if w := s.do("POST", "/projects/"+project+"/send", v); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(w.Body.String()), "Mitään ei lähetetty") {
		t.Errorf("incomplete: status %d, want 422", w.Code)
	}
	v.Del("matter")
	if w := s.do("POST", "/projects/"+project+"/send", v); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(w.Body.String()), "Et valinnut yhtään asiaa") {
		t.Errorf("nothing chosen: status %d, want 422", w.Code)
	}
	s.fill(ids[0])
	v.Set("matter", ids[0])
	if w := s.do("POST", "/projects/"+project+"/send", v); w.Code != http.StatusConflict || !strings.Contains(text(w.Body.String()), "Tietoja on muutettu") {
		t.Errorf("changed since: status %d, want 409", w.Code)
	}
	s.post("/matters/"+ids[0]+"/consent", url.Values{"consent": {"yes"}})
	if !strings.Contains(text(s.get("/projects/"+project+"/send")), "näkee luonnoksen") {
		t.Error("the consent is not shown")
	}
	s.post("/matters/"+ids[0]+"/consent", url.Values{"consent": {"no"}, "_back": {"/projects/" + project + "/send"}})
	at := s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	if at != "/matters/"+ids[0]+"/receipts/1" {
		t.Fatalf("after sending one goes to %s", at)
	}
	hash := s.view(ids[0]).Submissions[0].Hash
	if page := s.get(at); !strings.Contains(page, hash) || !strings.Contains(page, "sha256sum ") || !strings.Contains(text(page), "Kesäkonsertti") {
		t.Error("the receipt does not tell what was sent")
	}
	w := s.do("GET", at+"?format=json", nil)
	if sum := sha(w.Body.Bytes()); sum != hash || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("the download's checksum is %s, want %s", sum, hash)
	}
	w = s.do("GET", at+"?format=pdf", nil)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/pdf" || !strings.HasPrefix(w.Body.String(), "%PDF-") || !strings.Contains(w.Header().Get("Content-Disposition"), "Kuitti-A2027-") {
		t.Errorf("the receipt as a PDF: status %d, %v", w.Code, w.Header())
	}
	if !strings.Contains(s.get(at), `href="`+at+`?format=pdf"`) {
		t.Error("the receipt's page does not lead to its PDF")
	}
	if w := s.do("GET", "/matters/"+ids[0]+"/form", nil); w.Code != http.StatusSeeOther {
		t.Errorf("the form of a sent matter: status %d", w.Code)
	}
	s.fill(ids[1])
	s.post("/projects/"+project+"/send", s.looked(project, ids[1]))
	if page := text(s.get("/projects/" + project + "/send?sent=" + ids[0] + "&sent=" + ids[1])); !strings.Contains(page, "Asiat on lähetetty") || !strings.Contains(page, "Kuitti") {
		t.Error("several receipts are not listed")
	}
}

// What comes next stands out on the page of a project: not sending, while
// nothing can be sent.
func TestWhatComesNext(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise", "police-public-event")
	primary := func() string {
		t.Helper()
		all := regexp.MustCompile(`<a class="button" href="([^"]*)"`).FindAllStringSubmatch(s.get("/projects/"+project), -1)
		if len(all) != 1 {
			t.Fatalf("%d primary buttons, want one", len(all))
		}
		return all[0][1]
	}
	if got := primary(); got != "/projects/"+project+"/common" {
		t.Errorf("at first it leads to %s, want the common data", got)
	}
	if said := text(s.get("/projects/" + project + "/send")); !strings.Contains(said, "Yhtään asiaa ei voi vielä lähettää") {
		t.Errorf("the page of sending does not say that nothing can be sent: %s", said)
	}
	s.fill(ids[0]) // with the common data that it needs
	if got := primary(); got != "/projects/"+project+"/send" {
		t.Errorf("when one is ready it leads to %s, want sending", got)
	}
	if said := text(s.get("/projects/" + project + "/send")); strings.Contains(said, "Yhtään asiaa ei voi vielä lähettää") {
		t.Error("the page of sending says that nothing can be sent")
	}
	s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	if got := primary(); got != "/matters/"+ids[1]+"/form" {
		t.Errorf("then it leads to %s, want the form of the other matter", got)
	}
}

// Whoever changes the common data reads which matters keep what they were sent
// with, and that a completion takes it along.
func TestTheCommonDataOfWhatWasSent(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise", "police-public-event")
	common := "/projects/" + project + "/common"
	if page := text(s.get(common)); strings.Contains(page, "Lähetetyt asiat eivät muutu") {
		t.Error("nothing was sent, and the page speaks of it")
	}
	s.fill(ids[0])
	s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	number := s.view(ids[0]).Number
	page := s.get(common)
	if said := text(page); !strings.Contains(said, "pysyvät ne tiedot") || !strings.Contains(said, number) || strings.Contains(said, s.view(ids[1]).Number) || strings.Contains(said, "odottaa täydennystäsi") {
		t.Errorf("the page does not say which matter keeps its data: %s", said)
	}
	if !strings.Contains(page, `href="/matters/`+ids[0]+`#messages"`) {
		t.Error("nothing leads to a message")
	}
	s.must(s.Desk.Take(t.Context(), city, ids[0], ""))
	s.must(s.Desk.AskCompletion(t.Context(), city, ids[0], matter.Request{Text: "Mihin aikaan?", Due: s.clock.Now().AddDate(0, 0, 14)}))
	if said := text(s.get(common)); strings.Contains(said, "pysyvät ne tiedot") || !strings.Contains(said, "odottaa täydennystäsi") {
		t.Errorf("the page does not say that the completion takes the changes along: %s", said)
	}
}

// Whoever sends for a company is told so before, and what was sent says it.
func TestSentForACompany(t *testing.T) {
	s := newSite(t)
	s.actFor("9100001-3", "Vasasol Ab")
	project, ids := s.start("event", "muni-noise")
	s.fill(ids[0])
	for lang, want := range map[string]string{"fi": "Lähetät asiat puolesta: Vasasol Ab (9100001-3).", "sv": "Du skickar ärendena för Vasasol Ab (9100001-3).", "en": "on behalf of Vasasol Ab (9100001-3)."} {
		s.says(text(s.get(projectPath(project)+"/send?lang="+lang)), want)
	}
	at := s.post(projectPath(project)+"/send", s.looked(project, ids[0]))
	for lang, want := range map[string]string{
		"fi": "Aino Aalto, puolesta: Vasasol Ab (9100001-3)", "sv": "Aino Aalto, för Vasasol Ab (9100001-3)", "en": "Aino Aalto, on behalf of Vasasol Ab (9100001-3)",
	} {
		s.says(text(s.get(at+"?lang="+lang)), want)
		s.says(text(s.get(matterPath(ids[0])+"?lang="+lang)), want)
	}
}

func TestCompletionRoundTrip(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	project, id := s.sent("event", "muni-noise")
	s.must(s.Desk.Take(ctx, city, id, ""))
	field := ""
	for _, n := range s.view(id).Form.Fields(nil) {
		for _, c := range n.Children {
			if field == "" && c.Path != "" {
				field = c.Path
			}
		}
	}
	s.must(s.Desk.AskCompletion(ctx, city, id, matter.Request{Fields: []string{field, "common:project_description"}, Text: "Tarkenna kellonaikoja.", Due: s.clock.Now().Add(5 * 24 * time.Hour)}))
	s.must(s.Desk.WriteToApplicant(ctx, city, id, "Hei, pyysin täydennystä.", nil))

	page := text(s.get("/projects/" + project))
	if !strings.Contains(page, "Täydennä: ") || !strings.Contains(page, "5 päivää jäljellä") {
		t.Errorf("the project's page does not say what waits: %s", page)
	}
	page = text(s.get("/matters/" + id))
	for _, want := range []string{"Viranomainen pyytää täydennystä", "Tarkenna kellonaikoja.", "Lähetä ilman muutoksia", "Hei, pyysin täydennystä.", "Uusi", "Käsittelijä", "Kirsi Kunta", "Täydennä viimeistään"} {
		if !strings.Contains(page, want) {
			t.Errorf("the matter's page does not say %q", want)
		}
	}
	if strings.Contains(text(s.get("/matters/"+id)), "Uusi Hei") || s.view(id).Seen != s.view(id).N {
		t.Error("what was seen is still new")
	}
	form := s.get("/matters/" + id + "/form")
	if !strings.Contains(text(form), "Viranomainen pyytää täydentämään tätä kohtaa.") || !strings.Contains(form, "/common?matter="+id+"#f-project_description") {
		t.Error("the asked fields are not marked")
	}
	if !strings.Contains(text(s.get("/projects/"+project+"/common?matter="+id)), "Viranomainen pyytää täydentämään tätä kohtaa.") {
		t.Error("the asked common field is not marked")
	}
	s.post("/projects/"+project+"/common", url.Values{"_version": {hidden(t, s.get("/projects/"+project+"/common"), "_version")}, "project_description": {"Uusi kuvaus"}})
	if at := s.post("/matters/"+id+"/form", url.Values{"_version": {s.version("/matters/" + id + "/form")}, "_next": {"1"}}); !strings.Contains(text(s.get(at)), "Täydennystä ei ole vielä lähetetty.") {
		t.Error("a saved completion is not told from a sent one")
	}
	old := url.Values{"_version": {"1"}, "_common": {"1"}}
	if w := s.do("POST", "/matters/"+id+"/complete", old); w.Code != http.StatusConflict {
		t.Errorf("a completion of what was changed: status %d, want 409", w.Code)
	}
	p := s.get("/matters/" + id)
	if strings.Contains(text(p), "Lähetä ilman muutoksia") || !strings.Contains(text(p), "Lähetä täydennys") {
		t.Error("a changed completion is not sent from the matter's page")
	}
	at := s.post("/matters/"+id+"/complete", url.Values{"_version": {hidden(t, p, "_version")}, "_common": {hidden(t, p, "_common")}})
	if at != "/matters/"+id+"/receipts/2" {
		t.Errorf("after completing one goes to %s", at)
	}
	if !strings.Contains(text(s.get(at)), "Uusi kuvaus") {
		t.Error("the second receipt lacks what was changed")
	}
	s.must(s.Desk.Finish(ctx, city, id, matter.Decision{Outcome: "checked", Text: "Ei huomautettavaa."}))
	page = text(s.get("/matters/" + id))
	for _, want := range []string{"Lopputulos", "Tarkastettu", "Ei huomautettavaa.", "Täydennys 1", "Käsittely on päättynyt"} {
		if !strings.Contains(page, want) {
			t.Errorf("the finished matter does not say %q", want)
		}
	}
	if w := s.do("POST", "/matters/"+id+"/withdraw", nil); w.Code != http.StatusConflict {
		t.Errorf("withdraw what has ended: status %d, want 409", w.Code)
	}
}

// A completion in which nothing was changed goes only when that is said.
func TestCompletionWithoutChanges(t *testing.T) {
	s := newSite(t)
	_, id := s.sent("event", "muni-noise")
	path := "/matters/" + id + "/complete"
	if w := s.do("GET", path, nil); w.Code != http.StatusSeeOther {
		t.Errorf("without a request: status %d, want a redirect", w.Code)
	}
	s.must(s.Desk.AskCompletion(t.Context(), city, id, matter.Request{Text: "Tarkenna.", Due: s.clock.Now().Add(5 * 24 * time.Hour)}))
	if page := s.get("/matters/" + id); !strings.Contains(page, `href="`+path+`"`) || strings.Contains(page, `action="`+path+`"`) {
		t.Error("an untouched completion can be sent with one press")
	}
	page := s.get(path)
	if !strings.Contains(text(page), "Et ole muuttanut tietoja edellisen lähetyksen jälkeen") || !strings.Contains(text(page), "Lähetän ilman muutoksia") || !strings.Contains(text(page), "Tarkenna.") {
		t.Errorf("the page does not say that nothing was changed: %s", text(page))
	}
	v := url.Values{"_version": {hidden(t, page, "_version")}, "_common": {hidden(t, page, "_common")}, "unchanged": {""}, "why": {"Ajat ovat jo oikein."}}
	w := s.do("POST", path, v)
	body := w.Body.String()
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, `href="#f-unchanged"`) || !strings.Contains(body, `id="f-unchanged-problem"`) || !strings.Contains(text(body), "mitään ei ole muutettu") || !strings.Contains(body, "Ajat ovat jo oikein.") {
		t.Errorf("without the tick: status %d, %s", w.Code, text(body))
	}
	v.Set("_lang", "sv")
	if w := s.do("POST", path, v); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Jag skickar utan ändringar") || !strings.Contains(w.Body.String(), "Ajat ovat jo oikein.") {
		t.Errorf("another language: status %d, %s", w.Code, text(w.Body.String()))
	}
	v.Set("_lang", "fi")
	s.do("POST", path, v)
	v.Del("_lang")
	v["unchanged"] = []string{"", "true"}
	v.Set("why", strings.Repeat("ä", 8001))
	if w := s.do("POST", path, v); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `id="f-why-problem"`) || !strings.Contains(w.Body.String(), " checked") {
		t.Errorf("a reason that is too long: status %d", w.Code)
	}
	v.Set("why", "Ajat ovat jo oikein.")
	old := url.Values{"_version": {"1"}, "_common": {"1"}, "unchanged": {"true"}, "why": {"Ajat ovat jo oikein."}}
	if w := s.do("POST", path, old); w.Code != http.StatusConflict || !strings.Contains(text(w.Body.String()), "Tietoja on muutettu") || !strings.Contains(w.Body.String(), "Ajat ovat jo oikein.</textarea>") {
		t.Errorf("of an older version: status %d, %s", w.Code, text(w.Body.String()))
	}
	if at := s.post(path, v); at != "/matters/"+id+"/receipts/2" {
		t.Errorf("after completing one goes to %s", at)
	}
	if page := text(s.get("/matters/" + id)); !strings.Contains(page, "Ajat ovat jo oikein.") {
		t.Error("the reason is not among the messages")
	}
}

func TestWithdrawAndMessages(t *testing.T) {
	s := newSite(t)
	_, id := s.sent("event", "muni-noise")
	w := s.send("/matters/"+id+"/messages", url.Values{"text": {" "}}, map[string]string{"files/kartta.pdf": "%PDF-1.7 kartta"})
	if body := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(body), "Viesti on tyhjä") || !strings.Contains(body, "kartta.pdf") {
		t.Fatalf("an empty message: status %d, %s", w.Code, text(body))
	}
	if w = s.send("/matters/"+id+"/messages", url.Values{"text": {"Tässä kartta."}, "file": {hidden(t, w.Body.String(), "file")}}, nil); w.Code != http.StatusSeeOther {
		t.Fatalf("a message: status %d, %s", w.Code, text(w.Body.String()))
	}
	page := s.get("/matters/" + id)
	m := regexp.MustCompile(`href="(/files/[^"]+)"[^>]*>kartta.pdf`).FindStringSubmatch(page)
	if m == nil || !strings.Contains(text(page), "Tässä kartta.") {
		t.Fatalf("the message is not shown with its attachment: %s", text(page))
	}
	if w := s.do("GET", m[1], nil); w.Code != http.StatusOK || w.Body.String() != "%PDF-1.7 kartta" || !strings.Contains(w.Header().Get("Content-Disposition"), "kartta.pdf") {
		t.Errorf("the attachment: status %d, %s", w.Code, w.Header())
	}
	s.who = stranger
	if w := s.do("GET", m[1], nil); w.Code != http.StatusNotFound {
		t.Errorf("the attachment as a stranger: status %d, want 404", w.Code)
	}
	s.who = aino
	s.get("/matters/" + id + "/withdraw")
	s.post("/matters/"+id+"/withdraw", nil)
	if !strings.Contains(text(s.get("/matters/"+id)), "Peruttu") {
		t.Error("the matter is not withdrawn")
	}
}

func TestMembers(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise")
	path := "/projects/" + project + "/members"
	if w := s.do("POST", path+"/invite", url.Values{"email": {"matti"}, "role": {"helper"}}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `value="matti"`) {
		t.Errorf("a bad address: status %d", w.Code)
	}
	s.post(path+"/invite", url.Values{"email": {"matti@example.fi"}, "role": {"helper"}})
	if !strings.Contains(s.get(path), "matti@example.fi") {
		t.Error("the open invitation is not listed")
	}
	s.post(path+"/invite", url.Values{"email": {"erehdys@example.fi"}, "role": {"reader"}})
	m := regexp.MustCompile(`erehdys@example.fi(?s:.*?)action="([^"]*/revoke)"`).FindStringSubmatch(s.get(path))
	if m == nil {
		t.Fatal("an open invitation cannot be taken back")
	}
	s.post(m[1], nil)
	if strings.Contains(s.get(path), "erehdys") {
		t.Error("the invitation was not taken back")
	}
	secret := s.secret()
	s.who = matti
	if page := text(s.get("/invitations/" + secret)); !strings.Contains(page, "Kesäkonsertti") || !strings.Contains(page, "Aino Aalto") || !strings.Contains(page, "Avustaja") {
		t.Errorf("the invitation does not tell to what: %s", page)
	}
	if w := s.do("GET", "/invitations/wrong", nil); w.Code != http.StatusNotFound {
		t.Errorf("a wrong secret: status %d", w.Code)
	}
	if at := s.post("/invitations/"+secret, nil); at != "/projects/"+project {
		t.Errorf("after joining one goes to %s", at)
	}
	if w := s.do("POST", "/invitations/"+secret, nil); w.Code != http.StatusNotFound {
		t.Errorf("a used secret: status %d", w.Code)
	}
	s.fill(ids[0])
	if page := text(s.get("/projects/" + project + "/send")); strings.Contains(page, "Lähetä valitut") || !strings.Contains(page, "Roolisi ei riitä") {
		t.Error("a helper is offered to send")
	}
	who := s.view(ids[0])
	v := url.Values{"_common": {itoa(who.Project.Version)}, "_version." + ids[0]: {itoa(who.Version)}, "matter": {ids[0]}}
	if w := s.do("POST", "/projects/"+project+"/send", v); w.Code != http.StatusForbidden {
		t.Errorf("a helper sends: status %d, want 403", w.Code)
	}
	s.who = aino
	own := path + "/aino/"
	if page := s.get(path); strings.Contains(page, own+"role") || strings.Contains(page, own+"remove") || !strings.Contains(text(page), "nimeä ensin toinen omistaja") {
		t.Error("the only owner is offered what would be refused")
	}
	s.post(path+"/matti/role", url.Values{"role": {"owner"}})
	if page := s.get(path); !strings.Contains(page, own+"role") || !strings.Contains(page, own+"remove") || strings.Contains(text(page), "nimeä ensin toinen omistaja") {
		t.Error("one of two owners cannot leave")
	}
	s.post(path+"/matti/role", url.Values{"role": {"reader"}})
	s.who = matti
	if page := s.get("/matters/" + ids[0] + "/form"); strings.Contains(page, "<textarea") || strings.Contains(page, `id="form"`) || !strings.Contains(text(page), "lukuoikeus") {
		t.Error("a reader gets a form to fill")
	}
	s.get("/projects/" + project + "/common")
	if w := s.do("POST", "/matters/"+ids[0]+"/form", url.Values{"_version": {"1"}, "extra": {"x"}}); w.Code != http.StatusForbidden {
		t.Errorf("a reader saves: status %d, want 403", w.Code)
	}
	if at := s.post(path+"/matti/remove", nil); at != "/projects" {
		t.Errorf("after leaving one goes to %s", at)
	}
	if w := s.do("GET", "/projects/"+project, nil); w.Code != http.StatusNotFound {
		t.Errorf("the project after leaving: status %d", w.Code)
	}
	s.who = aino
	if w := s.do("POST", path+"/aino/remove", nil); w.Code != http.StatusConflict {
		t.Errorf("the last owner leaves: status %d, want 409", w.Code)
	}
}

func TestFollowUp(t *testing.T) {
	s := newSite(t)
	project, id := s.sent("production-plant", "chemicals-minor")
	s.must(s.Desk.Take(t.Context(), rescueOfficer(s), id, ""))
	v := s.view(id)
	outcome := s.Catalogue.Kind(v.Kind).Outcomes[0].ID
	s.must(s.Desk.Finish(t.Context(), rescueOfficer(s), id, matter.Decision{Outcome: outcome, Text: "Valmis."}))
	page := s.get("/matters/" + id)
	if !strings.Contains(text(page), "Lisää tämä asia hankkeeseen") {
		t.Fatalf("no supervision is offered after the decision: %s", text(page))
	}
	s.post("/projects/"+project+"/matters", url.Values{"type": {hidden(t, page, "type")}, "follows": {hidden(t, page, "follows")}})
	if !strings.Contains(text(s.get("/projects/"+project)), "Asia on lisätty hankkeeseen.") {
		t.Error("one matter is told as several")
	}
	view, err := s.Desk.Project(t.Context(), aino, project)
	s.must(err)
	if len(view.Rows) != 2 || view.Rows[1].Follows != id {
		t.Errorf("the supervision matter does not follow the decision: %+v", view.Rows)
	}
	if !strings.Contains(text(s.get("/matters/"+view.Rows[1].ID)), "Liittyy asiaan:") {
		t.Error("the earlier matter is not named")
	}
}

// golden compares a page with its golden file. What is drawn at random is
// replaced: names gives the ids of its things words.
func golden(t *testing.T, name, page string, names ...string) {
	t.Helper()
	page = strings.NewReplacer(append(names, static.Fingerprint(), "FINGERPRINT", "><", ">\n<")...).Replace(page)
	page = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`).ReplaceAllString(page, "ID")
	page = regexp.MustCompile(`[0-9a-f]{64}|Tarkiste alkaa: [0-9a-f]{12}`).ReplaceAllString(page, "HASH")
	page = regexp.MustCompile(`(?s)<datalist.*?</datalist>`).ReplaceAllString(page, "<datalist></datalist>")
	testkit.Golden(t, name, page)
}

func TestGolden(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise", "police-public-event")
	names := []string{project, "PROJECT", ids[0], "NOISE", ids[1], "POLICE"}
	s.fill(ids[0])
	golden(t, "send.html", s.get("/projects/"+project+"/send"), names...)
	golden(t, "form.html", s.get("/matters/"+ids[0]+"/form"), names...)
	s.post("/projects/"+project+"/send", s.looked(project, ids[0]))
	s.get("/projects/" + project) // the line after sending is said once
	golden(t, "project.html", s.get("/projects/"+project), names...)
	golden(t, "matter.html", s.get("/matters/"+ids[0]), names...)
	for _, l := range i18n.Langs {
		golden(t, "receipt_"+string(l)+".html", s.get("/matters/"+ids[0]+"/receipts/1?lang="+string(l)), names...)
	}
}

func TestGoldenMembers(t *testing.T) {
	s := newSite(t)
	project, _ := s.start("event", "muni-noise")
	path := "/projects/" + project + "/members"
	s.post(path+"/invite", url.Values{"email": {"matti@example.fi"}, "role": {"helper"}})
	secret := s.secret()
	s.who = matti
	s.post("/invitations/"+secret, nil)
	s.who = aino
	s.post(path+"/invite", url.Values{"email": {"lukija@example.fi"}, "role": {"reader"}})
	s.get(path) // the line after inviting is said once
	golden(t, "members.html", s.get(path), project, "PROJECT")
}

// Two windows wrote in the same two fields: a text and a date with its time.
func TestGoldenConflict(t *testing.T) {
	s := newSite(t)
	project, _ := s.start("event", "muni-noise")
	common := "/projects/" + project + "/common"
	s.post(common, url.Values{"_version": {"1"}, "project_description": {"Konsertti rannassa"}, "start_time.date": {"12.6.2027"}, "start_time.time": {"17"}})
	s.get(common) // the line after saving is said once
	w := s.do("POST", common, url.Values{"_version": {"1"}, "project_description": {"Konsertti puistossa"}, "start_time.date": {"13.6.2027"}, "start_time.time": {""}})
	if w.Code != http.StatusConflict {
		t.Fatalf("status %d, want 409", w.Code)
	}
	golden(t, "conflict.html", w.Body.String(), project, "PROJECT")
}

// A message that comes when its writer has signed out in another tab is not sent,
// and not lost.
func TestAMessageOfSomebodySignedOut(t *testing.T) {
	s := newSite(t)
	_, id := s.sent("event", "muni-noise")
	s.who = nobody
	written := "Tuomme aidat paikalle <aamulla> kello kuusi."
	post := func(referer string, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", matterPath(id)+"/messages", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", referer)
		return s.ask(r)
	}
	w := post("http://example.com"+matterPath(id)+"?x=1", url.Values{"text": {written}, "_secret": {"not of any page"}}.Encode())
	body := w.Body.String()
	if w.Code != http.StatusForbidden || !strings.Contains(body, html.EscapeString(written)) || strings.Contains(body, "not of any page") {
		t.Errorf("status %d, %s", w.Code, text(body))
	}
	if want := "/login?next=" + url.QueryEscape(matterPath(id)+"?x=1"); !strings.Contains(body, html.EscapeString(want)) {
		t.Errorf("the sign-in does not lead back to the page: %s", body)
	}
	if w = post("https://elsewhere.example/matters", "text="+url.QueryEscape(written)); strings.Contains(w.Body.String(), "next=") {
		t.Error("the sign-in leads to another site's page")
	}
	if w = post("", "text=Hei"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" {
		t.Errorf("nothing worth keeping: status %d to %s", w.Code, w.Header().Get("Location"))
	}
}

// Whoever is told that a deed is no more possible gets back to where it was tried.
func TestAnErrorLeadsBackToItsForm(t *testing.T) {
	s := newSite(t)
	_, ids := s.start("event", "muni-noise")
	s.fill(ids[0])
	page := "/matters/" + ids[0]
	for from, back := range map[string]bool{"http://example.com" + page: true, "http://elsewhere.example" + page: false, "": false} {
		r := httptest.NewRequest("POST", page+"/new-form", nil) // it has no newer form
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", from)
		w := s.ask(r)
		if got := strings.Contains(w.Body.String(), `<a href="`+page+`">Palaa edelliselle sivulle</a>`); w.Code != http.StatusConflict || got != back {
			t.Errorf("from %q: status %d, leads back: %t; want 409, %t", from, w.Code, got, back)
		}
	}
}
