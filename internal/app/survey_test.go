package app_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A visitor is a browser that a person has at the hub.
type visitor struct {
	*testing.T
	client *http.Client
	hub    string
	at     string // the address it stands on
	page   string
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	server := httptest.NewServer(demoHub(t).Handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{T: t, client: &http.Client{Jar: jar}, hub: server.URL}
}

// goes opens a page, or posts a form when there is one, and follows.
func (v *visitor) goes(path string, form url.Values) {
	v.Helper()
	ask := func() (*http.Response, error) { return v.client.Get(v.hub + path) }
	if form != nil {
		ask = func() (*http.Response, error) { return v.client.PostForm(v.hub+path, form) }
	}
	r, err := ask()
	if err != nil {
		v.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // read whole
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		v.Fatalf("%s: status %d (%v): %s", path, r.StatusCode, err, body)
	}
	v.at, v.page = r.Request.URL.RequestURI(), string(body)
}

var (
	markup = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// says is what the page says, from one text to the next.
func (v *visitor) says(from, to string) string {
	v.Helper()
	text := blanks.ReplaceAllString(markup.ReplaceAllString(v.page, " "), " ")
	_, rest, ok := strings.Cut(text, from)
	if part, _, found := strings.Cut(rest, to); ok && found {
		return part
	}
	v.Errorf("%s does not say %q and then %q: %s", v.at, from, to, text)
	return ""
}

func (v *visitor) sees(parts ...string) {
	v.Helper()
	for _, p := range parts {
		if !strings.Contains(v.page, p) {
			v.Errorf("%s has no %q", v.at, p)
		}
	}
}

func (v *visitor) seesNot(parts ...string) {
	v.Helper()
	for _, p := range parts {
		if strings.Contains(v.page, p) {
			v.Errorf("%s has %q", v.at, p)
		}
	}
}

// A concert for 600 people in Tampere where a licence holder sells beer: from
// the survey, with a slip in the name of the city, over its result to the
// project and to the forms, where nothing is asked that was answered.
func TestSurveyFillsTheForms(t *testing.T) {
	v := newVisitor(t)
	v.goes("/survey", nil)
	start := url.Values{"municipality": {"Tamere"}, "starts_on": {"2099-06-12"}}
	r, err := v.client.PostForm(v.hub+"/survey/event", start)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("a city that is not there: status %d", r.StatusCode)
	}
	start.Set("_meant", "837")
	v.goes("/survey/event", start)
	for _, answers := range []url.Values{
		{"q_kind": {"public"}, "q_type": {"concert"}},
		{"q_size": {"500-1999"}, "q_special_groups": {"no"}},
		{"q_ground": {"street-park"}, "q_several": {"no"}},
		{"q_late": {"no"}, "q_length": {"day"}},
		{"q_order": {"keepers", "traffic"}, "q_cash_vip": {"no"}},
		{"q_exits": {"no"}, "q_danger": {"no"}, "q_lpg": {"yes"}},
		{"q_fire": {"none"}},
		{"q_firstaid": {"no"}, "q_swim": {"no"}},
		{"q_struct": {"stage"}},
		{"q_noise": {"outdoor"}, "q_music": {"yes"}},
		{"q_food": {"registered"}},
		{"q_alcohol": {"holder"}, "q_tobacco": {"no"}},
		{"q_traffic": {"street"}},
		{"q_signs": {"own"}},
		{"q_water": {"toilets"}},
		{"q_lodging": {"no"}},
		{"q_terrain": {"none"}},
		{"q_programme": {"none"}, "_do": {"result"}},
	} {
		v.goes(v.at, answers)
	}
	result := v.at
	alcohol := v.says("Määräaikainen anniskelulupa tai ilmoitus anniskelusta tapahtumassa Tarvitset", "Ota mukaan hankkeeseen")
	if !strings.Contains(alcohol, "Viimeistään 9.6.2099 (3 vuorokautta ennen tapahtuman alkua)") || !strings.Contains(alcohol, "viimeistään kolme päivää etukäteen") {
		t.Errorf("the holder of a licence is told: %s", alcohol)
	}
	police := v.says("Ilmoitus yleisötilaisuudesta Tarvitset", "Ota mukaan hankkeeseen")
	if !strings.Contains(police, "Suositus: viimeistään 29.5.2099 (14 vuorokautta ennen tapahtuman alkua)") ||
		!strings.Contains(police, "Varsinainen määräaika on 7.6.2099 (5 vuorokautta ennen tapahtuman alkua)") ||
		!strings.Contains(police, "Miksi Tapahtumassa tarvitaan järjestyksenvalvojia, joten siitä ilmoitetaan poliisille. Jos joku heistä on tilapäinen, tee ilmoitus mielellään kaksi viikkoa etukäteen. Yllä oleva aika tulee tästä.") {
		t.Errorf("of the notice to the police it is told: %s", police)
	}

	v.goes("/login", url.Values{"person": {"demo-aino"}, "next": {result}})
	v.goes(result, url.Values{"chosen": {"1"}, "name": {"Olutkonsertti"}, "_do": {"start"}, "type": {"police-public-event", "lvv-alcohol", "rescue-plan", "muni-large-event"}})
	project := v.at
	forms := map[string]string{}
	for _, m := range regexp.MustCompile(`href="(/matters/[^"]+/form)"><strong>([^<]+)`).FindAllStringSubmatch(v.page, -1) {
		forms[strings.TrimSpace(m[2])] = m[1]
	}
	if deadline := v.says("Määräaikainen anniskelulupa tai ilmoitus anniskelusta tapahtumassa", "jäljellä"); !strings.Contains(deadline, "Lähetä viimeistään 9.6.2099") {
		t.Errorf("the project says of the alcohol:%s", deadline)
	}

	v.goes(project+"/common", nil)
	v.sees("Osa tiedoista on jo täytetty", `name="start_time.date" value="2099-06-12"`, `name="start_time.time" value=""`, `value="outdoors" checked`, `value="Tampere"`,
		"Päivä on lupatarveselvityksestä, voit muuttaa. Lisää kellonaika.", "Vastasit lupatarveselvityksessä: 500–1\u00a0999.")
	v.seesNot(`value="500"`, `value="600"`, `value="open_free" checked`)
	v.goes(forms["Määräaikainen anniskelulupa tai ilmoitus anniskelusta tapahtumassa"], nil)
	v.sees("Osa tiedoista on jo täytetty", "Täytetty lupatarveselvityksen vastauksestasi, voit muuttaa.", `value="notice_on_approved_area" checked`)
	v.goes(forms["Ilmoitus yleisötilaisuudesta"], nil)
	v.sees(`value="concert_or_festival" checked`)
	for field, want := range map[string]string{"music": "true", "alcohol": "true", "open_fire": "false", "traffic_change": "true", "traffic_control": "true"} {
		if !regexp.MustCompile(`name="` + field + `" value="` + want + `" checked`).MatchString(v.page) {
			t.Errorf("%s is not %s", field, want)
		}
	}
	v.goes(forms["Yleisötilaisuuden pelastussuunnitelma"], nil)
	v.sees(`value="at_least_200_people" checked`)
	v.seesNot(`value="open_fire_or_effects" checked`)

	// What was filled in is the applicant's to change, and then no longer said.
	form := forms["Määräaikainen anniskelulupa tai ilmoitus anniskelusta tapahtumassa"]
	v.goes(form, url.Values{"_version": {"1"}, "route": {"fixed_term_licence"}})
	v.goes(form, nil)
	v.sees(`value="fixed_term_licence" checked`)
	v.seesNot("Täytetty lupatarveselvityksen", "Osa tiedoista on jo täytetty")
	v.goes(form+"?lang=sv", nil)
	v.goes(project+"/common?lang=sv", nil)
	v.sees("En del av uppgifterna är redan ifyllda", "Du svarade i utredningen av tillståndsbehov: 500–1\u00a0999.")
}
