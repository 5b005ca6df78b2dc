package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Tweedie trains the generalized linear model of targets whose mean is
//
//	μᵢ = exp(xᵢ·coef + intercept + offsetᵢ)
//
// and whose variance is proportional to μᵖ, with p the Power: 1 for counts ([Poisson]),
// between 1 and 2 for sums of a random number of positive amounts, such as claims, many
// of them 0; 2 for positive amounts of a constant relative spread ([Gamma]); 3 for the
// inverse Gaussian distribution. It minimises
//
//	Σᵢ wᵢ·d(yᵢ, μᵢ)/(2Σw) + Alpha·‖coef‖²/2
//
// with d the unit deviance, twice what log-likelihood is lost to a perfect fit. The
// intercept is not penalised. For p up to 2 the function is convex and the minimum the
// only one.
//
// The zero value is ready: Power 1.5 and no penalty.
type Tweedie struct {
	// Power is p, ≥ 1; 0 means 1.5.
	Power float64
	// Alpha is the strength of the penalty, ≥ 0.
	Alpha float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-8. A fit has converged when ‖g‖∞ ≤ Tol·ȳ²⁻ᵖ,
	// where g is the gradient of the objective and ȳ the mean target, so that the units
	// of targets do not matter; those of features matter as little as in [Logistic].
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

// Poisson trains a generalized linear model of counts: it is [Tweedie] with a Power of
// 1, whose fields it shares. Targets ≥ 0 need not be whole: rates do as well, with the
// exposures as weights.
type Poisson struct {
	// Alpha is the strength of the penalty, ≥ 0.
	Alpha float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-8. See [Tweedie].
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

// Gamma trains a generalized linear model of positive targets whose spread grows with
// their mean: it is [Tweedie] with a Power of 2, whose fields it shares.
type Gamma struct {
	// Alpha is the strength of the penalty, ≥ 0.
	Alpha float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-8. See [Tweedie].
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var _, _, _ gram.RegressorTrainer = Tweedie{}, Poisson{}, Gamma{}

func (t Poisson) tweedie() Tweedie {
	return Tweedie{
		Power: 1, Alpha: t.Alpha, NoIntercept: t.NoIntercept, MaxIter: t.MaxIter, Tol: t.Tol, Workers: t.Workers, Progress: t.Progress,
	}
}

func (t Gamma) tweedie() Tweedie {
	return Tweedie{
		Power: 2, Alpha: t.Alpha, NoIntercept: t.NoIntercept, MaxIter: t.MaxIter, Tol: t.Tol, Workers: t.Workers, Progress: t.Progress,
	}
}

// Fit is [Tweedie.Fit].
func (t Poisson) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*TweedieModel, error) {
	return t.tweedie().Fit(ctx, X, y, w)
}

// Fit is [Tweedie.Fit].
func (t Gamma) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*TweedieModel, error) {
	return t.tweedie().Fit(ctx, X, y, w)
}

// FitOffset is [Tweedie.FitOffset].
func (t Poisson) FitOffset(ctx context.Context, X gram.Matrix, y, w, offset []float64) (*TweedieModel, error) {
	return t.tweedie().FitOffset(ctx, X, y, w, offset)
}

// FitOffset is [Tweedie.FitOffset].
func (t Gamma) FitOffset(ctx context.Context, X gram.Matrix, y, w, offset []float64) (*TweedieModel, error) {
	return t.tweedie().FitOffset(ctx, X, y, w, offset)
}

// TrainRegressor calls [Poisson.Fit].
func (t Poisson) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// TrainRegressor calls [Gamma.Fit].
func (t Gamma) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// TrainRegressor calls [Tweedie.Fit].
func (t Tweedie) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// Fit trains on the n×d matrix X, targets y and sample weights w ≥ 0, nil for all
// ones; a weight of 2 is the same as a repeated row, also in the standard errors.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrWeights and gram.ErrParam for
// what does not fit; gram.ErrTargets for targets < 0, or ≤ 0 for a Power of 2 and more,
// and if all are 0; gram.ErrNotConverged, together with the last iterate, after MaxIter
// iterations; ctx's error.
//
// An iteration takes O(n·d), or of the non-zeros alone; Newton's method in addition
// O(n·d² + d³) when it forms a Hessian, once or twice a fit and over a part of the
// rows if they are many. Standard errors take one more of all rows.
func (t Tweedie) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*TweedieModel, error) {
	return t.FitOffset(ctx, X, y, w, nil)
}

