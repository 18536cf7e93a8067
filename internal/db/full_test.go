package db_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"luvat/internal/db"
)

// A full disk is told as such to everybody whose deed it hit; what was there
// stays, and the hub goes on when there is room again.
func TestFullDisk(t *testing.T) {
	ctx := t.Context()
	file := "sqlite:" + filepath.Join(t.TempDir(), "hub.db")
	d, err := db.Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // the end of the test
	if err := d.InTx(ctx, func(tx *db.Tx) error { return add(ctx, tx, "before") }); err != nil {
		t.Fatal(err)
	}
	if err := d.LimitPages(1); err != nil { // no fewer than it has: it is full now
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, full := int64(0), 0
	for range 32 {
		wg.Go(func() {
			name := db.NewID() + strings.Repeat("x", 20_000)
			err := d.InTx(ctx, func(tx *db.Tx) error { return add(ctx, tx, name) })
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case db.IsFull(err):
				full++
			default:
				t.Errorf("%v; want IsFull", err)
			}
		})
	}
	wg.Wait()
	if full == 0 {
		t.Fatal("nothing hit the full disk: this test shows nothing")
	}
	if got := count(t, d); got != 1+done {
		t.Errorf("%d rows; want %d: what was acknowledged and nothing else", got, 1+done)
	}
	if err := d.LimitPages(1_000_000); err != nil {
		t.Fatal(err)
	}
	if err := d.InTx(ctx, func(tx *db.Tx) error { return add(ctx, tx, "after") }); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
