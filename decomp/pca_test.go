package decomp_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

type pcaCase struct {
	Data                                                                   string
	Components, Step, Minka                                                int
	Mean, Basis, Variance, Ratio, Singular, Transform, White, Zca, Inverse []float64
	LogDensity                                                             []float64
	Noise, Score                                                           float64
}

func fitPCA(t *testing.T, p decomp.PCA, X gram.Matrix, w []float64) *decomp.PCAModel {
	t.Helper()
	m, err := p.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// must returns the result of a batch method.
func must(t *testing.T) func(v []float64, err error) []float64 {
	return func(v []float64, err error) []float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Every solver gives what scikit-learn gives, up to the signs of components.
func TestPCAGolden(t *testing.T) {
	for _, c := range golden[[]pcaCase](t, "pca") {
		X, _ := readData(t, c.Data)
		test := every(X, c.Step)
		for _, solver := range []decomp.Solver{decomp.Auto, decomp.CovarianceEigen, decomp.FullSVD, decomp.Randomized} {
			t.Run(c.Data+"/"+solver.String(), func(t *testing.T) {
				tol := 1e-10
				if solver == decomp.Randomized {
					tol = 1e-7
				}
				p := decomp.PCA{Components: c.Components, Solver: solver, PowerIterations: 25}
				m := fitPCA(t, p, X, nil)
				near(t, "mean", m.Mean(), c.Mean, 1e-14)
				near(t, "basis", m.Basis(), alignRows(m.Basis(), c.Basis, X.Cols), tol)
				near(t, "variance", m.ExplainedVariance(), c.Variance, tol)
				near(t, "ratio", m.ExplainedVarianceRatio(), c.Ratio, tol)
				near(t, "singular values", m.SingularValues(), c.Singular, tol)
				near(t, "noise", []float64{m.NoiseVariance()}, []float64{c.Noise}, tol)
				z := must(t)(m.Transform(nil, test))
				near(t, "transform", z, alignCols(z, c.Transform, c.Components), tol)
				near(t, "inverse", must(t)(m.InverseTransform(nil, linalg.NewDense(test.Rows, c.Components, z))), c.Inverse, tol)
				near(t, "log-density", must(t)(m.LogDensity(nil, test)), c.LogDensity, tol)
				logs := must(t)(m.LogDensity(nil, X))
				near(t, "score", []float64{linalg.Sum(logs) / float64(X.Rows)}, []float64{c.Score}, tol)
				p.Whiten = decomp.WhitenPCA
				white := must(t)(fitPCA(t, p, X, nil).Transform(nil, test))
				near(t, "whitened", white, alignCols(white, c.White, c.Components), tol)
				p.Whiten = decomp.WhitenZCA
				near(t, "ZCA", must(t)(fitPCA(t, p, X, nil).Transform(nil, test)), c.Zca, tol)
			})
		}
	}
}

// A constant, however large, changes nothing but the mean.
func TestFarFromZero(t *testing.T) {
	X, _ := readData(t, "iris")
	far := linalg.CopyOf[float64](X)
	for i := range far.Data {
		far.Data[i] += 1e8
	}
	for _, solver := range []decomp.Solver{decomp.Auto, decomp.FullSVD, decomp.Randomized} {
		p := decomp.PCA{Components: 4, Solver: solver}
		a, b := fitPCA(t, p, X, nil), fitPCA(t, p, far, nil)
		near(t, "variance by "+solver.String(), b.ExplainedVariance(), a.ExplainedVariance(), 1e-7)
		near(t, "scores by "+solver.String(), must(t)(b.Transform(nil, far)), must(t)(a.Transform(nil, X)), 1e-6)
	}
	inc := decomp.IncrementalPCA{}
	if err := inc.Update(far, nil); err != nil {
		t.Fatal(err)
	}
	m, err := inc.Model()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "incremental variance", m.ExplainedVariance(), fitPCA(t, decomp.PCA{}, X, nil).ExplainedVariance(), 1e-7)
}

// A subspace is found, the components are orthonormal in it, and rows in it are restored.
func TestPlantedSubspace(t *testing.T) {
	const rank = 5
	X := lowRank(3, 400, 30, rank, 0)
	for _, solver := range []decomp.Solver{decomp.Auto, decomp.CovarianceEigen, decomp.FullSVD, decomp.Randomized} {
		m := fitPCA(t, decomp.PCA{Components: rank, Solver: solver}, X, nil)
		orthonormal(t, solver.String(), linalg.NewDense(rank, 30, m.Basis()))
		for i, e := range must(t)(m.ReconstructionError(nil, X)) {
			if e > 1e-20 {
				t.Fatalf("%v: row %d has a reconstruction error of %v", solver, i, e)
			}
			if one, err := m.ReconstructionErrorRow(X.Row(i)); err != nil || one > 1e-20 {
				t.Fatalf("%v: row %d by itself %v (%v)", solver, i, one, err)
			}
		}
		for _, r := range m.Basis() {
			if math.IsNaN(r) {
				t.Fatal("NaN in the basis")
			}
		}
	}
}

// The largest element of each component is positive.
func TestSigns(t *testing.T) {
	for _, solver := range []decomp.Solver{decomp.CovarianceEigen, decomp.FullSVD, decomp.Randomized} {
		m := fitPCA(t, decomp.PCA{Components: 6, Solver: solver}, lowRank(5, 100, 12, 8, 0.1), nil)
		basis := linalg.NewDense(6, 12, m.Basis())
		for i := range 6 {
			row := basis.Row(i)
			if slices.Max(row) < -slices.Min(row) {
				t.Errorf("%v: component %d is %v", solver, i, row)
			}
		}
	}
}

// Small variances that squares would lose are found, and fewer rows than columns.
func TestConditioning(t *testing.T) {
	const n, d = 200, 6
	X := normals(7, n, d)
	// Orthonormal centred columns with known scales, turned by an orthogonal matrix.
	q, err := linalg.NewQR(1, X)
	if err != nil {
		t.Fatal(err)
	}
	u := q.Q(1)
	for j := range d {
		mean := 0.0
		for i := range n {
			mean += u.At(i, j) / n
		}
		for i := range n {
			u.Set(i, j, u.At(i, j)-mean)
		}
	}
	q, err = linalg.NewQR(1, u)
	if err != nil {
		t.Fatal(err)
	}
	u = q.Q(1)
	scales := []float64{1, 1e-3, 1e-6, 1e-8, 1e-10, 1e-12}
	for i := range n {
		for j, s := range scales {
			u.Row(i)[j] *= s
		}
	}
	turn, err := linalg.NewQR(1, normals(8, d, d))
	if err != nil {
		t.Fatal(err)
	}
	X = mul(blas.NoTrans, blas.NoTrans, u, turn.Q(1))
	for i, v := range fitPCA(t, decomp.PCA{}, X, nil).SingularValues() {
		if math.Abs(v-scales[i]) > 1e-3*scales[i]+1e-15 {
			t.Errorf("singular value %d is %v, want %v", i, v, scales[i])
		}
	}
	wide := lowRank(9, 15, 40, 10, 0.1)
	m := fitPCA(t, decomp.PCA{}, wide, nil)
	if m.Components() != 15 {
		t.Errorf("%d components of 15 rows", m.Components())
	}
	if v := m.ExplainedVariance()[14]; v > 1e-25 {
		t.Errorf("the last variance of 15 rows is %v", v)
	}
	back := must(t)(m.InverseTransform(nil, linalg.NewDense(15, 15, must(t)(m.Transform(nil, wide)))))
	near(t, "reconstruction", back, wide.Data, 1e-12)
}

// A triangular factor of stretches has the singular values of all rows.
func TestManyRowsBySVD(t *testing.T) {
	X := lowRank(11, 5000, 8, 8, 0.1)
	a := fitPCA(t, decomp.PCA{Solver: decomp.CovarianceEigen}, X, nil)
	b := fitPCA(t, decomp.PCA{Solver: decomp.FullSVD, Workers: 2}, X, nil)
	near(t, "variance", b.ExplainedVariance(), a.ExplainedVariance(), 1e-12)
	near(t, "basis", b.Basis(), a.Basis(), 1e-9)
}

// Whitened rows have the unit matrix for a covariance, and ZCA is the symmetric root.
func TestWhitening(t *testing.T) {
	X := lowRank(13, 300, 6, 6, 0.2)
	for _, w := range []decomp.Whitening{decomp.WhitenPCA, decomp.WhitenZCA} {
		m := fitPCA(t, decomp.PCA{Whiten: w}, X, nil)
		z := linalg.NewDense(300, 6, must(t)(m.Transform(nil, X)))
		c, err := linalg.NewCovariance(1, z, nil)
		if err != nil {
			t.Fatal(err)
		}
		unit := make([]float64, 36)
		for j := range 6 {
			unit[7*j] = 1
		}
		near(t, w.String()+": covariance", c.Matrix(1).Data, unit, 1e-12)
		near(t, w.String()+": inverse", must(t)(m.InverseTransform(nil, z)), X.Data, 1e-12)
		row := slices.Clone(z.Row(3))
		if err := m.InverseTransformRow(row, row); err != nil {
			t.Fatal(err)
		}
		near(t, w.String()+": one row", row, X.Row(3), 1e-12)
	}
}

// The density is that of the normal distribution with the model's covariance.
func TestLogDensity(t *testing.T) {
	X := lowRank(15, 200, 5, 5, 0.3)
	m := fitPCA(t, decomp.PCA{Components: 2}, X, nil)
	basis, variance := linalg.NewDense(2, 5, m.Basis()), m.ExplainedVariance()
	cov := linalg.NewDense[float64](5, 5, nil)
	for i := range 5 {
		cov.Row(i)[i] = m.NoiseVariance()
		for j := range 5 {
			for k, v := range variance {
				cov.Row(i)[j] += (v - m.NoiseVariance()) * basis.At(k, i) * basis.At(k, j)
			}
		}
	}
	chol, err := linalg.NewCholesky(1, cov)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		x := slices.Clone(X.Row(i))
		linalg.Axpy(-1, m.Mean(), x)
		want := -(5*math.Log(2*math.Pi) + chol.LogDet() + linalg.Dot(x, chol.SolveVec(nil, x))) / 2
		got, err := m.LogDensityRow(X.Row(i))
		if err != nil || math.Abs(got-want) > 1e-10*math.Abs(want) {
			t.Errorf("row %d has the log-density %v, want %v (%v)", i, got, want, err)
		}
	}
}

