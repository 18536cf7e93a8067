package customer

import (
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

// A deed of which three members get a mail is not hidden below three lines.
func TestMailsOfOneDeedAreOneLine(t *testing.T) {
	s := newSite(t)
	handed := func(entry int64, to matter.Audience) matter.Event {
		return matter.Event{Deed: matter.DeedNoticeHanded, Side: ledger.Hub, Entry: entry, Audience: string(to)}
	}
	v := &matter.View{Events: []matter.Event{
		{N: 1, Deed: matter.DeedSent, Side: ledger.Applicant, Name: "Aino Aalto"},
		handed(1, matter.ToAuthority),
		{N: 3, Deed: matter.DeedAsked, Side: ledger.Authority},
		{N: 4, Deed: matter.DeedMessage, Side: ledger.Authority},
		handed(3, matter.ToApplicant),
		handed(3, matter.ToApplicant),
		handed(4, matter.ToApplicant),
		handed(3, matter.ToApplicant),
	}}
	v.Authority = "muni-837"
	got := (room{Site: s.Site}).events(say{i18n.FI}, v)
	want := []string{"Ilmoitus lähti sähköpostilla", "Ilmoitus lähti sähköpostilla", "Viesti lähetettiin", "Viranomainen pyysi täydennystä", "Ilmoitus lähti sähköpostilla", "Asia lähetettiin viranomaiselle"}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(got), len(want), got)
	}
	for i, e := range got {
		if e.Title != want[i] || e.Now != (i == 2) {
			t.Errorf("line %d is %q, now %v; want %q, now %v", i, e.Title, e.Now, want[i], i == 2)
		}
	}
}
