package dossier

import (
	"encoding/json"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/matter"
)

// stamp writes a time as machines read it; "" for no time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// The types below are matter.json: matter.schema.json says the same to
// machines, and what a field means. Names and values never change; a new field
// is a new version of the format only if old readers would go wrong.
type (
	document struct {
		Format      string          `json:"format"` // "luvat-package-1"
		MadeAt      string          `json:"made_at"`
		Language    i18n.Lang       `json:"language"`
		Matter      docMatter       `json:"matter"`
		Project     docProject      `json:"project"`
		Submissions []docSubmission `json:"submissions"`
		Requests    []docRequest    `json:"requests"`
		Messages    []docMessage    `json:"messages"`
		Decision    *docDecision    `json:"decision"`
		Timeline    []docEvent      `json:"timeline"`
		Attachments []docAttachment `json:"attachments"`
		Forms       []docForm       `json:"forms"`
	}
	docMatter struct {
		ID             string     `json:"id"`
		Number         string     `json:"number"`
		Type           string     `json:"type"`
		TypeName       i18n.Text  `json:"type_name"`
		Kind           string     `json:"kind"`
		Authority      string     `json:"authority"`
		AuthorityName  i18n.Text  `json:"authority_name"`
		Way            string     `json:"way"`
		Identifier     string     `json:"identifier,omitempty"`
		Handler        string     `json:"handler,omitempty"`
		Status         string     `json:"status"`
		StatusWords    i18n.Text  `json:"status_words"`
		StatusAt       string     `json:"status_at"`
		Outcome        string     `json:"outcome,omitempty"`
		OutcomeWords   *i18n.Text `json:"outcome_words,omitempty"`
		Holder         string     `json:"holder"`
		HolderSince    string     `json:"holder_since"`
		OtherAuthority string     `json:"other_authority,omitempty"`
		DueAt          string     `json:"due_at,omitempty"`
		SentAt         string     `json:"sent_at,omitempty"`
		StartedAt      string     `json:"started_at,omitempty"`
		Follows        string     `json:"follows,omitempty"`
	}
	docProject struct {
		ID               string    `json:"id"`
		Number           string    `json:"number"`
		Name             string    `json:"name"`
		Entity           string    `json:"entity"`
		Municipality     string    `json:"municipality"`
		MunicipalityName i18n.Text `json:"municipality_name"`
		StartsAt         string    `json:"starts_at,omitempty"`
	}
	docSubmission struct {
		N       int64           `json:"n"`
		ID      string          `json:"id"`
		SentAt  string          `json:"sent_at"`
		SentBy  docPerson       `json:"sent_by"`
		SHA256  string          `json:"sha256"`
		Body    string          `json:"body"`
		Content json.RawMessage `json:"content"`
	}
	docPerson struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	docRequest struct {
		N           int64     `json:"n"`
		ID          string    `json:"id"`
		AskedAt     string    `json:"asked_at"`
		AskedBy     docPerson `json:"asked_by"`
		DueAt       string    `json:"due_at"`
		Text        string    `json:"text"`
		Fields      []string  `json:"fields"`
		AnsweredAt  string    `json:"answered_at,omitempty"`
		Attachments []string  `json:"attachments"`
	}
	docMessage struct {
		ID          string    `json:"id"`
		Thread      string    `json:"thread"`
		Side        string    `json:"side"`
		By          docPerson `json:"by"`
		At          string    `json:"at"`
		Text        string    `json:"text"`
		Attachments []string  `json:"attachments"`
	}
	docDecision struct {
		Outcome     string    `json:"outcome,omitempty"`
		Text        string    `json:"text"`
		By          docPerson `json:"by"`
		At          string    `json:"at"`
		Attachments []string  `json:"attachments"`
	}
	docEvent struct {
		N          int64  `json:"n"`
		At         string `json:"at"`
		Deed       string `json:"deed"`
		Side       string `json:"side"`
		By         string `json:"by,omitempty"`
		Status     string `json:"status,omitempty"`
		DueAt      string `json:"due_at,omitempty"`
		Authority  string `json:"authority,omitempty"`
		Person     string `json:"person,omitempty"`
		Request    string `json:"request,omitempty"`
		Message    string `json:"message,omitempty"`
		Thread     string `json:"thread,omitempty"`
		Submission int64  `json:"submission,omitempty"`
		SHA256     string `json:"sha256,omitempty"`
		Audience   string `json:"audience,omitempty"`
	}
	docAttachment struct {
		ID          string  `json:"id"`
		Path        string  `json:"path,omitempty"` // absent when the file is missing
		Missing     bool    `json:"missing,omitempty"`
		Name        string  `json:"name"`
		Size        int64   `json:"size"`
		ContentType string  `json:"content_type"`
		SHA256      string  `json:"sha256"`
		From        string  `json:"from"`
		Field       string  `json:"field,omitempty"`
		Common      bool    `json:"common,omitempty"`
		Submissions []int64 `json:"submissions,omitempty"`
	}
	docForm struct {
		ID      string `json:"id"`
		Version string `json:"version"`
		Path    string `json:"path"`
	}
)

