package ui

import (
	"luvat/internal/forms"
	"luvat/internal/i18n"
)

// A tone is how a status looks: colour and shape together, so that neither is
// needed alone.
type tone struct{ color, icon string }

// statusTones covers the stored statuses of matters and deliveries. What is not
// here looks neutral.
var statusTones = map[string]tone{
	"draft":       {"grey", "edit"},
	"sent":        {"blue", "send"},
	"pending":     {"blue", "clock"},
	"in_handling": {"blue", "hourglass"},
	"to_complete": {"yellow", "warning"},
	"completed":   {"blue", "refresh"},
	"finished":    {"green", "check"},
	"withdrawn":   {"grey", "close"},
	"dismissed":   {"grey", "close"},
	"transferred": {"violet", "arrow-right"},

	"done":    {"green", "check"},
	"waiting": {"yellow", "clock"},
	"failed":  {"red", "alert"},
	"stopped": {"grey", "close"},
	"open":    {"blue", "clock"},

	"definitely": {"blue", "check"},
	"possibly":   {"yellow", "help"},
	"unknown":    {"grey", "help"},
}

func toneOf(status string) tone {
	if t, ok := statusTones[status]; ok {
		return t
	}
	return tone{"grey", "info"}
}

// Urgency says how a deadline stands.
type Urgency string

// The urgencies.
const (
	InTime Urgency = ""
	Soon   Urgency = "soon"
	Late   Urgency = "late"
)

func (u Urgency) icon() string {
	if u == InTime {
		return "calendar"
	}
	return "warning"
}

// An Event is one entry of a Timeline.
type Event struct {
	When    string // as shown
	Instant string // RFC 3339, for machines
	Title   string
	Text    string
	By      string // who did it
	Icon    string // of the sprite; empty for a plain dot
	Now     bool   // where things stand
}

// A Column is the heading of a column of a Table.
type Column struct {
	Label  string
	Number bool // aligned as numbers are
	Hidden bool // heading for screen readers only
}

// An Item is one line of a Summary. A change link is there if ChangeHref is, and
// a link to the national map service if MapHref is.
type Item struct {
	Label      string
	Value      string
	ChangeHref string
	MapHref    string
}

// Answer is an answer in words as a line of a Summary: a place with its map.
func Answer(l i18n.Lang, row forms.DisplayRow) Item {
	item := Item{Label: row.Label, Value: row.Value}
	if row.Point != nil {
		item.MapHref = row.Point.MapURL(l)
	}
	return item
}

// A Step is one part of a way that has several.
type Step struct {
	Label string
	Href  string // empty if it cannot be gone to
	State StepState
}

// StepState tells where one is on the way.
type StepState string

// The states of a step.
const (
	Todo    StepState = ""
	Current StepState = "current"
	Done    StepState = "done"
)

// A Message is one letter of a thread.
type Message struct {
	From    string
	Role    string // "Viranomainen", "Asiakas"
	When    string
	Instant string // RFC 3339
	Text    string
	Files   []File
	Mine    bool
	Unread  bool
}

// A File is something attached. Note says what there is to say of it, such as
// "being checked"; without Href it cannot be opened yet.
type File struct {
	ID   string
	Name string
	Size string // as shown
	Href string
	Note string
}
