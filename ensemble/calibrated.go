package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/calib"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A CalibrationMethod is a family of maps from the probabilities that a classifier gives to
// ones that come true.
type CalibrationMethod int

const (
	// Platt maps the log-odds s = log(p/(1−p)) to 1/(1+exp(A·s+B)), class by class:
	// two parameters, for hundreds of rows and more. A calibrated model stays as
	// it is: A = −1, B = 0.
	Platt CalibrationMethod = iota
	// Isotonic maps log-odds by any function that does not decrease, class by class,
	// straight between the rows it was fitted to. It corrects any monotone distortion
	// and wants some thousand rows.
	Isotonic
	// Temperature divides the logarithms of all probabilities by one number T and
	// normalizes: too sure is T > 1. It has one parameter, and the predicted class
	// stays the same.
	Temperature
)

// String returns "Platt", "isotonic" or "temperature".
func (m CalibrationMethod) String() string {
	switch m {
	case Platt:
		return "Platt"
	case Isotonic:
		return "isotonic"
	case Temperature:
		return "temperature"
	}
	return fmt.Sprintf("CalibrationMethod(%d)", int(m))
}

// Calibrated makes the probabilities of a classifier come true: of the rows that get 0.8,
// 80 % should be of the class. Boosting and naive Bayes are too sure of themselves, forests
// not sure enough; logistic regression is calibrated by its loss.
//
// The map is fitted to predictions for rows that the classifier has not seen: out of
// fold if there is a Base, and those given if there is a Prefit. Classes of which there
// are more than two are calibrated one against the rest and normalized, except by
// Temperature. Probabilities below 1e-6 and above 1 − 1e-6 count as these, so that an
// infinite log-odds cannot bend the map.
//
// Sources: J. Platt, Probabilistic outputs for support vector machines, 1999; B. Zadrozny,
// C. Elkan, Transforming classifier scores into accurate multiclass probability
// estimates, KDD 2002; C. Guo et al., On calibration of modern neural networks, ICML 2017.
type Calibrated struct {
	// Base trains the classifier, out of fold and then on all rows.
	Base gram.ClassifierTrainer
	// Prefit is a classifier that has been trained, on other rows than those given to
	// Fit. Either Base or Prefit must be set, not both.
	Prefit gram.Classifier
	// Method is the family of maps; the zero value is Platt.
	Method CalibrationMethod
	// Folds divides the rows, as the splitters of package eval do; nil means five folds,
	// to which the rows of each class are dealt out in turns.
	Folds gram.Splitter
	// Average keeps the classifier and map of each fold and predicts the mean of them
	// all, in place of one classifier of all rows with a map fitted to all folds: a little
	// better as of bagging, and slower by the number of folds.
	Average bool
	// Workers limits the fits at one time, 0 means GOMAXPROCS. The model does not
	// depend on it.
	Workers int
	// Progress, if not nil, is called after every fit of Base.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Calibrated{}

// Fit trains on X, n×d, labels y in 0..K−1 and weights w, nil for all ones. Errors are
// those of [Voting.Fit], those of Folds, gram.ErrShape for a Prefit of other features or
// classes, and gram.ErrParam for an unknown Method or not exactly one of Base and Prefit.
// The maps take O(n·K), Isotonic O(n·K·log n), beside the fits of Base.
func (t Calibrated) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*CalibratedModel, error) {
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	switch {
	case (t.Base == nil) == (t.Prefit == nil):
		return nil, fmt.Errorf("one of Base and Prefit must be set: %w", gram.ErrParam)
	case t.Method < Platt || t.Method > Temperature:
		return nil, fmt.Errorf("%v: %w", t.Method, gram.ErrParam)
	}
	m := &CalibratedModel{features: s.d, classes: classes}
	if t.Prefit != nil {
		if t.Prefit.Features() != s.d || t.Prefit.Classes() != classes {
			return nil, fmt.Errorf("Prefit has %d features and %d classes, the data %d and %d: %w",
				t.Prefit.Features(), t.Prefit.Classes(), s.d, classes, gram.ErrShape)
		}
		said, err := opinions(classOpinion{t.Prefit}, s.X)
		if err != nil {
			return nil, s.explain(err)
		}
		return m, m.add(ctx, t, t.Prefit, s, said)
	}
	folds, err := s.split(orDealt(t.Folds), s.y)
	if err != nil {
		return nil, err
	}
	fits, limit, err := foldFits(ctx, t.Workers, t.Progress, s, folds, classTrainings([]gram.ClassifierTrainer{t.Base}, classes), !t.Average)
	if err != nil {
		return nil, err
	}
	if !t.Average {
		rows, said := fits.gathered(s.n, opinionWidth(classes))
		err = m.add(ctx, t, fits.whole[0].(classOpinion).Classifier, s.pick(rows), said)
	}
	for f := 0; f < len(folds) && t.Average && err == nil; f++ {
		err = m.add(ctx, t, fits.models[f][0].(classOpinion).Classifier, s.pick(folds[f].Test), fits.tests[f][0])
	}
	if fatal(err) {
		return nil, err
	}
	if err == nil {
		err = limit
	}
	return m, err
}

