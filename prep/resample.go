package prep

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A Resampler changes how many rows the classes have in training. [SMOTE],
// [OverSample] and [UnderSample] do.
type Resampler interface {
	// Resample returns other rows, with their labels and weights, in place of X, n×d,
	// with labels y in 0..K−1 and weights w. A nil w stays nil. Rows of weight zero do
	// not count and are left out.
	Resample(ctx context.Context, X gram.Matrix, y []int, w []float64) (*linalg.Dense[float64], []int, []float64, error)
}

// Resampled trains a classifier on resampled rows. It is how to use a [Resampler]:
// in a cross-validation the rows of training alone are then resampled, and those
// that are predicted stay as they are.
//
// Resampling makes rare classes more probable than they are. Where probabilities matter,
// prefer weights or a threshold, or calibrate the model on rows as they come.
type Resampled struct {
	// Sampler must be set.
	Sampler Resampler
	// Last is trained on what Sampler returns. It must be set.
	Last gram.ClassifierTrainer
}

// TrainClassifier returns the model of Last. Errors: ErrParam if a field is nil, and
// those of Sampler and Last.
func (s Resampled) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	if s.Sampler == nil || s.Last == nil {
		return nil, fmt.Errorf("Sampler is %v, Last is %v: %w", s.Sampler, s.Last, gram.ErrParam)
	}
	Z, labels, weights, err := s.Sampler.Resample(ctx, X, y, w)
	if err != nil {
		return nil, fmt.Errorf("resampling: %w", err)
	}
	return s.Last.TrainClassifier(ctx, Z, labels, weights)
}

// OverSample repeats rows of the smaller classes, drawn with replacement.
type OverSample struct {
	// Ratio is the number of rows that each class has at least, relative to the largest,
	// in (0, 1]. 0 means 1.
	Ratio float64
	// Seed determines the draws.
	Seed uint64
}

// Resample returns the rows of X in their order, and behind them the repeated ones,
// class by class. Errors: ErrParam for a Ratio outside its range, ErrShape, ErrLabels,
// ErrWeights, ErrNonFinite, and that of ctx. O(rows·d).
func (s OverSample) Resample(ctx context.Context, X gram.Matrix, y []int, w []float64) (*linalg.Dense[float64], []int, []float64, error) {
	c, err := newClassRows(ctx, X, y, w, s.Ratio)
	if err != nil {
		return nil, nil, nil, err
	}
	rows := slices.Clone(c.all)
	for class, from := range c.rows {
		r := stream(s.Seed, class)
		for range c.missing(class) {
			rows = append(rows, from[r.IntN(len(from))])
		}
	}
	Z, labels, weights := c.pick(rows)
	return Z, labels, weights, nil
}

// UnderSample leaves out rows of the larger classes, drawn without replacement.
type UnderSample struct {
	// Ratio is the number of rows of the smallest class relative to those that any other
	// has at most, in (0, 1]. 0 means 1.
	Ratio float64
	// Seed determines the draws.
	Seed uint64
}

// Resample returns the rows of X that are kept, in their order. Errors are those of
// [OverSample.Resample]. O(n·d).
func (s UnderSample) Resample(ctx context.Context, X gram.Matrix, y []int, w []float64) (*linalg.Dense[float64], []int, []float64, error) {
	c, err := newClassRows(ctx, X, y, w, s.Ratio)
	if err != nil {
		return nil, nil, nil, err
	}
	least := len(c.all)
	for _, from := range c.rows {
		least = min(least, len(from))
	}
	most := int(math.Min(math.Ceil(float64(least)/c.ratio), float64(len(c.all))))
	var rows []int
	for class, from := range c.rows {
		order := stream(s.Seed, class).Perm(len(from))
		for _, k := range order[:min(most, len(from))] {
			rows = append(rows, from[k])
		}
	}
	slices.Sort(rows)
	Z, labels, weights := c.pick(rows)
	return Z, labels, weights, nil
}

// SMOTE adds rows to the smaller classes, each at a random place between a row of the
// class and one of the nearest neighbours of that row within the class. Its weight
// lies between theirs alike. Distances are Euclidean: bring columns to one scale first.
//
// Source: N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer, "SMOTE: synthetic
// minority over-sampling technique", Journal of Artificial Intelligence Research 16
// (2002), 321–357.
type SMOTE struct {
	// Neighbors is the number of neighbours to draw from, at least 1. 0 means 5. There
	// are no more than the other rows of the class.
	Neighbors int
	// Ratio is the number of rows that each class has at least, relative to the largest,
	// in (0, 1]. 0 means 1.
	Ratio float64
	// Seed determines the draws.
	Seed uint64
	// Workers is the number of goroutines that look for neighbours; 0 means GOMAXPROCS.
	// The rows do not depend on it.
	Workers int
}

