package decomp

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A denseLayer is y = f(x·W + b). Of gradients, it holds those by W and b.
type denseLayer struct {
	w *linalg.Dense[float64] // in×out
	b []float64
	f *activation.Function // nil for none
}

// A network is dense layers one after another, of parameters that lie in one slice.
type network []denseLayer

// parameters returns the number of a network's with layers of the given sizes, of which
// the first is that of the input; false if there are more than a slice should hold.
func parameters(sizes []int) (int, bool) {
	const most = math.MaxInt32
	total := 0
	for l := 1; l < len(sizes); l++ {
		in, out := sizes[l-1], sizes[l]
		if in >= most || out > (most-total)/(in+1) {
			return 0, false
		}
		total += (in + 1) * out
	}
	return total, true
}

// newNetwork returns the network of layers of the given sizes over the first of the
// parameters, and the other parameters. All layers but the last have the function f.
func newNetwork(sizes []int, f *activation.Function, theta []float64) (network, []float64) {
	n := make(network, len(sizes)-1)
	for l := range n {
		in, out := sizes[l], sizes[l+1]
		n[l].w, theta = linalg.NewDense(in, out, theta[:in*out]), theta[in*out:]
		n[l].b, theta = theta[:out], theta[out:]
		if l < len(n)-1 {
			n[l].f = f
		}
	}
	return n, theta
}

// initialize draws weights that keep the squares of what passes, forward and backward on
// average (X. Glorot and Y. Bengio, 2010), for inputs of mean square 1.
func (n network) initialize(r *rand.Rand) {
	square := 1.0 // of a layer's input
	for _, l := range n {
		dev := 1 / math.Sqrt(square*float64(l.w.Rows+l.w.Cols)/2)
		for i := range l.w.Data {
			l.w.Data[i] = dev * r.NormFloat64()
		}
		clear(l.b)
		square = meanSquare(l.f)
	}
}

// meanSquare returns the mean of f(x)² for normal x, by its quantiles; 1 where that is no
// number to divide by.
func meanSquare(f *activation.Function) float64 {
	if f == nil {
		return 1
	}
	const n = 256
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sqrt2 * math.Erfinv((2*float64(i)+1)/n-1)
	}
	if s := f64.SumSquares(f.Forward64(x, x)) / n; s > 0 && finite(s) {
		return s
	}
	return 1
}

// A trace is what a network's passes over a batch of rows leave behind, by layer.
type trace struct {
	pre, post, slope [][]float64 // x·W + b, f of it, and the derivative by the layer's input
}

// of returns the matrix of so many rows in the memory for a layer.
func of(buf *[][]float64, l, rows, cols int) *linalg.Dense[float64] {
	for len(*buf) <= l {
		*buf = append(*buf, nil)
	}
	data := grow(&(*buf)[l], rows*cols)
	(*buf)[l] = data
	return linalg.NewDense(rows, cols, data)
}

// forward returns the network's output for the rows of x, in t.
func (n network) forward(workers int, x *linalg.Dense[float64], t *trace) *linalg.Dense[float64] {
	for i, l := range n {
		z := of(&t.pre, i, x.Rows, l.w.Cols)
		for r := range z.Rows {
			copy(z.Row(r), l.b)
		}
		linalg.GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, x, l.w, 1, z)
		x = z
		if l.f != nil {
			x = of(&t.post, i, z.Rows, z.Cols)
			l.f.Forward64(x.Data, z.Data)
		}
	}
	return x
}

// output returns what layer i made of the rows that forward had.
func (n network) output(i, rows int, t *trace) *linalg.Dense[float64] {
	if n[i].f == nil {
		return of(&t.pre, i, rows, n[i].w.Cols)
	}
	return of(&t.post, i, rows, n[i].w.Cols)
}

// backward sets the gradients to those of a function of the output whose derivative is dy,
// which it spoils, and returns the derivative by x; forward has seen x. For first it stops
// at the parameters and returns nil.
func (n network) backward(workers int, x, dy *linalg.Dense[float64], t *trace, gradient network, first bool) *linalg.Dense[float64] {
	for i := len(n) - 1; i >= 0; i-- {
		l, g := n[i], gradient[i]
		in := x
		if i > 0 {
			in = n.output(i-1, x.Rows, t)
		}
		if l.f != nil {
			saved := t.pre[i]
			if l.f.FromOutput {
				saved = t.post[i]
			}
			l.f.Grad64(dy.Data, dy.Data, saved)
		}
		linalg.GemmParallel(workers, blas.Trans, blas.NoTrans, 1, in, dy, 0, g.w)
		clear(g.b)
		for r := range dy.Rows {
			f64.Axpy(1, dy.Row(r), g.b)
		}
		if i == 0 && first {
			return nil
		}
		dx := of(&t.slope, i, x.Rows, l.w.Rows)
		linalg.GemmParallel(workers, blas.NoTrans, blas.Trans, 1, dy, l.w, 0, dx)
		dy = dx
	}
	return dy
}

// width returns the size of the largest layer.
func (n network) width() int {
	most := 0
	for _, l := range n {
		most = max(most, l.w.Rows, l.w.Cols)
	}
	return most
}

// row returns the output for one row x, in a or b, which are of the network's width; x may
// be the beginning of a.
func (n network) row(x, a, b []float64) []float64 {
	for _, l := range n {
		y := b[:l.w.Cols]
		copy(y, l.b)
		f64.AxpyRows(x, l.w.Data, l.w.Stride, y)
		if l.f != nil {
			l.f.Forward64(y, y)
		}
		x, a, b = y, b, a
	}
	return x
}
