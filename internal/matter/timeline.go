package matter

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// Event is an entry of the ledger as a timeline shows it.
type Event struct {
	N          int64
	At         time.Time
	Deed       string
	Side       ledger.Side
	Name       string // who did it; "" for the hub, and for the other side's people where they are not named
	Status     Status // after it, when it moved the matter
	Due        time.Time
	Authority  string
	Person     string // a person it is about, by name
	Request    string
	Message    string
	Thread     string
	Submission int64
	Hash       string
	Audience   string
	Entry      int64 // the entry that a notice told of
}

// timeline turns a stream into events. People of the authority are shown to
// the applicant by name only as handlers; the ledger has all.
func timeline(ctx context.Context, tx *db.Tx, stream string, threads []string) ([]Event, error) {
	entries, err := ledger.Read(ctx, tx, stream)
	if err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(entries))
	var people []string
	for _, e := range entries {
		var d deedData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return nil, fmt.Errorf("read entry %d: %w", e.N, err)
		}
		if d.Thread != "" && threads != nil && !slices.Contains(threads, d.Thread) && e.Deed == DeedMessage {
			continue
		}
		_, actor, _ := strings.Cut(string(e.Actor), ":")
		people = append(people, actor, d.Person)
		events = append(events, Event{
			N: e.N, At: e.Time(), Deed: e.Deed, Side: e.Side, Name: actor, Status: d.To, Due: db.Time(d.Due),
			Authority: d.Authority, Person: d.Person, Request: d.Request, Message: d.Message, Thread: d.Thread, Submission: d.N, Hash: d.Hash, Audience: d.Audience, Entry: d.Entry,
		})
	}
	names, err := identity.Names(ctx, tx, people)
	if err != nil {
		return nil, err
	}
	for i := range events {
		events[i].Name, events[i].Person = names[events[i].Name], names[events[i].Person]
	}
	return events, nil
}
