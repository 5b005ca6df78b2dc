package par_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gram-ml/gram/internal/par"
)

// Every item is given out once, in the same blocks for any number of workers.
func TestFor(t *testing.T) {
	for _, workers := range []int{-1, 0, 1, 2, 3, 50} {
		for _, n := range []int{0, 1, 7, 8, 9, 100} {
			const size = 8
			seen := make([]int32, n)
			err := par.For(context.Background(), workers, n, size, func(block, lo, hi int) {
				if lo != block*size || hi != min(n, lo+size) {
					t.Errorf("block %d is [%d, %d)", block, lo, hi)
				}
				for i := lo; i < hi; i++ {
					atomic.AddInt32(&seen[i], 1)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, k := range seen {
				if k != 1 {
					t.Fatalf("%d workers: item %d of %d was done %d times", workers, i, n, k)
				}
			}
		}
	}
}

// Two calls with the same worker number never overlap.
func TestForWorker(t *testing.T) {
	const workers = 3
	var busy [workers]atomic.Bool
	par.ForWorker(nil, workers, 1000, 3, func(worker, _, _, _ int) {
		if busy[worker].Swap(true) {
			t.Errorf("worker %d does two blocks at once", worker)
		}
		runtime.Gosched()
		busy[worker].Store(false)
	})
}

func TestCancel(t *testing.T) {
	for _, workers := range []int{1, 2} {
		ctx, cancel := context.WithCancel(context.Background())
		var calls atomic.Int32
		err := par.For(ctx, workers, 100, 1, func(block, _, _ int) {
			calls.Add(1)
			cancel()
		})
		if !errors.Is(err, context.Canceled) || calls.Load() > int32(workers) {
			t.Errorf("%d workers: error %v after %d calls", workers, err, calls.Load())
		}
		// With the last block done, a context that ends then has spoilt nothing.
		ctx, cancel = context.WithCancel(context.Background())
		if err := par.For(ctx, workers, 1, 1, func(int, int, int) { cancel() }); err != nil {
			t.Errorf("%d workers: error %v after the last block", workers, err)
		}
	}
}

func TestPanic(t *testing.T) {
	for _, workers := range []int{1, 4} {
		func() {
			defer func() {
				if r := recover(); r != "spoilt" {
					t.Errorf("%d workers: recovered %v", workers, r)
				}
			}()
			par.For(nil, workers, 100, 1, func(block, _, _ int) {
				if block == 3 {
					panic("spoilt")
				}
			})
			t.Errorf("%d workers: no panic", workers)
		}()
	}
}

// Calls from many goroutines, within each other and one after the other, do all their blocks and
// none after they have returned, with more workers than processors, too.
func TestConcurrent(t *testing.T) {
	for _, procs := range []int{1, 2, 4} {
		before := runtime.GOMAXPROCS(procs)
		var all sync.WaitGroup
		for range 8 {
			all.Add(1)
			go func() {
				defer all.Done()
				for call := range 100 {
					var done atomic.Int64
					over := false
					par.For(nil, 4, 10, 1, func(_, _, _ int) {
						if over {
							t.Error("a block after the end")
						}
						par.For(nil, 3, 10, 3, func(_, lo, hi int) { done.Add(int64(hi - lo)) })
					})
					over = true
					if n := done.Load(); n != 100 {
						t.Errorf("%d processors, call %d: %d items, want 100", procs, call, n)
					}
					if call%50 == 0 {
						time.Sleep(time.Millisecond) // until helpers are gone
					}
				}
			}()
		}
		all.Wait()
		runtime.GOMAXPROCS(before)
	}
}

// A goroutine that ends in a block keeps nobody waiting.
func TestGoexit(t *testing.T) {
	ended := make(chan bool)
	go func() {
		defer close(ended)
		par.For(nil, 2, 2, 1, func(block, _, _ int) {
			if block == 0 {
				for begin := time.Now(); time.Since(begin) < 10*time.Millisecond; { // until both have a block
					runtime.Gosched()
				}
				return
			}
			runtime.Goexit()
		})
	}()
	<-ended
}

func TestWorkers(t *testing.T) {
	if par.Workers(0) != runtime.GOMAXPROCS(0) || par.Workers(-2) != runtime.GOMAXPROCS(0) || par.Workers(3) != 3 {
		t.Error("Workers resolves wrongly")
	}
	if par.Blocks(0, 4) != 0 || par.Blocks(4, 4) != 1 || par.Blocks(5, 4) != 2 {
		t.Error("Blocks counts wrongly")
	}
}

// BenchmarkFor is the cost of a fork and join.
func BenchmarkFor(b *testing.B) {
	for b.Loop() {
		par.For(nil, 2, 2, 1, func(int, int, int) {})
	}
}
