package decomp

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/activation"
	sgd "github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/linalg"
)

// An Optimizer is how a step of stochastic gradient descent follows from gradients.
type Optimizer int

const (
	// The order is that of package descent.

	// Adam divides running means of gradients by roots of running means of their
	// squares, both corrected for their start at zero (Kingma and Ba, 2015).
	Adam Optimizer = iota
	// AdamW is Adam but for the penalty, which acts with the learning rate itself, as
	// decay of weights (Loshchilov and Hutter, 2019).
	AdamW
	// AdaGrad divides gradients by the root of the sum of their squares so far (Duchi,
	// Hazan and Singer, 2011).
	AdaGrad
	// RMSProp divides gradients by the root of a running mean of their squares (Hinton,
	// 2012).
	RMSProp
	// PlainSGD follows the gradient.
	PlainSGD
	// Momentum follows a running sum of gradients (Polyak, 1964).
	Momentum
	// Nesterov is Momentum that looks ahead (Nesterov, 1983).
	Nesterov
)

// String returns "adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum" or "nesterov".
func (o Optimizer) String() string { return sgd.Kind(o).String() }

// A Schedule is the learning rate of stochastic gradient descent by the number of steps made
// before, from 0. The schedules of package linear are ones: [linear.CosineRate],
// [linear.WarmUp] and the others.
//
// [linear.CosineRate]: https://pkg.go.dev/github.com/gram-ml/gram/linear#CosineRate
// [linear.WarmUp]: https://pkg.go.dev/github.com/gram-ml/gram/linear#WarmUp
type Schedule interface {
	// Rate returns the learning rate, > 0 and finite.
	Rate(step int) float64
}

// An AutoencoderLoss says how far a reconstruction x̂ is from a row x.
type AutoencoderLoss int

const (
	// SquaredError is ‖x − x̂‖²/2, of an output that is linear.
	SquaredError AutoencoderLoss = iota
	// CrossEntropy is −Σⱼ xⱼ·ln x̂ⱼ + (1−xⱼ)·ln(1−x̂ⱼ), of an output that goes through the
	// sigmoid function, for bits, shares and pixels: elements from 0 to 1.
	CrossEntropy
)

// String returns "squared error" or "cross-entropy".
func (l AutoencoderLoss) String() string {
	switch l {
	case SquaredError:
		return "squared error"
	case CrossEntropy:
		return "cross-entropy"
	}
	return fmt.Sprintf("AutoencoderLoss(%d)", int(l))
}

