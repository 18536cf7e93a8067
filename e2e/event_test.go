package e2e_test

import (
	"testing"
	"time"

	"luvat/internal/i18n"
)

// The main job of the hub, from the first question to the last outcome, by
// four people at three authorities and at home: with JavaScript and without.
func TestConcertInTampere(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for name, js := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &concert{job: newJob(t, h, "demo-aino", i18n.FI, js, "Rantakonsertti "+map[bool]string{true: "A", false: "B"}[js], concertTypes...)}
			c.ask()
			c.begin(t)
			c.common()
			c.fillForms()
			c.send(t)
			c.take()
			c.write()
			c.complete()
			c.finish()
			c.outcome()
		})
	}
}

// A concert of an association for 600 people in a park in Tampere.
type concert struct {
	*job
	police, rescue, city *visitor
}

var concertTypes = []string{"police-public-event", "rescue-plan", "muni-noise", "muni-public-area"}

// ask answers the survey, signed out.
func (c *concert) ask() {
	c.applicant.survey("event", "Tampere", day(90), map[string][]string{
		"q_kind": {"public"}, "q_type": {"concert"}, "q_size": {"500-1999"}, "q_special_groups": {"no"}, "q_ground": {"street-park"},
		"q_several": {"no"}, "q_late": {"no"}, "q_length": {"day"}, "q_order": {"keepers"}, "q_cash_vip": {"no"}, "q_exits": {"no"},
		"q_danger": {"no"}, "q_lpg": {"no"}, "q_fire": {"none"}, "q_firstaid": {"no"}, "q_swim": {"no"}, "q_struct": {"stage", "small"},
		"q_noise": {"outdoor"}, "q_music": {"yes"}, "q_food": {"no"}, "q_alcohol": {"no"}, "q_tobacco": {"no"}, "q_traffic": {"no"},
		"q_signs": {"own"}, "q_water": {"toilets"}, "q_lodging": {"no"}, "q_terrain": {"none"}, "q_programme": {"none"},
	})
	for _, id := range append([]string{"muni-large-event"}, concertTypes...) {
		if name := c.applicant.about("public.take_along") + c.applicant.typeName(id); !c.applicant.Checked(name) {
			c.t.Errorf("the survey does not say that %s is needed", id)
		}
	}
	c.applicant.take(concertTypes...)
}

// common fills in what is asked once.
func (c *concert) common() {
	v := c.applicant
	v.Click("link", v.words("customer.common_edit"))
	v.fill(c.h.form("common-event"), answers(c.t, map[string]any{
		"applicant_type": "association", "applicant_name": "Pispalan Soittajat ry",
		"applicant_address": map[string]any{"street": "Pispalan valtatie 18", "postal_code": "33250", "city": "Tampere"},
		"contact_name":      "Aino Virtanen", "contact_phone": "040 555 0131", "contact_email": "aino.virtanen@posti.example",
		"contact_onsite": map[string]any{"name": "Ville Niemi", "phone": "040 555 0142"}, "service_language": "fi",
		"project_description": "Maksuton ulkoilmakonsertti Eteläpuistossa. Yleisöä on enintään 600 ihmistä yhtä aikaa.",
		"programme":           "17.00 avaus\n22.00 soitto päättyy", "indoor_outdoor": "outdoors",
		"start_time": day(90) + "T17:00", "end_time": day(90) + "T22:00", "participants_peak": 600, "participants_total": 900, "access": "open_free",
		"project_name": c.name, "municipality": "837",
		"place":      map[string]any{"name": "Eteläpuisto", "address": "Eteläpuisto 1", "postal_code": "33200", "city": "Tampere"},
		"land_owner": "Tampereen kaupunki", "site_plan": []string{"asemapiirros.png"},
		"safety_manager": map[string]any{"name": "Ville Niemi", "phone": "040 555 0142"},
	}), concertTypes...)
	v.Click("button", v.words("customer.save_next"))
	v.SeeElement("heading", c.name)
}

