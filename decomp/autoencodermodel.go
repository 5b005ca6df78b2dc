package decomp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// AutoencoderModel is a fitted [Autoencoder]: a gram.Transformer to codes of k numbers, of
// the variational form the means of their distributions.
//
// Its methods return gram.ErrShape for shapes that do not fit. Batch methods take O(n·p) for
// p parameters, row methods O(p) and no memory.
type AutoencoderModel struct {
	sizes              []int // d, the hidden layers of the encoder, k
	function           string
	loss               AutoencoderLoss
	variational        bool
	mean               []float64
	scale              float64
	theta              []float64
	losses, validation []float64
	convergence        gram.Convergence
	// derived
	encoder, decoder network
	pool             sync.Pool
}

var _ gram.Transformer = (*AutoencoderModel)(nil)

// autoencoderScratch is the memory of one call.
type autoencoderScratch struct {
	a, b, x  []float64 // of the width of the networks, and d
	in, rows []float64
	traces   [2]trace
}

// init makes what is derived.
func (m *AutoencoderModel) init() {
	f, _ := hiddenFunction(m.function)
	m.encoder, m.decoder = twoNetworks(layerSizes(m.sizes, m.variational), f, m.theta)
	width := max(m.encoder.width(), m.decoder.width())
	m.pool.New = func() any {
		return &autoencoderScratch{a: make([]float64, width), b: make([]float64, width), x: make([]float64, m.Features())}
	}
}

// Features returns d.
func (m *AutoencoderModel) Features() int { return m.sizes[0] }

// Components returns k.
func (m *AutoencoderModel) Components() int { return m.sizes[len(m.sizes)-1] }

// OutFeatures returns k.
func (m *AutoencoderModel) OutFeatures() int { return m.Components() }

// Hidden returns a copy of the sizes of the encoder's hidden layers.
func (m *AutoencoderModel) Hidden() []int { return slices.Clone(m.sizes[1 : len(m.sizes)-1]) }

// Activation returns the name of the function of the hidden layers.
func (m *AutoencoderModel) Activation() string { return m.function }

// Loss returns the loss of the fit.
func (m *AutoencoderModel) Loss() AutoencoderLoss { return m.loss }

// Variational tells whether codes are distributions.
func (m *AutoencoderModel) Variational() bool { return m.variational }

// Mean returns a copy of the means of the columns, which rows lose before they enter.
func (m *AutoencoderModel) Mean() []float64 { return slices.Clone(m.mean) }

// Scale returns the root of the mean variance of the columns, which rows less their mean are
// divided by before they enter and, for SquaredError, multiplied by as they leave.
func (m *AutoencoderModel) Scale() float64 { return m.scale }

// Layers returns the number of layers of weights, those of the encoder and as many of
// the decoder.
func (m *AutoencoderModel) Layers() int { return len(m.encoder) + len(m.decoder) }

// Layer returns copies of the weights, in×out, and of the biases of layer i, 0 ≤ i < Layers, from
// the input on: it takes rows x to x·weights + bias. The last layer of a variational encoder
// gives the k means and then the k logarithms of variances.
func (m *AutoencoderModel) Layer(i int) (weights *linalg.Dense[float64], bias []float64) {
	l := slices.Concat(m.encoder, m.decoder)[i]
	return linalg.CopyOf[float64](l.w), slices.Clone(l.b)
}

// Losses returns a copy of the mean objective over the steps of each epoch.
func (m *AutoencoderModel) Losses() []float64 { return slices.Clone(m.losses) }

// ValidationLosses returns a copy of the objective over the rows kept apart after each
// epoch, nil without early stopping. The model is that of the lowest.
func (m *AutoencoderModel) ValidationLosses() []float64 { return slices.Clone(m.validation) }

// Convergence tells how the fit ended. Iterations are epochs; objective and residual are
// those of the model over the rows trained on.
func (m *AutoencoderModel) Convergence() gram.Convergence { return m.convergence }

// Transform sets dst, n×k row-major, to the codes of the rows of X.
func (m *AutoencoderModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	k := m.Components()
	return transform(dst, X, m.Features(), k, func(dst []float64, n int) {
		m.eachBlock(X, n, func(lo int, _, h *linalg.Dense[float64], _ *autoencoderScratch) {
			for i := range h.Rows {
				copy(dst[(lo+i)*k:(lo+i+1)*k], h.Row(i))
			}
		})
	})
}

