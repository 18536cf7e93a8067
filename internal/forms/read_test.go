package forms

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	f := sample(t)
	for _, tt := range []struct {
		name, post, want string
		problems         []string
	}{
		{"a text is cleaned", "title=+J%C3%A4rvi%C2%A0%0D%0Arock++fest+", `{"title":"Järvi rock fest"}`, nil},
		{"a long text keeps its lines", "story=a%0D%0A%0D%0Ab", `{"story":"a\n\nb"}`, nil},
		{"accents become one sign", "title=a%CC%88", `{"title":"ä"}`, nil},
		{"control characters go", "title=a%00b%07", `{"title":"ab"}`, nil},
		{"empty is absent", "title=&guards=+", `{}`, nil},
		{"a whole number with spaces", "guards=1%C2%A0200", `{"guards":1200}`, nil},
		{"a whole number with a point is not guessed", "guards=1.200", `{"guards":"1.200"}`, []string{"guards forms.not_a_whole_number"}},
		{"a decimal comma", "height=12,50", `{"height":12.5}`, nil},
		{"a decimal point", "height=12.5", `{"height":12.5}`, nil},
		{"with its unit and zeros", "height=007,0+m", `{"height":7}`, nil},
		{"a minus as typeset", "height=%E2%88%923", `{"height":-3}`, nil},
		{"what is no number is kept", "height=abc", `{"height":"abc"}`, []string{"height forms.not_a_number"}},
		{"infinity is no number", "height=Inf", `{"height":"Inf"}`, []string{"height forms.not_a_number"}},
		{"a ticked box after its hidden input", "music=false&music=true", `{"music":true}`, nil},
		{"an unticked box", "music=false", `{"music":false}`, nil},
		{"an unticked box, not answered", "music=", `{}`, nil},
		{"a strange boolean", "music=maybe", `{"music":"maybe"}`, []string{"music forms.not_yes_or_no"}},
		{"several, with the hidden input", "audience=&audience=all&audience=elderly&audience=all", `{"audience":["all","elderly"]}`, nil},
		{"several, numbered", "audience.0=all&audience.1=elderly", `{"audience":["all","elderly"]}`, nil},
		{"a date", "day=2026-07-01", `{"day":"2026-07-01"}`, nil},
		{"a date as people write", "day=1.7.2026", `{"day":"2026-07-01"}`, nil},
		{"a date that is not", "day=31.6.2026", `{"day":"31.6.2026"}`, []string{"day forms.not_a_date"}},
		{"a date with a time, one input", "start=2026-07-01T18:00", `{"start":"2026-07-01T18:00"}`, nil},
		{"a date with a time, seconds", "start=2026-07-01T18:00:00", `{"start":"2026-07-01T18:00"}`, nil},
		{"a date with a time, two inputs", "start.date=1.7.2026&start.time=18.00", `{"start":"2026-07-01T18:00"}`, nil},
		{"a date whose time is not given yet", "start.date=2026-07-01&start.time=", `{"start":"2026-07-01T"}`, nil},
		{"the same in one input", "start=1.7.2026", `{"start":"2026-07-01T"}`, nil},
		{"the same, read again", "start=2026-07-01T", `{"start":"2026-07-01T"}`, nil},
		{"a time whose date is not given yet", "start.date=&start.time=18", `{"start":"T18:00"}`, nil},
		{"a date that is not, with a time", "start.date=Tiistaina&start.time=18.00", `{"start":"TiistainaT18:00"}`, []string{"start forms.not_a_datetime"}},
		{"a date with a time that is not", "start.date=1.7.2026&start.time=illalla", `{"start":"2026-07-01Tillalla"}`, []string{"start forms.not_a_datetime"}},
		{"nothing around the T", "start=T", `{"start":"T"}`, []string{"start forms.not_a_datetime"}},
		{"both are empty", "start.date=&start.time=", `{}`, nil},
		{"a time", "music_end=9.30", `{"music_end":"09:30"}`, nil},
		{"a business id as on an invoice", "business_id=FI01120389", `{"business_id":"0112038-9"}`, nil},
		{"an old business id", "business_id=112038-9", `{"business_id":"0112038-9"}`, nil},
		{"property ids", "property_ids=837-+65-18-1&property_ids=", `{"property_ids":["837-65-18-1"]}`, nil},
		{"a group", "place.name=Kirkkopuisto&place.lat=61,4978", `{"place":{"lat":61.4978,"name":"Kirkkopuisto"}}`, nil},
		{"an empty group", "place.name=&place.lat=", `{}`, nil},
		{"rows, with a gap and an empty row", "guard_list.0.name=Aino&guard_list.2.name=&guard_list.2.leader=&guard_list.10.name=Eero&guard_list.10.card=12", `{"guard_list":[{"name":"Aino"},{"card":12,"name":"Eero"}]}`, nil},
		{"a mistake in a row is named by its new number", "guard_list.5.card=x", `{"guard_list":[{"card":"x"}]}`, []string{"guard_list.0.card forms.not_a_whole_number"}},
		{"the page's own names", "_version=3&title=a", `{"title":"a"}`, nil},
		{
			"unknown names", "nope=1&title.x=1&guard_list.a=1&guard_list.0.nope=1&place.nope=&guard_list.00.name=a", `{}`,
			[]string{"title.x forms.unknown_field", "guard_list.0.nope forms.unknown_field", "guard_list.a forms.unknown_field", "guard_list.00.name forms.unknown_field", "place.nope forms.unknown_field", "nope forms.unknown_field"},
		},
		{"broken characters", "title=%ff", `{}`, []string{"title forms.bad_characters"}},
		{"a broken name", "%ff=1", `{}`, []string{"\uFFFD forms.unknown_field"}},
		{"an unknown choice is for Check", "kind=x", `{"kind":"x"}`, nil},
		{"problems stand in the order of the layout", "height=x&guards=y&kind=concert", `{"guards":"y","height":"x","kind":"concert"}`, []string{"guards forms.not_a_whole_number", "height forms.not_a_number"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := url.ParseQuery(tt.post)
			if err != nil {
				t.Fatal(err)
			}
			a, problems := f.Read(v)
			if got := text(t, a); got != tt.want {
				t.Errorf("Read = %s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(append([]string{}, tt.problems...), list(problems)); diff != "" {
				t.Errorf("problems: %s", diff)
			}
		})
	}
}

