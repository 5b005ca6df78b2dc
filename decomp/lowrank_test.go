package decomp_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
)

func TestLowRank(t *testing.T) {
	W := mul(blas.NoTrans, blas.NoTrans, normals(1, 30, 6), normals(2, 6, 50))
	for i, e := range normals(3, 30, 50).Data {
		W.Data[i] += 0.01 * e
	}
	norm := linalg.Nrm2(W.Data)
	for _, l := range []decomp.LowRank{{}, {Rank: 3}, {Rank: 30}, {MaxError: 0.5}} {
		f, err := l.Factorize(background, W)
		if err != nil {
			t.Fatal(err)
		}
		r := f.Chosen.Rank
		if f.A.Rows != 30 || f.A.Cols != r || f.B.Rows != r || f.B.Cols != 50 || f.Chosen.Parameters != len(f.A.Data)+len(f.B.Data) {
			t.Fatalf("factors %d×%d and %d×%d for %+v", f.A.Rows, f.A.Cols, f.B.Rows, f.B.Cols, f.Chosen)
		}
		rest := mul(blas.NoTrans, blas.NoTrans, f.A, f.B)
		for i, v := range W.Data {
			rest.Data[i] -= v
		}
		if got := linalg.Nrm2(rest.Data) / norm; math.Abs(got-f.Chosen.Error) > 1e-12 {
			t.Errorf("rank %d: the error is %v, reported %v", r, got, f.Chosen.Error)
		}
		svd, err := linalg.NewSVD(1, rest)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := linalg.NewSVD(1, W)
		if err != nil {
			t.Fatal(err)
		}
		if got := svd.Values[0] / whole.Values[0]; math.Abs(got-f.Chosen.Spectral) > 1e-12 {
			t.Errorf("rank %d: the spectral error is %v, reported %v", r, got, f.Chosen.Spectral)
		}
	}
	f, err := decomp.LowRank{}.Factorize(background, W)
	if err != nil {
		t.Fatal(err)
	}
	if r := f.Chosen.Rank; r > 6 || f.Chosen.Error > 0.1 || r > 1 && f.Curve[r-2].Error <= 0.1 {
		t.Errorf("rank %d is not the least of error 0.1: %+v", r, f.Curve[:7])
	}
	if last := f.Curve[29]; math.Abs(last.Saved+0.6) > 1e-12 || last.Error != 0 {
		t.Errorf("full rank: %+v", last)
	}
}

func TestLowRankErrors(t *testing.T) {
	W := normals(1, 5, 3)
	_, err := decomp.LowRank{Rank: 4}.Factorize(background, W)
	errorIs(t, err, gram.ErrParam, "rank 4 of a 5×3 matrix")
	_, err = decomp.LowRank{MaxError: -1}.Factorize(background, W)
	errorIs(t, err, gram.ErrParam, "MaxError is -1")
	ctx, cancel := context.WithCancel(background)
	cancel()
	_, err = decomp.LowRank{}.Factorize(ctx, W)
	errorIs(t, err, context.Canceled, "stopped")
	W.Set(2, 1, math.Inf(1))
	_, err = decomp.LowRank{}.Factorize(background, W)
	errorIs(t, err, gram.ErrNonFinite, "row 2, column 1")
	f, err := decomp.LowRank{}.Factorize(background, linalg.NewDense[float64](3, 3, nil))
	if err != nil || f.Chosen.Rank != 1 || f.Chosen.Error != 0 {
		t.Errorf("of zeros: %+v, %v", f, err)
	}
}