// Sparse rows give the model of the same rows written out, for each solver.
func TestSparse(t *testing.T) {
	X := lowRank(17, 300, 20, 6, 0.05)
	for i := range X.Data {
		if i%3 != 0 {
			X.Data[i] = 0
		}
	}
	s, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := make([]float64, X.Rows)
	for i := range w {
		w[i] = float64(i % 4)
	}
	for _, solver := range []decomp.Solver{decomp.Auto, decomp.FullSVD, decomp.Randomized} {
		for _, weights := range [][]float64{nil, w} {
			p := decomp.PCA{Components: 3, Solver: solver, PowerIterations: 12}
			a, b := fitPCA(t, p, X, weights), fitPCA(t, p, s, weights)
			near(t, "variance", b.ExplainedVariance(), a.ExplainedVariance(), 1e-10)
			near(t, "basis", b.Basis(), a.Basis(), 1e-7)
			near(t, "total", []float64{b.TotalVariance()}, []float64{a.TotalVariance()}, 1e-12)
			near(t, "scores", must(t)(b.Transform(nil, s)), must(t)(b.Transform(nil, X)), 1e-12)
			near(t, "errors", must(t)(b.ReconstructionError(nil, s)), must(t)(b.ReconstructionError(nil, X)), 1e-12)
		}
	}
}

