package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gram-ml/gram"
)

// ClassifierSearch chooses among trainers by cross-validation and fits the best to all
// rows: a grid search, a random search if Samples is set, and either with successive
// halving if Halving is. It takes trainers, whole pipelines at best, and never a
// transformed X, so that nothing is learned from rows that are then tested on.
//
// It is itself a gram.ClassifierTrainer: to validate it (nested cross-validation) gives
// an honest score for the model that it chooses; the best candidate's own score is
// the best of many, and too good.
type ClassifierSearch struct {
	// Space returns the trainer of each combination of hyperparameters; see
	// [Params]. It must be set.
	Space func(p *Params) gram.ClassifierTrainer
	// Samples is the number of combinations that are drawn at random; 0 means the
	// whole grid.
	Samples int
	// Folds is what to train and to test on; nil means StratifiedKFold{}. For tests
	// of few rows, shuffle.
	Folds Splitter
	// Score is what to go by; the zero value is accuracy.
	Score ClassifierScore
	// Halving, at least 2, is by how much the number of candidates falls from round
	// to round while the share of the training rows grows as much: in the first
	// round all candidates are fitted to few rows, in the last a few of them to all.
	// Tests are always on all test rows. 0 means one round with all rows.
	Halving int
	// MinRows is the least number of rows to train on, where a fold has them, when
	// Halving is set.
	MinRows int
	// Seed chooses the samples, and the rows of the rounds.
	Seed uint64
	// Workers limits the fits at one time, 0 means GOMAXPROCS. The result does not
	// depend on it.
	Workers int
}

// RegressorSearch is [ClassifierSearch] for regressors.
type RegressorSearch struct {
	// Space returns the trainer of each combination of hyperparameters; see
	// [Params]. It must be set.
	Space func(p *Params) gram.RegressorTrainer
	// Samples is the number of combinations that are drawn at random; 0 means the
	// whole grid.
	Samples int
	// Folds is what to train and to test on; nil means KFold{}.
	Folds Splitter
	// Score is what to go by; the zero value is R².
	Score RegressorScore
	// Halving and MinRows are as for [ClassifierSearch].
	Halving, MinRows int
	// Seed chooses the samples, and the rows of the rounds.
	Seed uint64
	// Workers limits the fits at one time, 0 means GOMAXPROCS. The result does not
	// depend on it.
	Workers int
}

// A Candidate is a trainer that a search has tried.
type Candidate[T any] struct {
	// Params are the hyperparameters in the order in which the space asked for them.
	Params []Param
	// Trainer is what the space returned for them.
	Trainer T
	// Scores holds the score on the test rows of each fold, in the last round that
	// the candidate took part in.
	Scores Scores
	// Round is that round, counted from 0, and Rows the mean number of rows that
	// it was trained on then.
	Round, Rows int
	// Rank is 1 for the best: later rounds before earlier ones, better means before
	// worse, ties in the order of the candidates, and those without a score last.
	Rank int
	// FitTime is the time that its fits took in all rounds.
	FitTime time.Duration
	// Err is why there is no score, or wraps gram.ErrNotConverged when fits of the
	// last round ended so, whose scores count.
	Err error
}

// String returns the hyperparameters, such as "C=0.1 solver=lbfgs".
func (c Candidate[T]) String() string { return paramsString(c.Params) }

// SearchResult is what a search found.
type SearchResult[T any, M gram.Model] struct {
	// Candidates holds all, in the order of the grid or the samples.
	Candidates []Candidate[T]
	// Best is the index of the best.
	Best int
	// Model is the best, fitted to all rows.
	Model M
}

// Ranked returns the candidates from the best to the worst.
func (r *SearchResult[T, M]) Ranked() []Candidate[T] {
	out := slices.Clone(r.Candidates)
	slices.SortFunc(out, func(a, b Candidate[T]) int { return cmp.Compare(a.Rank, b.Rank) })
	return out
}

// Fit tries the candidates on X, n×d, labels y in 0..K−1 and sample weights w, nil for
// all ones, and fits the best to all rows.
//
// A candidate that fails has its Err and is the last; it is an error of the search when
// all do. Other errors: those of [ClassifierValidator.CrossValidate] for the data and
// the folds; gram.ErrParam for fields out of range and from [Params]; ctx's error; those
// of the last fit, of which gram.ErrNotConverged comes with the result. The cost is that
// of the fits, one for each candidate and fold, and one more.
//
// Source: K. Jamieson, A. Talwalkar, Non-stochastic best arm identification and
// hyperparameter optimization, AISTATS 2016, for successive halving; J. Bergstra,
// Y. Bengio, Random search for hyper-parameter optimization, JMLR 13 (2012).
func (s ClassifierSearch) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*SearchResult[gram.ClassifierTrainer, gram.Classifier], error) {
	e, err := ClassifierValidator{s.Folds, s.scores(), s.Seed, s.Workers}.engine(X, y, w)
	if err != nil {
		return nil, err
	}
	e.halving, e.minRows = s.Halving, s.MinRows
	candidates, err := enumerate(s.Space, s.Samples, s.Seed)
	if err != nil {
		return nil, err
	}
	return e.search(ctx, candidates)
}

