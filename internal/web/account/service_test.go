package account_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
)

// Service management sees an authority's leads and machines, and gives and
// withdraws the role of a lead with a trace. It sees no key.
func TestServiceManagementGivesAnAuthorityItsLead(t *testing.T) {
	s := newSite(t)
	m, err := s.Machines.Add(t.Context(), machine.Lead(identity.Lead{Person: identity.Person{ID: "lead"}, Authority: police}), machine.Machine{Authority: police, Kind: machine.Robot, Name: "Hälytysrobotti"})
	s.must(err)
	s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		for _, p := range []string{"asker", "service"} {
			if err := identity.SavePerson(t.Context(), tx, s.clock.Now(), identity.Person{ID: p, Name: p, Lang: "fi"}); err != nil {
				return err
			}
		}
		return identity.Grant(t.Context(), tx, s.clock.Now(), "service", identity.Hat{Role: identity.RoleService})
	}))
	s.must(s.Roles.Ask(t.Context(), identity.Person{ID: "asker"}, "rescue-pirkanmaa", "portti"))
	s.as("service", identity.Hat{Role: identity.RoleService})

	if page := text(s.do("GET", "/service/authorities", nil)); !strings.Contains(page, "Sisä-Suomen poliisilaitos 1 0") || !strings.Contains(page, "Pirkanmaan pelastuslaitos 0 1") {
		t.Errorf("the list says %s", page)
	}
	if to := s.to(s.do("GET", "/service/authorities?authority=muni-837", nil)); to != "/service/authorities/muni-837" {
		t.Errorf("another authority is at %s", to)
	}
	page := s.do("GET", "/service/authorities/"+police, nil)
	if body := text(page); !strings.Contains(body, "Hälytysrobotti") || !strings.Contains(body, "eero Virkailija") || strings.Contains(page.Body.String(), m.ID) {
		t.Errorf("the police: %s", body)
	}
	page = s.do("GET", "/service/authorities/rescue-pirkanmaa", nil)
	if body := text(page); !strings.Contains(body, "Viranomaisella ei ole yhteyshenkilöä") || !strings.Contains(body, "asker") {
		t.Errorf("the rescue department: %s", body)
	}
	for path, want := range map[string]int{
		"/service/authorities/nowhere/leads/asker/give":              404,
		"/service/authorities/rescue-pirkanmaa/leads/eero/give":      404, // nobody there
		"/service/authorities/rescue-pirkanmaa/leads/asker/withdraw": 404, // not yet one
		"/service/authorities/rescue-pirkanmaa/leads/nobody/give":    404,
	} {
		if w := s.do("POST", path, url.Values{}); w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
	}
	s.to(s.do("POST", "/service/authorities/rescue-pirkanmaa/leads/asker/give", url.Values{}))
	has := func() (roles string) {
		s.must(s.DB.View(t.Context(), func(tx *db.Tx) error {
			hats, err := identity.Hats(t.Context(), tx, s.clock.Now(), "asker")
			for _, h := range hats {
				roles += string(h.Role) + "/" + h.Authority
			}
			return err
		}))
		return roles
	}
	if got := has(); got != "lead/rescue-pirkanmaa" {
		t.Errorf("she has %q", got)
	}
	if page := text(s.do("GET", "/service/authorities/rescue-pirkanmaa", nil)); strings.Contains(page, "Anna yhteyshenkilön rooli") || !strings.Contains(page, "Poista rooli heti") {
		t.Errorf("afterwards: %s", page)
	}
	s.clock.Move(time.Hour)
	s.to(s.do("POST", "/service/authorities/rescue-pirkanmaa/leads/asker/withdraw", url.Values{}))
	if got := has(); got != "" {
		t.Errorf("she has %q still", got)
	}
	if got := s.deeds("rescue-pirkanmaa"); got != "role.asked role.given role.withdrawn" {
		t.Errorf("the ledger says %q", got)
	}
}

// Whoever manages the service does not let oneself in: another must.
func TestNobodyOfServiceManagementMakesALeadOfOneself(t *testing.T) {
	s := newSite(t)
	s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		for _, p := range []string{"service", "another"} {
			if err := identity.SavePerson(t.Context(), tx, s.clock.Now(), identity.Person{ID: p, Name: p, Lang: "fi"}); err != nil {
				return err
			}
			if err := identity.Grant(t.Context(), tx, s.clock.Now(), p, identity.Hat{Role: identity.RoleService}); err != nil {
				return err
			}
		}
		return nil
	}))
	s.must(s.Roles.Ask(t.Context(), identity.Person{ID: "service"}, "rescue-pirkanmaa", "portti"))
	const give = "/service/authorities/rescue-pirkanmaa/leads/service/give"
	s.as("service", identity.Hat{Role: identity.RoleService})
	if w := s.do("POST", give, url.Values{}); w.Code != 422 || !strings.Contains(text(w), "Et voi antaa yhteyshenkilön roolia itsellesi.") {
		t.Errorf("by oneself: status %d, %s", w.Code, text(w))
	}
	if got := s.deeds("rescue-pirkanmaa"); got != "role.asked" {
		t.Errorf("the ledger says %q", got)
	}
	s.as("another", identity.Hat{Role: identity.RoleService})
	s.to(s.do("POST", give, url.Values{}))
	if got := s.deeds("rescue-pirkanmaa"); got != "role.asked role.given" {
		t.Errorf("by another: the ledger says %q", got)
	}
}
