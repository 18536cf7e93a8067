package e2e_test

import (
	"testing"
	"time"

	"luvat/internal/i18n"
)

var solarTypes = []string{"building-muni", "nature-exemption", "electricity-project-permit", "antiquities"}

// A Swedish-speaking company plans a solar park in Vaasa: all of it in Swedish,
// with a city and three agencies of the state.
func TestSolarParkInVaasa(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	j := newJob(t, h, "demo-linnea", i18n.SV, true, "Solparken Sundom", solarTypes...)
	v := j.applicant

	v.survey("renewable-energy", "Vasa", day(400), map[string][]string{
		"q_source": {"solar"}, "q_project": {"new"}, "q_capacity": {"gt1000"}, "q_fuel_power": {"none"}, "q_site": {"planned"}, "q_grid": {"hv"},
		"q_height": {"le10"}, "q_defence": {"no"}, "q_nature": {"species"}, "q_heritage": {"maybe"}, "q_chem": {"none"},
	})
	v.take(solarTypes...)
	j.begin(t)
	v.Click("link", v.words("customer.common_edit"))
	v.fill(h.form("common-renewable-energy"), answers(t, map[string]any{
		"applicant_type": "company", "applicant_name": "Vasa Sol Ab", "business_id": "2345678-0",
		"applicant_address": map[string]any{"street": "Handelsesplanaden 12", "postal_code": "65100", "city": "Vasa"},
		"contact_name":      "Linnéa Ström", "contact_phone": "050 555 0177", "contact_email": "linnea.strom@vasasol.example", "service_language": "sv",
		"project_name": j.name, "project_description": "En solpark på 30 hektar med solpaneler på marken.", "project_type": "new_plant",
		"energy_source": []string{"solar"}, "capacity_class": "over_1000_kw", "capacity_kw": 24000.5, "municipality": "905",
		"units":        []any{map[string]any{"name": "Panelfält", "count": 12}, map[string]any{"name": "Transformator", "count": 2}},
		"place":        map[string]any{"name": "Sundom", "address": "Sundomvägen 300", "postal_code": "65410", "city": "Sundom"},
		"property_ids": []string{"905-409-12-3", "905-409-12-7"}, "land_owner": "Sundom byaförening", "site_plan": []string{"situationsplan.png"},
	}), solarTypes...)
	v.Click("button", v.words("customer.save_next"))
	v.SeeElement("heading", j.name)

	j.fillOne(t, "building-muni", map[string]any{
		"procedures": []string{"building_permit"}, "project_type": "new", "use": "energy_supply", "plan_situation": "detailed_plan", "dangerous": false,
		"floor_area": 40, "total_area": 40, "volume": 120, "height": 3.2, "att3": []string{"ritningar.png"}, // asked because it is new
		"designers":  []any{map[string]any{"role": "principal", "name": "Kaj Berg"}},
		"neighbours": []any{map[string]any{"name": "Sundom jaktlag", "heard": "by_applicant"}}, "att1": []string{"arrende.png"}, "att2": []string{"plan.png"},
	})
	for id, request := range map[string]string{
		"nature-exemption": "Undantag för åkergrodans livsmiljö.", "electricity-project-permit": "Projekttillstånd för en ledning på 110 kV.",
		"antiquities": "Utlåtande om en fornlämning vid vägen.",
	} {
		j.fillOne(t, id, map[string]any{"request": request})
	}
	j.send(t)

	city, state := h.signedIn(t, "demo-vaasa", i18n.SV, true), h.signedIn(t, "demo-lvv", i18n.SV, true)
	for officer, id := range map[*visitor]string{city: "building-muni", state: "nature-exemption"} {
		j.opened(officer, "authority", id)
		officer.Click("button", officer.words("officer.take_press"))
		officer.See(officer.words("officer.take_done"))
	}

	j.opened(city, "me", "building-muni")
	city.Click("link", city.words("officer.ask"))
	city.Fill(city.words("officer.ask_text"), "Bifoga fasadritningar för transformatorerna.")
	city.Fill(city.words("officer.ask_due"), day(30))
	city.Click("button", city.words("officer.ask_press"))
	city.See(city.words("officer.ask_done"))

	v.Goto(j.mailed(t, "building-muni", "linnea.strom@vasasol.example", v.words("delivery.lead.completion_asked_by", i18n.Date(v.lang, time.Now().AddDate(0, 0, 30)))))
	v.See("Bifoga fasadritningar för transformatorerna.")
	v.Click("link", v.words("customer.complete_edit"))
	drawings := h.form("building-muni").Label("att3").In(v.lang)
	v.attach(v.In("group", drawings), picture(t, "fasader.png"))
	v.Click("button", v.words("customer.save_next"))
	v.Click("button", v.words("customer.complete_send"))
	v.See(v.words("customer.completion_sent"))
	j.opened(city, "me", "building-muni")
	city.Click("button", city.words("officer.take_press")) // back into handling
	city.See(city.words("officer.take_done"))

	for _, f := range []struct {
		officer     *visitor
		id, outcome string
	}{{city, "building-muni", "granted"}, {state, "nature-exemption", "granted_partly"}} {
		j.opened(f.officer, "me", f.id)
		f.officer.In("main", "").Click("link", f.officer.words("officer.finish"))
		words, _ := f.officer.outcome("permit", f.outcome)
		f.officer.Check(words)
		f.officer.Click("button", f.officer.words("officer.finish_press"))
		f.officer.See(f.officer.words("officer.finish_done"))
	}
	v.Goto(j.project)
	for id, outcome := range map[string]string{"building-muni": "granted", "nature-exemption": "granted_partly"} {
		_, words := v.outcome("permit", outcome)
		v.In("row", v.typeName(id)).See(words)
	}
}
