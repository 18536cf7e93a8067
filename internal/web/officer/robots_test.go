package officer

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/matter"
)

const guide = "../../../docs/robots.md"

var (
	hookPattern = regexp.MustCompile(`data-robot="([a-z-]+)"`)
	namePattern = regexp.MustCompile(`name="([a-z_]+)"`)
)

// hooks returns the values of all elements with the hook.
func hooks(page, hook string) []string {
	var all []string
	for _, tag := range regexp.MustCompile(`<[a-z]+[^>]*data-robot="`+hook+`"[^>]*>`).FindAllString(page, -1) {
		all = append(all, attributeOf(tag, "data-value"))
	}
	return all
}

// attribute returns an attribute of the first element with the hook.
func attribute(page, hook, name string) string {
	return attributeOf(regexp.MustCompile(`<[a-z]+[^>]*data-robot="`+hook+`"[^>]*>`).FindString(page), name)
}

// value returns the value of the first input of a name.
func value(page, name string) string {
	return attributeOf(regexp.MustCompile(`<input[^>]*name="`+name+`"[^>]*>`).FindString(page), "value")
}

func attributeOf(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func distinct(text string, pattern *regexp.Regexp) []string {
	var all []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// What docs/robots.md promises is on the pages, and nothing that is on the
// pages is left out of it.
func TestTheGuideForRobotsIsTrue(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	h := newSite(t)
	ids := h.send("Kesäkonsertti", lodging, "police-lottery")
	id, second := ids[0], h.send("Turnaus", lodging)[0]
	copies(t, h, second, 60)
	var pages strings.Builder
	see := func(paths ...string) {
		for _, p := range paths {
			pages.WriteString(h.page(p))
		}
	}
	for _, d := range deeds {
		see(matterPath + id + "?do=" + d.name)
	}
	h.must(h.noticed(id))
	see(InboxPath, attribute(h.page(InboxPath), "inbox-next", "href"))
	pages.WriteString(h.post(matterPath+id+"/message", url.Values{"text": {""}}).Body.String())
	h.done(id, "identifier", url.Values{"was": {""}, "identifier": {"PIR/1/2027"}})
	h.done(id, "take", nil)
	h.done(id, "ask", url.Values{"text": {"Lisää pohjakuva."}, "due": {"2027-03-10"}})
	h.complete(id)
	h.done(id, "letter", url.Values{"authority": {policeID}, "text": {"Hei"}})
	pages.WriteString(h.upload(matterPath+id+"/message", url.Values{"text": {""}}, "kartta.txt", "Kartta").Body.String())
	see(InboxPath+"?bucket=me", matterPath+id+"/submissions/2", matterPath+id+"/changes/2", matterPath+id+"?do=finish")
	h.must(h.Share(context.Background(), applicant, id, []string{policeID}))
	h.who = police
	see(threadsPath, matterPath+id)
	h.who = pelle
	h.done(id, "finish", url.Values{"outcome": {"checked"}})
	limited, _ := h.plant(nil)
	see(matterPath+id, matterPath+limited)

	promised, there := distinct(string(text), hookPattern), distinct(pages.String(), hookPattern)
	for _, hook := range promised {
		if !slices.Contains(there, hook) {
			t.Errorf("the guide names data-robot=%q, but no page has it", hook)
		}
	}
	for _, hook := range there {
		if !slices.Contains(promised, hook) {
			t.Errorf("a page has data-robot=%q, but the guide does not name it", hook)
		}
	}
	inputs := distinct(pages.String(), namePattern)
	for _, name := range distinct(string(text), namePattern) {
		if !slices.Contains(inputs, name) && name != "person" && name != "hat" { // those two are on the page for signing in
			t.Errorf("the guide names the input %q, but no page has it", name)
		}
	}
	for _, d := range deeds {
		if !strings.Contains(string(text), "`"+d.name+"`") {
			t.Errorf("the guide does not name the deed %s", d.name)
		}
	}
	for _, s := range matter.Statuses {
		if !strings.Contains(string(text), "`"+string(s)+"`") {
			t.Errorf("the guide does not name the status %s", s)
		}
	}
	for _, k := range h.Catalogue.Kinds {
		for _, o := range k.Outcomes {
			if !strings.Contains(string(text), "`"+o.ID+"`") {
				t.Errorf("the guide does not name the outcome %s", o.ID)
			}
		}
	}
}

// A robot takes a matter from the inbox to its end by what the guide tells.
func TestARobotHandlesAMatter(t *testing.T) {
	h := newSite(t)
	sent := h.send("Kesäkonsertti", lodging)[0]
	h.who = robot

	inbox := h.page("/officer?bucket=authority&type=" + lodging)
	if got := hooks(inbox, "inbox-row"); len(got) != 1 || got[0] != sent {
		t.Fatalf("the inbox has %v", got)
	}
	path := attribute(inbox, "inbox-open", "href")
	page := h.page(path)
	submit := func(deed string, v url.Values) {
		t.Helper()
		if v == nil {
			v = url.Values{}
		}
		v.Set("_version", attribute(page, "matter", "data-entries"))
		w := h.post(attribute(page, "form-"+deed, "action"), v)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: status %d, %v", deed, w.Code, hooks(w.Body.String(), "problem"))
		}
		page = h.page(w.Header().Get("Location"))
	}
	open := func(deed string) {
		t.Helper()
		if !slices.Contains(hooks(page, "deed"), deed) {
			t.Fatalf("%s is not offered: %v", deed, hooks(page, "deed"))
		}
		page = h.page(path + "?do=" + deed)
	}
	data := h.get(attribute(h.page(attribute(page, "submission-open", "href")), "submission-json", "href"))
	if !strings.Contains(data.Body.String(), `"format":"luvat-submission-1"`) {
		t.Errorf("the data: %.80s", data.Body.String())
	}
	submit("take", nil)
	open("identifier")
	submit("identifier", url.Values{"was": {value(page, "was")}, "identifier": {"PIR/77/2027"}})
	open("finish")
	submit("finish", url.Values{"outcome": {"checked"}, "text": {"Ei huomautettavaa."}})
	for hook, want := range map[string]string{"matter-status": "finished", "decision": "checked", "matter-identifier": "PIR/77/2027", "matter-holder": "nobody"} {
		if got := attribute(page, hook, "data-value"); got != want {
			t.Errorf("%s is %q, want %q", hook, got, want)
		}
	}
}

// noticed makes the notices of the matter's deeds, as delivery does.
func (h *hub) noticed(id string) error {
	ctx := context.Background()
	letters, err := h.Letters(ctx, matter.Notify{Matter: id, N: 2, Deed: matter.DeedSent, Audience: matter.ToAuthority})
	if err != nil {
		return err
	}
	for _, l := range letters {
		if err := h.Handed(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// copies fills the inbox with n rows like the matter's.
func copies(t *testing.T, h *hub, id string, n int) {
	t.Helper()
	err := h.DB.InTx(t.Context(), func(tx *db.Tx) error {
		for range n {
			if _, err := tx.ExecContext(t.Context(), `
				INSERT INTO matters (id, number, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, status, status_at, holder, holder_since, sort_at, sent_at, created_at, changed_at)
				SELECT $1, $2, project_id, offer_id, authority_id, type_id, kind, way, form_id, form_hash, status, status_at, holder, holder_since, sort_at, sent_at, created_at, changed_at
				FROM matters WHERE id = $3`, db.NewID(), db.NewID(), id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
