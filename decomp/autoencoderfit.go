package decomp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/activation"
	sgd "github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// Streams of random numbers of a seed.
const (
	weightStream = 0xa0 + iota
	orderStream
	noiseStream
	measureStream
	shuffleStream
)

// autoencoderFit is the state of a fit.
type autoencoderFit struct {
	Autoencoder
	s     *data
	mean  []float64
	scale float64
	w     []float64 // weights of mean 1, nil for ones

	theta, grad      []float64
	l2               []float64 // the penalty of each parameter, nil for none
	encoder, decoder network
	gradient         [2]network // of encoder and decoder
	opt              *sgd.Optimizer
	batch            autoencoderBatch
	block            int       // rows whose layers are held at once
	sum              []float64 // of the gradients of blocks
	passed           []float64 // the mean gradient over the steps of an epoch, for Progress

	train, kept        []int
	losses, validation []float64
	convergence        gram.Convergence
}

// autoencoderBatch is memory for a batch of rows.
type autoencoderBatch struct {
	rows, input, target, dy, code, dcode, epsilon []float64
	traces                                        [2]trace
}

func newAutoencoderFit(ctx context.Context, t Autoencoder, s *data) (*autoencoderFit, error) {
	sizes, f, err := t.layers(s.d)
	if err != nil {
		return nil, err
	}
	c, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	a := &autoencoderFit{Autoencoder: t, s: s, mean: c.mean, scale: 1}
	if v := math.Sqrt(f64.Sum(c.squares) / c.weight / float64(s.d)); v > 0 && finite(1/v) {
		a.scale = v
	}
	if s.w != nil {
		a.w = slices.Clone(s.w)
		f64.Scal(float64(s.n)/s.weight, a.w)
	}
	total := 0
	for _, side := range sizes {
		n, _ := parameters(side)
		total += n
	}
	a.theta, a.grad = make([]float64, total), make([]float64, total)
	a.encoder, a.decoder = twoNetworks(sizes, f, a.theta)
	a.gradient[0], a.gradient[1] = twoNetworks(sizes, f, a.grad)
	if t.Progress != nil {
		a.passed = make([]float64, total)
	}
	if t.Alpha > 0 {
		a.l2 = make([]float64, total)
		one, other := twoNetworks(sizes, f, a.l2)
		for _, l := range append(one, other...) {
			for i := range l.w.Data {
				l.w.Data[i] = t.Alpha
			}
		}
	}
	a.opt = sgd.New(sgd.Kind(t.Optimizer), t.Momentum, t.Decay, total)
	a.block = max(256, 8*blockElems/max(a.encoder.width(), a.decoder.width()))
	a.begin()
	return a, nil
}

// layers returns the sizes of the layers of encoder and decoder, and the function of the
// hidden ones.
func (t *Autoencoder) layers(d int) (sizes [2][]int, f *activation.Function, err error) {
	f, ok := hiddenFunction(t.Activation)
	if !ok {
		return sizes, nil, fmt.Errorf("Activation is %q, which is no function of elements: %w", t.Activation, gram.ErrParam)
	}
	sizes = layerSizes(append(append([]int{d}, t.Hidden...), t.Components), t.Variational)
	encoder, ok1 := parameters(sizes[0])
	decoder, ok2 := parameters(sizes[1])
	if !ok1 || !ok2 || encoder+decoder > math.MaxInt32 {
		return sizes, nil, fmt.Errorf("layers of %d to %d units have more than 2³¹ parameters: %w", sizes[0], sizes[1], gram.ErrParam)
	}
	return sizes, f, nil
}

// layerSizes returns those of encoder and decoder, given the encoder's with a code of k.
func layerSizes(encoder []int, variational bool) (sizes [2][]int) {
	sizes[0], sizes[1] = slices.Clone(encoder), slices.Clone(encoder)
	slices.Reverse(sizes[1])
	if variational {
		sizes[0][len(encoder)-1] *= 2
	}
	return sizes
}

// twoNetworks are the encoder and the decoder over the parameters.
func twoNetworks(sizes [2][]int, f *activation.Function, theta []float64) (encoder, decoder network) {
	encoder, theta = newNetwork(sizes[0], f, theta)
	decoder, _ = newNetwork(sizes[1], f, theta)
	return encoder, decoder
}

