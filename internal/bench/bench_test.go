package bench

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/matter"
	"luvat/internal/testkit"
)

// parts opens a hub without pages: the verbs alone.
func parts(ctx context.Context, url, files string) (*Hub, error) {
	d, err := db.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := catalogue.Load(ctx, d, content.FS, time.Now()); err != nil {
		return nil, err
	}
	c, err := catalogue.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	f, err := attach.Open(d, files, time.Now)
	if err != nil {
		return nil, err
	}
	return &Hub{DB: d, Catalogue: c, Files: f, Desk: &matter.Desk{DB: d, Catalogue: c, Files: f, Now: time.Now}, Sessions: identity.NewSessions(d, false), Close: d.Close}, nil
}

func TestASmallRunMeasuresEveryLoad(t *testing.T) {
	r, err := Run(t.Context(), Options{Open: parts, Database: testkit.URL(t), Data: t.TempDir(), Matters: []int{400}, Clients: 2, Senders: 4, Each: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Sizes[0]
	for name, f := range map[string]Figures{
		"verbs": s.Verbs, "bare submissions": s.Bare.Submit, "inbox": s.Hub.Inbox, "bare inbox": s.Bare.Inbox, "joint view": s.Hub.Joint, "bare joint view": s.Bare.Joint,
	} {
		if f.N == 0 || f.PerSecond == 0 || f.P50 > f.P99 {
			t.Errorf("%s: %+v", name, f)
		}
	}
	var text strings.Builder
	r.Text(&text)
	if !strings.Contains(text.String(), "With 400 matters") {
		t.Errorf("the report lacks the size:\n%s", text.String())
	}
}

// The comparison is worth something only while both write the same.
func TestTheBareLoopWritesTheSameRows(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	h, err := parts(ctx, testkit.URL(t), filepath.Join(dir, "files"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close() //nolint:errcheck // the end of the test
	r := &run{Options: Options{Data: dir}, hub: h}
	if err := r.prepare(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.learnSample(ctx); err != nil {
		t.Fatal(err)
	}
	one, err := r.drafts.make(ctx, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.bareSend(&pool{all: one})(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	after, err := r.count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for table := range after {
		after[table] -= before[table]
	}
	if diff := cmp.Diff(r.drafts.sample.Rows, after); diff != "" {
		t.Errorf("rows of a submission by the verbs and by the bare loop (-verbs +bare):\n%s", diff)
	}
	if n := len(r.drafts.sample.Body); n < answerBytes {
		t.Errorf("a submission's body has %d bytes, want at least %d", n, answerBytes)
	}
}
