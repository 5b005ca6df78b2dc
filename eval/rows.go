package eval

import (
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Rows returns a view of the given rows of X, in the given order; a row may come more
// than once. Nothing is copied: the view reads rows and X, which must not change while
// it is in use, and is as fast as X allows. Stretches of consecutive rows of a dense X
// are handed out as they are, other rows are gathered block by block, and an X that
// multiplies by itself (a gram.Operator, as sparse matrices are) multiplies the view.
//
// It returns gram.ErrShape when X is nil or a row is not in it. O(len(rows)).
func Rows(X gram.Matrix, rows []int) (gram.Matrix, error) {
	if X == nil {
		return nil, fmt.Errorf("X is nil: %w", gram.ErrShape)
	}
	n, _ := X.Dims()
	for _, i := range rows {
		if i < 0 || i >= n {
			return nil, fmt.Errorf("row %d of a matrix of %d rows: %w", i, n, gram.ErrShape)
		}
	}
	return linalg.Rows(X, rows), nil
}
