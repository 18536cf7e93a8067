package e2e_test

import (
	"net/http"
	"testing"

	"luvat/internal/app"
	"luvat/internal/i18n"
)

// lodging is the path of a new draft of a small form, whose project is open.
func (v *visitor) lodging(name string) (form string) {
	v.t.Helper()
	return v.begin(name, "rescue-temp-lodging", "837")
}

// begin makes a project with one matter of a small form in a municipality. The
// path is of the matter's form; its project is open.
func (v *visitor) begin(name, kind, municipality string) (form string) {
	v.t.Helper()
	v.Goto("/projects/new?entity=event&municipality=" + municipality)
	v.Fill(v.words("customer.new_name"), name)
	v.Check(v.typeName(kind))
	v.Click("button", v.words("customer.new_start_button"))
	v.SeeElement("heading", name)
	v.In("region", v.words("customer.joint_title")).Click("link", v.typeName(kind))
	return pathOf(v) + "/form"
}

// fileLodging begins a project with one small matter and sends it.
func (v *visitor) fileLodging(name, request string) {
	v.t.Helper()
	v.prepare(name, request, "rescue-temp-lodging", "837")
	v.send()
}

// prepare begins a project with one small matter and fills all in, up to the page
// from which it is sent.
func (v *visitor) prepare(name, request, kind, municipality string) {
	v.t.Helper()
	form := v.begin(name, kind, municipality)
	v.Click("link", name) // back to the project
	v.Click("link", v.words("customer.common_edit"))
	v.fill(v.hub.form("common-event"), answers(v.t, map[string]any{
		"applicant_name": "Pispalan Soittajat ry", "contact_name": "Aino Virtanen", "contact_phone": "040 555 0131", "contact_email": "aino.virtanen@posti.example",
		"service_language": "fi", "project_name": name, "municipality": municipality,
	}), kind)
	v.Click("button", v.words("customer.save_next"))
	v.Goto(form)
	v.fill(v.hub.form("light"), answers(v.t, map[string]any{"request": request}))
	v.Click("button", v.words("customer.save_next"))
}

// send sends what prepare has prepared.
func (v *visitor) send() {
	v.t.Helper()
	v.Click("button", v.words("customer.send_chosen"))
	v.See(v.words("customer.sent_flash"))
}

// What is typed is saved at every pause: it survives a new page, the end of the
// session and a restart of the hub.
func TestDraftSurvives(t *testing.T) {
	t.Parallel()
	at := newPlace(t)
	h := startHub(t, at, app.Options{})
	v := h.signedIn(t, "demo-aino", i18n.FI, true)
	form := v.lodging("Kestävä luonnos")
	request, grounds := h.form("light").Label("request").FI, h.form("light").Label("grounds").FI

	v.Goto(form)
	v.Fill(request, "Yöpyminen koulun salissa.")
	v.kept(form, "Yöpyminen koulun salissa.")
	v.Reload()
	if got := v.Value(request); got != "Yöpyminen koulun salissa." {
		t.Errorf("after a new page the field holds %q", got)
	}

	h.endSessions(t) // while the person types on
	v.Expect("401")
	v.Fill(grounds, "Majoitustilaa ei ole muualla.")
	v.See(v.words("ui.save_signed_out"))
	v.enter("demo-aino")
	v.Goto(form)
	v.See(v.words("ui.save_restored"))
	v.kept(form, "Majoitustilaa ei ole muualla.")
	v.Reload()
	if got := v.Value(grounds); got != "Majoitustilaa ei ole muualla." {
		t.Errorf("after the end of the session the field holds %q", got)
	}

	h.stop()
	h = startHub(t, at, app.Options{})
	v = h.signedIn(t, "demo-aino", i18n.FI, false)
	v.Goto(form)
	if a, b := v.Value(request), v.Value(grounds); a != "Yöpyminen koulun salissa." || b != "Majoitustilaa ei ole muualla." {
		t.Errorf("after a restart the fields hold %q and %q", a, b)
	}
}

// Two windows change a draft: different fields are merged, and of the same
// field both texts are shown, so that nothing is lost.
func TestTwoWindows(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	first, second := h.signedIn(t, "demo-aino", i18n.FI, false), h.signedIn(t, "demo-aino", i18n.FI, false)
	form := first.lodging("Kaksi ikkunaa")
	request, grounds, other := h.form("light").Label("request").FI, h.form("light").Label("grounds").FI, h.form("light").Label("other_information").FI
	first.Goto(form)
	second.Goto(form)

	first.Fill(request, "Ensimmäisen teksti.")
	first.Fill(grounds, "Perustelu.")
	first.Click("button", first.words("customer.save"))
	first.See(first.words("customer.saved"))
	second.Fill(request, "Toisen teksti.")
	second.Fill(other, "Muuta tietoa.")
	second.Click("button", second.words("customer.save"))

	if second.Status() != http.StatusConflict {
		t.Errorf("status %d, want 409", second.Status())
	}
	second.SeeElement("heading", second.words("customer.conflict_title"))
	second.See("Ensimmäisen teksti.")
	second.See("Toisen teksti.")
	second.In("group", request).Check(second.words("customer.conflict_theirs"))
	second.Click("button", second.words("customer.conflict_save"))
	second.See(second.words("customer.saved"))
	for label, want := range map[string]string{request: "Ensimmäisen teksti.", grounds: "Perustelu.", other: "Muuta tietoa."} {
		if got := second.Value(label); got != want {
			t.Errorf("%s holds %q, want %q", label, got, want)
		}
	}
}

// A project is shared by an invitation: the mail leads a helper to it, who then
// sees it and fills in, and cannot send.
func TestInvitation(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	owner, helper := h.signedIn(t, "demo-aino", i18n.FI, false), h.visitor(t, i18n.SV, false)
	form := owner.lodging("Yhteinen hanke")
	owner.Click("link", "Yhteinen hanke")
	owner.Click("link", owner.words("customer.members_manage"))
	owner.Fill(owner.words("customer.invite_email"), "linnea.strom@vasasol.example")
	owner.Check(owner.words("member.helper"))
	owner.Click("button", owner.words("customer.invite_send"))
	owner.See(owner.words("customer.invited"))

	helper.Goto(owner.mailed("linnea.strom@vasasol.example", "Yhteinen hanke"))
	helper.signIn("demo-linnea")
	helper.Click("button", helper.words("customer.invitation_accept"))
	helper.SeeElement("heading", "Yhteinen hanke")
	helper.Goto(form)
	helper.fill(h.form("light"), answers(t, map[string]any{"request": "Tio personer övernattar."}))
	helper.Click("button", helper.words("customer.save_next"))
	helper.See(helper.words("customer.may_not_send"))
}
