package sparse

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/mat"
)

// A Vector is a sparse vector of N elements: element Ind[k] is Val[k], the others
// are zero. The indices increase strictly.
//
// *Vector is a gram.Matrix of one column and a gonum mat.Vector. The zero value is
// the empty vector.
type Vector[T constraints.Float] struct {
	// N is the length, from 0 to 2³².
	N int
	// Ind holds the indices of the entries.
	Ind []uint32
	// Val holds the values of the entries, zeros included if there are any.
	Val []T
}

// NewVector returns the vector of n elements of the given entries, which it does
// not copy. The error wraps gram.ErrShape and says what is wrong: n, the lengths,
// or an index that is too large, out of order or there twice. O(entries).
func NewVector[T constraints.Float](n int, ind []uint32, val []T) (*Vector[T], error) {
	v := &Vector[T]{N: n, Ind: ind, Val: val}
	if err := v.Check(); err != nil {
		return nil, err
	}
	return v, nil
}

// VectorOf returns the vector of the elements of x that are not zero. O(len(x)).
func VectorOf[T constraints.Float](x []T) *Vector[T] {
	v := &Vector[T]{N: len(x)}
	for i, e := range x {
		if e != 0 {
			v.Ind, v.Val = append(v.Ind, uint32(i)), append(v.Val, e)
		}
	}
	return v
}

// Check returns an error that wraps gram.ErrShape if v breaks the rules of
// [Vector]. O(entries).
func (v *Vector[T]) Check() error {
	if v.N < 0 || int64(v.N) > maxDim {
		return shapeError("vector of length %d; it reaches from 0 to 2³²", v.N)
	}
	if len(v.Ind) != len(v.Val) {
		return shapeError("%d indices and %d values", len(v.Ind), len(v.Val))
	}
	for k, i := range v.Ind {
		switch {
		case int64(i) >= int64(v.N):
			return shapeError("entry %d has index %d of %d", k, i, v.N)
		case k > 0 && i == v.Ind[k-1]:
			return shapeError("index %d is there twice", i)
		case k > 0 && i < v.Ind[k-1]:
			return shapeError("index %d comes after %d; indices must increase", i, v.Ind[k-1])
		}
	}
	return nil
}

// Dims returns the shape as a column, N×1.
func (v *Vector[T]) Dims() (rows, cols int) { return v.N, 1 }

// Len returns N.
func (v *Vector[T]) Len() int { return v.N }

// NNZ returns the number of entries.
func (v *Vector[T]) NNZ() int64 { return int64(len(v.Ind)) }

// At returns element i; j must be 0. It panics outside the shape. O(log entries).
func (v *Vector[T]) At(i, j int) float64 {
	checkElement(i, j, v.N, 1)
	if k, ok := slices.BinarySearch(v.Ind, uint32(i)); ok {
		return float64(v.Val[k])
	}
	return 0
}

// AtVec returns element i. It panics outside the vector. O(log entries).
func (v *Vector[T]) AtVec(i int) float64 { return v.At(i, 0) }

// T returns the vector as a row, gonum's implicit view. O(1).
func (v *Vector[T]) T() mat.Matrix { return mat.TransposeVec{Vector: v} }

// ToDense returns the vector as a slice of length N. O(N).
func (v *Vector[T]) ToDense() []T {
	out := make([]T, v.N)
	for k, i := range v.Ind {
		out[i] = v.Val[k]
	}
	return out
}

// gallopRatio is how many times longer one vector must be for searching it to be
// faster than reading it.
const gallopRatio = 8

// Dot returns the inner product Σ vᵢ·wᵢ. It panics if the lengths differ. Vectors
// of similar numbers of entries a ≤ b are merged in O(a + b), others take O(a·log(b/a)).
func (v *Vector[T]) Dot(w *Vector[T]) T {
	if v.N != w.N {
		panic(fmt.Sprintf("sparse: Dot of vectors of length %d and %d", v.N, w.N))
	}
	return dot(v.Ind, v.Val, w.Ind, w.Val)
}

// dot is the inner product of two lists of entries.
func dot[T constraints.Float](ai []uint32, av []T, bi []uint32, bv []T) T {
	if len(ai) > len(bi) {
		ai, av, bi, bv = bi, bv, ai, av
	}
	if len(ai) == 0 {
		return 0
	}
	if len(bi)/len(ai) >= gallopRatio {
		return dotGallop(ai, av, bi, bv)
	}
	var s T
	for p, q := 0, 0; p < len(ai) && q < len(bi); {
		i, j := ai[p], bi[q]
		if i == j {
			s += av[p] * bv[q]
		}
		// Both steps are taken without a branch to predict.
		p += below(i, j)
		q += below(j, i)
	}
	return s
}

// below returns 1 if i ≤ j, else 0.
func below(i, j uint32) int { return int((uint64(i) - uint64(j) - 1) >> 63) }

// dotGallop looks up each entry of a in b. The search starts from where the last
// one ended, with a step of the mean distance between hits.
func dotGallop[T constraints.Float](ai []uint32, av []T, bi []uint32, bv []T) T {
	step := len(bi) / len(ai)
	var s T
	q := 0
	for p, i := range ai {
		q += searchFrom(bi[q:], i, step)
		if q == len(bi) {
			break
		}
		if bi[q] == i {
			s += av[p] * bv[q]
			q++
		}
	}
	return s
}

