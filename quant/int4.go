package quant

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/i8"
)

// Weights4 are an n×k matrix of 4-bit integers in −7..7, two in a byte, with a scale
// for every group of consecutive inputs of every output: half a byte a weight, and 4
// bytes a group. They are immutable and safe for concurrent use.
type Weights4 struct {
	n, k, group int
	scale       []float32 // group after group, n each
	rowSum      []int32   // the sums of the integers, likewise
	packed      []byte    // group after group, each as i8.PackB has it, two in a byte
	stride      int       // bytes of a group in packed
}

// DefaultGroup is the number of weights that share a scale if none is given.
const DefaultGroup = 64

// PackInt4 quantizes the n×k row-major matrix w in groups of the given size, a
// multiple of 4, of which the last may be shorter; 0 means [DefaultGroup]. Within a
// group the scale is the largest |w|/7.
//
// Errors: gram.ErrShape for an empty matrix or a w of another length; gram.ErrParam for
// a group that is no positive multiple of 4 or is beyond 32768; gram.ErrNonFinite,
// naming the output, for a w that is not finite. O(n·k).
func PackInt4[F Float](w []F, n, k, group int) (*Weights4, error) {
	if n <= 0 || k <= 0 || len(w)%k != 0 || len(w)/k != n {
		return nil, fmt.Errorf("%d weights for %d outputs of %d inputs: %w", len(w), n, k, gram.ErrShape)
	}
	if group == 0 {
		group = DefaultGroup
	}
	if group < 0 || group%4 != 0 || group > 1<<15 {
		return nil, fmt.Errorf("group of %d, want a multiple of 4 up to 32768: %w", group, gram.ErrParam)
	}
	groups := (k + group - 1) / group
	p := &Weights4{
		n: n, k: k, group: group, stride: i8.PackedSize(group, n) / 2,
		scale: make([]float32, groups*n), rowSum: make([]int32, groups*n),
	}
	p.packed = make([]byte, groups*p.stride)
	q, bytes := make([]int8, n*group), make([]int8, 2*p.stride)
	for g := range groups {
		if err := quantizeGroup(p, q, w, g); err != nil {
			return nil, err
		}
		clear(bytes)
		i8.PackB(bytes, q, group, n, group)
		for i := range p.stride {
			p.packed[g*p.stride+i] = byte(bytes[2*i])&15 | byte(bytes[2*i+1])<<4
		}
	}
	return p, nil
}

// quantizeGroup sets q, n×group, to group g of w, and its scales and sums.
func quantizeGroup[F Float](p *Weights4, q []int8, w []F, g int) error {
	clear(q)
	lo, hi := g*p.group, min(p.k, (g+1)*p.group)
	for j := range p.n {
		row := w[j*p.k+lo : j*p.k+hi]
		top := absMax(row)
		if top-top != 0 {
			return fmt.Errorf("a weight of output %d is %v: %w", j, top, gram.ErrNonFinite)
		}
		scale, err := scaleOf(top / 7)
		if err != nil {
			return fmt.Errorf("output %d: %w", j, err)
		}
		sum := int32(0)
		for i, v := range row {
			r := min(max(math.RoundToEven(float64(v)/float64(scale)), -7), 7)
			q[j*p.group+i] = int8(r)
			sum += int32(r)
		}
		p.scale[g*p.n+j], p.rowSum[g*p.n+j] = scale, sum
	}
	return nil
}

// Dims returns the number of outputs n and of inputs k.
func (p *Weights4) Dims() (n, k int) { return p.n, p.k }

// Bytes returns the size of the weights in memory, scales included.
func (p *Weights4) Bytes() int { return len(p.packed) + 8*len(p.scale) }