func TestReadLimits(t *testing.T) {
	f := sample(t)
	v := url.Values{}
	for i := range 600 {
		v.Set(fmt.Sprintf("guard_list.%d.name", i), "A")
	}
	a, problems := f.Read(v)
	if rows := a["guard_list"].([]any); len(rows) != MaxRows || list(problems)[0] != "guard_list forms.too_many" {
		t.Errorf("600 rows: %d kept, problems %v", len(rows), list(problems))
	}
	_, problems = f.Read(url.Values{"story": {strings.Repeat("a", MaxString+1)}})
	if len(problems) != 1 || problems[0].Key != "forms.too_long" {
		t.Errorf("a very long text: problems %v", problems)
	}
	a, problems = f.Read(url.Values{"story": {strings.Repeat("a", MaxBytes)}, "title": {"b"}})
	if a != nil || len(problems) != 1 || problems[0].Key != "forms.too_large" {
		t.Errorf("more than a mebibyte: problems %v", problems)
	}
}

func TestReadOver(t *testing.T) {
	f := sample(t)
	base := parse(t, `{"title":"a","kind":"fair","plan":["f1"],"place":{"name":"b","lat":60},"guard_list":[{"name":"A"}]}`)
	a, _ := f.ReadOver(base, url.Values{"title": {""}, "place.name": {"c"}, "guard_list": {""}})
	if got, want := text(t, a), `{"kind":"fair","place":{"lat":60,"name":"c"},"plan":["f1"]}`; got != want {
		t.Errorf("ReadOver = %s, want %s", got, want)
	}
	if got, want := text(t, base), `{"guard_list":[{"name":"A"}],"kind":"fair","place":{"lat":60,"name":"b"},"plan":["f1"],"title":"a"}`; got != want {
		t.Errorf("ReadOver changed its base: %s", got)
	}
}

// Parts that a field has not take nothing of its answer away.
func TestReadOverUnknownParts(t *testing.T) {
	f := sample(t)
	base := parse(t, `{"title":"a","start":"2026-07-01T18:00","plan":["f1"],"guard_list":[{"name":"A"}]}`)
	a, problems := f.ReadOver(base, url.Values{"title.x": {"1"}, "start.x": {"1"}, "plan.x": {"1"}, "guard_list.x": {"1"}, "guard_list.x.name": {"1"}})
	if got, want := text(t, a), text(t, base); got != want {
		t.Errorf("ReadOver = %s, want %s", got, want)
	}
	if len(problems) != 5 {
		t.Errorf("%d problems, want 5: %v", len(problems), problems)
	}
}
