package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// AdaBoost trains classifiers one after the other, each with more weight on the rows that
// those before it got wrong: the algorithm SAMME (J. Zhu, H. Zou, S. Rosset, T. Hastie,
// Multi-class AdaBoost, Statistics and Its Interface 2, 2009), which for two classes is
// that of Freund and Schapire. A member with the weighted error e gets the weight
//
//	α = LearningRate·(log((1 − e)/e) + log(K − 1)),
//
// and the weights of the rows it got wrong are multiplied by exp(α).
//
// It lowers the bias of simple trainers: stumps, small trees. Labels that are wrong get
// ever more weight; where there are many, a gradient boosting with a bounded loss is better.
type AdaBoost struct {
	// Base trains the members and has to take weights; nil means Tree{MaxDepth: 1}.
	Base gram.ClassifierTrainer
	// Estimators is the most members there can be, ≥ 1; 0 means 50. Fewer are trained if
	// one makes no error, or does no better than chance, and is left out.
	Estimators int
	// LearningRate scales the members' weights, > 0; 0 means 1.
	LearningRate float64
	// Real has members say how probable classes are, rather than which one it is: SAMME.R
	// of the same paper. It needs fewer members where Base gives fair probabilities, as
	// trees with some rows in each leaf do. Members weigh the same, and the weight
	// of a row of class c is multiplied by the power −LearningRate·(K−1)/K of p_c over the
	// geometric mean of the other classes' probabilities.
	Real bool
	// Progress, if not nil, is called after every member; the objective is its
	// weighted error.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = AdaBoost{}

// smallestError is what an error of 0 counts as: it would give an infinite weight.
const smallestError = 1e-10

// Fit trains on X, n×d, labels y in 0..K−1 and weights w, nil for all ones.
//
// Errors are those of [Voting.Fit], and gram.ErrParam for fields out of range or a Base
// that does no better than chance on the given weights. Rows' weights are kept as
// logarithms, so that none is lost, and sum to Σw for every member. The time is
// that of Estimators fits and predictions of all rows.
func (t AdaBoost) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*AdaBoostModel, error) {
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	rounds, rate, err := boostingRounds(t.Estimators, t.LearningRate)
	if err != nil {
		return nil, err
	}
	if t.Base == nil {
		t.Base = Tree{MaxDepth: 1}
	}
	b, err := newReweighting(ctx, s, t.Base)
	if err != nil {
		return nil, s.explain(err)
	}
	m := &AdaBoostModel{features: s.d, classes: classes, real: t.Real}
	var pred []int
	var proba []float64
	var errs []error
	for round := 1; round <= rounds; round++ {
		member, limit := trainClassifier(ctx, t.Base, b.weighted(), classes)
		if fatal(limit) {
			return nil, s.explain(atMember(round-1, limit))
		}
		if pred, err = member.Predict(pred, s.X); err != nil {
			return nil, s.explain(atMember(round-1, err))
		}
		e := b.share(func(i int) float64 { return indicator(pred[i] != s.y[i]) })
		if t.Real {
			if proba, err = member.PredictProba(proba, s.X); err != nil {
				return nil, s.explain(atMember(round-1, err))
			}
		}
		alpha := rate * (math.Log((1-e)/max(e, smallestError)) + math.Log(float64(classes-1)))
		if !(alpha > 1e-12) {
			if round == 1 {
				return nil, fmt.Errorf("the base's weighted error is %.3g, no better than chance: %w", e, gram.ErrParam)
			}
			break
		}
		if t.Real {
			alpha = 1
		}
		m.members, m.weights, m.errors = append(m.members, member), append(m.weights, alpha), append(m.errors, e)
		errs = append(errs, limit)
		b.multiply(func(i int) float64 {
			if t.Real {
				return -rate * realCode(proba[i*classes:(i+1)*classes], s.y[i])
			}
			return alpha * indicator(pred[i] != s.y[i])
		})
		if err := b.report(ctx, t.Progress, round, rounds, e); err != nil {
			return nil, err
		}
		if e == 0 {
			break
		}
	}
	return m, unconverged(errs, "member")
}

// realCode returns (K−1)/K times log p_c less the mean logarithm of the others.
func realCode(p []float64, class int) float64 {
	k := float64(len(p))
	sum := 0.0
	for _, v := range p {
		sum += safeLog(v)
	}
	own := safeLog(p[class])
	return (k - 1) / k * (own - (sum-own)/(k-1))
}

// safeLog is the logarithm of a probability, which is not taken for 0.
func safeLog(p float64) float64 { return math.Log(max(p, 0x1p-52)) }

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// boostingRounds sets defaults and checks ranges.
func boostingRounds(rounds int, rate float64) (int, float64, error) {
	if rounds == 0 {
		rounds = 50
	}
	if rate == 0 {
		rate = 1
	}
	switch {
	case rounds < 1:
		return 0, 0, fmt.Errorf("Estimators is %d: %w", rounds, gram.ErrParam)
	case !(rate > 0) || math.IsInf(rate, 1):
		return 0, 0, fmt.Errorf("LearningRate is %v: %w", rate, gram.ErrParam)
	}
	return rounds, rate, nil
}

