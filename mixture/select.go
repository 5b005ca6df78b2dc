package mixture

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// Candidate is one line of the table of a [Selection].
type Candidate struct {
	// Components and Covariance are what was tried.
	Components int
	Covariance Covariance
	// LogLikelihood is the mean log-likelihood of a row.
	LogLikelihood float64
	// BIC, AIC and ICL are the criteria, the smaller the better; NaN if the fit failed.
	BIC, AIC, ICL float64
	// Err is the error of the fit, which wraps gram.ErrNotConverged if there is a model
	// nevertheless.
	Err error
}

// Selection is what [SelectK] returns.
type Selection struct {
	// Best is the model of the smallest BIC.
	Best *GaussianMixtureModel
	// Table holds all candidates, by shape and then by number of components.
	Table []Candidate
}

// SelectK fits mixtures of each number of components in ks and each shape, with what
// else base says, and returns the model of the smallest BIC with the table of all. No
// shapes means that of base. A Start of base is not used. The first of equal BIC is kept.
//
// A candidate that collapses is passed over, and its error stands in the table; that a
// fit has not converged does not keep it from being the best. Errors: ErrParam for no ks
// or a bad field of base; those for X and w of [GaussianMixture.Fit]; that of ctx; and, if
// no candidate has a model, their errors joined. It costs the fits together.
func SelectK(ctx context.Context, base GaussianMixture, X gram.Matrix, w []float64, ks []int, shapes ...Covariance) (*Selection, error) {
	if len(ks) == 0 {
		return nil, fmt.Errorf("no numbers of components to choose from: %w", gram.ErrParam)
	}
	if len(shapes) == 0 {
		shapes = []Covariance{base.Covariance}
	}
	base.Start = nil
	s := &Selection{}
	for _, shape := range shapes {
		for _, k := range ks {
			if k < 1 {
				return nil, fmt.Errorf("%d components: %w", k, gram.ErrParam)
			}
			base.Components, base.Covariance = k, shape
			m, err := base.Fit(ctx, X, w)
			var collapse *CollapseError
			if err != nil && !errors.Is(err, gram.ErrNotConverged) && !errors.As(err, &collapse) {
				return nil, err
			}
			s.add(Candidate{Components: k, Covariance: shape, Err: err}, m)
		}
	}
	if s.Best == nil {
		var all error
		for _, c := range s.Table {
			all = errors.Join(all, c.Err)
		}
		return nil, all
	}
	return s, nil
}

// add completes a candidate by its model, nil if there is none.
func (s *Selection) add(c Candidate, m *GaussianMixtureModel) {
	c.LogLikelihood, c.BIC, c.AIC, c.ICL = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	if m != nil {
		c.LogLikelihood, c.BIC, c.AIC, c.ICL = m.LogLikelihood(), m.BIC(), m.AIC(), m.ICL()
		if s.Best == nil || c.BIC < s.Best.BIC() {
			s.Best = m
		}
	}
	s.Table = append(s.Table, c)
}
