package account

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/web/site"
	"luvat/internal/web/ui"
)

const machinesPath = "/lead/machines"

// rotateFor is how long the old one works beside the new, unless the lead says
// another day.
const rotateFor = 14

// typed is a form that came back: what was typed in it, and what is wrong.
type typed struct {
	Values  url.Values // nil for a form that nobody has sent
	Field   string     // that the problem is about, "" for all of it
	Problem string
}

// control gives a control what was typed and what is wrong with it.
func (t typed) control(c ui.Control) ui.Control {
	if t.Values != nil {
		c.Value, c.Values = site.Chosen(t.Values, c.Name), t.Values[c.Name]
	}
	if t.Field == c.Name {
		c.Problem = t.Problem
	}
	return c
}

// wrong turns an error that belongs to a form into the form as it came; ok is
// false for any other. A private key is never shown again.
func wrong(a *site.Ask, form url.Values, err error) (t typed, ok bool) {
	e, ok := errors.AsType[*fail.Error](err)
	if !ok || e.Kind != fail.Rejected && e.Kind != fail.Conflict {
		return typed{}, false
	}
	if machine.Secret(form.Get("proof")) {
		form.Del("proof")
	}
	return typed{Values: form, Field: e.Field, Problem: a.T(e.Key, e.Args...)}, true
}

// machinesPage is an authority's systems and robots, as its lead sees.
type machinesPage struct {
	Now, Gone []machineRow
	Types     []ui.Option
	typed
}

type machineRow struct {
	Name, Href, Kind, Keys, State, Since, Used, Until string
}

func (r *room) machines(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	return r.showMachines(w, a, who, http.StatusOK, typed{Values: url.Values{"kind": {string(machine.Robot)}}})
}

