package content

import (
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// text is a text in the three languages, as the files write it.
type text struct {
	FI string `json:"fi"`
	SV string `json:"sv"`
	EN string `json:"en"`
}

// complete tells whether all three languages are there, without stray spaces.
func (t text) complete() bool {
	for _, s := range []string{t.FI, t.SV, t.EN} {
		if s == "" || s != strings.TrimSpace(s) || strings.Contains(s, "  ") {
			return false
		}
	}
	return true
}

type deadline struct {
	Value  int    `json:"value"`
	Unit   string `json:"unit"`
	Mark   string `json:"mark"`
	Before string `json:"before"`
	Note   *text  `json:"note"`
}

type matter struct {
	ID            string    `json:"id"`
	Name          text      `json:"name"`
	Summary       text      `json:"summary"`
	Kind          string    `json:"kind"`
	AuthorityType string    `json:"authority_type"`
	Agency        string    `json:"agency"`
	Entities      []string  `json:"entities"`
	Deadline      *deadline `json:"deadline"`
	Timing        *text     `json:"timing"`
	Basis         []source  `json:"basis"`
	LawMark       string    `json:"law_mark"`
	Covers        []string  `json:"covers"`
	Form          string    `json:"form"`
	Follows       []string  `json:"follows"`
	NotSent       bool      `json:"not_sent"`
	Mark          string    `json:"mark"`
	Source        string    `json:"source"`
}

type join struct {
	Authority      string   `json:"authority"`
	Matter         string   `json:"matter"`
	Way            string   `json:"way"`
	Email          string   `json:"email"`
	Deputy         string   `json:"deputy"`
	URL            string   `json:"url"`
	Entities       []string `json:"entities"`
	Municipalities []string `json:"municipalities"`
	KeepMonths     int      `json:"keep_months"`
}

type entity struct {
	ID         string `json:"id"`
	Name       text   `json:"name"`
	Lead       text   `json:"lead"`
	CommonForm string `json:"common_form"`
	Survey     string `json:"survey"`
}

type word struct {
	ID        string `json:"id"`
	Customer  text   `json:"customer"`
	Authority text   `json:"authority"`
}

type kinds struct {
	Kinds []struct {
		ID       string `json:"id"`
		Name     text   `json:"name"`
		Outcomes []word `json:"outcomes"`
	} `json:"kinds"`
	Statuses []word `json:"statuses"`
}

// authorityType says where authorities of a type may offer their matters.
type authorityType struct {
	Type    string `json:"type"`
	Offered string `json:"offered"`
	Column  string `json:"municipality_column"`
	Name    text   `json:"name"`
}

type territory struct {
	AuthorityTypes []authorityType `json:"authority_types"`
	Excluded       struct {
		Column string `json:"column"`
		Value  string `json:"value"`
		Reason text   `json:"reason"`
	} `json:"excluded"`
}

// decode reads a JSON file; a field nobody knows is a slip of the pen.
func decode[T any](t *testing.T, name string) T {
	t.Helper()
	f, err := FS.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	var v T
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// table reads a CSV file as one map a row.
func table(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := FS.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// byID makes a map of a list; an id that comes twice fails the test.
func byID[T any](t *testing.T, list []T, id func(T) string) map[string]T {
	t.Helper()
	m := map[string]T{}
	for _, v := range list {
		if _, twice := m[id(v)]; twice || id(v) == "" {
			t.Errorf("id %q is empty or comes twice", id(v))
		}
		m[id(v)] = v
	}
	return m
}

func authorities(t *testing.T) map[string]map[string]string {
	return byID(t, table(t, "authorities.csv"), func(r map[string]string) string { return r["id"] })
}

func matters(t *testing.T) map[string]matter {
	return byID(t, decode[[]matter](t, "matters.json"), func(m matter) string { return m.ID })
}

func entities(t *testing.T) map[string]entity {
	return byID(t, decode[[]entity](t, "entities.json"), func(e entity) string { return e.ID })
}

// TestKinds holds the canonical outcomes and statuses: the program stores them.
func TestKinds(t *testing.T) {
	outcomes := map[string][]string{
		"permit":       {"granted", "granted_partly", "rejected"},
		"notification": {"received", "checked", "not_accepted"},
		"registration": {"registered", "refused"},
		"plan":         {"approved", "checked", "returned"},
		"supervision":  {"inspected", "handled"},
	}
	statuses := []string{
		"draft", "sent", "pending", "in_handling", "to_complete", "completed",
		"finished", "withdrawn", "dismissed", "transferred",
	}
	k := decode[kinds](t, "kinds.json")
	for _, kind := range k.Kinds {
		if !kind.Name.complete() || !slices.Equal(words(t, kind.Outcomes), outcomes[kind.ID]) {
			t.Errorf("%s: outcomes %v, want %v", kind.ID, words(t, kind.Outcomes), outcomes[kind.ID])
		}
		delete(outcomes, kind.ID)
	}
	if len(outcomes) > 0 {
		t.Errorf("kinds missing: %v", outcomes)
	}
	if got := words(t, k.Statuses); !slices.Equal(got, statuses) {
		t.Errorf("statuses %v, want %v", got, statuses)
	}
}

// supine is a Swedish verb form that needs its "har": a status is "Beviljat",
// and never "Beviljats" alone.
var supine = regexp.MustCompile(`(?i)^(inte )?\pL+(ats|agits|änts|ckats|örts|mmit)\b`)

// words checks that every word is complete, and returns the ids in order.
func words(t *testing.T, list []word) (ids []string) {
	for _, w := range list {
		for _, sv := range []string{w.Customer.SV, w.Authority.SV} {
			if supine.MatchString(sv) {
				t.Errorf("%s: %q is no status in Swedish: write the participle", w.ID, sv)
			}
		}
		if !w.Customer.complete() || !w.Authority.complete() {
			t.Errorf("%s: a text is missing", w.ID)
		}
		ids = append(ids, w.ID)
	}
	return ids
}

func TestEntities(t *testing.T) {
	all := entities(t)
	for _, id := range []string{"event", "production-plant", "renewable-energy"} {
		e, found := all[id]
		if !found || !e.Name.complete() || !e.Lead.complete() {
			t.Errorf("%s: missing or not complete", id)
		}
		if !exists("forms/" + e.CommonForm + "/schema.json") {
			t.Errorf("%s: no form %s", id, e.CommonForm)
		}
		if !exists("surveys/" + e.Survey + ".json") {
			t.Errorf("%s: no survey %s", id, e.Survey)
		}
	}
}

func exists(name string) bool {
	_, err := fs.Stat(FS, name)
	return err == nil
}

func TestMatters(t *testing.T) {
	all, agencies, ents := matters(t), authorities(t), entities(t)
	types := decode[territory](t, "territory.json").AuthorityTypes
	var kindIDs []string
	for _, k := range decode[kinds](t, "kinds.json").Kinds {
		kindIDs = append(kindIDs, k.ID)
	}
	if len(all) != 51 {
		t.Errorf("%d matter types, want 51", len(all))
	}
	for id, m := range all {
		if !m.Name.complete() || !m.Summary.complete() {
			t.Errorf("%s: name or summary lacks a language", id)
		}
		if m.Source == "" {
			t.Errorf("%s: no source", id)
		}
		if !slices.Contains(kindIDs, m.Kind) {
			t.Errorf("%s: unknown kind %q", id, m.Kind)
		}
		if !slices.Contains([]string{"certain", "candidate", "inferred", "ours"}, m.Mark) ||
			!slices.Contains([]string{"certain", "inferred", "general"}, m.LawMark) {
			t.Errorf("%s: unknown mark %q or law mark %q", id, m.Mark, m.LawMark)
		}
		if agency := agencies[m.Agency]["type"]; (m.AuthorityType == "state_agency") != (m.Agency != "") || m.Agency != "" && agency != "state_agency" {
			t.Errorf("%s: agency %q does not suit %s", id, m.Agency, m.AuthorityType)
		}
		if !slices.ContainsFunc(types, func(a authorityType) bool { return a.Type == m.AuthorityType }) {
			t.Errorf("%s: unknown authority type %q", id, m.AuthorityType)
		}
		if len(m.Entities) == 0 {
			t.Errorf("%s: no service entity", id)
		}
		for _, e := range m.Entities {
			if _, found := ents[e]; !found {
				t.Errorf("%s: unknown service entity %q", id, e)
			}
		}
		if m.NotSent != (id == "tukes-safety-document") {
			t.Errorf("%s: not_sent is %v", id, m.NotSent)
		}
		checkFollows(t, m, all)
		checkDeadline(t, m)
	}
}

func checkFollows(t *testing.T, m matter, all map[string]matter) {
	if (m.Kind == "supervision") != (len(m.Follows) > 0) {
		t.Errorf("%s: a supervision matter, and no other, follows something", m.ID)
	}
	for _, f := range m.Follows {
		if _, found := all[f]; !found || f == m.ID {
			t.Errorf("%s: follows unknown %q", m.ID, f)
		}
	}
}

// checkDeadline holds that an applicant is always told when: by a deadline,
// with a note if it is not certain, or by words.
func checkDeadline(t *testing.T, m matter) {
	d := m.Deadline
	if d == nil {
		if m.Timing == nil || !m.Timing.complete() {
			t.Errorf("%s: neither deadline nor timing", m.ID)
		}
		return
	}
	if m.Timing != nil {
		t.Errorf("%s: both deadline and timing", m.ID)
	}
	if d.Value <= 0 || !slices.Contains([]string{"hour", "day", "working_day", "month"}, d.Unit) ||
		!slices.Contains([]string{"event_start", "activity_start", "work_start", "wished_time"}, d.Before) {
		t.Errorf("%s: deadline of %d %s before %s", m.ID, d.Value, d.Unit, d.Before)
	}
	if !slices.Contains([]string{"certain", "local", "advised", "proposed"}, d.Mark) {
		t.Errorf("%s: unknown deadline mark %q", m.ID, d.Mark)
	}
	if d.Note == nil && d.Mark != "certain" || d.Note != nil && !d.Note.complete() {
		t.Errorf("%s: the deadline's note is missing or not complete", m.ID)
	}
}

func TestFormsNamed(t *testing.T) {
	for id, m := range matters(t) {
		for _, file := range []string{"schema.json", "ui.json", "words.json"} {
			if m.Form != id && m.Form != "light" || !exists("forms/"+m.Form+"/"+file) {
				t.Errorf("%s: no forms/%s/%s", id, m.Form, file)
			}
		}
	}
}

// TestCatalogueCovered holds that no procedure of the catalogue is lost, and
// that a matter covers none that the catalogue does not have.
func TestCatalogueCovered(t *testing.T) {
	rows := byID(t, table(t, "catalogue-rows.csv"), func(r map[string]string) string { return r["name_fi"] })
	if len(rows) != 56 {
		t.Errorf("%d catalogue rows, want 56", len(rows))
	}
	covered := map[string]bool{}
	for id, m := range matters(t) {
		for _, name := range m.Covers {
			row, found := rows[name]
			if !found {
				t.Errorf("%s covers unknown %q", id, name)
				continue
			}
			covered[name] = true
			for _, e := range strings.Fields(row["entities"]) {
				if !slices.Contains(m.Entities, e) {
					t.Errorf("%s covers %q of %s but is not offered there", id, name, e)
				}
			}
		}
	}
	for name, r := range rows {
		if !covered[name] || r["source"] == "" {
			t.Errorf("%q: no matter covers it, or no source", name)
		}
	}
}

func TestDemoJoins(t *testing.T) {
	all, auths := matters(t), authorities(t)
	seen := map[string]bool{}
	joined := map[string]bool{}
	for _, j := range decode[[]join](t, "demo/joins.json") {
		key := j.Authority + " " + j.Matter
		m, a := all[j.Matter], auths[j.Authority]
		if m.ID == "" || a == nil || a["type"] != m.AuthorityType || m.NotSent {
			t.Errorf("%s: unknown, of another type, or never sent", key)
		}
		if m.Agency != "" && m.Agency != j.Authority {
			t.Errorf("%s: belongs to %s", key, m.Agency)
		}
		if seen[key] {
			t.Errorf("%s: joined twice", key)
		}
		seen[key], joined[j.Matter] = true, true
		if !slices.Contains([]string{"light", "conditional"}, j.Way) || (j.Way == "conditional") != (j.URL != "") {
			t.Errorf("%s: way %q with address %q", key, j.Way, j.URL)
		}
		if u, err := url.Parse(j.URL); err != nil || j.URL != "" && (u.Scheme != "https" || !strings.HasSuffix(u.Host, ".example")) {
			t.Errorf("%s: address %q", key, j.URL)
		}
		for _, box := range []string{j.Email, j.Deputy} {
			if _, err := mail.ParseAddress(box); err != nil || !strings.HasSuffix(box, ".example") || j.Email == j.Deputy {
				t.Errorf("%s: role address %q", key, box)
			}
		}
		if j.KeepMonths != 0 && (j.KeepMonths < 6 || j.KeepMonths > 120) {
			t.Errorf("%s: kept for %d months", key, j.KeepMonths)
		}
		for _, e := range j.Entities {
			if !slices.Contains(m.Entities, e) {
				t.Errorf("%s: not a matter of %s", key, e)
			}
		}
		for _, code := range j.Municipalities {
			if !slices.Contains(strings.Fields(a["territory"]), code) {
				t.Errorf("%s: %s is not in the territory", key, code)
			}
		}
	}
	for id, m := range all {
		if m.AuthorityType == "state_agency" && !m.NotSent && !joined[id] {
			t.Errorf("%s: the demonstration has every state matter", id)
		}
	}
}

// TestSurveysNameMatters holds that a rule proposes only a matter type that
// exists in the service entity of its survey.
func TestSurveysNameMatters(t *testing.T) {
	all, ents := matters(t), entities(t)
	files, err := fs.Glob(FS, "surveys/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no surveys: %v", err)
	}
	for _, name := range files {
		var s struct {
			ID    string
			Rules []struct{ ID, Matter string }
		}
		raw, err := FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, found := ents[s.ID]; !found || name != "surveys/"+s.ID+".json" {
			t.Errorf("%s: id %q is not a service entity of that name", name, s.ID)
		}
		for _, r := range s.Rules {
			if !slices.Contains(all[r.Matter].Entities, s.ID) {
				t.Errorf("%s: rule %s proposes %q, which is not a matter of the entity", name, r.ID, r.Matter)
			}
		}
	}
}
