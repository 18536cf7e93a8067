package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/pic"
	"luvat/internal/identity/saml"
)

// signIn is the file that LUVAT_SIGN_IN names: how people sign in. docs/identity.md
// explains each line. Paths are of files on the hub's machine.
type signIn struct {
	// Keys is the file of the keys that seal and find; it is made if it is not there.
	Keys string `json:"keys"`
	// LostKeys are the ids of keys that are gone for good: the hub starts without
	// them, and who was known by them alone comes in as somebody new.
	LostKeys []string `json:"lost_keys"`

	SAML []samlConnection `json:"saml"`
	OIDC []oidcConnection `json:"oidc"`
	Card []cardConnection `json:"card"`

	// Mandates is Suomi.fi-valtuudet; nil where nobody acts for another and
	// officers come in without mandates.
	Mandates *mandateConnection `json:"mandates"`

	// Machines says how machines show certificates; nil where they come by keys
	// alone.
	Machines *machineDoor `json:"machines"`
}

// mandateConnection is what was agreed with Suomi.fi-valtuudet. Its secrets
// stand in files, one each.
type mandateConnection struct {
	BaseURL          string   `json:"base_url"`
	ClientID         string   `json:"client_id"`
	APIKey           string   `json:"api_key_file"`
	OAuthPassword    string   `json:"oauth_password_file"`
	CustomerRoles    []string `json:"customer_roles"`
	CustomerMatters  []string `json:"customer_matters"`
	OfficerMatter    string   `json:"officer_matter"`
	OfficerPrincipal string   `json:"officer_principal"` // the granting body's business id
	OfficerShows     string   `json:"officer_shows"`     // principal or authority

	// OfficerAuthorities are those whose officers the granting body's mandate may
	// make, where the register shows that body alone; none for all.
	OfficerAuthorities []string `json:"officer_authorities"`
	// AskEach is how often the register is asked by the hub itself while an
	// officer's session lives, such as "10m"; ConfirmDays for how many days an
	// officer may stay away before somebody else goes on with the open work.
	AskEach     string `json:"officer_ask_each"`
	ConfirmDays int    `json:"officer_confirm_days"`

	// RESTKey is the key of the interface that answers about persons without a
	// session; "" when the hub has none.
	RESTKey string `json:"rest_key_file"`
	// Signed asks for signed answers, of Valtuudet's keys in SignerKeys and about
	// the hub's UUID there.
	Signed      bool   `json:"signed"`
	ServiceUUID string `json:"service_uuid"`
	SignerKeys  string `json:"signer_keys_file"`
}

// samlConnection is a connection by SAML 2.0.
type samlConnection struct {
	Name   string    `json:"name"`
	Preset string    `json:"preset"` // suomifi, virtu or portti
	Title  i18n.Text `json:"title"`
	Lead   i18n.Text `json:"lead"`

	EntityID string       `json:"entity_id"` // ours
	Metadata samlMetadata `json:"metadata"`
	Homes    []struct {
		EntityID      string   `json:"entity_id"`
		Organisations []string `json:"organisations"`
	} `json:"homes"`
	DiscoveryService string          `json:"discovery_service"`
	Signing          []saml.PairFile `json:"signing"`
	Encryption       []saml.PairFile `json:"encryption"`
	Levels           []string        `json:"levels"` // the preset's when empty
	About            saml.About      `json:"about"`

	// Authorities say whose officers come from which organisation.
	Authorities map[string]string `json:"authorities"`
	SilentFirst bool              `json:"silent_first"`
}

// samlMetadata is where the provider's metadata comes from and who signs it.
type samlMetadata struct {
	URL          string `json:"url"`
	File         string `json:"file"`
	Certificates string `json:"certificates"` // PEM: pinned signers
	Roots        string `json:"roots"`        // PEM: authorities that may vouch for the signer
	Signer       string `json:"signer"`       // its common name, with roots
	Cache        string `json:"cache"`
}

// readSignIn reads the file. Unknown names are mistakes: a word that is spelt
// wrong would else go unnoticed.
func readSignIn(file string) (s signIn, err error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return s, fmt.Errorf("LUVAT_SIGN_IN: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("LUVAT_SIGN_IN: %s: %w", file, err)
	}
	if s.Keys == "" {
		return s, errors.New("LUVAT_SIGN_IN: keys: is not set: write the file that keeps the keys")
	}
	return s, nil
}

// lost lists the keys that are told to be lost, of a hub with or without the file.
func (s *signIn) lost() []string {
	if s == nil {
		return nil
	}
	return s.LostKeys
}

