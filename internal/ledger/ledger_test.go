package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"luvat/internal/db"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

func record(t *testing.T, d *db.DB, stream, deed string) ledger.Entry {
	t.Helper()
	var e ledger.Entry
	err := d.InTx(t.Context(), func(tx *db.Tx) (err error) {
		e, err = ledger.Record(t.Context(), tx, testkit.Start, stream, ledger.Person("p1"), ledger.Applicant, deed, map[string]string{"to": "sent"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNumbersHaveNoGapsUnderConcurrency(t *testing.T) {
	d := testkit.DB(t)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			err := d.InTx(t.Context(), func(tx *db.Tx) error {
				_, err := ledger.Record(t.Context(), tx, testkit.Start, fmt.Sprint("matter:", i%3), "hub", ledger.Hub, "x", nil)
				if err == nil && i%4 == 0 {
					return errors.New("undone")
				}
				return err
			})
			if (err != nil) != (i%4 == 0) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	v, err := ledger.Verify(t.Context(), d)
	if err != nil || v.Entries != 45 || v.Streams() != 3 {
		t.Errorf("verify: %d entries in %d streams, %v; want 45 in 3", v.Entries, v.Streams(), err)
	}
}

func TestExportIsVerifiedOffline(t *testing.T) {
	d := testkit.DB(t)
	for _, s := range []string{"matter:a", "matter:b", "matter:a"} {
		record(t, d, s, "matter.sent")
	}
	var out bytes.Buffer
	if err := ledger.Export(t.Context(), d, &out); err != nil {
		t.Fatal(err)
	}
	whole := out.String()
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	for _, tt := range []struct {
		name string
		text string
		ok   bool
	}{
		{"as it was", whole, true},
		{"a deed changed", strings.Replace(whole, "matter.sent", "matter.lost", 1), false},
		{"data changed", strings.Replace(whole, `\"sent\"`, `\"Sent\"`, 1), false},
		{"the first entry gone", strings.Join(lines[1:], ""), false},
		{"the last entry of a stream gone", lines[0] + strings.Join(lines[2:], ""), false},
		{"cut after the first line", lines[0], false},
		{"empty", "", false},
		{"the end gone", strings.Join(lines[:len(lines)-1], ""), false},
		{"a whole stream gone", strings.Join(append(append([]string{}, lines[:2]...), lines[3], lines[len(lines)-1]), ""), false},
		{"not JSON", "hello\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ledger.VerifyExport(strings.NewReader(tt.text))
			if (err == nil) != tt.ok {
				t.Errorf("VerifyExport: %v; want ok %t", err, tt.ok)
			}
		})
	}
}

// The algorithm is a promise to everybody who keeps an export: this hash was
// computed with sha256sum, not by this program.
func TestTheHashIsTheOnePromised(t *testing.T) {
	e := ledger.Entry{Stream: "matter:a", N: 1, At: 1, Actor: "hub", Side: ledger.Hub, Deed: "d", Data: []byte("{}")}
	const want = "87edd6bc4ae649e842b45618ed71a8dd3726f2e862f70375adde1b71c49779cb"
	if got := e.Sum(); got != want {
		t.Errorf("Sum() = %s; want %s", got, want)
	}
}

func TestTamperingInTheDatabaseIsFound(t *testing.T) {
	d := testkit.DB(t)
	record(t, d, "matter:a", "one")
	record(t, d, "matter:a", "two")
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE ledger SET at = at + 1 WHERE n = 2")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Verify(t.Context(), d); !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("Verify: %v; want ErrBroken", err)
	}
}
