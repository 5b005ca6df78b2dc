package gram

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
)

// An Encoder collects the payload of a model that is being saved. Its methods never
// fail visibly: the first error is kept and [Save] returns it.
//
// Integers take 8 bytes, little endian, and floats their 8 bytes of IEEE 754, so
// that every bit comes back, a NaN's included. Slices and strings carry their
// length; an empty slice comes back as nil.
type Encoder struct {
	buf   []byte
	depth int
	err   error
}

// Fail keeps an error, unless there is one already: the model cannot be saved.
func (e *Encoder) Fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *Encoder) uint64(v uint64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, v) }

// Int appends v.
func (e *Encoder) Int(v int) { e.uint64(uint64(v)) }

// Ints appends v and its length.
func (e *Encoder) Ints(v []int) {
	e.Int(len(v))
	e.buf = slices.Grow(e.buf, 8*len(v))
	for _, x := range v {
		e.Int(x)
	}
}

// Float appends the bits of v.
func (e *Encoder) Float(v float64) { e.uint64(math.Float64bits(v)) }

// Floats appends v and its length.
func (e *Encoder) Floats(v []float64) {
	e.Int(len(v))
	e.buf = slices.Grow(e.buf, 8*len(v))
	for _, x := range v {
		e.Float(x)
	}
}

// Bool appends v in one byte.
func (e *Encoder) Bool(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	e.buf = append(e.buf, b)
}

// Bytes appends v and its length.
func (e *Encoder) Bytes(v []byte) {
	e.Int(len(v))
	e.buf = append(e.buf, v...)
}

// String appends v and its length.
func (e *Encoder) String(v string) {
	e.Int(len(v))
	e.buf = append(e.buf, v...)
}

// Convergence appends c.
func (e *Encoder) Convergence(c Convergence) {
	e.String(c.Solver)
	e.Int(c.Iterations)
	e.Float(c.Objective)
	e.Float(c.Residual)
	e.Float(c.Tolerance)
	e.Bool(c.Converged)
}

// Model appends m as a record of its own format, which must be registered. Models
// nest at most 32 deep.
func (e *Encoder) Model(m Model) {
	if e.err != nil {
		return
	}
	if isNil(m) {
		e.Fail("model is nil")
		return
	}
	f := formatOf(m)
	if f == nil {
		e.Fail("type %T is not registered", m)
		return
	}
	if e.depth == maxDepth {
		e.Fail("models are nested deeper than %d", maxDepth)
		return
	}
	e.buf = append(e.buf, byte(len(f.name)))
	e.buf = append(e.buf, f.name...)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(f.version))
	e.Int(m.Features())
	e.Int(0) // the payload's length, known when it is there
	start := len(e.buf)
	e.depth++
	f.encode(e, m)
	e.depth--
	binary.LittleEndian.PutUint64(e.buf[start-8:], uint64(len(e.buf)-start))
}

// EncodeModels appends the models and their number; [DecodeModels] reads them.
func EncodeModels[M Model](e *Encoder, models []M) {
	e.Int(len(models))
	for _, m := range models {
		e.Model(m)
	}
}

// isNil tells whether m is nil or holds a nil pointer.
func isNil(m Model) bool {
	if m == nil {
		return true
	}
	v := reflect.ValueOf(m)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// A Decoder reads the payload of a model that is being loaded, in the order in which
// it was written. The first error is kept: from then on every method returns the
// zero value, and [Load] returns the error and no model. A decode function therefore
// reads straight through and, having read, checks what its methods will rely on:
//
//	m := &Model{features: d.Count(), classes: d.Count()}
//	m.coef = d.Floats(m.classes, m.features)
//	if m.classes < 2 {
//		d.Fail("%d classes", m.classes)
//	}
//	return m
//
// Nothing read can be trusted. Sizes go through Count, which the bytes that are left
// bound, or are checked by giving Floats and Ints a shape; indices need a check of
// their own. After an error slices are nil whatever their shape, so code that
// indexes them while decoding looks at Err first.
type Decoder struct {
	buf   []byte
	depth int
	err   error
}

// Err returns the first error, nil while there is none.
func (d *Decoder) Err() error { return d.err }

// Fail keeps an error that wraps ErrFormat, unless there is one already. Decode
// functions call it for values that no model can have.
func (d *Decoder) Fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrFormat)
	}
}

