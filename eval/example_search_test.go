package eval_test

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
)

// pipeline returns softmax regression of scaled features.
func pipeline(c float64) gram.ClassifierPipeline {
	return gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: linear.Softmax{C: c}}
}

var shuffled = eval.StratifiedKFold{N: 5, Shuffle: true, Seed: 1}

func ExampleClassifierSearch() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	search := eval.ClassifierSearch{
		Space: func(p *eval.Params) gram.ClassifierTrainer {
			return pipeline(eval.Choose(p, "C", 0.001, 0.1, 10.0, 1000))
		},
		Score: eval.LogLossScore(),
		Folds: shuffled,
	}
	r, err := search.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Ranked() {
		fmt.Printf("%v: %.3f\n", c, c.Scores.Mean())
	}
	class, err := r.Model.PredictRow(X.Row(0))
	fmt.Println("the best says", class, err)
	// Output:
	// C=10: 0.053
	// C=1000: 0.085
	// C=0.1: 0.145
	// C=0.001: 0.885
	// the best says 0 <nil>
}

// A random search with successive halving.
func ExampleParams() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	search := eval.ClassifierSearch{
		Space: func(p *eval.Params) gram.ClassifierTrainer {
			l := linear.Softmax{C: p.LogUniform("C", 1e-4, 1e4)}
			if eval.Choose(p, "scaled", true, false) {
				return gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: l}
			}
			return l
		},
		Samples: 9,
		Halving: 3,
		Folds:   shuffled,
	}
	r, err := search.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	rounds := make([]int, 2)
	for _, c := range r.Candidates {
		rounds[c.Round]++
	}
	fmt.Println("ended in each round:", rounds)
	// Output: ended in each round: [6 3]
}

func ExampleParam() {
	p := eval.Param{Name: "C", Value: 0.1}
	fmt.Println(p.Name, p.Value)
	// Output: C 0.1
}

func ExampleCandidate() {
	c := eval.Candidate[gram.ClassifierTrainer]{
		Params:  []eval.Param{{Name: "C", Value: 10.0}, {Name: "solver", Value: linear.LBFGS}},
		Trainer: linear.Softmax{C: 10, Solver: linear.LBFGS},
	}
	fmt.Println(c)
	// Output: C=10 solver=lbfgs
}

func ExampleSearchResult() {
	r := eval.SearchResult[gram.ClassifierTrainer, gram.Classifier]{
		Candidates: []eval.Candidate[gram.ClassifierTrainer]{
			{Params: []eval.Param{{Name: "C", Value: 1}}, Rank: 2},
			{Params: []eval.Param{{Name: "C", Value: 10}}, Rank: 1},
		},
		Best: 1,
	}
	fmt.Println(r.Candidates[r.Best], "before", r.Ranked()[1])
	// Output: C=10 before C=1
}

// Nested cross-validation of a search.
func ExampleClassifierValidator() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	v := eval.ClassifierValidator{Folds: shuffled, Scores: []eval.ClassifierScore{eval.AUCScore()}}
	cv, found, err := v.Nested(context.Background(), eval.ClassifierSearch{
		Space: func(p *eval.Params) gram.ClassifierTrainer { return pipeline(eval.Choose(p, "C", 0.01, 1)) },
	}, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	auc, _ := cv.Score(0)
	fmt.Printf("AUC %.3f; the first fold chose %v\n", auc, found[0].Candidates[found[0].Best])
	// Output: AUC 0.999; the first fold chose C=1
}

func ExampleClassifierScore() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	worst := eval.ClassifierScore{
		Name: "worst recall",
		Of: func(y, pred []int, _, w []float64) (float64, error) {
			c, err := eval.Confusion(3, y, pred, w)
			if err != nil {
				return 0, err
			}
			return min(c.Recall(0), c.Recall(1), c.Recall(2)), nil
		},
	}
	cv, err := eval.CrossValidate(context.Background(), pipeline(1), X, y, nil, shuffled, worst, eval.MatthewsScore())
	if err != nil {
		fmt.Println(err)
		return
	}
	recall, _ := cv.Score(0)
	matthews, _ := cv.Score(1)
	fmt.Printf("%.2f %.2f\n", recall, matthews)
	// Output: 0.95 0.98
}

func ExampleCrossValidation() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	cv, err := eval.CrossValidate(context.Background(), pipeline(1), X, y, nil, shuffled)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := eval.Confusion(cv.Classes, y, cv.Pred, nil)
	fmt.Println(c, err)
	// Output:
	// label   0   1   2
	//     0  59   0   0
	//     1   0  69   2
	//     2   0   1  47 <nil>
}

