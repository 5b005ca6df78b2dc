package ensemble

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// An opinion is what a base model says of rows, as numbers that another model is trained
// on: the probability of class 1 for two classes, those of all classes for more, the
// prediction of a regressor.
type opinion interface {
	gram.Model
	// width is how many numbers it says of a row.
	width() int
	// block sets dst, n×width, for the n rows of X, which are few.
	block(dst []float64, X gram.Matrix) error
	// row sets dst, of length width, for one row.
	row(dst, x []float64) error
}

// classOpinion is the opinion of a classifier.
type classOpinion struct{ gram.Classifier }

func (o classOpinion) width() int { return opinionWidth(o.Classes()) }

func opinionWidth(classes int) int {
	if classes == 2 {
		return 1
	}
	return classes
}

func (o classOpinion) block(dst []float64, X gram.Matrix) error {
	if o.Classes() > 2 {
		_, err := o.PredictProba(dst, X)
		return err
	}
	b := borrow(2 * len(dst))
	defer b.back()
	if _, err := o.PredictProba(b.x, X); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = b.x[2*i+1]
	}
	return nil
}

func (o classOpinion) row(dst, x []float64) error {
	if o.Classes() > 2 {
		return o.PredictProbaRow(dst, x)
	}
	b := borrow(2)
	defer b.back()
	if err := o.PredictProbaRow(b.x, x); err != nil {
		return err
	}
	dst[0] = b.x[1]
	return nil
}

// realOpinion is the opinion of a regressor.
type realOpinion struct{ gram.Regressor }

func (o realOpinion) width() int { return 1 }

func (o realOpinion) block(dst []float64, X gram.Matrix) error {
	_, err := o.Predict(dst, X)
	return err
}

func (o realOpinion) row(dst, x []float64) (err error) {
	dst[0], err = o.PredictRow(x)
	return err
}

// training is a way to come by an opinion.
type training[Y int | float64] func(ctx context.Context, s *sample[Y]) (opinion, error)

func classTrainings(trainers []gram.ClassifierTrainer, classes int) []training[int] {
	out := make([]training[int], len(trainers))
	for i, t := range trainers {
		out[i] = func(ctx context.Context, s *sample[int]) (opinion, error) {
			m, err := trainClassifier(ctx, t, s, classes)
			return classOpinion{m}, err
		}
	}
	return out
}

func realTrainings(trainers []gram.RegressorTrainer) []training[float64] {
	out := make([]training[float64], len(trainers))
	for i, t := range trainers {
		out[i] = func(ctx context.Context, s *sample[float64]) (opinion, error) {
			m, err := trainRegressor(ctx, t, s)
			return realOpinion{m}, err
		}
	}
	return out
}

// folded is what fits on folds give: for each fold and each training the opinion on
// its test rows and whose it is; and for each training one of all rows, if asked for.
type folded struct {
	folds  []gram.Fold
	models [][]opinion   // fold, training
	tests  [][][]float64 // fold, training: rows×width
	whole  []opinion
}

// foldFits runs all fits: each training on each fold and, if whole is set, on all rows.
func foldFits[Y int | float64](ctx context.Context, workers int, progress func(gram.Progress), s *sample[Y], folds []gram.Fold, trainings []training[Y], whole bool) (f *folded, limit, err error) {
	k := len(trainings)
	f = &folded{folds: folds, models: make([][]opinion, len(folds)), tests: make([][][]float64, len(folds))}
	for i := range folds {
		f.models[i], f.tests[i] = make([]opinion, k), make([][]float64, k)
	}
	fits := len(folds) * k
	if whole {
		f.whole = make([]opinion, k)
		fits += k
	}
	limit, err = each(ctx, workers, fits, "fit", progress, func(ctx context.Context, at int) (err error) {
		fold, i := at/k, at%k
		if fold == len(folds) {
			f.whole[i], err = trainings[i](ctx, s)
			return err
		}
		m, limit := trainings[i](ctx, s.pick(folds[fold].Train))
		if fatal(limit) {
			return fmt.Errorf("fold %d, trainer %d: %w", fold, i, limit)
		}
		f.models[fold][i] = m
		if f.tests[fold][i], err = opinions(m, linalg.Rows(s.X, folds[fold].Test)); err != nil {
			return fmt.Errorf("fold %d, trainer %d: %w", fold, i, err)
		}
		return limit
	})
	if err != nil {
		return nil, nil, s.explain(err)
	}
	return f, limit, nil
}

// opinions returns what m says of all rows of X.
func opinions(m opinion, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, m.width(), m.block, nil, X)
}

// gathered returns the rows that folds test, ascending, and what the trainings say of
// them, side by side in rows of the given width: the mean, for a row tested several times.
func (f *folded) gathered(n, width int) (rows []int, Z []float64) {
	Z = make([]float64, n*width)
	counts := make([]float64, n)
	for fold, tests := range f.tests {
		for at, row := range f.folds[fold].Test {
			counts[row]++
			to := Z[row*width : (row+1)*width]
			for i, z := range tests {
				k := f.models[fold][i].width()
				f64.Axpy(1, z[at*k:(at+1)*k], to[:k])
				to = to[k:]
			}
		}
	}
	for row, c := range counts {
		if c == 0 {
			continue
		}
		to := Z[len(rows)*width : (len(rows)+1)*width]
		copy(to, Z[row*width:(row+1)*width])
		if c > 1 {
			f64.Scal(1/c, to)
		}
		rows = append(rows, row)
	}
	return rows, Z[:len(rows)*width]
}