// Resample returns the rows of X in their order, and behind them the new ones, class by
// class. Errors: ErrParam for Neighbors below 0 or a Ratio outside its range; ErrShape;
// ErrLabels, also for a class that needs new rows and has only one; ErrWeights;
// ErrNonFinite; and that of ctx. O(m²·d) for a class of m rows that gets new ones.
func (s SMOTE) Resample(ctx context.Context, X gram.Matrix, y []int, w []float64) (*linalg.Dense[float64], []int, []float64, error) {
	if s.Neighbors < 0 {
		return nil, nil, nil, fmt.Errorf("Neighbors is %d, want at least 1: %w", s.Neighbors, gram.ErrParam)
	}
	c, err := newClassRows(ctx, X, y, w, s.Ratio)
	if err != nil {
		return nil, nil, nil, err
	}
	// A new row begins as a copy of its base.
	rows, mates, shares := slices.Clone(c.all), make([]int, len(c.all)), make([]float64, len(c.all))
	for class, from := range c.rows {
		if c.missing(class) == 0 {
			continue
		}
		if len(from) == 1 {
			return nil, nil, nil, fmt.Errorf("class %d has one row, which lies between no others: %w", class, gram.ErrLabels)
		}
		near, k, err := s.neighbors(ctx, c.X, from)
		if err != nil {
			return nil, nil, nil, err
		}
		r := stream(s.Seed, class)
		for range c.missing(class) {
			base := r.IntN(len(from))
			rows = append(rows, from[base])
			mates = append(mates, from[near[base*k+r.IntN(k)]])
			shares = append(shares, r.Float64())
		}
	}
	Z, labels, weights := c.pick(rows)
	for i := len(c.all); i < len(rows); i++ {
		z, t := Z.Row(i), shares[i]
		for j, v := range c.X.Row(mates[i]) {
			z[j] = between(z[j], v, t)
		}
		if weights != nil {
			weights[i] = between(weights[i], w[mates[i]], t)
		}
	}
	return Z, labels, weights, nil
}

// neighbors returns for each of the rows the k nearest others, as places in rows, the
// first of those as near.
func (s SMOTE) neighbors(ctx context.Context, X *linalg.Dense[float64], rows []int) (near []int, k int, err error) {
	k = s.Neighbors
	if k == 0 {
		k = 5
	}
	k = min(k, len(rows)-1)
	near = make([]int, len(rows)*k)
	const blockRows = 64
	err = par.For(ctx, s.Workers, len(rows), blockRows, func(_, lo, hi int) {
		distances := make([]float64, 0, k+1)
		for a := lo; a < hi; a++ {
			nearest(near[a*k:a*k:(a+1)*k], distances, X, rows, a)
		}
	})
	return near, k, err
}

// nearest fills near, empty at first, to its capacity; distances is scratch.
func nearest(near []int, distances []float64, X *linalg.Dense[float64], rows []int, a int) {
	x := X.Row(rows[a])
	for b, row := range rows {
		if b == a {
			continue
		}
		sum := 0.0
		for j, v := range X.Row(row) {
			sum += (v - x[j]) * (v - x[j])
		}
		full := len(near) == cap(near)
		if full && sum >= distances[len(distances)-1] {
			continue
		}
		if full {
			near, distances = near[:len(near)-1], distances[:len(distances)-1]
		}
		at := len(distances)
		for at > 0 && sum < distances[at-1] {
			at--
		}
		near, distances = slices.Insert(near, at, b), slices.Insert(distances, at, sum)
	}
}

// stream returns the random numbers of a class.
func stream(seed uint64, class int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(class))) }

// classRows are rows by their class.
type classRows struct {
	X     *linalg.Dense[float64]
	y     []int
	w     []float64
	ratio float64
	all   []int   // rows of weight above zero, ascending
	rows  [][]int // those of each class
	most  int     // rows of the largest class
}

func newClassRows(ctx context.Context, X gram.Matrix, y []int, w []float64, ratio float64) (*classRows, error) {
	if ratio == 0 {
		ratio = 1
	}
	if !(ratio > 0 && ratio <= 1) {
		return nil, fmt.Errorf("Ratio is %v, want above 0 and at most 1: %w", ratio, gram.ErrParam)
	}
	n, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	c := &classRows{X: linalg.NewDense[float64](n, d, nil), y: y, w: w, ratio: ratio, rows: make([][]int, k)}
	eachRow(linalg.AsOperator(X), 0, n, func(i int, x []float64) {
		copy(c.X.Row(i), x)
	})
	for i, class := range y {
		if weight(w, i) > 0 {
			c.all = append(c.all, i)
			c.rows[class] = append(c.rows[class], i)
		}
	}
	for class, rows := range c.rows {
		if len(rows) == 0 {
			return nil, fmt.Errorf("class %d of %d has no weight: %w", class, k, gram.ErrLabels)
		}
		c.most = max(c.most, len(rows))
	}
	return c, nil
}

// missing returns how many rows a class lacks.
func (c *classRows) missing(class int) int {
	return max(0, int(math.Ceil(c.ratio*float64(c.most)))-len(c.rows[class]))
}

// pick returns copies of rows, with their labels and weights.
func (c *classRows) pick(rows []int) (Z *linalg.Dense[float64], y []int, w []float64) {
	Z, y = linalg.NewDense[float64](len(rows), c.X.Cols, nil), make([]int, len(rows))
	if c.w != nil {
		w = make([]float64, len(rows))
	}
	for k, i := range rows {
		copy(Z.Row(k), c.X.Row(i))
		y[k] = c.y[i]
		if w != nil {
			w[k] = c.w[i]
		}
	}
	return Z, y, w
}
