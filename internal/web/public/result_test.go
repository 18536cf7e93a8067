package public

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"luvat/content"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
	"luvat/internal/web/static"
)

// festival answers the survey of events as one would for a summer festival in
// the place.
func (s *testSite) festival(t *testing.T, place, day string) string {
	t.Helper()
	id := s.begin(t, "event", place, day)
	for _, area := range []struct {
		id string
		v  url.Values
	}{
		{"nature", url.Values{"q_kind": {"public"}, "q_type": {"concert"}}},
		{"participants", url.Values{"q_size": {"500-1999"}, "q_special_groups": {"no"}}},
		{"place", url.Values{"q_ground": {"street-park"}, "q_several": {"no"}}},
		{"time", url.Values{"q_late": {"yes"}, "q_length": {"day"}}},
		{"fire", url.Values{"q_fire": {"display"}}},
		{"sound", url.Values{"q_noise": {"outdoor"}, "q_music": {"yes"}}},
		{"alcohol", url.Values{"q_alcohol": {"own"}, "q_tobacco": {"no"}}},
		{"programme", url.Values{"q_programme": {"activities"}, "_do": {"result"}}},
	} {
		id = s.answer(t, "event", area.id, id, area.v)
	}
	return id
}

func TestResultPages(t *testing.T) {
	s := newSite(t)
	for name, tt := range map[string]struct {
		place, day string
		lang       i18n.Lang
	}{
		"tampere_fi":  {"Tampere", "2027-07-01", i18n.FI},  // everybody has joined
		"alajarvi_sv": {"Alajärvi", "2027-03-10", i18n.SV}, // the city has not joined; the last days are near or gone
		"vaasa_en":    {"Vasa", "", i18n.EN},               // no day to count from
	} {
		id := s.festival(t, tt.place, tt.day)
		w := s.get(resultPath(id) + "?lang=" + string(tt.lang))
		wants(t, w, http.StatusOK)
		page := strings.ReplaceAll(w.Body.String(), id, "RESULT")
		page = strings.ReplaceAll(page, static.Fingerprint(), "FINGERPRINT")
		_, hash, err := s.Catalogue.Survey("event", "")
		if err != nil {
			t.Fatal(err)
		}
		testkit.Golden(t, "result_"+name+".html", strings.ReplaceAll(strings.ReplaceAll(page, hash[:12], "RULES"), "><", ">\n<"))
	}
}

func TestResultSaysWhatItKnows(t *testing.T) {
	s := newSite(t)
	w := s.get(resultPath(s.festival(t, "Tampere", "2027-07-01")))
	wants(t, w, http.StatusOK, "Tarvitset nämä", "Saatat tarvita nämä", "Pidä nämä valmiina", "Sisä-Suomen poliisilaitos", "Viimeistään 26.6.2027",
		"Kokoontumislaki 530/1999", "Vastuu tarvittavien lupien", "Mitä ei voitu arvioida", "http://hub.example/survey/results/")
	w = s.get(resultPath(s.festival(t, "Alajärvi", "2027-03-05")))
	wants(t, w, http.StatusOK, "Hoida nämä muualla", "Pohjanmaan poliisilaitos", "ota yhteyttä viranomaiseen (Alajärven kaupunki) ja kysy", "eivät ole vielä palvelussa", "Määräaika on jo mennyt")
}

// A result of some questions only says so, and none of no answers reads as an
// all-clear.
func TestAPartialResultSaysSo(t *testing.T) {
	s := newSite(t)
	id := s.begin(t, "event", "Tampere", "2027-07-01")
	w := s.get(resultPath(id))
	wants(t, w, http.StatusOK, "Et ole vielä vastannut yhteenkään kysymykseen", "Emme voi vielä kertoa, mitä tarvitset.", "Jatka selvitystä")
	if strings.Contains(text(w), "mitään ei löytynyt") {
		t.Error("no answers read as an all-clear")
	}
	id = s.answer(t, "event", "fire", id, url.Values{"q_fire": {"none"}, "_do": {"result"}})
	for lang, want := range map[i18n.Lang]string{i18n.FI: "Vastasit 1/28 kysymykseen, joten tulos on osittainen", i18n.SV: "Du svarade på 1 av 28 frågor", i18n.EN: "You answered 1/28 questions"} {
		wants(t, s.get(resultPath(id)+"?lang="+string(lang)), http.StatusOK, want, `/survey/event/areas/nature?result=`+id)
	}
}

