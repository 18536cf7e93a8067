package customer

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luvat/internal/i18n"
)

// Two tabs move a place: it goes as a whole, as one of them has it.
func TestAPlaceInTwoTabs(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	common := "/projects/" + project + "/common"
	at := func() any {
		v, _ := s.view(ids[0]).Project.Answers.At("place.coordinates")
		return v
	}
	is := func(lat, lon string) bool {
		m, _ := at().(map[string]any)
		return m["lat"] == json.Number(lat) && m["lon"] == json.Number(lon)
	}

	s.post(common, url.Values{"_version": {"1"}, "place.name": {"Kenttä"}, "place.coordinates": {"61,5 23,75"}})
	if !is("61.5", "23.75") {
		t.Fatalf("a place typed is %v", at())
	}
	a := decode(t, s.autosave(common, url.Values{"_version": {"2"}, "place.name": {"Pelto"}, "place.coordinates": {"61.6, 23.75"}, "_changed": {"place.coordinates"}}))
	if v := s.view(ids[0]).Project.Answers; len(a.Conflicts) != 0 || !is("61.6", "23.75") || v["place"].(map[string]any)["name"] != "Kenttä" {
		t.Errorf("saved by itself: %+v, %v", a, v["place"])
	}

	// The other tab still shows the first place: it moves that one.
	moved := url.Values{"_version": {"2"}, "place.coordinates": {"61.5, 24"}, "_changed": {"place.coordinates"}}
	if a := decode(t, s.autosave(common, moved)); len(a.Conflicts) != 1 || a.Conflicts[0] != "place.coordinates" || !is("61.6", "23.75") {
		t.Errorf("a clash saved by itself: %+v, %v", a, at())
	}
	w := s.do("POST", common, moved)
	body := w.Body.String()
	for _, want := range []string{i18n.T(i18n.FI, "forms.coordinates"), "61.5000, 24.0000 (WGS84)", "61.6000, 23.7500 (WGS84)"} {
		if w.Code != http.StatusConflict || !strings.Contains(body, want) {
			t.Fatalf("a clash: status %d, without %q: %s", w.Code, want, text(body))
		}
	}
	unescape := strings.NewReplacer("&#34;", `"`, "&amp;", "&")
	choice := url.Values{
		"_version": {hidden(t, body, "_version")}, "_merged": {unescape.Replace(hidden(t, body, "_merged"))}, "_theirs": {unescape.Replace(hidden(t, body, "_theirs"))},
		"_path": {"place.coordinates"}, "_choice.place.coordinates": {"theirs"},
	}
	s.post(common, choice)
	if !is("61.6", "23.75") {
		t.Errorf("theirs was chosen, and it is %v", at())
	}
	choice.Set("_choice.place.coordinates", "mine")
	s.post(common, choice)
	if !is("61.5", "24") {
		t.Errorf("mine was chosen, and it is %v", at())
	}
}

// A page that was opened before lat and lon were asked together still sends
// them apart.
func TestAPlaceFromAnOlderPage(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	common := "/projects/" + project + "/common"
	s.post(common, url.Values{"_version": {"1"}, "place.name": {"Kenttä"}, "place.lat": {"61,5"}, "place.lon": {"23,75"}})
	if v, _ := s.view(ids[0]).Project.Answers.At("place.lon"); v != json.Number("23.75") {
		t.Errorf("the place is %v", s.view(ids[0]).Project.Answers["place"])
	}
}

// What hinders sending leads to the one input of a place.
func TestAPlaceThatIsWrongIsLedTo(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	s.fill(ids[0])
	common := "/projects/" + project + "/common"
	if w := s.do("POST", common, url.Values{"_version": {s.version(common)}, "place.coordinates": {"59.4370, 24.7536"}}); w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("Tallinn: status %d", w.Code)
	}
	if page := s.get("/projects/" + project + "/send"); !strings.Contains(page, common+`?check=1#f-place.coordinates"`) || !strings.Contains(page, i18n.T(i18n.FI, "forms.place_outside")) {
		t.Errorf("what lacks does not lead to the place: %s", text(page))
	}
	if page := s.get(common + "?check=1"); !strings.Contains(page, `value="59.4370, 24.7536"`) || !strings.Contains(page, `href="#f-place.coordinates"`) {
		t.Errorf("what was typed is gone, or not led to: %s", text(page))
	}
}
