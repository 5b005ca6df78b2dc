package quant

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// Outliers returns, in order, the columns of x, a row-major matrix of k columns, that
// hold an |x| above threshold, which is 6 if it is 0. Errors: gram.ErrShape if x is no
// whole number of rows; gram.ErrParam for a threshold that is negative or NaN.
// O(len(x)).
func Outliers[F Float](x []F, k int, threshold float64) ([]int, error) {
	if k <= 0 || len(x)%k != 0 {
		return nil, fmt.Errorf("%d values are no rows of %d columns: %w", len(x), k, gram.ErrShape)
	}
	if !(threshold >= 0) {
		return nil, fmt.Errorf("threshold is %v: %w", threshold, gram.ErrParam)
	}
	if threshold == 0 {
		threshold = 6
	}
	found := make([]bool, k)
	for i, v := range x {
		if math.Abs(float64(v)) > threshold {
			found[i%k] = true
		}
	}
	var out []int
	for j, f := range found {
		if f {
			out = append(out, j)
		}
	}
	return out, nil
}

// Mixed are an n×k matrix of weights in int8, a scale for each output, except for a few
// columns in float32: those of inputs with values so large that, quantized with the
// others, they would leave these no precision. Inputs are quantized as they come, each
// row by a scale of its own. Mixed is immutable and safe for concurrent use.
//
// Source: T. Dettmers and others, LLM.int8(): 8-bit matrix multiplication for
// transformers at scale, NeurIPS 2022.
type Mixed struct {
	weights  *Weights
	outliers []int
	float    []float32 // the outlier columns, one after the other
}

// PackMixed quantizes the n×k row-major matrix w but for the given columns, which
// [Outliers] finds.
//
// Errors: gram.ErrShape for an empty matrix or a w of another length; gram.ErrParam for
// outliers that are not ascending columns; gram.ErrNonFinite, naming the channel, for
// weights that are not finite. O(n·k).
func PackMixed(w []float32, n, k int, outliers []int) (*Mixed, error) {
	if n <= 0 || k <= 0 || len(w)%k != 0 || len(w)/k != n {
		return nil, fmt.Errorf("%d weights for %d outputs of %d inputs: %w", len(w), n, k, gram.ErrShape)
	}
	if _, err := SymmetricChannels(w, n); err != nil { // which sees the outliers too
		return nil, err
	}
	m := &Mixed{outliers: append([]int(nil), outliers...)}
	rest := append([]float32(nil), w...)
	for i, c := range outliers {
		if c < 0 || c >= k || i > 0 && c <= outliers[i-1] {
			return nil, fmt.Errorf("outlier %d is column %d of %d: %w", i, c, k, gram.ErrParam)
		}
		for j := range n {
			m.float = append(m.float, w[j*k+c])
			rest[j*k+c] = 0
		}
	}
	params, err := SymmetricChannels(rest, n)
	if err != nil {
		return nil, err
	}
	q, err := QuantizeChannels[int8](nil, rest, params)
	if err != nil {
		return nil, err
	}
	m.weights, err = PackWeights(q, n, k, params)
	return m, err
}

// Dims returns the number of outputs n and of inputs k.
func (w *Mixed) Dims() (n, k int) { return w.weights.Dims() }

// Mul returns the product of x, m×k row-major, with the weights, m×n row-major, plus
// bias and activation. Each row of x is quantized to int8 by its largest |x| outside the
// outlier columns, multiplied in integers, and the products of the outliers are added in
// float32, column after column. dst is allocated if nil.
//
// Errors: gram.ErrShape for lengths that do not fit; gram.ErrNonFinite, naming row and
// column, for an x that is not finite. O(m·n·k).
func (w *Mixed) Mul(dst, x []float32, o Output) ([]float32, error) {
	n, k := w.Dims()
	if len(x)%k != 0 {
		return nil, fmt.Errorf("%d values are no rows of %d inputs: %w", len(x), k, gram.ErrShape)
	}
	if err := o.check(n); err != nil {
		return nil, err
	}
	dst, err := gram.Dst(dst, len(x)/k*n)
	if err != nil {
		return nil, err
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, fmt.Errorf("row %d, column %d is %v: %w", i/k, i%k, v, gram.ErrNonFinite)
		}
	}
	q, scales, err := w.quantizeRows(x)
	if err != nil {
		return nil, err
	}
	if dst, err = MulFloat(dst, q, Params{1, 0}, w.weights, Output{}); err != nil {
		return nil, err
	}
	low, high := o.Activation.limits()
	for i, scale := range scales {
		row := dst[i*n : (i+1)*n]
		for j := range row {
			row[j] *= scale
		}
		for l, c := range w.outliers {
			v := x[i*k+c]
			for j, f := range w.float[l*n : (l+1)*n] {
				row[j] += float32(v * f)
			}
		}
		for j, v := range row {
			if o.Bias != nil {
				v += o.Bias[j]
			}
			row[j] = min(max(v, float32(low)), float32(high))
		}
	}
	return dst, nil
}

// quantizeRows quantizes each row of x with zeros in the outlier columns.
func (w *Mixed) quantizeRows(x []float32) (q []int8, scales []float32, err error) {
	_, k := w.Dims()
	q, scales = make([]int8, len(x)), make([]float32, len(x)/k)
	row := make([]float32, k)
	for i := range scales {
		copy(row, x[i*k:])
		for _, c := range w.outliers {
			row[c] = 0
		}
		p, err := Symmetric(absMax(row))
		if err != nil {
			return nil, nil, err
		}
		quantize(q[i*k:(i+1)*k], row, p)
		scales[i] = p.Scale
	}
	return q, scales, nil
}