func TestSharedResultStays(t *testing.T) {
	s := newSite(t)
	id := s.festival(t, "Tampere", "2027-07-01")
	before := text(s.get(resultPath(id)))
	other := s.answer(t, "event", "fire", id, url.Values{"q_fire": {"none"}})
	if other == id {
		t.Fatal("a final result was changed in place")
	}
	if after := text(s.get(resultPath(id))); after != before {
		t.Errorf("a final result says something else after its answers were changed elsewhere")
	}
	same := s.answer(t, "event", "fire", id, url.Values{"q_fire": {"display"}, "_do": {"result"}})
	if same != id {
		t.Error("the same answers gave a new result")
	}
	moved := resultIn(t, s.do("POST", "/survey/event", url.Values{"result": {id}, "municipality": {"Vaasa"}, "starts_on": {""}}))
	if moved == id {
		t.Error("a final result was moved to another place")
	}
	wants(t, s.get(resultPath(moved)), http.StatusOK, "Vaasa")
}

func TestReplayUnderTheOldRules(t *testing.T) {
	s := newSite(t)
	id := s.festival(t, "Tampere", "2027-07-01")
	before := text(s.get(resultPath(id)))
	body, err := content.FS.ReadFile("surveys/event.json")
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(body), `"version": "2026-11-27"`, `"version": "2027-03-01"`, 1)
	newer = strings.Replace(newer, "Tapahtuma on avoin yleisölle.", "UUSI SÄÄNTÖ.", 1)
	s.load(t, overlay{fstest.MapFS{"surveys/event.json": {Data: []byte(newer)}}})

	w := s.get(resultPath(id))
	wants(t, w, http.StatusOK, "Säännöt ovat muuttuneet", "1.3.2027", "27.11.2026")
	if strings.Contains(text(w), "UUSI SÄÄNTÖ") {
		t.Error("an old result was judged by new rules")
	}
	_, rest, _ := strings.Cut(text(w), "Tarvitset nämä")
	if _, was, _ := strings.Cut(before, "Tarvitset nämä"); rest != was {
		t.Error("an old result says something else under new rules")
	}
	anew := resultIn(t, s.do("POST", resultPath(id), url.Values{"_do": {"anew"}}))
	if anew == id {
		t.Fatal("the old result was judged anew in place")
	}
	w = s.get(resultPath(anew))
	wants(t, w, http.StatusOK, "UUSI SÄÄNTÖ", "Otettu käyttöön 1.3.2027")
	if strings.Contains(text(w), "Säännöt ovat muuttuneet") {
		t.Error("a result under the current rules speaks of newer ones")
	}
	if again := resultIn(t, s.do("POST", resultPath(anew), url.Values{"_do": {"anew"}})); again != anew {
		t.Error("judging anew by the same rules made another result")
	}
}

// A result of before rules had deadlines and sources by the table of acts says
// what it said then: the law in Finnish, the deadline of the matter type.
func TestReplayOfAnOldVersion(t *testing.T) {
	s := newSite(t)
	old, err := os.ReadFile("../../survey/testdata/production-plant-2026-11-20.json")
	if err != nil {
		t.Fatal(err)
	}
	s.load(t, overlay{fstest.MapFS{"surveys/production-plant.json": {Data: old}}})
	id := s.begin(t, "production-plant", "Tampere", "2027-07-01")
	id = s.answer(t, "production-plant", "animal", id, url.Values{"q_animal": {"food"}, "_do": {"result"}})
	before := text(s.get(resultPath(id) + "?lang=sv"))
	s.load(t, content.FS)
	w := s.get(resultPath(id))
	wants(t, w, http.StatusOK, `<span lang="fi">Elintarvikelaki 297/2021.</span>`, "Senast 24.6.2027 (4 vardagar innan evenemanget börjar)", "20.11.2026")
	_, was, _ := strings.Cut(before, "Du behöver dessa")
	if _, now, _ := strings.Cut(text(w), "Du behöver dessa"); now != was || was == "" {
		t.Errorf("an old result says something else:\n%s\nwas\n%s", now, was)
	}
	anew := resultIn(t, s.do("POST", resultPath(id), url.Values{"_do": {"anew"}}))
	wants(t, s.get(resultPath(anew)), http.StatusOK, "Livsmedelslagen 297/2021.", "Senast 3.6.2027 (28 dygn innan verksamheten inleds)")
}

