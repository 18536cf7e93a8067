package app

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/testkit"
)

// DemoDay is when the demo that tests get copies of was seeded.
var DemoDay = time.Date(2026, 11, 20, 9, 30, 0, 0, i18n.Zone)

var began = time.Now()

// DemoTime goes on from DemoDay, for tests whose time must pass.
func DemoTime() time.Time { return DemoDay.Add(time.Since(began)) }

var (
	loaded      = testkit.NewMould("content")
	seeded      = testkit.NewMould("demo")
	seededFiles = fstest.MapFS{} // the attachments of it
)

// ContentURL is the address of a database for this test alone that has the
// content and nothing else: loading it takes longer than most tests.
func ContentURL(t testing.TB) string {
	t.Helper()
	return loaded.URL(t, func(url string) error {
		return Migrate(context.Background(), Config{DatabaseURL: url}, io.Discard)
	})
}

// DemoCopy is the configuration of a demo for this test alone: a copy of one
// that was seeded once for all tests, as if on DemoDay.
func DemoCopy(t testing.TB) Config {
	t.Helper()
	c, err := DemoConfig(t.TempDir(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.DatabaseURL = seeded.URL(t, seedOnce)
	if err := os.CopyFS(c.Attachments, seededFiles); err != nil {
		t.Fatal(err)
	}
	return c
}

// seedOnce seeds the database at an address and reads what it attached.
func seedOnce(url string) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "luvat-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's own folder
	c, err := DemoConfig(dir, "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.DatabaseURL = url
	h, err := Open(ctx, c, Options{Now: func() time.Time { return DemoDay }})
	if err != nil {
		return err
	}
	if err := errors.Join(h.SeedDemo(ctx), h.Close()); err != nil {
		return err
	}
	return filepath.WalkDir(c.Attachments, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		within, err := filepath.Rel(c.Attachments, name)
		seededFiles[filepath.ToSlash(within)] = &fstest.MapFile{Data: body}
		return err
	})
}
