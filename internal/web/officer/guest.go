package officer

import (
	"strings"

	"luvat/internal/matter"
	"luvat/internal/web/ui"
)

// seesSent tells whether the officer may see what was sent: in a matter of the
// own authority, and in one of another that the applicant shares.
func seesSent(v *matter.View) bool { return !v.Guest || !v.SharedAt.IsZero() }

// mayHandle tells whether a row of the joint view is a matter of the officer's
// own.
func (p *page) mayHandle(row matter.Row) bool {
	return row.Authority == p.Who.Authority && p.Who.May(row.Type)
}

// mayOpen tells whether the page of a row of the joint view can be opened: of a
// matter of the officer's own, or of one that the applicant shares.
func (p *page) mayOpen(row matter.Row) bool {
	return row.ID != p.V.ID && (p.mayHandle(row) || row.Shared)
}

// sharedWith names the authorities with which the applicant shares the matter.
func (p *page) sharedWith() string {
	var all []string
	for _, s := range p.V.Shares {
		all = append(all, p.r.authority(p.Lang, s.Authority))
	}
	return strings.Join(all, ", ")
}

// guestBack leads to where a guest comes from: the threads, or the matter of the
// guest's own beside which the shared one stands.
func (p *page) guestBack() *ui.Link {
	if !p.V.InThread {
		for _, row := range p.V.Joint {
			if p.mayHandle(row) {
				return &ui.Link{Label: p.r.typeName(p.Lang, row.Type), Href: matterPath + row.ID}
			}
		}
	}
	return &ui.Link{Label: p.t("site.nav_threads"), Href: threadsPath}
}
