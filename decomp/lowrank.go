package decomp

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// LowRank replaces a weight matrix W, as of a layer of a network or the coefficients of many
// outputs, by a product of two thinner ones, W ≈ A·B, m×r and r×n. That saves parameters and
// operations where r·(m+n) < m·n. The zero value takes the least r that is off by no more
// than 0.1 of ‖W‖.
//
// It is the truncated singular value decomposition, of which no other product of the rank
// is nearer to W in the Frobenius or the spectral norm (C. Eckart and G. Young, 1936;
// L. Mirsky, 1960); each factor takes the root of the singular values.
type LowRank struct {
	// Rank is r, 1 to min(m, n); 0 means the least whose error is at most MaxError.
	Rank int
	// MaxError bounds ‖W − A·B‖/‖W‖, in the Frobenius norm, in [0, 1); 0 means 0.1.
	MaxError float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The result does not depend on it.
	Workers int
}

// A LowRankPoint says what a rank costs and what it keeps.
type LowRankPoint struct {
	Rank int
	// Parameters is r·(m+n), the number of elements of both factors, and Saved the share of
	// the m·n of the matrix that this saves; it is negative where the factors are larger.
	Parameters int
	Saved      float64
	// Error is ‖W − A·B‖/‖W‖ in the Frobenius norm, and Spectral in the spectral norm: the
	// most that the product with a vector of length 1 is off, against the most it can be.
	Error, Spectral float64
}

// LowRankFactors is what [LowRank] finds.
type LowRankFactors struct {
	// A is m×r and B r×n.
	A, B *linalg.Dense[float64]
	// Chosen is the point of their rank.
	Chosen LowRankPoint
	// Curve has a point for every rank, from 1 to min(m, n).
	Curve []LowRankPoint
}

// Factorize returns the factors of W, m×n.
//
// Errors: ErrShape and ErrNonFinite for W; ErrParam for a field out of its range; that of ctx,
// which is looked at before the decomposition. O(m·n·min(m, n)).
func (l LowRank) Factorize(ctx context.Context, W gram.Matrix) (*LowRankFactors, error) {
	m, n, err := gram.CheckMatrix(W)
	if err != nil {
		return nil, err
	}
	if l.MaxError == 0 {
		l.MaxError = 0.1
	}
	switch {
	case l.Rank < 0 || l.Rank > min(m, n):
		return nil, fmt.Errorf("rank %d of a %d×%d matrix: %w", l.Rank, m, n, gram.ErrParam)
	case !(l.MaxError > 0 && l.MaxError < 1):
		return nil, fmt.Errorf("MaxError is %v: %w", l.MaxError, gram.ErrParam)
	}
	if err := ctx.Err(); err != nil {
		return nil, stopped(err)
	}
	f, err := linalg.NewSVD(l.Workers, denseCopy(W))
	if err != nil {
		return nil, err
	}
	out := &LowRankFactors{Curve: lowRankCurve(f.Values, m, n)}
	r := l.Rank
	for r == 0 || l.Rank == 0 && out.Curve[r-1].Error > l.MaxError {
		r++
	}
	out.Chosen = out.Curve[r-1]
	out.A = linalg.CopyOf[float64](f.U.Slice(0, m, 0, r))
	out.B = transposed(f.V.Slice(0, n, 0, r))
	for j, v := range f.Values[:r] {
		root := math.Sqrt(v)
		f64.Scal(root, out.B.Row(j))
		for i := range m {
			out.A.Row(i)[j] *= root
		}
	}
	return out, nil
}

// lowRankCurve sums the squares of the values left out from the smallest up.
func lowRankCurve(values []float64, m, n int) []LowRankPoint {
	k := len(values)
	curve := make([]LowRankPoint, k)
	left := 0.0
	for r := k; r >= 1; r-- {
		p := &curve[r-1]
		p.Rank, p.Parameters = r, r*(m+n)
		p.Saved = 1 - float64(p.Parameters)/(float64(m)*float64(n))
		p.Error = math.Sqrt(left)
		if r < k && values[0] > 0 {
			p.Spectral = values[r] / values[0]
		}
		left += values[r-1] * values[r-1]
	}
	for r := range curve {
		if left > 0 {
			curve[r].Error /= math.Sqrt(left)
		}
	}
	return curve
}
