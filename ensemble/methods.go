package ensemble

import (
	"fmt"
	"math"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

var nan, inf = math.NaN(), math.Inf(1)

// A prober is a classifier that says how it comes by probabilities; the functions below
// make the other methods of gram.Classifier of it.
type prober interface {
	gram.Model
	Classes() int
	// probaBlock sets dst, n×K, to the probabilities of the n rows of X, which are few
	// and of the right length.
	probaBlock(dst []float64, X gram.Matrix) error
	PredictProbaRow(dst, x []float64) error
}

// predictProba is PredictProba.
func predictProba(m prober, dst []float64, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, m.Classes(), m.probaBlock, dst, X)
}

// predict is Predict, by the most probable class.
func predict(m prober, dst []int, X gram.Matrix) ([]int, error) {
	return chosen(m, m.Classes(), m.probaBlock, dst, X)
}

// chosen sets dst to the position of the largest of the k scores of each row of X.
func chosen(m gram.Model, k int, scores func(dst []float64, X gram.Matrix) error, dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	buf := make([]float64, min(n, blockRows(m.Features()))*k)
	err = eachBlock(X, func(lo, hi int, Z gram.Matrix) error {
		p := buf[:(hi-lo)*k]
		if err := scores(p, Z); err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			dst[i] = argmax(p[(i-lo)*k : (i-lo+1)*k])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// predictRow is PredictRow, by the most probable class.
func predictRow(m prober, x []float64) (int, error) {
	b := borrow(m.Classes())
	defer b.back()
	if err := m.PredictProbaRow(b.x, x); err != nil {
		return 0, err
	}
	return argmax(b.x), nil
}

// mapBlocks sets dst, n×k, to what block makes of the rows of X.
func mapBlocks(m gram.Model, k int, block func(dst []float64, X gram.Matrix) error, dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*k); err != nil {
		return nil, err
	}
	err = eachBlock(X, func(lo, hi int, Z gram.Matrix) error { return block(dst[lo*k:hi*k], Z) })
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// blockRows returns how many rows of the given width a block has: so many that they
// stay in the cache while one member after the other reads them.
func blockRows(width int) int {
	const elements = 1 << 15
	return min(max(elements/max(width, 1), 64), 4096)
}

// eachBlock calls f with the rows of X, block after block.
func eachBlock(X gram.Matrix, f func(lo, hi int, Z gram.Matrix) error) error {
	n, d := X.Dims()
	size := min(n, blockRows(d))
	if size == n {
		if n == 0 {
			return nil
		}
		return f(0, n, X)
	}
	rows := make([]int, size)
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		for i := lo; i < hi; i++ {
			rows[i-lo] = i
		}
		if err := f(lo, hi, linalg.Rows(X, rows[:hi-lo])); err != nil {
			if lo == 0 {
				return err
			}
			return fmt.Errorf("counting rows from %d: %w", lo, err)
		}
	}
	return nil
}

// A buffer is borrowed memory, so that row methods allocate nothing.
type buffer struct{ x, all []float64 }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// borrow returns a buffer whose x has length n and unknown content.
func borrow(n int) *buffer {
	b := buffers.Get().(*buffer)
	if cap(b.all) < n {
		b.all = make([]float64, n)
	}
	b.x = b.all[:n]
	return b
}

func (b *buffer) back() { buffers.Put(b) }
