package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// Huber trains linear regression that outliers hardly move: with residuals rᵢ = yᵢ − xᵢ·coef
// − intercept it minimises over coefficients, intercept and scale σ > 0
//
//	Σᵢ wᵢ(σ + H(rᵢ/σ)·σ) + Alpha·‖coef‖²
//
// where H(u) is u² up to |u| = Epsilon and 2·Epsilon·|u| − Epsilon² beyond. The function is
// convex, and scaling the targets scales what is found. The intercept is not penalised.
type Huber struct {
	// Epsilon is where residuals begin to count as outliers, in units of σ, > 1; 0
	// means 1.35, which loses 5 % of efficiency where there are none.
	Epsilon float64
	// Alpha is the strength of the penalty, ≥ 0.
	Alpha float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-8. A fit has converged when ‖g‖∞ ≤ Tol·Σw,
	// where g is the gradient by coefficients, intercept and σ, with features measured
	// as in [Logistic]. It has no unit of the targets.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

// StudentT trains linear regression with residuals of Student's t distribution, by
// maximum likelihood over coefficients, intercept and scale σ. The weight of an outlier
// falls with its square, so that wild ones count for nothing; the fewer the degrees of
// freedom, the sooner. The likelihood may have several maxima: the fit goes up
// from that of [Huber].
type StudentT struct {
	// DoF is the number of degrees of freedom ν, > 0; 0 means 4.
	DoF float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-8. A fit has converged when ‖g‖∞ ≤ Tol·Σw,
	// where g is the gradient of −log-likelihood for targets in units of their median
	// deviation, with features measured as in [Logistic].
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var _, _ gram.RegressorTrainer = Huber{}, StudentT{}

// Fit trains on the n×d matrix X, targets y and sample weights w ≥ 0, nil for all
// ones; a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrWeights and gram.ErrParam for
// what does not fit; gram.ErrSingular if σ has no minimum above 0, since targets do not
// vary or a plane goes through most of them; gram.ErrNotConverged, together with the
// last iterate, after MaxIter iterations; ctx's error. Costs are those of [Tweedie.Fit].
func (t Huber) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*HuberModel, error) {
	limit, tol, err := checkCommon(t.MaxIter, 1000, t.Tol, 1e-8, t.Workers)
	if err != nil {
		return nil, err
	}
	if t.Epsilon == 0 {
		t.Epsilon = 1.35
	}
	if err := checkAtLeast("Alpha", t.Alpha, 0); err != nil {
		return nil, err
	}
	if !(t.Epsilon > 1) || math.IsInf(t.Epsilon, 1) {
		return nil, fmt.Errorf("linear: Epsilon is %v, want > 1 or 0 for 1.35: %w", t.Epsilon, gram.ErrParam)
	}
	r, err := newRobust(ctx, X, y, w, !t.NoIntercept, t.Workers)
	if err != nil {
		return nil, err
	}
	r.p.lambda = 2 * t.Alpha * r.unit
	h := &huberFamily{t.Epsilon, r.y, r.p.w}
	pt, report, err := r.solve(ctx, X, h, r.start(), 2, tol, limit, t.Progress)
	if pt == nil {
		return nil, err
	}
	m := &HuberModel{LinearPredictor: r.predictor(pt), scale: r.unit * pt.theta[r.p.std.dim()], epsilon: t.Epsilon, convergence: report}
	return m, err
}

// Fit trains as [Huber.Fit] does, with the same errors.
func (t StudentT) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*StudentTModel, error) {
	limit, tol, err := checkCommon(t.MaxIter, 1000, t.Tol, 1e-8, t.Workers)
	if err != nil {
		return nil, err
	}
	if t.DoF == 0 {
		t.DoF = 4
	}
	if !(t.DoF > 0) || math.IsInf(t.DoF, 1) {
		return nil, fmt.Errorf("linear: DoF is %v, want > 0 or 0 for 4: %w", t.DoF, gram.ErrParam)
	}
	r, err := newRobust(ctx, X, y, w, !t.NoIntercept, t.Workers)
	if err != nil {
		return nil, err
	}
	const rough, most = 1e-3, 50
	pt, _, err := r.solve(ctx, X, &huberFamily{1.35, r.y, r.p.w}, r.start(), 2, rough, most, nil)
	if pt == nil {
		return nil, err
	}
	s := &studentFamily{t.DoF, r.y, r.p.w}
	pt, report, err := r.solve(ctx, X, s, pt, 1, tol, limit, t.Progress)
	if pt == nil {
		return nil, err
	}
	m := &StudentTModel{
		LinearPredictor: r.predictor(pt), scale: r.unit * pt.theta[r.p.std.dim()], dof: t.DoF, convergence: report,
		logLikelihood: r.p.weight*(s.constant()-math.Log(r.unit)) - pt.f,
	}
	if len(m.coef) <= errorFeatures {
		l := &likelihood{p: r.p, family: s}
		f, failed := l.hessian(ctx, pt.theta)
		if failed != nil {
			return nil, failed
		}
		dim := r.p.std.dim()
		m.stdErr, m.interceptErr, failed = r.p.fisherErrors(f.Slice(0, dim, 0, dim), r.unit*r.unit)
		if failed != nil {
			return nil, failed
		}
	}
	return m, err
}