// FitOffset is Fit with a number for each row that its score has beside xᵢ·coef +
// intercept: for counts over different times or areas, the logarithm of these. A
// prediction is for an offset of 0; multiply it by the exposure.
func (t Tweedie) FitOffset(ctx context.Context, X gram.Matrix, y, w, offset []float64) (*TweedieModel, error) {
	limit, tol, err := checkCommon(t.MaxIter, 1000, t.Tol, 1e-8, t.Workers)
	if err != nil {
		return nil, err
	}
	if t.Power == 0 {
		t.Power = 1.5
	}
	if err := errors.Join(checkAtLeast("Power", t.Power, 1), checkAtLeast("Alpha", t.Alpha, 0)); err != nil {
		return nil, err
	}
	w, weight, err := targetWeights(X, y, w)
	if err != nil {
		return nil, err
	}
	if err := checkOffset(offset, len(y)); err != nil {
		return nil, err
	}
	if err := checkPositive(y, w, t.Power); err != nil {
		return nil, err
	}
	p, err := newProblem(ctx, X, nil, w, 1, &settings{lambda: t.Alpha * weight, intercept: !t.NoIntercept, workers: t.Workers})
	if err != nil {
		return nil, err
	}
	g := newPowerFamily(t.Power, y, w)
	l := &likelihood{p: p, family: g, offset: offset}
	return t.fit(ctx, X, l, g, tol, limit)
}

// checkOffset checks the offsets of n rows.
func checkOffset(offset []float64, n int) error {
	if offset == nil {
		return nil
	}
	if len(offset) != n {
		return fmt.Errorf("offset has %d numbers, X %d rows: %w", len(offset), n, gram.ErrShape)
	}
	for i, v := range offset {
		if v-v != 0 {
			return fmt.Errorf("offset of row %d is %v: %w", i, v, gram.ErrNonFinite)
		}
	}
	return nil
}

// checkPositive checks that targets have a likelihood.
func checkPositive(y, w []float64, power float64) error {
	some := false
	for i, v := range y {
		switch {
		case v < 0:
			return fmt.Errorf("target of row %d is %v, want ≥ 0: %w", i, v, gram.ErrTargets)
		case v == 0 && power >= 2:
			return fmt.Errorf("target of row %d is 0, want > 0 for a power of %v: %w", i, power, gram.ErrTargets)
		}
		some = some || v > 0 && w[i] > 0
	}
	if !some {
		return fmt.Errorf("all targets are 0: %w", gram.ErrTargets)
	}
	return nil
}

// fit minimises and takes stock.
func (t Tweedie) fit(ctx context.Context, X gram.Matrix, l *likelihood, g *powerFamily, tol float64, limit int) (*TweedieModel, error) {
	p := l.p
	m := &TweedieModel{power: t.Power, alpha: t.Alpha}
	level := g.level()
	pt := newPoint(l.size())
	start := 0.0
	if p.std.intercept {
		start = g.constant(l.offset)
		pt.theta[len(pt.theta)-1] = start
	}
	m.nullDeviance = g.deviance(l.offset, start)
	report, err := l.solve(ctx, pt, m.nullDeviance/2, level, tol*level*p.weight, limit, scaledProgress(t.Progress, p.weight))
	if errors.Is(err, gram.ErrNonFinite) {
		return nil, checkFinite(X, math.NaN())
	}
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	report.Objective /= p.weight
	report.Residual /= p.weight
	report.Tolerance /= p.weight
	m.convergence = report
	at := p.params(pt.theta)
	m.LinearPredictor = LinearPredictor{coef: at.coef, intercept: at.bias[0]}
	if stock := m.takeStock(ctx, l, g, pt); stock != nil {
		return nil, stock
	}
	return m, err
}

