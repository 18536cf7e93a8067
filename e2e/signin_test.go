package e2e_test

import (
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/testkit/browser"
	"luvat/internal/testkit/simplesaml"
)

// arrive opens a window of somebody who signs in by a provider.
func (s *served) arrive(t *testing.T, way, user string) *visitor {
	t.Helper()
	v := s.visitor(t, i18n.FI, true)
	v.signInBy(way, user)
	return v
}

// signInBy begins at the page for signing in and answers the provider.
func (v *visitor) signInBy(way, user string) {
	v.t.Helper()
	v.Goto("/login")
	v.Click("link", v.about("ui.login")+way)
	v.tell(user)
	v.at("/login/role")
}

// tell tells a provider's page, which is open, who one is.
func (v *visitor) tell(user string) {
	v.t.Helper()
	v.Fill("Tunnus", user)
	v.Fill("Salasana", simplesaml.Password)
	v.Click("button", "Kirjaudu")
}

// at waits until a page of the hub is open.
func (v *visitor) at(path string) {
	v.t.Helper()
	v.until("the page is "+path, func() bool { return strings.HasPrefix(v.URL(), v.hub.url+path) })
}

// wear takes a role on, of those that are offered.
func (v *visitor) wear(role identity.Role, authority string) {
	v.t.Helper()
	name := v.words("site.role_" + string(role))
	if authority != "" {
		name += ", " + v.authority(authority)
	}
	v.Click("button", v.about("login.role_take")+name)
	v.SeeElement("link", v.words("ui.role_change"))
}

// applicant is Tessa, signed in for herself.
func (s *served) applicant(t *testing.T) *visitor {
	t.Helper()
	v := s.arrive(t, "Suomi.fi-tunnistus", "tavallinen")
	v.wear(identity.RoleCustomer, "")
	return v
}

// choose chooses an organisation at the stand-in of Suomi.fi-valtuudet.
func (v *visitor) choose(organisation string) {
	v.t.Helper()
	v.Check(organisation)
	v.Click("button", v.words("double.choose"))
}

// An applicant is somebody for herself, and somebody else for her company: she
// files one matter for that, and proves anew who she is before she sends it. An
// officer of the city has the right to handle it by a chain of mandates.
func TestApplicantForHerselfAndForACompany(t *testing.T) {
	t.Parallel()
	s := serveHub(t)
	tessa := s.applicant(t)
	tessa.begin("Omat pihajuhlat", camping, "091")

	tessa.Click("link", tessa.words("ui.role_change"))
	tessa.Click("link", tessa.words("login.for_company_button"))
	tessa.choose("Rova Oy")
	tessa.SeeElement("link", tessa.words("site.acts_for", "Rova Oy"))
	tessa.NotSee("Omat pihajuhlat")
	tessa.prepare("Leirintäviikko", "Kolmekymmentä telttaa viikoksi.", camping, "091")
	s.later(16 * time.Minute)
	tessa.Click("button", tessa.words("customer.send_chosen"))
	tessa.until("the provider asks again", func() bool { return strings.HasPrefix(tessa.URL(), s.suomifi.Base) })
	tessa.tell("tavallinen")
	tessa.at("/projects/")
	tessa.SeeElement("link", tessa.words("site.acts_for", "Rova Oy"))
	tessa.send()

	tessa.Click("link", tessa.words("ui.role_change"))
	tessa.Click("button", tessa.words("login.for_oneself_button"))
	tessa.See("Omat pihajuhlat")
	tessa.NotSee("Leirintäviikko")

	officer := s.officer(t, "nordea", "Nordea Demo")
	officer.SeeElement("link", officer.authority(helsinki)+officer.words("ui.role_change"))
	officer.In("row", "Leirintäviikko").Click("link", officer.typeName(camping))
	officer.See("Kolmekymmentä telttaa viikoksi.")
	officer.Click("button", officer.words("officer.take_press"))
	officer.See(officer.words("officer.take_done"))
}

