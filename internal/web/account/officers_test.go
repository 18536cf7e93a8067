package account_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// byBody comes in by a mandate that names the granting body alone, and returns
// where that leads.
func (s *testSite) byBody() string {
	s.t.Helper()
	s.suomi.says, s.mandates.still = aino, true
	s.come("suomifi", "/officer")
	s.mandates.grants = identity.Granted{Kind: identity.Company, Memo: []byte("m")}
	return s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(s.to(s.do("GET", "/for/officer?next=/officer", nil))), nil))
}

func (s *testSite) lead() {
	s.forget()
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: police})
}

var person = regexp.MustCompile(`/lead/people/([0-9a-f-]{36})`)

// A mandate that names the granting body alone says that one is an officer, and
// not whose: the officer says it, and that authority's lead decides.
func TestAnOfficerAsksTheAuthorityForTheFirstRole(t *testing.T) {
	s := newSite(t)
	s.OfficerMandates.Authorities = []string{police, "rescue-pirkanmaa"}
	if to := s.byBody(); !strings.HasPrefix(to, "/login/role") || s.who() != "" {
		t.Fatalf("led to %s as %q", to, s.who())
	}
	page := s.do("GET", "/login/role", nil)
	if body := page.Body.String(); strings.Count(body, "<option") != 3 || !strings.Contains(text(page), "Pyydä roolia viranomaiselta") {
		t.Errorf("the page says %s", text(page))
	}
	if w := s.do("POST", "/login/access", url.Values{"authority": {""}}); w.Code != 422 || !strings.Contains(text(w), "Valitse viranomainen") {
		t.Errorf("none was chosen: status %d, %s", w.Code, text(w))
	}
	for _, other := range []string{"muni-091", "nowhere"} {
		if w := s.do("POST", "/login/access", url.Values{"authority": {other}}); w.Code != 404 {
			t.Errorf("%s is not the granting body's: status %d", other, w.Code)
		}
	}
	// Where somebody works is told nobody: with or without a lead or officers, an
	// authority is asked alike.
	for _, au := range []string{"rescue-pirkanmaa", police} {
		if to := s.to(s.do("POST", "/login/access", url.Values{"authority": {au}})); to != "/login/role" {
			t.Errorf("%s was asked and leads to %s", au, to)
		}
	}
	officer := s.jar

	s.lead()
	id := person.FindStringSubmatch(s.do("GET", "/lead/people", nil).Body.String())
	if id == nil {
		t.Fatalf("the lead sees %s", text(s.do("GET", "/lead/people", nil)))
	}
	s.to(s.do("POST", "/lead/people/"+id[1]+"/give", url.Values{"role": {"officer"}}))

	s.jar = officer
	if to := s.byBody(); to != "/officer" || s.who() != "officer Aino Virtanen "+police {
		t.Errorf("with the role: led to %s as %q", to, s.who())
	}
	s.lead()
	if page := text(s.do("GET", "/lead/people/"+id[1], nil)); !strings.Contains(page, "Valtuus vahvistettu") {
		t.Errorf("the lead sees %s", page)
	}
}

// With roles at two authorities, which one it is today is chosen.
func TestAnOfficerOfTwoAuthoritiesChooses(t *testing.T) {
	s := newSite(t)
	s.suomi.says = aino
	s.come("suomifi", "/officer")
	s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		var id string
		if err := tx.QueryRowContext(t.Context(), `SELECT id FROM people WHERE name = $1`, aino.Name).Scan(&id); err != nil {
			return err
		}
		for _, au := range []string{police, "rescue-pirkanmaa"} {
			if err := identity.Grant(t.Context(), tx, s.clock.Now(), id, identity.Hat{Role: identity.RoleOfficer, Authority: au}); err != nil {
				return err
			}
		}
		return nil
	}))
	if w := s.do("POST", "/login/role", url.Values{"role": {"officer/rescue-pirkanmaa"}}); w.Code != 404 {
		t.Errorf("without the mandate: status %d", w.Code)
	}
	if to := s.byBody(); !strings.HasPrefix(to, "/login/role") {
		t.Fatalf("led to %s", to)
	}
	s.to(s.do("POST", "/login/role", url.Values{"role": {"officer/rescue-pirkanmaa"}, "next": {"/officer"}}))
	if who := s.who(); who != "officer Aino Virtanen rescue-pirkanmaa" {
		t.Errorf("signed in as %q", who)
	}
	s.clock.Move(61 * time.Second)
	s.mandates.still = false
	if w := s.do("GET", "/", nil); w.Code != 403 || s.who() != "" {
		t.Errorf("the ended mandate: status %d, %q", w.Code, s.who())
	}
}

// What was shown a while ago is no longer in hand.
func TestAMandateInHandIsSoonShownAnew(t *testing.T) {
	s := newSite(t)
	s.byBody()
	s.clock.Move(15 * time.Minute)
	if w := s.do("POST", "/login/access", url.Values{"authority": {police}}); w.Code != 404 {
		t.Errorf("a quarter of an hour later: status %d", w.Code)
	}
}

