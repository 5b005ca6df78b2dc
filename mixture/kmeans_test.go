package mixture_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

func TestKMeansGolden(t *testing.T) {
	X := iris(t)
	_, cases := golden(t)
	for _, c := range cases {
		k := len(c.Init) / 4
		m, err := mixture.KMeans{Clusters: k, Centers: c.Init, Tol: 1e-300}.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(m.Centers(), c.Centers); d > 1e-8 {
			t.Errorf("%d centers differ by %g", k, d)
		}
		if math.Abs(m.Inertia()-c.Inertia) > 1e-8*c.Inertia {
			t.Errorf("inertia %v, want %v", m.Inertia(), c.Inertia)
		}
		if labels, _ := m.Predict(nil, X); !slices.Equal(labels, c.Labels) {
			t.Errorf("labels of %d clusters differ", k)
		}
	}
}

// Bounds change nothing: every row is in the cluster of its nearest center, and
// the inertia is that of all distances.
func TestKMeansExact(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 9))
		n := 500 // too few for sorted neighbours
		if seed >= 2 {
			n = 2000
		}
		k := 9
		if seed == 5 {
			k = 1
		}
		X := added(random(rng, n, 3), 1e6*float64(seed%2))
		w := make([]float64, X.Rows)
		for i := range w {
			w[i] = float64(rng.IntN(3))
		}
		m, err := mixture.KMeans{Clusters: k, Seed: seed, NInit: 2}.Fit(background, X, w)
		if err != nil {
			t.Fatal(err)
		}
		centers, want := m.Centers(), 0.0
		for i := range X.Rows {
			best := math.Inf(1)
			for c := range k {
				sum := 0.0
				for j, v := range X.Row(i) {
					sum += (v - centers[c*3+j]) * (v - centers[c*3+j])
				}
				best = min(best, sum)
			}
			want += w[i] * best
		}
		if math.Abs(m.Inertia()-want) > 1e-7*want {
			t.Errorf("seed %d: inertia %v, by distances %v", seed, m.Inertia(), want)
		}
	}
}

// Whatever the bounds spare, the centers are those of the plain iteration.
func TestKMeansPlain(t *testing.T) {
	const n, d, k, rounds = 14_000, 2, 50, 12
	rng := rand.New(rand.NewPCG(3, 4))
	X := random(rng, n, d)
	for i := range n { // some dense groups
		linalg.Axpy(float64(4*(i%7)), []float64{1, float64(i % 3)}, X.Row(i))
	}
	want := slices.Clone(X.Data[:k*d])
	m, err := mixture.KMeans{Clusters: k, Centers: want, MaxIter: rounds, Tol: 1e-300}.Fit(background, X, nil)
	if !errors.Is(err, gram.ErrNotConverged) {
		t.Fatal(err)
	}
	for range rounds {
		sum, count := make([]float64, k*d), make([]float64, k)
		for i := range n {
			row, best, least := X.Row(i), 0, math.Inf(1)
			for c := range k {
				if v := squaredDistance(row, want[c*d:(c+1)*d]); v < least {
					best, least = c, v
				}
			}
			linalg.Axpy(1, row, sum[best*d:(best+1)*d])
			count[best]++
		}
		for i := range want {
			want[i] = sum[i] / count[i/d]
		}
	}
	if d := distance(m.Centers(), want); !(d <= 1e-11) {
		t.Errorf("centers differ by %g", d)
	}
}

func squaredDistance(x, y []float64) (sum float64) {
	for j, v := range x {
		sum += (v - y[j]) * (v - y[j])
	}
	return sum
}

// A center that gets no row is moved to where the inertia is.
func TestKMeansEmptyCluster(t *testing.T) {
	X := linalg.NewDense(6, 1, []float64{0, 0.1, 5, 5.1, 9, 9.1})
	m, err := mixture.KMeans{Clusters: 3, Centers: []float64{0, 1000, 6}}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(m.Inertia()-0.015) > 1e-12 {
		t.Errorf("inertia %v, centers %v", m.Inertia(), m.Centers())
	}
}

func TestKMeansDuplicates(t *testing.T) {
	m, err := mixture.KMeans{Clusters: 4}.Fit(background, linalg.NewDense(5, 1, []float64{2, 2, 2, 7, 7}), nil)
	if err != nil || m.Inertia() > 1e-20 {
		t.Errorf("inertia %v, error %v", m.Inertia(), err)
	}
}

func TestMiniBatch(t *testing.T) {
	X := iris(t)
	m, err := mixture.KMeans{Clusters: 3, BatchSize: 50, Tol: 1e-3, Init: mixture.GreedyPlusPlus}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Inertia() > 1.1*78.9408 { // that of the best three clusters
		t.Errorf("inertia %v", m.Inertia())
	}
}

func TestBadKMeans(t *testing.T) {
	X := iris(t)
	for want, k := range map[string]mixture.KMeans{
		"-1 clusters":              {Clusters: -1},
		"151 clusters of 150":      {Clusters: 151},
		"KMeansInit(9)":            {Init: 9},
		"MaxIter -1":               {MaxIter: -1},
		"Tol is -1":                {Tol: -1},
		"Centers has length 1":     {Centers: []float64{1}},
		"Centers[0] is NaN":        {Clusters: 1, Centers: []float64{math.NaN(), 1, 1, 1}},
		"BatchSize -1 must not be": {BatchSize: -1},
	} {
		_, err := k.Fit(background, X, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, gram.ErrParam) && !errors.Is(err, gram.ErrShape) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
