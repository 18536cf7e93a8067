package customer

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/matter"
)

// part is the part of a matter's page about who sees what was sent.
func part(page string) string {
	_, rest, ok := strings.Cut(page, `id="sharing"`)
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, `class="timeline"`)
	return rest
}

func TestWhoSeesWhatWasSent(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	project, ids := s.start("event", "muni-noise", "police-lottery", "rescue-plan")
	id := ids[0]
	at := matterPath(id)
	if p := part(s.get(at)); p != "" {
		t.Errorf("a draft's page tells who sees what was sent: %s", text(p))
	}
	s.fill(id)
	s.post(projectPath(project)+"/send", s.looked(project, id))
	if p := part(s.get(at)); !strings.Contains(p, "Tampere") || strings.Contains(p, "<form") || strings.Contains(p, "Hankkeen muut viranomaiset") {
		t.Errorf("alone in the project: %s", text(p))
	}
	s.fill(ids[1])
	s.post(projectPath(project)+"/send", s.looked(project, ids[1]))
	p := part(s.get(at))
	if !strings.Contains(p, `value="police-sisa-suomi"`) || strings.Contains(p, "rescue-pirkanmaa") || !strings.Contains(text(p), "Viestejä ja päätöstä se ei näe") {
		t.Errorf("with a sent matter of the police and a draft of the rescue department: %s", p)
	}

	for name, v := range map[string]url.Values{"nobody": {"authority": {""}}, "an authority with a draft": {"authority": {"", "rescue-pirkanmaa"}}} {
		w := s.do("POST", at+"/share", v)
		if p := part(w.Body.String()); w.Code != http.StatusUnprocessableEntity || !strings.Contains(p, `class="problem"`) || !strings.Contains(p, "<details class=\"details\" open>") {
			t.Errorf("%s: status %d, %s", name, w.Code, text(p))
		}
	}
	if to := s.post(at+"/share", url.Values{"authority": {"", "police-sisa-suomi"}}); to != at+"#sharing" {
		t.Errorf("sharing leads to %s", to)
	}
	page := s.get(at)
	p = part(page)
	if !strings.Contains(text(p), "Sisä-Suomen poliisilaitos näkee 2.3.2027 alkaen · ei ole vielä katsonut") || !strings.Contains(p, at+"/end-sharing") || strings.Contains(p, at+`/share"`) {
		t.Errorf("shared: %s", text(p))
	}
	if !strings.Contains(text(page), "Tiedot on jaettu. Viranomainen saa siitä ilmoituksen.") || !strings.Contains(text(page), "Lähetetyt tiedot jaettiin toiselle viranomaiselle") {
		t.Error("the page does not tell that it is shared")
	}
	if _, err := s.Desk.Handled(ctx, police, id); err != nil {
		t.Fatal(err)
	}
	if p := text(part(s.get(at))); !strings.Contains(p, "katsonut viimeksi 2.3.2027") {
		t.Errorf("after the police looked: %s", p)
	}

	s.must(s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO members (project_id, person_id, role, since) VALUES ($1, 'matti', 'reader', 1)`, project)
		return err
	}))
	s.who = matti
	if p := part(s.get(at)); !strings.Contains(p, "Sisä-Suomen poliisilaitos") || strings.Contains(p, "<form") {
		t.Errorf("a reader's page: %s", text(p))
	}
	for _, deed := range []string{"share", "end-sharing"} {
		if w := s.do("POST", at+"/"+deed, url.Values{"authority": {"police-sisa-suomi"}}); w.Code != http.StatusForbidden {
			t.Errorf("%s by a reader: status %d, want 403", deed, w.Code)
		}
	}
	s.who = aino
	for range 2 { // a second tab
		s.post(at+"/end-sharing", url.Values{"authority": {"police-sisa-suomi"}})
	}
	page = s.get(at)
	if p := part(page); strings.Contains(p, "end-sharing") || !strings.Contains(p, `value="police-sisa-suomi"`) || !strings.Contains(text(page), "Jakaminen on lopetettu") {
		t.Errorf("ended: %s", text(p))
	}
	if v := s.view(id); len(v.Shares) != 0 || v.Status != matter.Sent {
		t.Errorf("%+v, %s", v.Shares, v.Status)
	}
}

func TestSharingInThreeLanguages(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "muni-noise", "police-lottery")
	for _, id := range ids {
		s.fill(id)
		s.post(projectPath(project)+"/send", s.looked(project, id))
	}
	s.post(matterPath(ids[0])+"/share", url.Values{"authority": {"police-sisa-suomi"}})
	for lang, want := range map[string]string{"fi": "Lopeta jakaminen", "sv": "Sluta dela", "en": "Stop sharing"} {
		if p := text(part(s.get(matterPath(ids[0]) + "?lang=" + lang))); !strings.Contains(p, want) {
			t.Errorf("in %s: %s", lang, p)
		}
	}
}