// next returns the next n bytes, or nil and an error.
func (d *Decoder) next(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > len(d.buf) {
		d.Fail("%d bytes where %d are left", n, len(d.buf))
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

func (d *Decoder) uint64() uint64 {
	if b := d.next(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Int reads what [Encoder.Int] wrote.
func (d *Decoder) Int() int {
	v := int64(d.uint64())
	if int64(int(v)) != v {
		d.Fail("integer %d does not fit this machine", v)
		return 0
	}
	return int(v)
}

// Count reads an Int that counts something of which each takes a byte or more of
// what follows: it must lie between 0 and the number of bytes left. What is
// allocated by it is thus bounded by the input.
func (d *Decoder) Count() int { return d.count(1) }

// count is Count for things of at least size bytes.
func (d *Decoder) count(size int) int {
	n := d.Int()
	if n < 0 || n > len(d.buf)/size {
		d.Fail("count of %d with %d bytes left", n, len(d.buf))
		return 0
	}
	return n
}

// Ints reads what [Encoder.Ints] wrote. Given a shape, the length must be the product
// of its dimensions.
func (d *Decoder) Ints(shape ...int) []int {
	n := d.sized(shape)
	if n == 0 {
		return nil
	}
	v := make([]int, n)
	for i := range v {
		v[i] = d.Int()
	}
	if d.err != nil {
		return nil
	}
	return v
}

// Float reads what [Encoder.Float] wrote.
func (d *Decoder) Float() float64 { return math.Float64frombits(d.uint64()) }

// Floats reads what [Encoder.Floats] wrote. Given a shape, the length must be the
// product of its dimensions.
func (d *Decoder) Floats(shape ...int) []float64 {
	n := d.sized(shape)
	if n == 0 {
		return nil
	}
	b := d.next(8 * n)
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return v
}

// sized reads the length of a slice of 8-byte elements and holds it against the
// shape, if there is one.
func (d *Decoder) sized(shape []int) int {
	n := d.count(8)
	if d.err == nil && len(shape) > 0 && !isProduct(n, shape) {
		d.Fail("%d elements for a shape of %d", n, shape)
	}
	if d.err != nil {
		return 0
	}
	return n
}

// isProduct tells whether n is the product of the dimensions, in exact arithmetic
// and with none of them negative.
func isProduct(n int, shape []int) bool {
	if slices.Min(shape) <= 0 {
		return n == 0 && slices.Min(shape) == 0
	}
	product := uint64(1)
	for _, dim := range shape {
		hi, lo := bits.Mul64(product, uint64(dim))
		if hi != 0 {
			return false
		}
		product = lo
	}
	return product == uint64(n)
}

// Bool reads what [Encoder.Bool] wrote.
func (d *Decoder) Bool() bool {
	b := d.next(1)
	if b == nil {
		return false
	}
	if b[0] > 1 {
		d.Fail("boolean is %d", b[0])
	}
	return b[0] == 1
}

// Bytes reads what [Encoder.Bytes] wrote.
func (d *Decoder) Bytes() []byte {
	b := d.next(d.count(1))
	if len(b) == 0 {
		return nil
	}
	return slices.Clone(b)
}

// String reads what [Encoder.String] wrote.
func (d *Decoder) String() string { return string(d.next(d.count(1))) }

// Convergence reads what [Encoder.Convergence] wrote.
func (d *Decoder) Convergence() Convergence {
	return Convergence{
		Solver:     d.String(),
		Iterations: d.Int(),
		Objective:  d.Float(),
		Residual:   d.Float(),
		Tolerance:  d.Float(),
		Converged:  d.Bool(),
	}
}

// Model reads what [Encoder.Model] wrote, a model of any format; nil after an error.
func (d *Decoder) Model() Model {
	if d.err != nil {
		return nil
	}
	return d.record(d.depth + 1)
}

// DecodeModel is [Decoder.Model] for a model that must be an M, a concrete type or
// an interface such as [Classifier]; the zero value of M after an error.
func DecodeModel[M Model](d *Decoder) M {
	var none M
	m := d.Model()
	if d.err != nil {
		return none
	}
	got, ok := m.(M)
	if !ok {
		d.Fail("a nested model is a %T, not a %v", m, reflect.TypeFor[M]())
		return none
	}
	return got
}

// DecodeModels reads what [EncodeModels] wrote; nil after an error.
func DecodeModels[M Model](d *Decoder) []M {
	n := d.count(minRecord)
	models := make([]M, 0, n)
	for range n {
		models = append(models, DecodeModel[M](d))
	}
	if d.err != nil {
		return nil
	}
	return models
}

// header is what a record says about its model before the payload.
type header struct {
	name              string
	version, features uint64
	size              uint64
}

func (d *Decoder) header() header {
	var h header
	if b := d.next(1); b != nil {
		h.name = string(d.next(int(b[0])))
	}
	if b := d.next(4); b != nil {
		h.version = uint64(binary.LittleEndian.Uint32(b))
	}
	h.features, h.size = d.uint64(), d.uint64()
	if d.err == nil && h.size > uint64(len(d.buf)) {
		d.Fail("payload of %d bytes where %d are left", h.size, len(d.buf))
	}
	return h
}

// record reads a whole record at the given depth and checks the model it gives.
func (d *Decoder) record(depth int) Model {
	if depth >= maxDepth {
		d.Fail("models are nested deeper than %d", maxDepth)
		return nil
	}
	h := d.header()
	if d.err != nil {
		return nil
	}
	m, err := h.decode(&Decoder{buf: d.next(int(h.size)), depth: depth})
	if err != nil {
		d.err = fmt.Errorf("format %q: %w", h.name, err)
		return nil
	}
	return m
}

// decode has the registered format read the payload.
func (h header) decode(d *Decoder) (Model, error) {
	f := formatNamed(h.name)
	if f == nil {
		return nil, fmt.Errorf("unknown, import the package that registers it (formats are named package.Type): %w", ErrFormat)
	}
	if h.version < 1 || h.version > uint64(f.version) {
		return nil, fmt.Errorf("version %d, this program reads 1 to %d: %w", h.version, f.version, ErrFormat)
	}
	m := f.decode(d, int(h.version))
	switch {
	case d.err != nil:
	case len(d.buf) > 0:
		d.Fail("%d bytes left over in the payload", len(d.buf))
	case isNil(m):
		d.Fail("decoded to nil")
	case m.Features() < 0 || uint64(m.Features()) != h.features:
		d.Fail("model has %d features, its header says %d", m.Features(), h.features)
	}
	if d.err != nil {
		return nil, d.err
	}
	return m, nil
}
