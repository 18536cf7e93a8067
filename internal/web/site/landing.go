package site

import (
	"net/url"
	"strings"

	"luvat/internal/identity"
	"luvat/internal/web/ui"
)

// Home is where a role's work begins.
func Home(r identity.Role) string {
	switch r {
	case identity.RoleCustomer:
		return "/projects"
	case identity.RoleOfficer, identity.RoleRobot:
		return "/officer"
	case identity.RoleLead:
		return "/lead"
	case identity.RoleService:
		return "/service"
	case identity.RoleSupport:
		return "/service/support"
	default:
		return "/"
	}
}

// rooms are the addresses that only one role can open.
var rooms = map[string]identity.Role{
	"/projects": identity.RoleCustomer, "/matters": identity.RoleCustomer, "/invitations": identity.RoleCustomer, "/uploads": identity.RoleCustomer,
	"/officer": identity.RoleOfficer, "/lead": identity.RoleLead, "/service": identity.RoleService,
}

// Landing is where to go after signing in: the page that asked for it, unless
// it is another role's.
func Landing(r identity.Role, next string) string {
	u, err := url.Parse(next)
	if err != nil || next == "/" || strings.HasPrefix(u.Path, ui.LoginPath) {
		return Home(r)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if owner, ok := rooms["/"+first]; ok && Home(owner) != Home(r) {
		return Home(r)
	}
	return next
}
