package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// AdaBoostRegressor is AdaBoost.R2 (H. Drucker, Improving regressors using boosting
// techniques, ICML 1997): regressors are trained one after the other, each with more weight
// on the rows that those before it missed by much, and the prediction is the median of
// theirs by their weights. With the mean loss L of a member, of losses between 0 and 1,
//
//	β = L/(1 − L),   weight of the member LearningRate·log(1/β),
//	weight of a row times β^(LearningRate·(1 − its loss)).
//
// Drucker draws rows by their weights; here Base is given the weights themselves, so
// that nothing is random.
type AdaBoostRegressor struct {
	// Base trains the members and has to take weights; nil means Tree{MaxDepth: 3}.
	Base gram.RegressorTrainer
	// Estimators is the most members there can be, ≥ 1; 0 means 50. Training ends before
	// when a member makes no error, or one of a mean loss of ½ or more, which is left
	// out unless it is the first.
	Estimators int
	// LearningRate scales the members' weights, > 0; 0 means 1.
	LearningRate float64
	// Loss is how errors count; the zero value is LinearLoss.
	Loss AdaBoostLoss
	// Progress, if not nil, is called after every member; the objective is its mean
	// loss.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = AdaBoostRegressor{}

// AdaBoostLoss is how an error counts, as a share u of the largest one.
type AdaBoostLoss int

const (
	// LinearLoss is u.
	LinearLoss AdaBoostLoss = iota
	// SquareLoss is u².
	SquareLoss
	// ExponentialLoss is 1 − exp(−u).
	ExponentialLoss
)

// String returns "linear", "square" or "exponential".
func (l AdaBoostLoss) String() string {
	switch l {
	case LinearLoss:
		return "linear"
	case SquareLoss:
		return "square"
	case ExponentialLoss:
		return "exponential"
	}
	return fmt.Sprintf("AdaBoostLoss(%d)", int(l))
}

func (l AdaBoostLoss) of(u float64) float64 {
	switch l {
	case SquareLoss:
		return u * u
	case ExponentialLoss:
		return -math.Expm1(-u)
	}
	return u
}

// Fit trains on X, n×d, targets y and weights w, nil for all ones. Errors and cost are as
// those of [AdaBoost.Fit].
func (t AdaBoostRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*AdaBoostRegressorModel, error) {
	s, err := targeted(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	rounds, rate, err := boostingRounds(t.Estimators, t.LearningRate)
	if err != nil {
		return nil, err
	}
	if t.Loss < LinearLoss || t.Loss > ExponentialLoss {
		return nil, fmt.Errorf("%v: %w", t.Loss, gram.ErrParam)
	}
	if t.Base == nil {
		t.Base = Tree{MaxDepth: 3}
	}
	b, err := newReweighting(ctx, s, t.Base)
	if err != nil {
		return nil, s.explain(err)
	}
	m := &AdaBoostRegressorModel{features: s.d}
	loss := make([]float64, s.n)
	var errs []error
	for round := 1; round <= rounds; round++ {
		member, limit := trainRegressor(ctx, t.Base, b.weighted())
		if fatal(limit) {
			return nil, s.explain(atMember(round-1, limit))
		}
		if loss, err = member.Predict(loss, s.X); err != nil {
			return nil, s.explain(atMember(round-1, err))
		}
		t.losses(loss, s.y)
		mean := b.share(func(i int) float64 { return loss[i] })
		if mean >= 0.5 && round > 1 {
			break
		}
		logBeta := math.Log(max(mean, smallestError)) - math.Log1p(-mean)
		weight := -rate * logBeta
		if mean >= 0.5 {
			weight = 1 // it is alone
		}
		m.members, m.weights, m.losses = append(m.members, member), append(m.weights, weight), append(m.losses, mean)
		errs = append(errs, limit)
		if err := b.report(ctx, t.Progress, round, rounds, mean); err != nil {
			return nil, err
		}
		if mean == 0 || mean >= 0.5 {
			break
		}
		b.multiply(func(i int) float64 { return rate * logBeta * (1 - loss[i]) })
	}
	return m, unconverged(errs, "member")
}

// losses turns predictions of y into losses.
func (t AdaBoostRegressor) losses(pred, y []float64) {
	most := 0.0
	for i, v := range y {
		pred[i] = math.Abs(pred[i] - v)
		most = max(most, pred[i])
	}
	if most == 0 {
		return
	}
	for i, v := range pred {
		pred[i] = t.Loss.of(v / most)
	}
}

// TrainRegressor calls Fit.
func (t AdaBoostRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// AdaBoostRegressorModel is what [AdaBoostRegressor] fits.
type AdaBoostRegressorModel struct {
	members         []gram.Regressor
	weights, losses []float64
	features        int
}

// Members returns the regressors, in the order of their training. The slice is the
// caller's.
func (m *AdaBoostRegressorModel) Members() []gram.Regressor { return slices.Clone(m.members) }

// Weights returns a copy of the members' weights log(1/β), times LearningRate.
func (m *AdaBoostRegressorModel) Weights() []float64 { return slices.Clone(m.weights) }

// Losses returns a copy of the members' mean losses.
func (m *AdaBoostRegressorModel) Losses() []float64 { return slices.Clone(m.losses) }

// First returns the model of the first n members, n in 1..len(Members()), or else
// gram.ErrParam: what a fit with Estimators n gives.
func (m *AdaBoostRegressorModel) First(n int) (*AdaBoostRegressorModel, error) {
	if n < 1 || n > len(m.members) {
		return nil, fmt.Errorf("the first %d of %d members: %w", n, len(m.members), gram.ErrParam)
	}
	return &AdaBoostRegressorModel{m.members[:n:n], m.weights[:n:n], m.losses[:n:n], m.features}, nil
}

// Features returns d.
func (m *AdaBoostRegressorModel) Features() int { return m.features }

// Predict returns the median of the members' predictions for each of the n rows: the
// smallest one below or at which lies half of the weight.
func (m *AdaBoostRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, 1, m.block, dst, X)
}

func (m *AdaBoostRegressorModel) block(dst []float64, X gram.Matrix) error {
	k, n := len(m.members), len(dst)
	b := borrow(n * k) // member after member
	defer b.back()
	for i, member := range m.members {
		if _, err := member.Predict(b.x[i*n:(i+1)*n], X); err != nil {
			return atMember(i, err)
		}
	}
	v := borrow(2 * k)
	defer v.back()
	for r := range dst {
		for i := range k {
			v.x[i] = b.x[i*n+r]
		}
		dst[r] = m.median(v.x)
	}
	return nil
}

// PredictRow is Predict for one row.
func (m *AdaBoostRegressorModel) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	v := borrow(2 * len(m.members))
	defer v.back()
	for i, member := range m.members {
		p, err := member.PredictRow(x)
		if err != nil {
			return 0, atMember(i, err)
		}
		v.x[i] = p
	}
	return m.median(v.x), nil
}

// median returns the weighted median of the predictions in the first half of v; the
// second half is for the weights.
func (m *AdaBoostRegressorModel) median(v []float64) float64 {
	k := len(m.weights)
	pred, weights := v[:k], v[k:]
	copy(weights, m.weights)
	total := 0.0
	for i, w := range weights { // few, and each finds its place
		p := pred[i]
		j := i
		for ; j > 0 && pred[j-1] > p; j-- {
			pred[j], weights[j] = pred[j-1], weights[j-1]
		}
		pred[j], weights[j] = p, w
		total += w
	}
	sum := 0.0
	for i, w := range weights {
		if sum += w; sum >= 0.5*total {
			return pred[i]
		}
	}
	return pred[k-1]
}

func init() {
	gram.Register("ensemble.AdaBoostRegressor", 1,
		func(e *gram.Encoder, m *AdaBoostRegressorModel) {
			gram.EncodeModels(e, m.members)
			e.Floats(m.weights)
			e.Floats(m.losses)
		},
		func(d *gram.Decoder, _ int) *AdaBoostRegressorModel {
			members := gram.DecodeModels[gram.Regressor](d)
			weights := decodeWeights(d, len(members))
			m := &AdaBoostRegressorModel{members: members, weights: weights, losses: d.Floats(len(members))}
			if d.Err() != nil {
				return nil
			}
			p, err := newPanel(members, nil)
			if err != nil {
				d.Fail("%v", err)
			}
			m.features = p.features
			return m
		})
}
