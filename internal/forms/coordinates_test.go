package forms

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luvat/internal/i18n"
)

const twoNumbers = `"lat": {"type": "number", "minimum": -90, "maximum": 90}, "lon": {"type": "number", "minimum": -180, "maximum": 180}`

// places is a form with places: one that may be answered, one that must, and
// some in rows.
func places(t testing.TB) *Form {
	t.Helper()
	return small(t, `, "required": ["site"]`,
		`"spot": {"type": "object", "additionalProperties": false, "x-widget": "place", "properties": {"name": {"type": "string"}, `+twoNumbers+`}}`,
		`"site": {"type": "object", "additionalProperties": false, "properties": {`+twoNumbers+`}, "required": ["lat", "lon"]}`,
		`"masts": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"id": {"type": "string"}, `+twoNumbers+`}, "required": ["id", "lat", "lon"]}}`)
}

// sited is a place that the form of places always needs.
const sited = `"site":{"lat":61,"lon":24}`

func TestReadCoordinates(t *testing.T) {
	f := places(t)
	for _, tt := range []struct {
		name, query, want string
		problems          []string
	}{
		{"degrees", "spot.coordinates=61,4978+23,7610", `{"spot":{"lat":61.4978,"lon":23.761}}`, nil},
		{"metres", "spot.coordinates=N+6822000+E+327000", `{"spot":{"lat":61.492862,"lon":23.749969}}`, nil},
		{"an address", "spot.coordinates=" + url.QueryEscape("https://www.openstreetmap.org/#map=15/61.4978/23.7610"), `{"spot":{"lat":61.4978,"lon":23.761}}`, nil},
		{"with other parts", "spot.name=a&spot.coordinates=61,+24", `{"spot":{"lat":61,"lon":24,"name":"a"}}`, nil},
		{"in rows", "masts.0.id=a&masts.0.coordinates=61,+24&masts.3.coordinates=62,+25", `{"masts":[{"id":"a","lat":61,"lon":24},{"lat":62,"lon":25}]}`, nil},
		{"emptied", "spot.coordinates=", `{}`, nil},
		{"unreadable is kept", "spot.coordinates=rannan++laidalla", `{"spot":{"lat":"rannan laidalla"}}`, []string{"spot.coordinates forms.place_unreadable"}},
		{"half is kept", "spot.coordinates=61.5", `{"spot":{"lat":"61.5"}}`, []string{"spot.coordinates forms.place_half"}},
		{"elsewhere is kept", "spot.coordinates=48.8566,+2.3522", `{"spot":{"lat":"48.8566, 2.3522"}}`, []string{"spot.coordinates forms.place_outside"}},
		{"an old grid is kept", "spot.coordinates=6825000,+3327000", `{"spot":{"lat":"6825000, 3327000"}}`, []string{"spot.coordinates forms.place_other_grid"}},
		{"a short address is kept", "spot.coordinates=https://maps.app.goo.gl/x1", `{"spot":{"lat":"https://maps.app.goo.gl/x1"}}`, []string{"spot.coordinates forms.place_no_place"}},
		{"each by its own name", "spot.lat=61,4978&spot.lon=23.7610", `{"spot":{"lat":61.4978,"lon":23.761}}`, nil},
		{"both ways at once", "spot.coordinates=61,+24&spot.lat=62", `{"spot":{"lat":61,"lon":24}}`, []string{"spot.lat forms.unknown_field"}},
		{"parts of it", "spot.coordinates.x=1", `{}`, []string{"spot.coordinates.x forms.unknown_field"}},
		{"broken", "spot.coordinates=%ff", `{}`, []string{"spot.coordinates forms.bad_characters"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			a, problems := f.Read(v)
			if got := text(t, a); got != tt.want || !slices.Equal(list(problems), slices.Concat([]string{}, tt.problems)) {
				t.Errorf("Read = %s, %v; want %s, %v", got, list(problems), tt.want, tt.problems)
			}
		})
	}

	_, problems := f.Read(url.Values{"spot.coordinates": {strings.Repeat("x", MaxString+1)}})
	if got := list(problems); !slices.Equal(got, []string{"spot.coordinates forms.place_unreadable", "spot.coordinates forms.too_long"}) {
		t.Errorf("too long: %v", got)
	}

	base := parse(t, `{"spot":{"name":"a","lat":61,"lon":24}}`)
	for query, want := range map[string]string{
		"spot.name=b":               `{"spot":{"lat":61,"lon":24,"name":"b"}}`,
		"spot.coordinates=":         `{"spot":{"name":"a"}}`,
		"spot.coordinates.x=1":      `{"spot":{"lat":61,"lon":24,"name":"a"}}`,
		"spot.coordinates=tuolla":   `{"spot":{"lat":"tuolla","name":"a"}}`,
		"spot.coordinates=62,+25.5": `{"spot":{"lat":62,"lon":25.5,"name":"a"}}`,
	} {
		v, _ := url.ParseQuery(query)
		if a, _ := f.ReadOver(base, v); text(t, a) != want {
			t.Errorf("%s over what was: %s, want %s", query, text(t, a), want)
		}
	}
}