// reweighting is rows whose weights change from round to round.
type reweighting[Y int | float64] struct {
	s   *sample[Y]
	X   gram.Matrix // of s, for training
	log []float64   // logarithms of the weights, up to a constant
	w   []float64   // the weights of this round, of the same sum as those of s
}

func newReweighting[Y int | float64](ctx context.Context, s *sample[Y], base any) (*reweighting[Y], error) {
	X, err := presort(ctx, base, s.X)
	if err != nil {
		return nil, err
	}
	b := &reweighting[Y]{s: s, X: X, log: make([]float64, s.n), w: make([]float64, s.n)}
	for i := range b.log {
		b.log[i] = math.Log(s.weight(i))
	}
	b.normalize()
	return b, nil
}

// normalize sets the weights to what their logarithms say.
func (b *reweighting[Y]) normalize() {
	top, sum := slices.Max(b.log), 0.0
	for i, v := range b.log {
		b.w[i] = math.Exp(v - top)
		sum += b.w[i]
	}
	scale := b.s.total / sum
	for i := range b.w {
		b.w[i] *= scale
	}
}

// weighted returns the rows with a copy of their weights.
func (b *reweighting[Y]) weighted() *sample[Y] {
	s := *b.s
	s.X, s.w = b.X, slices.Clone(b.w)
	return &s
}

// share returns the mean of f over the rows, by their weights.
func (b *reweighting[Y]) share(f func(i int) float64) float64 {
	var sum, total float64
	for i, w := range b.w {
		sum += w * f(i)
		total += w
	}
	return sum / total
}

// multiply multiplies the weight of each row by exp(f).
func (b *reweighting[Y]) multiply(f func(i int) float64) {
	for i := range b.log {
		b.log[i] += f(i)
	}
	b.normalize()
}

// report tells of a round.
func (b *reweighting[Y]) report(ctx context.Context, progress func(gram.Progress), round, limit int, e float64) error {
	if progress != nil {
		progress(gram.Progress{Iteration: round, Limit: limit, Objective: e, Residual: nan, Tolerance: nan})
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("fit stopped: %w", err)
	}
	return nil
}

// TrainClassifier calls Fit.
func (t AdaBoost) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// AdaBoostModel is what [AdaBoost] fits. A member that predicts class c says 1 for it
// and −1/(K−1) for each other class; the decision for a class is the mean of what members
// say, by their weights. Members of a fit with Real say K−1 times the logarithms of their
// probabilities, less the mean of these. Decisions of a row sum to 0.
type AdaBoostModel struct {
	members           []gram.Classifier
	weights, errors   []float64
	features, classes int
	real              bool
}

// Members returns the classifiers, in the order of their training. The slice is the
// caller's.
func (m *AdaBoostModel) Members() []gram.Classifier { return slices.Clone(m.members) }

// Weights returns a copy of the members' weights α.
func (m *AdaBoostModel) Weights() []float64 { return slices.Clone(m.weights) }

// Errors returns a copy of the members' weighted errors.
func (m *AdaBoostModel) Errors() []float64 { return slices.Clone(m.errors) }

// First returns the model of the first n members, n in 1..len(Members()), or else
// gram.ErrParam: what a fit with Estimators n gives.
func (m *AdaBoostModel) First(n int) (*AdaBoostModel, error) {
	if n < 1 || n > len(m.members) {
		return nil, fmt.Errorf("the first %d of %d members: %w", n, len(m.members), gram.ErrParam)
	}
	return &AdaBoostModel{m.members[:n:n], m.weights[:n:n], m.errors[:n:n], m.features, m.classes, m.real}, nil
}

// Features returns d.
func (m *AdaBoostModel) Features() int { return m.features }

// Classes returns K.
func (m *AdaBoostModel) Classes() int { return m.classes }

// DecisionFunction returns the decisions for the classes, n×K row-major, each in
// [−1/(K−1), 1] unless the fit was Real.
func (m *AdaBoostModel) DecisionFunction(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, m.classes, m.decisions, dst, X)
}

// Predict returns the class of the highest decision for each of the n rows.
func (m *AdaBoostModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	return chosen(m, m.classes, m.decisions, dst, X)
}

