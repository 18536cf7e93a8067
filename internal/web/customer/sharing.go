package customer

import (
	"net/http"

	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

// sharing tells who sees what was sent in a matter, and lets other authorities
// of the project see it too.
type sharing struct {
	Authority string // the matter's own
	Shared    []sharedWith
	Others    bool        // there are others, who see only its row in the joint view
	With      *ui.Control // whom to share it with; nil when nobody is left, or the reader may not
	MayEnd    bool
}

// sharedWith is another authority that sees it.
type sharedWith struct{ ID, Name, About string }

// sharing is nil when nothing that was sent is here.
func (r room) sharing(s say, v *matter.View) *sharing {
	if len(v.Submissions) == 0 {
		return nil
	}
	may := v.Project.Role.MaySend()
	out := &sharing{Authority: r.authorityName(s.Lang, v.Authority), Others: len(v.ShareWith) > 0, MayEnd: may}
	for _, x := range v.Shares {
		about := s.T("customer.sharing_not_looked")
		if !x.Looked.IsZero() {
			about = s.T("customer.sharing_looked", i18n.Date(s.Lang, x.Looked))
		}
		out.Shared = append(out.Shared, sharedWith{
			ID: x.Authority, Name: r.authorityName(s.Lang, x.Authority), About: s.T("customer.sharing_since", i18n.Date(s.Lang, x.Since)) + " · " + about,
		})
	}
	if may && len(v.ShareWith) > 0 {
		out.With = &ui.Control{Lang: s.Lang, Name: "authority", Label: s.T("customer.share_with")}
		for _, a := range v.ShareWith {
			out.With.Options = append(out.With.Options, ui.Option{Value: a, Label: r.authorityName(s.Lang, a)})
		}
	}
	return out
}

func (r room) share(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id, with := a.PathValue("id"), given(v, "authority")
	err = r.Desk.Share(a.Context(), who, id, with)
	if problem, _, ok := told(a.Lang, err); ok {
		return r.drawMatter(w, a, who, http.StatusUnprocessableEntity, func(page *matterPage) {
			if page.Sharing != nil && page.Sharing.With != nil {
				page.Sharing.With.Problem, page.Sharing.With.Values = problem, with
			}
		})
	}
	if err != nil {
		return err
	}
	return a.Say(w, matterPath(id)+"#sharing", "customer.shared")
}

func (r room) endSharing(w http.ResponseWriter, a *site.Ask, who asker) error {
	v, err := a.Form()
	if err != nil {
		return err
	}
	id := a.PathValue("id")
	if err := r.Desk.EndSharing(a.Context(), who, id, v.Get("authority")); err != nil {
		return err
	}
	return a.Say(w, matterPath(id)+"#sharing", "customer.sharing_ended")
}
