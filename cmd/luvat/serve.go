package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"luvat/internal/app"
)

type demoCommand struct {
	Data   string `help:"Folder of the database and the attachments; made if it is not there." default:"luvat-data" type:"path"`
	Listen string `help:"Address to answer at; loopback only." default:"127.0.0.1:8080"`
}

// Run starts the demo and answers until it is stopped.
func (c demoCommand) Run(ctx context.Context, out *os.File) error {
	if _, err := app.DemoConfig(c.Data, c.Listen); err != nil {
		return err // before anything listens there
	}
	listen, err := settled(ctx, c.Listen)
	if err != nil {
		return err
	}
	cfg, err := app.DemoConfig(c.Data, listen)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := app.Open(ctx, cfg, app.Options{Log: log})
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // the end of the process
	if err := h.SeedDemo(ctx); err != nil {
		return fmt.Errorf("make the demo's people and projects: %w", err)
	}
	stop, err := h.StartMandates(ctx)
	if err != nil {
		return fmt.Errorf("start the stand-in of Suomi.fi-valtuudet: %w", err)
	}
	defer stop(context.WithoutCancel(ctx)) //nolint:errcheck // the end of the process
	return h.Run(ctx, func(addr string) {
		fmt.Fprintf(out, `Luvat ja valvonta is ready: http://%s/   (data in %s; stop with Ctrl-C)

Try this:
  1. Answer the survey for an event in Tampere and start a project from the result.
  2. Sign in as Aino Virtanen, the volunteer, and open "Kesäkonsertti": a completion waits there.
  3. Sign in as Riikka Koskinen, the rescue officer, and take the plan "With the authority" into handling; or as Noora Salmi, and change to an officer of Tampere by a Suomi.fi mandate.
  4. Sign in as Linnéa Ström (på svenska): look at the solar park in Vaasa, or act for Vasasol Ab.
  5. See what would have been mailed: http://%s/mailbox
`, addr, c.Data, addr)
	})
}

// settled gives an address that leaves its port to the system (127.0.0.1:0) one:
// the links of mails and the way back from Suomi.fi-valtuudet name it before
// anybody listens.
func settled(ctx context.Context, listen string) (string, error) {
	if _, port, err := net.SplitHostPort(listen); err != nil || port != "0" {
		return listen, nil //nolint:nilerr // what is wrong with it is told by whoever reads it
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

type serveCommand struct{}

// Run starts the hub and answers until it is stopped.
func (serveCommand) Run(ctx context.Context) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	cfg, err := app.ReadConfig(os.Getenv)
	if err = errors.Join(err, app.Misspelt(os.Environ())); err != nil {
		return fmt.Errorf("the hub does not start half configured:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	h, err := app.Open(ctx, cfg, app.Options{Log: log})
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // the end of the process
	for _, what := range lacks(cfg, h.Site.Login) {
		log.Warn(what)
	}
	return h.Run(ctx, func(addr string) { log.Info("ready", "listen", addr, "version", version) })
}

// lacks tells what this hub cannot do, as it is configured.
func lacks(c app.Config, login bool) (all []string) {
	if c.Clamd == "" {
		all = append(all, "attachments are not scanned for malware: set LUVAT_CLAMD")
	}
	if !login {
		all = append(all, "nobody can sign in yet: set LUVAT_SIGN_IN; the survey and the catalogue are open")
	}
	if strings.HasPrefix(c.BaseURL, "https:") && len(c.Proxies) == 0 {
		all = append(all, "no proxy is trusted, so rate limits see everybody at its address: set LUVAT_TRUSTED_PROXIES")
	}
	return all
}

// where names the hub that a command looks at.
type where struct {
	Data     string `help:"The demo's data folder." type:"path" xor:"where"`
	Database string `help:"Database address, postgres://… or sqlite:<file>; without it LUVAT_DATABASE_URL." xor:"where"`
}

func (w where) config() (app.Config, error) {
	switch {
	case w.Data != "":
		return app.DemoConfig(w.Data, "127.0.0.1:8080")
	case w.Database != "":
		return app.Config{DatabaseURL: w.Database, Attachments: os.Getenv("LUVAT_ATTACHMENTS")}, nil
	case os.Getenv("LUVAT_DATABASE_URL") != "":
		return app.Config{DatabaseURL: os.Getenv("LUVAT_DATABASE_URL"), Attachments: os.Getenv("LUVAT_ATTACHMENTS")}, nil
	}
	return app.Config{}, errors.New("say which hub: --data FOLDER, --database ADDRESS or LUVAT_DATABASE_URL")
}

// environment tells whether the hub is the one that the LUVAT_* variables configure.
func (w where) environment() bool {
	return w.Data == "" && w.Database == "" && os.Getenv("LUVAT_DATABASE_URL") != ""
}

// withKeys is config with the file of the hub's keys.
func (w where) withKeys() (app.Config, error) {
	cfg, err := w.config()
	if err == nil && cfg.Keys == "" {
		cfg.Keys, err = app.KeysOf(os.Getenv("LUVAT_SIGN_IN"))
	}
	return cfg, err
}

type migrateCommand struct{ where }

// Run brings schema and content up to date and tells what it did.
func (c migrateCommand) Run(ctx context.Context, out *os.File) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return app.Migrate(ctx, cfg, out)
}

type checkCommand struct {
	where
	Deep bool `help:"Read every attachment and compare its hash; open every sealed identifier."`
}

// Run tells what is wrong; the exit status is 1 when anything is.
func (c checkCommand) Run(ctx context.Context, out *os.File) error {
	ok, err := c.check(ctx, out)
	if err == nil && !ok {
		return exitError(1)
	}
	return err
}

func (c checkCommand) check(ctx context.Context, out *os.File) (ok bool, err error) {
	if c.environment() {
		return app.CheckEnvironment(ctx, os.Getenv, c.Deep, out)
	}
	cfg, err := c.withKeys()
	if err != nil {
		return false, err
	}
	return app.Check(ctx, cfg, c.Deep, out)
}

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Seal and hash anew at once what older keys made; serve does it by itself."`
}

type rotateCommand struct{ where }

// Run rotates and tells which keys are needed still; the exit status is 1 when
// something could not be renewed.
func (c rotateCommand) Run(ctx context.Context, out *os.File) error {
	cfg, err := c.withKeys()
	if err != nil {
		return err
	}
	ok, err := app.RotateKeys(ctx, cfg, out)
	if err == nil && !ok {
		return exitError(1)
	}
	return err
}

type verifyCommand struct {
	File string `arg:"" help:"An export of the ledger; - for standard input." type:"existingfile"`
}

// Run verifies an export; the exit status is 1 when the chain is broken.
func (c verifyCommand) Run(out *os.File) error {
	in := os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	return app.Verify(in, out)
}

type exportCommand struct{ where }

// Run writes the ledger to standard output; the hub may be running.
func (c exportCommand) Run(ctx context.Context, out *os.File) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return app.Export(ctx, cfg, out)
}