// Single precision is read as it is, and summed in double.
func TestFloat32(t *testing.T) {
	X := lowRank(19, 200, 10, 4, 0.1)
	single, double := linalg.NewDense[float32](200, 10, nil), linalg.NewDense[float64](200, 10, nil)
	for i, v := range X.Data {
		single.Data[i] = float32(v)
		double.Data[i] = float64(single.Data[i])
	}
	a, b := fitPCA(t, decomp.PCA{Components: 3}, double, nil), fitPCA(t, decomp.PCA{Components: 3}, single, nil)
	near(t, "variance", b.ExplainedVariance(), a.ExplainedVariance(), 1e-13)
	near(t, "scores", must(t)(b.Transform(nil, single)), must(t)(a.Transform(nil, double)), 1e-12)
}

// Any split into batches gives the model of all rows.
func TestIncremental(t *testing.T) {
	X := lowRank(21, 1000, 12, 9, 0.05)
	for i := range X.Data {
		X.Data[i] += 1000
	}
	w := make([]float64, X.Rows)
	for i := range w {
		w[i] = float64((i*7)%5) / 2
	}
	want := fitPCA(t, decomp.PCA{Components: 7}, X, w)
	for _, cuts := range [][]int{{1000}, {1, 2, 3, 1000}, {500, 1000}, {7, 400, 401, 999, 1000}} {
		parts := make([]decomp.IncrementalPCA, 2)
		lo := 0
		for i, hi := range cuts {
			p := &parts[i%2]
			p.PCA.Components = 7
			if linalg.Sum(w[lo:hi]) > 0 {
				if err := p.Update(X.Slice(lo, hi, 0, X.Cols), w[lo:hi]); err != nil {
					t.Fatal(err)
				}
			}
			lo = hi
		}
		if err := parts[0].Merge(&parts[1]); err != nil {
			t.Fatal(err)
		}
		m, err := parts[0].Model()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "variance", m.ExplainedVariance(), want.ExplainedVariance(), 1e-9)
		near(t, "basis", m.Basis(), want.Basis(), 1e-9)
		near(t, "mean", m.Mean(), want.Mean(), 1e-12)
		near(t, "noise", []float64{m.NoiseVariance()}, []float64{want.NoiseVariance()}, 1e-9)
		again, err := decomp.PCA{Components: 7}.FromCovariance(parts[0].Covariance())
		if err != nil || !slices.Equal(again.Basis(), m.Basis()) {
			t.Errorf("the covariance taken out gives another model (%v)", err)
		}
	}
	g := golden[struct{ Variance, Basis []float64 }](t, "incremental")
	iris, _ := readData(t, "iris")
	inc := decomp.IncrementalPCA{PCA: decomp.PCA{Components: 2}}
	for lo := 0; lo < 150; lo += 50 {
		if err := inc.Update(iris.Slice(lo, lo+50, 0, 4), nil); err != nil {
			t.Fatal(err)
		}
	}
	m, err := inc.Model()
	if err != nil {
		t.Fatal(err)
	}
	// scikit-learn's drops what lies outside its two components after each batch.
	near(t, "variance beside scikit-learn", m.ExplainedVariance(), g.Variance, 5e-3)
	if inc.Weight() != 150 {
		t.Errorf("weight %v", inc.Weight())
	}
}

