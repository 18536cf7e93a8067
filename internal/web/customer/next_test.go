package customer

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"luvat/internal/forms"
	"luvat/internal/testkit/browser"
)

// Without scripts, having the questions drawn again leads on to what comes
// next, and not to the beginning of the page.
func TestDrawnAgainOneGoesOnWhereOneWas(t *testing.T) {
	s := newSite(t)
	_, ids := s.start("event", "police-public-event")
	form := "/matters/" + ids[0] + "/form"
	for _, tt := range []struct {
		name, field, value, want string
	}{
		{"the first new question", "order_keepers", "2", "#f-order_keeper_list"},
		{"nothing new: the question after", "order_keepers", "3", "#f-order_keeper_list"},
		{"what goes away leaves the question after", "order_keepers", "0", "#f-"},
	} {
		w := s.do("POST", form, url.Values{"_version": {s.version(form)}, tt.field: {tt.value}, "_refresh": {tt.field}})
		to := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, form+tt.want) {
			t.Errorf("%s: status %d to %q, want %s", tt.name, w.Code, to, form+tt.want)
		}
		if _, id, _ := strings.Cut(to, "#"); !strings.Contains(s.get(form), ` id="`+id+`"`) {
			t.Errorf("%s: the page has no %q", tt.name, id)
		}
	}
}

func TestTheNextQuestion(t *testing.T) {
	nodes := func(paths ...string) (all []forms.Node) {
		group := forms.Node{Kind: forms.KindGroup}
		for _, p := range paths {
			group.Children = append(group.Children, forms.Node{Path: p})
		}
		return []forms.Node{group}
	}
	for _, tt := range []struct {
		name        string
		before, now []forms.Node
		want        string
	}{
		{"the first new one, wherever it is", nodes("a", "b", "c"), nodes("a", "b", "new", "c", "newer"), "new"},
		{"none is new: the next", nodes("a", "b", "c"), nodes("a", "b"), "b"},
		{"it is the last", nodes("b", "a"), nodes("b", "a"), "a"},
		{"it is gone itself", nodes("a", "b"), nodes("b"), "a"},
	} {
		if got := nextQuestion(tt.before, tt.now, "a"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What was typed wrongly is saved as it is, told at the field, and gone when it
// is put right.
func TestWhatIsWrongIsToldWhenItIsSaved(t *testing.T) {
	s := newSite(t)
	project, _ := s.start("event", "police-public-event")
	common := "/projects/" + project + "/common"
	a := decode(t, s.autosave(common, url.Values{
		"_version": {s.version(common)}, "end_time.date": {"20266-06-12"}, "end_time.time": {"18:00"}, "contact_email": {"aino@"}, "_changed": {"end_time.date", "contact_email"},
	}))
	told := map[string]string{}
	for _, w := range a.Wrong {
		told[w.Path] = w.Text
	}
	if !strings.Contains(told["end_time"], "vuosi ei voi olla oikein") || !strings.Contains(told["contact_email"], "vajaa") || len(told) != 2 {
		t.Errorf("an autosave is told of %v", told)
	}
	if page := s.get(common); !strings.Contains(page, `value="20266-06-12"`) || !strings.Contains(page, `id="f-end_time-problem"`) || strings.Contains(page, `id="f-contact_name-problem"`) {
		t.Error("the form that is opened again has lost the date, says nothing of it, or complains of what is not answered yet")
	}
	a = decode(t, s.autosave(common, url.Values{"_version": {s.version(common)}, "end_time.date": {"2027-06-12"}, "end_time.time": {"18:00"}, "contact_email": {""}, "_changed": {"end_time.date", "contact_email"}}))
	if len(a.Wrong) != 0 {
		t.Errorf("put right, an autosave is told of %v", a.Wrong)
	}
}

// With scripts the same is told as soon as the field is left, and a question
// that comes is announced without taking the focus.
func TestScriptsTellWhatIsWrongAndWhatIsNew(t *testing.T) {
	s := newSite(t)
	project, ids := s.start("event", "police-public-event")
	p := s.open(browser.Options{JavaScript: true})
	p.Goto("/projects/" + project + "/common")
	p.Fill("Yhteyshenkilön sähköposti", "aino@")
	if browser.Eval[bool](p, `!!document.querySelector('.problem[id]')`) {
		t.Error("it is told before the field is left")
	}
	p.Focus("textbox", "Yhteyshenkilön puhelin")
	p.See("Sähköpostiosoite on vajaa")
	browser.Axe(t, p)
	p.Fill("Yhteyshenkilön sähköposti", "aino@posti.example")
	p.Focus("textbox", "Yhteyshenkilön puhelin")
	holds(t, p, `!document.getElementById('f-contact_email-problem') && !document.querySelector('[aria-invalid]')`)

	p.Goto("/matters/" + ids[0] + "/form")
	p.Fill("Järjestyksenvalvojien määrä", "2")
	p.Focus("textbox", "Esiintyjät")
	holds(t, p, `document.getElementById('live').textContent.includes('tuli 2 kysymystä lisää')`)
	if at := browser.Eval[string](p, `document.activeElement.name`); at != "performers" {
		t.Errorf("the focus is at %q", at)
	}
}

// holds waits until something is so on the page.
func holds(t *testing.T, p *browser.Page, script string) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !browser.Eval[bool](p, script); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not become so that %s: %q", script, browser.Eval[string](p, `document.getElementById('live').textContent`))
		}
	}
}
