package gram_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Median trains a regressor that predicts the median target, whatever the row: a
// baseline for others to beat.
type Median struct{}

// MedianModel is its model.
type MedianModel struct {
	features int
	median   float64
}

// Fit checks the data and finds the upper median.
func (t Median) Fit(ctx context.Context, X gram.Matrix, y []float64) (*MedianModel, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	sorted := slices.Sorted(slices.Values(y))
	return &MedianModel{features: d, median: sorted[n/2]}, nil
}

func (m *MedianModel) Features() int { return m.features }

func (m *MedianModel) PredictRow(x []float64) (float64, error) {
	return m.median, gram.CheckRow(x, m.features)
}

func (m *MedianModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i] = m.median
	}
	return dst, nil
}

func init() { gram.Register("gram_test.Median", 1, encodeMedian, decodeMedian) }

func encodeMedian(e *gram.Encoder, m *MedianModel) {
	e.Int(m.features)
	e.Float(m.median)
}

func decodeMedian(d *gram.Decoder, version int) *MedianModel {
	m := &MedianModel{features: d.Int(), median: d.Float()}
	if m.features < 1 {
		d.Fail("%d features", m.features)
	}
	return m
}

// A package of models registers how they are written and read; from then on they
// save and load like those of gram, on their own and within pipelines.
func ExampleRegister() {
	X := linalg.NewDense(3, 1, []float64{1, 2, 3})
	m, err := Median{}.Fit(context.Background(), X, []float64{10, 90, 20})
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := gram.Save(&file, m); err != nil {
		log.Fatal(err)
	}
	loaded, err := gram.Load(&file)
	if err != nil {
		log.Fatal(err)
	}
	p, err := loaded.(gram.Regressor).Predict(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%T %v\n", loaded, p)
	// Output:
	// *gram_test.MedianModel [20 20 20]
}
