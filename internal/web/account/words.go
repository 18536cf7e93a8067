package account

import (
	"strings"

	"luvat/internal/identity"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

func columns(labels ...string) (all []ui.Column) {
	for _, l := range labels {
		all = append(all, ui.Column{Label: l})
	}
	return all
}

func askedColumns(a *site.Ask) []ui.Column {
	return columns(a.T("roles.name"), a.T("roles.last_way"), a.T("roles.asked_at"))
}

func formerColumns(a *site.Ask) []ui.Column {
	return columns(a.T("roles.name"), a.T("roles.last_seen"), a.T("roles.last_way"), a.T("roles.ended"))
}

func peopleColumns(a *site.Ask) []ui.Column {
	return columns(a.T("roles.name"), a.T("roles.role"), a.T("roles.types"), a.T("roles.until"), a.T("roles.last_seen"), a.T("roles.last_way"), a.T("roles.mandate"))
}

func roleOptions(a *site.Ask) (all []ui.Option) {
	for _, r := range []identity.Role{identity.RoleOfficer, identity.RoleRobot, identity.RoleLead} {
		all = append(all, ui.Option{Value: string(r), Label: a.T("site.role_" + string(r))})
	}
	return all
}

func joined(names []string) string { return strings.Join(names, ", ") }
