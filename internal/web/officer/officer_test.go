package officer

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/testkit"
)

func TestInbox(t *testing.T) {
	h := newSite(t)
	mine := h.send("Kesäkonsertti", lodging)[0]
	theirs := h.send("Turnaus", lodging, "police-lottery")[0]
	asked := h.send("Markkinat", lodging)[0]
	over := h.send("Tanssit", lodging)[0]
	moved := h.send("Leiri", lodging)[0]
	early := h.drafts("Juhla", lodging)[0]
	h.must(h.Consent(context.Background(), applicant, early, true))

	t.Run("what waits on the authority, when nothing waits on the officer", func(t *testing.T) {
		h.t = t
		page := h.page(InboxPath)
		h.wants(page, `data-robot="inbox" data-value="authority"`, mine, theirs, "Alkaa 12.3.2027, 10 päivää jäljellä", `data-unread="true"`, "Hiedanranta, Tampere")
		h.lacks(page, early)
	})
	h.done(mine, "take", nil)
	h.done(asked, "ask", url.Values{"text": {"Lisää pohjakuva."}, "due": {"2027-03-10"}})
	h.done(over, "take", nil)
	h.done(over, "finish", url.Values{"outcome": {"checked"}})
	h.done(moved, "transfer", url.Values{"authority": {policeID}, "text": {"Kuuluu poliisille."}})
	h.done(theirs, "letter", url.Values{"authority": {policeID}, "text": {"Mitä mieltä?"}, "ask_by": {"2027-03-05"}})
	h.page(matterPath + mine)

	for bucket, want := range map[matter.Bucket]string{
		"": mine, matter.OnMe: mine, matter.OnAuthority: mine, matter.OnApplicant: asked, matter.OnOther: theirs, matter.Done: over, matter.Drafts: early,
	} {
		t.Run("bucket "+string(bucket), func(t *testing.T) {
			h.t = t
			page := h.page(InboxPath + "?bucket=" + string(bucket))
			part := i18n.T(i18n.FI, bucketWords[cmp.Or(bucket, matter.OnMe)][0])
			h.wants(page, "<title>"+part+" – Työjono", `role="table" aria-label="`+part+`"`)
			for _, id := range []string{mine, theirs, asked, over, early} {
				if got := strings.Contains(page, matterPath+id); got != (id == want) {
					t.Errorf("%s is there: %t", id, got)
				}
			}
			if got := strings.Contains(page, matterPath+moved); got != (bucket == matter.Done) {
				t.Errorf("what was transferred is there: %t; it belongs to the finished", got)
			}
		})
	}
	t.Run("how much waits where", func(t *testing.T) {
		h.t = t
		tabs := func(query string) string {
			_, page, _ := strings.Cut(h.page(InboxPath+query), `<nav class="tabs"`)
			page, _, _ = strings.Cut(page, "</nav>")
			return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")), " ")
		}
		for query, want := range map[string]string{
			"": "Minulla 1 Viranomaisella 1 Asiakkaalla Toisella viranomaisella Päättyneet Luonnokset", "?type=rescue-plan": "Minulla Viranomaisella Asiakkaalla Toisella viranomaisella Päättyneet Luonnokset",
			"?q=tanssi": "Minulla Viranomaisella Asiakkaalla Toisella viranomaisella Päättyneet Luonnokset",
		} {
			if got := tabs(query); !strings.HasSuffix(got, want) {
				t.Errorf("%q: the tabs say %q, want %q", query, got, want)
			}
		}
	})
	t.Run("search", func(t *testing.T) {
		h.t = t
		h.wants(h.page(InboxPath+"?bucket=finished&q=tanssi"), over, "<title>Haun tulokset: Päättyneet – ")
		h.wants(h.page(InboxPath+"?bucket=finished&q=turnaus"), "<title>Haulla ei löytynyt asioita", "bucket=other&amp;q=turnaus")
		h.wants(h.page(InboxPath+"?bucket=finished&type=rescue-plan"), "Haulla ei löytynyt asioita")
	})
	t.Run("a colleague's and a stranger's", func(t *testing.T) {
		h.t, h.who = t, paula
		h.wants(h.page(InboxPath), `data-value="authority"`, mine)
		h.who = narrow
		h.lacks(h.page(InboxPath+"?bucket=authority"), mine)
		h.who = city
		h.lacks(h.page(InboxPath+"?bucket=authority"), mine)
		h.who = pelle
	})
	t.Run("golden", func(t *testing.T) {
		testkit.Golden(t, "inbox.html", stable(h.page(InboxPath+"?bucket=authority")))
	})
}