// A state officer comes in by Virtu, as one of the organisation that is the
// authority, and asks its lead for a role. The lead gives it, and takes it away:
// the next click is refused, and the open work is the successor's.
func TestLeadLetsAnOfficerInAndWithdrawsTheRole(t *testing.T) {
	t.Parallel()
	s := serveHub(t)
	tessa := s.applicant(t)
	tessa.prepare("Kuvauslento", "Lento kaupungin yllä.", drone, "091")
	tessa.send()

	kalle := s.visitor(t, i18n.FI, true)
	kalle.byVirtu("traficom.fi", "kalle")
	kalle.Click("button", kalle.words("login.access_button"))
	kalle.See(kalle.words("login.access_asked"))

	virve := s.visitor(t, i18n.FI, true)
	virve.byVirtu("traficom.fi", "virve")
	s.firstLead("Virve Virkanen", traficom)
	virve.Reload()
	virve.wear(identity.RoleLead, traficom)
	virve.manage("Virve Virkanen") // she takes over herself
	virve.Click("button", virve.words("roles.give"))
	virve.See(virve.words("roles.given"))
	virve.manage("Kalle Käsittelijä")
	virve.Click("button", virve.words("roles.give"))
	virve.See(virve.words("roles.given"))

	kalle.Goto("/login/role")
	kalle.wear(identity.RoleOfficer, traficom)
	kalle.In("row", "Kuvauslento").Click("link", kalle.typeName(drone))
	kalle.Click("button", kalle.words("officer.take_press"))
	kalle.See(kalle.words("officer.take_done"))
	matter := pathOf(kalle)

	virve.manage("Kalle Käsittelijä")
	virve.Select(virve.words("roles.successor_now"), "Virve Virkanen")
	virve.Click("button", virve.words("roles.withdraw"))
	virve.See(virve.words("roles.withdrawn_successor"))
	kalle.In("navigation", kalle.words("ui.nav")).Click("link", kalle.words("site.nav_inbox"))
	kalle.at("/login")
	kalle.NotSee("Kuvauslento")

	virve.Click("link", virve.words("ui.role_change"))
	virve.wear(identity.RoleOfficer, traficom)
	virve.handedOver(matter, "Virve Virkanen")

	// An organisation that is no authority here has no lead to ask.
	stranger := s.visitor(t, i18n.FI, true)
	stranger.byVirtu("vero.fi", "virve")
	stranger.See(stranger.words("login.refused_not_known"))
}

// byVirtu signs in by Virtu: by way of the page where one chooses one's employer.
func (v *visitor) byVirtu(organisation, user string) {
	v.t.Helper()
	v.Goto("/login")
	v.Click("link", v.about("ui.login")+"Virtu")
	v.Click("link", organisation)
	v.tell(user)
	v.at("/login/")
}

// manage opens the page of a person, as a lead.
func (v *visitor) manage(name string) {
	v.t.Helper()
	v.Click("link", v.words("roles.people_title"))
	v.Click("link", name)
	v.SeeElement("heading", name)
}

// handedOver waits until an officer has a matter, and sees in its history how
// that came.
func (v *visitor) handedOver(matter, name string) {
	v.t.Helper()
	v.until("the matter is handed over", func() bool {
		v.Goto(matter)
		return browser.Eval[string](v.Page, `document.querySelector('[data-robot="matter-handler"]').textContent.trim()`) == name
	})
	events, _, _ := strings.Cut(v.words("officer.events", 0), "0")
	v.Click("DisclosureTriangle", events)
	newest := browser.Eval[string](v.Page, `document.querySelector('[data-robot="events"] li').innerText`)
	if !strings.Contains(newest, v.words("deed.matter.handler_named")) || !strings.Contains(newest, name) {
		v.t.Errorf("the history of the matter ends with %q", newest)
	}
}

// A rescue officer comes in by Portti, which is tried without a question first:
// it must ask, until it knows him; then it tells the hub again by itself.
func TestRescueOfficerByPortti(t *testing.T) {
	t.Parallel()
	s := serveHub(t)
	tessa := s.applicant(t)
	tessa.prepare("Yö salissa", "Kaksikymmentä ihmistä yöpyy salissa.", lodging, "091")
	tessa.send()

	pekka := s.arrive(t, "Portti", "pekka")
	if tries := find(t, s.hub, `SELECT CAST(COUNT(*) AS TEXT) FROM attempts WHERE connection = 'portti'`); tries != "2" {
		t.Errorf("Portti was tried %s times, want once without a question and once with one", tries)
	}
	pekka.Click("button", pekka.words("login.access_button"))
	pekka.See(pekka.words("login.access_asked"))
	s.give("Pekka Palonen", rescuers)

	s.endSessions(t)
	pekka.Goto("/login?next=/officer")
	pekka.Click("link", pekka.about("ui.login")+"Portti")
	pekka.at("/officer")
	pekka.SeeElement("link", pekka.authority(rescuers)+pekka.words("ui.role_change"))
	pekka.In("row", "Yö salissa").Click("link", pekka.typeName(lodging))
	pekka.Click("button", pekka.words("officer.take_press"))
	pekka.See(pekka.words("officer.take_done"))
}

