package mle

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// Candidate is one line of the table of a [Choice].
type Candidate struct {
	// Family is what was fitted.
	Family Family
	// Estimate is the fit, nil if it failed.
	Estimate *Estimate
	// AIC and BIC are its criteria, the smaller the better; NaN if the fit failed.
	AIC, BIC float64
	// Err is the error of the fit.
	Err error
}

// Choice is what [Choose] returns.
type Choice struct {
	// Best is the estimate of the smallest AIC.
	Best *Estimate
	// Table holds all candidates, in the order in which they were given.
	Table []Candidate
}

// Choose fits each of the families to the values x with weights w, nil for all ones, and returns the
// estimate of the smallest AIC, with the table of all. Families must be all continuous or all
// discrete, for densities do not compare with probabilities. One that cannot be fitted, because a
// value is outside its support or its likelihood has no maximum, is passed over, and its
// error stands in the table.
//
// Errors: ErrParam for no families and for a mixture of kinds; those for x and w; that of ctx; and
// their errors joined if no family has an estimate.
func Choose(ctx context.Context, x, w []float64, families ...Family) (*Choice, error) {
	if len(families) == 0 {
		return nil, fmt.Errorf("no families to choose from: %w", gram.ErrParam)
	}
	for _, f := range families {
		if err := checkFamily(f); err != nil {
			return nil, err
		}
		if f.Discrete() != families[0].Discrete() {
			return nil, fmt.Errorf("%v is discrete or %v is, and not both: %w", families[0], f, gram.ErrParam)
		}
	}
	if _, _, err := checkSample(x, w); err != nil {
		return nil, err
	}
	c := &Choice{}
	var all error
	for _, f := range families {
		e, err := Fit(ctx, f, x, w)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("choice stopped: %w", ctx.Err())
		}
		line := Candidate{Family: f, Estimate: e, AIC: math.NaN(), BIC: math.NaN(), Err: err}
		if e != nil {
			line.AIC, line.BIC = e.AIC(), e.BIC()
			if c.Best == nil || line.AIC < c.Best.AIC() {
				c.Best = e
			}
		}
		c.Table = append(c.Table, line)
		all = errors.Join(all, err)
	}
	if c.Best == nil {
		return nil, all
	}
	return c, nil
}