// begin draws the first weights and deals out the rows.
func (a *autoencoderFit) begin() {
	r := rand.New(rand.NewPCG(a.Seed, weightStream))
	a.encoder.initialize(r)
	a.decoder.initialize(r)
	if a.Loss == CrossEntropy { // begin at the means
		out := a.decoder[len(a.decoder)-1].b
		for j, p := range a.mean {
			p = min(max(p, 1e-3), 1-1e-3)
			out[j] = math.Log(p / (1 - p))
		}
	}
	order := rand.New(rand.NewPCG(a.Seed, orderStream)).Perm(a.s.n)
	kept := min(int(math.Ceil(a.Validation*float64(a.s.n))), a.s.n-1)
	a.kept, a.train = order[:kept:kept], order[kept:]
	slices.Sort(a.kept)
	steps := (len(a.train)-1)/a.BatchSize + 1 // of an epoch
	if a.Epochs == 0 {
		a.Epochs = max(50, (5000-1)/steps+1)
	}
	if a.Rate == nil {
		a.Rate = cosine{a.firstRate(a.s.d), steps * a.Epochs}
	}
	a.convergence = gram.Convergence{Solver: a.Optimizer.String(), Tolerance: a.Tol}
}

// cosine is the default of Rate.
type cosine struct {
	initial float64
	steps   int
}

func (c cosine) Rate(step int) float64 {
	return sgd.Cosine(c.initial, c.initial/1000, c.steps, step)
}

// run makes the epochs of the fit, and ends at the parameters of the model.
func (a *autoencoderFit) run(ctx context.Context) error {
	c := &a.convergence
	order, noise := rand.New(rand.NewPCG(a.Seed, shuffleStream)), rand.New(rand.NewPCG(a.Seed, noiseStream))
	var best []float64
	least, idle := math.Inf(1), 0
	for c.Iterations < a.Epochs && !c.Converged {
		c.Iterations++
		order.Shuffle(len(a.train), func(i, j int) { a.train[i], a.train[j] = a.train[j], a.train[i] })
		objective, err := a.learn(ctx, noise)
		if err != nil {
			return err
		}
		a.losses = append(a.losses, objective)
		if len(a.kept) > 0 {
			if objective, err = a.objective(ctx, a.kept, 0, nil); err != nil {
				return err
			}
			a.validation = append(a.validation, objective)
			if idle++; objective < least {
				best, least, idle = append(best[:0], a.theta...), objective, 0
			}
			c.Converged = idle >= a.Patience
		}
		if !finite(objective) {
			return fmt.Errorf("after %d epochs the objective is %v: lower the learning rate: %w", c.Iterations, objective, gram.ErrNonFinite)
		}
		if a.Progress != nil {
			residual := a.residual(f64.SumSquares(a.passed))
			a.Progress(gram.Progress{Iteration: c.Iterations, Limit: a.Epochs, Objective: objective, Residual: residual, Tolerance: a.Tol})
		}
	}
	if best != nil {
		copy(a.theta, best)
	}
	err := a.conclude(ctx)
	c.Converged = c.Converged || c.Residual <= a.Tol
	return err
}

// learn makes a step for every batch of the rows to train on, in their order, and returns
// the mean of the objective before each.
func (a *autoencoderFit) learn(ctx context.Context, noise *rand.Rand) (float64, error) {
	total, n := 0.0, float64(len(a.train))
	clear(a.passed)
	for lo := 0; lo < len(a.train); lo += a.BatchSize {
		if err := ctx.Err(); err != nil {
			return 0, stopped(err)
		}
		rate, err := sgd.Rate(a.Rate, a.opt.Steps())
		if err != nil {
			return 0, err
		}
		rows := a.train[lo:min(lo+a.BatchSize, len(a.train))]
		loss, err := a.gradientOf(ctx, rows, noise)
		if err != nil {
			return 0, err
		}
		total += loss + a.penalty()*float64(len(rows))
		if a.Progress != nil {
			f64.Axpy(1/n, a.grad, a.passed)
		}
		f64.Scal(1/float64(len(rows)), a.grad)
		a.opt.Step(a.theta, a.grad, nil, a.l2, rate)
	}
	return total / n, nil
}

// gradientOf returns the sum of the weighted losses of the rows of a step and sets grad to its
// gradient: at once, or block by block for more rows than memory should hold the layers of.
func (a *autoencoderFit) gradientOf(ctx context.Context, rows []int, noise *rand.Rand) (float64, error) {
	if len(rows) <= a.block {
		return a.evaluate(rows, noise, true), nil
	}
	if a.sum == nil {
		a.sum = make([]float64, len(a.grad))
	}
	loss, err := a.addBlocks(ctx, rows, noise, a.sum)
	copy(a.grad, a.sum)
	return loss, err
}

