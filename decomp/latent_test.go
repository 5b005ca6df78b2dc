package decomp_test

import (
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

// oneFactor returns rows around one common factor, with noise for each of 5 columns.
func oneFactor(n int) modeltest.Data {
	d := modeltest.Data{Labels: make([]int, n)}
	z, e := normals(3, n, 1), normals(4, n, 5)
	X := linalg.NewDense[float64](n, 5, nil)
	for i := range n {
		for j := range 5 {
			X.Row(i)[j] = float64(j) + float64(j-2)*z.At(i, 0) + (0.5+0.2*float64(j))*e.At(i, j)
		}
	}
	d.X = X
	return d
}

func TestConformanceFactorAnalysis(t *testing.T) {
	modeltest.Check(t, decomp.FactorAnalysis{}, modeltest.Generate(oneFactor))
	if !testing.Short() {
		modeltest.Check(t, decomp.FactorAnalysis{Components: 2, Varimax: true}, modeltest.Generate(oneFactor), modeltest.Tolerance(1e-6))
	}
}

// uniforms returns mixtures of three uniform sources in four columns.
func uniforms(n int) modeltest.Data {
	rng := rand.New(rand.NewPCG(5, 5))
	S := linalg.NewDense[float64](n, 3, nil)
	for i := range S.Data {
		S.Data[i] = rng.Float64()
	}
	return modeltest.Data{X: mul(blas.NoTrans, blas.NoTrans, S, normals(6, 3, 4)), Labels: make([]int, n)}
}

func TestConformanceFastICA(t *testing.T) {
	mixtures := modeltest.Generate(uniforms)
	modeltest.Check(t, decomp.FastICA{Components: 3}, mixtures)
	if !testing.Short() {
		modeltest.Check(t, decomp.FastICA{Components: 2, Contrast: decomp.Cube}, mixtures)
	}
}

func TestFactorAnalysisGolden(t *testing.T) {
	for _, c := range golden[[]struct {
		Data                                 string
		Components, Step                     int
		Mixing, Noise, Transform, LogDensity []float64
		Score                                float64
	}](t, "factors") {
		X, _ := readData(t, c.Data)
		test := every(X, c.Step)
		m, err := decomp.FactorAnalysis{Components: c.Components}.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		k, d := c.Components, X.Cols
		for j, want := range c.Noise { // relative, as columns have scales of their own
			if got := m.NoiseVariance()[j]; math.Abs(got-want) > 1e-4*want+1e-9 {
				t.Errorf("%s: noise of column %d is %v, want %v", c.Data, j, got, want)
			}
		}
		near(t, "mixing", m.Mixing(), alignRows(m.Mixing(), c.Mixing, d), 1e-4)
		z := must(t)(m.Transform(nil, test))
		near(t, "transform", z, alignCols(z, c.Transform, k), 1e-4)
		near(t, "log-density", must(t)(m.LogDensity(nil, test)), c.LogDensity, 1e-5)
		score := 0.0
		for _, v := range must(t)(m.LogDensity(nil, X)) {
			score += v / float64(X.Rows)
		}
		// A likelihood that is higher is no error.
		if score < c.Score-1e-9*math.Abs(c.Score) || score > c.Score+1e-4 {
			t.Errorf("%s: mean log-density %v, want %v", c.Data, score, c.Score)
		}
	}
}

// TestFactorAnalysisPlanted: loadings and noise of the model that made the rows, for any scale of
// the columns, and the covariance that follows.
func TestFactorAnalysisPlanted(t *testing.T) {
	const n, d, k = 4000, 8, 2
	L := linalg.NewDense[float64](k, d, nil)
	for j := range d {
		L.Set(j/4, j, 1+float64(j%4)/2)
	}
	X := mul(blas.NoTrans, blas.NoTrans, normals(1, n, k), L)
	for i, e := range normals(2, n, d).Data {
		X.Data[i] += e * (0.3 + 0.1*float64(i%d))
	}
	m, err := decomp.FactorAnalysis{Components: k, Varimax: true}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := linalg.NewDense(k, d, m.Mixing())
	for j := range k {
		c := max(math.Abs(cosine(got.Row(j), L.Row(0))), math.Abs(cosine(got.Row(j), L.Row(1))))
		if c < 0.999 {
			t.Errorf("factor %d is at a cosine of %v from the nearest planted", j, c)
		}
	}
	for j, v := range m.NoiseVariance() {
		want := 0.3 + 0.1*float64(j)
		if math.Abs(math.Sqrt(v)/want-1) > 0.1 {
			t.Errorf("noise of column %d has deviation %v, want %v", j, math.Sqrt(v), want)
		}
		if c := m.Communalities()[j]; c < 0.4 || c > 1 {
			t.Errorf("communality of column %d is %v", j, c)
		}
	}
	// At the maximum the variances of the model are those of the data.
	c, err := linalg.NewCovariance(1, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	model, sample := linalg.NewDense(d, d, m.Covariance()), c.Matrix(0)
	for j := range d {
		if math.Abs(model.At(j, j)/sample.At(j, j)-1) > 1e-7 {
			t.Errorf("variance of column %d is %v, of the data %v", j, model.At(j, j), sample.At(j, j))
		}
	}
	scaled := linalg.CopyOf[float64](X)
	for i := range scaled.Data {
		scaled.Data[i] = scaled.Data[i]*math.Pow(10, float64(i%d-4)) + 1e3
	}
	s, err := sparse.FromDense[float64](scaled, 0)
	if err != nil {
		t.Fatal(err)
	}
	again, err := decomp.FactorAnalysis{Components: k, Varimax: true}.Fit(background, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "factors of scaled columns", must(t)(again.Transform(nil, scaled)), must(t)(m.Transform(nil, X)), 1e-5)
}

func TestFactorAnalysisErrors(t *testing.T) {
	X := normals(1, 30, 3)
	fit := func(f decomp.FactorAnalysis) error {
		_, err := f.Fit(background, X, nil)
		return err
	}
	errorIs(t, fit(decomp.FactorAnalysis{Components: 3}), gram.ErrParam, "3 factors of 3 columns")
	errorIs(t, fit(decomp.FactorAnalysis{MaxIter: -1}), gram.ErrParam, "MaxIter is -1")
	errorIs(t, fit(decomp.FactorAnalysis{Tol: -1}), gram.ErrParam, "Tol is -1")
	for i := range X.Rows {
		X.Row(i)[1] = 1e6
	}
	errorIs(t, fit(decomp.FactorAnalysis{}), gram.ErrSingular, "column 1 is constant")
	// More columns than rows: noise stays above its bound.
	m, err := decomp.FactorAnalysis{Components: 2}.Fit(background, lowRank(2, 6, 10, 2, 0.1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for j, v := range m.NoiseVariance() {
		if !(v > 0) {
			t.Errorf("noise of column %d is %v", j, v)
		}
	}
}

// mixtures are the rows that testdata/make_golden.py makes, and their sources.
func mixtures() (X, S *dense) {
	S = linalg.NewDense[float64](400, 3, nil)
	for i := range 400 {
		x := float64(i)
		copy(S.Row(i), []float64{math.Sin(0.1 * x), math.Mod(7*x, 31) / 31, math.Copysign(1, math.Cos(0.37*x))})
	}
	X = mul(blas.NoTrans, blas.NoTrans, S, linalg.NewDense(3, 4, []float64{1, 2, -1, 0.5, 0.5, -1, 1, 2, 2, 1, 1, -1}))
	for i := range X.Data {
		X.Data[i] += []float64{10, 0, -5, 1}[i%4]
	}
	return X, S
}

func TestFastICAGolden(t *testing.T) {
	X, S := mixtures()
	contrasts := map[string]decomp.Contrast{"logcosh": decomp.LogCosh, "exp": decomp.Exponential, "cube": decomp.Cube}
	for _, c := range golden[[]struct {
		Contrast                 string
		Basis, Mixing, Transform []float64
	}](t, "ica") {
		if contrasts[c.Contrast].String() != c.Contrast {
			t.Fatalf("contrast %v", contrasts[c.Contrast])
		}
		m, err := decomp.FastICA{Contrast: contrasts[c.Contrast], Tol: 1e-10}.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		if m.Components() != 3 {
			t.Fatalf("%d sources", m.Components())
		}
		basis, want := linalg.NewDense(3, 4, m.Basis()), linalg.NewDense(3, 4, c.Basis)
		mixing, wantMixing := linalg.NewDense(3, 4, m.Mixing()), linalg.NewDense(3, 4, c.Mixing)
		z := linalg.NewDense(5, 3, must(t)(m.Transform(nil, X.Slice(0, 5, 0, 4))))
		for j := range 3 {
			at := nearestRow(basis.Row(j), want)
			near(t, "basis", basis.Row(j), alignRows(basis.Row(j), want.Row(at), 4), 1e-6)
			near(t, "mixing", mixing.Row(j), alignRows(mixing.Row(j), wantMixing.Row(at), 4), 1e-6)
			var got, sources []float64
			for i := range 5 {
				got, sources = append(got, z.At(i, j)), append(sources, c.Transform[3*i+at])
			}
			near(t, "sources", got, alignRows(got, sources, 5), 1e-6)
		}
		back := must(t)(m.InverseTransform(nil, linalg.NewDense(400, 3, must(t)(m.Transform(nil, X)))))
		near(t, "rows from their sources", back, X.Data, 1e-10)
	}
	// What was mixed is found, though samples of sources are a little dependent.
	m, err := decomp.FastICA{}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	z := linalg.NewDense(400, 3, must(t)(m.Transform(nil, X)))
	for j := range 3 {
		best := 0.0
		for s := range 3 {
			best = max(best, math.Abs(correlation(z, j, S, s)))
		}
		if best < 0.99 {
			t.Errorf("source %d has a correlation of %v with the nearest", j, best)
		}
	}
}

// nearestRow returns which row of b has the direction of a, but for the sign.
func nearestRow(a []float64, b *dense) int {
	at := 0
	for j := range b.Rows {
		if math.Abs(cosine(a, b.Row(j))) > math.Abs(cosine(a, b.Row(at))) {
			at = j
		}
	}
	return at
}

func correlation(a *dense, i int, b *dense, j int) float64 {
	pair := linalg.NewDense[float64](a.Rows, 2, nil)
	for r := range a.Rows {
		pair.Row(r)[0], pair.Row(r)[1] = a.At(r, i), b.At(r, j)
	}
	c, err := linalg.NewCovariance(1, pair, nil)
	if err != nil {
		panic(err)
	}
	s := c.Scatter
	return s.At(0, 1) / math.Sqrt(s.At(0, 0)*s.At(1, 1))
}

func TestFastICAErrors(t *testing.T) {
	X, _ := mixtures()
	fit := func(f decomp.FastICA, X *dense) error {
		_, err := f.Fit(background, X, nil)
		return err
	}
	errorIs(t, fit(decomp.FastICA{Components: 5}, X), gram.ErrParam, "5 components of 400 rows of 4 columns")
	errorIs(t, fit(decomp.FastICA{Components: 4}, X), gram.ErrSingular, "4 components of rows of rank 3")
	errorIs(t, fit(decomp.FastICA{Contrast: 4}, X), gram.ErrParam, "Contrast(4)")
	errorIs(t, fit(decomp.FastICA{MaxIter: -1}, X), gram.ErrParam, "MaxIter is -1")
	errorIs(t, fit(decomp.FastICA{Tol: math.Inf(1)}, X), gram.ErrParam, "Tol is +Inf")
	errorIs(t, fit(decomp.FastICA{Start: []float64{math.NaN()}}, X), gram.ErrParam, "Start[0] is NaN")
	errorIs(t, fit(decomp.FastICA{Start: []float64{1}}, X), gram.ErrShape, "Start has length 1, want 3×3")
	errorIs(t, fit(decomp.FastICA{Start: make([]float64, 9)}, X), gram.ErrSingular, "lost its rank")
	errorIs(t, fit(decomp.FastICA{}, linalg.NewDense[float64](9, 2, nil)), gram.ErrSingular, "rank 0")
}
