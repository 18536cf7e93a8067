// Package testkit gives tests real databases, a clock and golden files.
//
// It is imported by tests only. A test gets SQLite by default and PostgreSQL
// when LUVAT_TEST_POSTGRES names a server (see scripts/test.sh): the same tests
// run on both.
package testkit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"luvat/internal/db"
)

var update = flag.Bool("update", false, "write the golden files anew")

// PostgresEnv names the server whose databases the tests may make and drop.
const PostgresEnv = "LUVAT_TEST_POSTGRES"

// URL returns the address of an empty database for this test alone.
func URL(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresEnv)
	if server == "" {
		return "sqlite:" + filepath.Join(t.TempDir(), "hub.db")
	}
	return serverDatabase(t, server, "")
}

// DB returns an open database with the schema, for this test alone.
func DB(t testing.TB) *db.DB {
	t.Helper()
	return empty.open(t, func(context.Context, *db.DB) error { return nil })
}

// Filled is DB with what fill writes. It is filled once for all tests of a
// package and copied for each, so all of them must fill it alike.
func Filled(t testing.TB, fill func(context.Context, *db.DB) error) *db.DB {
	t.Helper()
	return full.open(t, fill)
}

// A Mould is a database that tests get copies of: migrating and filling takes
// ten times as long as copying. Every mould of a package has a name of its own.
type Mould struct {
	name string
	once sync.Once
	made string // the file's bytes, or the name at the server
	err  error
}

var (
	empty, full = NewMould("empty"), NewMould("full")
	databases   atomic.Int64
)

// NewMould returns a mould that is still to be filled.
func NewMould(name string) *Mould { return &Mould{name: name} }

// URL returns the address of a copy for this test alone. The first that asks has
// fill fill the database at an address, and close it.
func (m *Mould) URL(t testing.TB, fill func(url string) error) string {
	t.Helper()
	server := os.Getenv(PostgresEnv)
	m.once.Do(func() { m.err = m.make(context.Background(), server, fill) })
	if m.err != nil {
		t.Fatalf("make the database that tests get copies of: %v", m.err)
	}
	return m.copy(t, server)
}

func (m *Mould) open(t testing.TB, fill func(context.Context, *db.DB) error) *db.DB {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, m.URL(t, func(url string) error {
		d, err := db.Open(ctx, url)
		if err != nil {
			return err
		}
		return errors.Join(fill(ctx, d), d.Close())
	}))
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return d
}

func (m *Mould) make(ctx context.Context, server string, fill func(url string) error) error {
	url := ""
	if server == "" {
		dir, err := os.MkdirTemp("", "luvat-"+m.name)
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // the system's own folder
		m.made = filepath.Join(dir, "hub.db")
		url = "sqlite:" + m.made
	} else {
		m.made = fmt.Sprintf("luvat_%s_%d", m.name, os.Getpid())
		if err := command(ctx, server, "CREATE DATABASE "+m.made); err != nil {
			return err
		}
		url = withName(server, m.made)
	}
	if err := fill(url); err != nil || server != "" {
		return err
	}
	body, err := os.ReadFile(m.made) // closed: its log is in it
	m.made = string(body)
	return err
}

// copy returns the address of a copy for this test alone.
func (m *Mould) copy(t testing.TB, server string) string {
	t.Helper()
	if server == "" {
		file := filepath.Join(t.TempDir(), "hub.db")
		if err := os.WriteFile(file, []byte(m.made), 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + file
	}
	return serverDatabase(t, server, " TEMPLATE "+m.made)
}

// serverDatabase makes a database at the server that goes with the test.
func serverDatabase(t testing.TB, server, like string) string {
	t.Helper()
	ctx, name := context.Background(), fmt.Sprintf("luvat_test_%d_%d", os.Getpid(), databases.Add(1))
	if err := command(ctx, server, "CREATE DATABASE "+name+like); err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := command(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return withName(server, name)
}

func command(ctx context.Context, server, sql string) error {
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer c.Close(ctx) //nolint:errcheck // nothing left to lose
	_, err = c.Exec(ctx, sql)
	return err
}

// withName puts a database's name into postgres://user@/old?host=….
func withName(server, name string) string {
	head, query, _ := strings.Cut(server, "?")
	scheme, rest, _ := strings.Cut(head, "://")
	host, _, _ := strings.Cut(rest, "/")
	url := scheme + "://" + host + "/" + name
	if query != "" {
		url += "?" + query
	}
	return url
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Start is the moment at which every test's clock begins: a Tuesday morning.
var Start = time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC)

// NewClock returns a clock that stands at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now tells the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock on.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Golden compares got with testdata/<name>; -update writes it anew.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what the test got (run with -update and look at the change):\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b || i >= len(w) || i >= len(g) {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, a, b)
		}
	}
	return "no line differs"
}
