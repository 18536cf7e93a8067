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
	if a := r.s.Catalogue.Authority(id); a != nil {
		return a.Name.In(l)
	}
	return id
}

// typeName is the name of a matter type.
func (r *room) typeName(l i18n.Lang, id string) string {
	if t := r.s.Catalogue.Type(id); t != nil {
		return t.Name.In(l)
	}
	return id
}

func (r *room) municipality(l i18n.Lang, code string) string {
	if m := r.s.Catalogue.Municipality(code); m != nil {
		return m.Name.In(l)
	}
	return code
}

// names tells forms what municipalities, files and earlier matters are called.
func (r *room) names(v *matter.View, files []matter.SealedFile) forms.Names {
	return func(l i18n.Lang, w forms.Widget, value string) string {
		switch w {
		case forms.WidgetMunicipality:
			return r.municipality(l, value)
		case forms.WidgetFiles:
			for _, f := range files {
				if f.ID == value {
					return f.Name
				}
			}
			for _, f := range append(v.Files[:len(v.Files):len(v.Files)], v.CommonFiles...) {
				if f.ID == value {
					return f.Name
				}
			}
		case forms.WidgetMatter:
			for _, row := range v.Joint {
				if row.ID == value || row.Number == value {
					return row.Number + " " + r.typeName(l, row.Type)
				}
			}
		}
		return ""
	}
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

// status words a status on the authority's side: of a finished matter, how it
// ended.
func (r *room) status(l i18n.Lang, o *catalogue.Offer, kind string, s matter.Status, outcome string) string {
	if s == matter.Finished && outcome != "" {
		return r.s.Catalogue.OutcomeWords(o, kind, outcome).Authority.In(l)
	}
	return r.s.Catalogue.StatusWords(o, string(s)).Authority.In(l)
}
