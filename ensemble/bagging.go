package ensemble

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// Bagging trains the same classifier on many random samples of the rows, and of the
// columns if asked to, and averages their probabilities (L. Breiman, Bagging predictors,
// Machine Learning 24, 1996).
//
// It lowers the variance of trainers that follow their sample closely, such as deep
// trees, and does nothing for those that do not, such as linear models of many rows.
// Rows that a member has not seen, about 37 % of all, test it for nothing: OutOfBag.
type Bagging struct {
	// Base trains the members; nil means Tree{}.
	Base gram.ClassifierTrainer
	// Estimators is the number of members, ≥ 1; 0 means 10.
	Estimators int
	// MaxSamples is the size of a sample as a share of the rows, in (0, 1]; 0 means 1.
	MaxSamples float64
	// MaxFeatures is the share of columns that a member sees, in (0, 1]; 0 means 1.
	MaxFeatures float64
	// WithoutReplacement draws no row twice: with MaxSamples 1 all members see the
	// same rows. Otherwise rows are drawn in proportion to their weights, and a member
	// is trained on a row with the number of times it was drawn as its weight.
	WithoutReplacement bool
	// FeaturesWithReplacement may draw a column several times.
	FeaturesWithReplacement bool
	// OutOfBag has the model scored on the rows that its members have not seen.
	OutOfBag bool
	// Seed determines the samples.
	Seed uint64
	// Workers limits the fits at one time, 0 means GOMAXPROCS. The model does not
	// depend on it. Each fit takes the goroutines that Base asks for.
	Workers int
	// Progress, if not nil, is called after every fit.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Bagging{}

// resampling is how samples are drawn.
type resampling struct {
	estimators                             int
	rows, columns                          float64
	withoutReplacement, columnsRepeat, oob bool
	seed                                   uint64
	workers                                int
	progress                               func(gram.Progress)
}

func (t Bagging) resampling() resampling {
	return resampling{t.Estimators, t.MaxSamples, t.MaxFeatures, t.WithoutReplacement, t.FeaturesWithReplacement, t.OutOfBag, t.Seed, t.Workers, t.Progress}
}

// check sets defaults and checks ranges.
func (r *resampling) check() error {
	if r.estimators == 0 {
		r.estimators = 10
	}
	if r.rows == 0 {
		r.rows = 1
	}
	if r.columns == 0 {
		r.columns = 1
	}
	switch {
	case r.estimators < 1:
		return fmt.Errorf("Estimators is %d: %w", r.estimators, gram.ErrParam)
	case !(r.rows > 0 && r.rows <= 1):
		return fmt.Errorf("MaxSamples is %v, not in (0, 1]: %w", r.rows, gram.ErrParam)
	case !(r.columns > 0 && r.columns <= 1):
		return fmt.Errorf("MaxFeatures is %v, not in (0, 1]: %w", r.columns, gram.ErrParam)
	case r.oob && r.withoutReplacement && r.rows == 1:
		return fmt.Errorf("OutOfBag, but every sample has all rows: %w", gram.ErrParam)
	}
	return nil
}

// A draw is the rows and columns of one member.
type draw struct {
	rows    []int
	weights []float64 // of the rows, nil for ones
	columns []int     // nil for all
}

// draw returns what member i sees of s. cumulative holds the sums of the weights, nil if
// all are 1. The stream depends on seed and i alone.
//
// A row is found by its place among all weights, so that a weight of 2 is the same as
// two rows.
func (r *resampling) draw(i, n, d int, w, cumulative []float64) draw {
	rng := rand.New(rand.NewPCG(r.seed, uint64(i)))
	var out draw
	if k := max(1, int(math.Round(r.columns*float64(d)))); k < d || r.columnsRepeat {
		out.columns = rng.Perm(d)[:k]
		if r.columnsRepeat {
			for j := range out.columns {
				out.columns[j] = rng.IntN(d)
			}
		}
		slices.Sort(out.columns)
	}
	if r.withoutReplacement {
		out.rows = rng.Perm(n)[:max(1, int(math.Round(r.rows*float64(n))))]
		slices.Sort(out.rows)
		out.weights = take(w, out.rows)
		return out
	}
	total := float64(n)
	if cumulative != nil {
		total = cumulative[n-1]
	}
	counts := make([]float64, n)
	for range max(1, int(math.Round(r.rows*max(total, float64(n))))) {
		at := rng.Float64() * total
		row := int(at)
		if cumulative != nil {
			row = sort.Search(n, func(i int) bool { return cumulative[i] > at })
		}
		counts[min(row, n-1)]++
	}
	for row, c := range counts {
		if c > 0 {
			out.rows = append(out.rows, row)
			out.weights = append(out.weights, c)
		}
	}
	return out
}

// draws returns the draws of all members.
func (r *resampling) draws(n, d int, w []float64) []draw {
	var cumulative []float64
	if w != nil {
		cumulative = make([]float64, n)
		sum := 0.0
		for i, v := range w {
			sum += v
			cumulative[i] = sum
		}
	}
	out := make([]draw, r.estimators)
	_ = par.For(context.Background(), r.workers, r.estimators, 1, func(i, _, _ int) {
		out[i] = r.draw(i, n, d, w, cumulative)
	})
	return out
}

// drawn returns the rows and columns of a draw.
func drawn[Y int | float64](s *sample[Y], p draw) *sample[Y] {
	m := *s
	m.X, m.y, m.w, m.n = linalg.Rows(s.X, p.rows), take(s.y, p.rows), p.weights, len(p.rows)
	if p.columns != nil {
		m.X, m.d = newColumns(m.X, p.columns), len(p.columns)
	}
	return &m
}

// Fit trains the members on samples of X, n×d, with labels y in 0..K−1 and weights w, nil
// for all ones. A sample has MaxSamples·max(n, Σw) draws, so that weights which are whole
// numbers count rows and weights that sum to 1 do not starve it. A member whose sample
// lacks a class gives it probability 0.
//
// Errors are those of [Voting.Fit], and gram.ErrParam for fields out of range. The time
// is that of the fits; OutOfBag adds predictions of all rows by about a third of
// the members. Memory beside the members': 8·n bytes for each fit at one time, and 16·n
// for each member.
func (t Bagging) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*BaggingModel, error) {
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	r := t.resampling()
	if err := r.check(); err != nil {
		return nil, err
	}
	if t.Base == nil {
		t.Base = Tree{}
	}
	draws := r.draws(s.n, s.d, s.w)
	members := make([]gram.Classifier, r.estimators)
	limit, err := each(ctx, r.workers, len(members), "member", r.progress, func(ctx context.Context, i int) error {
		m, err := trainClassifier(ctx, t.Base, drawn(s, draws[i]), classes)
		if members[i] = m; m != nil && draws[i].columns != nil {
			members[i] = &narrowed{m, s.d, draws[i].columns}
		}
		return err
	})
	if err != nil {
		return nil, s.explain(err)
	}
	c, err := newCommittee(members, nil, false)
	if err != nil {
		return nil, err
	}
	m := &BaggingModel{committee: c, oob: noScore}
	if r.oob {
		m.oob, m.oobProba, err = outOfBag(ctx, r.workers, s, draws, classes, func(i int, dst []float64, X gram.Matrix) error {
			_, err := members[i].PredictProba(dst, X)
			return err
		}, accuracy)
		if err != nil {
			return nil, s.explain(err)
		}
	}
	return m, limit
}