// TrainRegressor calls [Huber.Fit].
func (t Huber) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// TrainRegressor calls [StudentT.Fit].
func (t StudentT) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// A robust problem has its targets about their median, in units of their median
// deviation from it.
type robust struct {
	p            *problem
	y            []float64
	centre, unit float64
}

func newRobust(ctx context.Context, X gram.Matrix, y, w []float64, intercept bool, workers int) (*robust, error) {
	w, _, err := rowWeights(X, y, w)
	if err != nil {
		return nil, err
	}
	p, err := newProblem(ctx, X, nil, w, 1, &settings{intercept: intercept, workers: workers})
	if err != nil {
		return nil, err
	}
	r := &robust{p: p, y: slices.Clone(y)}
	if intercept {
		r.centre = weightedMedian(y, w)
	}
	size := make([]float64, len(y))
	for i := range y {
		r.y[i] -= r.centre
		size[i] = math.Abs(r.y[i])
	}
	if r.unit = weightedMedian(size, w); r.unit == 0 {
		r.unit = weightedMean(size, w)
	}
	if r.unit == 0 {
		return nil, fmt.Errorf("linear: all targets are %v, so that residuals have no scale: %w", y[0], gram.ErrSingular)
	}
	for i := range r.y {
		r.y[i] /= r.unit
	}
	return r, nil
}