// Autoencoder is a neural network that is trained to give back its input through a layer
// of k units, the code, that is narrower (G. Hinton and R. Salakhutdinov, Reducing the
// dimensionality of data with neural networks, Science 313 (2006)). Encoder and decoder are
// dense layers; it minimises
//
//	Σ wᵢ·loss(xᵢ, x̂ᵢ)/Σw + Alpha·‖weights‖²/2,
//
// by steps along the gradient of a few rows each. Units are those in which the mean variance
// of the columns is 1: the network sees rows less their mean over the root of it, the
// squared error is taken so, and Noise and Alpha mean the same whatever the units of X
// are. As for PCA, columns of different units belong through prep.Standard first.
//
// With Hidden empty, or Activation "identity", it is linear and finds the plane of PCA, at a higher
// price and with other axes: that of the best fit in the plane, not those of variance.
//
// Denoising: with Noise or Mask the network is given damaged rows and learns to restore them
// (P. Vincent and others, Stacked denoising autoencoders, JMLR 11 (2010)), which is
// a way to keep a code from learning rows by heart, and makes sense for k ≥ d also.
//
// Variational: the code of a row is a normal distribution, of which training draws, held
// near the standard normal distribution (D. Kingma and M. Welling, Auto-encoding variational Bayes,
// 2014). What is minimised has Beta·KL(code ‖ N(0, 1)) added to the loss; new rows
// can be drawn (see [AutoencoderModel.Sample]). For SquaredError, Beta is the variance of the
// noise that is taken for granted in each column, as a share of their mean variance: no
// component of less variance is worth its price. The linear one is probabilistic PCA of that
// noise (J. Lucas and others, Don't blame the ELBO, 2019).
//
// The zero value is ready: two units of code, one hidden layer of ReLU on either side,
// Adam on batches of 32 rows with rates that fall along a cosine.
type Autoencoder struct {
	// Components is k, the number of units of code, ≥ 1; 0 means 2.
	Components int
	// Hidden are the sizes, ≥ 1, of the encoder's hidden layers from the input on; the
	// decoder has the same in reverse. nil means one, of 2·√(d·k) rounded up; []int{}
	// means none.
	Hidden []int
	// Activation is the function of the hidden layers, by its name in
	// activation.Lookup, one of elements and not of rows: "relu", "tanh", "elu", "gelu", …, or
	// "identity" for none; "" means "relu". The code is linear.
	Activation string
	// Loss is the loss, and chooses the output.
	Loss AutoencoderLoss
	// Noise is the standard deviation, ≥ 0, of normal noise that is added to the inputs
	// in training, in roots of the mean variance of the columns.
	Noise float64
	// Mask is the share, 0 up to 1, of the inputs that are replaced by their column's
	// mean in training, drawn anew for each row of a batch.
	Mask float64
	// Variational makes codes normal distributions.
	Variational bool
	// Beta is the weight, > 0, of the divergence of codes from the standard normal
	// distribution, if Variational; 0 means 1.
	Beta float64
	// Alpha is the strength, ≥ 0, of the L2 penalty on weights; biases have none.
	Alpha float64
	// Optimizer makes steps of gradients; the zero value is Adam.
	Optimizer Optimizer
	// Momentum is the share of the past in running means or sums of gradients, 0 to 1; 0
	// means 0.9. Adam, AdamW, Momentum and Nesterov use it.
	Momentum float64
	// Decay is the share of the past in running means of squares, 0 to 1; 0 means 0.999,
	// for RMSProp 0.99. Adam, AdamW and RMSProp use it.
	Decay float64
	// Rate is the schedule of learning rates. nil means a cosine over all steps of the fit,
	// down to a thousandth of where it begins: at 0.01, for AdaGrad at 0.05, for
	// PlainSGD at 0.3/d, and for Momentum and Nesterov at a tenth of that.
	Rate Schedule
	// BatchSize is the number of rows for a step: 1 for single rows, n or more for all;
	// 0 means 32.
	BatchSize int
	// Epochs limits the passes over the rows, > 0; 0 means as many as make 5000 steps, and
	// 50 at least.
	Epochs int
	// Validation is the share of the rows that is kept apart for early stopping, 0 to
	// 1: the fit ends when their loss, with the same noise each time, has not fallen for
	// Patience epochs, and the model is that of the lowest. 0 means no early stopping.
	Validation float64
	// Patience is the number of epochs for early stopping, > 0; 0 means 10.
	Patience int
	// Tol is the tolerance, > 0; 0 means 0.2. A fit makes all its epochs, unless it stops
	// early, and has converged if it did or if at the end the length of the objective's
	// gradient times that of the parameters is ≤ Tol times the loss of knowing nothing,
	// d/2 for SquaredError and d·ln 2 for CrossEntropy: if one percent of change in the
	// parameters would gain no more than Tol percent of that. With noise, the expected
	// gradient's length is estimated without bias from several draws.
	Tol float64
	// Seed chooses the first weights, the order of the rows, those kept apart, and noise.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every epoch. Its Objective is the mean over
	// the steps of the epoch, or with early stopping that of the rows kept apart, and its
	// Residual that of the mean gradient over the steps.
	Progress func(gram.Progress)
}

var _ gram.TransformerTrainer = Autoencoder{}

// check returns the trainer with defaults in place, but for Rate, for d columns.
func (t Autoencoder) check(d int) (Autoencoder, error) {
	share := func(name string, v float64) error {
		if !(v >= 0 && v < 1) {
			return fmt.Errorf("%s is %v, want 0 up to 1: %w", name, v, gram.ErrParam)
		}
		return nil
	}
	positive := func(name string, v float64) error {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("%s is %v: %w", name, v, gram.ErrParam)
		}
		return nil
	}
	err := cmp.Or(
		share("Momentum", t.Momentum), share("Decay", t.Decay), share("Validation", t.Validation), share("Mask", t.Mask),
		positive("Noise", t.Noise), positive("Beta", t.Beta), positive("Alpha", t.Alpha), positive("Tol", t.Tol),
	)
	switch {
	case err != nil:
		return t, err
	case t.Components < 0:
		return t, fmt.Errorf("%d components: %w", t.Components, gram.ErrParam)
	case t.Loss < SquaredError || t.Loss > CrossEntropy:
		return t, fmt.Errorf("%v: %w", t.Loss, gram.ErrParam)
	case !sgd.Kind(t.Optimizer).Valid():
		return t, fmt.Errorf("%v: %w", t.Optimizer, gram.ErrParam)
	case t.BatchSize < 0 || t.Epochs < 0 || t.Patience < 0:
		return t, fmt.Errorf("BatchSize is %d, Epochs %d and Patience %d, want > 0 or 0 for the default: %w", t.BatchSize, t.Epochs, t.Patience, gram.ErrParam)
	}
	t.Components = cmp.Or(t.Components, 2)
	if t.Hidden == nil {
		t.Hidden = []int{int(math.Ceil(2 * math.Sqrt(float64(d)*float64(t.Components))))}
	}
	t.Hidden = slices.Clone(t.Hidden)
	for i, h := range t.Hidden {
		if h < 1 {
			return t, fmt.Errorf("Hidden[%d] is %d: %w", i, h, gram.ErrParam)
		}
	}
	t.Activation = cmp.Or(t.Activation, "relu")
	t.Beta, t.Momentum = cmp.Or(t.Beta, 1), cmp.Or(t.Momentum, 0.9)
	if t.Optimizer == RMSProp {
		t.Decay = cmp.Or(t.Decay, 0.99)
	}
	t.Decay, t.Tol = cmp.Or(t.Decay, 0.999), cmp.Or(t.Tol, 0.2)
	t.BatchSize, t.Patience = cmp.Or(t.BatchSize, 32), cmp.Or(t.Patience, 10)
	return t, nil
}

