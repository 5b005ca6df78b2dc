package eval_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
	"gonum.org/v1/gonum/mat"
)

// wine returns the UCI wines: 13 measurements of 178 wines of 3 cultivars, in units
// from tenths to thousands.
func wine() (*linalg.Dense[float64], []int, error) {
	f, err := os.Open("testdata/wine.csv")
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, nil, err
	}
	X, y := linalg.NewDense[float64](len(records), 13, nil), make([]int, len(records))
	for i, r := range records {
		for j := range 13 {
			if X.Data[i*13+j], err = strconv.ParseFloat(r[j], 64); err != nil {
				return nil, nil, err
			}
		}
		if y[i], err = strconv.Atoi(r[13]); err != nil {
			return nil, nil, err
		}
	}
	return X, y, nil
}

func ExampleCrossValidate() {
	X, y, err := wine()
	if err != nil {
		fmt.Println(err)
		return
	}
	// The scaling is part of what is validated: it sees training rows only.
	trainer := gram.ClassifierPipeline{
		Steps: []gram.TransformerTrainer{prep.Standard{}},
		Last:  linear.Softmax{},
	}
	folds := eval.StratifiedKFold{N: 5, Shuffle: true, Seed: 1}
	cv, err := eval.CrossValidate(context.Background(), trainer, X, y, nil, folds)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range cv.Folds {
		fmt.Printf("%d wines: accuracy %.2f\n", len(f.Test), f.Accuracy)
	}
	mean, std := cv.Accuracy()
	fmt.Printf("mean %.2f ± %.2f\n", mean, std)
	// Output:
	// 36 wines: accuracy 1.00
	// 36 wines: accuracy 0.94
	// 36 wines: accuracy 1.00
	// 35 wines: accuracy 0.97
	// 35 wines: accuracy 1.00
	// mean 0.98 ± 0.02
}

// sameResults compares all but the times and models.
func sameResults(a, b *eval.CrossValidation) bool {
	strip := func(c *eval.CrossValidation) eval.CrossValidation {
		s := *c
		s.Folds = append([]eval.FoldResult(nil), c.Folds...)
		for i := range s.Folds {
			s.Folds[i].FitTime, s.Folds[i].PredictTime, s.Folds[i].Model = 0, 0, nil
		}
		return s
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

// A pipeline gives the same bits for any number of workers and any matrix.
func TestCrossValidateIsDeterministic(t *testing.T) {
	X, y, err := wine()
	if err != nil {
		t.Fatal(err)
	}
	folds := eval.StratifiedKFold{Shuffle: true, Seed: 2}
	var want *eval.CrossValidation
	for _, workers := range []int{1, 3} {
		trainer := gram.ClassifierPipeline{
			Steps: []gram.TransformerTrainer{prep.Standard{Workers: workers}},
			Last:  linear.Softmax{Workers: workers},
		}
		for _, form := range []gram.Matrix{X, linalg.ToGonum(X), elements{linalg.ToGonum(X)}} {
			v := eval.ClassifierValidator{Folds: folds, Workers: workers}
			got, err := v.CrossValidate(context.Background(), trainer, form, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !sameResults(got, want) {
				t.Errorf("%d workers, %T: another result", workers, form)
			}
		}
	}
	if mean, _ := want.Accuracy(); mean < 0.95 {
		t.Errorf("accuracy %v", mean)
	}
	if loss, _ := want.LogLoss(); loss > 0.15 {
		t.Errorf("log-loss %v", loss)
	}
	if want.FitTime() > time.Minute {
		t.Errorf("fits took %v", want.FitTime())
	}
}

// elements hides everything of a matrix but its elements.
type elements struct{ m *mat.Dense }

func (e elements) Dims() (rows, cols int) { return e.m.Dims() }
func (e elements) At(i, j int) float64    { return e.m.At(i, j) }
