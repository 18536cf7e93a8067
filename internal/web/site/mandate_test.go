package site

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"luvat/internal/identity"
	"luvat/internal/testkit"
)

// Pages that come at once, with the same memo, ask the mandate register once:
// each renewal makes what the others would ask with worthless.
func TestPagesThatComeAtOnceAskOnce(t *testing.T) {
	var c checks
	var asked atomic.Int64
	begun, answer := make(chan struct{}), make(chan struct{})
	question := func() (identity.MandateState, []byte, error) {
		if asked.Add(1) == 1 {
			close(begun)
		}
		<-answer
		return identity.MandateHolds, []byte("fresh"), nil
	}
	var pages sync.WaitGroup
	for range 20 {
		pages.Go(func() {
			state, fresh, err := c.ask(testkit.Start, []byte("memo"), question)
			if state != identity.MandateHolds || string(fresh) != "fresh" || err != nil {
				t.Errorf("a page is told %s, %q, %v", state, fresh, err)
			}
		})
	}
	<-begun
	close(answer)
	pages.Wait()
	if _, _, err := c.ask(testkit.Start.Add(identity.MandateCheckEach/2), []byte("memo"), question); err != nil || asked.Load() != 1 { // one that was late
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}
	if _, _, err := c.ask(testkit.Start, []byte("another memo"), question); err != nil || asked.Load() != 2 {
		t.Errorf("another session: asked %d times in all, %v", asked.Load(), err)
	}
	if _, _, err := c.ask(testkit.Start.Add(identity.MandateCheckEach), []byte("memo"), question); err != nil || asked.Load() != 3 || len(c.all) != 1 {
		t.Errorf("a minute later: asked %d times in all, %d remembered, %v", asked.Load(), len(c.all), err)
	}
}

func TestACheckThatFailedIsAskedAnew(t *testing.T) {
	var c checks
	n := 0
	for range 3 {
		_, _, err := c.ask(testkit.Start, []byte("memo"), func() (identity.MandateState, []byte, error) { n++; return "", nil, errors.New("down") })
		if err == nil {
			t.Error("the failure was not told")
		}
	}
	if n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// A page that fails in the middle does not keep the others waiting.
func TestACheckThatPanicsIsAskedAnew(t *testing.T) {
	var c checks
	func() {
		defer func() { _ = recover() }()
		_, _, _ = c.ask(testkit.Start, []byte("memo"), func() (identity.MandateState, []byte, error) { panic("the page fails") })
	}()
	state, _, err := c.ask(testkit.Start, []byte("memo"), func() (identity.MandateState, []byte, error) { return identity.MandateHolds, nil, nil })
	if state != identity.MandateHolds || err != nil {
		t.Errorf("the next page is told %s, %v", state, err)
	}
}
