package eval_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
)

// Eight payments by descending suspicion; three are fraud.
var (
	fraud     = []int{1, 1, 0, 1, 0, 0, 0, 0}
	suspicion = []float64{0.9, 0.8, 0.7, 0.4, 0.3, 0.2, 0.1, 0.1}
)

func ExampleAUC() {
	auc, err := eval.AUC(fraud, suspicion, nil)
	fmt.Printf("%.4f %v\n", auc, err)
	// Output: 0.9333 <nil>
}

func ExampleAveragePrecision() {
	ap, err := eval.AveragePrecision(fraud, suspicion, nil)
	fmt.Printf("%.4f %v\n", ap, err)
	// Output: 0.9167 <nil>
}

func ExampleAUCOvR() {
	y := []int{0, 1, 2, 2}
	proba := []float64{
		0.7, 0.2, 0.1,
		0.3, 0.4, 0.3,
		0.1, 0.5, 0.4,
		0.2, 0.2, 0.6,
	}
	auc, err := eval.AUCOvR(y, proba, nil, eval.Macro)
	fmt.Printf("%.4f %v\n", auc, err)
	// Output: 0.8889 <nil>
}

func ExampleCuts() {
	c, err := eval.NewCuts(fraud, suspicion, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, t := range c.Threshold {
		fmt.Printf("at %.1f: %v frauds and %v others\n", t, c.TP[i], c.FP[i])
	}
	// Output:
	// at +Inf: 0 frauds and 0 others
	// at 0.9: 1 frauds and 0 others
	// at 0.8: 2 frauds and 0 others
	// at 0.7: 2 frauds and 1 others
	// at 0.4: 3 frauds and 1 others
	// at 0.3: 3 frauds and 2 others
	// at 0.2: 3 frauds and 3 others
	// at 0.1: 3 frauds and 5 others
}

func ExampleCurve() {
	c, err := eval.NewCuts(fraud, suspicion, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	roc, lift := c.ROC(), c.Lift()
	fmt.Printf("area %.4f\n", roc.Area())
	fmt.Printf("the first %.0f %% hold fraud %.2f times as often\n", 100*lift.X[2], lift.Y[2])
	// Output:
	// area 0.9333
	// the first 25 % hold fraud 2.67 times as often
}

func ExampleThresholdRule() {
	c, err := eval.NewCuts(fraud, suspicion, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range []struct {
		name string
		rule eval.ThresholdRule
	}{
		{"F1", eval.MaxFBeta(1)},
		{"Youden's J", eval.MaxYouden()},
		{"recall at a precision of 0.9", eval.MaxRecall(0.9)},
	} {
		threshold, value, err := r.rule(c)
		fmt.Printf("%s: %.2f at %v %v\n", r.name, value, threshold, err)
	}
	// Output:
	// F1: 0.86 at 0.4 <nil>
	// Youden's J: 0.80 at 0.4 <nil>
	// recall at a precision of 0.9: 0.67 at 0.8 <nil>
}

func ExampleCosts() {
	c, err := eval.NewCuts(fraud, suspicion, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	threshold, cost, err := eval.MinCost(eval.Costs{
		{0, 5},   // honest: let through, checked
		{100, 5}, // fraud: let through, checked
	})(c)
	fmt.Println(threshold, cost, err)
	// Output: 0.4 2.5 <nil>
}

func ExampleCalibration() {
	c, err := eval.Calibrate(fraud, suspicion, nil, 2, eval.Uniform)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range c.Weight {
		fmt.Printf("predicted %.2f, observed %.2f\n", c.Predicted[i], c.Observed[i])
	}
	fmt.Printf("ECE %.3f\n", c.ECE())
	// Output:
	// predicted 0.22, observed 0.20
	// predicted 0.80, observed 0.67
	// ECE 0.063
}

func ExampleBinning() {
	uniform, err1 := eval.Calibrate(fraud, suspicion, nil, 4, eval.Uniform)
	quantile, err2 := eval.Calibrate(fraud, suspicion, nil, 4, eval.Quantile)
	if err1 != nil || err2 != nil {
		fmt.Println(err1, err2)
		return
	}
	fmt.Println(uniform.Weight, quantile.Weight)
	// Output: [3 2 1 2] [2 2 2 2]
}

func ExampleAverage() {
	c, err := eval.Confusion(3, []int{0, 0, 0, 0, 1, 2}, []int{0, 0, 0, 0, 1, 1}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, avg := range []eval.Average{eval.Macro, eval.Micro, eval.Weighted} {
		fmt.Printf("%v recall %.2f\n", avg, c.MeanRecall(avg))
	}
	// Output:
	// macro recall 0.67
	// micro recall 0.83
	// weighted recall 0.83
}

func ExampleDisagreement() {
	// Grades from 0 to 2: one off is not as bad as two.
	c, err := eval.Confusion(3, []int{0, 0, 1, 1, 2, 2}, []int{0, 1, 1, 1, 2, 1}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f %.2f %.2f\n", c.Kappa(eval.Nominal), c.Kappa(eval.Linear), c.Kappa(eval.Quadratic))
	// Output: 0.50 0.57 0.67
}

func ExampleBrier() {
	brier, err := eval.Brier([]int{0, 1}, []float64{0.8, 0.2, 0.4, 0.6}, nil)
	fmt.Printf("%.2f %v\n", brier, err)
	// Output: 0.10 <nil>
}

func ExampleTopKAccuracy() {
	top, err := eval.TopKAccuracy([]int{0, 1}, []float64{0.5, 0.3, 0.2, 0.5, 0.4, 0.1}, 2, nil)
	fmt.Println(top, err)
	// Output: 1 <nil>
}

func ExampleNDCG() {
	ndcg, err := eval.NDCG([]float64{3, 2, 0, 1}, []float64{0.9, 0.4, 0.6, 0.1}, 0)
	fmt.Printf("%.3f %v\n", ndcg, err)
	// Output: 0.930 <nil>
}

func ExampleR2() {
	y, pred := []float64{1, 2, 3, 4}, []float64{1.5, 2, 3, 3.5}
	r2, err := eval.R2(y, pred, nil)
	fmt.Println(r2, err)
	// Output: 0.9 <nil>
}

func ExamplePinball() {
	// At the 0.9 quantile, too low costs nine times as much as too high.
	low, _ := eval.Pinball([]float64{10}, []float64{8}, nil, 0.9)
	high, _ := eval.Pinball([]float64{10}, []float64{12}, nil, 0.9)
	fmt.Printf("%.1f %.1f\n", low, high)
	// Output: 1.8 0.2
}

func ExamplePoissonDeviance() {
	d, err := eval.PoissonDeviance([]float64{0, 1, 3}, []float64{0.5, 1, 2}, nil)
	fmt.Printf("%.4f %v\n", d, err)
	// Output: 0.4776 <nil>
}

func ExampleSilhouette() {
	X := linalg.NewDense(4, 1, []float64{0, 1, 10, 11})
	s, err := eval.Silhouette(context.Background(), X, []int{0, 0, 1, 1})
	fmt.Printf("%.4f %v\n", s, err)
	// Output: 0.8997 <nil>
}

func ExampleAdjustedRand() {
	rand, err := eval.AdjustedRand([]int{0, 0, 1, 1}, []int{5, 5, 3, 3})
	fmt.Println(rand, err)
	// Output: 1 <nil>
}

func ExampleAdjustedMutualInfo() {
	ami, err := eval.AdjustedMutualInfo([]int{0, 0, 1, 1, 2, 2}, []int{0, 0, 1, 1, 1, 1})
	fmt.Printf("%.4f %v\n", ami, err)
	// Output: 0.6154 <nil>
}

func ExampleBootstrap() {
	ap, err := eval.Bootstrap{Strata: fraud, Seed: 1}.Interval(context.Background(), len(fraud),
		func(rows []int) (float64, error) {
			return eval.AveragePrecision(eval.Take(fraud, rows), eval.Take(suspicion, rows), nil)
		})
	fmt.Printf("%.2f, 95 %% between %.2f and %.2f %v\n", ap.Value, ap.Low, ap.High, err)
	// Output: 0.92, 95 % between 0.67 and 1.00 <nil>
}

func ExampleInterval() {
	x := []float64{4, 7, 9, 3, 6, 8, 5, 7, 9, 2}
	mean, err := eval.Bootstrap{Level: 0.9}.Interval(context.Background(), len(x), func(rows []int) (float64, error) {
		var sum float64
		for _, v := range eval.Take(x, rows) {
			sum += v
		}
		return sum / float64(len(rows)), nil
	})
	fmt.Printf("%.1f ± %.1f %v\n", mean.Value, mean.StdErr, err)
	// Output: 6.0 ± 0.7 <nil>
}

func ExampleMcNemar() {
	y := []int{1, 1, 1, 1, 1, 1, 1, 1, 0, 0}
	a := []int{1, 1, 1, 1, 1, 1, 1, 1, 0, 1}
	b := []int{0, 0, 0, 0, 0, 0, 1, 1, 0, 0}
	test, err := eval.McNemar(y, a, b)
	fmt.Printf("%d and %d right alone, p = %.3f %v\n", test.OnlyA, test.OnlyB, test.P, err)
	// Output: 6 and 1 right alone, p = 0.125 <nil>
}

func ExampleMcNemarTest() {
	test, err := eval.McNemar([]int{0, 1}, []int{0, 1}, []int{0, 1})
	fmt.Printf("%+v %v\n", test, err)
	// Output: {OnlyA:0 OnlyB:0 P:1} <nil>
}

func ExampleScores() {
	s := eval.Scores{0.9, 1, 0.8}
	fmt.Printf("%.2f ± %.2f, of none %v\n", s.Mean(), s.Std(), math.IsNaN(eval.Scores{}.Mean()))
	// Output: 0.90 ± 0.08, of none true
}
