package public

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
	"luvat/internal/web/static"
)

func TestPagesAreShownToAnybody(t *testing.T) {
	s := newSite(t)
	for path, says := range map[string][3]string{
		"/":                            {"Selvitä lupatarve", "Utred tillståndsbehovet", "Find out what you need"},
		"/survey":                      {"Lupatarveselvitys", "Utredning av tillståndsbehov", "Permit-need survey"},
		"/survey/event":                {"Tapahtuman lupatarveselvitys", "ett evenemang", "for an event"},
		"/catalogue":                   {"Asiointitarjonta", "Utbud av ärenden", "Permits and notices"},
		"/catalogue/police-fireworks":  {"Kuka tarjoaa", "Vem erbjuder", "Who offers"},
		"/catalogue/lvv-alcohol":       {"Koko maa", "Hela landet", "All of Finland"},
		"/about":                       {"Tietoa palvelusta", "Om tjänsten", "About the service"},
		"/accessibility":               {"306/2019", "306/2019", "306/2019"},
		"/feedback":                    {"Anna palautetta", "Ge respons", "Give feedback"},
		"/login":                       {"Maija Virtanen", "Maija Virtanen", "Maija Virtanen"},
		"/mailbox":                     {"Kokeilun posti", "Testpostlåda", "Demo mailbox"},
		"/survey/production-plant":     {"Jatka kysymyksiin", "Fortsätt", "Go on"},
		"/survey/renewable-energy":     {"Jatka kysymyksiin", "Fortsätt", "Go on"},
		"/catalogue?q=nuotio":          {"Löytyi", "hittades", "found"},
		"/catalogue?municipality=Vasa": {"Hoida täällä: Vaasa", "Sköts här: Vasa", "Available here: Vaasa"},
	} {
		for i, l := range i18n.Langs {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			w := s.get(path + sep + "lang=" + string(l))
			wants(t, w, http.StatusOK, says[i], `<html lang="`+string(l)+`"`)
		}
	}
}

func TestEveryMatterTypeHasItsPage(t *testing.T) {
	s := newSite(t)
	for _, typ := range s.Catalogue.Types {
		wants(t, s.get("/catalogue/"+typ.ID), http.StatusOK, "<h1>"+html.EscapeString(typ.Name.FI)+"</h1>")
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := newSite(t)
	id := s.begin(t, "event", "Tampere", "")
	for _, path := range []string{
		"/survey/party", "/survey/event/areas/nature", "/survey/event/areas/nature?result=0", "/survey/event/areas/x?result=" + id,
		"/survey/production-plant/areas/activity?result=" + id, "/survey/results/0", "/catalogue/x", "/survey/production-plant?result=" + id,
	} {
		if w := s.get(path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, w.Code)
		}
	}
	for _, path := range []string{"/survey/party", "/survey/event/areas/nature", "/survey/event/areas/nature?result=0", "/survey/results/0"} {
		if w := s.do("POST", path, url.Values{"municipality": {"Tampere"}}); w.Code != http.StatusNotFound {
			t.Errorf("POST %s: status %d, want 404", path, w.Code)
		}
	}
}

func TestRoomsOfOthers(t *testing.T) {
	s := newSite(t)
	pages := []struct{ method, path, role string }{{"GET", "/lead", "liisa"}, {"GET", "/service", "sami"}, {"POST", "/service/jobs/x/retry", "sami"}}
	for _, p := range pages {
		s.forget(t)
		if w := s.do(p.method, p.path, url.Values{}); !strings.HasPrefix(w.Header().Get("Location"), "/login") {
			t.Errorf("%s %s signed out: status %d to %q, want the login", p.method, p.path, w.Code, w.Header().Get("Location"))
		}
		for _, who := range []string{"maija", "pekka", "liisa", "sami"} {
			s.forget(t)
			s.signIn(t, who)
			w := s.do(p.method, p.path, url.Values{})
			if who != p.role && w.Code != http.StatusNotFound {
				t.Errorf("%s %s as %s: status %d, want 404", p.method, p.path, who, w.Code)
			}
			if who == p.role && p.method == "GET" && w.Code != http.StatusOK {
				t.Errorf("%s %s as %s: status %d, want 200", p.method, p.path, who, w.Code)
			}
		}
	}
}

func TestLogin(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct {
		person, hat, next string
		status            int
		to                string
	}{
		{"maija", "", "", http.StatusSeeOther, "/projects"},
		{"maija", "", "/projects/new?survey=1", http.StatusSeeOther, "/projects/new?survey=1"},
		{"maija", "", "https://evil.example/", http.StatusSeeOther, "/projects"},
		{"maija", "", "//evil.example/", http.StatusSeeOther, "/projects"},
		{"pekka", "", "/projects/new", http.StatusSeeOther, "/officer"},
		{"pekka", "officer/police-sisa-suomi", "/officer/matters/1", http.StatusSeeOther, "/officer/matters/1"},
		{"pekka", "service/", "", http.StatusNotFound, ""},
		{"liisa", "", "", http.StatusSeeOther, "/lead"},
		{"sami", "", "", http.StatusSeeOther, "/service"},
		{"aito", "", "", http.StatusNotFound, ""}, // a real person is never a demo identity
		{"nobody", "", "", http.StatusNotFound, ""},
		{"", "", "", http.StatusNotFound, ""},
	} {
		s.forget(t)
		w := s.do("POST", "/login", url.Values{"person": {tt.person}, "hat": {tt.hat}, "next": {tt.next}})
		if w.Code != tt.status || w.Header().Get("Location") != tt.to {
			t.Errorf("%s as %q to %q: status %d to %q, want %d to %q", tt.person, tt.hat, tt.next, w.Code, w.Header().Get("Location"), tt.status, tt.to)
		}
	}
	s.forget(t)
	s.signIn(t, "maija")
	wants(t, s.get("/"), http.StatusOK, "Maija Virtanen")
}