func TestCheckCoordinates(t *testing.T) {
	f := places(t)
	for _, tt := range []struct {
		name, answers string
		want          []string
	}{
		{"right", `{` + sited + `,"spot":{"lat":62,"lon":25},"masts":[{"id":"a","lat":63,"lon":26}]}`, nil},
		{"missing, said once", `{"masts":[{"id":"a"}]}`, []string{"site.coordinates forms.required_place", "masts.0.coordinates forms.required_place"}},
		{"one of the two", `{` + sited + `,"spot":{"lat":62},"masts":[{"id":"a","lon":26}]}`, []string{"spot.coordinates forms.place_half", "masts.0.coordinates forms.place_half"}},
		{"as it was typed", `{"site":{"lat":"tuolla"}}`, []string{"site.coordinates forms.place_unreadable"}},
		{"both as they were typed", `{"site":{"lat":"a","lon":"b"}}`, []string{"site.coordinates forms.place_unreadable"}},
		{"an address kept", `{"site":{"lat":"https://maps.app.goo.gl/x1"}}`, []string{"site.coordinates forms.place_no_place"}},
		{"elsewhere", `{"site":{"lat":48.8566,"lon":2.3522}}`, []string{"site.coordinates forms.place_outside"}},
		{"nowhere", `{"site":{"lat":148.8566,"lon":2.3522}}`, []string{"site.coordinates forms.place_outside"}},
		{"swapped", `{"site":{"lat":23.761,"lon":61.4978}}`, []string{"site.coordinates forms.place_swapped"}},
		{"of no type", `{"site":{"lat":true,"lon":[1]}}`, []string{"site.coordinates forms.place_unreadable"}},
		{"readable, but not read", `{"site":{"lat":"61, 24"}}`, []string{"site.coordinates forms.place_unreadable"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := parse(t, tt.answers)
			if got := list(f.Check(a)); !slices.Equal(got, slices.Concat([]string{}, tt.want)) {
				t.Errorf("Check = %v, want %v", got, tt.want)
			}
			missing := slices.ContainsFunc(tt.want, func(s string) bool { return s == "site.coordinates forms.required_place" })
			if got := len(f.Completeness(a)) > 0; got != missing {
				t.Errorf("missing something: %t, want %t", got, missing)
			}
			for _, p := range f.Check(a) {
				if find(f.Fields(a), p.Path) == nil {
					t.Errorf("%s is not drawn", p.Path)
				}
			}
		})
	}

	swapped := f.Check(parse(t, `{"site":{"lat":23.761,"lon":61.4978}}`))
	if got, want := swapped[0].Text(i18n.EN), "The coordinates are in the wrong order. Write them like this: 61.4978, 23.7610"; got != want {
		t.Errorf("%q, want %q", got, want)
	}

	near := small(t, "", `"pier": {"type": "object", "additionalProperties": false, "properties": {"lat": {"type": "number", "minimum": 61, "maximum": 62}, "lon": {"type": "number"}}}`)
	if got := list(near.Check(parse(t, `{"pier":{"lat":65,"lon":25}}`))); !slices.Equal(got, []string{"pier.coordinates forms.not_valid"}) {
		t.Errorf("in Finland, but not where the form wants it: %v", got)
	}
}