// searchFrom returns the first place in x, sorted, of an element ≥ i, in time
// logarithmic in that place. step is a guess of it.
func searchFrom(x []uint32, i uint32, step int) int {
	lo, hi := 0, step
	for hi < len(x) && x[hi] < i {
		lo = hi + 1
		hi += step
		step *= 2
	}
	hi = min(hi, len(x))
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if x[mid] < i {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// DotDense returns Σ vᵢ·x[i]. It panics if len(x) is not N. O(entries).
func (v *Vector[T]) DotDense(x []T) T {
	v.checkDense("DotDense", x)
	return dotDense(v.Ind, v.Val, x)
}

// dotDense runs in four sums.
func dotDense[T constraints.Float](ind []uint32, val, x []T) T {
	val = val[:len(ind)]
	var s0, s1, s2, s3 T
	k := 0
	for ; k+4 <= len(ind); k += 4 {
		i, v := ind[k:k+4:k+4], val[k:k+4:k+4]
		s0 += v[0] * x[i[0]]
		s1 += v[1] * x[i[1]]
		s2 += v[2] * x[i[2]]
		s3 += v[3] * x[i[3]]
	}
	for ; k < len(ind); k++ {
		s0 += val[k] * x[ind[k]]
	}
	return (s0 + s1) + (s2 + s3)
}

// AxpyDense adds alpha·v to x. It panics if len(x) is not N. O(entries).
func (v *Vector[T]) AxpyDense(alpha T, x []T) {
	v.checkDense("AxpyDense", x)
	for k, i := range v.Ind {
		x[i] += alpha * v.Val[k]
	}
}

func (v *Vector[T]) checkDense(op string, x []T) {
	if len(x) != v.N {
		panic(fmt.Sprintf("sparse: %s of a vector of length %d and a slice of %d", op, v.N, len(x)))
	}
}

// Sum returns Σ vᵢ.
func (v *Vector[T]) Sum() T { return T(sumOf(v.Val)) }

// Norm returns the p-norm (Σ |vᵢ|ᵖ)^(1/p), for p of 1, 2 or +Inf, without overflow
// on the way. It panics for another p. O(entries).
func (v *Vector[T]) Norm(p float64) T { return T(normOf(v.Val, p)) }

// normOf is the norm of the listed values.
func normOf[T constraints.Float](val []T, p float64) float64 {
	switch {
	case p == 1:
		var s float64
		for _, x := range val {
			s += math.Abs(float64(x))
		}
		return s
	case p == 2:
		return norm2(val)
	case math.IsInf(p, 1):
		var s float64
		for _, x := range val {
			if a := math.Abs(float64(x)); a > s || a != a {
				s = a
			}
		}
		return s
	}
	panic(fmt.Sprintf("sparse: norm of order %v, which is none of 1, 2 and +Inf", p))
}

// norm2 is the Euclidean norm, scaled only where the plain sum leaves the range.
func norm2[T constraints.Float](val []T) float64 {
	var s float64
	for _, x := range val {
		s += float64(x) * float64(x)
	}
	if 1e-280 < s && s < math.MaxFloat64 || len(val) == 0 || s != s {
		return math.Sqrt(s)
	}
	top := normOf(val, math.Inf(1))
	if top == 0 || math.IsInf(top, 1) {
		return top
	}
	s = 0
	for _, x := range val {
		r := float64(x) / top
		s += r * r
	}
	return top * math.Sqrt(s)
}

// sumOf adds in float64.
func sumOf[T constraints.Float](val []T) float64 {
	var s float64
	for _, x := range val {
		s += float64(x)
	}
	return s
}

// Scale multiplies v by alpha.
func (v *Vector[T]) Scale(alpha T) {
	for k := range v.Val {
		v.Val[k] *= alpha
	}
}

// Add returns alpha·v + beta·w, with an entry wherever either has one. It panics if
// the lengths differ. O(entries of both).
func (v *Vector[T]) Add(alpha T, beta T, w *Vector[T]) *Vector[T] {
	if v.N != w.N {
		panic(fmt.Sprintf("sparse: Add of vectors of length %d and %d", v.N, w.N))
	}
	n := len(v.Ind) + len(w.Ind)
	out := &Vector[T]{N: v.N, Ind: make([]uint32, n), Val: make([]T, n)}
	n = addEntries(out.Ind, out.Val, alpha, v.Ind, v.Val, beta, w.Ind, w.Val)
	out.Ind, out.Val = out.Ind[:n], out.Val[:n]
	return out
}

// MulElem returns the elementwise product, with an entry wherever both have one. It
// panics if the lengths differ. O(entries of both).
func (v *Vector[T]) MulElem(w *Vector[T]) *Vector[T] {
	if v.N != w.N {
		panic(fmt.Sprintf("sparse: MulElem of vectors of length %d and %d", v.N, w.N))
	}
	n := min(len(v.Ind), len(w.Ind))
	out := &Vector[T]{N: v.N, Ind: make([]uint32, n), Val: make([]T, n)}
	n = mulEntries(out.Ind, out.Val, v.Ind, v.Val, w.Ind, w.Val)
	out.Ind, out.Val = out.Ind[:n], out.Val[:n]
	return out
}
