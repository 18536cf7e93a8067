package customer

import (
	"net/http"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// membersPage shows who works on a project.
type membersPage struct {
	say
	Path        string
	Members     []member
	Invitations []invited
	MayRule     bool
	Roles       []ui.Option // that a member can be given
	Invite      inviteForm
}

type member struct {
	ID, Name, Role, RoleText, Since string
	Me, Mandated                    bool // by mandate: the role is not the project's to give
	Sole                            bool // the only owner, without whom the project may not be
}

// invited is an open invitation.
type invited struct{ ID, Email, About string }

type inviteForm struct{ Email, Role ui.Control }

func (r room) members(w http.ResponseWriter, a *site.Ask, who asker) error {
	return r.drawMembers(w, a, who, http.StatusOK, func(*inviteForm) {})
}

func (r room) drawMembers(w http.ResponseWriter, a *site.Ask, who asker, status int, change func(*inviteForm)) error {
	v, err := r.Desk.Project(a.Context(), who, a.PathValue("id"))
	if err != nil {
		return err
	}
	s := say{a.Lang}
	page := membersPage{say: s, Path: projectPath(v.ID) + "/members", MayRule: v.Role.MayRule()}
	owners := 0
	for _, m := range v.Members {
		if m.Role == matter.Owner {
			owners++
		}
	}
	for _, m := range v.Members {
		page.Members = append(page.Members, member{
			ID: m.Person, Name: m.Name, Role: string(m.Role), RoleText: s.T("member." + string(m.Role)), Since: i18n.Date(a.Lang, m.Since),
			Me: m.Person == who.ID, Mandated: m.Role == matter.Mandated, Sole: m.Role == matter.Owner && owners == 1 && v.Principal == "",
		})
	}
	for _, i := range v.Invitations {
		page.Invitations = append(page.Invitations, invited{ID: i.ID, Email: i.Email, About: s.T("member."+string(i.Role)) + ", " + s.T("customer.invitation_until", i18n.Date(a.Lang, i.ExpiresAt))})
	}
	page.Invite.Email = ui.Control{Lang: a.Lang, Name: "email", Type: "email", Label: s.T("customer.invite_email"), Help: s.T("customer.invite_email_help"), Autocomplete: "off"}
	page.Invite.Role = ui.Control{Lang: a.Lang, Name: "role", Label: s.T("customer.invite_role"), Value: string(matter.Editor)}
	page.Roles = []ui.Option{{Value: string(matter.Owner), Label: s.T("member.owner")}}
	for _, m := range matter.Members {
		o := ui.Option{Value: string(m), Label: s.T("member." + string(m)), Help: s.T("member." + string(m) + "_help")}
		page.Invite.Role.Options = append(page.Invite.Role.Options, o)
		page.Roles = append(page.Roles, o)
	}
	change(&page.Invite)
	return a.Page(w, status, ui.Page{
		Title: a.T("customer.members_title"), Lead: a.T("customer.members_lead"), Back: &ui.Link{Label: v.Name, Href: projectPath(v.ID)}, Path: page.Path, FormID: formIDOf("invite", page.MayRule), Problems: status != http.StatusOK,
	}, membersBody(page))
}

func (r room) invite(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id := a.PathValue("id")
	typed := func(f *inviteForm) { f.Email.Value, f.Role.Value = v.Get("email"), site.Chosen(v, "role") }
	if a.NewLanguage(w, v) {
		return r.drawMembers(w, a, who, http.StatusOK, typed)
	}
	err = r.Desk.Invite(a.Context(), who, id, v.Get("email"), matter.Member(site.Chosen(v, "role")), a.Lang)
	if text, field, ok := told(a.Lang, err); ok {
		return r.drawMembers(w, a, who, http.StatusUnprocessableEntity, func(f *inviteForm) {
			typed(f)
			if field == "role" {
				f.Role.Problem = text
			} else {
				f.Email.Problem = text
			}
		})
	}
	if err != nil {
		return err
	}
	return a.Say(w, projectPath(id)+"/members", "customer.invited")
}

func (r room) setRole(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id := a.PathValue("id")
	if err := r.Desk.SetRole(a.Context(), who, id, a.PathValue("person"), matter.Member(v.Get("role"))); err != nil {
		return err
	}
	return a.Say(w, projectPath(id)+"/members", "customer.role_changed")
}

func (r room) removeMember(w http.ResponseWriter, a *site.Ask, who asker) error {
	id, person := a.PathValue("id"), a.PathValue("person")
	if err := r.Desk.RemoveMember(a.Context(), who, id, person); err != nil {
		return err
	}
	if person == who.ID {
		return a.Say(w, "/projects", "customer.left")
	}
	return a.Say(w, projectPath(id)+"/members", "customer.member_removed")
}

func (r room) revoke(w http.ResponseWriter, a *site.Ask, who asker) error {
	id := a.PathValue("id")
	if err := r.Desk.Revoke(a.Context(), who, id, a.PathValue("invitation")); err != nil {
		return err
	}
	return a.Say(w, projectPath(id)+"/members", "customer.revoked")
}

// invitationPage shows what one is invited to.
type invitationPage struct {
	say
	Action string
	Facts  []ui.Item
}

func (r room) invitation(w http.ResponseWriter, a *site.Ask, who asker) error {
	inv, err := r.Desk.Invited(a.Context(), who, a.PathValue("secret"))
	if err != nil {
		return err
	}
	s := say{a.Lang}
	page := invitationPage{say: s, Action: a.URL.Path, Facts: []ui.Item{
		{Label: s.T("customer.project"), Value: inv.Project},
		{Label: s.T("customer.invited_by"), Value: inv.By},
		{Label: s.T("customer.invite_role"), Value: s.T("member."+string(inv.Role)) + ". " + s.T("member."+string(inv.Role)+"_help")},
		{Label: s.T("customer.invitation_ends"), Value: i18n.Date(a.Lang, inv.ExpiresAt)},
	}}
	return a.Page(w, http.StatusOK, ui.Page{Title: a.T("customer.invitation_title"), Lead: a.T("customer.invitation_lead")}, invitationBody(page))
}

func (r room) accept(w http.ResponseWriter, a *site.Ask, who asker) error {
	project, err := r.Desk.Accept(a.Context(), who, a.PathValue("secret"))
	if err != nil {
		return err
	}
	return a.Say(w, projectPath(project), "customer.joined")
}
