package ensemble

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
)

// missingRank is the rank of a missing value, above all others.
const missingRank = 1<<32 - 1

// An entry is a row in the order of a feature.
type entry struct {
	row  int32
	rank uint32 // of its value among the distinct values of the feature
}

// sorted is X in the order of each feature: what exact splits are found in.
type sorted struct {
	n, d        int
	order       [][]entry   // by feature; missing values come last
	values      [][]float64 // by feature, the distinct values in order
	categorical []bool
}

// newSorted sorts the columns of the given rows of X, nil for all. A column that is
// categorical keeps its codes as ranks. O(n·d).
func newSorted(ctx context.Context, workers int, X gram.Matrix, rows []int32, categorical []bool) (*sorted, error) {
	n, d := X.Dims()
	if rows != nil {
		n = len(rows)
	}
	s := &sorted{n: n, d: d, order: make([][]entry, d), values: make([][]float64, d), categorical: categorical}
	bad := make([]error, d)
	err := eachColumn(ctx, workers, X, rows, func(j int, column []float64) {
		if categorical[j] {
			bad[j] = checkCategories(j, column)
		}
		if bad[j] == nil {
			s.sort(j, column)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, err := range bad {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *sorted) sort(j int, column []float64) {
	keys := make([]keyed, 0, s.n)
	for i, v := range column {
		if v == v {
			keys = append(keys, keyed{sortable(v), int32(i)})
		}
	}
	sortKeys(keys, make([]keyed, len(keys)))
	order := make([]entry, 0, s.n)
	var values []float64
	for i, k := range keys {
		if i == 0 || k.key != keys[i-1].key {
			values = append(values, unsortable(k.key))
		}
		rank := uint32(len(values) - 1)
		if s.categorical[j] {
			rank = uint32(values[rank])
		}
		order = append(order, entry{k.row, rank})
	}
	if len(keys) < s.n {
		for i, v := range column {
			if v != v {
				order = append(order, entry{int32(i), missingRank})
			}
		}
	}
	s.order[j], s.values[j] = order, values
}

// clone returns the orders in memory of their own, for a grower to rearrange.
func (s *sorted) clone() [][]entry {
	all := make([]entry, s.n*s.d)
	out := make([][]entry, s.d)
	for j := range out {
		out[j] = all[j*s.n : (j+1)*s.n : (j+1)*s.n]
		copy(out[j], s.order[j])
	}
	return out
}

// maxCategories is how many categories a feature may have.
const maxCategories = 255

// checkCategories checks the codes of a categorical column.
func checkCategories(j int, column []float64) error {
	for i, v := range column {
		if err := checkCategory(i, j, v); err != nil {
			return err
		}
	}
	return nil
}

// checkCategory checks element (i, j) of a matrix, whose column j is categorical.
func checkCategory(i, j int, v float64) error {
	if v == v && !isCategory(v) {
		return fmt.Errorf("column %d is categorical and holds %v in row %d, want codes 0 to %d: %w", j, v, i, maxCategories-1, gram.ErrParam)
	}
	return nil
}

// isCategory tells whether v is the code of a category.
func isCategory(v float64) bool {
	return v >= 0 && v < maxCategories && v == float64(uint8(v))
}

// A categorySet holds codes of categories.
type categorySet [4]uint64

func (s *categorySet) add(c int)      { s[c>>6] |= 1 << (c & 63) }
func (s *categorySet) remove(c int)   { s[c>>6] &^= 1 << (c & 63) }
func (s *categorySet) has(c int) bool { return s[c>>6]>>(c&63)&1 == 1 }
