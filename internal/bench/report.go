package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// A Report is all that was measured.
type Report struct {
	When       time.Time `json:"when"`
	Go         string    `json:"go"`
	Engine     string    `json:"engine"`
	Processors int       `json:"processors"`
	Clients    int       `json:"clients"`
	Senders    int       `json:"senders"`
	Seconds    float64   `json:"seconds_each"`
	Took       string    `json:"took"`
	Start      *Start    `json:"start,omitempty"`
	Sizes      []Size    `json:"sizes"`
	Pages      []Page    `json:"pages,omitempty"`
}

// Three are the loads that have a bare twin.
type Three struct {
	Submit Figures `json:"submissions"`
	Inbox  Figures `json:"inbox"`
	Joint  Figures `json:"joint_view"`
}

// Size is what was measured with so many matters in the database.
type Size struct {
	Matters int              `json:"matters"`
	Filling float64          `json:"filling_s"`
	Hub     Three            `json:"hub"`
	Bare    Three            `json:"bare"`
	Answers Waits            `json:"answers_of_a_submission"`
	Verbs   Figures          `json:"submissions_by_verbs"`
	Busy    Figures          `json:"submissions_with_outbox"`
	Worked  int64            `json:"jobs_worked_meanwhile"`
	Rows    map[string]int64 `json:"rows_of_a_submission"`
	Memory  Memory           `json:"memory"`
}

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (f Figures) String() string {
	return fmt.Sprintf("%9.0f %9.2f %9.2f %9.2f %9.2f", f.PerSecond, f.P50, f.P95, f.P99, f.CPU)
}

// aims are what the hub is to reach; docs/benchmarks.md says why.
const (
	aimShare  = 0.45 // of the bare loop's submissions
	aimSubmit = 60   // ms, p99
	aimInbox  = 30   // ms, p95
	aimCost   = 1.3  // at the most matters, of that at ten thousand
	aimPage   = 60_000
	aimFirst  = 150_000
	aimIdle   = 60 // MB
	aimLoad   = 200
)

// Text prints the report for people.
func (r *Report) Text(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p("Luvat ja valvonta, measured %s", r.When.Format("2 January 2006 15:04 UTC"))
	p("%s, %s, %d processors; %d readers and %d senders in the same process; %.0f s each; the whole took %s", r.Engine, r.Go, r.Processors, r.Clients, r.Senders, r.Seconds, r.Took)
	for i := range r.Sizes {
		r.size(p, &r.Sizes[i])
	}
	r.costs(p)
	if s := r.Start; s != nil {
		p("\nProgram")
		p("  %-34s %9.1f MB", "size", s.Size)
		p("  %-34s %9.0f ms  new data: schema, content and the demo's stories", "first start", s.First)
		p("  %-34s %9.0f ms  until /readyz", "start", s.Next)
		p("  %-34s %9.0f MB  of its own %.0f MB   %s", "memory, idle", s.Idle.Resident, s.Idle.Own, aim(s.Idle.Resident < aimIdle, "under %d MB", aimIdle))
	}
	if len(r.Pages) > 0 {
		p("\nPages, bytes as they travel           the page   first visit")
		for _, x := range r.Pages {
			p("  %-32s %11d %13d   %s", x.Name, x.Bytes, x.First, aim(x.Bytes < aimPage && x.First < aimFirst, "under 60 kB and 150 kB"))
		}
	}
}

func (r *Report) size(p func(string, ...any), s *Size) {
	p("\nWith %d matters (written in %.0f s)", s.Matters, s.Filling)
	p("  %-34s %9s %9s %9s %9s %9s", "", "a second", "p50 ms", "p95 ms", "p99 ms", "cpu ms")
	line := func(name string, f Figures, note string) {
		if f.N > 0 {
			p("  %-34s %s   %s", name, f, note)
		}
	}
	share := s.Hub.Submit.PerSecond / s.Bare.Submit.PerSecond
	line("submissions, pages", s.Hub.Submit, aim(share >= aimShare, "%.0f %% of the bare loop (%.0f %% by processor time), aim %.0f %%", 100*share, 100*s.Bare.Submit.CPU/s.Hub.Submit.CPU, 100*aimShare)+"; "+aim(s.Hub.Submit.P99 < aimSubmit, "p99 under %d ms", aimSubmit))
	if s.Hub.Submit.N > 0 {
		p("  %-34s %9s %9.2f %9.2f %9.2f", "  its first answer, the form saved", "", s.Answers.Saved.P50, s.Answers.Saved.P95, s.Answers.Saved.P99)
		p("  %-34s %9s %9.2f %9.2f %9.2f", "  its second answer, sent", "", s.Answers.Sent.P50, s.Answers.Sent.P95, s.Answers.Sent.P99)
	}
	line("submissions, outbox worked", s.Busy, fmt.Sprintf("%d jobs done meanwhile", s.Worked))
	line("submissions, verbs alone", s.Verbs, "")
	line("submissions, bare loop", s.Bare.Submit, "")
	line("inbox, page", s.Hub.Inbox, aim(s.Hub.Inbox.P95 < aimInbox, "p95 under %d ms", aimInbox))
	line("inbox, bare rows", s.Bare.Inbox, "")
	line("joint view, page", s.Hub.Joint, "")
	line("joint view, bare rows", s.Bare.Joint, "")
	p("  %-34s %9.0f MB  of its own %.0f MB, at most %.0f MB; with the clients   %s", "memory under load", s.Memory.Resident, s.Memory.Own, s.Memory.Peak, aim(s.Memory.Peak < aimLoad, "under %d MB", aimLoad))
	if len(s.Rows) > 0 {
		text := ""
		for _, t := range tables {
			text += fmt.Sprintf(" %d %s,", s.Rows[t], t)
		}
		p("  a submission writes:%s and updates the matter, the project and the ledger's head", text)
	}
}

// costs compares the most matters with ten thousand.
func (r *Report) costs(p func(string, ...any)) {
	var small, large *Size
	for i := range r.Sizes {
		if r.Sizes[i].Matters == 10_000 {
			small = &r.Sizes[i]
		}
		large = &r.Sizes[i]
	}
	if small == nil || large == small {
		return
	}
	p("\nCost of an operation with %d matters, compared with 10000 by processor time and by rate", large.Matters)
	for _, x := range []struct {
		name              string
		hub, bare, h0, b0 Figures
	}{
		{"submission", large.Hub.Submit, large.Bare.Submit, small.Hub.Submit, small.Bare.Submit},
		{"inbox", large.Hub.Inbox, large.Bare.Inbox, small.Hub.Inbox, small.Bare.Inbox},
		{"joint view", large.Hub.Joint, large.Bare.Joint, small.Hub.Joint, small.Bare.Joint},
	} {
		cost := x.hub.CPU / x.h0.CPU
		p("  %-34s %9.2f %9.2f   bare %.2f %.2f   %s", x.name, cost, x.hub.Cost()/x.h0.Cost(), x.bare.CPU/x.b0.CPU, x.bare.Cost()/x.b0.Cost(),
			aim(cost <= aimCost, "processor time at most %.1f", aimCost))
	}
}

func aim(reached bool, format string, args ...any) string {
	mark := "reached"
	if !reached {
		mark = "NOT REACHED"
	}
	return fmt.Sprintf(format, args...) + ": " + mark
}