func (s ClassifierSearch) scores() []ClassifierScore {
	if s.Score.Of == nil {
		return nil
	}
	return []ClassifierScore{s.Score}
}

// TrainClassifier returns the model of the best candidate.
func (s ClassifierSearch) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	r, err := s.Fit(ctx, X, y, w)
	if r == nil {
		return nil, err
	}
	return r.Model, err
}

func (s ClassifierSearch) onRows(rows []int) gram.ClassifierTrainer {
	s.Folds = subset(s.Folds, rows)
	return s
}

// Fit is [ClassifierSearch.Fit] with targets y.
func (s RegressorSearch) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*SearchResult[gram.RegressorTrainer, gram.Regressor], error) {
	e, err := RegressorValidator{s.Folds, s.scores(), s.Seed, s.Workers}.engine(X, y, w)
	if err != nil {
		return nil, err
	}
	e.halving, e.minRows = s.Halving, s.MinRows
	candidates, err := enumerate(s.Space, s.Samples, s.Seed)
	if err != nil {
		return nil, err
	}
	return e.search(ctx, candidates)
}

func (s RegressorSearch) scores() []RegressorScore {
	if s.Score.Of == nil {
		return nil
	}
	return []RegressorScore{s.Score}
}

// TrainRegressor returns the model of the best candidate.
func (s RegressorSearch) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	r, err := s.Fit(ctx, X, y, w)
	if r == nil {
		return nil, err
	}
	return r.Model, err
}

func (s RegressorSearch) onRows(rows []int) gram.RegressorTrainer {
	s.Folds = subset(s.Folds, rows)
	return s
}

// engine tries trainers T that return models M for rows with y of type Y.
type engine[Y, T any, M gram.Model] struct {
	// train returns the training method of t for the given rows of the data, nil
	// for all.
	train            func(t T, rows []int) trainFunc[Y, M]
	judge            judge[Y, M]
	loss             bool
	data             sample[Y]
	folds            []Fold
	strata           []int // of which training rows are thinned out alike
	halving, minRows int
	seed             uint64
	workers          int
	onTrain          bool // judge the training rows, too
}

// engine returns what tries trainers by the first score.
func (v ClassifierValidator) engine(X gram.Matrix, y []int, w []float64) (*engine[int, gram.ClassifierTrainer, gram.Classifier], error) {
	classes, err := checkClasses(X, y, w)
	if err != nil {
		return nil, err
	}
	split, err := v.split(y)
	if err != nil {
		return nil, err
	}
	score := AccuracyScore()
	if len(v.Scores) > 0 {
		score = v.Scores[0]
	}
	return &engine[int, gram.ClassifierTrainer, gram.Classifier]{
		train: func(t gram.ClassifierTrainer, rows []int) trainFunc[int, gram.Classifier] {
			if rows != nil {
				t = onRows(t, rows)
			}
			return t.TrainClassifier
		},
		judge: judgeClassifier(classes, []ClassifierScore{score}), loss: score.Loss,
		data: sample[int]{X, y, w}, folds: split, strata: y, seed: v.Seed, workers: v.Workers,
	}, nil
}

func (v RegressorValidator) engine(X gram.Matrix, y, w []float64) (*engine[float64, gram.RegressorTrainer, gram.Regressor], error) {
	if err := checkTargets(X, y, w); err != nil {
		return nil, err
	}
	split, err := v.split(len(y))
	if err != nil {
		return nil, err
	}
	score := R2Score()
	if len(v.Scores) > 0 {
		score = v.Scores[0]
	}
	return &engine[float64, gram.RegressorTrainer, gram.Regressor]{
		train: func(t gram.RegressorTrainer, rows []int) trainFunc[float64, gram.Regressor] {
			if rows != nil {
				t = regressorOnRows(t, rows)
			}
			return t.TrainRegressor
		},
		judge: judgeRegressor([]RegressorScore{score}), loss: score.Loss,
		data: sample[float64]{X, y, w}, folds: split, strata: make([]int, len(y)), seed: v.Seed, workers: v.Workers,
	}, nil
}

// trial is the result of one candidate on one fold.
type trial struct {
	score, trainScore float64
	rows              int
	time              time.Duration
	unconverged, err  error
}

// try fits a candidate to a share of the training rows of a fold, and scores it.
func (e *engine[Y, T, M]) try(ctx context.Context, t T, f Fold, share float64) trial {
	f.Train = e.thin(f.Train, share)
	train, test, err := e.data.takeFold(f)
	if err != nil {
		return trial{err: err}
	}
	m, err := fitTo(ctx, e.train(t, f.Train), train)
	if err != nil {
		return trial{err: err}
	}
	r := trial{rows: len(f.Train), time: m.time, unconverged: m.unconverged}
	scores, err := e.judge(m.model, test)
	if err == nil {
		r.score = scores[0]
		if math.IsNaN(r.score) {
			err = fmt.Errorf("score is NaN: %w", gram.ErrNonFinite)
		}
	}
	if err == nil && e.onTrain {
		if scores, err = e.judge(m.model, train); err == nil {
			r.trainScore = scores[0]
		}
	}
	r.err = err
	return r
}

