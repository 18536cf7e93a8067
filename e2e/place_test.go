package e2e_test

import (
	"path"
	"strings"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/testkit/browser"
)

// venue opens the common data of a new project. It returns the part that asks
// for its place, and the path of the page.
func (v *visitor) venue(name string) (place *browser.Page, common string) {
	v.t.Helper()
	v.lodging(name)
	v.Click("link", name)
	v.Click("link", v.words("customer.common_edit"))
	return v.In("group", v.hub.form("common-event").Label("place").In(v.lang)+" "+v.words("ui.optional")), pathOf(v)
}

func (v *visitor) coordinates() string {
	return v.words("forms.coordinates") + " " + v.words("ui.optional")
}

// savedPlace waits until the common data of a project holds a text.
func (v *visitor) savedPlace(common, text string) {
	v.t.Helper()
	v.until(text+" is saved", func() bool {
		var answers string
		v.hub.view(`SELECT d.answers FROM draft_versions d JOIN projects p ON p.id = d.subject AND p.version = d.version WHERE p.id = $1`, &answers, path.Base(path.Dir(common)))
		return strings.Contains(answers, text)
	})
}

// A place is pasted from a map. What cannot be read is kept as it was typed,
// named, and led to.
func TestAPlaceIsPasted(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for _, js := range []bool{false, true} {
		v := h.signedIn(t, "demo-aino", i18n.FI, js)
		place, common := v.venue("Kenttä metsän keskellä")
		place.SeeElement("link", v.words("ui.map_open")+" "+v.words("ui.new_tab"))
		save := func(text string) {
			place.Fill(v.coordinates(), text)
			v.Click("button", v.words("customer.save"))
		}

		save("tien päässä")
		v.Click("link", v.words("forms.coordinates")+": "+v.words("forms.place_unreadable"))
		if role, name := v.Focused(); role != "textbox" || !strings.HasPrefix(name, v.words("forms.coordinates")) {
			t.Errorf("the problem leads to %s %q", role, name)
		}
		if got := place.Value(v.coordinates()); got != "tien päässä" {
			t.Errorf("what was typed is now %q", got)
		}
		browser.Axe(t, v.Page)

		save("https://www.openstreetmap.org/#map=15/61.49780/23.76100")
		v.See(v.words("customer.saved"))
		if got := place.Value(v.coordinates()); got != "61.4978, 23.7610" {
			t.Errorf("the address of a map is shown as %q", got)
		}
		v.savedPlace(common, `"lat":61.4978,"lon":23.761`)

		save("N 6822000 E 327000")
		v.savedPlace(common, `"lat":61.492862,"lon":23.749969`)
		save("")
		v.until("the place is empty", func() bool {
			var answers string
			v.hub.view(`SELECT d.answers FROM draft_versions d JOIN projects p ON p.id = d.subject AND p.version = d.version WHERE p.id = $1`, &answers, path.Base(path.Dir(common)))
			return !strings.Contains(answers, `"lat"`)
		})
	}
}

// With scripts the device fills in where it is, when it is asked to; and says
// so when it does not.
func TestADeviceTellsItsPlace(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	v := h.signedIn(t, "demo-aino", i18n.SV, true)
	place, common := v.venue("Fältet i skogen")
	button := v.words("ui.locate")

	v.Hide()
	place.Click("button", button)
	place.See(v.words("ui.locate_refused"))
	v.Lose()
	place.Click("button", button)
	place.See(v.words("ui.locate_failed"))
	if got := place.Value(v.coordinates()); got != "" {
		t.Errorf("without a place the field holds %q", got)
	}

	v.Stand(61.497801, 23.761049, 11.2)
	place.Click("button", button)
	place.See(v.words("ui.locate_found", 12))
	if got := place.Value(v.coordinates()); got != "61.49780, 23.76105" {
		t.Errorf("the device is said to be at %q", got)
	}
	v.savedPlace(common, `"lat":61.4978,"lon":23.76105`)

	plain := h.signedIn(t, "demo-aino", i18n.SV, false)
	plain.Goto(common)
	plain.SeeElement("heading", plain.words("customer.common_title"))
	if strings.Contains(plain.Text(), button) {
		t.Error("without scripts there is a button that does nothing")
	}
}