// Floats returns the weights as reals, n×k row-major.
func (p *Weights4) Floats() []float32 {
	out := make([]float32, p.n*p.k)
	bytes := make([]int8, 2*p.stride)
	for g := range len(p.scale) / p.n {
		p.unpack(bytes, g)
		for j := range p.n {
			at, width := i8.Panel(j/i8.PanelCols*i8.PanelCols, p.group/4, p.n)
			for i := g * p.group; i < min(p.k, (g+1)*p.group); i++ {
				s := i - g*p.group
				out[j*p.k+i] = float32(bytes[at+s/4*width*4+j%i8.PanelCols*4+s%4]) * p.scale[g*p.n+j]
			}
		}
	}
	return out
}

// unpack sets dst to group g as bytes.
func (p *Weights4) unpack(dst []int8, g int) {
	src := p.packed[g*p.stride : (g+1)*p.stride] // a multiple of 4 long
	out := unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), len(dst))
	for i := 0; i < len(src); i += 4 {
		binary.LittleEndian.PutUint64(out[2*i:], spread(binary.LittleEndian.Uint32(src[i:])))
	}
}

// spread returns the eight 4-bit integers of x as bytes, the lowest first.
func spread(x uint32) uint64 {
	v := uint64(x)
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
	return v | v&0x0808080808080808*0x1e // the sign, into the upper four bits
}

// MulInt4 returns the product of A, m×k row-major and quantized under p, with the
// weights as reals, m×n row-major. The sum of each group is exact; in float32, and in
// the order of the groups, it is multiplied by the group's scale and added up, and
// the total multiplied by p.Scale before bias and activation. dst is allocated if nil.
//
// Errors: those of [MulFloat]. O(m·n·k).
func MulInt4[T Int](dst []float32, a []T, p Params, w *Weights4, o Output) ([]float32, error) {
	if err := Check[T](p); err != nil {
		return nil, err
	}
	if len(a)%w.k != 0 {
		return nil, fmt.Errorf("%d values are no rows of %d inputs: %w", len(a), w.k, gram.ErrShape)
	}
	m := len(a) / w.k
	if err := o.check(w.n); err != nil {
		return nil, err
	}
	dst, err := gram.Dst(dst, m*w.n)
	if err != nil || m == 0 {
		return dst, err
	}
	clear(dst)
	lo, _ := limits[T]()
	bytes := unsafe.Slice((*uint8)(unsafe.Pointer(&a[0])), len(a))
	s := borrow()
	defer s.giveBack()
	for g := range len(w.scale) / w.n {
		w.addGroup(dst, bytes, m, g, p.Zero-lo, uint8(lo)&0x80, s)
	}
	low, high := o.Activation.limits()
	for i := range m {
		row := dst[i*w.n : (i+1)*w.n]
		for j, v := range row {
			v = float32(v * p.Scale)
			if o.Bias != nil {
				v += o.Bias[j]
			}
			row[j] = min(max(v, float32(low)), float32(high))
		}
	}
	return dst, nil
}

// addGroup adds the products of group g to dst, where A as unsigned bytes, once
// flipped, has the given zero point.
func (w *Weights4) addGroup(dst []float32, a []uint8, m, g int, zero int32, flip uint8, s *scratch) {
	at := g * w.group
	k := min(w.group, w.k-at)
	unpacked := grow(&s.w, 2*w.stride)
	w.unpack(unpacked, g)
	first := grow(&s.first, w.n)
	for j, sum := range w.rowSum[g*w.n : (g+1)*w.n] {
		first[j] = -zero * sum
	}
	scale, none := w.scale[g*w.n:(g+1)*w.n], float32(math.Inf(1))
	b := newBlock(&part{k: w.group, packed: unpacked}, w.n, m)
	b.quads = i8.Quads(k)
	step := min(m, max(8, blockSums/w.n&^7))
	c := grow(&s.c, step*w.n)
	for i := 0; i < m; i += step {
		r := min(step, m-i)
		b.pack(s, a[i*w.k+at:], w.k, r, k, flip)
		b.multiply(s, r, first, 0, c[:r*w.n])
		for l := range r {
			row := dst[(i+l)*w.n : (i+l+1)*w.n]
			i8.Scale(row, c[l*w.n:(l+1)*w.n], scale, row, -none, none)
		}
	}
}
