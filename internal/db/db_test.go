package db_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"luvat/internal/db"
	"luvat/internal/testkit"
)

func count(t *testing.T, d *db.DB) (n int64) {
	t.Helper()
	err := d.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM counters").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func add(ctx context.Context, tx *db.Tx, name string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO counters (name, value) VALUES ($1, $2)", name, 1)
	return err
}

func TestDeedsOfAFailedTransactionLeaveNoTrace(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	boom := errors.New("boom")
	err := d.InTx(ctx, func(tx *db.Tx) error {
		if err := add(ctx, tx, "a"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || count(t, d) != 0 {
		t.Errorf("InTx = %v with %d rows; want the error and no rows", err, count(t, d))
	}
}

func TestOneDeedsFailureDoesNotTouchTheOthers(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := d.InTx(ctx, func(tx *db.Tx) error {
				if err := add(ctx, tx, db.NewID()); err != nil {
					return err
				}
				if i%3 == 0 {
					return errors.New("boom")
				}
				return nil
			})
			if (err != nil) != (i%3 == 0) {
				t.Errorf("deed %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if got := count(t, d); got != 133 {
		t.Errorf("%d rows; want 133", got)
	}
}

// Who looks first and writes then sees, once alone, what all before have written.
func TestOneAtATimeAlone(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			err := d.InTx(ctx, func(tx *db.Tx) error {
				if err := tx.Alone(ctx, "counters"); err != nil {
					return err
				}
				var n int64
				if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM counters").Scan(&n); err != nil || n > 0 {
					return err
				}
				return add(ctx, tx, fmt.Sprint("first is ", i))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, d); n != 1 {
		t.Errorf("%d were the first", n)
	}
}

func TestUniqueIsTold(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	var err error
	for range 2 {
		err = d.InTx(ctx, func(tx *db.Tx) error { return add(ctx, tx, "same") })
	}
	if !db.IsUnique(err) {
		t.Errorf("the second row: %v; want IsUnique", err)
	}
}

func TestAPanicReachesItsCallerOnly(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = d.InTx(ctx, func(*db.Tx) error { panic("boom") })
	}()
	if err := d.InTx(ctx, func(tx *db.Tx) error { return add(ctx, tx, "after") }); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

func TestViewRefusesToWrite(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	err := d.View(ctx, func(tx *db.Tx) error { return add(ctx, tx, "x") })
	if err == nil {
		t.Error("a write in a View succeeded")
	}
}

func TestTheSameQueryInsideItself(t *testing.T) {
	d := testkit.DB(t)
	ctx := t.Context()
	if err := d.InTx(ctx, func(tx *db.Tx) error { return errors.Join(add(ctx, tx, "a"), add(ctx, tx, "b")) }); err != nil {
		t.Fatal(err)
	}
	if d.Engine() == db.Postgres {
		return // rows must be closed first there; the pages never nest
	}
	seen := 0
	const q = "SELECT name FROM counters ORDER BY name"
	err := d.View(ctx, func(tx *db.Tx) error {
		outer, err := tx.QueryContext(ctx, q)
		if err != nil {
			return err
		}
		return outer.Each(func() error {
			inner, err := tx.QueryContext(ctx, q)
			if err != nil {
				return err
			}
			return inner.Each(func() error { seen++; return nil })
		})
	})
	if err != nil || seen != 4 {
		t.Errorf("saw %d rows, %v; want 4", seen, err)
	}
}

func TestAFileBelongsToOneProcess(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "hub.db")
	first, err := db.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close() //nolint:errcheck // the end of the test
	if _, err := db.Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second opening: %v; want a refusal", err)
	}
	look, err := db.Open(t.Context(), file, db.Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("looking at a file in use: %v", err)
	}
	defer look.Close() //nolint:errcheck // the end of the test
	if has, wants, err := look.SchemaVersion(t.Context()); err != nil || has != wants {
		t.Errorf("schema %d, wants %d, %v", has, wants, err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "hub.db")
	d, err := db.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	err = d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)", 99999, 1)
		return err
	})
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Open(t.Context(), file); !errors.Is(err, db.ErrNewer) {
		t.Errorf("opening a newer schema: %v; want ErrNewer", err)
	}
}
