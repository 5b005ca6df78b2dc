package gram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
	"gonum.org/v1/gonum/mat"
)

var ctx = context.Background()

func TestTinyConformance(t *testing.T) {
	modeltest.Check(t, scale{})
	modeltest.Check(t, head{})
	modeltest.Check(t, centroid{})
	modeltest.Check(t, line{})
}

func TestPipelineConformance(t *testing.T) {
	steps := []gram.TransformerTrainer{scale{}, head{3}, gram.TransformerPipeline{Steps: []gram.TransformerTrainer{scale{}}}}
	for _, trainer := range []any{
		gram.ClassifierPipeline{Steps: steps, Last: centroid{}},
		gram.ClassifierPipeline{Last: gram.ClassifierPipeline{Last: centroid{}}},
		gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: linear.Softmax{}},
		gram.RegressorPipeline{Steps: steps, Last: line{}},
		gram.RegressorPipeline{Last: line{}},
		gram.TransformerPipeline{Steps: steps},
		gram.TransformerPipeline{Steps: steps[1:2]},
	} {
		modeltest.Check(t, trainer)
	}
}

// ramp returns an n×d matrix of distinct numbers, labels of two classes, and targets.
func ramp(n, d int) (X *linalg.Dense[float64], y []int, targets []float64) {
	X = linalg.NewDense[float64](n, d, nil)
	for i := range X.Data {
		X.Data[i] = math.Sin(float64(i)) + float64(i%d)
	}
	y, targets = make([]int, n), make([]float64, n)
	for i := range n {
		y[i] = i % 2
		targets[i] = float64(i)
	}
	return X, y, targets
}

// atOnly hides everything but the methods of gram.Matrix.
type atOnly struct{ m gram.Matrix }

func (a atOnly) Dims() (rows, cols int) { return a.m.Dims() }
func (a atOnly) At(i, j int) float64    { return a.m.At(i, j) }