// thin returns a share of the rows, at least one of each stratum; larger shares contain
// smaller ones.
func (e *engine[Y, T, M]) thin(rows []int, share float64) []int {
	if share >= 1 {
		return rows
	}
	share = max(share, float64(e.minRows)/float64(len(rows)))
	if share >= 1 {
		return rows
	}
	var kept []int
	for c, stratum := range groupRows(Take(e.strata, rows)) {
		shuffle(stratum, e.seed, uint64(c))
		n := max(1, int(math.Round(share*float64(len(stratum)))))
		kept = append(kept, Take(rows, stratum[:n])...)
	}
	slices.Sort(kept)
	return kept
}

// tryAll returns the trials of each trainer with each share, trainers × folds. Only
// ctx's error is an error; others are in the trials.
func (e *engine[Y, T, M]) tryAll(ctx context.Context, trainers []T, shares []float64) ([][]trial, error) {
	k := len(e.folds)
	out := make([][]trial, len(trainers))
	for i := range out {
		out[i] = make([]trial, k)
	}
	err := each(ctx, e.workers, len(trainers)*k, func(i int) error {
		c, f := i/k, i%k
		out[c][f] = e.try(ctx, trainers[c], e.folds[f], shares[c])
		return ctx.Err()
	})
	return out, err
}

// search runs the rounds and fits the best candidate.
func (e *engine[Y, T, M]) search(ctx context.Context, candidates []Candidate[T]) (*SearchResult[T, M], error) {
	if e.halving < 0 || e.halving == 1 || e.minRows < 0 {
		return nil, fmt.Errorf("Halving is %d, MinRows %d: %w", e.halving, e.minRows, gram.ErrParam)
	}
	r := &SearchResult[T, M]{Candidates: candidates}
	in := ascending(len(candidates))
	for round, rounds := 0, e.rounds(len(candidates)); round < rounds; round++ {
		share := math.Pow(float64(max(1, e.halving)), float64(round+1-rounds))
		if err := e.round(ctx, r.Candidates, in, round, share); err != nil {
			return nil, err
		}
		in = e.order(r.Candidates, in)
		if round < rounds-1 {
			in = in[:(len(in)+e.halving-1)/e.halving]
		}
	}
	for rank, i := range e.order(candidates, ascending(len(candidates))) {
		candidates[i].Rank = rank + 1
		if rank == 0 {
			r.Best = i
		}
	}
	best := &candidates[r.Best]
	if best.Scores == nil {
		return nil, fmt.Errorf("no candidate can be scored; %v: %w", best, best.Err)
	}
	m, err := fitTo(ctx, e.train(best.Trainer, nil), e.data)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", best, err)
	}
	r.Model = m.model
	return r, m.unconverged
}

// rounds returns how often n candidates are tried, the last time no more than Halving.
func (e *engine[Y, T, M]) rounds(n int) int {
	rounds := 1
	for e.halving > 0 && n > e.halving {
		n = (n + e.halving - 1) / e.halving
		rounds++
	}
	return rounds
}

// round tries some of the candidates and keeps the results in them.
func (e *engine[Y, T, M]) round(ctx context.Context, candidates []Candidate[T], in []int, round int, share float64) error {
	trainers, shares := make([]T, len(in)), make([]float64, len(in))
	for i, c := range in {
		trainers[i], shares[i] = candidates[c].Trainer, share
	}
	all, err := e.tryAll(ctx, trainers, shares)
	if err != nil {
		return err
	}
	for i, at := range in {
		c := &candidates[at]
		c.Round, c.Scores, c.Rows, c.Err = round, make(Scores, len(e.folds)), 0, nil
		var errs, limits []error
		for f, t := range all[i] {
			c.Scores[f] = t.score
			c.Rows += t.rows / len(e.folds)
			c.FitTime += t.time
			if t.err != nil {
				errs = append(errs, atFold(f, t.err))
			}
			if t.unconverged != nil {
				limits = append(limits, atFold(f, t.unconverged))
			}
		}
		c.Err = errors.Join(limits...)
		if errs != nil {
			c.Scores, c.Err = nil, errors.Join(errs...)
		}
	}
	return nil
}

// order returns the given candidates from the best to the worst.
func (e *engine[Y, T, M]) order(candidates []Candidate[T], in []int) []int {
	sign := -1.0
	if e.loss {
		sign = 1
	}
	mean := make([]float64, len(candidates))
	for _, i := range in {
		mean[i] = math.Inf(1)
		if candidates[i].Scores != nil {
			mean[i] = sign * candidates[i].Scores.Mean()
		}
	}
	in = slices.Clone(in)
	slices.SortStableFunc(in, func(i, j int) int {
		a, b := &candidates[i], &candidates[j]
		if (a.Scores == nil) != (b.Scores == nil) {
			if a.Scores == nil {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(b.Round, a.Round), cmp.Compare(mean[i], mean[j]))
	})
	return in
}