// A leaver: the mandate ends at its register, and within a minute the access has
// ended too. The open work goes to whom the lead has named, with a trace.
func TestLeaver(t *testing.T) {
	t.Parallel()
	s := serveHub(t)
	tessa := s.applicant(t)
	tessa.prepare("Leirintäviikko", "Kolmekymmentä telttaa viikoksi.", camping, "091")
	tessa.send()

	leaver, successor, lead := s.officer(t, "nordea", "Nordea Demo"), s.officer(t, "posti", "Pirkko Posti"), s.arrive(t, "Suomi.fi-tunnistus", "ulkomailla")
	leaver.In("row", "Leirintäviikko").Click("link", leaver.typeName(camping))
	leaver.Click("button", leaver.words("officer.take_press"))
	leaver.See(leaver.words("officer.take_done"))
	matter := pathOf(leaver)

	s.firstLead("Ulla Ulkomaa", helsinki)
	lead.Reload()
	lead.wear(identity.RoleLead, helsinki)
	lead.manage("Nordea Demo")
	lead.Select(lead.words("roles.successor"), "Pirkko Posti")
	lead.Click("button", lead.words("roles.successor_save"))
	lead.See(lead.words("roles.successor_named"))

	if !s.mandates.End(s.represents("nordea")) {
		t.Fatal("there was no mandate to end")
	}
	s.clock.putForward(identity.MandateCheckEach)
	leaver.Reload()
	leaver.See(leaver.words("login.mandate_ended"))
	leaver.NotSee("Kolmekymmentä telttaa")
	successor.handedOver(matter, "Pirkko Posti")

	leaver.Goto("/login/role")
	leaver.Click("link", leaver.words("login.role_mandate_button"))
	leaver.See(leaver.words("double.nobody_ypa"))
}

// officer signs in by Suomi.fi and a chain of mandates for the city, of which the
// officer has a role.
func (s *served) officer(t *testing.T, user, name string) *visitor {
	t.Helper()
	v := s.arrive(t, "Suomi.fi-tunnistus", user)
	s.give(name, helsinki)
	v.Click("link", v.words("login.role_mandate_button"))
	v.choose("Valtuuttava virasto")
	v.at("/officer")
	return v
}

// Whoever signs out here is signed out at the provider too, and the other way
// round: the provider ends the session here in a hidden frame. The same person's
// session in another browser goes on.
func TestSigningOutHereAndThere(t *testing.T) {
	t.Parallel()
	s := serveHub(t)
	here, elsewhere := s.arrive(t, "Suomi.fi-tunnistus", "tavallinen"), s.applicant(t)

	here.Click("button", here.words("ui.logout")) // without a role yet
	here.until("the browser is back from the provider", func() bool { return here.URL() == s.url+"/" })
	here.Goto("/projects")
	here.at("/login")
	here.signInBy("Suomi.fi-tunnistus", "tavallinen") // it asks again
	here.wear(identity.RoleCustomer, "")

	here.Goto(s.suomifi.EndEverywhere(s.url + "/about"))
	here.Click("button", "Kyllä, kaikista palveluista")
	here.until("the browser is back from the provider", func() bool { return here.URL() == s.url+"/about" })
	here.Goto("/projects")
	here.at("/login")
	elsewhere.Goto("/projects")
	elsewhere.See("Tessa Testilä")
}

// Officers' ways end sessions on both sides too. At these the provider leads the
// browser from service to service, and the hub finds the session by its name.
func TestSigningOutByVirtuAndPortti(t *testing.T) {
	t.Parallel()
	s := serveHub(t)
	for name, way := range map[string]struct {
		in   func(v *visitor)
		idp  *simplesaml.IDP
		whom string
	}{
		"Virtu":  {func(v *visitor) { v.byVirtu("traficom.fi", "kalle") }, s.virtu.Homes[0], "Kalle Käsittelijä"},
		"Portti": {func(v *visitor) { v.signInBy("Portti", "pekka") }, s.portti, "Pekka Palonen"},
	} {
		t.Run(name, func(t *testing.T) {
			here, elsewhere := s.visitor(t, i18n.FI, true), s.visitor(t, i18n.FI, true)
			way.in(here)
			way.in(elsewhere)
			here.See(way.whom)

			here.Click("button", here.words("ui.logout"))
			here.until("the browser is back from the provider", func() bool { return here.URL() == s.url+"/" })
			here.Goto("/login/role")
			here.until("nobody is signed in", func() bool { return here.URL() == s.url+"/login" })
			way.in(here) // it asks again
			here.See(way.whom)

			here.Goto(way.idp.EndEverywhere(s.url + "/about"))
			here.until("the browser is back from the provider", func() bool { return here.URL() == s.url+"/about" })
			here.Goto("/login/role")
			here.until("nobody is signed in", func() bool { return here.URL() == s.url+"/login" })
			elsewhere.Goto("/login/role")
			elsewhere.See(way.whom)
		})
	}
}