// fillForms fills in the four matters' own forms.
func (c *concert) fillForms() {
	given := map[string]map[string]any{
		"police-public-event": {
			"event_type": "concert_or_festival", "music": true, "alcohol": false, "open_fire": false, "traffic_change": false, "traffic_control": false,
			"order_keepers": 2, "order_keeper_list": []any{ // asked because of the two
				map[string]any{"name": "Ville Niemi", "birth_date": "1984-03-12"},
				map[string]any{"name": "Sari Lahti", "birth_date": "1991-08-30", "card_number": "JV-31882"},
			},
		},
		"rescue-plan": {
			"triggers": []string{"at_least_200_people"},
			"hazards":  []any{map[string]any{"hazard": "Ahtaus lavan edessä", "likelihood": "possible", "consequence": "harmful", "action": "Aita lavan eteen"}},
			"staff":    []any{map[string]any{"name": "Ville Niemi", "role": "Turvallisuusvastaava", "phone": "040 555 0142"}},
			"exits":    []any{map[string]any{"route": "Pohjoisportti", "width_m": 4.5, "persons": 600}},
			"first_extinguishing": []any{
				map[string]any{"kind": "Jauhesammutin 12 kg", "quantity": 3, "place": "Lava ja keittiö"},
			},
			"safety_arrangements": "Kaksi järjestyksenvalvojaa, aidattu lava.", "instructions": "Kuulutus ja opasteet.", "communications": "Radiot ja puhelimet.",
			"interruption": "Turvallisuusvastaava keskeyttää kuulutuksella.", "rescue_roads": "Eteläpuiston ajotie pidetään vapaana.",
			"assembly_point": map[string]any{"name": "Hiekkakenttä"}, "att2": []string{"aluekartta.png"},
			"first_aid": map[string]any{"name": "Meri Salo", "training": "ea1_and_ea2", "persons": 2},
		},
		"muni-noise": {
			"activity": "outdoor_concert", "noise_sources": "Äänentoisto 8 kW.", "hours": []any{map[string]any{"date": day(90), "start": "17:00", "end": "22:00"}},
			"exposed": []any{map[string]any{"target": "Eteläpuiston asuintalot", "distance_m": 120}}, "prevention": "Kaiuttimet järvelle päin.",
			"att1": []string{"melukartta.png"}, "informing": []string{"by_house", "stairwell"}, "informing_scope": "Talot 200 metrin säteellä.",
		},
		"muni-public-area": {
			"purpose": "public_event", "area_m2": 3500, "equipment": []any{map[string]any{"kind": "Esiintymislava", "size_m": "8 x 6", "quantity": 1}},
			"att1": []string{"sijoittelu.png"}, "traffic_change": false, "sales": false, "restoration": "Alue siivotaan samana iltana.",
		},
	}
	for _, id := range concertTypes {
		c.fillOne(c.t, id, given[id])
	}
}

// take lets the officers of the police, the rescue department and the city take
// their matters into handling.
func (c *concert) take() {
	officer := func(person string, types ...string) *visitor {
		v := c.h.signedIn(c.t, person, i18n.FI, c.js)
		for _, id := range types {
			c.opened(v, "authority", id)
			v.Click("button", v.words("officer.take_press"))
			v.See(v.words("officer.take_done"))
		}
		return v
	}
	c.police = officer("demo-police", "police-public-event")
	c.rescue = officer("demo-rescue", "rescue-plan")
	c.city = officer("demo-city", "muni-noise", "muni-public-area")
}

// write lets the rescue department ask for a completion, and the police ask the
// rescue department for a statement, which answers.
func (c *concert) write() {
	v := c.rescue
	c.opened(v, "me", "rescue-plan")
	v.Click("link", v.words("officer.ask"))
	v.Fill(v.words("officer.ask_text"), "Lisätkää lavan poistumisreitti.")
	v.In("group", v.words("officer.ask_fields")).Click("DisclosureTriangle", v.words("officer.own_data"))
	form := c.h.form("rescue-plan")
	v.Check(form.Label("rescue_roads").In(v.lang))
	v.Fill(v.words("officer.ask_due"), day(20))
	v.Click("button", v.words("officer.ask_press"))
	v.See(v.words("officer.ask_done"))

	v = c.police
	c.opened(v, "me", "police-public-event")
	v.Click("DisclosureTriangle", v.words("officer.deeds_far"))
	v.Click("link", v.words("officer.letter"))
	v.Select(v.words("officer.letter_to"), v.authority("rescue-pirkanmaa"))
	v.Fill(v.words("officer.message"), "Riittävätkö poistumisreitit 600 hengelle?")
	v.Fill(v.words("officer.letter_ask_by"), day(10))
	v.Click("button", v.words("officer.letter_press"))
	v.See(v.words("officer.letter_done"))

	v = c.rescue
	v.Goto("/officer/threads")
	v.In("row", c.name).Click("link", v.typeName("police-public-event"))
	v.See("Riittävätkö poistumisreitit 600 hengelle?")
	v.NotSee("Sari Lahti") // the answers are the police's alone
	v.Fill(v.words("officer.message"), "Riittävät, kun pohjoisportti on auki.")
	v.Click("button", v.words("officer.answer_press"))
	v.See(v.words("officer.answer_done"))

	v = c.police
	c.opened(v, "me", "police-public-event")
	v.See("Riittävät, kun pohjoisportti on auki.")
	c.applicant.Goto(c.matters["police-public-event"])
	c.applicant.NotSee("Riittävät, kun pohjoisportti on auki.")
}