// runner is a connection that keeps itself up to date.
type runner interface{ Run(ctx context.Context) }

// connect makes the connections; every mistake is told at once.
func (h *Hub) connect(ctx context.Context, s signIn) error {
	keys, err := h.useKeys(ctx, s.Keys)
	if err != nil {
		return fmt.Errorf("LUVAT_SIGN_IN: %w", err)
	}
	var errs []error
	taken := map[string]bool{}
	add := func(kind, name string, connect func() error) {
		err := naming(name, taken)
		if err == nil {
			err = connect()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("LUVAT_SIGN_IN: %s %s: %w", kind, name, err))
		}
	}
	for _, c := range s.SAML {
		add("saml", c.Name, func() error { return h.connectSAML(c) })
	}
	for _, c := range s.OIDC {
		add("oidc", c.Name, func() error { return h.connectOIDC(c) })
	}
	for _, c := range s.Card {
		add("card", c.Name, func() error { return h.connectCard(c) })
	}
	if s.Mandates != nil {
		for _, err := range each(h.connectMandates(*s.Mandates, keys)) {
			errs = append(errs, fmt.Errorf("LUVAT_SIGN_IN: mandates: %w", asInFile(err)))
		}
	}
	for _, c := range h.Site.Connections { // else what the lead has granted is what counts
		c.Mandated = c.Mandated && s.Mandates != nil && s.Mandates.OfficerMatter != ""
	}
	if s.Machines != nil {
		if err := h.connectMachines(*s.Machines); err != nil {
			errs = append(errs, fmt.Errorf("LUVAT_SIGN_IN: machines: %w", err))
		}
	}
	h.Site.Login = h.Site.Login || len(h.Site.Connections) > 0
	return errors.Join(errs...)
}

// reserved are the words that the hub's own addresses have where a connection's
// name stands.
var reserved = []string{"access", "anew", "card", "demo", "done", "role", "valtuudet"}

var connectionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// naming tells what is wrong with a connection's name.
func naming(name string, taken map[string]bool) error {
	switch {
	case !connectionName.MatchString(name):
		return errors.New("name: write small letters, digits and - in it, a letter first")
	case slices.Contains(reserved, name):
		return errors.New("name: is a word of the hub's own addresses, choose another")
	case taken[name]:
		return errors.New("name: another connection has it")
	}
	taken[name] = true
	return nil
}

func (h *Hub) connectMandates(c mandateConnection, keys *pic.Vault) error {
	secret := func(field, file string) (string, error) {
		if file == "" {
			return "", nil // what must be there is told below
		}
		body, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("%s: %w", field, err)
		}
		return strings.TrimSpace(string(body)), nil
	}
	key, err1 := secret("APIKey", c.APIKey)
	password, err2 := secret("OAuthPassword", c.OAuthPassword)
	rest, err3 := secret("RESTKey", c.RESTKey)
	signers, err4 := secret("SignerKeys", c.SignerKeys)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	flow, err := mandate.New(mandate.Config{
		BaseURL: c.BaseURL, ClientID: c.ClientID, APIKey: key, OAuthPassword: password, RedirectURL: h.Config.BaseURL + "/for/callback",
		CustomerRoles: c.CustomerRoles, CustomerMatters: c.CustomerMatters, OfficerMatter: c.OfficerMatter, OfficerPrincipal: c.OfficerPrincipal,
		OfficerShows: mandate.Shows(c.OfficerShows), RESTKey: rest, Signed: c.Signed, ServiceUUID: c.ServiceUUID, SignerKeys: signers, Vault: keys, Now: h.Desk.Now,
	})
	if err != nil {
		return err
	}
	h.Site.Mandates = mandate.Mandates{Flow: flow}
	h.Site.OfficerMandates, err = c.officers(h.Catalogue)
	return err
}

