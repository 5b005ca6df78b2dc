package decomp_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

// parts returns n rows that are sums of r parts, with noise.
func parts(n, d, r int, noise float64) *dense {
	rng := rand.New(rand.NewPCG(7, 1))
	z, h := linalg.NewDense[float64](n, r, nil), linalg.NewDense[float64](r, d, nil)
	for _, f := range []*dense{z, h} {
		for i := range f.Data {
			u := rng.Float64()
			f.Data[i] = u * u
		}
	}
	X := mul(blas.NoTrans, blas.NoTrans, z, h)
	for i := range X.Data {
		X.Data[i] = math.Abs(X.Data[i] + noise*rng.NormFloat64())
	}
	return X
}

func TestConformanceNMF(t *testing.T) {
	sums := modeltest.Generate(func(n int) modeltest.Data {
		n = min(n, 600)
		d := modeltest.Data{X: parts(n, 5, 2, 0.05), Labels: make([]int, n)}
		for i := range d.Labels {
			d.Labels[i] = i % 3
		}
		return d
	})
	for i, c := range []decomp.NMF{
		{},
		{Loss: decomp.KullbackLeibler, Tol: 1e-3},
		{Components: 3, Init: decomp.NNDSVD, Tol: 1e-3},
		{Multiplicative: true, Init: decomp.RandomFactors, Tol: 1e-3},
	} {
		if i > 1 && testing.Short() {
			break // much of the same code
		}
		t.Run(fmt.Sprint(c.Loss, c.Init, c.Multiplicative), func(t *testing.T) { modeltest.Check(t, c, sums) })
	}
}

func TestNMFGolden(t *testing.T) {
	for _, c := range golden[[]struct {
		Data, Loss, Init string
		Components, Step int
		Start, Product   []float64
		Objective        float64
	}](t, "nmf") {
		X, _ := readData(t, c.Data)
		if c.Data == "digits" {
			X = every(X, 8)
		}
		if testing.Short() && c.Data == "digits" && c.Loss == "kullback-leibler" {
			continue
		}
		f := decomp.NMF{Components: c.Components, Tol: 1e-7, MaxIter: 20_000, Workers: 1}
		if c.Init == "nndsvd" {
			f.Init = decomp.NNDSVD
		}
		if c.Loss == "kullback-leibler" {
			f.Loss = decomp.KullbackLeibler
		}
		if len(c.Start) > 0 {
			f.Basis = c.Start
		}
		t.Run(c.Data+"/"+c.Loss, func(t *testing.T) {
			m, err := f.Fit(background, X, nil)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "objective", []float64{m.Convergence().Objective}, []float64{c.Objective}, 1e-7)
			z := must(t)(m.Transform(nil, every(X, c.Step)))
			got := must(t)(m.InverseTransform(nil, linalg.NewDense(len(z)/c.Components, c.Components, z)))
			near(t, "product", got, c.Product, 1e-3)
		})
	}
}

