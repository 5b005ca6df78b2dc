package quant

import (
	"fmt"
	"math"
	"sync"
	"unsafe"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/i8"
)

// MulInt returns the sums Σₚ (aᵢₚ − zero)·(wⱼₚ − Zeroⱼ), exact, for the m rows of A, an
// m×k row-major matrix, and the n rows of w: m×n row-major. dst is allocated if nil.
//
// Errors: gram.ErrParam for a zero point out of range; gram.ErrShape for an A or dst
// of another length, or if a sum might leave int32 because [Bound] is beyond it: then
// [MulFloat] and [MulQuantized] still do. O(m·n·k), on the calling goroutine.
func MulInt[T Int](dst []int32, a []T, zero int32, w *Weights) ([]int32, error) {
	m, err := checkProduct(a, Params{1, zero}, w)
	if err != nil {
		return nil, err
	}
	if mayOverflow[T](w, zero, 0) {
		return nil, fmt.Errorf("a sum of %d products may reach %d, int32 ends at %d: %w",
			w.k, Bound[T](w, zero), math.MaxInt32, gram.ErrShape)
	}
	if dst, err = gram.Dst(dst, m*w.n); err != nil {
		return nil, err
	}
	s := borrow()
	defer s.giveBack()
	product[T]{w: w, zero: zero, s: s}.sums(dst, a, m)
	return dst, nil
}

// checkProduct returns the number of rows of A.
func checkProduct[T Int](a []T, p Params, w *Weights) (m int, err error) {
	if err := Check[T](p); err != nil {
		return 0, err
	}
	if len(a)%w.k != 0 {
		return 0, fmt.Errorf("%d values are no rows of %d inputs: %w", len(a), w.k, gram.ErrShape)
	}
	return len(a) / w.k, nil
}

// mayOverflow tells whether a sum, to which extra at most is added, may leave int32.
func mayOverflow[T Int](w *Weights, zero int32, extra int64) bool {
	if 255*255*int64(w.k)+extra <= math.MaxInt32 { // spares most products a pass over Bound
		return false
	}
	return Bound[T](w, zero)+extra > math.MaxInt32
}

// An Activation is a function that a product applies to its results.
type Activation int

const (
	// Identity changes nothing.
	Identity Activation = iota
	// ReLU is max(x, 0).
	ReLU
	// ReLU6 is min(max(x, 0), 6).
	ReLU6
)

// limits returns the range of results.
func (a Activation) limits() (lo, hi float64) {
	switch a {
	case ReLU:
		return 0, math.Inf(1)
	case ReLU6:
		return 0, 6
	}
	return math.Inf(-1), math.Inf(1)
}

// Output is what a product does with its sums, in the same pass. The zero value does
// nothing.
type Output struct {
	// Bias is added to the n outputs; nil means 0.
	Bias []float32
	// Activation is applied last.
	Activation Activation
}

func (o Output) check(n int) error {
	if o.Activation < Identity || o.Activation > ReLU6 {
		return fmt.Errorf("activation %d: %w", o.Activation, gram.ErrParam)
	}
	if o.Bias != nil && len(o.Bias) != n {
		return fmt.Errorf("%d biases for %d outputs: %w", len(o.Bias), n, gram.ErrShape)
	}
	for i, b := range o.Bias {
		if b-b != 0 {
			return fmt.Errorf("bias %d is %v: %w", i, b, gram.ErrNonFinite)
		}
	}
	return nil
}

// MulFloat returns the product of A, m×k row-major and quantized under p, with the
// weights as reals, m×n row-major:
//
//	activation(float32(sum)·scaleⱼ + biasⱼ),   scaleⱼ = p.Scale·Scaleⱼ
//
// with sums as in [MulInt], and every operation rounded to float32. Where a sum
// might leave int32, it is split and added up in 64 bits. dst is allocated if nil.
//
// Errors: those of [Check]; gram.ErrShape for lengths that do not fit;
// gram.ErrNonFinite for a bias that is not finite. O(m·n·k).
func MulFloat[T Int](dst []float32, a []T, p Params, w *Weights, o Output) ([]float32, error) {
	m, err := checkProduct(a, p, w)
	if err != nil {
		return nil, err
	}
	if err := o.check(w.n); err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, m*w.n); err != nil {
		return nil, err
	}
	s := borrow()
	defer s.giveBack()
	scale, bias := grow(&s.scale, w.n), grow(&s.bias, w.n)
	clear(bias)
	copy(bias, o.Bias)
	for j := range scale {
		scale[j] = p.Scale * w.params[j].Scale
	}
	lo64, hi64 := o.Activation.limits()
	lo, hi := float32(lo64), float32(hi64)
	x := product[T]{w: w, zero: p.Zero, s: s}
	if mayOverflow[T](w, p.Zero, 0) {
		x.split(a, m, func(at int, sums []int64) {
			for j, v := range sums {
				t := float32(float32(v) * scale[j])
				dst[at+j] = min(max(t+bias[j], lo), hi)
			}
		})
		return dst, nil
	}
	x.rows(a, m, func(at int, sums []int32) {
		i8.Scale(dst[at:at+w.n], sums, scale, bias, lo, hi)
	})
	return dst, nil
}

