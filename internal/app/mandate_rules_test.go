package app

import (
	"strings"
	"testing"
	"time"

	"luvat/content"
	"luvat/internal/catalogue"
	"luvat/internal/testkit"
)

// What is said of officers by mandate is read with defaults, and every mistake is
// told at once.
func TestOfficersByMandateAreConfigured(t *testing.T) {
	d := testkit.DB(t)
	if _, err := catalogue.Load(t.Context(), d, content.FS, testkit.Start); err != nil {
		t.Fatal(err)
	}
	cat, err := catalogue.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	o, err := mandateConnection{}.officers(cat)
	if err != nil || o.AskEach != 0 || o.Within != 0 || o.Authorities != nil { // identity's defaults hold
		t.Errorf("nothing told: %+v, %v", o, err)
	}
	o, err = mandateConnection{AskEach: "2m", ConfirmDays: 14, OfficerAuthorities: []string{"rescue-pirkanmaa"}}.officers(cat)
	if err != nil || o.AskEach != 2*time.Minute || o.Within != 14*24*time.Hour || len(o.Authorities) != 1 {
		t.Errorf("all told: %+v, %v", o, err)
	}
	_, err = mandateConnection{AskEach: "30s", ConfirmDays: -1, OfficerAuthorities: []string{"rescue-nowhere"}}.officers(cat)
	for _, name := range []string{"officer_ask_each", "officer_confirm_days", "rescue-nowhere"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
