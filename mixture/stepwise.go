package mixture

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Stepwise is EM on a stream: each batch of rows is seen once, and the model is up to
// date after it. It is the on-line algorithm of O. Cappé and E. Moulines (JRSS B 71, 2009):
// an E-step on the batch moves the statistics per row by a step γ towards those of the
// batch,
//
//	s ← (1−γ)·s + γ·s(batch)
//
// and an M-step makes the model that s asks for. With steps that shrink, by Power, it converges
// to a stationary point of the likelihood of a stream that does not change; with the
// constant step of Memory it follows one that does. Fields are set before the first Update.
// The zero value, with the Components of the Trainer, is ready for use. A value must not be used by
// two goroutines at once, nor copied after its first Update.
type Stepwise struct {
	// Trainer says how the M-step is done, and fits the first batch if there is no From.
	Trainer GaussianMixture
	// From is the model to start from, or nil. Its components and shape take the place
	// of those of the Trainer, and it counts as much as all rows of the past.
	From *GaussianMixtureModel
	// Power is κ in the step (t+2)^−κ of batch t = 1, 2, …, above 0.5 and at most 1; 0
	// means 0.7. The larger, the longer old batches count.
	Power float64
	// Memory, ≥ 1, is a number of batches: every step is then 1/Memory, and batches as many
	// steps ago count for 1/e of the last one. 0 means that steps shrink by Power.
	Memory float64

	stats   *Statistics // of weight 1
	model   *GaussianMixtureModel
	batches int
}

// Model returns the current model, nil before the first Update.
func (s *Stepwise) Model() *GaussianMixtureModel { return s.model }

// Batches returns how many batches there have been.
func (s *Stepwise) Batches() int { return s.batches }

// Update takes in a batch of rows X, n×d, with weights w, nil for all ones, and returns the
// model after it. The size of a batch does not matter to its step; of one that is the
// first, without From, there should be enough rows for a fit.
//
// Errors: ErrParam for a Power or Memory out of its range; those of [GaussianMixture.Fit] on
// a first batch, of which ErrNotConverged is passed over, of [Statistics.Add] and of
// [GaussianMixture.FromStatistics], among them a *[CollapseError]. After an error s is as
// it was before.
func (s *Stepwise) Update(ctx context.Context, X gram.Matrix, w []float64) (*GaussianMixtureModel, error) {
	if s.Power != 0 && !(s.Power > 0.5 && s.Power <= 1) {
		return nil, fmt.Errorf("Power is %v: %w", s.Power, gram.ErrParam)
	}
	if s.Memory != 0 && !(s.Memory >= 1 && s.Memory <= math.MaxFloat64) {
		return nil, fmt.Errorf("Memory is %v: %w", s.Memory, gram.ErrParam)
	}
	model, stats, err := s.before(ctx, X, w)
	if err != nil {
		return nil, err
	}
	batch := new(Statistics)
	if err := batch.Add(ctx, model, X, w); err != nil {
		return nil, err
	}
	step := s.step()
	batch.Scale(step / batch.Total)
	if stats != nil && step < 1 {
		old := new(Statistics)
		if err := old.Merge(stats); err != nil {
			return nil, err
		}
		old.Scale(1 - step)
		if err := batch.Merge(old); err != nil {
			return nil, err
		}
	}
	batch.Scale(1 / batch.Total)
	t := s.Trainer
	t.Covariance, t.Start = model.Covariance(), nil
	if model, err = t.FromStatistics(batch); err != nil {
		return nil, err
	}
	s.stats, s.model, s.batches = batch, model, s.batches+1
	return model, nil
}

// step returns the step of the next batch.
func (s *Stepwise) step() float64 {
	if s.Memory > 0 {
		return 1 / s.Memory
	}
	power := s.Power
	if power == 0 {
		power = 0.7
	}
	return math.Pow(float64(s.batches+3), -power)
}

// before returns the model and the statistics, which may be nil, that the next batch meets.
func (s *Stepwise) before(ctx context.Context, X gram.Matrix, w []float64) (*GaussianMixtureModel, *Statistics, error) {
	switch {
	case s.model != nil:
		return s.model, s.stats, nil
	case s.From != nil:
		return s.From, s.From.statistics(), nil
	}
	m, err := s.Trainer.Fit(ctx, X, w)
	if m == nil {
		return nil, nil, err
	}
	return m, nil, nil
}

// statistics returns those of weight 1 that ask for the model.
func (m *GaussianMixtureModel) statistics() *Statistics {
	c, d := m.c, m.d
	s := &Statistics{
		Covariance: c.kind, Origin: m.origin, Total: 1, LogLikelihood: m.LogLikelihood(), Entropy: m.entropy / m.total,
		Weight: m.Weights(), Mean: c.means,
	}
	for k, w := range s.Weight {
		scatter := make([]float64, d)
		switch c.kind {
		case Full, Tied:
			at := k * d * d % len(c.cov)
			scatter = append([]float64(nil), c.cov[at:at+d*d]...)
		default:
			for j := range scatter {
				scatter[j] = c.variance(k, j)
			}
		}
		f64.Scal(w, scatter)
		s.Scatter = append(s.Scatter, scatter...)
	}
	return s
}
