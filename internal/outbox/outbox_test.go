package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/outbox"
	"luvat/internal/testkit"
)

type ping struct {
	N string `json:"n"`
}

func (ping) Kind() string  { return "test.ping" }
func (p ping) Key() string { return "ping/" + p.N }

func queue(t *testing.T, d *db.DB, now time.Time, jobs ...outbox.Job) {
	t.Helper()
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { return outbox.Add(t.Context(), tx, now, jobs...) }); err != nil {
		t.Fatal(err)
	}
}

func worker(d *db.DB, c *testkit.Clock) *outbox.Worker {
	return outbox.NewWorker(d, c.Now, slog.New(slog.DiscardHandler))
}

func round(t *testing.T, w *outbox.Worker) int {
	t.Helper()
	n, err := w.Round(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAJobExistsIfAndOnlyIfTheDeedDoes(t *testing.T) {
	d, c := testkit.DB(t), testkit.NewClock()
	_ = d.InTx(t.Context(), func(tx *db.Tx) error {
		return errors.Join(outbox.Add(t.Context(), tx, c.Now(), ping{"undone"}), errors.New("undone"))
	})
	queue(t, d, c.Now(), ping{"a"}, ping{"a"}, ping{"b"})
	var got []string
	var mu sync.Mutex
	w := worker(d, c)
	outbox.Handle(w, func(_ context.Context, p ping) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, p.N)
		return nil
	})
	round(t, w)
	if round(t, w) != 0 || len(got) != 2 {
		t.Errorf("ran %v; want a and b once each", got)
	}
}

func TestAFailingJobIsTriedAgainForDays(t *testing.T) {
	d, c := testkit.DB(t), testkit.NewClock()
	queue(t, d, c.Now(), ping{"a"})
	down := true
	w := worker(d, c)
	outbox.Handle(w, func(context.Context, ping) error {
		if down {
			return errors.New("mail server does not answer")
		}
		return nil
	})
	tries := 0
	for range 5 * 24 * 2 { // five days, looked at every half an hour
		tries += round(t, w)
		c.Move(30 * time.Minute)
	}
	if tries < 100 {
		t.Errorf("%d tries in five days; want at least 100", tries)
	}
	down = false
	c.Move(time.Hour)
	if round(t, w) != 1 || round(t, w) != 0 {
		t.Error("the job did not end when the mail server came back")
	}
}

func TestADeadJobIsSeenAndCanBeRetried(t *testing.T) {
	d, c := testkit.DB(t), testkit.NewClock()
	queue(t, d, c.Now(), ping{"a"})
	broken := true
	w := worker(d, c)
	outbox.Handle(w, func(context.Context, ping) error {
		if broken {
			return outbox.Permanent(errors.New("no such address"))
		}
		return nil
	})
	round(t, w)
	c.Move(24 * time.Hour)
	if n := round(t, w); n != 0 {
		t.Errorf("a dead job ran %d times", n)
	}
	var stuck []outbox.Stuck
	if err := d.View(t.Context(), func(tx *db.Tx) (err error) { stuck, err = outbox.ListStuck(t.Context(), tx); return err }); err != nil {
		t.Fatal(err)
	}
	if len(stuck) != 1 || stuck[0].State != "dead" || stuck[0].Error != "no such address" {
		t.Fatalf("stuck: %+v; want the dead job and why", stuck)
	}
	broken = false
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { return outbox.Retry(t.Context(), tx, c.Now(), stuck[0].ID) }); err != nil {
		t.Fatal(err)
	}
	if n := round(t, w); n != 1 {
		t.Errorf("after the retry %d jobs ran; want 1", n)
	}
}

func TestAJobWhoseWorkerDiedIsTakenAgain(t *testing.T) {
	d, c := testkit.DB(t), testkit.NewClock()
	queue(t, d, c.Now(), ping{"a"})
	dead := worker(d, c)
	outbox.Handle(dead, func(context.Context, ping) error { panic("killed") })
	round(t, dead)
	c.Move(6 * time.Minute)
	ran := 0
	w := worker(d, c)
	outbox.Handle(w, func(context.Context, ping) error { ran++; return nil })
	round(t, w)
	if ran != 1 {
		t.Errorf("ran %d times; want 1", ran)
	}
}

func TestTwoNodesDoNotRunTheSameJob(t *testing.T) {
	d, c := testkit.DB(t), testkit.NewClock()
	for i := range 50 {
		queue(t, d, c.Now(), ping{string(rune('A' + i))})
	}
	var mu sync.Mutex
	ran := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		w := worker(d, c)
		outbox.Handle(w, func(_ context.Context, p ping) error {
			mu.Lock()
			defer mu.Unlock()
			ran[p.N]++
			return nil
		})
		wg.Go(func() {
			for range 8 {
				if _, err := w.Round(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(ran) != 50 {
		t.Errorf("%d jobs ran; want 50", len(ran))
	}
	for k, n := range ran {
		if n != 1 {
			t.Errorf("job %s ran %d times", k, n)
		}
	}
}
