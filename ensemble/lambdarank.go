package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// FitRanker trains scores that order the rows of each group, the answers to a query, by
// their grades: LambdaRank (C. Burges, From RankNet to LambdaRank to LambdaMART, 2010). The
// gradients are those of the log-loss of pairs in the wrong order times what their exchange
// would change of the NDCG, with the gain 2^grade − 1. groups says which
// group a row belongs to; rows of a group follow each other. Grades are 0 to 30.
//
// Pairs count of which one is among the first 30 of its group. The predictions of the model are
// the scores; only their order within a group means something. Losses are 1 − NDCG, the mean
// over groups by the weight of their first rows; validation rows need
// Validation.Groups, and grades in Labels. HoldOut, Loss and Custom cannot be used.
//
// Errors are those of FitClassifier; gram.ErrShape also for groups whose rows are not
// together.
func (t GradientBoosting) FitRanker(ctx context.Context, X gram.Matrix, grades, groups []int, w []float64) (*GradientBoostingRegressorModel, error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	if t.HoldOut != 0 || t.Patience > 0 && t.Validation == nil || t.Loss != SquaredLoss || t.Custom != nil {
		return nil, fmt.Errorf("ensemble: HoldOut, Loss or Custom of a ranker, or Patience without Validation: %w", gram.ErrParam)
	}
	if err := checkGrades(grades, groups, n); err != nil {
		return nil, err
	}
	f, err := newBoosting(ctx, t, X, w)
	if err != nil {
		return nil, err
	}
	if v := t.Validation; v != nil {
		vn, _ := v.X.Dims()
		if err := checkGrades(v.Labels, v.Groups, vn); err != nil {
			return nil, fmt.Errorf("validation: %w", err)
		}
		f.watched.objective = newRankObjective(v.Labels, v.Groups)
	}
	f.objective = newRankObjective(takeAll(grades, f.present), takeAll(groups, f.present))
	m, err := f.run(ctx)
	if err != nil {
		return nil, err
	}
	return &GradientBoostingRegressorModel{*m}, nil
}

// maxGrade keeps gains within the range of floats by far.
const maxGrade = 30

func checkGrades(grades, groups []int, n int) error {
	if len(grades) != n || len(groups) != n {
		return fmt.Errorf("ensemble: %d grades and %d groups of %d rows: %w", len(grades), len(groups), n, gram.ErrShape)
	}
	seen := map[int]bool{}
	for i, g := range groups {
		if grades[i] < 0 || grades[i] > maxGrade {
			return fmt.Errorf("ensemble: grade %d in row %d, want 0 to %d: %w", grades[i], i, maxGrade, gram.ErrLabels)
		}
		if i > 0 && g == groups[i-1] {
			continue
		}
		if seen[g] {
			return fmt.Errorf("ensemble: group %d begins again in row %d: %w", g, i, gram.ErrShape)
		}
		seen[g] = true
	}
	return nil
}

// rankObjective is LambdaRank's.
type rankObjective struct {
	grades []int
	starts []int // of the groups, and the number of rows
	ideal  []float64
	g, h   []float64
}

func newRankObjective(grades, groups []int) *rankObjective {
	o := &rankObjective{grades: grades, g: make([]float64, len(grades)), h: make([]float64, len(grades))}
	for i := range groups {
		if i == 0 || groups[i] != groups[i-1] {
			o.starts = append(o.starts, i)
		}
	}
	o.starts = append(o.starts, len(groups))
	for q := range o.starts[1:] {
		sorted := slices.Clone(grades[o.starts[q]:o.starts[q+1]])
		slices.SortFunc(sorted, func(a, b int) int { return b - a })
		sum := 0.0
		for rank, grade := range sorted {
			sum += gainOf(grade) * discount(rank)
		}
		o.ideal = append(o.ideal, sum)
	}
	return o
}

func gainOf(grade int) float64  { return float64(int64(1)<<grade - 1) }
func discount(rank int) float64 { return 1 / math.Log2(float64(rank)+2) }

func (o *rankObjective) outputs() int              { return 1 }
func (o *rankObjective) unit() bool                { return false }
func (o *rankObjective) start([]float64) []float64 { return []float64{0} }

// ranked returns the rows of group q by falling scores, as places in the group.
func (o *rankObjective) ranked(q int, scores []float64) []int {
	lo, hi := o.starts[q], o.starts[q+1]
	order := ascending(hi - lo)
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[lo+a] > scores[lo+b]:
			return -1
		case scores[lo+a] < scores[lo+b]:
			return 1
		}
		return 0
	})
	return order
}

func (o *rankObjective) begin(workers int, scores [][]float64) {
	par.For(nil, workers, len(o.ideal), 16, func(_, from, to int) {
		for q := from; q < to; q++ {
			o.lambdas(q, scores[0])
		}
	})
}

// rankDepth is how many rows of a group count as its first.
const rankDepth = 30

// lambdas sets the gradients of group q.
func (o *rankObjective) lambdas(q int, scores []float64) {
	lo, hi := o.starts[q], o.starts[q+1]
	clear(o.g[lo:hi])
	clear(o.h[lo:hi])
	if o.ideal[q] == 0 {
		return
	}
	order := o.ranked(q, scores)
	for i, a := range order[:min(rankDepth, len(order))] {
		for j := i + 1; j < len(order); j++ {
			b := order[j]
			up, down := lo+a, lo+b
			if o.grades[up] == o.grades[down] {
				continue
			}
			if o.grades[up] < o.grades[down] {
				up, down = down, up
			}
			change := (gainOf(o.grades[up]) - gainOf(o.grades[down])) * (discount(i) - discount(j)) / o.ideal[q]
			p := 1 / (1 + math.Exp(scores[up]-scores[down]))
			o.g[up] -= change * p
			o.g[down] += change * p
			o.h[up] += change * p * (1 - p)
			o.h[down] += change * p * (1 - p)
		}
	}
}

func (o *rankObjective) gradients(g, h []float64, rows []int32, _ int) {
	for i, r := range rows {
		g[i], h[i] = o.g[r], max(o.h[r], leastHessian)
	}
}

// losses has 1 − NDCG of a group at its first row, and what does not count elsewhere: NaN.
func (o *rankObjective) losses(dst []float64, rows []int32, scores [][]float64) {
	for i, r := range rows {
		q, first := slices.BinarySearch(o.starts, int(r))
		if dst[i] = math.NaN(); first {
			dst[i] = 1 - o.ndcg(q, scores[0])
		}
	}
}

// ndcg of a group without any gain is 1.
func (o *rankObjective) ndcg(q int, scores []float64) float64 {
	if o.ideal[q] == 0 {
		return 1
	}
	sum := 0.0
	for rank, at := range o.ranked(q, scores) {
		sum += gainOf(o.grades[o.starts[q]+at]) * discount(rank)
	}
	return sum / o.ideal[q]
}