// addBlocks returns the sum of the weighted losses of some rows, block by block, and sets
// gradient to its own unless that is nil.
func (a *autoencoderFit) addBlocks(ctx context.Context, rows []int, noise *rand.Rand, gradient []float64) (float64, error) {
	total := 0.0
	clear(gradient)
	for lo := 0; lo < len(rows); lo += a.block {
		if err := ctx.Err(); err != nil {
			return 0, stopped(err)
		}
		total += a.evaluate(rows[lo:min(lo+a.block, len(rows))], noise, gradient != nil)
		if gradient != nil {
			f64.Axpy(1, a.grad, gradient)
		}
	}
	return total, nil
}

// objective returns the objective over some rows, and sets gradient to its own unless that
// is nil. A draw of noise is the same each time.
func (a *autoencoderFit) objective(ctx context.Context, rows []int, draw uint64, gradient []float64) (float64, error) {
	n := float64(len(rows))
	total, err := a.addBlocks(ctx, rows, rand.New(rand.NewPCG(a.Seed, measureStream+draw<<16)), gradient)
	if err != nil {
		return 0, err
	}
	if gradient != nil {
		f64.Scal(1/n, gradient)
		a.addPenalty(gradient)
	}
	return total/n + a.penalty(), nil
}

// conclude finds the objective and the residual of the parameters. Where there is noise,
// they are means over draws: the square of the length of the mean gradient is that of
// products of different draws.
func (a *autoencoderFit) conclude(ctx context.Context) error {
	draws := 1
	if a.Noise > 0 || a.Mask > 0 || a.Variational {
		draws = max(2, min(10_000/len(a.train), a.convergence.Iterations, 100))
	}
	sum, gradient := make([]float64, len(a.theta)), make([]float64, len(a.theta))
	c, squares := &a.convergence, 0.0
	c.Objective = 0
	slices.Sort(a.train)
	for draw := range draws {
		v, err := a.objective(ctx, a.train, uint64(draw+1), gradient)
		if err != nil {
			return err
		}
		c.Objective += v / float64(draws)
		squares += f64.SumSquares(gradient)
		f64.Axpy(1, gradient, sum)
	}
	square := f64.SumSquares(sum)
	if draws > 1 {
		square = max(0, square-squares) / float64(draws*(draws-1))
	}
	c.Residual = a.residual(square)
	return nil
}

// penalty returns that of the weights.
func (a *autoencoderFit) penalty() float64 {
	if a.Alpha == 0 {
		return 0
	}
	sum := 0.0
	for _, n := range [2]network{a.encoder, a.decoder} {
		for _, l := range n {
			sum += f64.SumSquares(l.w.Data)
		}
	}
	return a.Alpha / 2 * sum
}

// addPenalty adds the penalty's gradient.
func (a *autoencoderFit) addPenalty(gradient []float64) {
	for i, v := range a.l2 {
		gradient[i] += v * a.theta[i]
	}
}

// residual returns how much the objective could change, in proportion to the loss of
// knowing nothing, as the parameters change in proportion to their length. square is that
// of the length of the gradient.
func (a *autoencoderFit) residual(square float64) float64 {
	nothing := 0.5
	if a.Loss == CrossEntropy {
		nothing = math.Ln2
	}
	return math.Sqrt(square) * linalg.Nrm2(a.theta) / (nothing * float64(a.s.d))
}

// evaluate returns the sum of the weighted losses of some rows and, to learn, sets grad to
// its gradient.
func (a *autoencoderFit) evaluate(rows []int, noise *rand.Rand, learn bool) float64 {
	b, n, k := &a.batch, len(rows), a.Components
	input, target := a.read(rows)
	a.damage(input.Data, noise)
	h := a.encoder.forward(a.Workers, input, &b.traces[0])
	code, loss := h, 0.0
	if a.Variational {
		code = linalg.NewDense(n, k, grow(&b.code, n*k))
		loss = a.draw(code, h, rows, noise)
	}
	y := a.decoder.forward(a.Workers, code, &b.traces[1])
	dy := linalg.NewDense(n, a.s.d, grow(&b.dy, n*a.s.d))
	loss += a.compare(dy, y, target, rows)
	if !learn {
		return loss
	}
	dh := a.decoder.backward(a.Workers, code, dy, &b.traces[1], a.gradient[1], false)
	if a.Variational {
		dh = a.drawGradient(dh, h, rows)
	}
	a.encoder.backward(a.Workers, input, dh, &b.traces[0], a.gradient[0], true)
	return loss
}