// scaledProgress returns a callback for objectives that are weight times those reported.
func scaledProgress(progress func(gram.Progress), weight float64) func(gram.Progress) {
	if progress == nil {
		return nil
	}
	return func(p gram.Progress) {
		p.Objective /= weight
		p.Residual /= weight
		p.Tolerance /= weight
		progress(p)
	}
}

// takeStock sets what else is known at the minimum: one more pass over X.
func (m *TweedieModel) takeStock(ctx context.Context, l *likelihood, g *powerFamily, pt *point) error {
	p, dim := l.p, l.p.std.dim()
	p.std.params(p.at, pt.theta)
	m.deviance = 2*pt.f - p.lambda*f64.SumSquares(p.at.coef)
	fresh := func() *stockSum { return &stockSum{} }
	elements := 2
	if len(m.coef) <= errorFeatures {
		fresh = func() *stockSum { return &stockSum{fisher: newGramianSum(dim)} }
		elements = dim * dim
	}
	var sums []*stockSum
	parts, err := sum(ctx, p, p.spans, elements, &sums, fresh, (*stockSum).Reset,
		func(f *stockSum, s span, t *scratch) { f.Add(l, g, s, t) })
	if err != nil {
		return err
	}
	for _, o := range parts[1:] {
		parts[0].Merge(o)
	}
	m.dof = p.weight - float64(dim)
	m.dispersion = parts[0].pearson / m.dof
	if parts[0].fisher == nil {
		return nil
	}
	dispersion := m.dispersion
	if g.power == 1 {
		dispersion = 1
	}
	m.stdErr, m.interceptErr, err = p.fisherErrors(parts[0].fisher.sum, dispersion)
	return err
}

// A stockSum holds how far targets are from their means, and Fisher's information in
// standardized coordinates unless that is nil.
type stockSum struct {
	pearson float64
	fisher  *gramianSum
}

// Reset makes the sum that of no rows.
func (f *stockSum) Reset() {
	f.pearson = 0
	if f.fisher != nil {
		f.fisher.Reset()
	}
}

// Add takes rows s at the parameters p.at.
func (f *stockSum) Add(l *likelihood, g *powerFamily, s span, t *scratch) {
	rows := s.hi - s.lo
	h := grow(&t.c, rows)
	copy(h, l.scores(s, l.p.at, t))
	expSlice(h, h)
	for i, mu := range h {
		w, variance := g.w[s.lo+i], g.variance(mu)
		h[i] = 0
		if w > 0 && variance > 0 {
			e := g.y[s.lo+i] - mu
			f.pearson += w * e / variance * e
			h[i] = w * mu / variance * mu
		}
	}
	if f.fisher != nil {
		block := l.p.std.block(l.p.x, s, &t.a, &t.b)
		f.fisher.Add(block, h, grow(&t.d, rows*block.Cols))
	}
}

// Merge adds the rows of o.
func (f *stockSum) Merge(o *stockSum) {
	f.pearson += o.pearson
	if f.fisher != nil {
		f.fisher.Merge(o.fisher)
	}
}

// TweedieModel is what [Tweedie], [Poisson] and [Gamma] fit. Its predictions are means,
// exp(x·coef + intercept); those of the embedded [LinearPredictor] are their logarithms.
type TweedieModel struct {
	LinearPredictor
	power, alpha                            float64
	deviance, nullDeviance, dispersion, dof float64
	stdErr                                  []float64
	interceptErr                            float64
	convergence                             gram.Convergence
}

// Power returns p of the variance μᵖ.
func (m *TweedieModel) Power() float64 { return m.power }

// Alpha returns the strength of the penalty.
func (m *TweedieModel) Alpha() float64 { return m.alpha }

