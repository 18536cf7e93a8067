package e2e_test

import (
	"strings"
	"testing"

	"luvat/internal/i18n"
)

// somebody is a person with a keyboard and a screen reader: what is reached is
// reached by keys, and known by what the reader says.
type somebody struct{ *visitor }

// to presses Tab until something with this role and name has the focus. What
// lies before it must not hold the focus, and nothing may need more than a page
// of Tabs.
func (s somebody) to(role, name string) {
	s.t.Helper()
	var heard []string
	for range 160 {
		r, n := s.Focused()
		if r == role && (n == name || name != "" && strings.Contains(n, name)) {
			return
		}
		heard = append(heard, r+" "+n)
		s.Press("Tab")
	}
	s.t.Fatalf("Tab does not lead to %s %q; one hears %q", role, name, heard)
}

// types writes text where the focus is.
func (s somebody) types(text string) {
	s.t.Helper()
	for _, letter := range text {
		key := string(letter)
		if letter == ' ' {
			key = "Space"
		}
		s.Press(key)
	}
}

// presses goes to a thing and presses Enter.
func (s somebody) presses(role, name string) {
	s.t.Helper()
	s.to(role, name)
	s.Press("Enter")
}

// hears checks that the focus is on what tells that the deed is done: only so
// does the reader say it by itself.
func (s somebody) hears(key string) {
	s.t.Helper()
	if role, name := s.Focused(); role != "status" || name != s.words(key) {
		s.t.Errorf("after the deed the focus is on %s %q, want the status %q", role, name, s.words(key))
	}
}

// One notification is filed by the keyboard alone: from the front page to the
// receipt. The reader hears each field's name before it is typed into.
func TestFilingByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s := somebody{h.visitor(t, i18n.EN, true)}
	s.Goto("/")

	s.Press("Tab") // the first thing leads past the header
	if role, name := s.Focused(); role != "link" || name != s.words("ui.skip") {
		t.Errorf("the first Tab leads to %s %q, want the link past the header", role, name)
	}
	s.Press("Enter", "Tab")
	if role, name := s.Focused(); role != "link" || name != s.words("public.start_survey") {
		t.Errorf("after the link past the header, Tab leads to %s %q, want the first link of the content", role, name)
	}
	s.presses("link", s.about("public.choose_freely")+h.Catalogue.Entity("event").Name.EN)
	s.presses("button", s.about("ui.login")+"Aino Virtanen")
	s.to("radio", h.Catalogue.Entity("event").Name.EN)
	s.Press("Space")
	s.to("combobox", s.words("customer.new_municipality"))
	s.types("Tampere")
	s.Press("Escape") // closes the suggestions
	s.presses("button", s.words("customer.new_continue"))
	s.to("textbox", s.words("customer.new_name"))
	s.types("Night at the hall")
	s.to("checkbox", s.typeName("rescue-temp-lodging"))
	s.Press("Space")
	s.presses("button", s.words("customer.new_start_button"))
	s.SeeElement("heading", "Night at the hall")

	common := h.form("common-event")
	s.presses("link", s.words("customer.common_edit"))
	for path, text := range map[string]string{"applicant_name": "Club", "contact_name": "Aino", "contact_phone": "0405550131", "contact_email": "aino@posti.example"} {
		s.Focus("link", s.words("ui.skip")) // from the top
		s.to("textbox", common.Label(path).EN)
		s.types(text)
	}
	s.to("radio", "Finnish")
	s.Press("Space")
	s.presses("button", s.words("customer.save_next"))
	s.SeeElement("heading", "Night at the hall")
	s.hears("customer.saved")

	s.presses("link", s.typeName("rescue-temp-lodging"))
	s.presses("button", s.words("customer.save_next")) // too early: what lacks is told
	s.SeeElement("heading", s.words("customer.send_title"))
	s.presses("link", h.form("light").Label("request").EN)
	s.to("textbox", h.form("light").Label("request").EN)
	s.types("Thirty people sleep in a school.")
	s.presses("button", s.words("customer.save_next"))
	s.to("checkbox", s.about("customer.send_this")+s.typeName("rescue-temp-lodging"))
	s.presses("button", s.words("customer.send_chosen"))
	s.SeeElement("heading", s.words("customer.receipt_title"))
	s.hears("customer.sent_flash")
}