// MulQuantized is [MulFloat] with results quantized under q:
//
//	clamp(roundHalfEven(float32(sum + biasⱼ)·scaleⱼ) + q.Zero),   scaleⱼ = p.Scale·Scaleⱼ/q.Scale
//
// The bias is first rounded to a multiple of p.Scale·Scaleⱼ, half to even; scaleⱼ is
// the float32 nearest to the quotient. The ends of the activation are rounded to
// q too.
//
// Errors: those of MulFloat; gram.ErrParam for a bias of 2⁵³ multiples or more.
func MulQuantized[U, T Int](dst []U, a []T, p Params, w *Weights, o Output, q Params) ([]U, error) {
	m, err := checkProduct(a, p, w)
	if err != nil {
		return nil, err
	}
	if err := Check[U](q); err != nil {
		return nil, err
	}
	if err := o.check(w.n); err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, m*w.n); err != nil {
		return nil, err
	}
	s := borrow()
	defer s.giveBack()
	x := product[T]{w: w, zero: p.Zero, s: s, bias: grow(&s.sums, w.n)}
	top, err := integerBias(x.bias, o.Bias, p, w)
	if err != nil {
		return nil, err
	}
	scale := grow(&s.scale, w.n)
	for j := range scale {
		scale[j] = float32(float64(p.Scale) * float64(w.params[j].Scale) / float64(q.Scale))
	}
	lo, hi := outputLimits[U](o.Activation, q)
	if mayOverflow[T](w, p.Zero, top) {
		x.split(a, m, func(at int, sums []int64) {
			for j, v := range sums {
				r := min(max(float32(v)*scale[j], float32(lo)), float32(hi))
				dst[at+j] = U(int32(math.RoundToEven(float64(r))) + q.Zero)
			}
		})
		return dst, nil
	}
	x.rows(a, m, func(at int, sums []int32) {
		i8.Requantize(dst[at:at+w.n], sums, scale, lo, hi, q.Zero)
	})
	return dst, nil
}

// integerBias sets dst to the bias in units of the sums, and returns the largest.
func integerBias(dst []int64, bias []float32, p Params, w *Weights) (top int64, err error) {
	clear(dst)
	for j, b := range bias {
		v := math.RoundToEven(float64(b) / (float64(p.Scale) * float64(w.params[j].Scale)))
		if math.Abs(v) >= 1<<53 {
			return 0, fmt.Errorf("bias %d is %v, %v times the scale: %w", j, b, v, gram.ErrParam)
		}
		dst[j] = int64(v)
		top = max(top, dst[j], -dst[j])
	}
	return top, nil
}

// outputLimits returns the range of q − Zero under an activation.
func outputLimits[U Int](a Activation, q Params) (lo, hi int32) {
	first, last := limits[U]()
	lo, hi = first-q.Zero, last-q.Zero
	low, high := a.limits()
	lo = int32(max(float64(lo), math.RoundToEven(low/float64(q.Scale))))
	hi = int32(min(float64(hi), math.RoundToEven(high/float64(q.Scale))))
	return lo, hi
}

// A product is A·Wᵀ for an A of type T.
type product[T Int] struct {
	w    *Weights
	zero int32
	bias []int64 // of the sums; nil is 0
	s    *scratch
}

// The sizes of blocks: of a panel of W the depth, in quads, that stays in a near
// cache while rows pass by, and of A the bytes that do in the next while panels pass.
const (
	blockQuads  = 256
	blockABytes = 256 << 10
	blockSums   = 1 << 18 // of one pass of fused output
)