// TestPipelineBlocks: predictions of more rows than a block holds are those of the
// steps applied one by one to all of X, for each kind of matrix.
func TestPipelineBlocks(t *testing.T) {
	const n, d = 50, 3000 // 43 rows a block
	X, y, targets := ramp(n, d)
	s, err := scale{}.Fit(ctx, X, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	z, _ := s.Transform(nil, X)
	Z := linalg.NewDense(n, d, z)

	clf, err := centroid{}.Fit(ctx, Z, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	classes, _ := clf.Predict(nil, Z)
	probs, _ := clf.PredictProba(nil, Z)
	reg, err := line{}.Fit(ctx, Z, targets, nil)
	if err != nil {
		t.Fatal(err)
	}
	values, _ := reg.Predict(nil, Z)

	steps := []gram.TransformerTrainer{scale{}}
	pc, err := gram.ClassifierPipeline{Steps: steps, Last: centroid{}}.Fit(ctx, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	pr, err := gram.RegressorPipeline{Steps: steps, Last: line{}}.Fit(ctx, X, targets, nil)
	if err != nil {
		t.Fatal(err)
	}
	pt, err := gram.TransformerPipeline{Steps: append(steps, head{d})}.Fit(ctx, X, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	wide := linalg.NewDense[float64](n, d+5, nil)
	view := wide.Slice(0, n, 2, d+2)
	for i := range n {
		copy(view.Row(i), X.Row(i))
	}
	for _, m := range []gram.Matrix{X, view, linalg.ToGonum(view), mat.DenseCopyOf(X), atOnly{X}, linalg.AsOperator(X)} {
		gotClasses, err1 := pc.Predict(nil, m)
		gotProbs, err2 := pc.PredictProba(nil, m)
		gotValues, err3 := pr.Predict(nil, m)
		gotZ, err4 := pt.Transform(nil, m)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if !slices.Equal(gotClasses, classes) || !slices.Equal(gotProbs, probs) || !slices.Equal(gotValues, values) || !slices.Equal(gotZ, z) {
			t.Errorf("%T: predictions differ from those of the steps", m)
		}
	}
}

// TestPipelineMemory: a prediction takes memory for blocks, not for X.
func TestPipelineMemory(t *testing.T) {
	const n, d = 1000, 1000 // 8 MB
	X, _, _ := ramp(n, d)
	m, err := gram.TransformerPipeline{Steps: []gram.TransformerTrainer{head{d}, head{d}, head{1}}}.Fit(ctx, X, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := m.Transform(nil, atOnly{X}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<20 {
		t.Errorf("transforming %d bytes takes %d", 8*n*d, taken)
	}
}

// seen trains a transformer that keeps all columns and notes how X came to it.
type seen struct{ forms *[]string }

type seenModel struct {
	headModel
	forms *[]string
}

func (s seen) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	_, d := X.Dims()
	return &seenModel{headModel{d, d}, s.forms}, nil
}

func (m *seenModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	form := "Matrix"
	switch X.(type) {
	case gram.Operator:
		form = "Operator"
	case gram.RowBlocker:
		form = "RowBlocker"
	}
	*m.forms = append(*m.forms, form)
	return m.headModel.Transform(dst, X)
}

// TestPipelineForms: an Operator, which may be sparse, reaches the first step as one;
// steps pass each other row blocks.
func TestPipelineForms(t *testing.T) {
	X, _, _ := ramp(5, 3)
	var forms []string
	m, err := gram.TransformerPipeline{Steps: []gram.TransformerTrainer{seen{&forms}, seen{&forms}, seen{&forms}}}.Fit(ctx, X, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		X    gram.Matrix
		want []string
	}{
		{linalg.AsOperator(X), []string{"Operator", "RowBlocker", "RowBlocker"}},
		{X, []string{"RowBlocker", "RowBlocker", "RowBlocker"}},
		{atOnly{X}, []string{"RowBlocker", "RowBlocker", "RowBlocker"}},
	} {
		forms = nil
		if _, err := m.Transform(nil, c.X); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(forms, c.want) {
			t.Errorf("%T came as %q, want %q", c.X, forms, c.want)
		}
	}
}

// TestPipelineOperatorRows: a block of an Operator multiplies as the rows it stands for.
func TestPipelineOperatorRows(t *testing.T) {
	const n, d = 30, 5000 // 26 rows a block
	X, _, _ := ramp(n, d)
	b := make([]float64, d*2)
	for i := range b {
		b[i] = float64(i % 7)
	}
	want := make([]float64, n*2)
	op := linalg.AsOperator(X)
	op.MulRows(want, 0, n, b, 2)
	xxb := make([]float64, d*2)
	op.AddTransMulRows(xxb, 0, n, want, 2)

	p := &products{b: b, sum: make([]float64, d*2)}
	// The second step makes the pipeline cut X into blocks for the first.
	m, err := gram.TransformerPipeline{Steps: []gram.TransformerTrainer{p, head{2}}}.Fit(ctx, op, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	clear(p.sum)
	got, err := m.Transform(nil, op)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if math.Abs(v-want[i]) > 1e-9*math.Abs(want[i]) {
			t.Fatalf("X·B has %v at %d, want %v", v, i, want[i])
		}
	}
	for i, v := range p.sum {
		if math.Abs(v-xxb[i]) > 1e-9*math.Abs(xxb[i])+1e-6 {
			t.Fatalf("Xᵀ·X·B has %v at %d, want %v", v, i, xxb[i])
		}
	}
}

// products trains itself, a model that multiplies by b and sums Xᵀ·X·b.
type products struct {
	headModel
	b, sum []float64
}

func (p *products) TrainTransformer(context.Context, gram.Matrix, []float64, []float64) (gram.Transformer, error) {
	p.in, p.out = len(p.b)/2, 2
	return p, nil
}

func (p *products) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	op := X.(gram.Operator)
	n, d := X.Dims()
	if dst == nil {
		dst = make([]float64, 2*n)
	}
	block, stride := op.RowBlock(make([]float64, n*d), 0, n)
	if block[(n-1)*stride+d-1] != X.At(n-1, d-1) {
		return nil, errors.New("RowBlock and At differ")
	}
	op.MulRows(dst, 0, n, p.b, 2)
	op.AddTransMulRows(p.sum, 0, n, dst, 2)
	return dst, nil
}

// stub trains nothing: it returns what it is told.
type stub struct {
	model gram.Transformer
	err   error
}

func (s stub) TrainTransformer(context.Context, gram.Matrix, []float64, []float64) (gram.Transformer, error) {
	return s.model, s.err
}

// brittle fails when asked.
type brittle struct {
	headModel
	err error
}

func (b *brittle) Transform([]float64, gram.Matrix) ([]float64, error) { return nil, b.err }
func (b *brittle) TransformRow(_, _ []float64) error                   { return b.err }

// slow is a last step that does not converge.
type slow struct{}

func (slow) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := centroid{}.Fit(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, fmt.Errorf("9 iterations: %w", gram.ErrNotConverged)
}

func (slow) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := line{}.Fit(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, fmt.Errorf("9 iterations: %w", gram.ErrNotConverged)
}

func wantErr(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v does not wrap %v", err, kind)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func TestPipelineFitErrors(t *testing.T) {
	X, y, targets := ramp(8, 4)
	classify := func(last gram.ClassifierTrainer, steps ...gram.TransformerTrainer) error {
		m, err := gram.ClassifierPipeline{Steps: steps, Last: last}.Fit(ctx, X, y, nil)
		if m != nil {
			t.Errorf("a model beside the error %v", err)
		}
		return err
	}
	regress := func(last gram.RegressorTrainer, steps ...gram.TransformerTrainer) error {
		m, err := gram.RegressorPipeline{Steps: steps, Last: last}.Fit(ctx, X, targets, nil)
		if m != nil {
			t.Errorf("a model beside the error %v", err)
		}
		return err
	}
	transform := func(steps ...gram.TransformerTrainer) error {
		m, err := gram.TransformerPipeline{Steps: steps}.Fit(ctx, X, nil, nil)
		if m != nil {
			t.Errorf("a model beside the error %v", err)
		}
		return err
	}
	boom := errors.New("boom")
	wrong := stub{model: &brittle{headModel{4, 4}, boom}}
	wide := stub{model: &headModel{4, 2}} // whose successor below takes 3
	next := stub{model: &headModel{3, 3}}

	wantErr(t, classify(nil), gram.ErrParam, "Last is nil")
	wantErr(t, regress(nil), gram.ErrParam, "Last is nil")
	wantErr(t, transform(), gram.ErrParam, "no steps")
	wantErr(t, classify(centroid{}, scale{}, nil), gram.ErrParam, "step 1 is nil")
	wantErr(t, regress(line{}, nil), gram.ErrParam, "step 0 is nil")
	wantErr(t, transform(scale{}, nil), gram.ErrParam, "step 1 is nil")
	wantErr(t, classify(centroid{}, scale{}, head{9}), gram.ErrParam, "step 1: Columns is 9, X has 4")
	wantErr(t, regress(line{}, stub{err: boom}), boom, "step 0: boom")
	wantErr(t, transform(scale{}, scale{}, stub{err: boom}), boom, "step 2: boom")
	wantErr(t, transform(scale{}, stub{err: boom}, scale{}), boom, "step 1: boom")
	wantErr(t, classify(centroid{}, scale{}, wrong), boom, "step 1: boom")
	wantErr(t, transform(wide, next), gram.ErrShape, "step 0 returns 2 features, the next takes 3")

	y[3] = -1
	wantErr(t, classify(centroid{}, scale{}), gram.ErrLabels, "last step: label -1 in row 3")
	targets[3] = math.NaN()
	wantErr(t, regress(line{}, scale{}), gram.ErrNonFinite, "last step: target of row 3 is NaN")
	X.Set(2, 1, math.Inf(1))
	wantErr(t, classify(centroid{}, scale{}), gram.ErrNonFinite, "step 0: row 2, column 1 is +Inf")
}

func TestPipelineNotConverged(t *testing.T) {
	X, y, targets := ramp(8, 4)
	first := stub{&headModel{4, 4}, fmt.Errorf("7 iterations: %w", gram.ErrNotConverged)}
	steps := []gram.TransformerTrainer{scale{}, first}

	c, err := gram.ClassifierPipeline{Steps: steps, Last: slow{}}.Fit(ctx, X, y, nil)
	wantErr(t, err, gram.ErrNotConverged, "step 1: 7 iterations", "last step: 9 iterations")
	if _, err := c.Predict(nil, X); err != nil {
		t.Error(err)
	}
	r, err := gram.RegressorPipeline{Steps: steps, Last: line{}}.Fit(ctx, X, targets, nil)
	wantErr(t, err, gram.ErrNotConverged, "step 1: 7 iterations")
	if _, err := r.Predict(nil, X); err != nil {
		t.Error(err)
	}
	r, err = gram.RegressorPipeline{Last: slow{}}.Fit(ctx, X, targets, nil)
	wantErr(t, err, gram.ErrNotConverged, "last step: 9 iterations")
	if r == nil {
		t.Error("no model")
	}
	tr, err := gram.TransformerPipeline{Steps: append(steps, first)}.Fit(ctx, X, nil, nil)
	wantErr(t, err, gram.ErrNotConverged, "step 1: 7 iterations", "step 2: 7 iterations")
	if _, err := tr.Transform(nil, X); err != nil {
		t.Error(err)
	}
}

// TestPipelinePredictErrors: a step that fails is named, and the block of rows it
// counts from.
func TestPipelinePredictErrors(t *testing.T) {
	const n, d = 40, 4000 // 32 rows a block
	X, y, targets := ramp(n, d)
	boom := errors.New("row 3 is odd")
	bad := &late{headModel: headModel{d, 4}, err: boom}
	steps := []gram.TransformerTrainer{stub{model: bad}}
	c, err1 := gram.ClassifierPipeline{Steps: steps, Last: centroid{}}.Fit(ctx, X, y, nil)
	r, err2 := gram.RegressorPipeline{Steps: steps, Last: line{}}.Fit(ctx, X, targets, nil)
	m, err3 := gram.TransformerPipeline{Steps: append(steps, head{})}.Fit(ctx, X, nil, nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	const where = "counting rows from 32: step 0: row 3 is odd"
	check := func(some bool, err error, text string) {
		t.Helper()
		wantErr(t, err, boom, text)
		if some {
			t.Errorf("results beside the error %v", err)
		}
	}
	for _, f := range []func() (bool, error){
		func() (bool, error) { y, err := c.Predict(nil, X); return y != nil, err },
		func() (bool, error) { y, err := c.PredictProba(nil, X); return y != nil, err },
		func() (bool, error) { y, err := r.Predict(nil, X); return y != nil, err },
		func() (bool, error) { y, err := m.Transform(nil, X); return y != nil, err },
	} {
		bad.blocks = 0
		some, err := f()
		check(some, err, where)
	}
	x := X.Row(0)
	_, err := c.PredictRow(x)
	check(false, err, "step 0: row 3")
	check(false, c.PredictProbaRow(make([]float64, 2), x), "step 0: row 3")
	_, err = r.PredictRow(x)
	check(false, err, "step 0: row 3")
	check(false, m.TransformRow(make([]float64, 2), x), "step 0: row 3")
}

// late fails in its second block after blocks was set to 0, and in rows; it begins
// beyond that.
type late struct {
	headModel
	err    error
	blocks int
}

func (l *late) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	if n, _ := X.Dims(); n < 40 {
		if l.blocks++; l.blocks == 2 {
			return nil, l.err
		}
	}
	return l.headModel.Transform(dst, X)
}

func (l *late) TransformRow(_, _ []float64) error { return l.err }

func TestPipelineParts(t *testing.T) {
	X, y, targets := ramp(8, 4)
	steps := []gram.TransformerTrainer{scale{}, head{3}}
	c, err1 := gram.ClassifierPipeline{Steps: steps, Last: centroid{}}.Fit(ctx, X, y, nil)
	r, err2 := gram.RegressorPipeline{Steps: steps, Last: line{}}.Fit(ctx, X, targets, nil)
	m, err3 := gram.TransformerPipeline{Steps: steps}.Fit(ctx, X, nil, nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for _, parts := range [][]gram.Transformer{c.Steps(), r.Steps(), m.Steps()} {
		if len(parts) != 2 {
			t.Fatalf("%d steps", len(parts))
		}
		if _, ok := parts[0].(*scaleModel); !ok {
			t.Errorf("step 0 is a %T", parts[0])
		}
		if _, ok := parts[1].(*headModel); !ok {
			t.Errorf("step 1 is a %T", parts[1])
		}
		clear(parts)
	}
	if c.Steps()[0] == nil || m.Steps()[1] == nil {
		t.Error("Steps returns the model's own slice")
	}
	if _, ok := c.Last().(*centroidModel); !ok {
		t.Errorf("the classifier is a %T", c.Last())
	}
	if _, ok := r.Last().(*lineModel); !ok {
		t.Errorf("the regressor is a %T", r.Last())
	}
	if m.Features() != 4 || m.OutFeatures() != 3 {
		t.Errorf("%d to %d features", m.Features(), m.OutFeatures())
	}
}

// TestPipelineLoadMisfit: steps that do not fit each other do not load, whatever the
// checksum says.
func TestPipelineLoadMisfit(t *testing.T) {
	X, y, _ := ramp(8, 4)
	m, err := gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{head{4}}, Last: centroid{}}.Fit(ctx, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := save(t, m)
	// The payload of head is its two counts, 4 and 4.
	four := []byte{4, 0, 0, 0, 0, 0, 0, 0}
	at := bytes.Index(data, append(four, four...))
	if at < 0 {
		t.Fatal("no head in the data")
	}
	data[at+8] = 3
	_, err = gram.Load(bytes.NewReader(seal(data)))
	wantErr(t, err, gram.ErrFormat, `format "gram.PipelineClassifier": step 0 returns 3 features, the next takes 4`)
}