func TestDeadlineOfTheRule(t *testing.T) {
	s := newSite(t) // it is 2.3.2027
	for _, tt := range []struct {
		name, day, area string
		answers         url.Values
		says            []string
	}{
		{"a licence holder serves alcohol", "2027-07-01", "alcohol", url.Values{"q_alcohol": {"holder"}}, []string{"Viimeistään 28.6.2027 (3 vuorokautta ennen tapahtuman alkua)"}},
		{"no licence yet", "2027-07-01", "alcohol", url.Values{"q_alcohol": {"own"}}, []string{"Suositus: viimeistään 2.5.2027 (60 vuorokautta"}},
		{"no day to count from", "", "alcohol", url.Values{"q_alcohol": {"holder"}}, []string{"Viimeistään 3 vuorokautta ennen tapahtuman alkua"}},
		{"a registered seller of food", "2027-07-01", "food", url.Values{"q_food": {"registered"}}, []string{"Viimeistään 24.6.2027 (4 arkipäivää"}},
		{"the strictest of two", "2027-07-01", "food", url.Values{"q_food": {"registered", "new"}}, []string{
			"Viimeistään 3.6.2027 (28 vuorokautta", "Miksi Ruoan myynti on uutta ammattimaista toimintaa", "ei tarvitse rekisteröintiä. Yllä oleva aika tulee tästä.",
		}},
		{"advice is stricter than the law", "2027-07-01", "order", url.Values{"q_order": {"keepers", "traffic"}}, []string{
			"Suositus: viimeistään 17.6.2027 (14 vuorokautta", "Varsinainen määräaika on 26.6.2027 (5 vuorokautta ennen tapahtuman alkua).",
			"Miksi Tapahtumassa tarvitaan järjestyksenvalvojia", "Yllä oleva aika tulee tästä.",
		}},
		{"stewards alone", "2027-07-01", "order", url.Values{"q_order": {"keepers"}}, []string{
			"Suositus: viimeistään 17.6.2027 (14 vuorokautta", "Varsinainen määräaika on 26.6.2027", "kun tapahtumassa on tilapäisiä järjestyksenvalvojia",
		}},
		{"traffic controllers alone", "2027-07-01", "order", url.Values{"q_order": {"traffic"}}, []string{
			"Suositus: viimeistään 17.6.2027 (14 vuorokautta", "Varsinainen määräaika on 26.6.2027", "kun tapahtumassa on liikenteenohjaajia",
		}},
		{"neither", "2027-07-01", "order", url.Values{"q_order": {"disturb"}}, []string{"Viimeistään 26.6.2027 (5 vuorokautta ennen tapahtuman alkua)"}},
		{"the advised day has passed, the last has not", "2027-03-10", "order", url.Values{"q_order": {"keepers", "traffic"}}, []string{"Suositeltu aika on jo mennyt", "Varsinainen määräaika on 5.3.2027"}},
		{"the advised day is near", "2027-03-20", "order", url.Values{"q_order": {"traffic"}}, []string{"Suositeltu päivä on lähellä"}},
		{"both have passed", "2027-03-05", "order", url.Values{"q_order": {"keepers", "traffic"}}, []string{"Määräaika on jo mennyt", "Sisä-Suomen poliisilaitos"}},
		{"days are left", "2027-03-08", "alcohol", url.Values{"q_alcohol": {"holder"}}, []string{"Aikaa on 3 päivää"}},
		{"tomorrow", "2027-03-06", "alcohol", url.Values{"q_alcohol": {"holder"}}, []string{"Huomenna on viimeinen päivä"}},
		{"today", "2027-03-05", "alcohol", url.Values{"q_alcohol": {"holder"}}, []string{"Tänään on viimeinen päivä"}},
		{"the day itself has passed", "2027-03-01", "alcohol", url.Values{"q_alcohol": {"holder"}}, []string{"Alkamispäivä 1.3.2027 on jo mennyt", "Korjaa päivä"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := s.begin(t, "event", "Tampere", tt.day)
			tt.answers.Set("_do", "result")
			wants(t, s.get(resultPath(s.answer(t, "event", tt.area, id, tt.answers))), http.StatusOK, tt.says...)
		})
	}
}

// Law is named in the language of the page, by its official name.
func TestLawInEachLanguage(t *testing.T) {
	s := newSite(t)
	id := s.festival(t, "Vaasa", "2027-07-01")
	for lang, names := range map[i18n.Lang][]string{
		i18n.FI: {"Kokoontumislaki 530/1999, 2 ja 14 §.", "Alkoholilaki 1102/2017, 13 §; avi.fi."},
		i18n.SV: {"Lagen om sammankomster 530/1999, 2 och 14 §.", "Alkohollagen 1102/2017, 13 §; avi.fi."},
		i18n.EN: {"Assembly Act 530/1999, sections 2 and 14.", "Alcohol Act 1102/2017, section 13; avi.fi."},
	} {
		w := s.get(resultPath(id) + "?lang=" + string(lang))
		wants(t, w, http.StatusOK, names...)
		if lang != i18n.FI && strings.Contains(w.Body.String(), `<span lang="fi">`) {
			t.Errorf("in %s something is said in Finnish", lang)
		}
	}
}

// overlay is the content with some files in other words.
type overlay struct{ over fstest.MapFS }

func (o overlay) Open(name string) (fs.File, error) {
	if _, ok := o.over[name]; ok {
		return o.over.Open(name)
	}
	return content.FS.Open(name)
}

