package app

import (
	"context"
	"encoding/json"
	"fmt"

	"luvat/content"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
)

// demoMandates are the invented codes, companies and mandates of the demo
// (content/demo/mandates.json).
type demoMandates struct {
	People []struct {
		Person string `json:"person"` // a demo person, "" for somebody who is only acted for
		Code   string `json:"code"`
		Name   string `json:"name"`
	} `json:"people"`
	Companies []struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		People []struct {
			Person string `json:"person"`
			Role   string `json:"role"`
		} `json:"people"`
	} `json:"companies"`
	Matter  string `json:"matters"`
	Persons []struct {
		For string `json:"for"`
		By  string `json:"by"`
	} `json:"persons"`
	// Officers come by a chain: person, authority, and the body that grants it.
	Officers struct {
		Matter    string `json:"matter"`
		Principal struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"principal"`
		Authorities []struct {
			Authority string   `json:"authority"`
			People    []string `json:"people"`
		} `json:"authorities"`
	} `json:"officers"`
}

// Agreed with the stand-in: it answers on loopback, to the demo alone.
const (
	demoClient   = "luvatdem"
	demoKey      = "the-demo-and-its-stand-in-agree"
	demoPassword = "so-does-this"
)

// StartMandates starts a stand-in of Suomi.fi-valtuudet on loopback beside the
// demo, so that acting for a company and coming as an officer by mandate can be tried, and tells the demo's people
// apart by invented personal identity codes. It returns what ends it.
func (h *Hub) StartMandates(ctx context.Context) (stop func(context.Context) error, err error) {
	body, err := content.FS.ReadFile("demo/mandates.json")
	if err != nil {
		return nil, err
	}
	var all demoMandates
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("demo/mandates.json: %w", err)
	}
	keys, err := h.useKeys(ctx, h.Config.Keys)
	if err != nil {
		return nil, err
	}
	register, err := all.register(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("demo/mandates.json: %w", err)
	}
	back := h.Config.BaseURL + "/for/callback"
	stand, err := double.New(double.Config{ClientID: demoClient, APIKey: demoKey, OAuthPassword: demoPassword, Redirects: []string{back}, Shows: double.Authority, Now: h.Desk.Now}, register)
	if err != nil {
		return nil, err
	}
	server, err := double.Start("127.0.0.1:0", stand)
	if err != nil {
		return nil, err
	}
	flow, err := mandate.New(mandate.Config{
		BaseURL: server.URL, ClientID: demoClient, APIKey: demoKey, OAuthPassword: demoPassword, RedirectURL: back, Vault: keys, Now: h.Desk.Now,
		CustomerMatters: []string{all.Matter}, OfficerMatter: all.Officers.Matter, OfficerPrincipal: all.Officers.Principal.ID, OfficerShows: mandate.ShowsAuthority,
	})
	if err != nil {
		return server.Close, err
	}
	h.Site.Mandates = mandate.Mandates{Flow: flow}
	return server.Close, nil
}

// register makes the stand-in's register, and gives the demo's people their codes.
func (m demoMandates) register(ctx context.Context, h *Hub) (*double.Register, error) {
	r, codes := double.NewRegister(), map[string]pic.Code{}
	for _, p := range m.People {
		code, err := pic.Parse(p.Code)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Person, err)
		}
		name := p.Name
		if p.Person != "" {
			err := h.DB.InTx(ctx, func(tx *db.Tx) error {
				who, err := identity.FindPerson(ctx, tx, p.Person)
				if err != nil {
					return err
				}
				name, codes[p.Person] = who.Name, code
				return h.Site.Register.Know(ctx, tx, h.Desk.Now(), who.ID, code.Reveal())
			})
			if err != nil {
				return nil, err
			}
		}
		r.Name(double.Person(code), name)
	}
	for _, c := range m.Companies {
		id, err := pic.ParseBusinessID(c.ID)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		r.Name(double.Company(id), c.Name)
		for _, p := range c.People {
			r.Add(double.Mandate{Kind: double.Role, From: double.Company(id), To: double.Person(codes[p.Person]), Matter: p.Role})
		}
	}
	for _, p := range m.Persons {
		code, err := pic.Parse(p.For)
		if err != nil {
			return nil, err
		}
		r.Add(double.Mandate{Kind: double.Transaction, From: double.Person(code), To: double.Person(codes[p.By]), Matter: m.Matter})
	}
	return r, m.officers(h.Catalogue, r, codes)
}

// officers adds the chains of officers to the register.
func (m demoMandates) officers(cat *catalogue.Catalogue, r *double.Register, codes map[string]pic.Code) error {
	of := m.Officers
	body, err := pic.ParseBusinessID(of.Principal.ID)
	if err != nil {
		return fmt.Errorf("officers: %w", err)
	}
	r.Name(double.Company(body), of.Principal.Name)
	for _, a := range of.Authorities {
		au := cat.Authority(a.Authority)
		if au == nil {
			return fmt.Errorf("officers: there is no authority %q", a.Authority)
		}
		id, err := pic.ParseBusinessID(au.BusinessID)
		if err != nil {
			return fmt.Errorf("officers: %s: %w", a.Authority, err)
		}
		r.Name(double.Company(id), au.Name.FI)
		r.Add(double.Mandate{Kind: double.Transaction, From: double.Company(body), To: double.Company(id), Matter: of.Matter})
		for _, p := range a.People {
			r.Add(double.Mandate{Kind: double.Representation, From: double.Company(id), To: double.Person(codes[p]), Matter: of.Matter})
		}
	}
	return nil
}