// rows calls f with the sums of each row, which are at at in a result of m×n.
func (x product[T]) rows(a []T, m int, f func(at int, sums []int32)) {
	n, k := x.w.n, x.w.k
	step := min(m, max(8, blockSums/n&^7))
	for i := 0; i < m; i += step {
		r := min(step, m-i)
		c := grow(&x.s.c, r*n)
		x.sums(c, a[i*k:(i+r)*k], r)
		for l := range r {
			f((i+l)*n, c[l*n:(l+1)*n])
		}
	}
}

// sums sets c, m×n, to the sums, which fit it.
func (x product[T]) sums(c []int32, a []T, m int) {
	for i := range x.w.parts {
		x.part(&x.w.parts[i], c, a, m, i > 0)
	}
}

// split is rows for sums in 64 bits, the parts of which fit 32.
func (x product[T]) split(a []T, m int, f func(at int, sums []int64)) {
	n, k := x.w.n, x.w.k
	total := grow(&x.s.total, n)
	bias := x.bias
	x.bias = nil
	c := grow(&x.s.c, n)
	for i := range m {
		clear(total)
		copy(total, bias)
		for l := range x.w.parts {
			x.part(&x.w.parts[l], c, a[i*k:(i+1)*k], 1, false)
			for j, v := range c {
				total[j] += int64(v)
			}
		}
		f(i*n, total)
	}
}

// part sets c to the sums of one part, or adds them to c. Sums wrap on the way.
func (x product[T]) part(p *part, c []int32, a []T, m int, add bool) {
	if m == 0 {
		return
	}
	var (
		lo, _ = limits[T]()
		flip  = uint8(lo) & 0x80 // makes int8 a of a + 128
		zero  = x.zero - lo
		bytes = unsafe.Slice((*uint8)(unsafe.Pointer(&a[0])), len(a))
		quads = i8.Quads(p.k)
		b     = newBlock(p, x.w.n, m)
		depth = min(quads, b.depth())
	)
	if m <= b.level.Rows {
		depth = quads // W passes by once
	}
	rows := min(m, b.rows(depth))
	first := x.constants(p, zero, add)
	for q := 0; q < quads; q += depth {
		b.q, b.quads = q, min(depth, quads-q)
		for i := 0; i < m; i += rows {
			r := min(rows, m-i)
			b.pack(x.s, bytes[i*x.w.k+p.at+4*q:], x.w.k, r, min(4*b.quads, p.k-4*q), flip)
			switch out := c[i*x.w.n : (i+r)*x.w.n]; {
			case q > 0:
				b.multiply(x.s, r, out, x.w.n, out)
			case add:
				addConstants(out, first)
				b.multiply(x.s, r, out, x.w.n, out)
			default:
				b.multiply(x.s, r, first, 0, out)
			}
		}
	}
	if x.w.shifts {
		x.shift(p, c, bytes, m, flip)
	}
}

// constants returns what the zero points add to every row of the sums of a part: with
// sums over a part of depth k, and u for a as unsigned bytes,
//
//	Σ(u−zero)(w−Zero) = Σu·w − zero·Σw + k·zero·Zero − Zero·Σu
//
// of which shift does the last term. The first part has the bias.
func (x product[T]) constants(p *part, zero int32, add bool) []int32 {
	first := grow(&x.s.first, x.w.n)
	for j, sum := range p.rowSum {
		first[j] = -zero * (sum - int32(p.k)*x.w.params[j].Zero)
		if x.bias != nil && !add {
			first[j] += int32(x.bias[j])
		}
	}
	return first
}

func addConstants(c, first []int32) {
	for len(c) > 0 {
		for j, v := range first {
			c[j] += v
		}
		c = c[len(first):]
	}
}

// shift subtracts Zero·Σu from the sums.
func (x product[T]) shift(p *part, c []int32, a []uint8, m int, flip uint8) {
	for i := range m {
		var sum int32
		for _, v := range a[i*x.w.k+p.at:][:p.k] {
			sum += int32(v ^ flip)
		}
		for j := range x.w.n {
			c[i*x.w.n+j] -= sum * x.w.params[j].Zero
		}
	}
}

// A block is quads q, q+1 and so on of a part.
type block struct {
	level    *i8.Level
	wide     *i8.Wide // instead of the level's own tiles, if not nil
	part     *part
	n        int
	q, quads int
}

