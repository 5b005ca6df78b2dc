package quant

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// affine is a map of d features to n scores in int8: feature j is centerⱼ + stepⱼ·q
// with |q| ≤ 127, and score i is offsetᵢ + scaleᵢ·Σⱼ weightsᵢⱼ·qⱼ.
type affine struct {
	center, step  []float64 // d
	weights       []int8    // n×d
	scale, offset []float64 // n

	inverse []float64 // 1/step, or 0 for a feature that is held
	packed  *Weights
	wide    bool // whether sums may leave int32
}

// span is the range of one feature.
type span struct{ lo, hi float64 }

func (s span) center() float64 { return s.lo/2 + s.hi/2 }

// spans returns the ranges of the features over the rows of weight above 0.
func spans(ctx context.Context, X gram.Matrix, w []float64) ([]span, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	out := make([]span, d)
	for j := range out {
		out[j] = span{math.Inf(1), math.Inf(-1)}
	}
	x, step := linalg.AsOperator(X), blockRows(d)
	buf := make([]float64, step*d)
	for lo := 0; lo < n; lo += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		hi := min(n, lo+step)
		rows, stride := x.RowBlock(buf, lo, hi)
		for i := lo; i < hi; i++ {
			if w != nil && w[i] == 0 {
				continue
			}
			for j, v := range rows[(i-lo)*stride : (i-lo)*stride+d] {
				out[j].lo, out[j].hi = min(out[j].lo, v), max(out[j].hi, v)
			}
		}
	}
	return out, nil
}

// blockRows returns how many rows of d features are read at a time.
func blockRows(d int) int { return min(256, max(1, (1<<16)/max(d, 1))) }

// newAffine quantizes the map x → coef·(x − center) + atCenter, coef being n×d.
func newAffine(coef, atCenter []float64, ranges []span) (*affine, error) {
	n, d := len(atCenter), len(ranges)
	a := &affine{
		center: make([]float64, d), step: make([]float64, d), weights: make([]int8, n*d),
		scale: make([]float64, n), offset: slices.Clone(atCenter),
	}
	for j, r := range ranges {
		a.center[j], a.step[j] = r.center(), (r.hi/2-r.lo/2)/127
	}
	for i := range n {
		row, top := coef[i*d:(i+1)*d], 0.0
		for j, c := range row {
			top = max(top, math.Abs(c*a.step[j]))
		}
		if v := a.offset[i] + 127*top*float64(d); v-v != 0 { // a bound of every score
			return nil, fmt.Errorf("score %d of the model is %v: %w", i, v, gram.ErrNonFinite)
		}
		if top == 0 {
			continue
		}
		a.scale[i] = top / 127
		for j, c := range row {
			a.weights[i*d+j] = toInt8(c * a.step[j] / top * 127)
		}
	}
	return a, a.pack()
}

// toInt8 rounds half to even, to −127..127, and NaN to 0.
func toInt8(v float64) int8 {
	switch {
	case v > 127:
		v = 127
	case v < -127:
		v = -127
	case v != v:
		v = 0
	}
	return int8(math.RoundToEven(v))
}

// pack sets what can be derived.
func (a *affine) pack() (err error) {
	a.inverse = make([]float64, len(a.step))
	for j, s := range a.step {
		if v := 1 / s; s > 0 && !math.IsInf(v, 0) {
			a.inverse[j] = v
		}
	}
	a.packed, err = PackWeights(a.weights, len(a.offset), len(a.center), []Params{{Scale: 1}})
	if err == nil {
		a.wide = mayOverflow[int8](a.packed, 0, 0)
	}
	return err
}

// bytes is the size of the parameters.
func (a *affine) bytes() int {
	return len(a.weights) + 8*(len(a.center)+len(a.step)+len(a.scale)+len(a.offset))
}

// quantizeRow sets q to row x, the number of which is i, or −1 if it is the only one.
func (a *affine) quantizeRow(q []int8, x []float64, i int) error {
	q = q[:len(x)]
	for j, v := range x {
		if v-v != 0 {
			return badValue(i, j, v)
		}
		q[j] = toInt8((v - a.center[j]) * a.inverse[j])
	}
	return nil
}

func badValue(i, j int, v float64) error {
	where := "x"
	if i >= 0 {
		where = fmt.Sprintf("row %d", i)
	}
	return fmt.Errorf("%s, column %d is %v: %w", where, j, v, gram.ErrNonFinite)
}

// scores sets z, m×n, to the scores of m quantized rows.
func (a *affine) scores(z []float64, q []int8, m int, s *scratch) error {
	n := len(a.offset)
	x := product[int8]{w: a.packed, s: s}
	if a.wide {
		x.split(q, m, func(at int, sums []int64) {
			for i, v := range sums {
				z[at+i] = a.offset[i] + float64(a.scale[i]*float64(v))
			}
		})
	} else {
		c := grow(&s.c, m*n)
		x.sums(c, q, m)
		for at, v := range c {
			i := at % n
			z[at] = a.offset[i] + float64(a.scale[i]*float64(v))
		}
	}
	for _, v := range z {
		if v-v != 0 {
			return fmt.Errorf("a score is %v: %w", v, gram.ErrNonFinite)
		}
	}
	return nil
}

// row sets z to the scores of one row.
func (a *affine) row(z, x []float64) error {
	s := borrow()
	defer s.giveBack()
	q := grow(&s.q, len(x))
	if err := a.quantizeRow(q, x, -1); err != nil {
		return err
	}
	return a.scores(z, q, 1, s)
}

// batch calls f with the scores of rows lo, lo+1 and so on of X, block by block.
func (a *affine) batch(X gram.Matrix, f func(lo int, z []float64)) error {
	rows, d := X.Dims()
	if rows == 0 {
		return nil
	}
	x, step := linalg.AsOperator(X), min(rows, blockRows(d))
	buf, q, z := make([]float64, step*d), make([]int8, step*d), make([]float64, step*len(a.offset))
	s := borrow()
	defer s.giveBack()
	for lo := 0; lo < rows; lo += step {
		m := min(step, rows-lo)
		block, stride := x.RowBlock(buf, lo, lo+m)
		for i := range m {
			if err := a.quantizeRow(q[i*d:(i+1)*d], block[i*stride:i*stride+d], lo+i); err != nil {
				return err
			}
		}
		if err := a.scores(z[:m*len(a.offset)], q[:m*d], m, s); err != nil {
			return err
		}
		f(lo, z[:m*len(a.offset)])
	}
	return nil
}
