package eval

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// ClassifierImportance measures how much a fitted model relies on each feature: by how
// much its score gets worse when the feature's values are dealt out among the rows at
// random (permutation importance). On rows that the model was not trained on it is about
// what generalises. Of features that say the same, each seems to matter little.
//
// Source: L. Breiman, Random forests, Machine Learning 45 (2001), section 10.
type ClassifierImportance struct {
	// Score is what to judge by; the zero value is accuracy.
	Score ClassifierScore
	// Repeats is how often each feature is permuted, at least 1; 0 means 5.
	Repeats int
	// Seed chooses the permutations.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The result does not depend
	// on it.
	Workers int
}

// Of returns for each feature by how much the score got worse in each repetition:
// positive where the feature helps, whether or not less is better. It predicts the n
// rows of X once and Repeats times for each feature. y holds the labels, and w the
// weights, nil for all ones.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels, gram.ErrWeights,
// gram.ErrParam; those of the model and the score; ctx's error.
func (c ClassifierImportance) Of(ctx context.Context, m gram.Classifier, X gram.Matrix, y []int, w []float64) ([]Scores, error) {
	if c.Score.Of == nil {
		c.Score = AccuracyScore()
	}
	if err := checkPermutable(m, X, len(y), w); err != nil {
		return nil, err
	}
	judge := judgeClassifier(m.Classes(), []ClassifierScore{c.Score})
	return permute(ctx, c.Repeats, c.Seed, c.Workers, c.Score.Loss, X, func(X gram.Matrix) ([]float64, error) {
		return judge(m, sample[int]{X, y, w})
	})
}

// RegressorImportance is [ClassifierImportance] for regressors.
type RegressorImportance struct {
	// Score is what to judge by; the zero value is R².
	Score RegressorScore
	// Repeats is how often each feature is permuted, at least 1; 0 means 5.
	Repeats int
	// Seed chooses the permutations.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The result does not depend
	// on it.
	Workers int
}

// Of is [ClassifierImportance.Of] with targets y.
func (c RegressorImportance) Of(ctx context.Context, m gram.Regressor, X gram.Matrix, y, w []float64) ([]Scores, error) {
	if c.Score.Of == nil {
		c.Score = R2Score()
	}
	if err := checkPermutable(m, X, len(y), w); err != nil {
		return nil, err
	}
	judge := judgeRegressor([]RegressorScore{c.Score})
	return permute(ctx, c.Repeats, c.Seed, c.Workers, c.Score.Loss, X, func(X gram.Matrix) ([]float64, error) {
		return judge(m, sample[float64]{X, y, w})
	})
}

func checkPermutable(m gram.Model, X gram.Matrix, rows int, w []float64) error {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return err
	}
	if d != m.Features() {
		return fmt.Errorf("X has %d features, the model %d: %w", d, m.Features(), gram.ErrShape)
	}
	if rows != n {
		return fmt.Errorf("y has %d rows, X %d: %w", rows, n, gram.ErrShape)
	}
	_, err = gram.CheckWeights(w, n)
	return err
}

// permute returns by how much the score gets worse, feature by feature.
func permute(ctx context.Context, repeats int, seed uint64, workers int, loss bool, X gram.Matrix, score func(gram.Matrix) ([]float64, error)) ([]Scores, error) {
	if repeats == 0 {
		repeats = 5
	}
	if repeats < 0 {
		return nil, fmt.Errorf("%d repetitions: %w", repeats, gram.ErrParam)
	}
	sign := 1.0
	if loss {
		sign = -1
	}
	before, err := score(X)
	if err != nil {
		return nil, err
	}
	n, d := X.Dims()
	op := linalg.AsOperator(X)
	drops := make([]Scores, d)
	for j := range drops {
		drops[j] = make(Scores, repeats)
	}
	err = each(ctx, workers, d*repeats, func(i int) error {
		j := i / repeats
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		after, err := score(permuted{op, j, rng.Perm(n)})
		if err != nil {
			return fmt.Errorf("feature %d: %w", j, err)
		}
		drops[j][i%repeats] = sign * (before[0] - after[0])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return drops, nil
}

// permuted is a matrix of which one column has its rows in another order.
type permuted struct {
	X      gram.RowBlocker
	column int
	rows   []int
}

func (p permuted) Dims() (rows, cols int) { return p.X.Dims() }

func (p permuted) At(i, j int) float64 {
	if j == p.column {
		i = p.rows[i]
	}
	return p.X.At(i, j)
}

func (p permuted) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	_, d := p.Dims()
	buf = buf[:(hi-lo)*d]
	src, stride := p.X.RowBlock(buf, lo, hi)
	for i := range hi - lo {
		row := buf[i*d : (i+1)*d]
		copy(row, src[i*stride:i*stride+d])
		row[p.column] = p.X.At(p.rows[lo+i], p.column)
	}
	return buf, d
}
