package delivery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/testkit"
)

func testPost() *Post {
	return &Post{Desk: &matter.Desk{Now: testkit.NewClock().Now}, BaseURL: "https://luvat.example", From: "ei-vastausta@luvat.example"}
}

func head(lang i18n.Lang, a matter.Audience, deed string) matter.Letterhead {
	l := matter.Letterhead{Notice: "notice", To: "x@example.fi", Lang: lang, Audience: a, Deed: deed, Project: "Kesäkonsertti", Number: "A2027-1001", Path: "/matters/0190"}
	l.Place = i18n.Text{FI: "Tampere", SV: "Tammerfors", EN: "Tampere"}.In(lang)
	l.Authority = i18n.Text{FI: "Pirkanmaan pelastuslaitos", SV: "Birkalands räddningsverk", EN: "Pirkanmaa Rescue Department"}.In(lang)
	l.Matter = i18n.Text{FI: "Pelastussuunnitelma", SV: "Räddningsplan", EN: "Rescue plan"}.In(lang)
	if a != matter.ToApplicant {
		l.Path = "/officer/matters/0190"
	}
	if deed == matter.DeedDraftExpires || deed == matter.DeedAsked || deed == matter.DeedStatementAsked {
		l.Due = time.Date(2027, 6, 12, 23, 59, 0, 0, i18n.Zone)
	}
	return l
}

// every lists the notices that the Desk asks for.
var every = []struct {
	audience matter.Audience
	deed     string
}{
	{matter.ToAuthority, matter.DeedSent},
	{matter.ToAuthority, matter.DeedCompleted},
	{matter.ToAuthority, matter.DeedWithdrawn},
	{matter.ToAuthority, matter.DeedMessage},
	{matter.ToAuthority, matter.DeedStatementAsked},
	{matter.ToAuthority, matter.DeedStatementGiven},
	{matter.ToApplicant, matter.DeedAsked},
	{matter.ToApplicant, matter.DeedMessage},
	{matter.ToApplicant, matter.DeedFinished},
	{matter.ToAuthority, matter.DeedTransferred},
	{matter.ToAuthority, matter.DeedFinished},
	{matter.ToApplicant, matter.DeedDraftExpires},
	{matter.ToApplicant, matter.DeedDismissed},
	{matter.ToApplicant, matter.DeedTransferred},
	{matter.ToDeputy, matter.DeedSent},
	{matter.ToDeputy, matter.DeedCompleted},
	{matter.ToDeputy, matter.DeedMessage},
}

func TestMails(t *testing.T) {
	p := testPost()
	for _, lang := range i18n.Langs {
		var b strings.Builder
		show := func(what string, m Mail) {
			fmt.Fprintf(&b, "=== %s\nSubject: %s\n\n%s\n", what, m.Subject, m.Body)
		}
		for _, e := range every {
			show(string(e.audience)+" "+e.deed, p.letter(head(lang, e.audience, e.deed)))
		}
		for _, role := range matter.Members {
			show("invitation "+string(role), p.invitation(matter.InviteMail{Invitation: "i", Secret: "secret"}, "x@example.fi", lang, "Kesäkonsertti", role))
		}
		if strings.Contains(b.String(), "[delivery.") {
			t.Errorf("%s: a text is missing", lang)
		}
		testkit.Golden(t, "mails_"+string(lang)+".golden", b.String())
	}
}

func TestTheSubjectStandard(t *testing.T) {
	got := testPost().letter(head(i18n.FI, matter.ToApplicant, matter.DeedAsked)).Subject
	if want := "[Kesäkonsertti] A2027-1001 Tampere, Pirkanmaan pelastuslaitos: asiaa pyydetään täydentämään 12.6.2027 mennessä"; got != want {
		t.Errorf("subject\n%s; want\n%s", got, want)
	}
}

func TestANoticeDoesNotTellHowAMatterEnded(t *testing.T) {
	p := testPost()
	for _, lang := range i18n.Langs {
		want := p.letter(head(lang, matter.ToApplicant, matter.DeedFinished))
		for _, deed := range []string{matter.DeedDismissed, matter.DeedTransferred} {
			if got := p.letter(head(lang, matter.ToApplicant, deed)); got != want {
				t.Errorf("%s: the mail of %s differs from that of %s:\n%+v\n%+v", lang, deed, matter.DeedFinished, got, want)
			}
		}
	}
}

func TestAnUnknownDeedIsToldOfAllTheSame(t *testing.T) {
	m := testPost().letter(head(i18n.FI, matter.ToApplicant, "matter.of_a_later_version"))
	if !strings.Contains(m.Subject, "asiassa on uutta") {
		t.Errorf("subject %q", m.Subject)
	}
}

func TestLine(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Kesäkonsertti – “Ämyri” 2027", "Kesäkonsertti – “Ämyri” 2027"},
		{"a header in it", "Konsertti\r\nBcc: x@example.fi\r\n\r\nOsta!", "Konsertti Bcc: x@example.fi Osta!"},
		{"other ends of line", "a\u2028b\u2029c\u0085d\ve\x00f", "a b c d e f"},
		{"hidden and turning characters", "a\u202eb\u200bc\ufeffd\u00ad", "abcd"},
		{"an identity number", "Aino 131052-308T ja 010203A123B", "Aino ******-**** ja ******-****"},
		{"a number that is none", "131052-30", "131052-30"},
		{"too long", strings.Repeat("ä", 61), strings.Repeat("ä", 59) + "…"},
		{"broken letters", "a\xffb", "ab"},
		{"nothing", " \t ", ""},
	} {
		if got := line(tt.in, 60); got != tt.want {
			t.Errorf("%s: line(%q) = %q; want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestAMatterWithoutPlaceOrProjectNameHasAnHonestSubject(t *testing.T) {
	l := head(i18n.FI, matter.ToAuthority, matter.DeedSent)
	l.Place, l.Project = "", "\u200b"
	if got, want := testPost().letter(l).Subject, "A2027-1001 Pirkanmaan pelastuslaitos: uusi asia on saapunut"; got != want {
		t.Errorf("subject %q; want %q", got, want)
	}
}
