package quant_test

import (
	"context"
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
	"github.com/gram-ml/gram/quant"
)

func TestProjectionConformance(t *testing.T) {
	modeltest.Check(t, quant.Projection{Base: decomp.PCA{}}, modeltest.Tolerance(step))
}

// Little of a projection is lost, whatever the units of the features, and whitening
// and an origin far away change nothing about that.
func TestProjectionQuality(t *testing.T) {
	ctx := context.Background()
	X, _ := sample(400, 30, 3)
	for i := range 400 {
		X.Set(i, 4, X.At(i, 4)+1e6)
	}
	for _, base := range []decomp.PCA{{Components: 3}, {Components: 3, Whiten: decomp.WhitenPCA}} {
		m, err := base.Fit(ctx, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := quant.Projection{}.Quantize(ctx, m, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		lost, err := quant.Distortion(m, q, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range lost {
			if !(v > 0 && v < 0.02) {
				t.Errorf("output %d of %d loses %v", j, m.OutFeatures(), v)
			}
		}
		if got := q.Bytes(); got != 3*30+8*(30+30+3+3) {
			t.Errorf("%d bytes", got)
		}
	}
}

// Distortion against its definition, with weights as repeated rows.
func TestDistortion(t *testing.T) {
	X := linalg.NewDense(3, 1, []float64{1, 2, 4})
	before, after := double{1, 0}, double{1, 0.5}
	got, err := quant.Distortion(before, after, X, []float64{2, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	// Outputs 2, 2, 8 have a mean of 4 and a variance of 8; each differs by 0.5.
	if want := 0.5 / math.Sqrt(8); math.Abs(got[0]-want) > 1e-15 {
		t.Errorf("%v, want %v", got[0], want)
	}
	if got, err := quant.Distortion(before, before, X, nil); err != nil || got[0] != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	flat := linalg.NewDense(2, 1, []float64{1, 1})
	if got, err := quant.Distortion(before, after, flat, nil); err != nil || !math.IsInf(got[0], 1) {
		t.Errorf("of a constant: %v, %v", got, err)
	}
}

// double is 2x + add for d features.
type double struct {
	d   int
	add float64
}

func (m double) Features() int    { return m.d }
func (m double) OutFeatures() int { return m.d }

func (m double) TransformRow(dst, x []float64) error {
	for j, v := range x {
		dst[j] = 2*v + m.add
	}
	return nil
}

func (m double) Transform(_ []float64, X gram.Matrix) ([]float64, error) {
	n, d := X.Dims()
	out := make([]float64, 0, n*d)
	for i := range n {
		for j := range d {
			out = append(out, 2*X.At(i, j)+m.add)
		}
	}
	return out, nil
}

func TestBadProjection(t *testing.T) {
	ctx := context.Background()
	X, _ := sample(40, 5, 2)
	_, err := quant.Projection{}.Fit(ctx, X, nil, nil)
	wantError(t, err, gram.ErrParam, "no Base")
	bent, err := prep.Normalizer{}.Fit(ctx, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = quant.Projection{}.Quantize(ctx, bent, X, nil)
	wantError(t, err, gram.ErrParam, "not affine: output")
	_, err = quant.Projection{}.Quantize(ctx, double{3, 0}, X, nil)
	wantError(t, err, gram.ErrShape, "5")
	_, err = quant.Distortion(double{5, 0}, double{4, 0}, X, nil)
	wantError(t, err, gram.ErrShape, "5 outputs before and 4 after")
	_, err = quant.Distortion(double{5, 0}, double{5, 1}, X, []float64{1})
	wantError(t, err, gram.ErrShape, "w has 1 weights")
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = quant.Projection{}.Quantize(canceled, double{5, 0}, X, nil)
	wantError(t, err, context.Canceled, "")
}