// complete answers the request, on the way that the mail shows.
func (c *concert) complete() {
	v := c.applicant
	link := c.mailed(c.t, "rescue-plan", "aino.virtanen@posti.example", v.words("delivery.lead.completion_asked_by", i18n.Date(v.lang, time.Now().AddDate(0, 0, 20))))
	v.Goto(link)
	v.See("Lisätkää lavan poistumisreitti.")
	v.Click("link", v.words("customer.complete_unchanged")) // by mistake: it is not sent unless that is meant
	v.See(v.words("customer.unchanged_text"))
	v.Click("button", v.words("customer.complete_send"))
	v.See(v.words("matter.nothing_changed"))
	v.Click("link", c.h.form("rescue-plan").Label("rescue_roads").In(v.lang))
	v.Fill(c.h.form("rescue-plan").Label("rescue_roads").In(v.lang), "Eteläpuiston ajotie. Lavalta on reitti itään.")
	v.Click("button", v.words("customer.save_next"))
	v.Click("button", v.words("customer.complete_send"))
	v.See(v.words("customer.completion_sent"))

	v = c.rescue
	c.opened(v, "me", "rescue-plan")
	v.Click("link", v.words("officer.changes"))
	v.In("row", c.h.form("rescue-plan").Label("rescue_roads").In(v.lang)).See("Lavalta on reitti itään.")
	c.opened(v, "me", "rescue-plan")
	v.Click("button", v.words("officer.take_press")) // back into handling
	v.See(v.words("officer.take_done"))
}

// finish ends all four matters.
func (c *concert) finish() {
	for _, f := range []struct {
		v           *visitor
		id, outcome string
	}{
		{c.police, "police-public-event", "checked"}, {c.rescue, "rescue-plan", "approved"}, {c.city, "muni-noise", "checked"}, {c.city, "muni-public-area", "granted"},
	} {
		c.opened(f.v, "me", f.id)
		f.v.In("main", "").Click("link", f.v.words("officer.finish"))
		words, _ := f.v.outcome(c.h.Catalogue.Type(f.id).Kind, f.outcome)
		f.v.Check(words)
		f.v.Fill(f.v.words("officer.finish_text"), "Ehto: "+f.id+" on hoidettava suunnitelman mukaan.")
		f.v.Click("button", f.v.words("officer.finish_press"))
		f.v.See(f.v.words("officer.finish_done"))
	}
}

// outcome is read by the applicant in the hub, and nowhere in the mails.
func (c *concert) outcome() {
	v := c.applicant
	v.Goto(c.project)
	for _, f := range [][2]string{{"police-public-event", "checked"}, {"rescue-plan", "approved"}, {"muni-noise", "checked"}, {"muni-public-area", "granted"}} {
		_, words := v.outcome(c.h.Catalogue.Type(f[0]).Kind, f[1])
		v.In("row", v.typeName(f[0])).See(words)
	}
	v.Goto(c.matters["muni-public-area"])
	v.See("Ehto: muni-public-area on hoidettava suunnitelman mukaan.")
	v.Goto("/mailbox")
	for _, secret := range []string{"Ehto:", "Ahtaus lavan edessä", "Lisätkää lavan poistumisreitti", "hyväksytty", "myönnetty", "Myönnetty"} {
		v.NotSee(secret)
	}
}