// PredictProba returns the probabilities, n×K row-major: those of the additive model that
// the members are a fit of, the softmax of (K−1)/K·Σα times the decisions,
// and with Real of the number of members over K−1 times them. They are often
// too sure; see [Calibrated].
func (m *AdaBoostModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

func (m *AdaBoostModel) probaBlock(dst []float64, X gram.Matrix) error {
	if err := m.decisions(dst, X); err != nil {
		return err
	}
	for at := 0; at < len(dst); at += m.classes {
		m.toProba(dst[at : at+m.classes])
	}
	return nil
}

// PredictRow is Predict for one row.
func (m *AdaBoostModel) PredictRow(x []float64) (int, error) {
	b := borrow(m.classes)
	defer b.back()
	if err := m.decisionRow(b.x, x); err != nil {
		return 0, err
	}
	return argmax(b.x), nil
}

// PredictProbaRow is PredictProba for one row.
func (m *AdaBoostModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, m.classes); err != nil {
		return err
	}
	if err := m.decisionRow(dst, x); err != nil {
		return err
	}
	m.toProba(dst)
	return nil
}

func (m *AdaBoostModel) decisions(dst []float64, X gram.Matrix) error {
	clear(dst)
	if m.real {
		return m.realDecisions(dst, X)
	}
	votes := make([]int, len(dst)/m.classes)
	for i, member := range m.members {
		if _, err := member.Predict(votes, X); err != nil {
			return atMember(i, err)
		}
		for r, class := range votes {
			dst[r*m.classes+class] += m.weights[i]
		}
	}
	for at := 0; at < len(dst); at += m.classes {
		m.toDecisions(dst[at : at+m.classes])
	}
	return nil
}

func (m *AdaBoostModel) realDecisions(dst []float64, X gram.Matrix) error {
	b := borrow(len(dst))
	defer b.back()
	for i, member := range m.members {
		if _, err := member.PredictProba(b.x, X); err != nil {
			return atMember(i, err)
		}
		for at := 0; at < len(dst); at += m.classes {
			m.addReal(dst[at:at+m.classes], b.x[at:at+m.classes])
		}
	}
	return nil
}

// addReal adds to decisions what a member says by its probabilities p.
func (m *AdaBoostModel) addReal(decisions, p []float64) {
	mean := 0.0
	for _, v := range p {
		mean += safeLog(v) / float64(m.classes)
	}
	for c, v := range p {
		decisions[c] += float64(m.classes-1) / float64(len(m.members)) * (safeLog(v) - mean)
	}
}

func (m *AdaBoostModel) decisionRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	clear(dst)
	if m.real {
		b := borrow(m.classes)
		defer b.back()
		for i, member := range m.members {
			if err := member.PredictProbaRow(b.x, x); err != nil {
				return atMember(i, err)
			}
			m.addReal(dst, b.x)
		}
		return nil
	}
	for i, member := range m.members {
		class, err := member.PredictRow(x)
		if err != nil {
			return atMember(i, err)
		}
		dst[class] += m.weights[i]
	}
	m.toDecisions(dst)
	return nil
}

// toDecisions turns the weights of the votes for each class into decisions.
func (m *AdaBoostModel) toDecisions(votes []float64) {
	sum := 0.0
	for _, v := range votes {
		sum += v
	}
	others := 1 / float64(m.classes-1)
	for c, v := range votes {
		votes[c] = v/sum - (sum-v)/sum*others
	}
}

// toProba turns decisions into probabilities.
func (m *AdaBoostModel) toProba(decisions []float64) {
	scale := 0.0
	for _, a := range m.weights {
		scale += a
	}
	scale *= float64(m.classes-1) / float64(m.classes)
	if m.real {
		scale = float64(len(m.members)) / float64(m.classes-1)
	}
	top, sum := slices.Max(decisions), 0.0
	for c, v := range decisions {
		decisions[c] = math.Exp(scale * (v - top))
		sum += decisions[c]
	}
	for c := range decisions {
		decisions[c] /= sum
	}
}

func init() {
	gram.Register("ensemble.AdaBoost", 1,
		func(e *gram.Encoder, m *AdaBoostModel) {
			gram.EncodeModels(e, m.members)
			e.Floats(m.weights)
			e.Floats(m.errors)
			e.Bool(m.real)
		},
		func(d *gram.Decoder, _ int) *AdaBoostModel {
			members := gram.DecodeModels[gram.Classifier](d)
			weights := decodeWeights(d, len(members))
			m := &AdaBoostModel{members: members, weights: weights, errors: d.Floats(len(members)), real: d.Bool()}
			if d.Err() != nil {
				return nil
			}
			c, err := newCommittee(members, nil, false)
			if err != nil {
				d.Fail("%v", err)
			}
			m.features, m.classes = c.features, c.classes
			return m
		})
}

// decodeWeights reads n weights above 0 with a finite sum.
func decodeWeights(d *gram.Decoder, n int) []float64 {
	weights := d.Floats(n)
	sum := 0.0
	for i, v := range weights {
		if !(v > 0) {
			d.Fail("weight of member %d is %v", i, v)
		}
		sum += v
	}
	if math.IsInf(sum, 1) {
		d.Fail("weights sum to %v", sum)
	}
	return weights
}
