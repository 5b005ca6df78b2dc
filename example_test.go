package gram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
)

// flowers returns a few lengths and widths of petals, in centimetres, of two species.
func flowers() (X *linalg.Dense[float64], species []int) {
	X = linalg.NewDense(8, 2, []float64{
		1.4, 0.2, 1.3, 0.2, 1.5, 0.4, 1.7, 0.3,
		4.7, 1.4, 4.5, 1.5, 3.9, 1.1, 4.0, 1.3,
	})
	return X, []int{0, 0, 0, 0, 1, 1, 1, 1}
}

// A pipeline is a trainer like any other, and its model takes rows as they come.
func ExampleClassifierPipeline() {
	X, species := flowers()
	p := gram.ClassifierPipeline{
		Steps: []gram.TransformerTrainer{prep.Standard{}},
		Last:  linear.Softmax{C: 10},
	}
	m, err := p.Fit(context.Background(), X, species, nil)
	if err != nil {
		log.Fatal(err)
	}
	c, err := m.PredictRow([]float64{4.2, 1.2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("species", c)
	// Output:
	// species 1
}

// The parts of a fitted pipeline can be looked at.
func ExamplePipelineClassifier() {
	X, species := flowers()
	m, err := gram.ClassifierPipeline{
		Steps: []gram.TransformerTrainer{prep.Standard{}},
		Last:  linear.Softmax{},
	}.Fit(context.Background(), X, species, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", m.Steps()[0].(*prep.StandardModel).Mean())
	fmt.Println(m.Last().(*linear.SoftmaxModel).Convergence().Converged)

	p := make([]float64, m.Classes())
	if err := m.PredictProbaRow(p, []float64{1.4, 0.3}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p[0] > 0.9)
	// Output:
	// [2.88 0.80]
	// true
	// true
}

func ExampleRegressorPipeline() {
	X := linalg.NewDense(3, 1, []float64{10, 20, 30})
	p := gram.RegressorPipeline{
		Steps: []gram.TransformerTrainer{prep.Standard{}},
		Last:  line{}, // least squares, declared beside this example
	}
	m, err := p.Fit(context.Background(), X, []float64{1, 2, 3}, nil)
	if err != nil {
		log.Fatal(err)
	}
	y, err := m.PredictRow([]float64{40})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", y)
	// Output:
	// 4.000
}

func ExamplePipelineRegressor() {
	X := linalg.NewDense(3, 1, []float64{10, 20, 30})
	m, err := gram.RegressorPipeline{Last: line{}}.Fit(context.Background(), X, []float64{1, 2, 3}, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = m.Predict(make([]float64, 2), X)
	fmt.Println(err)
	// Output:
	// dst has length 2, want 3: shapes do not fit
}

// Two steps in one, to stand where one is asked for.
func ExampleTransformerPipeline() {
	X, _ := flowers()
	p := gram.TransformerPipeline{
		Steps: []gram.TransformerTrainer{
			head{Columns: 1}, // keeps the first column, declared beside this example
			prep.Standard{},
		},
	}
	m, err := p.Fit(context.Background(), X, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	z, err := m.Transform(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", z[:4])
	// Output:
	// [-1.04 -1.11 -0.97 -0.83]
}

func ExamplePipelineTransformer() {
	X, _ := flowers()
	m, err := gram.TransformerPipeline{
		Steps: []gram.TransformerTrainer{prep.Standard{}, head{Columns: 1}},
	}.Fit(context.Background(), X, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Features(), "features to", m.OutFeatures())
	z := make([]float64, m.OutFeatures())
	if err := m.TransformRow(z, []float64{2.875, 9}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", z)
	// Output:
	// 2 features to 1
	// [0.0]
}

// A program that serves a model needs to know what it does, not what it is.
func ExampleLoad() {
	X, species := flowers()
	trained, err := linear.Softmax{}.Fit(context.Background(), X, species, nil)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := gram.Save(&file, trained); err != nil {
		log.Fatal(err)
	}

	m, err := gram.Load(&file) // the package of the model is imported
	if err != nil {
		log.Fatal(err)
	}
	c, ok := m.(gram.Classifier)
	if !ok {
		log.Fatalf("a %T is no classifier", m)
	}
	y, err := c.Predict(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y)
	// Output:
	// [0 0 0 0 1 1 1 1]
}

// Models can follow each other in one file.
func ExampleSave() {
	var file bytes.Buffer
	for _, mean := range []float64{1, 2} {
		if err := gram.Save(&file, &MedianModel{features: 1, median: mean}); err != nil {
			log.Fatal(err)
		}
	}
	for {
		m, err := gram.Load(&file)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.(*MedianModel).median)
	}
	// Output:
	// 1
	// 2
}

// A model of models writes and reads them whole.
func ExampleDecoder() {
	var file bytes.Buffer
	for _, m := range []*average{
		{[]gram.Regressor{&MedianModel{1, 4}, &MedianModel{1, 6}}},
		{nil},
	} {
		if err := gram.Save(&file, m); err != nil {
			log.Fatal(err)
		}
		m, err := gram.Load(&file)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(len(m.(*average).models), "models")
	}
	// Output:
	// 2 models
	// gram: loading: format "gram_test.average": an average of nothing: invalid model data
}

// average is a model of models.
type average struct{ models []gram.Regressor }

func (m *average) Features() int {
	if len(m.models) == 0 {
		return 0
	}
	return m.models[0].Features()
}

func encodeAverage(e *gram.Encoder, m *average) { gram.EncodeModels(e, m.models) }

func decodeAverage(d *gram.Decoder, version int) *average {
	m := &average{gram.DecodeModels[gram.Regressor](d)}
	if len(m.models) == 0 {
		d.Fail("an average of nothing")
	}
	for _, part := range m.models {
		if part.Features() != m.Features() {
			d.Fail("models of %d and %d features", m.Features(), part.Features())
		}
	}
	return m
}

func init() { gram.Register("gram_test.average", 1, encodeAverage, decodeAverage) }

// Integers and floats keep every bit.
func ExampleEncoder() {
	var file bytes.Buffer
	if err := gram.Save(&file, &constants{[]float64{0.1, math.Inf(1), math.Copysign(0, -1)}}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Len(), "bytes")
	m, err := gram.Load(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.(*constants).v)
	// Output:
	// 81 bytes
	// [0.1 +Inf -0]
}

// constants is a model that learned a few numbers.
type constants struct{ v []float64 }

func (m *constants) Features() int { return len(m.v) }

func encodeConstants(e *gram.Encoder, m *constants) { e.Floats(m.v) }

func decodeConstants(d *gram.Decoder, version int) *constants { return &constants{d.Floats()} }

func init() { gram.Register("gram_test.constants", 1, encodeConstants, decodeConstants) }

// Anything with a shape and elements is a Matrix.
func ExampleMatrix() {
	n, d, err := gram.CheckMatrix(hilbert(3))
	fmt.Println(n, d, err)
	m, err := prep.Standard{}.Fit(context.Background(), hilbert(3), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", m.Mean())
	// Output:
	// 3 3 <nil>
	// [0.611 0.361 0.261]
}

// hilbert is the n×n Hilbert matrix, which is stored nowhere.
type hilbert int

func (n hilbert) Dims() (rows, cols int) { return int(n), int(n) }
func (n hilbert) At(i, j int) float64    { return 1 / float64(i+j+1) }

func ExampleConvergence() {
	X, species := flowers()
	m, err := linear.Softmax{MaxIter: 1}.Fit(context.Background(), X, species, nil)
	fmt.Println(errors.Is(err, gram.ErrNotConverged))
	c := m.Convergence()
	fmt.Println(c.Iterations, c.Converged, c.Residual > c.Tolerance)
	// Output:
	// true
	// 1 false true
}

func ExampleProgress() {
	X, species := flowers()
	objective := math.Inf(1)
	t := linear.Softmax{Progress: func(p gram.Progress) {
		if p.Objective > objective {
			fmt.Println("the objective rose in iteration", p.Iteration)
		}
		objective = p.Objective
	}}
	if _, err := t.Fit(context.Background(), X, species, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", objective)
	// Output:
	// 1.388
}

func ExampleCheckMatrix() {
	X := linalg.NewDense(2, 3, []float64{1, 2, 3, 4, 5, math.NaN()})
	_, _, err := gram.CheckMatrix(X)
	fmt.Println(err)
	fmt.Println(errors.Is(err, gram.ErrNonFinite))
	// Output:
	// row 1, column 2 is NaN: value is not finite
	// true
}

func ExampleCheckLabels() {
	k, err := gram.CheckLabels([]int{0, 2, 1, 2}, 4)
	fmt.Println(k, err)
	_, err = gram.CheckLabels([]int{0, 3, 1, 3}, 4)
	fmt.Println(err)
	// Output:
	// 3 <nil>
	// class 2 of 4 has no samples: invalid class labels
}