// weightedMedian returns a number with no more than half of the weight on each side.
func weightedMedian(x, w []float64) float64 {
	order := make([]int, 0, len(x))
	total := 0.0
	for i, v := range w {
		if v > 0 {
			order = append(order, i)
			total += v
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	below := 0.0
	for _, i := range order {
		if below += w[i]; below >= total/2 {
			return x[i]
		}
	}
	return x[order[len(order)-1]]
}

// start returns coefficients 0 and a scale of 1.
func (r *robust) start() *point {
	pt := newPoint(r.p.std.dim() + 1)
	pt.theta[r.p.std.dim()] = 1
	return pt
}

// solve minimises from pt. The point is nil where there is no model.
func (r *robust) solve(ctx context.Context, X gram.Matrix, f family, pt *point, level, tol float64, limit int, progress func(gram.Progress)) (*point, gram.Convergence, error) {
	const floor = 1e-10
	l := &likelihood{p: r.p, family: f, floor: floor}
	if err := l.eval(ctx, pt); err != nil {
		return nil, gram.Convergence{}, err
	}
	report, err := l.solve(ctx, pt, pt.f, level, tol*r.p.weight, limit, progress)
	if errors.Is(err, gram.ErrNotConverged) && report.Iterations < limit && pt.grad[r.p.std.dim()] > 0.1*pt.residual {
		err = gram.ErrSingular // it stalled where a smaller scale is ever better
	}
	switch {
	case errors.Is(err, gram.ErrNonFinite):
		return nil, report, checkFinite(X, math.NaN())
	case errors.Is(err, gram.ErrSingular):
		return nil, report, fmt.Errorf("linear: a plane goes through so many of the targets that the scale of residuals falls to 0: %w", err)
	case err != nil && !errors.Is(err, gram.ErrNotConverged):
		return nil, report, err
	}
	return pt, report, err
}

// predictor returns the model at pt, in the units of the targets.
func (r *robust) predictor(pt *point) LinearPredictor {
	at := r.p.params(pt.theta[:r.p.std.dim()])
	m := LinearPredictor{coef: at.coef, intercept: r.centre + r.unit*at.bias[0]}
	for j := range m.coef {
		m.coef[j] *= r.unit
	}
	return m
}

// A huberFamily is σ + H(r/σ)·σ.
type huberFamily struct {
	epsilon float64
	y, w    []float64
}

func (g *huberFamily) scaled() bool { return true }

func (g *huberFamily) slopes(z []float64, s span, scale float64) (loss, byScale float64) {
	for i, v := range z {
		w, r := g.w[s.lo+i], g.y[s.lo+i]-v
		if w == 0 {
			z[i] = 0 // whatever the score
			continue
		}
		if size := math.Abs(r); size <= g.epsilon*scale {
			u := r / scale
			loss += w * (scale + r*u)
			byScale += w * (1 - u*u)
			z[i] = -2 * w * u
		} else {
			loss += w * (scale + g.epsilon*(2*size-g.epsilon*scale))
			byScale += w * (1 - g.epsilon*g.epsilon)
			z[i] = -2 * w * math.Copysign(g.epsilon, r)
		}
	}
	return loss, byScale
}

// curvatures sets those of the quadratic that touches the loss from above, where the
// loss is straight and has none of its own.
func (g *huberFamily) curvatures(z, mixed []float64, s span, scale float64) (byScale float64) {
	for i, v := range z {
		w, r := g.w[s.lo+i], g.y[s.lo+i]-v
		z[i], mixed[i] = 0, 0
		if w == 0 {
			continue
		}
		u := r / scale
		if size := math.Abs(u); size > g.epsilon {
			z[i] = 2 * w / scale * (g.epsilon / size)
			continue
		}
		z[i] = 2 * w / scale
		mixed[i] = z[i] * u
		byScale += z[i] * u * u
	}
	return byScale
}

// A studentFamily is −log of Student's density, less its constant:
// (ν+1)/2·log(1 + u²/ν) + log σ with u = r/σ.
type studentFamily struct {
	dof  float64
	y, w []float64
}

// constant returns the logarithm of the density at 0 for a scale of 1.
func (g *studentFamily) constant() float64 {
	a, _ := math.Lgamma((g.dof + 1) / 2)
	b, _ := math.Lgamma(g.dof / 2)
	return a - b - math.Log(g.dof*math.Pi)/2
}

func (g *studentFamily) scaled() bool { return true }

func (g *studentFamily) slopes(z []float64, s span, scale float64) (loss, byScale float64) {
	level := math.Log(scale)
	for i, v := range z {
		w := g.w[s.lo+i]
		if w == 0 {
			z[i] = 0 // whatever the score
			continue
		}
		u := (g.y[s.lo+i] - v) / scale
		share := (g.dof + 1) * u / (g.dof + u*u)
		loss += w * ((g.dof+1)/2*math.Log1p(u*u/g.dof) + level)
		byScale += w * (1 - share*u) / scale
		z[i] = -w * share / scale
	}
	return loss, byScale
}

// curvatures sets those that are expected: Fisher's information, which is definite
// where the Hessian may not be.
func (g *studentFamily) curvatures(z, mixed []float64, s span, scale float64) (byScale float64) {
	clear(mixed)
	of := 1 / ((g.dof + 3) * scale * scale)
	for i := range z {
		w := g.w[s.lo+i]
		z[i] = w * (g.dof + 1) * of
		byScale += w * 2 * g.dof * of
	}
	return byScale
}

// HuberModel is what [Huber] fits.
type HuberModel struct {
	LinearPredictor
	scale, epsilon float64
	convergence    gram.Convergence
}

// Scale returns σ, in units of the targets.
func (m *HuberModel) Scale() float64 { return m.scale }

// Epsilon returns where residuals begin to count as outliers, in units of σ.
func (m *HuberModel) Epsilon() float64 { return m.epsilon }

// Convergence reports how the fit ended. Its Residual is the gradient norm that [Huber]
// defines, its Objective is for targets in units of their median deviation.
func (m *HuberModel) Convergence() gram.Convergence { return m.convergence }

// StudentTModel is what [StudentT] fits.
type StudentTModel struct {
	LinearPredictor
	scale, dof, logLikelihood float64
	stdErr                    []float64
	interceptErr              float64
	convergence               gram.Convergence
}

// Scale returns σ, in units of the targets. The variance of residuals is σ²·ν/(ν−2).
func (m *StudentTModel) Scale() float64 { return m.scale }

// DoF returns the number of degrees of freedom ν.
func (m *StudentTModel) DoF() float64 { return m.dof }

// LogLikelihood returns the logarithm of the density of the training targets, in nats.
func (m *StudentTModel) LogLikelihood() float64 { return m.logLikelihood }

// StdErr returns the standard errors of the coefficients and of the intercept by
// Fisher's information, σ²·(ν+3)/(ν+1)·(XᵀWX)⁻¹. They are +Inf where columns that depend
// on each other leave a coefficient open, and nil for more than 512 features.
func (m *StudentTModel) StdErr() (coef []float64, intercept float64) {
	return slices.Clone(m.stdErr), m.interceptErr
}

// Convergence reports how the fit ended. Its Residual is the gradient norm that
// [StudentT] defines, its Objective −log-likelihood but for a constant.
func (m *StudentTModel) Convergence() gram.Convergence { return m.convergence }

func init() {
	gram.Register("linear.Huber", 1, encodeHuber, decodeHuber)
	gram.Register("linear.StudentT", 1, encodeStudentT, decodeStudentT)
}

func encodeHuber(e *gram.Encoder, m *HuberModel) {
	m.encode(e)
	e.Float(m.scale)
	e.Float(m.epsilon)
	e.Convergence(m.convergence)
}

func decodeHuber(d *gram.Decoder, _ int) *HuberModel {
	m := &HuberModel{LinearPredictor: decodePredictor(d), scale: d.Float(), epsilon: d.Float(), convergence: d.Convergence()}
	checkFloats(d, []float64{m.scale, m.epsilon})
	return m
}

func encodeStudentT(e *gram.Encoder, m *StudentTModel) {
	m.encode(e)
	for _, v := range []float64{m.scale, m.dof, m.logLikelihood, m.interceptErr} {
		e.Float(v)
	}
	e.Floats(m.stdErr)
	e.Convergence(m.convergence)
}

func decodeStudentT(d *gram.Decoder, _ int) *StudentTModel {
	m := &StudentTModel{LinearPredictor: decodePredictor(d)}
	for _, v := range []*float64{&m.scale, &m.dof, &m.logLikelihood, &m.interceptErr} {
		*v = d.Float()
	}
	m.stdErr = decodeErrors(d, len(m.coef))
	m.convergence = d.Convergence()
	checkFloats(d, []float64{m.scale, m.dof})
	return m
}

// decodeErrors reads the standard errors of so many coefficients, or none.
func decodeErrors(d *gram.Decoder, features int) []float64 {
	e := d.Floats()
	if len(e) > 0 && len(e) != features {
		d.Fail("%d standard errors of %d features", len(e), features)
	}
	return e
}
