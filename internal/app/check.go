package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/outbox"
)

// Migrate brings schema and content up to date and tells what it did.
func Migrate(ctx context.Context, c Config, out io.Writer) error {
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // all is written
	n, err := catalogue.Load(ctx, d, content.FS, time.Now())
	if err != nil {
		return err
	}
	has, _, err := d.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "schema %d, %d documents of content new\n", has, n)
	return err
}

// CheckEnvironment reads the configuration as serve does, tells its mistakes in
// one line, and goes on with Check.
func CheckEnvironment(ctx context.Context, getenv func(string) string, deep bool, out io.Writer) (ok bool, err error) {
	c, wrong := ReadConfig(getenv)
	if wrong != nil {
		wrong = errors.New(strings.ReplaceAll(wrong.Error(), "\n", "; "))
	}
	tell(out, "configuration", wrong, "whole")
	ok, err = Check(ctx, c, deep, out)
	return ok && wrong == nil, err
}

// tell writes a line of the report.
func tell(out io.Writer, what string, err error, good string) {
	if err != nil {
		fmt.Fprintf(out, "WRONG %-13s %v\n", what, err)
		return
	}
	fmt.Fprintf(out, "ok    %-13s %s\n", what, good)
}

// Check looks at a hub's data, running or not, and tells line by line what it
// found; ok is false when anything is wrong. It changes nothing and makes nothing.
func Check(ctx context.Context, c Config, deep bool, out io.Writer) (ok bool, err error) {
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer d.Close() //nolint:errcheck // only read
	ok = true
	tell := func(what string, err error, good string) {
		ok = ok && err == nil
		tell(out, what, err, good)
	}
	has, wants, err := d.SchemaVersion(ctx)
	if err == nil && has != wants {
		err = fmt.Errorf("is %d, this program wants %d: run luvat migrate, or the program that made it", has, wants)
	}
	tell("schema", err, fmt.Sprint("version ", has))
	if err != nil {
		return ok, nil
	}
	cat, err := catalogue.Open(ctx, d)
	tell("content", err, "readable")
	v, err := ledger.Verify(ctx, d)
	tell("ledger", err, fmt.Sprintf("%d entries in %d streams, every chain holds", v.Entries, v.Streams()))
	if err == nil && cat != nil {
		n, err := matter.CheckStates(ctx, d)
		tell("matters", err, fmt.Sprintf("%d, each as its ledger says", n))
	}
	if err == nil && cat != nil {
		n, err := matter.CheckSeals(ctx, d)
		tell("submissions", err, fmt.Sprintf("%d, each with the seal that the ledger keeps", n))
	}
	if c.Attachments == "" {
		tell("attachments", errors.New("not checked: say where they are, LUVAT_ATTACHMENTS"), "")
	} else {
		r, err := checkFiles(ctx, d, c.Attachments, deep)
		tell("attachments", err, fmt.Sprintf("%d, %d bytes on disk, %d blobs that nothing names (swept in time)", r.Attachments, r.Bytes, len(r.Orphans)))
	}
	var waiting, dead int64
	err = d.View(ctx, func(tx *db.Tx) (err error) { waiting, dead, err = outbox.Counts(ctx, tx); return err })
	if err == nil && dead > 0 {
		err = fmt.Errorf("%d jobs were given up: see the outbox page", dead)
	}
	tell("outbox", err, fmt.Sprintf("%d jobs wait, none is dead", waiting))
	checkKeys(ctx, d, c.Keys, deep, tell)
	return ok, nil
}

// Verify checks an export of the ledger.
func Verify(in io.Reader, out io.Writer) error {
	v, err := ledger.VerifyExport(in)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d entries in %d streams, every chain holds\n", v.Entries, v.Streams())
	return err
}

// Export writes a hub's ledger for Verify; the hub may be running.
func Export(ctx context.Context, c Config, out io.Writer) error {
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only read
	return ledger.Export(ctx, d, out)
}

func checkFiles(ctx context.Context, d *db.DB, folder string, deep bool) (attach.Report, error) {
	switch st, err := os.Stat(folder); {
	case errors.Is(err, os.ErrNotExist):
		return attach.Report{}, fmt.Errorf("the folder %s is not there: mend LUVAT_ATTACHMENTS, or start the hub once, which makes it", folder)
	case err != nil:
		return attach.Report{}, err
	case !st.IsDir():
		return attach.Report{}, fmt.Errorf("%s is not a folder: mend LUVAT_ATTACHMENTS", folder)
	}
	store := attach.Look(d, folder)
	check := store.Check
	if deep {
		check = store.CheckDeep
	}
	r, err := check(ctx)
	if err == nil && !r.OK() {
		err = fmt.Errorf("%d have no bytes (%v), %d are damaged (%v): restore the folder from a backup", len(r.Missing), r.Missing, len(r.Damaged), r.Damaged)
	}
	return r, err
}
