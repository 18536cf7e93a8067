package customer

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/matter"
)

// What has the earliest day comes first among the drafts, whatever the order in
// which they were chosen; what an authority asked for comes before them all, and
// an ending is told as one.
func TestTheMostUrgentComesFirst(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event", "muni-public-area", "muni-noise")
	police, area, noise := ids[0], ids[1], ids[2]
	waits := func() (hrefs []string, primary string) {
		t.Helper()
		_, list, _ := strings.Cut(s.get("/projects/"+project), `id="waits"`)
		list, _, _ = strings.Cut(list, "</section>")
		for _, m := range regexp.MustCompile(`<a (class="button" )?href="([^"]*)"`).FindAllStringSubmatch(list, -1) {
			if m[1] != "" {
				primary = m[2]
			} else if strings.HasPrefix(m[2], "/matters/") {
				hrefs = append(hrefs, m[2])
			}
		}
		return hrefs, primary
	}
	form := func(id string) string { return matterPath(id) + "/form" }
	if got, _ := waits(); !slices.Equal(got, []string{form(noise), form(area), form(police)}) {
		t.Errorf("the drafts come as %v, want by their last day: noise, area, police", got)
	}
	cards := regexp.MustCompile(`<h2 class="h3" id="draft-([^"]*)"`).FindAllStringSubmatch(s.get("/projects/"+project+"/send"), -1)
	if len(cards) != 3 || cards[0][1] != noise || cards[1][1] != area || cards[2][1] != police {
		t.Errorf("on the page of sending the drafts come as %v, want by their last day", cards)
	}
	s.fill(noise)
	s.post("/projects/"+project+"/send", s.looked(project, noise))
	if _, got := waits(); got != form(area) {
		t.Errorf("the next step is %s, want the area's form", got)
	}
	s.must(s.Desk.Take(t.Context(), city, noise, ""))
	s.must(s.Desk.AskCompletion(t.Context(), city, noise, matter.Request{Text: "Mihin aikaan?", Due: s.clock.Now().AddDate(0, 0, 14)}))
	if got, primary := waits(); got[0] != matterPath(noise) || primary != matterPath(noise) {
		t.Errorf("a completion waits, and first are %s and the button to %s", got[0], primary)
	}
	s.clock.Move(15 * 24 * time.Hour)
	s.must(s.Desk.Finish(t.Context(), city, noise, matter.Decision{Outcome: "checked"}))
	if page := text(s.get("/projects/" + project)); !strings.Contains(page, "Käsittely on päättynyt: Meluilmoitus") || strings.Contains(page, "Uutta asiassa") {
		t.Error("the project's page does not tell that the handling has ended")
	}
}