// eachBlock calls f with blocks of the rows of X and what the encoder makes of them.
func (m *AutoencoderModel) eachBlock(X gram.Matrix, n int, f func(lo int, x, h *linalg.Dense[float64], t *autoencoderScratch)) {
	d := m.Features()
	op := linalg.AsOperator(X)
	t := m.pool.Get().(*autoencoderScratch)
	defer m.pool.Put(t)
	size := max(8, blockElems/len(t.a))
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		raw, stride := op.RowBlock(grow(&t.rows, (hi-lo)*d), lo, hi)
		x := &linalg.Dense[float64]{Rows: hi - lo, Cols: d, Stride: stride, Data: raw}
		in := linalg.NewDense(hi-lo, d, grow(&t.in, (hi-lo)*d))
		for i := range in.Rows {
			scaled(in.Row(i), x.Row(i), m.mean, m.scale)
		}
		f(lo, x, m.encoder.forward(1, in, &t.traces[0]), t)
	}
}

// TransformRow sets dst, of length k, to the code of x; dst may be x.
func (m *AutoencoderModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.Components()); err != nil {
		return err
	}
	t := m.pool.Get().(*autoencoderScratch)
	copy(dst, m.encodeRow(x, t))
	m.pool.Put(t)
	return nil
}

// encodeRow returns the encoder's output, in t.
func (m *AutoencoderModel) encodeRow(x []float64, t *autoencoderScratch) []float64 {
	in := t.a[:len(x)]
	scaled(in, x, m.mean, m.scale)
	return m.encoder.row(in, t.a, t.b)
}

// CodeDeviations sets dst, n×k row-major, to the standard deviations of the codes of the rows
// of X. It returns ErrParam for a model that is not variational.
func (m *AutoencoderModel) CodeDeviations(dst []float64, X gram.Matrix) ([]float64, error) {
	if !m.variational {
		return nil, notVariational("CodeDeviations")
	}
	k := m.Components()
	return transform(dst, X, m.Features(), k, func(dst []float64, n int) {
		m.eachBlock(X, n, func(lo int, _, h *linalg.Dense[float64], _ *autoencoderScratch) {
			for i := range h.Rows {
				for j, rho := range h.Row(i)[k:] {
					dst[(lo+i)*k+j] = math.Exp(rho / 2)
				}
			}
		})
	})
}

func notVariational(method string) error {
	return fmt.Errorf("%s of an autoencoder that is not variational: %w", method, gram.ErrParam)
}

// InverseTransform sets dst, n×d row-major, to the rows that the codes Z, n×k, stand for.
func (m *AutoencoderModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	d := m.Features()
	return transform(dst, Z, m.Components(), d, func(dst []float64, n int) {
		t := m.pool.Get().(*autoencoderScratch)
		defer m.pool.Put(t)
		z := denseCopy(Z)
		size := max(8, blockElems/len(t.a))
		for lo := 0; lo < n; lo += size {
			hi := min(n, lo+size)
			y := m.decoder.forward(1, z.Slice(lo, hi, 0, z.Cols), &t.traces[1])
			for i := range y.Rows {
				m.finish(dst[(lo+i)*d:(lo+i+1)*d], y.Row(i))
			}
		}
	})
}

// InverseTransformRow sets dst, of length d, to the row that the code z stands for; dst may
// be z.
func (m *AutoencoderModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.Components(), m.Features()); err != nil {
		return err
	}
	t := m.pool.Get().(*autoencoderScratch)
	m.finish(dst, m.decodeRow(z, t))
	m.pool.Put(t)
	return nil
}

// decodeRow returns the decoder's output, in t.
func (m *AutoencoderModel) decodeRow(z []float64, t *autoencoderScratch) []float64 {
	in := t.a[:len(z)]
	copy(in, z)
	return m.decoder.row(in, t.a, t.b)
}

// finish sets dst to the row that the decoder's output y is.
func (m *AutoencoderModel) finish(dst, y []float64) {
	if m.loss == CrossEntropy {
		activation.Sigmoid(dst, y)
		return
	}
	for j, v := range y {
		dst[j] = m.mean[j] + m.scale*v
	}
}