func TestCoordinatesNode(t *testing.T) {
	f := places(t)
	a := parse(t, `{"spot":{"name":"a","lat":61.4978,"lon":23.761},"masts":[{"lat":"tuolla"}]}`)
	nodes := f.Fields(a)
	spot, site, mast := find(nodes, "spot.coordinates"), find(nodes, "site.coordinates"), find(nodes, "masts.0.coordinates")
	if spot == nil || site == nil || mast == nil {
		t.Fatalf("places are not drawn: %s", outline(nodes, ""))
	}
	if spot.Raw != "61.4978, 23.7610" || site.Raw != "" || mast.Raw != "tuolla" {
		t.Errorf("drawn as %q, %q and %q", spot.Raw, site.Raw, mast.Raw)
	}
	if spot.Required || !site.Required || !mast.Required {
		t.Errorf("required: %t, %t and %t; want the last two", spot.Required, site.Required, mast.Required)
	}
	if find(nodes, "spot.lat") != nil || find(nodes, "masts.0.lon") != nil {
		t.Error("lat and lon are drawn by themselves too")
	}
	if got, want := spot.MapURL("sv"), "https://asiointi.maanmittauslaitos.fi/karttapaikka/?e=327614&lang=sv&n=6822520&share=customMarker&zoom=10"; got != want {
		t.Errorf("the place is at %s, want %s", got, want)
	}
	for _, n := range []*Node{site, mast} {
		if got, want := n.MapURL("fi"), "https://asiointi.maanmittauslaitos.fi/karttapaikka/?lang=fi"; got != want {
			t.Errorf("%s is at %s, want the whole country", n.Path, got)
		}
	}
}

