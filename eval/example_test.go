package eval_test

import (
	"fmt"

	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
)

func ExampleAccuracy() {
	y, pred := []int{0, 1, 1, 0}, []int{0, 1, 0, 0}
	acc, err := eval.Accuracy(y, pred, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(acc)
	// Output: 0.75
}

func ExampleLogLoss() {
	y := []int{0, 1}
	proba := []float64{
		0.8, 0.2,
		0.4, 0.6,
	}
	loss, err := eval.LogLoss(y, proba, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", loss)
	// Output: 0.3670
}

func ExampleConfusionMatrix() {
	y, pred := []int{0, 0, 0, 1, 1, 2}, []int{0, 0, 1, 1, 1, 1}
	c, err := eval.Confusion(3, y, pred, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c)
	fmt.Printf("class 1: precision %.2f, recall %.2f\n", c.Precision(1), c.Recall(1))
	// Output:
	// label  0  1  2
	//     0  2  1  0
	//     1  0  2  0
	//     2  0  1  0
	// class 1: precision 0.50, recall 1.00
}

func ExampleKFold() {
	folds, err := eval.KFold{N: 3}.Split(7, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range folds {
		fmt.Println(f.Test, f.Train)
	}
	// Output:
	// [0 1 2] [3 4 5 6]
	// [3 4] [0 1 2 5 6]
	// [5 6] [0 1 2 3 4]
}

func ExampleStratifiedKFold() {
	y := []int{0, 0, 0, 0, 1, 1}
	folds, err := eval.StratifiedKFold{N: 2}.Split(len(y), y)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range folds {
		fmt.Println(f.Test, eval.Take(y, f.Test))
	}
	// Output:
	// [0 1 4] [0 0 1]
	// [2 3 5] [0 0 1]
}

func ExampleTrainTestSplit() {
	y := []int{0, 0, 0, 0, 1, 1, 1, 1}
	folds, err := eval.TrainTestSplit{TestSize: 0.25, Stratify: true, Seed: 1}.Split(len(y), y)
	if err != nil {
		fmt.Println(err)
		return
	}
	train, test := folds[0].Train, folds[0].Test
	fmt.Println(len(train), "rows to train on, classes to test on:", eval.Take(y, test))
	// Output: 6 rows to train on, classes to test on: [0 1]
}

func ExampleRows() {
	X := linalg.NewDense(3, 2, []float64{
		1, 2,
		3, 4,
		5, 6,
	})
	v, err := eval.Rows(X, []int{2, 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.At(0, 0), v.At(1, 0))
	// Output: 5 1
}
