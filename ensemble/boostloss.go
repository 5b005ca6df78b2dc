package ensemble

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// BoostingLoss is what [GradientBoosting] minimises for targets y, as a function of the
// score s. Those of counts and amounts predict exp(s), the mean.
type BoostingLoss int

const (
	// SquaredLoss is (s − y)²/2: for means.
	SquaredLoss BoostingLoss = iota
	// AbsoluteLoss is |s − y|: for medians.
	AbsoluteLoss
	// HuberLoss is SquaredLoss up to |s − y| = Delta and grows in proportion from there: for
	// means of targets some of which are far off.
	HuberLoss
	// QuantileLoss is Quantile·(y − s) where y is above s, (1 − Quantile)·(s − y) where below.
	QuantileLoss
	// PoissonLoss is exp(s) − y·s, for counts y ≥ 0.
	PoissonLoss
	// GammaLoss is s + y·exp(−s), for amounts y > 0.
	GammaLoss
	// TweedieLoss is exp((2−p)·s)/(2−p) − y·exp((1−p)·s)/(1−p), p = Power, for amounts
	// y ≥ 0 of which many are 0.
	TweedieLoss
)

// String returns the name of the constant.
func (l BoostingLoss) String() string {
	names := []string{"SquaredLoss", "AbsoluteLoss", "HuberLoss", "QuantileLoss", "PoissonLoss", "GammaLoss", "TweedieLoss"}
	if l < 0 || int(l) >= len(names) {
		return fmt.Sprintf("BoostingLoss(%d)", int(l))
	}
	return names[l]
}

// CustomLoss is a loss of the user's own, by its derivatives.
type CustomLoss struct {
	// Start is the score of all rows to begin with.
	Start float64
	// Gradient sets g and h to the first and second derivative by the score of the loss of each
	// row; a second derivative below 1e-16 counts as that. It is called once a round, with all
	// rows of positive weight in their order, those held out among them. Weights are
	// multiplied afterwards.
	Gradient func(g, h, scores, y []float64)
	// Loss is the loss of a row, which validation rows need; nil for NaN.
	Loss func(score, y float64) float64
}

// objectiveFor returns the objective of targets.
func (t *GradientBoosting) objectiveFor(y []float64) (objective, error) {
	if t.Custom != nil {
		if t.Custom.Gradient == nil {
			return nil, fmt.Errorf("ensemble: Custom has no Gradient: %w", gram.ErrParam)
		}
		return &customObjective{loss: t.Custom, y: y}, nil
	}
	switch t.Loss {
	case SquaredLoss:
		return &squaredObjective{y: y}, nil
	case AbsoluteLoss:
		return &quantileObjective{y: y, level: 0.5, scale: 2}, nil
	case QuantileLoss:
		return &quantileObjective{y: y, level: t.Quantile, scale: 1}, nil
	case HuberLoss:
		return &huberObjective{y: y, delta: t.Delta}, nil
	case PoissonLoss, GammaLoss, TweedieLoss:
		return t.positiveObjective(y)
	}
	return nil, fmt.Errorf("ensemble: Loss is %v: %w", t.Loss, gram.ErrParam)
}

func (t *GradientBoosting) positiveObjective(y []float64) (objective, error) {
	o := &tweedieObjective{y: y, power: t.Power}
	switch t.Loss {
	case PoissonLoss:
		o.power = 1
	case GammaLoss:
		o.power = 2
		for i, v := range y {
			if v <= 0 {
				return nil, fmt.Errorf("ensemble: target %v in row %d, GammaLoss wants it above 0: %w", v, i, gram.ErrParam)
			}
		}
	}
	return o, checkCounts(y)
}

// logarithmic tells whether predictions are exponentials of scores.
func (t *GradientBoosting) logarithmic() bool {
	return t.Custom == nil && (t.Loss == PoissonLoss || t.Loss == GammaLoss || t.Loss == TweedieLoss)
}

// A renewer is an objective whose leaves are not well valued by derivatives.
type renewer interface {
	// renew returns the best constant to add to the scores of some rows.
	renew(rows []int32, w []float64) float64
}

// single is what objectives of one score a row have in common.
type single struct{ scores []float64 }

func (o *single) outputs() int                    { return 1 }
func (o *single) begin(_ int, scores [][]float64) { o.scores = scores[0] }

// quantileObjective is scale times the quantile loss.
type quantileObjective struct {
	single
	y            []float64
	level, scale float64
}

func (o *quantileObjective) unit() bool { return true }

func (o *quantileObjective) start(w []float64) []float64 {
	return []float64{weightedQuantile(o.y, w, o.level)}
}

func (o *quantileObjective) gradients(g, h []float64, rows []int32, _ int) {
	up, down := -o.scale*o.level, o.scale*(1-o.level)
	for i, r := range rows {
		g[i], h[i] = up, 1
		if o.scores[r] > o.y[r] {
			g[i] = down
		}
	}
}

func (o *quantileObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		e := o.y[r] - scores[0][r]
		dst[i] = o.scale * max(o.level*e, (o.level-1)*e)
	}
}