// TrainClassifier calls Fit.
func (t Bagging) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// A bagScore is what the rows out of the bags say.
type bagScore struct {
	score float64
	rows  int
}

var noScore = bagScore{score: nan}

// outOfBag predicts every row by the members that have not seen it and scores the means
// of their k results, which it returns for all rows that were given, NaN where there are
// none: score gets those rows that have any. The means are made of one block of rows
// after the other, in the order of the members.
func outOfBag[Y int | float64](ctx context.Context, workers int, s *sample[Y], draws []draw, k int, predict func(i int, dst []float64, X gram.Matrix) error, score func(s *sample[Y], mean []float64) float64) (bagScore, []float64, error) {
	seen := make([][]uint64, len(draws))
	for i, p := range draws {
		seen[i] = make([]uint64, (s.n+63)/64)
		for _, row := range p.rows {
			seen[i][row/64] |= 1 << (row % 64)
		}
	}
	size := blockRows(s.d)
	sums, counts := make([]float64, s.n*k), make([]float64, s.n)
	errs := make([]error, par.Blocks(s.n, size))
	err := par.For(ctx, workers, s.n, size, func(b, lo, hi int) {
		rows, buf := make([]int, 0, hi-lo), make([]float64, (hi-lo)*k)
		for i := range draws {
			rows = rows[:0]
			for row := lo; row < hi; row++ {
				if seen[i][row/64]>>(row%64)&1 == 0 {
					rows = append(rows, row)
				}
			}
			if len(rows) == 0 {
				continue
			}
			p := buf[:len(rows)*k]
			if errs[b] = predict(i, p, linalg.Rows(s.X, rows)); errs[b] != nil {
				errs[b] = atMember(i, errs[b])
				return
			}
			for at, row := range rows {
				counts[row]++
				f64.Axpy(1, p[at*k:(at+1)*k], sums[row*k:(row+1)*k])
			}
		}
	})
	if err != nil {
		return noScore, nil, fmt.Errorf("fit stopped: %w", err)
	}
	for _, err := range errs {
		if err != nil {
			return noScore, nil, fmt.Errorf("out of bag: %w", err)
		}
	}
	n, _ := s.whole.Dims()
	means := make([]float64, n*k)
	for i := range means {
		means[i] = nan
	}
	var rows []int
	for row, c := range counts {
		if c == 0 {
			continue
		}
		mean := sums[row*k : (row+1)*k]
		f64.Scal(1/c, mean)
		at := row
		if s.rows != nil {
			at = s.rows[row]
		}
		copy(means[at*k:], mean)
		copy(sums[len(rows)*k:], mean)
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return noScore, means, nil
	}
	return bagScore{score(s.pick(rows), sums[:len(rows)*k]), len(rows)}, means, nil
}

