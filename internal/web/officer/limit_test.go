package officer

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/forms"
	"luvat/internal/matter"
)

// plant makes a project of Aino's of a power plant, with a matter for the
// rescue department and one for the city, and sends them. The authorities have
// services of their own, so that little is asked.
func (h *hub) plant(energy forms.Answers) (chemicals, building string) {
	h.t.Helper()
	ctx := context.Background()
	h.must(h.DB.InTx(ctx, func(tx *db.Tx) error {
		for authority, typ := range map[string]string{rescueID: "chemicals-minor", "muni-837": "building-muni"} {
			o := &catalogue.Offer{ID: catalogue.OfferID(authority, typ), Authority: authority, Type: typ, Way: catalogue.Conditional, Territory: []string{"837"}, NoticeEmail: typ + "@example.fi", URL: "https://asiointi.example", Active: true}
			if err := catalogue.SaveOffer(ctx, tx, o); err != nil {
				return err
			}
		}
		return nil
	}))
	project, err := h.StartProject(ctx, applicant, matter.NewProject{Entity: "renewable-energy", Municipality: "837", Name: "Aurinkopuisto", Types: []string{"chemicals-minor", "building-muni"}})
	h.must(err)
	v, err := h.Project(ctx, applicant, project)
	h.must(err)
	for name, value := range energy {
		v.Answers[name] = value
	}
	_, err = h.SaveCommon(ctx, applicant, project, v.Version, v.Answers)
	h.must(err)
	_, err = h.Send(ctx, applicant, []matter.Looked{h.look(v.Rows[0].ID), h.look(v.Rows[1].ID)})
	h.must(err)
	for _, row := range v.Rows {
		if row.Type == "building-muni" {
			building = row.ID
		} else {
			chemicals = row.ID
		}
	}
	return chemicals, building
}

// The joint view tells each authority of the project the same of the time
// limit, and the applicant's page what theirs do.
func TestTheTimeLimitOnTheOfficersPage(t *testing.T) {
	h := newSite(t)
	chemicals, building := h.plant(forms.Answers{"site_kind": "land", "project_type": "new_plant", "energy_source": []any{"solar"}, "capacity_kw": json.Number("4200")})
	page := h.page(matterPath + chemicals)
	h.wants(words(page), "Lupamenettelyn määräaika", "Laskenta ei ole vielä alkanut.", "Ei vielä alkanut", "2 vuotta")
	if attribute(page, "limit", "data-state") != "ahead" || attribute(page, "limit", "data-value") != "" {
		t.Errorf("a robot is told %q, %q", attribute(page, "limit", "data-state"), attribute(page, "limit", "data-value"))
	}
	h.done(chemicals, "take", nil)
	h.clock.Move(30 * 24 * time.Hour)
	for who, id := range map[string]string{pelle: chemicals, city: building} {
		h.who = who
		page := h.page(matterPath + id)
		h.wants(words(page), "30 / 731 päivää", "viimeinen päivä 2.3.2029", "2.3.2029, päiviä jäljellä: 701", "Sähköntuotantokapasiteetti vähintään 150 kW",
			"Tarkista ne yhteyspisteviranomaiselta", "Viranomaisten määräaika 30 / 731 päivää, viimeinen päivä 2.3.2029")
		h.lacks(words(page), "Täydennä yhteiset tiedot")
		if got := strings.Join(hooks(page, "joint-limit"), " "); got != "running running" || attribute(page, "limit", "data-value") != "2029-03-02" || attribute(page, "limit", "data-days") != "30" {
			t.Errorf("%s: a robot is told %s, last day %s, %s days", who, got, attribute(page, "limit", "data-value"), attribute(page, "limit", "data-days"))
		}
	}
	h.who = pelle
	h.done(chemicals, "finish", url.Values{"outcome": {"checked"}})
	h.wants(words(h.page(matterPath+chemicals)), "Yksikään asia ei ole nyt vireillä", "aika ei kulu nyt", "käsittely päättynyt")
	h.clock.Move(5 * 24 * time.Hour)
	h.who = city
	h.done(building, "take", nil)
	h.clock.Move(701 * 24 * time.Hour)
	h.wants(words(h.page(matterPath+building)), "731 / 731 päivää", "7.3.2029, tänään") // five days on which nothing was pending
	h.clock.Move(24 * time.Hour)
	page = h.page(matterPath + building)
	h.wants(words(page), "Määräaika on ylittynyt.", "Ylittynyt, päiviä yli: 1")
	if attribute(page, "limit", "data-state") != "over" {
		t.Errorf("a robot is told %s", attribute(page, "limit", "data-state"))
	}
}

func TestTheTimeLimitSaysWhatItNeedsToKnow(t *testing.T) {
	h := newSite(t)
	chemicals, _ := h.plant(nil)
	h.done(chemicals, "take", nil)
	h.clock.Move(24 * time.Hour)
	page := h.page(matterPath + chemicals)
	h.wants(words(page), "Päiviä kulunut: 1", "pituus ei selviä vielä", "Hankkeen tiedoista puuttuu: sijoituspaikka, sähköntuotantokapasiteetti")
	if attribute(page, "limit", "data-value") != "" {
		t.Error("a last day, though the length is not known")
	}
}

// A matter of another service entity has no such limit.
func TestNoTimeLimit(t *testing.T) {
	h := newSite(t)
	page := h.page(matterPath + h.send("Turnaus", lodging)[0])
	h.lacks(page, "Lupamenettelyn määräaika", `data-robot="limit"`, `data-robot="joint-limit"`)
}