// Deviance returns Σ w·d(y, μ) of the training rows.
func (m *TweedieModel) Deviance() float64 { return m.deviance }

// NullDeviance returns the deviance of the best fit with all coefficients 0, offsets
// and intercept alone.
func (m *TweedieModel) NullDeviance() float64 { return m.nullDeviance }

// D2 returns the share of the null deviance that the features explain, 1 − Deviance/
// NullDeviance; NaN for targets that do not vary.
func (m *TweedieModel) D2() float64 { return 1 - m.deviance/m.nullDeviance }

// DoF returns the degrees of freedom that are left: Σw less the number of coefficients
// and the intercept.
func (m *TweedieModel) DoF() float64 { return m.dof }

// Dispersion returns Pearson's estimate of the variance's factor φ, Σ w(y − μ)²/μᵖ
// over the degrees of freedom. For counts it is about 1 if they are of Poisson's
// distribution, and more where they scatter more.
func (m *TweedieModel) Dispersion() float64 { return m.dispersion }

// StdErr returns the standard errors of the coefficients and of the intercept: from
// Fisher's information F, the roots of the diagonal of φ·F⁻¹, with the Dispersion for φ
// and 1 for a Power of 1, where the distribution fixes it. With a penalty they are
// those of the shrunken estimate, from φ·(F + λ)⁻¹·F·(F + λ)⁻¹, and say nothing of its
// bias. They are +Inf where columns that depend on each other leave a coefficient open,
// and nil for more than 512 features.
func (m *TweedieModel) StdErr() (coef []float64, intercept float64) {
	return slices.Clone(m.stdErr), m.interceptErr
}

// Convergence reports how the fit ended. Its Residual is the gradient norm that
// [Tweedie] defines.
func (m *TweedieModel) Convergence() gram.Convergence { return m.convergence }

// Predict returns the mean for each of the n rows. len(dst) is n. A mean that overflows
// is gram.ErrNonFinite.
func (m *TweedieModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.batch(dst, X, func(lo int, z []float64) error {
		for i, v := range z {
			z[i] = math.Exp(v)
			if math.IsInf(z[i], 1) {
				return fmt.Errorf("linear: the mean of row %d is exp(%v): %w", lo+i, v, gram.ErrNonFinite)
			}
		}
		return nil
	})
}

// PredictRow returns the mean for one row.
func (m *TweedieModel) PredictRow(x []float64) (float64, error) {
	z, err := m.LinearPredictor.PredictRow(x)
	if err != nil {
		return 0, err
	}
	mu := math.Exp(z)
	if math.IsInf(mu, 1) {
		return 0, fmt.Errorf("linear: the mean of x is exp(%v): %w", z, gram.ErrNonFinite)
	}
	return mu, nil
}

func init() {
	gram.Register("linear.Tweedie", 1, encodeTweedie, decodeTweedie)
}

func encodeTweedie(e *gram.Encoder, m *TweedieModel) {
	m.encode(e)
	for _, v := range []float64{m.power, m.alpha, m.deviance, m.nullDeviance, m.dispersion, m.dof, m.interceptErr} {
		e.Float(v)
	}
	e.Floats(m.stdErr)
	e.Convergence(m.convergence)
}

func decodeTweedie(d *gram.Decoder, _ int) *TweedieModel {
	m := &TweedieModel{LinearPredictor: decodePredictor(d)}
	for _, v := range []*float64{&m.power, &m.alpha, &m.deviance, &m.nullDeviance, &m.dispersion, &m.dof, &m.interceptErr} {
		*v = d.Float()
	}
	m.stdErr = decodeErrors(d, len(m.coef))
	m.convergence = d.Convergence()
	checkFloats(d, []float64{m.power, m.alpha})
	return m
}