// TestNMFPlanted: where every part has a column and a row of its own, there is one factorization.
func TestNMFPlanted(t *testing.T) {
	const n, d, k = 60, 12, 3
	rng := rand.New(rand.NewPCG(1, 2))
	z, h := linalg.NewDense[float64](n, k, nil), linalg.NewDense[float64](k, d, nil)
	for i := range n {
		for j := range k {
			if i%(k+1) == j || i%(k+1) == k {
				z.Set(i, j, rng.Float64()+0.1)
			}
		}
	}
	for c := range d {
		for j := range k {
			if c%(k+1) == j || c%(k+1) == k {
				h.Set(j, c, rng.Float64()+0.1)
			}
		}
	}
	X := mul(blas.NoTrans, blas.NoTrans, z, h)
	for _, c := range []struct {
		decomp.NMF
		off float64
	}{
		{decomp.NMF{Tol: 1e-9}, 1e-12},
		{decomp.NMF{Tol: 1e-7, Loss: decomp.KullbackLeibler}, 1e-8},
		{decomp.NMF{Tol: 1e-5, Multiplicative: true}, 1e-6}, // slow near zeros
	} {
		f := c.NMF
		if f.Multiplicative && testing.Short() {
			continue
		}
		f.Components, f.MaxIter = k, 20_000
		t.Run(fmt.Sprint(f.Loss, f.Multiplicative), func(t *testing.T) {
			m, err := f.Fit(background, X, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := linalg.NewDense(k, d, m.Basis())
			for j := range k {
				best := 0.0
				for i := range k {
					best = max(best, cosine(got.Row(i), h.Row(j)))
				}
				if best < 1-c.off {
					t.Errorf("part %d is at a cosine of %v from the nearest found", j, best)
				}
			}
		})
	}
}

func cosine(a, b []float64) float64 { return linalg.Dot(a, b) / (linalg.Nrm2(a) * linalg.Nrm2(b)) }

func TestNMFSparse(t *testing.T) {
	X := parts(120, 30, 3, 0.02)
	for i := range X.Data {
		if X.Data[i] < 0.4 {
			X.Data[i] = 0
		}
		X.Data[i] = float64(float32(X.Data[i]))
	}
	w := make([]float64, X.Rows)
	for i := range w {
		w[i] = float64(i % 3)
	}
	s64, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []decomp.NMF{
		{Components: 3, Tol: 1e-3, Init: decomp.RandomFactors},
		{Components: 3, Tol: 1e-3, Init: decomp.RandomFactors, Loss: decomp.KullbackLeibler},
	} {
		want, err := f.Fit(background, X, w)
		if err != nil {
			t.Fatal(err)
		}
		scores := must(t)(want.Transform(nil, X))
		for name, S := range map[string]gram.Matrix{"float64": s64, "float32": sparse.To[float32](s64)} {
			t.Run(fmt.Sprint(f.Loss, "/", name), func(t *testing.T) {
				got, err := f.Fit(background, S, w)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "basis", got.Basis(), want.Basis(), 1e-8)
				near(t, "objective", []float64{got.Convergence().Objective}, []float64{want.Convergence().Objective}, 1e-9)
				near(t, "scores", must(t)(want.Transform(nil, S)), scores, 1e-9)
			})
		}
	}
}