func (o *quantileObjective) renew(rows []int32, w []float64) float64 {
	residuals := make([]float64, len(rows))
	var weights []float64
	if w != nil {
		weights = pick(w, rows)
	}
	for i, r := range rows {
		residuals[i] = o.y[r] - o.scores[r]
	}
	return weightedQuantile(residuals, weights, o.level)
}

// weightedQuantile returns the middle of the values v of which those below v have at most
// the given part of the weight, and those above at most the rest.
func weightedQuantile(x, w []float64, level float64) float64 {
	keys := make([]keyed, len(x))
	total := float64(len(x))
	if w != nil {
		total = 0
	}
	for i, v := range x {
		keys[i] = keyed{sortable(v), int32(i)}
		if w != nil {
			total += w[i]
		}
	}
	sortKeys(keys, make([]keyed, len(keys)))
	sum := 0.0
	for i, k := range keys {
		if w == nil {
			sum++
		} else {
			sum += w[k.row]
		}
		// A sum of weights may miss a part it should be by a few units in the last place.
		switch v := unsortable(k.key); {
		case i == len(keys)-1 || sum > level*total*(1+1e-12):
			return v
		case sum >= level*total*(1-1e-12):
			next := unsortable(keys[i+1].key)
			return v/2 + next/2
		}
	}
	return 0
}

// huberObjective is the Huber loss.
type huberObjective struct {
	single
	y     []float64
	delta float64 // 0 until start
}

func (o *huberObjective) unit() bool { return false }

func (o *huberObjective) start(w []float64) []float64 {
	median := weightedQuantile(o.y, w, 0.5)
	if o.delta == 0 {
		o.delta = huberDelta(o.y, w, median)
	}
	return []float64{median}
}

// huberDelta is the 0.9 quantile of the distances from the median, 1 if that is 0.
func huberDelta(y, w []float64, median float64) float64 {
	far := make([]float64, len(y))
	for i, v := range y {
		far[i] = math.Abs(v - median)
	}
	if d := weightedQuantile(far, w, 0.9); d > 0 {
		return d
	}
	return 1
}

// gradients has, for Hessians, the weights of least squares that have the same
// gradients: a step by them never goes too far.
func (o *huberObjective) gradients(g, h []float64, rows []int32, _ int) {
	for i, r := range rows {
		e := o.scores[r] - o.y[r]
		g[i], h[i] = e, 1
		if far := math.Abs(e); far > o.delta {
			g[i], h[i] = math.Copysign(o.delta, e), o.delta/far
		}
	}
}

func (o *huberObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		e := math.Abs(scores[0][r] - o.y[r])
		dst[i] = e * e / 2
		if e > o.delta {
			dst[i] = o.delta * (e - o.delta/2)
		}
	}
}

// tweedieObjective is the loss of a power between 1, which is Poisson's, and 2, gamma's.
type tweedieObjective struct {
	single
	y     []float64
	power float64
}

func (o *tweedieObjective) unit() bool { return false }

func (o *tweedieObjective) start(w []float64) []float64 {
	return []float64{math.Log(weightedMean(o.y, w))}
}

func (o *tweedieObjective) gradients(g, h []float64, rows []int32, _ int) {
	a, b := 1-o.power, 2-o.power
	for i, r := range rows {
		g[i], h[i] = a*o.scores[r], b*o.scores[r]
	}
	f64.Exp(g, g)
	f64.Exp(h, h)
	for i, r := range rows {
		y, mean := o.y[r]*g[i], h[i]
		g[i], h[i] = mean-y, max(b*mean-a*y, leastHessian)
	}
}

func (o *tweedieObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	a, b := 1-o.power, 2-o.power
	for i, r := range rows {
		s, y := scores[0][r], o.y[r]
		switch {
		case a == 0:
			dst[i] = math.Exp(s) - y*s
		case b == 0:
			dst[i] = s + y*math.Exp(-s)
		default:
			dst[i] = math.Exp(b*s)/b - y*math.Exp(a*s)/a
		}
	}
}

// customObjective is a CustomLoss.
type customObjective struct {
	loss    *CustomLoss
	y, g, h []float64
}

func (o *customObjective) outputs() int              { return 1 }
func (o *customObjective) unit() bool                { return false }
func (o *customObjective) start([]float64) []float64 { return []float64{o.loss.Start} }

func (o *customObjective) begin(_ int, scores [][]float64) {
	if o.g == nil {
		o.g, o.h = make([]float64, len(o.y)), make([]float64, len(o.y))
	}
	o.loss.Gradient(o.g, o.h, scores[0], o.y)
}

func (o *customObjective) gradients(g, h []float64, rows []int32, _ int) {
	for i, r := range rows {
		g[i], h[i] = o.g[r], max(o.h[r], leastHessian)
	}
}

func (o *customObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		dst[i] = math.NaN()
		if o.loss.Loss != nil {
			dst[i] = o.loss.Loss(scores[0][r], o.y[r])
		}
	}
}