// TrainClassifier calls Fit.
func (t Calibrated) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if fatal(err) {
		return nil, err
	}
	return m, err
}

// CalibratedModel is what [Calibrated] fits.
type CalibratedModel struct {
	models            []gram.Classifier
	maps              []calibration
	before, after     []ReliabilityDiagram // by class
	features, classes int
}

// ReliabilityDiagram compares the probabilities of one class with what happened: rows of
// about the same probability share a bin, of ten from 0 to 1, and bins without rows are
// left out. Points (Predicted, Observed) on the diagonal are calibrated.
type ReliabilityDiagram struct {
	// Predicted is the mean probability of each bin, Observed the share of rows of the
	// class, and Weight the weight of its rows.
	Predicted, Observed, Weight []float64
}

// Gap returns the mean of |Predicted − Observed| over the bins, by their weights: the
// expected calibration error.
func (r ReliabilityDiagram) Gap() float64 {
	var sum, total float64
	for i, w := range r.Weight {
		sum += w * math.Abs(r.Predicted[i]-r.Observed[i])
		total += w
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// Models returns the classifiers whose probabilities are mapped, one unless it is an
// average. The slice is the caller's.
func (m *CalibratedModel) Models() []gram.Classifier { return slices.Clone(m.models) }

// Method returns the family of the map.
func (m *CalibratedModel) Method() CalibrationMethod { return m.maps[0].method }

// Temperatures returns T for each of Models, nil if the method is another.
func (m *CalibratedModel) Temperatures() []float64 {
	var out []float64
	for _, c := range m.maps {
		if c.method == Temperature {
			out = append(out, 1/c.inverse)
		}
	}
	return out
}

// Reliability returns the diagrams of a class on the rows that the map was fitted to,
// before and after it. The rows are new to the classifier, so that before is honest;
// after flatters the map, Isotonic most. eval.Calibrate draws it for other rows.
// It panics if there is no such class.
func (m *CalibratedModel) Reliability(class int) (before, after ReliabilityDiagram) {
	return m.before[class].clone(), m.after[class].clone()
}

func (r ReliabilityDiagram) clone() ReliabilityDiagram {
	return ReliabilityDiagram{slices.Clone(r.Predicted), slices.Clone(r.Observed), slices.Clone(r.Weight)}
}

// Features returns d.
func (m *CalibratedModel) Features() int { return m.features }

// Classes returns K.
func (m *CalibratedModel) Classes() int { return m.classes }

// Predict returns the most probable class of each of the n rows.
func (m *CalibratedModel) Predict(dst []int, X gram.Matrix) ([]int, error) { return predict(m, dst, X) }

// PredictProba returns the calibrated probabilities, n×K row-major.
func (m *CalibratedModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

func (m *CalibratedModel) probaBlock(dst []float64, X gram.Matrix) error {
	clear(dst)
	b := borrow(len(dst))
	defer b.back()
	for i, model := range m.models {
		if _, err := model.PredictProba(b.x, X); err != nil {
			return err
		}
		for at := 0; at < len(dst); at += m.classes {
			m.maps[i].apply(b.x[at : at+m.classes])
		}
		f64.Axpy(1/float64(len(m.models)), b.x, dst)
	}
	atMostOne(dst)
	return nil
}

// PredictRow is Predict for one row.
func (m *CalibratedModel) PredictRow(x []float64) (int, error) { return predictRow(m, x) }

// PredictProbaRow is PredictProba for one row.
func (m *CalibratedModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.classes); err != nil {
		return err
	}
	clear(dst)
	b := borrow(m.classes)
	defer b.back()
	for i, model := range m.models {
		if err := model.PredictProbaRow(b.x, x); err != nil {
			return err
		}
		m.maps[i].apply(b.x)
		f64.Axpy(1/float64(len(m.models)), b.x, dst)
	}
	atMostOne(dst)
	return nil
}

// add fits a map to what a classifier said of the rows of s, and takes both in.
func (m *CalibratedModel) add(ctx context.Context, t Calibrated, model gram.Classifier, s *sample[int], said []float64) error {
	p := said
	if m.classes == 2 {
		p = make([]float64, 2*s.n)
		for i, v := range said {
			p[2*i], p[2*i+1] = 1-v, v
		}
	}
	c, err := newCalibration(ctx, t, s, m.classes, p)
	if fatal(err) {
		return err
	}
	m.models, m.maps = append(m.models, model), append(m.maps, c)
	m.before = addDiagrams(m.before, s, m.classes, p)
	for at := 0; at < len(p); at += m.classes {
		c.apply(p[at : at+m.classes])
	}
	m.after = addDiagrams(m.after, s, m.classes, p)
	return err
}

const reliabilityBins = 10

// addDiagrams adds rows with probabilities p, n×K, to the diagrams of all classes.
func addDiagrams(diagrams []ReliabilityDiagram, s *sample[int], classes int, p []float64) []ReliabilityDiagram {
	out := make([]ReliabilityDiagram, classes)
	for c := range out {
		var sums [reliabilityBins]struct{ p, y, w float64 }
		add := func(p, y, w float64) {
			// Bin b has b/10 < p ≤ (b+1)/10, the first p = 0 too.
			b := &sums[min(max(int(math.Ceil(p*reliabilityBins))-1, 0), reliabilityBins-1)]
			b.p += w * p
			b.y += w * y
			b.w += w
		}
		if diagrams != nil {
			for i, w := range diagrams[c].Weight {
				add(diagrams[c].Predicted[i], diagrams[c].Observed[i], w)
			}
		}
		for i, y := range s.y {
			add(p[i*classes+c], indicator(y == c), s.weight(i))
		}
		for _, b := range sums {
			if b.w > 0 {
				out[c].Predicted = append(out[c].Predicted, b.p/b.w)
				out[c].Observed = append(out[c].Observed, b.y/b.w)
				out[c].Weight = append(out[c].Weight, b.w)
			}
		}
	}
	return out
}

// calibration is a map of the probabilities of a row.
type calibration struct {
	method  CalibrationMethod
	inverse float64 // 1/T
	// For class 1 of two, or for each of more.
	sigmoids      []calib.Sigmoid
	knots, values [][]float64
}

// smallestProba is what smaller probabilities count as.
const smallestProba = 1e-6

func logOdds(p float64) float64 {
	p = min(max(p, smallestProba), 1-smallestProba)
	return math.Log(p) - math.Log1p(-p)
}

// newCalibration fits a map to probabilities p, n×K, of the rows of s.
func newCalibration(ctx context.Context, t Calibrated, s *sample[int], classes int, p []float64) (calibration, error) {
	c := calibration{method: t.Method, inverse: 1}
	if t.Method == Temperature {
		c.inverse = fitTemperature(s, classes, p)
		return c, ctx.Err()
	}
	scores, positive, targets := make([]float64, s.n), make([]bool, s.n), make([]float64, s.n)
	var limit error
	for class := range classes {
		if classes == 2 && class == 0 {
			continue
		}
		for i, y := range s.y {
			scores[i] = logOdds(p[i*classes+class])
			positive[i], targets[i] = y == class, indicator(y == class)
		}
		if t.Method == Isotonic {
			knots, values := calib.Isotonic(scores, targets, s.w, false)
			c.knots, c.values = append(c.knots, knots), append(c.values, values)
			continue
		}
		const iterations = 100
		sigmoid, report, err := calib.Platt(ctx, t.Workers, scores, positive, s.w, 1e-10, iterations, nil)
		if err != nil {
			return c, fmt.Errorf("fit stopped: %w", err)
		}
		if report.Iterations == iterations && !report.Converged {
			limit = fmt.Errorf("Platt's sigmoid of class %d: %w", class, gram.ErrNotConverged)
		}
		c.sigmoids = append(c.sigmoids, sigmoid)
	}
	if limit == nil {
		limit = ctx.Err()
	}
	return c, limit
}

// Bounds of 1/T: beyond them probabilities are constant, or 0 and 1.
const leastInverse, mostInverse = 1e-3, 1e3

// fitTemperature returns the 1/T of the least log-loss, which is convex in it: Newton's
// method between bounds that bisection keeps.
func fitTemperature(s *sample[int], classes int, p []float64) float64 {
	logs := make([]float64, len(p))
	for i, v := range p {
		logs[i] = math.Log(max(v, smallestProba))
	}
	q := make([]float64, classes)
	slopes := func(u float64) (first, second float64) {
		for i, y := range s.y {
			l := logs[i*classes : (i+1)*classes]
			sharpen(q, l, u)
			mean, square := 0.0, 0.0
			for c, v := range q {
				mean += v * l[c]
			}
			for c, v := range q {
				square += v * (l[c] - mean) * (l[c] - mean)
			}
			first += s.weight(i) * (mean - l[y])
			second += s.weight(i) * square
		}
		return first, second
	}
	lo, hi, u := leastInverse, mostInverse, 1.0
	for range 200 {
		first, second := slopes(u)
		if first > 0 {
			hi = u
		} else {
			lo = u
		}
		next := u - first/second
		if !(next > lo && next < hi) {
			next = math.Sqrt(lo * hi)
		}
		if math.Abs(next-u) <= 1e-14*u {
			return next
		}
		u = next
	}
	return u
}

// sharpen sets q to the softmax of u·logs.
func sharpen(q, logs []float64, u float64) {
	top, sum := slices.Max(logs), 0.0
	for c, v := range logs {
		q[c] = math.Exp(u * (v - top))
		sum += q[c]
	}
	for c := range q {
		q[c] /= sum
	}
}

// apply maps the probabilities of a row.
func (c *calibration) apply(p []float64) {
	if c.method == Temperature {
		for k, v := range p {
			p[k] = math.Log(max(v, smallestProba))
		}
		sharpen(p, p, c.inverse)
		return
	}
	if len(p) == 2 {
		p[1] = c.at(0, p[1])
		p[0] = 1 - p[1]
		return
	}
	sum := 0.0
	for k, v := range p {
		p[k] = c.at(k, v)
		sum += p[k]
	}
	for k := range p {
		if sum == 0 {
			p[k] = 1 / float64(len(p))
		} else {
			p[k] /= sum
		}
	}
}

// at returns what map number i makes of a probability.
func (c *calibration) at(i int, p float64) float64 {
	if c.method == Isotonic {
		return calib.Interpolate(c.knots[i], c.values[i], logOdds(p))
	}
	return c.sigmoids[i].At(logOdds(p))
}

func (c *calibration) encode(e *gram.Encoder) {
	e.Int(int(c.method))
	e.Float(c.inverse)
	for _, s := range c.sigmoids {
		e.Float(s.A)
		e.Float(s.B)
	}
	for i := range c.knots {
		e.Floats(c.knots[i])
		e.Floats(c.values[i])
	}
}

func decodeCalibration(d *gram.Decoder, classes int) calibration {
	c := calibration{method: CalibrationMethod(d.Int()), inverse: d.Float()}
	if c.method < Platt || c.method > Temperature || !(c.inverse >= leastInverse && c.inverse <= mostInverse) {
		d.Fail("%v of 1/T %v", c.method, c.inverse)
	}
	for i := 0; i < opinionWidth(classes) && d.Err() == nil && c.method != Temperature; i++ {
		if c.method == Platt {
			s := calib.Sigmoid{A: d.Float(), B: d.Float()}
			if s.A-s.A != 0 || s.B-s.B != 0 {
				d.Fail("sigmoid of %v and %v", s.A, s.B)
			}
			c.sigmoids = append(c.sigmoids, s)
			continue
		}
		knots := d.Floats()
		values := d.Floats(len(knots))
		for k, v := range values {
			if !(v >= 0 && v <= 1) || knots[k]-knots[k] != 0 || k > 0 && !(knots[k] > knots[k-1] && v >= values[k-1]) {
				d.Fail("knot %d at %v has value %v", k, knots[k], v)
			}
		}
		if len(knots) == 0 {
			d.Fail("no knots")
		}
		c.knots, c.values = append(c.knots, knots), append(c.values, values)
	}
	return c
}

func init() {
	gram.Register("ensemble.Calibrated", 1,
		func(e *gram.Encoder, m *CalibratedModel) {
			gram.EncodeModels(e, m.models)
			for i := range m.maps {
				m.maps[i].encode(e)
			}
			for _, list := range [][]ReliabilityDiagram{m.before, m.after} {
				for _, r := range list {
					e.Floats(r.Predicted)
					e.Floats(r.Observed)
					e.Floats(r.Weight)
				}
			}
		},
		decodeCalibrated)
}

func decodeCalibrated(d *gram.Decoder, _ int) *CalibratedModel {
	models := gram.DecodeModels[gram.Classifier](d)
	if d.Err() != nil {
		return nil
	}
	c, err := newCommittee(models, nil, false)
	if err != nil {
		d.Fail("%v", err)
	}
	m := &CalibratedModel{models: models, features: c.features, classes: c.classes}
	for range models {
		m.maps = append(m.maps, decodeCalibration(d, c.classes))
	}
	for _, list := range []*[]ReliabilityDiagram{&m.before, &m.after} {
		for i := 0; i < c.classes && d.Err() == nil; i++ {
			r := ReliabilityDiagram{Predicted: d.Floats()}
			r.Observed, r.Weight = d.Floats(len(r.Predicted)), d.Floats(len(r.Predicted))
			*list = append(*list, r)
		}
	}
	return m
}
