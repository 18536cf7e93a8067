package customer

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/internal/forms"
	"luvat/internal/matter"
	"luvat/internal/testkit"
	"luvat/internal/web/static"
)

// energy answers what the time limit of a project depends on; nil takes an
// answer away.
func (s *testSite) energy(id string, answers forms.Answers) {
	s.t.Helper()
	v := s.view(id)
	all := v.Project.Answers
	for name, value := range answers {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	_, err := s.Desk.SaveCommon(s.t.Context(), s.who, v.Project.ID, v.Project.Version, all)
	s.must(err)
}

func (s *testSite) says(page string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			s.t.Errorf("the page does not say %q: %s", w, page)
		}
	}
}

func TestTheTimeLimitOfAProject(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	project, ids := s.start("renewable-energy", "env-permit-muni", "chemicals-minor", "muni-env-annual-report")
	permit := ids[0]
	s.fill(permit)
	s.energy(permit, forms.Answers{"site_kind": "land", "project_type": "new_plant", "energy_source": []any{"solar"}, "capacity_class": nil, "capacity_kw": nil})
	page := func() string { t.Helper(); return text(s.get(projectPath(project))) }
	s.says(page(), "Lupamenettelyn määräaika", "Laskenta ei ole vielä alkanut.", "Hankkeen tiedoista puuttuu: sähköntuotantokapasiteetti.", "Täydennä yhteiset tiedot", "Ei vielä mukana")

	s.post(projectPath(project)+"/send", s.looked(project, permit))
	s.says(page(), "Ei vielä alkanut")
	s.must(s.Desk.MakePending(ctx, city, permit, ""))
	s.clock.Move(30 * 24 * time.Hour)
	s.says(page(), "Päiviä kulunut: 30", "pituus ei selviä vielä")

	s.energy(permit, forms.Answers{"capacity_kw": json.Number("120")})
	s.says(page(), "1 vuosi", "Sähköntuotantokapasiteetti alle 150 kW", "30 / 366 päivää", "viimeinen päivä 2.3.2028", "2.3.2028, päiviä jäljellä: 336",
		"Tarkista ne yhteyspisteviranomaiselta", "Näin määräaika lasketaan", "1145/2020, muutettu 837/2025")
	s.says(text(s.get(matterPath(permit))), "Viranomaisten määräaika 30 / 366 päivää, viimeinen päivä 2.3.2028")
	if other := text(s.get(matterPath(ids[2]))); strings.Contains(other, "Viranomaisten määräaika") {
		t.Error("a report of supervision has a time limit")
	}
	s.clock.Move(310 * 24 * time.Hour)
	if soon := s.get(projectPath(project)); !strings.Contains(soon, "deadline soon") {
		t.Error("26 days are left, and the page does not tell them apart")
	}
	s.clock.Move(29 * 24 * time.Hour)
	s.says(page(), "Määräaika on ylittynyt.", "Ylittynyt, päiviä yli: 3", "viimeinen päivä oli 2.3.2028", "2.3.2028, päiviä yli: 3")
	s.must(s.Desk.Finish(ctx, city, permit, matter.Decision{Outcome: "granted"}))
	s.says(page(), "Kaikkien lähetettyjen asioiden käsittely on päättynyt.", "369 / 366 päivää", "käsittely päättynyt")
}

// A project without such a limit says nothing of one.
func TestNoTimeLimit(t *testing.T) {
	s := newSite(t)
	project, _ := s.start("event", "muni-noise")
	if page := text(s.get(projectPath(project))); strings.Contains(page, "Viranomaisten määräaika") || strings.Contains(page, "Lupamenettelyn määräaika") {
		t.Errorf("an event has a time limit: %s", page)
	}
}

// Who may only read is not led to what they cannot change.
func TestTheTimeLimitForAReader(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("renewable-energy", "env-permit-muni")
	s.energy(ids[0], forms.Answers{"site_kind": "land"})
	s.post(projectPath(project)+"/members/invite", url.Values{"email": {matti.Email}, "role": {"reader"}})
	secret := s.secret()
	s.who = matti
	s.post("/invitations/"+secret, nil)
	if page := text(s.get(projectPath(project))); !strings.Contains(page, "Lupamenettelyn määräaika") || strings.Contains(page, "Täydennä yhteiset tiedot") {
		t.Errorf("a reader sees %s", page)
	}
}

func TestTheTimeLimitInGold(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("renewable-energy", "env-permit-muni", "chemicals-minor", "muni-env-annual-report")
	s.fill(ids[0])
	s.energy(ids[0], forms.Answers{"site_kind": "land", "project_type": "new_plant", "energy_source": []any{"solar"}, "capacity_kw": json.Number("4200")})
	s.post(projectPath(project)+"/send", s.looked(project, ids[0]))
	s.must(s.Desk.Take(t.Context(), city, ids[0], ""))
	s.clock.Move(30 * 24 * time.Hour)
	page := strings.NewReplacer(static.Fingerprint(), "FINGERPRINT", "><", ">\n<").Replace(s.get(projectPath(project) + "?lang=sv"))
	testkit.Golden(t, "project_limit.html", regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`).ReplaceAllString(page, "ID"))
}
