package bench

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// Figures are what a load came to.
type Figures struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"processor_ms"` // of one operation, clients included
	N         int     `json:"n"`
}

// Cost is what one operation takes of the machine, in milliseconds.
func (f Figures) Cost() float64 {
	if f.PerSecond == 0 {
		return math.NaN()
	}
	return 1000 / f.PerSecond
}

// errDone ends a worker before its time.
var errDone = errors.New("nothing left to do")

// drive lets workers do fn again and again for a while, and keeps how long
// each took.
func drive(ctx context.Context, workers int, d time.Duration, fn func(ctx context.Context, worker, n int) error) (took []time.Duration, elapsed time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	for w := range workers {
		wg.Go(func() {
			mine := make([]time.Duration, 0, 4096)
			var failed error
			for n := 0; failed == nil && time.Since(began) < d && ctx.Err() == nil; n++ {
				at := time.Now()
				if failed = fn(ctx, w, n); failed == nil {
					mine = append(mine, time.Since(at))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if failed != nil && !errors.Is(failed, errDone) && err == nil {
				err = failed
				cancel()
			}
		})
	}
	wg.Wait()
	return took, time.Since(began), err
}

// tally gathers several turns of one load.
type tally struct {
	took         []time.Duration
	elapsed, cpu time.Duration
}

// drive adds a turn.
func (t *tally) drive(ctx context.Context, workers int, d time.Duration, fn func(ctx context.Context, worker, n int) error) error {
	cpu := processorTime()
	took, elapsed, err := drive(ctx, workers, d, fn)
	t.took = append(t.took, took...)
	t.elapsed += elapsed
	t.cpu += processorTime() - cpu
	return err
}

func (t *tally) figures() Figures {
	if len(t.took) == 0 {
		return Figures{}
	}
	slices.Sort(t.took)
	at := func(q float64) float64 {
		i := min(len(t.took)-1, int(math.Ceil(q*float64(len(t.took))))-1)
		return float64(t.took[max(0, i)].Microseconds()) / 1000
	}
	return Figures{
		PerSecond: float64(len(t.took)) / t.elapsed.Seconds(), P50: at(.5), P95: at(.95), P99: at(.99), N: len(t.took),
		CPU: t.cpu.Seconds() * 1000 / float64(len(t.took)),
	}
}

// Waits tell how long a sender waited for each of the two answers.
type Waits struct {
	Saved Wait `json:"form_saved"`
	Sent  Wait `json:"sent"`
}

// Wait is how long an answer was waited for.
type Wait struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

func waited(took [][]time.Duration) Wait {
	t := tally{took: slices.Concat(took...)}
	f := t.figures()
	return Wait{f.P50, f.P95, f.P99}
}

// A load is something done again and again.
type load struct {
	workers int
	fn      func(ctx context.Context, worker, n int) error
	before  func(ctx context.Context) error // outside the measured time; may be nil
	profile string
}

// turns is how many times two loads take turns: the machine's other guests
// come and go, and what they take is then taken from both.
const turns = 4

// compare lets the loads take turns until each has had its time.
func (r *run) compare(ctx context.Context, loads ...load) ([]Figures, error) {
	sums := make([]tally, len(loads))
	for turn := range turns {
		for i, l := range loads {
			if l.before != nil {
				if err := l.before(ctx); err != nil {
					return nil, err
				}
			}
			if turn == 0 { // caches, connections, statements
				if _, _, err := drive(ctx, l.workers, r.Each/10, l.fn); err != nil {
					return nil, err
				}
			}
			stop := func() {}
			if turn == 1 && l.profile != "" {
				var err error
				if stop, err = r.profile(l.profile); err != nil {
					return nil, err
				}
			}
			err := sums[i].drive(ctx, l.workers, r.Each/turns, l.fn)
			stop()
			if err != nil {
				return nil, err
			}
		}
	}
	all := make([]Figures, len(loads))
	for i := range sums {
		all[i] = sums[i].figures()
	}
	return all, nil
}
