package ensemble

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// sparseRows returns n rows of groups·levels indicators, of which each group has one, times
// numbers if scaled is set; then three columns of their own: with missing values and some
// zeros that are entries, of codes, and empty.
func sparseRows(n, groups, levels int, scaled bool, seed uint64) (X *sparse.CSR[float64], y []float64) {
	rng := rand.New(rand.NewPCG(seed, 5))
	X = &sparse.CSR[float64]{Rows: n, Cols: groups*levels + 3, Ptr: make([]int64, 1, n+1)}
	add := func(j int, v float64) {
		X.Col, X.Val = append(X.Col, uint32(j)), append(X.Val, v)
	}
	for range n {
		target := 0.0
		for k := range groups {
			level := int(float64(levels) * rng.Float64() * rng.Float64())
			v := 1.0
			if scaled {
				v = math.Round(rng.NormFloat64()*300) / 100
			}
			add(k*levels+level, v)
			target += v * math.Sin(float64(3*k+level))
		}
		switch j := groups * levels; {
		case rng.IntN(4) == 0:
			add(j, math.NaN())
		case rng.IntN(3) == 0:
			add(j, rng.NormFloat64())
		case rng.IntN(2) == 0:
			add(j, 0)
		}
		if rng.IntN(3) == 0 {
			code := 1 + rng.IntN(5)
			add(groups*levels+1, float64(code))
			target += math.Cos(float64(code))
		}
		X.Ptr = append(X.Ptr, int64(len(X.Col)))
		y = append(y, target+0.1*rng.NormFloat64())
	}
	return X, y
}

