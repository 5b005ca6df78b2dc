package ensemble

import (
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// committee is classifiers that decide together.
type committee struct {
	members           []gram.Classifier
	weights           []float64 // sum to 1
	hard              bool      // they vote; otherwise their probabilities are averaged
	features, classes int
}

// newCommittee checks that the members fit together and makes the weights, nil for
// equal ones, sum to 1.
func newCommittee(members []gram.Classifier, weights []float64, hard bool) (committee, error) {
	if len(members) == 0 {
		return committee{}, fmt.Errorf("no members: %w", gram.ErrParam)
	}
	for i, m := range members {
		if m == nil {
			return committee{}, fmt.Errorf("member %d is nil: %w", i, gram.ErrParam)
		}
	}
	c := committee{members: members, hard: hard, features: members[0].Features(), classes: members[0].Classes()}
	for i, m := range members {
		if m.Features() != c.features || m.Classes() != c.classes {
			return c, fmt.Errorf("member %d has %d features and %d classes, member 0 %d and %d: %w",
				i, m.Features(), m.Classes(), c.features, c.classes, gram.ErrShape)
		}
	}
	var err error
	c.weights, err = shares(weights, len(members))
	return c, err
}

// shares returns weights, nil for equal ones, scaled to sum to 1.
func shares(weights []float64, n int) ([]float64, error) {
	out := slices.Clone(weights)
	if weights == nil {
		out = make([]float64, n)
		for i := range out {
			out[i] = 1
		}
	}
	if len(out) != n {
		return nil, fmt.Errorf("%d weights for %d members: %w", len(out), n, gram.ErrShape)
	}
	sum := 0.0
	for i, v := range out {
		if !(v >= 0) {
			return nil, fmt.Errorf("weight of member %d is %v: %w", i, v, gram.ErrParam)
		}
		sum += v
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		return nil, fmt.Errorf("the members' weights sum to %v: %w", sum, gram.ErrParam)
	}
	for i := range out {
		out[i] /= sum
	}
	return out, nil
}

func (c *committee) probaBlock(dst []float64, X gram.Matrix) error {
	clear(dst)
	n := len(dst) / c.classes
	var votes []int
	b := borrow(len(dst))
	defer b.back()
	if c.hard {
		votes = make([]int, n)
	}
	for i, m := range c.members {
		if c.hard {
			if _, err := m.Predict(votes, X); err != nil {
				return atMember(i, err)
			}
			for r, class := range votes {
				dst[r*c.classes+class] += c.weights[i]
			}
			continue
		}
		if _, err := m.PredictProba(b.x, X); err != nil {
			return atMember(i, err)
		}
		f64.Axpy(c.weights[i], b.x, dst)
	}
	atMostOne(dst)
	return nil
}

func (c *committee) probaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, c.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, c.classes); err != nil {
		return err
	}
	clear(dst)
	b := borrow(c.classes)
	defer b.back()
	for i, m := range c.members {
		if c.hard {
			class, err := m.PredictRow(x)
			if err != nil {
				return atMember(i, err)
			}
			dst[class] += c.weights[i]
			continue
		}
		if err := m.PredictProbaRow(b.x, x); err != nil {
			return atMember(i, err)
		}
		f64.Axpy(c.weights[i], b.x, dst)
	}
	atMostOne(dst)
	return nil
}

// atMostOne takes back what rounding adds to probabilities of 1.
func atMostOne(p []float64) {
	for i, v := range p {
		p[i] = min(v, 1)
	}
}

func atMember(i int, err error) error { return fmt.Errorf("member %d: %w", i, err) }

func (c *committee) encode(e *gram.Encoder) {
	gram.EncodeModels(e, c.members)
	e.Floats(c.weights)
	e.Bool(c.hard)
}

func decodeCommittee(d *gram.Decoder) committee {
	members, weights, hard := gram.DecodeModels[gram.Classifier](d), d.Floats(), d.Bool()
	if d.Err() != nil {
		return committee{}
	}
	c, err := newCommittee(members, weights, hard)
	if err != nil {
		d.Fail("%v", err)
	}
	c.weights = weights // which to divide again would change
	return c
}

// panel is regressors that decide together, by the mean.
type panel struct {
	members  []gram.Regressor
	weights  []float64 // sum to 1
	features int
}

// newPanel is newCommittee for regressors.
func newPanel(members []gram.Regressor, weights []float64) (panel, error) {
	if len(members) == 0 {
		return panel{}, fmt.Errorf("no members: %w", gram.ErrParam)
	}
	for i, m := range members {
		if m == nil {
			return panel{}, fmt.Errorf("member %d is nil: %w", i, gram.ErrParam)
		}
	}
	p := panel{members: members, features: members[0].Features()}
	for i, m := range members {
		if m.Features() != p.features {
			return p, fmt.Errorf("member %d has %d features, member 0 %d: %w", i, m.Features(), p.features, gram.ErrShape)
		}
	}
	var err error
	p.weights, err = shares(weights, len(members))
	return p, err
}

func (p *panel) block(dst []float64, X gram.Matrix) error {
	clear(dst)
	b := borrow(len(dst))
	defer b.back()
	for i, m := range p.members {
		if _, err := m.Predict(b.x, X); err != nil {
			return atMember(i, err)
		}
		f64.Axpy(p.weights[i], b.x, dst)
	}
	return nil
}

func (p *panel) row(x []float64) (float64, error) {
	if err := gram.CheckRow(x, p.features); err != nil {
		return 0, err
	}
	sum := 0.0
	for i, m := range p.members {
		v, err := m.PredictRow(x)
		if err != nil {
			return 0, atMember(i, err)
		}
		sum += p.weights[i] * v
	}
	return sum, nil
}

func (p *panel) encode(e *gram.Encoder) {
	gram.EncodeModels(e, p.members)
	e.Floats(p.weights)
}

func decodePanel(d *gram.Decoder) panel {
	members, weights := gram.DecodeModels[gram.Regressor](d), d.Floats()
	if d.Err() != nil {
		return panel{}
	}
	p, err := newPanel(members, weights)
	if err != nil {
		d.Fail("%v", err)
	}
	p.weights = weights // which to divide again would change
	return p
}
