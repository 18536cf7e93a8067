// Command luvat is the hub: Luvat ja valvonta, Tillstånd och tillsyn, Permits
// and Supervision.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is what `luvat version` tells; a release sets it when building.
var version = "0.1.0-dev"

type commands struct {
	Demo    demoCommand    `cmd:"" help:"Try the hub on this machine: content, people and projects ready, data in a folder."`
	Serve   serveCommand   `cmd:"" help:"Run the hub for real use; configured by LUVAT_* variables."`
	Migrate migrateCommand `cmd:"" help:"Bring the database's schema and content up to date."`
	Check   checkCommand   `cmd:"" help:"Tell whether all is well: configuration, schema, ledger, attachments, keys."`
	Keys    keysCommand    `cmd:"" help:"The keys that seal and find who people are: bring what is stored to the newest."`
	Roles   rolesCommand   `cmd:"" help:"The first roles: who has come in, who leads; give and withdraw the roles of lead, service management and support."`
	Verify  verifyCommand  `cmd:"" help:"Verify the ledger's hash chain from an export; needs nothing but the file."`
	Export  exportCommand  `cmd:"" help:"Write the ledger as JSON lines, for verify."`
	Bench   benchCommand   `cmd:"" help:"Measure this machine: the hub against a bare loop on the same engine."`
	Version versionCommand `cmd:"" help:"Tell the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tune()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// exitError is an end that has been told already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func run(ctx context.Context, args []string, stdout, stderr *os.File) (status int) {
	defer func() { // kong prints help and then wants to end the process
		p := recover()
		if code, ok := p.(exitError); ok {
			status = int(code)
		} else if p != nil {
			panic(p)
		}
	}()
	var c commands
	parser, err := kong.New(&c, kong.Name("luvat"), kong.Description("Permits and Supervision: one hub for an undertaking's permits, notifications and plans."),
		kong.Writers(stdout, stderr), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(stdout), kong.UsageOnError(), kong.Exit(func(code int) { panic(exitError(code)) }))
	if err != nil {
		fmt.Fprintln(stderr, "luvat:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "luvat:", err)
		return 2
	}
	if err := k.Run(); err != nil {
		if code, ok := errors.AsType[exitError](err); ok {
			return int(code)
		}
		fmt.Fprintln(stderr, "luvat:", err)
		return 1
	}
	return 0
}

type versionCommand struct{}

// Run tells the version.
func (versionCommand) Run(out *os.File) error {
	_, err := fmt.Fprintln(out, "luvat", version)
	return err
}