// accuracy is the share of the weight of rows whose most probable class is theirs.
func accuracy(s *sample[int], proba []float64) float64 {
	k := len(proba) / s.n
	right := 0.0
	for i, c := range s.y {
		if argmax(proba[i*k:(i+1)*k]) == c {
			right += s.weight(i)
		}
	}
	return right / s.total
}

// determination is R², 0 for targets that are all the same.
func determination(s *sample[float64], pred []float64) float64 {
	mean := 0.0
	for i, v := range s.y {
		mean += s.weight(i) / s.total * v
	}
	var left, all float64
	for i, v := range s.y {
		left += s.weight(i) * (v - pred[i]) * (v - pred[i])
		all += s.weight(i) * (v - mean) * (v - mean)
	}
	if all == 0 {
		return 0
	}
	return 1 - left/all
}

// BaggingModel is what [Bagging] fits: the mean of its members' probabilities.
type BaggingModel struct {
	committee
	oob      bagScore
	oobProba []float64
}

// OutOfBagProba returns the means that OutOfBag scores, n×K row-major for the rows of
// training, NaN for rows that all members have seen or that had weight 0; nil if it was
// not asked for. It is not saved with the model.
func (m *BaggingModel) OutOfBagProba() []float64 { return slices.Clone(m.oobProba) }

// Members returns the classifiers, which take rows of all d columns. The slice is the
// caller's.
func (m *BaggingModel) Members() []gram.Classifier { return slices.Clone(m.members) }

// OutOfBag returns the accuracy, by weight, of the means over the members that have not
// seen a row, and the number of rows that there is such a member for: NaN and 0
// if it was not asked for.
func (m *BaggingModel) OutOfBag() (accuracy float64, rows int) { return m.oob.score, m.oob.rows }

// Features returns d.
func (m *BaggingModel) Features() int { return m.features }

// Classes returns K.
func (m *BaggingModel) Classes() int { return m.classes }

// Predict returns the class of the highest mean probability of each of the n rows.
func (m *BaggingModel) Predict(dst []int, X gram.Matrix) ([]int, error) { return predict(m, dst, X) }

