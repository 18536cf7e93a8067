package matter

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luvat/content"
	"luvat/internal/catalogue"
	"luvat/internal/i18n"
	"luvat/internal/testkit"
)

func energyLimit(t *testing.T) *catalogue.Limit {
	t.Helper()
	ctx, d := context.Background(), testkit.DB(t)
	if _, err := catalogue.Load(ctx, d, content.FS, testkit.Start); err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.Open(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	return c.Limit("renewable-energy")
}

func at(s string) time.Time {
	layout := "2006-01-02 15:04"
	if len(s) == len(time.DateOnly) {
		s += " 12:00"
	}
	t, err := time.ParseInLocation(layout, s, i18n.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// building is a covered matter that is so since the day; started is the day it
// became pending, "" for not.
func building(status Status, started, since string) Row {
	r := Row{Type: "building-muni", Status: status, StatusAt: at(since), LimitClass: "renewable-2025/under-150-kw", LimitAt: at("2027-01-01")}
	if started != "" {
		r.Started = at(started)
	}
	return r
}

func as(r Row, change func(*Row)) Row {
	change(&r)
	return r
}

// brief tells a count in one line.
func brief(c *Count) string {
	if c == nil {
		return "no limit"
	}
	if c.Class == nil {
		return fmt.Sprintf("%s %d of ?", c.State(), c.Days())
	}
	s := fmt.Sprintf("%s %d of %d", c.State(), c.Days(), c.Total())
	if !c.Last().IsZero() {
		s += ", last " + c.Last().Format(time.DateOnly)
	}
	if c.Over() > 0 {
		s += fmt.Sprintf(", %d over", c.Over())
	}
	return s
}

func TestTheCountOfATimeLimit(t *testing.T) {
	limit := energyLimit(t)
	inspection := Row{Type: "muni-building-inspection", Status: InHandling, Started: at("2027-01-10"), StatusAt: at("2027-01-10")}
	water := func(status Status, started, since string) Row {
		return as(building(status, started, since), func(r *Row) { r.Type = "water-permit" })
	}
	for _, tt := range []struct {
		name string
		now  string
		rows []Row
		want string
	}{
		{"no matters", "2027-03-02", nil, "no limit"},
		{"nothing that the limit concerns", "2027-03-02", []Row{inspection}, "no limit"},
		{"a draft", "2027-03-02", []Row{building(Draft, "", "2027-03-01")}, "ahead 0 of ?"},
		{"sent, not pending yet", "2027-03-02", []Row{building(Sent, "", "2027-03-01")}, "ahead 0 of 0"},
		{"the day on which it begins is not counted", "2027-03-02 23:59", []Row{building(Pending, "2027-03-02 00:01", "2027-03-02")}, "running 0 of 366, last 2028-03-02"},
		{"the next day", "2027-03-03 00:01", []Row{building(Pending, "2027-03-02 23:59", "2027-03-02")}, "running 1 of 366, last 2028-03-02"},
		{"the day goes by the clock in Finland", "2027-03-02 00:30", []Row{building(Pending, "2027-03-01 23:30", "2027-03-01")}, "running 1 of 366, last 2028-03-01"},
		{"a request for completion does not stop it", "2027-06-02", []Row{building(ToComplete, "2027-03-02", "2027-03-20")}, "running 92 of 366, last 2028-03-02"},
		{"the last day", "2028-03-02 23:59", []Row{building(InHandling, "2027-03-02", "2027-03-05")}, "running 366 of 366, last 2028-03-02"},
		{"the day after the last", "2028-03-03 00:01", []Row{building(InHandling, "2027-03-02", "2027-03-05")}, "over 367 of 366, last 2028-03-02, 1 over"},
		{"a month without the day ends on its last", "2028-05-01", []Row{as(building(InHandling, "2028-02-29", "2028-02-29"), func(r *Row) { r.LimitClass = "renewable-2025/from-150-kw" })}, "running 62 of 730, last 2030-02-28"},
		{"ended in time", "2029-01-01", []Row{building(Finished, "2027-03-02", "2027-04-01")}, "done 30 of 366"},
		{"ended late", "2029-01-01", []Row{building(Finished, "2027-03-02", "2028-03-05")}, "done 369 of 366, 3 over"},
		{"withdrawn", "2029-01-01", []Row{building(Withdrawn, "2027-03-02", "2027-03-12")}, "done 10 of 366"},
		{"withdrawn before it was pending", "2029-01-01", []Row{building(Withdrawn, "", "2027-03-12")}, "no limit"},
		{"withdrawn before it was pending, and another to come", "2029-01-01", []Row{building(Withdrawn, "", "2027-03-12"), water(Draft, "", "2027-03-12")}, "ahead 0 of 0"},
		{"dismissed and transferred", "2029-01-01", []Row{building(Dismissed, "2027-03-02", "2027-03-12"), water(Transferred, "2027-03-05", "2027-03-22")}, "done 20 of 366"},
		{"the first that is pending begins it", "2027-04-01", []Row{building(InHandling, "2027-03-22", "2027-03-22"), water(Pending, "2027-03-02", "2027-03-02")}, "running 30 of 366, last 2028-03-02"},
		{"one ended, another goes on", "2027-04-01", []Row{building(Finished, "2027-03-02", "2027-03-12"), water(Pending, "2027-03-08", "2027-03-08")}, "running 30 of 366, last 2028-03-02"},
		{"one ended, another is waited for", "2027-04-01", []Row{building(Finished, "2027-03-02", "2027-03-12"), water(Sent, "", "2027-03-20")}, "still 10 of 366"},
		{"when nothing is pending no time is used", "2027-04-01", []Row{building(Finished, "2027-03-02", "2027-03-12"), water(Pending, "2027-03-22", "2027-03-22")}, "running 20 of 366, last 2028-03-12"},
		{"covered and not covered", "2027-04-01", []Row{inspection, building(InHandling, "2027-03-02", "2027-03-02"), as(inspection, func(r *Row) { r.Status = Finished })}, "running 30 of 366, last 2028-03-02"},
		{"drafts do not matter", "2027-04-01", []Row{building(Draft, "", "2027-01-01"), building(InHandling, "2027-03-02", "2027-03-02")}, "running 30 of 366, last 2028-03-02"},
		{"the class is the one sent last", "2027-04-01", []Row{
			building(InHandling, "2027-03-02", "2027-03-02"),
			as(water(Pending, "2027-03-05", "2027-03-05"), func(r *Row) { r.LimitClass, r.LimitAt = "renewable-2025/from-150-kw", at("2027-03-04") }),
			as(water(Sent, "", "2027-03-20"), func(r *Row) { r.LimitClass, r.LimitAt = "", time.Time{} }),
		}, "running 30 of 731, last 2029-03-02"},
		{"no sending has settled the class", "2027-04-01", []Row{as(building(InHandling, "2027-03-02", "2027-03-02"), func(r *Row) { r.LimitClass = "" })}, "running 30 of ?"},
		{"a class that is not in the law of that day", "2025-09-01", []Row{building(InHandling, "2025-07-31", "2025-07-31")}, "running 32 of ?"},
		{"what began under the old law goes on by it", "2025-09-01", []Row{as(building(InHandling, "2025-07-31", "2025-07-31"), func(r *Row) { r.LimitClass = "renewable-2021/from-150-kw" })}, "running 32 of 730, last 2027-07-31"},
		{"before there was a law", "2021-01-02", []Row{building(InHandling, "2021-01-01", "2021-01-01")}, "no limit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := brief(countOf(limit, tt.rows, at(tt.now)).unlessFree()); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWhereARowStandsInTheCount(t *testing.T) {
	rows := []Row{
		building(Finished, "2027-03-02", "2027-03-12"),
		building(InHandling, "2027-03-05", "2027-03-05"),
		building(Sent, "", "2027-03-20"),
		building(Draft, "", "2027-01-01"),
		building(Withdrawn, "", "2027-03-04"),
		{Type: "muni-building-inspection", Status: InHandling, Started: at("2027-01-10")},
	}
	c := countOf(energyLimit(t), rows, at("2027-04-01"))
	for i, want := range []string{"done 10", "running 30", "running 30", "draft 0", "none 0", "none 0"} {
		state, days := c.Row(&rows[i])
		if got := fmt.Sprintf("%s %d", state, days); got != want {
			t.Errorf("row %d, %s: %s, want %s", i, rows[i].Status, got, want)
		}
	}
}

// A plant without electricity had no limit before August 2025.
func TestNoLimitIsNoCount(t *testing.T) {
	rows := []Row{as(building(InHandling, "2025-07-01", "2025-07-01"), func(r *Row) { r.LimitClass = "renewable-2021/no-electricity" })}
	if got := brief(countOf(energyLimit(t), rows, at("2025-09-01")).unlessFree()); got != "no limit" {
		t.Errorf("got %s", got)
	}
}

// Certain is only what is certain in all its parts.
func TestACountSaysWhetherItIsCertain(t *testing.T) {
	limit := energyLimit(t)
	old := as(building(InHandling, "2025-07-01", "2025-07-01"), func(r *Row) { r.LimitClass = "renewable-2021/from-150-kw" })
	for name, tt := range map[string]struct {
		rows []Row
		want bool
	}{
		"class and matter":         {[]Row{old}, true},
		"a matter that may not be": {[]Row{old, as(old, func(r *Row) { r.Type = "water-permit" })}, false},
		"a class that may not be":  {[]Row{building(InHandling, "2027-03-02", "2027-03-02")}, false},
	} {
		if got := countOf(limit, tt.rows, at("2027-04-01")).Certain; got != tt.want {
			t.Errorf("%s: certain is %v", name, got)
		}
	}
}

// However matters came and went, the count never jumps: from one day to the
// next it grows by one or stands still, and the last day stays where it is.
func TestTheCountNeverJumps(t *testing.T) {
	limit := energyLimit(t)
	rapid.Check(t, func(t *rapid.T) {
		begin := at("2027-03-02")
		var rows []Row
		for range rapid.IntRange(1, 6).Draw(t, "matters") {
			r := building(InHandling, "2027-03-02", "2027-03-02")
			r.Started = begin.AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "started"))
			if rapid.Bool().Draw(t, "ended") {
				r.Status, r.StatusAt = Finished, r.Started.AddDate(0, 0, rapid.IntRange(0, 200).Draw(t, "took"))
			}
			rows = append(rows, r)
		}
		latest := begin
		for _, r := range rows {
			for _, x := range []time.Time{r.Started, r.StatusAt} {
				if x.After(latest) {
					latest = x
				}
			}
		}
		before := countOf(limit, rows, latest)
		for n := range 400 {
			now := latest.AddDate(0, 0, n+1)
			c := countOf(limit, rows, now)
			running := c.State() == CountRunning || c.State() == CountOver
			if grown := c.Days() - before.Days(); running && grown != 1 || !running && grown != 0 {
				t.Fatalf("day %d: %s grew by %d", n, c.State(), grown)
			}
			if !c.Last().Equal(before.Last()) || running == c.Last().IsZero() {
				t.Fatalf("day %d: %s, the last day moved from %s to %s", n, c.State(), before.Last(), c.Last())
			}
			before = c
		}
	})
}
