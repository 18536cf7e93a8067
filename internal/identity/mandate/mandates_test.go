package mandate_test

import (
	"net/url"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
)

// asRoom acts as a room of the hub does, and returns what is granted.
func (s *site) asRoom(who pic.Code, mode identity.MandateMode, names ...string) (identity.Granted, error) {
	s.t.Helper()
	m := mandate.Mandates{Flow: s.Flow}
	address, memo, err := m.Begin(s.t.Context(), who.Reveal(), mode, "state", i18n.SV)
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Finish(s.t.Context(), memo, s.choose(address, names...))
}

func TestMandates(t *testing.T) {
	shown := func(shows mandate.Shows) func(*mandate.Config, *double.Config) {
		return func(c *mandate.Config, d *double.Config) { c.OfficerShows, d.Shows = shows, double.Shows(shows) }
	}
	for _, tt := range []struct {
		name    string
		change  func(*mandate.Config, *double.Config)
		who     pic.Code
		mode    identity.MandateMode
		choose  []string
		want    identity.Granted
		refused identity.Why
		end     double.Mandate
	}{
		{"a company", nil, linnea, identity.ForCompany, []string{"Vasa Sol Ab"}, identity.Granted{Kind: identity.Company, ID: string(vasasol), Name: "Vasa Sol Ab", Complete: true}, "", directorOfVasasol},
		{"a company without the right", nil, linnea, identity.ForCompany, []string{"Kahvila Kulma & Kumpp. Ky"}, identity.Granted{}, identity.NoMandate, double.Mandate{}},
		{"a person", nil, matti, identity.ForPerson, []string{"Aino Virtanen"}, identity.Granted{Kind: identity.Someone, ID: aino.Reveal(), Name: "Aino Virtanen", Complete: true}, "", eventsOfAino},
		{"of several the first that may be", nil, matti, identity.ForPerson, []string{"Linnéa Ström", "Oskari Virtanen"}, identity.Granted{Kind: identity.Someone, ID: oskari.Reveal(), Name: "Oskari Virtanen", Complete: true}, "", childOfMatti},
		{"a person without the right", nil, matti, identity.ForPerson, []string{"Linnéa Ström"}, identity.Granted{}, identity.NoMandate, double.Mandate{}},
		{"an officer, shown the authority", shown(mandate.ShowsAuthority), outi, identity.ForAuthority, []string{"Tampereen kaupunki"}, identity.Granted{Kind: identity.Company, ID: string(tampere), Name: "Tampereen kaupunki", Complete: true}, "", tampereOfKeha},
		{"an officer, shown the granting body", shown(mandate.ShowsPrincipal), outi, identity.ForAuthority, []string{"Valtuuksien antaja"}, identity.Granted{Kind: identity.Company, Complete: true}, "", outiOfTampere},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			if tt.change != nil {
				s = newSite(t, tt.change)
			}
			g, err := s.asRoom(tt.who, tt.mode, tt.choose...)
			if tt.refused != "" {
				wantRefusal(t, "Finish", err, tt.refused)
				return
			}
			memo := g.Memo
			g.Memo = nil
			if err != nil || g.Kind != tt.want.Kind || g.ID != tt.want.ID || g.Name != tt.want.Name || g.Complete != tt.want.Complete {
				t.Fatalf("granted %+v, %v; want %+v", g, err, tt.want)
			}
			m := mandate.Mandates{Flow: s.Flow}
			check := func(want identity.MandateState) {
				t.Helper()
				state, fresh, err := m.Check(t.Context(), memo)
				if err != nil || state != want || fresh == nil {
					t.Errorf("checked: %s, %v; want %s", state, err, want)
				}
				memo = fresh
			}
			check(identity.MandateHolds)
			s.Switch(func(sw *double.Switches) { sw.Down = true })
			if state, _, err := m.Check(t.Context(), memo); err == nil || state != "" {
				t.Errorf("down: %s, %v", state, err)
			}
			s.Switch(func(sw *double.Switches) { sw.Down = false })
			s.Double.End(tt.end)
			check(identity.MandateEnded)
			if err := m.End(t.Context(), memo); err != nil {
				t.Error(err)
			}
			check(identity.MandateLapsed)
		})
	}
}

func TestMandatesThatCannotBe(t *testing.T) {
	s := newSite(t)
	m := mandate.Mandates{Flow: s.Flow}
	_, _, err := m.Begin(t.Context(), "210281-9989", identity.ForCompany, "state", i18n.FI)
	wantRefusal(t, "a code that is none", err, identity.NoMandate)
	address, memo, err := m.Begin(t.Context(), linnea.Reveal(), identity.ForCompany, "state", i18n.FI)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Finish(t.Context(), memo, url.Values{})
	wantRefusal(t, "a choice given up", err, identity.Cancelled)
	callback := s.choose(address, "Vasa Sol Ab")
	s.Switch(func(sw *double.Switches) { sw.Incomplete = true })
	_, err = m.Finish(t.Context(), memo, callback)
	wantRefusal(t, "registers that cannot be read", err, identity.NotThere)
}

func TestKeepingWhatWasNotGranted(t *testing.T) {
	s := newSite(t)
	_, memo := s.act(matti, identity.ForPerson, "Aino Virtanen", "Linnéa Ström")
	if _, err := s.Keep(memo, mandate.Party{Person: linnea}); err == nil {
		t.Error("a party that was refused is kept")
	}
	if _, err := s.Keep(memo, mandate.Party{Person: aino}); err != nil {
		t.Error(err)
	}
}
