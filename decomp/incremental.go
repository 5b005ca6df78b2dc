package decomp

import (
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// IncrementalPCA fits a PCA to rows that come in batches, and from several machines: it
// keeps their mean and scatter, d×d numbers, which is all that the components depend on. Over
// any split of the rows into batches the model is that of all rows together, up to
// rounding. It finds the components as CovarianceEigen does.
//
//	inc := decomp.IncrementalPCA{PCA: decomp.PCA{Components: 10}}
//	for batch := range batches {
//		err := inc.Update(batch, nil)
//	}
//	m, err := inc.Model()
//
// A value must not be used by two goroutines at once.
type IncrementalPCA struct {
	// PCA says what the model will be. Its Solver must be Auto or CovarianceEigen.
	PCA PCA
	sum linalg.Covariance
}

// Update takes in the rows of X, one or more, with weights w ≥ 0, nil for ones. Errors:
// ErrShape, also for another number of columns than before, ErrNonFinite and ErrWeights,
// after which the sums are as they were. O(n·d²).
func (p *IncrementalPCA) Update(X gram.Matrix, w []float64) error {
	if X == nil {
		return fmt.Errorf("X is nil: %w", gram.ErrShape)
	}
	if n, d := X.Dims(); n > 0 && p.sum.Weight > 0 && len(p.sum.Mean) != d {
		return fmt.Errorf("X has %d features, those before %d: %w", d, len(p.sum.Mean), gram.ErrShape)
	}
	return p.sum.Add(p.PCA.Workers, X, w)
}

// Merge takes in the rows that o has seen; o does not change. O(d²).
func (p *IncrementalPCA) Merge(o *IncrementalPCA) error { return p.sum.Merge(&o.sum) }

// Weight returns the number of rows seen, or their weight.
func (p *IncrementalPCA) Weight() float64 { return p.sum.Weight }

// Covariance returns a copy of the mean and scatter so far, to be sent elsewhere or kept;
// FromCovariance takes it up again.
func (p *IncrementalPCA) Covariance() *linalg.Covariance {
	c := new(linalg.Covariance)
	_ = c.Merge(&p.sum) // into an empty one: every shape fits
	return c
}

// Model returns the PCA of all rows seen. Errors: ErrShape before the first row, ErrWeights
// while their weight is at most 1, and ErrParam and ErrSingular as for PCA.Fit. O(d³).
func (p *IncrementalPCA) Model() (*PCAModel, error) { return p.PCA.FromCovariance(&p.sum) }

// FromCovariance returns the PCA of rows of the given mean and scatter. Its conditions
// are those of IncrementalPCA.Model.
func (p PCA) FromCovariance(c *linalg.Covariance) (*PCAModel, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	d := len(c.Mean)
	switch {
	case c.Weight == 0 || d == 0:
		return nil, fmt.Errorf("components of no rows: %w", gram.ErrShape)
	case c.Scatter == nil || c.Scatter.Rows != d || c.Scatter.Cols != d:
		return nil, fmt.Errorf("a scatter that is not %d×%d: %w", d, d, gram.ErrShape)
	case p.Solver != Auto && p.Solver != CovarianceEigen:
		return nil, fmt.Errorf("the solver %v from a covariance: %w", p.Solver, gram.ErrParam)
	case p.Components > d:
		return nil, fmt.Errorf("%d components of %d columns: %w", p.Components, d, gram.ErrParam)
	}
	if err := checkTotal(c.Weight); err != nil {
		return nil, err
	}
	k := p.Components
	if k == 0 {
		k = d
	}
	s, err := fromCovariance(p.Workers, c, k)
	if err != nil {
		return nil, err
	}
	return p.model(s)
}