func TestWithoutTheDemo(t *testing.T) {
	s := newSite(t)
	s.Demo, s.Login = false, false
	s.mount()
	wants(t, s.get("/login"), http.StatusOK, "Kirjautuminen ei ole käytössä", "Lupatarveselvityksen voit tehdä")
	if w := s.do("POST", "/login", url.Values{"person": {"maija"}}); w.Code != http.StatusNotFound {
		t.Errorf("a demo identity signs in outside the demo: status %d, want 404", w.Code)
	}
	if w := s.get("/mailbox"); w.Code != http.StatusNotFound {
		t.Errorf("the mailbox outside the demo: status %d, want 404", w.Code)
	}
}

func TestMailbox(t *testing.T) {
	s := newSite(t)
	s.mails = []Mail{{ID: "1", To: "maija@yhdistys.example", Subject: "Hanke H-1: <b>viesti</b>", Body: "Lue viesti:\nhttp://hub.example/matters/1.\n", At: s.clock.Now()}}
	wants(t, s.get("/mailbox"), http.StatusOK, "maija@yhdistys.example", "&lt;b&gt;viesti", `href="http://hub.example/matters/1"`)
}

func TestLeadSeesTheOffers(t *testing.T) {
	s := newSite(t)
	s.signIn(t, "liisa")
	wants(t, s.get("/lead"), http.StatusOK, "ymparistonsuojelu@tampere.example", "Tampereen kaupunki", "Lomakkeella tässä palvelussa", "16 työtunnin")
	if strings.Contains(text(s.get("/lead")), "poliisi.example") {
		t.Error("the lead sees another authority's addresses")
	}
}

func TestServiceRetries(t *testing.T) {
	s := newSite(t)
	s.signIn(t, "sami")
	wants(t, s.get("/service"), http.StatusOK, "Kaikki on mennyt perille")
	err := s.DB.InTx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(context.Background(), `
			INSERT INTO outbox (id, kind, idem_key, payload, state, not_before, attempts, last_error, created_at)
			VALUES ('job1', 'matter.notify', 'k1', '{}', 'dead', 0, 12, 'mail server said no', 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, s.get("/service"), http.StatusOK, "matter.notify", "mail server said no", "Luovutettu")
	woken := false
	s.Desk.Wake = func() { woken = true }
	if w := s.do("POST", "/service/jobs/job1/retry", url.Values{}); w.Code != http.StatusSeeOther || !woken {
		t.Errorf("retry: status %d, woken %v", w.Code, woken)
	}
	wants(t, s.get("/service"), http.StatusOK, "Työ on siirretty jonon alkuun", "Yritetään uudelleen")
	if w := s.do("POST", "/service/jobs/none/retry", url.Values{}); w.Code != http.StatusNotFound {
		t.Errorf("retry of no job: status %d, want 404", w.Code)
	}
}

func TestCatalogueSearch(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct{ query, says, not string }{
		{"q=ilotulitus", "Ilmoitus ilotulitusnäytöksestä", "Anniskelu"},
		{"q=NUOTIO", "elastussuunnitelma", "Löytyi 0"},
		{"q=xyzzy", "Mitään ei löytynyt", ""},
		{"entity=renewable-energy", "Rakentami", "Ilmoitus yleisötilaisuudesta"},
		{"municipality=Tampere&q=yleisötilaisuus", "Sisä-Suomen poliisilaitos", ""},
		{"municipality=Alajärvi&q=yleisötilaisuus", "Ei vielä täällä: Alajärvi", "Osassa kuntia"},
	} {
		w := s.get("/catalogue?" + strings.ReplaceAll(tt.query, "ö", "%C3%B6"))
		wants(t, w, http.StatusOK, tt.says)
		if tt.not != "" && strings.Contains(text(w), tt.not) {
			t.Errorf("%s: the page says %q", tt.query, tt.not)
		}
	}
	wants(t, s.get("/catalogue?municipality=Mariehamn"), http.StatusUnprocessableEntity, "Ahvenanmaan")
	wants(t, s.get("/catalogue?municipality=Atlantis"), http.StatusUnprocessableEntity, "ei löydy", `value="Atlantis"`)
}

// The pages that everybody meets first, whole.
func TestGoldenPages(t *testing.T) {
	s := newSite(t)
	for name, path := range map[string]string{"front": "/", "catalogue": "/catalogue?q=melu&municipality=Tampere", "matter": "/catalogue/muni-noise"} {
		for _, l := range i18n.Langs {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			w := s.get(path + sep + "lang=" + string(l))
			wants(t, w, http.StatusOK)
			page := strings.NewReplacer(static.Fingerprint(), "FINGERPRINT", "><", ">\n<").Replace(w.Body.String())
			page = regexp.MustCompile(`(?s)<datalist.*?</datalist>`).ReplaceAllString(page, "<datalist></datalist>")
			testkit.Golden(t, name+"_"+string(l)+".html", page)
		}
	}
}