func TestStartProject(t *testing.T) {
	s := newSite(t)
	id := s.festival(t, "Tampere", "2027-07-01")
	v := url.Values{"chosen": {"1"}, "type": {"police-public-event", "muni-noise"}, "_do": {"start"}}
	w := s.do("POST", resultPath(id), v)
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Path != "/login" {
		t.Fatalf("signed out: status %d to %q, want the login", w.Code, to)
	}
	w = s.do("POST", "/login", url.Values{"person": {"maija"}, "next": {to.Query().Get("next")}})
	back := w.Header().Get("Location")
	back, where, _ := strings.Cut(back, "#")
	if !strings.HasPrefix(back, resultPath(id)+"?") || where != "start" {
		t.Fatalf("after the login: %q at %q, want the result where the project is started", back, where)
	}
	w = s.get(back)
	wants(t, w, http.StatusOK, `value="muni-noise" checked`, `value="Tapahtuman järjestäminen, Tampere"`)
	if strings.Contains(w.Body.String(), `value="lvv-alcohol" checked`) {
		t.Error("what was not chosen is ticked after the login")
	}
	v.Set("name", "")
	wants(t, s.do("POST", resultPath(id), v), http.StatusUnprocessableEntity, `id="f-name-problem"`)
	v.Set("name", "Kesäfestarit")
	v.Set("_lang", "sv")
	wants(t, s.do("POST", resultPath(id), v), http.StatusOK, `value="Kesäfestarit"`, `value="muni-noise" checked`, "Starta projektet")
	v.Del("_lang")
	w = s.do("POST", resultPath(id), v)
	project, ok := strings.CutPrefix(w.Header().Get("Location"), "/projects/")
	if !ok {
		t.Fatalf("status %d to %q, want the project: %s", w.Code, w.Header().Get("Location"), text(w))
	}
	var types []string
	err = s.DB.View(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.QueryContext(context.Background(), `SELECT m.type_id FROM matters m JOIN projects p ON p.id = m.project_id WHERE p.id = $1 AND p.survey_id = $2 ORDER BY 1`, project, id)
		if err != nil {
			return err
		}
		return rows.Each(func() error {
			var typ string
			err := rows.Scan(&typ)
			types = append(types, typ)
			return err
		})
	})
	if err != nil || !slices.Equal(types, []string{"muni-noise", "police-public-event"}) {
		t.Errorf("the project has %v (%v)", types, err)
	}
	v.Set("type", "muni-food-that-is-not")
	if w := s.do("POST", resultPath(id), v); w.Code != http.StatusBadRequest {
		t.Errorf("a matter that is not there: status %d, want 400", w.Code)
	}
	s.forget(t)
	s.signIn(t, "pekka")
	wants(t, s.get(resultPath(id)), http.StatusOK, "viranomaisen roolissa")
	if w := s.do("POST", resultPath(id), v); !strings.HasPrefix(w.Header().Get("Location"), "/login?next=") {
		t.Errorf("as an officer: status %d, want the login", w.Code)
	}
}

// The result tells how long the authorities may take, as far as the answers
// settle it, and says that the length is to be checked.
func TestResultTellsTheTimeLimit(t *testing.T) {
	s := newSite(t)
	id := s.begin(t, "renewable-energy", "Vasa", "")
	wants(t, s.get(resultPath(id)), http.StatusOK, "Lupamenettelyn määräaika", "Määräajan pituus ei selviä vastauksista.", "sijoituspaikka, sähköntuotantokapasiteetti")
	for _, area := range []struct {
		id string
		v  url.Values
	}{
		{"source", url.Values{"q_source": {"solar"}, "q_project": {"new"}}},
		{"capacity", url.Values{"q_capacity": {"gt1000"}, "q_fuel_power": {"none"}}},
		{"site", url.Values{"q_site": {"planned"}}},
	} {
		id = s.answer(t, "renewable-energy", area.id, id, area.v)
	}
	w := s.get(resultPath(id))
	wants(t, w, http.StatusOK, "kaikkien lupien käsittelyyn yhteensä 2 vuotta", "Sähköntuotantokapasiteetti vähintään 150 kW", "Tarkista ne yhteyspisteviranomaiselta", "1145/2020, muutettu 837/2025")
	id = s.answer(t, "renewable-energy", "site", id, url.Values{"q_site": {"planned", "roof"}})
	wants(t, s.get(resultPath(id)+"?lang=sv"), http.StatusOK, "sammanlagt 3 månader", "Solenergiutrustning på en byggnad")
	if page := text(s.get(resultPath(s.festival(t, "Tampere", "2027-07-01")) + "?lang=fi")); strings.Contains(page, "Lupamenettelyn määräaika") {
		t.Error("an event has a time limit of its permit procedure")
	}
}
