package public

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestStartAsksWhereAndWhen(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct{ place, day, says string }{
		{"", "", "Kirjoita kunnan nimi."},
		{"Tampreee", "", "ei löydy"},
		{"Maarianhamina", "", "Ahvenanmaan maakuntahallitukseen"},
		{"Mariehamn", "", "itsehallintoon"},
		{"Maarianhamina", "", "Palvelu ei kata Ahvenanmaata"},
		{"åland", "", "Palvelu ei kata Ahvenanmaata"},
		{"Ahvenanmaa", "", "Palvelu ei kata Ahvenanmaata"},
		{"Qwertyopolis", "", "Tarkista kirjoitusasu"},
		{"478", "", "itsehallintoon"},
		{"Tampere", "31.2.2027", "Päivää ei voitu lukea"},
		{"Tampere", "huomenna", "Päivää ei voitu lukea"},
	} {
		w := s.do("POST", "/survey/event", url.Values{"municipality": {tt.place}, "starts_on": {tt.day}})
		wants(t, w, http.StatusUnprocessableEntity, tt.says, `value="`+tt.place+`"`, `value="`+tt.day+`"`)
	}
	for _, place := range []string{"Tampere", "tammerfors", " TAMPERE ", "837"} {
		id := s.begin(t, "event", place, "1.7.2027")
		wants(t, s.get(resultPath(id)), http.StatusOK, "Tampere", "1.7.2027")
	}
}

// A slip in the name is answered with the nearest municipalities; to choose one
// is one press, without scripts, and keeps what else was typed.
func TestNearestMunicipalities(t *testing.T) {
	s := newSite(t)
	for typed, offers := range map[string]string{
		"Tamere": `name="_meant" value="837">Tampere<`, "Helsink": `name="_meant" value="091">Helsinki<`, "Helsingfor": `value="091">Helsinki (Helsingfors)<`,
		"Wasa": `value="905">Vaasa (Vasa)<`, "maarianhamin": `value="478">Maarianhamina<`,
	} {
		w := s.do("POST", "/survey/event", url.Values{"municipality": {typed}, "starts_on": {"1.7.2027"}})
		wants(t, w, http.StatusUnprocessableEntity, offers, "Tarkoititko jotakin alla olevista?", `value="`+typed+`"`, `value="1.7.2027"`)
	}
	page := s.do("POST", "/survey/event", url.Values{"municipality": {"Tamere"}}).Body.String()
	if first := regexp.MustCompile(`<button[^>]*>`).FindString(page); !strings.Contains(first, `form="survey"`) || strings.Contains(first, "name=") {
		t.Errorf("Enter presses %s, not the form's own button", first)
	}
	id := resultIn(t, s.do("POST", "/survey/event", url.Values{"municipality": {"Tamere"}, "starts_on": {"1.7.2027"}, "_meant": {"837"}}))
	wants(t, s.get(resultPath(id)), http.StatusOK, "Tampere", "1.7.2027")
	w := s.do("POST", "/survey/event", url.Values{"municipality": {"Tamere"}, "starts_on": {"joskus"}, "_meant": {"837"}})
	wants(t, w, http.StatusUnprocessableEntity, `value="Tampere"`, `value="joskus"`, "Päivää ei voitu lukea")
	w = s.do("POST", "/survey/event", url.Values{"municipality": {"maarianhamin"}, "_meant": {"478"}})
	wants(t, w, http.StatusUnprocessableEntity, "Palvelu ei kata Ahvenanmaata. Maarianhamina kuuluu")
	w = s.do("POST", "/survey/event", url.Values{"municipality": {"Tamere"}, "_meant": {"999"}})
	wants(t, w, http.StatusUnprocessableEntity, "Tarkoititko")
	for _, place := range []string{"Vasa", "helsingfors", "jyvaskyla", "ABO", "Mänttä Vilppula"} {
		s.begin(t, "event", place, "")
	}
	w = s.get("/catalogue?q=melu&entity=event&municipality=Tammerfor")
	wants(t, w, http.StatusUnprocessableEntity, "Tarkoititko", `href="/catalogue?entity=event&amp;municipality=Tampere&amp;q=melu"`)
	wants(t, s.get("/catalogue?municipality=Ahvenanmaa"), http.StatusUnprocessableEntity, "Palvelu ei kata Ahvenanmaata")
}

func TestAnswersAreKeptOverPagesAndLanguages(t *testing.T) {
	s := newSite(t)
	id := s.begin(t, "event", "Tampere", "")
	w := s.do("POST", areaPath("event", "nature", id), url.Values{"q_kind": {"", "public"}, "q_type": {"", "concert", "fire"}, "_lang": {"sv"}})
	if got, want := w.Header().Get("Location"), areaPath("event", "nature", id); got != want {
		t.Fatalf("the language button leads to %q, want %q", got, want)
	}
	w = s.get(areaPath("event", "nature", id))
	wants(t, w, http.StatusOK, "Vad för slags", `value="public" checked`, `value="concert" checked`, `value="fire" checked`)
	if strings.Contains(w.Body.String(), `value="private" checked`) {
		t.Error("an answer that was not given is ticked")
	}
	for button, want := range map[string]string{
		"_to=rescue": areaPath("event", "rescue", id), "_to=start": "/survey/event?result=" + id, "": areaPath("event", "participants", id),
		"_do=choose": "/projects/new?survey=" + id,
	} {
		v := url.Values{"q_kind": {"public"}, "q_type": {"concert", "fire"}}
		if name, value, ok := strings.Cut(button, "="); ok {
			v.Set(name, value)
		}
		if got := s.do("POST", areaPath("event", "nature", id), v).Header().Get("Location"); got != want {
			t.Errorf("button %q leads to %q, want %q", button, got, want)
		}
	}
	s.answer(t, "event", "participants", id, url.Values{"q_size": {"500-1999"}}) // q_special_groups is not sent: stays open
	wants(t, s.get(resultPath(id)), http.StatusOK, "Du svarade på 3 av 28 frågor", "offentlig tillställning")
	s.answer(t, "event", "nature", id, url.Values{"_do": {"clear"}, "q_kind": {"public"}})
	if w := s.get(areaPath("event", "nature", id)); strings.Contains(w.Body.String(), " checked") {
		t.Error("answers are there after they were cleared")
	}
}

func TestAnswersThatCannotBe(t *testing.T) {
	s := newSite(t)
	id := s.begin(t, "event", "Tampere", "")
	w := s.do("POST", areaPath("event", "nature", id), url.Values{"q_kind": {"public", "private"}})
	wants(t, w, http.StatusUnprocessableEntity, "Valitse vain yksi", `href="#f-q_kind"`)
	w = s.do("POST", areaPath("event", "nature", id), url.Values{"q_kind": {"x"}, "q_type": {"concert"}})
	wants(t, w, http.StatusUnprocessableEntity, "Valitse jokin", `value="concert" checked`)
	w = s.do("POST", areaPath("event", "nature", id), url.Values{"q_kind": {"\xff"}})
	if w.Code != http.StatusBadRequest {
		t.Errorf("text that is no text: status %d, want 400", w.Code)
	}
	if w := s.get(areaPath("event", "nature", id)); strings.Contains(w.Body.String(), " checked") {
		t.Error("a refused answer was kept")
	}
}
