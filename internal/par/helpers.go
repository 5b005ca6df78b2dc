package par

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A helper is a goroutine that stays a little after its work, looking for more: parallel
// sections often follow each other, and to wake a sleeping thread takes longer than
// many of them.
type helper struct{ next atomic.Pointer[task] }

// A task is what a helper does, and how it then says that it did.
type task struct{ run, done func() }

const (
	// linger is how long a helper stays.
	linger = 200 * time.Microsecond
	// patience is how long a caller looks whether its helpers are done before it sleeps.
	patience = 100 * time.Microsecond
)

// idle are the helpers that have nothing to do.
var idle [64]atomic.Pointer[helper]

// start has a helper do a task, a new one if none is idle.
func start(t *task) {
	for i := range idle {
		if h := idle[i].Load(); h != nil && idle[i].CompareAndSwap(h, nil) {
			h.next.Store(t)
			return
		}
	}
	go new(helper).do(t)
}

// do does a task and those that come while the helper stays.
func (h *helper) do(t *task) {
	for t != nil {
		t = h.wait(h.finish(t))
	}
}

// finish does a task and returns where h then waits. It says that the task is done after that, for
// the next may come at once, and even if the goroutine ends in it.
func (h *helper) finish(t *task) (place int) {
	defer t.done()
	t.run()
	return h.offer()
}

// offer gives h a place among the idle and returns it, −1 if it is not to stay.
func (h *helper) offer() int {
	if runtime.GOMAXPROCS(0) == 1 {
		return -1 // it would be in the way
	}
	for i := range idle {
		if idle[i].Load() == nil && idle[i].CompareAndSwap(nil, h) {
			return i
		}
	}
	return -1
}

// wait returns the task that comes to h at its place, nil if none does.
func (h *helper) wait(place int) *task {
	came := func() bool { return h.next.Load() != nil }
	if place < 0 || !spin(linger, came) && idle[place].CompareAndSwap(h, nil) {
		return nil
	}
	for !came() { // whoever took h from its place is about to set it
		runtime.Gosched()
	}
	return h.next.Swap(nil)
}

// spin looks whether done until the time is over, and tells. Goroutines that could run
// go first.
func spin(limit time.Duration, done func() bool) bool {
	const looks = 64 // at done before one at the clock
	for begin := time.Now(); ; {
		for range looks {
			if done() {
				return true
			}
		}
		if time.Since(begin) > limit {
			return false
		}
		runtime.Gosched()
	}
}

// A crew counts the helpers of one call, of which those that begin late do not matter.
type crew struct {
	inside atomic.Int64 // helpers at work, or gone from it; negative once no more may begin
	gone   atomic.Int64
	signal chan struct{}
}

// hire starts n helpers that work and returns their crew.
func hire(n int, work func(helper int)) *crew {
	c := &crew{signal: make(chan struct{}, n)}
	for i := range n {
		in := false
		start(&task{
			run: func() {
				if in = c.enter(); in {
					work(i)
				}
			},
			done: func() {
				if in {
					c.signal <- struct{}{}
					c.gone.Add(1)
				}
			},
		})
	}
	return c
}

// enter tells whether there is still something to do.
func (c *crew) enter() bool {
	for {
		n := c.inside.Load()
		if n < 0 {
			return false
		}
		if c.inside.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// wait lets no more helpers begin and returns when those that have are done.
func (c *crew) wait() {
	n := c.inside.Swap(-1)
	if runtime.GOMAXPROCS(0) > 1 {
		spin(patience, func() bool { return c.gone.Load() == n })
	}
	for range n {
		<-c.signal
	}
}
