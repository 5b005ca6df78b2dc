// Command em draws what the EM algorithm does with a Gaussian mixture in the plane: its steps
// from a good start, a bad start that ends in a worse optimum, and the collapse of a
// component onto a point, with three ways out.
//
//	go run ./examples/em -dir pictures
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

func main() {
	dir := flag.String("dir", "em-pictures", "where the pictures go")
	flag.Parse()
	if _, err := run(context.Background(), os.Stdout, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "em:", err)
		os.Exit(1)
	}
}

// clouds returns 600 rows of three groups, two of them long and side by side.
func clouds() *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(3, 4))
	X := linalg.NewDense[float64](600, 2, nil)
	for i := range X.Rows {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		switch i % 3 {
		case 0:
			X.Set(i, 0, -2+0.5*a)
			X.Set(i, 1, 2*b)
		case 1:
			X.Set(i, 0, 0.5+0.5*a+0.2*b)
			X.Set(i, 1, 1.6*b)
		case 2:
			X.Set(i, 0, 6+a)
			X.Set(i, 1, 0.7*b+0.3*a)
		}
	}
	return X
}

// The starts have unit covariances. In the bad one two components sit in the group on
// the right, and one has to do for the two on the left.
var (
	unit      = []float64{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}
	goodStart = &mixture.Start{Means: []float64{-3, 3, 1, -3, 4, 3}, Precisions: unit}
	badStart  = &mixture.Start{Means: []float64{-0.5, 0, 5, 1.5, 7, -1.5}, Precisions: unit}
)

// A report holds mean log-likelihoods, and the component that collapsed.
type report struct {
	good, bad, best float64
	collapse        *mixture.CollapseError
	ways            map[string]float64
}

func run(ctx context.Context, out io.Writer, dir string) (r report, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return r, err
	}
	s := studio{out, dir}
	X := clouds()
	good, err := steps(ctx, s, X, "good", goodStart, []int{0, 1, 3, 8, 100})
	if err != nil {
		return r, err
	}
	bad, err := steps(ctx, s, X, "bad", badStart, []int{0, 100})
	if err != nil {
		return r, err
	}
	best, err := mixture.GaussianMixture{Components: 3, NInit: 10, Tol: 1e-6}.Fit(ctx, X, nil)
	if err != nil {
		return r, err
	}
	r.good, r.bad, r.best = good.LogLikelihood(), bad.LogLikelihood(), best.LogLikelihood()
	fmt.Fprintf(out, "mean log-likelihood %.3f from the good start, %.3f from the bad, %.3f as the best of ten\n", r.good, r.bad, r.best)
	if err := s.histories(good.History(), bad.History()); err != nil {
		return r, err
	}
	r.collapse, r.ways, err = collapse(ctx, s)
	return r, err
}

// steps draws the mixture after each of the given numbers of iterations and returns the last.
func steps(ctx context.Context, s studio, X *linalg.Dense[float64], name string, start *mixture.Start, iterations []int) (m *mixture.GaussianMixtureModel, err error) {
	for _, n := range iterations {
		if m, err = after(ctx, X, mixture.GaussianMixture{Components: 3, Start: start}, n); err != nil {
			return nil, err
		}
		title := fmt.Sprintf("%s start, %d iterations", name, len(m.History())-1)
		if err := s.draw(fmt.Sprintf("%s-%03d.png", name, n), title, X, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// after returns the mixture after at most n iterations; after 0 that of the start.
func after(ctx context.Context, X *linalg.Dense[float64], t mixture.GaussianMixture, n int) (*mixture.GaussianMixtureModel, error) {
	if n == 0 {
		return atStart(t)
	}
	t.MaxIter, t.Tol = n, 1e-6
	m, err := t.Fit(ctx, X, nil)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	return m, nil
}

// atStart returns the mixture of unit covariances at the means of the start: that of the
// statistics which ask for it.
func atStart(t mixture.GaussianMixture) (*mixture.GaussianMixtureModel, error) {
	s := &mixture.Statistics{Origin: []float64{0, 0}, Total: 1, Mean: t.Start.Means, Scatter: t.Start.Precisions}
	for range t.Components {
		s.Weight = append(s.Weight, 1)
	}
	return t.FromStatistics(s)
}

// collapse lets a component fall onto ten equal rows, and then keeps it from doing so.
func collapse(ctx context.Context, s studio) (bad *mixture.CollapseError, ways map[string]float64, err error) {
	X := clouds()
	for i := range 10 {
		X.Set(3*i, 0, 3.5)
		X.Set(3*i, 1, 2.5)
	}
	t := mixture.GaussianMixture{Components: 3, NoRegCovar: true, Start: &mixture.Start{Means: []float64{-1, 0, 3.5, 2.5, 6, 0}, Precisions: unit}}
	for n := range 200 {
		m, err := after(ctx, X, t, n)
		if errors.As(err, &bad) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if n%6 == 0 {
			if err := s.draw(fmt.Sprintf("collapse-%03d.png", n), fmt.Sprintf("on the way to a collapse, %d iterations", n), X, m); err != nil {
				return nil, nil, err
			}
		}
	}
	if bad == nil {
		return nil, nil, errors.New("nothing collapses")
	}
	fmt.Fprintf(s.out, "the fit ends: %v\n", bad)

	repaired, regular, prior := t, t, t
	repaired.OnCollapse = mixture.Repair
	regular.NoRegCovar, regular.RegCovar = false, 0.05
	prior.Prior = &mixture.CovariancePrior{}
	ways = map[string]float64{}
	for _, way := range []struct {
		name string
		t    mixture.GaussianMixture
	}{{"repaired", repaired}, {"regularised", regular}, {"prior", prior}} {
		m, err := after(ctx, X, way.t, 300)
		if err != nil {
			fmt.Fprintf(s.out, "%s: %v\n", way.name, err)
			continue
		}
		ways[way.name] = m.LogLikelihood()
		fmt.Fprintf(s.out, "%s: mean log-likelihood %.3f, %d repairs\n", way.name, m.LogLikelihood(), len(m.Repairs()))
		if err := s.draw("collapse-"+way.name+".png", way.name, X, m); err != nil {
			return nil, nil, err
		}
	}
	return bad, ways, nil
}
