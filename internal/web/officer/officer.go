// Package officer is the room of the authorities' officers (virkailija) and
// their software robots: the inbox, the page of a matter with its deeds, the
// threads between authorities.
//
// A matter's page shows one deed at a time: the next sensible one is the
// primary button, any other is opened by its link (?do=<deed>). The table
// deeds in deeds.go says what there is; each deed is one POST and one verb of
// matter.Desk. What a robot needs has stable names and data-robot attributes,
// which docs/robots.md promises and robots_test.go holds.
package officer

import (
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/dossier"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// InboxPath is the address of the inbox.
const InboxPath = "/officer"

const (
	matterPath  = InboxPath + "/matters/"
	threadsPath = InboxPath + "/threads"
)

type room struct {
	s        *site.Site
	dossiers *dossier.Maker
}

// Routes lists the officers' pages and deeds.
func Routes(s *site.Site, dossiers *dossier.Maker) []site.Route {
	r := &room{s, dossiers}
	const one = " " + matterPath + "{id}"
	routes := []site.Route{
		site.ForOfficer("GET "+InboxPath, r.inbox),
		site.ForOfficer("GET "+threadsPath, r.threads),
		site.ForOfficer("GET"+one, r.matter),
		site.ForOfficer("GET"+one+"/submissions/{n}", r.submission),
		site.ForOfficer("GET"+one+"/changes/{n}", r.changes),
		site.ForOfficer("GET"+one+"/package", r.dossier),
		site.ForOfficer("GET"+one+"/files/{file}", r.file),
	}
	for _, d := range deeds {
		rt := site.ForOfficer("POST"+one+"/"+d.name, r.post(d))
		if d.files != "" {
			rt = rt.WithBody(-1) // its files are streamed; read guards the rest
		}
		routes = append(routes, rt)
	}
	return routes
}

// authority is the name of an authority.
func (r *room) authority(l i18n.Lang, id string) string {
	return r.s.Catalogue.AuthorityName(l, id)
}

// typeName is the name of a matter type.
func (r *room) typeName(l i18n.Lang, id string) string { return r.s.Catalogue.TypeName(l, id) }

func (r *room) municipality(l i18n.Lang, code string) string {
	return r.s.Catalogue.MunicipalityName(l, code)
}

// names tells forms what municipalities, files and earlier matters are called:
// files as they were sent, else as they are.
func (r *room) names(v *matter.View, sent []matter.SealedFile) forms.Names {
	return r.s.Names(func(_ i18n.Lang, id string) string {
		for _, f := range sent {
			if f.ID == id {
				return f.Name
			}
		}
		for _, f := range append(v.Files[:len(v.Files):len(v.Files)], v.CommonFiles...) {
			if f.ID == id {
				return f.Name
			}
		}
		return ""
	}, v.Joint)
}

// bound lists the files that were bound to something: "message:<id>" or
// "decision".
func bound(v *matter.View, to string) []attach.Attachment {
	var all []attach.Attachment
	for _, f := range v.Files {
		if f.Field == to && (f.Place == attach.Message || f.Place == attach.Decision) {
			all = append(all, f)
		}
	}
	return all
}

// status tells where a matter stands, in the authority's words.
func (r *room) status(l i18n.Lang, o *catalogue.Offer, kind string, s matter.Status, outcome string) string {
	return r.s.Catalogue.StateWords(o, kind, string(s), outcome).Authority.In(l)
}