func TestIncrementalErrors(t *testing.T) {
	var p decomp.IncrementalPCA
	_, err := p.Model()
	errorIs(t, err, gram.ErrShape, "no rows")
	errorIs(t, p.Update(nil, nil), gram.ErrShape, "nil")
	if err := p.Update(normals(1, 1, 3), nil); err != nil {
		t.Fatal(err)
	}
	_, err = p.Model()
	errorIs(t, err, gram.ErrWeights, "more than 1")
	errorIs(t, p.Update(normals(1, 2, 4), nil), gram.ErrShape, "4 features, those before 3")
	bad := normals(1, 4, 3)
	bad.Set(2, 1, math.NaN())
	errorIs(t, p.Update(bad, nil), gram.ErrNonFinite, "row 2, column 1")
	if err := p.Update(normals(2, 9, 3), nil); err != nil || p.Weight() != 10 {
		t.Errorf("weight %v after batches of 1 and 9 (%v)", p.Weight(), err)
	}
	var other decomp.IncrementalPCA
	if err := other.Update(normals(1, 3, 2), nil); err != nil {
		t.Fatal(err)
	}
	errorIs(t, p.Merge(&other), gram.ErrShape, "columns")
	p.PCA.Components = 4
	_, err = p.Model()
	errorIs(t, err, gram.ErrParam, "4 components of 3 columns")
	p.PCA = decomp.PCA{Solver: decomp.FullSVD}
	_, err = p.Model()
	errorIs(t, err, gram.ErrParam, "svd")
	_, err = decomp.PCA{}.FromCovariance(&linalg.Covariance{Weight: 3, Mean: []float64{1}})
	errorIs(t, err, gram.ErrShape, "scatter")
}