// PredictProba returns the mean probabilities, n×K row-major.
func (m *BaggingModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

// PredictRow is Predict for one row.
func (m *BaggingModel) PredictRow(x []float64) (int, error) { return predictRow(m, x) }

// PredictProbaRow is PredictProba for one row.
func (m *BaggingModel) PredictProbaRow(dst, x []float64) error { return m.probaRow(dst, x) }

// BaggingRegressor is [Bagging] for targets: predictions are averaged.
type BaggingRegressor struct {
	// Base trains the members; nil means Tree{}.
	Base gram.RegressorTrainer
	// Estimators is the number of members, ≥ 1; 0 means 10.
	Estimators int
	// MaxSamples is the size of a sample as a share of the rows, in (0, 1]; 0 means 1.
	MaxSamples float64
	// MaxFeatures is the share of columns that a member sees, in (0, 1]; 0 means 1.
	MaxFeatures float64
	// WithoutReplacement draws no row twice.
	WithoutReplacement bool
	// FeaturesWithReplacement may draw a column several times.
	FeaturesWithReplacement bool
	// OutOfBag has the model scored on the rows that its members have not seen.
	OutOfBag bool
	// Seed determines the samples.
	Seed uint64
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every fit.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = BaggingRegressor{}

func (t BaggingRegressor) resampling() resampling {
	return resampling{t.Estimators, t.MaxSamples, t.MaxFeatures, t.WithoutReplacement, t.FeaturesWithReplacement, t.OutOfBag, t.Seed, t.Workers, t.Progress}
}

// Fit is [Bagging.Fit] with n targets in place of labels.
func (t BaggingRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*BaggingRegressorModel, error) {
	s, err := targeted(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	r := t.resampling()
	if err := r.check(); err != nil {
		return nil, err
	}
	if t.Base == nil {
		t.Base = Tree{}
	}
	draws := r.draws(s.n, s.d, s.w)
	members := make([]gram.Regressor, r.estimators)
	limit, err := each(ctx, r.workers, len(members), "member", r.progress, func(ctx context.Context, i int) error {
		m, err := trainRegressor(ctx, t.Base, drawn(s, draws[i]))
		if members[i] = m; m != nil && draws[i].columns != nil {
			members[i] = &narrowedRegressor{m, s.d, draws[i].columns}
		}
		return err
	})
	if err != nil {
		return nil, s.explain(err)
	}
	p, err := newPanel(members, nil)
	if err != nil {
		return nil, err
	}
	m := &BaggingRegressorModel{panel: p, oob: noScore}
	if r.oob {
		m.oob, m.oobPrediction, err = outOfBag(ctx, r.workers, s, draws, 1, func(i int, dst []float64, X gram.Matrix) error {
			_, err := members[i].Predict(dst, X)
			return err
		}, determination)
		if err != nil {
			return nil, s.explain(err)
		}
	}
	return m, limit
}

// TrainRegressor calls Fit.
func (t BaggingRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// BaggingRegressorModel is what [BaggingRegressor] fits: the mean of its members'
// predictions.
type BaggingRegressorModel struct {
	panel
	oob           bagScore
	oobPrediction []float64
}

// OutOfBagPrediction returns the means that OutOfBag scores, for the rows of training, NaN
// for rows that all members have seen or that had weight 0; nil if it was not asked for.
// It is not saved with the model.
func (m *BaggingRegressorModel) OutOfBagPrediction() []float64 { return slices.Clone(m.oobPrediction) }

// Members returns the regressors, which take rows of all d columns. The slice is the
// caller's.
func (m *BaggingRegressorModel) Members() []gram.Regressor { return slices.Clone(m.members) }

// OutOfBag returns R², by weight, of the means over the members that have not seen a
// row, and the number of rows that there is such a member for: NaN and 0 if it was not
// asked for.
func (m *BaggingRegressorModel) OutOfBag() (r2 float64, rows int) { return m.oob.score, m.oob.rows }

// Features returns d.
func (m *BaggingRegressorModel) Features() int { return m.features }

// Predict returns the mean prediction for each of the n rows.
func (m *BaggingRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, 1, m.block, dst, X)
}

// PredictRow is Predict for one row.
func (m *BaggingRegressorModel) PredictRow(x []float64) (float64, error) { return m.row(x) }

func init() {
	gram.Register("ensemble.Bagging", 1,
		func(e *gram.Encoder, m *BaggingModel) { m.encode(e); m.oob.encode(e) },
		func(d *gram.Decoder, _ int) *BaggingModel {
			return &BaggingModel{committee: decodeCommittee(d), oob: decodeBagScore(d)}
		})
	gram.Register("ensemble.BaggingRegressor", 1,
		func(e *gram.Encoder, m *BaggingRegressorModel) { m.encode(e); m.oob.encode(e) },
		func(d *gram.Decoder, _ int) *BaggingRegressorModel {
			return &BaggingRegressorModel{panel: decodePanel(d), oob: decodeBagScore(d)}
		})
}

func (b bagScore) encode(e *gram.Encoder) {
	e.Float(b.score)
	e.Int(b.rows)
}

func decodeBagScore(d *gram.Decoder) bagScore { return bagScore{d.Float(), d.Int()} }
