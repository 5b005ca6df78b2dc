// Package par splits work over goroutines so that results do not depend on how
// many there are: the blocks are fixed by the work, and only who computes a
// block varies.
package par

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Workers resolves a trainer's Workers field: 0 or less means GOMAXPROCS.
func Workers(n int) int {
	if n <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// Blocks returns the number of blocks of size that n items fall into.
func Blocks(n, size int) int { return (n + size - 1) / size }

// For calls f(block, lo, hi) for each block of size consecutive items of 0..n−1,
// on at most Workers(workers) goroutines of which the caller's is one, and
// returns when all calls have. Blocks are handed out in order, so f may be
// called in any order: keep partial results by block and add them in block order.
//
// When ctx is done no further block begins and its error is returned; a nil ctx
// never ends. A panic in f is raised again on the caller's goroutine.
//
// With one worker or one block there is no goroutine at all; otherwise fork and join cost
// a microsecond if the helpers of the last call are still there, as they are for 0.2 ms.
func For(ctx context.Context, workers, n, size int, f func(block, lo, hi int)) error {
	return ForWorker(ctx, workers, n, size, func(_, block, lo, hi int) { f(block, lo, hi) })
}

// ForWorker is For that also tells f which worker, below min(Workers(workers),
// Blocks(n, size)), calls: a key to scratch memory, never to results.
func ForWorker(ctx context.Context, workers, n, size int, f func(worker, block, lo, hi int)) error {
	nb := Blocks(n, size)
	workers = min(Workers(workers), nb)
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	if workers <= 1 {
		for b := 0; b < nb; b++ {
			if ended(done) {
				return ctx.Err()
			}
			f(0, b, b*size, min(n, (b+1)*size))
		}
		return nil
	}
	var (
		next   atomic.Int64
		once   sync.Once
		failed atomic.Bool
		cause  any
	)
	run := func(worker int) {
		defer func() {
			if r := recover(); r != nil {
				once.Do(func() { cause = r })
				failed.Store(true)
			}
		}()
		for !failed.Load() && !ended(done) {
			b := int(next.Add(1)) - 1
			if b >= nb {
				return
			}
			f(worker, b, b*size, min(n, (b+1)*size))
		}
	}
	helpers := hire(workers-1, func(i int) { run(i + 1) })
	run(0)
	helpers.wait()
	if failed.Load() {
		panic(cause)
	}
	if int(next.Load()) < nb {
		return ctx.Err()
	}
	return nil
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