// A powerFamily is half the unit deviance of variance μᵖ as a loss, with score z = log μ:
//
//	p = 1: y·log y − y − y·z + exp(z)
//	p = 2: y·exp(−z) + z − log y − 1
//	else:  y²⁻ᵖ/((1−p)(2−p)) − y·exp((1−p)z)/(1−p) + exp((2−p)z)/(2−p)
//
// Its derivative is exp((2−p)z) − y·exp((1−p)z).
type powerFamily struct {
	power     float64
	y, w      []float64
	saturated []float64 // the part that does not depend on z
}

func newPowerFamily(power float64, y, w []float64) *powerFamily {
	g := &powerFamily{power, y, w, make([]float64, len(y))}
	for i, v := range y {
		switch {
		case power == 1 && v > 0:
			g.saturated[i] = v * (math.Log(v) - 1)
		case power == 2:
			g.saturated[i] = -math.Log(v) - 1
		case power != 1:
			g.saturated[i] = math.Pow(v, 2-power) / ((1 - power) * (2 - power))
		}
	}
	return g
}

// variance returns μᵖ.
func (g *powerFamily) variance(mu float64) float64 {
	switch g.power {
	case 1:
		return mu
	case 2:
		return mu * mu
	}
	return math.Pow(mu, g.power)
}

// level returns ȳ²⁻ᵖ, what the derivative and its slope are measured in.
func (g *powerFamily) level() float64 {
	return math.Pow(weightedMean(g.y, g.w), 2-g.power)
}

// constant returns the best score that all rows share beside their offsets.
func (g *powerFamily) constant(offset []float64) float64 {
	up, down := 0.0, 0.0
	for i, y := range g.y {
		o := 0.0
		if offset != nil {
			o = offset[i]
		}
		up += g.w[i] * y * math.Exp((1-g.power)*o)
		down += g.w[i] * math.Exp((2-g.power)*o)
	}
	return math.Log(up / down)
}

// deviance returns that of a score that all rows share beside their offsets.
func (g *powerFamily) deviance(offset []float64, score float64) float64 {
	z := make([]float64, len(g.y))
	copy(z, offset)
	addBias(z, []float64{score})
	loss, _ := g.slopes(z, span{0, len(z)}, 0)
	return 2 * loss
}

func (g *powerFamily) scaled() bool { return false }

// powers returns exp((1−p)z) in one and exp((2−p)z) in the other, which may be z.
func (g *powerFamily) powers(one, two, z []float64) {
	for i, v := range z {
		one[i] = (1 - g.power) * v
		two[i] = (2 - g.power) * v
	}
	if g.power == 1 {
		for i := range one {
			one[i] = 1
		}
	} else {
		expSlice(one, one)
	}
	expSlice(two, two)
}

func (g *powerFamily) slopes(z []float64, s span, _ float64) (loss, byScale float64) {
	var chunk [256]float64
	for lo := s.lo; lo < s.hi; lo += len(chunk) {
		hi := min(s.hi, lo+len(chunk))
		z, one := z[lo-s.lo:hi-s.lo], chunk[:hi-lo]
		var two [256]float64
		g.powers(one, two[:hi-lo], z)
		for i, v := range z {
			y, w := g.y[lo+i], g.w[lo+i]
			if w == 0 {
				z[i] = 0 // whatever the score
				continue
			}
			e := g.saturated[lo+i]
			switch g.power {
			case 1:
				e += two[i] - y*v
			case 2:
				e += y*one[i] + v
			default:
				e += two[i]/(2-g.power) - y*one[i]/(1-g.power)
			}
			z[i] = w * (two[i] - y*one[i])
			loss += w * e
		}
	}
	return loss, 0
}

func (g *powerFamily) curvatures(z, _ []float64, s span, _ float64) float64 {
	for i, v := range z {
		y, w := g.y[s.lo+i], g.w[s.lo+i]
		if w == 0 {
			z[i] = 0
			continue
		}
		two := math.Exp((2 - g.power) * v)
		z[i] = w * two // what is expected
		if g.power <= 2 {
			z[i] = w * ((2-g.power)*two + (g.power-1)*y*math.Exp((1-g.power)*v))
		}
	}
	return 0
}
