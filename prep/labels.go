package prep

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/gram-ml/gram"
)

// LabelEncoder numbers the labels of classes, of any ordered type, as classifiers take
// them: 0..K−1, in ascending order.
type LabelEncoder[T cmp.Ordered] struct{}

// Fit learns the distinct labels of y. There is ErrShape if y is empty. O(n·log n).
func (LabelEncoder[T]) Fit(y []T) (*LabelModel[T], error) {
	if len(y) == 0 {
		return nil, fmt.Errorf("y is empty: %w", gram.ErrShape)
	}
	classes := slices.Clone(y)
	slices.Sort(classes)
	equal := func(a, b T) bool { return cmp.Compare(a, b) == 0 } // as == does not for NaN
	return &LabelModel[T]{slices.Clip(slices.CompactFunc(classes, equal))}, nil
}

// LabelModel is a fitted [LabelEncoder]. For labels of type string, int, int64 and
// float64 it is a gram.Model that saves and loads; of others, Classes can be kept and
// fitted again. It is immutable and safe for concurrent use.
type LabelModel[T cmp.Ordered] struct {
	classes []T
}

// Features returns 1: labels are a column.
func (m *LabelModel[T]) Features() int { return 1 }

// Classes returns a copy of the labels, ascending: that of class k is at k.
func (m *LabelModel[T]) Classes() []T { return slices.Clone(m.classes) }

// Encode returns the class of a label and whether there is one. It allocates nothing.
// O(log K).
func (m *LabelModel[T]) Encode(label T) (class int, ok bool) {
	return slices.BinarySearch(m.classes, label)
}

// Decode returns the label of a class and whether there is one. O(1).
func (m *LabelModel[T]) Decode(class int) (label T, ok bool) {
	if class < 0 || class >= len(m.classes) {
		return label, false
	}
	return m.classes[class], true
}

// Transform sets dst to the classes of the labels y and returns it; nil allocates.
// Errors: ErrShape for a dst of another length, ErrLabels with the first label that Fit
// has not seen. O(n·log K).
func (m *LabelModel[T]) Transform(dst []int, y []T) ([]int, error) {
	dst, err := gram.Dst(dst, len(y))
	if err != nil {
		return nil, err
	}
	for i, label := range y {
		class, ok := m.Encode(label)
		if !ok {
			return nil, fmt.Errorf("label %v in row %d is none of %d: %w", label, i, len(m.classes), gram.ErrLabels)
		}
		dst[i] = class
	}
	return dst, nil
}

// InverseTransform sets dst to the labels of the classes and returns it; nil allocates.
// Errors: ErrShape for a dst of another length, ErrLabels with the first number that
// is no class. O(n).
func (m *LabelModel[T]) InverseTransform(dst []T, classes []int) ([]T, error) {
	dst, err := gram.Dst(dst, len(classes))
	if err != nil {
		return nil, err
	}
	for i, class := range classes {
		label, ok := m.Decode(class)
		if !ok {
			return nil, fmt.Errorf("class %d in row %d, there are %d: %w", class, i, len(m.classes), gram.ErrLabels)
		}
		dst[i] = label
	}
	return dst, nil
}

func init() {
	registerLabels("string", (*gram.Encoder).String, (*gram.Decoder).String)
	registerLabels("int", (*gram.Encoder).Int, (*gram.Decoder).Int)
	registerLabels("int64",
		func(e *gram.Encoder, v int64) { e.String(strconv.FormatInt(v, 10)) }, // an int may have 32 bits
		func(d *gram.Decoder) int64 {
			s := d.String()
			v, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				d.Fail("label %q is no int64", s)
			}
			return v
		})
	registerLabels("float64", (*gram.Encoder).Float, (*gram.Decoder).Float)
}

func registerLabels[T cmp.Ordered](name string, encode func(*gram.Encoder, T), decode func(*gram.Decoder) T) {
	gram.Register("prep.Labels/"+name, 1,
		func(e *gram.Encoder, m *LabelModel[T]) {
			e.Int(len(m.classes))
			for _, label := range m.classes {
				encode(e, label)
			}
		},
		func(d *gram.Decoder, _ int) *LabelModel[T] {
			m := &LabelModel[T]{make([]T, 0, d.Count())}
			for range cap(m.classes) {
				label := decode(d)
				if k := len(m.classes); k > 0 && cmp.Compare(m.classes[k-1], label) >= 0 {
					d.Fail("label %v after %v", label, m.classes[k-1])
				}
				m.classes = append(m.classes, label)
			}
			if d.Err() == nil && len(m.classes) == 0 {
				d.Fail("no labels")
			}
			return m
		})
}