// hiddenFunction returns the function of that name, nil for the identity; false if there is none.
func hiddenFunction(name string) (*activation.Function, bool) {
	if name == identity {
		return nil, true
	}
	f, ok := activation.Lookup(name)
	return &f, ok && !f.PerRow
}

// identity is the name of no function.
const identity = "identity"

// firstRate is the default of the initial rate for d features.
func (t *Autoencoder) firstRate(d int) float64 {
	switch {
	case t.Optimizer == AdaGrad:
		return 0.05
	case sgd.Kind(t.Optimizer).Adaptive():
		return 0.01
	case t.Optimizer == PlainSGD:
		return 0.3 / float64(d)
	}
	return 0.03 / float64(d)
}

// Fit trains on X, n×d, with weights w ≥ 0 of the rows' losses, nil for all ones. A weight
// counts only beside the others; a row of weight 0 is as one that is not there.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrTargets, naming row and
// column, for an element outside 0 to 1 under CrossEntropy; ErrParam for a field out of its
// range; ErrNonFinite if steps lead away, where rates are too high; that of ctx. At Epochs the
// model comes with an error that wraps ErrNotConverged. An epoch takes O(n·p) for p
// parameters, and O(p) for every batch; memory is needed for a few times p and for the layers of a batch.
func (t Autoencoder) Fit(ctx context.Context, X gram.Matrix, w []float64) (*AutoencoderModel, error) {
	s, err := newData(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	if t, err = t.check(s.d); err != nil {
		return nil, err
	}
	if err := t.checkElements(s); err != nil {
		return nil, err
	}
	if s.positive < s.n {
		if s, err = s.withoutZeroWeights(ctx); err != nil {
			return nil, err
		}
	}
	f, err := newAutoencoderFit(ctx, t, s)
	if err != nil {
		return nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	m := f.model()
	if c := m.convergence; !c.Converged {
		return m, fmt.Errorf("autoencoder after %d epochs: residual %.3g, tolerance %.3g: %w", c.Iterations, c.Residual, c.Tolerance, gram.ErrNotConverged)
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (t Autoencoder) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// checkElements reads X once.
func (t *Autoencoder) checkElements(s *data) error {
	if _, _, err := gram.CheckMatrix(s.X); err != nil {
		return err
	}
	if t.Loss != CrossEntropy {
		return nil
	}
	size := max(8, blockElems/s.d)
	buf := make([]float64, min(size, s.n)*s.d)
	for lo := 0; lo < s.n; lo += size {
		hi := min(s.n, lo+size)
		raw, stride := s.op.RowBlock(buf, lo, hi)
		for i := range hi - lo {
			for j, v := range raw[i*stride : i*stride+s.d] {
				if !(v >= 0 && v <= 1) {
					return fmt.Errorf("row %d, column %d is %v, want 0 to 1 for %v: %w", lo+i, j, v, t.Loss, gram.ErrTargets)
				}
			}
		}
	}
	return nil
}

// withoutZeroWeights returns the data without the rows of no weight.
func (s *data) withoutZeroWeights(ctx context.Context) (*data, error) {
	rows, w := make([]int, 0, s.positive), make([]float64, 0, s.positive)
	for i, v := range s.w {
		if v > 0 {
			rows, w = append(rows, i), append(w, v)
		}
	}
	return newData(ctx, linalg.Rows(s.X, rows), w, s.workers)
}
