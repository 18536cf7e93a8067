package main

import (
	"context"
	"os"

	"luvat/internal/app"
)

type rolesCommand struct {
	List     rolesListCommand     `cmd:"" help:"Tell who asks for a role, who has come in lately, who leads, who is service management and who support."`
	Give     rolesGiveCommand     `cmd:"" help:"Give somebody who has come in a role."`
	Withdraw rolesWithdrawCommand `cmd:"" help:"Take a role away; its sessions end at once."`
}

type rolesListCommand struct{ where }

// Run lists people by their ids, with their names: the operator must know whom.
func (c rolesListCommand) Run(ctx context.Context, out *os.File) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return app.ListRoles(ctx, cfg, out)
}

type someRole struct {
	where
	Role      string `arg:"" enum:"lead,service,support" help:"lead, service or support."`
	Person    string `arg:"" help:"The person's id, as roles list tells it."`
	Authority string `help:"Whose lead: the authority's id, such as rescue-pirkanmaa."`
}

type rolesGiveCommand struct{ someRole }

// Run gives the role, with an entry in the ledger.
func (c rolesGiveCommand) Run(ctx context.Context, out *os.File) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return app.GiveRole(ctx, cfg, c.Person, c.Role, c.Authority, out)
}

type rolesWithdrawCommand struct{ someRole }

// Run takes the role away, with an entry in the ledger.
func (c rolesWithdrawCommand) Run(ctx context.Context, out *os.File) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return app.WithdrawRole(ctx, cfg, c.Person, c.Role, c.Authority, out)
}
