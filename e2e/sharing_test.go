package e2e_test

import (
	"net/http"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/testkit/browser"
)

// An applicant lets another authority of the project see what was sent, without
// JavaScript; its officer finds it beside an own matter, on a desk and on a
// phone, until the applicant ends it.
func TestSharingWithAnotherAuthority(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	const of = `SELECT m.id FROM matters m JOIN projects p ON p.id = m.project_id WHERE p.name = 'Kesäkonsertti' AND m.type_id = $1`
	area, own := find(t, h, of, "muni-public-area"), find(t, h, of, "police-public-event")

	aino := h.signedIn(t, "demo-aino", i18n.FI, false)
	police := aino.authority("police-sisa-suomi")
	aino.Goto("/matters/" + area)
	aino.ClickText(aino.words("customer.share_title"))
	aino.Check(police)
	aino.Click("button", aino.words("customer.share_button"))
	aino.See(aino.words("customer.shared"))
	aino.Screenshot("sharing-applicant")

	for _, width := range []int{320, 1280} {
		p := browser.Start(t).Page(t, browser.Options{Base: h.url, JavaScript: true, Width: width})
		v := &visitor{p, t, h, i18n.FI, true}
		v.enter("demo-police")
		v.Goto("/officer/matters/" + own)
		v.Click("link", v.typeName("muni-public-area"))
		v.See(v.words("officer.sent_title"))
		v.NotSee(v.words("officer.package"))
		browser.Axe(t, v.Page)
		v.Screenshot("sharing-officer-" + map[int]string{320: "phone", 1280: "desk"}[width])
		if width == 1280 {
			aino.Reload()
			aino.Click("button", aino.about("customer.sharing_end")+police)
			aino.See(aino.words("customer.sharing_ended"))
			v.Expect("404")
			v.Reload()
			if got := v.Status(); got != http.StatusNotFound {
				t.Errorf("after the end: status %d, want 404", got)
			}
		}
	}
}