func (r *room) showMachines(w http.ResponseWriter, a *site.Ask, who identity.Lead, status int, t typed) error {
	all, err := r.Machines.List(a.Context(), machine.Lead(who), who.Authority)
	if err != nil {
		return err
	}
	page := machinesPage{typed: t}
	err = r.read(a, func(ctx context.Context, tx *db.Tx) error {
		page.Types, err = r.offeredTypes(ctx, tx, a, who.Authority)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range all {
		if row := r.machineRow(a, m); m.Withdrawn.IsZero() {
			page.Now = append(page.Now, row)
		} else {
			page.Gone = append(page.Gone, row)
		}
	}
	return a.Page(w, status, ui.Page{
		Title: a.T("machine.title"), Lead: r.authorityName(a, who.Authority), Wide: true, Path: machinesPath, Problems: t.Problem != "",
		Back: &ui.Link{Label: a.T("site.nav_offers"), Href: "/lead"},
	}, machinesBody(a, page))
}

func (r *room) machineRow(a *site.Ask, m machine.Machine) machineRow {
	row := machineRow{
		Name: m.Name, Href: machinesPath + "/" + m.ID, Kind: a.T("machine.kind_" + string(m.Kind)), Since: i18n.Date(a.Lang, m.Added),
		Used: a.T("machine.not_used"), Until: "–", State: a.T("machine.state_none"),
	}
	var used, until time.Time
	var keys []string
	endless := false
	for _, c := range m.Credentials {
		if used = latest(used, c.Used); !c.Good(r.Now()) {
			continue
		}
		row.State = a.T("machine.state_good")
		keys = append(keys, short(cmp.Or(c.KeyID, c.Fingerprint)))
		until, endless = latest(until, c.Until), endless || c.Until.IsZero()
	}
	if !m.Withdrawn.IsZero() {
		row.State = a.T("machine.state_withdrawn", i18n.Date(a.Lang, m.Withdrawn))
	}
	if !used.IsZero() {
		row.Used = i18n.DateTime(a.Lang, used)
	}
	switch row.Keys = cmp.Or(joined(keys), "–"); {
	case endless:
		row.Until = a.T("machine.endless")
	case !until.IsZero():
		row.Until = lastDay(a.Lang, until)
	}
	return row
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lastDay is the last day on which something holds that ends at a time.
func lastDay(l i18n.Lang, until time.Time) string { return i18n.Date(l, until.Add(-time.Second)) }

// short is the beginning of a key's name: enough to know it by in a list.
func short(id string) string {
	const enough = 16
	if r := []rune(id); len(r) > enough {
		return string(r[:enough]) + "…"
	}
	return id
}

func (r *room) addMachine(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	m := machine.Machine{Authority: who.Authority, Kind: machine.Kind(site.Chosen(form, "kind")), Name: form.Get("name")}
	for _, t := range form["types"] {
		if t != "" {
			m.Types = append(m.Types, t)
		}
	}
	if err = r.knownTypes(a, who, m.Types); err == nil {
		m, err = r.Machines.Add(a.Context(), machine.Lead(who), m)
	}
	if t, ok := wrong(a, form, err); ok {
		return r.showMachines(w, a, who, site.Status(err), t)
	}
	if err != nil {
		return err
	}
	return a.Say(w, machinesPath+"/"+m.ID, "machine.added_said")
}

// machinePage is one machine and what it shows who it is by.
type machinePage struct {
	Machine     machine.Machine
	Path        string
	Types       string
	Endpoint    string // the token endpoint
	Credentials []credentialRow
	Gone        []credentialRow
	ByName      bool // a certificate may be registered by its names
	typed
}

type credentialRow struct {
	ID, Href, Title, Key, Fingerprint, Issuer, Subject, State, Since, Used, Until string
	Live                                                                          bool
}

// findMachine finds the lead's machine that the address names.
func (r *room) findMachine(a *site.Ask, who identity.Lead) (machine.Machine, error) {
	return r.Machines.Find(a.Context(), machine.Lead(who), a.PathValue("machine"))
}

func (r *room) machine(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	return r.showMachine(w, a, who, http.StatusOK, typed{})
}

func (r *room) showMachine(w http.ResponseWriter, a *site.Ask, who identity.Lead, status int, t typed) error {
	m, err := r.findMachine(a, who)
	if err != nil {
		return err
	}
	page := machinePage{
		Machine: m, Path: machinesPath + "/" + m.ID, Types: r.typeNames(a, m.Types), Endpoint: r.Machines.TokenEndpoint, ByName: r.Machines.CAs != nil, typed: t,
	}
	for _, c := range m.Credentials {
		if row := r.credentialRow(a, c); row.Live {
			page.Credentials = append(page.Credentials, row)
		} else {
			page.Gone = append(page.Gone, row)
		}
	}
	return a.Page(w, status, ui.Page{
		Title: m.Name, Lead: r.authorityName(a, who.Authority), Path: page.Path, Problems: t.Problem != "",
		Back: &ui.Link{Label: a.T("machine.title"), Href: machinesPath},
	}, machineBody(a, page))
}

func (r *room) typeNames(a *site.Ask, types []string) string {
	if types == nil {
		return a.T("roles.all_matters")
	}
	var names []string
	for _, t := range types {
		names = append(names, r.typeName(a, t))
	}
	return joined(names)
}

// credentialRow is a credential in words. Those that have had their time, or will
// have it, are shown among the living: they can be withdrawn or rotated.
func (r *room) credentialRow(a *site.Ask, c machine.Credential) credentialRow {
	row := credentialRow{
		ID: c.ID, Href: machinesPath + "/" + c.Machine + "/credentials/" + c.ID, Title: a.T("machine.credential_"+string(c.Kind)) + " " + short(cmp.Or(c.KeyID, c.Fingerprint)),
		Key: c.KeyID, Fingerprint: c.Fingerprint, Issuer: c.Issuer, Subject: c.Subject, Live: c.Withdrawn.IsZero(),
		Since: i18n.Date(a.Lang, c.Issued), Used: a.T("machine.not_used"), Until: a.T("machine.endless"), State: a.T("machine.state_good"),
	}
	if !c.Used.IsZero() {
		row.Used = i18n.DateTime(a.Lang, c.Used)
	}
	if !c.Until.IsZero() {
		row.Until = lastDay(a.Lang, c.Until)
	}
	switch now := r.Now(); {
	case !c.Withdrawn.IsZero():
		row.State = a.T("machine.state_withdrawn", i18n.Date(a.Lang, c.Withdrawn))
	case now.Before(c.From):
		row.State = a.T("machine.state_ahead", i18n.Date(a.Lang, c.From))
	case !c.Good(now):
		row.State = a.T("machine.state_ended")
	}
	return row
}

// issue gives the machine one more key or certificate.
func (r *room) issue(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	m, err := r.findMachine(a, who)
	if err != nil {
		return err
	}
	p, err := machine.ReadProof(form.Get("proof"))
	if err == nil {
		p.ByName = p.Certificate != nil && site.Chosen(form, "byname") == "true"
		p.Until, err = day(form.Get("until"))
	}
	if err == nil {
		_, err = r.Machines.Issue(a.Context(), machine.Lead(who), m.ID, p)
	}
	if t, ok := wrong(a, form, err); ok {
		return r.showMachine(w, a, who, site.Status(err), t)
	}
	if err != nil {
		return err
	}
	return a.Say(w, machinesPath+"/"+m.ID, "machine.issued_said")
}

// retire withdraws the machine with all it has.
func (r *room) retire(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	err = r.Machines.Retire(a.Context(), machine.Lead(who), a.PathValue("machine"))
	if t, ok := wrong(a, form, err); ok {
		return r.showMachine(w, a, who, site.Status(err), t)
	}
	if err != nil {
		return err
	}
	return a.Say(w, machinesPath, "machine.retired_said")
}

// findCredential finds the credential, of the lead's machine, that the address
// names.
func (r *room) findCredential(a *site.Ask, who identity.Lead) (machine.Machine, machine.Credential, error) {
	m, err := r.findMachine(a, who)
	if err != nil {
		return m, machine.Credential{}, err
	}
	i := slices.IndexFunc(m.Credentials, func(c machine.Credential) bool { return c.ID == a.PathValue("credential") })
	if i < 0 {
		return m, machine.Credential{}, errNotFound
	}
	return m, m.Credentials[i], nil
}

// credentialPage is one key or certificate and what can be done about it.
type credentialPage struct {
	Row     credentialRow
	Retired bool   // its machine is
	Until   string // the day that is offered for the old one's end
	typed
}

func (r *room) credential(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	return r.showCredential(w, a, who, http.StatusOK, typed{})
}

func (r *room) showCredential(w http.ResponseWriter, a *site.Ask, who identity.Lead, status int, t typed) error {
	m, c, err := r.findCredential(a, who)
	if err != nil {
		return err
	}
	page := credentialPage{Row: r.credentialRow(a, c), Retired: !m.Withdrawn.IsZero(), Until: r.Now().In(i18n.Zone).AddDate(0, 0, rotateFor).Format(time.DateOnly), typed: t}
	return a.Page(w, status, ui.Page{
		Title: page.Row.Title, Lead: strings.Join([]string{m.Name, r.authorityName(a, who.Authority)}, ", "), Path: page.Row.Href, Problems: t.Problem != "",
		Back: &ui.Link{Label: m.Name, Href: machinesPath + "/" + m.ID},
	}, credentialBody(a, page))
}

// rotate gives the machine a new key or certificate in place of this one, which
// goes on until the day.
func (r *room) rotate(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	m, c, err := r.findCredential(a, who)
	if err != nil {
		return err
	}
	p, err := machine.ReadProof(form.Get("proof"))
	var until time.Time
	if err == nil {
		p.ByName = p.Certificate != nil && c.Kind == machine.Name
		if until, err = day(form.Get("until")); err == nil && until.IsZero() {
			err = fail.New(fail.Rejected, "machine.until_missing").In("until")
		}
	}
	if err == nil {
		_, err = r.Machines.Rotate(a.Context(), machine.Lead(who), c.ID, p, until)
	}
	if t, ok := wrong(a, form, err); ok {
		return r.showCredential(w, a, who, site.Status(err), t)
	}
	if err != nil {
		return err
	}
	return a.Say(w, machinesPath+"/"+m.ID, "machine.rotated_said")
}

func (r *room) withdrawCredential(w http.ResponseWriter, a *site.Ask, who identity.Lead) error {
	form, err := a.Form()
	if err != nil {
		return err
	}
	m, c, err := r.findCredential(a, who)
	if err != nil {
		return err
	}
	err = r.Machines.Withdraw(a.Context(), machine.Lead(who), c.ID)
	if t, ok := wrong(a, form, err); ok {
		return r.showCredential(w, a, who, site.Status(err), t)
	}
	if err != nil {
		return err
	}
	return a.Say(w, machinesPath+"/"+m.ID, "machine.withdrawn_said")
}
