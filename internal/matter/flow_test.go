package matter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

func TestFlowIsAsTheDocumentsShow(t *testing.T) {
	var b strings.Builder
	for _, m := range flow {
		for _, from := range m.from {
			fmt.Fprintf(&b, "%-12s -> %-12s %-10s %s\n", from, m.to, m.by, m.deed)
		}
	}
	b.WriteString("\n")
	for _, s := range Statuses {
		fmt.Fprintf(&b, "%-12s held by %s\n", s, holders[s])
	}
	testkit.Golden(t, "flow.golden", b.String())
}

func TestCanDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		deed string
		from Status
		by   ledger.Side
		ok   bool
	}{
		{"the applicant sends a draft", DeedSent, Draft, ledger.Applicant, true},
		{"an officer cannot send a draft", DeedSent, Draft, ledger.Authority, false},
		{"nothing is sent twice", DeedSent, Sent, ledger.Applicant, false},
		{"an officer takes what was sent", DeedTaken, Sent, ledger.Authority, true},
		{"what is finished stays so", DeedTaken, Finished, ledger.Authority, false},
		{"what is withdrawn cannot be finished", DeedFinished, Withdrawn, ledger.Authority, false},
		{"a completion can be waited for no longer", DeedFinished, ToComplete, ledger.Authority, true},
		{"a draft cannot be withdrawn, only removed", DeedWithdrawn, Draft, ledger.Applicant, false},
		{"an unknown deed", "matter.eaten", Sent, ledger.Authority, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := CanDo(tt.deed, tt.from, tt.by); got != tt.ok {
				t.Errorf("CanDo(%s, %s, %s) = %t; want %t", tt.deed, tt.from, tt.by, got, tt.ok)
			}
		})
	}
}

// history draws a random history of a matter: moves that the flow allows, and
// between them deeds that move nothing.
func history(t *rapid.T) []ledger.Entry {
	var s State
	at := testkit.Start
	var all []ledger.Entry
	add := func(deed string, side ledger.Side, d deedData) {
		at = at.Add(time.Duration(rapid.IntRange(1, 1<<30).Draw(t, "pause")) * time.Millisecond)
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		e := ledger.Entry{N: s.N + 1, At: db.Millis(at), Side: side, Deed: deed, Data: body}
		if err := s.Apply(e); err != nil {
			t.Fatalf("%s: %v", deed, err)
		}
		all = append(all, e)
	}
	add(DeedStarted, ledger.Applicant, deedData{To: Draft})
	for range rapid.IntRange(0, 20).Draw(t, "deeds") {
		var can []move
		for _, m := range flow {
			if CanDo(m.deed, s.Status, m.by) {
				can = append(can, m)
			}
		}
		i := rapid.IntRange(0, len(can)+4).Draw(t, "which")
		switch {
		case i < len(can):
			d := deedData{To: can[i].to}
			switch can[i].deed {
			case DeedAsked:
				d.Due = db.Millis(at.AddDate(0, 0, 7))
			case DeedTransferred:
				d.Authority = "agency-lvv"
			case DeedFinished:
				d.Outcome = "granted"
			}
			add(can[i].deed, can[i].by, d)
		case i == len(can):
			add(DeedMessage, ledger.Applicant, deedData{Thread: ApplicantThread})
		case i == len(can)+1 && s.Status != Draft:
			before := s
			add(DeedShared, ledger.Applicant, deedData{Authority: "muni-837"})
			moves(t, before, s)
		case i == len(can)+2 && s.Status != Draft:
			before := s
			add(DeedSharingEnded, ledger.Applicant, deedData{Authority: "muni-837"})
			moves(t, before, s)
		case s.Holder == HeldByAuthority:
			add(DeedStatementAsked, ledger.Authority, deedData{Authority: "police-hame", Due: db.Millis(at.AddDate(0, 0, 3))})
		case s.Holder == HeldByOther:
			add(DeedStatementGiven, ledger.Hub, deedData{})
		}
	}
	return all
}

// moves fails when a deed that is nobody's to act on moved anything.
func moves(t *rapid.T, before, after State) {
	if before.N++; before != after {
		t.Fatalf("it moved %+v to %+v", before, after)
	}
}

// In any history exactly one holds the matter at any instant, the clock of the
// holder runs without gaps, and a date binds only somebody who was given one.
func TestExactlyOneHoldsTheMatter(t *testing.T) {
	histories := 0
	check := func(t *rapid.T) {
		histories++
		var s State
		last := s
		for _, e := range history(t) {
			if err := s.Apply(e); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, h := range []Holder{HeldByApplicant, HeldByAuthority, HeldByOther, HeldByNobody} {
				if s.Holder == h {
					n++
				}
			}
			if n != 1 {
				t.Fatalf("after entry %d the holder is %q", e.N, s.Holder)
			}
			if (s.Holder == HeldByOther) != (s.Other != "") {
				t.Fatalf("after entry %d: held by %s, other authority %q", e.N, s.Holder, s.Other)
			}
			if s.Status.Ended() && s.Holder != HeldByNobody && s.Status != Transferred {
				t.Fatalf("after entry %d: ended and held by %s", e.N, s.Holder)
			}
			if last.Holder != s.Holder && !s.Since.Equal(e.Time()) {
				t.Fatalf("entry %d changed the holder, but it holds since %s", e.N, s.Since)
			}
			if last.Holder == s.Holder && last.Other == s.Other && !s.Since.Equal(last.Since) {
				t.Fatalf("entry %d did not change the holder, yet the clock began anew", e.N)
			}
			if !s.Due.IsZero() && s.Status != ToComplete && s.Holder != HeldByOther {
				t.Fatalf("after entry %d a date binds nobody: %s", e.N, s.Due)
			}
			last = s
		}
	}
	for histories < 10_000 {
		rapid.Check(t, check)
	}
}

func TestABrokenStreamIsNotFolded(t *testing.T) {
	started := ledger.Entry{N: 1, Deed: DeedStarted, Data: []byte(`{}`)}
	for name, next := range map[string]ledger.Entry{
		"a number is missing":         {N: 3, Deed: DeedSent, Data: []byte(`{}`)},
		"a deed the flow has not":     {N: 2, Deed: DeedFinished, Data: []byte(`{}`)},
		"data that cannot be read":    {N: 2, Deed: DeedSent, Data: []byte(`{`)},
		"the first entry comes twice": {N: 1, Deed: DeedStarted, Data: []byte(`{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Fold([]ledger.Entry{started, next}); err == nil {
				t.Error("folded without an error")
			} else if name != "data that cannot be read" && !errors.Is(err, ledger.ErrBroken) {
				t.Errorf("%v; want ErrBroken", err)
			}
		})
	}
}

func TestWorkingHours(t *testing.T) {
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("2006-01-02 15:04", s, i18n.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, tt := range []struct {
		name, from string
		hours      int
		want       string
	}{
		{"within a day", "2027-03-02 09:00", 4, "2027-03-02 13:00"},
		{"over the night", "2027-03-02 14:00", 4, "2027-03-03 10:00"},
		{"from before opening", "2027-03-02 05:00", 2, "2027-03-02 10:00"},
		{"over a weekend", "2027-03-05 15:00", 2, "2027-03-08 09:00"},
		{"over Easter", "2027-03-25 15:00", 16, "2027-03-31 15:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := AfterWorkingHours(at(tt.from), tt.hours); !got.Equal(at(tt.want)) {
				t.Errorf("%d hours after %s: %s; want %s", tt.hours, tt.from, got, tt.want)
			}
		})
	}
}
