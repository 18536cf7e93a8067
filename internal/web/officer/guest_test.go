package officer

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
)

// shared sends a matter of the rescue department and one of the police in the
// same project, and a completion of the first; the applicant shares that with
// the police.
func shared(h *hub) (id, own string) {
	h.t.Helper()
	ctx := context.Background()
	ids := h.send("Kesäkonsertti", lodging, "police-lottery")
	id, own = ids[0], ids[1]
	h.done(id, "take", nil)
	h.must(h.WriteToApplicant(ctx, h.officer(pelle), id, "Vain asiakkaalle", nil))
	h.done(id, "ask", url.Values{"text": {"Täydennä kartta."}, "due": {"2027-03-10"}})
	h.clock.Move(time.Hour)
	h.complete(id)
	h.must(h.Share(ctx, applicant, id, []string{policeID}))
	return id, own
}

func TestASharedMatterIsRead(t *testing.T) {
	h := newSite(t)
	id, own := shared(h)
	one := matterPath + id
	h.wants(h.page(one), "Asiakas jakaa tiedot", "Sisä-Suomen poliisilaitos", "Lähetetyt tiedot jaettiin toiselle viranomaiselle")

	h.who = police
	h.wants(h.page(matterPath+own), `href="`+one+`"`, "jaettu viranomaisellesi", `data-robot="joint-row" data-value="`+id+`" data-status="completed" data-shared="true"`)
	page := h.page(one)
	h.wants(page, "Asiakas jakoi 2.3.2027 viranomaisellesi", "Majoitus kahdessa liikuntasalissa", "Hiedanranta", "pohjakuva.txt", `data-robot="joint-row"`,
		one+"/submissions/1", one+"/changes/2", `href="`+matterPath+own+`"`, "Aino Asiakas")
	h.lacks(page, "Vain asiakkaalle", "Täydennä kartta.", `data-robot="package"`, `data-robot="events"`, `data-robot="notice"`, `data-robot="matter-notices"`,
		`data-robot="deed"`, `data-robot="form-`, `id="messages"`, lodging+"@example.fi")
	h.wants(h.page(one+"/submissions/1"), "Majoitus liikuntasalissa", "SHA-256")
	h.wants(h.page(one+"/changes/2"), "Majoitus liikuntasalissa", "Hotellit ovat täynnä", "pohjakuva.txt")
	for _, lang := range []string{"sv", "en"} {
		if page := h.page(one + "?lang=" + lang); strings.Contains(page, "viranomaisellesi") {
			t.Errorf("the page in %s speaks Finnish", lang)
		}
	}
	file := h.get(fileOf(t, page, one))
	if file.Code != http.StatusOK || file.Body.String() != "pohjakuva" {
		t.Fatalf("the attachment: status %d, %q", file.Code, file.Body.String())
	}
	for name, want := range map[string]string{"Content-Disposition": "attachment;", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"} {
		if got := file.Header().Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// fileOf returns the address of the first attachment on the page.
func fileOf(t *testing.T, page, one string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `href="`+one+`/files/`)
	id, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal("the page has no attachment")
	}
	return one + "/files/" + id
}

// A shared matter is read and nothing else, and only while it is shared.
func TestASharedMatterIsOnlyRead(t *testing.T) {
	h := newSite(t)
	id, _ := shared(h)
	one := matterPath + id
	h.who = police
	file := fileOf(t, h.page(one), one)
	if w := h.get(one + "/package"); w.Code != http.StatusNotFound {
		t.Errorf("the package: status %d, want 404", w.Code)
	}
	files := func() (n int64) {
		h.must(h.DB.View(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM attachments`).Scan(&n)
		}))
		return n
	}
	events := func() int {
		v, err := h.Matter(t.Context(), applicant, id)
		h.must(err)
		return len(v.Events)
	}
	before, kept := events(), files()
	filled := url.Values{"text": {"hei"}, "outcome": {"checked"}, "due": {"2027-03-10"}, "authority": {"muni-837"}, "handler": {paula}, "identifier": {"X"}, "email": {"x@example.fi"}, "was": {""}}
	for _, d := range deeds {
		if w := h.post(one+"/"+d.name, filled); w.Code != http.StatusNotFound {
			t.Errorf("POST %s: status %d, want 404", d.name, w.Code)
		}
		if w := h.upload(one+"/"+d.name, filled, "x.txt", "x"); w.Code != http.StatusNotFound {
			t.Errorf("POST %s with a file: status %d, want 404", d.name, w.Code)
		}
		h.lacks(h.page(one+"?do="+d.name), `data-robot="form-`)
	}
	if after := events(); after != before || files() != kept {
		t.Errorf("%d entries and %d files; want %d and %d as before", after, files(), before, kept)
	}
	pages := []string{one, one + "/submissions/1", one + "/submissions/2?format=json", one + "/changes/2", file}
	for _, path := range pages {
		for _, who := range []string{city, narrow, aino} {
			h.who = who
			if w := h.get(path); w.Code != http.StatusNotFound {
				t.Errorf("GET %s as %s: status %d, want 404", path, who, w.Code)
			}
		}
		h.who = police
		if w := h.get(path); w.Code != http.StatusOK {
			t.Errorf("GET %s while it is shared: status %d", path, w.Code)
		}
	}
	h.must(h.EndSharing(context.Background(), applicant, id, policeID))
	for _, path := range pages {
		if w := h.get(path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s after the end: status %d, want 404", path, w.Code)
		}
	}
}

// With a thread too, both parts stand on the page, and the answer is written.
func TestASharedMatterWithAThread(t *testing.T) {
	h := newSite(t)
	id, _ := shared(h)
	h.done(id, "letter", url.Values{"authority": {policeID}, "text": {"Lausuntonne?"}, "ask_by": {"2027-03-05"}})
	h.who = police
	page := h.page(matterPath + id)
	h.wants(page, "Lausuntonne?", "Majoitus kahdessa liikuntasalissa", `data-robot="form-answer"`, `data-robot="shared"`, `href="`+threadsPath+`"`)
	h.lacks(page, "Vain asiakkaalle", `data-robot="package"`)
	w := h.upload(matterPath+id+"/answer", url.Values{"text": {"Ei huomautettavaa"}}, "kartta.txt", "Kartta")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("answer: status %d", w.Code)
	}
	h.must(h.EndSharing(context.Background(), applicant, id, policeID))
	page = h.page(matterPath + id)
	h.wants(page, "Lausuntonne?", "kartta.txt")
	h.lacks(page, "Majoitus kahdessa liikuntasalissa", `data-robot="shared"`)
}
