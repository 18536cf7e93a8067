package e2e_test

import (
	"path"
	"strings"
	"testing"

	"luvat/internal/i18n"
)

// A job is what one applicant does from the first question to the outcome.
type job struct {
	t         *testing.T
	h         *hub
	js        bool
	name      string   // of the project
	types     []string // matters that are to be sent
	person    string
	applicant *visitor
	project   string            // its path
	matters   map[string]string // paths by type, as the applicant has them
}

func newJob(t *testing.T, h *hub, person string, l i18n.Lang, js bool, name string, types ...string) *job {
	t.Helper()
	return &job{t: t, h: h, js: js, name: name, types: types, person: person, applicant: h.visitor(t, l, js), matters: map[string]string{}}
}

// begin signs in on the way from the open result of a survey to a project.
func (j *job) begin(t *testing.T) {
	t.Helper()
	v := j.applicant
	v.Click("button", v.words("public.start_login"))
	v.signIn(j.person)
	for _, id := range j.types {
		if !v.Checked(v.about("public.take_along") + v.typeName(id)) {
			t.Errorf("%s is not ticked any more after signing in", id)
		}
	}
	v.Fill(v.words("public.project_name"), j.name)
	v.Click("button", v.words("public.start_project"))
	v.SeeElement("heading", j.name)
	j.project = pathOf(v)
}

// fillOne fills in a matter's own form.
func (j *job) fillOne(t *testing.T, id string, given map[string]any) {
	t.Helper()
	v := j.applicant
	v.Goto(j.project)
	v.In("region", v.words("customer.joint_title")).Click("link", v.typeName(id))
	j.matters[id] = pathOf(v)
	v.Click("link", v.words("customer.fill_form"))
	v.fill(j.h.form(j.h.Catalogue.Type(id).Form), answers(t, given))
	v.Click("button", v.words("customer.save_next"))
	v.SeeElement("heading", v.words("customer.send_title"))
}

// send sends all matters at once, from the page to which filling them led.
func (j *job) send(t *testing.T) {
	t.Helper()
	v := j.applicant
	for _, id := range j.types {
		if !v.Checked(v.about("customer.send_this") + v.typeName(id)) {
			t.Errorf("%s is not ready to be sent", id)
		}
	}
	v.Click("button", v.words("customer.send_chosen"))
	v.SeeElement("heading", v.words("customer.sent_title"))
	for _, id := range j.types {
		v.SeeElement("link", v.about("customer.receipt")+v.typeName(id))
	}
}

// opened opens a matter of the project in an officer's inbox.
func (j *job) opened(v *visitor, bucket, id string) {
	v.t.Helper()
	v.Goto("/officer?bucket=" + bucket + "&type=" + id)
	v.In("row", j.name).Click("link", v.typeName(id))
	v.SeeElement("heading", v.typeName(id))
}

// mailed waits for a mail to the applicant about a matter, and returns where
// its link leads.
func (j *job) mailed(t *testing.T, id, to string, words ...string) string {
	t.Helper()
	number := find(t, j.h, `SELECT number FROM matters WHERE id = $1`, path.Base(j.matters[id]))
	return j.applicant.mailed(to, append(words, number)...)
}

// pathOf is the path of the open page.
func pathOf(v *visitor) string {
	v.t.Helper()
	p := strings.TrimPrefix(v.URL(), v.hub.url)
	p, _, _ = strings.Cut(p, "?")
	p, _, _ = strings.Cut(p, "#")
	return p
}