// read returns the inputs of the network for some rows, and what its output is to be.
func (a *autoencoderFit) read(rows []int) (input, target *linalg.Dense[float64]) {
	b, n, d := &a.batch, len(rows), a.s.d
	raw, stride := linalg.AsOperator(linalg.Rows(a.s.X, rows)).RowBlock(grow(&b.rows, n*d), 0, n)
	input = linalg.NewDense(n, d, grow(&b.input, n*d))
	target = input
	if a.Loss == CrossEntropy || a.Noise > 0 || a.Mask > 0 {
		target = linalg.NewDense(n, d, grow(&b.target, n*d))
	}
	for i := range n {
		x := raw[i*stride : i*stride+d]
		scaled(input.Row(i), x, a.mean, a.scale)
		switch {
		case a.Loss == CrossEntropy:
			copy(target.Row(i), x)
		case target != input:
			copy(target.Row(i), input.Row(i))
		}
	}
	return input, target
}

// scaled sets dst to x less the mean, over scale.
func scaled(dst, x, mean []float64, scale float64) {
	f64.Subtract(dst, x, mean)
	f64.Scal(1/scale, dst)
}

// damage adds noise to inputs and masks some.
func (a *autoencoderFit) damage(x []float64, noise *rand.Rand) {
	if a.Noise > 0 {
		for i := range x {
			x[i] += a.Noise * noise.NormFloat64()
		}
	}
	if a.Mask > 0 {
		for i := range x {
			if noise.Float64() < a.Mask {
				x[i] = 0
			}
		}
	}
}

// weightOf returns the weight of a row.
func (a *autoencoderFit) weightOf(row int) float64 {
	if a.w == nil {
		return 1
	}
	return a.w[row]
}

// draw sets codes to draws from the distributions h: means and logarithms of variances. It
// returns the sum of their weighted divergences, and keeps the standard normal draws.
func (a *autoencoderFit) draw(code, h *linalg.Dense[float64], rows []int, noise *rand.Rand) float64 {
	k := code.Cols
	epsilon := grow(&a.batch.epsilon, len(code.Data))
	sum := 0.0
	for i, row := range rows {
		divergence := 0.0
		mu, rho := h.Row(i)[:k], h.Row(i)[k:]
		for j, m := range mu {
			e := noise.NormFloat64()
			epsilon[i*k+j] = e
			code.Row(i)[j] = m + math.Exp(rho[j]/2)*e
			divergence += (m*m + math.Expm1(rho[j]) - rho[j]) / 2
		}
		sum += a.weightOf(row) * divergence
	}
	return a.Beta * sum
}

// drawGradient returns the derivative by h given that by the codes.
func (a *autoencoderFit) drawGradient(dcode, h *linalg.Dense[float64], rows []int) *linalg.Dense[float64] {
	k := dcode.Cols
	dh := linalg.NewDense(h.Rows, h.Cols, grow(&a.batch.dcode, h.Rows*h.Cols))
	for i, row := range rows {
		price := a.Beta * a.weightOf(row)
		mu, rho := h.Row(i)[:k], h.Row(i)[k:]
		for j, dc := range dcode.Row(i) {
			dh.Row(i)[j] = dc + price*mu[j]
			dh.Row(i)[k+j] = (dc*math.Exp(rho[j]/2)*a.batch.epsilon[i*k+j] + price*math.Expm1(rho[j])) / 2
		}
	}
	return dh
}

// compare returns the sum of the weighted losses of the outputs y, and sets dy to their
// derivative by y.
func (a *autoencoderFit) compare(dy, y, target *linalg.Dense[float64], rows []int) float64 {
	sum := 0.0
	for i, row := range rows {
		w, d := a.weightOf(row), dy.Row(i)
		sum += w * a.Loss.of(d, y.Row(i), target.Row(i))
		if w != 1 {
			f64.Scal(w, d)
		}
	}
	return sum
}

// of returns the loss of an output y, before the sigmoid function, and sets dy to its
// derivative.
func (l AutoencoderLoss) of(dy, y, target []float64) float64 {
	if l == SquaredError {
		f64.Subtract(dy, y, target)
		return f64.SumSquares(dy) / 2
	}
	activation.Softplus(dy, y)
	loss := f64.Sum(dy) - f64.Dot(target, y)
	activation.Sigmoid(dy, y)
	f64.Subtract(dy, dy, target)
	return loss
}

// model returns that of the parameters.
func (a *autoencoderFit) model() *AutoencoderModel {
	m := &AutoencoderModel{
		sizes:    append(append([]int{a.s.d}, a.Hidden...), a.Components),
		function: a.Activation, loss: a.Loss, variational: a.Variational,
		mean: a.mean, scale: a.scale, theta: a.theta,
		losses: a.losses, validation: a.validation, convergence: a.convergence,
	}
	m.init()
	return m
}
