package content

import (
	"regexp"
	"strings"
	"testing"
)

// regional are the authority types that share mainland Finland among themselves,
// with the column of municipalities.csv that names the authority.
var regional = map[string]string{
	"police_department": "police_department_fi",
	"rescue_department": "rescue_department_fi",
	"wellbeing_county":  "wellbeing_county_fi",
}

func TestMunicipalities(t *testing.T) {
	rows := byID(t, table(t, "municipalities.csv"), func(r map[string]string) string { return r["code"] })
	if len(rows) != 308 {
		t.Errorf("%d municipalities, want 308", len(rows))
	}
	named, auths := map[string]bool{}, authorities(t)
	for _, a := range auths {
		named[a["type"]+"|"+a["name_fi"]] = true
	}
	aland := 0
	for code, r := range rows {
		if !regexp.MustCompile(`^\d{3}$`).MatchString(code) || r["name_fi"] == "" || r["name_sv"] == "" {
			t.Errorf("%s: bad code or a name missing", code)
		}
		if auths["muni-"+code]["type"] != "municipality" {
			t.Errorf("%s: no authority muni-%s", code, code)
		}
		if r["is_aland"] == "1" {
			aland++
		}
		for kind, column := range regional {
			if name := r[column]; (name == "") != (r["is_aland"] == "1") || name != "" && !named[kind+"|"+name] {
				t.Errorf("%s: %s %q is not an authority", code, kind, name)
			}
		}
	}
	if aland != 16 {
		t.Errorf("%d municipalities of Åland, want 16", aland)
	}
}

func TestAuthorities(t *testing.T) {
	prefix := map[string]string{
		"municipality": "muni-", "police_department": "police-", "rescue_department": "rescue-",
		"wellbeing_county": "county-", "state_agency": "agency-",
	}
	for id, a := range authorities(t) {
		if p := prefix[a["type"]]; p == "" || !strings.HasPrefix(id, p) || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(id) {
			t.Errorf("%s: the id does not suit type %q", id, a["type"])
		}
		if !(text{a["name_fi"], a["name_sv"], a["name_en"]}).complete() {
			t.Errorf("%s: a name is missing", id)
		}
		if b := a["business_id"]; b != "" && !businessID(b) {
			t.Errorf("%s: business id %s has a wrong check digit", id, b)
		}
	}
}

// businessID checks the form and the check digit of a Finnish business id.
func businessID(s string) bool {
	if !regexp.MustCompile(`^\d{7}-\d$`).MatchString(s) {
		return false
	}
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * weight
	}
	rest := sum % 11
	return rest != 1 && (11-rest)%11 == int(s[8]-'0')
}

// TestTerritories holds that each mainland municipality has exactly one police
// department, rescue department and wellbeing county, and that both tables agree.
func TestTerritories(t *testing.T) {
	rows := byID(t, table(t, "municipalities.csv"), func(r map[string]string) string { return r["code"] })
	served := map[string]string{}
	for id, a := range authorities(t) {
		for _, code := range strings.Fields(a["territory"]) {
			if code == "national" {
				if a["type"] != "state_agency" {
					t.Errorf("%s: only a state agency is national", id)
				}
				continue
			}
			row, known := rows[code]
			if !known {
				t.Errorf("%s: no municipality %s", id, code)
				continue
			}
			column, shared := regional[a["type"]]
			if !shared {
				continue
			}
			if other := served[a["type"]+code]; other != "" {
				t.Errorf("%s belongs to both %s and %s", code, other, id)
			}
			served[a["type"]+code] = id
			if row[column] != a["name_fi"] {
				t.Errorf("%s: %s says %q, %s serves it", code, column, row[column], a["name_fi"])
			}
		}
	}
	for code, r := range rows {
		for kind := range regional {
			if (served[kind+code] == "") != (r["is_aland"] == "1") {
				t.Errorf("%s %s: %s is %q", code, r["name_fi"], kind, served[kind+code])
			}
		}
	}
}

func TestTerritoryRules(t *testing.T) {
	rules := decode[territory](t, "territory.json")
	types := map[string]bool{}
	for _, a := range authorities(t) {
		types[a["type"]] = true
	}
	row := table(t, "municipalities.csv")[0]
	for _, r := range rules.AuthorityTypes {
		if !types[r.Type] || !r.Name.complete() {
			t.Errorf("%s: unknown type or a name missing", r.Type)
		}
		delete(types, r.Type)
		if want := r.Type == "state_agency"; (r.Offered == "mainland") != want || (r.Offered == "joined") == want {
			t.Errorf("%s: offered %q", r.Type, r.Offered)
		}
		if _, found := row[r.Column]; !found && r.Type != "state_agency" {
			t.Errorf("%s: no column %q", r.Type, r.Column)
		}
	}
	if len(types) > 0 {
		t.Errorf("types without a rule: %v", types)
	}
	if _, found := row[rules.Excluded.Column]; !found || !rules.Excluded.Reason.complete() {
		t.Error("the exclusion of Åland is not complete")
	}
}