// deeds lists the authority's stream.
func (s *testSite) deeds(authority string) (deeds string) {
	s.t.Helper()
	s.must(s.DB.View(s.t.Context(), func(tx *db.Tx) error {
		entries, err := ledger.Read(s.t.Context(), tx, identity.AuthorityStream(authority))
		for _, e := range entries {
			deeds += e.Deed + " "
		}
		return err
	}))
	return strings.TrimSpace(deeds)
}

// A leaver who shows no page any more loses the role all the same, as long as the
// register answers about the session.
func TestALeaverWhoShowsNoPageLosesTheRole(t *testing.T) {
	s := newSite(t)
	au := s.Catalogue.Authority("muni-837")
	in := func() {
		s.suomi.says, s.mandates.still = aino, true
		s.come("suomifi", "/officer")
		s.mandates.grants = identity.Granted{Kind: identity.Company, ID: au.BusinessID, Name: "x", Memo: []byte("m")}
		s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(s.to(s.do("GET", "/for/officer?next=/officer", nil))), nil))
	}
	in()
	s.must(s.AskAgain(t.Context()))
	if got := s.deeds(au.ID); got != "sign_in" {
		t.Fatalf("at first: %q", got)
	}
	s.clock.Move(11 * time.Minute)
	s.mandates.still, s.mandates.down = false, true
	s.must(s.AskAgain(t.Context()))
	s.mandates.down, s.mandates.lapsed = false, true
	s.must(s.AskAgain(t.Context()))
	if got := s.deeds(au.ID); got != "sign_in" {
		t.Errorf("that nobody answers, or a session there is over, ended the role: %q", got)
	}
	in() // she comes again, and leaves the page open
	s.clock.Move(11 * time.Minute)
	s.mandates.lapsed, s.mandates.still = false, false
	s.must(s.AskAgain(t.Context()))
	if got := s.deeds(au.ID); got != "sign_in sign_in role.mandate_ended" {
		t.Errorf("the ended mandate: %q", got)
	}
	if who := s.who(); who != "" {
		t.Errorf("and yet %q", who)
	}
	s.must(s.DB.View(t.Context(), func(tx *db.Tx) error {
		var jobs int
		err := tx.QueryRowContext(context.Background(), `SELECT COUNT(*) FROM outbox WHERE kind = 'identity.left'`).Scan(&jobs)
		if jobs != 1 {
			t.Errorf("%d jobs hand the work over", jobs)
		}
		return err
	}))
}

// An officer whose mandate names the authority was given nothing by its lead, who
// sees who it is all the same, and until when the work waits.
func TestTheLeadSeesOfficersByMandate(t *testing.T) {
	s := newSite(t)
	s.suomi.says, s.mandates.still = aino, true
	s.come("suomifi", "/officer")
	s.mandates.grants = identity.Granted{Kind: identity.Company, ID: s.Catalogue.Authority("muni-837").BusinessID, Name: "x", Memo: []byte("m")}
	s.to(s.do("GET", "/for/callback?code=1&state="+stateIn(s.to(s.do("GET", "/for/officer?next=/officer", nil))), nil))
	const city = "muni-837"
	s.lead()
	s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		return identity.Grant(t.Context(), tx, s.clock.Now(), "lead", identity.Hat{Role: identity.RoleLead, Authority: city})
	}))
	s.as("lead", identity.Hat{Role: identity.RoleLead, Authority: city})
	page := s.do("GET", "/lead/people", nil)
	id := person.FindStringSubmatch(page.Body.String())
	if id == nil || !strings.Contains(text(page), "Aino Virtanen") || strings.Contains(text(page), "Roolia viimeksi käyttäneet") {
		t.Fatalf("the lead sees %s", text(page))
	}
	one := s.do("GET", "/lead/people/"+id[1], nil)
	if !strings.Contains(text(one), "Rooli perustuu Suomi.fi-valtuuteen") || strings.Contains(one.Body.String(), "/withdraw") || !strings.Contains(one.Body.String(), "/successor") {
		t.Errorf("her page: %s", text(one))
	}
	s.clock.Move(25 * 24 * time.Hour)
	if page := text(s.do("GET", "/lead/people", nil)); !strings.Contains(page, "avoimet asiat siirtyvät seuraajalle") {
		t.Errorf("ten days before: %s", page)
	}
	s.clock.Move(11 * 24 * time.Hour)
	s.must(s.EndDue(t.Context()))
	if page := text(s.do("GET", "/lead/people", nil)); !strings.Contains(page, "Valtuutta ei ollut vahvistettu pitkään aikaan") {
		t.Errorf("afterwards: %s", page)
	}
	if got := s.deeds(city); !strings.HasSuffix(got, "role.unconfirmed") {
		t.Errorf("the ledger says %q", got)
	}
}
