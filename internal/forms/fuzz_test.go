package forms

import (
	"net/url"
	"os"
	"testing"

	"luvat/internal/i18n"
)

// FuzzRead: whatever is posted, the answers can be kept, drawn and read again.
func FuzzRead(f *testing.F) {
	form := sample(f)
	for _, seed := range []string{
		"title=a&guards=1&kind=fair&place.name=b",
		"guard_list.0.name=A&guard_list.7.card=x&guard_list.-1.name=&guards=1",
		"start.date=2026-07-01&start.time=18.00&end=2026-07-01T18:00&day=1.7.2026&music_end=9",
		"height=1%C2%A0234,5+m&music=false&music=true&audience=all&audience.3=elderly",
		"title=%ff&%fe=1&_x=1&nope=2&title.x.y=3&place=1&guard_list=2",
		"business_id=fi+0112038-9&property_ids=91-1-2-3&towns=091&towns=091&plan=a",
		"height=1e999999999&guards=-0&height=0000000.0000",
		"start.date=T&start.time=T", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r=1", "=&.=&..=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a, problems := form.Read(v)
		for _, p := range problems {
			if p.Text(i18n.FI) == "" {
				t.Errorf("no words for %v", p)
			}
		}
		stored, err := a.Marshal()
		if err != nil {
			if problems.Err() == nil {
				t.Fatalf("read without problems, but not kept: %v", err)
			}
			return
		}
		if again, err := ParseAnswers(stored); err != nil && problems.Err() == nil {
			t.Fatalf("%s cannot be read back: %v (%v)", stored, err, again)
		}
		_ = form.Check(a)
		back := url.Values{}
		post(back, form.Fields(a))
		over, _ := form.ReadOver(a, back)
		if !equal(map[string]any(over), normalMap(a)) && problems.Err() == nil {
			t.Fatalf("drawn and read again: %v, was %v", over, a)
		}
	})
}

func normalMap(a Answers) map[string]any {
	n, _ := normalise(a)
	return n
}

// FuzzCheck: whatever JSON comes in, checking, pruning, drawing, showing and
// comparing it end, and what is checked without problems stays so.
func FuzzCheck(f *testing.F) {
	form := sample(f)
	for _, seed := range []string{
		`{}`, complete + "}", `{"kind":"fair","title":"a","place":{"name":"b"},"guards":1e3,"guard_list":[{"name":"A"},null,5,[]]}`, `{"place":[],"contact":"x","towns":{"a":1}}`,
		`{"a":[[[[[[[]]]]]]]}`, `{"height":1e999}`, `{"guards":{"x":1},"kind":["other"],"kind_other":true}`, `{"start":"T","end":5,"":null,".":1,"0":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := ParseAnswers(body)
		if err != nil {
			return
		}
		problems := form.Check(a)
		for _, p := range problems {
			if p.Text(i18n.SV) == "" {
				t.Errorf("no words for %v", p)
			}
		}
		pruned := form.Prune(a)
		if problems.Err() == nil && form.Check(pruned).Err() != nil {
			t.Fatalf("%s is right, but not when pruned", body)
		}
		if !equal(map[string]any(form.Prune(pruned)), map[string]any(pruned)) {
			t.Fatalf("pruning %s twice changes it", body)
		}
		form.Fields(a)
		form.Rows(i18n.EN, a, nil)
		form.AttachmentIDs(a)
		for _, c := range Diff(form, a, pruned) {
			form.Display(i18n.FI, c.Path, c.Old, nil)
		}
		Merge(form, a, pruned, Answers{"title": "x"})
	})
}

func BenchmarkCheck(b *testing.B) {
	form := sample(b)
	a := parse(b, `{"kind":"concert","title":"a","place":{"name":"b"},"guards":3,"guard_list":[{"name":"A","card":1},{"name":"B"},{"name":"C","leader":true}],"height":12.5,"start":"2026-07-01T18:00","end":"2026-07-01T23:00","email":"a@b.fi","business_id":"0112038-9"}`)
	if ps := form.Check(a); ps != nil {
		b.Fatal(ps)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = form.Check(a)
	}
}

func BenchmarkFields(b *testing.B) {
	schema, ui, words := readContentForm(b, os.DirFS("../../content/forms"), "police-public-event")
	form, err := Parse("police-public-event", schema, ui, words)
	if err != nil {
		b.Fatal(err)
	}
	a := Answers{"order_keepers": 3}
	b.ReportAllocs()
	for b.Loop() {
		form.Fields(a)
	}
}
