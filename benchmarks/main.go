// Command benchmarks runs gram beside its peers on the same machine, in one run and
// in turns, and prints a table of medians and ratios.
//
//	benchmarks/run               # everything, pinned to one core; then two threads
//	benchmarks/run -only softmax # the rows whose names contain that
//
// The peers are Debian's libopenblas0-pthread (through a small C program, so that
// no interpreter stands between) and python3-sklearn. A ratio above 1 means that
// gram is that many times as fast; those against a limit of the machine are gram's
// rate over that of a plain assembly loop in the same run.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A row is one comparison. Both functions return seconds, or bytes.
type row struct {
	name   string
	peer   string
	target float64 // of the ratio
	// unit of work for the rate column: operations or bytes of gram's side.
	amount float64
	unit   string
	gram   func() (float64, error)
	other  func() (float64, error)
	// scale turns peer seconds / gram seconds into the ratio, 0 means 1.
	scale float64
	note  func() string
	// bytes tells that both functions return bytes of memory.
	bytes bool
}

func main() {
	only := flag.String("only", "", "run the rows whose name contains this")
	rounds := flag.Int("rounds", 7, "repetitions of each side, in turns")
	threads := flag.Int("threads", 1, "1 for the comparisons, 2 for scaling")
	flag.Parse()
	runtime.GOMAXPROCS(*threads)
	if err := run(*only, *rounds, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(only string, rounds, threads int) error {
	dir, err := os.MkdirTemp("", "gram-benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []row
	if threads == 1 {
		all = append(all, gemmRows(dir)...)
		all = append(all, memoryRows()...)
		all = append(all, linearRows(dir)...)
		all = append(all, factorizationRows(dir)...)
		all = append(all, quantRows(dir)...)
		all = append(all, activationRows(dir)...)
		all = append(all, prepRows(dir)...)
		all = append(all, sparseRows(dir)...)
		all = append(all, adaBoostRows(dir)...)
		all = append(all, forestRows(dir)...)
	} else {
		all = append(all, scalingRows(threads)...)
		all = append(all, factorizationScaling(threads)...)
		all = append(all, sparseScalingRows(dir, threads)...)
	}
	all = append(all, boostingRows(dir, threads)...)
	all = append(all, evalRows(dir, threads)...)
	all = append(all, mixtureRows(dir, threads)...)
	all = append(all, regressionRows(dir, threads)...)
	all = append(all, classificationRows(dir, threads)...)
	all = append(all, decompRows(dir, threads)...)
	fmt.Printf("| work | gram | peer | ratio | at least | |\n|---|---|---|---|---|---|\n")
	for _, r := range all {
		if !strings.Contains(r.name, only) {
			continue
		}
		if err := r.run(rounds); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// run measures both sides in turns and prints the row.
func (r *row) run(rounds int) error {
	var ours, theirs []float64
	for range rounds {
		a, err := r.gram()
		if err != nil {
			return err
		}
		b, err := r.other()
		if err != nil {
			return fmt.Errorf("%s: %w", r.peer, err)
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	a, b := median(ours), median(theirs)
	ratio := b / a
	if r.scale != 0 {
		ratio *= r.scale
	}
	note := ""
	if r.note != nil {
		note = r.note()
	}
	if ratio < r.target {
		note = strings.TrimSpace("below. " + note)
	}
	amount := duration
	if r.bytes {
		amount = func(b float64) string { return fmt.Sprintf("%.1f MB", b/1e6) }
	}
	fmt.Printf("| %s | %s | %s %s | %.2f | %.2f | %s |\n", r.name, r.rate(a, amount), r.peer, amount(b), ratio, r.target, note)
	return nil
}

func (r *row) rate(seconds float64, amount func(float64) string) string {
	if r.amount == 0 {
		return amount(seconds)
	}
	return fmt.Sprintf("%s, %.1f %s", duration(seconds), r.amount/seconds/1e9, r.unit)
}

func duration(seconds float64) string {
	d := time.Duration(seconds * 1e9)
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return fmt.Sprintf("%.1fns", seconds*1e9)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// timed returns the seconds of one call of f, the mean over some 20 ms. As the C
// programs do, it first runs as long untimed, since another process has had the
// caches.
func timed(f func()) func() (float64, error) {
	return func() (float64, error) {
		for reps := 1; ; reps *= 2 {
			start := time.Now()
			for range reps {
				f()
			}
			if d := time.Since(start); d > 20*time.Millisecond && reps > 1 {
				return d.Seconds() / float64(reps), nil
			}
		}
	}
}