func (c *content) person(id string) docPerson { return docPerson{id, c.v.Names[id]} }

func (c *content) paths(from, subject string) []string {
	paths := []string{}
	for _, f := range c.filesOf(from, subject) {
		paths = append(paths, f.Path)
	}
	return paths
}

// document puts the matter in the form of matter.json.
func (c *content) document() *document {
	v, p := c.v, c.v.Project
	d := &document{
		Format: "luvat-package-1", MadeAt: stamp(c.made), Language: c.lang,
		Matter: docMatter{
			ID: v.ID, Number: v.Number, Type: v.Type, TypeName: c.typeName(), Kind: v.Kind, Authority: v.Authority,
			AuthorityName: c.authorityName(v.Authority), Way: string(v.Way), Identifier: v.Identifier, Handler: v.HandlerName,
			Status: string(v.Status), StatusWords: c.statusWords(v.Status), StatusAt: stamp(v.StatusAt), Outcome: v.Outcome,
			Holder: string(v.Holder), HolderSince: stamp(v.Since), OtherAuthority: v.Other, DueAt: stamp(v.Due), SentAt: stamp(v.SentAt),
			StartedAt: stamp(v.Started), Follows: v.Follows,
		},
		Project: docProject{
			ID: p.ID, Number: p.Number, Name: p.Name, Entity: p.Entity, Municipality: p.Municipality,
			MunicipalityName: c.municipalityName(p.Municipality), StartsAt: stamp(p.StartsAt),
		},
		Submissions: []docSubmission{}, Requests: []docRequest{}, Messages: []docMessage{}, Timeline: []docEvent{},
		Attachments: []docAttachment{}, Forms: []docForm{},
	}
	if v.Outcome != "" {
		words := c.outcomeWords(v.Outcome)
		d.Matter.OutcomeWords = &words
	}
	for _, s := range v.Submissions {
		d.Submissions = append(d.Submissions, docSubmission{
			N: s.N, ID: s.ID, SentAt: stamp(s.SentAt), SentBy: c.person(s.SentBy),
			SHA256: s.Hash, Body: s.Body, Content: json.RawMessage(s.Body),
		})
	}
	for _, r := range v.Requests {
		d.Requests = append(d.Requests, docRequest{
			N: r.N, ID: r.ID, AskedAt: stamp(r.AskedAt), AskedBy: c.person(r.AskedBy), DueAt: stamp(r.Due),
			Text: r.Text, Fields: append([]string{}, r.Fields...), AnsweredAt: stamp(r.Answered), Attachments: c.paths("request", r.ID),
		})
	}
	for _, m := range v.Messages {
		d.Messages = append(d.Messages, docMessage{
			ID: m.ID, Thread: m.Thread, Side: m.Side, By: c.person(m.Person), At: stamp(m.At),
			Text: m.Text, Attachments: c.paths("message", m.ID),
		})
	}
	if dec := v.Decision; dec != nil {
		d.Decision = &docDecision{Outcome: dec.Outcome, Text: dec.Text, By: c.person(dec.By), At: stamp(dec.At), Attachments: c.paths("decision", "")}
	}
	for _, e := range v.Events {
		d.Timeline = append(d.Timeline, event(e))
	}
	for _, f := range c.files {
		d.Attachments = append(d.Attachments, docAttachment{
			ID: f.ID, Path: f.Path, Missing: f.missing, Name: f.Name, Size: f.Size,
			ContentType: f.ContentType, SHA256: f.SHA256, From: f.From, Field: f.Field, Common: f.Common, Submissions: f.Submissions,
		})
	}
	for _, f := range c.forms {
		d.Forms = append(d.Forms, docForm{f.ID, f.Version, f.path})
	}
	return d
}

func event(e matter.Event) docEvent {
	return docEvent{
		N: e.N, At: stamp(e.At), Deed: e.Deed, Side: string(e.Side), By: e.Name, Status: string(e.Status), DueAt: stamp(e.Due),
		Authority: e.Authority, Person: e.Person, Request: e.Request, Message: e.Message, Thread: e.Thread, Submission: e.Submission,
		SHA256: e.Hash, Audience: e.Audience,
	}
}
