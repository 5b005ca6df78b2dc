package quant

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/i8"
)

// partDepth is the most depth that is packed as one: 255·255·partDepth < 2³¹, so that
// no sum within a part overflows, whatever the values and zero points.
const partDepth = 33024

// Weights are an n×k matrix of int8, a row for each of n outputs, packed once in the
// order in which products read it. They are immutable and safe for concurrent use.
type Weights struct {
	n, k   int
	params []Params // of each row
	shifts bool     // whether a row has a zero point but 0
	parts  []part
	// The sums of the positive and of the negative q − Zero of each row.
	positive, negative []int64
}

// A part is the columns of Weights from column at on.
type part struct {
	at, k  int
	packed []int8
	rowSum []int32
}

// PackWeights packs the n×k row-major matrix w, as [QuantizeChannels] has made it. params
// has one element for each row, or one for all. w is copied.
//
// Errors: gram.ErrShape for an empty matrix, a w of another length, or params of
// another number; those of [Check], naming the row. O(n·k).
func PackWeights(w []int8, n, k int, params []Params) (*Weights, error) {
	if n <= 0 || k <= 0 || len(w)%k != 0 || len(w)/k != n {
		return nil, fmt.Errorf("%d weights for %d outputs of %d inputs: %w", len(w), n, k, gram.ErrShape)
	}
	if len(params) != n && len(params) != 1 {
		return nil, fmt.Errorf("%d parameters for %d outputs: %w", len(params), n, gram.ErrShape)
	}
	p := &Weights{n: n, k: k, positive: make([]int64, n), negative: make([]int64, n)}
	for i, c := range params {
		if err := Check[int8](c); err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
		p.shifts = p.shifts || c.Zero != 0
	}
	p.params = slices.Clone(params)
	for len(p.params) < n {
		p.params = append(p.params, params[0])
	}
	for i := range n {
		for _, q := range w[i*k : (i+1)*k] {
			v := int64(q) - int64(p.params[i].Zero)
			p.positive[i] += max(v, 0)
			p.negative[i] += min(v, 0)
		}
	}
	for at := 0; at < k; at += partDepth {
		p.parts = append(p.parts, packPart(w[at:], k, n, at, min(partDepth, k-at)))
	}
	return p, nil
}

func packPart(w []int8, lds, n, at, k int) part {
	p := part{at: at, k: k, packed: aligned(i8.PackedSize(k, n)), rowSum: make([]int32, n)}
	i8.PackB(p.packed, w, lds, n, k)
	for i := range n {
		for _, q := range w[i*lds : i*lds+k] {
			p.rowSum[i] += int32(q)
		}
	}
	return p
}

// aligned returns n zeros that start at a cache line.
func aligned(n int) []int8 {
	const line = 64
	raw := make([]int8, n+line)
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) % line)
	return raw[skip : skip+n : skip+n]
}

// Dims returns the number of outputs n and of inputs k.
func (w *Weights) Dims() (n, k int) { return w.n, w.k }

// Params returns a copy of the parameters of the n rows.
func (w *Weights) Params() []Params { return slices.Clone(w.params) }

// Bound returns the largest absolute value that a sum of products
//
//	Σₚ (aₚ − zero)·(wₚ − Zero)
//
// of these weights can have, for any a of type T: exact, not an estimate. O(n).
func Bound[T Int](w *Weights, zero int32) int64 {
	lo, hi := limits[T]()
	low, high := int64(lo-zero), int64(hi-zero)
	var top int64
	for j := range w.n {
		p, n := w.positive[j], w.negative[j]
		top = max(top, high*p+low*n, -(low*p + high*n))
	}
	return top
}

// MaxDepth returns the number k of products up to which no sum of (a − zeroA)·(b − zeroB)
// can leave int32, whatever a of type A and b of type B are: 65793 for uint8 by int8
// and 131071 for int8 by int8, both with zero points of 0.
func MaxDepth[A, B Int](zeroA, zeroB int32) int {
	loA, hiA := limits[A]()
	loB, hiB := limits[B]()
	a := int64(max(zeroA-loA, hiA-zeroA))
	b := int64(max(zeroB-loB, hiB-zeroB))
	return int(math.MaxInt32 / (a * b))
}