func saved(t *testing.T, m gram.Model, err error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := errors.Join(err, gram.Save(&out, m)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A sparse matrix has the model that the same matrix has if it is dense, bit for bit.
func TestSparseBoosting(t *testing.T) {
	ctx := context.Background()
	for _, scaled := range []bool{false, true} {
		X, y := sparseRows(600, 4, 12, scaled, 1)
		V, vy := sparseRows(200, 4, 12, scaled, 2)
		D, d := X.ToDense(), X.Cols
		labels, w := make([]int, len(y)), make([]float64, len(y))
		monotone := make([]int, d)
		monotone[0], monotone[d-3] = 1, -1
		for i, v := range y {
			if v > 0 {
				labels[i] = 1
			}
			if v > 1 {
				labels[i] = 2
			}
			w[i] = float64(i%7) / 3
		}
		codes := []int{d - 2}
		for name, b := range map[string]GradientBoosting{
			"plain":     {},
			"sets":      {Categorical: codes, Bins: 20, MinLeaf: 3},
			"drawn":     {Categorical: codes, Subsample: 0.5, Columns: 0.7, ColumnsByNode: 0.8, DropRate: 0.2},
			"goss":      {GossTop: 0.2, GossOther: 0.3, HoldOut: 0.2, Patience: 2},
			"bounded":   {Monotone: monotone, L1: 0.1, Workers: 3},
			"validated": {Validation: &Validation{X: V, Targets: vy}, Patience: 2, Categorical: codes},
		} {
			b.Rounds = 6
			sm, err := b.FitRegressor(ctx, X, y, w)
			got := saved(t, sm, err)
			if v := b.Validation; v != nil {
				b.Validation = &Validation{X: V.ToDense(), Targets: vy}
			}
			dm, err := b.FitRegressor(ctx, D, y, w)
			if want := saved(t, dm, err); !bytes.Equal(got, want) {
				t.Errorf("%s, scaled %v: another model", name, scaled)
			}
		}
		X32 := &sparse.CSR[float32]{Rows: X.Rows, Cols: X.Cols, Ptr: X.Ptr, Col: X.Col}
		for _, v := range X.Val {
			X32.Val = append(X32.Val, float32(v))
		}
		b := GradientBoosting{Rounds: 3, MaxDepth: 3}
		sm, err := b.FitClassifier(ctx, X32, labels, nil)
		got := saved(t, sm, err)
		dm, err := b.FitClassifier(ctx, X32.ToDense(), labels, nil)
		if want := saved(t, dm, err); !bytes.Equal(got, want) {
			t.Errorf("float32, scaled %v: another model", scaled)
		}
	}
}

// Bins of a sample of many rows, too, are those of the dense matrix, whatever the weights.
func TestSparseBins(t *testing.T) {
	n := sampleRows + 1000
	if testing.Short() {
		n = 3000
	}
	X, _ := sparseRows(n, 1, 2, true, 3)
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Sqrt(float64(i%11 + 1))
	}
	D := X.ToDense()
	for _, weights := range [][]float64{nil, w} {
		categorical := make([]bool, X.Cols)
		got, err := newBinning(context.Background(), 1, X, weights, 50, categorical)
		want, errDense := newBinning(context.Background(), 1, D, weights, 50, categorical)
		if err := errors.Join(err, errDense); err != nil {
			t.Fatal(err)
		}
		for j, cuts := range want.cuts {
			if len(cuts) != len(got.cuts[j]) {
				t.Fatalf("feature %d has %d cuts, want %d", j, len(got.cuts[j]), len(cuts))
			}
			for i, c := range cuts {
				if got.cuts[j][i] != c {
					t.Fatalf("feature %d, cut %d: %v, want %v", j, i, got.cuts[j][i], c)
				}
			}
		}
	}
}

// Columns are as few as may be, and tell the bins of every feature of every row.
func TestBundles(t *testing.T) {
	ctx := context.Background()
	for _, scaled := range []bool{false, true} {
		X, _ := sparseRows(500, 5, 20, scaled, 4)
		D := X.ToDense()
		b, err := newBinning(ctx, 1, X, nil, maxBins, make([]bool, X.Cols))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.apply(ctx, 1, X, nil)
		want, errDense := b.apply(ctx, 1, D, nil)
		if err := errors.Join(err, errDense); err != nil {
			t.Fatal(err)
		}
		for i := range int32(X.Rows) {
			for j := range X.Cols {
				if g, w := got.at(i, j), want.at(i, j); g != w {
					t.Fatalf("bin %d of row %d, feature %d, want %d", g, i, j, w)
				}
			}
		}
		if !scaled && got.columns > 5+2 {
			t.Errorf("%d columns of 5 groups and 2 features", got.columns)
		}
		codes := make([]int, got.columns)
		for _, s := range got.slots {
			codes[s.column] += int(s.codes)
		}
		for c, k := range codes {
			if k > maxCodes {
				t.Errorf("column %d has %d codes", c, k)
			}
		}
	}
}

// Errors name the places of the matrix that was given.
func TestSparseBoostingErrors(t *testing.T) {
	ctx := context.Background()
	X, y := sparseRows(50, 2, 3, false, 6)
	w := make([]float64, len(y))
	for i := range w {
		w[i] = float64(min(i, 1)) // none of row 0
	}
	X.Val[X.Ptr[7]] = math.Inf(1)
	_, err := GradientBoosting{}.FitRegressor(ctx, X, y, w)
	if !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "row 7, column ") {
		t.Errorf("infinite element: %v", err)
	}
	X.Val[X.Ptr[7]] = 2.5
	j := int(X.Col[X.Ptr[7]])
	_, err = GradientBoosting{Categorical: []int{j}}.FitRegressor(ctx, X, y, w)
	_, want := GradientBoosting{Categorical: []int{j}}.FitRegressor(ctx, X.ToDense(), y, w)
	if err == nil || want == nil || err.Error() != want.Error() {
		t.Errorf("no category: %v, want %v", err, want)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := (GradientBoosting{}).FitRegressor(stopped, X, y, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Every code of a bin is the bin's, and sums of bins are found in those of codes.
func TestSlot(t *testing.T) {
	for _, s := range []slot{{first: 1, codes: 255, zero: 0, missing: true}, {first: 9, codes: 4, zero: 2}, {first: 7, codes: 1, zero: 0, missing: true}, {first: 255}} {
		var column, bins [maxBins + 1]int64
		total := int64(1000)
		values := int(s.codes)
		if s.missing {
			values--
			if got := s.bin(s.code(missingBin)); got != missingBin {
				t.Errorf("%+v: missing is bin %d", s, got)
			}
		}
		for b := range values + 1 {
			if b == int(s.zero) || b > values {
				continue
			}
			c := s.code(uint8(b))
			column[c] = int64(b)
			if s.bin(c) != uint8(b) || c < s.first {
				t.Errorf("%+v: bin %d has code %d, which is bin %d", s, b, c, s.bin(c))
			}
			total += int64(b)
		}
		if any := s.sums(&bins, &column, total); any != (total > 1000) || bins[s.zero] != 1000 {
			t.Errorf("%+v: %v, %d of zero", s, any, bins[s.zero])
		}
		for b, v := range bins {
			if b != int(s.zero) && b <= values && v != int64(b) {
				t.Errorf("%+v: bin %d has %d", s, b, v)
			}
		}
	}
}

// BenchmarkSparseBoosting fits 2,000 indicators, 20 in a row.
func BenchmarkSparseBoosting(b *testing.B) {
	X, y := sparseRows(100_000, 20, 100, false, 7)
	for name, M := range map[string]gram.Matrix{"csr": X, "dense": linalg.Rows(X, ascending(X.Rows))} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := (GradientBoosting{Workers: 1}).FitRegressor(context.Background(), M, y, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
