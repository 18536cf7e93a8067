// Package bench measures the hub on the machine it runs on.
//
// Everything is compared with a bare loop: the same rows, written and read in
// plain SQL on the same engine, in the same run, turn by turn, without HTTP,
// rights, checks, rendering or ledger arithmetic. Absolute figures drift with
// the machine; the ratio to the bare loop does not. docs/benchmarks.md says
// what each figure means.
//
// The hub is the real one behind a real listener on loopback; its clients live
// in the same process and share its processors.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// A Hub is the hub to be measured, by its parts.
type Hub struct {
	DB        *db.DB
	Catalogue *catalogue.Catalogue
	Desk      *matter.Desk
	Files     *attach.Store
	Sessions  *identity.Sessions
	Handler   http.Handler
	Work      func(context.Context) // works the outbox until the context ends
	Close     func() error
}

// Options say what to measure. Open and the sizes are needed.
type Options struct {
	// Open opens a hub over an empty database, its attachments in a folder.
	Open func(ctx context.Context, database, files string) (*Hub, error)
	// Program is the file of the program, to measure how it starts and idles;
	// "" leaves that out.
	Program string

	Database string // its address; it must be empty
	Data     string // a folder for what is written; on the disk to be measured
	Matters  []int  // how many matters are in the database, ascending
	Clients  int    // readers at a time
	Senders  int    // senders at a time
	Each     time.Duration
	Profile  string    // a folder for processor profiles, "" for none
	Progress io.Writer // told what goes on
}

type run struct {
	Options
	hub     *Hub
	addr    string // of the listener
	mass    *mass
	drafts  *drafts
	report  *Report
	started time.Time
}

// Run measures and returns what it found, also what it found before an error.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	r := &run{Options: o, started: time.Now(), report: &Report{
		When: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), Processors: runtime.NumCPU(),
		Clients: o.Clients, Senders: o.Senders, Seconds: o.Each.Seconds(),
	}}
	if o.Program != "" {
		r.say("start of the program")
		if r.report.Start, err = measureStart(ctx, o.Program, filepath.Join(o.Data, "start")); err != nil {
			return r.report, fmt.Errorf("measure the start: %w", err)
		}
	}
	r.hub, err = o.Open(ctx, o.Database, filepath.Join(o.Data, "files"))
	if err != nil {
		return r.report, fmt.Errorf("open the hub: %w", err)
	}
	defer func() { err = errors.Join(err, r.hub.Close()) }()
	r.report.Engine = string(r.hub.DB.Engine())
	stop, err := r.listen(ctx)
	if err != nil {
		return r.report, err
	}
	defer stop()
	if err := r.prepare(ctx); err != nil {
		return r.report, err
	}
	for _, n := range o.Matters {
		size, err := r.size(ctx, n)
		r.report.Sizes = append(r.report.Sizes, *size)
		if r.Progress != nil {
			r.report.size(func(format string, args ...any) { fmt.Fprintf(r.Progress, format+"\n", args...) }, size)
		}
		if err != nil {
			return r.report, fmt.Errorf("with %d matters: %w", n, err)
		}
	}
	if r.report.Pages, err = r.pages(ctx); err != nil {
		return r.report, fmt.Errorf("weigh the pages: %w", err)
	}
	r.report.Took = time.Since(r.started).Round(time.Second).String()
	return r.report, nil
}

// prepare writes the people and offers, and one draft to copy.
func (r *run) prepare(ctx context.Context) error {
	r.say("people, offers and a draft")
	var err error
	if r.mass, err = newMass(ctx, r.hub); err != nil {
		return fmt.Errorf("prepare the data: %w", err)
	}
	if r.drafts, err = newDrafts(ctx, r.hub); err != nil {
		return fmt.Errorf("prepare a draft: %w", err)
	}
	if r.hub.Handler != nil {
		if err := r.drafts.learn(ctx, r.addr); err != nil {
			return fmt.Errorf("learn the forms: %w", err)
		}
	}
	return nil
}

// size fills the database up to n matters and measures there.
func (r *run) size(ctx context.Context, n int) (*Size, error) {
	s := &Size{Matters: n}
	r.say("%d matters: writing them", n)
	began := time.Now()
	if err := r.mass.grow(ctx, n); err != nil {
		return s, fmt.Errorf("write the matters: %w", err)
	}
	s.Filling = time.Since(began).Seconds()
	debug.FreeOSMemory()
	resetPeak()
	for _, step := range []struct {
		what string
		fn   func(context.Context, *Size) error
	}{
		{"inbox", r.inbox},
		{"joint view", r.joint},
		{"submissions", r.submissions},
	} {
		r.say("%d matters: %s", n, step.what)
		if err := step.fn(ctx, s); err != nil {
			return s, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	s.Memory = memory()
	return s, nil
}

// listen serves the hub on a port of loopback.
func (r *run) listen(ctx context.Context) (stop func(), err error) {
	if r.hub.Handler == nil {
		return func() {}, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	r.addr = l.Addr().String()
	server := &http.Server{Handler: r.hub.Handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with ErrServerClosed
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}

func (r *run) say(format string, args ...any) {
	if r.Progress != nil {
		fmt.Fprintf(r.Progress, "%6.1f s  %s\n", time.Since(r.started).Seconds(), fmt.Sprintf(format, args...))
	}
}

func (r *run) profile(name string) (stop func(), err error) {
	if r.Profile == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(r.Profile, 0o700); err != nil {
		return nil, err
	}
	return profileTo(filepath.Join(r.Profile, name+".pprof"))
}