// newBlock returns a block of a part with n columns, for a product with m rows, the
// quads of which are to be set.
func newBlock(p *part, n, m int) block {
	b := block{level: i8.Current(), part: p, n: n}
	if w := b.level.Wide; w != nil && m >= 2*w.Rows {
		b.wide = w
	}
	return b
}

// depth is the most quads that a block should have.
func (b *block) depth() int {
	if b.wide != nil {
		return blockQuads / 2
	}
	return blockQuads
}

// rows is the most rows of A that should meet a block of the given depth.
func (b *block) rows(depth int) int {
	if w := b.wide; w != nil {
		return max(w.Rows, blockABytes/(8*depth)/w.Rows*w.Rows)
	}
	return max(b.level.Rows, blockABytes/(4*depth)&^7)
}

// pack packs m rows of A, of depth k, into scratch.
func (b *block) pack(s *scratch, a []uint8, lds, m, k int, flip uint8) {
	if b.wide != nil {
		b.wide.PackA(grow(&s.wideA, m*b.quads), a, lds, m, k, flip)
		return
	}
	b.level.PackA(grow(&s.a, m*b.quads*4), a, lds, m, k, flip)
}

// multiply sets c to add plus the product of m packed rows with the block.
func (b *block) multiply(s *scratch, m int, add []int32, lda int, c []int32) {
	if b.wide != nil {
		b.multiplyWide(s, m, add, lda, c)
		return
	}
	l, a := b.level, s.a
	if m == 1 && l.Row != nil {
		b.strips(l.Lanes, len(l.Row), func(j, v, tail int, panel []int8, ldb int) {
			l.Row[v-1](1, b.quads, &a[0], &panel[0], ldb, &add[j], lda, &c[j], b.n, tail)
		})
		return
	}
	groups, rest := m/l.Rows, m%l.Rows
	b.strips(l.Lanes, l.Vectors, func(j, v, tail int, panel []int8, ldb int) {
		if groups > 0 {
			l.Tiles[l.Rows-1][v-1](groups, b.quads, &a[0], &panel[0], ldb, &add[j], lda, &c[j], b.n, tail)
		}
		if rest > 0 {
			i := groups * l.Rows
			l.Tiles[rest-1][v-1](1, b.quads, &a[i*b.quads*4], &panel[0], ldb, &add[i*lda+j], lda, &c[i*b.n+j], b.n, tail)
		}
	})
}

func (b *block) multiplyWide(s *scratch, m int, add []int32, lda int, c []int32) {
	w, a := b.wide, s.wideA
	groups, rest := m/w.Rows, m%w.Rows
	strip := grow(&s.wideB, b.quads*4*w.Vectors*w.Lanes)
	b.strips(w.Lanes, w.Vectors, func(j, v, tail int, panel []int8, ldb int) {
		w.WidenB(strip, panel, ldb, b.quads, v)
		w.Tiles[w.Rows-1][v-1](groups, b.quads, &a[0], &strip[0], &add[j], lda, &c[j], b.n, tail)
		if rest > 0 {
			i := groups * w.Rows
			w.Tiles[rest-1][v-1](1, b.quads, &a[i*b.quads], &strip[0], &add[i*lda+j], lda, &c[i*b.n+j], b.n, tail)
		}
	})
}

// strips calls f with each strip of up to the given number of vectors: its first
// column, its vectors and the lanes of the last, and the panel from there on.
func (b *block) strips(lanes, vectors int, f func(j, v, tail int, panel []int8, ldb int)) {
	for first := 0; first < b.n; first += i8.PanelCols {
		at, width := i8.Panel(first, i8.Quads(b.part.k), b.n)
		panel := b.part.packed[at+b.q*width*4:]
		end := min(b.n, first+width)
		for j := first; j < end; j += vectors * lanes {
			cols := min(end-j, vectors*lanes)
			v := (cols + lanes - 1) / lanes
			f(j, v, cols-(v-1)*lanes, panel[(j-first)*4:], 4*width)
		}
	}
}

// scratch is memory kept between products.
type scratch struct {
	a           []uint8
	wideA       []uint64
	wideB       []int16
	w, q        []int8
	c, first    []int32
	sums, total []int64
	z           []float64
	scale, bias []float32
}

var pool = sync.Pool{New: func() any { return new(scratch) }}

func borrow() *scratch       { return pool.Get().(*scratch) }
func (s *scratch) giveBack() { pool.Put(s) }

// grow returns n elements of *buf, in place of what was there.
func grow[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	return (*buf)[:n]
}