func TestPCAErrors(t *testing.T) {
	X := lowRank(23, 30, 6, 3, 0)
	for _, c := range []struct {
		p    decomp.PCA
		X    gram.Matrix
		w    []float64
		kind error
		text string
	}{
		{decomp.PCA{Components: 7}, X, nil, gram.ErrParam, "7 components of 30 rows of 6 columns"},
		{decomp.PCA{Components: -1}, X, nil, gram.ErrParam, "-1"},
		{decomp.PCA{Components: 5}, X.Slice(0, 4, 0, 6), nil, gram.ErrParam, "5 components of 4 rows"},
		{decomp.PCA{Components: 1, VarianceRatio: 0.5}, X, nil, gram.ErrParam, "more than one"},
		{decomp.PCA{VarianceRatio: 1.5}, X, nil, gram.ErrParam, "1.5"},
		{decomp.PCA{VarianceRatio: math.NaN()}, X, nil, gram.ErrParam, "NaN"},
		{decomp.PCA{Rule: 9}, X, nil, gram.ErrParam, "Rule(9)"},
		{decomp.PCA{Solver: -1}, X, nil, gram.ErrParam, "Solver(-1)"},
		{decomp.PCA{Whiten: 5}, X, nil, gram.ErrParam, "Whitening(5)"},
		{decomp.PCA{Solver: decomp.Randomized}, X, nil, gram.ErrParam, "number of Components"},
		{decomp.PCA{Components: 5, Whiten: decomp.WhitenPCA}, X, nil, gram.ErrSingular, "5 components of data of rank 3"},
		{decomp.PCA{}, X.Slice(0, 1, 0, 6), nil, gram.ErrShape, "1 row"},
		{decomp.PCA{}, nil, nil, gram.ErrShape, "nil"},
		{decomp.PCA{}, X.Slice(0, 2, 0, 6), []float64{0.2, 0.3}, gram.ErrWeights, "0.5"},
		{decomp.PCA{}, X.Slice(0, 3, 0, 6), []float64{0, 3, 0}, gram.ErrShape, "1 row"},
	} {
		_, err := c.p.Fit(background, c.X, c.w)
		errorIs(t, err, c.kind, c.text)
	}
	m := fitPCA(t, decomp.PCA{Components: 4}, X, nil)
	_, err := m.LogDensity(nil, X)
	errorIs(t, err, gram.ErrSingular, "noise variance")
	_, err = m.LogDensityRow(X.Row(0))
	errorIs(t, err, gram.ErrSingular, "noise variance")
	// Without a number of components, those that cannot be whitened are left out.
	for _, w := range []decomp.Whitening{decomp.WhitenPCA, decomp.WhitenZCA} {
		if m := fitPCA(t, decomp.PCA{Whiten: w}, X, nil); m.Components() != 3 {
			t.Errorf("%v keeps %d components of rank 3", w, m.Components())
		}
	}
	huge := linalg.NewDense(2, 1, []float64{-1e300, 1e300})
	for _, solver := range []decomp.Solver{decomp.Auto, decomp.FullSVD} {
		_, err = decomp.PCA{Solver: solver}.Fit(background, huge, nil)
		errorIs(t, err, gram.ErrNonFinite, "overflow")
	}
}

// Constant columns have no variance; data of them alone neither.
func TestConstant(t *testing.T) {
	X := normals(25, 50, 4)
	for i := range 50 {
		X.Set(i, 2, 1e7)
	}
	m := fitPCA(t, decomp.PCA{}, X, nil)
	if v := m.ExplainedVariance(); v[3] != 0 {
		t.Errorf("variances %v with a constant column", v)
	}
	c := linalg.NewDense[float64](5, 3, nil)
	for i := range c.Data {
		c.Data[i] = 0.1
	}
	for _, solver := range []decomp.Solver{decomp.Auto, decomp.FullSVD} {
		m = fitPCA(t, decomp.PCA{Solver: solver}, c, nil)
		if m.TotalVariance() != 0 || m.ExplainedVarianceRatio()[0] != 0 || m.CumulativeRatio()[2] != 0 {
			t.Errorf("%v: constant data have the variances %v", solver, m.ExplainedVariance())
		}
	}
	_, err := decomp.PCA{Whiten: decomp.WhitenPCA}.Fit(background, c, nil)
	errorIs(t, err, gram.ErrSingular, "rank 0")
}

// Ratios and rules keep what they say.
func TestPCAKeeps(t *testing.T) {
	X, _ := readData(t, "digits")
	for _, c := range []struct {
		ratio float64
		want  int
	}{{0.80, 13}, {0.90, 21}, {0.95, 29}} {
		m := fitPCA(t, decomp.PCA{VarianceRatio: c.ratio}, X, nil)
		got := m.CumulativeRatio()
		if m.Components() != c.want || got[c.want-1] < c.ratio || got[c.want-2] >= c.ratio {
			t.Errorf("%d components explain %v, want %d", m.Components(), c.ratio, c.want)
		}
	}
	wine, _ := readData(t, "wine")
	if m := fitPCA(t, decomp.PCA{Rule: decomp.Kaiser}, standardized(wine), nil); m.Components() != 3 {
		t.Errorf("Kaiser keeps %d components of wine, want 3", m.Components())
	}
	for _, c := range golden[[]pcaCase](t, "pca") {
		if c.Minka > 0 {
			X, _ := readData(t, c.Data)
			if m := fitPCA(t, decomp.PCA{Rule: decomp.Minka}, X, nil); m.Components() != c.Minka {
				t.Errorf("Minka's evidence keeps %d components of %s, scikit-learn %d", m.Components(), c.Data, c.Minka)
			}
		}
	}
}

// A fit ends with its context, also between the stretches of a long one.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	for _, p := range []decomp.PCA{{}, {Solver: decomp.FullSVD}, {Solver: decomp.Randomized, Components: 1}} {
		if _, err := p.Fit(ctx, normals(1, 40, 4), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: error %v", p.Solver, err)
		}
	}
}