func TestShowCoordinates(t *testing.T) {
	f := places(t)
	rows := f.Rows(i18n.EN, parse(t, `{"spot":{"name":"a","lat":61.4978,"lon":23.761},"site":{"lat":48.5,"lon":2.5},"masts":[{"id":"m","lat":"tuolla"}]}`), nil)
	var got []string
	for _, r := range rows {
		line := r.Path + " | " + r.Label + " | " + r.Value
		if r.Point != nil {
			line += " | " + r.Point.MapURL("fi")
		}
		got = append(got, line)
	}
	want := []string{
		"spot.name | spot.name en | a",
		"spot.coordinates | Location on the map | 61.4978, 23.7610 (WGS84)\nN 6822520, E 327614 (ETRS-TM35FIN) | https://asiointi.maanmittauslaitos.fi/karttapaikka/?e=327614&lang=fi&n=6822520&share=customMarker&zoom=10",
		"site.coordinates | Location on the map | 48.5000, 2.5000 (WGS84)",
		"masts.0.id | masts en 1: masts.id en | m",
		"masts.0.coordinates | masts en 1: Location on the map | tuolla",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	row := map[string]any{"id": "m", "lat": 61, "lon": 24.5}
	if got, want := f.Display(i18n.EN, "masts.0", row, nil), "masts.id en: m; Location on the map: 61.0000, 24.5000 (WGS84), N 6765368, E 364808 (ETRS-TM35FIN)"; got != want {
		t.Errorf("a row of it is %q, want %q", got, want)
	}
	if got, want := f.LongLabel("masts.1.coordinates").EN, "masts en, no. 2 – Location on the map"; got != want {
		t.Errorf("a place in a row is called %q, want %q", got, want)
	}
}

// TestCoordinatesAreOneAnswer: half of one place and half of another are none.
func TestCoordinatesAreOneAnswer(t *testing.T) {
	f := places(t)
	for _, tt := range []struct{ name, base, theirs, mine, want, conflicts string }{
		{"both moved it", `{"spot":{"lat":61,"lon":24}}`, `{"spot":{"lat":62,"lon":25}}`, `{"spot":{"lat":63,"lon":24}}`, `{"spot":{"lat":63,"lon":24}}`, "spot.coordinates"},
		{"one moved it, the other named it", `{"spot":{"lat":61,"lon":24}}`, `{"spot":{"lat":62,"lon":24}}`, `{"spot":{"lat":61,"lon":24,"name":"a"}}`, `{"spot":{"lat":62,"lon":24,"name":"a"}}`, ""},
		{"one took it away", `{"spot":{"lat":61,"lon":24}}`, `{}`, `{"spot":{"lat":61,"lon":24}}`, `{}`, ""},
		{"one typed what no place is", `{}`, `{"spot":{"lat":61,"lon":24}}`, `{"spot":{"lat":"tuolla"}}`, `{"spot":{"lat":"tuolla"}}`, "spot.coordinates"},
	} {
		merged, conflicts := Merge(f, parse(t, tt.base), parse(t, tt.theirs), parse(t, tt.mine))
		if got := text(t, merged); got != tt.want || !slices.Equal(conflicts, slices.DeleteFunc([]string{tt.conflicts}, func(s string) bool { return s == "" })) {
			t.Errorf("%s: %s, conflicts %q; want %s, %q", tt.name, got, conflicts, tt.want, tt.conflicts)
		}
	}

	rapid.Check(t, func(t *rapid.T) {
		var sides [3]Answers
		for i := range sides {
			sides[i] = drawAnswers(t, f.fields, "")
		}
		merged, _ := Merge(f, sides[0], sides[1], sides[2])
		is, _ := merged.At("spot.coordinates")
		if !slices.ContainsFunc(sides[:], func(a Answers) bool {
			v, _ := Answers(normalMap(a)).At("spot.coordinates")
			return equal(v, is)
		}) {
			t.Fatalf("%v is the place of nobody", is)
		}
	})

	changes := Diff(f, parse(t, `{"spot":{"name":"a","lat":61,"lon":24}}`), parse(t, `{"spot":{"name":"a","lat":61,"lon":25}}`))
	if len(changes) != 1 || changes[0].Path != "spot.coordinates" || f.Display(i18n.EN, changes[0].Path, changes[0].Old, nil) != "61.0000, 24.0000 (WGS84)\nN 6766503, E 337782 (ETRS-TM35FIN)" {
		t.Errorf("a place moved is %v", changes)
	}
}

func TestPutCoordinates(t *testing.T) {
	a := parse(t, `{"spot":{"name":"a","lat":61,"lon":24},"masts":[{"id":"m"}]}`)
	moved := parse(t, `{"spot":{"lat":"tuolla"}}`)
	v, _ := moved.At("spot.coordinates")
	a.Put("spot.coordinates", v)
	a.Put("masts.0.coordinates", map[string]any{"lat": 62, "lon": 25})
	a.Put("masts.1.id", "nobody")
	a.Put("new.name", "b")
	if got, want := text(t, a), `{"masts":[{"id":"m","lat":62,"lon":25}],"new":{"name":"b"},"spot":{"lat":"tuolla","name":"a"}}`; got != want {
		t.Errorf("put: %s, want %s", got, want)
	}
	a.Put("spot.coordinates", nil)
	a.Put("new.name", nil)
	if got, want := text(t, a), `{"masts":[{"id":"m","lat":62,"lon":25}],"new":{},"spot":{"name":"a"}}`; got != want {
		t.Errorf("taken away: %s, want %s", got, want)
	}
	if v, ok := a.At("spot.coordinates"); ok {
		t.Errorf("what is not there is %v", v)
	}
}

func TestCoordinatesInForms(t *testing.T) {
	f := places(t)
	drawnIsRead(t, f)
	problemsAreShown(t, f)
	requiredIsTold(t, f)
	a, err := f.Example(nil, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := pointOf(a["spot"]); !ok {
		t.Errorf("an example without a place: %s", text(t, a))
	}

	own := small(t, "", `"chart": {"type": "object", "additionalProperties": false, "properties": {"coordinates": {"type": "string"}}}`)
	if a, problems := own.Read(url.Values{"chart.coordinates": {"E7"}}); text(t, a) != `{"chart":{"coordinates":"E7"}}` || problems != nil {
		t.Errorf("a part that is called so where there is no place: %s, %v", text(t, a), problems)
	}

	a = parse(t, `{"chart":{}}`)
	if a.Put("chart.coordinates", "E7"); text(t, a) != `{"chart":{"coordinates":"E7"}}` {
		t.Errorf("put as %s", text(t, a))
	}

	schema := `{"type": "object", "additionalProperties": false, "properties": {"spot": {"type": "object", "additionalProperties": false, "properties": {` + twoNumbers + `}}}}`
	words := wordsFor("spot", "spot.lat", "spot.lon")
	apart := `{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/spot/properties/lat"}, {"type": "Control", "scope": "#/properties/spot/properties/lon"}]}`
	if _, err := Parse("apart", []byte(schema), []byte(apart), words); err == nil {
		t.Error("lat and lon are placed apart, and nobody says so")
	}
	taken := `{"type": "object", "additionalProperties": false, "properties": {"spot": {"type": "object", "additionalProperties": false, "properties": {"coordinates": {"type": "string"}, ` + twoNumbers + `}}}}`
	whole := `{"type": "VerticalLayout", "elements": [{"type": "Control", "scope": "#/properties/spot"}]}`
	if _, err := Parse("taken", []byte(taken), []byte(whole), wordsFor("spot", "spot.lat", "spot.lon", "spot.coordinates")); err == nil {
		t.Error("a part has the name of lat and lon together, and nobody says so")
	}
}

// TestCoordinatesStandWhereLatStood: in the order of the layout, in what
// decides, and where one of several answers is enough.
func TestCoordinatesStandWhereLatStood(t *testing.T) {
	f := small(t, `, "required": ["yard"], "allOf": [{"if": {"properties": {"spot": {"required": ["lon"]}}, "required": ["spot"]}, "then": {"required": ["reason"]}}]`,
		`"yard": {"type": "object", "additionalProperties": false, "properties": {"name": {"type": "string"}, `+twoNumbers+`, "after": {"type": "string"}}, "required": ["after", "lon", "lat", "name"]}`,
		`"spot": {"type": "object", "additionalProperties": false, "properties": {`+twoNumbers+`}}`,
		`"reason": {"type": "string"}`,
		`"way": {"type": "object", "additionalProperties": false, "properties": {"words": {"type": "string"}, `+twoNumbers+`}, "anyOf": [{"required": ["lat"]}, {"required": ["words"]}]}`)
	want := []string{"yard.name forms.required", "yard.coordinates forms.required_place", "yard.after forms.required"}
	if got := list(f.Check(nil)); !slices.Equal(got, want) {
		t.Errorf("problems: %v, want %v", got, want)
	}
	nodes := f.Fields(nil)
	if spot, yard := find(nodes, "spot.coordinates"), find(nodes, "yard.coordinates"); !spot.Controls || yard.Controls {
		t.Errorf("decides: %t and %t, want the spot alone", spot.Controls, yard.Controls)
	}
	one := list(f.Check(parse(t, `{"yard":{"name":"a","after":"b","lat":61,"lon":24},"way":{"lon":24}}`)))
	if !slices.Contains(one, "way.coordinates forms.one_of") {
		t.Errorf("one of two is enough, and is told as %v", one)
	}
}
