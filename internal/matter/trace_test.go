package matter_test

import (
	"fmt"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// Support finds a matter by its number: what has happened and what has gone, and
// nothing of what it says. That it looked, the applicant sees.
func TestSupportSeesTheTraceAlone(t *testing.T) {
	b := newBench(t)
	id := b.sent("rescue-temp-lodging")
	v := b.row(id)
	b.must(b.WriteAsApplicant(t.Context(), aino, id, "Viesti, jota tuki ei näe", nil))
	helper := identity.Support{Person: identity.Person{ID: "tuki", Name: "Tuki"}}
	got, err := b.Trace(t.Context(), helper, " "+strings.ToLower(v.Number)+" ")
	b.must(err)
	if got.Number != v.Number || got.Authority != rescue.Authority || got.Status != matter.Sent {
		t.Errorf("Trace = %+v", got)
	}
	var deeds string
	for i, e := range got.Entries {
		deeds += e.Deed + " "
		if e.N != int64(i+1) || e.At.IsZero() || e.Side == "" {
			t.Errorf("entry %+v", e)
		}
	}
	if deeds != "matter.started matter.sent matter.message " {
		t.Errorf("the deeds are %q", deeds)
	}
	if len(got.Jobs) == 0 || got.Jobs[0].Kind != "matter.notify" || got.Jobs[0].State != "waiting" {
		t.Errorf("what waits: %+v", got.Jobs)
	}
	all := fmt.Sprintf("%+v", got)
	for _, secret := range []string{aino.Name, aino.ID, "Viesti, jota", v.Project.Name, v.Type} {
		if secret != "" && strings.Contains(all, secret) {
			t.Errorf("support is told %q", secret)
		}
	}
	looks, _, err := b.Readings(t.Context(), aino, v.Project.ID)
	b.must(err)
	if len(looks) != 1 || looks[0].What != "trace" || looks[0].Authority != "" || looks[0].Matter != id {
		t.Errorf("the applicant sees %+v", looks)
	}
	letters, err := b.Letters(t.Context(), matter.Notify{Matter: id, N: 2, Deed: matter.DeedSent, Audience: matter.ToAuthority})
	b.must(err)
	got, err = b.Trace(t.Context(), helper, v.Number)
	b.must(err)
	if len(letters) != 1 || len(got.Notices) != 1 || got.Notices[0].N != 2 || got.Notices[0].Audience != matter.ToAuthority || !got.Notices[0].Handed.IsZero() {
		t.Errorf("notices: %+v", got.Notices)
	}
	for _, none := range []string{"", "A-1-1", v.Number + "0", id} {
		if _, err := b.Trace(t.Context(), helper, none); !fail.Is(err, fail.NotFound) {
			t.Errorf("%q: %v", none, err)
		}
	}
	b.must(b.DB.View(t.Context(), func(tx *db.Tx) error {
		var actor string
		err := tx.QueryRowContext(t.Context(), `SELECT DISTINCT actor FROM reads WHERE matter_id = $1`, id).Scan(&actor)
		if actor != "person:tuki" {
			t.Errorf("it stands there that %q looked", actor)
		}
		return err
	}))
}