func TestInboxGoesOnPageByPage(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	copies(t, h, id, 60)
	seen := map[string]bool{}
	path := InboxPath + "?bucket=authority"
	for range 3 {
		page := h.page(path)
		for _, row := range hooks(page, "inbox-row") {
			if seen[row] {
				t.Errorf("%s is on two pages", row)
			}
			seen[row] = true
		}
		next := attribute(page, "inbox-next", "href")
		if next == "" {
			break
		}
		path = next
	}
	if len(seen) != 61 {
		t.Errorf("%d matters on all pages; want 61", len(seen))
	}
	h.wants(h.page(path), `data-robot="inbox-first"`, `<span class="count">50+</span>`)
}

// Every page, as everybody for whom it is not.
func TestNotTheirs(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging, "police-lottery")[0]
	h.done(id, "take", nil)
	h.done(id, "ask", url.Values{"text": {"Lisää pohjakuva."}, "due": {"2027-03-10"}})
	h.complete(id)
	v, err := h.Matter(context.Background(), applicant, id)
	h.must(err)
	before := len(v.Events)
	one := matterPath + id
	file := one + "/files/" + v.Files[0].ID
	pages := []string{one, one + "?do=finish", one + "/submissions/1", one + "/submissions/2?format=json", one + "/changes/2", one + "/package", file}
	for _, path := range pages {
		h.who = pelle
		if w := h.get(path); w.Code != http.StatusOK {
			t.Errorf("GET %s as its officer: status %d", path, w.Code)
		}
		for _, who := range []string{police, city, narrow, aino} {
			h.who = who
			if w := h.get(path); w.Code != http.StatusNotFound {
				t.Errorf("GET %s as %s: status %d, want 404", path, who, w.Code)
			}
		}
		h.who = nobody
		if w := h.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login?next="+url.QueryEscape(path) {
			t.Errorf("GET %s signed out: status %d to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	filled := url.Values{"text": {"hei"}, "outcome": {"checked"}, "due": {"2027-03-10"}, "authority": {policeID}, "handler": {paula}, "identifier": {"X"}, "email": {"x@example.fi"}, "was": {""}}
	for _, d := range deeds {
		path := one + "/" + d.name
		for _, who := range []string{police, city, narrow, aino} {
			h.who = who
			if w := h.post(path, filled); w.Code != http.StatusNotFound {
				t.Errorf("POST %s as %s: status %d, want 404", d.name, who, w.Code)
			}
			if w := h.upload(path, filled, "x.txt", "x"); w.Code != http.StatusNotFound {
				t.Errorf("POST %s with a file as %s: status %d, want 404", d.name, who, w.Code)
			}
		}
		h.who = nobody
		if w := h.post(path, filled); w.Header().Get("Location") != "/login" {
			t.Errorf("POST %s signed out: status %d to %q", d.name, w.Code, w.Header().Get("Location"))
		}
	}
	for _, path := range []string{InboxPath, threadsPath} {
		h.who = aino
		if w := h.get(path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s as an applicant: status %d, want 404", path, w.Code)
		}
	}
	v, err = h.Matter(context.Background(), applicant, id)
	h.must(err)
	if len(v.Events) != before {
		t.Errorf("strangers left %d entries", len(v.Events)-before)
	}
	for _, missing := range []string{"/submissions/9", "/submissions/x", "/changes/1", "/changes/9", "/files/none"} {
		h.who = pelle
		if w := h.get(one + missing); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", missing, w.Code)
		}
	}
}