func ExampleCurvePoint() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	v := eval.ClassifierValidator{Folds: shuffled}
	points, err := v.LearningCurve(context.Background(), pipeline(1), X, y, nil, []float64{0.05, 0.2, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range points {
		fmt.Printf("%d rows: %.2f in training, %.2f in test\n", p.Rows, p.Train.Mean(), p.Test.Mean())
	}
	// Output:
	// 7 rows: 1.00 in training, 0.93 in test
	// 28 rows: 1.00 in training, 0.97 in test
	// 142 rows: 1.00 in training, 0.98 in test
}

func ExampleClassifierImportance() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	m, err := pipeline(1).Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	drops, err := eval.ClassifierImportance{}.Of(ctx, m, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("proline %.2f, magnesium %.2f\n", drops[12].Mean(), drops[4].Mean())
	// Output: proline 0.07, magnesium 0.00
}

func ExampleTunedThreshold() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, c := range y {
		y[i] = c / 2 // is it the third cultivar?
	}
	trainer := eval.TunedThreshold{
		Base: gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: linear.Logistic{}},
		Rule: eval.MinCost(eval.Costs{{0, 1}, {20, 0}}), // a miss costs 20 false alarms
	}
	m, err := trainer.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("threshold %.2f\n", m.Threshold())
	// Output: threshold 0.44
}

func ExampleThresholdModel() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, c := range y {
		y[i] = c / 2
	}
	m, err := eval.TunedThreshold{Base: linear.Logistic{}}.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := make([]float64, 2)
	if err := m.PredictProbaRow(p, X.Row(150)); err != nil {
		fmt.Println(err)
		return
	}
	class, err := m.PredictRow(X.Row(150))
	fmt.Println(class == 1, p[1] >= m.Threshold(), err)
	// Output: true true <nil>
}

// proportional fits y = slope·x, a trainer of four lines.
type proportional struct{}

type slope float64

func (proportional) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	var xy, xx float64
	for i, v := range y {
		xy, xx = xy+X.At(i, 0)*v, xx+X.At(i, 0)*X.At(i, 0)
	}
	return slope(xy / xx), nil
}

func (s slope) Features() int                           { return 1 }
func (s slope) PredictRow(x []float64) (float64, error) { return float64(s) * x[0], nil }
func (s slope) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	dst, err := gram.Dst(dst, n)
	for i := range dst {
		dst[i] = float64(s) * X.At(i, 0)
	}
	return dst, err
}

var (
	distance = linalg.NewDense(6, 1, []float64{1, 2, 3, 4, 5, 6})
	fare     = []float64{2.1, 3.9, 6.2, 8, 9.8, 12.1}
)

func ExampleCrossValidateRegressor() {
	cv, err := eval.CrossValidateRegressor(context.Background(), proportional{}, distance, fare, nil, eval.KFold{N: 3}, eval.MAEScore())
	if err != nil {
		fmt.Println(err)
		return
	}
	mae, _ := cv.Score(0)
	fmt.Printf("MAE %.2f\n", mae)
	// Output: MAE 0.12
}

func ExampleRegressorScore() {
	biggest := eval.RegressorScore{Name: "largest error", Loss: true, Of: func(y, pred, _ []float64) (float64, error) {
		var most float64
		for i := range y {
			most = max(most, y[i]-pred[i], pred[i]-y[i])
		}
		return most, nil
	}}
	cv, err := eval.CrossValidateRegressor(context.Background(), proportional{}, distance, fare, nil, eval.LeaveOneOut{}, biggest)
	if err != nil {
		fmt.Println(err)
		return
	}
	mean, _ := cv.Score(0)
	fmt.Printf("%.2f\n", mean)
	// Output: 0.14
}

