package decomp

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// An NMFLoss says how far a product of factors is from the data.
type NMFLoss int

const (
	// Frobenius is ½·Σ wᵢ(x−q)², for measurements with noise that is alike everywhere.
	Frobenius NMFLoss = iota
	// KullbackLeibler is Σ wᵢ(x·ln(x/q) − x + q), the likelihood of counts: Poisson noise.
	KullbackLeibler
)

// String returns "frobenius" or "kullback-leibler".
func (l NMFLoss) String() string {
	switch l {
	case Frobenius:
		return "frobenius"
	case KullbackLeibler:
		return "kullback-leibler"
	}
	return fmt.Sprintf("NMFLoss(%d)", int(l))
}

// An NMFInit names the factors that [NMF] starts from.
type NMFInit int

const (
	// NNDSVDA is NNDSVD with the mean of X in place of zeros. Where there are more
	// components than min(n, d) it is RandomFactors.
	NNDSVDA NMFInit = iota
	// NNDSVD takes the singular vectors of X, and of each pair the signs that make the
	// larger product; elements of the other sign are 0. Multiplicative updates never
	// leave a zero (C. Boutsidis and E. Gallopoulos, SVD based initialization: a head start
	// for nonnegative matrix factorization, Pattern Recognition 41 (2008)).
	NNDSVD
	// RandomFactors draws the basis from normal numbers, without their signs, and starts
	// with all scores equal.
	RandomFactors
)

// String returns "nndsvda", "nndsvd" or "random".
func (i NMFInit) String() string {
	switch i {
	case NNDSVDA:
		return "nndsvda"
	case NNDSVD:
		return "nndsvd"
	case RandomFactors:
		return "random"
	}
	return fmt.Sprintf("NMFInit(%d)", int(i))
}

// NMF is non-negative matrix factorization: X ≈ Z·H with k rows of H, the basis, and k scores
// Z of each row of X, none of them negative, so that rows are sums of parts and never
// differences. X must not be negative and may be sparse, and stays so. The zero value finds 2
// components for the Frobenius loss.
//
// The loss has many local minima, and no method finds the least for certain: the start
// decides. Coordinate descent minimises one factor for all elements of a row of scores, or a
// column of the basis, in turn, ten times for each product with X, and goes on in the
// direction of the last step while that lowers the loss (A. Cichocki and A. Phan, Fast local
// algorithms for large scale nonnegative matrix and tensor factorizations, IEICE Trans. E92-A
// (2009); N. Gillis and F. Glineur, Accelerated multiplicative updates and hierarchical ALS
// algorithms for nonnegative matrix factorization, Neural Computation 24 (2012)).
// Multiplicative updates are those of D. Lee and H. Seung, Algorithms for non-negative
// matrix factorization, NIPS 2000.
type NMF struct {
	// Components is k, ≥ 1; 0 means 2.
	Components int
	// Loss is Frobenius or KullbackLeibler.
	Loss NMFLoss
	// Multiplicative takes multiplicative updates for the Frobenius loss too, in place of
	// coordinate descent; KullbackLeibler always does.
	Multiplicative bool
	// Init chooses the factors to start from, unless Basis is given.
	Init NMFInit
	// Basis is the H to start from, k×d row-major and not negative, with all scores equal; or nil.
	Basis []float64
	// MaxIter limits the iterations, ≥ 1; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, ≥ 0; 0 means 1e-4. A fit has converged when both factors are
	// within it of a stationary point. For the Frobenius loss the measure is the length of
	// the steps, each in the length of what it adds to the product, that would minimise
	// over one element of a factor alone, against the length of X; for KullbackLeibler it
	// is Σ|element × derivative| against the sum of X.
	Tol float64
	// Seed chooses the random numbers.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is the loss.
	Progress func(gram.Progress)
}

var _ gram.TransformerTrainer = NMF{}

// ErrNegative is the error for an element of X below zero where only sums of parts make sense.
var ErrNegative = errors.New("value is negative")

func (t NMF) withDefaults() NMF {
	if t.Components == 0 {
		t.Components = 2
	}
	if t.MaxIter == 0 {
		t.MaxIter = 1000
	}
	if t.Tol == 0 {
		t.Tol = 1e-4
	}
	return t
}

func (t NMF) check(s *data) error {
	switch {
	case t.Components < 1:
		return fmt.Errorf("%d components: %w", t.Components, gram.ErrParam)
	case t.Loss < Frobenius || t.Loss > KullbackLeibler:
		return fmt.Errorf("%v: %w", t.Loss, gram.ErrParam)
	case t.Init < NNDSVDA || t.Init > RandomFactors:
		return fmt.Errorf("%v: %w", t.Init, gram.ErrParam)
	case t.Init == NNDSVD && t.Basis == nil && t.Components > s.least():
		return fmt.Errorf("%v of %d components for %d rows of %d columns: %w", t.Init, t.Components, s.positive, s.d, gram.ErrParam)
	case t.MaxIter < 1:
		return fmt.Errorf("MaxIter is %d: %w", t.MaxIter, gram.ErrParam)
	case !(t.Tol >= 0) || math.IsInf(t.Tol, 1):
		return fmt.Errorf("Tol is %v: %w", t.Tol, gram.ErrParam)
	case t.Basis != nil && len(t.Basis) != t.Components*s.d:
		return fmt.Errorf("Basis has length %d, want %d×%d: %w", len(t.Basis), t.Components, s.d, gram.ErrShape)
	}
	for i, v := range t.Basis {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("Basis[%d] is %v: %w", i, v, gram.ErrParam)
		}
	}
	return nil
}

// Fit factorizes X, n×d, with weights w ≥ 0 of the rows' losses, nil for all ones.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrNegative, naming row and
// column; ErrParam for a field out of its range; that of ctx. At MaxIter the model comes
// with an error that wraps ErrNotConverged. An iteration takes O(n·d·k + (n+d)·k²), or the
// non-zeros in place of n·d; memory is needed for the scores and a few times the basis.
func (t NMF) Fit(ctx context.Context, X gram.Matrix, w []float64) (*NMFModel, error) {
	s, err := newData(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	t = t.withDefaults()
	if err := t.check(s); err != nil {
		return nil, err
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	f := newFactors(t, s)
	if err := f.measure(ctx); err != nil {
		return nil, err
	}
	if err := f.start(ctx); err != nil {
		return nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	m := &NMFModel{loss: t.Loss, convergence: f.convergence}
	m.init(f.h.Data, f.k, s.d)
	if c := f.convergence; !c.Converged {
		return m, fmt.Errorf("NMF after %d iterations: residual %.3g, tolerance %.3g: %w", c.Iterations, c.Residual, c.Tolerance, gram.ErrNotConverged)
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (t NMF) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}