// Each deed: done, refused by its content at its field, refused by the state.
func TestDeeds(t *testing.T) {
	h := newSite(t)
	long := strings.Repeat("pitkä ", 2000)
	for _, tt := range []struct {
		deed  string
		good  url.Values
		says  string // on the page after it
		bad   url.Values
		field string // of the problem; "" when nothing that can be typed is wrong
		kept  string // of what was typed
		ended bool   // refused by the state of a withdrawn matter
	}{
		{"take", url.Values{"email": {"pelle@example.fi"}}, `data-robot="matter-status" data-value="in_handling"`, url.Values{"email": {"ei osoite"}}, "email", `value="ei osoite"`, true},
		{"pending", url.Values{"identifier": {"PIR/1/2027"}}, `data-robot="matter-identifier" data-value="PIR/1/2027"`, url.Values{"identifier": {long}}, "identifier", long[:40], true},
		{"handler", url.Values{"was": {""}, "handler": {paula}}, `data-robot="matter-handler" data-value="paula"`, url.Values{"was": {""}, "handler": {police}}, "handler", "", true},
		{"identifier", url.Values{"was": {""}, "identifier": {"PIR/2/2027"}}, `data-robot="matter-identifier" data-value="PIR/2/2027"`, url.Values{"was": {""}, "identifier": {long}}, "identifier", long[:40], false},
		{"redirect", url.Values{"email": {"paula@example.fi"}}, `data-robot="matter-notices" data-value="paula@example.fi"`, url.Values{"email": {"@"}}, "email", `value="@"`, false},
		{"ask", url.Values{"text": {"Lisää pohjakuva."}, "due": {"2027-03-10"}, "field": {"attachments", "common:place"}}, `data-robot="matter-status" data-value="to_complete"`, url.Values{"text": {"Lisää pohjakuva."}, "due": {"eilen"}, "field": {"attachments"}}, "due", `id="field-attachments" name="field" value="attachments" checked`, true},
		{"finish", url.Values{"outcome": {"checked"}, "text": {"Ei huomautettavaa."}}, `data-robot="decision" data-value="checked"`, url.Values{"text": {"Kirjoitin jo."}}, "outcome", "Kirjoitin jo.", true},
		{"dismiss", url.Values{"text": {"Ei kuulu meille."}}, `data-robot="matter-status" data-value="dismissed"`, url.Values{"text": {" "}}, "text", "", true},
		{"transfer", url.Values{"text": {"Kuuluu poliisille."}, "authority": {policeID}}, `data-robot="matter-status" data-value="transferred"`, url.Values{"text": {"Kuuluu muille."}, "authority": {rescueID}}, "authority", "Kuuluu muille.", true},
		{"message", url.Values{"text": {"Terve Aino"}}, "Terve Aino", url.Values{"text": {""}}, "text", "", false},
		{"letter", url.Values{"text": {"Terve poliisi"}, "authority": {policeID}, "ask_by": {"5.3.2027"}}, "Lausunto viimeistään 5.3.2027", url.Values{"text": {"Terve"}, "authority": {policeID}, "ask_by": {"5.33."}}, "ask_by", `value="5.33."`, false},
	} {
		t.Run(tt.deed, func(t *testing.T) {
			h.t, h.who = t, pelle
			id := h.send("Kesäkonsertti", lodging, "police-lottery")[0]
			if tt.deed == "finish" {
				h.done(id, "take", nil)
			}
			title := i18n.T(i18n.FI, deedNamed(tt.deed).title) + ", A2027-"
			if deedForm := h.page(matterPath + id + "?do=" + tt.deed); !strings.Contains(deedForm, `data-robot="form-`+tt.deed+`"`) {
				t.Errorf("?do=%s does not open its form", tt.deed)
			} else if !strings.Contains(deedForm, "<title>"+title) {
				t.Errorf("the window of ?do=%s is not titled by the deed and the matter's number", tt.deed)
			}
			w := h.post(matterPath+id+"/"+tt.deed, tt.bad)
			if w.Code != http.StatusUnprocessableEntity {
				t.Fatalf("what is wrong: status %d, want 422\n%s", w.Code, words(w.Body.String()))
			}
			h.wants(w.Body.String(), `data-robot="problem" data-value="`+tt.field+`"`, `data-robot="form-`+tt.deed+`"`, tt.kept, "<title>Virhe: "+title)
			if !strings.Contains(w.Body.String(), `id="f-`+tt.field+`"`) {
				t.Errorf("the problem leads to no input")
			}
			h.done(id, tt.deed, tt.good)
			h.wants(h.page(matterPath+id), tt.says, "<title>A2027-")

			gone := h.send("Turnaus", lodging)[0]
			h.must(h.Withdraw(context.Background(), applicant, gone))
			w = h.post(matterPath+gone+"/"+tt.deed, tt.good)
			switch {
			case tt.ended && w.Code != http.StatusConflict:
				t.Errorf("of a withdrawn matter: status %d, want 409", w.Code)
			case tt.ended:
				h.wants(w.Body.String(), `data-robot="problem" data-value="conflict"`, "Asiakas perunut", tt.good.Get("text"))
			}
		})
	}
}

