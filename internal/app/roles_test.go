package app_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luvat/internal/app"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// A real hub begins without anybody: its operator gives the first lead the role,
// and service management likewise, with a trace.
func TestTheFirstRoles(t *testing.T) {
	ctx := t.Context()
	c := app.Config{Listen: "127.0.0.1:0", BaseURL: "http://127.0.0.1:8080", DatabaseURL: app.ContentURL(t), Attachments: filepath.Join(t.TempDir(), "files"), MailFrom: "hub@example.fi", Demo: true}
	h, err := app.Open(ctx, c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = h.DB.InTx(ctx, func(tx *db.Tx) error {
		return identity.SavePerson(ctx, tx, time.Now(), identity.Person{ID: "liisa", Name: "Liisa", Lang: "fi"})
	})
	if err == nil {
		err = h.Site.Roles.Ask(ctx, identity.Person{ID: "liisa"}, "rescue-pirkanmaa", "virtu")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	list := func() string {
		t.Helper()
		var out strings.Builder
		if err := app.ListRoles(ctx, c, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if text := list(); !strings.Contains(text, "asks for a role") || !strings.Contains(text, "liisa") || !strings.Contains(text, "rescue-pirkanmaa") {
		t.Errorf("before: %s", text)
	}
	lead, service := identity.Hat{Role: identity.RoleLead, Authority: "rescue-pirkanmaa"}, identity.Hat{Role: identity.RoleService}
	support := identity.Hat{Role: identity.RoleSupport}
	for _, wrong := range []struct {
		person string
		hat    identity.Hat
	}{
		{"nobody", lead},
		{"liisa", identity.Hat{Role: identity.RoleLead}},
		{"liisa", identity.Hat{Role: identity.RoleLead, Authority: "rescue-nowhere"}},
		{"liisa", identity.Hat{Role: identity.RoleService, Authority: "rescue-pirkanmaa"}},
		{"liisa", identity.Hat{Role: identity.RoleSupport, Authority: "rescue-pirkanmaa"}},
		{"liisa", identity.Hat{Role: identity.RoleOfficer, Authority: "rescue-pirkanmaa"}},
	} {
		var out strings.Builder
		if err := app.GiveRole(ctx, c, wrong.person, string(wrong.hat.Role), wrong.hat.Authority, &out); err == nil {
			t.Errorf("%s was given %+v", wrong.person, wrong.hat)
		}
	}
	for _, hat := range []identity.Hat{lead, service, support} {
		var out strings.Builder
		if err := app.GiveRole(ctx, c, "liisa", string(hat.Role), hat.Authority, &out); err != nil {
			t.Fatal(err)
		}
	}
	if text := list(); strings.Contains(text, "asks for a role") || !strings.Contains(text, "lead ") || !strings.Contains(text, "service management") || !strings.Contains(text, "support ") {
		t.Errorf("after: %s", text)
	}
	var out strings.Builder
	if err := app.WithdrawRole(ctx, c, "liisa", string(lead.Role), lead.Authority, &out); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(context.WithoutCancel(ctx), c.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // only read
	deeds := map[string]string{}
	err = d.View(ctx, func(tx *db.Tx) error {
		for _, stream := range []string{identity.AuthorityStream("rescue-pirkanmaa"), "hub"} {
			entries, err := ledger.Read(ctx, tx, stream)
			if err != nil {
				return err
			}
			for _, e := range entries {
				deeds[stream] += e.Deed + " "
			}
		}
		return nil
	})
	if err != nil || deeds["authority:rescue-pirkanmaa"] != "role.asked role.given role.withdrawn " || !strings.HasSuffix(deeds["hub"], "role.given role.given ") {
		t.Errorf("the ledger says %v, %v", deeds, err)
	}
}
