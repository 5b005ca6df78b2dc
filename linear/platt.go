package linear

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/calib"
)

// Platt trains Platt's scaling, which makes probabilities of the scores of a
// classifier: with the score as the one feature f, it fits
//
//	P(class 1 | f) = 1/(1 + exp(A·f + B))
//
// by cross entropy, with the targets (N₁+1)/(N₁+2) for class 1 and 1/(N₀+2) for class
// 0, where N is the weight of each, so that a score that separates the classes does
// not lead to infinite A. It is exact for scores of any unit.
type Platt struct {
	// MaxIter limits the iterations, > 0; 0 means 100.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-10. A fit has converged when the gradient,
	// by slope and intercept for scores of mean 0 and deviation 1, is ≤ Tol·Σw.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Platt{}

// Fit trains on the n×1 matrix X, labels y of 0 and 1 and sample weights w ≥ 0, nil
// for all ones; a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, also if X has more than one column; gram.ErrNonFinite,
// gram.ErrLabels, gram.ErrWeights and gram.ErrParam; gram.ErrNotConverged, together with
// the last iterate, after MaxIter iterations; ctx's error. O(n) an iteration, of which
// there are about ten.
func (t Platt) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*PlattModel, error) {
	limit, tol, err := checkCommon(t.MaxIter, 100, t.Tol, 1e-10, t.Workers)
	if err != nil {
		return nil, err
	}
	f, err := onlyColumn(X, "Platt")
	if err != nil {
		return nil, err
	}
	classes, err := gram.CheckLabels(y, len(f))
	if err != nil {
		return nil, err
	}
	if classes > 2 {
		return nil, fmt.Errorf("linear: y has %d classes, Platt takes 2: %w", classes, gram.ErrLabels)
	}
	sum, err := gram.CheckWeights(w, len(f))
	if err != nil {
		return nil, err
	}
	positive := make([]bool, len(y))
	for i, c := range y {
		positive[i] = c == 1
	}
	var progress func(calib.Report)
	if t.Progress != nil {
		progress = func(r calib.Report) {
			t.Progress(gram.Progress{
				Iteration: r.Iterations, Limit: limit, Objective: r.Objective, Residual: r.Gradient, Tolerance: tol * sum,
			})
		}
	}
	s, r, err := calib.Platt(ctx, t.Workers, f, positive, w, tol, limit, progress)
	if err != nil {
		return nil, err
	}
	m := &PlattModel{sigmoid: s, convergence: gram.Convergence{
		Solver: "newton", Iterations: r.Iterations, Objective: r.Objective, Residual: r.Gradient, Tolerance: tol * sum, Converged: r.Converged,
	}}
	return m, unconverged(m.convergence)
}

// unconverged returns ErrNotConverged with its numbers, if it is so.
func unconverged(c gram.Convergence) error {
	if c.Converged {
		return nil
	}
	return fmt.Errorf("linear: %s after %d iterations has a residual of %.3g, above %.3g: %w",
		c.Solver, c.Iterations, c.Residual, c.Tolerance, gram.ErrNotConverged)
}

// TrainClassifier calls [Platt.Fit].
func (t Platt) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// PlattModel is what [Platt] fits.
//
// Its methods return gram.ErrShape for shapes that do not fit and gram.ErrNonFinite
// for NaN and infinities. A prediction takes O(1) and no memory.
type PlattModel struct {
	sigmoid     calib.Sigmoid
	convergence gram.Convergence
}

// Sigmoid returns A and B of P(class 1 | f) = 1/(1 + exp(A·f + B)).
func (m *PlattModel) Sigmoid() (a, b float64) { return m.sigmoid.A, m.sigmoid.B }

// Convergence reports how the fit ended. Its Residual is the gradient that [Platt]
// defines, its Tolerance Tol·Σw.
func (m *PlattModel) Convergence() gram.Convergence { return m.convergence }

// Features returns 1.
func (m *PlattModel) Features() int { return 1 }

// Classes returns 2.
func (m *PlattModel) Classes() int { return 2 }

// Predict returns the more probable class of each of the n rows, 0 where they tie.
// len(dst) is n.
func (m *PlattModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, 1)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range n {
		p, err := m.at(X.At(i, 0))
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		dst[i] = classOf(p - 0.5)
	}
	return dst, nil
}

// PredictProba returns the probabilities of the classes, n×2 row-major.
func (m *PlattModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, 1)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, 2*n); err != nil {
		return nil, err
	}
	for i := range n {
		p, err := m.at(X.At(i, 0))
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		dst[2*i], dst[2*i+1] = 1-p, p
	}
	return dst, nil
}

// PredictRow returns the more probable class of one row, 0 if they tie.
func (m *PlattModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, 1); err != nil {
		return 0, err
	}
	p, err := m.at(x[0])
	return classOf(p - 0.5), err
}

// PredictProbaRow sets dst, of length 2, to the probabilities for one row.
func (m *PlattModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, 2); err != nil {
		return err
	}
	if err := gram.CheckRow(x, 1); err != nil {
		return err
	}
	p, err := m.at(x[0])
	if err != nil {
		return err
	}
	dst[0], dst[1] = 1-p, p
	return nil
}

func (m *PlattModel) at(f float64) (float64, error) {
	if f-f != 0 {
		return 0, fmt.Errorf("column 0 is %v: %w", f, gram.ErrNonFinite)
	}
	return m.sigmoid.At(f), nil
}

func init() {
	gram.Register("linear.Platt", 1, encodePlatt, decodePlatt)
}

func encodePlatt(e *gram.Encoder, m *PlattModel) {
	e.Float(m.sigmoid.A)
	e.Float(m.sigmoid.B)
	e.Convergence(m.convergence)
}

func decodePlatt(d *gram.Decoder, _ int) *PlattModel {
	m := &PlattModel{sigmoid: calib.Sigmoid{A: d.Float(), B: d.Float()}, convergence: d.Convergence()}
	checkFloats(d, []float64{m.sigmoid.A, m.sigmoid.B})
	return m
}