func TestStale(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	h.done(id, "take", nil)
	t.Run("the handler was changed meanwhile", func(t *testing.T) {
		h.t = t
		h.who = paula
		w := h.post(matterPath+id+"/handler", url.Values{"was": {""}, "handler": {paula}})
		if w.Code != http.StatusConflict {
			t.Fatalf("status %d, want 409", w.Code)
		}
		h.wants(w.Body.String(), "toinen käsittelijä", `data-robot="form-handler"`, `name="was" value="pelle"`, `<option value="paula" selected>`)
		h.done(id, "handler", url.Values{"was": {"pelle"}, "handler": {paula}})
	})
	t.Run("the identifier was changed meanwhile", func(t *testing.T) {
		h.t = t
		h.done(id, "identifier", url.Values{"was": {""}, "identifier": {"PIR/1/2027"}})
		w := h.post(matterPath+id+"/identifier", url.Values{"was": {""}, "identifier": {"PIR/9/2027"}})
		if w.Code != http.StatusConflict {
			t.Fatalf("status %d, want 409", w.Code)
		}
		h.wants(w.Body.String(), "PIR/1/2027", `value="PIR/9/2027"`)
	})
	t.Run("the applicant did something the decider has not seen", func(t *testing.T) {
		h.t = t
		seen := attribute(h.page(matterPath+id+"?do=finish"), "matter", "data-entries")
		h.must(h.WriteAsApplicant(context.Background(), applicant, id, "Odottakaa, lisään kuvan", nil))
		typed := url.Values{"_version": {seen}, "outcome": {"checked"}, "text": {"Päätin jo."}}
		w := h.post(matterPath+id+"/finish", typed)
		if w.Code != http.StatusConflict || h.status(id) != matter.InHandling {
			t.Fatalf("status %d, the matter is %s; want 409 and nothing done", w.Code, h.status(id))
		}
		page := w.Body.String()
		h.wants(page, "Odottakaa, lisään kuvan", "Päätin jo.", `data-robot="form-finish"`, "Sen jälkeen kun avasit sivun", "Viesti lähetettiin")
		typed.Set("_version", attribute(page, "matter", "data-entries"))
		h.done(id, "finish", typed)
	})
}

func TestDecisionWithAFile(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	h.done(id, "take", nil)
	path := matterPath + id + "/finish"

	w := h.upload(path, url.Values{"text": {"Ehdot liitteessä"}}, "päätös.txt", "Hyväksytty.")
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("without an outcome: status %d, want 422", w.Code)
	}
	kept := value(w.Body.String(), "file_id")
	h.wants(w.Body.String(), "päätös.txt", "Ehdot liitteessä")
	if kept == "" {
		t.Fatal("the file of the first try is lost")
	}
	if w := h.upload(path, url.Values{"outcome": {"checked"}}, "suuri.txt", strings.Repeat("x", 2<<20)); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), `data-value="file"`) {
		t.Errorf("a file over the limit: status %d, want 413 at its field", w.Code)
	}
	w = h.upload(path, url.Values{"outcome": {"checked"}, "file_id": {kept}, "text": {"Ehdot liitteessä"}}, "liite.txt", "Kartta")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("status %d\n%s", w.Code, words(w.Body.String()))
	}
	page := h.page(matterPath + id)
	h.wants(page, "päätös.txt", "liite.txt", "Ehdot liitteessä", "Tarkastettu, mahdolliset määräykset annettu")
	got := h.get(matterPath + id + "/files/" + kept)
	if got.Code != http.StatusOK || got.Body.String() != "Hyväksytty." || !strings.HasPrefix(got.Header().Get("Content-Disposition"), "attachment;") {
		t.Errorf("the decision: status %d, %q, %q", got.Code, got.Header().Get("Content-Disposition"), got.Body.String())
	}
	if w := h.upload(path, url.Values{"outcome": {"checked"}, "text": {"Toinen päätös"}}, "x.txt", "x"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "Toinen päätös") {
		t.Errorf("finishing twice: status %d, want 409 with what was typed", w.Code)
	}
}

func TestAnotherAuthorityAnswers(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging, "police-lottery")[0]
	h.done(id, "take", nil)
	h.must(h.WriteToApplicant(context.Background(), h.officer(pelle), id, "Vain asiakkaalle", nil))
	w := h.upload(matterPath+id+"/letter", url.Values{"authority": {policeID}, "text": {"Lausuntonne?"}, "ask_by": {"2027-03-05"}}, "kartta.txt", "Kartta")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("letter: status %d\n%s", w.Code, words(w.Body.String()))
	}
	h.wants(h.page(matterPath+id), "Asia odottaa lausuntoa: Sisä-Suomen poliisilaitos", `data-robot="matter-holder" data-value="other_authority"`)

	h.who = police
	h.wants(h.page(threadsPath), id, `data-asked="true"`, "Lausunto viimeistään 5.3.2027, 3 päivää jäljellä")
	page := h.page(matterPath + id)
	h.wants(page, "Lausuntonne?", "kartta.txt", `data-robot="form-answer"`, `data-robot="joint-row"`)
	h.lacks(page, "Majoitus liikuntasalissa", "Vain asiakkaalle", `data-robot="form-take"`, `data-robot="package"`)
	for _, path := range []string{"/submissions/1", "/package"} {
		if w := h.get(matterPath + id + path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s as a guest: status %d, want 404", path, w.Code)
		}
	}
	if w := h.post(matterPath+id+"/answer", url.Values{"text": {""}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an empty answer: status %d, want 422", w.Code)
	}
	h.done(id, "answer", url.Values{"text": {"Ei huomautettavaa"}})

	h.who = pelle
	h.wants(h.page(matterPath+id), "Ei huomautettavaa", `data-robot="matter-holder" data-value="authority"`)
}