func ExampleRegressorValidation() {
	cv, err := eval.CrossValidateRegressor(context.Background(), proportional{}, distance, fare, nil, eval.KFold{N: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f\n", cv.Pred)
	// Output: [2.0 4.0 6.0 8.1 10.2 12.2]
}

func ExampleRegressorFold() {
	cv, err := eval.CrossValidateRegressor(context.Background(), proportional{}, distance, fare, nil, eval.KFold{N: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	f := cv.Folds[0]
	fmt.Printf("trained on rows %v: R² %.3f\n", f.Train, f.R2)
	// Output: trained on rows [3 4 5]: R² 0.992
}

func ExampleFoldResult() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	cv, err := eval.CrossValidate(context.Background(), pipeline(1), X, y, nil, shuffled)
	if err != nil {
		fmt.Println(err)
		return
	}
	f := cv.Folds[1]
	fmt.Printf("%d rows, accuracy %.3f, a model of %d classes\n", len(f.Test), f.Accuracy, f.Model.Classes())
	// Output: 36 rows, accuracy 0.944, a model of 3 classes
}

func ExampleRegressorValidator() {
	v := eval.RegressorValidator{Folds: eval.KFold{N: 3}, Scores: []eval.RegressorScore{eval.MAEScore()}}
	points, err := v.LearningCurve(context.Background(), proportional{}, distance, fare, nil, []float64{0.5, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range points {
		fmt.Printf("%d rows: %.2f\n", p.Rows, p.Test.Mean())
	}
	// Output:
	// 2 rows: 0.15
	// 4 rows: 0.12
}

func ExampleRegressorSearch() {
	r, err := eval.RegressorSearch{
		Space: func(p *eval.Params) gram.RegressorTrainer {
			return eval.Choose[gram.RegressorTrainer](p, "model", proportional{})
		},
		Folds: eval.KFold{N: 3},
	}.Fit(context.Background(), distance, fare, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := r.Model.PredictRow([]float64{10})
	fmt.Printf("%.1f %v\n", y, err)
	// Output: 20.0 <nil>
}

func ExampleRegressorImportance() {
	drops, err := eval.RegressorImportance{}.Of(context.Background(), slope(2), distance, fare, nil)
	fmt.Println(len(drops), drops[0].Mean() > 1, err)
	// Output: 1 true <nil>
}

func printTests(s eval.Splitter, n int, y []int) {
	folds, err := s.Split(n, y)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range folds {
		fmt.Println(f.Test)
	}
}

func ExampleFold() {
	f := eval.Fold{Train: []int{0, 1, 2}, Test: []int{3}}
	fmt.Println(len(f.Train), len(f.Test))
	// Output: 3 1
}

// halves is a splitter: any method that returns folds makes one.
type halves struct{}

func (halves) Split(n int, y []int) ([]eval.Fold, error) {
	return eval.KFold{N: 2}.Split(n, y)
}

func ExampleSplitter() {
	printTests(halves{}, 4, nil)
	// Output:
	// [0 1]
	// [2 3]
}

func ExampleSubsetter() {
	var s eval.Subsetter = eval.GroupKFold{N: 2, Groups: []int{7, 7, 8, 8, 9}}
	printTests(s.Subset([]int{0, 1, 4}), 3, nil)
	// Output:
	// [0 1]
	// [2]
}

func ExampleGroupKFold() {
	printTests(eval.GroupKFold{N: 2, Groups: []int{1, 1, 2, 2, 2, 3}}, 6, nil)
	// Output:
	// [2 3 4]
	// [0 1 5]
}

func ExampleStratifiedGroupKFold() {
	y := []int{0, 0, 1, 1, 0, 0, 1, 1}
	printTests(eval.StratifiedGroupKFold{N: 2, Groups: []int{1, 1, 2, 2, 3, 3, 4, 4}}, 8, y)
	// Output:
	// [0 1 6 7]
	// [2 3 4 5]
}

func ExampleRepeatedKFold() {
	folds, err := eval.RepeatedKFold{N: 5, Times: 3}.Split(20, nil)
	fmt.Println(len(folds), len(folds[0].Test), err)
	// Output: 15 4 <nil>
}

func ExampleShuffleSplit() {
	folds, err := eval.ShuffleSplit{N: 3, TestSize: 0.1}.Split(20, nil)
	fmt.Println(len(folds), len(folds[0].Test), err)
	// Output: 3 2 <nil>
}

func ExampleLeaveOneOut() {
	printTests(eval.LeaveOneOut{}, 3, nil)
	// Output:
	// [0]
	// [1]
	// [2]
}

// Two weeks to train on, a day left out, three days to test.
func ExampleTimeSeries() {
	folds, err := eval.TimeSeries{N: 3, TestSize: 3, Gap: 1, MaxTrain: 14}.Split(30, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range folds {
		fmt.Printf("days %d to %d, then %d to %d\n", f.Train[0], f.Train[len(f.Train)-1], f.Test[0], f.Test[len(f.Test)-1])
	}
	// Output:
	// days 6 to 19, then 21 to 23
	// days 9 to 22, then 24 to 26
	// days 12 to 25, then 27 to 29
}
