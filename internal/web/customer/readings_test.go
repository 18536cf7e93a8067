package customer

import (
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/ledger"
)

// Handling a matter opens it many times: looks in a row are one line, and
// nothing of them is lost.
func TestLooksInARowAreOneLine(t *testing.T) {
	s := newSite(t)
	project, id := s.sent("event", "muni-noise")
	day := time.Date(2027, 3, 3, 6, 47, 0, 0, time.UTC) // 8.47 in Finland
	s.must(s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		for _, look := range []struct {
			at              time.Time
			authority, what string
		}{
			{day.Add(-24 * time.Hour), "muni-837", "matter"},
			{day, "muni-837", "matter"},
			{day.Add(time.Minute), "muni-837", "matter"},
			{day.Add(2 * time.Minute), "muni-837", "matter"},
			{day.Add(3 * time.Minute), "muni-837", "attachment"},
			{day.Add(4 * time.Minute), "muni-837", "matter"},
			{day.Add(5 * time.Minute), "police-sisa-suomi", "matter"},
			{day.Add(5*time.Minute + time.Second), "police-sisa-suomi", "matter"},
		} {
			if err := ledger.Looked(t.Context(), tx, look.at, city.Actor(), look.authority, id, look.what, ""); err != nil {
				return err
			}
		}
		return nil
	}))
	path := projectPath(project) + "/readings"
	page := s.get(path)
	s.says(text(page), "3.3.2027: 3 katselua klo 08.47–08.49 Tampereen kaupunki", "3.3.2027: 2 katselua klo 08.52 Sisä-Suomen poliisilaitos", "2.3.2027 klo 08.47 Tampereen kaupunki")
	if n := strings.Count(page, "<tr"); n != 1+5 {
		t.Errorf("%d rows, want the heading and 5", n)
	}
	s.says(text(s.get(path+"?lang=sv")), "3.3.2027: 3 visningar kl. 08.47–08.49")
	s.says(text(s.get(path+"?lang=en")), "3 looks at 08:47–08:49")
}