func TestWhatChanged(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	h.done(id, "ask", url.Values{"text": {"Lisää pohjakuva."}, "due": {"2027-03-10"}, "field": {"attachments", "common:place"}})
	h.wants(h.page(matterPath+id), "Asia odottaa asiakkaan täydennystä. Määräaika on 10.3.2027", "Lisää pohjakuva.")
	h.clock.Move(time.Hour)
	h.complete(id)
	page := h.page(matterPath + id + "/changes/2")
	h.wants(page, "Majoitus liikuntasalissa", "Majoitus kahdessa liikuntasalissa", "Hotellit ovat täynnä", "Uudet liitteet", "pohjakuva.txt")
	h.wants(h.page(matterPath+id+"/submissions/1"), "Majoitus liikuntasalissa", "SHA-256")
	v, err := h.Handled(context.Background(), h.officer(pelle), id)
	h.must(err)
	if w := h.get(matterPath + id + "/submissions/2?format=json"); w.Body.String() != v.Submissions[1].Body {
		t.Errorf("the data is not the sealed body, byte for byte")
	}
	testkit.Golden(t, "changes.html", stable(page))
	h.done(id, "take", nil)
	testkit.Golden(t, "matter.html", stable(h.page(matterPath+id)))
	for _, lang := range []string{"sv", "en"} {
		if page := h.page(matterPath + id + "?lang=" + lang); strings.Contains(page, "Käsittelyssä") {
			t.Errorf("the page in %s speaks Finnish", lang)
		}
	}
}

func TestADraftIsSeenWithConsentOnly(t *testing.T) {
	h := newSite(t)
	id := h.drafts("Juhla", lodging)[0]
	if w := h.get(matterPath + id); w.Code != http.StatusNotFound {
		t.Errorf("a draft without consent: status %d, want 404", w.Code)
	}
	h.must(h.Consent(context.Background(), applicant, id, true))
	page := h.page(matterPath + id)
	h.wants(page, "Asiakkaan luonnos", "Hiedanranta", `data-robot="matter-status" data-value="draft"`)
	h.lacks(page, `data-robot="form-take"`, `data-robot="form-finish"`, `data-robot="form-ask"`)
	if w := h.post(matterPath+id+"/take", nil); w.Code != http.StatusConflict {
		t.Errorf("taking a draft: status %d, want 409", w.Code)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	for name, w := range map[string]int{
		"half a form":    h.do("POST", matterPath+id+"/message", "multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disp")).Code,
		"not text":       h.post(matterPath+id+"/message", url.Values{"text": {"a\xff"}}).Code,
		"an odd outcome": h.post(matterPath+id+"/ask", url.Values{"text": {"x"}, "due": {"2027-03-10"}, "field": {"no_such"}}).Code,
	} {
		if w != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, w)
		}
	}
	if w := h.post(matterPath+id+"/message", url.Values{"text": {strings.Repeat("x", 2<<20)}}); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("two megabytes of text: status %d, want 413", w.Code)
	}
}

// The way from a notice to handling: the link, signing in, taking.
func TestFewActionsFromANotice(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	page := h.page(matterPath + id)
	if n := strings.Count(page, `class="button"`); n != 1 {
		t.Errorf("%d primary buttons; want one", n)
	}
	if action := attribute(page, "form-take", "action"); action != matterPath+id+"/take" {
		t.Errorf("the button leads to %q", action)
	}
}

func TestTheOfficerSeesForWhomItWasSent(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	h.must(h.DB.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE submissions SET body = REPLACE(body, '"form":', '"on_behalf_of":{"id":"p","kind":"company","name":"Vasasol Ab","business_id":"9100001-3"},"form":')`)
		return err
	}))
	for _, path := range []string{matterPath + id, matterPath + id + "/submissions/1"} {
		h.wants(h.page(path), "Aino Asiakas, puolesta: Vasasol Ab (9100001-3)")
	}
}
