package matter_test

import (
	"slices"
	"strings"
	"testing"

	"luvat/internal/attach"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/matter"
)

// A completion is seen when it has been sent, not while it is written.
func TestACompletionOfASharedMatterIsSeenWhenSent(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, first := b.together("rescue-temp-lodging", "police-lottery")
	id := ids[0]
	b.must(b.Share(ctx, aino, id, []string{policeID}))
	b.must(b.AskCompletion(ctx, rescue, id, matter.Request{Text: "Lisää kartta.", Due: b.clock.Now().AddDate(0, 0, 7)}))
	second := b.attached(id)
	seen := func(file string) bool {
		_, err := b.FileForOfficer(ctx, police, id, file)
		return err == nil
	}
	if g := b.handled(police, id); len(g.Submissions) != 1 || len(g.Answers) != 0 || !seen(first) || seen(second) {
		t.Errorf("before it is sent: %d submissions, %v, the files %t and %t", len(g.Submissions), g.Answers, seen(first), seen(second))
	}
	b.deliver(id)
	if g := b.handled(police, id); len(g.Submissions) != 2 || !seen(first) || !seen(second) {
		t.Errorf("after: %d submissions, the files %t and %t", len(g.Submissions), seen(first), seen(second))
	}
}

func TestWhoMayNotSeeASharedMatter(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, file := b.together("rescue-temp-lodging", "police-lottery", "muni-sewer")
	b.must(b.Share(ctx, aino, ids[0], []string{policeID}))
	restricted, none, robot := police, police, police
	restricted.Types = []string{"police-public-event"} // a matter of that type is not in the project
	none.Types = []string{}
	robot.Role, robot.Types = identity.RoleRobot, []string{"police-lottery"}
	elsewhere := officer("lappi", "police-lappi")
	colleague := rescue
	colleague.Types = []string{"rescue-plan"} // of the matter's own authority, without the grant
	for name, tt := range map[string]struct {
		who  identity.Officer
		want bool
	}{
		"the authority it is shared with":       {police, true},
		"its robot, whose grant covers one":     {robot, true},
		"an officer of a grant that has none":   {restricted, false},
		"an officer with an empty grant":        {none, false},
		"an authority it is not shared with":    {city, false},
		"an authority outside the project":      {elsewhere, false},
		"the own authority's, without the type": {colleague, false},
	} {
		own := ids[1]
		if tt.who.Authority == cityID {
			own = ids[2]
		}
		if got := b.sees(tt.who, ids[0], file, own); got != tt.want {
			t.Errorf("%s: seen %t; want %t", name, got, tt.want)
		}
	}
	_, elsewheres := b.together("rescue-temp-lodging")
	for name, err := range map[string]error{
		"write":                    b.WriteToApplicant(ctx, police, ids[0], "hei", nil),
		"answer":                   b.AnswerAuthority(ctx, police, ids[0], "hei", nil),
		"take":                     b.Take(ctx, police, ids[0], ""),
		"redirect":                 b.Redirect(ctx, police, ids[0], "x@example.fi"),
		"identify":                 b.Identify(ctx, police, ids[0], "", "x"),
		"letter":                   b.WriteToAuthority(ctx, police, ids[0], matter.Letter{To: cityID, Text: "hei"}),
		"a file of another matter": second(b.FileForOfficer(ctx, police, ids[0], elsewheres)),
	} {
		if !fail.Is(err, fail.NotFound) {
			t.Errorf("%s: %v; want NotFound", name, err)
		}
	}
}

// A thread between authorities and the applicant's sharing each show their own
// part, and end apart.
func TestAGuestByAThreadAndBySharing(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, file := b.together("rescue-temp-lodging", "police-lottery")
	id := ids[0]
	put, err := b.Files.Put(ctx, attach.New{Project: b.row(id).Project.ID, Matter: id, Place: attach.Message, Name: "a.txt", Size: -1, UploadedBy: rescue.ID, Side: "authority:" + rescueID}, strings.NewReader("kirje"))
	b.must(err)
	b.must(b.WriteToAuthority(ctx, rescue, id, matter.Letter{To: policeID, Text: "Riittääkö?", Files: []string{put.ID}}))
	check := func(when string, thread, shared bool) {
		t.Helper()
		g := b.handled(police, id)
		_, letter := b.FileForOfficer(ctx, police, id, put.ID)
		_, sent := b.FileForOfficer(ctx, police, id, file)
		if g.InThread != thread || (len(g.Messages) == 1) != thread || (len(g.Files) == 1) != thread || (letter == nil) != thread {
			t.Errorf("%s: the thread is seen %t, %d messages, its file: %v", when, g.InThread, len(g.Messages), letter)
		}
		if g.SharedAt.IsZero() == shared || (len(g.Submissions) == 1) != shared || (sent == nil) != shared {
			t.Errorf("%s: shared %s, %d submissions, its file: %v", when, g.SharedAt, len(g.Submissions), sent)
		}
	}
	check("a thread only", true, false)
	b.must(b.Share(ctx, aino, id, []string{policeID}))
	check("both", true, true)
	b.must(b.AnswerAuthority(ctx, police, id, "Riittää.", nil))
	for _, what := range []string{"thread", "submissions"} {
		if n := b.count(`SELECT COUNT(*) FROM reads WHERE matter_id = $1 AND authority = $2 AND what = $3`, id, policeID, what); n == 0 {
			t.Errorf("no reading of the %s is noted", what)
		}
	}
	b.must(b.EndSharing(ctx, aino, id, policeID))
	if g := b.handled(police, id); !g.InThread || len(g.Messages) != 2 || len(g.Submissions) != 0 {
		t.Errorf("after the end: %d messages, %d submissions", len(g.Messages), len(g.Submissions))
	}
}

// A transfer shows the authority that takes over no answers: it gets them by
// case management. It can be shared with only if it is one of the project.
func TestATransferSharesNothing(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ids, file := b.together("rescue-temp-lodging", "police-lottery")
	id := ids[0]
	b.must(b.Share(ctx, aino, id, []string{policeID}))
	b.must(b.Transfer(ctx, rescue, id, cityID, "Kuuluu kunnalle."))
	g := b.handled(city, id)
	if _, err := b.FileForOfficer(ctx, city, id, file); !fail.Is(err, fail.NotFound) || !g.InThread || len(g.Submissions) != 0 {
		t.Errorf("the receiver: %d submissions, the file: %v", len(g.Submissions), err)
	}
	if err := b.Share(ctx, aino, id, []string{cityID}); !fail.Is(err, fail.Rejected) {
		t.Errorf("with one that has no matter in the project: %v; want Rejected", err)
	}
	if !b.sees(police, id, file, ids[1]) {
		t.Error("the transfer ended what the applicant shares with another")
	}
	project := b.row(id).Project.ID
	b.must(b.AddMatters(ctx, aino, project, []string{"muni-sewer"}, ""))
	v, err := b.Project(ctx, aino, project)
	b.must(err)
	own := v.Rows[slices.IndexFunc(v.Rows, func(r matter.Row) bool { return r.Authority == cityID })].ID
	b.fill(project, own)
	b.deliver(own)
	b.must(b.Share(ctx, aino, id, []string{cityID}))
	if !b.sees(city, id, file, own) {
		t.Error("the receiver does not see what is shared with it")
	}
	b.sound()
}
