package officer

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What stands under a name that the form has not is never left out in silence.
func TestUnknownInputs(t *testing.T) {
	h := newSite(t)
	id := h.send("Kesäkonsertti", lodging)[0]
	h.done(id, "take", url.Values{"email": {"palo@example.fi"}})
	before := attribute(h.page(matterPath+id), "matter", "data-entries")
	for name, tt := range map[string]struct {
		deed string
		v    url.Values
		file string
		told string
	}{
		"an input spelt wrongly":      {"redirect", url.Values{"emial": {"toinen@example.fi"}}, "", "emial"},
		"another deed's":              {"message", url.Values{"text": {"Hei"}, "outcome": {"checked"}}, "", "outcome"},
		"beside a file":               {"message", url.Values{"text": {"Hei"}, "teksti": {"Hei"}}, "file", "teksti"},
		"a file spelt wrongly":        {"finish", url.Values{"outcome": {"checked"}}, "decision", "decision"},
		"a file of a deed with none":  {"redirect", url.Values{"email": {"toinen@example.fi"}}, "file", "file"},
		"a file's name as a text":     {"message", url.Values{"text": {"Hei"}, "file": {"kartta.txt"}}, "", "file"},
		"a name that is far too long": {"redirect", url.Values{strings.Repeat("ä", 3000): {""}}, "", strings.Repeat("ä", 60) + "…,"},
	} {
		var w *httptest.ResponseRecorder
		if tt.file == "" {
			w = h.post(matterPath+id+"/"+tt.deed, tt.v)
		} else {
			w = h.uploadAs(tt.file, matterPath+id+"/"+tt.deed, tt.v, "kartta.txt", "Kartta")
		}
		if body := words(w.Body.String()); w.Code != http.StatusBadRequest || !strings.Contains(body, "ei ole kohtaa "+tt.told) {
			t.Errorf("%s: status %d; want 400 and the name:\n%s", name, w.Code, body)
		}
	}
	if after := attribute(h.page(matterPath+id), "matter", "data-entries"); after != before {
		t.Errorf("%s entries, %s before; want nothing done", after, before)
	}
	h.done(id, "message", url.Values{"text": {"Hei"}, "file": {""}, "_version": {before}}) // as a form sends what it has
}

// Each deed's form has the inputs that its post takes, and no other.
func TestFormsHaveTheirDeedsInputs(t *testing.T) {
	h := newSite(t)
	ids := h.send("Kesäkonsertti", lodging, "police-lottery")
	form := regexp.MustCompile(`(?s)<form[^>]*data-robot="form-([a-z]+)".*?</form>`)
	seen := map[string]bool{}
	see := func(path string) {
		m := form.FindStringSubmatch(h.page(path))
		if m == nil || seen[m[1]] {
			return
		}
		seen[m[1]] = true
		d := deedNamed(m[1])
		want := append([]string{"_version"}, d.takes...)
		if d.files != "" {
			want = append(want, d.files)
		}
		slices.Sort(want)
		if got := distinct(m[0], namePattern); !slices.Equal(got, want) {
			t.Errorf("the form %s has %v; its deed takes %v", d.name, got, want)
		}
	}
	for _, d := range deeds {
		see(matterPath + ids[0] + "?do=" + d.name)
	}
	h.done(ids[0], "take", nil)
	for _, d := range deeds {
		see(matterPath + ids[0] + "?do=" + d.name)
	}
	h.done(ids[0], "letter", url.Values{"authority": {policeID}, "text": {"Hei"}})
	h.who = police
	see(matterPath + ids[0])
	for _, d := range deeds {
		if !seen[d.name] {
			t.Errorf("no page has the form of %s", d.name)
		}
	}
}