// ReconstructionError sets dst, of length n, to the loss of each row of X beside its
// reconstruction, a score of anomaly: for SquaredError the squared distance, as
// [PCAModel.ReconstructionError], and for CrossEntropy the cross-entropy.
func (m *AutoencoderModel) ReconstructionError(dst []float64, X gram.Matrix) ([]float64, error) {
	k := m.Components()
	return transform(dst, X, m.Features(), 1, func(dst []float64, n int) {
		m.eachBlock(X, n, func(lo int, x, h *linalg.Dense[float64], t *autoencoderScratch) {
			y := m.decoder.forward(1, h.Slice(0, h.Rows, 0, k), &t.traces[1])
			for i := range y.Rows {
				dst[lo+i] = m.loseRow(x.Row(i), y.Row(i), t)
			}
		})
	})
}

// ReconstructionErrorRow is [AutoencoderModel.ReconstructionError] for one row.
func (m *AutoencoderModel) ReconstructionErrorRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*autoencoderScratch)
	y := m.decodeRow(m.encodeRow(x, t)[:m.Components()], t)
	v := m.loseRow(x, y, t)
	m.pool.Put(t)
	return v, nil
}

// loseRow returns the error of the decoder's output y for x.
func (m *AutoencoderModel) loseRow(x, y []float64, t *autoencoderScratch) float64 {
	if m.loss == CrossEntropy {
		return m.loss.of(t.x, y, x)
	}
	m.finish(t.x, y)
	f64.Subtract(t.x, t.x, x)
	return f64.SumSquares(t.x)
}

// Sample returns n rows, n×d row-major, that the decoder makes of codes drawn from the standard
// normal distribution: means, without the noise of a row about its mean. It returns ErrParam
// for a model that is not variational. O(n·p).
func (m *AutoencoderModel) Sample(rng *rand.Rand, n int) ([]float64, error) {
	if !m.variational {
		return nil, notVariational("Sample")
	}
	if n < 0 {
		return nil, fmt.Errorf("a sample of %d rows: %w", n, gram.ErrParam)
	}
	z := linalg.NewDense[float64](n, m.Components(), nil)
	for i := range z.Data {
		z.Data[i] = rng.NormFloat64()
	}
	return m.InverseTransform(nil, z)
}

func encodeAutoencoder(e *gram.Encoder, m *AutoencoderModel) {
	e.Ints(m.sizes)
	e.String(m.function)
	e.Int(int(m.loss))
	e.Bool(m.variational)
	e.Floats(m.mean)
	e.Float(m.scale)
	e.Floats(m.theta)
	e.Floats(m.losses)
	e.Floats(m.validation)
	e.Convergence(m.convergence)
}

func decodeAutoencoder(d *gram.Decoder, _ int) *AutoencoderModel {
	m := &AutoencoderModel{sizes: d.Ints(), function: d.String(), loss: AutoencoderLoss(d.Int()), variational: d.Bool()}
	m.mean, m.scale, m.theta = d.Floats(), d.Float(), d.Floats()
	m.losses, m.validation, m.convergence = d.Floats(), d.Floats(), d.Convergence()
	checkFinite(d, m.mean, []float64{m.scale}, m.theta)
	if d.Err() != nil {
		return nil
	}
	switch {
	case len(m.sizes) < 2 || slices.Min(m.sizes) < 1:
		d.Fail("layers of %d units", m.sizes)
		return nil
	case slices.Max(m.sizes) > len(m.theta) || m.sizes[0] != len(m.mean):
		d.Fail("layers of %d units with %d parameters and %d means", m.sizes, len(m.theta), len(m.mean))
		return nil
	case m.loss < SquaredError || m.loss > CrossEntropy:
		d.Fail("%v", m.loss)
	case m.scale <= 0 || !finite(1/m.scale):
		d.Fail("scale is %v", m.scale)
	}
	sizes := layerSizes(m.sizes, m.variational)
	encoder, ok1 := parameters(sizes[0])
	decoder, ok2 := parameters(sizes[1])
	if !ok1 || !ok2 || encoder+decoder != len(m.theta) {
		d.Fail("layers of %d units with %d parameters", m.sizes, len(m.theta))
	}
	if _, ok := hiddenFunction(m.function); !ok {
		d.Fail("no function %q", m.function)
	}
	if d.Err() != nil {
		return nil
	}
	m.init()
	return m
}
