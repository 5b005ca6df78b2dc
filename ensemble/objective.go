package ensemble

import (
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
)

// An objective is a loss on given rows, as boosting sees it: a function of scores, one or
// one for each class.
type objective interface {
	// outputs is how many scores a row has, and how many trees a round.
	outputs() int
	// start returns the constant scores to begin with, for weights w, nil for ones.
	start(w []float64) []float64
	// begin is called before each round with the scores, by output and row.
	begin(workers int, scores [][]float64)
	// gradients sets g and h to the first and second derivative of the loss of the
	// given rows by score k. h is not negative.
	gradients(g, h []float64, rows []int32, k int)
	// unit tells whether all Hessians are 1.
	unit() bool
	// losses sets dst to the losses of the given rows.
	losses(dst []float64, rows []int32, scores [][]float64)
}

// leastHessian keeps quotients of gradients and Hessians finite where a probability is 0
// or 1 but for rounding.
const leastHessian = 1e-16

// squaredObjective is half the squared error.
type squaredObjective struct {
	y, scores []float64
}

func (o *squaredObjective) outputs() int { return 1 }
func (o *squaredObjective) unit() bool   { return true }

func (o *squaredObjective) start(w []float64) []float64 { return []float64{weightedMean(o.y, w)} }

func (o *squaredObjective) begin(_ int, scores [][]float64) { o.scores = scores[0] }

func (o *squaredObjective) gradients(g, h []float64, rows []int32, _ int) {
	for i, r := range rows {
		g[i], h[i] = o.scores[r]-o.y[r], 1
	}
}

func (o *squaredObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		e := scores[0][r] - o.y[r]
		dst[i] = e * e / 2
	}
}

// logisticObjective is the log-loss of two classes; the score is the logit of class 1.
// Probabilities are computed when they are asked for: they would take as much memory as
// the scores.
type logisticObjective struct {
	single
	labels []int
}

func (o *logisticObjective) unit() bool { return false }

func (o *logisticObjective) start(w []float64) []float64 {
	share := classShares(o.labels, 2, w)
	return []float64{math.Log(share[1] / share[0])}
}

// classShares returns each class's share of the weight.
func classShares(labels []int, k int, w []float64) []float64 {
	out := make([]float64, k)
	for i, c := range labels {
		if w == nil {
			out[c]++
		} else {
			out[c] += w[i]
		}
	}
	return normalize(out)
}

// scoreRows is how many rows a goroutine computes probabilities of at a time.
const scoreRows = 1 << 11

// gradients works on the probability of the other class than a row's, which keeps its digits as it
// gets small: it is the gradient but for the sign.
func (o *logisticObjective) gradients(g, h []float64, rows []int32, _ int) {
	g, h = g[:len(rows)], h[:len(rows)]
	for i, r := range rows {
		g[i] = negatedIf(o.labels[r], o.scores[r])
	}
	f64.Sigmoid(h, g)
	for i, r := range rows {
		p := h[i]
		g[i] = negatedIf(o.labels[r], p)
		if h[i] = p * (1 - p); h[i] < leastHessian {
			h[i] = leastHessian
		}
	}
}

// negatedIf returns −x if is is 1 and x if it is 0, without a branch.
func negatedIf(is int, x float64) float64 {
	return math.Float64frombits(math.Float64bits(x) ^ uint64(is)<<63)
}

func (o *logisticObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		s := scores[0][r]
		if o.labels[r] == 1 {
			s = -s
		}
		dst[i] = max(s, 0) + math.Log1p(math.Exp(-math.Abs(s)))
	}
}

// softmaxObjective is the log-loss of k classes.
type softmaxObjective struct {
	labels []int
	k      int
	p      [][]float64 // by class and row
}

func (o *softmaxObjective) outputs() int { return o.k }
func (o *softmaxObjective) unit() bool   { return false }

func (o *softmaxObjective) start(w []float64) []float64 {
	share := classShares(o.labels, o.k, w)
	for c, v := range share {
		share[c] = math.Log(v)
	}
	return share
}

func (o *softmaxObjective) begin(workers int, scores [][]float64) {
	for c := len(o.p); c < o.k; c++ {
		o.p = append(o.p, mem.Make[float64](len(o.labels)))
	}
	par.For(nil, workers, len(o.labels), scoreRows, func(_, lo, hi int) {
		most, sum := make([]float64, hi-lo), make([]float64, hi-lo)
		copy(most, scores[0][lo:hi])
		for _, s := range scores[1:] {
			for i, v := range s[lo:hi] {
				most[i] = max(most[i], v)
			}
		}
		for c, s := range scores {
			p := o.p[c][lo:hi]
			for i, v := range s[lo:hi] {
				p[i] = v - most[i]
			}
			f64.Exp(p, p)
			for i, v := range p {
				sum[i] += v
			}
		}
		for _, p := range o.p {
			for i, v := range p[lo:hi] {
				p[lo+i] = v / sum[i]
			}
		}
	})
}

func (o *softmaxObjective) gradients(g, h []float64, rows []int32, k int) {
	all := o.p[k]
	for i, r := range rows {
		p := all[r]
		g[i], h[i] = p, max(p*(1-p), leastHessian)
		if o.labels[r] == k {
			g[i] = p - 1
		}
	}
}

func (o *softmaxObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		most := math.Inf(-1)
		for _, s := range scores {
			most = max(most, s[r])
		}
		sum := 0.0
		for _, s := range scores {
			sum += math.Exp(s[r] - most)
		}
		dst[i] = math.Log(sum) + most - scores[o.labels[r]][r]
	}
}
