package matter_test

import (
	"testing"

	"luvat/internal/fail"
)

func TestAnApplicantSeesWhoLooked(t *testing.T) {
	b := newBench(t)
	id := b.sent("rescue-temp-lodging")
	v, err := b.Matter(t.Context(), aino, id)
	b.must(err)
	if all, _, err := b.Readings(t.Context(), aino, v.Project.ID); err != nil || len(all) != 0 {
		t.Errorf("before anybody looked: %d, %v", len(all), err)
	}
	for range 2 {
		_, err = b.Handled(t.Context(), rescue, id)
		b.must(err)
	}
	all, rows, err := b.Readings(t.Context(), aino, v.Project.ID)
	if err != nil || len(all) != 2 || all[0].Authority != rescue.Authority || all[0].Matter != id || all[0].What != "matter" || len(rows) != 1 {
		t.Errorf("Readings = %+v, %v", all, err)
	}
	if _, _, err := b.Readings(t.Context(), other, v.Project.ID); !fail.Is(err, fail.NotFound) {
		t.Errorf("a stranger: %v", err)
	}
}
