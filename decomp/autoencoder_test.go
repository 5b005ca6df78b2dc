package decomp_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

// trained fits, and fails on any error.
func trained(t testing.TB, trainer decomp.Autoencoder, X gram.Matrix, w []float64) *decomp.AutoencoderModel {
	t.Helper()
	m, err := trainer.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lost returns the mean squared distance of rows from their reconstruction.
func lost(t testing.TB, m interface {
	ReconstructionError([]float64, gram.Matrix) ([]float64, error)
}, X gram.Matrix) float64 {
	t.Helper()
	e, err := m.ReconstructionError(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	return f64.Sum(e) / float64(len(e))
}

// inUnits returns X moved far from zero and scaled, which must not matter.
func inUnits(X *dense) *dense {
	out := linalg.CopyOf[float64](X)
	for i := range out.Data {
		out.Data[i] = 1000 * (out.Data[i] + 30)
	}
	return out
}

// TestAutoencoderPCA: linear ones find the plane of PCA: their error is PCA's to 1e-4.
func TestAutoencoderPCA(t *testing.T) {
	X := inUnits(lowRank(1, 60, 6, 4, 0.2))
	p, err := decomp.PCA{Components: 2}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	best := lost(t, p, X)
	for _, trainer := range []decomp.Autoencoder{
		{Hidden: []int{}, Optimizer: decomp.RMSProp, BatchSize: 30, Epochs: 700},
		{Hidden: []int{4}, Activation: "identity", Optimizer: decomp.RMSProp, BatchSize: 30, Epochs: 500},
		{Hidden: []int{}, BatchSize: 30, Epochs: 750, Rate: linear.WarmUp{Steps: 100, Then: linear.CosineRate{Initial: 0.2, Steps: 1400}}},
	} {
		got := lost(t, trained(t, trainer, X, nil), X)
		if !(got >= best*(1-1e-9) && got <= best*1.0001) {
			t.Errorf("%v %q: error %v, PCA's is %v", trainer.Hidden, trainer.Activation, got, best)
		}
	}
}

// TestAutoencoderOptimizers: each comes near PCA's error with its default rates.
func TestAutoencoderOptimizers(t *testing.T) {
	X := lowRank(1, 60, 6, 4, 0.2)
	p, err := decomp.PCA{Components: 2}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	best := lost(t, p, X)
	names := []string{"adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum", "nesterov"}
	for i, name := range names {
		o := decomp.Optimizer(i)
		m := trained(t, decomp.Autoencoder{Hidden: []int{}, Optimizer: o, BatchSize: 15, Epochs: 400}, X, nil)
		if got := lost(t, m, X); !(got <= best*1.1) {
			t.Errorf("%v: error %v, PCA's is %v", o, got, best)
		}
		if c := m.Convergence(); o.String() != name || c.Solver != name || c.Iterations != 400 || !c.Converged {
			t.Errorf("%v: %+v", o, c)
		}
	}
}

// TestVariationalPCA: the linear variational one is probabilistic PCA whose noise is Beta: it
// minimises the negative log-likelihood, and codes have the variance of the posterior.
func TestVariationalPCA(t *testing.T) {
	X := inUnits(lowRank(1, 100, 5, 4, 0.2))
	const beta, k, d = 0.3, 2, 5
	m := trained(t, decomp.Autoencoder{
		Components: k, Hidden: []int{}, Variational: true, Beta: beta, BatchSize: 50, Epochs: 800,
		Rate: linear.CosineRate{Initial: 0.03, Steps: 1600},
	}, X, nil)
	p, err := decomp.PCA{}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	variances := p.ExplainedVariance()
	f64.Scal(float64(d)/p.TotalVariance(), variances)
	want, deviations := 0.0, make([]float64, k)
	for j, v := range variances {
		if j < k {
			want += math.Log(v/beta) + 1
			deviations[k-1-j] = math.Sqrt(beta / v)
		} else {
			want += v / beta
		}
	}
	want *= beta / 2
	if variances[k-1] <= beta {
		t.Fatalf("variances %v", variances)
	}
	if got := m.Convergence().Objective; math.Abs(got-want) > 0.02*want {
		t.Errorf("objective %v, that of probabilistic PCA is %v", got, want)
	}
	s, err := m.CodeDeviations(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	got := []float64{0, 0}
	for i := range X.Rows {
		f64.Axpy(1/float64(X.Rows), s[i*k:(i+1)*k], got)
	}
	slices.Sort(got)
	slices.Reverse(got)
	slices.Sort(deviations)
	slices.Reverse(deviations)
	near(t, "deviations of codes", got, deviations, 0.05)

	// Rows that are drawn have the mean of the rows and the variances of components less noise.
	rows, err := m.Sample(rand.New(rand.NewPCG(1, 1)), 4000)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := decomp.PCA{}.Fit(background, linalg.NewDense(4000, d, rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean of a sample", drawn.Mean(), p.Mean(), 0.05)
	v := drawn.ExplainedVariance()
	f64.Scal(float64(d)/p.TotalVariance(), v)
	near(t, "variances of a sample", v[:k], []float64{variances[0] - beta, variances[1] - beta}, 0.1)
}

// TestDenoising: a linear one without a bottleneck, given normal noise of variance σ², is
// Wiener's filter: it keeps λ/(λ + σ²) of a component of variance λ.
func TestDenoising(t *testing.T) {
	X := lowRank(1, 100, 4, 4, 0.2)
	const sigma, d = 0.7, 4
	m := trained(t, decomp.Autoencoder{
		Components: d, Hidden: []int{}, Noise: sigma, BatchSize: 100, Epochs: 1500,
		Rate: linear.CosineRate{Initial: 0.03, Steps: 1500},
	}, X, nil)
	p, err := decomp.PCA{}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, axis := p.Mean(), p.Basis()
	unit := p.TotalVariance() / d
	for j, v := range p.ExplainedVariance() {
		x := make([]float64, d)
		for i := range x {
			x[i] = mean[i] + axis[j*d+i]
		}
		z := make([]float64, d)
		if err := m.TransformRow(z, x); err != nil {
			t.Fatal(err)
		}
		if err := m.InverseTransformRow(z, z); err != nil {
			t.Fatal(err)
		}
		f64.Subtract(z, z, mean)
		kept, want := f64.Dot(z, axis[j*d:(j+1)*d]), v/(v+sigma*sigma*unit)
		if math.Abs(kept-want) > 0.03 {
			t.Errorf("of component %d %.3f is kept, want %.3f", j, kept, want)
		}
	}
}

// curve returns points near a half circle in the plane.
func curve(n int) *dense {
	r := rand.New(rand.NewPCG(9, 9))
	X := linalg.NewDense[float64](n, 2, nil)
	for i := range n {
		sin, cos := math.Sincos(math.Pi * r.Float64())
		X.Set(i, 0, 10+cos+0.02*r.NormFloat64())
		X.Set(i, 1, sin+0.02*r.NormFloat64())
	}
	return X
}

// TestAutoencoderCurve: where rows lie along a curve one unit of code tells where, and PCA's one
// component does not; the loss falls, and the model's objective is what its reports say.
func TestAutoencoderCurve(t *testing.T) {
	X := curve(64)
	p, err := decomp.PCA{Components: 1}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := trained(t, decomp.Autoencoder{Components: 1, Hidden: []int{12}, Activation: "tanh", Epochs: 400}, X, nil)
	if got, linear := lost(t, m, X), lost(t, p, X); !(got < linear/20) {
		t.Errorf("error %v, PCA's is %v", got, linear)
	}
	losses, c := m.Losses(), m.Convergence()
	if len(losses) != c.Iterations || c.Iterations != 400 || losses[399] > losses[0]/20 {
		t.Errorf("%d losses of %d epochs, from %v to %v", len(losses), c.Iterations, losses[0], losses[len(losses)-1])
	}
	scale := m.Scale()
	if want := lost(t, m, X) / 2 / scale / scale; math.Abs(c.Objective-want) > 1e-12 {
		t.Errorf("objective %v, want %v", c.Objective, want)
	}
}

// TestReconstructionError: it is the squared distance from what codes decode to.
func TestReconstructionError(t *testing.T) {
	X := inUnits(lowRank(1, 40, 5, 3, 0.2))
	for _, variational := range []bool{false, true} {
		m := trained(t, decomp.Autoencoder{Epochs: 2, Tol: 1e9, Variational: variational}, X, nil)
		z, err := m.Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		back, err := m.InverseTransform(nil, linalg.NewDense(40, 2, z))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.ReconstructionError(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		want, single := make([]float64, 40), make([]float64, 40)
		f64.Subtract(back, back, X.Data)
		for i := range want {
			want[i] = f64.SumSquares(back[i*5 : i*5+5])
			if single[i], err = m.ReconstructionErrorRow(X.Row(i)); err != nil {
				t.Fatal(err)
			}
		}
		near(t, "errors", got, want, 1e-9)
		near(t, "errors of rows", single, want, 1e-9)
	}
}

// TestAutoencoderBits: with cross-entropy the output is a probability, and the error what it
// says; four prototypes with bits that flip are told apart.
func TestAutoencoderBits(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	const n, d = 120, 12
	X := linalg.NewDense[float64](n, d, nil)
	for i := range n {
		for j := range d {
			bit := (i%4)>>(j%2)&1 == 1
			if bit != (r.Float64() < 0.05) {
				X.Set(i, j, 1)
			}
		}
	}
	m := trained(t, decomp.Autoencoder{Loss: decomp.CrossEntropy, Epochs: 200}, X, nil)
	z, err := m.Transform(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.InverseTransform(nil, linalg.NewDense(n, 2, z))
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.ReconstructionError(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	want, wrong := make([]float64, n), 0
	for i, x := range X.Data {
		want[i/d] -= x*math.Log(p[i]) + (1-x)*math.Log(1-p[i])
		if (p[i] > 0.5) != (x == 1) {
			wrong++
		}
	}
	near(t, "cross-entropies", got, want, 1e-6)
	if wrong > n*d/20 {
		t.Errorf("%d of %d bits are wrong", wrong, n*d)
	}
	if c := m.Convergence(); math.Abs(c.Objective-f64.Sum(want)/n) > 1e-6 {
		t.Errorf("objective %v, mean error %v", c.Objective, f64.Sum(want)/n)
	}
}

// constant is a rate that does not depend on the number of epochs.
const constant = linear.ConstantRate(0.01)

// TestEarlyStopping: it ends Patience epochs after the lowest loss of the rows kept apart, and
// the model is that of the lowest: the one of a fit of so many epochs.
func TestEarlyStopping(t *testing.T) {
	X := lowRank(1, 60, 8, 3, 1)
	for _, variational := range []bool{false, true} {
		trainer := decomp.Autoencoder{Hidden: []int{40}, Validation: 0.3, Patience: 4, Epochs: 2000, Rate: constant, Variational: variational, Beta: 0.1}
		m := trained(t, trainer, X, nil)
		losses, c := m.ValidationLosses(), m.Convergence()
		best := slices.Index(losses, slices.Min(losses))
		if !c.Converged || c.Iterations == 2000 || len(losses) != c.Iterations || best != len(losses)-1-4 || best < 5 {
			t.Fatalf("%+v with the lowest loss after %d of %d", c, best+1, len(losses))
		}
		trainer.Epochs, trainer.Tol = best+1, 1e9
		again := trained(t, trainer, X, nil)
		a, err := m.Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		b, err := again.Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a, b) {
			t.Errorf("the model is not that after %d epochs", best+1)
		}
	}
}

// TestAutoencoderWeights: with all rows in a batch, weights count rows up to rounding.
func TestAutoencoderWeights(t *testing.T) {
	X := lowRank(1, 30, 4, 3, 0.2)
	twice, w := linalg.NewDense[float64](40, 4, nil), make([]float64, 30)
	copy(twice.Data, X.Data)
	copy(twice.Data[30*4:], X.Data[:10*4])
	for i := range w {
		w[i] = 1
		if i < 10 {
			w[i] = 2
		}
	}
	trainer := decomp.Autoencoder{Activation: "tanh", BatchSize: 100, Epochs: 20, Tol: 1e9, Alpha: 0.1}
	a, err := trained(t, trainer, X, w).Transform(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trained(t, trainer, twice, nil).Transform(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "codes", a, b, 1e-9)
}

// TestAutoencoderPenalty: a strong one takes all weights.
func TestAutoencoderPenalty(t *testing.T) {
	X := lowRank(1, 30, 4, 3, 0.2)
	for _, o := range []decomp.Optimizer{decomp.Adam, decomp.AdamW, decomp.Nesterov} {
		m := trained(t, decomp.Autoencoder{Alpha: 20, Optimizer: o, Epochs: 300}, X, nil)
		for i := range m.Layers() {
			if w, _ := m.Layer(i); linalg.Nrm2(w.Data) > 1e-3 {
				t.Errorf("%v: weights of layer %d are %v", o, i, w.Data)
			}
		}
	}
}

// TestAutoencoderSparse: rows stored sparse, or in single precision, give the same bits.
func TestAutoencoderSparse(t *testing.T) {
	X := lowRank(1, 50, 6, 3, 0.2)
	for i, v := range X.Data {
		X.Data[i] = float64(float32(max(0, v)))
	}
	trainer := decomp.Autoencoder{Epochs: 2, Tol: 1e9, Mask: 0.2}
	want, err := trained(t, trainer, X, nil).Transform(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]gram.Matrix{"CSR": csr, "float32": linalg.CopyOf[float32](X)} {
		got, err := trained(t, trainer, form, nil).Transform(nil, form)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s gives another model", name)
		}
	}
}

func TestAutoencoderErrors(t *testing.T) {
	X := lowRank(1, 20, 3, 2, 0.2)
	for _, c := range []struct {
		trainer decomp.Autoencoder
		text    string
	}{
		{decomp.Autoencoder{Components: -1}, "-1 components"},
		{decomp.Autoencoder{Hidden: []int{4, 0}}, "Hidden[1] is 0"},
		{decomp.Autoencoder{Hidden: []int{1 << 40}}, "parameters"},
		{decomp.Autoencoder{Hidden: []int{1 << 20, 1 << 20}}, "parameters"},
		{decomp.Autoencoder{Activation: "softmax"}, `"softmax"`},
		{decomp.Autoencoder{Activation: "rely"}, `"rely"`},
		{decomp.Autoencoder{Loss: 2}, "AutoencoderLoss(2)"},
		{decomp.Autoencoder{Noise: -1}, "Noise is -1"},
		{decomp.Autoencoder{Mask: 1}, "Mask is 1"},
		{decomp.Autoencoder{Beta: math.Inf(1)}, "Beta is +Inf"},
		{decomp.Autoencoder{Alpha: math.NaN()}, "Alpha is NaN"},
		{decomp.Autoencoder{Optimizer: 7}, "Optimizer(7)"},
		{decomp.Autoencoder{Momentum: 1}, "Momentum is 1"},
		{decomp.Autoencoder{Decay: -0.1}, "Decay is -0.1"},
		{decomp.Autoencoder{Rate: linear.ConstantRate(-1)}, "rate of step 0 is -1"},
		{decomp.Autoencoder{BatchSize: -1}, "BatchSize is -1"},
		{decomp.Autoencoder{Epochs: -1}, "Epochs -1"},
		{decomp.Autoencoder{Validation: 1}, "Validation is 1"},
		{decomp.Autoencoder{Patience: -1}, "Patience -1"},
		{decomp.Autoencoder{Tol: -1}, "Tol is -1"},
	} {
		_, err := c.trainer.Fit(background, X, nil)
		errorIs(t, err, gram.ErrParam, c.text)
	}
	_, err := decomp.Autoencoder{Loss: decomp.CrossEntropy}.Fit(background, linalg.NewDense(2, 2, []float64{0, 1, 0.5, 1.5}), nil)
	errorIs(t, err, gram.ErrTargets, "row 1, column 1 is 1.5")
	_, err = decomp.Autoencoder{Rate: linear.ConstantRate(1e9), Optimizer: decomp.PlainSGD}.Fit(background, X, nil)
	errorIs(t, err, gram.ErrNonFinite, "lower the learning rate")
	_, err = decomp.Autoencoder{Activation: "log"}.Fit(background, X, nil)
	errorIs(t, err, gram.ErrNonFinite, "the objective is")

	m, err := decomp.Autoencoder{Epochs: 1, Tol: 1e-9}.Fit(background, X, nil)
	errorIs(t, err, gram.ErrNotConverged, "after 1 epochs")
	if m == nil || m.Convergence().Converged {
		t.Fatal("no model, or a converged one")
	}
	r := rand.New(rand.NewPCG(1, 1))
	_, err = m.Sample(r, 3)
	errorIs(t, err, gram.ErrParam, "not variational")
	_, err = m.CodeDeviations(nil, X)
	errorIs(t, err, gram.ErrParam, "not variational")
	_, err = m.InverseTransform(nil, X)
	errorIs(t, err, gram.ErrShape, "3 features, the model 2")
	errorIs(t, m.InverseTransformRow(make([]float64, 2), make([]float64, 2)), gram.ErrShape, "want 3")
	_, err = m.ReconstructionErrorRow(make([]float64, 2))
	errorIs(t, err, gram.ErrShape, "2 features")
	m, _ = decomp.Autoencoder{Epochs: 1, Variational: true}.Fit(background, X, nil)
	_, err = m.Sample(r, -1)
	errorIs(t, err, gram.ErrParam, "-1 rows")

	ctx, cancel := context.WithCancel(background)
	_, err = decomp.Autoencoder{Progress: func(gram.Progress) { cancel() }}.Fit(ctx, X, nil)
	errorIs(t, err, context.Canceled, "")
}