// each lists the mistakes that an error joins, none for nil.
func each(err error) []error {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// asInFile calls a setting of Suomi.fi-valtuudet by its name in the file, where the
// mistake calls it by the field of mandate.Config.
func asInFile(mistake error) error {
	name, what, _ := strings.Cut(mistake.Error(), ": ")
	field, ok := reflect.TypeFor[mandateConnection]().FieldByName(name)
	if !ok {
		return mistake
	}
	return fmt.Errorf("%s: %s", field.Tag.Get("json"), what)
}

// officers reads how the hub goes about officers by mandate.
func (c mandateConnection) officers(cat *catalogue.Catalogue) (identity.OfficerMandates, error) {
	o := identity.OfficerMandates{Authorities: c.OfficerAuthorities}
	var errs []error
	if c.AskEach != "" {
		d, err := time.ParseDuration(c.AskEach)
		if err != nil || d < identity.MandateCheckEach {
			errs = append(errs, errors.New(`officer_ask_each: must be a time such as "10m", a minute at least`))
		}
		o.AskEach = d
	}
	if c.ConfirmDays != 0 {
		if c.ConfirmDays < 1 || c.ConfirmDays > 366 {
			errs = append(errs, errors.New("officer_confirm_days: must be from 1 to 366"))
		}
		o.Within = time.Duration(c.ConfirmDays) * 24 * time.Hour
	}
	for _, id := range c.OfficerAuthorities {
		if cat.Authority(id) == nil {
			errs = append(errs, fmt.Errorf("officer_authorities: there is no authority %q", id))
		}
	}
	return o, errors.Join(errs...)
}

var presets = map[string]func() saml.Config{"suomifi": saml.SuomiFi, "virtu": saml.Virtu, "portti": saml.Portti}

func (h *Hub) connectSAML(c samlConnection) error {
	preset, ok := presets[c.Preset]
	if !ok {
		return fmt.Errorf("preset: %q is none of suomifi, virtu and portti", c.Preset)
	}
	source, err := c.Metadata.source()
	if err != nil {
		return err
	}
	conf := preset()
	base := h.Config.BaseURL + "/login/" + c.Name
	conf.Name, conf.EntityID, conf.ACS, conf.SLO = c.Name, c.EntityID, base+"/acs", base+"/logout"
	conf.Keys, conf.Source, conf.About = saml.KeyFiles(c.Signing, c.Encryption), source, c.About
	conf.Replays, conf.Now, conf.Log = replays{h.DB}, h.Desk.Now, h.log
	conf.Client = &http.Client{Timeout: 20 * time.Second}
	if len(c.Levels) > 0 {
		conf.Levels = c.Levels
	}
	for _, home := range c.Homes {
		conf.Homes = append(conf.Homes, saml.Home{EntityID: home.EntityID, Organisations: home.Organisations})
	}
	if c.DiscoveryService != "" {
		conf.DiscoveryService, conf.Discovery = c.DiscoveryService, base+"/chosen"
	}
	p, err := saml.New(conf)
	if err != nil {
		return err
	}
	private := c.Preset == "suomifi"
	way := &identity.Connection{
		Name: c.Name, Title: c.Title, Lead: c.Lead, Provider: p, Customers: private, Officers: true, Mandated: private, SilentFirst: c.SilentFirst,
		Documents: map[string]identity.Document{"metadata": func() ([]byte, string, error) {
			body, err := p.Metadata()
			return body, "application/samlmetadata+xml", err
		}},
	}
	if !private {
		way.Authority = func(a identity.Assertion) string { return c.Authorities[a.Organisation] }
	}
	if c.DiscoveryService != "" {
		way.Discovery, way.Chosen = func(next string) string { return p.Choose(next, false) }, p.Chosen
	}
	h.Site.Connections, h.running = append(h.Site.Connections, way), append(h.running, p)
	return nil
}

func (m samlMetadata) source() (s saml.Source, err error) {
	s = saml.Source{URL: m.URL, File: m.File, Cache: m.Cache}
	if m.Certificates != "" {
		if s.Signer.Certificates, err = saml.ReadCertificates(m.Certificates); err != nil {
			return s, fmt.Errorf("metadata.certificates: %w", err)
		}
	}
	if m.Roots != "" {
		roots, err := saml.ReadCertificates(m.Roots)
		if err != nil {
			return s, fmt.Errorf("metadata.roots: %w", err)
		}
		s.Signer.Roots, s.Signer.Name = x509.NewCertPool(), m.Signer
		for _, root := range roots {
			s.Signer.Roots.AddCert(root)
		}
	}
	return s, nil
}

// replays remembers, in the database, which messages were used.
type replays struct{ db *db.DB }

func (r replays) Seen(ctx context.Context, id string, until time.Time) (seen bool, err error) {
	err = r.db.InTx(ctx, func(tx *db.Tx) error {
		first, err := identity.Once(ctx, tx, "saml", id, until)
		seen = !first
		return err
	})
	return seen, err
}

// refreshNow fetches what providers say of themselves before the first person
// comes. One that is down does not stop the start: its people are told.
func (h *Hub) refreshNow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, r := range h.running {
		if p, ok := r.(interface{ Refresh(context.Context) error }); ok {
			all.Go(func() {
				if err := p.Refresh(ctx); err != nil {
					h.log.WarnContext(ctx, "provider's metadata not read yet", slog.Any("err", err))
				}
			})
		}
	}
	all.Wait()
}