// TestNMFScores: the scores of a row satisfy the conditions for the least loss.
func TestNMFScores(t *testing.T) {
	X := parts(200, 30, 6, 0.1)
	fresh := parts(320, 30, 9, 0.5)
	fresh = fresh.Slice(200, 320, 0, 30)
	for i := 30; i < fresh.Rows; i++ { // fewer elements than components: no strict minimum
		for c := range 30 {
			if (c+i)%30 > i%3 {
				fresh.Row(i)[c] = 0
			}
		}
	}
	for _, f := range []decomp.NMF{
		{Components: 6, Tol: 1e-3},
		{Components: 6, Tol: 1e-3, Loss: decomp.KullbackLeibler},
	} {
		t.Run(f.Loss.String(), func(t *testing.T) {
			m, err := f.Fit(background, X, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.Loss() != f.Loss || m.Components() != 6 {
				t.Errorf("the model of %v and 6 components is one of %v and %d", f.Loss, m.Loss(), m.Components())
			}
			h := linalg.NewDense(6, 30, m.Basis())
			z := linalg.NewDense(fresh.Rows, 6, must(t)(m.Transform(nil, fresh)))
			q := linalg.NewDense(fresh.Rows, 30, must(t)(m.InverseTransform(nil, z)))
			zeros := 0
			for i := range fresh.Rows {
				for j := range 6 {
					slope, size := 0.0, 0.0
					for c, x := range fresh.Row(i) {
						term, other := q.At(i, c)*h.At(j, c), x*h.At(j, c)
						if f.Loss == decomp.KullbackLeibler {
							term, other = h.At(j, c), other/q.At(i, c)
						}
						slope += term - other
						size += term + other
					}
					at := z.At(i, j)
					if at == 0 {
						zeros++
					}
					if at < 0 || at == 0 && slope < -1e-12*size || at > 0 && math.Abs(slope) > 1e-10*size {
						t.Errorf("row %d, score %d is %v with a slope of %.3g of terms of %.3g", i, j, at, slope, size)
					}
				}
			}
			if zeros == 0 {
				t.Error("no score is held at zero")
			}
		})
	}
}

// TestNMFDescends: no iteration raises the loss, and what the model reports is its loss.
func TestNMFDescends(t *testing.T) {
	X := parts(150, 20, 4, 0.1)
	for _, f := range []decomp.NMF{
		{Components: 4},
		{Components: 4, Multiplicative: true, Tol: 1e-3},
		{Components: 4, Loss: decomp.KullbackLeibler, Tol: 1e-3, Init: decomp.RandomFactors},
	} {
		last := math.Inf(1)
		f.Progress = func(p gram.Progress) {
			if p.Objective > last*(1+1e-12) {
				t.Errorf("%v: iteration %d raises the loss from %v to %v", f.Loss, p.Iteration, last, p.Objective)
			}
			last = p.Objective
		}
		m, err := f.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		z := must(t)(m.Transform(nil, X))
		q := must(t)(m.InverseTransform(nil, linalg.NewDense(X.Rows, 4, z)))
		loss := 0.0
		for i, x := range X.Data {
			if f.Loss == decomp.Frobenius {
				loss += (x - q[i]) * (x - q[i]) / 2
			} else if loss += q[i] - x; x > 0 {
				loss += x * math.Log(x/q[i])
			}
		}
		// The scores are the best for the basis; those of the fit are near them.
		if got := m.Convergence().Objective; loss > got*(1+1e-9) || got > loss*1.001 {
			t.Errorf("%v: the fit's loss is %v, that of the best scores %v", f.Loss, got, loss)
		}
	}
}

func TestNMFErrors(t *testing.T) {
	X := parts(10, 3, 2, 0)
	fit := func(f decomp.NMF, X gram.Matrix) error {
		_, err := f.Fit(background, X, nil)
		return err
	}
	errorIs(t, fit(decomp.NMF{Components: -1}, X), gram.ErrParam, "-1 components")
	errorIs(t, fit(decomp.NMF{Loss: 7}, X), gram.ErrParam, "NMFLoss(7)")
	errorIs(t, fit(decomp.NMF{Init: 7}, X), gram.ErrParam, "NMFInit(7)")
	errorIs(t, fit(decomp.NMF{Init: decomp.NNDSVD, Components: 4}, X), gram.ErrParam, "nndsvd of 4 components for 10 rows of 3 columns")
	errorIs(t, fit(decomp.NMF{MaxIter: -1}, X), gram.ErrParam, "MaxIter is -1")
	errorIs(t, fit(decomp.NMF{Tol: math.NaN()}, X), gram.ErrParam, "Tol is NaN")
	errorIs(t, fit(decomp.NMF{Basis: make([]float64, 5)}, X), gram.ErrShape, "length 5, want 2×3")
	errorIs(t, fit(decomp.NMF{Basis: []float64{1, 1, 1, 1, -1, 1}}, X), gram.ErrParam, "Basis[4] is -1")
	X.Set(7, 1, -0.5)
	errorIs(t, fit(decomp.NMF{}, X), decomp.ErrNegative, "row 7, column 1 is -0.5")
	s, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	errorIs(t, fit(decomp.NMF{Loss: decomp.KullbackLeibler}, s), decomp.ErrNegative, "row 7, column 1 is -0.5")
	X.Set(7, 1, 1e200)
	errorIs(t, fit(decomp.NMF{}, X), gram.ErrNonFinite, "overflow")
}

// TestNMFEdges: data with nothing in them, and more components than rows or columns.
func TestNMFEdges(t *testing.T) {
	zero := linalg.NewDense[float64](4, 3, nil)
	for _, f := range []decomp.NMF{{}, {Loss: decomp.KullbackLeibler}, {Multiplicative: true}, {Init: decomp.RandomFactors}} {
		m, err := f.Fit(background, zero, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c := m.Convergence(); c.Objective != 0 {
			t.Errorf("the loss of no data is %v", c.Objective)
		}
		near(t, "scores of nothing", must(t)(m.Transform(nil, zero)), make([]float64, 8), 0)
	}
	X := parts(4, 3, 2, 0)
	m, err := decomp.NMF{Components: 6, Tol: 1e-8, MaxIter: 20_000}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	z := must(t)(m.Transform(nil, X))
	near(t, "more parts than columns", must(t)(m.InverseTransform(nil, linalg.NewDense(4, 6, z))), X.Data, 1e-6)
}
