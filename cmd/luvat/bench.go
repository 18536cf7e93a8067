package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"luvat/internal/app"
	"luvat/internal/bench"
)

type benchCommand struct {
	Engine   string `help:"Engine to measure: sqlite, or postgres together with --database." enum:"sqlite,postgres" default:"sqlite"`
	Database string `help:"Address of an EMPTY database; default a SQLite file in --data."`
	Matters  []int  `help:"How many matters are in the database, one measurement after another." default:"1000,10000,1000000"`
	Clients  int    `help:"Readers at a time." default:"16"`
	Senders  int    `help:"Senders at a time." default:"32"`
	Seconds  int    `help:"How long each load lasts." default:"10"`
	Data     string `help:"Folder for what is written, on the disk to be measured; default a new temporary one. What is written is removed at the end." type:"path"`
	JSON     string `help:"File to write the figures to as well." type:"path" name:"json"`
	Profile  string `help:"Folder for processor profiles of the loads." type:"path"`
	Quick    bool   `help:"A small run: 1,000 and 10,000 matters, two seconds each."`
}

// Run measures and prints what it found.
func (c benchCommand) Run(ctx context.Context, out *os.File) (err error) {
	if c.Quick {
		c.Matters, c.Seconds = []int{1000, 10_000}, 2
	}
	if c.Engine == "postgres" && c.Database == "" {
		return errors.New("--engine postgres: say which EMPTY database with --database postgres://…")
	}
	if c.Clients < 1 || c.Senders < 1 || c.Seconds < 1 || len(c.Matters) == 0 || slices.Min(c.Matters) < 100 {
		return errors.New("--clients, --senders and --seconds: at least 1; --matters: at least 100")
	}
	slices.Sort(c.Matters)
	if c.Data != "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return err
		}
	}
	data, err := os.MkdirTemp(c.Data, "luvat-bench-") // never somebody's own data
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := bench.Options{
		Open: openHub, Program: program, Database: c.Database, Data: data, Matters: c.Matters, Clients: c.Clients, Senders: c.Senders,
		Each: time.Duration(c.Seconds) * time.Second, Profile: c.Profile, Progress: os.Stderr,
	}
	if o.Database == "" {
		o.Database = "sqlite:" + filepath.Join(data, "hub.db")
	}
	report, err := bench.Run(ctx, o)
	if report != nil {
		report.Text(out)
		if c.JSON != "" {
			err = errors.Join(err, writeJSON(c.JSON, report))
		}
	}
	return err
}

func writeJSON(file string, r *bench.Report) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(r.JSON(f), f.Close())
}

// openHub opens the hub that is measured: the demo's wiring, without its
// people, over the given database.
func openHub(ctx context.Context, database, files string) (*bench.Hub, error) {
	cfg, err := app.DemoConfig(files, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	cfg.DatabaseURL, cfg.Attachments = database, files
	h, err := app.Open(ctx, cfg, app.Options{})
	if err != nil {
		return nil, fmt.Errorf("open the hub: %w", err)
	}
	return &bench.Hub{
		DB: h.DB, Catalogue: h.Catalogue, Desk: h.Desk, Files: h.Files, Sessions: h.Site.Sessions,
		Handler: h.Handler, Work: h.Outbox.Run, Close: h.Close,
	}, nil
}
